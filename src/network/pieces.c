/*
  A network as a list of pieces: what types build it of, and what passes over it read of the list.

  Forward passes go through the list, tangents too; adjoints go back. A linear layer's output and what is made of it in place
  (its activation, products, sums) is a chain, from the layer to the last piece that reads of it. The tangents of a chain share
  a buffer, and so do its cotangents; chains that are not alive at the same piece share theirs, so that two serve any number of
  layers of a perceptron, and four a modified one.
*/
#include <engd/private.h>

EngdRegistry engd_networks = {.kind = "network"};

/*
  EngdNetworkTypeRegister - Adds a type of network that -network_type can then name.

  Not collective

  Input Parameters:
+ name     - what the user writes
- function - lists the pieces; src/network/residual.c is one to copy from

  Source: src/network/pieces.c
*/
PetscErrorCode EngdNetworkTypeRegister(const char name[], EngdNetworkTypeFn function)
{
  PetscFunctionBeginUser;
  PetscCall(EngdRegistryAdd(&engd_networks, name, (EngdRegistryFn)function));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a slot that nothing has read yet, behind the others */
static PetscErrorCode AddSlot(EngdNetwork net, PetscInt width, PetscInt *out)
{
  PetscFunctionBeginUser;
  PetscCall(PetscRealloc((size_t)(net->nslots + 1) * sizeof(*net->slot), &net->slot));
  *out            = net->nslots++;
  net->slot[*out] = (EngdNetworkSlot){.width = width, .buffer = -1, .last = -1};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* marks that the next piece reads a slot, and takes it over or not */
static PetscErrorCode Read(EngdNetwork net, PetscInt slot, PetscBool take)
{
  PetscFunctionBeginUser;
  if (slot == ENGD_SLOT_INPUT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(slot >= 0 && slot < net->nslots, net->comm, PETSC_ERR_PLIB, "a piece reads slot %" PetscInt_FMT, slot);
  PetscCheck(!net->slot[slot].taken, net->comm, PETSC_ERR_PLIB,
             "slot %" PetscInt_FMT " is read again after a piece that works in place", slot);
  PetscCheck(!take || net->slot[slot].last < 0, net->comm, PETSC_ERR_PLIB,
             "a piece that works in place takes slot %" PetscInt_FMT ", which another one reads", slot);
  net->slot[slot].taken = take;
  net->slot[slot].last  = net->npieces;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddPiece(EngdNetwork net, EngdNetworkPiece piece)
{
  PetscFunctionBeginUser;
  PetscCall(PetscRealloc((size_t)(net->npieces + 1) * sizeof(*net->piece), &net->piece));
  net->piece[net->npieces++] = piece;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a block of parameters behind the others */
static PetscErrorCode AddLayer(EngdNetwork net, EngdLayer layer, PetscInt *number)
{
  const PetscInt64 p = net->nparameters + ((PetscInt64)layer.n_in + 1) * layer.n_out;

  PetscFunctionBeginUser;
  PetscCheck(p <= PETSC_MAX_INT, net->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-network_layers: more parameters than the %" PetscInt_FMT " that this PETSc can number; smaller layers",
             PETSC_MAX_INT);
  PetscCall(PetscRealloc((size_t)(net->nlayers + 1) * sizeof(*net->layer), &net->layer));
  layer.offset               = net->nparameters;
  *number                    = net->nlayers;
  net->layer[net->nlayers++] = layer;
  net->nparameters           = (PetscInt)p;
  net->widest                = PetscMax(net->widest, PetscMax(layer.n_in, layer.n_out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkAddLinear - For types of networks: W in + b.

  Logically collective

  Input Parameters:
+ net   - the network that is being built
. in    - a slot, or ENGD_SLOT_INPUT
- width - rows of W

  Output Parameter:
. out - the slot of the result

  Source: src/network/pieces.c
*/
PetscErrorCode EngdNetworkAddLinear(EngdNetwork net, PetscInt in, PetscInt width, PetscInt *out)
{
  EngdNetworkPiece piece = {.kind = ENGD_PIECE_LINEAR, .in = in, .with = ENGD_SLOT_NONE};

  PetscFunctionBeginUser;
  PetscCall(Read(net, in, PETSC_FALSE));
  PetscCall(AddSlot(net, width, &piece.out));
  PetscCall(AddLayer(
      net,
      (EngdLayer){.n_in = in == ENGD_SLOT_INPUT ? net->ninputs : net->slot[in].width, .n_out = width, .from = in},
      &piece.layer));
  PetscCall(AddPiece(net, piece));
  *out = piece.out;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out = a piece that takes the slot in over */
static PetscErrorCode AddInPlace(EngdNetwork net, EngdNetworkPiece piece, PetscInt *out)
{
  PetscFunctionBeginUser;
  PetscCheck(piece.in >= 0, net->comm, PETSC_ERR_PLIB,
             "a piece that works in place takes the inputs; put a linear layer between");
  PetscCall(Read(net, piece.in, PETSC_TRUE));
  PetscCall(AddSlot(net, net->slot[piece.in].width, &piece.out));
  PetscCall(AddPiece(net, piece));
  *out = piece.out;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkAddScale - For types of networks: factor a in, with a trainable number a.

  Logically collective

  Input Parameters:
+ net     - the network that is being built
. in      - a slot that no other piece reads
. factor  - a number
- initial - the first value of a

  Output Parameter:
. out - the slot of the result

  Source: src/network/pieces.c
*/
PetscErrorCode EngdNetworkAddScale(EngdNetwork net, PetscInt in, PetscReal factor, PetscReal initial, PetscInt *out)
{
  EngdNetworkPiece piece = {.kind = ENGD_PIECE_SCALE, .in = in, .with = ENGD_SLOT_NONE, .factor = factor};

  PetscFunctionBeginUser;
  PetscCall(AddLayer(net, (EngdLayer){.n_out = 1, .from = ENGD_SLOT_NONE, .initial = initial}, &piece.layer));
  PetscCall(AddInPlace(net, piece, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkAddUnits - For types of networks: a hidden layer sigma(W in + b), or sigma(n a (W in + b)) with a trainable number a
  that begins as 1/n where -network_activation_scale n is given.

  Logically collective

  Input Parameters:
+ net   - the network that is being built
. in    - a slot, or ENGD_SLOT_INPUT
- width - units

  Output Parameter:
. out - the slot of the result

  Reference: Jagtap, Kawaguchi, Karniadakis, J. Comput. Phys. 404 (2020) 109136.

  Source: src/network/pieces.c
*/
PetscErrorCode EngdNetworkAddUnits(EngdNetwork net, PetscInt in, PetscInt width, PetscInt *out)
{
  const PetscReal  n     = net->activation_scale;
  EngdNetworkPiece piece = {.kind = ENGD_PIECE_ACTIVATE, .with = ENGD_SLOT_NONE};

  PetscFunctionBeginUser;
  PetscCall(EngdNetworkAddLinear(net, in, width, &piece.in));
  if (n > 0) PetscCall(EngdNetworkAddScale(net, piece.in, n, 1 / n, &piece.in));
  PetscCall(AddInPlace(net, piece, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkAddMultiply - For types of networks: the product of two slots, entry by entry.

  Logically collective

  Input Parameters:
+ net  - the network that is being built
. in   - a slot that no other piece reads
- with - another slot of this width

  Output Parameter:
. out - the slot of the result

  Source: src/network/pieces.c
*/
PetscErrorCode EngdNetworkAddMultiply(EngdNetwork net, PetscInt in, PetscInt with, PetscInt *out)
{
  PetscFunctionBeginUser;
  PetscCall(Read(net, with, PETSC_FALSE));
  PetscCall(AddInPlace(net, (EngdNetworkPiece){.kind = ENGD_PIECE_MULTIPLY, .in = in, .with = with}, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNetworkAddAdd - For types of networks: out = out + factor in, in place.

  Logically collective

  Input Parameters:
+ net    - the network that is being built
. in     - a slot
. factor - a number
- out    - another slot of this width, the result of an activation, factor or product, which no piece has read

  Source: src/network/pieces.c
*/
PetscErrorCode EngdNetworkAddAdd(EngdNetwork net, PetscInt in, PetscReal factor, PetscInt out)
{
  PetscFunctionBeginUser;
  PetscCheck(in >= 0 && in < net->nslots && out >= 0 && out < net->nslots && in != out, net->comm, PETSC_ERR_PLIB,
             "slot %" PetscInt_FMT " cannot be added to slot %" PetscInt_FMT
             "; inputs are added behind a linear layer",
             in, out);
  PetscCheck(net->slot[out].last < 0 && net->slot[out].width == net->slot[in].width, net->comm, PETSC_ERR_PLIB,
             "slot %" PetscInt_FMT " cannot be added to slot %" PetscInt_FMT, in, out);
  PetscCall(Read(net, in, PETSC_FALSE));
  PetscCall(AddPiece(net, (EngdNetworkPiece){.kind = ENGD_PIECE_ADD, .in = in, .out = out, .factor = factor}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* which cotangents are added to those of later pieces, and which slots have their channels marked used read alone */
static PetscErrorCode MarkSlots(EngdNetwork net)
{
  PetscBool *has;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(net->nslots, &has));
  for (PetscInt s = 0; s < net->nslots; s++) net->slot[s].narrow = PETSC_TRUE;
  for (PetscInt k = net->npieces - 1; k >= 0; k--) {
    EngdNetworkPiece *piece  = &net->piece[k];
    const PetscInt    target = piece->kind == ENGD_PIECE_MULTIPLY ? piece->with : piece->in;
    const PetscBool   all    = (PetscBool)((piece->kind == ENGD_PIECE_LINEAR && k < net->npieces - 1) ||
                                      piece->kind == ENGD_PIECE_ACTIVATE || piece->kind == ENGD_PIECE_MULTIPLY ||
                                      !net->slot[piece->out].narrow);

    if (target == ENGD_SLOT_INPUT) continue;
    piece->adds = has[target];
    has[target] = PETSC_TRUE;
    if (all) net->slot[target].narrow = net->slot[piece->in].narrow = PETSC_FALSE;
  }
  PetscCall(PetscFree(has));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the chains, and a buffer for each but that of the outputs; end[b]: the last piece that reads of the chain now in buffer b */
static PetscErrorCode AssignBuffers(EngdNetwork net)
{
  PetscInt *end;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(net->nslots, &end));
  for (PetscInt k = net->npieces - 1; k >= 0; k--) { /* the last piece of a chain is known at its layer */
    const EngdNetworkPiece *piece = &net->piece[k];
    EngdNetworkSlot        *out   = &net->slot[piece->out];

    out->last = PetscMax(out->last, k);
    if (piece->kind != ENGD_PIECE_LINEAR && piece->kind != ENGD_PIECE_ADD)
      net->slot[piece->in].last = PetscMax(net->slot[piece->in].last, out->last);
  }
  net->nbuffers = 0;
  for (PetscInt k = 0; k < net->npieces - 1; k++) {
    const EngdNetworkPiece *piece = &net->piece[k];
    EngdNetworkSlot        *out   = &net->slot[piece->out];
    PetscInt                b     = 0;

    if (piece->kind == ENGD_PIECE_ADD) continue;
    if (piece->kind != ENGD_PIECE_LINEAR) {
      out->buffer = net->slot[piece->in].buffer;
      continue;
    }
    while (b < net->nbuffers && end[b] >= k) b++;
    net->nbuffers = PetscMax(net->nbuffers, b + 1);
    out->buffer   = b;
    end[b]        = out->last;
  }
  PetscCall(PetscFree(end));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdNetworkClearPieces(EngdNetwork net)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(net->layer));
  PetscCall(PetscFree(net->piece));
  PetscCall(PetscFree(net->slot));
  net->nlayers = net->npieces = net->nslots = net->nparameters = 0;
  net->widest                                                  = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdNetworkSetUp(EngdNetwork net)
{
  PetscInt last = ENGD_SLOT_INPUT;

  PetscFunctionBeginUser;
  if (net->setup) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdNetworkClearPieces(net));
  PetscCall((*net->build)(net, &last));
  PetscCall(EngdNetworkAddLinear(net, last, net->noutputs, &last));
  PetscCall(MarkSlots(net));
  PetscCall(AssignBuffers(net));
  net->setup = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
