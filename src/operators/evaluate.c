/*
  Loss, gradient and weighted residual of the functional, and loss and residual along a line.

    residual terms  e = |r|^2/2:  L += w |r|^2 / 2,  R = sqrt(w) r,  gu = w D^T r
    energy terms:                 L += w e,                          gu = w D^T
    integrals:                    L += |R_k|^2 / 2, R_k a sum (integral_rows.c),  gu = w R_k D^T
    quotients:                    L of sums w n and w d (quotient.c), gu = w slope D^T
    gradient = sum over blocks of (dDu/dtheta)^T gu,  w = lambda_t w_n

  One reduction for the loss, one sum over the ranks for the gradient.
*/
#include <engd/private.h>

/* the local sums, data, and out += its gradient, if that is wanted */
static PetscErrorCode AddBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  PetscFunctionBeginUser;
  EngdBlockIntegrals(F, block, block->value, (PetscReal *)data);
  if (!work->out) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdBlockCotangent(F, block, work->y, work->gu));
  PetscCall(EngdModelGradient(block->jet, work->theta, work->gu, work->jet, work->out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalEvaluate - loss and gradient at the present parameters.

  Collective

  Input Parameter:
. functional - with its parameters set

  Output Parameters:
+ loss     - sum_t lambda_t sum_n w_n e_t
- gradient - p entries, spread over the ranks; NULL if not wanted
*/
PetscErrorCode EngdFunctionalEvaluate(EngdFunctional F, PetscReal *loss, Vec gradient)
{
  PetscMPIInt count;

  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(F->outer.nsums, &count));
  PetscCall(EngdCurvatureReserve(count, &F->trial.sums, &F->trial.nsums));
  PetscCall(PetscArrayzero(F->trial.sums, count));
  PetscCall(PetscLogEventBegin(gradient ? engd_log.gradient : engd_log.loss, 0, 0, 0, 0));
  PetscCall(EngdFunctionalVisit(F, "an evaluation of the loss", NULL, AddBlock, F->trial.sums, gradient));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, F->trial.sums, count, MPIU_REAL, MPIU_SUM, F->comm));
  PetscCall(EngdOuterLoss(F, F->trial.sums, loss, NULL));
  F->count.evaluations++;
  PetscCall(PetscLogEventEnd(gradient ? engd_log.gradient : engd_log.loss, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R of a block <- sqrt(w) r from the values r of its term, of walkers less their mean */
static void WeightResidual(EngdFunctional F, const EngdBlock *block, const PetscReal value[], PetscReal R[])
{
  const EngdTerm term = F->problem->term[block->term];
  const PetscInt n    = block->n;

  for (PetscInt c = 0; !term->integral && c < term->pointwise->ncomponents; c++) {
    for (PetscInt i = 0; i < n; i++) {
      R[block->row + c * n + i] = PetscSqrtReal(block->weight[i]) * (value[c * n + i] - F->outer.mean);
    }
  }
}

/* the part of a block of R, whose array is data */
static PetscErrorCode WriteResidual(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  PetscFunctionBeginUser;
  (void)work;
  WeightResidual(F, block, block->value, (PetscReal *)data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the last entries of R <- integrals, which are among sums over all ranks */
static void WriteIntegrals(EngdFunctional F, const PetscReal sums[], PetscReal R[])
{
  for (PetscInt k = 0; k < F->integral.here; k++) R[F->nrows - F->integral.here + k] = sums[1 + k];
}

static PetscErrorCode CheckLeastSquares(EngdFunctional F)
{
  PetscFunctionBeginUser;
  PetscCheck(F->least_squares, F->comm, PETSC_ERR_ARG_WRONGSTATE,
             "a problem with an energy term has no residual vector; use a direction or a method that needs none");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalResidual - the weighted residual R = sqrt(lambda_t w_n) r, so that the loss is |R|^2/2.

  Collective

  Input Parameter:
. functional - with its parameters set; all its terms are residuals

  Output Parameter:
. residual - in the row layout of J: component c of point i of a block of n points is row + c n + i
*/
PetscErrorCode EngdFunctionalResidual(EngdFunctional F, Vec residual)
{
  PetscReal *R;

  PetscFunctionBeginUser;
  PetscCall(CheckLeastSquares(F));
  PetscCall(VecGetArrayWrite(residual, &R));
  PetscCall(EngdFunctionalVisit(F, "an evaluation of the residual", NULL, WriteResidual, R, NULL));
  WriteIntegrals(F, F->outer.sum, R);
  PetscCall(VecRestoreArrayWrite(residual, &R));
  F->count.evaluations++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F->work.sum = theta + step d */
static void SetTrial(EngdFunctional F, PetscReal step, const PetscReal d[])
{
  for (PetscInt j = 0; j < F->model->nparameters; j++) F->work.sum[j] = F->work.theta[j] + step * d[j];
}

/* the part of this rank of the sums, F->trial.sums */
static PetscErrorCode TrialSums(EngdFunctional F, Vec direction, PetscInt nsteps, const PetscReal steps[])
{
  const PetscReal *d;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalGather(F, direction, &d));
  PetscCall(PetscArrayzero(F->trial.sums, nsteps * F->outer.nsums));
  for (PetscInt k = 0; k < nsteps; k++) {
    SetTrial(F, steps[k], d);
    for (PetscInt b = 0; b < F->nblocks; b++) {
      PetscCall(EngdBlockEvaluateAt(F, &F->block[b], F->work.sum));
      EngdBlockIntegrals(F, &F->block[b], F->trial.value, F->trial.sums + k * F->outer.nsums);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R of this rank, but for integrals, and F->trial.sums, of this rank, at theta + step d */
static PetscErrorCode TrialResidual(EngdFunctional F, Vec direction, PetscReal step, PetscReal R[])
{
  const PetscReal *d;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalGather(F, direction, &d));
  SetTrial(F, step, d);
  PetscCall(PetscArrayzero(F->trial.sums, F->outer.nsums));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    PetscCall(EngdBlockEvaluateAt(F, &F->block[b], F->work.sum));
    WeightResidual(F, &F->block[b], F->trial.value, R);
    EngdBlockIntegrals(F, &F->block[b], F->trial.value, F->trial.sums);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalLossAlong - the loss at theta + step * direction for several steps.

  Collective; one gather of the direction and one reduction for all steps

  Input Parameters:
+ functional - the functional
. theta      - becomes the present parameters (EngdFunctionalSetParameters)
. direction  - p entries
. nsteps     - how many
- steps      - their lengths

  Output Parameter:
. losses - [nsteps]; not a number, or infinite, where the problem cannot be evaluated
*/
PetscErrorCode EngdFunctionalLossAlong(EngdFunctional F, Vec theta, Vec direction, PetscInt nsteps,
                                       const PetscReal steps[], PetscReal losses[])
{
  PetscErrorCode ierr;
  PetscMPIInt    count;

  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(nsteps * F->outer.nsums, &count));
  PetscCall(EngdCurvatureReserve(count, &F->trial.sums, &F->trial.nsums));
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(PetscLogEventBegin(engd_log.loss, 0, 0, 0, 0));
  PetscCall(EngdFunctionalBegin(F, "an evaluation of losses along a line"));
  ierr = TrialSums(F, direction, nsteps, steps);
  PetscCall(EngdFunctionalEnd(F));
  PetscCall(ierr);
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, F->trial.sums, count, MPIU_REAL, MPIU_SUM, F->comm));
  for (PetscInt k = 0; k < nsteps; k++) {
    const PetscReal *sums = F->trial.sums + k * F->outer.nsums;

    PetscCall(EngdOuterLoss(F, sums, &losses[k], NULL));
    if (F->outer.walks && EngdWalkersRefuse(F, sums)) losses[k] = PETSC_INFINITY;
  }
  F->count.evaluations += nsteps;
  PetscCall(PetscLogEventEnd(engd_log.loss, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalResidualAlong - the weighted residual at theta + step * direction; the present parameters stay.

  Collective

  Input Parameters:
+ functional - with its parameters set; all its terms are residuals
. direction  - p entries
- step       - its length

  Output Parameter:
. residual - in the row layout of J; not a number, or infinite, where the problem cannot be evaluated
*/
PetscErrorCode EngdFunctionalResidualAlong(EngdFunctional F, Vec direction, PetscReal step, Vec residual)
{
  PetscReal     *R;
  PetscMPIInt    count;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(CheckLeastSquares(F));
  PetscCall(PetscMPIIntCast(F->outer.nsums, &count));
  PetscCall(EngdCurvatureReserve(count, &F->trial.sums, &F->trial.nsums));
  PetscCall(PetscLogEventBegin(engd_log.loss, 0, 0, 0, 0));
  PetscCall(VecGetArrayWrite(residual, &R));
  PetscCall(EngdFunctionalBegin(F, "an evaluation of a residual along a line"));
  ierr = TrialResidual(F, direction, step, R);
  PetscCall(EngdFunctionalEnd(F));
  PetscCall(ierr);
  if (F->integral.n) PetscCall(MPIU_Allreduce(MPI_IN_PLACE, F->trial.sums, count, MPIU_REAL, MPIU_SUM, F->comm));
  WriteIntegrals(F, F->trial.sums, R);
  PetscCall(VecRestoreArrayWrite(residual, &R));
  F->count.evaluations++;
  PetscCall(PetscLogEventEnd(engd_log.loss, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* of each term the local point of lowest index that is not finite: its global index in the term, or the number of its points */
typedef struct {
  PetscInt  *index; /* [nterms] */
  PetscReal *x;     /* (dim, nterms) */
} NonFinite;

/* are the count numbers of point i of n */
static PetscBool AreFinite(PetscInt count, PetscInt n, PetscInt i, const PetscReal v[])
{
  for (PetscInt k = 0; k < count; k++)
    if (PetscIsInfOrNanReal(v[k * n + i])) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* are value and derivatives, those that anything reads */
static PetscBool IsFinite(EngdFunctional F, const EngdBlock *block, PetscInt i)
{
  const EngdTerm      term      = F->problem->term[block->term];
  const EngdPointwise pointwise = term->pointwise;
  const PetscBool     second    = (PetscBool)(term->energy || F->curvature->second || F->curvature->for_hessian);

  return (PetscBool)(AreFinite(pointwise->nvalues, block->n, i, block->value) &&
                     AreFinite(pointwise->nfirst, block->n, i, block->first) &&
                     (!second || !F->twice || AreFinite(pointwise->nsecond, block->n, i, block->second)));
}

static PetscErrorCode FindNonFinite(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  NonFinite       *found  = (NonFinite *)data;
  const EngdPoints points = F->problem->term[block->term]->points;

  PetscFunctionBeginUser;
  (void)work;
  for (PetscInt i = 0; found->index[block->term] == points->nglobal && i < block->n; i++) {
    if (IsFinite(F, block, i)) continue;
    found->index[block->term] = points->start + block->start + i;
    PetscCall(PetscArraycpy(found->x + ENGD_COUNT(block->term, points->dim), block->x + ENGD_COUNT(i, points->dim),
                            points->dim));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* text <- "x = 0.5, y = 1" of the point x on rank owner. Collective */
static PetscErrorCode DescribePoint(EngdFunctional F, PetscMPIInt owner, PetscReal x[], size_t size, char text[])
{
  const EngdDomain domain = F->problem->domain;
  size_t           length = 0;

  PetscFunctionBeginUser;
  text[0] = 0;
  PetscCallMPI(MPI_Bcast(x, (PetscMPIInt)domain->dim, MPIU_REAL, owner, F->comm));
  for (PetscInt i = 0; i < domain->dim && length + 64 < size; i++) {
    PetscCall(
        PetscSNPrintf(text + length, size - length, "%s%s = %g", i ? ", " : "", domain->coordinate[i], (double)x[i]));
    PetscCall(PetscStrlen(text, &length));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* fails with words of its own where what is not finite at a point of rank owner is a table outside of its grid. Collective */
static PetscErrorCode CheckTables(EngdFunctional F, PetscMPIInt owner, const char term[], const char where[])
{
  const EngdProblem problem   = F->problem;
  char              text[256] = "";

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < problem->ntables && !text[0]; k++)
    PetscCall(EngdTabulatedOutside(problem->table[k], sizeof(text), text));
  PetscCallMPI(MPI_Bcast(text, sizeof(text), MPI_CHAR, owner, F->comm));
  PetscCheck(!text[0], F->comm, PETSC_ERR_USER_INPUT,
             "term '%s' at %s needs the table %s (-tables); give a larger table or a smaller domain", term, where,
             text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalCheck(EngdFunctional F)
{
  const EngdProblem problem = F->problem;
  const PetscInt    nterms = problem->nterms, dim = problem->domain->dim;
  NonFinite         found;
  PetscInt         *lowest, bad = 0, index;
  PetscMPIInt       rank, owner = 0;
  char              where[1024];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(nterms, &found.index, ENGD_COUNT(nterms, dim), &found.x, nterms, &lowest));
  for (PetscInt t = 0; t < nterms; t++) found.index[t] = problem->term[t]->points->nglobal;
  for (PetscInt k = 0; k < problem->ntables; k++) /* a step that was refused may have been outside */
    EngdTabulatedForgetOutside(problem->table[k]);
  PetscCall(EngdFunctionalVisit(F, "a check of the residuals", NULL, FindNonFinite, &found, NULL));
  PetscCall(MPIU_Allreduce(found.index, lowest, nterms, MPIU_INT, MPI_MIN, F->comm));
  while (bad < nterms && lowest[bad] == problem->term[bad]->points->nglobal) bad++;
  if (bad < nterms) {
    PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
    if (found.index[bad] == lowest[bad]) owner = rank;
    PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &owner, 1, MPI_INT, MPI_MAX, F->comm));
    PetscCall(DescribePoint(F, owner, found.x + ENGD_COUNT(bad, dim), sizeof(where), where));
    PetscCall(CheckTables(F, owner, problem->term[bad]->name, where));
  }
  index = bad < nterms ? lowest[bad] : 0;
  PetscCall(PetscFree3(found.index, found.x, lowest));
  PetscCheck(bad == nterms, F->comm, ENGD_ERR_NUMERICS,
             "the %s of term '%s' (or its derivative) is not finite at point %" PetscInt_FMT
             ", %s; check the expression there",
             EngdTermKind(problem->term[bad]), problem->term[bad]->name, index, where);
  PetscFunctionReturn(PETSC_SUCCESS);
}
