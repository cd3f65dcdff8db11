/*
  Regions of a solid, from text to pieces. A region is interior, or a list of
    boundary, initial, final (all of the solid at the first or the last time), faces such as x=lower, x=0 of its boxes,
    the name of a part or of a patch of its boundary: outer, inner, hole1, holes, edge3, ring.inner, ..,
    point(x,y) or with time point(x,y,t),
    NAME with -NAME_where condition and -NAME_of region, that part of a region (boundary if not given),
    NAME with -NAME_level_set text, the surface where it is zero inside the solid.

  With time every piece is taken over the whole interval, but initial and final. All pieces of a region have one dimension.
*/
#include "shape.h"
#include <ctype.h>

typedef struct {
  EngdDomain     domain;
  EngdPoints     points;
  EngdRegion    *region;
  EngdExpression where; /* condition on all that is added now */
} Builder;

/* Adds a patch of a shape, over all of time (time -1) or at its beginning (0) or end (1) */
static PetscErrorCode AddPiece(Builder *b, EngdShape shape, PetscInt number, const EngdPatch *patch, PetscReal time)
{
  const EngdSolid *solid  = (const EngdSolid *)b->domain->data;
  EngdRegion      *region = b->region;
  EngdPiece       *piece;

  PetscFunctionBeginUser;
  if (region->npieces == region->pieces_size) {
    EngdPiece *longer;

    region->pieces_size = 2 * region->pieces_size + 4;
    PetscCall(PetscCalloc1(region->pieces_size, &longer));
    PetscCall(PetscArraycpy(longer, region->piece, region->npieces));
    PetscCall(PetscFree(region->piece));
    region->piece = longer;
  }
  piece             = &region->piece[region->npieces];
  piece->shape      = shape;
  piece->patch      = patch;
  piece->number     = number;
  piece->time_fixed = (PetscBool)(b->domain->time && time >= 0);
  piece->time_side  = PetscMax(time, 0.0);
  piece->nfree      = patch->nfree + (b->domain->time && time < 0 ? 1 : 0);
  piece->where      = b->where;
  piece->masked     = (PetscBool)(b->where || number < 0 || solid->node[solid->root].op || !shape->tight);
  piece->candidate  = patch->measure;
  if (b->domain->time && time < 0) piece->candidate *= b->domain->window[1] - b->domain->window[0];
  for (PetscInt i = 0; i < region->npieces; i++) {
    const EngdPiece *other = &region->piece[i];
    const PetscInt   c     = piece->time_fixed ? b->domain->nspace : patch->fixed;
    const PetscReal  side  = piece->time_fixed ? time : patch->side;

    if (other->patch != patch || other->time_fixed != piece->time_fixed || other->time_side != piece->time_side)
      continue;
    PetscCheck(c<0, b->points->comm, PETSC_ERR_USER_INPUT, "%s_region %s: the face %s=%s appears twice",
                   b->points->prefix, b->points->region, b->domain->coordinate[c], side> 0
                   ? "upper"
                   : "lower");
    SETERRQ(b->points->comm, PETSC_ERR_USER_INPUT, "%s_region %s: a part of it appears twice", b->points->prefix,
            b->points->region);
  }
  region->npieces++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All patches of the interior, or of the boundary, of all shapes of the solid that have them */
static PetscErrorCode AddAll(Builder *b, PetscBool boundary, PetscReal time)
{
  const EngdSolid *solid = (const EngdSolid *)b->domain->data;

  PetscFunctionBeginUser;
  for (PetscInt s = 0; s < solid->nshapes; s++) {
    const EngdShape shape = solid->shape[s];

    if (!boundary && !solid->positive[s]) continue;
    for (PetscInt k = 0; k < shape->npatches; k++) {
      if (shape->patch[k].boundary == boundary && !shape->patch[k].seam)
        PetscCall(AddPiece(b, shape, s, &shape->patch[k], time));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is it "hole" and a number */
static PetscBool IsHole(const char name[])
{
  return (PetscBool)(!strncmp(name, "hole", 4) && isdigit((unsigned char)name[4]));
}

/* Does the item name this patch: patch, for those of the first shape, or shape.patch */
static PetscBool IsPatch(const char item[], PetscInt s, const EngdShape shape, const EngdPatch *patch)
{
  const size_t n = strlen(shape->name);

  if (!patch->boundary || !patch->name[0]) return PETSC_FALSE;
  if (s == 0 && !strcmp(item, patch->name)) return PETSC_TRUE;
  return (PetscBool)(n && !strncmp(item, shape->name, n) && item[n] == '.' && !strcmp(item + n + 1, patch->name));
}

/* The boundary of a part, or the patches of a name */
static PetscErrorCode AddNamed(Builder *b, const char item[], PetscBool *found)
{
  const EngdSolid *solid = (const EngdSolid *)b->domain->data;

  PetscFunctionBeginUser;
  *found = PETSC_FALSE;
  for (PetscInt s = 0; s < solid->nshapes; s++) {
    const EngdShape shape = solid->shape[s];
    const PetscBool all = (PetscBool)(!strcmp(item, shape->name) || (!strcmp(item, "holes") && IsHole(shape->name)));

    for (PetscInt k = 0; k < shape->npatches; k++) {
      if (!(all && shape->patch[k].boundary && !shape->patch[k].seam) && !IsPatch(item, s, shape, &shape->patch[k]))
        continue;
      PetscCall(AddPiece(b, shape, s, &shape->patch[k], -1.0));
      *found = PETSC_TRUE;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The bound of coordinate c (the last is time) of a box that a face lies on: lower, upper, or its number, to rounding */
static PetscErrorCode FaceSide(Builder *b, PetscReal l, PetscReal u, const char text[], PetscBool *on,
                               PetscReal *side)
{
  char      option[128];
  PetscReal value;

  PetscFunctionBeginUser;
  *on   = PETSC_TRUE;
  *side = strcmp(text, "upper") ? 0.0 : 1.0;
  if (!strcmp(text, "lower") || !strcmp(text, "upper")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(option, sizeof(option), "%s_region", b->points->prefix));
  PetscCall(EngdParseReal(option, text, &b->domain->words, &value));
  *side = PetscAbsReal(value - u) <= 1e-12 * (u - l) ? 1.0 : 0.0;
  if (PetscAbsReal(value - l) > 1e-12 * (u - l) && *side <= 0) *on = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x_c = text of the boxes of the solid, or for the last c the first or last time */
static PetscErrorCode AddFace(Builder *b, PetscInt c, const char text[])
{
  const EngdDomain domain = b->domain;
  const EngdSolid *solid  = (const EngdSolid *)domain->data;
  PetscReal        l = domain->interval[0], u = domain->interval[1], side;
  PetscBool        on, found                  = PETSC_FALSE;

  PetscFunctionBeginUser;
  if (c == domain->nspace) {
    PetscCall(FaceSide(b, l, u, text, &found, &side));
    if (found) PetscCall(AddAll(b, PETSC_FALSE, side));
  }
  for (PetscInt s = 0; s < solid->nshapes && c < domain->nspace; s++) {
    const EngdShape shape = solid->shape[s];

    if (!s) l = shape->lower[c], u = shape->upper[c];
    for (PetscInt k = 0; k < shape->npatches; k++) {
      if (shape->patch[k].fixed != c) continue;
      PetscCall(FaceSide(b, shape->lower[c], shape->upper[c], text, &on, &side));
      if (!on || side != shape->patch[k].side) continue;
      PetscCall(AddPiece(b, shape, s, &shape->patch[k], -1.0));
      found = PETSC_TRUE;
    }
  }
  PetscCheck(found, b->points->comm, PETSC_ERR_USER_INPUT,
             "%s_region %s: %s=%s is no face, the bounds are %s=%g and %s=%g", b->points->prefix, b->points->region,
             domain->coordinate[c], text, domain->coordinate[c], (double)l, domain->coordinate[c], (double)u);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x=lower and the like; found is false if the text does not begin with a coordinate */
static PetscErrorCode AddNamedFace(Builder *b, const char item[], PetscBool *found)
{
  const char *equals = strchr(item, '=');

  PetscFunctionBeginUser;
  *found = PETSC_FALSE;
  if (!equals) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt c = 0; c < b->domain->dim && !*found; c++) {
    const size_t n = strlen(b->domain->coordinate[c]);

    if (n != (size_t)(equals - item) || strncmp(item, b->domain->coordinate[c], n)) continue;
    PetscCall(AddFace(b, c, equals + 1));
    *found = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From now on the shape is the region's */
static PetscErrorCode OwnShape(EngdRegion *region, EngdShape shape)
{
  EngdShape *longer;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(region->nowned + 1, &longer));
  PetscCall(PetscArraycpy(longer, region->owned, region->nowned));
  PetscCall(PetscFree(region->owned));
  region->owned                   = longer;
  region->owned[region->nowned++] = shape;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* point(x,y) or point(x,y,t) */
static PetscErrorCode AddPoint(Builder *b, const char item[], PetscBool *found)
{
  const EngdDomain domain = b->domain;
  const size_t     length = strlen(item);
  EngdShape        shape;
  PetscReal       *x, time = -1.0;
  PetscInt         n;
  char            *inner, option[128];
  PetscBool        inside;

  PetscFunctionBeginUser;
  *found = (PetscBool)(!strncmp(item, "point(", 6) && item[length - 1] == ')');
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscStrallocpy(item + 6, &inner));
  inner[length - 7] = 0;
  PetscCall(PetscSNPrintf(option, sizeof(option), "%s_region", b->points->prefix));
  PetscCall(EngdParseReals(option, inner, &domain->words, &n, &x));
  PetscCheck(n == domain->nspace || n == domain->dim, domain->comm, PETSC_ERR_USER_INPUT,
             "%s %s: %s has %" PetscInt_FMT " numbers but there are %" PetscInt_FMT " space coordinates", option,
             b->points->region, item, n, domain->nspace);
  PetscCall(EngdSolidContains((const EngdSolid *)domain->data, x, 1e-12, &inside));
  if (n > domain->nspace) {
    time = (x[n - 1] - domain->interval[0]) / (domain->interval[1] - domain->interval[0]);
    if (time < 0 || time > 1) inside = PETSC_FALSE;
  }
  PetscCheck(inside, domain->comm, PETSC_ERR_USER_INPUT, "%s %s: %s is outside the domain", option, b->points->region,
             item);
  PetscCall(EngdShapeCreatePoint(domain->comm, domain->nspace, x, &shape));
  PetscCall(OwnShape(b->region, shape));
  PetscCall(AddPiece(b, shape, 0, shape->patch, time));
  b->region->piece[b->region->npieces - 1].masked = (PetscBool)(b->where != NULL);
  PetscCall(PetscFree(x));
  PetscCall(PetscFree(inner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* interior, boundary, initial, final, faces, names, points: all that needs no option of its own */
static PetscErrorCode AddKnown(Builder *b, const char item[], PetscBool *found)
{
  const PetscBool initial = (PetscBool)!strcmp(item, "initial"), final = (PetscBool)!strcmp(item, "final");

  PetscFunctionBeginUser;
  PetscCheck(b->domain->time || (!initial && !final), b->points->comm, PETSC_ERR_USER_INPUT,
             "%s_region %s: there is no time; give it, for example -domain_time 0,1", b->points->prefix,
             b->points->region);
  *found = PETSC_TRUE;
  if (!strcmp(item, "boundary"))
    PetscCall(AddAll(b, PETSC_TRUE, -1.0));
  else if (initial || final)
    PetscCall(AddAll(b, PETSC_FALSE, final ? 1.0 : 0.0));
  else {
    PetscCall(AddNamedFace(b, item, found));
    if (!*found) PetscCall(AddPoint(b, item, found));
    if (!*found) PetscCall(AddNamed(b, item, found));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b->where <- the condition of -<item>_where */
static PetscErrorCode CompileWhere(Builder *b, const char item[], const char text[])
{
  const EngdDomain domain = b->domain;
  EngdSymbols      symbols;
  EngdExpression  *longer;
  char             option[128];

  PetscFunctionBeginUser;
  PetscCall(EngdDomainGetSymbols(domain, &symbols));
  symbols.normal = PETSC_TRUE;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_where", item));
  PetscCall(EngdExpressionCreate(&symbols, &b->where));
  PetscCall(PetscMalloc1(b->region->nwhere + 1, &longer));
  PetscCall(PetscArraycpy(longer, b->region->where, b->region->nwhere));
  PetscCall(PetscFree(b->region->where));
  b->region->where                      = longer;
  b->region->where[b->region->nwhere++] = b->where;
  PetscCall(EngdExpressionAppend(b->where, option, text));
  PetscCheck(b->where->ncomponents == 1, domain->comm, PETSC_ERR_USER_INPUT,
             "%s \"%s\" must be one condition, not %" PetscInt_FMT, option, text, b->where->ncomponents);
  PetscCall(EngdExpressionCompile(b->where, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rays of a level set across the box around the solid */
static PetscErrorCode AddInterface(Builder *b, const char item[], const char text[])
{
  const EngdSolid *solid = (const EngdSolid *)b->domain->data;
  EngdShape        shape;
  EngdSymbols      symbols;
  char             option[128];

  PetscFunctionBeginUser;
  PetscCall(EngdDomainGetSymbols(b->domain, &symbols));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_level_set", item));
  PetscCall(EngdShapeCreateLevelSet(b->domain->comm, option, text, &symbols, solid->lower, solid->upper, &shape));
  PetscCall(OwnShape(b->region, shape));
  for (PetscInt k = 0; k < shape->npatches; k++) {
    if (shape->patch[k].rays) PetscCall(AddPiece(b, shape, -1, &shape->patch[k], -1.0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NAME with -NAME_where or -NAME_level_set; found is false if there are no such options */
static PetscErrorCode AddDefined(Builder *b, const char item[], PetscBool *found)
{
  char     *where, *of, *level_set, prefix[128];
  PetscBool known;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(prefix, sizeof(prefix), "%s_", item));
  PetscOptionsBegin(b->domain->comm, prefix, "Region of the domain", "EngdPoints");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-where",
                            "Condition on the coordinates and normal, such as x < 0.1: defines a region of this name",
                            "EngdPointsCreate", NULL, NULL, &where));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-of", "The region that the condition cuts", "EngdPointsCreate", NULL,
                            NULL, &of));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-level_set",
                            "Text of the coordinates: the surface inside the domain where it is zero",
                            "EngdPointsCreate", NULL, NULL, &level_set));
  PetscOptionsEnd();
  *found = (PetscBool)(where || level_set);
  PetscCheck(!of || (where && !level_set), b->points->comm, PETSC_ERR_USER_INPUT,
             "-%s_of %s goes with -%s_where alone", item, of, item);
  if (where) PetscCall(CompileWhere(b, item, where));
  if (level_set) PetscCall(AddInterface(b, item, level_set));
  if (where && !level_set) {
    if (of && !strcmp(of, "interior")) {
      PetscCall(AddAll(b, PETSC_FALSE, -1.0));
    } else {
      PetscCall(AddKnown(b, of ? of : "boundary", &known));
      PetscCheck(known, b->points->comm, PETSC_ERR_USER_INPUT,
                 "-%s_of %s is not a region; the known ones are interior, boundary, initial, final, faces and parts",
                 item, of);
    }
  }
  b->where = NULL;
  PetscCall(PetscFree(where));
  PetscCall(PetscFree(of));
  PetscCall(PetscFree(level_set));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One item of the list of a region */
static PetscErrorCode AddItem(Builder *b, const char item[])
{
  const EngdDomain domain = b->domain;
  PetscBool        found, name = PETSC_TRUE;

  PetscFunctionBeginUser;
  for (const char *s = item; *s; s++) name = (PetscBool)(name && (isalnum((unsigned char)*s) || *s == '_'));
  PetscCall(AddKnown(b, item, &found));
  if (!found && name && strcmp(item, "interior")) PetscCall(AddDefined(b, item, &found));
  PetscCheck(
      found, b->points->comm, PETSC_ERR_USER_INPUT,
      "%s_region %s: %s is not a region; the known ones are interior, boundary, initial, final and faces such as "
      "%s=lower, %s=upper, parts, point(..), and what -%s_where \"condition\" defines",
      b->points->prefix, b->points->region, item, domain->coordinate[0], domain->coordinate[0], name ? item : "NAME");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Areas; pieces of which nothing is left are dropped. points->measure */
static PetscErrorCode RegionMeasure(Builder *b)
{
  EngdRegion *region = b->region;
  EngdPoints  points = b->points;
  PetscInt    kept   = 0;

  PetscFunctionBeginUser;
  points->measure = 0.0;
  for (PetscInt i = 0; i < region->npieces; i++) {
    PetscCall(EngdPieceMeasure(b->domain, region, &region->piece[i]));
    if (!(region->piece[i].area > 0) && region->piece[i].masked) continue;
    points->measure += region->piece[i].area;
    if (region->piece[i].masked) region->masked = PETSC_TRUE;
    region->piece[kept++] = region->piece[i];
  }
  region->npieces = kept;
  PetscCheck(kept, points->comm, PETSC_ERR_USER_INPUT,
             "%s_region %s: nothing of the domain is there; check the condition or the shapes", points->prefix,
             points->region);
  PetscCheck(points->measure > 0 && !PetscIsInfOrNanReal(points->measure), points->comm, PETSC_ERR_USER_INPUT,
             "%s_region %s: its measure is %g, which double precision does not hold; scale the coordinates",
             points->prefix, points->region, (double)points->measure);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRegionCreate - The pieces of points->region. Also sets points->interior and points->measure.
*/
PetscErrorCode EngdRegionCreate(EngdDomain domain, EngdPoints points, EngdRegion **region)
{
  Builder   b = {.domain = domain, .points = points};
  EngdHits *hits;
  char    **items;
  PetscInt  n;
  char      option[128];

  PetscFunctionBeginUser;
  PetscCall(PetscNew(region));
  b.region = *region;
  hits     = &(*region)->hits;
  PetscCall(PetscCalloc4(ENGD_HITS_MAX * domain->nspace, &hits->x, ENGD_HITS_MAX * domain->nspace, &hits->normal,
                         2 * domain->nspace, &(*region)->scratch, domain->dim + domain->nspace, &(*region)->batch));
  if (!strcmp(points->region, "interior")) {
    PetscCall(AddAll(&b, PETSC_FALSE, -1.0));
  } else {
    PetscCall(PetscSNPrintf(option, sizeof(option), "%s_region", points->prefix));
    PetscCall(EngdParseList(option, points->region, &n, &items));
    for (PetscInt i = 0; i < n; i++) PetscCall(AddItem(&b, items[i]));
    PetscCall(EngdListDestroy(n, &items));
  }
  (*region)->nfree = (*region)->npieces ? (*region)->piece[0].nfree : 0;
  points->interior = (PetscBool)((*region)->nfree == domain->dim);
  for (PetscInt i = 0; i < (*region)->npieces; i++)
    PetscCheck((*region)->piece[i].nfree == (*region)->nfree, points->comm, PETSC_ERR_USER_INPUT,
               "%s_region %s: its parts have different dimensions; make a term of each", points->prefix,
               points->region);
  PetscCall(RegionMeasure(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdRegionDestroy(EngdRegion **region)
{
  EngdRegion *r = *region;

  PetscFunctionBeginUser;
  if (!r) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < r->npieces; i++) PetscCall(EngdPieceFreeRule(&r->piece[i]));
  for (PetscInt i = 0; i < r->nowned; i++) PetscCall(EngdShapeDestroy(&r->owned[i]));
  for (PetscInt i = 0; i < r->nwhere; i++) PetscCall(EngdExpressionDestroy(&r->where[i]));
  PetscCall(PetscFree(r->piece));
  PetscCall(PetscFree(r->owned));
  PetscCall(PetscFree(r->where));
  PetscCall(PetscFree4(r->hits.x, r->hits.normal, r->scratch, r->batch));
  PetscCall(PetscFree(*region));
  PetscFunctionReturn(PETSC_SUCCESS);
}
