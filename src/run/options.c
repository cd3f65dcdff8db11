/*
  Checks of the options database: an option that nobody asked for is a mistake of the user, and is named.

  Method: PetscOptionsLeftGet() once all objects have read their options. What PETSc itself reads only in PetscFinalize() is
  known here by name; what it reads during the solve (viewers, tests of derivatives) by the form of the name.
*/
#include <engd/private.h>
#include <engd/values.h>

#define TOLD 8 /* options that are named; of others their number is told */

/* Read by PetscFinalize() and not before */
static const char *const at_the_end[] = {
    "-citations",   "-get_total_flops", "-log",          "-log_all",      "-log_mpe",      "-log_summary",
    "-malloc_dump", "-malloc_info",     "-malloc_test",  "-malloc_view",  "-memory_view",  "-mpidump",
    "-nox",         "-nox_warning",     "-objects_dump", "-options_left", "-options_view", "-x_virtual",
};

/* Is this an option that PETSc, or engd, reads only during or after the solve */
static PetscErrorCode IsReadLate(const char name[], PetscBool *late)
{
  static const char *const starts[] = {"tao_view",
                                       "tao_test_",
                                       "tao_converged_reason",
                                       "ksp_view",
                                       "ksp_converged_reason",
                                       "ksp_converged_rate",
                                       "pc_view",
                                       "mat_view",
                                       "vec_view",
                                       "theta_view",
                                       "eps_view",
                                       "eps_error_",
                                       "eps_converged_reason",
                                       "svd_view",
                                       "svd_error_",
                                       "svd_converged_reason"};

  PetscFunctionBeginUser;
  *late = PETSC_FALSE;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(starts) && !*late; k++) {
    PetscCall(PetscStrncmp(name, starts[k], strlen(starts[k]), late));
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

/* text <- the value of an option that others declare; it stays where there is none */
static PetscErrorCode GetChoice(const char option[], size_t size, char text[])
{
  const char *value = NULL;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsFindPair(NULL, NULL, option, &value, NULL));
  if (value) PetscCall(PetscStrncpy(text, value, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is this an option of a method that another option has put out of use: of a TAO, KSP, PC, step or direction type not
   chosen, or of the KSP and PC where the TAO type is not engd. So -pc_type none can follow a file that tunes kfac. */
static PetscErrorCode IsOfOtherMethod(const char name[], PetscBool *other)
{
  char              tao[64] = ENGD_DEFAULT_TAO, ksp[64] = ENGD_DEFAULT_KSP, pc[64] = ENGD_DEFAULT_PC;
  char              direction[64] = ENGD_DEFAULT_DIRECTION, step[64] = ENGD_DEFAULT_STEP;
  unsigned          of_tao, of_method;
  PetscBool         of_ksp, of_pc;
  PetscFunctionList directions, steps;

  PetscFunctionBeginUser;
  *other = PETSC_FALSE;
  PetscCall(GetChoice("-tao_type", sizeof(tao), tao));
  PetscCall(GetChoice("-ksp_type", sizeof(ksp), ksp));
  PetscCall(GetChoice("-pc_type", sizeof(pc), pc));
  PetscCall(GetChoice("-tao_engd_direction", sizeof(direction), direction));
  PetscCall(GetChoice("-tao_engd_step", sizeof(step), step));
  PetscCall(EngdRegistryGetList(&engd_directions, &directions));
  PetscCall(EngdRegistryGetList(&engd_steps, &steps));
  PetscCall(EngdTaoTypeFeatures(tao, &of_tao));
  PetscCall(EngdKSPTypeFeatures(ksp, &of_method));
  PetscCall(PetscStrncmp(name, "ksp_", 4, &of_ksp));
  PetscCall(PetscStrncmp(name, "pc_", 3, &of_pc));
  if ((!(of_tao & ENGD_TAO_KSP) && (of_ksp || of_pc)) || ((of_method & ENGD_KSP_ONCE) && of_ksp)) *other = PETSC_TRUE;
  PetscCall(IsOfOtherType(name, "tao", TaoList, tao, other));
  PetscCall(IsOfOtherType(name, "ksp", KSPList, ksp, other));
  PetscCall(IsOfOtherType(name, "pc", PCList, pc, other));
  PetscCall(IsOfOtherType(name, "tao_engd", directions, direction, other));
  PetscCall(IsOfOtherType(name, "tao_engd", steps, step, other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Options that several methods read */
static const char shared[] = "ksp_type,pc_type,tao_engd_direction,tao_engd_step,tao_engd_rcond,tao_engd_step_length,"
                             "tao_ls_type,tao_ls_max_funcs,tao_ls_armijo_sigma";

/* Is this an option of the stage that there is once a network has grown, which some method would read */
static PetscErrorCode IsOfGrowth(EngdFunctional F, const char name[], PetscBool *is)
{
  const size_t n     = strlen("grown_");
  PetscBool    grows = PETSC_FALSE, known, late;

  PetscFunctionBeginUser;
  *is = PETSC_FALSE;
  for (PetscInt k = 0; k < F->nnetworks; k++) grows = (PetscBool)(grows || F->network[k]->grows);
  if (!grows || strncmp(name, "grown_", n)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscStrInList(name + n, shared, ',', &known));
  PetscCall(IsReadLate(name + n, &late));
  *is = (PetscBool)(known || late || !strcmp(name + n, "engd_max_seconds"));
  if (!*is) PetscCall(EngdOptionsRehearse(F, name + n, is, 0, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What an option that nobody has read is. All but a mistake are let through */
typedef enum {
  MISTAKE,
  LATE,  /* read during or after the solve */
  GROWN, /* of the stage to come when a network has grown */
  IDLE   /* of a method that is not chosen */
} Kind;

static PetscErrorCode GetKind(EngdFunctional F, const char name[], PetscBool final, Kind *kind)
{
  PetscBool late, other, is;

  PetscFunctionBeginUser;
  *kind = IDLE;
  PetscCall(PetscStrInList(name, shared, ',', &is));
  if (is) PetscFunctionReturn(PETSC_SUCCESS);
  *kind = GROWN;
  PetscCall(IsOfGrowth(F, name, &is));
  if (is) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(IsReadLate(name, &late));
  PetscCall(IsOfOtherMethod(name, &other));
  *kind = late && (other || !final) ? LATE : MISTAKE;
  if (*kind == LATE || !other) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdOptionsRehearse(F, name, &is, 0, NULL));
  if (is) *kind = IDLE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdOptionsTellIdle(EngdFunctional F, const EngdStage *stage)
{
  EngdIdle  idle = {0};
  PetscInt  n;
  char    **names, **values, option[256];
  Kind      kind;
  PetscBool exists;

  PetscFunctionBeginUser;
  if (!stage->name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    if (!EngdOverlayHas(stage->overlay, names[i])) continue;
    PetscCall(GetKind(F, names[i], PETSC_FALSE, &kind));
    if (kind != IDLE && kind != GROWN) continue;
    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_%s", stage->name, names[i]));
    PetscCall(PetscOptionsFindPair(NULL, NULL, option, NULL, &exists)); /* which counts it as read */
    if (exists) PetscCall(EngdIdleAdd(&idle, option + 1));
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscCall(EngdIdleTell(&idle, F->comm, "of methods that the stage has not"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdOptionsExcuse(EngdFunctional F)
{
  PetscInt  n;
  char    **names, **values, option[256];
  Kind      kind;
  PetscBool exists;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(GetKind(F, names[i], PETSC_FALSE, &kind));
    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s", names[i]));
    if (kind != MISTAKE) PetscCall(PetscOptionsHasName(NULL, NULL, option, &exists)); /* counts as used from now on */
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* list <- list, -name value (did you mean ...?) */
static PetscErrorCode AddUnused(EngdFunctional F, const char name[], const char value[], size_t size, char list[])
{
  char      nearest[128];
  size_t    length;
  PetscBool reads;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsRehearse(F, name, &reads, sizeof(nearest), nearest));
  PetscCall(PetscStrlen(list, &length));
  if (EngdOptionsIsMissing(value)) value = NULL;
  PetscCall(PetscSNPrintf(list + length, size - length, "%s-%.80s%s%.60s%s", length ? ", " : "", name,
                          value ? " " : "", value ? value : "", value && strlen(value) > 60 ? "..." : ""));
  PetscCall(PetscStrlen(list, &length));
  if (nearest[0]) PetscCall(PetscSNPrintf(list + length, size - length, " (did you mean -%s?)", nearest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdCheckOptions - Fails, naming them all, when the options database holds options that nobody asked for.

  Collective

  Input Parameters:
+ functional - set up, what methods not chosen would read their options for
- final      - PETSC_FALSE before the solve: options that are read during it are let through

  Source: src/run/options.c
*/
PetscErrorCode EngdCheckOptions(EngdFunctional F, PetscBool final)
{
  EngdIdle  idle = {0};
  PetscInt  n, unused = 0;
  char    **names, **values, list[1536] = "";
  size_t    length;
  Kind      kind;
  PetscBool given;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(at_the_end); k++)
    PetscCall(PetscOptionsHasName(NULL, NULL, at_the_end[k], &given)); /* counts as used from now on */
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(GetKind(F, names[i], final, &kind));
    if (kind == IDLE) PetscCall(EngdIdleAdd(&idle, names[i]));
    if (kind != MISTAKE) continue;
    if (unused < TOLD) PetscCall(AddUnused(F, names[i], values[i], sizeof(list), list));
    unused++;
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  if (unused > TOLD) {
    PetscCall(PetscStrlen(list, &length));
    PetscCall(PetscSNPrintf(list + length, sizeof(list) - length, ", and %" PetscInt_FMT " more", unused - TOLD));
  }
  PetscCheck(!unused, F->comm, PETSC_ERR_USER_INPUT,
             "option%s that nothing here reads: %s (misspelt, or of a term, output or method not chosen; -help all "
             "lists all)",
             unused > 1 ? "s" : "", list);
  if (!final) PetscCall(EngdIdleTell(&idle, F->comm, "of methods that are not chosen"));
  PetscFunctionReturn(PETSC_SUCCESS);
}
