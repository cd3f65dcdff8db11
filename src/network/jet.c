/*
  Jets of the network: forward, tangent (JVP) and adjoint (VJP) passes over a block of points, piece by piece (pieces.c).

    A = W Z + b (b on the value channel),  Z = sigma(A) as jets,  products and sums of jets
    tangent  dA = W dZ + dW Z + db
    adjoint  gZ = W^T gA,  gW += gA Z^T,  gb += the value channel of gA

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
static PetscErrorCode ApplyToInput(EngdJet jet, PetscInt l, const PetscReal theta[], PetscReal A[])
{
  const EngdLayer *layer  = &jet->network->layer[l];
  EngdJetLayout    layout = jet->layout;
  const PetscInt   m = layer->n_out, n = jet->n;
  const PetscReal *W = theta + layer->offset;

  PetscFunctionBeginUser;
  PetscCall(EngdGemm("N", "N", m, n, layer->n_in, W, m, jet->x, layer->n_in, 0, A, m));
  AddBias(layer, theta, n, A);
  for (PetscInt c = 1; c < layout->nchannels; c++) {
    PetscReal *Ac = A + ENGD_COUNT(c, ENGD_COUNT(m, n));

    if (layout->channel[c].order == 1 && layout->channel[c].coordinate[0] >= layout->dim) {
      PetscCall(EngdJetDirectionMultiply(jet, c, m, W, Ac));
    } else if (layout->channel[c].order == 1) {
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

/* A = W Z + b of a piece on the channels marked used (NULL: all) */
static PetscErrorCode ApplyPiece(EngdJet jet, const EngdNetworkPiece *piece, const PetscReal theta[], PetscBool add,
                                 PetscReal A[])
{
  const PetscReal *z = EngdJetLayerInput(jet, piece->layer);

  PetscFunctionBeginUser;
  if (z)
    PetscCall(ApplyLayer(jet, piece->layer, theta, z, EngdJetLayerChannels(jet, piece->layer), PETSC_TRUE, add, A));
  else
    PetscCall(ApplyToInput(jet, piece->layer, theta, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const PetscBool *EngdJetLayerChannels(EngdJet jet, PetscInt l)
{
  return EngdNetworkLayerChannels(jet->network, jet->layout, l);
}

const PetscBool *EngdNetworkLayerChannels(EngdNetwork net, EngdJetLayout layout, PetscInt l)
{
  if (!net->layer[l].n_in) return layout->value;
  return l == net->nlayers - 1 ? layout->used : NULL;
}

const PetscReal *EngdJetLayerInput(EngdJet jet, PetscInt l)
{
  const PetscInt from = jet->network->layer[l].from;

  return from >= 0 ? jet->slot[from] : from == ENGD_SLOT_INPUT ? jet->input : NULL;
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
  else if (n_in) {
    if (!used || used[0]) PetscCall(EngdGemm("N", "T", n_out, n_in, n, g, n_out, jet->x, n_in, 1, gW, n_out));
    for (PetscInt c = 1; c < jet->layout->nchannels; c++) {
      const PetscReal *gc = g + ENGD_COUNT(c * n, n_out);

      if ((used && !used[c]) || jet->layout->channel[c].order != 1) continue;
      if (jet->layout->channel[c].coordinate[0] >= jet->layout->dim) {
        PetscCall(EngdJetDirectionAddGradient(jet, c, n_out, gc, gW));
        continue;
      }
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

/* numbers of one channel of a slot */
static PetscInt SlotCount(EngdJet jet, PetscInt slot)
{
  return jet->network->slot[slot].width * jet->n;
}

const PetscBool *EngdJetSlotChannels(EngdJet jet, PetscInt slot)
{
  return jet->network->slot[slot].narrow ? jet->layout->used : NULL;
}

void EngdJetAdd(EngdJet jet, PetscInt slot, const PetscBool used[], PetscReal factor, const PetscReal in[],
                PetscReal out[])
{
  const PetscInt count = SlotCount(jet, slot);

  for (PetscInt begin = 0, end = 0; EngdJetLayoutNextRun(jet->layout, used, &begin, &end);) {
    const size_t stop = ENGD_COUNT(end, count);

    for (size_t k = ENGD_COUNT(begin, count); k < stop; k++) out[k] += factor * in[k];
  }
}

/* out = factor in on the channels marked used */
static void Multiply(EngdJet jet, PetscInt slot, const PetscBool used[], PetscReal factor, const PetscReal in[],
                     PetscReal out[])
{
  const PetscInt count = SlotCount(jet, slot);

  for (PetscInt begin = 0, end = 0; EngdJetLayoutNextRun(jet->layout, used, &begin, &end);) {
    const size_t stop = ENGD_COUNT(end, count);

    for (size_t k = ENGD_COUNT(begin, count); k < stop; k++) out[k] = factor * in[k];
  }
}

/* EngdActivate - s[k] = sigma^(k)(a), k = 0..order. Of what is no number they are none: vectors of tanh made for speed clamp their
   arguments, NaN too, and a network would make a finite number of it. Not collective */
void EngdActivate(EngdActivationFn sigma, PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[])
{
  PetscInt bad = 0;

  sigma(n, a, order, s);
  for (PetscInt i = 0; i < n; i++) bad |= a[i] != a[i];
  if (!bad) return;
  for (PetscInt k = 0; k <= order; k++) {
    for (PetscInt i = 0; i < n; i++)
      if (a[i] != a[i]) s[k][i] = a[i];
  }
}

/* a piece that is not linear */
static void ForwardPiece(EngdJet jet, const EngdNetworkPiece *piece, const PetscReal theta[])
{
  const EngdNetwork net   = jet->network;
  const PetscInt    count = SlotCount(jet, piece->out);
  const PetscReal  *in    = jet->slot[piece->in];
  PetscReal        *out   = jet->slot[piece->out];

  if (piece->kind == ENGD_PIECE_ACTIVATE) {
    EngdActivate(net->activate, count, in, jet->nderivatives, jet->s[piece->out]);
    EngdActivationForward(jet->layout, count, in, jet->s[piece->out], out);
  } else if (piece->kind == ENGD_PIECE_SCALE) {
    Multiply(jet, piece->out, NULL, piece->factor * theta[net->layer[piece->layer].offset], in, out);
  } else if (piece->kind == ENGD_PIECE_MULTIPLY) {
    EngdProductForward(jet->layout, count, in, jet->slot[piece->with], out);
  } else {
    EngdJetAdd(jet, piece->out, NULL, piece->factor, in, out);
  }
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
  if (jet->layout->nrandom) PetscCall(EngdJetDirectionSetUp(jet));
  for (PetscInt k = 0; k < net->npieces; k++) {
    const EngdNetworkPiece *piece = &net->piece[k];

    if (piece->kind == ENGD_PIECE_LINEAR) {
      PetscCall(ApplyPiece(jet, piece, theta, PETSC_FALSE, jet->slot[piece->out]));
    } else {
      PetscCall(PetscLogEventBegin(engd_log.activation, 0, 0, 0, 0));
      ForwardPiece(jet, piece, theta);
      PetscCall(PetscLogEventEnd(engd_log.activation, 0, 0, 0, 0));
    }
  }
  PetscCall(PetscLogEventEnd(engd_log.forward, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the tangent of a piece that is not linear; that of what it takes over is where its own will be, unless all are kept */
static PetscErrorCode TangentPiece(EngdJet jet, const EngdNetworkPiece *piece, const PetscReal theta[],
                                   const PetscReal dtheta[], EngdJetWork work)
{
  const PetscInt   count = SlotCount(jet, piece->out);
  const PetscBool *used  = EngdJetSlotChannels(jet, piece->out);
  const PetscReal *in = jet->slot[piece->in], *din = work->d[piece->in];
  PetscReal       *dout = work->d[piece->out];

  PetscFunctionBeginUser;
  if (piece->kind == ENGD_PIECE_ACTIVATE) {
    if (dout != din) PetscCall(PetscArraycpy(dout, din, ENGD_COUNT(count, jet->layout->nchannels)));
    EngdActivationTangent(jet->layout, used, count, in, jet->s[piece->out], dout);
  } else if (piece->kind == ENGD_PIECE_SCALE) {
    const PetscInt at = jet->network->layer[piece->layer].offset;

    Multiply(jet, piece->out, used, piece->factor * theta[at], din, dout);
    EngdJetAdd(jet, piece->out, used, piece->factor * dtheta[at], in, dout);
  } else if (piece->kind == ENGD_PIECE_MULTIPLY) {
    EngdProductTangent(jet->layout, count, in, jet->slot[piece->with], din, work->d[piece->with], used, dout);
  } else {
    EngdJetAdd(jet, piece->out, used, piece->factor, din, dout);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetTangent(EngdJet jet, const PetscReal theta[], const PetscReal dtheta[], EngdJetWork work,
                              PetscReal du[])
{
  EngdNetwork net = jet->network;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.tangent, 0, 0, 0, 0));
  work->d[net->nslots - 1] = du;
  for (PetscInt k = 0; k < net->npieces; k++) {
    const EngdNetworkPiece *piece = &net->piece[k];

    if (piece->kind == ENGD_PIECE_LINEAR) {
      const PetscBool inner = (PetscBool)(piece->in != ENGD_SLOT_INPUT);

      if (inner)
        PetscCall(ApplyLayer(jet, piece->layer, theta, work->d[piece->in], EngdJetLayerChannels(jet, piece->layer),
                             PETSC_FALSE, PETSC_FALSE, work->d[piece->out]));
      PetscCall(ApplyPiece(jet, piece, dtheta, inner, work->d[piece->out]));
    } else {
      PetscCall(PetscLogEventBegin(engd_log.activation, 0, 0, 0, 0));
      PetscCall(TangentPiece(jet, piece, theta, dtheta, work));
      PetscCall(PetscLogEventEnd(engd_log.activation, 0, 0, 0, 0));
    }
  }
  PetscCall(PetscLogEventEnd(engd_log.tangent, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetBeginCotangent(EngdJet jet, PetscInt slot, const PetscBool used[], PetscReal g[])
{
  const PetscInt count = SlotCount(jet, slot);

  PetscFunctionBeginUser;
  if (!used || EngdJetSlotChannels(jet, slot)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt c = 0; c < jet->layout->nchannels; c++) {
    if (!used[c]) PetscCall(PetscArrayzero(g + ENGD_COUNT(c, count), count));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void EngdJetFactorCotangent(EngdJet jet, const EngdNetworkPiece *piece, const PetscReal in[], const PetscReal g[],
                            PetscBool add, PetscReal sum[])
{
  const PetscInt   width = jet->network->slot[piece->out].width, n = jet->n;
  const PetscBool *used = EngdJetSlotChannels(jet, piece->out);

  for (PetscInt i = 0; i < n; i++) {
    PetscReal dot = 0;

    for (PetscInt c = 0; c < jet->layout->nchannels; c++) {
      const size_t at = ENGD_COUNT(c * n + i, width);

      if (used && !used[c]) continue;
      for (PetscInt k = 0; k < width; k++) dot += in[at + k] * g[at + k];
    }
    sum[i] = (add ? sum[i] : 0) + piece->factor * dot;
  }
}

PetscErrorCode EngdJetAdjointPiece(EngdJet jet, const EngdNetworkPiece *piece, const PetscReal theta[],
                                   PetscReal *const g[])
{
  const PetscInt   count = SlotCount(jet, piece->out);
  const PetscBool *used  = EngdJetSlotChannels(jet, piece->out);

  PetscFunctionBeginUser;
  if (piece->kind == ENGD_PIECE_ACTIVATE) {
    EngdActivationAdjoint(jet->layout, used, count, jet->slot[piece->in], jet->s[piece->out], g[piece->out]);
  } else if (piece->kind == ENGD_PIECE_SCALE) {
    Multiply(jet, piece->out, used, piece->factor * theta[jet->network->layer[piece->layer].offset], g[piece->out],
             g[piece->in]);
    PetscCall(EngdJetBeginCotangent(jet, piece->in, used, g[piece->in]));
  } else if (piece->kind == ENGD_PIECE_MULTIPLY) {
    EngdProductAdjoint(jet->layout, count, jet->slot[piece->in], used, g[piece->out], piece->adds, g[piece->with]);
    EngdProductAdjoint(jet->layout, count, jet->slot[piece->with], used, g[piece->out], PETSC_FALSE, g[piece->in]);
  } else if (piece->adds) {
    EngdJetAdd(jet, piece->out, used, piece->factor, g[piece->out], g[piece->in]);
  } else {
    Multiply(jet, piece->out, used, piece->factor, g[piece->out], g[piece->in]);
    PetscCall(EngdJetBeginCotangent(jet, piece->in, used, g[piece->in]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetAdjoint(EngdJet jet, const PetscReal theta[], const PetscReal gu[], EngdJetWork work,
                              EngdLayerVisitor visit, void *ctx)
{
  EngdNetwork net = jet->network;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.adjoint, 0, 0, 0, 0));
  for (PetscInt k = net->npieces - 1; k >= 0; k--) {
    const EngdNetworkPiece *piece = &net->piece[k];
    const PetscReal        *g     = k == net->npieces - 1 ? gu : work->g[piece->out];

    if (piece->kind == ENGD_PIECE_LINEAR) {
      PetscCall((*visit)(jet, piece->layer, EngdJetLayerInput(jet, piece->layer), g, ctx));
      if (piece->in == ENGD_SLOT_INPUT) continue;
      PetscCall(EngdJetLayerTranspose(jet, piece->layer, theta, g, piece->adds, work->g[piece->in]));
      if (piece->adds) continue;
      PetscCall(EngdJetBeginCotangent(jet, piece->in, EngdJetLayerChannels(jet, piece->layer), work->g[piece->in]));
      continue;
    }
    if (piece->kind == ENGD_PIECE_SCALE) {
      EngdJetFactorCotangent(jet, piece, jet->slot[piece->in], g, PETSC_FALSE, work->factor);
      PetscCall((*visit)(jet, piece->layer, NULL, work->factor, ctx));
    }
    PetscCall(PetscLogEventBegin(engd_log.activation, 0, 0, 0, 0));
    PetscCall(EngdJetAdjointPiece(jet, piece, theta, work->g));
    PetscCall(PetscLogEventEnd(engd_log.activation, 0, 0, 0, 0));
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
    if (jet->layout->channel[c].coordinate[0] >= d) {
      EngdJetDirectionFill(jet, c, z + ENGD_COUNT(c * n, d));
      continue;
    }
    for (PetscInt i = 0; i < n; i++) z[ENGD_COUNT(c * n + i, d) + jet->layout->channel[c].coordinate[0]] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
