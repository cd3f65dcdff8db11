/*
  TAO type "engd": natural-gradient steps in parameter space.

    d_k = -(G + lambda I)^{-1} gradient  (a direction),   m_k = mu m_{k-1} + d_k,   theta <- theta + eta m_k  (a step)

  Unless told to (-tao_engd_accept_increase), an iteration never keeps an increase of the loss: it rejects the step, forgets
  the momentum and raises lambda (damping.c). Long steps lower lambda, so that the first iterations are damped and the last ones
  nearly Gauss-Newton. The loop around them is that of tao_loop.c.
  References: Mueller and Zeinhofer (arXiv 2302.13163), Dangel et al. (2405.15603).
*/
#include "tao_engd.h"

#define STALL_QUOTIENT 1e-12 /* the same of a quotient, which does not go to zero, */
#define STALL_DECREASE 1e-3  /* less of the loss than this, in -tao_engd_stall iterations, is no progress; */

/* do points or multipliers change during the training, so that losses of two iterations cannot be compared */
static PetscBool LossChanges(const TAO_ENGD *engd)
{
  const EngdProblem problem = engd->solver->functional->problem;
  PetscBool         any     = PETSC_FALSE;

  for (PetscInt t = 0; t < problem->nterms; t++)
    any = (PetscBool)(any || problem->term[t]->resample || problem->term[t]->multipliers ||
                      problem->term[t]->causal > 0);
  return any;
}

/* accelerated steps need the factors of the Jacobian of a residual, and are steps of their own, without momentum */
static PetscErrorCode SetUpAccelerator(TAO_ENGD *engd)
{
  PetscBool residual;

  PetscFunctionBeginUser;
  PetscCall(EngdGeodesicDestroy(&engd->accelerator));
  if (!engd->geodesic || !engd->direction->ops->solve || engd->momentum > 0 || LossChanges(engd))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdExplicitHasResidual(engd->solver->functional, &residual));
  if (residual) PetscCall(EngdGeodesicCreate(engd->solver->functional, &engd->accelerator));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* vectors; the Gramian, or the exact Hessian, is the Tao's Hessian */
static PetscErrorCode SetUp(Tao tao, void *data, Vec theta)
{
  TAO_ENGD *engd = (TAO_ENGD *)data;

  PetscFunctionBeginUser;
  PetscCall(TaoGetHessian(tao, &engd->solver->G, &engd->solver->P, NULL, NULL));
  PetscCall(VecDuplicate(theta, &engd->d));
  PetscCall(VecDuplicate(theta, &engd->buffer));
  PetscCall(VecDuplicate(theta, &engd->trial));
  PetscCall(VecDuplicate(theta, &engd->best));
  PetscCall(EngdDampingTellUnused(PetscObjectComm((PetscObject)tao), engd->direction, engd->step));
  if (!(engd->direction->features & ENGD_DIRECTION_KSP))
    PetscCall(EngdSolverTellUnused(engd->solver->ksp, engd->direction->type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* m_k = mu m_{k-1} + d; a sum that does not go down, unless it may go up, starts anew from d. slope = gradient . m_k */
static PetscErrorCode AddMomentum(TAO_ENGD *engd, EngdLine *line)
{
  PetscFunctionBeginUser;
  PetscCall(VecWAXPY(engd->trial, engd->momentum, engd->buffer, engd->d));
  PetscCall(VecDot(line->gradient, engd->trial, &line->slope));
  if (line->slope >= 0 && engd->momentum > 0 && !engd->solver->accept_increase) {
    PetscCall(VecCopy(engd->d, engd->trial));
    PetscCall(VecDot(line->gradient, engd->trial, &line->slope));
  }
  line->d = engd->trial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a rejection forgets momentum and direction */
static PetscErrorCode CountRejections(TAO_ENGD *engd, const EngdLine *line)
{
  PetscFunctionBeginUser;
  engd->rejections = line->step == 0 ? engd->rejections + 1 : 0;
  if (!engd->rejections) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecZeroEntries(engd->buffer));
  PetscCall(VecZeroEntries(engd->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The step along d. After none, or one of at most retry_step, the more cautious directions of the type are tried, if it has
   any, up to the first longer step. The best of all tries is taken; its m is line->d = best */
static PetscErrorCode ChooseStep(TAO_ENGD *engd, EngdLine *line)
{
  EngdDirection direction = engd->direction;
  PetscBool     another   = PETSC_TRUE;
  EngdLine      best      = *line;
  PetscReal     damping   = 0;

  PetscFunctionBeginUser;
  for (PetscInt attempt = 1; another; attempt++) {
    line->step = line->damping_factor = 0;
    PetscCall(AddMomentum(engd, line));
    if (line->slope < 0 || engd->solver->accept_increase) {
      PetscCall(PetscLogEventBegin(engd_log.step, 0, 0, 0, 0));
      PetscCall((*engd->step->ops->choose)(engd->step, engd->solver, line));
      PetscCall(PetscLogEventEnd(engd_log.step, 0, 0, 0, 0));
    }
    if (attempt == 1 || (line->step > 0 && (best.step == 0 || line->newloss < best.newloss))) {
      best    = *line;
      damping = direction->damping;
      PetscCall(VecCopy(line->d, engd->best));
    }
    another = PETSC_FALSE;
    if (line->step > engd->retry_step || !direction->ops->retry) break;
    PetscCall((*direction->ops->retry)(direction, engd->solver, attempt, engd->d, &another));
  }
  *line              = best;
  line->d            = engd->best;
  direction->damping = direction->taken = damping;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Would another iteration from here find the same: no cautious direction is left to try, no momentum was in the way, and the
   points do not change */
static PetscBool IsStuck(const TAO_ENGD *engd)
{
  return (PetscBool)(engd->rejections && engd->direction->ops->retry && engd->momentum == 0 && !LossChanges(engd));
}

/* the kind of the next iteration, or the end: no step is found any more, or none that makes a difference */
static TaoConvergedReason JudgeProgress(TAO_ENGD *engd, const EngdIterate *it)
{
  PetscBool stuck = (PetscBool)(engd->rejections >= engd->max_rejections || IsStuck(engd));

  EngdProgressRecord(&engd->progress, it->loss);
  if (engd->accelerator) EngdProgressChooseKind(&engd->progress, it->status.step, &stuck);
  if (stuck) return TAO_DIVERGED_LS_FAILURE;
  if (engd->stall && !engd->solver->accept_increase && !LossChanges(engd) &&
      EngdProgressIsSlow(&engd->progress, 0, engd->stall,
                         engd->solver->functional->outer.nstates ? STALL_QUOTIENT : STALL_DECREASE))
    return TAO_CONVERGED_STEPTOL;
  return TAO_CONTINUE_ITERATING;
}

/* direction and step from theta; theta, loss and gradient are moved if a step was found */
static PetscErrorCode Iterate(Tao tao, void *data, EngdIterate *it)
{
  TAO_ENGD  *engd   = (TAO_ENGD *)data;
  EngdSolver solver = engd->solver;
  EngdLine   line   = {.direction = engd->direction,
                       .theta     = it->theta,
                       .gradient  = it->gradient,
                       .previous  = engd->buffer,
                       .loss      = it->loss};

  PetscFunctionBeginUser;
  EngdOuterSetShift(solver->functional, it->loss, solver->change);
  PetscCall(TaoComputeHessian(tao, it->theta, solver->G, solver->P));
  PetscCall(EngdDampingSetOperators(solver));
  PetscCall(PetscLogEventBegin(engd_log.direction, 0, 0, 0, 0));
  PetscCall((*engd->direction->ops->compute)(engd->direction, solver, it->gradient, engd->d,
                                             &it->status.krylov_iterations));
  PetscCall(PetscLogEventEnd(engd_log.direction, 0, 0, 0, 0));
  if (engd->direction->features & ENGD_DIRECTION_DAMPED) engd->direction->damping = solver->damping.lambda;
  if (!engd->progress.n) EngdProgressRecord(&engd->progress, it->loss);
  if (engd->progress.accelerated)
    PetscCall(EngdGeodesicStep(engd->accelerator, solver, engd->direction, &line));
  else
    PetscCall(ChooseStep(engd, &line));
  PetscCall(VecCopy(line.d, engd->buffer));
  it->status.step         = line.step;
  it->status.damping      = engd->direction->damping;
  it->status.damping_name = EngdDirectionGetDampingName(engd->direction);
  if (line.step > 0) {
    PetscCall(VecAXPY(it->theta, line.step, line.d));
    PetscCall(TaoComputeObjectiveAndGradient(tao, it->theta, &it->loss, it->gradient));
    solver->change = it->loss - line.loss;
  }
  EngdDampingFollow(&solver->damping, &line);
  PetscCall(CountRejections(engd, &line));
  it->reason = JudgeProgress(engd, it);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BeginSolve(Tao tao, void *data, EngdStatus *status)
{
  TAO_ENGD *engd = (TAO_ENGD *)data;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(EngdDirectionBegin(engd->direction, engd->solver));
  PetscCall(SetUpAccelerator(engd));
  status->damping_name = EngdDirectionGetDampingName(engd->direction);
  status->damping      = 0; /* a number of the direction's own is known after the first one */
  if (engd->direction->features & ENGD_DIRECTION_DAMPED) status->damping = engd->solver->damping.first;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* an end that was judged by other limits than those that hold now is none */
static PetscErrorCode LimitsState(Tao tao, const TAO_ENGD *engd, EngdArchive a)
{
  PetscInt  stall = engd->stall, rejections = engd->max_rejections;
  PetscReal retry = engd->retry_step;
  PetscBool same;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveInt(a, "stall", &stall, engd->stall));
  PetscCall(EngdArchiveInt(a, "max_rejections", &rejections, engd->max_rejections));
  PetscCall(EngdArchiveReal(a, "retry_step", &retry, engd->retry_step));
  same = (PetscBool)(stall == engd->stall && rejections == engd->max_rejections && retry == engd->retry_step);
  if (!same) PetscCall(TaoSetConvergedReason(tao, TAO_CONTINUE_ITERATING));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d too: a KSP may begin with the last direction (-ksp_initial_guess_nonzero) */
static PetscErrorCode State(Tao tao, void *data, EngdArchive a)
{
  TAO_ENGD  *engd   = (TAO_ENGD *)data;
  EngdSolver solver = engd->solver;

  PetscFunctionBeginUser;
  PetscCall(EngdDampingState(&solver->damping, a));
  PetscCall(EngdArchiveReal(a, "change", &solver->change, 0));
  PetscCall(EngdArchiveCount(a, "rejections", &engd->rejections, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveVec(a, "momentum", engd->buffer));
  PetscCall(EngdArchiveVec(a, "last_direction", engd->d));
  PetscCall(EngdProgressState(&engd->progress, engd->stall, a));
  PetscCall(LimitsState(tao, engd, a));
  PetscCall(EngdDirectionState(engd->direction, solver, a));
  PetscCall(EngdStepState(engd->step, a));
  if (engd->accelerator) PetscCall(EngdGeodesicState(engd->accelerator, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* options that are good alone and make no sense together; geodesic: have accelerated steps been asked for */
static PetscErrorCode CheckCombinations(const TAO_ENGD *engd, MPI_Comm comm, PetscBool geodesic)
{
  const EngdStep  step = engd->step;
  const PetscReal mu = engd->momentum, own = engd->direction->momentum;

  PetscFunctionBeginUser;
  PetscCheck(mu == 0 || own == 0, comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_momentum %g and the direction's own momentum %g exclude each other; give one of them",
             (double)mu, (double)own);
  PetscCheck((mu == 0 && own == 0) || !step->has_momentum, comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_%smomentum %g with -tao_engd_step %s, which finds its own momentum: leave out one of them",
             own > 0 ? "dual_" : "", (double)(mu + own), step->type);
  PetscCheck(mu == 0 || !(engd->direction->features & ENGD_DIRECTION_MODELS), comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_momentum %g with -tao_engd_dense_type cubic, whose model is of the direction alone: leave "
             "out one of "
             "them",
             (double)mu);
  PetscCheck(!engd->solver->accept_increase || step->may_increase, comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_accept_increase with -tao_engd_step %s, which wants a lower loss: take fixed", step->type);
  PetscCheck(!geodesic || (engd->direction->ops->solve && mu == 0), comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_geodesic with %s: it is for direction tsvd, which has factors of J, without momentum",
             mu > 0 ? "-tao_engd_momentum" : engd->direction->type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions(Tao tao, void *data, EngdOptionItems PetscOptionsObject)
{
  TAO_ENGD *engd = (TAO_ENGD *)data;
  MPI_Comm  comm = PetscObjectComm((PetscObject)tao);
  char      type[256], sentence[640];
  PetscBool set;
  Mat       G;

  PetscFunctionBeginUser;
  PetscCall(TaoGetHessian(tao, &G, NULL, NULL, NULL));
  PetscCall(EngdGramianGetFunctional(G, &engd->solver->functional));
  PetscOptionsHeadBegin(PetscOptionsObject, "Natural-gradient steps");
  PetscCall(EngdRegistryDescribe(&engd_steps, "Way to the step length", sizeof(sentence), sentence));
  PetscCall(PetscOptionsString("-tao_engd_step", sentence, "TaoEngdSetStepType", engd->step->type, type, sizeof(type),
                               &set));
  if (set) {
    PetscCall(EngdStepDestroy(&engd->step));
    PetscCall(EngdStepCreate(type, &engd->step));
  }
  PetscCall(KSPSetFromOptions(engd->solver->ksp));
  PetscCall(EngdDirectionSelect(&engd->direction, engd->solver, &engd->choice, PetscOptionsObject));
  PetscCall(EngdDampingSetFromOptions(&engd->solver->damping, comm, PetscOptionsObject));
  PetscCall(PetscOptionsReal("-tao_engd_momentum", "mu of m <- mu m + d, from 0 to below 1", "TaoEngdSetMomentum",
                             engd->momentum, &engd->momentum, NULL));
  PetscCall(TaoEngdSetMomentum(tao, engd->momentum));
  PetscCall(PetscOptionsInt("-tao_engd_max_rejections", "Stop after so many iterations without a step, positive",
                            "TaoEngdSetMaxRejections", engd->max_rejections, &engd->max_rejections, NULL));
  PetscCall(TaoEngdSetMaxRejections(tao, engd->max_rejections));
  PetscCall(PetscOptionsBool(
      "-tao_engd_accept_increase",
      "Keep steps of -tao_engd_step fixed that raise the loss, as pure Newton needs near saddles",
      "TaoEngdSetAcceptIncrease", engd->solver->accept_increase, &engd->solver->accept_increase, NULL));
  PetscCall(
      PetscOptionsReal("-tao_engd_retry_step",
                       "Try more cautious directions, if any, after a step no longer than this, from 0 to below 1",
                       "TaoEngdSetRetryStep", engd->retry_step, &engd->retry_step, NULL));
  PetscCall(TaoEngdSetRetryStep(tao, engd->retry_step));
  PetscCall(PetscOptionsBool("-tao_engd_geodesic",
                             "Follow slow iterations by accelerated ones, if the direction has factors of J",
                             "TaoEngdSetGeodesic", engd->geodesic, &engd->geodesic, &set));
  PetscCall(PetscOptionsInt(
      "-tao_engd_stall",
      "Stop after so many iterations that lower the loss by less than 0.1%, up to 1000000, 0 for never",
      "TaoEngdSetStall", engd->stall, &engd->stall, NULL));
  PetscCall(TaoEngdSetStall(tao, engd->stall));
  PetscOptionsHeadEnd();
  if (engd->direction->ops->setfromoptions) {
    PetscCall((*engd->direction->ops->setfromoptions)(engd->direction, engd->solver, PetscOptionsObject));
  }
  PetscCall(CheckCombinations(engd, comm, (PetscBool)(set && engd->geodesic)));
  PetscCall((*engd->step->ops->setfromoptions)(engd->step, engd->solver, PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View(Tao tao, void *data, PetscViewer viewer)
{
  TAO_ENGD *engd = (TAO_ENGD *)data;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(PetscViewerASCIIPrintf(viewer, "direction: %s, curvature: %s, damping %g, momentum %g\n",
                                   engd->direction->type, engd->solver->functional->curvature->type,
                                   (double)engd->solver->damping.first, (double)engd->momentum));
  if (!(engd->direction->features & ENGD_DIRECTION_DAMPED) && engd->direction->damping_name)
    PetscCall(PetscViewerASCIIPrintf(viewer, "column damping of the history: the %s of the direction\n",
                                     engd->direction->damping_name));
  PetscCall(EngdBlasView(viewer));
  PetscCall(EngdMemoryView(engd->solver, engd->direction, viewer));
  PetscCall(EngdDirectionChoiceView(&engd->choice, viewer));
  if (engd->direction->ops->view) PetscCall((*engd->direction->ops->view)(engd->direction, viewer));
  PetscCall((*engd->step->ops->view)(engd->step, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(void *data)
{
  TAO_ENGD *engd = (TAO_ENGD *)data;

  PetscFunctionBeginUser;
  PetscCall(EngdDirectionDestroy(&engd->direction));
  PetscCall(EngdStepDestroy(&engd->step));
  PetscCall(EngdGeodesicDestroy(&engd->accelerator));
  PetscCall(PetscFree(engd->progress.past));
  PetscCall(VecDestroy(&engd->d));
  PetscCall(VecDestroy(&engd->buffer));
  PetscCall(VecDestroy(&engd->trial));
  PetscCall(VecDestroy(&engd->best));
  PetscCall(PetscFree(engd));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
  "engd" - natural-gradient (Gauss-Newton, energy Newton) and Newton steps for neural networks; its Hessian is made by
  EngdFunctionalCreateGramian() or EngdFunctionalCreateHessian(), so it is created by EngdSolverCreate().

  Options Database Keys:
+ -tao_engd_direction type   - auto: chosen by a cost model; krylov: the KSP of this Tao; tsvd: truncated least squares on J;
                                dual: by J J^T; randomized: by a random range of J; dense: G written out
. -tao_engd_structure part   - full, layer, diagonal: of the Gramian in the direction
. -tao_engd_step type        - grid, armijo, fixed, quadratic, trust_region
. -tao_engd_damping lambda   - of G + lambda I, the first or the fixed one
. -tao_engd_damping_adapt    - does lambda follow the steps; _min, _decrease, _increase say how
. -tao_engd_momentum mu      - m <- mu m + d
. -tao_engd_geodesic         - accelerated Levenberg-Marquardt steps where straight ones have become slow
. -tao_engd_stall n          - stop after n iterations that lower the loss by less than 0.1%
. -tao_engd_accept_increase  - keep steps of fixed length that raise the loss
. -tao_engd_retry_step s     - more cautious directions are tried after a step no longer than this
- -tao_engd_max_rejections n - stop after n iterations in a row without a step
M*/
ENGD_REGISTER_TAO("engd", TaoCreate_Engd, ENGD_TAO_KSP);
PetscErrorCode TaoCreate_Engd(Tao tao)
{
  static const EngdTaoOps ops = {SetUp, BeginSolve, State, Iterate, SetFromOptions, View, Destroy};
  TAO_ENGD               *engd;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&engd));
  PetscCall(EngdTaoBecome(tao, &ops, engd, 200));
  engd->max_rejections = 10;
  engd->retry_step     = 0.05;
  engd->geodesic       = PETSC_TRUE;
  engd->stall          = 20;
  EngdDampingInitialize(&engd->solver->damping);
  engd->solver->tao = tao;
  PetscCall(EngdStepCreate(ENGD_DEFAULT_STEP, &engd->step));
  PetscCall(EngdTaoCreateKSP(tao, &engd->solver->ksp));
  PetscCall(KSPSetType(engd->solver->ksp, ENGD_DEFAULT_KSP));
  PetscCall(KSPSetTolerances(engd->solver->ksp, 1e-10, 0, PETSC_DEFAULT, 300));
  PetscFunctionReturn(PETSC_SUCCESS);
}
