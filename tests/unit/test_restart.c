/*
  Runs that are interrupted and go on: as if nothing had happened, or refused in a sentence that names what does not fit.
  ranks: 1 3; errors leak
*/
#define _GNU_SOURCE /* mkdtemp, truncate */
#include "solver_case.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char        directory[] = "/tmp/engd_restart_XXXXXX", message[2048];
static PetscMPIInt rank, size;

static PetscErrorCode Keep(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                           PetscErrorType type, const char *text, void *data)
{
  (void)comm, (void)line, (void)function, (void)file, (void)data;
  if (type == PETSC_ERROR_INITIAL) (void)PetscStrncpy(message, text, sizeof(message));
  return code;
}

/* the path of a file of this test */
static const char *Path(const char name[])
{
  static char path[2][256];
  static int  k = 0;

  k = 1 - k;
  snprintf(path[k], sizeof(path[k]), "%s/%s", directory, name);
  return path[k];
}

/* after which iteration of the run the last rank gets a signal, -1: never */
static PetscInt signal_at = -1;
static int      signal_number;

static PetscErrorCode Interrupt(Tao tao, void *data)
{
  const EngdRun run = (EngdRun)data;

  PetscFunctionBeginUser;
  (void)tao;
  if (run->last_row == signal_at && rank == size - 1) raise(signal_number);
  if (run->last_row == signal_at + 1 && signal_number == SIGUSR1 && signal_at >= 0 && rank == 0)
    assert_int_equal(rename(Path("asked.h5"), Path("kept.h5")), 0); /* the end writes another */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a run of poisson with these options, set up */
static void Make(const char options[], const char checkpoint[], const char restart[], EngdRun *run)
{
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, poisson.options));
  CHECK(PetscOptionsInsertString(NULL, "-engd_monitor_every 100 -ksp_max_it 15"));
  CHECK(PetscOptionsInsertString(NULL, options));
  if (checkpoint) CHECK(PetscOptionsSetValue(NULL, "-engd_checkpoint", Path(checkpoint)));
  if (restart) CHECK(PetscOptionsSetValue(NULL, "-engd_restart", Path(restart)));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, run));
  CHECK(EngdRunSetFromOptions(*run));
  CHECK(EngdRunListen(*run, PETSC_TRUE));
  CHECK(EngdRunSetUp(*run));
  for (PetscInt k = 0; k < (*run)->nstages; k++) {
    Tao tao;

    CHECK(EngdRunGetTao(*run, k, &tao));
    CHECK(TaoMonitorSet(tao, Interrupt, *run, NULL));
  }
}

/* theta, and the numbers that a run came to */
typedef struct {
  PetscReal *theta;
  PetscInt   p, stage, iterations, krylov, nrows;
  PetscInt64 evaluations;
} Result;

static void Finish(EngdRun *run, Result *result)
{
  EngdOutcome outcome;

  CHECK(EngdRunGetOutcome(*run, &outcome));
  CHECK(VecGetSize((*run)->theta, &result->p));
  CHECK(PetscMalloc1(result->p, &result->theta));
  Whole((*run)->theta, result->theta);
  result->stage       = (*run)->present;
  result->iterations  = outcome.iterations;
  result->krylov      = outcome.krylov_iterations;
  result->evaluations = outcome.evaluations;
  result->nrows       = (*run)->spectrum->nrows;
  CHECK(EngdRunDestroy(run));
}

/* the end of an unbroken run, and of one that signals break twice, bit for bit */
static void TestBroken(void **state)
{
  const struct {
    const char *options;
    PetscInt    after[2];
  } c[] = {
      {"-tao_engd_direction dense -tao_engd_dense_ema 0.6 -pde_resample 3 -pde_sampler sobol -tao_max_it 11", {2, 7}},
      {"-tao_engd_direction krylov -tao_engd_step quadratic -ksp_type preonly -pc_type kfac -pc_kfac_ema 0.6 "
       "-tao_max_it 9",
       {0, 4}},
      {"-engd_stages adam,sgd,engd -sgd_tao_sgd_momentum 0.5 -sgd_tao_sgd_learning_rate 1e-5 -pde_resample 4 "
       "-pde_sampler uniform -adam_tao_max_it 6 -sgd_tao_max_it 5 -engd_tao_max_it 4",
       {3, 8}},
      {"-exact_u sin(pi*x)*sin(pi*y) -engd_stages adam,engd -spectrum gramian -spectrum_every 2 -adam_tao_max_it 5 "
       "-engd_tao_max_it 60 -engd_target_error 0.5",
       {4, 6}},
      {"-tao_engd_direction dense -pde_adapt rad -wall_adapt rar -wall_adapt_times 2 -pde_resample 2 -wall_resample "
       "3 "
       "-tao_max_it 9",
       {3, 6}},
      {"-terms ritz,wall -ritz_energy normsq(grad(u))/2-u -ritz_points 16 -wall_multipliers 2 -tao_engd_direction "
       "dense -tao_engd_dense_ema 0.6 -tao_max_it 9",
       {3, 6}},
      {"-domain_time 0,1 -terms pde,wall,start -pde_residual u_t-lap(u) -pde_adapt rad -pde_resample 2 -start_region "
       "initial "
       "-start_points 12 -start_residual u-x*(1-x) -engd_windows 3 -pde_causal 3 -tao_engd_direction dense "
       "-tao_max_it 4",
       {2, 7}},
  };

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    PetscBool interrupted;
    Result    whole, parts;
    EngdRun   run;

    signal_at = -1;
    Make(c[k].options, NULL, NULL, &run);
    CHECK(SolveQuietly(run));
    Finish(&run, &whole);
    for (PetscInt part = 0; part < 3; part++) {
      signal_at     = part < 2 ? c[k].after[part] : -1;
      signal_number = part ? SIGINT : SIGTERM;
      Make(c[k].options, "c.h5", part ? "c.h5" : NULL, &run);
      CHECK(SolveQuietly(run));
      CHECK(EngdRunIsInterrupted(run, &interrupted));
      assert_int_equal(interrupted, part < 2);
      assert_true(part == 2 || run->last_row == c[k].after[part]);
      if (part < 2) CHECK(EngdRunDestroy(&run));
    }
    Finish(&run, &parts);
    assert_int_equal(parts.iterations, whole.iterations);
    assert_int_equal(parts.stage, whole.stage);
    assert_int_equal(parts.krylov, whole.krylov);
    assert_int_equal(parts.evaluations, whole.evaluations);
    assert_int_equal(parts.nrows, whole.nrows);
    for (PetscInt j = 0; j < whole.p; j++) assert_true(parts.theta[j] == whole.theta[j]);
    CHECK(PetscFree(whole.theta));
    CHECK(PetscFree(parts.theta));
  }
}

/* SIGUSR1 writes and goes on; a restart from there ends at the same theta. PETSc's own types begin anew, from these parameters, and
   -tao_max_it counts from the beginning */
static void TestAsked(void **state)
{
  const char *const options[] = {"-tao_type adam -tao_max_it 8", "-tao_type lmvm -tao_max_it 8"};

  (void)state;
  signal_number = SIGUSR1;
  for (PetscInt k = 0; k < 2; k++) {
    PetscBool interrupted;
    Result    whole, parts;
    EngdRun   run;

    for (PetscInt part = 0; part < 2; part++) {
      signal_at = part ? -1 : 3;
      Make(options[k], part ? NULL : "asked.h5", part ? "kept.h5" : NULL, &run);
      CHECK(SolveQuietly(run));
      CHECK(EngdRunIsInterrupted(run, &interrupted));
      assert_false(interrupted);
      Finish(&run, part ? &parts : &whole);
    }
    assert_int_equal(whole.iterations, 8);
    assert_int_equal(parts.iterations, 8);
    if (k == 0) {
      for (PetscInt j = 0; j < whole.p; j++) assert_true(parts.theta[j] == whole.theta[j]);
    }
    CHECK(PetscFree(whole.theta));
    CHECK(PetscFree(parts.theta));
  }
}

/* begin.h5: what a run of one iteration leaves; cut.h5, text.h5: not what they seem */
static void WriteFiles(void)
{
  EngdRun run;
  FILE   *file;

  signal_at = -1;
  Make("-tao_max_it 1", "begin.h5", NULL, &run);
  CHECK(SolveQuietly(run));
  CHECK(EngdRunDestroy(&run));
  Make("-tao_max_it 1", "cut.h5", NULL, &run);
  CHECK(SolveQuietly(run));
  CHECK(EngdRunDestroy(&run));
  if (rank == 0) {
    assert_int_equal(truncate(Path("cut.h5"), 3000), 0);
    file = fopen(Path("text.h5"), "w");
    assert_non_null(file);
    fprintf(file, "no checkpoint\n");
    (void)fclose(file);
  }
  CHECK(MPI_Barrier(PETSC_COMM_WORLD));
}

static void TestRefused(void **state)
{
  const struct {
    const char *file, *options, *says;
  } c[] = {
      {"begin.h5", "-pde_points 36", "-pde_points is 25 in the file and 36 here"},
      {"begin.h5", "-pde_residual lap(u)+1",
       "-pde_residual is lap(u)+2*pi^2*sin(pi*x)*sin(pi*y) in the file and lap(u)+1"},
      {"begin.h5", "-wall_sampler uniform", "-wall_sampler is not set in the file and uniform here"},
      {"begin.h5", "-domain_upper 1,2", "-domain_upper is 1,1 in the file and 1,2 here"},
      {"begin.h5", "-network_layers 9", "-network_layers is 8 in the file and 9 here"},
      {"begin.h5", "-network_activation sin", "-network_activation is not set in the file and sin here"},
      {"begin.h5", "-engd_seed 1", "-engd_seed is not set in the file and 1 here"},
      {"begin.h5", "-tao_type adam", "is engd in the file and adam here"},
      {"begin.h5", "-engd_stages adam,engd", "is engd in the file and adam, engd here"},
      {"begin.h5", "-tao_engd_direction dense", "in the file and dense here"},
      {"cut.h5", "", "truncated or damaged"},
      {"text.h5", "", "no HDF5 file"},
      {"none.h5", "", "No such file"},
  };

  (void)state;
  WriteFiles();
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    PetscErrorCode code;
    EngdRun        run;

    Make(c[k].options, NULL, c[k].file, &run);
    message[0] = 0;
    CHECK(PetscPushErrorHandler(Keep, NULL));
    code = SolveQuietly(run);
    CHECK(PetscPopErrorHandler());
    assert_int_equal(EngdExitCode(code), ENGD_EXIT_INPUT);
    if (!strstr(message, c[k].says) || !strstr(message, c[k].file))
      fail_msg("%s %s: message \"%s\" lacks \"%s\"", c[k].file, c[k].options, message, c[k].says);
    if (strchr(message, '\n')) fail_msg("more than a line: %s", message);
  }
}

/* what else says what theta means: a setter's word and a function count as text does */
#define MODEL "-network_inputs x,y^2 -ansatz_u x*u -unknown_parameters k=0.5 -pde_residual k*lap(u) -tao_max_it 1 "

static PetscErrorCode Residual(void *ctx, PetscInt n, const PetscReal x[], const PetscReal normal[],
                               const PetscReal argument[], PetscReal value[], PetscReal first[], PetscReal second[])
{
  (void)ctx, (void)x, (void)normal, (void)second;
  for (PetscInt i = 0; i < n; i++) {
    value[i] = argument[i] - 1;
    if (first) first[i] = 1;
  }
  return PETSC_SUCCESS;
}

/* a run of one iteration with a setter's ansatz, or with a function of these arguments, or of options alone */
static PetscErrorCode Train(const char options[], const char ansatz[], const char arguments[], const char restart[])
{
  PetscErrorCode code;
  EngdRun        run;

  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, poisson.options));
  CHECK(PetscOptionsInsertString(NULL, "-engd_monitor 0 -tao_max_it 1"));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, &run));
  if (ansatz) CHECK(EngdProblemSetAnsatz(run->problem, "u", ansatz));
  if (arguments) {
    CHECK(PetscOptionsClearValue(NULL, "-pde_residual"));
    CHECK(EngdProblemSetTermResidual(run->problem, "pde", arguments, 1, Residual, PETSC_FALSE, NULL, NULL));
  }
  if (restart)
    CHECK(EngdRunSetRestart(run, Path(restart)));
  else
    CHECK(EngdRunSetCheckpoint(run, Path("model.h5"), 0, 0));
  CHECK(EngdRunSetFromOptions(run));
  CHECK(EngdRunSetUp(run));
  message[0] = 0;
  CHECK(PetscPushErrorHandler(Keep, NULL));
  code = SolveQuietly(run);
  CHECK(PetscPopErrorHandler());
  if (!code) CHECK(EngdRunDestroy(&run));
  return code;
}

static void TestModelRefused(void **state)
{
  const struct {
    const char *options[2], *ansatz[2], *arguments[2], *says; /* of the file, and here */
  } c[] = {
      {{MODEL, MODEL "-network_inputs x,y"}, {0}, {0}, "-network_inputs is x,y^2 in the file and x,y here"},
      {{MODEL, MODEL "-ansatz_u x*u+y"}, {0}, {0}, "-ansatz_u is x*u in the file and x*u+y here"},
      {{MODEL, MODEL "-unknown_parameters k=1"}, {0}, {0}, "-unknown_parameters is k=0.5 in the file and k=1 here"},
      {{MODEL, MODEL}, {0}, {0}, ""},
      {{"", ""}, {"x*u", "y*u"}, {0}, "-ansatz_u is x*u in the file and y*u here"},
      {{"", ""}, {"x*u", NULL}, {0}, "-ansatz_u is x*u in the file and not set here"},
      {{"", "-ansatz_u x*u"}, {"x*u", NULL}, {0}, ""},
      {{"", ""},
       {0},
       {"lap(u)", "u"},
       "-pde_residual is a function of lap(u) to 1 numbers in the file and a function"},
      {{"", ""}, {0}, {"lap(u)", NULL}, "-pde_residual is a function of lap(u) to 1 numbers in the file and lap(u)"},
      {{"", ""}, {0}, {"lap(u)", "lap(u)"}, ""},
  };

  (void)state;
  signal_at = -1;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    PetscErrorCode code;

    CHECK(Train(c[k].options[0], c[k].ansatz[0], c[k].arguments[0], NULL));
    code = Train(c[k].options[1], c[k].ansatz[1], c[k].arguments[1], "model.h5");
    assert_int_equal(EngdExitCode(code), *c[k].says ? ENGD_EXIT_INPUT : 0);
    if (*c[k].says && !strstr(message, c[k].says))
      fail_msg("%d: message \"%s\" lacks \"%s\"", (int)k, message, c[k].says);
    if (strchr(message, '\n')) fail_msg("more than a line: %s", message);
  }
}

/* limits, outputs and the numbers that tune an optimiser may be others than in the file */
static void TestAllowed(void **state)
{
  const char *const options[] = {"-tao_max_it 3",     "-engd_max_seconds 100",    "-exact_u x",
                                 "-tao_engd_stall 7", "-engd_problem_name other", "-engd_test_points 10"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    EngdRun run;

    Make(options[k], NULL, "begin.h5", &run);
    CHECK(TaoSetMaximumIterations(run->stage[0].tao, 3));
    CHECK(SolveQuietly(run));
    assert_int_equal(run->last_row, 3);
    CHECK(EngdRunDestroy(&run));
  }
}

/* a history that a restart cannot go on with is left alone */
static void TestHistory(void **state)
{
  PetscErrorCode code;
  EngdRun        run;
  FILE          *file;
  char           text[64] = "";

  (void)state;
  if (rank == 0) {
    file = fopen(Path("h.csv"), "w");
    assert_non_null(file);
    fprintf(file, "other,columns\n0,1\n");
    (void)fclose(file);
  }
  Make("-tao_max_it 3", NULL, "begin.h5", &run);
  CHECK(EngdReportSetHistory(run->report, Path("h.csv")));
  message[0] = 0;
  CHECK(PetscPushErrorHandler(Keep, NULL));
  code = SolveQuietly(run);
  CHECK(PetscPopErrorHandler());
  assert_int_equal(EngdExitCode(code), ENGD_EXIT_INPUT);
  assert_non_null(strstr(message, "h.csv has other columns"));
  if (rank == 0) {
    file = fopen(Path("h.csv"), "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    (void)fclose(file);
    assert_string_equal(text, "other,columns\n");
  }
}

/* a checkpoint that cannot be written costs neither the training nor the answer, and is an error at the end */
static PetscErrorCode RemoveFolder(Tao tao, void *data)
{
  const EngdRun run = (EngdRun)data;

  PetscFunctionBeginUser;
  (void)tao;
  if (run->last_row == 2 && rank == 0) {
    assert_int_equal(remove(Path("folder/c.h5")), 0);
    assert_int_equal(remove(Path("folder")), 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void TestLost(void **state)
{
  PetscErrorCode code;
  EngdRun        run;

  (void)state;
  if (rank == 0) assert_int_equal(mkdir(Path("folder"), 0700), 0);
  CHECK(MPI_Barrier(PETSC_COMM_WORLD));
  signal_at = -1;
  Make("-tao_max_it 4 -engd_checkpoint_every 1", "folder/c.h5", NULL, &run);
  CHECK(TaoMonitorSet(run->stage[0].tao, RemoveFolder, run, NULL));
  message[0] = 0;
  CHECK(PetscPushErrorHandler(Keep, NULL));
  code = SolveQuietly(run);
  CHECK(PetscPopErrorHandler());
  assert_int_equal((int)code, PETSC_ERR_FILE_WRITE);
  assert_int_equal(run->last_row, 4);
  assert_non_null(strstr(message, "folder/c.h5"));
  CHECK(EngdRunDestroy(&run));
}

/* an optimiser that ends where the loss is no number: all is told, it is an error, and the checkpoint stays that of a good state.
   Newer versions of PETSc lock theta while the monitors run */
static PetscErrorCode Poison(Tao tao, void *data)
{
  const EngdRun run = (EngdRun)data;
  PetscInt      locks;
  Vec           theta;

  PetscFunctionBeginUser;
  PetscCall(TaoGetSolution(tao, &theta));
  if (run->last_row < 4) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecLockGet(theta, &locks));
  if (locks) PetscCall(VecLockReadPop(theta));
  PetscCall(VecSet(theta, NAN));
  if (locks) PetscCall(VecLockReadPush(theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void TestNotFinite(void **state)
{
  EngdRun   run;
  PetscReal theta;

  (void)state;
  signal_at = -1;
  Make("-tao_type adam -tao_max_it 4 -engd_checkpoint_every 2", "finite.h5", NULL, &run);
  CHECK(TaoMonitorSet(run->stage[0].tao, Poison, run, NULL));
  message[0] = 0;
  CHECK(PetscPushErrorHandler(Keep, NULL));
  assert_int_equal(EngdExitCode(SolveQuietly(run)), ENGD_EXIT_NUMERICS);
  CHECK(PetscPopErrorHandler());
  assert_non_null(strstr(message, "the training has come to a loss of nan"));
  assert_int_equal(run->written, 2);
  CHECK(EngdRunDestroy(&run));
  Make("-tao_type adam -tao_max_it 4", NULL, "finite.h5", &run);
  CHECK(SolveQuietly(run));
  assert_int_equal(run->last_row, 4);
  CHECK(VecNorm(run->theta, NORM_2, &theta));
  assert_true(theta > 0);
  CHECK(EngdRunDestroy(&run));
}

static int RemoveFiles(void)
{
  const char *const names[] = {"c.h5",    "asked.h5", "kept.h5",  "begin.h5", "cut.h5",
                               "text.h5", "h.csv",    "model.h5", "finite.h5"};

  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(names); k++) (void)remove(Path(names[k]));
  return remove(directory);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestBroken),  cmocka_unit_test(TestAsked),
                                     cmocka_unit_test(TestRefused), cmocka_unit_test(TestModelRefused),
                                     cmocka_unit_test(TestAllowed), cmocka_unit_test(TestHistory),
                                     cmocka_unit_test(TestLost),    cmocka_unit_test(TestNotFinite)};
  int                     failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  if (MPI_Comm_rank(PETSC_COMM_WORLD, &rank) || MPI_Comm_size(PETSC_COMM_WORLD, &size)) return 1;
  if (rank == 0 && !mkdtemp(directory)) return 1;
  if (MPI_Bcast(directory, sizeof(directory), MPI_CHAR, 0, PETSC_COMM_WORLD)) return 1;
  failures = cmocka_run_group_tests_name("restart", tests, NULL, NULL);
  if (rank == 0 && RemoveFiles()) failures++;
  return EngdFinalize() ? 1 : failures;
}
