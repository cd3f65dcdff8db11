/*
  TAO type engd as a whole: what it does to theta, lambda and momentum at each iteration, against the formulas of
  tao_engd.c; why it stops; numbers that are none; and PETSc's own TAO types on the same objective.
  ranks: 1 2 3
*/
#include "solver_case.h"

#define MAX_RECORDS 64
#define EXACT_CG    " -ksp_type cg -pc_type none -ksp_rtol 1e-13 -ksp_max_it 500 "

/* what the monitor saw at iteration k; theta (p), points: the sum of the coordinates of the first term's points */
typedef struct {
  PetscInt   n, p;
  PetscReal  loss[MAX_RECORDS], gradient_norm[MAX_RECORDS], points[MAX_RECORDS];
  EngdStatus status[MAX_RECORDS];
  PetscReal *theta; /* (p, n) */
} Record;

static PetscErrorCode Watch(Tao tao, void *data)
{
  Record        *record = (Record *)data;
  const PetscInt k      = record->n++;
  EngdFunctional F;
  Mat            G;
  Vec            theta;

  PetscFunctionBeginUser;
  assert_true(k < MAX_RECORDS);
  PetscCall(TaoGetSolutionStatus(tao, NULL, &record->loss[k], &record->gradient_norm[k], NULL, NULL, NULL));
  PetscCall(TaoEngdGetStatus(tao, &record->status[k]));
  PetscCall(TaoGetSolution(tao, &theta));
  Whole(theta, record->theta + k * record->p);
  PetscCall(TaoGetHessian(tao, &G, NULL, NULL, NULL));
  PetscCall(EngdGramianGetFunctional(G, &F));
  record->points[k] = 0;
  for (PetscInt i = 0; i < F->problem->term[0]->points->nlocal * F->problem->term[0]->points->dim; i++) {
    record->points[k] += F->problem->term[0]->points->x[i];
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &record->points[k], 1, MPIU_REAL, MPIU_SUM, F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a whole run from the theta of s; free record->theta */
static TaoConvergedReason Solve(Setting *s, const char options[], Record *record)
{
  TaoConvergedReason reason;
  Tao                tao;

  *record = (Record){.p = s->p};
  CHECK(PetscMalloc1(MAX_RECORDS * s->p, &record->theta));
  CreateTao(s, options, &tao);
  CHECK(TaoSetMonitor(tao, Watch, record, NULL));
  CHECK(TaoSolve(tao));
  CHECK(TaoGetConvergedReason(tao, &reason));
  CHECK(TaoDestroy(&tao));
  return reason;
}

/* the same on a problem of its own */
static TaoConvergedReason SolveCase(const Case *which, const char more[], const char options[], Record *record)
{
  TaoConvergedReason reason;
  Setting            s;

  Begin(PETSC_COMM_WORLD, which, more, &s);
  reason = Solve(&s, options, record);
  End(&s);
  return reason;
}

/* s->theta <- that of iteration k, s->v <- the gradient there */
static void GoTo(Setting *s, const Record *record, PetscInt k)
{
  PetscReal *theta, loss;
  PetscInt   begin, end;

  CHECK(VecGetOwnershipRange(s->theta, &begin, &end));
  CHECK(VecGetArrayWrite(s->theta, &theta));
  CHECK(PetscArraycpy(theta, record->theta + k * s->p + begin, end - begin));
  CHECK(VecRestoreArrayWrite(s->theta, &theta));
  CHECK(EngdFunctionalSetParameters(s->F, s->theta));
  CHECK(EngdFunctionalEvaluate(s->F, &loss, s->v));
}

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
  (void)Solve(&s, "-tao_engd_damping 1 -tao_engd_damping_adapt false -tao_max_it 10" EXACT_CG, &r);
  CHECK(PetscFree(r.theta));
  (void)Solve(&s,
              "-tao_engd_step fixed -tao_engd_step_length 1.25 -tao_engd_damping 1 -tao_engd_damping_adapt false "
              "-tao_engd_momentum 0.9 -tao_max_it 2" EXACT_CG,
              &r);
  CHECK(PetscMalloc4(s.p, &d[0], s.p, &d[1], s.p, &gradient, s.p, &moved));
  for (PetscInt k = 0; k < 2; k++) {
    assert_true(r.status[k + 1].step == 1.25);
    GoTo(&s, &r, k);
    ExactDirection(s.F, 1, s.v, d[k]);
    Whole(s.v, gradient);
  }
  for (PetscInt j = 0; j < s.p; j++) {
    slope += gradient[j] * (0.9 * d[0][j] + d[1][j]);
    without += gradient[j] * d[1][j];
    moved[j] = (r.theta[2 * s.p + j] - r.theta[s.p + j]) / 1.25;
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

/* every kind of step, with and without momentum and adaptive lambda, on every kind of problem */
static void TestLossNeverGrows(void **state)
{
  const char *const steps[]  = {"grid", "armijo", "fixed"};
  const Case *const which[]  = {&poisson, &ritz, &logarithm};
  const char *const others[] = {"", "-tao_engd_momentum 0.9", "-tao_engd_damping 1e-6 -tao_engd_damping_adapt false",
                                "-tao_engd_momentum 0.5 -ksp_type preonly -pc_type kfac"};
  char              options[256];
  Record            r;

  (void)state;
  for (int c = 0; c < 3 * 3 * 4; c++) {
    snprintf(options, sizeof(options), "-tao_engd_step %s %s -tao_max_it 30 -ksp_max_it 40", steps[c % 3],
             others[c / 9]);
    (void)SolveCase(which[c / 3 % 3], "", options, &r);
    assert_true(r.n > 3);
    for (PetscInt k = 1; k < r.n; k++) {
      if (!(r.loss[k] <= r.loss[k - 1] + 1e-14 * PetscAbsReal(r.loss[0])))
        fail_msg("%s, %s: %.17g after %.17g", which[c / 3 % 3]->name, options, r.loss[k], r.loss[k - 1]);
    }
    /* a preconditioner alone knows no lambda: a step of length 1 that is rejected once always is */
    assert_true(r.loss[r.n - 1] < r.loss[0] || (c % 3 == 2 && c / 9 == 3));
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
  assert_int_equal(SolveCase(&poisson, "", "-engd_max_seconds 1e-6 -tao_max_it 50", &r), TAO_CONVERGED_USER);
  assert_int_equal(r.n, 2);
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

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestRejection),      cmocka_unit_test(TestDampingComesBack),
      cmocka_unit_test(TestDampingAdapts),  cmocka_unit_test(TestMomentum),
      cmocka_unit_test(TestMomentumUphill), cmocka_unit_test(TestPreconditionerFollows),
      cmocka_unit_test(TestLossNeverGrows), cmocka_unit_test(TestResampling),
      cmocka_unit_test(TestWhyItStops),     cmocka_unit_test(TestNotANumber),
      cmocka_unit_test(TestSolveAgain),     cmocka_unit_test(TestOtherTypes),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("solver", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
