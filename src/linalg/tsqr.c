/*
  Tall skinny QR: A = Q T with the rows of A spread over the ranks.

    each rank          A_r = Q_r T_r                         geqrf
    a binary tree      [T_r; T_s] = Q_rs T                   tpqrt of two triangles, half of the ranks at each level

  Q stays as Householder reflectors, applied along the tree: backward stable whatever the condition of A. A rank with
  fewer rows than columns has rows of zeros added, which no reflector touches.
  Reference: Demmel, Grigori, Hoemmen, Langou, SIAM J. Sci. Comput. 34 (2012). Not for columns that one rank cannot hold.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

#define PANEL 32

PETSC_EXTERN void LAPACKtpqrt_(const PetscBLASInt *, const PetscBLASInt *, const PetscBLASInt *, const PetscBLASInt *,
                               PetscReal *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *, PetscReal *,
                               const PetscBLASInt *, PetscReal *, PetscBLASInt *);
PETSC_EXTERN void LAPACKtpmqrt_(const char *, const char *, const PetscBLASInt *, const PetscBLASInt *,
                                const PetscBLASInt *, const PetscBLASInt *, const PetscBLASInt *, const PetscReal *,
                                const PetscBLASInt *, const PetscReal *, const PetscBLASInt *, PetscReal *,
                                const PetscBLASInt *, PetscReal *, const PetscBLASInt *, PetscReal *, PetscBLASInt *);

struct _n_EngdTSQR {
  MPI_Comm     comm;
  PetscMPIInt  rank, size;
  PetscInt     m, n, lda; /* lda = max(m, n) */
  PetscReal   *A, *tau;   /* (lda, n), (n): the reflectors of this rank, and T_r above them */
  PetscInt     nlevels;   /* at which this rank takes in another's triangle */
  PetscReal  **lower;     /* [nlevels] (n, n) their reflectors */
  PetscReal  **factor;    /* [nlevels] (panel, n) and their block factors */
  PetscReal   *x;         /* (lda + n) a vector in two parts */
  PetscReal   *work;
  PetscBLASInt lwork, panel;
};

/* how many triangles a rank of so many takes in */
static PetscInt LevelCount(PetscMPIInt rank, PetscMPIInt size)
{
  PetscInt n = 0;

  for (PetscMPIInt step = 1; step < size && rank % (2 * step) == 0; step *= 2) n += rank + step < size;
  return n;
}

/* bytes that the busiest rank keeps */
size_t EngdTSQRBytes(MPI_Comm comm, PetscInt m, PetscInt n)
{
  PetscMPIInt size = 1;

  MPI_Comm_size(comm, &size);
  return sizeof(PetscReal) * (ENGD_COUNT(PetscMax(m, n), n + 1) + ENGD_COUNT(LevelCount(0, size), (n + PANEL) * n) +
                              ENGD_COUNT(2 * PANEL + 3, n));
}

PetscErrorCode EngdTSQRCreate(MPI_Comm comm, PetscInt m, PetscInt n, EngdTSQR *out)
{
  EngdTSQR q;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&q));
  q->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &q->rank));
  PetscCallMPI(MPI_Comm_size(comm, &q->size));
  q->m       = m;
  q->n       = n;
  q->lda     = PetscMax(1, PetscMax(m, n));
  q->nlevels = LevelCount(q->rank, q->size);
  PetscCall(PetscBLASIntCast(PetscMax(1, PetscMin(n, PANEL)), &q->panel));
  PetscCall(PetscBLASIntCast(2 * PANEL * PetscMax(1, n), &q->lwork));
  PetscCall(PetscMalloc4(ENGD_COUNT(q->lda, n), &q->A, n, &q->tau, q->lda + n, &q->x, q->lwork, &q->work));
  PetscCall(PetscMalloc2(q->nlevels, &q->lower, q->nlevels, &q->factor));
  for (PetscInt l = 0; l < q->nlevels; l++) {
    PetscCall(PetscMalloc2(ENGD_COUNT(n, n), &q->lower[l], ENGD_COUNT(q->panel, n), &q->factor[l]));
  }
  *out = q;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTSQRGetArray(EngdTSQR q, PetscInt *lda, PetscReal **A)
{
  PetscFunctionBeginUser;
  *lda = q->lda;
  *A   = q->A;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T (n, n) = the upper triangle of A, zeros below */
static void CopyTriangle(const struct _n_EngdTSQR *q, PetscReal T[])
{
  for (PetscInt j = 0; j < q->n; j++) {
    for (PetscInt i = 0; i < q->n; i++) T[j * (size_t)q->n + i] = i <= j ? q->A[j * (size_t)q->lda + i] : 0;
  }
}

/* A_r = Q_r T_r */
static PetscErrorCode FactorOwnRows(EngdTSQR q)
{
  PetscBLASInt m, n, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(q->lda, &m));
  PetscCall(PetscBLASIntCast(q->n, &n));
  for (PetscInt j = 0; j < q->n && q->m < q->lda; j++) {
    PetscCall(PetscArrayzero(q->A + ENGD_COUNT(j, q->lda) + q->m, q->lda - q->m));
  }
  PetscCallBLAS("LAPACKgeqrf", LAPACKgeqrf_(&m, &n, q->A, &m, q->tau, q->work, &q->lwork, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "geqrf failed with info %d", (int)info);
  PetscCall(PetscLogFlops(2.0 * q->n * q->n * (q->lda - q->n / 3.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T_r <- the triangle of [T_r; T_s], T_s in lower[l] */
static PetscErrorCode FactorPair(EngdTSQR q, PetscInt l)
{
  PetscBLASInt n, lda, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(q->n, &n));
  PetscCall(PetscBLASIntCast(q->lda, &lda));
  PetscCallBLAS("LAPACKtpqrt", LAPACKtpqrt_(&n, &n, &n, &q->panel, q->A, &lda, q->lower[l], &n, q->factor[l],
                                            &q->panel, q->work, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "tpqrt failed with info %d", (int)info);
  PetscCall(PetscLogFlops(2.0 / 3 * q->n * q->n * q->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTSQRFactor(EngdTSQR q, PetscReal T[])
{
  PetscInt    l = 0;
  PetscMPIInt count;
  PetscReal  *sent;

  PetscFunctionBeginUser;
  if (!q->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FactorOwnRows(q));
  PetscCall(PetscMPIIntCast(q->n * q->n, &count));
  for (PetscMPIInt step = 1; step < q->size; step *= 2) {
    if (q->rank % (2 * step)) {
      PetscCall(PetscMalloc1(count, &sent));
      CopyTriangle(q, sent);
      PetscCallMPI(MPI_Send(sent, count, MPIU_REAL, q->rank - step, 0, q->comm));
      PetscCall(PetscFree(sent));
      PetscFunctionReturn(PETSC_SUCCESS);
    }
    if (q->rank + step >= q->size) continue;
    PetscCallMPI(MPI_Recv(q->lower[l], count, MPIU_REAL, q->rank + step, 0, q->comm, MPI_STATUS_IGNORE));
    PetscCall(FactorPair(q, l++));
  }
  CopyTriangle(q, T);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (lda) <- Q_r x or Q_r^T x */
static PetscErrorCode ApplyOwnRows(EngdTSQR q, const char trans[])
{
  PetscBLASInt m, n, one = 1, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(q->lda, &m));
  PetscCall(PetscBLASIntCast(q->n, &n));
  PetscCallBLAS("LAPACKormqr",
                LAPACKormqr_("L", trans, &m, &one, &n, q->A, &m, q->tau, q->x, &m, q->work, &q->lwork, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "ormqr failed with info %d", (int)info);
  PetscCall(PetscLogFlops(4.0 * q->n * (q->lda - q->n / 2.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [x; other] <- Q_rs [x; other] or Q_rs^T, n entries each */
static PetscErrorCode ApplyPair(EngdTSQR q, const char trans[], PetscInt l, PetscReal other[])
{
  PetscBLASInt n, one = 1, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(q->n, &n));
  PetscCallBLAS("LAPACKtpmqrt", LAPACKtpmqrt_("L", trans, &n, &one, &n, &n, &q->panel, q->lower[l], &n, q->factor[l],
                                              &q->panel, q->x, &n, other, &n, q->work, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "tpmqrt failed with info %d", (int)info);
  PetscCall(PetscLogFlops(2.0 * q->n * q->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTSQRMultTranspose(EngdTSQR q, const PetscReal x[], PetscReal y[])
{
  PetscReal  *other = q->x + q->lda;
  PetscInt    l     = 0;
  PetscMPIInt n;

  PetscFunctionBeginUser;
  if (!q->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMPIIntCast(q->n, &n));
  PetscCall(PetscArraycpy(q->x, x, q->m));
  PetscCall(PetscArrayzero(q->x + q->m, q->lda - q->m));
  PetscCall(ApplyOwnRows(q, "T"));
  for (PetscMPIInt step = 1; step < q->size; step *= 2) {
    if (q->rank % (2 * step)) {
      PetscCallMPI(MPI_Send(q->x, n, MPIU_REAL, q->rank - step, 0, q->comm));
      PetscFunctionReturn(PETSC_SUCCESS);
    }
    if (q->rank + step >= q->size) continue;
    PetscCallMPI(MPI_Recv(other, n, MPIU_REAL, q->rank + step, 0, q->comm, MPI_STATUS_IGNORE));
    PetscCall(ApplyPair(q, "T", l++, other));
  }
  PetscCall(PetscArraycpy(y, q->x, q->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTSQRMult(EngdTSQR q, const PetscReal y[], PetscReal x[])
{
  PetscReal  *other = q->x + q->lda;
  PetscInt    l     = q->nlevels;
  PetscMPIInt n, step = 1;

  PetscFunctionBeginUser;
  if (!q->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMPIIntCast(q->n, &n));
  while (step < q->size && q->rank % (2 * step) == 0)
    step *= 2; /* the level at which this rank has sent its triangle */
  if (q->rank)
    PetscCallMPI(MPI_Recv(q->x, n, MPIU_REAL, q->rank - step, 0, q->comm, MPI_STATUS_IGNORE));
  else
    PetscCall(PetscArraycpy(q->x, y, q->n));
  for (step /= 2; step > 0; step /= 2) {
    if (q->rank + step >= q->size) continue;
    PetscCall(PetscArrayzero(other, q->n));
    PetscCall(ApplyPair(q, "N", --l, other));
    PetscCallMPI(MPI_Send(other, n, MPIU_REAL, q->rank + step, 0, q->comm));
  }
  PetscCall(PetscArrayzero(q->x + q->n, q->lda - q->n));
  PetscCall(ApplyOwnRows(q, "N"));
  PetscCall(PetscArraycpy(x, q->x, q->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [Y; other] <- Q_rs [Y; 0], Y (n, n) the upper rows of an array with rows lda apart */
static PetscErrorCode ApplyPairToAll(EngdTSQR q, PetscInt l, PetscReal Y[], PetscReal other[])
{
  PetscBLASInt n, lda, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(q->n, &n));
  PetscCall(PetscBLASIntCast(q->lda, &lda));
  PetscCall(PetscArrayzero(other, ENGD_COUNT(n, n)));
  PetscCallBLAS("LAPACKtpmqrt", LAPACKtpmqrt_("L", "N", &n, &n, &n, &n, &q->panel, q->lower[l], &n, q->factor[l],
                                              &q->panel, Y, &lda, other, &n, q->work, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "tpmqrt failed with info %d", (int)info);
  PetscCall(PetscLogFlops(2.0 * q->n * q->n * q->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Y (lda, n) <- Q_r Y with the upper n rows of Y, the others zero */
static PetscErrorCode ApplyOwnRowsToAll(EngdTSQR q, PetscReal Y[])
{
  PetscBLASInt m, n, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(q->lda, &m));
  PetscCall(PetscBLASIntCast(q->n, &n));
  PetscCallBLAS("LAPACKormqr",
                LAPACKormqr_("L", "N", &m, &n, &n, q->A, &m, q->tau, Y, &m, q->work, &q->lwork, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "ormqr failed with info %d", (int)info);
  PetscCall(PetscLogFlops(4.0 * q->n * q->n * (q->lda - q->n / 2.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTSQRFormQ(EngdTSQR q, PetscInt ldx, PetscReal X[])
{
  PetscInt    l    = q->nlevels;
  PetscMPIInt step = 1, count;
  PetscReal  *Y, *other;

  PetscFunctionBeginUser;
  if (!q->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMPIIntCast(q->n * q->n, &count));
  PetscCall(PetscMalloc1(count, &other));
  PetscCall(PetscCalloc1(ENGD_COUNT(q->lda, q->n), &Y));
  while (step < q->size && q->rank % (2 * step) == 0) step *= 2;
  if (q->rank) PetscCallMPI(MPI_Recv(other, count, MPIU_REAL, q->rank - step, 0, q->comm, MPI_STATUS_IGNORE));
  for (PetscInt j = 0; j < q->n; j++) {
    if (q->rank)
      PetscCall(PetscArraycpy(Y + ENGD_COUNT(j, q->lda), other + ENGD_COUNT(j, q->n), q->n));
    else
      Y[ENGD_COUNT(j, q->lda) + j] = 1;
  }
  for (step /= 2; step > 0; step /= 2) {
    if (q->rank + step >= q->size) continue;
    PetscCall(ApplyPairToAll(q, --l, Y, other));
    PetscCallMPI(MPI_Send(other, count, MPIU_REAL, q->rank + step, 0, q->comm));
  }
  PetscCall(ApplyOwnRowsToAll(q, Y));
  for (PetscInt j = 0; j < q->n; j++)
    PetscCall(PetscArraycpy(X + ENGD_COUNT(j, ldx), Y + ENGD_COUNT(j, q->lda), q->m));
  PetscCall(PetscFree(Y));
  PetscCall(PetscFree(other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTSQRDestroy(EngdTSQR *tsqr)
{
  EngdTSQR q = *tsqr;

  PetscFunctionBeginUser;
  if (!q) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt l = 0; l < q->nlevels; l++) PetscCall(PetscFree2(q->lower[l], q->factor[l]));
  PetscCall(PetscFree2(q->lower, q->factor));
  PetscCall(PetscFree4(q->A, q->tau, q->x, q->work));
  PetscCall(PetscFree(*tsqr));
  PetscFunctionReturn(PETSC_SUCCESS);
}
