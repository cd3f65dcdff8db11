/*
  A directory for the files of archives, and errors as the sentences that they are told with.
*/
#ifndef ARCHIVE_CASE_H
#define ARCHIVE_CASE_H

#define _GNU_SOURCE /* mkdtemp, truncate */
#include "functionals.h"
#include <stdlib.h>
#include <unistd.h>

/* the name of a file in a directory of its own, the same on all ranks; RemoveDirectory() after it */
static inline void MakeDirectory(char directory[64])
{
  int rank;

  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  strcpy(directory, "/tmp/engd_archive_XXXXXX");
  if (!rank) assert_non_null(mkdtemp(directory));
  CHECK(MPI_Bcast(directory, 64, MPI_CHAR, 0, PETSC_COMM_WORLD));
}

static inline void RemoveDirectory(const char directory[])
{
  int  rank;
  char command[128];

  CHECK(MPI_Barrier(PETSC_COMM_WORLD));
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  snprintf(command, sizeof(command), "rm -r %s", directory);
  if (!rank) assert_int_equal(system(command), 0);
}

/* the message of the last error, where it began */
static char said[2048];

static inline PetscErrorCode Hear(MPI_Comm comm, int line, const char *function, const char *file,
                                  PetscErrorCode code, PetscErrorType type, const char *message, void *unused)
{
  (void)comm;
  (void)line;
  (void)function;
  (void)file;
  (void)unused;
  if (type == PETSC_ERROR_INITIAL) snprintf(said, sizeof(said), "%s", message);
  return code;
}

/* a call that must fail on every rank with this exit code and these words, twice as many as are not NULL */
static inline void Refuses(PetscErrorCode code, int exit_code, const char word[], const char second[])
{
  int failed = code != PETSC_SUCCESS, all;

  CHECK(MPI_Allreduce(&failed, &all, 1, MPI_INT, MPI_SUM, PETSC_COMM_WORLD));
  CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &failed));
  assert_int_equal(all, failed);
  assert_int_equal(EngdExitCode(code), exit_code);
  if (!strstr(said, word) || (second && !strstr(said, second)))
    fail_msg("'%s' has not '%s' and '%s'", said, word, second ? second : "");
}

#endif
