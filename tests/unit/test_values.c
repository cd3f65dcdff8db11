/*
  Options without their value: refused by name, wherever they stand and whoever reads them; yes-or-no ones and viewers are not.
  ranks: 1 2; errors leak
*/
#include "refusals.h"

/* options that need a value, with what they need beside them */
static const char *const need[][2] = {
    {"-tao_max_it", ""},
    {"-tao_gatol", ""},
    {"-tao_type", ""},
    {"-tao_engd_damping", ""},
    {"-tao_engd_rcond", ""},
    {"-tao_engd_stall", ""},
    {"-tao_engd_step", ""},
    {"-tao_engd_direction", ""},
    {"-tao_engd_curvature", ""},
    {"-tao_engd_momentum", ""},
    {"-tao_engd_dual_momentum", "-tao_engd_direction dual"},
    {"-tao_adam_beta1", "-tao_type adam"},
    {"-tao_lmvm_mat_lmvm_hist_size", "-tao_type lmvm"},
    {"-ksp_rtol", "-tao_engd_direction krylov"},
    {"-ksp_type", "-tao_engd_direction krylov"},
    {"-pc_type", "-tao_engd_direction krylov"},
    {"-pc_kfac_damping", "-tao_engd_direction krylov"},
    {"-pc_nystrom_rank", "-tao_engd_direction krylov -pc_type nystrom"},
    {"-adam_tao_max_it", "-engd_stages adam,engd"},
    {"-engd_stages", ""},
    {"-engd_max_seconds", ""},
    {"-engd_target_error", ""},
    {"-engd_memory_limit", ""},
    {"-engd_monitor_every", ""},
    {"-engd_problem_name", ""},
    {"-engd_seed", ""},
    {"-engd_history", ""},
    {"-engd_summary", ""},
    {"-engd_solution", ""},
    {"-wall_weight", ""},
    {"-wall_sampler", ""},
    {"-pde_resample", ""},
    {"-network_init_scale", ""},
    {"-network_layers", ""},
    {"-network_activation", ""},
    {"-network_outputs", ""},
    {"-domain_type", ""},
    {"-domain_time", ""},
    {"-exact_u", ""},
    {"-parameters", ""},
    {"-spectrum", ""},
    {"-spectrum_output", "-spectrum hessian"},
    {"-spectrum_tolerance", "-spectrum hessian"},
    {"-spectrum_cutoffs", "-spectrum jacobian"},
    {"-eps_nev", "-spectrum hessian"},
    {"-eps_type", "-spectrum hessian"},
    {"-eps_interval", "-spectrum hessian"},
    {"-svd_nsv", "-spectrum jacobian"},
    {"-st_type", "-spectrum hessian"},
    {"-st_shift", "-spectrum hessian"},
};

static void TestNeed(void **state)
{
  char options[1024], expected[128];

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(need); k++) {
    snprintf(expected, sizeof(expected), "%s has no value", need[k][0]);
    for (int how = 0; how < 3; how++) { /* before another key, at the end, and with blanks */
      snprintf(options, sizeof(options), POISSON RESIDUALS "%s %s %s", need[k][1], need[k][0],
               how == 0   ? "-tao_fmin 0 -tao_engd_geodesic"
               : how == 1 ? ""
                          : "\"  \"");
      if (!strstr(Refusal(options), expected)) fail_msg("%s %s: %s", need[k][1], need[k][0], refusal);
    }
  }
}

/* nothing is wrong without a value */
static const char *const bare[] = {
    "-tao_engd_damping_adapt",
    "-tao_engd_geodesic -tao_engd_direction tsvd",
    "-tao_view",
    "-tao_monitor",
    "-tao_converged_reason",
    "-tao_engd_direction krylov -ksp_view -ksp_monitor -ksp_converged_reason",
    "-tao_type lmvm -tao_lmvm_recycle",
    "-spectrum hessian -spectrum_dense -spectrum_layers",
    "-spectrum hessian -eps_view -eps_smallest_real -eps_converged_reason",
    "-theta_view",
    "-malloc_dump -options_left",
};

static void TestBare(void **state)
{
  char options[1024];

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(bare); k++) {
    snprintf(options, sizeof(options), POISSON RESIDUALS "%s", bare[k]);
    if (*Refusal(options)) fail_msg("%s: %s", bare[k], refusal);
  }
}

/* the same words where several are missing: the one that is read is named, those of a value that is not missing stay */
static void TestWords(void **state)
{
  char options[1024];

  (void)state;
  snprintf(options, sizeof(options),
           POISSON RESIDUALS "-tao_engd_geodesic -tao_engd_damping_adapt -tao_max_it -eps_nev");
  (void)Refusal(options);
  assert_non_null(strstr(refusal, "-tao_max_it has no value"));
  assert_null(strstr(refusal, "geodesic"));
  assert_false(EngdOptionsIsMissing(NULL));
  assert_false(EngdOptionsIsMissing("yes"));
  assert_false(EngdOptionsIsMissing("true"));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestNeed),
      cmocka_unit_test(TestBare),
      cmocka_unit_test(TestWords),
  };
  int failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests_name("values", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failures;
}
