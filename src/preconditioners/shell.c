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

/* composed with the PC as long as it has one of our types */
static PetscErrorCode GetFeatures(PC pc, unsigned *features)
{
  Slot *slot;

  PetscFunctionBeginUser;
  PetscCall(GetSlot(pc, ((PetscObject)pc)->type_name, &slot));
  *features = slot->shell->features;
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
  PetscCall(PetscObjectComposeFunction((PetscObject)pc, "EngdPCGetFeatures_C", NULL));
  PetscCall((*slot->shell->free)(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what is composed with a PC that is a shell of ours, or was one */
static PetscErrorCode EngdPCState_Shell(PC pc, Mat A, EngdArchive a)
{
  PCType type;
  Slot  *slot;

  PetscFunctionBeginUser;
  PetscCall(PCGetType(pc, &type));
  PetscCall(GetSlot(pc, type, &slot));
  if (slot && slot->data && slot->shell->state) PetscCall((*slot->shell->state)(pc, A, a, slot->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* those that a PC is put together from */
static PetscErrorCode StateOfParts(PC pc, Mat A, EngdArchive a)
{
  PetscBool composite, krylov;
  PetscInt  n = 0;
  PC        part;
  KSP       ksp;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCCOMPOSITE, &composite));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCKSP, &krylov));
  if (composite) PetscCall(PCCompositeGetNumberPC(pc, &n));
  if (krylov) PetscCall(PCKSPGetKSP(pc, &ksp));
  for (PetscInt k = 0; k < n + (krylov ? 1 : 0); k++) {
    char name[32];

    PetscCall(PetscSNPrintf(name, sizeof(name), "part_%" PetscInt_FMT, k));
    if (composite) PetscCall(PCCompositeGetPC(pc, k, &part));
    if (krylov) PetscCall(KSPGetPC(ksp, &part));
    PetscCall(EngdArchivePush(a, name));
    PetscCall(EngdPCState(part, A, a));
    PetscCall(EngdArchivePop(a));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPCState - Walks over what a PC keeps from one solve to the next.

  Collective

  Input Parameters:
+ pc      - one that answers by a composed function EngdPCState_C, or one that PETSc made of such
. A       - the matrix that it is made from
- archive - of EngdArchiveCreate()

  Note: other types keep nothing, unless -ksp_reuse_preconditioner asks for it

  Source: src/preconditioners/shell.c
*/
PetscErrorCode EngdPCState(PC pc, Mat A, EngdArchive a)
{
  PCType type;
  PetscErrorCode (*state)(PC, Mat, EngdArchive);

  PetscFunctionBeginUser;
  PetscCall(PCGetType(pc, &type));
  PetscCall(EngdArchivePush(a, "preconditioner"));
  PetscCall(EngdArchiveMatchString(a, "type", "-pc_type", type ? type : "default"));
  PetscCall(PetscObjectQueryFunction((PetscObject)pc, "EngdPCState_C", &state));
  if (state) PetscCall((*state)(pc, A, a));
  PetscCall(StateOfParts(pc, A, a));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPCGetBytes(PC pc, PetscReal *bytes)
{
  PCType type;
  Slot  *slot;

  PetscFunctionBeginUser;
  *bytes = 0;
  PetscCall(PCGetType(pc, &type));
  if (!type) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GetSlot(pc, type, &slot));
  if (slot && slot->data) *bytes = (*slot->shell->bytes)(slot->data);
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
  PetscCall(PetscObjectComposeFunction((PetscObject)pc, "EngdPCState_C", EngdPCState_Shell));
  PetscCall(PetscObjectComposeFunction((PetscObject)pc, "EngdPCGetFeatures_C", GetFeatures));
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
  point->generation = F ? F->present.generation : (PetscInt64)state;
  *other            = (PetscBool)(point->operator_id != last.operator_id);
  *moved            = (PetscBool)(*other || point->generation != last.generation);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPCPointState(Mat A, EngdPCPoint *point, EngdArchive a)
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchiveInt64(a, "generation", &point->generation, -1));
  if (EngdArchiveChanges(a)) point->operator_id = 0;
  if (EngdArchiveGetMode(a) == ENGD_ARCHIVE_LOAD) PetscCall(PetscObjectGetId((PetscObject)A, &point->operator_id));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPCIsReused(PC pc, Mat A, const EngdPCPoint *point, PetscBool *reused)
{
  PetscObjectId id;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectGetId((PetscObject)A, &id));
  PetscCall(PCGetReusePreconditioner(pc, reused));
  if (point->operator_id != id) *reused = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
