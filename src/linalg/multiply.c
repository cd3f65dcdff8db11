/*
  Products and transposes of dense matrices on this rank, by columns: the one place that calls GEMM.

    C = op(A) op(B) + beta C

  The networks here are narrow, and have one output more often than not. Where a product has one row it is a GEMV, where it is an
  outer product it is a loop: OpenBLAS's GEMM copies its operands first, which takes longer than such a product.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

#define TILE 16 /* rows and columns of a transpose that stay in the cache */

PetscErrorCode EngdGemm(const char transa[], const char transb[], PetscInt m, PetscInt n, PetscInt k,
                        const PetscReal A[], PetscInt lda, const PetscReal B[], PetscInt ldb, PetscReal beta,
                        PetscReal C[], PetscInt ldc)
{
  const PetscReal    one  = 1;
  const PetscBLASInt unit = 1;
  PetscBLASInt       bm, bn, bk, la, lb, lc;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < n && !k; j++) {
    for (PetscInt i = 0; i < m; i++) C[ENGD_COUNT(j, ldc) + i] = beta == 0 ? 0 : beta * C[ENGD_COUNT(j, ldc) + i];
  }
  if (!m || !n || !k) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast(m, &bm));
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(k, &bk));
  PetscCall(PetscBLASIntCast(lda, &la));
  PetscCall(PetscBLASIntCast(ldb, &lb));
  PetscCall(PetscBLASIntCast(ldc, &lc));
  if (m == 1 && transa[0] == 'N' && ldc == 1) { /* row = row of A times op(B) */
    const char *trans = transb[0] == 'N' ? "T" : "N";

    PetscCallBLAS("BLASgemv", BLASgemv_(trans, transb[0] == 'N' ? &bk : &bn, transb[0] == 'N' ? &bn : &bk, &one, B,
                                        &lb, A, &la, &beta, C, &unit));
  } else if (k == 1 && beta == 0 && transa[0] == 'T' && transb[0] == 'N') { /* outer product of two rows */
    for (PetscInt j = 0; j < n; j++) {
      for (PetscInt i = 0; i < m; i++) C[ENGD_COUNT(j, ldc) + i] = A[ENGD_COUNT(i, lda)] * B[ENGD_COUNT(j, ldb)];
    }
  } else {
    PetscCallBLAS("BLASgemm", BLASgemm_(transa, transb, &bm, &bn, &bk, &one, A, &la, B, &lb, &beta, C, &lc));
  }
  PetscCall(PetscLogFlops(2.0 * m * n * k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void EngdTranspose(PetscInt m, PetscInt n, const PetscReal X[], PetscInt ldx, PetscReal Y[], PetscInt ldy)
{
  for (PetscInt j0 = 0; j0 < n; j0 += TILE) {
    for (PetscInt i0 = 0; i0 < m; i0 += TILE) {
      for (PetscInt j = j0; j < PetscMin(j0 + TILE, n); j++) {
        for (PetscInt i = i0; i < PetscMin(i0 + TILE, m); i++) Y[ENGD_COUNT(i, ldy) + j] = X[ENGD_COUNT(j, ldx) + i];
      }
    }
  }
}
