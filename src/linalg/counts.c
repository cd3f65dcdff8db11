/*
  How an array is spread over the ranks, as MPI's collectives with counts want it.
*/
#include <engd/private.h>

PetscErrorCode EngdGatherCounts(MPI_Comm comm, PetscInt n, PetscMPIInt counts[], PetscMPIInt starts[])
{
  PetscMPIInt size, local;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMPIIntCast(n, &local));
  PetscCallMPI(MPI_Allgather(&local, 1, MPI_INT, counts, 1, MPI_INT, comm));
  for (PetscMPIInt r = 0, sum = 0; r < size; sum += counts[r++]) starts[r] = sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}
