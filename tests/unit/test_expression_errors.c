/*
  Mistakes in the problem language: each gives one message with the option, the text and the right column; random and
  enormous texts give a message or an expression, never a crash.
*/
#include "expression_case.h"

typedef struct {
  const char *text;
  PetscInt    column;
  const char *message; /* its beginning, behind the option */
} Mistake;

static const Mistake mistakes[] = {
    {"lap(u) + 2*)", 12, "unexpected ')'"},
    {"", 1, "empty component"},
    {"   ", 4, "empty component"},
    {"u;;v", 3, "empty component"},
    {"u;", 3, "empty component"},
    {";u", 1, "empty component"},
    {"u +", 4, "unexpected end"},
    {"u v", 3, "unexpected 'v'"},
    {"2x", 2, "unexpected 'x'"},
    {"0x10", 2, "unexpected 'x10'"},
    {"1e", 2, "unexpected 'e'"},
    {"1e999", 1, "number too large"},
    {"sin(x", 6, "missing ')' for the '(' of column 4"},
    {"2*(x + [1, 2)", 13, "unexpected ')'"},
    {"(x + y", 7, "missing ')' for the '(' of column 1"},
    {"x)", 2, "unexpected ')'"},
    {"u $ v", 3, "unexpected character '$'"},
    {"u + \xc3\xa9", 5, "unexpected byte 0xc3"},
    {"u = v", 3, "unexpected character '='"},
    {"x & y", 3, "unexpected character '&'"},
    {"x ** 2", 4, "unexpected '*'"},
    {"1 + sn(x)", 5, "unknown function 'sn' (did you mean 'sin'?)"},
    {"u(x)", 1, "'u' is not a function"},
    {"x + laplace(u)", 5, "unknown function 'laplace'"},
    {"2*nuu", 3, "unknown name 'nuu' (did you mean 'nu'?)"},
    {"x + w", 5, "unknown name 'w'"},
    {"norml", 1, "unknown name 'norml' (did you mean 'normal'?)"},
    {"sin + 1", 1, "the function 'sin' needs its arguments in parentheses"},
    {"u + u_xz", 5, "the suffix 'xz' of 'u_xz' is not made of coordinates"},
    {"u_", 1, "the suffix '' of 'u_' is not made of coordinates"},
    {"1 + u_xxyty", 5,
     "derivative of too high an order (u_xxyt once more by y; the highest order is 4 in all) at column"},
    {"u_x + d(lap(lap(u)), x)", 7, "derivative of too high an order (lap(lap(u)) once more by x;"},
    {"grad(lap(u_xt))", 1, "derivative of too high an order (lap(u_xt) once more by x;"},
    {"d(u, x, x, y, x, x)", 1, "derivative of too high an order (u_xxxy once more by x;"},
    {"lap(u_xxx)", 1, "derivative of too high an order (u_xxx once more by lap();"},
    {"lap(u^2*lap(lap(v)))", 1, "derivative of too high an order (lap(lap(v)) once more by lap();"},
    {"d(u, x, 2*x)", 1, "each further argument of d() must be a coordinate"},
    {"d(normal, x)", 1, "the normal cannot be differentiated"},
    {"sin(x, y)", 1, "sin() takes 1 argument, not 2"},
    {"x*atan2(y)", 3, "atan2() takes 2 arguments, not 1"},
    {"min()", 1, "min() takes at least 1 argument, not 0"},
    {"if(x, y)", 1, "if() takes 3 arguments, not 2"},
    {"d(u, 2*x)", 1, "the second argument of d() must be a coordinate"},
    {"grad(grad([u, v]))", 1, "grad() needs a number or a vector, not a tensor"},
    {"hess([u, v])", 1, "hess() needs a number"},
    {"grad([u, v])*[u, v]", 13,
     "a tensor of 2 x 2 entries and a vector of 2 entries do not go together entry by entry; dot()"},
    {"dot(grad([u, v]), [1, 2, 3])", 1, "dot() of a tensor of 2 x 2 entries and a vector of 3 entries"},
    {"dot(hess(u), u)", 1, "dot() of a tensor of 2 x 2 entries and a number"},
    {"trace([[1, 2, 3], [4, 5, 6]])", 1, "trace() needs a square tensor"},
    {"sym(u)", 1, "sym() needs a square tensor, as grad([u, v]) or [[a, b], [c, d]], not a number"},
    {"transpose([1, 2])", 1, "transpose() needs a tensor"},
    {"ddot([1, 2], [1, 2])", 1, "ddot() needs a tensor"},
    {"outer(u, [1, 2])", 1, "outer() needs two vectors"},
    {"identity(u)", 1, "identity() takes a whole number"},
    {"identity(2.5)", 1, "identity() takes a whole number"},
    {"[[1, 2], [3]]", 1, "entry 2 of the vector is a vector of 1 entry, and the first one a vector of 2 entries"},
    {"div([[u, v, u], [v, u, v]])", 1, "div() needs a vector of 2 entries, not 3, or a tensor of such rows"},
    {"curl(grad([u, v]))", 1, "curl() is of a vector"},
    {"div([u, v, u])", 1, "div() needs a vector of 2 entries, not 3"},
    {"x + dot([1, 2], [1, 2, 3])", 5, "dot() of 2 and 3 entries"},
    {"grad(u) + [1, 2, 3]", 9, "vectors of 2 and 3 entries do not go together"},
    {"u[1]", 2, "a number has no entries to pick"},
    {"[u, v][3]", 7, "there are entries 1 to 2, and no 3"},
    {"hess(u)[0]", 8, "there are rows 1 to 2, and no 0"},
    {"[u, v][x]", 7, "the number of an entry must be a whole number that is known here"},
    {"[u, v][1", 9, "missing ']' for the '[' of column 7"},
    {"sum(j, 1, 2)", 4, "sum() of numbers is sum(i, first, last, term)"},
    {"sum(j, 1, 1/2, j)", 4, "the last number of sum() must be a whole number that is known here"},
    {"sum(j, 2, 1, j)", 1, "sum() from 2 to 1: there must be a term"},
    {"sum(j, 1, 1000, sum(k, 1, 500000, 1))", 17,
     "sum() from 1 to 500000: there must be a term, and at most 1000000 in all"},
    {"sum(j, 1, 2, j + k*z)", 20, "unknown name 'z'"},
    {"sum(j, 1, 2, u) + j", 19, "unknown name 'j'"},
    {"[]", 1, "empty vector"},
    {"[1, [2, 3]]", 1, "entry 2 of the vector is a vector of 2 entries, and the first one a number"},
    {"[1, 2", 6, "missing ']' for the '[' of column 1"},
    {"sin(x,)", 7, "unexpected ')'"},
    {"0 < x < 1", 7, "comparisons do not chain"},
    {"x == y == t", 8, "comparisons do not chain"},
};

static void CheckMistake(const EngdSymbols *s, const Mistake *m)
{
  EngdExpression e;
  char           beginning[512], place[512];

  OK(EngdExpressionCreate(s, &e));
  snprintf(beginning, sizeof(beginning), "-pde_residual: %s", m->message);
  snprintf(place, sizeof(place), " at column %d: \"%s\"", (int)m->column, m->text);
  last_message[0] = '\0';
  if (EngdExpressionAppend(e, "-pde_residual", m->text) != PETSC_ERR_USER_INPUT) {
    fail_msg("\"%s\" should be a mistake", m->text);
  }
  if (strncmp(last_message, beginning, strlen(beginning)) != 0 || !strstr(last_message, place)) {
    fail_msg("\"%s\" gave\n  %s\nexpected\n  %s ...%s", m->text, last_message, beginning, place);
  }
  assert_null(strchr(last_message, '\n'));
  assert_int_equal(e->ncomponents, 0);
  OK(EngdExpressionAppend(e, "-pde_residual", "x; y")); /* goes on after a mistake */
  assert_int_equal(e->ncomponents, 2);
  OK(EngdExpressionDestroy(&e));
}

static void TestMistakes(void **state)
{
  EngdSymbols inside = plane;

  (void)state;
  inside.normal = PETSC_FALSE;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(mistakes); i++) CheckMistake(&plane, &mistakes[i]);
  CheckMistake(&inside, &(Mistake){"x + dot(normal, grad(u))", 9, "'normal' exists on boundaries only"});
}

/* In an exact solution outputs are no names */
static void TestNoOutputs(void **state)
{
  EngdSymbols s = plane;

  (void)state;
  s.noutputs = 0;
  CheckMistake(&s, &(Mistake){"sin(x) + u", 10, "unknown name 'u'"});
  CheckMistake(&s, &(Mistake){"sin(x) + u_x", 10, "unknown name 'u_x'"});
}

static PetscErrorCode TryText(const char text[])
{
  EngdExpression e;
  PetscErrorCode ierr;

  OK(EngdExpressionCreate(&plane, &e));
  ierr = EngdExpressionAppend(e, "-fuzz", text);
  if (!ierr) {
    PetscReal *value;

    OK(EngdExpressionCompile(e, 2));
    value = malloc(sizeof(*value) * (size_t)(e->ncomponents + e->nfirst + e->nsecond + 1));
    if (e->nentries <= MAX_ENTRIES) {
      PetscReal jet[MAX_ENTRIES];

      KnownJet(e, point, jet);
      EvaluateJet(e, point, jet, value, value + e->ncomponents, value + e->ncomponents + e->nfirst);
    }
    free(value);
  } else {
    assert_int_equal(ierr, PETSC_ERR_USER_INPUT);
    assert_non_null(strstr(last_message, " at column "));
  }
  OK(EngdExpressionDestroy(&e));
  return ierr;
}

/* Random strings of tokens, and correct texts with one character changed */
static void TestRandomTexts(void **state)
{
  static const char *const tokens[] = {
      "u",   "v",    "x",    "y",     "t",    "nu",   "pi", "normal", "u_x",    "v_yt", "u_xxx", "1",
      "0",   "2.5",  "1e-3", "+",     "-",    "*",    "/",  "^",      "(",      ")",    "(",     ")",
      "[",   "]",    ",",    ";",     "!",    "<",    "==", "&&",     "||",     "sin(", "sqrt(", "log(",
      "if(", "min(", "max(", "grad(", "lap(", "div(", "d(", "dot(",   "norm2(", "sum(", " ",     "."};
  static const char correct[] = "if(x<y, norm2(grad(u))^3, -2*abs(v_x))/hypot(u,t) + max([u,v]) - dot(normal,[1,nu])";
  PetscInt          ncorrect  = 0;

  (void)state;
  for (PetscInt k = 0; k < 20000; k++) {
    char text[512] = "";

    for (PetscInt n = 1 + Draw(12); n > 0; n--)
      strcat(text, tokens[Draw((PetscInt)PETSC_STATIC_ARRAY_LENGTH(tokens))]);
    if (!TryText(text)) ncorrect++;
  }
  for (PetscInt k = 0; k < 5000; k++) {
    char text[sizeof(correct)];

    memcpy(text, correct, sizeof(correct));
    for (PetscInt n = Draw(3); n >= 0; n--) text[Draw((PetscInt)sizeof(correct) - 1)] = (char)(1 + Draw(255));
    if (!TryText(text)) ncorrect++;
  }
  assert_true(ncorrect > 100);
}

/* n times a piece, between two others */
static char *Repeated(const char before[], const char piece[], PetscInt n, const char after[])
{
  const size_t length = strlen(piece);
  char        *text = malloc(strlen(before) + length * (size_t)n + strlen(after) + 1), *at = text;

  at += sprintf(at, "%s", before);
  for (PetscInt i = 0; i < n; ++i, at += length) memcpy(at, piece, length + 1);
  sprintf(at, "%s", after);
  return text;
}

static void TestEnormousTexts(void **state)
{
  static const struct {
    const char *before, *piece, *after;
    PetscInt    n;
    PetscBool   correct;
  } table[] = {
      {"", "(", "u", 100000, PETSC_FALSE},
      {"", "-", "u", 100000, PETSC_FALSE},
      {"", "2^", "u", 100000, PETSC_FALSE},
      {"", "sin(", "u", 100000, PETSC_FALSE},
      {"", "[", "u", 100000, PETSC_FALSE},
      {"", "a", "", 100000, PETSC_FALSE},
      {"", "9", "", 100000, PETSC_FALSE},
      {"u", "+u*x", "", 200000, PETSC_TRUE},
      {"u", "+sin(u)/y", "", 50000, PETSC_TRUE},
      {"u", "*if(x<y,u,0)", "", 2000, PETSC_TRUE},
      {"u", "*if(u<v,if(v<x,u,0),v)", "", 200, PETSC_TRUE},
      {"u", "/u", "", 5000, PETSC_TRUE},
      {"min(u", ",v+u", ")", 5000, PETSC_TRUE},
      {"u", ";u", "", 20000, PETSC_TRUE},
      {"[u", ",v", "]", 5000, PETSC_TRUE},
      {"", "(", "", 200, PETSC_FALSE},
  };

  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(table); i++) {
    char *text = Repeated(table[i].before, table[i].piece, table[i].n, table[i].after);

    if ((TryText(text) == PETSC_SUCCESS) != table[i].correct) fail_msg("%.40s...: %s", text, last_message);
    assert_true(strlen(last_message) < 1024);
    free(text);
  }
}

static int KeepMessages(void **state)
{
  (void)state;
  return PetscPushErrorHandler(KeepMessage, NULL) != PETSC_SUCCESS;
}

static int PrintMessages(void **state)
{
  (void)state;
  return PetscPopErrorHandler() != PETSC_SUCCESS;
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestMistakes),
      cmocka_unit_test(TestNoOutputs),
      cmocka_unit_test(TestRandomTexts),
      cmocka_unit_test(TestEnormousTexts),
  };
  int failures;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failures = cmocka_run_group_tests_name("expression errors", tests, KeepMessages, PrintMessages);
  if (PetscFinalize()) return 1;
  return failures;
}
