/*
  Regions of a box, from text to pieces: interior, or a list of boundary (all faces in space), initial, final (the faces
  in time), and single faces x=lower, y=upper, x=0 (the bound with that value).

  With time every face in space is taken over the whole interval. Faces all have one dimension less than the box, so
  they may be mixed; the interior stands alone.
*/
#include "box.h"

/* Adds the face z_fixed = side of the unit cube; its measure is the product of the other sides */
static PetscErrorCode RegionAddFace(EngdDomain domain, EngdPoints points, EngdBoxRegion *region, PetscInt fixed,
                                    PetscReal side)
{
  const EngdBox *box   = (const EngdBox *)domain->data;
  EngdBoxPiece  *piece = &region->piece[region->npieces];

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < region->npieces; i++)
    PetscCheck(region->piece[i].fixed != fixed || region->piece[i].side != side, points->comm, PETSC_ERR_USER_INPUT,
               "%s_region %s: the face %s=%s appears twice", points->prefix, points->region,
               domain->coordinate[fixed], side > 0 ? "upper" : "lower");
  piece->fixed = fixed;
  piece->side  = side;
  piece->area  = 1.0;
  for (PetscInt c = 0; c < domain->dim; c++) piece->area *= c == fixed ? 1.0 : box->upper[c] - box->lower[c];
  region->npieces++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The side of a face: lower, upper, or the number of a bound (to rounding) */
static PetscErrorCode RegionFindSide(EngdDomain domain, EngdPoints points, PetscInt c, const char text[],
                                     PetscReal *side)
{
  const EngdBox  *box = (const EngdBox *)domain->data;
  const PetscReal l = box->lower[c], u = box->upper[c];
  char            option[128];
  PetscBool       lower, upper;
  PetscReal       value;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(text, "lower", &lower));
  PetscCall(PetscStrcmp(text, "upper", &upper));
  *side = upper ? 1.0 : 0.0;
  if (lower || upper) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(option, sizeof(option), "%s_region", points->prefix));
  PetscCall(EngdParseReal(option, text, NULL, &value));
  lower = PetscAbsReal(value - l) <= 1e-12 * (u - l) ? PETSC_TRUE : PETSC_FALSE;
  upper = PetscAbsReal(value - u) <= 1e-12 * (u - l) ? PETSC_TRUE : PETSC_FALSE;
  PetscCheck(lower || upper, points->comm, PETSC_ERR_USER_INPUT,
             "%s_region %s: %s=%s is no face, the bounds are %s=%g and %s=%g", points->prefix, points->region,
             domain->coordinate[c], text, domain->coordinate[c], (double)l, domain->coordinate[c], (double)u);
  *side = upper ? 1.0 : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x=lower and the like; found is false if the text does not begin with a coordinate */
static PetscErrorCode RegionAddNamedFace(EngdDomain domain, EngdPoints points, EngdBoxRegion *region,
                                         const char item[], PetscBool *found)
{
  const char *equals = strchr(item, '=');
  PetscReal   side;

  PetscFunctionBeginUser;
  *found = PETSC_FALSE;
  if (!equals) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt c = 0; c < domain->dim && !*found; c++) {
    const size_t n = strlen(domain->coordinate[c]);

    if (n != (size_t)(equals - item) || strncmp(item, domain->coordinate[c], n)) continue;
    PetscCall(RegionFindSide(domain, points, c, equals + 1, &side));
    PetscCall(RegionAddFace(domain, points, region, c, side));
    *found = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One item of the list of a region */
static PetscErrorCode RegionAdd(EngdDomain domain, EngdPoints points, EngdBoxRegion *region, const char item[])
{
  PetscBool boundary, initial, final, found = PETSC_TRUE;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(item, "boundary", &boundary));
  PetscCall(PetscStrcmp(item, "initial", &initial));
  PetscCall(PetscStrcmp(item, "final", &final));
  PetscCheck(domain->time || (!initial && !final), points->comm, PETSC_ERR_USER_INPUT,
             "%s_region %s: there is no time; give it, for example -domain_time 0,1", points->prefix, points->region);
  if (boundary) {
    for (PetscInt f = 0; f < 2 * domain->nspace; f++)
      PetscCall(RegionAddFace(domain, points, region, f / 2, (PetscReal)(f % 2)));
  } else if (initial || final) {
    PetscCall(RegionAddFace(domain, points, region, domain->nspace, final ? 1.0 : 0.0));
  } else {
    PetscCall(RegionAddNamedFace(domain, points, region, item, &found));
  }
  PetscCheck(
      found, points->comm, PETSC_ERR_USER_INPUT,
      "%s_region %s: %s is not a region; the known ones are interior, boundary, initial, final and faces such as "
      "%s=lower, %s=upper",
      points->prefix, points->region, item, domain->coordinate[0], domain->coordinate[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdBoxRegionCreate - The pieces of points->region. Also sets points->interior and points->measure.
*/
PetscErrorCode EngdBoxRegionCreate(EngdDomain domain, EngdPoints points, EngdBoxRegion **region)
{
  const EngdBox *box = (const EngdBox *)domain->data;
  char         **items;
  PetscInt       n;
  char           option[128];

  PetscFunctionBeginUser;
  PetscCall(PetscNew(region));
  PetscCall(PetscCalloc1(2 * domain->dim + 1, &(*region)->piece));
  PetscCall(PetscStrcmp(points->region, "interior", &points->interior));
  (*region)->nfree = domain->dim - (points->interior ? 0 : 1);
  if (points->interior) {
    (*region)->npieces        = 1;
    (*region)->piece[0].fixed = -1;
    (*region)->piece[0].area  = 1.0;
    for (PetscInt c = 0; c < domain->dim; c++) (*region)->piece[0].area *= box->upper[c] - box->lower[c];
  } else {
    PetscCall(PetscSNPrintf(option, sizeof(option), "%s_region", points->prefix));
    PetscCall(EngdParseList(option, points->region, &n, &items));
    for (PetscInt i = 0; i < n; i++) PetscCall(RegionAdd(domain, points, *region, items[i]));
    PetscCall(EngdListDestroy(n, &items));
  }
  points->measure = 0.0;
  for (PetscInt i = 0; i < (*region)->npieces; i++) points->measure += (*region)->piece[i].area;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdBoxRegionDestroy(EngdDomain domain, EngdBoxRegion **region)
{
  PetscFunctionBeginUser;
  if (!*region) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < (*region)->npieces; i++) {
    EngdBoxPiece *piece = &(*region)->piece[i];

    for (PetscInt c = 0; piece->count && c < domain->dim; c++) PetscCall(PetscFree2(piece->node[c], piece->share[c]));
    PetscCall(PetscFree3(piece->count, piece->node, piece->share));
  }
  PetscCall(PetscFree((*region)->piece));
  PetscCall(PetscFree(*region));
  PetscFunctionReturn(PETSC_SUCCESS);
}
