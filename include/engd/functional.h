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

/* A block of n points of one term. */
typedef struct {
  PetscInt     term;
  PetscInt     start;     /* The first of its points among the local ones of the term. */
  PetscInt     n;         /* How many they are. */
  PetscInt     row;       /* In J on this rank, component c of point start + i is row + c * n + i. */
  PetscReal   *x;         /* (dim, n) The points, borrowed. */
  PetscReal   *normal;    /* (nspace, n) Borrowed, or NULL. */
  PetscInt    *dimension; /* (nrandom, n) Of the term's estimates of Laplacians; borrowed, or NULL. */
  EngdModelJet jet;       /* Its own, or the one that all blocks of the term share. */
  PetscReal   *value;     /* (ncomponents, n) Residual or energy, unweighted. */
  PetscReal   *first;     /* (nfirst, n) dr/dDu. */
  PetscReal   *second;    /* (nsecond, n) d^2 r/dDu^2. */
  PetscReal   *measured;  /* (nfirst, n) Of the outputs that the curvature measures, or NULL. */
  PetscReal   *weight;    /* (n) lambda_t w_n, of an integral sqrt(lambda_t) w_n. */
  PetscReal   *offset;    /* (ncomponents, n) What the window of time before has left of the residual, or NULL. */
  PetscBool    current;   /* The derivatives, and a jet of its own, belong to the present theta. */
} EngdBlock;

/*
  The metric of the direction: G = J^T W J with J the Jacobian of the jets and W a symmetric block a point.
  Matrices du, gu are (noutputs, S n), defined on the channels marked used.
*/
typedef struct _n_EngdCurvature *EngdCurvature;
struct _n_EngdCurvatureOps {
  /* gu += W du */
  PetscErrorCode (*apply)(EngdCurvature, EngdFunctional, const EngdBlock *, const PetscReal du[], PetscReal gu[]);
  /* How many rows C_0, C_1, ... there are with sum_k C_k^T C_k = W, or its positive part. */
  PetscErrorCode (*rootcount)(EngdCurvature, EngdFunctional, PetscInt term, PetscInt *);
  /* gu = C_k, asked for k = 0, 1, ... in turn. */
  PetscErrorCode (*root)(EngdCurvature, EngdFunctional, const EngdBlock *, PetscInt k, PetscReal gu[]);
  /* Whether sum_k C_k^T C_k is all of W on this term; NULL says that it is on none. */
  PetscErrorCode (*rootscomplete)(EngdCurvature, EngdFunctional, PetscInt term, PetscBool *);
  PetscErrorCode (*destroy)(EngdCurvature);
};
struct _n_EngdCurvature {
  char                      *type;
  PetscInt                   values;      /* Derivatives of all outputs that it reads: -1 none, 0 u, 1 and grad u. */
  PetscBool                  of_residual; /* Its roots are the rows of J of the weighted residual of linear terms. */
  PetscBool                  second;      /* It reads d^2r/dDu^2 of residuals; of energies every metric does. */
  PetscBool                  horizontal;  /* It is that of a quotient, on directions that change its states. */
  PetscBool                  negative_part; /* W is negative somewhere, and products know that. */
  PetscBool                  negative;      /* Whether roots are those of the part -W where W is negative. */
  PetscBool                  for_hessian;   /* Directions use the exact Hessian, and W is its Gauss-Newton part. */
  struct _n_EngdCurvatureOps ops[1];
  void                      *data;
};

/* What options and setters set, before EngdFunctionalSetUp(). */
typedef struct {
  PetscReal memory_limit; /* Bytes that a rank may keep, the same on all ranks. */
  PetscInt  block_points; /* Points of a block, 0 for a size that fits the cache. */
  PetscInt  share_from;   /* Parameters from which on the ranks of a node share whole copies of vectors. */
} EngdFunctionalOptions;

/* Scratch of the walkers of a term. (src/operators/walk.c) */
typedef struct _n_EngdWalkWork *EngdWalkWork;

/* What the blocks of a term have in common. */
typedef struct {
  EngdModelLayout layout;
  PetscInt       *channel;          /* [nentries] Of each jet entry of the term's pointwise part. */
  EngdPointwise   measured;         /* The outputs, and gradients, that the curvature reads, or NULL. */
  PetscInt       *measured_channel; /* [nentries] Of theirs. */
  PetscReal      *shift;            /* [nlocal][ncomponents] Of its residuals (multipliers.c), or NULL. */
  EngdPoints      shifted;          /* The points that the shift belongs to. */
  EngdWalkWork    walk;             /* Scratch of walkers, or NULL. */
  EngdModelJet    shared;           /* Of one block, for trial parameters and for blocks that keep none. */
  PetscReal      *causal;           /* [slabs] Weights of parts of time, or NULL. */
  PetscInt        sum;              /* Its first among the sums that L is a function of, EngdOuter. */
} EngdFunctionalTerm;

/* The parameters at which everything is taken. */
typedef struct {
  const PetscReal *theta;      /* [p] */
  PetscObjectId    id;         /* The distributed Vec that theta is a copy of. */
  PetscObjectState state;      /* That of the Vec when it was copied. */
  PetscInt64       generation; /* Counts the changes of theta and of the points. */
  EngdWhole        whole;      /* What theta is the array of. */
} EngdPresent;

/* What has been done so far. */
typedef struct {
  PetscInt64 evaluations; /* Of the loss, with or without gradient. */
  PetscInt64 products;    /* With J, J^T, G and H. */
} EngdFunctionalCount;

/* Scratch of what goes through the blocks, one operator at a time; see EngdFunctionalVisit(). */
typedef struct {
  const char      *user;  /* Who works with it, or NULL. */
  const PetscReal *theta; /* [p] The present parameters, while somebody works. */
  EngdModelWork    jet;
  PetscReal       *du;   /* (noutputs, S n) and unknown parameters, of the largest block. */
  PetscReal       *gu;   /* The same. */
  PetscReal       *y;    /* (ncomponents, n) Of the largest block. */
  EngdWhole        from; /* Whole: an argument, gathered. */
  PetscReal       *sum;  /* [p] A result of this rank before its reduction, or parameters along a line. */
  const PetscReal *in;   /* [p] The array of `from` in a visit that has an argument. */
  PetscReal       *out;  /* [p] `sum` in a visit that has a result. */
} EngdBlockWork;

/* L as a function of sums over the points (src/operators/quotient.c). */
typedef struct {
  PetscInt   nstates; /* Of the quotient that L is; 0 where L is the only sum. */
  PetscInt   nsums;
  PetscReal *sum, *slope;         /* [nsums] Of a quotient, over all ranks, and dL by them. */
  PetscReal *work;                /* [4 nstates^2] */
  PetscReal  below;               /* How far below E the shift of inverse iteration is. */
  PetscInt64 generation;          /* Of theta and points that they belong to. */
  PetscInt   nvertical;           /* How many there are. */
  Vec       *vertical;            /* Orthonormal; directions are orthogonal to them. */
  Vec        horizontal;          /* Scratch of products with the Gramian. */
  PetscInt64 vertical_generation; /* Of these vectors. */
  PetscBool  walks;        /* Whether L is the mean of the local energy of walkers (src/operators/walkers.c), */
  PetscReal  mean;         /* which is this one; zero where there are none: what residuals are less. */
  PetscReal  noise;        /* What walkers that are independent would have as its error, zero where there are none. */
  Vec        centre;       /* The mean of the rows dL/dtheta, L = log|psi|, spread as theta is, */
  PetscReal *whole_centre; /* [p] and whole. */
  PetscInt64 centre_generation; /* Of this mean. */
  Vec        residual;          /* Scratch of the size of R. */
} EngdOuter;

/*
  Residuals that are integrals (src/operators/integral_rows.c): R_k = sqrt(lambda) I_k, the sums 1, 2, ... of EngdOuter. Their rows
  of J are whole on all ranks, and are the last rows of the last rank, which puts them into vectors and matrices.
*/
typedef struct {
  PetscInt   n;          /* Of all terms. */
  PetscInt   here;       /* n on the last rank, 0 on the others. */
  PetscInt  *term;       /* [n] That each belongs to. */
  PetscReal *rows;       /* (p, n) dR_k/dtheta. */
  PetscReal *product;    /* [n] Scratch of a product with them. */
  PetscInt64 generation; /* Of theta and points that the rows belong to. */
} EngdIntegralRows;

/* Scratch of products with the exact Hessian, empty until there is one. */
typedef struct {
  EngdCurvature newton; /* The metric of curvature energy. */
  EngdModelWork jet;
  PetscReal    *dgu; /* (noutputs, S n) */
} EngdHessianWork;

/* Scratch of evaluations along a line. */
typedef struct {
  PetscReal *value; /* (ncomponents, n) Of the largest block. */
  PetscReal *sums;  /* [nsums, nsteps] What L is a function of, at each step. */
  PetscInt   nsums; /* The size of it. */
} EngdTrialWork;

/* Scratch of pointwise parts. */
typedef struct {
  EngdBatch *batch; /* The inputs of one. */
  PetscReal *value; /* (ncomponents, n) Where only derivatives are wanted. */
} EngdPointwiseWork;

/* Scratch of rows of J written out, (p, n) of the largest block; each comes with its first use. */
typedef struct {
  PetscReal *x;
  PetscReal *y;
} EngdRowsWork;

/* Scratch of products with several vectors. (src/operators/matmatmult.c) */
typedef struct _n_EngdMatMatWork *EngdMatMatWork;

struct _n_EngdFunctional {
  MPI_Comm              comm;
  MPI_Comm              node; /* Of it the ranks that share memory. */
  EngdFunctionalOptions options;
  EngdPresent           present;
  EngdFunctionalCount   count;

  /* Children; problem and networks are borrowed. */
  EngdProblem   problem;
  PetscInt      nnetworks;
  EngdNetwork  *network; /* [nnetworks] */
  EngdModel     model;
  EngdCurvature curvature;

  /* Rows and blocks, from EngdFunctionalSetUp() on. */
  EngdFunctionalTerm *term; /* [nterms] */
  PetscInt            nblocks;
  EngdBlock          *block;         /* [nblocks] Term by term. */
  PetscInt            nrows;         /* Rows of J on this rank: residual components of all its points. */
  PetscBool           least_squares; /* All terms are residuals, so that R and J exist. */
  PetscBool           keep;          /* Blocks keep their jets between products. */
  PetscInt            halvings;      /* How often the memory has halved the points of a block. */
  PetscBool           twice;         /* Do blocks have second derivatives of their terms. */
  PetscLogDouble      resident; /* Bytes of this rank when the set-up began, and second derivatives of texts since. */
  EngdOuter           outer;
  EngdIntegralRows    integral;

  /* Scratch, each with its owner. */
  EngdBlockWork     work;
  EngdHessianWork   hessian;
  EngdTrialWork     trial;
  EngdPointwiseWork pointwise;
  EngdRowsWork      rows;
  EngdMatMatWork    matmat;
};

/*
  Scratch and blocks serve one operator at a time (visit.c): another that begins meanwhile is an error of the program, named with
  both. End follows Begin also after an error, so that the functional can go on being used.
*/
PETSC_INTERN PetscErrorCode EngdFunctionalBegin(EngdFunctional, const char user[]);
PETSC_INTERN PetscErrorCode EngdFunctionalEnd(EngdFunctional);
/*
  For each block, made that of the present theta: visit, with work->in the whole of `from` unless that is NULL, between
  Begin and End. Unless `to` is NULL, it is the sum over the ranks of what the visits have added to work->out. Collective
  with a vector.
*/
typedef PetscErrorCode (*EngdBlockVisit)(EngdFunctional, EngdBlock *, EngdBlockWork *, void *);
PETSC_INTERN PetscErrorCode EngdFunctionalVisit(EngdFunctional, const char user[], Vec from, EngdBlockVisit, void *,
                                                Vec to);
/*
  The same, and after the blocks `rows` on the rank that has the rows of integrals, if there are any: work->in, work->out
  and F->integral.rows are there. Collective.
*/
typedef PetscErrorCode (*EngdRowsVisit)(EngdFunctional, EngdBlockWork *, void *);
PETSC_INTERN PetscErrorCode EngdFunctionalVisitRows(EngdFunctional, const char user[], Vec from, EngdBlockVisit,
                                                    EngdRowsVisit rows, void *, Vec to);

/*
  functional.c. LayOut: networks have other widths, and all that is as large as they are is made anew; multipliers stay.
  Collective
*/
PETSC_INTERN PetscErrorCode EngdFunctionalLayOut(EngdFunctional);

/*
  theta.c: the vectors of the size of theta. Gather: a distributed vector whole, to be read until the functional works again
  or has other parameters. Reduce: the sum over the ranks of whole arrays, as a distributed vector. Collective
*/
PETSC_INTERN PetscErrorCode EngdFunctionalSetUpVectors(EngdFunctional);
PETSC_INTERN PetscErrorCode EngdFunctionalDestroyVectors(EngdFunctional);
PETSC_INTERN PetscErrorCode EngdFunctionalGather(EngdFunctional, Vec distributed, const PetscReal **whole);
PETSC_INTERN PetscErrorCode EngdFunctionalReduce(EngdFunctional, const PetscReal whole[], Vec distributed);

/* points.c: the blocks of the points of all terms, and all that is as large as they are. Collective */
PETSC_INTERN PetscErrorCode EngdFunctionalSetUpPoints(EngdFunctional);
PETSC_INTERN PetscErrorCode EngdFunctionalDestroyPoints(EngdFunctional);
/* Points have been taken anew: the blocks borrow from them again. */
PETSC_INTERN PetscErrorCode EngdFunctionalAttachPoints(EngdFunctional);
/* The points are another number now: blocks anew. No matrix or optimiser that knows the rows may live on. */
PETSC_INTERN PetscErrorCode EngdFunctionalResize(EngdFunctional);
/* The weights of the points in the blocks: those of the points, of the terms, and of slabs of time. */
PETSC_INTERN PetscErrorCode EngdFunctionalWeighBlocks(EngdFunctional);
/* From now on terms have d^2 r/dDu^2, which only those ask for who read it, as it can take many times what r does. */
PETSC_INTERN PetscErrorCode EngdFunctionalDifferentiate(EngdFunctional);
/* Memory of products with the exact Hessian, once. */
PETSC_INTERN PetscErrorCode EngdFunctionalSetUpHessian(EngdFunctional);

/* resample.c: does any term take new points at this iteration */
PETSC_INTERN PetscBool EngdFunctionalResamples(EngdFunctional, PetscInt iteration);
/* adapt.c: the points of term t, which asks for it, follow the residual at the present theta. Collective */
PETSC_INTERN PetscErrorCode EngdFunctionalAdapt(EngdFunctional, PetscInt t);

/*
  walk.c, of the walkers of term t at the present parameters. BeginWalk: so many steps as they need from where they began. Walk:
  they go on. MeasureWalk: they go on as others would, without moving; mean [sweeps] of the local energy of all in each sweep,
  and the variance of one. Collective
*/
PETSC_INTERN PetscErrorCode EngdFunctionalBeginWalk(EngdFunctional, PetscInt t);
PETSC_INTERN PetscErrorCode EngdFunctionalWalk(EngdFunctional, PetscInt t);
PETSC_INTERN PetscErrorCode EngdFunctionalMeasureWalk(EngdFunctional, PetscInt t, PetscReal mean[],
                                                      PetscReal *variance);
PETSC_INTERN PetscErrorCode EngdWalkWorkDestroy(EngdWalkWork *);

/* causal.c: the factor of slabs of time in the weight of a point of term t */
PETSC_INTERN PetscReal EngdFunctionalCausalWeight(EngdFunctional, PetscInt t, const PetscReal x[]);
/* These factors by the losses at the present theta, and whether there are any. Collective */
PETSC_INTERN PetscErrorCode EngdFunctionalUpdateCausal(EngdFunctional, PetscBool *any);

/* multipliers.c: the shift of the residuals of a block, [n][ncomponents], or NULL */
PETSC_INTERN PetscReal *EngdBlockShift(EngdFunctional, const EngdBlock *);
/* Points are no longer there, and their multipliers neither: those of the new ones begin at zero. */
PETSC_INTERN PetscErrorCode EngdFunctionalForgetMultipliers(EngdFunctional);
PETSC_INTERN PetscErrorCode EngdFunctionalMultipliersState(EngdFunctional, EngdArchive);

/* memory.c: what the largest block needs */
typedef struct {
  PetscInt columns; /* Of a jet. */
  PetscInt jet;     /* Numbers of its u. */
  PetscInt values;  /* Numbers of its values. */
  PetscInt inputs;  /* Of its pointwise parts. */
} EngdBlockSizes;
/* Points of a block of term t, the most that its shared jet holds. */
PETSC_INTERN PetscInt       EngdFunctionalBlockSize(EngdFunctional, PetscInt t);
PETSC_INTERN EngdBlockSizes EngdFunctionalLargestSizes(EngdFunctional);
/* Do blocks keep their jets between products. */
PETSC_INTERN PetscBool EngdFunctionalKeepsJets(EngdFunctional);
/* Blocks as small as the limit wants them. Collective */
PETSC_INTERN PetscErrorCode EngdFunctionalFitBlocks(EngdFunctional);
PETSC_INTERN PetscErrorCode EngdFunctionalReadMemoryLimit(EngdFunctional, EngdOptionItems PetscOptionsObject);
/* Fails where the texts of the terms, with their derivatives so far, are more than the limit. */
PETSC_INTERN PetscErrorCode EngdFunctionalCheckTexts(EngdFunctional);
/* What the parts of a run take of this rank, in bytes. */
typedef struct {
  PetscBool kept; /* Are activations kept between products? */
  PetscReal program, activations, blocks, vectors;
  PetscReal elsewhere; /* In the resident set of this rank, as of others, but counted as the first's on its node. */
} EngdMemory;
PETSC_INTERN PetscErrorCode EngdFunctionalGetMemory(EngdFunctional, EngdMemory *);

/* evaluate.c: fails, naming term and point, if a residual is not finite at the present theta. Collective */
PETSC_INTERN PetscErrorCode EngdFunctionalCheck(EngdFunctional);

/* state.c: epochs of the points and counters, and whether theta is the Vec that was last set. Collective */
PETSC_INTERN PetscErrorCode EngdFunctionalState(EngdFunctional, Vec theta, EngdArchive);

/*
  parameters.c: EngdFunctionalGetUnknownParameters() with the correlation (nunknowns, nunknowns) of the estimates, zero where
  there are no standard errors, or NULL. Collective
*/
PETSC_INTERN PetscErrorCode EngdFunctionalGetUnknowns(EngdFunctional, Vec theta, PetscReal value[],
                                                      PetscReal standard_error[], PetscReal correlation[]);

/* block.c: block b, whose jet and pointwise parts are those of the present theta. */
PETSC_INTERN PetscErrorCode EngdFunctionalGetBlock(EngdFunctional, PetscInt b, EngdBlock **);
/* Values and derivatives of the pointwise part by this jet; NULL for what is not wanted. */
PETSC_INTERN PetscErrorCode EngdBlockEvaluate(EngdFunctional, EngdBlock *, EngdModelJet, PetscReal value[],
                                              PetscReal first[], PetscReal second[]);
/* Values alone, at other parameters: by the shared jet of the term, into F->trial.value. */
PETSC_INTERN PetscErrorCode EngdBlockEvaluateAt(EngdFunctional, EngdBlock *, const PetscReal theta[]);
/* From now on the residual is without what it is at theta, whole. */
PETSC_INTERN PetscErrorCode EngdBlockSetOffset(EngdFunctional, EngdBlock *, const PetscReal theta[]);
/* y = D du and gu += D^T y with the derivatives D = dr/dDu of the term. */
PETSC_INTERN PetscErrorCode EngdBlockFirst(EngdFunctional, const EngdBlock *, const PetscReal du[], PetscReal y[]);
PETSC_INTERN PetscErrorCode EngdBlockFirstTranspose(EngdFunctional, const EngdBlock *, const PetscReal y[],
                                                    PetscReal gu[]);
/* gu += sum_c y_c S_c du with S_c = d^2 r_c/dDu^2. */
PETSC_INTERN PetscErrorCode EngdBlockSecond(EngdFunctional, const EngdBlock *, const PetscReal y[],
                                            const PetscReal du[], PetscReal gu[]);
/* y = M du and gu += M^T y with the derivatives M of what the curvature measures. */
PETSC_INTERN PetscErrorCode EngdBlockMeasured(EngdFunctional, const EngdBlock *, const PetscReal du[], PetscReal y[]);
PETSC_INTERN PetscErrorCode EngdBlockMeasuredTranspose(EngdFunctional, const EngdBlock *, const PetscReal y[],
                                                       PetscReal gu[]);
/* gu = dE/dDu at the points, y scratch. */
PETSC_INTERN PetscErrorCode EngdBlockCotangent(EngdFunctional, const EngdBlock *, PetscReal y[], PetscReal gu[]);
PETSC_INTERN PetscErrorCode EngdBlockZero(EngdFunctional, const EngdBlock *, PetscReal gu[]);
/* Where jet entry e of the term stands in u, du and gu. */
PETSC_INTERN EngdPlace EngdBlockPlace(EngdFunctional, const EngdBlock *, PetscInt e);
/* The rows of the jet of a block, see EngdModelJetRow(). */
PETSC_INTERN PetscBool EngdBlockJetRow(EngdFunctional, const EngdBlock *, PetscInt r, EngdPlace *);

/*
  quotient.c: L as a function of sums over the points, and of the slopes of L in these. Slope of component c of a term: what the
  cotangent and the metric of energies have as a factor; ShiftedSlope: with E - below in place of E.
*/
PETSC_INTERN PetscReal EngdBlockSlope(EngdFunctional, const EngdBlock *, PetscInt c);
PETSC_INTERN PetscReal EngdBlockShiftedSlope(EngdFunctional, const EngdBlock *, PetscInt c);
PETSC_INTERN void EngdBlockIntegrals(EngdFunctional, const EngdBlock *, const PetscReal value[], PetscReal sums[]);
PETSC_INTERN PetscErrorCode EngdOuterSetUp(EngdFunctional);
/* The shift for the next direction at this loss, which has changed by so much in the last step, 0: there was none. */
PETSC_INTERN void           EngdOuterSetShift(EngdFunctional, PetscReal loss, PetscReal change);
PETSC_INTERN PetscErrorCode EngdOuterLoss(EngdFunctional, const PetscReal sums[], PetscReal *loss, PetscReal slope[]);
/* Sums and slopes at the present theta. Collective */
PETSC_INTERN PetscErrorCode EngdOuterUpdate(EngdFunctional);
/* Of a quotient: n orthonormal vectors that leave its states as they are; v without its part along them. Collective */
PETSC_INTERN PetscErrorCode EngdOuterGetVertical(EngdFunctional, PetscInt *n, const Vec **q);
PETSC_INTERN PetscErrorCode EngdOuterProject(EngdFunctional, Vec v);
PETSC_INTERN PetscErrorCode EngdOuterDestroy(EngdFunctional);
/* Has L a bound; is the loss at the present parameters below it by more than noise, an error then. Not collective */
PETSC_INTERN PetscBool EngdOuterIsBounded(EngdFunctional);
PETSC_INTERN PetscBool EngdOuterHasFallen(EngdFunctional, PetscReal loss);

/*
  walkers.c: a loss that is the mean of the local energy. Sums: as EngdBlockIntegrals(). Loss: of the sums. Refuse: do so few
  walkers count at these parameters that the sums say nothing, or is the energy too large for noise. Not collective
*/
PETSC_INTERN void      EngdWalkersSums(EngdFunctional, const EngdBlock *, const PetscReal value[], PetscReal sums[]);
PETSC_INTERN PetscReal EngdWalkersLoss(const PetscReal sums[]);
PETSC_INTERN PetscBool EngdWalkersRefuse(EngdFunctional, const PetscReal sums[]);
/* SetUp; the weights of the blocks at the present parameters, by the sums. Collective */
PETSC_INTERN PetscErrorCode EngdWalkersSetUp(EngdFunctional);
PETSC_INTERN PetscErrorCode EngdWalkersWeigh(EngdFunctional);
/*
  Centre: the mean of the rows of J is known from now on. The others subtract it, and do nothing where L is no such mean: Rows from
  (p, n), rows of a block; Residuals from the part of this rank of a vector y of the size of R, y -= s (s . y); Product, Diagonal
  and Kernel from y = G x, from the diagonal of G and from rows of J J^T. Collective but for Rows
*/
PETSC_INTERN PetscErrorCode EngdWalkersCentre(EngdFunctional);
PETSC_INTERN void           EngdWalkersCentreRows(EngdFunctional, const EngdBlock *, PetscInt ld, PetscReal rows[]);
PETSC_INTERN PetscErrorCode EngdWalkersCentreResiduals(EngdFunctional, PetscReal y[]);
PETSC_INTERN PetscErrorCode EngdWalkersCentreProduct(EngdFunctional, Vec x, Vec y);
PETSC_INTERN PetscErrorCode EngdWalkersCentreDiagonal(EngdFunctional, Vec);
PETSC_INTERN PetscErrorCode EngdWalkersCentreKernel(EngdFunctional, PetscInt ld, PetscReal K[]);

/* integral_rows.c: memory; the rows at the present theta. Collective */
PETSC_INTERN PetscErrorCode EngdIntegralRowsSetUp(EngdFunctional);
PETSC_INTERN PetscErrorCode EngdIntegralRowsUpdate(EngdFunctional);
PETSC_INTERN PetscErrorCode EngdIntegralRowsDestroy(EngdFunctional);
/* How many are part of the metric, and how many of those this rank has. Not collective */
PETSC_INTERN PetscInt EngdIntegralRowsOfMetric(EngdFunctional);
PETSC_INTERN PetscInt EngdIntegralRowsCount(EngdFunctional);
/* y = A in and out += A^T y with these rows A. Not collective */
PETSC_INTERN void EngdIntegralRowsProduct(EngdFunctional, const PetscReal in[], PetscReal y[]);
PETSC_INTERN void EngdIntegralRowsAddTranspose(EngdFunctional, const PetscReal y[], PetscReal out[]);

/* curvature/curvature.c: a buffer of a curvature that grows, with no allocation once the largest block has been met */
PETSC_INTERN PetscErrorCode EngdCurvatureReserve(PetscInt size, PetscReal **buffer, PetscInt *have);
PETSC_INTERN PetscErrorCode EngdCurvatureCreate(const char type[], EngdCurvature *);
PETSC_INTERN PetscErrorCode EngdCurvatureDestroy(EngdCurvature *);
/* How many roots make up all of W on a term, or false where they do not. */
PETSC_INTERN PetscErrorCode EngdCurvatureCountAllRoots(EngdFunctional, PetscInt term, PetscInt *,
                                                       PetscBool *complete);
PETSC_EXTERN PetscErrorCode EngdCurvatureRegister(const char[], PetscErrorCode (*)(EngdCurvature));
#define ENGD_REGISTER_CURVATURE(name, create) PETSC_INTERN PetscErrorCode create(EngdCurvature)

#endif
