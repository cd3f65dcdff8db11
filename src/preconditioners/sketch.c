/*
  The randomised Nystrom approximation of a symmetric positive semidefinite matrix that is known by its products.

    Y = A Omega, Omega (n, l) orthonormal,  C^T C = Omega^T Y_nu with Y_nu = Y + nu Omega
    B = Y_nu C^{-1} = U Sigma V^T,  value = max(0, Sigma^2 - nu)

  Omega: the Q of random normal numbers that depend on row and column alone. One product of A with all new columns; everything
  else is GEMM and TSQR on tall matrices (SLEPc's BV), and dense matrices of order l on each rank. nu is the size of the
  rounding errors of Y, and more when Omega^T Y is not positive definite: then A is approximated above the
  negative eigenvalues. Reference: Frangella, Tropp, Udell, Randomized Nystrom preconditioning, arXiv 2110.02820, algorithm 2.1;
  for matrices that are not semidefinite Rathore et al., arXiv 2402.01868.
*/
#include "nystrom.h"
#include <petscblaslapack.h>

static PetscErrorCode CreateTall(Vec like, PetscInt columns, BV *V)
{
  PetscFunctionBeginUser;
  PetscCall(BVCreate(PetscObjectComm((PetscObject)like), V));
  PetscCall(BVSetSizesFromVec(*V, like, columns));
  PetscCall(BVSetType(*V, BVMAT));
  PetscCall(BVSetOrthogonalization(*V, BV_ORTHOG_CGS, BV_ORTHOG_REFINE_ALWAYS, PETSC_DEFAULT, BV_ORTHOG_BLOCK_TSQR));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSketchCreate(Mat A, EngdSketch *s)
{
  EngdFunctional F;
  Vec            like;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(s, 1));
  s->A = A;
  PetscCall(MatGetSize(A, &s->n, NULL));
  PetscCall(EngdMatGetFunctional(A, &F));
  s->seed = F ? F->problem->seed : 0;
  PetscCall(MatCreateVecs(A, &like, NULL));
  PetscCall(CreateTall(like, 1, &s->Omega));
  PetscCall(CreateTall(like, 1, &s->Y));
  PetscCall(CreateTall(like, 1, &s->U));
  PetscCall(VecDestroy(&like));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSketchDestroy(EngdSketch *s)
{
  PetscFunctionBeginUser;
  PetscCall(BVDestroy(&s->Omega));
  PetscCall(BVDestroy(&s->Y));
  PetscCall(BVDestroy(&s->U));
  PetscCall(PetscFree(s->value));
  PetscCall(PetscFree(s->batch));
  PetscCall(PetscArrayzero(s, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* V with more columns, those that are there copied: BVResize() of 3.18 leaves buffers of the old size behind, which BVOrthogonalize()
   then meets */
static PetscErrorCode Enlarge(BV *V, PetscInt have, PetscInt columns)
{
  BV  larger;
  Vec like;

  PetscFunctionBeginUser;
  PetscCall(BVCreateVec(*V, &like));
  PetscCall(CreateTall(like, columns, &larger));
  PetscCall(VecDestroy(&like));
  PetscCall(BVSetActiveColumns(*V, 0, have));
  PetscCall(BVSetActiveColumns(larger, 0, have));
  if (have) PetscCall(BVCopy(*V, larger));
  PetscCall(BVDestroy(V));
  *V = larger;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* more columns of Omega: random, then orthonormal among themselves and to those before them */
static PetscErrorCode ExtendOmega(EngdSketch *s, PetscInt ncolumns)
{
  PetscInt begin, end;

  PetscFunctionBeginUser;
  if (s->filled >= ncolumns) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Enlarge(&s->Omega, s->filled, ncolumns));
  PetscCall(Enlarge(&s->Y, s->ncolumns, ncolumns));
  for (PetscInt j = s->filled; j < ncolumns; j++) {
    PetscReal *column;
    Vec        v;

    PetscCall(BVGetColumn(s->Omega, j, &v));
    PetscCall(VecGetOwnershipRange(v, &begin, &end));
    PetscCall(VecGetArrayWrite(v, &column));
    for (PetscInt i = begin; i < end; i++) column[i - begin] = EngdRandomNormal(s->seed, ENGD_STREAM_SKETCH, i, 0, j);
    PetscCall(VecRestoreArrayWrite(v, &column));
    PetscCall(BVRestoreColumn(s->Omega, j, &v));
  }
  PetscCall(BVSetActiveColumns(s->Omega, s->filled, ncolumns));
  PetscCall(BVOrthogonalize(s->Omega, NULL));
  s->filled = ncolumns;
  PetscCall(PetscRealloc(sizeof(*s->batch) * (size_t)(s->nbatches + 1), &s->batch));
  s->batch[s->nbatches++] = ncolumns;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSketchExtend(EngdSketch *s, PetscInt ncolumns, PetscReal damping)
{
  PetscFunctionBeginUser;
  if (ncolumns <= s->ncolumns) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ExtendOmega(s, ncolumns));
  PetscCall(BVSetActiveColumns(s->Omega, s->ncolumns, ncolumns));
  PetscCall(BVSetActiveColumns(s->Y, s->ncolumns, ncolumns));
  PetscCall(BVMatMult(s->Omega, s->A, s->Y));
  if (damping != 0) PetscCall(BVMult(s->Y, -damping, 1, s->Omega, NULL));
  s->ncolumns = ncolumns;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M (l, l) = Omega^T Y, symmetric but for rounding, on every rank alike */
static PetscErrorCode Core(EngdSketch *s, PetscReal M[])
{
  const PetscInt   l = s->ncolumns;
  const PetscReal *array;
  Mat              dense;

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, l, l, NULL, &dense));
  PetscCall(BVSetActiveColumns(s->Omega, 0, l));
  PetscCall(BVSetActiveColumns(s->Y, 0, l));
  PetscCall(BVDot(s->Y, s->Omega, dense));
  PetscCall(MatDenseGetArrayRead(dense, &array));
  for (PetscInt j = 0; j < l; j++) {
    for (PetscInt i = 0; i < l; i++) M[j * l + i] = 0.5 * (array[j * l + i] + array[i * l + j]);
  }
  PetscCall(MatDenseRestoreArrayRead(dense, &array));
  PetscCall(MatDestroy(&dense));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the smallest eigenvalue of M (l, l) */
static PetscErrorCode SmallestEigenvalue(PetscInt l, const PetscReal M[], PetscReal *smallest)
{
  PetscReal *copy, *w;
  PetscInt   info;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(ENGD_COUNT(l, l), &copy, l, &w));
  PetscCall(PetscArraycpy(copy, M, ENGD_COUNT(l, l)));
  PetscCall(EngdSymmetricEigen("N", l, copy, w, &info));
  *smallest = info ? 0 : w[0];
  PetscCall(PetscFree2(copy, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C^T C = M + nu I, C upper triangular; nu is raised until there is one */
static PetscErrorCode Factor(EngdSketch *s, const PetscReal M[], PetscReal C[])
{
  const PetscInt l    = s->ncolumns;
  PetscBLASInt   info = 1, n;
  PetscReal      norm;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(l, &n));
  PetscCall(BVNorm(s->Y, NORM_FROBENIUS, &norm));
  PetscCheck(!PetscIsInfOrNanReal(norm), PetscObjectComm((PetscObject)s->A), ENGD_ERR_NUMERICS,
             "nystrom: products with the operator are not finite");
  s->shift = PETSC_MACHINE_EPSILON * (norm > 0 ? norm : 1);
  for (PetscInt attempt = 0; info && attempt < 20; attempt++) {
    PetscReal smallest = 0;

    if (attempt == 1) PetscCall(SmallestEigenvalue(l, M, &smallest));
    if (attempt > 0) s->shift = PetscMax(4 * s->shift, -2 * smallest);
    PetscCall(PetscArraycpy(C, M, ENGD_COUNT(l, l)));
    for (PetscInt j = 0; j < l; j++) C[j * l + j] += s->shift;
    PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("U", &n, C, &n, &info));
  }
  PetscCheck(!info, PetscObjectComm((PetscObject)s->A), ENGD_ERR_NUMERICS,
             "nystrom: the sketch of rank %" PetscInt_FMT " has no Cholesky factor (shift %g)", l, (double)s->shift);
  PetscCall(PetscLogFlops(ENGD_COUNT(l, l) * (PetscReal)l / 3));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* U = Y_nu C^{-1} */
static PetscErrorCode FormRoot(EngdSketch *s, const PetscReal C[])
{
  const PetscReal one = 1;
  PetscBLASInt    m, n, ld;
  PetscInt        local, have, lda;
  PetscReal      *u;
  Mat             dense;

  PetscFunctionBeginUser;
  PetscCall(BVGetSizes(s->U, &local, NULL, &have));
  if (have != s->ncolumns) PetscCall(Enlarge(&s->U, 0, s->ncolumns));
  PetscCall(BVSetActiveColumns(s->U, 0, s->ncolumns));
  PetscCall(BVCopy(s->Y, s->U));
  PetscCall(BVMult(s->U, s->shift, 1, s->Omega, NULL));
  PetscCall(BVGetMat(s->U, &dense));
  PetscCall(MatDenseGetLDA(dense, &lda));
  PetscCall(PetscBLASIntCast(local, &m));
  PetscCall(PetscBLASIntCast(PetscMax(1, lda), &ld));
  PetscCall(PetscBLASIntCast(s->ncolumns, &n));
  PetscCall(MatDenseGetArray(dense, &u));
  if (m) PetscCallBLAS("BLAStrsm", BLAStrsm_("R", "U", "N", "N", &m, &n, &one, C, &n, u, &ld));
  PetscCall(MatDenseRestoreArray(dense, &u));
  PetscCall(BVRestoreMat(s->U, &dense));
  PetscCall(PetscLogFlops((PetscReal)local * s->ncolumns * s->ncolumns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the left singular vectors of R (l, l), over it, and the singular values */
static PetscErrorCode LeftSingular(PetscInt l, PetscReal R[], PetscReal sigma[])
{
  PetscReal   *work, unused = 0;
  PetscBLASInt n, one       = 1, lwork, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(l, &n));
  PetscCall(PetscBLASIntCast(40 * l, &lwork));
  PetscCall(PetscMalloc1(lwork, &work));
  PetscCallBLAS("LAPACKgesvd",
                LAPACKgesvd_("O", "N", &n, &n, R, &n, sigma, &unused, &one, &unused, &one, work, &lwork, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "gesvd failed with info %d", (int)info);
  PetscCall(PetscFree(work));
  PetscCall(PetscLogFlops(6.0 * l * l * l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* U <- the left singular vectors of U, values <- sigma^2 - nu as long as they are above nu */
static PetscErrorCode Diagonalise(EngdSketch *s, PetscReal sigma[])
{
  const PetscInt l = s->ncolumns;
  PetscReal     *array;
  Mat            R;

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, l, l, NULL, &R));
  PetscCall(BVOrthogonalize(s->U, R));
  PetscCall(MatDenseGetArray(R, &array));
  for (PetscInt j = 0; j < l; j++) {
    for (PetscInt i = j + 1; i < l; i++) array[j * l + i] = 0;
  }
  PetscCall(LeftSingular(l, array, sigma));
  PetscCallMPI(MPI_Bcast(array, (PetscMPIInt)(l * l), MPIU_REAL, 0, PetscObjectComm((PetscObject)s->A)));
  PetscCallMPI(MPI_Bcast(sigma, (PetscMPIInt)l, MPIU_REAL, 0, PetscObjectComm((PetscObject)s->A)));
  PetscCall(MatDenseRestoreArray(R, &array));
  PetscCall(BVMultInPlace(s->U, R, 0, l));
  PetscCall(MatDestroy(&R));
  PetscCall(PetscFree(s->value));
  PetscCall(PetscMalloc1(l, &s->value));
  for (s->kept = 0; s->kept < l; s->kept++) {
    s->value[s->kept] = sigma[s->kept] * sigma[s->kept] - s->shift;
    if (!(s->value[s->kept] > s->shift)) break;
  }
  s->last = s->kept == l ? s->value[l - 1] : s->shift;
  PetscCall(BVSetActiveColumns(s->U, 0, s->kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSketchApproximate(EngdSketch *s)
{
  PetscReal *M, *C, *sigma;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(ENGD_COUNT(s->ncolumns, s->ncolumns), &M, ENGD_COUNT(s->ncolumns, s->ncolumns), &C,
                         s->ncolumns, &sigma));
  PetscCall(Core(s, M));
  PetscCall(Factor(s, M, C));
  PetscCall(FormRoot(s, C));
  PetscCall(Diagonalise(s, sigma));
  PetscCall(PetscFree3(M, C, sigma));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the active columns of V */
static PetscErrorCode TallState(BV V, const char name[], EngdArchive a)
{
  PetscInt   local, columns, ld;
  PetscReal *array;
  Mat        dense;

  PetscFunctionBeginUser;
  PetscCall(BVGetMat(V, &dense));
  PetscCall(MatGetLocalSize(dense, &local, NULL));
  PetscCall(MatGetSize(dense, NULL, &columns));
  PetscCall(MatDenseGetLDA(dense, &ld));
  PetscCall(MatDenseGetArray(dense, &array));
  PetscCall(EngdArchiveColumns(a, name, local, columns, ld, array));
  PetscCall(MatDenseRestoreArray(dense, &array));
  PetscCall(BVRestoreMat(V, &dense));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Omega in n batches, after which it has batch[0] < batch[1] < ... columns */
static PetscErrorCode MakeOmega(EngdSketch *s, PetscInt n, const PetscInt batch[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < n; k++) {
    PetscCheck(batch[k] > s->filled && batch[k] <= s->n, PetscObjectComm((PetscObject)s->A),
               PETSC_ERR_FILE_UNEXPECTED,
               "the checkpoint is damaged: a sketch grows from %" PetscInt_FMT " to %" PetscInt_FMT
               " of %" PetscInt_FMT " columns",
               s->filled, batch[k], s->n);
    PetscCall(ExtendOmega(s, batch[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Omega is a function of the seed and of the batches that it was made in */
static PetscErrorCode OmegaState(EngdSketch *s, EngdArchive a)
{
  PetscInt       n = s->nbatches, *batch;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveCount(a, "batches", &n, s->n));
  PetscCall(PetscMalloc1(n, &batch));
  if (!EngdArchiveChanges(a)) PetscCall(PetscArraycpy(batch, s->batch, n));
  ierr = EngdArchiveInts(a, "columns_after_batch", n, batch);
  if (!ierr && EngdArchiveChanges(a)) ierr = MakeOmega(s, n, batch);
  PetscCall(PetscFree(batch));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSketchState(EngdSketch *s, PetscBool tall, EngdArchive a)
{
  PetscFunctionBeginUser;
  PetscCall(OmegaState(s, a));
  PetscCall(EngdArchiveCount(a, "rank", &s->ncolumns, s->filled));
  PetscCall(EngdArchiveCount(a, "kept", &s->kept, s->ncolumns));
  PetscCall(EngdArchiveReal(a, "last", &s->last, 0));
  PetscCall(EngdArchiveReal(a, "shift", &s->shift, 0));
  if (EngdArchiveChanges(a)) PetscCall(PetscMalloc1(s->ncolumns, &s->value));
  PetscCall(EngdArchiveReals(a, "eigenvalues", s->kept, s->value));
  if (!tall) PetscFunctionReturn(PETSC_SUCCESS);
  if (EngdArchiveChanges(a)) PetscCall(Enlarge(&s->U, 0, s->ncolumns));
  PetscCall(BVSetActiveColumns(s->Y, 0, s->ncolumns));
  PetscCall(TallState(s->Y, "Y", a));
  PetscCall(BVSetActiveColumns(s->U, 0, s->kept));
  PetscCall(TallState(s->U, "basis", a));
  PetscFunctionReturn(PETSC_SUCCESS);
}
