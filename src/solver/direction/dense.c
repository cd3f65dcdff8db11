/*
  Direction dense: the operator of the curvature, H = V diag(l) V^T, written out (explicit_gramian.c); ENGD, Newton and its cures.

    ldlt      d = -(H + lambda I)^{-1} g                            pure Newton, indefinite or not (Bunch-Kaufman)
    eigen     d = -V f V^T g,  f = 1/(l + lambda) where |l + lambda| > eps max|l|, else 0
    absolute  d = -V f V^T g,  f = 1/(max(|l|, eps max|l|) + lambda)   saddle-free Newton (Dauphin et al., arXiv 1406.2572)
    cubic     d = argmin g.d + d.H d/2 + M/3 |d|^3                  M by the gain, and larger M as retries (Nesterov, Polyak 2006)

  -tao_engd_structure: H is one block, or a block for each layer, or diagonal; max|l| and the cut-offs are each block's own, as
  those of lstsq are; |d| of the cubic model is that of all. H is an average over iterations (Dangel, Mueller, Zeinhofer, arXiv
  2405.15603), and may serve for several (lazy Hessians, Doikov et al., arXiv 2212.00781). Where H + lambda I is one block that is
  positive ldlt is Cholesky, on all ranks (panels.c); all else is LAPACK's on rank 0, for blocks of some thousands. Pure Newton goes up, too: -tao_engd_step fixed -tao_engd_accept_increase -tao_engd_damping 0.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

#define FEATURES (ENGD_DIRECTION_STRUCTURES | ENGD_DIRECTION_HESSIAN)

#define GAIN_GOOD    0.75 /* A gain of the cubic model above this divides M by CUBIC_FACTOR. */
#define GAIN_BAD     0.25 /* A gain below this multiplies M by it. */
#define CUBIC_FACTOR 4    /* Each retry multiplies M by it, too. */
#define CUBIC_LEAST  1e-12
#define MAX_RETRIES  30

#define CHOLESKY 500 /* Order from which on ldlt tries Cholesky first. */

typedef enum { DENSE_LDLT, DENSE_EIGEN, DENSE_ABSOLUTE, DENSE_CUBIC } DenseType;
static const char *const types[] = {"ldlt", "eigen", "absolute", "cubic"};

typedef struct {
  DenseType          type;
  PetscReal          epsilon;
  PetscReal          ema;
  PetscReal          initial_M; /* Of cubic: the option. */
  PetscReal          M;         /* The present one. */
  PetscInt           refresh;   /* Iterations from one H to the next. */
  PetscInt           age;       /* Iterations that the present H has served. */
  PetscInt64         formed;    /* The generation of the functional that H belongs to. */
  PetscInt64         used;      /* The generation of the last direction. */
  EngdDiagonalBlocks blocks;
  VecScatter         scatter; /* distributed -> whole on rank 0 */
  Vec                root;
  PetscReal         *H;        /* rank 0: without lambda; elsewhere where a part of it is formed */
  PetscReal         *V;        /* rank 0: its factors, NULL where they overwrite H */
  PetscReal         *l;        /* (p) on rank 0: eigenvalues. */
  PetscReal         *c;        /* (p) on rank 0: the gradient in the basis of the eigenvectors. */
  PetscReal         *y;        /* (p) on rank 0: the direction in that basis. */
  PetscReal          lambda;   /* ldlt: that V holds factors of H + lambda I with */
  PetscBLASInt      *pivot;    /* (p) */
  EngdPanels         cholesky; /* ldlt: of H + lambda I where that is positive */
  PetscReal         *whole;    /* (p) on all ranks, for that */
  PetscBool          positive;
  PetscBool          predicts; /* Of cubic, on rank 0: the last direction is that of the model. */
  /* The model says that the loss changes by s linear + s^2 quadratic + s^3 cube along it. */
  PetscReal linear, quadratic, cube;
} Dense;

/* is H needed after its factors are made */
static PetscBool KeepsOperator(const Dense *dense)
{
  return (PetscBool)(dense->type == DENSE_LDLT || dense->ema > 0);
}

/* V on rank 0: eigenvectors, or for ldlt factors of H + lambda I */
static PetscReal *Factors(const Dense *dense)
{
  return KeepsOperator(dense) ? dense->V : dense->H;
}

/* bytes on rank 0: H, its rows, V, the workspace of LAPACK */
static PetscReal Bytes(const Dense *dense, EngdFunctional F)
{
  const PetscReal factors = KeepsOperator(dense) ? (PetscReal)dense->blocks.at[dense->blocks.n] : 0;
  const PetscReal work    = (dense->type == DENSE_LDLT && dense->blocks.n > 1 ? 0 : 2) *
                         PetscSqr((PetscReal)dense->blocks.largest); /* of LAPACK, or panels and their messages */

  return EngdExplicitGramianBytes(F, &dense->blocks) + sizeof(PetscReal) * (factors + work);
}

static PetscErrorCode Retry_Dense(EngdDirection, EngdSolver, PetscInt, Vec, PetscBool *);

/* the blocks of the structure, refused on all ranks if one of them has no room; options may be read again before the set-up */
static PetscErrorCode CreateBlocks(Dense *dense, EngdSolver solver)
{
  EngdFunctional F = solver->functional;
  PetscReal      bytes;

  PetscFunctionBeginUser;
  if (dense->root) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdDiagonalBlocksDestroy(&dense->blocks));
  PetscCall(EngdDiagonalBlocksCreate(F->model, solver->structure, &dense->blocks));
  bytes = Bytes(dense, F);
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &bytes, 1, MPIU_REAL, MPIU_MAX, F->comm));
  PetscCheck(bytes <= F->options.memory_limit, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_direction dense needs %.3g bytes for a matrix of order %" PetscInt_FMT
             ", more than -engd_memory_limit %.3g; raise it, or choose -tao_engd_direction krylov%s",
             (double)bytes, dense->blocks.largest, (double)F->options.memory_limit,
             solver->structure == ENGD_STRUCTURE_FULL ? " or -tao_engd_structure layer" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Dense(EngdDirection direction, EngdSolver solver,
                                           EngdOptionItems PetscOptionsObject)
{
  Dense         *dense  = (Dense *)direction->data;
  EngdFunctional F      = solver->functional;
  PetscInt       choice = dense->type;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Direction dense");
  PetscCall(PetscOptionsEList("-tao_engd_dense_type", "Pure Newton (ldlt, eigen with a cut-off), absolute, cubic",
                              "EngdDirection", types, 4, types[choice], &choice, NULL));
  dense->type = (DenseType)choice;
  PetscCall(
      PetscOptionsReal("-tao_engd_dense_epsilon",
                       "Eigenvalues below this part of the largest: raised to it (absolute) or left out (eigen), "
                       "from 0 to below 1",
                       "EngdDirection", dense->epsilon, &dense->epsilon, NULL));
  PetscCheck(dense->epsilon >= 0 && dense->epsilon < 1, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_dense_epsilon %g: give a number from 0 to below 1", (double)dense->epsilon);
  PetscCall(PetscOptionsReal("-tao_engd_dense_cubic", "First factor M of |d|^3/3 in the cubic model, positive",
                             "EngdDirection", dense->initial_M, &dense->initial_M, NULL));
  PetscCheck(dense->initial_M > 0 && !PetscIsInfReal(dense->initial_M), F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_dense_cubic %g: give a positive number", (double)dense->initial_M);
  PetscCall(PetscOptionsInt("-tao_engd_dense_refresh", "Iterations from one operator to the next, positive",
                            "EngdDirection", dense->refresh, &dense->refresh, NULL));
  PetscCheck(dense->refresh > 0, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_dense_refresh %" PetscInt_FMT ": give a positive number", dense->refresh);
  PetscCall(PetscOptionsReal("-tao_engd_dense_ema",
                             "beta of the average of the operators, beta old + (1 - beta) new, from 0 to below 1",
                             "EngdDirection", dense->ema, &dense->ema, NULL));
  PetscCheck(dense->ema >= 0 && dense->ema < 1, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_dense_ema %g: give a number from 0 to below 1", (double)dense->ema);
  PetscOptionsHeadEnd();
  direction->damping_name = dense->type == DENSE_CUBIC ? "cubic M" : NULL;
  direction->ops->retry   = dense->type == DENSE_CUBIC ? Retry_Dense : NULL;
  direction->features     = FEATURES | (dense->type == DENSE_CUBIC ? ENGD_DIRECTION_MODELS : ENGD_DIRECTION_DAMPED);
  PetscCall(CreateBlocks(dense, solver));
  direction->bytes = Bytes(dense, F);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_Dense(EngdDirection direction, EngdSolver solver)
{
  Dense       *dense = (Dense *)direction->data;
  const size_t size  = dense->blocks.at[dense->blocks.n];
  PetscInt     p;
  Vec          v;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(solver->G, &v, NULL));
  PetscCall(VecScatterCreateToZero(v, &dense->scatter, &dense->root));
  PetscCall(VecDestroy(&v));
  PetscCall(VecGetLocalSize(dense->root, &p));
  PetscCall(PetscMalloc4(p, &dense->l, p, &dense->c, p, &dense->y, p, &dense->pivot));
  PetscCall(PetscMalloc1(p || !solver->functional->curvature->for_hessian ? size : 0, &dense->H));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H, or the average with a new one, on rank 0 */
static PetscErrorCode Form(Dense *dense, EngdSolver solver)
{
  PetscReal sum = 0;
  PetscInt  p;

  PetscFunctionBeginUser;
  PetscCall(EngdExplicitGramian(solver->G, &dense->blocks, dense->formed < 0 ? 0 : dense->ema, dense->H));
  PetscCall(VecGetLocalSize(dense->root, &p));
  for (size_t i = 0; p && i < dense->blocks.at[dense->blocks.n]; i++) sum += 0 * dense->H[i];
  PetscCallMPI(MPI_Bcast(&sum, 1, MPIU_REAL, 0, solver->functional->comm));
  if (sum == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalCheck(solver->functional));
  SETERRQ(solver->functional->comm, ENGD_ERR_NUMERICS,
          "the dense operator has entries that are not finite; scale the problem or start from smaller parameters");
}

/* H + lambda I = L L^T on all ranks, V on rank 0 being overwritten by all of the matrix; positive = false where it is not */
static PetscErrorCode TryCholesky(Dense *dense, EngdSolver solver, PetscReal lambda)
{
  MPI_Comm       comm = solver->functional->comm;
  const PetscInt n    = dense->blocks.largest;
  PetscMPIInt   *count, rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  for (PetscInt j = 0; !rank && j < n; j++) {
    for (PetscInt i = 0; i < j; i++) dense->V[ENGD_COUNT(i, n) + j] = dense->V[ENGD_COUNT(j, n) + i];
    dense->V[ENGD_COUNT(j, n) + j] += lambda;
  }
  if (!dense->cholesky) {
    PetscCall(EngdPanelsCreate(comm, &dense->cholesky));
    PetscCall(EngdPanelsSetSizes(dense->cholesky, n, n, 1));
    PetscCall(PetscMalloc1(n, &dense->whole));
  }
  PetscCall(PetscCalloc1(size, &count));
  PetscCall(PetscMPIIntCast(n, &count[0]));
  PetscCall(EngdPanelsDeal(dense->cholesky, comm, size, n, count, PETSC_FALSE, n, dense->V));
  PetscCall(PetscFree(count));
  PetscCall(EngdPanelsCholesky(dense->cholesky, &dense->positive));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x on rank 0 <- (H + lambda I)^{-1} x */
static PetscErrorCode SolveCholesky(Dense *dense, EngdSolver solver, PetscReal x[])
{
  PetscMPIInt n, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(solver->functional->comm, &rank));
  PetscCall(PetscMPIIntCast(dense->blocks.largest, &n));
  if (!rank) PetscCall(PetscArraycpy(dense->whole, x, n));
  PetscCallMPI(MPI_Bcast(dense->whole, n, MPIU_REAL, 0, solver->functional->comm));
  PetscCall(EngdPanelsCholeskySolve(dense->cholesky, dense->whole));
  if (!rank) PetscCall(PetscArraycpy(x, dense->whole, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H + lambda I = U D U^T, or H = V diag(l) V^T; all ranks fail alike */
static PetscErrorCode Factor(Dense *dense, EngdSolver solver, PetscReal lambda)
{
  const size_t size = dense->blocks.at[dense->blocks.n];
  PetscInt     p, info = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.eigen, 0, 0, 0, 0));
  PetscCall(VecGetLocalSize(dense->root, &p));
  if (p && KeepsOperator(dense)) {
    if (!dense->V) PetscCall(PetscMalloc1(size, &dense->V));
    PetscCall(PetscArraycpy(dense->V, dense->H, size));
  }
  dense->positive = PETSC_FALSE;
  if (dense->type == DENSE_LDLT && dense->blocks.n == 1 && dense->blocks.largest >= CHOLESKY) {
    PetscCall(TryCholesky(dense, solver, lambda));
    if (p && !dense->positive) PetscCall(PetscArraycpy(dense->V, dense->H, size));
  }
  if (p && dense->type == DENSE_LDLT && !dense->positive)
    PetscCall(EngdDiagonalBlocksFactor(&dense->blocks, lambda, dense->V, dense->pivot, &info));
  else if (p && dense->type != DENSE_LDLT)
    PetscCall(EngdDiagonalBlocksEigen(&dense->blocks, Factors(dense), dense->l, &info));
  dense->lambda = lambda;
  PetscCallMPI(MPI_Bcast(&info, 1, MPIU_INT, 0, solver->functional->comm));
  PetscCall(PetscLogEventEnd(engd_log.eigen, 0, 0, 0, 0));
  PetscCheck(!info || dense->type != DENSE_LDLT, solver->functional->comm, ENGD_ERR_NUMERICS,
             "-tao_engd_dense_type ldlt: the operator is singular, pivot %" PetscInt_FMT
             " is zero; take a positive -tao_engd_damping, or -tao_engd_dense_type eigen",
             info);
  PetscCheck(!info, solver->functional->comm, ENGD_ERR_NUMERICS,
             "the eigendecomposition of the dense operator failed (LAPACK syevd: %" PetscInt_FMT ")", info);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H of the present theta, or one that is not too old. After a rejection there theta is the same: an old H is to blame */
static PetscErrorCode Refresh(Dense *dense, EngdSolver solver)
{
  const PetscInt64 now = solver->functional->present.generation;
  PetscBool        old = (PetscBool)(dense->formed != now && (dense->age >= dense->refresh || dense->used == now));

  PetscFunctionBeginUser;
  if (dense->formed < 0 || old) {
    PetscCall(Form(dense, solver));
    PetscCall(Factor(dense, solver, solver->damping.lambda));
    dense->formed = now;
    dense->age    = 1;
  } else {
    if (dense->type == DENSE_LDLT && dense->lambda != solver->damping.lambda)
      PetscCall(Factor(dense, solver, solver->damping.lambda));
    if (dense->used != now) dense->age++;
  }
  dense->used = now;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H, or its eigenvectors and eigenvalues where they have overwritten it, where later iterations read them; what follows from H is
   made again */
static PetscErrorCode OperatorState(Dense *dense, EngdSolver solver, EngdArchive a)
{
  PetscBool kept = (PetscBool)(dense->formed >= 0 && (dense->ema > 0 || dense->age < dense->refresh));

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveBool(a, "has_operator", &kept, PETSC_FALSE));
  if (EngdArchiveChanges(a) && !kept) dense->formed = -1;
  if (!kept) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchiveOwnerReals(a, "operator", 0, dense->blocks.at[dense->blocks.n], dense->H));
  if (!KeepsOperator(dense))
    PetscCall(EngdArchiveOwnerReals(a, "eigenvalues", 0, (size_t)dense->blocks.start[dense->blocks.n], dense->l));
  else if (EngdArchiveChanges(a))
    PetscCall(Factor(dense, solver, dense->lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* another type may want what the one before has overwritten */
static PetscErrorCode State_Dense(EngdDirection direction, EngdSolver solver, EngdArchive a)
{
  Dense *dense = (Dense *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveMatchString(a, "dense_type", "-tao_engd_dense_type", types[dense->type]));
  PetscCall(EngdArchiveInt64(a, "formed", &dense->formed, -1));
  PetscCall(EngdArchiveInt64(a, "used", &dense->used, -1));
  PetscCall(EngdArchiveCount(a, "age", &dense->age, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveReal(a, "lambda", &dense->lambda, 0));
  PetscCall(EngdArchiveReal(a, "M", &dense->M, dense->initial_M));
  PetscCall(EngdArchiveBool(a, "predicts", &dense->predicts, PETSC_FALSE));
  PetscCall(EngdArchiveReal(a, "linear", &dense->linear, 0));
  PetscCall(EngdArchiveReal(a, "quadratic", &dense->quadratic, 0));
  PetscCall(EngdArchiveReal(a, "cube", &dense->cube, 0));
  PetscCall(OperatorState(dense, solver, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y of the cubic model, and what this says */
static void FilterCubic(Dense *dense)
{
  const PetscInt p = dense->blocks.start[dense->blocks.n];

  EngdCubicMinimize(p, dense->l, dense->c, dense->M, dense->y);
  dense->linear = dense->quadratic = dense->cube = 0;
  for (PetscInt i = 0; i < p; i++) {
    dense->linear += dense->c[i] * dense->y[i];
    dense->quadratic += 0.5 * dense->l[i] * PetscSqr(dense->y[i]);
    dense->cube += PetscSqr(dense->y[i]);
  }
  dense->cube = dense->M / 3 * PetscPowReal(dense->cube, 1.5);
}

/* y from c in the basis of eigenvectors, on rank 0, for a block */
static void FilterBlock(Dense *dense, PetscReal lambda, PetscInt b)
{
  const PetscInt  first = dense->blocks.start[b], end = dense->blocks.start[b + 1];
  const PetscBool absolute = (PetscBool)(dense->type == DENSE_ABSOLUTE);
  const PetscReal most     = PetscMax(PetscAbsReal(dense->l[first]), PetscAbsReal(dense->l[end - 1]));
  const PetscReal edge     = dense->epsilon * most;

  for (PetscInt i = first; i < end; i++) {
    const PetscReal l     = dense->l[i];
    const PetscReal value = absolute ? PetscMax(PetscAbsReal(l), edge) + lambda : l + lambda;

    dense->y[i] = PetscAbsReal(value) > edge || (absolute && value > 0) ? -dense->c[i] / value : 0;
  }
}

/* d = V y, from rank 0 */
static PetscErrorCode Expand(Dense *dense, EngdSolver solver, EngdDirection direction, Vec d)
{
  PetscReal *root;
  PetscInt   p;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(dense->root, &p));
  PetscCall(VecGetArray(dense->root, &root));
  if (p) {
    if (dense->type == DENSE_CUBIC) FilterCubic(dense);
    for (PetscInt b = 0; dense->type != DENSE_CUBIC && b < dense->blocks.n; b++)
      FilterBlock(dense, solver->damping.lambda, b);
    PetscCall(EngdDiagonalBlocksMult(&dense->blocks, "N", Factors(dense), dense->y, root));
  }
  PetscCall(VecRestoreArray(dense->root, &root));
  PetscCall(VecScatterBegin(dense->scatter, dense->root, d, INSERT_VALUES, SCATTER_REVERSE));
  PetscCall(VecScatterEnd(dense->scatter, dense->root, d, INSERT_VALUES, SCATTER_REVERSE));
  if (dense->type == DENSE_CUBIC) direction->damping = dense->M;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* cubic: M from the change of the loss over the one that the model of the last direction said, if that was taken at once;
   else that of the try that was the best, not of the last one */
static PetscErrorCode AdaptCubic(Dense *dense, EngdSolver solver, PetscReal taken)
{
  EngdStatus status;
  PetscReal  said;

  PetscFunctionBeginUser;
  PetscCall(TaoEngdGetStatus(solver->tao, &status));
  said = status.step * (dense->linear + status.step * (dense->quadratic + status.step * dense->cube));
  if (dense->predicts && status.step > 0 && said < 0) {
    const PetscReal gain = solver->change / said;

    if (gain >= GAIN_GOOD) dense->M = PetscMax(CUBIC_LEAST, dense->M / CUBIC_FACTOR);
    if (gain < GAIN_BAD) dense->M *= CUBIC_FACTOR;
  } else if (status.step > 0 && taken > 0) {
    dense->M = taken;
  }
  dense->predicts = PETSC_TRUE;
  PetscCallMPI(MPI_Bcast(&dense->M, 1, MPIU_REAL, 0, solver->functional->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compute_Dense(EngdDirection direction, EngdSolver solver, Vec gradient, Vec d, PetscInt *its)
{
  Dense     *dense = (Dense *)direction->data;
  PetscReal *root;
  PetscInt   p;

  PetscFunctionBeginUser;
  *its = 0;
  PetscCall(Refresh(dense, solver));
  if (dense->type == DENSE_CUBIC) PetscCall(AdaptCubic(dense, solver, direction->taken));
  PetscCall(VecScatterBegin(dense->scatter, gradient, dense->root, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(dense->scatter, gradient, dense->root, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetLocalSize(dense->root, &p));
  PetscCall(VecGetArray(dense->root, &root));
  if (p && dense->type == DENSE_LDLT) {
    for (PetscInt i = 0; i < p; i++) root[i] = -root[i];
    if (!dense->positive) PetscCall(EngdDiagonalBlocksSolve(&dense->blocks, dense->V, dense->pivot, root));
  } else if (p) {
    PetscCall(EngdDiagonalBlocksMult(&dense->blocks, "T", Factors(dense), root, dense->c));
  }
  if (dense->type == DENSE_LDLT && dense->positive) PetscCall(SolveCholesky(dense, solver, root));
  PetscCall(VecRestoreArray(dense->root, &root));
  if (dense->type == DENSE_LDLT) {
    PetscCall(VecScatterBegin(dense->scatter, dense->root, d, INSERT_VALUES, SCATTER_REVERSE));
    PetscCall(VecScatterEnd(dense->scatter, dense->root, d, INSERT_VALUES, SCATTER_REVERSE));
  } else {
    PetscCall(Expand(dense, solver, direction, d));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* cubic: a larger M, from the same eigenvectors */
static PetscErrorCode Retry_Dense(EngdDirection direction, EngdSolver solver, PetscInt attempt, Vec d,
                                  PetscBool *more)
{
  Dense *dense = (Dense *)direction->data;

  PetscFunctionBeginUser;
  *more = (PetscBool)(attempt <= MAX_RETRIES);
  if (!*more) PetscFunctionReturn(PETSC_SUCCESS);
  dense->M *= CUBIC_FACTOR;
  dense->predicts = PETSC_FALSE;
  PetscCall(Expand(dense, solver, direction, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Dense(EngdDirection direction, PetscViewer viewer)
{
  const Dense *dense = (const Dense *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "dense: %s, blocks of G %" PetscInt_FMT ", the largest of order %" PetscInt_FMT
                                   ", a new operator every %" PetscInt_FMT " iterations, averaged with beta %g\n",
                                   types[dense->type], dense->blocks.n, dense->blocks.largest, dense->refresh,
                                   (double)dense->ema));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Dense(EngdDirection direction)
{
  Dense *dense = (Dense *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(VecScatterDestroy(&dense->scatter));
  PetscCall(VecDestroy(&dense->root));
  PetscCall(PetscFree4(dense->l, dense->c, dense->y, dense->pivot));
  PetscCall(PetscFree(dense->H));
  PetscCall(PetscFree(dense->V));
  PetscCall(EngdDiagonalBlocksDestroy(&dense->blocks));
  PetscCall(EngdPanelsDestroy(&dense->cholesky));
  PetscCall(PetscFree(dense->whole));
  PetscCall(PetscFree(dense));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_DIRECTION("dense", EngdDirectionCreate_Dense);
PetscErrorCode EngdDirectionCreate_Dense(EngdDirection direction)
{
  Dense *dense;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&dense));
  dense->type      = DENSE_LDLT;
  dense->epsilon   = 1e-10;
  dense->initial_M = 1;
  dense->refresh   = 1;
  dense->formed = dense->used    = -1;
  direction->features            = FEATURES | ENGD_DIRECTION_DAMPED;
  direction->data                = dense;
  direction->ops->setfromoptions = SetFromOptions_Dense;
  direction->ops->setup          = SetUp_Dense;
  direction->ops->state          = State_Dense;
  direction->ops->compute        = Compute_Dense;
  direction->ops->view           = View_Dense;
  direction->ops->destroy        = Destroy_Dense;
  PetscFunctionReturn(PETSC_SUCCESS);
}
