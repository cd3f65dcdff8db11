/*
  The problem language: values by hand, random texts, batches and strides.
  (Names: test_expression_names.c; derivatives: test_expression_derivatives.c; mistakes: test_expression_errors.c) errors leak
*/
#include "expression_case.h"
#include <complex.h>

static PetscReal Lap(PetscInt output)
{
  return U(output, 0, 0) + U(output, 1, 1);
}

static void TestNumbersAndOperators(void **state)
{
  const Case table[] = {
      {"1", 1.0},
      {".5", 0.5},
      {"1.", 1.0},
      {"1e-3", 1e-3},
      {"2.5E+2", 250.0},
      {"pi", PETSC_PI},
      {"nu*k", 1.0},
      {"1 + 2*3", 7.0},
      {"(1 + 2)*3", 9.0},
      {"7 - 4 - 2", 1.0},
      {"16/4/2", 2.0},
      {"-2^2", -4.0},
      {"2^-1", 0.5},
      {"2^3^2", 512.0},
      {"(-8)^3", -512.0},
      {"-x^2", -0.09},
      {"2*-3", -6.0},
      {"- - 3", 3.0},
      {"+x", 0.3},
      {"x^3*x^-2", 0.3},
      {"x^7", 0.3 * 0.3 * 0.3 * 0.3 * 0.3 * 0.3 * 0.3},
      {"x^0.5 - sqrt(x)", 0.0},
      {"x^1.7", pow(0.3, 1.7)},
      {"(-x)^1.7", NAN},
      {"x^y", pow(0.3, 0.7)},
      {"0*x", 0.0},
      {"x - x", 0.0},
      {"2*x + 3*x - 4*x - x", 0.0},
      {"x/x", 1.0},
      {"0/0", NAN},
      {"1/0", INFINITY},
      {"-1/0", -INFINITY},
      {"1e308*10", INFINITY},
      {"1e200*(1e200*x)", INFINITY},
      {"1e-200*(1e-200*x)*1e300*1e100", 0.3},
      {"x < y", 1.0},
      {"x <= 0.3", 1.0},
      {"x > y", 0.0},
      {"x >= y", 0.0},
      {"x == y", 0.0},
      {"x != y", 1.0},
      {"x < y && y < 1", 1.0},
      {"x > y || y > 1", 0.0},
      {"1 || 0 && 0", 1.0},
      {"!x", 0.0},
      {"!(x > y)", 1.0},
      {"x + 1 > y == 1", 1.0},
      {"3*(x < y) + 1", 4.0},
  };

  (void)state;
  CheckCases(&plane, point, PETSC_STATIC_ARRAY_LENGTH(table), table);
}

static void TestFunctions(void **state)
{
  const Case table[] = {
      {"sin(x)", sin(X)},
      {"cos(x)", cos(X)},
      {"tan(x)", tan(X)},
      {"asin(x)", asin(X)},
      {"acos(x)", acos(X)},
      {"atan(x)", atan(X)},
      {"sinh(x)", sinh(X)},
      {"cosh(x)", cosh(X)},
      {"tanh(x)", tanh(X)},
      {"asinh(x)", asinh(X)},
      {"acosh(1 + x)", acosh(1 + X)},
      {"atanh(x)", atanh(X)},
      {"exp(x)", exp(X)},
      {"expm1(x)", expm1(X)},
      {"log(x)", log(X)},
      {"log1p(x)", log1p(X)},
      {"log2(8)", 3.0},
      {"log10(x)", log10(X)},
      {"sqrt(x)", sqrt(X)},
      {"cbrt(-x)", cbrt(-X)},
      {"abs(x - y)", Y - X},
      {"sign(x - y)", -1.0},
      {"sign(0*x)", 0.0},
      {"erf(x)", erf(X)},
      {"erfc(x)", erfc(X)},
      {"floor(-x)", -1.0},
      {"ceil(x)", 1.0},
      {"step(x)", 1.0},
      {"step(-x)", 0.0},
      {"step(0)", 1.0},
      {"heaviside(y)", 1.0},
      {"atan2(-x, -y)", atan2(-X, -Y)},
      {"pow(x, 3)", X * X * X},
      {"min(x, y)", X},
      {"max(x, y)", Y},
      {"min(y, x, t)", T},
      {"max([x, y, t])", Y},
      {"min(x)", X},
      {"sum(max([x, y], t, 0.5))", 0.5 + Y},
      {"hypot(x, y)", hypot(X, Y)},
      {"mod(7.5, 2)", 1.5},
      {"mod(-x, 1)", 0.7},
      {"mod(x, -1)", -0.7},
      {"if(x < y, 1, 2)", 1.0},
      {"if(x > y, 1, 2)", 2.0},
      {"if(0, 1, x)", X},
      {"if(x > 0, 1, 0)*y", Y},
      {"if(x > 1, sqrt(-1), 5)", 5.0},
      {"max(log(-x), y)", NAN}, /* no function makes a number of what is none */
      {"max(y, log(-x))", NAN},
      {"min(log(-x), y)", NAN},
      {"min(y, log(-x))", NAN},
      {"sign(log(-x))", NAN},
      {"step(log(-x))", NAN},
      {"tanh(log(-x))", NAN},
  };

  (void)state;
  CheckCases(&plane, point, PETSC_STATIC_ARRAY_LENGTH(table), table);
}

/* sums with weights that tell the entries apart */
static void TestTensors(void **state)
{
  const PetscReal ux = U(0, 0, -1), uy = U(0, 1, -1), vx = U(1, 0, -1), vy = U(1, 1, -1);
  const Case      table[] = {
           {"ddot([[1, 2], [3, 4]], [[x, y], [t, 5]])", X + 2 * Y + 3 * T + 20},
           {"ddot([[1, 2, 3], [4, 5, 6]], 2*[[x, y, t], [1, 1, 1]])", 2 * (X + 2 * Y + 3 * T + 15)},
           {"ddot([[1, 2], [3, 4]], grad([u, v]))", ux + 2 * uy + 3 * vx + 4 * vy},
           {"ddot([[1, 2], [3, 4]], transpose(grad([u, v])))", ux + 2 * vx + 3 * uy + 4 * vy},
           {"ddot([[1, 2], [3, 4]], sym(grad([u, v])))", ux + 2.5 * (uy + vx) + 4 * vy},
           {"trace(grad([u, v]))", ux + vy},
           {"trace(hess(u))", Lap(0)},
           {"ddot([[1, 2], [4, 8]], hess(u))", U(0, 0, 0) + 6 * U(0, 0, 1) + 8 * U(0, 1, 1)},
           {"ddot([[1, 2], [3, 4]], 5*identity())", 25},
           {"sum(identity(3))", 3},
           {"dot([3, 7], dot([[1, 2], [3, 4]], [x, y]))", 3 * (X + 2 * Y) + 7 * (3 * X + 4 * Y)},
           {"dot([3, 7], dot([x, y], [[1, 2], [3, 4]]))", 3 * (X + 3 * Y) + 7 * (2 * X + 4 * Y)},
           {"ddot([[1, 10], [100, 1000]], dot([[x, y], [t, 1]], [[1, 2], [3, 4]]))",
            X + 3 * Y + 10 * (2 * X + 4 * Y) + 100 * (T + 3) + 1000 * (2 * T + 4)},
           {"sum(dot([[1, 2, 3], [4, 5, 6]], [x, y, t]))", 5 * X + 7 * Y + 9 * T},
           {"ddot([[1, 2], [3, 4]], outer([x, y], [u, v]))", (X + 3 * Y) * U(0, -1, -1) + (2 * X + 4 * Y) * U(1, -1, -1)},
           {"dot([3, 7], div([[u, v], [v, u]]))", 3 * (ux + vy) + 7 * (vx + uy)},
           {"dot([3, 7], div(grad([u, v]))) - 3*lap(u) - 7*lap(v)", 0},
           {"dot([3, 7], div(transpose(grad([u, v])))) - dot([3, 7], grad(div([u, v])))", 0},
           {"norm2([[3, 0], [0, 4]])", 5},
           {"dot([3, 7], dot(grad([u, v]), normal))", 3 * (0.6 * ux - 0.8 * uy) + 7 * (0.6 * vx - 0.8 * vy)},
           {"ddot([[1, 2], [3, 4]], d([[x^2, x*y], [y, 1]], x))", 2 * X + 2 * Y},
           {"ddot([[1, 2], [3, 4]], re([[i, 1], [x, 3*i]]*[[i, 1], [1, i]]))", -1 + 2 + 3 * X - 12},
  };

  (void)state;
  CheckCases(&plane, point, PETSC_STATIC_ARRAY_LENGTH(table), table);
}

/* a table of values at nodes that are not evenly spaced: of a cubic polynomial all is exact, in each argument, to rounding */
static void TestTables(void **state)
{
  const PetscReal node[3][6] = {{0, 0.1, 0.25, 0.5, 0.6, 1}, {-1, 0, 0.4, 0.8, 2, 3}, {-0.5, 0.1, 0.3, 1, 2, 3}};
  char *const     argument[] = {(char *)"x", (char *)"y", (char *)"t"};
  EngdTabulated   tables[3];
  EngdSymbols     s = plane;
  char            fault[256];
  const Case      table[] = {
           {"one(x)", X * X * X - 2 * X},
           {"d(one(x), x)", 3 * X * X - 2},
           {"d(one(x^2), x, x)", 30 * X * X * X * X - 4},
           {"d(one(x), x, x, x)", 6},
           {"two(x, y)", (X * X * X - 2 * X) * (Y * Y + Y * Y * Y)},
           {"lap(two(x, y))", 6 * X * (Y * Y + Y * Y * Y) + (X * X * X - 2 * X) * (2 + 6 * Y)},
           {"d(two(x, y), x, y)", (3 * X * X - 2) * (2 * Y + 3 * Y * Y)},
           {"three(x, y, t)", (X * X * X - 2 * X) * (Y * Y + Y * Y * Y) * (T + 1)},
           {"d(three(x, y, t), t, y)", (X * X * X - 2 * X) * (2 * Y + 3 * Y * Y)},
           {"one(0) + one(1)", -1},
  };

  (void)state;
  for (PetscInt dim = 1; dim <= 3; dim++) {
    const char *const names[] = {"one", "two", "three"};
    PetscReal         rows[216 * 4];
    PetscInt          n = 0;

    for (PetscInt k = 0; k < (dim == 1 ? 6 : dim == 2 ? 36 : 216); k++, n++) {
      PetscReal x = node[0][k % 6], y = node[1][k / 6 % 6], t = node[2][k / 36], *row = rows + n * (dim + 1);

      row[0] = x;
      if (dim > 1) row[1] = y;
      if (dim > 2) row[2] = t;
      row[dim] = (x * x * x - 2 * x) * (dim > 1 ? y * y + y * y * y : 1) * (dim > 2 ? t + 1 : 1);
    }
    OK(EngdTabulatedCreate(names[dim - 1], dim, argument, n, rows, sizeof(fault), fault, &tables[dim - 1]));
    assert_string_equal(fault, "");
  }
  s.ntables = 3;
  s.table   = tables;
  CheckCases(&s, point, PETSC_STATIC_ARRAY_LENGTH(table), table);
  OK(EngdTabulatedOutside(tables[0], sizeof(fault), fault));
  assert_string_equal(fault, "");
  for (PetscInt k = 0; k < 3; k++) OK(EngdTabulatedDestroy(&tables[k]));
}

static void TestVectorsAndDerivatives(void **state)
{
  const Case table[] = {
      {"sum([1, x, y])", 1 + X + Y},
      {"prod([2, x, y])", 2 * X * Y},
      {"dot([1, 2], [x, y])", X + 2 * Y},
      {"normsq([x, y])", X * X + Y * Y},
      {"norm2([x, y])", hypot(X, Y)},
      {"norm2(-x)", X},
      {"sum(sin([x, y]))", sin(X) + sin(Y)},
      {"sum(2*[x, y] + 1)", 2 * (X + Y) + 2},
      {"sum([x, y]^2/[1, 2])", X * X + Y * Y / 2},
      {"sum(-[x, y] < [y, x])", 2.0},
      {"sum(if([x, y] > 0.5, [1, 2], 10))", 12.0},
      {"sum(j, 1, 3, j*x)", 6 * X},
      {"sum(j, -1, 1, sum(k, j, 2, j*k)) + [x, y][2]", -2 + 0 + 3 + Y},
      {"sum(x, 1, 2, x^2) + sum(j, 2, 2, sum([x, y][j]*[1, y]))", 5 + Y + Y * Y},
      {"sum([[1, 2], [x, y]][2]) + 2*[x, y][1 + 1]^2", X + Y + 2 * Y * Y},
      {"sum(j, 1, 2, grad(u)[j]^2) - normsq(grad(u))", 0.0},
      {"dot(normal, [1, 2])", 0.6 - 1.6},
      {"u", U(0, -1, -1)},
      {"v_x", U(1, 0, -1)},
      {"u_t", U(0, 2, -1)},
      {"u_tt", U(0, 2, 2)},
      {"u_xy - u_yx", 0.0},
      {"v_yx", U(1, 0, 1)},
      {"lap(u)", Lap(0)},
      {"lap(2*u) - 2*lap(u)", 0.0},
      {"sum(lap([u, v]))", Lap(0) + Lap(1)},
      {"normsq(grad(u))", U(0, 0, -1) * U(0, 0, -1) + U(0, 1, -1) * U(0, 1, -1)},
      {"dot(normal, grad(v))", 0.6 * U(1, 0, -1) - 0.8 * U(1, 1, -1)},
      {"div(grad(u))", Lap(0)},
      {"div([u, v])", U(0, 0, -1) + U(1, 1, -1)},
      {"d(u*v, t)", U(0, 2, -1) * U(1, -1, -1) + U(0, -1, -1) * U(1, 2, -1)},
      {"sum(d([u, v], x))", U(0, 0, -1) + U(1, 0, -1)},
      {"d(d(u, x), y)", U(0, 0, 1)},
      {"d(x^2*y, x)", 2 * X * Y},
      {"lap(x^2*y + y^3)", 2 * Y + 6 * Y},
      {"sum(grad(sin(pi*x)*y))", PETSC_PI * cos(PETSC_PI * X) * Y + sin(PETSC_PI * X)},
      {"lap(u) + 2*pi^2*sin(pi*x)*sin(pi*y)",
       Lap(0) + 2 * PETSC_PI * PETSC_PI * sin(PETSC_PI * X) * sin(PETSC_PI * Y)},
      {"u_t - nu*u_xx + u*u_x", U(0, 2, -1) - 0.25 * U(0, 0, 0) + U(0, -1, -1) * U(0, 0, -1)},
  };

  (void)state;
  CheckCases(&plane, point, PETSC_STATIC_ARRAY_LENGTH(table), table);
}

/* In the plane of vectors and of stream functions, and in space */
static void TestCurl(void **state)
{
  const char *const xyz[]  = {"x", "y", "z"};
  const EngdSymbols space  = {.nspace = 3, .dim = 3, .coordinate = xyz};
  const Case        flat[] = {{"curl([-y, x])", 2.0},
                              {"curl([x*y, sin(x)])", cos(X) - X},
                              {"dot(curl(x*y), [1, 10])", X - 10 * Y},
                              {"curl([u, v])", U(1, 0, -1) - U(0, 1, -1)},
                              {"div(curl(u))", 0.0}};
  const Case full[] = {{"dot(curl([y*z, x^2, x*y*z]), [1, 10, 100])", X * T + 10 * (Y - Y * T) + 100 * (2 * X - T)},
                       {"div(curl([y*z, x^2*z, x*y*z]))", 0.0}};
  EngdExpression e;

  (void)state;
  CheckCases(&plane, point, PETSC_STATIC_ARRAY_LENGTH(flat), flat);
  CheckCases(&space, point, PETSC_STATIC_ARRAY_LENGTH(full), full);
  OK(PetscPushErrorHandler(KeepMessage, NULL));
  OK(EngdExpressionCreate(&space, &e));
  assert_int_equal(EngdExpressionAppend(e, "-t", "curl(x)"), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(last_message, "curl() is of a vector"));
  OK(EngdExpressionDestroy(&e));
  OK(PetscPopErrorHandler());
}

#define BOTH(text) "re(" text ") + 10*im(" text ")"
static PetscReal Both(double complex z)
{
  return creal(z) + 10 * cimag(z);
}

/* the derivative of u + i v by a coordinate, -1: none */
static double complex P(PetscInt coordinate)
{
  return U(0, coordinate, -1) + I * U(1, coordinate, -1);
}

/* Complex numbers against those of C; psi = u + i v, whose derivatives act on both parts; what needs real numbers */
static void TestComplex(void **state)
{
  static const char *const name[]   = {"psi"};
  static const PetscInt    output[] = {0};
  const double complex     z = X + I * Y, w = 2 - 3 * I, p = P(-1);
  const Case               table[] = {
                    {BOTH("i"), 10},
                    {BOTH("(x + i*y)*(2 - 3*i)"), Both(z * w)},
                    {BOTH("(x + i*y)/(2 - 3*i) - 1/(x + i*y)"), Both(z / w - 1 / z)},
                    {BOTH("-(x + i*y)^3 + (x + i*y)^-2 + i^2"), Both(-z * z * z + 1 / (z * z) - 1)},
                    {BOTH("(x + i*y)^(2 - 3*i)"), Both(cpow(z, w))},
                    {BOTH("exp(x + i*y) + log(x + i*y) + sqrt(x + i*y)"), Both(cexp(z) + clog(z) + csqrt(z))},
                    {BOTH("sin(x + i*y) + 2*cos(x + i*y)"), Both(csin(z) + 2 * ccos(z))},
                    {BOTH("sinh(x + i*y) + 2*cosh(x + i*y) + 3*tanh(x + i*y)"), Both(csinh(z) + 2 * ccosh(z) + 3 * ctanh(z))},
                    {"abs(x + i*y) + arg(x - i*y)", cabs(z) - carg(z)},
                    {BOTH("conj(x + i*y)*i"), Both(conj(z) * I)},
                    {BOTH("if(x > 0, i, 2)"), 10},
                    {BOTH("sum([i, x]*[y, i])"), Both(Y * I + X * I)},
                    {BOTH("prod([i, x, i])"), Both(-X)},
                    {BOTH("dot([i, x], [i, 2])"), Both(-1 + 2 * X)},
                    {"normsq([x + i*y, 2*i]) + norm2([3*i, 4])", X * X + Y * Y + 4 + 5},
                    {"re(x) + im(x) + conj(y) + arg(-2)", X + Y + PETSC_PI},
                    {BOTH("psi"), Both(p)},
                    {BOTH("i*psi_t + abs(psi)^2*psi"), Both(I * P(2) + cabs(p) * cabs(p) * p)},
                    {BOTH("psi_x^2"), Both(P(0) * P(0))},
                    {BOTH("lap(psi) - d(psi, x, x) - div(grad(psi)) + d(psi, x, x)"), 0},
                    {BOTH("d(exp(i*x*y), x)"), Both(I * Y * cexp(I * X * Y))},
  };
  static const struct {
    const char *text, *message;
  } wrong[]              = {{"i", "a complex number, where a real one is needed"},
                            {"u + i*v", "a complex number, where a real one is needed"},
                            {"atan(i*x)", "atan() needs real numbers, and this one is complex"},
                            {"i < x", "this operator needs real numbers"},
                            {"max(i, x)", "max() needs real numbers"},
                            {"if(i, x, y)", "if() needs real numbers"}};
  EngdSymbols    symbols = plane;
  EngdExpression e;

  (void)state;
  symbols.ncomplex       = 1;
  symbols.complex_name   = name;
  symbols.complex_output = output;
  CheckCases(&symbols, point, PETSC_STATIC_ARRAY_LENGTH(table), table);
  OK(EngdExpressionCreate(&symbols, &e));
  OK(EngdExpressionAppend(e, "-t", "psi; u; [psi, 2]"));
  assert_int_equal(e->ncomponents, 7);
  OK(EngdExpressionDestroy(&e));
  OK(PetscPushErrorHandler(KeepMessage, NULL));
  OK(EngdExpressionCreate(&plane, &e));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(wrong); i++) {
    assert_int_equal(EngdExpressionAppend(e, "-t", wrong[i].text), PETSC_ERR_USER_INPUT);
    if (!strstr(last_message, wrong[i].message)) fail_msg("%s: %s", wrong[i].text, last_message);
  }
  OK(EngdExpressionDestroy(&e));
  OK(PetscPopErrorHandler());
}

static void TestBatches(void **state)
{
  static const PetscInt sizes[] = {0, 1, 127, 128, 129, 1000};
  EngdExpression        e       = Compiled(&plane, "u*v_x + x*sin(y) + 3; t*u^2; 2", 2);
  const PetscInt        nv = e->ncomponents, nf = e->nfirst, ns = e->nsecond, m = e->nentries;

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(sizes); k++) {
    for (PetscInt stride = 1; stride < 4; stride++) {
      const PetscInt n = sizes[k], width = n * stride;
      PetscReal     *x = malloc(sizeof(*x) * (size_t)((3 + m) * width + 1)), *jet = x + 3 * width;
      PetscReal     *out = malloc(sizeof(*out) * (size_t)((nv + nf + ns) * n + 1)), *one = malloc(sizeof(*one) * 64);
      EngdBatch      xs[3], js[8];

      for (PetscInt i = 0; i < (3 + m) * width; i++) x[i] = sin(0.37 * (PetscReal)i);
      for (PetscInt i = 0; i < 3; i++) xs[i] = (EngdBatch){x + i * width, stride};
      for (PetscInt i = 0; i < m; i++) js[i] = (EngdBatch){jet + i * width, stride};
      out[(nv + nf + ns) * n] = 17.0; /* must stay */
      OK(EngdExpressionEvaluate(e, n, xs, NULL, js, out, out + nv * n, out + (nv + nf) * n));
      assert_true(out[(nv + nf + ns) * n] == 17.0);
      for (PetscInt i = 0; i < n; i++) {
        PetscReal here[3], entry[8];

        for (PetscInt j = 0; j < 3; j++) here[j] = xs[j].base[i * stride];
        for (PetscInt j = 0; j < m; j++) entry[j] = js[j].base[i * stride];
        EvaluateJet(e, here, entry, one, one + nv, one + nv + nf);
        for (PetscInt j = 0; j < nv + nf + ns; j++) assert_true(out[j * n + i] == one[j]);
      }
      free(x), free(out), free(one);
    }
  }
  OK(EngdExpressionDestroy(&e));
}

/* Equal text, folded and run: the same numbers */
static void TestFoldingEqualsRunning(void **state)
{
  const char *const functions[] = {"sin(%s)", "exp(%s)", "%s^3",     "%s^-2",         "%s^0.5",       "%s^1.3",
                                   "erf(%s)", "1/%s",    "cbrt(%s)", "mod(%s, 0.11)", "hypot(%s, 2)", "%s^2"};

  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(functions); i++) {
    char           text[2][64];
    PetscReal      value[2];
    EngdExpression e;

    snprintf(text[0], sizeof(text[0]), functions[i], "0.3");
    snprintf(text[1], sizeof(text[1]), functions[i], "x");
    for (PetscInt k = 0; k < 2; k++) {
      e = Compiled(&plane, text[k], 0);
      ValuesAt(e, point, &value[k]);
      OK(EngdExpressionDestroy(&e));
    }
    assert_true(value[0] == value[1]);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestNumbersAndOperators),
      cmocka_unit_test(TestFunctions),
      cmocka_unit_test(TestVectorsAndDerivatives),
      cmocka_unit_test(TestTensors),
      cmocka_unit_test(TestTables),
      cmocka_unit_test(TestCurl),
      cmocka_unit_test(TestComplex),
      cmocka_unit_test(TestBatches),
      cmocka_unit_test(TestFoldingEqualsRunning),
  };
  int failures;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failures = cmocka_run_group_tests_name("expression", tests, NULL, NULL);
  if (PetscFinalize()) return 1;
  return failures;
}
