/*
  A = L L^T by panels, of the lower triangle, and A^{-1} x (Golub and Van Loan, Matrix Computations, 4.2, by blocks).

    A_j = [L_jj; L_kj]                       potrf and trsm
    A_k <- A_k - L_kj L_kj^T for k > j       GEMM, each panel from its diagonal down

  On one rank it is LAPACK's own. A pivot that is not positive ends the factorisation on all ranks.
*/
#include "panels.h"

/* A_k -= L_kj L_kj^T for the columns of this rank from `begin` to `end`, by panels, from the diagonal down */
static PetscErrorCode UpdateColumns(EngdPanels q, const EngdReflectors *r, PetscInt begin, PetscInt end)
{
  const PetscReal minus = -1, one = 1;

  PetscFunctionBeginUser;
  for (PetscInt at = begin; at < end; at += ENGD_PANEL) {
    const PetscInt   first = EngdPanelsGlobal(q, at / ENGD_PANEL) * ENGD_PANEL;
    const PetscReal *L     = r->V + first - r->first;
    PetscBLASInt     m, n, k, ldv, lda;

    PetscCall(PetscBLASIntCast(q->m - first, &m));
    PetscCall(PetscBLASIntCast(PetscMin(ENGD_PANEL, end - at), &n));
    PetscCall(PetscBLASIntCast(r->width, &k));
    PetscCall(PetscBLASIntCast(r->ldv, &ldv));
    PetscCall(PetscBLASIntCast(q->m, &lda));
    PetscCallBLAS("BLASgemm", BLASgemm_("N", "T", &m, &n, &k, &minus, L, &ldv, L, &ldv, &one,
                                        q->A + ENGD_COUNT(q->m, at) + first, &lda));
    PetscCall(PetscLogFlops(2.0 * m * n * k));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* panel j of this rank by Cholesky; its factor begins with LAPACK's info */
static PetscErrorCode FactorPanel(EngdPanels q, PetscInt j)
{
  const PetscInt  column = EngdPanelsLocal(q, j), rows = q->m - j * ENGD_PANEL, width = EngdPanelsWidth(q, j);
  const PetscReal one = 1;
  PetscReal      *A   = q->A + ENGD_COUNT(q->m, column) + j * ENGD_PANEL;
  PetscBLASInt    below, n, lda, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(rows - width, &below));
  PetscCall(PetscBLASIntCast(width, &n));
  PetscCall(PetscBLASIntCast(q->m, &lda));
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("L", &n, A, &lda, &info));
  if (!info && below)
    PetscCallBLAS("BLAStrsm", BLAStrsm_("R", "L", "T", "N", &below, &n, &one, A, &lda, A + width, &lda));
  q->factor[ENGD_COUNT(ENGD_PANEL, column)] = (PetscReal)info;
  PetscCall(PetscLogFlops(1.0 * width * width * (rows - 2 * width / 3.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsCholesky(EngdPanels q, PetscBool *done)
{
  const EngdPanelsMethod method = {.factor = FactorPanel, .update = UpdateColumns, .may_fail = PETSC_TRUE};
  PetscBLASInt           n, info;

  PetscFunctionBeginUser;
  PetscCheck(q->m == q->n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "Cholesky of a matrix that is not square");
  if (q->size > 1) {
    PetscCall(EngdPanelsRun(q, &method, done));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscBLASIntCast(q->n, &n));
  *done = PETSC_TRUE;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("L", &n, q->A, &n, &info));
  *done = (PetscBool)!info;
  PetscCall(PetscLogFlops(1.0 / 3 * q->n * q->n * q->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x <- L^{-1} x or L^{-T} x */
static PetscErrorCode SolveLower(EngdPanels q, const char trans[], PetscReal x[])
{
  const PetscReal minus = -1, one = 1;
  PetscBLASInt    n, below, lda, unit = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(q->m, &lda));
  for (PetscInt i = 0; i < EngdPanelsCount(q); i++) {
    const PetscInt j = trans[0] == 'N' ? i : EngdPanelsCount(q) - 1 - i, first = j * ENGD_PANEL,
                   width = EngdPanelsWidth(q, j);
    const PetscReal *L   = q->A + ENGD_COUNT(q->m, EngdPanelsLocal(q, j)) + first;
    PetscReal       *xj  = x + first;

    PetscCall(PetscBLASIntCast(width, &n));
    PetscCall(PetscBLASIntCast(q->m - first - width, &below));
    if (EngdPanelsRank(j, q->size) == q->rank) {
      if (trans[0] == 'T' && below)
        PetscCallBLAS("BLASgemv",
                      BLASgemv_("T", &below, &n, &minus, L + width, &lda, xj + width, &unit, &one, xj, &unit));
      PetscCallBLAS("BLAStrsm", BLAStrsm_("L", "L", trans, "N", &n, &unit, &one, L, &lda, xj, &n));
      if (trans[0] == 'N' && below)
        PetscCallBLAS("BLASgemv",
                      BLASgemv_("N", &below, &n, &minus, L + width, &lda, xj, &unit, &one, xj + width, &unit));
      PetscCall(PetscLogFlops(2.0 * width * (below + width / 2.0)));
    }
    PetscCall(EngdPanelsShare(q, j, trans[0] == 'N' ? q->m - first : width, xj));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsCholeskySolve(EngdPanels q, PetscReal x[])
{
  PetscFunctionBeginUser;
  PetscCall(SolveLower(q, "N", x));
  PetscCall(SolveLower(q, "T", x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
