/*
  Where a run begins whose options leave it open: the same on any number of ranks and in any units; what options say wins.
  ranks: 1 3
*/
#include "functionals.h"

#define POISSON                                                                                                      \
  "-domain_coordinates x,y -network_layers 12 -engd_test_points 5 -engd_monitor false -engd_start least_squares "    \
  "-terms pde,wall "                                                                                                 \
  "-pde_points 100 -wall_region boundary -wall_points 40 -wall_residual u-x/L "
#define UNITS(length)                                                                                                \
  "-domain_lower 0,0 -domain_upper " length "," length " -parameters L=" length                                      \
  " -pde_residual lap(u)+sin(pi*x/L)*sin(pi*y/L)/L^2 "

static void MakeRun(MPI_Comm comm, const char problem[], const char options[], EngdRun *run)
{
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, problem));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdRunCreate(comm, run));
  CHECK(EngdRunSetFromOptions(*run));
  CHECK(EngdRunSetUp(*run));
}

/* the loss at the parameters of a run */
static PetscReal Loss(EngdRun run)
{
  PetscReal loss;

  CHECK(EngdFunctionalSetParameters(run->functional, run->theta));
  CHECK(EngdFunctionalEvaluate(run->functional, &loss, NULL));
  return loss;
}

/* theta of a run, whole; free() it */
static PetscReal *WholeTheta(EngdRun run)
{
  PetscReal *copy;

  CHECK(EngdFunctionalSetParameters(run->functional, run->theta));
  copy = malloc(run->network->nparameters * sizeof(PetscReal));
  assert_non_null(copy);
  CHECK(PetscArraycpy(copy, run->functional->present.theta, run->network->nparameters));
  return copy;
}

/* a beginning on one rank is that on all of them; in other units the last layer is the same; both lower the loss */
static void TestSame(void **state)
{
  const char *const units[] = {POISSON UNITS("1"), POISSON UNITS("1e-7"), POISSON UNITS("1e5")};
  EngdRun           first, other;
  PetscReal        *a, *b, weight;

  (void)state;
  MakeRun(PETSC_COMM_SELF, units[0], "", &first);
  assert_true(first->origin.placed && first->origin.balanced);
  a = WholeTheta(first);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(units); k++) {
    PetscReal most = 0;

    MakeRun(PETSC_COMM_WORLD, units[k], "", &other);
    b = WholeTheta(other);
    for (PetscInt j = k ? 36 : 0; j < 49; j++) most = PetscMax(most, PetscAbsReal(a[j] - b[j]));
    assert_true(most < 1e-7);
    weight = first->problem->term[1]->weight / first->problem->term[0]->weight;
    if (!k)
      assert_true(PetscAbsReal(other->problem->term[1]->weight / other->problem->term[0]->weight / weight - 1) <
                  1e-9);
    assert_true(Loss(other) <
                0.5 * other->problem->term[1]->weight / 6); /* of u = 0: the mean of (x/L)^2/2 and more */
    free(b);
    CHECK(EngdRunDestroy(&other));
  }
  free(a);
  CHECK(EngdRunDestroy(&first));
}

/* weights of terms, initial weights and optimisers that options name are left as they are */
static void TestSaid(void **state)
{
  const struct {
    const char *options;
    PetscBool   balanced, placed;
    PetscInt    stages;
  } c[] = {{"", PETSC_TRUE, PETSC_TRUE, 7},
           {"-wall_weight 1", PETSC_FALSE, PETSC_TRUE, 7},
           {"-network_init_scale 1", PETSC_FALSE, PETSC_FALSE, 1},
           {"-tao_max_it 200", PETSC_TRUE, PETSC_TRUE, 1},
           {"-engd_stages engd", PETSC_TRUE, PETSC_TRUE, 1},
           {"-engd_start none", PETSC_FALSE, PETSC_FALSE, 1},
           {"-network_layers 24,24 -pde_points 900", PETSC_TRUE, PETSC_TRUE, 4},
           {"-network_layers 24,24", PETSC_TRUE, PETSC_TRUE, 5},
           {"-network_layers 60,60", PETSC_TRUE, PETSC_TRUE, 5},
           {"-pde_resample 5", PETSC_TRUE, PETSC_TRUE, 1}};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    EngdRun run;
    Vec     standard;

    MakeRun(PETSC_COMM_WORLD, POISSON UNITS("1"), c[k].options, &run);
    CHECK(VecDuplicate(run->theta, &standard));
    CHECK(EngdNetworkInitialize(run->network, run->problem->seed, standard));
    CHECK(VecAXPY(standard, -1, run->theta));
    PetscReal norm;
    CHECK(VecNorm(standard, NORM_2, &norm));
    assert_int_equal(run->origin.balanced, c[k].balanced);
    assert_int_equal(run->problem->term[0]->weight != run->problem->term[1]->weight, c[k].balanced);
    assert_int_equal(run->origin.placed, c[k].placed);
    assert_int_equal(norm > 0, c[k].placed);
    assert_int_equal(run->nstages, c[k].stages);
    CHECK(VecDestroy(&standard));
    CHECK(EngdRunDestroy(&run));
  }
  CHECK(PetscOptionsClear(NULL));
}

/* a plan of few iterations, whose stage again makes the loss larger; *start <- the loss before */
static void SolvePlan(const char options[], EngdRun *run, PetscReal *start)
{
  FILE *before = PETSC_STDOUT;
  char  all[1024];

  CHECK(PetscSNPrintf(all, sizeof(all),
                      "%s -valley_tao_max_it 12 -slopes_tao_max_it 1 -digits_tao_max_it 1 -wide_tao_max_it 1 "
                      "-again_tao_max_it 1 -again_tao_engd_step fixed -again_tao_engd_step_length 1e3 "
                      "-again_tao_engd_accept_increase -more_tao_max_it 1 -last_tao_max_it 1",
                      options));
  MakeRun(PETSC_COMM_WORLD, POISSON UNITS("1"), all, run);
  *start       = Loss(*run);
  PETSC_STDOUT = fopen("/dev/null", "w");
  CHECK(EngdRunSolve(*run));
  (void)fclose(PETSC_STDOUT);
  PETSC_STDOUT = before;
  CHECK(PetscOptionsClear(NULL));
}

/* a run ends with the best parameters of its stages, here those of the first one */
static void TestBest(void **state)
{
  EngdRun   run;
  PetscReal start;

  (void)state;
  SolvePlan("", &run, &start);
  assert_int_equal(run->present, 6);
  assert_true(run->plan.loss < 0.1 * start);
  assert_true(PetscAbsReal(Loss(run) / run->plan.loss - 1) < 1e-9);
  CHECK(EngdRunDestroy(&run));
}

/* where residuals are few for the parameters they get more points, and stages that were created before follow */
static void TestMorePoints(void **state)
{
  EngdRun   run;
  PetscReal start;
  PetscInt  N;

  (void)state;
  SolvePlan("-network_layers 60,60", &run, &start);
  CHECK(EngdExplicitCountAllRows(run->functional, &N));
  assert_false(run->plan.dense);
  assert_true(run->plan.points >= 2);
  assert_int_equal(N, 140 * run->plan.points);
  CHECK(EngdRunDestroy(&run));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSame), cmocka_unit_test(TestSaid),
                                     cmocka_unit_test(TestBest), cmocka_unit_test(TestMorePoints)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
