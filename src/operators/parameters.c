/*
  The parameters of a functional: theta and its first values, and what theta says of the unknown parameters of the equations,
  with the standard errors of the estimates.

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

/* error (n), at the parameters of the functional, where there is a covariance */
static PetscErrorCode StandardErrors(EngdFunctional F, PetscReal error[])
{
  const PetscInt p = F->model->nparameters, n = F->problem->nunknowns;
  PetscReal     *T, loss;
  PetscInt       N;
  PetscMPIInt    rank;
  PetscBool      has;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < n; k++) error[k] = INFINITY;
  PetscCall(HasCovariance(F, &N, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalEvaluate(F, &loss, NULL));
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(PetscMalloc1(rank ? 0 : ENGD_COUNT(p, p), &T));
  PetscCall(FactorJacobian(F, T));
  if (!rank) PetscCall(InvertTriangle(p, n, T, PetscSqrtReal(2 * loss / (PetscReal)(N - p)), error));
  PetscCall(PetscFree(T));
  PetscCallMPI(MPI_Bcast(error, (PetscMPIInt)n, MPIU_REAL, 0, F->comm));
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
  const PetscReal *whole;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(VecGetArrayRead(F->present.theta, &whole));
  PetscCall(PetscArraycpy(value, whole + F->network->nparameters, F->problem->nunknowns));
  PetscCall(VecRestoreArrayRead(F->present.theta, &whole));
  if (standard_error && F->problem->nunknowns) PetscCall(StandardErrors(F, standard_error));
  PetscFunctionReturn(PETSC_SUCCESS);
}
