/*
  The functional E(u_theta) on the points of the ranks, and its operators. (src/operators)

  The points of a term on this rank are cut into blocks that fit the cache. A block holds the jet of the network at its
  points and what the term's expression says there, kept between products, or the jet recomputed (memory limit).
*/
#ifndef ENGD_FUNCTIONAL_H
#define ENGD_FUNCTIONAL_H

#include <engd/archive.h>
#include <engd/linalg.h>
#include <engd/model.h>

/* A block of n points of one term */
typedef struct {
  PetscInt   term;
  PetscInt   start, n; /* first local point of the term, how many */
  PetscInt   row;      /* of J on this rank: component c of point start + i is row + c * n + i */
  PetscReal *x;        /* (dim, n) the points, borrowed */
  PetscReal *normal;   /* (nspace, n) or NULL, borrowed */
  EngdJet    jet;      /* its own, or the one that all blocks of the term share */
  PetscReal *value;    /* (ncomponents, n) residual or energy, unweighted */
  PetscReal *first;    /* (nfirst, n) dr/dDu */
  PetscReal *second;   /* (nsecond, n) d^2 r/dDu^2 */
  PetscReal *measured; /* (nfirst, n) of the outputs that the curvature measures, or NULL */
  PetscReal *weight;   /* (n) lambda_t w_n */
  PetscBool  current;  /* do value, first, second (and an own jet) belong to the present theta */
} EngdBlock;

/*
  The metric of the direction: G = J^T W J with J the Jacobian of the jets and W a symmetric block a point.
  Matrices du, gu are (noutputs, S n), defined on the channels marked used.
*/
typedef struct _n_EngdCurvature *EngdCurvature;
struct _n_EngdCurvatureOps {
  /* gu += W du */
  PetscErrorCode (*apply)(EngdCurvature, EngdFunctional, const EngdBlock *, const PetscReal du[], PetscReal gu[]);
  /* rows C_0, C_1, ... with sum_k C_k^T C_k = W (its positive part): how many, and gu = C_k, asked for k = 0, 1, ... */
  PetscErrorCode (*rootcount)(EngdCurvature, EngdFunctional, PetscInt term, PetscInt *);
  PetscErrorCode (*root)(EngdCurvature, EngdFunctional, const EngdBlock *, PetscInt k, PetscReal gu[]);
  /* is sum_k C_k^T C_k all of W on this term; NULL: on none */
  PetscErrorCode (*rootexact)(EngdCurvature, EngdFunctional, PetscInt term, PetscBool *);
  PetscErrorCode (*destroy)(EngdCurvature);
};
struct _n_EngdCurvature {
  char    *type;
  PetscInt values; /* derivatives of all outputs that it reads on its own: -1 none, 0 u, 1 u and grad u */
  PetscBool
            of_residual; /* its roots are the rows of J of the weighted residual, where expressions are linear or it reads no second */
  PetscBool second; /* does it read d^2r/dDu^2 of residuals (of energies all that read the terms do) */
  PetscBool
      exact; /* directions use the exact Hessian, of which this W is the Gauss-Newton part: its preconditioner */
  struct _n_EngdCurvatureOps ops[1];
  void                      *data;
};

struct _n_EngdFunctional {
  MPI_Comm         comm;
  EngdProblem      problem;
  EngdNetwork      network;
  EngdModel        model;
  EngdCurvature    curvature;
  EngdCurvature    newton;   /* energy, for the exact Hessian; NULL until there is one */
  EngdJetLayout   *layout;   /* [nterms] */
  PetscInt       **channel;  /* [nterms][nentries] channel of each jet entry of the term's pointwise part */
  EngdPointwise   *measured; /* [nterms] the outputs, and their gradients, that the curvature reads; or NULL */
  PetscInt       **measured_channel; /* [nterms][nentries] of theirs */
  EngdJet         *scratch; /* [nterms] a jet for one block, for trial parameters and blocks that keep none */
  PetscInt         nblocks;
  EngdBlock       *block;         /* term by term */
  PetscInt         nrows;         /* rows of J on this rank: residual components of all its points */
  PetscBool        least_squares; /* are all terms residuals, so that R and J exist */
  PetscBool        keep;          /* do blocks keep their jets between products */
  PetscReal        memory_limit;  /* bytes that a rank may keep, the same on all */
  PetscReal        kept_bytes;
  PetscInt         block_points; /* points of a block, 0 for the default */
  Vec              theta;        /* the present parameters, whole on each rank */
  Vec              whole, sum;   /* two more whole vectors: a direction, and a gradient before its reduction */
  PetscReal       *trial;        /* [p] */
  VecScatter       scatter;      /* distributed -> whole */
  PetscObjectId    theta_id;     /* which Vec, in which state, theta is a copy of */
  PetscObjectState theta_state;
  PetscInt         columns;            /* channels times points of the largest block */
  EngdJetWork      work, hessian_work; /* the latter NULL until there is an exact Hessian */
  size_t           jet_size;           /* numbers of u, du and gu of the largest block */
  PetscReal       *du, *gu; /* (noutputs, S n) and unknown parameters, or (ncomponents, n) for the largest block */
  PetscReal       *dgu;     /* (noutputs, S n), of the exact Hessian */
  EngdBatch       *batch;   /* inputs of an expression */
  PetscInt64       evaluations; /* of the loss, with or without gradient */
  PetscInt64       products;    /* with J, J^T and G */
  PetscInt64       generation;  /* counts changes of theta and of the points */
};

/* blocks: make the jet and the expressions of block b those of the present theta; parts of products on a block */
PETSC_INTERN PetscErrorCode EngdFunctionalGetBlock(EngdFunctional, PetscInt b, EngdBlock **);
PETSC_INTERN PetscErrorCode EngdBlockFirst(EngdFunctional, const EngdBlock *, const PetscReal du[], PetscReal y[]);
PETSC_INTERN PetscErrorCode EngdBlockFirstTranspose(EngdFunctional, const EngdBlock *, const PetscReal y[],
                                                    PetscReal gu[]);
PETSC_INTERN PetscErrorCode EngdBlockSecond(EngdFunctional, const EngdBlock *, const PetscReal y[],
                                            const PetscReal du[], PetscReal gu[]);
PETSC_INTERN PetscErrorCode EngdBlockCotangent(EngdFunctional, const EngdBlock *, PetscReal y[], PetscReal gu[]);
/* y = M du and gu += M^T y with the derivatives M of what the curvature measures */
PETSC_INTERN PetscErrorCode EngdBlockMeasured(EngdFunctional, const EngdBlock *, const PetscReal du[], PetscReal y[]);
PETSC_INTERN PetscErrorCode EngdBlockMeasuredTranspose(EngdFunctional, const EngdBlock *, const PetscReal y[],
                                                       PetscReal gu[]);
/* where jet entry e of the term stands in u, du and gu */
PETSC_INTERN EngdPlace      EngdBlockPlace(EngdFunctional, const EngdBlock *, PetscInt e);
PETSC_INTERN PetscErrorCode EngdBlockZero(EngdFunctional, const EngdBlock *, PetscReal gu[]);
PETSC_INTERN PetscErrorCode EngdBlockEvaluate(EngdFunctional, EngdBlock *, EngdJet, PetscReal value[],
                                              PetscReal first[], PetscReal second[]);

/* whole copies of distributed vectors, and the sum over ranks of whole vectors as a distributed one */
PETSC_INTERN PetscErrorCode EngdFunctionalGather(EngdFunctional, Vec distributed, Vec whole);
PETSC_INTERN PetscErrorCode EngdFunctionalReduce(EngdFunctional, Vec whole, Vec distributed);

/* what blocks borrow from points that have been taken anew; epochs of the points and counters, and whether theta is the Vec that
   was last set. Collective */
PETSC_INTERN PetscErrorCode EngdFunctionalAttachPoints(EngdFunctional);
PETSC_INTERN PetscErrorCode EngdFunctionalState(EngdFunctional, Vec theta, EngdArchive);

/* fails, naming term and point, if a residual is not finite at the present theta. Collective */
PETSC_INTERN PetscErrorCode EngdFunctionalCheck(EngdFunctional);

/* memory of products with the exact Hessian, once; sum += the product of a block of points, and the shell of such sums
   with damping, for G and for the Hessian */
PETSC_INTERN PetscErrorCode EngdFunctionalSetUpHessian(EngdFunctional);
typedef PetscErrorCode (*EngdBlockProduct)(EngdFunctional, EngdBlock *, const PetscReal theta[], const PetscReal v[],
                                           PetscReal sum[]);
PETSC_INTERN PetscErrorCode EngdGramianCreateShell(EngdFunctional, const char name[], PetscLogEvent, EngdBlockProduct,
                                                   Mat *);

PETSC_INTERN PetscErrorCode EngdGramianGetFunctional(Mat G, EngdFunctional *);
PETSC_INTERN PetscErrorCode EngdGramianGetDamping(Mat G, PetscReal *);
PETSC_INTERN PetscErrorCode EngdGramianCreateLayers(Mat G, Mat *); /* what of it is within each layer */

/* What a preconditioner asks of any operator A + lambda I. A matrix answers by composed functions of the same names with _C:
   the lambda that its products contain (known = false when it does not say), the functional whose theta and points it
   follows (NULL: none) */
PETSC_INTERN PetscErrorCode EngdMatGetDamping(Mat, PetscReal *lambda, PetscBool *known);
PETSC_INTERN PetscErrorCode EngdMatGetFunctional(Mat, EngdFunctional *);

/* the rows r = 0, 1, ... of the jet of a block: where they stand, or false when there are no more */
PETSC_INTERN PetscBool EngdBlockJetRow(EngdFunctional, const EngdBlock *, PetscInt r, EngdPlace *);

/* C = (J^T W J + lambda I) B; C = J B or J^T B: what MatMatMult() of the shells with dense matrices does. Collective */
PETSC_INTERN PetscErrorCode EngdSeveralGramian(EngdFunctional, PetscReal lambda, Mat G, Mat B, Mat C);
PETSC_INTERN PetscErrorCode EngdSeveralJacobian(EngdFunctional, PetscBool transpose, Mat J, Mat B, Mat C);

/* the Jacobian written out, rows of the curvature's roots: by rows A (nrows, p) on each rank, or by columns A (p_local, N) */
PETSC_INTERN PetscErrorCode EngdExplicitCountRows(EngdFunctional, PetscInt *nrows);
PETSC_INTERN PetscErrorCode EngdExplicitHasResidual(EngdFunctional, PetscBool *);
PETSC_INTERN PetscErrorCode EngdExplicitBytes(EngdFunctional, PetscBool by_columns, PetscReal *);
PETSC_INTERN PetscErrorCode EngdExplicitFillRows(EngdFunctional, PetscInt lda, PetscReal A[]);
PETSC_INTERN PetscErrorCode EngdExplicitFillColumns(EngdFunctional, const PetscInt ranges[], PetscInt lda,
                                                    PetscReal A[]);
PETSC_INTERN size_t         EngdExplicitBlockBytes(EngdFunctional);

/* How much of the Gramian a direction solves with: all, what is within each layer, the diagonal */
typedef enum { ENGD_STRUCTURE_FULL, ENGD_STRUCTURE_LAYER, ENGD_STRUCTURE_DIAGONAL } EngdStructure;

PETSC_INTERN PetscErrorCode EngdDiagonalBlocksCreate(EngdModel, EngdStructure, EngdDiagonalBlocks *);
PETSC_INTERN PetscErrorCode EngdDiagonalBlocksDestroy(EngdDiagonalBlocks *);

/* these blocks written out: A = beta A + (1 - beta) G on rank 0, upper triangles, without damping; the Hessian in place of G */
PETSC_INTERN PetscErrorCode EngdExplicitGramian(Mat G, const EngdDiagonalBlocks *, PetscReal beta, PetscReal A[]);
PETSC_INTERN PetscReal      EngdExplicitGramianBytes(EngdFunctional, const EngdDiagonalBlocks *);

/* the (neural tangent) kernel K = A A^T of that Jacobian, row blocks on the ranks, each layer by Gram matrices or rows */
typedef struct _n_EngdNTK *EngdNTK;
typedef enum { ENGD_NTK_AUTO, ENGD_NTK_GRAM, ENGD_NTK_ROWS } EngdNTKForm;
PETSC_INTERN PetscErrorCode EngdNTKCreate(EngdFunctional, EngdNTKForm, EngdNTK *);
PETSC_INTERN PetscErrorCode EngdNTKGetBytes(EngdNTK, PetscReal *);
PETSC_INTERN PetscInt       EngdNTKLargestRows(EngdNTK);
PETSC_INTERN PetscErrorCode EngdNTKFill(EngdNTK, PetscInt ld, PetscReal K[]);
PETSC_INTERN PetscErrorCode EngdNTKView(EngdNTK, PetscViewer);
PETSC_INTERN PetscErrorCode EngdNTKDestroy(EngdNTK *);

/* a buffer of a curvature that grows: no allocation once the largest block has been met */
PETSC_INTERN PetscErrorCode EngdCurvatureReserve(PetscInt size, PetscReal **buffer, PetscInt *have);
PETSC_INTERN PetscErrorCode EngdCurvatureCreate(const char type[], EngdCurvature *);
PETSC_INTERN PetscErrorCode EngdCurvatureDestroy(EngdCurvature *);
/* how many roots make up all of W on a term, or false where they do not */
PETSC_INTERN PetscErrorCode EngdCurvatureCountExactRoots(EngdFunctional, PetscInt term, PetscInt *, PetscBool *exact);
PETSC_EXTERN PetscErrorCode EngdCurvatureRegister(const char[], PetscErrorCode (*)(EngdCurvature));
PETSC_INTERN PetscErrorCode EngdCurvatureCreate_GaussNewton(EngdCurvature);
PETSC_INTERN PetscErrorCode EngdCurvatureCreate_Energy(EngdCurvature);
PETSC_INTERN PetscErrorCode EngdCurvatureCreate_Hessian(EngdCurvature);
PETSC_INTERN PetscErrorCode EngdCurvatureCreate_L2(EngdCurvature);
PETSC_INTERN PetscErrorCode EngdCurvatureCreate_H1(EngdCurvature);

#endif
