/*
  First derivatives along what is no coordinate: random dimensions of each point, and vectors v(x).

    random dimension j of d, one of s:  W z = sqrt(d/s) column j of W, so that the sum of s second derivatives is d/s times theirs
    vector:                             W z = W v(x_i), one GEMM of all points

  Random dimensions cost no product with the d columns of W, and the memory of a number; vectors cost one such product each.
*/
#include <engd/private.h>

/* which random dimension a channel is along, or -1; which vector, or -1 */
static PetscInt RandomOf(EngdJet jet, PetscInt c)
{
  const PetscInt k = jet->layout->channel[c].coordinate[0] - jet->layout->dim;

  return k < jet->layout->nrandom ? k : -1;
}

static const PetscReal *VectorsOf(EngdJet jet, PetscInt c)
{
  const PetscInt m = jet->layout->channel[c].coordinate[0] - jet->layout->dim - jet->layout->nrandom;

  return jet->direction + ENGD_COUNT(m, ENGD_COUNT(jet->layout->dim, jet->n));
}

static PetscReal Scale(EngdJet jet)
{
  return PetscSqrtReal((PetscReal)jet->layout->nspace / (PetscReal)jet->layout->nrandom);
}

size_t EngdJetDirectionCount(EngdJetLayout layout, PetscInt n)
{
  return ENGD_COUNT(layout->ndirections, ENGD_COUNT(layout->dim, n));
}

PetscErrorCode EngdJetDirectionSetUp(EngdJet jet)
{
  const EngdJetLayout layout = jet->layout;
  const PetscInt      d = layout->dim, nspace = layout->nspace;
  EngdBatch          *x;
  PetscReal          *values;

  PetscFunctionBeginUser;
  PetscCheck(!layout->nrandom || jet->dimension, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "a jet of random dimensions has not been told which they are");
  if (!layout->direction) PetscFunctionReturn(PETSC_SUCCESS);
  x      = layout->batch;
  values = layout->strip;
  for (PetscInt start = 0; start < jet->n; start += ENGD_JET_STRIP) {
    const PetscInt m = PetscMin(ENGD_JET_STRIP, jet->n - start);

    for (PetscInt i = 0; i < d; i++) x[i] = (EngdBatch){jet->x + ENGD_COUNT(start, d) + i, d};
    PetscCall(EngdExpressionEvaluate(layout->direction, m, x, NULL, NULL, values, NULL, NULL));
    for (PetscInt k = 0; k < layout->ndirections; k++) {
      PetscReal *v = jet->direction + ENGD_COUNT(k, ENGD_COUNT(d, jet->n)) + ENGD_COUNT(start, d);

      for (PetscInt i = 0; i < m; i++) {
        for (PetscInt c = 0; c < d; c++)
          v[ENGD_COUNT(i, d) + c] = c < nspace ? values[ENGD_COUNT(k * nspace + c, m) + i] : 0;
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetDirectionMultiply(EngdJet jet, PetscInt c, PetscInt m, const PetscReal W[], PetscReal A[])
{
  const PetscInt  k = RandomOf(jet, c), s = jet->layout->nrandom, d = jet->layout->dim;
  const PetscReal scale = k < 0 ? 0 : Scale(jet);

  PetscFunctionBeginUser;
  if (k < 0) PetscCall(EngdGemm("N", "N", m, jet->n, d, W, m, VectorsOf(jet, c), d, 0, A, m));
  for (PetscInt i = 0; k >= 0 && i < jet->n; i++) {
    const PetscReal *restrict column = W + ENGD_COUNT(jet->dimension[ENGD_COUNT(i, s) + k], m);
    PetscReal *restrict a            = A + ENGD_COUNT(i, m);

    for (PetscInt r = 0; r < m; r++) a[r] = scale * column[r];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetDirectionAddGradient(EngdJet jet, PetscInt c, PetscInt m, const PetscReal g[], PetscReal gW[])
{
  const PetscInt k = RandomOf(jet, c), d = jet->layout->dim;

  PetscFunctionBeginUser;
  if (k < 0)
    PetscCall(EngdGemm("N", "T", m, d, jet->n, g, m, VectorsOf(jet, c), d, 1, gW, m));
  else
    for (PetscInt i = 0; i < jet->n; i++) EngdJetDirectionAddRow(jet, c, i, m, g + ENGD_COUNT(i, m), gW);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void EngdJetDirectionAddRow(EngdJet jet, PetscInt c, PetscInt i, PetscInt m, const PetscReal g[], PetscReal W[])
{
  const PetscInt k = RandomOf(jet, c), s = jet->layout->nrandom, d = jet->layout->dim;

  if (k >= 0) {
    const PetscReal scale      = Scale(jet);
    PetscReal *restrict column = W + ENGD_COUNT(jet->dimension[ENGD_COUNT(i, s) + k], m);

    for (PetscInt r = 0; r < m; r++) column[r] += scale * g[r];
  } else {
    const PetscReal *v = VectorsOf(jet, c) + ENGD_COUNT(i, d);

    for (PetscInt j = 0; j < d; j++) {
      PetscReal *restrict column = W + ENGD_COUNT(j, m);

      for (PetscInt r = 0; r < m; r++) column[r] += v[j] * g[r];
    }
  }
}

void EngdJetDirectionFill(EngdJet jet, PetscInt c, PetscReal z[])
{
  const PetscInt   k = RandomOf(jet, c), s = jet->layout->nrandom, d = jet->layout->dim;
  const PetscReal *v = k < 0 ? VectorsOf(jet, c) : NULL;

  for (PetscInt i = 0; i < jet->n; i++) {
    for (PetscInt j = 0; v && j < d; j++) z[ENGD_COUNT(i, d) + j] = v[ENGD_COUNT(i, d) + j];
    if (!v) z[ENGD_COUNT(i, d) + jet->dimension[ENGD_COUNT(i, s) + k]] = Scale(jet);
  }
}
