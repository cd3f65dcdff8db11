/*
  What ends a run besides the tests of TAO: its budget of seconds and those of its stages; and the clock they go by.

  Seconds are those since the training began, by the clock of rank 0 where ranks must agree. An optimiser makes one iteration at
  least, however little time is left to it.
*/
#include <engd/private.h>
#include <math.h>

/* EngdRunReadBudget - the budget of the run, or, while the options of a stage are on, that of the stage. Collective */
PetscErrorCode EngdRunReadBudget(MPI_Comm comm, PetscReal *seconds)
{
  PetscReal value = PetscIsInfReal(*seconds) ? 0 : *seconds;

  PetscFunctionBeginUser;
  PetscOptionsBegin(comm, NULL, "Time", "EngdRun");
  PetscCall(PetscOptionsReal("-engd_max_seconds", "Stop training after so many seconds, 0 for no limit",
                             "EngdRunSetMaxSeconds", value, &value, NULL));
  PetscOptionsEnd();
  PetscCheck(value >= 0, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-engd_max_seconds %g: give a positive number, or 0 for no limit", (double)value);
  *seconds = value > 0 ? value : INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc's own test, then the budgets */
static PetscErrorCode TestConvergence(Tao tao, void *data)
{
  EngdRun            run   = (EngdRun)data;
  const EngdStage   *stage = &run->stage[run->present];
  const double       now   = MPI_Wtime();
  TaoConvergedReason reason;
  PetscMPIInt        over[2];

  PetscFunctionBeginUser;
  PetscCall(TaoDefaultConvergenceTest(tao, NULL));
  if (run->stage_start == 0) { /* the first test of this stage */
    run->stage_start = now;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (PetscIsInfReal(run->max_seconds) && PetscIsInfReal(stage->max_seconds)) PetscFunctionReturn(PETSC_SUCCESS);
  over[0] = now - run->start >= run->max_seconds;
  over[1] = now - run->stage_start >= stage->max_seconds;
  PetscCallMPI(MPI_Bcast(over, 2, MPI_INT, 0, run->comm));
  PetscCall(TaoGetConvergedReason(tao, &reason));
  if (reason != TAO_CONTINUE_ITERATING) PetscFunctionReturn(PETSC_SUCCESS);
  if (over[0]) run->end = ENGD_END_BY_TIME;
  if (over[0] || over[1]) PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunSetLimits - makes a stage end by the limits of the run. Collective */
PetscErrorCode EngdRunSetLimits(EngdRun run, EngdStage *stage)
{
  Tao iterating;

  PetscFunctionBeginUser;
  PetscCall(EngdSolverGetIterating(stage->tao, &iterating));
  PetscCall(TaoSetConvergenceTest(iterating, TestConvergence, run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunSecondsLeft - of the budget of the run, the same on all ranks; infinity if there is none. Collective */
PetscErrorCode EngdRunSecondsLeft(EngdRun run, PetscReal *left)
{
  PetscFunctionBeginUser;
  *left = run->max_seconds - (MPI_Wtime() - run->start);
  PetscCallMPI(MPI_Bcast(left, 1, MPIU_REAL, 0, run->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunEstimateTimeLeft - seconds to the last iteration of the stage at the pace so far, or to the end of the budget of the
   run, whichever comes first; infinity while that cannot be told. Not collective */
PetscErrorCode EngdRunEstimateTimeLeft(EngdRun run, PetscInt iteration, double seconds, PetscReal *left)
{
  const PetscInt done = iteration - run->first_iteration;
  PetscInt       maximum;

  PetscFunctionBeginUser;
  PetscCall(TaoGetMaximumIterations(run->stage[run->present].tao, &maximum));
  *left = PetscMax(run->max_seconds - seconds, 0);
  if (maximum >= 0 && maximum <= iteration)
    *left = 0;
  else if (maximum >= 0 && done > 0)
    *left = PetscMin(*left, (maximum - iteration) * (seconds - run->first_seconds) / done);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunDescribeEnd - why the present stage has ended, in words. Not collective */
const char *EngdRunDescribeEnd(EngdRun run, TaoConvergedReason reason)
{
  if (run->end == ENGD_END_BY_TARGET) return "converged: relative L2 error at -engd_target_error";
  switch (reason) {
  case TAO_CONVERGED_GATOL: return "converged: gradient norm below -tao_gatol";
  case TAO_CONVERGED_GRTOL: return "converged: gradient norm below -tao_grtol times the loss";
  case TAO_CONVERGED_GTTOL: return "converged: gradient norm reduced by -tao_gttol";
  case TAO_CONVERGED_STEPTOL: return "converged: steps no longer lower the loss";
  case TAO_CONVERGED_MINF: return "converged: loss below -tao_fmin";
  case TAO_CONVERGED_USER: return "stopped: time budget used";
  case TAO_DIVERGED_MAXITS: return "stopped: maximum iterations reached";
  case TAO_DIVERGED_NAN: return "failed: a number that is not finite";
  case TAO_DIVERGED_MAXFCN: return "stopped: maximum loss evaluations reached";
  case TAO_DIVERGED_LS_FAILURE: return "stopped: no step decreased the loss";
  case TAO_DIVERGED_TR_REDUCTION: return "stopped: trust region too small";
  case TAO_DIVERGED_USER: return "stopped by the user";
  default: return "not finished";
  }
}
