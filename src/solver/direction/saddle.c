/*
  Direction saddle: Lagrange-Newton of a game, min over x and max over y (-TERM_maximise), on rows of Jacobians: nothing is squared.

    K = [0, A_x^T A_y; A_y^T A_x, 0],   A_y = the rows sqrt(w) of the maximisers' jets,   A_x = the rows of what multiplies them
    A_y = U S V^T,   U^T A_x = Q T X^T,   d_x = -X T^{-1} Q^T S^{-1} V^T g_y,   d_y = -V S^{-1} Q T^{-1} X^T g_x

  with the singular directions above critic_rcond s_1 of A_y and above rcond t_1 of U^T A_x, so that d_x is the truncated least
  squares solution of U^T (A_x d_x + R) = 0: Petrov-Galerkin with orthonormal test functions, those of the critic's tangent space.
  K itself has the products of the singular values of A_x and A_y; in the basis V S^{-1} of the critic those of A_x are left. The
  singular values of U^T A_x over those of A_x are the cosines between the two tangent spaces, the inf-sup constants of the step.

  The rows are spread over the ranks; triangle, decompositions and solutions are those of rank 0. The loss must be bilinear, a sum of
  products of a jet of x with one of y: other second derivatives, as of - v^2/2, are refused.
*/
#include "../maximise.h"

#define PIVOT_TOLERANCE 1e-16 /* of the rank-revealing QR: below rounding */

typedef struct {
  PetscReal    rcond, first, critic_rcond;
  PetscInt     nrows, N, p, nx, ny; /* rows here and in all; parameters, of x and of y */
  PetscReal    bytes;               /* on the rank that needs most */
  PetscBool   *maximises;           /* [noutputs + nunknowns], of which the latter do not */
  PetscInt    *column;              /* [p] of the triangle, those of y first */
  EngdTSQR     qr;
  EngdSVD      critic, mixed; /* rank 0: of A_y, and of U^T A_x with zeros around it */
  PetscReal   *T, *B;         /* rank 0: the triangle, and what is decomposed next */
  PetscReal   *whole, *gradient, *a, *b;
  PetscInt     nr, nt; /* how many directions the least cut-offs keep, on all ranks */
  PetscMPIInt *count, *start;
  PetscInt64   generation; /* of the functional that the factors belong to */
  Vec          now;        /* borrowed: the gradient of the last direction */
} Saddle;

/* gu <- entry e of y times sqrt(w), and what multiplies it */
static void SetRow(EngdFunctional F, const EngdBlock *block, PetscInt e, PetscReal gu[])
{
  const EngdPointwise ex = F->problem->term[block->term]->pointwise;
  const EngdPlace     at = EngdBlockPlace(F, block, e);

  for (PetscInt i = 0; i < block->n; i++) gu[at.offset + ENGD_COUNT(i, at.stride)] = PetscSqrtReal(block->weight[i]);
  for (PetscInt k = 0; k < ex->nsecond; k++) {
    const PetscInt  other = ex->second_entry[k] == e ? ex->second_other[k] : ex->second_entry[k];
    const EngdPlace to    = EngdBlockPlace(F, block, other);

    if (ex->second_entry[k] != e && ex->second_other[k] != e) continue;
    for (PetscInt i = 0; i < block->n; i++)
      gu[to.offset + ENGD_COUNT(i, to.stride)] += PetscSqrtReal(block->weight[i]) * block->second[k * block->n + i];
  }
}

/* the rows of a block, y entry by y entry, with the columns of y first */
typedef struct {
  const Saddle *saddle;
  PetscReal    *A;
  PetscInt      lda, row;
} Fill;

static PetscErrorCode FillBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  Fill               *fill = (Fill *)data;
  const Saddle       *s    = fill->saddle;
  const EngdPointwise ex   = F->problem->term[block->term]->pointwise;

  PetscFunctionBeginUser;
  for (PetscInt e = 0; e < ex->nentries; e++) {
    if (!s->maximises[ex->entry[e].output]) continue;
    PetscCall(EngdBlockZero(F, block, work->gu));
    SetRow(F, block, e, work->gu);
    PetscCall(EngdModelRows(block->jet, work->theta, work->gu, work->jet, F->rows.x));
    for (PetscInt j = 0; j < s->p; j++)
      for (PetscInt i = 0; i < block->n; i++)
        fill->A[ENGD_COUNT(s->column[j], fill->lda) + fill->row + i] = F->rows.x[ENGD_COUNT(i, s->p) + j];
    fill->row += block->n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* who maximises; NULL, or a term that is no sum of products of x with y. Collective */
static PetscErrorCode FindOther(Saddle *s, EngdFunctional F, EngdTerm *other)
{
  PetscBool any;

  PetscFunctionBeginUser;
  *other = NULL;
  if (!s->maximises) PetscCall(PetscCalloc1(F->problem->noutputs + F->problem->nunknowns, &s->maximises));
  PetscCall(EngdMaximiseOutputs(F, s->maximises, &any));
  for (PetscInt t = 0; t < F->problem->nterms && !*other; t++) {
    const EngdTerm      term = F->problem->term[t];
    const EngdPointwise ex   = term->pointwise;
    PetscBool           fits = (PetscBool)(any && term->energy && !term->integral);

    for (PetscInt k = 0; fits && k < ex->nsecond; k++)
      fits = (PetscBool)(s->maximises[ex->entry[ex->second_entry[k]].output] !=
                         s->maximises[ex->entry[ex->second_other[k]].output]);
    if (!fits) *other = term;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows, and bytes of the rank that needs most. Collective */
static PetscErrorCode Measure(Saddle *s, EngdFunctional F)
{
  const PetscReal p = F->model->nparameters;
  PetscReal       own;

  PetscFunctionBeginUser;
  s->p     = F->model->nparameters;
  s->nrows = 0;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    const EngdPointwise ex = F->problem->term[F->block[b].term]->pointwise;

    for (PetscInt e = 0; e < ex->nentries; e++) s->nrows += s->maximises[ex->entry[e].output] ? F->block[b].n : 0;
  }
  PetscCall(MPIU_Allreduce(&s->nrows, &s->N, 1, MPIU_INT, MPI_SUM, F->comm));
  own = (PetscReal)EngdExplicitBlockBytes(F) + (PetscReal)EngdTSQRBytes(F->comm, s->nrows, s->p) +
        2 * (PetscReal)EngdSVDBytes(s->p) + 2 * sizeof(PetscReal) * p * p;
  PetscCall(MPIU_Allreduce(&own, &s->bytes, 1, MPIU_REAL, MPI_MAX, F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the columns of the triangle from the signs of the parameters. Collective */
static PetscErrorCode OrderColumns(Saddle *s, EngdFunctional F)
{
  const PetscReal *array;
  PetscReal       *sign;
  PetscInt         y = 0, x = 0, local;
  Vec              signs;

  PetscFunctionBeginUser;
  PetscCall(EngdMaximiseSigns(F, "-tao_engd_direction saddle", &signs));
  PetscCall(PetscMalloc1(s->p, &sign));
  PetscCall(VecGetLocalSize(signs, &local));
  PetscCall(VecGetArrayRead(signs, &array));
  PetscCallMPI(MPI_Allgatherv(array, (PetscMPIInt)local, MPIU_REAL, sign, s->count, s->start, MPIU_REAL, F->comm));
  PetscCall(VecRestoreArrayRead(signs, &array));
  for (PetscInt j = 0; j < s->p; j++) y += sign[j] < 0;
  s->ny = y;
  s->nx = s->p - y;
  y     = 0;
  for (PetscInt j = 0; j < s->p; j++) s->column[j] = sign[j] < 0 ? y++ : s->ny + x++;
  PetscCall(PetscFree(sign));
  PetscCall(VecDestroy(&signs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* QR of all rows, and two decompositions on one rank */
static PetscErrorCode Estimate_Saddle(EngdDirection direction, EngdSolver solver, EngdEstimate *estimate)
{
  Saddle        *s = (Saddle *)direction->data;
  EngdFunctional F = solver->functional;
  PetscMPIInt    size;
  PetscReal      p;
  EngdTerm       other;

  PetscFunctionBeginUser;
  *estimate = (EngdEstimate){.worth = 1e6}; /* all others square a game */
  PetscCall(FindOther(s, F, &other));
  if (other || F->curvature->for_hessian || F->curvature->values >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(Measure(s, F));
  p                 = s->p;
  estimate->suits   = PETSC_TRUE;
  estimate->bytes   = s->bytes;
  estimate->seconds = (2.0 * s->N / size + 30 * p) * p * p / ENGD_FLOPS_PER_SECOND;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Saddle(EngdDirection direction, EngdSolver solver,
                                            EngdOptionItems PetscOptionsObject)
{
  Saddle        *s = (Saddle *)direction->data;
  EngdFunctional F = solver->functional;
  EngdTerm       other;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Direction saddle");
  PetscCall(EngdDirectionReadCutoff(F->comm, &s->rcond, PetscOptionsObject));
  PetscCall(PetscOptionsReal("-tao_engd_saddle_critic_rcond",
                             "Test functions with singular values below this part of the largest are left out, "
                             "between 0 and 1",
                             "EngdDirection", s->critic_rcond, &s->critic_rcond, NULL));
  PetscOptionsHeadEnd();
  PetscCheck(s->critic_rcond > 0 && s->critic_rcond < 1, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_saddle_critic_rcond %g: give a number between 0 and 1", (double)s->critic_rcond);
  PetscCheck(
      !F->curvature->for_hessian && F->curvature->values < 0, F->comm, PETSC_ERR_USER_INPUT,
      "-tao_engd_direction saddle with -tao_engd_curvature %s: the mixed derivatives are those of energy; leave "
      "the option out",
      F->curvature->type);
  PetscCall(FindOther(s, F, &other));
  PetscCheck(!other, F->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_direction saddle: term '%s' is no sum of products of an unknown that maximises with one that "
             "does not; take -tao_engd_direction dense -tao_engd_dense_type eigen",
             other->name);
  PetscCall(Measure(s, F));
  direction->bytes = s->bytes;
  PetscCheck(s->bytes <= F->options.memory_limit, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_direction saddle needs %.3g bytes a rank for a Jacobian of %" PetscInt_FMT " x %" PetscInt_FMT
             ", more than -engd_memory_limit %.3g; raise it, use more ranks, or choose -tao_engd_direction krylov",
             (double)s->bytes, s->N, s->p, (double)F->options.memory_limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_Saddle(EngdDirection direction, EngdSolver solver)
{
  Saddle        *s = (Saddle *)direction->data;
  EngdFunctional F = solver->functional;
  PetscMPIInt    rank, size;
  PetscInt       n, on_root, order;

  PetscFunctionBeginUser;
  PetscCall(Measure(s, F));
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(MatGetLocalSize(solver->G, &n, NULL));
  PetscCall(PetscMalloc3(size, &s->count, size, &s->start, s->p, &s->column));
  PetscCall(EngdGatherCounts(F->comm, n, s->count, s->start));
  PetscCall(OrderColumns(s, F));
  PetscCall(EngdTSQRCreate(F->comm, s->nrows, s->p, &s->qr));
  on_root = rank ? 0 : s->p;
  order   = rank ? 0 : PetscMax(s->nx, s->ny);
  PetscCall(EngdSVDCreate(rank ? 0 : s->ny, &s->critic));
  PetscCall(EngdSVDCreate(order, &s->mixed));
  PetscCall(PetscMalloc6(ENGD_COUNT(on_root, on_root), &s->T, ENGD_COUNT(order, order), &s->B, on_root, &s->whole,
                         on_root, &s->gradient, order, &s->a, order, &s->b));
  PetscCall(EngdExplicitReserve(F, &F->rows.x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt CountAbove(const EngdSVD *svd, PetscReal cutoff)
{
  PetscInt n = 0;

  while (n < svd->nsigma && svd->sigma[n] > cutoff * svd->sigma[0]) n++;
  return n;
}

/* on rank 0: A_y = U S V^T by the leading triangle, B = U^T A_x = Q T X^T */
static PetscErrorCode Decompose(Saddle *s)
{
  const PetscInt m = s->mixed.n;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < s->ny; j++)
    PetscCall(PetscArraycpy(s->B + ENGD_COUNT(j, s->ny), s->T + ENGD_COUNT(j, s->p), s->ny));
  PetscCall(EngdSVDCompute(&s->critic, s->B, PIVOT_TOLERANCE));
  s->nr = CountAbove(&s->critic, s->critic_rcond);
  PetscCall(PetscArrayzero(s->B, ENGD_COUNT(m, m)));
  PetscCall(
      EngdGemm("T", "N", s->nr, s->nx, s->ny, s->critic.U, s->ny, s->T + ENGD_COUNT(s->ny, s->p), s->p, 0, s->B, m));
  PetscCall(EngdSVDCompute(&s->mixed, s->B, PIVOT_TOLERANCE));
  s->nt = CountAbove(&s->mixed, s->rcond);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Factor(Saddle *s, EngdFunctional F)
{
  Fill        fill = {.saddle = s};
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(EngdFunctionalCheck(F));
  PetscCall(PetscLogEventBegin(engd_log.explicit, 0, 0, 0, 0));
  PetscCall(EngdTSQRGetArray(s->qr, &fill.lda, &fill.A));
  PetscCall(EngdFunctionalVisit(F, "a Jacobian of a game", NULL, FillBlock, &fill, NULL));
  PetscCall(PetscLogEventEnd(engd_log.explicit, 0, 0, 0, 0));
  PetscCall(PetscLogEventBegin(engd_log.qr, 0, 0, 0, 0));
  PetscCall(EngdTSQRFactor(s->qr, s->T));
  PetscCall(PetscLogEventEnd(engd_log.qr, 0, 0, 0, 0));
  PetscCall(PetscLogEventBegin(engd_log.svd, 0, 0, 0, 0));
  if (!rank) PetscCall(Decompose(s));
  PetscCall(PetscLogEventEnd(engd_log.svd, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* on rank 0: a (nr) = S^{-1} V^T g_y, the residual as the test functions see it; b (nt) = T^{-1} X^T g_x, the maximisers likewise */
static PetscErrorCode Project(Saddle *s, Vec gradient)
{
  const EngdSVD   *critic = &s->critic, *mixed = &s->mixed;
  const PetscReal *g;
  PetscInt         local;
  PetscMPIInt      rank;
  MPI_Comm         comm = PetscObjectComm((PetscObject)gradient);

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(VecGetLocalSize(gradient, &local));
  PetscCall(VecGetArrayRead(gradient, &g));
  PetscCallMPI(MPI_Gatherv(g, (PetscMPIInt)local, MPIU_REAL, s->whole, s->count, s->start, MPIU_REAL, 0, comm));
  PetscCall(VecRestoreArrayRead(gradient, &g));
  if (rank) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt j = 0; j < s->p; j++) s->gradient[s->column[j]] = s->whole[j];
  PetscCall(EngdDenseMultiply("T", s->ny, s->nr, critic->V, s->gradient, s->a));
  for (PetscInt i = 0; i < s->nr; i++) s->a[i] /= critic->sigma[i];
  PetscCall(EngdGemm("T", "N", s->nt, 1, s->nx, mixed->V, mixed->n, s->gradient + s->ny, s->nx, 0, s->b, s->nt));
  for (PetscInt i = 0; i < s->nt; i++) s->b[i] /= mixed->sigma[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* on rank 0: whole <- the direction with the leading k of the directions of the mixed block, by a and b */
static PetscErrorCode Solve(Saddle *s, PetscInt k)
{
  const EngdSVD *critic = &s->critic, *mixed = &s->mixed;
  PetscReal     *d = s->gradient, *work = s->whole;

  PetscFunctionBeginUser;
  PetscCall(EngdGemm("T", "N", k, 1, s->nr, mixed->U, mixed->n, s->a, s->nr, 0, work, k));
  for (PetscInt i = 0; i < k; i++) work[i] /= mixed->sigma[i];
  PetscCall(EngdGemm("N", "N", s->nx, 1, k, mixed->V, mixed->n, work, k, 0, d + s->ny, s->nx));
  PetscCall(EngdGemm("N", "N", s->nr, 1, k, mixed->U, mixed->n, s->b, k, 0, work, s->nr));
  for (PetscInt i = 0; i < s->nr; i++) work[i] /= critic->sigma[i];
  PetscCall(EngdDenseMultiply("N", s->ny, s->nr, critic->V, work, d));
  for (PetscInt j = 0; j < s->p; j++) work[j] = -d[s->column[j]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d of this cut-off */
static PetscErrorCode Truncate(Saddle *s, PetscReal cutoff, Vec gradient, Vec d)
{
  PetscReal  *x;
  PetscInt    local;
  PetscMPIInt rank;
  MPI_Comm    comm = PetscObjectComm((PetscObject)d);

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(Project(s, gradient));
  if (!rank) PetscCall(Solve(s, CountAbove(&s->mixed, PetscMax(cutoff, s->rcond))));
  PetscCall(VecGetLocalSize(d, &local));
  PetscCall(VecGetArrayWrite(d, &x));
  PetscCallMPI(MPI_Scatterv(s->whole, s->count, s->start, MPIU_REAL, x, (PetscMPIInt)local, MPIU_REAL, 0, comm));
  PetscCall(VecRestoreArrayWrite(d, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same theta and points as before, after a rejection, need no new factors */
static PetscErrorCode Compute_Saddle(EngdDirection direction, EngdSolver solver, Vec gradient, Vec d, PetscInt *its)
{
  Saddle        *s = (Saddle *)direction->data;
  EngdFunctional F = solver->functional;
  PetscInt       kept[2];

  PetscFunctionBeginUser;
  *its = 0;
  EngdDirectionBeginCutoff(direction, s->rcond, &s->first);
  if (s->generation != F->present.generation) {
    PetscCall(Factor(s, F));
    kept[0] = s->nr;
    kept[1] = s->nt;
    PetscCallMPI(MPI_Bcast(kept, 2, MPIU_INT, 0, F->comm));
    s->nr         = kept[0];
    s->nt         = kept[1];
    s->generation = F->present.generation;
  }
  s->now = gradient;
  PetscCall(Truncate(s, s->first, gradient, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* attempt k: the cut-off 10^(k/2) times larger, while it is below 1 */
static PetscErrorCode Retry_Saddle(EngdDirection direction, EngdSolver solver, PetscInt attempt, Vec d,
                                   PetscBool *more)
{
  Saddle *s = (Saddle *)direction->data;

  PetscFunctionBeginUser;
  (void)solver;
  *more = EngdDirectionRaiseCutoff(direction, s->first, attempt);
  if (*more) PetscCall(Truncate(s, direction->damping, s->now, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |S^{-1} V^T g_y|, the residual as the test functions of the last d see it: the most that a critic of norm one makes of it. g_x is
   no part of it: the game is linear in the critic, which follows once x is there, and where the critic is large it would hold x back */
static PetscErrorCode Norm_Saddle(EngdDirection direction, EngdSolver solver, Vec gradient, PetscReal *norm)
{
  Saddle     *s = (Saddle *)direction->data;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(solver->functional->comm, &rank));
  PetscCall(Project(s, gradient));
  *norm = 0;
  for (PetscInt i = 0; !rank && i < s->nr; i++) *norm += s->a[i] * s->a[i];
  *norm = PetscSqrtReal(*norm);
  PetscCallMPI(MPI_Bcast(norm, 1, MPIU_REAL, 0, solver->functional->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the factors are a function of theta and the points, and are made again */
static PetscErrorCode State_Saddle(EngdDirection direction, EngdSolver solver, EngdArchive a)
{
  PetscFunctionBeginUser;
  (void)solver;
  if (EngdArchiveChanges(a)) ((Saddle *)direction->data)->generation = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Saddle(EngdDirection direction, PetscViewer viewer)
{
  const Saddle *s = (const Saddle *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "game of %" PetscInt_FMT " with %" PetscInt_FMT " parameters, %" PetscInt_FMT
                                   " rows; cut-offs %g, of the critic %g; %.3g bytes a rank\n",
                                   s->nx, s->ny, s->N, (double)s->rcond, (double)s->critic_rcond, (double)s->bytes));
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "of the last direction %" PetscInt_FMT " test functions, which saw %" PetscInt_FMT " directions\n",
      s->nr, s->nt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Saddle(EngdDirection direction)
{
  Saddle *s = (Saddle *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(EngdTSQRDestroy(&s->qr));
  PetscCall(EngdSVDDestroy(&s->critic));
  PetscCall(EngdSVDDestroy(&s->mixed));
  PetscCall(PetscFree6(s->T, s->B, s->whole, s->gradient, s->a, s->b));
  PetscCall(PetscFree3(s->count, s->start, s->column));
  PetscCall(PetscFree(s->maximises));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_DIRECTION("saddle", EngdDirectionCreate_Saddle);
PetscErrorCode EngdDirectionCreate_Saddle(EngdDirection direction)
{
  Saddle *s;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  s->rcond                       = 1e-12;
  s->critic_rcond                = 1e-10;
  s->generation                  = -1;
  direction->data                = s;
  direction->damping_name        = ENGD_CUTOFF;
  direction->features            = ENGD_DIRECTION_GAMES;
  direction->ops->estimate       = Estimate_Saddle;
  direction->ops->setfromoptions = SetFromOptions_Saddle;
  direction->ops->setup          = SetUp_Saddle;
  direction->ops->state          = State_Saddle;
  direction->ops->compute        = Compute_Saddle;
  direction->ops->retry          = Retry_Saddle;
  direction->ops->norm           = Norm_Saddle;
  direction->ops->view           = View_Saddle;
  direction->ops->destroy        = Destroy_Saddle;
  PetscFunctionReturn(PETSC_SUCCESS);
}
