/*
  A run as an object: options -> problem -> network -> functional -> optimisers -> report.

  Create, SetFromOptions or setters (setters.c), SetUp (all that can be wrong with the input is met by now), Solve (solve.c), getters
  (getters.c), Destroy. The objects of the data flow are made here, and can be reached and set before SetUp.
*/
#include <engd/private.h>
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
  run->budget = INFINITY;
  *out        = run;
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

/* EngdRunDo - a part of the run, in a stage of the log; errors are those of its communicator, and the next run is one like the
   first. Collective */
PetscErrorCode EngdRunDo(EngdRun run, PetscErrorCode (*part)(EngdRun), PetscLogStage stage, PetscBool solving)
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
  PetscCall(EngdRunDo(run, SetFromOptions, engd_log.setup, PETSC_FALSE));
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
  PetscCall(EngdStagesCreate(run));
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
  PetscCall(EngdRunDo(run, SetUp, engd_log.setup, PETSC_FALSE));
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
