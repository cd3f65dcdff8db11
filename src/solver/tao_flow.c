/*
  TAO type "flow": the gradient flow theta' = -grad L(theta), integrated by PETSc's TS.

  An iteration is an interval of time, by default with error control (rk, 5th order), or as much of it as 200 steps cover: of a stiff
  flow a whole interval would take any number of them, and limits of time are tested between iterations. All options of TS are read
  with the prefix tao_flow_, -tao_flow_ts_max_steps among them, those of implicit types with -tao_flow_snes_mf. It is what gradient descent would be with steps that vanish: where its
  sharpness, the largest eigenvalue of the Hessian (-spectrum_monitor sharpness), goes by itself, which long steps do not let it.
  Reference: Cohen et al., Gradient descent on neural networks typically occurs at the edge of stability (arXiv 2103.00065).
*/
#include <engd/private.h>
#include <petscts.h>

#define STEPS 200 /* of TS in an iteration */

typedef struct {
  PetscReal time;  /* of an iteration */
  PetscReal dt;    /* the step to go on with, 0: the first one */
  PetscReal first; /* -tao_flow_ts_dt */
  TS        ts;
  Tao       tao; /* borrowed */
  Vec       theta;
} Flow;

/* f = -grad L */
static PetscErrorCode RightHandSide(TS ts, PetscReal t, Vec theta, Vec f, void *data)
{
  const Flow *flow = (const Flow *)data;
  PetscReal   loss;

  PetscFunctionBeginUser;
  (void)ts, (void)t;
  PetscCall(TaoComputeObjectiveAndGradient(flow->tao, theta, &loss, f));
  PetscCall(VecScale(f, -1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(Tao tao, void *data, Vec theta)
{
  Flow *flow = (Flow *)data;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(VecDuplicate(theta, &flow->theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode State(Tao tao, void *data, EngdArchive a)
{
  Flow *flow = (Flow *)data;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(EngdArchiveReal(a, "step_of_time", &flow->dt, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the step that an interval begins with: the last one of the interval before has been cut to end in time, which an adaptor mends */
static PetscErrorCode BeginStep(Flow *flow)
{
  TSAdapt   adapt;
  PetscBool none;

  PetscFunctionBeginUser;
  PetscCall(TSGetAdapt(flow->ts, &adapt));
  PetscCall(PetscObjectTypeCompare((PetscObject)adapt, TSADAPTNONE, &none));
  PetscCall(TSSetTimeStep(flow->ts, PetscMin(none || flow->dt <= 0 ? flow->first : flow->dt, flow->time)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta over an interval of time, or some steps of it; where no step can be taken the run ends there */
static PetscErrorCode Iterate(Tao tao, void *data, EngdIterate *it)
{
  Flow             *flow = (Flow *)data;
  TSConvergedReason reason;
  PetscReal         time;

  PetscFunctionBeginUser;
  PetscCall(TSSetTime(flow->ts, 0));
  PetscCall(TSSetStepNumber(flow->ts, 0));
  PetscCall(TSSetMaxTime(flow->ts, flow->time));
  PetscCall(BeginStep(flow));
  PetscCall(VecCopy(it->theta, flow->theta));
  PetscCall(TSSolve(flow->ts, flow->theta));
  PetscCall(TSGetConvergedReason(flow->ts, &reason));
  PetscCall(TSGetTimeStep(flow->ts, &flow->dt));
  if (reason < 0) {
    it->reason = TAO_DIVERGED_LS_FAILURE;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecCopy(flow->theta, it->theta));
  PetscCall(TaoComputeObjectiveAndGradient(tao, it->theta, &it->loss, it->gradient));
  PetscCall(TSGetTime(flow->ts, &time));
  it->status.step = time;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions(Tao tao, void *data, EngdOptionItems PetscOptionsObject)
{
  Flow    *flow = (Flow *)data;
  PetscInt steps;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Gradient flow");
  PetscCall(PetscOptionsReal("-tao_flow_time", "Time of the flow in an iteration, positive", "TAO type flow",
                             flow->time, &flow->time, NULL));
  PetscOptionsHeadEnd();
  PetscCheck(flow->time > 0 && !PetscIsInfOrNanReal(flow->time), PetscObjectComm((PetscObject)tao),
             PETSC_ERR_ARG_OUTOFRANGE, "-tao_flow_time %g: give a positive number", (double)flow->time);
  PetscCall(TSSetFromOptions(flow->ts));
  PetscCall(TSGetTimeStep(flow->ts, &flow->first));
  PetscCheck(flow->first > 0, PetscObjectComm((PetscObject)tao), PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_flow_ts_dt %g: give a positive number", (double)flow->first);
  PetscCall(TSGetMaxSteps(flow->ts, &steps));
  PetscCheck(steps > 0, PetscObjectComm((PetscObject)tao), PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_flow_ts_max_steps %" PetscInt_FMT ": give a positive number", steps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View(Tao tao, void *data, PetscViewer viewer)
{
  const Flow *flow = (const Flow *)data;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(PetscViewerASCIIPrintf(viewer, "gradient flow, time %g in an iteration\n", (double)flow->time));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(void *data)
{
  Flow *flow = (Flow *)data;

  PetscFunctionBeginUser;
  PetscCall(TSDestroy(&flow->ts));
  PetscCall(VecDestroy(&flow->theta));
  PetscCall(PetscFree(flow));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
  "flow" - the gradient flow, by PETSc's TS.

  Options Database Keys:
+ -tao_flow_time T    - time in an iteration, 1, or less: after -tao_flow_ts_max_steps, 200, of TS it ends
- -tao_flow_ts_type   - rk, ..., and all other options of TS
M*/
ENGD_REGISTER_TAO("flow", TaoCreate_Flow, 0);
PetscErrorCode TaoCreate_Flow(Tao tao)
{
  static const EngdTaoOps ops = {SetUp, NULL, State, Iterate, SetFromOptions, View, Destroy};
  Flow                   *flow;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&flow));
  flow->time = 1;
  flow->tao  = tao;
  PetscCall(TSCreate(PetscObjectComm((PetscObject)tao), &flow->ts));
  PetscCall(TSSetOptionsPrefix(flow->ts, "tao_flow_"));
  PetscCall(TSSetProblemType(flow->ts, TS_NONLINEAR));
  PetscCall(TSSetRHSFunction(flow->ts, NULL, RightHandSide, flow));
  PetscCall(TSSetType(flow->ts, TSRK));
  PetscCall(TSRKSetType(flow->ts, TSRK5DP));
  PetscCall(TSSetExactFinalTime(flow->ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetTolerances(flow->ts, 1e-6, NULL, 1e-6, NULL));
  PetscCall(TSSetMaxSteps(flow->ts, STEPS));
  PetscCall(TSSetErrorIfStepFails(flow->ts, PETSC_FALSE));
  PetscCall(TSSetTimeStep(flow->ts, 1e-4));
  PetscCall(EngdTaoBecome(tao, &ops, flow, 100));
  PetscFunctionReturn(PETSC_SUCCESS);
}
