/*
  Curvatures l2 and h1: Gram matrices of the tangent functions in L2 and H1, natural gradient descent in function space.

    W = w M^T M,  M the derivatives in the raw jet of each output               l2
                  of each output and of its space gradient     h1; on terms that lie on the boundary or at one time, as l2

  summed over the terms with their weights, but for integrals, whose points are none of a residual. Outputs are those behind the ansatz (EngdFunctionalTerm.measured); without one M selects
  channels. Nothing is read of the terms' pointwise parts.
*/
#include <engd/private.h>

typedef struct {
  PetscReal *y; /* (measured components, n) */
  PetscInt   size;
} Sobolev;

/* gu += M^T w M du */
static PetscErrorCode Apply_Sobolev(EngdCurvature curvature, EngdFunctional F, const EngdBlock *block,
                                    const PetscReal du[], PetscReal gu[])
{
  Sobolev       *sobolev     = (Sobolev *)curvature->data;
  const PetscInt ncomponents = F->term[block->term].measured->ncomponents, n = block->n;

  PetscFunctionBeginUser;
  if (F->problem->term[block->term]->integral) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdCurvatureReserve(ncomponents * n, &sobolev->y, &sobolev->size));
  PetscCall(EngdBlockMeasured(F, block, du, sobolev->y));
  for (PetscInt c = 0; c < ncomponents; c++) {
    for (PetscInt i = 0; i < n; i++) sobolev->y[c * n + i] *= block->weight[i];
  }
  PetscCall(EngdBlockMeasuredTranspose(F, block, sobolev->y, gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one root for each number that is measured */
static PetscErrorCode RootCount_Sobolev(EngdCurvature curvature, EngdFunctional F, PetscInt term, PetscInt *count)
{
  PetscFunctionBeginUser;
  (void)curvature;
  *count = F->problem->term[term]->integral ? 0 : F->term[term].measured->ncomponents;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gu = sqrt(w) M_k */
static PetscErrorCode Root_Sobolev(EngdCurvature curvature, EngdFunctional F, const EngdBlock *block, PetscInt k,
                                   PetscReal gu[])
{
  Sobolev       *sobolev     = (Sobolev *)curvature->data;
  const PetscInt ncomponents = F->term[block->term].measured->ncomponents, n = block->n;

  PetscFunctionBeginUser;
  PetscCall(EngdCurvatureReserve(ncomponents * n, &sobolev->y, &sobolev->size));
  PetscCall(PetscArrayzero(sobolev->y, ncomponents * n));
  for (PetscInt i = 0; i < n; i++) sobolev->y[k * n + i] = PetscSqrtReal(block->weight[i]);
  PetscCall(EngdBlockZero(F, block, gu));
  PetscCall(EngdBlockMeasuredTranspose(F, block, sobolev->y, gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Sobolev(EngdCurvature curvature)
{
  Sobolev *sobolev = (Sobolev *)curvature->data;

  PetscFunctionBeginUser;
  PetscCall(PetscFree(sobolev->y));
  PetscCall(PetscFree(sobolev));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootsComplete_Sobolev(EngdCurvature curvature, EngdFunctional F, PetscInt term,
                                            PetscBool *complete)
{
  PetscFunctionBeginUser;
  (void)curvature, (void)F, (void)term;
  *complete = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateSobolev(EngdCurvature curvature, PetscInt order)
{
  Sobolev *sobolev;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&sobolev));
  curvature->data               = sobolev;
  curvature->values             = order;
  curvature->ops->apply         = Apply_Sobolev;
  curvature->ops->rootcount     = RootCount_Sobolev;
  curvature->ops->root          = Root_Sobolev;
  curvature->ops->rootscomplete = RootsComplete_Sobolev;
  curvature->ops->destroy       = Destroy_Sobolev;
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_CURVATURE("l2", EngdCurvatureCreate_L2);
PetscErrorCode EngdCurvatureCreate_L2(EngdCurvature curvature)
{
  PetscFunctionBeginUser;
  PetscCall(CreateSobolev(curvature, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_CURVATURE("h1", EngdCurvatureCreate_H1);
PetscErrorCode EngdCurvatureCreate_H1(EngdCurvature curvature)
{
  PetscFunctionBeginUser;
  PetscCall(CreateSobolev(curvature, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}
