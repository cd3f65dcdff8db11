/*
  Residuals that are integrals over the points of all ranks, such as the mean of a pressure: -TERM_integral f.

    R_k = sqrt(lambda) I_k,  I_k = sum_n w_n f_k(x_n, Du(x_n))          L has |R_k|^2 / 2
    A_k = dR_k/dtheta = sum_n sqrt(lambda) w_n (df_k/dDu) dDu/dtheta    a row of J, of no point

  R_k is a sum over the points that L is a function of (quotient.c), with the slope R_k, so that loss, gradient and the second
  derivatives of f are those of an energy density R_k f_k. What is left is A^T A. The rows are made once for theta and points, by
  an adjoint pass each and one reduction, and are whole on all ranks; the last rank, behind its points, puts them in where
  operators form or use rows. No rank waits for another within a product.
*/
#include <engd/private.h>

PetscErrorCode EngdIntegralRowsSetUp(EngdFunctional F)
{
  EngdIntegralRows *integral = &F->integral;
  PetscMPIInt       rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    const EngdTerm term = F->problem->term[t];

    F->term[t].sum = term->integral ? 1 + integral->n : 0;
    integral->n += term->integral ? term->pointwise->ncomponents : 0;
  }
  integral->here       = rank == size - 1 ? integral->n : 0;
  integral->generation = -1;
  PetscCall(PetscMalloc3(integral->n, &integral->term, integral->n, &integral->product,
                         ENGD_COUNT(integral->n, F->model->nparameters), &integral->rows));
  for (PetscInt t = 0, k = 0; t < F->problem->nterms; t++) {
    const EngdTerm term = F->problem->term[t];

    for (PetscInt c = 0; term->integral && c < term->pointwise->ncomponents; c++) integral->term[k++] = t;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* row += the part of a block in the row of component c of its term */
static PetscErrorCode AddBlock(EngdFunctional F, const EngdBlock *block, PetscInt c, PetscReal row[])
{
  EngdBlockWork *work = &F->work;
  const PetscInt n    = block->n;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(work->y, F->problem->term[block->term]->pointwise->ncomponents * n));
  PetscCall(PetscArraycpy(work->y + ENGD_COUNT(c, n), block->weight, n));
  PetscCall(EngdBlockZero(F, block, work->gu));
  PetscCall(EngdBlockFirstTranspose(F, block, work->y, work->gu));
  PetscCall(EngdModelGradient(block->jet, work->theta, work->gu, work->jet, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the rows <- what the points of this rank have in them */
static PetscErrorCode AddBlocks(EngdFunctional F)
{
  const size_t p = (size_t)F->model->nparameters;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(F->integral.rows, p * (size_t)F->integral.n));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    const EngdTerm term = F->problem->term[F->block[b].term];
    PetscReal     *rows = F->integral.rows + p * (size_t)(F->term[F->block[b].term].sum - 1);
    EngdBlock     *block;

    if (!term->integral) continue;
    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    for (PetscInt c = 0; c < term->pointwise->ncomponents; c++)
      PetscCall(AddBlock(F, block, c, rows + p * (size_t)c));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdIntegralRowsUpdate(EngdFunctional F)
{
  EngdIntegralRows *integral = &F->integral;
  PetscMPIInt       count;
  PetscErrorCode    ierr;

  PetscFunctionBeginUser;
  if (!integral->n || integral->generation == F->present.generation) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMPIIntCast((PetscInt64)integral->n * F->model->nparameters, &count));
  PetscCall(EngdFunctionalBegin(F, "the rows of integrals"));
  ierr = AddBlocks(F);
  PetscCall(EngdFunctionalEnd(F));
  PetscCall(ierr);
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, integral->rows, count, MPIU_REAL, MPIU_SUM, F->comm));
  integral->generation = F->present.generation;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a metric of the outputs (l2, h1) knows nothing of residuals */
PetscInt EngdIntegralRowsOfMetric(EngdFunctional F)
{
  return F->curvature->values < 0 ? F->integral.n : 0;
}

PetscInt EngdIntegralRowsCount(EngdFunctional F)
{
  return F->integral.here ? EngdIntegralRowsOfMetric(F) : 0;
}

void EngdIntegralRowsProduct(EngdFunctional F, const PetscReal in[], PetscReal y[])
{
  const PetscInt p = F->model->nparameters;

  for (PetscInt k = 0; k < F->integral.n; k++) {
    const PetscReal *row = F->integral.rows + ENGD_COUNT(k, p);

    y[k] = 0;
    for (PetscInt j = 0; j < p; j++) y[k] += row[j] * in[j];
  }
}

void EngdIntegralRowsAddTranspose(EngdFunctional F, const PetscReal y[], PetscReal out[])
{
  const PetscInt p = F->model->nparameters;

  for (PetscInt k = 0; k < F->integral.n; k++) {
    const PetscReal *row = F->integral.rows + ENGD_COUNT(k, p);

    for (PetscInt j = 0; j < p; j++) out[j] += y[k] * row[j];
  }
}

PetscErrorCode EngdIntegralRowsDestroy(EngdFunctional F)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(F->integral.term, F->integral.product, F->integral.rows));
  F->integral.n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
