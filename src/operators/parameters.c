/*
  The parameters of a functional: theta and its first values, and what theta says of the unknown parameters of the equations,
  with the standard errors of the estimates.

    J = Q T, the columns of the unknown parameters last; estimate k changes by sum_i c_ki dR_i,  c_k = Q T^{-T} e_k,
    variance_k = N / (N - p) sum_i (c_ki R_i)^2

  T^{-T} e_k has entries only in the triangle T_22 below all others, which is what is left of their columns of J when all that
  the weights of the network can explain is taken away; J is never squared. As each residual has its own square in place of one
  variance for all, equations that are solved to rounding and data with noise go together, whatever their weights. There are
  standard errors where all terms are residuals, residuals are more than parameters, and J fits the memory limit.
  Reference: White, Econometrica 48 (1980), with the factor of MacKinnon and White, J. Econometrics 29 (1985), HC1.
*/
#include <engd/private.h>
#include <petscblaslapack.h>
#include <math.h>

/*
  EngdFunctionalCreateParameters - A vector for theta: the weights of the network, then the unknown parameters of the equations.

  Collective

  Input Parameter:
. F - set up

  Output Parameter:
. theta - spread over the ranks, named theta; zeros

  Source: src/operators/parameters.c
*/
PetscErrorCode EngdFunctionalCreateParameters(EngdFunctional F, Vec *theta)
{
  PetscFunctionBeginUser;
  PetscCheck(F->model, F->comm, PETSC_ERR_ORDER, "the functional has no parameters before EngdFunctionalSetUp()");
  PetscCall(EngdModelCreateParameters(F->model, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalInitialize - Random weights, and the first values of the unknown parameters.

  Collective

  Input Parameters:
+ F    - set up
- seed - the numbers are a function of it and of the global index alone, the same on any number of ranks

  Output Parameter:
. theta - made by EngdFunctionalCreateParameters()

  Source: src/operators/parameters.c
*/
PetscErrorCode EngdFunctionalInitialize(EngdFunctional F, PetscInt64 seed, Vec theta)
{
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCheck(F->model, F->comm, PETSC_ERR_ORDER, "the functional has no parameters before EngdFunctionalSetUp()");
  PetscCall(VecGetSize(theta, &n));
  PetscCheck(n == F->model->nparameters, F->comm, PETSC_ERR_ARG_SIZ,
             "a vector of %" PetscInt_FMT " entries for %" PetscInt_FMT
             " parameters; EngdFunctionalCreateParameters() makes one",
             n, F->model->nparameters);
  PetscCall(EngdModelInitialize(F->model, seed, theta));
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
  if (!F->least_squares || F->outer.walks) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdExplicitHasResidual(F, has));
  PetscCall(EngdExplicitCountRows(F, &nrows));
  PetscCall(MPIU_Allreduce(&nrows, N, 1, MPIU_INT, MPI_SUM, F->comm));
  PetscCall(EngdExplicitBytes(F, PETSC_FALSE, &bytes));
  bytes += (PetscReal)EngdTSQRBytes(F->comm, nrows, p) + sizeof(PetscReal) * (PetscReal)p * (PetscReal)p;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &bytes, 1, MPIU_REAL, MPI_MAX, F->comm));
  *has = (PetscBool)(*has && *N > p && bytes <= F->options.memory_limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* qr <- J = Q T, T (p, p) on rank 0 */
static PetscErrorCode FactorJacobian(EngdFunctional F, PetscInt nrows, EngdTSQR *qr, PetscReal T[])
{
  PetscInt   lda;
  PetscReal *A;

  PetscFunctionBeginUser;
  PetscCall(EngdTSQRCreate(F->comm, nrows, F->model->nparameters, qr));
  PetscCall(EngdTSQRGetArray(*qr, &lda, &A));
  PetscCall(EngdExplicitFillRows(F, lda, A));
  PetscCall(EngdTSQRFactor(*qr, T));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = T^{-T} e for the unit vector of column p - n + k; *singular where T_22 is */
static PetscErrorCode SolveTriangle(PetscInt p, PetscInt n, PetscInt k, const PetscReal T[], PetscReal y[],
                                    PetscBool *singular)
{
  const PetscReal *T22 = T + ENGD_COUNT(p - n, p) + (p - n);
  PetscBLASInt     order, ld, one = 1, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n, &order));
  PetscCall(PetscBLASIntCast(p, &ld));
  PetscCall(PetscArrayzero(y, p));
  y[p - n + k] = 1;
  PetscCallBLAS("LAPACKtrtrs",
                LAPACKtrtrs_("U", "T", "N", &order, &one, (PetscReal *)T22, &ld, y + (p - n), &order, &info));
  *singular = info ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* error_k = (N / (N - p) sum_i (c_ki R_i)^2)^(1/2), infinite where T_22 is singular; correlation (n, n) of the changes c_ki R_i, zero
   where there is none, or NULL; at the parameters of the functional */
static PetscErrorCode ComputeErrors(EngdFunctional F, PetscInt N, PetscReal error[], PetscReal correlation[])
{
  const PetscInt   p = F->model->nparameters, n = F->problem->nunknowns;
  const PetscReal *R;
  PetscReal       *T, *y, *c, *sum;
  PetscInt         nrows;
  PetscMPIInt      rank;
  PetscBool        singular = PETSC_FALSE;
  EngdTSQR         qr;
  Vec              residual;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(EngdExplicitCountRows(F, &nrows));
  PetscCall(VecCreateMPI(F->comm, nrows, N, &residual));
  PetscCall(EngdFunctionalResidual(F, residual));
  PetscCall(PetscMalloc3(rank ? 0 : ENGD_COUNT(p, p), &T, p, &y, ENGD_COUNT(nrows, n), &c));
  PetscCall(PetscCalloc1(ENGD_COUNT(n, n), &sum));
  PetscCall(PetscArrayzero(c, ENGD_COUNT(nrows, n)));
  PetscCall(FactorJacobian(F, nrows, &qr, T));
  PetscCall(VecGetArrayRead(residual, &R));
  for (PetscInt k = 0; k < n; k++) {
    if (!rank) PetscCall(SolveTriangle(p, n, k, T, y, &singular));
    PetscCallMPI(MPI_Bcast(&singular, 1, ENGD_MPI_BOOL, 0, F->comm));
    if (singular) continue;
    PetscCall(EngdTSQRMult(qr, y, c + ENGD_COUNT(k, nrows)));
    for (PetscInt i = 0; i < nrows; i++) c[ENGD_COUNT(k, nrows) + i] *= R[i];
  }
  for (PetscInt k = 0; k < n * n; k++) {
    const PetscReal *a = c + ENGD_COUNT(k / n, nrows), *b = c + ENGD_COUNT(k % n, nrows);

    for (PetscInt i = 0; i < nrows; i++) sum[k] += a[i] * b[i];
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sum, n * n, MPIU_REAL, MPIU_SUM, F->comm));
  for (PetscInt k = 0; k < n; k++) {
    const PetscReal square = sum[k * n + k];

    if (square > 0) error[k] = PetscSqrtReal((PetscReal)N / (PetscReal)(N - p) * square);
    for (PetscInt l = 0; correlation && l < n; l++) {
      const PetscReal size = PetscSqrtReal(square * sum[l * n + l]);

      correlation[k * n + l] = size > 0 ? sum[k * n + l] / size : 0;
    }
  }
  PetscCall(PetscFree(sum));
  PetscCall(VecRestoreArrayRead(residual, &R));
  PetscCall(EngdTSQRDestroy(&qr));
  PetscCall(PetscFree3(T, y, c));
  PetscCall(VecDestroy(&residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* error (n) and correlation (n, n) or NULL, at the parameters of the functional; infinite and zero where there is no covariance */
static PetscErrorCode StandardErrors(EngdFunctional F, PetscReal error[], PetscReal correlation[])
{
  PetscInt  N;
  PetscBool has;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < F->problem->nunknowns; k++) error[k] = INFINITY;
  if (correlation) PetscCall(PetscArrayzero(correlation, ENGD_COUNT(F->problem->nunknowns, F->problem->nunknowns)));
  PetscCall(HasCovariance(F, &N, &has));
  if (has) PetscCall(ComputeErrors(F, N, error, correlation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalGetUnknownParameters - What theta says of the unknown parameters of the equations.

  Collective; the parameters of the functional are theta afterwards

  Input Parameters:
+ F     - set up
- theta - trained, for the standard errors to mean something

  Output Parameters:
+ value          - one for each of EngdProblemSetUnknownParameters(), in their order, on all ranks
- standard_error - likewise, infinite where there is none: a term is an energy, the residuals are not more than the parameters, or J is
                   beyond -engd_memory_limit; or NULL

  Source: src/operators/parameters.c
*/
PetscErrorCode EngdFunctionalGetUnknownParameters(EngdFunctional F, Vec theta, PetscReal value[],
                                                  PetscReal standard_error[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalGetUnknowns(F, theta, value, standard_error, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalGetUnknowns(EngdFunctional F, Vec theta, PetscReal value[], PetscReal standard_error[],
                                         PetscReal correlation[])
{
  const PetscInt n = F->problem->nunknowns;
  PetscReal     *slope;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(PetscMalloc1(n, &slope));
  for (PetscInt k = 0; k < n; k++)
    value[k] = EngdProblemBoundUnknown(F->problem, k, F->present.theta[F->model->nweights + k], &slope[k]);
  if (standard_error && n) PetscCall(StandardErrors(F, standard_error, correlation));
  for (PetscInt k = 0; standard_error && k < n; k++) standard_error[k] *= PetscAbsReal(slope[k]);
  for (PetscInt k = 0; correlation && k < n * n; k++) {
    if (slope[k / n] * slope[k % n] < 0) correlation[k] *= -1;
  }
  PetscCall(PetscFree(slope));
  PetscFunctionReturn(PETSC_SUCCESS);
}
