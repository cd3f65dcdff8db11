/*
  Calls: the elementwise functions of functions.c by their names, and here those that see a vector or a derivative.

    min max (any number of arguments, entry by entry; of one vector: over its entries)   sum(v) prod(v)
    sum(i, m, n, e), over whole numbers i: indexed.c
    normsq(v) = dot(v, v)      norm2(v) = sqrt(dot(v, v)), whose derivative at v = 0 is taken as 0
    d(e, x) = total derivative of any e by a coordinate, d(e, x, y, ...) = d(d(e, x), y, ...)
    grad(e) = [d(e, x_1), ..., d(e, x_nspace)]    div(v) = sum_i d(v_i, x_i)    of tensors, and those products: tensor.c
    curl(v) in space, of (v_1, v_2) in the plane the number d(v_2, x_1) - d(v_1, x_2), of a number psi there [psi_x2, -psi_x1]
    re im conj arg of complex numbers (complex.c); derivatives and sums act on both parts
    lap(e) = sum_i d(d(e, x_i), x_i): of an entry of the jet itself, such as u, u_t, lap(u), one more entry
*/
#include "expressionimpl.h"

#define ANY_NUMBER PETSC_MAX_INT

typedef struct {
  const char *name;
  PetscInt    min_args, max_args;
  EngdOp      op;
  PetscErrorCode (*apply)(EngdParser *, PetscInt column, EngdOp, PetscInt n, const EngdValue arg[], EngdValue *);
  PetscBool linear; /* over the reals in its first argument, so that it acts on the parts of a complex one */
} Function;

/* the same of complex entries */
static PetscErrorCode ReduceComplex(EngdParser *p, PetscInt column, EngdOp op, const EngdValue *arg, EngdValue *value)
{
  EngdGraph g = p->graph;
  EngdValue pair[2];

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < arg->n; i++) {
    PetscCall(EngdComplexCreate(p, PETSC_FALSE, 1, &pair[1]));
    g->pool[pair[1].offset]     = g->pool[arg->offset + i];
    g->pool[pair[1].offset + 1] = g->pool[arg->offset + arg->n + i];
    if (i) PetscCall(EngdValueApply(p, column, op, 2, pair, &pair[1]));
    pair[0] = pair[1];
  }
  *value = pair[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a_0 op a_1 op ... over the entries of a vector */
static PetscErrorCode ApplyReduce(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                                  EngdValue *value)
{
  EngdGraph g = p->graph;
  EngdNode  result;

  PetscFunctionBeginUser;
  (void)n;
  if (arg->paired) {
    PetscCall(ReduceComplex(p, column, op, arg, value));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  result = g->pool[arg->offset];
  for (PetscInt i = 1; i < arg->n; i++) result = EngdGraphApply(g, op, result, g->pool[arg->offset + i], 0);
  PetscCall(EngdValueCreate(p, PETSC_FALSE, 1, value));
  g->pool[value->offset] = result;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* arg_0 op arg_1 op ..., entry by entry */
static PetscErrorCode ApplyFold(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                                EngdValue *value)
{
  PetscFunctionBeginUser;
  if (n == 1)
    PetscCall(ApplyReduce(p, column, op, n, arg, value));
  else
    *value = arg[0];
  for (PetscInt k = 1; k < n; k++) {
    const EngdValue pair[2] = {*value, arg[k]};

    PetscCall(EngdValueApply(p, column, op, 2, pair, value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_i a_i^2 (op MUL), or its root (op NORM) */
static PetscErrorCode ApplyNorm(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                                EngdValue *value)
{
  EngdValue pair[2] = {arg[0], arg[0]};

  PetscFunctionBeginUser;
  (void)n;
  if (arg->paired) { /* |a_i|, whose squares are those of the parts */
    PetscCall(EngdValueApply(p, column, ENGD_OP_ABS, 1, arg, &pair[0]));
    pair[1] = pair[0];
  }
  pair[0].rows = pair[1].rows = 0; /* of a tensor over all of its entries */
  PetscCall(EngdTensorDot(p, column, ENGD_OP_MUL, 2, pair, value));
  if (op == ENGD_OP_NORM) PetscCall(EngdValueApply(p, column, op, 1, value, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d e_i / d x, and an error where there is none */
static PetscErrorCode Derivative(EngdParser *p, PetscInt column, EngdNode e, PetscInt coordinate,
                                 EngdNode *derivative)
{
  PetscFunctionBeginUser;
  PetscCall(EngdGraphTotalDerivative(p->graph, e, coordinate, derivative));
  if (p->graph->fault[0]) PetscCall(EngdParserFail(p, column, "%s", p->graph->fault));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyD(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                             EngdValue *value)
{
  EngdGraph g = p->graph;

  PetscFunctionBeginUser;
  (void)op;
  PetscCall(EngdValueCreate(p, arg[0].vector, arg[0].n, value));
  value->rows = arg[0].rows;
  for (PetscInt i = 0; i < value->n; i++) g->pool[value->offset + i] = g->pool[arg[0].offset + i];
  for (PetscInt k = 1; k < n; k++) {
    const EngdKey x = g->node[g->pool[arg[k].offset]].key;

    if (arg[k].vector || x.op != ENGD_OP_X) {
      PetscCall(EngdParserFail(p, column, "%s argument of d() must be a coordinate",
                               k == 1 ? "the second" : "each further"));
    }
    for (PetscInt i = 0; i < value->n; i++) {
      PetscCall(Derivative(p, column, g->pool[value->offset + i], x.arg[0], &g->pool[value->offset + i]));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* of a number a vector, of a vector the tensor d v_i / d x_j */
static PetscErrorCode ApplyGrad(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                                EngdValue *value)
{
  EngdGraph       g      = p->graph;
  const EngdValue v      = arg[0];
  const PetscInt  nspace = g->symbols->nspace;

  PetscFunctionBeginUser;
  (void)op;
  (void)n;
  if (v.rows) {
    PetscCall(EngdParserFail(p, column,
                             "grad() needs a number or a vector, not a tensor; write d() of it by each coordinate"));
  }
  PetscCall(EngdValueCreate(p, PETSC_TRUE, v.n * nspace, value));
  value->rows = v.vector ? v.n : 0;
  for (PetscInt i = 0; i < value->n; i++)
    PetscCall(Derivative(p, column, g->pool[v.offset + i / nspace], i % nspace, &g->pool[value->offset + i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_j d v_j / d x_j, of a tensor row by row */
static PetscErrorCode ApplyDiv(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                               EngdValue *value)
{
  EngdGraph       g     = p->graph;
  const EngdValue v     = arg[0];
  const PetscInt  nrows = v.rows ? v.rows : 1, width = g->symbols->nspace;
  EngdValue       terms;
  char            shape[64];

  PetscFunctionBeginUser;
  if (v.n != nrows * width) {
    PetscCall(EngdParserFail(p, column,
                             "div() needs a vector of %" PetscInt_FMT " entries, not %" PetscInt_FMT
                             ", or a tensor of such rows; this is a %s",
                             width, v.n / nrows, EngdValueShape(&v, sizeof(shape), shape)));
  }
  PetscCall(EngdValueCreate(p, v.rows ? PETSC_TRUE : PETSC_FALSE, nrows, value));
  for (PetscInt i = 0; i < nrows; i++) {
    EngdValue sum;

    PetscCall(EngdValueCreate(p, PETSC_TRUE, width, &terms));
    for (PetscInt j = 0; j < width; j++)
      PetscCall(Derivative(p, column, g->pool[v.offset + i * width + j], j, &g->pool[terms.offset + j]));
    PetscCall(ApplyReduce(p, column, op, n, &terms, &sum));
    g->pool[value->offset + i] = g->pool[sum.offset];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d^2 u / d x_i d x_j, symmetric */
static PetscErrorCode ApplyHess(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                                EngdValue *value)
{
  EngdGraph       g = p->graph;
  const EngdValue u = arg[0];
  const PetscInt  d = g->symbols->nspace;
  EngdNode        first;

  PetscFunctionBeginUser;
  (void)op;
  (void)n;
  if (u.vector) PetscCall(EngdParserFail(p, column, "hess() needs a number; write hess() of each entry"));
  PetscCall(EngdValueCreate(p, PETSC_TRUE, d * d, value));
  value->rows = d;
  for (PetscInt i = 0; i < d; i++) {
    PetscCall(Derivative(p, column, g->pool[u.offset], i, &first));
    for (PetscInt j = i; j < d; j++) {
      PetscCall(Derivative(p, column, first, j, &g->pool[value->offset + i * d + j]));
      g->pool[value->offset + j * d + i] = g->pool[value->offset + i * d + j];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyCurl(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                                EngdValue *value)
{
  EngdGraph       g      = p->graph;
  const PetscInt  d      = g->symbols->nspace;
  const PetscBool stream = (PetscBool)(d == 2 && !arg->vector);
  EngdNode        plus, minus;

  PetscFunctionBeginUser;
  (void)op;
  (void)n;
  if (!stream && !(arg->vector && !arg->rows && arg->n == d && (d == 2 || d == 3))) {
    PetscCall(
        EngdParserFail(p, column,
                       "curl() is of a vector of 2 or 3 entries in as many space coordinates, or of a number in "
                       "the plane"));
  }
  if (stream) {
    PetscCall(EngdValueCreate(p, PETSC_TRUE, 2, value));
    PetscCall(Derivative(p, column, g->pool[arg->offset], 1, &g->pool[value->offset]));
    PetscCall(Derivative(p, column, g->pool[arg->offset], 0, &minus));
    g->pool[value->offset + 1] = EngdGraphApply(g, ENGD_OP_NEG, minus, 0, 0);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(EngdValueCreate(p, d == 3, d == 3 ? 3 : 1, value));
  for (PetscInt i = 0; i < value->n; i++) {
    const PetscInt a = d == 3 ? (i + 1) % 3 : 0, b = d == 3 ? (i + 2) % 3 : 1;

    PetscCall(Derivative(p, column, g->pool[arg->offset + b], a, &plus));
    PetscCall(Derivative(p, column, g->pool[arg->offset + a], b, &minus));
    g->pool[value->offset + i] = EngdGraphApply(g, ENGD_OP_SUB, plus, minus, 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyLap(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                               EngdValue *value)
{
  EngdGraph g = p->graph;

  PetscFunctionBeginUser;
  (void)op;
  (void)n;
  PetscCall(EngdValueCreate(p, arg->vector, arg->n, value));
  value->rows = arg->rows;
  for (PetscInt i = 0; i < arg->n; i++) {
    PetscCall(EngdGraphLaplacian(g, g->pool[arg->offset + i], &g->pool[value->offset + i]));
    if (g->fault[0]) PetscCall(EngdParserFail(p, column, "%s", g->fault));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const Function function[] = {
    {"min", 1, ANY_NUMBER, ENGD_OP_MIN, ApplyFold, PETSC_FALSE},
    {"max", 1, ANY_NUMBER, ENGD_OP_MAX, ApplyFold, PETSC_FALSE},
    {"heaviside", 1, 1, ENGD_OP_STEP, EngdValueApply, PETSC_FALSE},
    {"sum", 1, 1, ENGD_OP_ADD, ApplyReduce, PETSC_FALSE},
    {"prod", 1, 1, ENGD_OP_MUL, ApplyReduce, PETSC_FALSE},
    {"dot", 2, 2, ENGD_OP_MUL, EngdTensorDot, PETSC_FALSE},
    {"ddot", 2, 2, ENGD_OP_MUL, EngdTensorDdot, PETSC_FALSE},
    {"outer", 2, 2, ENGD_OP_MUL, EngdTensorOuter, PETSC_FALSE},
    {"transpose", 1, 1, ENGD_OP_ADD, EngdTensorTranspose, PETSC_FALSE},
    {"sym", 1, 1, ENGD_OP_ADD, EngdTensorSym, PETSC_FALSE},
    {"trace", 1, 1, ENGD_OP_ADD, EngdTensorTrace, PETSC_FALSE},
    {"identity", 0, 1, ENGD_OP_ADD, EngdTensorIdentity, PETSC_FALSE},
    {"norm2", 1, 1, ENGD_OP_NORM, ApplyNorm, PETSC_FALSE},
    {"normsq", 1, 1, ENGD_OP_MUL, ApplyNorm, PETSC_FALSE},
    {"re", 1, 1, ENGD_OP_ADD, EngdComplexFunction, PETSC_FALSE},
    {"im", 1, 1, ENGD_OP_SUB, EngdComplexFunction, PETSC_FALSE},
    {"conj", 1, 1, ENGD_OP_NEG, EngdComplexFunction, PETSC_FALSE},
    {"arg", 1, 1, ENGD_OP_ATAN2, EngdComplexFunction, PETSC_FALSE},
    {"d", 2, ANY_NUMBER, ENGD_OP_JET, ApplyD, PETSC_TRUE},
    {"grad", 1, 1, ENGD_OP_JET, ApplyGrad, PETSC_TRUE},
    {"hess", 1, 1, ENGD_OP_JET, ApplyHess, PETSC_TRUE},
    {"div", 1, 1, ENGD_OP_ADD, ApplyDiv, PETSC_TRUE},
    {"curl", 1, 1, ENGD_OP_JET, ApplyCurl, PETSC_TRUE},
    {"lap", 1, 1, ENGD_OP_JET, ApplyLap, PETSC_TRUE},
};

/* Name i of all functions, with "" between them; NULL behind the last */
const char *EngdFunctionName(PetscInt i)
{
  const PetscInt special = (PetscInt)PETSC_STATIC_ARRAY_LENGTH(function);

  if (i < special) return function[i].name;
  if (i >= special + ENGD_NOPS) return EngdNamedName(i - special - ENGD_NOPS);
  return engd_operation[i - special].name ? engd_operation[i - special].name : "";
}

PetscBool EngdFunctionIsKnown(const char name[])
{
  PetscInt i = 0;

  while (EngdFunctionName(i) && strcmp(EngdFunctionName(i), name) != 0) i++;
  return (PetscBool)(EngdFunctionName(i) != NULL);
}

/* f(a) of number f of named.c: the operation has that number and the order of the derivative, 0, as arguments */
static PetscErrorCode ApplyNamed(EngdParser *p, PetscInt column, PetscInt number, const EngdValue *a,
                                 EngdValue *value)
{
  EngdValue arg[3] = {*a};

  PetscFunctionBeginUser;
  for (PetscInt k = 1; k < 3; k++) {
    PetscCall(EngdValueCreate(p, PETSC_FALSE, 1, &arg[k]));
    p->graph->pool[arg[k].offset] = EngdGraphNumber(p->graph, k == 1 ? (PetscReal)number : 0.0);
  }
  PetscCall(EngdValueApply(p, column, ENGD_OP_NAMED, 3, arg, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The function of this name; those of this file first, as min and max take more here */
static PetscBool FindFunction(const char name[], Function *found)
{
  const PetscInt special = (PetscInt)PETSC_STATIC_ARRAY_LENGTH(function);
  PetscInt       i       = 0;

  while (EngdFunctionName(i) && strcmp(EngdFunctionName(i), name) != 0) i++;
  if (!EngdFunctionName(i)) return PETSC_FALSE;
  if (i < special)
    *found = function[i];
  else if (i >= special + ENGD_NOPS)
    *found = (Function){name, 1, 1, ENGD_OP_NAMED, NULL, PETSC_FALSE};
  else {
    const EngdOp   op    = (EngdOp)(i - special);
    const PetscInt nargs = engd_operation[op].nargs;

    *found = (Function){engd_operation[op].name, nargs, nargs, op, EngdValueApply, PETSC_FALSE};
  }
  return PETSC_TRUE;
}

/* f(re) + i f(im) of a complex first argument */
static PetscErrorCode ApplyToParts(EngdParser *p, PetscInt column, const Function *f, PetscInt n, EngdValue arg[],
                                   EngdValue *value)
{
  const EngdValue whole = arg[0];
  EngdValue       part[2];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < 2; k++) {
    PetscCall(EngdComplexPart(p, &whole, (PetscBool)(k == 1), &arg[0]));
    PetscCall(f->apply(p, column, f->op, n, arg, &part[k]));
  }
  PetscCall(EngdComplexJoin(p, &part[0], &part[1], value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The "(" behind the name is the next token */
PetscErrorCode EngdParseCall(EngdParser *p, PetscInt start, const char name[], EngdValue *value)
{
  const PetscInt opened = p->start, base = p->nstack, defined = EngdFindDefinition(p, name),
                 table = EngdTabulatedFind(p->graph->symbols, name);
  Function  f          = {NULL, 0, 0, ENGD_OP_JET, NULL, PETSC_FALSE};
  PetscInt  n;
  PetscBool done;

  PetscCall(EngdParseAliasCall(p, start, name, &done, value));
  if (done) return PETSC_SUCCESS;
  if (!strcmp(name, "sum")) {
    PetscCall(EngdParseIndexedSum(p, start, &done, value));
    if (done) return PETSC_SUCCESS;
  }
  if (defined >= 0)
    f.min_args = f.max_args = p->graph->symbols->definition[defined].nargs;
  else if (table >= 0)
    f.min_args = f.max_args = EngdTabulatedArguments(p->graph->symbols->table[table]);
  else if (!FindFunction(name, &f))
    PetscCall(EngdNameUnknown(p, start, name, PETSC_TRUE));
  PetscCall(EngdParserNext(p));
  PetscCall(EngdParseArguments(p, ")", opened, &n));
  if (n < f.min_args || n > f.max_args) {
    PetscCall(EngdParserFail(p, start, "%s() takes %s%" PetscInt_FMT " argument%s, not %" PetscInt_FMT, name,
                             f.max_args > f.min_args ? "at least " : "", f.min_args, f.min_args == 1 ? "" : "s", n));
  }
  p->graph->fault[0] = '\0';
  if (defined >= 0)
    PetscCall(EngdParseDefinition(p, defined, p->stack + base, value));
  else if (table >= 0)
    PetscCall(EngdTabulatedApply(p, start, table, p->stack + base, value));
  else if (f.op == ENGD_OP_NAMED)
    PetscCall(ApplyNamed(p, start, EngdNamedFind(name), p->stack + base, value));
  else if (f.linear && p->stack[base].paired)
    PetscCall(ApplyToParts(p, start, &f, n, p->stack + base, value));
  else
    PetscCall(f.apply(p, start, f.op, n, p->stack + base, value));
  p->nstack = base;
  return PETSC_SUCCESS;
}
