/*
  A block of points: the jet of the network and the term's pointwise part there, and the pointwise parts of products.

    value r_c,  first D_ce = dr_c/dDu_e,  second S_cef = d^2 r_c / dDu_e dDu_f  (non-zeros only)
    y = D du,   gu += D^T y,   gu += sum_c y_c S_c du

  These are the middle of every operator: points -> jet of the network -> pointwise PDE -> adjoint jet -> parameters.
*/
#include <engd/private.h>

/* A pointwise map of the jet of a block: its part, the channels of its entries, its derivatives at the points */
typedef struct {
  EngdPointwise    pointwise;
  const PetscInt  *channel;
  const PetscReal *first;
} Map;

/* r of the term */
static Map MapOfTerm(EngdFunctional F, const EngdBlock *block)
{
  return (Map){F->problem->term[block->term]->pointwise, F->term[block->term].channel, block->first};
}

/* what the curvature measures */
static Map MapOfMeasured(EngdFunctional F, const EngdBlock *block)
{
  return (Map){F->term[block->term].measured, F->term[block->term].measured_channel, block->measured};
}

static EngdPlace PlaceOf(EngdFunctional F, const EngdBlock *block, const Map *map, PetscInt e)
{
  return EngdModelPlace(F->model, F->term[block->term].layout, block->n, &map->pointwise->entry[e], map->channel[e]);
}

EngdPlace EngdBlockPlace(EngdFunctional F, const EngdBlock *block, PetscInt e)
{
  const Map map = MapOfTerm(F, block);

  return PlaceOf(F, block, &map, e);
}

/* value and derivatives of a map from a jet at the points of the block; NULL: not wanted */
static PetscErrorCode Evaluate(EngdFunctional F, const EngdBlock *block, const Map *map, EngdModelJet jet,
                               PetscReal value[], PetscReal first[], PetscReal second[])
{
  const PetscInt   dim = F->problem->domain->dim, nspace = F->problem->domain->nspace;
  const EngdPoints points = F->problem->term[block->term]->points;
  EngdBatch       *x = F->pointwise.batch, *data = x + dim, *normal = data + points->ndata, *entry = normal + nspace;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.expression, 0, 0, 0, 0));
  for (PetscInt i = 0; i < dim; i++) x[i] = (EngdBatch){block->x + i, dim};
  for (PetscInt k = 0; k < points->ndata; k++)
    data[k] = (EngdBatch){points->data_value + ENGD_COUNT(block->start, points->ndata) + k, points->ndata};
  for (PetscInt i = 0; block->normal && i < nspace; i++) normal[i] = (EngdBatch){block->normal + i, nspace};
  for (PetscInt e = 0; e < map->pointwise->nentries; e++) {
    const EngdPlace place = PlaceOf(F, block, map, e);

    entry[e] = (EngdBatch){jet->u + place.offset, place.stride};
  }
  PetscCall((*map->pointwise->evaluate)(map->pointwise, block->n, x, block->normal ? normal : NULL, entry, value,
                                        first, second));
  PetscCall(PetscLogEventEnd(engd_log.expression, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r with its shift, dr/dDu, d^2r/dDu^2 (NULL: not wanted) from a jet at the points of the block; the block itself does not change */
PetscErrorCode EngdBlockEvaluate(EngdFunctional F, EngdBlock *block, EngdModelJet jet, PetscReal value[],
                                 PetscReal first[], PetscReal second[])
{
  const Map        map = MapOfTerm(F, block);
  const PetscInt   nc  = map.pointwise->ncomponents;
  const PetscReal *s   = EngdBlockShift(F, block);

  PetscFunctionBeginUser;
  PetscCall(Evaluate(F, block, &map, jet, value, first, second));
  for (PetscInt c = 0; s && c < nc; c++) {
    for (PetscInt i = 0; i < block->n; i++) value[c * block->n + i] += s[i * nc + c];
  }
  for (PetscInt k = 0; value && block->offset && k < block->n * nc; k++) value[k] -= block->offset[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F->trial.value <- the same at other parameters, theta [p] */
PetscErrorCode EngdBlockEvaluateAt(EngdFunctional F, EngdBlock *block, const PetscReal theta[])
{
  EngdModelJet jet = F->term[block->term].shared;

  PetscFunctionBeginUser;
  EngdModelJetSetDimensions(jet, block->dimension);
  PetscCall(EngdModelForward(jet, theta, block->n, block->x));
  PetscCall(EngdBlockEvaluate(F, block, jet, F->trial.value, NULL, NULL));
  jet->x = NULL; /* so that no block takes it for a jet of the present theta */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A window of time goes on where r(u) = r(u of the one before): for initial values u - g that is the end of that one */
PetscErrorCode EngdBlockSetOffset(EngdFunctional F, EngdBlock *block, const PetscReal theta[])
{
  const PetscInt size = block->n * F->problem->term[block->term]->pointwise->ncomponents;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(block->offset, size));
  PetscCall(EngdBlockEvaluateAt(F, block, theta));
  PetscCall(PetscArraycpy(block->offset, F->trial.value, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the derivatives of what the curvature measures; nobody reads its values */
static PetscErrorCode EvaluateMeasured(EngdFunctional F, EngdBlock *block)
{
  const Map map = MapOfMeasured(F, block);

  PetscFunctionBeginUser;
  if (map.pointwise) PetscCall(Evaluate(F, block, &map, block->jet, F->pointwise.value, block->measured, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalGetBlock(EngdFunctional F, PetscInt b, EngdBlock **out)
{
  EngdBlock *block = &F->block[b];

  PetscFunctionBeginUser;
  *out = block;
  if (block->current && block->jet->x == block->x) PetscFunctionReturn(PETSC_SUCCESS);
  EngdModelJetSetDimensions(block->jet, block->dimension);
  PetscCall(EngdModelForward(block->jet, F->present.theta, block->n, block->x));
  if (!block->current) {
    PetscCall(EngdBlockEvaluate(F, block, block->jet, block->value, block->first, block->second));
    PetscCall(EvaluateMeasured(F, block));
  }
  block->current = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y_c = sum_e D_ce du_e */
static PetscErrorCode Multiply(EngdFunctional F, const EngdBlock *block, const Map *map, const PetscReal du[],
                               PetscReal y[])
{
  const EngdPointwise pointwise = map->pointwise;
  const PetscInt      n         = block->n;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(y, pointwise->ncomponents * n));
  for (PetscInt k = 0; k < pointwise->nfirst; k++) {
    const EngdPlace place       = PlaceOf(F, block, map, pointwise->first_entry[k]);
    const PetscReal *restrict D = map->first + ENGD_COUNT(k, n);
    const PetscReal *restrict d = du + place.offset;
    PetscReal *restrict yc      = y + ENGD_COUNT(pointwise->first_component[k], n);

    for (PetscInt i = 0; i < n; i++) yc[i] += D[i] * d[ENGD_COUNT(i, place.stride)];
  }
  PetscCall(PetscLogFlops(2.0 * pointwise->nfirst * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gu_e += sum_c D_ce y_c */
static PetscErrorCode MultiplyTranspose(EngdFunctional F, const EngdBlock *block, const Map *map, const PetscReal y[],
                                        PetscReal gu[])
{
  const EngdPointwise pointwise = map->pointwise;
  const PetscInt      n         = block->n;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < pointwise->nfirst; k++) {
    const EngdPlace place        = PlaceOf(F, block, map, pointwise->first_entry[k]);
    const PetscReal *restrict D  = map->first + ENGD_COUNT(k, n);
    const PetscReal *restrict yc = y + ENGD_COUNT(pointwise->first_component[k], n);
    PetscReal *restrict g        = gu + place.offset;

    for (PetscInt i = 0; i < n; i++) g[ENGD_COUNT(i, place.stride)] += D[i] * yc[i];
  }
  PetscCall(PetscLogFlops(2.0 * pointwise->nfirst * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdBlockFirst(EngdFunctional F, const EngdBlock *block, const PetscReal du[], PetscReal y[])
{
  const Map map = MapOfTerm(F, block);

  PetscFunctionBeginUser;
  PetscCall(Multiply(F, block, &map, du, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdBlockFirstTranspose(EngdFunctional F, const EngdBlock *block, const PetscReal y[], PetscReal gu[])
{
  const Map map = MapOfTerm(F, block);

  PetscFunctionBeginUser;
  PetscCall(MultiplyTranspose(F, block, &map, y, gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdBlockMeasured(EngdFunctional F, const EngdBlock *block, const PetscReal du[], PetscReal y[])
{
  const Map map = MapOfMeasured(F, block);

  PetscFunctionBeginUser;
  PetscCall(Multiply(F, block, &map, du, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdBlockMeasuredTranspose(EngdFunctional F, const EngdBlock *block, const PetscReal y[],
                                          PetscReal gu[])
{
  const Map map = MapOfMeasured(F, block);

  PetscFunctionBeginUser;
  PetscCall(MultiplyTranspose(F, block, &map, y, gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gu_e += sum_cf y_c S_cef du_f, S_c symmetric and stored for e >= f */
PetscErrorCode EngdBlockSecond(EngdFunctional F, const EngdBlock *block, const PetscReal y[], const PetscReal du[],
                               PetscReal gu[])
{
  const EngdPointwise pointwise = F->problem->term[block->term]->pointwise;
  const PetscInt      n         = block->n;

  PetscFunctionBeginUser;
  PetscCheck(F->twice, PETSC_COMM_SELF, PETSC_ERR_ORDER, "second derivatives are read that nobody has asked for");
  for (PetscInt k = 0; k < pointwise->nsecond; k++) {
    const PetscInt  e = pointwise->second_entry[k], f = pointwise->second_other[k];
    const EngdPlace at_e = EngdBlockPlace(F, block, e), at_f = EngdBlockPlace(F, block, f);
    const PetscReal *restrict S  = block->second + ENGD_COUNT(k, n);
    const PetscReal *restrict yc = y + ENGD_COUNT(pointwise->second_component[k], n);
    const PetscReal *de = du + at_e.offset, *df = du + at_f.offset;
    PetscReal       *ge = gu + at_e.offset, *gf = gu + at_f.offset;

    for (PetscInt i = 0; i < n; i++) ge[ENGD_COUNT(i, at_e.stride)] += yc[i] * S[i] * df[ENGD_COUNT(i, at_f.stride)];
    if (e == f) continue;
    for (PetscInt i = 0; i < n; i++) gf[ENGD_COUNT(i, at_f.stride)] += yc[i] * S[i] * de[ENGD_COUNT(i, at_e.stride)];
  }
  PetscCall(PetscLogFlops(6.0 * pointwise->nsecond * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gu = w D^T r, r less its mean of walkers, or w slope D^T for an energy: the derivative of the loss in the jet; y (ncomponents, n) is scratch */
PetscErrorCode EngdBlockCotangent(EngdFunctional F, const EngdBlock *block, PetscReal y[], PetscReal gu[])
{
  const EngdTerm term = F->problem->term[block->term];
  const PetscInt n    = block->n;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < term->pointwise->ncomponents; c++) {
    for (PetscInt i = 0; i < n; i++)
      y[c * n + i] =
          block->weight[i] * (term->energy ? EngdBlockSlope(F, block, c) : block->value[c * n + i] - F->outer.mean);
  }
  PetscCall(EngdBlockZero(F, block, gu));
  PetscCall(EngdBlockFirstTranspose(F, block, y, gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gu = 0 */
PetscErrorCode EngdBlockZero(EngdFunctional F, const EngdBlock *block, PetscReal gu[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(gu, ENGD_COUNT(F->term[block->term].layout->nrows, block->n)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool EngdBlockJetRow(EngdFunctional F, const EngdBlock *block, PetscInt r, EngdPlace *place)
{
  return EngdModelJetRow(F->model, F->term[block->term].layout, block->n, r, place);
}
