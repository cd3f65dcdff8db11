/*
  What ends a run besides the tests of TAO: its budget of seconds and those of its stages, and signals; and the clock they go by.
  Once an iteration the ranks agree on it, as signals reach them at different times.

  Seconds are those since the training began, by the clock of rank 0 where ranks must agree. An optimiser makes one iteration at
  least, however little time is left to it.
*/
#include <engd/private.h>
#include <math.h>
#include <signal.h>

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

/* what ranks agree on in each iteration: the clock of rank 0 says, or a signal of any rank */
enum { OVER_RUN, OVER_STAGE, STANDS, DUE, END, NASKED };

static PetscErrorCode Ask(EngdRun run, PetscMPIInt asked[NASKED])
{
  const EngdStage *stage = &run->stage[run->present];
  const double     now = MPI_Wtime(), seconds = now - run->start;
  const PetscBool  budgets = (PetscBool) !(PetscIsInfReal(run->max_seconds) && PetscIsInfReal(stage->max_seconds));
  PetscMPIInt      rank;
  int              write = 0, end = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(asked, NASKED));
  if (!run->listens && !budgets && run->every_seconds == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_rank(run->comm, &rank));
  if (run->listens) PetscCall(EngdSignalsGet(&end, &write));
  asked[OVER_RUN]   = rank == 0 && seconds >= run->max_seconds;
  asked[OVER_STAGE] = rank == 0 && now - run->stage_start >= stage->max_seconds;
  asked[STANDS]     = rank == 0 && EngdPlanStands(run);
  asked[DUE] = write || (rank == 0 && run->every_seconds > 0 && seconds - run->written_at >= run->every_seconds);
  asked[END] = end;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, asked, NASKED, MPI_INT, MPI_MAX, run->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* does something end the optimiser at this iteration that TAO does not test; the run with it, unless it is a budget of the stage */
static PetscErrorCode TestLimits(EngdRun run, Tao tao, PetscBool first)
{
  PetscMPIInt asked[NASKED];
  PetscBool   target = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(Ask(run, asked));
  if (run->resumes) PetscCall(EngdRunTestTarget(run, &target)); /* others are tested with their row */
  run->resumes = PETSC_FALSE;
  run->due     = (PetscBool)(run->due || asked[DUE]);
  run->signal  = asked[END];
  if (target) {
    run->end = ENGD_END_BY_TARGET;
    PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  } else if (asked[END]) {
    run->end = ENGD_END_BY_SIGNAL;
    PetscCall(TaoSetConvergedReason(tao, TAO_DIVERGED_USER));
  } else if (!first && (asked[OVER_RUN] || asked[OVER_STAGE])) {
    if (asked[OVER_RUN]) run->end = ENGD_END_BY_TIME;
    PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  } else if (asked[STANDS] || EngdPlanIsSlow(run)) {
    run->plan.stands = (PetscBool)(asked[STANDS] != 0);
    run->plan.slow   = PETSC_TRUE;
    PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunTestStep - between two steps in time: is the run to end there, by its budget or a signal, is a checkpoint due. Collective */
PetscErrorCode EngdRunTestStep(EngdRun run, PetscBool *stop)
{
  PetscMPIInt asked[NASKED];

  PetscFunctionBeginUser;
  PetscCall(Ask(run, asked));
  run->due    = (PetscBool)(run->due || asked[DUE]);
  run->signal = asked[END];
  if (asked[END])
    run->end = ENGD_END_BY_SIGNAL;
  else if (asked[OVER_RUN])
    run->end = ENGD_END_BY_TIME;
  *stop = (PetscBool)(asked[END] || asked[OVER_RUN]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc's own test, then the limits; where the optimiser is to go on, a checkpoint if one is due. Last of all in an iteration */
static PetscErrorCode TestConvergence(Tao tao, void *data)
{
  EngdRun            run   = (EngdRun)data;
  const PetscBool    first = (PetscBool)(run->stage_start == 0);
  PetscInt           iteration;
  TaoConvergedReason reason;

  PetscFunctionBeginUser;
  if (first) run->stage_start = MPI_Wtime();
  PetscCall(TaoDefaultConvergenceTest(tao, NULL));
  PetscCall(TaoGetConvergedReason(tao, &reason));
  if (reason == TAO_CONTINUE_ITERATING) PetscCall(TestLimits(run, tao, first));
  PetscCall(TaoGetConvergedReason(tao, &reason));
  PetscCall(TaoGetIterationNumber(tao, &iteration));
  if (reason == TAO_CONTINUE_ITERATING) PetscCall(EngdRunCheckpointIfDue(run, iteration));
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

/* EngdRunGetSeconds - since the training began, those before a restart too, the same on all ranks. Collective */
PetscErrorCode EngdRunGetSeconds(EngdRun run, PetscReal *seconds)
{
  PetscFunctionBeginUser;
  *seconds = MPI_Wtime() - run->start;
  PetscCallMPI(MPI_Bcast(seconds, 1, MPIU_REAL, 0, run->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunShareTraining - seconds that the training may come to: half of all where an evolution in time follows. Not collective */
PetscReal EngdRunShareTraining(EngdRun run)
{
  return run->evolution ? run->budget / 2 : run->budget;
}

/* EngdRunEstimateTimeLeft - seconds to the last iteration of the stage at the pace so far, or to the end of the budget of the
   run, whichever comes first; infinity while that cannot be told. Not collective */
PetscErrorCode EngdRunEstimateTimeLeft(EngdRun run, PetscInt iteration, double seconds, PetscReal *left)
{
  const PetscInt done = iteration - run->pace_iteration;
  PetscInt       maximum;

  PetscFunctionBeginUser;
  PetscCall(TaoGetMaximumIterations(run->stage[run->present].tao, &maximum));
  *left = PetscMax(run->max_seconds - seconds, 0);
  if (maximum >= 0 && maximum <= iteration)
    *left = 0;
  else if (maximum >= 0 && done > 0)
    *left = PetscMin(*left, (maximum - iteration) * (seconds - run->pace_seconds) / done);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunDescribeEnd - why the present stage has ended, in words. Not collective */
const char *EngdRunDescribeEnd(EngdRun run, TaoConvergedReason reason)
{
  if (run->end == ENGD_END_BY_TARGET) return "converged: relative L2 error at -engd_target_error";
  if (run->end == ENGD_END_BY_SIGNAL)
    return run->signal == SIGTERM ? "interrupted by SIGTERM" : "interrupted by SIGINT";
  if (run->end == ENGD_END_BY_TIME && EngdEvolutionBegun(run)) return "stopped: time budget used";
  if (run->plan.done && reason == TAO_CONVERGED_USER) return "converged: loss at rounding";
  switch (reason) {
  case TAO_CONVERGED_GATOL: return "converged: gradient norm below -tao_gatol";
  case TAO_CONVERGED_GRTOL: return "converged: gradient norm below -tao_grtol times the loss";
  case TAO_CONVERGED_GTTOL: return "converged: gradient norm reduced by -tao_gttol";
  case TAO_CONVERGED_STEPTOL: return "converged: steps no longer lower the loss";
  case TAO_CONVERGED_MINF: return "converged: loss below -tao_fmin";
  case TAO_CONVERGED_USER:
    if (run->plan.gaps) return "stopped: the energy falls through gaps between the points";
    return run->plan.slow ? "stopped: the loss falls slowly" : "stopped: time budget used";
  case TAO_DIVERGED_MAXITS: return "stopped: maximum iterations reached";
  case TAO_DIVERGED_NAN: return "failed: a number that is not finite";
  case TAO_DIVERGED_MAXFCN: return "stopped: maximum loss evaluations reached";
  case TAO_DIVERGED_LS_FAILURE: return "stopped: no step decreased the loss";
  case TAO_DIVERGED_TR_REDUCTION: return "stopped: trust region too small";
  case TAO_DIVERGED_USER: return "stopped by the user";
  default:
    return EngdEvolutionBegun(run) ? "stopped: a restart behind the training"
                                   : "stopped: the optimiser gave no reason";
  }
}
