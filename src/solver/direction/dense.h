/*
  Direction dense: what its files share, the types, options and iterations (dense.c), and the operator with its factors on one rank or
  all (dense_operator.c).
*/
#ifndef DENSE_H
#define DENSE_H

#include <engd/private.h>
#include <petscblaslapack.h>

typedef enum { DENSE_LDLT, DENSE_EIGEN, DENSE_ABSOLUTE, DENSE_CUBIC } EngdDenseType;

typedef struct {
  EngdDenseType      type;
  PetscReal          epsilon;
  PetscReal          ema;
  PetscReal          initial_M; /* Of cubic: the option. */
  PetscReal          M;         /* The present one. */
  PetscInt           refresh;   /* Iterations from one H to the next. */
  PetscInt           spread;    /* The order from which on one block is spread over the ranks; 0: where it pays. */
  PetscInt           age;       /* Iterations that the present H has served. */
  PetscInt64         formed;    /* The generation of the functional that H belongs to. */
  PetscInt64         used;      /* The generation of the last direction. */
  EngdDiagonalBlocks blocks;
  VecScatter         scatter; /* distributed -> whole on rank 0 */
  Vec                root;
  EngdSpread         parts;    /* H, and its eigenvectors, where all ranks have a part of them */
  PetscReal         *H;        /* rank 0: without lambda; where there are parts, or elsewhere, a part of the sum */
  PetscReal         *V;        /* rank 0: its factors, NULL where they overwrite H */
  PetscReal         *l;        /* (p) on rank 0: eigenvalues. */
  PetscReal         *c;        /* (p) on rank 0: the gradient in the basis of the eigenvectors. */
  PetscReal         *y;        /* (p) on rank 0: the direction in that basis. */
  PetscReal          lambda;   /* ldlt: that V holds factors of H + lambda I with */
  PetscBLASInt      *pivot;    /* (p) */
  EngdPanels         panels;   /* ldlt: factors of H + lambda I in parts */
  PetscBool          positive; /* They are Cholesky's, else LU's. */
  PetscReal         *whole;    /* (p) on all ranks, for that */
  PetscBool          predicts; /* Of cubic, on rank 0: the last direction is that of the model. */
  /* The model says that the loss changes by s linear + s^2 quadratic + s^3 cube along it. */
  PetscReal linear, quadratic, cube;
} EngdDense;

/* Pays: the order from which on one block is spread over the ranks by itself.  Bytes: on the rank that needs most.  Form: H, or the
   average with a new one.  Factor: H + lambda I, or H = V diag(l) V^T; all ranks fail alike.  Solve: x <- (H + lambda I)^{-1} x.
   Mult: y = V x or V^T x. Vectors are on rank 0. All but Pays are collective. */
PETSC_INTERN PetscInt       EngdDensePays(const EngdDense *);
PETSC_INTERN PetscErrorCode EngdDenseOperatorBytes(const EngdDense *, EngdFunctional, PetscReal *bytes);
PETSC_INTERN PetscErrorCode EngdDenseSetUpOperator(EngdDense *, EngdSolver);
PETSC_INTERN PetscErrorCode EngdDenseForm(EngdDense *, EngdSolver);
PETSC_INTERN PetscErrorCode EngdDenseFactor(EngdDense *, EngdSolver, PetscReal lambda);
PETSC_INTERN PetscErrorCode EngdDenseSolve(EngdDense *, EngdSolver, PetscReal x[]);
PETSC_INTERN PetscErrorCode EngdDenseMult(EngdDense *, const char trans[], const PetscReal x[], PetscReal y[]);
PETSC_INTERN PetscErrorCode EngdDenseOperatorState(EngdDense *, EngdSolver, EngdArchive);
PETSC_INTERN PetscErrorCode EngdDenseDestroyOperator(EngdDense *);

#endif
