/*
  What a term says at a point: a residual, an energy or the integrand of an integral as text or as a function of the
  program, N and D of a Rayleigh quotient, or the local energy of walkers (walkers.c).
*/
#include <engd/private.h>

/* An expression of what the points of the term know; nothing in it yet */
static PetscErrorCode TermBeginExpression(EngdProblem problem, EngdTerm term)
{
  EngdSymbols symbols;

  PetscFunctionBeginUser;
  PetscCall(EngdProblemGetSymbols(problem, &symbols));
  symbols.normal  = term->points->normal ? PETSC_TRUE : PETSC_FALSE;
  symbols.nrandom = term->points->nrandom;
  symbols.ndata   = term->points->ndata;
  symbols.data    = (const char *const *)term->points->data_name;
  PetscCall(EngdExpressionCreate(&symbols, &term->expression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* N and D of a quotient, one entry for each pair of states */
static PetscErrorCode TermCreateQuotient(EngdProblem problem, EngdTerm term, const EngdTermOptions *o)
{
  char     option[256];
  PetscInt m, k = 0;

  PetscFunctionBeginUser;
  PetscCheck(o->numerator, problem->comm, PETSC_ERR_USER_INPUT, "-%s_%s \"%s\" without -%s_numerator: give that too",
             term->name, o->denominator ? "denominator" : "local", o->denominator ? o->denominator : o->local,
             term->name);
  PetscCheck(!o->residual && !o->energy, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_numerator \"%s\" and -%s_%s exclude each other: give one", term->name, o->numerator, term->name,
             o->residual ? "residual" : "energy");
  term->energy = PETSC_TRUE;
  PetscCall(EngdTextPrint(&term->text, "%s", o->numerator));
  PetscCall(TermBeginExpression(problem, term));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_numerator", term->name));
  PetscCall(EngdExpressionAppend(term->expression, option, o->numerator));
  m = term->expression->ncomponents;
  while (k * (k + 1) / 2 < m) k++;
  PetscCheck(k * (k + 1) / 2 == m, problem->comm, PETSC_ERR_USER_INPUT,
             "%s \"%s\": %" PetscInt_FMT " components are not those of a symmetric matrix: give 1, 3, 6, 10, ..",
             option, o->numerator, m);
  term->nstates = k;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_denominator", term->name));
  for (PetscInt c = 0; !o->denominator && c < m; c++) PetscCall(EngdExpressionAppend(term->expression, option, "0"));
  if (o->denominator) PetscCall(EngdExpressionAppend(term->expression, option, o->denominator));
  PetscCheck(term->expression->ncomponents == 2 * m, problem->comm, PETSC_ERR_USER_INPUT,
             "%s \"%s\": %" PetscInt_FMT " components, but -%s_numerator has %" PetscInt_FMT, option, o->denominator,
             term->expression->ncomponents - m, term->name, m);
  PetscCall(EngdExpressionCompile(term->expression, 1));
  PetscCall(EngdPointwiseCreateText(term->expression, &term->pointwise));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H u of each state, evaluated for reports alone */
static PetscErrorCode TermCreateLocal(EngdProblem problem, EngdTerm term, const char text[])
{
  EngdSymbols symbols;
  char        option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdProblemGetSymbols(problem, &symbols));
  PetscCall(EngdExpressionCreate(&symbols, &term->local));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_local", term->name));
  PetscCall(EngdExpressionAppend(term->local, option, text));
  PetscCheck(term->local->ncomponents == term->nstates && term->nstates == problem->noutputs, problem->comm,
             PETSC_ERR_USER_INPUT,
             "%s \"%s\": %" PetscInt_FMT " components for %" PetscInt_FMT " states and %" PetscInt_FMT
             " unknowns; there must be one for each",
             option, text, term->local->ncomponents, term->nstates, problem->noutputs);
  PetscCall(EngdExpressionCompile(term->local, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the user says that the term is, and the key of the option; NULL: nothing, or a quotient */
static const char *FindText(const EngdTermOptions *o, const char **key)
{
  *key = o->integral ? "integral" : o->energy ? "energy" : "residual";
  return o->integral ? o->integral : o->energy ? o->energy : o->residual;
}

/* The function that the program has given for this term, and its arguments */
static PetscErrorCode TermTakeCallback(EngdProblem problem, EngdTerm term, EngdCallback callback,
                                       const EngdTermOptions *o)
{
  const char *key, *text = FindText(o, &key);
  char        option[256], **items;
  PetscInt    n;

  PetscFunctionBeginUser;
  PetscCheck(!text, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_%s \"%s\": the program has a function for this term; leave the option out", term->name, key, text);
  term->energy = callback->energy;
  PetscCall(TermBeginExpression(problem, term));
  PetscCall(PetscSNPrintf(option, sizeof(option), "arguments of the function of term %s", term->name));
  PetscCall(EngdParseList(option, callback->arguments, &n, &items));
  for (PetscInt i = 0; i < n; i++) PetscCall(EngdExpressionAppend(term->expression, option, items[i]));
  PetscCall(EngdListDestroy(n, &items));
  PetscCall(EngdExpressionCompile(term->expression, 1));
  PetscCall(EngdPointwiseCreateCallback(callback, term->expression, &term->pointwise));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A residual, an energy or the integrand of an integral */
static PetscErrorCode TermTakeText(EngdProblem problem, EngdTerm term, const EngdTermOptions *o)
{
  const char *key, *text = FindText(o, &key);
  char        option[256];
  PetscBool   help;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasHelp(NULL, &help));
  if (!text && help) text = problem->output[0];
  PetscCheck(text, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_residual is missing: give it (or -%s_energy), for example -%s_residual \"lap(u)\"", term->name,
             term->name, term->name);
  PetscCheck(!o->residual || !o->energy, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_residual \"%s\" and -%s_energy \"%s\" exclude each other: give one", term->name, o->residual,
             term->name, o->energy);
  term->integral = o->integral ? PETSC_TRUE : PETSC_FALSE;
  term->energy   = (PetscBool)(o->energy || o->integral);
  PetscCall(PetscStrallocpy(text, &term->text));
  PetscCall(TermBeginExpression(problem, term));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_%s", term->name, key));
  PetscCall(EngdExpressionAppend(term->expression, option, text));
  PetscCheck(!o->energy || term->expression->ncomponents == 1, problem->comm, PETSC_ERR_USER_INPUT,
             "%s \"%s\": an energy is one number, but this has %" PetscInt_FMT " components", option, text,
             term->expression->ncomponents);
  PetscCall(EngdExpressionCompile(term->expression, 1));
  PetscCall(EngdPointwiseCreateText(term->expression, &term->pointwise));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the term says at a point */
PetscErrorCode EngdTermCreateDensity(EngdProblem problem, EngdTerm term, const EngdTermOptions *o)
{
  const char *other = o->residual ? "residual" : o->energy ? "energy" : "numerator";

  PetscFunctionBeginUser;
  PetscCheck(!o->integral || !(o->residual || o->energy || o->numerator), problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_integral \"%s\" and -%s_%s exclude each other: give one", term->name, o->integral, term->name,
             other);
  for (EngdCallback callback = problem->callback; callback; callback = callback->next) {
    if (strcmp(callback->term, term->name)) continue;
    PetscCall(TermTakeCallback(problem, term, callback, o));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (o->walk.log_psi) {
    PetscCall(EngdWalkCreate(problem, term, &o->walk, o->sampler));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (o->numerator || o->denominator || o->local) {
    PetscCall(TermCreateQuotient(problem, term, o));
    if (o->local) PetscCall(TermCreateLocal(problem, term, o->local));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TermTakeText(problem, term, o));
  PetscFunctionReturn(PETSC_SUCCESS);
}
