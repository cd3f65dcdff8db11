/*
  All eigenvalues of an operator by LAPACK: the matrix is formed by products with unit vectors.

    symmetric A            A gathered on rank 0, EngdSymmetricEigen()
    M A, A symmetric and
    M positive definite    M = U^T U, eigenvalues of U A U^T (the same)
    singular values of A   A or A^T, whichever is tall, as row blocks, TSQR, SVD of the triangle: an absolute error of
                           epsilon sigma_1, where eigenvalues of A^T A would lose all below sqrt(epsilon) sigma_1
    U^T r of A = U S V^T   the reflectors (gebrd) and rotations (bdsqr) that make T diagonal, applied to Q^T r

  Without vectors otherwise. The results are sent to all ranks.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

PETSC_EXTERN void LAPACKsygst_(const PetscBLASInt *, const char *, const PetscBLASInt *, PetscReal *,
                               const PetscBLASInt *, const PetscReal *, const PetscBLASInt *, PetscBLASInt *);
PETSC_EXTERN void LAPACKgebrd_(const PetscBLASInt *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *,
                               PetscReal *, PetscReal *, PetscReal *, PetscReal *, PetscReal *, const PetscBLASInt *,
                               PetscBLASInt *);
PETSC_EXTERN void LAPACKormbr_(const char *, const char *, const char *, const PetscBLASInt *, const PetscBLASInt *,
                               const PetscBLASInt *, const PetscReal *, const PetscBLASInt *, const PetscReal *,
                               PetscReal *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *, PetscBLASInt *);
PETSC_EXTERN void LAPACKbdsqr_(const char *, const PetscBLASInt *, const PetscBLASInt *, const PetscBLASInt *,
                               const PetscBLASInt *, PetscReal *, PetscReal *, PetscReal *, const PetscBLASInt *,
                               PetscReal *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *, PetscReal *,
                               PetscBLASInt *);

/* x = e_j */
static PetscErrorCode SetUnit(Vec x, PetscInt j)
{
  PetscInt   begin, end;
  PetscReal *values;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(x, &begin, &end));
  PetscCall(VecZeroEntries(x));
  PetscCall(VecGetArray(x, &values));
  if (j >= begin && j < end) values[j - begin] = 1;
  PetscCall(VecRestoreArray(x, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* S (n, n) on rank 0 <- the matrix of A */
static PetscErrorCode Gather(Mat A, PetscInt n, PetscReal S[])
{
  Vec              x, y, whole;
  VecScatter       scatter;
  const PetscReal *values;
  PetscInt         size;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(A, &x, &y));
  PetscCall(VecScatterCreateToZero(y, &scatter, &whole));
  PetscCall(VecGetLocalSize(whole, &size));
  for (PetscInt j = 0; j < n; j++) {
    PetscCall(SetUnit(x, j));
    PetscCall(MatMult(A, x, y));
    PetscCall(VecScatterBegin(scatter, y, whole, INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecScatterEnd(scatter, y, whole, INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecGetArrayRead(whole, &values));
    if (S) PetscCall(PetscArraycpy(S + ENGD_COUNT(j, n), values, size));
    PetscCall(VecRestoreArrayRead(whole, &values));
  }
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&whole));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* value (n) <- the eigenvalues of S, descending; local. info: LAPACK's */
static PetscErrorCode Eigenvalues(PetscInt n, PetscReal S[], PetscReal value[], PetscInt *info)
{
  PetscFunctionBeginUser;
  PetscCall(EngdSymmetricEigen("N", n, S, value, info));
  for (PetscInt i = 0; i < n / 2; i++) {
    const PetscReal low = value[i];

    value[i]         = value[n - 1 - i];
    value[n - 1 - i] = low;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* S <- U S U^T with U^T U = Q; info is not zero when Q is not positive definite; local */
static PetscErrorCode Congruence(PetscInt n, PetscReal Q[], PetscReal S[], PetscInt *info)
{
  const PetscBLASInt congruence = 2;
  PetscBLASInt       m, result;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n, &m));
  LAPACKpotrf_("U", &m, Q, &m, &result);
  if (!result) LAPACKsygst_(&congruence, "U", &m, S, &m, Q, &m, &result);
  *info = result;
  if (result) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscLogFlops(4.0 / 3.0 * n * n * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* are all entries finite; LAPACK may not return from others */
static PetscBool AllFinite(size_t n, const PetscReal a[])
{
  for (size_t k = 0; k < n; k++)
    if (PetscIsInfOrNanReal(a[k])) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* what rank 0 computed, to all ranks; info = -1 stands for entries that are not finite */
static PetscErrorCode Share(MPI_Comm comm, PetscInt info, PetscInt n, PetscReal value[])
{
  PetscMPIInt count;
  PetscInt    state = info;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Bcast(&state, 1, MPIU_INT, 0, comm));
  PetscCheck(state != -1, comm, ENGD_ERR_NUMERICS, "a spectrum: entries of the matrix are not finite");
  PetscCheck(!state, comm, ENGD_ERR_NUMERICS,
             "a spectrum: LAPACK found no eigenvalues (info = %" PetscInt_FMT "); take -spectrum_dense false", state);
  PetscCall(PetscMPIIntCast(n, &count));
  PetscCallMPI(MPI_Bcast(value, count, MPIU_REAL, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDenseEigenvalues(Mat A, Mat M, PetscReal value[], PetscBool *definite)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)A);
  PetscMPIInt    rank, positive = 1;
  PetscInt       n;
  PetscInt       info = 0;
  PetscReal     *S = NULL, *Q = NULL;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.spectrum, 0, 0, 0, 0));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(MatGetSize(A, &n, NULL));
  if (rank == 0) PetscCall(PetscMalloc1(ENGD_COUNT(n, n), &S));
  if (rank == 0 && M) PetscCall(PetscMalloc1(ENGD_COUNT(n, n), &Q));
  PetscCall(Gather(A, n, S));
  if (M) PetscCall(Gather(M, n, Q));
  if (rank == 0) {
    const PetscBool finite = (PetscBool)(AllFinite(ENGD_COUNT(n, n), S) && (!M || AllFinite(ENGD_COUNT(n, n), Q)));

    info = finite ? 0 : -1;
    if (finite && M) PetscCall(Congruence(n, Q, S, &info));
    if (finite && info) positive = 0;
    if (finite && !info) PetscCall(Eigenvalues(n, S, value, &info));
    if (!positive) info = 0;
  }
  PetscCall(PetscFree(S));
  PetscCall(PetscFree(Q));
  PetscCallMPI(MPI_Bcast(&positive, 1, MPI_INT, 0, comm));
  PetscCall(Share(comm, info, positive ? n : 0, value));
  *definite = positive ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(PetscLogEventEnd(engd_log.spectrum, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows (lda, n) of this rank <- those of A, or of A^T */
static PetscErrorCode FillRows(Mat A, PetscBool transpose, PetscInt n, PetscInt lda, PetscReal rows[])
{
  Vec              x, y;
  const PetscReal *values;
  PetscInt         size;

  PetscFunctionBeginUser;
  PetscCall(transpose ? MatCreateVecs(A, &y, &x) : MatCreateVecs(A, &x, &y));
  PetscCall(VecGetLocalSize(y, &size));
  for (PetscInt j = 0; j < n; j++) {
    PetscCall(SetUnit(x, j));
    PetscCall(transpose ? MatMultTranspose(A, x, y) : MatMult(A, x, y));
    PetscCall(VecGetArrayRead(y, &values));
    PetscCall(PetscArraycpy(rows + ENGD_COUNT(j, lda), values, size));
    PetscCall(VecRestoreArrayRead(y, &values));
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sigma (n) <- the singular values of T = U S V^T (n, n), descending; c (n), if not NULL, <- U^T c; local */
static PetscErrorCode SingularValues(PetscInt n, PetscReal T[], PetscReal sigma[], PetscReal c[], PetscBLASInt *info)
{
  PetscBLASInt m, none = 0, one = 1, lwork;
  PetscReal   *beside, *tauq, *taup, *work, unused;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n, &m));
  PetscCall(PetscBLASIntCast(64 * n + 64, &lwork));
  PetscCall(PetscMalloc4(n, &beside, n, &tauq, n, &taup, lwork, &work));
  LAPACKgebrd_(&m, &m, T, &m, sigma, beside, tauq, taup, work, &lwork, info);
  if (c) LAPACKormbr_("Q", "L", "T", &m, &one, &m, T, &m, tauq, c, &m, work, &lwork, info);
  LAPACKbdsqr_("U", &m, &none, &none, c ? &one : &none, sigma, beside, &unused, &one, &unused, &one, c ? c : &unused,
               c ? &m : &one, work, info);
  PetscCall(PetscFree4(beside, tauq, taup, work));
  PetscCall(PetscLogFlops(8.0 / 3.0 * n * n * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T <- T^T (n, n); local */
static void Transpose(PetscInt n, PetscReal T[])
{
  for (PetscInt j = 0; j < n; j++) {
    for (PetscInt i = 0; i < j; i++) {
      const PetscReal t = T[ENGD_COUNT(j, n) + i];

      T[ENGD_COUNT(j, n) + i] = T[ENGD_COUNT(i, n) + j];
      T[ENGD_COUNT(i, n) + j] = t;
    }
  }
}

/* c on rank 0 <- r in the columns that T acts on from the left: Q^T r of A = Q T; all of r of A = T^T Q^T */
static PetscErrorCode StartCoefficients(EngdTSQR qr, PetscBool transpose, Vec r, PetscReal c[])
{
  const PetscReal *x;
  PetscInt         n;
  Vec              whole;
  VecScatter       scatter;

  PetscFunctionBeginUser;
  if (!transpose) {
    PetscCall(VecGetArrayRead(r, &x));
    PetscCall(EngdTSQRMultTranspose(qr, x, c));
    PetscCall(VecRestoreArrayRead(r, &x));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecScatterCreateToZero(r, &scatter, &whole));
  PetscCall(VecScatterBegin(scatter, r, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, r, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetLocalSize(whole, &n));
  PetscCall(VecGetArrayRead(whole, &x));
  PetscCall(PetscArraycpy(c, x, n));
  PetscCall(VecRestoreArrayRead(whole, &x));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r, c: NULL, or a Vec like A's columns and c (n) for its coefficients U^T r in the left singular vectors */
PetscErrorCode EngdDenseSingularValues(Mat A, Vec r, PetscReal sigma[], PetscReal c[])
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)A);
  PetscMPIInt    rank, count;
  PetscInt       M, N, m, n, mlocal, nlocal, lda;
  PetscBool      transpose;
  PetscReal     *rows, *T;
  PetscBLASInt   info = 0;
  EngdTSQR       qr;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.spectrum, 0, 0, 0, 0));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(MatGetSize(A, &M, &N));
  PetscCall(MatGetLocalSize(A, &mlocal, &nlocal));
  transpose = M < N ? PETSC_TRUE : PETSC_FALSE;
  m         = transpose ? nlocal : mlocal;
  n         = transpose ? M : N;
  PetscCall(EngdTSQRCreate(comm, m, n, &qr));
  PetscCall(EngdTSQRGetArray(qr, &lda, &rows));
  PetscCall(FillRows(A, transpose, n, lda, rows));
  PetscCall(PetscCalloc1(rank == 0 ? ENGD_COUNT(n, n) : 0, &T));
  PetscCall(EngdTSQRFactor(qr, T));
  if (c) PetscCall(StartCoefficients(qr, transpose, r, c));
  PetscCall(EngdTSQRDestroy(&qr));
  if (rank == 0) {
    info = AllFinite(ENGD_COUNT(n, n), T) ? 0 : -1;
    if (transpose) Transpose(n, T);
    if (!info) PetscCall(SingularValues(n, T, sigma, c, &info));
  }
  PetscCall(PetscFree(T));
  PetscCall(Share(comm, info, n, sigma));
  PetscCall(PetscMPIIntCast(n, &count));
  if (c) PetscCallMPI(MPI_Bcast(c, count, MPIU_REAL, 0, comm));
  PetscCall(PetscLogEventEnd(engd_log.spectrum, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* bytes on the busiest rank; mlocal: rows of the tall of J and J^T that it has. Not collective */
PetscReal EngdDenseBytes(const EngdSpectrumOperator *op, PetscInt mlocal, MPI_Comm comm)
{
  const PetscInt  n      = op->nsigma ? op->nsigma : op->n;
  const PetscReal square = (PetscReal)n * (PetscReal)n * sizeof(PetscReal);

  if (op->kind == ENGD_SPECTRUM_PRECONDITIONED) return 2 * square;
  if (!op->nsigma) return square;
  return square + (PetscReal)EngdTSQRBytes(comm, mlocal, n);
}
