/*
  Whole copies of a vector that is spread over ranks: one on each rank, or one on each node in memory that its ranks share.

    gather: whole <- the parts of all ranks        reduce: the part of each rank <- the sum of a whole array of each

  In shared memory each rank writes its own part, and the first rank of a node sends what its node has to the first ranks of the
  others. Barriers stand before, as another rank may still read what was there, and after. Where /dev/shm has no room, each
  rank has its own copy. Sums are never made in shared memory, where their order would be that of arrival; long ones
  go to their owners part by part, as MPI takes for a sum as much again as it is long.
*/
#define _GNU_SOURCE /* mkstemp(), posix_fallocate() */
#include <engd/private.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LONG_PART 25000 /* numbers of a rank, from where on part by part is quicker */

struct _n_EngdWhole {
  MPI_Comm      comm;
  PetscMPIInt   rank, size;
  PetscMPIInt  *count, *start; /* [size] The parts of the ranks. */
  PetscReal    *array;         /* [p] */
  PetscMPIInt   shared;        /* Is there one array for the ranks of the node? */
  size_t        bytes;         /* Of it. */
  MPI_Comm      node;          /* These ranks, or MPI_COMM_NULL. */
  MPI_Comm      first;         /* The first ranks of all nodes, on these, or MPI_COMM_NULL. */
  PetscMPIInt   nnodes;
  MPI_Datatype *part; /* [nnodes] What each node has of the array. */
};

/* name <- a file in memory, its pages reserved, so that a lack of them is an error here and no signal later; "" where there is none */
static int CreateFile(size_t bytes, size_t size, char name[])
{
  int file = -1;

  if (!PetscStrncpy(name, "/dev/shm/engd-XXXXXX", size)) file = mkstemp(name);
  if (file >= 0 && posix_fallocate(file, 0, (off_t)bytes)) {
    (void)close(file);
    (void)unlink(name);
    file = -1;
  }
  if (file < 0) name[0] = 0;
  return file;
}

/* w->array in memory that the ranks of the node share, on all ranks or on none. The file has no name any more when they have it, so
   that nothing is left of a run that is killed */
static PetscErrorCode AllocateShared(EngdWhole w)
{
  char        name[32];
  int         file = -1;
  PetscMPIInt rank, failed;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(w->node, &rank));
  if (!rank) file = CreateFile(w->bytes, sizeof(name), name);
  PetscCallMPI(MPI_Bcast(name, sizeof(name), MPI_CHAR, 0, w->node));
  if (rank && name[0]) file = open(name, O_RDWR | O_CLOEXEC);
  if (file >= 0) w->array = mmap(NULL, w->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  failed = file < 0 || w->array == MAP_FAILED;
  if (file >= 0) (void)close(file);
  PetscCallMPI(MPI_Allreduce(&failed, &w->shared, 1, MPI_INT, MPI_MAX, w->comm));
  w->shared = !w->shared;
  if (!rank && name[0]) (void)unlink(name);
  if (!failed && !w->shared) (void)munmap(w->array, w->bytes);
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
  PetscInt  p = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&w));
  w->comm = comm;
  w->node = w->first = MPI_COMM_NULL;
  *out               = w;
  PetscCallMPI(MPI_Comm_rank(comm, &w->rank));
  PetscCallMPI(MPI_Comm_size(comm, &w->size));
  PetscCall(PetscMalloc2(w->size, &w->count, w->size, &w->start));
  PetscCall(EngdGatherCounts(comm, n, w->count, w->start));
  for (PetscMPIInt r = 0; r < w->size; r++) p += w->count[r];
  w->bytes = ENGD_COUNT(p, sizeof(PetscReal));
  if (node != MPI_COMM_NULL) {
    PetscCallMPI(MPI_Comm_dup(node, &w->node));
    PetscCall(AllocateShared(w));
  }
  if (w->shared)
    PetscCall(SetUpNodes(w));
  else
    PetscCall(PetscCalloc1(p, &w->array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the ranks of the node have written before is what they read after */
static PetscErrorCode Meet(EngdWhole w)
{
  PetscFunctionBeginUser;
  atomic_thread_fence(memory_order_seq_cst);
  PetscCallMPI(MPI_Barrier(w->node));
  atomic_thread_fence(memory_order_seq_cst);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdWholeGather(EngdWhole w, const PetscReal mine[])
{
  PetscFunctionBeginUser;
  if (!w->shared) {
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
  const PetscMPIInt p = w->start[w->size - 1] + w->count[w->size - 1];

  PetscFunctionBeginUser;
  if (p / w->size < LONG_PART) {
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
  if (!w->shared) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_rank(w->node, rank));
  PetscCallMPI(MPI_Comm_size(w->node, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdWholeDestroy(EngdWhole *whole)
{
  EngdWhole w = *whole;

  PetscFunctionBeginUser;
  if (!w) PetscFunctionReturn(PETSC_SUCCESS);
  if (w->shared)
    (void)munmap(w->array, w->bytes);
  else
    PetscCall(PetscFree(w->array));
  for (PetscMPIInt k = 0; k < w->nnodes; k++) PetscCallMPI(MPI_Type_free(&w->part[k]));
  PetscCall(PetscFree(w->part));
  if (w->first != MPI_COMM_NULL) PetscCallMPI(MPI_Comm_free(&w->first));
  if (w->node != MPI_COMM_NULL) PetscCallMPI(MPI_Comm_free(&w->node));
  PetscCall(PetscFree2(w->count, w->start));
  PetscCall(PetscFree(*whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}
