/*
  A run as an object: options -> problem -> network -> functional -> optimisers -> report.

  Create, SetFromOptions or setters, SetUp (all that can be wrong with the input is met by now), Solve (the training, then what
  came out), getters, Destroy. The objects of the data flow are made here, and can be reached and set before SetUp.
*/
#include <engd/private.h>
#include <engd/unread.h>
#include <math.h>
#include <signal.h>

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

/* network k of the problem */
static PetscErrorCode FindNetwork(EngdRun run, PetscInt k, EngdNetwork *network)
{
  const char *name = run->problem->network[k].name;

  PetscFunctionBeginUser;
  *network = run->network;
  if (name) PetscCall(EngdRunGetNetworkOf(run, name, network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the functional, now that the problem is known, and with it the inputs and outputs of the networks */
static PetscErrorCode CreateFunctional(EngdRun run)
{
  EngdNetwork network;

  PetscFunctionBeginUser;
  PetscCall(FindNetwork(run, 0, &network));
  PetscCall(EngdFunctionalCreate(run->problem, network, &run->functional));
  for (PetscInt k = 1; k < run->problem->nnetworks; k++) {
    PetscCall(FindNetwork(run, k, &network));
    PetscCall(EngdFunctionalAddNetwork(run->functional, network));
  }
  PetscCall(EngdReportCreate(run->functional, &run->report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a part of the run, in a stage of the log; errors are those of its communicator, and the next run is one like the first */
static PetscErrorCode Do(EngdRun run, PetscErrorCode (*part)(EngdRun), PetscLogStage stage, PetscBool solving)
{
  EngdErrorsWork outer;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(PetscLogStagePush(stage));
  PetscCall(EngdErrorsEnter(run->comm, solving, &outer));
  ierr = (*part)(run);
  PetscCall(EngdErrorsLeave(&outer, ierr));
  PetscCall(PetscLogStagePop());
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the networks of the problem, and none that the program has set but the problem does not have */
static PetscErrorCode SetNetworksFromOptions(EngdRun run)
{
  const EngdProblem problem = run->problem;
  EngdNetwork       network;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < run->nnamed; j++) {
    const char *prefix = run->named[j]->prefix;
    PetscBool   known  = PETSC_FALSE;

    for (PetscInt k = 0; k < problem->nnetworks; k++) {
      const char *name = problem->network[k].name;

      if (name && !strncmp(name, prefix, strlen(name)) && !strcmp(prefix + strlen(name), "_")) known = PETSC_TRUE;
    }
    PetscCheck(known, run->comm, PETSC_ERR_USER_INPUT, "the program has a network '%.*s', which is none of -networks",
               (int)strlen(prefix) - 1, prefix);
  }
  for (PetscInt k = 0; k < problem->nnetworks; k++) {
    PetscCall(FindNetwork(run, k, &network));
    PetscCall(EngdNetworkSetSizes(network, problem->network[k].ninputs, problem->network[k].noutputs));
    PetscCall(EngdNetworkSetFromOptions(network));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdProblemSetFromOptions(run->problem));
  PetscCall(SetNetworksFromOptions(run));
  PetscCall(CreateFunctional(run));
  PetscCall(EngdFunctionalSetFromOptions(run->functional));
  PetscCall(EngdRunReadOptions(run));
  PetscCall(EngdReportSetFromOptions(run->report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSetFromOptions - Reads the options of the run, and of its problem, network, functional and report.

  Collective; the optimisers and the spectrum read theirs in EngdRunSetUp()

  Input Parameter:
. run - the run

  Options Database Keys:
+ -engd_stages a,b,c            - the names of optimisers in turn; without it there is one
. -a_tao_type type              - and any other option of TAO, KSP and PC, or -a_engd_max_seconds, for stage a alone
. -engd_start name             - auto, least_squares or none: what is done before the training
. -engd_max_seconds s           - budget of the training, with what a restart goes on from
. -engd_target_error e          - stop at the first iteration whose relative L2 error is at most e
. -engd_checkpoint file.h5      - all that the run is
. -engd_checkpoint_every k      - iterations between two checkpoints
. -engd_checkpoint_seconds s    - seconds between two checkpoints
. -engd_restart file.h5         - go on from this checkpoint
- -engd_evaluate points         - do not: evaluate its solution there

  Source: src/run/run.c
*/
PetscErrorCode EngdRunSetFromOptions(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCheck(
      run->phase == ENGD_RUN_CREATED, run->comm, PETSC_ERR_ORDER,
      "EngdRunSetFromOptions() a second time: the options of a run are read once; destroy it and create another");
  run->phase = ENGD_RUN_FAILED;
  PetscCall(Do(run, SetFromOptions, engd_log.setup, PETSC_FALSE));
  run->phase = ENGD_RUN_ASKED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* points, parameters, optimisers, spectrum */
static PetscErrorCode SetUp(EngdRun run)
{
  PetscBool help, begins, leaves;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasHelp(NULL, &help));
  if (!run->functional) PetscCall(CreateFunctional(run));
  PetscCall(EngdFunctionalSetUp(run->functional));
  PetscCall(EngdModelCreateParameters(run->functional->model, &run->theta));
  PetscCall(EngdModelInitialize(run->functional->model, run->problem->seed, run->theta));
  PetscCall(EngdEvolutionCreate(run, &run->evolution));
  PetscCall(EngdPlanLeaves(run, &leaves));
  begins = (PetscBool)(run->start_mode == ENGD_START_LEAST_SQUARES || (run->start_mode == ENGD_START_AUTO && leaves));
  if (begins && !help) {
    PetscCall(EngdStartRun(run->functional, run->theta, leaves, &run->origin));
    PetscCall(EngdPlanCreate(run));
  }
  PetscCall(EngdSettingsPush(run->plan.settings));
  PetscCall(EngdStagesCreate(run));
  PetscCall(EngdSettingsPop(run->plan.settings));
  PetscCall(EngdSpectrumCreate(run->functional, run->stage[0].tao, &run->spectrum));
  PetscCall(EngdSpectrumSetFromOptions(run->spectrum));
  PetscCall(EngdProjectionCreate(run->functional, &run->projection));
  PetscCall(EngdProjectionSetFromOptions(run->projection));
  if (run->evaluate) PetscCall(EngdReportSetEvaluate(run->report, run->evaluate));
  PetscCall(EngdReportSetUp(run->report));
  if (!help && !run->evaluate) PetscCall(EngdGrowthCheck(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSetUp - Makes the points, the initial parameters, the optimisers and the spectrum.

  Collective; a second call does nothing

  Input Parameter:
. run - its options read, or set

  Errors: one that a rank alone meets, as when its memory ends, is returned there alone, and the others wait for it. The error
  handlers of EngdInitialize() end all ranks then; a program whose own handler returns is to call MPI_Abort() itself. So is it
  with EngdRunSolve().

  Source: src/run/run.c
*/
PetscErrorCode EngdRunSetUp(EngdRun run)
{
  PetscFunctionBeginUser;
  if (run->phase == ENGD_RUN_READY) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(run->phase != ENGD_RUN_FAILED, run->comm, PETSC_ERR_ORDER,
             "EngdRunSetUp() after an error: destroy the run and create another");
  PetscCheck(run->problem->ready, run->comm, PETSC_ERR_ORDER, "EngdRunSetUp() before EngdRunSetFromOptions()");
  run->phase = ENGD_RUN_FAILED;
  PetscCall(Do(run, SetUp, engd_log.setup, PETSC_FALSE));
  run->phase = ENGD_RUN_READY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunCheckOptions - Fails, naming them all, when the options database holds options that nobody asked for, and, before the
  solve, when an output could not be written or would overwrite another file of the run; after it, when a file of PETSc's viewers
  can no longer be written.

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
  PetscCheck(run->phase == ENGD_RUN_READY, run->comm, PETSC_ERR_ORDER, "EngdRunCheckOptions() before EngdRunSetUp()");
  PetscCall(EngdCheckOptions(run->functional, final));
  if (final)
    PetscCall(EngdRunCheckViewers(run));
  else
    PetscCall(EngdRunCheckFiles(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* note <- where the state is, and that a run was interrupted */
static PetscErrorCode NoteCheckpoint(EngdRun run, PetscBool finite, EngdOutcome *outcome)
{
  const PetscBool written     = (PetscBool)(run->checkpoint && finite && !run->failure[0]);
  const PetscBool interrupted = (PetscBool)(run->end == ENGD_END_BY_SIGNAL);

  PetscFunctionBeginUser;
  outcome->note[0] = 0;
  if (interrupted)
    PetscCall(PetscSNPrintf(outcome->note, sizeof(outcome->note),
                            "Interrupted by %s after iteration %" PetscInt_FMT "%s%s",
                            run->signal == SIGTERM ? "SIGTERM" : "SIGINT", outcome->iterations,
                            written ? "; to go on: -engd_restart " : ", and there is no -engd_checkpoint",
                            written ? run->checkpoint : ""));
  else if (written)
    PetscCall(PetscSNPrintf(outcome->note, sizeof(outcome->note), "Wrote the checkpoint to %s", run->checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* where it starts, and whether files can be written */
static PetscErrorCode Begin(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdRunBegin(run));
  if (run->restart) {
    PetscCall(EngdRunRestart(run));
  } else {
    PetscCall(EngdFunctionalSetParameters(run->functional, run->theta));
    PetscCall(EngdFunctionalCheck(run->functional));
  }
  if (run->checkpoint) PetscCall(EngdFileCheck(run->comm, "-engd_checkpoint", run->checkpoint));
  PetscCall(EngdProblemTellUnread(run->problem));
  PetscCall(EngdReportStart(run->report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Train(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdRunMeasureZero(run));
  if (run->origin.text[0]) PetscCall(EngdReportChoose(run->report, run->origin.text));
  PetscCall(EngdRunTrain(run));
  PetscCall(EngdEvolutionSolve(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -theta_view; PETSc does not look whether what it prints arrives */
static PetscErrorCode ViewParameters(EngdRun run)
{
  PetscViewer       viewer;
  PetscViewerFormat format;
  PetscBool         given, ascii;
  FILE             *file;
  int               bad = 0;

  PetscFunctionBeginUser;
  PetscCall(EngdErrorsSetPlace("option", "-theta_view"));
  PetscCall(PetscOptionsCreateViewer(run->comm, NULL, NULL, "-theta_view", &viewer, &format, &given));
  if (given) {
    PetscCall(PetscViewerPushFormat(viewer, format));
    PetscCall(VecView(run->theta, viewer));
    PetscCall(PetscViewerPopFormat(viewer));
    PetscCall(PetscViewerFlush(viewer));
    PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
    if (ascii) PetscCall(PetscViewerASCIIGetPointer(viewer, &file));
    if (ascii && file && file != PETSC_STDOUT) bad = ferror(file) != 0;
    PetscCallMPI(MPI_Bcast(&bad, 1, MPI_INT, 0, run->comm));
    PetscCheck(!bad, run->comm, PETSC_ERR_FILE_WRITE, "not all parameters could be written: is the disk full?");
    PetscCall(PetscViewerDestroy(&viewer));
  }
  PetscCall(EngdErrorsSetPlace(NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what came out, into files and on the screen, and whether it is good: errors of both */
static PetscErrorCode Tell(EngdRun run, EngdOutcome *outcome)
{
  TaoConvergedReason reason;
  const PetscBool    finite = PetscIsInfOrNanReal(outcome->loss) ? PETSC_FALSE : PETSC_TRUE;

  PetscFunctionBeginUser;
  if (finite && (!run->plan.made || run->end == ENGD_END_BY_TAO || EngdEvolutionBegun(run)))
    PetscCall(EngdRunCheckpoint(run)); /* a plan that is cut has written its own */
  PetscCall(NoteCheckpoint(run, finite, outcome));
  PetscCall(EngdReportFinish(run->report, run->theta, outcome));
  PetscCall(ViewParameters(run));
  PetscCall(EngdSpectrumFinish(run->spectrum, run->stage[run->present].tao, outcome->iterations));
  PetscCall(EngdReportAnswer(run->report, outcome));
  PetscCheck(finite, run->comm, ENGD_ERR_NUMERICS,
             "the training has come to a loss of %g after %" PetscInt_FMT " iterations; take another -tao_type, or a "
             "problem that is bounded from below",
             (double)outcome->loss, outcome->iterations);
  PetscCall(TaoGetConvergedReason(run->stage[run->present].tao, &reason));
  PetscCheck(reason != TAO_DIVERGED_NAN || (run->nstages > 1 && run->plan.made && run->plan.loss < PETSC_MAX_REAL),
             run->comm, ENGD_ERR_NUMERICS,
             "after %" PetscInt_FMT " iterations no step leads to a loss that is a finite number%s",
             outcome->iterations, run->checkpoint ? "" : "; give -engd_checkpoint FILE to keep the last good state");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what came out; no checkpoint of a state without a loss takes the place of a good one */
static PetscErrorCode Finish(EngdRun run)
{
  EngdOutcome    outcome;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(EngdRunGetOutcome(run, &outcome));
  ierr = Tell(run, &outcome);
  PetscCall(EngdRunForgetOutcome(&outcome));
  PetscCall(ierr);
  PetscCheck(!run->failure[0], run->comm, PETSC_ERR_FILE_WRITE, "-engd_checkpoint %s", run->failure);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(EngdRun run)
{
  PetscFunctionBeginUser;
  if (run->evaluate) {
    PetscCall(Do(run, EngdRunEvaluateBegin, engd_log.setup, PETSC_FALSE));
    PetscCall(Do(run, EngdRunEvaluateFinish, engd_log.report, PETSC_TRUE));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Do(run, Begin, engd_log.setup, PETSC_FALSE));
  PetscCall(Do(run, Train, engd_log.train, PETSC_TRUE));
  PetscCall(Do(run, Finish, engd_log.report, PETSC_TRUE));
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
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCheck(run->phase == ENGD_RUN_READY, run->comm, PETSC_ERR_ORDER, "EngdRunSolve() before EngdRunSetUp()");
  if (run->listens) PetscCall(EngdSignalsBegin());
  ierr = Solve(run);
  if (run->listens) PetscCall(EngdSignalsEnd());
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunGetProblem - Gets what is solved.

  Not collective

  Input Parameter:
. run - created

  Output Parameter:
. problem - borrowed: the run destroys it

  Source: src/run/run.c
*/
PetscErrorCode EngdRunGetProblem(EngdRun run, EngdProblem *problem)
{
  PetscFunctionBeginUser;
  *problem = run->problem;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunGetNetwork - Gets what solves it.

  Not collective

  Input Parameter:
. run - created

  Output Parameter:
. network - borrowed: the run destroys it. Of a problem with -networks the network that all of them are like, before their own
            setters and options

  Source: src/run/run.c
*/
PetscErrorCode EngdRunGetNetwork(EngdRun run, EngdNetwork *network)
{
  PetscFunctionBeginUser;
  *network = run->network;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunGetNetworkOf - Gets one of several networks by its name.

  Logically collective

  Input Parameters:
+ run  - created
- name - one of -networks, or of EngdProblemSetNetworks(); before the options are read it may be any, and an error then

  Output Parameter:
. network - borrowed: the run destroys it; made at the first call, like the one of EngdRunGetNetwork() is then

  Source: src/run/run.c
*/
PetscErrorCode EngdRunGetNetworkOf(EngdRun run, const char name[], EngdNetwork *network)
{
  char prefix[256];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(prefix, sizeof(prefix), "%s_", name));
  for (PetscInt j = 0; j < run->nnamed; j++) {
    *network = run->named[j];
    if (!strcmp((*network)->prefix, prefix)) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(!run->functional, run->comm, PETSC_ERR_ARG_WRONG, "there is no network '%s'; -networks has the names",
             name);
  PetscCall(PetscRealloc((size_t)(run->nnamed + 1) * sizeof(*run->named), &run->named));
  PetscCall(EngdNetworkCreate(run->comm, network));
  run->named[run->nnamed++] = *network;
  PetscCall(EngdNetworkCopySettings(run->network, *network));
  PetscCall(EngdNetworkSetOptionsPrefix(*network, prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunGetFunctional - Gets the loss and its operators.

  Not collective

  Input Parameter:
. run - with its options read

  Output Parameter:
. functional - borrowed; NULL before the options are read

  Source: src/run/run.c
*/
PetscErrorCode EngdRunGetFunctional(EngdRun run, EngdFunctional *functional)
{
  PetscFunctionBeginUser;
  *functional = run->functional;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunGetReport - Gets what tells of the iterations.

  Not collective

  Input Parameter:
. run - with its options read

  Output Parameter:
. report - borrowed; NULL before the options are read

  Source: src/run/run.c
*/
PetscErrorCode EngdRunGetReport(EngdRun run, EngdReport *report)
{
  PetscFunctionBeginUser;
  *report = run->report;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunGetTao - Gets the optimiser of a stage.

  Not collective

  Input Parameters:
+ run   - set up
- stage - its number from 0 on; 0 where there are no stages

  Output Parameter:
. tao - borrowed

  Errors: PETSC_ERR_ARG_OUTOFRANGE for a stage that there is not

  Source: src/run/run.c
*/
PetscErrorCode EngdRunGetTao(EngdRun run, PetscInt stage, Tao *tao)
{
  PetscFunctionBeginUser;
  PetscCheck(stage >= 0 && stage < run->nstages, run->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "there is no stage %" PetscInt_FMT " of %" PetscInt_FMT, stage, run->nstages);
  *tao = run->stage[stage].tao;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunGetSolution - Gets the parameters: initial after the set-up, trained after the solve.

  Not collective

  Input Parameter:
. run - set up

  Output Parameter:
. theta - spread over the ranks, borrowed

  Source: src/run/run.c
*/
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
  PetscCall(EngdProjectionDestroy(&(*run)->projection));
  PetscCall(EngdReportDestroy(&(*run)->report));
  PetscCall(EngdStagesDestroy(*run));
  PetscCall(EngdEvolutionDestroy(&(*run)->evolution));
  PetscCall(EngdPlanDestroy(*run));
  PetscCall(EngdRunDestroyFreshPoints(*run));
  PetscCall(EngdStartDestroy(&(*run)->origin));
  PetscCall(VecDestroy(&(*run)->theta));
  PetscCall(VecDestroy(&(*run)->good));
  PetscCall(EngdFunctionalDestroy(&(*run)->functional));
  PetscCall(EngdNetworkDestroy(&(*run)->network));
  for (PetscInt j = 0; j < (*run)->nnamed; j++) PetscCall(EngdNetworkDestroy(&(*run)->named[j]));
  PetscCall(PetscFree((*run)->named));
  PetscCall(EngdProblemDestroy(&(*run)->problem));
  PetscCall(PetscFree((*run)->stages));
  PetscCall(PetscFree((*run)->checkpoint));
  PetscCall(PetscFree((*run)->restart));
  PetscCall(PetscFree((*run)->evaluate));
  PetscCall(PetscCommDestroy(&(*run)->comm));
  PetscCall(PetscFree(*run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
