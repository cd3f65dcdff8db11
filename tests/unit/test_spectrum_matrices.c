/*
  What spectra are made of, on constructed matrices: inertia, rank, overlap with a vector, the pencil, the quadrature of few
  eigenvalues.
  ranks: 1 3
*/
#include "spectrum_case.h"

/* a matrix (m, n) with A_ij = f(i, j) */
static Mat Matrix(PetscInt m, PetscInt n, PetscReal (*f)(PetscInt, PetscInt))
{
  PetscInt begin, end;
  Mat      A;

  CHECK(MatCreateDense(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, m, n, NULL, &A));
  CHECK(MatGetOwnershipRange(A, &begin, &end));
  for (PetscInt i = begin; i < end; i++)
    for (PetscInt j = 0; j < n; j++) CHECK(MatSetValue(A, i, j, f(i, j), INSERT_VALUES));
  CHECK(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  CHECK(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  return A;
}

/* Q D Q with Q = I - 2 v v^T / (v^T v), v_i = 1 + i: eigenvalues d */
static PetscReal Reflected(const PetscReal d[], PetscInt n, PetscInt i, PetscInt j)
{
  PetscReal v2 = 0, sum = 0;

  for (PetscInt k = 0; k < n; k++) v2 += (1.0 + k) * (1.0 + k);
  for (PetscInt k = 0; k < n; k++)
    sum += ((i == k) - 2.0 * (1 + i) * (1 + k) / v2) * d[k] * ((k == j) - 2.0 * (1 + k) * (1 + j) / v2);
  return sum;
}

static const PetscReal mixed[7] = {5, 3, 1e-3, 0, 0, -1e-4, -2};
static PetscReal       Mixed(PetscInt i, PetscInt j)
{
  return Reflected(mixed, 7, i, j);
}

/* two negative, two zero, three positive; with a tolerance fewer */
static void test_inertia(void **state)
{
  static const struct {
    PetscReal tolerance;
    PetscInt  count[3];
  } expected[] = {{0, {2, 2, 3}}, {1e-4, {1, 3, 3}}, {1e-2, {1, 4, 2}}};
  PetscReal            value[7];
  PetscBool            definite;
  EngdSpectrumOperator op = {.kind = ENGD_SPECTRUM_HESSIAN, .n = 7, .larger = 7};
  Mat                  A  = Matrix(7, 7, Mixed);

  (void)state;
  CHECK(EngdDenseEigenvalues(A, NULL, value, &definite));
  CloseAll("mixed", 7, value, mixed, 1e-14);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(expected); k++) {
    struct _n_EngdSpectrum spectrum = {.tolerance = expected[k].tolerance};

    CHECK(EngdSpectrumAddAll(&spectrum, &op, value));
    for (PetscInt c = 0; c < 3; c++)
      assert_int_equal((PetscInt)Find(&spectrum, op.kind, 0, (EngdQuantity)(ENGD_QUANTITY_NEGATIVE + c), 1)->value,
                       expected[k].count[c]);
    CHECK(PetscFree(spectrum.row));
  }
  CHECK(MatDestroy(&A));
}

static const PetscReal fall[6] = {4, 1, 1e-3, 1e-7, 1e-12, 0};
static PetscReal       Tall(PetscInt i, PetscInt j)
{
  return i % 2 ? 0 : Reflected(fall, 6, i / 2, j) * (i < 12);
}
static PetscReal Wide(PetscInt i, PetscInt j)
{
  return Tall(j, i);
}

/* singular values far below sqrt(epsilon), tall and wide; the rank above cut-offs */
static void test_rank(void **state)
{
  PetscReal            cutoffs[] = {1e-5, 0.1}, sigma[6];
  EngdSpectrumOperator op        = {.kind = ENGD_SPECTRUM_JACOBIAN, .n = 6, .larger = 15, .nsigma = 6};

  (void)state;
  for (PetscInt wide = 0; wide < 2; wide++) {
    struct _n_EngdSpectrum spectrum = {.ncutoffs = 2, .cutoff = cutoffs};
    Mat                    A        = wide ? Matrix(6, 15, Wide) : Matrix(15, 6, Tall);

    CHECK(EngdDenseSingularValues(A, NULL, sigma, NULL));
    CloseAll("sigma", 6, sigma, fall, 1e-15);
    CHECK(EngdSpectrumAddAll(&spectrum, &op, sigma));
    assert_int_equal((PetscInt)Find(&spectrum, op.kind, 0, ENGD_QUANTITY_RANK, 1)->value, 5);
    assert_int_equal((PetscInt)Find(&spectrum, op.kind, 0, ENGD_QUANTITY_RANK, 2)->value, 3);
    assert_int_equal((PetscInt)Find(&spectrum, op.kind, 0, ENGD_QUANTITY_RANK, 3)->value, 2);
    CHECK(PetscFree(spectrum.row));
    CHECK(MatDestroy(&A));
  }
}

/* U^T r, and its norm in the vectors above each cut-off, tall and wide. The left singular vectors of Tall are the columns of
   Q in every other row; those of Wide are the columns of Q. r = Q (1, 2, .., 6), and in Tall more that is orthogonal */
static void test_overlap(void **state)
{
  PetscReal            cutoffs[] = {1e-5, 0.1}, sigma[6], c[6];
  EngdSpectrumOperator op        = {.kind = ENGD_SPECTRUM_JACOBIAN, .n = 6, .larger = 15, .nsigma = 6};

  (void)state;
  for (PetscInt wide = 0; wide < 2; wide++) {
    struct _n_EngdSpectrum spectrum = {.ncutoffs = 2, .cutoff = cutoffs};
    Mat                    A        = wide ? Matrix(6, 15, Wide) : Matrix(15, 6, Tall);
    const PetscReal        norm = PetscSqrtReal(91 + (wide ? 0 : 7 * 9)), expected[3] = {55, 14, 5};
    Vec                    r;
    PetscInt               begin, end;

    CHECK(MatCreateVecs(A, NULL, &r));
    CHECK(VecGetOwnershipRange(r, &begin, &end));
    for (PetscInt i = begin; i < end; i++) {
      const PetscInt k   = wide ? i : i / 2;
      PetscReal      sum = 0;

      for (PetscInt j = 0; j < 6; j++) sum += ((k == j) - 2.0 * (1 + k) * (1 + j) / 91) * (1 + j);
      CHECK(VecSetValue(r, i, !wide && i % 2 ? 3 : (k < 6 ? sum : 0), INSERT_VALUES));
    }
    CHECK(VecAssemblyBegin(r));
    CHECK(VecAssemblyEnd(r));
    CHECK(EngdDenseSingularValues(A, r, sigma, c));
    CloseAll("sigma", 6, sigma, fall, 2e-15);
    for (PetscInt i = 0; i < 4; i++) Close("c", PetscAbsReal(c[i]), 1 + i, 1e-7);
    CHECK(EngdSpectrumAddOverlap(&spectrum, &op, sigma, norm, c));
    for (PetscInt k = 0; k < 3; k++)
      Close("overlap", Find(&spectrum, op.kind, 0, ENGD_QUANTITY_OVERLAP, k + 1)->value,
            PetscSqrtReal(expected[k]) / norm, k ? 1e-12 : 1e-3);
    CHECK(PetscFree(spectrum.row));
    CHECK(VecDestroy(&r));
    CHECK(MatDestroy(&A));
  }
}

static const PetscReal masses[7] = {1e-6, 1, 2, 3, 4, 5, 1e6};
static PetscReal       Masses(PetscInt i, PetscInt j)
{
  return i == j ? masses[i] : 0;
}
static PetscReal Scaled(PetscInt i, PetscInt j)
{
  return Mixed(i, j) / PetscSqrtReal(masses[i] * masses[j]);
}
static PetscReal Negative(PetscInt i, PetscInt j)
{
  return i == j ? i - 1.0 : 0;
}

/* M A with A = M^{-1/2} B M^{-1/2} has the eigenvalues of B; an M that is not positive definite is told */
static void test_pencil(void **state)
{
  PetscReal value[7];
  PetscBool definite;
  Mat       A = Matrix(7, 7, Scaled), M = Matrix(7, 7, Masses), N = Matrix(7, 7, Negative);

  (void)state;
  CHECK(EngdDenseEigenvalues(A, M, value, &definite));
  assert_true(definite);
  CloseAll("pencil", 7, value, mixed, 1e-12);
  CHECK(EngdDenseEigenvalues(A, N, value, &definite));
  assert_false(definite);
  CHECK(MatDestroy(&A));
  CHECK(MatDestroy(&M));
  CHECK(MatDestroy(&N));
}

/* a few eigenvalues of high multiplicity: Lanczos ends early, and the counts are exact */
static PetscReal Steps(PetscInt i, PetscInt j)
{
  return i == j ? (i < 2 ? -1 : i < 5 ? 0 : 3) : 0;
}

static void test_quadrature_of_few(void **state)
{
  EngdQuadrature q;
  PetscReal      share, error;
  Mat            A = Matrix(20, 20, Steps);

  (void)state;
  CHECK(EngdQuadratureCreate(A, 5, 4, 50, &q));
  CHECK(EngdQuadratureCount(&q, -0.5, &share, &error));
  Close("below", share, 0.1, 1e-12); /* signs: each entry has the same weight */
  Close("error", error, 0, 1e-12);
  CHECK(EngdQuadratureCount(&q, 0.5, &share, &error));
  Close("below", share, 0.25, 1e-12);
  CHECK(EngdQuadratureDestroy(&q));
  CHECK(MatDestroy(&A));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_inertia),           cmocka_unit_test(test_rank),
      cmocka_unit_test(test_overlap),           cmocka_unit_test(test_pencil),
      cmocka_unit_test(test_quadrature_of_few),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
