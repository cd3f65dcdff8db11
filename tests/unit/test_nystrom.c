/*
  Preconditioner nystrom: against a dense oracle, exact where the rank allows it, symmetric and positive, the same on any number
  of ranks, with several Krylov methods and in compositions, on other matrices.
  ranks: 1 2 3 4
*/
#include "kfac_case.h"
#include <petscksp.h>

#define LAMBDA 1e-3

/* eigenvalues, ascending, and eigenvectors, over it, of a symmetric matrix */
static void Eigen(PetscInt n, PetscReal A[], PetscReal w[])
{
  PetscReal    work[4096];
  PetscBLASInt bn = (PetscBLASInt)n, lwork = 4096, info;

  LAPACKsyev_("V", "U", &bn, A, &bn, w, work, &lwork, &info);
  assert_int_equal(info, 0);
}

/* C (m, n) = op(A) B, all dense */
static void Times(PetscBool transpose, PetscInt m, PetscInt n, PetscInt k, const PetscReal A[], const PetscReal B[],
                  PetscReal C[])
{
  for (PetscInt j = 0; j < n; j++) {
    for (PetscInt i = 0; i < m; i++) {
      C[j * m + i] = 0;
      for (PetscInt h = 0; h < k; h++) C[j * m + i] += (transpose ? A[i * k + h] : A[h * m + i]) * B[j * k + h];
    }
  }
}

/* y = P^{-1} x by its definition: N = (A Omega) (Omega^T A Omega)^+ (A Omega)^T, its eigenvectors and eigenvalues */
static void Oracle(Mat G, BV Omega, PetscInt l, PetscReal lambda, Vec x, PetscReal y[])
{
  PetscInt   p;
  PetscReal *O, *Y, *M, *B, *N, *w, *in;
  Vec        v, Gv;

  CHECK(MatGetSize(G, &p, NULL));
  CHECK(PetscMalloc7(p * l, &O, p * l, &Y, l * l, &M, p * p, &B, p * p, &N, p, &w, p, &in));
  CHECK(MatCreateVecs(G, &Gv, NULL));
  for (PetscInt j = 0; j < l; j++) {
    CHECK(BVGetColumn(Omega, j, &v));
    CHECK(MatMult(G, v, Gv));
    Whole(v, O + j * p);
    CHECK(BVRestoreColumn(Omega, j, &v));
    Whole(Gv, Y + j * p);
    for (PetscInt i = 0; i < p; i++) Y[j * p + i] -= lambda * O[j * p + i];
  }
  Times(PETSC_TRUE, l, l, p, O, Y, M);
  Eigen(l, M, w);
  for (PetscInt j = 0; j < l; j++) {
    for (PetscInt i = 0; i < l; i++) M[j * l + i] = w[j] > 1e-12 * w[l - 1] ? M[j * l + i] / PetscSqrtReal(w[j]) : 0;
  }
  Times(PETSC_FALSE, p, l, l, Y, M, B);
  for (PetscInt k = 0; k < p * p; k++) {
    N[k] = 0;
    for (PetscInt j = 0; j < l; j++) N[k] += B[j * p + k % p] * B[j * p + k / p];
  }
  Eigen(p, N, w);
  Whole(x, in);
  for (PetscInt i = 0; i < p; i++) y[i] = 0;
  for (PetscInt j = 0; j < p; j++) {
    const PetscReal size = j >= p - l ? w[j] : w[p - l];
    PetscReal       c    = 0;

    for (PetscInt i = 0; i < p; i++) c += N[j * p + i] * in[i];
    for (PetscInt i = 0; i < p; i++) y[i] += N[j * p + i] * c / (PetscMax(size, 0) + lambda);
  }
  CHECK(VecDestroy(&Gv));
  CHECK(PetscFree7(O, Y, M, B, N, w, in));
}

static void dense_oracle(void **state)
{
  const char *const options[] = {
      POISSON "-pc_type nystrom -pc_nystrom_rank 5", SYSTEM "-pc_type nystrom -pc_nystrom_rank 20",
      MODEL "-pc_type nystrom -pc_nystrom_rank 20", POISSON "-pc_type nystrom -pc_nystrom_rank 1"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    Preconditioned c;
    PetscInt       p;
    PetscReal     *exact, *computed, size = 0, difference = 0;
    Vec            x, y;

    Make(PETSC_COMM_WORLD, options[k], PETSC_FALSE, &c);
    CHECK(EngdGramianSetDamping(c.G, LAMBDA));
    CHECK(VecDuplicate(c.theta, &x));
    CHECK(VecDuplicate(c.theta, &y));
    CHECK(VecGetSize(x, &p));
    CHECK(PetscMalloc2(p, &exact, p, &computed));
    Fill(x, 1);
    CHECK(PCApply(c.pc, x, y));
    Whole(y, computed);
    Oracle(c.G, Nystrom(c.pc)->sketch.Omega, Nystrom(c.pc)->sketch.ncolumns, LAMBDA, x, exact);
    for (PetscInt i = 0; i < p; i++) {
      size       = PetscMax(size, PetscAbsReal(exact[i]));
      difference = PetscMax(difference, PetscAbsReal(exact[i] - computed[i]));
    }
    if (!(difference <= 1e-6 * size))
      fail_msg("case %d differs by %g of %g", (int)k, (double)difference, (double)size);
    CHECK(PetscFree2(exact, computed));
    CHECK(VecDestroy(&x));
    CHECK(VecDestroy(&y));
    Destroy(&c);
  }
}

/* iterations of a KSP to 1e-9, and the relative error of its solution */
static PetscInt Solve(Preconditioned *c, const char type[], PetscReal *error)
{
  const PetscBool lsqr = (PetscBool)!strcmp(type, KSPLSQR);
  PetscReal       norm;
  PetscInt        its;
  Mat             J;
  Vec             x, y, b;
  KSP             ksp;

  CHECK(EngdFunctionalCreateJacobian(c->F, &J));
  CHECK(MatCreateVecs(lsqr ? J : c->G, &x, &b));
  CHECK(VecDuplicate(x, &y));
  Fill(y, 1);
  CHECK(MatMult(c->G, y, x)); /* in the range of G, as a gradient is */
  CHECK(MatMult(lsqr ? J : c->G, x, b));
  CHECK(KSPCreate(PETSC_COMM_WORLD, &ksp));
  CHECK(KSPSetType(ksp, type));
  CHECK(KSPSetPC(ksp, c->pc));
  CHECK(KSPSetOperators(ksp, lsqr ? J : c->G, c->G));
  CHECK(KSPSetTolerances(ksp, 1e-9, 0, PETSC_DEFAULT, 100));
  CHECK(KSPSolve(ksp, b, y));
  CHECK(KSPGetIterationNumber(ksp, &its));
  CHECK(VecNorm(x, NORM_2, &norm));
  CHECK(VecAXPY(y, -1, x));
  CHECK(VecNorm(y, NORM_2, error));
  *error /= norm;
  CHECK(KSPDestroy(&ksp));
  CHECK(VecDestroy(&x));
  CHECK(VecDestroy(&y));
  CHECK(VecDestroy(&b));
  CHECK(MatDestroy(&J));
  return its;
}

/* G has at most 28 rows in it, so rank 40 of 59 is exact: each method needs two or three iterations */
static void low_rank(void **state)
{
  const char *const type[] = {KSPCG, KSPMINRES, KSPGMRES, KSPPREONLY, KSPLSQR};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(type); k++) {
    PetscReal      error;
    PetscInt       its;
    Preconditioned c;

    Make(PETSC_COMM_WORLD, POISSON "-pc_type nystrom -pc_nystrom_rank 40", PETSC_FALSE, &c);
    CHECK(EngdGramianSetDamping(c.G, k == 4 ? 1e-9 : LAMBDA)); /* LSQR has no damping here, so P has none either */
    its = Solve(&c, type[k], &error);
    if (!(its <= 3 && error < 1e-5)) fail_msg("%s: %d iterations, error %g", type[k], (int)its, (double)error);
    CHECK(PetscOptionsSetValue(NULL, "-pc_type", "none")); /* or this would show nothing */
    CHECK(PCSetFromOptions(c.pc));
    if (k < 2) assert_true(Solve(&c, type[k], &error) > 10);
    Destroy(&c);
  }
}

/* compositions with kfac run, and CG in the symmetric ones ends at the solution */
static void compositions(void **state)
{
  const char *const type[] = {"additive", "multiplicative", "symmetric_multiplicative"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(type); k++) {
    PetscReal      error;
    PetscInt       its;
    Preconditioned c;
    char           options[2048];

    CHECK(PetscSNPrintf(
        options, sizeof(options),
        "%s -pc_type composite -pc_composite_pcs kfac,nystrom -pc_composite_type %s -sub_1_pc_nystrom_rank 12 "
        "-sub_0_pc_kfac_damping 0.1",
        POISSON, type[k]));
    Make(PETSC_COMM_WORLD, options, PETSC_FALSE, &c);
    CHECK(EngdGramianSetDamping(c.G, LAMBDA));
    its = Solve(&c, k == 1 ? KSPGMRES : KSPCG, &error);
    if (!(its < 100 && error < 1e-4)) fail_msg("%s: %d iterations, error %g", type[k], (int)its, (double)error);
    Destroy(&c);
  }
}

static void symmetric_positive(void **state)
{
  Preconditioned c;
  Vec            x, y, Px, Py;
  PetscReal      xPy, yPx, xPx;

  (void)state;
  Make(PETSC_COMM_WORLD, SYSTEM "-pc_type nystrom -pc_nystrom_rank 15", PETSC_FALSE, &c);
  CHECK(VecDuplicate(c.theta, &x));
  CHECK(VecDuplicate(c.theta, &y));
  CHECK(VecDuplicate(c.theta, &Px));
  CHECK(VecDuplicate(c.theta, &Py));
  for (PetscInt k = 0; k < 5; k++) { /* the first time without any damping */
    Fill(x, k);
    Fill(y, 0.3 + 2 * k);
    CHECK(PCApply(c.pc, x, Px));
    CHECK(PCApplyTranspose(c.pc, y, Py));
    CHECK(VecDot(x, Py, &xPy));
    CHECK(VecDot(y, Px, &yPx));
    CHECK(VecDot(x, Px, &xPx));
    assert_true(xPx > 0);
    assert_true(PetscAbsReal(xPy - yPx) <= 1e-11 * xPx);
    Move(&c, 1.1);
    CHECK(EngdGramianSetDamping(c.G, PetscPowReal(10, -2 * k)));
  }
  CHECK(VecDestroy(&x));
  CHECK(VecDestroy(&y));
  CHECK(VecDestroy(&Px));
  CHECK(VecDestroy(&Py));
  Destroy(&c);
}

/* the same vector as one rank alone computes */
static void any_number_of_ranks(void **state)
{
  const char *const options =
      SYSTEM "-pc_type nystrom -pc_nystrom_rank 6 -pc_nystrom_rank_max 24 -pc_nystrom_adaptive";
  Preconditioned   all, alone;
  Vec              x[2], y[2];
  const PetscReal *part, *whole;
  PetscReal        norm;
  PetscInt         begin, end;

  (void)state;
  Make(PETSC_COMM_WORLD, options, PETSC_FALSE, &all);
  Make(PETSC_COMM_SELF, options, PETSC_FALSE, &alone);
  for (PetscInt k = 0; k < 2; k++) {
    Preconditioned *c = k ? &alone : &all;

    CHECK(EngdGramianSetDamping(c->G, LAMBDA));
    CHECK(VecDuplicate(c->theta, &x[k]));
    CHECK(VecDuplicate(c->theta, &y[k]));
    Fill(x[k], 0);
    CHECK(PCSetUp(c->pc));
    Move(c, 0.9);
    CHECK(PCApply(c->pc, x[k], y[k]));
  }
  assert_int_equal(Nystrom(all.pc)->sketch.ncolumns, Nystrom(alone.pc)->sketch.ncolumns);
  CHECK(VecNorm(y[1], NORM_INFINITY, &norm));
  CHECK(VecGetOwnershipRange(y[0], &begin, &end));
  CHECK(VecGetArrayRead(y[0], &part));
  CHECK(VecGetArrayRead(y[1], &whole));
  for (PetscInt j = begin; j < end; j++) assert_true(PetscAbsReal(part[j - begin] - whole[j]) < 1e-7 * norm);
  CHECK(VecRestoreArrayRead(y[0], &part));
  CHECK(VecRestoreArrayRead(y[1], &whole));
  for (PetscInt k = 0; k < 2; k++) {
    CHECK(VecDestroy(&x[k]));
    CHECK(VecDestroy(&y[k]));
  }
  Destroy(&all);
  Destroy(&alone);
}

static PetscErrorCode DampingOfShell(Mat A, PetscReal *lambda)
{
  (void)A;
  *lambda = 2;
  return PETSC_SUCCESS;
}

/* any matrix: without a word of its damping, with one, and negative eigenvalues, which are approximated by none */
static void other_matrices(void **state)
{
  const PetscInt n = 30;
  Mat            A;
  Vec            x, y, d;
  PC             pc;

  (void)state;
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, "-pc_type nystrom -pc_nystrom_rank 30 -pc_nystrom_damping 0.5"));
  for (PetscInt k = 0; k < 4; k++) { /* diag(3, 4, ...), of which the first entry is -1 the third time; zero */
    const PetscReal lambda = k == 1 ? 2 : 0.5;
    PetscReal       error, first;
    PetscInt        begin, end;

    CHECK(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n, n, 1, NULL, 0, NULL, &A));
    CHECK(MatGetOwnershipRange(A, &begin, &end));
    for (PetscInt i = begin; i < end; i++)
      CHECK(MatSetValue(A, i, i, k == 3 ? 0 : k == 2 && !i ? -1 : i + 3, INSERT_VALUES));
    CHECK(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
    CHECK(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
    if (k == 1) CHECK(PetscObjectComposeFunction((PetscObject)A, "EngdMatGetDamping_C", DampingOfShell));
    CHECK(PCCreate(PETSC_COMM_WORLD, &pc));
    CHECK(PCSetOperators(pc, A, A));
    CHECK(PCSetFromOptions(pc));
    CHECK(MatCreateVecs(A, &x, &y));
    CHECK(VecDuplicate(x, &d));
    CHECK(VecSet(x, 1));
    CHECK(PCApply(pc, x, y)); /* 1 / (i + 3 + lambda): A contains the damping that it says */
    CHECK(MatGetDiagonal(A, d));
    if (k != 1) CHECK(VecShift(d, lambda));
    CHECK(VecPointwiseMult(d, d, y));
    CHECK(VecShift(d, -1));
    if (k == 2) {
      first = begin == 0 ? 1 : 0;
      CHECK(VecSetValue(d, 0, 0, INSERT_VALUES));
      CHECK(VecAssemblyBegin(d));
      CHECK(VecAssemblyEnd(d));
      CHECK(VecMin(y, NULL, &first));
      assert_true(first > 0);
    }
    CHECK(VecNorm(d, NORM_INFINITY, &error));
    if (!(error < (k == 2 ? 1e-6 : 1e-10))) fail_msg("matrix %d: error %g", (int)k, (double)error);
    CHECK(VecDestroy(&x));
    CHECK(VecDestroy(&y));
    CHECK(VecDestroy(&d));
    CHECK(PCDestroy(&pc));
    CHECK(MatDestroy(&A));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dense_oracle),        cmocka_unit_test(low_rank),
      cmocka_unit_test(compositions),        cmocka_unit_test(symmetric_positive),
      cmocka_unit_test(any_number_of_ranks), cmocka_unit_test(other_matrices),
  };
  int failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  if (EngdSolverRegister()) return 1;
  failures = cmocka_run_group_tests_name("nystrom", tests, NULL, NULL);
  return EngdFinalize() || failures;
}
