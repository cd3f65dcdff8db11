/*
  The registry of samplers of the unit cube: name -> function q(dim, n, seed, stream, epoch, index).

  A sampler keeps no state: point number `index` of n is computed from the arguments alone, so ranks compute their own
  points. Points on tensor grids are no samplers: the domain places them, since it knows the faces.
*/
#include <engd/private.h>

EngdRegistry engd_samplers = {.kind = "sampler", .others = "auto, quasi, grid, gauss"};

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
  PetscCall(EngdRegistryAdd(&engd_samplers, name, (EngdRegistryFn)function));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSamplerFind - Gets the sampler of a name.

  Not collective

  Input Parameters:
+ option - for the message
- name   - of a registered sampler

  Output Parameter:
. function - the sampler

  Errors: PETSC_ERR_ARG_UNKNOWN_TYPE, with the known ones

  Source: src/problem/samplers/sampler.c
*/
PetscErrorCode EngdSamplerFind(const char option[], const char name[], EngdSamplerFn *function)
{
  EngdRegistryFn found;

  PetscFunctionBeginUser;
  PetscCall(EngdRegistryFind(&engd_samplers, option, name, &found));
  *function = (EngdSamplerFn)found;
  PetscFunctionReturn(PETSC_SUCCESS);
}
