/*
  The seal of a checkpoint: 16 bytes behind the end of its HDF5, "engdseal" and a checksum of all that is before.

  HDF5 reads over what follows its end. A byte that has changed changes the sum, h <- (h ^ word) * odd over words of 8 bytes, as each step
  is one to one; so HDF5 is not given what would lead it astray, nor a run numbers that nobody has saved.
*/
#include "statefile.h"
#include <stdint.h>
#include <stdio.h>

#define START 0xcbf29ce484222325u
#define ODD   0x100000001b3u
#define CHUNK 65536 /* bytes read at once, a multiple of 8 */

static const char sign[8] = {'e', 'n', 'g', 'd', 's', 'e', 'a', 'l'};

/* the sum of n more bytes; n a multiple of 8 but for the last time */
static uint64_t Add(uint64_t h, size_t n, const unsigned char bytes[])
{
  for (size_t i = 0; i < n; i += 8) {
    uint64_t word = 0;

    for (size_t k = 0; k < 8 && i + k < n; k++) word |= (uint64_t)bytes[i + k] << (8 * k);
    h = (h ^ word) * ODD;
    h ^= h >> 29;
  }
  return h;
}

/* seal <- that of a file of these n bytes */
void EngdStateSealMake(size_t n, const void *bytes, unsigned char seal[ENGD_STATE_SEAL])
{
  const uint64_t h = Add(START, n, (const unsigned char *)bytes);

  memcpy(seal, sign, sizeof(sign));
  for (int k = 0; k < 8; k++) seal[8 + k] = (unsigned char)(h >> (8 * k));
}

/* has a file of so many bytes a seal, and is it that of the bytes before */
EngdStateSealKind EngdStateSealCheck(const char name[], size_t size)
{
  unsigned char buffer[CHUNK], seal[ENGD_STATE_SEAL];
  uint64_t      h    = START;
  size_t        left = size < sizeof(seal) ? 0 : size - sizeof(seal);
  FILE         *file = left ? fopen(name, "rb") : NULL;

  if (!file) return ENGD_STATE_NO_SEAL;
  while (left) {
    const size_t n = left < CHUNK ? left : CHUNK;

    if (fread(buffer, 1, n, file) != n) break;
    h = Add(h, n, buffer);
    left -= n;
  }
  if (left || fread(seal, 1, sizeof(seal), file) != sizeof(seal)) seal[0] = 0;
  (void)fclose(file);
  if (memcmp(seal, sign, sizeof(sign))) return ENGD_STATE_NO_SEAL;
  for (int k = 0; k < 8; k++)
    if (seal[8 + k] != (unsigned char)(h >> (8 * k))) return ENGD_STATE_BROKEN_SEAL;
  return ENGD_STATE_GOOD_SEAL;
}
