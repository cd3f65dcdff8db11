/*
  The network u_theta: sizes, type, options, and its flat parameter vector.

  theta = (W_1, b_1, W_2, b_2, ...) of the layers in the order of its type (pieces.c), of a perceptron from the inputs to the
  outputs, W_l (n_out, n_in) stored by columns, so that (W_l | b_l) is the matrix X of shape (n_out, n_in + 1) that the
  Kronecker factors act on. theta is a distributed Vec; passes over points use a whole copy of it on each rank.
*/
#include <engd/private.h>

#define FIRST_WIDTH 32 /* of a network that grows */

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
  EngdNetworkSetOptionsPrefix - What its options begin with.

  Logically collective

  Input Parameters:
+ network - network_ until it is set
- prefix  - flow_ of the network that is named flow: its options are -flow_layers and so on, and -network_layers and so on are
            read before them, for all networks

  Source: src/network/network.c
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

  Source: src/network/network.c
*/
PetscErrorCode EngdNetworkSetSizes(EngdNetwork net, PetscInt inputs, PetscInt outputs)
{
  PetscFunctionBeginUser;
  PetscCheck(inputs > 0 && outputs > 0, net->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "a network needs inputs and outputs, not %" PetscInt_FMT " and %" PetscInt_FMT, inputs, outputs);
  net->ninputs  = inputs;
  net->noutputs = outputs;
  net->setup    = PETSC_FALSE;
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

  Source: src/network/network.c
*/
PetscErrorCode EngdNetworkSetLayers(EngdNetwork net, PetscInt nhidden, const PetscInt widths[])
{
  PetscFunctionBeginUser;
  for (PetscInt l = 0; l < nhidden; l++) {
    PetscCheck(widths[l] > 0, net->comm, PETSC_ERR_ARG_OUTOFRANGE,
               "-%slayers: a layer of %" PetscInt_FMT " units; give positive numbers, as in 64,64", net->prefix,
               widths[l]);
  }
  PetscCall(PetscFree(net->width));
  PetscCall(PetscMalloc1(nhidden, &net->width));
  PetscCall(PetscArraycpy(net->width, widths, nhidden));
  net->nhidden = nhidden;
  net->grows   = PETSC_FALSE;
  net->setup   = PETSC_FALSE;
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

  Source: src/network/network.c
*/
PetscErrorCode EngdNetworkSetGrowing(EngdNetwork net)
{
  PetscFunctionBeginUser;
  PetscCall(EngdNetworkWiden(net, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdNetworkWiden(EngdNetwork net, PetscInt times)
{
  const PetscInt width = FIRST_WIDTH << times;

  PetscFunctionBeginUser;
  PetscCall(EngdNetworkSetLayers(net, 1, &width));
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

  Source: src/network/network.c
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

  Source: src/network/network.c
*/
PetscErrorCode EngdNetworkSetActivationScale(EngdNetwork net, PetscReal n)
{
  PetscFunctionBeginUser;
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

  Source: src/network/network.c
*/
PetscErrorCode EngdNetworkSetType(EngdNetwork net, const char name[])
{
  char           option[256];
  EngdRegistryFn build;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%stype", net->prefix));
  PetscCall(EngdRegistryFind(&engd_networks, option, name, &build));
  PetscCall(EngdTextReplace(&net->type, name));
  net->build = (EngdNetworkTypeFn)build;
  net->setup = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -<prefix>layers n1,n2,..., or auto, or none */
static PetscErrorCode SetLayersFromText(EngdNetwork net, const char prefix[], const char text[])
{
  char      option[256], **items;
  PetscInt *widths, n;
  PetscBool none, grows;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(text, "auto", &grows));
  if (grows) {
    PetscCall(EngdNetworkSetGrowing(net));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscStrcmp(text, "none", &none));
  if (none) {
    PetscCall(EngdNetworkSetLayers(net, 0, NULL));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%slayers", prefix));
  PetscCall(EngdParseList(option, text, &n, &items));
  PetscCall(PetscMalloc1(n, &widths));
  for (PetscInt l = 0; l < n; l++) PetscCall(EngdParseWhole(option, items[l], 1, &widths[l]));
  PetscCall(EngdNetworkSetLayers(net, n, widths));
  PetscCall(PetscFree(widths));
  PetscCall(EngdListDestroy(n, &items));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the hidden layers as -network_layers says them, which the caller frees */
static PetscErrorCode DescribeLayers(EngdNetwork net, char **text)
{
  const size_t size = ENGD_COUNT(net->nhidden, 12) + sizeof("none");

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(size, text));
  if (!net->nhidden || net->grows) PetscCall(PetscStrncpy(*text, net->grows ? "auto" : "none", size));
  for (PetscInt l = 0; l < net->nhidden && !net->grows; l++) {
    const size_t used = strlen(*text);

    snprintf(*text + used, size - used, "%s%" PetscInt_FMT, l ? "," : "", net->width[l]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* type and activation of the options that begin with the prefix */
static PetscErrorCode ReadTypes(EngdOptionItems PetscOptionsObject, EngdNetwork net)
{
  char      name[PETSC_MAX_PATH_LEN], sentence[640];
  PetscReal scale = net->activation_scale;
  PetscBool set;

  PetscFunctionBeginUser;
  PetscCall(EngdRegistryDescribe(&engd_networks, "How the hidden layers are connected", sizeof(sentence), sentence));
  PetscCall(PetscOptionsString("-type", sentence, "EngdNetworkSetType", net->type, name, sizeof(name), &set));
  if (set) PetscCall(EngdNetworkSetType(net, name));
  PetscCall(EngdRegistryDescribe(&engd_activations, "Activation of the hidden layers", sizeof(sentence), sentence));
  PetscCall(PetscOptionsString("-activation", sentence, "EngdNetworkSetActivation", net->activation, name,
                               sizeof(name), &set));
  if (set) PetscCall(EngdNetworkSetActivation(net, name));
  PetscCall(PetscOptionsReal("-activation_scale",
                             "Units sigma(n a (W z + b)) with a trainable factor a of each layer that begins as 1/n, "
                             "positive, or 0 for none",
                             "EngdNetworkSetActivationScale", scale, &scale, &set));
  if (set) PetscCall(EngdNetworkSetActivationScale(net, scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the options that begin with the prefix, where the network is what it is without them */
static PetscErrorCode ReadOptions(EngdNetwork net, const char prefix[])
{
  const char *const initial[] = {"glorot", "normal", "uniform"};
  PetscInt          choice    = 0;
  char             *layers, *present;
  PetscBool         set;

  PetscFunctionBeginUser;
  PetscCall(DescribeLayers(net, &present));
  PetscOptionsBegin(net->comm, prefix, "Network", "EngdNetwork");
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-layers",
                      "Units of each hidden layer, positive, as in 64,64; auto: one layer, widened while it pays; "
                      "none: affine in x",
                      "EngdNetworkSetLayers", present, NULL, &layers));
  PetscCall(SetLayersFromText(net, prefix, layers));
  PetscCall(PetscFree(layers));
  PetscCall(PetscFree(present));
  PetscCall(ReadTypes(PetscOptionsObject, net));
  PetscCall(PetscOptionsEList(
      "-init",
      "Initial weights: uniform within sqrt(6/(n_in + n_out)), normal of variance 1/n_in, or uniform "
      "within 1/sqrt(n_in)",
      "EngdNetworkSetInitialization", initial, 3, net->initial, &choice, &set));
  if (set) {
    PetscCall(EngdTextReplace(&net->initial, initial[choice]));
  }
  PetscCall(PetscOptionsReal("-init_scale", "Factor of the initial weights, positive", "EngdNetworkSetInitialization",
                             net->initial_scale, &net->initial_scale, NULL));
  PetscCall(PetscOptionsReal(
      "-init_bias",
      "Initial biases are uniform within plus and minus this, not negative; of -network_init uniform "
      "within this over sqrt(n_in), PyTorch's default if it is 1",
      "EngdNetworkSetInitialization", net->initial_bias, &net->initial_bias, NULL));
  PetscCall(EngdNetworkSetInitialization(net, net->initial, net->initial_scale, net->initial_bias));
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkSetFromOptions - Reads the options of a network and fixes its sizes.

  Collective

  Input Parameter:
. network - with EngdNetworkSetSizes() called

  Options Database Keys:
+ -network_layers 64,64                 - units of the hidden layers
. -network_type name                    - how they are connected
. -network_activation name, _scale n    - their activation, and its trainable factor
- -network_init name, _scale s, _bias s - see EngdNetworkSetInitialization()

  Note: of a network with a prefix of its own these are for all networks, and counted less than its own.

  Errors: those of the setters

  Source: src/network/network.c
*/
PetscErrorCode EngdNetworkSetFromOptions(EngdNetwork net)
{
  PetscBool own;

  PetscFunctionBeginUser;
  PetscCall(ReadOptions(net, "network_"));
  PetscCall(PetscStrcmp(net->prefix, "network_", &own));
  if (!own) PetscCall(ReadOptions(net, net->prefix));
  PetscCall(EngdNetworkSetUp(net));
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
