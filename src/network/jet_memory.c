/*
  The memory of jets and of passes over them, laid out by slots and buffers (pieces.c).
*/
#include <engd/private.h>

/* derivatives of sigma that forward and tangent read: one more than the highest order of the channels; second tangents one more */
static PetscInt DerivativeCount(EngdJetLayout layout)
{
  return layout->channel[layout->nchannels - 1].order + (layout->hessian ? 2 : 1);
}

/* doubles that a jet of n points holds: all slots, s', s'', ... of each activation, and the input jet of E(x) */
static size_t JetCount(EngdNetwork net, EngdJetLayout layout, PetscInt nderivatives, PetscInt n)
{
  size_t count = ENGD_COUNT(layout->ninputs, layout->nchannels * n) + EngdJetDirectionCount(layout, n);

  for (PetscInt s = 0; s < net->nslots; s++) count += ENGD_COUNT(net->slot[s].width, layout->nchannels * n);
  for (PetscInt k = 0; k < net->npieces; k++) {
    if (net->piece[k].kind == ENGD_PIECE_ACTIVATE)
      count += ENGD_COUNT(net->slot[net->piece[k].out].width, nderivatives * n);
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
  PetscCall(PetscMalloc1(net->nslots, &jet->slot));
  PetscCall(PetscCalloc1(net->nslots, &jet->s));
  next = jet->memory;
  for (PetscInt k = 0; k < net->npieces; k++) {
    const EngdNetworkPiece *piece = &net->piece[k];
    const size_t            value = ENGD_COUNT(net->slot[piece->out].width, nmax);

    if (piece->kind == ENGD_PIECE_ADD) continue;
    jet->slot[piece->out] = next;
    next += layout->nchannels * value;
    if (piece->kind != ENGD_PIECE_ACTIVATE) continue;
    PetscCall(PetscMalloc1(ENGD_JET_ORDER + 3, &jet->s[piece->out]));
    for (PetscInt d = 0; d < ENGD_JET_ORDER + 3; d++) jet->s[piece->out][d] = jet->slot[piece->out];
    for (PetscInt d = 1; d <= jet->nderivatives; d++, next += value) jet->s[piece->out][d] = next;
  }
  jet->u = jet->slot[net->nslots - 1];
  if (layout->input) jet->input = next;
  if (layout->direction) jet->direction = next; /* there are no inputs E(x) then */
  *out = jet;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetSetOutputs(EngdJet jet, PetscReal u[])
{
  PetscFunctionBeginUser;
  jet->u = jet->slot[jet->network->nslots - 1] = u;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetDestroy(EngdJet *jet)
{
  PetscFunctionBeginUser;
  if (!*jet) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt s = 0; s < (*jet)->network->nslots; s++) PetscCall(PetscFree((*jet)->s[s]));
  PetscCall(PetscFree((*jet)->slot));
  PetscCall(PetscFree((*jet)->s));
  PetscCall(PetscFree((*jet)->memory));
  PetscCall(PetscFree(*jet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* buffers for g, and for d; or for g and dg, and memory of its own for each d */
static PetscErrorCode WorkCreate(EngdNetwork net, PetscInt ncolumns, PetscBool hessian, EngdJetWork *out)
{
  const size_t each = ENGD_COUNT(net->widest, ncolumns), all = net->nbuffers * each;
  EngdJetWork  work;
  PetscReal   *next;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&work));
  PetscCall(PetscCalloc3(net->nslots, &work->d, net->nslots, &work->g, net->nslots, &work->dg));
  work->count = (hessian ? 2 : 1) * all + 2 * (size_t)ncolumns;
  for (PetscInt s = 0; hessian && s < net->nslots - 1; s++) work->count += ENGD_COUNT(net->slot[s].width, ncolumns);
  PetscCall(PetscMalloc1(work->count, &work->memory));
  work->factor = work->memory;
  next         = work->memory + 2 * (size_t)ncolumns + (hessian ? 2 : 1) * all;
  for (PetscInt s = 0; s < net->nslots - 1; s++) {
    work->d[s] = work->g[s] = work->memory + 2 * (size_t)ncolumns + net->slot[s].buffer * each;
    if (!hessian) continue;
    work->dg[s] = work->g[s] + all;
    work->d[s]  = next;
    next += ENGD_COUNT(net->slot[s].width, ncolumns);
  }
  *out = work;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetWorkCreate(EngdNetwork net, PetscInt ncolumns, EngdJetWork *work)
{
  PetscFunctionBeginUser;
  PetscCall(WorkCreate(net, ncolumns, PETSC_FALSE, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetWorkCreateHessian(EngdNetwork net, PetscInt ncolumns, EngdJetWork *work)
{
  PetscFunctionBeginUser;
  PetscCall(WorkCreate(net, ncolumns, PETSC_TRUE, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetWorkDestroy(EngdJetWork *work)
{
  PetscFunctionBeginUser;
  if (!*work) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*work)->d, (*work)->g, (*work)->dg));
  PetscCall(PetscFree((*work)->memory));
  PetscCall(PetscFree(*work));
  PetscFunctionReturn(PETSC_SUCCESS);
}
