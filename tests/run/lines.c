/*
  Command lines of the program one after the other in one process: lines TABLE FIRST. (run_table of case.sh)

  A line of TABLE is a command line, its words separated by the character 31; one that begins with the character 30 is to be
  the first of its process, which ends in front of it. Number k, from FIRST on, runs in the directory k
  beside TABLE, with the main of the program; stdout and stderr of all ranks go to files there, and the exit code to the file
  code once all ranks have come back. A command line that ends the process has no such file: the script takes the exit code
  of mpirun for it, and starts again behind it.
*/
#define _GNU_SOURCE /* getline */
int EngdMain(int, char **);
#define main EngdMain
#include "../../src/main.c"
#undef main

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <petsc/private/taoimpl.h> /* TaoRegisterAllCalled */

#define FRESH   30
#define BETWEEN 31
#define ALONE   PETSC_VERSION_GE(3, 25, 0) /* which forgets TAO's terms too, and hides the note that it had them */

static void Fail(const char what[])
{
  perror(what);
  MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
}

/* the working directory <- k, new; stdout and stderr <- files there, which the ranks append to */
static void Enter(int rank, const char folder[], long k)
{
  char      path[PATH_MAX + 32];
  const int out = STDOUT_FILENO, err = STDERR_FILENO;

  snprintf(path, sizeof(path), "%s/%ld", folder, k);
  if (rank == 0 && mkdir(path, 0777)) Fail(path);
  MPI_Barrier(MPI_COMM_WORLD);
  if (chdir(path)) Fail(path);
  if (dup2(open("stdout", O_WRONLY | O_CREAT | O_APPEND, 0666), out) < 0) Fail("stdout");
  if (dup2(open("stderr", O_WRONLY | O_CREAT | O_APPEND, 0666), err) < 0) Fail("stderr");
}

/* the program's exit code, the largest of the ranks, of this command line */
static int RunLine(char line[])
{
  const char *limit = getenv("LINE_SECONDS"); /* that a command line may take, until SIGALRM ends the process */
  char      **argv = NULL, *rest = NULL;
  int         argc = 0, code, largest;

  argv         = malloc((strlen(line) + 3) * sizeof(*argv));
  argv[argc++] = (char[]){"engd"};
  for (char *word = line; word; word = rest) {
    rest = strchr(word, BETWEEN);
    if (rest) *rest++ = 0;
    argv[argc++] = word;
  }
  argv[argc] = NULL;
  alarm(limit ? (unsigned)atoi(limit) : 60);
  TaoRegisterAllCalled = PETSC_FALSE; /* PETSc 3.18 forgets TAO's types when it ends, and not that it had them */
  code                 = EngdMain(argc, argv);
  alarm(0);
  fflush(stdout);
  MPI_Allreduce(&code, &largest, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  free(argv);
  return largest;
}

static void WriteCode(int code)
{
  FILE *file = fopen("code", "w");

  if (!file || fprintf(file, "%d\n", code) < 0 || fclose(file)) Fail("code");
}

int main(int argc, char **argv)
{
  char   folder[PATH_MAX], *line = NULL;
  size_t size = 0;
  FILE  *table;
  int    rank;

  MPI_Init(NULL, NULL);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (argc != 3 || !realpath(dirname(strdup(argv[1])), folder)) Fail("usage: lines TABLE FIRST");
  table = fopen(argv[1], "r");
  if (!table) Fail(argv[1]);
  for (long k = 0, first = atol(argv[2]); getline(&line, &size, table) > 0; k++) {
    int code;

    if (k < first) continue;
    if (k > first && (line[0] == FRESH || ALONE)) break;
    line[strcspn(line, "\n")] = 0;
    Enter(rank, folder, k);
    code = RunLine(line + (line[0] == FRESH));
    if (rank == 0) WriteCode(code);
  }
  free(line);
  fclose(table);
  MPI_Finalize();
  return 0;
}
