/*
  Domains from options: names of the coordinates, bounds, time, own types; every mistake in them and in regions.
  ranks: 1 2; errors leak
*/
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((int)(call), 0)

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

static void names(void **state)
{
  EngdDomain domain;

  (void)state;
  OK(MakeDomain(PETSC_COMM_WORLD, "-domain_coordinates x9..x11,z -domain_lower -1 -domain_upper 1,2,3,4.5", &domain));
  assert_int_equal(domain->nspace, 4);
  assert_string_equal(domain->coordinate[1], "x10");
  assert_string_equal(domain->coordinate[3], "z");
  OK(EngdDomainView(domain, PETSC_VIEWER_STDERR_WORLD));
  OK(EngdDomainDestroy(&domain));
  OK(MakeDomain(PETSC_COMM_WORLD, "-domain_lower 0 -domain_upper 1,2 -domain_time 0,3", &domain));
  assert_int_equal(domain->nspace, 2);
  assert_int_equal(domain->dim, 3);
  assert_string_equal(domain->coordinate[1], "x2");
  assert_string_equal(domain->coordinate[2], "t");
  OK(EngdDomainDestroy(&domain));
}

/* The message of each mistake contains what was wrong */
static void domain_errors(void **state)
{
  const char *c[][2] = {{"-domain_upper 1", "-domain_lower is missing"},
                        {"-domain_lower 0,0", "-domain_upper is missing"},
                        {"-domain_lower 0,0 -domain_upper 1,0", "0. is not below 0. in coordinate 2"},
                        {"-domain_lower 0,0,0 -domain_upper 1,1", "-domain_upper 1,1: has 2 numbers but there are 3"},
                        {"-domain_lower 0,0 -domain_upper 1 -domain_coordinates x", "-domain_lower 0,0: has 2"},
                        {"-domain_lower 0 -domain_upper 1 -domain_coordinates x,x", "x and x differ at most"},
                        {"-domain_lower 0 -domain_upper 1 -domain_coordinates x,2y", "2y is not a name"},
                        {"-domain_lower 0 -domain_upper 1 -domain_coordinates x,,y", "item 2 of the list is empty"},
                        {"-domain_lower 0 -domain_upper 1 -domain_time 1,0", "-domain_time 1,0: must be two numbers"},
                        {"-domain_lower 0 -domain_upper 1 -domain_time 1", "-domain_time 1: must be two numbers"},
                        {"-domain_lower 0 -domain_upper 1 -domain_time 0,1 -domain_coordinates t", "t is taken"},
                        {"-domain_lower 0 -domain_upper inf", "must be a finite number"},
                        {"-domain_type blob -domain_lower 0",
                         "-domain_type blob: no such domain; the known ones are annulus, ball, box"}};

  (void)state;
  OK(PetscPushErrorHandler(Catch, NULL));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    EngdDomain domain;

    message[0] = 0;
    assert_int_not_equal((int)MakeDomain(PETSC_COMM_WORLD, c[k][0], &domain), 0);
    if (!strstr(message, c[k][1])) fail_msg("%s: message \"%s\" lacks \"%s\"", c[k][0], message, c[k][1]);
  }
  OK(PetscPopErrorHandler());
}

static void points_errors(void **state)
{
  const struct {
    const char *region, *sampler;
    PetscInt    ncounts, counts[2];
    const char *text;
  } c[] = {
      {"middle", NULL, 1, {9}, "-a_region middle: middle is not a region; the known ones are interior"},
      {"boundary,interior", NULL, 1, {9}, "interior is not a region"},
      {"initial", NULL, 1, {9}, "-a_region initial: there is no time"},
      {"x=3", NULL, 1, {9}, "x=3 is no face, the bounds are x=0. and x=1."},
      {"z=0", NULL, 1, {9}, "z=0 is not a region"},
      {"x=0,x=lower", NULL, 1, {9}, "the face x=lower appears twice"},
      {"interior",
       "spiral",
       1,
       {9},
       "-a_sampler spiral: no such sampler; the known ones are auto, quasi, grid, gauss, halton"},
      {"interior", NULL, 1, {0}, "-a_points 0"},
      {"interior", NULL, 1, {-4}, "-a_points -4"},
      {"boundary", "grid", 1, {3}, "-a_points 3: fewer than the 4 faces"},
      {"interior", "halton", 2, {3, 3}, "only the samplers grid and gauss take one for each coordinate, not halton"}};
  EngdDomain domain;

  (void)state;
  OK(MakeDomain(PETSC_COMM_WORLD, "-domain_coordinates x,y -domain_lower 0 -domain_upper 1,2", &domain));
  OK(PetscPushErrorHandler(Catch, NULL));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    EngdPoints p;

    message[0] = 0;
    assert_int_not_equal((int)EngdPointsCreateCounts(domain, "-a_region", c[k].region, c[k].sampler, c[k].ncounts,
                                                     c[k].counts, 0, 4, &p),
                         0);
    if (!strstr(message, c[k].text)) fail_msg("message \"%s\" lacks \"%s\"", message, c[k].text);
  }
  OK(PetscPopErrorHandler());
  OK(EngdDomainDestroy(&domain));
  OK(MakeDomain(PETSC_COMM_WORLD, "-domain_coordinates x1..x162 -domain_lower 0 -domain_upper 1", &domain));
  OK(PetscPushErrorHandler(Catch, NULL));
  EngdPoints p;
  assert_int_not_equal((int)EngdPointsCreate(domain, "-a_region", "interior", "sobol", 9, 0, 4, &p), 0);
  assert_non_null(strstr(message, "161 dimensions but the points need 162: use the sampler halton"));
  OK(PetscPopErrorHandler());
  OK(EngdDomainDestroy(&domain));
}

/* A type of one's own, which cannot be sampled but is found by name and knows the coordinates */
static PetscErrorCode SetFromOptions(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Point");
  domain->nspace = domain->nspace ? domain->nspace : 3;
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(EngdDomain domain)
{
  PetscFunctionBeginUser;
  domain->ops->setfromoptions = SetFromOptions;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void registry(void **state)
{
  EngdDomain domain;

  (void)state;
  OK(EngdDomainRegister("point", Create));
  OK(MakeDomain(PETSC_COMM_WORLD, "-domain_type point", &domain));
  assert_string_equal(domain->type, "point");
  assert_int_equal(domain->dim, 3);
  assert_string_equal(domain->coordinate[2], "x3");
  OK(EngdDomainDestroy(&domain));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(domain_errors),
                                     cmocka_unit_test(points_errors), cmocka_unit_test(registry)};
  int                     failures;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failures = cmocka_run_group_tests_name("domain", tests, NULL, NULL);
  if (PetscFinalize()) return 1;
  return failures;
}
