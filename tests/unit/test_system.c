/*
  The process: exit codes, options files put in place among the arguments, unused options, errors on one line.
  What ends a process (MPI_Abort, exit codes) is in tests/run/bad_input.sh.

  ranks: 1 3; errors leak
*/
#define _GNU_SOURCE /* mkdtemp, setenv */
#include <engd/private.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <engd/raised.h>

static char directory[PETSC_MAX_PATH_LEN];

/* Writes directory/name on rank 0; all ranks wait for it */
static const char *WriteFile(const char name[], const char text[])
{
  static char path[PETSC_MAX_PATH_LEN + 64];
  PetscMPIInt rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(path, sizeof(path), "%s/%s", directory, name);
  if (rank == 0) {
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  return path;
}

/* words, joined by |, of the expansion of these arguments; or the message of the mistake */
static const char *Expand(int argc, const char *const given[])
{
  static char result[4096];
  char        message[1024], *arguments[16] = {NULL}, **argv = arguments;

  for (int i = 0; i < argc; i++) arguments[i] = (char *)(uintptr_t)given[i];
  EngdOptionsExpand(PETSC_COMM_WORLD, &argc, &argv, sizeof(message), message);
  result[0] = 0;
  for (int i = 1; i < argc; i++) {
    strcat(result, i > 1 ? "|" : "");
    strcat(result, argv[i]);
  }
  assert_null(argv[argc]);
  free(argv);
  if (message[0]) strcpy(result, message);
  return result;
}

#define EXPAND(...)                                                                                                  \
  Expand((int)PETSC_STATIC_ARRAY_LENGTH(((const char *const[]){"engd", __VA_ARGS__})),                               \
         (const char *const[]){"engd", __VA_ARGS__})

static void TestExitCodes(void **state)
{
  (void)state;
  assert_int_equal(EngdExitCode(PETSC_SUCCESS), 0);
  assert_int_equal(EngdExitCode(PETSC_ERR_USER_INPUT), 2);
  assert_int_equal(EngdExitCode(PETSC_ERR_FILE_OPEN), 2);
  assert_int_equal(EngdExitCode(PETSC_ERR_MEM), 2);
  assert_int_equal(EngdExitCode(ENGD_ERR_NUMERICS), 3);
  assert_int_equal(EngdExitCode(PETSC_ERR_NOT_CONVERGED), 3);
  assert_int_equal(EngdExitCode(PETSC_ERR_CONV_FAILED), 3);
  assert_int_equal(EngdExitCode(PETSC_ERR_MAT_CH_ZRPVT), 3);
  assert_int_equal(EngdExitCode(PETSC_ERR_LIB), 2);
  assert_int_equal(EngdExitCode(PETSC_ERR_USER), 2);
}

/* an error that LAPACK or one of PETSc's TAO types raises */
static PetscErrorCode Raise(PetscErrorCode code)
{
  SETERRQ(PETSC_COMM_SELF, code, "raised by a test");
}

/* In a solve such errors are a breakdown of the numerics, and only there; a work that went well has got over earlier errors */
static void TestErrorsOfWork(void **state)
{
  const PetscErrorCode codes[] = {PETSC_ERR_LIB, PETSC_ERR_USER};
  const PetscInt64     raised  = EngdErrorsRaised();
  EngdErrorsWork       outer, inner;

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(codes); k++) {
    assert_int_equal(EngdExitCode(Raise(codes[k])), 2);
    assert_int_equal(EngdErrorsEnter(PETSC_COMM_SELF, PETSC_TRUE, &outer), 0);
    assert_int_equal(EngdExitCode(Raise(codes[k])), 3);
    assert_int_equal(EngdErrorsEnter(PETSC_COMM_SELF, PETSC_FALSE, &inner), 0);
    assert_int_equal(EngdExitCode(Raise(codes[k])), 2);
    assert_int_equal(EngdErrorsLeave(&inner, PETSC_ERR_LIB), 0);
    assert_int_equal(EngdExitCode(Raise(codes[k])), 3);
    assert_int_equal(EngdErrorsLeave(&outer, PETSC_SUCCESS), 0);
    assert_int_equal(EngdExitCode(Raise(codes[k])), 2);
  }
  assert_int_equal(EngdErrorsRaised(), raised + 5 * (PetscInt64)PETSC_STATIC_ARRAY_LENGTH(codes));
}

/* What PETSc's TAO types say of a loss that is no number, in 3.18 and 3.25, is told with what to do; their other errors are not */
static void TestNoNumber(void **state)
{
  const struct {
    const char *words;
    PetscBool   clue;
  } c[] = {{"User provided compute function generated Inf or NaN", PETSC_TRUE},
           {"User provided compute function generated infinity or NaN", PETSC_TRUE},
           {"User provided compute gradient generated Not-a-Number", PETSC_TRUE},
           {"TAO has no Hessian", PETSC_FALSE}};
  EngdErrorsWork outer;

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    assert_int_equal(EngdErrorsEnter(PETSC_COMM_SELF, PETSC_TRUE, &outer), 0);
    assert_int_equal(PetscError(PETSC_COMM_SELF, __LINE__, "TaoSolve_LMVM", __FILE__, PETSC_ERR_USER,
                                PETSC_ERROR_INITIAL, "%s", c[k].words),
                     ENGD_ERR_NUMERICS);
    assert_int_equal(EngdErrorsLeave(&outer, PETSC_SUCCESS), 0);
    assert_non_null(strstr(EngdErrorsForgiven(), c[k].words));
    assert_int_equal(strstr(EngdErrorsForgiven(), "take another -tao_type") != NULL, c[k].clue);
  }
}

/* Without files: what PETSc would misread is told, all else is left alone */
static void TestArguments(void **state)
{
  (void)state;
  assert_string_equal(EXPAND("-a", "1", "-flag", "-b", "-5,5", "-c", "nu=0.01"), "-a|1|-flag|-b|-5,5|-c|nu=0.01");
  assert_string_equal(EXPAND("-a", "-lap(u) - 1", "-b", "-sin(x)"), "-a| -lap(u) - 1|-b| -sin(x)");
  assert_string_equal(EXPAND("-a", "-inf", "-b", "-1e-3"), "-a|-inf|-b|-1e-3");
  assert_string_equal(EXPAND("-a=3"), "'-a=3' is not of PETSc's form: write -a 3");
  assert_non_null(strstr(EXPAND("-a", "1", "2"), "'2' belongs to no option"));
  assert_non_null(strstr(EXPAND("word"), "'word' belongs to no option"));
  assert_non_null(strstr(EXPAND("-a", "1", "-3"), "'-3'"));
  assert_string_equal(EXPAND("-options_file"), "-options_file needs the name of a file");
  assert_string_equal(EXPAND("-options_file", "-a"), "-options_file needs the name of a file, not '-a'");
}

/* Comments, quotes, several options a line, and the order of what was set; the file names the problem */
static void TestFile(void **state)
{
  const char *path =
      WriteFile("a.opts", "# -no 1\n-a 1 -b \"x + # 2\" # -no 1\n\t-c '-u \"q\"'\n-flag\n-d -lap(u)\r\n-e ''");

  (void)state;
  assert_string_equal(EXPAND("-z", "0", "-options_file", path, "-a", "2"),
                      "-z|0|-engd_problem_name|a|-a|1|-b|x + # 2|-c| -u \"q\"|-flag|-d| -lap(u)|-e||-a|2");
  path = WriteFile("empty.opts", "");
  assert_string_equal(EXPAND("-options_file", path), "-engd_problem_name|empty");
  path = WriteFile("lines.opts", "-a \"1;\n 2\"\n-b 3\n");
  assert_string_equal(EXPAND("-options_file", path), "-engd_problem_name|lines|-a|1;  2|-b|3");
}

/* Line ends of any system, a byte order mark, and no byte of zero */
static void TestLineEnds(void **state)
{
  const char *path = WriteFile("ends.opts", "-a 1 # no\r-b 2\r\n-c 3\n\r-d 4");
  FILE       *file;
  PetscMPIInt rank;

  (void)state;
  assert_string_equal(EXPAND("-options_file", path), "-engd_problem_name|ends|-a|1|-b|2|-c|3|-d|4");
  path = WriteFile("mark.opts", "\xef\xbb\xbf-a 1\r-b=2\r");
  assert_non_null(strstr(EXPAND("-options_file", path), "mark.opts, line 2: '-b=2'"));
  path = WriteFile("zero.opts", "-a 1\n-b 2\n");
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  file = rank == 0 ? fopen(path, "a") : NULL;
  if (file) {
    assert_int_equal(fwrite("-c \0 -d 4\n", 1, 11, file), 11);
    fclose(file);
  }
  assert_non_null(strstr(EXPAND("-options_file", path), "zero.opts' is no text: there is a byte of zero in line 3"));
}

/* All of a pipe is read, more than any buffer holds */
static void TestPipe(void **state)
{
  enum { LINES = 2000 };
  char        path[PETSC_MAX_PATH_LEN + 64], message[1024], *arguments[] = {"engd", "-options_file", path, NULL};
  char      **argv = arguments;
  PetscMPIInt rank;
  pid_t       child;
  int         argc = 3;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(path, sizeof(path), "%s/pipe.opts", directory);
  if (rank == 0) assert_int_equal(mkfifo(path, 0600), 0);
  MPI_Barrier(PETSC_COMM_WORLD);
  child = rank == 0 ? fork() : 1;
  if (child == 0) {
    FILE *file = fopen(path, "w");

    for (int k = 0; file && k < LINES; k++) fprintf(file, "-o%d %d\n", k, k);
    if (file) fclose(file);
    _exit(0);
  }
  EngdOptionsExpand(PETSC_COMM_WORLD, &argc, &argv, sizeof(message), message);
  if (rank == 0) waitpid(child, NULL, 0);
  assert_string_equal(message, "");
  assert_int_equal(argc, 3 + 2 * LINES);
  assert_string_equal(argv[3], "-o0");
  assert_string_equal(argv[argc - 1], "1999");
  free(argv);
}

static void TestFileMistakes(void **state)
{
  const char *path = WriteFile("b.opts", "-a 1\n-b lap(u) + 1\n");

  (void)state;
  assert_non_null(strstr(EXPAND("-options_file", path), "b.opts, line 2: '+' belongs to no option"));
  path = WriteFile("b.opts", "-a \"1\n2\"\n-c 1\n-b \"lap(u)\n");
  assert_non_null(strstr(EXPAND("-options_file", path), "b.opts, line 4: the quote before 'lap(u) ' is not closed"));
  path = WriteFile("b.opts", "\n\n-b=2");
  assert_non_null(strstr(EXPAND("-options_file", path), "b.opts, line 3: '-b=2' is not of PETSc's form: write -b 2"));
  path = WriteFile("b.opts", "-flag"); /* takes no value from the command line */
  assert_non_null(strstr(EXPAND("-options_file", path, "3"), "'3' belongs to no option"));
  path = WriteFile("b.opts", "-options_file");
  assert_non_null(strstr(EXPAND("-options_file", path), "needs the name of a file"));
  assert_non_null(strstr(EXPAND("-options_file", directory), "not found"));
  assert_non_null(strstr(EXPAND("-options_file", "/no/such.opts"), "'/no/such.opts' not found"));
}

/* In $ENGD_OPTIONS_PATH, all directories of it; and a YAML file is left to PETSc under its full name */
static void TestSearch(void **state)
{
  char path[2 * PETSC_MAX_PATH_LEN], expected[2 * PETSC_MAX_PATH_LEN];

  (void)state;
  (void)WriteFile("far.opts", "-a 1 -options_file far.yaml\n");
  (void)WriteFile("far.yaml", "b: 2\n");
  unsetenv("ENGD_OPTIONS_PATH");
  assert_non_null(
      strstr(EXPAND("-options_file", "far.opts"), "'far.opts' not found; searched: the working directory"));
  snprintf(path, sizeof(path), "/no/such:%s", directory);
  setenv("ENGD_OPTIONS_PATH", path, 1);
  snprintf(expected, sizeof(expected), "-engd_problem_name|far|-a|1|-options_file_yaml|%s/far.yaml", directory);
  assert_string_equal(EXPAND("-options_file", "far.opts"), expected);
  unsetenv("ENGD_OPTIONS_PATH");
}

/* Of several files the first one names the problem, by its name without directory and ending */
static void TestProblemName(void **state)
{
  char first[2 * PETSC_MAX_PATH_LEN];

  (void)state;
  snprintf(first, sizeof(first), "%s", WriteFile("two.part.opts", "-a 1"));
  assert_string_equal(EXPAND("-options_file", first, "-options_file", WriteFile("tuning.opts", "-a 2")),
                      "-engd_problem_name|two.part|-a|1|-a|2");
  snprintf(first, sizeof(first), "%s", WriteFile("first.yaml", "a: 1\n"));
  assert_non_null(strstr(EXPAND("-options_file", first, "-options_file", WriteFile("tuning.opts", "-a 2")),
                         "-engd_problem_name|first|-options_file_yaml|"));
  assert_string_equal(EXPAND("-options_file", WriteFile(".opts", "-engd_problem_name mine")),
                      "-engd_problem_name|.opts|-engd_problem_name|mine");
}

/* What PETSc reads on its own account and partly ignores: an open quote, words without an option */
static void TestEnvironment(void **state)
{
  char before[PETSC_MAX_PATH_LEN];

  (void)state;
  setenv("PETSC_OPTIONS", "-a 1 -b \"x", 1);
  assert_string_equal(EXPAND("-c", "1"), "PETSC_OPTIONS, line 1: the quote before 'x' is not closed");
  setenv("PETSC_OPTIONS", "a 1", 1);
  assert_non_null(strstr(EXPAND("-c", "1"), "PETSC_OPTIONS, line 1: 'a' belongs to no option"));
  setenv("PETSC_OPTIONS", "-a 1 -b \"x y\" -flag", 1);
  assert_string_equal(EXPAND("-c", "1"), "-c|1");
  unsetenv("PETSC_OPTIONS");
  assert_non_null(getcwd(before, sizeof(before)));
  (void)WriteFile(".petscrc", "# words\n% of \"PETSc\nalias -x -y\n-a 1\n-b 'x\n");
  assert_int_equal(chdir(directory), 0);
  assert_string_equal(EXPAND("-c", "1"), ".petscrc, line 5: the quote before 'x ' is not closed");
  assert_string_equal(EXPAND("-skip_petscrc"), "-skip_petscrc");
  (void)WriteFile(".petscrc", "# words\n-a 1\n");
  assert_string_equal(EXPAND("-c", "1"), "-c|1");
  assert_int_equal(chdir(before), 0);
}

static void TestNesting(void **state)
{
  char        text[2 * PETSC_MAX_PATH_LEN];
  const char *path;

  (void)state;
  path = WriteFile("inner.opts", "-i 1");
  snprintf(text, sizeof(text), "-a 1 -options_file %s -b 2", path);
  assert_string_equal(EXPAND("-options_file", WriteFile("outer.opts", text)),
                      "-engd_problem_name|outer|-a|1|-i|1|-b|2");
  snprintf(text, sizeof(text), "-options_file %s/loop.opts", directory);
  assert_non_null(strstr(EXPAND("-options_file", WriteFile("loop.opts", text)), "nest without end"));
}

static void TestOptionForm(void **state)
{
  (void)state;
  assert_int_equal(EngdCheckOptionForm(PETSC_COMM_WORLD), 0);
  assert_int_equal(PetscOptionsSetValue(NULL, "-points=3", NULL), 0);
  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  assert_int_equal(EngdCheckOptionForm(PETSC_COMM_WORLD), PETSC_ERR_USER_INPUT);
  assert_int_equal(PetscPopErrorHandler(), 0);
  assert_int_equal(PetscOptionsClearValue(NULL, "-points=3"), 0);
}

static PetscErrorCode Fail(void)
{
  PetscFunctionBeginUser;
  SETERRQ(PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "first\n  second\nand %d\n", 3);
}

static PetscErrorCode FailBelow(void)
{
  PetscFunctionBeginUser;
  PetscCall(Fail());
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FailNumber(void)
{
  PetscFunctionBeginUser;
  SETERRQ(PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "%g (or %g): not %s, at most %g", -1.0, 2.0, "\"x + 1. * 2. \"",
          30.0);
}

static PetscErrorCode FailLong(void)
{
  char text[3000];

  PetscFunctionBeginUser;
  memset(text, 'x', sizeof(text) - 1);
  text[sizeof(text) - 1] = 0;
  SETERRQ(PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "%s", text);
}

static PetscErrorCode SetManyOptions(void)
{
  char name[32];

  PetscFunctionBeginUser;
  for (int k = 0; k < 600; k++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "-many%d", k));
    PetscCall(PetscOptionsSetValue(NULL, name, "1"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FailInteger(void)
{
  PetscInt n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-points", &n, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What function prints on stderr of this rank while it fails with code */
static const char *Errors(PetscErrorCode (*function)(void), PetscErrorCode code)
{
  static char text[8192];
  FILE       *held = stderr, *file = tmpfile();
  size_t      n;

  assert_non_null(file);
  stderr = file;
  assert_int_equal(function(), code);
  stderr = held;
  rewind(file);
  n       = fread(text, 1, sizeof(text) - 1, file);
  text[n] = 0;
  fclose(file);
  return text;
}

/* One line, on rank 0, whatever the depth; PETSc's complaint of a number gets the option it came from */
static void TestErrorLine(void **state)
{
  PetscMPIInt rank;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  assert_string_equal(Errors(FailBelow, PETSC_ERR_USER_INPUT), rank == 0 ? "engd: first second and 3\n" : "");
  assert_int_equal(PetscOptionsSetValue(NULL, "-other", "12,abcd"), 0);
  assert_int_equal(PetscOptionsSetValue(NULL, "-points", "abc"), 0);
  assert_string_equal(
      Errors(FailInteger, PETSC_ERR_ARG_OUTOFRANGE),
      rank == 0 ? "engd: Input string abc has no integer value (do not include . in it) (from -points abc)\n" : "");
  assert_int_equal(PetscOptionsSetValue(NULL, "-innocent", "abc"), 0); /* not read, so nobody complains of it */
  assert_null(strstr(Errors(FailInteger, PETSC_ERR_ARG_OUTOFRANGE), "innocent"));
  assert_int_equal(PetscOptionsClearValue(NULL, "-innocent"), 0);
  assert_int_equal(PetscOptionsClearValue(NULL, "-points"), 0);
  assert_int_equal(PetscOptionsClearValue(NULL, "-other"), 0);
}

/* Numbers as people write them, and a sign where a text is cut */
static void TestErrorWords(void **state)
{
  PetscMPIInt rank;
  const char *text;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  text = Errors(FailNumber, PETSC_ERR_USER_INPUT);
  if (rank == 0) assert_string_equal(text, "engd: -1 (or 2): not \"x + 1. * 2. \", at most 30\n");
  text = Errors(FailLong, PETSC_ERR_USER_INPUT);
  if (rank == 0) assert_string_equal(text + strlen(text) - 6, "x ...\n");
  if (PETSC_VERSION_LT(3, 19, 0)) {
    text = Errors(SetManyOptions, PETSC_ERR_USER_INPUT);
    if (rank == 0) assert_non_null(strstr(text, "more options than PETSc can hold, 512"));
  } else {
    assert_string_equal(Errors(SetManyOptions, PETSC_SUCCESS), ""); /* its table grows */
  }
  assert_int_equal(PetscOptionsClear(NULL), 0);
}

/* directory <- a new one, alike on all ranks */
static int MakeDirectory(void **state)
{
  PetscMPIInt rank;
  const char *parent = getenv("TMPDIR");

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(directory, sizeof(directory), "%s/engd.XXXXXX", parent ? parent : "/tmp");
  if (rank == 0 && !mkdtemp(directory)) return 1;
  return MPI_Bcast(directory, sizeof(directory), MPI_CHAR, 0, PETSC_COMM_WORLD);
}

static int RemoveDirectory(void **state)
{
  PetscMPIInt rank;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Barrier(PETSC_COMM_WORLD);
  return rank == 0 ? (int)PetscRMTree(directory) : 0;
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestExitCodes),    cmocka_unit_test(TestArguments),    cmocka_unit_test(TestFile),
      cmocka_unit_test(TestFileMistakes), cmocka_unit_test(TestSearch),       cmocka_unit_test(TestProblemName),
      cmocka_unit_test(TestLineEnds),     cmocka_unit_test(TestEnvironment),  cmocka_unit_test(TestPipe),
      cmocka_unit_test(TestNesting),      cmocka_unit_test(TestOptionForm),   cmocka_unit_test(TestErrorLine),
      cmocka_unit_test(TestErrorWords),   cmocka_unit_test(TestErrorsOfWork), cmocka_unit_test(TestNoNumber),
  };
  int failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests_name("system", tests, MakeDirectory, RemoveDirectory);
  return EngdFinalize() ? 1 : failures;
}
