/*
  Domains that are solids: measures, points, normals, the divergence theorem, distances, regions, and every bad input.
  ranks: 1 2 3. The points of all ranks are compared bit by bit with those of one; errors leak
*/
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define OK(call)    assert_int_equal((int)(call), 0)
#define ABSOLUTE(x) PetscAbsReal(x)

static char message[1024];

/* Keeps the message of the first error instead of printing it */
static PetscErrorCode Catch(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                            PetscErrorType type, const char *text, void *data)
{
  (void)comm, (void)line, (void)function, (void)file, (void)data;
  if (type == PETSC_ERROR_INITIAL) (void)PetscStrncpy(message, text, sizeof(message));
  return code;
}

static PetscErrorCode MakeDomain(MPI_Comm comm, const char options[], EngdDomain *domain)
{
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(EngdDomainCreateFromOptions(comm, NULL, domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Domains with their volume and surface, and how well each is known and integrated by some thousand points */
static const struct {
  const char *options;
  PetscReal   volume, surface, exact_volume, exact_surface, tolerance;
} solid[] = {
    {"-domain_type ball -domain_coordinates x,y", PETSC_PI, 2 * PETSC_PI, 1e-14, 1e-14, 4e-3},
    {"-domain_type ball -domain_center 1,2,3 -domain_radius 2", 32 * PETSC_PI / 3, 16 * PETSC_PI, 1e-14, 1e-14, 5e-3},
    {"-domain_type ball -domain_coordinates x -domain_radius 0.5 -domain_center 1", 1, 2, 1e-14, 1e-14, 1e-3},
    {"-domain_type ball -domain_coordinates x1..x5", 8 * PETSC_PI *PETSC_PI / 15, 8 * PETSC_PI *PETSC_PI / 3, 1e-14,
     1e-14, 2e-2},
    {"-domain_type ball -domain_coordinates x1..x9", 3.2985089027387069, 9 * 3.2985089027387069, 1e-13, 1e-13, 3e-2},
    {"-domain_type ball -domain_coordinates x1..x10", 2.5501640398773454, 25.501640398773454, 1e-13, 1e-13, 3e-2},
    {"-domain_type annulus -domain_center 0,1 -domain_inner_radius .25", PETSC_PI * 15 / 16, 2.5 * PETSC_PI, 1e-14,
     1e-14, 4e-3},
    {"-domain_type annulus -domain_center 0,0,0", PETSC_PI * 7 / 6, 5 * PETSC_PI, 1e-14, 1e-14, 1e-2},
    {"-domain_type polygon -domain_vertices \"0,0; 2,0; 2,1; 1,1; 1,2; 0,2\"", 3, 8, 1e-14, 1e-14, 1e-2},
    {"-domain_type polygon -domain_vertices \"0,2; 1,2; 1,1; 2,1; 2,0; 0,0\"", 3, 8, 1e-14, 1e-14, 1e-2},
    {"-domain_type level_set -domain_coordinates x,y -domain_level_set \"x^2 + y^2 - 1\" -domain_lower -1.5,-1.25 "
     "-domain_upper 1.25",
     PETSC_PI, 2 * PETSC_PI, 1e-5, 2e-5, 2e-2},
    {"-domain_type level_set -domain_coordinates x,y,z -domain_level_set \"norm2([x,y,z]) - 1\" -domain_lower -1.5 "
     "-domain_upper 1.25",
     4 * PETSC_PI / 3, 4 * PETSC_PI, 1e-3, 1e-3, 4e-2},
    {"-domain_type level_set -domain_coordinates x,y -domain_level_set \"x + y - 1\" -domain_lower 0 -domain_upper 2",
     0.5, 3.4142135623730951, 1e-6, 1e-6, 4e-2},
    {"-domain_lower 0,0 -domain_upper 2,1 -domain_holes \"ball(.5,.5; .25), box(1.25,.25; 1.5,.5)\"",
     2 - PETSC_PI / 16 - 0.0625, 6 + PETSC_PI / 2 + 1, 1e-4, 1e-10, 2e-2},
    {"-domain_lower 0,0 -domain_upper 1 -domain_holes \"ball(0,0; .5)\"", 1 - PETSC_PI / 16, 3 + PETSC_PI / 4, 1e-5,
     1e-10, 2e-2},
    {"-domain_type compound -domain_coordinates x,y -domain_shape \"box(0,0; 2,1) | box(0,0; 1,2)\"", 3, 8, 1e-3,
     1e-9, 2e-2},
    {"-domain_type compound -domain_coordinates x,y -domain_shape \"box(0,0; 1,1) | box(1,0; 2,1)\"", 2, 6, 1e-9,
     1e-9, 2e-2},
    {"-domain_type compound -domain_coordinates x,y -domain_parts \"a = ball(0,0; 1), b = ball(1,0; 1)\" "
     "-domain_shape \"a & b\"",
     2 * PETSC_PI / 3 - 0.8660254037844386, 4 * PETSC_PI / 3, 1e-4, 1e-9, 2e-2},
    {"-domain_type compound -domain_coordinates x,y,z -domain_parts \"a = box(0,0,0; 1,1,1), b = ball(1,1,1; .5)\" "
     "-domain_shape \"a - b\"",
     1 - PETSC_PI / 48, 6 - 3 * PETSC_PI / 16 + PETSC_PI / 8, 1e-3, 1e-3, 3e-2},
};
#define NSOLIDS ((PetscInt)PETSC_STATIC_ARRAY_LENGTH(solid))

/* F_c = x_c^2 + c x_(c-1): its divergence is 2 sum x_c, or with field 1 F = x and the divergence is the dimension */
static PetscReal Field(PetscInt field, PetscInt c, const PetscReal x[])
{
  return field ? x[c] : x[c] * x[c] + (c ? (PetscReal)c * x[c - 1] : 0.0);
}

/* sum_i w_i (1, div F, or F . n) over all ranks */
static PetscReal Integrate(EngdPoints p, PetscInt field, PetscBool flux)
{
  PetscReal sum = 0.0;

  for (PetscInt i = 0; i < p->nlocal; i++) {
    const PetscReal *x = p->x + i * p->dim;
    PetscReal        f = field < 0 ? 1.0 : 0.0;

    for (PetscInt c = 0; c < p->nspace && field >= 0; c++) {
      if (flux)
        f += Field(field, c, x) * p->normal[i * p->nspace + c];
      else
        f += field ? 1.0 : 2.0 * x[c];
    }
    sum += p->weight[i] * f;
  }
  OK(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPIU_SUM, p->comm));
  return sum;
}

/* Interior points are inside; boundary points are with unit normals, inside just below and outside just above */
static void CheckPoints(EngdPoints p, PetscBool boundary)
{
  const PetscInt d = p->nspace;
  PetscReal      x[16];
  PetscBool      inside;

  for (PetscInt i = 0; i < p->nlocal; i++) {
    const PetscReal *n      = p->normal + i * d;
    PetscReal        length = 0.0;

    assert_true(p->weight[i] > 0.0);
    OK((*p->domain->ops->contains)(p->domain, p->x + i * p->dim, &inside));
    assert_true(inside);
    for (PetscInt c = 0; boundary && c < d; c++) length += n[c] * n[c];
    if (boundary) assert_true(ABSOLUTE(length - 1.0) < 1e-12);
    for (PetscInt side = -1; boundary && side <= 1; side += 2) {
      OK(PetscArraycpy(x, p->x + i * p->dim, p->dim));
      for (PetscInt c = 0; c < d; c++) x[c] += (PetscReal)side * 1e-8 * n[c];
      OK((*p->domain->ops->contains)(p->domain, x, &inside));
      assert_int_equal(inside, side < 0);
    }
  }
}

/* Measures, sums of weights, points, normals and the divergence theorem, for all samplers, without and with time */
static void measures(void **state)
{
  const char *sampler[] = {"auto", "grid", "halton", "sobol", "uniform"};
  char        options[512];

  (void)state;
  for (PetscInt k = 0; k < NSOLIDS; k++) {
    for (PetscInt time = k % 2; time <= k % 2; time++) {
      const PetscReal span = time ? 1.5 : 1.0, v = solid[k].volume * span, s = solid[k].surface * span;
      EngdDomain      domain;

      OK(PetscSNPrintf(options, sizeof(options), "%s%s", solid[k].options, time ? " -domain_time 0.5,2" : ""));
      OK(MakeDomain(PETSC_COMM_WORLD, options, &domain));
      for (PetscInt l = 0; l < 5; l++) {
        const PetscReal loose = l == 4 ? 0.3 : solid[k].tolerance * (time ? 2 : 1) * (l == 1 ? 4 : 1);
        EngdPoints      inner, outer;

        OK(EngdPointsCreate(domain, "-a_region", "interior", sampler[l], 2000, 0, ENGD_STREAM_TERMS, &inner));
        OK(EngdPointsCreate(domain, "-a_region", "boundary", sampler[l], 1000, 0, ENGD_STREAM_TERMS + 1, &outer));
        if (ABSOLUTE(inner->measure - v) > solid[k].exact_volume * v)
          fail_msg("%s: volume %.15g, not %.15g", options, inner->measure, v);
        if (ABSOLUTE(outer->measure - s) > solid[k].exact_surface * s)
          fail_msg("%s: surface %.15g, not %.15g", options, outer->measure, s);
        assert_true(ABSOLUTE(Integrate(inner, -1, PETSC_FALSE) - inner->measure) < 1e-12 * v);
        assert_true(ABSOLUTE(Integrate(outer, -1, PETSC_FALSE) - outer->measure) < 1e-12 * s);
        assert_true(inner->interior && !outer->interior && outer->normal && !inner->normal);
        CheckPoints(inner, PETSC_FALSE);
        CheckPoints(outer, PETSC_TRUE);
        for (PetscInt field = 0; field < 2; field++) {
          const PetscReal div = Integrate(inner, field, PETSC_FALSE), flux = Integrate(outer, field, PETSC_TRUE);

          if (ABSOLUTE(div - flux) > loose * (v + s + ABSOLUTE(div)))
            fail_msg("%s %s: divergence %.10g, flux %.10g", options, sampler[l], div, flux);
        }
        OK(EngdPointsDestroy(&inner));
        OK(EngdPointsDestroy(&outer));
      }
      OK(EngdDomainDestroy(&domain));
    }
  }
}

/* Gauss on the cube of a ball: the integral of x^2 + y^2 is pi / 2 */
static void gauss(void **state)
{
  EngdDomain domain;
  EngdPoints p;
  PetscReal  sum = 0.0;

  (void)state;
  OK(MakeDomain(PETSC_COMM_WORLD, "-domain_type ball -domain_coordinates x,y", &domain));
  OK(EngdPointsCreate(domain, "-a_region", "interior", "gauss", 100, 0, 4, &p));
  for (PetscInt i = 0; i < p->nlocal; i++) sum += p->weight[i] * (PetscSqr(p->x[2 * i]) + PetscSqr(p->x[2 * i + 1]));
  OK(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPIU_SUM, p->comm));
  assert_true(ABSOLUTE(sum - PETSC_PI / 2) < 1e-13);
  OK(EngdPointsDestroy(&p));
  OK(EngdDomainDestroy(&domain));
}

/* The points of all ranks, in two epochs, are those of one process bit by bit */
static void ranks(void **state)
{
  const char *region[] = {"interior", "boundary"}, *sampler[] = {"grid", "sobol"};

  (void)state;
  for (PetscInt k = 0; k < NSOLIDS; k += 2) {
    EngdDomain all, one;

    OK(MakeDomain(PETSC_COMM_WORLD, solid[k].options, &all));
    OK(MakeDomain(PETSC_COMM_SELF, solid[k].options, &one));
    for (PetscInt l = 0; l < 4; l++) {
      EngdPoints p, q;

      OK(EngdPointsCreate(all, "-a_region", region[l % 2], sampler[l / 2], 101, 7, 4, &p));
      OK(EngdPointsCreate(one, "-a_region", region[l % 2], sampler[l / 2], 101, 7, 4, &q));
      assert_int_equal(p->nglobal, q->nglobal);
      for (PetscInt epoch = 0; epoch < 2; epoch++) {
        const PetscInt n = p->nlocal, s = p->start, d = p->nspace;

        OK(EngdPointsSample(p, epoch));
        OK(EngdPointsSample(q, epoch));
        if (n) assert_memory_equal(p->x, q->x + s * d, sizeof(PetscReal) * (size_t)(n * d));
        if (n) assert_memory_equal(p->weight, q->weight + s, sizeof(PetscReal) * (size_t)n);
        if (n && p->normal) assert_memory_equal(p->normal, q->normal + s * d, sizeof(PetscReal) * (size_t)(n * d));
      }
      OK(EngdPointsDestroy(&p));
      OK(EngdPointsDestroy(&q));
    }
    OK(EngdDomainDestroy(&all));
    OK(EngdDomainDestroy(&one));
  }
}

static PetscErrorCode GetDistance(void *domain, const char **text)
{
  return EngdDomainGetDistance((EngdDomain)domain, text);
}

/* The distance is 0 on the boundary with slope -1 along the outward normal, and positive inside */
static void distances(void **state)
{
  (void)state;
  for (PetscInt k = 0; k < NSOLIDS; k++) {
    EngdDomain     domain;
    EngdPoints     p;
    EngdExpression e;
    EngdSymbols    symbols = {0};
    EngdBatch      x[16];
    PetscReal     *value;
    PetscInt       corners = 0;

    if (strstr(solid[k].options, ") | box(")) continue; /* where parts share a face R-functions do not have slope 1 */
    OK(MakeDomain(PETSC_COMM_WORLD, solid[k].options, &domain));
    symbols.nspace = symbols.dim = domain->nspace;
    symbols.coordinate           = (const char *const *)domain->coordinate;
    symbols.distance             = GetDistance;
    symbols.distance_context     = domain;
    OK(EngdExpressionCreate(&symbols, &e));
    OK(EngdExpressionAppend(e, "-distance", "distance"));
    OK(EngdExpressionAppendGradient(e));
    OK(EngdExpressionCompile(e, 0));
    for (PetscInt boundary = 0; boundary < 2; boundary++) {
      OK(EngdPointsCreate(domain, "-a_region", boundary ? "boundary" : "interior", "auto", 500, 0, 4, &p));
      OK(PetscMalloc1((size_t)(p->nlocal * (1 + p->nspace)) + 1, &value));
      for (PetscInt c = 0; c < p->nspace; c++) x[c] = (EngdBatch){.base = p->x + c, .stride = p->dim};
      OK(EngdExpressionEvaluate(e, p->nlocal, x, NULL, NULL, value, NULL, NULL));
      for (PetscInt i = 0; i < p->nlocal; i++) {
        PetscReal slope = 1.0;

        if (!boundary && !(value[i] > 0)) fail_msg("%s: distance %g inside", solid[k].options, value[i]);
        if (!boundary) continue;
        for (PetscInt c = 0; c < p->nspace; c++)
          slope += value[(1 + c) * p->nlocal + i] * p->normal[i * p->nspace + c];
        if (ABSOLUTE(value[i]) > 1e-12) fail_msg("%s: distance %g on the boundary", solid[k].options, value[i]);
        if (!(ABSOLUTE(slope) < 1e-9)) corners++;
      }
      if (corners > 0) fail_msg("%s: %d slopes of the distance are not 1", solid[k].options, (int)corners);
      OK(PetscFree(value));
      OK(EngdPointsDestroy(&p));
    }
    OK(EngdExpressionDestroy(&e));
    OK(EngdDomainDestroy(&domain));
  }
}

/* Named regions of a square with two holes and of others, with their measures */
static void regions(void **state)
{
  const struct {
    const char *options, *region;
    PetscReal   measure, tolerance;
    PetscBool   interior, normal;
  } c[] = {
      {"-domain_holes \"ball(.3,.3; .1), ball(.7,.7; .2)\"", "outer", 4, 1e-12, PETSC_FALSE, PETSC_TRUE},
      {"-domain_holes \"ball(.3,.3; .1), ball(.7,.7; .2)\"", "hole2", 0.4 * PETSC_PI, 1e-12, PETSC_FALSE, PETSC_TRUE},
      {"-domain_holes \"ball(.3,.3; .1), ball(.7,.7; .2)\"", "holes", 0.6 * PETSC_PI, 1e-12, PETSC_FALSE, PETSC_TRUE},
      {"-domain_holes \"ball(.3,.3; .1)\"", "x=0,hole1", 1 + 0.2 * PETSC_PI, 1e-12, PETSC_FALSE, PETSC_TRUE},
      {"-domain_periodic x", "boundary", 2, 1e-12, PETSC_FALSE, PETSC_TRUE},
      {"-domain_periodic x", "outer", 2, 1e-12, PETSC_FALSE, PETSC_TRUE},
      {"-domain_periodic x", "x=lower", 1, 1e-12, PETSC_FALSE, PETSC_TRUE},
      {"-domain_periodic x,y -domain_holes \"ball(.3,.3; .1)\"", "boundary", 0.2 * PETSC_PI, 1e-12, PETSC_FALSE,
       PETSC_TRUE},
      {"-inlet_where \"x < 0.1\"", "inlet", 1.2, 1e-9, PETSC_FALSE, PETSC_TRUE},
      {"-left_where \"dot(normal, [-1, 0]) > 0.5\"", "left", 1, 1e-9, PETSC_FALSE, PETSC_TRUE},
      {"-core_where \"x < 0.25\" -core_of interior", "core", 0.25, 1e-9, PETSC_TRUE, PETSC_FALSE},
      {"-sheet_level_set \"x + y - 1\"", "sheet", 1.4142135623730951, 1e-6, PETSC_FALSE, PETSC_TRUE},
      {"-sheet_level_set \"x + y - 1\" -sheet_where \"x < 0.5\"", "sheet", 0.70710678118654755, 1e-3, PETSC_FALSE,
       PETSC_TRUE},
      {"", "point(0,0)", 1, 0, PETSC_FALSE, PETSC_FALSE},
      {"", "point(0,0), point(1/2, 1)", 2, 0, PETSC_FALSE, PETSC_FALSE},
      {"-domain_time 0,2", "point(0,0)", 2, 1e-12, PETSC_FALSE, PETSC_FALSE},
      {"-domain_time 0,2", "point(0,0,1)", 1, 0, PETSC_FALSE, PETSC_FALSE},
      {"-domain_time 0,2 -domain_holes \"ball(.3,.3; .1)\"", "initial", 1 - 0.01 * PETSC_PI, 1e-5, PETSC_FALSE,
       PETSC_FALSE},
      {"-domain_time 0,2 -late_where \"t > 1.5 && y > 0.5\"", "late", 1, 1e-3, PETSC_FALSE, PETSC_TRUE},
  };

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    char       options[512];
    EngdDomain domain;
    EngdPoints p;

    OK(PetscSNPrintf(options, sizeof(options), "-domain_coordinates x,y -domain_lower 0 -domain_upper 1 %s",
                     c[k].options));
    OK(MakeDomain(PETSC_COMM_WORLD, options, &domain));
    OK(EngdPointsCreate(domain, "-a_region", c[k].region, "auto", 300, 0, 4, &p));
    if (ABSOLUTE(p->measure - c[k].measure) > c[k].tolerance)
      fail_msg("%s %s: measure %.15g, not %.15g", options, c[k].region, p->measure, c[k].measure);
    assert_int_equal(p->interior, c[k].interior);
    assert_int_equal(p->normal != NULL, c[k].normal);
    assert_true(ABSOLUTE(Integrate(p, -1, PETSC_FALSE) - p->measure) < 1e-12);
    for (PetscInt i = 0; i < p->nlocal; i++) {
      const PetscReal *x = p->x + i * p->dim;

      if (!strcmp(c[k].region, "inlet")) assert_true(x[0] < 0.1);
      if (!strcmp(c[k].region, "core")) assert_true(x[0] < 0.25);
      if (!strcmp(c[k].region, "sheet")) assert_true(ABSOLUTE(x[0] + x[1] - 1) < 1e-14);
      if (!strcmp(c[k].region, "late")) assert_true(x[2] > 1.5 && x[1] > 0.5);
      if (!strcmp(c[k].region, "point(0,0,1)")) assert_true(x[0] == 0 && x[1] == 0 && x[2] == 1);
    }
    OK(EngdPointsDestroy(&p));
    OK(EngdDomainDestroy(&domain));
  }
}

/* Every mistake is one line that names the option; with a region, the domain is good and the region is not */
static void refusals(void **state)
{
  const char *c[][3] = {
      {"-domain_type ball", NULL, "-domain_center is missing"},
      {"-domain_type ball -domain_coordinates x,y -domain_measure area", NULL,
       "-domain_measure area: must be volume or radius"},
      {"-domain_type ball -domain_coordinates x,y -domain_radius 0", NULL,
       "-domain_radius 0: the radius must be pos"},
      {"-domain_type ball -domain_coordinates x,y -domain_radius -1", NULL, "-domain_radius -1: the radius must be"},
      {"-domain_type ball -domain_coordinates x,y -domain_center 1,2,3", NULL, "-domain_center 1,2,3: has 3 numbers"},
      {"-domain_type annulus -domain_center 0,0 -domain_inner_radius 2", NULL,
       "the inner radius 2. is not between 0"},
      {"-domain_type polygon", NULL, "-domain_vertices is missing"},
      {"-domain_type polygon -domain_vertices \"0,0; 1,0\"", NULL, "at least 3 vertices, not 2"},
      {"-domain_type polygon -domain_vertices \"0,0; 1; 0,1\"", NULL, "has 1 numbers in \" 1\", where 2 are wanted"},
      {"-domain_type polygon -domain_vertices \"0,0; 1,1; 1,0; 0,1\"", NULL, "crosses itself, in edges 1 and 3"},
      {"-domain_type polygon -domain_vertices \"0,0; 1,0; 1,0; 0,1\"", NULL, "vertex 2 (1., 0.) is repeated"},
      {"-domain_type polygon -domain_vertices \"0,0; 1,0; 0.5,0\"", NULL, "turns back on itself"},
      {"-domain_type polygon -domain_coordinates x,y,z -domain_vertices \"0,0; 1,0; 0,1\"", NULL,
       "lies in the plane"},
      {"-domain_type level_set -domain_lower -1,-1 -domain_upper 1", NULL, "-domain_level_set is missing"},
      {"-domain_type level_set -domain_coordinates x,y -domain_lower -1 -domain_upper 1 -domain_level_set x^2+1",
       NULL, "-domain_level_set \"x^2+1\": negative at none of"},
      {"-domain_type level_set -domain_coordinates x,y -domain_lower -1 -domain_upper 1 -domain_level_set x;y", NULL,
       "must have one component, not 2"},
      {"-domain_type level_set -domain_coordinates x,y -domain_lower -1 -domain_upper 1 -domain_level_set z", NULL,
       "unknown name 'z'"},
      {"-domain_lower 0,0 -domain_upper 1 -domain_holes \"ball(0,0; 2)\"", NULL, "the holes cover it"},
      {"-domain_lower 0,0 -domain_upper 1 -domain_holes \"ball(0,0)\"", NULL, "ball(0,0) has 1 groups of numbers"},
      {"-domain_lower 0,0 -domain_upper 1 -domain_holes \"ball(0,0; 1, 2)\"", NULL, "where 1 are wanted"},
      {"-domain_lower 0,0 -domain_upper 1 -domain_holes \"cone(0,0; 1)\"", NULL, "cone is no shape; the known ones"},
      {"-domain_lower 0,0 -domain_upper 1 -domain_holes disc", NULL, "\"disc\" is not a shape"},
      {"-domain_lower 0,0 -domain_upper 1 -domain_holes \"box(0,1; 1,0)\"", NULL,
       "1. is not below 0. in coordinate 2"},
      {"-domain_lower 1e12,0 -domain_upper 1e12+1,1", NULL, "too thin for double precision"},
      {"-domain_type compound", NULL, "-domain_shape is missing"},
      {"-domain_type compound -domain_shape \"ball(0,0; 1)\"", NULL, "give -domain_coordinates x,y"},
      {"-domain_type compound -domain_coordinates x,y -domain_shape \"a - b\"", NULL,
       "a is not a part of -domain_parts"},
      {"-domain_type compound -domain_coordinates x,y -domain_shape \"ball(0,0; 1\"", NULL,
       "parenthesis is not closed"},
      {"-domain_type compound -domain_coordinates x,y -domain_shape \"ball(0,0; 1) -\"", NULL, "is wanted at"},
      {"-domain_type compound -domain_coordinates x,y -domain_shape \"ball(0,0; 1) & ball(3,0; 1)\"", NULL,
       "it is empty"},
      {"-domain_type compound -domain_coordinates x,y -domain_parts \"holes = ball(0,0; 1)\" -domain_shape holes",
       NULL, "holes is a region of every domain"},
      {"-domain_type compound -domain_coordinates x,y -domain_parts \"a = ball(0,0; 1), b = ball(0,0; 2)\" "
       "-domain_shape a",
       NULL, "b is not used"},
      {"-domain_type ball -domain_coordinates x,y -domain_periodic x", NULL, "only a box is periodic"},
      {"-domain_lower 0,0 -domain_upper 1 -domain_periodic z", NULL, "z is no coordinate"},
      {"-domain_lower 0,0 -domain_upper 1 -domain_coordinates x,y -domain_periodic x,y", "boundary",
       "nothing of the domain is there"},
      {"-domain_type ball -domain_coordinates x,y", "x=lower", "x=lower is no face"},
      {"-domain_type ball -domain_coordinates x,y", "inner", "inner is not a region"},
      {"-domain_type ball -domain_coordinates x,y", "point(2,0)", "point(2,0) is outside the domain"},
      {"-domain_type ball -domain_coordinates x,y", "point(0)", "point(0) has 1 numbers"},
      {"-domain_type ball -domain_coordinates x,y", "outer,point(0,0)", "its parts have different dimensions"},
      {"-domain_type ball -domain_coordinates x,y -a_where \"x > 2\"", "a", "nothing of the domain is there"},
      {"-domain_type ball -domain_coordinates x,y -a_where \"x; y\"", "a", "must be one condition, not 2"},
      {"-domain_type ball -domain_coordinates x,y -a_where \"x > 0\" -a_of middle", "a",
       "-a_of middle is not a region"},
      {"-domain_type ball -domain_coordinates x,y -a_level_set \"x - 3\"", "a", "nothing of the domain is there"},
      {"-domain_lower 0 -domain_upper 1e200 -domain_coordinates x,y", "interior", "its measure is"},
      {"-domain_lower 0 -domain_upper 1 -domain_coordinates x,y -domain_holes \"ball(0,0; .1)\"", "gauss",
       "a part of"},
  };

  (void)state;
  OK(PetscPushErrorHandler(Catch, NULL));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    EngdDomain     domain = NULL;
    EngdPoints     p;
    PetscErrorCode ierr;
    const char    *sampler = c[k][1] && !strcmp(c[k][1], "gauss") ? "gauss" : "auto";

    message[0] = 0;
    ierr       = MakeDomain(PETSC_COMM_WORLD, c[k][0], &domain);
    if (c[k][1]) {
      if (ierr) fail_msg("%s: %s", c[k][0], message);
      ierr = EngdPointsCreate(domain, "-t_region", strcmp(c[k][1], "gauss") ? c[k][1] : "interior", sampler, 50, 0, 4,
                              &p);
    }
    if (!ierr) fail_msg("%s %s: not refused", c[k][0], c[k][1] ? c[k][1] : "");
    if (!strstr(message, c[k][2])) fail_msg("%s: message \"%s\" lacks \"%s\"", c[k][0], message, c[k][2]);
    if (strchr(message, '\n') && !strstr(message, "unknown name")) fail_msg("more than a line: %s", message);
  }
  OK(PetscPopErrorHandler());
}

/* On several ranks only that: the rest does not depend on them */
int main(int argc, char **argv)
{
  const struct CMUnitTest parallel[] = {cmocka_unit_test(ranks)};
  const struct CMUnitTest tests[]    = {cmocka_unit_test(measures), cmocka_unit_test(gauss),
                                        cmocka_unit_test(ranks),    cmocka_unit_test(distances),
                                        cmocka_unit_test(regions),  cmocka_unit_test(refusals)};
  PetscMPIInt             size;
  int                     failures;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  if (MPI_Comm_size(PETSC_COMM_WORLD, &size)) return 1;
  failures = size > 1 ? cmocka_run_group_tests_name("shapes", parallel, NULL, NULL)
                      : cmocka_run_group_tests_name("shapes", tests, NULL, NULL);
  if (PetscFinalize()) return 1;
  return failures;
}
