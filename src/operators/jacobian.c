/*
  The Jacobian J = dR/dtheta of the weighted residual as a MATSHELL of N rows (points x components) and p columns.

    J v   = sqrt(w) D (dDu/dtheta v)         a tangent pass, then the pointwise D
    J^T y = (dDu/dtheta)^T D^T sqrt(w) y     the pointwise transpose, then an adjoint pass

  Rows stay on the rank that owns the point, those of integrals on the last one; columns are spread as theta is.
*/
#include <engd/private.h>

/* y of the block: J_b in, data the array of y */
static PetscErrorCode MultiplyBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  PetscReal *y = (PetscReal *)data + block->row;

  PetscFunctionBeginUser;
  if (F->problem->term[block->term]->integral) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdModelTangent(block->jet, work->theta, work->in, work->jet, work->du));
  PetscCall(EngdBlockFirst(F, block, work->du, y));
  for (PetscInt c = 0; c < F->problem->term[block->term]->pointwise->ncomponents; c++) {
    for (PetscInt i = 0; i < block->n; i++) y[c * block->n + i] *= PetscSqrtReal(block->weight[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the rows of integrals */
static PetscErrorCode MultiplyRows(EngdFunctional F, EngdBlockWork *work, void *data)
{
  PetscFunctionBeginUser;
  EngdIntegralRowsProduct(F, work->in, (PetscReal *)data + F->nrows - F->integral.here);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = J v */
static PetscErrorCode MatMult_Jacobian(Mat J, Vec v, Vec y)
{
  EngdFunctional F;
  PetscReal     *out;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(J, &F));
  PetscCall(PetscLogEventBegin(engd_log.jacobian, 0, 0, 0, 0));
  PetscCall(VecGetArrayWrite(y, &out));
  PetscCall(EngdFunctionalVisitRows(F, "a product with the Jacobian", v, MultiplyBlock, MultiplyRows, out, NULL));
  PetscCall(EngdWalkersCentreResiduals(F, out));
  PetscCall(VecRestoreArrayWrite(y, &out));
  F->count.products++;
  PetscCall(PetscLogEventEnd(engd_log.jacobian, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out += J_b^T y of the block, data the array of y */
static PetscErrorCode AddBlockTranspose(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  const PetscReal *y = (const PetscReal *)data + block->row;

  PetscFunctionBeginUser;
  if (F->problem->term[block->term]->integral) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt c = 0; c < F->problem->term[block->term]->pointwise->ncomponents; c++) {
    for (PetscInt i = 0; i < block->n; i++)
      work->y[c * block->n + i] = PetscSqrtReal(block->weight[i]) * y[c * block->n + i];
  }
  PetscCall(EngdBlockZero(F, block, work->gu));
  PetscCall(EngdBlockFirstTranspose(F, block, work->y, work->gu));
  PetscCall(EngdModelGradient(block->jet, work->theta, work->gu, work->jet, work->out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddRowsTranspose(EngdFunctional F, EngdBlockWork *work, void *data)
{
  PetscFunctionBeginUser;
  EngdIntegralRowsAddTranspose(F, (const PetscReal *)data + F->nrows - F->integral.here, work->out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y without its part along s, where rows are centred (walkers.c): J^T y is then that of rows that are not, but for rounding */
static PetscErrorCode GetCentred(EngdFunctional F, Vec y, Vec *centred)
{
  PetscReal *out;

  PetscFunctionBeginUser;
  *centred = y;
  if (!F->outer.walks) PetscFunctionReturn(PETSC_SUCCESS);
  if (!F->outer.residual) PetscCall(VecDuplicate(y, &F->outer.residual));
  *centred = F->outer.residual;
  PetscCall(VecCopy(y, *centred));
  PetscCall(EngdOuterUpdate(F));
  PetscCall(VecGetArray(*centred, &out));
  PetscCall(EngdWalkersCentreResiduals(F, out));
  PetscCall(VecRestoreArray(*centred, &out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v = J^T y */
static PetscErrorCode MatMultTranspose_Jacobian(Mat J, Vec y, Vec v)
{
  EngdFunctional   F;
  const PetscReal *in;
  Vec              centred;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(J, &F));
  PetscCall(PetscLogEventBegin(engd_log.jacobian, 0, 0, 0, 0));
  PetscCall(GetCentred(F, y, &centred));
  PetscCall(VecGetArrayRead(centred, &in));
  PetscCall(EngdFunctionalVisitRows(F, "a product with the transposed Jacobian", NULL, AddBlockTranspose,
                                    AddRowsTranspose, (void *)in, v));
  PetscCall(VecRestoreArrayRead(centred, &in));
  F->count.products++;
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
  PetscCall(EngdJacobianMatMatMult(F, PETSC_FALSE, J, B, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = J^T B */
static PetscErrorCode MatTransposeMatMult_Jacobian(Mat J, Mat B, Mat C, void *unused)
{
  EngdFunctional F;

  PetscFunctionBeginUser;
  (void)unused;
  PetscCall(MatShellGetContext(J, &F));
  PetscCall(EngdJacobianMatMatMult(F, PETSC_TRUE, J, B, C));
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
