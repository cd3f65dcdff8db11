/*
  What expressions of results may name besides the names of the problem, each standing for a text of the language:

    exact_u, exact        the exact solution of one output, of all that have one
    error_u, error        u - u*, likewise
    residual(pde)         the residual, or the energy density, of a term

  They are read into the same graph as what is around them, so that grad(error), lap(exact_u) and residual(pde)^2 are exact.
*/
#include <engd/private.h>

typedef struct {
  PetscInt   n;
  EngdAlias *alias;
} Aliases;

/* text: handed over; NULL where it cannot be used, and lacking says why */
static PetscErrorCode Add(Aliases *list, const char name[], char *text, const char lacking[])
{
  EngdAlias *d = &list->alias[list->n++];

  PetscFunctionBeginUser;
  PetscCall(PetscStrallocpy(name, &d->name));
  PetscCall(PetscStrallocpy(text ? NULL : lacking, &d->lacking));
  d->text = text;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* text <- text; [u - ](exact text of output k) */
static PetscErrorCode AppendExact(EngdProblem problem, PetscInt k, PetscBool error, char **text)
{
  const char  *before = *text ? *text : "", *exact = problem->exact_text[k];
  const size_t size = strlen(before) + strlen(exact) + strlen(problem->output[k]) + 16;
  char        *longer;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(size, &longer));
  snprintf(longer, size, "%s%s%s%s(%s)", before, *text ? "; " : "", error ? problem->output[k] : "",
           error ? " - " : "", exact);
  PetscCall(PetscFree(*text));
  *text = longer;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* exact_u, exact_v, exact; or the same of errors */
static PetscErrorCode AddExact(EngdProblem problem, PetscBool error, Aliases *list)
{
  const char *what = error ? "error" : "exact";
  char        name[256], lacking[256], *all = NULL;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < problem->noutputs; k++) {
    const PetscBool has = (PetscBool)(problem->exact_text && problem->exact_text[k]);
    char           *one = NULL;

    if (has) PetscCall(AppendExact(problem, k, error, &one));
    if (has) PetscCall(AppendExact(problem, k, error, &all));
    PetscCall(PetscSNPrintf(name, sizeof(name), "%s_%s", what, problem->output[k]));
    PetscCall(PetscSNPrintf(lacking, sizeof(lacking), "there is no exact solution of %s, give -exact_%s",
                            problem->output[k], problem->output[k]));
    PetscCall(Add(list, name, one, lacking));
  }
  PetscCall(
      PetscSNPrintf(lacking, sizeof(lacking), "there is no exact solution, give -exact_%s", problem->output[0]));
  PetscCall(Add(list, what, all, lacking));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProblemCreateAliases(EngdProblem problem, PetscInt *n, EngdAlias **aliases)
{
  Aliases list = {0};

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(2 * problem->noutputs + 2 + problem->nterms, &list.alias));
  PetscCall(AddExact(problem, PETSC_FALSE, &list));
  PetscCall(AddExact(problem, PETSC_TRUE, &list));
  for (PetscInt t = 0; t < problem->nterms; t++) {
    char name[256], *text;

    PetscCall(PetscSNPrintf(name, sizeof(name), "residual(%s)", problem->term[t]->name));
    PetscCall(PetscStrallocpy(problem->term[t]->text, &text));
    PetscCall(Add(&list, name, text, "this term is a function in C and has no text"));
  }
  *n       = list.n;
  *aliases = list.alias;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdAliasesDestroy(PetscInt n, EngdAlias **aliases)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(PetscFree((*aliases)[i].name));
    PetscCall(PetscFree((*aliases)[i].text));
    PetscCall(PetscFree((*aliases)[i].lacking));
  }
  PetscCall(PetscFree(*aliases));
  PetscFunctionReturn(PETSC_SUCCESS);
}
