/*
  Files of numbers in columns, separated by commas, semicolons or blanks; # begins a comment.

  A first line whose first field is no number has the names of the columns. The file is looked for where options files are: the
  working directory, options/ beside the program, $ENGD_OPTIONS_PATH. Rank 0 reads; what it finds, or what is wrong with it, goes
  to all ranks.
*/
#define _GNU_SOURCE /* getline, strtok_r */
#include "tablefile.h"
#include <engd/options_text.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#define BLANKS          " \t\r\n"
#define SEPARATORS      ",;" BLANKS
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* with which spreadsheets begin a CSV file */

/* notes the first mistake */
static void Fault(EngdTableFile *table, const char format[], ...)
{
  va_list list;

  if (table->fault[0]) return;
  va_start(list, format);
  vsnprintf(table->fault, sizeof(table->fault), format, list);
  va_end(list);
}

/* the next field of a line, as strtok_r() has it, without the quotation marks that some programs write names and numbers in */
static char *TakeField(char *line, char **rest)
{
  char        *field = strtok_r(line, SEPARATORS, rest);
  const size_t n     = field ? strlen(field) : 0;

  if (n < 3 || field[0] != '"' || field[n - 1] != '"') return field;
  field[n - 1] = 0;
  return field + 1;
}

/* the line of names, if the first field of the line is no number */
static PetscBool ReadNames(EngdTableFile *table, char line[])
{
  char *rest, *end;
  char *field = TakeField(line, &rest);

  (void)strtod(field, &end);
  if (!*end) return PETSC_FALSE;
  for (; field; field = TakeField(NULL, &rest), table->ncolumns++) {
    const size_t n = strlen(table->names);

    if (n + strlen(field) + 2 > sizeof(table->names)) Fault(table, "the line of names is too long");
    snprintf(table->names + n, sizeof(table->names) - n, "%s%s", n ? "," : "", field);
  }
  return PETSC_TRUE;
}

/* appends a row of finite numbers, as many as there are columns */
static PetscErrorCode ReadRow(EngdTableFile *table, PetscInt number, char line[])
{
  PetscInt n = 0;
  char    *rest, *end;

  PetscFunctionBeginUser;
  for (char *field = TakeField(line, &rest); field; field = TakeField(NULL, &rest), n++) {
    const PetscInt at = table->nrows * table->ncolumns + n;

    if (table->nrows && n >= table->ncolumns) continue; /* counted only */
    if (at >= table->capacity) {
      table->capacity = 2 * table->capacity + 1024;
      PetscCall(PetscRealloc(ENGD_COUNT(table->capacity, sizeof(PetscReal)), &table->value));
    }
    table->value[at] = strtod(field, &end);
    if (*end || PetscIsInfOrNanReal(table->value[at]))
      Fault(table, "line %" PetscInt_FMT ": '%s' is no finite number", number, field);
  }
  if (!table->nrows && !table->ncolumns) table->ncolumns = n;
  if (n != table->ncolumns)
    Fault(table, "line %" PetscInt_FMT " has %" PetscInt_FMT " columns, not %" PetscInt_FMT, number, n,
          table->ncolumns);
  table->nrows++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* does the line, n bytes, hold what no text has: a zero or another control character that is no blank */
static PetscBool IsBinary(const char line[], size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (iscntrl((unsigned char)line[i]) && !isspace((unsigned char)line[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* is there nothing before, between or behind commas: what stands there would be taken for the column of another */
static PetscBool HasEmptyField(const char line[])
{
  PetscBool empty = PETSC_TRUE;

  for (; *line; line++) {
    const PetscBool ends = (PetscBool)(*line == ',' || *line == ';');

    if (ends && empty) return PETSC_TRUE;
    if (!isspace((unsigned char)*line)) empty = ends;
  }
  return empty;
}

/* what is wrong with the line as a text, of n bytes */
static void CheckLine(EngdTableFile *table, PetscInt number, const char line[], size_t n)
{
  const char *mac = strchr(line, '\r');

  if (IsBinary(line, n))
    Fault(table, "line %" PetscInt_FMT " is not text", number);
  else if (mac && mac[1 + strspn(mac + 1, "\r")] && mac[1 + strspn(mac + 1, "\r")] != '\n')
    Fault(table, "line %" PetscInt_FMT " has carriage returns within it; lines end with a line feed", number);
}

/* the whole file; what is wrong is in table->fault */
static PetscErrorCode ReadTable(const char name[], EngdTableFile *table)
{
  char        path[PETSC_MAX_PATH_LEN], searched[PETSC_MAX_PATH_LEN];
  FILE       *file = fopen(EngdFindOptionsFile(name, sizeof(path), path, searched) ? path : name, "r");
  char       *line = NULL, *copy = NULL;
  size_t      size   = 0;
  ssize_t     length = 0;
  PetscInt    number = 0;
  struct stat status;

  PetscFunctionBeginUser;
  if (!file) Fault(table, "cannot be read: %s", strerror(errno));
  /* /dev/zero has no end */
  if (file && (fstat(fileno(file), &status) || !(S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode))))
    Fault(table, "is no file and no pipe");
  while (file && !table->fault[0] && (length = getline(&line, &size, file)) > 0) {
    if (!number++ && !strncmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)))
      memset(line, ' ', strlen(BYTE_ORDER_MARK));
    CheckLine(table, number, line, (size_t)length);
    if (table->fault[0]) break;
    line[strcspn(line, "#")] = 0;
    if (!line[strspn(line, BLANKS)]) continue;
    if (HasEmptyField(line)) {
      Fault(table,
            "line %" PetscInt_FMT " has an empty field: give a number between any two commas and behind the last",
            number);
      break;
    }
    PetscCall(PetscFree(copy));
    PetscCall(PetscStrallocpy(line, &copy));
    if (!table->nrows && !table->ncolumns && ReadNames(table, copy)) continue;
    PetscCall(ReadRow(table, number, line));
  }
  if (file && ferror(file)) Fault(table, "cannot be read to its end");
  if (file) (void)fclose(file);
  free(line);
  PetscCall(PetscFree(copy));
  if (!table->nrows) Fault(table, "has no rows");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the table of rank 0 on all ranks, or the mistake in it */
static PetscErrorCode ShareTable(MPI_Comm comm, const char option[], const char name[], EngdTableFile *table)
{
  PetscMPIInt rank, count;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) PetscCall(ReadTable(name, table));
  PetscCallMPI(MPI_Bcast(table->fault, sizeof(table->fault), MPI_CHAR, 0, comm));
  PetscCheck(!table->fault[0], comm, PETSC_ERR_USER_INPUT, "%s %s: %s", option, name, table->fault);
  PetscCallMPI(MPI_Bcast(table->names, sizeof(table->names), MPI_CHAR, 0, comm));
  PetscCallMPI(MPI_Bcast(&table->nrows, 1, MPIU_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(&table->ncolumns, 1, MPIU_INT, 0, comm));
  PetscCall(PetscMPIIntCast(table->nrows * table->ncolumns, &count));
  if (rank) PetscCall(PetscMalloc1(count, &table->value));
  PetscCallMPI(MPI_Bcast(table->value, count, MPIU_REAL, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTableFileRead(MPI_Comm comm, const char option[], const char file[], EngdTableFile **table)
{
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(table));
  ierr = ShareTable(comm, option, file, *table);
  if (ierr) PetscCall(EngdTableFileDestroy(table));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTableFileDestroy(EngdTableFile **table)
{
  PetscFunctionBeginUser;
  if (*table) PetscCall(PetscFree((*table)->value));
  PetscCall(PetscFree(*table));
  PetscFunctionReturn(PETSC_SUCCESS);
}
