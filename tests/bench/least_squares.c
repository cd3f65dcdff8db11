/*
  Truncated least squares (least_squares.c) against TSQR and an SVD of the triangle, on what Jacobians of networks are like: the
  derivatives of a layer of tanh units at random points of the square. Seconds of the processor, the least of several tries.

    mpirun -n 1 build/bench/least_squares [-bench_rows 1020 -bench_columns 257 -bench_tries 5]
*/
#include <engd/private.h>
#include <time.h>

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

int main(int argc, char **argv)
{
  PetscInt         m, n, lda, start = 0, tries;
  PetscMPIInt      rank, size;
  PetscReal       *A, *B, *T = NULL, *b, *y, best[3] = {PETSC_MAX_REAL, PETSC_MAX_REAL, PETSC_MAX_REAL};
  EngdTSQR         q;
  EngdSVD          svd;
  EngdLeastSquares ls;

  PetscCall(EngdInitialize(&argc, &argv, NULL));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  m = 1020, n = 257, tries = 5;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-bench_rows", &m, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-bench_columns", &n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-bench_tries", &tries, NULL));
  m = m / size + (rank < m % size);
  PetscCallMPI(MPI_Exscan(&m, &start, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD));
  PetscCall(PetscMalloc4(m * (size_t)n, &B, n * (size_t)n, &T, m, &b, n, &y));
  for (PetscInt j = 0; j < n; j++)
    for (PetscInt i = 0; i < m; i++) B[j * (size_t)m + i] = Entry(start + i, j);
  for (PetscInt i = 0; i < m; i++) b[i] = EngdRandomNormal(1, 2, start + i, 0, 0);
  PetscCall(EngdTSQRCreate(PETSC_COMM_WORLD, m, n, &q));
  PetscCall(EngdSVDCreate(rank ? 0 : n, &svd));
  PetscCall(EngdLeastSquaresCreate(PETSC_COMM_WORLD, m, n, NULL, 1e-12, &ls));
  for (PetscInt k = 0; k < tries; k++) {
    PetscLogDouble t;

    if (n < 2500) {
      PetscCall(EngdTSQRGetArray(q, &lda, &A));
      for (PetscInt j = 0; j < n; j++) PetscCall(PetscArraycpy(A + j * (size_t)lda, B + j * (size_t)m, m));
      t = Seconds();
      PetscCall(EngdTSQRFactor(q, T));
      PetscCall(EngdSVDCompute(&svd, T, 1e-16));
      best[0] = PetscMin(best[0], Seconds() - t);
    }
    PetscCall(EngdLeastSquaresGetArray(ls, &lda, &A));
    for (PetscInt j = 0; j < n; j++) PetscCall(PetscArraycpy(A + j * (size_t)lda, B + j * (size_t)m, m));
    PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
    t = Seconds();
    PetscCall(EngdLeastSquaresFactor(ls));
    PetscCall(EngdLeastSquaresSetRightHandSide(ls, ENGD_LEFT, b));
    best[1] = PetscMin(best[1], Seconds() - t);
    PetscCall(EngdLeastSquaresSolve(ls, 1e-12, ENGD_RIGHT, y));
    best[2] = PetscMin(best[2], Seconds() - t);
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%d x %d: SVD %.4f (rank %d), QR %.4f, truncated %.4f\n", (int)m, (int)n,
                        best[0], (int)svd.nsigma, best[1], best[2]));
  return EngdFinalize();
}
