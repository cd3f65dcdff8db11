/*
  The channels of a jet: which derivatives of the outputs travel through the layers.

  A layout holds the value, the first derivatives and the second-order channels that a set of jet entries needs:
  d_i d_j needs d_i and d_j on the way, the Laplacian needs all space derivatives but travels as one channel
  (forward Laplacian, arXiv 2307.08214). Channels are sorted by order, so that what a channel is made of stands before it.
  Third and fourth order fit in as channels with products of more factors; only `pair` would grow.
*/
#include <engd/private.h>

/* index of the channel that carries this derivative, or -1 */
static PetscInt FindChannel(EngdJetLayout layout, const EngdJetEntry *entry)
{
  for (PetscInt c = 0; c < layout->nchannels; c++) {
    const EngdChannel *channel = &layout->channel[c];
    PetscBool          same = (PetscBool)(channel->order == entry->order && channel->laplacian == entry->laplacian);

    for (PetscInt k = 0; same && !entry->laplacian && k < entry->order; k++) {
      same = (PetscBool)(channel->coordinate[k] == entry->coordinate[k]);
    }
    if (same) return c;
  }
  return -1;
}

/* append d_i d_j ... (or the Laplacian) as a channel */
static PetscErrorCode AppendChannel(EngdJetLayout layout, const EngdJetEntry *entry)
{
  EngdChannel *channel = &layout->channel[layout->nchannels];

  PetscFunctionBeginUser;
  if (FindChannel(layout, entry) >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  channel->order     = entry->order;
  channel->laplacian = entry->laplacian;
  for (PetscInt k = 0; k < ENGD_JET_ORDER; k++) channel->coordinate[k] = k < entry->order ? entry->coordinate[k] : -1;
  if (entry->order == 1) layout->first[entry->coordinate[0]] = layout->nchannels;
  if (entry->order == 2) {
    channel->npairs = entry->laplacian ? layout->nspace : 1;
    PetscCall(PetscMalloc1(2 * channel->npairs, &channel->pair));
    for (PetscInt k = 0; k < channel->npairs; k++) {
      channel->pair[2 * k]     = layout->first[entry->laplacian ? k : entry->coordinate[0]];
      channel->pair[2 * k + 1] = layout->first[entry->laplacian ? k : entry->coordinate[1]];
    }
  }
  layout->nchannels++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* append d/dx_i, unless it is there */
static PetscErrorCode AppendFirst(EngdJetLayout layout, PetscInt coordinate)
{
  EngdJetEntry first = {.order = 1, .coordinate = {coordinate, -1}};

  PetscFunctionBeginUser;
  PetscCall(AppendChannel(layout, &first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetLayoutCreate(PetscInt nspace, PetscInt dim, PetscInt nentries, const EngdJetEntry entry[],
                                   EngdJetLayout *out)
{
  const EngdJetEntry value = {.order = 0, .coordinate = {-1, -1}};
  EngdJetLayout      layout;
  PetscBool         *needed;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&layout));
  layout->nspace = nspace;
  layout->dim    = dim;
  PetscCall(PetscCalloc1(1 + dim + nentries, &layout->channel));
  PetscCall(PetscMalloc1(dim, &layout->first));
  PetscCall(PetscCalloc1(dim, &needed));
  for (PetscInt i = 0; i < dim; i++) layout->first[i] = -1;
  for (PetscInt e = 0; e < nentries; e++) {
    if (entry[e].laplacian) {
      for (PetscInt i = 0; i < nspace; i++) needed[i] = PETSC_TRUE;
    } else {
      for (PetscInt k = 0; k < entry[e].order; k++) needed[entry[e].coordinate[k]] = PETSC_TRUE;
    }
  }
  PetscCall(AppendChannel(layout, &value));
  for (PetscInt i = 0; i < dim; i++) {
    if (needed[i]) PetscCall(AppendFirst(layout, i));
  }
  for (PetscInt e = 0; e < nentries; e++) {
    if (entry[e].order >= 2) PetscCall(AppendChannel(layout, &entry[e]));
  }
  PetscCall(PetscCalloc1(layout->nchannels, &layout->used));
  PetscCall(PetscCalloc1(layout->nchannels, &layout->value));
  layout->value[0] = PETSC_TRUE;
  for (PetscInt e = 0; e < nentries; e++) layout->used[FindChannel(layout, &entry[e])] = PETSC_TRUE;
  PetscCall(PetscFree(needed));
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
  for (PetscInt c = 0; c < (*layout)->nchannels; c++) PetscCall(PetscFree((*layout)->channel[c].pair));
  PetscCall(PetscFree((*layout)->channel));
  PetscCall(PetscFree((*layout)->first));
  PetscCall(PetscFree((*layout)->used));
  PetscCall(PetscFree((*layout)->value));
  PetscCall(EngdExpressionDestroy(&(*layout)->input));
  PetscCall(PetscFree2((*layout)->strip, (*layout)->batch));
  PetscCall(PetscFree(*layout));
  PetscFunctionReturn(PETSC_SUCCESS);
}
