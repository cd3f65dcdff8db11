/*
  The history: CSV, one row for each outer iteration, whole after each row even if the run is killed.

  The columns are those of the monitor, their names with underscores for blanks, at full precision (%.17g); the error
  only where there is an exact solution. time_left is inf while it cannot be told. Written by rank 0.
*/
#include <engd/private.h>
#include <ctype.h>
#include <errno.h>

/* "relative", "L2 error" -> relative_l2_error */
static void PrintIdentifier(const EngdColumn *column, FILE *file)
{
  for (PetscInt line = 0; line < 2; line++) {
    if (line && *column->name[0] && *column->name[1]) fputc('_', file);
    for (const char *c = column->name[line]; *c; c++) fputc(*c == ' ' ? '_' : tolower((unsigned char)*c), file);
  }
}

/* ends a row; from the first failure on nothing more is written */
static void EndRow(EngdReport report)
{
  errno = 0;
  fputc('\n', report->history);
  if (fflush(report->history) || ferror(report->history)) {
    report->failure[ENGD_FILE_HISTORY] = errno ? errno : EIO;
    (void)fclose(report->history);
    report->history = NULL;
  }
}

/* iteration,loss,... */
static void PrintHeader(EngdReport report)
{
  for (PetscInt c = 0; c < ENGD_NCOLUMNS; c++) {
    if (!EngdReportHasColumn(report, c)) continue;
    if (c) fputc(',', report->history);
    PrintIdentifier(&engd_column[c], report->history);
  }
  EndRow(report);
}

/*
  EngdHistoryOpen - Opens the file and writes the header. Collective, as an error is.
*/
PetscErrorCode EngdHistoryOpen(EngdReport report)
{
  const char *name    = report->file[ENGD_FILE_HISTORY];
  int        *failure = &report->failure[ENGD_FILE_HISTORY];
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  if (!name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdReportFileCheck(report, ENGD_FILE_HISTORY));
  PetscCallMPI(MPI_Comm_rank(report->comm, &rank));
  if (rank == 0) {
    errno           = 0;
    report->history = fopen(name, "w");
    if (report->history)
      PrintHeader(report);
    else
      *failure = errno ? errno : EIO;
  }
  PetscCallMPI(MPI_Bcast(failure, 1, MPI_INT, 0, report->comm));
  PetscCheck(!*failure, report->comm, PETSC_ERR_FILE_OPEN, "-engd_history %s cannot be written: %s", name,
             strerror(*failure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdHistoryWriteRow - Appends report->row. Not collective: rank 0 writes.
*/
PetscErrorCode EngdHistoryWriteRow(EngdReport report)
{
  PetscFunctionBeginUser;
  if (!report->history) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt c = 0; c < ENGD_NCOLUMNS; c++) {
    if (EngdReportHasColumn(report, c)) fprintf(report->history, "%s%.17g", c ? "," : "", (double)report->row[c]);
  }
  EndRow(report);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdHistoryClose(EngdReport report)
{
  PetscFunctionBeginUser;
  errno = 0;
  if (report->history && fclose(report->history)) report->failure[ENGD_FILE_HISTORY] = errno ? errno : EIO;
  report->history = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
