/*
  -version: one line on engd and on what it stands on. PETSc's own option of this name prints two pages and goes on.
*/
#include <engd/private.h>
#include <slepcsys.h>

#if !defined(ENGD_COMMIT)
#define ENGD_COMMIT "" /* the makefile knows it where the sources are a clone */
#endif

/* the commit that was built, NULL where it is not known */
const char *EngdCommit(void)
{
  return ENGD_COMMIT[0] ? ENGD_COMMIT : NULL;
}

const char *EngdCompiler(void)
{
#if defined(__clang__)
  return __VERSION__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return NULL;
#endif
}

/*
  EngdShowVersion - Prints the version if the options ask for it, a program then ends.

  Collective on PETSC_COMM_WORLD

  Output Parameter:
. shown - do they

  Options Database Key:
. -version - the version of engd, PETSc and SLEPc, and nothing else

  Source: src/system/version.c
*/
PetscErrorCode EngdShowVersion(PetscBool *shown)
{
  PetscInt petsc[3], slepc[3];

  PetscFunctionBeginUser;
  *shown = PETSC_FALSE;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Process", NULL);
  PetscCall(PetscOptionsBool("-engd_version", "Print the version and end, as -version does", "EngdShowVersion",
                             *shown, shown, NULL));
  PetscOptionsEnd();
  if (!*shown) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscGetVersionNumber(&petsc[0], &petsc[1], &petsc[2], NULL));
  PetscCall(SlepcGetVersionNumber(&slepc[0], &slepc[1], &slepc[2], NULL));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "engd %s (PETSc %" PetscInt_FMT ".%" PetscInt_FMT ".%" PetscInt_FMT ", SLEPc %" PetscInt_FMT
                        ".%" PetscInt_FMT ".%" PetscInt_FMT ")\n",
                        ENGD_VERSION, petsc[0], petsc[1], petsc[2], slepc[0], slepc[1], slepc[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
