/*
  Second tangents of jets: the derivative of an adjoint pass along a tangent, for exact Hessians.

    adjoint     gZ = W^T gA,                 gW += gA Z^T                  of a linear piece A = W Z + b
    its tangent dgZ = W^T dgA + dW^T gA,     sum += dgA Z^T + gA dZ^T

  and of products of jets, h = f . g, whose adjoint L(g)^T gh is linear in g too: d(L(g)^T gh) = L(g)^T dgh + L(dg)^T gh.
  dA, dZ are of a tangent pass that keeps them; the activation's part is EngdActivationAdjointTangent(). Seven GEMMs a layer
  with the tangent, where the Gramian has four. Forward over reverse (Pearlmutter, Neural Computation 1994), on jets. The input
  jet does not depend on theta: dZ = 0. The adjoint itself is not kept from one product to the next.
*/
#include <engd/private.h>

/* sum += dg z^T + g dz^T at a linear piece, and the cotangents of its input with their tangents */
static PetscErrorCode LinearPiece(EngdJet jet, const EngdNetworkPiece *piece, const PetscReal theta[],
                                  const PetscReal dtheta[], const PetscReal g[], const PetscReal dg[],
                                  EngdJetWork work, PetscReal sum[])
{
  const PetscInt   l    = piece->layer;
  const PetscBool *used = EngdJetLayerChannels(jet, l);
  PetscReal       *below, *dbelow;

  PetscFunctionBeginUser;
  PetscCall(EngdJetLayerGradient(jet, l, EngdJetLayerInput(jet, l), dg, sum));
  if (piece->in == ENGD_SLOT_INPUT) PetscFunctionReturn(PETSC_SUCCESS);
  below  = work->g[piece->in];
  dbelow = work->dg[piece->in];
  PetscCall(EngdJetLayerWeights(jet, l, work->d[piece->in], g, sum));
  PetscCall(EngdJetLayerTranspose(jet, l, theta, g, piece->adds, below));
  PetscCall(EngdJetLayerTranspose(jet, l, theta, dg, piece->adds, dbelow));
  PetscCall(EngdJetLayerTranspose(jet, l, dtheta, g, PETSC_TRUE, dbelow));
  if (piece->adds) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdJetBeginCotangent(jet, piece->in, used, below));
  PetscCall(EngdJetBeginCotangent(jet, piece->in, used, dbelow));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same at a factor a: sum += <in, dg> + <din, g>,  dg <- a dg + da g */
static PetscErrorCode ScalePiece(EngdJet jet, const EngdNetworkPiece *piece, const PetscReal theta[],
                                 const PetscReal dtheta[], EngdJetWork work, PetscReal sum[])
{
  const PetscInt   at   = jet->network->layer[piece->layer].offset;
  const PetscBool *used = EngdJetSlotChannels(jet, piece->out);

  PetscFunctionBeginUser;
  EngdJetFactorCotangent(jet, piece, jet->slot[piece->in], work->dg[piece->out], PETSC_FALSE, work->factor);
  EngdJetFactorCotangent(jet, piece, work->d[piece->in], work->g[piece->out], PETSC_TRUE, work->factor);
  for (PetscInt i = 0; i < jet->n; i++) sum[at] += work->factor[i];
  PetscCall(EngdJetAdjointPiece(jet, piece, theta, work->dg));
  EngdJetAdd(jet, piece->out, used, piece->factor * dtheta[at], work->g[piece->out], work->dg[piece->in]);
  PetscCall(EngdJetAdjointPiece(jet, piece, theta, work->g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same at a product of jets, where what is taken over comes last */
static PetscErrorCode MultiplyPiece(EngdJet jet, const EngdNetworkPiece *piece, const PetscReal theta[],
                                    EngdJetWork work)
{
  const PetscInt   count = jet->network->slot[piece->out].width * jet->n;
  const PetscBool *used  = EngdJetSlotChannels(jet, piece->out);
  const PetscReal *g     = work->g[piece->out];

  PetscFunctionBeginUser;
  PetscCall(EngdJetAdjointPiece(jet, piece, theta, work->dg));
  EngdProductAdjoint(jet->layout, count, work->d[piece->in], used, g, PETSC_TRUE, work->dg[piece->with]);
  EngdProductAdjoint(jet->layout, count, work->d[piece->with], used, g, PETSC_TRUE, work->dg[piece->in]);
  PetscCall(EngdJetAdjointPiece(jet, piece, theta, work->g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OtherPiece(EngdJet jet, const EngdNetworkPiece *piece, const PetscReal theta[],
                                 const PetscReal dtheta[], EngdJetWork work, PetscReal sum[])
{
  PetscFunctionBeginUser;
  if (piece->kind == ENGD_PIECE_ACTIVATE) {
    EngdActivationAdjointTangent(jet->layout, EngdJetSlotChannels(jet, piece->out),
                                 jet->network->slot[piece->out].width * jet->n, jet->slot[piece->in],
                                 work->d[piece->in], jet->s[piece->out], work->g[piece->out], work->dg[piece->out]);
  } else if (piece->kind == ENGD_PIECE_SCALE) {
    PetscCall(ScalePiece(jet, piece, theta, dtheta, work, sum));
  } else if (piece->kind == ENGD_PIECE_MULTIPLY) {
    PetscCall(MultiplyPiece(jet, piece, theta, work));
  } else {
    PetscCall(EngdJetAdjointPiece(jet, piece, theta, work->g));
    PetscCall(EngdJetAdjointPiece(jet, piece, theta, work->dg));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetHessian(EngdJet jet, const PetscReal theta[], const PetscReal dtheta[], const PetscReal gu[],
                              const PetscReal dgu[], EngdJetWork work, PetscReal sum[])
{
  EngdNetwork net = jet->network;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.adjoint_tangent, 0, 0, 0, 0));
  for (PetscInt k = net->npieces - 1; k >= 0; k--) {
    const EngdNetworkPiece *piece = &net->piece[k];
    const PetscBool         last  = (PetscBool)(k == net->npieces - 1);

    if (piece->kind == ENGD_PIECE_LINEAR) {
      PetscCall(LinearPiece(jet, piece, theta, dtheta, last ? gu : work->g[piece->out],
                            last ? dgu : work->dg[piece->out], work, sum));
      continue;
    }
    PetscCall(PetscLogEventBegin(engd_log.activation, 0, 0, 0, 0));
    PetscCall(OtherPiece(jet, piece, theta, dtheta, work, sum));
    PetscCall(PetscLogEventEnd(engd_log.activation, 0, 0, 0, 0));
  }
  PetscCall(PetscLogEventEnd(engd_log.adjoint_tangent, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
