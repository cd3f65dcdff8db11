/*
  A simple polygon in the plane, of vertices in either sense of rotation.

  Interior: triangles by clipping ears, each the image of the square under x = (1 - s) a + s (1 - z_2) b + s z_2 c with
  s = sqrt(z_1), whose Jacobian is constant. Boundary: the edges, called edge1 (from the first vertex to the second), ...

  Distance: R-functions of the half-planes of the edges, each once. The hull of a chain of edges is convex, so what its
  own edges say is joined by `both`; a pocket of the hull is a chain turned over, joined by `either`, and so on. The
  polygon is the outermost chain. Reference: Tor and Middleditch, ACM Trans. Graphics 3 (1984) 244-258.
*/
#include "shape.h"

typedef struct {
  PetscInt   n, ntriangles;
  PetscReal *x;            /* [n][2], counterclockwise */
  PetscInt (*triangle)[3]; /* [ntriangles] */
} Polygon;

/* Twice the signed area of the triangle a b c */
static PetscReal Cross(const PetscReal a[], const PetscReal b[], const PetscReal c[])
{
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

static PetscReal Length(const PetscReal a[], const PetscReal b[])
{
  return PetscSqrtReal(PetscSqr(b[0] - a[0]) + PetscSqr(b[1] - a[1]));
}

/* How far x is from the segment a b */
static PetscReal SegmentDistance(const PetscReal a[], const PetscReal b[], const PetscReal x[])
{
  const PetscReal l = Length(a, b);
  PetscReal       s = ((x[0] - a[0]) * (b[0] - a[0]) + (x[1] - a[1]) * (b[1] - a[1])) / (l * l), y[2];

  s    = PetscMin(PetscMax(s, 0.0), 1.0);
  y[0] = a[0] + s * (b[0] - a[0]);
  y[1] = a[1] + s * (b[1] - a[1]);
  return Length(x, y);
}

/* Do the segments a b and c d cross or touch */
static PetscBool SegmentsMeet(const PetscReal a[], const PetscReal b[], const PetscReal c[], const PetscReal d[])
{
  const PetscReal rounding = 1e-12 * (Length(a, b) + Length(c, d));

  if ((Cross(a, b, c) > 0) != (Cross(a, b, d) > 0) && (Cross(c, d, a) > 0) != (Cross(c, d, b) > 0)) return PETSC_TRUE;
  return (PetscBool)(SegmentDistance(a, b, c) <= rounding || SegmentDistance(a, b, d) <= rounding ||
                     SegmentDistance(c, d, a) <= rounding || SegmentDistance(c, d, b) <= rounding);
}

static PetscErrorCode EngdShapeMap_Polygon(EngdShape shape, const EngdPatch *patch, const PetscReal z[],
                                           EngdHits *hits)
{
  const Polygon *p = (const Polygon *)shape->data;

  PetscFunctionBeginUser;
  hits->n          = 1;
  hits->density[0] = 1.0;
  if (patch->boundary) {
    const PetscInt   k = patch->number - p->ntriangles;
    const PetscReal *a = p->x + 2 * k, *b = p->x + 2 * ((k + 1) % p->n), l = Length(a, b);

    for (PetscInt c = 0; c < 2; c++) hits->x[c] = (1.0 - z[0]) * a[c] + z[0] * b[c];
    hits->normal[0] = (b[1] - a[1]) / l;
    hits->normal[1] = (a[0] - b[0]) / l;
  } else {
    const PetscInt *v = p->triangle[patch->number];
    const PetscReal s = PetscSqrtReal(z[0]);

    for (PetscInt c = 0; c < 2; c++)
      hits->x[c] =
          (1.0 - s) * p->x[2 * v[0] + c] + s * ((1.0 - z[1]) * p->x[2 * v[1] + c] + z[1] * p->x[2 * v[2] + c]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The distance to the nearest edge, negative where a ray to the right crosses the edges an odd number of times */
static PetscErrorCode EngdShapeLevel_Polygon(EngdShape shape, const PetscReal x[], PetscReal *level)
{
  const Polygon *p       = (const Polygon *)shape->data;
  PetscReal      nearest = PETSC_MAX_REAL;
  PetscBool      inside  = PETSC_FALSE;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < p->n; k++) {
    const PetscReal *a = p->x + 2 * k, *b = p->x + 2 * ((k + 1) % p->n);

    nearest = PetscMin(nearest, SegmentDistance(a, b, x));
    if ((a[1] > x[1]) != (b[1] > x[1]) && (Cross(a, b, x) > 0) == (b[1] > a[1])) inside = (PetscBool)!inside;
  }
  *level = inside ? -nearest : nearest;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the chain i .. j: the next vertex of its hull after k, the others being on the left (sign 1) or the right (-1) */
static PetscInt NextOfHull(const Polygon *p, PetscInt k, PetscInt j, PetscReal sign)
{
  const PetscReal *x    = p->x + 2 * (k % p->n);
  PetscInt         best = -1;

  for (PetscInt l = k + 1; l <= j; l++) {
    const PetscReal *y = p->x + 2 * (l % p->n);

    if (y == x) continue;
    if (best < 0 || sign * Cross(x, p->x + 2 * (best % p->n), y) < -1e-12 * Length(x, y) * Length(x, y)) best = l;
  }
  return best;
}

/* Do edges k and l lie on one line, in one direction */
static PetscBool SameLine(const Polygon *p, PetscInt k, PetscInt l)
{
  const PetscReal *a = p->x + 2 * (k % p->n), *b = p->x + 2 * ((k + 1) % p->n);
  const PetscReal *c = p->x + 2 * (l % p->n), *d = p->x + 2 * ((l + 1) % p->n);
  const PetscReal  length = Length(a, b), rounding = 1e-12 * length * (length + Length(a, c) + Length(a, d));

  return (PetscBool)(PetscAbsReal(Cross(a, b, c)) <= rounding && PetscAbsReal(Cross(a, b, d)) <= rounding &&
                     (b[0] - a[0]) * (d[0] - c[0]) + (b[1] - a[1]) * (d[1] - c[1]) > 0);
}

/* The distance of the chain of edges from vertex i to vertex j, its hull on the left or on the right */
static PetscErrorCode ChainDistance(const Polygon *p, char *const coordinate[], PetscInt i, PetscInt j,
                                    PetscBool both, char **text)
{
  char   **list;
  PetscInt n = 0, *edge;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(j - i, &list, j - i, &edge));
  for (PetscInt k = i, next; k < j; k = next) {
    PetscBool known = PETSC_FALSE;

    next = NextOfHull(p, k, j, both ? 1.0 : -1.0);
    if (next > k + 1) {
      edge[n] = -1;
      PetscCall(ChainDistance(p, coordinate, k, next, (PetscBool)!both, &list[n++]));
      continue;
    }
    for (PetscInt m = 0; m < n; m++) known = (PetscBool)(known || (edge[m] >= 0 && SameLine(p, edge[m], k)));
    if (known) continue;
    const PetscReal *a = p->x + 2 * (k % p->n), *b = p->x + 2 * (next % p->n), l = Length(a, b);

    edge[n] = k;
    PetscCall(EngdTextPrint(&list[n++], "((%.17g)*(%s-(%.17g))+(%.17g)*(%s-(%.17g)))", (double)((a[1] - b[1]) / l),
                            coordinate[0], (double)a[0], (double)((b[0] - a[0]) / l), coordinate[1], (double)a[1]));
  }
  PetscCall(EngdTextJoinAll(both, n, list, text));
  PetscCall(PetscFree2(list, edge));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole polygon is the chain from the lowest vertex, which is one of the hull, to itself */
static PetscErrorCode EngdShapeDistance_Polygon(EngdShape shape, char *const coordinate[], char **text)
{
  const Polygon *p     = (const Polygon *)shape->data;
  PetscInt       first = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = 1; k < p->n; k++) {
    const PetscReal *a = p->x + 2 * first, *b = p->x + 2 * k;

    if (b[1] < a[1] || (b[1] <= a[1] && b[0] < a[0])) first = k;
  }
  PetscCall(ChainDistance(p, coordinate, first, first + p->n, PETSC_TRUE, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeView_Polygon(EngdShape shape, char *const coordinate[], PetscViewer viewer)
{
  const Polygon *p = (const Polygon *)shape->data;

  PetscFunctionBeginUser;
  (void)coordinate;
  PetscCall(PetscViewerASCIIPrintf(viewer, "polygon of %" PetscInt_FMT " vertices in (%g, %g) x (%g, %g)\n", p->n,
                                   (double)shape->lower[0], (double)shape->upper[0], (double)shape->lower[1],
                                   (double)shape->upper[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeDestroy_Polygon(EngdShape shape)
{
  Polygon *p = (Polygon *)shape->data;

  PetscFunctionBeginUser;
  PetscCall(PetscFree2(p->x, p->triangle));
  PetscCall(PetscFree(shape->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are all edges longer than nothing and apart from each other */
static PetscErrorCode PolygonCheck(MPI_Comm comm, const char option[], const Polygon *p)
{
  PetscReal far = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < 2 * p->n; k++) far = PetscMax(far, PetscAbsReal(p->x[k]));
  PetscCheck(!PetscIsInfReal(far * far), comm, PETSC_ERR_USER_INPUT,
             "%s: areas up to %g^2 are beyond double precision; scale the coordinates", option, (double)far);
  for (PetscInt k = 0; k < p->n; k++) {
    const PetscReal *a = p->x + 2 * k, *b = p->x + 2 * ((k + 1) % p->n);

    PetscCheck(Length(a, b) > 0, comm, PETSC_ERR_USER_INPUT,
               "%s: vertex %" PetscInt_FMT " (%g, %g) is repeated; leave it out", option, k + 1, (double)a[0],
               (double)a[1]);
    PetscCheck(
        Length(a, b) > ENGD_THIN * far, comm, PETSC_ERR_USER_INPUT,
        "%s: the edge from (%g, %g) is too short for double precision so far from 0; shift the coordinates, or "
        "leave the vertex out",
        option, (double)a[0], (double)a[1]);
  }
  for (PetscInt k = 0; k < p->n; k++) {
    const PetscReal *a = p->x + 2 * k, *b = p->x + 2 * ((k + 1) % p->n), *c = p->x + 2 * ((k + 2) % p->n);

    PetscCheck(SegmentDistance(a, b, c) > 1e-12 * Length(a, b), comm, PETSC_ERR_USER_INPUT,
               "%s: the polygon turns back on itself, or is too thin, at (%g, %g)", option, (double)b[0],
               (double)b[1]);
    for (PetscInt l = k + 2; l < p->n - (k ? 0 : 1); l++)
      PetscCheck(!SegmentsMeet(a, b, p->x + 2 * l, p->x + 2 * ((l + 1) % p->n)), comm, PETSC_ERR_USER_INPUT,
                 "%s: the polygon crosses itself, in edges %" PetscInt_FMT " and %" PetscInt_FMT, option, k + 1,
                 l + 1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the corner a b c convex and is no other vertex in it */
static PetscBool IsEar(const Polygon *p, PetscInt n, const PetscInt list[], PetscInt k)
{
  const PetscInt   ia = list[(k + n - 1) % n], ib = list[k], ic = list[(k + 1) % n];
  const PetscReal *a = p->x + 2 * ia, *b = p->x + 2 * ib, *c = p->x + 2 * ic;

  if (Cross(a, b, c) <= 0) return PETSC_FALSE;
  for (PetscInt l = 0; l < n; l++) {
    const PetscReal *x = p->x + 2 * list[l];

    if (list[l] == ia || list[l] == ib || list[l] == ic) continue;
    if (Cross(a, b, x) >= 0 && Cross(b, c, x) >= 0 && Cross(c, a, x) >= 0) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* Cuts off ears until a triangle is left; a corner of no area goes without a triangle */
static PetscErrorCode Triangulate(Polygon *p)
{
  PetscInt *list, n = p->n;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &list));
  for (PetscInt k = 0; k < n; k++) list[k] = k;
  while (n > 2) {
    PetscInt ear = -1;

    for (PetscInt k = 0; k < n && ear < 0; k++) {
      if (IsEar(p, n, list, k)) ear = k;
    }
    for (PetscInt k = 0; k < n && ear < 0; k++) {
      if (PetscAbsReal(Cross(p->x + 2 * list[(k + n - 1) % n], p->x + 2 * list[k], p->x + 2 * list[(k + 1) % n])) <=
          1e-14)
        ear = k;
    }
    PetscCheck(ear >= 0, PETSC_COMM_SELF, PETSC_ERR_PLIB, "A simple polygon without an ear");
    const PetscInt v[3] = {list[(ear + n - 1) % n], list[ear], list[(ear + 1) % n]};

    if (Cross(p->x + 2 * v[0], p->x + 2 * v[1], p->x + 2 * v[2]) > 0) {
      for (PetscInt c = 0; c < 3; c++) p->triangle[p->ntriangles][c] = v[c];
      p->ntriangles++;
    }
    for (PetscInt k = ear; k < n - 1; k++) list[k] = list[k + 1];
    n--;
  }
  PetscCall(PetscFree(list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Vertices counterclockwise from the first one, and the box around them */
static void PolygonSetVertices(EngdShape s, Polygon *p, const PetscReal x[])
{
  PetscReal area = 0.0;

  for (PetscInt k = 0; k < p->n; k++) area += Cross(x, x + 2 * k, x + 2 * ((k + 1) % p->n));
  for (PetscInt k = 0; k < p->n; k++) {
    const PetscInt from = area > 0 ? k : (p->n - k) % p->n;

    for (PetscInt c = 0; c < 2; c++) {
      p->x[2 * k + c] = x[2 * from + c];
      s->lower[c]     = k ? PetscMin(s->lower[c], p->x[2 * k + c]) : p->x[c];
      s->upper[c]     = k ? PetscMax(s->upper[c], p->x[2 * k + c]) : p->x[c];
    }
  }
}

/*
  EngdShapeCreatePolygon - The polygon of n vertices x[n][2].
*/
PetscErrorCode EngdShapeCreatePolygon(MPI_Comm comm, const char option[], PetscInt n, const PetscReal x[],
                                      EngdShape *shape)
{
  EngdShape  s;
  EngdPatch *patch;
  Polygon   *p;

  PetscFunctionBeginUser;
  PetscCheck(n >= 3, comm, PETSC_ERR_USER_INPUT,
             "%s: a polygon has at least 3 vertices, not %" PetscInt_FMT ", for example 0,0; 1,0; 0,1", option, n);
  PetscCall(EngdShapeCreate(comm, 2, &s));
  PetscCall(PetscNew(&p));
  p->n = n;
  PetscCall(PetscMalloc2(2 * n, &p->x, n, &p->triangle));
  PetscCall(PetscArraycpy(p->x, x, 2 * n));
  PetscCall(PolygonCheck(comm, option, p));
  PolygonSetVertices(s, p, x);
  PetscCall(Triangulate(p));
  for (PetscInt k = 0; k < p->ntriangles; k++) {
    const PetscInt *v = p->triangle[k];

    PetscCall(
        EngdShapeAddPatch(s, 2, PETSC_FALSE, 0.5 * Cross(p->x + 2 * v[0], p->x + 2 * v[1], p->x + 2 * v[2]), &patch));
  }
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(EngdShapeAddPatch(s, 1, PETSC_TRUE, Length(p->x + 2 * k, p->x + 2 * ((k + 1) % n)), &patch));
    PetscCall(PetscSNPrintf(patch->name, sizeof(patch->name), "edge%" PetscInt_FMT, k + 1));
  }
  s->data     = p;
  s->map      = EngdShapeMap_Polygon;
  s->level    = EngdShapeLevel_Polygon;
  s->distance = EngdShapeDistance_Polygon;
  s->view     = EngdShapeView_Polygon;
  s->destroy  = EngdShapeDestroy_Polygon;
  *shape      = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}
