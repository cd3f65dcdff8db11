/*
  What the options of a term say, said by a program; as setters.c says of those of the problem.
*/
#include <engd/private.h>

static PetscErrorCode SetTermText(EngdProblem problem, const char term[], const char key[], const char value[])
{
  char option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName(term, key, sizeof(option), option));
  PetscCall(EngdSettingsSet(&problem->settings, option, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetTermWhole(EngdProblem problem, const char term[], const char key[], PetscInt value)
{
  char option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName(term, key, sizeof(option), option));
  PetscCall(EngdSettingsSetWhole(&problem->settings, option, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetTermReal(EngdProblem problem, const char term[], const char key[], PetscReal value)
{
  char option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName(term, key, sizeof(option), option));
  PetscCall(EngdSettingsSetReals(&problem->settings, option, 1, &value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermRegion - Where a term is

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
- region  - interior (until it is set), or a list of boundary, initial, final, and faces such as x=lower

  Options Database Key:
. -<term>_region region
@*/
PetscErrorCode EngdProblemSetTermRegion(EngdProblem problem, const char term[], const char region[])
{
  PetscFunctionBeginUser;
  PetscCall(SetTermText(problem, term, "region", region));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermPoints - How many points a term has, on all ranks together

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
- n       - positive

  Options Database Key:
. -<term>_points n - or for the samplers grid and gauss one number a coordinate
@*/
PetscErrorCode EngdProblemSetTermPoints(EngdProblem problem, const char term[], PetscInt n)
{
  PetscFunctionBeginUser;
  PetscCall(SetTermWhole(problem, term, "points", n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermPointsFile - The points of a term are those of a file

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
- file    - text or CSV; its first line names the columns, the coordinates among them

  Options Database Key:
. -<term>_points_file file
@*/
PetscErrorCode EngdProblemSetTermPointsFile(EngdProblem problem, const char term[], const char file[])
{
  PetscFunctionBeginUser;
  PetscCall(SetTermText(problem, term, "points_file", file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermSampler - How the points of a term are placed

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
- sampler - auto (until it is set), grid, gauss, uniform, halton, sobol, quasi, or a registered one

  Options Database Key:
. -<term>_sampler sampler

.seealso: `EngdSamplerRegister()`
@*/
PetscErrorCode EngdProblemSetTermSampler(EngdProblem problem, const char term[], const char sampler[])
{
  PetscFunctionBeginUser;
  PetscCall(SetTermText(problem, term, "sampler", sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermRandomDimensions - How many random space coordinates estimate the Laplacians of a term

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
- s       - of each point others, at most as many as there are space coordinates; 0 (until it is set): lap() is exact

  Options Database Key:
. -<term>_random_dimensions s

  Note:
  lap(u) ~ (d/s) times the sum of s of its d terms, without bias; they are drawn with the points, so that a loss is one function
  until there are new points. The square of a residual has the variance of the estimate as its bias.

  Reference: Shi, Hu, Lin, Kawaguchi (arXiv 2412.00088)

.seealso: `EngdProblemSetTermResample()`
@*/
PetscErrorCode EngdProblemSetTermRandomDimensions(EngdProblem problem, const char term[], PetscInt s)
{
  PetscFunctionBeginUser;
  PetscCall(SetTermWhole(problem, term, "random_dimensions", s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermResample - How often a term gets new points

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
- every   - iterations, 0 for never

  Options Database Key:
. -<term>_resample every
@*/
PetscErrorCode EngdProblemSetTermResample(EngdProblem problem, const char term[], PetscInt every)
{
  PetscFunctionBeginUser;
  PetscCall(SetTermWhole(problem, term, "resample", every));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermMultipliers - How often a condition beside energies gets new multipliers

  Logically collective

  Input Parameters:
+ problem - with energies
. term    - a residual, one of EngdProblemSetTerms(), whose points stay
- every   - iterations, 0 for a penalty alone, PETSC_DECIDE (until it is set) for what -engd_start makes of it

  Options Database Key:
. -<term>_multipliers every
@*/
PetscErrorCode EngdProblemSetTermMultipliers(EngdProblem problem, const char term[], PetscInt every)
{
  PetscFunctionBeginUser;
  PetscCall(SetTermWhole(problem, term, "multipliers", every));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermAdapt - Whether the points of a term follow its residual

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
- method  - none (until it is set), rad: all of them are drawn anew, rar: some are added; each -<term>_resample iterations

  Options Database Key:
. -<term>_adapt method

.seealso: `EngdProblemSetTermAdaptDensity()`, `EngdProblemSetTermAdaptPoints()`, `EngdProblemSetTermResample()`
@*/
PetscErrorCode EngdProblemSetTermAdapt(EngdProblem problem, const char term[], const char method[])
{
  PetscFunctionBeginUser;
  PetscCall(SetTermText(problem, term, "adapt", method));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermAdaptDensity - How strongly points follow the residual: with the density |r|^k / mean(|r|^k) + c

  Logically collective

  Input Parameters:
+ problem  - the problem
. term     - one of EngdProblemSetTerms()
. exponent - k, at least 0; 1 for rad and 2 for rar until it is set
- floor    - c, at least 0; 1 for rad and 0 for rar until it is set

  Options Database Keys:
+ -<term>_adapt_exponent k
- -<term>_adapt_floor c
@*/
PetscErrorCode EngdProblemSetTermAdaptDensity(EngdProblem problem, const char term[], PetscReal exponent,
                                              PetscReal floor)
{
  PetscFunctionBeginUser;
  PetscCall(SetTermReal(problem, term, "adapt_exponent", exponent));
  PetscCall(SetTermReal(problem, term, "adapt_floor", floor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermAdaptPoints - Among how many points those of a term are chosen, how many are added, and how often

  Logically collective

  Input Parameters:
+ problem    - the problem
. term       - one of EngdProblemSetTerms()
. candidates - 0 for ten times those that are taken, as it is until it is set
. add        - of rar, each time; 0 for a tenth of the points
- times      - at most; 0 for no bound (rad) or five (rar)

  Options Database Keys:
+ -<term>_adapt_candidates n
. -<term>_adapt_add n
- -<term>_adapt_times n
@*/
PetscErrorCode EngdProblemSetTermAdaptPoints(EngdProblem problem, const char term[], PetscInt candidates,
                                             PetscInt add, PetscInt times)
{
  static const char *const key[]   = {"adapt_candidates", "adapt_add", "adapt_times"};
  const PetscInt           value[] = {candidates, add, times};

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < 3; k++) PetscCall(SetTermWhole(problem, term, key[k], value[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermCausal - Weights of a term in time, so that what is early is solved first

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
. eps     - of the weights exp(-eps sum of the losses of earlier slabs), 0 for none, as it is until it is set
- slabs   - of time, positive; 16 until it is set

  Options Database Keys:
+ -<term>_causal eps
- -<term>_causal_slabs n
@*/
PetscErrorCode EngdProblemSetTermCausal(EngdProblem problem, const char term[], PetscReal eps, PetscInt slabs)
{
  PetscFunctionBeginUser;
  PetscCall(SetTermReal(problem, term, "causal", eps));
  PetscCall(SetTermWhole(problem, term, "causal_slabs", slabs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermWeight - The factor lambda_t of a term in the loss

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
- weight  - positive; 1 until it is set

  Options Database Key:
. -<term>_weight weight
@*/
PetscErrorCode EngdProblemSetTermWeight(EngdProblem problem, const char term[], PetscReal weight)
{
  PetscFunctionBeginUser;
  PetscCall(SetTermReal(problem, term, "weight", weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermMeasure - Is the sum over the points of a term a mean over its region, or an integral

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
- measure - mean (of residuals until it is set) or integral (of energies and integrals)

  Options Database Key:
. -<term>_measure measure
@*/
PetscErrorCode EngdProblemSetTermMeasure(EngdProblem problem, const char term[], const char measure[])
{
  PetscFunctionBeginUser;
  PetscCall(SetTermText(problem, term, "measure", measure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermResidualText - The residual r of a term, whose |r|^2/2 is minimised, as text

  Logically collective

  Input Parameters:
+ problem  - the problem
. term     - one of EngdProblemSetTerms()
- residual - such as "lap(u) + 1"; components are separated by ;

  Options Database Key:
. -<term>_residual residual

.seealso: `EngdProblemSetTermEnergyText()`
@*/
PetscErrorCode EngdProblemSetTermResidualText(EngdProblem problem, const char term[], const char residual[])
{
  PetscFunctionBeginUser;
  PetscCall(SetTermText(problem, term, "residual", residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermEnergyText - The energy density of a term, which is minimised itself, as text

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
- energy  - such as "normsq(grad(u))/2 - u", one component

  Options Database Key:
. -<term>_energy energy

.seealso: `EngdProblemSetTermResidualText()`
@*/
PetscErrorCode EngdProblemSetTermEnergyText(EngdProblem problem, const char term[], const char energy[])
{
  PetscFunctionBeginUser;
  PetscCall(SetTermText(problem, term, "energy", energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermIntegralText - The integrand f of conditions int f = 0 over the region of a term, as text

  Logically collective

  Input Parameters:
+ problem   - the problem
. term      - one of EngdProblemSetTerms(); its loss is weight |int f|^2 / 2, and it has a row of J for each component of f
- integrand - such as "p" or "u^2 - 1"; components are separated by ;

  Options Database Key:
. -<term>_integral integrand

.seealso: `EngdProblemSetTermResidualText()`, `EngdProblemSetTermMeasure()`
@*/
PetscErrorCode EngdProblemSetTermIntegralText(EngdProblem problem, const char term[], const char integrand[])
{
  PetscFunctionBeginUser;
  PetscCall(SetTermText(problem, term, "integral", integrand));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermQuotientText - The densities of a Rayleigh quotient N/D, N = int n, which is minimised, as text

  Logically collective

  Input Parameters:
+ problem     - the problem
. term        - one of EngdProblemSetTerms(); the N and D of all terms are added up, and all terms must be quotients
. numerator   - n, such as "normsq(grad(u))/2 + x^2*u^2/2"; of k states the k(k+1)/2 entries n_ij, i <= j, by rows, for the
                trace of D^{-1} N
. denominator - such as "u^2", as many components; NULL: this term is no part of D
- local       - H u of each state, such as "-lap(u)/2 + x^2*u/2", for the energy and its error in the report; or NULL

  Options Database Keys:
+ -<term>_numerator n
. -<term>_denominator d
- -<term>_local text

.seealso: `EngdProblemSetTermEnergyText()`
@*/
PetscErrorCode EngdProblemSetTermQuotientText(EngdProblem problem, const char term[], const char numerator[],
                                              const char denominator[], const char local[])
{
  PetscFunctionBeginUser;
  PetscCall(SetTermText(problem, term, "numerator", numerator));
  if (denominator) PetscCall(SetTermText(problem, term, "denominator", denominator));
  if (local) PetscCall(SetTermText(problem, term, "local", local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermWalkersText - Walkers that go by psi^2, the mean of whose local energy is minimised, as text

  Logically collective

  Input Parameters:
+ problem      - the problem
. term         - the only one of EngdProblemSetTerms(); its points are the walkers
. log_psi      - log|psi|, such as "u"
- local_energy - H psi/psi, such as "-(lap(u) + normsq(grad(u)))/2 - 1/r"

  Options Database Keys:
+ -<term>_log_psi text
- -<term>_local_energy text

.seealso: `EngdProblemSetTermQuotientText()`, `EngdProblemSetTermSampler()`
@*/
PetscErrorCode EngdProblemSetTermWalkersText(EngdProblem problem, const char term[], const char log_psi[],
                                             const char local_energy[])
{
  PetscFunctionBeginUser;
  PetscCall(SetTermText(problem, term, "log_psi", log_psi));
  PetscCall(SetTermText(problem, term, "local_energy", local_energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}
