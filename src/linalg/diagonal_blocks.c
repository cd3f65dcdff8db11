/*
  Block diagonal symmetric matrices: each block by LAPACK, as in symmetric.c.

    A_b = V_b diag(l_b) V_b^T      A_b + lambda I = U_b D_b U_b^T      y_b = V_b x_b      x_b <- A_b^{-1} x_b

  The blocks stand one after the other (EngdDiagonalBlocks), and so do vectors of all rows. Everything is local.
*/
#include <engd/private.h>

/* V over A, l ascending within each block; info: LAPACK's, of the first block that fails */
PetscErrorCode EngdDiagonalBlocksEigen(const EngdDiagonalBlocks *blocks, PetscReal A[], PetscReal l[], PetscInt *info)
{
  PetscFunctionBeginUser;
  *info = 0;
  for (PetscInt b = 0; !*info && b < blocks->n; b++) {
    const PetscInt first = blocks->start[b];

    PetscCall(EngdSymmetricEigen("V", blocks->start[b + 1] - first, A + blocks->at[b], l + first, info));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the factors of A + lambda I over A; info: which pivot of all is zero, from 1 on */
PetscErrorCode EngdDiagonalBlocksFactor(const EngdDiagonalBlocks *blocks, PetscReal lambda, PetscReal A[],
                                        PetscBLASInt pivot[], PetscInt *info)
{
  PetscFunctionBeginUser;
  *info = 0;
  for (PetscInt b = 0; !*info && b < blocks->n; b++) {
    const PetscInt first = blocks->start[b], n = blocks->start[b + 1] - first;
    PetscReal     *Ab = A + blocks->at[b];

    for (PetscInt j = 0; j < n; j++) Ab[ENGD_COUNT(j, n) + j] += lambda;
    PetscCall(EngdSymmetricFactor(n, Ab, pivot + first, info));
    if (*info) *info += first;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x <- A^{-1} x with the factors */
PetscErrorCode EngdDiagonalBlocksSolve(const EngdDiagonalBlocks *blocks, const PetscReal A[],
                                       const PetscBLASInt pivot[], PetscReal x[])
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < blocks->n; b++) {
    const PetscInt first = blocks->start[b];

    PetscCall(EngdSymmetricSolve(blocks->start[b + 1] - first, A + blocks->at[b], pivot + first, x + first));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = op(V) x */
PetscErrorCode EngdDiagonalBlocksMult(const EngdDiagonalBlocks *blocks, const char trans[], const PetscReal V[],
                                      const PetscReal x[], PetscReal y[])
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < blocks->n; b++) {
    const PetscInt first = blocks->start[b], n = blocks->start[b + 1] - first;

    PetscCall(EngdDenseMultiply(trans, n, n, V + blocks->at[b], x + first, y + first));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
