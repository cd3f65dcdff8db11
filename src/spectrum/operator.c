/*
  The operators whose spectra are studied, all matrix-free, and their diagonal blocks.

    hessian         H, of the loss
    gramian         G = J^T W J, without damping
    jacobian        J, of the weighted residual: its singular values
    kernel          J J^T: the squares of the singular values of J, so that nothing is lost below sqrt(epsilon)
    preconditioned  P^{-1} (G + lambda I) with a preconditioner of the type, options and lambda of the Tao's, set up anew
                    here: that of the training is not touched

  A layer's block is R A R^T, R the restriction to the layer's parameters, which are contiguous in theta; of J it is J R^T.
*/
#include <engd/private.h>

const char *const engd_spectrum_name[ENGD_NSPECTRA] = {"hessian", "gramian", "jacobian", "preconditioned", "kernel"};

/* is it about the singular values of J */
PetscBool EngdSpectrumIsOfJacobian(EngdSpectrumKind kind)
{
  return (PetscBool)(kind == ENGD_SPECTRUM_JACOBIAN || kind == ENGD_SPECTRUM_KERNEL);
}

/* A block of a matrix A: columns first .. first + n - 1, and the same rows if it is diagonal */
typedef struct {
  Mat       A;
  PetscBool rows;         /* is it diagonal */
  PetscInt  offset, size; /* of the local entries of the block in the local part of a vector of A */
  Vec       x, y;         /* of A */
} Block;

/* y = R^T x: all of theta from the block's part */
static PetscErrorCode Extend(const Block *block, Vec x, Vec y)
{
  const PetscReal *in;
  PetscReal       *out;

  PetscFunctionBeginUser;
  PetscCall(VecZeroEntries(y));
  PetscCall(VecGetArrayRead(x, &in));
  PetscCall(VecGetArray(y, &out));
  PetscCall(PetscArraycpy(out + block->offset, in, block->size));
  PetscCall(VecRestoreArray(y, &out));
  PetscCall(VecRestoreArrayRead(x, &in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = R y */
static PetscErrorCode Restrict(const Block *block, Vec y, Vec x)
{
  const PetscReal *in;
  PetscReal       *out;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(y, &in));
  PetscCall(VecGetArrayWrite(x, &out));
  PetscCall(PetscArraycpy(out, in + block->offset, block->size));
  PetscCall(VecRestoreArrayWrite(x, &out));
  PetscCall(VecRestoreArrayRead(y, &in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = R A R^T x, or A R^T x */
static PetscErrorCode MatMult_Block(Mat B, Vec x, Vec y)
{
  Block *block;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(B, &block));
  PetscCall(Extend(block, x, block->x));
  if (!block->rows) {
    PetscCall(MatMult(block->A, block->x, y));
  } else {
    PetscCall(MatMult(block->A, block->x, block->y));
    PetscCall(Restrict(block, block->y, y));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = R A^T x of a block that has all rows; a diagonal block is symmetric */
static PetscErrorCode MatMultTranspose_Block(Mat B, Vec x, Vec y)
{
  Block *block;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(B, &block));
  if (block->rows) {
    PetscCall(MatMult_Block(B, x, y));
  } else {
    PetscCall(MatMultTranspose(block->A, x, block->x));
    PetscCall(Restrict(block, block->x, y));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* with the last of the shell and its duplicates, which share the context; so below */
static PetscErrorCode BlockDestroy(EngdContextArgument argument)
{
  Block *block = (Block *)ENGD_CONTEXT(argument);

  PetscFunctionBeginUser;
  PetscCall(MatDestroy(&block->A));
  PetscCall(VecDestroy(&block->x));
  PetscCall(VecDestroy(&block->y));
  PetscCall(PetscFree(block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdMatCreateBlock - Columns first .. first + n - 1 of A, and only the same rows if `rows`, A then being symmetric.
  The entries stay on the ranks where those of A's vectors are. Collective
*/
PetscErrorCode EngdMatCreateBlock(Mat A, PetscBool rows, PetscInt first, PetscInt n, Mat *B)
{
  PetscInt begin, end, mlocal;
  Block   *block;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&block));
  PetscCall(PetscObjectReference((PetscObject)A));
  block->A    = A;
  block->rows = rows;
  PetscCall(MatCreateVecs(A, &block->x, rows ? &block->y : NULL));
  PetscCall(VecGetOwnershipRange(block->x, &begin, &end));
  PetscCall(MatGetLocalSize(A, &mlocal, NULL));
  block->size   = PetscMax(0, PetscMin(end, first + n) - PetscMax(begin, first));
  block->offset = block->size ? PetscMax(begin, first) - begin : 0;
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)A), rows ? block->size : mlocal, block->size, PETSC_DETERMINE,
                           PETSC_DETERMINE, block, B));
  PetscCall(MatShellSetOperation(*B, MATOP_MULT, (void (*)(void))MatMult_Block));
  PetscCall(MatShellSetOperation(*B, MATOP_MULT_TRANSPOSE, (void (*)(void))MatMultTranspose_Block));
  PetscCall(MatShellSetContextDestroy(*B, BlockDestroy));
  if (rows) PetscCall(MatSetOption(*B, MAT_SYMMETRIC, PETSC_TRUE));
  PetscCall(MatSetUp(*B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = P^{-1} x */
static PetscErrorCode MatMult_Inverse(Mat M, Vec x, Vec y)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(M, &pc));
  PetscCall(PCApply(pc, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InverseDestroy(EngdContextArgument argument)
{
  PC pc = (PC)ENGD_CONTEXT(argument);

  PetscFunctionBeginUser;
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M = P^{-1}: a preconditioner like that of the Tao, for G */
static PetscErrorCode CreateInverse(EngdSpectrum spectrum, Mat G, Mat *M)
{
  PetscInt    local;
  const char *prefix;
  KSP         ksp;
  PC          training, pc;

  PetscFunctionBeginUser;
  PetscCall(TaoGetKSP(spectrum->tao, &ksp));
  PetscCall(KSPGetPC(ksp, &training));
  PetscCall(PCGetOptionsPrefix(training, &prefix));
  PetscCall(PCCreate(spectrum->comm, &pc));
  PetscCall(PCSetOptionsPrefix(pc, prefix));
  PetscCall(PCSetOperators(pc, G, G));
  PetscCall(PCSetType(pc, EngdDefaultPC(spectrum->functional)));
  PetscCall(PCSetFromOptions(pc));
  PetscCall(PCSetUp(pc));
  PetscCall(MatGetLocalSize(G, &local, NULL));
  PetscCall(MatCreateShell(spectrum->comm, local, local, PETSC_DETERMINE, PETSC_DETERMINE, pc, M));
  PetscCall(MatShellSetOperation(*M, MATOP_MULT, (void (*)(void))MatMult_Inverse));
  PetscCall(MatShellSetContextDestroy(*M, InverseDestroy));
  PetscCall(MatSetUp(*M));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* lambda of the Tao's last direction; zero where the Tao's Hessian is no Gramian */
static PetscErrorCode GetDamping(EngdSpectrum spectrum, PetscReal *lambda)
{
  EngdFunctional functional;
  Mat            G;

  PetscFunctionBeginUser;
  *lambda = 0;
  PetscCall(TaoGetHessian(spectrum->tao, &G, NULL, NULL, NULL));
  PetscCall(EngdGramianGetFunctional(G, &functional));
  if (functional) PetscCall(EngdGramianGetDamping(G, lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A and M of preconditioned: G + lambda I, or with the curvature hessian H + lambda I, and P made of what the Tao makes it of */
static PetscErrorCode CreatePreconditioned(EngdSpectrum spectrum, EngdSpectrumOperator *op)
{
  EngdFunctional F = spectrum->functional;
  PetscReal      lambda;
  PetscBool      same;
  Mat            H, P;

  PetscFunctionBeginUser;
  PetscCall(GetDamping(spectrum, &lambda));
  PetscCall(TaoGetHessian(spectrum->tao, &H, &P, NULL, NULL));
  same = (PetscBool)(H == P);
  if (F->curvature->for_hessian && same)
    PetscCall(EngdFunctionalCreateHessian(F, &op->A));
  else
    PetscCall(EngdFunctionalCreateGramian(F, &op->A));
  PetscCall(EngdGramianSetDamping(op->A, lambda));
  PetscCall(CreateInverse(spectrum, op->A, &op->M));
  if (F->curvature->for_hessian && !same) {
    PetscCall(MatDestroy(&op->A));
    PetscCall(EngdFunctionalCreateHessian(F, &op->A));
    PetscCall(EngdGramianSetDamping(op->A, lambda));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all of A, and of M */
static PetscErrorCode CreateWhole(EngdSpectrum spectrum, EngdSpectrumOperator *op)
{
  const EngdFunctional F = spectrum->functional;

  PetscFunctionBeginUser;
  switch (op->kind) {
  case ENGD_SPECTRUM_HESSIAN: PetscCall(EngdFunctionalCreateHessian(F, &op->A)); break;
  case ENGD_SPECTRUM_GRAMIAN: PetscCall(EngdFunctionalCreateGramian(F, &op->A)); break;
  case ENGD_SPECTRUM_PRECONDITIONED: PetscCall(CreatePreconditioned(spectrum, op)); break;
  default: PetscCall(EngdFunctionalCreateJacobian(F, &op->A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *A <- its block of the layer */
static PetscErrorCode Narrow(Mat *A, PetscBool rows, const EngdLayer *layer)
{
  Mat whole = *A;

  PetscFunctionBeginUser;
  PetscCall(EngdMatCreateBlock(whole, rows, layer->offset, (layer->n_in + 1) * layer->n_out, A));
  PetscCall(MatDestroy(&whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* kind, layer and the numbers of values of an operator that is not created. Collective */
PetscErrorCode EngdSpectrumOperatorCount(EngdSpectrum spectrum, EngdSpectrumKind kind, PetscInt layer,
                                         EngdSpectrumOperator *op)
{
  const EngdModel  model    = spectrum->functional->model;
  const EngdLayer *part     = layer ? &model->layer[layer - 1] : NULL;
  PetscBool        residual = EngdSpectrumIsOfJacobian(kind);
  PetscInt         N        = 0;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(&spectrum->functional->nrows, &N, 1, MPIU_INT, MPI_SUM, spectrum->comm));
  *op   = (EngdSpectrumOperator){.kind = kind, .layer = layer};
  op->n = op->larger = part ? (part->n_in + 1) * part->n_out : model->nparameters;
  if (kind == ENGD_SPECTRUM_GRAMIAN) PetscCall(EngdExplicitHasResidual(spectrum->functional, &residual));
  if (residual) {
    op->nsigma = PetscMin(N, op->n);
    op->larger = PetscMax(N, op->n);
  }
  if (EngdSpectrumIsOfJacobian(kind)) {
    op->zeros = kind == ENGD_SPECTRUM_KERNEL ? PetscMax(0, N - op->n) : 0;
    op->n     = op->nsigma;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSpectrumOperatorCreate(EngdSpectrum spectrum, EngdSpectrumKind kind, PetscInt layer,
                                          EngdSpectrumOperator *op)
{
  const EngdLayer *part = layer ? &spectrum->functional->model->layer[layer - 1] : NULL;

  PetscFunctionBeginUser;
  PetscCall(EngdSpectrumOperatorCount(spectrum, kind, layer, op));
  PetscCall(CreateWhole(spectrum, op));
  if (part) {
    PetscCall(Narrow(&op->A, (PetscBool)!EngdSpectrumIsOfJacobian(kind), part));
    if (op->M) PetscCall(Narrow(&op->M, PETSC_TRUE, part));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSpectrumOperatorDestroy(EngdSpectrumOperator *op)
{
  PetscFunctionBeginUser;
  PetscCall(MatDestroy(&op->A));
  PetscCall(MatDestroy(&op->M));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = M (A x) */
typedef struct {
  Mat A, M;
  Vec z;
} Product;

static PetscErrorCode MatMult_Product(Mat T, Vec x, Vec y)
{
  Product *product;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(T, &product));
  PetscCall(MatMult(product->A, x, product->z));
  PetscCall(MatMult(product->M, product->z, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ProductDestroy(EngdContextArgument argument)
{
  Product *product = (Product *)ENGD_CONTEXT(argument);

  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&product->z));
  PetscCall(PetscFree(product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M A where there is an M, else A itself; free with MatDestroy(), before the operator. Collective */
PetscErrorCode EngdSpectrumOperatorProduct(const EngdSpectrumOperator *op, Mat *T)
{
  Product *product;
  PetscInt local;

  PetscFunctionBeginUser;
  if (!op->M) {
    PetscCall(PetscObjectReference((PetscObject)op->A));
    *T = op->A;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscNew(&product));
  product->A = op->A;
  product->M = op->M;
  PetscCall(MatCreateVecs(op->A, NULL, &product->z));
  PetscCall(MatGetLocalSize(op->A, &local, NULL));
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)op->A), local, local, PETSC_DETERMINE, PETSC_DETERMINE,
                           product, T));
  PetscCall(MatShellSetOperation(*T, MATOP_MULT, (void (*)(void))MatMult_Product));
  PetscCall(MatShellSetContextDestroy(*T, ProductDestroy));
  PetscCall(MatSetUp(*T));
  PetscFunctionReturn(PETSC_SUCCESS);
}
