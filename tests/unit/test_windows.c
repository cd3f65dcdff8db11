/*
  Windows of time: which is whose, the solution of each, and that one goes on where the one before has ended; causal weights.
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

#define NETWORKS                                                                                                     \
  "-networks u,q -q_layers 8 -q_init_scale 2 -pde_residual u_t-0.1*q_x;q-u_x -exact_q "                              \
  "pi*cos(pi*x)*exp(-0.1*pi^2*(t-1)) -tao_max_it 30 "

/* several networks: the first window is what a problem of that time alone comes to, and u and q go on from one to the next */
static void TestNetworks(void **state)
{
  const PetscReal x[] = {0.3, 1.5, 0.3, 2, 0.3, 2 + 1e-7, 0.6, 3.9};
  PetscReal       u[8], first[4];
  EngdRun         run;

  (void)state;
  Make(NETWORKS, 3, &run);
  CHECK(EngdRunSolve(run));
  assert_int_equal(run->functional->model->npast, 2);
  CHECK(EngdRunEvaluate(run, 4, x, u, NULL));
  CHECK(EngdRunDestroy(&run));
  for (PetscInt k = 0; k < 4; k++) {
    const PetscReal decay = PetscExpReal(-0.1 * PetscSqr(PETSC_PI) * (x[2 * k + 1] - 1));

    assert_true(PetscAbsReal(u[2 * k] - PetscSinReal(PETSC_PI * x[2 * k]) * decay) < 2e-2);
    assert_true(PetscAbsReal(u[2 * k + 1] - PETSC_PI * PetscCosReal(PETSC_PI * x[2 * k]) * decay) < 1e-1);
  }
  assert_true(PetscAbsReal(u[2] - u[4]) < 1e-3 && u[2] - u[4] != 0);
  Make(NETWORKS "-domain_time 1,2", 1, &run);
  CHECK(EngdRunSolve(run));
  CHECK(EngdRunEvaluate(run, 2, x, first, NULL));
  CHECK(EngdRunDestroy(&run));
  for (PetscInt k = 0; k < 4; k++) assert_true(PetscAbsReal(first[k] - u[k]) < 1e-12);
}

/* what is left of the initial residual, with its velocity: r(u) - r(u before), the derivatives those of r(u) */
static void TestOffset(void **state)
{
  EngdFunctional F;
  EngdRun        run;
  PetscReal      loss, norm;
  Vec            gradient;

  (void)state;
  Make("-terms start -start_residual u-sin(pi*x);u_t+u*x", 3, &run);
  F = run->functional;
  CHECK(EngdFunctionalSetParameters(F, run->theta));
  CHECK(EngdModelAddPast(F->model, F->present.theta));
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

/* exp(-eps times the mean losses of the slabs before), from the residuals themselves; the gradient is that of the loss */
static void TestCausal(void **state)
{
  EngdFunctional  F;
  EngdRun         run;
  const PetscReal eps     = 0.7;
  PetscReal       loss[5] = {0}, weight[5] = {0}, total[2] = {0, 0}, whole, plain, earlier = 0;
  PetscBool       any;

  (void)state;
  Make("-pde_causal 0.7 -pde_causal_slabs 5 -pde_points 97 -pde_sampler halton", 1, &run);
  F = run->functional;
  CHECK(EngdFunctionalSetParameters(F, run->theta));
  CHECK(EngdFunctionalEvaluate(F, &plain, NULL));
  CHECK(EngdFunctionalUpdateCausal(F, &any));
  assert_true(any);
  CHECK(EngdFunctionalEvaluate(F, &whole, NULL));
  for (PetscInt pass = 0; pass < 2; pass++) {
    for (PetscInt b = 0; b < F->nblocks; b++) {
      EngdBlock *block;

      CHECK(EngdFunctionalGetBlock(F, b, &block));
      for (PetscInt i = 0; i < block->n; i++) {
        const EngdTerm  term = run->problem->term[block->term];
        const PetscInt  k    = PetscMin(4, (PetscInt)((block->x[2 * i + 1] - 1) / 3 * 5));
        const PetscReal w = term->points->weight[block->start + i], r = block->value[i];

        if (!pass && !block->term) loss[k] += w * r * r / 2;
        if (!pass && !block->term) weight[k] += w;
        if (pass) total[0] += (block->term ? 1 : loss[k]) * term->weight * term->measure * w * r * r / 2;
      }
    }
    if (pass) break;
    CHECK(MPI_Allreduce(MPI_IN_PLACE, loss, 5, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
    CHECK(MPI_Allreduce(MPI_IN_PLACE, weight, 5, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
    for (PetscInt k = 0; k < 5; k++) {
      const PetscReal mean = loss[k] / weight[k];

      loss[k] = PetscExpReal(-eps * earlier);
      earlier += mean;
    }
  }
  CHECK(MPI_Allreduce(MPI_IN_PLACE, total, 2, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  assert_true(PetscAbsReal(total[0] - whole) < 1e-12 * whole);
  assert_true(loss[0] == 1 && loss[4] < 0.95 && whole < plain);
  CHECK(EngdRunDestroy(&run));
}

int main(int argc, char *argv[])
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestFind), cmocka_unit_test(TestSolve),
                                     cmocka_unit_test(TestNetworks), cmocka_unit_test(TestOffset),
                                     cmocka_unit_test(TestCausal)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
