/*
  The files of results: whether they can be written is known before the training, and each is written beside its place
  and renamed (src/system/output.c), so that it is never half a file. (The history grows with the iterations and has a file of its own.)

  Rank 0 alone touches files. A name that cannot be written is a collective error before the training; a write that
  fails later (a full disk) must not cost the training, so it is kept, and raised when the results have been told.
*/
#include <engd/private.h>

const char *const engd_file_kind[ENGD_NFILES] = {"history", "summary", "solution"};

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

  PetscFunctionBeginUser;
  *file = NULL;
  PetscCallMPI(MPI_Comm_rank(report->comm, &rank));
  if (rank == 0) report->failure[kind] = EngdOutputOpenFile(&report->output, report->file[kind], file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdReportFileEnd(EngdReport report, EngdFileKind kind, FILE **file)
{
  PetscFunctionBeginUser;
  if (*file) report->failure[kind] = EngdOutputCloseFile(&report->output, file);
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
