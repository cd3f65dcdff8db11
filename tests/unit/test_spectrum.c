/*
  Spectra: SLEPc's ends against all eigenvalues by LAPACK to 1e-8, all of these against LAPACK on dense copies, blocks of layers
  against parts of them, inertia and rank of constructed matrices, the density's counts against exact ones, files read back.
  ranks: 1 3
*/
#include "solver_case.h"
#include <petscviewerhdf5.h>
#include <unistd.h>

/* what the options ask for, at the theta of the setting */
static void Compute(Setting *s, Tao tao, const char options[], EngdSpectrum *spectrum)
{
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdSpectrumCreate(s->F, tao, spectrum));
  CHECK(EngdSpectrumSetFromOptions(*spectrum));
  CHECK(PetscOptionsClear(NULL));
  CHECK(EngdSpectrumCompute(*spectrum, s->theta, 7));
}

static const EngdSpectrumRow *Find(EngdSpectrum spectrum, EngdSpectrumKind kind, PetscInt layer,
                                   EngdQuantity quantity, PetscInt number)
{
  for (PetscInt k = 0; k < spectrum->nrows; k++) {
    const EngdSpectrumRow *row = &spectrum->row[k];

    if (row->kind == kind && row->layer == layer && row->quantity == quantity && row->number == number) return row;
  }
  return NULL;
}

static PetscInt Count(EngdSpectrum spectrum, EngdSpectrumKind kind, PetscInt layer, EngdQuantity quantity)
{
  PetscInt n = 0;

  while (Find(spectrum, kind, layer, quantity, n + 1)) n++;
  return n;
}

#define KINDS "-spectrum hessian,gramian,jacobian,preconditioned,kernel -spectrum_layers -spectrum_nev 4 "

/* both ends by SLEPc are those of all values by LAPACK, of all operators and their layers */
static void test_ends(void **state)
{
  Setting      s;
  Tao          tao;
  EngdSpectrum ends, all;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CreateTao(&s, "-pc_kfac_damping 1e-2", &tao);
  Compute(&s, tao, KINDS "-spectrum_dense false", &ends);
  Compute(&s, tao, KINDS "-spectrum_dense", &all);
  for (EngdSpectrumKind kind = 0; kind < ENGD_NSPECTRA; kind++) {
    for (PetscInt layer = 0; layer <= 2; layer++) {
      const PetscInt  n    = Count(all, kind, layer, ENGD_QUANTITY_ALL);
      const PetscReal norm = Find(all, kind, layer, ENGD_QUANTITY_ALL, 1)->value;

      assert_true(n >= 4);
      assert_int_equal(Count(ends, kind, layer, ENGD_QUANTITY_LARGEST), 4);
      assert_int_equal(Count(ends, kind, layer, ENGD_QUANTITY_SMALLEST), 4);
      for (PetscInt i = 1; i <= 4; i++) {
        const EngdSpectrumRow *high = Find(ends, kind, layer, ENGD_QUANTITY_LARGEST, i);
        const EngdSpectrumRow *low  = Find(ends, kind, layer, ENGD_QUANTITY_SMALLEST, i);

        Close("largest", high->value, Find(all, kind, layer, ENGD_QUANTITY_ALL, i)->value, 1e-8 * norm);
        Close("smallest", low->value, Find(all, kind, layer, ENGD_QUANTITY_ALL, n + 1 - i)->value, 1e-8 * norm);
        assert_true(high->error >= 0 && high->error < 1e-7 * norm && low->error < 1e-7 * norm);
      }
    }
  }
  CHECK(EngdSpectrumDestroy(&ends));
  CHECK(EngdSpectrumDestroy(&all));
  CHECK(TaoDestroy(&tao));
  End(&s);
}

/* values (n) descending of the dense symmetric S, which is overwritten */
static void Syev(PetscInt n, PetscReal S[], PetscReal value[])
{
  PetscBLASInt m = (PetscBLASInt)n, lwork = 100000, info;
  PetscReal   *work, *up;

  CHECK(PetscMalloc2(lwork, &work, n, &up));
  LAPACKsyev_("N", "U", &m, S, &m, up, work, &lwork, &info);
  assert_int_equal(info, 0);
  for (PetscInt i = 0; i < n; i++) value[i] = up[n - 1 - i];
  CHECK(PetscFree2(work, up));
}

/* all eigenvalues, of H and its blocks and of J, against LAPACK on the dense operators */
static void test_all(void **state)
{
  Setting      s;
  Tao          tao;
  EngdSpectrum all;
  Mat          H, J;
  PetscReal   *dense, *part, *value;
  PetscInt     N;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CreateTao(&s, "", &tao);
  Compute(&s, tao, "-spectrum hessian,jacobian -spectrum_layers", &all);
  CHECK(EngdFunctionalCreateHessian(s.F, &H));
  CHECK(EngdFunctionalCreateJacobian(s.F, &J));
  CHECK(MatGetSize(J, &N, NULL));
  assert_true(N > s.p);
  CHECK(PetscMalloc2(s.p * s.p, &part, s.p, &value));
  dense = Dense(H);
  for (PetscInt layer = 0; layer <= 2; layer++) {
    const EngdLayer *l     = layer ? &s.net->layer[layer - 1] : NULL;
    const PetscInt   first = l ? l->offset : 0, n = l ? (l->n_in + 1) * l->n_out : s.p;

    for (PetscInt j = 0; j < n; j++)
      for (PetscInt i = 0; i < n; i++) part[j * n + i] = dense[(first + j) * s.p + first + i];
    Syev(n, part, value);
    assert_int_equal(Count(all, ENGD_SPECTRUM_HESSIAN, layer, ENGD_QUANTITY_ALL), n);
    for (PetscInt i = 0; i < n; i++)
      Close("hessian", Find(all, ENGD_SPECTRUM_HESSIAN, layer, ENGD_QUANTITY_ALL, i + 1)->value, value[i],
            1e-12 * PetscAbsReal(value[0]));
  }
  CHECK(PetscFree(dense));
  dense = Dense(J);
  for (PetscInt j = 0; j < s.p; j++) {
    for (PetscInt i = 0; i < s.p; i++) {
      part[j * s.p + i] = 0;
      for (PetscInt k = 0; k < N; k++) part[j * s.p + i] += dense[j * N + k] * dense[i * N + k];
    }
  }
  Syev(s.p, part, value);
  for (PetscInt i = 0; i < s.p; i++)
    Close("jacobian", PetscSqr(Find(all, ENGD_SPECTRUM_JACOBIAN, 0, ENGD_QUANTITY_ALL, i + 1)->value), value[i],
          1e-12 * value[0]);
  CHECK(PetscFree(dense));
  CHECK(PetscFree2(part, value));
  CHECK(MatDestroy(&H));
  CHECK(MatDestroy(&J));
  CHECK(EngdSpectrumDestroy(&all));
  CHECK(TaoDestroy(&tao));
  End(&s);
}

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

/* the density of a Hessian with p = 1083: counts within their errors, which are small where the quadrature resolves the
   tolerance; the integral is 1 */
static void CheckDensity(PetscReal tolerance, PetscReal share)
{
  char         options[256];
  Setting      s;
  Tao          tao;
  EngdSpectrum all;
  PetscReal    integral = 0;

  Begin(PETSC_COMM_WORLD, &poisson, "-network_layers 30,31", &s);
  CreateTao(&s, "", &tao);
  CHECK(PetscSNPrintf(options, sizeof(options), "-spectrum hessian -spectrum_density 20 -spectrum_tolerance %g",
                      (double)tolerance));
  Compute(&s, tao, options, &all);
  assert_int_equal(Count(all, ENGD_SPECTRUM_HESSIAN, 0, ENGD_QUANTITY_ALL), s.p);
  assert_int_equal(s.p, 1083);
  for (PetscInt k = 0; k < 3; k++) {
    const EngdSpectrumRow *exact = Find(all, ENGD_SPECTRUM_HESSIAN, 0, (EngdQuantity)(ENGD_QUANTITY_NEGATIVE + k), 1);
    const EngdSpectrumRow *about =
        Find(all, ENGD_SPECTRUM_HESSIAN, 0, (EngdQuantity)(ENGD_QUANTITY_ABOUT_NEGATIVE + k), 1);

    Close("count", about->value, exact->value, 3 * about->error + 1e-9);
    assert_true(about->error < share * (PetscReal)s.p);
    assert_true(exact->value > 10);
  }
  for (PetscInt i = 2; i <= all->ngrid; i++) {
    const EngdSpectrumRow *a = Find(all, ENGD_SPECTRUM_HESSIAN, 0, ENGD_QUANTITY_DENSITY, i - 1), *b = a + 1;

    integral += (b->at - a->at) * (a->value + b->value) / 2;
  }
  Close("integral", integral, 1, 1e-3);
  CHECK(EngdSpectrumDestroy(&all));
  CHECK(TaoDestroy(&tao));
  End(&s);
}

static void test_density(void **state)
{
  (void)state;
  CheckDensity(1e-2, 0.05);
  CheckDensity(1e-5, 2);
}

/* largest eigenvalue and index along a run, from all eigenvalues */
static void test_sharpness(void **state)
{
  Setting       s;
  Tao           tao;
  EngdSpectrum  all;
  EngdSharpness sharpness;
  PetscReal     largest, index;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CreateTao(&s, "", &tao);
  Compute(&s, tao, "-spectrum hessian", &all);
  CHECK(EngdSharpnessCreate(s.F, &sharpness));
  for (PetscInt again = 0; again < 2; again++) {
    CHECK(EngdSharpnessCompute(sharpness, s.theta, &largest, &index));
    Close("sharpness", largest, Find(all, ENGD_SPECTRUM_HESSIAN, 0, ENGD_QUANTITY_ALL, 1)->value, 1e-8 * largest);
    Close("index", index, Find(all, ENGD_SPECTRUM_HESSIAN, 0, ENGD_QUANTITY_NEGATIVE, 1)->value, 0);
  }
  assert_true(index > 0);
  CHECK(EngdSharpnessDestroy(&sharpness));
  CHECK(EngdSpectrumDestroy(&all));
  CHECK(TaoDestroy(&tao));
  End(&s);
}

/* every number of the HDF5 file is that of the table */
static void CheckHDF5(EngdSpectrum spectrum, const char name[])
{
  PetscViewer viewer;

  CHECK(PetscViewerHDF5Open(PETSC_COMM_SELF, name, FILE_MODE_READ, &viewer));
  for (PetscInt k = 0; k < spectrum->nrows; k++) {
    const EngdSpectrumRow *row = &spectrum->row[k];
    const PetscReal       *values;
    char                   group[256];
    Vec                    v;

    if (row->number > 1) continue;
    CHECK(PetscSNPrintf(group, sizeof(group), row->layer ? "/iteration_7/%s_layer_%d/%s" : "/iteration_7/%s%.0d/%s",
                        engd_spectrum_name[row->kind], (int)row->layer, engd_quantity_name[row->quantity]));
    CHECK(PetscViewerHDF5PushGroup(viewer, group));
    CHECK(VecCreate(PETSC_COMM_SELF, &v));
    CHECK(PetscObjectSetName((PetscObject)v, "value"));
    CHECK(VecLoad(v, viewer));
    CHECK(PetscViewerHDF5PopGroup(viewer));
    CHECK(VecGetArrayRead(v, &values));
    for (PetscInt i = 0; k + i < spectrum->nrows && row[i].number == i + 1; i++)
      assert_true(values[i] == row[i].value);
    CHECK(VecRestoreArrayRead(v, &values));
    CHECK(VecDestroy(&v));
  }
  CHECK(PetscViewerDestroy(&viewer));
}

/* every row of the CSV file is that of the table */
static void CheckCSV(EngdSpectrum spectrum, const char name[])
{
  FILE    *file = fopen(name, "r");
  char     line[512], names[2][64];
  int      iteration, layer, number;
  double   at, value, error;
  PetscInt k = -1;

  assert_non_null(file);
  while (fgets(line, sizeof(line), file)) {
    const EngdSpectrumRow *row = &spectrum->row[k];

    if (k++ < 0) continue; /* the header */
    assert_int_equal(sscanf(line, "%d,%63[^,],%d,%63[^,],%d,%lf,%lf,%lf", &iteration, names[0], &layer, names[1],
                            &number, &at, &value, &error),
                     8);
    assert_string_equal(names[0], engd_spectrum_name[row->kind]);
    assert_string_equal(names[1], engd_quantity_name[row->quantity]);
    assert_true(iteration == 7 && layer == row->layer && number == row->number);
    assert_true(at == row->at && value == row->value && error == row->error);
  }
  fclose(file);
  assert_int_equal(k, spectrum->nrows);
}

static void test_files(void **state)
{
  const char *const suffixes[] = {"csv", "h5"};
  Setting           s;
  Tao               tao;
  PetscMPIInt       rank;
  char              name[256], options[512];

  (void)state;
  assert_int_equal(MPI_Comm_rank(PETSC_COMM_WORLD, &rank), MPI_SUCCESS);
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CreateTao(&s, "", &tao);
  for (PetscInt k = 0; k < 2; k++) {
    int          process = (int)getpid();
    EngdSpectrum all;

    if (k == 1 && !PetscDefined(HAVE_HDF5)) continue;
    assert_int_equal(MPI_Bcast(&process, 1, MPI_INT, 0, PETSC_COMM_WORLD), MPI_SUCCESS);
    CHECK(PetscSNPrintf(name, sizeof(name), "/tmp/engd_spectrum_%d.%s", process, suffixes[k]));
    CHECK(PetscSNPrintf(options, sizeof(options),
                        "-spectrum hessian,jacobian -spectrum_layers -spectrum_density 3 -spectrum_output %s", name));
    Compute(&s, tao, options, &all);
    if (rank == 0) {
      if (k)
        CheckHDF5(all, name);
      else
        CheckCSV(all, name);
      assert_int_equal(remove(name), 0);
    }
    CHECK(EngdSpectrumDestroy(&all));
  }
  CHECK(TaoDestroy(&tao));
  End(&s);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ends),
      cmocka_unit_test(test_all),
      cmocka_unit_test(test_inertia),
      cmocka_unit_test(test_rank),
      cmocka_unit_test(test_overlap),
      cmocka_unit_test(test_pencil),
      cmocka_unit_test(test_quadrature_of_few),
      cmocka_unit_test(test_density),
      cmocka_unit_test(test_sharpness),
      cmocka_unit_test(test_files),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
