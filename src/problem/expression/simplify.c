/*
  Algebraic simplification, applied when a node is made: 0 + a, 1 a, a - a, c a + d a, a^2 = a a, a (1 / b), |v|^2 = v v, ...

  A product with an if() of which one branch is 0 goes into the other branch: s ? p : 0 times q is s ? p q : 0. It costs
  nothing, and keeps the derivative of the branch not taken, maybe infinite, out of the result (0 times inf is NaN).
  So do sums under one condition; sums of such terms under different conditions are not followed.
  Numbers are merged only when their product is finite and normal. 0 a is 0, although a may be infinite at a point.
*/
#include "expressionimpl.h"

#define KEY(n)       (g->node[n].key)
#define IS_NUMBER(n) (KEY(n).op == ENGD_OP_NUMBER)
#define POWI_MAX     64.0 /* largest |exponent| evaluated by multiplication */
#define MASK_DEPTH   8    /* nested if()s into which a product goes */

/* a op b, simplified */
static EngdNode Apply(EngdGraph g, EngdOp op, EngdNode a, EngdNode b)
{
  return EngdGraphApply(g, op, a, b, 0);
}

/* a op b as it stands */
static EngdNode Intern(EngdGraph g, EngdOp op, EngdNode a, EngdNode b)
{
  return EngdGraphIntern(g, op, a, b, 0, 0.0);
}

/* a = c base with c a number */
static EngdNode Split(EngdGraph g, EngdNode a, PetscReal *c)
{
  const EngdKey key = KEY(a);

  *c = 1.0;
  if (key.op == ENGD_OP_NUMBER) {
    *c = key.value;
    return ENGD_ONE;
  }
  if (key.op == ENGD_OP_NEG) {
    PetscReal d;
    EngdNode  base = Split(g, key.arg[0], &d); /* once: neg is never of neg or of a multiple */

    *c = -d;
    return base;
  }
  if (key.op != ENGD_OP_MUL || !IS_NUMBER(key.arg[0])) return a;
  *c = KEY(key.arg[0]).value;
  return key.arg[1];
}

/* Is it s ? p : 0 or s ? 0 : p. Nested ones only to a depth, so that long products cost no deep recursion */
static PetscBool IsMasked(EngdGraph g, EngdNode a)
{
  for (PetscInt depth = 0; depth < MASK_DEPTH; depth++) {
    const EngdKey key = KEY(a);

    if (key.op != ENGD_OP_IF || (key.arg[1] != ENGD_ZERO && key.arg[2] != ENGD_ZERO)) return (PetscBool)(depth > 0);
    a = key.arg[1] == ENGD_ZERO ? key.arg[2] : key.arg[1];
  }
  return PETSC_FALSE;
}

/* s ? p op b : 0 for the masked node a = s ? p : 0 */
static EngdNode ApplyMasked(EngdGraph g, EngdOp op, EngdNode a, EngdNode b)
{
  const EngdKey  key = KEY(a);
  const EngdNode p   = key.arg[1] == ENGD_ZERO ? ENGD_ZERO : Apply(g, op, key.arg[1], b);
  const EngdNode q   = key.arg[2] == ENGD_ZERO ? ENGD_ZERO : Apply(g, op, key.arg[2], b);

  return EngdGraphApply(g, ENGD_OP_IF, key.arg[0], p, q);
}

/* c base; the base is no multiple itself */
static EngdNode Scale(EngdGraph g, PetscReal c, EngdNode base)
{
  if (c == 0.0) return ENGD_ZERO;
  if (c == 1.0) return base;
  if (base == ENGD_ONE) return EngdGraphNumber(g, c);
  if (IsMasked(g, base)) return ApplyMasked(g, ENGD_OP_MUL, base, EngdGraphNumber(g, c));
  if (c == -1.0) return Intern(g, ENGD_OP_NEG, base, 0);
  return Intern(g, ENGD_OP_MUL, EngdGraphNumber(g, c), base);
}

/* (s ? p : q) op (s ? p' : q') = s ? p op p' : q op q', or -1 where a and b have no such form */
static EngdNode ApplyBranches(EngdGraph g, EngdOp op, EngdNode a, EngdNode b)
{
  const EngdKey p = KEY(a), q = KEY(b);
  EngdNode      yes, no;

  if (p.op != ENGD_OP_IF || q.op != ENGD_OP_IF || p.arg[0] != q.arg[0]) return -1;
  yes = Apply(g, op, p.arg[1], q.arg[1]);
  no  = Apply(g, op, p.arg[2], q.arg[2]);
  return EngdGraphApply(g, ENGD_OP_IF, p.arg[0], yes, no);
}

/* a + b */
static EngdNode Sum(EngdGraph g, EngdNode a, EngdNode b)
{
  PetscReal     c, d;
  const EngdKey p = KEY(a), q = KEY(b);
  EngdNode      chosen;

  if (a == ENGD_ZERO) return b;
  if (b == ENGD_ZERO) return a;
  if (Split(g, a, &c) == Split(g, b, &d)) return Scale(g, c + d, Split(g, a, &c));
  if (q.op == ENGD_OP_NEG) return Apply(g, ENGD_OP_SUB, a, q.arg[0]);
  if (p.op == ENGD_OP_NEG) return Apply(g, ENGD_OP_SUB, b, p.arg[0]);
  chosen = ApplyBranches(g, ENGD_OP_ADD, a, b);
  return chosen >= 0 ? chosen : Intern(g, ENGD_OP_ADD, a, b);
}

/* a - b */
static EngdNode Difference(EngdGraph g, EngdNode a, EngdNode b)
{
  PetscReal     c, d;
  const EngdKey q = KEY(b);
  EngdNode      chosen;

  if (b == ENGD_ZERO) return a;
  if (a == ENGD_ZERO) return EngdGraphApply(g, ENGD_OP_NEG, b, 0, 0);
  if (Split(g, a, &c) == Split(g, b, &d)) return Scale(g, c - d, Split(g, a, &c));
  if (q.op == ENGD_OP_NEG) return Apply(g, ENGD_OP_ADD, a, q.arg[0]);
  chosen = ApplyBranches(g, ENGD_OP_SUB, a, b);
  return chosen >= 0 ? chosen : Intern(g, ENGD_OP_SUB, a, b);
}

/* -a */
static EngdNode Negative(EngdGraph g, EngdNode a)
{
  PetscReal     c;
  const EngdKey p = KEY(a);

  if (p.op == ENGD_OP_SUB) return Apply(g, ENGD_OP_SUB, p.arg[1], p.arg[0]);
  a = Split(g, a, &c);
  return Scale(g, -c, a);
}

/* a b */
static EngdNode Product(EngdGraph g, EngdNode a, EngdNode b)
{
  PetscReal c, d, e;
  EngdNode  p = Split(g, a, &c), q = Split(g, b, &d), r;

  if (a == ENGD_ZERO || b == ENGD_ZERO) return ENGD_ZERO;
  if (a == b && KEY(a).op == ENGD_OP_NORM) return KEY(a).arg[0];
  if (c != 1.0 && d != 1.0 && !isnormal(c * d)) return Intern(g, ENGD_OP_MUL, a, b);
  if (p == ENGD_ONE) return Scale(g, c * d, q);
  if (q == ENGD_ONE) return Scale(g, c * d, p);
  if (IsMasked(g, p))
    r = ApplyMasked(g, ENGD_OP_MUL, p, q);
  else if (IsMasked(g, q))
    r = ApplyMasked(g, ENGD_OP_MUL, q, p);
  else if (KEY(q).op == ENGD_OP_DIV && KEY(q).arg[0] == ENGD_ONE)
    r = Apply(g, ENGD_OP_DIV, p, KEY(q).arg[1]);
  else if (KEY(p).op == ENGD_OP_DIV && KEY(p).arg[0] == ENGD_ONE)
    r = Apply(g, ENGD_OP_DIV, q, KEY(p).arg[1]);
  else
    r = Intern(g, ENGD_OP_MUL, p, q);
  r = Split(g, r, &e);
  return Scale(g, c * d * e, r);
}

/* a / b */
static EngdNode Quotient(EngdGraph g, EngdNode a, EngdNode b)
{
  const EngdKey p = KEY(a), q = KEY(b);

  if (a == ENGD_ZERO) return ENGD_ZERO;
  if (b == ENGD_ONE) return a;
  if (p.op == ENGD_OP_NEG) return EngdGraphApply(g, ENGD_OP_NEG, Apply(g, ENGD_OP_DIV, p.arg[0], b), 0, 0);
  if (q.op == ENGD_OP_NEG) return EngdGraphApply(g, ENGD_OP_NEG, Apply(g, ENGD_OP_DIV, a, q.arg[0]), 0, 0);
  if (IsMasked(g, a)) return ApplyMasked(g, ENGD_OP_DIV, a, b);
  return Intern(g, ENGD_OP_DIV, a, b);
}

/* a^b: no pow() where multiplication or a root will do */
static EngdNode Power(EngdGraph g, EngdNode a, EngdNode b)
{
  const PetscReal e = KEY(b).value;

  if (!IS_NUMBER(b)) return Intern(g, ENGD_OP_POW, a, b);
  if (e == 0.0) return ENGD_ONE;
  if (e == 1.0) return a;
  if (e == 2.0) return Apply(g, ENGD_OP_MUL, a, a);
  if (e == -1.0) return Apply(g, ENGD_OP_DIV, ENGD_ONE, a);
  if (e == 0.5) return EngdGraphApply(g, ENGD_OP_SQRT, a, 0, 0);
  if (KEY(a).op == ENGD_OP_NORM && e == 2 * PetscFloorReal(e / 2))
    return Power(g, KEY(a).arg[0], EngdGraphNumber(g, e / 2));
  if (e == PetscFloorReal(e) && PetscAbsReal(e) <= POWI_MAX) return Apply(g, ENGD_OP_POWI, a, b);
  if (IS_NUMBER(a)) return EngdGraphNumber(g, PetscPowReal(KEY(a).value, e));
  return Intern(g, ENGD_OP_POW, a, b);
}

/* s ? a : b */
static EngdNode Choice(EngdGraph g, EngdNode s, EngdNode a, EngdNode b)
{
  if (IS_NUMBER(s)) return KEY(s).value != 0.0 ? a : b;
  if (KEY(a).op == ENGD_OP_IF && KEY(a).arg[0] == s) a = KEY(a).arg[1];
  if (KEY(b).op == ENGD_OP_IF && KEY(b).arg[0] == s) b = KEY(b).arg[2];
  return a == b ? a : EngdGraphIntern(g, ENGD_OP_IF, s, a, b, 0.0);
}

EngdNode EngdGraphSimplify(EngdGraph g, EngdOp op, EngdNode a, EngdNode b, EngdNode c)
{
  switch (op) {
  case ENGD_OP_ADD: return Sum(g, a, b);
  case ENGD_OP_SUB: return Difference(g, a, b);
  case ENGD_OP_MUL: return Product(g, a, b);
  case ENGD_OP_DIV: return Quotient(g, a, b);
  case ENGD_OP_NEG: return Negative(g, a);
  case ENGD_OP_POW: return Power(g, a, b);
  case ENGD_OP_IF: return Choice(g, a, b, c);
  default: return EngdGraphIntern(g, op, a, b, c, 0.0);
  }
}
