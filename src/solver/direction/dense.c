/*
  Direction dense: the operator of the curvature, H = V diag(l) V^T, written out by p products; Newton's method and its cures.

    ldlt      d = -(H + lambda I)^{-1} g                            pure Newton, indefinite or not (Bunch-Kaufman)
    eigen     d = -V f V^T g,  f = 1/(l + lambda) where |l + lambda| > eps max|l|, else 0
    absolute  d = -V f V^T g,  f = 1/(max(|l|, eps max|l|) + lambda)   saddle-free Newton (Dauphin et al., arXiv 1406.2572)
    cubic     d = argmin g.d + d.H d/2 + M/3 |d|^3                  M by the gain, and larger M as retries (Nesterov, Polyak 2006)

  H may serve for several iterations (lazy Hessians, Doikov et al., arXiv 2212.00781). LAPACK works on rank 0, for some thousands
  of parameters. Pure Newton goes up, too: -tao_engd_step fixed -tao_engd_accept_increase -tao_engd_damping 0.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

#define GAIN_GOOD    0.75 /* of the cubic model: a better one divides M by CUBIC_FACTOR, */
#define GAIN_BAD     0.25 /* a worse one multiplies it, */
#define CUBIC_FACTOR 4    /* as each retry does */
#define CUBIC_LEAST  1e-12
#define MAX_RETRIES  30

typedef enum { DENSE_LDLT, DENSE_EIGEN, DENSE_ABSOLUTE, DENSE_CUBIC } DenseType;
static const char *const types[] = {"ldlt", "eigen", "absolute", "cubic"};

typedef struct {
  DenseType     type;
  PetscReal     epsilon, M;
  PetscInt      p, refresh, age; /* iterations from one H to the next, that this one has served */
  PetscInt64    formed, used;    /* generations of the functional that H belongs to, and of the last direction */
  VecScatter    scatter;         /* distributed -> whole on rank 0 */
  Vec           unit, column, root;
  PetscReal    *H;              /* rank 0: (p, p), without lambda; but for ldlt its eigenvectors */
  PetscReal    *l, *c, *y;      /* rank 0: eigenvalues; the gradient and the direction in their basis */
  PetscReal    *factor, lambda; /* rank 0, ldlt: factors of H + lambda I, negative: of nothing */
  PetscBLASInt *pivot;
  PetscBool     predicts; /* cubic, rank 0: is the last direction that of the model, */
  PetscReal     loss, linear, quadratic,
      cube; /* which from this loss says a change of s linear + s^2 quadratic + s^3 cube */
} Dense;

/* bytes on rank 0 */
static PetscReal Bytes(const Dense *dense)
{
  return (dense->type == DENSE_LDLT ? 2.0 : 3.0) * (PetscReal)dense->p * (PetscReal)dense->p * sizeof(PetscReal);
}

static PetscErrorCode Retry_Dense(EngdDirection, EngdSolver, PetscInt, Vec, PetscBool *);

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
                             "EngdDirection", dense->M, &dense->M, NULL));
  PetscCheck(dense->M > 0 && !PetscIsInfReal(dense->M), F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_dense_cubic %g: give a positive number", (double)dense->M);
  PetscCall(PetscOptionsInt("-tao_engd_dense_refresh", "Iterations from one operator to the next, positive",
                            "EngdDirection", dense->refresh, &dense->refresh, NULL));
  PetscCheck(dense->refresh > 0, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_dense_refresh %" PetscInt_FMT ": give a positive number", dense->refresh);
  PetscOptionsHeadEnd();
  direction->ops->retry = dense->type == DENSE_CUBIC ? Retry_Dense : NULL;
  dense->p              = F->network->nparameters;
  PetscCheck(Bytes(dense) <= F->memory_limit, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_direction dense needs %.3g bytes for a matrix of order %" PetscInt_FMT
             ", more than -engd_memory_limit %.3g; raise it, or choose -tao_engd_direction krylov",
             (double)Bytes(dense), dense->p, (double)F->memory_limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_Dense(EngdDirection direction, EngdSolver solver)
{
  Dense   *dense = (Dense *)direction->data;
  PetscInt p;

  PetscFunctionBeginUser;
  if (dense->unit) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatCreateVecs(solver->G, &dense->unit, &dense->column));
  PetscCall(VecScatterCreateToZero(dense->unit, &dense->scatter, &dense->root));
  PetscCall(VecGetLocalSize(dense->root, &p));
  PetscCall(PetscMalloc5(ENGD_COUNT(p, p), &dense->H, p, &dense->l, p, &dense->c, p, &dense->y, p, &dense->pivot));
  if (dense->type == DENSE_LDLT) PetscCall(PetscMalloc1(ENGD_COUNT(p, p), &dense->factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* column j of H, for all j, to rank 0 */
static PetscErrorCode Form(Dense *dense, EngdSolver solver)
{
  const PetscReal *column;
  PetscInt         begin, end, rows;
  PetscReal        sum = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.form, 0, 0, 0, 0));
  PetscCall(EngdGramianSetDamping(solver->G, 0));
  PetscCall(VecGetOwnershipRange(dense->unit, &begin, &end));
  PetscCall(VecGetLocalSize(dense->root, &rows));
  for (PetscInt j = 0; j < dense->p; j++) {
    PetscReal *unit;

    PetscCall(VecZeroEntries(dense->unit));
    PetscCall(VecGetArray(dense->unit, &unit));
    if (j >= begin && j < end) unit[j - begin] = 1;
    PetscCall(VecRestoreArray(dense->unit, &unit));
    PetscCall(MatMult(solver->G, dense->unit, dense->column));
    PetscCall(VecScatterBegin(dense->scatter, dense->column, dense->root, INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecScatterEnd(dense->scatter, dense->column, dense->root, INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecGetArrayRead(dense->root, &column));
    PetscCall(PetscArraycpy(dense->H + ENGD_COUNT(j, rows), column, rows));
    for (PetscInt i = 0; i < rows; i++) sum += 0 * column[i];
    PetscCall(VecRestoreArrayRead(dense->root, &column));
  }
  PetscCall(EngdGramianSetDamping(solver->G, solver->damping));
  PetscCall(PetscLogEventEnd(engd_log.form, 0, 0, 0, 0));
  PetscCallMPI(MPI_Bcast(&sum, 1, MPIU_REAL, 0, solver->functional->comm));
  if (sum == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalCheck(solver->functional));
  SETERRQ(solver->functional->comm, ENGD_ERR_NUMERICS,
          "the dense operator has entries that are not finite; scale the problem or start from smaller parameters");
}

/* H + lambda I = U D U^T, or H = V diag(l) V^T; all ranks fail alike */
static PetscErrorCode Factor(Dense *dense, EngdSolver solver)
{
  PetscInt p, info = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.eigen, 0, 0, 0, 0));
  PetscCall(VecGetLocalSize(dense->root, &p));
  if (p && dense->type == DENSE_LDLT) {
    PetscCall(PetscArraycpy(dense->factor, dense->H, ENGD_COUNT(p, p)));
    for (PetscInt j = 0; j < p; j++) dense->factor[ENGD_COUNT(j, p) + j] += solver->damping;
    PetscCall(EngdSymmetricFactor(p, dense->factor, dense->pivot, &info));
  } else if (p) {
    PetscCall(EngdSymmetricEigen("V", p, dense->H, dense->l, &info));
  }
  dense->lambda = solver->damping;
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
  const PetscInt64 now = solver->functional->generation;
  PetscBool        old = (PetscBool)(dense->formed != now && (dense->age >= dense->refresh || dense->used == now));

  PetscFunctionBeginUser;
  if (dense->formed < 0 || old) {
    PetscCall(Form(dense, solver));
    PetscCall(Factor(dense, solver));
    dense->formed = now;
    dense->age    = 1;
  } else {
    if (dense->type == DENSE_LDLT && dense->lambda != solver->damping) PetscCall(Factor(dense, solver));
    if (dense->used != now) dense->age++;
  }
  dense->used = now;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y (p) = op(V) x on rank 0 */
static PetscErrorCode MultEigenvectors(const Dense *dense, const char trans[], const PetscReal x[], PetscReal y[])
{
  const PetscReal unit = 1, zero = 0;
  PetscBLASInt    p, one         = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(dense->p, &p));
  PetscCallBLAS("BLASgemv", BLASgemv_(trans, &p, &p, &unit, dense->H, &p, x, &one, &zero, y, &one));
  PetscCall(PetscLogFlops(2.0 * dense->p * dense->p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y from c in the basis of eigenvectors, on rank 0 */
static void Filter(Dense *dense, PetscReal lambda)
{
  const PetscInt  p    = dense->p;
  const PetscReal edge = dense->epsilon * PetscMax(PetscAbsReal(dense->l[0]), PetscAbsReal(dense->l[p - 1]));

  if (dense->type == DENSE_CUBIC) {
    EngdCubicMinimize(p, dense->l, dense->c, dense->M, dense->y);
    dense->linear = dense->quadratic = dense->cube = 0;
    for (PetscInt i = 0; i < p; i++) {
      dense->linear += dense->c[i] * dense->y[i];
      dense->quadratic += 0.5 * dense->l[i] * PetscSqr(dense->y[i]);
      dense->cube += PetscSqr(dense->y[i]);
    }
    dense->cube = dense->M / 3 * PetscPowReal(dense->cube, 1.5);
    return;
  }
  for (PetscInt i = 0; i < p; i++) {
    const PetscReal l     = dense->l[i];
    const PetscReal value = dense->type == DENSE_ABSOLUTE ? PetscMax(PetscAbsReal(l), edge) + lambda : l + lambda;

    dense->y[i] =
        PetscAbsReal(value) > edge || (dense->type == DENSE_ABSOLUTE && value > 0) ? -dense->c[i] / value : 0;
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
    Filter(dense, solver->damping);
    PetscCall(MultEigenvectors(dense, "N", dense->y, root));
  }
  PetscCall(VecRestoreArray(dense->root, &root));
  PetscCall(VecScatterBegin(dense->scatter, dense->root, d, INSERT_VALUES, SCATTER_REVERSE));
  PetscCall(VecScatterEnd(dense->scatter, dense->root, d, INSERT_VALUES, SCATTER_REVERSE));
  if (dense->type == DENSE_CUBIC) direction->damping = dense->M;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* cubic: M from the change of the loss over the one that the model of the last direction said, if that was taken at once */
static PetscErrorCode AdaptCubic(Dense *dense, EngdSolver solver)
{
  EngdStatus status;
  PetscReal  loss, said;

  PetscFunctionBeginUser;
  PetscCall(TaoEngdGetStatus(solver->tao, &status));
  PetscCall(TaoGetSolutionStatus(solver->tao, NULL, &loss, NULL, NULL, NULL, NULL));
  said = status.step * (dense->linear + status.step * (dense->quadratic + status.step * dense->cube));
  if (dense->predicts && status.step > 0 && said < 0) {
    const PetscReal gain = (loss - dense->loss) / said;

    if (gain >= GAIN_GOOD) dense->M = PetscMax(CUBIC_LEAST, dense->M / CUBIC_FACTOR);
    if (gain < GAIN_BAD) dense->M *= CUBIC_FACTOR;
  }
  dense->predicts = PETSC_TRUE;
  dense->loss     = loss;
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
  if (dense->type == DENSE_CUBIC) PetscCall(AdaptCubic(dense, solver));
  PetscCall(VecScatterBegin(dense->scatter, gradient, dense->root, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(dense->scatter, gradient, dense->root, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetLocalSize(dense->root, &p));
  PetscCall(VecGetArray(dense->root, &root));
  if (p && dense->type == DENSE_LDLT) {
    for (PetscInt i = 0; i < p; i++) root[i] = -root[i];
    PetscCall(EngdSymmetricSolve(p, dense->factor, dense->pivot, root));
  } else if (p) {
    PetscCall(MultEigenvectors(dense, "T", root, dense->c));
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
                                   "dense: %s, order %" PetscInt_FMT ", a new operator every %" PetscInt_FMT
                                   " iterations, %.3g bytes on rank 0\n",
                                   types[dense->type], dense->p, dense->refresh, (double)Bytes(dense)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Dense(EngdDirection direction)
{
  Dense *dense = (Dense *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(VecScatterDestroy(&dense->scatter));
  PetscCall(VecDestroy(&dense->unit));
  PetscCall(VecDestroy(&dense->column));
  PetscCall(VecDestroy(&dense->root));
  PetscCall(PetscFree5(dense->H, dense->l, dense->c, dense->y, dense->pivot));
  PetscCall(PetscFree(dense->factor));
  PetscCall(PetscFree(dense));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDirectionCreate_Dense(EngdDirection direction)
{
  Dense *dense;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&dense));
  dense->type                    = DENSE_LDLT;
  dense->epsilon                 = 1e-10;
  dense->M                       = 1;
  dense->refresh                 = 1;
  dense->formed                  = -1;
  dense->used                    = -1;
  direction->data                = dense;
  direction->ops->setfromoptions = SetFromOptions_Dense;
  direction->ops->setup          = SetUp_Dense;
  direction->ops->compute        = Compute_Dense;
  direction->ops->view           = View_Dense;
  direction->ops->destroy        = Destroy_Dense;
  PetscFunctionReturn(PETSC_SUCCESS);
}
