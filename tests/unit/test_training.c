/*
  Whole runs of TAO type engd: the loss never grows, new points come when they are due, why it stops, numbers that are none;
  and PETSc's own TAO types on the same objective.
  ranks: 1 2 3
*/
#include "solver_record.h"

/* every kind of step, with and without momentum and adaptive lambda, on every kind of problem */
static void TestLossNeverGrows(void **state)
{
  const char *const steps[]  = {"grid", "armijo", "fixed", "trust_region", "quadratic"};
  const Case *const which[]  = {&poisson, &ritz, &logarithm};
  const char *const others[] = {"", "-tao_engd_momentum 0.9", "-tao_engd_damping 1e-6 -tao_engd_damping_adapt false",
                                "-tao_engd_momentum 0.5 -ksp_type preonly -pc_type kfac"};
  char              options[256];
  Record            r;

  (void)state;
  for (int c = 0; c < 5 * 3 * 4; c++) {
    const PetscBool quadratic = (PetscBool)(c % 5 == 4), alone = (PetscBool)(c / 15 == 3);

    snprintf(options, sizeof(options), "-tao_engd_step %s %s%s -tao_max_it 30", steps[c % 5], others[c / 15],
             quadratic ? " -tao_engd_momentum 0" : "");
    (void)SolveCase(which[c / 5 % 3], "", options, &r);
    assert_true(r.n > 3);
    for (PetscInt k = 1; k < r.n; k++) {
      if (!(r.loss[k] <= r.loss[k - 1] + 1e-14 * PetscAbsReal(r.loss[0])))
        fail_msg("%s, %s: %.17g after %.17g", which[c / 5 % 3]->name, options, r.loss[k], r.loss[k - 1]);
    }
    /* a preconditioner alone knows no lambda: a step of length 1 that is rejected once always is */
    assert_true(r.loss[r.n - 1] < r.loss[0] || (alone && (c % 5 == 2 || c % 5 == 3)));
    CHECK(PetscFree(r.theta));
  }
}

/* -pde_resample 3: new points before iterations 3, 6, 9; the loss may grow there and nowhere else */
static void TestResampling(void **state)
{
  const char *const steps[] = {"-tao_engd_step grid -tao_max_it 10", "-tao_engd_step armijo -tao_max_it 10"};
  Record            r;

  (void)state;
  for (size_t c = 0; c < 2; c++) {
    (void)SolveCase(&poisson, "-pde_resample 3", steps[c], &r);
    assert_int_equal(r.n, 11);
    for (PetscInt k = 1; k < r.n; k++) {
      /* row k is after iteration k - 1 */
      const PetscBool due = (PetscBool)(k > 1 && (k - 1) % 3 == 0);

      assert_true(due == (r.points[k] != r.points[k - 1]));
      assert_true(due || r.loss[k] <= r.loss[k - 1]);
      assert_true(r.status[k].step > 0);
    }
    CHECK(PetscFree(r.theta));
  }
}

static void TestWhyItStops(void **state)
{
  Record r;

  (void)state;
  assert_int_equal(SolveCase(&poisson, "", "-tao_max_it 3", &r), TAO_DIVERGED_MAXITS);
  assert_int_equal(r.n, 4);
  CHECK(PetscFree(r.theta));
  assert_int_equal(SolveCase(&poisson, "", "-tao_gatol 1 -tao_max_it 50", &r), TAO_CONVERGED_GATOL);
  assert_true(r.n > 2 && r.gradient_norm[r.n - 1] <= 1 && r.gradient_norm[r.n - 2] > 1);
  CHECK(PetscFree(r.theta));
  assert_int_equal(SolveCase(&poisson, "", "-tao_fmin 10 -tao_max_it 50", &r), TAO_CONVERGED_MINF);
  assert_true(r.loss[r.n - 1] <= 10 && r.loss[r.n - 2] > 10);
  CHECK(PetscFree(r.theta));
}

/* Steps into where the residual is not a number are met, and not taken */
static void TestNotANumber(void **state)
{
  const char *const options[] = {"-tao_engd_step grid", "-tao_engd_step armijo",
                                 "-tao_engd_step fixed -tao_engd_max_rejections 50",
                                 "-tao_engd_step grid -tao_engd_momentum 0.9"};
  Record            r;
  PetscReal         loss, *d;
  Setting           s;

  (void)state;
  Begin(PETSC_COMM_WORLD, &logarithm, "", &s);
  CHECK(PetscMalloc1(s.p, &d));
  CHECK(EngdFunctionalEvaluate(s.F, &loss, s.v));
  ExactDirection(s.F, 1e-8, s.v, d);
  for (PetscInt j = 0; j < s.p; j++) CHECK(VecSetValue(s.w, j, d[j], INSERT_VALUES));
  CHECK(VecAssemblyBegin(s.w));
  CHECK(VecAssemblyEnd(s.w));
  assert_true(PetscIsNanReal(LossAt(s.F, s.theta, 1, s.w)));
  CHECK(PetscFree(d));
  End(&s);
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(options); c++) {
    char all[256];

    snprintf(all, sizeof(all), "%s -tao_engd_damping 1e-8 -tao_max_it 20", options[c]);
    (void)SolveCase(&logarithm, "", all, &r);
    for (PetscInt k = 0; k < r.n; k++) {
      assert_false(PetscIsInfOrNanReal(r.loss[k]) || PetscIsInfOrNanReal(r.gradient_norm[k]));
      for (PetscInt j = 0; j < r.p; j++) assert_false(PetscIsInfOrNanReal(r.theta[k * r.p + j]));
    }
    assert_true(r.status[1].step < 1 && r.loss[r.n - 1] < 0.5 * r.loss[0]);
    CHECK(PetscFree(r.theta));
  }
}

/* a second TaoSolve() goes on from where the first one ended */
static void TestSolveAgain(void **state)
{
  PetscReal first, second;
  Setting   s;
  Tao       tao;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CreateTao(&s, "-tao_max_it 3", &tao);
  CHECK(TaoSolve(tao));
  CHECK(TaoGetSolutionStatus(tao, NULL, &first, NULL, NULL, NULL, NULL));
  CHECK(TaoSolve(tao));
  CHECK(TaoGetSolutionStatus(tao, NULL, &second, NULL, NULL, NULL, NULL));
  assert_true(second < first);
  CHECK(TaoDestroy(&tao));
  End(&s);
}

/* The methods of PETSc reduce the same loss in five iterations, where they apply */
static void TestOtherTypes(void **state)
{
  const char *const types[] = {"lmvm", "cg", "nls", "ntr", "bqnls", "brgn"};

  (void)state;
  for (size_t c = 0; c < 2 * PETSC_STATIC_ARRAY_LENGTH(types); c++) {
    char      options[128];
    PetscReal before, after;
    Setting   s;
    Tao       tao;

    if (c % 2 && !strcmp(types[c / 2], "brgn")) continue; /* least squares only */
    snprintf(options, sizeof(options), "-tao_type %s -tao_max_it 5", types[c / 2]);
    Begin(PETSC_COMM_WORLD, c % 2 ? &ritz : &poisson, "", &s);
    CreateTao(&s, options, &tao);
    CHECK(EngdFunctionalEvaluate(s.F, &before, NULL));
    CHECK(TaoSolve(tao));
    after = LossAt(s.F, s.theta, 0, s.theta);
    if (!(after < before)) fail_msg("%s: loss %g after %g", options, (double)after, (double)before);
    CHECK(TaoDestroy(&tao));
    End(&s);
  }
}

/* s.theta after one iteration with the first options less that with the others is zero */
static void OneStepAgrees(void (*begin)(Setting *), const char first[], const char second[])
{
  const char *const options[] = {first, second};
  PetscReal        *step[2];
  Setting           s;
  Tao               tao;

  for (int c = 0; c < 2; c++) {
    (*begin)(&s);
    CHECK(VecCopy(s.theta, s.w));
    CHECK(PetscOptionsInsertString(NULL, "-tao_max_it 1"));
    CreateTao(&s, options[c], &tao);
    CHECK(TaoSolve(tao));
    CHECK(VecAXPY(s.theta, -1, s.w));
    CHECK(PetscMalloc1(s.p, &step[c]));
    Whole(s.theta, step[c]);
    CHECK(TaoDestroy(&tao));
    if (c) CloseAll(second, (size_t)s.p, step[1], step[0], 1e-8);
    End(&s);
  }
  CHECK(PetscFree(step[0]));
  CHECK(PetscFree(step[1]));
}

/* A Gauss-Newton step by the truncated SVD of J is that of TAO's brgn, by CG on J^T J with next to no regularisation */
static void TestAgreesWithBrgn(void **state)
{
  (void)state;
  OneStepAgrees(BeginAffine, "-tao_engd_direction tsvd -tao_engd_rcond 1e-14 -tao_engd_step fixed",
                "-tao_type brgn -tao_brgn_regularization_type l2pure -tao_brgn_regularizer_weight 1e-15 "
                "-tao_brgn_subsolver_tao_ls_type unit -tao_brgn_subsolver_tao_bnk_pc_type none "
                "-tao_brgn_subsolver_tao_bnk_ksp_rtol 1e-14");
}

/* 37 residuals; 113 parameters of a network that is not affine */
static void BeginWide(Setting *s)
{
  Begin(PETSC_COMM_WORLD, &poisson, "-network_layers 7,9,1", s);
  assert_true(s->p > 37);
}

/* A step of ENGD-W, by the kernel J J^T (N, N), is the one of ENGD, by G (p, p), with the same lambda and line search; in the
   first iteration also that of SPRING, but for its correction */
static void TestEngdWIsEngd(void **state)
{
#define DAMPED "-tao_engd_damping 1e-3 -tao_engd_step grid "
  const char *const dual[] = {DAMPED "-tao_engd_direction dual",
                              DAMPED "-tao_engd_direction dual -tao_engd_dual_solver krylov -ksp_rtol 1e-13",
                              DAMPED "-tao_engd_direction dual -tao_engd_dual_momentum 0.9 "
                                     "-tao_engd_dual_bias_correction false"};

  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(dual); c++) {
    OneStepAgrees(BeginWide, DAMPED "-tao_engd_direction dense", dual[c]);
    OneStepAgrees(BeginWide,
                  DAMPED "-tao_engd_direction krylov -ksp_type cg -pc_type none -ksp_rtol 1e-14 -ksp_max_it 2000",
                  dual[c]);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestLossNeverGrows), cmocka_unit_test(TestResampling),  cmocka_unit_test(TestWhyItStops),
      cmocka_unit_test(TestNotANumber),     cmocka_unit_test(TestSolveAgain),  cmocka_unit_test(TestOtherTypes),
      cmocka_unit_test(TestAgreesWithBrgn), cmocka_unit_test(TestEngdWIsEngd),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("training", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
