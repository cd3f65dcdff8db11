/*
  The model: what theta consists of and its first values.

  theta = (W_1, b_1, ..., W_L, b_L of each network in turn, unknown parameters), one distributed Vec. The unknown parameters are a
  layer without inputs, so that whatever goes through theta layer by layer (KFAC, kernels, diagonal blocks) meets a block like
  others.
*/
#include <engd/private.h>

/* do its inputs and outputs fit what the problem says of it */
static PetscErrorCode CheckSizes(EngdProblem problem, PetscInt k, EngdNetwork network)
{
  const EngdProblemNetwork *of = &problem->network[k];

  PetscFunctionBeginUser;
  PetscCheck(network->ninputs == of->ninputs && network->noutputs == of->noutputs, problem->comm, PETSC_ERR_ARG_SIZ,
             "a network of %" PetscInt_FMT " inputs and %" PetscInt_FMT " outputs for a problem of %" PetscInt_FMT
             " %s and %" PetscInt_FMT " unknowns",
             network->ninputs, network->noutputs, of->ninputs,
             of->inputs ? "inputs (-network_inputs)" : "coordinates", of->noutputs);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* parts, and how many parameters and layers there are */
static PetscErrorCode AddParts(EngdModel model)
{
  const EngdProblem problem = model->problem;
  PetscInt64        p       = 0;

  PetscFunctionBeginUser;
  model->nlayers = model->noutputs = 0;
  for (PetscInt k = 0; k < model->nparts; k++) {
    const EngdNetwork network = model->part[k].network;

    PetscCall(CheckSizes(problem, k, network));
    PetscCall(EngdNetworkSetUp(network));
    model->part[k] = (EngdModelPart){network, (PetscInt)p, model->nlayers, model->noutputs};
    model->nlayers += network->nlayers;
    model->noutputs += network->noutputs;
    p += network->nparameters;
    PetscCheck(p + problem->nunknowns <= PETSC_MAX_INT, problem->comm, PETSC_ERR_ARG_OUTOFRANGE,
               "more parameters than this PETSc can number; smaller layers");
  }
  model->nweights    = (PetscInt)p;
  model->nunknowns   = problem->nunknowns;
  model->nparameters = model->nweights + problem->nunknowns;
  model->nlayers += problem->nunknowns > 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelLayOut(EngdModel model)
{
  PetscFunctionBeginUser;
  PetscCall(AddParts(model));
  PetscCall(PetscFree(model->layer));
  PetscCall(PetscMalloc1(model->nlayers, &model->layer));
  for (PetscInt k = 0; k < model->nparts; k++) {
    for (PetscInt l = 0; l < model->part[k].network->nlayers; l++) {
      EngdLayer *layer = &model->layer[model->part[k].layer + l];

      *layer = model->part[k].network->layer[l];
      layer->offset += model->part[k].parameter;
    }
  }
  if (model->nunknowns)
    model->layer[model->nlayers - 1] = (EngdLayer){.n_out = model->nunknowns, .offset = model->nweights};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdModelCreate - The model of a problem with its networks.

  Collective

  Input Parameters:
+ problem   - borrowed
. nnetworks - as many as the problem has
- networks  - borrowed; they are set up here, and must have the inputs and outputs that the problem says

  Output Parameter:
. model - the model
*/
PetscErrorCode EngdModelCreate(EngdProblem problem, PetscInt nnetworks, const EngdNetwork networks[], EngdModel *out)
{
  EngdModel model;

  PetscFunctionBeginUser;
  PetscCheck(nnetworks == problem->nnetworks, problem->comm, PETSC_ERR_ARG_SIZ,
             "%" PetscInt_FMT " networks for a problem of %" PetscInt_FMT
             "; EngdFunctionalAddNetwork() adds those after the first",
             nnetworks, problem->nnetworks);
  PetscCall(PetscNew(&model));
  model->problem = problem;
  model->nparts  = nnetworks;
  PetscCall(PetscCalloc1(nnetworks, &model->part));
  *out = model;
  for (PetscInt k = 0; k < nnetworks; k++) model->part[k].network = networks[k];
  PetscCall(EngdModelLayOut(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt EngdModelPartOfLayer(EngdModel model, PetscInt l)
{
  PetscInt k = 0;

  while (k < model->nparts && l >= model->part[k].layer + model->part[k].network->nlayers) k++;
  return k;
}

PetscInt EngdModelLastLayer(EngdModel model, PetscInt k)
{
  return model->part[k].layer + model->part[k].network->nlayers - 1;
}

PetscBool EngdModelIsLastLayer(EngdModel model, PetscInt l)
{
  const PetscInt k = EngdModelPartOfLayer(model, l);

  return (PetscBool)(k < model->nparts && l == EngdModelLastLayer(model, k));
}

/* EngdModelCreateParameters - a vector for theta, spread over the ranks, named theta. Collective */
PetscErrorCode EngdModelCreateParameters(EngdModel model, Vec *theta)
{
  PetscFunctionBeginUser;
  PetscCall(VecCreate(model->part[0].network->comm, theta));
  PetscCall(PetscObjectSetName((PetscObject)*theta, "theta"));
  PetscCall(VecSetSizes(*theta, PETSC_DECIDE, model->nparameters));
  PetscCall(VecSetType(*theta, VECSTANDARD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdModelInitialize - random weights, and the first values of the unknown parameters; the same on any number of ranks. Collective */
PetscErrorCode EngdModelInitialize(EngdModel model, PetscInt64 seed, Vec theta)
{
  const PetscInt first = model->nweights;
  PetscReal     *values;
  PetscInt       begin, end;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < model->nparts; k++)
    PetscCall(EngdNetworkInitializeAt(model->part[k].network, seed, model->part[k].parameter, theta));
  PetscCall(VecGetOwnershipRange(theta, &begin, &end));
  PetscCall(VecGetArray(theta, &values));
  for (PetscInt j = PetscMax(begin, first); j < end; j++)
    values[j - begin] = EngdProblemFreeUnknown(model->problem, j - first, model->problem->start[j - first]);
  PetscCall(VecRestoreArray(theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelAddPast(EngdModel model, const PetscReal theta[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscRealloc((size_t)(model->npast + 1) * sizeof(PetscReal *), &model->past));
  PetscCall(PetscMalloc1(model->nparameters, &model->past[model->npast]));
  PetscCall(PetscArraycpy(model->past[model->npast], theta, model->nparameters));
  model->npast++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelForgetPast(EngdModel model)
{
  PetscFunctionBeginUser;
  for (PetscInt w = 0; w < model->npast; w++) PetscCall(PetscFree(model->past[w]));
  PetscCall(PetscFree(model->past));
  model->npast = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelDestroy(EngdModel *model)
{
  PetscFunctionBeginUser;
  if (!*model) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdModelForgetPast(*model));
  PetscCall(PetscFree((*model)->layer));
  PetscCall(PetscFree((*model)->part));
  PetscCall(PetscFree(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}
