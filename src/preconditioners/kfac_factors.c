/*
  The Kronecker factors of KFAC for PDE residuals, per layer and group of terms.

    A = 1/(sum N S) sum_{n,s} v_n Z Z^T Z_{n,s} the input of the layer on channel s, with a bias row: 1 on the value, else 0;
                                        v_n the quadrature weight of the point over the mean one
    B = sum_{n,k,s} g g^T               g_{n,s} the cotangent of its output from row C_k of W^{1/2}, weights included

  Unknown parameters are a layer without inputs: A = 1, and B is their whole block of the metric.
  A sums over all S channels of the points, B over those that reach the output: elsewhere g = 0. Products between
  channels are dropped, which is the approximation. One adjoint pass a root and rank-k updates (SYRK) of upper
  triangles; one reduction a layer, to its owner, who keeps F <- beta F + (1 - beta) F_new. The sums of this rank before
  that are of as many layers at a time as fit into a vector of parameters, or into `room`: large networks take some passes.
  Reference: Dangel, Mueller, Zeinhofer, arXiv 2405.15603.
*/
#include "kfac.h"
#include <petscblaslapack.h>

/* The sums of this rank for the layers from begin to below end: layer l holds A, B of each group present, one after the other */
typedef struct {
  EngdKfac   *kfac;
  PetscInt    begin, end;
  PetscInt    group; /* of the block that is being summed */
  PetscReal **sum;   /* [nlayers] */
  PetscReal  *input,
      *weighted; /* (n_in, S n) the input jet of a block where it is that of x; (n_in, S n) of a layer times the roots of v */
  PetscReal *root; /* [n] those roots */
} Sums;

PetscInt EngdKfacGroup(EngdFunctional F, PetscInt term)
{
  return F->term[term].layout->nchannels > 1 ? 0 : 1;
}

/* doubles of one group's pair of factors */
static PetscInt PairSize(const EngdKfacLayer *layer)
{
  return layer->block.n * layer->block.n + layer->block.m * layer->block.m;
}

/* numbers of the sum of a layer */
static size_t SumSize(const EngdKfacLayer *layer)
{
  return ENGD_COUNT(layer->present[0] + layer->present[1], PairSize(layer));
}

/* numbers of the sums of one pass */
static size_t CountSums(const EngdKfac *kfac)
{
  size_t all = 0, largest = 0;

  for (PetscInt l = 0; l < kfac->nlayers; l++) {
    largest = PetscMax(largest, SumSize(&kfac->layer[l]));
    all += SumSize(&kfac->layer[l]);
  }
  return PetscMin(all, PetscMax(largest, PetscMax((size_t)kfac->functional->model->nparameters, kfac->room)));
}

/* Are they in scratch of the functional that no visit without a result uses? */
static PetscBool Borrows(const EngdKfac *kfac)
{
  return (PetscBool)(CountSums(kfac) <= (size_t)kfac->functional->model->nparameters);
}

size_t EngdKfacCountSums(const EngdKfac *kfac)
{
  return Borrows(kfac) ? 0 : CountSums(kfac);
}

/* where the pair of this group begins in the sum of a layer */
static PetscInt PairStart(const EngdKfacLayer *layer, PetscInt group)
{
  return group == 1 && layer->present[0] ? PairSize(layer) : 0;
}

/* upper triangle of C (n, n) += Z Z^T, Z (n, k) */
static PetscErrorCode AddOuter(PetscInt n, PetscInt k, const PetscReal Z[], PetscReal C[], PetscInt ldc)
{
  const PetscReal one = 1;
  PetscBLASInt    bn, bk, lc;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(k, &bk));
  PetscCall(PetscBLASIntCast(ldc, &lc));
  if (n == 1) {
    for (PetscInt j = 0; j < k; j++) C[0] += Z[j] * Z[j];
  } else {
    PetscCallBLAS("BLASsyrk", BLASsyrk_("U", "N", &bn, &bk, &one, Z, &bn, &one, C, &lc));
  }
  PetscCall(PetscLogFlops(1.0 * n * (n + 1) * k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* root <- sqrt(v) of the points of a block; are they not all 1 */
static PetscBool FillRoots(EngdFunctional F, const EngdBlock *block, PetscReal root[])
{
  const EngdPoints points = F->problem->term[block->term]->points;
  const PetscReal  scale  = (PetscReal)points->nglobal / points->measure;
  PetscBool        differ = PETSC_FALSE;

  for (PetscInt i = 0; i < block->n; i++) {
    root[i] = PetscSqrtReal(scale * points->weight[block->start + i]);
    if (PetscAbsReal(root[i] - 1) > 1e-12) differ = PETSC_TRUE;
  }
  return differ;
}

/* y (n_in, S n) <- root_i z_i */
static void WeightInput(PetscInt n_in, PetscInt nchannels, PetscInt n, const PetscReal root[], const PetscReal z[],
                        PetscReal y[])
{
  for (PetscInt s = 0; s < nchannels; s++) {
    for (PetscInt i = 0; i < n; i++) {
      const size_t at = ENGD_COUNT(s * n + i, n_in);

      for (PetscInt k = 0; k < n_in; k++) y[at + k] = root[i] * z[at + k];
    }
  }
}

/* A += v Z Z^T with the bias row, for the inputs of the layers on a block */
static PetscErrorCode AddInputs(Sums *sums, EngdBlock *block)
{
  EngdKfac          *kfac     = sums->kfac;
  const EngdModelJet jet      = block->jet;
  const PetscBool    weighted = FillRoots(kfac->functional, block, sums->root);

  PetscFunctionBeginUser;
  for (PetscInt l = sums->begin; l < sums->end; l++) {
    const EngdJetLayout layout = EngdModelLayerLayout(jet->model, jet->layout, l);
    const PetscInt      n_in   = kfac->layer[l].block.n - 1;
    PetscReal          *A      = sums->sum[l] + PairStart(&kfac->layer[l], sums->group);
    PetscReal          *bias   = A + ENGD_COUNT(n_in, n_in + 1);
    const PetscReal    *z;

    if (!layout) continue;
    PetscCall(EngdModelLayerInput(jet, l, sums->input, &z));
    if (weighted && n_in) {
      WeightInput(n_in, layout->nchannels, jet->n, sums->root, z, sums->weighted);
      z = sums->weighted;
    }
    if (n_in) PetscCall(AddOuter(n_in, layout->nchannels * jet->n, z, A, n_in + 1));
    for (PetscInt i = 0; i < jet->n; i++) {
      for (PetscInt k = 0; k < n_in; k++) bias[k] += sums->root[i] * z[ENGD_COUNT(i, n_in) + k];
      bias[n_in] += PetscSqr(sums->root[i]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B += g g^T: what the adjoint does at each layer */
static PetscErrorCode AddCotangents(EngdModelJet jet, PetscInt l, const PetscReal z[], const PetscReal g[],
                                    void *visitor)
{
  Sums                *sums  = (Sums *)visitor;
  const EngdKfacLayer *layer = &sums->kfac->layer[l];
  const PetscInt       n_in1 = layer->block.n, n_out = layer->block.m;
  const EngdJetLayout  layout = EngdModelLayerLayout(jet->model, jet->layout, l);
  const PetscBool     *used   = EngdModelLayerChannels(jet->model, jet->layout, l);
  PetscReal           *B;

  PetscFunctionBeginUser;
  (void)z;
  if (l < sums->begin || l >= sums->end) PetscFunctionReturn(PETSC_SUCCESS);
  B = sums->sum[l] + PairStart(layer, sums->group) + ENGD_COUNT(n_in1, n_in1);
  for (PetscInt begin = 0, end = 0; EngdJetLayoutNextRun(layout, used, &begin, &end);) {
    PetscCall(AddOuter(n_out, (end - begin) * jet->n, g + ENGD_COUNT(begin * jet->n, n_out), B, n_out));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the sums of a block; terms without roots have no part in the metric, nor here */
static PetscErrorCode AddBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  Sums    *sums = (Sums *)data;
  PetscInt nroots;

  PetscFunctionBeginUser;
  PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, block->term, &nroots));
  if (!nroots) PetscFunctionReturn(PETSC_SUCCESS);
  sums->group = EngdKfacGroup(F, block->term);
  PetscCall(AddInputs(sums, block));
  for (PetscInt k = 0; k < nroots; k++) {
    PetscCall((*F->curvature->ops->root)(F->curvature, F, block, k, work->gu));
    PetscCall(EngdModelAdjoint(block->jet, work->theta, work->gu, work->jet, AddCotangents, sums));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* numbers of the largest input of a layer on a block, the input jet included; points of the largest block */
static void MeasureInputs(EngdFunctional F, PetscInt *input, PetscInt *points)
{
  PetscInt width = 0;

  for (PetscInt l = 0; l < F->model->nlayers; l++) width = PetscMax(width, F->model->layer[l].n_in);
  *input = *points = 0;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    *input  = PetscMax(*input, F->term[F->block[b].term].layout->nchannels * F->block[b].n * width);
    *points = PetscMax(*points, F->block[b].n);
  }
}

/* sum N S of each group in the network of layer l, over all ranks */
static PetscErrorCode CountColumns(EngdFunctional F, PetscInt l, PetscReal columns[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(columns, ENGD_KFAC_GROUPS));
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    const EngdJetLayout layout = EngdModelLayerLayout(F->model, F->term[t].layout, l);
    PetscInt            nroots;

    PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, t, &nroots));
    if (!nroots || !layout) continue;
    columns[EngdKfacGroup(F, t)] += (PetscReal)F->problem->term[t]->points->nglobal * layout->nchannels;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F <- beta F + (1 - beta) scale sum */
static void Average(PetscInt n, PetscReal beta, PetscReal scale, const PetscReal sum[], PetscReal F[])
{
  for (PetscInt i = 0; i < n; i++) F[i] = beta * F[i] + (1 - beta) * scale * sum[i];
}

/* the sums of layer l of all ranks go into the moving average of its owner */
static PetscErrorCode ReduceLayer(Sums *sums, PetscInt l)
{
  EngdKfac      *kfac  = sums->kfac;
  EngdKfacLayer *layer = &kfac->layer[l];
  EngdKronecker *block = &layer->block;
  PetscReal      columns[ENGD_KFAC_GROUPS];
  PetscMPIInt    rank, count;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(kfac->functional->comm, &rank));
  PetscCall(CountColumns(kfac->functional, l, columns));
  PetscCall(PetscMPIIntCast((layer->present[0] + layer->present[1]) * PairSize(layer), &count));
  PetscCallMPI(MPI_Reduce(rank == layer->owner ? MPI_IN_PLACE : sums->sum[l], sums->sum[l], count, MPIU_REAL,
                          MPIU_SUM, layer->owner, kfac->functional->comm));
  for (PetscInt g = 0; rank == layer->owner && g < ENGD_KFAC_GROUPS; g++) {
    const PetscReal *pair = sums->sum[l] + PairStart(layer, g);

    if (!layer->present[g] || !columns[g]) continue;
    Average(block->n * block->n, kfac->ema, 1 / (block->n > 1 ? columns[g] : pair[0]), pair, block->A[g]);
    Average(block->m * block->m, kfac->ema, 1, pair + ENGD_COUNT(block->n, block->n), block->B[g]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the factors of the layers from sums->begin on, as many as have room in memory */
static PetscErrorCode UpdateSome(Sums *sums, size_t room, PetscReal memory[])
{
  EngdKfac *kfac = sums->kfac;
  size_t    size = 0;

  PetscFunctionBeginUser;
  for (sums->end = sums->begin; sums->end < kfac->nlayers; sums->end++) {
    const size_t next = SumSize(&kfac->layer[sums->end]);

    if (size + next > room) break;
    sums->sum[sums->end] = memory + size;
    size += next;
  }
  PetscCall(PetscArrayzero(memory, size));
  PetscCall(EngdFunctionalVisit(kfac->functional, "the factors of KFAC", NULL, AddBlock, sums, NULL));
  for (PetscInt l = sums->begin; l < sums->end; l++) PetscCall(ReduceLayer(sums, l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdKfacUpdateFactors(EngdKfac *kfac)
{
  const size_t    room    = CountSums(kfac);
  const PetscBool borrows = Borrows(kfac);
  Sums            sums    = {.kfac = kfac};
  PetscReal      *memory  = kfac->functional->work.sum;
  PetscInt        input, points;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.kfac_factors, 0, 0, 0, 0));
  if (!borrows) PetscCall(PetscMalloc1(room, &memory));
  MeasureInputs(kfac->functional, &input, &points);
  PetscCall(PetscMalloc4(kfac->nlayers, &sums.sum, input, &sums.input, input, &sums.weighted, points, &sums.root));
  for (; sums.begin < kfac->nlayers; sums.begin = sums.end) PetscCall(UpdateSome(&sums, room, memory));
  PetscCall(PetscFree4(sums.sum, sums.input, sums.weighted, sums.root));
  if (!borrows) PetscCall(PetscFree(memory));
  PetscCall(PetscLogEventEnd(engd_log.kfac_factors, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
