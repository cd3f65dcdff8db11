static const char help[] =
    "Solves lap(u) = f in (0,1)^2, u = 0 on the boundary, by the library, and prints u and its gradient at some "
    "points.\n"
    "  cc poisson.c $(pkg-config --cflags --libs engd) -lm -o poisson && mpirun -n 2 ./poisson -tao_max_it 40\n\n";

#include <engd.h>

/* r = lap(u) + 2 pi^2 sin(pi x) sin(pi y) at n points, and dr/d lap(u); its second derivatives are zero */
static PetscErrorCode Residual(void *ctx, PetscInt n, const PetscReal x[], const PetscReal normal[],
                               const PetscReal argument[], PetscReal value[], PetscReal first[], PetscReal second[])
{
  PetscFunctionBeginUser;
  (void)ctx, (void)normal, (void)second;
  for (PetscInt i = 0; i < n; i++) {
    value[i] = argument[i] + 2 * PETSC_PI * PETSC_PI * sin(PETSC_PI * x[2 * i]) * sin(PETSC_PI * x[2 * i + 1]);
    if (first) first[i] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what is solved: the box, two terms, and their points; options of the same meaning count more */
static PetscErrorCode SetProblem(EngdProblem problem, EngdPointwiseFn residual, void *ctx)
{
  const PetscReal lower[] = {0, 0}, upper[] = {1, 1};

  PetscFunctionBeginUser;
  PetscCall(EngdProblemSetName(problem, "poisson in C"));
  PetscCall(EngdProblemSetBox(problem, 2, lower, upper));
  PetscCall(EngdProblemSetCoordinates(problem, "x,y"));
  PetscCall(EngdProblemSetTerms(problem, "pde,wall"));
  PetscCall(EngdProblemSetTermPoints(problem, "pde", 100));
  PetscCall(EngdProblemSetTermResidual(problem, "pde", "lap(u)", 1, residual, PETSC_TRUE, ctx, NULL));
  PetscCall(EngdProblemSetTermRegion(problem, "wall", "boundary"));
  PetscCall(EngdProblemSetTermPoints(problem, "wall", 40));
  PetscCall(EngdProblemSetTermResidualText(problem, "wall", "u"));
  PetscCall(EngdProblemSetTermWeight(problem, "wall", 100));
  PetscCall(EngdProblemSetExact(problem, "u", "sin(pi*x)*sin(pi*y)"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rank 0 reads the solution on the diagonal; all ranks take part */
static PetscErrorCode PrintSolution(EngdRun run)
{
  PetscReal   x[3][2], u[3], gradient[3][2];
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  for (PetscInt i = 0; i < 3; i++) x[i][0] = x[i][1] = 0.25 * (i + 1);
  PetscCall(EngdRunEvaluate(run, rank == 0 ? 3 : 0, x[0], u, gradient[0]));
  for (PetscInt i = 0; i < 3; i++)
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "u(%.2f, %.2f) = %.6f, gradient (%.6f, %.6f)\n", (double)x[i][0],
                          (double)x[i][1], (double)u[i], (double)gradient[i][0], (double)gradient[i][1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscInt widths[] = {16, 16};
  EngdRun        run;
  EngdProblem    problem;
  EngdNetwork    network;

  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(EngdRunCreate(PETSC_COMM_WORLD, &run));
  PetscCall(EngdRunGetProblem(run, &problem));
  PetscCall(SetProblem(problem, Residual, NULL));
  PetscCall(EngdRunGetNetwork(run, &network));
  PetscCall(EngdNetworkSetLayers(network, 2, widths));
  PetscCall(EngdNetworkSetInitialization(network, "glorot", 1, 1));
  PetscCall(EngdRunSetFromOptions(run));
  PetscCall(EngdRunSetUp(run));
  PetscCall(EngdRunSolve(run));
  PetscCall(PrintSolution(run));
  PetscCall(EngdRunDestroy(&run));
  PetscCall(PetscFinalize());
  return 0;
}
