/*
  The Jacobian written out: rows (C_k J)_n for the roots C_k of the curvature, W = sum_k C_k^T C_k, so that G = A^T A.

    gauss_newton on residuals: the rows sqrt(w) D J_u of the weighted residual, in the order of EngdFunctionalResidual()
    anything else:             block by block, root by root, point by point
    integrals:                 last, on the last rank (integral_rows.c)

  By rows: each rank has the rows of its points. By columns: each rank has its parameters' columns of all rows (those of rank
  0 first), by one exchange of the row blocks. Memory for both forms is the caller's affair: nothing is kept here.
*/
#include <engd/private.h>

/* EngdExplicitCountRows - rows of this rank, all roots of all its points. Not collective */
PetscErrorCode EngdExplicitCountRows(EngdFunctional F, PetscInt *nrows)
{
  PetscFunctionBeginUser;
  PetscCheck(
      !F->curvature->for_hessian, F->comm, PETSC_ERR_USER_INPUT,
      "-tao_engd_curvature hessian: the exact Hessian is no J^T W J, so there are no rows of J; take a method on "
      "products with it, or -tao_engd_curvature gauss_newton");
  *nrows = EngdIntegralRowsCount(F);
  for (PetscInt b = 0; b < F->nblocks; b++) {
    PetscInt nroots;

    PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, F->block[b].term, &nroots));
    *nrows += nroots * F->block[b].n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdExplicitCountAllRows - those of all ranks. Collective */
PetscErrorCode EngdExplicitCountAllRows(EngdFunctional F, PetscInt *N)
{
  PetscInt nrows;

  PetscFunctionBeginUser;
  PetscCall(EngdExplicitCountRows(F, &nrows));
  PetscCall(MPIU_Allreduce(&nrows, N, 1, MPIU_INT, MPI_SUM, F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdExplicitHasResidual - are the rows those of the weighted residual R, so that A^T R = gradient. Not collective */
PetscErrorCode EngdExplicitHasResidual(EngdFunctional F, PetscBool *has)
{
  PetscFunctionBeginUser;
  *has = (PetscBool)(F->least_squares && F->curvature->of_residual);
  for (PetscInt t = 0; *has && F->curvature->second && t < F->problem->nterms; t++) {
    *has = (PetscBool)(F->problem->term[t]->pointwise->nsecond == 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdExplicitBlockBytes - of the rows of one root on the largest block of points of this rank. Not collective */
size_t EngdExplicitBlockBytes(EngdFunctional F)
{
  PetscInt n = 0;

  for (PetscInt b = 0; b < F->nblocks; b++) n = PetscMax(n, F->block[b].n);
  return sizeof(PetscReal) * ENGD_COUNT(n, F->model->nparameters);
}

/* EngdExplicitBytes - what the fill needs for itself on this rank. Not collective */
PetscErrorCode EngdExplicitBytes(EngdFunctional F, PetscBool by_columns, PetscReal *bytes)
{
  PetscInt nrows;

  PetscFunctionBeginUser;
  PetscCall(EngdExplicitCountRows(F, &nrows));
  *bytes = (PetscReal)(by_columns ? sizeof(PetscReal) * ENGD_COUNT(nrows, F->model->nparameters)
                                  : EngdExplicitBlockBytes(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdExplicitReserve(EngdFunctional F, PetscReal **rows)
{
  PetscFunctionBeginUser;
  if (!*rows) PetscCall(PetscMalloc1(EngdExplicitBlockBytes(F) / sizeof(PetscReal), rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a matrix that is being filled with rows, and the next of them */
typedef struct {
  PetscReal      *A;
  PetscInt        lda, row;
  PetscInt        m;      /* of how many parameters */
  const PetscInt *column; /* [m] of which, or NULL for all */
} Fill;

/* n rows (p, n) into A */
static void PutRows(Fill *fill, PetscInt p, PetscInt n, const PetscReal rows[])
{
  if (!fill->column) {
    EngdTranspose(p, n, rows, p, fill->A + fill->row, fill->lda);
    return;
  }
  for (PetscInt j = 0; j < fill->m; j++) {
    const PetscReal *from = rows + fill->column[j];
    PetscReal       *to   = fill->A + ENGD_COUNT(j, fill->lda) + fill->row;

    for (PetscInt i = 0; i < n; i++) to[i] = from[ENGD_COUNT(i, p)];
  }
}

/* the rows of a block, root by root, as those of A (nrows, p) */
static PetscErrorCode FillBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  Fill          *fill = (Fill *)data;
  const PetscInt p    = F->model->nparameters;
  PetscInt       nroots;

  PetscFunctionBeginUser;
  PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, block->term, &nroots));
  for (PetscInt k = 0; k < nroots; k++, fill->row += block->n) {
    PetscCall((*F->curvature->ops->root)(F->curvature, F, block, k, work->gu));
    PetscCall(EngdModelRows(block->jet, work->theta, work->gu, work->jet, F->rows.x));
    EngdWalkersCentreRows(F, block, p, F->rows.x);
    PutRows(fill, p, block->n, F->rows.x);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* as the columns of A^T (p, nrows) */
static PetscErrorCode FillBlockTransposed(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  Fill    *fill = (Fill *)data;
  PetscInt nroots;

  PetscFunctionBeginUser;
  PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, block->term, &nroots));
  for (PetscInt k = 0; k < nroots; k++, fill->row += block->n) {
    PetscCall((*F->curvature->ops->root)(F->curvature, F, block, k, work->gu));
    PetscCall(
        EngdModelRows(block->jet, work->theta, work->gu, work->jet, fill->A + ENGD_COUNT(fill->row, fill->lda)));
    EngdWalkersCentreRows(F, block, fill->lda, fill->A + ENGD_COUNT(fill->row, fill->lda));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the rows of integrals */
static PetscErrorCode FillRows(EngdFunctional F, EngdBlockWork *work, void *data)
{
  Fill          *fill = (Fill *)data;
  const PetscInt p = F->model->nparameters, n = EngdIntegralRowsCount(F);

  PetscFunctionBeginUser;
  (void)work;
  PutRows(fill, p, n, F->integral.rows);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillRowsTransposed(EngdFunctional F, EngdBlockWork *work, void *data)
{
  Fill          *fill = (Fill *)data;
  const PetscInt p = F->model->nparameters, n = EngdIntegralRowsCount(F);

  PetscFunctionBeginUser;
  (void)work;
  PetscCall(PetscArraycpy(fill->A + ENGD_COUNT(fill->row, fill->lda), F->integral.rows, ENGD_COUNT(p, n)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdExplicitFillRows - A (nrows, p) by columns: the rows of this rank.

  Collective

  Input Parameters:
+ functional - with its parameters set
- lda        - leading dimension of A

  Output Parameter:
. A - the matrix
*/
PetscErrorCode EngdExplicitFillRows(EngdFunctional F, PetscInt lda, PetscReal A[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdExplicitFillSome(F, F->model->nparameters, NULL, lda, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdExplicitFillSome - the same, A (nrows, m), of m parameters in the order of column. Collective */
PetscErrorCode EngdExplicitFillSome(EngdFunctional F, PetscInt m, const PetscInt column[], PetscInt lda,
                                    PetscReal A[])
{
  Fill fill = {.A = A, .lda = lda, .m = m, .column = column};

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.explicit, 0, 0, 0, 0));
  PetscCall(EngdExplicitReserve(F, &F->rows.x));
  PetscCall(EngdWalkersCentre(F));
  PetscCall(EngdFunctionalVisitRows(F, "a Jacobian written out by rows", NULL, FillBlock, FillRows, &fill, NULL));
  PetscCall(PetscLogEventEnd(engd_log.explicit, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the part of `rows` columns that rank has, as MPI sees it: count of them, ld apart, width numbers each */
static PetscErrorCode ColumnsType(PetscInt count, PetscInt width, PetscInt ld, MPI_Datatype *type)
{
  PetscMPIInt c, w, l;

  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(count, &c));
  PetscCall(PetscMPIIntCast(width, &w));
  PetscCall(PetscMPIIntCast(ld, &l));
  PetscCallMPI(MPI_Type_vector(c, w, l, MPIU_REAL, type));
  PetscCallMPI(MPI_Type_commit(type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A (p_local, N) <- the row blocks (p, nrows) of all ranks */
static PetscErrorCode Exchange(EngdFunctional F, PetscInt nrows, const PetscReal rows[], const PetscInt ranges[],
                               PetscInt lda, PetscReal A[])
{
  PetscMPIInt   size, rank;
  PetscInt     *counts, start = 0;
  MPI_Request  *request;
  MPI_Datatype *type;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(PetscMalloc3(size, &counts, 2 * size, &request, 2 * size, &type));
  PetscCallMPI(MPI_Allgather(&nrows, 1, MPIU_INT, counts, 1, MPIU_INT, F->comm));
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(ColumnsType(counts[r], ranges[rank + 1] - ranges[rank], lda, &type[r]));
    PetscCallMPI(MPI_Irecv(A + ENGD_COUNT(start, lda), 1, type[r], r, 0, F->comm, &request[r]));
    start += counts[r];
  }
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(ColumnsType(nrows, ranges[r + 1] - ranges[r], F->model->nparameters, &type[size + r]));
    PetscCallMPI(MPI_Isend(rows + ranges[r], 1, type[size + r], r, 0, F->comm, &request[size + r]));
  }
  PetscCallMPI(MPI_Waitall(2 * size, request, MPI_STATUSES_IGNORE));
  for (PetscMPIInt k = 0; k < 2 * size; k++) PetscCallMPI(MPI_Type_free(&type[k]));
  PetscCall(PetscFree3(counts, request, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdExplicitFillColumns - A (p_local, N) by columns, the transpose: of each row the entries of the parameters of this rank.

  Collective

  Input Parameters:
+ functional - with its parameters set
. ranges     - [size + 1] how the parameters are spread (VecGetOwnershipRanges)
- lda        - leading dimension of A

  Output Parameter:
. A - the matrix
*/
PetscErrorCode EngdExplicitFillColumns(EngdFunctional F, const PetscInt ranges[], PetscInt lda, PetscReal A[])
{
  const PetscInt p    = F->model->nparameters;
  Fill           fill = {.lda = p};
  PetscInt       nrows;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.explicit, 0, 0, 0, 0));
  PetscCall(EngdExplicitCountRows(F, &nrows));
  PetscCall(PetscMalloc1(ENGD_COUNT(nrows, p), &fill.A));
  PetscCall(EngdWalkersCentre(F));
  PetscCall(EngdFunctionalVisitRows(F, "a Jacobian written out by columns", NULL, FillBlockTransposed,
                                    FillRowsTransposed, &fill, NULL));
  PetscCall(Exchange(F, nrows, fill.A, ranges, lda, A));
  PetscCall(PetscFree(fill.A));
  PetscCall(PetscLogEventEnd(engd_log.explicit, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
