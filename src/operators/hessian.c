/*
  The exact Hessian H + lambda I of the loss in the parameters as a MATSHELL: no finite differences.

    gradient = sum_n J_n^T gu_n,   gu = w D^T r (w D^T for an energy),   J_n the Jacobian of the jet at point n
    H v      = sum_n J_n^T W_n J_n v + (d J_n^T / dv) gu_n,   W = w (D^T D + sum_c r_c S_c), or w S: that of curvature energy

  A block at a time: a tangent pass that is kept, W at each point, and the tangent of the adjoint pass (jet_hessian.c).
  Where the residual vanishes H is the Gauss-Newton Gramian. It may be indefinite, and has no roots and no diagonal here.
*/
#include <engd/private.h>

/* sum += H_b v of the block */
static PetscErrorCode AddBlock(EngdFunctional F, EngdBlock *block, const PetscReal theta[], const PetscReal v[],
                               PetscReal sum[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdBlockCotangent(F, block, F->du, F->gu));
  PetscCall(EngdJetTangent(block->jet, theta, v, F->hessian_work, F->du));
  PetscCall(EngdBlockZero(F, block, F->dgu));
  PetscCall((*F->newton->ops->apply)(F->newton, F, block, F->du, F->dgu));
  PetscCall(EngdJetHessian(block->jet, theta, v, F->gu, F->dgu, F->hessian_work, sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalCreateHessian - H + lambda I, H the Hessian of the loss at the present parameters of the functional.

  Collective

  Input Parameter:
. functional - set up; whatever the curvature of its directions

  Output Parameter:
. H - symmetric MATSHELL with MatMult; lambda is zero until EngdGramianSetDamping()

  Note: the jets are made anew, with one more derivative of the activation, at the first call.
*/
PetscErrorCode EngdFunctionalCreateHessian(EngdFunctional F, Mat *H)
{
  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetUpHessian(F));
  PetscCall(EngdGramianCreateShell(F, "Hessian", engd_log.hessian, AddBlock, H));
  PetscFunctionReturn(PETSC_SUCCESS);
}
