/*
  The names of a problem: its unknowns, parameters and terms, checked against each other.

  Coordinates, unknowns and parameters share one space of names, that of the expressions; terms are prefixes of options and
  must not begin the options of anybody else.
*/
#include <engd/private.h>

/* What the options of engd, PETSc and SLEPc begin with, so no name of a term */
static const char *const reserved[] = {
    "bv",   "esteig", "fieldsplit", "mg",    "sub",     "checkpoint", "dll",        "dm",         "domain",
    "ds",   "engd",   "eps",        "error", "exact",   "fn",         "help",       "history",    "hessian",
    "info", "is",     "jacobian",   "kfac",  "ksp",     "log",        "lme",        "malloc",     "mat",
    "mfn",  "mpi",    "network",    "nep",   "nystrom", "objects",    "options",    "parameters", "pc",
    "pep",  "petsc",  "rg",         "saws",  "sf",      "sles",       "slepc",      "snes",       "spectrum",
    "st",   "svd",    "tao",        "terms", "ts",      "vec",        "vecscatter", "version",    "viewer",
    "on",   "fp",     "get",        "use",   "skip",    "stop",       "theta"};

/* Are the new names free of the others: coordinates (with time), the built-in names, and the other list */
static PetscErrorCode CheckNames(EngdProblem problem, const char option[], PetscInt n, char *const names[],
                                 PetscInt nother, char *const other[])
{
  PetscBool same, pi, normal;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = 0; j < problem->domain->dim + nother; j++) {
      const PetscInt k = j - problem->domain->dim;

      PetscCall(PetscStrcmp(names[i], k < 0 ? problem->domain->coordinate[j] : other[k], &same));
      PetscCheck(!same, problem->comm, PETSC_ERR_USER_INPUT, "%s: the name %s is already that of %s", option,
                 names[i], k < 0 ? "a coordinate" : "an unknown (-network_outputs)");
    }
    PetscCall(PetscStrcmp(names[i], "pi", &pi));
    PetscCall(PetscStrcmp(names[i], "normal", &normal));
    PetscCheck(!pi && !normal, problem->comm, PETSC_ERR_USER_INPUT, "%s: %s has a meaning of its own", option,
               names[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemReadOutputs - The unknowns from their list u,v; no underscores, which mean derivatives.
*/
PetscErrorCode EngdProblemReadOutputs(EngdProblem problem, const char text[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdParseNames("-network_outputs", text, &problem->noutputs, &problem->output));
  for (PetscInt i = 0; i < problem->noutputs; i++)
    PetscCheck(!strchr(problem->output[i], '_'), problem->comm, PETSC_ERR_USER_INPUT,
               "-network_outputs %s: an underscore means a derivative; choose a name without it", problem->output[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddParameter(EngdProblem problem, const char name[], PetscReal value)
{
  const size_t n = (size_t)problem->nparameters + 1;

  PetscFunctionBeginUser;
  PetscCall(PetscRealloc(n * sizeof(*problem->parameter), &problem->parameter));
  PetscCall(PetscRealloc(n * sizeof(*problem->value), &problem->value));
  problem->value[n - 1] = value;
  PetscCall(PetscStrallocpy(name, &problem->parameter[n - 1]));
  problem->nparameters++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemReadParameters - The parameters from their list nu=0.01/pi,k=4; a value may use the parameters before it.
*/
PetscErrorCode EngdProblemReadParameters(EngdProblem problem, const char text[])
{
  char      **items, *values, **names;
  PetscInt    n, m;
  PetscReal   value;
  EngdSymbols symbols = {0};

  PetscFunctionBeginUser;
  PetscCall(EngdParseList("-parameters", text, &n, &items));
  for (PetscInt i = 0; i < n; i++) {
    values = strchr(items[i], '=');
    PetscCheck(values, problem->comm, PETSC_ERR_USER_INPUT,
               "-parameters \"%s\": %s has no value, write for example nu=0.01", text, items[i]);
    *values++ = 0;
    PetscCall(EngdParseNames("-parameters", items[i], &m, &names)); /* nu1..nu3 are three of one value */
    PetscCall(EngdParseReal("-parameters", values, &symbols, &value));
    for (PetscInt k = 0; k < m; k++) {
      for (PetscInt j = 0; j < problem->nparameters; j++)
        PetscCheck(strcmp(names[k], problem->parameter[j]), problem->comm, PETSC_ERR_USER_INPUT,
                   "-parameters \"%s\": %s is given twice", text, names[k]);
      PetscCall(AddParameter(problem, names[k], value));
    }
    PetscCall(EngdListDestroy(m, &names));
    symbols.parameter   = (const char *const *)problem->parameter;
    symbols.value       = problem->value;
    symbols.nparameters = problem->nparameters;
  }
  PetscCall(EngdListDestroy(n, &items));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemCheckNames - Do coordinates, unknowns and parameters differ?
*/
PetscErrorCode EngdProblemCheckNames(EngdProblem problem)
{
  PetscFunctionBeginUser;
  PetscCall(CheckNames(problem, "-network_outputs", problem->noutputs, problem->output, 0, NULL));
  PetscCall(CheckNames(problem, "-parameters", problem->nparameters, problem->parameter, problem->noutputs,
                       problem->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemCheckTermNames - None may be the beginning of other options.
*/
PetscErrorCode EngdProblemCheckTermNames(EngdProblem problem, PetscInt n, char *const names[])
{
  PetscBool same;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(reserved); k++) {
      const size_t length = strlen(reserved[k]);

      PetscCall(PetscStrncmp(names[i], reserved[k], length, &same));
      PetscCheck(!same || (names[i][length] && names[i][length] != '_'), problem->comm, PETSC_ERR_USER_INPUT,
                 "-terms %s: -%s_... are options of something else; choose another name", names[i], reserved[k]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemGetSymbols - What an expression of this problem may name; the strings stay the problem's. No normal.
*/
PetscErrorCode EngdProblemGetSymbols(EngdProblem problem, EngdSymbols *symbols)
{
  PetscFunctionBeginUser;
  symbols->nspace      = problem->domain->nspace;
  symbols->dim         = problem->domain->dim;
  symbols->coordinate  = (const char *const *)problem->domain->coordinate;
  symbols->noutputs    = problem->noutputs;
  symbols->output      = (const char *const *)problem->output;
  symbols->nparameters = problem->nparameters;
  symbols->parameter   = (const char *const *)problem->parameter;
  symbols->value       = problem->value;
  symbols->ndata       = 0;
  symbols->data        = NULL;
  symbols->normal      = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
