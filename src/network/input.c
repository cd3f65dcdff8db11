/*
  The input jet of a network: of inputs E(x) given as an expression, instead of x itself.

    z_0 = E_k(x) on the value channel, dE_k/dx_i, d^2 E_k/dx_i dx_j, lap(E_k) on the others

  Derivatives are the expression language's own, so embeddings such as (sin(pi x), cos(pi x)) are exact in all channels.
  The jet is evaluated with each forward pass and kept with it, as the matrix that later layers have.
*/
#include <engd/private.h>

PetscErrorCode EngdJetLayoutSetInput(EngdJetLayout layout, EngdExpression inputs)
{
  const PetscInt ninputs = inputs->ncomponents;

  PetscFunctionBeginUser;
  for (PetscInt c = 1; c < layout->nchannels; c++) {
    const EngdChannel *channel = &layout->channel[c];
    EngdJetEntry       which   = {.laplacian = channel->laplacian, .order = channel->order};

    PetscCall(PetscArraycpy(which.coordinate, channel->coordinate, ENGD_JET_ORDER));
    PetscCall(EngdExpressionAppendDerivative(inputs, ninputs, &which));
  }
  PetscCall(EngdExpressionCompile(inputs, 0));
  layout->ninputs = ninputs;
  layout->input   = inputs;
  PetscCall(
      PetscMalloc2(ENGD_COUNT(inputs->ncomponents, ENGD_JET_STRIP), &layout->strip, layout->dim, &layout->batch));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z (ninputs, S n) at n points; the expression has its components channel by channel, point by point */
PetscErrorCode EngdJetLayoutEvaluateInput(EngdJetLayout layout, PetscInt n, const PetscReal x[], PetscReal z[])
{
  const PetscInt d = layout->ninputs;

  PetscFunctionBeginUser;
  for (PetscInt start = 0; start < n; start += ENGD_JET_STRIP) {
    const PetscInt m = PetscMin(ENGD_JET_STRIP, n - start);

    for (PetscInt i = 0; i < layout->dim; i++)
      layout->batch[i] = (EngdBatch){x + ENGD_COUNT(start, layout->dim) + i, layout->dim};
    PetscCall(EngdExpressionEvaluate(layout->input, m, layout->batch, NULL, NULL, layout->strip, NULL, NULL));
    for (PetscInt c = 0; c < layout->nchannels; c++) {
      PetscReal *zc = z + ENGD_COUNT(c * n + start, d);

      for (PetscInt k = 0; k < d; k++) {
        const PetscReal *values = layout->strip + ENGD_COUNT(c * d + k, m);

        for (PetscInt i = 0; i < m; i++) zc[ENGD_COUNT(i, d) + k] = values[i];
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
