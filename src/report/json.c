/*
  JSON (RFC 8259) as it is written: strings, keys, numbers; those that are not finite as null.
*/
#include <engd/private.h>
#include <engd/json.h>

/* bytes of the UTF-8 character at c, 0 if it is none: too long, a half of a surrogate pair, beyond the last one */
static int CharacterLength(const unsigned char *c)
{
  const int      n    = *c < 0x80                 ? 1
                        : *c >= 0xc2 && *c < 0xe0 ? 2
                        : (*c & 0xf0) == 0xe0     ? 3
                        : *c >= 0xf0 && *c < 0xf5 ? 4
                                                  : 0;
  const unsigned next = n > 1 ? c[1] : 0;

  for (int k = 1; k < n; k++)
    if ((c[k] & 0xc0) != 0x80) return 0;
  if ((*c == 0xe0 && next < 0xa0) || (*c == 0xed && next > 0x9f)) return 0;
  if ((*c == 0xf0 && next < 0x90) || (*c == 0xf4 && next > 0x8f)) return 0;
  return n;
}

/* "text" with what JSON does not allow in a string escaped, what is not UTF-8 replaced; NULL: null */
void EngdJSONString(const char text[], FILE *file)
{
  if (!text) {
    fprintf(file, "null");
    return;
  }
  fputc('"', file);
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    const int n = CharacterLength(c);

    if (n == 0)
      fprintf(file, "\\ufffd");
    else if (n > 1) {
      fwrite(c, 1, (size_t)n, file);
      c += n - 1;
    } else if (*c == '"' || *c == '\\')
      fprintf(file, "\\%c", *c);
    else if (*c < 0x20)
      fprintf(file, "\\u%04x", (unsigned)*c);
    else
      fputc(*c, file);
  }
  fputc('"', file);
}

/* the next key; first or not is the caller's business by the comma it passes */
void EngdJSONKey(const char comma[], const char key[], FILE *file)
{
  fprintf(file, "%s\n  ", comma);
  EngdJSONString(key, file);
  fprintf(file, ": ");
}

void EngdJSONText(const char key[], const char text[], FILE *file)
{
  EngdJSONKey(",", key, file);
  EngdJSONString(text, file);
}

void EngdJSONInteger(const char key[], PetscInt64 value, FILE *file)
{
  EngdJSONKey(",", key, file);
  fprintf(file, "%" PetscInt64_FMT, value);
}

/* a number, null where it is not finite */
void EngdJSONNumber(PetscReal value, FILE *file)
{
  if (PetscIsInfOrNanReal(value))
    fprintf(file, "null");
  else
    fprintf(file, "%.17g", (double)value);
}

void EngdJSONReal(const char key[], PetscReal value, FILE *file)
{
  EngdJSONKey(",", key, file);
  EngdJSONNumber(value, file);
}
