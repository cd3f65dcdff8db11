/*
  Truncated least squares (least_squares.c) against TSQR and an SVD of the triangle, on what Jacobians of networks are like: the
  derivatives of a layer of tanh units at random points of the square. Milliseconds of the processor of rank 0, the least of
  several tries that take turns, and those of a DGEMM of order 1024.

    mpirun -n 1 build/bench/least_squares [-bench_rows 1020,9873 -bench_columns 257,1020 -bench_tries 5]

  A yardstick, not a test: nothing fails here. About 20 seconds.
*/
#include "bench.h"
#include <time.h>

#define LARGE 1024

typedef struct {
  PetscReal gemm, svd, factored, truncated;
} Best;

static PetscLogDouble Seconds(void)
{
  return (PetscLogDouble)clock() / CLOCKS_PER_SEC;
}

/* entry (i, j): of unit j / 4 the value and the derivatives by bias and weights */
static PetscReal Entry(PetscInt i, PetscInt j)
{
  const PetscReal x = EngdRandomUniform(1, 0, i, 0, 0), y = EngdRandomUniform(1, 0, i, 0, 1);
  const PetscReal v = 3 * EngdRandomNormal(1, 1, j / 4, 0, 0), w = 3 * EngdRandomNormal(1, 1, j / 4, 0, 1);
  const PetscReal t = PetscTanhReal(v * x + w * y + EngdRandomNormal(1, 1, j / 4, 0, 2));

  return j % 4 == 0 ? t : (1 - t * t) * (j % 4 == 1 ? 1 : j % 4 == 2 ? x : y);
}

static PetscErrorCode Multiply(PetscReal *best)
{
  PetscLogDouble t;
  PetscReal     *A, *B, *C;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(LARGE * LARGE, &A, LARGE * LARGE, &B, LARGE * LARGE, &C));
  for (PetscInt i = 0; i < LARGE * LARGE; i++) A[i] = B[i] = 1. / (1 + i);
  t = Seconds();
  PetscCall(EngdGemm("N", "N", LARGE, LARGE, LARGE, A, LARGE, B, LARGE, 0, C, LARGE));
  *best = PetscMin(*best, Seconds() - t);
  PetscCall(PetscFree3(A, B, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A (m, n) <- B, columns lda apart */
static PetscErrorCode Copy(PetscInt m, PetscInt n, const PetscReal B[], PetscInt lda, PetscReal A[])
{
  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < n; j++) PetscCall(PetscArraycpy(A + j * (size_t)lda, B + j * (size_t)m, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Line(PetscInt M, PetscInt n, PetscInt tries)
{
  Best             best = {PETSC_MAX_REAL, PETSC_MAX_REAL, PETSC_MAX_REAL, PETSC_MAX_REAL};
  PetscInt         m, lda, start = 0;
  PetscMPIInt      rank, size;
  PetscReal       *A, *B, *T, *b, *y;
  EngdTSQR         q;
  EngdSVD          svd;
  EngdLeastSquares ls;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  m = M / size + (rank < M % size);
  PetscCallMPI(MPI_Exscan(&m, &start, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD));
  PetscCall(PetscMalloc4(ENGD_COUNT(m, n), &B, ENGD_COUNT(n, n), &T, m, &b, n, &y));
  for (PetscInt j = 0; j < n; j++) {
    for (PetscInt i = 0; i < m; i++) B[j * (size_t)m + i] = Entry(start + i, j);
  }
  for (PetscInt i = 0; i < m; i++) b[i] = EngdRandomNormal(1, 2, start + i, 0, 0);
  PetscCall(EngdTSQRCreate(PETSC_COMM_WORLD, m, n, &q));
  PetscCall(EngdSVDCreate(rank ? 0 : n, &svd));
  PetscCall(EngdLeastSquaresCreate(PETSC_COMM_WORLD, m, n, NULL, 1e-12, &ls));
  for (PetscInt k = 0; k < tries; k++) {
    PetscLogDouble t;

    PetscCall(Multiply(&best.gemm));
    PetscCall(EngdTSQRGetArray(q, &lda, &A));
    PetscCall(Copy(m, n, B, lda, A));
    t = Seconds();
    PetscCall(EngdTSQRFactor(q, T));
    PetscCall(EngdSVDCompute(&svd, T, 1e-16));
    best.svd = PetscMin(best.svd, Seconds() - t);
    PetscCall(EngdLeastSquaresGetArray(ls, &lda, &A));
    PetscCall(Copy(m, n, B, lda, A));
    PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
    t = Seconds();
    PetscCall(EngdLeastSquaresFactor(ls));
    PetscCall(EngdLeastSquaresSetRightHandSide(ls, ENGD_LEFT, b));
    best.factored = PetscMin(best.factored, Seconds() - t);
    PetscCall(EngdLeastSquaresSolve(ls, 1e-12, ENGD_RIGHT, y));
    best.truncated = PetscMin(best.truncated, Seconds() - t);
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%6" PetscInt_FMT " %8" PetscInt_FMT " %8.2f %8.2f %8.2f %10.2f\n", M, n,
                        (double)(1e3 * best.gemm), (double)(1e3 * best.svd), (double)(1e3 * best.factored),
                        (double)(1e3 * best.truncated)));
  PetscCall(EngdTSQRDestroy(&q));
  PetscCall(EngdSVDDestroy(&svd));
  PetscCall(EngdLeastSquaresDestroy(&ls));
  PetscCall(PetscFree4(B, T, b, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(void)
{
  PetscInt  rows[16] = {260, 1020, 1020, 1020}, columns[16] = {65, 257, 640, 1020}, n = 16, k = 16, tries = 5;
  PetscBool given;

  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Truncated least squares against an SVD", NULL);
  PetscCall(PetscOptionsIntArray("-bench_rows", "Rows, not fewer than columns", NULL, rows, &n, &given));
  PetscCall(PetscOptionsIntArray("-bench_columns", "Columns, as many numbers as rows", NULL, columns, &k, NULL));
  PetscCall(PetscOptionsInt("-bench_tries", "The best of how many tries, positive", NULL, tries, &tries, NULL));
  PetscOptionsEnd();
  PetscCheck(!given || n == k, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT,
             "%" PetscInt_FMT " rows and %" PetscInt_FMT " columns: give as many of both", n, k);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%6s %8s %8s %8s %8s %10s\n", "rows", "columns", "gemm", "svd", "factored",
                        "truncated"));
  for (PetscInt i = 0; i < (given ? n : 4); i++) PetscCall(Line(rows[i], columns[i], tries));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  return RunBench(argc, argv, NULL, Run);
}
