/*
  The model: what theta consists of, its first values, and the layouts of its jets.

  theta = (W_1, b_1, ..., W_L, b_L, unknown parameters), one distributed Vec. The unknown parameters are a layer without
  inputs, so that whatever goes through theta layer by layer (KFAC, kernels, diagonal blocks) meets a block like others.
*/
#include <engd/private.h>

/*
  EngdModelCreate - The model of a problem with a network.

  Collective

  Input Parameters:
+ problem - borrowed
- network - borrowed; it is set up here, and must have the inputs and outputs of the problem

  Output Parameter:
. model - the model
*/
PetscErrorCode EngdModelCreate(EngdProblem problem, EngdNetwork network, EngdModel *out)
{
  EngdModel model;

  PetscFunctionBeginUser;
  PetscCheck(network->ninputs == problem->ninputs && network->noutputs == problem->noutputs, problem->comm,
             PETSC_ERR_ARG_SIZ,
             "a network of %" PetscInt_FMT " inputs and %" PetscInt_FMT " outputs for a problem of %" PetscInt_FMT
             " %s and %" PetscInt_FMT " unknowns",
             network->ninputs, network->noutputs, problem->ninputs,
             problem->inputs ? "inputs (-network_inputs)" : "coordinates", problem->noutputs);
  PetscCall(EngdNetworkSetUp(network));
  PetscCheck((PetscInt64)network->nparameters + problem->nunknowns <= PETSC_MAX_INT, problem->comm,
             PETSC_ERR_ARG_OUTOFRANGE, "more parameters than this PETSc can number; smaller layers");
  PetscCall(PetscNew(&model));
  model->problem     = problem;
  model->network     = network;
  model->nparameters = network->nparameters + problem->nunknowns;
  model->nlayers     = network->nlayers + (problem->nunknowns > 0);
  PetscCall(PetscMalloc1(model->nlayers, &model->layer));
  PetscCall(PetscArraycpy(model->layer, network->layer, network->nlayers));
  if (problem->nunknowns)
    model->layer[network->nlayers] = (EngdLayer){.n_out = problem->nunknowns, .offset = network->nparameters};
  *out = model;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdModelCreateParameters - a vector for theta, spread over the ranks, named theta. Collective */
PetscErrorCode EngdModelCreateParameters(EngdModel model, Vec *theta)
{
  PetscFunctionBeginUser;
  PetscCall(VecCreate(model->network->comm, theta));
  PetscCall(PetscObjectSetName((PetscObject)*theta, "theta"));
  PetscCall(VecSetSizes(*theta, PETSC_DECIDE, model->nparameters));
  PetscCall(VecSetType(*theta, VECSTANDARD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdModelInitialize - random weights, and the first values of the unknown parameters; the same on any number of ranks. Collective */
PetscErrorCode EngdModelInitialize(EngdModel model, PetscInt64 seed, Vec theta)
{
  const PetscInt first = model->network->nparameters;
  PetscReal     *values;
  PetscInt       begin, end;

  PetscFunctionBeginUser;
  PetscCall(EngdNetworkInitialize(model->network, seed, theta));
  PetscCall(VecGetOwnershipRange(theta, &begin, &end));
  PetscCall(VecGetArray(theta, &values));
  for (PetscInt j = PetscMax(begin, first); j < end; j++) values[j - begin] = model->problem->start[j - first];
  PetscCall(VecRestoreArray(theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelCreateLayout(EngdModel model, PetscInt nentries, const EngdJetEntry entry[],
                                     EngdJetLayout *layout)
{
  const EngdProblem problem = model->problem;
  EngdJetEntry     *outputs;
  PetscInt          n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(nentries, &outputs));
  for (PetscInt e = 0; e < nentries; e++) {
    if (entry[e].output < problem->noutputs) outputs[n++] = entry[e];
  }
  PetscCall(EngdJetLayoutCreate(problem->domain->nspace, problem->domain->dim, n, outputs, layout));
  PetscCall(PetscFree(outputs));
  (*layout)->nunknowns = problem->nunknowns;
  if (problem->inputs) {
    EngdExpression inputs;

    PetscCall(EngdProblemCreateInputs(problem, &inputs));
    PetscCall(EngdJetLayoutSetInput(*layout, inputs));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

EngdPlace EngdModelPlace(EngdModel model, EngdJetLayout layout, PetscInt n, const EngdJetEntry *entry,
                         PetscInt channel)
{
  const PetscInt m = model->network->noutputs, unknown = entry->output - m;

  if (unknown < 0) return (EngdPlace){ENGD_COUNT(channel * n, m) + (size_t)entry->output, m};
  return (EngdPlace){ENGD_COUNT(layout->nchannels * n, m) + (size_t)unknown, layout->nunknowns};
}

PetscErrorCode EngdModelDestroy(EngdModel *model)
{
  PetscFunctionBeginUser;
  if (!*model) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*model)->layer));
  PetscCall(PetscFree(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}
