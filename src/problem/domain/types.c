/*
  The types of domains that are solids: what their options say.

    box        -domain_lower, -domain_upper
    ball       -domain_center, -domain_radius, -domain_measure
    annulus    -domain_center, -domain_inner_radius, -domain_outer_radius, -domain_measure
    polygon    -domain_vertices, in the plane
    level_set  -domain_level_set in the box -domain_lower, -domain_upper

  and of all: -domain_holes (holes.c); compound.c has another type. Lists of numbers for d space coordinates have d, or one for all.
  Shapes that need the names of the coordinates are made in `setup`, when there are names.
*/
#include "shape.h"

/* What one list says about all space coordinates: one number repeats */
static PetscErrorCode FillNumbers(EngdDomain domain, const char option[], const char text[], PetscInt n,
                                  const PetscReal values[], PetscReal filled[])
{
  PetscFunctionBeginUser;
  PetscCheck(n == 1 || n == domain->nspace, domain->comm, PETSC_ERR_USER_INPUT,
             "%s %s: has %" PetscInt_FMT " numbers but there are %" PetscInt_FMT " space coordinates", option, text,
             n, domain->nspace);
  for (PetscInt i = 0; i < domain->nspace; i++) filled[i] = values[n == 1 ? 0 : i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is l < u in every coordinate, and by more than what rounding leaves of it */
static PetscErrorCode CheckBounds(EngdDomain domain, const char textl[], const char textu[], const PetscReal l[],
                                  const PetscReal u[])
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < domain->nspace; i++) {
    PetscCheck(l[i] < u[i], domain->comm, PETSC_ERR_USER_INPUT,
               "-domain_lower %s -domain_upper %s: %g is not below %g in coordinate %" PetscInt_FMT, textl, textu,
               (double)l[i], (double)u[i], i + 1);
    PetscCheck(u[i] - l[i] > ENGD_THIN * PetscMax(PetscAbsReal(l[i]), PetscAbsReal(u[i])), domain->comm,
               PETSC_ERR_USER_INPUT,
               "-domain_lower %s -domain_upper %s: too thin for double precision so far from 0 in coordinate "
               "%" PetscInt_FMT "; shift the coordinates",
               textl, textu, i + 1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -domain_lower and -domain_upper to solid->corner */
static PetscErrorCode ReadCorners(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  EngdSolid *solid = (EngdSolid *)domain->data;
  char      *textl, *textu;
  PetscInt   nl, nu;
  PetscReal *l, *u;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_lower",
                            "Lower corner of the box: one number for each space coordinate, or one for all",
                            "EngdProblemSetBox", NULL, "0", &textl));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_upper",
                            "Upper corner of the box: one number for each space coordinate, or one for all",
                            "EngdProblemSetBox", NULL, "1", &textu));
  PetscCall(EngdParseReals("-domain_lower", textl, &domain->words, &nl, &l));
  PetscCall(EngdParseReals("-domain_upper", textu, &domain->words, &nu, &u));
  if (!domain->nspace) domain->nspace = PetscMax(nl, nu);
  PetscCall(PetscMalloc1(2 * domain->nspace, &solid->corner));
  PetscCall(FillNumbers(domain, "-domain_lower", textl, nl, l, solid->corner));
  PetscCall(FillNumbers(domain, "-domain_upper", textu, nu, u, solid->corner + domain->nspace));
  PetscCall(CheckBounds(domain, textl, textu, solid->corner, solid->corner + domain->nspace));
  PetscCall(PetscFree(l));
  PetscCall(PetscFree(u));
  PetscCall(PetscFree(textl));
  PetscCall(PetscFree(textu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first shape, whose boundary is the region `name` */
static PetscErrorCode AddFirst(EngdSolid *solid, const char name[], EngdShape shape)
{
  PetscInt node;

  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(shape->name, name, sizeof(shape->name)));
  PetscCall(EngdSolidAddShape(solid, shape, &node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainSetFromOptions_Box(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  EngdSolid *solid = (EngdSolid *)domain->data;
  EngdShape  shape;

  PetscFunctionBeginUser;
  PetscCall(ReadCorners(domain, PetscOptionsObject));
  PetscCall(EngdSolidReadHoles(domain, PetscOptionsObject));
  PetscCall(EngdShapeCreateBox(domain->comm, domain->nspace, solid->corner, solid->corner + domain->nspace, &shape));
  PetscCall(AddFirst(solid, "outer", shape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -domain_center, which tells the dimension if nothing else does */
static PetscErrorCode ReadCenter(EngdDomain domain, EngdOptionItems PetscOptionsObject, PetscReal **center)
{
  PetscReal *values;
  PetscInt   n;
  char      *text;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_center",
                            "Center of ball or annulus: one number for each space coordinate, or one for all",
                            "EngdDomainCreate_Ball", domain->nspace ? "0" : NULL, domain->nspace ? NULL : "0,0",
                            &text));
  PetscCall(EngdParseReals("-domain_center", text, &domain->words, &n, &values));
  if (!domain->nspace) domain->nspace = n;
  PetscCall(PetscMalloc1(domain->nspace, center));
  PetscCall(FillNumbers(domain, "-domain_center", text, n, values, *center));
  PetscCall(PetscFree(values));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A radius, in the words of the language of numbers */
static PetscErrorCode ReadRadius(EngdDomain domain, EngdOptionItems PetscOptionsObject, const char option[],
                                 const char sentence[], const char standard[], PetscReal *r)
{
  char *text;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsText(PetscOptionsObject, option, sentence, "EngdDomainCreate_Ball", standard, NULL, &text));
  PetscCall(EngdParseReal(option, text, &domain->words, r));
  PetscCheck(*r > 0, PetscOptionsObject->comm, PETSC_ERR_USER_INPUT, "%s %s: the radius must be positive", option,
             text);
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -domain_measure: whether radii are uniform in place of volumes */
static PetscErrorCode ReadMeasure(EngdDomain domain, EngdOptionItems PetscOptionsObject, PetscBool *radial)
{
  PetscBool volume;
  char     *text;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_measure",
                            "Points and means of ball or annulus by volume, or by radius: as many at each radius",
                            "EngdDomainCreate_Ball", "volume", NULL, &text));
  PetscCall(PetscStrcmp(text, "volume", &volume));
  PetscCall(PetscStrcmp(text, "radius", radial));
  PetscCheck(volume || *radial, domain->comm, PETSC_ERR_USER_INPUT, "-domain_measure %s: must be volume or radius",
             text);
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ball or annulus; their spheres are the regions outer and inner */
static PetscErrorCode EngdDomainSetFromOptions_Ball(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  const PetscBool ball = (PetscBool)!strcmp(domain->type, "ball");
  EngdShape       shape;
  PetscReal      *center, inner = 0.0, outer;
  PetscBool       radial = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(ReadCenter(domain, PetscOptionsObject, &center));
  if (ball) {
    PetscCall(ReadRadius(domain, PetscOptionsObject, "-domain_radius", "Radius of the ball, positive", "1", &outer));
  } else {
    PetscCall(ReadRadius(domain, PetscOptionsObject, "-domain_inner_radius", "Inner radius of the annulus, positive",
                         "0.5", &inner));
    PetscCall(ReadRadius(domain, PetscOptionsObject, "-domain_outer_radius",
                         "Outer radius of the annulus, above the inner", "1", &outer));
  }
  PetscCall(ReadMeasure(domain, PetscOptionsObject, &radial));
  PetscCall(EngdSolidReadHoles(domain, PetscOptionsObject));
  PetscCall(EngdShapeCreateBall(domain->comm, domain->nspace, ball ? "-domain_radius" : "-domain_inner_radius",
                                center, inner, outer, &shape));
  if (radial) PetscCall(EngdShapeBallSetRadial(shape));
  PetscCall(AddFirst((EngdSolid *)domain->data, ball ? "outer" : "", shape));
  PetscCall(PetscFree(center));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainSetFromOptions_Polygon(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  EngdSolid *solid = (EngdSolid *)domain->data;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_vertices",
                            "Vertices of the polygon in turn, such as \"0,0; 1,0; 0,1\"; its edges, counterclockwise "
                            "from the first vertex, are the regions edge1, edge2, ..",
                            "EngdDomainCreate_Polygon", NULL, "\"0,0; 1,0; 0,1\"", &solid->text));
  PetscCall(EngdSolidReadHoles(domain, PetscOptionsObject));
  PetscCheck(!domain->nspace || domain->nspace == 2, domain->comm, PETSC_ERR_USER_INPUT,
             "-domain_type polygon: lies in the plane, but there are %" PetscInt_FMT " space coordinates",
             domain->nspace);
  domain->nspace = 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainSetFromOptions_LevelSet(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  EngdSolid *solid = (EngdSolid *)domain->data;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_level_set",
                            "Text of the space coordinates, negative inside; its zeros are the region surface",
                            "EngdDomainCreate_LevelSet", NULL, "x^2+y^2-1", &solid->text));
  PetscCall(ReadCorners(domain, PetscOptionsObject));
  PetscCall(EngdSolidReadHoles(domain, PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The faces of periodic coordinates are none */
static PetscErrorCode EngdDomainSetUp_Box(EngdDomain domain)
{
  const EngdShape box = ((EngdSolid *)domain->data)->shape[0];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < box->npatches; k++) {
    if (box->patch[k].fixed >= 0) box->patch[k].seam = domain->periodic[box->patch[k].fixed];
  }
  PetscCall(EngdSolidSetUpHoles(domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainBounds_Box(EngdDomain domain, PetscInt coordinate, PetscReal *lower, PetscReal *upper)
{
  const EngdSolid *solid = (const EngdSolid *)domain->data;

  PetscFunctionBeginUser;
  *lower = solid->corner[coordinate];
  *upper = solid->corner[domain->nspace + coordinate];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainSetUp_Polygon(EngdDomain domain)
{
  EngdSolid *solid = (EngdSolid *)domain->data;
  char      *part;
  PetscInt   node;

  PetscFunctionBeginUser;
  PetscCall(EngdTextPrint(&part, "polygon(%s)", solid->text));
  PetscCall(EngdSolidParsePart(domain, "-domain_vertices", part, "outer", NULL, NULL, solid, &node));
  PetscCall(PetscFree(part));
  PetscCall(EngdSolidSetUpHoles(domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainSetUp_LevelSet(EngdDomain domain)
{
  EngdSolid  *solid = (EngdSolid *)domain->data;
  EngdShape   shape;
  EngdSymbols symbols;

  PetscFunctionBeginUser;
  PetscCall(EngdDomainGetSymbols(domain, &symbols));
  PetscCall(EngdShapeCreateLevelSet(domain->comm, "-domain_level_set", solid->text, &symbols, solid->corner,
                                    solid->corner + domain->nspace, &shape));
  PetscCall(AddFirst(solid, "outer", shape));
  PetscCall(EngdSolidSetUpHoles(domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDomainCreate_Box - Makes a domain a box.
*/
ENGD_REGISTER_DOMAIN("box", EngdDomainCreate_Box);
PetscErrorCode EngdDomainCreate_Box(EngdDomain domain)
{
  PetscFunctionBeginUser;
  PetscCall(EngdDomainSetSolid(domain));
  domain->ops->setfromoptions = EngdDomainSetFromOptions_Box;
  domain->ops->setup          = EngdDomainSetUp_Box;
  domain->ops->bounds         = EngdDomainBounds_Box;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDomainCreate_Ball - Makes a domain a ball or, by its type, an annulus.
*/
ENGD_REGISTER_DOMAIN("ball", EngdDomainCreate_Ball);
ENGD_REGISTER_DOMAIN("annulus", EngdDomainCreate_Ball);
PetscErrorCode EngdDomainCreate_Ball(EngdDomain domain)
{
  PetscFunctionBeginUser;
  PetscCall(EngdDomainSetSolid(domain));
  domain->ops->setfromoptions = EngdDomainSetFromOptions_Ball;
  domain->ops->setup          = EngdSolidSetUpHoles;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDomainCreate_Polygon - Makes a domain a polygon.
*/
ENGD_REGISTER_DOMAIN("polygon", EngdDomainCreate_Polygon);
PetscErrorCode EngdDomainCreate_Polygon(EngdDomain domain)
{
  PetscFunctionBeginUser;
  PetscCall(EngdDomainSetSolid(domain));
  domain->ops->setfromoptions = EngdDomainSetFromOptions_Polygon;
  domain->ops->setup          = EngdDomainSetUp_Polygon;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDomainCreate_LevelSet - Makes a domain the part of a box where a text is negative.
*/
ENGD_REGISTER_DOMAIN("level_set", EngdDomainCreate_LevelSet);
PetscErrorCode EngdDomainCreate_LevelSet(EngdDomain domain)
{
  PetscFunctionBeginUser;
  PetscCall(EngdDomainSetSolid(domain));
  domain->ops->setfromoptions = EngdDomainSetFromOptions_LevelSet;
  domain->ops->setup          = EngdDomainSetUp_LevelSet;
  PetscFunctionReturn(PETSC_SUCCESS);
}
