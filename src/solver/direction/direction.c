/*
  The registry of directions: ways to get d ~ -G^{-1} gradient, one file a type; -tao_engd_direction names one.
*/
#include <engd/private.h>

static EngdRegistry directions = {
    .what    = "direction",
    .builtin = {{"krylov", (EngdRegistryFn)EngdDirectionCreate_Krylov},
                {"tsvd", (EngdRegistryFn)EngdDirectionCreate_TSVD},
                {"dual", (EngdRegistryFn)EngdDirectionCreate_Dual}},
};

/* EngdDirectionRegister - adds a way to compute directions; create fills the ops. Not collective */
PetscErrorCode EngdDirectionRegister(const char name[], PetscErrorCode (*create)(EngdDirection))
{
  PetscFunctionBeginUser;
  PetscCall(EngdRegistryAdd(&directions, name, (EngdRegistryFn)create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDirectionCreate(const char type[], EngdDirection *direction)
{
  EngdRegistryFn create;

  PetscFunctionBeginUser;
  PetscCall(EngdRegistryFind(&directions, "-tao_engd_direction", type, &create));
  PetscCall(PetscNew(direction));
  PetscCall(PetscStrallocpy(type, &(*direction)->type));
  PetscCall(((PetscErrorCode(*)(EngdDirection))create)(*direction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDirectionDestroy(EngdDirection *direction)
{
  PetscFunctionBeginUser;
  if (!*direction) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*direction)->ops->destroy) PetscCall((*(*direction)->ops->destroy)(*direction));
  PetscCall(PetscFree((*direction)->type));
  PetscCall(PetscFree(*direction));
  PetscFunctionReturn(PETSC_SUCCESS);
}
