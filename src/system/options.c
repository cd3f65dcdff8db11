/*
  Checks of the options database: an option that nobody asked for is a mistake of the user, and is named.

  Method: PetscOptionsLeftGet() once all objects have read their options. What PETSc itself reads only in PetscFinalize() is
  known here by name; what it reads during the solve (viewers, tests of derivatives) by the form of the name.
*/
#include <engd/private.h>

/* Read by PetscFinalize() and not before */
static const char *const at_the_end[] = {
    "-citations",   "-get_total_flops", "-log",          "-log_all",      "-log_mpe",      "-log_summary",
    "-malloc_dump", "-malloc_info",     "-malloc_test",  "-malloc_view",  "-memory_view",  "-mpidump",
    "-nox",         "-nox_warning",     "-objects_dump", "-options_left", "-options_view", "-x_virtual",
};

/* Does an option of this name belong to a viewer or a test that PETSc runs during the solve */
static PetscErrorCode IsReadLate(const char name[], PetscBool *late)
{
  static const char *const parts[] = {"_view", "_test_", "converged_reason", "_monitor"};
  PetscBool                ours;

  PetscFunctionBeginUser;
  *late = PETSC_FALSE;
  PetscCall(PetscStrncmp(name, "engd_", 5, &ours));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(parts) && !*late && !ours; k++) {
    char *found;

    PetscCall(PetscStrstr(name, parts[k], &found));
    if (found) *late = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does `name` begin with prefix, the name of a type in list that is not the chosen one, and an underscore */
static PetscErrorCode IsOfOtherType(const char name[], const char prefix[], PetscFunctionList list,
                                    const char chosen[], PetscBool *other)
{
  const char **types;
  int          n;
  char         start[256];

  PetscFunctionBeginUser;
  PetscCall(PetscFunctionListGet(list, &types, &n));
  for (int k = 0; k < n && types[k] && !*other; k++) {
    PetscBool same;

    PetscCall(PetscStrcmp(types[k], chosen, &same));
    if (same) continue;
    PetscCall(PetscSNPrintf(start, sizeof(start), "%s_%s_", prefix, types[k]));
    PetscCall(PetscStrncmp(name, start, strlen(start), other));
  }
  PetscCall(PetscFree(types));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is this an option of a method that another option has put out of use: of a TAO, KSP or PC type not chosen, or of the KSP
   and PC where the TAO type is not engd. So -pc_type none can follow a problem file that tunes kfac. */
static PetscErrorCode IsOfOtherMethod(const char name[], PetscBool *other)
{
  char      tao[64] = "engd", ksp[64] = KSPCG, pc[64] = "kfac";
  PetscBool engd, preonly, of_ksp, of_pc;

  PetscFunctionBeginUser;
  *other = PETSC_FALSE;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-tao_type", tao, sizeof(tao), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-ksp_type", ksp, sizeof(ksp), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-pc_type", pc, sizeof(pc), NULL));
  PetscCall(PetscStrcmp(tao, "engd", &engd));
  PetscCall(PetscStrcmp(ksp, KSPPREONLY, &preonly)); /* reads no tolerances */
  PetscCall(PetscStrncmp(name, "ksp_", 4, &of_ksp));
  PetscCall(PetscStrncmp(name, "pc_", 3, &of_pc));
  if ((!engd && (of_ksp || of_pc)) || (preonly && of_ksp)) *other = PETSC_TRUE;
  PetscCall(IsOfOtherType(name, "tao", TaoList, tao, other));
  PetscCall(IsOfOtherType(name, "ksp", KSPList, ksp, other));
  PetscCall(IsOfOtherType(name, "pc", PCList, pc, other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdCheckOptions - Fails, naming them all, when the options database holds options that nobody asked for.

  Collective

  Input Parameters:
+ comm  - where the error is raised
- final - PETSC_FALSE before the solve: options that are read during it are let through

  Source: src/system/options.c
*/
PetscErrorCode EngdCheckOptions(MPI_Comm comm, PetscBool final)
{
  PetscInt  n, unused = 0;
  char    **names, **values, list[1024] = "";
  PetscBool skip;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(at_the_end); k++)
    PetscCall(PetscOptionsHasName(NULL, NULL, at_the_end[k], &skip)); /* counts as used from now on */
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    size_t length;

    skip = PETSC_FALSE;
    PetscCall(IsOfOtherMethod(names[i], &skip));
    if (!final && !skip) PetscCall(IsReadLate(names[i], &skip));
    if (skip) continue;
    PetscCall(PetscStrlen(list, &length));
    PetscCall(PetscSNPrintf(list + length, sizeof(list) - length, "%s-%s%s%s", unused ? ", " : "", names[i],
                            values[i] ? " " : "", values[i] ? values[i] : ""));
    unused++;
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscCheck(
      !unused, comm, PETSC_ERR_USER_INPUT,
      "option%s that nothing here reads: %s (misspelt, or of a term, output or method not chosen; -help lists all)",
      unused > 1 ? "s" : "", list);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdCheckOptionForm - Fails when an option, from wherever PETSc took it, was written -key=value.

  Collective

  Source: src/system/options.c
*/
PetscErrorCode EngdCheckOptionForm(MPI_Comm comm)
{
  PetscInt n;
  char   **names, **values, name[256] = "", *equals = NULL;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n && !equals; i++) {
    PetscCall(PetscStrncpy(name, names[i], sizeof(name)));
    PetscCall(PetscStrchr(name, '=', &equals));
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  if (equals) *equals = 0;
  PetscCheck(!equals, comm, PETSC_ERR_USER_INPUT, "'-%s=%s' is not of PETSc's form: write -%s %s", name, equals + 1,
             name, equals + 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}
