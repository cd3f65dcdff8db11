/*
  A run as an object: options -> problem -> network -> functional -> optimisers -> report.

  Create, SetFromOptions or setters, SetUp (all that can be wrong with the input is met by now), Solve (the training, then what
  came out), getters, Destroy. The objects of the data flow are made here, and can be reached and set before SetUp.
*/
#include <engd/private.h>
#include <engd/unread.h>
#include <math.h>

/*
  EngdRunCreate - A run, with a problem and a network that are still to be told what they are.

  Collective

  Input Parameter:
. comm - its ranks

  Output Parameter:
. run - to be destroyed with EngdRunDestroy()

  Source: src/run/run.c
*/
PetscErrorCode EngdRunCreate(MPI_Comm comm, EngdRun *out)
{
  EngdRun run;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&run));
  PetscCall(PetscCommDuplicate(comm, &run->comm, NULL));
  PetscCall(EngdProblemCreate(comm, &run->problem));
  PetscCall(EngdNetworkCreate(comm, &run->network));
  run->max_seconds = INFINITY;
  *out             = run;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunSetStages - Optimisers one after the other, as in "adam,lbfgs,engd"; NULL for one. Not collective */
PetscErrorCode EngdRunSetStages(EngdRun run, const char names[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(run->stages));
  PetscCall(PetscStrallocpy(names, &run->stages));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunSetMaxSeconds - Stop the training after so many seconds, 0 for no limit. Not collective */
PetscErrorCode EngdRunSetMaxSeconds(EngdRun run, PetscReal seconds)
{
  PetscFunctionBeginUser;
  PetscCheck(seconds >= 0, run->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "a budget of %g seconds: give a positive number, or 0 for no limit", (double)seconds);
  run->max_seconds = seconds > 0 ? seconds : INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunSetTargetError - Stop at the first iteration whose relative L2 error is at most this, 0 for never; the problem needs
   an exact solution. Not collective */
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

/* the options of the run itself */
static PetscErrorCode ReadOptions(EngdRun run)
{
  PetscReal target = run->target;
  char     *stages;

  PetscFunctionBeginUser;
  PetscOptionsBegin(run->comm, NULL, "Run", "EngdRun");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_stages",
                            "Optimisers one after the other, as in adam,lbfgs,engd; -<stage>_tao_max_it n and other "
                            "options of TAO, KSP and PC, so prefixed, are those of one stage",
                            "EngdRunSetStages", run->stages, NULL, &stages));
  PetscCall(PetscOptionsReal("-engd_target_error",
                             "Stop training at this relative L2 error on the test points, 0 for never",
                             "EngdRunSetTargetError", target, &target, NULL));
  PetscOptionsEnd();
  PetscCall(EngdRunSetStages(run, stages));
  PetscCall(PetscFree(stages));
  PetscCall(EngdRunReadBudget(run->comm, &run->max_seconds));
  PetscCall(EngdRunSetTargetError(run, target));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the functional, now that the problem is known, and with it the inputs and outputs of the network */
static PetscErrorCode CreateFunctional(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalCreate(run->problem, run->network, &run->functional));
  PetscCall(EngdReportCreate(run->functional, &run->report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSetFromOptions - Reads the options of the run, and of its problem, network, functional and report.

  Collective; the optimisers and the spectrum read theirs in EngdRunSetUp()

  Input Parameter:
. run - the run

  Options Database Keys:
+ -engd_stages a,b,c   - the names of optimisers in turn; without it there is one
. -a_tao_type type     - and any other option of TAO, KSP and PC, or -a_engd_max_seconds, for stage a alone
. -engd_max_seconds s  - budget of the training
- -engd_target_error e - stop at the first iteration whose relative L2 error is at most e

  Source: src/run/run.c
*/
PetscErrorCode EngdRunSetFromOptions(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdProblemSetFromOptions(run->problem));
  PetscCall(EngdNetworkSetSizes(run->network, run->problem->domain->dim, run->problem->noutputs));
  PetscCall(EngdNetworkSetFromOptions(run->network));
  PetscCall(CreateFunctional(run));
  PetscCall(EngdFunctionalSetFromOptions(run->functional));
  PetscCall(ReadOptions(run));
  PetscCall(EngdReportSetFromOptions(run->report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSetUp - Makes the points, the initial parameters, the optimisers and the spectrum.

  Collective

  Input Parameter:
. run - its options read, or set

  Source: src/run/run.c
*/
PetscErrorCode EngdRunSetUp(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(PetscLogStagePush(engd_log.setup));
  if (!run->functional) PetscCall(CreateFunctional(run));
  PetscCall(EngdFunctionalSetUp(run->functional));
  PetscCall(EngdNetworkCreateParameters(run->network, &run->theta));
  PetscCall(EngdNetworkInitialize(run->network, run->problem->seed, run->theta));
  PetscCall(EngdStagesCreate(run));
  PetscCall(EngdSpectrumCreate(run->functional, run->stage[0].tao, &run->spectrum));
  PetscCall(EngdSpectrumSetFromOptions(run->spectrum));
  PetscCall(EngdReportSetUp(run->report));
  PetscCall(PetscLogStagePop());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunCheckOptions - Fails, naming them all, when the options database holds options that nobody asked for, and, before the
  solve, when an output could not be written or would overwrite another file of the run.

  Collective

  Input Parameters:
+ run   - set up
- final - PETSC_FALSE before the solve: options that are read during it are let through

  Note: not for a program that reads options of its own after this.

  Source: src/run/run.c
*/
PetscErrorCode EngdRunCheckOptions(EngdRun run, PetscBool final)
{
  PetscFunctionBeginUser;
  PetscCall(EngdCheckOptions(run->functional, final));
  if (!final) PetscCall(EngdRunCheckFiles(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSolve - Trains, then measures, writes and says what came out.

  Collective

  Input Parameter:
. run - set up

  Errors: PETSC_ERR_FILE_OPEN for a file that cannot be written, before the training; ENGD_ERR_NUMERICS for a breakdown

  Source: src/run/run.c
*/
PetscErrorCode EngdRunSolve(EngdRun run)
{
  EngdOutcome outcome;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(run->functional, run->theta));
  PetscCall(EngdFunctionalCheck(run->functional));
  PetscCall(EngdProblemTellUnread(run->problem));
  PetscCall(EngdReportStart(run->report));
  EngdSetPhase(ENGD_PHASE_SOLVE);
  PetscCall(PetscLogStagePush(engd_log.train));
  PetscCall(EngdRunTrain(run));
  PetscCall(PetscLogStagePop());
  PetscCall(PetscLogStagePush(engd_log.report));
  PetscCall(EngdRunGetOutcome(run, &outcome));
  PetscCall(EngdReportFinish(run->report, run->theta, &outcome));
  PetscCall(EngdSpectrumFinish(run->spectrum, run->stage[run->present].tao, outcome.iterations));
  PetscCall(VecViewFromOptions(run->theta, NULL, "-theta_view"));
  PetscCall(PetscLogStagePop());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunGetProblem - What is solved; borrowed. Not collective */
PetscErrorCode EngdRunGetProblem(EngdRun run, EngdProblem *problem)
{
  PetscFunctionBeginUser;
  *problem = run->problem;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunGetNetwork - What solves it; borrowed. Not collective */
PetscErrorCode EngdRunGetNetwork(EngdRun run, EngdNetwork *network)
{
  PetscFunctionBeginUser;
  *network = run->network;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunGetFunctional - The functional; NULL before the options are read, or the set-up; borrowed. Not collective */
PetscErrorCode EngdRunGetFunctional(EngdRun run, EngdFunctional *functional)
{
  PetscFunctionBeginUser;
  *functional = run->functional;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunGetReport - The report; NULL before the options are read, or the set-up; borrowed. Not collective */
PetscErrorCode EngdRunGetReport(EngdRun run, EngdReport *report)
{
  PetscFunctionBeginUser;
  *report = run->report;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunGetTao - The optimiser of a stage, from 0 on; after the set-up; borrowed. Not collective */
PetscErrorCode EngdRunGetTao(EngdRun run, PetscInt stage, Tao *tao)
{
  PetscFunctionBeginUser;
  PetscCheck(stage >= 0 && stage < run->nstages, run->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "there is no stage %" PetscInt_FMT " of %" PetscInt_FMT, stage, run->nstages);
  *tao = run->stage[stage].tao;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunGetSolution - The parameters theta, initial after the set-up, trained after the solve; borrowed. Not collective */
PetscErrorCode EngdRunGetSolution(EngdRun run, Vec *theta)
{
  PetscFunctionBeginUser;
  *theta = run->theta;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunDestroy - Frees a run with all its objects.

  Collective

  Source: src/run/run.c
*/
PetscErrorCode EngdRunDestroy(EngdRun *run)
{
  PetscFunctionBeginUser;
  if (!*run) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdSpectrumDestroy(&(*run)->spectrum));
  PetscCall(EngdReportDestroy(&(*run)->report));
  PetscCall(EngdStagesDestroy(*run));
  PetscCall(VecDestroy(&(*run)->theta));
  PetscCall(EngdFunctionalDestroy(&(*run)->functional));
  PetscCall(EngdNetworkDestroy(&(*run)->network));
  PetscCall(EngdProblemDestroy(&(*run)->problem));
  PetscCall(PetscFree((*run)->stages));
  PetscCall(PetscCommDestroy(&(*run)->comm));
  PetscCall(PetscFree(*run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
