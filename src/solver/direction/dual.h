/*
  Direction dual: what its two files share, the options and iterations (dual.c) and the linear system (dual_system.c).
*/
#ifndef DUAL_H
#define DUAL_H

#include <engd/private.h>

typedef struct {
  PetscBool   krylov, formed, corrected;
  EngdNTKForm form;
  PetscReal   momentum;
  PetscReal   bytes;  /* on the rank that needs most */
  PetscInt    nrows;  /* of J on this rank */
  EngdNTK     kernel; /* NULL when no kernel is formed */
  Mat         J;
  Mat         K;          /* Blocks of equal size for all ranks, with the unit matrix where a rank has fewer rows. */
  Mat         A;          /* krylov: K + lambda I as a shell */
  EngdPanels  factor;     /* cholesky */
  Vec         R, y;       /* rows of J */
  Vec         Kx, Ky;     /* rows of K */
  Vec         phi, Jt;    /* parameters: phi, and J^T y */
  PetscReal   lambda;     /* of A */
  PetscInt    k;          /* iterations since the momentum began */
  PetscInt64  generation; /* Of the functional at the last direction. */
  PetscInt64  filled;     /* Of the functional that K belongs to. */
} EngdDual;

/* Form: K at the present theta and points, an error when it is not finite. Solve: y = (K + lambda I)^{-1} R with the damping
   of the solver, which Cholesky may raise. All are collective. */
PETSC_INTERN PetscErrorCode EngdDualSetUpSystem(EngdDual *, EngdSolver);
PETSC_INTERN PetscErrorCode EngdDualFormKernel(EngdDual *, EngdFunctional);
PETSC_INTERN PetscErrorCode EngdDualSolve(EngdDual *, EngdSolver, PetscInt *its);

#endif
