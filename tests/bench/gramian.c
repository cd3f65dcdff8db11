/*
  The rate of the Gramian-vector product against DGEMM, both in one run: `make bench`, or with more ranks or options
  mpirun -n 4 build/bench/gramian -bench_tries 9. The goal is 60% of DGEMM at width 64 and 75% at width 256.

  A yardstick, not a test: nothing fails here. About 10 seconds a line.
*/
static const char help[] =
    "lap(u) + sum(cos(pi*x)), or -bench_residual, inside and u on the boundary of the unit cube, with networks "
    "d-w-w-w-w-1.\n"
    "  large, layer  DGEMM of 1024 x 1024 x 1024, and of w x w x columns, as in a layer\n"
    "  product       G v with the jets of the parameters kept: only its matrix products are counted, all time is\n"
    "  gradient      loss and gradient at new parameters, with the forward pass\n"
    "  hessian       time of a product with the exact Hessian, in products with G\n"
    "  activations   their share of the time of G v\n"
    "  several, gain G X with -bench_vectors vectors at once: its rate, and how much faster it is than as many G v\n"
    "Rates in GF/s of a rank, the best of -bench_tries; what is compared takes turns.\n\n";

#include "bench.h"
#include <petscblaslapack.h>
#include <petsctime.h>

#define LARGE 1024

typedef struct {
  PetscInt       dim, width, columns; /* columns of a layer's matrices: channels times points of a block */
  EngdProblem    problem;
  EngdNetwork    network;
  EngdFunctional functional;
  Mat            G, H;
  Vec            theta, v, y;
  Mat            X, GX;     /* several vectors */
  PetscReal     *A, *B, *C; /* for DGEMM */
} Bench;

/* What the best try of one kind of work was */
typedef struct {
  PetscErrorCode (*run)(Bench *);
  PetscReal rate, seconds, activation; /* GF/s; share of the time */
} Timing;

/* points inside, for a product of about 0.2 s and jets of less than about 1 GB on a rank */
static PetscInt PointCount(PetscInt d, PetscInt w)
{
  const PetscReal channels = d + 2 /* of a Laplacian */, flops = 4 * 3 * 2.0 * w * w * channels,
                  bytes = 4 * 8.0 * w * (2 * channels + 3);

  return 1 + (PetscInt)PetscMin(0.2 * 4e10 / flops, 1e9 / bytes);
}

static PetscErrorCode SetOptions(PetscInt d, PetscInt w, const char residual[])
{
  char        options[1280];
  PetscInt    n = PointCount(d, w);
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscSNPrintf(options, sizeof(options),
                          "-domain_coordinates x1..x%" PetscInt_FMT " -domain_lower 0 -domain_upper 1 "
                          "-network_layers %" PetscInt_FMT ",%" PetscInt_FMT ",%" PetscInt_FMT ",%" PetscInt_FMT
                          " -terms pde,wall -wall_residual u "
                          "-pde_sampler uniform -wall_sampler uniform -wall_region boundary "
                          "-pde_points %" PetscInt_FMT " -wall_points %" PetscInt_FMT,
                          d, w, w, w, w, n * size, (n / 4 + 1) * size));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(PetscOptionsSetValue(NULL, "-pde_residual", residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Begin(Bench *b, PetscInt d, PetscInt w, PetscInt vectors, const char residual[])
{
  PetscInt local;
  size_t   size;

  PetscFunctionBeginUser;
  b->dim   = d;
  b->width = w;
  PetscCall(SetOptions(d, w, residual));
  PetscCall(EngdProblemCreate(PETSC_COMM_WORLD, &b->problem));
  PetscCall(EngdProblemSetFromOptions(b->problem));
  PetscCall(EngdNetworkCreate(PETSC_COMM_WORLD, &b->network));
  PetscCall(EngdNetworkSetSizes(b->network, d, 1));
  PetscCall(EngdNetworkSetFromOptions(b->network));
  PetscCall(EngdFunctionalCreate(b->problem, b->network, &b->functional));
  PetscCall(EngdFunctionalSetFromOptions(b->functional));
  PetscCall(EngdFunctionalSetUp(b->functional));
  PetscCall(EngdFunctionalCreateGramian(b->functional, &b->G));
  PetscCall(EngdFunctionalCreateHessian(b->functional, &b->H));
  PetscCall(EngdNetworkCreateParameters(b->network, &b->theta));
  PetscCall(EngdNetworkInitialize(b->network, 0, b->theta));
  PetscCall(EngdFunctionalSetParameters(b->functional, b->theta));
  PetscCall(VecDuplicate(b->theta, &b->v));
  PetscCall(VecDuplicate(b->theta, &b->y));
  PetscCall(VecSet(b->v, 1));
  PetscCall(VecGetLocalSize(b->v, &local));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, local, PETSC_DECIDE, PETSC_DETERMINE, vectors, NULL, &b->X));
  PetscCall(MatSetRandom(b->X, NULL));
  PetscCall(MatMatMult(b->G, b->X, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &b->GX));
  b->columns = b->functional->block[0].n * b->functional->term[0].layout->nchannels;
  size       = PetscMax(ENGD_COUNT(LARGE, LARGE), ENGD_COUNT(w, b->columns));
  PetscCall(PetscMalloc3(size, &b->A, size, &b->B, size, &b->C));
  for (size_t k = 0; k < size; k++) b->A[k] = b->B[k] = b->C[k] = 1e-3 * (PetscReal)(k % 1000);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(Bench *b)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(b->A, b->B, b->C));
  PetscCall(MatDestroy(&b->X));
  PetscCall(MatDestroy(&b->GX));
  PetscCall(MatDestroy(&b->G));
  PetscCall(MatDestroy(&b->H));
  PetscCall(VecDestroy(&b->theta));
  PetscCall(VecDestroy(&b->v));
  PetscCall(VecDestroy(&b->y));
  PetscCall(EngdFunctionalDestroy(&b->functional));
  PetscCall(EngdNetworkDestroy(&b->network));
  PetscCall(EngdProblemDestroy(&b->problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = A B, (m, m) times (m, n), some 2 GF in all */
static PetscErrorCode Multiply(Bench *b, PetscInt m, PetscInt n)
{
  const PetscInt  times = 1 + (PetscInt)(2e9 / (2.0 * m * m * n));
  const PetscReal one = 1, zero = 0;
  PetscBLASInt    bm, bn;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(m, &bm));
  PetscCall(PetscBLASIntCast(n, &bn));
  for (PetscInt k = 0; k < times; k++) {
    PetscCallBLAS("BLASgemm", BLASgemm_("N", "N", &bm, &bn, &bm, &one, b->A, &bm, b->B, &bm, &zero, b->C, &bm));
  }
  PetscCall(PetscLogFlops(2.0 * times * m * m * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Large(Bench *b)
{
  PetscFunctionBeginUser;
  PetscCall(Multiply(b, LARGE, LARGE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Layer(Bench *b)
{
  PetscFunctionBeginUser;
  PetscCall(Multiply(b, b->width, b->columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Product(Bench *b)
{
  PetscFunctionBeginUser;
  PetscCall(MatMult(b->G, b->v, b->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Several(Bench *b)
{
  PetscFunctionBeginUser;
  PetscCall(MatMatMult(b->G, b->X, MAT_REUSE_MATRIX, PETSC_DEFAULT, &b->GX));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HessianProduct(Bench *b)
{
  PetscFunctionBeginUser;
  PetscCall(MatMult(b->H, b->v, b->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Bench *b)
{
  PetscReal loss;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectStateIncrease((PetscObject)b->theta));
  PetscCall(EngdFunctionalSetParameters(b->functional, b->theta));
  PetscCall(EngdFunctionalEvaluate(b->functional, &loss, b->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one try, between barriers, so that all ranks work at once and the slowest counts */
static PetscErrorCode Try(Bench *b, PetscBool logging, Timing *timing)
{
  PetscEventPerfInfo before = {0}, after = {0};
  PetscLogDouble     begin, end, flops, total;

  PetscFunctionBeginUser;
  if (logging) PetscCall(PetscLogEventGetPerfInfo(0, engd_log.activation, &before));
  PetscCall(PetscGetFlops(&flops));
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  PetscCall(PetscTime(&begin));
  PetscCall((*timing->run)(b));
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  PetscCall(PetscTime(&end));
  PetscCall(PetscGetFlops(&total));
  if (logging) PetscCall(PetscLogEventGetPerfInfo(0, engd_log.activation, &after));
  flops = total - flops - (after.flops - before.flops);
  if (timing->rate < 1e-9 * flops / (end - begin)) {
    timing->rate       = 1e-9 * flops / (end - begin);
    timing->seconds    = end - begin;
    timing->activation = (after.time - before.time) / (end - begin);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one line of the table */
static PetscErrorCode Line(PetscInt d, PetscInt w, PetscInt k, PetscInt tries, const char residual[])
{
  Timing large = {.run = Large}, layer = {.run = Layer}, product = {.run = Product}, gradient = {.run = Gradient},
         several = {.run = Several}, hessian = {.run = HessianProduct};
  Bench b;

  PetscFunctionBeginUser;
  PetscCall(Begin(&b, d, w, k, residual));
  PetscCall(Gradient(&b));
  for (PetscInt try = 0; try < tries; try++) {
    PetscCall(Try(&b, PETSC_TRUE, &layer));
    PetscCall(Try(&b, PETSC_TRUE, &product));
    PetscCall(Try(&b, PETSC_TRUE, &large));
    PetscCall(Try(&b, PETSC_TRUE, &several));
    PetscCall(Try(&b, PETSC_TRUE, &gradient));
    PetscCall(Try(&b, PETSC_TRUE, &hessian));
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "%4" PetscInt_FMT " %5" PetscInt_FMT " %7" PetscInt_FMT " %7" PetscInt_FMT
                        " %8.1f %8.1f %9.1f %9.2f %8.0f%% %8.0f%% %10.1f %10.0f%% %8.1f %6.1f %8.2f\n",
                        d, w, b.problem->term[0]->points->nlocal, b.columns, (double)large.rate, (double)layer.rate,
                        (double)product.rate, (double)product.seconds, (double)(100 * product.rate / layer.rate),
                        (double)(100 * product.rate / large.rate), (double)gradient.rate,
                        (double)(100 * product.activation), (double)several.rate,
                        (double)(k * product.seconds / several.seconds),
                        (double)(hessian.seconds / product.seconds)));
  PetscCall(End(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the time of a product before and after PETSc's log begins, which gives the share of the activations */
static PetscErrorCode BeginLog(PetscInt tries, const char residual[])
{
  Timing without = {.run = Product}, with = {.run = Product};
  Bench  b;

  PetscFunctionBeginUser;
  PetscCall(Begin(&b, 2, 64, 1, residual));
  PetscCall(Gradient(&b));
  for (PetscInt k = 0; k < tries; k++) PetscCall(Try(&b, PETSC_FALSE, &without));
  PetscCall(PetscLogDefaultBegin());
  for (PetscInt k = 0; k < tries; k++) PetscCall(Try(&b, PETSC_TRUE, &with));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "logging: a product takes %.4f s with and %.4f s without\n",
                        (double)with.seconds, (double)without.seconds));
  PetscCall(End(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(void)
{
  PetscInt  dims[16] = {2, 10, 100}, widths[16] = {64, 128, 256}, ndims = 16, nwidths = 16, tries = 5, nvectors = 64;
  PetscBool given[2];
  char      residual[256] = "lap(u)+sum(cos(pi*x))";

  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "The Gramian-vector product against DGEMM", NULL);
  PetscCall(PetscOptionsIntArray("-bench_dimensions", "Dimensions, positive", NULL, dims, &ndims, &given[0]));
  PetscCall(PetscOptionsIntArray("-bench_widths", "Widths of the four layers, positive", NULL, widths, &nwidths,
                                 &given[1]));
  PetscCall(PetscOptionsInt("-bench_tries", "The best of how many tries, positive", NULL, tries, &tries, NULL));
  PetscCall(PetscOptionsInt("-bench_vectors", "Vectors of a product with several, positive", NULL, nvectors,
                            &nvectors, NULL));
  PetscCall(PetscOptionsString("-bench_residual", "Residual inside, such as lap(lap(u))", NULL, residual, residual,
                               sizeof(residual), NULL));
  PetscOptionsEnd();
  PetscCall(BeginLog(tries, residual));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%4s %5s %7s %7s %8s %8s %9s %9s %9s %9s %10s %11s %8s %6s %8s\n", "d", "w",
                        "points", "columns", "large", "layer", "product", "seconds", "/layer", "/large", "gradient",
                        "activations", "several", "gain", "hessian"));
  for (PetscInt k = 0; k < (given[0] ? ndims : 3); k++) {
    for (PetscInt l = 0; l < (given[1] ? nwidths : 3); l++)
      PetscCall(Line(dims[k], widths[l], nvectors, tries, residual));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  return RunBench(argc, argv, help, Run);
}
