/*
  Layouts of jets: the smallest set of channels for the entries that are asked for, in an order that passes can follow.
*/
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define CHECK(call) assert_int_equal((call), PETSC_SUCCESS)

static const EngdJetEntry laplacian = {.order = 2, .laplacian = 1};

/* each derivative up to second order, and some of third and fourth, with this probability; a number of its own for each lot */
static PetscInt Draw(PetscInt lot, PetscReal probability, PetscInt dim, EngdJetEntry entry[])
{
  PetscInt n = 0, k = 0;

#define DRAW(...)                                                                                                    \
  if (EngdRandomUniform(lot, 0, k++, 0, 0) < probability) entry[n++] = (EngdJetEntry)__VA_ARGS__
  DRAW({.coordinate = {-1, -1}});
  for (PetscInt i = 0; i < dim; i++) DRAW({.order = 1, .coordinate = {i, -1}});
  for (PetscInt i = 0; i < dim; i++) {
    for (PetscInt j = i; j < dim; j++) DRAW({.order = 2, .coordinate = {i, j}});
  }
  DRAW({.order = 2, .laplacian = 1});
  DRAW({.order = 3, .laplacian = 1, .coordinate = {dim - 1}});
  DRAW({.order = 3, .coordinate = {0, dim / 2, dim - 1}});
  DRAW({.order = 4, .laplacian = 2});
  DRAW({.order = 4, .laplacian = 1, .coordinate = {0, dim / 2}});
  DRAW({.order = 4, .coordinate = {0, 0, dim / 2, dim - 1}});
#undef DRAW
  return n;
}

/* is channel c read at the output, the value, or a factor in a later channel */
static PetscBool IsNeeded(EngdJetLayout layout, PetscInt c)
{
  if (c == 0 || layout->used[c]) return PETSC_TRUE;
  for (PetscInt later = c + 1; later < layout->nchannels; later++) {
    const EngdChannel *channel = &layout->channel[later];

    for (PetscInt k = 0; k < channel->npairs * 2; k++) {
      if (channel->pair[k] == c) return PETSC_TRUE;
    }
    for (PetscInt k = 0; k < channel->nmonomials * ENGD_JET_ORDER; k++) {
      const EngdMonomial *monomial = &channel->monomial[k / ENGD_JET_ORDER];

      if (k % ENGD_JET_ORDER < monomial->degree && monomial->factor[k % ENGD_JET_ORDER] == c) return PETSC_TRUE;
    }
  }
  return PETSC_FALSE;
}

/* The coefficients of a channel sum to the partitions of its derivatives into two blocks and more, those that part a Laplacian
   once for each space coordinate; orders of factors sum to its order; parts are the derivatives of a monomial */
static void CheckMonomials(EngdJetLayout layout, const EngdChannel *channel)
{
  const PetscReal d              = (PetscReal)layout->nspace,
                  expected[5][3] = {{0}, {0}, {0}, {4, 1 + 3 * d}, {14, 4 + 10 * d, 1 + 6 * d + 7 * d * d}};
  PetscReal sum                  = 0;

  for (PetscInt k = 0; k < channel->nmonomials; k++) {
    const EngdMonomial *m      = &channel->monomial[k];
    PetscInt            orders = 0, nfactors = 0;

    sum += m->coefficient;
    assert_true(m->degree >= 2 && (!k || m->degree >= channel->monomial[k - 1].degree));
    for (PetscInt f = 0; f < m->degree; f++) orders += layout->channel[m->factor[f]].order;
    assert_int_equal(orders, channel->order);
    for (PetscInt f = 0; f < m->nparts; f++) {
      PetscInt multiplicity = 0, others = 0;

      for (PetscInt g = 0; g < m->degree; g++) multiplicity += m->factor[g] == m->part[f].channel;
      for (PetscInt g = 0; g < m->degree - 1; g++) others += m->part[f].rest[g] == m->part[f].channel;
      assert_int_equal(others, multiplicity - 1);
      assert_true(m->part[f].weight == m->coefficient * (PetscReal)multiplicity);
      nfactors += multiplicity;
    }
    assert_int_equal(nfactors, m->degree);
  }
  if (channel->order > 2) assert_true(sum == expected[channel->order][channel->laplacian]);
}

/* order, factors and need of each channel */
static void CheckChannels(EngdJetLayout layout)
{
  assert_int_equal(layout->channel[0].order, 0);
  for (PetscInt c = 0; c < layout->nchannels; c++) {
    const EngdChannel *channel = &layout->channel[c];

    assert_true(IsNeeded(layout, c));
    if (c) assert_true(channel->order >= layout->channel[c - 1].order);
    if (channel->order == 1) assert_int_equal(layout->first[channel->coordinate[0]], c);
    CheckMonomials(layout, channel);
    assert_int_equal(channel->npairs, channel->order != 2 ? 0 : channel->laplacian ? layout->nspace : 1);
    for (PetscInt k = 0; k < 2 * channel->npairs; k++) {
      const EngdChannel *factor = &layout->channel[channel->pair[k]];

      assert_int_equal(factor->order, 1);
      assert_int_equal(factor->coordinate[0], channel->laplacian ? k / 2 : channel->coordinate[k]);
    }
  }
}

/* the runs cover the channels marked, and nothing else */
static void CheckRuns(EngdJetLayout layout, PetscInt nused)
{
  PetscInt begin = 0, end = 0, covered = 0;

  while (EngdJetLayoutNextRun(layout, layout->used, &begin, &end)) {
    for (PetscInt c = begin; c < end; c++) assert_true(layout->used[c]);
    covered += end - begin;
  }
  assert_int_equal(covered, nused);
  begin = end = 0;
  assert_true(EngdJetLayoutNextRun(layout, NULL, &begin, &end));
  assert_true(begin == 0 && end == layout->nchannels);
  assert_false(EngdJetLayoutNextRun(layout, NULL, &begin, &end));
}

static void test_smallest(void **state)
{
  const PetscReal probability[] = {0, 0.05, 0.3, 1};
  EngdJetEntry    entry[80];

  (void)state;
  for (PetscInt lot = 0; lot < 400; lot++) {
    const PetscInt dim = 1 + lot % 10, n = Draw(lot, probability[lot / 10 % 4], dim, entry);
    EngdJetLayout  layout;
    PetscInt       c;

    CHECK(EngdJetLayoutCreate(lot % 3 && dim > 1 ? dim - 1 : dim, dim, n, entry, &layout));
    for (PetscInt e = 0; e < n; e++) {
      CHECK(EngdJetLayoutFind(layout, &entry[e], &c));
      assert_true(layout->used[c]);
      assert_int_equal(layout->channel[c].order, entry[e].order);
      assert_int_equal(layout->channel[c].laplacian, entry[e].laplacian);
    }
    CheckChannels(layout);
    CheckRuns(layout, n);
    CHECK(EngdJetLayoutDestroy(&layout));
  }
}

/* d_y d_t, the Laplacian and d_t in space and time need u; x, y, z, t; yt, Laplacian */
static void test_example(void **state)
{
  const EngdJetEntry entry[] = {{.order = 2, .coordinate = {1, 3}}, laplacian, {.order = 1, .coordinate = {3, -1}}};
  EngdJetLayout      layout;
  PetscInt           c;

  (void)state;
  CHECK(EngdJetLayoutCreate(3, 4, 3, entry, &layout));
  assert_int_equal(layout->nchannels, 7);
  for (PetscInt i = 0; i < 7; i++) assert_int_equal(layout->used[i], i >= 4);
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  assert_int_not_equal(EngdJetLayoutFind(layout, &(EngdJetEntry){.order = 2, .coordinate = {0, 0}}, &c), 0);
  CHECK(PetscPopErrorHandler());
  CHECK(EngdJetLayoutDestroy(&layout));
}

/* numbers of channels and of products: lap lap in the plane, u_xxyy, u_xxxx, lap u_t */
static void test_high_orders(void **state)
{
  const struct {
    EngdJetEntry entry;
    PetscInt     nchannels, nproducts;
  } expected[] = {{{.order = 4, .laplacian = 2}, 10, 14},
                  {{.order = 4, .coordinate = {0, 0, 1, 1}}, 9, 8},
                  {{.order = 4, .coordinate = {2, 2, 2, 2}}, 5, 4},
                  {{.order = 3, .laplacian = 1, .coordinate = {2}}, 8, 5}};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(expected); k++) {
    EngdJetLayout layout;

    CHECK(EngdJetLayoutCreate(2, 3, 1, &expected[k].entry, &layout));
    assert_int_equal(layout->nchannels, expected[k].nchannels);
    assert_int_equal(layout->channel[layout->nchannels - 1].nmonomials, expected[k].nproducts);
    CheckChannels(layout);
    CHECK(EngdJetLayoutDestroy(&layout));
  }
}

/* outputs share channels, and repetitions add none */
static void test_sharing(void **state)
{
  const EngdJetEntry entry[] = {{.order = 2, .coordinate = {1, 3}},
                                {.output = 1, .order = 2, .coordinate = {1, 3}},
                                {.order = 2, .coordinate = {1, 3}}};
  EngdJetLayout      layout;

  (void)state;
  CHECK(EngdJetLayoutCreate(4, 4, 3, entry, &layout));
  assert_int_equal(layout->nchannels, 4);
  CHECK(EngdJetLayoutDestroy(&layout));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_smallest), cmocka_unit_test(test_example),
                                     cmocka_unit_test(test_high_orders), cmocka_unit_test(test_sharing)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("layout", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
