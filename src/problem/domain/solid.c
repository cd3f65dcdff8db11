/*
  Solids: shapes joined by | (union), & (intersection) and - (difference); which points of the patches of the shapes are
  interior or boundary of the solid.

  Interior: a point of a shape that adds to the solid counts if it is in the solid and in no earlier one of these shapes.
  Boundary: a point x of a patch with normal n counts if just one of x - eps n and x + eps n is in the solid, and if no
  earlier shape has x on its boundary too; the outward normal points to the side that is not. No case for faces that touch
  or coincide is needed: they are inside the solid, or counted once.
*/
#include "shape.h"

#define SIDE 1e-9 /* eps, in units of the size of the solid */

PetscErrorCode EngdSolidCreate(EngdSolid **solid)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(solid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSolidAddNode - A node that joins a and b by op, or with op 0 the leaf of shape a. It becomes the root.
*/
PetscErrorCode EngdSolidAddNode(EngdSolid *solid, char op, PetscInt a, PetscInt b, PetscInt *node)
{
  PetscFunctionBeginUser;
  if (solid->nnodes == solid->nodes_size) {
    EngdSolidNode *longer;

    solid->nodes_size = 2 * solid->nodes_size + 4;
    PetscCall(PetscMalloc1(solid->nodes_size, &longer));
    PetscCall(PetscArraycpy(longer, solid->node, solid->nnodes));
    PetscCall(PetscFree(solid->node));
    solid->node = longer;
  }
  solid->node[solid->nnodes] = (EngdSolidNode){.op = op, .a = a, .b = b};
  *node = solid->root = solid->nnodes++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSolidAddShape - A shape, from now on the solid's, and its leaf.
*/
PetscErrorCode EngdSolidAddShape(EngdSolid *solid, EngdShape shape, PetscInt *node)
{
  PetscFunctionBeginUser;
  if (solid->nshapes == solid->shapes_size) {
    EngdShape *longer;

    solid->shapes_size = 2 * solid->shapes_size + 4;
    PetscCall(PetscMalloc1(solid->shapes_size, &longer));
    PetscCall(PetscArraycpy(longer, solid->shape, solid->nshapes));
    PetscCall(PetscFree(solid->shape));
    solid->shape = longer;
  }
  solid->shape[solid->nshapes++] = shape;
  PetscCall(EngdSolidAddNode(solid, 0, solid->nshapes - 1, 0, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is x in the solid of a node, to a margin on the outer side */
static PetscErrorCode NodeContains(const EngdSolid *solid, PetscInt node, const PetscReal x[], PetscReal margin,
                                   PetscBool *inside)
{
  const EngdSolidNode *n = &solid->node[node];
  PetscReal            level;

  PetscFunctionBeginUser;
  if (!n->op) {
    PetscCall((*solid->shape[n->a]->level)(solid->shape[n->a], x, &level));
    *inside = level <= margin ? PETSC_TRUE : PETSC_FALSE;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NodeContains(solid, n->a, x, margin, inside));
  if (*inside == (n->op == '|')) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NodeContains(solid, n->b, x, n->op == '-' ? -margin : margin, inside));
  if (n->op == '-') *inside = (PetscBool) !*inside;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSolidContains - Is x in the solid? The margin, in units of its size, takes its boundary for inside.
*/
PetscErrorCode EngdSolidContains(const EngdSolid *solid, const PetscReal x[], PetscReal margin, PetscBool *inside)
{
  PetscFunctionBeginUser;
  PetscCall(NodeContains(solid, solid->root, x, margin * solid->size, inside));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is x in shape i */
static PetscErrorCode ShapeContains(const EngdSolid *solid, PetscInt i, const PetscReal x[], PetscBool *inside)
{
  PetscReal level;

  PetscFunctionBeginUser;
  PetscCall((*solid->shape[i]->level)(solid->shape[i], x, &level));
  *inside = level <= 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A point of the interior of a shape */
static PetscErrorCode AcceptInterior(const EngdSolid *solid, PetscInt shape, const PetscReal x[], PetscBool *accepted)
{
  PetscBool inside = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(ShapeContains(solid, shape, x, accepted));
  if (*accepted) PetscCall(EngdSolidContains(solid, x, 0.0, accepted));
  for (PetscInt i = 0; i < shape && *accepted; i++) {
    if (!solid->positive[i]) continue;
    PetscCall(ShapeContains(solid, i, x, &inside));
    if (inside) *accepted = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSolidAccepts - Does x on a patch of a shape count; turns its normal outward. scratch [2 nspace].
*/
PetscErrorCode EngdSolidAccepts(const EngdSolid *solid, PetscInt shape, const EngdPatch *patch, const PetscReal x[],
                                PetscReal normal[], PetscReal scratch[], PetscBool *accepted)
{
  const PetscInt d     = solid->shape[shape]->nspace;
  PetscReal     *below = scratch, *above = scratch + d;
  PetscBool      in = PETSC_FALSE, out = PETSC_FALSE;

  PetscFunctionBeginUser;
  if (!patch->boundary) {
    PetscCall(AcceptInterior(solid, shape, x, accepted));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt c = 0; c < d; c++) {
    below[c] = x[c] - SIDE * solid->size * normal[c];
    above[c] = x[c] + SIDE * solid->size * normal[c];
  }
  PetscCall(EngdSolidContains(solid, below, 0.0, &in));
  PetscCall(EngdSolidContains(solid, above, 0.0, &out));
  *accepted = in != out ? PETSC_TRUE : PETSC_FALSE;
  for (PetscInt c = 0; c < d && out; c++) normal[c] = -normal[c];
  for (PetscInt i = 0; i < shape && *accepted; i++) {
    PetscCall(ShapeContains(solid, i, below, &in));
    PetscCall(ShapeContains(solid, i, above, &out));
    if (in != out) *accepted = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The shapes below a node that add to the solid */
static void MarkPositive(EngdSolid *solid, PetscInt node, PetscBool positive)
{
  const EngdSolidNode *n = &solid->node[node];

  if (!n->op) {
    if (positive) solid->positive[n->a] = PETSC_TRUE; /* a part may appear twice */
    return;
  }
  MarkPositive(solid, n->a, positive);
  MarkPositive(solid, n->b, n->op == '-' ? (PetscBool)!positive : positive);
}

/* A box around the solid of a node */
static PetscErrorCode NodeBounds(const EngdSolid *solid, PetscInt node, PetscInt d, PetscReal lower[],
                                 PetscReal upper[])
{
  const EngdSolidNode *n = &solid->node[node];
  PetscReal           *l, *u;

  PetscFunctionBeginUser;
  if (!n->op) {
    PetscCall(PetscArraycpy(lower, solid->shape[n->a]->lower, d));
    PetscCall(PetscArraycpy(upper, solid->shape[n->a]->upper, d));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NodeBounds(solid, n->a, d, lower, upper));
  if (n->op == '-') PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(d, &l, d, &u));
  PetscCall(NodeBounds(solid, n->b, d, l, u));
  for (PetscInt c = 0; c < d; c++) {
    lower[c] = n->op == '|' ? PetscMin(lower[c], l[c]) : PetscMax(lower[c], l[c]);
    upper[c] = n->op == '|' ? PetscMax(upper[c], u[c]) : PetscMin(upper[c], u[c]);
  }
  PetscCall(PetscFree2(l, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSolidSetUp - What follows from shapes and nodes, when all are there.
*/
PetscErrorCode EngdSolidSetUp(EngdSolid *solid, EngdDomain domain)
{
  const PetscInt d = domain->nspace;

  PetscFunctionBeginUser;
  PetscCall(PetscFree(solid->positive));
  PetscCall(PetscFree2(solid->lower, solid->upper));
  PetscCall(PetscCalloc1(solid->nshapes, &solid->positive));
  PetscCall(PetscMalloc2(d, &solid->lower, d, &solid->upper));
  MarkPositive(solid, solid->root, PETSC_TRUE);
  PetscCall(NodeBounds(solid, solid->root, d, solid->lower, solid->upper));
  solid->size = 0.0;
  for (PetscInt c = 0; c < d; c++) solid->size = PetscMax(solid->size, solid->upper[c] - solid->lower[c]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The text of a node */
static PetscErrorCode NodeDistance(const EngdSolid *solid, PetscInt node, char *const coordinate[], char **text)
{
  const EngdSolidNode *n = &solid->node[node];
  char                *a, *b, *minus;

  PetscFunctionBeginUser;
  if (!n->op) {
    PetscCall((*solid->shape[n->a]->distance)(solid->shape[n->a], coordinate, text));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NodeDistance(solid, n->a, coordinate, &a));
  PetscCall(NodeDistance(solid, n->b, coordinate, &b));
  if (n->op == '-') {
    PetscCall(EngdTextPrint(&minus, "(-%s)", b));
    PetscCall(PetscFree(b));
    b = minus;
  }
  PetscCall(EngdTextJoin((PetscBool)(n->op != '|'), a, b, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSolidGetDistance - The distance as text, from those of the shapes by R-functions; free it.
*/
PetscErrorCode EngdSolidGetDistance(const EngdSolid *solid, char *const coordinate[], char **text)
{
  PetscFunctionBeginUser;
  PetscCall(NodeDistance(solid, solid->root, coordinate, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSolidDestroy(EngdSolid **solid)
{
  PetscFunctionBeginUser;
  if (!*solid) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < (*solid)->nshapes; i++) PetscCall(EngdShapeDestroy(&(*solid)->shape[i]));
  PetscCall(PetscFree((*solid)->shape));
  PetscCall(PetscFree((*solid)->node));
  PetscCall(PetscFree((*solid)->positive));
  PetscCall(PetscFree((*solid)->corner));
  PetscCall(PetscFree((*solid)->text));
  PetscCall(PetscFree((*solid)->parts));
  PetscCall(PetscFree((*solid)->holes));
  PetscCall(PetscFree2((*solid)->lower, (*solid)->upper));
  PetscCall(PetscFree(*solid));
  PetscFunctionReturn(PETSC_SUCCESS);
}
