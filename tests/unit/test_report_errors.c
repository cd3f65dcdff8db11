/*
  Fields of the network at points, and errors against exact solutions on the test points.
  ranks: 1 3
*/
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "report_run.h"

#define TWO_IN_TIME                                                                                                  \
  " -domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -domain_time 0,1 -network_outputs u,v -terms pde "   \
  "-pde_points 40 -pde_residual u_t-v "

/* more points than a block: the values are those of one point at a time, the gradient that of differences */
static void fields(void **state)
{
  enum { N = 700 };
  const PetscReal  h = 1e-6;
  Run              run;
  PetscReal       *x, *u, *g, high[2], low[2], one[2];
  const PetscReal *theta;

  (void)state;
  MakeRun(TWO_IN_TIME, 1, &run);
  OK(PetscMalloc3(3 * N, &x, 2 * N, &u, 4 * N, &g));
  for (PetscInt i = 0; i < 3 * N; i++) x[i] = EngdRandomUniform(1, 0, i, 0, 0);
  OK(EngdFunctionalSetParameters(run.functional, run.theta));
  theta = run.functional->present.theta;
  OK(EngdModelEvaluate(run.functional->model, theta, N, x, u, g));
  for (PetscInt i = 0; i < N; i += 23) {
    OK(EngdModelEvaluate(run.functional->model, theta, 1, x + 3 * i, one, NULL));
    for (PetscInt k = 0; k < 2; k++) assert_true(PetscAbsReal(one[k] - u[2 * i + k]) < 1e-14);
    for (PetscInt j = 0; j < 2; j++) {
      x[3 * i + j] += h;
      OK(EngdModelEvaluate(run.functional->model, theta, 1, x + 3 * i, high, NULL));
      x[3 * i + j] -= 2 * h;
      OK(EngdModelEvaluate(run.functional->model, theta, 1, x + 3 * i, low, NULL));
      x[3 * i + j] += h;
      for (PetscInt k = 0; k < 2; k++) {
        assert_true(PetscAbsReal(g[(2 * i + j) * 2 + k] - (high[k] - low[k]) / (2 * h)) < 1e-8);
      }
    }
  }
  OK(PetscFree3(x, u, g));
  DestroyRun(&run);
}

/* theta of the affine network u = a . x + a_dim: coefficient j of output k is value[k][j] */
static void SetAffine(Run *run, PetscInt nin, PetscInt nout, const PetscReal value[])
{
  for (PetscInt k = 0; k < nout; k++) {
    for (PetscInt j = 0; j <= nin; j++)
      OK(VecSetValue(run->theta, j * nout + k, value[k * (nin + 1) + j], INSERT_VALUES));
  }
  OK(VecAssemblyBegin(run->theta));
  OK(VecAssemblyEnd(run->theta));
}

/* an affine network and affine exact solutions: errors in closed form at each point; the time derivative does not count */
static void errors(void **state)
{
  const PetscReal coefficient[] = {1, 2,    0,   0.5,
                                   2, 0.25, 1.1, 0.5}; /* u = x + 2 y + 1/2, v = 2 x + y/4 + 1.1 t + 1/2 */
  PetscReal       sum[6] = {0}, max = 0;
  Run             run;
  EngdErrors      e;

  (void)state;
  MakeRun(TWO_IN_TIME "-exact_v 2*x+t -engd_test_points 300", 0, &run);
  SetAffine(&run, 3, 2, coefficient);
  OK(EngdErrorsCreate(run.functional, &e));
  OK(EngdErrorsCompute(e, run.theta, PETSC_TRUE));
  for (PetscInt i = 0; i < run.problem->test->nlocal; i++) {
    const PetscReal *x = run.problem->test->x + 3 * i, w = run.problem->test->weight[i];
    const PetscReal  exact = 2 * x[0] + x[2], error = 0.25 * x[1] + 0.1 * x[2] + 0.5;

    sum[0] += w * error * error, sum[1] += w * exact * exact;
    sum[2] += w * 0.25 * 0.25, sum[3] += w * 4;
    max = PetscMax(max, error);
  }
  OK(MPI_Allreduce(MPI_IN_PLACE, sum, 4, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  OK(MPI_Allreduce(MPI_IN_PLACE, &max, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  assert_true(PetscAbsReal(e->output[0].relative_l2 - PetscSqrtReal(sum[0] / sum[1])) < 1e-14);
  assert_true(PetscAbsReal(e->output[0].relative_h1 - PetscSqrtReal((sum[0] + sum[2]) / (sum[1] + sum[3]))) < 1e-14);
  assert_true(PetscAbsReal(e->output[0].max - max) < 1e-14);
  assert_true(e->all.relative_l2 == e->output[0].relative_l2 && e->all.max == e->output[0].max);
  assert_true(PetscAbsReal(e->all.relative_l2 - 0.4161) <
              0.005); /* the integrals; the number of ranks plays no part */
  OK(VecShift(run.theta, NAN));
  OK(EngdErrorsCompute(e, run.theta, PETSC_FALSE));
  assert_true(PetscIsNanReal(e->all.relative_l2) && PetscIsNanReal(e->all.max));
  OK(EngdErrorsDestroy(&e));
  DestroyRun(&run);
}

/* two outputs: together means sums first, then the quotient */
static void errors_together(void **state)
{
  const PetscReal coefficient[] = {0, 0, 0, 3, 0, 0, 0, 8}; /* u = 3 for 2, v = 8 for 10 */
  Run             run;
  EngdErrors      e;

  (void)state;
  MakeRun(TWO_IN_TIME "-exact_u 2 -exact_v 10", 0, &run);
  SetAffine(&run, 3, 2, coefficient);
  OK(EngdErrorsCreate(run.functional, &e));
  OK(EngdErrorsCompute(e, run.theta, PETSC_FALSE));
  assert_true(PetscAbsReal(e->output[0].relative_l2 - 0.5) < 1e-12);
  assert_true(PetscAbsReal(e->output[1].relative_l2 - 0.2) < 1e-12);
  assert_true(PetscAbsReal(e->all.relative_l2 - PetscSqrtReal(5.0 / 104)) < 1e-12);
  assert_true(PetscAbsReal(e->all.max - 2) < 1e-12);
  OK(EngdErrorsDestroy(&e));
  DestroyRun(&run);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(fields), cmocka_unit_test(errors),
                                     cmocka_unit_test(errors_together)};
  int                     failures;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failures = cmocka_run_group_tests_name("report_errors", tests, NULL, NULL);
  if (PetscFinalize()) return 1;
  return failures;
}
