/*
  What is too large, or says nothing: told in good time, by the option; ranges of parameters; names that would hide derivatives.
  ranks: 1 2; errors leak
*/
#include "refusals.h"

/* twelve derivatives of a quotient of powers inside each other grow beyond any memory */
#define NESTED "lap(lap(lap(lap(lap(lap(lap(lap(lap(lap(lap(lap(x^0.3/sin(x*y)))))))))))))"

static const struct {
  const char *options, *words;
} large[] = {
    {POISSON "-pde_residual lap(u) -wall_residual u -parameters k1..k99999=1", "more than 5000 names"},
    {"-domain_coordinates x1..x99999 -terms pde -pde_residual lap(u) -pde_points 3", "more than 5000 names"},
    {"-domain_coordinates x1..x20000 -terms pde -pde_residual lap(u) -pde_points 3", "more than 5000 names"},
    {"-domain_coordinates x1..x4000,y1..y4000 -terms pde -pde_residual lap(u) -pde_points 3", "more than 5000 names"},
    {POISSON RESIDUALS "-network_outputs u1..u20000", "more than 5000 names"},
    {POISSON "-wall_residual u -pde_residual u+" NESTED, "need more than 2000000 operations"},
    {POISSON "-wall_residual u-u_x -pde_residual lap(u) -parameters u_x=2",
     "'u_x' cannot be the name of a parameter: it is a derivative of the output u"},
    {POISSON "-wall_residual u -pde_residual lap(u) -parameters u_xy=2", "'u_xy' cannot be the name of a parameter"},
    {POISSON "-wall_residual u -pde_residual lap(u) -parameters nu1..nu3=1,nu2=3", "nu2 is given twice"},
    {POISSON "-wall_residual u -pde_residual lap(u) -parameters nu1..nu3", "has no value"},
    {POISSON "-wall_residual u*nu1-nu3 -pde_residual nu2*lap(u)-k2 -parameters nu1..nu3=1,k1..k2=2*nu3,u_z=1", ""},
};

static void TestCases(void **state)
{
  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(large); k++) {
    const double start = MPI_Wtime();

    (void)Refusal(large[k].options);
    if (*large[k].words ? !strstr(refusal, large[k].words) : refusal[0] != 0)
      fail_msg("%.60s...: %s", large[k].options, refusal);
    if (MPI_Wtime() - start > (getenv("SANITIZED") || PetscDefined(USE_DEBUG) ? 120 : 20))
      fail_msg("%.60s...: %g seconds", large[k].options, MPI_Wtime() - start);
  }
}

/* 20000 components: the square of their number is what preconditioners take time for */
static void TestComponents(void **state)
{
  enum { COMPONENTS = 20000 };
  static char options[sizeof(POISSON) + 64 + 2 * COMPONENTS];
  size_t      n;

  (void)state;
  n = (size_t)snprintf(options, sizeof(options), POISSON "-wall_residual u -pde_residual u");
  for (int k = 1; k < COMPONENTS; k++, n += 2) memcpy(options + n, ";u", 2);
  options[n] = 0;
  assert_non_null(strstr(Refusal(options), "-pde_residual has 20000 components, the most that there can be is 5000"));
}

/* parentheses around a shape, as deep as anybody writes them, and too deep for any stack */
static void TestShape(void **state)
{
  enum { DEEP = 100000 };
  static char options[2 * DEEP + 256];
  const int   depth[] = {200, DEEP};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(depth); k++) {
    char *at = options;

    at += sprintf(
        at,
        "-domain_coordinates x,y -terms pde -pde_residual u-x -pde_points 3 -domain_type compound -domain_shape ");
    memset(at, '(', (size_t)depth[k]);
    at += depth[k];
    at += sprintf(at, "ball(0,0;1)");
    memset(at, ')', (size_t)depth[k]);
    at[depth[k]] = 0;
    if (depth[k] < DEEP)
      assert_string_equal(Refusal(options), "");
    else
      assert_non_null(strstr(Refusal(options), "-domain_shape: more than 256 parentheses inside each other"));
  }
}

/* all of a range have the value */
static void TestRange(void **state)
{
  EngdProblem problem;

  (void)state;
  CHECK(PetscOptionsInsertString(NULL, POISSON RESIDUALS "-parameters a=3,nu1..nu3=a+1,b=nu2"));
  CHECK(EngdProblemCreate(PETSC_COMM_WORLD, &problem));
  CHECK(EngdProblemSetFromOptions(problem));
  CHECK(PetscOptionsClear(NULL));
  assert_int_equal(problem->nparameters, 5);
  assert_string_equal(problem->parameter[3], "nu3");
  for (PetscInt k = 1; k < 5; k++) assert_true(problem->value[k] == 4);
  CHECK(EngdProblemDestroy(&problem));
}

/* a thousand coordinates are still read in a second or two */
static void TestMany(void **state)
{
  const double start = MPI_Wtime();

  (void)state;
  assert_string_equal(
      Refusal("-domain_lower 0 -domain_upper 1 -domain_coordinates x1..x1000 -network_layers 2 -terms pde "
              "-engd_test_points 3 -pde_points 3 -pde_residual lap(u)+sum(cos(pi*x))"),
      "");
  assert_true(MPI_Wtime() - start < 30);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestCases), cmocka_unit_test(TestComponents), cmocka_unit_test(TestShape),
      cmocka_unit_test(TestRange), cmocka_unit_test(TestMany),
  };
  int failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests_name("limits", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failures;
}
