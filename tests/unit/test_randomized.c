/*
  Direction randomized against LAPACK's truncated least squares on dense J: a range of full rank, J of low rank, an adaptive rank
  below that of J, with and without subspace iterations; retries, whole runs, what is refused.
  ranks: 1 2 3 4; errors leak
*/
#include "least_squares.h"

/* d (p) = the solution of J d = -R of least norm with this cut-off; |J d + R| for any d */
typedef struct {
  Mat        J;
  Vec        R;
  PetscInt   N, p;
  PetscReal *d;
} Exact;

static void BeginExact(EngdFunctional F, PetscReal rcond, Exact *e)
{
  CHECK(EngdFunctionalCreateJacobian(F, &e->J));
  CHECK(MatGetSize(e->J, &e->N, &e->p));
  CHECK(MatCreateVecs(e->J, NULL, &e->R));
  CHECK(EngdFunctionalResidual(F, e->R));
  CHECK(PetscMalloc1(e->p, &e->d));
  (void)LeastSquares(F, rcond, e->d);
}

static void EndExact(Exact *e)
{
  CHECK(MatDestroy(&e->J));
  CHECK(VecDestroy(&e->R));
  CHECK(PetscFree(e->d));
}

/* |J d + R| */
static PetscReal ResidualOf(Exact *e, Vec d)
{
  PetscReal norm;
  Vec       sum;

  CHECK(VecDuplicate(e->R, &sum));
  CHECK(MatMultAdd(e->J, d, e->R, sum));
  CHECK(VecNorm(sum, NORM_2, &norm));
  CHECK(VecDestroy(&sum));
  return norm;
}

static void AgreesWithLeastSquares(const Case *which, const char problem[], const char options[], PetscReal rcond,
                                   PetscBool alike, PetscReal tolerance)
{
  PetscReal *d;
  PetscInt   its;
  Exact      e;
  Frame      f;

  BeginFrame(which, "randomized", problem, options, &f);
  CHECK(PetscMalloc1(f.s->p, &d));
  for (PetscInt k = 0; k < (alike ? 2 : 1); k++) { /* at full rank the second range need not be all there is */
    if (alike) CHECK(VecSet(f.s->theta, 0.3 + 0.1 * k));
    CHECK(ComputeDirection(&f, f.s->theta, 1, &its));
    BeginExact(f.s->F, rcond, &e);
    Whole(f.d, d);
    CloseAll(which->name, (size_t)f.s->p, d, e.d, tolerance);
    assert_true(f.direction->damping == rcond);
    EndExact(&e);
  }
  CHECK(PetscFree(d));
  EndFrame(&f);
}

static const char *const shapes[] = {"", "-network_layers 20", "-engd_block_points 7 -network_layers 3"};

/* the range is all there is */
static void TestFullRank(void **state)
{
  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(shapes); c++) {
    AgreesWithLeastSquares(&poisson, shapes[c], "-tao_engd_rcond 1e-3", 1e-3, PETSC_FALSE, 1e-10);
    AgreesWithLeastSquares(&poisson, shapes[c], "-tao_engd_rcond 1e-6", 1e-6, PETSC_FALSE, 1e-7);
  }
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(cases); c++) {
    if (!cases[c].energy) AgreesWithLeastSquares(&cases[c], "", "-tao_engd_rcond 1e-5", 1e-5, PETSC_FALSE, 1e-8);
  }
}

/* hidden units that are all alike: J has a rank of at most five */
static void TestLowRank(void **state)
{
  (void)state;
  for (size_t c = 0; c < 2; c++) {
    AgreesWithLeastSquares(&poisson, shapes[c], "-tao_engd_rcond 1e-8 -tao_engd_randomized_rank 9", 1e-8, PETSC_TRUE,
                           1e-5);
    AgreesWithLeastSquares(&poisson, shapes[c],
                           "-tao_engd_rcond 1e-8 -tao_engd_randomized_rank 9 -tao_engd_randomized_power 1", 1e-8,
                           PETSC_TRUE, 1e-5);
  }
}

/* a rank that is found, far below that of J: the residual is nearly as small as with the exact singular vectors */
static void TestAdaptive(void **state)
{
  const char *const power[] = {"", " -tao_engd_randomized_power 2"};

  (void)state;
  for (size_t k = 0; k < 2; k++) {
    char      options[128];
    PetscReal before, after, best;
    PetscInt  its;
    Exact     e;
    Frame     f;

    snprintf(options, sizeof(options), "-tao_engd_rcond 1e-3%s", power[k]);
    BeginFrame(&poisson, "randomized", "-network_layers 20,20 -pde_points 196 -wall_points 40", options, &f);
    for (PetscInt turn = 0; turn < 2; turn++) {
      CHECK(ComputeDirection(&f, f.s->theta, 1, &its));
      BeginExact(f.s->F, 1e-3, &e);
      after = ResidualOf(&e, f.d);
      CHECK(VecNorm(e.R, NORM_2, &before));
      for (PetscInt j = 0; j < e.p; j++) CHECK(VecSetValue(f.d, j, e.d[j], INSERT_VALUES));
      CHECK(VecAssemblyBegin(f.d));
      CHECK(VecAssemblyEnd(f.d));
      best = ResidualOf(&e, f.d);
      assert_true(best < 0.5 * before);
      if (!(after <= (k ? 1.01 : 1.2) * best)) fail_msg("%s: %g, not %g", options, (double)after, (double)best);
      EndExact(&e);
      CHECK(VecScale(f.s->theta, 1.01));
    }
    EndFrame(&f);
  }
}

/* attempt k is the direction of a cut-off 10^(k/2) times larger, of the same factors, until the cut-off is 1 */
static void TestRetry(void **state)
{
  PetscReal *d;
  PetscBool  more;
  PetscInt   its;
  Frame      f;

  (void)state;
  BeginFrame(&poisson, "randomized", "", "-tao_engd_rcond 2e-6", &f);
  CHECK(PetscMalloc1(f.s->p, &d));
  CHECK(ComputeDirection(&f, f.s->theta, 1, &its));
  for (PetscInt k = 1; k < 14; k++) {
    const PetscReal cutoff = 2e-6 * PetscPowReal(10, (PetscReal)k / 2);
    Exact           e;

    CHECK((*f.direction->ops->retry)(f.direction, f.solver, k, f.d, &more));
    assert_true(more == (k < 12));
    if (!more) continue;
    BeginExact(f.s->F, cutoff, &e);
    Whole(f.d, d);
    CloseAll("retry", (size_t)f.s->p, d, e.d, 1e-13 / cutoff + 1e-10);
    Close("cut-off", f.direction->damping, cutoff, 1e-12 * cutoff);
    EndExact(&e);
  }
  CHECK(PetscFree(d));
  EndFrame(&f);
}

static void TestTraining(void **state)
{
  const char *const options[] = {"-tao_engd_rcond 1e-6", "-tao_engd_randomized_rank 20 -tao_engd_rcond 1e-6",
                                 "-tao_engd_momentum 0.5 -tao_engd_rcond 1e-5"};

  (void)state;
  Trains("randomized", PETSC_STATIC_ARRAY_LENGTH(options), options, 1e-2);
}

static void TestRefusals(void **state)
{
  PetscInt its;
  Frame    f;

  (void)state;
  Refused(&poisson, "-tao_engd_direction randomized -engd_memory_limit 1e4");
  Refused(&poisson, "-tao_engd_direction randomized -tao_engd_randomized_rank 34"); /* of 37 x 33 */
  Refused(&poisson, "-tao_engd_direction randomized -tao_engd_randomized_rank 38 -network_layers 20");
  Refused(&poisson, "-tao_engd_direction randomized -tao_engd_randomized_rank -1");
  Refused(&poisson, "-tao_engd_direction randomized -tao_engd_randomized_power -1");
  Refused(&poisson, "-tao_engd_direction randomized -tao_engd_rcond 1");
  Refused(&poisson, "-tao_engd_direction randomized -tao_engd_curvature l2");
  Refused(&ritz, "-tao_engd_direction randomized");
  BeginFrame(&poisson, "randomized", "", "", &f);
  CHECK(VecScale(f.s->theta, 1e160));
  assert_int_equal(EngdExitCode(ComputeDirection(&f, f.s->theta, 1, &its)), ENGD_EXIT_NUMERICS);
  CHECK(ComputeDirection(&f, f.s->w, 1, &its)); /* and it is fit for use again */
  EndFrame(&f);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestFullRank), cmocka_unit_test(TestLowRank),  cmocka_unit_test(TestAdaptive),
      cmocka_unit_test(TestRetry),    cmocka_unit_test(TestTraining), cmocka_unit_test(TestRefusals),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("randomized", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
