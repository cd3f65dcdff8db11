/*
  Preconditioner nystrom: against a dense oracle, exact where the rank allows it, symmetric and positive, the same on any number
  of ranks, when it refreshes and grows, with several Krylov methods and in compositions, mistakes, view.
  ranks: 1 2 3 4; errors leak
*/
#include "kfac_case.h"
#include "../../src/preconditioners/nystrom.h"
#include <petscblaslapack.h>
#include <petscksp.h>

#define LAMBDA 1e-3

static EngdNystrom *Nystrom(PC pc)
{
  EngdNystrom *nystrom;

  OK(EngdPCGetData(pc, "nystrom", (void **)&nystrom));
  assert_non_null(nystrom);
  return nystrom;
}

/* whole (n): v on every rank */
static void Whole(Vec v, PetscReal whole[])
{
  const PetscReal *values;
  VecScatter       scatter;
  PetscInt         n;
  Vec              all;

  OK(VecScatterCreateToAll(v, &scatter, &all));
  OK(VecScatterBegin(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  OK(VecScatterEnd(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  OK(VecGetSize(all, &n));
  OK(VecGetArrayRead(all, &values));
  OK(PetscArraycpy(whole, values, n));
  OK(VecRestoreArrayRead(all, &values));
  OK(VecScatterDestroy(&scatter));
  OK(VecDestroy(&all));
}

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

  OK(MatGetSize(G, &p, NULL));
  OK(PetscMalloc7(p * l, &O, p * l, &Y, l * l, &M, p * p, &B, p * p, &N, p, &w, p, &in));
  OK(MatCreateVecs(G, &Gv, NULL));
  for (PetscInt j = 0; j < l; j++) {
    OK(BVGetColumn(Omega, j, &v));
    OK(MatMult(G, v, Gv));
    Whole(v, O + j * p);
    OK(BVRestoreColumn(Omega, j, &v));
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
  OK(VecDestroy(&Gv));
  OK(PetscFree7(O, Y, M, B, N, w, in));
}

static void dense_oracle(void **state)
{
  const char *const options[] = {POISSON "-pc_type nystrom -pc_nystrom_rank 5",
                                 SYSTEM "-pc_type nystrom -pc_nystrom_rank 20",
                                 POISSON "-pc_type nystrom -pc_nystrom_rank 1"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    Case       c;
    PetscInt   p;
    PetscReal *exact, *computed, size = 0, difference = 0;
    Vec        x, y;

    Make(PETSC_COMM_WORLD, options[k], PETSC_FALSE, &c);
    OK(EngdGramianSetDamping(c.G, LAMBDA));
    OK(VecDuplicate(c.theta, &x));
    OK(VecDuplicate(c.theta, &y));
    OK(VecGetSize(x, &p));
    OK(PetscMalloc2(p, &exact, p, &computed));
    Fill(x, 1);
    OK(PCApply(c.pc, x, y));
    Whole(y, computed);
    Oracle(c.G, Nystrom(c.pc)->sketch.Omega, Nystrom(c.pc)->sketch.rank, LAMBDA, x, exact);
    for (PetscInt i = 0; i < p; i++) {
      size       = PetscMax(size, PetscAbsReal(exact[i]));
      difference = PetscMax(difference, PetscAbsReal(exact[i] - computed[i]));
    }
    if (!(difference <= 1e-6 * size))
      fail_msg("case %d differs by %g of %g", (int)k, (double)difference, (double)size);
    OK(PetscFree2(exact, computed));
    OK(VecDestroy(&x));
    OK(VecDestroy(&y));
    Destroy(&c);
  }
}

/* iterations of a KSP to 1e-9, and the relative error of its solution */
static PetscInt Solve(Case *c, const char type[], PetscReal *error)
{
  const PetscBool lsqr = (PetscBool)!strcmp(type, KSPLSQR);
  PetscReal       norm;
  PetscInt        its;
  Mat             J;
  Vec             x, y, b;
  KSP             ksp;

  OK(EngdFunctionalCreateJacobian(c->F, &J));
  OK(MatCreateVecs(lsqr ? J : c->G, &x, &b));
  OK(VecDuplicate(x, &y));
  Fill(y, 1);
  OK(MatMult(c->G, y, x)); /* in the range of G, as a gradient is */
  OK(MatMult(lsqr ? J : c->G, x, b));
  OK(KSPCreate(PETSC_COMM_WORLD, &ksp));
  OK(KSPSetType(ksp, type));
  OK(KSPSetPC(ksp, c->pc));
  OK(KSPSetOperators(ksp, lsqr ? J : c->G, c->G));
  OK(KSPSetTolerances(ksp, 1e-9, 0, PETSC_DEFAULT, 100));
  OK(KSPSolve(ksp, b, y));
  OK(KSPGetIterationNumber(ksp, &its));
  OK(VecNorm(x, NORM_2, &norm));
  OK(VecAXPY(y, -1, x));
  OK(VecNorm(y, NORM_2, error));
  *error /= norm;
  OK(KSPDestroy(&ksp));
  OK(VecDestroy(&x));
  OK(VecDestroy(&y));
  OK(VecDestroy(&b));
  OK(MatDestroy(&J));
  return its;
}

/* G has at most 28 rows in it, so rank 40 of 59 is exact: each method needs two or three iterations */
static void low_rank(void **state)
{
  const char *const type[] = {KSPCG, KSPMINRES, KSPGMRES, KSPPREONLY, KSPLSQR};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(type); k++) {
    PetscReal error;
    PetscInt  its;
    Case      c;

    Make(PETSC_COMM_WORLD, POISSON "-pc_type nystrom -pc_nystrom_rank 40", PETSC_FALSE, &c);
    OK(EngdGramianSetDamping(c.G, k == 4 ? 1e-9 : LAMBDA)); /* LSQR has no damping here, so P has none either */
    its = Solve(&c, type[k], &error);
    if (!(its <= 3 && error < 1e-5)) fail_msg("%s: %d iterations, error %g", type[k], (int)its, (double)error);
    OK(PetscOptionsSetValue(NULL, "-pc_type", "none")); /* or this would show nothing */
    OK(PCSetFromOptions(c.pc));
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
    PetscReal error;
    PetscInt  its;
    Case      c;
    char      options[2048];

    OK(PetscSNPrintf(
        options, sizeof(options),
        "%s -pc_type composite -pc_composite_pcs kfac,nystrom -pc_composite_type %s -sub_1_pc_nystrom_rank 12 "
        "-sub_0_pc_kfac_damping 0.1",
        POISSON, type[k]));
    Make(PETSC_COMM_WORLD, options, PETSC_FALSE, &c);
    OK(EngdGramianSetDamping(c.G, LAMBDA));
    its = Solve(&c, k == 1 ? KSPGMRES : KSPCG, &error);
    if (!(its < 100 && error < 1e-4)) fail_msg("%s: %d iterations, error %g", type[k], (int)its, (double)error);
    Destroy(&c);
  }
}

static void symmetric_positive(void **state)
{
  Case      c;
  Vec       x, y, Px, Py;
  PetscReal xPy, yPx, xPx;

  (void)state;
  Make(PETSC_COMM_WORLD, SYSTEM "-pc_type nystrom -pc_nystrom_rank 15", PETSC_FALSE, &c);
  OK(VecDuplicate(c.theta, &x));
  OK(VecDuplicate(c.theta, &y));
  OK(VecDuplicate(c.theta, &Px));
  OK(VecDuplicate(c.theta, &Py));
  for (PetscInt k = 0; k < 5; k++) { /* the first time without any damping */
    Fill(x, k);
    Fill(y, 0.3 + 2 * k);
    OK(PCApply(c.pc, x, Px));
    OK(PCApplyTranspose(c.pc, y, Py));
    OK(VecDot(x, Py, &xPy));
    OK(VecDot(y, Px, &yPx));
    OK(VecDot(x, Px, &xPx));
    assert_true(xPx > 0);
    assert_true(PetscAbsReal(xPy - yPx) <= 1e-11 * xPx);
    Move(&c, 1.1);
    OK(EngdGramianSetDamping(c.G, PetscPowReal(10, -2 * k)));
  }
  OK(VecDestroy(&x));
  OK(VecDestroy(&y));
  OK(VecDestroy(&Px));
  OK(VecDestroy(&Py));
  Destroy(&c);
}

/* the same vector as one rank alone computes */
static void any_number_of_ranks(void **state)
{
  const char *const options =
      SYSTEM "-pc_type nystrom -pc_nystrom_rank 6 -pc_nystrom_rank_max 24 -pc_nystrom_adaptive";
  Case             all, alone;
  Vec              x[2], y[2];
  const PetscReal *part, *whole;
  PetscReal        norm;
  PetscInt         begin, end;

  (void)state;
  Make(PETSC_COMM_WORLD, options, PETSC_FALSE, &all);
  Make(PETSC_COMM_SELF, options, PETSC_FALSE, &alone);
  for (PetscInt k = 0; k < 2; k++) {
    Case *c = k ? &alone : &all;

    OK(EngdGramianSetDamping(c->G, LAMBDA));
    OK(VecDuplicate(c->theta, &x[k]));
    OK(VecDuplicate(c->theta, &y[k]));
    Fill(x[k], 0);
    OK(PCSetUp(c->pc));
    Move(c, 0.9);
    OK(PCApply(c->pc, x[k], y[k]));
  }
  assert_int_equal(Nystrom(all.pc)->sketch.rank, Nystrom(alone.pc)->sketch.rank);
  OK(VecNorm(y[1], NORM_INFINITY, &norm));
  OK(VecGetOwnershipRange(y[0], &begin, &end));
  OK(VecGetArrayRead(y[0], &part));
  OK(VecGetArrayRead(y[1], &whole));
  for (PetscInt j = begin; j < end; j++) assert_true(PetscAbsReal(part[j - begin] - whole[j]) < 1e-7 * norm);
  OK(VecRestoreArrayRead(y[0], &part));
  OK(VecRestoreArrayRead(y[1], &whole));
  for (PetscInt k = 0; k < 2; k++) {
    OK(VecDestroy(&x[k]));
    OK(VecDestroy(&y[k]));
  }
  Destroy(&all);
  Destroy(&alone);
}

/* which set-ups count, and which of them approximate anew; a new damping is seen without that */
static void schedule(void **state)
{
  Case c;

  (void)state;
  Make(PETSC_COMM_WORLD, POISSON "-pc_type nystrom -pc_nystrom_rank 10 -pc_nystrom_update_every 3", PETSC_FALSE, &c);
  for (PetscInt k = 0; k < 7; k++) {
    const PetscInt64 products = c.F->products;

    OK(PCSetUp(c.pc));
    assert_int_equal(Nystrom(c.pc)->setups, k + 1);
    assert_int_equal(Nystrom(c.pc)->updates, k / 3 + 1);
    assert_int_equal(c.F->products - products, k % 3 ? 0 : 10);
    OK(PCSetUp(c.pc)); /* nothing has changed */
    OK(EngdGramianSetDamping(c.G, 0.5 / (k + 1)));
    OK(PCSetUp(c.pc));
    assert_int_equal(Nystrom(c.pc)->setups, k + 1);
    assert_true(Nystrom(c.pc)->damping == 0.5 / (k + 1));
    Move(&c, 1.05);
  }
  Destroy(&c);
}

/* the rank is doubled as long as the last eigenvalue is above 10 lambda, also when lambda falls at the same theta */
static void adaptive(void **state)
{
  const PetscReal lambda[] = {10, 1e-1, 1e-3, 1e-9, 1e-9, 10};
  Case            c;
  EngdNystrom    *nystrom;

  (void)state;
  Make(PETSC_COMM_WORLD, POISSON "-pc_type nystrom -pc_nystrom_rank 2 -pc_nystrom_adaptive -pc_nystrom_rank_max 20",
       PETSC_FALSE, &c);
  nystrom = Nystrom(c.pc);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(lambda); k++) {
    const PetscInt   before   = nystrom->sketch.rank;
    const PetscInt64 products = c.F->products;

    OK(EngdGramianSetDamping(c.G, lambda[k]));
    if (k == 5) Move(&c, 1.01); /* and starts small again */
    OK(PCSetUp(c.pc));
    assert_true(nystrom->sketch.rank <= 20);
    assert_true(nystrom->sketch.rank == 20 || nystrom->sketch.last <= 10 * lambda[k]);
    assert_int_equal(c.F->products - products, k == 5 ? nystrom->sketch.rank : nystrom->sketch.rank - before);
    if (k == 3) assert_int_equal(nystrom->sketch.rank, 20);
    if (k == 4) assert_int_equal(before, 20);
    if (k == 0 || k == 5) assert_true(nystrom->sketch.rank < 20);
  }
  Destroy(&c);
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
  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, "-pc_type nystrom -pc_nystrom_rank 30 -pc_nystrom_damping 0.5"));
  for (PetscInt k = 0; k < 4; k++) { /* diag(3, 4, ...), of which the first entry is -1 the third time; zero */
    const PetscReal lambda = k == 1 ? 2 : 0.5;
    PetscReal       error, first;
    PetscInt        begin, end;

    OK(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n, n, 1, NULL, 0, NULL, &A));
    OK(MatGetOwnershipRange(A, &begin, &end));
    for (PetscInt i = begin; i < end; i++)
      OK(MatSetValue(A, i, i, k == 3 ? 0 : k == 2 && !i ? -1 : i + 3, INSERT_VALUES));
    OK(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
    OK(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
    if (k == 1) OK(PetscObjectComposeFunction((PetscObject)A, "EngdMatGetDamping_C", DampingOfShell));
    OK(PCCreate(PETSC_COMM_WORLD, &pc));
    OK(PCSetOperators(pc, A, A));
    OK(PCSetFromOptions(pc));
    OK(MatCreateVecs(A, &x, &y));
    OK(VecDuplicate(x, &d));
    OK(VecSet(x, 1));
    OK(PCApply(pc, x, y)); /* 1 / (i + 3 + lambda): A contains the damping that it says */
    OK(MatGetDiagonal(A, d));
    if (k != 1) OK(VecShift(d, lambda));
    OK(VecPointwiseMult(d, d, y));
    OK(VecShift(d, -1));
    if (k == 2) {
      first = begin == 0 ? 1 : 0;
      OK(VecSetValue(d, 0, 0, INSERT_VALUES));
      OK(VecAssemblyBegin(d));
      OK(VecAssemblyEnd(d));
      OK(VecMin(y, NULL, &first));
      assert_true(first > 0);
    }
    OK(VecNorm(d, NORM_INFINITY, &error));
    if (!(error < (k == 2 ? 1e-6 : 1e-10))) fail_msg("matrix %d: error %g", (int)k, (double)error);
    OK(VecDestroy(&x));
    OK(VecDestroy(&y));
    OK(VecDestroy(&d));
    OK(PCDestroy(&pc));
    OK(MatDestroy(&A));
  }
}

/* every mistake: the error's class, and the words that its message must hold */
static void mistakes(void **state)
{
  const char *const option[][2] = {{"-pc_nystrom_rank", "-1"},
                                   {"-pc_nystrom_rank_max", "-2"},
                                   {"-pc_nystrom_damping", "-0.1"},
                                   {"-pc_nystrom_damping", "nan"},
                                   {"-pc_nystrom_update_every", "0"}};
  const char *const late[][2]   = {{"-pc_nystrom_rank 60", "-pc_nystrom_rank 60"},
                                   {"-pc_nystrom_rank_max 60", "-pc_nystrom_rank_max 60"},
                                   {"-pc_nystrom_rank 50 -engd_memory_limit 10000", "-engd_memory_limit 1e+04"}};
  Case              c;

  (void)state;
  OK(PetscPushErrorHandler(Catch, NULL));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(option); k++) {
    PC             pc;
    PetscErrorCode code;

    OK(PetscOptionsClear(NULL));
    OK(PetscOptionsSetValue(NULL, option[k][0], option[k][1]));
    OK(PCCreate(PETSC_COMM_WORLD, &pc));
    OK(PCSetType(pc, "nystrom"));
    OK(ReadOptions(pc, &code));
    assert_int_equal(code, PETSC_ERR_USER_INPUT);
    assert_non_null(strstr(message, option[k][0]));
    assert_non_null(strstr(message, option[k][1]));
    OK(PCDestroy(&pc));
  }
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(late); k++) {
    char options[2048];

    OK(PetscSNPrintf(options, sizeof(options), "%s -pc_type nystrom %s", POISSON, late[k][0]));
    Make(PETSC_COMM_WORLD, options, PETSC_FALSE, &c);
    assert_int_equal(PCSetUp(c.pc), PETSC_ERR_USER_INPUT);
    if (!strstr(message, late[k][1])) fail_msg("'%s' has no '%s'", message, late[k][1]);
    Destroy(&c);
  }
  Make(PETSC_COMM_WORLD, POISSON "-pc_type nystrom", PETSC_FALSE, &c);
  Move(&c, NAN);
  assert_int_equal(PCSetUp(c.pc), ENGD_ERR_NUMERICS);
  assert_non_null(strstr(message, "not finite"));
  Destroy(&c);
  OK(PetscPopErrorHandler());
}

static void view(void **state)
{
  Case        c;
  char        text[4096] = "";
  PetscViewer viewer;
  PetscMPIInt rank;

  (void)state;
  Make(PETSC_COMM_WORLD, POISSON "-pc_type nystrom -pc_nystrom_rank 7", PETSC_FALSE, &c);
  OK(EngdGramianSetDamping(c.G, 0.25));
  OK(PCSetUp(c.pc));
  OK(PetscViewerASCIIOpen(PETSC_COMM_WORLD, "test_nystrom.txt", &viewer));
  OK(PCView(c.pc, viewer));
  OK(PetscViewerDestroy(&viewer));
  OK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank == 0) {
    FILE *file = fopen("test_nystrom.txt", "r");

    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    remove("test_nystrom.txt");
    assert_non_null(strstr(text, "type: nystrom"));
    assert_non_null(strstr(text, "rank 7 (fixed), damping 0.25"));
    assert_non_null(strstr(text, "1 updates"));
    assert_non_null(strstr(text, "7 eigenvalues from "));
  }
  Destroy(&c);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dense_oracle),
      cmocka_unit_test(low_rank),
      cmocka_unit_test(compositions),
      cmocka_unit_test(symmetric_positive),
      cmocka_unit_test(any_number_of_ranks),
      cmocka_unit_test(schedule),
      cmocka_unit_test(adaptive),
      cmocka_unit_test(other_matrices),
      cmocka_unit_test(mistakes),
      cmocka_unit_test(view),
  };
  int failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  if (PCRegister("kfac", PCCreate_KFAC) || PCRegister("nystrom", PCCreate_Nystrom)) return 1;
  failures = cmocka_run_group_tests_name("nystrom", tests, NULL, NULL);
  return EngdFinalize() || failures;
}
