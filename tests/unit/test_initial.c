/*
  Initial parameters: the moments and bounds of each distribution, layer by layer; the seed; any number of ranks.
*/
/* ranks: 1 3 */
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define CHECK(call) assert_int_equal((call), PETSC_SUCCESS)

typedef struct {
  const char *options;
  PetscReal   weight[2],
      bias[2]; /* of layers 0 and 1: sizes 7-400-300: standard deviation of weights, bound of biases */
} Distribution;

/* p entries of theta on every rank */
static const PetscReal *Initial(const char options[], PetscInt64 seed, EngdNetwork *net, Vec *whole)
{
  Vec              theta;
  VecScatter       scatter;
  const PetscReal *value;

  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdNetworkCreate(PETSC_COMM_WORLD, net));
  CHECK(EngdNetworkSetSizes(*net, 7, 300));
  CHECK(EngdNetworkSetFromOptions(*net));
  CHECK(EngdNetworkCreateParameters(*net, &theta));
  CHECK(EngdNetworkInitialize(*net, seed, theta));
  CHECK(VecScatterCreateToAll(theta, &scatter, whole));
  CHECK(VecScatterBegin(scatter, theta, *whole, INSERT_VALUES, SCATTER_FORWARD));
  CHECK(VecScatterEnd(scatter, theta, *whole, INSERT_VALUES, SCATTER_FORWARD));
  CHECK(VecScatterDestroy(&scatter));
  CHECK(VecDestroy(&theta));
  CHECK(VecGetArrayRead(*whole, &value));
  return value;
}

static void Restore(EngdNetwork *net, Vec *whole, const PetscReal **value)
{
  CHECK(VecRestoreArrayRead(*whole, value));
  CHECK(VecDestroy(whole));
  CHECK(EngdNetworkDestroy(net));
}

static void test_distributions(void **state)
{
  const Distribution distribution[] = {
      {"-network_layers 400 -network_init_scale 3",
       {3 * PetscSqrtReal(2 / 407.), 3 * PetscSqrtReal(2 / 700.)},
       {0, 0}},
      {"-network_layers 400 -network_init normal -network_init_bias 2", {1 / PetscSqrtReal(7), 1 / 20.}, {2, 2}},
      {"-network_layers 400 -network_init uniform -network_init_bias 1",
       {1 / PetscSqrtReal(21), 1 / PetscSqrtReal(1200)},
       {1 / PetscSqrtReal(7), 1 / 20.}},
  };

  (void)state;
  for (size_t k = 0; k < 3; k++) {
    EngdNetwork      net;
    Vec              whole;
    const PetscReal *value = Initial(distribution[k].options, 1, &net, &whole);

    for (PetscInt l = 0; l < 2; l++) {
      const EngdLayer *layer = &net->layer[l];
      const PetscInt   n     = layer->n_in * layer->n_out;
      const PetscReal *w     = value + layer->offset;
      PetscReal        mean = 0, square = 0, bound = 0;

      for (PetscInt j = 0; j < n; j++) {
        mean += w[j] / n;
        square += PetscSqr(w[j]) / n;
      }
      for (PetscInt j = n; j < n + layer->n_out; j++) bound = PetscMax(bound, PetscAbsReal(w[j]));
      assert_true(PetscAbsReal(PetscSqrtReal(square) / distribution[k].weight[l] - 1) < 0.03);
      assert_true(PetscAbsReal(mean) < 5 * distribution[k].weight[l] / PetscSqrtReal(n));
      assert_true(bound <= distribution[k].bias[l] && bound >= 0.95 * distribution[k].bias[l]);
    }
    Restore(&net, &whole, &value);
  }
}

static void test_seeds(void **state)
{
  EngdNetwork      net[3];
  Vec              whole[3];
  const PetscReal *value[3];

  (void)state;
  for (PetscInt k = 0; k < 3; k++) value[k] = Initial("-network_layers 5", k == 1 ? 9 : 8, &net[k], &whole[k]);
  assert_true(value[0][0] == value[2][0] && value[0][39] == value[2][39]);
  assert_true(value[0][0] != value[1][0]);
  for (PetscInt k = 0; k < 3; k++) Restore(&net[k], &whole[k], &value[k]);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_distributions), cmocka_unit_test(test_seeds)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("initial", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
