/*
  Pieces of which not every point of the cube gives one point: parts of shapes that other shapes hide, conditions, rays.

  Points: candidates z_0, z_1, .. of a sampler, or all nodes of a grid, are mapped and what is accepted is counted: point i is
  the i-th accepted one. Every rank goes through all of them, so the points do not depend on the number of ranks; weights
  are area * density_i / sum of densities. They sum to the area exactly; how well that is known:

  Area: where the density is 1, lines in the last parameter, on which the ends of what is accepted are found by bisection,
  LINES of them in the other parameters by midpoints (one parameter) or Sobol points: rounding on curves, about LINES^-3/2 on
  surfaces. Rays: the mean of the densities over RAYS or more points of the cube: about RAYS^-3/2 on curves, RAYS^-1 beyond.
*/
#include "shape.h"

#define LINES 2048
#define CURVE 4096 /* Points of a piece that is a line; of two ends closer than this both may be lost. */
#define PLANE 128  /* Points of a line of a piece with two parameters. */
#define SPACE 32   /* The same with more parameters. */
#define HALVE 40
#define RAYS  8192
#define TRIES 1000 /* candidates for each point before the region is said to be too small to be met */

/* Does the condition hold at hit h */
static PetscErrorCode WhereHolds(EngdDomain domain, EngdRegion *region, const EngdPiece *piece, PetscInt h,
                                 PetscReal t, PetscBool *holds)
{
  const PetscInt d      = domain->nspace;
  EngdBatch     *normal = region->batch + domain->dim;
  PetscReal      value;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < d; c++) {
    region->batch[c] = (EngdBatch){.base = region->hits.x + h * d + c, .stride = d};
    normal[c]        = (EngdBatch){.base = region->hits.normal + h * d + c, .stride = d};
  }
  if (domain->time) region->batch[d] = (EngdBatch){.base = &t, .stride = 1};
  PetscCall(EngdExpressionEvaluate(piece->where, 1, region->batch, normal, NULL, &value, NULL, NULL));
  *holds = value > 0 || value < 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPieceMap(EngdDomain domain, EngdRegion *region, const EngdPiece *piece, const PetscReal z[],
                            PetscReal *t)
{
  const EngdSolid *solid = (const EngdSolid *)domain->data;
  const PetscInt   d     = domain->nspace;
  EngdHits        *hits  = &region->hits;
  const PetscReal  s     = piece->time_fixed ? piece->time_side : z[piece->patch->nfree * (domain->time ? 1 : 0)];
  PetscInt         kept  = 0;

  PetscFunctionBeginUser;
  *t = domain->time ? (1.0 - s) * domain->window[0] + s * domain->window[1] : 0.0;
  PetscCall((*piece->shape->map)(piece->shape, piece->patch, z, hits));
  if (!piece->masked) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt h = 0; h < hits->n; h++) {
    PetscReal *x = hits->x + h * d, *n = hits->normal + h * d;
    PetscBool  accepted;

    if (piece->number < 0)
      PetscCall(EngdSolidContains(solid, x, 0.0, &accepted));
    else
      PetscCall(EngdSolidAccepts(solid, piece->number, piece->patch, x, n, region->scratch, &accepted));
    if (accepted && piece->where) PetscCall(WhereHolds(domain, region, piece, h, *t, &accepted));
    if (!accepted) continue;
    hits->density[kept] = hits->density[h];
    PetscCall(PetscArraymove(hits->x + kept * d, x, d));
    PetscCall(PetscArraymove(hits->normal + kept * d, n, d));
    kept++;
  }
  hits->n = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sum of the densities at z */
static PetscErrorCode Density(EngdDomain domain, EngdRegion *region, const EngdPiece *piece, const PetscReal z[],
                              PetscReal *density)
{
  PetscReal t;

  PetscFunctionBeginUser;
  PetscCall(EngdPieceMap(domain, region, piece, z, &t));
  *density = 0.0;
  for (PetscInt h = 0; h < region->hits.n; h++) *density += region->hits.density[h];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The integral over z[last] in (0,1) of a density that is 0 or 1 */
static PetscErrorCode LineMeasure(EngdDomain domain, EngdRegion *region, const EngdPiece *piece, PetscInt last,
                                  PetscInt samples, PetscReal z[], PetscReal *length)
{
  PetscReal before, density = 0.0, begin = 0.0;

  PetscFunctionBeginUser;
  *length = z[last] = 0.0;
  PetscCall(Density(domain, region, piece, z, &density));
  before = density;
  for (PetscInt j = 1; j <= samples; j++) {
    PetscReal a = (PetscReal)(j - 1) / (PetscReal)samples, b = (PetscReal)j / (PetscReal)samples;

    z[last] = b;
    PetscCall(Density(domain, region, piece, z, &density));
    if (density == before) continue;
    for (PetscInt i = 0; i < HALVE; i++) {
      PetscReal middle = 0.0;

      z[last] = 0.5 * (a + b);
      PetscCall(Density(domain, region, piece, z, &middle));
      if (middle == before)
        a = z[last];
      else
        b = z[last];
    }
    if (density > 0)
      begin = 0.5 * (a + b);
    else
      *length += 0.5 * (a + b) - begin;
    before = density;
  }
  if (before > 0) *length += 1.0 - begin;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Point i of n of the rule in k parameters */
static PetscErrorCode MeasureNode(PetscInt k, PetscInt n, PetscInt i, PetscReal z[])
{
  PetscFunctionBeginUser;
  if (k == 1)
    z[0] = ((PetscReal)i + 0.5) / (PetscReal)n;
  else if (k <= ENGD_SOBOL_DIMENSIONS)
    PetscCall(EngdSamplerSobol(k, n, 0, 0, 0, i, z));
  else
    PetscCall(EngdSamplerHalton(k, n, 0, 0, 0, i, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPieceMeasure - piece->area, what the masks leave of piece->candidate. That of a patch without conditions is kept with
  the patch, so that terms and test points share it.
*/
PetscErrorCode EngdPieceMeasure(EngdDomain domain, EngdRegion *region, EngdPiece *piece)
{
  const EngdPatch *patch = piece->patch;
  const PetscInt   k     = piece->where ? piece->nfree : patch->nfree; /* without a condition time does not matter */
  const PetscInt   rest  = patch->rays ? k : PetscMax(k - 1, 0);
  const PetscInt   n     = rest == 0 ? 1 : (patch->rays ? RAYS * (rest == 1 ? 2 : 1) : LINES);
  PetscReal       *z, value = 0.0, sum = 0.0;

  PetscFunctionBeginUser;
  piece->area = piece->candidate;
  if (!piece->masked) PetscFunctionReturn(PETSC_SUCCESS);
  if (!piece->where && piece->number >= 0 && patch->left >= 0) {
    piece->area *= patch->left;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(piece->nfree + 1, &z));
  for (PetscInt c = 0; c <= piece->nfree; c++) z[c] = 0.5;
  for (PetscInt i = 0; i < n; i++) {
    if (rest) PetscCall(MeasureNode(rest, n, i, z));
    if (patch->rays || k == 0)
      PetscCall(Density(domain, region, piece, z, &value));
    else
      PetscCall(LineMeasure(domain, region, piece, k - 1, k == 1 ? CURVE : (k == 2 ? PLANE : SPACE), z, &value));
    sum += value;
  }
  PetscCall(PetscFree(z));
  piece->area *= sum / (PetscReal)n;
  if (!piece->where && piece->number >= 0) piece->shape->patch[patch->number].left = sum / (PetscReal)n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPieceCountNodes - How many points the nodes of the rule of a piece give.
*/
PetscErrorCode EngdPieceCountNodes(EngdDomain domain, EngdRegion *region, const EngdPiece *piece, PetscInt64 *n)
{
  PetscReal *z, t;
  PetscInt64 total = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(piece->nfree + 1, &z));
  for (PetscInt c = 0; c < piece->nfree; c++) total *= piece->count[c];
  *n = 0;
  for (PetscInt64 i = 0; i < total; i++) {
    (void)EngdPieceNode(piece, i, z);
    PetscCall(EngdPieceMap(domain, region, piece, z, &t));
    *n += region->hits.n;
  }
  PetscCall(PetscFree(z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The hits become points number, number + 1, .. < end, those of this rank with weight share * density; sum <- densities */
static PetscErrorCode Keep(EngdDomain domain, EngdPoints points, PetscReal share, PetscReal t, PetscInt end,
                           PetscInt *number, PetscReal *sum)
{
  const EngdRegion *region = (const EngdRegion *)points->data;
  const PetscInt    d = points->nspace, dim = points->dim;

  PetscFunctionBeginUser;
  for (PetscInt h = 0; h < region->hits.n && *number < end; h++) {
    const PetscReal weight = share * region->hits.density[h];
    const PetscInt  i      = (*number)++ - points->start;

    *sum += weight;
    if (i < 0 || i >= points->nlocal) continue;
    points->weight[i] = weight;
    for (PetscInt c = 0; c < d; c++) points->x[i * dim + c] = region->hits.x[h * d + c];
    if (domain->time) points->x[i * dim + d] = t;
    for (PetscInt c = 0; points->normal && c < d; c++) points->normal[i * d + c] = region->hits.normal[h * d + c];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights of the points begin .. end - 1 that are here: times factor */
static void ScaleWeights(EngdPoints points, PetscInt begin, PetscInt end, PetscReal factor)
{
  for (PetscInt i = begin; i < end; i++) {
    if (i >= points->start && i < points->start + points->nlocal) points->weight[i - points->start] *= factor;
  }
}

/* Which piece the number q in (0,1) chooses, by what candidates they have */
static const EngdPiece *ChoosePiece(const EngdRegion *region, PetscReal q)
{
  const EngdPiece *piece = region->piece;
  PetscReal        total = 0.0;

  for (PetscInt i = 0; i < region->npieces; i++) total += piece[i].candidate;
  q *= total;
  while (piece < region->piece + region->npieces - 1 && q >= piece->candidate) q -= (piece++)->candidate;
  return piece;
}

/* Candidates from number `first` on until `end` points are there; piece NULL: each chooses its own */
static PetscErrorCode SampleUntil(EngdDomain domain, EngdPoints points, const EngdPiece *piece, PetscInt64 first,
                                  PetscInt64 sequence, PetscInt end, PetscInt *number, PetscReal *sum)
{
  EngdRegion    *region   = (EngdRegion *)points->data;
  const PetscInt selector = piece ? 0 : 1;
  PetscReal     *q, t;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(region->nfree + 2, &q));
  for (PetscInt64 m = 0, wanted = end - *number; *number < end; m++) {
    PetscCheck(m < TRIES * (wanted + TRIES), points->comm, PETSC_ERR_USER_INPUT,
               "%s_region %s: of %" PetscInt64_FMT " points tried only %" PetscInt_FMT
               " were in it; give it a box that fits better, or the sampler grid",
               points->prefix, points->region, m, (PetscInt)wanted - (end - *number));
    PetscCall((*region->sampler)(region->nfree + selector, sequence, points->seed, points->stream, points->epoch,
                                 first + m, q));
    PetscCall(EngdPieceMap(domain, region, piece ? piece : ChoosePiece(region, q[0]), q + selector, &t));
    PetscCall(Keep(domain, points, 1.0, t, end, number, sum));
  }
  PetscCall(PetscFree(q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All nodes of the rule of a piece */
static PetscErrorCode SampleNodes(EngdDomain domain, EngdPoints points, const EngdPiece *piece, PetscInt end,
                                  PetscInt *number, PetscReal *sum)
{
  EngdRegion *region = (EngdRegion *)points->data;
  PetscReal  *z, t;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(region->nfree + 1, &z));
  for (PetscInt64 i = 0; *number < end; i++) {
    const PetscReal share = EngdPieceNode(piece, i, z);

    PetscCall(EngdPieceMap(domain, region, piece, z, &t));
    PetscCall(Keep(domain, points, share, t, end, number, sum));
  }
  PetscCall(PetscFree(z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many candidates a piece needs for n points, with some to spare */
static PetscInt64 Candidates(const EngdPiece *piece, PetscInt n)
{
  if (!piece->masked) return n;
  return (PetscInt64)(1.25 * (PetscReal)n * PetscMax(piece->candidate / piece->area, 1.0)) + 16;
}

/*
  EngdRegionSampleMasked - The points of a region some of whose pieces are masked.
*/
PetscErrorCode EngdRegionSampleMasked(EngdDomain domain, EngdPoints points)
{
  const EngdRegion *region   = (const EngdRegion *)points->data;
  PetscInt64        sequence = 0, first = 0;
  PetscInt          number = 0;
  PetscReal         sum    = 0.0;

  PetscFunctionBeginUser;
  for (PetscInt p = 0; p < region->npieces; p++)
    sequence += Candidates(&region->piece[p], region->selector ? points->nglobal : region->piece[p].n);
  if (region->selector) {
    PetscCall(SampleUntil(domain, points, NULL, 0, sequence, points->nglobal, &number, &sum));
    ScaleWeights(points, 0, points->nglobal, points->measure / sum);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt p = 0; p < region->npieces; p++) {
    const EngdPiece *piece = &region->piece[p];
    const PetscInt   begin = number, end = number + piece->n;

    sum = 0.0;
    if (region->sampler)
      PetscCall(SampleUntil(domain, points, piece, first, sequence, end, &number, &sum));
    else
      PetscCall(SampleNodes(domain, points, piece, end, &number, &sum));
    first += Candidates(piece, piece->n);
    ScaleWeights(points, begin, end, piece->area / sum);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
