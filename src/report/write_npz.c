/*
  The solution for NumPy: a zip file, nothing compressed, of one array NAME.npy for each coordinate and value.

  Arrays of a grid have its shape, indexed as u[i_x, i_y] ("Fortran order": the first axis is contiguous); a list of points has
  one dimension. Formats: NEP 1 (npy 1.0), and APPNOTE.TXT of PKWARE without its 64-bit part, so at most 4 GiB.
*/
#include <engd/private.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define LARGEST 0xfffff000u /* bytes */

/* CRC-32 (ISO 3309) of n more bytes; begins and ends with its bits inverted */
static uint32_t AddToCRC(uint32_t crc, size_t n, const unsigned char bytes[])
{
  static uint32_t table[256];

  for (uint32_t k = 0; !table[255] && k < 256; k++) {
    uint32_t c = k;

    for (int bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    table[k] = c;
  }
  crc = ~crc;
  for (size_t i = 0; i < n; i++) crc = table[(crc ^ bytes[i]) & 0xff] ^ (crc >> 8);
  return ~crc;
}

/* Little-endian, whatever the machine */
static void Put(uint64_t value, int bytes, FILE *file)
{
  for (int k = 0; k < bytes; k++) fputc((int)(value >> (8 * k) & 0xff), file);
}

/* the head of an array: 128 or more bytes of text, a multiple of 64 */
static size_t MakeHead(const EngdTable *table, size_t size, char head[])
{
  char   text[512];
  size_t n = (size_t)snprintf(text, sizeof(text), "{'descr': '<f8', 'fortran_order': True, 'shape': ("), whole;

  for (PetscInt k = 0; k < PetscMax(1, table->naxes); k++)
    n += (size_t)snprintf(text + n, sizeof(text) - n, "%" PetscInt_FMT ", ",
                          table->naxes ? table->count[k] : table->n);
  n += (size_t)snprintf(text + n, sizeof(text) - n, "), }");
  whole = (10 + n + 1 + 63) / 64 * 64;
  if (whole > size) return 0;
  memcpy(head, "\x93NUMPY\x01", 8); /* with the zero of version 1.0 */
  head[8] = (char)((whole - 10) & 0xff);
  head[9] = (char)((whole - 10) >> 8);
  memcpy(head + 10, text, n);
  memset(head + 10 + n, ' ', whole - 11 - n);
  head[whole - 1] = '\n';
  return whole;
}

/* one array, little-endian */
static void FillArray(const EngdTable *table, PetscInt column, unsigned char bytes[])
{
  for (PetscInt i = 0; i < table->n; i++) {
    const double value = (double)table->row[ENGD_COUNT(i, table->stride) + column];
    uint64_t     bits;

    memcpy(&bits, &value, 8);
    for (int k = 0; k < 8; k++) bytes[8 * (size_t)i + (size_t)k] = (unsigned char)(bits >> (8 * k));
  }
}

typedef struct {
  uint32_t crc, size, offset;
} Entry;

/* what a local and a central header have in common: version 2.0, names in UTF-8, stored, 1 January 1980 */
static void PutEntry(const Entry *entry, const char name[], FILE *file)
{
  Put(20, 2, file);
  Put(1 << 11, 2, file);
  Put(0, 2, file);
  Put(0, 2, file);
  Put(0x21, 2, file);
  Put(entry->crc, 4, file);
  Put(entry->size, 4, file);
  Put(entry->size, 4, file);
  Put(strlen(name) + 4, 2, file);
  Put(0, 2, file);
}

/* the directory at the end of the file */
static void PutDirectory(const EngdTable *table, PetscInt n, const Entry entry[], uint32_t offset, FILE *file)
{
  uint32_t size = 0;

  for (PetscInt k = 0; k < n; k++) {
    Put(0x02014b50, 4, file);
    Put(20, 2, file);
    PutEntry(&entry[k], table->name[k], file);
    Put(0, 2, file);
    Put(0, 4, file);
    Put(0, 4, file);
    Put(entry[k].offset, 4, file);
    fprintf(file, "%s.npy", table->name[k]);
    size += 46 + (uint32_t)strlen(table->name[k]) + 4;
  }
  Put(0x06054b50, 4, file);
  Put(0, 4, file);
  Put((uint64_t)n, 2, file);
  Put((uint64_t)n, 2, file);
  Put(size, 4, file);
  Put(offset, 4, file);
  Put(0, 2, file);
}

int EngdWriteNPZ(const EngdTable *table, FILE *file)
{
  const PetscInt n     = table->dim + table->nvalues;
  const size_t   bytes = ENGD_COUNT(table->n, 8);
  char           head[1024];
  const size_t   length = MakeHead(table, sizeof(head), head);
  unsigned char *array;
  Entry         *entry;
  uint32_t       offset = 0;
  int            good;

  if (!length || n > 65535 || (bytes + 2048) * (size_t)n > LARGEST) return EFBIG;
  array = malloc(bytes + 1);
  entry = malloc(sizeof(*entry) * (size_t)n);
  for (PetscInt k = 0; array && entry && k < n; k++) {
    FillArray(table, k, array);
    entry[k].crc    = AddToCRC(AddToCRC(0, length, (unsigned char *)head), bytes, array);
    entry[k].size   = (uint32_t)(length + bytes);
    entry[k].offset = offset;
    Put(0x04034b50, 4, file);
    PutEntry(&entry[k], table->name[k], file);
    fprintf(file, "%s.npy", table->name[k]);
    fwrite(head, 1, length, file);
    fwrite(array, 1, bytes, file);
    offset += 30 + (uint32_t)strlen(table->name[k]) + 4 + entry[k].size;
  }
  good = array && entry;
  if (good) PutDirectory(table, n, entry, offset, file);
  free(array);
  free(entry);
  return good ? 0 : ENOMEM;
}
