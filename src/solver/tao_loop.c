/*
  The loop that the TAO types of this program share, and the only file that touches the fields of a Tao.

    loss and gradient at theta; until a test says stop:  new points and multipliers if they are due, an iteration of the type, history,
    monitors and tests

  A type gives its operations to EngdTaoBecome(); here are no optimisers. PETSc's own types have loops of their own. A solve
  that begins forgets what earlier ones have left, and one after a state was loaded goes on behind its iteration: with theta, the
  points and all that the type keeps as they were, the loss and its gradient computed again.
*/
#include <engd/private.h>
#include <petsc/private/taoimpl.h>

/* What a solve that goes on has of the Tao itself */
typedef struct {
  PetscInt  iteration, reason; /* reason: why that iteration said that another is of no use, if it did */
  PetscInt  evaluations[4];    /* losses, gradients, both, Hessians */
  PetscReal first_norm;        /* of the gradient */
} TaoTotals;

typedef struct {
  const EngdTaoOps *ops;
  void             *data; /* of the type */
  EngdFunctional    functional;
  EngdStatus        status;
  Vec               last;   /* theta before the iteration, where the loss has a bound */
  PetscInt          before; /* iterations of earlier optimisers of the run */
  PetscInt          reason; /* of the last iteration */
  PetscBool         begun;  /* is there a state: a solve has begun, or one was loaded */
  PetscBool         loaded; /* the next solve goes on with it */
  TaoTotals         totals; /* that were loaded */
} TaoLoop;

/* history, monitors and tolerances, with the loss and gradient of the present theta; no step is no sign of convergence */
static PetscErrorCode Report(Tao tao, PetscReal loss, PetscReal step)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(VecNorm(tao->gradient, NORM_2, &norm));
  PetscCheck(!PetscIsInfOrNanReal(loss) && !PetscIsInfOrNanReal(norm), PetscObjectComm((PetscObject)tao),
             ENGD_ERR_NUMERICS,
             "iteration %" PetscInt_FMT
             ": the loss is %g and the norm of its gradient %g; scale the terms or the coordinates, or take smaller "
             "initial parameters or steps",
             tao->niter, (double)loss, (double)norm);
  PetscCall(TaoLogConvergenceHistory(tao, loss, norm, 0, tao->ksp_its));
  PetscCall(TaoMonitor(tao, tao->niter, loss, norm, 0, step > 0 ? step : 1));
  PetscUseTypeMethod(tao, convergencetest, tao->cnvP);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoSetUp_Loop(Tao tao)
{
  TaoLoop *loop = (TaoLoop *)tao->data;

  PetscFunctionBeginUser;
  PetscCall(EngdGramianGetFunctional(tao->hessian, &loop->functional));
  if (!tao->gradient) PetscCall(VecDuplicate(tao->solution, &tao->gradient));
  if (EngdOuterIsBounded(loop->functional)) PetscCall(VecDuplicate(tao->solution, &loop->last));
  PetscCall((*loop->ops->setup)(tao, loop->data, tao->solution));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* operations that a type need not have */
static PetscErrorCode Begin(Tao tao, TaoLoop *loop, EngdStatus *status)
{
  PetscFunctionBeginUser;
  if (loop->ops->begin) PetscCall((*loop->ops->begin)(tao, loop->data, status));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode State(Tao tao, TaoLoop *loop, EngdArchive a)
{
  PetscFunctionBeginUser;
  if (loop->ops->state) PetscCall((*loop->ops->state)(tao, loop->data, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a solve from its beginning: nothing is left of earlier ones, and the monitors see where it starts */
static PetscErrorCode Start(Tao tao, TaoLoop *loop, EngdIterate *it)
{
  EngdArchive nothing;

  PetscFunctionBeginUser;
  tao->reason  = TAO_CONTINUE_ITERATING;
  loop->begun  = PETSC_TRUE;
  loop->reason = TAO_CONTINUE_ITERATING;
  PetscCall(Begin(tao, loop, &it->status));
  PetscCall(EngdArchiveCreate(PetscObjectComm((PetscObject)tao), ENGD_ARCHIVE_FORGET, NULL, &nothing));
  PetscCall(State(tao, loop, nothing));
  PetscCall(EngdArchiveDestroy(&nothing));
  loop->status = it->status;
  PetscCall(TaoComputeObjectiveAndGradient(tao, it->theta, &it->loss, it->gradient));
  PetscCall(Report(tao, it->loss, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a solve behind the iteration that was loaded, which the monitors have seen. The tests are made again: their limits may be others */
static PetscErrorCode Resume(Tao tao, TaoLoop *loop, EngdIterate *it)
{
  const TaoTotals *totals      = &loop->totals;
  const PetscInt64 evaluations = loop->functional->count.evaluations;
  PetscInt *const  count[]     = ENGD_TAO_COUNTS(tao);

  PetscFunctionBeginUser;
  loop->loaded = PETSC_FALSE;
  it->status   = loop->status;
  PetscCall(TaoComputeObjectiveAndGradient(tao, it->theta, &it->loss, it->gradient));
  loop->functional->count.evaluations = evaluations;
  PetscCall(VecNorm(it->gradient, NORM_2, &tao->residual));
  tao->reason      = TAO_CONTINUE_ITERATING;
  tao->niter       = totals->iteration;
  tao->fc          = it->loss;
  tao->step        = it->status.step > 0 ? it->status.step : 1;
  tao->gnorm0      = totals->first_norm;
  tao->ksp_its     = it->status.krylov_iterations;
  tao->ksp_tot_its = it->status.total_krylov;
  for (int k = 0; k < 4; k++) *count[k] = totals->evaluations[k];
  PetscUseTypeMethod(tao, convergencetest, tao->cnvP);
  if (tao->reason == TAO_CONTINUE_ITERATING) PetscCall(TaoSetConvergedReason(tao, (TaoConvergedReason)loop->reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* an energy below the bound that the user knows is wrong: theta goes back to where it was not */
static PetscErrorCode CheckBound(TaoLoop *loop, const EngdIterate *it)
{
  EngdFunctional F = loop->functional;
  EngdTerm       term;

  PetscFunctionBeginUser;
  if (!loop->last || !EngdOuterHasFallen(F, it->loss)) PetscFunctionReturn(PETSC_SUCCESS);
  term = F->problem->term[0];
  PetscCall(VecCopy(loop->last, it->theta));
  SETERRQ(F->comm, ENGD_ERR_NUMERICS,
          "iteration %" PetscInt_FMT ": the energy %.10g is below -%s_bound %.10g; take more %s, or shorter steps",
          it->iteration + 1, (double)it->loss, term->name, (double)term->bound, term->walk ? "walkers" : "points");
}

static PetscErrorCode TaoSolve_Loop(Tao tao)
{
  TaoLoop    *loop = (TaoLoop *)tao->data;
  EngdIterate it   = {.theta = tao->solution, .gradient = tao->gradient};
  PetscBool   causal;

  PetscFunctionBeginUser;
  if (loop->loaded)
    PetscCall(Resume(tao, loop, &it));
  else
    PetscCall(Start(tao, loop, &it));
  PetscCall(EngdFunctionalUpdateCausal(loop->functional, &causal)); /* so that restarts know of them */
  while (tao->reason == TAO_CONTINUE_ITERATING) {
    PetscBool resampled = PETSC_FALSE, shifted = PETSC_FALSE;

    PetscTryTypeMethod(tao, update, tao->niter, tao->user_update);
    it.iteration = tao->niter;
    if (loop->before + tao->niter && EngdFunctionalResamples(loop->functional, loop->before + tao->niter)) {
      PetscCall(EngdFunctionalSetParameters(loop->functional, it.theta));
      PetscCall(EngdFunctionalResample(loop->functional, loop->before + tao->niter, &resampled));
    }
    if (loop->before + tao->niter)
      PetscCall(EngdFunctionalUpdateMultipliers(loop->functional, loop->before + tao->niter, it.theta, &shifted));
    if (causal) {
      PetscCall(EngdFunctionalSetParameters(loop->functional, it.theta));
      PetscCall(EngdFunctionalUpdateCausal(loop->functional, &causal));
    }
    if (shifted || resampled || causal)
      PetscCall(TaoComputeObjectiveAndGradient(tao, it.theta, &it.loss, it.gradient));
    if (loop->last) PetscCall(VecCopy(it.theta, loop->last));
    PetscCall((*loop->ops->iterate)(tao, loop->data, &it));
    PetscCall(CheckBound(loop, &it));
    tao->niter++;
    tao->ksp_its = it.status.krylov_iterations;
    tao->ksp_tot_its += tao->ksp_its;
    it.status.total_krylov = tao->ksp_tot_its;
    loop->status           = it.status;
    loop->reason           = it.reason;
    PetscCall(Report(tao, it.loss, it.status.step));
    if (tao->reason == TAO_CONTINUE_ITERATING) PetscCall(TaoSetConvergedReason(tao, it.reason));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the counters of the Tao, and what the last iteration said */
static PetscErrorCode TotalsState(Tao tao, TaoLoop *loop, EngdArchive a)
{
  TaoTotals      *totals  = &loop->totals;
  EngdStatus     *status  = &loop->status;
  PetscInt *const count[] = ENGD_TAO_COUNTS(tao);

  PetscFunctionBeginUser;
  if (!EngdArchiveChanges(a))
    *totals = (TaoTotals){.iteration   = tao->niter,
                          .reason      = loop->reason,
                          .evaluations = {*count[0], *count[1], *count[2], *count[3]},
                          .first_norm  = tao->gnorm0};
  PetscCall(EngdArchiveCount(a, "iteration", &totals->iteration, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveInt(a, "reason", &totals->reason, 0));
  PetscCheck(totals->reason >= TAO_DIVERGED_USER && totals->reason <= TAO_CONVERGED_USER,
             PetscObjectComm((PetscObject)tao), PETSC_ERR_FILE_UNEXPECTED,
             "the checkpoint is damaged: %" PetscInt_FMT " is no reason for an end", totals->reason);
  PetscCall(EngdArchiveInts(a, "evaluations", 4, totals->evaluations));
  PetscCall(EngdArchiveReal(a, "first_gradient_norm", &totals->first_norm, 0));
  PetscCall(EngdArchiveReal(a, "step", &status->step, 0));
  PetscCall(EngdArchiveReal(a, "damping", &status->damping, 0));
  PetscCall(EngdArchiveCount(a, "krylov_iterations", &status->krylov_iterations, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveCount(a, "total_krylov", &status->total_krylov, ENGD_ARCHIVE_MANY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a solve of one of our types, if one has begun. A type that is asked for other limits may take back the reason, which is the
   Tao's while it loads */
static PetscErrorCode LoopState(Tao tao, EngdArchive a)
{
  const PetscBool load = EngdArchiveChanges(a);
  TaoLoop        *loop = (TaoLoop *)tao->data;
  EngdStatus      unused;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveBool(a, "begun", &loop->begun, PETSC_FALSE));
  if (load) loop->loaded = loop->begun;
  if (!loop->begun) PetscFunctionReturn(PETSC_SUCCESS);
  if (load) {
    PetscCall(TaoSetUp(tao));
    PetscCall(Begin(tao, loop, &unused));
  }
  PetscCall(TotalsState(tao, loop, a));
  if (load) PetscCall(TaoSetConvergedReason(tao, (TaoConvergedReason)loop->totals.reason));
  PetscCall(State(tao, loop, a));
  if (load) loop->reason = tao->reason;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdTaoState - saves, loads or forgets what an optimiser of EngdSolverCreate() has come to.

  Collective

  Input Parameters:
+ tao     - its options read and its solution set
- archive - in whose present group /theta, /functional and /solver are; forgetting leaves theta and the points

  Notes: It may be called by a monitor, whose iteration is then the one that is saved. After loading, TaoSolve() goes on: its
  monitors see the next iteration first. Of PETSc's own types theta and the points alone are saved, and their TaoSolve() starts
  from there. A KSP that guesses from earlier solutions (-ksp_guess_type), and a PC of PETSc's own with
  -ksp_reuse_preconditioner, begin anew.

  Source: src/solver/tao_loop.c
*/
PetscErrorCode EngdTaoState(Tao tao, EngdArchive a)
{
  EngdFunctional F;

  PetscFunctionBeginUser;
  if (EngdArchiveGetMode(a) != ENGD_ARCHIVE_FORGET) {
    PetscCall(EngdGramianGetFunctional(tao->hessian, &F));
    PetscCall(EngdArchiveVec(a, "theta", tao->solution));
    PetscCall(EngdFunctionalState(F, tao->solution, a));
  }
  PetscCall(EngdArchivePush(a, "solver"));
  PetscCall(EngdArchiveMatchString(a, "type", "-tao_type", ((PetscObject)tao)->type_name));
  if (tao->ops->solve == TaoSolve_Loop) PetscCall(LoopState(tao, a));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoSetFromOptions_Loop(Tao tao, EngdOptionItems PetscOptionsObject)
{
  TaoLoop *loop = (TaoLoop *)tao->data;

  PetscFunctionBeginUser;
  PetscCall((*loop->ops->setfromoptions)(tao, loop->data, PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoView_Loop(Tao tao, PetscViewer viewer)
{
  TaoLoop  *loop = (TaoLoop *)tao->data;
  PetscBool ascii;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPushTab(viewer));
  PetscCall((*loop->ops->view)(tao, loop->data, viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoDestroy_Loop(Tao tao)
{
  TaoLoop *loop = (TaoLoop *)tao->data;

  PetscFunctionBeginUser;
  PetscCall((*loop->ops->destroy)(loop->data));
  PetscCall(VecDestroy(&loop->last));
  PetscCall(KSPDestroy(&tao->ksp));
  PetscCall(PetscFree(tao->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *data = that of a Tao of this type of ours, whose loop is here */
PetscErrorCode EngdTaoGetData(Tao tao, const char type[], void *data)
{
  PetscBool same;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)tao, type, &same));
  PetscCheck(same, PetscObjectComm((PetscObject)tao), PETSC_ERR_ARG_WRONG, "the Tao is of type %s, not %s",
             ((PetscObject)tao)->type_name ? ((PetscObject)tao)->type_name : "none", type);
  *(void **)data = ((TaoLoop *)tao->data)->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* makes tao one of our types: its operations, its data, iterations unless -tao_max_it says otherwise. Collective */
PetscErrorCode EngdTaoBecome(Tao tao, const EngdTaoOps *ops, void *data, PetscInt iterations)
{
  TaoLoop *loop;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&loop));
  loop->ops                = ops;
  loop->data               = data;
  tao->data                = loop;
  tao->ops->setup          = TaoSetUp_Loop;
  tao->ops->solve          = TaoSolve_Loop;
  tao->ops->setfromoptions = TaoSetFromOptions_Loop;
  tao->ops->view           = TaoView_Loop;
  tao->ops->destroy        = TaoDestroy_Loop;
  PetscCall(TaoParametersInitialize(tao));
  PetscObjectParameterSetDefault(tao, max_it, iterations);
  PetscObjectParameterSetDefault(tao, max_funcs, PETSC_MAX_INT);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the KSP of a type that solves linear systems, with the prefix of the Tao; borrowed. Collective */
PetscErrorCode EngdTaoCreateKSP(Tao tao, KSP *ksp)
{
  const char *prefix;

  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)tao), &tao->ksp));
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)tao->ksp, (PetscObject)tao, 1));
  PetscCall(TaoGetOptionsPrefix(tao, &prefix));
  PetscCall(KSPSetOptionsPrefix(tao->ksp, prefix));
  *ksp = tao->ksp;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* status of the last iteration; of TAO types that are PETSc's own the Krylov iterations alone */
PetscErrorCode TaoEngdGetStatus(Tao tao, EngdStatus *status)
{
  PetscFunctionBeginUser;
  if (tao->ops->solve == TaoSolve_Loop)
    *status = ((TaoLoop *)tao->data)->status;
  else
    *status = (EngdStatus){.step = tao->step, .krylov_iterations = tao->ksp_its, .total_krylov = tao->ksp_tot_its};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* those of the type by its name, and what the loop gives to a type of a plug-in, too */
PetscErrorCode EngdTaoGetFeatures(Tao tao, unsigned *features)
{
  TaoType type;

  PetscFunctionBeginUser;
  PetscCall(TaoGetType(tao, &type));
  PetscCall(EngdTaoTypeFeatures(type, features));
  if (tao->ops->solve == TaoSolve_Loop) *features |= ENGD_TAO_LOOP;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* of our own types; others do not take points anew */
PetscErrorCode EngdSolverSetIterationsBefore(Tao tao, PetscInt before)
{
  PetscFunctionBeginUser;
  if (tao->ops->solve == TaoSolve_Loop) ((TaoLoop *)tao->data)->before = before;
  PetscFunctionReturn(PETSC_SUCCESS);
}
