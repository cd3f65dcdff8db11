/*
  The kernel K = A A^T against the product of explicit rows, for all problems: residuals and the roots of other metrics,
  each layer by Gram matrices, by rows or by the cheaper of the two; small blocks, little memory. Products in float32: by so much
  worse as their rounding says, and by far less so with directions in float64.
  ranks: 1 2 3 4
*/
#include "functionals.h"

/* the rows of this rank of A A^T (nrows, N), from A written out */
static PetscReal *ExactKernel(EngdFunctional F, PetscInt nrows, PetscInt N)
{
  PetscReal       *entries, *exact;
  const PetscReal *product;
  Mat              A, K;

  CHECK(MatCreateDense(F->comm, nrows, PETSC_DECIDE, N, F->model->nparameters, NULL, &A));
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

/* K in blocks of ld rows a rank against the rows of this rank of the exact one; what is left of a block is zero */
static PetscReal Difference(PetscMPIInt size, const PetscInt nrows[], PetscInt ld, PetscInt here, const PetscReal K[],
                            const PetscReal exact[])
{
  PetscReal difference = 0;

  for (PetscMPIInt r = 0; r < size; r++) {
    for (PetscInt j = 0; j < ld; j++) {
      for (PetscInt i = 0; i < ld; i++) {
        const PetscReal value = K[ENGD_COUNT(r * ld + j, ld) + i];
        const PetscReal error = PetscAbsReal(value - (i < here && j < nrows[r] ? exact[j * here + i] : 0));

        Raise(&difference, error);
      }
    }
    exact += ENGD_COUNT(nrows[r], here);
  }
  return difference;
}

/* K differs from the exact one by no more than this part of its largest entry; what the rounding of float32 was said to be */
static PetscReal Agrees(const Case *which, const char options[], EngdNTKForm form, PetscInt directions,
                        PetscReal relative)
{
  PetscInt    nrows[64], here, N = 0;
  PetscMPIInt ranks;
  PetscReal  *K, rounding;
  EngdNTK     kernel;
  Setting     s;

  Begin(PETSC_COMM_WORLD, which, options, &s);
  MPI_Comm_size(s.F->comm, &ranks);
  CHECK(EngdExplicitCountRows(s.F, &here));
  assert_int_equal(MPI_Allgather(&here, 1, MPIU_INT, nrows, 1, MPIU_INT, s.F->comm), MPI_SUCCESS);
  for (PetscMPIInt r = 0; r < ranks; r++) N += nrows[r];
  CHECK(EngdNTKCreate(s.F, form, directions, &kernel));
  for (PetscInt k = 0; k < 2; k++) { /* again at other parameters, with the buffers of the first time */
    const PetscInt ld = EngdNTKLargestRows(kernel) + 2 * k;
    PetscReal     *exact, difference, size = 0;

    CHECK(EngdFunctionalSetParameters(s.F, k ? s.theta : s.w));
    CHECK(PetscMalloc1(ENGD_COUNT(ld, ld) * ranks, &K));
    exact = ExactKernel(s.F, here, N);
    CHECK(EngdNTKFill(kernel, ld, K));
    for (PetscInt i = 0; i < here * N; i++) size = PetscMax(size, PetscAbsReal(exact[i]));
    difference = Largest(Difference(ranks, nrows, ld, here, K, exact));
    size       = Largest(size);
    if (!(difference <= relative * size))
      fail_msg("%s: differs by %g of %g", options, (double)difference, (double)size);
    if (form == ENGD_NTK_ROWS || directions < 0) assert_int_equal(EngdNTKIsFilledSingle(kernel), directions >= 0);
    CHECK(PetscFree(exact));
    CHECK(PetscFree(K));
  }
  rounding = EngdNTKGetRounding(kernel);
  CHECK(EngdNTKDestroy(&kernel));
  End(&s);
  return rounding;
}

static void AgreesWithRows(const Case *which, const char options[], EngdNTKForm form)
{
  (void)Agrees(which, options, form, ENGD_NTK_DOUBLE, 1e-13);
}

/* wide second and third layers, which float32 is for, and several groups of layers; a second network of narrow ones is not for it */
static void check_single(const Case *which)
{
  const char *options = "-network_layers 20,20,30 -engd_block_points 5 -engd_memory_limit 1000";
  PetscReal   alone, better;

  if (strstr(which->options, "-networks")) return;
  alone  = Agrees(which, options, ENGD_NTK_ROWS, 0, 1e-5);
  better = Agrees(which, options, ENGD_NTK_ROWS, 8, 1e-6);
  (void)Agrees(which, options, ENGD_NTK_AUTO, 8,
               1e-6); /* rows among points of an equation, Gram matrices elsewhere */
  if (!(better < 0.3 * alone)) fail_msg("%g with directions, %g without", (double)better, (double)alone);
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
  AllForms(which, "-network_layers 20,30,30 -engd_memory_limit 1000 -engd_block_points 5");
}

int main(int argc, char **argv)
{
  const Check checks[] = {{"kernel of the metric", check_metric, PETSC_FALSE},
                          {"kernel of other metrics", check_other_metrics, PETSC_FALSE},
                          {"several groups of layers", check_layers, PETSC_FALSE},
                          {"products in float32", check_single, PETSC_FALSE}};
  int         failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = RunChecks("ntk", PETSC_STATIC_ARRAY_LENGTH(checks), checks, 0, NULL);
  return EngdFinalize() ? 1 : failed;
}
