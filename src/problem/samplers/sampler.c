/*
  The registry of samplers of the unit cube: name -> function q(dim, n, seed, stream, epoch, index).

  A sampler keeps no state: point number `index` of n is computed from the arguments alone, so ranks compute their own
  points. Points on tensor grids are no samplers: the domain places them, since it knows the faces.
*/
#include <engd/private.h>

static PetscFunctionList sampler_list;
static PetscBool         sampler_registered;

/* Frees the registry when PETSc ends, so that a new start fills it again */
static PetscErrorCode SamplerFinalize(void)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFunctionListDestroy(&sampler_list));
  sampler_registered = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The built-in samplers, before anything of the user's, which may replace them */
static PetscErrorCode SamplerRegisterAll(void)
{
  PetscFunctionBeginUser;
  if (sampler_registered) PetscFunctionReturn(PETSC_SUCCESS);
  sampler_registered = PETSC_TRUE;
  PetscCall(PetscRegisterFinalize(SamplerFinalize));
  PetscCall(PetscFunctionListAdd(&sampler_list, "uniform", EngdSamplerUniform));
  PetscCall(PetscFunctionListAdd(&sampler_list, "halton", EngdSamplerHalton));
  PetscCall(PetscFunctionListAdd(&sampler_list, "sobol", EngdSamplerSobol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  EngdSamplerRegister - Adds a sampler of the unit cube, or replaces one

  Not collective

  Input Parameters:
+ name     - what `-<term>_sampler` calls it
- function - fills q[dim] in [0,1)^dim with point number `index` of the sequence of (seed, stream, epoch), which has
             n points in each epoch; a pure function of its arguments

  Options Database Keys:
. -<term>_sampler name - uses it for the points of a term

.seealso: `EngdSamplerFind()`
@*/
PetscErrorCode EngdSamplerRegister(const char name[], EngdSamplerFn function)
{
  PetscFunctionBeginUser;
  PetscCall(SamplerRegisterAll());
  PetscCall(PetscFunctionListAdd(&sampler_list, name, function));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSamplerFind - The sampler of a name; an error that lists the known ones when there is none.

  Not collective; `option` is the option to name in the message.
*/
PetscErrorCode EngdSamplerFind(const char option[], const char name[], EngdSamplerFn *function)
{
  const char **names;
  int          n;
  char         known[512] = "auto, grid, gauss, quasi";

  PetscFunctionBeginUser;
  PetscCall(SamplerRegisterAll());
  PetscCall(PetscFunctionListFind(sampler_list, name, function));
  if (*function) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFunctionListGet(sampler_list, &names, &n));
  for (int i = 0; i < n; i++) {
    PetscCall(PetscStrlcat(known, ", ", sizeof(known)));
    PetscCall(PetscStrlcat(known, names[i], sizeof(known)));
  }
  PetscCall(PetscFree(names));
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ARG_UNKNOWN_TYPE, "%s %s: no such sampler; the known ones are %s", option, name,
          known);
}
