/*
  Are numbers finite: 0 x is zero for those that are, and no number for the others, so that a sum says it of all without a branch.
*/
#include <engd/private.h>

PetscBool EngdIsFinite(size_t n, const PetscReal x[])
{
  PetscReal sum = 0;

  for (size_t i = 0; i < n; i++) sum += 0 * x[i];
  return (PetscBool)(sum == 0);
}

PetscErrorCode EngdAllFinite(MPI_Comm comm, size_t n, const PetscReal x[], PetscBool *finite)
{
  PetscFunctionBeginUser;
  *finite = EngdIsFinite(n, x);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, finite, 1, ENGD_MPI_BOOL, MPI_LAND, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
