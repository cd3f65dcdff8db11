/*
  The options of a network, -network_... or -NAME_network_... where a problem has several.
*/
#include <engd/private.h>

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

  Source: src/network/options.c
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
