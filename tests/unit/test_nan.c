/*
  Numbers that are none in a stage of a run, of a function in C that becomes so while it is trained, on one rank: the stage ends
  after few evaluations, a plan goes on with its others, and what a run ends with is a good state, which the checkpoint has; one that is written within a stage, too.
  ranks: 1 2; errors leak
*/
#define _GNU_SOURCE /* mkdtemp */
#include "functionals.h"
#include <stdlib.h>
#include <unistd.h>

#define PROBLEM                                                                                                      \
  "-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 6 -engd_test_points 5 -engd_monitor false " \
  "-terms pde,wall -pde_points 24 -wall_region boundary -wall_points 2 -wall_residual u "
/* stages of a plan that are so short that no pace is known go on from the least loss */
#define SHORT       "-slopes_tao_max_it 1 -wide_tao_max_it 1 -again_tao_max_it 4 -more_tao_max_it 4 -last_tao_max_it 4 "
#define LONG_VALLEY "-digits_tao_max_it 1 -valley_tao_max_it 6 " SHORT
#define LONG_DIGITS "-digits_tao_max_it 6 -valley_tao_max_it 1 " SHORT
#define MOST        2500 /* evaluations of losses until a stage ends whose every step leads to what is no number */

typedef enum { VALUE, DERIVATIVE } How;

/* from the evaluation number `after` of a stage on */
typedef struct {
  EngdRun     run;
  const char *stage; /* NULL: of any */
  How         how;
  PetscMPIInt rank, last;
  PetscInt    after, seen;
} Fault;

static char directory[] = "/tmp/engd_nan_XXXXXX", file[64], kept[64];

static PetscBool IsBad(Fault *fault)
{
  const EngdRun      run = fault->run;
  TaoConvergedReason reason;

  if (!run->stage || run->start == 0) return PETSC_FALSE;
  if (fault->stage && (!run->stage[run->present].name || strcmp(run->stage[run->present].name, fault->stage)))
    return PETSC_FALSE;
  CHECK(TaoGetConvergedReason(run->stage[run->present].tao, &reason));
  if (reason != TAO_CONTINUE_ITERATING) return PETSC_FALSE;
  fault->seen++;
  return (PetscBool)(fault->rank == fault->last && fault->seen > fault->after);
}

/* u'' + pi^2 sin(pi x) of u'' */
static PetscErrorCode Residual(void *data, PetscInt n, const PetscReal x[], const PetscReal normal[],
                               const PetscReal argument[], PetscReal value[], PetscReal first[], PetscReal second[])
{
  Fault          *fault = (Fault *)data;
  const PetscBool bad   = IsBad(fault);

  (void)normal, (void)second;
  for (PetscInt i = 0; i < n; i++) {
    value[i] = argument[i] + PETSC_PI * PETSC_PI * PetscSinReal(PETSC_PI * x[i]);
    if (first) first[i] = bad && fault->how == DERIVATIVE ? NAN : 1;
    if (bad && fault->how == VALUE) value[i] = NAN;
  }
  return PETSC_SUCCESS;
}

/* u'^2/2 - pi^2 sin(pi x) u of u' and u */
static PetscErrorCode Energy(void *data, PetscInt n, const PetscReal x[], const PetscReal normal[],
                             const PetscReal argument[], PetscReal value[], PetscReal first[], PetscReal second[])
{
  Fault          *fault = (Fault *)data;
  const PetscBool bad   = IsBad(fault);

  (void)normal;
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal f = PETSC_PI * PETSC_PI * PetscSinReal(PETSC_PI * x[i]);

    value[i] = bad && fault->how == VALUE ? NAN : argument[i] * argument[i] / 2 - f * argument[n + i];
    if (first) first[i] = bad && fault->how == DERIVATIVE ? NAN : argument[i];
    if (first) first[n + i] = -f;
    if (second) second[i] = 1;
  }
  return PETSC_SUCCESS;
}

/* the loss at theta of a run, without a fault */
static PetscReal Loss(EngdRun run)
{
  PetscReal loss;

  CHECK(EngdFunctionalSetParameters(run->functional, run->theta));
  CHECK(EngdFunctionalEvaluate(run->functional, &loss, NULL));
  return loss;
}

static void Make(Fault *fault, const char options[], PetscBool energy)
{
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, PROBLEM));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, &fault->run));
  if (energy)
    CHECK(EngdProblemSetTermEnergy(fault->run->problem, "pde", "u_x, u", Energy, PETSC_TRUE, fault, NULL));
  else
    CHECK(EngdProblemSetTermResidual(fault->run->problem, "pde", "lap(u)", 1, Residual, PETSC_TRUE, fault, NULL));
  CHECK(EngdRunSetFromOptions(fault->run));
  CHECK(EngdRunSetUp(fault->run));
}

/* the loss of the parameters in the checkpoint */
static PetscReal KeptLoss(const char options[], PetscBool energy)
{
  Fault       none = {.stage = "none"};
  EngdOutcome outcome;
  PetscReal   loss;

  Make(&none, options, energy);
  CHECK(EngdRunSetRestart(none.run, file));
  CHECK(EngdRunLoadSolution(none.run, &outcome));
  loss = Loss(none.run);
  CHECK(EngdRunDestroy(&none.run));
  return loss;
}

/* a run with this fault ends after few evaluations with a loss that is no more than at first, which the checkpoint has; a plan of
   several stages ends well, unless all have it, which is an error, and one optimiser that never had a number has nothing to keep */
static void Try(const char options[], PetscBool energy, PetscBool plan, Fault *fault)
{
  const PetscBool all = (PetscBool)!fault->stage, never = (PetscBool)(!fault->after && !plan);
  PetscReal       first, loss;
  PetscErrorCode  code;

  Make(fault, options, energy);
  CHECK(EngdRunSetCheckpoint(fault->run, file, 0, 0));
  first = Loss(fault->run);
  if (!fault->rank) (void)unlink(file);
  code         = SolveQuietly(fault->run);
  fault->stage = "none";
  loss         = Loss(fault->run);
  if (!(fault->seen > fault->after && fault->seen < fault->after + MOST))
    fail_msg("%s: %d evaluations, %d before the fault", options, (int)fault->seen, (int)fault->after);
  if (plan && !all) assert_int_equal(code, 0);
  if (never || (plan && all)) assert_int_equal(code, ENGD_ERR_NUMERICS);
  assert_true(code == 0 || code == ENGD_ERR_NUMERICS);
  assert_int_equal(access(file, R_OK) == 0, !never);
  if (!never) {
    assert_true(loss == KeptLoss(options, energy)); /* not of NaN */
    assert_true(loss <= first);
  }
  if (!code) CHECK(EngdRunDestroy(&fault->run));
}

static void TestStages(void **state)
{
  const struct {
    const char *options, *stage;
    PetscBool   energy, plan;
  } c[] = {{LONG_VALLEY, "digits", PETSC_FALSE, PETSC_TRUE},
           {LONG_VALLEY, "valley", PETSC_FALSE, PETSC_TRUE},
           {LONG_VALLEY, "slopes", PETSC_FALSE, PETSC_TRUE},
           {LONG_VALLEY, "wide", PETSC_FALSE, PETSC_TRUE},
           {LONG_VALLEY, "again", PETSC_FALSE, PETSC_TRUE},
           {LONG_DIGITS, "more", PETSC_FALSE, PETSC_TRUE},
           {LONG_DIGITS, "last", PETSC_FALSE, PETSC_TRUE},
           {LONG_DIGITS, NULL, PETSC_FALSE, PETSC_TRUE},
           {"-valley_tao_max_it 6", "valley", PETSC_TRUE, PETSC_FALSE},
           {"-tao_max_it 6", NULL, PETSC_FALSE, PETSC_FALSE},
           {"-tao_max_it 6 -tao_engd_direction dual", NULL, PETSC_FALSE, PETSC_FALSE},
           {"-tao_max_it 6 -tao_type nls", NULL, PETSC_FALSE, PETSC_FALSE},
           {"-tao_max_it 6 -tao_type owlqn", NULL, PETSC_FALSE, PETSC_FALSE},
           {"-tao_max_it 6 -tao_type adam", NULL, PETSC_FALSE, PETSC_FALSE}};

  (void)state;
  for (size_t k = 0; k < 3 * PETSC_STATIC_ARRAY_LENGTH(c); k++) {
    Fault fault = {.stage = c[k / 3].stage, .how = k % 3 == 2 ? DERIVATIVE : VALUE, .after = k % 3 ? 5 : 0};

    CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &fault.rank));
    CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &fault.last));
    fault.last--;
    Try(c[k / 3].options, c[k / 3].energy, c[k / 3].plan, &fault);
  }
  CHECK(PetscOptionsClear(NULL));
}

/* keeps the checkpoint that the first iteration of a stage has left, with the best loss so far */
typedef struct {
  EngdRun   run;
  PetscReal best;
} Keeper;

static PetscErrorCode KeepFirst(Tao tao, void *data)
{
  Keeper     *keeper = (Keeper *)data;
  PetscInt    iteration;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCall(TaoGetIterationNumber(tao, &iteration));
  if (iteration != 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  keeper->best = keeper->run->plan.loss;
  if (!rank) assert_int_equal(rename(file, kept), 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a checkpoint that is written within a stage of a plan evaluates to the best so far, also where the stage is behind it */
static void TestWithinStage(void **state)
{
  Fault       none   = {.stage = "none"};
  Keeper      keeper = {.best = 0};
  PetscReal   loss;
  PetscMPIInt rank;

  (void)state;
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  Make(&none, LONG_VALLEY, PETSC_FALSE);
  keeper.run = none.run;
  CHECK(EngdRunSetCheckpoint(none.run, file, 1, 0));
  assert_string_equal(none.run->stage[2].name, "slopes");
  CHECK(TaoMonitorSet(none.run->stage[2].tao, KeepFirst, &keeper, NULL));
  CHECK(SolveQuietly(none.run));
  CHECK(EngdRunDestroy(&none.run));
  if (!rank) assert_int_equal(rename(kept, file), 0);
  loss = KeptLoss(LONG_VALLEY, PETSC_FALSE);
  assert_true(keeper.best > 0 && PetscAbsReal(loss - keeper.best) <= 1e-9 * keeper.best);
  CHECK(PetscOptionsClear(NULL));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestStages), cmocka_unit_test(TestWithinStage)};
  PetscMPIInt             rank;
  int                     failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  if (MPI_Comm_rank(PETSC_COMM_WORLD, &rank)) return 1;
  if (!rank && !mkdtemp(directory)) return 1;
  if (MPI_Bcast(directory, sizeof(directory), MPI_CHAR, 0, PETSC_COMM_WORLD)) return 1;
  snprintf(file, sizeof(file), "%s/c.h5", directory);
  snprintf(kept, sizeof(kept), "%s/kept.h5", directory);
  failures = cmocka_run_group_tests_name("nan", tests, NULL, NULL);
  if (!rank) {
    (void)unlink(file);
    (void)rmdir(directory);
  }
  return EngdFinalize() ? 1 : failures;
}
