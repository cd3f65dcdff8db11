/*
  The rows and columns of the kernel K = A A^T that belong to integrals, A_I (integrals, p) the last rows of A:

    K = [K_points  C; C^T  A_I A_I^T],   C = A_points A_I^T

  Each rank forms C for its points, block by block, and the last rank, which has the rows of integrals, gathers all of it.
*/
#include "ntk.h"

/* C of this rank, (rows of its points, integrals), and the next of its rows */
typedef struct {
  EngdNTK    kernel;
  PetscReal *C;
  PetscInt   row;
} Couplings;

static PetscErrorCode CoupleBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  Couplings     *couplings = (Couplings *)data;
  const EngdNTK  kernel    = couplings->kernel;
  const PetscInt p = F->model->nparameters, ld = EngdNTKRows(kernel, kernel->rank);

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < kernel->roots[block->term]; k++, couplings->row += block->n) {
    PetscCall((*F->curvature->ops->root)(F->curvature, F, block, k, work->gu));
    PetscCall(EngdModelRows(block->jet, work->theta, work->gu, work->jet, F->rows.x));
    PetscCall(EngdGemm("T", "N", block->n, kernel->nintegrals, p, F->rows.x, p, F->integral.rows, p, 0,
                       couplings->C + couplings->row, ld));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the rows of integrals, on the last rank: C of all ranks, transposed, and A_I A_I^T */
static PetscErrorCode PutRows(EngdNTK kernel, const PetscReal C[], PetscInt ld, PetscReal K[])
{
  const PetscMPIInt last  = kernel->size - 1;
  const PetscInt    first = EngdNTKRows(kernel, last), n = kernel->nintegrals, p = kernel->F->model->nparameters;
  const PetscReal  *A = kernel->F->integral.rows;

  PetscFunctionBeginUser;
  for (PetscMPIInt r = 0; r < kernel->size; r++) {
    const PetscInt m = EngdNTKRows(kernel, r);

    EngdTranspose(m, n, C, m, K + ENGD_COUNT(ld, ld) * r + first, ld);
    C += ENGD_COUNT(m, n);
  }
  PetscCall(
      EngdGemm("T", "N", n, n, p, A, p, A, p, 0, K + ENGD_COUNT(ld, ld) * last + ENGD_COUNT(first, ld) + first, ld));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C of all ranks, one after the other, on the last */
static PetscErrorCode Gather(EngdNTK kernel, const PetscReal own[], PetscReal all[])
{
  PetscMPIInt *count, *start;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(kernel->size, &count, kernel->size, &start));
  for (PetscMPIInt r = 0; r < kernel->size; r++) {
    PetscCall(PetscMPIIntCast(kernel->nintegrals * EngdNTKRows(kernel, r), &count[r]));
    PetscCall(PetscMPIIntCast(kernel->nintegrals * kernel->row_start[r], &start[r]));
  }
  PetscCallMPI(MPI_Gatherv(own, count[kernel->rank], MPIU_REAL, all, count, start, MPIU_REAL, kernel->size - 1,
                           kernel->F->comm));
  PetscCall(PetscFree2(count, start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t EngdNTKIntegralSize(EngdNTK kernel, PetscBool all)
{
  if (all && kernel->rank < kernel->size - 1) return 0;
  return ENGD_COUNT(kernel->nintegrals, all ? kernel->row_start[kernel->size] : EngdNTKRows(kernel, kernel->rank));
}

PetscErrorCode EngdNTKPutIntegrals(EngdNTK kernel, PetscInt ld, PetscReal K[])
{
  const PetscMPIInt last = kernel->size - 1;
  const PetscInt    m = EngdNTKRows(kernel, kernel->rank), first = EngdNTKRows(kernel, last);
  Couplings         couplings = {.kernel = kernel, .C = kernel->coupling};

  PetscFunctionBeginUser;
  if (!kernel->nintegrals) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdIntegralRowsUpdate(kernel->F));
  PetscCall(EngdExplicitReserve(kernel->F, &kernel->F->rows.x));
  PetscCall(EngdFunctionalVisit(kernel->F, "a kernel of integrals", NULL, CoupleBlock, &couplings, NULL));
  PetscCall(Gather(kernel, kernel->coupling, kernel->couplings));
  for (PetscInt k = 0; k < kernel->nintegrals; k++)
    PetscCall(PetscArraycpy(K + ENGD_COUNT(ld, ld) * last + ENGD_COUNT(first + k, ld),
                            kernel->coupling + ENGD_COUNT(k, m), m));
  if (kernel->rank == last) PetscCall(PutRows(kernel, kernel->couplings, ld, K));
  PetscFunctionReturn(PETSC_SUCCESS);
}
