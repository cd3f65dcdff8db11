/*
  Direction randomized: truncated least squares in a random range of J, where J is too large to be written out for tsvd.

    Q = orth((J J^T)^q J Omega)  (N, l),    B^T = J^T Q = W T  (p, l),    T = U S V^T
    J ~ Q B = (Q V) S (W U)^T,              d = -W U f(S) V^T Q^T R,      f(s) = 1/s where s > rcond s_1, else 0

  Omega: random numbers that depend on row and column alone. Q and W are kept as reflectors (tsqr.c). J enters by products with
  l vectors at once (matmatmult.c). Adaptive, l is doubled until the smallest singular value is cut off, R lies in the range to
  rcond, or l = min(N, p); the next iteration begins with what this one needed. A retry raises the cut-off, with the same
  factors. An iteration begins with rcond and not, as tsvd, near the cut-off last taken: on options/poisson.opts and heat.opts
  (3 seeds, rcond 1e-8 and 1e-11) that saved one iteration at most and cost up to 35. Curvatures without a residual are refused.
  Reference: Halko, Martinsson, Tropp, SIAM Review 53 (2011), algorithms 4.3 and 5.1.
*/
#include <engd/private.h>

#define FIRST_COLUMNS   64
#define POWER_MAX       100   /* subspace iterations: what they improve they have by then */
#define PIVOT_TOLERANCE 1e-16 /* of the SVD of T: below rounding */

typedef struct {
  PetscReal  rcond;
  PetscInt   columns;         /* -tao_engd_randomized_rank, 0: adaptive. */
  PetscInt   power;           /* -tao_engd_randomized_power. */
  PetscInt   N, p, next, max; /* sizes; l to begin with, and the largest that memory allows */
  Mat        J;
  Vec        R, outside; /* the residual, (I - Q Q^T) R */
  EngdTSQR   W;          /* (p, l) of the last sketch */
  EngdSVD    svd;        /* rank 0: of T */
  PetscReal *c, *f, *y;  /* rank 0, [max]: Q^T R and then V^T Q^T R; coefficients of d in W; a vector */
  PetscInt   l;
  PetscInt64 generation;
  PetscInt   epoch; /* Directions so far; each that needs an Omega takes its own. */
  PetscInt   drawn; /* The epoch of the last Omega. */
  PetscBool  lost;  /* the factors of the last direction have not been saved, and can be made again by l and drawn */
} Randomized;

/* bytes of a rank with so many rows and parameters for l vectors: J^T Q, W, Q; T and its SVD */
static PetscReal Bytes(MPI_Comm comm, const PetscInt n[2], PetscInt l)
{
  return (PetscReal)sizeof(PetscReal) * ((PetscReal)n[0] + n[1]) * l + (PetscReal)EngdTSQRBytes(comm, n[1], l) +
         (PetscReal)EngdSVDBytes(l);
}

/* l of the first sketch */
static PetscInt FirstColumns(const Randomized *r)
{
  return r->columns ? r->columns : PetscMin(FIRST_COLUMNS, PetscMin(r->N, r->p));
}

/* N and p, the largest l that fits, and whether any does */
static PetscErrorCode Measure(Randomized *r, EngdFunctional F)
{
  const PetscReal limit = F->options.memory_limit;
  PetscInt        nrows, here[2], most[2];

  PetscFunctionBeginUser;
  r->p = F->model->nparameters;
  PetscCall(EngdExplicitCountRows(F, &nrows));
  PetscCall(MPIU_Allreduce(&nrows, &r->N, 1, MPIU_INT, MPI_SUM, F->comm));
  here[0] = nrows;
  here[1] = PETSC_DECIDE;
  PetscCall(PetscSplitOwnership(F->comm, &here[1], &r->p));
  PetscCall(MPIU_Allreduce(here, most, 2, MPIU_INT, MPI_MAX, F->comm));
  PetscCheck(r->columns <= PetscMin(r->N, r->p), F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_randomized_rank %" PetscInt_FMT ": the Jacobian is of %" PetscInt_FMT " x %" PetscInt_FMT
             "; give no more than the smaller, or 0 for an adaptive rank",
             r->columns, r->N, r->p);
  r->next = FirstColumns(r);
  PetscCheck(Bytes(F->comm, most, r->next) <= limit, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_direction randomized needs %.3g bytes a rank for rank %" PetscInt_FMT
             ", more than -engd_memory_limit %.3g; raise it, use more ranks, or lower -tao_engd_randomized_rank",
             (double)Bytes(F->comm, most, r->next), r->next, (double)limit);
  r->max = r->columns ? r->columns : PetscMin(r->N, r->p);
  while (Bytes(F->comm, most, r->max) > limit) r->max = PetscMax(r->next, r->max / 2);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Randomized(EngdDirection direction, EngdSolver solver,
                                                EngdOptionItems PetscOptionsObject)
{
  Randomized    *r = (Randomized *)direction->data;
  EngdFunctional F = solver->functional;
  PetscBool      residual;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Direction randomized");
  PetscCall(EngdDirectionReadCutoff(F->comm, &r->rcond, PetscOptionsObject));
  PetscCall(PetscOptionsInt("-tao_engd_randomized_rank", "Dimension of the range, 0 to let it grow as needed",
                            "EngdDirection", r->columns, &r->columns, NULL));
  PetscCheck(r->columns >= 0, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_randomized_rank %" PetscInt_FMT ": give a positive number, or 0 for an adaptive rank",
             r->columns);
  PetscCall(PetscOptionsInt("-tao_engd_randomized_power", "Subspace iterations with J J^T, not negative",
                            "EngdDirection", r->power, &r->power, NULL));
  PetscCheck(r->power >= 0 && r->power <= POWER_MAX, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_randomized_power %" PetscInt_FMT ": give zero or a positive number, at most %d", r->power,
             POWER_MAX);
  PetscOptionsHeadEnd();
  PetscCall(EngdExplicitHasResidual(F, &residual));
  PetscCheck(
      residual, F->comm, PETSC_ERR_USER_INPUT,
      "-tao_engd_direction randomized works on residuals; this problem has an energy, or its curvature %s is not "
      "that of its residuals: choose -tao_engd_direction krylov or tsvd",
      F->curvature->type);
  PetscCall(Measure(r, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_Randomized(EngdDirection direction, EngdSolver solver)
{
  Randomized *r = (Randomized *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(Measure(r, solver->functional));
  PetscCall(EngdFunctionalCreateJacobian(solver->functional, &r->J));
  PetscCall(MatCreateVecs(r->J, NULL, &r->R));
  PetscCall(VecDuplicate(r->R, &r->outside));
  PetscCall(PetscMalloc3(r->max, &r->c, r->max, &r->f, r->max, &r->y));
  direction->bytes = Bytes(solver->functional->comm, (PetscInt[]){solver->functional->nrows, r->p}, r->max);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Omega (p, l), uniform on (-1, 1) */
static PetscErrorCode CreateOmega(Randomized *r, EngdFunctional F, Mat *Omega)
{
  PetscInt   begin, end, ld;
  PetscReal *entries;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRangeColumn(r->J, &begin, &end));
  PetscCall(MatCreateDense(F->comm, end - begin, PETSC_DECIDE, r->p, r->l, NULL, Omega));
  PetscCall(MatDenseGetLDA(*Omega, &ld));
  PetscCall(MatDenseGetArrayWrite(*Omega, &entries));
  for (PetscInt j = 0; j < r->l; j++) {
    for (PetscInt i = begin; i < end; i++) {
      entries[ENGD_COUNT(j, ld) + i - begin] =
          2 * EngdRandomUniform(F->problem->seed, ENGD_STREAM_SKETCH, i, r->drawn, j) - 1;
    }
  }
  PetscCall(MatDenseRestoreArrayWrite(*Omega, &entries));
  PetscCall(MatAssemblyBegin(*Omega, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*Omega, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X = Q T, T (l, l) on rank 0 */
static PetscErrorCode Factor(Randomized *r, Mat X, PetscReal T[], EngdTSQR *Q)
{
  const PetscReal *x;
  PetscReal       *A;
  PetscInt         m, ldx, lda;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.qr, 0, 0, 0, 0));
  PetscCall(MatGetLocalSize(X, &m, NULL));
  PetscCall(EngdTSQRCreate(PetscObjectComm((PetscObject)X), m, r->l, Q));
  PetscCall(EngdTSQRGetArray(*Q, &lda, &A));
  PetscCall(MatDenseGetLDA(X, &ldx));
  PetscCall(MatDenseGetArrayRead(X, &x));
  for (PetscInt j = 0; j < r->l; j++) PetscCall(PetscArraycpy(A + ENGD_COUNT(j, lda), x + ENGD_COUNT(j, ldx), m));
  PetscCall(MatDenseRestoreArrayRead(X, &x));
  PetscCall(EngdTSQRFactor(*Q, T));
  PetscCall(PetscLogEventEnd(engd_log.qr, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X <- Q written out */
static PetscErrorCode WriteOut(EngdTSQR Q, Mat X)
{
  PetscReal *x;
  PetscInt   ld;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.qr, 0, 0, 0, 0));
  PetscCall(MatDenseGetLDA(X, &ld));
  PetscCall(MatDenseGetArrayWrite(X, &x));
  PetscCall(EngdTSQRFormQ(Q, ld, x));
  PetscCall(MatDenseRestoreArrayWrite(X, &x));
  PetscCall(PetscLogEventEnd(engd_log.qr, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X <- J X or J^T X */
static PetscErrorCode Multiply(Mat J, PetscBool transposed, Mat *X)
{
  Mat Y;

  PetscFunctionBeginUser;
  if (transposed)
    PetscCall(MatTransposeMatMult(J, *X, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &Y));
  else
    PetscCall(MatMatMult(J, *X, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &Y));
  PetscCall(MatDestroy(X));
  *X = Y;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one message for all ranks when J Omega is not finite */
static PetscErrorCode CheckFinite(EngdFunctional F, Mat Y)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(MatNorm(Y, NORM_FROBENIUS, &norm));
  if (!PetscIsInfOrNanReal(norm)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalCheck(F));
  SETERRQ(F->comm, ENGD_ERR_NUMERICS,
          "products with the Jacobian are not finite; scale the problem or start from smaller parameters");
}

/* Q (N, l) as reflectors and written out */
static PetscErrorCode FindRange(Randomized *r, EngdFunctional F, PetscReal T[], EngdTSQR *Q, Mat *X)
{
  PetscFunctionBeginUser;
  PetscCall(CreateOmega(r, F, X));
  PetscCall(Multiply(r->J, PETSC_FALSE, X));
  PetscCall(CheckFinite(F, *X));
  PetscCall(Factor(r, *X, T, Q));
  PetscCall(WriteOut(*Q, *X));
  for (PetscInt k = 0; k < 2 * r->power; k++) {
    PetscCall(EngdTSQRDestroy(Q));
    PetscCall(Multiply(r->J, (PetscBool)(k % 2 == 0), X));
    PetscCall(Factor(r, *X, T, Q));
    PetscCall(WriteOut(*Q, *X));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c = Q^T R on rank 0; is R - Q c as small as what is cut off */
static PetscErrorCode Project(Randomized *r, EngdTSQR Q, PetscBool *inside)
{
  const PetscReal *R;
  PetscReal       *outside, size, norm;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(r->R, &R));
  PetscCall(EngdTSQRMultTranspose(Q, R, r->c));
  PetscCall(VecRestoreArrayRead(r->R, &R));
  PetscCall(VecGetArrayWrite(r->outside, &outside));
  PetscCall(EngdTSQRMult(Q, r->c, outside));
  PetscCall(VecRestoreArrayWrite(r->outside, &outside));
  PetscCall(VecAXPY(r->outside, -1, r->R));
  PetscCall(VecNorm(r->R, NORM_2, &size));
  PetscCall(VecNorm(r->outside, NORM_2, &norm));
  *inside = (PetscBool)(norm <= r->rcond * size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rank 0: T = U S V^T, c <- V^T c */
static PetscErrorCode Decompose(Randomized *r, PetscReal T[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.svd, 0, 0, 0, 0));
  PetscCall(EngdSVDDestroy(&r->svd));
  PetscCall(EngdSVDCreate(r->l, &r->svd));
  PetscCall(EngdSVDCompute(&r->svd, T, PIVOT_TOLERANCE));
  PetscCall(PetscArraycpy(r->y, r->c, r->l));
  PetscCall(EngdDenseMultiply("T", r->l, r->svd.nsigma, r->svd.V, r->y, r->c));
  PetscCall(PetscLogEventEnd(engd_log.svd, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* singular values above the cut-off */
static PetscInt Kept(const Randomized *r, PetscReal cutoff)
{
  PetscInt k = 0;

  while (k < r->svd.nsigma && r->svd.sigma[k] > cutoff * r->svd.sigma[0]) k++;
  return k;
}

/* the factors for l columns; are they enough, and with how many the next sketch begins */
static PetscErrorCode Sketch(Randomized *r, EngdFunctional F, PetscBool *enough)
{
  PetscInt    kept = 0;
  PetscMPIInt rank;
  PetscReal  *T;
  Mat         X;
  EngdTSQR    Q;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(PetscMalloc1(rank ? 0 : ENGD_COUNT(r->l, r->l), &T));
  PetscCall(EngdTSQRDestroy(&r->W));
  PetscCall(FindRange(r, F, T, &Q, &X));
  PetscCall(Project(r, Q, enough));
  PetscCall(EngdTSQRDestroy(&Q));
  PetscCall(Multiply(r->J, PETSC_TRUE, &X));
  PetscCall(Factor(r, X, T, &r->W));
  PetscCall(MatDestroy(&X));
  if (!rank) {
    PetscCall(Decompose(r, T));
    kept = Kept(r, r->rcond);
  }
  PetscCall(PetscFree(T));
  PetscCallMPI(MPI_Bcast(&kept, 1, MPIU_INT, 0, F->comm));
  *enough = (PetscBool)(*enough || kept < r->l || r->l >= r->max);
  if (!r->columns) r->next = PetscMin(r->max, *enough ? kept + PetscMax(8, kept / 8) : 2 * r->l);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d = -W U f(S) c with this cut-off */
static PetscErrorCode Combine(Randomized *r, PetscReal cutoff, Vec d)
{
  const EngdSVD *svd  = &r->svd;
  const PetscInt kept = Kept(r, cutoff); /* 0 where there is no SVD, on all ranks but one */
  PetscReal     *x;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < kept; k++) r->y[k] = -r->c[k] / svd->sigma[k];
  PetscCall(EngdDenseMultiply("N", r->l, kept, svd->U, r->y, r->f));
  PetscCall(VecGetArrayWrite(d, &x));
  PetscCall(EngdTSQRMult(r->W, r->f, x));
  PetscCall(VecRestoreArrayWrite(d, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same theta and points as before, after a rejection, need no new factors */
static PetscErrorCode Compute_Randomized(EngdDirection direction, EngdSolver solver, Vec gradient, Vec d,
                                         PetscInt *its)
{
  Randomized    *r      = (Randomized *)direction->data;
  EngdFunctional F      = solver->functional;
  PetscBool      enough = (PetscBool)(r->generation == F->present.generation);

  PetscFunctionBeginUser;
  (void)gradient;
  *its               = 0;
  direction->damping = r->rcond;
  if (!enough || r->lost) PetscCall(EngdFunctionalResidual(F, r->R));
  if (enough && r->lost) PetscCall(Sketch(r, F, &enough));
  r->lost = PETSC_FALSE;
  for (r->epoch++; !enough;) {
    r->l     = r->next;
    r->drawn = r->epoch;
    PetscCall(Sketch(r, F, &enough));
  }
  r->generation = F->present.generation;
  PetscCall(Combine(r, r->rcond, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* attempt k: the cut-off 10^(k/2) times larger, while it is below 1 */
static PetscErrorCode Retry_Randomized(EngdDirection direction, EngdSolver solver, PetscInt attempt, Vec d,
                                       PetscBool *more)
{
  Randomized *r = (Randomized *)direction->data;

  PetscFunctionBeginUser;
  (void)solver;
  *more = EngdDirectionRaiseCutoff(direction, r->rcond, attempt);
  if (!*more) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Combine(r, direction->damping, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode State_Randomized(EngdDirection direction, EngdSolver solver, EngdArchive a)
{
  Randomized *r = (Randomized *)direction->data;

  PetscFunctionBeginUser;
  (void)solver;
  PetscCall(EngdArchiveInt(a, "next_rank", &r->next, FirstColumns(r)));
  PetscCall(EngdArchiveCount(a, "rank", &r->l, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveCount(a, "epoch", &r->epoch, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveCount(a, "drawn", &r->drawn, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveInt64(a, "generation", &r->generation, -1));
  if (EngdArchiveChanges(a)) {
    r->lost = PETSC_TRUE;
    r->next = r->columns ? r->columns : PetscMax(1, PetscMin(r->next, r->max)); /* options and memory may be others */
    if (r->l > r->max || (r->columns && r->l != r->columns)) r->generation = -1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Randomized(EngdDirection direction, PetscViewer viewer)
{
  const Randomized *r = (const Randomized *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "Jacobian of %" PetscInt_FMT " x %" PetscInt_FMT ", %s rank %" PetscInt_FMT
                                   ", at most %" PetscInt_FMT ", subspace iterations %" PetscInt_FMT "; cut-off %g\n",
                                   r->N, r->p, r->columns ? "fixed" : "adaptive", r->l, r->max, r->power,
                                   (double)r->rcond));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Randomized(EngdDirection direction)
{
  Randomized *r = (Randomized *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(MatDestroy(&r->J));
  PetscCall(VecDestroy(&r->R));
  PetscCall(VecDestroy(&r->outside));
  PetscCall(EngdTSQRDestroy(&r->W));
  PetscCall(EngdSVDDestroy(&r->svd));
  PetscCall(PetscFree3(r->c, r->f, r->y));
  PetscCall(PetscFree(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_DIRECTION("randomized", EngdDirectionCreate_Randomized);
PetscErrorCode EngdDirectionCreate_Randomized(EngdDirection direction)
{
  Randomized *r;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&r));
  r->rcond                       = 1e-12;
  r->generation                  = -1;
  direction->data                = r;
  direction->damping_name        = ENGD_CUTOFF;
  direction->ops->setfromoptions = SetFromOptions_Randomized;
  direction->ops->setup          = SetUp_Randomized;
  direction->ops->state          = State_Randomized;
  direction->ops->compute        = Compute_Randomized;
  direction->ops->retry          = Retry_Randomized;
  direction->ops->view           = View_Randomized;
  direction->ops->destroy        = Destroy_Randomized;
  PetscFunctionReturn(PETSC_SUCCESS);
}
