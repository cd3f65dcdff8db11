/*
  Activation functions: each derivative against differences of the one below it, known values, large arguments, and
  how the batch is cut. What is compared with is differences of order 8, exact to about 1e-12 for smooth functions.
*/
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define CHECK(call)            assert_int_equal((call), PETSC_SUCCESS)
#define CLOSE(a, b, tolerance) Close(#a, a, b, tolerance) /* cmocka compares numbers as floats */
#define NORDERS                (ENGD_ACTIVATION_ORDER + 1)

static const char *const names[] = {"tanh", "sin", "sigmoid", "softplus", "silu", "gelu"};
#define NNAMES PETSC_STATIC_ARRAY_LENGTH(names)

static void Close(const char what[], PetscReal a, PetscReal b, PetscReal tolerance)
{
  if (!(PetscAbsReal(a - b) <= tolerance)) fail_msg("%s = %.17g is not %.17g", what, (double)a, (double)b);
}

static EngdActivationFn Find(const char name[])
{
  EngdActivationFn f = NULL;

  CHECK(EngdActivationFind(name, &f));
  assert_non_null(f);
  return f;
}

/* sigma^(k)(a) at one point */
static PetscReal At(EngdActivationFn f, PetscReal a, PetscInt k)
{
  PetscReal  value[NORDERS];
  PetscReal *s[NORDERS];

  for (PetscInt j = 0; j < NORDERS; j++) s[j] = &value[j];
  f(1, &a, k, s);
  return value[k];
}

static void test_derivatives(void **state)
{
  const PetscReal weight[] = {4. / 5, -1. / 5, 4. / 105, -1. / 280}, h = 0.01;

  (void)state;
  for (size_t k = 0; k < NNAMES; k++) {
    const EngdActivationFn f = Find(names[k]);

    for (PetscReal a = -9.03; a < 9; a += 0.171) {
      for (PetscInt order = 1; order < NORDERS; order++) {
        PetscReal difference = 0;

        for (PetscInt j = 1; j <= 4; j++) {
          difference += weight[j - 1] * (At(f, a + j * h, order - 1) - At(f, a - j * h, order - 1)) / h;
        }
        CLOSE(At(f, a, order), difference, 1e-9);
      }
    }
  }
}

/* sigma, sigma' in closed form from the C library, and parity */
static void test_values(void **state)
{
  (void)state;
  for (PetscReal a = -6; a <= 6; a += 0.25) {
    const PetscReal sigmoid = 1 / (1 + exp(-a)), normal = 0.5 * erfc(-a / sqrt(2.0));

    CLOSE(At(Find("tanh"), a, 0), tanh(a), 4e-16);
    CLOSE(At(Find("sin"), a, 0), sin(a), 4e-16);
    CLOSE(At(Find("sin"), a, 1), cos(a), 4e-16);
    CLOSE(At(Find("sigmoid"), a, 0), sigmoid, 4e-16);
    CLOSE(At(Find("softplus"), a, 0), log1p(exp(a)), 4e-15);
    CLOSE(At(Find("softplus"), a, 1), sigmoid, 4e-16);
    CLOSE(At(Find("silu"), a, 0), a * sigmoid, 4e-15);
    CLOSE(At(Find("gelu"), a, 0), a * normal, 4e-15);
    for (PetscInt k = 0; k < NORDERS; k++) {
      const PetscReal sign = k % 2 ? 1 : -1;

      CLOSE(At(Find("tanh"), -a, k), sign * At(Find("tanh"), a, k), 1e-14);
      CLOSE(At(Find("sin"), -a, k), sign * At(Find("sin"), a, k), 1e-14);
      CLOSE(At(Find("sigmoid"), -a, k), (k == 0) + sign * At(Find("sigmoid"), a, k), 1e-14);
      CLOSE(At(Find("softplus"), -a, k), -sign * At(Find("softplus"), a, k) - (k == 0 ? a : 0) + (k == 1), 1e-14);
      CLOSE(At(Find("silu"), -a, k), -sign * At(Find("silu"), a, k) - (k == 0 ? a : 0) + (k == 1), 1e-14);
      CLOSE(At(Find("gelu"), -a, k), -sign * At(Find("gelu"), a, k) - (k == 0 ? a : 0) + (k == 1), 1e-14);
    }
  }
}

/* at 0: sigma and its derivatives to the sixth */
static void test_at_zero(void **state)
{
  const PetscReal root                = 1 / sqrt(2 * PETSC_PI);
  const PetscReal expected[][NORDERS] = {{0, 1, 0, -2, 0, 16, 0},
                                         {0, 1, 0, -1, 0, 1, 0},
                                         {0.5, 0.25, 0, -0.125, 0, 0.25, 0},
                                         {log(2.0), 0.5, 0.25, 0, -0.125, 0, 0.25},
                                         {0, 0.5, 0.5, 0, -0.5, 0, 1.5},
                                         {0, 0.5, 2 * root, 0, -4 * root, 0, 18 * root}};

  (void)state;
  for (size_t k = 0; k < NNAMES; k++) {
    for (PetscInt order = 0; order < NORDERS; order++) {
      CLOSE(At(Find(names[k]), 0, order), expected[k][order], order > 4 ? 1e-14 : 1e-15);
    }
  }
}

/* far out all derivatives are finite, and those of the bounded-slope functions have their limits */
static void test_large_arguments(void **state)
{
  const PetscReal points[] = {-700, -30, 30, 700, -1e6, 1e6};

  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(points); i++) {
    const PetscReal a = points[i], step = a > 0 ? 1 : 0, ramp = a > 0 ? a : 0;

    for (size_t k = 0; k < NNAMES; k++) {
      for (PetscInt order = 0; order < NORDERS; order++) {
        const PetscReal s = At(Find(names[k]), a, order);

        assert_false(PetscIsInfOrNanReal(s));
        if (!strcmp(names[k], "sin")) continue;
        if (order >= 2) CLOSE(s, 0, 1e-11);
      }
    }
    CLOSE(At(Find("tanh"), a, 0), 2 * step - 1, 1e-15);
    CLOSE(At(Find("sigmoid"), a, 0), step, 1e-12);
    for (size_t k = 3; k < NNAMES; k++) {
      CLOSE(At(Find(names[k]), a, 0), ramp, 1e-11);
      CLOSE(At(Find(names[k]), a, 1), step, 1e-11);
    }
    CLOSE(At(Find("sin"), a, 0), sin(a), 1e-9);
  }
}

/* n = 0, 1, ..., 1000: the entries of a batch are those of single points, and nothing beyond is touched. The fifth and sixth
   derivatives multiply the rounding of sigma, which vectors have otherwise, by coefficients such as 272 */
static void test_batches(void **state)
{
  const PetscInt sizes[] = {0, 1, 3, 7, 8, 64, 1000};
  PetscReal      a[1000], memory[NORDERS][1001];
  PetscReal     *s[NORDERS];

  (void)state;
  for (PetscInt i = 0; i < 1000; i++) a[i] = -8 + 0.016 * i;
  for (PetscInt k = 0; k < NORDERS; k++) s[k] = memory[k];
  for (size_t m = 0; m < PETSC_STATIC_ARRAY_LENGTH(sizes) * NNAMES * NORDERS; m++) {
    const EngdActivationFn f     = Find(names[m % NNAMES]);
    const PetscInt         order = (m / NNAMES) % NORDERS, n = sizes[m / NNAMES / NORDERS];

    for (PetscInt k = 0; k < NORDERS; k++) {
      for (PetscInt i = 0; i <= 1000; i++) memory[k][i] = -77;
    }
    f(n, a, order, s);
    for (PetscInt k = 0; k < NORDERS; k++) {
      for (PetscInt i = 0; i < n && k <= order; i++) CLOSE(memory[k][i], At(f, a[i], k), k > 4 ? 1e-12 : 1e-14);
      for (PetscInt i = k <= order ? n : 0; i <= 1000; i++) assert_true(memory[k][i] == -77);
    }
  }
}

/* of what is no number comes none, in any place of a batch, and its neighbours do not notice */
static void test_not_a_number(void **state)
{
  const PetscInt sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 33};
  PetscReal      a[33], memory[2][NORDERS][33];
  PetscReal     *s[2][NORDERS];

  (void)state;
  for (PetscInt k = 0; k < NORDERS; k++) s[0][k] = memory[0][k], s[1][k] = memory[1][k];
  for (size_t m = 0; m < PETSC_STATIC_ARRAY_LENGTH(sizes) * NNAMES; m++) {
    const EngdActivationFn f = Find(names[m % NNAMES]);
    const PetscInt         n = sizes[m / NNAMES];

    for (PetscInt at = 0; at < n; at++) {
      for (PetscInt i = 0; i < n; i++) a[i] = 0.3 * i - 2;
      EngdActivate(f, n, a, ENGD_ACTIVATION_ORDER, s[0]);
      a[at] = at % 2 ? NAN : -NAN;
      EngdActivate(f, n, a, ENGD_ACTIVATION_ORDER, s[1]);
      for (PetscInt k = 0; k < NORDERS; k++) {
        for (PetscInt i = 0; i < n; i++) assert_true(i == at ? isnan(s[1][k][i]) : s[1][k][i] == s[0][k][i]);
      }
    }
  }
}

static void Cube(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[])
{
  const PetscReal factor[] = {1, 3, 6, 6};

  for (PetscInt k = 0; k <= order; k++) {
    for (PetscInt i = 0; i < n; i++) s[k][i] = k > 3 ? 0 : factor[k] * PetscPowRealInt(a[i], 3 - k);
  }
}

static void test_registry(void **state)
{
  EngdActivationFn f = NULL;

  (void)state;
  CHECK(EngdActivationRegister("cube", Cube));
  CLOSE(At(Find("cube"), 2, 1), 12, 0);
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  assert_int_equal(EngdActivationFind("relu6", &f), PETSC_ERR_ARG_UNKNOWN_TYPE);
  CHECK(PetscPopErrorHandler());
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_derivatives),     cmocka_unit_test(test_values),
                                     cmocka_unit_test(test_at_zero),         cmocka_unit_test(test_batches),
                                     cmocka_unit_test(test_large_arguments), cmocka_unit_test(test_registry),
                                     cmocka_unit_test(test_not_a_number)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("activation", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
