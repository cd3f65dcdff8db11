/*
  Direction krylov: any KSP, matrix-free.

    on G:  (J^T W J + lambda I) d = -gradient                       cg, minres, gmres, preonly, ...; G may be the exact Hessian
    on J:  min |J d + R|^2 + lambda |d|^2                            lsqr, cgls
    on the blocks of G within each layer, or its diagonal            -tao_engd_structure layer, diagonal

  KSPs for least squares get the stacked operator [J; sqrt(lambda) I], so that the condition number is not squared; G
  remains their preconditioning matrix. A KSP that stops early, for any reason, leaves a direction that is
  used: the iteration count is a regulariser too (truncated Newton; Hessian-free, Martens 2010). In a game of residuals alone J^T J is
  all of G, whose mixed derivatives are no products of residuals (EngdMaximiseCheckMixed), so that lsqr comes to where cg does.
*/
#include <engd/private.h>

typedef struct {
  EngdSolver    solver;
  PetscBool     least_squares; /* is the KSP one of those that take J */
  Mat           J, stacked;    /* stacked (nrows + p local rows, p columns) */
  Vec           R, rhs;        /* rhs = -[R; 0], and the gradient with its sign changed */
  Mat           layers;        /* -tao_engd_structure layer */
  PetscBool     backtrack;
  EngdBacktrack kept; /* if so */
} Krylov;

/* as many products with the Gramian as -ksp_max_it allows, over the ranks: two GEMMs a layer for the tangent, two for the
   adjoint, on all channels of the jets at all points */
static PetscErrorCode Estimate_Krylov(EngdDirection direction, EngdSolver solver, EngdEstimate *estimate)
{
  EngdFunctional F       = solver->functional;
  PetscReal      columns = 0;
  PetscInt       products;
  PetscMPIInt    size;
  PetscBool      game;

  PetscFunctionBeginUser;
  (void)direction;
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(KSPGetTolerances(solver->ksp, NULL, NULL, NULL, &products));
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    columns += (PetscReal)F->term[t].layout->nchannels * (PetscReal)F->problem->term[t]->points->nglobal;
  }
  PetscCall(EngdMaximiseOutputs(F, NULL, &game)); /* for which CG is not */
  *estimate         = (EngdEstimate){.suits = (PetscBool)!game, .worth = 1};
  estimate->seconds = 8 * columns * (PetscReal)F->model->nparameters * products / size / ENGD_FLOPS_PER_SECOND;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Krylov(EngdDirection direction, EngdSolver solver,
                                            EngdOptionItems PetscOptionsObject)
{
  Krylov   *krylov = (Krylov *)direction->data;
  PetscBool on_jacobian, residual;
  unsigned  features;
  PC        pc;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Direction krylov");
  PetscCall(PetscOptionsBool("-tao_engd_krylov_backtrack",
                             "Take the iterate of the Krylov method that has the lowest loss", "EngdDirection",
                             krylov->backtrack, &krylov->backtrack, NULL));
  PetscCheck(!krylov->backtrack || solver->structure != ENGD_STRUCTURE_DIAGONAL, solver->functional->comm,
             PETSC_ERR_USER_INPUT,
             "-tao_engd_krylov_backtrack with -tao_engd_structure diagonal, which has no Krylov iterates");
  PetscCall(EngdKSPGetFeatures(solver->ksp, &features));
  PetscCheck(!krylov->backtrack || !(features & ENGD_KSP_ONCE), solver->functional->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_krylov_backtrack with -ksp_type preonly, which has no Krylov iterates");
  on_jacobian = (PetscBool)((features & ENGD_KSP_JACOBIAN) != 0);
  PetscCheck(solver->structure == ENGD_STRUCTURE_FULL || !on_jacobian, solver->functional->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_structure layer and diagonal are parts of G, not of J: take -ksp_type cg");
  PetscCall(KSPGetPC(solver->ksp, &pc));
  PetscCall(EngdNystromCheck(pc, solver->functional->model->nparameters, solver->functional));
  PetscCall(EngdKfacCheck(pc, solver->functional));
  PetscOptionsHeadEnd();
  PetscCheck(!on_jacobian || !solver->functional->curvature->for_hessian, solver->functional->comm,
             PETSC_ERR_USER_INPUT,
             "-tao_engd_curvature hessian: the exact Hessian is no J^T J, which -ksp_type lsqr and cgls need; take "
             "minres, cg or gmres, or -tao_engd_curvature gauss_newton");
  PetscCall(EngdExplicitHasResidual(solver->functional, &residual));
  PetscCheck(
      !on_jacobian || residual, solver->functional->comm, PETSC_ERR_USER_INPUT,
      "-ksp_type lsqr and cgls work on residuals; this problem has an energy, or its curvature %s is not that of "
      "its residuals: take -ksp_type cg",
      solver->functional->curvature->type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = [J v; sqrt(lambda) v] */
static PetscErrorCode MatMult_Stacked(Mat stacked, Vec v, Vec y)
{
  Krylov          *krylov;
  const PetscReal *in;
  PetscReal       *out;
  PetscInt         nrows, p;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(stacked, &krylov));
  nrows = krylov->solver->functional->nrows;
  PetscCall(VecGetLocalSize(v, &p));
  PetscCall(VecGetArrayWrite(y, &out));
  PetscCall(VecPlaceArray(krylov->R, out));
  PetscCall(MatMult(krylov->J, v, krylov->R));
  PetscCall(VecResetArray(krylov->R));
  PetscCall(VecGetArrayRead(v, &in));
  for (PetscInt j = 0; j < p; j++) out[nrows + j] = PetscSqrtReal(krylov->solver->damping.lambda) * in[j];
  PetscCall(VecRestoreArrayRead(v, &in));
  PetscCall(VecRestoreArrayWrite(y, &out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v = J^T y_1 + sqrt(lambda) y_2 */
static PetscErrorCode MatMultTranspose_Stacked(Mat stacked, Vec y, Vec v)
{
  Krylov          *krylov;
  const PetscReal *in;
  PetscReal       *out;
  PetscInt         nrows, p;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(stacked, &krylov));
  nrows = krylov->solver->functional->nrows;
  PetscCall(VecGetLocalSize(v, &p));
  PetscCall(VecGetArrayRead(y, &in));
  PetscCall(VecPlaceArray(krylov->R, in));
  PetscCall(MatMultTranspose(krylov->J, krylov->R, v));
  PetscCall(VecResetArray(krylov->R));
  PetscCall(VecGetArray(v, &out));
  for (PetscInt j = 0; j < p; j++) out[j] += PetscSqrtReal(krylov->solver->damping.lambda) * in[nrows + j];
  PetscCall(VecRestoreArray(v, &out));
  PetscCall(VecRestoreArrayRead(y, &in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J, the stacked operator and its right-hand side */
static PetscErrorCode SetUpLeastSquares(Krylov *krylov, EngdSolver solver)
{
  MPI_Comm comm = solver->functional->comm;
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalCreateJacobian(solver->functional, &krylov->J));
  PetscCall(MatGetLocalSize(krylov->J, NULL, &p));
  PetscCall(MatCreateVecs(krylov->J, NULL, &krylov->R));
  PetscCall(MatCreateShell(comm, solver->functional->nrows + p, p, PETSC_DETERMINE, PETSC_DETERMINE, krylov,
                           &krylov->stacked));
  PetscCall(PetscObjectSetName((PetscObject)krylov->stacked, "[Jacobian; sqrt(damping) I]"));
  PetscCall(MatShellSetOperation(krylov->stacked, MATOP_MULT, (void (*)(void))MatMult_Stacked));
  PetscCall(MatShellSetOperation(krylov->stacked, MATOP_MULT_TRANSPOSE, (void (*)(void))MatMultTranspose_Stacked));
  PetscCall(MatSetUp(krylov->stacked));
  PetscCall(MatCreateVecs(krylov->stacked, NULL, &krylov->rhs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_Krylov(EngdDirection direction, EngdSolver solver)
{
  Krylov  *krylov = (Krylov *)direction->data;
  unsigned features;
  PC       pc;
  Mat      A;
  Vec      x;

  PetscFunctionBeginUser;
  krylov->solver = solver;
  PetscCall(EngdKSPGetFeatures(solver->ksp, &features));
  krylov->least_squares = (PetscBool)((features & ENGD_KSP_JACOBIAN) != 0);
  PetscCall(KSPGetPC(solver->ksp, &pc));
  PetscCheck(
      !krylov->least_squares || !solver->functional->curvature->for_hessian, solver->functional->comm,
      PETSC_ERR_USER_INPUT,
      "-tao_engd_curvature hessian: the exact Hessian is no J^T J, which -ksp_type lsqr and cgls need; take minres, "
      "cg or gmres, or -tao_engd_curvature gauss_newton");
  if (features & ENGD_KSP_NO_PC) PetscCall(PCSetType(pc, PCNONE)); /* it is not set up in vain */
  if (krylov->least_squares)
    PetscCall(SetUpLeastSquares(krylov, solver));
  else
    PetscCall(MatCreateVecs(solver->G, NULL, &krylov->rhs));
  if (solver->structure == ENGD_STRUCTURE_LAYER) PetscCall(EngdGramianCreateLayers(solver->G, &krylov->layers));
  A = krylov->least_squares ? krylov->stacked : krylov->layers ? krylov->layers : solver->G;
  PetscCall(KSPSetOperators(solver->ksp, A, solver->P ? solver->P : solver->G));
  if (!krylov->backtrack) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatCreateVecs(solver->G, &x, NULL));
  PetscCall(EngdBacktrackCreate(solver->ksp, x, &krylov->kept));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rhs = -gradient, or -[R; 0] */
static PetscErrorCode FormRightHandSide(Krylov *krylov, EngdSolver solver, Vec gradient)
{
  PetscReal *out;

  PetscFunctionBeginUser;
  if (!krylov->least_squares)
    PetscCall(VecCopy(gradient, krylov->rhs));
  else {
    PetscCall(VecZeroEntries(krylov->rhs));
    PetscCall(VecGetArray(krylov->rhs, &out));
    PetscCall(VecPlaceArray(krylov->R, out));
    PetscCall(EngdFunctionalResidual(solver->functional, krylov->R));
    PetscCall(VecResetArray(krylov->R));
    PetscCall(VecRestoreArray(krylov->rhs, &out));
  }
  PetscCall(VecScale(krylov->rhs, -1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc's CG stops where the sign of the curvature changes: at negative curvature from the start its d goes up. Unless that is
   wanted, the direction is then P^{-1} rhs, as in Newton-CG (Nocedal and Wright, section 7.1) */
static PetscErrorCode LeaveNegativeCurvature(EngdSolver solver, Vec rhs, Vec d)
{
  PetscReal descent;
  PetscBool cg;
  PC        pc;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)solver->ksp, KSPCG, &cg));
  if (!cg || solver->accept_increase) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDot(rhs, d, &descent));
  if (!(descent <= 0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetPC(solver->ksp, &pc));
  PetscCall(PCApply(pc, rhs, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compute_Krylov(EngdDirection direction, EngdSolver solver, Vec gradient, Vec d, PetscInt *its)
{
  Krylov            *krylov = (Krylov *)direction->data;
  KSPConvergedReason reason;
  Vec                theta;

  PetscFunctionBeginUser;
  if (solver->structure == ENGD_STRUCTURE_DIAGONAL) {
    *its = 0;
    PetscCall(MatGetDiagonal(solver->G, krylov->rhs));
    PetscCall(VecPointwiseDivide(d, gradient, krylov->rhs)); /* zero where both are */
    PetscCall(VecScale(d, -1));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(FormRightHandSide(krylov, solver, gradient));
  if (krylov->least_squares) PetscCall(PetscObjectStateIncrease((PetscObject)krylov->stacked));
  if (krylov->layers) PetscCall(PetscObjectStateIncrease((PetscObject)krylov->layers));
  if (krylov->kept) PetscCall(EngdBacktrackBegin(krylov->kept));
  PetscCall(KSPSolve(solver->ksp, krylov->rhs, d));
  PetscCall(KSPGetIterationNumber(solver->ksp, its));
  PetscCall(KSPGetConvergedReason(solver->ksp, &reason));
  PetscCheck(reason != KSP_DIVERGED_PC_FAILED, solver->functional->comm, ENGD_ERR_NUMERICS,
             "the preconditioner of the direction could not be set up; raise its damping");
  PetscCheck(reason != KSP_DIVERGED_NANORINF, solver->functional->comm, ENGD_ERR_NUMERICS,
             "products with the operator of the direction are not finite; check the residuals' derivatives");
  if (krylov->kept) {
    PetscCall(TaoGetSolution(solver->tao, &theta));
    PetscCall(EngdBacktrackChoose(krylov->kept, solver->functional, theta, d));
  }
  PetscCall(LeaveNegativeCurvature(solver, krylov->rhs, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the preconditioner keeps */
static PetscErrorCode State_Krylov(EngdDirection direction, EngdSolver solver, EngdArchive a)
{
  PC pc;

  PetscFunctionBeginUser;
  (void)direction;
  PetscCall(KSPGetPC(solver->ksp, &pc));
  PetscCall(EngdPCState(pc, solver->P ? solver->P : solver->G, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Krylov(EngdDirection direction, PetscViewer viewer)
{
  Krylov *krylov = (Krylov *)direction->data;

  PetscFunctionBeginUser;
  if (krylov->backtrack) PetscCall(PetscViewerASCIIPrintf(viewer, "direction: the iterate with the lowest loss\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Krylov(EngdDirection direction)
{
  Krylov *krylov = (Krylov *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(EngdBacktrackDestroy(&krylov->kept));
  PetscCall(MatDestroy(&krylov->layers));
  PetscCall(MatDestroy(&krylov->J));
  PetscCall(MatDestroy(&krylov->stacked));
  PetscCall(VecDestroy(&krylov->R));
  PetscCall(VecDestroy(&krylov->rhs));
  PetscCall(PetscFree(krylov));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_DIRECTION("krylov", EngdDirectionCreate_Krylov);
PetscErrorCode EngdDirectionCreate_Krylov(EngdDirection direction)
{
  Krylov *krylov;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&krylov));
  direction->features = ENGD_DIRECTION_STRUCTURES | ENGD_DIRECTION_HESSIAN | ENGD_DIRECTION_KSP |
                        ENGD_DIRECTION_DAMPED | ENGD_DIRECTION_GAMES;
  direction->data                = krylov;
  direction->ops->estimate       = Estimate_Krylov;
  direction->ops->setfromoptions = SetFromOptions_Krylov;
  direction->ops->view           = View_Krylov;
  direction->ops->setup          = SetUp_Krylov;
  direction->ops->state          = State_Krylov;
  direction->ops->compute        = Compute_Krylov;
  direction->ops->destroy        = Destroy_Krylov;
  PetscFunctionReturn(PETSC_SUCCESS);
}
