/*
  Curvatures l2 and h1: Gram matrices of the tangent functions in L2 and H1, natural gradient descent in function space.

    W = w (I on the value of each output)             l2
    W = w (I on the value and on the space gradient)   h1; on terms that lie on the boundary or at one time, the value only

  summed over the terms with their weights. They read nothing of the terms' expressions.
*/
#include <engd/private.h>

/* does W act on this channel of the term */
static PetscBool Measured(EngdCurvature curvature, EngdFunctional F, PetscInt term, PetscInt c)
{
  const EngdChannel *channel = &F->layout[term]->channel[c];

  if (channel->order == 0) return PETSC_TRUE;
  return (PetscBool)(curvature->values == 1 && channel->order == 1 && F->problem->term[term]->points->interior &&
                     channel->coordinate[0] < F->layout[term]->nspace);
}

/* gu += w du on the measured channels */
static PetscErrorCode Apply_Sobolev(EngdCurvature curvature, EngdFunctional F, const EngdBlock *block,
                                    const PetscReal du[], PetscReal gu[])
{
  const PetscInt n = block->n, noutputs = F->network->noutputs;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < F->layout[block->term]->nchannels; c++) {
    if (!Measured(curvature, F, block->term, c)) continue;
    for (PetscInt i = 0; i < n; i++) {
      for (PetscInt k = 0; k < noutputs; k++) {
        const PetscInt at = (c * n + i) * noutputs + k;

        gu[at] += block->weight[i] * du[at];
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one root for each measured channel of each output */
static PetscErrorCode RootCount_Sobolev(EngdCurvature curvature, EngdFunctional F, PetscInt term, PetscInt *count)
{
  PetscFunctionBeginUser;
  *count = 0;
  for (PetscInt c = 0; c < F->layout[term]->nchannels; c++) {
    if (Measured(curvature, F, term, c)) *count += F->network->noutputs;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gu = sqrt(w) e_k */
static PetscErrorCode Root_Sobolev(EngdCurvature curvature, EngdFunctional F, const EngdBlock *block, PetscInt k,
                                   PetscReal gu[])
{
  const PetscInt n = block->n, noutputs = F->network->noutputs;
  PetscInt       c = 0;

  PetscFunctionBeginUser;
  PetscCall(EngdBlockZero(F, block, gu));
  for (PetscInt left = k / noutputs; left > 0 || !Measured(curvature, F, block->term, c); c++) {
    if (Measured(curvature, F, block->term, c)) left--;
  }
  for (PetscInt i = 0; i < n; i++) gu[(c * n + i) * noutputs + k % noutputs] = PetscSqrtReal(block->weight[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootExact_Sobolev(EngdCurvature curvature, EngdFunctional F, PetscInt term, PetscBool *exact)
{
  PetscFunctionBeginUser;
  (void)curvature, (void)F, (void)term;
  *exact = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateSobolev(EngdCurvature curvature, PetscInt order)
{
  PetscFunctionBeginUser;
  curvature->values         = order;
  curvature->ops->apply     = Apply_Sobolev;
  curvature->ops->rootcount = RootCount_Sobolev;
  curvature->ops->root      = Root_Sobolev;
  curvature->ops->rootexact = RootExact_Sobolev;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdCurvatureCreate_L2(EngdCurvature curvature)
{
  PetscFunctionBeginUser;
  PetscCall(CreateSobolev(curvature, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdCurvatureCreate_H1(EngdCurvature curvature)
{
  PetscFunctionBeginUser;
  PetscCall(CreateSobolev(curvature, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}
