/*
  The loop that the TAO types of this program share, and the only file that touches the fields of a Tao.

    loss and gradient at theta; until a test says stop:  new points if they are due, an iteration of the type, history,
    monitors and tests

  A type gives its operations to EngdTaoBecome(); here are no optimisers. PETSc's own types have loops of their own.
*/
#include <engd/private.h>
#include <petsc/private/taoimpl.h>

typedef struct {
  const EngdTaoOps *ops;
  void             *data; /* of the type */
  EngdFunctional    functional;
  EngdStatus        status;
  PetscInt          before; /* iterations of earlier optimisers of the run */
} TaoLoop;

/* history, monitors and tolerances, with the loss and gradient of the present theta; no step is no sign of convergence */
static PetscErrorCode Report(Tao tao, PetscReal loss, PetscReal step)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(VecNorm(tao->gradient, NORM_2, &norm));
  PetscCheck(!PetscIsInfOrNanReal(loss) && !PetscIsInfOrNanReal(norm), PetscObjectComm((PetscObject)tao),
             ENGD_ERR_NUMERICS, "iteration %" PetscInt_FMT ": the loss is %g and the norm of its gradient %g",
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
  PetscCall((*loop->ops->setup)(tao, loop->data, tao->solution));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoSolve_Loop(Tao tao)
{
  TaoLoop    *loop = (TaoLoop *)tao->data;
  EngdIterate it   = {.theta = tao->solution, .gradient = tao->gradient};

  PetscFunctionBeginUser;
  tao->reason = TAO_CONTINUE_ITERATING;
  PetscCall((*loop->ops->begin)(tao, loop->data, &it.status));
  loop->status = it.status;
  PetscCall(TaoComputeObjectiveAndGradient(tao, it.theta, &it.loss, it.gradient));
  PetscCall(Report(tao, it.loss, 1));
  while (tao->reason == TAO_CONTINUE_ITERATING) {
    PetscBool resampled = PETSC_FALSE;

    PetscTryTypeMethod(tao, update, tao->niter, tao->user_update);
    it.iteration = tao->niter;
    if (loop->before + tao->niter)
      PetscCall(EngdFunctionalResample(loop->functional, loop->before + tao->niter, &resampled));
    if (resampled) PetscCall(TaoComputeObjectiveAndGradient(tao, it.theta, &it.loss, it.gradient));
    PetscCall((*loop->ops->iterate)(tao, loop->data, &it));
    tao->niter++;
    tao->ksp_its = it.status.krylov_iterations;
    tao->ksp_tot_its += tao->ksp_its;
    it.status.total_krylov = tao->ksp_tot_its;
    loop->status           = it.status;
    PetscCall(Report(tao, it.loss, it.status.step));
    if (tao->reason == TAO_CONTINUE_ITERATING) PetscCall(TaoSetConvergedReason(tao, it.reason));
  }
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
  PetscCall(KSPDestroy(&tao->ksp));
  PetscCall(PetscFree(tao->data));
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

/* of our own types; others do not take points anew */
PetscErrorCode EngdSolverSetIterationsBefore(Tao tao, PetscInt before)
{
  PetscFunctionBeginUser;
  if (tao->ops->solve == TaoSolve_Loop) ((TaoLoop *)tao->data)->before = before;
  PetscFunctionReturn(PETSC_SUCCESS);
}
