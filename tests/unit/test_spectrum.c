/*
  Spectra of functionals: SLEPc's ends against all eigenvalues by LAPACK to 1e-8, all of these against LAPACK on dense copies,
  blocks of layers against parts of them, the density's counts against exact ones, files read back.
  ranks: 1 3
*/
#include "spectrum_case.h"
#include <petscviewerhdf5.h>
#include <unistd.h>

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
      cmocka_unit_test(test_ends),      cmocka_unit_test(test_all),   cmocka_unit_test(test_density),
      cmocka_unit_test(test_sharpness), cmocka_unit_test(test_files),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
