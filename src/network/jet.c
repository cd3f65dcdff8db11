/*
  Jets of the network: forward, tangent (JVP) and adjoint (VJP) passes over a block of points.

    A_l = W_l Z_{l-1} + b_l (b on the value channel),  Z_l = sigma(A_l) as jets,  U = W_L Z_{L-1} + b_L
    tangent  dA_l = W_l dZ_{l-1} + dW_l Z_{l-1} + db_l
    adjoint  gZ_{l-1} = W_l^T gA_l,  gW_l += gA_l Z_{l-1}^T,  gb_l += the value channel of gA_l

  Z, A hold all channels of all points side by side, so each product is one GEMM, four a layer for a tangent and an adjoint.
  The input jet (x, e_1, ..., e_d, 0, ...) is never stored: its products are columns of W; that of inputs E(x) is (input.c).
  Reference: method of Dangel et al. (arXiv 2405.15603) for the channels, forward Laplacian (2307.08214) for the collapsed one.
*/
#include <engd/private.h>

/* A += b on the value channel */
static void AddBias(const EngdLayer *layer, const PetscReal theta[], PetscInt n, PetscReal A[])
{
  const PetscReal *restrict b = theta + layer->offset + ENGD_COUNT(layer->n_in, layer->n_out);

  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt k = 0; k < layer->n_out; k++) A[ENGD_COUNT(i, layer->n_out) + k] += b[k];
  }
}

/* A = W Z0 + b for the input jet Z0: W x + b, then column i of W on d/dx_i, zero on second order */
static PetscErrorCode ApplyToInput(EngdJet jet, const PetscReal theta[], PetscReal A[])
{
  const EngdLayer *layer  = &jet->network->layer[0];
  EngdJetLayout    layout = jet->layout;
  const PetscInt   m = layer->n_out, n = jet->n;
  const PetscReal *W = theta + layer->offset;

  PetscFunctionBeginUser;
  PetscCall(EngdGemm("N", "N", m, n, layer->n_in, W, m, jet->x, layer->n_in, 0, A, m));
  AddBias(layer, theta, n, A);
  for (PetscInt c = 1; c < layout->nchannels; c++) {
    PetscReal *Ac = A + ENGD_COUNT(c, ENGD_COUNT(m, n));

    if (layout->channel[c].order == 1) {
      const PetscReal *column = W + ENGD_COUNT(layout->channel[c].coordinate[0], m);

      for (PetscInt i = 0; i < n; i++) PetscCall(PetscArraycpy(Ac + ENGD_COUNT(i, m), column, m));
    } else {
      PetscCall(PetscArrayzero(Ac, ENGD_COUNT(m, n)));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A = W Z (+ A) + b on the channels marked used (NULL: all) */
static PetscErrorCode ApplyLayer(EngdJet jet, PetscInt l, const PetscReal theta[], const PetscReal Z[],
                                 const PetscBool used[], PetscBool bias, PetscBool add, PetscReal A[])
{
  const EngdLayer *layer = &jet->network->layer[l];
  const PetscInt   n_in = layer->n_in, n_out = layer->n_out, n = jet->n;

  PetscFunctionBeginUser;
  for (PetscInt begin = 0, end = 0; EngdJetLayoutNextRun(jet->layout, used, &begin, &end);) {
    PetscCall(EngdGemm("N", "N", n_out, (end - begin) * n, n_in, theta + layer->offset, n_out,
                       Z + ENGD_COUNT(begin * n, n_in), n_in, add, A + ENGD_COUNT(begin * n, n_out), n_out));
  }
  if (bias && (!used || used[0])) AddBias(layer, theta, n, A);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A = W Z0 + b on the channels marked used (NULL: all) */
static PetscErrorCode ApplyFirstLayer(EngdJet jet, const PetscReal theta[], const PetscBool used[], PetscReal A[])
{
  PetscFunctionBeginUser;
  if (jet->input)
    PetscCall(ApplyLayer(jet, 0, theta, jet->input, used, PETSC_TRUE, PETSC_FALSE, A));
  else
    PetscCall(ApplyToInput(jet, theta, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const PetscBool *EngdJetLayerChannels(EngdJet jet, PetscInt l)
{
  return l == jet->network->nhidden ? jet->layout->used : NULL;
}

const PetscReal *EngdJetLayerInput(EngdJet jet, PetscInt l)
{
  return l ? jet->z[l - 1] : jet->input;
}

PetscErrorCode EngdJetLayerWeights(EngdJet jet, PetscInt l, const PetscReal z[], const PetscReal g[], PetscReal sum[])
{
  const EngdLayer *layer = &jet->network->layer[l];
  const PetscBool *used  = EngdJetLayerChannels(jet, l);
  const PetscInt   n_in = layer->n_in, n_out = layer->n_out, n = jet->n;

  PetscFunctionBeginUser;
  for (PetscInt begin = 0, end = 0; EngdJetLayoutNextRun(jet->layout, used, &begin, &end);) {
    PetscCall(EngdGemm("N", "T", n_out, n_in, (end - begin) * n, g + ENGD_COUNT(begin * n, n_out), n_out,
                       z + ENGD_COUNT(begin * n, n_in), n_in, 1, sum + layer->offset, n_out));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetLayerGradient(EngdJet jet, PetscInt l, const PetscReal z[], const PetscReal g[], void *sum)
{
  const EngdLayer *layer = &jet->network->layer[l];
  const PetscBool *used  = EngdJetLayerChannels(jet, l);
  const PetscInt   n_in = layer->n_in, n_out = layer->n_out, n = jet->n;
  PetscReal       *gW = (PetscReal *)sum + layer->offset, *gb = gW + ENGD_COUNT(n_in, n_out);

  PetscFunctionBeginUser;
  if (z)
    PetscCall(EngdJetLayerWeights(jet, l, z, g, (PetscReal *)sum));
  else {
    if (!used || used[0]) PetscCall(EngdGemm("N", "T", n_out, n_in, n, g, n_out, jet->x, n_in, 1, gW, n_out));
    for (PetscInt c = 1; c < jet->layout->nchannels; c++) {
      const PetscReal *gc = g + ENGD_COUNT(c * n, n_out);

      if ((used && !used[c]) || jet->layout->channel[c].order != 1) continue;
      for (PetscInt i = 0; i < n; i++) {
        PetscReal *column = gW + ENGD_COUNT(jet->layout->channel[c].coordinate[0], n_out);

        for (PetscInt k = 0; k < n_out; k++) column[k] += gc[ENGD_COUNT(i, n_out) + k];
      }
    }
  }
  if (used && !used[0]) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt k = 0; k < n_out; k++) gb[k] += g[ENGD_COUNT(i, n_out) + k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetLayerTranspose(EngdJet jet, PetscInt l, const PetscReal theta[], const PetscReal g[],
                                     PetscBool add, PetscReal below[])
{
  const EngdLayer *layer = &jet->network->layer[l];
  const PetscBool *used  = EngdJetLayerChannels(jet, l);
  const PetscInt   n_in = layer->n_in, n_out = layer->n_out, n = jet->n;

  PetscFunctionBeginUser;
  for (PetscInt begin = 0, end = 0; EngdJetLayoutNextRun(jet->layout, used, &begin, &end);) {
    PetscCall(EngdGemm("T", "N", n_in, (end - begin) * n, n_out, theta + layer->offset, n_out,
                       g + ENGD_COUNT(begin * n, n_out), n_out, add, below + ENGD_COUNT(begin * n, n_in), n_in));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetForward(EngdJet jet, const PetscReal theta[], PetscInt n, const PetscReal x[])
{
  EngdNetwork net = jet->network;

  PetscFunctionBeginUser;
  PetscCheck(n <= jet->nmax, PETSC_COMM_SELF, PETSC_ERR_PLIB, "a jet for %" PetscInt_FMT " points got %" PetscInt_FMT,
             jet->nmax, n);
  PetscCall(PetscLogEventBegin(engd_log.forward, 0, 0, 0, 0));
  jet->n = n;
  jet->x = x;
  if (jet->input) PetscCall(EngdJetLayoutEvaluateInput(jet->layout, n, x, jet->input));
  for (PetscInt l = 0; l < net->nhidden; l++) {
    const PetscInt count = net->layer[l].n_out * n;

    if (l == 0)
      PetscCall(ApplyFirstLayer(jet, theta, NULL, jet->a[l]));
    else
      PetscCall(ApplyLayer(jet, l, theta, jet->z[l - 1], NULL, PETSC_TRUE, PETSC_FALSE, jet->a[l]));
    PetscCall(PetscLogEventBegin(engd_log.activation, 0, 0, 0, 0));
    net->activate(count, jet->a[l], jet->nderivatives, jet->s[l]);
    EngdActivationForward(jet->layout, count, jet->a[l], jet->s[l], jet->z[l]);
    PetscCall(PetscLogEventEnd(engd_log.activation, 0, 0, 0, 0));
  }
  if (net->nhidden == 0)
    PetscCall(ApplyFirstLayer(jet, theta, jet->layout->used, jet->u));
  else {
    PetscCall(ApplyLayer(jet, net->nhidden, theta, jet->z[net->nhidden - 1], jet->layout->used, PETSC_TRUE,
                         PETSC_FALSE, jet->u));
  }
  PetscCall(PetscLogEventEnd(engd_log.forward, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetTangent(EngdJet jet, const PetscReal theta[], const PetscReal dtheta[], EngdJetWork work,
                              PetscReal du[])
{
  EngdNetwork net = jet->network;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.tangent, 0, 0, 0, 0));
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const PetscBool  last = (PetscBool)(l == net->nhidden), before_last = (PetscBool)(l == net->nhidden - 1);
    const PetscBool *used = last ? jet->layout->used : NULL;
    PetscReal       *out  = last ? du : work->da[l];

    if (l == 0)
      PetscCall(ApplyFirstLayer(jet, dtheta, used, out));
    else {
      PetscCall(ApplyLayer(jet, l, theta, work->dz[l - 1], used, PETSC_FALSE, PETSC_FALSE, out));
      PetscCall(ApplyLayer(jet, l, dtheta, jet->z[l - 1], used, PETSC_TRUE, PETSC_TRUE, out));
    }
    if (last) break;
    PetscCall(PetscLogEventBegin(engd_log.activation, 0, 0, 0, 0));
    if (work->dz[l] != out) {
      PetscCall(PetscArraycpy(work->dz[l], out, ENGD_COUNT(net->layer[l].n_out, jet->layout->nchannels * jet->n)));
    }
    EngdActivationTangent(jet->layout, before_last ? jet->layout->used : NULL, net->layer[l].n_out * jet->n,
                          jet->a[l], jet->s[l], work->dz[l]);
    PetscCall(PetscLogEventEnd(engd_log.activation, 0, 0, 0, 0));
  }
  PetscCall(PetscLogEventEnd(engd_log.tangent, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetAdjoint(EngdJet jet, const PetscReal theta[], const PetscReal gu[], EngdJetWork work,
                              EngdLayerVisitor visit, void *ctx)
{
  EngdNetwork      net   = jet->network;
  const PetscReal *g     = gu;
  PetscReal       *below = work->p, *spare = work->q;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.adjoint, 0, 0, 0, 0));
  for (PetscInt l = net->nlayers - 1; l >= 0; l--) {
    const EngdLayer *layer = &net->layer[l];
    const PetscBool *used  = EngdJetLayerChannels(jet, l);

    PetscCall((*visit)(jet, l, EngdJetLayerInput(jet, l), g, ctx));
    if (l == 0) break;
    PetscCall(EngdJetLayerTranspose(jet, l, theta, g, PETSC_FALSE, below));
    PetscCall(PetscLogEventBegin(engd_log.activation, 0, 0, 0, 0));
    EngdActivationAdjoint(jet->layout, used, layer->n_in * jet->n, jet->a[l - 1], jet->s[l - 1], below);
    PetscCall(PetscLogEventEnd(engd_log.activation, 0, 0, 0, 0));
    g     = below;
    below = spare;
    spare = (PetscReal *)g;
  }
  PetscCall(PetscLogEventEnd(engd_log.adjoint, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetGradient(EngdJet jet, const PetscReal theta[], const PetscReal gu[], EngdJetWork work,
                               PetscReal gradient[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdJetAdjoint(jet, theta, gu, work, EngdJetLayerGradient, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetFillInput(EngdJet jet, PetscReal z[])
{
  const PetscInt d = jet->network->ninputs, n = jet->n;

  PetscFunctionBeginUser;
  if (jet->input) {
    PetscCall(PetscArraycpy(z, jet->input, ENGD_COUNT(d, jet->layout->nchannels * n)));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscArrayzero(z, ENGD_COUNT(d, jet->layout->nchannels * n)));
  PetscCall(PetscArraycpy(z, jet->x, ENGD_COUNT(d, n)));
  for (PetscInt c = 1; c < jet->layout->nchannels; c++) {
    if (jet->layout->channel[c].order != 1) continue;
    for (PetscInt i = 0; i < n; i++) z[ENGD_COUNT(c * n + i, d) + jet->layout->channel[c].coordinate[0]] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* derivatives of sigma that forward and tangent read: one more than the highest order of the channels; second tangents one more */
static PetscInt DerivativeCount(EngdJetLayout layout)
{
  return layout->channel[layout->nchannels - 1].order + (layout->hessian ? 2 : 1);
}

/* doubles that a jet of n points holds: a, z and s', s'', ... of each hidden layer, u, and the input jet of E(x) */
static size_t JetCount(EngdNetwork net, EngdJetLayout layout, PetscInt nderivatives, PetscInt n)
{
  size_t count = ENGD_COUNT(net->noutputs + layout->ninputs, layout->nchannels * n);

  for (PetscInt l = 0; l < net->nhidden; l++) {
    count += ENGD_COUNT(net->width[l], (2 * layout->nchannels + nderivatives) * n);
  }
  return count;
}

size_t EngdJetBytes(EngdNetwork net, EngdJetLayout layout, PetscInt n)
{
  return sizeof(PetscReal) * JetCount(net, layout, DerivativeCount(layout), n);
}

PetscErrorCode EngdJetCreate(EngdNetwork net, EngdJetLayout layout, PetscInt nmax, EngdJet *out)
{
  PetscReal *next;
  EngdJet    jet;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&jet));
  jet->network      = net;
  jet->layout       = layout;
  jet->nmax         = nmax;
  jet->nderivatives = DerivativeCount(layout);
  PetscCall(PetscMalloc1(JetCount(net, layout, jet->nderivatives, nmax), &jet->memory));
  PetscCall(PetscMalloc3(net->nhidden, &jet->a, net->nhidden, &jet->z, net->nhidden, &jet->s));
  next = jet->memory;
  for (PetscInt l = 0; l < net->nhidden; l++) {
    const size_t value = ENGD_COUNT(net->width[l], nmax), all = layout->nchannels * value;

    jet->a[l] = next;
    jet->z[l] = next + all;
    next += 2 * all;
    PetscCall(PetscMalloc1(ENGD_JET_ORDER + 3, &jet->s[l]));
    for (PetscInt k = 0; k < ENGD_JET_ORDER + 3; k++) jet->s[l][k] = jet->z[l]; /* sigma is the value channel of z */
    for (PetscInt k = 1; k <= jet->nderivatives; k++, next += value) jet->s[l][k] = next;
  }
  jet->u = next;
  if (layout->input) jet->input = next + ENGD_COUNT(net->noutputs * layout->nchannels, nmax);
  *out = jet;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetSetOutputs(EngdJet jet, PetscReal u[])
{
  PetscFunctionBeginUser;
  jet->u = u;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetDestroy(EngdJet *jet)
{
  PetscFunctionBeginUser;
  if (!*jet) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt l = 0; l < (*jet)->network->nhidden; l++) PetscCall(PetscFree((*jet)->s[l]));
  PetscCall(PetscFree3((*jet)->a, (*jet)->z, (*jet)->s));
  PetscCall(PetscFree((*jet)->memory));
  PetscCall(PetscFree(*jet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetWorkCreate(EngdNetwork net, PetscInt ncolumns, EngdJetWork *work)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(work));
  PetscCall(
      PetscMalloc2(ENGD_COUNT(net->widest, ncolumns), &(*work)->p, ENGD_COUNT(net->widest, ncolumns), &(*work)->q));
  PetscCall(PetscMalloc2(net->nhidden, &(*work)->da, net->nhidden, &(*work)->dz));
  for (PetscInt l = 0; l < net->nhidden; l++) (*work)->da[l] = (*work)->dz[l] = l % 2 ? (*work)->q : (*work)->p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetWorkDestroy(EngdJetWork *work)
{
  PetscFunctionBeginUser;
  if (!*work) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*work)->p, (*work)->q));
  PetscCall(PetscFree2((*work)->da, (*work)->dz));
  PetscCall(PetscFree2((*work)->kept, (*work)->spare));
  PetscCall(PetscFree(*work));
  PetscFunctionReturn(PETSC_SUCCESS);
}
