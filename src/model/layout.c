/*
  The layout of a model's jets: for each network the channels that the entries of its outputs need, and where an entry stands.

    u = (jets of network 1 (noutputs_1, S_1 n), jets of network 2 (noutputs_2, S_2 n), ..., unknown parameters (nunknowns, n))

  A term that reads values of one network and second derivatives of another pays for just these; a network that it does not read is
  not evaluated.
*/
#include <engd/private.h>

/* the entries of the outputs of part k; their number */
static PetscInt Select(EngdModel model, PetscInt k, PetscInt nentries, const EngdJetEntry entry[],
                       EngdJetEntry selected[])
{
  const PetscInt first = model->part[k].output, end = first + model->part[k].network->noutputs;
  PetscInt       n = 0;

  for (PetscInt e = 0; e < nentries; e++) {
    if (entry[e].output >= first && entry[e].output < end) selected[n++] = entry[e];
  }
  return n;
}

/* the channels of part k, and its inputs */
static PetscErrorCode CreatePart(EngdModel model, PetscInt k, PetscInt s, EngdExpression term, PetscInt n,
                                 const EngdJetEntry entry[], EngdJetLayout *part)
{
  const EngdProblem problem = model->problem;
  EngdExpression    inputs, directions = NULL;

  PetscFunctionBeginUser;
  if (s) PetscCall(EngdExpressionCreateDirections(term, &directions));
  PetscCall(EngdJetLayoutCreateRandom(problem->domain->nspace, problem->domain->dim, s, directions, n, entry, part));
  if (!problem->network[k].inputs) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdProblemCreateInputs(problem, k, &inputs));
  PetscCall(EngdJetLayoutSetInput(*part, inputs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelLayoutCreate(EngdModel model, PetscInt nentries, const EngdJetEntry entry[],
                                     EngdModelLayout *out)
{
  PetscFunctionBeginUser;
  PetscCall(EngdModelLayoutCreateRandom(model, 0, NULL, nentries, entry, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelLayoutCreateRandom(EngdModel model, PetscInt s, EngdExpression term, PetscInt nentries,
                                           const EngdJetEntry entry[], EngdModelLayout *out)
{
  const EngdDomain   domain = model->problem->domain;
  const EngdJetEntry value  = {.order = 0};
  EngdModelLayout    layout;
  EngdJetEntry      *selected;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&layout));
  layout->nparts    = model->nparts;
  layout->nunknowns = layout->nrows = model->nunknowns;
  layout->nchannels                 = 1;
  PetscCall(PetscCalloc1(model->nparts, &layout->part));
  PetscCall(PetscMalloc1(nentries, &selected));
  PetscCall(EngdJetLayoutCreate(domain->nspace, domain->dim, 1, &value, &layout->value));
  for (PetscInt k = 0; k < model->nparts; k++) {
    const PetscInt n = Select(model, k, nentries, entry, selected);

    if (!n) continue;
    PetscCall(CreatePart(model, k, s, term, n, selected, &layout->part[k]));
    layout->nchannels = PetscMax(layout->nchannels, layout->part[k]->nchannels);
    layout->nrows += model->part[k].network->noutputs * layout->part[k]->nchannels;
  }
  PetscCall(PetscFree(selected));
  *out = layout;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelLayoutKeepHessian(EngdModelLayout layout)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < layout->nparts; k++) {
    if (layout->part[k]) layout->part[k]->hessian = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the part that has this output, nparts of unknown parameters */
static PetscInt PartOfOutput(EngdModel model, PetscInt output)
{
  PetscInt k = 0;

  while (k < model->nparts && output >= model->part[k].output + model->part[k].network->noutputs) k++;
  return k;
}

PetscErrorCode EngdModelLayoutFind(EngdModel model, EngdModelLayout layout, const EngdJetEntry *entry,
                                   PetscInt *channel)
{
  const PetscInt k = PartOfOutput(model, entry->output);

  PetscFunctionBeginUser;
  *channel = 0;
  if (k == model->nparts) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(layout->part[k], PETSC_COMM_SELF, PETSC_ERR_PLIB, "no jets of the network of output %" PetscInt_FMT,
             entry->output);
  PetscCall(EngdJetLayoutFind(layout->part[k], entry, channel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

EngdJetLayout EngdModelLayerLayout(EngdModel model, EngdModelLayout layout, PetscInt l)
{
  const PetscInt k = EngdModelPartOfLayer(model, l);

  return k < layout->nparts ? layout->part[k] : layout->value;
}

const PetscBool *EngdModelLayerChannels(EngdModel model, EngdModelLayout layout, PetscInt l)
{
  const EngdJetLayout part = EngdModelLayerLayout(model, layout, l);
  const PetscInt      k    = EngdModelPartOfLayer(model, l);

  if (!part || k == model->nparts) return NULL;
  return EngdNetworkLayerChannels(model->part[k].network, part, l - model->part[k].layer);
}

PetscInt EngdModelLayerChannelCount(EngdModel model, EngdModelLayout layout, PetscInt l)
{
  const EngdJetLayout part = EngdModelLayerLayout(model, layout, l);
  const PetscBool    *used = EngdModelLayerChannels(model, layout, l);
  PetscInt            n    = 0;

  for (PetscInt c = 0; part && c < part->nchannels; c++) n += !used || used[c];
  return n;
}

/* where the numbers of part k begin in the jets of n points */
static size_t PartOffset(EngdModel model, EngdModelLayout layout, PetscInt n, PetscInt k)
{
  size_t offset = 0;

  for (PetscInt before = 0; before < k; before++) {
    if (!layout->part[before]) continue;
    offset += ENGD_COUNT(model->part[before].network->noutputs, layout->part[before]->nchannels * n);
  }
  return offset;
}

EngdPlace EngdModelPlace(EngdModel model, EngdModelLayout layout, PetscInt n, const EngdJetEntry *entry,
                         PetscInt channel)
{
  const PetscInt k      = PartOfOutput(model, entry->output);
  const PetscInt first  = k < model->nparts ? model->part[k].output : model->noutputs;
  const PetscInt stride = k < model->nparts ? model->part[k].network->noutputs : layout->nunknowns;

  return (EngdPlace){
      PartOffset(model, layout, n, k) + ENGD_COUNT(channel * n, stride) + (size_t)(entry->output - first), stride};
}

/* the outputs of each network on the channels marked used in turn, then the unknown parameters */
PetscBool EngdModelJetRow(EngdModel model, EngdModelLayout layout, PetscInt n, PetscInt r, EngdPlace *place)
{
  EngdJetEntry entry = {.output = 0};

  for (PetscInt k = 0; k < model->nparts; k++) {
    const PetscInt noutputs = model->part[k].network->noutputs;

    for (PetscInt c = 0; layout->part[k] && c < layout->part[k]->nchannels; c++) {
      if (!layout->part[k]->used[c]) continue;
      if (r < noutputs) {
        entry.output = model->part[k].output + r;
        *place       = EngdModelPlace(model, layout, n, &entry, c);
        return PETSC_TRUE;
      }
      r -= noutputs;
    }
  }
  if (r >= layout->nunknowns) return PETSC_FALSE;
  entry.output = model->noutputs + r;
  *place       = EngdModelPlace(model, layout, n, &entry, 0);
  return PETSC_TRUE;
}

PetscErrorCode EngdModelLayoutDestroy(EngdModelLayout *layout)
{
  PetscFunctionBeginUser;
  if (!*layout) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < (*layout)->nparts; k++) PetscCall(EngdJetLayoutDestroy(&(*layout)->part[k]));
  PetscCall(EngdJetLayoutDestroy(&(*layout)->value));
  PetscCall(PetscFree((*layout)->part));
  PetscCall(PetscFree(*layout));
  PetscFunctionReturn(PETSC_SUCCESS);
}
