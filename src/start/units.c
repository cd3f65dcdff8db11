/*
  Hidden units over the domain, whatever its place and size.

    first layer    tanh(a . x~ + b),  x~ = the coordinates from -1 to 1 over the box of all points
                   a_i uniform within sqrt(2/d) scale_i, the hyperplane a . x~ + b = 0 through a random point of the box
    further ones   uniform within 3/2 sqrt(6/(n_in + n_out)), biases within 3/4

  Flat ones instead, as the standard weights for coordinates from -1 to 1, with biases that tell them apart: nearly polynomials
  together, so that least squares on J reach rounding, which steep ones do not (runs/untuned.md).

  Random numbers are functions of seed and index, so the same on any number of ranks.
*/
#include <engd/private.h>

#define GAIN  1.5  /* of the hidden layers behind the first one, */
#define SHIFT 0.75 /* and their biases */

#define SPREAD 3 /* standard deviations of the outputs, for weights of the last layer of the standard size */

struct _n_EngdUnits {
  EngdFunctional functional; /* borrowed, with its network */
  EngdNetwork    network;
  PetscInt64     seed;
  PetscReal     *middle, *half; /* [dim] of the box */
};

PetscErrorCode EngdUnitsCreate(EngdFunctional F, EngdUnits *out)
{
  const PetscInt dim = F->problem->domain->dim;
  EngdUnits      units;
  PetscReal     *lower, *upper;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&units));
  units->functional = F;
  units->network    = F->network;
  units->seed       = F->problem->seed;
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

/* sum (2 q + 1) += for each output u and u^2 at the points of a block, and how many points: u_k = sum_j W_kj z_j + b_k, z the last
   hidden layer, since a term that reads derivatives alone has no values in its jet */
static PetscErrorCode MeasureBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  const EngdLayer *layer = &F->network->layer[F->network->nhidden];
  const PetscInt   m = layer->n_in, q = layer->n_out;
  const PetscReal *W = work->theta + layer->offset, *b = W + ENGD_COUNT(m, q);
  PetscReal       *sum = (PetscReal *)data;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < block->n; i++) {
    const PetscReal *z = block->jet->z[F->network->nhidden - 1] + ENGD_COUNT(i, m);

    for (PetscInt k = 0; k < q; k++) {
      PetscReal u = b[k];

      for (PetscInt j = 0; j < m; j++) u += W[ENGD_COUNT(j, q) + k] * z[j];
      sum[2 * k] += u;
      sum[2 * k + 1] += u * u;
    }
  }
  sum[2 * q] += (PetscReal)block->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the mean of each output over the points at the present theta, and SPREAD standard deviations of it */
static PetscErrorCode MeasureOutputs(EngdFunctional F, PetscReal mean[], PetscReal size[])
{
  const PetscInt q = F->network->noutputs;
  PetscReal     *sum;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(2 * q + 1, &sum));
  PetscCall(EngdFunctionalVisit(F, "the size of the outputs", NULL, MeasureBlock, sum, NULL));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sum, 2 * q + 1, MPIU_REAL, MPIU_SUM, F->comm));
  for (PetscInt k = 0; k < q; k++) {
    mean[k] = sum[2 * k] / sum[2 * q];
    size[k] = SPREAD * PetscSqrtReal(PetscMax(sum[2 * k + 1] / sum[2 * q] - PetscSqr(mean[k]), 0));
    if (!(size[k] > 0) || PetscIsInfReal(size[k])) mean[k] = 0, size[k] = 1;
  }
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* parameter j of a flat network, w its parameters for coordinates from -1 to 1: w . x~ + b = (w/half) . x + (b - sum w middle/half) */
static PetscReal FlatParameter(const struct _n_EngdUnits *units, const PetscReal w[], const PetscReal mean[],
                               const PetscReal size[], PetscInt j)
{
  const EngdNetwork net   = units->network;
  const EngdLayer  *first = &net->layer[0], *last = &net->layer[net->nhidden];
  const PetscInt    weights = first->n_in * first->n_out;

  if (j < weights) return w[j] / units->half[j / first->n_out];
  if (j < weights + first->n_out) {
    PetscReal b = w[j];

    for (PetscInt i = 0; i < first->n_in; i++)
      b -= w[i * first->n_out + j - weights] * units->middle[i] / units->half[i];
    return b;
  }
  if (j < last->offset) return w[j];
  if (j < last->offset + last->n_in * last->n_out) return w[j] * size[(j - last->offset) % last->n_out];
  return mean[j - last->offset - last->n_in * last->n_out];
}

PetscErrorCode EngdUnitsFlatten(EngdUnits units, Vec theta, PetscReal scale, PetscReal bias, Vec flat)
{
  const EngdNetwork net      = units->network;
  const PetscReal   scale_of = net->initial_scale, bias_of = net->initial_bias;
  const PetscReal  *w;
  PetscReal        *values, *mean, *size;
  PetscInt          begin, end;
  VecScatter        scatter;
  Vec               whole;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(net->noutputs, &mean, net->noutputs, &size));
  PetscCall(EngdFunctionalSetParameters(units->functional, theta));
  PetscCall(MeasureOutputs(units->functional, mean, size));
  net->initial_scale = scale, net->initial_bias = bias;
  PetscCall(EngdModelInitialize(units->functional->model, units->seed, flat));
  net->initial_scale = scale_of, net->initial_bias = bias_of;
  PetscCall(VecScatterCreateToAll(flat, &scatter, &whole));
  PetscCall(VecScatterBegin(scatter, flat, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, flat, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(whole, &w));
  PetscCall(VecGetOwnershipRange(flat, &begin, &end));
  PetscCall(VecGetArray(flat, &values));
  for (PetscInt j = begin; j < PetscMin(end, net->nparameters); j++)
    values[j - begin] = FlatParameter(units, w, mean, size, j);
  PetscCall(VecRestoreArray(flat, &values));
  PetscCall(VecRestoreArrayRead(whole, &w));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&whole));
  PetscCall(PetscFree2(mean, size));
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
