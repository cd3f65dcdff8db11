/*
  A run from options, as the program makes it, for the tests of reports; included after cmocka.h.
*/
#ifndef REPORT_RUN_H
#define REPORT_RUN_H

#define OK(call) assert_int_equal((int)(call), 0)

typedef struct {
  EngdProblem    problem;
  EngdNetwork    network;
  EngdFunctional functional;
  Tao            tao;
  Vec            theta;
  EngdReport     report;
} Run;

/* nhidden: hidden layers of 5 units; 0 for an affine network */
static void MakeRun(const char options[], PetscInt nhidden, Run *run)
{
  const PetscInt width = 5;

  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, options));
  OK(EngdProblemCreate(PETSC_COMM_WORLD, &run->problem));
  OK(EngdProblemSetFromOptions(run->problem));
  OK(EngdNetworkCreate(PETSC_COMM_WORLD, &run->network));
  OK(EngdNetworkSetSizes(run->network, run->problem->domain->dim, run->problem->noutputs));
  OK(EngdNetworkSetLayers(run->network, nhidden, &width));
  OK(EngdFunctionalCreate(run->problem, run->network, &run->functional));
  OK(EngdFunctionalSetUp(run->functional));
  OK(EngdNetworkCreateParameters(run->network, &run->theta));
  OK(EngdNetworkInitialize(run->network, run->problem->seed, run->theta));
  OK(EngdSolverCreate(run->functional, &run->tao));
  OK(TaoSetSolution(run->tao, run->theta));
  OK(EngdReportCreate(run->functional, run->tao, &run->report));
  OK(EngdReportSetFromOptions(run->report));
}

static void DestroyRun(Run *run)
{
  OK(EngdReportDestroy(&run->report));
  OK(TaoDestroy(&run->tao));
  OK(VecDestroy(&run->theta));
  OK(EngdFunctionalDestroy(&run->functional));
  OK(EngdNetworkDestroy(&run->network));
  OK(EngdProblemDestroy(&run->problem));
}

#endif
