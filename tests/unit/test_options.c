/*
  Options that nobody has read: those of methods not chosen are let through where they are spelt as the method reads them, those
  of PETSc that are read late before the solve alone; all others are refused with the nearest name.
  ranks: 1 3; errors leak
*/
#include "solver_case.h"

static char message[2048]; /* of the last refusal */

static PetscErrorCode Keep(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                           PetscErrorType type, const char *text, void *data)
{
  (void)comm, (void)line, (void)function, (void)file, (void)data;
  if (type == PETSC_ERROR_INITIAL) (void)PetscStrncpy(message, text, sizeof(message));
  return code;
}

/* the code with which the check of these options fails, or 0 */
static PetscErrorCode Refuse(EngdFunctional F, const char options[], PetscBool final)
{
  PetscErrorCode ierr;

  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(PetscPushErrorHandler(Keep, NULL));
  ierr = EngdCheckOptions(F, final);
  CHECK(PetscPopErrorHandler());
  CHECK(PetscOptionsClear(NULL));
  return ierr;
}

static void TestLate(void **state)
{
  PetscInt  n;
  PetscBool set;
  Setting   s;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CHECK(Refuse(s.F, "", PETSC_FALSE));
  CHECK(Refuse(s.F, "", PETSC_TRUE));
  CHECK(Refuse(s.F, "-memory_view", PETSC_TRUE));
  CHECK(Refuse(s.F, "-theta_view binary:theta.bin", PETSC_FALSE));
  assert_int_equal(Refuse(s.F, "-theta_view binary:theta.bin", PETSC_TRUE), PETSC_ERR_USER_INPUT);
  assert_int_equal(Refuse(s.F, "-thet_view binary:theta.bin", PETSC_FALSE), PETSC_ERR_USER_INPUT);
  assert_int_equal(Refuse(s.F, "-wal_points 3", PETSC_FALSE), PETSC_ERR_USER_INPUT);
  CHECK(PetscOptionsInsertString(NULL, "-wal_points 3"));
  CHECK(PetscOptionsGetInt(NULL, NULL, "-wal_points", &n, &set));
  CHECK(Refuse(s.F, "", PETSC_TRUE));
  End(&s);
}

/* a choice, what the methods that are not chosen read, and nearly that */
static const struct {
  const char *choice, *option, *misspelt;
} other[] = {
    {"", "-tao_engd_dual_momentum 0.5", "-tao_engd_dual_momentumm 0.5"},
    {"", "-tao_engd_randomized_rank 4", "-tao_engd_randomized_rang 4"},
    {"", "-tao_engd_quadratic_first 1", "-tao_engd_quadratic_frst 1"},
    {"-pc_type none", "-pc_kfac_damping 1", "-pc_kfac_dampin 1"},
    {"", "-pc_nystrom_rank 3", "-pc_nystrom_rnk 3"},
    {"", "-ksp_gmres_restart 3", "-ksp_gmres_restrt 3"},
    {"-ksp_type preonly", "-ksp_rtol 1e-3", "-ksp_rtoll 1e-3"},
    {"", "-tao_adam_beta1 0.5", "-tao_adam_beta_1 0.5"},
    {"", "-tao_lmvm_mat_lmvm_hist_size 3", "-tao_lmvm_mat_lmvm_hist_siz 3"},
    {"", "-tao_bqnls_mat_type lmvmsymbroyden", "-tao_bqnls_mat_typ lmvmsymbroyden"},
    {"", "-tao_competitive_length 0.5", "-tao_competitive_lenght 0.5"},
    {"", "-tao_extragradient_length 0.5", "-tao_extragradient_lenth 0.5"},
    {"-tao_type lmvm", "-tao_engd_damping 1", "-tao_engd_dampin 1"},
    {"-tao_type lmvm", "-tao_engd_dense_type absolute", "-tao_engd_dense_typ absolute"},
    {"-tao_type lmvm", "-ksp_rtol 1e-3", "-ksp_rtl 1e-3"},
    {"-tao_type lmvm -pc_type jacobi", "-pc_kfac_ema 0.5", "-pc_kfac_emma 0.5"},
};

/* let through as they are; misspelt refused with the right name (but for PETSc's inner objects with prefixes of their own), also
   after a misspelt one of the same object */
static void TestOther(void **state)
{
  Setting s;
  char    options[512], hint[128];

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CHECK(EngdSolverRegister());
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(other); k++) {
    for (PetscInt final = 0; final < 2; final++) {
      snprintf(options, sizeof(options), "%s %s", other[k].choice, other[k].option);
      CHECK(PetscOptionsInsertString(NULL, other[k].choice));
      CHECK(PetscOptionsHasName(NULL, NULL, "-tao_type", NULL)); /* as the optimiser has */
      if (Refuse(s.F, options, (PetscBool) final)) fail_msg("refused: %s, %s", options, message);
      snprintf(options, sizeof(options), "%s %s", other[k].choice, other[k].misspelt);
      CHECK(PetscOptionsInsertString(NULL, other[k].choice));
      CHECK(PetscOptionsHasName(NULL, NULL, "-tao_type", NULL));
      if (Refuse(s.F, options, (PetscBool) final) != PETSC_ERR_USER_INPUT) fail_msg("let through: %s", options);
      snprintf(hint, sizeof(hint), "(did you mean %.*s?)", (int)strcspn(other[k].option, " "), other[k].option);
      if (!strstr(options, "_mat_") && !strstr(message, hint))
        fail_msg("%s: %s has no hint %s", options, message, hint);
    }
  }
  assert_int_equal(Refuse(s.F, "-pc_kfac_dampin 1 -ksp_rtoll 1 -pc_kfac_emma 1", PETSC_FALSE), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(message, "-pc_kfac_damping?"));
  assert_non_null(strstr(message, "-pc_kfac_ema?"));
  assert_non_null(strstr(message, "-ksp_rtol?"));
  End(&s);
}

/* a method that refuses this problem may not have read all: nothing is held against its options */
static void TestRefusing(void **state)
{
  Setting s;

  (void)state;
  Begin(PETSC_COMM_WORLD, &ritz, "", &s);
  CHECK(EngdSolverRegister());
  CHECK(Refuse(s.F, "-tao_engd_dual_momentum 0.5 -tao_brgn_regularizer_weight 1", PETSC_FALSE));
  CHECK(Refuse(s.F, "-tao_engd_randomized_rank -3 -tao_engd_randomized_power 1", PETSC_FALSE));
  assert_int_equal(Refuse(s.F, "-pc_kfac_dampin 1", PETSC_FALSE), PETSC_ERR_USER_INPUT);
  End(&s);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestLate),
      cmocka_unit_test(TestOther),
      cmocka_unit_test(TestRefusing),
  };
  int failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests_name("options", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failures;
}
