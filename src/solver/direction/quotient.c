/*
  Direction quotient: that of a Rayleigh quotient on rows of J, J^T J never formed.

  W = W_+ - W_- (curvatures inverse_iteration, rayleigh), J_+ = Q T the rows of the roots of W_+, T = U S V^T, Y = J_- V S^{-1}, and h_j
  what S V^T d must be orthogonal to so that d does not move within the states (src/operators/quotient.c):

    d = -V S^{-1} z,   |P C P| z = P S^{-1} V^T gradient,   C = I - Y^T Y,   P = the projection away from the h_j

  with the singular directions above rcond s_1. |.| makes negative eigenvalues positive, so that d goes downhill. W_- is that of a
  potential and of E, which the positive part bounds: C has the condition of a spectral gap, whatever that of J. The rows of J are
  spread over the ranks, and those of J_- are never kept; triangle, C and their decompositions are those of rank 0, p^3. More rows than
  parameters are needed. A retry raises the cut-off, with the same factors.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

#define CUTOFF          1e-6 /* E has twice the digits of its state, and less makes functions that live between the points */
#define SYMMETRIC       1e-8  /* part of the right-hand side that is rounding */
#define PIVOT_TOLERANCE 1e-16 /* of the rank-revealing QR: below rounding */

typedef struct {
  PetscReal  rcond, first; /* the least cut-off, and the first one that this iteration tries */
  PetscInt   nrows, N, p;  /* rows here and in all */
  PetscReal  bytes;        /* on the rank that needs most */
  EngdTSQR   qr;
  EngdSVD    svd; /* rank 0: of the triangle */
  PetscReal *T, *c, *f,
      *y; /* rank 0: the triangle, S^{-1} V^T gradient, what V is multiplied with, a vector, all of size p */
  PetscInt     ncore, nheld;  /* order of C; how many h_j */
  PetscReal    kick;          /* least part of d in a direction where the loss has a negative second derivative */
  PetscReal   *core, *held;   /* rank 0: C (ncore, ncore), and the h_j (ncore, nheld) */
  PetscReal   *X, *Y;         /* V S^{-1} (p, ncore); rows of a block times it */
  PetscReal   *B, *mu;        /* C with P on both sides, a basis of the h_j and a vector; eigenvalues */
  PetscMPIInt *count, *start; /* [size] how parameters are spread */
  PetscInt64   generation;    /* of the functional that all of it belongs to */
} Quotient;

/* bytes of the rank that needs most. Collective */
static PetscErrorCode Measure(Quotient *q, EngdFunctional F)
{
  PetscReal own;

  PetscFunctionBeginUser;
  q->p = F->model->nparameters;
  PetscCall(EngdExplicitCountRows(F, &q->nrows));
  PetscCall(EngdExplicitCountAllRows(F, &q->N));
  PetscCall(EngdExplicitBytes(F, PETSC_FALSE, &own));
  own += (PetscReal)EngdTSQRBytes(F->comm, q->nrows, q->p) + (PetscReal)EngdSVDBytes(q->p) +
         4 * sizeof(PetscReal) * (PetscReal)q->p * (PetscReal)q->p;
  PetscCall(MPIU_Allreduce(&own, &q->bytes, 1, MPIU_REAL, MPI_MAX, F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* QR of the rows of W_+ over the ranks, as many rows of W_- times p x p, and some 30 p^3 on one rank */
static PetscErrorCode Estimate_Quotient(EngdDirection direction, EngdSolver solver, EngdEstimate *estimate)
{
  Quotient    q = {.rcond = 0};
  PetscMPIInt size;

  PetscFunctionBeginUser;
  (void)direction;
  PetscCallMPI(MPI_Comm_size(solver->functional->comm, &size));
  *estimate = (EngdEstimate){.suits = PETSC_FALSE};
  if (!solver->functional->curvature->horizontal) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Measure(&q, solver->functional));
  estimate->suits   = (PetscBool)(q.N >= q.p);
  estimate->bytes   = q.bytes;
  estimate->worth   = 1e6; /* nothing else knows of excited states */
  estimate->seconds = (4.0 * q.N / size + 30.0 * q.p) * q.p * q.p / ENGD_FLOPS_PER_SECOND;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Quotient(EngdDirection direction, EngdSolver solver,
                                              EngdOptionItems PetscOptionsObject)
{
  Quotient      *q = (Quotient *)direction->data;
  EngdFunctional F = solver->functional;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Direction quotient");
  PetscCall(EngdDirectionReadCutoff(F->comm, &q->rcond, PetscOptionsObject));
  PetscOptionsHeadEnd();
  PetscCheck(F->curvature->horizontal, F->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_direction quotient with -tao_engd_curvature %s: it is for those of a quotient, "
             "inverse_iteration and "
             "rayleigh; take tsvd",
             F->curvature->type);
  PetscCall(Measure(q, F));
  direction->bytes = q->bytes;
  PetscCheck(q->N >= q->p, F->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_direction quotient needs no more parameters (%" PetscInt_FMT
             ") than rows of J (%" PetscInt_FMT "); take more points, or -tao_engd_direction krylov -ksp_type minres",
             q->p, q->N);
  PetscCheck(q->bytes <= F->options.memory_limit, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_direction quotient needs %.3g bytes a rank for a Jacobian of %" PetscInt_FMT
             " x %" PetscInt_FMT
             ", more than -engd_memory_limit %.3g; raise it, use more ranks, or choose -tao_engd_direction krylov",
             (double)q->bytes, q->N, q->p, (double)F->options.memory_limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_Quotient(EngdDirection direction, EngdSolver solver)
{
  Quotient      *q = (Quotient *)direction->data;
  EngdFunctional F = solver->functional;
  PetscMPIInt    rank, size;
  PetscInt       n, on_root, largest = 0;

  PetscFunctionBeginUser;
  PetscCall(Measure(q, F));
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(MatGetLocalSize(solver->G, &n, NULL));
  PetscCall(PetscMalloc2(size, &q->count, size, &q->start));
  PetscCall(EngdGatherCounts(F->comm, n, q->count, q->start));
  PetscCall(EngdTSQRCreate(F->comm, q->nrows, q->p, &q->qr));
  on_root = rank ? 0 : q->p;
  PetscCall(EngdSVDCreate(on_root, &q->svd));
  for (PetscInt b = 0; b < F->nblocks; b++) largest = PetscMax(largest, F->block[b].n);
  n = PetscSqr(F->outer.nstates);
  PetscCall(PetscMalloc4(ENGD_COUNT(on_root, on_root), &q->T, on_root, &q->c, on_root, &q->f, on_root, &q->y));
  PetscCall(PetscMalloc6(ENGD_COUNT(q->p, q->p), &q->core, ENGD_COUNT(on_root, n), &q->held, ENGD_COUNT(q->p, q->p),
                         &q->X, ENGD_COUNT(q->p, largest), &q->Y, ENGD_COUNT(on_root, on_root + n + 1), &q->B,
                         on_root, &q->mu));
  PetscCall(EngdExplicitReserve(F, &F->rows.x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J_+ = Q T, T = U S V^T on rank 0 */
static PetscErrorCode Factor(Quotient *q, EngdFunctional F)
{
  PetscInt   lda;
  PetscReal *A;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalCheck(F));
  PetscCall(EngdTSQRGetArray(q->qr, &lda, &A));
  PetscCall(EngdExplicitFillRows(F, lda, A));
  PetscCall(PetscLogEventBegin(engd_log.qr, 0, 0, 0, 0));
  PetscCall(EngdTSQRFactor(q->qr, q->T));
  PetscCall(PetscLogEventEnd(engd_log.qr, 0, 0, 0, 0));
  PetscCall(PetscLogEventBegin(engd_log.svd, 0, 0, 0, 0));
  PetscCall(EngdSVDCompute(&q->svd, q->T, PIVOT_TOLERANCE));
  PetscCall(PetscLogEventEnd(engd_log.svd, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c = S^{-1} V^T gradient on rank 0 */
static PetscErrorCode ProjectGradient(Quotient *q, Vec gradient, PetscReal c[])
{
  const EngdSVD   *svd = &q->svd;
  const PetscReal *x;
  PetscInt         local;
  MPI_Comm         comm = PetscObjectComm((PetscObject)gradient);

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(gradient, &local));
  PetscCall(VecGetArrayRead(gradient, &x));
  PetscCallMPI(MPI_Gatherv(x, (PetscMPIInt)local, MPIU_REAL, q->y, q->count, q->start, MPIU_REAL, 0, comm));
  PetscCall(VecRestoreArrayRead(gradient, &x));
  PetscCall(EngdDenseMultiply("T", svd->n, svd->nsigma, svd->V, q->y, c));
  for (PetscInt i = 0; i < svd->nsigma; i++) c[i] /= svd->sigma[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C -= Y^T Y with the rows Y of a block */
static PetscErrorCode SubtractBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  Quotient       *q = (Quotient *)data;
  const PetscInt  p = F->model->nparameters, k = q->ncore;
  const size_t    all   = ENGD_COUNT(F->term[block->term].layout->nrows, block->n);
  const PetscReal minus = -1, one = 1;
  PetscBLASInt    order, inner;
  PetscInt        nroots;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(k, &order));
  PetscCall(PetscBLASIntCast(block->n, &inner));
  PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, block->term, &nroots));
  for (PetscInt r = 0; r < nroots; r++) {
    PetscBool zero = PETSC_TRUE;

    PetscCall((*F->curvature->ops->root)(F->curvature, F, block, r, work->gu));
    for (size_t i = 0; zero && i < all; i++) zero = (PetscBool)(work->gu[i] == 0);
    if (zero) continue;
    PetscCall(EngdModelRows(block->jet, work->theta, work->gu, work->jet, F->rows.x));
    PetscCall(EngdGemm("T", "N", block->n, k, p, F->rows.x, p, q->X, p, 0, q->Y, block->n));
    PetscCallBLAS("BLASsyrk", BLASsyrk_("U", "T", &order, &inner, &minus, q->Y, &inner, &one, q->core, &order));
    PetscCall(PetscLogFlops((PetscReal)k * k * block->n));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C -= Y^T Y with the rows Y of all ranks, on rank 0 */
static PetscErrorCode SubtractNegativePart(Quotient *q, EngdFunctional F)
{
  const PetscInt n = q->ncore;
  PetscMPIInt    rank, count;
  PetscBool      finite;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(PetscMPIIntCast(q->p * n, &count));
  PetscCallMPI(MPI_Bcast(q->X, count, MPIU_REAL, 0, F->comm));
  F->curvature->negative = PETSC_TRUE;
  ierr                   = EngdFunctionalVisit(F, "the negative part of a curvature", NULL, SubtractBlock, q, NULL);
  F->curvature->negative = PETSC_FALSE;
  PetscCall(ierr);
  PetscCall(PetscMPIIntCast(n * n, &count));
  PetscCallMPI(MPI_Reduce(rank ? q->core : MPI_IN_PLACE, q->core, count, MPIU_REAL, MPIU_SUM, 0, F->comm));
  PetscCall(EngdAllFinite(F->comm, rank ? 0 : ENGD_COUNT(n, n), q->core, &finite));
  PetscCheck(
      finite, F->comm, ENGD_ERR_NUMERICS,
      "direction quotient: the negative part of the curvature is not finite; check the numerator's derivatives");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C and the h_j of the directions that the least cut-off keeps */
static PetscErrorCode FormCore(Quotient *q, EngdFunctional F)
{
  const EngdSVD *svd = &q->svd;
  PetscMPIInt    rank;
  const Vec     *vertical;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  q->ncore = 0;
  while (!rank && q->ncore < svd->nsigma && svd->sigma[q->ncore] > q->rcond * svd->sigma[0]) q->ncore++;
  PetscCallMPI(MPI_Bcast(&q->ncore, 1, MPIU_INT, 0, F->comm));
  for (PetscInt k = 0; !rank && k < q->ncore; k++)
    for (PetscInt i = 0; i < q->p; i++)
      q->X[ENGD_COUNT(k, q->p) + i] = svd->V[ENGD_COUNT(k, svd->n) + i] / svd->sigma[k];
  PetscCall(PetscArrayzero(q->core, ENGD_COUNT(q->ncore, q->ncore)));
  if (F->curvature->negative_part) PetscCall(SubtractNegativePart(q, F));
  for (PetscInt k = 0; k < q->ncore; k++) q->core[k * q->ncore + k] += 1;
  PetscCall(EngdOuterGetVertical(F, &q->nheld, &vertical));
  for (PetscInt j = 0; j < q->nheld; j++) {
    PetscCall(ProjectGradient(q, vertical[j], q->f));
    if (!rank) PetscCall(PetscArraycpy(q->held + j * q->ncore, q->f, q->ncore));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a tenth of the states themselves, whose length in S V^T d is the root of 2 L. An excited state is a saddle of the quotient, and
   Newton's steps come to it as quickly as to the lowest one: they are to leave it at once */
static PetscErrorCode GetKick(Quotient *q, EngdFunctional F)
{
  PetscReal loss;

  PetscFunctionBeginUser;
  PetscCall(EngdOuterLoss(F, F->outer.sum, &loss, NULL));
  q->kick = F->curvature->negative_part ? 0.1 * PetscSqrtReal(2 * PetscAbsReal(loss)) : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v (k) -= its part along the n orthonormal columns of Q (k, n) */
static void ProjectAway(PetscInt k, PetscInt n, const PetscReal Q[], PetscReal v[])
{
  for (PetscInt j = 0; j < 2 * n; j++) { /* twice for rounding */
    const PetscReal *v_j = Q + ENGD_COUNT(j % n, k);
    PetscReal        dot = 0;

    for (PetscInt i = 0; i < k; i++) dot += v_j[i] * v[i];
    for (PetscInt i = 0; i < k; i++) v[i] -= dot * v_j[i];
  }
}

/* Q (k, *n) <- an orthonormal basis of the first k entries of the h_j */
static void HoldStates(const Quotient *q, PetscInt k, PetscInt *n, PetscReal Q[])
{
  *n = 0;
  for (PetscInt j = 0; j < q->nheld; j++) {
    PetscReal *h = Q + ENGD_COUNT(*n, k), before = 0, norm = 0;

    for (PetscInt i = 0; i < k; i++) {
      h[i] = q->held[j * q->ncore + i];
      before += h[i] * h[i];
    }
    ProjectAway(k, *n, Q, h);
    for (PetscInt i = 0; i < k; i++) norm += h[i] * h[i];
    if (!(norm > 1e-16 * before)) continue;
    for (PetscInt i = 0; i < k; i++) h[i] /= PetscSqrtReal(norm);
    (*n)++;
  }
}

/* y <- -|y| or |y|, where its sign is that of rounding, as it is at a state of another symmetry: so that d, along the eigenvector v (k),
   has a positive largest entry on any number of ranks; z is scratch */
static PetscErrorCode ChooseSign(Quotient *q, PetscInt k, const PetscReal v[], PetscReal z[], PetscReal *y)
{
  const EngdSVD *svd     = &q->svd;
  PetscInt       largest = 0;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < k; i++) z[i] = v[i] / svd->sigma[i];
  PetscCall(EngdDenseMultiply("N", svd->n, k, svd->V, z, q->y));
  for (PetscInt i = 1; i < svd->n; i++)
    if (PetscAbsReal(q->y[i]) > PetscAbsReal(q->y[largest])) largest = i;
  *y = q->y[largest] > 0 ? -PetscAbsReal(*y) : PetscAbsReal(*y);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z (k) = |P C P|^{-1} P c of the leading k directions, on rank 0 */
static PetscErrorCode SolveCore(Quotient *q, PetscInt k, PetscReal z[])
{
  PetscReal *B = q->B, *Q = B + ENGD_COUNT(k, k), *y = Q + ENGD_COUNT(q->nheld, k);
  PetscReal  norm = 0;
  PetscInt   n, info;

  PetscFunctionBeginUser;
  HoldStates(q, k, &n, Q);
  for (PetscInt j = 0; j < k; j++) {
    for (PetscInt i = 0; i < k; i++) B[ENGD_COUNT(j, k) + i] = q->core[PetscMax(i, j) * q->ncore + PetscMin(i, j)];
    ProjectAway(k, n, Q, B + ENGD_COUNT(j, k));
  }
  for (PetscInt i = 0; i < k; i++) { /* the rows likewise, and 1 on what is projected away */
    for (PetscInt j = 0; j < k; j++) y[j] = B[ENGD_COUNT(j, k) + i];
    ProjectAway(k, n, Q, y);
    for (PetscInt j = 0; j < k; j++) {
      B[ENGD_COUNT(j, k) + i] = y[j];
      for (PetscInt l = 0; l < n; l++) B[ENGD_COUNT(j, k) + i] += Q[ENGD_COUNT(l, k) + i] * Q[ENGD_COUNT(l, k) + j];
    }
  }
  PetscCall(EngdSymmetricEigen("V", k, B, q->mu, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "the eigendecomposition failed with info %" PetscInt_FMT, info);
  PetscCall(PetscArraycpy(z, q->c, k));
  ProjectAway(k, n, Q, z);
  PetscCall(EngdDenseMultiply("T", k, k, B, z, y));
  for (PetscInt i = 0; i < k; i++) norm = PetscMax(norm, PetscAbsReal(y[i]));
  for (PetscInt i = 0; i < k; i++) {
    const PetscReal mu = q->mu[i], size = PetscAbsReal(y[i] / mu);

    if (mu < 0 && PetscAbsReal(y[i]) < SYMMETRIC * norm) PetscCall(ChooseSign(q, k, B + ENGD_COUNT(i, k), z, &y[i]));

    if (PetscAbsReal(mu) <= PETSC_SQRT_MACHINE_EPSILON)
      y[i] = 0;
    else
      y[i] = (y[i] < 0 ? -1 : 1) * (mu < 0 ? PetscMax(size, q->kick) : size);
  }
  PetscCall(EngdDenseMultiply("N", k, k, B, y, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d = -V S^{-1} z with this cut-off */
static PetscErrorCode Truncate(Quotient *q, PetscReal cutoff, Vec d)
{
  const EngdSVD *svd  = &q->svd;
  MPI_Comm       comm = PetscObjectComm((PetscObject)d);
  PetscReal     *x;
  PetscInt       k = 0, local;

  PetscFunctionBeginUser;
  while (k < q->ncore && k < svd->nsigma && svd->sigma[k] > cutoff * svd->sigma[0]) k++;
  if (k) PetscCall(SolveCore(q, k, q->f));
  for (PetscInt i = 0; i < svd->nsigma; i++) q->f[i] = i < k ? -q->f[i] / svd->sigma[i] : 0;
  PetscCall(EngdDenseMultiply("N", svd->n, svd->nsigma, svd->V, q->f, q->y));
  PetscCall(VecGetLocalSize(d, &local));
  PetscCall(VecGetArrayWrite(d, &x));
  PetscCallMPI(MPI_Scatterv(q->y, q->count, q->start, MPIU_REAL, x, (PetscMPIInt)local, MPIU_REAL, 0, comm));
  PetscCall(VecRestoreArrayWrite(d, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same theta and points as before, after a rejection, need no new factors */
static PetscErrorCode Compute_Quotient(EngdDirection direction, EngdSolver solver, Vec gradient, Vec d, PetscInt *its)
{
  Quotient      *q = (Quotient *)direction->data;
  EngdFunctional F = solver->functional;

  PetscFunctionBeginUser;
  *its = 0;
  EngdDirectionBeginCutoff(direction, q->rcond, &q->first);
  if (q->generation != F->present.generation) {
    PetscCall(Factor(q, F));
    PetscCall(FormCore(q, F));
    PetscCall(GetKick(q, F));
    PetscCall(ProjectGradient(q, gradient, q->c));
    q->generation = F->present.generation;
  }
  PetscCall(Truncate(q, q->first, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* attempt k: the cut-off 10^(k/2) times larger, while it is below 1 */
static PetscErrorCode Retry_Quotient(EngdDirection direction, EngdSolver solver, PetscInt attempt, Vec d,
                                     PetscBool *more)
{
  Quotient *q = (Quotient *)direction->data;

  PetscFunctionBeginUser;
  (void)solver;
  *more = EngdDirectionRaiseCutoff(direction, q->first, attempt);
  if (!*more) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Truncate(q, direction->damping, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the factors are a function of theta and the points, and are made again */
static PetscErrorCode State_Quotient(EngdDirection direction, EngdSolver solver, EngdArchive a)
{
  PetscFunctionBeginUser;
  (void)solver;
  if (EngdArchiveChanges(a)) ((Quotient *)direction->data)->generation = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Quotient(EngdDirection direction, PetscViewer viewer)
{
  const Quotient *q = (const Quotient *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "Jacobian of %" PetscInt_FMT " x %" PetscInt_FMT "; cut-off %g; %.3g bytes a rank\n", q->N, q->p,
      (double)q->rcond, (double)q->bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Quotient(EngdDirection direction)
{
  Quotient *q = (Quotient *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(EngdTSQRDestroy(&q->qr));
  PetscCall(EngdSVDDestroy(&q->svd));
  PetscCall(PetscFree4(q->T, q->c, q->f, q->y));
  PetscCall(PetscFree6(q->core, q->held, q->X, q->Y, q->B, q->mu));
  PetscCall(PetscFree2(q->count, q->start));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_DIRECTION("quotient", EngdDirectionCreate_Quotient);
PetscErrorCode EngdDirectionCreate_Quotient(EngdDirection direction)
{
  Quotient *q;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&q));
  q->rcond                       = CUTOFF;
  q->generation                  = -1;
  direction->data                = q;
  direction->damping_name        = ENGD_CUTOFF;
  direction->ops->estimate       = Estimate_Quotient;
  direction->ops->setfromoptions = SetFromOptions_Quotient;
  direction->ops->setup          = SetUp_Quotient;
  direction->ops->state          = State_Quotient;
  direction->ops->compute        = Compute_Quotient;
  direction->ops->retry          = Retry_Quotient;
  direction->ops->view           = View_Quotient;
  direction->ops->destroy        = Destroy_Quotient;
  PetscFunctionReturn(PETSC_SUCCESS);
}
