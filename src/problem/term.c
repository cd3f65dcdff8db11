/*
  One term of the problem, lambda_t sum_n w_n e_t(x_n, Du(x_n)), read from the options -<term>_...

  A residual r (e = |r|^2/2) or an energy e, as text over the coordinates, unknowns and parameters of the problem; a
  region with points; a weight; whether the sum is the mean over the region (default of residuals, as is usual for
  PINNs) or the integral (default of energies). An integral is itself a residual: lambda_t |sum_n w_n f(x_n, Du(x_n))|^2 / 2.
*/
#include <engd/private.h>

#define SLABS_MAX      100000
#define COMPONENTS_MAX 5000 /* preconditioners take time that grows with their square */

/* The points of a file: nothing else is said about them */
static PetscErrorCode TermReadPoints(EngdProblem problem, EngdTerm term, const EngdTermOptions *o)
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
static PetscErrorCode TermCreatePoints(EngdProblem problem, EngdTerm term, const EngdTermOptions *o, PetscInt stream)
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

/* What excludes random dimensions, or NULL */
static const char *FindOther(const EngdTermOptions *o)
{
  return o->walk.log_psi ? "log_psi" : o->numerator || o->denominator ? "numerator" : o->file ? "points_file" : NULL;
}

/* Walkers exclude what is said of residuals, energies and points that stay */
static PetscErrorCode TermCheckWalkers(EngdProblem problem, const char name[], const EngdTermOptions *o)
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

/* Weights of slabs of time, of a residual alone */
static PetscErrorCode TermSetCausal(EngdProblem problem, EngdTerm term, const EngdTermOptions *o)
{
  PetscFunctionBeginUser;
  PetscCheck(o->causal >= 0 && !PetscIsInfOrNanReal(o->causal), problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_causal %g: must be at least 0 and finite", term->name, (double)o->causal);
  PetscCheck(o->causal <= 0 || (problem->domain->time && !term->energy), problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_causal %g: %s", term->name, (double)o->causal,
             term->integral ? "an integral has no loss of a slab of time"
             : term->energy ? "an energy has no loss of a slab of time"
                            : "there is no time; give it, for example -domain_time 0,1");
  PetscCheck(!o->slabbed || (o->caused && o->slabs <= SLABS_MAX), problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_causal_slabs %" PetscInt_FMT ": give at most %d, and -%s_causal too, or leave the option out",
             term->name, o->slabs, SLABS_MAX, term->name);
  term->causal = o->causal;
  term->slabs  = o->slabs;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The term of what the user says about it */
static PetscErrorCode TermCreate(EngdProblem problem, EngdTerm term, const EngdTermOptions *o, PetscInt stream)
{
  const char *name = term->name;

  PetscFunctionBeginUser;
  PetscCheck(o->weight > 0 && !PetscIsInfOrNanReal(o->weight), problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_weight %g: must be positive and finite", name, (double)o->weight);
  term->weight      = o->weight;
  term->weighted    = o->weighted;
  term->resample    = o->resample;
  term->adapt       = o->adapt;
  term->multipliers = PetscMax(o->multipliers, 0);
  term->penalty     = (PetscBool)(o->multipliers == 0);
  term->bound       = o->bound;
  PetscCall(TermCheckWalkers(problem, name, o));
  PetscCall(TermCreatePoints(problem, term, o, stream));
  PetscCall(EngdTermSetRandomDimensions(problem, term, o->nrandom, FindOther(o)));
  PetscCall(EngdTermCreateDensity(problem, term, o));
  PetscCheck(term->pointwise->ncomponents <= COMPONENTS_MAX, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_residual has %" PetscInt_FMT " components, the most that there can be is %d", name,
             term->pointwise->ncomponents, COMPONENTS_MAX);
  PetscCall(EngdTermCheckRandomDimensions(problem, term));
  PetscCheck(!PetscIsNanReal(o->bound), problem->comm, PETSC_ERR_USER_INPUT, "-%s_bound nan: give a number", name);
  PetscCheck(!o->bounded || term->walk || term->nstates, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_bound %g: only a quotient or walkers have an energy with a bound; leave it out", name,
             (double)o->bound);
  PetscCall(TermSetMeasure(problem, term, o->measure));
  PetscCall(TermSetCausal(problem, term, o));
  PetscCall(EngdPointsCheckWindows(term->points, &term->initial));
  PetscCheck(!term->initial || !term->energy, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_%s at the initial time: a window goes on by a residual; give -%s_residual", name,
             EngdTermKind(term), name);
  PetscCall(EngdAdaptSetUp(term, (PetscBool)(o->file != NULL)));
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
  EngdTermOptions o;
  PetscErrorCode  ierr;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(term));
  PetscCall(PetscStrallocpy(name, &(*term)->name));
  ierr = EngdTermReadOptions(problem, name, &o);
  if (!ierr) ierr = TermCreate(problem, *term, &o, stream);
  PetscCall(EngdTermOptionsDestroy(&o));
  PetscCall(ierr);
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
