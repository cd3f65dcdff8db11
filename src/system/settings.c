/*
  Settings: values of options that a program gives by setters, for one object alone.

  While its options are read they stand in the database, but for those that the user has given; afterwards they are gone from
  there. So a setter and its option go one way through one check, the user's word counts more than the program's, and two
  objects do not see each other's settings.
*/
#include <engd/private.h>

typedef struct {
  char     *option, *value;
  PetscBool pushed;
} Setting;

struct _n_EngdSettings {
  PetscInt    n, capacity;
  Setting    *setting;
  const char *reader; /* the function that has read them, NULL before */
};

PetscErrorCode EngdTextReplace(char **text, const char value[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(*text));
  PetscCall(PetscStrallocpy(value, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* room for one more */
static PetscErrorCode Grow(EngdSettings settings)
{
  PetscFunctionBeginUser;
  if (settings->n < settings->capacity) PetscFunctionReturn(PETSC_SUCCESS);
  settings->capacity = 2 * settings->capacity + 16;
  PetscCall(PetscRealloc(ENGD_COUNT(settings->capacity, sizeof(Setting)), &settings->setting));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSettingsSet(EngdSettings *settings, const char option[], const char value[])
{
  EngdSettings s;
  Setting     *setting = NULL;
  PetscBool    same;

  PetscFunctionBeginUser;
  PetscCheck(value && value[0], PETSC_COMM_SELF, PETSC_ERR_ARG_NULL, "%s: the setter was given no text", option);
  if (!*settings) PetscCall(PetscNew(settings));
  s = *settings;
  PetscCheck(!s->reader, PETSC_COMM_SELF, PETSC_ERR_ORDER, "%s is set too late: call its setter before %s()", option,
             s->reader);
  for (PetscInt i = 0; i < s->n && !setting; i++) {
    PetscCall(PetscStrcmp(s->setting[i].option, option, &same));
    if (same) setting = &s->setting[i];
  }
  if (!setting) {
    PetscCall(Grow(s));
    setting  = &s->setting[s->n++];
    *setting = (Setting){NULL, NULL, PETSC_FALSE};
    PetscCall(PetscStrallocpy(option, &setting->option));
  }
  PetscCall(EngdTextReplace(&setting->value, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSettingsSetWhole(EngdSettings *settings, const char option[], PetscInt value)
{
  char text[32];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, sizeof(text), "%" PetscInt_FMT, value));
  PetscCall(EngdSettingsSet(settings, option, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* n numbers, with all their digits */
PetscErrorCode EngdSettingsSetReals(EngdSettings *settings, const char option[], PetscInt n, const PetscReal value[])
{
  const size_t   size = ENGD_COUNT(PetscMax(n, 0), 32) + 1;
  PetscErrorCode ierr;
  char          *text;

  PetscFunctionBeginUser;
  PetscCheck(n > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: the setter was given %" PetscInt_FMT " numbers",
             option, n);
  PetscCheck(EngdIsFinite((size_t)n, value), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "%s: the setter was given a number that is not finite", option);
  PetscCall(PetscCalloc1(size, &text));
  for (PetscInt i = 0; i < n; i++) {
    const size_t used = strlen(text);

    snprintf(text + used, size - used, "%s%.17g", i ? "," : "", (double)value[i]);
  }
  ierr = EngdSettingsSet(settings, option, text);
  PetscCall(PetscFree(text));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* option <- -<first>_<second> */
PetscErrorCode EngdSettingsName(const char first[], const char second[], size_t size, char option[])
{
  PetscFunctionBeginUser;
  PetscCheck(first && first[0] && second && second[0], PETSC_COMM_SELF, PETSC_ERR_ARG_NULL,
             "a setter was given no name of a term or an output");
  PetscCheck(strlen(first) + strlen(second) + 3 <= size, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "-%s_%s: the name is longer than %d letters", first, second, (int)size);
  PetscCall(PetscSNPrintf(option, size, "-%s_%s", first, second));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* from now on they are read, by this function, and what is set later is an error: nobody would look */
PetscErrorCode EngdSettingsClose(EngdSettings *settings, const char reader[])
{
  PetscFunctionBeginUser;
  if (!*settings) PetscCall(PetscNew(settings));
  (*settings)->reader = reader;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSettingsPush(EngdSettings settings)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; settings && i < settings->n; i++) {
    Setting    *setting = &settings->setting[i];
    const char *value;
    PetscBool   given;

    PetscCall(PetscOptionsFindPair(NULL, NULL, setting->option, &value, &given));
    setting->pushed = given ? PETSC_FALSE : PETSC_TRUE;
    if (!given) PetscCall(PetscOptionsSetValue(NULL, setting->option, setting->value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSettingsPop(EngdSettings settings)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; settings && i < settings->n; i++) {
    if (settings->setting[i].pushed) PetscCall(PetscOptionsClearValue(NULL, settings->setting[i].option));
    settings->setting[i].pushed = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSettingsDestroy(EngdSettings *settings)
{
  PetscFunctionBeginUser;
  if (!*settings) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < (*settings)->n; i++) {
    PetscCall(PetscFree((*settings)->setting[i].option));
    PetscCall(PetscFree((*settings)->setting[i].value));
  }
  PetscCall(PetscFree((*settings)->setting));
  PetscCall(PetscFree(*settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}
