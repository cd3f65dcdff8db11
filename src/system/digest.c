/*
  64 bits that say whether numbers are the same as before: FNV-1a (Fowler, Noll, Vo), byte by byte.
*/
#include <engd/private.h>
#include <stdint.h>

/* EngdDigest - that of what `before` is the digest of (ENGD_DIGEST_NONE at first) and n bytes more. Not collective */
PetscInt64 EngdDigest(PetscInt64 before, size_t n, const void *bytes)
{
  uint64_t digest = (uint64_t)before;

  for (size_t i = 0; i < n; i++) digest = (digest ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3;
  return (PetscInt64)digest;
}
