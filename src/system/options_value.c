/*
  Options without a value, or with one of blanks, as in `-tao_max_it -ksp_rtol 1e-3`, of which PETSc keeps the default in silence.

  Method: such an option gets a value that PETSc takes for yes, so that yes-or-no options read what they read without it, and
  that nothing else takes: a number, a type, a list fails at it. The word is yes or true in letters that nobody writes, another
  one for each option, by which the option is known when the complaint comes. Options of viewers stay as they are, since these
  may be given with a value and without.
*/
#define _GNU_SOURCE /* strtok_r */
#include <engd/private.h>
#include <engd/values.h>

static const char *const mark[] = {"yEs",  "yeS",  "YEs",  "yES",  "YeS",  "tRue", "trUe", "truE", "TRue",
                                   "TrUe", "TruE", "tRUe", "tRuE", "trUE", "TRUe", "TRuE", "TrUE", "tRUE"};

/* is it an option of a viewer, a monitor or the like; ours of the kind are none */
static PetscBool IsOfViewer(const char name[])
{
  static const char *const words[] = {"view", "monitor",   "converged_r", "_error_",
                                      "log",  "citations", "malloc",      "info"};

  if (!strncmp(name, "engd_", 5) || !strncmp(name, "spectrum_", 9)) return PETSC_FALSE;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(words); k++)
    if (strstr(name, words[k])) return PETSC_TRUE;
  return PETSC_FALSE;
}

PetscErrorCode EngdOptionsMarkMissing(void)
{
  PetscInt n;
  char   **names, **values, option[512];
  size_t   next = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    if ((values[i] && values[i][strspn(values[i], " \t\n")]) || IsOfViewer(names[i])) continue;
    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s", names[i]));
    PetscCall(PetscOptionsSetValue(NULL, option, mark[next++ % PETSC_STATIC_ARRAY_LENGTH(mark)]));
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool EngdOptionsIsMissing(const char value[])
{
  for (size_t k = 0; value && k < PETSC_STATIC_ARRAY_LENGTH(mark); k++)
    if (!strcmp(value, mark[k])) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* the mark in a message, NULL if there is none */
static const char *FindMark(const char message[])
{
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(mark); k++)
    if (strstr(message, mark[k])) return mark[k];
  return NULL;
}

void EngdOptionsTellMissing(size_t size, char message[])
{
  const char *found = FindMark(message), *joint = "";
  char       *all = NULL, *rest, *key, *value, names[512] = "";

  if (!found || PetscOptionsGetAll(NULL, &all) || !all) return;
  for (key = strtok_r(all, " ", &rest); key; key = value) {
    value = strtok_r(NULL, " ", &rest);
    if (!value || key[0] != '-' || strcmp(value, found)) continue;
    if (strlen(names) > strlen(key) && !strcmp(names + strlen(names) - strlen(key + 1), key + 1))
      continue; /* -tao_x that stands for -STAGE_tao_x */
    snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", joint, key);
    joint = " or ";
  }
  if (names[0]) snprintf(message, size, "%s has no value: give one, or leave the option out", names);
  (void)PetscFree(all);
}
