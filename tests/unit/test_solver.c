/*
  TAO type engd: what an iteration does to theta, lambda and momentum, against the formulas of tao_engd.c with directions by
  LAPACK. Whole runs are in test_training.c.
  ranks: 1 2 3
*/
#include "solver_record.h"

/* A step that is far too long is rejected: theta stays bit by bit, lambda grows tenfold, ten in a row are the end */
static void TestRejection(void **state)
{
  Record r;

  (void)state;
  assert_int_equal(SolveCase(&poisson, "",
                             "-tao_engd_step fixed -tao_engd_step_length 1e6 -tao_engd_damping 1e-3 "
                             "-tao_engd_max_rejections 4 -tao_max_it 20",
                             &r),
                   TAO_DIVERGED_LS_FAILURE);
  assert_int_equal(r.n, 5);
  for (PetscInt k = 1; k < r.n; k++) {
    assert_memory_equal(r.theta + k * r.p, r.theta, (size_t)r.p * sizeof(PetscReal));
    assert_true(r.loss[k] == r.loss[0] && r.status[k].step == 0);
    Close("damping", r.status[k].damping, 1e-3 * PetscPowRealInt(10, k - 1), 1e-12);
  }
  CHECK(PetscFree(r.theta));
}

/* A fixed lambda is raised by rejections alone, and steps bring it back to where it was */
static void TestDampingComesBack(void **state)
{
  PetscInt raised = 0, back = 0;
  Record   r;

  (void)state;
  assert_int_equal(
      SolveCase(&poisson, "",
                "-tao_engd_step fixed -tao_engd_step_length 30 -tao_engd_damping 1 -tao_engd_damping_adapt false "
                "-tao_engd_max_rejections 6 -tao_max_it 30" EXACT_CG,
                &r),
      TAO_DIVERGED_MAXITS);
  for (PetscInt k = 1; k + 1 < r.n; k++) {
    const PetscReal now = r.status[k].damping, next = r.status[k + 1].damping;

    if (r.status[k].step == 0)
      Close("raised", next, 10 * now, 1e-12 * now);
    else
      Close("back", next, PetscMax(1, now / 10), 1e-12 * now);
    raised += next > now;
    back += next < now;
  }
  assert_true(raised > 6 && back > 6); /* more rejections than -tao_engd_max_rejections, but not in a row */
  CHECK(PetscFree(r.theta));
}

/* An adaptive lambda falls after steps of at least 1/4 down to its floor, and rises after shorter ones */
static void TestDampingAdapts(void **state)
{
  const char *const steps[] = {"-tao_engd_step fixed -tao_engd_step_length 0.25",
                               "-tao_engd_step fixed -tao_engd_step_length 0.24", "-tao_engd_step grid",
                               "-tao_engd_step armijo"};
  char              options[512];
  Record            r;

  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(steps); c++) {
    snprintf(options, sizeof(options),
             "%s -tao_engd_damping 0.5 -tao_engd_damping_min 1e-3 -tao_engd_damping_increase 1.5 "
             "-tao_engd_damping_decrease 3 -tao_max_it 12",
             steps[c]);
    (void)SolveCase(&poisson, "", options, &r);
    assert_int_equal(r.n, 13);
    Close("first", r.status[1].damping, 0.5, 0);
    for (PetscInt k = 1; k + 1 < r.n; k++) {
      const PetscReal now = r.status[k].damping, step = r.status[k].step;
      const PetscReal next = step == 0 ? 10 * now : step >= 0.25 ? PetscMax(1e-3, now / 3) : 1.5 * now;

      Close(steps[c], r.status[k + 1].damping, next, 1e-12 * now);
    }
    if (c == 0) Close("floor", r.status[7].damping, 1e-3, 0);
    CHECK(PetscFree(r.theta));
  }
}

/* m_k = (theta_{k+1} - theta_k) / step is mu m_{k-1} + d_k, d_k the exact direction at theta_k */
static void TestMomentum(void **state)
{
  const PetscReal mu = 0.7, step = 0.125, lambda = 1;
  PetscReal      *d, *m, *moved;
  Setting         s;
  Record          r;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  (void)Solve(&s,
              "-tao_engd_step fixed -tao_engd_step_length 0.125 -tao_engd_damping 1 -tao_engd_damping_adapt false "
              "-tao_engd_momentum 0.7 -tao_max_it 4" EXACT_CG,
              &r);
  CHECK(PetscMalloc3(s.p, &d, s.p, &m, s.p, &moved));
  CHECK(PetscArrayzero(m, s.p));
  for (PetscInt k = 0; k < 4; k++) {
    assert_true(r.status[k + 1].step == step);
    GoTo(&s, &r, k);
    ExactDirection(s.F, lambda, s.v, d);
    for (PetscInt j = 0; j < s.p; j++) {
      m[j]     = mu * m[j] + d[j];
      moved[j] = (r.theta[(k + 1) * s.p + j] - r.theta[k * s.p + j]) / step;
    }
    CloseAll("momentum", (size_t)s.p, moved, m, 1e-8);
  }
  CHECK(PetscFree3(d, m, moved));
  CHECK(PetscFree(r.theta));
  End(&s);
}

/* A step beyond the minimum along d_0 makes momentum point uphill: it is dropped, and the second step is along d_1 alone */
static void TestMomentumUphill(void **state)
{
  PetscReal *d[2], *gradient, *moved, slope = 0, without = 0;
  Setting    s;
  Record     r;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  (void)Solve(&s, "-tao_engd_damping 0.1 -tao_engd_damping_adapt false -tao_max_it 5" EXACT_CG, &r);
  CHECK(PetscFree(r.theta));
  (void)Solve(&s,
              "-tao_engd_step fixed -tao_engd_step_length 1.5 -tao_engd_damping 1 -tao_engd_damping_adapt false "
              "-tao_engd_momentum 0.9 -tao_max_it 2" EXACT_CG,
              &r);
  CHECK(PetscMalloc4(s.p, &d[0], s.p, &d[1], s.p, &gradient, s.p, &moved));
  for (PetscInt k = 0; k < 2; k++) {
    assert_true(r.status[k + 1].step == 1.5);
    GoTo(&s, &r, k);
    ExactDirection(s.F, 1, s.v, d[k]);
    Whole(s.v, gradient);
  }
  for (PetscInt j = 0; j < s.p; j++) {
    slope += gradient[j] * (0.9 * d[0][j] + d[1][j]);
    without += gradient[j] * d[1][j];
    moved[j] = (r.theta[2 * s.p + j] - r.theta[s.p + j]) / 1.5;
  }
  assert_true(slope > 0.1 * PetscAbsReal(without));
  CloseAll("without momentum", (size_t)s.p, moved, d[1], 1e-7);
  CHECK(PetscFree4(d[0], d[1], gradient, moved));
  CHECK(PetscFree(r.theta));
  End(&s);
}

/* A preconditioner follows theta also when lambda stays: preonly with jacobi is -gradient_j / (G_jj + lambda) */
static void TestPreconditionerFollows(void **state)
{
  PetscReal *expected, *moved;
  Setting    s;
  Record     r;
  Mat        G;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  (void)Solve(&s,
              "-tao_engd_step fixed -tao_engd_step_length 0.125 -tao_engd_damping 1 -tao_engd_damping_adapt false "
              "-ksp_type preonly -pc_type jacobi -tao_max_it 3",
              &r);
  CHECK(EngdFunctionalCreateGramian(s.F, &G));
  CHECK(EngdGramianSetDamping(G, 1));
  CHECK(PetscMalloc2(s.p, &expected, s.p, &moved));
  for (PetscInt k = 0; k < 3; k++) {
    assert_true(r.status[k + 1].step > 0);
    GoTo(&s, &r, k);
    CHECK(MatGetDiagonal(G, s.w));
    CHECK(VecPointwiseDivide(s.w, s.v, s.w));
    CHECK(VecScale(s.w, -0.125));
    Whole(s.w, expected);
    for (PetscInt j = 0; j < s.p; j++) moved[j] = r.theta[(k + 1) * s.p + j] - r.theta[k * s.p + j];
    CloseAll("jacobi", (size_t)s.p, moved, expected, 1e-10);
  }
  CHECK(PetscFree2(expected, moved));
  CHECK(PetscFree(r.theta));
  CHECK(MatDestroy(&G));
  End(&s);
}

/* KFAC* without momentum yet: on one linear layer KFAC is exact up to a factor, which the quadratic model finds */
static void TestKfacStarIsNewton(void **state)
{
  PetscReal *exact, *moved;
  Setting    s;
  Record     r;

  (void)state;
  BeginAffine(&s);
  (void)Solve(&s,
              "-ksp_type preonly -pc_type kfac -pc_kfac_ema 0 -pc_kfac_damping 1e-14 -tao_engd_step quadratic "
              "-tao_engd_damping 0 -tao_max_it 1",
              &r);
  CHECK(PetscMalloc2(s.p, &exact, s.p, &moved));
  assert_true(r.status[1].step == 1);
  GoTo(&s, &r, 0);
  ExactDirection(s.F, 0, s.v, exact);
  for (PetscInt j = 0; j < s.p; j++) moved[j] = r.theta[s.p + j] - r.theta[j];
  CloseAll("Newton step", (size_t)s.p, moved, exact, 1e-8);
  CHECK(PetscFree2(exact, moved));
  CHECK(PetscFree(r.theta));
  End(&s);
}

/* Each update of KFAC* makes the model stationary along the one before it */
static void TestKfacStarMomentum(void **state)
{
  PetscReal Gd, gd;
  Setting   s;
  Record    r;
  Mat       G;
  Vec       before;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  (void)Solve(&s,
              "-ksp_type preonly -pc_type kfac -tao_engd_step quadratic -tao_engd_damping 0.1 "
              "-tao_engd_damping_adapt false -tao_max_it 6",
              &r);
  CHECK(EngdFunctionalCreateGramian(s.F, &G));
  CHECK(EngdGramianSetDamping(G, 0.1));
  CHECK(VecDuplicate(s.theta, &before));
  for (PetscInt k = 1; k < 6; k++) {
    assert_true(r.status[k].step > 0);
    if (r.status[k + 1].step != 1) continue;
    GoTo(&s, &r, k - 1);
    CHECK(VecCopy(s.theta, before));
    GoTo(&s, &r, k + 1);
    CHECK(VecCopy(s.theta, s.w));
    GoTo(&s, &r, k);
    CHECK(VecAXPY(s.w, -1, s.theta));    /* the update */
    CHECK(VecAYPX(before, -1, s.theta)); /* the one before it */
    CHECK(VecDot(before, s.v, &gd));
    CHECK(MatMult(G, s.w, s.v));
    CHECK(VecDot(before, s.v, &Gd));
    Close("stationary", Gd + gd, 0, 1e-8 * PetscAbsReal(gd));
  }
  CHECK(VecDestroy(&before));
  CHECK(MatDestroy(&G));
  CHECK(PetscFree(r.theta));
  End(&s);
}

/* The factor of step trust_region is what becomes of lambda */
static void TestTrustRegionDamping(void **state)
{
  PetscInt lower = 0, higher = 0;
  Record   r;

  (void)state;
  (void)SolveCase(&poisson, "", "-tao_engd_step trust_region -tao_engd_damping 1e-4 -tao_max_it 30", &r);
  for (PetscInt k = 1; k + 1 < r.n; k++) {
    const PetscReal ratio = r.status[k + 1].damping / r.status[k].damping;

    assert_true(ratio >= 1. / 3 - 1e-12);
    if (r.status[k].step == 0) assert_true(ratio >= 2 - 1e-12);
    lower += ratio < 1;
    higher += ratio > 1;
  }
  assert_true(lower > 3 && higher > 0);
  CHECK(PetscFree(r.theta));
}

/* theta after a run of the Tao from that of the setting, on every rank */
static void SolveFrom(Setting *s, Tao tao, PetscReal last[])
{
  Vec theta;

  CHECK(VecDuplicate(s->theta, &theta));
  CHECK(VecCopy(s->theta, theta));
  CHECK(TaoSetSolution(tao, theta));
  CHECK(TaoSetMaximumIterations(tao, 6));
  CHECK(TaoSolve(tao));
  Whole(theta, last);
  CHECK(VecDestroy(&theta));
}

/* Setters do what their options do, bit for bit; a direction chosen by a setter gives way to its option; wrong values and a Tao
   of another type are refused */
static void TestSetters(void **state)
{
  Setting    s;
  PetscReal *options, *setters;
  Tao        tao;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CHECK(PetscMalloc2(s.p, &options, s.p, &setters));
  CreateTao(&s,
            "-tao_engd_direction dense -tao_engd_step armijo -tao_engd_damping 0.5 -tao_engd_damping_min 1e-3 "
            "-tao_engd_damping_increase 3 -tao_engd_damping_decrease 2 -tao_engd_momentum 0.25 "
            "-tao_engd_max_rejections 3 -tao_engd_retry_step 0 -tao_engd_geodesic 0 -tao_engd_stall 5",
            &tao);
  SolveFrom(&s, tao, options);
  CHECK(TaoDestroy(&tao));
  CreateTao(&s, "", &tao);
  CHECK(TaoEngdSetDirectionType(tao, "dense"));
  CHECK(TaoEngdSetStepType(tao, "armijo"));
  CHECK(TaoEngdSetDamping(tao, 0.5, PETSC_TRUE));
  CHECK(TaoEngdSetDampingRule(tao, 1e-3, 3, 2));
  CHECK(TaoEngdSetMomentum(tao, 0.25));
  CHECK(TaoEngdSetMaxRejections(tao, 3));
  CHECK(TaoEngdSetRetryStep(tao, 0));
  CHECK(TaoEngdSetGeodesic(tao, PETSC_FALSE));
  CHECK(TaoEngdSetStall(tao, 5));
  CHECK(TaoEngdSetAcceptIncrease(tao, PETSC_FALSE));
  SolveFrom(&s, tao, setters);
  assert_memory_equal(setters, options, (size_t)s.p * sizeof(PetscReal));
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  assert_true(TaoEngdSetMomentum(tao, 1) && TaoEngdSetDamping(tao, -1, PETSC_TRUE) && TaoEngdSetStall(tao, -1));
  assert_true(TaoEngdSetDampingRule(tao, 0, 0.5, 2) && TaoEngdSetStepType(tao, "none such"));
  CHECK(TaoSetType(tao, TAOLMVM));
  assert_true(TaoEngdSetMomentum(tao, 0.5));
  CHECK(PetscPopErrorHandler());
  CHECK(TaoDestroy(&tao));
  CHECK(PetscFree2(options, setters));
  End(&s);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestRejection),          cmocka_unit_test(TestDampingComesBack),
      cmocka_unit_test(TestDampingAdapts),      cmocka_unit_test(TestMomentum),
      cmocka_unit_test(TestMomentumUphill),     cmocka_unit_test(TestPreconditionerFollows),
      cmocka_unit_test(TestKfacStarIsNewton),   cmocka_unit_test(TestKfacStarMomentum),
      cmocka_unit_test(TestTrustRegionDamping), cmocka_unit_test(TestSetters),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("solver", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
