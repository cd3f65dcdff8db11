/*
  The expression graph and its program: what the files of this folder share.

  text -> (parse.c, name.c, call.c) -> nodes of a hash-consed acyclic graph (graph.c, functions.c) -> derivatives, nodes
  of the same graph (derivative.c) -> a list of instructions on strips of points (compile.c) -> numbers (evaluate.c).
  Equal nodes are one node, so common subexpressions of values and derivatives are found by construction.
*/
#ifndef ENGD_EXPRESSIONIMPL_H
#define ENGD_EXPRESSIONIMPL_H

#include <engd/private.h>
#include <petsc/private/hashmap.h>

#define ENGD_STRIP          128 /* points that one instruction works on: a strip fits the first-level cache */
#define ENGD_NAME_LENGTH    64  /* longest name, with its end */
#define ENGD_FAULT_LENGTH   256
#define ENGD_DIRECTIONS_MAX 16 /* of an expression: gradients beyond are taken coordinate by coordinate */

/* Leaves, then the operators and the named functions; the table engd_operation has a row for each, in this order */
typedef enum {
  ENGD_OP_NUMBER, /* value */
  ENGD_OP_X,      /* coordinate arg[0]; from dim on: data, whose derivatives are not known */
  ENGD_OP_NORMAL, /* entry arg[0] of the outward normal */
  ENGD_OP_JET,    /* output arg[0], order arg[1], Laplacians arg[2], coordinates packed in value */
  ENGD_OP_ADD,
  ENGD_OP_SUB,
  ENGD_OP_MUL,
  ENGD_OP_DIV,
  ENGD_OP_NEG,
  ENGD_OP_POWI, /* a^b with b a constant integer, by multiplication */
  ENGD_OP_NORM, /* sqrt(a) of a sum of squares: its derivative at 0 is 0 */
  ENGD_OP_OR,
  ENGD_OP_AND,
  ENGD_OP_NOT,
  ENGD_OP_LT,
  ENGD_OP_LE,
  ENGD_OP_GT,
  ENGD_OP_GE,
  ENGD_OP_EQ,
  ENGD_OP_NE,
  ENGD_OP_IF,
  ENGD_OP_POW,
  ENGD_OP_SIN,
  ENGD_OP_COS,
  ENGD_OP_TAN,
  ENGD_OP_ASIN,
  ENGD_OP_ACOS,
  ENGD_OP_ATAN,
  ENGD_OP_SINH,
  ENGD_OP_COSH,
  ENGD_OP_TANH,
  ENGD_OP_ASINH,
  ENGD_OP_ACOSH,
  ENGD_OP_ATANH,
  ENGD_OP_EXP,
  ENGD_OP_EXPM1,
  ENGD_OP_LOG,
  ENGD_OP_LOG1P,
  ENGD_OP_LOG2,
  ENGD_OP_LOG10,
  ENGD_OP_SQRT,
  ENGD_OP_CBRT,
  ENGD_OP_ABS,
  ENGD_OP_SIGN,
  ENGD_OP_ERF,
  ENGD_OP_ERFC,
  ENGD_OP_FLOOR,
  ENGD_OP_CEIL,
  ENGD_OP_STEP,
  ENGD_OP_ATAN2,
  ENGD_OP_MIN,
  ENGD_OP_MAX,
  ENGD_OP_HYPOT,
  ENGD_OP_MOD,
  ENGD_OP_NAMED, /* f^(c)(a) for function number b of named.c; b and c are constants */
  ENGD_OP_TABLE, /* d^i_1 d^i_2 d^i_3 of table k at (a, b, c), value = 1000 k + 100 i_1 + 10 i_2 + i_3 (table.c) */
  ENGD_NOPS,
  ENGD_OP_STORE = ENGD_NOPS /* instruction only: a strip to row arg[1] of output array arg[0] */
} EngdOp;

typedef struct _n_EngdGraph   *EngdGraph;
typedef struct _n_EngdProgram *EngdProgram;
typedef PetscInt               EngdNode; /* number of a node; those of its arguments are smaller */

/* y[i] = f(v[0][i], v[1][i], v[2][i]) */
typedef void (*EngdKernel)(PetscInt n, const PetscReal *const v[], PetscReal *restrict y);
/* the node of d f / d (argument k) */
typedef EngdNode (*EngdPartial)(EngdGraph, EngdNode f, PetscInt k);

typedef struct {
  const char *name; /* as in the language, NULL where it is not written as a function */
  PetscInt    nargs;
  unsigned    smooth; /* bit k: the derivative with respect to argument k is not zero everywhere */
  EngdKernel  kernel;
  EngdPartial partial;
} EngdOperation;
PETSC_INTERN const EngdOperation engd_operation[ENGD_NOPS];

typedef struct {
  EngdOp    op;
  PetscInt  arg[3]; /* unused ones are 0 */
  PetscReal value;
} EngdKey;

typedef struct {
  EngdKey   key;
  PetscBool jet;   /* does its derivative with respect to the jet exist */
  PetscInt  walk;  /* the last walk that met it */
  EngdNode  memo;  /* its derivative (total) or its adjoint in the present differentiation */
  PetscInt  entry; /* a jet leaf after Compile: its number in expression->entry */
} EngdGraphNode;

/* The node numbers of the two commonest constants */
enum { ENGD_ZERO = 0, ENGD_ONE = 1 };

static inline PetscHash_t EngdKeyHash(EngdKey k)
{
  PetscHash64_t bits;
  PetscHash_t   hash = PetscHashInt((PetscInt)k.op);

  memcpy(&bits, &k.value, sizeof(bits)); /* bit by bit, so that NaN is one node too */
  for (PetscInt i = 0; i < 3; i++) hash = PetscHashCombine(hash, PetscHashInt(k.arg[i]));
  return PetscHashCombine(hash, PetscHash_UInt64(bits));
}

static inline int EngdKeyEqual(EngdKey k, EngdKey l)
{
  for (PetscInt i = 0; i < 3; i++) {
    if (k.arg[i] != l.arg[i]) return 0;
  }
  return k.op == l.op && memcmp(&k.value, &l.value, sizeof(k.value)) == 0;
}

PETSC_HASH_MAP(HMapEngdKey, EngdKey, EngdNode, EngdKeyHash, EngdKeyEqual, -1)

struct _n_EngdGraph {
  const EngdSymbols *symbols;
  char               option[128]; /* that the last text came from, for messages */
  PetscHMapEngdKey   map;
  PetscInt           nnodes, nodes_size;
  EngdGraphNode     *node;
  PetscErrorCode     error;                    /* the constructors return nodes: the first failure is kept here */
  char               fault[ENGD_FAULT_LENGTH]; /* why a derivative does not exist, or empty */
  EngdNode          *ansatz;                   /* [noutputs] what each output means, or NULL: itself */
  PetscBool          hold;                     /* differentiate at constant entries of the jet (EngdGraphLaplacian) */
  PetscInt           ndirections;
  EngdNode          *direction; /* [ENGD_DIRECTIONS_MAX][nspace] vectors made of x; NULL: none yet */
  PetscInt           walk;
  PetscInt           norder, order_size, stack_size; /* the last walk: arguments before those that use them */
  EngdNode          *order, *stack;
  PetscInt           ncomponents, components_size;
  EngdNode          *component;
  EngdNode          *first;     /* [nfirst] of the expression, from when it is compiled */
  PetscInt           pool_size; /* entries of the values of the text being parsed */
  EngdNode          *pool;
  PetscInt           uses;  /* of the user's functions so far */
  PetscInt           terms; /* of sums over numbers so far */
};

typedef struct {
  EngdOp    op;
  PetscInt  arg[3]; /* strips, or what the leaf of this op says */
  PetscInt  out;    /* strip of the result */
  PetscReal value;
} EngdInstruction;

struct _n_EngdProgram {
  PetscInt         ninstructions, instructions_size;
  PetscInt         end[3];   /* where the values, the first, the second derivatives are done */
  PetscReal        flops[3]; /* a point, until there */
  EngdInstruction *instruction;
  PetscInt         nstrips;
  PetscReal       *strip; /* [nstrips][ENGD_STRIP] */
};

/* A value of the language while it is parsed: nodes pool[offset], ..., n = 1 for a scalar; of a complex one the n imaginary parts
   stand behind the real parts. Of a tensor of second order, which is a vector too, its rows one after the other. */
typedef struct {
  PetscBool vector;
  PetscInt  n, offset;
  PetscBool paired;
  PetscInt  rows; /* of a tensor, else 0 */
} EngdValue;

typedef enum { ENGD_TOKEN_END, ENGD_TOKEN_NUMBER, ENGD_TOKEN_NAME, ENGD_TOKEN_OPERATOR } EngdTokenKind;

/* The state of the parser: its next token is text[start], ..., text[start + length - 1] */
typedef struct {
  EngdExpression   expression;
  EngdGraph        graph;
  const char      *option, *text;
  EngdTokenKind    kind;
  PetscInt         start, length;
  PetscReal        number;
  PetscInt         depth;              /* of nesting */
  PetscInt         hidden;             /* definitions that may not be used: in a body, it and those behind it */
  PetscInt         nlocals;            /* Arguments of the body that is read, or 0. */
  char *const     *local;              /* [nlocals] Their names. */
  const EngdValue *local_value;        /* [nlocals] What they are, in graph->pool. */
  PetscInt         npool;              /* nodes in graph->pool */
  PetscInt         nstack, stack_size; /* arguments of the calls and vectors being read */
  EngdValue       *stack;
} EngdParser;

PETSC_INTERN PetscErrorCode EngdReserve(PetscInt n, size_t bytes, PetscInt *size, void *array);
PETSC_INTERN PetscErrorCode EngdGraphCreate(const EngdSymbols *, EngdGraph *);
PETSC_INTERN PetscErrorCode EngdGraphDestroy(EngdGraph *);
PETSC_INTERN EngdNode       EngdGraphIntern(EngdGraph, EngdOp, PetscInt, PetscInt, PetscInt, PetscReal);
PETSC_INTERN EngdNode       EngdGraphNumber(EngdGraph, PetscReal);
PETSC_INTERN EngdNode       EngdGraphApply(EngdGraph, EngdOp, EngdNode, EngdNode, EngdNode);
PETSC_INTERN EngdNode       EngdGraphSimplify(EngdGraph, EngdOp, EngdNode, EngdNode, EngdNode);
PETSC_INTERN PetscErrorCode EngdGraphWalk(EngdGraph, PetscBool more, EngdNode root);

PETSC_INTERN EngdNode       EngdGraphJet(EngdGraph, const EngdJetEntry *);
PETSC_INTERN EngdNode       EngdGraphOutput(EngdGraph, PetscInt output);
PETSC_INTERN void           EngdGraphGetEntry(EngdGraph, EngdNode, EngdJetEntry *);
PETSC_INTERN PetscErrorCode EngdGraphTotalDerivative(EngdGraph, EngdNode, PetscInt coordinate, EngdNode *);
PETSC_INTERN PetscErrorCode EngdGraphLaplacian(EngdGraph, EngdNode, EngdNode *);
PETSC_INTERN PetscErrorCode EngdGraphAdjoint(EngdGraph, EngdNode);
PETSC_INTERN PetscErrorCode EngdGraphJetDerivative(EngdGraph, EngdNode leaf, PetscInt coordinate, EngdNode *);
PETSC_INTERN PetscErrorCode EngdGraphRandomLaplacian(EngdGraph, EngdNode root, PetscInt n, const EngdNode leaf[],
                                                     EngdNode *);

PETSC_INTERN PetscErrorCode EngdProgramCreate(EngdExpression, const EngdNode first[], const EngdNode second[],
                                              EngdProgram *);
PETSC_INTERN PetscErrorCode EngdProgramDestroy(EngdProgram *);

PETSC_INTERN PetscErrorCode EngdParserFail(EngdParser *, PetscInt column, const char format[], ...)
    PETSC_ATTRIBUTE_FORMAT(3, 4);
PETSC_INTERN PetscErrorCode EngdParserNext(EngdParser *);
PETSC_INTERN PetscErrorCode EngdParserUnexpected(EngdParser *);
PETSC_INTERN PetscBool      EngdParserAt(const EngdParser *, const char operation[]);
PETSC_INTERN PetscErrorCode EngdParserExpect(EngdParser *, const char operation[], PetscInt opened);
PETSC_INTERN PetscErrorCode EngdParseExpression(EngdParser *, EngdValue *);
PETSC_INTERN PetscErrorCode EngdParseArguments(EngdParser *, const char closing[], PetscInt opened, PetscInt *n);
PETSC_INTERN PetscErrorCode EngdParseText(EngdParser *);
PETSC_INTERN PetscErrorCode EngdParseAlone(EngdParser *,
                                           EngdValue *); /* one expression; the parser's stack is freed */
PETSC_INTERN PetscErrorCode EngdValueCreate(EngdParser *, PetscBool vector, PetscInt n, EngdValue *);
PETSC_INTERN PetscErrorCode EngdValueApply(EngdParser *, PetscInt column, EngdOp, PetscInt nargs,
                                           const EngdValue arg[], EngdValue *);
/* complex values (complex.c): room for one; op of arguments of which one is complex; its real or imaginary parts; the value of such
   parts, real where the second are zero; re, im, conj and arg */
PETSC_INTERN PetscErrorCode EngdComplexCreate(EngdParser *, PetscBool vector, PetscInt n, EngdValue *);
PETSC_INTERN PetscErrorCode EngdComplexApply(EngdParser *, PetscInt column, EngdOp, PetscInt nargs, PetscBool vector,
                                             PetscInt n, const EngdValue arg[], EngdValue *);
PETSC_INTERN PetscErrorCode EngdComplexPart(EngdParser *, const EngdValue *, PetscBool imaginary, EngdValue *);
PETSC_INTERN PetscErrorCode EngdComplexJoin(EngdParser *, const EngdValue *re, const EngdValue *im, EngdValue *);
PETSC_INTERN PetscErrorCode EngdComplexFunction(EngdParser *, PetscInt column, EngdOp, PetscInt n,
                                                const EngdValue arg[], EngdValue *);
/* tensors (tensor.c): the value of n entries whose parts are re and im; entries first, first + stride, ... as a vector; what a
   value is, in words; the functions */
PETSC_INTERN PetscErrorCode EngdValueTake(EngdParser *, const EngdValue *, PetscInt n, PetscInt first,
                                          PetscInt stride, EngdValue *);
PETSC_INTERN PetscErrorCode EngdValueStack(EngdParser *, PetscInt column, PetscInt n, const EngdValue[], EngdValue *);
PETSC_INTERN const char    *EngdValueShape(const EngdValue *, size_t size, char text[]);
typedef PetscErrorCode EngdValueFunction(EngdParser *, PetscInt column, EngdOp, PetscInt n, const EngdValue arg[],
                                         EngdValue *);
PETSC_INTERN EngdValueFunction EngdTensorDot, EngdTensorDdot, EngdTensorOuter, EngdTensorTranspose, EngdTensorSym,
    EngdTensorTrace, EngdTensorIdentity;
/* tables (table.c): the number of a name, or -1; a call of one; its values on a strip; its derivative */
PETSC_INTERN PetscInt       EngdTabulatedFind(const EngdSymbols *, const char name[]);
PETSC_INTERN PetscInt       EngdTabulatedArguments(EngdTabulated);
PETSC_INTERN PetscErrorCode EngdTabulatedApply(EngdParser *, PetscInt column, PetscInt number, const EngdValue arg[],
                                               EngdValue *);
PETSC_INTERN void EngdTabulatedEvaluate(const EngdTabulated[], PetscReal code, PetscInt n, const PetscReal *const v[],
                                        PetscReal y[]);
PETSC_INTERN EngdNode EngdTabulatedPartial(EngdGraph, EngdNode, PetscInt argument);
/* counting (indexed.c): v[k] behind a value; sum(i, m, n, e) */
PETSC_INTERN PetscErrorCode EngdParseEntry(EngdParser *, EngdValue *);
PETSC_INTERN PetscErrorCode EngdParseIndexedSum(EngdParser *, PetscInt start, PetscBool *found, EngdValue *);
PETSC_INTERN PetscErrorCode EngdParseCall(EngdParser *, PetscInt start, const char name[], EngdValue *);
PETSC_INTERN PetscErrorCode EngdParseAlias(EngdParser *, PetscInt start, const char name[], PetscBool *, EngdValue *);
PETSC_INTERN PetscErrorCode EngdParseAliasCall(EngdParser *, PetscInt start, const char name[], PetscBool *,
                                               EngdValue *);
PETSC_INTERN PetscErrorCode EngdParseName(EngdParser *, PetscInt start, const char name[], EngdValue *);
PETSC_INTERN PetscInt       EngdFindDefinition(const EngdParser *, const char name[]);
PETSC_INTERN PetscErrorCode EngdParseDefinition(EngdParser *, PetscInt which, const EngdValue arg[], EngdValue *);
PETSC_INTERN PetscErrorCode EngdNameUnknown(EngdParser *, PetscInt start, const char name[], PetscBool function);
PETSC_INTERN PetscErrorCode EngdSymbolsCheck(const EngdSymbols *);
PETSC_INTERN const char    *EngdFunctionName(PetscInt i);
PETSC_INTERN PetscBool      EngdFunctionIsKnown(const char name[]);

/* Functions from outside (named.c): the name of number i, NULL behind the last; the number of a name, or -1 */
PETSC_INTERN const char *EngdNamedName(PetscInt i);
PETSC_INTERN PetscInt    EngdNamedFind(const char name[]);
PETSC_INTERN void        EngdNamedKernel(PetscInt n, const PetscReal *const v[], PetscReal *restrict y);
PETSC_INTERN EngdNode    EngdNamedPartial(EngdGraph, EngdNode, PetscInt argument);

#endif
