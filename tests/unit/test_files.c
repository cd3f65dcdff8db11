/*
  The files of a run: what is the user's stays it, what cannot be written is told before the training, no output is lost by
  another one; full disks.
  ranks: 1 2; errors leak
*/
#define _GNU_SOURCE /* mkdtemp, symlink */
#include "refusals.h"
#include <engd/output.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static PetscMPIInt rank;

static void WriteText(const char name[], const char text[])
{
  FILE *file = fopen(name, "w");

  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

static const char *ReadText(const char name[])
{
  static char text[256];
  FILE       *file = fopen(name, "r");
  size_t      n    = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

  if (file) fclose(file);
  text[n] = 0;
  return file ? text : "no such file";
}

static int Exists(const char name[])
{
  struct stat status;

  return !lstat(name, &status);
}

/* writes text to name as the outputs do; 0 or errno */
static int Put(const char name[], const char text[])
{
  EngdOutput output;
  FILE      *file;
  const int  failure = EngdOutputOpenFile(&output, name, &file);

  if (failure) return failure;
  fputs(text, file);
  return EngdOutputCloseFile(&output, &file);
}

static void TestOutput(void **state)
{
  struct stat status;
  EngdOutput  output;

  (void)state;
  if (rank) return;
  WriteText("a.tmp", "user's");
  assert_int_equal(Put("a", "one"), 0);
  assert_string_equal(ReadText("a"), "one");
  assert_string_equal(ReadText("a.tmp"), "user's");
  assert_false(Exists("a.tmp1"));
  assert_int_equal(EngdOutputBegin(&output, "a"), 0); /* given up: all as it was */
  assert_int_equal(EngdOutputEnd(&output, 0), 0);
  assert_string_equal(ReadText("a"), "one");
  assert_false(Exists("a.tmp1"));
  assert_int_equal(mkdir("folder", 0755), 0); /* links are followed, those to nothing too, and stay links */
  assert_int_equal(symlink("folder/target", "link"), 0);
  assert_int_equal(symlink("link", "second"), 0);
  assert_int_equal(Put("second", "two"), 0);
  assert_int_equal(Put("second", "three"), 0);
  assert_string_equal(ReadText("folder/target"), "three");
  assert_true(!lstat("second", &status) && S_ISLNK(status.st_mode));
  assert_int_equal(symlink("circle", "circle"), 0);
  assert_int_equal(Put("circle", "x"), ELOOP);
  assert_int_equal(chmod("a", 0640), 0); /* permissions stay */
  assert_int_equal(Put("a", "four"), 0);
  assert_true(!stat("a", &status) && (status.st_mode & 0777) == 0640);
  assert_int_equal(chmod("a", 0440), 0);
  assert_int_equal(Put("a", "five"), EACCES);
  assert_string_equal(ReadText("a"), "four");
  assert_int_equal(Put("folder", "x"), EISDIR);
  assert_int_equal(Put("no/such", "x"), ENOENT);
  assert_int_equal(Put("/dev/null", "x"), 0);
  assert_int_equal(Put("/dev/full", "x"), ENOSPC);
  assert_int_equal(symlink("/dev/full", "full.csv"), 0);
  assert_int_equal(Put("full.csv", "x"), ENOSPC);
}

static const struct {
  const char *options, *words; /* words: of the refusal, NULL if there is none */
} files[] = {
    {"-engd_summary s.json -engd_history s.json", "-engd_history s.json would be lost"},
    {"-engd_summary s.csv -engd_solution ./s.csv", "would be lost: it is also the file of -engd_solution ./s.csv"},
    {"-engd_summary folder/../s.csv -engd_solution s.csv", "would be lost"},
    {"-engd_solution points.csv -engd_solution_points points.csv",
     "overwrite a file that is read, that of -engd_solution_points points.csv"},
    {"-domain_time 0,1 -engd_solution u.pvd -engd_history u_0020.vtu", "would be lost"},
    {"-engd_solution no/such/u.vtu", NULL}, /* told by the report, when it starts */
    {"-engd_history h.csv -spectrum hessian -spectrum_output h.csv",
     "would be lost: it is also the file of -spectrum"},
    {"-engd_history second -engd_solution folder/target", "would be lost"},
    {"-engd_summary hard -engd_solution points.csv", "would be lost"},
    {"-engd_summary t.bin -theta_view binary:t.bin", "would be lost"},
    {"-engd_summary l.txt -log_view :l.txt:ascii_info_detail", "would be lost"},
    {"-engd_summary points.csv -terms fit -fit_points_file points.csv -fit_residual u",
     "overwrite a file that is read, that of -fit_points_file points.csv"},
    {"-engd_summary hard -terms fit -fit_points_file points.csv -fit_residual u", "overwrite a file that is read"},
    {"-theta_view binary:no/such/t.bin", "-theta_view no/such/t.bin cannot be written: No such file"},
    {"-log_view :no/such/f", "-log_view no/such/f cannot be written"},
    {"-log_view :/dev/full", "-log_view /dev/full cannot be written: No space left"},
    {"-theta_view ascii:/dev/full", "-theta_view /dev/full cannot be written: No space left"},
    {"-ksp_monitor ascii:/dev/full", "-ksp_monitor /dev/full cannot be written: No space left"},
    {"-log_view foo", "-log_view foo: there is no viewer foo"},
    {"-theta_view asci:t", "there is no viewer asci"},
    {"-theta_view ascii:t:ascii_matlabb", "there is no format ascii_matlabb"},
    {"-options_left foo", "-options_left foo: give yes or no"},
    {"-tao_view foo", "there is no viewer foo"},
    {"-engd_summary /dev/null -engd_history /dev/null -engd_solution /dev/null", NULL},
    {"-engd_summary s.json -engd_history h.csv -engd_solution u.csv -theta_view binary:t.bin", NULL},
    {"-tao_view -theta_view :t.txt:ascii_matlab -options_left no", NULL},
};

static void TestPlaces(void **state)
{
  char options[1024];

  (void)state;
  if (rank == 0) {
    WriteText("points.csv", "x,y\n0.5,0.5\n0.2,0.3\n");
    assert_int_equal(link("points.csv", "hard"), 0);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(files); k++) {
    snprintf(options, sizeof(options), "%s-log_view \"\" %s", POISSON RESIDUALS, files[k].options);
    if (!strstr(files[k].options, "log_view"))
      snprintf(options, sizeof(options), "%s%s", POISSON RESIDUALS, files[k].options);
    if (strstr(files[k].options, "-terms"))
      snprintf(options, sizeof(options),
               "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 8 %s", files[k].options);
    (void)Refusal(options);
    if (files[k].words ? !strstr(refusal, files[k].words) : refusal[0] != 0)
      fail_msg("%s: %s", files[k].options, refusal);
  }
}

/* a disk that is full after `limit` bytes: the spectra say so in one line and leave nothing */
static void TestFullDisk(void **state)
{
  static const char *const names[] = {"s.csv", "s.h5"};
  struct rlimit            limit;
  char                     options[512];

  (void)state;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  (void)signal(SIGXFSZ, SIG_IGN);
  limit.rlim_cur = 100; /* before the training already */
  if (rank == 0) assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  CHECK(PetscPushErrorHandler(KeepRefusal, NULL));
  assert_int_equal(EngdFileCheck(PETSC_COMM_WORLD, "-engd_summary", "new.json"), PETSC_ERR_FILE_OPEN);
  CHECK(PetscPopErrorHandler());
  limit.rlim_cur = limit.rlim_max;
  if (rank == 0) assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  if (!strstr(refusal, "-engd_summary new.json cannot be written: File too large")) fail_msg("%s", refusal);
  assert_false(Exists("new.json") || Exists("new.json.tmp"));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(names); k++) {
    EngdRun        run;
    PetscErrorCode ierr;

    if (k == 1 && !PetscDefined(HAVE_HDF5)) continue;
    snprintf(options, sizeof(options), POISSON RESIDUALS "-tao_max_it 1 -spectrum hessian -spectrum_output %s",
             names[k]);
    CHECK(PetscOptionsClear(NULL));
    CHECK(PetscOptionsInsertString(NULL, options));
    CHECK(EngdRunCreate(PETSC_COMM_WORLD, &run));
    CHECK(EngdRunSetFromOptions(run));
    CHECK(EngdRunSetUp(run));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    PETSC_STDOUT   = stderr; /* the limit counts for standard output too, where that is a file */
    limit.rlim_cur = 100;
    if (rank == 0) assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK(PetscPushErrorHandler(KeepRefusal, NULL));
    ierr = EngdSpectrumCompute(run->spectrum, run->theta, 1);
    CHECK(PetscPopErrorHandler());
    PETSC_STDOUT   = stdout;
    limit.rlim_cur = limit.rlim_max;
    if (rank == 0) assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(ierr, PETSC_ERR_FILE_WRITE);
    if (!strstr(refusal, "could not be written: File too large")) fail_msg("%s", refusal);
    assert_false(Exists("s.csv.tmp") || Exists("s.h5.tmp") || Exists(names[k]));
    CHECK(EngdRunDestroy(&run));
  }
  CHECK(PetscOptionsClear(NULL));
}

/* a new folder, in which all ranks are */
static int Enter(void **state)
{
  static char folder[PETSC_MAX_PATH_LEN];
  const char *parent = getenv("TMPDIR");

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(folder, sizeof(folder), "%s/engd.XXXXXX", parent ? parent : "/tmp");
  if (rank == 0 && !mkdtemp(folder)) return 1;
  (void)MPI_Bcast(folder, sizeof(folder), MPI_CHAR, 0, PETSC_COMM_WORLD);
  *state = folder;
  return chdir(folder);
}

static int Leave(void **state)
{
  MPI_Barrier(PETSC_COMM_WORLD);
  if (chdir("/")) return 1;
  return rank == 0 ? (int)PetscRMTree((const char *)*state) : 0;
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestOutput),
      cmocka_unit_test(TestPlaces),
      cmocka_unit_test(TestFullDisk),
  };
  int failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests_name("files", tests, Enter, Leave);
  return EngdFinalize() ? 1 : failures;
}
