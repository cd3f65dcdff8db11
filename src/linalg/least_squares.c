/*
  Truncated least squares with a tall matrix A (M, n), rows spread over the ranks, whose cut-off may change after the factorisation.

    A V_0 = Q_0 R_0                  V_0 random (mixing.c), QR of panels on all ranks (panels.c)
    R_0^T = Q_1 R_1, R_1^T = Q_2 R_2, ...   so that A = U R V^T with U = Q_0 Q_2 .., V = V_0 Q_1 Q_3 .., R the last triangle

  Each step is one of the QR iteration for R^T R without shifts: the diagonal of R comes to be the singular values, in
  descending order, and what is above it fades as (s_j/s_i)^2 a pair of steps. Only about the place of the cut-off, where they
  are close, is that not enough: there the SVD of a diagonal block of R does the rest, and where R is small its whole SVD.

    R = [R_a R_b; 0 R_w],  R_w = U_w S_w V_w^T,     A^+ = V [R_a^{-1} (I, -R_b V_w f(S_w) U_w^T); V_w f(S_w) U_w^T] U^T

  The rows of R_0 that are of the size of rounding are left out before the steps, which are for when a cut-off asks for them:
  where all singular values are above it the QR is all there is to do. A solution is that of the SVD up to 1e-3 of
  order 200, 1e-2 of order 500, for singular values that fall as those of Jacobians do; a cut amid values that are all alike is another one. Everything stays as reflectors. Against an SVD of
  R_0 it is a third of the operations or less, all in GEMM, and, from order 512 on, even on the ranks. With many rows a rank, each has a QR of its
  own first, and the panels are those of the stacked triangles. Damped solutions: the QR of [R; sqrt(mu) s_1 I].
  References: Mathias and Stewart, Linear Algebra Appl. 182 (1993); Stewart, SIAM J. Sci. Comput. 20 (1999); for V_0 mixing.c.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

#define PAIRS     1                            /* of steps after R_0 */
#define WINDOW    64                           /* order of the block about the cut-off */
#define WHOLE     96                           /* up to this order the block is R */
#define NEGLECTED (10 * PETSC_MACHINE_EPSILON) /* rows of this part of the norm are left out */
#define MARGIN    3                            /* the least singular value is estimated from above */
#define POWERS    20
#define COLUMNS   64 /* of R_0 that are worth a rank */
#define SHARED                                                                                                       \
  512 /* order from which on: below it messages take as long as the work, and on a busy machine far longer */

struct _n_EngdLeastSquares {
  MPI_Comm     comm, core; /* core: the ranks that have columns of triangles, MPI_COMM_NULL on others */
  PetscMPIInt  rank, size, active;
  PetscInt     m, n, M;
  PetscReal    least;         /* No cut-off will be less. */
  PetscBool    leaf;          /* Each rank has a QR of its own rows first. */
  PetscMPIInt *count, *start; /* [size] Rows of the ranks, or of their triangles. */
  PetscReal   *rows;          /* (m, n) The rows where there is no leaf. */
  EngdMixing   mixing;
  EngdPanels   own; /* The QR of the leaf. */
  EngdPanels   stage[1 + 2 * PAIRS];
  PetscInt     order[1 + 2 * PAIRS]; /* Of the triangle of each. */
  PetscInt     last;                 /* The stage that is done. */
  PetscReal    norm;                 /* Of Frobenius, of R_0. */
  PetscReal    sigma;                /* The largest singular value. */
  PetscReal    smallest;             /* An estimate of the least one, 0 where it is of no interest. */
  PetscReal   *b, *c, *x, *y, *z; /* The right-hand side, behind Q_0 or V_0; scratch. Of the longest vector, whole. */
  PetscBool    left;              /* Which of these it is. */
  PetscInt     begin, end, below; /* The block, and how many of its singular values are above the cut-off. */
  PetscReal   *W, *Uw, *Vw, *sw, *work; /* (WHOLE, WHOLE) each, (WHOLE) */
  PetscBLASInt *iwork;
  EngdPanels    damped;
  PetscReal     mu; /* That damped is for. */
};

/* where the rows of all ranks are fewer than columns there is no QR of each rank's own */
static PetscErrorCode HasLeaf(MPI_Comm comm, PetscInt m, PetscInt n, PetscBool *leaf)
{
  PetscInt least = m;

  PetscFunctionBeginUser;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &least, 1, MPIU_INT, MPI_MIN, comm));
  *leaf = (PetscBool)(least >= n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscMPIInt ActiveRanks(PetscMPIInt size, PetscInt n)
{
  return n < SHARED ? 1 : (PetscMPIInt)PetscMin(size, n / COLUMNS);
}

PetscErrorCode EngdLeastSquaresBytes(MPI_Comm comm, PetscInt m, PetscInt n, PetscReal *bytes)
{
  PetscMPIInt size, active;
  PetscInt    M;
  PetscBool   leaf;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(HasLeaf(comm, m, n, &leaf));
  PetscCall(MPIU_Allreduce(&m, &M, 1, MPIU_INT, MPI_SUM, comm));
  active = ActiveRanks(size, n);
  *bytes = 2 * PAIRS * (PetscReal)EngdPanelsBytes(active, n, n) + (PetscReal)sizeof(PetscReal) * n * n / active;
  *bytes += leaf ? (PetscReal)EngdPanelsBytes(1, m, n) : (PetscReal)sizeof(PetscReal) * m * n;
  if (size > 1)
    *bytes += (PetscReal)EngdPanelsBytes(active, leaf ? size * n : M, n) + (PetscReal)sizeof(PetscReal) * m * n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* how the rows of the ranks, or their triangles, follow each other */
static PetscErrorCode LayOutRows(EngdLeastSquares ls)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(ls->size, &ls->count, ls->size + 1, &ls->start));
  PetscCall(EngdGatherCounts(ls->comm, ls->leaf ? ls->n : ls->m, ls->count, ls->start));
  ls->start[ls->size] = ls->start[ls->size - 1] + ls->count[ls->size - 1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdLeastSquaresCreate(MPI_Comm comm, PetscInt m, PetscInt n, const PetscInt order[], PetscReal least,
                                      EngdLeastSquares *out)
{
  EngdLeastSquares ls;
  PetscInt         length;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&ls));
  ls->comm  = comm;
  ls->m     = m;
  ls->n     = n;
  ls->least = least;
  PetscCallMPI(MPI_Comm_rank(comm, &ls->rank));
  PetscCallMPI(MPI_Comm_size(comm, &ls->size));
  PetscCall(MPIU_Allreduce(&m, &ls->M, 1, MPIU_INT, MPI_SUM, comm));
  PetscCheck(ls->M >= n, comm, PETSC_ERR_ARG_SIZ, "least squares with fewer rows than columns: factor the transpose");
  PetscCall(HasLeaf(comm, m, n, &ls->leaf));
  PetscCall(LayOutRows(ls));
  ls->active = ActiveRanks(ls->size, n);
  PetscCallMPI(MPI_Comm_split(comm, ls->rank < ls->active ? 0 : MPI_UNDEFINED, ls->rank, &ls->core));
  PetscCall(EngdMixingCreate(n, order, &ls->mixing));
  if (ls->leaf) {
    PetscCall(EngdPanelsCreate(PETSC_COMM_SELF, &ls->own));
    PetscCall(EngdPanelsSetSizes(ls->own, m, n, 1));
  } else {
    PetscCall(PetscMalloc1(ENGD_COUNT(m, n), &ls->rows));
  }
  for (PetscInt s = ls->size == 1 ? 1 : 0; ls->core != MPI_COMM_NULL && s < 1 + 2 * PAIRS; s++)
    PetscCall(EngdPanelsCreate(ls->core, &ls->stage[s]));
  if (ls->size == 1) ls->stage[0] = ls->own;
  length = PetscMax(ls->M, 2 * n);
  if (ls->leaf) length = PetscMax(PetscMax(length, ls->size * n), m);
  PetscCall(PetscMalloc5(length, &ls->b, length, &ls->c, length, &ls->x, length, &ls->y, length, &ls->z));
  PetscCall(PetscMalloc6(WHOLE * WHOLE, &ls->W, WHOLE * WHOLE, &ls->Uw, WHOLE * WHOLE, &ls->Vw, WHOLE, &ls->sw,
                         EngdDenseSVDWorkSize(WHOLE), &ls->work, 8 * WHOLE, &ls->iwork));
  *out = ls;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdLeastSquaresGetArray(EngdLeastSquares ls, PetscInt *lda, PetscReal **A)
{
  PetscFunctionBeginUser;
  *lda = PetscMax(ls->m, 1);
  *A   = ls->rows;
  if (ls->leaf) PetscCall(EngdPanelsGetArray(ls->own, lda, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* row i of what rank r has, among those of stage 0 */
static PetscInt StageRow(EngdLeastSquares ls, PetscMPIInt r, PetscInt i)
{
  return ls->leaf ? EngdPanelsStackRow(ls->n, ls->size, r, i) : ls->start[r] + i;
}

/* the order beyond which the rows of triangle s, all together, are below a part of the norm of A */
static PetscErrorCode CountRows(EngdLeastSquares ls, PetscInt s, PetscInt *k)
{
  PetscReal part, sum = 0;

  PetscFunctionBeginUser;
  *k = ls->order[s];
  PetscCall(EngdPanelsRowSquares(ls->stage[s], ls->x));
  if (!s) {
    for (PetscInt i = 0; i < ls->n; i++) sum += ls->x[i];
    ls->norm = PetscSqrtReal(sum);
    sum      = 0;
  }
  part = ls->norm * NEGLECTED;
  while (*k > 0 && sum + ls->x[*k - 1] <= part * part) sum += ls->x[--*k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the least singular value of R_0 by inverse iteration, from above; 0 where the diagonal says that it is small */
static PetscErrorCode EstimateSmallest(EngdLeastSquares ls)
{
  const PetscInt n    = ls->n;
  PetscReal      diag = ls->norm, sum;
  PetscReal     *a;

  PetscFunctionBeginUser;
  ls->smallest = 0;
  for (PetscInt j = 0; j < n; j++) {
    PetscCall(EngdPanelsGetColumn(ls->stage[0], j, &a));
    if (a) diag = PetscMin(diag, PetscAbsReal(a[j]));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &diag, 1, MPIU_REAL, MPIU_MIN, ls->core));
  if (diag <= MARGIN * ls->least * ls->norm || n <= WHOLE) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < n; i++) ls->x[i] = EngdRandomNormal(0, ENGD_STREAM_SKETCH, i, 0, 2);
  for (PetscInt k = 0; k < 3; k++) {
    PetscCall(EngdPanelsSolve(ls->stage[0], "T", n, ls->x));
    PetscCall(EngdPanelsSolve(ls->stage[0], "N", n, ls->x));
    sum = 0;
    for (PetscInt i = 0; i < n; i++) sum += PetscSqr(ls->x[i]);
    ls->smallest = PetscPowReal(sum, -0.25); /* of (R^T R)^{-1} on a vector of norm one */
    sum          = 1 / PetscSqrtReal(sum);
    for (PetscInt i = 0; i < n; i++) ls->x[i] *= sum;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdLeastSquaresFactor(EngdLeastSquares ls)
{
  PetscInt   lda;
  PetscReal *A;

  PetscFunctionBeginUser;
  ls->last = 0;
  ls->end = ls->begin = 0;
  ls->sigma           = 0;
  ls->mu              = -1;
  ls->order[0]        = ls->n;
  if (!ls->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdLeastSquaresGetArray(ls, &lda, &A));
  PetscCall(EngdMixingRows(ls->mixing, ls->m, lda, A));
  if (ls->leaf) PetscCall(EngdPanelsFactor(ls->own));
  if (ls->size > 1) {
    if (ls->core != MPI_COMM_NULL) PetscCall(EngdPanelsSetSizes(ls->stage[0], ls->M, ls->n, ls->leaf ? ls->size : 1));
    PetscCall(EngdPanelsDeal(ls->stage[0], ls->comm, ls->active, ls->n, ls->count, ls->leaf, lda, A));
    if (ls->core != MPI_COMM_NULL) PetscCall(EngdPanelsFactor(ls->stage[0]));
  }
  if (ls->core == MPI_COMM_NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CountRows(ls, 0, &ls->order[1]));
  PetscCall(EstimateSmallest(ls));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R_1, R_2, ... */
static PetscErrorCode Iterate(EngdLeastSquares ls)
{
  PetscFunctionBeginUser;
  for (; ls->last < 2 * PAIRS && ls->order[1]; ls->last++) {
    const PetscInt s = ls->last;

    if (s) PetscCall(CountRows(ls, s, &ls->order[s + 1]));
    PetscCall(EngdPanelsTranspose(ls->stage[s], ls->order[s + 1], ls->stage[s + 1]));
    PetscCall(EngdPanelsFactor(ls->stage[s + 1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the largest singular value, by iteration with the last triangle */
static PetscErrorCode EstimateLargest(EngdLeastSquares ls)
{
  const PetscInt k = ls->order[ls->last];
  EngdPanels     R = ls->stage[ls->last];

  PetscFunctionBeginUser;
  if (ls->sigma > 0 || !k) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < k; i++) ls->x[i] = i ? 1 / (PetscReal)k : 1;
  for (PetscInt power = 0; power < POWERS; power++) {
    PetscReal sum = 0, before = ls->sigma;

    PetscCall(EngdPanelsMult(R, "N", k, 0, k, ls->x, ls->y));
    PetscCall(EngdPanelsMult(R, "T", k, 0, k, ls->y, ls->x));
    for (PetscInt i = 0; i < k; i++) sum += PetscSqr(ls->x[i]);
    if (sum == 0) break;
    ls->sigma = PetscPowReal(sum, 0.25);
    sum       = 1 / PetscSqrtReal(sum);
    for (PetscInt i = 0; i < k; i++) ls->x[i] *= sum;
    if (power && PetscAbsReal(ls->sigma - before) <= 1e-4 * ls->sigma) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the SVD of the block of R from begin to end */
static PetscErrorCode Decompose(EngdLeastSquares ls, PetscInt begin, PetscInt end)
{
  const PetscInt w = end - begin;
  PetscMPIInt    count;

  PetscFunctionBeginUser;
  ls->begin = begin;
  ls->end   = end;
  PetscCall(PetscArrayzero(ls->W, w * w));
  for (PetscInt j = 0; j < w; j++) {
    PetscReal *a;

    PetscCall(EngdPanelsGetColumn(ls->stage[ls->last], begin + j, &a));
    if (a) PetscCall(PetscArraycpy(ls->W + j * w, a + begin, j + 1));
  }
  PetscCall(PetscMPIIntCast(w * w, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, ls->W, count, MPIU_REAL, MPI_SUM, ls->core));
  PetscCall(EngdDenseSVD(w, ls->W, ls->sw, ls->Uw, w, ls->Vw, ls->work, ls->iwork));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* where the diagonal of the last triangle comes to be below the cut-off */
static PetscErrorCode FindPlace(EngdLeastSquares ls, PetscReal cutoff, PetscInt *place)
{
  const PetscInt k = ls->order[ls->last];

  PetscFunctionBeginUser;
  *place = k;
  for (PetscInt j = 0; j < k; j++) {
    PetscReal *a;

    PetscCall(EngdPanelsGetColumn(ls->stage[ls->last], j, &a));
    if (a && PetscAbsReal(a[j]) <= cutoff * ls->sigma) {
      *place = j;
      break;
    }
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, place, 1, MPIU_INT, MPI_MIN, ls->core));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* begin, end and below of a cut-off */
static PetscErrorCode Cut(EngdLeastSquares ls, PetscReal cutoff)
{
  PetscInt k = ls->n, place;

  PetscFunctionBeginUser;
  if (!ls->last && ls->smallest > MARGIN * cutoff * ls->norm) {
    ls->begin = ls->end = k;
    ls->below           = 0;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (ls->last == 0) ls->begin = ls->end = 0;
  PetscCall(Iterate(ls));
  k = ls->last ? ls->order[ls->last] : 0;
  if (k > WHOLE) {
    PetscCall(EstimateLargest(ls));
    PetscCall(FindPlace(ls, cutoff, &place));
    if (place < ls->begin + (ls->begin ? WINDOW / 4 : 0) || place > ls->end - (ls->end < k ? WINDOW / 4 : 0) ||
        ls->begin == ls->end) {
      const PetscInt begin = PetscMax(0, PetscMin(place - WINDOW / 2, k - WINDOW));

      PetscCall(Decompose(ls, begin, begin + WINDOW));
    }
  } else if (k && ls->end != k) {
    PetscCall(Decompose(ls, 0, k));
    ls->sigma = ls->sw[0];
  }
  if (!k) ls->begin = ls->end = 0;
  for (ls->below = 0; ls->below < ls->end - ls->begin && ls->sw[ls->below] > cutoff * ls->sigma;) ls->below++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* t (w) of the block: op(U_w S^{-1} V_w^T) or its transpose of what is above the cut-off, t <- V_w S^{-1} U_w^T t */
static PetscErrorCode SolveBlock(EngdLeastSquares ls, PetscBool transposed, PetscReal t[])
{
  const PetscInt w = ls->end - ls->begin;

  PetscFunctionBeginUser;
  if (!w) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdDenseMultiply(transposed ? "N" : "T", w, w, transposed ? ls->Vw : ls->Uw, t, ls->work));
  for (PetscInt i = 0; i < w; i++) ls->work[i] = i < ls->below ? ls->work[i] / ls->sw[i] : 0;
  PetscCall(EngdDenseMultiply(transposed ? "N" : "T", w, w, transposed ? ls->Uw : ls->Vw, ls->work, t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (order) <- R^+ x: the block first, then the columns before it */
static PetscErrorCode SolveTriangle(EngdLeastSquares ls, PetscReal x[])
{
  EngdPanels R = ls->stage[ls->last];

  PetscFunctionBeginUser;
  PetscCall(SolveBlock(ls, PETSC_FALSE, x + ls->begin));
  if (ls->end > ls->begin && ls->begin) {
    PetscCall(EngdPanelsMult(R, "N", ls->begin, ls->begin, ls->end, x + ls->begin, ls->z));
    for (PetscInt i = 0; i < ls->begin; i++) x[i] -= ls->z[i];
  }
  PetscCall(EngdPanelsSolve(R, "N", ls->begin, x));
  for (PetscInt i = ls->end; i < ls->order[ls->last]; i++) x[i] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (order) <- (R^+)^T x */
static PetscErrorCode SolveTriangleTransposed(EngdLeastSquares ls, PetscReal x[])
{
  EngdPanels R = ls->stage[ls->last];

  PetscFunctionBeginUser;
  PetscCall(EngdPanelsSolve(R, "T", ls->begin, x));
  if (ls->end > ls->begin && ls->begin) {
    PetscCall(EngdPanelsMult(R, "T", ls->begin, ls->begin, ls->end, x, ls->z));
    for (PetscInt i = ls->begin; i < ls->end; i++) x[i] -= ls->z[i - ls->begin];
  }
  PetscCall(SolveBlock(ls, PETSC_TRUE, x + ls->begin));
  for (PetscInt i = ls->end; i < ls->order[ls->last]; i++) x[i] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [R; sqrt(mu) s_1 I] = Q R_mu */
static PetscErrorCode FactorDamped(EngdLeastSquares ls, PetscReal mu)
{
  const PetscInt k = ls->order[ls->last];
  PetscReal     *a, *r;

  PetscFunctionBeginUser;
  if (ls->mu == mu) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EstimateLargest(ls));
  if (!ls->damped) PetscCall(EngdPanelsCreate(ls->core, &ls->damped));
  PetscCall(EngdPanelsSetSizes(ls->damped, 2 * k, k, 2));
  for (PetscInt j = 0; j < k; j++) {
    PetscCall(EngdPanelsGetColumn(ls->damped, j, &a));
    if (!a) continue;
    PetscCall(EngdPanelsGetColumn(ls->stage[ls->last], j, &r));
    PetscCall(PetscArrayzero(a, 2 * k));
    for (PetscInt i = 0; i <= j; i++) a[EngdPanelsStackRow(k, 2, 0, i)] = r[i];
    a[EngdPanelsStackRow(k, 2, 1, j)] = PetscSqrtReal(mu) * ls->sigma;
  }
  PetscCall(EngdPanelsFactor(ls->damped));
  ls->mu = mu;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (order) <- (R^T R + mu s_1^2 I)^{-1} R^T x, or R (R^T R + mu s_1^2 I)^{-1} x if transposed: the transpose of that */
static PetscErrorCode SolveDamped(EngdLeastSquares ls, PetscBool transposed, PetscReal x[])
{
  const PetscInt k = ls->order[ls->last];
  PetscReal     *y = ls->z;

  PetscFunctionBeginUser;
  if (transposed) PetscCall(EngdPanelsSolve(ls->damped, "T", k, x));
  PetscCall(PetscArrayzero(y, 2 * k));
  for (PetscInt i = 0; i < k; i++) y[transposed ? i : EngdPanelsStackRow(k, 2, 0, i)] = x[i];
  PetscCall(EngdPanelsApply(ls->damped, transposed ? "N" : "T", y));
  for (PetscInt i = 0; i < k; i++) x[i] = y[transposed ? EngdPanelsStackRow(k, 2, 0, i) : i];
  if (!transposed) PetscCall(EngdPanelsSolve(ls->damped, "N", k, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (n) <- Q_0^T b or V_0^T b */
static PetscErrorCode Project(EngdLeastSquares ls, PetscBool left, const PetscReal b[], PetscReal x[])
{
  PetscFunctionBeginUser;
  if (!left) {
    PetscCall(PetscArraycpy(x, b, ls->n));
    PetscCall(EngdMixingMultTranspose(ls->mixing, x));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscArraycpy(ls->y, b, ls->m));
  if (ls->leaf) PetscCall(EngdPanelsApply(ls->own, "T", ls->y));
  if (ls->size == 1) {
    PetscCall(PetscArraycpy(x, ls->y, ls->n));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCallMPI(
      MPI_Allgatherv(ls->y, ls->count[ls->rank], MPIU_REAL, ls->z, ls->count, ls->start, MPIU_REAL, ls->comm));
  if (ls->core == MPI_COMM_NULL) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscMPIInt r = 0; r < ls->size; r++) {
    for (PetscInt i = 0; i < ls->count[r]; i++) x[StageRow(ls, r, i)] = ls->z[ls->start[r] + i];
  }
  PetscCall(EngdPanelsApply(ls->stage[0], "T", x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdLeastSquaresSetRightHandSide(EngdLeastSquares ls, EngdSide side, const PetscReal b[])
{
  PetscFunctionBeginUser;
  ls->left = (PetscBool)(side == ENGD_LEFT);
  PetscCall(Project(ls, ls->left, b, ls->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x: from behind Q_0 or V_0 to the order of the last triangle, by the steps of that side, or back */
static PetscErrorCode Steps(EngdLeastSquares ls, PetscBool left, PetscBool back, PetscReal x[])
{
  const PetscInt first = left ? 2 : 1, k = ls->order[ls->last];

  PetscFunctionBeginUser;
  if (!ls->last) PetscFunctionReturn(PETSC_SUCCESS);
  if (!back) {
    for (PetscInt s = first; s <= ls->last; s += 2) PetscCall(EngdPanelsApply(ls->stage[s], "T", x));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt i = k; i < ls->n; i++) x[i] = 0;
  for (PetscInt s = left ? ls->last : ls->last - 1; s >= first; s -= 2)
    PetscCall(EngdPanelsApply(ls->stage[s], "N", x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y <- Q_0 x (m here) or V_0 x (n, whole) */
static PetscErrorCode Expand(EngdLeastSquares ls, PetscBool left, PetscReal x[], PetscReal y[])
{
  PetscMPIInt count;

  PetscFunctionBeginUser;
  if (left && ls->size > 1 && ls->core != MPI_COMM_NULL) {
    PetscCall(PetscArrayzero(x + ls->n, (ls->leaf ? ls->size * ls->n : ls->M) - ls->n));
    PetscCall(EngdPanelsApply(ls->stage[0], "N", x));
  }
  PetscCall(PetscMPIIntCast(!left ? ls->n : ls->leaf ? ls->size * ls->n : ls->M, &count));
  if (ls->active < ls->size) PetscCallMPI(MPI_Bcast(x, count, MPIU_REAL, 0, ls->comm));
  if (!left) {
    PetscCall(EngdMixingMult(ls->mixing, x));
    PetscCall(PetscArraycpy(y, x, ls->n));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (ls->size > 1) {
    for (PetscInt i = 0; i < ls->count[ls->rank]; i++) ls->y[i] = x[StageRow(ls, ls->rank, i)];
  } else {
    PetscCall(PetscArraycpy(ls->y, x, ls->n));
  }
  if (ls->leaf) {
    PetscCall(PetscArrayzero(ls->y + ls->n, ls->m - ls->n));
    PetscCall(EngdPanelsApply(ls->own, "N", ls->y));
  }
  PetscCall(PetscArraycpy(y, ls->y, ls->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (order): the middle factor of what leads from one side to the other, or with both triangles to the same side */
static PetscErrorCode SolveCut(EngdLeastSquares ls, PetscBool from_left, PetscBool to_left, PetscReal x[])
{
  PetscFunctionBeginUser;
  if (from_left) PetscCall(SolveTriangle(ls, x));
  if (!from_left || to_left) PetscCall(SolveTriangleTransposed(ls, x));
  if (!from_left && !to_left) PetscCall(SolveTriangle(ls, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdLeastSquaresSolve(EngdLeastSquares ls, PetscReal cutoff, EngdSide side, PetscReal y[])
{
  const PetscBool left = (PetscBool)(side == ENGD_LEFT);

  PetscFunctionBeginUser;
  if (ls->core != MPI_COMM_NULL) {
    PetscCall(Cut(ls, cutoff));
    PetscCall(PetscArraycpy(ls->b, ls->c, ls->n));
    PetscCall(Steps(ls, ls->left, PETSC_FALSE, ls->b));
    PetscCall(SolveCut(ls, ls->left, left, ls->b));
    PetscCall(Steps(ls, left, PETSC_TRUE, ls->b));
  }
  PetscCall(Expand(ls, left, ls->b, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdLeastSquaresSolveDamped(EngdLeastSquares ls, PetscReal mu, EngdSide from, const PetscReal b[],
                                           PetscReal y[])
{
  const PetscBool left = (PetscBool)(from == ENGD_LEFT);

  PetscFunctionBeginUser;
  PetscCall(Project(ls, left, b, ls->b));
  if (ls->core != MPI_COMM_NULL) {
    PetscCall(FactorDamped(ls, mu));
    PetscCall(Steps(ls, left, PETSC_FALSE, ls->b));
    PetscCall(SolveDamped(ls, (PetscBool)!left, ls->b));
    PetscCall(Steps(ls, (PetscBool)!left, PETSC_TRUE, ls->b));
  }
  PetscCall(Expand(ls, (PetscBool)!left, ls->b, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdLeastSquaresDestroy(EngdLeastSquares *least_squares)
{
  EngdLeastSquares ls = *least_squares;

  PetscFunctionBeginUser;
  if (!ls) PetscFunctionReturn(PETSC_SUCCESS);
  if (ls->size == 1) ls->stage[0] = NULL; /* the leaf */
  for (PetscInt s = 0; s < 1 + 2 * PAIRS; s++) PetscCall(EngdPanelsDestroy(&ls->stage[s]));
  PetscCall(EngdPanelsDestroy(&ls->own));
  PetscCall(EngdPanelsDestroy(&ls->damped));
  PetscCall(EngdMixingDestroy(&ls->mixing));
  PetscCall(PetscFree(ls->rows));
  PetscCall(PetscFree2(ls->count, ls->start));
  PetscCall(PetscFree5(ls->b, ls->c, ls->x, ls->y, ls->z));
  PetscCall(PetscFree6(ls->W, ls->Uw, ls->Vw, ls->sw, ls->work, ls->iwork));
  if (ls->core != MPI_COMM_NULL) PetscCallMPI(MPI_Comm_free(&ls->core));
  PetscCall(PetscFree(*least_squares));
  PetscFunctionReturn(PETSC_SUCCESS);
}
