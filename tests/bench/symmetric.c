/*
  Factors of a symmetric matrix by LAPACK on one rank and on all ranks: eigenvectors (syevd against eigen.c), and an indefinite matrix
  (Bunch and Kaufman's sytrf against LU by panels, with the way from rank 0 to them). Seconds, the least of several tries that take turns.

    mpirun -n 2 build/bench/symmetric [-bench_orders 200,500,1000 -bench_tries 3]

  spread is zero where there is one rank or no ScaLAPACK. A yardstick, not a test: nothing fails here. On a busy machine ranks wait for each other most of the time,
  so that what all ranks do looks slower than it is.
*/
#include "bench.h"

typedef struct {
  PetscReal syevd, spread, sytrf, lu;
} Best;

static PetscMPIInt rank, size;

/* A (n, n), symmetric and indefinite, eigenvalues of both signs */
static void Fill(PetscInt n, PetscReal A[])
{
  for (PetscInt j = 0; j < n; j++) {
    for (PetscInt i = 0; i <= j; i++)
      A[ENGD_COUNT(j, n) + i] = A[ENGD_COUNT(i, n) + j] = EngdRandomNormal(1, 0, j, 0, i);
  }
}

/* all ranks begin together, and the last one that ends counts */
static PetscErrorCode Begin(double *t)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  *t = MPI_Wtime();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(double t, PetscReal *best)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  *best = PetscMin(*best, (PetscReal)(MPI_Wtime() - t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Eigen(PetscInt n, const PetscReal A[], PetscReal B[], PetscReal l[], Best *best)
{
  PetscInt  info;
  double    t;
  EngdEigen e;

  PetscFunctionBeginUser;
  if (!rank) {
    PetscCall(PetscArraycpy(B, A, ENGD_COUNT(n, n)));
    t = MPI_Wtime();
    PetscCall(EngdSymmetricEigen("V", n, B, l, &info));
    best->syevd = PetscMin(best->syevd, (PetscReal)(MPI_Wtime() - t));
  }
  if (size == 1 || !EngdEigenAvailable()) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdEigenCreate(PETSC_COMM_WORLD, n, PETSC_FALSE, &e));
  PetscCall(EngdEigenAdd(e, A));
  PetscCall(Begin(&t));
  PetscCall(EngdEigenFactor(e, NULL, &info));
  PetscCall(End(t, &best->spread));
  PetscCall(EngdEigenDestroy(&e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Indefinite(PetscInt n, const PetscReal A[], PetscReal B[], Best *best)
{
  PetscMPIInt  *count;
  PetscBLASInt *pivot;
  PetscInt      info;
  double        t;
  EngdPanels    q;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &pivot));
  PetscCall(PetscCalloc1(size, &count));
  if (!rank) {
    PetscCall(PetscArraycpy(B, A, ENGD_COUNT(n, n)));
    t = MPI_Wtime();
    PetscCall(EngdSymmetricFactor(n, B, pivot, &info));
    best->sytrf = PetscMin(best->sytrf, (PetscReal)(MPI_Wtime() - t));
  }
  count[0] = (PetscMPIInt)n;
  PetscCall(EngdPanelsCreate(PETSC_COMM_WORLD, &q));
  PetscCall(EngdPanelsSetSizes(q, n, n, 1));
  PetscCall(Begin(&t));
  PetscCall(EngdPanelsDeal(q, PETSC_COMM_WORLD, size, n, count, PETSC_FALSE, n, A));
  PetscCall(EngdPanelsLU(q, &info));
  PetscCall(End(t, &best->lu));
  PetscCall(EngdPanelsDestroy(&q));
  PetscCall(PetscFree(count));
  PetscCall(PetscFree(pivot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Line(PetscInt n, PetscInt tries)
{
  Best best = {PETSC_INFINITY, EngdEigenAvailable() && size > 1 ? PETSC_INFINITY : 0, PETSC_INFINITY, PETSC_INFINITY};
  PetscReal *A, *B, *l;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(ENGD_COUNT(n, n), &A, rank ? 0 : ENGD_COUNT(n, n), &B, n, &l));
  Fill(n, A);
  for (PetscInt k = 0; k < tries; k++) {
    PetscCall(Eigen(n, A, B, l, &best));
    PetscCall(Indefinite(n, A, B, &best));
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%6" PetscInt_FMT " %6d %9.4f %9.4f %9.4f %9.4f\n", n, (int)size,
                        (double)best.syevd, (double)best.spread, (double)best.sytrf, (double)best.lu));
  PetscCall(PetscFree3(A, B, l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(void)
{
  PetscInt  order[16] = {200, 500, 1000}, n = 16, tries = 3;
  PetscBool given;

  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Factors on one rank and on all", NULL);
  PetscCall(PetscOptionsIntArray("-bench_orders", "Orders, positive", NULL, order, &n, &given));
  PetscCall(PetscOptionsInt("-bench_tries", "The best of how many tries, positive", NULL, tries, &tries, NULL));
  PetscOptionsEnd();
  if (!given) n = 3;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(
      PetscPrintf(PETSC_COMM_WORLD, "%6s %6s %9s %9s %9s %9s\n", "order", "ranks", "syevd", "spread", "sytrf", "lu"));
  for (PetscInt k = 0; k < n; k++) {
    PetscCheck(order[k] > 0, PETSC_COMM_WORLD, PETSC_ERR_ARG_OUTOFRANGE,
               "-bench_orders %" PetscInt_FMT ": give positive numbers", order[k]);
    PetscCall(Line(order[k], tries));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  return RunBench(argc, argv, NULL, Run);
}
