/*
  Networks with connections past their hidden layers, where the layer before has as many units:

    residual   z_l = z_{l-1} + h_l,                       h_l = sigma(W_l z_{l-1} + b_l)
    gated      z_l = z_{l-1} + a_l (h_l - z_{l-1}),       a_l trainable, 0 at first

  so that a gated network begins as one with the first of its hidden layers alone, whatever its depth.

  References: He, Zhang, Ren, Sun, CVPR 2016; Wang, Li, Chen, Perdikaris, PirateNets (arXiv 2402.00326), whose gates these are,
  one to a layer.
*/
#include <engd/private.h>

/* a layer that a connection goes past; others are those of a perceptron */
typedef PetscErrorCode (*AddPast)(EngdNetwork, PetscInt width, PetscInt *last);

static PetscErrorCode Build(EngdNetwork net, const char type[], AddPast add, PetscInt *last)
{
  PetscBool any = PETSC_FALSE;

  PetscFunctionBeginUser;
  for (PetscInt l = 0; l < net->nhidden; l++) {
    if (l && net->width[l] == net->width[l - 1]) {
      PetscCall((*add)(net, net->width[l], last));
      any = PETSC_TRUE;
    } else {
      PetscCall(EngdNetworkAddUnits(net, *last, net->width[l], last));
    }
  }
  PetscCheck(any, net->comm, PETSC_ERR_ARG_INCOMP,
             "-%stype %s: no two hidden layers in a row have the same width; give such layers, as in -%slayers 32,32",
             net->prefix, type, net->prefix);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddResidual(EngdNetwork net, PetscInt width, PetscInt *last)
{
  PetscInt h;

  PetscFunctionBeginUser;
  PetscCall(EngdNetworkAddUnits(net, *last, width, &h));
  PetscCall(EngdNetworkAddAdd(net, *last, 1, h));
  *last = h;
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_NETWORK("residual", EngdNetworkBuild_Residual);
PetscErrorCode EngdNetworkBuild_Residual(EngdNetwork net, PetscInt *last)
{
  PetscFunctionBeginUser;
  PetscCall(Build(net, "residual", AddResidual, last));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddGated(EngdNetwork net, PetscInt width, PetscInt *last)
{
  PetscInt h;

  PetscFunctionBeginUser;
  PetscCall(EngdNetworkAddUnits(net, *last, width, &h));
  PetscCall(EngdNetworkAddAdd(net, *last, -1, h));
  PetscCall(EngdNetworkAddScale(net, h, 1, 0, &h));
  PetscCall(EngdNetworkAddAdd(net, *last, 1, h));
  *last = h;
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_NETWORK("gated", EngdNetworkBuild_Gated);
PetscErrorCode EngdNetworkBuild_Gated(EngdNetwork net, PetscInt *last)
{
  PetscFunctionBeginUser;
  PetscCall(Build(net, "gated", AddGated, last));
  PetscFunctionReturn(PETSC_SUCCESS);
}
