/*
  Preconditioner nystrom: when it refreshes and how far it grows, mistakes, view.
  ranks: 1 2 3 4; errors leak
*/
#include "kfac_case.h"

/* which set-ups count, and which of them approximate anew; a new damping is seen without that */
static void schedule(void **state)
{
  Preconditioned c;

  (void)state;
  Make(PETSC_COMM_WORLD, POISSON "-pc_type nystrom -pc_nystrom_rank 10 -pc_nystrom_update_every 3", PETSC_FALSE, &c);
  for (PetscInt k = 0; k < 7; k++) {
    const PetscInt64 products = c.F->count.products;

    CHECK(PCSetUp(c.pc));
    assert_int_equal(Nystrom(c.pc)->setups, k + 1);
    assert_int_equal(Nystrom(c.pc)->updates, k / 3 + 1);
    assert_int_equal(c.F->count.products - products, k % 3 ? 0 : 10);
    CHECK(PCSetUp(c.pc)); /* nothing has changed */
    CHECK(EngdGramianSetDamping(c.G, 0.5 / (k + 1)));
    CHECK(PCSetUp(c.pc));
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
  Preconditioned  c;
  EngdNystrom    *nystrom;

  (void)state;
  Make(PETSC_COMM_WORLD, POISSON "-pc_type nystrom -pc_nystrom_rank 2 -pc_nystrom_adaptive -pc_nystrom_rank_max 20",
       PETSC_FALSE, &c);
  nystrom = Nystrom(c.pc);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(lambda); k++) {
    const PetscInt   before   = nystrom->sketch.ncolumns;
    const PetscInt64 products = c.F->count.products;

    CHECK(EngdGramianSetDamping(c.G, lambda[k]));
    if (k == 5) Move(&c, 1.01); /* and starts small again */
    CHECK(PCSetUp(c.pc));
    assert_true(nystrom->sketch.ncolumns <= 20);
    assert_true(nystrom->sketch.ncolumns == 20 || nystrom->sketch.last <= 10 * lambda[k]);
    assert_int_equal(c.F->count.products - products,
                     k == 5 ? nystrom->sketch.ncolumns : nystrom->sketch.ncolumns - before);
    if (k == 3) assert_int_equal(nystrom->sketch.ncolumns, 20);
    if (k == 4) assert_int_equal(before, 20);
    if (k == 0 || k == 5) assert_true(nystrom->sketch.ncolumns < 20);
  }
  Destroy(&c);
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
  Preconditioned    c;

  (void)state;
  CHECK(PetscPushErrorHandler(Catch, NULL));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(option); k++) {
    PC             pc;
    PetscErrorCode code;

    CHECK(PetscOptionsClear(NULL));
    CHECK(PetscOptionsSetValue(NULL, option[k][0], option[k][1]));
    CHECK(PCCreate(PETSC_COMM_WORLD, &pc));
    CHECK(PCSetType(pc, "nystrom"));
    CHECK(ReadOptions(pc, &code));
    if (PETSC_VERSION_GE(3, 21, 0) && !strcmp(option[k][1], "nan")) {
      assert_int_equal(code, PETSC_ERR_ARG_OUTOFRANGE); /* PETSc's own; the program's error handler adds the option */
    } else {
      assert_int_equal(code, PETSC_ERR_USER_INPUT);
      assert_non_null(strstr(message, option[k][0]));
    }
    assert_non_null(strstr(message, option[k][1]));
    CHECK(PCDestroy(&pc));
  }
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(late); k++) {
    char options[2048];

    CHECK(PetscSNPrintf(options, sizeof(options), "%s -pc_type nystrom %s", POISSON, late[k][0]));
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
  CHECK(PetscPopErrorHandler());
}

static void view(void **state)
{
  Preconditioned c;
  char           text[4096];

  (void)state;
  Make(PETSC_COMM_WORLD, POISSON "-pc_type nystrom -pc_nystrom_rank 7", PETSC_FALSE, &c);
  CHECK(EngdGramianSetDamping(c.G, 0.25));
  CHECK(PCSetUp(c.pc));
  if (ViewText(c.pc, "test_nystrom.txt", sizeof(text), text)) {
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
      cmocka_unit_test(schedule),
      cmocka_unit_test(adaptive),
      cmocka_unit_test(mistakes),
      cmocka_unit_test(view),
  };
  int failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  if (EngdSolverRegister()) return 1;
  failures = cmocka_run_group_tests_name("nystrom options", tests, NULL, NULL);
  return EngdFinalize() || failures;
}
