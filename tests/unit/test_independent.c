/*
  Nothing global: two functionals, each with its optimiser, on two communicators of one process end where each of them ends alone.
  On two ranks they run at the same time, each on a half of the world; on one rank the second runs inside of a monitor of the
  first, at each of its iterations. An error of one of them is its caller's to deal with, and the other goes on as if nothing had
  been; a run after others in one process, also after one that failed, is as the first.
  ranks: 1 2 3; errors leak
*/
#include "solver_case.h"

#define ITERATIONS 6

/* a problem and an optimiser, different in all that they use */
typedef struct {
  const Case *which;
  const char *options;
} Task;

static const Task tasks[] = {
    {&poisson, "-tao_type engd -tao_engd_direction tsvd -tao_engd_geodesic 0"},
    {&ritz,
     "-tao_type engd -tao_engd_direction krylov -tao_engd_momentum 0.3 -ksp_max_it 9 -pc_type kfac -pc_kfac_ema 0.3"},
    {&cases[2], "-tao_type engd -tao_engd_direction dual -tao_engd_dual_momentum 0.4"},
    {&cases[1], "-tao_type adam -tao_adam_learning_rate 0.01"},
    {&cases[5], "-tao_type engd -tao_engd_direction dense -tao_engd_dense_type absolute -tao_engd_dense_ema 0.4"},
    {&affine, "-tao_type engd -tao_engd_direction krylov -pc_type nystrom -pc_nystrom_rank 5"},
};

typedef struct {
  Setting   s[1];
  Tao       tao;
  Vec       initial;
  PetscReal loss[ITERATIONS + 1];
} Solve;

static PetscErrorCode Record(Tao tao, void *data)
{
  Solve   *solve = (Solve *)data;
  PetscInt k;

  PetscFunctionBeginUser;
  PetscCall(TaoGetSolutionStatus(tao, &k, NULL, NULL, NULL, NULL, NULL));
  if (k <= ITERATIONS) PetscCall(TaoGetSolutionStatus(tao, NULL, &solve->loss[k], NULL, NULL, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void BeginSolve(MPI_Comm comm, const Task *task, Solve *solve)
{
  Begin(comm, task->which, "", solve->s);
  CreateTao(solve->s, task->options, &solve->tao);
  CHECK(TaoSetMaximumIterations(solve->tao, ITERATIONS));
  CHECK(TaoMonitorSet(solve->tao, Record, solve, NULL));
  CHECK(VecDuplicate(solve->s->theta, &solve->initial));
  CHECK(VecCopy(solve->s->theta, solve->initial));
}

/* from the initial parameters, wherever it has been before */
static PetscErrorCode RunSolve(Solve *solve)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k <= ITERATIONS; k++) solve->loss[k] = -1;
  PetscCall(VecCopy(solve->initial, solve->s->theta));
  PetscCall(TaoSolve(solve->tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void EndSolve(Solve *solve)
{
  CHECK(TaoDestroy(&solve->tao));
  CHECK(VecDestroy(&solve->initial));
  End(solve->s);
}

static void SolveAlone(const Task *task, PetscReal loss[])
{
  Solve solve;

  BeginSolve(PETSC_COMM_SELF, task, &solve);
  CHECK(RunSolve(&solve));
  CHECK(PetscArraycpy(loss, solve.loss, ITERATIONS + 1));
  assert_true(loss[ITERATIONS] < loss[0]);
  EndSolve(&solve);
}

/* bit for bit */
static void Same(const char what[], const PetscReal loss[], const PetscReal alone[])
{
  for (PetscInt k = 0; k <= ITERATIONS; k++) Close(what, loss[k], alone[k], 0);
}

/* each rank has a task of its own, all at the same time */
static void TestHalves(void **state)
{
  PetscReal alone[ITERATIONS + 1];
  MPI_Comm  half;
  int       rank, size;

  (void)state;
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  CHECK(MPI_Comm_split(PETSC_COMM_WORLD, rank, 0, &half));
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(tasks); c++) {
    const Task *mine = &tasks[(c + (size_t)rank) % PETSC_STATIC_ARRAY_LENGTH(tasks)];
    Solve       solve;

    SolveAlone(mine, alone);
    CHECK(MPI_Barrier(PETSC_COMM_WORLD));
    BeginSolve(half, mine, &solve);
    CHECK(RunSolve(&solve));
    Same(mine->options, solve.loss, alone);
    EndSolve(&solve);
  }
  CHECK(MPI_Comm_free(&half));
}

static PetscErrorCode RunInside(Tao tao, void *inner)
{
  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(RunSolve((Solve *)inner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* each task has the next one inside of it */
static void TestInterleaved(void **state)
{
  const size_t n = PETSC_STATIC_ARRAY_LENGTH(tasks);
  PetscReal    alone[PETSC_STATIC_ARRAY_LENGTH(tasks)][ITERATIONS + 1];

  (void)state;
  for (size_t c = 0; c < n; c++) SolveAlone(&tasks[c], alone[c]);
  for (size_t c = 0; c < n; c++) {
    Solve outer, inner;

    BeginSolve(PETSC_COMM_SELF, &tasks[c], &outer);
    BeginSolve(PETSC_COMM_SELF, &tasks[(c + 1) % n], &inner);
    CHECK(TaoMonitorSet(outer.tao, RunInside, &inner, NULL));
    CHECK(RunSolve(&outer));
    Same(tasks[c].options, outer.loss, alone[c]);
    Same(tasks[(c + 1) % n].options, inner.loss, alone[(c + 1) % n]);
    EndSolve(&inner);
    EndSolve(&outer);
  }
}

/* a run whose residual in C fails once its Tao has come to an iteration */
typedef struct {
  EngdRun  run;
  PetscInt fails_at; /* -1: never */
  PetscInt k;        /* The iteration. */
} Fallible;

/* r = u - x (1 - x) */
static PetscErrorCode Residual(void *ctx, PetscInt n, const PetscReal x[], const PetscReal normal[],
                               const PetscReal argument[], PetscReal value[], PetscReal first[], PetscReal second[])
{
  const Fallible *f = (const Fallible *)ctx;

  PetscFunctionBeginUser;
  (void)normal, (void)second;
  PetscCheck(f->fails_at < 0 || f->k < f->fails_at, PETSC_COMM_SELF, PETSC_ERR_USER, "a residual that has failed");
  for (PetscInt i = 0; i < n; i++) {
    value[i] = argument[i] - x[i] * (1 - x[i]);
    if (first) first[i] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Follow(Tao tao, void *data)
{
  PetscFunctionBeginUser;
  PetscCall(TaoGetSolutionStatus(tao, &((Fallible *)data)->k, NULL, NULL, NULL, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void MakeRun(MPI_Comm comm, PetscInt fails_at, Fallible *f)
{
  EngdProblem problem;
  Tao         tao;

  *f = (Fallible){.fails_at = fails_at};
  CHECK(PetscOptionsInsertString(NULL, "-domain_lower 0 -domain_upper 1 -fit_points 40 -network_layers 6,5 "
                                       "-engd_monitor false -engd_test_points 5 -tao_max_it 6 "
                                       "-tao_engd_direction krylov -ksp_max_it 9"));
  CHECK(EngdRunCreate(comm, &f->run));
  CHECK(EngdRunGetProblem(f->run, &problem));
  CHECK(EngdProblemSetTerms(problem, "fit"));
  CHECK(EngdProblemSetTermResidual(problem, "fit", "u", 1, Residual, PETSC_TRUE, f, NULL));
  CHECK(EngdRunSetFromOptions(f->run));
  CHECK(EngdRunSetUp(f->run));
  CHECK(PetscOptionsClear(NULL));
  CHECK(EngdRunGetTao(f->run, 0, &tao));
  CHECK(TaoMonitorSet(tao, Follow, f, NULL));
}

/* the code of a run, of whose words on standard output nothing is seen */
static PetscErrorCode SolveSilently(Fallible *f)
{
  FILE          *before = PETSC_STDOUT;
  PetscErrorCode ierr;

  PETSC_STDOUT = fopen("/dev/null", "w");
  ierr         = EngdRunSolve(f->run);
  (void)fclose(PETSC_STDOUT);
  PETSC_STDOUT = before;
  return ierr;
}

/* the loss that it ends with */
static PetscReal FinalLoss(Fallible *f)
{
  EngdFunctional functional;
  PetscReal      loss;
  Vec            theta;

  CHECK(EngdRunGetFunctional(f->run, &functional));
  CHECK(EngdRunGetSolution(f->run, &theta));
  CHECK(EngdFunctionalSetParameters(functional, theta));
  CHECK(EngdFunctionalEvaluate(functional, &loss, NULL));
  return loss;
}

static PetscReal RunWell(MPI_Comm comm)
{
  Fallible  f;
  PetscReal loss;

  MakeRun(comm, -1, &f);
  CHECK(SolveSilently(&f));
  assert_int_equal(f.k, 6);
  loss = FinalLoss(&f);
  CHECK(EngdRunDestroy(&f.run));
  return loss;
}

/* it fails in its third iteration with an error of its own, and all that it has made can go on being used */
static void RunBadly(Fallible *f)
{
  PetscReal loss;

  assert_int_equal(SolveSilently(f), ENGD_ERR_NUMERICS);
  assert_int_equal(f->k, 2);
  f->fails_at = -1;
  loss        = FinalLoss(f);
  assert_true(loss > 0 && loss < 1);
}

/* rank 0 fails on its part of the ranks, the others solve on theirs at the same time, and all of them together afterwards */
static void TestErrorAside(void **state)
{
  const Task *task  = &tasks[0];
  PetscReal   first = RunWell(PETSC_COMM_WORLD), alone[ITERATIONS + 1];
  MPI_Comm    part;
  int         rank;

  (void)state;
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  CHECK(MPI_Comm_split(PETSC_COMM_WORLD, rank, 0, &part));
  SolveAlone(task, alone);
  CHECK(MPI_Barrier(PETSC_COMM_WORLD));
  if (rank == 0) {
    Fallible f;

    MakeRun(part, 2, &f);
    RunBadly(&f);
    CHECK(EngdRunDestroy(&f.run));
  } else {
    Solve solve;

    BeginSolve(part, task, &solve);
    CHECK(RunSolve(&solve));
    Same("beside an error", solve.loss, alone);
    EndSolve(&solve);
  }
  CHECK(MPI_Comm_free(&part));
  Close("after an error", RunWell(PETSC_COMM_WORLD), first, 0);
}

/* at an iteration of a solve another one begins and fails */
static PetscErrorCode FailInside(Tao tao, void *data)
{
  PetscInt k;

  PetscFunctionBeginUser;
  PetscCall(TaoGetSolutionStatus(tao, &k, NULL, NULL, NULL, NULL, NULL));
  if (k == 3) RunBadly((Fallible *)data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void TestErrorInside(void **state)
{
  PetscReal alone[ITERATIONS + 1];
  Solve     outer;
  Fallible  f;

  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(tasks); c++) {
    SolveAlone(&tasks[c], alone);
    MakeRun(PETSC_COMM_SELF, 2, &f);
    BeginSolve(PETSC_COMM_SELF, &tasks[c], &outer);
    CHECK(TaoMonitorSet(outer.tao, FailInside, &f, NULL));
    CHECK(RunSolve(&outer));
    assert_int_equal(f.fails_at, -1);
    Same(tasks[c].options, outer.loss, alone);
    EndSolve(&outer);
    CHECK(EngdRunDestroy(&f.run));
  }
}

/* two in turn, with a mistake in the input between them, which is one after a solve, too */
static void TestSecondRun(void **state)
{
  const PetscReal first = RunWell(PETSC_COMM_WORLD);
  EngdRun         run;

  (void)state;
  CHECK(PetscOptionsInsertString(NULL, "-domain_lower 0 -domain_upper 1 -terms fit -fit_points -3 -fit_residual u"));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, &run));
  assert_int_equal(EngdExitCode(EngdRunSetFromOptions(run)), ENGD_EXIT_INPUT);
  CHECK(PetscOptionsClear(NULL));
  CHECK(EngdRunDestroy(&run));
  Close("the second run", RunWell(PETSC_COMM_WORLD), first, 0);
}

/* what two operators that work at once would spoil is an error with both names, after which either can work */
static void TestScratch(void **state)
{
  Setting        s;
  PetscReal      loss, again;
  PetscErrorCode ierr;

  (void)state;
  Begin(PETSC_COMM_WORLD, &poisson, "", &s);
  CHECK(EngdFunctionalSetParameters(s.F, s.theta));
  CHECK(EngdFunctionalEvaluate(s.F, &loss, NULL));
  CHECK(EngdFunctionalBegin(s.F, "a test"));
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = EngdFunctionalEvaluate(s.F, &again, NULL);
  CHECK(PetscPopErrorHandler());
  assert_int_equal(ierr, PETSC_ERR_PLIB);
  CHECK(EngdFunctionalEnd(s.F));
  CHECK(EngdFunctionalEvaluate(s.F, &again, NULL));
  Close("the loss", again, loss, 0);
  End(&s);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestHalves),     cmocka_unit_test(TestInterleaved),
                                     cmocka_unit_test(TestErrorAside), cmocka_unit_test(TestErrorInside),
                                     cmocka_unit_test(TestSecondRun),  cmocka_unit_test(TestScratch)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("independent", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
