/*
  Messages between ranks: MPI_Allreduce and MPI_Allgatherv of 8 bytes to 80 MB, what all ranks have afterwards, and the latency and
  bandwidth that runs/scaling.py takes from them.

    mpirun -n 2 build/bench/messages [-bench_tries 30 -bench_most 80e6] >runs/out/messages.csv

  One line for each operation and size, comma-separated: operation, ranks, bytes, seconds (the median of the tries) and the least ones.
  The latter are fitted: where others use the processors too, ranks wait for each other, which is none of the network's time. Of ranks on one
  machine it is its memory that is measured. Nothing fails here.
*/
#include "bench.h"

#define FACTOR 10 /* from one size to the next */

typedef enum { ALLREDUCE, ALLGATHER } Operation;
static const char *const names[] = {"allreduce", "allgather"};

static PetscMPIInt rank, size;

static int Order(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return x < y ? -1 : x > y;
}

/* the operation once: each rank has n numbers afterwards */
static PetscErrorCode Once(Operation operation, const PetscMPIInt count[], const PetscMPIInt start[],
                           const PetscReal from[], PetscReal to[])
{
  PetscFunctionBeginUser;
  if (operation == ALLREDUCE)
    PetscCallMPI(MPI_Allreduce(from, to, start[size], MPIU_REAL, MPI_SUM, PETSC_COMM_WORLD));
  else
    PetscCallMPI(MPI_Allgatherv(from, count[rank], MPIU_REAL, to, count, start, MPIU_REAL, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Line(Operation operation, PetscMPIInt n, PetscInt tries, PetscReal from[], PetscReal to[],
                           double seconds[])
{
  const PetscInt repeats = PetscMax(1, 10000 / n); /* of small ones in a row: the clock is no finer than they are */
  PetscMPIInt   *count, *start;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(size, &count, size + 1, &start));
  start[0] = 0;
  for (PetscMPIInt r = 0; r < size; r++) {
    count[r]     = n / size + (r < n % size);
    start[r + 1] = start[r] + count[r];
  }
  for (PetscInt k = 0; k < tries; k++) {
    PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
    seconds[k] = MPI_Wtime();
    for (PetscInt i = 0; i < repeats; i++) PetscCall(Once(operation, count, start, from, to));
    seconds[k] = (MPI_Wtime() - seconds[k]) / (double)repeats;
  }
  qsort(seconds, (size_t)tries, sizeof(*seconds), Order);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s,%d,%zu,%.4g,%.4g\n", names[operation], (int)size, n * sizeof(PetscReal),
                        seconds[tries / 2], seconds[0]));
  PetscCall(PetscFree2(count, start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(void)
{
  PetscInt    tries = 30;
  PetscReal   most  = 8e7, *from, *to;
  PetscMPIInt largest;
  double     *seconds;

  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Messages between ranks", NULL);
  PetscCall(PetscOptionsInt("-bench_tries", "Tries of each size, positive", NULL, tries, &tries, NULL));
  PetscCall(PetscOptionsReal("-bench_most", "Bytes of the largest ones, 8 to 1e10", NULL, most, &most, NULL));
  PetscOptionsEnd();
  PetscCheck(tries > 0, PETSC_COMM_WORLD, PETSC_ERR_ARG_OUTOFRANGE,
             "-bench_tries %" PetscInt_FMT ": give a positive number", tries);
  PetscCheck(most >= sizeof(PetscReal) && most <= 1e10, PETSC_COMM_WORLD, PETSC_ERR_ARG_OUTOFRANGE,
             "-bench_most %g: give a number from 8 to 1e10", (double)most);
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  largest = (PetscMPIInt)(most / sizeof(PetscReal));
  PetscCall(PetscMalloc3(largest, &from, largest, &to, tries, &seconds));
  for (PetscMPIInt i = 0; i < largest; i++) from[i] = to[i] = 1;
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "operation,ranks,bytes,seconds,least\n"));
  for (Operation operation = ALLREDUCE; operation <= ALLGATHER; operation++) {
    for (PetscMPIInt n = 1; n <= largest; n = n > largest / FACTOR ? largest + 1 : FACTOR * n)
      PetscCall(Line(operation, n, tries, from, to, seconds));
  }
  PetscCall(PetscFree3(from, to, seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  return RunBench(argc, argv, NULL, Run);
}
