/*
  Random dimensions of points: what is drawn; the Laplacian that they estimate, exact for all of them and without bias for
  some, through an ansatz too; and balls of many dimensions by their radius.
  ranks: 1 3
*/
#include "functionals.h"

#define EPOCHS 400

/* s different ones of the coordinates, ascending, each as often as others; others at another epoch, the same at the same one */
static void Drawn(void **state)
{
  const PetscInt d = 7, s = 3, n = 6000;
  PetscInt       count[7] = {0}, first[3], same = 0;
  EngdProblem    problem;
  EngdPoints     p;

  (void)state;
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL,
                                 "-domain_lower 0 -domain_upper 1 -domain_coordinates x1..x7 -terms pde -pde_points "
                                 "6000 -pde_residual lap(u)"));
  CHECK(EngdProblemCreate(PETSC_COMM_WORLD, &problem));
  CHECK(EngdProblemSetTermRandomDimensions(problem, "pde", 3));
  CHECK(EngdProblemSetFromOptions(problem));
  p = problem->term[0]->points;
  for (PetscInt i = 0; i < p->nlocal; i++) {
    for (PetscInt k = 0; k < s; k++) {
      const PetscInt j = p->dimension[i * s + k];

      assert_in_range(j, k ? p->dimension[i * s + k - 1] + 1 : 0, d - 1);
      count[j]++;
    }
  }
  CHECK(MPI_Allreduce(MPI_IN_PLACE, count, (PetscMPIInt)d, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD));
  for (PetscInt j = 0; j < d; j++) /* binomial: n s/d, variance n s/d (1 - s/d) */
    Close("times that it was drawn", (PetscReal)count[j], (PetscReal)n * s / d, 3 * sqrt(n * 3. / 7 * 4. / 7));
  CHECK(PetscArraycpy(first, p->dimension, s));
  CHECK(EngdPointsSample(p, 1));
  for (PetscInt i = 0; i + 1 < p->nlocal; i++) {
    PetscBool equal;

    CHECK(PetscArraycmp(p->dimension + i * s, p->dimension + (i + 1) * s, s, &equal));
    same += equal;
  }
  assert_true(same < p->nlocal / 10); /* one set of 35 is another one's by chance */
  CHECK(EngdPointsSample(p, 0));
  assert_memory_equal(first, p->dimension, sizeof(first));
  CHECK(EngdProblemDestroy(&problem));
}

/* R of a problem with s random dimensions, 0 for all, at an epoch, on points that stay */
static void Residual(Setting *s, PetscInt epoch, Vec R)
{
  CHECK(EngdPointsSample(s->problem->term[0]->points, epoch));
  CHECK(EngdFunctionalAttachPoints(s->F));
  CHECK(EngdFunctionalResidual(s->F, R));
}

#define CUBE                                                                                                         \
  "-domain_lower 0 -domain_upper 1 -domain_coordinates x,y,z -network_layers 5,4 -terms pde -pde_points 2,3,2 "      \
  "-pde_sampler gauss "

/* the mean of R - exact over epochs is zero, at all points together and at each of them, within its standard error */
static void Unbiased(Setting *s, Vec exact, PetscReal size)
{
  PetscReal left, right, worst;
  Vec       R, sum, square;

  CHECK(VecDuplicate(exact, &R));
  CHECK(VecDuplicate(exact, &sum));
  CHECK(VecDuplicate(exact, &square));
  for (PetscInt epoch = 0; epoch < EPOCHS; epoch++) {
    Residual(s, epoch, R);
    CHECK(VecAXPY(R, -1, exact));
    CHECK(VecAXPY(sum, 1.0 / EPOCHS, R));
    CHECK(VecPointwiseMult(R, R, R));
    CHECK(VecAXPY(square, 1.0 / EPOCHS, R));
  }
  CHECK(VecDot(sum, sum, &left));
  CHECK(VecSum(square, &right));
  assert_true(right > 1e-3 * size * size);                        /* it does estimate */
  Close("bias of all points", left / right * EPOCHS, 1, 3 * 0.5); /* over the variance: 12 points, some alike */
  CHECK(VecPointwiseMult(sum, sum, sum));
  CHECK(VecPointwiseDivide(R, sum, square));
  CHECK(VecMax(R, NULL, &worst));
  Close("bias of a point in standard errors", sqrt(worst * EPOCHS), 0, 3);
  CHECK(VecDestroy(&R));
  CHECK(VecDestroy(&sum));
  CHECK(VecDestroy(&square));
}

/* the residual by all dimensions is that without, and by some of them its mean is */
static void Estimated(void **state)
{
  static const Case cube[] = {{"cube", CUBE "-pde_residual lap(u)-x", PETSC_FALSE, PETSC_TRUE, PETSC_TRUE},
                              {"ansatz", CUBE "-ansatz_u x*(1-y*z)*u+u^2 -pde_residual lap(u)+lap(x^3)+u",
                               PETSC_FALSE, PETSC_FALSE, PETSC_FALSE}};

  (void)state;
  for (PetscInt c = 0; c < 2; c++) {
    PetscReal size  = 0, difference;
    Vec       exact = NULL, R;

    for (PetscInt s = 0; s <= 3; s++) {
      char    options[64];
      Setting setting;

      CHECK(PetscSNPrintf(options, sizeof(options), "-pde_random_dimensions %" PetscInt_FMT, s));
      Begin(PETSC_COMM_WORLD, &cube[c], options, &setting);
      CHECK(VecCreateMPI(PETSC_COMM_WORLD, setting.F->nrows, PETSC_DECIDE, &R));
      Residual(&setting, 0, R);
      if (!s) {
        exact = R;
        CHECK(VecNorm(exact, NORM_INFINITY, &size));
      } else if (s < 3) {
        Unbiased(&setting, exact, size);
      } else {
        CHECK(VecAXPY(R, -1, exact));
        CHECK(VecNorm(R, NORM_INFINITY, &difference));
        Close("all dimensions", difference, 0, 1e-13 * size);
      }
      if (s) CHECK(VecDestroy(&R));
      End(&setting);
    }
    CHECK(VecDestroy(&exact));
  }
}

/* radii that are uniform, in a ball whose volume is no number of this precision: means of |x|^2 and of each x_j^2 */
static void Radial(void **state)
{
  const PetscInt n = 2000, d = 1000;
  PetscReal      sum[3] = {0};
  EngdDomain     domain;
  EngdPoints     p;

  (void)state;
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, "-domain_type ball -domain_coordinates x1..x1000 -domain_measure radius"));
  CHECK(EngdDomainCreateFromOptions(PETSC_COMM_WORLD, NULL, &domain));
  CHECK(EngdPointsCreate(domain, "-a_region", "interior", "uniform", n, 0, 4, &p));
  for (PetscInt i = 0; i < p->nlocal; i++) {
    const PetscReal *x = p->x + i * d;

    for (PetscInt j = 0; j < d; j++) sum[0] += p->weight[i] * x[j] * x[j];
    sum[1] += p->weight[i] * x[0] * x[0] * d;
    sum[2] += p->weight[i] * x[d - 1] * x[d - 1] * d;
  }
  CHECK(MPI_Allreduce(MPI_IN_PLACE, sum, 3, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  Close("the mean of |x|^2", sum[0], 1. / 3, 3 * sqrt(4. / 45 / n));
  for (PetscInt k = 1; k < 3; k++) /* of r^2 z^2, z normal: the variance is 3/5 - 1/9 */
    Close("d times that of x_j^2", sum[k], 1. / 3, 3 * sqrt(22. / 45 / n));
  CHECK(EngdPointsDestroy(&p));
  CHECK(EngdDomainDestroy(&domain));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(Drawn), cmocka_unit_test(Estimated), cmocka_unit_test(Radial)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("dimensions", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
