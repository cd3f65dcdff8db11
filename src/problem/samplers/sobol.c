/*
  Sobol points with a random digital shift: q_k = (s_k xor v_kj1 xor v_kj2 ..) / 2^64 over the set bits j of the number
  i of the point, in the order of the sequence (no Gray code), so any point is found directly.

  Direction numbers: v_j = m_j 2^(64-j), v_j = a_1 v_(j-1) xor .. xor a_(s-1) v_(j-s+1) xor v_(j-s) xor v_(j-s) / 2^s.
  The shift s_k is keyed by (seed, stream, k). Epoch e of n points goes on with numbers e n .. (e+1) n - 1; n is best a
  power of two but need not be. At most ENGD_SOBOL_DIMENSIONS dimensions.
  References: I. M. Sobol, USSR Comp. Math. Math. Phys. 7 (1967) 86-112; Joe and Kuo (2008), see the table.
*/
#include <engd/private.h>
#include "sobol_table.h"

/* xor of the direction numbers v_j of dimension k over the set bits of i; the v_j of the last s steps are kept */
static uint64_t SobolBits(PetscInt k, uint64_t i)
{
  const PetscInt s    = k ? sobol_table[k - 1].degree : 0;
  uint64_t       bits = 0, v[64];

  for (PetscInt j = 0; i >> j; j++) {
    if (!s)
      v[j] = (uint64_t)1 << (63 - j); /* van der Corput */
    else if (j < s)
      v[j] = (uint64_t)sobol_table[k - 1].m[j] << (63 - j);
    else {
      v[j] = v[j - s] ^ (v[j - s] >> s);
      for (PetscInt l = 1; l < s; l++) {
        if (sobol_table[k - 1].coefficients >> (s - 1 - l) & 1) v[j] ^= v[j - l];
      }
    }
    if (i >> j & 1) bits ^= v[j];
  }
  return bits;
}

ENGD_REGISTER_SAMPLER("sobol", EngdSamplerSobol);
PetscErrorCode EngdSamplerSobol(PetscInt dim, PetscInt64 n, PetscInt64 seed, PetscInt stream, PetscInt epoch,
                                PetscInt64 index, PetscReal q[])
{
  PetscFunctionBeginUser;
  PetscCheck(dim <= ENGD_SOBOL_DIMENSIONS, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "The sobol sampler has %d dimensions but the points need %" PetscInt_FMT ": use the sampler halton",
             ENGD_SOBOL_DIMENSIONS, dim);
  for (PetscInt k = 0; k < dim; k++) {
    const PetscInt64 key   = ((PetscInt64)stream << 32) + k;
    const uint64_t   high  = EngdRandomBits(seed, ENGD_STREAM_SCRAMBLE, key, 1, 0);
    const uint64_t   shift = high << 32 | EngdRandomBits(seed, ENGD_STREAM_SCRAMBLE, key, 1, 1);

    q[k] = ((PetscReal)((SobolBits(k, (uint64_t)(epoch * n + index)) ^ shift) >> 12) + 0.5) * 0x1p-52;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
