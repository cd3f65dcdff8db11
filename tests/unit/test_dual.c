/*
  Direction dual against the dense solve of (G + lambda I) d = -gradient by LAPACK: each way to form and to solve, more rows
  than columns and fewer, at several parameters and dampings; SPRING against its formula with dense J; a lambda below rounding;
  rejections; products in float32, corrected; whole runs; what is refused.
  ranks: 1 2 3 4; errors leak
*/
#include "direction_case.h"

static const char *const ways[] = {
    "",
    "-tao_engd_dual_kernel gram",
    "-tao_engd_dual_kernel rows",
    "-tao_engd_dual_kernel rows -tao_engd_dual_precision single -tao_engd_dual_directions 2",
    "-tao_engd_dual_solver krylov -ksp_rtol 1e-13 -ksp_max_it 500",
    "-tao_engd_dual_solver krylov -pc_type nystrom -pc_nystrom_rank 15 -ksp_rtol 1e-13 -ksp_max_it 500",
    "-tao_engd_dual_solver krylov -tao_engd_dual_kernel none -ksp_rtol 1e-13 -ksp_max_it 500 -ksp_type minres",
    "-tao_engd_dual_kernel none -pc_nystrom_rank 15 -ksp_rtol 1e-13 -ksp_max_it 500"};

/* the last solve is with the kernel of before, as after a rejection */
static void AgreesWithDense(const Case *which, const char problem[], const char options[])
{
  const PetscReal lambda[] = {1e-2, 1e-1, 1};
  Frame           f;
  PetscReal      *exact, *d;
  PetscInt        its;

  BeginFrame(which, "dual", problem, options, &f);
  CHECK(PetscMalloc2(f.s->p, &exact, f.s->p, &d));
  for (PetscInt k = 0; k < 3; k++) {
    CHECK(ComputeDirection(&f, k ? f.s->w : f.s->theta, lambda[k], &its));
    ExactDirection(f.s->F, lambda[k], f.gradient, exact);
    Whole(f.d, d);
    CloseAll(options, (size_t)f.s->p, d, exact, 1e-8);
    assert_true(f.solver->damping.lambda == lambda[k]);
    assert_true((its > 0) == (strstr(options, "ksp") || strstr(options, "single")));
  }
  CHECK(PetscFree2(exact, d));
  EndFrame(&f);
}

static void TestWays(void **state)
{
  const char *const shapes[] = {"", "-network_layers 20,20", "-engd_block_points 7 -network_layers 3"};

  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(shapes); c++) {
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(ways); k++) AgreesWithDense(&poisson, shapes[c], ways[k]);
  }
}

/* where there is no memory for K it is solved by the KSP, of any rows, those of integrals too; what is left of the residual, rtol |R|,
   is in d no more than that over 2 sqrt(lambda) */
static void TestLittleMemory(void **state)
{
  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(cases); c++) {
    if (!cases[c].energy)
      AgreesWithDense(&cases[c], "-engd_memory_limit 2000", "-pc_nystrom_rank 1 -ksp_rtol 1e-13 -ksp_max_it 500");
  }
}

/* all residual problems: systems, several terms, fewer points than ranks, Newton's metric of a linear one */
static void TestProblems(void **state)
{
  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(cases); c++) {
    if (!cases[c].energy) AgreesWithDense(&cases[c], "", "");
  }
  AgreesWithDense(&poisson, "-tao_engd_curvature energy", "");
}

/* phi (p) <- J^T (J J^T + lambda I)^{-1} (R - mu J phi) + mu phi at the present parameters, from dense J */
static void Spring(Setting *s, PetscReal lambda, PetscReal mu, PetscReal phi[])
{
  PetscInt     N, p   = s->p;
  PetscBLASInt n, one = 1, *pivot, info;
  PetscReal   *J, *K, *zeta;
  Mat          shell;
  Vec          R;

  CHECK(EngdFunctionalCreateJacobian(s->F, &shell));
  CHECK(MatGetSize(shell, &N, NULL));
  CHECK(MatCreateVecs(shell, NULL, &R));
  CHECK(EngdFunctionalResidual(s->F, R));
  J = Dense(shell);
  CHECK(PetscCalloc3(N * N, &K, N, &zeta, N, &pivot));
  Whole(R, zeta);
  for (PetscInt j = 0; j < p; j++) {
    for (PetscInt i = 0; i < N; i++) {
      zeta[i] -= mu * J[j * N + i] * phi[j];
      for (PetscInt k = 0; k < N; k++) K[i * N + k] += J[j * N + i] * J[j * N + k];
    }
  }
  for (PetscInt i = 0; i < N; i++) K[i * N + i] += lambda;
  CHECK(PetscBLASIntCast(N, &n));
  LAPACKgesv_(&n, &one, K, &n, pivot, zeta, &n, &info);
  assert_int_equal(info, 0);
  for (PetscInt j = 0; j < p; j++) {
    phi[j] *= mu;
    for (PetscInt i = 0; i < N; i++) phi[j] += J[j * N + i] * zeta[i];
  }
  CHECK(PetscFree3(K, zeta, pivot));
  CHECK(PetscFree(J));
  CHECK(VecDestroy(&R));
  CHECK(MatDestroy(&shell));
}

/* three iterations, a rejection that begins anew, and one more */
static void AgreesWithSpring(const char problem[], const char options[], PetscBool corrected)
{
  const PetscReal mu = 0.9, lambda = 1e-2;
  PetscReal      *phi, *expected, *d;
  Frame           f;
  PetscInt        its, k = 0;

  BeginFrame(&poisson, "dual", problem, options, &f);
  assert_true(f.direction->momentum == mu);
  CHECK(PetscCalloc3(f.s->p, &phi, f.s->p, &expected, f.s->p, &d));
  for (PetscInt step = 0; step < 5; step++) {
    const Vec theta[] = {f.s->theta, f.s->w, f.s->v, f.s->v, f.s->theta};

    if (step == 3) {
      CHECK(PetscArrayzero(phi, f.s->p));
      k = 0;
    }
    k++;
    CHECK(ComputeDirection(&f, theta[step], lambda, &its));
    Spring(f.s, lambda, mu, phi);
    for (PetscInt j = 0; j < f.s->p; j++) {
      expected[j] = corrected ? -phi[j] / PetscSqrtReal(1 - PetscPowRealInt(mu, 2 * k)) : -phi[j];
    }
    Whole(f.d, d);
    CloseAll(options, (size_t)f.s->p, d, expected, 1e-9);
  }
  CHECK(PetscFree3(phi, expected, d));
  EndFrame(&f);
}

static void TestSpring(void **state)
{
  (void)state;
  AgreesWithSpring("", "-tao_engd_dual_momentum 0.9", PETSC_TRUE);
  AgreesWithSpring("-network_layers 20,20", "-tao_engd_dual_momentum 0.9", PETSC_TRUE);
  AgreesWithSpring("-network_layers 20", "-tao_engd_dual_momentum 0.9 -tao_engd_dual_bias_correction false",
                   PETSC_FALSE);
  AgreesWithSpring("-network_layers 20",
                   "-tao_engd_dual_momentum 0.9 -tao_engd_dual_solver krylov -ksp_rtol 1e-13 -ksp_max_it 500",
                   PETSC_TRUE);
}

/* hidden units that are all alike: K has a few eigenvalues that are not zero, lambda = 0 is raised until it can be used */
static void TestBelowRounding(void **state)
{
  PetscReal slope, trace;
  PetscInt  its;
  Frame     f;

  (void)state;
  BeginFrame(&poisson, "dual", "-network_layers 20", "", &f);
  CHECK(VecSet(f.s->theta, 0.3));
  CHECK(ComputeDirection(&f, f.s->theta, 0, &its));
  CHECK(VecDot(f.d, f.gradient, &slope));
  CHECK(MatGetDiagonal(f.solver->G, f.s->v));
  CHECK(VecSum(f.s->v, &trace));
  assert_true(slope < 0);
  assert_true(f.solver->damping.lambda > 0 && f.solver->damping.lambda < 1e-9 * trace);
  EndFrame(&f);
}

/* d (p) at theta, whole; the iterations of the correction */
static PetscInt DirectionOf(const char options[], PetscReal lambda, PetscReal **d)
{
  const char *problem = "-network_layers 20,20 -pde_points 160 -wall_points 40 -network_seed 3";
  PetscInt    its;
  Frame       f;

  BeginFrame(&poisson, "dual", problem, options, &f);
  CHECK(PetscMalloc1(f.s->p, d));
  CHECK(ComputeDirection(&f, f.s->w, lambda, &its));
  CHECK(ComputeDirection(&f, f.s->theta, lambda, &its));
  assert_true(f.solver->damping.lambda == lambda);
  Whole(f.d, *d);
  EndFrame(&f);
  return its;
}

/* float32 and its correction give what float64 gives: in a few iterations with directions in float64; where lambda is far below the
   rounding of float32, which stands alone then, the kernel is made again in float64 */
static void TestSingle(void **state)
{
  const struct {
    const char *options;
    PetscReal   lambda;
    PetscInt    least, most;
  } runs[] = {{"-tao_engd_dual_directions 16", 1e-2, 1, 8},
              {"-tao_engd_dual_directions 16", 1e-4, 1, 12},
              {"-tao_engd_dual_directions 0", 1e-2, 1, 29},
              {"-tao_engd_dual_directions 0", 1e-7, 30, 30}};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(runs); k++) {
    char       options[128];
    PetscReal *exact, *d;
    PetscInt   its;

    snprintf(options, sizeof(options), "-tao_engd_dual_kernel rows -tao_engd_dual_precision single %s",
             runs[k].options);
    assert_int_equal(DirectionOf("-tao_engd_dual_kernel rows", runs[k].lambda, &exact), 0);
    its = DirectionOf(options, runs[k].lambda, &d);
    if (its < runs[k].least || its > runs[k].most) fail_msg("%s: %d iterations", options, (int)its);
    CloseAll(options, 501, d, exact, 1e-10);
    CHECK(PetscFree(exact));
    CHECK(PetscFree(d));
  }
}

/* the loss of whole runs never grows and falls far */
static void TestTraining(void **state)
{
  const char *const options[] = {
      "", "-tao_engd_dual_momentum 0.5", "-tao_engd_momentum 0.5", "-tao_engd_damping_min 0 -tao_engd_step armijo",
      "-tao_engd_dual_precision single -tao_engd_dual_kernel rows -tao_engd_dual_directions 8"};

  (void)state;
  Trains("dual", PETSC_STATIC_ARRAY_LENGTH(options), options, 1e-4);
}

static void TestRefusals(void **state)
{
  (void)state;
  Refused(&poisson, "-tao_engd_direction dual -tao_engd_dual_solver cholesky -engd_memory_limit 1e4");
  Refused(&poisson, "-tao_engd_direction dual -tao_engd_dual_precision single -engd_memory_limit 1e4");
  Refused(&poisson, "-tao_engd_direction dual -tao_engd_dual_momentum 1");
  Refused(&poisson, "-tao_engd_direction dual -tao_engd_dual_momentum -0.1");
  Refused(&poisson, "-tao_engd_direction dual -tao_engd_dual_momentum 0.5 -tao_engd_momentum 0.5");
  Refused(&poisson, "-tao_engd_direction dual -tao_engd_dual_solver cholesky -tao_engd_dual_kernel none");
  Refused(&poisson, "-tao_engd_direction dual -tao_engd_dual_directions -1");
  Refused(&poisson, "-tao_engd_direction dual -tao_engd_dual_precision single -tao_engd_dual_solver krylov");
  Refused(&poisson, "-tao_engd_direction dual -tao_engd_dual_solver krylov -pc_type kfac");
  Refused(&poisson, "-tao_engd_direction dual -tao_engd_curvature h1");
  Refused(&ritz, "-tao_engd_direction dual");
}

/* and the direction is fit for use again */
static void TestNotFinite(void **state)
{
  PetscInt its;

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(ways); k++) {
    Frame f;

    BeginFrame(&poisson, "dual", "", ways[k], &f);
    CHECK(VecScale(f.s->theta, 1e160));
    assert_int_equal(EngdExitCode(ComputeDirection(&f, f.s->theta, 1e-2, &its)), ENGD_EXIT_NUMERICS);
    CHECK(ComputeDirection(&f, f.s->w, 1e-2, &its));
    EndFrame(&f);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestWays),     cmocka_unit_test(TestProblems),      cmocka_unit_test(TestLittleMemory),
      cmocka_unit_test(TestSpring),   cmocka_unit_test(TestBelowRounding), cmocka_unit_test(TestSingle),
      cmocka_unit_test(TestTraining), cmocka_unit_test(TestRefusals),      cmocka_unit_test(TestNotFinite),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL) || EngdSolverRegister()) return 1;
  failed = cmocka_run_group_tests_name("dual", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
