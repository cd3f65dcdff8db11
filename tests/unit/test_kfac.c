/*
  Preconditioner kfac: the blocks of G that it reproduces for a linear layer and for unknown parameters, symmetry, moving average, when it refreshes,
  options, failures, view, and the same on any number of ranks.
  ranks: 1 2 3 4
*/
#include "kfac_case.h"
#include <petscksp.h>

/* kfac as the inverse of G, so that Krylov methods need one step */
static void IsInverse(const char options[])
{
  const char *const type[] = {KSPPREONLY, KSPCG, KSPLSQR};
  Preconditioned    c;
  Vec               x, y, b;
  Mat               J;
  PetscReal         error;

  Make(PETSC_COMM_WORLD, options, PETSC_TRUE, &c);
  CHECK(EngdFunctionalCreateJacobian(c.F, &J));
  CHECK(MatCreateVecs(J, &x, &b));
  CHECK(VecDuplicate(x, &y));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(type); k++) {
    const PetscBool lsqr = (PetscBool)(k == 2);
    KSP             ksp;
    PetscInt        its;

    CHECK(PCReset(c.pc));
    CHECK(KSPCreate(PETSC_COMM_WORLD, &ksp));
    CHECK(KSPSetType(ksp, type[k]));
    CHECK(KSPSetPC(ksp, c.pc));
    CHECK(KSPSetOperators(ksp, lsqr ? J : c.G, c.G));
    CHECK(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, 20));
    Fill(x, 1);
    CHECK(MatMult(lsqr ? J : c.G, x, lsqr ? b : y));
    CHECK(KSPSolve(ksp, lsqr ? b : y, y));
    CHECK(KSPGetIterationNumber(ksp, &its));
    assert_true(its <= 2);
    CHECK(VecAXPY(y, -1, x));
    CHECK(VecNorm(y, NORM_INFINITY, &error));
    assert_true(error < 1e-11);
    CHECK(KSPDestroy(&ksp));
  }
  CHECK(VecDestroy(&x));
  CHECK(VecDestroy(&y));
  CHECK(VecDestroy(&b));
  CHECK(MatDestroy(&J));
  Destroy(&c);
}

/* one linear layer, values only, lambda = beta = 0: A (x) B is G; so it is of inputs E(x), with an ansatz linear in u */
static void linear_layer(void **state)
{
  (void)state;
  IsInverse(FIT);
  IsInverse(FIT "-networks u,a -a_layers none -terms fit,other -other_points 9 -other_residual 2*a-x*y ");
  IsInverse(FIT "-network_inputs sin(2*x),y^2,exp(x*y) -ansatz_u 3*u-x*y ");
}

/* what kfac has for the unknown parameters is their block of G, by the products of G with their unit vectors */
static void unknown_parameters(void **state)
{
  Preconditioned       c;
  const EngdKfacLayer *layer;
  PetscReal           *G, error = 0, size = 0;
  PetscMPIInt          rank;
  PetscInt             p;

  (void)state;
  Make(PETSC_COMM_WORLD, MODEL "-pc_kfac_ema 0 ", PETSC_FALSE, &c);
  CHECK(PCSetUp(c.pc));
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  p     = c.s->p;
  G     = Dense(c.G);
  layer = &c.kfac->layer[c.kfac->nlayers - 1];
  assert_true(layer->block.m == 2 && layer->block.n == 1);
  for (PetscInt k = 0; k < 4 && layer->owner == rank; k++) {
    const PetscInt  i = PetscMin(k % 2, k / 2), j = PetscMax(k % 2, k / 2); /* of the upper triangle */
    const PetscReal exact = G[(p - 2 + j) * p + p - 2 + i];

    error = PetscMax(error, PetscAbsReal(layer->block.B[0][2 * j + i] + layer->block.B[1][2 * j + i] - exact));
    size  = PetscMax(size, PetscAbsReal(exact));
    error = PetscMax(error, PetscAbsReal(layer->block.A[0][0] - 1) + PetscAbsReal(layer->block.A[1][0] - 1));
  }
  size = Largest(size);
  assert_true(size > 0);
  Close("block of the unknown parameters", Largest(error), 0, 1e-13 * size);
  CHECK(PetscFree(G));
  Destroy(&c);
}

static void IsSymmetricPositive(const char options[])
{
  Preconditioned c;
  Vec            x, y, Px, Py;
  PetscReal      xPy, yPx, xPx;

  Make(PETSC_COMM_WORLD, options, PETSC_FALSE, &c);
  CHECK(VecDuplicate(c.theta, &x));
  CHECK(VecDuplicate(c.theta, &y));
  CHECK(VecDuplicate(c.theta, &Px));
  CHECK(VecDuplicate(c.theta, &Py));
  for (PetscInt k = 0; k < 5; k++) {
    Fill(x, k);
    Fill(y, 0.3 + 2 * k);
    CHECK(PCApply(c.pc, x, Px));
    CHECK(PCApplyTranspose(c.pc, y, Py));
    CHECK(VecDot(x, Py, &xPy));
    CHECK(VecDot(y, Px, &yPx));
    CHECK(VecDot(x, Px, &xPx));
    assert_true(xPx > 0);
    assert_true(PetscAbsReal(xPy - yPx) <= 1e-12 * xPx);
    Move(&c, 1.1);
  }
  CHECK(VecDestroy(&x));
  CHECK(VecDestroy(&y));
  CHECK(VecDestroy(&Px));
  CHECK(VecDestroy(&Py));
  Destroy(&c);
}

static void symmetric_positive(void **state)
{
  (void)state;
  IsSymmetricPositive(SYSTEM "-pc_kfac_damping 1e-6 -pc_kfac_ema 0.5");
  IsSymmetricPositive(MODEL "-pc_kfac_damping 1e-6 -pc_kfac_ema 0.5");
}

/* first entries of the factors of layer 1 where they live, else zero: A_1(0,1), B_1(0,0), A_2(2,2), B_2(0,1) */
static void Probe(Preconditioned *c, PetscReal probe[])
{
  const EngdKronecker *block = &c->kfac->layer[1].block;
  PetscMPIInt          rank;

  CHECK(MPI_Comm_rank(c->F->comm, &rank));
  for (PetscInt k = 0; k < 4; k++) probe[k] = 0;
  if (c->kfac->layer[1].owner == rank) {
    probe[0] = block->A[0][block->n];
    probe[1] = block->B[0][0];
    probe[2] = block->A[1][2 * block->n + 2];
    probe[3] = block->B[1][block->m];
  }
  CHECK(MPI_Allreduce(MPI_IN_PLACE, probe, 4, MPIU_REAL, MPI_SUM, c->F->comm));
}

/* F_3 = beta^3 I + (1 - beta) (beta^2 N_1 + beta N_2 + N_3), N_k the factors without a past */
static void moving_average(void **state)
{
  const PetscReal identity[] = {0, 1, 1, 0}, beta = 0.7;
  PetscReal       fresh[3][4], averaged[4];
  Preconditioned  now, past;

  (void)state;
  Make(PETSC_COMM_WORLD, POISSON "-pc_kfac_ema 0", PETSC_FALSE, &now);
  Make(PETSC_COMM_WORLD, POISSON "-pc_kfac_ema 0.7", PETSC_FALSE, &past);
  for (PetscInt k = 0; k < 3; k++) {
    CHECK(PCSetUp(now.pc));
    CHECK(PCSetUp(past.pc));
    Probe(&now, fresh[k]);
    Move(&now, 1.2);
    Move(&past, 1.2);
  }
  Probe(&past, averaged);
  for (PetscInt k = 0; k < 4; k++) {
    const PetscReal exact = beta * beta * beta * identity[k] +
                            (1 - beta) * (beta * beta * fresh[0][k] + beta * fresh[1][k] + fresh[2][k]);

    assert_true(PetscAbsReal(averaged[k] - exact) < 1e-13 * (1 + PetscAbsReal(exact)));
    assert_true(PetscAbsReal(fresh[2][k] - fresh[0][k]) > 1e-6); /* or this would show nothing */
  }
  Destroy(&now);
  Destroy(&past);
}

/* which set-ups count, and which of them refresh and invert; type and moving averages outlive a second SetFromOptions */
static void schedule(void **state)
{
  PetscReal      before[4], after[4];
  Preconditioned c;
  EngdKfac      *kfac;

  (void)state;
  Make(PETSC_COMM_WORLD, POISSON "-pc_kfac_update_every 3 -pc_kfac_invert_every 2", PETSC_FALSE, &c);
  for (PetscInt k = 0; k < 10; k++) {
    CHECK(PCSetUp(c.pc));
    assert_int_equal(c.kfac->setups, k + 1);
    assert_int_equal(c.kfac->updates, k / 3 + 1);
    assert_int_equal(c.kfac->inversions, k / 6 + 1);
    Probe(&c, after);
    if (k % 3) assert_memory_equal(before, after, sizeof(before));
    CHECK(PetscArraycpy(before, after, 4));
    CHECK(PCSetUp(c.pc)); /* nothing has changed */
    CHECK(PetscObjectStateIncrease((PetscObject)c.G));
    CHECK(PCSetUp(c.pc)); /* G has, theta has not: as when its damping changes */
    assert_int_equal(c.kfac->setups, k + 1);
    Move(&c, 1.05);
  }
  CHECK(PetscOptionsSetValue(NULL, "-pc_type", "kfac"));
  CHECK(PCSetFromOptions(c.pc));
  CHECK(EngdKfacGet(c.pc, &kfac));
  assert_ptr_equal(kfac, c.kfac);
  assert_int_equal(kfac->setups, 10);
  CHECK(PCSetReusePreconditioner(c.pc, PETSC_TRUE));
  CHECK(PCSetUp(c.pc));
  assert_int_equal(kfac->setups, 10);
  for (PetscInt k = 0; k < 8; k++) { /* back and forth: options are still read, and read once */
    CHECK(PCSetType(c.pc, PCNONE));
    CHECK(PCSetFromOptions(c.pc));
    CHECK(PCSetType(c.pc, "kfac"));
  }
  CHECK(PetscOptionsSetValue(NULL, "-pc_kfac_damping", "0.5"));
  CHECK(PCSetFromOptions(c.pc));
  CHECK(EngdKfacGet(c.pc, &kfac));
  assert_true(kfac->damping == 0.5);
  Destroy(&c);
}

/* the same vector as one rank alone computes */
static void SameAsAlone(const char options[])
{
  Preconditioned   all, alone;
  Vec              x[2], y[2];
  const PetscReal *part, *whole;
  PetscReal        norm;
  PetscInt         begin, end;

  Make(PETSC_COMM_WORLD, options, PETSC_FALSE, &all);
  Make(PETSC_COMM_SELF, options, PETSC_FALSE, &alone);
  for (PetscInt k = 0; k < 2; k++) {
    Preconditioned *c = k ? &alone : &all;

    CHECK(VecDuplicate(c->theta, &x[k]));
    CHECK(VecDuplicate(c->theta, &y[k]));
    Fill(x[k], 0);
    CHECK(PCSetUp(c->pc));
    Move(c, 0.9);
    CHECK(PCApply(c->pc, x[k], y[k]));
  }
  CHECK(VecNorm(y[1], NORM_INFINITY, &norm));
  CHECK(VecGetOwnershipRange(y[0], &begin, &end));
  CHECK(VecGetArrayRead(y[0], &part));
  CHECK(VecGetArrayRead(y[1], &whole));
  for (PetscInt j = begin; j < end; j++) assert_true(PetscAbsReal(part[j - begin] - whole[j]) < 1e-9 * norm);
  CHECK(VecRestoreArrayRead(y[0], &part));
  CHECK(VecRestoreArrayRead(y[1], &whole));
  for (PetscInt k = 0; k < 2; k++) {
    CHECK(VecDestroy(&x[k]));
    CHECK(VecDestroy(&y[k]));
  }
  Destroy(&all);
  Destroy(&alone);
}

static void any_number_of_ranks(void **state)
{
  (void)state;
  SameAsAlone(SYSTEM "-pc_kfac_ema 0.3 -pc_kfac_damping 1e-4");
  SameAsAlone(MODEL "-pc_kfac_ema 0.3 -pc_kfac_damping 1e-4");
}

/* owners are balanced: with as many ranks as layers each has one, and nobody has two while another has none */
static void owners(void **state)
{
  Preconditioned c;
  PetscMPIInt    size, count[16] = {0};

  (void)state;
  CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  Make(PETSC_COMM_WORLD, POISSON, PETSC_FALSE, &c);
  CHECK(PCSetUp(c.pc));
  for (PetscInt l = 0; l < c.kfac->nlayers; l++) count[c.kfac->layer[l].owner]++;
  for (PetscMPIInt r = 0; r < size; r++) assert_true(count[r] <= 1 || c.kfac->nlayers > size);
  Destroy(&c);
}

/* every mistake: the error's class, and the words that its message must hold */
static void mistakes(void **state)
{
  const char *const option[][2] = {{"-pc_kfac_damping", "-1"},     {"-pc_kfac_ema", "1"},
                                   {"-pc_kfac_ema", "1.5"},        {"-pc_kfac_ema", "-0.1"},
                                   {"-pc_kfac_update_every", "0"}, {"-pc_kfac_invert_every", "-2"}};
  Preconditioned    c;
  Mat               identity;

  (void)state;
  Make(PETSC_COMM_WORLD, POISSON, PETSC_FALSE, &c);
  CHECK(PetscPushErrorHandler(Catch, NULL));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(option); k++) {
    PC             pc;
    PetscErrorCode code;

    CHECK(PetscOptionsSetValue(NULL, option[k][0], option[k][1]));
    CHECK(PCCreate(PETSC_COMM_WORLD, &pc));
    CHECK(PCSetType(pc, "kfac"));
    CHECK(ReadOptions(pc, &code));
    assert_int_equal(code, PETSC_ERR_USER_INPUT);
    assert_non_null(strstr(message, option[k][0]));
    assert_non_null(strstr(message, option[k][1]));
    CHECK(PetscOptionsClearValue(NULL, option[k][0]));
    CHECK(PCDestroy(&pc));
  }
  Move(&c, NAN);
  assert_int_equal(PCSetUp(c.pc), ENGD_ERR_NUMERICS);
  assert_non_null(strstr(message, "not finite"));
  CHECK(MatCreateConstantDiagonal(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 4, 4, 1, &identity));
  CHECK(PCReset(c.pc));
  CHECK(PCSetOperators(c.pc, identity, identity));
  assert_int_equal(PCSetUp(c.pc), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(message, "kfac needs the Gramian of an engd functional"));
  CHECK(PetscPopErrorHandler());
  CHECK(MatDestroy(&identity));
  Destroy(&c);
}

/* the view: its numbers, and one line a layer */
static void view(void **state)
{
  Preconditioned c;
  char           text[4096];

  (void)state;
  Make(PETSC_COMM_WORLD, POISSON "-pc_kfac_damping 0.25", PETSC_FALSE, &c);
  CHECK(PCSetUp(c.pc));
  if (ViewText(c.pc, "test_kfac.txt", sizeof(text), text)) {
    assert_non_null(strstr(text, "type: kfac"));
    assert_non_null(strstr(text, "damping 0.25"));
    assert_non_null(strstr(text, "1 updates"));
    assert_non_null(strstr(text, "layer 3: 1 x 6"));
  }
  Destroy(&c);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(linear_layer),   cmocka_unit_test(unknown_parameters), cmocka_unit_test(symmetric_positive),
      cmocka_unit_test(moving_average), cmocka_unit_test(schedule),           cmocka_unit_test(any_number_of_ranks),
      cmocka_unit_test(owners),         cmocka_unit_test(mistakes),           cmocka_unit_test(view),
  };
  int failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  if (EngdSolverRegister()) return 1;
  failures = cmocka_run_group_tests_name("kfac", tests, NULL, NULL);
  return EngdFinalize() || failures;
}
