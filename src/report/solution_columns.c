/*
  The columns of the solution's table (-engd_output): expressions of the language over all that may be named at its places, and
  their names.
*/
#include "solutionimpl.h"

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

PetscErrorCode EngdSolutionAddColumns(EngdSolution s, const char output[])
{
  const EngdProblem problem = s->model->problem;
  char            **items;
  PetscInt          n = 0;

  PetscFunctionBeginUser;
  PetscCall(CreateExpression(s));
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
