/*
  Methods of SLEPc other than the default ones, among them those that duplicate the operator: they find values that LAPACK finds
  too; what a method cannot do is refused before anything is computed; our shells and their duplicates in any order.
  ranks: 1 2; errors leak
*/
#include "spectrum_case.h"

/* rows that the options ask for, which SLEPc reads again at every solve; PETSC_SUCCESS or the code of the refusal */
static PetscErrorCode ComputeRows(Setting *s, Tao tao, const char options[], EngdSpectrum *spectrum)
{
  PetscErrorCode ierr;

  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdSpectrumCreate(s->F, tao, spectrum));
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = EngdSpectrumSetFromOptions(*spectrum);
  CHECK(PetscPopErrorHandler());
  if (!ierr) CHECK(EngdSpectrumCompute(*spectrum, s->theta, 7));
  CHECK(PetscOptionsClear(NULL));
  return ierr;
}

static const struct {
  const char      *options;
  EngdSpectrumKind kind;
  PetscReal        tolerance; /* relative to the largest value */
} method[] = {
    {"-st_shift 5 -eps_nev 2", ENGD_SPECTRUM_HESSIAN, 1e-9},
    {"-st_type filter -eps_interval 0.1,30 -eps_all", ENGD_SPECTRUM_HESSIAN, 1e-9},
    {"-eps_target 30 -st_type sinvert -st_ksp_type gmres -st_pc_type none -eps_nev 2", ENGD_SPECTRUM_HESSIAN, 1e-6},
    {"-eps_target 30 -st_type cayley -st_ksp_type gmres -st_pc_type none -eps_nev 2", ENGD_SPECTRUM_GRAMIAN, 1e-6},
    {"-eps_type jd -eps_nev 1", ENGD_SPECTRUM_HESSIAN, 1e-6},
    {"-eps_type gd -eps_nev 1", ENGD_SPECTRUM_GRAMIAN, 1e-6},
    {"-eps_type arnoldi -eps_nev 2 -spectrum_layers", ENGD_SPECTRUM_GRAMIAN, 1e-9},
    {"-eps_type lapack -eps_nev 4", ENGD_SPECTRUM_HESSIAN, 1e-9},
    {"-svd_type lapack -svd_nsv 10", ENGD_SPECTRUM_JACOBIAN, 1e-9},
    {"-svd_type lapack -svd_smallest -svd_nsv 3", ENGD_SPECTRUM_KERNEL, 1e-9},
    {"-svd_type lanczos -svd_nsv 2", ENGD_SPECTRUM_JACOBIAN, 1e-9},
    {"-svd_type trlanczos -svd_nsv 2 -spectrum_layers", ENGD_SPECTRUM_KERNEL, 1e-9},
};

/* is it one of the values by LAPACK; where the values are one end of the spectrum, the one of its number there */
static void CheckRow(const char options[], const EngdSpectrumRow *row, EngdSpectrum all, PetscReal tolerance)
{
  const PetscInt  n       = Count(all, row->kind, row->layer, ENGD_QUANTITY_ALL);
  const PetscReal norm    = Find(all, row->kind, row->layer, ENGD_QUANTITY_ALL, 1)->value;
  PetscReal       nearest = PETSC_MAX_REAL;

  for (PetscInt k = 1; k <= n; k++) {
    const PetscReal value = Find(all, row->kind, row->layer, ENGD_QUANTITY_ALL, k)->value;

    if (row->quantity == ENGD_QUANTITY_LARGEST && k != row->number) continue;
    if (row->quantity == ENGD_QUANTITY_SMALLEST && k != n + 1 - row->number) continue;
    nearest = PetscMin(nearest, PetscAbsReal(row->value - value));
  }
  if (!(nearest <= tolerance * norm))
    fail_msg("%s: number %d is %.10g, %.1e from LAPACK's", options, (int)row->number, row->value, nearest);
}

static void TestMethods(void **state)
{
  Setting      s;
  Tao          tao;
  EngdSpectrum some, all;
  PetscMPIInt  ranks;
  char         options[512];

  (void)state;
  MPI_Comm_size(PETSC_COMM_WORLD, &ranks);
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CreateTao(&s, "", &tao);
  Compute(&s, tao, "-spectrum hessian,gramian,jacobian,kernel -spectrum_layers -spectrum_dense", &all);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(method); k++) {
    CHECK(PetscSNPrintf(options, sizeof(options), "-spectrum %s %s", engd_spectrum_name[method[k].kind],
                        method[k].options));
    if (ComputeRows(&s, tao, options, &some)) {
      if (ranks == 1 || !strstr(options, "svd_type lapack")) fail_msg("refused: %s", options);
      continue;
    }
    assert_true(some->nrows > 0);
    for (PetscInt i = 0; i < some->nrows; i++) CheckRow(options, &some->row[i], all, method[k].tolerance);
    CHECK(EngdSpectrumDestroy(&some));
  }
  CHECK(EngdSpectrumDestroy(&all));
  CHECK(TaoDestroy(&tao));
  End(&s);
}

/* A filter finds all values of its interval, however many -spectrum_nev are, also where few products span the space of all that
   there are (a gramian of rank 9 of 37), and where the interval goes beyond the spectrum */
static void TestFilter(void **state)
{
  const struct {
    const char      *options;
    EngdSpectrumKind kind;
    PetscReal        lower, upper;
  } c[] = {{"-eps_interval -5,5 -spectrum_nev 2", ENGD_SPECTRUM_HESSIAN, -5, 5},
           {"-eps_interval 5,100 -spectrum_nev 1", ENGD_SPECTRUM_GRAMIAN, 5, 100},
           {"-eps_interval 300,400", ENGD_SPECTRUM_HESSIAN, 300, 400}};
  Setting      s;
  Tao          tao;
  EngdSpectrum some, all;
  char         options[512];

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CreateTao(&s, "", &tao);
  Compute(&s, tao, "-spectrum hessian,gramian -spectrum_dense", &all);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    const char *name   = engd_spectrum_name[c[k].kind];
    PetscInt    inside = 0;

    for (PetscInt i = 1; i <= Count(all, c[k].kind, 0, ENGD_QUANTITY_ALL); i++) {
      const PetscReal value = Find(all, c[k].kind, 0, ENGD_QUANTITY_ALL, i)->value;

      inside += value >= c[k].lower && value <= c[k].upper;
    }
    CHECK(PetscSNPrintf(options, sizeof(options), "-spectrum %s -st_type filter -eps_all %s", name, c[k].options));
    CHECK(ComputeRows(&s, tao, options, &some));
    if (some->nrows != inside) fail_msg("%s: %d values, not %d", options, (int)some->nrows, (int)inside);
    for (PetscInt i = 0; i < some->nrows; i++) CheckRow(options, &some->row[i], all, 1e-9);
    CHECK(EngdSpectrumDestroy(&some));
  }
  CHECK(EngdSpectrumDestroy(&all));
  CHECK(TaoDestroy(&tao));
  End(&s);
}

static const char *const refused[] = {
    "-spectrum hessian -st_type filter",
    "-spectrum hessian -st_type filter -eps_all",
    "-spectrum hessian -st_type filter -eps_interval 3,1 -eps_all",
    "-spectrum hessian -st_type filter -st_filter_interval 0,1",
    "-spectrum hessian -st_type filter -eps_interval 0,1 -eps_all -eps_type arnoldi",
    "-spectrum hessian -st_type filter -eps_interval 0,1 -eps_all -st_filter_degree 1",
    "-spectrum gramian -st_type filter -eps_interval 0,1 -eps_all -eps_type subspace",
    "-spectrum hessian -eps_interval 0,1",
    "-spectrum jacobian -svd_type cyclic",
};

static void TestRefused(void **state)
{
  Setting      s;
  Tao          tao;
  EngdSpectrum some;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CreateTao(&s, "", &tao);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(refused); k++)
    if (ComputeRows(&s, tao, refused[k], &some) == PETSC_SUCCESS) fail_msg("let through: %s", refused[k]);
  CHECK(TaoDestroy(&tao));
  End(&s);
}

/* A B x = A x for B a duplicate of A, whichever of the two goes first */
static void CheckDuplicates(Mat A)
{
  Vec       x, y, z;
  PetscReal difference;

  CHECK(MatCreateVecs(A, &x, &y));
  CHECK(VecDuplicate(y, &z));
  CHECK(VecSet(x, 1.0));
  CHECK(MatMult(A, x, y));
  for (PetscInt first = 0; first < 2; first++) {
    Mat B;

    CHECK(MatDuplicate(A, MAT_COPY_VALUES, &B));
    if (first) CHECK(MatDestroy(&A)); /* the duplicate outlives it */
    CHECK(MatMult(B, x, z));
    CHECK(VecAXPY(z, -1.0, y));
    CHECK(VecNorm(z, NORM_INFINITY, &difference));
    assert_true(difference == 0);
    CHECK(MatDestroy(&B));
  }
  CHECK(VecDestroy(&x));
  CHECK(VecDestroy(&y));
  CHECK(VecDestroy(&z));
}

static void TestDuplicates(void **state)
{
  Setting              s;
  Tao                  tao;
  EngdSpectrum         spectrum;
  EngdSpectrumOperator op;
  Mat                  G, S, B, T;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CreateTao(&s, "", &tao);
  CHECK(EngdFunctionalCreateGramian(s.F, &G));
  CHECK(EngdGramianCreateLayers(G, &S));
  CheckDuplicates(S);
  CHECK(EngdMatCreateBlock(G, PETSC_TRUE, 0, 24, &B));
  CheckDuplicates(B);
  CheckDuplicates(G);
  CHECK(EngdFunctionalCreateHessian(s.F, &G));
  CheckDuplicates(G);
  CHECK(EngdFunctionalCreateJacobian(s.F, &G));
  CheckDuplicates(G);
  CHECK(EngdSpectrumCreate(s.F, tao, &spectrum));
  CHECK(EngdSpectrumOperatorCreate(spectrum, ENGD_SPECTRUM_PRECONDITIONED, 0, &op));
  CHECK(EngdSpectrumOperatorProduct(&op, &T));
  CheckDuplicates(T);
  CHECK(PetscObjectReference((PetscObject)op.M));
  CheckDuplicates(op.M);
  CHECK(EngdSpectrumOperatorDestroy(&op));
  CHECK(EngdSpectrumDestroy(&spectrum));
  CHECK(TaoDestroy(&tao));
  End(&s);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestMethods),
      cmocka_unit_test(TestFilter),
      cmocka_unit_test(TestDuplicates),
      cmocka_unit_test(TestRefused),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("methods of spectra", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
