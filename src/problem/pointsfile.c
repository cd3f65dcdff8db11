/*
  Points from a text or CSV file, -<term>_points_file FILE, with numbers given at each of them.

    x, y, f, weight        names, if the first line has any: the coordinates in any order, `weight`, and data that
    0.1, 0.2, 1.7, 0.5     expressions may read by name; without names the columns are the coordinates

  Files: tablefile.c. Without weights each point weighs |domain| / N. All ranks have the same points whatever their number. No
  normals, so the points belong to the interior.
*/
#include "tablefile.h"

/* the same of a file whose first line has these n names */
static PetscErrorCode AssignNames(EngdPoints points, const char option[], const char file[],
                                  const EngdTableFile *table, PetscInt n, char *names[], PetscInt column[])
{
  const EngdDomain domain = points->domain;
  const PetscInt   dim    = points->dim;
  PetscBool        same;

  PetscFunctionBeginUser;
  PetscCheck(n == table->ncolumns, points->comm, PETSC_ERR_USER_INPUT,
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
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* column[c] <- where coordinate c stands; column[dim] <- the weight, or -1; then the data, whose names the points keep */
static PetscErrorCode AssignColumns(EngdPoints points, const char option[], const char file[],
                                    const EngdTableFile *table, PetscInt column[])
{
  const PetscInt dim   = points->dim;
  PetscInt       n     = 0;
  char         **names = NULL;
  char           where[2 * PETSC_MAX_PATH_LEN];
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c <= dim; c++) column[c] = table->names[0] || c == dim ? -1 : c;
  PetscCheck(table->names[0] || table->ncolumns == dim, points->comm, PETSC_ERR_USER_INPUT,
             "%s %s: %" PetscInt_FMT " columns for %" PetscInt_FMT
             " coordinates; a first line of names says what further columns are",
             option, file, table->ncolumns, dim);
  if (!table->names[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(where, sizeof(where), "%s %s: the names", option, file));
  PetscCall(EngdParseNames(where, table->names, &n, &names));
  ierr = AssignNames(points, option, file, table, n, names, column);
  PetscCall(EngdListDestroy(n, &names));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (dim): room. Are all points in the closed domain, if they must be, and all weights positive; points->measure <- the sum of weights, if
   there are any */
static PetscErrorCode CheckTable(EngdPoints points, const char option[], const char file[], PetscBool anywhere,
                                 const EngdTableFile *table, const PetscInt column[], PetscReal x[])
{
  const EngdDomain domain = points->domain;
  const PetscInt   dim    = points->dim;
  PetscReal        sum    = 0;
  PetscBool        inside = PETSC_TRUE;

  PetscFunctionBeginUser;
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
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x, weight, data of the local points */
static PetscErrorCode FillPoints(EngdPoints points, const EngdTableFile *table, const PetscInt column[])
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

/* the points of a table; they, and column, x, are to be freed also after an error */
static PetscErrorCode TakeTable(EngdDomain domain, const char option[], const char file[], PetscBool anywhere,
                                const EngdTableFile *table, PetscInt column[], PetscReal x[], EngdPoints *points)
{
  PetscFunctionBeginUser;
  PetscCall(EngdPointsCreate(domain, option, "interior", "uniform", table->nrows, 0, 0, points));
  PetscCall(PetscFree((*points)->sampler));
  PetscCall(PetscStrallocpy("file", &(*points)->sampler));
  PetscCall(AssignColumns(*points, option, file, table, column));
  PetscCall(CheckTable(*points, option, file, anywhere, table, column, x));
  PetscCall(FillPoints(*points, table, column));
  (*points)->digest =
      EngdDigest(ENGD_DIGEST_NONE, ENGD_COUNT(table->nrows, table->ncolumns) * sizeof(PetscReal), table->value);
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
  EngdTableFile *table;
  PetscInt      *column;
  PetscReal     *x;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  *points = NULL;
  PetscCall(EngdTableFileRead(domain->comm, option, file, &table));
  PetscCall(PetscMalloc2(domain->dim + 1 + table->ncolumns, &column, domain->dim, &x));
  ierr = TakeTable(domain, option, file, anywhere, table, column, x, points);
  PetscCall(PetscFree2(column, x));
  PetscCall(EngdTableFileDestroy(&table));
  if (ierr) PetscCall(EngdPointsDestroy(points));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}
