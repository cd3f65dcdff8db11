/*
  The pseudo-inverse of a triangle R_0 without the singular values below a cut-off, for any cut-offs one after the other.

    R_0^T = Q_1 R_1, R_1^T = Q_2 R_2, ...   so that A = U R V^T with U = Q_0 Q_2 .., V = V_0 Q_1 Q_3 .., R the last triangle

  Each step is one of the QR iteration for R^T R without shifts: the diagonal of R comes to be the singular values, in
  descending order, and what is above it fades as (s_j/s_i)^2 a pair of steps. Only about the place of the cut-off, where they
  are close, is that not enough: there the SVD of a diagonal block of R does the rest, and where R is small its whole SVD.

    R = [R_a R_b; 0 R_w],  R_w = U_w S_w V_w^T,     A^+ = V [R_a^{-1} (I, -R_b V_w f(S_w) U_w^T); V_w f(S_w) U_w^T] U^T

  The rows of R_0 that are of the size of rounding are left out before the steps, which are for when a cut-off asks for them:
  where all singular values are above it the QR is all there is to do. A solution is that of the SVD up to 1e-3 of order 200, 1e-2
  of order 500, for singular values that fall as those of Jacobians do; a cut amid values that are all alike is another one.
  References: Mathias and Stewart, Linear Algebra Appl. 182 (1993); Stewart, SIAM J. Sci. Comput. 20 (1999); for V_0 mixing.c.
*/
#include "least_squares.h"

#define WINDOW    64                           /* order of the block about the cut-off */
#define NEGLECTED (10 * PETSC_MACHINE_EPSILON) /* rows of this part of the norm are left out */
#define MARGIN    3                            /* the least singular value is estimated from above */
#define POWERS    20

/* the order beyond which the rows of triangle s, all together, are below a part of the norm of A */
static PetscErrorCode CountRows(EngdLeastSquares ls, PetscInt s, PetscInt *k)
{
  PetscReal part, sum = 0;

  PetscFunctionBeginUser;
  *k = ls->order[s];
  PetscCall(EngdPanelsRowSquares(ls->stage[s], ls->x));
  if (!s) {
    for (PetscInt i = 0; i < ls->n; i++) sum += ls->x[i];
    ls->norm = PetscSqrtReal(sum);
    sum      = 0;
  }
  part = ls->norm * NEGLECTED;
  while (*k > 0 && sum + ls->x[*k - 1] <= part * part) sum += ls->x[--*k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the least singular value of R_0 by inverse iteration, from above; 0 where the diagonal says that it is small */
static PetscErrorCode EstimateSmallest(EngdLeastSquares ls)
{
  const PetscInt n    = ls->n;
  PetscReal      diag = ls->norm, sum;
  PetscReal     *a;

  PetscFunctionBeginUser;
  ls->smallest = 0;
  for (PetscInt j = 0; j < n; j++) {
    PetscCall(EngdPanelsGetColumn(ls->stage[0], j, &a));
    if (a) diag = PetscMin(diag, PetscAbsReal(a[j]));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &diag, 1, MPIU_REAL, MPIU_MIN, ls->core));
  if (diag <= MARGIN * ls->least * ls->norm || n <= ENGD_WHOLE) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < n; i++) ls->x[i] = EngdRandomNormal(0, ENGD_STREAM_SKETCH, i, 0, 2);
  for (PetscInt k = 0; k < 3; k++) {
    PetscCall(EngdPanelsSolve(ls->stage[0], "T", n, ls->x));
    PetscCall(EngdPanelsSolve(ls->stage[0], "N", n, ls->x));
    sum = 0;
    for (PetscInt i = 0; i < n; i++) sum += PetscSqr(ls->x[i]);
    ls->smallest = PetscPowReal(sum, -0.25); /* of (R^T R)^{-1} on a vector of norm one */
    sum          = 1 / PetscSqrtReal(sum);
    for (PetscInt i = 0; i < n; i++) ls->x[i] *= sum;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdTriangleBegin - Of R_0: how many rows count, and an estimate of the least singular value */
PetscErrorCode EngdTriangleBegin(EngdLeastSquares ls)
{
  PetscFunctionBeginUser;
  PetscCall(CountRows(ls, 0, &ls->order[1]));
  PetscCall(EstimateSmallest(ls));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R_1, R_2, ... */
static PetscErrorCode Iterate(EngdLeastSquares ls)
{
  PetscFunctionBeginUser;
  for (; ls->last < 2 * ENGD_PAIRS && ls->order[1]; ls->last++) {
    const PetscInt s = ls->last;

    if (s) PetscCall(CountRows(ls, s, &ls->order[s + 1]));
    PetscCall(EngdPanelsTranspose(ls->stage[s], ls->order[s + 1], ls->stage[s + 1]));
    PetscCall(EngdPanelsFactor(ls->stage[s + 1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdTriangleLargestSingular - sigma, by iteration with the last triangle */
PetscErrorCode EngdTriangleLargestSingular(EngdLeastSquares ls)
{
  const PetscInt k = ls->order[ls->last];
  EngdPanels     R = ls->stage[ls->last];

  PetscFunctionBeginUser;
  if (ls->sigma > 0 || !k) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < k; i++) ls->x[i] = i ? 1 / (PetscReal)k : 1;
  for (PetscInt power = 0; power < POWERS; power++) {
    PetscReal sum = 0, before = ls->sigma;

    PetscCall(EngdPanelsMult(R, "N", k, 0, k, ls->x, ls->y));
    PetscCall(EngdPanelsMult(R, "T", k, 0, k, ls->y, ls->x));
    for (PetscInt i = 0; i < k; i++) sum += PetscSqr(ls->x[i]);
    if (sum == 0) break;
    ls->sigma = PetscPowReal(sum, 0.25);
    sum       = 1 / PetscSqrtReal(sum);
    for (PetscInt i = 0; i < k; i++) ls->x[i] *= sum;
    if (power && PetscAbsReal(ls->sigma - before) <= 1e-4 * ls->sigma) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the SVD of the block of R from begin to end */
static PetscErrorCode Decompose(EngdLeastSquares ls, PetscInt begin, PetscInt end)
{
  const PetscInt w = end - begin;
  PetscMPIInt    count;

  PetscFunctionBeginUser;
  ls->begin = begin;
  ls->end   = end;
  PetscCall(PetscArrayzero(ls->W, w * w));
  for (PetscInt j = 0; j < w; j++) {
    PetscReal *a;

    PetscCall(EngdPanelsGetColumn(ls->stage[ls->last], begin + j, &a));
    if (a) PetscCall(PetscArraycpy(ls->W + j * w, a + begin, j + 1));
  }
  PetscCall(PetscMPIIntCast(w * w, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, ls->W, count, MPIU_REAL, MPI_SUM, ls->core));
  PetscCall(EngdDenseSVD(w, ls->W, ls->sw, ls->Uw, w, ls->Vw, ls->work, ls->iwork));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* where the diagonal of the last triangle comes to be below the cut-off */
static PetscErrorCode FindPlace(EngdLeastSquares ls, PetscReal cutoff, PetscInt *place)
{
  const PetscInt k = ls->order[ls->last];

  PetscFunctionBeginUser;
  *place = k;
  for (PetscInt j = 0; j < k; j++) {
    PetscReal *a;

    PetscCall(EngdPanelsGetColumn(ls->stage[ls->last], j, &a));
    if (a && PetscAbsReal(a[j]) <= cutoff * ls->sigma) {
      *place = j;
      break;
    }
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, place, 1, MPIU_INT, MPI_MIN, ls->core));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdTriangleCut - begin, end and below of a cut-off */
PetscErrorCode EngdTriangleCut(EngdLeastSquares ls, PetscReal cutoff)
{
  PetscInt k = ls->n, place;

  PetscFunctionBeginUser;
  if (!ls->last && ls->smallest > MARGIN * cutoff * ls->norm) {
    ls->begin = ls->end = k;
    ls->below           = 0;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (ls->last == 0) ls->begin = ls->end = 0;
  PetscCall(Iterate(ls));
  k = ls->last ? ls->order[ls->last] : 0;
  if (k > ENGD_WHOLE) {
    PetscCall(EngdTriangleLargestSingular(ls));
    PetscCall(FindPlace(ls, cutoff, &place));
    if (place < ls->begin + (ls->begin ? WINDOW / 4 : 0) || place > ls->end - (ls->end < k ? WINDOW / 4 : 0) ||
        ls->begin == ls->end) {
      const PetscInt begin = PetscMax(0, PetscMin(place - WINDOW / 2, k - WINDOW));

      PetscCall(Decompose(ls, begin, begin + WINDOW));
    }
  } else if (k && ls->end != k) {
    PetscCall(Decompose(ls, 0, k));
    ls->sigma = ls->sw[0];
  }
  if (!k) ls->begin = ls->end = 0;
  for (ls->below = 0; ls->below < ls->end - ls->begin && ls->sw[ls->below] > cutoff * ls->sigma;) ls->below++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* t (w) of the block: op(U_w S^{-1} V_w^T) or its transpose of what is above the cut-off, t <- V_w S^{-1} U_w^T t */
static PetscErrorCode SolveBlock(EngdLeastSquares ls, PetscBool transposed, PetscReal t[])
{
  const PetscInt w = ls->end - ls->begin;

  PetscFunctionBeginUser;
  if (!w) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdDenseMultiply(transposed ? "N" : "T", w, w, transposed ? ls->Vw : ls->Uw, t, ls->work));
  for (PetscInt i = 0; i < w; i++) ls->work[i] = i < ls->below ? ls->work[i] / ls->sw[i] : 0;
  PetscCall(EngdDenseMultiply(transposed ? "N" : "T", w, w, transposed ? ls->Uw : ls->Vw, ls->work, t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (order) <- R^+ x: the block first, then the columns before it */
static PetscErrorCode SolveTriangle(EngdLeastSquares ls, PetscReal x[])
{
  EngdPanels R = ls->stage[ls->last];

  PetscFunctionBeginUser;
  PetscCall(SolveBlock(ls, PETSC_FALSE, x + ls->begin));
  if (ls->end > ls->begin && ls->begin) {
    PetscCall(EngdPanelsMult(R, "N", ls->begin, ls->begin, ls->end, x + ls->begin, ls->z));
    for (PetscInt i = 0; i < ls->begin; i++) x[i] -= ls->z[i];
  }
  PetscCall(EngdPanelsSolve(R, "N", ls->begin, x));
  for (PetscInt i = ls->end; i < ls->order[ls->last]; i++) x[i] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (order) <- (R^+)^T x */
static PetscErrorCode SolveTriangleTransposed(EngdLeastSquares ls, PetscReal x[])
{
  EngdPanels R = ls->stage[ls->last];

  PetscFunctionBeginUser;
  PetscCall(EngdPanelsSolve(R, "T", ls->begin, x));
  if (ls->end > ls->begin && ls->begin) {
    PetscCall(EngdPanelsMult(R, "T", ls->begin, ls->begin, ls->end, x, ls->z));
    for (PetscInt i = ls->begin; i < ls->end; i++) x[i] -= ls->z[i - ls->begin];
  }
  PetscCall(SolveBlock(ls, PETSC_TRUE, x + ls->begin));
  for (PetscInt i = ls->end; i < ls->order[ls->last]; i++) x[i] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdTriangleSolve - x (order): the middle factor of what leads from one side to the other, or with both triangles to the same side */
PetscErrorCode EngdTriangleSolve(EngdLeastSquares ls, PetscBool from_left, PetscBool to_left, PetscReal x[])
{
  PetscFunctionBeginUser;
  if (from_left) PetscCall(SolveTriangle(ls, x));
  if (!from_left || to_left) PetscCall(SolveTriangleTransposed(ls, x));
  if (!from_left && !to_left) PetscCall(SolveTriangle(ls, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
