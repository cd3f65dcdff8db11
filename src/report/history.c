/*
  The history: CSV, one row for each outer iteration, whole after each row even if the run is killed.

  The columns are those of the monitor, their names with underscores for blanks, at full precision (%.17g); the error
  only where there is an exact solution. time_left is inf while it cannot be told. Written by rank 0. A run that goes on from a
  checkpoint cuts the file back to the rows up to it.
*/
#define _GNU_SOURCE /* open_memstream, getline */
#include <engd/private.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* length <- that of the rows up to this iteration, 0 if there is no such file; false if its columns are not ours */
static PetscBool FindEnd(const char name[], const char header[], PetscInt iteration, off_t *length)
{
  FILE     *file = fopen(name, "r");
  char     *line = NULL;
  size_t    size = 0;
  ssize_t   n;
  PetscBool same = PETSC_TRUE;

  *length = 0;
  if (!file) return PETSC_TRUE;
  while (same && (n = getline(&line, &size, file)) > 0 && line[n - 1] == '\n') {
    if (*length == 0)
      same = (PetscBool)!strcmp(line, header);
    else if (strtod(line, NULL) > (double)iteration)
      break;
    *length += n;
  }
  free(line);
  (void)fclose(file);
  return same;
}

/* the text of the header; free() it */
static char *MakeHeader(EngdReport report)
{
  FILE  *before = report->history;
  char  *text   = NULL;
  size_t size;

  report->history = open_memstream(&text, &size);
  if (report->history) PrintHeader(report);
  if (report->history) (void)fclose(report->history);
  report->history = before;
  return text;
}

/* cuts the file back to the rows of the run before, and opens it for those to come; false: it has other columns */
static PetscBool GoOn(EngdReport report, const char name[])
{
  char       *header = MakeHeader(report);
  struct stat status;
  off_t       length = 0;
  PetscBool   same   = PETSC_TRUE;

  if (header && !stat(name, &status) && S_ISREG(status.st_mode))
    same = FindEnd(name, header, report->continues, &length);
  free(header);
  if (!same || (length > 0 && truncate(name, length))) return same;
  report->history = fopen(name, length > 0 ? "a" : "w");
  if (report->history && length == 0) PrintHeader(report);
  return PETSC_TRUE;
}

/*
  EngdHistoryOpen - Opens the file and writes the header; where the run goes on, the rows before stay. Collective, as an error is.
*/
PetscErrorCode EngdHistoryOpen(EngdReport report)
{
  const char *name       = report->file[ENGD_FILE_HISTORY];
  int         outcome[2] = {0, 0}; /* errno, and does the file have other columns */
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  if (!name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdReportFileCheck(report, ENGD_FILE_HISTORY));
  PetscCallMPI(MPI_Comm_rank(report->comm, &rank));
  if (rank == 0) {
    errno = 0;
    if (report->continues >= 0)
      outcome[1] = !GoOn(report, name);
    else if ((report->history = fopen(name, "w")))
      PrintHeader(report);
    if (!report->history) outcome[0] = errno ? errno : EIO;
  }
  PetscCallMPI(MPI_Bcast(outcome, 2, MPI_INT, 0, report->comm));
  PetscCheck(!outcome[1], report->comm, PETSC_ERR_USER_INPUT,
             "-engd_history %s has other columns than those of this run, which goes on from a checkpoint: give it "
             "another name",
             name);
  PetscCheck(!outcome[0], report->comm, PETSC_ERR_FILE_OPEN, "-engd_history %s cannot be written: %s", name,
             strerror(outcome[0]));
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

/* EngdHistoryClose - The file is whole, or report->failure says why not: one that somebody has removed is lost. Not collective */
PetscErrorCode EngdHistoryClose(EngdReport report)
{
  struct stat status;

  PetscFunctionBeginUser;
  if (report->history && !fstat(fileno(report->history), &status) && !status.st_nlink)
    report->failure[ENGD_FILE_HISTORY] = ENOENT;
  errno = 0;
  if (report->history && fclose(report->history)) report->failure[ENGD_FILE_HISTORY] = errno ? errno : EIO;
  report->history = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
