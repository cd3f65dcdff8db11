/*
  Walkers: the gradient of their energy against differences of the same on a grid, the centred rows in all their forms, the density that
  both walks have, and the error of a correlated mean whose error is known.
  ranks: 1 2 3
*/
#include "functionals.h"

#define LINE "-domain_lower -7 -domain_upper 7 -domain_coordinates x -network_layers 4 -terms w "
static const Case oscillator = {"oscillator",
                                LINE "-w_points 56 -ansatz_u u-0.4*x^2 -w_walk_burn 40 -w_log_psi u "
                                     "-w_local_energy -(lap(u)+normsq(grad(u))-x^2)/2",
                                PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
                  /* two fermions on a line, psi = (x - y) exp(-(x^2 + y^2)/2), but for what the network adds */
    fermions = {
        "fermions",
        "-domain_lower -7 -domain_upper 7 -domain_coordinates x,y -network_layers 2 -terms w -w_points 1500 "
        "-network_inputs x^2+y^2 -ansatz_u 1e-9*u-(x^2+y^2)/2 -w_log_psi log(abs(x-y))+u -w_local_energy 2+0*u",
        PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};

/* the walkers of s stand on a grid and have the weights psi^2 of a quadrature rule, exact but for rounding */
static void StandOnGrid(Setting *s)
{
  const EngdTerm   term   = s->problem->term[0];
  const EngdPoints points = term->points;

  for (PetscInt i = 0; i < points->nlocal; i++) {
    points->x[i]             = -7 + 0.25 * (PetscReal)(points->start + i);
    term->walk->reference[i] = 0;
  }
  CHECK(EngdFunctionalAttachPoints(s->F));
}

static PetscReal LossAt(Setting *s, PetscReal h)
{
  PetscReal loss;
  Vec       theta;

  CHECK(VecDuplicate(s->theta, &theta));
  CHECK(VecWAXPY(theta, h, s->v, s->theta));
  CHECK(EngdFunctionalSetParameters(s->F, theta));
  CHECK(EngdFunctionalEvaluate(s->F, &loss, NULL));
  CHECK(EngdFunctionalSetParameters(s->F, s->theta));
  CHECK(VecDestroy(&theta));
  return loss;
}

/* H is symmetric, so that dE_loc/dtheta is no part of the gradient of the mean */
static void test_gradient(void **state)
{
  const PetscReal h = 1e-3;
  PetscReal       loss, slope;
  Setting         s;
  Vec             gradient;

  (void)state;
  Begin(PETSC_COMM_WORLD, &oscillator, "", &s);
  StandOnGrid(&s);
  CHECK(VecDuplicate(s.theta, &gradient));
  CHECK(EngdFunctionalEvaluate(s.F, &loss, gradient));
  CHECK(VecDot(gradient, s.v, &slope));
  assert_true(loss > 0.5 && loss < 5);
  Close("gradient by differences",
        (8 * (LossAt(&s, h) - LossAt(&s, -h)) - (LossAt(&s, 2 * h) - LossAt(&s, -2 * h))) / (12 * h), slope,
        1e-8 * (1 + PetscAbsReal(slope)));
  CHECK(VecDestroy(&gradient));
  End(&s);
}

/* the rows of this rank of A written out, J as a shell, and the products of both */
static void test_rows(void **state)
{
  PetscReal *J, *A, *a, *b, sum = 0, square = 0, loss;
  PetscInt   N, n, begin, most;
  Setting    s;
  Vec        R, y, g, out;
  Mat        shell, gramian;
  EngdNTK    kernel;

  (void)state;
  Begin(PETSC_COMM_WORLD, &oscillator, "", &s);
  CHECK(EngdFunctionalCreateJacobian(s.F, &shell));
  J = Dense(shell);
  CHECK(MatGetSize(shell, &N, NULL));
  CHECK(MatCreateVecs(shell, &g, &R));
  CHECK(MatGetOwnershipRange(shell, &begin, NULL));
  CHECK(EngdExplicitCountRows(s.F, &n));
  CHECK(VecDuplicate(R, &y));
  CHECK(VecDuplicate(g, &out));
  most = PetscMax(N, s.p);
  CHECK(PetscMalloc3(ENGD_COUNT(n, s.p), &A, most, &a, most, &b));
  CHECK(EngdExplicitFillRows(s.F, n, A));
  for (PetscInt j = 0; j < s.p; j++)
    for (PetscInt i = 0; i < n; i++) square = PetscMax(square, PetscAbsReal(A[j * n + i] - J[j * N + begin + i]));
  Close("rows written out", Largest(square), 0, 1e-13);
  for (PetscInt j = 0; j < s.p; j++) {
    for (PetscInt i = sum = 0; i < N; i++) sum += J[j * N + i]; /* all weights are the same after a walk */
    Close("columns are centred", sum, 0, 1e-12);
  }
  CHECK(EngdFunctionalResidual(s.F, R));
  CHECK(EngdFunctionalEvaluate(s.F, &loss, g));
  CHECK(MatMultTranspose(shell, R, out));
  Whole(out, a);
  Whole(g, b);
  CloseAll("J^T R and the gradient", (size_t)s.p, a, b, 1e-12);
  CHECK(VecShift(R, 3)); /* what is along s does not count */
  CHECK(MatMultTranspose(shell, R, out));
  Whole(out, a);
  CloseAll("J^T of another mean", (size_t)s.p, a, b, 1e-11);

  CHECK(EngdFunctionalCreateGramian(s.F, &gramian));
  CHECK(MatMult(gramian, s.v, out));
  Whole(out, a);
  CHECK(MatMult(shell, s.v, y));
  CHECK(MatMultTranspose(shell, y, out));
  Whole(out, b);
  CloseAll("G v and J^T J v", (size_t)s.p, a, b, 1e-12);
  CHECK(MatGetDiagonal(gramian, out));
  Whole(out, a);
  for (PetscInt j = 0; j < s.p; j++)
    for (PetscInt i = b[j] = 0; i < N; i++) b[j] += J[j * N + i] * J[j * N + i];
  CloseAll("the diagonal", (size_t)s.p, a, b, 1e-12);

  CHECK(EngdNTKCreate(s.F, ENGD_NTK_AUTO, ENGD_NTK_DOUBLE, &kernel));
  {
    const PetscInt ld = EngdNTKLargestRows(kernel);
    PetscMPIInt    size, rank;
    PetscReal     *K, difference = 0;

    CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
    CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
    CHECK(PetscMalloc1(ENGD_COUNT(ld, ld) * size, &K));
    CHECK(EngdNTKFill(kernel, ld, K));
    for (PetscInt i = 0; i < n; i++) {
      for (PetscInt k = 0; k < n; k++) {
        PetscReal dot = 0;

        for (PetscInt j = 0; j < s.p; j++) dot += A[j * n + i] * A[j * n + k];
        difference = PetscMax(difference, PetscAbsReal(dot - K[ENGD_COUNT(rank * ld + k, ld) + i]));
      }
    }
    Close("the kernel", Largest(difference), 0, 1e-13);
    CHECK(PetscFree(K));
  }
  CHECK(EngdNTKDestroy(&kernel));
  CHECK(PetscFree(J));
  CHECK(PetscFree3(A, a, b));
  CHECK(VecDestroy(&R));
  CHECK(VecDestroy(&y));
  CHECK(VecDestroy(&g));
  CHECK(VecDestroy(&out));
  CHECK(MatDestroy(&shell));
  CHECK(MatDestroy(&gramian));
  End(&s);
}

/* <x^2 + y^2> = 2 and <(x - y)^2> = 3 of two fermions, and half of the steps accepted */
static void CheckDensity(const char options[])
{
  PetscReal moment[2] = {0, 0};
  EngdTerm  term;
  Setting   s;

  Begin(PETSC_COMM_WORLD, &fermions, options, &s);
  term = s.problem->term[0];
  for (PetscInt k = 0; k < 10; k++) {
    CHECK(EngdFunctionalWalk(s.F, 0));
    for (PetscInt i = 0; i < term->points->nlocal; i++) {
      const PetscReal *x = term->points->x + ENGD_COUNT(i, 2);

      moment[0] += (x[0] * x[0] + x[1] * x[1]) / (10 * (PetscReal)term->points->nglobal);
      moment[1] += PetscSqr(x[0] - x[1]) / (10 * (PetscReal)term->points->nglobal);
    }
  }
  CHECK(MPI_Allreduce(MPI_IN_PLACE, moment, 2, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  Close("the square", moment[0], 2, 0.06);
  Close("the square of the distance", moment[1], 3, 0.1);
  Close("accepted", term->walk->accepted, 0.5, 0.03);
  End(&s);
}

static void test_density(void **state)
{
  (void)state;
  CheckDensity("-w_walk_burn 200 ");
  CheckDensity("-w_walk_burn 200 -w_sampler langevin ");
}

/* y_k = phi y_(k-1) + xi has the error sqrt((1 + phi)/(1 - phi)) times that of values that are independent; phi = 0 has that one */
static void test_blocking(void **state)
{
  enum { N = 16384 };
  static PetscReal series[N], scratch[N];

  (void)state;
  for (PetscInt k = 0; k < 2; k++) {
    const PetscReal phi = k ? 0.9 : 0, exact = PetscSqrtReal(1 / PetscSqr(1 - phi) / N);
    EngdBlocking    b;

    for (PetscInt i = 0; i < N; i++)
      series[i] = 5 + (i ? phi * (series[i - 1] - 5) : 0) + EngdRandomNormal(1, 60 + k, i, 0, 0);
    EngdBlockingMeasure(N, series, scratch, &b);
    assert_true(b.enough);
    Close("the error", b.error / exact, 1, 0.15);
    Close("the mean", b.mean, 5, 4 * exact);
  }
  for (PetscInt i = 0; i < 8; i++) series[i] = (PetscReal)i; /* too short for what it is */
  {
    EngdBlocking b;

    EngdBlockingMeasure(8, series, scratch, &b);
    assert_false(b.enough);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gradient),
      cmocka_unit_test(test_rows),
      cmocka_unit_test(test_density),
      cmocka_unit_test(test_blocking),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("walkers", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
