/*
  The problem language: text -> expression graph -> batched evaluation with derivatives. (src/problem/expression)
*/
#ifndef ENGD_EXPRESSION_H
#define ENGD_EXPRESSION_H

#include <engd/base.h>

/* Highest derivative of an output that a jet carries; multi-indices have this many places */
#define ENGD_JET_ORDER 4

/* One entry of the jet Du that an expression reads: lap^m d_i d_j ... of an output, or an unknown parameter */
typedef struct {
  PetscInt output;    /* which one; from noutputs on the unknown parameters, of order 0 */
  PetscInt laplacian; /* m: how many Laplacians, over the space coordinates */
  PetscInt order;     /* number of derivatives, 0 for the value; each Laplacian counts two */
  /* the order - 2 m others, ascending; what stands beyond is not read. From dim on directions: the random dimensions of the
     point, then vectors that the expression makes of x (EngdExpressionCreateDirections) */
  PetscInt coordinate[ENGD_JET_ORDER];
} EngdJetEntry;

/* A function of the user's, name(arg, ..) = body, or a name for an expression where there are no arguments */
typedef struct {
  char    *name;
  PetscInt nargs;
  char   **arg; /* [nargs] */
  char    *body;
} EngdDefinition;

/* A name, or a call such as residual(pde), that stands for a text of the language: components separated by ';', several being a vector */
typedef struct {
  char *name;
  char *text;    /* NULL: it cannot be used, */
  char *lacking; /* and why, a sentence */
} EngdAlias;

/* A function of one to three numbers that a table of its values gives (src/problem/expression/table.c) */
typedef struct _n_EngdTabulated *EngdTabulated;

/* The names an expression may use. The strings belong to the caller and must outlive the expression. */
typedef struct {
  PetscInt           nspace, dim; /* space coordinates; all coordinates (one more when there is time, the last) */
  const char *const *coordinate;  /* [dim] names; x1..xd are also the vector x */
  PetscInt           noutputs;    /* unknowns; 0 where they may not appear, as in exact solutions */
  const char *const *output;      /* [noutputs] names */
  const char *const *ansatz;      /* [noutputs] what each output means, text in the raw ones, NULL: itself; or NULL */
  PetscInt           ncomplex;    /* names of complex numbers */
  const char *const *complex_name;   /* [ncomplex] */
  const PetscInt    *complex_output; /* [ncomplex] the output that is the real part; the imaginary one is the next */
  PetscInt           nunknowns;      /* parameters whose values are not known, entries of the jet as outputs are */
  const char *const *unknown;        /* [nunknowns] names */
  const PetscReal   *lower, *upper; /* [nunknowns] their bounds, infinite where there is none; NULL: there are none */
  PetscInt           nparameters;   /* named constants */
  const char *const *parameter;     /* [nparameters] names */
  const PetscReal   *value;         /* [nparameters] their values */
  PetscInt           ndefinitions;  /* functions as text, each of which may use those before it */
  const EngdDefinition *definition; /* [ndefinitions] */
  PetscInt              ntables;
  const EngdTabulated  *table;  /* [ntables] */
  PetscInt              ndata;  /* numbers that each point comes with, as measurements */
  const char *const    *data;   /* [ndata] names */
  PetscBool             normal; /* is there an outward normal (vector `normal`) here */
  /* space coordinates, of each point others, whose second derivatives estimate the Laplacian of an unknown; 0: it is exact */
  PetscInt nrandom;
  /* text for the name `distance`, asked for when the name is read; NULL, or an empty text, where there is none */
  PetscErrorCode (*distance)(void *, const char **);
  void            *distance_context;
  PetscInt         naliases; /* of names that none of those above has */
  const EngdAlias *alias;
} EngdSymbols;

/* s[k][i] = f^(k)(a[i]) for k = 0..order; a and s do not overlap */
#define ENGD_FUNCTION_ORDER 6
typedef void (*EngdFunctionFn)(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[]);
PETSC_EXTERN PetscErrorCode EngdFunctionRegister(const char name[], PetscInt order, EngdFunctionFn);
#define ENGD_REGISTER_FUNCTION(name, function, order)                                                                \
  PETSC_INTERN void function(PetscInt, const PetscReal[], PetscInt, PetscReal *const[])

typedef struct _n_EngdExpression *EngdExpression;

/* A strided batch of numbers: entry i of the batch is base[i * stride] */
typedef struct {
  const PetscReal *base;
  PetscInt         stride;
} EngdBatch;

/* An expression with components r_0, r_1, ...: read-only after EngdExpressionCompile */
struct _n_EngdExpression {
  EngdSymbols symbols;
  PetscInt    ncomponents;
  PetscInt    nentries; /* m: the jet entries that appear, in the order of EngdJetEntry: output, order, coordinate */
  EngdJetEntry *entry;  /* [m] */
  PetscBool     uses_normal;
  /* the structural non-zeros of dr_c/dDu_e, and of d^2 r_c / dDu_e dDu_f with e >= f */
  PetscInt               nfirst, nsecond;
  PetscInt              *first_component, *first_entry;                  /* [nfirst], ordered by component */
  PetscInt              *second_component, *second_entry, *second_other; /* [nsecond], ordered by component */
  struct _n_EngdGraph   *graph;                                          /* the hash-consed expression graph */
  struct _n_EngdProgram *program;                                        /* its evaluation order and buffers */
};

/*
  Create: an empty expression over these symbols.
  Append: parse `text`, whose components are separated by ';' (a vector is as many components as it has entries).
          On a mistake: PETSC_ERR_USER_INPUT, one message naming the option, the text and the column.
          Where an output has an ansatz, the name and its derivatives mean the ansatz; entries are those of the raw outputs.
  AppendGradient: for each of the components present, append its nspace space derivatives (total derivatives).
  AppendDerivative: of each of the first n components the total derivative that `which` says, whatever its output.
  Compile: order 0, values only; 1, and dr/dDu; 2, and d^2 r/dDu^2. No more appends after this.
  Differentiate: of one that was compiled to order 1, d^2 r/dDu^2 too, which can be many times what there was before.
  Bytes: what it takes now.
  Evaluate: for n points. x: [dim] batches, then [ndata]; normal: [nspace] batches or NULL; jet: [nentries] batches;
          value[c * n + i], first[k * n + i], second[k * n + i] (the latter two may be NULL).
          All are local: no communication.
*/
PETSC_INTERN PetscErrorCode EngdExpressionCreate(const EngdSymbols *, EngdExpression *);
PETSC_INTERN PetscErrorCode EngdExpressionAppend(EngdExpression, const char option[], const char text[]);
PETSC_INTERN PetscErrorCode EngdExpressionAppendGradient(EngdExpression);
PETSC_INTERN PetscErrorCode EngdExpressionAppendDerivative(EngdExpression, PetscInt n, const EngdJetEntry *which);
PETSC_INTERN PetscErrorCode EngdExpressionCompile(EngdExpression, PetscInt order);
PETSC_INTERN PetscErrorCode EngdExpressionDifferentiate(EngdExpression);
PETSC_INTERN PetscReal      EngdExpressionBytes(EngdExpression);
PETSC_INTERN PetscErrorCode EngdExpressionEvaluate(EngdExpression, PetscInt n, const EngdBatch x[],
                                                   const EngdBatch normal[], const EngdBatch jet[], PetscReal value[],
                                                   PetscReal first[], PetscReal second[]);
/*
  Tables. Create: from rows (dim + 1, nrows) of arguments and a value, the nodes of a rectangular grid in any order, ascending for
  one argument; fault <- what is wrong with them, or empty. argument: [dim] their names, for messages.
  Outside: text <- "k at x = 2, outside of 0 <= x <= 1" if an evaluation on this rank has met such a point; values there are NaN.
*/
PETSC_INTERN PetscErrorCode EngdTabulatedCreate(const char name[], PetscInt dim, char *const argument[],
                                                PetscInt nrows, const PetscReal rows[], size_t size, char fault[],
                                                EngdTabulated *);
PETSC_INTERN PetscErrorCode EngdTabulatedDestroy(EngdTabulated *);
PETSC_INTERN const char    *EngdTabulatedName(EngdTabulated);
PETSC_INTERN PetscErrorCode EngdTabulatedOutside(EngdTabulated, size_t size, char text[]);
PETSC_INTERN void           EngdTabulatedForgetOutside(EngdTabulated);
PETSC_INTERN PetscInt64     EngdTabulatedDigest(EngdTabulated);
/* does any text so far name this coordinate */
PETSC_INTERN PetscErrorCode EngdExpressionReads(EngdExpression, PetscInt coordinate, PetscBool *);
/* the directions of an expression, nspace components each, compiled; NULL where it has none */
PETSC_INTERN PetscErrorCode EngdExpressionCreateDirections(EngdExpression, EngdExpression *directions);
PETSC_INTERN PetscErrorCode EngdExpressionDestroy(EngdExpression *);

#endif
