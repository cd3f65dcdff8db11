/*
  Dense symmetric matrices: eigenvectors, indefinite factors, and the cubic model's minimum by its conditions of optimality, in
  the easy and the hard case. ranks: 1
*/
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define CHECK(call) assert_int_equal((call), PETSC_SUCCESS)
#define N           7

/* indefinite; the lower triangle is never read */
static void Indefinite(PetscReal A[])
{
  for (PetscInt j = 0; j < N; j++) {
    for (PetscInt i = 0; i < N; i++) A[j * N + i] = i <= j ? EngdRandomNormal(1, 3, j, 0, i) : NAN;
  }
}

static PetscReal Entry(const PetscReal A[], PetscInt i, PetscInt j)
{
  return A[PetscMax(i, j) * N + PetscMin(i, j)];
}

static void TestEigen(void **state)
{
  PetscReal A[N * N], V[N * N], l[N], alone[N];
  PetscInt  info;

  (void)state;
  Indefinite(A);
  Indefinite(V);
  CHECK(EngdSymmetricEigen("V", N, V, l, &info));
  assert_int_equal(info, 0);
  assert_true(l[0] < 0 && l[N - 1] > 0);
  for (PetscInt k = 0; k < N; k++) {
    for (PetscInt i = 0; i < N; i++) {
      PetscReal sum = -l[k] * V[k * N + i];

      for (PetscInt j = 0; j < N; j++) sum += Entry(A, i, j) * V[k * N + j];
      assert_true(PetscAbsReal(sum) < 1e-13);
    }
  }
  CHECK(EngdSymmetricEigen("N", N, A, alone, &info));
  for (PetscInt k = 0; k < N; k++) assert_true(PetscAbsReal(l[k] - alone[k]) < 1e-13);
}

/* LAPACK counts its workspace in 32 bits and does not say when they are too few */
static void TestTooLarge(void **state)
{
  const PetscBLASInt most    = PETSC_BLAS_INT_MAX;
  PetscReal          nothing = 0;
  PetscInt           info;

  (void)state;
  if (most != 2147483647) skip();
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  assert_int_equal(EngdSymmetricEigen("V", 32767, &nothing, &nothing, &info), PETSC_ERR_ARG_OUTOFRANGE);
  assert_int_equal(EngdSymmetricEigen("V", 50000, &nothing, &nothing, &info), PETSC_ERR_ARG_OUTOFRANGE);
  CHECK(PetscPopErrorHandler());
}

static void TestFactor(void **state)
{
  PetscReal    A[N * N], factor[N * N], x[N], b[N];
  PetscBLASInt pivot[N];
  PetscInt     info;

  (void)state;
  Indefinite(A);
  Indefinite(factor);
  for (PetscInt i = 0; i < N; i++) x[i] = b[i] = 1 + (PetscReal)i;
  CHECK(EngdSymmetricFactor(N, factor, pivot, &info));
  assert_int_equal(info, 0);
  CHECK(EngdSymmetricSolve(N, factor, pivot, x));
  for (PetscInt i = 0; i < N; i++) {
    for (PetscInt j = 0; j < N; j++) b[i] -= Entry(A, i, j) * x[j];
    assert_true(PetscAbsReal(b[i]) < 1e-12);
  }
  CHECK(PetscArrayzero(factor, N * N));
  CHECK(EngdSymmetricFactor(N, factor, pivot, &info));
  assert_true(info > 0); /* singular */
}

/* (diag(l) + M |y| I) y = -c, min l + M |y| >= 0: sufficient for the global minimum */
static void CubicOptimality(const PetscReal l[], const PetscReal c[], PetscReal M)
{
  PetscReal y[N], norm = 0, size = 0, least = l[0];

  EngdCubicMinimize(N, l, c, M, y);
  for (PetscInt i = 0; i < N; i++) {
    norm += PetscSqr(y[i]);
    least = PetscMin(least, l[i]);
  }
  norm = PetscSqrtReal(norm);
  for (PetscInt i = 0; i < N; i++) size = PetscMax(size, PetscMax(PetscAbsReal(c[i]), PetscAbsReal(l[i] * y[i])));
  assert_true(least + M * norm >= -1e-9 * PetscAbsReal(least));
  for (PetscInt i = 0; i < N; i++) assert_true(PetscAbsReal((l[i] + M * norm) * y[i] + c[i]) <= 1e-8 * size);
}

static void TestCubic(void **state)
{
  const PetscReal indefinite[N] = {-3, -1e-9, 0, 1e-6, 0.5, 2, 1e4}, definite[N] = {1e-8, 1, 1, 2, 3, 4, 50},
                  blocks[N] = {2, 1e4, -1, -3, 0.5, 0, 1e-6}, zero[N] = {0}, tiny[N] = {1e-30, 1, 1, 1, 1, 1, 1};
  const PetscReal general[N] = {1, -2, 3, 1e-8, 5, -6, 7}, hard[N] = {0, 1, -1, 1, 1, 1, 1},
                  blocks_hard[N] = {1, 1, -1, 0, 1, 1, 1}, nearly[N] = {1e-13, 1, -1, 1, 1, 1, 1},
                  small[N] = {1e-14, 1e-14, 1e-13, 0, 1e-14, 0, 1e-12};

  (void)state;
  for (PetscReal M = 1e-12; M < 1e13; M *= 1e3) {
    CubicOptimality(indefinite, general, M);
    CubicOptimality(indefinite, hard, M);
    CubicOptimality(indefinite, nearly, M);
    CubicOptimality(indefinite, small, M);
    CubicOptimality(definite, general, M);
    CubicOptimality(definite, hard, M);
    CubicOptimality(definite, small, M);
    CubicOptimality(zero, general, M);
    CubicOptimality(tiny, general, M);
    CubicOptimality(indefinite, zero, M);
    CubicOptimality(blocks, general, M);
    CubicOptimality(blocks, blocks_hard, M);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestEigen), cmocka_unit_test(TestFactor),
                                     cmocka_unit_test(TestCubic), cmocka_unit_test(TestTooLarge)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("symmetric", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
