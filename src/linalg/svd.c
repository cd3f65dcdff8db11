/*
  The leading singular values and vectors of a square matrix whose singular values fall fast.

    A P = Q R           QR with column pivoting, cut off where |r_kk| <= tolerance |r_11|: k of n rows remain
    R_k = L Z           LQ of (k, n)
    L = U' S V'^T       SVD of (k, k): for the Jacobian of a network k is a third of n, so this costs little
    U = Q U',  V = P Z^T V'

  With a tolerance of rounding size the rows left out are no larger than the error of an SVD of A itself.
  References: Businger and Golub (1965); Chan, rank-revealing QR (1987).
*/
#include <engd/private.h>
#include <petscblaslapack.h>

PETSC_EXTERN void LAPACKgeqp3_(const PetscBLASInt *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *,
                               PetscBLASInt *, PetscReal *, PetscReal *, const PetscBLASInt *, PetscBLASInt *);
PETSC_EXTERN void LAPACKgesdd_(const char *, const PetscBLASInt *, const PetscBLASInt *, PetscReal *,
                               const PetscBLASInt *, PetscReal *, PetscReal *, const PetscBLASInt *, PetscReal *,
                               const PetscBLASInt *, PetscReal *, const PetscBLASInt *, PetscBLASInt *,
                               PetscBLASInt *);
PETSC_EXTERN void LAPACKgelqf_(const PetscBLASInt *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *,
                               PetscReal *, PetscReal *, const PetscBLASInt *, PetscBLASInt *);
PETSC_EXTERN void LAPACKormlq_(const char *, const char *, const PetscBLASInt *, const PetscBLASInt *,
                               const PetscBLASInt *, const PetscReal *, const PetscBLASInt *, const PetscReal *,
                               PetscReal *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *, PetscBLASInt *);

/* room for LAPACK: what gesdd of a full (n, n) asks for at least, and blocks of 64 columns for the rest */
size_t EngdDenseSVDWorkSize(PetscInt n)
{
  return ENGD_COUNT(4 * n + 7, n) + ENGD_COUNT(64, n) + 64;
}

/* bytes at the height of EngdSVDCompute(), A and the result included */
size_t EngdSVDBytes(PetscInt n)
{
  return sizeof(PetscReal) * (6 * ENGD_COUNT(n, n) + EngdDenseSVDWorkSize(n));
}

PetscErrorCode EngdSVDCreate(PetscInt n, EngdSVD *svd)
{
  PetscFunctionBeginUser;
  *svd = (EngdSVD){.n = n};
  PetscCall(PetscMalloc3(n, &svd->sigma, ENGD_COUNT(n, n), &svd->U, ENGD_COUNT(n, n), &svd->V));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSVDDestroy(EngdSVD *svd)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(svd->sigma, svd->U, svd->V));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the number of pivots above tolerance times the first one */
static PetscInt CountPivots(PetscInt n, const PetscReal A[], PetscReal tolerance)
{
  PetscInt k = 0;

  while (k < n && PetscAbsReal(A[k * (size_t)(n + 1)]) > tolerance * PetscAbsReal(A[0])) k++;
  return k;
}

PetscErrorCode EngdDenseSVD(PetscInt n, PetscReal A[], PetscReal sigma[], PetscReal U[], PetscInt ldu, PetscReal Vt[],
                            PetscReal work[], PetscBLASInt iwork[])
{
  PetscBLASInt bn, lu, lwork, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(ldu, &lu));
  PetscCall(PetscBLASIntCast((PetscInt)EngdDenseSVDWorkSize(n), &lwork));
  PetscCallBLAS("LAPACKgesdd",
                LAPACKgesdd_("S", &bn, &bn, A, &bn, sigma, U, &lu, Vt, &bn, work, &lwork, iwork, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "gesdd failed with info %d", (int)info);
  PetscCall(PetscLogFlops(22.0 * n * n * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* L (k, k) = U' S V'^T; U' to the first k rows of U (n, k), V' to those of V */
static PetscErrorCode SolveCore(EngdSVD *svd, PetscReal L[], PetscReal work[])
{
  const PetscInt k = svd->nsigma;
  PetscReal     *Vt;
  PetscBLASInt  *iwork;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(8 * k, &iwork, ENGD_COUNT(k, k), &Vt));
  PetscCall(PetscArrayzero(svd->U, ENGD_COUNT(svd->n, k)));
  PetscCall(PetscArrayzero(svd->V, ENGD_COUNT(svd->n, k)));
  PetscCall(EngdDenseSVD(k, L, svd->sigma, svd->U, svd->n, Vt, work, iwork));
  for (PetscInt j = 0; j < k; j++) {
    for (PetscInt i = 0; i < k; i++) svd->V[j * (size_t)svd->n + i] = Vt[i * (size_t)k + j];
  }
  PetscCall(PetscFree2(iwork, Vt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* V <- P V, row i of V to row pivot[i] - 1 */
static void PermuteRows(EngdSVD *svd, const PetscBLASInt pivot[], PetscReal column[])
{
  for (PetscInt j = 0; j < svd->nsigma; j++) {
    PetscReal *v = svd->V + ENGD_COUNT(j, svd->n);

    for (PetscInt i = 0; i < svd->n; i++) column[pivot[i] - 1] = v[i];
    for (PetscInt i = 0; i < svd->n; i++) v[i] = column[i];
  }
}

/* the rows of R to RK (k, n), RK = L Z, then the factors of L go to U and V */
static PetscErrorCode ReduceRows(EngdSVD *svd, const PetscReal A[], PetscReal work[], PetscBLASInt lwork)
{
  const PetscInt k = svd->nsigma;
  PetscReal     *RK, *L, *tau;
  PetscBLASInt   n, bk, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(svd->n, &n));
  PetscCall(PetscBLASIntCast(k, &bk));
  PetscCall(PetscMalloc3(ENGD_COUNT(k, n), &RK, ENGD_COUNT(k, k), &L, k, &tau));
  for (PetscInt j = 0; j < n; j++) {
    for (PetscInt i = 0; i < k; i++) RK[j * (size_t)k + i] = i <= j ? A[j * (size_t)n + i] : 0;
  }
  PetscCallBLAS("LAPACKgelqf", LAPACKgelqf_(&bk, &n, RK, &bk, tau, work, &lwork, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "gelqf failed with info %d", (int)info);
  for (PetscInt j = 0; j < k; j++) {
    for (PetscInt i = 0; i < k; i++) L[j * (size_t)k + i] = i >= j ? RK[j * (size_t)k + i] : 0;
  }
  PetscCall(SolveCore(svd, L, work));
  PetscCallBLAS("LAPACKormlq", LAPACKormlq_("L", "T", &n, &bk, &bk, RK, &bk, tau, svd->V, &n, work, &lwork, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "ormlq failed with info %d", (int)info);
  PetscCall(PetscFree3(RK, L, tau));
  PetscCall(PetscLogFlops(6.0 * n * k * k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSVDCompute(EngdSVD *svd, PetscReal A[], PetscReal tolerance)
{
  PetscReal   *work, *tau;
  PetscBLASInt n, k, lwork, info, *pivot;

  PetscFunctionBeginUser;
  svd->nsigma = 0;
  if (!svd->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast(svd->n, &n));
  PetscCall(PetscBLASIntCast((PetscInt)EngdDenseSVDWorkSize(svd->n), &lwork));
  PetscCall(PetscMalloc3(lwork, &work, n, &tau, n, &pivot));
  PetscCall(PetscArrayzero(pivot, n));
  PetscCallBLAS("LAPACKgeqp3", LAPACKgeqp3_(&n, &n, A, &n, pivot, tau, work, &lwork, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "geqp3 failed with info %d", (int)info);
  PetscCall(PetscLogFlops(4.0 / 3 * n * n * n));
  svd->nsigma = CountPivots(svd->n, A, tolerance);
  if (svd->nsigma) {
    PetscCall(PetscBLASIntCast(svd->nsigma, &k));
    PetscCall(ReduceRows(svd, A, work, lwork));
    PermuteRows(svd, pivot, work);
    PetscCallBLAS("LAPACKormqr", LAPACKormqr_("L", "N", &n, &k, &k, A, &n, tau, svd->U, &n, work, &lwork, &info));
    PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "ormqr failed with info %d", (int)info);
    PetscCall(PetscLogFlops(4.0 * n * k * k));
  }
  PetscCall(PetscFree3(work, tau, pivot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y (n) = A x or A^T x with A (m, n) on this rank */
PetscErrorCode EngdDenseMultiply(const char trans[], PetscInt m, PetscInt n, const PetscReal A[], const PetscReal x[],
                                 PetscReal y[])
{
  const PetscReal zero = 0, unit = 1;
  PetscBLASInt    bm, bn, one = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(m, &bm));
  PetscCall(PetscBLASIntCast(n, &bn));
  if (m && n)
    PetscCallBLAS("BLASgemv", BLASgemv_(trans, &bm, &bn, &unit, A, &bm, x, &one, &zero, y, &one));
  else if (trans[0] == 'N')
    PetscCall(PetscArrayzero(y, m));
  PetscCall(PetscLogFlops(2.0 * m * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}
