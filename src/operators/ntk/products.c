/*
  The kernel of two sets of points, layer by layer. With z the input of a layer and g the cotangent of its output on
  channel s, what the layer has of two rows of A is <sum_s g_s z_s^T, sum_t g'_t z'_t^T>, so that

    rows            K_nm += vec(g z^T)_n . vec(g' z'^T)_m                           one product of inner length n_in n_out
    Gram matrices   K_nm += sum_{s,t} (Z_s^T Z'_t)_nm (g_s^T g'_t)_nm               two products of S^2 times the size

  and the bias adds 1 to Z^T Z' on the value channel. Gram matrices cost S^2 (n_in + n_out) a pair of points, rows
  n_in n_out. Local: what other ranks have of their points has come in `other`.
  Reference: layer-wise kernels of Novak, Sohl-Dickstein, Schoenholz, Fast finite width neural tangent kernel (2206.08720).
*/
#include "ntk.h"
#include <petscblaslapack.h>

typedef struct {
  EngdNTK  kernel;
  PetscInt group, patch, root; /* of what is being saved */
} Saved;

PetscInt EngdNTKChannels(EngdNTK kernel, PetscInt term, PetscInt l)
{
  return EngdModelLayerChannelCount(kernel->F->model, kernel->F->term[term].layout, l);
}

/* Y (m, columns) <- the channels of X that enter at layer l, side by side */
static PetscErrorCode CopyChannels(EngdModelJet jet, PetscInt l, PetscInt m, const PetscReal X[], PetscReal Y[])
{
  const EngdJetLayout layout = EngdModelLayerLayout(jet->model, jet->layout, l);
  const PetscBool    *used   = EngdModelLayerChannels(jet->model, jet->layout, l);

  PetscFunctionBeginUser;
  for (PetscInt begin = 0, end = 0; EngdJetLayoutNextRun(layout, used, &begin, &end);) {
    const size_t count = ENGD_COUNT(m, (end - begin) * jet->n);

    PetscCall(PetscArraycpy(Y, X + ENGD_COUNT(m, begin * jet->n), count));
    Y += count;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows (p_l, n): at each point the sum over channels of g z^T, whose columns stand n apart, and the bias */
static PetscErrorCode WriteRows(EngdModelJet jet, PetscInt l, PetscInt p, const PetscReal z[], const PetscReal g[],
                                PetscReal rows[])
{
  const EngdLayer     layer = jet->model->layer[l];
  const PetscInt      n = jet->n, n_in = layer.n_in, n_out = layer.n_out;
  const EngdJetLayout layout = EngdModelLayerLayout(jet->model, jet->layout, l);
  const PetscBool    *used   = EngdModelLayerChannels(jet->model, jet->layout, l);

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(rows, ENGD_COUNT(p, n)));
  for (PetscInt i = 0; i < n; i++, rows += p) {
    for (PetscInt begin = 0, end = 0; n_in && EngdJetLayoutNextRun(layout, used, &begin, &end);) {
      const PetscReal *gi = g + ENGD_COUNT(begin * n + i, n_out), *zi = z + ENGD_COUNT(begin * n + i, n_in);

      PetscCall(EngdGemm("N", "T", n_out, n_in, end - begin, gi, n * n_out, zi, n * n_in, 1, rows, n_out));
    }
    if (used && !used[0]) continue;
    PetscCall(PetscArraycpy(rows + ENGD_COUNT(n_in, n_out), g + ENGD_COUNT(i, n_out), n_out));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z and g of a root of a patch, behind the rows of all patches */
static PetscErrorCode SaveFactors(const Saved *saved, EngdModelJet jet, PetscInt l, const PetscReal z[],
                                  const PetscReal g[])
{
  EngdNTK          kernel = saved->kernel;
  const EngdLayer *layer  = &kernel->F->model->layer[l];
  const EngdPatch *patch  = &kernel->patch[saved->patch];
  const PetscInt   start = kernel->patch_start[kernel->rank], end = kernel->patch_start[kernel->rank + 1];
  PetscReal       *Z = kernel->at[l] + EngdNTKRowsSize(kernel, kernel->rank, l), *G = Z;

  PetscFunctionBeginUser;
  for (PetscInt b = start; b < end; b++) {
    if (b < saved->patch) Z += EngdNTKInputCount(kernel, &kernel->patch[b], l);
    G += EngdNTKInputCount(kernel, &kernel->patch[b], l);
  }
  for (PetscInt b = start; b < saved->patch; b++) G += EngdNTKOutputCount(kernel, &kernel->patch[b], l);
  G += EngdNTKOutputCount(kernel, patch, l) / (size_t)kernel->roots[patch->term] * (size_t)saved->root;
  if (saved->root == 0) PetscCall(CopyChannels(jet, l, layer->n_in, z, Z));
  PetscCall(CopyChannels(jet, l, layer->n_out, g, G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the adjoint of one root does at each layer */
static PetscErrorCode SaveLayer(EngdModelJet jet, PetscInt l, const PetscReal z[], const PetscReal g[], void *data)
{
  const Saved     *saved  = (const Saved *)data;
  EngdNTK          kernel = saved->kernel;
  const EngdPatch *patch  = &kernel->patch[saved->patch];

  PetscFunctionBeginUser;
  if (l < kernel->group[saved->group] || l >= kernel->group[saved->group + 1]) PetscFunctionReturn(PETSC_SUCCESS);
  if (!z) PetscCall(EngdModelLayerInput(jet, l, kernel->input, &z));
  if (EngdNTKKeepsRows(kernel, l, patch->term)) {
    const PetscInt p  = EngdNTKLayerParameters(kernel, l);
    const PetscInt at = EngdNTKKeptRows(kernel, kernel->rank, l, saved->patch - kernel->patch_start[kernel->rank]);

    PetscCall(WriteRows(jet, l, p, z, g, kernel->at[l] + ENGD_COUNT(at + saved->root * patch->n, p)));
  }
  if (EngdNTKKeepsFactors(kernel, l, patch->term)) PetscCall(SaveFactors(saved, jet, l, z, g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the roots of a block, one adjoint pass each */
static PetscErrorCode SaveBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  Saved  *saved  = (Saved *)data;
  EngdNTK kernel = saved->kernel;

  PetscFunctionBeginUser;
  for (saved->root = 0; saved->root < kernel->roots[block->term]; saved->root++) {
    PetscCall((*F->curvature->ops->root)(F->curvature, F, block, saved->root, work->gu));
    PetscCall(EngdModelAdjoint(block->jet, work->theta, work->gu, work->jet, SaveLayer, saved));
  }
  saved->patch++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is there a term whose rows of a layer stay zero, since it does not read the network of the layer */
static PetscBool HasZeroRows(EngdNTK kernel, PetscInt l)
{
  for (PetscInt t = 0; t < kernel->nterms; t++) {
    if (kernel->points[t] && EngdNTKKeepsRows(kernel, l, t) && !EngdNTKChannels(kernel, t, l)) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

PetscErrorCode EngdNTKSave(EngdNTK kernel, PetscInt group)
{
  Saved      saved = {.kernel = kernel, .group = group, .patch = kernel->patch_start[kernel->rank]};
  PetscReal *next  = kernel->own;

  PetscFunctionBeginUser;
  for (PetscInt l = kernel->group[group]; l < kernel->group[group + 1]; l++) {
    kernel->at[l] = next;
    if (HasZeroRows(kernel, l)) PetscCall(PetscArrayzero(next, EngdNTKRowsSize(kernel, kernel->rank, l)));
    next += EngdNTKLayerSize(kernel, kernel->rank, l);
  }
  PetscCall(EngdFunctionalVisit(kernel->F, "a kernel", NULL, SaveBlock, &saved, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C (m, n) = X^T Y + beta C with X (k, m), Y (k, n), or its upper triangle */
static PetscErrorCode MultiplyTransposed(PetscInt m, PetscInt n, PetscInt k, const PetscReal X[], const PetscReal Y[],
                                         PetscReal beta, PetscBool upper, PetscInt ld, PetscReal C[])
{
  const PetscReal one = 1;
  PetscBLASInt    bn, bk, lk, bl;

  PetscFunctionBeginUser;
  if (!upper) {
    PetscCall(EngdGemm("T", "N", m, n, k, X, k, Y, k, beta, C, ld));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(k, &bk));
  PetscCall(PetscBLASIntCast(PetscMax(k, 1), &lk));
  PetscCall(PetscBLASIntCast(ld, &bl));
  PetscCallBLAS("BLASsyrk", BLASsyrk_("U", "T", &bn, &bk, &one, X, &lk, &beta, C, &bl));
  PetscCall(PetscLogFlops(1.0 * m * n * k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C_ij += sum_{s,t} zz_{si,tj} gg_{si,tj}, i < m, j < n, s < S, t < T, with rows of C ld apart */
static void Fold(PetscInt S, PetscInt m, PetscInt T, PetscInt n, const PetscReal zz[], const PetscReal gg[],
                 PetscInt ld, PetscReal C[])
{
  for (PetscInt j = 0; j < n; j++) {
    PetscReal *restrict c = C + ENGD_COUNT(j, ld);

    for (PetscInt t = 0; t < T; t++) {
      for (PetscInt s = 0; s < S; s++) {
        const size_t at             = ENGD_COUNT(t * n + j, S * m) + ENGD_COUNT(s, m);
        const PetscReal *restrict z = zz + at, *restrict g = gg + at;

        for (PetscInt i = 0; i < m; i++) c[i] += z[i] * g[i];
      }
    }
  }
}

/* z and g of a patch at a layer, and how many columns z has */
typedef struct {
  const EngdPatch *patch;
  PetscInt         nchannels;
  const PetscReal *z, *g;
} Factors;

/* one layer of two patches by Gram matrices; C is that of all patches */
static PetscErrorCode AddPair(EngdNTK kernel, PetscInt l, const Factors *a, const Factors *b, PetscInt ld,
                              PetscReal C[])
{
  const EngdModel  model = kernel->F->model;
  const EngdLayer *layer = &model->layer[l];
  const PetscBool *aused = EngdModelLayerChannels(model, kernel->F->term[a->patch->term].layout, l),
                  *bused = EngdModelLayerChannels(model, kernel->F->term[b->patch->term].layout, l);
  const PetscInt na = a->patch->n, nb = b->patch->n, m = a->nchannels * na, n = b->nchannels * nb;
  const PetscInt aroots = kernel->roots[a->patch->term], broots = kernel->roots[b->patch->term];

  PetscFunctionBeginUser;
  if (!a->nchannels || !b->nchannels) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MultiplyTransposed(m, n, layer->n_in, a->z, b->z, 0, PETSC_FALSE, m, kernel->zz));
  if ((!aused || aused[0]) && (!bused || bused[0])) {
    for (PetscInt j = 0; j < nb; j++) {
      for (PetscInt i = 0; i < na; i++) kernel->zz[ENGD_COUNT(j, m) + i] += 1;
    }
  }
  for (PetscInt k = 0; k < broots; k++) {
    for (PetscInt j = 0; j < aroots; j++) {
      PetscCall(MultiplyTransposed(m, n, layer->n_out, a->g + ENGD_COUNT(j * m, layer->n_out),
                                   b->g + ENGD_COUNT(k * n, layer->n_out), 0, PETSC_FALSE, m, kernel->gg));
      Fold(a->nchannels, na, b->nchannels, nb, kernel->zz, kernel->gg, ld,
           C + ENGD_COUNT(b->patch->row + k * nb, ld) + a->patch->row + j * na);
    }
  }
  PetscCall(PetscLogFlops(2.0 * aroots * broots * m * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the patches of a span at layer l, the z and g of whose rank begin at X */
static void FindFactors(EngdNTK kernel, const EngdNTKSpan *span, PetscInt l, const PetscReal X[], Factors factors[])
{
  const EngdPatch *patch = &kernel->patch[kernel->patch_start[span->rank]];
  const PetscInt   n     = EngdNTKPatches(kernel, span->rank);

  for (PetscInt b = 0; b < n; X += EngdNTKInputCount(kernel, &patch[b], l), b++) {
    if (b < span->begin || b >= span->end) continue;
    factors[b - span->begin] = (Factors){&patch[b], EngdNTKChannels(kernel, patch[b].term, l), X, NULL};
  }
  for (PetscInt b = 0; b < span->end; X += EngdNTKOutputCount(kernel, &patch[b], l), b++) {
    if (b >= span->begin) factors[b - span->begin].g = X;
  }
}

/* where z and g of rank r begin in what it sent of a layer, X */
static const PetscReal *FactorsIn(EngdNTK kernel, PetscMPIInt r, PetscInt l, const PetscReal X[])
{
  return X + EngdNTKSentSize(kernel, r, l) - EngdNTKFactorsSize(kernel, r, l);
}

/* a layer by Gram matrices, pair by pair of patches */
static PetscErrorCode AddGram(EngdNTK kernel, PetscInt l, const EngdNTKSpan *a, const EngdNTKSpan *b, PetscInt ld,
                              PetscReal C[])
{
  const PetscBool same = (PetscBool)(a->rank == b->rank && a->begin == b->begin);
  Factors        *fa, *fb;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(a->end - a->begin, &fa, b->end - b->begin, &fb));
  FindFactors(kernel, a, l, FactorsIn(kernel, a->rank, l, kernel->x[l]), fa);
  FindFactors(kernel, b, l, FactorsIn(kernel, b->rank, l, kernel->y[l]), fb);
  for (PetscInt j = 0; j < b->end - b->begin; j++) {
    for (PetscInt i = 0; i < (same ? j + 1 : a->end - a->begin); i++)
      PetscCall(AddPair(kernel, l, &fa[i], &fb[j], ld, C));
  }
  PetscCall(PetscFree2(fa, fb));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows of a layer (k, rows kept) of a rank, those of a span */
static const PetscReal *RowsOf(EngdNTK kernel, const EngdNTKSpan *span, PetscInt l, PetscInt k, const PetscReal X[])
{
  return X + ENGD_COUNT(EngdNTKKeptRows(kernel, span->rank, l, span->begin), k);
}

/* a layer by rows in float64: all of them, or of those in float32 their directions, which are behind */
static PetscErrorCode AddRows(EngdNTK kernel, PetscInt l, const EngdNTKSpan *a, const EngdNTKSpan *b, PetscInt ld,
                              PetscReal C[])
{
  const PetscBool single = EngdNTKIsSingle(kernel, l);
  const PetscInt  row = EngdNTKRowOf(kernel, a->rank, a->begin), m = EngdNTKRowOf(kernel, a->rank, a->end) - row;
  const PetscInt column = EngdNTKRowOf(kernel, b->rank, b->begin), n = EngdNTKRowOf(kernel, b->rank, b->end) - column;
  const PetscInt k   = single ? kernel->directions : EngdNTKLayerParameters(kernel, l);
  const PetscReal *X = kernel->x[l], *Y = kernel->y[l];

  PetscFunctionBeginUser;
  if (!k) PetscFunctionReturn(PETSC_SUCCESS);
  if (single) {
    X += EngdNTKHalf(EngdNTKRowsSize(kernel, a->rank, l));
    Y += EngdNTKHalf(EngdNTKRowsSize(kernel, b->rank, l));
  }
  PetscCall(MultiplyTransposed(m, n, k, RowsOf(kernel, a, l, k, X), RowsOf(kernel, b, l, k, Y), 1,
                               (PetscBool)(a->rank == b->rank && a->begin == b->begin), ld,
                               C + ENGD_COUNT(column, ld) + row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all layers of a group of the points of two spans */
static PetscErrorCode AddSpans(EngdNTK kernel, PetscInt group, const EngdNTKSpan *a, const EngdNTKSpan *b,
                               PetscInt ld, PetscReal C[])
{
  const PetscInt t = kernel->patch[kernel->patch_start[a->rank] + a->begin].term;
  const PetscInt u = kernel->patch[kernel->patch_start[b->rank] + b->begin].term;

  PetscFunctionBeginUser;
  for (PetscInt l = kernel->group[group]; l < kernel->group[group + 1]; l++) {
    if (EngdNTKByGram(kernel, l, t, u))
      PetscCall(AddGram(kernel, l, a, b, ld, C));
    else
      PetscCall(AddRows(kernel, l, a, b, ld, C));
  }
  PetscCall(EngdNTKAddSingle(kernel, group, a, b, ld, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the span that begins at a patch, up to `end` */
static EngdNTKSpan SpanFrom(EngdNTK kernel, PetscMPIInt r, PetscInt begin, PetscInt end)
{
  const EngdPatch *patch = &kernel->patch[kernel->patch_start[r]];
  EngdNTKSpan      span  = {r, begin, begin + 1};

  while (span.end < end && EngdNTKIsAlike(kernel, patch[begin].term, patch[span.end].term)) span.end++;
  return span;
}

PetscErrorCode EngdNTKAddProducts(EngdNTK kernel, PetscInt group, const EngdNTKPart *part, PetscInt ld, PetscReal C[])
{
  const PetscBool  self = (PetscBool)(part->other == part->rank);
  const PetscReal *X = kernel->own, *Y = self ? X : kernel->other;
  EngdNTKSpan      a, b;

  PetscFunctionBeginUser;
  for (PetscInt l = kernel->group[group]; l < kernel->group[group + 1]; l++) {
    kernel->x[l] = X;
    kernel->y[l] = Y;
    X += EngdNTKSentSize(kernel, part->rank, l);
    Y += EngdNTKSentSize(kernel, part->other, l);
  }
  for (PetscInt j = 0; j < part->other_end; j = b.end) {
    b = SpanFrom(kernel, part->other, j, part->other_end);
    for (PetscInt i = part->begin; i < (self ? b.end : part->end); i = a.end) {
      a = SpanFrom(kernel, part->rank, i, part->end);
      PetscCall(AddSpans(kernel, group, &a, &b, ld, C));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
