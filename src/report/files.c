/*
  The files of results: whether they can be written is known before the training, and each is written as NAME.tmp and
  renamed, so that NAME is never half a file. (The history grows with the iterations and has a file of its own.)

  Rank 0 alone touches files. A name that cannot be written is a collective error before the training; a write that
  fails later (a full disk) must not cost the training, so it is kept, and raised when the results have been told.
*/
#include <engd/private.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

const char *const engd_file_kind[ENGD_NFILES] = {"history", "summary", "solution"};

/* NAME.tmp, or NAME itself where it is a device or a pipe, which a rename would destroy; free() it */
static char *WritingName(const char name[])
{
  struct stat  status;
  const char  *suffix = stat(name, &status) || S_ISREG(status.st_mode) ? ".tmp" : "";
  const size_t n      = strlen(name) + strlen(suffix) + 1;
  char        *text   = malloc(n);

  if (text) snprintf(text, n, "%s%s", name, suffix);
  return text;
}

/* errno of an attempt to write the file, 0 if it works; nothing is left behind */
static int TryFile(const char name[])
{
  char *writing = WritingName(name);
  int   failure = 0;
  FILE *file;

  errno = 0;
  file  = writing ? fopen(writing, "a") : NULL;
  if (!file || fclose(file) || (strcmp(writing, name) && remove(writing))) failure = errno ? errno : ENOMEM;
  free(writing);
  return failure;
}

PetscErrorCode EngdFileCheck(MPI_Comm comm, const char option[], const char name[])
{
  int         failure = 0;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) failure = TryFile(name);
  PetscCallMPI(MPI_Bcast(&failure, 1, MPI_INT, 0, comm));
  PetscCheck(!failure, comm, PETSC_ERR_FILE_OPEN, "%s %s cannot be written: %s", option, name, strerror(failure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdReportFileCheck(EngdReport report, EngdFileKind kind)
{
  char option[64];

  PetscFunctionBeginUser;
  if (!report->file[kind]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(option, sizeof(option), "-engd_%s", engd_file_kind[kind]));
  PetscCall(EngdFileCheck(report->comm, option, report->file[kind]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdReportFileBegin(EngdReport report, EngdFileKind kind, FILE **file)
{
  PetscMPIInt rank;
  char       *writing;

  PetscFunctionBeginUser;
  *file = NULL;
  PetscCallMPI(MPI_Comm_rank(report->comm, &rank));
  if (rank != 0) PetscFunctionReturn(PETSC_SUCCESS);
  errno   = 0;
  writing = WritingName(report->file[kind]);
  *file   = writing ? fopen(writing, "w") : NULL;
  if (!*file) report->failure[kind] = errno ? errno : ENOMEM;
  free(writing);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdReportFileEnd(EngdReport report, EngdFileKind kind, FILE **file)
{
  const char *name = report->file[kind];
  char       *writing;
  PetscBool   bad, renamed;

  PetscFunctionBeginUser;
  if (!*file) PetscFunctionReturn(PETSC_SUCCESS);
  errno   = 0;
  writing = WritingName(name);
  renamed = (PetscBool)(writing && strcmp(writing, name));
  bad     = (PetscBool)(fflush(*file) || ferror(*file));
  if (fclose(*file) || bad || !writing || (renamed && rename(writing, name))) {
    report->failure[kind] = errno ? errno : EIO;
    if (renamed) (void)remove(writing);
  }
  *file = NULL;
  free(writing);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdReportFileRaise(EngdReport report)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Bcast(report->failure, ENGD_NFILES, MPI_INT, 0, report->comm));
  for (PetscInt k = 0; k < ENGD_NFILES; k++) {
    PetscCheck(!report->failure[k], report->comm, PETSC_ERR_FILE_WRITE,
               "-engd_%s %s could not be written to its end: %s", engd_file_kind[k], report->file[k],
               strerror(report->failure[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
