/*
  Random numbers and samplers: Random123's known answer, moments, the table of sobol, projections and nets, epochs.
  ranks: 1
*/
#include <engd/private.h>
#include "../../src/problem/samplers/sobol_table.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((int)(call), 0)

static void random_numbers(void **state)
{
  const unsigned known[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}; /* Random123's answer to all zeros */
  const PetscInt n        = 20000;
  PetscReal      m[4] = {0}, g[5] = {0};

  (void)state;
  for (PetscInt c = 0; c < 4; c++) assert_true(EngdRandomBits(0, 0, 0, 0, c) == known[c]);
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal u = EngdRandomUniform(7, 3, i / 5, 2, i % 5), z = EngdRandomNormal(7, 3, i / 5, 2, i % 5);

    assert_true(u > 0.0 && u < 1.0);
    for (PetscInt k = 0; k < 4; k++) m[k] += PetscPowRealInt(u, k) / (PetscReal)n;
    for (PetscInt k = 0; k < 5; k++) g[k] += PetscPowRealInt(z, k) / (PetscReal)n;
  }
  for (PetscInt k = 1; k < 4; k++) assert_true(PetscAbsReal(m[k] - 1.0 / (PetscReal)(k + 1)) < 0.008);
  assert_true(PetscAbsReal(g[1]) < 0.03 && PetscAbsReal(g[2] - 1) < 0.04 && PetscAbsReal(g[4] - 3) < 0.3);
  assert_true(EngdRandomUniform(1, 2, 3, 4, 5) == EngdRandomUniform(1, 2, 3, 4, 5));
  assert_true(EngdRandomUniform(1, 2, 3, 4, 5) != EngdRandomUniform(2, 2, 3, 4, 5));
  assert_true(EngdRandomUniform(1, 2, 3, 4, 5) != EngdRandomUniform(1, 3, 3, 4, 5));
  assert_true(EngdRandomUniform(1, 2, 3, 4, 5) != EngdRandomUniform(1, 2, 4, 4, 5));
  assert_true(EngdRandomUniform(1, 2, 3, 4, 5) != EngdRandomUniform(1, 2, (PetscInt64)1 << 40 | 3, 4, 5));
  assert_true(EngdRandomUniform(1, 2, 3, 4, 5) != EngdRandomUniform(1, 2, 3, 5, 5));
  assert_true(EngdRandomUniform(1, 2, 3, 4, 5) != EngdRandomUniform(1, 2, 3, 4, 4));
}

/* Every polynomial is primitive: x generates all 2^s - 1 non-zero residues; all differ; m odd, < 2^j */
static void sobol_numbers(void **state)
{
  (void)state;
  for (PetscInt k = 0; k < ENGD_SOBOL_DIMENSIONS - 1; k++) {
    const unsigned s = sobol_table[k].degree, a = sobol_table[k].coefficients;
    const unsigned p = 1u << s | a << 1 | 1u;
    unsigned       r = 1, period = 0;

    assert_true(s >= 1 && s <= ENGD_SOBOL_DEGREE && (a << 1) < 1u << s);
    do {
      r <<= 1;
      if (r >> s) r ^= p;
      period++;
    } while (r != 1 && period < 1u << s);
    assert_int_equal(period, (1u << s) - 1);
    for (unsigned j = 0; j < s; j++) assert_true(sobol_table[k].m[j] % 2 == 1 && sobol_table[k].m[j] < 2u << j);
    for (PetscInt l = 0; l < k; l++) assert_true(sobol_table[l].degree != s || sobol_table[l].coefficients != a);
  }
}

/* Points first .. first + cells - 1 of each projection: one in each of the cells */
static void OnePerCell(EngdSamplerFn sampler, PetscInt k, PetscInt cells, PetscInt epoch)
{
  PetscReal q[ENGD_SOBOL_DIMENSIONS];
  PetscInt *hits;

  OK(PetscCalloc1(cells, &hits));
  for (PetscInt i = 0; i < cells; i++) {
    OK(sampler(k + 1, cells, 5, 3, epoch, i, q));
    assert_true(q[k] > 0.0 && q[k] < 1.0);
    hits[(PetscInt)(q[k] * (PetscReal)cells)]++;
  }
  for (PetscInt i = 0; i < cells; i++) assert_int_equal(hits[i], 1);
  OK(PetscFree(hits));
}

static void projections(void **state)
{
  const PetscInt prime[] = {2, 3, 5, 7, 11, 13};

  (void)state;
  for (PetscInt k = 0; k < ENGD_SOBOL_DIMENSIONS; k++) OnePerCell(EngdSamplerSobol, k, 1024, 0);
  OnePerCell(EngdSamplerSobol, 6, 256, 3);
  for (PetscInt k = 0; k < 6; k++) {
    OnePerCell(EngdSamplerHalton, k, prime[k] * prime[k], 0);
    OnePerCell(EngdSamplerHalton, k, prime[k] * prime[k] * prime[k], 2);
  }
}

/* Two dimensions of sobol: 256 points, one in each elementary interval 2^-a x 2^-(8-a) */
static void sobol_net(void **state)
{
  PetscReal q[2];

  (void)state;
  for (PetscInt a = 0; a <= 8; a++) {
    PetscBool hit[256] = {PETSC_FALSE};

    for (PetscInt i = 0; i < 256; i++) {
      OK(EngdSamplerSobol(2, 256, 1, 1, 0, i, q));
      const PetscInt cell = ((PetscInt)(q[0] * (1 << a)) << (8 - a)) + (PetscInt)(q[1] * (1 << (8 - a)));

      assert_false(hit[cell]);
      hit[cell] = PETSC_TRUE;
    }
  }
}

static void samplers_are_functions(void **state)
{
  EngdSamplerFn    sampler;
  const char      *name[] = {"uniform", "halton", "sobol"};
  PetscReal        q[9], r[9], s[9];
  const PetscInt64 far = (PetscInt64)1 << 45;

  (void)state;
  for (PetscInt k = 0; k < 3; k++) {
    OK(EngdSamplerFind("-a_sampler", name[k], &sampler));
    OK(sampler(9, 100, 1, 4, 2, 17, q));
    OK(sampler(9, 100, 1, 4, 2, 17, r));
    OK(sampler(5, 100, 1, 4, 2, 17, s));
    for (PetscInt c = 0; c < 9; c++) assert_true(q[c] == r[c]);
    for (PetscInt c = 0; c < 5; c++) assert_true(q[c] == s[c]);
    if (k) { /* the epochs of a sequence follow each other */
      OK(sampler(9, 100, 1, 4, 0, 217, r));
      for (PetscInt c = 0; c < 9; c++) assert_true(q[c] == r[c]);
    }
    OK(sampler(9, 100, 2, 4, 2, 17, r));
    OK(sampler(9, 100, 1, 5, 2, 17, s));
    for (PetscInt c = 0; c < 9; c++) assert_true(q[c] != r[c] && q[c] != s[c]);
    OK(sampler(9, 100, 1, 4, 0, far, r));
    OK(sampler(9, 100, 1, 4, 0, far + 1, s));
    for (PetscInt c = 0; c < 9; c++) assert_true(r[c] >= 0 && r[c] < 1 && r[c] != s[c]);
  }
}

/* An own sampler is found, and the built-in ones still are; an unknown one is an error that lists them */
static PetscErrorCode Centre(PetscInt dim, PetscInt64 n, PetscInt64 seed, PetscInt stream, PetscInt epoch,
                             PetscInt64 index, PetscReal q[])
{
  PetscFunctionBeginUser;
  (void)n, (void)seed, (void)stream, (void)epoch, (void)index;
  for (PetscInt k = 0; k < dim; k++) q[k] = 0.5;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void registry(void **state)
{
  EngdSamplerFn sampler;

  (void)state;
  OK(EngdSamplerRegister("centre", Centre));
  OK(EngdSamplerFind("-a_sampler", "centre", &sampler));
  assert_ptr_equal(sampler, Centre);
  OK(EngdSamplerFind("-a_sampler", "halton", &sampler));
  assert_ptr_equal(sampler, EngdSamplerHalton);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_numbers), cmocka_unit_test(sobol_numbers),
                                     cmocka_unit_test(projections),    cmocka_unit_test(sobol_net),
                                     cmocka_unit_test(registry),       cmocka_unit_test(samplers_are_functions)};
  int                     failures;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failures = cmocka_run_group_tests_name("samplers", tests, NULL, NULL);
  if (PetscFinalize()) return 1;
  return failures;
}
