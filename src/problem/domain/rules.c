/*
  Tensor rules on the cubes of the pieces of a region: grid, the midpoint rule (cell centres), error O(h^2), and gauss,
  Gauss-Legendre nodes and weights, exact for polynomials of degree 2 n - 1 in each coordinate of the cube.

  N points are shared among the pieces by their area, and in a piece among its coordinates as equal counts whose product
  is at most N; so there may be a few points less than N. Or the user gives the count in each coordinate. Of a masked piece
  the grid is as fine as N accepted points allow.
*/
#include "shape.h"
#include <petscdt.h>

#define GAUSS_MOST 5000 /* nodes, found in some seconds */

/* Equal counts with product <= n: floor(n^(1/m)) in each of m parameters, and one more in the first ones that can */
static void SplitCount(PetscInt m, PetscInt64 n, PetscInt count[])
{
  PetscInt   base = 1;
  PetscInt64 product;

  for (PetscBool fits = m ? PETSC_TRUE : PETSC_FALSE; fits;) {
    product = 1;
    for (PetscInt c = 0; c < m && product <= n; c++) product *= base + 1;
    fits = product <= n ? PETSC_TRUE : PETSC_FALSE;
    if (fits) base++;
  }
  product = 1;
  for (PetscInt c = 0; c < m; c++) {
    count[c] = base;
    product *= base;
  }
  for (PetscInt c = 0; c < m; c++) {
    if (product / base * (base + 1) > n) continue;
    product = product / base * (base + 1);
    count[c]++;
  }
}

/* The one-dimensional rule with n points on [0,1], weights with sum 1 */
static PetscErrorCode LineRule(PetscBool gauss, PetscInt n, PetscReal node[], PetscReal share[])
{
  PetscFunctionBeginUser;
  if (gauss) {
    PetscCall(PetscDTGaussQuadrature(n, 0.0, 1.0, node, share));
  } else {
    for (PetscInt j = 0; j < n; j++) {
      node[j]  = ((PetscReal)j + 0.5) / (PetscReal)n;
      share[j] = 1.0 / (PetscReal)n;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rules of a piece with these counts */
static PetscErrorCode PieceSetRule(EngdPoints points, EngdPiece *piece, PetscBool gauss, const PetscInt counts[])
{
  PetscInt64 product = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc3(piece->nfree, &piece->count, piece->nfree, &piece->node, piece->nfree, &piece->share));
  for (PetscInt c = 0; c < piece->nfree; c++) {
    product *= counts[c];
    PetscCheck(product <= PETSC_MAX_INT, points->comm, PETSC_ERR_USER_INPUT,
               "%s_points: the grid has more points than %" PetscInt_FMT, points->prefix, PETSC_MAX_INT);
    PetscCheck(!gauss || counts[c] <= GAUSS_MOST, points->comm, PETSC_ERR_USER_INPUT,
               "%s_points: %s_sampler gauss with %" PetscInt_FMT " nodes on a line is for %d at most; take grid",
               points->prefix, points->prefix, counts[c], GAUSS_MOST);
  }
  for (PetscInt c = 0; c < piece->nfree; c++) {
    piece->count[c] = counts[c];
    PetscCall(PetscMalloc2(counts[c], &piece->node[c], counts[c], &piece->share[c]));
    PetscCall(LineRule(gauss, counts[c], piece->node[c], piece->share[c]));
  }
  piece->n = (PetscInt)product;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPieceFreeRule - Forgets the rule of a piece.
*/
PetscErrorCode EngdPieceFreeRule(EngdPiece *piece)
{
  PetscFunctionBeginUser;
  for (PetscInt c = 0; piece->count && c < piece->nfree; c++) PetscCall(PetscFree2(piece->node[c], piece->share[c]));
  PetscCall(PetscFree3(piece->count, piece->node, piece->share));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPieceNode - Node i of the tensor rule, the first parameter fastest: z, and its weight with sum 1.
*/
PetscReal EngdPieceNode(const EngdPiece *piece, PetscInt64 i, PetscReal z[])
{
  PetscReal share = 1.0;

  for (PetscInt c = 0; c < piece->nfree; c++) {
    const PetscInt j = (PetscInt)(i % piece->count[c]);

    i /= piece->count[c];
    z[c] = piece->node[c][j];
    share *= piece->share[c][j];
  }
  return share;
}

/* The finest of some grids that give at most piece->n accepted points: by proportion, then halving until it fits */
static PetscErrorCode PieceFitRule(EngdDomain domain, EngdPoints points, EngdPiece *piece, PetscBool gauss)
{
  EngdRegion    *region = (EngdRegion *)points->data;
  const PetscInt n      = piece->n;
  PetscInt      *counts;
  PetscInt64     cells = n, best = 0, most = 0, found;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(piece->nfree + 1, &counts));
  for (PetscInt i = 0; i < 40 && most < n && cells > 0 && cells <= PETSC_MAX_INT; i++) {
    SplitCount(piece->nfree, cells, counts);
    PetscCall(EngdPieceFreeRule(piece));
    PetscCall(PieceSetRule(points, piece, gauss, counts));
    PetscCall(EngdPieceCountNodes(domain, region, piece, &found));
    if (found <= n && found > most) {
      most = found;
      best = cells;
    }
    const PetscInt64 next = i >= 12 ? cells / 2 : (found ? cells * n / found : 4 * cells);

    if (most > 0 && (i >= 12 || next == cells)) break;
    cells = next;
  }
  PetscCheck(most > 0, points->comm, PETSC_ERR_USER_INPUT,
             "%s_points: no grid of %" PetscInt_FMT " points meets %s; give more points, or %s_sampler halton",
             points->prefix, n, points->region, points->prefix);
  SplitCount(piece->nfree, best, counts);
  PetscCall(EngdPieceFreeRule(piece));
  PetscCall(PieceSetRule(points, piece, gauss, counts));
  piece->n = (PetscInt)most;
  PetscCall(PetscFree(counts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The counts of the user, one for each coordinate, without the one that a face or a time fixes */
static PetscErrorCode PieceTakeCounts(EngdDomain domain, EngdPoints points, EngdPiece *piece, PetscBool gauss,
                                      const PetscInt counts[])
{
  EngdRegion *region = (EngdRegion *)points->data;
  PetscInt   *own, n = 0;
  PetscInt64  found;

  PetscFunctionBeginUser;
  PetscCheck(!piece->patch->boundary || piece->patch->straight, points->comm, PETSC_ERR_USER_INPUT,
             "%s_points: %s is curved; give one number, of all points", points->prefix, points->region);
  PetscCall(PetscMalloc1(domain->dim, &own));
  for (PetscInt c = 0; c < domain->dim; c++) {
    if (c != piece->patch->fixed && !(c == domain->nspace && piece->time_fixed) && n < piece->nfree)
      own[n++] = counts[c];
  }
  PetscCall(PieceSetRule(points, piece, gauss, own));
  if (piece->masked) {
    PetscCall(EngdPieceCountNodes(domain, region, piece, &found));
    PetscCheck(found > 0, points->comm, PETSC_ERR_USER_INPUT, "%s_points: no point of the grid is in %s",
               points->prefix, points->region);
    piece->n = (PetscInt)found;
  }
  PetscCall(PetscFree(own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRegionSetTensorRule - Gives every piece of the region its rule; piece->n must hold its share of the points unless
  there is a count for each coordinate.
*/
PetscErrorCode EngdRegionSetTensorRule(EngdDomain domain, EngdPoints points, PetscInt ncounts,
                                       const PetscInt counts[])
{
  EngdRegion *region  = (EngdRegion *)points->data;
  PetscInt64  nglobal = 0;
  PetscInt   *own;
  PetscBool   gauss;

  PetscFunctionBeginUser;
  PetscCheck(ncounts == 1 || ncounts == domain->dim, points->comm, PETSC_ERR_USER_INPUT,
             "%s_points has %" PetscInt_FMT " numbers: give one, or one for each of the %" PetscInt_FMT
             " coordinates",
             points->prefix, ncounts, domain->dim);
  PetscCall(PetscStrcmp(points->sampler, "gauss", &gauss));
  PetscCall(PetscMalloc1(region->nfree + 1, &own));
  for (PetscInt i = 0; i < region->npieces; i++) {
    EngdPiece *piece = &region->piece[i];

    PetscCheck(!gauss || !piece->masked, points->comm, PETSC_ERR_USER_INPUT,
               "%s_sampler gauss: a part of %s is cut off; use grid, sobol, halton or uniform", points->prefix,
               points->region);
    if (ncounts > 1) {
      PetscCall(PieceTakeCounts(domain, points, piece, gauss, counts));
    } else if (piece->masked) {
      PetscCall(PieceFitRule(domain, points, piece, gauss));
    } else {
      SplitCount(piece->nfree, piece->n, own);
      PetscCall(PieceSetRule(points, piece, gauss, own));
    }
    nglobal += piece->n;
  }
  PetscCall(PetscFree(own));
  PetscCheck(nglobal <= PETSC_MAX_INT, points->comm, PETSC_ERR_USER_INPUT,
             "%s_points: the grid has more points than %" PetscInt_FMT, points->prefix, PETSC_MAX_INT);
  points->nglobal = (PetscInt)nglobal;
  PetscFunctionReturn(PETSC_SUCCESS);
}
