/*
  A = P L U by panels with partial pivoting, and A^{-1} x (Golub and Van Loan, Matrix Computations, 3.4, by blocks).

    A_j = P_j [L_jj; L_kj] U_jj                                       getrf: a column's pivot is on the rank that has the panel
    A_k <- P_j A_k,  U_jk = L_jj^{-1} A_jk,  A_k <- A_k - L_kj U_jk   for k > j: laswp, trsm, GEMM

  Rows of earlier panels of L are not swapped, and vectors go through P_j, L_j one after the other. For symmetric matrices that are
  not definite it is twice the operations of Bunch and Kaufman's, whose pivots need rows and columns of all ranks.
*/
#include "panels.h"

PETSC_EXTERN void LAPACKlaswp_(const PetscBLASInt *, PetscReal *, const PetscBLASInt *, const PetscBLASInt *,
                               const PetscBLASInt *, const PetscBLASInt *, const PetscBLASInt *);

/* the pivots of a panel, rows from its first one on, counted from 1; its factor is its failed pivot and these as numbers */
static void GetPivots(const EngdReflectors *r, PetscBLASInt pivot[])
{
  for (PetscInt k = 0; k < r->width; k++) pivot[k] = (PetscBLASInt)r->factor[1 + k];
}

/* columns of this rank from `begin` to `end`: swapped, their rows of U, and what is below */
static PetscErrorCode UpdateColumns(EngdPanels q, const EngdReflectors *r, PetscInt begin, PetscInt end)
{
  const PetscReal minus = -1, one = 1;
  PetscReal      *A = q->A + ENGD_COUNT(q->m, begin) + r->first;
  PetscBLASInt    pivot[ENGD_PANEL], below, n, k, ldv, lda, unit = 1;

  PetscFunctionBeginUser;
  if (begin >= end) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast(r->rows - r->width, &below));
  PetscCall(PetscBLASIntCast(end - begin, &n));
  PetscCall(PetscBLASIntCast(r->width, &k));
  PetscCall(PetscBLASIntCast(r->ldv, &ldv));
  PetscCall(PetscBLASIntCast(q->m, &lda));
  GetPivots(r, pivot);
  PetscCallBLAS("LAPACKlaswp", LAPACKlaswp_(&n, A, &lda, &unit, &k, pivot, &unit));
  PetscCallBLAS("BLAStrsm", BLAStrsm_("L", "L", "N", "U", &k, &n, &one, r->V, &ldv, A, &lda));
  if (below)
    PetscCallBLAS("BLASgemm", BLASgemm_("N", "N", &below, &n, &k, &minus, r->V + r->width, &ldv, A, &lda, &one,
                                        A + r->width, &lda));
  PetscCall(PetscLogFlops(1.0 * n * k * (k + 2.0 * below)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* panel j of this rank */
static PetscErrorCode FactorPanel(EngdPanels q, PetscInt j)
{
  const PetscInt column = EngdPanelsLocal(q, j), rows = q->m - j * ENGD_PANEL, width = EngdPanelsWidth(q, j);
  PetscReal     *factor = q->factor + ENGD_COUNT(ENGD_PANEL, column);
  PetscBLASInt   pivot[ENGD_PANEL], m, n, lda, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(rows, &m));
  PetscCall(PetscBLASIntCast(width, &n));
  PetscCall(PetscBLASIntCast(q->m, &lda));
  PetscCallBLAS("LAPACKgetrf",
                LAPACKgetrf_(&m, &n, q->A + ENGD_COUNT(q->m, column) + j * ENGD_PANEL, &lda, pivot, &info));
  factor[0] = (PetscReal)info;
  for (PetscInt k = 0; k < width; k++) factor[1 + k] = (PetscReal)pivot[k];
  PetscCall(PetscLogFlops(1.0 * width * width * (rows - width / 3.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsLU(EngdPanels q, PetscInt *pivot)
{
  const EngdPanelsMethod method = {.factor = FactorPanel, .update = UpdateColumns, .may_fail = PETSC_TRUE};
  PetscBool              done;

  PetscFunctionBeginUser;
  PetscCheck(q->m == q->n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "LU of a matrix that is not square");
  PetscCall(EngdPanelsRun(q, &method, &done));
  *pivot = q->failed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x <- what L_j^{-1} P_j^T, or U_j^{-1}, makes of it, on the rank that has panel j */
static PetscErrorCode SolvePanel(EngdPanels q, PetscInt j, PetscBool lower, PetscReal x[])
{
  const PetscReal      minus = -1, one = 1;
  const EngdReflectors r    = EngdPanelsGetReflectors(q, j);
  const PetscInt       rest = lower ? r.rows - r.width : r.first;
  PetscReal           *xj   = x + r.first;
  PetscBLASInt         pivot[ENGD_PANEL], m, n, lda, unit = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(rest, &m));
  PetscCall(PetscBLASIntCast(r.width, &n));
  PetscCall(PetscBLASIntCast(q->m, &lda));
  GetPivots(&r, pivot);
  if (lower) PetscCallBLAS("LAPACKlaswp", LAPACKlaswp_(&unit, xj, &lda, &unit, &n, pivot, &unit));
  PetscCallBLAS("BLAStrsm",
                BLAStrsm_("L", lower ? "L" : "U", "N", lower ? "U" : "N", &n, &unit, &one, r.V, &lda, xj, &lda));
  if (m)
    PetscCallBLAS("BLASgemv", BLASgemv_("N", &m, &n, &minus, lower ? r.V + r.width : r.V - r.first, &lda, xj, &unit,
                                        &one, lower ? xj + r.width : x, &unit));
  PetscCall(PetscLogFlops(2.0 * r.width * (rest + r.width / 2.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsLUSolve(EngdPanels q, PetscReal x[])
{
  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < EngdPanelsCount(q); j++) {
    const PetscInt first = j * ENGD_PANEL;

    if (EngdPanelsRank(j, q->size) == q->rank) PetscCall(SolvePanel(q, j, PETSC_TRUE, x));
    PetscCall(EngdPanelsShare(q, j, q->m - first, x + first));
  }
  for (PetscInt j = EngdPanelsCount(q) - 1; j >= 0; j--) {
    if (EngdPanelsRank(j, q->size) == q->rank) PetscCall(SolvePanel(q, j, PETSC_FALSE, x));
    PetscCall(EngdPanelsShare(q, j, j * ENGD_PANEL + EngdPanelsWidth(q, j), x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
