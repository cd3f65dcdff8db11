/*
  The registry of steps: how far to go along a direction, one file a type; -tao_engd_step names one.
*/
#include <engd/private.h>

EngdRegistry engd_steps = {.kind = "step"};

/*
  EngdStepRegister - Adds a type of step, or replaces one.

  Not collective

  Input Parameters:
+ name   - what -tao_engd_step calls it
- create - sets ops and data of the step

  Options Database Key:
. -tao_engd_step name - chooses it

  Note: in the tree ENGD_REGISTER_STEP(name, create); in the file of the type does it; a file to copy from is
  src/solver/step/fixed.c

  Source: src/solver/step/step.c
*/
PetscErrorCode EngdStepRegister(const char name[], PetscErrorCode (*create)(EngdStep))
{
  PetscFunctionBeginUser;
  PetscCall(EngdRegistryAdd(&engd_steps, name, (EngdRegistryFn)create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdStepCreate(const char type[], EngdStep *step)
{
  EngdRegistryFn create;

  PetscFunctionBeginUser;
  PetscCall(EngdRegistryFind(&engd_steps, "-tao_engd_step", type, &create));
  PetscCall(PetscNew(step));
  PetscCall(PetscStrallocpy(type, &(*step)->type));
  PetscCall(((PetscErrorCode(*)(EngdStep))create)(*step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* in a group of its own, named by its type. Collective */
PetscErrorCode EngdStepState(EngdStep step, EngdArchive a)
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchivePush(a, "step_length"));
  PetscCall(EngdArchiveMatchString(a, "type", "-tao_engd_step", step->type));
  if (step->ops->state) PetscCall((*step->ops->state)(step, a));
  PetscCall(EngdArchivePop(a));
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
