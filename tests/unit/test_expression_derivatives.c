/*
  Derivatives of the problem language: in the jet against central differences, total ones against differences along a
  known solution, their numbering and structural zeros, and the places where a formula alone would give NaN. errors leak
*/
#include "expression_case.h"

static const char *const smooth[] = {
    "u_t - nu*u_xx + u*u_x",
    "lap(u) + u^3 - exp(-v)*sin(u_x*v)",
    "0.5*normsq(grad(u)) - sin(pi*x)*u",
    "norm2(grad(u))*norm2([u, v, 1])",
    "u^v + v^2.5 + 2^u + u^-3 + pow(u_x, 2)",
    "tan(u) + asin(u/9) + acos(v/99) + atan(u)",
    "sinh(u) - cosh(v) + tanh(u*v)",
    "asinh(u) + acosh(1 + v) + atanh(u/9)",
    "expm1(u) + log(v) + log1p(u) + log2(u) + log10(v)",
    "sqrt(u) + cbrt(v) + erf(u - v) + erfc(u*v)",
    "atan2(u, v) + hypot(u_x, v_y) + mod(u, 0.7*v)",
    "abs(u_x*v_y - u) + sign(u)*v + floor(u)*v^2 + step(u)*ceil(v)*u",
    "min(u, v, u_x)^2 + max(u, v_x)*u",
    "if(u < v, u^2*v, v^3) + if(x > 0.5, sqrt(u), u*v_t) + if(u > v && u > 0, v, u)^2",
    "div(u^2*grad(v)); d(u*v, t); lap(u*v)",
    "(u/v)/(u_x/v_x) + u/(v/u) - (-u)*(-v) + 2*u*(3*v)/4",
    "prod([u, v, u_x, v_y]) + sum([u, v]^2*[v, x])",
    "u_xx*u_yy - u_xy^2; u_xt*v_xy",
    "u_xxx*v_xyt - u_xxyy^2; lap(u*lap(v)); lap(lap(u*v))",
    "bell(u - v)*bell(u_x) + u*bell(x) + normsq(bell([u, v]))",
};

/* exp(-a^2), whose derivatives follow s_{k+1} = -2 a s_k - 2 k s_{k-1} */
static void Bell(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[])
{
  for (PetscInt i = 0; i < n; i++) {
    s[0][i] = PetscExpReal(-a[i] * a[i]);
    if (order) s[1][i] = -2 * a[i] * s[0][i];
    for (PetscInt k = 1; k < order; k++) s[k + 1][i] = -2 * a[i] * s[k][i] - 2 * k * s[k - 1][i];
  }
}

/* Compares first and second with central differences of the values and of first. Kinks show as differences that
   change with the step: those are not judged but counted. */
static void CheckJetDerivatives(EngdExpression e, const PetscReal x[], const PetscReal jet0[], PetscInt *judged,
                                PetscInt *skipped, const char text[])
{
  const PetscInt  m = e->nentries, nv = e->ncomponents, nf = e->nfirst, n = nv + nf;
  const PetscReal steps[2] = {1e-5, 0.7e-5};
  PetscReal      *at       = malloc(sizeof(*at) * (size_t)(n + e->nsecond + 1)), *slope[2], jet[MAX_ENTRIES];
  PetscReal      *plus = malloc(sizeof(*plus) * (size_t)(4 * n + 1)), *minus = plus + n;

  slope[0] = plus + 2 * n;
  slope[1] = plus + 3 * n;
  EvaluateJet(e, x, jet0, at, at + nv, at + n);
  for (PetscInt f = 0; f < m; f++) {
    for (PetscInt k = 0; k < 2; k++) {
      memcpy(jet, jet0, sizeof(*jet) * (size_t)m);
      jet[f] = jet0[f] + steps[k];
      EvaluateJet(e, x, jet, plus, plus + nv, NULL);
      jet[f] = jet0[f] - steps[k];
      EvaluateJet(e, x, jet, minus, minus + nv, NULL);
      for (PetscInt i = 0; i < n; i++) slope[k][i] = (plus[i] - minus[i]) / (2.0 * steps[k]);
    }
    for (PetscInt i = 0; i < n; i++) {
      const PetscInt component = i < nv ? i : e->first_component[i - nv],
                     entry     = i < nv ? -1 : e->first_entry[i - nv];
      PetscReal found = 0.0, scale = 1.0 + PetscAbsReal(at[i]) + PetscAbsReal(slope[0][i]);

      if (entry >= 0 && entry < f) continue; /* e >= f only */
      for (PetscInt k = 0; k < (entry < 0 ? nf : e->nsecond); k++) {
        if (entry < 0 && e->first_component[k] == component && e->first_entry[k] == f) found += at[nv + k];
        if (entry >= 0 && e->second_component[k] == component && e->second_entry[k] == entry &&
            e->second_other[k] == f)
          found += at[n + k];
      }
      if (!(PetscAbsReal(slope[0][i] - slope[1][i]) < 2e-6 * scale)) {
        ++*skipped;
        continue;
      }
      ++*judged;
      if (!(PetscAbsReal(found - slope[0][i]) <= 1e-5 * scale)) {
        fail_msg("%s: component %d, entry %d by %d: %.12g, difference quotient %.12g", text, (int)component,
                 (int)entry, (int)f, found, slope[0][i]);
      }
    }
  }
  free(at), free(plus);
}

/* A random expression; order: of the highest derivative of the outputs in it */
static void RandomText(char text[], PetscInt depth, PetscInt order)
{
  static const char *const leaves[]  = {"x",   "y",   "1.5",  "nu",   "u",      "v",     "u_x",
                                        "v_y", "u_t", "v_xy", "u_yy", "lap(u)", "u_xxx", "lap(v_t)"};
  static const char *const forms[]   = {"(@+@)",        "(@-@)",         "@*@",          "@/(2+(@)^2)",
                                        "sin(@)",       "exp(-(@)^2)",   "(@)^2",        "(@)^3",
                                        "tanh(@)",      "sqrt(1+(@)^2)", "log(1+(@)^2)", "abs(@)",
                                        "min(@,@)",     "max(@,@)",      "if(@<@,@,@)",  "atan2(@,3+(@)^2)",
                                        "norm2([@,@])", "(-(@))",        "erf(@)"};
  static const PetscInt    nleaves[] = {6, 9, 12, 14};
  const char              *form;

  if (depth == 0) {
    strcat(text, leaves[Draw(nleaves[order])]);
    return;
  }
  for (form = forms[Draw((PetscInt)PETSC_STATIC_ARRAY_LENGTH(forms))]; *form; form++) {
    if (*form == '@')
      RandomText(text, Draw(depth), order);
    else
      strncat(text, form, 1);
  }
}

/* A function from outside is the function that it computes, its derivatives too; it is asked for no more than it has */
static void TestNamed(void **state)
{
  static const char *const texts[][2] = {{"bell(u)", "exp(-u^2)"},
                                         {"lap(bell(u*x))", "lap(exp(-(u*x)^2))"},
                                         {"d(bell([u, v]), t)", "d(exp(-[u, v]^2), t)"},
                                         {"bell(1/2) + bell(nu)", "exp(-1/4) + exp(-nu^2)"}};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(texts); k++) {
    EngdExpression e = Compiled(&plane, texts[k][0], 2), f = Compiled(&plane, texts[k][1], 2);
    PetscReal      found[3][MAX_ENTRIES], expected[3][MAX_ENTRIES], jet[MAX_ENTRIES];

    assert_int_equal(e->nsecond, f->nsecond);
    KnownJet(e, point, jet);
    EvaluateJet(e, point, jet, found[0], found[1], found[2]);
    EvaluateJet(f, point, jet, expected[0], expected[1], expected[2]);
    for (PetscInt i = 0; i < e->ncomponents; i++) assert_true(Close(found[0][i], expected[0][i], 1e-13));
    for (PetscInt i = 0; i < e->nfirst; i++) assert_true(Close(found[1][i], expected[1][i], 1e-12));
    for (PetscInt i = 0; i < e->nsecond; i++) assert_true(Close(found[2][i], expected[2][i], 1e-11));
    OK(EngdExpressionDestroy(&e));
    OK(EngdExpressionDestroy(&f));
  }
}

/* second derivatives that come later are those of an expression that had them at once, and there is room for them only then */
static void TestLater(void **state)
{
  static const char *const texts[] = {"u*v + exp(u)*u_x; lap(u)^2", "lap(u) - x", "div([u^3, v]/(1 + u^2))", "x"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(texts); k++) {
    EngdExpression  e = Compiled(&plane, texts[k], 1), f = Compiled(&plane, texts[k], 2);
    const PetscReal before = EngdExpressionBytes(e);
    PetscReal       found[3][MAX_ENTRIES], expected[3][MAX_ENTRIES], jet[MAX_ENTRIES];

    assert_int_equal(e->nsecond, 0);
    OK(EngdExpressionDifferentiate(e));
    OK(EngdExpressionDifferentiate(e));
    assert_int_equal(e->nsecond, f->nsecond);
    assert_true(f->nsecond ? EngdExpressionBytes(e) > before : EngdExpressionBytes(e) >= before);
    KnownJet(e, point, jet);
    EvaluateJet(e, point, jet, found[0], found[1], found[2]);
    EvaluateJet(f, point, jet, expected[0], expected[1], expected[2]);
    for (PetscInt i = 0; i < e->ncomponents; i++) assert_true(found[0][i] == expected[0][i]);
    for (PetscInt i = 0; i < e->nfirst; i++) assert_true(found[1][i] == expected[1][i]);
    for (PetscInt i = 0; i < e->nsecond; i++) {
      assert_int_equal(e->second_component[i], f->second_component[i]);
      assert_int_equal(e->second_entry[i], f->second_entry[i]);
      assert_int_equal(e->second_other[i], f->second_other[i]);
      assert_true(found[2][i] == expected[2][i]);
    }
    OK(EngdExpressionDestroy(&e));
    OK(EngdExpressionDestroy(&f));
  }
}

static void TestNamedRefused(void **state)
{
  EngdExpression e;

  (void)state;
  OK(PetscPushErrorHandler(KeepMessage, NULL));
  assert_int_equal(EngdFunctionRegister("sin", 2, Bell), PETSC_ERR_ARG_WRONG);
  assert_int_equal(EngdFunctionRegister("bell", ENGD_FUNCTION_ORDER + 1, Bell), PETSC_ERR_ARG_OUTOFRANGE);
  OK(EngdFunctionRegister("once", 1, Bell));
  OK(EngdExpressionCreate(&plane, &e));
  OK(EngdExpressionAppend(e, "-pde_residual", "u_x + once(u)"));
  last_message[0] = '\0';
  assert_int_equal(EngdExpressionCompile(e, 2), PETSC_ERR_USER_INPUT);
  assert_string_equal(last_message,
                      "-pde_residual: function once() has derivatives up to order 1, and one of order 2 is "
                      "needed");
  OK(PetscPopErrorHandler());
  OK(EngdExpressionDestroy(&e));
  e = Compiled(&plane, "once(u)", 1);
  OK(EngdExpressionDestroy(&e));
}

static void TestJetDerivatives(void **state)
{
  PetscInt  judged = 0, skipped = 0;
  PetscReal jet[MAX_ENTRIES];

  (void)state;
  for (PetscInt k = 0; k < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(smooth) + 4000; k++) {
    static char    text[1 << 16];
    EngdExpression e;

    text[0] = '\0';
    if (k < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(smooth))
      strcpy(text, smooth[k]);
    else
      RandomText(text, 5, 3);
    e = Compiled(&plane, text, 2);
    KnownJet(e, point, jet);
    CheckJetDerivatives(e, point, jet, &judged, &skipped, text);
    if (k < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(smooth)) assert_int_equal(skipped, 0);
    OK(EngdExpressionDestroy(&e));
  }
  assert_true(judged > 10000);
  assert_true(skipped < judged / 50);
}

/* d(e, x_i) = (e(x + h e_i) - e(x - h e_i)) / 2 h along the known outputs, and lap(e) likewise */
static void TestTotalDerivatives(void **state)
{
  const PetscReal h       = 1e-5;
  PetscInt        skipped = 0, n = 600;

  (void)state;
  for (PetscInt k = 0; k < n; k++) {
    static char    text[1 << 16], derivatives[5 << 16];
    EngdExpression e, d;
    PetscReal      value[2], found[3], x[3], previous;

    text[0] = '\0';
    RandomText(text, 3, k % 2 ? 3 : 1);
    snprintf(derivatives, sizeof(derivatives), "d(%s, x); d(%s, y); d(%s, t)", text, text, text);
    e = Compiled(&plane, text, 0);
    d = Compiled(&plane, derivatives, 0);
    ValuesAt(d, point, found);
    for (PetscInt i = 0; i < 3; i++) {
      PetscReal slope[2];

      for (PetscInt s = 0; s < 2; s++) {
        memcpy(x, point, sizeof(x));
        x[i] = point[i] + h * (1.0 - 0.3 * (PetscReal)s);
        ValuesAt(e, x, &value[0]);
        previous = x[i] - point[i];
        x[i]     = point[i] - previous;
        ValuesAt(e, x, &value[1]);
        slope[s] = (value[0] - value[1]) / (2.0 * previous);
      }
      if (!Close(slope[0], slope[1], 1e-6))
        skipped++;
      else if (!Close(found[i], slope[0], 1e-5))
        fail_msg("%s by %d: %.12g, %.12g", text, (int)i, found[i], slope[0]);
    }
    OK(EngdExpressionDestroy(&e));
    OK(EngdExpressionDestroy(&d));
  }
  assert_true(skipped < n / 10);
}

/* Second total derivatives: lap(f) of an f without outputs against the formula of its parts */
static void TestLaplacian(void **state)
{
  EngdExpression e =
      Compiled(&plane,
               "lap(u*v); u*lap(v) + v*lap(u) + 2*dot(grad(u), grad(v)); lap(u + 0*x); lap(u); "
               "lap(exp(x*y)); (x^2 + y^2)*exp(x*y); lap(u^2); d(d(u^2, x), x) + d(d(u^2, y), y);"
               "lap(lap(u)); u_xxxx + 2*u_xxyy + u_yyyy; lap(u_xt); u_xxxt + u_xyyt;"
               "lap(x*u_x*v); d(x*u_x*v, x, x) + d(x*u_x*v, y, y);"
               "lap(sin(y*u)*lap(v)); d(sin(y*u)*lap(v), x, x) + d(sin(y*u)*lap(v), y, y);"
               "lap(lap(x*y*u^2)); d(x*y*u^2, x, x, x, x) + 2*d(x*y*u^2, y, y, x, x) + d(x*y*u^2, y, y, y, y);"
               "d(u*v, t, x); d(d(u*v, t), x)",
               0);
  PetscReal value[20];

  (void)state;
  ValuesAt(e, point, value);
  assert_int_equal(e->ncomponents, 20);
  for (PetscInt i = 0; i < 20; i += 2) assert_true(Close(value[i], value[i + 1], 1e-13));
  OK(EngdExpressionDestroy(&e));
}

static void TestAppendGradient(void **state)
{
  EngdExpression e, g;
  PetscReal      value[6], expected[6];

  (void)state;
  OK(EngdExpressionCreate(&plane, &e));
  OK(EngdExpressionAppend(e, "-exact_u", "sin(x*y)*u"));
  OK(EngdExpressionAppend(e, "-exact_v", "x^3 - t"));
  OK(EngdExpressionAppendGradient(e));
  OK(EngdExpressionCompile(e, 0));
  g = Compiled(&plane, "sin(x*y)*u; x^3 - t; grad(sin(x*y)*u); grad(x^3 - t)", 0);
  assert_int_equal(e->ncomponents, 6);
  assert_int_equal(g->ncomponents, 6);
  ValuesAt(e, point, value);
  ValuesAt(g, point, expected);
  for (PetscInt i = 0; i < 6; i++) assert_true(value[i] == expected[i]);
  OK(EngdExpressionDestroy(&e));
  OK(EngdExpressionDestroy(&g));
}

/* Entries by output, order, Laplacians, coordinates; derivatives by component, e, f */
static void TestNumbering(void **state)
{
  static const EngdJetEntry expected[] = {
      {0, 0, 0, {-1, -1, -1, -1}}, {0, 0, 1, {0, -1, -1, -1}},  {0, 1, 2, {-1, -1, -1, -1}},
      {0, 0, 2, {0, 0, -1, -1}},   {0, 0, 2, {0, 2, -1, -1}},   {0, 0, 2, {1, 1, -1, -1}},
      {1, 0, 0, {-1, -1, -1, -1}}, {1, 0, 1, {0, -1, -1, -1}},  {1, 1, 3, {2, -1, -1, -1}},
      {1, 0, 3, {0, 0, 1, -1}},    {1, 2, 4, {-1, -1, -1, -1}}, {1, 1, 4, {0, 1, -1, -1}},
      {1, 0, 4, {0, 1, 1, 2}},
  };
  static const PetscInt first[][2]  = {{0, 2}, {0, 5}, {0, 7}, {1, 1},  {1, 3},  {1, 6}, {2, 0},
                                       {2, 4}, {3, 8}, {3, 9}, {3, 10}, {3, 11}, {3, 12}};
  static const PetscInt second[][3] = {{0, 7, 2}, {1, 6, 6}, {2, 0, 0}};
  EngdExpression        e           = Compiled(&plane,
                                               "u_yy + v_x*lap(u); u_x + u_xx + v^2; t*u^2 + u_tx + 0*u_xy; "
                                                                "v_ytyx + d(lap(v), t) + lap(lap(v)) + lap(v_xy) + v_yxx",
                                               2);

  (void)state;
  assert_int_equal(e->nentries, PETSC_STATIC_ARRAY_LENGTH(expected));
  for (PetscInt i = 0; i < e->nentries; i++) {
    assert_int_equal(e->entry[i].output, expected[i].output);
    assert_int_equal(e->entry[i].laplacian, expected[i].laplacian);
    assert_int_equal(e->entry[i].order, expected[i].order);
    for (PetscInt k = 0; k < ENGD_JET_ORDER; k++) {
      assert_int_equal(e->entry[i].coordinate[k], expected[i].coordinate[k]);
    }
  }
  assert_int_equal(e->nfirst, PETSC_STATIC_ARRAY_LENGTH(first));
  for (PetscInt k = 0; k < e->nfirst; k++) {
    assert_int_equal(e->first_component[k], first[k][0]);
    assert_int_equal(e->first_entry[k], first[k][1]);
  }
  assert_int_equal(e->nsecond, PETSC_STATIC_ARRAY_LENGTH(second));
  for (PetscInt k = 0; k < e->nsecond; k++) {
    assert_int_equal(e->second_component[k], second[k][0]);
    assert_int_equal(e->second_entry[k], second[k][1]);
    assert_int_equal(e->second_other[k], second[k][2]);
  }
  OK(EngdExpressionDestroy(&e));
}

/* {entries, first, second} of an expression */
static void CheckCounts(const EngdSymbols *s, const char text[], PetscInt entries, PetscInt first, PetscInt second)
{
  EngdExpression e = Compiled(s, text, 2);

  if (e->nentries != entries || e->nfirst != first || e->nsecond != second) {
    fail_msg("%s: %d entries, %d first, %d second derivatives", text, (int)e->nentries, (int)e->nfirst,
             (int)e->nsecond);
  }
  OK(EngdExpressionDestroy(&e));
}

static void TestStructuralZeros(void **state)
{
  (void)state;
  CheckCounts(&plane, "lap(u) + 2*pi^2*sin(pi*x)*sin(pi*y)", 1, 1, 0);
  CheckCounts(&plane, "u_t - nu*u_xx + exp(x)*v/y - if(x < y, u, 3*v_x)", 5, 5, 0);
  CheckCounts(&plane, "u_t - nu*u_xx + u*u_x", 4, 4, 1);
  CheckCounts(&plane, "0.5*normsq(grad(u)) - x*u", 3, 3, 2);
  CheckCounts(&plane, "sin(x)", 0, 0, 0);
  CheckCounts(&plane, "u*v - v*u + 0*u + (u - u)", 0, 0, 0);
  CheckCounts(&plane, "sign(u) + floor(v) + (u < v)", 2, 0, 0);
  CheckCounts(&plane, "abs(u) + max(u, v)", 2, 2, 0);
  CheckCounts(&plane, "u^x*v^1", 2, 2, 2);
}

/* Derivatives where a formula alone would give 0/0 or 0 inf */
static void TestNoNaN(void **state)
{
  static const char *const texts[]           = {"norm2([u, v])",
                                                "hypot(u, v)",
                                                "if(u > 1, sqrt(u), u)",
                                                "if(u < 1, u, u*v*sqrt(u)*log(u))",
                                                "u^2",
                                                "u^1*v",
                                                "abs(u)",
                                                "norm2([u, v])^2 + u*norm2([u, v])",
                                                "if(u > 0, 1, 0)*sqrt(u)/u",
                                                "max(u, -1) + min(v, sqrt(v) + 1)*0",
                                                "u^v",
                                                "cos(norm2(grad(u)))",
                                                "if(u > 0, sqrt(u), 0) + v*if(u > 0, log(u), 2)"};
  const PetscReal          zero[MAX_ENTRIES] = {0.0};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(texts); k++) {
    EngdExpression e = Compiled(&plane, texts[k], strcmp(texts[k], "u^v") == 0 ? 1 : 2);
    PetscReal      out[64], jet[MAX_ENTRIES];

    memcpy(jet, zero, sizeof(jet));
    if (strcmp(texts[k], "u^v") == 0) jet[1] = 2.0; /* 0^2 */
    EvaluateJet(e, point, jet, out, out + 1, out + 1 + e->nfirst);
    for (PetscInt i = 0; i < 1 + e->nfirst + e->nsecond; i++) {
      if (!isfinite(out[i])) fail_msg("%s at 0: number %d is %g", texts[k], (int)i, out[i]);
    }
    OK(EngdExpressionDestroy(&e));
  }
}

/* 100 dimensions: the size of everything grows linearly, and compiling takes milliseconds */
static void TestHundredDimensions(void **state)
{
  enum { DIM = 100 };
  char           name[DIM][16];
  const char    *list[DIM];
  EngdSymbols    s = {.nspace = DIM, .dim = DIM, .coordinate = list, .noutputs = 1, .output = outputs};
  PetscLogDouble start, end;

  (void)state;
  for (PetscInt i = 0; i < DIM; i++) {
    snprintf(name[i], sizeof(name[i]), "x%d", (int)i + 1);
    list[i] = name[i];
  }
  OK(PetscTime(&start));
  CheckCounts(&s, "lap(u) - normsq(grad(u)) + sum(cos(pi*x))", DIM + 1, DIM + 1, DIM);
  CheckCounts(&s, "norm2(grad(u))", DIM, DIM, DIM * (DIM + 1) / 2);
  CheckCounts(&s, "lap(prod(sin(pi*x))) + lap(u^2)", DIM + 2, DIM + 2, DIM + 1);
  CheckCounts(&s, "lap(lap(u)) + lap(u_x7x7)", 2, 2, 0);
  OK(PetscTime(&end));
  assert_true(end - start < 5.0); /* some hundredths of it on an idle machine */
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestJetDerivatives), cmocka_unit_test(TestTotalDerivatives),
      cmocka_unit_test(TestLaplacian),      cmocka_unit_test(TestAppendGradient),
      cmocka_unit_test(TestNumbering),      cmocka_unit_test(TestStructuralZeros),
      cmocka_unit_test(TestNoNaN),          cmocka_unit_test(TestHundredDimensions),
      cmocka_unit_test(TestNamed),          cmocka_unit_test(TestLater),
      cmocka_unit_test(TestNamedRefused),
  };
  int failures;

  if (PetscInitialize(&argc, &argv, NULL, NULL) || EngdFunctionRegister("bell", 6, Bell)) return 1;
  failures = cmocka_run_group_tests_name("expression derivatives", tests, NULL, NULL);
  if (PetscFinalize()) return 1;
  return failures;
}
