/*
  Registries of types: name -> function, the seams that options choose from and plug-ins (-dll_append) add to.

  A registry is a static object with its built-in types. They enter PETSc's function list at the first use, so that what a
  plug-in adds later may replace them, and leave it when PETSc ends.
*/
#include <engd/private.h>

static EngdRegistry *in_use = NULL;

/* Empties all registries when PETSc ends, so that a new start fills them again */
static PetscErrorCode DestroyAll(void)
{
  PetscFunctionBeginUser;
  for (; in_use; in_use = in_use->next) PetscCall(PetscFunctionListDestroy(&in_use->list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The built-in types, before anything of the user's */
PetscErrorCode EngdRegistryFill(EngdRegistry *registry)
{
  PetscFunctionBeginUser;
  if (registry->list) PetscFunctionReturn(PETSC_SUCCESS);
  if (!in_use) PetscCall(PetscRegisterFinalize(DestroyAll));
  registry->next = in_use;
  in_use         = registry;
  for (PetscInt k = 0; registry->builtin[k].name; k++) {
    PetscCall(PetscFunctionListAdd(&registry->list, registry->builtin[k].name, registry->builtin[k].function));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdRegistryAdd(EngdRegistry *registry, const char name[], EngdRegistryFn function)
{
  PetscFunctionBeginUser;
  PetscCall(EngdRegistryFill(registry));
  PetscCall(PetscFunctionListAdd(&registry->list, name, function));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdRegistryFind(EngdRegistry *registry, const char option[], const char name[],
                                EngdRegistryFn *function)
{
  const char **names;
  int          n;
  char         known[512] = "";

  PetscFunctionBeginUser;
  PetscCall(EngdRegistryFill(registry));
  PetscCall(PetscFunctionListFind(registry->list, name, function));
  if (*function) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFunctionListGet(registry->list, &names, &n));
  if (registry->others) PetscCall(PetscStrlcat(known, registry->others, sizeof(known)));
  for (int k = 0; k < n && names[k]; k++) { /* PETSc 3.18 counts the NULL that ends the list after a failed search */
    if (known[0]) PetscCall(PetscStrlcat(known, ", ", sizeof(known)));
    PetscCall(PetscStrlcat(known, names[k], sizeof(known)));
  }
  PetscCall(PetscFree(names));
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ARG_UNKNOWN_TYPE, "%s %s: no such %s; the known ones are %s", option, name,
          registry->what, known);
}

PetscErrorCode EngdRegistryGetList(const char what[], PetscFunctionList *list)
{
  PetscFunctionBeginUser;
  *list = NULL;
  for (EngdRegistry *registry = in_use; registry && !*list; registry = registry->next) {
    PetscBool same;

    PetscCall(PetscStrcmp(registry->what, what, &same));
    if (same) *list = registry->list;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
