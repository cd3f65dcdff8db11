/*
  (K + lambda I) y = R in direction dual, where K~ is K by products in float32: CG on float64's operator, products J (J^T x) + lambda x,
  with the Cholesky factor of K~ + (lambda + mu) I as its preconditioner.

    mu      0, or what K~ needs to be positive: a sixteenth of the errors of its products (ntk/single.c), then ever more
    end     |R - (K + lambda I) y| <= 4 eps |K|_F |y|, the backward error of a Cholesky solve in float64
    fails   after 30 iterations, then K is formed in float64

  It is iterative refinement with a step length. Reference: Higham, Pranesh, Exploiting lower precision arithmetic in solving symmetric positive definite
  linear systems and least squares problems, SIAM J. Sci. Comput. 43 (2021).
*/
#include "dual.h"

#define MOST_ITERATIONS 30
#define MOST_SHIFTS     4
#define FIRST_SHIFT     (1. / 16) /* of the errors of float32, */
#define NEXT_SHIFT      16.       /* and by what it grows */
#define BACKWARD        4.        /* errors in units of rounding */

static PetscErrorCode PCApply_Factors(PC pc, Vec b, Vec x)
{
  EngdDual *dual;

  PetscFunctionBeginUser;
  PetscCall(PCShellGetContext(pc, &dual));
  PetscCall(EngdDualApply(dual, b, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the end by the backward error; or by a residual that is only rounding of R */
static PetscErrorCode Converged(KSP ksp, PetscInt it, PetscReal rnorm, KSPConvergedReason *reason, void *data)
{
  const EngdDual *dual = (const EngdDual *)data;
  PetscReal       y, R;

  PetscFunctionBeginUser;
  *reason = KSP_CONVERGED_ITERATING;
  PetscCall(VecNorm(dual->y, NORM_2, &y));
  PetscCall(VecNorm(dual->R, NORM_2, &R));
  if (PetscIsInfOrNanReal(rnorm))
    *reason = KSP_DIVERGED_NANORINF;
  else if (rnorm <= PETSC_MACHINE_EPSILON * PetscMax(R, BACKWARD * dual->norm * y))
    *reason = KSP_CONVERGED_RTOL;
  PetscCall(PetscInfo(ksp, "iteration %" PetscInt_FMT ", residual %g, of float64 %g\n", it, (double)rnorm,
                      (double)(PETSC_MACHINE_EPSILON * dual->norm * y)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDualSetUpCorrection(EngdDual *dual, MPI_Comm comm)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(KSPCreate(comm, &dual->correction));
  PetscCall(KSPSetType(dual->correction, KSPCG));
  PetscCall(KSPSetNormType(dual->correction, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetTolerances(dual->correction, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, MOST_ITERATIONS));
  PetscCall(KSPSetConvergenceTest(dual->correction, Converged, dual, NULL));
  PetscCall(KSPSetOperators(dual->correction, dual->A, dual->A));
  PetscCall(KSPGetPC(dual->correction, &pc));
  PetscCall(PCSetType(pc, PCSHELL));
  PetscCall(PCShellSetContext(pc, dual));
  PetscCall(PCShellSetApply(pc, PCApply_Factors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* norm <- |K|_F, of the rows and columns that ranks have */
static PetscErrorCode MeasureNorm(EngdDual *dual)
{
  const PetscInt   ld = EngdNTKLargestRows(dual->kernel);
  const PetscReal *K;
  PetscReal        sum = 0;
  PetscMPIInt      size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)dual->K), &size));
  PetscCall(MatDenseGetArrayRead(dual->K, &K));
  for (PetscInt j = 0; j < size * ld; j++) {
    for (PetscInt i = 0; i < dual->nrows; i++) sum += PetscSqr(K[ENGD_COUNT(ld, j) + i]);
  }
  PetscCall(MatDenseRestoreArrayRead(dual->K, &K));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dual->K)));
  dual->norm = PetscSqrtReal(sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDualSolveCorrected(EngdDual *dual, EngdSolver solver, PetscInt *its, PetscBool *done)
{
  const PetscReal    lambda = solver->damping.lambda;
  PetscReal          mu     = 0;
  KSPConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.cholesky, 0, 0, 0, 0));
  PetscCall(MeasureNorm(dual));
  PetscCall(EngdDualFactor(dual, lambda, done));
  for (PetscInt k = 0; !*done && k < MOST_SHIFTS; k++) {
    mu = k ? NEXT_SHIFT * mu : FIRST_SHIFT * EngdNTKGetRounding(dual->kernel);
    PetscCall(EngdDualFactor(dual, lambda + mu, done));
  }
  PetscCall(PetscLogEventEnd(engd_log.cholesky, 0, 0, 0, 0));
  if (!*done) PetscFunctionReturn(PETSC_SUCCESS);
  dual->lambda = lambda;
  PetscCall(PetscObjectStateIncrease((PetscObject)dual->A));
  PetscCall(KSPSolve(dual->correction, dual->R, dual->y));
  PetscCall(KSPGetIterationNumber(dual->correction, its));
  PetscCall(KSPGetConvergedReason(dual->correction, &reason));
  PetscCall(PetscInfo(dual->correction, "%" PetscInt_FMT " iterations, lambda %g, mu %g, reason %d\n", *its,
                      (double)lambda, (double)mu, (int)reason));
  *done = (PetscBool)(reason > 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}
