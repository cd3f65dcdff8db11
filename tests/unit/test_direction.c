/*
  Direction krylov: every KSP and PC against the dense solve of (G + lambda I) d = -gradient by LAPACK, those on
  [J; sqrt(lambda) I] too, at two parameters and dampings in turn; preonly is the preconditioner alone; parts of the Gramian;
  the iterate with the lowest loss.
  ranks: 1 2 3
*/
#include "solver_case.h"

/* the solver around a KSP with these options, without a Tao, and what a direction needs of it */
typedef struct {
  Setting              s[1];
  struct _n_EngdSolver solver[1];
  EngdDirection        direction;
  Vec                  gradient, d;
} Frame;

static PetscErrorCode DirectionSetFromOptions(EngdDirection direction, EngdSolver solver)
{
  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Direction", NULL);
  PetscCall((*direction->ops->setfromoptions)(direction, solver, PetscOptionsObject));
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void BeginFrameOf(EngdStructure structure, const Case *which, const char options[], Frame *f)
{
  *f = (Frame){0};
  Begin(PETSC_COMM_WORLD, which, "", f->s);
  CHECK(TaoCreate(PETSC_COMM_WORLD, &f->solver->tao));
  CHECK(TaoSetSolution(f->solver->tao, f->s->theta));
  f->solver->functional = f->s->F;
  f->solver->structure  = structure;
  CHECK(EngdFunctionalCreateGramian(f->s->F, &f->solver->G));
  CHECK(KSPCreate(PETSC_COMM_WORLD, &f->solver->ksp));
  CHECK(PetscOptionsInsertString(NULL, "-ksp_rtol 1e-13 -ksp_max_it 300 -ksp_gmres_restart 60"));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(KSPSetFromOptions(f->solver->ksp));
  CHECK(EngdDirectionCreate("krylov", &f->direction));
  CHECK(DirectionSetFromOptions(f->direction, f->solver));
  CHECK((*f->direction->ops->setup)(f->direction, f->solver));
  CHECK(VecDuplicate(f->s->theta, &f->gradient));
  CHECK(VecDuplicate(f->s->theta, &f->d));
}

static void BeginFrame(const Case *which, const char options[], Frame *f)
{
  BeginFrameOf(ENGD_STRUCTURE_FULL, which, options, f);
}

static void EndFrame(Frame *f)
{
  CHECK(TaoDestroy(&f->solver->tao));
  CHECK(EngdDirectionDestroy(&f->direction));
  CHECK(KSPDestroy(&f->solver->ksp));
  CHECK(PetscOptionsClear(NULL));
  CHECK(MatDestroy(&f->solver->G));
  CHECK(VecDestroy(&f->gradient));
  CHECK(VecDestroy(&f->d));
  End(f->s);
}

/* the direction at theta, as an iteration of the optimiser computes it */
static void ComputeDirection(Frame *f, Vec theta, PetscReal lambda, PetscInt *its)
{
  PetscReal loss;

  CHECK(EngdFunctionalSetParameters(f->s->F, theta));
  CHECK(EngdFunctionalEvaluate(f->s->F, &loss, f->gradient));
  f->solver->damping.lambda = lambda;
  CHECK(PetscObjectStateIncrease((PetscObject)f->solver->G));
  CHECK(EngdGramianSetDamping(f->solver->G, lambda));
  CHECK((*f->direction->ops->compute)(f->direction, f->solver, f->gradient, f->d, its));
}

static void AgreesWithDense(const Case *which, const char options[])
{
  const PetscReal lambda[] = {1e-2, 1e-1};
  Frame           f;
  PetscReal      *exact, *d;
  PetscInt        its;

  BeginFrame(which, options, &f);
  CHECK(PetscMalloc2(f.s->p, &exact, f.s->p, &d));
  for (PetscInt k = 0; k < 2; k++) {
    ComputeDirection(&f, k ? f.s->w : f.s->theta, lambda[k], &its);
    ExactDirection(f.s->F, lambda[k], f.gradient, exact);
    Whole(f.d, d);
    CloseAll(options, (size_t)f.s->p, d, exact, 1e-8);
    assert_in_range(its, 1, 300);
  }
  CHECK(PetscFree2(exact, d));
  EndFrame(&f);
}

static void TestOnGramian(void **state)
{
  const char *const methods[] = {"-ksp_type cg -pc_type none",
                                 "-ksp_type cg -pc_type jacobi",
                                 "-ksp_type cg -pc_type kfac",
                                 "-ksp_type minres -pc_type none",
                                 "-ksp_type minres -pc_type kfac",
                                 "-ksp_type gmres -pc_type none",
                                 "-ksp_type gmres -pc_type kfac",
                                 "-ksp_type fgmres -pc_type jacobi",
                                 "-ksp_type cg -pc_type kfac -pc_kfac_ema 0 -pc_kfac_damping 1e-3"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(methods); k++) {
    AgreesWithDense(&poisson, methods[k]);
    AgreesWithDense(&ritz, methods[k]);
  }
}

static void TestOnJacobian(void **state)
{
  const char *const methods[] = {"-ksp_type lsqr -pc_type none", "-ksp_type lsqr -pc_type jacobi",
                                 "-ksp_type lsqr -pc_type kfac", "-ksp_type cgls -pc_type none"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(methods); k++) AgreesWithDense(&poisson, methods[k]);
}

/* preonly with kfac is the KFAC optimiser: d = -P^{-1} gradient, with a P made here */
static void TestPreconditionerAlone(void **state)
{
  PetscReal *expected, *d;
  PetscInt   its;
  Frame      f;
  PC         pc;

  (void)state;
  BeginFrame(&poisson, "-ksp_type preonly -pc_type kfac -pc_kfac_damping 1e-4", &f);
  CHECK(PetscMalloc2(f.s->p, &expected, f.s->p, &d));
  CHECK(PCCreate(PETSC_COMM_WORLD, &pc));
  CHECK(PCSetFromOptions(pc));
  for (PetscInt k = 0; k < 2; k++) { /* the second time with factors averaged over both */
    ComputeDirection(&f, k ? f.s->w : f.s->theta, 0.3, &its);
    Whole(f.d, d);
    CHECK(PCSetOperators(pc, f.solver->G, f.solver->G));
    CHECK(PCApply(pc, f.gradient, f.s->v));
    CHECK(VecScale(f.s->v, -1));
    Whole(f.s->v, expected);
    CloseAll("preonly", (size_t)f.s->p, d, expected, 1e-13);
    assert_int_equal(its, 1);
  }
  CHECK(PCDestroy(&pc));
  CHECK(PetscFree2(expected, d));
  EndFrame(&f);
}

/* a KSP that stops early leaves what it has: one step of CG is -alpha gradient with the best alpha */
static void TestStopsEarly(void **state)
{
  PetscReal gg, gGg, *expected, *d;
  PetscInt  its;
  Frame     f;

  (void)state;
  BeginFrame(&poisson, "-ksp_type cg -pc_type none -ksp_max_it 1", &f);
  CHECK(PetscMalloc2(f.s->p, &expected, f.s->p, &d));
  ComputeDirection(&f, f.s->theta, 1e-2, &its);
  Whole(f.d, d);
  CHECK(MatMult(f.solver->G, f.gradient, f.s->v));
  CHECK(VecDot(f.gradient, f.s->v, &gGg));
  CHECK(VecDot(f.gradient, f.gradient, &gg));
  CHECK(VecScale(f.gradient, -gg / gGg));
  Whole(f.gradient, expected);
  CloseAll("one step of CG", (size_t)f.s->p, d, expected, 1e-12);
  assert_int_equal(its, 1);
  CHECK(PetscFree2(expected, d));
  EndFrame(&f);
}

/* the layer of parameter j */
static PetscInt LayerOf(EngdNetwork net, PetscInt j)
{
  PetscInt l = 0;

  while (l + 1 < net->nlayers && net->layer[l + 1].offset <= j) l++;
  return l;
}

/* The dense Gramian with zeros between layers, or off the diagonal */
static void TestStructures(void **state)
{
  const EngdStructure structures[] = {ENGD_STRUCTURE_LAYER, ENGD_STRUCTURE_LAYER, ENGD_STRUCTURE_DIAGONAL};
  const char *const   methods[]    = {"-ksp_type cg -pc_type none", "-ksp_type cg -pc_type kfac", ""};

  (void)state;
  for (size_t c = 0; c < 3; c++) {
    Frame        f;
    PetscReal   *dense, *exact, *d;
    PetscBLASInt p, one = 1, info, *pivot;
    PetscInt     its;

    BeginFrameOf(structures[c], c % 2 ? &ritz : &poisson, methods[c], &f);
    CHECK(PetscMalloc3(f.s->p, &exact, f.s->p, &d, f.s->p, &pivot));
    ComputeDirection(&f, f.s->theta, 1e-2, &its);
    Whole(f.d, d);
    Whole(f.gradient, exact);
    dense = Dense(f.solver->G);
    for (PetscInt j = 0; j < f.s->p; j++) {
      exact[j] = -exact[j];
      for (PetscInt i = 0; i < f.s->p; i++) {
        if (structures[c] == ENGD_STRUCTURE_LAYER ? LayerOf(f.s->net, i) != LayerOf(f.s->net, j) : i != j)
          dense[j * f.s->p + i] = 0;
      }
    }
    CHECK(PetscBLASIntCast(f.s->p, &p));
    LAPACKgesv_(&p, &one, dense, &p, pivot, exact, &p, &info);
    assert_int_equal(info, 0);
    CloseAll(methods[c], (size_t)f.s->p, d, exact, 1e-8);
    CHECK(PetscFree(dense));
    CHECK(PetscFree3(exact, d, pivot));
    EndFrame(&f);
  }
}

/* Of the iterates 1, 2, 3, 4, 6, 8, 11, 15 and the last, 18, by solves that stop there, the one with the lowest loss */
static void TestBacktrack(void **state)
{
  const PetscInt iterations[] = {18, 15, 11, 8, 6, 4, 3, 2, 1};
  PetscReal      least        = PETSC_MAX_REAL, loss, *best, *d;
  PetscInt       its, p, chosen = 0;
  Frame          f;

  (void)state;
  BeginFrame(&logarithm, "-ksp_type cg -pc_type none -ksp_max_it 18 -tao_engd_krylov_backtrack", &f);
  p = f.s->p;
  CHECK(PetscMalloc2(f.s->p, &best, f.s->p, &d));
  for (PetscInt k = 0; k < 2; k++) { /* the second time with iterates of the first one in store */
    ComputeDirection(&f, f.s->theta, k ? 1e-6 : 1, &its);
    assert_true(k == 0 || its == 18);
    Whole(f.d, d);
  }
  EndFrame(&f);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(iterations); k++) {
    char options[64];

    snprintf(options, sizeof(options), "-ksp_type cg -pc_type none -ksp_max_it %d", (int)iterations[k]);
    BeginFrame(&logarithm, options, &f);
    ComputeDirection(&f, f.s->theta, 1e-6, &its);
    loss = LossAt(f.s->F, f.s->theta, 1, f.d);
    if (loss < least) {
      least  = loss;
      chosen = iterations[k];
      Whole(f.d, best);
    }
    EndFrame(&f);
  }
  assert_true(chosen > 1 && chosen < 18);
  CloseAll("lowest loss", (size_t)p, d, best, 1e-10);
  CHECK(PetscFree2(best, d));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestOnGramian),  cmocka_unit_test(TestOnJacobian), cmocka_unit_test(TestPreconditionerAlone),
      cmocka_unit_test(TestStopsEarly), cmocka_unit_test(TestStructures), cmocka_unit_test(TestBacktrack),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL) || EngdSolverRegister()) return 1;
  failed = cmocka_run_group_tests_name("direction", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
