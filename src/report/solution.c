/*
  -engd_solution FILE: coordinates and expressions of the solution as a table, in the format that the ending of FILE says.

    .csv (and no ending)   a row a point        .vts   structured grid, for ParaView        .h5    HDF5, with attributes
    .npz                   arrays for NumPy     .vtu   cells, or points alone               .pvd   a series of .vtu in time

  -engd_solution_points says where (places.c), -engd_output what: expressions of the language, with the names of aliases.c.
  The table is gathered on rank 0 in the global order of the points, so that no file depends on the number of ranks, and
  written by a stream that output.c opens: PETSc's viewers raise a full disk on one rank alone, while others wait for it, and
  write only to the name with the ending, never beside it.
*/
#define _GNU_SOURCE /* strcasecmp */
#include "solutionimpl.h"
#include <strings.h>

static const EngdSolutionFormat formats[] = {
    {".csv", EngdWriteCSV, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {".npz", EngdWriteNPZ, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {".h5", EngdWriteHDF5, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {".vts", EngdWriteVTS, PETSC_TRUE, PETSC_TRUE, PETSC_FALSE},
    {".vtu", EngdWriteVTU, PETSC_FALSE, PETSC_TRUE, PETSC_FALSE},
    {".pvd", EngdWriteVTU, PETSC_TRUE, PETSC_TRUE, PETSC_TRUE},
};

/* the format of files that end so, in capitals too, or NULL */
static const EngdSolutionFormat *FindFormat(const char ending[])
{
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(formats); k++)
    if (!strcasecmp(ending, formats[k].ending)) return &formats[k];
  return NULL;
}

/* ending <- that of the name, from its last point on; empty if it has none, as hidden files of no format have */
static const char *Ending(const char name[])
{
  const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name, *dot = strrchr(base, '.');

  return dot && (dot > base || FindFormat(dot)) ? dot : "";
}

static PetscErrorCode SetFormat(EngdSolution s)
{
  const char *ending = s->file ? Ending(s->file) : "";

  PetscFunctionBeginUser;
  s->format = ending[0] ? FindFormat(ending) : &formats[0];
  PetscCheck(s->format, s->model->problem->comm, PETSC_ERR_USER_INPUT,
             "-engd_solution %s: the ending %s is not known; give .csv, .npz, .h5, .vts, .vtu or .pvd", s->file,
             ending);
#if !defined(PETSC_HAVE_HDF5)
  PetscCheck(s->format->write != EngdWriteHDF5, s->model->problem->comm, PETSC_ERR_USER_INPUT,
             "-engd_solution %s: this PETSc is without HDF5; give .npz", s->file);
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* can the format hold what is at these places */
static PetscErrorCode CheckFormat(EngdSolution s, const char option[])
{
  const MPI_Comm            comm   = s->model->problem->comm;
  const EngdSolutionFormat *format = s->format;
  const EngdPlaces          places = s->places;
  const PetscBool time = (PetscBool)(places->naxes && places->axis[places->naxes - 1] == places->domain->nspace);
  const PetscInt  axes = places->naxes ? places->naxes - (format->series && !s->times.n ? 1 : 0) : places->dim;

  PetscFunctionBeginUser;
  PetscCheck(!format->series || places->domain->time || s->times.n, comm, PETSC_ERR_USER_INPUT,
             "-engd_solution %s: it is a series in time, and there is none (-domain_time); give .vtu or .vts",
             s->file);
  PetscCheck(!format->grid || places->naxes, comm, PETSC_ERR_USER_INPUT,
             "-engd_solution %s: it holds grids, but %s %s is a list of points; give .vtu or .csv", s->file, option,
             places->text);
  PetscCheck(!format->series || s->times.n || (time && axes >= 1), comm, PETSC_ERR_USER_INPUT,
             "-engd_solution %s: it is a series in time, and %s %s is at one time, or a line; give .vtu", s->file,
             option, places->text);
  PetscCheck(!format->space || axes <= 3, comm, PETSC_ERR_USER_INPUT,
             "-engd_solution %s: ParaView has three coordinates, and these points %" PetscInt_FMT
             "; hold some, as in %s \"slice(%s=0.5, ..; 101,101)\"",
             s->file, axes, option, places->domain->coordinate[places->dim - 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* points of a file outside of the domain have values, which nobody has trained */
static PetscErrorCode WarnOfOutside(EngdSolution s)
{
  const EngdPlaces places = s->places;

  PetscFunctionBeginUser;
  if (!places->points || !places->outside) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFPrintf(s->model->problem->comm, s->file ? PETSC_STDOUT : PETSC_STDERR,
                         "Warning: %" PetscInt_FMT " of the %" PetscInt_FMT
                         " points of %s are outside of the domain, where nothing was trained\n",
                         places->outside, places->nglobal, places->text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSolutionCreate(EngdModel model, const char file[], const char option[], const char points[],
                                  const char output[], EngdTimes times, EngdSolution *out)
{
  EngdSolution s;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  s->model = model;
  s->times = times;
  PetscCall(PetscStrallocpy(file, &s->file));
  PetscCall(SetFormat(s));
  PetscCall(EngdPlacesCreate(model->problem, option,
                             points             ? points
                             : s->format->space ? "grid"
                                                : "test",
                             &s->places));
  PetscCall(CheckFormat(s, option));
  PetscCall(EngdSolutionAddColumns(s, output));
  PetscCall(WarnOfOutside(s));
  *out = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* how many files there are besides the one with the name, those of the times; of an evolution the last time is that of the name */
static PetscInt CountTimes(EngdSolution s)
{
  if (s->times.n) return s->times.n - (s->format->series ? 0 : 1);
  return s->format->series ? s->places->count[s->places->naxes - 1] : 0;
}

/* name <- u_0003.vtu of u.pvd, u_0003.csv of u.csv */
static void NamePiece(EngdSolution s, PetscInt k, size_t size, char name[])
{
  const char *ending = Ending(s->file);

  snprintf(name, size, "%.*s_%04" PetscInt_FMT "%s", (int)(strlen(s->file) - strlen(ending)), s->file, k,
           s->format->series ? ".vtu" : ending);
}

PetscErrorCode EngdSolutionGetFile(EngdSolution s, PetscInt k, size_t size, char name[])
{
  PetscFunctionBeginUser;
  name[0] = 0;
  if (s->file && k == 0) PetscCall(PetscStrncpy(name, s->file, size));
  if (s->file && k > 0 && k <= CountTimes(s)) NamePiece(s, k - 1, size, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows [nlocal][dim + nvalues + 1] */
static PetscErrorCode FillRows(EngdSolution s, const PetscReal theta[], PetscReal rows[])
{
  const EngdPlaces places = s->places;
  const EngdPoints points = places->points;
  const PetscInt   n = places->nlocal, dim = places->dim, m = s->nvalues;
  PetscReal       *values, *data = NULL;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(ENGD_COUNT(n, m), &values));
  if (s->ndata) PetscCall(PetscMalloc1(ENGD_COUNT(n, s->ndata), &data));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt k = 0; k < s->ndata; k++)
      data[ENGD_COUNT(i, s->ndata) + k] = points->data_value[ENGD_COUNT(i, points->ndata) + s->data_column[k]];
  PetscCall(EngdModelEvaluateExpression(s->model, s->expression, theta, n, places->x, NULL, data, values));
  for (PetscInt i = 0; i < n; i++) {
    PetscReal      *row   = rows + ENGD_COUNT(i, dim + m + 1);
    const PetscBool blank = (PetscBool)(places->naxes && !places->inside[i]);

    PetscCall(PetscArraycpy(row, places->x + ENGD_COUNT(i, dim), dim));
    for (PetscInt k = 0; k < m; k++) row[dim + k] = blank ? NAN : values[ENGD_COUNT(i, m) + k];
    row[dim + m] = places->inside[i] ? 1 : 0;
  }
  PetscCall(PetscFree(data));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a file from the table; 0 or an errno */
static int WriteFile(EngdSolution s, const char name[], int (*write)(const EngdTable *, FILE *),
                     const EngdTable *table)
{
  FILE *file;
  int   failure = EngdOutputOpenFile(&s->output, name, &file), last;

  if (failure) return failure;
  failure = (*write)(table, file);
  last    = EngdOutputCloseFile(&s->output, &file);
  return failure ? failure : last;
}

/* the list of the files of the times so far; a series names them as seen from where it is itself */
static int WriteSeries(EngdSolution s, const EngdTable *table)
{
  const PetscInt ntimes = s->times.n ? s->reached : CountTimes(s), each = s->times.n ? 0 : table->n / ntimes;
  FILE          *file;
  int            failure = EngdOutputOpenFile(&s->output, s->file, &file);

  if (failure) return failure;
  fprintf(file, "<?xml version=\"1.0\"?>\n<VTKFile type=\"Collection\" version=\"0.1\">\n  <Collection>\n");
  for (PetscInt k = 0; k < ntimes; k++) {
    const PetscReal t =
        s->times.n ? s->times.at[k] : table->row[ENGD_COUNT(k * each, table->stride) + s->places->domain->nspace];
    char name[PETSC_MAX_PATH_LEN + 16], *slash;

    NamePiece(s, k, sizeof(name), name);
    slash = strrchr(name, '/');
    fprintf(file, "    <DataSet timestep=\"%.17g\" file=\"", (double)t);
    EngdWriteXML(slash ? slash + 1 : name, file);
    fprintf(file, "\"/>\n");
  }
  fprintf(file, "  </Collection>\n</VTKFile>\n");
  return EngdOutputCloseFile(&s->output, &file);
}

/* rank 0: the file of the present time of an evolution, and the list up to it */
static int WritePresent(EngdSolution s, const EngdTable *table)
{
  char name[PETSC_MAX_PATH_LEN + 16];
  int  failure;

  NamePiece(s, s->reached - 1, sizeof(name), name);
  failure = WriteFile(s, name, s->format->write, table);
  return failure || !s->format->series ? failure : WriteSeries(s, table);
}

/* rank 0: one file, or those of the times and their list, which comes last since it is what a reader begins with */
static int WriteWhole(EngdSolution s, const EngdTable *table)
{
  const PetscInt ntimes = CountTimes(s);
  EngdTable      piece  = *table;
  char           name[PETSC_MAX_PATH_LEN + 16];
  int            failure = 0;

  if (!s->file) return EngdWriteCSV(table, PETSC_STDOUT);
  if (!s->format->series) return WriteFile(s, s->file, s->format->write, table);
  if (s->times.n) return WriteSeries(s, table);
  piece.n = table->n / ntimes;
  piece.naxes--;
  for (PetscInt k = 0; k < ntimes && !failure; k++) {
    piece.row = table->row + ENGD_COUNT(k * piece.n, table->stride);
    NamePiece(s, k, sizeof(name), name);
    failure = WriteFile(s, name, s->format->write, &piece);
  }
  return failure ? failure : WriteSeries(s, table);
}

/* the table at theta, written by rank 0 */
static PetscErrorCode Write(EngdSolution s, const PetscReal theta[], int (*write)(EngdSolution, const EngdTable *),
                            int *failure)
{
  const EngdProblem problem = s->model->problem;
  const EngdPlaces  places  = s->places;
  EngdTable   table = {.dim = places->dim, .nvalues = s->nvalues, .naxes = places->naxes, .problem = problem->name};
  PetscReal  *rows;
  PetscMPIInt rank;
  Vec         all, gathered;
  VecScatter  scatter;

  PetscFunctionBeginUser;
  PetscCall(EngdPlacesUpdate(places));
  table.stride = places->dim + s->nvalues + 1;
  PetscCallMPI(MPI_Comm_rank(problem->comm, &rank));
  PetscCall(VecCreateMPI(problem->comm, places->nlocal * table.stride, PETSC_DETERMINE, &all));
  PetscCall(VecGetArrayWrite(all, &rows));
  PetscCall(FillRows(s, theta, rows));
  PetscCall(VecRestoreArrayWrite(all, &rows));
  PetscCall(VecScatterCreateToZero(all, &scatter, &gathered));
  PetscCall(VecScatterBegin(scatter, all, gathered, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, all, gathered, INSERT_VALUES, SCATTER_FORWARD));
  if (!rank) {
    PetscCall(PetscMalloc2(table.dim + table.nvalues, &table.name, table.dim + table.nvalues, &table.text));
    for (PetscInt k = 0; k < table.dim; k++) table.name[k] = table.text[k] = problem->domain->coordinate[k];
    for (PetscInt k = 0; k < table.nvalues; k++) {
      table.name[table.dim + k] = s->name[k];
      table.text[table.dim + k] = s->text[k];
    }
    table.n     = places->nglobal;
    table.count = places->count;
    table.axis  = places->axis;
    PetscCall(VecGetArrayRead(gathered, &table.row));
    *failure = (*write)(s, &table);
    PetscCall(VecRestoreArrayRead(gathered, &table.row));
    PetscCall(PetscFree2(table.name, table.text));
  }
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&gathered));
  PetscCall(VecDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSolutionWrite(EngdSolution s, const PetscReal theta[], int *failure)
{
  PetscFunctionBeginUser;
  PetscCall(Write(s, theta, WriteWhole, failure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSolutionSkipTimes(EngdSolution s, PetscInt n)
{
  PetscFunctionBeginUser;
  s->reached = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSolutionWriteTime(EngdSolution s, const PetscReal theta[], PetscInt k, int *failure)
{
  PetscFunctionBeginUser;
  s->reached = k + 1;
  if (k < CountTimes(s)) PetscCall(Write(s, theta, WritePresent, failure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSolutionDestroy(EngdSolution *s)
{
  PetscFunctionBeginUser;
  if (!*s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdExpressionDestroy(&(*s)->expression));
  PetscCall(EngdAliasesDestroy((*s)->naliases, &(*s)->alias));
  PetscCall(PetscFree2((*s)->data_name, (*s)->data_column));
  PetscCall(EngdPlacesDestroy(&(*s)->places));
  PetscCall(EngdListDestroy((*s)->nvalues, &(*s)->name));
  PetscCall(EngdListDestroy((*s)->nvalues, &(*s)->text));
  PetscCall(PetscFree((*s)->file));
  PetscCall(PetscFree(*s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
