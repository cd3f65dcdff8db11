/*
  Runs as objects: made by options or by setters, what ends them.
  ranks: 1 2
*/
#include "solver_case.h"

typedef struct {
  PetscInt n; /* iterations seen, the zeroth too */
} Watched;

static PetscErrorCode CountIterations(Tao tao, void *data)
{
  PetscFunctionBeginUser;
  (void)tao;
  ((Watched *)data)->n++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a run of these options, set up, silent */
static void MakeRun(const char problem[], const char options[], EngdRun *run)
{
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, problem));
  CHECK(PetscOptionsInsertString(NULL, "-engd_monitor false -ksp_max_it 15"));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, run));
  CHECK(EngdRunSetFromOptions(*run));
}

static void Silence(FILE **before)
{
  *before      = PETSC_STDOUT;
  PETSC_STDOUT = fopen("/dev/null", "w");
}

static void Speak(FILE *before)
{
  (void)fclose(PETSC_STDOUT);
  PETSC_STDOUT = before;
}

/* the budget of seconds ends any optimiser after one iteration, by the option, by the setter, or that of a stage; then the run
   with it unless it is the stage's own */
static void TestBudget(void **state)
{
  const struct {
    const Case *which;
    const char *options;
    PetscReal   seconds;
    PetscInt    stage, n; /* the last one, and its iterations; -1: not known */
  } c[] = {
      {&poisson, "-engd_max_seconds 1e-6 -tao_max_it 50", 0, 0, 2},
      {&poisson, "-tao_max_it 50", 1e-6, 0, 2},
      {&poisson, "-tao_type brgn -engd_max_seconds 1e-6 -tao_max_it 50", 0, 0, -1},
      {&ritz, "-tao_type adam -engd_max_seconds 1e-6", 0, 0, 2},
      {&ritz, "-tao_type lmvm -engd_max_seconds 1e-6", 0, 0, 2},
      {&poisson, "-engd_stages adam,engd -engd_max_seconds 1e-6", 0, 0, 2},
      {&poisson,
       "-engd_stages sgd,adam -sgd_tao_sgd_learning_rate 1e-6 -sgd_engd_max_seconds 1e-6 "
       "-adam_engd_max_seconds 1e-6",
       0, 1, 2},
  };

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    Watched            watched = {0};
    TaoConvergedReason reason;
    FILE              *before;
    EngdRun            run;
    Tao                tao;

    MakeRun(c[k].which->options, c[k].options, &run);
    if (c[k].seconds > 0) CHECK(EngdRunSetMaxSeconds(run, c[k].seconds));
    CHECK(EngdRunSetUp(run));
    CHECK(EngdRunGetTao(run, c[k].stage, &tao));
    CHECK(TaoMonitorSet(tao, CountIterations, &watched, NULL));
    Silence(&before);
    CHECK(EngdRunSolve(run));
    Speak(before);
    CHECK(TaoGetConvergedReason(tao, &reason));
    assert_int_equal(reason, TAO_CONVERGED_USER);
    if (c[k].n >= 0) assert_int_equal(watched.n, c[k].n);
    CHECK(EngdRunDestroy(&run));
  }
  CHECK(PetscOptionsClear(NULL));
}

/* what the setters say is what the options say, and the target ends the run where the error is below it */
static void TestSetters(void **state)
{
  const char *const options[] = {
      "-exact_u sin(pi*x)*sin(pi*y) -tao_max_it 60 -adam_tao_max_it 5",
      "-exact_u sin(pi*x)*sin(pi*y) -tao_max_it 60 -adam_tao_max_it 5 -engd_stages adam,engd -engd_target_error 0.5"};
  EngdErrorNorms norms[2];
  FILE          *before;

  (void)state;
  for (PetscInt k = 0; k < 2; k++) {
    EngdRun    run;
    EngdReport report;

    MakeRun(poisson.options, options[k], &run);
    if (k == 0) {
      CHECK(EngdRunSetStages(run, "adam,engd"));
      CHECK(EngdRunSetTargetError(run, 0.5));
    }
    CHECK(EngdRunSetUp(run));
    Silence(&before);
    CHECK(EngdRunSolve(run));
    Speak(before);
    CHECK(EngdRunGetReport(run, &report));
    norms[k] = report->errors->all;
    assert_true(run->present == 1 && run->end == ENGD_END_BY_TARGET);
    CHECK(EngdRunDestroy(&run));
  }
  assert_true(norms[0].relative_l2 <= 0.5 && norms[0].relative_l2 > 0);
  assert_true(norms[0].relative_l2 == norms[1].relative_l2);
  CHECK(PetscOptionsClear(NULL));
}

/* what comes too early, twice or behind an error says so, and leaves all memory as it was */
static void TestOrder(void **state)
{
  EngdRun run;

  (void)state;
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, poisson.options));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, &run));
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  assert_int_equal(EngdRunSolve(run), PETSC_ERR_ORDER);
  assert_int_equal(EngdRunSetUp(run), PETSC_ERR_ORDER);
  CHECK(EngdRunSetFromOptions(run));
  assert_int_equal(EngdRunSetFromOptions(run), PETSC_ERR_ORDER);
  CHECK(EngdRunSetUp(run));
  CHECK(EngdRunSetUp(run));
  CHECK(EngdRunDestroy(&run));
  CHECK(PetscOptionsInsertString(NULL, "-tao_engd_direction krylov -ksp_type qcg"));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, &run));
  CHECK(EngdRunSetFromOptions(run));
  assert_int_equal(EngdRunSetUp(run), PETSC_ERR_SUP);
  assert_int_equal(EngdRunSetUp(run), PETSC_ERR_ORDER);
  assert_int_equal(EngdRunSolve(run), PETSC_ERR_ORDER);
  CHECK(PetscPopErrorHandler());
  CHECK(EngdRunDestroy(&run));
  CHECK(PetscOptionsClear(NULL));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestBudget), cmocka_unit_test(TestSetters),
                                     cmocka_unit_test(TestOrder)};
  int                     failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests_name("run", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failures;
}
