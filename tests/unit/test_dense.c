/*
  Direction dense on the exact Hessian: each type by its defining equation; one step on a quadratic; at a saddle of the
  double well pure Newton, dense or by minres, goes up to it and the cures leave it; lazy operators; PETSc's Newton types.
  ranks: 1 2 3; errors leak
*/
#include "solver_record.h"

#define NEWTON                                                                                                       \
  " -tao_engd_curvature hessian -tao_engd_direction dense -tao_engd_step fixed -tao_gatol 1e-9 "                     \
  "-tao_engd_damping 0 -tao_engd_damping_min 0 "

#define MINRES                                                                                                       \
  " -ksp_type minres -pc_type none -ksp_rtol 1e-13 -tao_engd_step fixed -tao_engd_damping 0 "                        \
  "-tao_engd_damping_min 0 -tao_gatol 1e-9 "

/* mean of (1 + 2x - 3y + xy - u)^2/2, u affine: p = 3 */
static const Case quadratic = {"quadratic",
                               "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers none "
                               "-terms fit -fit_points 16 -fit_residual u-(1+2*x-3*y+x*y)",
                               PETSC_FALSE, PETSC_TRUE, PETSC_TRUE};
/* u = w x + b on (-1, 1), int u_x^2/2 + (u^2-1)^2/4: minima at u = 1, -1, and u = 0 has H = diag(2 - 2/3, -2) and loss 1/2 */
static const Case well = {"double well",
                          "-domain_lower -1 -domain_upper 1 -domain_coordinates x -network_layers none -terms well "
                          "-well_sampler gauss -well_points 8 -well_energy u_x^2/2+(u^2-1)^2/4",
                          PETSC_TRUE, PETSC_FALSE, PETSC_FALSE};

/* a run from these w and b of the double well */
static TaoConvergedReason SolveWell(PetscReal w, PetscReal b, const char options[], Record *record)
{
  TaoConvergedReason reason;
  Setting            s;

  Begin(PETSC_COMM_WORLD, &well, "-tao_engd_curvature hessian", &s);
  assert_int_equal(s.p, 2);
  CHECK(VecSetValue(s.theta, 0, w, INSERT_VALUES));
  CHECK(VecSetValue(s.theta, 1, b, INSERT_VALUES));
  CHECK(VecAssemblyBegin(s.theta));
  CHECK(VecAssemblyEnd(s.theta));
  reason = Solve(&s, options, record);
  End(&s);
  return reason;
}

static void TestQuadratic(void **state)
{
  const char *const methods[] = {NEWTON, NEWTON "-tao_engd_dense_type eigen",
                                 NEWTON "-tao_engd_dense_type absolute -tao_engd_max_rejections 20", MINRES,
                                 "-tao_type nls -tao_nls_pc_type none -tao_nls_ksp_rtol 1e-13 -tao_gatol 1e-9"};
  Record            r;

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(methods); k++) {
    assert_int_equal(SolveCase(&quadratic, "-tao_engd_curvature hessian", methods[k], &r), TAO_CONVERGED_GATOL);
    assert_int_equal(r.n, 2);
    assert_true(r.gradient_norm[0] > 1e-2);
    CHECK(PetscFree(r.theta));
  }
}

/* up to the saddle with quadratic speed, where increases are accepted; not otherwise */
static void TestPureNewton(void **state)
{
  const char *const methods[] = {NEWTON "-tao_engd_accept_increase",
                                 NEWTON "-tao_engd_accept_increase -tao_engd_dense_type eigen",
                                 MINRES "-tao_engd_accept_increase"};
  Record            r;

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(methods); k++) {
    assert_int_equal(SolveWell(0.2, 0.3, methods[k], &r), TAO_CONVERGED_GATOL);
    assert_in_range(r.n, 3, 8);
    assert_true(r.loss[1] > r.loss[0] && r.status[1].step == 1);
    Close("loss at the saddle", r.loss[r.n - 1], 0.5, 1e-14);
    for (PetscInt j = 0; j < 2; j++) Close("saddle", r.theta[2 * (r.n - 1) + j], 0, 1e-9);
    CHECK(PetscFree(r.theta));
  }
  assert_int_equal(SolveWell(0.2, 0.3, NEWTON "-tao_engd_max_rejections 1", &r), TAO_DIVERGED_LS_FAILURE);
  CHECK(PetscFree(r.theta));
}

/* the loss falls to that of u = 1, and the saddle is left from a start 1e-3 away */
static void TestCures(void **state)
{
  const char *const methods[] = {NEWTON "-tao_engd_dense_type absolute -tao_engd_step grid",
                                 NEWTON "-tao_engd_dense_type absolute -tao_engd_max_rejections 20",
                                 NEWTON "-tao_engd_dense_type cubic",
                                 NEWTON "-tao_engd_dense_type cubic -tao_engd_dense_cubic 1e-6",
                                 NEWTON "-tao_engd_dense_type cubic -tao_engd_dense_cubic 1e3",
                                 NEWTON "-tao_engd_dense_type cubic -tao_engd_dense_refresh 3",
                                 NEWTON "-tao_engd_dense_type absolute -tao_engd_dense_refresh 2 -tao_engd_step grid",
                                 "-tao_type ntr -tao_ntr_pc_type none -tao_gatol 1e-9",
                                 "-tao_type ntl -tao_gatol 1e-9",
                                 "-ksp_type cg -pc_type none -tao_gatol 1e-9",
                                 "-tao_type nls -tao_nls_pc_type none -tao_gatol 1e-9",
                                 "-tao_type nls -tao_nls_ksp_type cg -tao_gatol 1e-9"};
  Record            r;

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(methods); k++) {
    if (SolveWell(0.2, 1e-3, methods[k], &r) != TAO_CONVERGED_GATOL) fail_msg("no convergence: %s", methods[k]);
    Close(methods[k], r.loss[r.n - 1], 0, 1e-15);
    CHECK(PetscFree(r.theta));
  }
}

/* the operator written out, by LAPACK: H = V diag(l) V^T */
static void DenseEigen(Setting *s, PetscReal V[], PetscReal l[])
{
  PetscReal *dense;
  PetscInt   info;
  Mat        H;

  CHECK(EngdFunctionalCreateHessian(s->F, &H));
  dense = Dense(H);
  CHECK(PetscArraycpy(V, dense, s->p * s->p));
  CHECK(EngdSymmetricEigen("V", s->p, V, l, &info));
  CHECK(PetscFree(dense));
  CHECK(MatDestroy(&H));
}

/* each step is d with (f(l) + lambda) V^T d = -V^T g, f the type's: l, |l|, or l + M |d| and not negative; lambda is the present
   one with a lazy H, too; by factors on rank 0 and on all ranks */
static void TestEquations(void **state)
{
  const char *const types[] = {"ldlt", "eigen", "absolute", "cubic", "ldlt -tao_engd_dense_refresh 2"};
  PetscReal        *V, *l, *g, *d;
  char              options[512];
  Setting           s;
  Record            r;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "-network_layers 3 -tao_engd_curvature hessian", &s);
  CHECK(PetscMalloc4(s.p * s.p, &V, s.p, &l, s.p, &g, s.p, &d));
  for (PetscInt c = 0; c < 10; c++) {
    const PetscInt t = c % 5;

    CHECK(PetscSNPrintf(options, sizeof(options),
                        "-tao_engd_direction dense -tao_engd_dense_type %s -tao_engd_dense_cubic 30 -tao_engd_step "
                        "fixed -tao_engd_accept_increase -tao_engd_damping 0.25 "
                        "-tao_engd_dense_epsilon 1e-14 -tao_max_it 2%s",
                        types[t], c < 5 ? "" : " -tao_engd_dense_spread 1"));
    FillRandom(s.theta, 0);
    (void)Solve(&s, options, &r);
    for (PetscInt k = 0; k < 2; k++) {
      const PetscReal M = r.status[k + 1].damping, lambda = t == 3 ? 0 : M;
      PetscReal       norm = 0, most = 0;

      assert_true(r.status[k + 1].step == 1);
      GoTo(&s, &r, k);
      if (k == 0 || t < 4) DenseEigen(&s, V, l);
      assert_true(k > 0 || l[0] < -0.1);
      Whole(s.v, g);
      for (PetscInt j = 0; j < s.p; j++) {
        d[j] = r.theta[(k + 1) * s.p + j] - r.theta[k * s.p + j];
        norm += PetscSqr(d[j]);
        most = PetscMax(most, PetscAbsReal(g[j]));
      }
      norm = PetscSqrtReal(norm);
      if (t == 3) assert_true(l[0] + M * norm > -1e-9);
      for (PetscInt i = 0; i < s.p; i++) {
        const PetscReal f   = t == 2 ? PetscAbsReal(l[i]) : t == 3 ? l[i] + M * norm : l[i];
        PetscReal       sum = 0;

        for (PetscInt j = 0; j < s.p; j++) sum += V[i * s.p + j] * (g[j] + (f + lambda) * d[j]);
        Close(types[t], sum, 0, 1e-8 * most);
      }
    }
    CHECK(PetscFree(r.theta));
  }
  CHECK(PetscFree4(V, l, g, d));
  End(&s);
}

/* ldlt of an order that is worth all ranks: (H + lambda I) d = -g where that is positive, by Cholesky, and where it is not */
static void TestLarge(void **state)
{
  const char *const curvature[] = {"gauss_newton", "hessian"};

  (void)state;
  for (size_t c = 0; c < 2; c++) {
    char      options[256];
    PetscReal sum, most, *before, *after;
    Setting   s;
    Record    r;
    Mat       H;

    CHECK(PetscSNPrintf(options, sizeof(options), "-network_layers 130 -tao_engd_curvature %s", curvature[c]));
    Begin(PETSC_COMM_WORLD, &poisson, options, &s);
    FillRandom(s.theta, 0);
    (void)Solve(&s,
                "-tao_engd_direction dense -tao_engd_step fixed -tao_engd_accept_increase -tao_engd_damping 0.25 "
                "-tao_max_it 1",
                &r);
    before = r.theta;
    after  = r.theta + s.p;
    for (PetscInt j = 0; j < s.p; j++) after[j] -= before[j];
    FromWhole(after, s.w);
    GoTo(&s, &r, 0);
    if (c)
      CHECK(EngdFunctionalCreateHessian(s.F, &H));
    else
      CHECK(EngdFunctionalCreateGramian(s.F, &H));
    CHECK(EngdGramianSetDamping(H, 0.25));
    CHECK(VecNorm(s.v, NORM_INFINITY, &most));
    CHECK(MatMultAdd(H, s.w, s.v, s.v));
    CHECK(VecNorm(s.v, NORM_INFINITY, &sum));
    assert_true(most > 0);
    Close(curvature[c], sum, 0, 1e-9 * most);
    CHECK(MatDestroy(&H));
    CHECK(PetscFree(r.theta));
    End(&s);
  }
}

/* Krylov steps solve (H + lambda I) d = -g, whatever preconditioner is made from the Gauss-Newton part; H is indefinite */
static void TestKrylov(void **state)
{
  const char *const methods[] = {"-ksp_type minres -pc_type none", "-ksp_type minres -pc_type kfac",
                                 "-ksp_type minres -pc_type jacobi", "-ksp_type gmres -pc_type kfac"};
  char              options[512];

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(methods); k++) {
    Setting   s;
    Record    r;
    Mat       H;
    PetscReal norm, error;

    Begin(PETSC_COMM_WORLD, &poisson, "-network_layers 3 -tao_engd_curvature hessian", &s);
    CHECK(PetscSNPrintf(options, sizeof(options),
                        "%s -ksp_rtol 1e-13 -ksp_max_it 300 -tao_engd_step fixed -tao_engd_accept_increase "
                        "-tao_engd_damping 0.25 -tao_max_it 1",
                        methods[k]));
    (void)Solve(&s, options, &r);
    assert_true(r.status[1].step == 1);
    GoTo(&s, &r, 1);
    CHECK(VecCopy(s.theta, s.w));
    GoTo(&s, &r, 0);
    CHECK(VecNorm(s.v, NORM_2, &norm));
    CHECK(VecAXPY(s.w, -1, s.theta));
    CHECK(EngdFunctionalCreateHessian(s.F, &H));
    CHECK(EngdGramianSetDamping(H, 0.25));
    CHECK(MatMultAdd(H, s.w, s.v, s.v));
    CHECK(VecNorm(s.v, NORM_2, &error));
    Close(methods[k], error, 0, 1e-8 * norm);
    CHECK(MatDestroy(&H));
    CHECK(PetscFree(r.theta));
    End(&s);
  }
}

/* CG on negative curvature from its first iteration on still goes down: its direction is the gradient's */
static void TestNegativeCurvature(void **state)
{
  Record r;

  (void)state;
  assert_int_equal(SolveWell(0, 1e-3,
                             "-ksp_type cg -pc_type none -tao_engd_damping 0 -tao_engd_damping_min 0 "
                             "-tao_engd_max_rejections 1 -tao_gatol 1e-9",
                             &r),
                   TAO_CONVERGED_GATOL);
  Close("b of the first step", r.theta[3], 1e-3 + 2e-3 * r.status[1].step, 1e-8);
  Close("loss", r.loss[r.n - 1], 0, 1e-15);
  CHECK(PetscFree(r.theta));
}

/* At a minimum whose residual is not small, where H is far from G: CG on H with nystrom of full rank from H itself takes an
   iteration or two, from G more. Further away H has negative eigenvalues, of which nystrom knows nothing, and rounding decides */
static void TestPreconditionerFrom(void **state)
{
  const char *const from[] = {"hessian", "gauss_newton"};
  PetscInt          iterations[2];
  Setting           s;
  Tao               tao;

  (void)state;
  for (int k = 0; k < 2; k++) {
    char      options[512];
    PetscReal loss;
    Record    r;

    Begin(PETSC_COMM_WORLD, &poisson, "-network_layers 3 -tao_engd_curvature hessian", &s);
    CreateTao(&s, "-tao_engd_direction dense -tao_engd_dense_type cubic -tao_gatol 1e-6", &tao);
    CHECK(TaoSolve(tao));
    CHECK(TaoGetSolutionStatus(tao, NULL, &loss, NULL, NULL, NULL, NULL));
    assert_true(loss > 0.1);
    CHECK(TaoDestroy(&tao));
    CHECK(PetscSNPrintf(options, sizeof(options),
                        "-tao_engd_direction krylov -ksp_type cg -ksp_rtol 1e-6 -ksp_max_it 100 -pc_type nystrom "
                        "-pc_nystrom_rank %" PetscInt_FMT
                        " -tao_engd_preconditioner_from %s -tao_engd_damping 1e-8 -tao_max_it 1",
                        s.p, from[k]));
    (void)Solve(&s, options, &r);
    iterations[k] = r.status[1].krylov_iterations;
    CHECK(PetscFree(r.theta));
    End(&s);
  }
  assert_true(iterations[0] > 0 && iterations[0] <= 2);
  assert_true(iterations[1] > 3);
}

/* shifts that a Newton type of PETSc has added are gone with the next Hessian */
static void TestShift(void **state)
{
  PetscReal norm;
  Setting   s;
  Tao       tao;
  Mat       H, P;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "-tao_engd_curvature hessian", &s);
  CreateTao(&s, "-tao_type nls", &tao);
  CHECK(TaoGetHessian(tao, &H, &P, NULL, NULL));
  assert_ptr_not_equal(H, P);
  CHECK(MatMult(H, s.v, s.w));
  CHECK(MatShift(H, 3));
  CHECK(TaoComputeHessian(tao, s.theta, H, P));
  CHECK(VecScale(s.w, -1));
  CHECK(MatMultAdd(H, s.v, s.w, s.w));
  CHECK(VecNorm(s.w, NORM_2, &norm));
  Close("shift", norm, 0, 0);
  CHECK(TaoDestroy(&tao));
  End(&s);
}

/* one operator, p products, serves -tao_engd_dense_refresh iterations */
static void TestLazy(void **state)
{
  Setting s;
  Record  r;

  (void)state;
  for (PetscInt refresh = 1; refresh <= 7; refresh += 2) {
    char options[512];

    Begin(PETSC_COMM_WORLD, &poisson, "-network_layers 3 -tao_engd_curvature hessian", &s);
    CHECK(
        PetscSNPrintf(options, sizeof(options),
                      "-tao_engd_direction dense -tao_engd_dense_type absolute -tao_engd_dense_refresh %" PetscInt_FMT
                      " -tao_engd_step fixed -tao_engd_step_length 0.1 -tao_engd_damping 1 -tao_max_it 6",
                      refresh));
    (void)Solve(&s, options, &r);
    for (PetscInt k = 1; k < r.n; k++) assert_true(r.status[k].step > 0);
    assert_int_equal(s.F->count.products, s.p * ((6 + refresh - 1) / refresh));
    CHECK(PetscFree(r.theta));
    End(&s);
  }
}

/* after a rejection an old operator is renewed, at once; one of the same theta is not */
static void TestLazyRejected(void **state)
{
  PetscInt formed = 1;
  Setting  s;
  Record   r;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "-network_layers 3 -tao_engd_curvature hessian", &s);
  (void)Solve(
      &s,
      "-tao_engd_direction dense -tao_engd_dense_type absolute -tao_engd_dense_refresh 1000 -tao_engd_step fixed "
      "-tao_engd_step_length 1.9 -tao_engd_damping 1e-3 -tao_engd_max_rejections 30 -tao_max_it 40",
      &r);
  for (PetscInt k = 2; k + 1 < r.n; k++) {
    if (r.status[k].step == 0 && r.status[k - 1].step > 0) formed++;
  }
  assert_true(formed > 1);
  assert_int_equal(s.F->count.products, s.p * formed);
  CHECK(PetscFree(r.theta));
  End(&s);
}

/* M of the cubic model on a quadratic loss, where each step does better than the model says: it falls by 4, whatever new points
   do to the loss. If all tries are made, it stays that of the first, the best of them, and is not that of the last */
static void TestCubicFactor(void **state)
{
  const char *const methods[] = {"-tao_engd_step_length 1", "-tao_engd_step_length 0.5 -tao_engd_retry_step 0.9"};
  char              options[256];
  Record            r;

  (void)state;
  for (PetscInt m = 0; m < 2; m++) {
    snprintf(options, sizeof(options),
             "-tao_engd_direction dense -tao_engd_dense_type cubic -tao_engd_step fixed -tao_max_it 8 %s",
             methods[m]);
    (void)SolveCase(&quadratic, "-fit_sampler uniform -fit_resample 1", options, &r);
    assert_int_equal(r.n, 9);
    for (PetscInt k = 1; k < r.n; k++)
      Close(methods[m], r.status[k].damping, m ? 1 : PetscPowReal(4, 1 - (PetscReal)k), 1e-14);
    CHECK(PetscFree(r.theta));
  }
}

/* what the exact Hessian has not is refused */
static void TestRefused(void **state)
{
  const char *const options[] = {"-tao_engd_direction tsvd",
                                 "-tao_engd_direction dual",
                                 "-tao_engd_structure layer",
                                 "-ksp_type lsqr",
                                 "-ksp_type cgls",
                                 "-tao_engd_direction dense -tao_engd_dense_type cholesky",
                                 "-tao_type ntl -tao_ntl_pc_type none",
                                 "-tao_engd_preconditioner_from hessian",
                                 "-tao_engd_preconditioner_from hessian -pc_type jacobi"};
  Setting           s;

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    PetscErrorCode ierr;
    Tao            tao = NULL;

    Begin(PETSC_COMM_WORLD, &poisson, "-tao_engd_curvature hessian", &s);
    CHECK(PetscOptionsInsertString(NULL, options[k]));
    CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
    ierr = EngdSolverCreate(s.F, &tao);
    CHECK(PetscPopErrorHandler());
    assert_int_not_equal(ierr, PETSC_SUCCESS);
    CHECK(PetscOptionsClear(NULL));
    End(&s);
  }
}

/* u_x does not see the bias: H is singular, which ldlt says and eigen does not mind */
static void TestSingular(void **state)
{
  const Case which = {"slope",
                      "-domain_lower -1 -domain_upper 1 -domain_coordinates x -network_layers none -terms fit "
                      "-fit_points 8 -fit_residual u_x-1 -tao_engd_curvature hessian",
                      PETSC_FALSE, PETSC_TRUE, PETSC_TRUE};
  Setting    s;
  Record     r;
  Tao        tao;

  (void)state;
  assert_int_equal(SolveCase(&which, "", NEWTON "-tao_engd_dense_type eigen", &r), TAO_CONVERGED_GATOL);
  assert_int_equal(r.n, 2);
  CHECK(PetscFree(r.theta));
  Begin(PETSC_COMM_WORLD, &which, "", &s);
  CreateTao(&s, NEWTON, &tao);
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  assert_int_equal(TaoSolve(tao), ENGD_ERR_NUMERICS);
  CHECK(PetscPopErrorHandler());
  CHECK(TaoDestroy(&tao));
  End(&s);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestQuadratic),
                                     cmocka_unit_test(TestPureNewton),
                                     cmocka_unit_test(TestCures),
                                     cmocka_unit_test(TestEquations),
                                     cmocka_unit_test(TestLarge),
                                     cmocka_unit_test(TestKrylov),
                                     cmocka_unit_test(TestNegativeCurvature),
                                     cmocka_unit_test(TestShift),
                                     cmocka_unit_test(TestLazy),
                                     cmocka_unit_test(TestLazyRejected),
                                     cmocka_unit_test(TestCubicFactor),
                                     cmocka_unit_test(TestRefused),
                                     cmocka_unit_test(TestSingular),
                                     cmocka_unit_test(TestPreconditionerFrom)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("dense", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
