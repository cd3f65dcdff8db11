/*
  One term of the problem, lambda_t sum_n w_n e_t(x_n, Du(x_n)), read from the options -<term>_...

  A residual r (e = |r|^2/2) or an energy e, as text over the coordinates, unknowns and parameters of the problem; a
  region with points; a weight; whether the sum is the mean over the region (default of residuals, as is usual for
  PINNs) or the integral (default of energies). An integral is itself a residual: lambda_t |sum_n w_n f(x_n, Du(x_n))|^2 / 2.
*/
#include <engd/private.h>
#include <math.h>

#define CAUSAL_SLABS   16   /* of time */
#define ADAPT_EVERY    100  /* iterations between two times that points follow the residual */
#define COMPONENTS_MAX 5000 /* preconditioners take time that grows with their square */

/* What the user said about a term, before it is checked */
typedef struct {
  char *region, *points, *file, *sampler, *residual, *energy, *integral, *numerator, *denominator, *local, *measure;
  PetscReal weight;
  PetscBool weighted;
  PetscInt  resample, multipliers, nrandom;
  EngdAdapt adapt;
  PetscReal causal;
  PetscInt  slabs;
  PetscReal bound;
  PetscBool bounded;

  EngdWalkOptions walk;
} TermOptions;

/* What a term is: a residual, or what is integrated */
static PetscErrorCode ReadDensities(TermOptions *o, EngdOptionItems PetscOptionsObject)
{
  PetscFunctionBeginUser;
  PetscCall(EngdOptionsText(PetscOptionsObject, "-residual",
                            "Residual r of least squares, components separated by ; (this or energy is required)",
                            "EngdProblemSetTermResidualText", NULL, NULL, &o->residual));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-energy",
                            "Energy density e, one component (this or residual is required)",
                            "EngdProblemSetTermEnergyText", NULL, NULL, &o->energy));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-integral",
                            "Integrand f of conditions int f = 0, components separated by ; (instead of a residual)",
                            "EngdProblemSetTermIntegralText", NULL, NULL, &o->integral));
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-numerator",
                      "Density n of a Rayleigh quotient N/D, N = int n; of k states the entries n_ij, i <= j, by "
                      "rows, separated by ;",
                      "EngdProblemSetTermQuotientText", NULL, NULL, &o->numerator));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-denominator",
                            "Density of its D, as many components; 0 where this term is no part of D",
                            "EngdProblemSetTermQuotientText", NULL, NULL, &o->denominator));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-local",
                            "H u of each state, whose quotient by u is the local energy: for the energy on fresh "
                            "points and its error",
                            "EngdProblemSetTermQuotientText", NULL, NULL, &o->local));
  PetscCall(PetscOptionsReal("-bound", "An energy of a quotient or of walkers below it ends the run with an error",
                             "EngdProblemSetFromOptions", PETSC_MIN_REAL, &o->bound,
                             &o->bounded)); /* PETSc wants one */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Declares all options of a term */
static PetscErrorCode TermReadOptions(EngdProblem problem, const char name[], TermOptions *o)
{
  char *prefix, title[256], sentence[640];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(strlen(name) + 2, &prefix));
  PetscCall(PetscSNPrintf(prefix, strlen(name) + 2, "%s_", name));
  PetscCall(PetscSNPrintf(title, sizeof(title), "Term %s of the problem", name));
  PetscOptionsBegin(problem->comm, prefix, title, "EngdTerm");
  PetscCall(EngdOptionsText(
      PetscOptionsObject, "-region",
      "Where: interior, or a list of boundary, initial, final, faces such as x=lower, x=0, parts of the domain "
      "(hole1, outer), point(0,0), NAME with -NAME_where or -NAME_level_set",
      "EngdProblemSetTermRegion", "interior", NULL, &o->region));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-points_file",
                            "Text or CSV file of points instead, with data that expressions may read by name",
                            "EngdProblemSetTermPointsFile", NULL, NULL, &o->file));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-points",
                            "How many points, positive; or for the samplers grid and gauss one number a coordinate",
                            "EngdProblemSetTermPoints", NULL, o->file ? NULL : "900", &o->points));
  PetscCall(
      EngdRegistryDescribe(&engd_samplers,
                           "How points are placed (auto: gauss up to 3 dimensions of boxes, grid on curves, else "
                           "quasi; quasi: sobol where its table suffices, else halton)",
                           sizeof(sentence), sentence));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-sampler", sentence, "EngdProblemSetTermSampler", "auto", NULL,
                            &o->sampler));
  PetscCall(ReadDensities(o, PetscOptionsObject));
  PetscCall(EngdWalkReadOptions(name, &o->walk, PetscOptionsObject));
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-measure",
                      "mean over the region (default of residuals) or integral (default of energies and integrals)",
                      "EngdProblemSetTermMeasure", NULL, NULL, &o->measure));
  PetscCall(PetscOptionsReal("-weight", "Factor of the term in the loss, > 0", "EngdProblemSetTermWeight", o->weight,
                             &o->weight, &o->weighted));
  PetscCall(PetscOptionsReal("-causal",
                             "eps of weights exp(-eps times the losses of earlier slabs of time), >= 0; 0: none",
                             "EngdProblemSetTermCausal", o->causal, &o->causal, NULL));
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-causal_slabs", "Slabs of time for these weights, positive",
                             "EngdProblemSetTermCausal", 1, &o->slabs));
  PetscCall(EngdAdaptReadOptions(name, &o->adapt, PetscOptionsObject));
  if (o->adapt.method != ENGD_ADAPT_NONE) o->resample = ADAPT_EVERY;
  if (o->walk.log_psi) o->resample = 1;
  PetscCall(EngdOptionsWhole(
      PetscOptionsObject, "-resample",
      "New points every so many iterations, >= 0; 0 never; 100 where they follow the residual, 1 where they walk",
      "EngdProblemSetTermResample", 0, &o->resample));
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-random_dimensions",
                             "Space coordinates, of each point others, that estimate lap() of unknowns; 0: all",
                             "EngdProblemSetTermRandomDimensions", 0, &o->nrandom));
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-multipliers",
                             "New multipliers of a condition beside energies every so many iterations, >= 0; 0: a "
                             "penalty alone",
                             "EngdProblemSetTermMultipliers", PETSC_DECIDE, &o->multipliers));
  PetscOptionsEnd();
  PetscCall(PetscFree(prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The points of a file: nothing else is said about them */
static PetscErrorCode TermReadPoints(EngdProblem problem, EngdTerm term, const TermOptions *o)
{
  char      option[256];
  PetscBool interior, automatic;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_points_file", term->name));
  PetscCall(PetscStrcmp(o->region, "interior", &interior));
  PetscCall(PetscStrcmp(o->sampler, "auto", &automatic));
  PetscCheck(!o->points, problem->comm, PETSC_ERR_USER_INPUT, "%s %s and -%s_points %s exclude each other: give one",
             option, o->file, term->name, o->points);
  PetscCheck(interior && automatic && !o->resample, problem->comm, PETSC_ERR_USER_INPUT,
             "%s %s: the points are those of the file, in the interior; leave out -%s_%s", option, o->file,
             term->name,
             !interior                            ? "region"
             : !automatic                         ? "sampler"
             : o->adapt.method != ENGD_ADAPT_NONE ? "adapt"
                                                  : "resample");
  PetscCall(EngdPointsCreateFromFile(problem->domain, option, o->file, PETSC_FALSE, &term->points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The points; a term that resamples cannot stay on a grid */
static PetscErrorCode TermCreatePoints(EngdProblem problem, EngdTerm term, const TermOptions *o, PetscInt stream)
{
  const char *sampler = o->walk.log_psi ? "quasi" : o->sampler;
  char        option[256], **items;
  PetscInt    n, *counts;
  PetscBool   automatic, grid, gauss;

  PetscFunctionBeginUser;
  if (o->file) {
    PetscCall(TermReadPoints(problem, term, o));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_points", term->name));
  PetscCall(EngdParseList(option, o->points, &n, &items));
  PetscCall(PetscMalloc1(n, &counts));
  for (PetscInt i = 0; i < n; i++) PetscCall(EngdParseWhole(option, items[i], 1, &counts[i]));
  PetscCall(EngdListDestroy(n, &items));
  PetscCall(PetscStrcmp(sampler, "auto", &automatic));
  PetscCall(PetscStrcmp(sampler, "grid", &grid));
  PetscCall(PetscStrcmp(sampler, "gauss", &gauss));
  PetscCheck(!term->resample || term->adapt.method != ENGD_ADAPT_NONE || !(grid || gauss), problem->comm,
             PETSC_ERR_USER_INPUT,
             "-%s_resample %" PetscInt_FMT
             ": the points of the sampler %s never change; use sobol, halton or uniform",
             term->name, term->resample, sampler);
  if (automatic && term->resample && term->adapt.method == ENGD_ADAPT_NONE) sampler = "quasi";
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_region", term->name));
  PetscCall(EngdPointsCreateCounts(problem->domain, option, o->region, sampler, n, counts, problem->seed, stream,
                                   &term->points));
  PetscCall(PetscFree(counts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

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
static PetscErrorCode TermCreateQuotient(EngdProblem problem, EngdTerm term, const TermOptions *o)
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
static const char *FindText(const TermOptions *o, const char **key)
{
  *key = o->integral ? "integral" : o->energy ? "energy" : "residual";
  return o->integral ? o->integral : o->energy ? o->energy : o->residual;
}

/* The function that the program has given for this term, and its arguments */
static PetscErrorCode TermTakeCallback(EngdProblem problem, EngdTerm term, EngdCallback callback,
                                       const TermOptions *o)
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
static PetscErrorCode TermTakeText(EngdProblem problem, EngdTerm term, const TermOptions *o)
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

/* What excludes random dimensions, or NULL */
static const char *FindOther(const TermOptions *o)
{
  return o->walk.log_psi ? "log_psi" : o->numerator || o->denominator ? "numerator" : o->file ? "points_file" : NULL;
}

/* What the term says at a point */
static PetscErrorCode TermCreatePointwise(EngdProblem problem, EngdTerm term, const TermOptions *o)
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

/* Walkers exclude what is said of residuals, energies and points that stay */
static PetscErrorCode TermCheckWalkers(EngdProblem problem, const char name[], const TermOptions *o)
{
  const char *other = o->residual                          ? "residual"
                      : o->energy                          ? "energy"
                      : o->integral                        ? "integral"
                      : o->numerator                       ? "numerator"
                      : o->denominator                     ? "denominator"
                      : o->local                           ? "local"
                      : o->file                            ? "points_file"
                      : o->measure                         ? "measure"
                      : o->weighted                        ? "weight"
                      : o->causal > 0                      ? "causal"
                      : o->multipliers > 0                 ? "multipliers"
                      : o->adapt.method != ENGD_ADAPT_NONE ? "adapt"
                                                           : NULL;

  PetscFunctionBeginUser;
  if (!o->walk.log_psi) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!other, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_log_psi \"%s\" and -%s_%s exclude each other: give one", name, o->walk.log_psi, name, other);
  PetscCheck(o->resample > 0, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_resample 0: walkers walk every so many iterations; give a positive number", name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Factor of the quadrature weights: 1/|region| for the mean, 1 for the integral */
static PetscErrorCode TermSetMeasure(EngdProblem problem, EngdTerm term, const char measure[])
{
  const char *name = measure ? measure : (term->energy ? "integral" : "mean");
  PetscBool   mean, integral;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(name, "mean", &mean));
  PetscCall(PetscStrcmp(name, "integral", &integral));
  PetscCheck(mean || integral, problem->comm, PETSC_ERR_USER_INPUT, "-%s_measure %s: must be mean or integral",
             term->name, name);
  term->measure = mean ? 1.0 / term->points->measure : 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdTermCreateFromOptions - The term of a name

  Collective

  Options Database Keys:
+ -<term>_residual text, -<term>_energy text, -<term>_integral text - one of them,
. -<term>_numerator text, -<term>_denominator text - or a Rayleigh quotient
. -<term>_local text   - of a quotient: H u
. -<term>_log_psi text, -<term>_local_energy text - or walkers; walkers.c has what else is said of them
. -<term>_bound E      - an energy below it is wrong
. -<term>_region text - where, default interior
. -<term>_points n    - how many points
. -<term>_points_file file - or these points, with data
. -<term>_sampler name, -<term>_resample k - how they are placed, and how often anew
. -<term>_random_dimensions s - coordinates that estimate lap()
. -<term>_causal eps, -<term>_causal_slabs n - weights of slabs of time by the losses of those before
. -<term>_adapt none|rad|rar - do they follow the residual; adapt.c has what says how
. -<term>_multipliers k - how often a condition beside energies gets new multipliers
- -<term>_weight w, -<term>_measure mean|integral - factors in the loss
*/
PetscErrorCode EngdTermCreateFromOptions(EngdProblem problem, const char name[], PetscInt stream, EngdTerm *term)
{
  TermOptions o = {.weight = 1.0, .slabs = CAUSAL_SLABS, .multipliers = PETSC_DECIDE, .bound = -INFINITY};

  PetscFunctionBeginUser;
  PetscCall(PetscNew(term));
  PetscCall(PetscStrallocpy(name, &(*term)->name));
  PetscCall(TermReadOptions(problem, name, &o));
  PetscCheck(o.weight > 0 && !PetscIsInfOrNanReal(o.weight), problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_weight %g: must be positive and finite", name, (double)o.weight);
  (*term)->weight      = o.weight;
  (*term)->weighted    = o.weighted;
  (*term)->resample    = o.resample;
  (*term)->adapt       = o.adapt;
  (*term)->multipliers = PetscMax(o.multipliers, 0);
  (*term)->penalty     = (PetscBool)(o.multipliers == 0);
  (*term)->bound       = o.bound;
  PetscCall(TermCheckWalkers(problem, name, &o));
  PetscCall(TermCreatePoints(problem, *term, &o, stream));
  PetscCall(EngdTermSetRandomDimensions(problem, *term, o.nrandom, FindOther(&o)));
  PetscCall(TermCreatePointwise(problem, *term, &o));
  PetscCheck((*term)->pointwise->ncomponents <= COMPONENTS_MAX, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_residual has %" PetscInt_FMT " components, the most that there can be is %d", name,
             (*term)->pointwise->ncomponents, COMPONENTS_MAX);
  PetscCheck(!o.bounded || (*term)->walk || (*term)->nstates, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_bound %g: only a quotient or walkers have an energy with a bound; leave it out", name,
             (double)o.bound);
  PetscCall(TermSetMeasure(problem, *term, o.measure));
  PetscCheck(o.causal >= 0 && !PetscIsInfOrNanReal(o.causal), problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_causal %g: must be at least 0 and finite", name, (double)o.causal);
  PetscCheck(o.causal <= 0 || (problem->domain->time && !(*term)->energy), problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_causal %g: %s", name, (double)o.causal,
             (*term)->integral ? "an integral has no loss of a slab of time"
             : (*term)->energy ? "an energy has no loss of a slab of time"
                               : "there is no time; give it, for example -domain_time 0,1");
  (*term)->causal = o.causal;
  (*term)->slabs  = o.slabs;
  PetscCall(EngdPointsCheckWindows((*term)->points, &(*term)->initial));
  PetscCheck(!(*term)->initial || !(*term)->energy, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_%s at the initial time: a window goes on by a residual; give -%s_residual", name,
             EngdTermKind(*term), name);
  PetscCall(EngdAdaptSetUp(*term, (PetscBool)(o.file != NULL)));
  PetscCall(PetscFree(o.region));
  PetscCall(PetscFree(o.points));
  PetscCall(PetscFree(o.file));
  PetscCall(PetscFree(o.sampler));
  PetscCall(PetscFree(o.residual));
  PetscCall(PetscFree(o.energy));
  PetscCall(PetscFree(o.integral));
  PetscCall(PetscFree(o.numerator));
  PetscCall(PetscFree(o.denominator));
  PetscCall(PetscFree(o.local));
  PetscCall(PetscFree(o.measure));
  PetscCall(PetscFree(o.walk.log_psi));
  PetscCall(PetscFree(o.walk.local_energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *EngdTermKind(EngdTerm term)
{
  return term->nstates    ? "quotient"
         : term->walk     ? "local energy"
         : term->integral ? "integral"
         : term->energy   ? "energy"
                          : "residual";
}

PetscErrorCode EngdTermView(EngdTerm term, PetscViewer viewer)
{
  const EngdPoints p = term->points;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "term %s: %s with %" PetscInt_FMT " components, %" PetscInt_FMT " points (%s) on %s", term->name,
      EngdTermKind(term), term->pointwise->ncomponents, p->nactive, p->sampler, p->region));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  PetscCall(PetscViewerASCIIPrintf(viewer, " of measure %g, their weights sum to %g\n", (double)p->measure,
                                   (double)(term->weight * term->measure * p->measure)));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  if (p->nrandom)
    PetscCall(PetscViewerASCIIPrintf(
        viewer, "lap() of unknowns estimated by %" PetscInt_FMT " of %" PetscInt_FMT " coordinates\n", p->nrandom,
        p->nspace));
  PetscCall(EngdAdaptView(term, viewer));
  PetscCall(EngdWalkView(term, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTermDestroy(EngdTerm *term)
{
  PetscFunctionBeginUser;
  if (!*term) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdPointsDestroy(&(*term)->points));
  PetscCall(EngdPointsDestroy(&(*term)->adapt.candidate));
  PetscCall(EngdPointwiseDestroy(&(*term)->pointwise));
  PetscCall(EngdExpressionDestroy(&(*term)->local));
  PetscCall(EngdWalkDestroy(&(*term)->walk));
  PetscCall(PetscFree((*term)->text));
  PetscCall(PetscFree((*term)->name));
  PetscCall(PetscFree(*term));
  PetscFunctionReturn(PETSC_SUCCESS);
}
