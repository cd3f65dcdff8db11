/*
  The modified multilayer perceptron, whose hidden layers choose between two encoders of the inputs, unit by unit:

    U = sigma(W_U x + b_U),  V = sigma(W_V x + b_V),  z_l = h_l . U + (1 - h_l) . V,  h_l = sigma(W_l z_{l-1} + b_l),  z_0 = x

  Reference: Wang, Teng, Perdikaris, SIAM J. Sci. Comput. 43 (2021) A3055 (arXiv 2001.04536).
*/
#include <engd/private.h>

ENGD_REGISTER_NETWORK("modified", EngdNetworkBuild_Modified);
PetscErrorCode EngdNetworkBuild_Modified(EngdNetwork net, PetscInt *last)
{
  PetscInt difference, V, z;

  PetscFunctionBeginUser;
  PetscCheck(net->nhidden > 0, net->comm, PETSC_ERR_ARG_INCOMP,
             "-%stype modified needs hidden layers, as in -%slayers 32,32", net->prefix, net->prefix);
  for (PetscInt l = 1; l < net->nhidden; l++) {
    PetscCheck(net->width[l] == net->width[0], net->comm, PETSC_ERR_ARG_INCOMP,
               "-%stype modified: its hidden layers are of one width, not %" PetscInt_FMT " and %" PetscInt_FMT
               ", as in -%slayers 32,32",
               net->prefix, net->width[0], net->width[l], net->prefix);
  }
  PetscCall(EngdNetworkAddUnits(net, ENGD_SLOT_INPUT, net->width[0], &difference));
  PetscCall(EngdNetworkAddUnits(net, ENGD_SLOT_INPUT, net->width[0], &V));
  PetscCall(EngdNetworkAddAdd(net, V, -1, difference)); /* U - V */
  for (PetscInt l = 0; l < net->nhidden; l++) {         /* V + h . (U - V) */
    PetscCall(EngdNetworkAddUnits(net, *last, net->width[l], &z));
    PetscCall(EngdNetworkAddMultiply(net, z, difference, &z));
    PetscCall(EngdNetworkAddAdd(net, V, 1, z));
    *last = z;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
