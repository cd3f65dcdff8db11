/*
  Points on a region of a box: z in the unit cube -> x = (1 - z) lower + z upper, with z_c = 0 or 1 on a face.

  Samplers: with at least POINTS_PER_PIECE points a piece, the N points are apportioned to the pieces by area, point i
  is number i of a sequence in the dimension of the pieces and weighs area / n: each piece integrates exactly its area.
  With fewer, one number more in the sample chooses the piece, and all weigh measure / N. Tensor rules: boxtensor.c.
  auto is grid in up to three dimensions; otherwise, and for quasi, it is sobol, or halton beyond the table of sobol.
*/
#include "box.h"

#define POINTS_PER_PIECE 8

/* n_f by largest remainder: sum n, about n area_f / measure, at least one. Needs n >= npieces */
static PetscErrorCode RegionApportion(EngdBoxRegion *region, PetscReal measure, PetscInt n)
{
  EngdBoxPiece *piece = region->piece;
  PetscReal    *quota;
  PetscInt      sum = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(region->npieces, &quota));
  for (PetscInt i = 0; i < region->npieces; i++) {
    quota[i]   = (PetscReal)n * (piece[i].area / measure);
    piece[i].n = PetscMax(1, (PetscInt)quota[i]);
    sum += piece[i].n;
  }
  while (sum != n) { /* one more where most is lacking, or one less where most is too much */
    const PetscInt step = sum < n ? 1 : -1;
    PetscInt       best = -1;

    for (PetscInt i = 0; i < region->npieces; i++) {
      const PetscReal lacking = (PetscReal)step * (quota[i] - (PetscReal)piece[i].n);

      if (piece[i].n + step < 1) continue;
      if (best < 0 || lacking > (PetscReal)step * (quota[best] - (PetscReal)piece[best].n)) best = i;
    }
    piece[best].n += step;
    sum += step;
  }
  PetscCall(PetscFree(quota));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What auto and quasi mean on this region */
static PetscErrorCode PointsChooseSampler(EngdPoints points, const EngdBoxRegion *region, PetscInt ncounts,
                                          PetscInt n)
{
  const PetscInt dim    = region->nfree + (region->npieces > 1 ? 1 : 0);
  const char    *choice = dim <= ENGD_SOBOL_DIMENSIONS ? "sobol" : "halton";
  PetscBool      automatic, quasi;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(points->sampler, "auto", &automatic));
  PetscCall(PetscStrcmp(points->sampler, "quasi", &quasi));
  if (!automatic && !quasi) PetscFunctionReturn(PETSC_SUCCESS);
  if (automatic && (ncounts > 1 || (region->nfree <= 3 && n >= region->npieces))) choice = "grid";
  if (region->nfree == 0 && n >= region->npieces) choice = "grid"; /* end points: nothing to sample */
  PetscCall(PetscFree(points->sampler));
  PetscCall(PetscStrallocpy(choice, &points->sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sampler of the registry: who gets how many points, and whether it can draw the first one */
static PetscErrorCode PointsSetUpSampler(EngdPoints points, EngdBoxRegion *region, PetscInt ncounts, PetscInt n)
{
  char       option[128];
  PetscReal *q;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(option, sizeof(option), "%s_sampler", points->prefix));
  PetscCall(EngdSamplerFind(option, points->sampler, &region->sampler));
  PetscCheck(ncounts == 1, points->comm, PETSC_ERR_USER_INPUT,
             "%s_points has %" PetscInt_FMT
             " numbers: only the samplers grid and gauss take one for each coordinate, not %s",
             points->prefix, ncounts, points->sampler);
  points->nglobal  = n;
  region->selector = region->npieces > 1 && n / POINTS_PER_PIECE < region->npieces ? PETSC_TRUE : PETSC_FALSE;
  if (!region->selector) PetscCall(RegionApportion(region, points->measure, n));
  PetscCall(PetscMalloc1(region->nfree + 1, &q));
  PetscCall((*region->sampler)(region->nfree + (region->selector ? 1 : 0), n, points->seed, points->stream, 0, 0, q));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPointsSetUp_Box(EngdDomain domain, EngdPoints points, PetscInt ncounts, const PetscInt counts[],
                                   PetscBool *normal)
{
  EngdBoxRegion *region;
  PetscBool      grid, gauss;

  PetscFunctionBeginUser;
  PetscCall(EngdBoxRegionCreate(domain, points, &region));
  points->data = region;
  PetscCall(PointsChooseSampler(points, region, ncounts, counts[0]));
  PetscCall(PetscStrcmp(points->sampler, "grid", &grid));
  PetscCall(PetscStrcmp(points->sampler, "gauss", &gauss));
  if (grid || gauss) {
    if (ncounts == 1) {
      PetscCheck(counts[0] >= region->npieces, points->comm, PETSC_ERR_USER_INPUT,
                 "%s_points %" PetscInt_FMT ": fewer than the %" PetscInt_FMT
                 " faces of the region; give more points, or %s_sampler halton",
                 points->prefix, counts[0], region->npieces, points->prefix);
      PetscCall(RegionApportion(region, points->measure, counts[0]));
    }
    PetscCall(EngdBoxSetTensorRule(domain, points, ncounts, counts));
  } else
    PetscCall(PointsSetUpSampler(points, region, ncounts, counts[0]));
  *normal = PETSC_TRUE;
  for (PetscInt i = 0; i < region->npieces; i++) {
    const PetscInt fixed = region->piece[i].fixed;

    if (fixed < 0 || fixed >= domain->nspace) *normal = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The piece of point number i, and its number there */
static const EngdBoxPiece *FindPiece(const EngdBoxRegion *region, PetscInt *i)
{
  const EngdBoxPiece *piece = region->piece;

  while (*i >= piece->n) *i -= (piece++)->n;
  return piece;
}

/* Node i of the tensor rule, the first coordinate fastest: z, and its weight with sum 1 */
static PetscReal TensorNode(const EngdBoxPiece *piece, PetscInt dim, PetscInt i, PetscReal z[])
{
  PetscReal share = 1.0;

  for (PetscInt c = 0; c < dim; c++) {
    const PetscInt j = i % piece->count[c];

    i /= piece->count[c];
    z[c] = piece->node[c][j];
    share *= piece->share[c][j];
  }
  return share;
}

/* Point number i of the sampler: its piece, z and weight; q is scratch */
static PetscErrorCode SamplePoint(EngdPoints points, const EngdBoxRegion *region, PetscInt i, PetscReal q[],
                                  PetscReal z[], const EngdBoxPiece **piece, PetscReal *weight)
{
  const PetscInt first = region->selector ? 1 : 0;

  PetscFunctionBeginUser;
  PetscCall(
      (*region->sampler)(region->nfree + first, points->nglobal, points->seed, points->stream, points->epoch, i, q));
  if (region->selector) {
    PetscReal t = q[0] * points->measure;

    *piece = region->piece;
    while (*piece < region->piece + region->npieces - 1 && t >= (*piece)->area) t -= ((*piece)++)->area;
    *weight = points->measure / (PetscReal)points->nglobal;
  } else {
    *piece  = FindPiece(region, &i);
    *weight = (*piece)->area / (PetscReal)(*piece)->n;
  }
  for (PetscInt c = 0, k = first; c < points->dim; c++) z[c] = c == (*piece)->fixed ? (*piece)->side : q[k++];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPointsSample_Box(EngdDomain domain, EngdPoints points)
{
  const EngdBox       *box    = (const EngdBox *)domain->data;
  const EngdBoxRegion *region = (const EngdBoxRegion *)points->data;
  const EngdBoxPiece  *piece  = NULL;
  const PetscInt       dim    = points->dim;
  PetscReal           *z, *q;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(dim, &z, dim + 1, &q));
  for (PetscInt i = 0; i < points->nlocal; i++) {
    PetscInt number = points->start + i;

    if (region->sampler) {
      PetscCall(SamplePoint(points, region, number, q, z, &piece, &points->weight[i]));
    } else {
      piece             = FindPiece(region, &number);
      points->weight[i] = piece->area * TensorNode(piece, dim, number, z);
    }
    for (PetscInt c = 0; c < dim; c++) points->x[i * dim + c] = (1.0 - z[c]) * box->lower[c] + z[c] * box->upper[c];
    for (PetscInt c = 0; points->normal && c < points->nspace; c++)
      points->normal[i * points->nspace + c] = c == piece->fixed ? 2.0 * piece->side - 1.0 : 0.0;
  }
  PetscCall(PetscFree2(z, q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPointsDestroy_Box(EngdPoints points)
{
  EngdBoxRegion *region = (EngdBoxRegion *)points->data;

  PetscFunctionBeginUser;
  PetscCall(EngdBoxRegionDestroy(points->domain, &region));
  points->data = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
