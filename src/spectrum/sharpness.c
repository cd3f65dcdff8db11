/*
  Two numbers of the exact Hessian H along a run: sharpness, its largest eigenvalue, and index, how many are negative.

  Sharpness: EPS (Krylov-Schur) to a relative residual of 1e-6, from the eigenvector of the time before. Index: the eigenvalues
  below -p epsilon max|mu|, all by LAPACK where they are at most DENSE_LIMIT and fit, else estimated by stochastic Lanczos
  quadrature (density.c), no whole number then. For tables of all eigenvalues see spectrum.c.
*/
#include <engd/private.h>
#include <math.h>

#define DENSE_LIMIT 2000
#define PROBES      10
#define STEPS       100

struct _n_EngdSharpness {
  EngdFunctional functional; /* borrowed */
  Mat            H;
  Vec            v; /* the last eigenvector, random at first */
};

/* v <- the first vector of all, random */
static PetscErrorCode Fill(EngdSharpness sharpness)
{
  PetscInt   begin, end;
  PetscReal *values;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(sharpness->v, &begin, &end));
  PetscCall(VecGetArrayWrite(sharpness->v, &values));
  for (PetscInt j = begin; j < end; j++)
    values[j - begin] = EngdRandomNormal(sharpness->functional->problem->seed, ENGD_STREAM_SPECTRUM, j, 2, 0);
  PetscCall(VecRestoreArrayWrite(sharpness->v, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSharpnessCreate - Collective; functional: set up, borrowed
*/
PetscErrorCode EngdSharpnessCreate(EngdFunctional functional, EngdSharpness *out)
{
  EngdSharpness sharpness;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&sharpness));
  sharpness->functional = functional;
  PetscCall(EngdFunctionalCreateHessian(functional, &sharpness->H));
  PetscCall(EngdModelCreateParameters(functional->model, &sharpness->v));
  PetscCall(Fill(sharpness));
  *out = sharpness;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the largest eigenvalue, NaN if it has not converged */
static PetscErrorCode ComputeLargest(EngdSharpness sharpness, PetscReal *largest)
{
  PetscInt n;
  EPS      eps;

  PetscFunctionBeginUser;
  *largest = NAN;
  PetscCall(EPSCreate(sharpness->functional->comm, &eps));
  PetscCall(EPSSetOperators(eps, sharpness->H, NULL));
  PetscCall(EPSSetProblemType(eps, EPS_HEP));
  PetscCall(EPSSetWhichEigenpairs(eps, EPS_LARGEST_REAL));
  PetscCall(EPSSetTolerances(eps, 1e-6, 100));
  PetscCall(EPSSetInitialSpace(eps, 1, &sharpness->v));
  PetscCall(EPSSolve(eps));
  PetscCall(EPSGetConverged(eps, &n));
  if (n) PetscCall(EPSGetEigenpair(eps, 0, largest, NULL, sharpness->v, NULL));
  PetscCall(EPSDestroy(&eps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* how many eigenvalues are negative, of all of them */
static PetscErrorCode CountDense(EngdSharpness sharpness, PetscInt p, PetscReal *index)
{
  PetscReal *value, zero;
  PetscBool  definite;
  PetscInt   n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(p, &value));
  PetscCall(EngdDenseEigenvalues(sharpness->H, NULL, value, &definite));
  zero = p * PETSC_MACHINE_EPSILON * PetscMax(PetscAbsReal(value[0]), PetscAbsReal(value[p - 1]));
  while (n < p && value[p - 1 - n] < -zero) n++;
  *index = n;
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* how many eigenvalues are negative, from random probes */
static PetscErrorCode Estimate(EngdSharpness sharpness, PetscInt p, PetscReal *index)
{
  EngdQuadrature q;
  PetscReal      zero = 0, error;

  PetscFunctionBeginUser;
  PetscCall(EngdQuadratureCreate(sharpness->H, sharpness->functional->problem->seed, PROBES, STEPS, &q));
  for (size_t k = 0; k < ENGD_COUNT(q.nsteps, q.nprobes); k++) zero = PetscMax(zero, PetscAbsReal(q.node[k]));
  PetscCall(EngdQuadratureCount(&q, -zero * p * PETSC_MACHINE_EPSILON, index, &error));
  *index *= p;
  PetscCall(EngdQuadratureDestroy(&q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSharpnessCompute - At theta, which the functional has afterwards; NULL for what is not wanted. Collective
*/
PetscErrorCode EngdSharpnessCompute(EngdSharpness sharpness, Vec theta, PetscReal *largest, PetscReal *index)
{
  const EngdFunctional F = sharpness->functional;
  const PetscInt       p = F->model->nparameters;
  PetscMPIInt          dense;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.spectrum, 0, 0, 0, 0));
  PetscCall(EngdFunctionalSetParameters(F, theta));
  if (largest) PetscCall(ComputeLargest(sharpness, largest));
  if (index) {
    dense = p <= DENSE_LIMIT && (PetscReal)p * p * sizeof(PetscReal) <= F->options.memory_limit;
    PetscCallMPI(MPI_Bcast(&dense, 1, MPI_INT, 0, F->comm));
    PetscCall(dense ? CountDense(sharpness, p, index) : Estimate(sharpness, p, index));
  }
  PetscCall(PetscLogEventEnd(engd_log.spectrum, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdSharpnessState - the vector that the next largest eigenvalue is looked for from. Collective */
PetscErrorCode EngdSharpnessState(EngdSharpness sharpness, EngdArchive a)
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchivePush(a, "sharpness"));
  PetscCall(EngdArchiveVec(a, "eigenvector", sharpness->v));
  if (EngdArchiveGetMode(a) == ENGD_ARCHIVE_FORGET) PetscCall(Fill(sharpness));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSharpnessDestroy(EngdSharpness *sharpness)
{
  PetscFunctionBeginUser;
  if (!*sharpness) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatDestroy(&(*sharpness)->H));
  PetscCall(VecDestroy(&(*sharpness)->v));
  PetscCall(PetscFree(*sharpness));
  PetscFunctionReturn(PETSC_SUCCESS);
}
