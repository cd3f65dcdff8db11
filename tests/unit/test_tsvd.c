/*
  Direction tsvd against LAPACK on the dense operators: gelsd on J for residuals, the eigenvectors of G for energies and other
  metrics; more rows than columns, fewer, as many, rank-deficient J, cut-offs, retries, what is refused. And what
  it is made of: TSQR, the SVD of a triangle.
  ranks: 1 2 3 4; errors leak
*/
#include "least_squares.h"

/* what an iteration of the optimiser does at theta: no Krylov iterations */
static PetscErrorCode Compute(Frame *f, Vec theta)
{
  PetscInt its;

  PetscFunctionBeginUser;
  PetscCall(ComputeDirection(f, theta, 0, &its));
  assert_int_equal(its, 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the direction at theta is that of LAPACK, as closely as the cut-off allows; returns the rank */
static PetscInt AgreesWithLeastSquares(Frame *f, Vec theta, PetscReal rcond)
{
  PetscReal *exact, *d;
  PetscInt   rank;

  CHECK(PetscMalloc2(f->s->p, &exact, f->s->p, &d));
  CHECK(Compute(f, theta));
  rank = LeastSquares(f->s->F, rcond, exact);
  Whole(f->d, d);
  CloseAll(f->s->which->name, (size_t)f->s->p, d, exact, 1e-13 / rcond);
  assert_true(f->direction->damping == rcond);
  CHECK(PetscFree2(exact, d));
  return rank;
}

static const char *const shapes[] = {"", "-network_layers 20", "-pde_sampler halton -pde_points 21",
                                     "-engd_block_points 7 -network_layers 3"};

/* more rows than columns, fewer, as many, and many more in small blocks; at two parameters in turn */
static void TestShapes(void **state)
{
  const char *const options[] = {"-tao_engd_rcond 1e-3", "-tao_engd_rcond 1e-6", "-tao_engd_rcond 1e-10"};
  const PetscReal   rcond[]   = {1e-3, 1e-6, 1e-10};
  PetscInt          ranks[3];

  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(shapes); c++) {
    for (size_t k = 0; k < 3; k++) {
      Frame f;

      BeginFrame(&poisson, "tsvd", shapes[c], options[k], &f);
      if (c == 2) assert_int_equal(f.s->p, 33);
      ranks[k] = AgreesWithLeastSquares(&f, f.s->theta, rcond[k]);
      (void)AgreesWithLeastSquares(&f, f.s->w, rcond[k]);
      EndFrame(&f);
    }
    assert_true(ranks[0] < ranks[2]);
  }
}

/* all residual problems: systems, several terms, fewer points than ranks */
static void TestProblems(void **state)
{
  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(cases); c++) {
    Frame f;

    if (cases[c].energy) continue;
    BeginFrame(&cases[c], "tsvd", "", "-tao_engd_rcond 1e-5", &f);
    (void)AgreesWithLeastSquares(&f, f.s->theta, 1e-5);
    EndFrame(&f);
  }
}

/* hidden units that are all alike: a few independent columns, and the solution of least norm */
static void TestRankDeficient(void **state)
{
  (void)state;
  for (size_t c = 0; c < 3; c++) {
    Frame f;

    BeginFrame(&poisson, "tsvd", shapes[c], "-tao_engd_rcond 1e-8", &f);
    CHECK(VecSet(f.s->theta, 0.3));
    assert_in_range(AgreesWithLeastSquares(&f, f.s->theta, 1e-8), 2, 5);
    EndFrame(&f);
  }
}

/* d = -G^+ gradient with the eigenvalues of G below rcond^2 of the largest cut off */
static void AgreesWithGramian(const Case *which, const char problem[])
{
  const PetscReal rcond = 1e-3;
  PetscReal      *dense, *lambda, *work, *g, *exact, *d;
  PetscBLASInt    p, lwork = 100000, info;
  Frame           f;

  BeginFrame(which, "tsvd", problem, "-tao_engd_rcond 1e-3", &f);
  CHECK(Compute(&f, f.s->theta));
  dense = Dense(f.solver->G);
  p     = (PetscBLASInt)f.s->p;
  CHECK(PetscCalloc5(p, &lambda, lwork, &work, p, &g, p, &exact, p, &d));
  LAPACKsyev_("V", "L", &p, dense, &p, lambda, work, &lwork, &info);
  assert_int_equal(info, 0);
  Whole(f.gradient, g);
  Whole(f.d, d);
  for (PetscInt i = 0; i < p; i++) {
    PetscReal dot = 0;

    if (lambda[i] <= rcond * rcond * lambda[p - 1]) continue;
    for (PetscInt j = 0; j < p; j++) dot += dense[i * p + j] * g[j];
    for (PetscInt j = 0; j < p; j++) exact[j] -= dense[i * p + j] * dot / lambda[i];
  }
  CloseAll(problem, (size_t)p, d, exact, 1e-7);
  CHECK(PetscFree5(lambda, work, g, exact, d));
  CHECK(PetscFree(dense));
  EndFrame(&f);
}

static void TestOtherMetrics(void **state)
{
  (void)state;
  AgreesWithGramian(&ritz, "");
  AgreesWithGramian(&ritz, "-network_layers 40");
  AgreesWithGramian(&ritz, "-tao_engd_curvature energy");
  AgreesWithGramian(&ritz, "-tao_engd_curvature h1 -network_layers 60");
  AgreesWithGramian(&poisson, "-tao_engd_curvature l2");
  AgreesWithGramian(&poisson, "-tao_engd_curvature h1");
  AgreesWithGramian(&poisson, "-tao_engd_curvature energy");
}

/* attempt k is the direction of a cut-off 10^(k/2) times larger, of the same factors, until the cut-off is 1 */
static void TestRetry(void **state)
{
  (void)state;
  for (size_t c = 0; c < 2; c++) {
    PetscReal *exact, *d;
    PetscBool  more;
    Frame      f;

    BeginFrame(&poisson, "tsvd", shapes[c], "-tao_engd_rcond 2e-6", &f);
    CHECK(PetscMalloc2(f.s->p, &exact, f.s->p, &d));
    CHECK(Compute(&f, f.s->theta));
    for (PetscInt k = 1; k < 14; k++) {
      const PetscReal cutoff = 2e-6 * PetscPowReal(10, (PetscReal)k / 2);

      CHECK((*f.direction->ops->retry)(f.direction, f.solver, k, f.d, &more));
      assert_true(more == (k < 12));
      if (!more) continue;
      Whole(f.d, d);
      (void)LeastSquares(f.s->F, cutoff, exact);
      CloseAll("retry", (size_t)f.s->p, d, exact, 1e-13 / cutoff + 1e-10);
      Close("cut-off", f.direction->damping, cutoff, 1e-12 * cutoff);
    }
    CHECK(PetscFree2(exact, d));
    EndFrame(&f);
  }
}

typedef struct {
  PetscReal loss;
  PetscInt  n, raised, rejected;
} Watched;

static PetscErrorCode Watch(Tao tao, void *data)
{
  Watched   *seen = (Watched *)data;
  EngdStatus status;
  PetscReal  loss;

  PetscFunctionBeginUser;
  PetscCall(TaoGetSolutionStatus(tao, NULL, &loss, NULL, NULL, NULL, NULL));
  PetscCall(TaoEngdGetStatus(tao, &status));
  if (seen->n++) {
    assert_true(loss <= seen->loss);
    seen->raised += status.damping > 1.5e-12;
    seen->rejected += status.step == 0;
  }
  seen->loss = loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* whole runs from random parameters: the loss never grows, retries are used and it falls further than without them */
static void TestTraining(void **state)
{
  const char *const options[] = {"-tao_engd_retry_step 0", "", "-tao_engd_momentum 0.5 -tao_engd_retry_step 0.9",
                                 "-tao_engd_step armijo", "-tao_engd_step fixed -tao_engd_max_rejections 90"};

  PetscReal without = 0;

  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(options); c++) {
    Watched seen = {0};
    char    all[256];
    Setting s;
    Tao     tao;

    snprintf(all, sizeof(all), "-tao_engd_direction tsvd -tao_engd_geodesic 0 -tao_engd_stall 0 -tao_max_it 60 %s",
             options[c]);
    Begin(PETSC_COMM_WORLD, &poisson, "-network_layers 12", &s);
    CreateTao(&s, all, &tao);
    CHECK(TaoMonitorSet(tao, Watch, &seen, NULL));
    CHECK(TaoSolve(tao));
    if (c == 1 || c == 2) assert_true(seen.raised > 0);
    if (c == 0) without = seen.loss;
    if (c != 2) assert_true(seen.rejected <= 1); /* all has been tried then: the end */
    if ((c == 1 || c == 2) && !(seen.loss < 0.1 * without)) fail_msg("%s: loss %g", options[c], (double)seen.loss);
    CHECK(TaoDestroy(&tao));
    End(&s);
  }
}

/* one error, on all ranks alike: too little memory, a cut-off out of range, a Jacobian that is not finite */
static void TestRefusals(void **state)
{
  const char *const options[] = {"-engd_memory_limit 1e4", "", "", ""};
  const char *const others[]  = {"", " -tao_engd_rcond 0", " -tao_engd_rcond 1", " -tao_engd_rcond -1e-3"};
  Frame             f;

  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(options); c++) {
    char    all[128];
    Setting s;
    Tao     tao;

    Begin(PETSC_COMM_WORLD, &poisson, options[c], &s);
    snprintf(all, sizeof(all), "-tao_engd_direction tsvd%s", others[c]);
    CHECK(PetscOptionsInsertString(NULL, all));
    assert_int_equal(EngdExitCode(EngdSolverCreate(s.F, &tao)), ENGD_EXIT_INPUT);
    CHECK(PetscOptionsClear(NULL));
    End(&s);
  }
  for (size_t c = 0; c < 2; c++) {
    BeginFrame(&poisson, "tsvd", shapes[c], "", &f);
    CHECK(VecScale(f.s->theta, 1e160));
    assert_int_equal(EngdExitCode(Compute(&f, f.s->theta)), ENGD_EXIT_NUMERICS);
    CHECK(Compute(&f, f.s->w)); /* and it is fit for use again */
    EndFrame(&f);
  }
}

/* entry (i, j) of a matrix whose columns are far from orthogonal */
static PetscReal Entry(PetscInt i, PetscInt j)
{
  return 1.0 / (1 + j) + PetscPowRealInt(10, -(j % 7)) * (EngdRandomUniform(1, 60, i, 0, j) - 0.5);
}

/* Q^T A e_j = T e_j, Q T e_j = A e_j, T upper triangular; rows spread unevenly, some ranks without any */
static void TestTSQR(void **state)
{
  const PetscInt columns[] = {1, 5, 40};
  PetscMPIInt    rank;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  for (size_t c = 0; c < 6; c++) {
    const PetscInt n = columns[c % 3], m = c / 3 ? (rank == 0 ? 90 : rank % 2 ? 0 : 3) : 50 + 13 * rank;
    PetscInt       lda, start            = 0;
    PetscReal     *A, *a, *x, *y, *T, *Q;
    EngdTSQR       q;

    MPI_Exscan(&m, &start, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD);
    CHECK(EngdTSQRCreate(PETSC_COMM_WORLD, m, n, &q));
    CHECK(EngdTSQRGetArray(q, &lda, &A));
    CHECK(PetscCalloc4(m, &a, m, &x, n, &y, n * n, &T));
    for (PetscInt j = 0; j < n; j++) {
      for (PetscInt i = 0; i < m; i++) A[j * lda + i] = Entry(start + i, j);
    }
    CHECK(EngdTSQRFactor(q, T));
    CHECK(PetscMalloc1((m + 2) * n, &Q));
    CHECK(EngdTSQRFormQ(q, m + 2, Q));
    for (PetscInt j = 0; j < n; j++) {
      PetscReal error = 0;

      for (PetscInt i = 0; i < m; i++) a[i] = Entry(start + i, j);
      CHECK(EngdTSQRMultTranspose(q, a, y));
      for (PetscInt i = 0; rank == 0 && i < n; i++) {
        error = PetscMax(error, PetscAbsReal(y[i] - T[j * n + i]));
        if (i > j) error = PetscMax(error, PetscAbsReal(T[j * n + i]));
      }
      CHECK(EngdTSQRMult(q, T + j * n, x));
      for (PetscInt i = 0; i < m; i++) error = PetscMax(error, PetscAbsReal(x[i] - a[i]));
      for (PetscInt i = 0; i < n; i++) y[i] = i == j;
      CHECK(EngdTSQRMult(q, y, x));
      for (PetscInt i = 0; i < m; i++) error = PetscMax(error, PetscAbsReal(x[i] - Q[j * (m + 2) + i]));
      Close("TSQR", Largest(error), 0, 1e-13);
    }
    CHECK(PetscFree4(a, x, y, T));
    CHECK(PetscFree(Q));
    CHECK(EngdTSQRDestroy(&q));
  }
}

/* A = U S V^T with orthonormal U, V: graded matrices of every rank, and zero */
static void TestSVD(void **state)
{
  const PetscInt sizes[] = {1, 2, 30};

  (void)state;
  for (size_t c = 0; c < 9; c++) {
    const PetscInt n    = sizes[c % 3];
    PetscReal      fall = c / 3 == 0 ? 1 : c / 3 == 1 ? 0.1 : 0, error = 0, *A, *B;
    EngdSVD        svd;

    CHECK(PetscMalloc2(n * n, &A, n * n, &B));
    for (PetscInt k = 0; k < n * n; k++) {
      A[k] = B[k] =
          (EngdRandomUniform(2, 61, k, 0, 0) - 0.5) * (c / 3 == 2 ? 0 : PetscPowReal(fall, (PetscReal)(k / n)));
    }
    CHECK(EngdSVDCreate(n, &svd));
    CHECK(EngdSVDCompute(&svd, A, 1e-16));
    assert_true(c / 3 == 2 ? svd.nsigma == 0 : c / 3 == 0 ? svd.nsigma == n : svd.nsigma <= 18);
    for (PetscInt i = 0; i < n; i++) {
      for (PetscInt j = 0; j < n; j++) {
        PetscReal sum = 0;

        for (PetscInt k = 0; k < svd.nsigma; k++) sum += svd.U[k * n + i] * svd.sigma[k] * svd.V[k * n + j];
        error = PetscMax(error, PetscAbsReal(sum - B[j * n + i]));
      }
    }
    for (PetscInt k = 0; k < svd.nsigma * svd.nsigma; k++) {
      PetscReal u = 0, v = 0;

      for (PetscInt i = 0; i < n; i++) {
        u += svd.U[k / svd.nsigma * n + i] * svd.U[k % svd.nsigma * n + i];
        v += svd.V[k / svd.nsigma * n + i] * svd.V[k % svd.nsigma * n + i];
      }
      error = PetscMax(error, PetscAbsReal(u - (k / svd.nsigma == k % svd.nsigma)));
      error = PetscMax(error, PetscAbsReal(v - (k / svd.nsigma == k % svd.nsigma)));
    }
    Close("SVD", error, 0, 1e-13);
    CHECK(EngdSVDDestroy(&svd));
    CHECK(PetscFree2(A, B));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestTSQR),     cmocka_unit_test(TestSVD),           cmocka_unit_test(TestShapes),
      cmocka_unit_test(TestProblems), cmocka_unit_test(TestRankDeficient), cmocka_unit_test(TestOtherMetrics),
      cmocka_unit_test(TestRetry),    cmocka_unit_test(TestTraining),      cmocka_unit_test(TestRefusals),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("tsvd", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
