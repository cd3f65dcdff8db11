/*
  A = Q T by panels: a panel by geqrt, recursive and so by GEMM (Elmroth and Gustavson, IBM J. Res. Dev. 44, 2000), the rest by its block
  reflectors I - V F V^T (Schreiber and Van Loan, SIAM J. Sci. Stat. Comput. 10, 1989).

    A_j = Q_j [T_jj; 0]             geqrt
    A_k <- Q_j^T A_k for k > j      larfb on each rank's own panels

  Q stays as reflectors: backward stable whatever the condition. T is above them.
*/
#include "panels.h"

PETSC_EXTERN void LAPACKgeqrt_(const PetscBLASInt *, const PetscBLASInt *, const PetscBLASInt *, PetscReal *,
                               const PetscBLASInt *, PetscReal *, const PetscBLASInt *, PetscReal *, PetscBLASInt *);
PETSC_EXTERN void LAPACKlarfb_(const char *, const char *, const char *, const char *, const PetscBLASInt *,
                               const PetscBLASInt *, const PetscBLASInt *, const PetscReal *, const PetscBLASInt *,
                               const PetscReal *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *,
                               PetscReal *, const PetscBLASInt *);

/* C (rows, n) <- Q_j C or Q_j^T C */
static PetscErrorCode Reflect(const EngdReflectors *r, const char trans[], PetscInt n, PetscReal C[], PetscInt ldc,
                              PetscReal work[])
{
  const PetscBLASInt panel = ENGD_PANEL;
  PetscBLASInt       bm, bn, bk, ldv, lc;

  PetscFunctionBeginUser;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast(r->rows, &bm));
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(r->width, &bk));
  PetscCall(PetscBLASIntCast(r->ldv, &ldv));
  PetscCall(PetscBLASIntCast(ldc, &lc));
  PetscCallBLAS("LAPACKlarfb",
                LAPACKlarfb_("L", trans, "F", "C", &bm, &bn, &bk, r->V, &ldv, r->factor, &panel, C, &lc, work, &bn));
  PetscCall(PetscLogFlops(4.0 * r->rows * r->width * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* panel j of this rank */
static PetscErrorCode FactorPanel(EngdPanels q, PetscInt j)
{
  const PetscInt column = EngdPanelsLocal(q, j), rows = EngdPanelsHeight(q, j) - j * ENGD_PANEL,
                 width = EngdPanelsWidth(q, j);
  PetscBLASInt bm, bn, lda, panel = ENGD_PANEL, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(rows, &bm));
  PetscCall(PetscBLASIntCast(width, &bn));
  PetscCall(PetscBLASIntCast(q->m, &lda));
  PetscCallBLAS("LAPACKgeqrt", LAPACKgeqrt_(&bm, &bn, &bn, q->A + ENGD_COUNT(q->m, column) + j * ENGD_PANEL, &lda,
                                            q->factor + ENGD_COUNT(ENGD_PANEL, column), &panel, q->work, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "geqrt failed with info %d", (int)info);
  PetscCall(PetscLogFlops(2.0 * width * width * (rows - width / 3.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* columns of this rank from `begin` to `end` <- Q_j^T times them */
static PetscErrorCode UpdateColumns(EngdPanels q, const EngdReflectors *r, PetscInt begin, PetscInt end)
{
  PetscFunctionBeginUser;
  PetscCall(Reflect(r, "T", end - begin, q->A + ENGD_COUNT(q->m, begin) + r->first, q->m, q->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsFactor(EngdPanels q)
{
  const EngdPanelsMethod method = {.factor = FactorPanel, .update = UpdateColumns};
  PetscBool              done;

  PetscFunctionBeginUser;
  PetscCall(EngdPanelsRun(q, &method, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsApply(EngdPanels q, const char trans[], PetscReal x[])
{
  const PetscInt n = EngdPanelsCount(q);

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    const PetscInt j = trans[0] == 'T' ? i : n - 1 - i, rows = EngdPanelsHeight(q, j) - j * ENGD_PANEL;

    if (EngdPanelsRank(j, q->size) == q->rank) {
      const EngdReflectors r = EngdPanelsGetReflectors(q, j);

      PetscCall(Reflect(&r, trans, 1, x + r.first, q->m, q->work));
    }
    PetscCall(EngdPanelsShare(q, j, rows, x + j * ENGD_PANEL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (width) <- op(T_jj)^{-1} x for the first of the columns of panel j */
static PetscErrorCode SolveDiagonal(EngdPanels q, const char trans[], PetscInt j, PetscInt width, PetscReal x[])
{
  const PetscReal *T    = q->A + ENGD_COUNT(q->m, EngdPanelsLocal(q, j)) + j * ENGD_PANEL;
  const PetscReal  unit = 1;
  PetscBLASInt     n, lda, one = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(width, &n));
  PetscCall(PetscBLASIntCast(q->m, &lda));
  PetscCallBLAS("BLAStrsm", BLAStrsm_("L", "U", trans, "N", &n, &one, &unit, T, &lda, x, &n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y (rows) -= A x or y (width) -= A^T x, A being the rows above the diagonal of the first columns of panel j */
static PetscErrorCode SubtractAbove(EngdPanels q, const char trans[], PetscInt j, PetscInt width, const PetscReal x[],
                                    PetscReal y[])
{
  const PetscReal minus = -1, unit = 1;
  PetscBLASInt    m, n, lda, one = 1;

  PetscFunctionBeginUser;
  if (!j) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast(j * ENGD_PANEL, &m));
  PetscCall(PetscBLASIntCast(width, &n));
  PetscCall(PetscBLASIntCast(q->m, &lda));
  PetscCallBLAS("BLASgemv", BLASgemv_(trans, &m, &n, &minus, q->A + ENGD_COUNT(q->m, EngdPanelsLocal(q, j)), &lda, x,
                                      &one, &unit, y, &one));
  PetscCall(PetscLogFlops(2.0 * m * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsSolve(EngdPanels q, const char trans[], PetscInt order, PetscReal x[])
{
  const PetscInt n = (order + ENGD_PANEL - 1) / ENGD_PANEL;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    const PetscInt j = trans[0] == 'T' ? i : n - 1 - i, width = PetscMin(ENGD_PANEL, order - j * ENGD_PANEL);
    PetscReal     *xj = x + j * ENGD_PANEL;

    if (EngdPanelsRank(j, q->size) == q->rank) {
      if (trans[0] == 'T') PetscCall(SubtractAbove(q, "T", j, width, x, xj));
      PetscCall(SolveDiagonal(q, trans, j, width, xj));
      if (trans[0] == 'N') PetscCall(SubtractAbove(q, "N", j, width, xj, x));
    }
    if (trans[0] == 'T')
      PetscCall(EngdPanelsShare(q, j, width, xj));
    else
      PetscCall(EngdPanelsShare(q, j, j * ENGD_PANEL + width, x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
