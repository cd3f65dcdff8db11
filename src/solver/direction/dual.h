/*
  Direction dual: what its files share, the options and iterations (dual.c), the linear system (dual_system.c) and what a kernel in
  float32 needs to solve it as float64 does (dual_single.c).
*/
#ifndef DUAL_H
#define DUAL_H

#include <engd/private.h>

typedef struct {
  PetscInt   solver, form;   /* as asked for: auto, cholesky, krylov; EngdNTKForm, or none */
  PetscBool  krylov, formed; /* what came of it */
  PetscBool  corrected;
  PetscReal  momentum;
  PetscBool  single;     /* K by products in float32 */
  PetscInt   directions; /* of each layer that stay in float64 */
  PetscInt   wait, left; /* iterations in float64 after float32 was too little, and those that are left */
  PetscReal  norm;       /* Frobenius', of K in float32 */
  KSP        correction; /* single: on A, preconditioned by the factors */
  PetscReal  bytes;      /* on the rank that needs most */
  PetscInt   nrows;      /* of J on this rank */
  EngdNTK    kernel;     /* NULL when no kernel is formed */
  Mat        J;
  Mat        K;          /* Blocks of equal size for all ranks, with the unit matrix where a rank has fewer rows. */
  Mat        A;          /* krylov or single: K + lambda I as a shell */
  EngdPanels factor;     /* cholesky */
  Vec        R, y;       /* rows of J */
  Vec        Kx, Ky;     /* rows of K */
  Vec        phi, Jt;    /* parameters: phi, and J^T y */
  PetscReal  lambda;     /* of A */
  PetscInt   k;          /* iterations since the momentum began */
  PetscInt64 generation; /* Of the functional at the last direction. */
  PetscInt64 filled;     /* Of the functional that K belongs to. */
} EngdDual;

/* Form: K at the present theta and points, an error when it is not finite. Solve: y = (K + lambda I)^{-1} R with the damping
   of the solver, which Cholesky may raise. All are collective. */
PETSC_INTERN PetscErrorCode EngdDualSetUpSystem(EngdDual *, EngdSolver);
PETSC_INTERN PetscErrorCode EngdDualFormKernel(EngdDual *, EngdFunctional);
PETSC_INTERN PetscErrorCode EngdDualSolve(EngdDual *, EngdSolver, PetscInt *its);
/* factor = K + lambda I = L L^T; done: is it positive to rounding. x <- (L L^T)^{-1} b, rows of J */
PETSC_INTERN PetscErrorCode EngdDualFactor(EngdDual *, PetscReal lambda, PetscBool *done);
PETSC_INTERN PetscErrorCode EngdDualApply(EngdDual *, Vec b, Vec x);
/* y to the residual that float64 leaves, from the factors of a kernel in float32; done: could it be reached */
PETSC_INTERN PetscErrorCode EngdDualSetUpCorrection(EngdDual *, MPI_Comm);
PETSC_INTERN PetscErrorCode EngdDualSolveCorrected(EngdDual *, EngdSolver, PetscInt *its, PetscBool *done);

#endif
