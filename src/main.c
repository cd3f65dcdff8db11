static const char help[] =
    "engd: neural-network solutions of PDEs by natural-gradient steps.\n"
    "  Minimises E(u_theta) = sum over terms of lambda_t sum_n w_n e_t(x_n, Du_theta(x_n)) over the parameters theta "
    "of a\n"
    "  multilayer perceptron, by theta <- theta - eta (J^T W J + lambda I)^{-1} gradient, matrix-free on MPI ranks.\n"
    "  The problem is text in an options file:  mpirun -n 2 ./engd -options_file poisson.opts\n\n";

#include <engd.h>

/* the whole run; -help ends it before the training, -version before all */
static PetscErrorCode Run(MPI_Comm comm, PetscBool *interrupted)
{
  EngdRun   run;
  PetscBool only_help, only_version;

  PetscFunctionBeginUser;
  PetscCall(EngdShowVersion(&only_version));
  if (only_version) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdRunCreate(comm, &run));
  PetscCall(EngdRunListen(run, PETSC_TRUE));
  PetscCall(EngdRunSetFromOptions(run));
  PetscCall(EngdRunSetUp(run));
  PetscCall(PetscOptionsHasHelp(NULL, &only_help));
  if (!only_help) {
    PetscCall(EngdRunCheckOptions(run, PETSC_FALSE));
    PetscCall(EngdRunSolve(run));
    PetscCall(EngdRunIsInterrupted(run, interrupted));
    PetscCall(EngdRunCheckOptions(run, PETSC_TRUE)); /* a mistake found this late must not cost the results */
  }
  PetscCall(EngdRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscBool interrupted = PETSC_FALSE;
  int       code, last;

  EngdChooseKernels(argv);
  code = EngdExitCode(EngdInitialize(&argc, &argv, help));
  if (code == 0) code = EngdExitCode(Run(PETSC_COMM_WORLD, &interrupted));
  last = EngdExitCode(EngdFinalize());
  if (code == 0) code = last;
  return code == 0 && interrupted ? ENGD_EXIT_INTERRUPTED : code;
}
