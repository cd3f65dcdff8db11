/*
  The types of domains that are solids: what their options say.

    box        -domain_lower, -domain_upper
    ball       -domain_center, -domain_radius
    annulus    -domain_center, -domain_inner_radius, -domain_outer_radius
    polygon    -domain_vertices, in the plane
    level_set  -domain_level_set in the box -domain_lower, -domain_upper
    compound   -domain_shape over -domain_parts (solidparse.c)

  and of all: -domain_holes, shapes to take away. Lists of numbers for d space coordinates have d, or one for all.
  Shapes that need the names of the coordinates are made in `setup`, when there are names.
*/
#include "shape.h"

#define THIN   1e-10 /* least width of a box in units of its bounds: less is lost in their rounding */
#define PROBES 32768 /* points of the box around a solid, one of which must be in it */

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
    PetscCheck(u[i] - l[i] > THIN * PetscMax(PetscAbsReal(l[i]), PetscAbsReal(u[i])), domain->comm,
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

/* -domain_holes */
static PetscErrorCode ReadHoles(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  EngdSolid *solid = (EngdSolid *)domain->data;

  PetscFunctionBeginUser;
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-domain_holes",
                      "Shapes to take away, such as \"ball(.3,.3; .1), box(0,0; .1,.1)\"; also annulus(c; r1,r2), "
                      "polygon(x,y; x,y; ..), level_set(text). Their boundaries are the regions hole1, .., holes",
                      "EngdDomainRegister", NULL, NULL, &solid->holes));
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
  PetscCall(ReadHoles(domain, PetscOptionsObject));
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

/* Ball or annulus; their spheres are the regions outer and inner */
static PetscErrorCode EngdDomainSetFromOptions_Ball(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  const PetscBool ball = (PetscBool)!strcmp(domain->type, "ball");
  EngdShape       shape;
  PetscReal      *center, inner = 0.0, outer;

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
  PetscCall(ReadHoles(domain, PetscOptionsObject));
  PetscCall(EngdShapeCreateBall(domain->comm, domain->nspace, ball ? "-domain_radius" : "-domain_inner_radius",
                                center, inner, outer, &shape));
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
  PetscCall(ReadHoles(domain, PetscOptionsObject));
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
  PetscCall(ReadHoles(domain, PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainSetFromOptions_Compound(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  EngdSolid *solid = (EngdSolid *)domain->data;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_shape",
                            "Shapes joined by | (union), & (intersection), - (difference) and parentheses, such as "
                            "plate - ball(0,0; .1); parts may overlap or touch",
                            "EngdDomainCreate_Compound", NULL, "\"plate - ball(.5,.5; .1)\"", &solid->text));
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-domain_parts",
                      "Names for shapes, such as \"plate = box(0,0; 1,1), disc = ball(0,0; .1)\"; the part of the "
                      "boundary that is theirs is a region of that name",
                      "EngdDomainCreate_Compound", NULL, NULL, &solid->parts));
  PetscCall(ReadHoles(domain, PetscOptionsObject));
  PetscCheck(domain->nspace, domain->comm, PETSC_ERR_USER_INPUT,
             "-domain_type compound needs the names of its coordinates: give -domain_coordinates x,y");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is some point of the box around the solid in it */
static PetscErrorCode CheckNotEmpty(EngdDomain domain)
{
  const EngdSolid *solid = (const EngdSolid *)domain->data;
  const PetscInt   d     = domain->nspace;
  PetscReal       *z;
  PetscBool        inside = (PetscBool)(solid->nshapes == 1 && solid->shape[0]->tight);

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(d, &z));
  for (PetscInt i = 0; i < PROBES && !inside; i++) {
    PetscCall(EngdSamplerHalton(d, PROBES, 0, 0, 0, i, z));
    for (PetscInt c = 0; c < d; c++) z[c] = (1.0 - z[c]) * solid->lower[c] + z[c] * solid->upper[c];
    PetscCall(EngdSolidContains(solid, z, 0.0, &inside));
  }
  PetscCall(PetscFree(z));
  if (inside) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(solid->holes || solid->nshapes > 1, domain->comm, PETSC_ERR_USER_INPUT,
             "-domain_level_set \"%s\": nowhere negative in the box of -domain_lower and -domain_upper", solid->text);
  PetscCheck(!solid->holes, domain->comm, PETSC_ERR_USER_INPUT,
             "-domain_holes \"%s\": nothing is left of the domain, the holes cover it", solid->holes);
  SETERRQ(domain->comm, PETSC_ERR_USER_INPUT, "-domain_shape \"%s\": it is empty", solid->text);
}

/* Takes the holes away, and completes the solid */
static PetscErrorCode SetUpHoles(EngdDomain domain)
{
  EngdSolid *solid = (EngdSolid *)domain->data;
  char     **items, name[64];
  PetscInt   n, node, root;

  PetscFunctionBeginUser;
  PetscCall(EngdSolidSetUp(solid, domain));
  if (solid->holes) {
    PetscCall(EngdParseList("-domain_holes", solid->holes, &n, &items));
    for (PetscInt i = 0; i < n; i++) {
      root = solid->root;
      PetscCall(PetscSNPrintf(name, sizeof(name), "hole%" PetscInt_FMT, i + 1));
      PetscCall(
          EngdSolidParsePart(domain, "-domain_holes", items[i], name, solid->lower, solid->upper, solid, &node));
      PetscCall(EngdSolidAddNode(solid, '-', root, node, &root));
    }
    PetscCall(EngdListDestroy(n, &items));
    PetscCall(EngdSolidSetUp(solid, domain));
  }
  PetscCall(CheckNotEmpty(domain));
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
  PetscCall(SetUpHoles(domain));
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
  PetscCall(SetUpHoles(domain));
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
  PetscCall(SetUpHoles(domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* May a part have this name: not that of another region */
static PetscErrorCode CheckPartName(EngdDomain domain, const char name[])
{
  const char *const taken[] = {"interior", "boundary", "initial", "final", "holes", "point"};

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(taken); k++)
    PetscCheck(strcmp(name, taken[k]), domain->comm, PETSC_ERR_USER_INPUT,
               "-domain_parts: %s is a region of every domain; choose another name", name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parts `name = shape`, then the text over them */
static PetscErrorCode EngdDomainSetUp_Compound(EngdDomain domain)
{
  EngdSolid *solid = (EngdSolid *)domain->data;
  char     **items = NULL, **names, **one;
  PetscInt   n     = 0, m, *nodes;
  PetscBool  used;

  PetscFunctionBeginUser;
  if (solid->parts) PetscCall(EngdParseList("-domain_parts", solid->parts, &n, &items));
  PetscCall(PetscCalloc2(n, &names, n, &nodes));
  for (PetscInt i = 0; i < n; i++) {
    char *shape = strchr(items[i], '=');

    PetscCheck(shape, domain->comm, PETSC_ERR_USER_INPUT,
               "-domain_parts \"%s\": \"%s\" is not of the form name = shape", solid->parts, items[i]);
    *shape++ = 0;
    while (*shape == ' ') shape++;
    PetscCall(EngdParseNames("-domain_parts", items[i], &m, &one));
    PetscCall(CheckPartName(domain, one[0]));
    PetscCall(PetscStrallocpy(one[0], &names[i]));
    PetscCall(EngdListDestroy(m, &one));
    PetscCall(EngdSolidParsePart(domain, "-domain_parts", shape, names[i], NULL, NULL, solid, &nodes[i]));
  }
  PetscCall(EngdSolidParse(domain, "-domain_shape", solid->text, n, names, nodes, solid));
  for (PetscInt i = 0; i < n; i++) {
    used = PETSC_FALSE;
    for (PetscInt k = 0; k < solid->nnodes; k++)
      used = (PetscBool)(used || solid->root == nodes[i] ||
                         (solid->node[k].op && (solid->node[k].a == nodes[i] || solid->node[k].b == nodes[i])));
    PetscCheck(used, domain->comm, PETSC_ERR_USER_INPUT, "-domain_parts: %s is not used in -domain_shape \"%s\"",
               names[i], solid->text);
    PetscCall(PetscFree(names[i]));
  }
  PetscCall(PetscFree2(names, nodes));
  PetscCall(EngdListDestroy(n, &items));
  PetscCall(SetUpHoles(domain));
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
  domain->ops->setup          = SetUpHoles;
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

/*
  EngdDomainCreate_Compound - Makes a domain a union, an intersection, a difference of shapes.
*/
ENGD_REGISTER_DOMAIN("compound", EngdDomainCreate_Compound);
PetscErrorCode EngdDomainCreate_Compound(EngdDomain domain)
{
  PetscFunctionBeginUser;
  PetscCall(EngdDomainSetSolid(domain));
  domain->ops->setfromoptions = EngdDomainSetFromOptions_Compound;
  domain->ops->setup          = EngdDomainSetUp_Compound;
  PetscFunctionReturn(PETSC_SUCCESS);
}
