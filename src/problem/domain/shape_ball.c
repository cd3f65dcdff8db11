/*
  Ball and annulus (shell) in any dimension d: inner < |x - c| < outer, a ball being inner = 0.

  Maps of constant density: r = (inner^d + z_1 (outer^d - inner^d))^(1/d), and on the unit sphere polar angles theta_k whose
  densities are sin^m, m = d - 2 - k; the last angle is 2 pi z. With I_m(theta) the integral of sin^m from 0,
  I_m = -sin^(m-1) cos / m + (m - 1)/m I_(m-2), the angle solves I_m(theta) = z I_m(pi): Newton's steps kept in a bracket.
  That is work of d^2; so from PAIRS dimensions on the coordinates come in pairs (s cos phi, s sin phi), phi = 2 pi z, where of
  what m pairs have together, the squares of their s, the first has the part 1 - (1 - z)^(1/(m-1)).

  Measures: |ball| = pi^(d/2) / Gamma(d/2 + 1) r^d, |sphere| = d |ball| / r. Distances (outer^2 - r^2)/(2 outer) and
  (r^2 - inner^2)/(2 inner), analytic, with slope 1 at their spheres.
*/
#include "shape.h"
#include <math.h>

#define PAIRS 8 /* dimensions from which on a direction is made of pairs */

typedef struct {
  PetscReal  inner, outer;
  PetscReal *center;
  PetscBool  radial; /* the radius is uniform, not the volume */
} Ball;

/* I_m(theta) */
static PetscReal SineIntegral(PetscInt m, PetscReal theta)
{
  const PetscReal s = PetscSinReal(theta), c = PetscCosReal(theta);
  PetscReal       integral = m % 2 ? 1.0 - c : theta;

  for (PetscInt k = 2 + m % 2; k <= m; k += 2)
    integral = -PetscPowRealInt(s, (int)k - 1) * c / (PetscReal)k + (PetscReal)(k - 1) / (PetscReal)k * integral;
  return integral;
}

/* theta in [0, pi] with I_m(theta) = z I_m(pi) */
static PetscReal PolarAngle(PetscInt m, PetscReal z)
{
  const PetscReal all   = SineIntegral(m, PETSC_PI);
  PetscReal       lower = 0.0, upper = PETSC_PI, theta = PETSC_PI / 2;

  if (m == 1) return PetscAcosReal(1.0 - 2.0 * z);
  if (z <= 0.0 || z >= 1.0) return z <= 0.0 ? 0.0 : PETSC_PI;
  for (PetscInt i = 0; i < 100; i++) {
    const PetscReal miss = SineIntegral(m, theta) - z * all;
    PetscReal       next = theta - miss / PetscPowRealInt(PetscSinReal(theta), (int)m);

    if (miss > 0)
      upper = theta;
    else
      lower = theta;
    if (!(next > lower && next < upper)) next = 0.5 * (lower + upper);
    if (PetscAbsReal(next - theta) <= 4 * PETSC_MACHINE_EPSILON) return next;
    theta = next;
  }
  return theta;
}

/* A vector of length s and an even number d of entries from d - 1 numbers, uniform on the sphere */
static void Pairs(PetscInt d, PetscReal s, const PetscReal z[], PetscReal e[])
{
  PetscReal square = s * s;

  for (PetscInt m = d / 2; m > 0; m--, z += 2, e += 2) {
    const PetscReal part   = m > 1 ? -expm1(log1p(-z[1]) / (PetscReal)(m - 1)) : 1.0;
    const PetscReal radius = PetscSqrtReal(square * part);

    e[0] = radius * PetscCosReal(2.0 * PETSC_PI * z[0]);
    e[1] = radius * PetscSinReal(2.0 * PETSC_PI * z[0]);
    square *= 1.0 - part;
  }
}

/* A unit vector of d >= 2 entries from d - 1 numbers, uniform on the sphere */
static void Direction(PetscInt d, const PetscReal z[], PetscReal e[])
{
  PetscReal s = 1.0, theta;

  if (d >= PAIRS) {
    if (d % 2) {
      theta = PolarAngle(d - 2, z[0]);
      e[0]  = PetscCosReal(theta);
      s     = PetscSinReal(theta);
    }
    Pairs(d - d % 2, s, z + d % 2, e + d % 2);
    return;
  }
  for (PetscInt k = 0; k < d - 2; k++) {
    theta = PolarAngle(d - 2 - k, z[k]);
    e[k]  = s * PetscCosReal(theta);
    s *= PetscSinReal(theta);
  }
  theta    = 2.0 * PETSC_PI * z[d - 2];
  e[d - 2] = s * PetscCosReal(theta);
  e[d - 1] = s * PetscSinReal(theta);
}

static PetscErrorCode EngdShapeMap_Ball(EngdShape shape, const EngdPatch *patch, const PetscReal z[], EngdHits *hits)
{
  const Ball     *ball = (const Ball *)shape->data;
  const PetscInt  d    = shape->nspace;
  const PetscReal a    = PetscPowRealInt(ball->inner / ball->outer, (int)d);
  PetscReal       r    = patch->side > 0 ? ball->outer : ball->inner;

  PetscFunctionBeginUser;
  hits->n          = 1;
  hits->density[0] = 1.0;
  if (!patch->boundary) r = ball->outer * PetscPowReal(a + z[0] * (1.0 - a), 1.0 / (PetscReal)d);
  if (!patch->boundary && ball->radial) r = ball->inner + z[0] * (ball->outer - ball->inner);
  if (d > 1)
    Direction(d, patch->boundary ? z : z + 1, hits->normal);
  else
    hits->normal[0] = patch->number % 2 ? 1.0 : -1.0; /* in one dimension patches come in pairs */
  for (PetscInt c = 0; c < d; c++) {
    hits->x[c] = ball->center[c] + r * hits->normal[c];
    if (patch->side <= 0) hits->normal[c] = -hits->normal[c];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeLevel_Ball(EngdShape shape, const PetscReal x[], PetscReal *level)
{
  const Ball *ball = (const Ball *)shape->data;
  PetscReal   r    = 0.0;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < shape->nspace; c++) r += PetscSqr(x[c] - ball->center[c]);
  r      = PetscSqrtReal(r);
  *level = r - ball->outer;
  if (ball->inner > 0) *level = PetscMax(*level, ball->inner - r);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeDistance_Ball(EngdShape shape, char *const coordinate[], char **text)
{
  const Ball  *ball = (const Ball *)shape->data;
  const double ri = (double)ball->inner, ro = (double)ball->outer;
  char        *square = NULL, *longer, *a, *b;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < shape->nspace; c++) {
    PetscCall(EngdTextPrint(&longer, "%s%s(%s-(%.17g))^2", square ? square : "", c ? "+" : "", coordinate[c],
                            (double)ball->center[c]));
    PetscCall(PetscFree(square));
    square = longer;
  }
  PetscCall(EngdTextPrint(&a, "((%.17g-(%s))/%.17g)", ro * ro, square, 2 * ro));
  *text = a;
  if (ri > 0) {
    PetscCall(EngdTextPrint(&b, "((%s-%.17g)/%.17g)", square, ri * ri, 2 * ri));
    PetscCall(EngdTextJoin(PETSC_TRUE, a, b, text));
  }
  PetscCall(PetscFree(square));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeView_Ball(EngdShape shape, char *const coordinate[], PetscViewer viewer)
{
  const Ball *ball = (const Ball *)shape->data;

  PetscFunctionBeginUser;
  (void)coordinate;
  PetscCall(PetscViewerASCIIPrintf(viewer, "%g < |x - c| < %g about", (double)ball->inner, (double)ball->outer));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  for (PetscInt c = 0; c < shape->nspace; c++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s%g", c ? "," : " ", (double)ball->center[c]));
  PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeDestroy_Ball(EngdShape shape)
{
  Ball *ball = (Ball *)shape->data;

  PetscFunctionBeginUser;
  PetscCall(PetscFree(ball->center));
  PetscCall(PetscFree(shape->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sphere of one radius: a patch, or in one dimension two points */
static PetscErrorCode AddSphere(EngdShape shape, const char name[], PetscReal r, PetscReal side, PetscReal unit)
{
  const PetscInt d = shape->nspace;
  EngdPatch     *patch;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < (d == 1 ? 2 : 1); k++) {
    PetscCall(EngdShapeAddPatch(shape, d - 1, PETSC_TRUE,
                                d == 1 ? 1.0 : (PetscReal)d * unit * PetscPowRealInt(r, (int)d - 1), &patch));
    patch->side = side;
    PetscCall(PetscStrncpy(patch->name, name, sizeof(patch->name)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdShapeCreateBall - {inner < |x - center| < outer}, a ball if inner is 0. Its spheres are the regions inner and outer.
*/
PetscErrorCode EngdShapeCreateBall(MPI_Comm comm, PetscInt d, const char option[], const PetscReal center[],
                                   PetscReal inner, PetscReal outer, EngdShape *shape)
{
  const PetscReal unit =
      PetscExpReal(0.5 * (PetscReal)d * PetscLogReal(PETSC_PI) - PetscLGamma(0.5 * (PetscReal)d + 1.0));
  PetscReal  far = 0;
  EngdShape  s;
  EngdPatch *patch;
  Ball      *ball;

  PetscFunctionBeginUser;
  PetscCheck(outer > 0, comm, PETSC_ERR_USER_INPUT, "%s: the radius %g is not positive", option, (double)outer);
  PetscCheck(inner >= 0 && inner < outer, comm, PETSC_ERR_USER_INPUT,
             "%s: the inner radius %g is not between 0 and the outer radius %g", option, (double)inner,
             (double)outer);
  for (PetscInt c = 0; c < d; c++) far = PetscMax(far, PetscAbsReal(center[c]));
  PetscCheck(outer - inner > ENGD_THIN * PetscMax(far, outer), comm, PETSC_ERR_USER_INPUT,
             "%s: too thin for double precision between the radii %g and %g about a center so far from 0; shift or "
             "scale the coordinates",
             option, (double)inner, (double)outer);
  PetscCall(EngdShapeCreate(comm, d, &s));
  PetscCall(PetscNew(&ball));
  PetscCall(PetscMalloc1(d, &ball->center));
  PetscCall(PetscArraycpy(ball->center, center, d));
  ball->inner = inner;
  ball->outer = outer;
  s->data     = ball;
  for (PetscInt c = 0; c < d; c++) {
    s->lower[c] = center[c] - outer;
    s->upper[c] = center[c] + outer;
  }
  for (PetscInt k = 0; k < (d == 1 ? 2 : 1); k++) {
    PetscCall(EngdShapeAddPatch(
        s, d, PETSC_FALSE,
        unit * (PetscPowRealInt(outer, (int)d) - PetscPowRealInt(inner, (int)d)) / (d == 1 ? 2.0 : 1.0), &patch));
    patch->side = 1.0;
  }
  PetscCall(AddSphere(s, inner > 0 ? "outer" : "", outer, 1.0, unit));
  if (inner > 0) PetscCall(AddSphere(s, "inner", inner, 0.0, unit));
  s->map      = EngdShapeMap_Ball;
  s->level    = EngdShapeLevel_Ball;
  s->distance = EngdShapeDistance_Ball;
  s->view     = EngdShapeView_Ball;
  s->destroy  = EngdShapeDestroy_Ball;
  *shape      = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdShapeBallSetRadial - Points of the inside are uniform in their radius, whose length is the measure of the inside. */
PetscErrorCode EngdShapeBallSetRadial(EngdShape shape)
{
  Ball          *ball  = (Ball *)shape->data;
  const PetscInt parts = shape->nspace == 1 ? 2 : 1;

  PetscFunctionBeginUser;
  ball->radial = PETSC_TRUE;
  for (PetscInt k = 0; k < parts; k++)
    shape->patch[k].measure =
        (ball->outer - ball->inner) / (PetscReal)parts; /* one of volumes is 0 in 1000 dimensions */
  PetscFunctionReturn(PETSC_SUCCESS);
}
