/*
  The operators of a functional as matrices: shells of products, and what is written out of them. (src/operators)

    J   Jacobian of the weighted residual        G = J^T W J + lambda I   Gramian, or the exact Hessian in its place
    A   rows of the roots of W, A^T A = G        K = A A^T                (neural tangent) kernel
*/
#ifndef ENGD_OPERATORS_H
#define ENGD_OPERATORS_H

#include <engd/functional.h>

/* gramian.c: the shell of a sum of products of blocks, work->out += A_b work->in, and of damping; for G and for the Hessian */
PETSC_INTERN PetscErrorCode EngdGramianCreateShell(EngdFunctional, const char name[], PetscLogEvent, EngdBlockVisit,
                                                   Mat *);
PETSC_INTERN PetscErrorCode EngdGramianGetFunctional(Mat G, EngdFunctional *);
PETSC_INTERN PetscErrorCode EngdGramianGetDamping(Mat G, PetscReal *);
/* layers.c: what of it is within each layer */
PETSC_INTERN PetscErrorCode EngdGramianCreateLayers(Mat G, Mat *);

/*
  What a preconditioner asks of any operator A + lambda I. A matrix answers by composed functions of the same names with _C:
  the lambda that its products contain (known = false when it does not say), the functional whose theta and points it
  follows (NULL: none).
*/
PETSC_INTERN PetscErrorCode EngdMatGetDamping(Mat, PetscReal *lambda, PetscBool *known);
PETSC_INTERN PetscErrorCode EngdMatGetFunctional(Mat, EngdFunctional *);

/* matmatmult.c: C = G B; C = J B or J^T B: what MatMatMult() of the shells with dense matrices does. Collective */
PETSC_INTERN PetscErrorCode EngdGramianMatMatMult(EngdFunctional, PetscReal lambda, Mat G, Mat B, Mat C);
PETSC_INTERN PetscErrorCode EngdJacobianMatMatMult(EngdFunctional, PetscBool transpose, Mat J, Mat B, Mat C);
PETSC_INTERN PetscErrorCode EngdMatMatWorkDestroy(EngdMatMatWork *);

/*
  explicit_jacobian.c: A written out, by rows (nrows, p) on each rank, or by columns (p_local, N). HasResidual: are these rows
  R's, so that A^T R is the gradient. Collective but for CountRows, HasResidual and BlockBytes
*/
PETSC_INTERN PetscErrorCode EngdExplicitCountRows(EngdFunctional, PetscInt *nrows);
PETSC_INTERN PetscErrorCode EngdExplicitCountAllRows(EngdFunctional, PetscInt *N);
PETSC_INTERN PetscErrorCode EngdExplicitHasResidual(EngdFunctional, PetscBool *);
PETSC_INTERN PetscErrorCode EngdExplicitBytes(EngdFunctional, PetscBool by_columns, PetscReal *);
PETSC_INTERN PetscErrorCode EngdExplicitFillRows(EngdFunctional, PetscInt lda, PetscReal A[]);
/* (nrows, m): the columns of these m parameters alone. */
PETSC_INTERN PetscErrorCode EngdExplicitFillSome(EngdFunctional, PetscInt m, const PetscInt column[], PetscInt lda,
                                                 PetscReal A[]);
PETSC_INTERN PetscErrorCode EngdExplicitFillColumns(EngdFunctional, const PetscInt ranges[], PetscInt lda,
                                                    PetscReal A[]);
PETSC_INTERN size_t         EngdExplicitBlockBytes(EngdFunctional);
/* Room for the rows of one root on the largest block, for F->rows.x or y, at the first call. */
PETSC_INTERN PetscErrorCode EngdExplicitReserve(EngdFunctional, PetscReal **rows);

/* How much of the Gramian a direction solves with: all, what is within each layer, the diagonal. */
typedef enum { ENGD_STRUCTURE_FULL, ENGD_STRUCTURE_LAYER, ENGD_STRUCTURE_DIAGONAL } EngdStructure;
PETSC_INTERN PetscErrorCode EngdDiagonalBlocksCreate(EngdModel, EngdStructure, EngdDiagonalBlocks *);
PETSC_INTERN PetscErrorCode EngdDiagonalBlocksDestroy(EngdDiagonalBlocks *);

/* One block that all ranks have parts of, in one of two ways; the other is NULL. */
typedef struct {
  EngdEigen  eigen;
  EngdPanels panels; /* Square. */
} EngdSpread;

/*
  explicit_gramian.c: these blocks of G, or of the Hessian, written out without damping: A = beta A + (1 - beta) G on rank 0, upper
  triangles. With the last argument that in place of A. Collective
*/
PETSC_INTERN PetscErrorCode EngdExplicitGramian(Mat G, const EngdDiagonalBlocks *, PetscReal beta, PetscReal A[],
                                                const EngdSpread *);
PETSC_INTERN PetscReal      EngdExplicitGramianBytes(EngdFunctional, const EngdDiagonalBlocks *);

/* ntk/: row blocks of K on the ranks, each layer by Gram matrices or rows. Create, Fill, View, Destroy: collective */
typedef struct _n_EngdNTK *EngdNTK;
typedef enum { ENGD_NTK_AUTO, ENGD_NTK_GRAM, ENGD_NTK_ROWS } EngdNTKForm;
/* In the place of a number of directions: products in float64. */
#define ENGD_NTK_DOUBLE (-1)
PETSC_INTERN PetscErrorCode EngdNTKCreate(EngdFunctional, EngdNTKForm, PetscInt directions, EngdNTK *);
PETSC_INTERN void      EngdNTKSetSingle(EngdNTK, PetscBool single); /* In the next fill; no more than at creation. */
PETSC_INTERN PetscBool EngdNTKIsFilledSingle(EngdNTK);              /* Was it, in the last fill, in any layer? */
PETSC_INTERN PetscReal EngdNTKGetRounding(EngdNTK);                 /* Of products in float32, in the last fill. */
PETSC_INTERN PetscErrorCode EngdNTKGetBytes(EngdNTK, PetscReal *);
PETSC_INTERN PetscInt       EngdNTKLargestRows(EngdNTK);
PETSC_INTERN PetscErrorCode EngdNTKFill(EngdNTK, PetscInt ld, PetscReal K[]);
PETSC_INTERN PetscErrorCode EngdNTKView(EngdNTK, PetscViewer);
PETSC_INTERN PetscErrorCode EngdNTKDestroy(EngdNTK *);

#endif
