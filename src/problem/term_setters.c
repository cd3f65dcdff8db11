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
  char option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName(term, "points", sizeof(option), option));
  PetscCall(EngdSettingsSetWhole(&problem->settings, option, n));
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
  char option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName(term, "resample", sizeof(option), option));
  PetscCall(EngdSettingsSetWhole(&problem->settings, option, every));
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
  char option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName(term, "weight", sizeof(option), option));
  PetscCall(EngdSettingsSetReals(&problem->settings, option, 1, &weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTermMeasure - Is the sum over the points of a term a mean over its region, or an integral

  Logically collective

  Input Parameters:
+ problem - the problem
. term    - one of EngdProblemSetTerms()
- measure - mean (of residuals until it is set) or integral (of energies)

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
