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
#include <engd/private.h>
#include <strings.h>

typedef struct {
  const char *ending;
  int (*write)(const EngdTable *, FILE *);
  PetscBool grid;   /* only of grids */
  PetscBool space;  /* three coordinates at most, and by default on a grid */
  PetscBool series; /* in time */
} Format;

static const Format formats[] = {
    {".csv", EngdWriteCSV, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {".npz", EngdWriteNPZ, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {".h5", EngdWriteHDF5, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {".vts", EngdWriteVTS, PETSC_TRUE, PETSC_TRUE, PETSC_FALSE},
    {".vtu", EngdWriteVTU, PETSC_FALSE, PETSC_TRUE, PETSC_FALSE},
    {".pvd", EngdWriteVTU, PETSC_TRUE, PETSC_TRUE, PETSC_TRUE},
};

struct _n_EngdSolution {
  EngdModel      model; /* borrowed, with its problem */
  char          *file;  /* NULL: standard output */
  const Format  *format;
  EngdPlaces     places;
  PetscInt       naliases;
  EngdAlias     *alias;
  PetscInt       ndata; /* of the points of a file, but for names that mean something else */
  const char   **data_name;
  PetscInt      *data_column;
  EngdExpression expression;
  PetscInt       nvalues, capacity;
  char         **name, **text; /* [nvalues] */
  EngdTimes      times;        /* of an evolution */
  PetscInt       reached;      /* of these so far */
  EngdOutput     output;       /* the file that is being written, on rank 0 */
};

/* the format of files that end so, in capitals too, or NULL */
static const Format *FindFormat(const char ending[])
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
  const MPI_Comm   comm   = s->model->problem->comm;
  const Format    *format = s->format;
  const EngdPlaces places = s->places;
  const PetscBool  time   = (PetscBool)(places->naxes && places->axis[places->naxes - 1] == places->domain->nspace);
  const PetscInt   axes   = places->naxes ? places->naxes - (format->series && !s->times.n ? 1 : 0) : places->dim;

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

/* does the name mean something besides the data of a points file */
static PetscBool IsTaken(const EngdSymbols *symbols, const char name[])
{
  const char *const *const list[]  = {symbols->coordinate, symbols->output, symbols->parameter, symbols->unknown};
  const PetscInt           count[] = {symbols->dim, symbols->noutputs, symbols->nparameters, symbols->nunknowns};

  for (PetscInt k = 0; k < 4; k++)
    for (PetscInt i = 0; i < count[k]; i++)
      if (!strcmp(list[k][i], name)) return PETSC_TRUE;
  for (PetscInt i = 0; i < symbols->naliases; i++)
    if (!strcmp(symbols->alias[i].name, name)) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* the expression, over all that may be named at these places */
static PetscErrorCode CreateExpression(EngdSolution s)
{
  const EngdPoints points = s->places->points;
  EngdSymbols      symbols;

  PetscFunctionBeginUser;
  PetscCall(EngdProblemCreateAliases(s->model->problem, &s->naliases, &s->alias));
  PetscCall(EngdProblemGetSymbols(s->model->problem, &symbols));
  symbols.naliases = s->naliases;
  symbols.alias    = s->alias;
  if (points) PetscCall(PetscMalloc2(points->ndata, &s->data_name, points->ndata, &s->data_column));
  for (PetscInt k = 0; points && k < points->ndata; k++) {
    if (IsTaken(&symbols, points->data_name[k])) continue;
    s->data_name[s->ndata]     = points->data_name[k];
    s->data_column[s->ndata++] = k;
  }
  symbols.ndata = s->ndata;
  symbols.data  = s->data_name;
  PetscCall(EngdExpressionCreate(&symbols, &s->expression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one more value, whose name must be new */
static PetscErrorCode AddValue(EngdSolution s, const char item[], const char name[], const char text[])
{
  const EngdDomain domain = s->model->problem->domain;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < domain->dim + s->nvalues; k++)
    PetscCheck(strcmp(name, k < domain->dim ? domain->coordinate[k] : s->name[k - domain->dim]), domain->comm,
               PETSC_ERR_USER_INPUT, "-engd_output: there is already a column %s; name this one, as in \"%s1 = %s\"",
               name, name, item);
  PetscCheck(s->format->write != EngdWriteHDF5 || !strchr(name, '/'), domain->comm, PETSC_ERR_USER_INPUT,
             "-engd_output: names in %s cannot have a /, as %s has; name it, as in \"q = %s\"", s->file, name, item);
  if (s->nvalues == s->capacity) {
    s->capacity = 2 * s->capacity + 8;
    PetscCall(PetscRealloc(ENGD_COUNT(s->capacity, sizeof(*s->name)), &s->name));
    PetscCall(PetscRealloc(ENGD_COUNT(s->capacity, sizeof(*s->text)), &s->text));
  }
  PetscCall(PetscStrallocpy(name, &s->name[s->nvalues]));
  PetscCall(PetscStrallocpy(text, &s->text[s->nvalues]));
  s->nvalues++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An item of the list: "expression" or "name = expression"; of several components name_1, name_2, .. */
static PetscErrorCode AddItem(EngdSolution s, const char item[])
{
  const char *text = item, *equals = strchr(item, '=');
  char        name[512], **names;
  PetscInt    m, before = s->expression->ncomponents, n;

  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(name, item, sizeof(name)));
  if (equals && equals > item && equals[1] != '=' && !strchr("<>!", equals[-1])) {
    PetscCheck((size_t)(equals - item) < sizeof(name), s->model->problem->comm, PETSC_ERR_USER_INPUT,
               "-engd_output: what stands before the = has %zu characters, and a name has %zu at most: \"%.40s...\"",
               (size_t)(equals - item), sizeof(name) - 1, item);
    text                = equals + 1;
    name[equals - item] = 0;
    PetscCall(EngdParseNames("-engd_output", name, &m, &names));
    PetscCheck(m == 1, s->model->problem->comm, PETSC_ERR_USER_INPUT, "-engd_output %s: %s is not one name", item,
               name);
    PetscCall(PetscStrncpy(name, names[0], sizeof(name)));
    PetscCall(EngdListDestroy(m, &names));
    while (*text == ' ') text++;
  }
  PetscCall(EngdExpressionAppend(s->expression, "-engd_output", text));
  n = s->expression->ncomponents - before;
  if (n == 1) PetscCall(AddValue(s, item, name, text));
  for (PetscInt c = 1; n > 1 && c <= n; c++) {
    char numbered[600];

    PetscCall(PetscSNPrintf(numbered, sizeof(numbered), "%s_%" PetscInt_FMT, name, c));
    PetscCall(AddValue(s, item, numbered, text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* exact or error: one column for each output that has an exact solution as text, which is known at all points */
static PetscErrorCode AddExact(EngdSolution s, const char what[])
{
  const EngdProblem problem = s->model->problem;
  char              name[256];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < problem->noutputs; k++) {
    if (!problem->exact_text[k]) continue;
    PetscCall(PetscSNPrintf(name, sizeof(name), "%s_%s", what, problem->output[k]));
    PetscCall(AddItem(s, name));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the columns of -engd_output, or the outputs and what is known of the exact solution */
static PetscErrorCode AddColumns(EngdSolution s, const char output[])
{
  const EngdProblem problem = s->model->problem;
  char            **items;
  PetscInt          n = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; !output && k < problem->noutputs; k++) PetscCall(AddItem(s, problem->output[k]));
  if (!output) PetscCall(AddExact(s, "exact"));
  if (output) PetscCall(EngdParseList("-engd_output", output, &n, &items));
  for (PetscInt i = 0; i < n; i++) {
    const PetscBool several =
        (PetscBool)(problem->nexact && (!strcmp(items[i], "exact") || !strcmp(items[i], "error")));

    if (several)
      PetscCall(AddExact(s, items[i]));
    else
      PetscCall(AddItem(s, items[i]));
  }
  if (output) PetscCall(EngdListDestroy(n, &items));
  PetscCall(EngdExpressionCompile(s->expression, 0));
  PetscCheck((PetscInt64)s->places->nglobal * (s->places->dim + s->nvalues + 1) <= PETSC_MAX_INT, problem->comm,
             PETSC_ERR_USER_INPUT,
             "-engd_solution: %" PetscInt_FMT " points with %" PetscInt_FMT " values each are too many for one file",
             s->places->nglobal, s->nvalues);
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
  PetscCall(CreateExpression(s));
  PetscCall(AddColumns(s, output));
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
