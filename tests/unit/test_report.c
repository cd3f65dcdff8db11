/*
  Reports: the monitor's lines, history, summary, table of the solution, the last line, files that cannot be written.
  ranks: 1 3; errors leak
*/
#define _GNU_SOURCE /* mkdtemp */
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "report_run.h"

static char        directory[] = "/tmp/engd_report_XXXXXX", message[2048], *stdout_text;
static PetscMPIInt rank;

static PetscErrorCode Catch(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                            PetscErrorType type, const char *text, void *data)
{
  (void)comm, (void)line, (void)function, (void)file, (void)data;
  if (type == PETSC_ERROR_INITIAL) (void)PetscStrncpy(message, text, sizeof(message));
  return code;
}

/* DIR in the options stands for a directory of this test */
static void MakeRunIn(const char options[], PetscInt nhidden, Run *run)
{
  const char *at;
  char       *text;

  text = calloc(strlen(options) + 1000, 1);
  assert_non_null(text);
  for (const char *rest = options; rest; rest = at ? at + 3 : NULL) {
    at = strstr(rest, "DIR");
    sprintf(text + strlen(text), "%.*s%s", at ? (int)(at - rest) : (int)strlen(rest), rest, at ? directory : "");
  }
  MakeRun(text, nhidden, run);
  free(text);
}

/* the file of this name in the directory, on rank 0; free() it; NULL if there is none */
static char *ReadFile(const char name[])
{
  char  path[256], *text = NULL;
  FILE *file;
  long  n;

  snprintf(path, sizeof(path), "%s/%s", directory, name);
  file = fopen(path, "r");
  if (!file) return NULL;
  (void)fseek(file, 0, SEEK_END);
  n = ftell(file);
  rewind(file);
  text = calloc((size_t)n + 1, 1);
  assert_non_null(text);
  assert_int_equal(fread(text, 1, (size_t)n, file), n);
  (void)fclose(file);
  (void)remove(path);
  return text;
}

/* the whole run, what rank 0 prints caught in stdout_text; free() it */
static PetscErrorCode RunAndCatchOutput(Run *run)
{
  FILE          *before = PETSC_STDOUT;
  size_t         size;
  PetscErrorCode code;

  PETSC_STDOUT = open_memstream(&stdout_text, &size);
  code         = EngdRunSolve(run->run);
  (void)fclose(PETSC_STDOUT);
  PETSC_STDOUT = before;
  return code;
}

static PetscInt CountLines(const char text[])
{
  PetscInt n = 0;

  for (; *text; text++) n += *text == '\n';
  return n;
}

/* the last line of text, without its end */
static const char *LastLine(char text[])
{
  char *last;

  assert_true(*text && text[strlen(text) - 1] == '\n');
  text[strlen(text) - 1] = 0;
  last                   = strrchr(text, '\n');
  return last ? last + 1 : text;
}

#define SQUARE                                                                                                       \
  " -domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -terms pde -pde_points 40 -pde_residual lap(u)-1 "

static PetscReal SummaryReal(PetscOptions summary, const char key[])
{
  PetscReal value = NAN;
  PetscBool set;

  OK(PetscOptionsGetReal(summary, NULL, key, &value, &set));
  if (!set) fail_msg("the summary lacks %s", key);
  return value;
}

static void AssertSummaryText(PetscOptions summary, const char key[], const char expected[])
{
  char      text[256];
  PetscBool set;

  OK(PetscOptionsGetString(summary, NULL, key, text, sizeof(text), &set));
  if (!set) fail_msg("the summary lacks %s", key);
  assert_string_equal(text, expected);
}

/* JSON is YAML, which PETSc reads: nested keys are joined by underscores */
static void CheckSummary(Run *run, PetscMPIInt ranks)
{
  char        *text = ReadFile("s.json");
  PetscOptions summary;
  PetscReal    l2 = run->report->errors->all.relative_l2;

  assert_non_null(text);
  OK(PetscOptionsCreate(&summary));
  OK(PetscOptionsInsertStringYAML(summary, text));
  AssertSummaryText(summary, "-version", ENGD_VERSION);
  AssertSummaryText(summary, "-converged_reason", "DIVERGED_MAXITS");
  AssertSummaryText(summary, "-problem", "a \"b\" \\c");
  AssertSummaryText(summary, "-options_pde_residual", "-lap(u) + 1");
  AssertSummaryText(summary, "-options_engd_problem_name", "a \"b\" \\c");
  assert_true(SummaryReal(summary, "-ranks") == ranks && SummaryReal(summary, "-points") == 36);
  assert_true(SummaryReal(summary, "-parameters") == 21 && SummaryReal(summary, "-iterations") == 5);
  assert_true(SummaryReal(summary, "-seed") == 3);
  assert_true(SummaryReal(summary, "-relative_l2_error") == l2 && SummaryReal(summary, "-relative_l2_error_u") == l2);
  assert_true(SummaryReal(summary, "-relative_h1_error") == run->report->errors->all.relative_h1);
  assert_true(SummaryReal(summary, "-max_error") == run->report->errors->all.max);
  assert_true(SummaryReal(summary, "-loss") == run->report->row[ENGD_COLUMN_LOSS]);
  assert_true(SummaryReal(summary, "-gradient_norm") == run->report->row[ENGD_COLUMN_GRADIENT]);
  assert_true(SummaryReal(summary, "-function_evaluations") >= 6);
  assert_true(SummaryReal(summary, "-seconds_total") > 0 && SummaryReal(summary, "-seconds_per_iteration") > 0);
  assert_true(SummaryReal(summary, "-krylov_iterations") >= 0 &&
              SummaryReal(summary, "-peak_memory_bytes") > 1e6 * ranks);
  OK(PetscOptionsDestroy(&summary));
  free(text);
}

/* the table of the test points: all of them, the errors of the summary are in it */
static void CheckSolution(Run *run)
{
  char     *text  = ReadFile("u.csv"), *line;
  PetscReal max   = 0;
  PetscInt  count = 0;

  assert_non_null(text);
  line = strtok(text, "\n");
  assert_string_equal(line, "x,y,u,exact_u");
  for (line = strtok(NULL, "\n"); line; line = strtok(NULL, "\n"), count++) {
    double x, y, u, exact;

    assert_int_equal(sscanf(line, "%lf,%lf,%lf,%lf", &x, &y, &u, &exact), 4);
    assert_true(exact == x * x - y);
    max = PetscMax(max, PetscAbsReal(u - exact));
  }
  assert_int_equal(count, 100);
  assert_true(PetscAbsReal(max - run->report->errors->all.max) < 1e-15);
  free(text);
}

#define ONE_RUN                                                                                                      \
  SQUARE "-pde_residual \" -lap(u) + 1\" -exact_u x*x-y -engd_test_points 100 -tao_type lmvm -tao_max_it 5 "         \
         "-engd_seed 3 -engd_history DIR/h.csv -engd_summary DIR/s.json -engd_solution DIR/u.csv "

/* all that a run prints and writes, with a TAO type of PETSc */
static void everything(void **state)
{
  const char *columns =
      "iteration,loss,gradient_norm,step,damping,krylov_iterations,relative_l2_error,seconds,time_left\n";
  char       *history, expected[256];
  PetscMPIInt ranks;
  Run         run;

  (void)state;
  OK(MPI_Comm_size(PETSC_COMM_WORLD, &ranks));
  MakeRunIn(ONE_RUN, 1, &run);
  OK(PetscFree(run.problem->name));
  OK(PetscStrallocpy("a \"b\" \\c", &run.problem->name));
  OK(PetscOptionsSetValue(NULL, "-engd_problem_name", "a \"b\" \\c"));
  OK(RunAndCatchOutput(&run));
  OK(MPI_Barrier(PETSC_COMM_WORLD));
  if (rank == 0) {
    history = ReadFile("h.csv");
    assert_non_null(history);
    assert_int_equal(CountLines(history), 7);
    assert_int_equal(strncmp(history, columns, strlen(columns)), 0);
    snprintf(expected, sizeof(expected), "5,%.17g,%.17g,", run.report->row[ENGD_COLUMN_LOSS],
             run.report->row[ENGD_COLUMN_GRADIENT]);
    assert_int_equal(strncmp(LastLine(history), expected, strlen(expected)), 0);
    free(history);
    CheckSummary(&run, ranks);
    CheckSolution(&run);
    for (const char *line = stdout_text; *line; line += strcspn(line, "\n") + 1)
      assert_true(strcspn(line, "\n") <= 100);
    assert_non_null(strstr(stdout_text, "relative H1"));
    snprintf(expected, sizeof(expected), "relative L2 error %.2e after 5 iterations",
             run.report->errors->all.relative_l2);
    assert_int_equal(strncmp(LastLine(stdout_text), expected, strlen(expected)), 0);
  } else
    assert_string_equal(stdout_text, "");
  free(stdout_text);
  DestroyRun(&run);
}

/* without an exact solution: no column for the error, the loss at the end; only each third line, and the last */
static void no_exact(void **state)
{
  Run   run;
  char *history, *summary;

  (void)state;
  MakeRunIn(SQUARE
            "-tao_type lmvm -tao_max_it 5 -engd_monitor_every 3 -engd_history DIR/h.csv -engd_summary DIR/s.json",
            1, &run);
  OK(RunAndCatchOutput(&run));
  if (rank == 0) {
    history = ReadFile("h.csv");
    summary = ReadFile("s.json");
    assert_non_null(history);
    assert_non_null(summary);
    assert_int_equal(CountLines(history), 7);
    assert_null(strstr(history, "error"));
    assert_null(strstr(summary, "relative_"));
    assert_null(strstr(summary, "max_error"));
    assert_non_null(strstr(summary, "\"estimated_error\": "));
    assert_non_null(strstr(stdout_text, "          -\n")); /* how long it will take is not known at first */
    /* header; lines 0, 3, 5; work, two files, the judgement, the pace, two warnings in two lines each, the answer */
    assert_int_equal(CountLines(stdout_text), 2 + 3 + 10);
    assert_non_null(strstr(stdout_text, "Warning: no term changes when a constant is added to u"));
    assert_non_null(strstr(stdout_text, "\n        5  "));
    assert_null(strstr(stdout_text, "\n        4  "));
    assert_int_equal(strncmp(LastLine(stdout_text), "loss ", 5), 0);
    free(history);
    free(summary);
  }
  free(stdout_text);
  DestroyRun(&run);
}

/* no monitor, no iterations */
static void quiet(void **state)
{
  Run   run;
  char *summary;

  (void)state;
  MakeRunIn(SQUARE "-exact_u x -tao_gatol 1e9 -engd_monitor false -engd_summary DIR/s.json", 1, &run);
  OK(RunAndCatchOutput(&run));
  if (rank == 0) {
    assert_int_equal(CountLines(stdout_text),
                     3 + 8); /* errors; work, the file, the judgement, two warnings in two lines each, the answer */
    assert_non_null(strstr(stdout_text, "Warning: the problem is not solved"));
    assert_non_null(strstr(stdout_text, "after 0 iterations"));
    summary = ReadFile("s.json");
    assert_non_null(summary);
    assert_non_null(strstr(summary, "\"seconds_per_iteration\": null"));
    free(summary);
  }
  free(stdout_text);
  DestroyRun(&run);
}

/* what cannot be written is said before the training, and then nothing is there */
static void bad_files(void **state)
{
  const struct {
    const char *options, *says;
  } c[] = {
      {SQUARE "-engd_history DIR/none/h.csv", "/none/h.csv cannot be written: No such file or directory"},
      {SQUARE "-engd_history /dev/full", "-engd_history /dev/full cannot be written: No space left"},
      {SQUARE "-engd_history DIR/h.csv -engd_summary DIR/none/s.json", "-engd_summary"},
      {SQUARE "-engd_history DIR/h.csv -engd_summary DIR", "cannot be written: Is a directory"},
      {SQUARE "-engd_history DIR/h.csv -engd_solution DIR/none/u.csv", "-engd_solution"},
      {SQUARE "-engd_history DIR/h.csv -exact_u log(x-1)",
       "-exact_u, or its square, is not a finite number at 4000 of the 4000"},
  };

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    Run            run;
    PetscErrorCode code;

    MakeRunIn(c[k].options, 1, &run);
    message[0] = 0;
    OK(PetscPushErrorHandler(Catch, NULL));
    code = EngdReportStart(run.report);
    OK(PetscPopErrorHandler());
    assert_int_not_equal((int)code, 0);
    assert_int_equal(EngdExitCode(code), ENGD_EXIT_INPUT);
    if (!strstr(message, c[k].says)) fail_msg("message \"%s\" lacks \"%s\"", message, c[k].says);
    if (rank == 0) assert_null(ReadFile("h.csv"));
    DestroyRun(&run);
  }
}

/* a disk that fills up during the training costs neither the training nor the answer */
static void full_disk(void **state)
{
  struct rlimit  before, tight;
  PetscErrorCode code;
  Run            run;
  char          *history;

  (void)state;
  MakeRunIn(SQUARE "-tao_type lmvm -tao_max_it 60 -engd_history DIR/h.csv", 1, &run);
  OK(getrlimit(RLIMIT_FSIZE, &before));
  tight          = before;
  tight.rlim_cur = 5000; /* more than what is tried before the training */
  (void)signal(SIGXFSZ, SIG_IGN);
  if (rank == 0) OK(setrlimit(RLIMIT_FSIZE, &tight));
  OK(PetscPushErrorHandler(Catch, NULL));
  code = RunAndCatchOutput(&run);
  OK(PetscPopErrorHandler());
  OK(setrlimit(RLIMIT_FSIZE, &before));
  assert_int_equal((int)code, PETSC_ERR_FILE_WRITE);
  assert_non_null(strstr(message, "/h.csv could not be written to its end: File too large"));
  if (rank == 0) {
    history = ReadFile("h.csv");
    assert_non_null(history);
    free(history);
    assert_int_equal(strncmp(LastLine(stdout_text), "loss ", 5), 0);
  }
  free(stdout_text);
  DestroyRun(&run);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything), cmocka_unit_test(no_exact),  cmocka_unit_test(quiet),
      cmocka_unit_test(bad_files),  cmocka_unit_test(full_disk),
  };
  int failures;

  if (PetscInitialize(&argc, &argv, NULL, NULL) || MPI_Comm_rank(PETSC_COMM_WORLD, &rank)) return 1;
  if (rank == 0 && !mkdtemp(directory)) return 1;
  if (MPI_Bcast(directory, sizeof(directory), MPI_CHAR, 0, PETSC_COMM_WORLD)) return 1;
  failures = cmocka_run_group_tests_name("report", tests, NULL, NULL);
  if (rank == 0 && remove(directory)) failures++;
  if (PetscFinalize()) return 1;
  return failures;
}
