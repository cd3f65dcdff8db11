/*
  Plug-ins: libraries given by -dll_append and -dll_prepend, which PETSc loads. What it lets pass in silence is refused here: a
  library without the function that PETSc calls, which would add nothing, and one for another version of engd.
*/
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include <engd/private.h>
#include <dlfcn.h>

#define MOST 32 /* names that PETSc reads of such an option */

/*
  EngdExtendCheckVersion - Fails unless a plug-in was built for this version of engd; the first call of its register function.

  Not collective

  Input Parameters:
+ plugin  - its name, for the message
. version - ENGD_VERSION, as the compiler of the plug-in saw it
- abi     - ENGD_ABI, likewise

  Errors: PETSC_ERR_ARG_INCOMP for another version than that of the library, or other structs of engd/extend.h in the same one

  Source: src/system/plugin.c
*/
PetscErrorCode EngdExtendCheckVersion(const char plugin[], const char version[], size_t abi)
{
  PetscBool same;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(version, ENGD_VERSION, &same));
  PetscCheck(same, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
             "plug-in %s was built for engd %s and this is engd %s: build it anew", plugin, version, ENGD_VERSION);
  PetscCheck(abi == ENGD_ABI, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
             "plug-in %s was built with other headers of engd %s than this engd: build it anew", plugin, version);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* symbol <- what PETSc calls of a library .../lib<name>.so: PetscDLLibraryRegister_<name> */
static void NameSymbol(const char library[], size_t size, char symbol[])
{
  const char *slash = strrchr(library, '/'), *name = slash ? slash + 1 : library, *suffix;

  if (!strncmp(name, "lib", 3)) name += 3;
  suffix = strstr(name, ".so");
  snprintf(symbol, size, "PetscDLLibraryRegister_%.*s", suffix ? (int)(suffix - name) : (int)strlen(name), name);
}

/* has each of these libraries its function */
static PetscErrorCode CheckLibraries(const char option[], PetscInt n, char *library[])
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    char symbol[PETSC_MAX_PATH_LEN];

    NameSymbol(library[i], sizeof(symbol), symbol);
    PetscCheck(dlsym(RTLD_DEFAULT, symbol), PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT,
               "%s %s: the library has no function %s(), so it adds nothing", option, library[i], symbol);
    PetscCall(PetscFree(library[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Do the libraries of -dll_append and -dll_prepend have their functions. Not collective; after PetscInitialize() */
PetscErrorCode EngdPluginsCheck(void)
{
  char    *library[MOST];
  PetscInt n = MOST;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetStringArray(NULL, NULL, "-dll_prepend", library, &n, NULL));
  PetscCall(CheckLibraries("-dll_prepend", n, library));
  n = MOST;
  PetscCall(PetscOptionsGetStringArray(NULL, NULL, "-dll_append", library, &n, NULL));
  PetscCall(CheckLibraries("-dll_append", n, library));
  PetscFunctionReturn(PETSC_SUCCESS);
}
