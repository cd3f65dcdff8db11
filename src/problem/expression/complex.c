/*
  Complex values: pairs of real ones, from the text to the graph, which has real numbers alone.

    psi = repsi + i impsi,   (a + ib)(c + id) = (ac - bd) + i(ad + bc),   a/z = a conj(z)/|z|^2,   z^w = exp(w log z)
    exp, sin, cos, sinh, cosh, tanh, log, sqrt by their real and imaginary parts, with the cut of log along the negative axis

  What is linear over the reals, as derivatives, sums over entries and if(), acts on both parts. Whatever else needs real numbers is
  refused. A value that comes out without an imaginary part is a real one.
*/
#include "expressionimpl.h"

#define POWER_MAX 64 /* largest whole exponent that is done by multiplication */

typedef struct {
  EngdNode re, im;
} Complex;

#define RE(op, a, b) EngdGraphApply(g, ENGD_OP_##op, a, b, 0)

static Complex Multiply(EngdGraph g, Complex a, Complex b)
{
  return (Complex){RE(SUB, RE(MUL, a.re, b.re), RE(MUL, a.im, b.im)),
                   RE(ADD, RE(MUL, a.re, b.im), RE(MUL, a.im, b.re))};
}

/* |a|^2 */
static EngdNode Square(EngdGraph g, Complex a)
{
  return RE(ADD, RE(MUL, a.re, a.re), RE(MUL, a.im, a.im));
}

static Complex Divide(EngdGraph g, Complex a, Complex b)
{
  const Complex  product = Multiply(g, a, (Complex){b.re, RE(NEG, b.im, 0)});
  const EngdNode square  = Square(g, b);

  return (Complex){RE(DIV, product.re, square), RE(DIV, product.im, square)};
}

static Complex Exponential(EngdGraph g, Complex a)
{
  const EngdNode size = RE(EXP, a.re, 0);

  return (Complex){RE(MUL, size, RE(COS, a.im, 0)), RE(MUL, size, RE(SIN, a.im, 0))};
}

static Complex Logarithm(EngdGraph g, Complex a)
{
  return (Complex){RE(MUL, EngdGraphNumber(g, 0.5), RE(LOG, Square(g, a), 0)), RE(ATAN2, a.im, a.re)};
}

static Complex Hyperbolic(EngdGraph g, Complex a, PetscBool sine)
{
  const EngdNode c = RE(COSH, a.re, 0), s = RE(SINH, a.re, 0), x = RE(COS, a.im, 0), y = RE(SIN, a.im, 0);

  return sine ? (Complex){RE(MUL, s, x), RE(MUL, c, y)} : (Complex){RE(MUL, c, x), RE(MUL, s, y)};
}

/* i a and -i a */
static Complex Turn(EngdGraph g, Complex a, PetscBool back)
{
  return back ? (Complex){a.im, RE(NEG, a.re, 0)} : (Complex){RE(NEG, a.im, 0), a.re};
}

/* a^e for a whole number e */
static Complex WholePower(EngdGraph g, Complex a, PetscInt e)
{
  const Complex one    = {ENGD_ONE, ENGD_ZERO};
  Complex       result = one;

  for (PetscInt k = PetscAbsInt(e); k; k /= 2, a = Multiply(g, a, a)) {
    if (k % 2) result = Multiply(g, result, a);
  }
  return e < 0 ? Divide(g, one, result) : result;
}

static Complex Power(EngdGraph g, Complex a, Complex b)
{
  const EngdKey   key   = g->node[b.re].key;
  const PetscBool whole = (PetscBool)(b.im == ENGD_ZERO && key.op == ENGD_OP_NUMBER &&
                                      key.value == PetscFloorReal(key.value) && PetscAbsReal(key.value) <= POWER_MAX);

  if (whole) return WholePower(g, a, (PetscInt)key.value);
  return Exponential(g, Multiply(g, b, Logarithm(g, a)));
}

/* result = op(a, b, c) of complex numbers, which is known is false of */
static Complex ApplyTo(EngdGraph g, EngdOp op, const Complex a[], PetscBool *known)
{
  const Complex half = {EngdGraphNumber(g, 0.5), ENGD_ZERO};

  *known = PETSC_TRUE;
  switch (op) {
  case ENGD_OP_ADD: return (Complex){RE(ADD, a[0].re, a[1].re), RE(ADD, a[0].im, a[1].im)};
  case ENGD_OP_SUB: return (Complex){RE(SUB, a[0].re, a[1].re), RE(SUB, a[0].im, a[1].im)};
  case ENGD_OP_MUL: return Multiply(g, a[0], a[1]);
  case ENGD_OP_DIV: return Divide(g, a[0], a[1]);
  case ENGD_OP_NEG: return (Complex){RE(NEG, a[0].re, 0), RE(NEG, a[0].im, 0)};
  case ENGD_OP_POW: return Power(g, a[0], a[1]);
  case ENGD_OP_EXP: return Exponential(g, a[0]);
  case ENGD_OP_LOG: return Logarithm(g, a[0]);
  case ENGD_OP_SQRT: return Power(g, a[0], half);
  case ENGD_OP_SINH: return Hyperbolic(g, a[0], PETSC_TRUE);
  case ENGD_OP_COSH: return Hyperbolic(g, a[0], PETSC_FALSE);
  case ENGD_OP_TANH: return Divide(g, Hyperbolic(g, a[0], PETSC_TRUE), Hyperbolic(g, a[0], PETSC_FALSE));
  case ENGD_OP_SIN: return Turn(g, Hyperbolic(g, Turn(g, a[0], PETSC_FALSE), PETSC_TRUE), PETSC_TRUE);
  case ENGD_OP_COS: return Hyperbolic(g, Turn(g, a[0], PETSC_FALSE), PETSC_FALSE);
  case ENGD_OP_ABS: return (Complex){RE(NORM, Square(g, a[0]), 0), ENGD_ZERO};
  case ENGD_OP_IF:
    if (a[0].im != ENGD_ZERO) break;
    return (Complex){EngdGraphApply(g, ENGD_OP_IF, a[0].re, a[1].re, a[2].re),
                     EngdGraphApply(g, ENGD_OP_IF, a[0].re, a[1].im, a[2].im)};
  default: break;
  }
  *known = PETSC_FALSE;
  return a[0];
}

/* entry i of a value, the only one of a scalar */
static Complex EntryOf(const EngdParser *p, const EngdValue *v, PetscInt i)
{
  const EngdNode *node = p->graph->pool + v->offset;

  if (!v->vector) i = 0;
  return (Complex){node[i], v->paired ? node[v->n + i] : ENGD_ZERO};
}

PetscErrorCode EngdComplexCreate(EngdParser *p, PetscBool vector, PetscInt n, EngdValue *value)
{
  PetscFunctionBeginUser;
  PetscCall(EngdValueCreate(p, vector, 2 * n, value));
  value->n      = n;
  value->paired = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a value without imaginary part is a real one */
static void Settle(const EngdParser *p, EngdValue *value)
{
  PetscBool real = PETSC_TRUE;

  for (PetscInt i = 0; i < value->n; i++) real = (PetscBool)(real && EntryOf(p, value, i).im == ENGD_ZERO);
  value->paired = (PetscBool)!real;
}

static void SetEntry(EngdParser *p, const EngdValue *value, PetscInt i, Complex entry)
{
  p->graph->pool[value->offset + i]            = entry.re;
  p->graph->pool[value->offset + value->n + i] = entry.im;
}

PetscErrorCode EngdComplexApply(EngdParser *p, PetscInt column, EngdOp op, PetscInt nargs, PetscBool vector,
                                PetscInt n, const EngdValue arg[], EngdValue *value)
{
  EngdValue result;
  PetscBool known = PETSC_TRUE;

  PetscFunctionBeginUser;
  PetscCall(EngdComplexCreate(p, vector, n, &result));
  for (PetscInt i = 0; i < n && known; i++) {
    Complex a[3] = {{ENGD_ZERO, ENGD_ZERO}, {ENGD_ZERO, ENGD_ZERO}, {ENGD_ZERO, ENGD_ZERO}};

    for (PetscInt k = 0; k < nargs; k++) a[k] = EntryOf(p, &arg[k], i);
    SetEntry(p, &result, i, ApplyTo(p->graph, op, a, &known));
  }
  if (!known) {
    const char *name = engd_operation[op].name;

    PetscCall(EngdParserFail(p, column,
                             "%s%s needs real numbers, and this one is complex; take re(), im() or abs() of it",
                             name ? name : "this operator", name ? "()" : ""));
  }
  Settle(p, &result);
  *value = result;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdComplexPart(EngdParser *p, const EngdValue *arg, PetscBool imaginary, EngdValue *part)
{
  PetscFunctionBeginUser;
  PetscCall(EngdValueCreate(p, arg->vector, arg->n, part));
  part->rows = arg->rows;
  for (PetscInt i = 0; i < arg->n; i++) {
    const Complex entry = EntryOf(p, arg, i);

    p->graph->pool[part->offset + i] = imaginary ? entry.im : entry.re;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdComplexJoin(EngdParser *p, const EngdValue *re, const EngdValue *im, EngdValue *value)
{
  EngdValue result;

  PetscFunctionBeginUser;
  PetscCall(EngdComplexCreate(p, re->vector, re->n, &result));
  for (PetscInt i = 0; i < re->n; i++) SetEntry(p, &result, i, (Complex){EntryOf(p, re, i).re, EntryOf(p, im, i).re});
  Settle(p, &result);
  result.rows = re->rows;
  *value      = result;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* re(z), im(z), conj(z), arg(z), which the operation stands for: ADD, SUB, NEG, ATAN2 */
PetscErrorCode EngdComplexFunction(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                                   EngdValue *value)
{
  EngdValue re, im;

  PetscFunctionBeginUser;
  (void)n;
  PetscCall(EngdComplexPart(p, arg, PETSC_FALSE, &re));
  PetscCall(EngdComplexPart(p, arg, PETSC_TRUE, &im));
  if (op == ENGD_OP_ADD) *value = re;
  if (op == ENGD_OP_SUB) *value = im;
  if (op == ENGD_OP_NEG) {
    PetscCall(EngdValueApply(p, column, op, 1, &im, &im));
    PetscCall(EngdComplexJoin(p, &re, &im, value));
  }
  if (op == ENGD_OP_ATAN2) {
    const EngdValue pair[2] = {im, re};

    PetscCall(EngdValueApply(p, column, op, 2, pair, value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
