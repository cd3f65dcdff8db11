/*
  Points: regions of the box, quadrature weights, normals, counts, epochs.
  ranks: 1 2 3 4. The points of all ranks are compared bit by bit with those of one.
*/
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((int)(call), 0)

static PetscErrorCode MakeDomain(MPI_Comm comm, const char options[], EngdDomain *domain)
{
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(EngdDomainCreateFromOptions(comm, NULL, domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_i w_i f(x_i) over all ranks */
static PetscReal Integrate(EngdPoints p, PetscReal (*f)(PetscInt, const PetscReal[]))
{
  PetscReal sum = 0.0;

  for (PetscInt i = 0; i < p->nlocal; i++) sum += p->weight[i] * f(p->dim, p->x + i * p->dim);
  OK(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPIU_SUM, p->comm));
  return sum;
}

static PetscReal One(PetscInt dim, const PetscReal x[])
{
  (void)dim, (void)x;
  return 1.0;
}

/* prod_c (1 + x_c): multilinear */
static PetscReal Linear(PetscInt dim, const PetscReal x[])
{
  PetscReal y = 1.0;

  for (PetscInt c = 0; c < dim; c++) y *= 1.0 + x[c];
  return y;
}

/* prod_c 6 x_c^5 */
static PetscReal Quintic(PetscInt dim, const PetscReal x[])
{
  PetscReal y = 1.0;

  for (PetscInt c = 0; c < dim; c++) y *= 6.0 * PetscPowRealInt(x[c], 5);
  return y;
}

/* The bounds of the test boxes: [-1 - c/4, 1 + c/2] in space, (0.5, 2) in time */
static void BoxOptions(PetscInt d, PetscBool time, char options[], size_t size)
{
  size_t n;

  OK(PetscStrncpy(options, "-domain_lower ", size));
  for (PetscInt k = 0; k < 2; k++) {
    for (PetscInt c = 0; c < d; c++) {
      OK(PetscStrlen(options, &n));
      OK(PetscSNPrintf(options + n, size - n, "%s%g", c ? "," : "", k ? 1 + (double)c / 2 : -1 - (double)c / 4));
    }
    OK(PetscStrlcat(options, k ? " " : " -domain_upper ", size));
  }
  if (time) OK(PetscStrlcat(options, "-domain_time 0.5,2", size));
}

static PetscReal Bound(EngdDomain d, PetscInt c, PetscBool upper)
{
  if (c == d->nspace) return upper ? 2.0 : 0.5;
  return upper ? 1.0 + (PetscReal)c / 2 : -1.0 - (PetscReal)c / 4;
}

/* Are the points where they should be, with the right normals; face = (c, side) has measure area and sum of weights */
static void CheckPoints(EngdPoints p, const char region[], PetscReal measure)
{
  const EngdDomain d        = p->domain;
  const PetscBool  interior = strcmp(region, "interior") ? PETSC_FALSE : PETSC_TRUE;
  const PetscBool  space    = strcmp(region, "boundary") ? PETSC_FALSE : PETSC_TRUE;

  assert_true(PetscAbsReal(p->measure - measure) < 1e-12 * measure);
  assert_true(PetscAbsReal(Integrate(p, One) - measure) < 1e-12 * measure);
  assert_int_equal(p->interior, interior);
  assert_int_equal(p->normal != NULL, space || !strcmp(region, "x1=upper"));
  for (PetscInt i = 0; i < p->nlocal; i++) {
    PetscInt  on = 0, fixed = -1;
    PetscReal side = 0.0;

    assert_true(p->weight[i] > 0.0);
    for (PetscInt c = 0; c < d->dim; c++) {
      const PetscReal x = p->x[i * d->dim + c], l = Bound(d, c, PETSC_FALSE), u = Bound(d, c, PETSC_TRUE);

      assert_true(x >= l && x <= u);
      if (x == l || x == u) {
        on++;
        fixed = c;
        side  = x == l ? -1.0 : 1.0;
      }
    }
    assert_int_equal(on, interior ? 0 : 1);
    if (space) assert_true(fixed < d->nspace);
    if (!strcmp(region, "initial")) assert_true(fixed == d->nspace && side < 0);
    if (!strcmp(region, "final")) assert_true(fixed == d->nspace && side > 0);
    if (!strcmp(region, "x1=upper")) assert_true(fixed == 0 && side > 0);
    for (PetscInt c = 0; p->normal && c < d->nspace; c++)
      assert_true(p->normal[i * d->nspace + c] == (c == fixed ? side : 0.0));
  }
}

static PetscReal RegionMeasure(EngdDomain d, const char region[])
{
  PetscReal all = 1.0, faces = 0.0;

  for (PetscInt c = 0; c < d->dim; c++) all *= Bound(d, c, PETSC_TRUE) - Bound(d, c, PETSC_FALSE);
  for (PetscInt c = 0; c < d->nspace; c++) faces += 2.0 * all / (Bound(d, c, PETSC_TRUE) - Bound(d, c, PETSC_FALSE));
  if (!strcmp(region, "interior")) return all;
  if (!strcmp(region, "boundary")) return faces;
  if (!strcmp(region, "x1=upper")) return all / 2.0;
  if (!strcmp(region, "boundary,initial")) return faces + all / 1.5;
  return all / 1.5;
}

static void regions(void **state)
{
  const char    *region[]  = {"interior", "boundary", "x1=upper", "initial", "final", "boundary,initial"};
  const char    *sampler[] = {"auto", "grid", "gauss", "uniform", "halton", "sobol", "quasi"};
  const PetscInt n[]       = {13, 150};
  char           options[256];

  (void)state;
  for (PetscInt d = 1; d <= 4; d++) {
    for (PetscInt k = 0; k < 2 * 6 * 7 * 2; k++) {
      const PetscBool time = k % 2 ? PETSC_TRUE : PETSC_FALSE;
      const PetscInt  r = k / 2 % 6, s = k / 12 % 7, l = k / 84;
      EngdDomain      domain;
      EngdPoints      p;

      if (!time && r >= 3) continue;
      BoxOptions(d, time, options, sizeof(options));
      OK(MakeDomain(PETSC_COMM_WORLD, options, &domain));
      assert_int_equal(domain->dim, d + time);
      OK(EngdPointsCreate(domain, "-a_region", region[r], sampler[s], n[l], 1, ENGD_STREAM_TERMS, &p));
      CheckPoints(p, region[r], RegionMeasure(domain, region[r]));
      if (s > 2 && d > 1) assert_int_equal(p->nglobal, n[l]);
      assert_true(p->nglobal <= n[l]);
      OK(EngdPointsDestroy(&p));
      OK(EngdDomainDestroy(&domain));
    }
  }
}

/* On [0,1]^d and (0,1): the midpoint rule is exact for multilinear functions, three Gauss points for degree five */
static void exactness(void **state)
{
  (void)state;
  for (PetscInt d = 1; d <= 3; d++) {
    const PetscInt n = 3 * 3 * 3 * 3;
    char           options[128];
    EngdDomain     domain;
    EngdPoints     p;

    OK(PetscSNPrintf(options, sizeof(options),
                     "-domain_coordinates x1..x%d -domain_lower 0 -domain_upper 1 -domain_time 0,1", (int)d));
    OK(MakeDomain(PETSC_COMM_WORLD, options, &domain));
    OK(EngdPointsCreate(domain, "-a_region", "interior", "grid", n, 0, 4, &p));
    assert_true(PetscAbsReal(Integrate(p, Linear) - PetscPowRealInt(1.5, (int)d + 1)) < 1e-12);
    OK(EngdPointsDestroy(&p));
    OK(EngdPointsCreate(domain, "-a_region", "interior", "gauss", n, 0, 4, &p));
    assert_true(PetscAbsReal(Integrate(p, Quintic) - 1.0) < 1e-12);
    OK(EngdPointsDestroy(&p));
    /* on x = 0 the product is 0, on x = 1 it is 6 times the integral over the others, which is 1 */
    OK(EngdPointsCreate(domain, "-a_region", "boundary", "gauss", 6 * n, 0, 4, &p));
    assert_true(PetscAbsReal(Integrate(p, Quintic) - 6.0 * (PetscReal)d) < 1e-12);
    OK(EngdPointsDestroy(&p));
    OK(EngdPointsCreate(domain, "-a_region", "final", "gauss", 6 * n, 0, 4, &p));
    assert_true(PetscAbsReal(Integrate(p, Quintic) - 6.0) < 1e-12);
    OK(EngdPointsDestroy(&p));
    OK(EngdDomainDestroy(&domain));
  }
}

static void counts(void **state)
{
  const struct {
    const char *options, *region, *sampler;
    PetscInt    ncounts, counts[3], nglobal;
  } c[] = {{"-domain_lower 0,0 -domain_upper 1", "interior", "auto", 1, {900}, 900},
           {"-domain_lower 0,0 -domain_upper 1", "interior", "grid", 1, {12}, 12},
           {"-domain_lower 0,0 -domain_upper 1", "interior", "grid", 1, {11}, 9},
           {"-domain_lower 0,0 -domain_upper 1", "interior", "grid", 1, {1}, 1},
           {"-domain_lower 0,0 -domain_upper 1", "interior", "auto", 2, {7, 3}, 21},
           {"-domain_lower 0,0 -domain_upper 1", "boundary", "auto", 1, {120}, 120},
           {"-domain_lower 0,0 -domain_upper 1", "boundary", "gauss", 2, {7, 3}, 20},
           {"-domain_lower 0,0 -domain_upper 3,1", "boundary", "grid", 1, {80}, 80},
           {"-domain_lower 0 -domain_upper 1", "boundary", "auto", 1, {100}, 2},
           {"-domain_lower 0 -domain_upper 1", "boundary", "quasi", 1, {100}, 2},
           {"-domain_lower 0 -domain_upper 1", "boundary", "sobol", 1, {100}, 100},
           {"-domain_lower 0,0,0 -domain_upper 1", "interior", "auto", 1, {1000}, 1000},
           {"-domain_lower 0,0,0 -domain_upper 1", "interior", "auto", 1, {1100}, 1100},
           {"-domain_lower 0,0,0 -domain_upper 1 -domain_time 0,1", "initial", "auto", 1, {1000}, 1000}};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    EngdDomain domain;
    EngdPoints p;

    OK(MakeDomain(PETSC_COMM_WORLD, c[k].options, &domain));
    OK(EngdPointsCreateCounts(domain, "-a_region", c[k].region, c[k].sampler, c[k].ncounts, c[k].counts, 0, 4, &p));
    assert_int_equal(p->nglobal, c[k].nglobal);
    assert_true(PetscAbsReal(Integrate(p, One) - p->measure) < 1e-12 * p->measure);
    OK(EngdPointsDestroy(&p));
    OK(EngdDomainDestroy(&domain));
  }
}

/* auto: gauss up to three dimensions of the region, then sobol, halton beyond the table */
static void automatic(void **state)
{
  const struct {
    PetscInt    d;
    const char *region, *sampler, *is;
  } c[] = {{3, "interior", "auto", "gauss"},    {3, "interior", "quasi", "sobol"}, {4, "interior", "auto", "sobol"},
           {4, "boundary", "auto", "gauss"},    {5, "boundary", "auto", "sobol"},  {161, "interior", "auto", "sobol"},
           {162, "interior", "auto", "halton"}, {3, "boundary", "auto", "sobol"}};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    char       options[128];
    EngdDomain domain;
    EngdPoints p;

    OK(PetscSNPrintf(options, sizeof(options), "-domain_coordinates x1..x%d -domain_lower -1 -domain_upper 1",
                     (int)c[k].d));
    OK(MakeDomain(PETSC_COMM_WORLD, options, &domain));
    OK(EngdPointsCreate(domain, "-a_region", c[k].region, c[k].sampler, k == 7 ? 5 : 50, 0, 4, &p));
    assert_string_equal(p->sampler, c[k].is);
    OK(EngdPointsDestroy(&p));
    OK(EngdDomainDestroy(&domain));
  }
}

static void epochs(void **state)
{
  const char *sampler[] = {"grid", "gauss", "uniform", "halton", "sobol"};
  EngdDomain  domain;

  (void)state;
  OK(MakeDomain(PETSC_COMM_WORLD, "-domain_lower 0,0 -domain_upper 1,2 -domain_time 0,1", &domain));
  for (PetscInt s = 0; s < 5; s++) {
    EngdPoints p;
    PetscReal *x;

    OK(EngdPointsCreate(domain, "-a_region", "interior", sampler[s], 40, 0, 4, &p));
    OK(PetscMalloc1(p->nlocal * 3, &x));
    OK(PetscArraycpy(x, p->x, p->nlocal * 3));
    OK(EngdPointsSample(p, 1));
    assert_int_equal(p->epoch, 1);
    for (PetscInt i = 0; i < 3 * p->nlocal; i++) assert_int_equal(x[i] == p->x[i], s < 2);
    assert_true(PetscAbsReal(Integrate(p, One) - 2.0) < 1e-12);
    OK(EngdPointsSample(p, 0));
    for (PetscInt i = 0; i < 3 * p->nlocal; i++) assert_true(x[i] == p->x[i]);
    OK(PetscFree(x));
    OK(EngdPointsDestroy(&p));
  }
  OK(EngdDomainDestroy(&domain));
}

/* All points on one rank, and the pieces of all ranks: the same bits */
static void ranks(void **state)
{
  const char    *region[]  = {"interior", "boundary", "boundary,initial", "x2=lower,t=upper"};
  const char    *sampler[] = {"grid", "gauss", "uniform", "halton", "sobol"};
  const PetscInt n[]       = {3, 21, 500};
  char           options[256];

  (void)state;
  BoxOptions(3, PETSC_TRUE, options, sizeof(options));
  for (PetscInt k = 0; k < 4 * 5 * 3; k++) {
    const PetscInt r = k % 4, s = k / 4 % 5, l = k / 20;
    EngdDomain     one, all;
    EngdPoints     p, q;

    if (l == 0 && s < 2 && (r == 1 || r == 2)) continue; /* fewer points than faces */
    OK(MakeDomain(PETSC_COMM_SELF, options, &one));
    OK(MakeDomain(PETSC_COMM_WORLD, options, &all));
    OK(EngdPointsCreate(one, "-a_region", region[r], sampler[s], n[l], 9, 5, &p));
    OK(EngdPointsCreate(all, "-a_region", region[r], sampler[s], n[l], 9, 5, &q));
    OK(EngdPointsSample(p, 2));
    OK(EngdPointsSample(q, 2));
    assert_int_equal(p->nglobal, q->nglobal);
    assert_int_equal(p->nlocal, p->nglobal);
    assert_memory_equal(q->x, p->x + q->start * 4, ENGD_COUNT(q->nlocal, 4) * sizeof(PetscReal));
    assert_memory_equal(q->weight, p->weight + q->start, (size_t)q->nlocal * sizeof(PetscReal));
    assert_int_equal(p->normal != NULL, q->normal != NULL);
    if (p->normal)
      assert_memory_equal(q->normal, p->normal + q->start * 3, ENGD_COUNT(q->nlocal, 3) * sizeof(PetscReal));
    OK(EngdPointsDestroy(&p));
    OK(EngdPointsDestroy(&q));
    OK(EngdDomainDestroy(&one));
    OK(EngdDomainDestroy(&all));
  }
}

/* Sobol and Halton integrate a smooth function better than random points would: error about 1/n, not 1/sqrt(n) */
static void quasi(void **state)
{
  const char *sampler[] = {"sobol", "halton"};
  EngdDomain  domain;

  (void)state;
  OK(MakeDomain(PETSC_COMM_WORLD, "-domain_coordinates x1..x5 -domain_lower 0 -domain_upper 1", &domain));
  for (PetscInt s = 0; s < 2; s++) {
    EngdPoints      p;
    const PetscReal exact = PetscPowRealInt(1.5, 5);

    OK(EngdPointsCreate(domain, "-a_region", "interior", sampler[s], 4096, 0, 4, &p));
    assert_true(PetscAbsReal(Integrate(p, Linear) - exact) < 2e-3 * exact); /* random: 7e-3 */
    OK(EngdPointsDestroy(&p));
    OK(EngdPointsCreate(domain, "-a_region", "boundary", sampler[s], 4096, 0, 4, &p));
    assert_true(PetscAbsReal(Integrate(p, Linear) - 10.0 * exact) < 2e-2 * exact);
    OK(EngdPointsDestroy(&p));
  }
  OK(EngdDomainDestroy(&domain));
}

/* 100 dimensions, 50 points on 200 faces: each draws its face */
static void many_faces(void **state)
{
  EngdDomain domain;
  EngdPoints p;
  PetscInt   faces = 0;

  (void)state;
  OK(MakeDomain(PETSC_COMM_SELF, "-domain_coordinates x1..x100 -domain_lower 0 -domain_upper 1", &domain));
  OK(EngdPointsCreate(domain, "-a_region", "boundary", NULL, 50, 0, 4, &p));
  assert_int_equal(p->nglobal, 50);
  for (PetscInt c = 0; c < 100; c++) {
    PetscBool hit = PETSC_FALSE;

    for (PetscInt i = 0; i < 50; i++) hit = p->normal[i * 100 + c] != 0.0 ? PETSC_TRUE : hit;
    faces += hit;
  }
  assert_true(faces > 40); /* 50 points in 100 pairs of faces, well spread */
  OK(EngdPointsDestroy(&p));
  OK(EngdDomainDestroy(&domain));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(regions), cmocka_unit_test(exactness), cmocka_unit_test(counts), cmocka_unit_test(automatic),
      cmocka_unit_test(epochs),  cmocka_unit_test(ranks),     cmocka_unit_test(quasi),  cmocka_unit_test(many_faces)};
  int failures;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failures = cmocka_run_group_tests_name("points", tests, NULL, NULL);
  if (PetscFinalize()) return 1;
  return failures;
}
