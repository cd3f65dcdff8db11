/*
  What a network is told before its sizes are fixed: layers, type, activation.
*/
#include <engd/private.h>

#define FIRST_WIDTH 32 /* of a network that grows */

/* the layers of a network stay as they are once a functional has its parameters */
static PetscErrorCode CheckEarly(EngdNetwork net, const char setter[])
{
  PetscFunctionBeginUser;
  PetscCheck(!net->used, net->comm, PETSC_ERR_ORDER, "%s() is too late: call it before EngdFunctionalSetUp()",
             setter);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkSetOptionsPrefix - What its options begin with.

  Logically collective

  Input Parameters:
+ network - network_ until it is set
- prefix  - flow_ of the network that is named flow: its options are -flow_layers and so on, and -network_layers and so on are
            read before them, for all networks

  Source: src/network/setters.c
*/
PetscErrorCode EngdNetworkSetOptionsPrefix(EngdNetwork net, const char prefix[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdTextReplace(&net->prefix, prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* layers, type, activation and initial weights of a network become those of another */
PetscErrorCode EngdNetworkCopySettings(EngdNetwork from, EngdNetwork to)
{
  PetscFunctionBeginUser;
  PetscCall(EngdNetworkSetLayers(to, from->nhidden, from->width));
  to->grows = from->grows;
  PetscCall(EngdNetworkSetType(to, from->type));
  PetscCall(EngdNetworkSetActivation(to, from->activation));
  PetscCall(EngdNetworkSetActivationScale(to, from->activation_scale));
  PetscCall(EngdNetworkSetInitialization(to, from->initial, from->initial_scale, from->initial_bias));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkSetSizes - Sets how many numbers the network takes and gives at a point.

  Logically collective

  Input Parameters:
+ network - its layers are laid out anew at the next use
. inputs  - numbers at a point, as a rule the coordinates with time, positive
- outputs - unknowns, positive

  Errors: PETSC_ERR_ARG_OUTOFRANGE for a number that is not positive

  Source: src/network/setters.c
*/
PetscErrorCode EngdNetworkSetSizes(EngdNetwork net, PetscInt inputs, PetscInt outputs)
{
  PetscFunctionBeginUser;
  PetscCall(CheckEarly(net, "EngdNetworkSetSizes"));
  PetscCheck(inputs > 0 && outputs > 0, net->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "a network needs inputs and outputs, not %" PetscInt_FMT " and %" PetscInt_FMT, inputs, outputs);
  net->ninputs  = inputs;
  net->noutputs = outputs;
  net->setup    = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the hidden layers, also of a network that is in use: what uses it is laid out anew with it */
static PetscErrorCode SetWidths(EngdNetwork net, PetscInt nhidden, const PetscInt widths[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(net->width));
  PetscCall(PetscMalloc1(nhidden, &net->width));
  PetscCall(PetscArraycpy(net->width, widths, nhidden));
  net->nhidden = nhidden;
  net->grows   = PETSC_FALSE;
  net->setup   = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkSetLayers - Sets the hidden layers; none make the network affine in its inputs.

  Logically collective

  Input Parameters:
+ network - its layers are laid out anew at the next use
. nhidden - hidden layers
- widths  - [nhidden] units of each, positive; copied

  Options Database Key:
. -network_layers 64,64 - the same

  Errors: PETSC_ERR_ARG_OUTOFRANGE for a width that is not positive

  Source: src/network/setters.c
*/
PetscErrorCode EngdNetworkSetLayers(EngdNetwork net, PetscInt nhidden, const PetscInt widths[])
{
  PetscFunctionBeginUser;
  PetscCall(CheckEarly(net, "EngdNetworkSetLayers"));
  for (PetscInt l = 0; l < nhidden; l++) {
    PetscCheck(widths[l] > 0, net->comm, PETSC_ERR_ARG_OUTOFRANGE,
               "-%slayers: a layer of %" PetscInt_FMT " units; give positive numbers, as in 64,64", net->prefix,
               widths[l]);
  }
  PetscCall(SetWidths(net, nhidden, widths));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkSetGrowing - Leaves the width to the run: one hidden layer, which it widens while that lowers the loss.

  Logically collective

  Input Parameter:
. network - its layers are laid out anew at the next use

  Options Database Key:
. -network_layers auto - the same

  Note: of runs with the default optimisers alone; see src/run/growth.c.

  Source: src/network/setters.c
*/
PetscErrorCode EngdNetworkSetGrowing(EngdNetwork net)
{
  PetscFunctionBeginUser;
  PetscCall(CheckEarly(net, "EngdNetworkSetGrowing"));
  PetscCall(EngdNetworkWiden(net, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdNetworkWiden(EngdNetwork net, PetscInt times)
{
  const PetscInt width = FIRST_WIDTH << times;

  PetscFunctionBeginUser;
  PetscCall(SetWidths(net, 1, &width));
  net->grows = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkSetActivation - Sets the activation function of the hidden layers.

  Logically collective

  Input Parameters:
+ network - tanh until it is set
- name    - tanh, sin, sigmoid, softplus, silu, gelu, or another registered one

  Options Database Key:
. -network_activation name - the same

  Errors: PETSC_ERR_ARG_UNKNOWN_TYPE, with the known ones, for a name that is not registered

  Note: see EngdActivationRegister() for more of them

  Source: src/network/setters.c
*/
PetscErrorCode EngdNetworkSetActivation(EngdNetwork net, const char name[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdActivationFind(name, &net->activate));
  PetscCall(EngdTextReplace(&net->activation, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkSetActivationScale - Gives each hidden layer a trainable factor in its activation.

  Logically collective

  Input Parameters:
+ network - without factors until it is set; its layers are laid out anew at the next use
- n       - positive: units sigma(n a (W z + b)) with a trainable number a that begins as 1/n; 0: sigma(W z + b)

  Options Database Key:
. -network_activation_scale n - the same

  Errors: PETSC_ERR_ARG_OUTOFRANGE for a negative number

  Reference: Jagtap, Kawaguchi, Karniadakis, J. Comput. Phys. 404 (2020) 109136.

  Source: src/network/setters.c
*/
PetscErrorCode EngdNetworkSetActivationScale(EngdNetwork net, PetscReal n)
{
  PetscFunctionBeginUser;
  PetscCall(CheckEarly(net, "EngdNetworkSetActivationScale"));
  PetscCheck(n >= 0 && !PetscIsInfOrNanReal(n), net->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-%sactivation_scale %g: give a positive number, or 0 for none", net->prefix, (double)n);
  net->activation_scale = n;
  net->setup            = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkSetType - Sets how the hidden layers are connected.

  Logically collective

  Input Parameters:
+ network - mlp until it is set; its layers are laid out anew at the next use
- name    - mlp: one after the other; residual, gated: with connections past them; modified: with two encoders of the inputs;
            or another registered one

  Options Database Key:
. -network_type name - the same

  Errors: PETSC_ERR_ARG_UNKNOWN_TYPE, with the known ones, for a name that is not registered

  Note: see EngdNetworkTypeRegister() for more of them

  Source: src/network/setters.c
*/
PetscErrorCode EngdNetworkSetType(EngdNetwork net, const char name[])
{
  char           option[256];
  EngdRegistryFn build;

  PetscFunctionBeginUser;
  PetscCall(CheckEarly(net, "EngdNetworkSetType"));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%stype", net->prefix));
  PetscCall(EngdRegistryFind(&engd_networks, option, name, &build));
  PetscCall(EngdTextReplace(&net->type, name));
  net->build = (EngdNetworkTypeFn)build;
  net->setup = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
