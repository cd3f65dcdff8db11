/*
  The choice of a direction (-tao_engd_direction auto) by a cost model of an iteration, printed with -tao_view.

    tsvd:    QR 2 max(N,p) n^2 flops over the ranks and 2/3 n^3 for each level of their tree, n = min(N, p); on one rank 4/3 n^3
             in a QR with pivots and 22 k^3 in an SVD of order k = 2n/3
    dual:    N^2 p flops for the kernel and N^3/3 for its Cholesky factors, over the ranks; for residuals
    krylov:  as many products 8 S N p as -ksp_max_it allows, S the channels of the jets, over the ranks

  Rates: GEMM and LAPACK's blocked QR as one, a QR with pivots as a fifth of it. An iteration of tsvd is worth several of dual
  (which squares the condition number) and many of krylov: the choice is tsvd if it fits the memory and takes no more than
  so many times the seconds, else dual if p > N, else krylov. Whoever names a KSP or a PC, part of the Gramian or
  the exact Hessian, gets krylov.
*/
#include <engd/private.h>

#define FLOPS_PER_SECOND 2e10 /* of a core; only ratios matter to the choice */
#define PIVOTING         5
#define CORE             1.5 /* rows of the triangle for one above rounding: 1 to 3 */
#define WORTH_KRYLOV     20  /* measured on Poisson and heat, 257 parameters: errors of 1e-10 against 1e-5 */
#define WORTH_DUAL       8   /* measured on Poisson 5D, 10 065 parameters, where J has full rank above 1e-9 */

/* flops of one rank in a direction by tsvd, rows of the long side spread over `size` ranks */
static PetscReal FlopsTSVD(PetscReal N, PetscReal p, PetscMPIInt size)
{
  const PetscReal n = PetscMin(N, p), m = PetscMax(N, p), local = PetscMax(m / size, n), k = n / CORE;

  return 2 * n * n * (local - n / 3) + 2. / 3 * n * n * n * PetscLog2Real((PetscReal)size) +
         PIVOTING * 4. / 3 * n * n * n + 22 * k * k * k;
}

/* flops of one rank in a direction by the kernel */
static PetscReal FlopsDual(PetscReal N, PetscReal p, PetscMPIInt size)
{
  return (N * N * p + N * N * N / 3) / size;
}

/* flops of one rank in a direction by products with the Gramian: two GEMMs a layer for the tangent, two for the adjoint */
static PetscReal FlopsKrylov(EngdFunctional F, PetscInt products, PetscMPIInt size)
{
  PetscReal columns = 0;

  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    columns += (PetscReal)F->layout[t]->nchannels * (PetscReal)F->problem->term[t]->points->nglobal;
  }
  return 8 * columns * (PetscReal)F->network->nparameters * products / size;
}

/* has the user asked for something that only krylov knows */
static PetscErrorCode AsksForKrylov(EngdSolver solver, PetscBool *asks)
{
  static const char *const options[] = {"-ksp_type", "-pc_type", "-ksp_rtol", "-ksp_max_it"};

  PetscFunctionBeginUser;
  *asks = (PetscBool)(solver->structure != ENGD_STRUCTURE_FULL || solver->functional->curvature->exact);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options) && !*asks; k++)
    PetscCall(PetscOptionsHasName(NULL, NULL, options[k], asks));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDirectionChoose - the direction for a problem of this size on so many ranks with so much memory.

  Collective

  Input Parameter:
. solver - with its functional set up, its KSP and structure set from options

  Output Parameters:
+ choice - the estimates, and
- type   - the name of the direction
*/
PetscErrorCode EngdDirectionChoose(EngdSolver solver, EngdDirectionChoice *choice, const char **type)
{
  EngdFunctional  F = solver->functional;
  const PetscReal p = F->network->nparameters;
  PetscMPIInt     size;
  PetscInt        N, products;
  PetscBool       residual, dual;

  PetscFunctionBeginUser;
  *type   = "krylov";
  *choice = (EngdDirectionChoice){.made = PETSC_TRUE, .limit = F->memory_limit};
  PetscCall(AsksForKrylov(solver, &choice->asked));
  if (choice->asked) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(KSPGetTolerances(solver->ksp, NULL, NULL, NULL, &products));
  PetscCall(EngdExplicitHasResidual(F, &residual));
  PetscCall(EngdDirectionMeasure_TSVD(F, &N, &choice->tsvd_bytes));
  choice->tsvd_seconds   = FlopsTSVD(N, p, size) / FLOPS_PER_SECOND;
  choice->dual_seconds   = residual ? FlopsDual(N, p, size) / FLOPS_PER_SECOND : PETSC_INFINITY;
  choice->krylov_seconds = FlopsKrylov(F, products, size) / FLOPS_PER_SECOND;
  dual                   = (PetscBool)(residual && p > N && 3. * sizeof(PetscReal) * N * N / size <= choice->limit);
  *type                  = "tsvd";
  if (choice->tsvd_bytes > choice->limit || choice->tsvd_seconds > WORTH_KRYLOV * choice->krylov_seconds ||
      (dual && choice->tsvd_seconds > WORTH_DUAL * choice->dual_seconds))
    *type = dual ? "dual" : "krylov";
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDirectionChoiceView(const EngdDirectionChoice *choice, PetscViewer viewer)
{
  PetscFunctionBeginUser;
  if (!choice->made) PetscFunctionReturn(PETSC_SUCCESS);
  if (choice->asked)
    PetscCall(PetscViewerASCIIPrintf(viewer, "direction chosen since options ask for krylov\n"));
  else
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "direction chosen by estimates: tsvd %.2g s an iteration, %.3g of %.3g bytes a "
                                     "rank; dual %.2g s; krylov %.2g s\n",
                                     (double)choice->tsvd_seconds, (double)choice->tsvd_bytes, (double)choice->limit,
                                     (double)choice->dual_seconds, (double)choice->krylov_seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}
