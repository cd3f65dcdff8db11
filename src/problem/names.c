/*
  The names of a problem: its unknowns, parameters and terms, checked against each other.

  Coordinates, unknowns, parameters and unknown parameters share one space of names, that of the expressions; terms are prefixes of options and
  must not begin the options of anybody else.
*/
#include <engd/private.h>

/* What the options of engd, PETSc and SLEPc begin with, so no name of a term */
static const char *const reserved[] = {
    "bv",        "esteig",   "fieldsplit", "mg",    "sub",     "checkpoint", "dll",        "dm",         "domain",
    "ds",        "engd",     "eps",        "error", "exact",   "fn",         "help",       "history",    "hessian",
    "info",      "is",       "jacobian",   "kfac",  "ksp",     "log",        "lme",        "malloc",     "mat",
    "mfn",       "mpi",      "network",    "nep",   "nystrom", "objects",    "options",    "parameters", "pc",
    "pep",       "petsc",    "rg",         "saws",  "sf",      "sles",       "slepc",      "snes",       "spectrum",
    "st",        "svd",      "tao",        "terms", "ts",      "vec",        "vecscatter", "version",    "viewer",
    "functions", "networks", "on",         "fp",    "get",     "use",        "skip",       "stop",       "theta",
    "ansatz",    "unknown",  "complex",    "tables"};

/* Are the new names free of the others: coordinates (with time), the built-in names, and the other list */
static PetscErrorCode CheckNames(EngdProblem problem, const char option[], PetscInt n, char *const names[],
                                 PetscInt nother, char *const other[], const char kind[])
{
  PetscBool same, pi, normal;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = 0; j < problem->domain->dim + nother; j++) {
      const PetscInt k = j - problem->domain->dim;

      PetscCall(PetscStrcmp(names[i], k < 0 ? problem->domain->coordinate[j] : other[k], &same));
      PetscCheck(!same, problem->comm, PETSC_ERR_USER_INPUT, "%s: the name %s is already that of %s", option,
                 names[i], k < 0 ? "a coordinate" : kind);
    }
    PetscCall(PetscStrcmp(names[i], "pi", &pi));
    PetscCall(PetscStrcmp(names[i], "normal", &normal));
    PetscCheck(!pi && !normal, problem->comm, PETSC_ERR_USER_INPUT, "%s: %s has a meaning of its own", option,
               names[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Named numbers, growing */
typedef struct {
  PetscInt   *n;
  char     ***name;
  PetscReal **value;
} NamedNumbers;

static PetscErrorCode AddNumber(const NamedNumbers *list, const char name[], PetscReal value)
{
  const size_t n = (size_t)*list->n + 1;

  PetscFunctionBeginUser;
  PetscCall(PetscRealloc(n * sizeof(**list->name), list->name));
  PetscCall(PetscRealloc(n * sizeof(**list->value), list->value));
  (*list->value)[n - 1] = value;
  PetscCall(PetscStrallocpy(name, &(*list->name)[n - 1]));
  (*list->n)++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the list nu=0.01/pi,k=4 of an option; a value may use the known parameters, which may be those before it */
static PetscErrorCode ReadNumbers(EngdProblem problem, const char option[], const char text[],
                                  const NamedNumbers *list)
{
  char   **items, *values, **names;
  PetscInt n, m;

  PetscFunctionBeginUser;
  PetscCall(EngdParseList(option, text, &n, &items));
  for (PetscInt i = 0; i < n; i++) {
    const EngdSymbols symbols = {.nparameters = problem->nparameters,
                                 .parameter   = (const char *const *)problem->parameter,
                                 .value       = problem->value};
    PetscReal         value;

    values = strchr(items[i], '=');
    PetscCheck(values, problem->comm, PETSC_ERR_USER_INPUT, "%s \"%s\": %s has no value, write for example nu=0.01",
               option, text, items[i]);
    *values++ = 0;
    PetscCall(EngdParseNames(option, items[i], &m, &names)); /* nu1..nu3 are three of one value */
    PetscCall(EngdParseReal(option, values, &symbols, &value));
    for (PetscInt k = 0; k < m; k++) {
      for (PetscInt j = 0; j < *list->n; j++)
        PetscCheck(strcmp(names[k], (*list->name)[j]), problem->comm, PETSC_ERR_USER_INPUT,
                   "%s \"%s\": %s is given twice", option, text, names[k]);
      PetscCall(AddNumber(list, names[k], value));
    }
    PetscCall(EngdListDestroy(m, &names));
  }
  PetscCall(EngdListDestroy(n, &items));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProblemReadNumbers(EngdProblem problem, const char option[], const char text[], PetscInt *n,
                                      char ***name, PetscReal **value)
{
  const NamedNumbers list = {n, name, value};

  PetscFunctionBeginUser;
  PetscCall(ReadNumbers(problem, option, text, &list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemReadParameters - The parameters from their list.
*/
PetscErrorCode EngdProblemReadParameters(EngdProblem problem, const char text[])
{
  const NamedNumbers list = {&problem->nparameters, &problem->parameter, &problem->value};

  PetscFunctionBeginUser;
  PetscCall(ReadNumbers(problem, "-parameters", text, &list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemReadUnknowns - The unknown parameters and their first values from their list.
*/
PetscErrorCode EngdProblemReadUnknowns(EngdProblem problem, const char text[])
{
  const NamedNumbers list = {&problem->nunknowns, &problem->unknown, &problem->start};

  PetscFunctionBeginUser;
  PetscCall(ReadNumbers(problem, "-unknown_parameters", text, &list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* name(a, b) = body, or name = body; item is cut to pieces */
static PetscErrorCode ReadDefinition(const char option[], const char text[], char item[], EngdDefinition *d)
{
  char    *body = strchr(item, '='), *open, *closing, **names;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCheck(body && body[1] && body[1] != '=', PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "%s \"%s\": \"%s\" is not of the form f(x,y) = text or f = text", option, text, item);
  *body++ = 0;
  PetscCall(PetscStrallocpy(body, &d->body));
  open = strchr(item, '(');
  if (open) {
    closing = strchr(open, ')');
    PetscCheck(closing && strspn(closing + 1, " \t\n") == strlen(closing + 1), PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
               "%s \"%s\": \"%s\" is no name with arguments; write f(x,y) = text", option, text, item);
    *open = *closing = 0;
    PetscCall(EngdParseNames(option, open + 1, &d->nargs, &d->arg));
  }
  PetscCall(EngdParseNames(option, item, &n, &names));
  PetscCheck(n == 1, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%s \"%s\": %s are several names", option, text, item);
  PetscCall(PetscStrallocpy(names[0], &d->name));
  PetscCall(EngdListDestroy(n, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemReadFunctions - The user's functions from their list.
*/
PetscErrorCode EngdProblemReadFunctions(EngdProblem problem, const char text[])
{
  const char option[] = "-functions";
  char     **items;
  PetscInt   n;

  PetscFunctionBeginUser;
  PetscCall(EngdParseList(option, text, &n, &items));
  PetscCall(PetscCalloc1(n, &problem->definition));
  for (; problem->ndefinitions < n; problem->ndefinitions++)
    PetscCall(
        ReadDefinition(option, text, items[problem->ndefinitions], &problem->definition[problem->ndefinitions]));
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = 0; j < i; j++)
      PetscCheck(strcmp(problem->definition[i].name, problem->definition[j].name), PETSC_COMM_SELF,
                 PETSC_ERR_USER_INPUT, "%s \"%s\": %s is given twice", option, text, problem->definition[i].name);
  }
  PetscCall(EngdListDestroy(n, &items));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemCheckNames - Do coordinates, unknowns, parameters and unknown parameters differ?
*/
PetscErrorCode EngdProblemCheckNames(EngdProblem problem)
{
  PetscFunctionBeginUser;
  PetscCall(CheckNames(problem, "-network_outputs", problem->noutputs, problem->output, 0, NULL, NULL));
  PetscCall(CheckNames(problem, "-parameters", problem->nparameters, problem->parameter, problem->noutputs,
                       problem->output, "an unknown (-network_outputs)"));
  PetscCall(CheckNames(problem, "-unknown_parameters", problem->nunknowns, problem->unknown, problem->noutputs,
                       problem->output, "an unknown (-network_outputs)"));
  PetscCall(CheckNames(problem, "-unknown_parameters", problem->nunknowns, problem->unknown, problem->nparameters,
                       problem->parameter, "a known parameter (-parameters)"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemCheckTermNames - Names that options begin with, of terms or integrals: none may be the beginning of other options.
*/
PetscErrorCode EngdProblemCheckTermNames(EngdProblem problem, const char option[], PetscInt n, char *const names[])
{
  PetscBool same;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(reserved); k++) {
      const size_t length = strlen(reserved[k]);

      PetscCall(PetscStrncmp(names[i], reserved[k], length, &same));
      PetscCheck(!same || (names[i][length] && names[i][length] != '_'), problem->comm, PETSC_ERR_USER_INPUT,
                 "%s %s: -%s_... are options of something else; choose another name", option, names[i], reserved[k]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The text of `distance` */
static PetscErrorCode GetDistance(void *domain, const char **text)
{
  PetscFunctionBeginUser;
  PetscCall(EngdDomainGetDistance((EngdDomain)domain, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemGetSymbols - What an expression of this problem may name; the strings stay the problem's. No normal.
*/
PetscErrorCode EngdProblemGetSymbols(EngdProblem problem, EngdSymbols *symbols)
{
  PetscFunctionBeginUser;
  PetscCall(EngdProblemGetPointSymbols(problem, symbols));
  symbols->noutputs       = problem->noutputs;
  symbols->output         = (const char *const *)problem->output;
  symbols->ansatz         = (const char *const *)problem->ansatz;
  symbols->ncomplex       = problem->ncomplex;
  symbols->complex_name   = (const char *const *)problem->complex_name;
  symbols->complex_output = problem->complex_output;
  symbols->nunknowns      = problem->nunknowns;
  symbols->unknown        = (const char *const *)problem->unknown;
  symbols->lower          = problem->lower;
  symbols->upper          = problem->upper;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProblemGetPointSymbols(EngdProblem problem, EngdSymbols *symbols)
{
  PetscFunctionBeginUser;
  PetscCall(EngdDomainGetSymbols(problem->domain, symbols));
  symbols->distance         = GetDistance;
  symbols->distance_context = problem->domain;
  PetscFunctionReturn(PETSC_SUCCESS);
}
