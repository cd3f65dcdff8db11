/*
  The initial parameters of a network: distributions of weights and biases, and the first values of trainable factors.
*/
#include <engd/private.h>

/*
  EngdNetworkSetInitialization - How EngdNetworkInitialize() draws the initial weights and biases.

  Logically collective

  Input Parameters:
+ net   - the network
. name  - glorot: uniform within sqrt(6/(n_in + n_out)); normal: of variance 1/n_in; uniform: within 1/sqrt(n_in)
. scale - factor of the weights, positive
- bias  - biases are uniform within plus and minus this; of the name uniform within this over sqrt(n_in)

  Options Database Keys:
+ -network_init name
. -network_init_scale scale
- -network_init_bias bias

  Source: src/network/network.c
*/
PetscErrorCode EngdNetworkSetInitialization(EngdNetwork net, const char name[], PetscReal scale, PetscReal bias)
{
  PetscBool known;

  PetscFunctionBeginUser;
  PetscCall(PetscStrInList(name, "glorot,normal,uniform", ',', &known));
  PetscCheck(known, net->comm, PETSC_ERR_ARG_UNKNOWN_TYPE, "-%sinit %s: give glorot, normal or uniform", net->prefix,
             name);
  PetscCheck(scale > 0 && !PetscIsInfReal(scale), net->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-%sinit_scale %g: give a positive number", net->prefix, (double)scale);
  PetscCheck(bias >= 0 && !PetscIsInfOrNanReal(bias), net->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-%sinit_bias %g: give zero or a positive number", net->prefix, (double)bias);
  if (name != net->initial) {
    PetscCall(EngdTextReplace(&net->initial, name));
  }
  net->initial_scale = scale;
  net->initial_bias  = bias;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the initial value of parameter j, first + j among all: a weight of the layer, a bias, or a factor */
static PetscReal InitialParameter(EngdNetwork net, PetscInt64 seed, const EngdLayer *layer, PetscInt first,
                                  PetscInt j)
{
  const PetscInt  stream   = ENGD_STREAM_PARAMETERS;
  const PetscBool bias     = (PetscBool)(j - layer->offset >= layer->n_in * layer->n_out);
  const PetscReal fraction = net->initial[0] == 'u' ? 1 / PetscSqrtReal(layer->n_in) : 1;

  if (!layer->n_in) return layer->initial;
  if (bias || net->initial[0] == 'u') {
    return (bias ? net->initial_bias : net->initial_scale) * fraction *
           (2 * EngdRandomUniform(seed, stream, first + j, 0, 0) - 1);
  }
  if (net->initial[0] == 'n') {
    return net->initial_scale / PetscSqrtReal(layer->n_in) * EngdRandomNormal(seed, stream, first + j, 0, 0);
  }
  return net->initial_scale * PetscSqrtReal(6.0 / (layer->n_in + layer->n_out)) *
         (2 * EngdRandomUniform(seed, stream, first + j, 0, 0) - 1);
}

PetscErrorCode EngdNetworkInitializeAt(EngdNetwork net, PetscInt64 seed, PetscInt first, Vec theta)
{
  PetscReal *values;
  PetscInt   begin, end, l = 0;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(theta, &begin, &end));
  PetscCall(VecGetArray(theta, &values));
  for (PetscInt j = PetscMax(begin, first); j < PetscMin(end, first + net->nparameters); j++) {
    while (l < net->nlayers - 1 && j - first >= net->layer[l + 1].offset) l++;
    values[j - begin] = InitialParameter(net, seed, &net->layer[l], first, j - first);
  }
  PetscCall(VecRestoreArray(theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkInitialize - random initial parameters, the same on any number of ranks.

  Collective

  Input Parameters:
+ network - the network, set up
- seed    - the numbers are a function of it and of the global index alone

  Output Parameter:
. theta - the parameters

  Reference: Glorot and Bengio, AISTATS 2010.
*/
PetscErrorCode EngdNetworkInitialize(EngdNetwork net, PetscInt64 seed, Vec theta)
{
  PetscFunctionBeginUser;
  PetscCall(EngdNetworkInitializeAt(net, seed, 0, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}
