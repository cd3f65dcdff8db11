/*
  Problems from options: names, parameters, terms, exact solutions, test points, defaults, -help, and every mistake.
  ranks: 1 3; errors leak
*/
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((int)(call), 0)

static char message[2048];

/* Keeps the message of the first error instead of printing it */
static PetscErrorCode Catch(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                            PetscErrorType type, const char *text, void *data)
{
  (void)comm, (void)line, (void)function, (void)file, (void)data;
  if (type == PETSC_ERROR_INITIAL) (void)PetscStrncpy(message, text, sizeof(message));
  return code;
}

static PetscErrorCode MakeProblem(const char options[], EngdProblem *problem)
{
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(EngdProblemCreate(PETSC_COMM_WORLD, problem));
  PetscCall(EngdProblemSetFromOptions(*problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal WeightSum(EngdPoints p)
{
  PetscReal sum = 0.0;

  for (PetscInt i = 0; i < p->nlocal; i++) sum += p->weight[i];
  OK(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPIU_SUM, p->comm));
  return sum;
}

#define BOX " -domain_lower 0,0 -domain_upper 2,1 -domain_coordinates x,y "
#define PDE " -terms pde -pde_points 90 "

/* The example of the design */
static void poisson(void **state)
{
  EngdProblem p;
  PetscInt    left;

  (void)state;
  OK(MakeProblem("-domain_type box -domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_outputs u "
                 "-terms pde,wall -pde_region interior -pde_points 900 "
                 "-pde_residual \"lap(u) + 2*pi^2*sin(pi*x)*sin(pi*y)\" -wall_region boundary -wall_points 120 "
                 "-wall_residual u -exact_u \"sin(pi*x)*sin(pi*y)\"",
                 &p));
  assert_string_equal(p->name, "engd");
  assert_int_equal(p->seed, 0);
  assert_int_equal(p->nterms, 2);
  assert_int_equal(p->noutputs, 1);
  assert_int_equal(p->nparameters, 0);
  assert_string_equal(p->term[0]->name, "pde");
  assert_int_equal(p->term[0]->points->nglobal, 900);
  assert_string_equal(p->term[0]->points->sampler, "gauss");
  assert_int_equal(p->term[0]->points->stream, ENGD_STREAM_TERMS);
  assert_int_equal(p->term[1]->points->stream, ENGD_STREAM_TERMS + 1);
  assert_int_equal(p->term[1]->points->nglobal, 120);
  assert_non_null(p->term[1]->points->normal);
  assert_null(p->term[0]->points->normal);
  assert_false(p->term[0]->energy);
  assert_int_equal(p->term[0]->expression->ncomponents, 1);
  assert_int_equal(p->term[0]->resample, 0);
  assert_true(p->term[0]->weight == 1.0 && p->term[0]->measure == 1.0);
  assert_true(PetscAbsReal(p->term[1]->measure - 0.25) < 1e-15); /* the mean over a boundary of length 4 */
  assert_int_equal(p->nexact, 1);
  assert_int_equal(p->exact->ncomponents, 3);
  assert_int_equal(p->test->nglobal, 4000);
  assert_int_equal(p->test->stream, ENGD_STREAM_TEST_POINTS);
  assert_string_equal(p->test->sampler, "sobol");
  OK(PetscOptionsLeftGet(NULL, &left, NULL, NULL));
  assert_int_equal(left, 0);
  OK(EngdProblemView(p, PETSC_VIEWER_STDERR_WORLD));
  OK(EngdProblemDestroy(&p));
  assert_null(p);
}

/* A system in space and time: parameters, several components, an exact solution of one unknown only */
static void system_in_time(void **state)
{
  const PetscReal x[4] = {0.3, 0.7, 0.25}, nu = 0.01 / PETSC_PI;
  const EngdBatch batch[3] = {{x, 1}, {x + 1, 1}, {x + 2, 1}};
  PetscReal       value[3];
  EngdProblem     p;

  (void)state;
  OK(MakeProblem(BOX "-domain_time 0,0.5 -network_outputs u,v -parameters nu=0.01/pi,k=2*nu -engd_seed 42 "
                     "-engd_test_points 100 -engd_problem_name flow -terms pde,start,slip "
                     "-pde_points 60 -pde_residual \"u_t + u*u_x - nu*lap(u); v_t - k*lap(v)\" -pde_resample 5 "
                     "-start_region initial -start_points 10,5,1 -start_residual v -start_weight 3 "
                     "-start_measure integral -slip_region x=2,y=lower -slip_points 40 -slip_sampler halton "
                     "-slip_residual \"dot(normal, grad(u))\" -exact_v \"exp(-k*t)*sin(x)*y\"",
                 &p));
  assert_string_equal(p->name, "flow");
  assert_int_equal(p->seed, 42);
  assert_int_equal(p->nparameters, 2);
  assert_string_equal(p->parameter[1], "k");
  assert_true(PetscAbsReal(p->value[0] - nu) < 1e-17 && PetscAbsReal(p->value[1] - 2 * nu) < 1e-17);
  assert_int_equal(p->term[0]->expression->ncomponents, 2);
  assert_string_equal(p->term[0]->points->sampler, "sobol"); /* as it resamples */
  assert_int_equal(p->term[0]->points->seed, 42);
  assert_int_equal(p->term[0]->resample, 5);
  assert_true(PetscAbsReal(p->term[0]->measure * WeightSum(p->term[0]->points) - 1.0) < 1e-14);
  assert_int_equal(p->term[1]->points->nglobal, 50);
  assert_true(p->term[1]->weight == 3.0 && p->term[1]->measure == 1.0);
  assert_true(PetscAbsReal(WeightSum(p->term[1]->points) - 2.0) < 1e-14);
  assert_true(PetscAbsReal(p->term[2]->points->measure - 1.5) < 1e-14);
  assert_int_equal(p->test->nglobal, 100);
  assert_true(PetscAbsReal(WeightSum(p->test) - 1.0) < 1e-14);
  assert_int_equal(p->nexact, 1);
  assert_int_equal(p->exact_output[0], 1);
  assert_int_equal(p->exact->ncomponents, 3);
  OK(EngdExpressionEvaluate(p->exact, 1, batch, NULL, NULL, value, NULL, NULL));
  const PetscReal e = PetscExpReal(-2 * nu * x[2]);
  assert_true(PetscAbsReal(value[0] - e * PetscSinReal(x[0]) * x[1]) < 1e-14);
  assert_true(PetscAbsReal(value[1] - e * PetscCosReal(x[0]) * x[1]) < 1e-14);
  assert_true(PetscAbsReal(value[2] - e * PetscSinReal(x[0])) < 1e-14);
  OK(EngdProblemDestroy(&p));
}

/* An energy is an integral by default; all unknowns with an exact solution come first, then their gradients */
static void energy(void **state)
{
  EngdProblem p;

  (void)state;
  OK(MakeProblem("-domain_lower -1 -domain_upper 1 -domain_coordinates x -network_outputs u,p -terms ritz "
                 "-ritz_points 1e2 -ritz_sampler gauss -ritz_energy \"u_x^2/2 + u^4/4 - u*x + p^2\" "
                 "-exact_p 0 -exact_u \"cos(pi*x)\"",
                 &p));
  assert_true(p->term[0]->energy);
  assert_true(p->term[0]->measure == 1.0);
  assert_int_equal(p->term[0]->points->nglobal, 100);
  assert_true(PetscAbsReal(WeightSum(p->term[0]->points) - 2.0) < 1e-13);
  assert_int_equal(p->nexact, 2);
  assert_int_equal(p->exact_output[0], 0);
  assert_int_equal(p->exact_output[1], 1);
  assert_int_equal(p->exact->ncomponents, 4);
  OK(EngdProblemDestroy(&p));
}

/* Points on which the terms train and those of the test differ, and both depend on the seed */
static void seeds(void **state)
{
  EngdProblem p, q;

  (void)state;
  OK(MakeProblem(BOX PDE "-pde_residual u -pde_sampler sobol -engd_test_points 90", &p));
  OK(MakeProblem(BOX PDE "-pde_residual u -pde_sampler sobol -engd_test_points 90 -engd_seed 2147483647", &q));
  for (PetscInt i = 0; i < p->test->nlocal; i++) {
    assert_true(p->test->x[2 * i] != p->term[0]->points->x[2 * i]);
    assert_true(p->test->x[2 * i] != q->test->x[2 * i]);
    assert_true(p->term[0]->points->x[2 * i] != q->term[0]->points->x[2 * i]);
  }
  assert_null(p->exact);
  assert_int_equal(p->nexact, 0);
  OK(EngdProblemDestroy(&p));
  OK(EngdProblemDestroy(&q));
}

/* Options of terms that are not listed, and of unknowns that do not exist, stay unused for others to reject */
static void unused(void **state)
{
  EngdProblem p;
  PetscInt    left;

  (void)state;
  OK(MakeProblem(BOX PDE "-pde_residual u -wall_points 4 -exact_w 1", &p));
  OK(PetscOptionsLeftGet(NULL, &left, NULL, NULL));
  assert_int_equal(left, 2);
  OK(EngdProblemDestroy(&p));
}

static char  *help;
static size_t help_size;

/* Collects what -help prints */
static PetscErrorCode Collect(MPI_Comm comm, const char format[], ...)
{
  va_list list;
  size_t  n = strlen(help);

  (void)comm;
  va_start(list, format);
  (void)PetscVSNPrintf(help + n, help_size - n, format, NULL, list);
  va_end(list);
  return PETSC_SUCCESS;
}

/* -help without a problem shows every option. The first test: PETSc shows the help of options once. PETSc writes
   lists of types (-domain_type) to the standard output itself. */
static void placeholder(void **state)
{
  const char *shown[] = {"-domain_lower", "-domain_upper",    "-domain_time", "-domain_coordinates", "-terms",
                         "-parameters",   "-network_outputs", "-engd_seed",   "-engd_test_points",   "-TERM_region",
                         "-TERM_points",  "-TERM_residual",   "-TERM_energy", "-engd_problem_name",  "-TERM_weight",
                         "-TERM_sampler", "-TERM_measure",    "-exact_u",     "-TERM_resample"};
  EngdProblem p;
  PetscErrorCode (*print)(MPI_Comm, const char[], ...) = PetscHelpPrintf;

  (void)state;
  help_size = 100000;
  OK(PetscCalloc1(help_size, &help));
  PetscHelpPrintf = Collect;
  OK(MakeProblem("-help", &p));
  PetscHelpPrintf = print;
  assert_string_equal(p->term[0]->name, "TERM");
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(shown); k++)
    if (!strstr(help, shown[k])) fail_msg("-help lacks %s in\n%s", shown[k], help);
  OK(EngdProblemDestroy(&p));
  OK(PetscFree(help));
  OK(PetscOptionsClear(NULL));
}

static void errors(void **state)
{
  const char *c[][2] = {
      {BOX, "-terms is missing: give it, for example -terms pde,wall"},
      {BOX "-terms pde", "-pde_points is missing: give it, for example -pde_points 900"},
      {BOX "-terms -pde_points 3", "-terms has no value"},
      {BOX "-terms pde,PDE -pde_points 3", "pde and PDE differ at most"},
      {BOX "-terms pde,2d", "2d is not a name"},
      {BOX "-terms tao", "-terms tao: -tao_... are options of something else"},
      {BOX "-terms exact_u", "-terms exact_u: -exact_..."},
      {BOX PDE, "-pde_residual is missing: give it (or -pde_energy)"},
      {BOX PDE "-pde_residual u -pde_energy u", "exclude each other"},
      {BOX PDE "-pde_energy \"u;u_x\"", "-pde_energy \"u;u_x\": an energy is one number, but this has 2 components"},
      {BOX PDE "-pde_residual u -pde_weight 0", "-pde_weight 0.: must be positive and finite"},
      {BOX PDE "-pde_residual u -pde_weight -1", "-pde_weight -1.: must be positive"},
      {BOX PDE "-pde_residual u -pde_measure sum", "-pde_measure sum: must be mean or integral"},
      {BOX PDE "-pde_residual u -pde_multipliers 5",
       "-pde_multipliers 5: they are for a residual beside terms that "},
      {BOX PDE "-pde_energy u^2 -pde_multipliers 5",
       "-pde_multipliers 5: they are for a residual beside terms that "},
      {BOX PDE "-pde_residual u -pde_resample -2", "-pde_resample -2: must be a whole number from 0"},
      {BOX PDE "-pde_residual u -pde_resample 2 -pde_sampler grid",
       "-pde_resample 2: the points of the sampler grid never"},
      {BOX "-terms pde -pde_points 0 -pde_residual u", "-pde_points 0: must be a whole number from 1"},
      {BOX "-terms pde -pde_points 2.5 -pde_residual u", "-pde_points 2.5: must be a whole number"},
      {BOX "-terms pde -pde_points 3,3,3 -pde_residual u",
       "-pde_points has 3 numbers: give one, or one for each of the 2"},
      {BOX PDE "-pde_residual u -pde_region initial", "-pde_region initial: there is no time"},
      {BOX PDE "-pde_residual \"dot(normal,grad(u))\"", "normal"},
      {BOX PDE "-pde_residual \"lap(w)\"", "-pde_residual"},
      {BOX PDE "-pde_residual u -exact_u \"u\"", "-exact_u"},
      {BOX PDE "-pde_residual u -exact_u \"x;y\"", "-exact_u \"x;y\" must have one component, not 2"},
      {BOX PDE "-pde_residual u -network_outputs x", "-network_outputs: the name x is already that of a coordinate"},
      {BOX PDE "-pde_residual u -network_outputs u,u", "u and u differ at most"},
      {BOX PDE "-pde_residual u -network_outputs u_x", "an underscore means a derivative"},
      {BOX PDE "-pde_residual u -parameters nu", "-parameters \"nu\": nu has no value, write for example nu=0.01"},
      {BOX PDE "-pde_residual u -parameters a=1,a=2", "a is given twice"},
      {BOX PDE "-pde_residual u -parameters u=1", "-parameters: the name u is already that of an unknown"},
      {BOX PDE "-pde_residual u -parameters pi=3", "pi has a meaning of its own"},
      {BOX PDE "-pde_residual u -parameters k=1/0", "-parameters 1/0: must be a finite number"},
      {BOX PDE "-pde_residual u -engd_seed -1", "-engd_seed -1: must be a whole number from 0"},
      {BOX PDE "-pde_residual u -engd_seed 10000000000000000000", "-engd_seed 10000000000000000000: "},
      {"", "-terms is missing"},
      {BOX PDE "-pde_residual u -engd_test_points 0", "-engd_test_points 0: must be a whole number from 1"}};

  (void)state;
  OK(PetscPushErrorHandler(Catch, NULL));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    EngdProblem p;

    message[0] = 0;
    assert_int_not_equal((int)MakeProblem(c[k][0], &p), 0);
    if (!strstr(message, c[k][1])) fail_msg("%s: message \"%s\" lacks \"%s\"", c[k][0], message, c[k][1]);
  }
  OK(PetscPopErrorHandler());
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(placeholder),    cmocka_unit_test(poisson),
                                     cmocka_unit_test(system_in_time), cmocka_unit_test(energy),
                                     cmocka_unit_test(seeds),          cmocka_unit_test(unused),
                                     cmocka_unit_test(errors)};
  int                     failures;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failures = cmocka_run_group_tests_name("problem", tests, NULL, NULL);
  if (PetscFinalize()) return 1;
  return failures;
}
