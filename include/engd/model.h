/*
  The model between theta and the jets: inputs E(x), networks, an ansatz, unknown parameters. (src/model)

    u_k(x) = ansatz_k(x, raw outputs, unknown parameters),   raw = (network_1(E_1(x)), network_2(E_2(x)), ...)
    theta  = (weights of network 1, weights of network 2, ..., unknown parameters)

  Raw jets carry the derivatives of the raw outputs and the unknown parameters; value, tangent, adjoint and rows of J are
  theirs: those of the networks one after the other. The ansatz is part of the pointwise expressions that read them
  (src/problem/model.c).
*/
#ifndef ENGD_MODEL_H
#define ENGD_MODEL_H

#include <engd/problem.h>
#include <engd/network.h>

/* A network of the model, and where its parameters, layers and outputs begin among all */
typedef struct {
  EngdNetwork network; /* borrowed */
  PetscInt    parameter, layer, output;
} EngdModelPart;

typedef struct _n_EngdModel *EngdModel;
struct _n_EngdModel {
  EngdProblem    problem; /* borrowed */
  PetscInt       nparts;  /* networks */
  EngdModelPart *part;    /* [nparts] */
  PetscInt       noutputs, nunknowns;
  PetscInt       nparameters; /* the length of theta */
  PetscInt       nweights;    /* of them those of the networks; the unknown parameters follow */
  PetscInt nlayers; /* blocks of theta: the layers of the networks, then the unknown parameters if there are any */
  EngdLayer *
      layer; /* [nlayers] with their offsets in theta; that of the unknown parameters has no inputs: it is all bias */
  PetscInt    npast; /* Windows of time that have been solved, */
  PetscReal **past;  /* [npast][nparameters] and their theta, whole on each rank. */
};

PETSC_INTERN PetscErrorCode EngdModelCreate(EngdProblem, PetscInt nnetworks, const EngdNetwork[], EngdModel *);
/* where the parameters of each network and layer are, anew where networks have changed their widths. Collective */
PETSC_INTERN PetscErrorCode EngdModelLayOut(EngdModel);
PETSC_INTERN PetscErrorCode EngdModelCreateParameters(EngdModel, Vec *theta);
PETSC_INTERN PetscErrorCode EngdModelInitialize(EngdModel, PetscInt64 seed, Vec theta);
PETSC_INTERN PetscErrorCode EngdModelDestroy(EngdModel *);
/* theta, whole, is that of one more window of time; there is none from now on. Not collective */
PETSC_INTERN PetscErrorCode EngdModelAddPast(EngdModel, const PetscReal theta[]);
PETSC_INTERN PetscErrorCode EngdModelForgetPast(EngdModel);
/* the part that has this layer, nparts for the unknown parameters; whether it is the last layer of a network; that one */
PETSC_INTERN PetscInt  EngdModelPartOfLayer(EngdModel, PetscInt layer);
PETSC_INTERN PetscBool EngdModelIsLastLayer(EngdModel, PetscInt layer);
PETSC_INTERN PetscInt  EngdModelLastLayer(EngdModel, PetscInt part);

/* Which derivatives of the outputs of each network the jets of a term carry; networks that it does not read cost nothing */
typedef struct _n_EngdModelLayout *EngdModelLayout;
struct _n_EngdModelLayout {
  PetscInt       nparts;
  EngdJetLayout *part;      /* [nparts] NULL where nothing of the network is read */
  EngdJetLayout  value;     /* the one channel of the unknown parameters */
  PetscInt       nchannels; /* of the network that has most, and 1 at least */
  PetscInt nrows; /* numbers of a jet at a point: outputs times channels of each network, and unknown parameters */
  PetscInt nunknowns;
};

/* the layout of raw jets with these entries, among which unknown parameters may be */
PETSC_INTERN PetscErrorCode EngdModelLayoutCreate(EngdModel, PetscInt nentries, const EngdJetEntry entry[],
                                                  EngdModelLayout *);
/* the same of a term with s random dimensions, whose expression knows the directions */
PETSC_INTERN PetscErrorCode EngdModelLayoutCreateRandom(EngdModel, PetscInt s, EngdExpression, PetscInt nentries,
                                                        const EngdJetEntry entry[], EngdModelLayout *);
PETSC_INTERN PetscErrorCode EngdModelLayoutDestroy(EngdModelLayout *);
/* jets made from now on keep one more derivative of sigma, for second tangents */
PETSC_INTERN PetscErrorCode EngdModelLayoutKeepHessian(EngdModelLayout);
/* the channel of an entry within its network, zero for unknown parameters */
PETSC_INTERN PetscErrorCode EngdModelLayoutFind(EngdModel, EngdModelLayout, const EngdJetEntry *, PetscInt *channel);
/* of a layer: the layout of its network, NULL where that is not read; its channels with a cotangent, NULL: all; how many */
PETSC_INTERN EngdJetLayout    EngdModelLayerLayout(EngdModel, EngdModelLayout, PetscInt layer);
PETSC_INTERN const PetscBool *EngdModelLayerChannels(EngdModel, EngdModelLayout, PetscInt layer);
PETSC_INTERN PetscInt         EngdModelLayerChannelCount(EngdModel, EngdModelLayout, PetscInt layer);

/* Entry i of the points of a jet stands at offset + i stride in its u, du and gu */
typedef struct {
  size_t   offset;
  PetscInt stride;
} EngdPlace;
PETSC_INTERN EngdPlace EngdModelPlace(EngdModel, EngdModelLayout, PetscInt n, const EngdJetEntry *, PetscInt channel);
/* the rows r = 0, 1, ... of the jets of n points that are defined: where they stand, or false when there are no more */
PETSC_INTERN PetscBool EngdModelJetRow(EngdModel, EngdModelLayout, PetscInt n, PetscInt r, EngdPlace *);

/* The jets of the model at a block of n <= nmax points: of network k (noutputs_k, S_k n) numbers in u, du and gu, the networks
   one after the other, then (nunknowns, n) */
typedef struct _n_EngdModelJet *EngdModelJet;
struct _n_EngdModelJet {
  EngdModel        model;
  EngdModelLayout  layout;
  PetscInt         nmax, n;
  const PetscReal *x;    /* [n][dim] the points, borrowed */
  EngdJet         *part; /* [nparts] NULL where the layout has none */
  PetscReal       *u;    /* (nrows, n) */
};

/* Scratch for one block at a time: that of each network */
typedef struct _n_EngdModelWork *EngdModelWork;
struct _n_EngdModelWork {
  PetscInt     nparts;
  EngdJetWork *part; /* [nparts] */
};

/* Called for each layer by the adjoint, those of a network from the last to the first, the unknown parameters at the end. z is NULL for
   a first layer whose input jet is that of x (EngdModelFillInput writes it out), and for the unknown parameters */
typedef PetscErrorCode (*EngdModelVisitor)(EngdModelJet, PetscInt layer, const PetscReal z[], const PetscReal g[],
                                           void *ctx);

PETSC_INTERN PetscErrorCode EngdModelJetCreate(EngdModel, EngdModelLayout, PetscInt nmax, EngdModelJet *);
PETSC_INTERN PetscErrorCode EngdModelJetDestroy(EngdModelJet *);
PETSC_INTERN size_t         EngdModelJetBytes(EngdModel, EngdModelLayout, PetscInt n);
PETSC_INTERN PetscErrorCode EngdModelWorkCreate(EngdModel, PetscInt ncolumns, PetscBool hessian, EngdModelWork *);
PETSC_INTERN PetscErrorCode EngdModelWorkDestroy(EngdModelWork *);

/* the random dimensions [n][s] of the points of the next forward pass; NULL where there are none */
PETSC_INTERN void EngdModelJetSetDimensions(EngdModelJet, const PetscInt dimension[]);

/* As EngdJetForward() and the others of network.h, for whole vectors of the model: theta, dtheta, gradient, rows (p, n). Rows of
   networks that are not read are zeros. */
PETSC_INTERN PetscErrorCode EngdModelForward(EngdModelJet, const PetscReal theta[], PetscInt n, const PetscReal x[]);
PETSC_INTERN PetscErrorCode EngdModelTangent(EngdModelJet, const PetscReal theta[], const PetscReal dtheta[],
                                             EngdModelWork, PetscReal du[]);
PETSC_INTERN PetscErrorCode EngdModelAdjoint(EngdModelJet, const PetscReal theta[], const PetscReal gu[],
                                             EngdModelWork, EngdModelVisitor, void                 *ctx);
PETSC_INTERN PetscErrorCode EngdModelGradient(EngdModelJet, const PetscReal theta[], const PetscReal gu[],
                                              EngdModelWork, PetscReal gradient[]);
PETSC_INTERN PetscErrorCode EngdModelHessian(EngdModelJet, const PetscReal theta[], const PetscReal dtheta[],
                                             const PetscReal gu[], const PetscReal dgu[], EngdModelWork,
                                             PetscReal sum[]);
PETSC_INTERN size_t         EngdModelCotangentCount(EngdModel, EngdModelLayout, PetscInt n);
PETSC_INTERN PetscErrorCode EngdModelCotangents(EngdModelJet, const PetscReal theta[], const PetscReal gu[],
                                                EngdModelWork, PetscReal g[]);
PETSC_INTERN PetscErrorCode EngdModelWriteRows(EngdModelJet, const PetscReal g[], PetscInt begin, PetscInt end,
                                               PetscReal rows[]);
PETSC_INTERN PetscErrorCode EngdModelRows(EngdModelJet, const PetscReal theta[], const PetscReal gu[], EngdModelWork,
                                          PetscReal rows[]);
PETSC_INTERN PetscErrorCode EngdModelSquaredRows(EngdModelJet, const PetscReal theta[], const PetscReal gu[],
                                                 EngdModelWork, PetscReal sum[]);
/* z (n_in, S n): the input of a layer, written out if it is that of x, or where it stands; `memory` is for the former */
PETSC_INTERN PetscErrorCode EngdModelLayerInput(EngdModelJet, PetscInt layer, PetscReal memory[],
                                                const PetscReal **z);
/* numbers of the largest input jet of n points */
PETSC_INTERN size_t EngdModelInputCount(EngdModel, EngdModelLayout, PetscInt n);

/* u (noutputs, n) at n points of this rank, and gradient (noutputs, nspace, n) or NULL, at the whole theta; in windows of time
   before the present one at theirs. Not collective */
PETSC_INTERN PetscErrorCode EngdModelEvaluate(EngdModel, const PetscReal theta[], PetscInt n, const PetscReal x[],
                                              PetscReal u[], PetscReal gradient[]);

/* rows [n][ncomponents] of any compiled expression over the symbols of the problem; normal [n][nspace] and data [n][ndata], or
   NULL where it has none. Not collective */
PETSC_INTERN PetscErrorCode EngdModelEvaluateExpression(EngdModel, EngdExpression, const PetscReal theta[],
                                                        PetscInt n, const PetscReal x[], const PetscReal normal[],
                                                        const PetscReal data[], PetscReal rows[]);

/* the same again and again without allocation, of up to n points at a time and of no window of time */
typedef struct _n_EngdEvaluator *EngdEvaluator;
PETSC_INTERN PetscErrorCode      EngdEvaluatorCreate(EngdModel, EngdExpression, PetscInt n, EngdEvaluator *);
PETSC_INTERN PetscErrorCode      EngdEvaluatorApply(EngdEvaluator, const PetscReal theta[], PetscInt n,
                                                    const PetscReal x[], const PetscReal normal[], const PetscReal data[],
                                                    PetscReal rows[]);
PETSC_INTERN PetscErrorCode      EngdEvaluatorDestroy(EngdEvaluator *);

#endif
