/*
  A run that is solved a second time from the same parameters does what it did at first, whatever it has learned in between:
  points, multipliers, walkers, windows of time, an evolution, a plan with its doubled points, averages of optimisers; also behind
  an error. So does another run of the same options in the same process.
  ranks: 1 2; errors leak
*/
#include "functionals.h"
#include <engd/evolve.h>

#define FLAT                                                                                                         \
  "-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 6 -engd_test_points 20 "                    \
  "-terms pde,wall -pde_points 24 -pde_residual lap(u)+pi^2*sin(pi*x) -wall_region boundary -wall_points 2 "         \
  "-wall_residual u -exact_u sin(pi*x) "
#define TIME                                                                                                         \
  "-domain_lower 0 -domain_upper 1 -domain_coordinates x -domain_time 0,1 -network_layers 6 -engd_test_points 20 "   \
  "-terms pde,wall,start -pde_points 40 -pde_residual u_t-0.1*u_xx -wall_region boundary -wall_points 10 "           \
  "-wall_residual u -start_region initial -start_points 9 -start_residual u-sin(pi*x) "
#define EVOLVES                                                                                                      \
  "-domain_lower 0 -domain_upper 1 -domain_coordinates x -domain_periodic x -network_layers 6 -engd_test_points 20 " \
  "-terms start -start_points 40 -start_residual u-sin(2*pi*x) -engd_time_rhs (-u_x) -engd_time_final 0.2 "          \
  "-engd_time_rcond 1e-6 -ts_dt 0.02 -tao_max_it 8 -tao_engd_direction tsvd "

#define WALKERS                                                                                                      \
  "-domain_lower -3 -domain_upper 3 -domain_coordinates x -network_layers 4 -engd_test_points 20 -terms energy "     \
  "-energy_points 40 -energy_log_psi u-x^2 -energy_local_energy (x^2-lap(u)+2-normsq(grad(u)-2*[x]))/2 "             \
  "-energy_walk_burn 40 -energy_walk_steps 5 -energy_walk_sweeps 4 -tao_max_it 3 "
/* with one iteration each no stage of a plan knows a pace, and what the clock says does not count */
#define SHORT                                                                                                        \
  "-digits_tao_max_it 1 -valley_tao_max_it 1 -slopes_tao_max_it 1 -wide_tao_max_it 1 -again_tao_max_it 1 "           \
  "-more_tao_max_it 1 -last_tao_max_it 1 "

/* what a solve has come to */
typedef struct {
  PetscReal  loss, t;
  PetscInt   iterations, krylov, rows;
  PetscInt64 evaluations;
} Result;

static Result Solve(EngdRun run, Vec start)
{
  EngdOutcome outcome;
  Result      result;

  CHECK(VecCopy(start, run->theta));
  CHECK(SolveQuietly(run));
  CHECK(EngdRunGetOutcome(run, &outcome));
  result = (Result){.loss        = outcome.loss,
                    .t           = run->evolution ? run->evolution->t : 0,
                    .iterations  = outcome.iterations,
                    .krylov      = outcome.krylov_iterations,
                    .rows        = run->functional->nrows,
                    .evaluations = outcome.evaluations};
  CHECK(EngdRunForgetOutcome(&outcome));
  return result;
}

static void Compare(const char options[], const char what[], const Result *a, const Result *b)
{
  if (!(PetscAbsReal(a->loss - b->loss) <= 1e-9 * PetscAbsReal(a->loss)) || a->t != b->t)
    fail_msg("%s, %s: loss %.15g and %.15g, at t = %g and %g", options, what, (double)a->loss, (double)b->loss,
             (double)a->t, (double)b->t);
  if (a->iterations != b->iterations || a->krylov != b->krylov || a->rows != b->rows ||
      a->evaluations != b->evaluations)
    fail_msg("%s, %s: %d and %d iterations, %d and %d of a KSP, %d and %d rows, %d and %d evaluations", options, what,
             (int)a->iterations, (int)b->iterations, (int)a->krylov, (int)b->krylov, (int)a->rows, (int)b->rows,
             (int)a->evaluations, (int)b->evaluations);
}

/* ends a run in the middle, as a function of the program's own may */
static PetscErrorCode Fail(Tao tao, void *data)
{
  PetscInt iteration;

  PetscFunctionBeginUser;
  PetscCall(TaoGetIterationNumber(tao, &iteration));
  PetscCheck(!*(PetscBool *)data || iteration < 1, PETSC_COMM_WORLD, PETSC_ERR_USER, "the program's own error");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Make(EngdRun *run, PetscBool *fails)
{
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, run));
  CHECK(EngdRunSetFromOptions(*run));
  CHECK(EngdRunSetUp(*run));
  for (PetscInt k = 0; k < (*run)->nstages; k++) CHECK(TaoMonitorSet((*run)->stage[k].tao, Fail, fails, NULL));
}

static void TryTwice(const char options[])
{
  PetscBool fails = PETSC_FALSE;
  Result    first, second;
  EngdRun   run;
  Vec       start;

  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, options));
  Make(&run, &fails);
  CHECK(VecDuplicate(run->theta, &start));
  CHECK(VecCopy(run->theta, start));
  first  = Solve(run, start);
  second = Solve(run, start);
  Compare(options, "again", &first, &second);
  CHECK(EngdRunDestroy(&run));
  Make(&run, &fails);
  fails = PETSC_TRUE;
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  assert_int_equal(SolveQuietly(run), PETSC_ERR_USER);
  CHECK(PetscPopErrorHandler());
  fails  = PETSC_FALSE;
  second = Solve(run, start);
  Compare(options, "another run, behind an error", &first, &second);
  CHECK(VecDestroy(&start));
  CHECK(EngdRunDestroy(&run));
}

static void TestTwice(void **state)
{
  const char *const options[] = {
      FLAT "-tao_engd_direction tsvd -tao_max_it 6",
      FLAT "-tao_engd_direction dense -tao_engd_dense_ema 0.6 -tao_max_it 6 -pde_resample 2 -pde_sampler uniform",
      FLAT "-tao_engd_direction dense -pde_adapt rad -pde_resample 2 -tao_max_it 7",
      FLAT "-tao_engd_direction dense -pde_adapt rar -pde_adapt_times 2 -pde_resample 2 -tao_max_it 7",
      FLAT "-tao_type adam -tao_max_it 9",
      FLAT "-tao_type lmvm -tao_max_it 9",
      FLAT "-engd_stages adam,engd -adam_tao_max_it 5 -engd_tao_max_it 4 -engd_tao_engd_direction dual "
           "-engd_tao_engd_dual_momentum 0.5",
      FLAT "-tao_engd_direction krylov -pc_type kfac -pc_kfac_ema 0.6 -ksp_max_it 5 -tao_max_it 6",
      FLAT "-tao_engd_direction krylov -pc_type nystrom -ksp_max_it 5 -tao_engd_step trust_region -tao_max_it 6",
      FLAT "-tao_engd_direction randomized -tao_max_it 6",
      FLAT "-terms ritz,wall -ritz_energy u_x^2/2-u -ritz_points 16 -wall_multipliers 2 -tao_engd_direction dense "
           "-tao_max_it 9",
      FLAT SHORT "-network_layers 3 -pde_residual lap(u)+1e4*exp(-500*(x-0.52)^2) -pde_points 9",
      TIME "-engd_windows 2 -tao_engd_direction tsvd -tao_max_it 5",
      TIME "-engd_windows 2 -tao_engd_direction dense -tao_max_it 7 -pde_causal 2 -pde_adapt rar -pde_resample 3",
      TIME "-tao_engd_direction dense -tao_max_it 7 -pde_causal 2",
      TIME "-engd_windows 2 -tao_engd_direction dense -tao_max_it 7 -pde_adapt rar -pde_resample 3",
      TIME "-engd_windows 2 -tao_engd_direction dense -tao_max_it 7 -pde_causal 2",
      TIME "-engd_windows 2 -tao_engd_direction dense -tao_max_it 7 -pde_adapt rad -pde_resample 3",
      EVOLVES "-engd_time_stepping galerkin",
      EVOLVES "-engd_time_stepping teng",
      EVOLVES "-engd_time_stepping galerkin -ts_rk_type 5dp -ts_adapt_type basic",
      EVOLVES "-engd_time_stepping teng -ts_type theta -engd_time_last_layer",
      WALKERS "-tao_engd_direction dense",
      FLAT "-unknown_parameters k=1 -pde_residual k*lap(u)+pi^2*sin(pi*x) -tao_engd_direction tsvd -tao_max_it 6",
  };

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) TryTwice(options[k]);
  CHECK(PetscOptionsClear(NULL));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestTwice)};
  int                     failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests_name("twice", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failures;
}
