/*
  The last layer, of all networks, by least squares, the hidden units being fixed features (random features, extreme learning machines).

    min over c of |R(c)|^2,   c <- c - eta A^+ R,   A the columns of J that belong to the last layer

  A and R stand side by side in one tall matrix, whose QR over the ranks leaves the triangle of A and Q^T R in rank 0; then a
  truncated SVD. Singular values below RCOND are cut off: with all of them c reaches 1e6 where features are nearly alike, and
  training from there goes nowhere (runs/untuned.md). A linear problem takes one step, others the best of some lengths.
  Not for energies, which have no residual.
*/
#include <engd/private.h>

#define RCOND           1e-2
#define PIVOT_TOLERANCE 1e-16
#define NLENGTHS        7

struct _n_EngdLastLayer {
  EngdFunctional F; /* borrowed */
  PetscInt       m, nrows;
  PetscInt      *column; /* [m] which parameter it is */
  EngdTSQR       qr;
  EngdSVD        svd;       /* rank 0 */
  PetscReal     *T, *M, *y; /* rank 0: (m + 1, m + 1), (m, m), (m) */
  PetscReal     *c, *rows;  /* (m) the step; (p, n) rows of J of a block */
  Vec            R, d;
};

PetscInt EngdLastLayerCount(EngdFunctional F)
{
  PetscInt m = 0;

  for (PetscInt k = 0; k < F->nnetworks; k++) {
    const EngdLayer *layer = &F->model->layer[EngdModelLastLayer(F->model, k)];

    m += (layer->n_in + 1) * layer->n_out;
  }
  return m;
}

void EngdLastLayerColumns(EngdFunctional F, PetscInt column[])
{
  PetscInt m = 0;

  for (PetscInt k = 0; k < F->model->nparts; k++) {
    const EngdLayer *layer = &F->model->layer[EngdModelLastLayer(F->model, k)];

    for (PetscInt j = 0; j < (layer->n_in + 1) * layer->n_out; j++) column[m++] = layer->offset + j;
  }
}

PetscErrorCode EngdLastLayerCreate(EngdFunctional F, Vec theta, EngdLastLayer *out)
{
  EngdLastLayer last;
  PetscMPIInt   rank;
  PetscInt      m;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&last));
  last->F = F;
  last->m = m = EngdLastLayerCount(F);
  PetscCall(PetscMalloc1(m, &last->column));
  EngdLastLayerColumns(F, last->column);
  PetscCall(EngdExplicitCountRows(F, &last->nrows));
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(EngdTSQRCreate(F->comm, last->nrows, m + 1, &last->qr));
  PetscCall(EngdSVDCreate(rank ? 0 : m, &last->svd));
  PetscCall(PetscMalloc3(rank ? 0 : ENGD_COUNT(m + 1, m + 1), &last->T, rank ? 0 : ENGD_COUNT(m, m), &last->M,
                         rank ? 0 : m, &last->y));
  PetscCall(PetscMalloc2(m, &last->c, EngdExplicitBlockBytes(F) / sizeof(PetscReal), &last->rows));
  PetscCall(VecCreateMPI(F->comm, last->nrows, PETSC_DETERMINE, &last->R));
  PetscCall(VecDuplicate(theta, &last->d));
  *out = last;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A (nrows, m) <- the columns of the last layer; trace[t] += the squares of the rows of term t, unless it is NULL */
typedef struct {
  EngdLastLayer last;
  PetscInt      lda, row;
  PetscReal    *A, *trace;
} Fill;

static PetscErrorCode FillBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  Fill               *fill = (Fill *)data;
  const EngdLastLayer last = fill->last;
  const size_t        p    = (size_t)F->model->nparameters;
  PetscInt            nroots;

  PetscFunctionBeginUser;
  PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, block->term, &nroots));
  for (PetscInt k = 0; k < nroots; k++, fill->row += block->n) {
    PetscCall((*F->curvature->ops->root)(F->curvature, F, block, k, work->gu));
    PetscCall(EngdModelRows(block->jet, work->theta, work->gu, work->jet, last->rows));
    for (PetscInt j = 0; j < last->m; j++) {
      for (PetscInt i = 0; i < block->n; i++) {
        const PetscReal a = last->rows[i * p + last->column[j]];

        fill->A[j * (size_t)fill->lda + fill->row + i] = a;
        if (fill->trace) fill->trace[block->term] += a * a;
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* of integrals, which come last */
static PetscErrorCode FillIntegrals(EngdFunctional F, EngdBlockWork *work, void *data)
{
  Fill               *fill = (Fill *)data;
  const EngdLastLayer last = fill->last;
  const size_t        p    = (size_t)F->model->nparameters;

  PetscFunctionBeginUser;
  (void)work;
  for (PetscInt k = 0; k < EngdIntegralRowsCount(F); k++) {
    for (PetscInt j = 0; j < last->m; j++) {
      const PetscReal a = F->integral.rows[k * p + last->column[j]];

      fill->A[j * (size_t)fill->lda + fill->row + k] = a;
      if (fill->trace) fill->trace[F->integral.term[k]] += a * a;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillColumns(EngdLastLayer last, PetscInt lda, PetscReal A[], PetscReal trace[])
{
  Fill fill = {.last = last, .lda = lda, .A = A, .trace = trace};

  PetscFunctionBeginUser;
  PetscCall(
      EngdFunctionalVisitRows(last->F, "the columns of the last layer", NULL, FillBlock, FillIntegrals, &fill, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdLastLayerTrace(EngdLastLayer last, Vec theta, PetscReal trace[])
{
  const EngdProblem problem = last->F->problem;
  PetscReal        *A;
  PetscInt          lda;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(last->F, theta));
  PetscCall(EngdTSQRGetArray(last->qr, &lda, &A));
  PetscCall(PetscArrayzero(trace, problem->nterms));
  PetscCall(FillColumns(last, lda, A, trace));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, trace, problem->nterms, MPIU_REAL, MPIU_SUM, last->F->comm));
  for (PetscInt t = 0; t < problem->nterms; t++) trace[t] /= problem->term[t]->weight;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c <- -A^+ R from the triangle of [A R], on rank 0 */
static PetscErrorCode SolveTriangle(EngdLastLayer last)
{
  const PetscInt m   = last->m;
  EngdSVD       *svd = &last->svd;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < m; j++) PetscCall(PetscArraycpy(last->M + j * m, last->T + j * (m + 1), m));
  PetscCall(EngdSVDCompute(svd, last->M, PIVOT_TOLERANCE));
  PetscCall(EngdDenseMultiply("T", m, svd->nsigma, svd->U, last->T + m * (m + 1), last->y));
  for (PetscInt i = 0; i < svd->nsigma; i++)
    last->y[i] = svd->sigma[i] > RCOND * svd->sigma[0] ? -last->y[i] / svd->sigma[i] : 0;
  PetscCall(EngdDenseMultiply("N", m, svd->nsigma, svd->V, last->y, last->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d <- the Gauss-Newton step in the last layer; none where A or R is not finite */
static PetscErrorCode FindStep(EngdLastLayer last, PetscBool *found)
{
  const size_t     order = ENGD_COUNT(last->m + 1, last->m + 1);
  const PetscReal *R;
  PetscReal       *A, *d;
  PetscInt         lda, begin, end;
  PetscMPIInt      rank, count;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(last->F->comm, &rank));
  PetscCall(PetscMPIIntCast(last->m, &count));
  PetscCall(EngdTSQRGetArray(last->qr, &lda, &A));
  PetscCall(FillColumns(last, lda, A, NULL));
  PetscCall(EngdFunctionalResidual(last->F, last->R));
  PetscCall(VecGetArrayRead(last->R, &R));
  PetscCall(PetscArraycpy(A + ENGD_COUNT(last->m, lda), R, last->nrows));
  PetscCall(VecRestoreArrayRead(last->R, &R));
  PetscCall(EngdTSQRFactor(last->qr, last->T));
  PetscCall(EngdAllFinite(last->F->comm, rank ? 0 : order, last->T, found));
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  if (!rank) PetscCall(SolveTriangle(last));
  PetscCallMPI(MPI_Bcast(last->c, count, MPIU_REAL, 0, last->F->comm));
  PetscCall(VecGetOwnershipRange(last->d, &begin, &end));
  PetscCall(VecGetArrayWrite(last->d, &d));
  PetscCall(PetscArrayzero(d, end - begin));
  for (PetscInt j = 0; j < last->m; j++) {
    if (last->column[j] >= begin && last->column[j] < end) d[last->column[j] - begin] = last->c[j];
  }
  PetscCall(VecRestoreArrayWrite(last->d, &d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdLastLayerSolve(EngdLastLayer last, Vec theta, PetscInt steps, PetscReal *loss)
{
  const PetscReal length[NLENGTHS] = {1, 0.5, 0.25, 0.125, 0.0625, 1. / 64, 1. / 256};

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(last->F, theta));
  PetscCall(EngdFunctionalEvaluate(last->F, loss, NULL));
  for (PetscInt k = 0; k < steps && !PetscIsInfOrNanReal(*loss); k++) {
    const PetscReal before = *loss;
    PetscReal       after[NLENGTHS];
    PetscInt        best = 0;
    PetscBool       found;

    PetscCall(FindStep(last, &found));
    if (!found) break;
    PetscCall(EngdFunctionalLossAlong(last->F, theta, last->d, NLENGTHS, length, after));
    for (PetscInt i = 1; i < NLENGTHS; i++)
      if (after[i] < after[best] || PetscIsInfOrNanReal(after[best])) best = i;
    if (!(after[best] < before)) break;
    PetscCall(VecAXPY(theta, length[best], last->d));
    PetscCall(EngdFunctionalSetParameters(last->F, theta));
    *loss = after[best];
    if (*loss > 0.9 * before) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdLastLayerDestroy(EngdLastLayer *last)
{
  PetscFunctionBeginUser;
  if (!*last) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdTSQRDestroy(&(*last)->qr));
  PetscCall(EngdSVDDestroy(&(*last)->svd));
  PetscCall(PetscFree3((*last)->T, (*last)->M, (*last)->y));
  PetscCall(PetscFree2((*last)->c, (*last)->rows));
  PetscCall(PetscFree((*last)->column));
  PetscCall(VecDestroy(&(*last)->R));
  PetscCall(VecDestroy(&(*last)->d));
  PetscCall(PetscFree(*last));
  PetscFunctionReturn(PETSC_SUCCESS);
}
