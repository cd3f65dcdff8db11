/*
  Levenberg-Marquardt steps with geodesic acceleration against dense solves and residuals by parameters that are set; which kind
  of iteration a sequence of losses leads to; what the choice of a direction goes by.
  ranks: 1 2 3
*/
#include "direction_case.h"

/* d (p, on every rank) = -(J^T J + mu s_1^2 I)^{-1} J^T r by LAPACK */
static void DenseSolve(EngdFunctional F, PetscReal mu, Vec r, PetscReal d[])
{
  Mat          J, G;
  Vec          g;
  PetscReal   *dense, *eigenvalue, work[4096];
  PetscBLASInt p, info, lwork = 4096;

  CHECK(EngdFunctionalCreateJacobian(F, &J));
  CHECK(MatCreateVecs(J, &g, NULL));
  CHECK(MatMultTranspose(J, r, g));
  CHECK(EngdFunctionalCreateGramian(F, &G));
  dense = Dense(G);
  CHECK(PetscBLASIntCast(F->model->nparameters, &p));
  CHECK(PetscMalloc1(p, &eigenvalue));
  LAPACKsyev_("N", "U", &p, dense, &p, eigenvalue, work, &lwork, &info);
  assert_int_equal(info, 0);
  ExactDirection(F, mu * eigenvalue[p - 1], g, d);
  CHECK(PetscFree(eigenvalue));
  CHECK(PetscFree(dense));
  CHECK(MatDestroy(&G));
  CHECK(MatDestroy(&J));
  CHECK(VecDestroy(&g));
}

static Vec CreateResidual(EngdFunctional F)
{
  Mat J;
  Vec R;

  CHECK(EngdFunctionalCreateJacobian(F, &J));
  CHECK(MatCreateVecs(J, NULL, &R));
  CHECK(MatDestroy(&J));
  return R;
}

/* more rows than columns, and fewer */
static const char *const shapes[] = {"-network_layers 5", "-network_layers 20"};

/* the factors of tsvd solve with any mu and any right-hand side */
static void TestSolve(void **state)
{
  const PetscReal mu[] = {1, 1e-3, 1e-7};

  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(shapes); c++) {
    PetscReal *exact, *d;
    PetscInt   its;
    Vec        r;
    Frame      f;

    BeginFrame(&poisson, "tsvd", shapes[c], "", &f);
    CHECK(ComputeDirection(&f, f.s->theta, 0, &its));
    r = CreateResidual(f.s->F);
    CHECK(EngdFunctionalResidual(f.s->F, r));
    CHECK(VecShift(r, 0.3));
    CHECK(PetscMalloc2(f.s->p, &exact, f.s->p, &d));
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(mu); k++) {
      CHECK((*f.direction->ops->solve)(f.direction, f.solver, mu[k], r, f.d));
      Whole(f.d, d);
      DenseSolve(f.s->F, mu[k], r, exact);
      CloseAll("solve", (size_t)f.s->p, d, exact, 1e-13 / mu[k]);
    }
    CHECK(PetscFree2(exact, d));
    CHECK(VecDestroy(&r));
    EndFrame(&f);
  }
}

/* R at theta + step v, by parameters that are set */
static void ResidualAt(EngdFunctional F, Vec theta, PetscReal step, Vec v, Vec R)
{
  Vec trial;

  CHECK(VecDuplicate(theta, &trial));
  CHECK(VecWAXPY(trial, step, v, theta));
  CHECK(EngdFunctionalSetParameters(F, trial));
  CHECK(EngdFunctionalResidual(F, R));
  CHECK(EngdFunctionalSetParameters(F, theta));
  CHECK(VecDestroy(&trial));
}

/* v + a/2 (p, on every rank) for this mu; is |a| small enough */
static PetscBool ExactStep(Frame *f, PetscReal mu, PetscReal step[])
{
  const PetscReal h = 0.1;
  EngdFunctional  F = f->s->F;
  PetscReal      *a, normv = 0, norma = 0;
  Vec             v, R, second, shifted = CreateResidual(F);
  Mat             J;

  CHECK(VecDuplicate(shifted, &R));
  CHECK(VecDuplicate(shifted, &second));
  CHECK(VecDuplicate(f->s->theta, &v));
  CHECK(PetscMalloc1(f->s->p, &a));
  CHECK(EngdFunctionalResidual(F, R));
  DenseSolve(F, mu, R, step);
  FromWhole(step, v);
  ResidualAt(F, f->s->theta, h, v, shifted);
  CHECK(EngdFunctionalCreateJacobian(F, &J));
  CHECK(MatMult(J, v, second));
  CHECK(VecAXPBYPCZ(second, 2 / (h * h), -2 / (h * h), -2 / h, shifted, R));
  DenseSolve(F, mu, second, a);
  for (PetscInt j = 0; j < f->s->p; j++) {
    normv += step[j] * step[j];
    norma += a[j] * a[j];
    step[j] += 0.5 * a[j];
  }
  CHECK(MatDestroy(&J));
  CHECK(VecDestroy(&v));
  CHECK(VecDestroy(&R));
  CHECK(VecDestroy(&second));
  CHECK(VecDestroy(&shifted));
  CHECK(PetscFree(a));
  return (PetscBool)(PetscSqrtReal(norma) <= 0.75 * PetscSqrtReal(normv));
}

/* the step is that of the first mu = 1e-10 2^k that lowers the loss with a small enough acceleration */
static void TestStep(void **state)
{
  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(shapes); c++) {
    PetscReal   *exact, *d, mu = 1e-10;
    PetscInt     its;
    EngdGeodesic geodesic;
    EngdLine     line;
    Frame        f;

    BeginFrame(&poisson, "tsvd", shapes[c], "", &f);
    CHECK(ComputeDirection(&f, f.s->theta, 0, &its));
    CHECK(EngdGeodesicCreate(f.s->F, &geodesic));
    line = (EngdLine){.theta = f.s->theta, .gradient = f.gradient, .loss = LossAt(f.s->F, f.s->theta, 0, f.d)};
    CHECK(EngdFunctionalSetParameters(f.s->F, f.s->theta));
    CHECK(EngdGeodesicStep(geodesic, f.solver, f.direction, &line));
    assert_true(line.step == 1);
    assert_true(line.newloss < line.loss);
    Close("loss", line.newloss, LossAt(f.s->F, f.s->theta, 1, line.d), 1e-11 * line.loss);
    CHECK(EngdFunctionalSetParameters(f.s->F, f.s->theta));
    CHECK(PetscMalloc2(f.s->p, &exact, f.s->p, &d));
    Whole(line.d, d);
    while (PetscAbsReal(PetscSqrtReal(mu) / f.direction->damping - 1) > 1e-10) {
      PetscBool small = ExactStep(&f, mu, exact);

      FromWhole(exact, f.d);
      if (small) assert_true(LossAt(f.s->F, f.s->theta, 1, f.d) >= line.loss);
      CHECK(EngdFunctionalSetParameters(f.s->F, f.s->theta));
      mu *= 2;
      assert_true(mu < 1);
    }
    assert_true(ExactStep(&f, mu, exact));
    CloseAll("step", (size_t)f.s->p, d, exact, 1e-2 * mu + 1e-13 / mu);
    CHECK(PetscFree2(exact, d));
    CHECK(EngdGeodesicDestroy(&geodesic));
    EndFrame(&f);
  }
}

/* n iterations, each of which multiplies the loss by this factor; are accelerated ones next */
static PetscInt Record(EngdProgress *progress, PetscInt n, PetscReal factor, PetscReal step, PetscReal *loss)
{
  PetscBool stuck;

  for (PetscInt k = 0; k < n; k++) {
    stuck = (PetscBool)(step == 0);
    EngdProgressRecord(progress, *loss *= factor);
    EngdProgressChooseKind(progress, step, &stuck);
    assert_true(!stuck);
  }
  return progress->accelerated;
}

static void TestProgress(void **state)
{
  EngdProgress progress = {0};
  PetscReal    loss     = 1;
  PetscBool    stuck    = PETSC_TRUE;
  EngdArchive  nothing;

  (void)state;
  CHECK(EngdArchiveCreate(PETSC_COMM_WORLD, ENGD_ARCHIVE_FORGET, NULL, &nothing));
  CHECK(EngdProgressState(&progress, 20, nothing));
  CHECK(EngdArchiveDestroy(&nothing));
  EngdProgressRecord(&progress, loss);
  assert_int_equal(Record(&progress, 40, 0.99, 1, &loss), 0); /* 10% in ten iterations are fast enough */
  assert_true(!EngdProgressIsSlow(&progress, 0, 20, 1e-3));
  assert_int_equal(Record(&progress, 4, 1, 1, &loss), 0);
  assert_int_equal(Record(&progress, 1, 1, 1, &loss), 20); /* 5 of the last ten lowered it, by 5% in all */
  assert_int_equal(Record(&progress, 20, 0.5, 1, &loss), 0);
  assert_int_equal(Record(&progress, 2, 0.99, 1, &loss), 0);
  assert_int_equal(Record(&progress, 1, 0.99, 1, &loss), 20); /* three after accelerated ones */
  assert_int_equal(Record(&progress, 1, 1, 0, &loss), 0);     /* no accelerated step is found: straight ones again */
  EngdProgressRecord(&progress, loss);
  EngdProgressChooseKind(&progress, 0, &stuck);
  assert_true(stuck); /* nor a straight one */
  CHECK(PetscFree(progress.past));
}

/* what a type said of itself */
static EngdEstimate EstimateOf(const EngdDirectionChoice *choice, const char type[])
{
  for (PetscInt k = 0; k < choice->n; k++)
    if (!strcmp(choice->candidate[k].type, type)) return choice->candidate[k].estimate;
  fail_msg("%s was not asked", type);
  return (EngdEstimate){.seconds = 0};
}

/* the direction that is taken with these options */
static void Chosen(const Case *which, const char options[], const char type[])
{
  struct _n_EngdSolver solver[1] = {{0}};
  EngdDirectionChoice  choice;
  const char          *chosen;
  Setting              s;

  Begin(PETSC_COMM_WORLD, which, options, &s);
  solver->functional = s.F;
  CHECK(KSPCreate(PETSC_COMM_WORLD, &solver->ksp));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdDirectionChoose(solver, &choice, &chosen));
  CHECK(PetscOptionsClear(NULL));
  assert_string_equal(chosen, type);
  if (!choice.asked) {
    assert_true(EstimateOf(&choice, "tsvd").bytes > 8. * s.p * s.p / 3 && EstimateOf(&choice, "tsvd").seconds > 0);
    assert_true(EstimateOf(&choice, "dual").seconds > 0 && EstimateOf(&choice, "krylov").seconds > 0);
  }
  CHECK(KSPDestroy(&solver->ksp));
  End(&s);
}

static void TestChoice(void **state)
{
  (void)state;
  Chosen(&poisson, "", "tsvd");
  Chosen(&ritz, "", "tsvd");
  Chosen(&poisson, "-engd_memory_limit 1e3", "krylov");
  Chosen(&poisson, "-pc_type kfac", "krylov");
  Chosen(&poisson, "-tao_engd_curvature hessian", "krylov");
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestSolve),
      cmocka_unit_test(TestStep),
      cmocka_unit_test(TestProgress),
      cmocka_unit_test(TestChoice),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("geodesic", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
