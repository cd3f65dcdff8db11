/*
  Steps along a given direction: grid takes the argmin of a brute-force loop, armijo a point of sufficient decrease, fixed
  its length, quadratic the minimum of a dense model in a plane, trust_region all or nothing by the gain ratio; uphill, or
  where no loss is finite, the step is rejected. None of them moves theta.
  ranks: 1 2 3
*/
#include "solver_case.h"

/* a step with these options and a line to choose on, in a solver of its own */
typedef struct {
  Setting              s[1];
  Tao                  tao;
  struct _n_EngdSolver solver[1];
  EngdStep             step;
  EngdLine             line;
  Vec                  before; /* theta */
  Vec                  previous;
} Frame;

static PetscErrorCode StepSetFromOptions(EngdStep step, EngdSolver solver)
{
  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Step", NULL);
  PetscCall((*step->ops->setfromoptions)(step, solver, PetscOptionsObject));
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the line from theta along -factor gradient */
static void SetLine(Frame *f, PetscReal factor)
{
  EngdLine *line = &f->line;

  *line = (EngdLine){
      .theta = f->s->theta, .gradient = f->s->w, .d = f->s->v, .previous = f->previous, .step = -1, .newloss = -1};
  CHECK(VecCopy(line->theta, f->before));
  CHECK(EngdFunctionalSetParameters(f->s->F, line->theta));
  CHECK(EngdFunctionalEvaluate(f->s->F, &line->loss, line->gradient));
  CHECK(VecCopy(line->gradient, line->d));
  CHECK(VecScale(line->d, -factor));
  CHECK(VecDot(line->gradient, line->d, &line->slope));
}

static void BeginFrame(const Case *which, const char type[], const char options[], Frame *f)
{
  *f = (Frame){0};
  Begin(PETSC_COMM_WORLD, which, "", f->s);
  CreateTao(f->s, "", &f->tao);
  CHECK(VecDuplicate(f->s->theta, &f->before));
  CHECK(VecDuplicate(f->s->theta, &f->previous));
  f->solver->functional = f->s->F;
  f->solver->tao        = f->tao;
  CHECK(TaoGetHessian(f->tao, &f->solver->G, NULL, NULL, NULL));
  CHECK(EngdStepCreate(type, &f->step));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(StepSetFromOptions(f->step, f->solver));
  CHECK(PetscOptionsClear(NULL));
}

static void EndFrame(Frame *f)
{
  CHECK(EngdStepDestroy(&f->step));
  CHECK(TaoDestroy(&f->tao));
  CHECK(VecDestroy(&f->before));
  CHECK(VecDestroy(&f->previous));
  End(f->s);
}

/* the step type chooses; theta stays, a step that is taken has the loss it tells, and a lower one */
static void Choose(Frame *f)
{
  PetscBool same;

  CHECK((*f->step->ops->choose)(f->step, f->solver, &f->line));
  CHECK(VecEqual(f->line.theta, f->before, &same));
  assert_true(same);
  if (f->line.step == 0) return;
  assert_true(f->line.step > 0);
  assert_true(f->line.newloss <= f->line.loss);
  Close("loss of the step", f->line.newloss, LossAt(f->s->F, f->line.theta, f->line.step, f->line.d),
        1e-12 * f->line.loss);
}

/* of -gradient: from far too long to far too short */
static const PetscReal factors[] = {1e3, 30, 1, 1e-1, 1e-2, 1e-5, 1e-8};

static void GridIsArgmin(const Case *which, const char options[], PetscInt n, PetscReal ratio)
{
  PetscInt different = 0, nowhere = 0;
  Frame    f;

  BeginFrame(which, "grid", options, &f);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(factors); k++) {
    PetscReal best = 0, least, step = 1;

    SetLine(&f, factors[k]);
    least = f.line.loss;
    for (PetscInt i = 0; i < n; i++, step *= ratio) {
      const PetscReal loss = LossAt(f.s->F, f.line.theta, step, f.line.d);

      nowhere += PetscIsInfOrNanReal(loss);
      if (PetscIsInfOrNanReal(loss) || loss >= least) continue;
      least = loss;
      best  = step;
    }
    Choose(&f);
    Close("step", f.line.step, best, 1e-12);
    Close("its loss", f.line.newloss, least, 1e-12 * f.line.loss);
    different += best > 0 && best < 1;
  }
  assert_true(different > 1); /* the directions are not all alike */
  assert_true(which != &logarithm || nowhere > 0);
  EndFrame(&f);
}

static void TestGrid(void **state)
{
  (void)state;
  GridIsArgmin(&poisson, "", 31, 0.5);
  GridIsArgmin(&ritz, "-tao_engd_grid_points 12 -tao_engd_grid_ratio 0.3", 12, 0.3);
  GridIsArgmin(&logarithm, "-tao_engd_grid_points 40 -tao_engd_grid_ratio 0.7", 40, 0.7);
}

static void TestArmijo(void **state)
{
  const Case *const problems[] = {&poisson, &ritz, &logarithm};
  PetscInt          shortened  = 0;
  Frame             f;

  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(problems); c++) {
    BeginFrame(problems[c], "armijo", "-tao_ls_armijo_sigma 0.1", &f);
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(factors); k++) {
      SetLine(&f, factors[k]);
      Choose(&f);
      assert_true(f.line.step > 0 && f.line.step <= 1);
      assert_true(f.line.newloss <= f.line.loss + 0.1 * f.line.step * f.line.slope);
      if (f.line.step == 1) continue;
      /* the first of 1, 1/2, 1/4, ... that does */
      assert_false(LossAt(f.s->F, f.line.theta, 2 * f.line.step, f.line.d) <=
                   f.line.loss + 0.1 * 2 * f.line.step * f.line.slope);
      shortened++;
    }
    EndFrame(&f);
  }
  assert_true(shortened > 3);
}

/* Decrease is measured from the present loss, not from the least that an earlier search has met: points may have changed */
static void TestArmijoForgets(void **state)
{
  Frame f;

  (void)state;
  BeginFrame(&poisson, "armijo", "", &f);
  SetLine(&f, 1e-2);
  Choose(&f);
  SetLine(&f, 1e-6);
  Choose(&f);
  assert_true(f.line.step == 1);
  EndFrame(&f);
}

/* Few evaluations: no step, rather than one whose loss nobody has computed */
static void TestArmijoRunsOut(void **state)
{
  Frame f;

  (void)state;
  for (int n = 1; n < 12; n++) {
    char options[64];

    snprintf(options, sizeof(options), "-tao_ls_max_funcs %d -tao_ls_armijo_sigma 0.4", n);
    BeginFrame(&poisson, "armijo", options, &f);
    SetLine(&f, 0.1);
    Choose(&f);
    EndFrame(&f);
  }
}

static void TestFixed(void **state)
{
  Frame f;

  (void)state;
  BeginFrame(&poisson, "fixed", "-tao_engd_step_length 0.25", &f);
  SetLine(&f, 1e-5);
  Choose(&f);
  assert_true(f.line.step == 0.25);
  SetLine(&f, 1e3); /* an increase */
  Choose(&f);
  assert_true(f.line.step == 0);
  EndFrame(&f);
  BeginFrame(&logarithm, "fixed", "", &f);
  SetLine(&f, 1e-4);
  Choose(&f);
  assert_true(f.line.step == 1);
  SetLine(&f, 1e6);
  assert_true(PetscIsNanReal(LossAt(f.s->F, f.line.theta, 1, f.line.d)));
  Choose(&f);
  assert_true(f.line.step == 0);
  EndFrame(&f);
}

/* residual of the model at the update, (G + lambda I) update + gradient, along a; relative to gradient . a */
static PetscReal Along(Frame *f, Vec a)
{
  PetscReal aGd, ag;
  Vec       Gd;

  CHECK(EngdFunctionalSetParameters(f->s->F, f->line.theta)); /* LossAt() has moved them */
  CHECK(VecDuplicate(a, &Gd));
  CHECK(MatMult(f->solver->G, f->line.d, Gd));
  CHECK(VecDot(a, Gd, &aGd));
  CHECK(VecDot(a, f->line.gradient, &ag));
  CHECK(VecDestroy(&Gd));
  return (aGd + ag) / PetscAbsReal(ag);
}

/* The update lies in span{D, P} and is stationary for the model there; alone along D where P is zero or parallel to it */
static void TestQuadratic(void **state)
{
  const Case *const problems[] = {&poisson, &ritz, &logarithm};
  PetscInt          whole      = 0;
  PetscReal         size, rest;
  Frame             f;
  Vec               D, P;

  (void)state;
  for (PetscInt c = 0; c < 3 * 3; c++) {
    BeginFrame(problems[c / 3], "quadratic", "", &f);
    CHECK(EngdGramianSetDamping(f.solver->G, 0.3));
    CHECK(VecDuplicate(f.s->theta, &D));
    CHECK(VecDuplicate(f.s->theta, &P));
    SetLine(&f, 1e-3);
    CHECK(VecCopy(f.line.d, D));
    if (c % 3 == 0) FillRandom(P, 7);
    if (c % 3 == 1) CHECK(VecAXPY(P, -40, D));
    CHECK(VecCopy(P, f.previous));
    Choose(&f);
    Close("along D", Along(&f, D), 0, 1e-9);
    if (c % 3 == 0) Close("along P", Along(&f, P), 0, 1e-7);
    /* what is left of it after the projection on D, P, by Gram and Schmidt twice */
    CHECK(VecNorm(f.line.d, NORM_2, &size));
    CHECK(VecNormalize(D, NULL));
    for (PetscInt k = 0; k < 2; k++) {
      CHECK(VecDot(P, D, &rest));
      CHECK(VecAXPY(P, -rest, D));
    }
    if (c % 3 == 0) CHECK(VecNormalize(P, NULL));
    for (PetscInt k = 0; k < 2; k++) {
      CHECK(VecDot(f.line.d, D, &rest));
      CHECK(VecAXPY(f.line.d, -rest, D));
      if (c % 3) continue;
      CHECK(VecDot(f.line.d, P, &rest));
      CHECK(VecAXPY(f.line.d, -rest, P));
    }
    CHECK(VecNorm(f.line.d, NORM_2, &rest));
    Close("in the plane", rest, 0, 1e-10 * size);
    whole += f.line.step == 1;
    CHECK(VecDestroy(&D));
    CHECK(VecDestroy(&P));
    EndFrame(&f);
  }
  assert_true(whole > 2);
}

/* The learning rate of the first step, halved until the loss does not grow */
static void TestQuadraticFirst(void **state)
{
  PetscReal dd, ud;
  Frame     f;

  (void)state;
  BeginFrame(&poisson, "quadratic", "-tao_engd_quadratic_first 1e-6", &f);
  SetLine(&f, 1);
  Choose(&f);
  assert_true(f.line.step == 1);
  CHECK(VecDot(f.line.d, f.s->v, &ud));
  CHECK(VecDot(f.s->v, f.s->v, &dd));
  Close("learning rate", ud / dd, 1e-6, 1e-18);
  EndFrame(&f);
  BeginFrame(&poisson, "quadratic", "-tao_engd_quadratic_first 1", &f);
  SetLine(&f, 1);
  assert_true(LossAt(f.s->F, f.line.theta, 1, f.line.d) > f.line.loss);
  Choose(&f);
  assert_true(f.line.step < 1 && f.line.step > 0);
  EndFrame(&f);
}

/* All or nothing by the gain ratio, and the factors of lambda of Nielsen */
static void TestTrustRegion(void **state)
{
  PetscInt  taken = 0, rejected = 0;
  PetscReal nu = 2, gain = 0, dGd;
  Frame     f;

  (void)state;
  BeginFrame(&poisson, "trust_region", "", &f);
  for (size_t k = 0; k < 2 * PETSC_STATIC_ARRAY_LENGTH(factors); k++) {
    f.solver->damping.lambda = 0.1;
    SetLine(&f, factors[k / 2]);
    CHECK(EngdGramianSetDamping(f.solver->G, 0));
    CHECK(MatMult(f.solver->G, f.line.d, f.previous));
    CHECK(VecDot(f.line.d, f.previous, &dGd));
    CHECK(EngdGramianSetDamping(f.solver->G, 0.1));
    Choose(&f);
    gain = (f.line.loss - LossAt(f.s->F, f.line.theta, 1, f.line.d)) / -(f.line.slope + dGd / 2);
    if (-(f.line.slope + dGd / 2) > 0 && gain > 1e-4) {
      Close("step", f.line.step, 1, 0);
      Close("factor", f.line.damping_factor, PetscMax(1. / 3, 1 - PetscPowReal(2 * gain - 1, 3)), 1e-8);
      nu = 2;
      taken++;
    } else {
      Close("no step", f.line.step, 0, 0);
      Close("factor", f.line.damping_factor, nu, 1e-12 * nu);
      nu *= 2;
      rejected++;
    }
  }
  assert_true(taken > 2 && rejected > 2);
  EndFrame(&f);
}

/* uphill, and where all losses that are tried are not numbers */
static void TestNoStep(void **state)
{
  const char *const types[] = {"grid", "armijo", "fixed", "trust_region"};
  Frame             f;

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(types); k++) {
    BeginFrame(&poisson, types[k], "-tao_engd_grid_points 12", &f);
    SetLine(&f, -1e-3);
    Choose(&f);
    assert_true(f.line.step == 0);
    EndFrame(&f);
    BeginFrame(&logarithm, types[k], "-tao_engd_grid_points 5 -tao_ls_max_funcs 5", &f);
    SetLine(&f, 1e3);
    Choose(&f);
    assert_true(f.line.step == 0);
    EndFrame(&f);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestGrid),          cmocka_unit_test(TestArmijo),         cmocka_unit_test(TestArmijoForgets),
      cmocka_unit_test(TestArmijoRunsOut), cmocka_unit_test(TestFixed),          cmocka_unit_test(TestNoStep),
      cmocka_unit_test(TestQuadratic),     cmocka_unit_test(TestQuadraticFirst), cmocka_unit_test(TestTrustRegion),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("step", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
