/*
  The network and its jets: Taylor mode through the layers, its tangent and its adjoint. (src/network)

  A jet is a matrix of channels x points columns: channel 0 the value, then the first derivatives, then those of order two to
  four, each a partial derivative, a Laplacian, its derivative, or the Laplacian twice. Stored by columns, column c * n + i is
  channel c of point i, so that a linear layer is one GEMM and an activation runs over contiguous memory.
*/
#ifndef ENGD_NETWORK_H
#define ENGD_NETWORK_H

#include <engd/expression.h>

_Static_assert(ENGD_ACTIVATION_ORDER >= ENGD_JET_ORDER + 2,
               "exact Hessians need two derivatives of sigma beyond the jet's");

/* coefficient a_i a_j ..., and what adjoints read of it: its derivative in the channel i is weight times the product of rest */
typedef struct {
  PetscReal coefficient;
  PetscInt  degree, factor[ENGD_JET_ORDER]; /* channels, ascending */
  PetscInt  nparts;                         /* one for each of the factors that differ */
  struct {
    PetscReal weight;
    PetscInt  channel, rest[ENGD_JET_ORDER - 1]; /* degree - 1 channels */
  } part[ENGD_JET_ORDER];
} EngdMonomial;

/*
  One channel. Faa di Bruno: h_c = s'(a_0) a_c + sum_k s^(k)(a_0) q_ck, where q_ck is a sum of products of k channels
  of lower order. To second order q_c2 = sum_{(i,j) in pair} a_i a_j; above, the products are monomials, by ascending degree.
*/
typedef struct {
  PetscInt      order, laplacian; /* as in EngdJetEntry */
  PetscInt      coordinate[ENGD_JET_ORDER];
  PetscInt      npairs;
  PetscInt     *pair; /* [npairs][2] channels whose product enters; both of first order */
  PetscInt      nmonomials;
  EngdMonomial *monomial; /* [nmonomials] where the order is above two */
} EngdChannel;

#define ENGD_JET_STRIP 128 /* points at a time that inputs and directions are evaluated at */

typedef struct _n_EngdJetLayout *EngdJetLayout;
struct _n_EngdJetLayout {
  PetscInt     nspace, dim;
  PetscInt     nrandom;     /* dimensions of each point that a Laplacian is the sum over, in place of nspace; or 0 */
  PetscInt     ndirections; /* vectors made of x; first derivatives are along dim coordinates, nrandom, then these */
  PetscInt     nchannels;   /* S */
  EngdChannel *channel;     /* [S] by order; channel 0 is the value */
  PetscInt    *first;       /* [dim + nrandom + ndirections] the channel of d/dx_i, or -1 */
  PetscBool   *used;        /* [S] is it read at the output (and not only on the way to other channels) */
  PetscBool   *value;       /* [S] is it the value: the channels of a trainable factor */
  PetscBool    hessian;     /* do jets keep one more derivative of sigma, for second tangents */

  PetscInt       ninputs;   /* where the network's inputs are not x itself: */
  EngdExpression input;     /* their input jet, the channels of one after the other, (ninputs) each; or NULL */
  PetscReal     *strip;     /* its values, or those of the directions, at some points */
  EngdBatch     *batch;     /* [dim] */
  EngdExpression direction; /* the vectors, nspace components each; or NULL */
};

/* The smallest layout that holds all these entries (and the value); used marks the channels of the entries */
PETSC_INTERN PetscErrorCode EngdJetLayoutCreate(PetscInt nspace, PetscInt dim, PetscInt nentries,
                                                const EngdJetEntry entry[], EngdJetLayout *);
/* The same with s random dimensions, and directions that it has from then on, or NULL (direction.c) */
PETSC_INTERN PetscErrorCode EngdJetLayoutCreateRandom(PetscInt nspace, PetscInt dim, PetscInt s,
                                                      EngdExpression directions, PetscInt nentries,
                                                      const EngdJetEntry entry[], EngdJetLayout *);
PETSC_INTERN PetscErrorCode EngdJetLayoutFind(EngdJetLayout, const EngdJetEntry *, PetscInt *channel);
/* the next run [*begin, *end) of channels marked used, from *end on; used = NULL marks all; false when there is none */
PETSC_INTERN PetscBool EngdJetLayoutNextRun(EngdJetLayout, const PetscBool used[], PetscInt *begin, PetscInt *end);
PETSC_INTERN PetscErrorCode EngdJetLayoutDestroy(EngdJetLayout *);
/* inputs E(x) in place of x: components that are not compiled; the layout has the expression from then on */
PETSC_INTERN PetscErrorCode EngdJetLayoutSetInput(EngdJetLayout, EngdExpression inputs);
PETSC_INTERN PetscErrorCode EngdJetLayoutEvaluateInput(EngdJetLayout, PetscInt n, const PetscReal x[], PetscReal z[]);

/*
  A block of parameters: a linear layer, W (n_out, n_in) by columns and then b (n_out); or a trainable factor, a layer without
  inputs, which is all bias and on the value channel.
*/
typedef struct {
  PetscInt  n_in, n_out;
  PetscInt  offset;  /* of W(0,0) in theta; b begins at offset + n_in * n_out */
  PetscInt  from;    /* the slot that it reads, or one of those below */
  PetscReal initial; /* of a factor */
} EngdLayer;
#define ENGD_SLOT_INPUT -1 /* the inputs of the network */
#define ENGD_SLOT_NONE  -2 /* a layer without inputs */

/*
  What a network does, piece by piece, on slots: matrices (width, S n) of channels x points. A type of network lists its pieces.

    linear    out = W in + b
    activate  out = sigma(in) as jets
    scale     out = factor * a * in, a the one parameter of the layer
    multiply  out = in . with as jets, entry by entry (Leibniz)
    add       out = out + factor * in, in place

  All but linear ones take the slot `in` over: no other piece reads it, so that tangents and adjoints work in place. Nor does one
  read the out of an add before it.
*/
typedef enum {
  ENGD_PIECE_LINEAR,
  ENGD_PIECE_ACTIVATE,
  ENGD_PIECE_SCALE,
  ENGD_PIECE_MULTIPLY,
  ENGD_PIECE_ADD
} EngdNetworkPieceKind;
typedef struct {
  EngdNetworkPieceKind kind;
  PetscInt             in, with, out, layer;
  PetscReal            factor;
  PetscBool
      adds; /* has the slot that the adjoint gives a cotangent to, `with` or else `in`, got one from a later piece */
} EngdNetworkPiece;

typedef struct {
  PetscInt  width;
  PetscInt  buffer; /* of its tangent and its cotangent, as few for all slots as pieces allow */
  PetscInt  last;   /* the last piece that reads it */
  PetscBool taken;  /* by a piece that works in place */
  PetscBool narrow; /* are its channels marked used all that is read, as of what the last layer reads */
} EngdNetworkSlot;

/* lists the pieces of a network, up to what the last linear layer reads, by the functions below */
typedef PetscErrorCode (*EngdNetworkTypeFn)(EngdNetwork, PetscInt *last);

struct _n_EngdNetwork {
  MPI_Comm          comm;
  char             *prefix; /* of its options: network_, or flow_ of the network that is named so */
  PetscInt          ninputs, noutputs;
  PetscInt          nhidden, *width; /* hidden layers */
  PetscBool         grows;           /* does the run widen them (-network_layers auto) */
  char             *type;            /* mlp, residual, gated, modified */
  EngdNetworkTypeFn build;
  char             *activation;
  EngdActivationFn  activate;
  PetscReal         activation_scale; /* n of sigma(n a x) with trainable a, or 0 */
  char             *initial;          /* glorot, normal or uniform */
  PetscReal         initial_scale, initial_bias;
  PetscBool         setup;
  PetscBool         used; /* has a functional been set up with it */
  PetscInt          nlayers, npieces, nslots, nbuffers;
  EngdLayer        *layer; /* [nlayers] in the order of theta; the last one gives the outputs, into the last slot */
  EngdNetworkPiece *piece; /* [npieces] */
  EngdNetworkSlot  *slot;  /* [nslots] */
  PetscInt          nparameters;
  PetscInt          widest; /* the largest n_in, n_out of all layers */
};

/* a network that grows: one hidden layer, of the first width doubled so many times. Logically collective */
PETSC_INTERN PetscErrorCode EngdNetworkWiden(EngdNetwork, PetscInt times);

/* For types: add a piece and say where its result is. Units: a linear layer with its activation, and the factor of
   -network_activation_scale. in may be ENGD_SLOT_INPUT for linear layers and units. */
PETSC_EXTERN PetscErrorCode EngdNetworkTypeRegister(const char name[], EngdNetworkTypeFn);
#define ENGD_REGISTER_NETWORK(name, build) PETSC_INTERN PetscErrorCode build(EngdNetwork, PetscInt *)
PETSC_INTERN PetscErrorCode EngdNetworkBuild_MLP(EngdNetwork,
                                                 PetscInt *last); /* of networks until they are told otherwise */
PETSC_EXTERN PetscErrorCode EngdNetworkAddLinear(EngdNetwork, PetscInt in, PetscInt width, PetscInt *out);
PETSC_EXTERN PetscErrorCode EngdNetworkAddUnits(EngdNetwork, PetscInt in, PetscInt width, PetscInt *out);
PETSC_EXTERN PetscErrorCode EngdNetworkAddScale(EngdNetwork, PetscInt in, PetscReal factor, PetscReal initial,
                                                PetscInt *out);
PETSC_EXTERN PetscErrorCode EngdNetworkAddMultiply(EngdNetwork, PetscInt in, PetscInt with, PetscInt *out);
PETSC_EXTERN PetscErrorCode EngdNetworkAddAdd(EngdNetwork, PetscInt in, PetscReal factor, PetscInt out);

PETSC_INTERN PetscErrorCode EngdNetworkSetUp(EngdNetwork);
PETSC_INTERN PetscErrorCode EngdNetworkClearPieces(EngdNetwork);
PETSC_INTERN PetscErrorCode EngdNetworkCopySettings(EngdNetwork from, EngdNetwork to);
/* the initial parameters of a network whose first one is number `first` of theta */
PETSC_INTERN PetscErrorCode EngdNetworkInitializeAt(EngdNetwork, PetscInt64 seed, PetscInt first, Vec theta);
PETSC_INTERN PetscErrorCode EngdActivationFind(const char[], EngdActivationFn *);
PETSC_INTERN void           EngdActivate(EngdActivationFn, PetscInt n, const PetscReal a[], PetscInt order,
                                         PetscReal *const s[]);

/* The jet of the network at a block of n <= nmax points, with all that tangents and adjoints need */
typedef struct _n_EngdJet *EngdJet;
struct _n_EngdJet {
  EngdNetwork      network;
  EngdJetLayout    layout;
  PetscInt         nmax, n;
  PetscInt         nderivatives; /* of sigma that are kept: what tangents need */
  const PetscReal *x;            /* [n][dim] the points, borrowed */
  const PetscInt  *dimension;    /* [n][nrandom] their random dimensions, borrowed; set before a forward pass */
  PetscReal       *direction;    /* [ndirections][n][dim] the vectors at these points */
  PetscReal      **slot;         /* [nslots] (width, S n); the last is u */
  PetscReal **
      *s; /* [nslots] of what an activation gives: [ENGD_JET_ORDER + 3] (width, n): its value channel, s', s'', ... */
  PetscReal *input; /* (ninputs, S n): the input jet, NULL where it is that of x */
  PetscReal *u;     /* (noutputs, S n): the jet of the outputs, borrowed; only channels marked used are defined */
  PetscReal *memory;
};

/* Scratch for one block at a time: of each slot its tangent d, which a tangent pass leaves, and its cotangent g, each (width,
   S n). They share the buffers, unless the work is one for the Hessian, which keeps d, and has dg. */
typedef struct _n_EngdJetWork *EngdJetWork;
struct _n_EngdJetWork {
  PetscReal **d, **g, **dg; /* [nslots]; the last one is the caller's */
  PetscReal  *factor;       /* (2 ncolumns) the cotangents of a factor, and their tangent */
  size_t      count;        /* of the numbers of all this */
  PetscReal  *memory;
};

/* Called for each layer by the adjoint, last layer first: z (n_in, S n) its input, g (n_out, S n) the cotangent
   of its output, defined on the channels of EngdJetLayerChannels(). z is NULL of a layer without inputs, and of one that reads
   the input jet where that is x itself on the value channel and the unit vector e_i on the channel d/dx_i (EngdJetFillInput
   writes it out). */
typedef PetscErrorCode (*EngdLayerVisitor)(EngdJet, PetscInt layer, const PetscReal z[], const PetscReal g[],
                                           void *ctx);

/* Create: with an array u of its own; SetOutputs: another array in place of it, that outlives the next passes */
PETSC_INTERN PetscErrorCode EngdJetCreate(EngdNetwork, EngdJetLayout, PetscInt nmax, EngdJet *);
PETSC_INTERN PetscErrorCode EngdJetSetOutputs(EngdJet, PetscReal u[]);
PETSC_INTERN PetscErrorCode EngdJetDestroy(EngdJet *);
PETSC_INTERN size_t         EngdJetBytes(EngdNetwork, EngdJetLayout, PetscInt n);
PETSC_INTERN PetscErrorCode EngdJetWorkCreate(EngdNetwork, PetscInt ncolumns, EngdJetWork *);
PETSC_INTERN PetscErrorCode EngdJetWorkCreateHessian(EngdNetwork, PetscInt ncolumns, EngdJetWork *);
PETSC_INTERN PetscErrorCode EngdJetWorkDestroy(EngdJetWork *);

/*
  Derivatives along what is no coordinate, channel c of order one of an input jet z that is not stored (direction.c): the random
  dimension j of a point stands for the vector sqrt(d/s) e_j, so that the sum of s second derivatives is d/s times that sum.
  SetUp: the vectors at the points of the jet. Multiply: A = W z. AddGradient: gW += g z^T. AddRow: W += g_i z_i^T of point i. Fill: z.
*/
PETSC_INTERN size_t         EngdJetDirectionCount(EngdJetLayout, PetscInt n);
PETSC_INTERN PetscErrorCode EngdJetDirectionSetUp(EngdJet);
PETSC_INTERN PetscErrorCode EngdJetDirectionMultiply(EngdJet, PetscInt c, PetscInt m, const PetscReal W[],
                                                     PetscReal A[]);
PETSC_INTERN PetscErrorCode EngdJetDirectionAddGradient(EngdJet, PetscInt c, PetscInt m, const PetscReal g[],
                                                        PetscReal gW[]);
PETSC_INTERN void           EngdJetDirectionAddRow(EngdJet, PetscInt c, PetscInt i, PetscInt m, const PetscReal g[],
                                                   PetscReal W[]);
PETSC_INTERN void           EngdJetDirectionFill(EngdJet, PetscInt c, PetscReal z[]);

/* of a layer, or of a slot: its channels with a cotangent, NULL: all; of a layer its input, or NULL */
PETSC_INTERN const PetscBool *EngdNetworkLayerChannels(EngdNetwork, EngdJetLayout, PetscInt layer);
PETSC_INTERN const PetscBool *EngdJetSlotChannels(EngdJet, PetscInt slot);
PETSC_INTERN const PetscBool *EngdJetLayerChannels(EngdJet, PetscInt layer);
PETSC_INTERN const PetscReal *EngdJetLayerInput(EngdJet, PetscInt layer);

/*
  theta, dtheta, gradient: whole parameter vectors of the network on this rank. All are local.
  Forward:  u and what is kept on the way.
  Tangent:  du (noutputs, S n), the derivative of u along dtheta, on the channels marked used.
  Adjoint:  from the cotangent gu (noutputs, S n) on the channels marked used, back through all layers;
            the visitor sees every layer.
  Gradient: the adjoint whose visitor adds g z^T to gradient: gradient += (du/dtheta)^T gu.
  Hessian:  after a tangent with the same dtheta and work, which is one for the Hessian: sum += the derivative along dtheta
            of (du/dtheta)^T gu, where gu changes by dgu. The layout's flag `hessian` is set.
*/
PETSC_INTERN PetscErrorCode EngdJetForward(EngdJet, const PetscReal theta[], PetscInt n, const PetscReal x[]);
PETSC_INTERN PetscErrorCode EngdJetTangent(EngdJet, const PetscReal theta[], const PetscReal dtheta[], EngdJetWork,
                                           PetscReal du[]);
PETSC_INTERN PetscErrorCode EngdJetAdjoint(EngdJet, const PetscReal theta[], const PetscReal gu[], EngdJetWork,
                                           EngdLayerVisitor, void *ctx);
PETSC_INTERN PetscErrorCode EngdJetGradient(EngdJet, const PetscReal theta[], const PetscReal gu[], EngdJetWork,
                                            PetscReal gradient[]);
PETSC_INTERN PetscErrorCode EngdJetHessian(EngdJet, const PetscReal theta[], const PetscReal dtheta[],
                                           const PetscReal gu[], const PetscReal dgu[], EngdJetWork, PetscReal sum[]);
/* parts of adjoints at one layer: sum += g z^T, the same and the value channel of g for the bias (any
   layer), below (+)= W^T g */
PETSC_INTERN PetscErrorCode EngdJetLayerWeights(EngdJet, PetscInt layer, const PetscReal z[], const PetscReal g[],
                                                PetscReal sum[]);
PETSC_INTERN PetscErrorCode EngdJetLayerGradient(EngdJet, PetscInt layer, const PetscReal z[], const PetscReal g[],
                                                 void *sum);
PETSC_INTERN PetscErrorCode EngdJetLayerTranspose(EngdJet, PetscInt layer, const PetscReal theta[],
                                                  const PetscReal g[], PetscBool add, PetscReal below[]);
/* parts of adjoints at a slot, on the channels marked used: out += factor in; zeros on the other channels of the cotangent g if
   they are to be defined; of the factor of a piece sum_i (+)= <in_i, g_i>; the cotangents of what a piece that is not linear
   reads, from those of what it gives */
PETSC_INTERN void EngdJetAdd(EngdJet, PetscInt slot, const PetscBool used[], PetscReal factor, const PetscReal in[],
                             PetscReal out[]);
PETSC_INTERN PetscErrorCode EngdJetBeginCotangent(EngdJet, PetscInt slot, const PetscBool used[], PetscReal g[]);
PETSC_INTERN void EngdJetFactorCotangent(EngdJet, const EngdNetworkPiece *, const PetscReal in[], const PetscReal g[],
                                         PetscBool add, PetscReal sum[]);
PETSC_INTERN PetscErrorCode EngdJetAdjointPiece(EngdJet, const EngdNetworkPiece *, const PetscReal theta[],
                                                PetscReal *const g[]);
/*
  Rows: row i is the gradient of gu_i . u_i at point i alone.
  Cotangents: g of all layers, CotangentCount numbers, from gu by one adjoint; WriteRows: from g the rows (p, end - begin)
  of points begin, ..., end - 1, ld numbers apart.  Rows: both, for all points.
*/
PETSC_INTERN size_t         EngdJetCotangentCount(EngdNetwork, EngdJetLayout, PetscInt n);
PETSC_INTERN PetscErrorCode EngdJetCotangents(EngdJet, const PetscReal theta[], const PetscReal gu[], EngdJetWork,
                                              PetscReal g[]);
PETSC_INTERN PetscErrorCode EngdJetWriteRows(EngdJet, const PetscReal g[], PetscInt begin, PetscInt end, PetscInt ld,
                                             PetscReal rows[]);
PETSC_INTERN PetscErrorCode EngdJetRows(EngdJet, const PetscReal theta[], const PetscReal gu[], EngdJetWork,
                                        PetscInt ld, PetscReal rows[]);
/* sum (p) += the squares of these rows, entry by entry, with the memory of one row */
PETSC_INTERN PetscErrorCode EngdJetSquaredRows(EngdJet, const PetscReal theta[], const PetscReal gu[], EngdJetWork,
                                               PetscReal sum[]);
/* z (n_in, S n): the input jet, which passes do not store where it is that of x */
PETSC_INTERN PetscErrorCode EngdJetFillInput(EngdJet, PetscReal z[]);

/* Kernels of the activation of one layer, in a file of their own so that it alone is compiled for vector units.
   count = width * n; a, h, da, ga are (S, count); s[k] (count) is the k-th derivative of sigma at the value channel.
   Tangent and adjoint work in place: da becomes dh, gh becomes ga; so does the tangent of the adjoint along da, with dgh
   that becomes dga. used: [S] or NULL for all, the channels of h that
   are read (tangent) or have a cotangent (adjoint). */
PETSC_INTERN void EngdActivationForward(EngdJetLayout, PetscInt count, const PetscReal a[], PetscReal *const s[],
                                        PetscReal h[]);
PETSC_INTERN void EngdActivationTangent(EngdJetLayout, const PetscBool used[], PetscInt count, const PetscReal a[],
                                        PetscReal *const s[], PetscReal da[]);
PETSC_INTERN void EngdActivationAdjoint(EngdJetLayout, const PetscBool used[], PetscInt count, const PetscReal a[],
                                        PetscReal *const s[], PetscReal ga[]);
PETSC_INTERN void EngdActivationAdjointTangent(EngdJetLayout, const PetscBool used[], PetscInt count,
                                               const PetscReal a[], const PetscReal da[], PetscReal *const s[],
                                               PetscReal ga[], PetscReal dga[]);

/* The product of two jets, entry by entry: h = f . g, f may be h. Tangent: dh = df . g + f . dg, df may be dh. Adjoint: gf (+)= the
   adjoint of f -> f . g at gh; gf may be gh unless it is added to. (src/network/product.c) */
PETSC_INTERN void EngdProductForward(EngdJetLayout, PetscInt count, const PetscReal f[], const PetscReal g[],
                                     PetscReal h[]);
PETSC_INTERN void EngdProductTangent(EngdJetLayout, PetscInt count, const PetscReal f[], const PetscReal g[],
                                     const PetscReal df[], const PetscReal dg[], const PetscBool used[],
                                     PetscReal dh[]);
PETSC_INTERN void EngdProductAdjoint(EngdJetLayout, PetscInt count, const PetscReal g[], const PetscBool used[],
                                     const PetscReal gh[], PetscBool add, PetscReal gf[]);

#endif
