/*
  Truncated least squares with a tall matrix A (M, n), rows spread over the ranks, whose cut-off may change after the factorisation.

    A V_0 = Q_0 R_0                  V_0 random (mixing.c), QR of panels on all ranks (panels.c)
    R_0 = R, cut at a cut-off        least_squares_triangle.c: QR iteration, and the SVD of a small block
    [R; sqrt(mu) s_1 I] = Q R_mu     least_squares_damped.c

  Everything stays as reflectors. Against an SVD of R_0 it is a third of the operations or less, all in GEMM, and, from order 512
  on, even on the ranks. With many rows a rank, each has a QR of its own first, and the panels are those of the stacked triangles
  (Demmel, Grigori, Hoemmen, Langou, SIAM J. Sci. Comput. 34, 2012).
*/
#include "least_squares.h"

#define COLUMNS 64  /* of R_0 that are worth a rank */
#define SHARED  512 /* order from which on: below it messages take as long as the work, far longer on a busy machine */

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
  /* R_1 (n, k), R_2 (k, k) and what a transpose sends and receives, k about n/2: numerically J has no more rank */
  *bytes = ENGD_PAIRS * (PetscReal)(EngdPanelsBytes(active, n, n / 2) + EngdPanelsBytes(active, n / 2, n / 2));
  if (active > 1) *bytes += (PetscReal)sizeof(PetscReal) * n * n / active;
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
  for (PetscInt s = ls->size == 1 ? 1 : 0; ls->core != MPI_COMM_NULL && s < 1 + 2 * ENGD_PAIRS; s++)
    PetscCall(EngdPanelsCreate(ls->core, &ls->stage[s]));
  if (ls->size == 1) ls->stage[0] = ls->own;
  length = PetscMax(ls->M, 2 * n);
  if (ls->leaf) length = PetscMax(PetscMax(length, ls->size * n), m);
  PetscCall(PetscMalloc5(length, &ls->b, length, &ls->c, length, &ls->x, length, &ls->y, length, &ls->z));
  PetscCall(PetscMalloc6(ENGD_WHOLE * ENGD_WHOLE, &ls->W, ENGD_WHOLE * ENGD_WHOLE, &ls->Uw, ENGD_WHOLE * ENGD_WHOLE,
                         &ls->Vw, ENGD_WHOLE, &ls->sw, EngdDenseSVDWorkSize(ENGD_WHOLE), &ls->work, 8 * ENGD_WHOLE,
                         &ls->iwork));
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

PetscErrorCode EngdLeastSquaresForget(EngdLeastSquares ls)
{
  PetscFunctionBeginUser;
  if (!ls) PetscFunctionReturn(PETSC_SUCCESS);
  ls->last = 0;
  ls->end = ls->begin = 0;
  ls->sigma           = 0;
  ls->mu              = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdLeastSquaresFactor(EngdLeastSquares ls)
{
  PetscInt   lda;
  PetscReal *A;

  PetscFunctionBeginUser;
  PetscCall(EngdLeastSquaresForget(ls));
  ls->order[0] = ls->n;
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
  PetscCall(EngdTriangleBegin(ls));
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

PetscErrorCode EngdLeastSquaresSolve(EngdLeastSquares ls, PetscReal cutoff, EngdSide side, PetscReal y[])
{
  const PetscBool left = (PetscBool)(side == ENGD_LEFT);

  PetscFunctionBeginUser;
  if (ls->core != MPI_COMM_NULL) {
    PetscCall(EngdTriangleCut(ls, cutoff));
    PetscCall(PetscArraycpy(ls->b, ls->c, ls->n));
    PetscCall(Steps(ls, ls->left, PETSC_FALSE, ls->b));
    PetscCall(EngdTriangleSolve(ls, ls->left, left, ls->b));
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
    PetscCall(Steps(ls, left, PETSC_FALSE, ls->b));
    PetscCall(EngdTriangleSolveDamped(ls, mu, (PetscBool)!left, ls->b));
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
  for (PetscInt s = 0; s < 1 + 2 * ENGD_PAIRS; s++) PetscCall(EngdPanelsDestroy(&ls->stage[s]));
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
