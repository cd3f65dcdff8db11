/*
  A run from options, as the program makes it, for the tests of reports; included after cmocka.h.
*/
#ifndef REPORT_RUN_H
#define REPORT_RUN_H

#define OK(call) assert_int_equal((int)(call), 0)

typedef struct {
  EngdRun        run;
  EngdProblem    problem; /* borrowed from it, as all below */
  EngdNetwork    network;
  EngdFunctional functional;
  Vec            theta;
  EngdReport     report;
} Run;

/* nhidden: hidden layers of 5 units; 0 for an affine network */
static void MakeRun(const char options[], PetscInt nhidden, Run *run)
{
  const PetscInt width = 5;

  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, options));
  OK(EngdRunCreate(PETSC_COMM_WORLD, &run->run));
  OK(EngdRunSetFromOptions(run->run));
  OK(EngdRunGetProblem(run->run, &run->problem));
  OK(EngdRunGetNetwork(run->run, &run->network));
  OK(EngdNetworkSetLayers(run->network, nhidden, &width));
  OK(EngdRunSetUp(run->run));
  OK(EngdRunGetFunctional(run->run, &run->functional));
  OK(EngdRunGetReport(run->run, &run->report));
  OK(EngdRunGetSolution(run->run, &run->theta));
}

static void DestroyRun(Run *run)
{
  OK(EngdRunDestroy(&run->run));
}

#endif
