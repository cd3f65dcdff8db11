/*
  Capabilities: what cannot work is refused before the training with its option named; a direction of a plug-in takes part in the
  choice by estimates; lists of types by what they can do; what number the damping of an iteration is.
  ranks: 1 3; errors leak
*/
#include "solver_case.h"

/* the message of the first error */
static char message[1024];

static PetscErrorCode Listen(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                             PetscErrorType type, const char *text, void *unused)
{
  (void)comm, (void)line, (void)function, (void)file, (void)unused;
  if (type == PETSC_ERROR_INITIAL) snprintf(message, sizeof(message), "%s", text ? text : "");
  return code;
}

static void TestRefused(void **state)
{
  static const struct {
    const char *options, *words;
  } refused[] = {
      {"-ksp_type qcg", "-ksp_type qcg needs more"},
      {"-ksp_type qcg -pc_type none", "-ksp_type qcg needs more"},
      {"-ksp_type tsirm", "-ksp_type tsirm needs more"},
      {"-ksp_type fetidp", "-ksp_type fetidp needs more"},
      {"-ksp_type pipecgrr", "-ksp_type pipecgrr needs more"},
      {"-pc_type shell", "-pc_type shell needs the entries"},
      {"-pc_type pbjacobi", "-pc_type pbjacobi needs the entries"},
      {"-pc_type composite", "-pc_type composite needs the entries"},
      {"-pc_type composite -pc_composite_pcs kfac,ilu", "-pc_type composite needs the entries"},
      {"-tao_engd_curvature hessian -tao_engd_preconditioner_from hessian -pc_type composite -pc_composite_pcs "
       "nystrom,jacobi",
       "-pc_type composite needs more"},
      {"-pc_type ksp", "-pc_type ksp needs the entries"},
      {"-pc_type lmvm", "-pc_type lmvm is made of the steps"},
      {"-tao_type nls -tao_nls_pc_type ilu", "-tao_nls_pc_type ilu needs the entries"},
      {"-tao_fd_hessian", "-tao_fd_hessian"},
      {"-tao_mf_hessian", "-tao_mf_hessian"},
      {"-tao_type adam -tao_fd_hessian", "-tao_fd_hessian"},
      {"-tao_gatol nan", "-tao_gatol nan"},
      {"-tao_grtol -1", "-tao_grtol -1"},
      {"-tao_type lmvm -tao_gttol inf", "-tao_gttol inf"},
      {"-tao_fmin nan", "-tao_fmin nan"},
      {"-ksp_rtol inf", "-ksp_rtol inf"},
      {"-ksp_atol nan", "-ksp_atol nan"},
      {"-ksp_divtol -2", "-ksp_divtol -2"},
      {"-tao_type nls -tao_nls_ksp_rtol -3", "-tao_nls_ksp_rtol -3"},
      {"-tao_engd_direction tsvd -tao_engd_structure layer",
       "all of the Gramian; take -tao_engd_direction dense or krylov"},
      {"-tao_engd_direction dual -tao_engd_curvature hessian", "no rows of J for direction dual"},
      {"-tao_engd_direction dual -tao_engd_dual_solver krylov -pc_type kfac", "-pc_type kfac does not fit"},
  };

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(refused); k++) {
    PetscErrorCode ierr;
    Setting        s;
    Tao            tao;

    Begin(PETSC_COMM_WORLD, &poisson, refused[k].options, &s);
    CHECK(PetscOptionsInsertString(NULL, refused[k].options));
    CHECK(PetscPushErrorHandler(Listen, NULL));
    message[0] = 0;
    ierr       = EngdSolverCreate(s.F, &tao);
    CHECK(PetscPopErrorHandler());
    CHECK(PetscOptionsClear(NULL));
    if (EngdExitCode(ierr) != ENGD_EXIT_INPUT || !strstr(message, refused[k].words))
      fail_msg("%s: code %d, %s", refused[k].options, (int)ierr, message);
    End(&s);
  }
}

/* from 3.21 on PETSc takes no infinite numbers for options of its own */
#if PETSC_VERSION_LT(3, 21, 0)
#define MOST "inf"
#else
#define MOST "1e308"
#endif

/* what is not refused: numbers at the edge, types that need no more than products, finite differences where PETSc's type can */
static void TestTaken(void **state)
{
  static const char *const taken[] = {"-ksp_divtol " MOST,
                                      "-ksp_atol 0 -tao_gatol 0",
                                      "-tao_fmin -" MOST,
                                      "-ksp_type none",
                                      "-ksp_type stcg",
                                      "-tao_fd_hessian 0",
                                      "-tao_type nls -tao_fd_hessian -tao_nls_pc_type none",
                                      "-tao_type ntl",
                                      "-pc_type mat",
                                      "-pc_type composite -pc_composite_pcs kfac,nystrom",
                                      "-tao_engd_direction dual -tao_engd_dual_solver krylov -pc_type nystrom"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(taken); k++) {
    Setting s;
    Tao     tao;

    Begin(PETSC_COMM_WORLD, &poisson, taken[k], &s);
    CreateTao(&s, taken[k], &tao);
    CHECK(TaoDestroy(&tao));
    End(&s);
  }
}

/* a direction of a plug-in, which says of itself whatever a test wants */
static EngdEstimate saying;

static PetscErrorCode Estimate_Plugin(EngdDirection direction, EngdSolver solver, EngdEstimate *estimate)
{
  (void)direction, (void)solver;
  *estimate = saying;
  return PETSC_SUCCESS;
}

static PetscErrorCode CreatePlugin(EngdDirection direction)
{
  direction->ops->estimate = Estimate_Plugin;
  return PETSC_SUCCESS;
}

static PetscErrorCode CreateSilent(EngdDirection direction)
{
  direction->features = ENGD_DIRECTION_STRUCTURES;
  return PETSC_SUCCESS;
}

/* the direction that is taken with these options */
static void Chosen(const char options[], const char type[])
{
  struct _n_EngdSolver solver[1] = {{0}};
  EngdDirectionChoice  choice;
  const char          *chosen;
  Setting              s;

  Begin(PETSC_COMM_WORLD, &poisson, options, &s);
  solver->functional = s.F;
  CHECK(KSPCreate(PETSC_COMM_WORLD, &solver->ksp));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdDirectionChoose(solver, &choice, &chosen));
  CHECK(PetscOptionsClear(NULL));
  assert_string_equal(chosen, type);
  CHECK(KSPDestroy(&solver->ksp));
  End(&s);
}

static void TestPlugin(void **state)
{
  char names[256];

  (void)state;
  CHECK(EngdDirectionRegister("silent", CreateSilent)); /* cannot estimate, and is never chosen */
  CHECK(EngdDirectionRegister("plugin", CreatePlugin));
  saying = (EngdEstimate){.suits = PETSC_TRUE, .seconds = 1e-12, .bytes = 10, .worth = 1};
  Chosen("", "plugin");
  Chosen("-pc_type kfac", "krylov"); /* options ask for a feature that it has not */
  Chosen("-engd_memory_limit 1e3", "plugin");
  Chosen("-engd_memory_limit 5", "krylov");
  saying.seconds = 1e9;
  Chosen("", "tsvd");
  saying.worth = 1e30;
  Chosen("", "plugin");
  saying.suits = PETSC_FALSE;
  Chosen("", "tsvd");
  CHECK(EngdDirectionListWith(ENGD_DIRECTION_STRUCTURES, sizeof(names), names));
  assert_non_null(strstr(names, "silent"));
  CHECK(EngdTaoListWith(ENGD_TAO_RESAMPLES, sizeof(names), names));
  assert_string_equal(names, "adam, competitive, engd, extragradient, flow, sgd");
}

static PetscErrorCode KeepFirst(Tao tao, void *data)
{
  EngdStatus *first = (EngdStatus *)data;

  PetscFunctionBeginUser;
  if (!first->damping_name) PetscCall(TaoEngdGetStatus(tao, first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the number of the column damping, and what it is called: of lambda from the start, of others from the first direction on */
static void TestDampingName(void **state)
{
  static const struct {
    const char *options, *name;
    PetscReal   first;
  } table[] = {
      {"-tao_engd_direction krylov", "damping", 1e-2},
      {"-tao_engd_direction dual", "damping", 1e-2},
      {"-tao_engd_direction dense", "damping", 1e-2},
      {"-tao_engd_direction dense -tao_engd_dense_type cubic", "cubic M", 0},
      {"-tao_engd_direction tsvd", "cut-off", 0},
      {"-tao_engd_direction randomized", "cut-off", 0},
  };

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(table); k++) {
    EngdStatus first = {0}, last;
    Setting    s;
    Tao        tao;

    Begin(PETSC_COMM_WORLD, &poisson, "", &s);
    CreateTao(&s, table[k].options, &tao);
    CHECK(TaoMonitorSet(tao, KeepFirst, &first, NULL));
    CHECK(TaoSetMaximumIterations(tao, 2));
    CHECK(TaoSolve(tao));
    CHECK(TaoEngdGetStatus(tao, &last));
    assert_string_equal(first.damping_name, table[k].name);
    assert_string_equal(last.damping_name, table[k].name);
    Close(table[k].options, first.damping, table[k].first, 0);
    assert_true(last.damping > 0);
    CHECK(TaoDestroy(&tao));
    End(&s);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestRefused), cmocka_unit_test(TestTaken),
                                     cmocka_unit_test(TestPlugin), cmocka_unit_test(TestDampingName)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
