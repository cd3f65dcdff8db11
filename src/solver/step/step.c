/*
  The registry of steps: how far to go along a direction, one file a type; -tao_engd_step names one.
*/
#include <engd/private.h>

static PetscFunctionList step_list = NULL;

static PetscErrorCode DestroyList(void)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFunctionListDestroy(&step_list));
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
  PetscCall(EngdStepRegister("grid", EngdStepCreate_Grid));
  PetscCall(EngdStepRegister("armijo", EngdStepCreate_Armijo));
  PetscCall(EngdStepRegister("fixed", EngdStepCreate_Fixed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdStepRegister - adds a way to choose a step; create fills the ops. Not collective */
PetscErrorCode EngdStepRegister(const char name[], PetscErrorCode (*create)(EngdStep))
{
  PetscFunctionBeginUser;
  PetscCall(RegisterAll());
  PetscCall(PetscFunctionListAdd(&step_list, name, create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdStepCreate(const char type[], EngdStep *step)
{
  PetscErrorCode (*create)(EngdStep);

  PetscFunctionBeginUser;
  PetscCall(RegisterAll());
  PetscCall(PetscFunctionListFind(step_list, type, &create));
  PetscCheck(create, PETSC_COMM_SELF, PETSC_ERR_ARG_UNKNOWN_TYPE,
             "-tao_engd_step: unknown step '%s'; known are grid, armijo, fixed", type);
  PetscCall(PetscNew(step));
  PetscCall(PetscStrallocpy(type, &(*step)->type));
  PetscCall((*create)(*step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdStepDestroy(EngdStep *step)
{
  PetscFunctionBeginUser;
  if (!*step) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*step)->ops->destroy) PetscCall((*(*step)->ops->destroy)(*step));
  PetscCall(PetscFree((*step)->type));
  PetscCall(PetscFree(*step));
  PetscFunctionReturn(PETSC_SUCCESS);
}
