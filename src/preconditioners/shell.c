/*
  What the preconditioners of engd share: a PCSHELL that is chosen, tuned and viewed under a name of its own, and the test for
  a refresh. See shell.h.

  A container composed with the PC holds the state. It stays when the PC takes another type, empty, so that the handler of
  options is added once.
*/
#include "shell.h"

typedef struct {
  const EngdPCShell *shell;
  void              *data; /* NULL: the PC has another type now */
} Slot;

static PetscErrorCode GetSlot(PC pc, const char type[], Slot **slot)
{
  PetscContainer container;

  PetscFunctionBeginUser;
  *slot = NULL;
  PetscCall(PetscObjectQuery((PetscObject)pc, type, (PetscObject *)&container));
  if (container) PetscCall(PetscContainerGetPointer(container, (void **)slot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPCGetData(PC pc, const char type[], void **data)
{
  Slot *slot;

  PetscFunctionBeginUser;
  PetscCall(GetSlot(pc, type, &slot));
  *data = slot ? slot->data : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A shell has no SetFromOptions, but any object may have a handler of options: PCSetFromOptions() calls it last */
static PetscErrorCode HandleOptions(PetscObject pc, EngdOptionItems PetscOptionsObject, void *data)
{
  Slot *slot = (Slot *)data;

  PetscFunctionBeginUser;
  if (slot->data) PetscCall((*slot->shell->setfromoptions)((PC)pc, PetscOptionsObject, slot->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the slot of the type, made when there is none */
static PetscErrorCode NeedSlot(PC pc, const EngdPCShell *shell, Slot **slot)
{
  PetscContainer container;

  PetscFunctionBeginUser;
  PetscCall(GetSlot(pc, shell->type, slot));
  if (*slot) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(slot));
  (*slot)->shell = shell;
  PetscCall(PetscContainerCreate(PetscObjectComm((PetscObject)pc), &container));
  PetscCall(PetscContainerSetPointer(container, *slot));
  PetscCall(PetscContainerSetCtxDestroy(container, PetscCtxDestroyDefault));
  PetscCall(PetscObjectCompose((PetscObject)pc, shell->type, (PetscObject)container));
  PetscCall(PetscContainerDestroy(&container));
  PetscCall(PetscObjectAddOptionsHandler((PetscObject)pc, HandleOptions, NULL, *slot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(PC pc)
{
  Slot *slot;
  void *data;

  PetscFunctionBeginUser;
  PetscCall(GetSlot(pc, ((PetscObject)pc)->type_name, &slot));
  data       = slot->data;
  slot->data = NULL;
  PetscCall((*slot->shell->free)(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPCBecomeShell(PC pc, const EngdPCShell *shell, void *data)
{
  Slot *slot;

  PetscFunctionBeginUser;
  PetscCall(NeedSlot(pc, shell, &slot));
  slot->data = data;
  PetscCall(PCSetType(pc, PCSHELL));
  PetscCall(PCShellSetName(pc, shell->type));
  PetscCall(PCShellSetSetUp(pc, shell->setup));
  PetscCall(PCShellSetApply(pc, shell->apply));
  PetscCall(PCShellSetApplyTranspose(pc, shell->apply));
  PetscCall(PCShellSetView(pc, shell->view));
  PetscCall(PCShellSetDestroy(pc, Destroy));
  /* a second PCSetFromOptions() finds the type it was asked for, and keeps the state */
  PetscCall(PetscObjectChangeTypeName((PetscObject)pc, shell->type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPCPointUpdate(Mat A, EngdPCPoint *point, PetscBool *other, PetscBool *moved)
{
  const EngdPCPoint last = *point;
  EngdFunctional    F;
  PetscObjectState  state;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectGetId((PetscObject)A, &point->operator_id));
  PetscCall(PetscObjectStateGet((PetscObject)A, &state));
  PetscCall(EngdMatGetFunctional(A, &F));
  point->generation = F ? F->generation : (PetscInt64)state;
  *other            = (PetscBool)(point->operator_id != last.operator_id);
  *moved            = (PetscBool)(*other || point->generation != last.generation);
  PetscFunctionReturn(PETSC_SUCCESS);
}
