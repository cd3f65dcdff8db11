/*
  Damped solutions with the last triangle R of order k, without R^T R: the QR of [R; sqrt(mu) s_1 I], a stack of two triangles.

    (R^T R + mu s_1^2 I)^{-1} R^T x = R_mu^{-1} Q^T [x; 0]

  Reference: Golub and Van Loan, Matrix Computations, 6.1 (ridge regression).
*/
#include "least_squares.h"

/* [R; sqrt(mu) s_1 I] = Q R_mu */
static PetscErrorCode FactorDamped(EngdLeastSquares ls, PetscReal mu)
{
  const PetscInt k = ls->order[ls->last];
  PetscReal     *a, *r;

  PetscFunctionBeginUser;
  if (ls->mu == mu) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdTriangleLargestSingular(ls));
  if (!ls->damped) PetscCall(EngdPanelsCreate(ls->core, &ls->damped));
  PetscCall(EngdPanelsSetSizes(ls->damped, 2 * k, k, 2));
  for (PetscInt j = 0; j < k; j++) {
    PetscCall(EngdPanelsGetColumn(ls->damped, j, &a));
    if (!a) continue;
    PetscCall(EngdPanelsGetColumn(ls->stage[ls->last], j, &r));
    PetscCall(PetscArrayzero(a, 2 * k));
    for (PetscInt i = 0; i <= j; i++) a[EngdPanelsStackRow(k, 2, 0, i)] = r[i];
    a[EngdPanelsStackRow(k, 2, 1, j)] = PetscSqrtReal(mu) * ls->sigma;
  }
  PetscCall(EngdPanelsFactor(ls->damped));
  ls->mu = mu;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdTriangleSolveDamped - x (order) <- (R^T R + mu s_1^2 I)^{-1} R^T x, or R (R^T R + mu s_1^2 I)^{-1} x if transposed: the transpose of that */
PetscErrorCode EngdTriangleSolveDamped(EngdLeastSquares ls, PetscReal mu, PetscBool transposed, PetscReal x[])
{
  const PetscInt k = ls->order[ls->last];
  PetscReal     *y = ls->z;

  PetscFunctionBeginUser;
  PetscCall(FactorDamped(ls, mu));
  if (transposed) PetscCall(EngdPanelsSolve(ls->damped, "T", k, x));
  PetscCall(PetscArrayzero(y, 2 * k));
  for (PetscInt i = 0; i < k; i++) y[transposed ? i : EngdPanelsStackRow(k, 2, 0, i)] = x[i];
  PetscCall(EngdPanelsApply(ls->damped, transposed ? "N" : "T", y));
  for (PetscInt i = 0; i < k; i++) x[i] = y[transposed ? EngdPanelsStackRow(k, 2, 0, i) : i];
  if (!transposed) PetscCall(EngdPanelsSolve(ls->damped, "N", k, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
