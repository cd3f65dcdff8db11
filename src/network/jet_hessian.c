/*
  Second tangents of jets: the derivative of an adjoint pass along a tangent, for exact Hessians.

    adjoint     gZ_{l-1}  = W_l^T gA_l,                   gW_l += gA_l Z_{l-1}^T
    its tangent dgZ_{l-1} = W_l^T dgA_l + dW_l^T gA_l,    sum_l += dgA_l Z_{l-1}^T + gA_l dZ_{l-1}^T

  with dA_l, dZ_l of a tangent pass that keeps them and the activation's part in EngdActivationAdjointTangent(). Seven GEMMs a
  layer with the tangent, where the Gramian has four. Forward over reverse (Pearlmutter, Neural Computation 1994), on jets.
  The input jet does not depend on theta: dZ_0 = 0. The adjoint itself is not kept from one product to the next.
*/
#include <engd/private.h>

PetscErrorCode EngdJetWorkCreateHessian(EngdNetwork net, PetscInt ncolumns, EngdJetWork *work)
{
  size_t     count = 0;
  PetscReal *next;

  PetscFunctionBeginUser;
  PetscCall(EngdJetWorkCreate(net, ncolumns, work));
  for (PetscInt l = 0; l < net->nhidden; l++) count += 2 * ENGD_COUNT(net->width[l], ncolumns);
  PetscCall(PetscMalloc2(count, &(*work)->kept, 2 * ENGD_COUNT(net->widest, ncolumns), &(*work)->spare));
  next = (*work)->kept;
  for (PetscInt l = 0; l < net->nhidden; l++) {
    (*work)->da[l] = next;
    (*work)->dz[l] = next + ENGD_COUNT(net->width[l], ncolumns);
    next += 2 * ENGD_COUNT(net->width[l], ncolumns);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum += dg z^T + g dz^T at layer l; the first layer has dz = 0 */
static PetscErrorCode AddLayer(EngdJet jet, PetscInt l, const PetscReal g[], const PetscReal dg[], EngdJetWork work,
                               PetscReal sum[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdJetLayerGradient(jet, l, EngdJetLayerInput(jet, l), dg, sum));
  if (l) PetscCall(EngdJetLayerWeights(jet, l, work->dz[l - 1], g, sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetHessian(EngdJet jet, const PetscReal theta[], const PetscReal dtheta[], const PetscReal gu[],
                              const PetscReal dgu[], EngdJetWork work, PetscReal sum[])
{
  EngdNetwork      net  = jet->network;
  const size_t     size = ENGD_COUNT(net->widest, jet->layout->nchannels * jet->n);
  PetscReal *const p[]  = {work->p, work->q};
  PetscReal *const dp[] = {work->spare, work->spare + size};
  const PetscReal *g = gu, *dg = dgu;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.adjoint_tangent, 0, 0, 0, 0));
  for (PetscInt l = net->nhidden; l >= 0; l--) {
    const PetscBool *used  = EngdJetLayerChannels(jet, l);
    PetscReal       *below = p[l % 2], *dbelow = dp[l % 2];

    PetscCall(AddLayer(jet, l, g, dg, work, sum));
    if (l == 0) break;
    PetscCall(EngdJetLayerTranspose(jet, l, theta, g, PETSC_FALSE, below));
    PetscCall(EngdJetLayerTranspose(jet, l, theta, dg, PETSC_FALSE, dbelow));
    PetscCall(EngdJetLayerTranspose(jet, l, dtheta, g, PETSC_TRUE, dbelow));
    PetscCall(PetscLogEventBegin(engd_log.activation, 0, 0, 0, 0));
    EngdActivationAdjointTangent(jet->layout, used, net->layer[l].n_in * jet->n, jet->a[l - 1], work->da[l - 1],
                                 jet->s[l - 1], below, dbelow);
    PetscCall(PetscLogEventEnd(engd_log.activation, 0, 0, 0, 0));
    g  = below;
    dg = dbelow;
  }
  PetscCall(PetscLogEventEnd(engd_log.adjoint_tangent, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
