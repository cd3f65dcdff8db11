/*
  The Gramian G = J^T W J + lambda I as a MATSHELL, J the Jacobian of the jets, W the metric of the curvature.

  A block at a time: tangent pass, W at each point, adjoint pass, so that a block's jet is read from memory once; one
  gather before and one sum over the ranks after. The diagonal takes one adjoint pass for each row of W^{1/2}:
  diag(G)_j = sum_n sum_k (C_k J)_nj^2 + lambda.
*/
#include <engd/private.h>

typedef struct {
  EngdFunctional functional;
  PetscReal      damping; /* lambda */
  EngdBlockVisit add;
  EngdRowsVisit  rows;  /* What integrals add. */
  PetscLogEvent  event; /* of a product */
} Gramian;

/* out += J_b^T W_b J_b in of the block */
static PetscErrorCode AddBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *unused)
{
  PetscFunctionBeginUser;
  (void)unused;
  PetscCall(EngdModelTangent(block->jet, work->theta, work->in, work->jet, work->du));
  PetscCall(EngdBlockZero(F, block, work->gu));
  PetscCall((*F->curvature->ops->apply)(F->curvature, F, block, work->du, work->gu));
  PetscCall(EngdModelGradient(block->jet, work->theta, work->gu, work->jet, work->out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out += A^T A in with the rows of integrals */
static PetscErrorCode AddIntegrals(EngdFunctional F, EngdBlockWork *work, void *unused)
{
  PetscFunctionBeginUser;
  (void)unused;
  EngdIntegralRowsProduct(F, work->in, F->integral.product);
  EngdIntegralRowsAddTranspose(F, F->integral.product, work->out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same, where they are part of the metric */
static PetscErrorCode AddRows(EngdFunctional F, EngdBlockWork *work, void *unused)
{
  PetscFunctionBeginUser;
  if (EngdIntegralRowsCount(F)) PetscCall(AddIntegrals(F, work, unused));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = (sum of the products of the blocks + lambda I) v; of a quotient between projections on what changes its states */
static PetscErrorCode MatMult_Gramian(Mat G, Vec v, Vec y)
{
  Gramian       *gramian;
  EngdFunctional F;
  Vec            in = v;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(G, &gramian));
  F = gramian->functional;
  PetscCall(PetscLogEventBegin(gramian->event, 0, 0, 0, 0));
  if (F->curvature->horizontal) {
    if (!F->outer.horizontal) PetscCall(VecDuplicate(v, &F->outer.horizontal));
    in = F->outer.horizontal;
    PetscCall(VecCopy(v, in));
    PetscCall(EngdOuterProject(F, in));
  }
  PetscCall(EngdFunctionalVisitRows(F, "a product with a Gramian", in, gramian->add, gramian->rows, NULL, y));
  if (F->curvature->horizontal) PetscCall(EngdOuterProject(F, y));
  PetscCall(EngdWalkersCentreProduct(F, v, y));
  PetscCall(VecAXPY(y, gramian->damping, v));
  F->count.products++;
  PetscCall(PetscLogEventEnd(gramian->event, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out_j += sum over the rows (C_k J)_n of the block of their squares, entry by entry */
static PetscErrorCode AddSquaredRows(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *unused)
{
  PetscInt nroots;

  PetscFunctionBeginUser;
  (void)unused;
  PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, block->term, &nroots));
  for (PetscInt k = 0; k < nroots; k++) {
    PetscCall((*F->curvature->ops->root)(F->curvature, F, block, k, work->gu));
    PetscCall(EngdModelSquaredRows(block->jet, work->theta, work->gu, work->jet, work->out));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddSquaredIntegrals(EngdFunctional F, EngdBlockWork *work, void *unused)
{
  const PetscInt p = F->model->nparameters;

  PetscFunctionBeginUser;
  (void)unused;
  for (PetscInt k = 0; k < EngdIntegralRowsCount(F); k++) {
    for (PetscInt j = 0; j < p; j++) work->out[j] += PetscSqr(F->integral.rows[ENGD_COUNT(k, p) + j]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* diag_j = G_jj */
static PetscErrorCode MatGetDiagonal_Gramian(Mat G, Vec diagonal)
{
  Gramian *gramian;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(G, &gramian));
  PetscCall(PetscLogEventBegin(engd_log.diagonal, 0, 0, 0, 0));
  PetscCall(EngdFunctionalVisitRows(gramian->functional, "a diagonal of a Gramian", NULL, AddSquaredRows,
                                    AddSquaredIntegrals, NULL, diagonal));
  PetscCall(EngdWalkersCentreDiagonal(gramian->functional, diagonal));
  PetscCall(VecShift(diagonal, gramian->damping));
  PetscCall(PetscLogEventEnd(engd_log.diagonal, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = (J^T W J + lambda I) B */
static PetscErrorCode MatMatMult_Gramian(Mat G, Mat B, Mat C, void *unused)
{
  Gramian *gramian;

  PetscFunctionBeginUser;
  (void)unused;
  PetscCall(MatShellGetContext(G, &gramian));
  PetscCall(EngdGramianMatMatMult(gramian->functional, gramian->damping, G, B, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* with the last of the shell and its duplicates (SLEPc's spectral transformations make some), which share the context */
static PetscErrorCode GramianDestroy(EngdContextArgument argument)
{
  Gramian *gramian = (Gramian *)ENGD_CONTEXT(argument);

  PetscFunctionBeginUser;
  PetscCall(PetscFree(gramian));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdMatGetDamping_Gramian(Mat G, PetscReal *lambda)
{
  PetscFunctionBeginUser;
  PetscCall(EngdGramianGetDamping(G, lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdGramianGetFunctional_Gramian(Mat G, EngdFunctional *functional)
{
  Gramian *gramian;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(G, &gramian));
  *functional = gramian->functional;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a sum over blocks of points, and of integrals, + lambda I as a shell of the size of theta squared, which knows lambda and the functional */
PetscErrorCode EngdGramianCreateShell(EngdFunctional F, const char name[], PetscLogEvent event, EngdBlockVisit add,
                                      Mat *A)
{
  Gramian *gramian;
  Vec      theta;
  PetscInt local;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&gramian));
  gramian->functional = F;
  gramian->event      = event;
  gramian->add        = add;
  gramian->rows       = add == AddBlock ? AddRows : AddIntegrals;
  PetscCall(EngdModelCreateParameters(F->model, &theta));
  PetscCall(VecGetLocalSize(theta, &local));
  PetscCall(VecDestroy(&theta));
  PetscCall(MatCreateShell(F->comm, local, local, PETSC_DETERMINE, PETSC_DETERMINE, gramian, A));
  PetscCall(PetscObjectSetName((PetscObject)*A, name));
  PetscCall(MatShellSetOperation(*A, MATOP_MULT, (void (*)(void))MatMult_Gramian));
  PetscCall(MatShellSetOperation(*A, MATOP_MULT_TRANSPOSE, (void (*)(void))MatMult_Gramian));
  PetscCall(MatShellSetContextDestroy(*A, GramianDestroy));
  PetscCall(MatSetOption(*A, MAT_SYMMETRIC, PETSC_TRUE));
  PetscCall(MatSetOption(*A, MAT_SYMMETRY_ETERNAL, PETSC_TRUE));
  PetscCall(MatSetUp(*A));
  PetscCall(
      PetscObjectComposeFunction((PetscObject)*A, "EngdGramianGetFunctional_C", EngdGramianGetFunctional_Gramian));
  PetscCall(PetscObjectComposeFunction((PetscObject)*A, "EngdMatGetFunctional_C", EngdGramianGetFunctional_Gramian));
  PetscCall(PetscObjectComposeFunction((PetscObject)*A, "EngdMatGetDamping_C", EngdMatGetDamping_Gramian));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalCreateGramian - G = J^T W J + lambda I at the present parameters of the functional.

  Collective

  Input Parameter:
. functional - set up; -tao_engd_curvature has chosen W

  Output Parameter:
. G - symmetric MATSHELL with MatMult, MatGetDiagonal, MatMatMult with dense matrices; lambda is zero until EngdGramianSetDamping()
*/
PetscErrorCode EngdFunctionalCreateGramian(EngdFunctional F, Mat *G)
{
  PetscFunctionBeginUser;
  PetscCall(EngdGramianCreateShell(F, "Gramian", engd_log.gramian, AddBlock, G));
  PetscCall(MatShellSetOperation(*G, MATOP_GET_DIAGONAL, (void (*)(void))MatGetDiagonal_Gramian));
  PetscCall(MatShellSetMatProductOperation(*G, MATPRODUCT_AB, NULL, MatMatMult_Gramian, NULL, MATDENSE, MATDENSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what a matrix answers under this name, NULL if it has no answer */
static PetscErrorCode QueryFunctional(Mat A, const char name[], EngdFunctional *functional)
{
  PetscErrorCode (*get)(Mat, EngdFunctional *);

  PetscFunctionBeginUser;
  *functional = NULL;
  PetscCall(PetscObjectQueryFunction((PetscObject)A, name, &get));
  if (get) PetscCall((*get)(A, functional));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the functional behind a matrix, NULL if it is neither Gramian nor Hessian */
PetscErrorCode EngdGramianGetFunctional(Mat G, EngdFunctional *functional)
{
  PetscFunctionBeginUser;
  PetscCall(QueryFunctional(G, "EngdGramianGetFunctional_C", functional));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdGramianSetDamping - Sets lambda of G = J^T W J + lambda I, or of the exact Hessian + lambda I.

  Logically collective

  Input Parameters:
+ G      - of EngdFunctionalCreateGramian() or EngdFunctionalCreateHessian()
- lambda - not negative; 0 until it is set

  Errors: PETSC_ERR_ARG_OUTOFRANGE for a negative number

  Source: src/operators/gramian.c
*/
PetscErrorCode EngdGramianSetDamping(Mat G, PetscReal lambda)
{
  Gramian *gramian;

  PetscFunctionBeginUser;
  PetscCheck(lambda >= 0, PetscObjectComm((PetscObject)G), PETSC_ERR_ARG_OUTOFRANGE,
             "the damping %g is negative; give zero or a positive number", (double)lambda);
  PetscCall(MatShellGetContext(G, &gramian));
  if (gramian->damping != lambda) PetscCall(PetscObjectStateIncrease((PetscObject)G));
  gramian->damping = lambda;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdGramianGetDamping(Mat G, PetscReal *lambda)
{
  Gramian *gramian;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(G, &gramian));
  *lambda = gramian->damping;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the functional that a matrix follows, NULL if it says none */
PetscErrorCode EngdMatGetFunctional(Mat A, EngdFunctional *functional)
{
  PetscFunctionBeginUser;
  PetscCall(QueryFunctional(A, "EngdMatGetFunctional_C", functional));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* lambda of A + lambda I, whose products contain it; known: does the matrix say */
PetscErrorCode EngdMatGetDamping(Mat A, PetscReal *lambda, PetscBool *known)
{
  PetscErrorCode (*get)(Mat, PetscReal *);

  PetscFunctionBeginUser;
  *lambda = 0;
  PetscCall(PetscObjectQueryFunction((PetscObject)A, "EngdMatGetDamping_C", &get));
  if (get) PetscCall((*get)(A, lambda));
  *known = get ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
