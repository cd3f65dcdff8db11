/*
  The inverse of A_1 (x) B_1 + A_2 (x) B_2 against a dense solve, and what it does with factors that have none.
*/
#include "../../src/preconditioners/kfac.h"
#include <petscblaslapack.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((int)(call), 0)

/* a symmetric positive semidefinite factor of this rank, both triangles */
static void RandomFactor(PetscInt n, PetscInt rank, PetscInt stream, PetscReal F[])
{
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = 0; j < n; j++) {
      F[i * n + j] = 0;
      for (PetscInt k = 0; k < rank; k++) {
        F[i * n + j] += EngdRandomNormal(1, stream, i, 0, k) * EngdRandomNormal(1, stream, j, 0, k);
      }
    }
  }
}

/* the largest difference of X <- inverse X and the dense solution, relative to its largest entry */
static PetscReal InverseError(PetscInt m, PetscInt n, const PetscBool present[], PetscInt rank, PetscReal lambda)
{
  EngdKronecker        block;
  EngdKroneckerFailure failure;
  PetscReal            M[400], X[20], exact[20], work[20], error = 0, size = 0;
  PetscBLASInt         order = (PetscBLASInt)(m * n), one = 1, pivots[20], info;

  OK(EngdKroneckerCreate(m, n, present, &block));
  memset(M, 0, sizeof(M));
  for (PetscInt g = 0; g < 2; g++) {
    if (!present[g]) continue;
    RandomFactor(n, PetscMin(rank, n), 10 + g, block.A[g]);
    RandomFactor(m, PetscMin(rank, m), 20 + g, block.B[g]);
    for (PetscInt p = 0; p < m * n; p++) {
      for (PetscInt q = 0; q < m * n; q++) {
        M[q * m * n + p] += (block.A[g][p / m * n + q / m] + (p / m == q / m ? lambda : 0)) *
                            (block.B[g][p % m * m + q % m] + (p % m == q % m ? lambda : 0));
      }
    }
    for (PetscInt j = 0; j < n; j++) { /* the lower triangle is never read */
      for (PetscInt i = j + 1; i < n; i++) block.A[g][j * n + i] = PETSC_MAX_REAL;
    }
  }
  for (PetscInt k = 0; k < m * n; k++) X[k] = exact[k] = EngdRandomNormal(1, 30, k, 0, 0);
  LAPACKgesv_(&order, &one, M, &order, pivots, exact, &order, &info);
  assert_int_equal(info, 0);
  OK(EngdKroneckerInvert(&block, lambda, &failure));
  assert_int_equal(failure, ENGD_KRONECKER_FINE);
  OK(EngdKroneckerApply(&block, X, work));
  for (PetscInt k = 0; k < m * n; k++) {
    error = PetscMax(error, PetscAbsReal(X[k] - exact[k]));
    size  = PetscMax(size, PetscAbsReal(exact[k]));
  }
  OK(EngdKroneckerDestroy(&block));
  return error / size;
}

static void inverse(void **state)
{
  const PetscBool both[] = {PETSC_TRUE, PETSC_TRUE}, first[] = {PETSC_TRUE, PETSC_FALSE},
                  second[] = {PETSC_FALSE, PETSC_TRUE};

  (void)state;
  assert_true(InverseError(4, 5, both, 5, 1e-2) < 1e-11);
  assert_true(InverseError(4, 5, first, 5, 1e-2) < 1e-11);
  assert_true(InverseError(4, 5, second, 5, 1e-2) < 1e-11);
  assert_true(InverseError(4, 5, both, 2, 1e-3) < 1e-8); /* factors of rank two */
  assert_true(InverseError(1, 5, both, 5, 1e-6) < 1e-8);
  assert_true(InverseError(4, 1, both, 5, 0) < 1e-8);
}

static void inverse_fails(void **state)
{
  const PetscBool      second[] = {PETSC_FALSE, PETSC_TRUE};
  EngdKronecker        block;
  EngdKroneckerFailure failure;

  (void)state;
  OK(EngdKroneckerCreate(2, 3, second, &block));
  OK(EngdKroneckerInvert(&block, 0, &failure));
  assert_int_equal(failure, ENGD_KRONECKER_FINE);
  OK(PetscArrayzero(block.B[1], 4));
  OK(EngdKroneckerInvert(&block, 0, &failure));
  assert_int_equal(failure, ENGD_KRONECKER_ZERO);
  OK(EngdKroneckerInvert(&block, 1e-3, &failure));
  assert_int_equal(failure, ENGD_KRONECKER_FINE);
  block.A[1][8] = NAN;
  OK(EngdKroneckerInvert(&block, 1e-3, &failure));
  assert_int_equal(failure, ENGD_KRONECKER_NONFINITE);
  OK(EngdKroneckerDestroy(&block));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(inverse), cmocka_unit_test(inverse_fails)};
  int                     failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests_name("kronecker", tests, NULL, NULL);
  return EngdFinalize() || failures;
}
