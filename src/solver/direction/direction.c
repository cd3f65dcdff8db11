/*
  The registry of directions: ways to get d ~ -G^{-1} gradient, one file a type; -tao_engd_direction names one.
*/
#include <engd/private.h>

static PetscFunctionList direction_list = NULL;

static PetscErrorCode DestroyList(void)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFunctionListDestroy(&direction_list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the built-in types, once a process */
static PetscErrorCode RegisterAll(void)
{
  static PetscBool registered = PETSC_FALSE;

  PetscFunctionBeginUser;
  if (registered) PetscFunctionReturn(PETSC_SUCCESS);
  registered = PETSC_TRUE;
  PetscCall(PetscRegisterFinalize(DestroyList));
  PetscCall(EngdDirectionRegister("krylov", EngdDirectionCreate_Krylov));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdDirectionRegister - adds a way to compute directions; create fills the ops. Not collective */
PetscErrorCode EngdDirectionRegister(const char name[], PetscErrorCode (*create)(EngdDirection))
{
  PetscFunctionBeginUser;
  PetscCall(RegisterAll());
  PetscCall(PetscFunctionListAdd(&direction_list, name, create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDirectionCreate(const char type[], EngdDirection *direction)
{
  PetscErrorCode (*create)(EngdDirection);

  PetscFunctionBeginUser;
  PetscCall(RegisterAll());
  PetscCall(PetscFunctionListFind(direction_list, type, &create));
  PetscCheck(create, PETSC_COMM_SELF, PETSC_ERR_ARG_UNKNOWN_TYPE,
             "-tao_engd_direction: unknown direction '%s'; known is krylov", type);
  PetscCall(PetscNew(direction));
  PetscCall(PetscStrallocpy(type, &(*direction)->type));
  PetscCall((*create)(*direction));
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
