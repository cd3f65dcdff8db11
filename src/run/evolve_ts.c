/*
  PETSc's TS of an evolution: theta' = argmin |J eta - f(u_theta)| as its right-hand side, by truncated least squares on J itself, with
  what is left of f; and the scheme that fits (evolve_fit.c) read from its options.
*/
#include <engd/evolve.h>
#include <engd/private.h>

/* left = |f - J d| / |f|, once a step, since J d takes as long as f */
static PetscErrorCode MeasureLeft(EngdEvolution e, Vec theta, Vec f, Vec d)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  if (e->measured == e->steps) PetscFunctionReturn(PETSC_SUCCESS);
  e->measured = e->steps;
  PetscCall(VecNorm(f, NORM_2, &norm));
  if (e->fixed) PetscCall(EngdFunctionalSetParameters(e->run->functional, theta));
  PetscCall(MatMult(e->J, d, e->row));
  PetscCall(VecAXPY(e->row, -1, f));
  PetscCall(VecNorm(e->row, NORM_2, &e->left));
  e->left  = norm > 0 ? e->left / norm : 0;
  e->worst = PetscMax(e->worst, e->left);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RightHandSide(TS ts, PetscReal t, Vec theta, Vec derivative, void *data)
{
  EngdEvolution e = (EngdEvolution)data;

  PetscFunctionBeginUser;
  (void)ts, (void)t;
  if (!e->fixed || !e->factors[0].ready) PetscCall(EngdEvolveFactor(e, &e->factors[0], 0, theta));
  PetscCall(EngdEvolveRate(e, theta, e->R));
  PetscCall(EngdEvolveSetRightHandSide(&e->factors[0], e->R));
  PetscCall(EngdEvolveSolve(e, &e->factors[0], e->rcond, derivative));
  PetscCall(MeasureLeft(e, theta, e->R, derivative));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Monitor(TS ts, PetscInt step, PetscReal t, Vec theta, void *data)
{
  EngdEvolution   e      = (EngdEvolution)data;
  const PetscReal before = e->t;
  PetscBool       stop;

  PetscFunctionBeginUser;
  if (step < 0 || (step == 0 && before >= 0))
    PetscFunctionReturn(PETSC_SUCCESS); /* interpolated, or the beginning of a part */
  PetscCall(TSGetTimeStep(ts, &e->dt));
  e->t = t;
  if (step > 0) {
    e->steps++;
    e->taken = t - before;
  }
  PetscCall(EngdEvolveStepped(e, theta, before, &stop));
  if (stop) PetscCall(TSSetConvergedReason(ts, TS_CONVERGED_USER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolveIntegrate(EngdEvolution e, PetscReal until, Vec theta, PetscBool *failed)
{
  const PetscReal   now = PetscMax(e->t, 0);
  TSConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(TSSetTime(e->ts, now));
  PetscCall(TSSetStepNumber(e->ts, 0));
  PetscCall(TSSetMaxSteps(e->ts, PetscMax(e->most - e->steps, 0)));
  PetscCall(TSSetMaxTime(e->ts, until));
  PetscCall(TSSetTimeStep(e->ts, PetscMin(e->dt, until - now)));
  PetscCall(TSRestartStep(e->ts));
  PetscCall(TSSolve(e->ts, theta));
  PetscCall(TSGetConvergedReason(e->ts, &reason));
  *failed = (PetscBool)(reason < 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the user has said of the scheme, and what of it is not for an evolution */
static PetscErrorCode CheckTS(EngdEvolution e)
{
  const PetscBool        fits   = (PetscBool)(e->method == ENGD_EVOLVE_TENG);
  PetscReal              weight = 1;
  PetscBool              theta, known;
  TSExactFinalTimeOption end;

  PetscFunctionBeginUser;
  PetscCall(TSGetTimeStep(e->ts, &e->dt));
  PetscCheck(e->dt > 0, e->run->comm, PETSC_ERR_USER_INPUT, "-ts_dt %g: must be positive", (double)e->dt);
  PetscCall(TSGetMaxSteps(e->ts, &e->most));
  PetscCall(TSGetExactFinalTime(e->ts, &end));
  PetscCheck(end == TS_EXACTFINALTIME_MATCHSTEP, e->run->comm, PETSC_ERR_USER_INPUT,
             "-ts_exact_final_time %s: an evolution ends at -engd_time_final; leave it out",
             TSExactFinalTimeOptions[end]);
  if (!fits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompareAny((PetscObject)e->ts, &known, TSRK, TSTHETA, ""));
  PetscCheck(known, e->run->comm, PETSC_ERR_USER_INPUT,
             "-engd_time_stepping teng fits the stages of a scheme: take -ts_type rk or theta, or "
             "-engd_time_stepping galerkin");
  PetscCall(PetscObjectTypeCompare((PetscObject)e->ts, TSTHETA, &theta));
  if (theta) PetscCall(TSThetaGetTheta(e->ts, &weight));
  PetscCheck(weight > 0 && weight <= 1, e->run->comm, PETSC_ERR_USER_INPUT,
             "-ts_theta_theta %g: give a number above 0, up to 1", (double)weight);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolveCreateTS(EngdEvolution e)
{
  TSAdapt adapt;

  PetscFunctionBeginUser;
  PetscCall(TSCreate(e->run->comm, &e->ts));
  PetscCall(TSSetProblemType(e->ts, TS_NONLINEAR));
  PetscCall(TSSetType(e->ts, TSRK));
  PetscCall(TSRKSetType(e->ts, e->method == ENGD_EVOLVE_TENG ? TSRK2A : TSRK5DP));
  PetscCall(TSSetRHSFunction(e->ts, NULL, RightHandSide, e));
  PetscCall(TSSetMaxTime(e->ts, e->final));
  PetscCall(TSSetTimeStep(e->ts, e->dt));
  PetscCall(TSSetExactFinalTime(e->ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetMaxSteps(e->ts, PETSC_MAX_INT));
  PetscCall(TSSetErrorIfStepFails(e->ts, PETSC_FALSE));
  PetscCall(TSSetMaxSNESFailures(e->ts, 1));
  PetscCall(TSMonitorSet(e->ts, Monitor, e, NULL));
  PetscCall(TSGetAdapt(e->ts, &adapt));
  PetscCall(TSAdaptSetStepLimits(adapt, 1e-9 * e->final, e->final));
  PetscCall(TSSetFromOptions(e->ts));
  PetscCall(CheckTS(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}
