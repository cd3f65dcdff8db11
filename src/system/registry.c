/*
  Registries of types: name -> function, the seams that options choose from and plug-ins (-dll_append) add to.

  The built-in types of a registry, those of its kind in engd_registered, enter PETSc's function list at the first use, so that
  what a plug-in adds later may replace them. The list is emptied when PETSc ends.
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
static PetscErrorCode Fill(EngdRegistry *registry)
{
  PetscFunctionBeginUser;
  if (registry->list) PetscFunctionReturn(PETSC_SUCCESS);
  if (!in_use) PetscCall(PetscRegisterFinalize(DestroyAll));
  registry->next = in_use;
  in_use         = registry;
  for (const EngdRegistered *type = engd_registered; type->kind; type++) {
    PetscBool same;

    PetscCall(PetscStrcmp(type->kind, registry->kind, &same));
    if (same) PetscCall(PetscFunctionListAdd(&registry->list, type->name, type->function));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdRegistryAdd(EngdRegistry *registry, const char name[], EngdRegistryFn function)
{
  PetscFunctionBeginUser;
  PetscCall(Fill(registry));
  PetscCall(PetscFunctionListAdd(&registry->list, name, function));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdRegistryGetList(EngdRegistry *registry, PetscFunctionList *list)
{
  PetscFunctionBeginUser;
  PetscCall(Fill(registry));
  *list = registry->list;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int CompareNames(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* PETSc's list has the order of its making up to 3.20, and none from there on */
PetscErrorCode EngdRegistryGetNames(EngdRegistry *registry, PetscInt *n, const char ***names)
{
  int count;

  PetscFunctionBeginUser;
  PetscCall(Fill(registry));
  PetscCall(PetscFunctionListGet(registry->list, names, &count));
  *n = 0;
  while (*n < count && (*names)[*n]) ++*n; /* PETSc 3.18 counts the NULL that ends the list after a failed search */
  qsort((void *)*names, (size_t)*n, sizeof(**names), CompareNames);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the option takes: the other names, then the types */
static PetscErrorCode ListKnown(EngdRegistry *registry, size_t size, char known[])
{
  const char **names;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(EngdRegistryGetNames(registry, &n, &names));
  PetscCall(PetscStrncpy(known, registry->others ? registry->others : "", size));
  for (PetscInt k = 0; k < n; k++) {
    if (known[0]) PetscCall(PetscStrlcat(known, ", ", size));
    PetscCall(PetscStrlcat(known, names[k], size));
  }
  PetscCall(PetscFree(names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdRegistryFind(EngdRegistry *registry, const char option[], const char name[],
                                EngdRegistryFn *function)
{
  char known[512];

  PetscFunctionBeginUser;
  PetscCall(Fill(registry));
  PetscCall(PetscFunctionListFind(registry->list, name, function));
  if (*function) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ListKnown(registry, sizeof(known), known));
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ARG_UNKNOWN_TYPE, "%s %s: no such %s; the known ones are %s", option, name,
          registry->kind, known);
}

PetscErrorCode EngdRegistryDescribe(EngdRegistry *registry, const char words[], size_t size, char sentence[])
{
  char known[512];

  PetscFunctionBeginUser;
  PetscCall(ListKnown(registry, sizeof(known), known));
  PetscCall(PetscSNPrintf(sentence, size, "%s: %s", words, known));
  PetscFunctionReturn(PETSC_SUCCESS);
}
