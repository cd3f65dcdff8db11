/*
  The options in the summary of a run, so that -options_file run.json repeats it.

  A summary is a JSON object with an object `options` of strings, or nulls where an option has no value (RFC 8259). What else
  it holds is passed over by its brackets and quotes alone. Plain C, on one rank, before PETSc is up.
*/
#include <engd/private.h>
#include <engd/json.h>
#include <stdlib.h>

static const char *SkipBlanks(const char *c)
{
  return c + strspn(c, " \t\r\n");
}

/* the end of the string that begins at c, behind its quote; NULL if it has none */
static const char *StringEnd(const char *c)
{
  if (*c != '"') return NULL;
  for (c++; *c && *c != '"'; c++)
    if (*c == '\\' && !*++c) return NULL;
  return *c ? c + 1 : NULL;
}

/* the end of any value; NULL if there is none */
static const char *ValueEnd(const char *c)
{
  long depth = 0;

  c = SkipBlanks(c);
  do {
    if (*c == '"')
      c = StringEnd(c);
    else if (*c == '{' || *c == '[')
      depth++, c++;
    else if (*c == '}' || *c == ']')
      depth--, c++;
    else if (depth && (*c == ',' || *c == ':'))
      c++;
    else {
      const size_t n = strcspn(c, ",:{}[]\" \t\r\n");

      if (!n) return NULL;
      c += n;
    }
    if (c) c = SkipBlanks(c);
  } while (c && *c && depth > 0);
  return depth == 0 ? c : NULL;
}

/* to <- the character of this number in UTF-8; its length */
static size_t PutCharacter(unsigned long number, char to[4])
{
  if (number < 0x80) {
    to[0] = (char)number;
    return 1;
  }
  if (number < 0x800) {
    to[0] = (char)(0xc0 | number >> 6);
    to[1] = (char)(0x80 | (number & 0x3f));
    return 2;
  }
  to[0] = (char)(0xe0 | number >> 12);
  to[1] = (char)(0x80 | (number >> 6 & 0x3f));
  to[2] = (char)(0x80 | (number & 0x3f));
  return 3;
}

/* the text of the string at c, to be freed; NULL if it is none that an option can be: surrogates, zeros */
static char *TakeString(const char *c)
{
  const char *end  = StringEnd(c);
  char       *text = end ? malloc((size_t)(end - c)) : NULL;
  size_t      n    = 0;

  for (c++; text && c + 1 < end; c++) {
    static const char *const from = "\"\\/bfnrt", *const to = "\"\\/\b\f\n\r\t";
    const char   *at;
    char          digits[5] = "";
    unsigned long number;

    if (*c != '\\') {
      text[n++] = *c;
      continue;
    }
    c++;
    at = strchr(from, *c);
    if (at) {
      text[n++] = to[at - from];
      continue;
    }
    memcpy(digits, c + 1, end - c > 5 ? 4 : 0);
    number = *c == 'u' && strspn(digits, "0123456789abcdefABCDEF") == 4 ? strtoul(digits, NULL, 16) : 0;
    if (!number || (number >= 0xd800 && number < 0xe000)) {
      free(text);
      return NULL;
    }
    n += PutCharacter(number, text + n);
    c += 4;
  }
  if (text) text[n] = 0;
  return text;
}

/* the value behind the key at c, NULL if there is none */
static const char *BehindKey(const char *c)
{
  c = StringEnd(c);
  if (c) c = SkipBlanks(c);
  return c && *c == ':' ? SkipBlanks(c + 1) : NULL;
}

/* the object `options` of the outermost one, or NULL */
static const char *FindOptions(const char text[])
{
  const char *c = SkipBlanks(text);

  if (*c != '{') return NULL;
  for (c = SkipBlanks(c + 1); c && *c == '"'; c = *c == ',' ? SkipBlanks(c + 1) : NULL) {
    const char *value = BehindKey(c);

    if (value && !strncmp(c, "\"options\"", 9) && *value == '{') return value;
    c = value ? ValueEnd(value) : NULL;
    if (!c) return NULL;
  }
  return NULL;
}

PetscBool EngdIsSummary(const char text[])
{
  return FindOptions(text) ? PETSC_TRUE : PETSC_FALSE;
}

/* one option; false where it is of no use */
static PetscBool VisitOption(const char *key, const char *value, EngdJSONVisitor visit, void *data)
{
  char     *name = TakeString(key), *text = *value == '"' ? TakeString(value) : NULL;
  PetscBool good = PETSC_FALSE;

  if (name && (text || !strncmp(value, "null", 4))) good = (*visit)(data, name, text);
  free(name);
  free(text);
  return good;
}

PetscBool EngdSummaryVisit(const char text[], EngdJSONVisitor visit, void *data)
{
  const char *c    = FindOptions(text);
  PetscBool   good = PETSC_TRUE;

  if (!c) return PETSC_FALSE;
  c = SkipBlanks(c + 1);
  while (good && c && *c == '"') {
    const char *value = BehindKey(c);

    good = value && VisitOption(c, value, visit, data) ? PETSC_TRUE : PETSC_FALSE;
    c    = value ? ValueEnd(value) : NULL;
    if (c && *c == ',') c = SkipBlanks(c + 1);
  }
  return good && c && *c == '}' ? PETSC_TRUE : PETSC_FALSE;
}
