/*
  What a run is made of and has come to, for programs that set it, watch it and go on with it. All of it is borrowed: the run
  destroys it.
*/
#include <engd/private.h>

/*
  EngdRunGetProblem - Gets what is solved.

  Not collective

  Input Parameter:
. run - created

  Output Parameter:
. problem - borrowed: the run destroys it

  Source: src/run/getters.c
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

  Source: src/run/getters.c
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

  Source: src/run/getters.c
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

  Source: src/run/getters.c
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

  Source: src/run/getters.c
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

  Source: src/run/getters.c
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

  Source: src/run/getters.c
*/
PetscErrorCode EngdRunGetSolution(EngdRun run, Vec *theta)
{
  PetscFunctionBeginUser;
  *theta = run->theta;
  PetscFunctionReturn(PETSC_SUCCESS);
}
