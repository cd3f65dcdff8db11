/*
  Direction dense: the operator of the curvature, H = V diag(l) V^T, written out (explicit_gramian.c); ENGD, Newton and its cures.

    ldlt      d = -(H + lambda I)^{-1} g                            pure Newton, indefinite or not
    eigen     d = -V f V^T g,  f = 1/(l + lambda) where |l + lambda| > eps max|l|, else 0
    absolute  d = -V f V^T g,  f = 1/(max(|l|, eps max|l|) + lambda)   saddle-free Newton (Dauphin et al., arXiv 1406.2572)
    cubic     d = argmin g.d + d.H d/2 + M/3 |d|^3                  M by the gain, and larger M as retries (Nesterov, Polyak 2006)

  -tao_engd_structure: H is one block, or a block for each layer, or diagonal; max|l| and the cut-offs are each block's own, as
  those of lstsq are; |d| of the cubic model is that of all. H is an average over iterations (Dangel, Mueller, Zeinhofer, arXiv
  2405.15603), and may serve for several (lazy Hessians, Doikov et al., arXiv 2212.00781). Factors of one block are made by all ranks,
  from some order on (dense_operator.c). Pure Newton goes up, too: -tao_engd_step fixed -tao_engd_accept_increase -tao_engd_damping 0.
*/
#include "dense.h"

#define FEATURES (ENGD_DIRECTION_STRUCTURES | ENGD_DIRECTION_HESSIAN | ENGD_DIRECTION_GAMES)

#define GAIN_GOOD    0.75 /* A gain of the cubic model above this divides M by CUBIC_FACTOR. */
#define GAIN_BAD     0.25 /* A gain below this multiplies M by it. */
#define CUBIC_FACTOR 4    /* Each retry multiplies M by it, too. */
#define CUBIC_LEAST  1e-12
#define MAX_RETRIES  30

static const char *const types[] = {"ldlt", "eigen", "absolute", "cubic"};

static PetscErrorCode Retry_Dense(EngdDirection, EngdSolver, PetscInt, Vec, PetscBool *);

/* the blocks of the structure, refused on all ranks if one of them has no room; options may be read again before the set-up */
static PetscErrorCode CreateBlocks(EngdDense *dense, EngdSolver solver)
{
  EngdFunctional F = solver->functional;
  PetscReal      bytes;

  PetscFunctionBeginUser;
  if (dense->root) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdDiagonalBlocksDestroy(&dense->blocks));
  PetscCall(EngdDiagonalBlocksCreate(F->model, solver->structure, &dense->blocks));
  PetscCall(EngdDenseOperatorBytes(dense, F, &bytes));
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
  EngdDense     *dense  = (EngdDense *)direction->data;
  EngdFunctional F      = solver->functional;
  PetscInt       choice = dense->type, spread;
  PetscBool      given;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Direction dense");
  PetscCall(PetscOptionsEList("-tao_engd_dense_type", "Pure Newton (ldlt, eigen with a cut-off), absolute, cubic",
                              "EngdDirection", types, 4, types[choice], &choice, NULL));
  dense->type = (EngdDenseType)choice;
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
  spread = dense->spread ? dense->spread : EngdDensePays(dense);
  PetscCall(PetscOptionsInt("-tao_engd_dense_spread",
                            "Order from which on the factors of one block are spread over all ranks, positive",
                            "EngdDirection", spread, &spread, &given));
  PetscCheck(spread > 0, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_dense_spread %" PetscInt_FMT ": give a positive number", spread);
  if (given) dense->spread = spread;
  PetscOptionsHeadEnd();
  direction->damping_name = dense->type == DENSE_CUBIC ? "cubic M" : NULL;
  direction->ops->retry   = dense->type == DENSE_CUBIC ? Retry_Dense : NULL;
  direction->features     = FEATURES | (dense->type == DENSE_CUBIC ? ENGD_DIRECTION_MODELS : ENGD_DIRECTION_DAMPED);
  PetscCall(CreateBlocks(dense, solver));
  PetscCall(EngdDenseOperatorBytes(dense, F, &direction->bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_Dense(EngdDirection direction, EngdSolver solver)
{
  EngdDense *dense = (EngdDense *)direction->data;
  PetscInt   p;
  Vec        v;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(solver->G, &v, NULL));
  PetscCall(VecScatterCreateToZero(v, &dense->scatter, &dense->root));
  PetscCall(VecDestroy(&v));
  PetscCall(VecGetLocalSize(dense->root, &p));
  PetscCall(PetscMalloc4(p, &dense->l, p, &dense->c, p, &dense->y, p, &dense->pivot));
  PetscCall(EngdDenseSetUpOperator(dense, solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H of the present theta, or one that is not too old. After a rejection there theta is the same: an old H is to blame */
static PetscErrorCode Refresh(EngdDense *dense, EngdSolver solver)
{
  const PetscInt64 now = solver->functional->present.generation;
  PetscBool        old = (PetscBool)(dense->formed != now && (dense->age >= dense->refresh || dense->used == now));

  PetscFunctionBeginUser;
  if (dense->formed < 0 || old) {
    PetscCall(EngdDenseForm(dense, solver));
    PetscCall(EngdDenseFactor(dense, solver, solver->damping.lambda));
    dense->formed = now;
    dense->age    = 1;
  } else {
    if (dense->type == DENSE_LDLT && dense->lambda != solver->damping.lambda)
      PetscCall(EngdDenseFactor(dense, solver, solver->damping.lambda));
    if (dense->used != now) dense->age++;
  }
  dense->used = now;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* another type may want what the one before has overwritten */
static PetscErrorCode State_Dense(EngdDirection direction, EngdSolver solver, EngdArchive a)
{
  EngdDense *dense = (EngdDense *)direction->data;

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
  PetscCall(EngdDenseOperatorState(dense, solver, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y of the cubic model, and what this says */
static void FilterCubic(EngdDense *dense)
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
static void FilterBlock(EngdDense *dense, PetscReal lambda, PetscInt b)
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
static PetscErrorCode Expand(EngdDense *dense, EngdSolver solver, EngdDirection direction, Vec d)
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
  }
  PetscCall(EngdDenseMult(dense, "N", dense->y, root));
  PetscCall(VecRestoreArray(dense->root, &root));
  PetscCall(VecScatterBegin(dense->scatter, dense->root, d, INSERT_VALUES, SCATTER_REVERSE));
  PetscCall(VecScatterEnd(dense->scatter, dense->root, d, INSERT_VALUES, SCATTER_REVERSE));
  if (dense->type == DENSE_CUBIC) direction->damping = dense->M;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* cubic: M from the change of the loss over the one that the model of the last direction said, if that was taken at once;
   else that of the try that was the best, not of the last one */
static PetscErrorCode AdaptCubic(EngdDense *dense, EngdSolver solver, PetscReal taken)
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
  EngdDense *dense = (EngdDense *)direction->data;
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
  if (dense->type == DENSE_LDLT) {
    for (PetscInt i = 0; i < p; i++) root[i] = -root[i];
    PetscCall(EngdDenseSolve(dense, solver, root));
  } else {
    PetscCall(EngdDenseMult(dense, "T", root, dense->c));
  }
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
  EngdDense *dense = (EngdDense *)direction->data;

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
  const EngdDense *dense = (const EngdDense *)direction->data;

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
  EngdDense *dense = (EngdDense *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(VecScatterDestroy(&dense->scatter));
  PetscCall(VecDestroy(&dense->root));
  PetscCall(PetscFree4(dense->l, dense->c, dense->y, dense->pivot));
  PetscCall(EngdDenseDestroyOperator(dense));
  PetscCall(EngdDiagonalBlocksDestroy(&dense->blocks));
  PetscCall(PetscFree(dense));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_DIRECTION("dense", EngdDirectionCreate_Dense);
PetscErrorCode EngdDirectionCreate_Dense(EngdDirection direction)
{
  EngdDense *dense;

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
