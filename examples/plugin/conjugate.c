/*
  Direction conjugate: nonlinear conjugate gradients, no curvature but that of the steps before,

    d_k = -g_k + beta d_{k-1},   beta = max(0, (g_k, g_k - g_{k-1}) / (g_{k-1}, g_{k-1}))

  Method: Polak and Ribiere, restarted where beta would be negative or d no descent (Nocedal and Wright, section 5.2).
*/
#include <engd/extend.h>

typedef struct {
  Vec       gradient, d; /* of the last iteration */
  PetscReal norm2;       /* (g, g) of it; 0 before the first */
} Conjugate;

static PetscErrorCode SetUp_Conjugate(EngdDirection direction, EngdSolver solver)
{
  Conjugate *conjugate = (Conjugate *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(solver->G, &conjugate->gradient, &conjugate->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what a checkpoint saves and loads, and each TaoSolve() forgets */
static PetscErrorCode State_Conjugate(EngdDirection direction, EngdSolver solver, EngdArchive archive)
{
  Conjugate *conjugate = (Conjugate *)direction->data;

  PetscFunctionBeginUser;
  (void)solver;
  PetscCall(EngdArchiveVec(archive, "gradient", conjugate->gradient));
  PetscCall(EngdArchiveVec(archive, "d", conjugate->d));
  PetscCall(EngdArchiveReal(archive, "norm2", &conjugate->norm2, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compute_Conjugate(EngdDirection direction, EngdSolver solver, Vec gradient, Vec d,
                                        PetscInt *its)
{
  Conjugate *conjugate = (Conjugate *)direction->data;
  PetscReal  norm2, mixed, slope, beta = 0;

  PetscFunctionBeginUser;
  (void)solver;
  *its = 0;
  PetscCall(VecDot(gradient, gradient, &norm2));
  PetscCall(VecDot(gradient, conjugate->gradient, &mixed));
  if (conjugate->norm2 > 0) beta = PetscMax(0, (norm2 - mixed) / conjugate->norm2);
  PetscCall(VecAXPBY(conjugate->d, -1, beta, gradient)); /* d <- beta d - g */
  PetscCall(VecDot(conjugate->d, gradient, &slope));
  if (!(slope < 0)) PetscCall(VecAXPBY(conjugate->d, -1, 0, gradient));
  PetscCall(VecCopy(gradient, conjugate->gradient));
  PetscCall(VecCopy(conjugate->d, d));
  conjugate->norm2 = norm2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Conjugate(EngdDirection direction)
{
  Conjugate *conjugate = (Conjugate *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&conjugate->gradient));
  PetscCall(VecDestroy(&conjugate->d));
  PetscCall(PetscFree(conjugate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* no features: it has no use for lambda, nor for the exact Hessian */
ENGD_REGISTER_DIRECTION("conjugate", EngdDirectionCreate_Conjugate);
PetscErrorCode EngdDirectionCreate_Conjugate(EngdDirection direction)
{
  Conjugate *conjugate;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&conjugate));
  direction->data         = conjugate;
  direction->ops->setup   = SetUp_Conjugate;
  direction->ops->state   = State_Conjugate;
  direction->ops->compute = Compute_Conjugate;
  direction->ops->destroy = Destroy_Conjugate;
  PetscFunctionReturn(PETSC_SUCCESS);
}
