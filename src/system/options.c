/*
  The form of the options in the database: what PETSc would misread in silence is said here. What nobody reads is the business of
  src/run/options.c, which knows the methods.
*/
#include <engd/private.h>
#include <stdlib.h>

/* Is the value a whole number that PETSc would wrap around on its way into a PetscInt */
static PetscBool IsTooLarge(const char value[])
{
  const char *digits = value + (value[0] == '-' || value[0] == '+');

  if (!digits[0] || digits[strspn(digits, "0123456789")]) return PETSC_FALSE;
  return (PetscBool)(strtod(digits, NULL) > (double)PETSC_MAX_INT);
}

/*
  EngdCheckOptionForm - Fails when an option, from wherever PETSc took it, was written -key=value, has an empty value, or a
  whole number too large for a PetscInt (-engd_memory_limit, in bytes, is no PetscInt).

  Collective

  Source: src/system/options.c
*/
PetscErrorCode EngdCheckOptionForm(MPI_Comm comm)
{
  PetscInt n;
  char   **names, **values;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    const char *equals = strchr(names[i], '=');
    PetscBool   bytes;

    PetscCheck(!equals, comm, PETSC_ERR_USER_INPUT, "'-%s' is not of PETSc's form: write -%.*s %s", names[i],
               (int)(equals - names[i]), names[i], equals + 1);
    if (!values[i]) continue;
    PetscCall(PetscStrcmp(names[i], "engd_memory_limit", &bytes));
    PetscCheck(values[i][0], comm, PETSC_ERR_USER_INPUT, "-%s has an empty value", names[i]);
    PetscCheck(bytes || !IsTooLarge(values[i]), comm, PETSC_ERR_USER_INPUT,
               "-%s %s: too large, the largest whole number here is %" PetscInt_FMT, names[i], values[i],
               PETSC_MAX_INT);
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}
