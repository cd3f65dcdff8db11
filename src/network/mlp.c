/*
  The multilayer perceptron:  z_l = sigma(W_l z_{l-1} + b_l),  z_0 = x.
*/
#include <engd/private.h>

ENGD_REGISTER_NETWORK("mlp", EngdNetworkBuild_MLP);
PetscErrorCode EngdNetworkBuild_MLP(EngdNetwork net, PetscInt *last)
{
  PetscFunctionBeginUser;
  for (PetscInt l = 0; l < net->nhidden; l++) PetscCall(EngdNetworkAddUnits(net, *last, net->width[l], last));
  PetscFunctionReturn(PETSC_SUCCESS);
}
