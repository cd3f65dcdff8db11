/*
  Direction tsvd: truncated least squares on the Jacobian written out, never on J^T J, which squares the condition number.

    J = U S V^T,   d = -V f(S) U^T R,   f(s) = 1/s where s > rcond s_1, else 0

  What is factored is J where N >= p, else J^T, on all ranks (least_squares.c): small singular directions are not lost, and a retry
  raises the cut-off, with the same factors. Where the metric is not that of a residual (energies, L2, H1), U^T R is
  S^{-1} V^T gradient, and J stands for the roots of the metric. The rows or the parameters, whichever are fewer, are at most
  some thousands. The truncation is that of the SVD up to order 96; beyond, singular values next to the cut-off are sorted as if
  they alone were not in order, and singular directions far from it enter as a block.

  Tried and lost: a moving average, R^T R <- beta R^T R + (1 - beta) J^T J, by the last triangle as rows below J with zeros
  on the right. With beta 0.6, 20 s, Poisson (257 parameters) ends at 2e-8..1e-7 instead of 1e-12, heat at 2e-7..1e-6 instead
  of 1e-9..3e-8. Poisson 5D (449): 1.5e-8 in 100 s of one core, 7e-7 without; but direction dense with that average and a
  small fixed lambda takes a third of the time an iteration and ends at 1.3e-9 (150 s): the average lifts the small singular
  values, so that squaring costs little.
*/
#include <engd/private.h>

#define CORE  1.5 /* rows of the triangle for one above rounding: 1 to 3 */
#define WORTH 20  /* measured on Poisson and heat, 257 parameters: errors of 1e-10 against 1e-5 */

typedef struct {
  PetscReal        rcond, first;   /* the least cut-off, and the first one that this iteration tries */
  PetscBool        columns;        /* p > N: the transpose is factored */
  PetscBool        residual;       /* the right-hand side is R, not the gradient */
  PetscInt         nrows, N, p, n; /* rows here and in all; n = min(N, p) */
  PetscReal        bytes;          /* on the rank that needs most */
  EngdLeastSquares ls;
  PetscReal       *whole; /* [max(N, p)] */
  Vec              R;
  PetscMPIInt     *rowcount, *rowstart, *count, *start; /* [size] how rows and parameters are spread */
  const PetscInt  *ranges;
  PetscInt64       generation; /* of the functional that the factors and the right-hand side belong to */
} TSVD;

/* rows of J on all ranks, and bytes on the rank that needs most. Collective */
static PetscErrorCode MeasureJacobian(EngdFunctional F, PetscInt *N, PetscReal *bytes)
{
  PetscInt  nrows, n, p = F->model->nparameters, local;
  PetscReal own, factors;

  PetscFunctionBeginUser;
  PetscCall(EngdExplicitCountRows(F, &nrows));
  PetscCall(MPIU_Allreduce(&nrows, N, 1, MPIU_INT, MPI_SUM, F->comm));
  n     = PetscMin(*N, p);
  local = nrows;
  if (p > *N) {
    local = PETSC_DECIDE;
    PetscCall(PetscSplitOwnership(F->comm, &local, &p));
  }
  PetscCall(EngdExplicitBytes(F, (PetscBool)(p > *N), &own));
  PetscCall(EngdLeastSquaresBytes(F->comm, local, n, &factors));
  own += factors;
  PetscCall(MPIU_Allreduce(&own, bytes, 1, MPIU_REAL, MPI_MAX, F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sizes and memory */
static PetscErrorCode Measure(TSVD *tsvd, EngdFunctional F)
{
  PetscFunctionBeginUser;
  tsvd->p = F->model->nparameters;
  PetscCall(EngdExplicitHasResidual(F, &tsvd->residual));
  PetscCall(EngdExplicitCountRows(F, &tsvd->nrows));
  PetscCall(MeasureJacobian(F, &tsvd->N, &tsvd->bytes));
  tsvd->n       = PetscMin(tsvd->N, tsvd->p);
  tsvd->columns = (PetscBool)(tsvd->p > tsvd->N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* QR: 2 n^2 (max(N, p) - n/3) flops, n = min(N, p), then four of order k = 2n/3 or less; over all ranks */
static PetscErrorCode Estimate_TSVD(EngdDirection direction, EngdSolver solver, EngdEstimate *estimate)
{
  EngdFunctional F = solver->functional;
  PetscInt       N;
  PetscReal      n, k;
  PetscMPIInt    size;

  PetscFunctionBeginUser;
  (void)direction;
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(MeasureJacobian(F, &N, &estimate->bytes));
  n = PetscMin(N, F->model->nparameters);
  k = n / CORE;

  estimate->suits = (PetscBool)!F->curvature->horizontal;
  estimate->worth = WORTH;
  estimate->seconds =
      (2 * n * n * (PetscMax(N, F->model->nparameters) - n / 3) + 2 * k * k * (n - k / 3) + 4 * k * k * k) / size /
      ENGD_FLOPS_PER_SECOND;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_TSVD(EngdDirection direction, EngdSolver solver,
                                          EngdOptionItems PetscOptionsObject)
{
  TSVD          *tsvd = (TSVD *)direction->data;
  EngdFunctional F    = solver->functional;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Direction tsvd");
  PetscCall(EngdDirectionReadCutoff(F->comm, &tsvd->rcond, PetscOptionsObject));
  PetscOptionsHeadEnd();
  PetscCheck(!F->curvature->horizontal, F->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_direction tsvd with -tao_engd_curvature %s, of a quotient: take quotient, or krylov",
             F->curvature->type);
  PetscCall(Measure(tsvd, F));
  direction->bytes = tsvd->bytes;
  PetscCheck(tsvd->bytes <= F->options.memory_limit, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_direction tsvd needs %.3g bytes a rank for a Jacobian of %" PetscInt_FMT " x %" PetscInt_FMT
             ", more than -engd_memory_limit %.3g; raise it, use more ranks, or choose -tao_engd_direction krylov",
             (double)tsvd->bytes, tsvd->N, tsvd->p, (double)F->options.memory_limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* order[i] is the row of J, as the ranks have them, that is the i-th by term, root and point, integrals last: the same on any number of ranks */
static PetscErrorCode OrderRows(TSVD *tsvd, EngdFunctional F, PetscInt order[])
{
  PetscInt   *key, *all, row = 0, first = 0;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(PetscMalloc2(tsvd->nrows, &key, tsvd->N, &all));
  for (PetscInt t = 0, b = 0; t < F->problem->nterms; t++) {
    const EngdPoints points = F->problem->term[t]->points;
    PetscInt         nroots;

    PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, t, &nroots));
    for (; b < F->nblocks && F->block[b].term == t; b++) {
      const EngdBlock *block = &F->block[b];

      for (PetscInt k = 0; k < nroots; k++) {
        for (PetscInt i = 0; i < block->n; i++)
          key[row++] = first + k * points->nglobal + points->start + block->start + i;
      }
    }
    first += nroots * points->nglobal;
  }
  for (PetscInt k = 0; k < EngdIntegralRowsCount(F); k++) key[row++] = first + k;
  PetscCallMPI(
      MPI_Allgatherv(key, tsvd->rowcount[rank], MPIU_INT, all, tsvd->rowcount, tsvd->rowstart, MPIU_INT, F->comm));
  for (PetscInt i = 0; i < tsvd->N; i++) order[all[i]] = i;
  PetscCall(PetscFree2(key, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_TSVD(EngdDirection direction, EngdSolver solver)
{
  TSVD          *tsvd = (TSVD *)direction->data;
  EngdFunctional F    = solver->functional;
  PetscMPIInt    size;
  PetscInt       local, *order = NULL;

  PetscFunctionBeginUser;
  PetscCall(Measure(tsvd, F));
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(MatGetLocalSize(solver->G, &local, NULL));
  PetscCall(MatGetOwnershipRanges(solver->G, &tsvd->ranges));
  PetscCall(PetscMalloc4(size, &tsvd->rowcount, size, &tsvd->rowstart, size, &tsvd->count, size, &tsvd->start));
  PetscCall(EngdGatherCounts(F->comm, tsvd->nrows, tsvd->rowcount, tsvd->rowstart));
  PetscCall(EngdGatherCounts(F->comm, local, tsvd->count, tsvd->start));
  PetscCall(VecCreateMPI(F->comm, tsvd->nrows, PETSC_DETERMINE, &tsvd->R));
  PetscCall(PetscMalloc1(PetscMax(tsvd->N, tsvd->p), &tsvd->whole));
  if (tsvd->columns) {
    PetscCall(PetscMalloc1(tsvd->N, &order));
    PetscCall(OrderRows(tsvd, F, order));
  }
  PetscCall(
      EngdLeastSquaresCreate(F->comm, tsvd->columns ? local : tsvd->nrows, tsvd->n, order, tsvd->rcond, &tsvd->ls));
  PetscCall(PetscFree(order));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one message for all ranks when J is not finite */
static PetscErrorCode CheckFinite(EngdFunctional F, PetscInt m, PetscInt n, PetscInt lda, const PetscReal A[])
{
  PetscMPIInt bad = 0;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < n; j++) {
    PetscReal sum = 0;

    for (PetscInt i = 0; i < m; i++) sum += 0 * A[j * (size_t)lda + i];
    if (sum != 0) bad = 1;
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT, MPI_MAX, F->comm));
  if (!bad) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalCheck(F));
  SETERRQ(F->comm, ENGD_ERR_NUMERICS,
          "the Jacobian has entries that are not finite; scale the problem or start from smaller parameters");
}

static PetscErrorCode Factor(TSVD *tsvd, EngdFunctional F)
{
  PetscInt   lda, m;
  PetscReal *A;

  PetscFunctionBeginUser;
  PetscCall(EngdLeastSquaresGetArray(tsvd->ls, &lda, &A));
  if (tsvd->columns) {
    PetscMPIInt rank;

    PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
    m = tsvd->ranges[rank + 1] - tsvd->ranges[rank];
    PetscCall(EngdExplicitFillColumns(F, tsvd->ranges, lda, A));
  } else {
    m = tsvd->nrows;
    PetscCall(EngdExplicitFillRows(F, lda, A));
  }
  PetscCall(CheckFinite(F, m, tsvd->n, lda, A));
  PetscCall(PetscLogEventBegin(engd_log.qr, 0, 0, 0, 0));
  PetscCall(EngdLeastSquaresFactor(tsvd->ls));
  PetscCall(PetscLogEventEnd(engd_log.qr, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* where vectors of the residual, or of the parameters, are for the matrix that is factored */
static EngdSide Side(const TSVD *tsvd, PetscBool rows)
{
  return rows != tsvd->columns ? ENGD_LEFT : ENGD_RIGHT;
}

/* x, local or whole as the side has it <- a distributed vector of rows or of parameters */
static PetscErrorCode Take(TSVD *tsvd, PetscBool rows, Vec v, PetscReal x[])
{
  const PetscReal *array;
  PetscInt         local;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(v, &local));
  PetscCall(VecGetArrayRead(v, &array));
  if (Side(tsvd, rows) == ENGD_LEFT) {
    PetscCall(PetscArraycpy(x, array, local));
  } else {
    PetscCallMPI(MPI_Allgatherv(array, (PetscMPIInt)local, MPIU_REAL, x, rows ? tsvd->rowcount : tsvd->count,
                                rows ? tsvd->rowstart : tsvd->start, MPIU_REAL, PetscObjectComm((PetscObject)v)));
  }
  PetscCall(VecRestoreArrayRead(v, &array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d <- -x, parameters as their side has them */
static PetscErrorCode Give(TSVD *tsvd, const PetscReal x[], Vec d)
{
  PetscReal *array;
  PetscInt   begin, end;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(d, &begin, &end));
  PetscCall(VecGetArrayWrite(d, &array));
  for (PetscInt i = begin; i < end; i++) array[i - begin] = -x[tsvd->columns ? i - begin : i];
  PetscCall(VecRestoreArrayWrite(d, &array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d = -V f(S) U^T R with this cut-off */
static PetscErrorCode Truncate(TSVD *tsvd, PetscReal cutoff, Vec d)
{
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.svd, 0, 0, 0, 0));
  PetscCall(EngdLeastSquaresSolve(tsvd->ls, cutoff, Side(tsvd, PETSC_FALSE), tsvd->whole));
  PetscCall(PetscLogEventEnd(engd_log.svd, 0, 0, 0, 0));
  PetscCall(Give(tsvd, tsvd->whole, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d = -V S (S^2 + mu s_1^2)^{-1} U^T r */
static PetscErrorCode Solve_TSVD(EngdDirection direction, EngdSolver solver, PetscReal mu, Vec r, Vec d)
{
  TSVD *tsvd = (TSVD *)direction->data;

  PetscFunctionBeginUser;
  (void)solver;
  PetscCall(Take(tsvd, PETSC_TRUE, r, tsvd->whole));
  PetscCall(EngdLeastSquaresSolveDamped(tsvd->ls, mu, Side(tsvd, PETSC_TRUE), tsvd->whole, tsvd->whole));
  PetscCall(Give(tsvd, tsvd->whole, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same theta and points as before, after a rejection, need no new factors */
static PetscErrorCode Compute_TSVD(EngdDirection direction, EngdSolver solver, Vec gradient, Vec d, PetscInt *its)
{
  TSVD          *tsvd = (TSVD *)direction->data;
  EngdFunctional F    = solver->functional;

  PetscFunctionBeginUser;
  *its = 0;
  EngdDirectionBeginCutoff(direction, tsvd->rcond, &tsvd->first);
  if (tsvd->generation != F->present.generation) {
    PetscCall(Factor(tsvd, F));
    if (tsvd->residual) {
      PetscCall(EngdFunctionalResidual(F, tsvd->R));
      PetscCall(Take(tsvd, PETSC_TRUE, tsvd->R, tsvd->whole));
    } else {
      PetscCall(Take(tsvd, PETSC_FALSE, gradient, tsvd->whole));
    }
    PetscCall(EngdLeastSquaresSetRightHandSide(tsvd->ls, Side(tsvd, tsvd->residual), tsvd->whole));
    tsvd->generation = F->present.generation;
  }
  PetscCall(Truncate(tsvd, tsvd->first, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* attempt k: the cut-off 10^(k/2) times larger, while it is below 1 */
static PetscErrorCode Retry_TSVD(EngdDirection direction, EngdSolver solver, PetscInt attempt, Vec d, PetscBool *more)
{
  TSVD *tsvd = (TSVD *)direction->data;

  PetscFunctionBeginUser;
  (void)solver;
  *more = EngdDirectionRaiseCutoff(direction, tsvd->first, attempt);
  if (!*more) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Truncate(tsvd, direction->damping, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the factors are a function of theta and the points, and are made again */
static PetscErrorCode State_TSVD(EngdDirection direction, EngdSolver solver, EngdArchive a)
{
  PetscFunctionBeginUser;
  (void)solver;
  if (EngdArchiveChanges(a)) ((TSVD *)direction->data)->generation = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_TSVD(EngdDirection direction, PetscViewer viewer)
{
  const TSVD *tsvd = (const TSVD *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "Jacobian of %" PetscInt_FMT " x %" PetscInt_FMT ", QR of %s; cut-off %g; %.3g bytes a rank\n", tsvd->N,
      tsvd->p, tsvd->columns ? "its transpose" : "its rows", (double)tsvd->rcond, (double)tsvd->bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_TSVD(EngdDirection direction)
{
  TSVD *tsvd = (TSVD *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(EngdLeastSquaresDestroy(&tsvd->ls));
  PetscCall(VecDestroy(&tsvd->R));
  PetscCall(PetscFree(tsvd->whole));
  PetscCall(PetscFree4(tsvd->rowcount, tsvd->rowstart, tsvd->count, tsvd->start));
  PetscCall(PetscFree(tsvd));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_DIRECTION("tsvd", EngdDirectionCreate_TSVD);
PetscErrorCode EngdDirectionCreate_TSVD(EngdDirection direction)
{
  TSVD *tsvd;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&tsvd));
  tsvd->rcond                    = 1e-12;
  tsvd->generation               = -1;
  direction->data                = tsvd;
  direction->damping_name        = ENGD_CUTOFF;
  direction->ops->estimate       = Estimate_TSVD;
  direction->ops->setfromoptions = SetFromOptions_TSVD;
  direction->ops->setup          = SetUp_TSVD;
  direction->ops->state          = State_TSVD;
  direction->ops->compute        = Compute_TSVD;
  direction->ops->retry          = Retry_TSVD;
  direction->ops->solve          = Solve_TSVD;
  direction->ops->view           = View_TSVD;
  direction->ops->destroy        = Destroy_TSVD;
  PetscFunctionReturn(PETSC_SUCCESS);
}
