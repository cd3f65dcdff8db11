/*
  What becomes of a step of an evolution: a line now and then, a row of the history, a checkpoint, the end of the run.
*/
#include <engd/evolve.h>
#include <engd/private.h>

#define ROWS 20 /* lines shown in all */

/* is the time one that a line is shown at */
static PetscBool IsShown(EngdEvolution e, PetscReal before)
{
  const PetscReal every = e->final / ROWS;

  return (PetscBool)(before < 0 || e->t >= e->final ||
                     PetscFloorReal(e->t / every * (1 + 1e-12)) > PetscFloorReal(before / every * (1 + 1e-12)));
}

static PetscErrorCode Show(EngdEvolution e, PetscReal error)
{
  char text[200], last[48] = "";

  PetscFunctionBeginUser;
  if (!PetscIsInfOrNanReal(error))
    PetscCall(PetscSNPrintf(last, sizeof(last), ", relative L2 error %.2e", (double)error));
  PetscCall(PetscSNPrintf(text, sizeof(text), "t = %-8.5g step %" PetscInt_FMT ", dt %.2e, %s %.1e%s", (double)e->t,
                          e->steps, (double)e->dt,
                          e->method == ENGD_EVOLVE_TENG ? "missed by fits" : "of f beside the projection",
                          (double)e->left, last));
  PetscCall(EngdReportTell(e->run->report, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the row of the history */
static PetscErrorCode AddRow(EngdEvolution e, PetscReal seconds, PetscReal error)
{
  const EngdStepRow row = {.iteration        = PetscMax(e->run->last_row, 0) + e->steps,
                           .time             = e->t,
                           .step             = e->dt,
                           .cutoff           = e->cutoff,
                           .projection_error = e->left,
                           .error            = error,
                           .seconds          = seconds,
                           .left             = e->t > 0 && e->steps > e->begun
                                                   ? (e->final - e->t) * (seconds - e->seconds) / (e->t - e->from)
                                                   : INFINITY};

  PetscFunctionBeginUser;
  PetscCall(EngdReportAddStep(e->run->report, &row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolveStepped(EngdEvolution e, Vec theta, PetscReal before, PetscBool *stop)
{
  const EngdRun run   = e->run;
  PetscReal     error = INFINITY, seconds;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(theta, e->last));
  e->worst = PetscMax(e->worst, e->left);
  if (run->problem->nexact && e->t >= e->final) PetscCall(EngdReportMeasure(run->report, theta, &error));
  PetscCall(EngdRunGetSeconds(run, &seconds));
  if (IsShown(e, before)) PetscCall(Show(e, error));
  if (e->steps) PetscCall(AddRow(e, seconds, error));
  PetscCall(EngdRunTestStep(run, stop));
  if (run->every > 0 && e->steps % run->every == 0) run->due = PETSC_TRUE;
  if (run->due && e->steps && e->t < e->final) {
    PetscCall(VecCopy(theta, run->theta));
    PetscCall(EngdRunCheckpoint(run));
  }
  run->due = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
