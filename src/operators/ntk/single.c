/*
  Products of rows of a layer in float32, in half the time, without losing what is below its rounding:

    J_l = C V^T + J',  V (p_l, r) orthonormal,  C = J_l V      =>      J_l J_l^T = C C^T + J' J'^T,  since J' V = 0

  C C^T is in float64, J' J'^T in float32. Its errors are 6e-8 |J'|^2 and not 6e-8 |J_l|^2: singular values of J fall fast (Poisson in five
  dimensions, 10 065 parameters: 1e-3 of the largest at the 50th), and a few directions lower the errors from
  1e-7 to 1e-13 |K|, next to those of float64. V: the r largest singular vectors of 4 r sums of all rows, each in one of them
  with a random sign, which costs some hundredths of the products. Without directions float32 stands alone.
  References: Halko, Martinsson, Tropp, arXiv 0909.4061, algorithm 4.1; Clarkson, Woodruff, 1207.6365, section 2, for the sums.
*/
#include "ntk.h"
#include <petscblaslapack.h>
#include <float.h>
#include <math.h>

#define LEAST      1e-18 /* of the scale: below this a number is zero, so that products are not denormal */
#define BLOCK_SIZE 64    /* of columns in LAPACK's QR, for its workspace */
#define SUMS       4     /* for each direction */

/* petscblaslapack.h has names for one precision */
#if defined(PETSC_BLASLAPACK_CAPS)
#define SGEMM PETSC_PASTE2(SGEMM, PETSC_BLASLAPACK_SUFFIX_)
#define SSYRK PETSC_PASTE2(SSYRK, PETSC_BLASLAPACK_SUFFIX_)
#else
#define SGEMM PETSC_PASTE2(sgemm, PETSC_BLASLAPACK_SUFFIX_)
#define SSYRK PETSC_PASTE2(ssyrk, PETSC_BLASLAPACK_SUFFIX_)
#endif
BLAS_EXTERN void SGEMM(const char *, const char *, const PetscBLASInt *, const PetscBLASInt *, const PetscBLASInt *,
                       const float *, const float *, const PetscBLASInt *, const float *, const PetscBLASInt *,
                       const float *, float *, const PetscBLASInt *);
BLAS_EXTERN void SSYRK(const char *, const char *, const PetscBLASInt *, const PetscBLASInt *, const float *,
                       const float *, const PetscBLASInt *, const float *, float *, const PetscBLASInt *);

/* sizes of V and the sums, of C of the layers of any group, and of workspace: QR's, the Gram matrix of the sums, its eigenvalues */
static void Sizes(EngdNTK kernel, size_t *V, size_t *C, size_t *tau)
{
  const PetscInt k = PetscMax(kernel->directions, 0);
  PetscInt       p = 0, nlayers = 0;

  for (PetscInt l = 0; l < kernel->F->model->nlayers; l++) {
    if (!kernel->narrow[l]) continue;
    p = PetscMax(p, EngdNTKLayerParameters(kernel, l));
    nlayers++;
  }
  *V   = ENGD_COUNT((SUMS + 1) * k, p);
  *C   = ENGD_COUNT(ENGD_COUNT(k, EngdNTKRows(kernel, kernel->rank)), nlayers);
  *tau = ENGD_COUNT(k, BLOCK_SIZE + 1) + ENGD_COUNT(SUMS * k, SUMS * k + 1);
}

size_t EngdNTKSingleSize(EngdNTK kernel)
{
  size_t V, C, tau;

  if (kernel->directions < 0) return 0;
  Sizes(kernel, &V, &C, &tau);
  return V + C + tau + EngdNTKHalf(ENGD_COUNT(EngdNTKRows(kernel, kernel->rank), ENGD_NTK_COLUMNS));
}

PetscErrorCode EngdNTKSingleCreate(EngdNTK kernel)
{
  size_t V, C, tau;

  PetscFunctionBeginUser;
  if (kernel->directions < 0) PetscFunctionReturn(PETSC_SUCCESS);
  Sizes(kernel, &V, &C, &tau);
  PetscCall(PetscMalloc4(V, &kernel->V, C, &kernel->C, tau, &kernel->tau,
                         ENGD_COUNT(EngdNTKRows(kernel, kernel->rank), ENGD_NTK_COLUMNS), &kernel->block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdNTKSingleDestroy(EngdNTK kernel)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(kernel->V, kernel->C, kernel->tau, kernel->block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t EngdNTKNarrowSize(EngdNTK kernel, PetscMPIInt r, PetscInt l)
{
  const PetscInt rows = EngdNTKKeptRows(kernel, r, l, EngdNTKPatches(kernel, r));

  return EngdNTKHalf(EngdNTKRowsSize(kernel, r, l)) + ENGD_COUNT(kernel->directions, rows);
}

/* V (p, k) <- the sums (p, n) times the eigenvectors of their Gram matrix that have the largest eigenvalues, on one rank */
static PetscErrorCode Condense(EngdNTK kernel, PetscInt p, PetscInt k, PetscInt n)
{
  const PetscReal *sums = kernel->V + ENGD_COUNT(p, k);
  PetscReal       *gram = kernel->tau + ENGD_COUNT(k, BLOCK_SIZE + 1), *l = gram + ENGD_COUNT(n, n), trace = 0;
  PetscInt         info;

  PetscFunctionBeginUser;
  PetscCall(EngdGemm("T", "N", n, n, p, sums, p, sums, p, 0, gram, n));
  for (PetscInt j = 0; j < n; j++) trace += gram[ENGD_COUNT(j, n) + j];
  PetscCall(PetscArrayzero(kernel->V, ENGD_COUNT(p, k)));
  if (PetscIsInfOrNanReal(trace)) PetscFunctionReturn(PETSC_SUCCESS); /* K will say so */
  PetscCall(EngdSymmetricEigen("V", n, gram, l, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "syevd failed with info %" PetscInt_FMT, info);
  PetscCall(EngdGemm("N", "N", p, k, n, sums, p, gram + ENGD_COUNT(n, n - k), n, 0, kernel->V, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* V (p, k) <- its Q, on one rank */
static PetscErrorCode Orthonormalise(EngdNTK kernel, PetscInt p, PetscInt k)
{
  PetscReal   *work = kernel->tau + k;
  PetscBLASInt m, n, lwork, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(p, &m));
  PetscCall(PetscBLASIntCast(k, &n));
  PetscCall(PetscBLASIntCast(ENGD_COUNT(k, BLOCK_SIZE), &lwork));
  PetscCallBLAS("LAPACKgeqrf", LAPACKgeqrf_(&m, &n, kernel->V, &m, kernel->tau, work, &lwork, &info));
  PetscCallBLAS("LAPACKorgqr", LAPACKorgqr_(&m, &n, &n, kernel->V, &m, kernel->tau, work, &lwork, &info));
  PetscCall(PetscLogFlops(4.0 * p * k * k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* V of a layer, the same bits on all ranks, from the rows of all: X (p, rows) here */
static PetscErrorCode FindDirections(EngdNTK kernel, PetscInt l, PetscInt rows, const PetscReal X[])
{
  const PetscInt   p = EngdNTKLayerParameters(kernel, l), k = kernel->directions, n = SUMS * k;
  const PetscInt64 seed = kernel->F->problem->seed;
  PetscReal       *sums = kernel->V + ENGD_COUNT(p, k);
  PetscMPIInt      count;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(sums, ENGD_COUNT(p, n)));
  for (PetscInt i = 0; i < rows; i++) {
    const PetscInt   row  = kernel->row_start[kernel->rank] + i;
    const PetscReal  sign = EngdRandomBits(seed, ENGD_STREAM_SKETCH, row, l, 0) & 1 ? 1 : -1;
    const PetscReal *x    = X + ENGD_COUNT(p, i);
    PetscReal       *v    = sums + ENGD_COUNT(p, row % n);

    for (PetscInt j = 0; j < p; j++) v[j] += sign * x[j];
  }
  PetscCall(PetscMPIIntCast((PetscInt64)p * n, &count));
  PetscCallMPI(MPI_Reduce(kernel->rank ? sums : MPI_IN_PLACE, sums, count, MPIU_REAL, MPI_SUM, 0, kernel->F->comm));
  if (kernel->rank == 0) PetscCall(Condense(kernel, p, k, n));
  if (kernel->rank == 0) PetscCall(Orthonormalise(kernel, p, k));
  PetscCall(PetscMPIIntCast((PetscInt64)p * k, &count));
  PetscCallMPI(MPI_Bcast(kernel->V, count, MPIU_REAL, 0, kernel->F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X (p, rows) <- J', C (k, rows) of a layer, and squares += |J'|^2 */
static PetscErrorCode Split(EngdNTK kernel, PetscInt l, PetscReal X[], PetscReal C[], PetscReal *squares)
{
  const PetscInt  p = EngdNTKLayerParameters(kernel, l), k = kernel->directions;
  const PetscInt  n     = EngdNTKKeptRows(kernel, kernel->rank, l, EngdNTKPatches(kernel, kernel->rank));
  const PetscReal minus = -1, one = 1;
  const size_t    size = ENGD_COUNT(p, n);
  PetscBLASInt    bp, bk, bn;

  PetscFunctionBeginUser;
  if (k) PetscCall(FindDirections(kernel, l, n, X));
  if (k && n) {
    PetscCall(EngdGemm("T", "N", k, n, p, kernel->V, p, X, p, 0, C, k));
    PetscCall(PetscBLASIntCast(p, &bp));
    PetscCall(PetscBLASIntCast(k, &bk));
    PetscCall(PetscBLASIntCast(n, &bn));
    PetscCallBLAS("BLASgemm", BLASgemm_("N", "N", &bp, &bn, &bk, &minus, kernel->V, &bp, C, &bk, &one, X, &bp));
    PetscCall(PetscLogFlops(2.0 * p * n * k));
  }
  for (size_t i = 0; i < size; i++) *squares += X[i] * X[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the scale, a power of two, and the errors that this group brings */
static PetscErrorCode ChooseScale(EngdNTK kernel, PetscReal squares)
{
  int exponent;

  PetscFunctionBeginUser;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &squares, 1, MPIU_REAL, MPIU_SUM, kernel->F->comm));
  kernel->scale = 1;
  if (!(squares > 0) || PetscIsInfReal(squares)) PetscFunctionReturn(PETSC_SUCCESS);
  (void)frexp((double)PetscSqrtReal(squares), &exponent);
  kernel->scale = (PetscReal)ldexp(1, exponent);
  kernel->rounding += 0.5 * FLT_EPSILON * squares;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out (n) <- in / scale in float32. They may overlap: no number is written where a later one is read */
static void Narrow(size_t n, PetscReal scale, const PetscReal in[], PetscReal out[])
{
  const PetscReal inverse = 1 / scale;
  char           *to      = (char *)out;

  for (size_t i = 0; i < n; i++) {
    const PetscReal value = inverse * in[i];
    const float     x     = PetscAbsReal(value) < LEAST ? 0 : (float)value;

    memcpy(to + i * sizeof(float), &x, sizeof(float));
  }
}

/* what is kept of layer l, at `from`, <- its rows in float32, C (k, rows), z and g, at `to`, which is not behind `from` */
static PetscErrorCode Pack(EngdNTK kernel, PetscInt l, const PetscReal from[], const PetscReal C[], PetscReal to[])
{
  const size_t rows = EngdNTKRowsSize(kernel, kernel->rank, l), factors = EngdNTKFactorsSize(kernel, kernel->rank, l);
  const size_t narrow = EngdNTKNarrowSize(kernel, kernel->rank, l), half = EngdNTKHalf(rows);

  PetscFunctionBeginUser;
  Narrow(rows, kernel->scale, from, to);
  PetscCall(PetscArraycpy(to + half, C, narrow - half));
  PetscCall(PetscArraymove(to + narrow, from + rows, factors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdNTKCompress(EngdNTK kernel, PetscInt group)
{
  PetscReal *next = kernel->own, *C = kernel->C, squares = 0;
  PetscBool  any = PETSC_FALSE;

  PetscFunctionBeginUser;
  for (PetscInt l = kernel->group[group]; l < kernel->group[group + 1]; l++) {
    if (!EngdNTKIsSingle(kernel, l)) continue;
    any = PETSC_TRUE;
    PetscCall(Split(kernel, l, kernel->at[l], C, &squares));
    C += ENGD_COUNT(kernel->directions, EngdNTKRows(kernel, kernel->rank));
  }
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ChooseScale(kernel, squares));
  C = kernel->C;
  for (PetscInt l = kernel->group[group]; l < kernel->group[group + 1]; l++) {
    if (EngdNTKIsSingle(kernel, l)) {
      PetscCall(Pack(kernel, l, kernel->at[l], C, next));
      C += ENGD_COUNT(kernel->directions, EngdNTKRows(kernel, kernel->rank));
    } else {
      PetscCall(PetscArraymove(next, kernel->at[l], EngdNTKLayerSize(kernel, kernel->rank, l)));
    }
    next += EngdNTKSentSize(kernel, kernel->rank, l);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* block (m, n) <- X^T Y + beta block with X (p, m), Y (p, n); its last n rows, where Y is a part of X, by their upper triangle */
static PetscErrorCode MultiplySingle(PetscInt m, PetscInt n, PetscInt p, const float X[], const float Y[], float beta,
                                     PetscBool upper, PetscInt ld, float block[])
{
  const float    one   = 1;
  const PetscInt above = upper ? m - n : m;
  PetscBLASInt   bm, bn, bp, bl;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(above, &bm));
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(p, &bp));
  PetscCall(PetscBLASIntCast(ld, &bl));
  if (above) PetscCallBLAS("sgemm", SGEMM("T", "N", &bm, &bn, &bp, &one, X, &bp, Y, &bp, &beta, block, &bl));
  if (upper) PetscCallBLAS("ssyrk", SSYRK("U", "T", &bn, &bp, &one, Y, &bp, &beta, block + above, &bl));
  PetscCall(PetscLogFlops(2.0 * above * n * p + (upper ? 1.0 * n * n * p : 0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* in float32 a layer that is by rows for points of these two terms */
static PetscBool IsFor(EngdNTK kernel, PetscInt l, PetscInt t, PetscInt u)
{
  return (PetscBool)(EngdNTKIsSingle(kernel, l) && !EngdNTKByGram(kernel, l, t, u));
}

PetscErrorCode EngdNTKAddSingle(EngdNTK kernel, PetscInt group, const EngdNTKSpan *a, const EngdNTKSpan *b,
                                PetscInt ld, PetscReal C[])
{
  const PetscInt t   = kernel->patch[kernel->patch_start[a->rank] + a->begin].term;
  const PetscInt u   = kernel->patch[kernel->patch_start[b->rank] + b->begin].term;
  const PetscInt row = EngdNTKRowOf(kernel, a->rank, a->begin), rows = EngdNTKRowOf(kernel, a->rank, a->end) - row;
  const PetscInt column = EngdNTKRowOf(kernel, b->rank, b->begin), n = EngdNTKRowOf(kernel, b->rank, b->end) - column;
  const PetscBool same   = (PetscBool)(a->rank == b->rank && a->begin == b->begin);
  const PetscReal factor = kernel->scale * kernel->scale;

  PetscFunctionBeginUser;
  for (PetscInt j0 = 0; rows && j0 < n; j0 += ENGD_NTK_COLUMNS) {
    const PetscInt width = PetscMin(ENGD_NTK_COLUMNS, n - j0), m = same ? j0 + width : rows;
    float          beta = 0;

    for (PetscInt l = kernel->group[group]; l < kernel->group[group + 1]; l++) {
      const PetscInt p = EngdNTKLayerParameters(kernel, l);

      if (!IsFor(kernel, l, t, u)) continue;
      PetscCall(MultiplySingle(
          m, width, p, (const float *)kernel->x[l] + ENGD_COUNT(p, EngdNTKKeptRows(kernel, a->rank, l, a->begin)),
          (const float *)kernel->y[l] + ENGD_COUNT(p, EngdNTKKeptRows(kernel, b->rank, l, b->begin) + j0), beta, same,
          rows, kernel->block));
      beta = 1;
    }
    if (beta == 0) break; /* no layer of this group */
    for (PetscInt j = 0; j < width; j++) {
      const float *restrict from = kernel->block + ENGD_COUNT(rows, j);
      PetscReal *restrict to     = C + ENGD_COUNT(ld, column + j0 + j) + row;

      for (PetscInt i = 0; i < (same ? j0 + j + 1 : m); i++) to[i] += factor * from[i];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
