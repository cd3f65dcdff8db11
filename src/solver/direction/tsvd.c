/*
  Direction tsvd: truncated least squares on the Jacobian written out, never on J^T J, which squares the condition number.

    J = U S V^T,   d = -V f(S) U^T R,   f(s) = 1/s where s > rcond s_1, else 0

  N >= p: QR of J by row blocks. p > N: QR of J^T by blocks of parameters. Then an SVD of the triangle on rank 0. Both keep Q
  as reflectors, so small singular directions are not lost. Where the metric is not that of a residual (energies, L2, H1),
  U^T R is S^{-1} V^T gradient, and J stands for the roots of the metric. A retry raises the cut-off, with the same SVD.
  The rows or the parameters, whichever are fewer, are at most some thousands.

  Tried and lost: a moving average, R^T R <- beta R^T R + (1 - beta) J^T J, by the last triangle as rows below J with zeros
  on the right. With beta 0.6, 20 s, Poisson (257 parameters) ends at 2e-8..1e-7 instead of 1e-12, heat at 2e-7..1e-6 instead
  of 1e-9..3e-8. Poisson 5D (449): 1.5e-8 in 100 s of one core, 7e-7 without; but direction dense with that average and a
  small fixed lambda takes a third of the time an iteration and ends at 1.3e-9 (150 s): the average lifts the small singular
  values, so that squaring costs little.

  Tried in place of the SVD: after the QR with pivots, LQ and QR in turn twice (Mathias and Stewart, 1993), and the leading block
  of the last triangle for each cut-off. Eleven seeds of Poisson end between 1e-13 and 6e-12 as with the SVD, and a direction
  takes 0.7 times the seconds, of order 257 and of order 1500 with full rank. With one sweep a seed of four ends at 2e-9. It
  is not here since its directions are within some percent of the truncated SVD's alone, and the QR with pivots, half of it
  without GEMM, is most of what remains: to be quicker that must be another (randomised pivots).
*/
#include <engd/private.h>

#define PIVOTING        5     /* a QR with pivots takes so many times the seconds of GEMM's flops */
#define CORE            1.5   /* rows of the triangle for one above rounding: 1 to 3 */
#define WORTH           20    /* measured on Poisson and heat, 257 parameters: errors of 1e-10 against 1e-5 */
#define PIVOT_TOLERANCE 1e-16 /* of the rank-revealing QR: below rounding */
#define RETRY_DECADES   0.5   /* a retry raises the cut-off by so many powers of ten */
#define RETURN_DECADES  2     /* an iteration begins with so many below what the last one took, down to rcond */

typedef struct {
  PetscReal  rcond, first;   /* the least cut-off, and the first one that this iteration tries */
  PetscBool  columns;        /* p > N: the transpose is factored */
  PetscBool  residual;       /* the right-hand side is R, not the gradient */
  PetscInt   nrows, N, p, n; /* rows here and in all; n = min(N, p) */
  PetscReal  bytes;          /* on the rank that needs most */
  EngdTSQR   qr;
  EngdSVD    svd;           /* rank 0: of the triangle */
  PetscReal *T, *c, *f, *y; /* rank 0: the triangle (n, n), U^T R, what V is multiplied with, a vector (max(N, p)) */
  Vec        R;
  PetscMPIInt    *rowcount, *rowstart, *count, *start; /* [size] how rows and parameters are spread */
  const PetscInt *ranges;
  PetscInt64      generation; /* of the functional that the SVD and c belong to */
} TSVD;

/* rows of J on all ranks, and bytes on the rank that needs most. Collective */
static PetscErrorCode MeasureJacobian(EngdFunctional F, PetscInt *N, PetscReal *bytes)
{
  PetscInt  nrows, n, p = F->model->nparameters, local;
  PetscReal own;

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
  own += (PetscReal)EngdTSQRBytes(F->comm, local, n) + (PetscReal)EngdSVDBytes(n);
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

/* QR: 2 max(N,p) n^2 flops over the ranks and 2/3 n^3 for each level of their tree, n = min(N, p); on one rank 4/3 n^3 in a QR
   with pivots and 22 k^3 in an SVD of order k = 2n/3 */
static PetscErrorCode Estimate_TSVD(EngdDirection direction, EngdSolver solver, EngdEstimate *estimate)
{
  EngdFunctional F = solver->functional;
  PetscInt       N;
  PetscReal      n, k, local;
  PetscMPIInt    size;

  PetscFunctionBeginUser;
  (void)direction;
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(MeasureJacobian(F, &N, &estimate->bytes));
  n     = PetscMin(N, F->model->nparameters);
  k     = n / CORE;
  local = PetscMax((PetscReal)PetscMax(N, F->model->nparameters) / size, n);

  estimate->suits   = PETSC_TRUE;
  estimate->worth   = WORTH;
  estimate->seconds = (2 * n * n * (local - n / 3) + 2. / 3 * n * n * n * PetscLog2Real((PetscReal)size) +
                       PIVOTING * 4. / 3 * n * n * n + 22 * k * k * k) /
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
  PetscCall(Measure(tsvd, F));
  PetscCheck(tsvd->bytes <= F->options.memory_limit, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_direction tsvd needs %.3g bytes a rank for a Jacobian of %" PetscInt_FMT " x %" PetscInt_FMT
             ", more than -engd_memory_limit %.3g; raise it, use more ranks, or choose -tao_engd_direction krylov",
             (double)tsvd->bytes, tsvd->N, tsvd->p, (double)F->options.memory_limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* counts[r], starts[r] of a vector whose part on this rank has n entries */
static PetscErrorCode Layout(MPI_Comm comm, PetscInt n, PetscMPIInt counts[], PetscMPIInt starts[])
{
  PetscMPIInt size, local;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMPIIntCast(n, &local));
  PetscCallMPI(MPI_Allgather(&local, 1, MPI_INT, counts, 1, MPI_INT, comm));
  for (PetscMPIInt r = 0, sum = 0; r < size; sum += counts[r++]) starts[r] = sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_TSVD(EngdDirection direction, EngdSolver solver)
{
  TSVD          *tsvd = (TSVD *)direction->data;
  EngdFunctional F    = solver->functional;
  PetscMPIInt    rank, size;
  PetscInt       local, n;

  PetscFunctionBeginUser;
  PetscCall(Measure(tsvd, F));
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(MatGetLocalSize(solver->G, &local, NULL));
  PetscCall(MatGetOwnershipRanges(solver->G, &tsvd->ranges));
  PetscCall(PetscMalloc4(size, &tsvd->rowcount, size, &tsvd->rowstart, size, &tsvd->count, size, &tsvd->start));
  PetscCall(Layout(F->comm, tsvd->nrows, tsvd->rowcount, tsvd->rowstart));
  PetscCall(Layout(F->comm, local, tsvd->count, tsvd->start));
  PetscCall(VecCreateMPI(F->comm, tsvd->nrows, PETSC_DETERMINE, &tsvd->R));
  PetscCall(EngdTSQRCreate(F->comm, tsvd->columns ? local : tsvd->nrows, tsvd->n, &tsvd->qr));
  n = rank ? 0 : tsvd->n;
  PetscCall(EngdSVDCreate(n, &tsvd->svd));
  PetscCall(PetscMalloc4(ENGD_COUNT(n, n), &tsvd->T, n, &tsvd->c, n, &tsvd->f, rank ? 0 : PetscMax(tsvd->N, tsvd->p),
                         &tsvd->y));
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

/* A = Q T, T = U_T S V_T^T on rank 0 */
static PetscErrorCode Factor(TSVD *tsvd, EngdFunctional F)
{
  PetscInt   lda, m;
  PetscReal *A;

  PetscFunctionBeginUser;
  PetscCall(EngdTSQRGetArray(tsvd->qr, &lda, &A));
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
  PetscCall(EngdTSQRFactor(tsvd->qr, tsvd->T));
  PetscCall(PetscLogEventEnd(engd_log.qr, 0, 0, 0, 0));
  PetscCall(PetscLogEventBegin(engd_log.svd, 0, 0, 0, 0));
  PetscCall(EngdSVDCompute(&tsvd->svd, tsvd->T, PIVOT_TOLERANCE));
  PetscCall(PetscLogEventEnd(engd_log.svd, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y, whole on rank 0 <- a distributed vector */
static PetscErrorCode GatherToRoot(Vec v, const PetscMPIInt counts[], const PetscMPIInt starts[], PetscReal y[])
{
  const PetscReal *x;
  PetscInt         local;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(v, &local));
  PetscCall(VecGetArrayRead(v, &x));
  PetscCallMPI(MPI_Gatherv(x, (PetscMPIInt)local, MPIU_REAL, y, counts, starts, MPIU_REAL, 0,
                           PetscObjectComm((PetscObject)v)));
  PetscCall(VecRestoreArrayRead(v, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y (n) on rank 0 = Q^T v */
static PetscErrorCode MultTransposeQ(TSVD *tsvd, Vec v)
{
  const PetscReal *x;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(v, &x));
  PetscCall(EngdTSQRMultTranspose(tsvd->qr, x, tsvd->y));
  PetscCall(VecRestoreArrayRead(v, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c = U^T r, the left singular vectors being Q U_T (N >= p) or V_T */
static PetscErrorCode ProjectResidual(TSVD *tsvd, Vec r, PetscReal c[])
{
  const EngdSVD *svd = &tsvd->svd;

  PetscFunctionBeginUser;
  if (tsvd->columns)
    PetscCall(GatherToRoot(r, tsvd->rowcount, tsvd->rowstart, tsvd->y));
  else
    PetscCall(MultTransposeQ(tsvd, r));
  PetscCall(EngdDenseMultiply("T", svd->n, svd->nsigma, tsvd->columns ? svd->V : svd->U, tsvd->y, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c = S^{-1} V^T gradient, the right singular vectors being V_T (N >= p) or Q U_T */
static PetscErrorCode ProjectGradient(TSVD *tsvd, Vec gradient, PetscReal c[])
{
  const EngdSVD *svd = &tsvd->svd;

  PetscFunctionBeginUser;
  if (tsvd->columns)
    PetscCall(MultTransposeQ(tsvd, gradient));
  else
    PetscCall(GatherToRoot(gradient, tsvd->count, tsvd->start, tsvd->y));
  PetscCall(EngdDenseMultiply("T", svd->n, svd->nsigma, tsvd->columns ? svd->U : svd->V, tsvd->y, c));
  for (PetscInt i = 0; i < svd->nsigma; i++) c[i] /= svd->sigma[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d = -V f, V being V_T (N >= p) or Q U_T, f (rank) on rank 0 */
static PetscErrorCode Combine(TSVD *tsvd, const PetscReal f[], Vec d)
{
  const EngdSVD *svd = &tsvd->svd;
  PetscReal     *x;
  PetscInt       local;

  PetscFunctionBeginUser;
  PetscCall(EngdDenseMultiply("N", svd->n, svd->nsigma, tsvd->columns ? svd->U : svd->V, f, tsvd->y));
  PetscCall(VecGetLocalSize(d, &local));
  PetscCall(VecGetArrayWrite(d, &x));
  if (tsvd->columns)
    PetscCall(EngdTSQRMult(tsvd->qr, tsvd->y, x));
  else
    PetscCallMPI(MPI_Scatterv(tsvd->y, tsvd->count, tsvd->start, MPIU_REAL, x, (PetscMPIInt)local, MPIU_REAL, 0,
                              PetscObjectComm((PetscObject)d)));
  PetscCall(VecRestoreArrayWrite(d, &x));
  PetscCall(VecScale(d, -1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d = -V f(S) c with this cut-off */
static PetscErrorCode Truncate(TSVD *tsvd, PetscReal cutoff, Vec d)
{
  const EngdSVD *svd = &tsvd->svd;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < svd->nsigma; i++) {
    tsvd->f[i] = svd->sigma[i] > cutoff * svd->sigma[0] ? tsvd->c[i] / svd->sigma[i] : 0;
  }
  PetscCall(Combine(tsvd, tsvd->f, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d = -V S (S^2 + mu s_1^2)^{-1} U^T r */
static PetscErrorCode Solve_TSVD(EngdDirection direction, EngdSolver solver, PetscReal mu, Vec r, Vec d)
{
  TSVD          *tsvd = (TSVD *)direction->data;
  const EngdSVD *svd  = &tsvd->svd;

  PetscFunctionBeginUser;
  (void)solver;
  PetscCall(ProjectResidual(tsvd, r, tsvd->f));
  for (PetscInt i = 0; i < svd->nsigma; i++) {
    tsvd->f[i] /= svd->sigma[i] + mu * svd->sigma[0] / svd->sigma[i] * svd->sigma[0];
  }
  PetscCall(Combine(tsvd, tsvd->f, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same theta and points as before, after a rejection, need no new factors */
static PetscErrorCode Compute_TSVD(EngdDirection direction, EngdSolver solver, Vec gradient, Vec d, PetscInt *its)
{
  TSVD          *tsvd = (TSVD *)direction->data;
  EngdFunctional F    = solver->functional;

  PetscFunctionBeginUser;
  *its               = 0;
  tsvd->first        = PetscMax(tsvd->rcond, direction->taken * PetscPowReal(10, -RETURN_DECADES));
  direction->damping = tsvd->first;
  if (tsvd->generation != F->present.generation) {
    PetscCall(Factor(tsvd, F));
    if (tsvd->residual) {
      PetscCall(EngdFunctionalResidual(F, tsvd->R));
      PetscCall(ProjectResidual(tsvd, tsvd->R, tsvd->c));
    } else {
      PetscCall(ProjectGradient(tsvd, gradient, tsvd->c));
    }
    tsvd->generation = F->present.generation;
  }
  PetscCall(Truncate(tsvd, tsvd->first, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* attempt k: the cut-off 10^(k/2) times larger, while it is below 1 */
static PetscErrorCode Retry_TSVD(EngdDirection direction, EngdSolver solver, PetscInt attempt, Vec d, PetscBool *more)
{
  TSVD           *tsvd   = (TSVD *)direction->data;
  const PetscReal cutoff = tsvd->first * PetscPowReal(10, RETRY_DECADES * (PetscReal)attempt);

  PetscFunctionBeginUser;
  (void)solver;
  *more = (PetscBool)(cutoff < 1);
  if (!*more) PetscFunctionReturn(PETSC_SUCCESS);
  direction->damping = cutoff;
  PetscCall(Truncate(tsvd, cutoff, d));
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
  PetscCall(EngdTSQRDestroy(&tsvd->qr));
  PetscCall(EngdSVDDestroy(&tsvd->svd));
  PetscCall(VecDestroy(&tsvd->R));
  PetscCall(PetscFree4(tsvd->T, tsvd->c, tsvd->f, tsvd->y));
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
