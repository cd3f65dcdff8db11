/*
  What the user says about a term, -<term>_..., before it is checked.
*/
#include <engd/private.h>
#include <math.h>

#define CAUSAL_SLABS 16  /* of time */
#define ADAPT_EVERY  100 /* iterations between two times that points follow the residual */

/* What a term is: a residual, or what is integrated */
static PetscErrorCode ReadDensities(EngdTermOptions *o, EngdOptionItems PetscOptionsObject)
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

/* Where the term is taken, and how its points are placed */
static PetscErrorCode ReadPlace(EngdTermOptions *o, EngdOptionItems PetscOptionsObject)
{
  char sentence[640];

  PetscFunctionBeginUser;
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
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Factors of the term, and of its points, in the loss */
static PetscErrorCode ReadFactors(EngdTermOptions *o, const char prefix[], EngdOptionItems PetscOptionsObject)
{
  PetscFunctionBeginUser;
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-measure",
                      "mean over the region (default of residuals) or integral (default of energies and integrals)",
                      "EngdProblemSetTermMeasure", NULL, NULL, &o->measure));
  PetscCall(PetscOptionsReal("-weight", "Factor of the term in the loss, > 0", "EngdProblemSetTermWeight", o->weight,
                             &o->weight, &o->weighted));
  PetscCall(PetscOptionsReal("-causal",
                             "eps of weights exp(-eps times the losses of earlier slabs of time), >= 0; 0: none",
                             "EngdProblemSetTermCausal", o->causal, &o->causal, &o->caused));
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-causal_slabs", "Slabs of time for these weights, positive",
                             "EngdProblemSetTermCausal", 1, &o->slabs));
  PetscCall(PetscOptionsHasName(NULL, prefix, "-causal_slabs", &o->slabbed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Declares all options of a term */
PetscErrorCode EngdTermReadOptions(EngdProblem problem, const char name[], EngdTermOptions *o)
{
  char *prefix, title[256];

  PetscFunctionBeginUser;
  *o = (EngdTermOptions){.weight = 1.0, .slabs = CAUSAL_SLABS, .multipliers = PETSC_DECIDE, .bound = -INFINITY};
  PetscCall(PetscMalloc1(strlen(name) + 2, &prefix));
  PetscCall(PetscSNPrintf(prefix, strlen(name) + 2, "%s_", name));
  PetscCall(PetscSNPrintf(title, sizeof(title), "Term %s of the problem", name));
  PetscOptionsBegin(problem->comm, prefix, title, "EngdTerm");
  PetscCall(ReadPlace(o, PetscOptionsObject));
  PetscCall(ReadDensities(o, PetscOptionsObject));
  PetscCall(EngdWalkReadOptions(name, &o->walk, PetscOptionsObject));
  PetscCall(ReadFactors(o, prefix, PetscOptionsObject));
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

PetscErrorCode EngdTermOptionsDestroy(EngdTermOptions *o)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(o->region));
  PetscCall(PetscFree(o->points));
  PetscCall(PetscFree(o->file));
  PetscCall(PetscFree(o->sampler));
  PetscCall(PetscFree(o->residual));
  PetscCall(PetscFree(o->energy));
  PetscCall(PetscFree(o->integral));
  PetscCall(PetscFree(o->numerator));
  PetscCall(PetscFree(o->denominator));
  PetscCall(PetscFree(o->local));
  PetscCall(PetscFree(o->measure));
  PetscCall(PetscFree(o->walk.log_psi));
  PetscCall(PetscFree(o->walk.local_energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}
