/*
  The solution at any points: for programs that go on with it, and for a run that does not train (-engd_evaluate).
*/
#include <engd/private.h>

/*
  EngdRunEvaluate - u_theta, and its gradient in space, at points of this rank.

  Collective: theta is spread over the ranks, so all of them call it, those without points with n = 0

  Input Parameters:
+ run - set up, and as a rule solved
. n   - points of this rank
- x   - [n][dim] their coordinates, time last; anywhere, in the domain or not

  Output Parameters:
+ u        - [n][noutputs] the unknowns in the order of -network_outputs
- gradient - [n][nspace][noutputs] their derivatives in the space coordinates; NULL when not wanted

  Source: src/run/evaluate.c
*/
PetscErrorCode EngdRunEvaluate(EngdRun run, PetscInt n, const PetscReal x[], PetscReal u[], PetscReal gradient[])
{
  const PetscReal *values;

  PetscFunctionBeginUser;
  PetscCheck(run->theta, run->comm, PETSC_ERR_ORDER, "EngdRunEvaluate() before EngdRunSetUp(): there is no solution");
  PetscCall(EngdFunctionalGather(run->functional, run->theta, &values));
  if (n > 0) {
    PetscCall(EngdModelEvaluate(run->functional->model, values, n, x, u, gradient));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunEvaluateBegin - The solution of the checkpoint, and whether files can be written. Collective */
PetscErrorCode EngdRunEvaluateBegin(EngdRun run)
{
  PetscFunctionBeginUser;
  run->loaded = (EngdOutcome){.reason = "EVALUATED", .words = "not trained further"};
  PetscCall(EngdRunLoadSolution(run, &run->loaded));
  PetscCall(EngdReportStart(run->report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunEvaluateFinish - Its values, errors and integrals: no history, no checkpoint. Collective */
PetscErrorCode EngdRunEvaluateFinish(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdRunMeasureLoss(run, &run->loaded));
  PetscCall(EngdReportFinish(run->report, run->theta, &run->loaded));
  PetscCall(EngdReportAnswer(run->report, &run->loaded));
  PetscFunctionReturn(PETSC_SUCCESS);
}
