/*
  The operator of direction dense and its factors.

    rank 0            blocks, or an order that is not worth messages: syevd, sytrf by LAPACK
    all, one block    ldlt: H in panels, Cholesky, and where H + lambda I is not positive LU (panels.c), on one rank too
                      eigenvectors: in blocks by ScaLAPACK (eigen.c), products with them where they are

  The sum over the points is formed as a whole on each rank, of p^2 numbers; of the exact Hessian no rank has more than its part.
*/
#include "dense.h"

#define PANELS                                                                                                       \
  500 /* order from which on ldlt is by panels, where Cholesky takes a third of Bunch and Kaufman's time */
#define EIGEN 1000 /* order from which on eigenvectors are by ScaLAPACK (runs/scaling.md) */

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

/* is H in panels, and are eigenvectors spread over so many ranks */
static PetscBool SpreadsPanels(const EngdDense *dense)
{
  return (PetscBool)(dense->type == DENSE_LDLT && Spreads(dense));
}

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
  const PetscInt  n       = dense->blocks.largest;
  const PetscReal factors = KeepsOperator(dense) ? (PetscReal)dense->blocks.at[dense->blocks.n] : 0;
  const PetscReal work    = dense->type == DENSE_LDLT ? 0 : 2 * PetscSqr((PetscReal)n); /* of LAPACK */
  PetscReal       parts;
  PetscMPIInt     size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  parts  = SpreadsPanels(dense)        ? 2 * (PetscReal)EngdPanelsBytes(size, n, n)
           : SpreadsEigen(dense, size) ? EngdEigenBytes(size, n, KeepsOperator(dense))
                                       : 0;
  *bytes = parts > 0 && F->curvature->for_hessian ? 0 : EngdExplicitGramianBytes(F, &dense->blocks);
  *bytes += parts > 0 ? parts : sizeof(PetscReal) * (factors + work);
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, bytes, 1, MPIU_REAL, MPIU_MAX, F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* do all ranks have parts of H */
static PetscBool HasParts(const EngdDense *dense)
{
  return (PetscBool)(dense->parts.eigen || dense->parts.panels);
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
    PetscCall(EngdEigenCreate(F->comm, dense->blocks.largest, KeepsOperator(dense), &dense->parts.eigen));
  if (SpreadsPanels(dense)) {
    PetscCall(EngdPanelsCreate(F->comm, &dense->parts.panels));
    PetscCall(EngdPanelsSetSizes(dense->parts.panels, dense->blocks.largest, dense->blocks.largest, 1));
    PetscCall(EngdPanelsCreate(F->comm, &dense->panels));
    PetscCall(PetscMalloc1(dense->blocks.largest, &dense->whole));
  }
  PetscCall(PetscMalloc1(
      (p && !HasParts(dense)) || !F->curvature->for_hessian ? dense->blocks.at[dense->blocks.n] : 0, &dense->H));
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
  const EngdSpread *parts  = HasParts(dense) ? &dense->parts : NULL;
  PetscBool         finite = PETSC_TRUE;
  PetscInt          p;

  PetscFunctionBeginUser;
  PetscCall(EngdExplicitGramian(solver->G, &dense->blocks, dense->formed < 0 ? 0 : dense->ema, dense->H, parts));
  if (dense->parts.eigen) PetscFunctionReturn(PETSC_SUCCESS); /* which looks at its part by itself */
  PetscCall(VecGetLocalSize(dense->root, &p));
  if (parts)
    PetscCall(EngdPanelsFinite(parts->panels, &finite));
  else
    PetscCall(EngdAllFinite(solver->functional->comm, p ? dense->blocks.at[dense->blocks.n] : 0, dense->H, &finite));
  if (!finite) PetscCall(NotFinite(solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H + lambda I = L L^T, or P L U where that is not positive; info: which pivot is zero */
static PetscErrorCode FactorPanels(EngdDense *dense, PetscReal lambda, PetscInt *info)
{
  PetscFunctionBeginUser;
  PetscCall(EngdPanelsShift(dense->parts.panels, lambda, dense->panels));
  PetscCall(EngdPanelsCholesky(dense->panels, &dense->positive));
  if (dense->positive) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdPanelsShift(dense->parts.panels, lambda, dense->panels));
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
  if (dense->parts.eigen) {
    PetscCall(EngdEigenFactor(dense->parts.eigen, p ? dense->l : NULL, info));
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
  if (dense->parts.panels)
    PetscCall(FactorPanels(dense, lambda, &info));
  else if (dense->type == DENSE_LDLT)
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
             dense->parts.eigen ? "ScaLAPACK pdsyevd" : "LAPACK syevd", info);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDenseSolve(EngdDense *dense, EngdSolver solver, PetscReal x[])
{
  PetscMPIInt n, rank;
  PetscInt    p;

  PetscFunctionBeginUser;
  if (!dense->parts.panels) {
    PetscCall(VecGetLocalSize(dense->root, &p));
    if (p) PetscCall(EngdDiagonalBlocksSolve(&dense->blocks, dense->V, dense->pivot, x));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCallMPI(MPI_Comm_rank(solver->functional->comm, &rank));
  PetscCall(PetscMPIIntCast(dense->blocks.largest, &n));
  if (!rank) PetscCall(PetscArraycpy(dense->whole, x, n));
  PetscCallMPI(MPI_Bcast(dense->whole, n, MPIU_REAL, 0, solver->functional->comm));
  if (dense->positive)
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
  if (dense->parts.eigen)
    PetscCall(EngdEigenMult(dense->parts.eigen, trans, x, y));
  else if (p)
    PetscCall(EngdDiagonalBlocksMult(&dense->blocks, trans, Factors(dense), x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the parts to or from the whole matrix on rank 0, of which files may have the upper triangle alone */
static PetscErrorCode MoveParts(EngdDense *dense, PetscBool to_root, PetscReal whole[])
{
  const PetscBool vectors = (PetscBool)!KeepsOperator(dense);
  const PetscInt  n       = dense->blocks.largest;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; whole && !to_root && !vectors && j < n; j++) {
    for (PetscInt i = 0; i < j; i++) whole[ENGD_COUNT(i, n) + j] = whole[ENGD_COUNT(j, n) + i];
  }
  if (dense->parts.panels)
    PetscCall(EngdPanelsMove(dense->parts.panels, to_root, whole));
  else if (to_root)
    PetscCall(EngdEigenGather(dense->parts.eigen, vectors, whole));
  else
    PetscCall(EngdEigenScatter(dense->parts.eigen, vectors, whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H, or what has overwritten it, on rank 0 as all files have it */
static PetscErrorCode MatrixState(EngdDense *dense, EngdArchive a)
{
  const size_t size  = dense->blocks.at[dense->blocks.n];
  PetscReal   *whole = dense->H;
  PetscInt     p;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(dense->root, &p));
  if (HasParts(dense)) {
    whole = NULL;
    if (p) PetscCall(PetscMalloc1(size, &whole));
    PetscCall(MoveParts(dense, PETSC_TRUE, whole));
  }
  PetscCall(EngdArchiveOwnerReals(a, "operator", 0, size, whole));
  if (!HasParts(dense)) PetscFunctionReturn(PETSC_SUCCESS);
  if (EngdArchiveChanges(a)) PetscCall(MoveParts(dense, PETSC_FALSE, whole));
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
  PetscCall(EngdEigenDestroy(&dense->parts.eigen));
  PetscCall(EngdPanelsDestroy(&dense->parts.panels));
  PetscCall(EngdPanelsDestroy(&dense->panels));
  PetscFunctionReturn(PETSC_SUCCESS);
}
