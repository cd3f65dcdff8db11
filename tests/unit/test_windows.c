/*
  Windows of time: which is whose, the solution of each, and that one goes on where the one before has ended.
  ranks: 1 2 3
*/
#include "solver_case.h"

#define HEAT                                                                                                         \
  "-domain_lower 0 -domain_upper 1 -domain_coordinates x -domain_time 1,4 -network_layers 12 -network_init_scale 3 " \
  "-terms pde,wall,start -pde_points 80 -pde_residual u_t-0.1*u_xx -wall_region boundary -wall_points 20 "           \
  "-wall_residual u -wall_weight 10 -start_region initial -start_points 15 -start_residual u-sin(pi*x) "             \
  "-start_weight 10 -tao_max_it 40 -tao_engd_direction dense -engd_monitor false -exact_u "                          \
  "sin(pi*x)*exp(-0.1*pi^2*(t-1)) "

static void Make(const char options[], PetscInt windows, EngdRun *run)
{
  EngdProblem problem;

  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, HEAT));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, run));
  CHECK(EngdRunGetProblem(*run, &problem));
  CHECK(EngdProblemSetWindows(problem, windows));
  CHECK(EngdRunSetFromOptions(*run));
  CHECK(EngdRunSetUp(*run));
}

static void TestFind(void **state)
{
  EngdRun    run;
  EngdDomain domain;

  (void)state;
  Make("", 3, &run);
  domain = run->problem->domain;
  assert_int_equal(domain->nwindows, 3);
  assert_int_equal(EngdDomainFindWindow(domain, 1), 0);
  assert_int_equal(EngdDomainFindWindow(domain, 2), 0);
  assert_int_equal(EngdDomainFindWindow(domain, 2.001), 1);
  assert_int_equal(EngdDomainFindWindow(domain, 3), 1);
  assert_int_equal(EngdDomainFindWindow(domain, 4), 2);
  EngdDomainSetWindow(domain, 1);
  assert_true(domain->window[0] == 2 && domain->window[1] == 3);
  EngdDomainSetWindow(domain, -1);
  assert_true(domain->window[0] == 1 && domain->window[1] == 4);
  for (PetscInt i = 0; i < run->problem->term[0]->points->nlocal; i++)
    assert_true(run->problem->term[0]->points->x[2 * i + 1] < 2);
  CHECK(EngdRunDestroy(&run));
}

/* the first window is what a problem of that time alone comes to; at its end the next one goes on; a run again is the same */
static void TestSolve(void **state)
{
  const PetscReal x[] = {0.3, 1.5, 0.3, 2, 0.3, 2 + 1e-7, 0.3, 3, 0.3, 3 + 1e-7, 0.3, 3.9};
  PetscReal       u[6], again[6], first[6], error;
  EngdRun         run;

  (void)state;
  Make("", 3, &run);
  CHECK(EngdRunSolve(run));
  CHECK(EngdRunEvaluate(run, 6, x, u, NULL));
  CHECK(EngdReportMeasure(run->report, run->theta, &error));
  assert_true(error < 3e-3);
  assert_int_equal(run->functional->model->npast, 2);
  for (PetscInt k = 0; k < 6; k++)
    assert_true(PetscAbsReal(u[k] - PetscSinReal(PETSC_PI * 0.3) *
                                        PetscExpReal(-0.1 * PetscSqr(PETSC_PI) * (x[2 * k + 1] - 1))) < 5e-3);
  assert_true(PetscAbsReal(u[1] - u[2]) < 2e-4 && u[1] - u[2] != 0);
  assert_true(PetscAbsReal(u[3] - u[4]) < 2e-4 && u[3] - u[4] != 0);
  CHECK(EngdRunSolve(run));
  CHECK(EngdRunDestroy(&run));
  Make("-domain_time 1,2", 1, &run);
  CHECK(EngdRunSolve(run));
  CHECK(EngdRunEvaluate(run, 2, x, first, NULL));
  for (PetscInt k = 0; k < 2; k++) assert_true(PetscAbsReal(first[k] - u[k]) < 1e-12);
  CHECK(EngdRunDestroy(&run));
  Make("-engd_stages adam,engd -adam_tao_max_it 3 -pde_adapt rad -pde_resample 15", 3, &run);
  CHECK(EngdRunSolve(run));
  assert_int_equal(run->last_row, 3 * 43);
  CHECK(EngdRunEvaluate(run, 6, x, again, NULL));
  assert_true(PetscAbsReal(again[5] - u[5]) < 5e-3);
  CHECK(EngdRunDestroy(&run));
}

/* what is left of the initial residual, with its velocity: r(u) - r(u before), the derivatives those of r(u) */
static void TestOffset(void **state)
{
  EngdFunctional   F;
  EngdRun          run;
  const PetscReal *theta;
  PetscReal        loss, norm;
  Vec              gradient;

  (void)state;
  Make("-terms start -start_residual u-sin(pi*x);u_t+u*x", 3, &run);
  F = run->functional;
  CHECK(EngdFunctionalSetParameters(F, run->theta));
  CHECK(VecGetArrayRead(F->present.theta, &theta));
  CHECK(EngdModelAddPast(F->model, theta));
  CHECK(VecRestoreArrayRead(F->present.theta, &theta));
  CHECK(VecDuplicate(run->theta, &gradient));
  CHECK(EngdFunctionalEvaluate(F, &loss, gradient));
  assert_true(loss > 1e-3);
  CHECK(EngdFunctionalAttachPoints(F));
  CHECK(EngdFunctionalEvaluate(F, &loss, gradient));
  CHECK(VecNorm(gradient, NORM_2, &norm));
  assert_true(loss == 0 && norm == 0);
  CHECK(VecDestroy(&gradient));
  CHECK(EngdRunDestroy(&run));
}

int main(int argc, char *argv[])
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestFind), cmocka_unit_test(TestSolve),
                                     cmocka_unit_test(TestOffset)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
