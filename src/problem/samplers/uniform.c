/*
  Independent uniform random points in the unit cube, q_k = U(seed, stream, index, epoch, k) by Philox: Monte Carlo,
  error O(n^-1/2).
*/
#include <engd/private.h>

ENGD_REGISTER_SAMPLER("uniform", EngdSamplerUniform);
PetscErrorCode EngdSamplerUniform(PetscInt dim, PetscInt64 n, PetscInt64 seed, PetscInt stream, PetscInt epoch,
                                  PetscInt64 index, PetscReal q[])
{
  PetscFunctionBeginUser;
  (void)n;
  for (PetscInt k = 0; k < dim; k++) q[k] = EngdRandomUniform(seed, stream, index, epoch, k);
  PetscFunctionReturn(PETSC_SUCCESS);
}
