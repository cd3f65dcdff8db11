/*
  What a run is told, by setters or by options that are named after them: stages, budget, target, checkpoints.
*/
#include <engd/private.h>
#include <math.h>

/* what the set-up makes something of comes too late behind it */
static PetscErrorCode CheckEarly(EngdRun run, const char setter[])
{
  PetscFunctionBeginUser;
  PetscCheck(run->phase != ENGD_RUN_READY, run->comm, PETSC_ERR_ORDER,
             "%s() is too late: call it before EngdRunSetUp()", setter);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSetStages - Sets optimisers that work one after the other.

  Logically collective

  Input Parameters:
+ run   - before EngdRunSetUp()
- names - of the stages, as in "adam,lbfgs,engd"; NULL for one optimiser. A stage NAME reads options -NAME_tao_... first

  Options Database Key:
. -engd_stages names - the same

  Source: src/run/setters.c
*/
PetscErrorCode EngdRunSetStages(EngdRun run, const char names[])
{
  PetscFunctionBeginUser;
  PetscCall(CheckEarly(run, "EngdRunSetStages"));
  PetscCall(EngdTextReplace(&run->stages, names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSetMaxSeconds - Sets a limit to the time of the training.

  Logically collective

  Input Parameters:
+ run     - before EngdRunSolve()
- seconds - from the start of the training on; 0 for no limit

  Options Database Key:
. -engd_max_seconds s - the same

  Errors: PETSC_ERR_ARG_OUTOFRANGE for a negative number

  Source: src/run/setters.c
*/
PetscErrorCode EngdRunSetMaxSeconds(EngdRun run, PetscReal seconds)
{
  PetscFunctionBeginUser;
  PetscCheck(seconds >= 0, run->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "a budget of %g seconds: give a positive number, or 0 for no limit", (double)seconds);
  run->budget = seconds > 0 ? seconds : INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSetTargetError - Stops the training at the first iteration with a small relative L2 error.

  Logically collective

  Input Parameters:
+ run   - its problem has read its options and has an exact solution
- error - the error to reach; 0 for never

  Options Database Key:
. -engd_target_error e - the same

  Errors: PETSC_ERR_ARG_OUTOFRANGE for a negative number, PETSC_ERR_USER_INPUT without an exact solution

  Source: src/run/setters.c
*/
PetscErrorCode EngdRunSetTargetError(EngdRun run, PetscReal error)
{
  PetscFunctionBeginUser;
  PetscCheck(error >= 0 && !PetscIsInfReal(error), run->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-engd_target_error %g: give a positive number, or 0 for never", (double)error);
  PetscCheck(error == 0 || run->problem->nexact, run->comm, PETSC_ERR_USER_INPUT,
             "-engd_target_error %g: there is no exact solution to measure errors against; give -exact_%s",
             (double)error, run->problem->output[0]);
  run->target = error;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSetCheckpoint - Where the state of the run is saved, and how often besides at its end.

  Not collective

  Input Parameters:
+ run     - the run
. file    - HDF5, replaced as a whole; NULL for none
. every   - iterations between two checkpoints, 0: not by iterations
- seconds - seconds between two checkpoints, 0: not by seconds

  Source: src/run/setters.c
*/
PetscErrorCode EngdRunSetCheckpoint(EngdRun run, const char file[], PetscInt every, PetscReal seconds)
{
  PetscFunctionBeginUser;
  PetscCheck(every >= 0, run->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-engd_checkpoint_every %" PetscInt_FMT ": give a positive number, or 0", every);
  PetscCheck(seconds >= 0 && !PetscIsInfReal(seconds), run->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-engd_checkpoint_seconds %g: give a positive number, or 0", (double)seconds);
  PetscCall(EngdTextReplace(&run->checkpoint, file));
  run->every         = every;
  run->every_seconds = file ? seconds : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSetRestart - Sets the checkpoint to go on from.

  Logically collective

  Input Parameters:
+ run  - before EngdRunSolve()
- file - of EngdRunSetCheckpoint(), or NULL

  Options Database Key:
. -engd_restart file - the same

  Note: a file that is damaged or of another problem is an error of EngdRunSolve() that names the difference

  Source: src/run/setters.c
*/
PetscErrorCode EngdRunSetRestart(EngdRun run, const char file[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdTextReplace(&run->restart, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSetEvaluate - Makes EngdRunSolve() evaluate the solution of a checkpoint instead of training.

  Logically collective

  Input Parameters:
+ run    - before its set-up, and after EngdRunSetRestart(), which names the checkpoint
- points - where, as EngdReportSetSolutionPoints() takes it; NULL: train

  Options Database Key:
. -engd_evaluate points - the same

  Source: src/run/setters.c
*/
PetscErrorCode EngdRunSetEvaluate(EngdRun run, const char points[])
{
  PetscFunctionBeginUser;
  PetscCall(CheckEarly(run, "EngdRunSetEvaluate"));
  PetscCheck(
      !points || run->restart, run->comm, PETSC_ERR_USER_INPUT,
      "-engd_evaluate %s: of which solution? give -engd_restart FILE.h5, a checkpoint; to train and then evaluate "
      "there, -engd_solution FILE -engd_solution_points %s",
      points, points);
  PetscCall(EngdTextReplace(&run->evaluate, points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunListen - Lets signals end the training, for programs that have no handlers of their own.

  Logically collective

  Input Parameters:
+ run    - before EngdRunSolve()
- listen - whether SIGTERM and SIGINT end it after the present iteration, and SIGUSR1 writes a checkpoint

  Source: src/run/setters.c
*/
PetscErrorCode EngdRunListen(EngdRun run, PetscBool listen)
{
  PetscFunctionBeginUser;
  run->listens = listen;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunIsInterrupted - Tells whether a signal has ended the training, so that it can go on from a checkpoint.

  Not collective

  Input Parameter:
. run - solved

  Output Parameter:
. interrupted - has one

  Source: src/run/setters.c
*/
PetscErrorCode EngdRunIsInterrupted(EngdRun run, PetscBool *interrupted)
{
  PetscFunctionBeginUser;
  *interrupted = (PetscBool)(run->end == ENGD_END_BY_SIGNAL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what is saved when, and where the run begins */
static PetscErrorCode ReadCheckpointOptions(EngdRun run)
{
  char     *file, *restart, *evaluate;
  PetscInt  every   = run->every;
  PetscReal seconds = run->every_seconds;
  PetscBool set[2];

  PetscFunctionBeginUser;
  PetscOptionsBegin(run->comm, NULL, "Checkpoints", "EngdRun");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_checkpoint",
                            "HDF5 file for all that the run is, written at its end, on SIGUSR1, and every so often; "
                            "SIGTERM and SIGINT end the run with it, and exit code 4",
                            "EngdRunSetCheckpoint", run->checkpoint, NULL, &file));
  PetscCall(PetscOptionsInt("-engd_checkpoint_every", "Iterations between two checkpoints, 0: not by iterations",
                            "EngdRunSetCheckpoint", every, &every, &set[0]));
  PetscCall(PetscOptionsReal("-engd_checkpoint_seconds",
                             "Seconds between two checkpoints, 0: not by seconds; 300 if neither is given",
                             "EngdRunSetCheckpoint", seconds, &seconds, &set[1]));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_restart",
                            "Checkpoint that the run goes on from, with the same problem, network and optimisers",
                            "EngdRunSetRestart", run->restart, NULL, &restart));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_evaluate",
                            "Do not train: the solution of -engd_restart at points of a file, test, grid(n,..), "
                            "slice(..) or line(..), on standard output or in -engd_solution",
                            "EngdRunSetEvaluate", run->evaluate, NULL, &evaluate));
  PetscOptionsEnd();
  PetscCheck(file || !(set[0] || set[1]), run->comm, PETSC_ERR_USER_INPUT,
             "-engd_checkpoint_%s without a file: give -engd_checkpoint FILE.h5", set[0] ? "every" : "seconds");
  if (file && !set[0] && !set[1] && every == 0 && seconds == 0) seconds = 300;
  PetscCall(EngdRunSetCheckpoint(run, file, every, seconds));
  PetscCall(EngdRunSetRestart(run, restart));
  PetscCall(EngdRunSetEvaluate(run, evaluate));
  PetscCall(PetscFree(evaluate));
  PetscCall(PetscFree(file));
  PetscCall(PetscFree(restart));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *const start_modes[] = {"auto", "least_squares", "none"};

/*
  EngdRunSetStart - Sets what is done before the training where options leave it open.

  Logically collective

  Input Parameters:
+ run  - before EngdRunSetUp()
- name - "least_squares": weights of terms by the size of their rows of J, hidden units over the domain, the last layer by
         least squares, and optimisers in turn; "none": nothing of these; "auto": all of them if all is left open, else nothing

  Options Database Key:
. -engd_start name - the same

  Errors: PETSC_ERR_ARG_UNKNOWN_TYPE for another name

  Source: src/run/setters.c
*/
PetscErrorCode EngdRunSetStart(EngdRun run, const char name[])
{
  PetscInt  mode;
  PetscBool known = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(CheckEarly(run, "EngdRunSetStart"));
  for (mode = 0; mode < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(start_modes) && !known; mode++)
    PetscCall(PetscStrcmp(name, start_modes[mode], &known));
  PetscCheck(known, run->comm, PETSC_ERR_ARG_UNKNOWN_TYPE, "-engd_start %s: give auto, least_squares or none", name);
  run->start_mode = (EngdStartMode)(mode - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunReadOptions - the options of the run itself. Collective */
PetscErrorCode EngdRunReadOptions(EngdRun run)
{
  PetscReal target = run->target;
  char     *stages, start[64] = "";
  PetscBool set;

  PetscFunctionBeginUser;
  PetscOptionsBegin(run->comm, NULL, "Run", "EngdRun");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_stages",
                            "Optimisers one after the other, as in adam,lbfgs,engd; -<stage>_tao_max_it n and other "
                            "options of TAO, KSP and PC, so prefixed, are those of one stage",
                            "EngdRunSetStages", run->stages, NULL, &stages));
  PetscCall(PetscOptionsReal("-engd_target_error",
                             "Stop training at this relative L2 error on the test points, 0 for never",
                             "EngdRunSetTargetError", target, &target, NULL));
  PetscCall(
      PetscOptionsString("-engd_start",
                         "least_squares: weights of terms, hidden units and last layer that suit the problem, as "
                         "far as no option says them, and optimisers in turn if none is named; none: neither; "
                         "auto: all if no option says any of it, else none",
                         "EngdRunSetStart", start_modes[run->start_mode], start, sizeof(start), &set));
  PetscOptionsEnd();
  if (set) PetscCall(EngdRunSetStart(run, start));
  PetscCall(EngdRunSetStages(run, stages));
  PetscCall(PetscFree(stages));
  PetscCall(EngdRunReadBudget(run->comm, &run->budget));
  PetscCall(EngdRunSetTargetError(run, target));
  PetscCall(ReadCheckpointOptions(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
