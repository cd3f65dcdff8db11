/*
  TAO types adam and sgd: on a quadratic loss with a known Hessian and gradient, the parameters of each iteration against the
  formulas written out here; the schedules; new points; values out of range.
  ranks: 1 2 3; errors leak
*/
#include "solver_record.h"
#include <math.h>

#define STEPS 12
#define P     3 /* parameters of the affine network of two inputs and one output */

/* rate[k] of the schedule, and whether the optimiser is Adam, with its beta1, beta2, epsilon and decay, or SGD with mu */
typedef struct {
  PetscReal rate[STEPS], b1, b2, epsilon, decay, mu;
  PetscReal relative; /* positive: the rate is this over the largest eigenvalue of the Hessian */
  PetscBool adam, nesterov;
} Formula;

/* theta[k + 1] from theta[k] with gradient[k] = g + H (theta[k] - theta[0]), as the papers write it */
static void Reference(const Formula *f, const PetscReal H[], const PetscReal g[], PetscReal theta[])
{
  PetscReal m[P] = {0}, v[P] = {0};

  for (PetscInt k = 0; k < STEPS; k++) {
    for (PetscInt i = 0; i < P; i++) {
      const PetscReal now      = theta[k * P + i];
      PetscReal       gradient = g[i], move;

      for (PetscInt j = 0; j < P; j++) gradient += H[j * P + i] * (theta[k * P + j] - theta[j]);
      if (f->adam) {
        m[i] = f->b1 * m[i] + (1 - f->b1) * gradient;
        v[i] = f->b2 * v[i] + (1 - f->b2) * gradient * gradient;
        move = m[i] / (1 - pow(f->b1, k + 1)) / (sqrt(v[i] / (1 - pow(f->b2, k + 1))) + f->epsilon) + f->decay * now;
      } else {
        m[i] = f->mu * m[i] + gradient;
        move = f->nesterov ? gradient + f->mu * m[i] : m[i];
      }
      theta[(k + 1) * P + i] = now - f->rate[k] * move;
    }
  }
}

static void Constant(PetscReal rate, Formula *f)
{
  for (PetscInt k = 0; k < STEPS; k++) f->rate[k] = rate;
}

static PetscReal LargestEigenvalue(const PetscReal H[])
{
  PetscReal V[P * P], l[P];
  PetscInt  info;

  CHECK(PetscArraycpy(V, H, P * P));
  CHECK(EngdSymmetricEigen("N", P, V, l, &info));
  return l[P - 1];
}

static void Agrees(const char options[], Formula *f)
{
  PetscReal theta[(STEPS + 1) * P], g[P], *H, loss;
  char      all[256];
  Setting   s;
  Record    r;
  Mat       G;

  BeginAffine(&s);
  assert_int_equal(s.p, P);
  CHECK(EngdFunctionalCreateGramian(s.F, &G));
  H = Dense(G);
  CHECK(MatDestroy(&G));
  CHECK(EngdFunctionalEvaluate(s.F, &loss, s.v));
  Whole(s.v, g);
  Whole(s.theta, theta);
  if (f->relative > 0) Constant(f->relative / LargestEigenvalue(H), f);
  Reference(f, H, g, theta);
  snprintf(all, sizeof(all), "%s -tao_max_it %d", options, STEPS);
  assert_int_equal(Solve(&s, all, &r), TAO_DIVERGED_MAXITS);
  assert_int_equal(r.n, STEPS + 1);
  for (PetscInt k = 0; k <= STEPS; k++) {
    CloseAll(options, P, r.theta + k * P, theta + k * P, 1e-13);
    if (k) Close("step is the learning rate", r.status[k].step, f->rate[k - 1], 1e-15);
  }
  CHECK(PetscFree(H));
  CHECK(PetscFree(r.theta));
  End(&s);
}

static void TestAdam(void **state)
{
  Formula f = {.adam = PETSC_TRUE, .b1 = 0.9, .b2 = 0.999, .epsilon = 1e-8};

  (void)state;
  Constant(1e-3, &f);
  Agrees("-tao_type adam", &f);
  f = (Formula){.adam = PETSC_TRUE, .b1 = 0.6, .b2 = 0.7, .epsilon = 0.1, .decay = 0.2};
  Constant(0.3, &f);
  Agrees("-tao_type adam -tao_adam_learning_rate 0.3 -tao_adam_beta1 0.6 -tao_adam_beta2 0.7 -tao_adam_epsilon 0.1 "
         "-tao_adam_weight_decay 0.2",
         &f);
}

static void TestSGD(void **state)
{
  Formula f = {.mu = 0};

  (void)state;
  Constant(1e-3, &f);
  Agrees("-tao_type sgd", &f);
  f.mu = 0.8;
  Constant(0.2, &f);
  Agrees("-tao_type sgd -tao_sgd_learning_rate 0.2 -tao_sgd_momentum 0.8", &f);
  f.nesterov = PETSC_TRUE;
  Agrees("-tao_type sgd -tao_sgd_learning_rate 0.2 -tao_sgd_momentum 0.8 -tao_sgd_nesterov", &f);
  f.relative = 0.3;
  Agrees("-tao_type sgd -tao_sgd_relative_rate 0.3 -tao_sgd_momentum 0.8 -tao_sgd_nesterov", &f);
}

static void TestSchedules(void **state)
{
  Formula f = {.adam = PETSC_TRUE, .b1 = 0.9, .b2 = 0.999, .epsilon = 1e-8};

  (void)state;
  for (PetscInt k = 0; k < STEPS; k++) f.rate[k] = 0.01 * pow(0.5, k / 4.0);
  Agrees("-tao_type adam -tao_adam_learning_rate 0.01 -tao_adam_schedule exponential -tao_adam_schedule_factor 0.5 "
         "-tao_adam_schedule_period 4",
         &f);
  f = (Formula){.mu = 0};
  for (PetscInt k = 0; k < STEPS; k++) f.rate[k] = 0.1 * (k < 5 ? 1 : k < 10 ? 0.3 : 0.09);
  Agrees("-tao_type sgd -tao_sgd_learning_rate 0.1 -tao_sgd_schedule step -tao_sgd_schedule_factor 0.3 "
         "-tao_sgd_schedule_period 5",
         &f);
  for (PetscInt k = 0; k < STEPS; k++) f.rate[k] = 0.05 * (0.02 + 0.98 * (1 + cos(PETSC_PI * k / (STEPS - 1))) / 2);
  Agrees("-tao_type sgd -tao_sgd_learning_rate 0.05 -tao_sgd_schedule cosine -tao_sgd_schedule_factor 0.02", &f);
}

/* a network, new points each 3 iterations, a second solve that forgets the moments, the budget of seconds */
static void TestRuns(void **state)
{
  const char *const types[] = {"-tao_type adam -tao_adam_learning_rate 0.03 -tao_max_it 10",
                               "-tao_type sgd -tao_sgd_learning_rate 1e-5 -tao_max_it 10"};
  Record            r;

  (void)state;
  for (size_t c = 0; c < 2; c++) {
    (void)SolveCase(&poisson, "-pde_resample 3", types[c], &r);
    assert_int_equal(r.n, 11);
    for (PetscInt k = 2; k < r.n; k++) assert_true(((k - 1) % 3 == 0) == (r.points[k] != r.points[k - 1]));
    CHECK(PetscFree(r.theta));
    (void)SolveCase(&poisson, "", types[c], &r);
    assert_true(r.loss[10] < r.loss[0]);
    CHECK(PetscFree(r.theta));
  }
}

static void TestRefused(void **state)
{
  const char *const bad[] = {"adam -tao_adam_learning_rate 0",
                             "adam -tao_adam_learning_rate nan",
                             "adam -tao_adam_beta1 1",
                             "adam -tao_adam_beta2 -0.1",
                             "adam -tao_adam_epsilon 0",
                             "adam -tao_adam_weight_decay -1",
                             "adam -tao_adam_schedule sometimes",
                             "sgd -tao_sgd_momentum 1.5",
                             "sgd -tao_sgd_schedule_period 0",
                             "sgd -tao_sgd_schedule_factor -2",
                             "sgd -tao_sgd_relative_rate -1",
                             "sgd -tao_sgd_learning_rate 1 -tao_sgd_relative_rate 1"};

  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(bad); c++) {
    char    options[128];
    Setting s;
    Tao     tao;

    BeginAffine(&s);
    snprintf(options, sizeof(options), "-tao_type %s", bad[c]);
    CHECK(PetscOptionsInsertString(NULL, options));
    assert_int_equal(EngdExitCode(EngdSolverCreate(s.F, &tao)), ENGD_EXIT_INPUT);
    CHECK(PetscOptionsClear(NULL));
    End(&s);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestAdam), cmocka_unit_test(TestSGD),     cmocka_unit_test(TestSchedules),
      cmocka_unit_test(TestRuns), cmocka_unit_test(TestRefused),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("first order", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
