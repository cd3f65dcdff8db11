/*
  The registry of curvatures: metrics W on the jets, one file a type. What they apply and their square roots are
  described in functional.h; -tao_engd_curvature names one.
*/
#include <engd/private.h>

EngdRegistry engd_curvatures = {.kind = "curvature"};

/*
  EngdCurvatureRegister - Adds a type of curvature, or replaces one.

  Not collective

  Input Parameters:
+ name   - what -tao_engd_curvature calls it
- create - sets ops, data and what of the jets the metric reads

  Options Database Key:
. -tao_engd_curvature name - chooses it

  Note: in the tree ENGD_REGISTER_CURVATURE(name, create); in the file of the type does it; a file to copy from is
  src/operators/curvature/sobolev.c

  Source: src/operators/curvature/curvature.c
*/
PetscErrorCode EngdCurvatureRegister(const char name[], PetscErrorCode (*create)(EngdCurvature))
{
  PetscFunctionBeginUser;
  PetscCall(EngdRegistryAdd(&engd_curvatures, name, (EngdRegistryFn)create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdCurvatureCreate(const char type[], EngdCurvature *curvature)
{
  EngdRegistryFn create;

  PetscFunctionBeginUser;
  PetscCall(EngdRegistryFind(&engd_curvatures, "-tao_engd_curvature", type, &create));
  PetscCall(PetscNew(curvature));
  PetscCall(PetscStrallocpy(type, &(*curvature)->type));
  (*curvature)->values = -1;
  PetscCall(((PetscErrorCode(*)(EngdCurvature))create)(*curvature));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdCurvatureDestroy(EngdCurvature *curvature)
{
  PetscFunctionBeginUser;
  if (!*curvature) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*curvature)->ops->destroy) PetscCall((*(*curvature)->ops->destroy)(*curvature));
  PetscCall(PetscFree((*curvature)->type));
  PetscCall(PetscFree(*curvature));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdCurvatureReserve(PetscInt size, PetscReal **buffer, PetscInt *have)
{
  PetscFunctionBeginUser;
  if (size <= *have) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(*buffer));
  PetscCall(PetscMalloc1(size, buffer));
  *have = size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdCurvatureCountAllRoots(EngdFunctional F, PetscInt term, PetscInt *nroots, PetscBool *complete)
{
  const EngdCurvature curvature = F->curvature;

  PetscFunctionBeginUser;
  *nroots   = 0;
  *complete = PETSC_FALSE;
  if (curvature->ops->rootscomplete) PetscCall((*curvature->ops->rootscomplete)(curvature, F, term, complete));
  if (*complete) PetscCall((*curvature->ops->rootcount)(curvature, F, term, nroots));
  PetscFunctionReturn(PETSC_SUCCESS);
}
