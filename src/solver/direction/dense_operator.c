/*
  The operator of direction dense and its factors.

    rank 0            blocks, or an order that is not worth messages: syevd, sytrf by LAPACK
    all, one block    ldlt: Cholesky by panels, and where H + lambda I is not positive LU by panels (panels.c)
                      eigenvectors: in blocks by ScaLAPACK (eigen.c), products with them where they are

  The sum over the points is formed as a whole on each rank, of p^2 numbers; of the exact Hessian no rank has more than its part.
*/
#include "dense.h"

#define PANELS                                                                                                       \
  500 /* order from which on ldlt is by panels, where Cholesky takes a third of Bunch and Kaufman's time */
#define EIGEN 2000 /* order from which on eigenvectors are by ScaLAPACK (runs/scaling.md) */

PetscInt EngdDensePays(const EngdDense *dense)
{
  return dense->type == DENSE_LDLT ? PANELS : EIGEN;
}

/* is there one block that is worth all ranks */
static PetscBool Spreads(const EngdDense *dense)
{
  return (PetscBool)(dense->blocks.n == 1 &&
                     dense->blocks.largest >= (dense->spread ? dense->spread : EngdDensePays(dense)));
}

/* are the eigenvectors of so many ranks spread over them */
static PetscBool SpreadsEigen(const EngdDense *dense, PetscMPIInt size)
{
  return (PetscBool)(dense->type != DENSE_LDLT && size > 1 && Spreads(dense) && EngdEigenAvailable());
}

/* is H needed after its factors are made */
static PetscBool KeepsOperator(const EngdDense *dense)
{
  return (PetscBool)(dense->type == DENSE_LDLT || dense->ema > 0);
}

/* V on rank 0: eigenvectors, or for ldlt factors of H + lambda I */
static PetscReal *Factors(const EngdDense *dense)
{
  return KeepsOperator(dense) ? dense->V : dense->H;
}

PetscErrorCode EngdDenseOperatorBytes(const EngdDense *dense, EngdFunctional F, PetscReal *bytes)
{
  const PetscReal factors = KeepsOperator(dense) ? (PetscReal)dense->blocks.at[dense->blocks.n] : 0;
  const PetscReal work    = (dense->type == DENSE_LDLT && dense->blocks.n > 1 ? 0 : 2) *
                         PetscSqr((PetscReal)dense->blocks.largest); /* of LAPACK, or panels and their messages */
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  if (SpreadsEigen(dense, size))
    *bytes = EngdEigenBytes(size, dense->blocks.largest, KeepsOperator(dense)) +
             (F->curvature->for_hessian ? 0 : EngdExplicitGramianBytes(F, &dense->blocks));
  else
    *bytes = EngdExplicitGramianBytes(F, &dense->blocks) + sizeof(PetscReal) * (factors + work);
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, bytes, 1, MPIU_REAL, MPIU_MAX, F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDenseSetUpOperator(EngdDense *dense, EngdSolver solver)
{
  const EngdFunctional F = solver->functional;
  PetscInt             p;
  PetscMPIInt          size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(VecGetLocalSize(dense->root, &p));
  if (SpreadsEigen(dense, size))
    PetscCall(EngdEigenCreate(F->comm, dense->blocks.largest, KeepsOperator(dense), &dense->eigen));
  PetscCall(PetscMalloc1((p && !dense->eigen) || !F->curvature->for_hessian ? dense->blocks.at[dense->blocks.n] : 0,
                         &dense->H));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NotFinite(EngdSolver solver)
{
  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalCheck(solver->functional));
  SETERRQ(solver->functional->comm, ENGD_ERR_NUMERICS,
          "the dense operator has entries that are not finite; scale the problem or start from smaller parameters");
}

PetscErrorCode EngdDenseForm(EngdDense *dense, EngdSolver solver)
{
  PetscReal sum = 0;
  PetscInt  p;

  PetscFunctionBeginUser;
  PetscCall(
      EngdExplicitGramian(solver->G, &dense->blocks, dense->formed < 0 ? 0 : dense->ema, dense->H, dense->eigen));
  if (dense->eigen) PetscFunctionReturn(PETSC_SUCCESS); /* which looks at its part by itself */
  PetscCall(VecGetLocalSize(dense->root, &p));
  for (size_t i = 0; p && i < dense->blocks.at[dense->blocks.n]; i++) sum += 0 * dense->H[i];
  PetscCallMPI(MPI_Bcast(&sum, 1, MPIU_REAL, 0, solver->functional->comm));
  if (sum != 0) PetscCall(NotFinite(solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the columns of V (n, n), which is on rank 0, to their panels */
static PetscErrorCode Deal(EngdDense *dense, MPI_Comm comm)
{
  const PetscInt n = dense->blocks.largest;
  PetscMPIInt   *count, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscCalloc1(size, &count));
  PetscCall(PetscMPIIntCast(n, &count[0]));
  PetscCall(EngdPanelsDeal(dense->panels, comm, size, n, count, PETSC_FALSE, n, dense->V));
  PetscCall(PetscFree(count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H + lambda I = L L^T on all ranks, else P L U where there is more than one; V on rank 0 becomes all of the matrix; info: which
   pivot of the latter is zero */
static PetscErrorCode FactorPanels(EngdDense *dense, EngdSolver solver, PetscReal lambda, PetscInt *info)
{
  MPI_Comm       comm = solver->functional->comm;
  const PetscInt n    = dense->blocks.largest;
  PetscMPIInt    rank, size;
  PetscBool      positive;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  for (PetscInt j = 0; !rank && j < n; j++) {
    for (PetscInt i = 0; i < j; i++) dense->V[ENGD_COUNT(i, n) + j] = dense->V[ENGD_COUNT(j, n) + i];
    dense->V[ENGD_COUNT(j, n) + j] += lambda;
  }
  if (!dense->panels) {
    PetscCall(EngdPanelsCreate(comm, &dense->panels));
    PetscCall(EngdPanelsSetSizes(dense->panels, n, n, 1));
    PetscCall(PetscMalloc1(n, &dense->whole));
  }
  PetscCall(Deal(dense, comm));
  PetscCall(EngdPanelsCholesky(dense->panels, &positive));
  dense->factors = positive ? DENSE_CHOLESKY : size > 1 ? DENSE_LU : DENSE_ROOT;
  if (dense->factors != DENSE_LU) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Deal(dense, comm));
  PetscCall(EngdPanelsLU(dense->panels, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H + lambda I, its factors over V; info: which pivot is zero */
static PetscErrorCode FactorShifted(EngdDense *dense, EngdSolver solver, PetscReal lambda, PetscInt *info)
{
  const size_t size = dense->blocks.at[dense->blocks.n];
  PetscInt     p;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(dense->root, &p));
  if (p && !dense->V) PetscCall(PetscMalloc1(size, &dense->V));
  if (p) PetscCall(PetscArraycpy(dense->V, dense->H, size));
  dense->factors = DENSE_ROOT;
  if (Spreads(dense)) PetscCall(FactorPanels(dense, solver, lambda, info));
  if (dense->factors != DENSE_ROOT) PetscFunctionReturn(PETSC_SUCCESS);
  if (p && Spreads(dense)) PetscCall(PetscArraycpy(dense->V, dense->H, size));
  if (p) PetscCall(EngdDiagonalBlocksFactor(&dense->blocks, lambda, dense->V, dense->pivot, info));
  PetscCallMPI(MPI_Bcast(info, 1, MPIU_INT, 0, solver->functional->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* V and l of H; info: LAPACK's, or -1 where H is not finite */
static PetscErrorCode FactorEigen(EngdDense *dense, EngdSolver solver, PetscInt *info)
{
  const size_t size = dense->blocks.at[dense->blocks.n];
  PetscInt     p;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(dense->root, &p));
  if (dense->eigen) {
    PetscCall(EngdEigenFactor(dense->eigen, p ? dense->l : NULL, info));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (p && KeepsOperator(dense)) {
    if (!dense->V) PetscCall(PetscMalloc1(size, &dense->V));
    PetscCall(PetscArraycpy(dense->V, dense->H, size));
  }
  if (p) PetscCall(EngdDiagonalBlocksEigen(&dense->blocks, Factors(dense), dense->l, info));
  PetscCallMPI(MPI_Bcast(info, 1, MPIU_INT, 0, solver->functional->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDenseFactor(EngdDense *dense, EngdSolver solver, PetscReal lambda)
{
  PetscInt info = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.eigen, 0, 0, 0, 0));
  if (dense->type == DENSE_LDLT)
    PetscCall(FactorShifted(dense, solver, lambda, &info));
  else
    PetscCall(FactorEigen(dense, solver, &info));
  dense->lambda = lambda;
  PetscCall(PetscLogEventEnd(engd_log.eigen, 0, 0, 0, 0));
  PetscCheck(!info || dense->type != DENSE_LDLT, solver->functional->comm, ENGD_ERR_NUMERICS,
             "-tao_engd_dense_type ldlt: the operator is singular, pivot %" PetscInt_FMT
             " is zero; take a positive -tao_engd_damping, or -tao_engd_dense_type eigen",
             info);
  if (info < 0) PetscCall(NotFinite(solver));
  PetscCheck(!info, solver->functional->comm, ENGD_ERR_NUMERICS,
             "the eigendecomposition of the dense operator failed (%s: %" PetscInt_FMT ")",
             dense->eigen ? "ScaLAPACK pdsyevd" : "LAPACK syevd", info);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDenseSolve(EngdDense *dense, EngdSolver solver, PetscReal x[])
{
  PetscMPIInt n, rank;
  PetscInt    p;

  PetscFunctionBeginUser;
  if (dense->factors == DENSE_ROOT) {
    PetscCall(VecGetLocalSize(dense->root, &p));
    if (p) PetscCall(EngdDiagonalBlocksSolve(&dense->blocks, dense->V, dense->pivot, x));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCallMPI(MPI_Comm_rank(solver->functional->comm, &rank));
  PetscCall(PetscMPIIntCast(dense->blocks.largest, &n));
  if (!rank) PetscCall(PetscArraycpy(dense->whole, x, n));
  PetscCallMPI(MPI_Bcast(dense->whole, n, MPIU_REAL, 0, solver->functional->comm));
  if (dense->factors == DENSE_CHOLESKY)
    PetscCall(EngdPanelsCholeskySolve(dense->panels, dense->whole));
  else
    PetscCall(EngdPanelsLUSolve(dense->panels, dense->whole));
  if (!rank) PetscCall(PetscArraycpy(x, dense->whole, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDenseMult(EngdDense *dense, const char trans[], const PetscReal x[], PetscReal y[])
{
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(dense->root, &p));
  if (dense->eigen)
    PetscCall(EngdEigenMult(dense->eigen, trans, x, y));
  else if (p)
    PetscCall(EngdDiagonalBlocksMult(&dense->blocks, trans, Factors(dense), x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H, or what has overwritten it, on rank 0 as all files have it */
static PetscErrorCode MatrixState(EngdDense *dense, EngdArchive a)
{
  const PetscBool vectors = (PetscBool)!KeepsOperator(dense);
  const size_t    size    = dense->blocks.at[dense->blocks.n];
  PetscReal      *whole   = dense->H;
  PetscInt        p;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(dense->root, &p));
  if (dense->eigen) {
    PetscCall(PetscMalloc1(p ? size : 0, &whole));
    PetscCall(EngdEigenGather(dense->eigen, vectors, whole));
  }
  PetscCall(EngdArchiveOwnerReals(a, "operator", 0, size, whole));
  if (!dense->eigen) PetscFunctionReturn(PETSC_SUCCESS);
  if (EngdArchiveChanges(a)) PetscCall(EngdEigenScatter(dense->eigen, vectors, whole));
  PetscCall(PetscFree(whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H, or its eigenvectors and eigenvalues where they have overwritten it, where later iterations read them; what follows from H is
   made again */
PetscErrorCode EngdDenseOperatorState(EngdDense *dense, EngdSolver solver, EngdArchive a)
{
  PetscBool kept = (PetscBool)(dense->formed >= 0 && (dense->ema > 0 || dense->age < dense->refresh));

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveBool(a, "has_operator", &kept, PETSC_FALSE));
  if (EngdArchiveChanges(a) && !kept) dense->formed = -1;
  if (!kept) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatrixState(dense, a));
  if (!KeepsOperator(dense))
    PetscCall(EngdArchiveOwnerReals(a, "eigenvalues", 0, (size_t)dense->blocks.start[dense->blocks.n], dense->l));
  else if (EngdArchiveChanges(a))
    PetscCall(EngdDenseFactor(dense, solver, dense->lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDenseDestroyOperator(EngdDense *dense)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(dense->H));
  PetscCall(PetscFree(dense->V));
  PetscCall(PetscFree(dense->whole));
  PetscCall(EngdEigenDestroy(&dense->eigen));
  PetscCall(EngdPanelsDestroy(&dense->panels));
  PetscFunctionReturn(PETSC_SUCCESS);
}
