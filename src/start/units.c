/*
  Hidden units over the domain, whatever its place and size.

    first layer    tanh(a . x~ + b),  x~ = the coordinates from -1 to 1 over the box of all points
                   a_i uniform within sqrt(2/d) scale_i, the hyperplane a . x~ + b = 0 through a random point of the box
    further ones   uniform within 3/2 sqrt(6/(n_in + n_out)), biases within 3/4

  Random numbers are functions of seed and index, so the same on any number of ranks.
*/
#include <engd/private.h>

#define GAIN  1.5  /* of the hidden layers behind the first one, */
#define SHIFT 0.75 /* and their biases */

struct _n_EngdUnits {
  EngdNetwork network; /* borrowed */
  PetscInt64  seed;
  PetscReal  *middle, *half; /* [dim] of the box */
};

PetscErrorCode EngdUnitsCreate(EngdFunctional F, EngdUnits *out)
{
  const PetscInt dim = F->problem->domain->dim;
  EngdUnits      units;
  PetscReal     *lower, *upper;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&units));
  units->network = F->network;
  units->seed    = F->problem->seed;
  PetscCall(PetscMalloc2(dim, &units->middle, dim, &units->half));
  PetscCall(PetscMalloc2(dim, &lower, dim, &upper));
  for (PetscInt i = 0; i < dim; i++) lower[i] = PETSC_MAX_REAL, upper[i] = PETSC_MIN_REAL;
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    const EngdPoints points = F->problem->term[t]->points;

    for (PetscInt k = 0; k < points->nlocal * dim; k++) {
      lower[k % dim] = PetscMin(lower[k % dim], points->x[k]);
      upper[k % dim] = PetscMax(upper[k % dim], points->x[k]);
    }
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, lower, dim, MPIU_REAL, MPIU_MIN, F->comm));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, upper, dim, MPIU_REAL, MPIU_MAX, F->comm));
  for (PetscInt i = 0; i < dim; i++) {
    units->middle[i] = (lower[i] + upper[i]) / 2;
    units->half[i]   = upper[i] > lower[i] ? (upper[i] - lower[i]) / 2 : 1;
  }
  PetscCall(PetscFree2(lower, upper));
  *out = units;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Symmetric(const struct _n_EngdUnits *units, PetscInt index, PetscInt epoch, PetscInt component)
{
  return 2 * EngdRandomUniform(units->seed, ENGD_STREAM_PARAMETERS, index, epoch, component) - 1;
}

/* weight i of a unit of the first layer, for the coordinates as they are */
static PetscReal FirstWeight(const struct _n_EngdUnits *units, const PetscReal scale[], PetscInt unit, PetscInt i)
{
  return PetscSqrtReal(2. / units->network->ninputs) * scale[i] * Symmetric(units, unit, 1, i) / units->half[i];
}

/* its bias: minus a . x at a random point of the box */
static PetscReal FirstBias(const struct _n_EngdUnits *units, const PetscReal scale[], PetscInt unit)
{
  PetscReal sum = 0;

  for (PetscInt i = 0; i < units->network->ninputs; i++) {
    sum += FirstWeight(units, scale, unit, i) * (units->middle[i] + units->half[i] * Symmetric(units, unit, 2, i));
  }
  return -sum;
}

/* parameter j of hidden layer l, in the global numbering */
static PetscReal HiddenParameter(const struct _n_EngdUnits *units, const PetscReal scale[], PetscInt l, PetscInt j)
{
  const EngdLayer *layer   = &units->network->layer[l];
  const PetscInt   k       = j - layer->offset;
  const PetscInt   weights = layer->n_in * layer->n_out;

  if (l == 0)
    return k < weights ? FirstWeight(units, scale, k % layer->n_out, k / layer->n_out)
                       : FirstBias(units, scale, k - weights);
  return (k < weights ? GAIN * PetscSqrtReal(6. / (layer->n_in + layer->n_out)) : SHIFT) * Symmetric(units, j, 3, 0);
}

PetscErrorCode EngdUnitsPlace(EngdUnits units, const PetscReal scale[], Vec theta)
{
  const EngdNetwork net = units->network;
  PetscReal        *values;
  PetscInt          begin, end, l = 0;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(theta, &begin, &end));
  PetscCall(VecGetArray(theta, &values));
  for (PetscInt j = begin; j < PetscMin(end, net->nparameters); j++) { /* unknown parameters, behind, stay */
    while (l < net->nhidden && j >= net->layer[l + 1].offset) l++;
    values[j - begin] = l < net->nhidden ? HiddenParameter(units, scale, l, j) : 0;
  }
  PetscCall(VecRestoreArray(theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w . x~ + b = (w/half) . x + (b - sum of w middle/half); theta is gathered, since a bias needs the weights of its unit */
PetscErrorCode EngdUnitsNormalise(EngdUnits units, Vec theta)
{
  const EngdLayer *layer   = &units->network->layer[0];
  const PetscInt   weights = layer->n_in * layer->n_out;
  const PetscReal *w;
  PetscReal       *values;
  PetscInt         begin, end;
  VecScatter       scatter;
  Vec              whole;

  PetscFunctionBeginUser;
  PetscCall(VecScatterCreateToAll(theta, &scatter, &whole));
  PetscCall(VecScatterBegin(scatter, theta, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, theta, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(whole, &w));
  PetscCall(VecGetOwnershipRange(theta, &begin, &end));
  PetscCall(VecGetArray(theta, &values));
  for (PetscInt j = begin; j < PetscMin(end, weights + layer->n_out); j++) {
    if (j < weights)
      values[j - begin] /= units->half[j / layer->n_out];
    else
      for (PetscInt i = 0; i < layer->n_in; i++)
        values[j - begin] -= w[i * layer->n_out + j - weights] * units->middle[i] / units->half[i];
  }
  PetscCall(VecRestoreArray(theta, &values));
  PetscCall(VecRestoreArrayRead(whole, &w));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdUnitsDestroy(EngdUnits *units)
{
  PetscFunctionBeginUser;
  if (!*units) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*units)->middle, (*units)->half));
  PetscCall(PetscFree(*units));
  PetscFunctionReturn(PETSC_SUCCESS);
}
