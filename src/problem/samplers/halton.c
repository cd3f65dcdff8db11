/*
  Scrambled Halton points in any dimension: q_k = sum_j pi_kj(d_j) p_k^-(j+1), where i = sum_j d_j p_k^j and p_k is the
  k-th prime.

  Scrambling: pi_kj(d) = a_kj d + c_kj mod p_k, a_kj in 1..p_k-1 and c_kj in 0..p_k-1 random, keyed by (seed, stream,
  k, j). Every digit down to rounding is scrambled, so each point alone is uniform, and the large primes lose
  their correlation. Epoch e of n points goes on with numbers e n .. (e+1) n - 1.
  References: J. H. Halton, Numer. Math. 2 (1960) 84-90; J. Matousek, J. Complexity 14 (1998) 527-556 (the diagonal case
  of his random linear scrambling).
*/
#include <engd/private.h>

/* The smallest prime above p */
static PetscInt64 NextPrime(PetscInt64 p)
{
  PetscBool prime = PETSC_FALSE;

  while (!prime) {
    prime = PETSC_TRUE;
    p++;
    for (PetscInt64 f = 2; f * f <= p; f++) {
      if (p % f == 0) {
        prime = PETSC_FALSE;
        break;
      }
    }
  }
  return p;
}

/* A random whole number in 0..m-1 from 32 bits: floor(m bits / 2^32) */
static PetscInt64 Below(PetscInt64 m, unsigned bits)
{
  return (m * (PetscInt64)bits) >> 32;
}

/* sum_j (a_j d_j + c_j mod p) p^-(j+1), all digits that a double can tell */
static PetscReal ScrambledInverse(PetscInt64 p, PetscInt64 i, PetscInt64 seed, PetscInt64 key)
{
  PetscReal q = 0.0, scale = 1.0 / (PetscReal)p;

  for (PetscInt j = 0; scale > 0x1p-54; j++, i /= p, scale /= (PetscReal)p) {
    const PetscInt64 a = 1 + Below(p - 1, EngdRandomBits(seed, ENGD_STREAM_SCRAMBLE, key, 0, 2 * j));
    const PetscInt64 c = Below(p, EngdRandomBits(seed, ENGD_STREAM_SCRAMBLE, key, 0, 2 * j + 1));

    q += (PetscReal)((a * (i % p) + c) % p) * scale;
  }
  return PetscMin(q, 1.0 - 0x1p-53);
}

ENGD_REGISTER_SAMPLER("halton", EngdSamplerHalton);
PetscErrorCode EngdSamplerHalton(PetscInt dim, PetscInt64 n, PetscInt64 seed, PetscInt stream, PetscInt epoch,
                                 PetscInt64 index, PetscReal q[])
{
  PetscInt64 p = 1;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < dim; k++) {
    p    = NextPrime(p);
    q[k] = ScrambledInverse(p, epoch * n + index, seed, ((PetscInt64)stream << 32) + k);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
