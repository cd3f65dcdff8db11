/*
  The entries of an archive: numbers, texts, arrays, vectors, matrices.

  What all ranks have alike is rank 0's and is broadcast. What ranks have in parts goes through rank 0 piece by piece, in the order of
  the ranks, which is the global order; so rank 0 needs memory for a piece, and for the file in memory when it saves.
*/
#include "archiveimpl.h"

#define PIECE 1048576 /* numbers of a message */

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

/* n entries that `rank` has, to or from [column][row] of the open entry; buffer: PIECE numbers on rank 0, unless rank is 0 */
static PetscErrorCode MovePiece(EngdArchive a, PetscMPIInt rank, size_t column, size_t row, size_t n,
                                PetscReal data[], PetscReal buffer[])
{
  PetscFunctionBeginUser;
  if (rank == 0) {
    if (!a->rank) EngdStateFileMove(a->file, column, row, n, data);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t done = 0; done < n; done += PIECE) {
    const PetscMPIInt count = (PetscMPIInt)PetscMin((size_t)PIECE, n - done);

    if (a->rank == 0 && a->mode == ENGD_ARCHIVE_LOAD) {
      EngdStateFileMove(a->file, column, row + done, (size_t)count, buffer);
      PetscCallMPI(MPI_Send(buffer, count, MPIU_REAL, rank, a->tag, a->comm));
    } else if (a->rank == 0) {
      PetscCallMPI(MPI_Recv(buffer, count, MPIU_REAL, rank, a->tag, a->comm, MPI_STATUS_IGNORE));
      EngdStateFileMove(a->file, column, row + done, (size_t)count, buffer);
    } else if (a->rank == rank && a->mode == ENGD_ARCHIVE_LOAD) {
      PetscCallMPI(MPI_Recv(data + done, count, MPIU_REAL, 0, a->tag, a->comm, MPI_STATUS_IGNORE));
    } else if (a->rank == rank) {
      PetscCallMPI(MPI_Send(data + done, count, MPIU_REAL, 0, a->tag, a->comm));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows spread over the ranks, of a matrix or, with ndims = 1, of a vector */
static PetscErrorCode MoveRows(EngdArchive a, const char name[], int ndims, PetscInt nlocal, PetscInt ncolumns,
                               PetscInt ld, PetscReal data[])
{
  const PetscInt64 mine = nlocal;
  PetscInt64      *count;
  PetscReal       *buffer;
  size_t           dims[2], N = 0;
  PetscErrorCode   ierr;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(a->size, &count));
  PetscCall(PetscMalloc1(!a->rank && a->size > 1 ? PIECE : 0, &buffer));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPIU_INT64, count, 1, MPIU_INT64, a->comm));
  for (PetscMPIInt r = 0; r < a->size; r++) N += (size_t)count[r];
  dims[0] = ndims == 1 ? N : (size_t)ncolumns;
  dims[1] = N;
  ierr    = EngdArchiveOpen(a, name, ENGD_STATE_REAL, ndims, dims);
  for (PetscInt j = 0; !ierr && j < ncolumns; j++) {
    size_t row = 0;

    for (PetscMPIInt r = 0; r < a->size; row += (size_t)count[r++])
      PetscCall(MovePiece(a, r, (size_t)j, row, (size_t)count[r], data + ENGD_COUNT(j, ld), buffer));
  }
  PetscCall(PetscFree(count));
  PetscCall(PetscFree(buffer));
  PetscCall(ierr);
  PetscCall(EngdArchiveClose(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveColumns - Walks over a matrix by columns whose rows are spread over the ranks in order.

  Collective

  Input Parameters:
+ archive  - of EngdArchiveCreate()
. name     - of the entry, which its group has once
. nlocal   - rows of this rank
. ncolumns - columns
- ld       - distance of two columns, at least nlocal

  Input/Output Parameter:
. value - (nlocal, ncolumns) zeros when forgotten

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading, where the entry is not there or of another size

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveColumns(EngdArchive a, const char name[], PetscInt nlocal, PetscInt ncolumns, PetscInt ld,
                                  PetscReal data[])
{
  PetscFunctionBeginUser;
  if (a->mode != ENGD_ARCHIVE_FORGET) PetscCall(MoveRows(a, name, 2, nlocal, ncolumns, ld, data));
  for (PetscInt j = 0; a->mode == ENGD_ARCHIVE_FORGET && j < ncolumns; j++)
    PetscCall(PetscArrayzero(data + ENGD_COUNT(j, ld), nlocal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveVec - Walks over a vector, stored in global order whatever the number of ranks.

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
- name    - of the entry, which its group has once

  Input/Output Parameter:
. x - zero when forgotten

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading, where the entry is not there or of another size

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveVec(EngdArchive a, const char name[], Vec v)
{
  const PetscReal *values;
  PetscReal       *data;
  PetscInt         n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(v, &n));
  if (a->mode == ENGD_ARCHIVE_FORGET)
    PetscCall(VecZeroEntries(v));
  else if (a->mode == ENGD_ARCHIVE_SAVE) {
    PetscCall(VecGetArrayRead(v, &values));
    PetscCall(MoveRows(a, name, 1, n, 1, n, (PetscReal *)values));
    PetscCall(VecRestoreArrayRead(v, &values));
  } else {
    PetscCall(VecGetArrayWrite(v, &data));
    PetscCall(MoveRows(a, name, 1, n, 1, n, data));
    PetscCall(VecRestoreArrayWrite(v, &data));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveOwnerReals - Walks over numbers that one rank has.

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
. name    - of the entry, which its group has once
. owner   - that rank
- n       - how many, the same on all ranks

  Input/Output Parameter:
. value - [n] on the owner, NULL on the others; zeros when forgotten

  Errors: PETSC_ERR_FILE_UNEXPECTED of all ranks when loading, where the entry is not there or of another size

  Source: src/state/entries.c
*/
PetscErrorCode EngdArchiveOwnerReals(EngdArchive a, const char name[], PetscMPIInt owner, size_t n, PetscReal data[])
{
  PetscReal     *buffer;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  if (a->mode == ENGD_ARCHIVE_FORGET) {
    if (a->rank == owner) PetscCall(PetscArrayzero(data, n));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(!a->rank && owner ? PIECE : 0, &buffer));
  ierr = EngdArchiveOpen(a, name, ENGD_STATE_REAL, 1, (size_t[]){n});
  if (!ierr) PetscCall(MovePiece(a, owner, 0, 0, n, data, buffer));
  PetscCall(PetscFree(buffer));
  PetscCall(ierr);
  PetscCall(EngdArchiveClose(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}
