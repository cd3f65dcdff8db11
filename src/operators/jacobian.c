/*
  The Jacobian J = dR/dtheta of the weighted residual as a MATSHELL of N rows (points x components) and p columns.

    J v   = sqrt(w) D (dDu/dtheta v)         a tangent pass, then the pointwise D
    J^T y = (dDu/dtheta)^T D^T sqrt(w) y     the pointwise transpose, then an adjoint pass

  Rows stay on the rank that owns the point; columns are spread as theta is.
*/
#include <engd/private.h>

/* y = J v */
static PetscErrorCode MatMult_Jacobian(Mat J, Vec v, Vec y)
{
  EngdFunctional   F;
  const PetscReal *theta, *d;
  PetscReal       *out;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(J, &F));
  PetscCall(EngdFunctionalGather(F, v, F->whole));
  PetscCall(PetscLogEventBegin(engd_log.jacobian, 0, 0, 0, 0));
  PetscCall(VecGetArrayRead(F->theta, &theta));
  PetscCall(VecGetArrayRead(F->whole, &d));
  PetscCall(VecGetArrayWrite(y, &out));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block;

    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    PetscCall(EngdJetTangent(block->jet, theta, d, F->work, F->du));
    PetscCall(EngdBlockFirst(F, block, F->du, out + block->row));
    for (PetscInt c = 0; c < F->problem->term[block->term]->pointwise->ncomponents; c++) {
      for (PetscInt i = 0; i < block->n; i++) out[block->row + c * block->n + i] *= PetscSqrtReal(block->weight[i]);
    }
  }
  PetscCall(VecRestoreArrayWrite(y, &out));
  PetscCall(VecRestoreArrayRead(F->whole, &d));
  PetscCall(VecRestoreArrayRead(F->theta, &theta));
  F->products++;
  PetscCall(PetscLogEventEnd(engd_log.jacobian, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v = J^T y */
static PetscErrorCode MatMultTranspose_Jacobian(Mat J, Vec y, Vec v)
{
  EngdFunctional   F;
  const PetscReal *theta, *in;
  PetscReal       *sum;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(J, &F));
  PetscCall(PetscLogEventBegin(engd_log.jacobian, 0, 0, 0, 0));
  PetscCall(VecZeroEntries(F->sum));
  PetscCall(VecGetArrayRead(F->theta, &theta));
  PetscCall(VecGetArrayRead(y, &in));
  PetscCall(VecGetArray(F->sum, &sum));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block;
    PetscReal *weighted = F->du;

    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    for (PetscInt c = 0; c < F->problem->term[block->term]->pointwise->ncomponents; c++) {
      for (PetscInt i = 0; i < block->n; i++) {
        weighted[c * block->n + i] = PetscSqrtReal(block->weight[i]) * in[block->row + c * block->n + i];
      }
    }
    PetscCall(EngdBlockZero(F, block, F->gu));
    PetscCall(EngdBlockFirstTranspose(F, block, weighted, F->gu));
    PetscCall(EngdJetGradient(block->jet, theta, F->gu, F->work, sum));
  }
  PetscCall(VecRestoreArray(F->sum, &sum));
  PetscCall(VecRestoreArrayRead(y, &in));
  PetscCall(VecRestoreArrayRead(F->theta, &theta));
  PetscCall(EngdFunctionalReduce(F, F->sum, v));
  F->products++;
  PetscCall(PetscLogEventEnd(engd_log.jacobian, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = J B */
static PetscErrorCode MatMatMult_Jacobian(Mat J, Mat B, Mat C, void *unused)
{
  EngdFunctional F;

  PetscFunctionBeginUser;
  (void)unused;
  PetscCall(MatShellGetContext(J, &F));
  PetscCall(EngdSeveralJacobian(F, PETSC_FALSE, J, B, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = J^T B */
static PetscErrorCode MatTransposeMatMult_Jacobian(Mat J, Mat B, Mat C, void *unused)
{
  EngdFunctional F;

  PetscFunctionBeginUser;
  (void)unused;
  PetscCall(MatShellGetContext(J, &F));
  PetscCall(EngdSeveralJacobian(F, PETSC_TRUE, J, B, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalCreateJacobian - J = dR/dtheta at the present parameters of the functional, whatever they become.

  Collective

  Input Parameter:
. functional - set up; all its terms are residuals

  Output Parameter:
. J - MATSHELL with MatMult, MatMultTranspose, MatMatMult and MatTransposeMatMult with dense matrices; MatCreateVecs(J, &theta, &R) gives vectors that fit
*/
PetscErrorCode EngdFunctionalCreateJacobian(EngdFunctional F, Mat *J)
{
  Vec      theta;
  PetscInt local;

  PetscFunctionBeginUser;
  PetscCheck(F->least_squares, F->comm, PETSC_ERR_ARG_WRONGSTATE,
             "a problem with an energy term has no Jacobian of a residual; use a method on the Gramian");
  PetscCall(EngdModelCreateParameters(F->model, &theta));
  PetscCall(VecGetLocalSize(theta, &local));
  PetscCall(VecDestroy(&theta));
  PetscCall(MatCreateShell(F->comm, F->nrows, local, PETSC_DETERMINE, F->model->nparameters, F, J));
  PetscCall(PetscObjectSetName((PetscObject)*J, "Jacobian"));
  PetscCall(MatShellSetOperation(*J, MATOP_MULT, (void (*)(void))MatMult_Jacobian));
  PetscCall(MatShellSetOperation(*J, MATOP_MULT_TRANSPOSE, (void (*)(void))MatMultTranspose_Jacobian));
  PetscCall(MatShellSetMatProductOperation(*J, MATPRODUCT_AB, NULL, MatMatMult_Jacobian, NULL, MATDENSE, MATDENSE));
  PetscCall(MatShellSetMatProductOperation(*J, MATPRODUCT_AtB, NULL, MatTransposeMatMult_Jacobian, NULL, MATDENSE,
                                           MATDENSE));
  PetscCall(MatSetUp(*J));
  PetscFunctionReturn(PETSC_SUCCESS);
}
