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
  const PetscInt width = 3;
  PetscBool      left;
  EngdRun        run;

  (void)state;
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, poisson.options));
  CHECK(PetscOptionsInsertString(NULL, "-tao_max_it 1"));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, &run));
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  assert_int_equal(EngdRunSolve(run), PETSC_ERR_ORDER);
  assert_int_equal(EngdRunSetUp(run), PETSC_ERR_ORDER);
  CHECK(EngdRunSetFromOptions(run));
  assert_int_equal(EngdRunSetFromOptions(run), PETSC_ERR_ORDER);
  CHECK(EngdRunSetUp(run));
  CHECK(EngdRunSetUp(run));
  assert_int_equal(EngdRunSetStages(run, "adam"), PETSC_ERR_ORDER);
  assert_int_equal(EngdRunSetStart(run, "none"), PETSC_ERR_ORDER);
  assert_int_equal(EngdRunSetEvaluate(run, NULL), PETSC_ERR_ORDER);
  assert_int_equal(EngdProblemSetTermWeight(run->problem, "pde", 2), PETSC_ERR_ORDER);
  assert_int_equal(EngdNetworkSetLayers(run->network, 1, &width), PETSC_ERR_ORDER);
  assert_int_equal(EngdNetworkSetSizes(run->network, 1, 1), PETSC_ERR_ORDER);
  assert_int_equal(EngdNetworkSetType(run->network, "residual"), PETSC_ERR_ORDER);
  CHECK(SolveQuietly(run));
  CHECK(EngdRunDestroy(&run));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, &run));
  CHECK(EngdProblemSetTermWeight(run->problem, "pde", -2));
  assert_int_equal(EngdRunSetFromOptions(run), PETSC_ERR_USER_INPUT);
  CHECK(EngdRunDestroy(&run));
  CHECK(PetscOptionsHasName(NULL, NULL, "-pde_weight", &left));
  assert_false(left); /* in the database, for other problems */
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

/* the loss that a run on these ranks comes to in so many iterations */
static PetscReal Train(MPI_Comm comm, PetscInt iterations)
{
  char      options[64];
  EngdRun   run;
  PetscReal loss;

  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, poisson.options));
  CHECK(PetscSNPrintf(options, sizeof(options), "-engd_monitor false -tao_max_it %" PetscInt_FMT, iterations));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdRunCreate(comm, &run));
  CHECK(EngdRunSetFromOptions(run));
  CHECK(EngdRunSetUp(run));
  CHECK(SolveQuietly(run));
  CHECK(EngdFunctionalEvaluate(run->functional, &loss, NULL));
  CHECK(EngdRunDestroy(&run));
  CHECK(PetscOptionsClear(NULL));
  return loss;
}

/* runs on other ranks at the same time have their own options, iterations and results, those of a run on all ranks */
static void TestApart(void **state)
{
  PetscMPIInt rank;
  MPI_Comm    part;
  PetscReal   apart[2] = {0, 0}, together;

  (void)state;
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  CHECK(MPI_Comm_split(PETSC_COMM_WORLD, rank % 2, rank, &part));
  apart[rank % 2] = Train(part, rank % 2 ? 7 : 2);
  CHECK(MPI_Comm_free(&part));
  CHECK(MPI_Allreduce(MPI_IN_PLACE, apart, 2, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  for (PetscInt k = 0; k < 2; k++) {
    together = Train(PETSC_COMM_WORLD, k ? 7 : 2);
    assert_true(apart[k] == 0 || PetscAbsReal(apart[k] / together - 1) < 1e-6);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestBudget), cmocka_unit_test(TestSetters),
                                     cmocka_unit_test(TestOrder), cmocka_unit_test(TestApart)};
  int                     failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests_name("run", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failures;
}
