/*
  A block of points: the jet of the network and the term's expression there, and the pointwise parts of products.

    value r_c,  first D_ce = dr_c/dDu_e,  second S_cef = d^2 r_c / dDu_e dDu_f  (non-zeros only)
    y = D du,   gu += D^T y,   gu += sum_c y_c S_c du

  These are the middle of every operator: points -> jet of the network -> pointwise PDE -> adjoint jet -> parameters.
*/
#include <engd/private.h>

/* entry e of the jet at point i stands at [i * stride] from here */
static PetscReal *EntryOf(EngdFunctional F, const EngdBlock *block, PetscInt e, const PetscReal u[])
{
  const PetscInt channel = F->channel[block->term][e];
  const PetscInt output  = F->problem->term[block->term]->expression->entry[e].output;

  return (PetscReal *)u + ENGD_COUNT(channel * block->n, F->network->noutputs) + output;
}

/* r, dr/dDu, d^2r/dDu^2 (NULL: not wanted) from a jet at the points of the block; the block itself does not change */
PetscErrorCode EngdBlockEvaluate(EngdFunctional F, EngdBlock *block, EngdJet jet, PetscReal value[],
                                 PetscReal first[], PetscReal second[])
{
  const PetscInt dim = F->problem->domain->dim, nspace = F->problem->domain->nspace;
  EngdExpression expression = F->problem->term[block->term]->expression;
  EngdBatch     *x = F->batch, *normal = x + dim, *entry = normal + nspace;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.expression, 0, 0, 0, 0));
  for (PetscInt i = 0; i < dim; i++) x[i] = (EngdBatch){block->x + i, dim};
  for (PetscInt i = 0; block->normal && i < nspace; i++) normal[i] = (EngdBatch){block->normal + i, nspace};
  for (PetscInt e = 0; e < expression->nentries; e++) {
    entry[e] = (EngdBatch){EntryOf(F, block, e, jet->u), F->network->noutputs};
  }
  PetscCall(
      EngdExpressionEvaluate(expression, block->n, x, block->normal ? normal : NULL, entry, value, first, second));
  PetscCall(PetscLogEventEnd(engd_log.expression, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalGetBlock(EngdFunctional F, PetscInt b, EngdBlock **out)
{
  EngdBlock       *block = &F->block[b];
  const PetscReal *theta;

  PetscFunctionBeginUser;
  *out = block;
  if (block->current && block->jet->x == block->x) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetArrayRead(F->theta, &theta));
  PetscCall(EngdJetForward(block->jet, theta, block->n, block->x));
  PetscCall(VecRestoreArrayRead(F->theta, &theta));
  if (!block->current) PetscCall(EngdBlockEvaluate(F, block, block->jet, block->value, block->first, block->second));
  block->current = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y_c = sum_e D_ce du_e */
PetscErrorCode EngdBlockFirst(EngdFunctional F, const EngdBlock *block, const PetscReal du[], PetscReal y[])
{
  EngdExpression expression = F->problem->term[block->term]->expression;
  const PetscInt n = block->n, stride = F->network->noutputs;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(y, expression->ncomponents * n));
  for (PetscInt k = 0; k < expression->nfirst; k++) {
    const PetscReal *restrict D = block->first + ENGD_COUNT(k, n);
    const PetscReal *restrict d = EntryOf(F, block, expression->first_entry[k], du);
    PetscReal *restrict yc      = y + ENGD_COUNT(expression->first_component[k], n);

    for (PetscInt i = 0; i < n; i++) yc[i] += D[i] * d[ENGD_COUNT(i, stride)];
  }
  PetscCall(PetscLogFlops(2.0 * expression->nfirst * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gu_e += sum_c D_ce y_c */
PetscErrorCode EngdBlockFirstTranspose(EngdFunctional F, const EngdBlock *block, const PetscReal y[], PetscReal gu[])
{
  EngdExpression expression = F->problem->term[block->term]->expression;
  const PetscInt n = block->n, stride = F->network->noutputs;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < expression->nfirst; k++) {
    const PetscReal *restrict D  = block->first + ENGD_COUNT(k, n);
    const PetscReal *restrict yc = y + ENGD_COUNT(expression->first_component[k], n);
    PetscReal *restrict g        = EntryOf(F, block, expression->first_entry[k], gu);

    for (PetscInt i = 0; i < n; i++) g[ENGD_COUNT(i, stride)] += D[i] * yc[i];
  }
  PetscCall(PetscLogFlops(2.0 * expression->nfirst * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gu_e += sum_cf y_c S_cef du_f, S_c symmetric and stored for e >= f */
PetscErrorCode EngdBlockSecond(EngdFunctional F, const EngdBlock *block, const PetscReal y[], const PetscReal du[],
                               PetscReal gu[])
{
  EngdExpression expression = F->problem->term[block->term]->expression;
  const PetscInt n = block->n, stride = F->network->noutputs;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < expression->nsecond; k++) {
    const PetscInt e = expression->second_entry[k], f = expression->second_other[k];
    const PetscReal *restrict S  = block->second + ENGD_COUNT(k, n);
    const PetscReal *restrict yc = y + ENGD_COUNT(expression->second_component[k], n);
    const PetscReal *de = EntryOf(F, block, e, du), *df = EntryOf(F, block, f, du);
    PetscReal       *ge = EntryOf(F, block, e, gu), *gf = EntryOf(F, block, f, gu);

    for (PetscInt i = 0; i < n; i++) ge[ENGD_COUNT(i, stride)] += yc[i] * S[i] * df[ENGD_COUNT(i, stride)];
    if (e == f) continue;
    for (PetscInt i = 0; i < n; i++) gf[ENGD_COUNT(i, stride)] += yc[i] * S[i] * de[ENGD_COUNT(i, stride)];
  }
  PetscCall(PetscLogFlops(6.0 * expression->nsecond * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gu = w D^T r, or w D^T for an energy: the derivative of the loss in the jet; y (ncomponents, n) is scratch */
PetscErrorCode EngdBlockCotangent(EngdFunctional F, const EngdBlock *block, PetscReal y[], PetscReal gu[])
{
  const EngdTerm term = F->problem->term[block->term];
  const PetscInt n    = block->n;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < term->expression->ncomponents; c++) {
    for (PetscInt i = 0; i < n; i++) y[c * n + i] = block->weight[i] * (term->energy ? 1 : block->value[c * n + i]);
  }
  PetscCall(EngdBlockZero(F, block, gu));
  PetscCall(EngdBlockFirstTranspose(F, block, y, gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gu = 0 */
PetscErrorCode EngdBlockZero(EngdFunctional F, const EngdBlock *block, PetscReal gu[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(gu, ENGD_COUNT(F->network->noutputs, F->layout[block->term]->nchannels * block->n)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
