/*
  Options with a prefix laid over those without: while an overlay is on, -PREFIX_x v is read as -x v.

  So an object that knows nothing of the prefix, with all the objects inside it, reads its own options first and those of all
  next. Only options of optimisers can have such a prefix (-adam_tao_max_it, -adam_ksp_rtol), so that the prefix may be any
  word, a term's name too. When an overlay goes off, the options that were read are marked as used, the others stay unused.
*/
#include <engd/private.h>

typedef struct {
  char     *name, *value; /* x and v */
  char     *hidden;       /* the value of -x below, while the overlay is on */
  PetscBool exists, used; /* is there such an option below, and had it been read */
} Pair;

struct _n_EngdOverlay {
  char    *prefix;
  PetscInt n;
  Pair    *pair;
};

/* the end of prefix_ in name, if an option of an optimiser begins there */
static const char *Stem(const char name[], const char prefix[])
{
  static const char *const families[] = {"tao_", "ksp_", "pc_", "mat_", "engd_max_seconds"};
  const size_t             n          = strlen(prefix);

  if (strncmp(name, prefix, n) || name[n] != '_') return NULL;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(families); k++)
    if (!strncmp(name + n + 1, families[k], strlen(families[k]))) return name + n + 1;
  return NULL;
}

/* an option that an earlier object has read, such as a stage of another run; to look it up marks nothing that was not marked */
static PetscErrorCode AddRead(const char name[], const char value[], void *data)
{
  EngdOverlay overlay = (EngdOverlay)data;
  const char *stem    = Stem(name, overlay->prefix);
  char        option[256];
  PetscBool   used;

  PetscFunctionBeginUser;
  if (!stem) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscOptionsUsed(NULL, name, &used));
  if (!used) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s", name));
  PetscCall(PetscOptionsFindPair(NULL, NULL, option, &value, NULL));
  PetscCall(EngdOverlayAdd(overlay, stem, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the overlay of all options with this prefix. Not collective, as all below */
PetscErrorCode EngdOverlayCreate(const char prefix[], EngdOverlay *out)
{
  EngdOverlay overlay;
  PetscInt    n;
  char      **names, **values;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&overlay));
  PetscCall(PetscStrallocpy(prefix, &overlay->prefix));
  PetscCall(EngdOptionsVisit(AddRead, overlay));
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    const char *stem = Stem(names[i], prefix);

    if (stem) PetscCall(EngdOverlayAdd(overlay, stem, values[i]));
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  *out = overlay;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one more option, as if it had been given with the prefix */
PetscErrorCode EngdOverlayAdd(EngdOverlay overlay, const char name[], const char value[])
{
  Pair *pair;

  PetscFunctionBeginUser;
  PetscCall(PetscRealloc((size_t)(overlay->n + 1) * sizeof(*pair), &overlay->pair));
  pair  = &overlay->pair[overlay->n++];
  *pair = (Pair){NULL, NULL, NULL, PETSC_FALSE, PETSC_FALSE};
  PetscCall(PetscStrallocpy(name, &pair->name));
  PetscCall(PetscStrallocpy(value, &pair->value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is the option in it; any option at all for NULL */
PetscBool EngdOverlayHas(EngdOverlay overlay, const char name[])
{
  for (PetscInt i = 0; i < overlay->n; i++)
    if (!name || !strcmp(overlay->pair[i].name, name)) return PETSC_TRUE;
  return PETSC_FALSE;
}

PetscErrorCode EngdOverlayPush(EngdOverlay overlay)
{
  char option[256];

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < overlay->n; i++) {
    Pair       *pair = &overlay->pair[i];
    const char *hidden;

    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s", pair->name));
    PetscCall(PetscOptionsUsed(NULL, pair->name, &pair->used));
    PetscCall(PetscOptionsFindPair(NULL, NULL, option, &hidden, &pair->exists));
    if (pair->exists) PetscCall(PetscStrallocpy(hidden, &pair->hidden));
    if (pair->exists) PetscCall(PetscOptionsClearValue(NULL, option));
    PetscCall(PetscOptionsSetValue(NULL, option, pair->value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdOverlayPop(EngdOverlay overlay)
{
  char      option[256], prefixed[256];
  PetscBool used, exists;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < overlay->n; i++) {
    Pair *pair = &overlay->pair[i];

    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s", pair->name));
    PetscCall(PetscSNPrintf(prefixed, sizeof(prefixed), "-%s_%s", overlay->prefix, pair->name));
    PetscCall(PetscOptionsUsed(NULL, pair->name, &used));
    PetscCall(PetscOptionsClearValue(NULL, option));
    if (pair->exists) PetscCall(PetscOptionsSetValue(NULL, option, pair->hidden));
    if (pair->exists && (used || pair->used)) PetscCall(PetscOptionsHasName(NULL, NULL, option, &exists));
    if (used) PetscCall(PetscOptionsHasName(NULL, NULL, prefixed, &exists)); /* counts as used from now on */
    PetscCall(PetscFree(pair->hidden));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdOverlayDestroy(EngdOverlay *overlay)
{
  PetscFunctionBeginUser;
  if (!*overlay) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < (*overlay)->n; i++) {
    PetscCall(PetscFree((*overlay)->pair[i].name));
    PetscCall(PetscFree((*overlay)->pair[i].value));
  }
  PetscCall(PetscFree((*overlay)->pair));
  PetscCall(PetscFree((*overlay)->prefix));
  PetscCall(PetscFree(*overlay));
  PetscFunctionReturn(PETSC_SUCCESS);
}
