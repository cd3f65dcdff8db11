/*
  The network u_theta: sizes and its flat parameter vector.

  theta = (W_1, b_1, W_2, b_2, ...) of the layers in the order of its type (pieces.c), of a perceptron from the inputs to the
  outputs, W_l (n_out, n_in) stored by columns, so that (W_l | b_l) is the matrix X of shape (n_out, n_in + 1) that the
  Kronecker factors act on. theta is a distributed Vec; passes over points use a whole copy of it on each rank.
*/
#include <engd/private.h>

/*
  EngdNetworkCreate - creates a network without sizes.

  Collective

  Input Parameter:
. comm - the ranks that share its parameters

  Output Parameter:
. network - one hidden layer of 64 units with tanh, until told otherwise

  Options Database Keys:
+ -network_layers n1,n2,...   - units of the hidden layers, or auto, or none
. -network_type name          - mlp, residual, gated, modified, or a registered one
. -network_activation name    - tanh, sin, sigmoid, softplus, silu, gelu, or a registered one
. -network_activation_scale n - units sigma(n a (W z + b)) with a trainable factor a of each layer, or 0
. -network_init name          - distribution of the initial weights: glorot, normal or uniform
. -network_init_scale s       - factor of the initial weights
- -network_init_bias b        - initial biases are uniform within b, of uniform within b/sqrt(n_in)
*/
PetscErrorCode EngdNetworkCreate(MPI_Comm comm, EngdNetwork *network)
{
  const PetscInt width = 64;
  EngdNetwork    net;

  PetscFunctionBeginUser;
  PetscCall(EngdInitializePackage());
  PetscCall(PetscNew(&net));
  PetscCall(PetscCommDuplicate(comm, &net->comm, NULL));
  PetscCall(PetscStrallocpy("network_", &net->prefix));
  PetscCall(PetscStrallocpy("glorot", &net->initial));
  net->initial_scale = 1;
  net->ninputs       = 1;
  net->noutputs      = 1;
  PetscCall(EngdNetworkSetLayers(net, 1, &width));
  PetscCall(EngdNetworkSetType(net, "mlp"));
  PetscCall(EngdNetworkSetActivation(net, "tanh"));
  *network = net;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkGetParameterCount - Gets p, the number of weights and biases.

  Not collective

  Input Parameter:
. network - with its sizes set

  Output Parameter:
. p - the length of theta, without unknown parameters of equations

  Errors: PETSC_ERR_ARG_OUTOFRANGE where p does not fit into a PetscInt

  Source: src/network/network.c
*/
PetscErrorCode EngdNetworkGetParameterCount(EngdNetwork net, PetscInt *p)
{
  PetscFunctionBeginUser;
  PetscCall(EngdNetworkSetUp(net));
  *p = net->nparameters;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkCreateParameters - Creates a vector for the parameters.

  Collective

  Input Parameter:
. network - with its sizes set

  Output Parameter:
. theta - p entries spread over the ranks, named theta, for the caller to destroy; layer by layer W (n_out, n_in) by columns,
          then b (n_out); of a layer without inputs, a trainable factor, b alone

  Source: src/network/network.c
*/
PetscErrorCode EngdNetworkCreateParameters(EngdNetwork net, Vec *theta)
{
  PetscFunctionBeginUser;
  PetscCall(EngdNetworkSetUp(net));
  PetscCall(VecCreate(net->comm, theta));
  PetscCall(PetscObjectSetName((PetscObject)*theta, "theta"));
  PetscCall(VecSetSizes(*theta, PETSC_DECIDE, net->nparameters));
  PetscCall(VecSetType(*theta, VECSTANDARD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkView - Prints a line that describes the network, as in 2-64-64-1, tanh, 4417 parameters.

  Collective

  Input Parameters:
+ network - with its sizes set
- viewer  - ASCII

  Source: src/network/network.c
*/
PetscErrorCode EngdNetworkView(EngdNetwork net, PetscViewer viewer)
{
  PetscBool unnamed;

  PetscFunctionBeginUser;
  PetscCall(EngdNetworkSetUp(net));
  PetscCall(PetscStrcmp(net->prefix, "network_", &unnamed));
  PetscCall(PetscViewerASCIIPrintf(viewer, "Network%s%.*s: %" PetscInt_FMT, unnamed ? "" : " ",
                                   unnamed ? 0 : (int)strlen(net->prefix) - 1, net->prefix, net->ninputs));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  for (PetscInt l = 0; l < net->nhidden; l++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "-%" PetscInt_FMT, net->width[l]));
  PetscCall(PetscViewerASCIIPrintf(viewer, "-%" PetscInt_FMT, net->noutputs));
  if (net->build != EngdNetworkBuild_MLP) PetscCall(PetscViewerASCIIPrintf(viewer, ", %s", net->type));
  PetscCall(PetscViewerASCIIPrintf(viewer, ", %s", net->activation));
  if (net->activation_scale > 0)
    PetscCall(PetscViewerASCIIPrintf(viewer, " of %g times a trainable factor", (double)net->activation_scale));
  PetscCall(PetscViewerASCIIPrintf(viewer, ", %" PetscInt_FMT " parameters, initial weights %s times %g\n",
                                   net->nparameters, net->initial, (double)net->initial_scale));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkDestroy - Frees a network.

  Collective

  Input Parameter:
. network - NULL afterwards

  Source: src/network/network.c
*/
PetscErrorCode EngdNetworkDestroy(EngdNetwork *network)
{
  EngdNetwork net = *network;

  PetscFunctionBeginUser;
  if (!net) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(net->width));
  PetscCall(EngdNetworkClearPieces(net));
  PetscCall(PetscFree(net->type));
  PetscCall(PetscFree(net->activation));
  PetscCall(PetscFree(net->initial));
  PetscCall(PetscFree(net->prefix));
  PetscCall(PetscCommDestroy(&net->comm));
  PetscCall(PetscFree(*network));
  PetscFunctionReturn(PETSC_SUCCESS);
}
