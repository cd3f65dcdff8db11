/*
  The channels of a jet: which derivatives of the outputs travel through the layers.

  A layout holds the value, the first derivatives and the channels of higher order that a set of jet entries needs, with all
  that enters their Faa di Bruno formula on the way (Constantine & Savits, Trans. AMS 348, 1996): the sum over partitions of
  the derivatives d_i d_j ... into blocks, each block a channel. d_i d_j needs d_i and d_j. A Laplacian travels as one
  channel (forward Laplacian, arXiv 2307.08214), and so do its derivatives and lap lap: where both derivatives of a Laplacian
  are in one block, so is its sum; where they part, the sum is written out:

    lap lap: a_i (lap a)_i,  (lap a)^2,  a_ij^2;  a_i^2 lap a,  a_i a_j a_ij;  a_i^2 a_j^2,  summed over i and j

  so that in two dimensions it takes ten channels. Random dimensions take the place of the coordinates in the sum where there are any. Channels are sorted by order: what a channel is made of stands before it.
*/
#include <engd/private.h>

/* one product of the formula: its factors, not yet numbered as channels */
typedef struct {
  PetscInt     degree;
  EngdJetEntry factor[ENGD_JET_ORDER];
} Product;

/* what first derivatives may be along: coordinates, random dimensions, vectors made of x */
static PetscInt DirectionCount(EngdJetLayout layout)
{
  return layout->dim + layout->nrandom + layout->ndirections;
}

/* index of the channel that carries this derivative, or -1 */
static PetscInt FindChannel(EngdJetLayout layout, const EngdJetEntry *entry)
{
  for (PetscInt c = 0; c < layout->nchannels; c++) {
    const EngdChannel *channel = &layout->channel[c];
    PetscBool          same = (PetscBool)(channel->order == entry->order && channel->laplacian == entry->laplacian);

    for (PetscInt k = 0; same && k < entry->order - 2 * entry->laplacian; k++) {
      same = (PetscBool)(channel->coordinate[k] == entry->coordinate[k]);
    }
    if (same) return c;
  }
  return -1;
}

/* d_coordinate of the factor, whose coordinates stay ascending */
static void AddCoordinate(EngdJetEntry *factor, PetscInt coordinate)
{
  PetscInt k = factor->order++ - 2 * factor->laplacian;

  for (; k > 0 && factor->coordinate[k - 1] > coordinate; k--) factor->coordinate[k] = factor->coordinate[k - 1];
  factor->coordinate[k] = coordinate;
}

/* The product of one partition: slot s is in block[s]; Laplacian j, of the slots 2 j and 2 j + 1, has the index[j] where they part */
static Product MakeProduct(EngdJetLayout layout, const EngdJetEntry *entry, const PetscInt block[],
                           const PetscInt index[])
{
  const PetscInt from    = layout->nrandom ? layout->dim : 0; /* random dimensions stand behind the coordinates */
  Product        product = {0};

  for (PetscInt s = 0; s < entry->order; s++) product.degree = PetscMax(product.degree, block[s] + 1);
  for (PetscInt j = 0; j < entry->laplacian; j++) {
    if (block[2 * j] != block[2 * j + 1]) continue;
    product.factor[block[2 * j]].laplacian++;
    product.factor[block[2 * j]].order += 2;
  }
  for (PetscInt s = 0; s < entry->order; s++) {
    if (s >= 2 * entry->laplacian)
      AddCoordinate(&product.factor[block[s]], entry->coordinate[s - 2 * entry->laplacian]);
    else if (block[s] != block[s ^ 1])
      AddCoordinate(&product.factor[block[s]], from + index[s / 2]);
  }
  return product;
}

/* the next choice of the indices of the Laplacians that part, the last one fastest; false after the last choice */
static PetscBool NextIndex(EngdJetLayout layout, const EngdJetEntry *entry, const PetscInt block[], PetscInt index[])
{
  const PetscInt n = layout->nrandom ? layout->nrandom : layout->nspace;

  for (PetscInt j = entry->laplacian - 1; j >= 0; j--) {
    if (block[2 * j] == block[2 * j + 1]) continue;
    if (++index[j] < n) return PETSC_TRUE;
    index[j] = 0;
  }
  return PETSC_FALSE;
}

/* the next partition of n slots: block[0] = 0, and block[s] is at most one more than those before it; false after the last */
static PetscBool NextPartition(PetscInt n, PetscInt block[])
{
  for (PetscInt s = n - 1; s > 0; s--) {
    PetscInt most = 0;

    for (PetscInt r = 0; r < s; r++) most = PetscMax(most, block[r] + 1);
    if (++block[s] <= most) return PETSC_TRUE;
    block[s] = 0;
  }
  return PETSC_FALSE;
}

/* all products of two factors and more, equal ones as often as they come; product NULL: their number alone */
static PetscInt Expand(EngdJetLayout layout, const EngdJetEntry *entry, Product product[])
{
  PetscInt block[ENGD_JET_ORDER] = {0}, index[ENGD_JET_ORDER] = {0}, n = 0;

  while (NextPartition(entry->order, block)) {
    do {
      if (product) product[n] = MakeProduct(layout, entry, block, index);
      n++;
    } while (NextIndex(layout, entry, block, index));
  }
  return n;
}

/* append the channel of an entry and all that it needs, in any order, unless they are there */
static PetscErrorCode AppendChannel(EngdJetLayout layout, const EngdJetEntry *entry, PetscInt *size)
{
  const PetscInt n = Expand(layout, entry, NULL);
  EngdChannel   *channel;
  Product       *product;

  PetscFunctionBeginUser;
  if (FindChannel(layout, entry) >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (layout->nchannels == *size) {
    *size = PetscMax(16, 2 * *size);
    PetscCall(PetscRealloc(*size * sizeof(*layout->channel), &layout->channel));
  }
  channel  = &layout->channel[layout->nchannels++];
  *channel = (EngdChannel){.order = entry->order, .laplacian = entry->laplacian};
  for (PetscInt k = 0; k < ENGD_JET_ORDER; k++) {
    channel->coordinate[k] = k < entry->order - 2 * entry->laplacian ? entry->coordinate[k] : -1;
  }
  PetscCall(PetscMalloc1(n, &product));
  Expand(layout, entry, product);
  for (PetscInt k = 0; k < n; k++) {
    for (PetscInt f = 0; f < product[k].degree; f++) PetscCall(AppendChannel(layout, &product[k].factor[f], size));
  }
  PetscCall(PetscFree(product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* by order, first derivatives by coordinate, others as they came */
static PetscErrorCode SortChannels(EngdJetLayout layout)
{
  const PetscInt S = layout->nchannels;
  EngdChannel   *sorted;
  PetscInt       n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(S, &sorted));
  for (PetscInt order = 0; order <= ENGD_JET_ORDER; order++) {
    for (PetscInt i = 0; i < (order == 1 ? DirectionCount(layout) : 1); i++) {
      for (PetscInt c = 0; c < S; c++) {
        if (layout->channel[c].order != order || (order == 1 && layout->channel[c].coordinate[0] != i)) continue;
        if (order == 1) layout->first[i] = n;
        sorted[n++] = layout->channel[c];
      }
    }
  }
  PetscCall(PetscFree(layout->channel));
  layout->channel = sorted;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Order of monomials: degree, then factors */
static int CompareMonomials(const void *p, const void *q)
{
  const EngdMonomial *a = (const EngdMonomial *)p, *b = (const EngdMonomial *)q;

  if (a->degree != b->degree) return a->degree < b->degree ? -1 : 1;
  for (PetscInt f = 0; f < a->degree; f++) {
    if (a->factor[f] != b->factor[f]) return a->factor[f] < b->factor[f] ? -1 : 1;
  }
  return 0;
}

/* the derivatives of a monomial: in the channel of each run of equal factors, the length of the run times all factors but one */
static void Differentiate(EngdMonomial *m)
{
  m->nparts = 0;
  for (PetscInt f = 0, end = 0; f < m->degree; f = end) {
    PetscInt n = 0;

    for (end = f; end < m->degree && m->factor[end] == m->factor[f]; end++) continue;
    m->part[m->nparts].channel = m->factor[f];
    m->part[m->nparts].weight  = m->coefficient * (PetscReal)(end - f);
    for (PetscInt g = 0; g < m->degree; g++) {
      if (g != f) m->part[m->nparts].rest[n++] = m->factor[g];
    }
    m->nparts++;
  }
}

/* the products of a channel, whose factors are channels by now */
static PetscErrorCode FillProducts(EngdJetLayout layout, EngdChannel *channel)
{
  EngdJetEntry  entry = {.order = channel->order, .laplacian = channel->laplacian};
  EngdMonomial *all;
  Product      *product;
  PetscInt      n, kept = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(entry.coordinate, channel->coordinate, ENGD_JET_ORDER));
  n = Expand(layout, &entry, NULL);
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(n, &product));
  PetscCall(PetscCalloc1(n, &all));
  Expand(layout, &entry, product);
  for (PetscInt k = 0; k < n; k++) {
    all[k].coefficient = 1;
    all[k].degree      = product[k].degree;
    for (PetscInt f = 0; f < all[k].degree; f++) all[k].factor[f] = FindChannel(layout, &product[k].factor[f]);
    PetscCall(PetscSortInt(all[k].degree, all[k].factor));
  }
  qsort(all, (size_t)n, sizeof(*all), CompareMonomials);
  for (PetscInt k = 0; k < n; k++) {
    if (kept && !CompareMonomials(&all[kept - 1], &all[k]))
      all[kept - 1].coefficient += 1;
    else
      all[kept++] = all[k];
  }
  PetscCall(PetscFree(product));
  if (channel->order == 2) {
    channel->npairs = kept;
    PetscCall(PetscMalloc1(2 * kept, &channel->pair));
    for (PetscInt k = 0; k < kept; k++) PetscCall(PetscArraycpy(channel->pair + 2 * k, all[k].factor, 2));
    PetscCall(PetscFree(all));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  channel->nmonomials = kept;
  channel->monomial   = all;
  for (PetscInt k = 0; k < kept; k++) Differentiate(&all[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetLayoutCreate(PetscInt nspace, PetscInt dim, PetscInt nentries, const EngdJetEntry entry[],
                                   EngdJetLayout *out)
{
  PetscFunctionBeginUser;
  PetscCall(EngdJetLayoutCreateRandom(nspace, dim, 0, NULL, nentries, entry, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetLayoutCreateRandom(PetscInt nspace, PetscInt dim, PetscInt nrandom, EngdExpression directions,
                                         PetscInt nentries, const EngdJetEntry entry[], EngdJetLayout *out)
{
  const EngdJetEntry value = {.order = 0};
  EngdJetLayout      layout;
  PetscInt           size = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&layout));
  layout->nspace      = nspace;
  layout->dim         = dim;
  layout->nrandom     = nrandom;
  layout->direction   = directions;
  layout->ndirections = directions ? directions->ncomponents / nspace : 0;
  PetscCall(PetscMalloc1(DirectionCount(layout), &layout->first));
  for (PetscInt i = 0; i < DirectionCount(layout); i++) layout->first[i] = -1;
  if (directions)
    PetscCall(PetscMalloc2(ENGD_COUNT(directions->ncomponents, ENGD_JET_STRIP), &layout->strip, dim, &layout->batch));
  PetscCall(AppendChannel(layout, &value, &size));
  for (PetscInt e = 0; e < nentries; e++) PetscCall(AppendChannel(layout, &entry[e], &size));
  PetscCall(SortChannels(layout));
  for (PetscInt c = 0; c < layout->nchannels; c++) PetscCall(FillProducts(layout, &layout->channel[c]));
  PetscCall(PetscCalloc2(layout->nchannels, &layout->used, layout->nchannels, &layout->value));
  layout->value[0] = PETSC_TRUE;
  for (PetscInt e = 0; e < nentries; e++) layout->used[FindChannel(layout, &entry[e])] = PETSC_TRUE;
  *out = layout;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetLayoutFind(EngdJetLayout layout, const EngdJetEntry *entry, PetscInt *channel)
{
  PetscFunctionBeginUser;
  *channel = FindChannel(layout, entry);
  PetscCheck(*channel >= 0, PETSC_COMM_SELF, PETSC_ERR_PLIB, "no channel for this derivative of order %" PetscInt_FMT,
             entry->order);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool EngdJetLayoutNextRun(EngdJetLayout layout, const PetscBool used[], PetscInt *begin, PetscInt *end)
{
  const PetscInt S = layout->nchannels;

  for (*begin = *end; *begin < S && used && !used[*begin]; (*begin)++) continue;
  for (*end = *begin; *end < S && (!used || used[*end]); (*end)++) continue;
  return (PetscBool)(*begin < *end);
}

PetscErrorCode EngdJetLayoutDestroy(EngdJetLayout *layout)
{
  PetscFunctionBeginUser;
  if (!*layout) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt c = 0; c < (*layout)->nchannels; c++) {
    PetscCall(PetscFree((*layout)->channel[c].pair));
    PetscCall(PetscFree((*layout)->channel[c].monomial));
  }
  PetscCall(PetscFree((*layout)->channel));
  PetscCall(PetscFree((*layout)->first));
  PetscCall(PetscFree2((*layout)->used, (*layout)->value));
  PetscCall(EngdExpressionDestroy(&(*layout)->input));
  PetscCall(EngdExpressionDestroy(&(*layout)->direction));
  PetscCall(PetscFree2((*layout)->strip, (*layout)->batch));
  PetscCall(PetscFree(*layout));
  PetscFunctionReturn(PETSC_SUCCESS);
}
