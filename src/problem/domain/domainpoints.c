/*
  Points on a region of a solid: which of its pieces, which z of the unit cube, and the map of the piece.

  Samplers: with at least POINTS_PER_PIECE points a piece, the N points are apportioned to the pieces by area, point i
  is number i of a sequence in the dimension of the pieces and weighs area / n: each piece integrates exactly its area.
  With fewer, one number more in the sample chooses the piece, and all weigh measure / N. Tensor rules: rules.c. Pieces
  that masks cut: masks.c.
  auto is gauss where pieces are parallel to the axes and uncut, in up to three dimensions; grid where masks cut them, and on
  curves; otherwise, and for quasi, it is sobol, or halton beyond the table of sobol. Against the cell centres of grid, Gauss's
  points reach closer to the boundary: the loss on them is that on fresh points within a tenth where grid's was 10 times too
  low, and trained solutions were up to 26 times closer (runs/untuned.md).
*/
#include "shape.h"

#define POINTS_PER_PIECE 8
#define GAUSS_NODES      1000 /* of a line that auto takes, since finding them takes their square of time */

/* n_f by largest remainder: sum n, about n area_f / measure, at least one. Needs n >= npieces */
static PetscErrorCode RegionApportion(EngdRegion *region, PetscReal measure, PetscInt n)
{
  EngdPiece *piece = region->piece;
  PetscReal *quota;
  PetscInt   sum = 0;

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
static PetscErrorCode PointsChooseSampler(EngdPoints points, const EngdRegion *region, PetscInt ncounts,
                                          const PetscInt counts[])
{
  const PetscInt n      = counts[0];
  const PetscInt dim    = region->nfree + (region->npieces > 1 ? 1 : 0);
  const char    *choice = dim <= ENGD_SOBOL_DIMENSIONS ? "sobol" : "halton";
  PetscBool      automatic, quasi, straight = PETSC_TRUE, fine = PETSC_TRUE;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(points->sampler, "auto", &automatic));
  PetscCall(PetscStrcmp(points->sampler, "quasi", &quasi));
  if (!automatic && !quasi) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < region->npieces; i++) {
    if (!region->piece[i].patch->straight) straight = PETSC_FALSE;
  }
  for (PetscInt c = 0; c < ncounts; c++) {
    const PetscReal nodes = ncounts > 1
                                ? (PetscReal)counts[c]
                                : PetscPowReal((PetscReal)n / region->npieces, 1. / PetscMax(region->nfree, 1));

    if (nodes > GAUSS_NODES) fine = PETSC_FALSE;
  }
  if (automatic && (ncounts > 1 || (region->nfree <= (straight ? 3 : 1) && n >= region->npieces)))
    choice = straight && !region->masked && fine ? "gauss" : "grid";
  if (region->nfree == 0 && n >= region->npieces) choice = "grid"; /* end points: nothing to sample */
  PetscCall(PetscFree(points->sampler));
  PetscCall(PetscStrallocpy(choice, &points->sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sampler of the registry: who gets how many points, and whether it can draw the first one */
static PetscErrorCode PointsSetUpSampler(EngdPoints points, EngdRegion *region, PetscInt ncounts, PetscInt n)
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

/*
  EngdPointsSetUp_Solid - The op pointssetup of a domain whose data is a solid.
*/
PetscErrorCode EngdPointsSetUp_Solid(EngdDomain domain, EngdPoints points, PetscInt ncounts, const PetscInt counts[],
                                     PetscBool *normal)
{
  EngdRegion *region;
  PetscBool   grid, gauss;

  PetscFunctionBeginUser;
  PetscCall(EngdRegionCreate(domain, points, &region));
  points->data    = region;
  points->npieces = region->npieces;
  PetscCall(PointsChooseSampler(points, region, ncounts, counts));
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
    PetscCall(EngdRegionSetTensorRule(domain, points, ncounts, counts));
  } else
    PetscCall(PointsSetUpSampler(points, region, ncounts, counts[0]));
  *normal = PETSC_TRUE;
  for (PetscInt i = 0; i < region->npieces; i++) {
    if (!region->piece[i].patch->boundary) *normal = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The piece of point number i, and its number there */
static const EngdPiece *FindPiece(const EngdRegion *region, PetscInt *i)
{
  const EngdPiece *piece = region->piece;

  while (*i >= piece->n) *i -= (piece++)->n;
  return piece;
}

/* Point number i of the sampler: its piece, q with z from the entry `first` on, and weight */
static PetscErrorCode SamplePoint(EngdPoints points, const EngdRegion *region, PetscInt i, PetscReal q[],
                                  const EngdPiece **piece, PetscReal *weight)
{
  PetscFunctionBeginUser;
  PetscCall((*region->sampler)(region->nfree + (region->selector ? 1 : 0), points->nglobal, points->seed,
                               points->stream, points->epoch, i, q));
  if (region->selector) {
    PetscReal t = q[0] * points->measure;

    *piece = region->piece;
    while (*piece < region->piece + region->npieces - 1 && t >= (*piece)->area) t -= ((*piece)++)->area;
    *weight = points->measure / (PetscReal)points->nglobal;
  } else {
    *piece  = FindPiece(region, &i);
    *weight = (*piece)->area / (PetscReal)(*piece)->n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x, weight and normal of the local points */
static PetscErrorCode EngdPointsSample_Solid(EngdDomain domain, EngdPoints points)
{
  EngdRegion      *region = (EngdRegion *)points->data;
  const EngdPiece *piece  = NULL;
  const PetscInt   dim = points->dim, d = points->nspace, first = region->selector ? 1 : 0;
  PetscReal       *q, t;

  PetscFunctionBeginUser;
  if (region->masked) {
    PetscCall(EngdRegionSampleMasked(domain, points));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(region->nfree + 2, &q));
  for (PetscInt i = 0; i < points->nlocal; i++) {
    PetscInt number = points->start + i;

    if (region->sampler) {
      PetscCall(SamplePoint(points, region, number, q, &piece, &points->weight[i]));
    } else {
      piece             = FindPiece(region, &number);
      points->weight[i] = piece->area * EngdPieceNode(piece, number, q + first);
    }
    PetscCall(EngdPieceMap(domain, region, piece, q + first, &t));
    for (PetscInt c = 0; c < d; c++) points->x[i * dim + c] = region->hits.x[c];
    if (domain->time) points->x[i * dim + d] = t;
    for (PetscInt c = 0; points->normal && c < d; c++) points->normal[i * d + c] = region->hits.normal[c];
  }
  PetscCall(PetscFree(q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdPointsDestroy_Solid(EngdPoints points)
{
  EngdRegion *region = (EngdRegion *)points->data;

  PetscFunctionBeginUser;
  PetscCall(EngdRegionDestroy(&region));
  points->data = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x in the closed solid and t in the closed interval, to rounding */
static PetscErrorCode EngdDomainContains_Solid(EngdDomain domain, const PetscReal x[], PetscBool *inside)
{
  const EngdSolid *solid = (const EngdSolid *)domain->data;

  PetscFunctionBeginUser;
  PetscCall(EngdSolidContains(solid, x, 1e-12, inside));
  if (domain->time) {
    const PetscReal t = x[domain->nspace], rounding = 1e-12 * (domain->interval[1] - domain->interval[0]);

    if (t < domain->interval[0] - rounding || t > domain->interval[1] + rounding) *inside = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainGetDistance_Solid(EngdDomain domain, char **text)
{
  PetscFunctionBeginUser;
  PetscCall(EngdSolidGetDistance((const EngdSolid *)domain->data, domain->coordinate, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainView_Solid(EngdDomain domain, PetscViewer viewer)
{
  const EngdSolid *solid = (const EngdSolid *)domain->data;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < solid->nshapes; i++) {
    const EngdShape shape = solid->shape[i];

    if (i || solid->nshapes > 1)
      PetscCall(PetscViewerASCIIPrintf(viewer, "%s%s\n", shape->name, solid->positive[i] ? "" : ", taken away"));
    PetscCall((*shape->view)(shape, domain->coordinate, viewer));
  }
  if (domain->time)
    PetscCall(
        PetscViewerASCIIPrintf(viewer, "t in (%g, %g)\n", (double)domain->interval[0], (double)domain->interval[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainDestroy_Solid(EngdDomain domain)
{
  EngdSolid *solid = (EngdSolid *)domain->data;

  PetscFunctionBeginUser;
  PetscCall(EngdSolidDestroy(&solid));
  domain->data = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainEnclose_Solid(EngdDomain domain, PetscReal lower[], PetscReal upper[])
{
  const EngdSolid *solid = (const EngdSolid *)domain->data;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(lower, solid->lower, domain->nspace));
  PetscCall(PetscArraycpy(upper, solid->upper, domain->nspace));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDomainSetSolid - The ops of a domain whose data is a solid, all but setfromoptions and setup.
*/
PetscErrorCode EngdDomainSetSolid(EngdDomain domain)
{
  EngdSolid *solid;

  PetscFunctionBeginUser;
  PetscCall(EngdSolidCreate(&solid));
  domain->data               = solid;
  domain->ops->view          = EngdDomainView_Solid;
  domain->ops->contains      = EngdDomainContains_Solid;
  domain->ops->distance      = EngdDomainGetDistance_Solid;
  domain->ops->enclose       = EngdDomainEnclose_Solid;
  domain->ops->destroy       = EngdDomainDestroy_Solid;
  domain->ops->pointssetup   = EngdPointsSetUp_Solid;
  domain->ops->pointssample  = EngdPointsSample_Solid;
  domain->ops->pointsdestroy = EngdPointsDestroy_Solid;
  PetscFunctionReturn(PETSC_SUCCESS);
}
