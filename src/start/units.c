/*
  Hidden units over the domain, whatever its place and size.

    first layer    tanh(a . x~ + b),  x~ = the inputs (coordinates, or E(x)) from -1 to 1 over the box of all points
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

/* of the standard weights and of biases: smooth solutions end at rounding from the first, less smooth ones from the second */
static const struct {
  PetscReal scale, bias;
} flat_kinds[ENGD_START_NFLAT] = {{1, 0.75}, {3, 1.5}};

/* The box that holds what a network sees of all points */
typedef struct {
  PetscReal *middle, *half; /* [ninputs] */
} Box;

struct _n_EngdUnits {
  EngdFunctional functional; /* borrowed, with its networks */
  EngdModel      model;
  PetscInt64     seed;
  Box           *box; /* [nparts] */
};

/* z (ninputs, n) <- what network k sees of n points */
static PetscErrorCode SeePoints(EngdModel model, PetscInt k, EngdPoints points, PetscReal z[])
{
  const EngdProblem problem = model->problem;
  EngdExpression    inputs;
  EngdJetLayout     layout;

  PetscFunctionBeginUser;
  if (!problem->network[k].inputs) {
    PetscCall(PetscArraycpy(z, points->x, ENGD_COUNT(points->nlocal, points->dim)));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(EngdJetLayoutCreate(problem->domain->nspace, problem->domain->dim, 0, NULL, &layout));
  PetscCall(EngdProblemCreateInputs(problem, k, &inputs));
  PetscCall(EngdJetLayoutSetInput(layout, inputs));
  PetscCall(EngdJetLayoutEvaluateInput(layout, points->nlocal, points->x, z));
  PetscCall(EngdJetLayoutDestroy(&layout));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindBox(EngdFunctional F, PetscInt k, Box *box)
{
  const PetscInt d = F->network[k]->ninputs;
  PetscReal     *lower, *upper, *z;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(d, &box->middle, d, &box->half));
  PetscCall(PetscMalloc2(d, &lower, d, &upper));
  for (PetscInt i = 0; i < d; i++) lower[i] = PETSC_MAX_REAL, upper[i] = PETSC_MIN_REAL;
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    const EngdPoints points = F->problem->term[t]->points;

    PetscCall(PetscMalloc1(ENGD_COUNT(points->nlocal, d), &z));
    PetscCall(SeePoints(F->model, k, points, z));
    for (PetscInt j = 0; j < points->nlocal * d; j++) {
      lower[j % d] = PetscMin(lower[j % d], z[j]);
      upper[j % d] = PetscMax(upper[j % d], z[j]);
    }
    PetscCall(PetscFree(z));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, lower, d, MPIU_REAL, MPIU_MIN, F->comm));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, upper, d, MPIU_REAL, MPIU_MAX, F->comm));
  for (PetscInt i = 0; i < d; i++) {
    box->middle[i] = (lower[i] + upper[i]) / 2;
    box->half[i]   = upper[i] > lower[i] ? (upper[i] - lower[i]) / 2 : 1;
  }
  PetscCall(PetscFree2(lower, upper));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdUnitsCreate(EngdFunctional F, EngdUnits *out)
{
  EngdUnits units;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&units));
  units->functional = F;
  units->model      = F->model;
  units->seed       = F->problem->seed;
  PetscCall(PetscCalloc1(F->nnetworks, &units->box));
  for (PetscInt k = 0; k < F->nnetworks; k++) PetscCall(FindBox(F, k, &units->box[k]));
  *out = units;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Symmetric(const struct _n_EngdUnits *units, PetscInt index, PetscInt epoch, PetscInt component)
{
  return 2 * EngdRandomUniform(units->seed, ENGD_STREAM_PARAMETERS, index, epoch, component) - 1;
}

/* the scale of input i of network k: that of the coordinate, or of inputs E(x) the mean of those of all coordinates */
static PetscReal InputScale(const struct _n_EngdUnits *units, PetscInt k, const PetscReal scale[], PetscInt i)
{
  const EngdProblem problem = units->model->problem;
  PetscReal         sum     = 0;

  if (!problem->network[k].inputs) return scale[i];
  for (PetscInt c = 0; c < problem->domain->dim; c++) sum += scale[c];
  return sum / problem->domain->dim;
}

/* weight i of a unit of a layer of network k that reads the inputs, for these as they are; units have numbers of their own */
static PetscReal FirstWeight(const struct _n_EngdUnits *units, PetscInt k, const PetscReal scale[], PetscInt unit,
                             PetscInt i)
{
  const EngdModelPart *part = &units->model->part[k];

  return PetscSqrtReal(2. / part->network->ninputs) * InputScale(units, k, scale, i) *
         Symmetric(units, part->parameter + unit, 1, i) / units->box[k].half[i];
}

/* its bias: minus a . x at a random point of the box */
static PetscReal FirstBias(const struct _n_EngdUnits *units, PetscInt k, const PetscReal scale[], PetscInt unit)
{
  const EngdModelPart *part = &units->model->part[k];
  const Box           *box  = &units->box[k];
  PetscReal            sum  = 0;

  for (PetscInt i = 0; i < part->network->ninputs; i++) {
    sum += FirstWeight(units, k, scale, unit, i) *
           (box->middle[i] + box->half[i] * Symmetric(units, part->parameter + unit, 2, i));
  }
  return -sum;
}

/* parameter j of network k, which is one of its hidden layer l */
static PetscReal HiddenParameter(const struct _n_EngdUnits *units, PetscInt k, const PetscReal scale[], PetscInt l,
                                 PetscInt j)
{
  const EngdModelPart *part    = &units->model->part[k];
  const EngdLayer     *layer   = &part->network->layer[l];
  const PetscInt       at      = j - layer->offset;
  const PetscInt       weights = layer->n_in * layer->n_out;

  if (!layer->n_in) return layer->initial;
  if (layer->from == ENGD_SLOT_INPUT)
    return at < weights ? FirstWeight(units, k, scale, layer->offset + at % layer->n_out, at / layer->n_out)
                        : FirstBias(units, k, scale, layer->offset + at - weights);
  return (at < weights ? GAIN * PetscSqrtReal(6. / (layer->n_in + layer->n_out)) : SHIFT) *
         Symmetric(units, part->parameter + j, 3, 0);
}

PetscErrorCode EngdUnitsPlace(EngdUnits units, const PetscReal scale[], Vec theta)
{
  PetscReal *values;
  PetscInt   begin, end;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(theta, &begin, &end));
  PetscCall(VecGetArray(theta, &values));
  for (PetscInt k = 0; k < units->model->nparts; k++) { /* unknown parameters, behind, stay */
    const EngdNetwork net   = units->model->part[k].network;
    const PetscInt    first = units->model->part[k].parameter;
    PetscInt          l     = 0;

    for (PetscInt j = PetscMax(begin - first, 0); j < PetscMin(end - first, net->nparameters); j++) {
      while (l < net->nlayers - 1 && j >= net->layer[l + 1].offset) l++;
      values[first + j - begin] = l < net->nlayers - 1 ? HiddenParameter(units, k, scale, l, j) : 0;
    }
  }
  PetscCall(VecRestoreArray(theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum (3, noutputs) += for each output u, u^2 and 1 at the points of a block: u_i = sum_j W_ij z_j + b_i, z the last hidden layer,
   since a term that reads derivatives alone has no values in its jet */
static PetscErrorCode MeasureBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < F->nnetworks; k++) {
    const EngdJet    jet   = block->jet->part[k];
    const PetscInt   last  = F->network[k]->nlayers - 1;
    const EngdLayer *layer = &F->model->layer[EngdModelLastLayer(F->model, k)];
    const PetscInt   m = layer->n_in, q = layer->n_out;
    const PetscReal *W = work->theta + layer->offset, *b = W + ENGD_COUNT(m, q);
    PetscReal       *sum = (PetscReal *)data + ENGD_COUNT(3, F->model->part[k].output);

    for (PetscInt i = 0; jet && i < block->n; i++) {
      const PetscReal *z = EngdJetLayerInput(jet, last) + ENGD_COUNT(i, m);

      for (PetscInt o = 0; o < q; o++) {
        PetscReal u = b[o];

        for (PetscInt j = 0; j < m; j++) u += W[ENGD_COUNT(j, q) + o] * z[j];
        sum[3 * o] += u;
        sum[3 * o + 1] += u * u;
        sum[3 * o + 2] += 1;
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the mean of each output over the points at the present theta, and SPREAD standard deviations of it */
static PetscErrorCode MeasureOutputs(EngdFunctional F, PetscReal mean[], PetscReal size[])
{
  const PetscInt q = F->model->noutputs;
  PetscReal     *sum;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(3 * q, &sum));
  PetscCall(EngdFunctionalVisit(F, "the size of the outputs", NULL, MeasureBlock, sum, NULL));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sum, 3 * q, MPIU_REAL, MPIU_SUM, F->comm));
  for (PetscInt o = 0; o < q; o++) {
    mean[o] = sum[3 * o] / sum[3 * o + 2];
    size[o] = SPREAD * PetscSqrtReal(PetscMax(sum[3 * o + 1] / sum[3 * o + 2] - PetscSqr(mean[o]), 0));
    if (!(size[o] > 0) || PetscIsInfReal(size[o])) mean[o] = 0, size[o] = 1;
  }
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* parameter j of a flat network k, w its parameters for inputs from -1 to 1: w . x~ + b = (w/half) . x + (b - sum w middle/half) */
static PetscReal FlatParameter(const struct _n_EngdUnits *units, PetscInt k, const PetscReal w[],
                               const PetscReal mean[], const PetscReal size[], PetscInt j)
{
  const EngdNetwork net   = units->model->part[k].network;
  const Box        *box   = &units->box[k];
  const EngdLayer  *layer = net->layer;
  PetscReal         b     = w[j];
  PetscInt          at, weights;

  while (layer < net->layer + net->nlayers - 1 && j >= layer[1].offset) layer++;
  at      = j - layer->offset;
  weights = layer->n_in * layer->n_out;
  if (layer == net->layer + net->nlayers - 1)
    return at < weights ? w[j] * size[at % layer->n_out] : mean[at - weights];
  if (layer->from != ENGD_SLOT_INPUT) return w[j];
  if (at < weights) return w[j] / box->half[at / layer->n_out];
  for (PetscInt i = 0; i < layer->n_in; i++)
    b -= w[layer->offset + i * layer->n_out + at - weights] * box->middle[i] / box->half[i];
  return b;
}

/* flat <- the standard weights of a scale of their own, and biases within `bias` */
static PetscErrorCode DrawFlat(EngdUnits units, PetscReal scale, PetscReal bias, Vec flat)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < units->model->nparts; k++) {
    const EngdNetwork net      = units->model->part[k].network;
    const PetscReal   scale_of = net->initial_scale, bias_of = net->initial_bias;

    net->initial_scale = scale, net->initial_bias = bias;
    PetscCall(EngdNetworkInitializeAt(net, units->seed, units->model->part[k].parameter, flat));
    net->initial_scale = scale_of, net->initial_bias = bias_of;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdUnitsFlatten(EngdUnits units, Vec theta, PetscInt kind, Vec flat)
{
  const EngdModel  model = units->model;
  const PetscReal *w;
  PetscReal       *values, *mean, *size;
  PetscInt         begin, end;
  VecScatter       scatter;
  Vec              whole;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(model->noutputs, &mean, model->noutputs, &size));
  PetscCall(EngdFunctionalSetParameters(units->functional, theta));
  PetscCall(MeasureOutputs(units->functional, mean, size));
  PetscCall(EngdModelInitialize(model, units->seed, flat));
  PetscCall(DrawFlat(units, flat_kinds[kind].scale, flat_kinds[kind].bias, flat));
  PetscCall(VecScatterCreateToAll(flat, &scatter, &whole));
  PetscCall(VecScatterBegin(scatter, flat, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, flat, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(whole, &w));
  PetscCall(VecGetOwnershipRange(flat, &begin, &end));
  PetscCall(VecGetArray(flat, &values));
  for (PetscInt k = 0; k < model->nparts; k++) {
    const EngdModelPart *part  = &model->part[k];
    const PetscInt       first = part->parameter;

    for (PetscInt j = PetscMax(begin - first, 0); j < PetscMin(end - first, part->network->nparameters); j++)
      values[first + j - begin] = FlatParameter(units, k, w + first, mean + part->output, size + part->output, j);
  }
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
  for (PetscInt k = 0; k < (*units)->model->nparts; k++)
    PetscCall(PetscFree2((*units)->box[k].middle, (*units)->box[k].half));
  PetscCall(PetscFree((*units)->box));
  PetscCall(PetscFree(*units));
  PetscFunctionReturn(PETSC_SUCCESS);
}
