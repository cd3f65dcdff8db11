/*
  Tokens of the problem language, and its error messages: "-pde_residual: unexpected ')' at column 12: "lap(u) + 2*)"".
  Columns count bytes from 1. Of a long text the part around the column is shown.
*/
#include "expressionimpl.h"
#include <ctype.h>
#include <stdarg.h>

#define QUOTE_LENGTH 160

/* The text, or what is around the column of a long one, on one line */
static void Quote(const char text[], PetscInt column, char quote[QUOTE_LENGTH + 8])
{
  const PetscInt length = (PetscInt)strlen(text);
  PetscInt       from = length <= QUOTE_LENGTH ? 0 : PetscMax(0, column - QUOTE_LENGTH / 2), n = 0;
  const PetscInt to = PetscMin(length, from + QUOTE_LENGTH);

  if (from > 0) {
    for (; n < 3; n++) quote[n] = '.';
  }
  for (; from < to; from++) quote[n++] = iscntrl((unsigned char)text[from]) ? ' ' : text[from];
  if (to < length) {
    for (PetscInt i = 0; i < 3; i++) quote[n++] = '.';
  }
  quote[n] = '\0';
}

/* column: the first is 0 */
PetscErrorCode EngdParserFail(EngdParser *p, PetscInt column, const char format[], ...)
{
  char    message[2 * ENGD_FAULT_LENGTH], quote[QUOTE_LENGTH + 8];
  va_list arguments;

  PetscFunctionBeginUser;
  va_start(arguments, format);
  vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  Quote(p->text, column, quote);
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%.128s: %s at column %" PetscInt_FMT ": \"%s\"", p->option, message,
          column + 1, quote);
}

PetscBool EngdParserAt(const EngdParser *p, const char operation[])
{
  return (PetscBool)(p->kind == ENGD_TOKEN_OPERATOR && (size_t)p->length == strlen(operation) &&
                     strncmp(p->text + p->start, operation, (size_t)p->length) == 0);
}

PetscErrorCode EngdParserUnexpected(EngdParser *p)
{
  const char *hint = "";

  PetscFunctionBeginUser;
  if (p->kind == ENGD_TOKEN_END) PetscCall(EngdParserFail(p, p->start, "unexpected end"));
  if (p->kind == ENGD_TOKEN_NAME || p->kind == ENGD_TOKEN_NUMBER || EngdParserAt(p, "("))
    hint = ", with no operator such as * before it"; /* where an operand may stand these begin one */
  if (p->start && EngdParserAt(p, "*") && p->text[p->start - 1] == '*') hint = "; a power is x^2";
  PetscCall(
      EngdParserFail(p, p->start, "unexpected '%.*s'%s", (int)PetscMin(p->length, 40), p->text + p->start, hint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The next token must be this closing bracket of the one at column `opened`; goes on behind it */
PetscErrorCode EngdParserExpect(EngdParser *p, const char operation[], PetscInt opened)
{
  PetscFunctionBeginUser;
  if (p->kind == ENGD_TOKEN_END) {
    PetscCall(EngdParserFail(p, p->start, "missing '%s' for the '%c' of column %" PetscInt_FMT, operation,
                             p->text[opened], opened + 1));
  }
  if (!EngdParserAt(p, operation)) PetscCall(EngdParserUnexpected(p));
  PetscCall(EngdParserNext(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A number at text[start]: digits, point, exponent; neither hexadecimal nor inf nor nan */
static PetscErrorCode ReadNumber(EngdParser *p)
{
  const char *at = p->text + p->start;
  char       *end;

  PetscFunctionBeginUser;
  p->kind   = ENGD_TOKEN_NUMBER;
  p->number = strtod(at, &end);
  p->length = (PetscInt)(end - at);
  if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
    p->number = 0.0;
    p->length = 1;
  }
  if (!isfinite(p->number)) PetscCall(EngdParserFail(p, p->start, "number too large"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdParserNext(EngdParser *p)
{
  static const char *const operations[] = {"||", "&&", "<=", ">=", "==", "!=", "<", ">", "+", "-",
                                           "*",  "/",  "^",  "!",  "(",  ")",  "[", "]", ",", ";"};
  const char              *at;

  PetscFunctionBeginUser;
  p->start += p->length;
  while (isspace((unsigned char)p->text[p->start])) p->start++;
  at        = p->text + p->start;
  p->length = 0;
  p->kind   = ENGD_TOKEN_END;
  if (!*at) PetscFunctionReturn(PETSC_SUCCESS);
  if (isdigit((unsigned char)at[0]) || (at[0] == '.' && isdigit((unsigned char)at[1]))) {
    PetscCall(ReadNumber(p));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (isalpha((unsigned char)at[0])) {
    p->kind = ENGD_TOKEN_NAME;
    while (isalnum((unsigned char)at[p->length]) || at[p->length] == '_') p->length++;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  p->kind = ENGD_TOKEN_OPERATOR;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(operations); i++) {
    p->length = (PetscInt)strlen(operations[i]);
    if (strncmp(at, operations[i], (size_t)p->length) == 0) PetscFunctionReturn(PETSC_SUCCESS);
  }
  p->length = 0;
  if (at[0] == '=')
    PetscCall(EngdParserFail(
        p, p->start, "unexpected character '=' (of an equation l = r the residual is l - r; a comparison is ==)"));
  if (isprint((unsigned char)at[0])) PetscCall(EngdParserFail(p, p->start, "unexpected character '%c'", at[0]));
  PetscCall(EngdParserFail(p, p->start, "unexpected byte 0x%02x", (unsigned)(unsigned char)at[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
