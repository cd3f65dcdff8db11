/*
  The kernel K = A A^T against the product of explicit rows, for seven problems: residuals and the roots of other metrics,
  each layer by Gram matrices, by rows or by the cheaper of the two; small blocks, little memory.
  ranks: 1 2 3 4
*/
#include "functionals.h"

/* the rows of this rank of A A^T (nrows, N), from A written out */
static PetscReal *ExactKernel(EngdFunctional F, PetscInt nrows, PetscInt N)
{
  PetscReal       *entries, *exact;
  const PetscReal *product;
  Mat              A, K;

  CHECK(MatCreateDense(F->comm, nrows, PETSC_DECIDE, N, F->network->nparameters, NULL, &A));
  CHECK(MatDenseGetArrayWrite(A, &entries));
  CHECK(EngdExplicitFillRows(F, PetscMax(1, nrows), entries));
  CHECK(MatDenseRestoreArrayWrite(A, &entries));
  CHECK(MatMatTransposeMult(A, A, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &K));
  CHECK(PetscMalloc1(nrows * N, &exact));
  CHECK(MatDenseGetArrayRead(K, &product));
  CHECK(PetscArraycpy(exact, product, nrows * N));
  CHECK(MatDenseRestoreArrayRead(K, &product));
  CHECK(MatDestroy(&K));
  CHECK(MatDestroy(&A));
  return exact;
}

static void AgreesWithRows(const Case *which, const char options[], EngdNTKForm form)
{
  PetscInt   nrows, N;
  PetscReal *exact, *K, difference = 0, size = 0;
  EngdNTK    kernel;
  Setting    s;

  Begin(PETSC_COMM_WORLD, which, options, &s);
  CHECK(EngdExplicitCountRows(s.F, &nrows));
  assert_int_equal(MPI_Allreduce(&nrows, &N, 1, MPIU_INT, MPI_SUM, s.F->comm), MPI_SUCCESS);
  CHECK(EngdNTKCreate(s.F, form, &kernel));
  CHECK(PetscMalloc1(nrows * N, &K));
  for (PetscInt k = 0; k < 2; k++) { /* again at other parameters, with the buffers of the first time */
    CHECK(EngdFunctionalSetParameters(s.F, k ? s.theta : s.w));
    exact = ExactKernel(s.F, nrows, N);
    CHECK(EngdNTKFill(kernel, K));
    for (PetscInt i = 0; i < nrows * N; i++) {
      if (!(PetscAbsReal(K[i] - exact[i]) <= difference)) difference = PetscAbsReal(K[i] - exact[i]);
      size = PetscMax(size, PetscAbsReal(exact[i]));
    }
    CHECK(PetscFree(exact));
    difference = Largest(difference);
    size       = Largest(size);
    if (!(difference <= 1e-13 * size)) fail_msg("%s: differs by %g of %g", options, (double)difference, (double)size);
  }
  CHECK(PetscFree(K));
  CHECK(EngdNTKDestroy(&kernel));
  End(&s);
}

static void AllForms(const Case *which, const char options[])
{
  AgreesWithRows(which, options, ENGD_NTK_AUTO);
  AgreesWithRows(which, options, ENGD_NTK_GRAM);
  AgreesWithRows(which, options, ENGD_NTK_ROWS);
}

static void check_metric(const Case *which)
{
  AllForms(which, "");
  AllForms(which, "-tao_engd_curvature energy -engd_block_points 3");
}

static void check_other_metrics(const Case *which)
{
  AllForms(which, "-tao_engd_curvature l2");
  AllForms(which, "-tao_engd_curvature h1");
}

static void check_layers(const Case *which)
{
  AllForms(which, "-network_layers 20,30,9 -engd_memory_limit 1000 -engd_block_points 5");
}

int main(int argc, char **argv)
{
  const Check checks[] = {{"kernel of the metric", check_metric, PETSC_FALSE},
                          {"kernel of other metrics", check_other_metrics, PETSC_FALSE},
                          {"several groups of layers", check_layers, PETSC_FALSE}};
  int         failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = RunChecks("ntk", PETSC_STATIC_ARRAY_LENGTH(checks), checks, 0, NULL);
  return EngdFinalize() ? 1 : failed;
}
