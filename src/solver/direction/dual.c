/*
  Direction dual (ENGD-W): the damped Gauss-Newton step by the kernel of the residual, for more parameters than residuals.

    d = -J^T (K + lambda I)^{-1} R,  K = J J^T (N, N)        the same d as -(J^T J + lambda I)^{-1} gradient

    cholesky   of K + lambda I, K formed (ntk.c), on all ranks (panels.c)
    single     the same with K by products in float32, corrected by CG with float64's (dual_single.c)
    krylov     the KSP on K + lambda I, K formed, or as products J (J^T v) that need no memory
    auto       cholesky, or where -engd_memory_limit has no room for K krylov by products, preconditioned by nystrom

  K is kept while theta and the points are the same: after a rejection, which raises lambda, only the factorisation is new.
  One that fails, lambda being below the rounding of K, raises lambda itself. K squares the condition number of J. With momentum
  mu (SPRING, Goldshlager, Abrahamsen, Lin, arXiv 2401.10190; for PDEs, Guzman-Cordero et al., 2505.12149), in iteration k

    phi = J^T (K + lambda I)^{-1} (R - mu J phi_old) + mu phi_old,   d = -phi / sqrt(1 - mu^{2k})

  which a rejection starts anew. Curvatures without a residual (energies, L2, H1) are refused.
*/
#include "dual.h"

/* Poisson 5D, 10 065 parameters, lambda 1e-16 |K|: some 4 iterations of the correction; with 48 up to 30 */
#define DIRECTIONS 80

enum { AUTO, CHOLESKY, KRYLOV };
#define NO_KERNEL 3 /* what comes behind the forms of -tao_engd_dual_kernel */

#define WORTH 2.5 /* an eighth of tsvd: measured on Poisson 5D, 10 065 parameters, where J has full rank above 1e-9 */

/* sizes and the memory of the rank that needs most */
static PetscErrorCode Measure(EngdDual *dual, EngdFunctional F)
{
  PetscMPIInt size;
  PetscReal   block;

  PetscFunctionBeginUser;
  PetscCall(EngdNTKDestroy(&dual->kernel));
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(EngdExplicitCountRows(F, &dual->nrows));
  dual->bytes = 0;
  if (!dual->formed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(
      EngdNTKCreate(F, (EngdNTKForm)dual->form, dual->single ? dual->directions : ENGD_NTK_DOUBLE, &dual->kernel));
  PetscCall(EngdNTKGetBytes(dual->kernel, &dual->bytes));
  block = (PetscReal)sizeof(PetscReal) * size * PetscSqr((PetscReal)EngdNTKLargestRows(dual->kernel));
  dual->bytes += block * (dual->krylov ? 1 : size > 1 ? 4 : 2); /* K, its factor, what is sent and received */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckUse(const EngdDual *dual, EngdFunctional F)
{
  PetscBool residual;

  PetscFunctionBeginUser;
  PetscCall(EngdExplicitHasResidual(F, &residual));
  PetscCheck(residual, F->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_direction dual works on residuals; this problem has an energy, or its curvature %s is not "
             "that of its "
             "residuals: choose -tao_engd_direction krylov or tsvd",
             F->curvature->type);
  PetscCheck(
      dual->bytes <= F->options.memory_limit, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
      "-tao_engd_direction dual needs %.3g bytes a rank for its kernel, more than -engd_memory_limit %.3g; raise "
      "it, use more ranks, or choose -tao_engd_dual_solver auto, or krylov with -tao_engd_dual_kernel none",
      (double)dual->bytes, (double)F->options.memory_limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* N^2 p flops for the kernel and N^3/3 for its factors, over the ranks. It squares the condition number of J */
static PetscErrorCode Estimate_Dual(EngdDirection direction, EngdSolver solver, EngdEstimate *estimate)
{
  EngdFunctional  F = solver->functional;
  const PetscReal p = F->model->nparameters;
  PetscInt        nrows;
  PetscReal       N;
  PetscBool       residual;
  PetscMPIInt     size;

  PetscFunctionBeginUser;
  (void)direction;
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(EngdExplicitHasResidual(F, &residual));
  PetscCall(EngdExplicitCountRows(F, &nrows));
  N = nrows;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &N, 1, MPIU_REAL, MPIU_SUM, F->comm));
  estimate->suits   = (PetscBool)(residual && p > N);
  estimate->worth   = WORTH;
  estimate->bytes   = 3. * sizeof(PetscReal) * N * N / size;
  estimate->seconds = residual ? (N * N * p + N * N * N / 3) / size / ENGD_FLOPS_PER_SECOND : PETSC_INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the PC of the KSP has its options: one that was not asked for is for the Gramian, and gives way to none, or to nystrom where the KSP
   was not asked for either */
static PetscErrorCode SetPreconditioner(const EngdDual *dual, EngdSolver solver)
{
  const char *prefix, *type;
  unsigned    features;
  PetscInt    N;
  PetscBool   asked;
  PC          pc;

  PetscFunctionBeginUser;
  PetscCall(KSPGetPC(solver->ksp, &pc));
  PetscCall(KSPGetOptionsPrefix(solver->ksp, &prefix));
  PetscCall(PetscOptionsHasName(NULL, prefix, "-pc_type", &asked));
  if (!asked) PetscCall(PCSetType(pc, dual->solver == AUTO ? "nystrom" : PCNONE));
  if (!asked) PetscCall(PCSetFromOptions(pc));
  PetscCall(PCGetType(pc, &type));
  PetscCall(EngdPCGetFeatures(pc, &features));
  PetscCheck(features & ENGD_PC_PRODUCTS, solver->functional->comm, PETSC_ERR_ARG_WRONG,
             "-pc_type %s does not fit the kernel of -tao_engd_dual_solver krylov; take none or nystrom", type);
  PetscCall(MPIU_Allreduce(&dual->nrows, &N, 1, MPIU_INT, MPI_SUM, solver->functional->comm));
  PetscCall(EngdNystromCheck(pc, N, solver->functional));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is it the KSP, and is K formed */
static PetscErrorCode ChooseSolver(EngdDual *dual, EngdFunctional F)
{
  PetscFunctionBeginUser;
  dual->formed = (PetscBool)(dual->form != NO_KERNEL);
  dual->krylov = (PetscBool)(dual->solver == KRYLOV || (dual->solver == AUTO && !dual->formed));
  PetscCheck(dual->krylov || dual->formed, F->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_dual_kernel none leaves nothing to factor; take -tao_engd_dual_solver auto or krylov");
  PetscCheck(!dual->single || !dual->krylov, F->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_dual_precision single is for -tao_engd_dual_solver cholesky, whose factors are corrected; "
             "leave one out");
  PetscCall(Measure(dual, F));
  if (dual->solver != AUTO || dual->single || dual->bytes <= F->options.memory_limit)
    PetscFunctionReturn(PETSC_SUCCESS);
  dual->krylov = PETSC_TRUE;
  dual->formed = PETSC_FALSE;
  PetscCall(Measure(dual, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Dual(EngdDirection direction, EngdSolver solver,
                                          EngdOptionItems PetscOptionsObject)
{
  const char *const solvers[] = {"auto", "cholesky", "krylov"}, *const kernels[] = {"auto", "gram", "rows", "none"};
  const char *const precisions[] = {"double", "single"};
  EngdDual         *dual         = (EngdDual *)direction->data;
  MPI_Comm          comm         = solver->functional->comm;
  PetscInt          precision    = dual->single;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Direction dual");
  PetscCall(PetscOptionsEList("-tao_engd_dual_solver",
                              "How K + lambda I is solved with: cholesky; krylov, the KSP; auto: cholesky, or "
                              "where there is no memory for K the KSP with products",
                              "EngdDirection", solvers, 3, solvers[dual->solver], &dual->solver, NULL));
  PetscCall(PetscOptionsEList("-tao_engd_dual_kernel",
                              "How a layer enters K: by Gram matrices, by rows of J, auto: the cheaper of the two; "
                              "none: K is not formed",
                              "EngdNTKCreate", kernels, 4, kernels[dual->form], &dual->form, NULL));
  PetscCall(PetscOptionsEList("-tao_engd_dual_precision",
                              "Products of rows of J for K: double; single, then corrected to what double leaves",
                              "EngdNTKCreate", precisions, 2, precisions[precision], &precision, NULL));
  PetscCall(PetscOptionsInt("-tao_engd_dual_directions", "Directions of each layer in double, not negative",
                            "EngdNTKCreate", dual->directions, &dual->directions, NULL));
  PetscCheck(dual->directions >= 0, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_dual_directions %" PetscInt_FMT ": give a number of directions, or 0", dual->directions);
  PetscCall(PetscOptionsReal("-tao_engd_dual_momentum", "mu of SPRING, from 0 to below 1", "EngdDirection",
                             dual->momentum, &dual->momentum, NULL));
  PetscCheck(dual->momentum >= 0 && dual->momentum < 1, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_dual_momentum %g: give a number from 0 to below 1", (double)dual->momentum);
  PetscCall(PetscOptionsBool("-tao_engd_dual_bias_correction", "Divide by sqrt(1 - mu^{2k}) in iteration k",
                             "EngdDirection", dual->corrected, &dual->corrected, NULL));
  PetscOptionsHeadEnd();
  direction->momentum = dual->momentum;
  dual->single        = (PetscBool)precision;
  PetscCall(ChooseSolver(dual, solver->functional));
  direction->features = ENGD_DIRECTION_DAMPED | (dual->krylov ? ENGD_DIRECTION_KSP : 0);
  PetscCall(CheckUse(dual, solver->functional));
  if (dual->krylov) PetscCall(SetPreconditioner(dual, solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_Dual(EngdDirection direction, EngdSolver solver)
{
  EngdDual      *dual = (EngdDual *)direction->data;
  EngdFunctional F    = solver->functional;

  PetscFunctionBeginUser;
  PetscCall(Measure(dual, F)); /* again: there may be more points than when the options were read */
  direction->bytes = dual->bytes;
  PetscCall(EngdFunctionalCreateJacobian(F, &dual->J));
  PetscCall(MatCreateVecs(dual->J, &dual->phi, &dual->R));
  PetscCall(VecDuplicate(dual->phi, &dual->Jt));
  PetscCall(VecDuplicate(dual->R, &dual->y));
  PetscCall(VecZeroEntries(dual->phi));
  PetscCall(EngdDualSetUpSystem(dual, solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K is a function of theta and the points, and is made again */
static PetscErrorCode State_Dual(EngdDirection direction, EngdSolver solver, EngdArchive a)
{
  EngdDual *dual = (EngdDual *)direction->data;
  PC        pc;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveVec(a, "phi", dual->phi));
  PetscCall(EngdArchiveCount(a, "k", &dual->k, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveInt64(a, "generation", &dual->generation, -1));
  if (dual->single) PetscCall(EngdArchiveCount(a, "wait", &dual->wait, ENGD_ARCHIVE_MANY));
  if (dual->single) PetscCall(EngdArchiveCount(a, "left", &dual->left, ENGD_ARCHIVE_MANY));
  if (EngdArchiveChanges(a)) dual->filled = -1;
  if (!dual->krylov) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetPC(solver->ksp, &pc));
  PetscCall(EngdPCState(pc, dual->A, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R <- R - mu J phi; the momentum begins anew after a rejection, which leaves theta and the points as they were */
static PetscErrorCode SubtractMomentum(EngdDual *dual, PetscBool rejected)
{
  PetscFunctionBeginUser;
  if (rejected) {
    PetscCall(VecZeroEntries(dual->phi));
    dual->k = 0;
  }
  if (dual->momentum == 0 || dual->k == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatMult(dual->J, dual->phi, dual->y));
  PetscCall(VecAXPY(dual->R, -dual->momentum, dual->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compute_Dual(EngdDirection direction, EngdSolver solver, Vec gradient, Vec d, PetscInt *its)
{
  EngdDual       *dual     = (EngdDual *)direction->data;
  EngdFunctional  F        = solver->functional;
  const PetscBool rejected = (PetscBool)(dual->generation == F->present.generation);
  const PetscReal mu       = dual->momentum;

  PetscFunctionBeginUser;
  (void)gradient;
  if (dual->filled != F->present.generation && dual->formed) PetscCall(EngdDualFormKernel(dual, F));
  dual->filled = dual->generation = F->present.generation;
  PetscCall(EngdFunctionalResidual(F, dual->R));
  PetscCall(SubtractMomentum(dual, rejected));
  PetscCall(EngdDualSolve(dual, solver, its));
  PetscCall(MatMultTranspose(dual->J, dual->y, dual->Jt));
  PetscCall(VecAYPX(dual->phi, mu, dual->Jt));
  dual->k++;
  PetscCall(VecCopy(dual->phi, d));
  PetscCall(VecScale(d, dual->corrected ? -1 / PetscSqrtReal(1 - PetscPowReal(mu, 2 * (PetscReal)dual->k)) : -1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Dual(EngdDirection direction, PetscViewer viewer)
{
  const EngdDual *dual = (const EngdDual *)direction->data;

  PetscFunctionBeginUser;
  if (dual->kernel)
    PetscCall(EngdNTKView(dual->kernel, viewer));
  else
    PetscCall(PetscViewerASCIIPrintf(viewer, "kernel by products with the Jacobian\n"));
  PetscCall(PetscViewerASCIIPrintf(viewer, "solved by %s; momentum %g%s; %.3g bytes a rank\n",
                                   dual->krylov   ? "the KSP"
                                   : dual->single ? "Cholesky in float32, corrected"
                                                  : "Cholesky",
                                   (double)dual->momentum,
                                   dual->momentum > 0 && dual->corrected ? " with bias correction" : "",
                                   (double)dual->bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Dual(EngdDirection direction)
{
  EngdDual *dual = (EngdDual *)direction->data;

  PetscFunctionBeginUser;
  PetscCall(EngdNTKDestroy(&dual->kernel));
  PetscCall(KSPDestroy(&dual->correction));
  PetscCall(MatDestroy(&dual->J));
  PetscCall(MatDestroy(&dual->K));
  PetscCall(MatDestroy(&dual->A));
  PetscCall(EngdPanelsDestroy(&dual->factor));
  PetscCall(VecDestroy(&dual->R));
  PetscCall(VecDestroy(&dual->y));
  PetscCall(VecDestroy(&dual->Kx));
  PetscCall(VecDestroy(&dual->Ky));
  PetscCall(VecDestroy(&dual->phi));
  PetscCall(VecDestroy(&dual->Jt));
  PetscCall(PetscFree(dual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_DIRECTION("dual", EngdDirectionCreate_Dual);
PetscErrorCode EngdDirectionCreate_Dual(EngdDirection direction)
{
  EngdDual *dual;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&dual));
  dual->formed     = PETSC_TRUE;
  dual->corrected  = PETSC_TRUE;
  dual->form       = ENGD_NTK_AUTO;
  dual->directions = DIRECTIONS;
  dual->generation = dual->filled = -1;
  direction->data                 = dual;
  direction->features             = ENGD_DIRECTION_DAMPED;
  direction->ops->estimate        = Estimate_Dual;
  direction->ops->setfromoptions  = SetFromOptions_Dual;
  direction->ops->setup           = SetUp_Dual;
  direction->ops->state           = State_Dual;
  direction->ops->compute         = Compute_Dual;
  direction->ops->view            = View_Dual;
  direction->ops->destroy         = Destroy_Dual;
  PetscFunctionReturn(PETSC_SUCCESS);
}
