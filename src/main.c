static const char help[] =
    "engd: neural-network solutions of PDEs by natural-gradient steps.\n"
    "  Minimises E(u_theta) = sum over terms of lambda_t sum_n w_n e_t(x_n, Du_theta(x_n)) over the parameters theta "
    "of a\n"
    "  multilayer perceptron, by theta <- theta - eta (J^T W J + lambda I)^{-1} gradient, matrix-free on MPI ranks.\n"
    "  The problem is text in an options file:  mpirun -n 2 ./engd -options_file poisson.opts\n\n";

#include <engd/private.h>

typedef struct {
  EngdProblem    problem;
  EngdNetwork    network;
  EngdFunctional functional;
  Vec            theta;
  EngdStages     stages;
  EngdReport     report;
  EngdSpectrum   spectrum;
} Run;

/* options -> problem -> network -> functional -> optimiser -> report: all that can be wrong with the input is met here */
static PetscErrorCode RunSetUp(MPI_Comm comm, Run *run)
{
  Tao first;

  PetscFunctionBeginUser;
  PetscCall(PetscLogStagePush(engd_log.setup));
  PetscCall(EngdProblemCreate(comm, &run->problem));
  PetscCall(EngdProblemSetFromOptions(run->problem));
  PetscCall(EngdNetworkCreate(comm, &run->network));
  PetscCall(EngdNetworkSetSizes(run->network, run->problem->domain->dim, run->problem->noutputs));
  PetscCall(EngdNetworkSetFromOptions(run->network));
  PetscCall(EngdFunctionalCreate(run->problem, run->network, &run->functional));
  PetscCall(EngdFunctionalSetFromOptions(run->functional));
  PetscCall(EngdFunctionalSetUp(run->functional));
  PetscCall(EngdNetworkCreateParameters(run->network, &run->theta));
  PetscCall(EngdNetworkInitialize(run->network, run->problem->seed, run->theta));
  PetscCall(EngdStagesCreate(run->functional, run->theta, &run->stages));
  PetscCall(EngdStagesGetTao(run->stages, 0, &first));
  PetscCall(EngdReportCreate(run->functional, first, &run->report));
  PetscCall(EngdReportSetFromOptions(run->report));
  PetscCall(EngdSpectrumCreate(run->functional, first, &run->spectrum));
  PetscCall(EngdSpectrumSetFromOptions(run->spectrum));
  PetscCall(EngdReportSetSpectrum(run->report, run->spectrum));
  PetscCall(PetscLogStagePop());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* train, then say what came out */
static PetscErrorCode RunTrain(Run *run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdCheckOptions(run->functional, PETSC_FALSE));
  PetscCall(EngdFunctionalSetParameters(run->functional, run->theta));
  PetscCall(EngdFunctionalCheck(run->functional));
  PetscCall(EngdReportStart(run->report));
  EngdSetPhase(ENGD_PHASE_SOLVE);
  PetscCall(PetscLogStagePush(engd_log.train));
  PetscCall(EngdStagesSolve(run->stages, run->report));
  PetscCall(PetscLogStagePop());
  PetscCall(PetscLogStagePush(engd_log.report));
  PetscCall(EngdReportFinish(run->report));
  PetscCall(EngdReportFinishSpectrum(run->report));
  PetscCall(VecViewFromOptions(run->theta, NULL, "-theta_view"));
  PetscCall(EngdCheckOptions(run->functional,
                             PETSC_TRUE)); /* after the results: a mistake found this late must not cost them */
  PetscCall(PetscLogStagePop());
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunDestroy(Run *run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdSpectrumDestroy(&run->spectrum));
  PetscCall(EngdReportDestroy(&run->report));
  PetscCall(EngdStagesDestroy(&run->stages));
  PetscCall(VecDestroy(&run->theta));
  PetscCall(EngdFunctionalDestroy(&run->functional));
  PetscCall(EngdNetworkDestroy(&run->network));
  PetscCall(EngdProblemDestroy(&run->problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the pipeline; -help ends it before the training */
static PetscErrorCode RunAll(MPI_Comm comm)
{
  Run       run = {0};
  PetscBool only_help;

  PetscFunctionBeginUser;
  PetscCall(RunSetUp(comm, &run));
  PetscCall(PetscOptionsHasHelp(NULL, &only_help));
  if (!only_help) PetscCall(RunTrain(&run));
  PetscCall(RunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int code = EngdExitCode(EngdInitialize(&argc, &argv, help));

  if (code == 0) code = EngdExitCode(RunAll(PETSC_COMM_WORLD));
  return PetscMax(code, EngdExitCode(EngdFinalize()));
}
