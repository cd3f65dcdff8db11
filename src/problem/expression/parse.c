/*
  The problem language: text to nodes, by recursive descent.

    text    = sum {";" sum}                 a component each; a vector is as many components as it has entries
    sum     = operands joined by  ||  &&  == !=  < <= > >=  + -  * /   (weakest first; comparisons do not chain)
    operand = {"-" | "+" | "!"} power       so -2^2 = -4
    power   = item {"[" sum "]"} ["^" operand]   so 2^3^2 = 512 and 2^-1 = 1/2
    item    = number | name | name "(" sum {"," sum} ")" | "(" sum ")" | "[" sum {"," sum} "]"

  Arithmetic and functions work entry by entry on vectors and tensors; a scalar goes with every entry. Names: name.c; calls:
  call.c; tensors: tensor.c; complex numbers: complex.c; entries and indexed sums: indexed.c.

  Functions that take part in the descent have no PetscFunctionBegin: builds of PETSc with debugging note it on a stack of 64, of
  which PetscStackCopy() writes the rest over the memory that is allocated there.
*/
#include "expressionimpl.h"

#define DEPTH_MAX 256 /* of nesting: the descent must not exhaust the stack */

static const struct {
  const char *text;
  PetscInt    level;
  PetscBool   comparison;
  EngdOp      op;
} binary[] = {
    {"||", 1, PETSC_FALSE, ENGD_OP_OR}, {"&&", 2, PETSC_FALSE, ENGD_OP_AND}, {"==", 3, PETSC_TRUE, ENGD_OP_EQ},
    {"!=", 3, PETSC_TRUE, ENGD_OP_NE},  {"<", 4, PETSC_TRUE, ENGD_OP_LT},    {"<=", 4, PETSC_TRUE, ENGD_OP_LE},
    {">", 4, PETSC_TRUE, ENGD_OP_GT},   {">=", 4, PETSC_TRUE, ENGD_OP_GE},   {"+", 5, PETSC_FALSE, ENGD_OP_ADD},
    {"-", 5, PETSC_FALSE, ENGD_OP_SUB}, {"*", 6, PETSC_FALSE, ENGD_OP_MUL},  {"/", 6, PETSC_FALSE, ENGD_OP_DIV},
};

/* Room for the nodes of a value */
PetscErrorCode EngdValueCreate(EngdParser *p, PetscBool vector, PetscInt n, EngdValue *value)
{
  PetscFunctionBeginUser;
  *value = (EngdValue){.vector = vector, .n = n, .offset = p->npool};
  p->npool += n;
  PetscCall(EngdReserve(p->npool, sizeof(EngdNode), &p->graph->pool_size, &p->graph->pool));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* value_i = op(arg_0i, arg_1i, ...) */
PetscErrorCode EngdValueApply(EngdParser *p, PetscInt column, EngdOp op, PetscInt nargs, const EngdValue arg[],
                              EngdValue *value)
{
  EngdGraph g = p->graph;
  EngdValue result;
  PetscInt  n = 1, rows = 0;
  PetscBool vector = PETSC_FALSE, paired = PETSC_FALSE;
  char      shape[64], other[64];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < nargs; k++) {
    paired = (PetscBool)(paired || arg[k].paired);
    if (!arg[k].vector) continue;
    if (vector && arg[k].rows != rows) {
      const EngdValue before = {.vector = PETSC_TRUE, .n = n, .rows = rows};

      PetscCall(EngdParserFail(p, column,
                               "a %s and a %s do not go together entry by entry; dot() is the product of tensors and "
                               "vectors",
                               EngdValueShape(&before, sizeof(shape), shape),
                               EngdValueShape(&arg[k], sizeof(other), other)));
    }
    if (vector && arg[k].n != n) {
      PetscCall(EngdParserFail(
          p, column, "vectors of %" PetscInt_FMT " and %" PetscInt_FMT " entries do not go together", n, arg[k].n));
    }
    vector = PETSC_TRUE;
    n      = arg[k].n;
    rows   = arg[k].rows;
  }
  if (paired) {
    PetscCall(EngdComplexApply(p, column, op, nargs, vector, n, arg, value));
    value->rows = rows;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(EngdValueCreate(p, vector, n, &result));
  result.rows = rows;
  for (PetscInt i = 0; i < n; i++) {
    EngdNode node[3] = {ENGD_ZERO, ENGD_ZERO, ENGD_ZERO};

    for (PetscInt k = 0; k < nargs; k++) node[k] = g->pool[arg[k].offset + (arg[k].vector ? i : 0)];
    g->pool[result.offset + i] = EngdGraphApply(g, op, node[0], node[1], node[2]);
  }
  *value = result;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum {"," sum} closing: the values go on the parser's stack */
PetscErrorCode EngdParseArguments(EngdParser *p, const char closing[], PetscInt opened, PetscInt *n)
{
  *n = 0;
  if (EngdParserAt(p, closing)) {
    PetscCall(EngdParserNext(p));
    return PETSC_SUCCESS;
  }
  while (PETSC_TRUE) {
    EngdValue value;

    PetscCall(EngdParseExpression(p, &value));
    PetscCall(EngdReserve(p->nstack + 1, sizeof(value), &p->stack_size, &p->stack));
    p->stack[p->nstack++] = value;
    ++*n;
    if (!EngdParserAt(p, ",")) break;
    PetscCall(EngdParserNext(p));
  }
  PetscCall(EngdParserExpect(p, closing, opened));
  return PETSC_SUCCESS;
}

/* "[" has been seen */
static PetscErrorCode ParseVector(EngdParser *p, EngdValue *value)
{
  const PetscInt opened = p->start, base = p->nstack;
  PetscInt       n;

  PetscCall(EngdParserNext(p));
  PetscCall(EngdParseArguments(p, "]", opened, &n));
  if (n == 0) PetscCall(EngdParserFail(p, opened, "empty vector"));
  PetscCall(EngdValueStack(p, opened, n, p->stack + base, value));
  p->nstack = base;
  return PETSC_SUCCESS;
}

static PetscErrorCode ParseNamed(EngdParser *p, EngdValue *value)
{
  const PetscInt start = p->start;
  char           name[ENGD_NAME_LENGTH];

  if (p->length >= ENGD_NAME_LENGTH) PetscCall(EngdParserFail(p, start, "name too long"));
  PetscCall(PetscMemzero(name, sizeof(name)));
  PetscCall(PetscMemcpy(name, p->text + start, (size_t)p->length));
  PetscCall(EngdParserNext(p));
  if (EngdParserAt(p, "("))
    PetscCall(EngdParseCall(p, start, name, value));
  else
    PetscCall(EngdParseName(p, start, name, value));
  return PETSC_SUCCESS;
}

static PetscErrorCode ParseItem(EngdParser *p, EngdValue *value)
{
  const PetscInt opened = p->start;

  if (p->kind == ENGD_TOKEN_NUMBER) {
    PetscCall(EngdValueCreate(p, PETSC_FALSE, 1, value));
    p->graph->pool[value->offset] = EngdGraphNumber(p->graph, p->number);
    PetscCall(EngdParserNext(p));
  } else if (p->kind == ENGD_TOKEN_NAME) {
    PetscCall(ParseNamed(p, value));
  } else if (EngdParserAt(p, "(")) {
    PetscCall(EngdParserNext(p));
    PetscCall(EngdParseExpression(p, value));
    PetscCall(EngdParserExpect(p, ")", opened));
  } else if (EngdParserAt(p, "[")) {
    PetscCall(ParseVector(p, value));
  } else {
    PetscCall(EngdParserUnexpected(p));
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode ParseOperand(EngdParser *p, EngdValue *value)
{
  const PetscInt column = p->start;
  EngdValue      arg[2];

  if (++p->depth > DEPTH_MAX) PetscCall(EngdParserFail(p, column, "nested too deeply"));
  if (EngdParserAt(p, "-") || EngdParserAt(p, "!")) {
    const EngdOp op = EngdParserAt(p, "-") ? ENGD_OP_NEG : ENGD_OP_NOT;

    PetscCall(EngdParserNext(p));
    PetscCall(ParseOperand(p, arg));
    PetscCall(EngdValueApply(p, column, op, 1, arg, value));
  } else if (EngdParserAt(p, "+")) {
    PetscCall(EngdParserNext(p));
    PetscCall(ParseOperand(p, value));
  } else {
    PetscCall(ParseItem(p, value));
    while (EngdParserAt(p, "[")) PetscCall(EngdParseEntry(p, value));
    if (EngdParserAt(p, "^")) {
      const PetscInt power = p->start;

      PetscCall(EngdParserNext(p));
      arg[0] = *value;
      PetscCall(ParseOperand(p, &arg[1]));
      PetscCall(EngdValueApply(p, power, ENGD_OP_POW, 2, arg, value));
    }
  }
  --p->depth;
  return PETSC_SUCCESS;
}

/* The row of the next token in the table, or -1 where it is no operator of this level or a stronger one */
static PetscInt FindBinary(const EngdParser *p, PetscInt level)
{
  for (PetscInt i = 0; i < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(binary); i++) {
    if (binary[i].level >= level && EngdParserAt(p, binary[i].text)) return i;
  }
  return -1;
}

/* Operands joined by operators of this level or stronger ones, left to right */
static PetscErrorCode ParseBinary(EngdParser *p, PetscInt level, EngdValue *value)
{
  PetscInt last = -1;

  PetscCall(ParseOperand(p, value));
  for (PetscInt i = FindBinary(p, level); i >= 0; last = i, i = FindBinary(p, level)) {
    const PetscInt column = p->start;
    EngdValue      arg[2] = {*value, {.n = 0}};

    if (last >= 0 && binary[i].comparison && binary[i].level == binary[last].level) {
      PetscCall(
          EngdParserFail(p, column, "comparisons do not chain (join them with &&): unexpected '%s'", binary[i].text));
    }
    PetscCall(EngdParserNext(p));
    PetscCall(ParseBinary(p, binary[i].level + 1, &arg[1]));
    PetscCall(EngdValueApply(p, column, binary[i].op, 2, arg, value));
  }
  return PETSC_SUCCESS;
}

PetscErrorCode EngdParseExpression(EngdParser *p, EngdValue *value)
{
  PetscCall(ParseBinary(p, 1, value));
  return PETSC_SUCCESS;
}

/* value <- the expression that is all of the text */
static PetscErrorCode ParseToEnd(EngdParser *p, EngdValue *value)
{
  PetscCall(EngdParserNext(p));
  PetscCall(EngdParseExpression(p, value));
  if (p->kind != ENGD_TOKEN_END) PetscCall(EngdParserUnexpected(p));
  return PETSC_SUCCESS;
}

PetscErrorCode EngdParseAlone(EngdParser *p, EngdValue *value)
{
  PetscErrorCode ierr;

  ierr = ParseToEnd(p, value);
  PetscCall(PetscFree(p->stack));
  PetscCall(ierr);
  return PETSC_SUCCESS;
}

PetscErrorCode EngdParseText(EngdParser *p)
{
  EngdGraph g = p->graph;
  PetscInt  n;

  PetscFunctionBeginUser;
  while (PETSC_TRUE) {
    EngdValue value;

    PetscCall(EngdParserNext(p));
    if (p->kind == ENGD_TOKEN_END || EngdParserAt(p, ";")) PetscCall(EngdParserFail(p, p->start, "empty component"));
    p->npool = 0;
    PetscCall(EngdParseExpression(p, &value));
    if (value.paired && !g->symbols->ncomplex) {
      PetscCall(EngdParserFail(p, 0, "a complex number, where a real one is needed; take re(), im() or abs() of it"));
    }
    n = value.paired ? 2 * value.n : value.n; /* the real parts, then the imaginary ones */
    PetscCall(EngdReserve(g->ncomponents + n, sizeof(EngdNode), &g->components_size, &g->component));
    for (PetscInt i = 0; i < n; i++) g->component[g->ncomponents++] = g->pool[value.offset + i];
    if (p->kind == ENGD_TOKEN_END) break;
    if (!EngdParserAt(p, ";")) PetscCall(EngdParserUnexpected(p));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
