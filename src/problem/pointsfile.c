/*
  Points from a text or CSV file, -<term>_points_file FILE, with numbers given at each of them.

    x, y, f, weight        names, if the first line has any: the coordinates in any order, `weight`, and data that
    0.1, 0.2, 1.7, 0.5     expressions may read by name; without names the columns are the coordinates

  The file is looked for where options files are: the working directory, options/ beside the program, $ENGD_OPTIONS_PATH.
  Separated by commas, semicolons or blanks; # begins a comment. Without weights each point weighs |domain| / N. Rank 0 reads,
  all ranks have the same points whatever their number. No normals, so the points belong to the interior.
*/
#define _GNU_SOURCE /* getline, strtok_r */
#include <engd/private.h>
#include <engd/options_text.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#define BLANKS          " \t\r\n"
#define SEPARATORS      ",;" BLANKS
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* with which spreadsheets begin a CSV file */

/* What rank 0 reads: rows (nrows, ncolumns), and the names of the columns, if the file has any */
typedef struct {
  PetscInt   nrows, ncolumns, capacity;
  PetscReal *value;
  char       names[2048]; /* separated by commas */
  char       fault[512];  /* what is wrong, or empty */
} Table;

/* notes the first mistake */
static void Fault(Table *table, const char format[], ...)
{
  va_list list;

  if (table->fault[0]) return;
  va_start(list, format);
  vsnprintf(table->fault, sizeof(table->fault), format, list);
  va_end(list);
}

/* the line of names, if the first field of the line is no number */
static PetscBool ReadNames(Table *table, char line[])
{
  char *rest, *end;
  char *field = strtok_r(line, SEPARATORS, &rest);

  (void)strtod(field, &end);
  if (!*end) return PETSC_FALSE;
  for (; field; field = strtok_r(NULL, SEPARATORS, &rest), table->ncolumns++) {
    const size_t n = strlen(table->names);

    if (n + strlen(field) + 2 > sizeof(table->names)) Fault(table, "the line of names is too long");
    snprintf(table->names + n, sizeof(table->names) - n, "%s%s", n ? "," : "", field);
  }
  return PETSC_TRUE;
}

/* appends a row of finite numbers, as many as there are columns */
static PetscErrorCode ReadRow(Table *table, PetscInt number, char line[])
{
  PetscInt n = 0;
  char    *rest, *end;

  PetscFunctionBeginUser;
  for (char *field = strtok_r(line, SEPARATORS, &rest); field; field = strtok_r(NULL, SEPARATORS, &rest), n++) {
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
static void CheckLine(Table *table, PetscInt number, const char line[], size_t n)
{
  const char *mac = strchr(line, '\r');

  if (IsBinary(line, n))
    Fault(table, "line %" PetscInt_FMT " is not text", number);
  else if (mac && mac[1 + strspn(mac + 1, "\r")] && mac[1 + strspn(mac + 1, "\r")] != '\n')
    Fault(table, "line %" PetscInt_FMT " has carriage returns within it; lines end with a line feed", number);
}

/* the whole file; what is wrong is in table->fault */
static PetscErrorCode ReadTable(const char name[], Table *table)
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
  if (!table->nrows) Fault(table, "has no points");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the table of rank 0 on all ranks, or the mistake in it */
static PetscErrorCode ShareTable(MPI_Comm comm, const char option[], const char name[], Table *table)
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

/* column[c] <- where coordinate c stands; column[dim] <- the weight, or -1; then the data, whose names the points keep */
static PetscErrorCode AssignColumns(EngdPoints points, const char option[], const char file[], const Table *table,
                                    PetscInt column[])
{
  const EngdDomain domain = points->domain;
  const PetscInt   dim    = points->dim;
  PetscInt         n      = 0;
  char           **names  = NULL;
  PetscBool        same;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c <= dim; c++) column[c] = table->names[0] || c == dim ? -1 : c;
  PetscCheck(table->names[0] || table->ncolumns == dim, points->comm, PETSC_ERR_USER_INPUT,
             "%s %s: %" PetscInt_FMT " columns for %" PetscInt_FMT
             " coordinates; a first line of names says what further columns are",
             option, file, table->ncolumns, dim);
  if (table->names[0]) PetscCall(EngdParseNames(option, table->names, &n, &names));
  PetscCheck(!table->names[0] || n == table->ncolumns, points->comm, PETSC_ERR_USER_INPUT,
             "%s %s: %" PetscInt_FMT " names for %" PetscInt_FMT " columns (%s)", option, file, n, table->ncolumns,
             table->names);
  PetscCall(PetscCalloc1(n, &points->data_name));
  for (PetscInt k = 0; k < n; k++) {
    PetscBool known = PETSC_FALSE;

    for (PetscInt c = 0; c <= dim; c++) {
      PetscCall(PetscStrcmp(names[k], c < dim ? domain->coordinate[c] : "weight", &same));
      if (same) column[c] = k;
      known = (PetscBool)(known || same);
    }
    if (known) continue;
    column[dim + 1 + points->ndata] = k;
    PetscCall(PetscStrallocpy(names[k], &points->data_name[points->ndata++]));
  }
  for (PetscInt c = 0; c < dim; c++)
    PetscCheck(column[c] >= 0, points->comm, PETSC_ERR_USER_INPUT, "%s %s: there is no column named %s (but %s)",
               option, file, domain->coordinate[c], table->names);
  PetscCall(EngdListDestroy(n, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* are all points in the closed domain, if they must be, and all weights positive; points->measure <- the sum of weights, if
   there are any */
static PetscErrorCode CheckTable(EngdPoints points, const char option[], const char file[], PetscBool anywhere,
                                 const Table *table, const PetscInt column[])
{
  const EngdDomain domain = points->domain;
  const PetscInt   dim    = points->dim;
  PetscReal       *x, sum = 0;
  PetscBool        inside = PETSC_TRUE;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(dim, &x));
  for (PetscInt i = 0; i < table->nrows; i++) {
    const PetscReal *row    = table->value + ENGD_COUNT(i, table->ncolumns);
    const PetscReal  weight = column[dim] < 0 ? 0 : row[column[dim]];

    for (PetscInt c = 0; c < dim; c++) x[c] = row[column[c]];
    if (domain->ops->contains && !anywhere) PetscCall((*domain->ops->contains)(domain, x, &inside));
    PetscCheck(inside, points->comm, PETSC_ERR_USER_INPUT,
               "%s %s: point %" PetscInt_FMT " (%s = %g%s) is outside the domain", option, file, i + 1,
               domain->coordinate[0], (double)x[0], dim > 1 ? ", ..." : "");
    PetscCheck(column[dim] < 0 || weight > 0, points->comm, PETSC_ERR_USER_INPUT,
               "%s %s: the weight %g of point %" PetscInt_FMT " is not positive", option, file, (double)weight,
               i + 1);
    sum += weight;
  }
  if (column[dim] >= 0) points->measure = sum;
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x, weight, data of the local points */
static PetscErrorCode FillPoints(EngdPoints points, const Table *table, const PetscInt column[])
{
  const PetscInt dim = points->dim;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(ENGD_COUNT(points->nlocal, points->ndata), &points->data_value));
  for (PetscInt i = 0; i < points->nlocal; i++) {
    const PetscReal *row = table->value + ENGD_COUNT(points->start + i, table->ncolumns);

    for (PetscInt c = 0; c < dim; c++) points->x[i * dim + c] = row[column[c]];
    points->weight[i] = column[dim] < 0 ? points->measure / points->nglobal : row[column[dim]];
    for (PetscInt k = 0; k < points->ndata; k++) points->data_value[i * points->ndata + k] = row[column[dim + 1 + k]];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPointsCreateFromFile - The points of a file, as a rule in the interior of a domain.

  Collective

  Input Parameters:
+ domain - the domain, which must outlive the points
. option - "-fit_points_file", to name in messages
. file   - text or CSV
- anywhere - may points be outside of the domain, too

  Output Parameter:
. points - fixed, with the data of the file

  Errors: PETSC_ERR_USER_INPUT naming the option, the file and the line or the point: no file, numbers of columns that differ,
  what is no finite number, points outside the domain, weights that are not positive

  Source: src/problem/pointsfile.c
*/
PetscErrorCode EngdPointsCreateFromFile(EngdDomain domain, const char option[], const char file[], PetscBool anywhere,
                                        EngdPoints *points)
{
  Table    *table;
  PetscInt *column;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&table));
  PetscCall(ShareTable(domain->comm, option, file, table));
  PetscCall(EngdPointsCreate(domain, option, "interior", "uniform", table->nrows, 0, 0, points));
  PetscCall(PetscFree((*points)->sampler));
  PetscCall(PetscStrallocpy("file", &(*points)->sampler));
  PetscCall(PetscMalloc1(domain->dim + 1 + table->ncolumns, &column));
  PetscCall(AssignColumns(*points, option, file, table, column));
  PetscCall(CheckTable(*points, option, file, anywhere, table, column));
  PetscCall(FillPoints(*points, table, column));
  PetscCall(PetscFree(column));
  PetscCall(PetscFree(table->value));
  PetscCall(PetscFree(table));
  PetscFunctionReturn(PETSC_SUCCESS);
}
