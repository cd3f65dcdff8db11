/*
  The entries of an archive that all ranks have alike: numbers, texts, arrays. They are rank 0's and are broadcast.
*/
#include "archiveimpl.h"

/* rank 0: the entry of this name in the present group; on all ranks a failure when loading */
PetscErrorCode EngdArchiveOpen(EngdArchive a, const char name[], EngdStateKind kind, int ndims, size_t dims[])
{
  char path[sizeof(a->path)];

  PetscFunctionBeginUser;
  if (!a->rank) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", a->path, name));
    EngdStateFileOpen(a->file, path, kind, ndims, dims);
  }
  PetscCall(EngdArchiveCheckLoad(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdArchiveClose(EngdArchive a)
{
  PetscFunctionBeginUser;
  if (!a->rank) EngdStateFileClose(a->file);
  PetscCall(EngdArchiveCheckLoad(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* data (n) that all ranks have alike, to the file or from it; ndims 0 for a single number */
static PetscErrorCode MoveReplicated(EngdArchive a, const char name[], EngdStateKind kind, int ndims, size_t n,
                                     void *data)
{
  PetscMPIInt count;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveOpen(a, name, kind, ndims, &n));
  if (!a->rank) EngdStateFileMove(a->file, 0, 0, n, data);
  PetscCall(EngdArchiveClose(a));
  if (a->mode != ENGD_ARCHIVE_LOAD) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMPIIntCast((PetscInt)n, &count));
  PetscCallMPI(MPI_Bcast(data, count, kind == ENGD_STATE_REAL ? MPIU_REAL : MPIU_INT64, 0, a->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveInt64 - Walks over an integer of 64 bits that all ranks have alike; that of rank 0 is saved.

  Collective

  Input Parameters:
+ archive   - of EngdArchiveCreate()
. name      - of the entry, which its group has once
- forgotten - its value where nothing has happened yet

  Input/Output Parameter:
. value - saved, loaded or forgotten

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading, where the entry is not there or of another size

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveInt64(EngdArchive a, const char name[], PetscInt64 *value, PetscInt64 forgotten)
{
  PetscFunctionBeginUser;
  if (a->mode == ENGD_ARCHIVE_FORGET)
    *value = forgotten;
  else
    PetscCall(MoveReplicated(a, name, ENGD_STATE_INT, 0, 1, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveInt - Walks over an integer that all ranks have alike; that of rank 0 is saved.

  Collective

  Input Parameters:
+ archive   - of EngdArchiveCreate()
. name      - of the entry, which its group has once
- forgotten - its value where nothing has happened yet

  Input/Output Parameter:
. value - saved, loaded or forgotten

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading, where the entry is not there or of another size

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveInt(EngdArchive a, const char name[], PetscInt *value, PetscInt forgotten)
{
  PetscInt64 wide = *value;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveInt64(a, name, &wide, forgotten));
  PetscCheck(wide >= PETSC_MIN_INT && wide <= PETSC_MAX_INT, a->comm, PETSC_ERR_FILE_UNEXPECTED,
             "%s/%s of a checkpoint is %" PetscInt64_FMT ", too large for the integers of this PETSc", a->path, name,
             wide);
  *value = (PetscInt)wide;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveCount - Walks over a number of things that all ranks have alike; that of rank 0 is saved.

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
. name    - of the entry, which its group has once
- largest - there may be so many

  Input/Output Parameter:
. value - saved, loaded, or 0 when forgotten

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading a number below 0 or above the largest, for which nothing may be
  allocated; or where the entry is not there or of another size

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveCount(EngdArchive a, const char name[], PetscInt *value, PetscInt largest)
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchiveInt(a, name, value, 0));
  if (!a->rank && a->mode == ENGD_ARCHIVE_LOAD && (*value < 0 || *value > largest))
    EngdStateFileFail(a->file, " is damaged: %s/%s is %" PetscInt_FMT ", and can be 0 to %" PetscInt_FMT, a->path,
                      name, *value, largest);
  PetscCall(EngdArchiveCheckLoad(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveCountReals - Walks over a number of things that stand in an array of EngdArchiveReals().

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
. name    - of the entry, which its group has once
. largest - there may be so many
. array   - the name of the array in the same group
- width   - numbers of it for each thing

  Input/Output Parameter:
. value - saved, loaded, or 0 when forgotten

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading a number that the array in the file has not, before anything is
  allocated for it; and as EngdArchiveCount()

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveCountReals(EngdArchive a, const char name[], PetscInt *value, PetscInt largest,
                                     const char array[], PetscInt width)
{
  size_t n = ENGD_STATE_ANY;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveCount(a, name, value, largest));
  if (a->mode != ENGD_ARCHIVE_LOAD) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchiveOpen(a, array, ENGD_STATE_REAL, 1, &n));
  if (!a->rank && n != (size_t)*value * (size_t)width)
    EngdStateFileFail(
        a->file, " is damaged: %s/%s is %" PetscInt_FMT ", and %s has %zu numbers, not %" PetscInt_FMT " for each",
        a->path, name, *value, array, n, width);
  PetscCall(EngdArchiveClose(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveBool - Walks over a truth value that all ranks have alike; that of rank 0 is saved.

  Collective

  Input Parameters:
+ archive   - of EngdArchiveCreate()
. name      - of the entry, which its group has once
- forgotten - its value where nothing has happened yet

  Input/Output Parameter:
. value - saved, loaded or forgotten

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading, where the entry is not there or of another size

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveBool(EngdArchive a, const char name[], PetscBool *value, PetscBool forgotten)
{
  PetscInt64 wide = *value;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveInt64(a, name, &wide, forgotten));
  *value = wide ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveReal - Walks over a number that all ranks have alike; that of rank 0 is saved.

  Collective

  Input Parameters:
+ archive   - of EngdArchiveCreate()
. name      - of the entry, which its group has once
- forgotten - its value where nothing has happened yet

  Input/Output Parameter:
. value - saved, loaded or forgotten

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading, where the entry is not there or of another size

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveReal(EngdArchive a, const char name[], PetscReal *value, PetscReal forgotten)
{
  PetscFunctionBeginUser;
  if (a->mode == ENGD_ARCHIVE_FORGET)
    *value = forgotten;
  else
    PetscCall(MoveReplicated(a, name, ENGD_STATE_REAL, 0, 1, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveReals - Walks over numbers that all ranks have alike.

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
. name    - of the entry, which its group has once
- n       - how many, the same as in the file

  Input/Output Parameter:
. value - [n] zeros when forgotten

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading, where the entry is not there or of another size

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveReals(EngdArchive a, const char name[], PetscInt n, PetscReal values[])
{
  PetscFunctionBeginUser;
  if (a->mode == ENGD_ARCHIVE_FORGET)
    PetscCall(PetscArrayzero(values, n));
  else
    PetscCall(MoveReplicated(a, name, ENGD_STATE_REAL, 1, (size_t)n, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveInts - Walks over integers that all ranks have alike.

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
. name    - of the entry, which its group has once
- n       - how many, the same as in the file

  Input/Output Parameter:
. value - [n] zeros when forgotten

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading, where the entry is not there or of another size

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveInts(EngdArchive a, const char name[], PetscInt n, PetscInt values[])
{
  PetscInt64    *wide;
  PetscErrorCode ierr = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &wide));
  for (PetscInt i = 0; i < n; i++) wide[i] = a->mode == ENGD_ARCHIVE_SAVE ? values[i] : 0;
  if (a->mode != ENGD_ARCHIVE_FORGET) ierr = MoveReplicated(a, name, ENGD_STATE_INT, 1, (size_t)n, wide);
  for (PetscInt i = 0; a->mode != ENGD_ARCHIVE_SAVE && !ierr && i < n; i++) values[i] = (PetscInt)wide[i];
  PetscCall(PetscFree(wide));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveString - Walks over a text that all ranks have alike; that of rank 0 is saved.

  Collective

  Input Parameters:
+ archive   - of EngdArchiveCreate()
. name      - of the entry, which its group has once
. size      - bytes of value
- forgotten - the text where nothing has happened yet

  Input/Output Parameter:
. value - ended by a zero

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading, where the entry is not there or of another size

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveString(EngdArchive a, const char name[], size_t size, char value[], const char forgotten[])
{
  size_t n = strlen(value) + 1;

  PetscFunctionBeginUser;
  if (a->mode == ENGD_ARCHIVE_FORGET) {
    PetscCall(PetscStrncpy(value, forgotten, size));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (a->mode == ENGD_ARCHIVE_LOAD) n = ENGD_STATE_ANY;
  PetscCall(EngdArchiveOpen(a, name, ENGD_STATE_TEXT, 1, &n));
  if (!a->rank && a->mode == ENGD_ARCHIVE_LOAD && n > size)
    EngdStateFileFail(a->file, ": %s/%s is a text of %zu letters, more than the %zu that there is room for", a->path,
                      name, n - 1, size - 1);
  if (!a->rank) EngdStateFileMove(a->file, 0, 0, n, value);
  PetscCall(EngdArchiveClose(a));
  if (a->mode != ENGD_ARCHIVE_LOAD) PetscFunctionReturn(PETSC_SUCCESS);
  if (!a->rank) value[n - 1] = 0;
  PetscCallMPI(MPI_Bcast(value, (PetscMPIInt)size, MPI_CHAR, 0, a->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
