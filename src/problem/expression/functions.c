/*
  The operations of the problem language: one row each with its kernel y = f(a, b, c) over a strip of points and its
  partial derivatives as nodes of the graph. A new named function is one line here, one in EngdOp and its row.

  Conventions: step(x) = 1 for x >= 0; mod(a, b) = a - b floor(a / b), so of the sign of b; truth is 1, falsehood 0.
  At kinks abs, min, max have the derivative of one side or 0, and sqrt of a sum of squares (norm2, hypot) has 0 at 0.
  Derivatives of floor, ceil, sign, step and comparisons are 0: distributions are not represented.
*/
#include "expressionimpl.h"

/* In a derivative: a, b, c are the nodes of the arguments, f the node of the value */
#define NUM(v)          EngdGraphNumber(g, v)
#define F1(op, p)       EngdGraphApply(g, ENGD_OP_##op, p, 0, 0)
#define F2(op, p, q)    EngdGraphApply(g, ENGD_OP_##op, p, q, 0)
#define IF(s, p, q)     EngdGraphApply(g, ENGD_OP_IF, s, p, q)
#define SQUARE(p)       F2(MUL, p, p)
#define ONE_PLUS(p)     F2(ADD, NUM(1.0), p)
#define ONE_MINUS(p)    F2(SUB, NUM(1.0), p)
#define RECIPROCAL(p)   F2(DIV, NUM(1.0), p)
#define TWO_OVER_SQRTPI 1.1283791670955125739

/* Here a[i], b[i], c[i] are the numbers. What is no number comes out as such, but for comparisons, of which it fulfils != alone */
#define NOT_NAN(v, formula) ((v) != (v) ? (v) : (formula))
#define KERNEL(Name, formula)                                                                                        \
  static void Kernel##Name(PetscInt n, const PetscReal *const v[], PetscReal *restrict y)                            \
  {                                                                                                                  \
    const PetscReal *const a = v[0], *const b = v[1], *const c = v[2];                                               \
    (void)b;                                                                                                         \
    (void)c;                                                                                                         \
    for (PetscInt i = 0; i < n; i++) y[i] = formula;                                                                 \
  }

#define PARTIAL(Name, da, db, dc)                                                                                    \
  static EngdNode Partial##Name(EngdGraph g, EngdNode f, PetscInt k)                                                 \
  {                                                                                                                  \
    const EngdNode a = g->node[f].key.arg[0], b = g->node[f].key.arg[1], c = g->node[f].key.arg[2];                  \
    (void)a;                                                                                                         \
    (void)b;                                                                                                         \
    (void)c;                                                                                                         \
    return k == 0 ? (da) : k == 1 ? (db) : (dc);                                                                     \
  }

#define UNARY(Name, formula, da)      KERNEL(Name, formula) PARTIAL(Name, da, ENGD_ZERO, ENGD_ZERO)
#define BINARY(Name, formula, da, db) KERNEL(Name, formula) PARTIAL(Name, da, db, ENGD_ZERO)

/* clang-format off */
BINARY(Add,   a[i] + b[i],                    ENGD_ONE, ENGD_ONE)
BINARY(Sub,   a[i] - b[i],                    ENGD_ONE, NUM(-1.0))
BINARY(Mul,   a[i] * b[i],                    b, a)
BINARY(Div,   a[i] / b[i],                    RECIPROCAL(b), F1(NEG, F2(DIV, f, b)))
UNARY (Neg,   -a[i],                          NUM(-1.0))
UNARY (Norm,  PetscSqrtReal(a[i]),            IF(F2(GT, a, ENGD_ZERO), F2(DIV, NUM(0.5), f), ENGD_ZERO))
KERNEL(Or,    (a[i] != 0.0) | (b[i] != 0.0))
KERNEL(And,   (a[i] != 0.0) & (b[i] != 0.0))
KERNEL(Not,   a[i] == 0.0)
KERNEL(Lt,    a[i] < b[i])
KERNEL(Le,    a[i] <= b[i])
KERNEL(Gt,    a[i] > b[i])
KERNEL(Ge,    a[i] >= b[i])
KERNEL(Eq,    a[i] == b[i])
KERNEL(Ne,    a[i] != b[i])
KERNEL(If,    a[i] != 0.0 ? b[i] : c[i])
PARTIAL(If,   ENGD_ZERO, IF(a, ENGD_ONE, ENGD_ZERO), IF(a, ENGD_ZERO, ENGD_ONE))
/* 0^b log 0 is 0 for b > 0 */
BINARY(Pow,   PetscPowReal(a[i], b[i]),       F2(MUL, b, F2(POW, a, F2(SUB, b, NUM(1.0)))),
                                              IF(F2(EQ, a, ENGD_ZERO), ENGD_ZERO, F2(MUL, f, F1(LOG, a))))
UNARY (Sin,   PetscSinReal(a[i]),             F1(COS, a))
UNARY (Cos,   PetscCosReal(a[i]),             F1(NEG, F1(SIN, a)))
UNARY (Tan,   PetscTanReal(a[i]),             ONE_PLUS(SQUARE(f)))
UNARY (Asin,  PetscAsinReal(a[i]),            RECIPROCAL(F1(SQRT, ONE_MINUS(SQUARE(a)))))
UNARY (Acos,  PetscAcosReal(a[i]),            F1(NEG, RECIPROCAL(F1(SQRT, ONE_MINUS(SQUARE(a))))))
UNARY (Atan,  PetscAtanReal(a[i]),            RECIPROCAL(ONE_PLUS(SQUARE(a))))
UNARY (Sinh,  PetscSinhReal(a[i]),            F1(COSH, a))
UNARY (Cosh,  PetscCoshReal(a[i]),            F1(SINH, a))
UNARY (Tanh,  PetscTanhReal(a[i]),            ONE_MINUS(SQUARE(f)))
UNARY (Asinh, asinh(a[i]),                    RECIPROCAL(F1(SQRT, ONE_PLUS(SQUARE(a)))))
UNARY (Acosh, acosh(a[i]),                    RECIPROCAL(F1(SQRT, F2(SUB, SQUARE(a), NUM(1.0)))))
UNARY (Atanh, atanh(a[i]),                    RECIPROCAL(ONE_MINUS(SQUARE(a))))
UNARY (Exp,   PetscExpReal(a[i]),             f)
UNARY (Expm1, expm1(a[i]),                    F1(EXP, a))
UNARY (Log,   PetscLogReal(a[i]),             RECIPROCAL(a))
UNARY (Log1p, log1p(a[i]),                    RECIPROCAL(ONE_PLUS(a)))
UNARY (Log2,  PetscLog2Real(a[i]),            F2(DIV, NUM(1.0 / PetscLogReal(2.0)), a))
UNARY (Log10, log10(a[i]),                    F2(DIV, NUM(1.0 / PetscLogReal(10.0)), a))
UNARY (Sqrt,  PetscSqrtReal(a[i]),            F2(DIV, NUM(0.5), f))
UNARY (Cbrt,  cbrt(a[i]),                     F2(DIV, NUM(1.0 / 3.0), SQUARE(f)))
UNARY (Abs,   PetscAbsReal(a[i]),             F1(SIGN, a))
KERNEL(Sign,  NOT_NAN(a[i], (PetscReal)((a[i] > 0.0) - (a[i] < 0.0))))
UNARY (Erf,   erf(a[i]),                      F2(MUL, NUM(TWO_OVER_SQRTPI), F1(EXP, F1(NEG, SQUARE(a)))))
UNARY (Erfc,  erfc(a[i]),                     F2(MUL, NUM(-TWO_OVER_SQRTPI), F1(EXP, F1(NEG, SQUARE(a)))))
KERNEL(Floor, PetscFloorReal(a[i]))
KERNEL(Ceil,  PetscCeilReal(a[i]))
KERNEL(Step,  NOT_NAN(a[i], a[i] >= 0.0))
BINARY(Atan2, PetscAtan2Real(a[i], b[i]),     F2(DIV, b, F2(ADD, SQUARE(a), SQUARE(b))),
                                              F1(NEG, F2(DIV, a, F2(ADD, SQUARE(a), SQUARE(b)))))
BINARY(Min,   NOT_NAN(a[i], a[i] <= b[i] ? a[i] : b[i]),  IF(F2(LE, a, b), ENGD_ONE, ENGD_ZERO),
                                              IF(F2(LE, a, b), ENGD_ZERO, ENGD_ONE))
BINARY(Max,   NOT_NAN(a[i], a[i] >= b[i] ? a[i] : b[i]),  IF(F2(GE, a, b), ENGD_ONE, ENGD_ZERO),
                                              IF(F2(GE, a, b), ENGD_ZERO, ENGD_ONE))
BINARY(Hypot, hypot(a[i], b[i]),              IF(F2(GT, f, ENGD_ZERO), F2(DIV, a, f), ENGD_ZERO),
                                              IF(F2(GT, f, ENGD_ZERO), F2(DIV, b, f), ENGD_ZERO))
BINARY(Mod,   a[i] - b[i] * PetscFloorReal(a[i] / b[i]), ENGD_ONE, F1(NEG, F1(FLOOR, F2(DIV, a, b))))
/* clang-format on */

/* y = a^e for one integer e = b[0]: squarings, a loop over the points for each bit of e */
static void KernelPowi(PetscInt n, const PetscReal *const v[], PetscReal *restrict y)
{
  const PetscInt e = (PetscInt)v[1][0];
  PetscReal      square[ENGD_STRIP];

  for (PetscInt i = 0; i < n; i++) square[i] = v[0][i];
  for (PetscInt i = 0; i < n; i++) y[i] = 1.0;
  for (PetscInt bits = PetscAbsInt(e); bits; bits >>= 1) {
    if (bits & 1) {
      for (PetscInt i = 0; i < n; i++) y[i] *= square[i];
    }
    for (PetscInt i = 0; i < n; i++) square[i] *= square[i];
  }
  if (e < 0) {
    for (PetscInt i = 0; i < n; i++) y[i] = 1.0 / y[i];
  }
}
/* d a^b / da = b a^(b - 1) */
PARTIAL(Powi, F2(MUL, b, F2(POW, a, F2(SUB, b, NUM(1.0)))), ENGD_ZERO, ENGD_ZERO)

/* name, arguments, which of them have a derivative, kernel, derivative */
const EngdOperation engd_operation[ENGD_NOPS] = {
    [ENGD_OP_NUMBER] = {NULL, 0, 0, NULL, NULL},
    [ENGD_OP_X]      = {NULL, 0, 0, NULL, NULL},
    [ENGD_OP_NORMAL] = {NULL, 0, 0, NULL, NULL},
    [ENGD_OP_JET]    = {NULL, 0, 0, NULL, NULL},
    [ENGD_OP_ADD]    = {NULL, 2, 3, KernelAdd, PartialAdd},
    [ENGD_OP_SUB]    = {NULL, 2, 3, KernelSub, PartialSub},
    [ENGD_OP_MUL]    = {NULL, 2, 3, KernelMul, PartialMul},
    [ENGD_OP_DIV]    = {NULL, 2, 3, KernelDiv, PartialDiv},
    [ENGD_OP_NEG]    = {NULL, 1, 1, KernelNeg, PartialNeg},
    [ENGD_OP_POWI]   = {NULL, 2, 1, KernelPowi, PartialPowi},
    [ENGD_OP_NORM]   = {NULL, 1, 1, KernelNorm, PartialNorm},
    [ENGD_OP_OR]     = {NULL, 2, 0, KernelOr, NULL},
    [ENGD_OP_AND]    = {NULL, 2, 0, KernelAnd, NULL},
    [ENGD_OP_NOT]    = {NULL, 1, 0, KernelNot, NULL},
    [ENGD_OP_LT]     = {NULL, 2, 0, KernelLt, NULL},
    [ENGD_OP_LE]     = {NULL, 2, 0, KernelLe, NULL},
    [ENGD_OP_GT]     = {NULL, 2, 0, KernelGt, NULL},
    [ENGD_OP_GE]     = {NULL, 2, 0, KernelGe, NULL},
    [ENGD_OP_EQ]     = {NULL, 2, 0, KernelEq, NULL},
    [ENGD_OP_NE]     = {NULL, 2, 0, KernelNe, NULL},
    [ENGD_OP_IF]     = {"if", 3, 6, KernelIf, PartialIf},
    [ENGD_OP_POW]    = {"pow", 2, 3, KernelPow, PartialPow},
    [ENGD_OP_SIN]    = {"sin", 1, 1, KernelSin, PartialSin},
    [ENGD_OP_COS]    = {"cos", 1, 1, KernelCos, PartialCos},
    [ENGD_OP_TAN]    = {"tan", 1, 1, KernelTan, PartialTan},
    [ENGD_OP_ASIN]   = {"asin", 1, 1, KernelAsin, PartialAsin},
    [ENGD_OP_ACOS]   = {"acos", 1, 1, KernelAcos, PartialAcos},
    [ENGD_OP_ATAN]   = {"atan", 1, 1, KernelAtan, PartialAtan},
    [ENGD_OP_SINH]   = {"sinh", 1, 1, KernelSinh, PartialSinh},
    [ENGD_OP_COSH]   = {"cosh", 1, 1, KernelCosh, PartialCosh},
    [ENGD_OP_TANH]   = {"tanh", 1, 1, KernelTanh, PartialTanh},
    [ENGD_OP_ASINH]  = {"asinh", 1, 1, KernelAsinh, PartialAsinh},
    [ENGD_OP_ACOSH]  = {"acosh", 1, 1, KernelAcosh, PartialAcosh},
    [ENGD_OP_ATANH]  = {"atanh", 1, 1, KernelAtanh, PartialAtanh},
    [ENGD_OP_EXP]    = {"exp", 1, 1, KernelExp, PartialExp},
    [ENGD_OP_EXPM1]  = {"expm1", 1, 1, KernelExpm1, PartialExpm1},
    [ENGD_OP_LOG]    = {"log", 1, 1, KernelLog, PartialLog},
    [ENGD_OP_LOG1P]  = {"log1p", 1, 1, KernelLog1p, PartialLog1p},
    [ENGD_OP_LOG2]   = {"log2", 1, 1, KernelLog2, PartialLog2},
    [ENGD_OP_LOG10]  = {"log10", 1, 1, KernelLog10, PartialLog10},
    [ENGD_OP_SQRT]   = {"sqrt", 1, 1, KernelSqrt, PartialSqrt},
    [ENGD_OP_CBRT]   = {"cbrt", 1, 1, KernelCbrt, PartialCbrt},
    [ENGD_OP_ABS]    = {"abs", 1, 1, KernelAbs, PartialAbs},
    [ENGD_OP_SIGN]   = {"sign", 1, 0, KernelSign, NULL},
    [ENGD_OP_ERF]    = {"erf", 1, 1, KernelErf, PartialErf},
    [ENGD_OP_ERFC]   = {"erfc", 1, 1, KernelErfc, PartialErfc},
    [ENGD_OP_FLOOR]  = {"floor", 1, 0, KernelFloor, NULL},
    [ENGD_OP_CEIL]   = {"ceil", 1, 0, KernelCeil, NULL},
    [ENGD_OP_STEP]   = {"step", 1, 0, KernelStep, NULL},
    [ENGD_OP_ATAN2]  = {"atan2", 2, 3, KernelAtan2, PartialAtan2},
    [ENGD_OP_MIN]    = {"min", 2, 3, KernelMin, PartialMin},
    [ENGD_OP_MAX]    = {"max", 2, 3, KernelMax, PartialMax},
    [ENGD_OP_HYPOT]  = {"hypot", 2, 3, KernelHypot, PartialHypot},
    [ENGD_OP_MOD]    = {"mod", 2, 3, KernelMod, PartialMod},
    [ENGD_OP_NAMED]  = {NULL, 3, 1, EngdNamedKernel, EngdNamedPartial},
    [ENGD_OP_TABLE]  = {NULL, 3, 7, NULL, EngdTabulatedPartial},
};
