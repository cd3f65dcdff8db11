/*
  Nothing global: two functionals, each with its optimiser, on two communicators of one process end where each of them ends alone.
  On two ranks they run at the same time, each on a half of the world; on one rank the second runs inside of a monitor of the
  first, at each of its iterations.
  ranks: 1 2
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

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestHalves), cmocka_unit_test(TestInterleaved)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("independent", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
