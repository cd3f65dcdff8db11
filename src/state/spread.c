/*
  The entries of an archive that ranks have in parts: matrices by columns, vectors, arrays of one rank.

  They go through rank 0 piece by piece, in the order of the ranks, which is the global order; so rank 0 needs memory for
  a piece, and for the file in memory when it saves.
*/
#include "archiveimpl.h"

#define PIECE 1048576 /* numbers of a message */

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

  Source: src/state/spread.c
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

  Source: src/state/spread.c
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

  Source: src/state/spread.c
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
