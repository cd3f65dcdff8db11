/*
  Networks that grow: the same function, of several networks and unknown parameters, at each width; what does not grow
  stays; a restart has the stages that were chosen.
  ranks: 1 3; errors leak
*/
#include "functionals.h"
#include <unistd.h>

#define TWO                                                                                                          \
  "-domain_coordinates x,y -domain_lower 0,0 -domain_upper 1,1 -networks flow,pressure -flow_outputs u "             \
  "-pressure_outputs v "                                                                                             \
  "-flow_layers auto -pressure_layers 5,4 -unknown_parameters k=0.3 -engd_monitor false -engd_max_seconds 1000 "     \
  "-terms pde,wall -pde_points 64 -pde_residual lap(u)+k*v+1;v-x*y "                                                 \
  "-wall_region boundary -wall_points 24 -wall_residual u+k*v "
#define NPOINTS 7

static void Make(const char options[], EngdRun *run)
{
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, run));
  CHECK(EngdRunSetFromOptions(*run));
  CHECK(EngdRunSetUp(*run));
  CHECK(EngdRunBegin(*run));
}

/* u and v of the model at some points, and its unknown parameter; theta spread over the ranks */
static void Evaluate(EngdRun run, Vec theta, PetscReal values[2 * NPOINTS + 1])
{
  const EngdModel  model = run->functional->model;
  const PetscReal *whole;
  PetscReal        x[2 * NPOINTS];

  for (PetscInt i = 0; i < 2 * NPOINTS; i++) x[i] = 0.07 + 0.9 * PetscSqr(PetscSinReal((PetscReal)i));
  CHECK(EngdFunctionalSetParameters(run->functional, theta));
  whole = run->functional->present.theta;
  CHECK(EngdModelEvaluate(model, whole, NPOINTS, x, values, NULL));
  values[2 * NPOINTS] = whole[model->nparameters - 1];
}

/* theta <- what no rule of a beginning has made */
static void Perturb(Vec theta)
{
  PetscReal *values;
  PetscInt   begin, end;

  CHECK(VecGetOwnershipRange(theta, &begin, &end));
  CHECK(VecGetArray(theta, &values));
  for (PetscInt j = begin; j < end; j++) values[j - begin] += 0.1 * PetscSinReal(1.7 * (PetscReal)j);
  CHECK(VecRestoreArray(theta, &values));
}

static void TestSameFunction(void **state)
{
  PetscReal before[2 * NPOINTS + 1], after[2 * NPOINTS + 1];
  EngdRun   run;
  PetscBool more;

  (void)state;
  Make(TWO, &run);
  assert_true(run->plan.made && run->plan.grows);
  run->start = MPI_Wtime();
  run->end   = ENGD_END_BY_TAO;
  for (PetscInt level = 1; level <= 2; level++) {
    const PetscInt p = run->functional->model->nparameters;
    PetscReal      loss;

    Perturb(run->theta);
    Evaluate(run, run->theta, before);
    CHECK(EngdFunctionalEvaluate(run->functional, &loss, NULL));
    run->plan.level = level - 1;
    CHECK(EngdGrowthGoOn(run, &more));
    assert_true(more);
    assert_int_equal(run->plan.level, level);
    assert_int_equal(run->functional->network[0]->width[0], 32 << level);
    assert_int_equal(run->functional->network[1]->nhidden, 2);
    assert_int_equal(run->functional->model->nparameters - p, 4 * (32 << (level - 1)));
    Evaluate(run, run->plan.best, after);
    for (PetscInt i = 0; i <= 2 * NPOINTS; i++) assert_true(PetscAbsReal(after[i] - before[i]) < 1e-12);
    assert_true(PetscAbsReal(run->plan.loss / loss - 1) < 1e-10);
    CHECK(VecCopy(run->plan.best, run->theta)); /* the level pays, as far as the next one is concerned */
    run->plan.before = 1e30;
  }
  CHECK(EngdRunDestroy(&run));
}

/* 641 parameters of 64 units: too many for `digits` beside 800 residuals, not beside 400 */
#define EIGHT                                                                                                        \
  "-domain_coordinates xa,xb,xc,xd,xe,xf,xg,xh -domain_lower 0,0,0,0,0,0,0,0 -domain_upper 1,1,1,1,1,1,1,1 "         \
  "-network_layers auto -engd_monitor false -engd_max_seconds 1000 -terms pde,wall -pde_points 300 "                 \
  "-pde_residual lap(u)+xa*xb -wall_region boundary -wall_points 100 -wall_residual u "

static PetscErrorCode Save(EngdRun run, EngdStage *stage, void *none)
{
  (void)stage, (void)none;
  return EngdRunCheckpoint(run);
}

/* more points have come before the network grew: a restart has the stages that were chosen for them */
static void TestSameStages(void **state)
{
  int       id = (int)getpid();
  char      file[64];
  EngdRun   run, again;
  PetscBool more;
  PetscInt  added;

  (void)state;
  assert_int_equal(MPI_Bcast(&id, 1, MPI_INT, 0, PETSC_COMM_WORLD), 0);
  snprintf(file, sizeof(file), "/tmp/engd_growth_%d.h5", id);
  Make(EIGHT, &run);
  run->start = MPI_Wtime();
  CHECK(EngdFunctionalSetParameters(run->functional, run->theta));
  CHECK(EngdFunctionalAddPoints(run->functional, 0, 300, &added));
  assert_int_equal(added, 300);
  CHECK(EngdFunctionalAddPoints(run->functional, 1, 100, &added));
  CHECK(EngdGrowthGoOn(run, &more));
  assert_true(more && !strstr(run->stages, "digits"));
  CHECK(EngdRunSetCheckpoint(run, file, 0, 0));
  CHECK(EngdStageDo(run, &run->stage[0], Save, NULL));

  Make(EIGHT, &again);
  CHECK(EngdRunSetRestart(again, file));
  CHECK(EngdRunRestart(again));
  assert_int_equal(again->plan.level, 1);
  assert_string_equal(again->stages, run->stages);
  assert_int_equal(again->functional->nrows, run->functional->nrows);
  (void)unlink(file);
  CHECK(EngdRunDestroy(&again));
  CHECK(EngdRunDestroy(&run));
  CHECK(PetscOptionsClear(NULL));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSameFunction), cmocka_unit_test(TestSameStages)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
