/*
  Options that were given and have no effect, told in one line.

  They are no mistakes: a problem's file may give them for a method that another file exchanges.
*/
#include <engd/private.h>
#include <engd/values.h>

PetscErrorCode EngdIdleAdd(EngdIdle *idle, const char name[])
{
  size_t length;

  PetscFunctionBeginUser;
  PetscCall(PetscStrlen(idle->list, &length));
  PetscCall(PetscSNPrintf(idle->list + length, sizeof(idle->list) - length, "%s-%.80s", idle->n++ ? ", " : "", name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdIdleAddGiven(EngdIdle *idle, const char prefix[], size_t n, const char *const options[])
{
  PetscFunctionBeginUser;
  for (size_t k = 0; k < n; k++) {
    PetscBool given;

    PetscCall(PetscOptionsHasName(NULL, prefix, options[k], &given));
    if (given) PetscCall(EngdIdleAdd(idle, options[k] + 1));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdIdleTell(const EngdIdle *idle, MPI_Comm comm, const char reason[])
{
  PetscFunctionBeginUser;
  if (idle->n)
    PetscCall(PetscPrintf(comm, "%s %s no effect: %s\n", idle->list, idle->n > 1 ? "have" : "has", reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}
