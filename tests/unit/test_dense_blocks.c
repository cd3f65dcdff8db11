/*
  Direction dense on parts of the Gramian: each step, for every structure, type and average of operators, is that of the
  operator written out by products, cut into blocks and averaged by hand. What makes no sense is refused.
  ranks: 1 2 3; errors leak
*/
#include "direction_case.h"
#include "solver_record.h"

#define LAMBDA 0.1

typedef struct {
  EngdStructure structure;
  const char   *type;
  PetscReal     ema, epsilon;
  PetscInt      refresh;
} Method;

static const char *const structures[] = {"full", "layer", "diagonal"};

/* d (n) = -(|l| > edge) V f V^T g of one block A, f as the type says; M |d| of the cubic model is given as lambda */
static void BlockDirection(const Method *method, PetscInt n, PetscReal lambda, PetscReal A[], const PetscReal g[],
                           PetscReal d[])
{
  PetscReal *l, edge;
  PetscInt   info;

  CHECK(PetscMalloc1(n, &l));
  CHECK(EngdSymmetricEigen("V", n, A, l, &info));
  edge = method->epsilon * PetscMax(PetscAbsReal(l[0]), PetscAbsReal(l[n - 1]));
  CHECK(PetscArrayzero(d, n));
  for (PetscInt k = 0; k < n; k++) {
    const PetscReal *v  = A + ENGD_COUNT(k, n);
    PetscReal        lk = l[k], c = 0;

    if (!strcmp(method->type, "absolute")) lk = PetscMax(PetscAbsReal(lk), edge);
    if (!strcmp(method->type, "eigen") && lk + lambda <= edge) continue;
    for (PetscInt i = 0; i < n; i++) c += v[i] * g[i];
    for (PetscInt i = 0; i < n; i++) d[i] -= c / (lk + lambda) * v[i];
  }
  CHECK(PetscFree(l));
}

/* the direction of the averaged operator, block by block */
static void Direction(const Setting *s, const Method *method, PetscReal lambda, const PetscReal average[],
                      const PetscReal g[], PetscReal d[])
{
  const PetscInt p      = s->p;
  const PetscInt blocks = method->structure == ENGD_STRUCTURE_FULL    ? 1
                          : method->structure == ENGD_STRUCTURE_LAYER ? s->net->nlayers
                                                                      : p;
  PetscReal     *A;

  CHECK(PetscMalloc1(ENGD_COUNT(p, p), &A));
  for (PetscInt b = 0, end = 0; b < blocks; b++) {
    const PetscInt   first = end;
    const EngdLayer *layer = &s->net->layer[PetscMin(b, s->net->nlayers - 1)];
    PetscInt         n     = blocks == 1 ? p : blocks == p ? 1 : (layer->n_in + 1) * layer->n_out;

    end = first + n;
    for (PetscInt j = 0; j < n; j++) {
      for (PetscInt i = 0; i < n; i++) A[ENGD_COUNT(j, n) + i] = average[ENGD_COUNT(first + j, p) + first + i];
    }
    BlockDirection(method, n, lambda, A, g + first, d + first);
  }
  CHECK(PetscFree(A));
}

/* average <- that with G of the present theta */
static void Average(const Setting *s, PetscReal beta, PetscReal average[])
{
  PetscReal *dense;
  Mat        G;

  CHECK(EngdFunctionalCreateGramian(s->F, &G));
  dense = Dense(G);
  for (PetscInt i = 0; i < s->p * s->p; i++) average[i] = beta * average[i] + (1 - beta) * dense[i];
  CHECK(PetscFree(dense));
  CHECK(MatDestroy(&G));
}

/* three steps of length one half; where one operator serves for several, its factors are on all ranks */
static void CheckMethod(const Method *method)
{
  const PetscBool cubic = (PetscBool)!strcmp(method->type, "cubic");
  PetscReal      *average, *g, *d, *expected;
  char            options[512], what[64];
  Setting         s;
  Record          r;

  Begin(PETSC_COMM_WORLD, &poisson, "-network_layers 4,3", &s);
  CHECK(PetscCalloc4(s.p * s.p, &average, s.p, &g, s.p, &d, s.p, &expected));
  CHECK(PetscSNPrintf(options, sizeof(options),
                      "-tao_engd_direction dense -tao_engd_structure %s -tao_engd_dense_type %s -tao_engd_dense_ema "
                      "%g -tao_engd_dense_epsilon %g -tao_engd_dense_refresh %" PetscInt_FMT
                      " -tao_engd_dense_cubic 30 -tao_engd_step fixed -tao_engd_step_length 0.5 "
                      "-tao_engd_accept_increase -tao_engd_damping %g -tao_engd_damping_adapt false -tao_max_it 3%s",
                      structures[method->structure], method->type, (double)method->ema, (double)method->epsilon,
                      method->refresh, LAMBDA, method->refresh > 1 ? " -tao_engd_dense_spread 1" : ""));
  (void)Solve(&s, options, &r);
  for (PetscInt k = 0; k < 3; k++) {
    PetscReal norm = 0;

    assert_true(r.status[k + 1].step == 0.5);
    GoTo(&s, &r, k);
    Whole(s.v, g);
    if (k % method->refresh == 0) Average(&s, k ? method->ema : 0, average);
    for (PetscInt j = 0; j < s.p; j++) {
      d[j] = (r.theta[(k + 1) * s.p + j] - r.theta[k * s.p + j]) / 0.5;
      norm += PetscSqr(d[j]);
    }
    Direction(&s, method, cubic ? r.status[k + 1].damping * PetscSqrtReal(norm) : LAMBDA, average, g, expected);
    CHECK(PetscSNPrintf(what, sizeof(what), "%s %s %d", structures[method->structure], method->type, (int)k));
    CloseAll(what, s.p, d, expected, 1e-8);
  }
  CHECK(PetscFree4(average, g, d, expected));
  CHECK(PetscFree(r.theta));
  End(&s);
}

static void TestStructures(void **state)
{
  const char *const types[] = {"ldlt", "eigen", "absolute", "cubic"};

  (void)state;
  for (PetscInt k = 0; k < 12; k++) {
    const Method plain  = {(EngdStructure)(k / 4), types[k % 4], 0, 1e-14, 1};
    const Method moving = {(EngdStructure)(k / 4), types[k % 4], 0.6, 1e-14, 1};
    const Method lazy   = {(EngdStructure)(k / 4), types[k % 4], 0.6, 1e-14, 2};

    CheckMethod(&plain);
    CheckMethod(&moving);
    CheckMethod(&lazy);
  }
}

/* what is cut off is judged within each block: with 0.3 eigenvalues l + 0.1 of each are */
static void TestCutoff(void **state)
{
  (void)state;
  for (PetscInt k = 0; k < 3; k++) {
    const Method eigen = {(EngdStructure)k, "eigen", 0, 0.3, 1}, absolute = {(EngdStructure)k, "absolute", 0, 0.3, 1};

    CheckMethod(&eigen);
    CheckMethod(&absolute);
  }
}

/* whole runs */
static void TestTrains(void **state)
{
  const char *const options[] = {"-tao_engd_dense_type eigen -tao_engd_dense_ema 0.3",
                                 "-tao_engd_dense_type eigen -tao_engd_structure layer",
                                 "-tao_engd_dense_type eigen -tao_engd_structure layer -tao_engd_dense_ema 0.3"};

  (void)state;
  Trains("dense", 3, options, 1e-2);
}

static void TestRefused(void **state)
{
  const char *const options[] = {"-tao_engd_dense_ema -0.1",
                                 "-tao_engd_dense_ema 1",
                                 "-tao_engd_dense_ema nan",
                                 "-tao_engd_dense_epsilon 1",
                                 "-tao_engd_dense_spread 0",
                                 "-tao_engd_structure layers",
                                 "-tao_engd_structure layer -tao_engd_curvature hessian",
                                 "-engd_memory_limit 2000",
                                 "-engd_memory_limit 200 -tao_engd_structure diagonal"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    char all[256];

    CHECK(PetscSNPrintf(all, sizeof(all), "-network_layers 4,3 -tao_engd_direction dense %s", options[k]));
    Refused(&poisson, all);
  }
}

/* the diagonal has room where all of G has none */
static void TestRoom(void **state)
{
  Record r;

  (void)state;
  (void)SolveCase(&poisson, "-network_layers 4,3 -engd_memory_limit 2000",
                  "-tao_engd_direction dense -tao_engd_structure diagonal -tao_max_it 2", &r);
  assert_int_equal(r.n, 3);
  assert_true(r.loss[2] < r.loss[0]);
  CHECK(PetscFree(r.theta));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestStructures), cmocka_unit_test(TestCutoff),
                                     cmocka_unit_test(TestTrains), cmocka_unit_test(TestRefused),
                                     cmocka_unit_test(TestRoom)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("dense blocks", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
