/*
  Private to src/preconditioners: Kronecker-factored blocks and the state of preconditioner kfac.

  Layer l of the network has the block X (n_out, n_in + 1) = (W_l | b_l) of theta, and the metric
  A_1 (x) B_1 + A_2 (x) B_2 on it: group 1 the terms with derivatives, group 2 the terms that read only the value.
*/
#ifndef ENGD_KFAC_H
#define ENGD_KFAC_H

#include "shell.h"

#define ENGD_KFAC_GROUPS 2

/* A_1 (x) B_1 + A_2 (x) B_2 on matrices X (m, n), and its inverse. Symmetric factors hold their upper triangle. */
typedef struct {
  PetscInt   m, n;
  PetscReal *A[ENGD_KFAC_GROUPS]; /* (n, n), NULL when the group is left out */
  PetscReal *B[ENGD_KFAC_GROUPS]; /* (m, m), likewise */
  PetscReal *KA, *sA;             /* (n, n), [n]: K^T A_1 K = I, K^T A_2 K = diag(s) */
  PetscReal *KB, *sB;             /* (m, m), [m] */
} EngdKronecker;

/* What may go wrong in an inversion */
typedef enum {
  ENGD_KRONECKER_FINE,
  ENGD_KRONECKER_NONFINITE,
  ENGD_KRONECKER_EIGEN,
  ENGD_KRONECKER_ZERO
} EngdKroneckerFailure;

/* Create: factors F_0 = I for the groups present. Invert: with lambda I added to each factor. Apply: X <- inverse X,
   work (m, n). Extremes: the smallest and largest eigenvalue of a symmetric matrix of order n. All are local. */
PETSC_INTERN PetscErrorCode EngdKroneckerCreate(PetscInt m, PetscInt n, const PetscBool present[], EngdKronecker *);
PETSC_INTERN PetscErrorCode EngdKroneckerInvert(EngdKronecker *, PetscReal lambda, EngdKroneckerFailure *);
PETSC_INTERN PetscErrorCode EngdKroneckerApply(const EngdKronecker *, PetscReal X[], PetscReal work[]);
PETSC_INTERN PetscErrorCode EngdKroneckerExtremes(PetscInt n, const PetscReal F[], PetscReal extremes[2]);
PETSC_INTERN PetscErrorCode EngdKroneckerDestroy(EngdKronecker *);

typedef struct {
  PetscMPIInt   owner;
  PetscInt      offset;                    /* of X in theta */
  PetscInt      start;                     /* of X in what its owner holds */
  PetscBool     present[ENGD_KFAC_GROUPS]; /* does any term of the group read the network of the layer */
  EngdKronecker block;                     /* factors and inverse: at the owner only */
} EngdKfacLayer;

typedef struct {
  PetscReal      damping, ema;
  PetscInt       update_every, invert_every;
  size_t         room; /* numbers that the sums of a rank may take in any case */
  EngdFunctional functional;
  EngdPCPoint    point; /* of the last set-up; all below belongs to its Gramian */
  PetscInt       setups, updates, inversions;
  PetscInt       nlayers;
  EngdKfacLayer *layer;
  Vec            owned; /* the layers of each rank, one after the other */
  VecScatter     scatter;
  PetscReal     *work; /* as large as the largest block */
} EngdKfac;

/* the state behind a PC of type kfac; which group a term belongs to; F <- beta F + (1 - beta) F_new at the owners; numbers that this
   allocates for a while; kfac_view.c: what -tao_view shows */
PETSC_INTERN PetscErrorCode EngdKfacGet(PC, EngdKfac **);
PETSC_INTERN PetscInt       EngdKfacGroup(EngdFunctional, PetscInt term);
PETSC_INTERN PetscErrorCode EngdKfacUpdateFactors(EngdKfac *);
PETSC_INTERN size_t         EngdKfacCountSums(const EngdKfac *);
PETSC_INTERN PetscErrorCode EngdKfacView(PC, PetscViewer);

#endif
