/*
  The model between theta and the jets: inputs E(x), a network, an ansatz, unknown parameters. (src/model)

    u_k(x) = ansatz_k(x, raw outputs, unknown parameters),   raw = network(E(x)),   theta = (weights, unknown parameters)

  Raw jets (network.h) carry the derivatives of the raw outputs and the unknown parameters; value, tangent, adjoint and rows of
  J are theirs. The ansatz is part of the pointwise expressions that read them (src/problem/model.c).
*/
#ifndef ENGD_MODEL_H
#define ENGD_MODEL_H

#include <engd/problem.h>
#include <engd/network.h>

typedef struct _n_EngdModel *EngdModel;
struct _n_EngdModel {
  EngdProblem problem; /* borrowed, as the network is */
  EngdNetwork network;
  PetscInt    nparameters; /* the length of theta */
  PetscInt    nlayers; /* blocks of theta: the layers of the network, then the unknown parameters if there are any */
  EngdLayer  *layer;   /* [nlayers]; that of the unknown parameters has no inputs: it is all bias */
};

PETSC_INTERN PetscErrorCode EngdModelCreate(EngdProblem, EngdNetwork, EngdModel *);
PETSC_INTERN PetscErrorCode EngdModelCreateParameters(EngdModel, Vec *theta);
PETSC_INTERN PetscErrorCode EngdModelInitialize(EngdModel, PetscInt64 seed, Vec theta);
/* the layout of raw jets with these entries, among which unknown parameters may be */
PETSC_INTERN PetscErrorCode EngdModelCreateLayout(EngdModel, PetscInt nentries, const EngdJetEntry entry[],
                                                  EngdJetLayout *);
PETSC_INTERN PetscErrorCode EngdModelDestroy(EngdModel *);

/* Entry i of the points of a jet stands at offset + i stride in its u, du and gu */
typedef struct {
  size_t   offset;
  PetscInt stride;
} EngdPlace;
PETSC_INTERN EngdPlace EngdModelPlace(EngdModel, EngdJetLayout, PetscInt n, const EngdJetEntry *, PetscInt channel);

/* u (noutputs, n) at n points of this rank, and gradient (noutputs, nspace, n) or NULL, at the whole theta. Not collective */
PETSC_INTERN PetscErrorCode EngdModelEvaluate(EngdModel, const PetscReal theta[], PetscInt n, const PetscReal x[],
                                              PetscReal u[], PetscReal gradient[]);

/* rows [n][ncomponents] of any compiled expression over the symbols of the problem; normal [n][nspace] and data [n][ndata], or
   NULL where it has none. Not collective */
PETSC_INTERN PetscErrorCode EngdModelEvaluateExpression(EngdModel, EngdExpression, const PetscReal theta[],
                                                        PetscInt n, const PetscReal x[], const PetscReal normal[],
                                                        const PetscReal data[], PetscReal rows[]);

#endif
