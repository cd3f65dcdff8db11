/*
  A second TaoSolve() from the same parameters is the first one again: moments, averages, operators and their factors are
  forgotten, also when the options are read once more in between, and another direction is then the one that solves.
  ranks: 1 2
*/
#include "solver_record.h"

#define RUN 6 /* records of a run */
#define FIXED                                                                                                        \
  "-tao_engd_step fixed -tao_engd_step_length 0.5 -tao_engd_accept_increase -tao_engd_damping 0.1 "                  \
  "-tao_engd_direction "

/* a run with these options, and one with more by the same Tao; do they agree */
static void RunTwice(const char first[], const char second[], PetscBool same)
{
  Setting   s;
  Record    r;
  Vec       start;
  Tao       tao;
  PetscReal difference = 0;

  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  r = (Record){.p = s.p};
  CHECK(PetscMalloc1(MAX_RECORDS * s.p, &r.theta));
  CHECK(VecDuplicate(s.theta, &start));
  CHECK(VecCopy(s.theta, start));
  CHECK(PetscOptionsInsertString(NULL, "-ksp_max_it 5"));
  CHECK(PetscOptionsInsertString(NULL, first));
  CreateTao(&s, "-tao_max_it 5", &tao);
  CHECK(TaoMonitorSet(tao, Watch, &r, NULL));
  CHECK(TaoSolve(tao));
  CHECK(VecCopy(start, s.theta));
  if (second) CHECK(PetscOptionsInsertString(NULL, second));
  if (second) CHECK(TaoSetFromOptions(tao));
  CHECK(TaoSolve(tao));
  CHECK(PetscOptionsClear(NULL));
  assert_int_equal(r.n, 2 * RUN);
  for (PetscInt i = 0; i < RUN * s.p; i++)
    difference = PetscMax(difference, PetscAbsReal(r.theta[i] - r.theta[RUN * s.p + i]));
  if ((difference < 1e-9) != same) fail_msg("%s, then %s: differ by %g", first, second, (double)difference);
  CHECK(TaoDestroy(&tao));
  CHECK(VecDestroy(&start));
  CHECK(PetscFree(r.theta));
  End(&s);
}

static void TestAgain(void **state)
{
  const char *const options[] = {"-tao_type adam",
                                 "-tao_type sgd -tao_sgd_relative_rate 0.1 -tao_sgd_momentum 0.9",
                                 FIXED "dense -tao_engd_dense_ema 0.6",
                                 FIXED "dense -tao_engd_dense_type absolute -tao_engd_dense_refresh 3",
                                 "-tao_engd_direction dense -tao_engd_dense_type cubic -tao_engd_dense_cubic 100",
                                 "-tao_engd_direction tsvd",
                                 FIXED "dual -tao_engd_dual_momentum 0.5",
                                 FIXED "krylov -pc_type none -tao_engd_momentum 0.5"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    RunTwice(options[k], NULL, PETSC_TRUE);
    RunTwice(options[k], options[k], PETSC_TRUE);
  }
}

static void TestOtherDirection(void **state)
{
  const char *const types[] = {"tsvd", "dense", "dual", "krylov", "randomized"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(types); k++) {
    char first[256], second[256];

    snprintf(first, sizeof(first), FIXED "%s", types[k]);
    snprintf(second, sizeof(second), FIXED "%s -tao_engd_damping 1", types[(k + 1) % 5]);
    RunTwice(first, second, PETSC_FALSE);
  }
  RunTwice(FIXED "dense", "-tao_engd_structure layer", PETSC_FALSE);
  RunTwice("-tao_type sgd", "-tao_sgd_relative_rate 0.1", PETSC_FALSE);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestAgain), cmocka_unit_test(TestOtherDirection)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("again", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
