/*
  Names of the problem language: numbered coordinates, names that look alike or clash, functions of the user. errors leak
*/
#include "expression_case.h"

/* Coordinates x1, x2, ...: the vector x, suffixes u_x1x2 and u_x12 */
static void TestNumberedCoordinates(void **state)
{
  enum { DIM = 12 };
  char           name[DIM][16];
  const char    *list[DIM];
  PetscReal      x[DIM], sum = 0.0;
  EngdSymbols    s = {.nspace = DIM, .dim = DIM, .coordinate = list, .noutputs = 2, .output = outputs};
  EngdExpression e;

  (void)state;
  for (PetscInt i = 0; i < DIM; i++) {
    snprintf(name[i], sizeof(name[i]), "x%d", (int)i + 1);
    list[i] = name[i];
    x[i]    = 0.1 * (PetscReal)(i + 1);
    sum += cos(PETSC_PI * x[i]);
  }
  {
    const Case table[] = {
        {"sum(cos(pi*x))", sum}, {"x12 - dot(x, [0,0,0,0,0,0,0,0,0,0,0,1])", 0.0}, {"sum(x)/x1", 78.0}};

    CheckCases(&s, x, PETSC_STATIC_ARRAY_LENGTH(table), table);
  }
  e = Compiled(&s, "u_x7; u_x12; u_x1x2; u_x11x1; x", 0);
  assert_int_equal(e->ncomponents, 4 + DIM);
  assert_int_equal(e->nentries, 4);
  assert_int_equal(e->entry[0].coordinate[0], 6);
  assert_int_equal(e->entry[1].coordinate[0], 11);
  assert_int_equal(e->entry[1].coordinate[1], -1);
  assert_int_equal(e->entry[2].coordinate[0], 0);
  assert_int_equal(e->entry[2].coordinate[1], 1);
  assert_int_equal(e->entry[3].coordinate[0], 0);
  assert_int_equal(e->entry[3].coordinate[1], 10);
  OK(EngdExpressionDestroy(&e));
}

/* Exact names win over derivatives; suffixes are split with backtracking */
static void TestNamesThatLookAlike(void **state)
{
  const char *const xs[] = {"xx", "x", "xxy"}, *const us[] = {"u", "u_x"};
  const EngdSymbols s = {.nspace = 3, .dim = 3, .coordinate = xs, .noutputs = 2, .output = us};
  EngdExpression    e = Compiled(&s, "u_x + u_xxy + u_xxx + u_xxxy + u_x_x", 0);

  (void)state;
  assert_int_equal(e->nentries, 5);
  assert_int_equal(e->entry[0].output, 0); /* u_xxy: by xxy */
  assert_int_equal(e->entry[0].coordinate[0], 2);
  assert_int_equal(e->entry[1].order, 2); /* u_xxx: xx before x */
  assert_int_equal(e->entry[1].coordinate[0], 0);
  assert_int_equal(e->entry[1].coordinate[1], 1);
  assert_int_equal(e->entry[2].coordinate[0], 1); /* u_xxxy: xx leaves xy, which cannot be read; so x, xxy */
  assert_int_equal(e->entry[2].coordinate[1], 2);
  assert_int_equal(e->entry[3].output, 1); /* u_x */
  assert_int_equal(e->entry[3].order, 0);
  assert_int_equal(e->entry[4].output, 1); /* u_x_x */
  assert_int_equal(e->entry[4].order, 1);
  OK(EngdExpressionDestroy(&e));
}

/* Functions of the user: arguments, vectors, names alone, derivatives through them, and what they may not be */
static void TestDefinitions(void **state)
{
  char                *xy[] = {"x", "y"}, *s[] = {"s"};
  const EngdDefinition list[] = {
      {"f", 2, xy, "x^2 - y"},      {"g", 1, s, "[s, f(s, 1)]"},       {"r", 0, NULL, "sqrt(x^2 + y^2)"},
      {"w", 0, NULL, "r*u + g(v)"}, {"bad", 0, NULL, "x + 1)"},        {"late", 1, s, "after(s)"},
      {"after", 1, s, "s"},         {"worse", 1, s, "[s, f(s, 1) + ]"}};
  const Case table[] = {
      {"f(2, 3)", 1.0},
      {"f(y, x)", Y * Y - X},
      {"sum(g(3))", 11.0},
      {"sum(g(x))", X + X * X - 1.0},
      {"r", hypot(X, Y)},
      {"d(r, x)", X / hypot(X, Y)},
      {"lap(r)", 1.0 / hypot(X, Y)},
      {"dot(w, [0, 1])", hypot(X, Y) * U(0, -1, -1) + U(1, -1, -1) * U(1, -1, -1) - 1.0},
      {"d(f(u, v), y)", 2 * U(0, -1, -1) * U(0, 1, -1) - U(1, 1, -1)},
      {"after(after(2))", 2.0},
  };
  const struct {
    const char *text, *message;
  } wrong[] = {
      {"f(1)", "f() takes 2 arguments, not 1"},         {"f", "'f' needs its arguments in parentheses"},
      {"r(1)", "r() takes 0 arguments, not 1"},         {"bad", "-functions bad: unexpected ')'"},
      {"worse(x)", "-functions worse: unexpected ']'"}, {"[x, f(1, worse(x))]", "-functions worse: unexpected ']'"},
      {"late(x)", "unknown function 'after'"},          {"aftr(x)", "did you mean 'after'?"}};
  EngdSymbols    symbols = plane;
  EngdExpression e;

  (void)state;
  symbols.ndefinitions = (PetscInt)PETSC_STATIC_ARRAY_LENGTH(list);
  symbols.definition   = list;
  CheckCases(&symbols, point, PETSC_STATIC_ARRAY_LENGTH(table), table);
  OK(PetscPushErrorHandler(KeepMessage, NULL));
  OK(EngdExpressionCreate(&symbols, &e));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(wrong); i++) {
    assert_int_equal(EngdExpressionAppend(e, "-t", wrong[i].text), PETSC_ERR_USER_INPUT);
    if (!strstr(last_message, wrong[i].message)) fail_msg("%s: %s", wrong[i].text, last_message);
  }
  OK(EngdExpressionDestroy(&e));
  symbols.ndefinitions = 1;
  symbols.definition   = &(EngdDefinition){"sin", 0, NULL, "1"};
  assert_int_equal(EngdExpressionCreate(&symbols, &e), PETSC_ERR_USER_INPUT);
  symbols.definition = &(EngdDefinition){"nu", 0, NULL, "1"};
  assert_int_equal(EngdExpressionCreate(&symbols, &e), PETSC_ERR_USER_INPUT);
  OK(PetscPopErrorHandler());
}

static void TestSymbolsThatClash(void **state)
{
  const char *const bad[] = {"x", "t", "sin", "pi", "normal", "grad", "d", "2u", "", "u v", "_u"};
  const char       *name[1];
  const EngdSymbols s          = {.nspace = 2, .dim = 3, .coordinate = coordinates, .noutputs = 1, .output = name};
  const char *const numbered[] = {"x1", "x2"};
  EngdExpression    e;

  (void)state;
  OK(PetscPushErrorHandler(KeepMessage, NULL));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(bad); i++) {
    name[0] = bad[i];
    assert_int_equal(EngdExpressionCreate(&s, &e), PETSC_ERR_USER_INPUT);
    assert_non_null(strstr(last_message, bad[i]));
  }
  name[0] = "x";
  assert_int_equal(
      EngdExpressionCreate(
          &(EngdSymbols){.nspace = 2, .dim = 2, .coordinate = numbered, .noutputs = 1, .output = name}, &e),
      PETSC_ERR_USER_INPUT);
  OK(PetscPopErrorHandler());
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestNumberedCoordinates),
      cmocka_unit_test(TestNamesThatLookAlike),
      cmocka_unit_test(TestDefinitions),
      cmocka_unit_test(TestSymbolsThatClash),
  };
  int failures;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failures = cmocka_run_group_tests_name("expression_names", tests, NULL, NULL);
  if (PetscFinalize()) return 1;
  return failures;
}
