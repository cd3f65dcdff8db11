/*
  TAO type "engd": natural-gradient steps in parameter space.

    d_k = -(G + lambda I)^{-1} gradient  (a direction),   m_k = mu m_{k-1} + d_k,   theta <- theta + eta m_k  (a step)

  An iteration never keeps an increase of the loss: it rejects the step, forgets the momentum and raises lambda. Long steps
  lower lambda, so that the first iterations are damped and the last ones nearly Gauss-Newton (Levenberg-Marquardt, with
  the step length for a gain ratio). The only file that touches the fields of a Tao.
  References: Mueller and Zeinhofer (arXiv 2302.13163), Dangel et al. (2405.15603).
*/
#include <engd/private.h>
#include <petsc/private/taoimpl.h>

#define REJECTION_FACTOR 10    /* a rejection raises lambda by this, */
#define REJECTION_LEAST  1e-12 /* from at least this */

typedef struct {
  struct _n_EngdSolver solver[1];
  PetscReal            damping;                         /* the option's lambda: the first, or the fixed one */
  PetscBool            adapt;                           /* does lambda follow the steps */
  PetscReal            damping_min, increase, decrease; /* then: its floor and factors */
  PetscReal            momentum;
  PetscInt             max_rejections;
  EngdDirection        direction;
  EngdStep             step;
  PetscReal            retry_step;          /* more cautious directions are tried after a step no longer than this */
  Vec                  buffer, trial, best; /* m_{k-1}, a try of m_k and the best one so far */
  EngdStatus           status;
} TAO_ENGD;

/* theta, gradient, direction; the Gramian is the Tao's Hessian */
static PetscErrorCode TaoSetUp_Engd(Tao tao)
{
  TAO_ENGD *engd = (TAO_ENGD *)tao->data;

  PetscFunctionBeginUser;
  PetscCall(EngdGramianGetFunctional(tao->hessian, &engd->solver->functional));
  engd->solver->G = tao->hessian;
  if (!tao->gradient) PetscCall(VecDuplicate(tao->solution, &tao->gradient));
  if (!tao->stepdirection) PetscCall(VecDuplicate(tao->solution, &tao->stepdirection));
  PetscCall(VecDuplicate(tao->solution, &engd->buffer));
  PetscCall(VecDuplicate(tao->solution, &engd->trial));
  PetscCall(VecDuplicate(tao->solution, &engd->best));
  PetscCall((*engd->direction->ops->setup)(engd->direction, engd->solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* m_k = mu m_{k-1} + d; a sum that does not go down starts anew from d. slope = gradient . m_k */
static PetscErrorCode AddMomentum(TAO_ENGD *engd, Vec d, EngdLine *line)
{
  PetscFunctionBeginUser;
  PetscCall(VecWAXPY(engd->trial, engd->momentum, engd->buffer, d));
  PetscCall(VecDot(line->gradient, engd->trial, &line->slope));
  if (line->slope >= 0 && engd->momentum > 0) {
    PetscCall(VecCopy(d, engd->trial));
    PetscCall(VecDot(line->gradient, engd->trial, &line->slope));
  }
  line->d = engd->trial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step of at least 1/4 lowers lambda, a shorter one raises it: along d the quadratic model was trusted too far. A fixed
   lambda is raised by rejections alone, and steps bring it back. A rejection forgets momentum and direction. */
static PetscErrorCode AdaptDamping(TAO_ENGD *engd, Vec d, PetscInt *rejections)
{
  PetscReal *lambda = &engd->solver->damping;

  PetscFunctionBeginUser;
  if (engd->status.step == 0) {
    (*rejections)++;
    *lambda = PetscMax(REJECTION_LEAST, REJECTION_FACTOR * *lambda);
    PetscCall(VecZeroEntries(engd->buffer));
    PetscCall(VecZeroEntries(d));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  *rejections = 0;
  if (!engd->adapt)
    *lambda = PetscMax(engd->damping, *lambda / REJECTION_FACTOR);
  else if (engd->status.step >= 0.25)
    *lambda = PetscMax(engd->damping_min, *lambda / engd->decrease);
  else
    *lambda *= engd->increase;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The step along d. After none, or one of at most retry_step, the more cautious directions of the type are tried, if it has
   any, up to the first longer step. The best of all tries is taken; its m is line->d = best */
static PetscErrorCode ChooseStep(Tao tao, EngdLine *line)
{
  TAO_ENGD     *engd      = (TAO_ENGD *)tao->data;
  EngdDirection direction = engd->direction;
  PetscBool     another   = PETSC_TRUE;
  EngdLine      best      = *line;
  PetscReal     damping   = 0;

  PetscFunctionBeginUser;
  for (PetscInt attempt = 1; another; attempt++) {
    line->step = 0;
    PetscCall(AddMomentum(engd, tao->stepdirection, line));
    if (line->slope < 0) {
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
    PetscCall((*direction->ops->retry)(direction, engd->solver, attempt, tao->stepdirection, &another));
  }
  *line              = best;
  line->d            = engd->best;
  direction->damping = damping;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* direction and step from theta; theta, loss and gradient are moved if a step was found */
static PetscErrorCode Iterate(Tao tao, PetscReal *loss)
{
  TAO_ENGD  *engd   = (TAO_ENGD *)tao->data;
  EngdSolver solver = engd->solver;
  EngdLine   line   = {.theta = tao->solution, .gradient = tao->gradient, .loss = *loss};

  PetscFunctionBeginUser;
  PetscCall(TaoComputeHessian(tao, tao->solution, tao->hessian, tao->hessian_pre));
  PetscCall(EngdGramianSetDamping(solver->G, solver->damping));
  engd->direction->damping = solver->damping;
  PetscCall(PetscLogEventBegin(engd_log.direction, 0, 0, 0, 0));
  PetscCall(
      (*engd->direction->ops->compute)(engd->direction, solver, tao->gradient, tao->stepdirection, &tao->ksp_its));
  PetscCall(PetscLogEventEnd(engd_log.direction, 0, 0, 0, 0));
  tao->ksp_tot_its += tao->ksp_its;
  PetscCall(ChooseStep(tao, &line));
  PetscCall(VecCopy(line.d, engd->buffer));
  engd->status = (EngdStatus){line.step, engd->direction->damping, tao->ksp_its, tao->ksp_tot_its};
  if (line.step > 0) {
    PetscCall(VecAXPY(tao->solution, line.step, line.d));
    PetscCall(TaoComputeObjectiveAndGradient(tao, tao->solution, loss, tao->gradient));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* history, monitors and tolerances, with the loss and gradient of the present theta */
static PetscErrorCode Report(Tao tao, PetscReal loss, PetscReal step)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(VecNorm(tao->gradient, NORM_2, &norm));
  PetscCheck(!PetscIsInfOrNanReal(loss) && !PetscIsInfOrNanReal(norm), PetscObjectComm((PetscObject)tao),
             ENGD_ERR_NUMERICS, "iteration %" PetscInt_FMT ": the loss is %g and the norm of its gradient %g",
             tao->niter, (double)loss, (double)norm);
  PetscCall(TaoLogConvergenceHistory(tao, loss, norm, 0, tao->ksp_its));
  PetscCall(TaoMonitor(tao, tao->niter, loss, norm, 0, step));
  PetscUseTypeMethod(tao, convergencetest, tao->cnvP);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Would another iteration from here find the same: no cautious direction is left to try, no momentum was in the way, and the
   points do not change */
static PetscBool IsStuck(const TAO_ENGD *engd)
{
  const EngdProblem problem = engd->solver->functional->problem;
  PetscBool         stuck = (PetscBool)(engd->status.step == 0 && engd->direction->ops->retry && engd->momentum == 0);

  for (PetscInt t = 0; t < problem->nterms; t++) stuck = (PetscBool)(stuck && !problem->term[t]->resample);
  return stuck;
}

static PetscErrorCode TaoSolve_Engd(Tao tao)
{
  TAO_ENGD      *engd       = (TAO_ENGD *)tao->data;
  EngdFunctional F          = engd->solver->functional;
  PetscInt       rejections = 0;
  PetscReal      loss;

  PetscFunctionBeginUser;
  engd->solver->damping = engd->damping;
  engd->status          = (EngdStatus){.damping = engd->damping};
  tao->reason           = TAO_CONTINUE_ITERATING;
  PetscCall(VecZeroEntries(engd->buffer));
  PetscCall(TaoComputeObjectiveAndGradient(tao, tao->solution, &loss, tao->gradient));
  PetscCall(Report(tao, loss, 1));
  while (tao->reason == TAO_CONTINUE_ITERATING) {
    PetscBool resampled = PETSC_FALSE;

    PetscTryTypeMethod(tao, update, tao->niter, tao->user_update);
    if (tao->niter) PetscCall(EngdFunctionalResample(F, tao->niter, &resampled));
    if (resampled) PetscCall(TaoComputeObjectiveAndGradient(tao, tao->solution, &loss, tao->gradient));
    PetscCall(Iterate(tao, &loss));
    tao->niter++;
    PetscCall(AdaptDamping(engd, tao->stepdirection, &rejections));
    PetscCall(Report(tao, loss, rejections ? 1 : engd->status.step));
    if ((rejections >= engd->max_rejections || IsStuck(engd)) && tao->reason == TAO_CONTINUE_ITERATING) {
      PetscCall(TaoSetConvergedReason(tao, TAO_DIVERGED_LS_FAILURE));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the options of the damping */
static PetscErrorCode SetDampingFromOptions(TAO_ENGD *engd, MPI_Comm comm, EngdOptionItems PetscOptionsObject)
{
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsReal("-tao_engd_damping", "lambda of G + lambda I, the first or the fixed one, not negative",
                             "EngdGramianSetDamping", engd->damping, &engd->damping, NULL));
  PetscCheck(engd->damping >= 0 && !PetscIsInfReal(engd->damping), comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_damping %g: give zero or a positive number", (double)engd->damping);
  PetscCall(PetscOptionsBool("-tao_engd_damping_adapt", "Lower lambda after long steps and raise it after short ones",
                             "EngdGramianSetDamping", engd->adapt, &engd->adapt, NULL));
  PetscCall(PetscOptionsReal("-tao_engd_damping_min", "Least lambda when it adapts, not negative",
                             "EngdGramianSetDamping", engd->damping_min, &engd->damping_min, NULL));
  PetscCheck(engd->damping_min >= 0 && !PetscIsInfReal(engd->damping_min), comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_damping_min %g: give zero or a positive number", (double)engd->damping_min);
  PetscCall(PetscOptionsReal("-tao_engd_damping_decrease",
                             "Divisor of lambda after a step of at least 1/4, at least 1", "EngdGramianSetDamping",
                             engd->decrease, &engd->decrease, NULL));
  PetscCheck(engd->decrease >= 1 && !PetscIsInfReal(engd->decrease), comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_damping_decrease %g: give a number of at least 1", (double)engd->decrease);
  PetscCall(PetscOptionsReal("-tao_engd_damping_increase", "Factor of lambda after a shorter step, at least 1",
                             "EngdGramianSetDamping", engd->increase, &engd->increase, NULL));
  PetscCheck(engd->increase >= 1 && !PetscIsInfReal(engd->increase), comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_damping_increase %g: give a number of at least 1", (double)engd->increase);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoSetFromOptions_Engd(Tao tao, EngdOptionItems PetscOptionsObject)
{
  TAO_ENGD *engd = (TAO_ENGD *)tao->data;
  MPI_Comm  comm = PetscObjectComm((PetscObject)tao);
  char      type[256];
  PetscBool set;

  PetscFunctionBeginUser;
  PetscCall(EngdGramianGetFunctional(tao->hessian, &engd->solver->functional));
  PetscOptionsHeadBegin(PetscOptionsObject, "Natural-gradient steps");
  PetscCall(PetscOptionsString("-tao_engd_direction", "Way to the direction: krylov, tsvd, dual", "EngdDirection",
                               engd->direction->type, type, sizeof(type), &set));
  if (set) {
    PetscCall(EngdDirectionDestroy(&engd->direction));
    PetscCall(EngdDirectionCreate(type, &engd->direction));
  }
  PetscCall(PetscOptionsString("-tao_engd_step", "Way to the step length: grid, armijo, fixed", "EngdStep",
                               engd->step->type, type, sizeof(type), &set));
  if (set) {
    PetscCall(EngdStepDestroy(&engd->step));
    PetscCall(EngdStepCreate(type, &engd->step));
  }
  PetscCall(SetDampingFromOptions(engd, comm, PetscOptionsObject));
  PetscCall(PetscOptionsReal("-tao_engd_momentum", "mu of m <- mu m + d, from 0 to below 1", "TAO type engd",
                             engd->momentum, &engd->momentum, NULL));
  PetscCheck(engd->momentum >= 0 && engd->momentum < 1, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_momentum %g: give a number from 0 to below 1", (double)engd->momentum);
  PetscCall(PetscOptionsInt("-tao_engd_max_rejections", "Stop after so many iterations without a step, positive",
                            "TAO type engd", engd->max_rejections, &engd->max_rejections, NULL));
  PetscCheck(engd->max_rejections > 0, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_max_rejections %" PetscInt_FMT ": give a positive number", engd->max_rejections);
  PetscCall(
      PetscOptionsReal("-tao_engd_retry_step",
                       "Try more cautious directions, if any, after a step no longer than this, from 0 to below 1",
                       "TAO type engd", engd->retry_step, &engd->retry_step, NULL));
  PetscCheck(engd->retry_step >= 0 && engd->retry_step < 1, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_retry_step %g: give a number from 0 to below 1", (double)engd->retry_step);
  PetscOptionsHeadEnd();
  if (engd->direction->ops->setfromoptions) {
    PetscCall((*engd->direction->ops->setfromoptions)(engd->direction, engd->solver, PetscOptionsObject));
  }
  PetscCheck(engd->momentum == 0 || engd->direction->momentum == 0, comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_momentum %g and the direction's own momentum %g exclude each other; give one of them",
             (double)engd->momentum, (double)engd->direction->momentum);
  PetscCall((*engd->step->ops->setfromoptions)(engd->step, engd->solver, PetscOptionsObject));
  PetscCall(KSPSetFromOptions(tao->ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoView_Engd(Tao tao, PetscViewer viewer)
{
  TAO_ENGD *engd = (TAO_ENGD *)tao->data;
  PetscBool ascii;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPushTab(viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "direction: %s, curvature: %s, damping %g, momentum %g\n",
                                   engd->direction->type, engd->solver->functional->curvature->type,
                                   (double)engd->damping, (double)engd->momentum));
  if (engd->direction->ops->view) PetscCall((*engd->direction->ops->view)(engd->direction, viewer));
  PetscCall((*engd->step->ops->view)(engd->step, viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoDestroy_Engd(Tao tao)
{
  TAO_ENGD *engd = (TAO_ENGD *)tao->data;

  PetscFunctionBeginUser;
  PetscCall(EngdDirectionDestroy(&engd->direction));
  PetscCall(EngdStepDestroy(&engd->step));
  PetscCall(VecDestroy(&engd->buffer));
  PetscCall(VecDestroy(&engd->trial));
  PetscCall(VecDestroy(&engd->best));
  PetscCall(KSPDestroy(&tao->ksp));
  PetscCall(PetscFree(tao->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* status of the last iteration; of other TAO types the Krylov iterations alone */
PetscErrorCode TaoEngdGetStatus(Tao tao, EngdStatus *status)
{
  PetscBool same;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)tao, "engd", &same));
  if (same)
    *status = ((TAO_ENGD *)tao->data)->status;
  else
    *status = (EngdStatus){.step = tao->step, .krylov_iterations = tao->ksp_its, .total_krylov = tao->ksp_tot_its};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
  "engd" - natural-gradient (Gauss-Newton, energy Newton) steps for neural networks; its Hessian is a Gramian made by
  EngdFunctionalCreateGramian(), so it is created by EngdSolverCreate().

  Options Database Keys:
+ -tao_engd_direction type   - krylov: the KSP of this Tao (-ksp_, -pc_); tsvd: truncated least squares on J;
                                dual: by the kernel J J^T
. -tao_engd_step type        - grid, armijo, fixed
. -tao_engd_damping lambda   - of G + lambda I, the first or the fixed one
. -tao_engd_damping_adapt    - does lambda follow the steps; _min, _decrease, _increase say how
. -tao_engd_momentum mu      - m <- mu m + d
. -tao_engd_retry_step s     - more cautious directions are tried after a step no longer than this
- -tao_engd_max_rejections n - stop after n iterations in a row without a step
M*/
PetscErrorCode TaoCreate_Engd(Tao tao)
{
  TAO_ENGD   *engd;
  const char *prefix;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&engd));
  tao->data                = engd;
  tao->ops->setup          = TaoSetUp_Engd;
  tao->ops->solve          = TaoSolve_Engd;
  tao->ops->setfromoptions = TaoSetFromOptions_Engd;
  tao->ops->view           = TaoView_Engd;
  tao->ops->destroy        = TaoDestroy_Engd;
  engd->max_rejections     = 10;
  engd->retry_step         = 0.05;
  engd->damping            = 1e-2;
  engd->damping_min        = 1e-16;
  engd->adapt              = PETSC_TRUE;
  engd->increase           = 4;
  engd->decrease           = 10;
  PetscCall(TaoParametersInitialize(tao));
  PetscObjectParameterSetDefault(tao, max_it, 200);
  PetscObjectParameterSetDefault(tao, max_funcs, PETSC_MAX_INT);
  PetscCall(EngdDirectionCreate("krylov", &engd->direction));
  PetscCall(EngdStepCreate("grid", &engd->step));
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)tao), &tao->ksp));
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)tao->ksp, (PetscObject)tao, 1));
  PetscCall(TaoGetOptionsPrefix(tao, &prefix));
  PetscCall(KSPSetOptionsPrefix(tao->ksp, prefix));
  PetscCall(KSPSetType(tao->ksp, KSPCG));
  PetscCall(KSPSetTolerances(tao->ksp, 1e-10, 0, PETSC_DEFAULT, 300));
  engd->solver->tao = tao;
  engd->solver->ksp = tao->ksp;
  PetscFunctionReturn(PETSC_SUCCESS);
}
