/*
  What must be the same in a checkpoint as it is here: the network, the problem, the types of the optimiser.

  Saving writes it; loading compares, and says both where they differ.
*/
#include "archiveimpl.h"

#define LONGEST 4096

/* text <- "64, 64" */
static PetscErrorCode List(PetscInt n, const PetscInt64 values[], size_t size, char text[])
{
  size_t length = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(text, n ? "" : "none", size));
  for (PetscInt i = 0; i < n && length + 24 < size; i++) {
    PetscCall(PetscSNPrintf(text + length, size - length, "%s%" PetscInt64_FMT, i ? ", " : "", values[i]));
    PetscCall(PetscStrlen(text, &length));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* loading: rank 0 fails when the two texts, or what they stand for, differ, and all ranks with it */
static PetscErrorCode Compare(EngdArchive a, const char what[], PetscBool differ, const char there[],
                              const char here[])
{
  PetscFunctionBeginUser;
  if (!a->rank && (differ || strcmp(there, here)))
    EngdStateFileFail(a->file, " does not fit: %s is %s in the file and %s here", what, there, here);
  PetscCall(EngdArchiveCheckLoad(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* loading: the same of integers */
static PetscErrorCode CompareInts(EngdArchive a, const char what[], PetscInt nthere, const PetscInt64 there[],
                                  PetscInt nhere, const PetscInt64 here[])
{
  const PetscBool same = (PetscBool)(nthere == nhere && !memcmp(there, here, sizeof(*here) * (size_t)nhere));
  char            text[2][LONGEST];

  PetscFunctionBeginUser;
  PetscCall(List(nthere, there, sizeof(text[0]), text[0]));
  PetscCall(List(nhere, here, sizeof(text[1]), text[1]));
  PetscCall(Compare(a, what, (PetscBool)!same, text[0], text[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* loading: of an entry that cannot be equal since it is far larger than what is here, no more is read: rank 0 fails */
static void Bound(EngdArchive a, const char what[], size_t here, size_t *there)
{
  if (a->rank || a->mode != ENGD_ARCHIVE_LOAD || *there <= here + LONGEST) return;
  EngdStateFileFail(a->file, " does not fit: %s: %zu entries or letters in the file, %zu here", what, *there, here);
  *there = here;
}

/*
  EngdArchiveExpect - Refuses a file whose entry has another size than the file says, before memory is taken for it.

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
. name    - of the entry that comes later
- n       - its numbers or, with the zero at its end, its letters

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading, where the entry is not there or of another size

  Source: src/state/match.c
*/
PetscErrorCode EngdArchiveExpect(EngdArchive a, const char name[], size_t n)
{
  char path[sizeof(a->path)];

  PetscFunctionBeginUser;
  if (a->mode != ENGD_ARCHIVE_LOAD) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", a->path, name));
  if (!a->rank) EngdStateFileExpect(a->file, path, n);
  PetscCall(EngdArchiveCheckLoad(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveMatchString - States a text that must be the same in the file as it is here. Nothing when forgetting.

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
. name    - of the entry, which its group has once
. what    - for the message, as a rule an option
- value   - the text

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading another value: "what is A in the file and B here"

  Source: src/state/match.c
*/
PetscErrorCode EngdArchiveMatchString(EngdArchive a, const char name[], const char what[], const char value[])
{
  size_t         n = ENGD_STATE_ANY;
  char          *there;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  if (a->mode == ENGD_ARCHIVE_FORGET) PetscFunctionReturn(PETSC_SUCCESS);
  if (a->mode == ENGD_ARCHIVE_SAVE) n = strlen(value) + 1;
  PetscCall(EngdArchiveOpen(a, name, ENGD_STATE_TEXT, 1, &n));
  Bound(a, what, strlen(value) + 1, &n);
  PetscCall(PetscCalloc1(a->rank ? 1 : n, &there));
  PetscCall(PetscStrncpy(there, value, a->rank ? 1 : n));
  if (!a->rank) EngdStateFileMove(a->file, 0, 0, n, there);
  ierr = EngdArchiveClose(a);
  if (!ierr && a->mode == ENGD_ARCHIVE_LOAD) ierr = Compare(a, what, PETSC_FALSE, there, value);
  PetscCall(PetscFree(there));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveMatchInt - States an integer that must be the same in the file as it is here. Nothing when forgetting.

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
. name    - of the entry, which its group has once
. what    - for the message
- value   - the integer

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading another value: "what is A in the file and B here"

  Source: src/state/match.c
*/
PetscErrorCode EngdArchiveMatchInt(EngdArchive a, const char name[], const char what[], PetscInt64 value)
{
  PetscInt64 found = value;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveInt64(a, name, &found, value));
  if (a->mode == ENGD_ARCHIVE_LOAD) PetscCall(CompareInts(a, what, 1, &found, 1, &value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveMatchInts - States integers that must be the same in the file as they are here. Nothing when forgetting.

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
. name    - of the entry, which its group has once
. what    - for the message
. n       - how many
- value   - [n] the integers

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading another value: "what is A in the file and B here"

  Source: src/state/match.c
*/
PetscErrorCode EngdArchiveMatchInts(EngdArchive a, const char name[], const char what[], PetscInt n,
                                    const PetscInt value[])
{
  size_t         found = a->mode == ENGD_ARCHIVE_LOAD ? ENGD_STATE_ANY : (size_t)n;
  PetscInt64    *wide, *read;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  if (a->mode == ENGD_ARCHIVE_FORGET) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchiveOpen(a, name, ENGD_STATE_INT, 1, &found));
  Bound(a, what, (size_t)n, &found);
  if (a->rank) found = 0;
  PetscCall(PetscMalloc2(n, &wide, PetscMax(found, (size_t)n), &read));
  for (PetscInt i = 0; i < n; i++) read[i] = wide[i] = value[i];
  if (!a->rank) EngdStateFileMove(a->file, 0, 0, found, read);
  ierr = EngdArchiveClose(a);
  if (!ierr && a->mode == ENGD_ARCHIVE_LOAD) ierr = CompareInts(a, what, (PetscInt)found, read, n, wide);
  PetscCall(PetscFree2(wide, read));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}
