/*
  Tensor rules on the pieces of a region of a box: grid, the midpoint rule (cell centres), error O(h^2), and gauss,
  Gauss-Legendre nodes and weights, exact for polynomials of degree 2 n - 1 in each coordinate.

  N points are shared among the pieces by their area, and in a piece among its coordinates as equal counts whose product
  is at most N; so there may be a few points less than N. Or the user gives the count in each coordinate.
*/
#include "box.h"
#include <petscdt.h>

/* Equal counts with product <= n: floor(n^(1/m)) in each free coordinate, and one more in the first ones that can */
static void SplitCount(PetscInt dim, PetscInt fixed, PetscInt n, PetscInt count[])
{
  const PetscInt m    = dim - (fixed >= 0 ? 1 : 0);
  PetscInt       base = 1;
  PetscInt64     product;

  for (PetscBool fits = m ? PETSC_TRUE : PETSC_FALSE; fits;) {
    product = 1;
    for (PetscInt c = 0; c < m && product <= n; c++) product *= base + 1;
    fits = product <= n ? PETSC_TRUE : PETSC_FALSE;
    if (fits) base++;
  }
  product = 1;
  for (PetscInt c = 0; c < dim; c++) {
    count[c] = c == fixed ? 1 : base;
    product *= count[c];
  }
  for (PetscInt c = 0; c < dim; c++) {
    if (c == fixed || product / base * (base + 1) > n) continue;
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

/* The rules of a piece, with the counts given or with at most piece->n points */
static PetscErrorCode PieceSetRule(EngdPoints points, EngdBoxPiece *piece, PetscBool gauss, const PetscInt counts[])
{
  PetscInt64 product = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc3(points->dim, &piece->count, points->dim, &piece->node, points->dim, &piece->share));
  if (!counts) SplitCount(points->dim, piece->fixed, piece->n, piece->count);
  for (PetscInt c = 0; c < points->dim; c++) {
    const PetscBool fixed = c == piece->fixed ? PETSC_TRUE : PETSC_FALSE;

    if (counts) piece->count[c] = fixed ? 1 : counts[c];
    product *= piece->count[c];
    PetscCheck(product <= PETSC_MAX_INT, points->comm, PETSC_ERR_USER_INPUT,
               "%s_points: the grid has more points than %" PetscInt_FMT, points->prefix, PETSC_MAX_INT);
    PetscCall(PetscMalloc2(piece->count[c], &piece->node[c], piece->count[c], &piece->share[c]));
    if (fixed) {
      piece->node[c][0]  = piece->side;
      piece->share[c][0] = 1.0;
    } else
      PetscCall(LineRule(gauss, piece->count[c], piece->node[c], piece->share[c]));
  }
  piece->n = (PetscInt)product;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdBoxSetTensorRule - Gives every piece of the region its rule; piece->n must hold its share of the points unless
  there is a count for each coordinate.
*/
PetscErrorCode EngdBoxSetTensorRule(EngdDomain domain, EngdPoints points, PetscInt ncounts, const PetscInt counts[])
{
  EngdBoxRegion *region  = (EngdBoxRegion *)points->data;
  PetscInt64     nglobal = 0;
  PetscBool      gauss;

  PetscFunctionBeginUser;
  PetscCheck(ncounts == 1 || ncounts == domain->dim, points->comm, PETSC_ERR_USER_INPUT,
             "%s_points has %" PetscInt_FMT " numbers: give one, or one for each of the %" PetscInt_FMT
             " coordinates",
             points->prefix, ncounts, domain->dim);
  PetscCall(PetscStrcmp(points->sampler, "gauss", &gauss));
  for (PetscInt i = 0; i < region->npieces; i++) {
    PetscCall(PieceSetRule(points, &region->piece[i], gauss, ncounts > 1 ? counts : NULL));
    nglobal += region->piece[i].n;
  }
  PetscCheck(nglobal <= PETSC_MAX_INT, points->comm, PETSC_ERR_USER_INPUT,
             "%s_points: the grid has more points than %" PetscInt_FMT, points->prefix, PETSC_MAX_INT);
  points->nglobal = (PetscInt)nglobal;
  PetscFunctionReturn(PETSC_SUCCESS);
}
