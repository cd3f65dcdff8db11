/*
  Diagonal blocks of the operator of the curvature written out, and their moving average over the iterations:

    A <- beta A + (1 - beta) (blocks of J^T W J)

  On each rank rows of J at its points, some at a time, then one sum to rank 0, or to the ranks that have the parts of one block
  (eigen.c, panels_sum.c). No entry outside of the blocks is formed.
    W = sum_k C_k^T C_k, the roots all of W sum_k (C_k J)^T (C_k J)                                              syrk
    any other W, as of energies            sum_r J_r^T (e_r^T W J), J_r = e_r^T J the rows of the jet itself    syr2k
  The exact Hessian has no rows: p products, whose columns are cut. Blocks of order one, all of them: MatGetDiagonal(), which
  of a W whose roots are not all of it has the positive part.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

#define MESSAGE (1 << 24) /* numbers that are summed over the ranks at a time */

/* one block, one for each layer, or p of order one */
PetscErrorCode EngdDiagonalBlocksCreate(EngdModel model, EngdStructure structure, EngdDiagonalBlocks *blocks)
{
  const PetscInt p = model->nparameters;

  PetscFunctionBeginUser;
  blocks->n       = structure == ENGD_STRUCTURE_FULL ? 1 : structure == ENGD_STRUCTURE_LAYER ? model->nlayers : p;
  blocks->largest = 0;
  PetscCall(PetscMalloc2(blocks->n + 1, &blocks->start, blocks->n + 1, &blocks->at));
  blocks->at[0] = 0;
  for (PetscInt b = 0; b < blocks->n; b++)
    blocks->start[b] = structure == ENGD_STRUCTURE_LAYER ? model->layer[b].offset : b;
  blocks->start[blocks->n] = p;
  for (PetscInt b = 0; b < blocks->n; b++) {
    const PetscInt order = blocks->start[b + 1] - blocks->start[b];

    blocks->at[b + 1] = blocks->at[b] + ENGD_COUNT(order, order);
    blocks->largest   = PetscMax(blocks->largest, order);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDiagonalBlocksDestroy(EngdDiagonalBlocks *blocks)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(blocks->start, blocks->at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* upper triangles of A += alpha x x^T, or alpha (x y^T + y x^T) / 2 if there is a y; x and y (p, n) */
static PetscErrorCode AddRows(const EngdDiagonalBlocks *blocks, PetscInt n, PetscReal alpha, const PetscReal x[],
                              const PetscReal y[], PetscReal A[])
{
  const PetscReal half = alpha / 2, one = 1;
  PetscBLASInt    order, inner, p;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n, &inner));
  PetscCall(PetscBLASIntCast(blocks->start[blocks->n], &p));
  for (PetscInt b = 0; b < blocks->n; b++) {
    const PetscInt start = blocks->start[b], m = blocks->start[b + 1] - start;
    PetscReal     *block = A + blocks->at[b];

    PetscCall(PetscBLASIntCast(m, &order));
    if (y)
      PetscCallBLAS("BLASsyr2k",
                    BLASsyr2k_("U", "N", &order, &inner, &half, x + start, &p, y + start, &p, &one, block, &order));
    else
      PetscCallBLAS("BLASsyrk", BLASsyrk_("U", "N", &order, &inner, &alpha, x + start, &p, &one, block, &order));
    PetscCall(PetscLogFlops((y ? 2.0 : 1.0) * m * (m + 1.0) * n));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A += alpha times the blocks of J^T W J; of one block its parts on all ranks, where there is `spread` */
typedef struct {
  const EngdDiagonalBlocks *blocks;
  PetscReal                 alpha;
  PetscReal                *A;
  const EngdSpread         *spread;
} Sum;

/* the rows of the block's jet, each with what W makes of it */
static PetscErrorCode AddJetBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, const Sum *sum)
{
  const PetscInt n = block->n;
  EngdPlace      at;

  PetscFunctionBeginUser;
  for (PetscInt r = 0; EngdBlockJetRow(F, block, r, &at); r++) {
    PetscCall(EngdBlockZero(F, block, work->du));
    for (PetscInt i = 0; i < n; i++) work->du[at.offset + ENGD_COUNT(i, at.stride)] = 1;
    PetscCall(EngdModelRows(block->jet, work->theta, work->du, work->jet, F->rows.x));
    PetscCall(EngdBlockZero(F, block, work->gu));
    PetscCall((*F->curvature->ops->apply)(F->curvature, F, block, work->du, work->gu));
    PetscCall(EngdModelRows(block->jet, work->theta, work->gu, work->jet, F->rows.y));
    PetscCall(AddRows(sum->blocks, n, sum->alpha, F->rows.x, F->rows.y, sum->A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* from the points of a block */
static PetscErrorCode AddPoints(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  const Sum *sum = (const Sum *)data;
  PetscInt   nroots;
  PetscBool  complete;

  PetscFunctionBeginUser;
  PetscCall(EngdCurvatureCountAllRoots(F, block->term, &nroots, &complete));
  if (!complete) PetscCall(AddJetBlock(F, block, work, sum));
  for (PetscInt k = 0; k < nroots; k++) {
    PetscCall((*F->curvature->ops->root)(F->curvature, F, block, k, work->gu));
    PetscCall(EngdModelRows(block->jet, work->theta, work->gu, work->jet, F->rows.x));
    EngdWalkersCentreRows(F, block, F->model->nparameters, F->rows.x);
    PetscCall(AddRows(sum->blocks, block->n, sum->alpha, F->rows.x, NULL, sum->A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* from integrals, whose rows there are already */
static PetscErrorCode AddIntegrals(EngdFunctional F, EngdBlockWork *work, void *data)
{
  const Sum *sum = (const Sum *)data;

  PetscFunctionBeginUser;
  (void)work;
  PetscCall(AddRows(sum->blocks, EngdIntegralRowsCount(F), sum->alpha, F->integral.rows, NULL, sum->A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A on rank 0 <- the sum of those of all ranks */
static PetscErrorCode SumOnRoot(MPI_Comm comm, size_t size, PetscReal A[])
{
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (size_t at = 0; at < size; at += MESSAGE) {
    const PetscMPIInt count = (PetscMPIInt)PetscMin((size_t)MESSAGE, size - at);

    PetscCallMPI(MPI_Reduce(rank ? A + at : MPI_IN_PLACE, A + at, count, MPIU_REAL, MPIU_SUM, 0, comm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* column j of what all ranks have parts of += alpha times a vector */
static PetscErrorCode AddColumn(const EngdSpread *spread, PetscInt j, PetscInt n, PetscReal alpha,
                                const PetscReal vector[])
{
  PetscReal *a = NULL;

  PetscFunctionBeginUser;
  if (spread->eigen) PetscCall(EngdEigenAddColumn(spread->eigen, j, alpha, vector));
  if (spread->panels) PetscCall(EngdPanelsGetColumn(spread->panels, j, &a));
  for (PetscInt i = 0; a && i < n; i++) a[i] += alpha * vector[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A (n) += alpha times the entries from `start` on of a vector, on rank 0; or a column of what all ranks have parts of */
static PetscErrorCode AddEntries(EngdFunctional F, Vec vector, const Sum *sum, PetscInt start, PetscInt n,
                                 PetscReal A[], PetscInt column)
{
  const PetscReal *whole;
  PetscMPIInt      rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(EngdFunctionalBegin(F, "a Gramian written out"));
  PetscCall(EngdFunctionalGather(F, vector, &whole));
  if (sum->spread) PetscCall(AddColumn(sum->spread, column, n, sum->alpha, whole));
  for (PetscInt i = 0; !rank && !sum->spread && i < n; i++) A[i] += sum->alpha * whole[start + i];
  PetscCall(EngdFunctionalEnd(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A += alpha diag(H), blocks of order one, on rank 0 */
static PetscErrorCode AddDiagonal(EngdFunctional F, Mat H, const Sum *sum)
{
  Vec diagonal;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(H, &diagonal, NULL));
  PetscCall(MatGetDiagonal(H, diagonal));
  PetscCall(AddEntries(F, diagonal, sum, 0, F->model->nparameters, sum->A, 0));
  PetscCall(VecDestroy(&diagonal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A += alpha times what of column j of H, for all j, is within the blocks, on rank 0 */
static PetscErrorCode AddColumns(EngdFunctional F, Mat H, PetscMPIInt rank, const Sum *sum)
{
  const EngdDiagonalBlocks *blocks = sum->blocks;
  Vec                       unit, column;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(H, &unit, &column));
  for (PetscInt b = 0; b < blocks->n; b++) {
    const PetscInt start = blocks->start[b], order = blocks->start[b + 1] - start;

    for (PetscInt j = 0; j < order; j++) {
      PetscCall(VecZeroEntries(unit));
      if (!rank) PetscCall(VecSetValue(unit, start + j, 1, INSERT_VALUES));
      PetscCall(VecAssemblyBegin(unit));
      PetscCall(VecAssemblyEnd(unit));
      PetscCall(MatMult(H, unit, column));
      PetscCall(
          AddEntries(F, column, sum, start, order, sum->A ? sum->A + blocks->at[b] + ENGD_COUNT(j, order) : NULL, j));
    }
  }
  PetscCall(VecDestroy(&unit));
  PetscCall(VecDestroy(&column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdExplicitGramianBytes - on this rank: of the blocks, which the caller allocates, and of forming them. Not collective

  Input Parameters:
+ functional - set up
- blocks     - which entries
*/
PetscReal EngdExplicitGramianBytes(EngdFunctional F, const EngdDiagonalBlocks *blocks)
{
  const PetscBool rows = (PetscBool)(!F->curvature->for_hessian && blocks->largest > 1);

  return sizeof(PetscReal) * (PetscReal)blocks->at[blocks->n] + (rows ? 2 * (PetscReal)EngdExplicitBlockBytes(F) : 0);
}

/* A <- beta A where the sum is kept, and zeros where a part of a new one is made */
static PetscErrorCode BeginSum(const Sum *sum, PetscBool hessian, PetscMPIInt rank, PetscReal beta)
{
  const size_t size = sum->blocks->at[sum->blocks->n];

  PetscFunctionBeginUser;
  if (sum->spread && sum->spread->eigen) PetscCall(EngdEigenScale(sum->spread->eigen, beta));
  if (sum->spread && sum->spread->panels) PetscCall(EngdPanelsScale(sum->spread->panels, beta));
  if (sum->spread || rank ? !hessian : beta == 0) PetscCall(PetscArrayzero(sum->A, size));
  for (size_t i = 0; !sum->spread && !rank && beta > 0 && i < size; i++) sum->A[i] *= beta;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdExplicitGramian - A = beta A + (1 - beta) blocks of the Gramian or the exact Hessian, without damping.

  Collective

  Input Parameters:
+ G      - of EngdFunctionalCreateGramian() or EngdFunctionalCreateHessian()
. blocks - which entries
- beta   - from 0 to below 1; with 0, A is not read

  Input/Output Parameters:
+ A      - of blocks->at[blocks->n] numbers on all ranks (of the exact Hessian on rank 0); on rank 0 the result, in the upper
           triangles, elsewhere of no use
- spread - NULL, or what the result becomes in place of A, which is workspace then, and NULL for the exact Hessian; of one block
*/
PetscErrorCode EngdExplicitGramian(Mat G, const EngdDiagonalBlocks *blocks, PetscReal beta, PetscReal A[],
                                   const EngdSpread *spread)
{
  const Sum      sum = {.blocks = blocks, .alpha = 1 - beta, .A = A, .spread = spread};
  PetscReal      damping;
  EngdFunctional F;
  PetscMPIInt    rank;

  PetscFunctionBeginUser;
  PetscCall(EngdGramianGetFunctional(G, &F));
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(PetscLogEventBegin(engd_log.form, 0, 0, 0, 0));
  PetscCall(EngdGramianGetDamping(G, &damping));
  PetscCall(EngdGramianSetDamping(G, 0));
  PetscCall(BeginSum(&sum, F->curvature->for_hessian, rank, beta));
  if (F->curvature->for_hessian)
    PetscCall(AddColumns(F, G, rank, &sum));
  else if (blocks->n > 1 && blocks->largest == 1)
    PetscCall(AddDiagonal(F, G, &sum));
  else {
    PetscCall(EngdExplicitReserve(F, &F->rows.x));
    PetscCall(EngdExplicitReserve(F, &F->rows.y));
    PetscCall(EngdWalkersCentre(F));
    PetscCall(EngdFunctionalVisitRows(F, "a Gramian written out", NULL, AddPoints, AddIntegrals, (void *)&sum, NULL));
    if (spread && spread->eigen)
      PetscCall(EngdEigenAdd(spread->eigen, A));
    else if (spread)
      PetscCall(EngdPanelsAddSum(spread->panels, A));
    else
      PetscCall(SumOnRoot(F->comm, blocks->at[blocks->n], A));
  }
  PetscCall(EngdGramianSetDamping(G, damping));
  PetscCall(PetscLogEventEnd(engd_log.form, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
