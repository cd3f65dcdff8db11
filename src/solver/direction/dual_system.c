/*
  The linear system of direction dual: (K + lambda I) y = R, K = J J^T.

    cholesky   K + lambda I = L L^T, on a copy of K whose columns are dealt to the ranks by panels (panels.c)
    single     the same with K by products in float32, and a correction by float64 (dual_single.c)
    krylov     the KSP on a shell, y = K x + lambda x with K formed, or J (J^T x) + lambda x, also of several x at once

  K has as many rows a rank as the rank that has most, with the unit matrix where there are none. When rounding makes K + lambda I indefinite lambda is raised until it is not.
*/
#include "dual.h"

#define SLICE        (1 << 24) /* numbers of J^T B of a rank at a time */
#define LONGEST_WAIT 63        /* iterations in float64 before float32 is tried again */

/* the first n entries of `to` <- those of `from` */
static PetscErrorCode CopyRows(PetscInt n, Vec from, Vec to)
{
  const PetscReal *in;
  PetscReal       *out;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(from, &in));
  PetscCall(VecGetArray(to, &out));
  PetscCall(PetscArraycpy(out, in, n));
  PetscCall(VecRestoreArray(to, &out));
  PetscCall(VecRestoreArrayRead(from, &in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = (K + lambda I) x */
static PetscErrorCode MatMult_Dual(Mat A, Vec x, Vec y)
{
  EngdDual *dual;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &dual));
  if (dual->formed && dual->krylov) {
    PetscCall(CopyRows(dual->nrows, x, dual->Kx));
    PetscCall(MatMult(dual->K, dual->Kx, dual->Ky));
    PetscCall(CopyRows(dual->nrows, dual->Ky, y));
  } else {
    PetscCall(MatMultTranspose(dual->J, x, dual->Jt));
    PetscCall(MatMult(dual->J, dual->Jt, y));
  }
  PetscCall(VecAXPY(y, dual->lambda, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = J (J^T B) + lambda B */
static PetscErrorCode MultiplySlice(EngdDual *dual, Mat B, Mat C)
{
  Mat JtB, product;

  PetscFunctionBeginUser;
  PetscCall(MatTransposeMatMult(dual->J, B, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &JtB));
  PetscCall(MatMatMult(dual->J, JtB, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &product));
  PetscCall(MatCopy(product, C, SAME_NONZERO_PATTERN));
  PetscCall(MatAXPY(C, dual->lambda, B, SAME_NONZERO_PATTERN));
  PetscCall(MatDestroy(&product));
  PetscCall(MatDestroy(&JtB));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = (K + lambda I) B without K, some columns at a time by GEMM */
static PetscErrorCode MatMatMult_Dual(Mat A, Mat B, Mat C, void *unused)
{
  EngdDual *dual;
  PetscInt  n, local, some;

  PetscFunctionBeginUser;
  (void)unused;
  PetscCall(MatShellGetContext(A, &dual));
  PetscCall(MatGetSize(B, NULL, &n));
  PetscCall(VecGetLocalSize(dual->phi, &local));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &local, 1, MPIU_INT, MPI_MAX, PetscObjectComm((PetscObject)A)));
  some = PetscMax(1, SLICE / PetscMax(local, 1));
  for (PetscInt j = 0, width; j < n; j += width) {
    Mat Bj, Cj;

    width = PetscMin(n - j, some);
    PetscCall(MatDenseGetSubMatrix(B, PETSC_DECIDE, PETSC_DECIDE, j, j + width, &Bj));
    PetscCall(MatDenseGetSubMatrix(C, PETSC_DECIDE, PETSC_DECIDE, j, j + width, &Cj));
    PetscCall(MultiplySlice(dual, Bj, Cj));
    PetscCall(MatDenseRestoreSubMatrix(C, &Cj));
    PetscCall(MatDenseRestoreSubMatrix(B, &Bj));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what preconditioners ask of an operator */
static PetscErrorCode EngdMatGetDamping_Dual(Mat A, PetscReal *lambda)
{
  EngdDual *dual;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &dual));
  *lambda = dual->lambda;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdMatGetFunctional_Dual(Mat A, EngdFunctional *functional)
{
  EngdDual *dual;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &dual));
  PetscCall(MatShellGetContext(dual->J, functional));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K + lambda I as a shell */
static PetscErrorCode CreateShell(EngdDual *dual, EngdSolver solver)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateShell(solver->functional->comm, dual->nrows, dual->nrows, PETSC_DETERMINE, PETSC_DETERMINE, dual,
                           &dual->A));
  PetscCall(PetscObjectSetName((PetscObject)dual->A, "Kernel"));
  PetscCall(MatShellSetOperation(dual->A, MATOP_MULT, (void (*)(void))MatMult_Dual));
  PetscCall(MatShellSetOperation(dual->A, MATOP_MULT_TRANSPOSE, (void (*)(void))MatMult_Dual));
  if (!dual->formed)
    PetscCall(
        MatShellSetMatProductOperation(dual->A, MATPRODUCT_AB, NULL, MatMatMult_Dual, NULL, MATDENSE, MATDENSE));
  PetscCall(MatSetOption(dual->A, MAT_SYMMETRIC, PETSC_TRUE));
  PetscCall(MatSetUp(dual->A));
  PetscCall(PetscObjectComposeFunction((PetscObject)dual->A, "EngdMatGetDamping_C", EngdMatGetDamping_Dual));
  PetscCall(PetscObjectComposeFunction((PetscObject)dual->A, "EngdMatGetFunctional_C", EngdMatGetFunctional_Dual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDualSetUpSystem(EngdDual *dual, EngdSolver solver)
{
  PetscInt ld;

  PetscFunctionBeginUser;
  if (dual->formed) {
    ld = EngdNTKLargestRows(dual->kernel);
    PetscCall(MatCreateDense(solver->functional->comm, ld, ld, PETSC_DETERMINE, PETSC_DETERMINE, NULL, &dual->K));
    PetscCall(MatCreateVecs(dual->K, &dual->Kx, &dual->Ky));
    PetscCall(VecZeroEntries(dual->Kx));
  }
  if (dual->krylov || dual->single) PetscCall(CreateShell(dual, solver));
  if (dual->krylov) PetscCall(KSPSetOperators(solver->ksp, dual->A, dual->A));
  if (dual->single) PetscCall(EngdDualSetUpCorrection(dual, solver->functional->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDualFormKernel(EngdDual *dual, EngdFunctional F)
{
  const PetscInt ld = EngdNTKLargestRows(dual->kernel);
  PetscMPIInt    rank, size;
  PetscReal     *K;
  PetscBool      finite;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  EngdNTKSetSingle(dual->kernel, (PetscBool)(dual->left == 0));
  if (dual->left > 0) dual->left--;
  PetscCall(MatDenseGetArrayWrite(dual->K, &K));
  PetscCall(EngdNTKFill(dual->kernel, ld, K));
  for (PetscInt i = dual->nrows; i < ld; i++) K[ENGD_COUNT(rank * ld + i, ld) + i] = 1;
  PetscCall(EngdAllFinite(F->comm, ENGD_COUNT(ld, ld) * size, K, &finite));
  PetscCall(MatDenseRestoreArrayWrite(dual->K, &K));
  PetscCall(MatAssemblyBegin(dual->K, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(dual->K, MAT_FINAL_ASSEMBLY));
  if (finite) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalCheck(F));
  SETERRQ(F->comm, ENGD_ERR_NUMERICS,
          "the kernel of the Jacobian has entries that are not finite; scale the problem or start from smaller "
          "parameters");
}

PetscErrorCode EngdDualFactor(EngdDual *dual, PetscReal lambda, PetscBool *done)
{
  MPI_Comm         comm = PetscObjectComm((PetscObject)dual->K);
  const PetscInt   ld   = EngdNTKLargestRows(dual->kernel);
  const PetscReal *K;
  PetscMPIInt      size, *count;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc1(size, &count));
  for (PetscMPIInt r = 0; r < size; r++) PetscCall(PetscMPIIntCast(ld, &count[r]));
  if (!dual->factor) PetscCall(EngdPanelsCreate(comm, &dual->factor));
  PetscCall(EngdPanelsSetSizes(dual->factor, ld * size, ld * size, 1));
  PetscCall(MatDenseGetArrayRead(dual->K, &K));
  PetscCall(EngdPanelsDeal(dual->factor, comm, size, ld * size, count, PETSC_FALSE, ld, K));
  PetscCall(MatDenseRestoreArrayRead(dual->K, &K));
  PetscCall(PetscFree(count));
  for (PetscInt j = 0; j < ld * size; j++) {
    PetscReal *a;

    PetscCall(EngdPanelsGetColumn(dual->factor, j, &a));
    if (a) a[j] += lambda;
  }
  PetscCall(EngdPanelsCholesky(dual->factor, done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Kx <- the solution with R, whole on each rank meanwhile */
static PetscErrorCode SolveFactored(EngdDual *dual)
{
  const PetscInt ld = EngdNTKLargestRows(dual->kernel);
  PetscReal     *x, *whole;
  PetscMPIInt    size, rank, n;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)dual->K), &size));
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)dual->K), &rank));
  PetscCall(PetscMPIIntCast(ld, &n));
  PetscCall(PetscMalloc1(ENGD_COUNT(ld, size), &whole));
  PetscCall(VecGetArray(dual->Kx, &x));
  PetscCallMPI(MPI_Allgather(x, n, MPIU_REAL, whole, n, MPIU_REAL, PetscObjectComm((PetscObject)dual->K)));
  PetscCall(EngdPanelsCholeskySolve(dual->factor, whole));
  PetscCall(PetscArraycpy(x, whole + ENGD_COUNT(ld, rank), ld));
  PetscCall(VecRestoreArray(dual->Kx, &x));
  PetscCall(PetscFree(whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDualApply(EngdDual *dual, Vec b, Vec x)
{
  PetscFunctionBeginUser;
  PetscCall(CopyRows(dual->nrows, b, dual->Kx));
  PetscCall(SolveFactored(dual));
  PetscCall(CopyRows(dual->nrows, dual->Kx, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = (K + lambda I)^{-1} R by Cholesky; lambda is raised as far as a factorisation asks for */
static PetscErrorCode SolveCholesky(EngdDual *dual, EngdSolver solver)
{
  PetscBool done;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.cholesky, 0, 0, 0, 0));
  PetscCall(EngdDualFactor(dual, solver->damping.lambda, &done));
  while (!done) {
    PetscReal largest;

    PetscCall(MatGetDiagonal(dual->K, dual->Ky));
    PetscCall(VecMax(dual->Ky, NULL, &largest));
    PetscCall(EngdDampingRaise(solver, PETSC_MACHINE_EPSILON * largest));
    PetscCall(EngdDualFactor(dual, solver->damping.lambda, &done));
  }
  PetscCall(EngdDualApply(dual, dual->R, dual->y));
  PetscCall(PetscLogEventEnd(engd_log.cholesky, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same with K in float32, or in float64 in this iteration and some more where that is too little, twice as many each time */
static PetscErrorCode SolveSingle(EngdDual *dual, EngdSolver solver, PetscInt *its)
{
  PetscBool done = PETSC_FALSE;

  PetscFunctionBeginUser;
  if (EngdNTKIsFilledSingle(dual->kernel)) {
    PetscCall(EngdDualSolveCorrected(dual, solver, its, &done));
    if (!done) {
      PetscCall(PetscInfo(dual->A, "a kernel in float32 is too little after %" PetscInt_FMT " iterations\n", *its));
      dual->wait = PetscMin(2 * dual->wait + 1, LONGEST_WAIT);
      dual->left = dual->wait;
      PetscCall(EngdDualFormKernel(dual, solver->functional));
    }
  }
  if (!done) PetscCall(SolveCholesky(dual, solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same by the KSP */
static PetscErrorCode SolveKrylov(EngdDual *dual, EngdSolver solver, PetscInt *its)
{
  KSPConvergedReason reason;

  PetscFunctionBeginUser;
  dual->lambda = solver->damping.lambda;
  PetscCall(PetscObjectStateIncrease((PetscObject)dual->A));
  PetscCall(KSPSolve(solver->ksp, dual->R, dual->y));
  PetscCall(KSPGetIterationNumber(solver->ksp, its));
  PetscCall(KSPGetConvergedReason(solver->ksp, &reason));
  PetscCheck(reason != KSP_DIVERGED_PC_FAILED && reason != KSP_DIVERGED_NANORINF, solver->functional->comm,
             ENGD_ERR_NUMERICS, "products with the kernel of the Jacobian, or its preconditioner, are not finite");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDualSolve(EngdDual *dual, EngdSolver solver, PetscInt *its)
{
  PetscFunctionBeginUser;
  *its = 0;
  if (dual->krylov)
    PetscCall(SolveKrylov(dual, solver, its));
  else if (dual->single)
    PetscCall(SolveSingle(dual, solver, its));
  else
    PetscCall(SolveCholesky(dual, solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}
