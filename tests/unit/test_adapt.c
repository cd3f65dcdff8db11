/*
  Points that follow the residual: how they are drawn, what their weights are, and what is left of them in a file.
  ranks: 1 2 3. What is chosen is compared with what one rank chooses.
*/
#define _GNU_SOURCE /* mkdtemp */
#include "functionals.h"
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define CANDIDATES 2000 /* candidates, */
#define TAKEN      200  /* of which so many are taken */

static PetscErrorCode MakeSquare(MPI_Comm comm, EngdDomain *domain, EngdPoints *points)
{
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, "-domain_lower 0,0 -domain_upper 1,1"));
  PetscCall(EngdDomainCreateFromOptions(comm, NULL, domain));
  PetscCall(
      EngdPointsCreate(*domain, "-pde_region", "interior", "quasi", CANDIDATES, 5, ENGD_STREAM_CANDIDATES, points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |r| of a peak, zero to the right of x = 0.9, not finite at one place */
static PetscReal Peak(const PetscReal x[])
{
  if (x[0] > 0.9) return x[1] > 0.99 ? NAN : 0;
  return PetscExpReal(-40 * (PetscSqr(x[0] - 0.3) + PetscSqr(x[1] - 0.6)));
}

static void Choose(MPI_Comm comm, EngdDensity *density, PetscInt number[], PetscReal chance[], PetscReal x[])
{
  EngdDomain domain;
  EngdPoints points;
  PetscReal *norm;

  CHECK(MakeSquare(comm, &domain, &points));
  CHECK(PetscMalloc1(points->nlocal + 1, &norm));
  for (PetscInt i = 0; i < points->nlocal; i++) norm[i] = Peak(points->x + 2 * i);
  CHECK(EngdPointsChoose(points, norm, TAKEN, density, number, chance));
  CHECK(PetscArrayzero(x, 2 * CANDIDATES));
  for (PetscInt i = 0; i < 2 * points->nlocal; i++) x[2 * points->start + i] = points->x[i];
  CHECK(MPI_Allreduce(MPI_IN_PLACE, x, 2 * CANDIDATES, MPIU_REAL, MPIU_SUM, comm));
  CHECK(PetscFree(norm));
  CHECK(EngdPointsDestroy(&points));
  CHECK(EngdDomainDestroy(&domain));
}

/* the density that was asked for, none twice, evenly spread, the same on any number of ranks */
static void TestChoose(void **state)
{
  static const PetscReal exponent[] = {0, 1, 2, 1}, least[] = {1, 1, 0, 0.1};
  PetscInt              *number, *alone;
  PetscReal             *chance, *again, *x;

  (void)state;
  CHECK(PetscMalloc5(TAKEN, &number, TAKEN, &alone, TAKEN, &chance, TAKEN, &again, 2 * CANDIDATES, &x));
  for (PetscInt k = 0; k < 4; k++) {
    EngdDensity density = {exponent[k], least[k], 0, 0}, other = density;
    PetscReal   wanted = 0, sum = 0, all = 0;
    PetscInt    near             = 0;
    char        seen[CANDIDATES] = {0};

    Choose(PETSC_COMM_SELF, &other, alone, again, x);
    Choose(PETSC_COMM_WORLD, &density, number, chance, x);
    assert_true(density.mean == other.mean && density.largest == other.largest);
    assert_true(density.largest > 0.99 && density.largest <= 1);
    for (PetscInt i = 0; i < TAKEN; i++) {
      const PetscReal *y = x + 2 * number[i];

      assert_int_equal(number[i], alone[i]);
      assert_true(chance[i] == again[i] && chance[i] > 0 && chance[i] <= 1);
      assert_false(seen[number[i]]);
      assert_false(isnan(Peak(y)));
      seen[number[i]] = 1;
      if (y[0] < 0.5 && y[1] >= 0.5) near++;
    }
    /* in a quarter, one piece of the curve, as many as the density says, but for one; here chances are far below 1 or all 1 */
    for (PetscInt i = 0; i < CANDIDATES; i++) {
      const PetscReal r = isnan(Peak(x + 2 * i)) ? 0 : Peak(x + 2 * i);

      all += PetscPowReal(r, exponent[k]);
    }
    for (PetscInt i = 0; i < CANDIDATES; i++) {
      const PetscReal r = Peak(x + 2 * i);
      const PetscReal v = isnan(r) ? 0 : PetscPowReal(r, exponent[k]) * CANDIDATES / all + least[k];

      sum += v;
      if (x[2 * i] < 0.5 && x[2 * i + 1] >= 0.5) wanted += v;
    }
    if (exponent[k] < 2) assert_true(PetscAbsReal(TAKEN * wanted / sum - near) < 1.5 + 0.02 * TAKEN * (k == 3));
    if (exponent[k] == 2) assert_true(near > 0.6 * TAKEN); /* chances that are cut at 1 */
  }
  CHECK(PetscFree5(number, alone, chance, again, x));
}

#define POISSON                                                                                                      \
  "-domain_lower 0,0 -domain_upper 2,1 -domain_coordinates x,y -network_layers 5,4 -terms pde,wall -pde_points 36 "  \
  "-pde_residual lap(u)+u*exp(3*x)+5;u-1 -wall_region boundary -wall_points 31 -wall_residual u-x -wall_measure "    \
  "integral -engd_block_points 8 "

static void Make(const char options[], Setting *s)
{
  static Case which = {.name = "adaptive"};

  which.options = POISSON;
  Begin(PETSC_COMM_WORLD, &which, options, s);
}

static PetscReal LossOf(Setting *s)
{
  PetscReal loss;

  CHECK(EngdFunctionalSetParameters(s->F, s->theta));
  CHECK(EngdFunctionalEvaluate(s->F, &loss, NULL));
  return loss;
}

/* sum of the weights, of their squares, of |x|^2 weighed, numbers of points that weigh nothing, over all ranks */
static void Sums(EngdPoints points, PetscReal sum[4])
{
  sum[0] = sum[1] = sum[2] = sum[3] = 0;
  for (PetscInt i = 0; i < points->nlocal; i++) {
    const PetscReal w = points->weight[i], *x = points->x + 2 * i;

    assert_true(x[0] >= 0 && x[0] <= 2 && x[1] >= 0 && x[1] <= 1);
    if (points->normal) {
      const PetscReal *v = points->normal + 2 * i;

      assert_true(PetscAbsReal(v[0] * v[0] + v[1] * v[1] - 1) < 1e-14);
      assert_true(v[0] == 0 ? x[1] == (v[1] > 0 ? 1 : 0) : x[0] == (v[0] > 0 ? 2 : 0));
    }
    sum[0] += w;
    sum[1] += w * w;
    sum[2] += w * (x[0] * x[0] + x[1] * x[1]);
    sum[3] += w == 0;
  }
  CHECK(MPI_Allreduce(MPI_IN_PLACE, sum, 4, MPIU_REAL, MPIU_SUM, points->comm));
}

/* rad: as many points, where |r| is larger; with weights of a quadrature the loss stays about what it was */
static void TestRAD(void **state)
{
  for (PetscInt quadrature = 0; quadrature < 2; quadrature++) {
    const char *options = quadrature ? "-pde_points 2000 -pde_adapt rad -pde_adapt_weights quadrature"
                                     : "-pde_adapt rad -wall_adapt rad -pde_resample 7 -wall_resample 7 "
                                       "-pde_adapt_exponent 2 -pde_adapt_floor 0.1";
    Setting     s;
    PetscReal   before, after, sum[4];
    PetscBool   changed;

    (void)state;
    Make(options, &s);
    before = LossOf(&s);
    CHECK(EngdFunctionalResample(s.F, 6, &changed));
    assert_true(!changed || quadrature);
    if (quadrature)
      CHECK(EngdFunctionalAdapt(s.F, 0));
    else
      CHECK(EngdFunctionalResample(s.F, 14, &changed));
    if (quadrature) CHECK(EngdFunctionalAttachPoints(s.F));
    after = LossOf(&s);
    Sums(s.problem->term[0]->points, sum);
    assert_true(PetscAbsReal(sum[0] - 2) < 1e-12);
    assert_int_equal(sum[3], 0);
    if (quadrature) {
      assert_true(PetscAbsReal(after - before) < 0.03 * before);
      assert_true(sum[1] > 4. / 2000 * 1.01);
    } else {
      assert_true(after > 1.2 * before);
      assert_int_equal(s.problem->term[0]->points->nglobal, 36);
      Sums(s.problem->term[1]->points, sum);
      assert_true(PetscAbsReal(sum[0] - 6) < 1e-12);
      assert_int_equal(s.problem->term[1]->adapt.done, 1);
    }
    End(&s);
  }
}

/* rar: some more each time, until it is enough; the rows of J are there from the start */
static void TestRAR(void **state)
{
  Setting   s;
  PetscReal sum[4];
  PetscInt  nrows;
  PetscBool changed;

  (void)state;
  Make("-pde_adapt rar -pde_resample 5 -pde_adapt_add 7 -pde_adapt_times 2", &s);
  nrows = s.F->nrows;
  for (PetscInt k = 0; k < 4; k++) {
    const PetscInt active = 36 + 7 * PetscMin(k, 2);

    (void)LossOf(&s);
    assert_int_equal(s.problem->term[0]->points->nactive, active);
    Sums(s.problem->term[0]->points, sum);
    assert_true(PetscAbsReal(sum[0] - 2) < 1e-12);
    assert_int_equal(sum[3], 50 - active);
    CHECK(EngdFunctionalResample(s.F, 5 * (k + 1), &changed));
    assert_int_equal(changed, k < 2);
  }
  assert_int_equal(s.F->nrows, nrows);
  End(&s);
}

/* more points than there were: blocks, rows and all that is as large are others, and J and G are still right */
static void TestAdd(void **state)
{
  static const char *const options[] = {"", "-pde_sampler gauss", "-pde_adapt rar -pde_adapt_add 3",
                                        "-tao_engd_curvature h1"};

  (void)state;
  for (PetscInt k = 0; k < 4; k++) {
    Setting   s;
    PetscReal loss, sum[4], norm;
    PetscInt  added, rows, before;
    Mat       J;
    Vec       R, g, gradient;

    Make(options[k], &s);
    (void)LossOf(&s);
    before = s.problem->term[0]->points->nglobal;
    CHECK(EngdFunctionalAddPoints(s.F, 0, 23, &added));
    assert_int_equal(added, 23);
    CHECK(EngdFunctionalAddPoints(s.F, 1, 4, &added));
    CHECK(EngdFunctionalAddPoints(s.F, 1, 0, &added));
    assert_int_equal(added, 0);
    assert_int_equal(s.problem->term[0]->points->nactive, 36 + 23);
    assert_true(s.problem->term[0]->points->nglobal >= before);
    Sums(s.problem->term[0]->points, sum);
    assert_true(PetscAbsReal(sum[0] - 2) < 1e-12);
    Sums(s.problem->term[1]->points, sum);
    assert_true(PetscAbsReal(sum[0] - 6) < 1e-12);
    CHECK(EngdFunctionalCreateJacobian(s.F, &J));
    CHECK(MatGetSize(J, &rows, NULL));
    assert_int_equal(rows, 2 * s.problem->term[0]->points->nglobal + 35);
    CHECK(MatCreateVecs(J, &g, &R));
    CHECK(VecDuplicate(s.theta, &gradient));
    CHECK(EngdFunctionalSetParameters(s.F, s.theta));
    CHECK(EngdFunctionalEvaluate(s.F, &loss, gradient));
    CHECK(EngdFunctionalResidual(s.F, R));
    CHECK(VecNorm(R, NORM_2, &norm));
    assert_true(PetscAbsReal(norm * norm / 2 - loss) < 1e-12 * loss);
    CHECK(MatMultTranspose(J, R, g));
    CHECK(VecNorm(gradient, NORM_2, &norm));
    CHECK(VecAXPY(g, -1, gradient));
    CHECK(VecNorm(g, NORM_2, &loss));
    assert_true(loss < 1e-12 * norm);
    CHECK(VecDestroy(&g));
    CHECK(VecDestroy(&R));
    CHECK(VecDestroy(&gradient));
    CHECK(MatDestroy(&J));
    End(&s);
  }
}

/* what is saved is what another functional has after loading, bit for bit, points that were added too */
static void TestState(void **state)
{
  static const char *const options[]   = {"-pde_adapt rad -pde_resample 3 ",
                                          "-pde_adapt rar -pde_resample 3 -wall_adapt rad "};
  char                     directory[] = "/tmp/engd_adapt_XXXXXX", file[64];
  PetscMPIInt              rank;

  (void)state;
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) assert_non_null(mkdtemp(directory));
  CHECK(MPI_Bcast(directory, sizeof(directory), MPI_CHAR, 0, PETSC_COMM_WORLD));
  snprintf(file, sizeof(file), "%s/c.h5", directory);
  for (PetscInt k = 0; k < 2; k++) {
    EngdArchive a;
    Setting     s;
    PetscReal   loss, mean;
    PetscInt    added, active;
    PetscBool   changed;

    Make(options[k], &s);
    (void)LossOf(&s);
    CHECK(EngdFunctionalResample(s.F, 3, &changed));
    (void)LossOf(&s);
    if (k) CHECK(EngdFunctionalAddPoints(s.F, 0, 11, &added));
    loss   = LossOf(&s);
    mean   = s.problem->term[0]->adapt.density.mean;
    active = s.problem->term[0]->points->nactive;
    CHECK(EngdArchiveCreate(PETSC_COMM_WORLD, ENGD_ARCHIVE_SAVE, file, &a));
    CHECK(EngdFunctionalState(s.F, s.theta, a));
    CHECK(EngdArchiveCommit(a));
    CHECK(EngdArchiveDestroy(&a));
    End(&s);
    Make(options[k], &s);
    assert_true(LossOf(&s) != loss);
    CHECK(EngdArchiveCreate(PETSC_COMM_WORLD, ENGD_ARCHIVE_LOAD, file, &a));
    CHECK(EngdFunctionalState(s.F, s.theta, a));
    CHECK(EngdArchiveDestroy(&a));
    assert_true(LossOf(&s) == loss);
    assert_true(s.problem->term[0]->adapt.density.mean == mean);
    assert_int_equal(s.problem->term[0]->points->nactive, active);
    assert_int_equal(s.problem->term[0]->adapt.done, 1 + k);
    End(&s);
  }
  if (!rank) assert_int_equal(unlink(file), 0);
  if (!rank) assert_int_equal(rmdir(directory), 0);
}

int main(int argc, char *argv[])
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestChoose), cmocka_unit_test(TestRAD),
                                     cmocka_unit_test(TestRAR), cmocka_unit_test(TestAdd),
                                     cmocka_unit_test(TestState)};
  int                     failed;

  CHECK(EngdInitialize(&argc, &argv, NULL));
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  CHECK(EngdFinalize());
  return failed;
}
