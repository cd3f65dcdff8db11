/*
  Eigenvectors of a symmetric matrix in blocks on all ranks: A V = V diag(l) and V^T V = I by products, the sum over the ranks and by
  columns, a copy that is kept, to rank 0 and back; and a matrix that is not finite, which ends on all ranks. ranks: 1 2 3 4
*/
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define CHECK(call) assert_int_equal((call), PETSC_SUCCESS)

static PetscMPIInt rank, size;

static PetscReal Entry(PetscInt i, PetscInt j)
{
  return EngdRandomNormal(1, 3, PetscMax(i, j), 0, PetscMin(i, j));
}

/* A = 1/2 A + (1 - 1/2) A, the former by parts of the ranks, the latter by columns; lower triangles are never read */
static EngdEigen Create(PetscInt n, PetscBool keep)
{
  PetscReal *A;
  EngdEigen  e;

  CHECK(PetscMalloc1(n * n, &A));
  for (PetscInt j = 0; j < n; j++) {
    for (PetscInt i = 0; i < n; i++) A[j * n + i] = i > j ? NAN : (1 + rank) * Entry(i, j);
  }
  CHECK(EngdEigenCreate(PETSC_COMM_WORLD, n, keep, &e));
  CHECK(EngdEigenAdd(e, A));
  CHECK(EngdEigenScale(e, (PetscReal)1 / (size * (size + 1))));
  for (PetscInt j = 0; j < n; j++) {
    for (PetscInt i = 0; i < n; i++) A[j * n + i] = Entry(i, j);
    CHECK(EngdEigenAddColumn(e, j, 0.5, A + j * n));
  }
  CHECK(PetscFree(A));
  return e;
}

/* with the columns of V as products, which are on rank 0: |A v - l v| and |V^T v - e_j| of the unit vectors e_j */
static void CompareVectors(EngdEigen e, PetscInt n, const PetscReal l[])
{
  PetscReal *x, *v, *y;

  CHECK(PetscMalloc3(n, &x, n, &v, n, &y));
  for (PetscInt j = 0; j < n; j += PetscMax(1, n / 20)) {
    for (PetscInt i = 0; i < n; i++) x[i] = i == j;
    CHECK(EngdEigenMult(e, "N", x, v));
    CHECK(EngdEigenMult(e, "T", v, y));
    for (PetscInt i = 0; i < n && !rank; i++) {
      PetscReal sum = -l[j] * v[i];

      for (PetscInt k = 0; k < n; k++) sum += Entry(i, k) * v[k];
      if (!(PetscAbsReal(sum) < 1e-12 * n))
        fail_msg("order %d, vector %d, entry %d: off by %g", (int)n, (int)j, (int)i, (double)sum);
      assert_true(PetscAbsReal(y[i] - x[i]) < 1e-13 * n);
    }
  }
  CHECK(PetscFree3(x, v, y));
}

static void TestEigen(void **state)
{
  const PetscInt orders[] = {1, 2, 5, 60, 130, 300};

  (void)state;
  if (!EngdEigenAvailable() || size == 1) skip();
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(orders); k++) {
    const PetscInt  n    = orders[k];
    const PetscBool keep = (PetscBool)(k % 2);
    PetscReal      *l, *A;
    PetscInt        info;
    EngdEigen       e = Create(n, keep);

    CHECK(PetscMalloc2(n, &l, n * n, &A));
    CHECK(EngdEigenFactor(e, l, &info));
    assert_int_equal(info, 0);
    CompareVectors(e, n, l);
    for (PetscInt vectors = 1; vectors >= 0; vectors--) {
      if (!vectors && !keep) continue;
      CHECK(EngdEigenGather(e, (PetscBool)vectors, rank ? NULL : A));
      for (PetscInt j = 0; !vectors && !rank && j < n; j++) {
        for (PetscInt i = 0; i <= j; i++) assert_true(PetscAbsReal(A[j * n + i] - Entry(i, j)) < 1e-14);
      }
      if (vectors) CHECK(EngdEigenScale(e, keep));
      CHECK(EngdEigenScatter(e, (PetscBool)vectors, rank ? NULL : A));
    }
    CompareVectors(e, n, l);
    CHECK(EngdEigenDestroy(&e));
    CHECK(PetscFree2(l, A));
  }
}

static void TestNotFinite(void **state)
{
  const PetscReal values[] = {NAN, INFINITY};

  (void)state;
  if (!EngdEigenAvailable() || size == 1) skip();
  for (size_t k = 0; k < 2; k++) {
    PetscReal column[70] = {0};
    PetscInt  info;
    EngdEigen e = Create(70, PETSC_FALSE);

    column[3] = values[k];
    CHECK(EngdEigenAddColumn(e, 66, 1, column));
    CHECK(EngdEigenFactor(e, NULL, &info));
    assert_int_equal(info, -1);
    CHECK(EngdEigenDestroy(&e));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestEigen), cmocka_unit_test(TestNotFinite)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  (void)MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  (void)MPI_Comm_size(PETSC_COMM_WORLD, &size);
  failed = cmocka_run_group_tests_name("eigen", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
