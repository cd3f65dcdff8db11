/*
  Whole copies of a vector that is spread over ranks: one on each rank, or one on each node in memory that its ranks share.

    gather: whole <- the parts of all ranks        reduce: the part of each rank <- the sum of a whole array of each

  In shared memory each rank writes its own part, and the first rank of a node sends what its node has to the first ranks of the
  others. Barriers stand before, as another rank may still read what was there, and after. Where MPI has no shared memory to
  give, each rank has its own copy. Sums are never made in shared memory, where their order would be that of arrival; long ones
  go to their owners part by part, as MPI takes for a sum as much again as it is long.
*/
#include <engd/private.h>

#define LONG_SUM 1000000 /* numbers */

struct _n_EngdWhole {
  MPI_Comm      comm;
  PetscMPIInt   rank, size;
  PetscMPIInt  *count, *start; /* [size] The parts of the ranks. */
  PetscReal    *array;         /* [p] */
  MPI_Comm      node;          /* Ranks that share the array, or MPI_COMM_NULL. */
  MPI_Win       window;        /* Its memory. */
  MPI_Comm      first;         /* The first ranks of all nodes, on these, or MPI_COMM_NULL. */
  PetscMPIInt   nnodes;
  MPI_Datatype *part; /* [nnodes] What each node has of the array. */
};

/* on all ranks, or on none: MPI says by an error where there is no memory to share */
static PetscErrorCode AllocateShared(EngdWhole w, MPI_Aint bytes, PetscBool *shared)
{
  MPI_Errhandler handler;
  MPI_Aint       have;
  PetscMPIInt    rank, unit, failed;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(w->node, &rank));
  PetscCallMPI(MPI_Comm_get_errhandler(w->node, &handler));
  PetscCallMPI(MPI_Comm_set_errhandler(w->node, MPI_ERRORS_RETURN));
  failed = MPI_Win_allocate_shared(rank ? 0 : bytes, sizeof(PetscReal), MPI_INFO_NULL, w->node, &w->array,
                                   &w->window) == MPI_SUCCESS
               ? 0
               : 1;
  if (failed) w->window = MPI_WIN_NULL;
  PetscCallMPI(MPI_Comm_set_errhandler(w->node, handler));
  PetscCallMPI(MPI_Errhandler_free(&handler));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, w->comm));
  *shared = failed ? PETSC_FALSE : PETSC_TRUE;
  if (failed && w->window != MPI_WIN_NULL) PetscCallMPI(MPI_Win_free(&w->window));
  if (failed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Win_shared_query(w->window, 0, &have, &unit, &w->array));
  PetscCallMPI(MPI_Win_lock_all(MPI_MODE_NOCHECK, w->window));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* which ranks are on which node, and the messages between nodes */
static PetscErrorCode SetUpNodes(EngdWhole w)
{
  PetscMPIInt place, node = 0, *node_of, *count, *start;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(w->node, &place));
  PetscCallMPI(MPI_Comm_split(w->comm, place ? MPI_UNDEFINED : 0, w->rank, &w->first));
  if (!place) {
    PetscCallMPI(MPI_Comm_rank(w->first, &node));
    PetscCallMPI(MPI_Comm_size(w->first, &w->nnodes));
  }
  PetscCallMPI(MPI_Bcast(&node, 1, MPI_INT, 0, w->node));
  PetscCallMPI(MPI_Bcast(&w->nnodes, 1, MPI_INT, 0, w->node));
  PetscCall(PetscMalloc3(w->size, &node_of, w->size, &count, w->size, &start));
  PetscCallMPI(MPI_Allgather(&node, 1, MPI_INT, node_of, 1, MPI_INT, w->comm));
  PetscCall(PetscMalloc1(w->nnodes, &w->part));
  for (PetscMPIInt k = 0; k < w->nnodes; k++) {
    PetscMPIInt n = 0;

    for (PetscMPIInt r = 0; r < w->size; r++) {
      if (node_of[r] != k) continue;
      count[n]   = w->count[r];
      start[n++] = w->start[r];
    }
    PetscCallMPI(MPI_Type_indexed(n, count, start, MPIU_REAL, &w->part[k]));
    PetscCallMPI(MPI_Type_commit(&w->part[k]));
  }
  PetscCall(PetscFree3(node_of, count, start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* of vectors with n entries on this rank; node: the ranks that share a copy, MPI_COMM_NULL for one on each rank */
PetscErrorCode EngdWholeCreate(MPI_Comm comm, MPI_Comm node, PetscInt n, EngdWhole *out)
{
  EngdWhole w;
  PetscInt  p      = 0;
  PetscBool shared = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&w));
  w->comm = comm;
  w->node = w->first = MPI_COMM_NULL;
  w->window          = MPI_WIN_NULL;
  *out               = w;
  PetscCallMPI(MPI_Comm_rank(comm, &w->rank));
  PetscCallMPI(MPI_Comm_size(comm, &w->size));
  PetscCall(PetscMalloc2(w->size, &w->count, w->size, &w->start));
  PetscCall(EngdGatherCounts(comm, n, w->count, w->start));
  for (PetscMPIInt r = 0; r < w->size; r++) p += w->count[r];
  if (node != MPI_COMM_NULL) {
    PetscCallMPI(MPI_Comm_dup(node, &w->node));
    PetscCall(AllocateShared(w, (MPI_Aint)ENGD_COUNT(p, sizeof(PetscReal)), &shared));
  }
  if (shared)
    PetscCall(SetUpNodes(w));
  else
    PetscCall(PetscCalloc1(p, &w->array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the ranks of the node have written before is what they read after */
static PetscErrorCode Meet(EngdWhole w)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Win_sync(w->window));
  PetscCallMPI(MPI_Barrier(w->node));
  PetscCallMPI(MPI_Win_sync(w->window));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdWholeGather(EngdWhole w, const PetscReal mine[])
{
  PetscFunctionBeginUser;
  if (w->window == MPI_WIN_NULL) {
    PetscCallMPI(
        MPI_Allgatherv((void *)mine, w->count[w->rank], MPIU_REAL, w->array, w->count, w->start, MPIU_REAL, w->comm));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Meet(w));
  PetscCall(PetscArraycpy(w->array + w->start[w->rank], mine, w->count[w->rank]));
  PetscCall(Meet(w));
  if (w->nnodes == 1) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscMPIInt k = 0; w->first != MPI_COMM_NULL && k < w->nnodes; k++)
    PetscCallMPI(MPI_Bcast(w->array, 1, w->part[k], k, w->first));
  PetscCall(Meet(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const PetscReal *EngdWholeArray(EngdWhole w)
{
  return w->array;
}

PetscErrorCode EngdWholeReduce(EngdWhole w, const PetscReal sum[], PetscReal mine[])
{
  const PetscMPIInt last = w->size - 1;

  PetscFunctionBeginUser;
  if (w->start[last] + w->count[last] < LONG_SUM) {
    PetscCallMPI(MPI_Reduce_scatter((void *)sum, mine, w->count, MPIU_REAL, MPIU_SUM, w->comm));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscMPIInt r = 0; r < w->size; r++)
    PetscCallMPI(MPI_Reduce((void *)(sum + w->start[r]), mine, w->count[r], MPIU_REAL, MPIU_SUM, r, w->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* how many ranks have the same copy as this one */
PetscErrorCode EngdWholeCountSharers(EngdWhole w, PetscMPIInt *rank, PetscMPIInt *size)
{
  PetscFunctionBeginUser;
  *rank = 0;
  *size = 1;
  if (w->window == MPI_WIN_NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_rank(w->node, rank));
  PetscCallMPI(MPI_Comm_size(w->node, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdWholeDestroy(EngdWhole *whole)
{
  EngdWhole w = *whole;

  PetscFunctionBeginUser;
  if (!w) PetscFunctionReturn(PETSC_SUCCESS);
  if (w->window != MPI_WIN_NULL) {
    PetscCallMPI(MPI_Win_unlock_all(w->window));
    PetscCallMPI(MPI_Win_free(&w->window));
  } else {
    PetscCall(PetscFree(w->array));
  }
  for (PetscMPIInt k = 0; k < w->nnodes; k++) PetscCallMPI(MPI_Type_free(&w->part[k]));
  PetscCall(PetscFree(w->part));
  if (w->first != MPI_COMM_NULL) PetscCallMPI(MPI_Comm_free(&w->first));
  if (w->node != MPI_COMM_NULL) PetscCallMPI(MPI_Comm_free(&w->node));
  PetscCall(PetscFree2(w->count, w->start));
  PetscCall(PetscFree(*whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}
