/*
  Memory that ends at the n-th allocation, anywhere in a run: an error each time (PETSc makes others of some in its callbacks
  of MPI), and a run after it is as any.
  errors leak
*/
#include "functionals.h"

#define RUN                                                                                                          \
  "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 3 -terms pde,wall -pde_points 9 "     \
  "-pde_residual lap(u)-k -wall_region boundary -wall_points 8 -wall_residual u -unknown_parameters k=1 "            \
  "-exact_u x*y -engd_test_points 5 -engd_monitor 0 -tao_max_it 2 "

static const char *const kinds[] = {
    "-tao_engd_direction tsvd",
    "-tao_engd_direction dense -tao_engd_dense_ema 0.5 -engd_start none",
    "-tao_engd_direction krylov -pc_type kfac -ksp_max_it 5 -engd_checkpoint /tmp/engd_test_memory.h5",
    "-tao_type adam -spectrum gramian",
};

static struct {
  PetscInt64 calls, last; /* Allocations so far, and the one that fails; 0: none. */
  PetscErrorCode (*allocate)(size_t, PetscBool, int, const char[], const char[], void **);
  PetscErrorCode (*grow)(size_t, int, const char[], const char[], void **);
} memory;

static PetscErrorCode Allocate(size_t size, PetscBool clear, int line, const char function[], const char file[],
                               void **out)
{
  if (++memory.calls == memory.last) {
    *out = NULL;
    return PetscError(PETSC_COMM_SELF, line, function, file, PETSC_ERR_MEM, PETSC_ERROR_INITIAL, "no memory");
  }
  return (*memory.allocate)(size, clear, line, function, file, out);
}

static PetscErrorCode Grow(size_t size, int line, const char function[], const char file[], void **out)
{
  if (++memory.calls == memory.last)
    return PetscError(PETSC_COMM_SELF, line, function, file, PETSC_ERR_MEM, PETSC_ERROR_INITIAL, "no memory");
  return (*memory.grow)(size, line, function, file, out);
}

static PetscErrorCode Silent(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                             PetscErrorType type, const char *text, void *data)
{
  (void)comm, (void)line, (void)function, (void)file, (void)type, (void)text, (void)data;
  return code;
}

static PetscErrorCode Run(PetscReal *norm)
{
  EngdRun run;
  Vec     theta;

  PetscFunctionBeginUser;
  PetscCall(EngdRunCreate(PETSC_COMM_WORLD, &run));
  PetscCall(EngdRunSetFromOptions(run));
  PetscCall(EngdRunSetUp(run));
  PetscCall(EngdRunSolve(run));
  PetscCall(EngdRunGetSolution(run, &theta));
  PetscCall(VecNorm(theta, NORM_2, norm));
  PetscCall(EngdRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a run whose `last` allocation fails, its output thrown away */
static PetscErrorCode RunUntil(const char options[], PetscInt64 last, PetscReal *norm)
{
  FILE          *before = PETSC_STDOUT;
  PetscErrorCode code;

  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, RUN));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(PetscPushErrorHandler(Silent, NULL));
  PETSC_STDOUT   = fopen("/dev/null", "w");
  memory.calls   = 0;
  memory.last    = last;
  PetscTrMalloc  = Allocate;
  PetscTrRealloc = Grow;
  code           = Run(norm);
  PetscTrMalloc  = memory.allocate;
  PetscTrRealloc = memory.grow;
  (void)fclose(PETSC_STDOUT);
  PETSC_STDOUT = before;
  CHECK(PetscPopErrorHandler());
  return code;
}

/* 1, 2, 3, ..., then each by a twelfth more than the one before. With newer versions of PETSc a run makes some few allocations more
   or fewer than the one before */
static void TestAll(void **state)
{
  (void)state;
  memory.allocate = PetscTrMalloc;
  memory.grow     = PetscTrRealloc;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(kinds); k++) {
    PetscReal  norm, again;
    PetscInt64 calls;

    CHECK(RunUntil(kinds[k], 0, &norm));
    CHECK(RunUntil(kinds[k], 0, &norm)); /* what is registered once is there now */
    calls = memory.calls;
    for (PetscInt64 last = 1; last <= calls; last += 1 + last / 12) {
      if (!RunUntil(kinds[k], last, &again) && (memory.calls >= last || last < 0.98 * calls))
        fail_msg("%s: allocation %d of %d failed, but no error came", kinds[k], (int)last, (int)calls);
    }
    CHECK(RunUntil(kinds[k], 0, &again));
    assert_true(again == norm);
  }
  (void)remove("/tmp/engd_test_memory.h5");
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestAll)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("memory", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
