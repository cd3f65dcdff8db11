/*
  The exact Hessian H + lambda I of the loss in the parameters as a MATSHELL: no finite differences.

    gradient = sum_n J_n^T gu_n,   gu = w D^T r (w D^T for an energy),   J_n the Jacobian of the jet at point n
    H v      = sum_n J_n^T W_n J_n v + (d J_n^T / dv) gu_n,   W = w (D^T D + sum_c r_c S_c), or w S: that of curvature energy

  A block at a time: a tangent pass that is kept, W at each point, and the tangent of the adjoint pass (jet_hessian.c).
  Where the residual vanishes H is the Gauss-Newton Gramian. It may be indefinite, and has no roots and no diagonal here.
*/
#include <engd/private.h>

/* out += H_b in of the block */
static PetscErrorCode AddBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *unused)
{
  EngdHessianWork *hessian = &F->hessian;

  PetscFunctionBeginUser;
  (void)unused;
  PetscCall(EngdBlockCotangent(F, block, work->y, work->gu));
  PetscCall(EngdModelTangent(block->jet, work->theta, work->in, hessian->jet, work->du));
  PetscCall(EngdBlockZero(F, block, hessian->dgu));
  PetscCall((*hessian->newton->ops->apply)(hessian->newton, F, block, work->du, hessian->dgu));
  PetscCall(EngdModelHessian(block->jet, work->theta, work->in, work->gu, hessian->dgu, hessian->jet, work->out));
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
