/*
  Random numbers as a pure function of (seed, stream, index, epoch, component): no state, so the same numbers on any
  number of ranks and in any order.

  Method: the counter-based bijection Philox 4x32-10 of Random123, counter = (index, epoch, block of components), key =
  (low word of seed, high word of seed xor stream): distinct arguments give distinct blocks while seed < 2^32.
  Reference: Salmon, Moraes, Dror, Shaw, Parallel random numbers: as easy as 1, 2, 3, SC11.
  Bits and Uniform/Normal of the same arguments are not independent of each other.
*/
#include <engd/private.h>
#include <Random123/philox.h>

/* The block number `block` of 4 x 32 random bits that belongs to (seed, stream, index, epoch) */
static philox4x32_ctr_t RandomBlock(PetscInt64 seed, PetscInt stream, PetscInt64 index, PetscInt epoch,
                                    PetscInt block)
{
  philox4x32_ctr_t counter;
  philox4x32_key_t key;

  counter.v[0] = (uint32_t)(uint64_t)index;
  counter.v[1] = (uint32_t)((uint64_t)index >> 32);
  counter.v[2] = (uint32_t)epoch;
  counter.v[3] = (uint32_t)block;
  key.v[0]     = (uint32_t)(uint64_t)seed;
  key.v[1]     = (uint32_t)((uint64_t)seed >> 32) ^ (uint32_t)stream;
  return philox4x32(counter, key);
}

/* (k + 1/2) / 2^52 with k the upper 52 of 64 bits: without rounding, never 0 nor 1 */
static PetscReal RandomUnit(uint32_t high, uint32_t low)
{
  const uint64_t k = (((uint64_t)high << 32) | low) >> 12;

  return ((PetscReal)k + 0.5) * 0x1p-52;
}

/*
  EngdRandomBits - Gives 32 random bits, a pure function of its arguments.

  Not collective

  Input Parameters:
+ seed      - of the run
. stream    - an EngdStream; term t has ENGD_STREAM_TERMS + t
. index     - which point or row, in global numbering
. epoch     - which time around
- component - which number of those that belong to index

  Note: Philox 4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011)

  Source: src/system/random.c
*/
unsigned EngdRandomBits(PetscInt64 seed, PetscInt stream, PetscInt64 index, PetscInt epoch, PetscInt component)
{
  return RandomBlock(seed, stream, index, epoch, component / 4).v[component % 4];
}

/*
  EngdRandomUniform - Gives a random number, uniform in (0,1), never 0 nor 1, a pure function of its arguments.

  Not collective

  Input Parameters:
+ seed      - of the run
. stream    - an EngdStream; term t has ENGD_STREAM_TERMS + t
. index     - which point or row, in global numbering
. epoch     - which time around
- component - which number of those that belong to index

  Note: Philox 4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011)

  Source: src/system/random.c
*/
PetscReal EngdRandomUniform(PetscInt64 seed, PetscInt stream, PetscInt64 index, PetscInt epoch, PetscInt component)
{
  const philox4x32_ctr_t b = RandomBlock(seed, stream, index, epoch, component / 2);
  const PetscInt         k = 2 * (component % 2);

  return RandomUnit(b.v[k], b.v[k + 1]);
}

/*
  EngdRandomNormal - Gives a standard normal random number, a pure function of its arguments.

  Not collective

  Input Parameters:
+ seed      - of the run
. stream    - an EngdStream; term t has ENGD_STREAM_TERMS + t
. index     - which point or row, in global numbering
. epoch     - which time around
- component - which number of those that belong to index

  Note: Philox 4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011); Box and Muller: sqrt(-2 log u)
  (cos 2 pi v, sin 2 pi v), the components of one block

  Source: src/system/random.c
*/
PetscReal EngdRandomNormal(PetscInt64 seed, PetscInt stream, PetscInt64 index, PetscInt epoch, PetscInt component)
{
  const philox4x32_ctr_t b = RandomBlock(seed, stream, index, epoch, component / 2);
  const PetscReal        r = PetscSqrtReal(-2.0 * PetscLogReal(RandomUnit(b.v[0], b.v[1])));
  const PetscReal        a = 2.0 * PETSC_PI * RandomUnit(b.v[2], b.v[3]);

  return r * (component % 2 ? PetscSinReal(a) : PetscCosReal(a));
}
