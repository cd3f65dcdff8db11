/*
  What a run found for the unknown parameters of the equations, with the standard errors of the estimates.

    J = Q T, the columns of the unknown parameters last, T_22 the triangle below all others:
    covariance = s^2 (J^T J)^{-1}, of which their block is s^2 (T_22^T T_22)^{-1},   s^2 = |R|^2 / (N - p)

  T_22 is what is left of their columns of J when all that the weights of the network can explain is taken away, so J is never
  squared. There are standard errors where all terms are residuals, residuals are more than parameters, and J fits the memory
  limit; they say something about noise where the residuals are independent and their term weights are those of the noise.
  Reference: Seber and Wild, Nonlinear regression (1989), chapter 5.
*/
#include <engd/private.h>
#include <petscblaslapack.h>
#include <math.h>

PetscErrorCode EngdUnknownsCreate(EngdFunctional F, EngdUnknowns *out)
{
  EngdUnknowns unknowns;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&unknowns));
  unknowns->functional = F;
  unknowns->n          = F->problem->nunknowns;
  PetscCall(PetscMalloc2(unknowns->n, &unknowns->value, unknowns->n, &unknowns->standard_error));
  *out = unknowns;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is there a Jacobian of more rows than columns, within the memory limit; N its rows */
static PetscErrorCode HasCovariance(EngdFunctional F, PetscInt *N, PetscBool *has)
{
  const PetscInt p = F->model->nparameters;
  PetscInt       nrows;
  PetscReal      bytes;

  PetscFunctionBeginUser;
  *has = PETSC_FALSE;
  if (!F->least_squares) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdExplicitHasResidual(F, has));
  PetscCall(EngdExplicitCountRows(F, &nrows));
  PetscCall(MPIU_Allreduce(&nrows, N, 1, MPIU_INT, MPI_SUM, F->comm));
  PetscCall(EngdExplicitBytes(F, PETSC_FALSE, &bytes));
  bytes += (PetscReal)EngdTSQRBytes(F->comm, nrows, p) + sizeof(PetscReal) * (PetscReal)p * (PetscReal)p;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &bytes, 1, MPIU_REAL, MPI_MAX, F->comm));
  *has = (PetscBool)(*has && *N > p && bytes <= F->options.memory_limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T (p, p) of J = Q T, on rank 0 */
static PetscErrorCode FactorJacobian(EngdFunctional F, PetscReal T[])
{
  PetscInt   nrows, lda;
  PetscReal *A;
  EngdTSQR   qr;

  PetscFunctionBeginUser;
  PetscCall(EngdExplicitCountRows(F, &nrows));
  PetscCall(EngdTSQRCreate(F->comm, nrows, F->model->nparameters, &qr));
  PetscCall(EngdTSQRGetArray(qr, &lda, &A));
  PetscCall(EngdExplicitFillRows(F, lda, A));
  PetscCall(EngdTSQRFactor(qr, T));
  PetscCall(EngdTSQRDestroy(&qr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* error_k = s |row k of T_22^{-1}|, infinite where T_22 is singular */
static PetscErrorCode InvertTriangle(PetscInt p, PetscInt n, const PetscReal T[], PetscReal s, PetscReal error[])
{
  const PetscReal *T22 = T + ENGD_COUNT(p - n, p) + (p - n);
  PetscReal       *inverse;
  PetscBLASInt     order, ld, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n, &order));
  PetscCall(PetscBLASIntCast(p, &ld));
  PetscCall(PetscCalloc1(ENGD_COUNT(n, n), &inverse));
  for (PetscInt k = 0; k < n; k++) inverse[ENGD_COUNT(k, n) + k] = 1;
  PetscCallBLAS("LAPACKtrtrs",
                LAPACKtrtrs_("U", "N", "N", &order, &order, (PetscReal *)T22, &ld, inverse, &order, &info));
  for (PetscInt k = 0; k < n; k++) {
    PetscReal square = 0;

    for (PetscInt j = k; j < n; j++) square += PetscSqr(inverse[ENGD_COUNT(j, n) + k]);
    error[k] = info ? INFINITY : s * PetscSqrtReal(square);
  }
  PetscCall(PetscFree(inverse));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdUnknownsCompute(EngdUnknowns unknowns, Vec theta, PetscReal loss)
{
  EngdFunctional   F = unknowns->functional;
  const PetscInt   p = F->model->nparameters, n = unknowns->n;
  const PetscReal *whole;
  PetscReal       *T;
  PetscInt         N;
  PetscMPIInt      rank;
  PetscBool        has;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(VecGetArrayRead(F->present.theta, &whole));
  for (PetscInt k = 0; k < n; k++) {
    unknowns->value[k]          = whole[p - n + k];
    unknowns->standard_error[k] = INFINITY;
  }
  PetscCall(VecRestoreArrayRead(F->present.theta, &whole));
  PetscCall(HasCovariance(F, &N, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(PetscMalloc1(rank ? 0 : ENGD_COUNT(p, p), &T));
  PetscCall(FactorJacobian(F, T));
  if (!rank)
    PetscCall(InvertTriangle(p, n, T, PetscSqrtReal(2 * loss / (PetscReal)(N - p)), unknowns->standard_error));
  PetscCall(PetscFree(T));
  PetscCallMPI(MPI_Bcast(unknowns->standard_error, (PetscMPIInt)n, MPIU_REAL, 0, F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a line for each */
PetscErrorCode EngdUnknownsPrint(EngdUnknowns unknowns)
{
  const MPI_Comm comm = unknowns->functional->comm;

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "Unknown parameters:\n"));
  for (PetscInt k = 0; k < unknowns->n; k++) {
    PetscCall(
        PetscPrintf(comm, "  %-16s  %.12g", unknowns->functional->problem->unknown[k], (double)unknowns->value[k]));
    if (PetscIsInfOrNanReal(unknowns->standard_error[k]))
      PetscCall(PetscPrintf(comm, "  (no standard error)\n"));
    else
      PetscCall(PetscPrintf(comm, "  standard error %.1e\n", (double)unknowns->standard_error[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdUnknownsDestroy(EngdUnknowns *unknowns)
{
  PetscFunctionBeginUser;
  if (!*unknowns) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*unknowns)->value, (*unknowns)->standard_error));
  PetscCall(PetscFree(*unknowns));
  PetscFunctionReturn(PETSC_SUCCESS);
}
