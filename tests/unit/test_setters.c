/*
  Setters in place of options: the same problem, one object at a time, the user's options above them; the solution at points.
  ranks: 1 3; errors leak
*/
#include "refusals.h"

#define HEAT                                                                                                         \
  "-engd_problem_name warm -engd_seed 5 -engd_test_points 31 -domain_lower -0.3,0.1 -domain_upper 1,0.7 "            \
  "-domain_coordinates x,y -domain_time 0.25,1.5 -network_outputs v,w -parameters k=2.5,q=k^2 -unknown_parameters "  \
  "m=0.3,s=-2 "                                                                                                      \
  "-network_inputs x,y^2,sin(t),x*y -ansatz_w x*w+y -terms pde,rim,fit,net "                                         \
  "-pde_points 40 -pde_sampler halton -pde_resample 3 -pde_residual v_t-k*lap(v)+w*m;w_t-q*lap(w)+s "                \
  "-pde_causal 0.5 -pde_causal_slabs 7 -pde_adapt rad -pde_adapt_exponent 1.5 -pde_adapt_floor 0.25 "                \
  "-pde_adapt_candidates 300 -pde_adapt_times 2 "                                                                    \
  "-rim_region boundary -rim_points 60 -rim_residual v-x;w -rim_weight 0.1 -rim_measure integral "                   \
  "-fit_region initial -fit_points 9 -fit_energy (v-x)^2+w^4 -net_points 30 -net_integral v*x-1 -functions "         \
  "g(a)=a*q -exact_w g(x) -network_layers 7,6 "                                                                      \
  "-network_activation sin -network_init uniform -network_init_scale 1.25 -network_init_bias 0.5 "                   \
  "-engd_block_points 8 -engd_memory_limit 1e7 -tao_engd_curvature energy "

/* what HEAT says, by setters */
static void SetProblem(EngdProblem problem)
{
  const PetscReal lower[] = {-0.3, 0.1}, upper[] = {1, 0.7};

  CHECK(EngdProblemSetName(problem, "warm"));
  CHECK(EngdProblemSetSeed(problem, 4));
  CHECK(EngdProblemSetSeed(problem, 5)); /* the latest word counts */
  CHECK(EngdProblemSetTestPoints(problem, 31));
  CHECK(EngdProblemSetBox(problem, 2, lower, upper));
  CHECK(EngdProblemSetDomainType(problem, "box"));
  CHECK(EngdProblemSetCoordinates(problem, "x,y"));
  CHECK(EngdProblemSetTime(problem, 0.25, 1.5));
  CHECK(EngdProblemSetOutputs(problem, "v,w"));
  CHECK(EngdProblemSetParameters(problem, "k=2.5, q=k^2"));
  CHECK(EngdProblemSetUnknownParameters(problem, "m=0.3, s=-2"));
  CHECK(EngdProblemSetNetworkInputs(problem, "x, y^2, sin(t), x*y"));
  CHECK(EngdProblemSetAnsatz(problem, "w", "x*w + y"));
  CHECK(EngdProblemSetTerms(problem, "pde,rim,fit,net"));
  CHECK(EngdProblemSetTermPoints(problem, "pde", 40));
  CHECK(EngdProblemSetTermSampler(problem, "pde", "halton"));
  CHECK(EngdProblemSetTermResample(problem, "pde", 3));
  CHECK(EngdProblemSetTermCausal(problem, "pde", 0.5, 7));
  CHECK(EngdProblemSetTermAdapt(problem, "pde", "rad"));
  CHECK(EngdProblemSetTermAdaptDensity(problem, "pde", 1.5, 0.25));
  CHECK(EngdProblemSetTermAdaptPoints(problem, "pde", 300, 0, 2));
  CHECK(EngdProblemSetTermResidualText(problem, "pde", "v_t - k*lap(v) + w*m; w_t - q*lap(w) + s"));
  CHECK(EngdProblemSetTermRegion(problem, "rim", "boundary"));
  CHECK(EngdProblemSetTermPoints(problem, "rim", 60));
  CHECK(EngdProblemSetTermResidualText(problem, "rim", "v - x; w"));
  CHECK(EngdProblemSetTermWeight(problem, "rim", 0.1));
  CHECK(EngdProblemSetTermMeasure(problem, "rim", "integral"));
  CHECK(EngdProblemSetTermRegion(problem, "fit", "initial"));
  CHECK(EngdProblemSetTermPoints(problem, "fit", 9));
  CHECK(EngdProblemSetTermEnergyText(problem, "fit", "(v - x)^2 + w^4"));
  CHECK(EngdProblemSetTermPoints(problem, "net", 30));
  CHECK(EngdProblemSetTermIntegralText(problem, "net", "v*x - 1"));
  CHECK(EngdProblemSetFunctions(problem, "g(a) = a*q"));
  CHECK(EngdProblemSetExact(problem, "w", "g(x)"));
}

static void TestPeriodic(void **state)
{
  const PetscReal lower[] = {0, 0}, upper[] = {1, 1};
  EngdProblem     problem;

  (void)state;
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, "-pde_residual lap(u) -pde_points 9"));
  CHECK(EngdProblemCreate(PETSC_COMM_WORLD, &problem));
  CHECK(EngdProblemSetBox(problem, 2, lower, upper));
  CHECK(EngdProblemSetCoordinates(problem, "x,y"));
  CHECK(EngdProblemSetPeriodic(problem, "y"));
  CHECK(EngdProblemSetTerms(problem, "pde"));
  CHECK(EngdProblemSetFromOptions(problem));
  assert_true(!problem->domain->periodic[0] && problem->domain->periodic[1]);
  CHECK(EngdProblemDestroy(&problem));
  CHECK(PetscOptionsClear(NULL));
}

static void SetNetwork(EngdNetwork network)
{
  const PetscInt widths[] = {7, 6};

  CHECK(EngdNetworkSetLayers(network, 2, widths));
  CHECK(EngdNetworkSetActivation(network, "sin"));
  CHECK(EngdNetworkSetInitialization(network, "uniform", 1.25, 0.5));
}

/* problem, network and functional as these options say, and as the setters say if so; gradient: at the initial theta */
static void MakeFunctional(const char options[], PetscBool setters, EngdFunctional *F, PetscReal *loss, Vec *gradient)
{
  EngdProblem problem;
  EngdNetwork network;
  PetscReal   value[2], error[2];
  Vec         theta;

  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdProblemCreate(PETSC_COMM_WORLD, &problem));
  if (setters) SetProblem(problem);
  CHECK(EngdProblemSetFromOptions(problem));
  CHECK(EngdNetworkCreate(PETSC_COMM_WORLD, &network));
  CHECK(EngdNetworkSetSizes(network, 4, 2));
  if (setters) SetNetwork(network);
  CHECK(EngdNetworkSetFromOptions(network));
  CHECK(EngdFunctionalCreate(problem, network, F));
  if (setters) {
    CHECK(EngdFunctionalSetMemoryLimit(*F, 1e7));
    CHECK(EngdFunctionalSetBlockPoints(*F, 8));
    CHECK(EngdFunctionalSetCurvature(*F, "energy"));
  }
  CHECK(EngdFunctionalSetFromOptions(*F));
  CHECK(EngdFunctionalSetUp(*F));
  CHECK(EngdFunctionalCreateParameters(*F, &theta));
  CHECK(VecDuplicate(theta, gradient));
  CHECK(EngdFunctionalInitialize(*F, problem->seed, theta));
  CHECK(EngdFunctionalSetParameters(*F, theta));
  CHECK(EngdFunctionalEvaluate(*F, loss, *gradient));
  CHECK(EngdFunctionalGetUnknownParameters(*F, theta, value, error));
  assert_true(value[0] == 0.3 && value[1] == -2);
  assert_true(error[0] == INFINITY && error[1] == INFINITY); /* there is an energy among the terms */
  CHECK(VecDestroy(&theta));
}

static void Destroy(EngdFunctional *F, Vec *gradient)
{
  EngdProblem problem = (*F)->problem;
  EngdNetwork network = (*F)->network[0];

  CHECK(VecDestroy(gradient));
  CHECK(EngdFunctionalDestroy(F));
  CHECK(EngdNetworkDestroy(&network));
  CHECK(EngdProblemDestroy(&problem));
}

/* by options and by setters: the same numbers to the last bit, and no trace of the setters in the database */
static void TestSame(void **state)
{
  EngdFunctional F[2];
  EngdProblem    problem;
  PetscReal      loss[2];
  Vec            gradient[2];
  PetscBool      same;
  char          *all;

  (void)state;
  MakeFunctional(HEAT, PETSC_FALSE, &F[0], &loss[0], &gradient[0]);
  MakeFunctional("", PETSC_TRUE, &F[1], &loss[1], &gradient[1]);
  assert_true(loss[0] == loss[1] && loss[0] > 0);
  CHECK(VecEqual(gradient[0], gradient[1], &same));
  assert_true(same);
  problem = F[1]->problem;
  assert_string_equal(problem->name, "warm");
  assert_int_equal(problem->term[0]->resample, 3);
  assert_int_equal(problem->term[0]->adapt.method, ENGD_ADAPT_RAD);
  assert_true(problem->term[0]->adapt.density.exponent == 1.5 && problem->term[0]->adapt.density.floor == 0.25);
  assert_int_equal(problem->term[0]->adapt.candidates, 300);
  assert_int_equal(problem->term[0]->adapt.times, 2);
  assert_true(problem->term[0]->causal == 0.5 && problem->term[0]->slabs == 7);
  assert_int_equal(problem->test->nglobal, 31);
  assert_int_equal(problem->nexact, 1);
  assert_int_equal(problem->exact_output[0], 1);
  assert_true(F[1]->options.memory_limit == 1e7 && F[1]->options.block_points == 8);
  assert_string_equal(F[1]->curvature->type, "energy");
  CHECK(PetscOptionsGetAll(NULL, &all));
  assert_string_equal(all, "");
  CHECK(PetscFree(all));
  for (PetscInt k = 0; k < 2; k++) Destroy(&F[k], &gradient[k]);
}

/* the user's options count more than the setters, and stay in the database */
static void TestOptionsWin(void **state)
{
  EngdFunctional F;
  PetscReal      loss;
  Vec            gradient;
  PetscBool      there;

  (void)state;
  MakeFunctional("-pde_points 50 -network_layers 3 -network_init_bias 0.75 -tao_engd_curvature l2", PETSC_TRUE, &F,
                 &loss, &gradient);
  assert_int_equal(F->problem->term[0]->points->nglobal, 50);
  assert_string_equal(F->problem->term[0]->points->sampler, "halton");
  assert_true(F->network[0]->nhidden == 1 && F->network[0]->width[0] == 3);
  assert_string_equal(F->network[0]->initial, "uniform");
  assert_true(F->network[0]->initial_scale == 1.25 && F->network[0]->initial_bias == 0.75);
  assert_string_equal(F->curvature->type, "l2");
  CHECK(PetscOptionsHasName(NULL, NULL, "-pde_points", &there));
  assert_true(there);
  Destroy(&F, &gradient);
  CHECK(PetscOptionsClear(NULL));
}

/* what a setter cannot take is refused at once, or with the option's words when the problem is made */
static void TestRefused(void **state)
{
  EngdProblem problem;

  (void)state;
  CHECK(PetscOptionsClear(NULL));
  CHECK(EngdProblemCreate(PETSC_COMM_WORLD, &problem));
  SetProblem(problem);
  CHECK(PetscPushErrorHandler(KeepRefusal, NULL));
  assert_int_not_equal(EngdProblemSetTermWeight(problem, "pde", NAN), 0);
  assert_non_null(strstr(refusal, "-pde_weight"));
  assert_int_not_equal(EngdProblemSetTermRegion(problem, "pde", ""), 0);
  assert_non_null(strstr(refusal, "-pde_region"));
  assert_int_not_equal(EngdProblemSetTermRegion(problem, "", "boundary"), 0);
  assert_int_not_equal(EngdProblemSetBox(problem, 0, NULL, NULL), 0);
  CHECK(EngdProblemSetTermPoints(problem, "pde", -3));
  assert_int_not_equal(EngdProblemSetFromOptions(problem), 0);
  assert_non_null(strstr(refusal, "-pde_points -3"));
  CHECK(PetscPopErrorHandler());
  CHECK(PetscOptionsClear(NULL));
}

/* theta is of the functional, which has more of it than the network where parameters are to be found */
static void TestParametersRefused(void **state)
{
  EngdFunctional F, other;
  PetscReal      loss;
  Vec            gradient, theta;

  (void)state;
  MakeFunctional(HEAT, PETSC_FALSE, &F, &loss, &gradient);
  CHECK(EngdFunctionalCreate(F->problem, F->network[0], &other));
  CHECK(EngdNetworkCreateParameters(F->network[0], &theta));
  CHECK(PetscPushErrorHandler(KeepRefusal, NULL));
  assert_int_equal(EngdFunctionalInitialize(F, 1, theta), PETSC_ERR_ARG_SIZ);
  assert_non_null(strstr(refusal, "EngdFunctionalCreateParameters"));
  assert_int_equal(EngdFunctionalInitialize(other, 1, theta), PETSC_ERR_ORDER);
  assert_non_null(strstr(refusal, "EngdFunctionalSetUp"));
  CHECK(PetscPopErrorHandler());
  CHECK(VecDestroy(&theta));
  CHECK(EngdFunctionalDestroy(&other));
  Destroy(&F, &gradient);
}

/* columns of the Hessian by the setter, which the option overrules */
static void TestSpectrumMonitor(void **state)
{
  const char *const option[] = {"", "-spectrum_monitor index"};

  (void)state;
  for (PetscInt k = 0; k < 2; k++) {
    EngdReport     report;
    EngdFunctional F;
    PetscReal      loss;
    Vec            gradient;

    MakeFunctional(HEAT, PETSC_FALSE, &F, &loss, &gradient);
    CHECK(PetscOptionsInsertString(NULL, option[k]));
    CHECK(EngdReportCreate(F, &report));
    CHECK(EngdReportSetSpectrumMonitor(report, "sharpness,index"));
    CHECK(EngdReportSetSpectrumMonitor(report, NULL));
    assert_true(!report->want_sharpness && !report->want_index);
    CHECK(EngdReportSetSpectrumMonitor(report, "sharpness"));
    CHECK(PetscPushErrorHandler(KeepRefusal, NULL));
    assert_int_not_equal(EngdReportSetSpectrumMonitor(report, "flatness"), 0);
    assert_non_null(strstr(refusal, "flatness is not known"));
    CHECK(PetscPopErrorHandler());
    CHECK(EngdReportSetSpectrumMonitor(report, "sharpness"));
    CHECK(EngdReportSetFromOptions(report));
    assert_true(report->want_sharpness == (k == 0) && report->want_index == (k == 1));
    CHECK(EngdReportDestroy(&report));
    Destroy(&F, &gradient);
  }
  CHECK(PetscOptionsClear(NULL));
}

/* u and its gradient at points that each rank has as many of as it likes: differences agree to h^2, and all ranks agree */
static void TestEvaluate(void **state)
{
  const PetscReal h = 1e-4;
  PetscReal       x[5][2], u[5][2], slope[5][2][2], least, most, max = 0;
  PetscMPIInt     rank;
  EngdRun         run;

  (void)state;
  CHECK(PetscOptionsInsertString(NULL, "-domain_lower 0,0 -domain_upper 1,1 -network_outputs u,v -terms pde "
                                       "-pde_points 9 -pde_residual lap(u);v -network_layers 5,4 -engd_start none"));
  CHECK(EngdRunCreate(PETSC_COMM_WORLD, &run));
  CHECK(EngdRunSetFromOptions(run));
  CHECK(EngdRunSetUp(run));
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  for (PetscInt i = 0; i < 5; i++) {
    x[i][0] = 0.3 + (i == 1) * h - (i == 2) * h;
    x[i][1] = 0.6 + (i == 3) * h - (i == 4) * h;
  }
  CHECK(EngdRunEvaluate(run, rank == 1 ? 0 : 5, x[0], u[0], slope[0][0]));
  CHECK(EngdRunEvaluate(run, rank == 0 ? 5 : 1, x[0], u[0], NULL));
  for (PetscInt k = 0; k < 2; k++) {
    for (PetscInt j = 0; j < 2 && rank == 0; j++) {
      const PetscReal difference = (u[1 + 2 * j][k] - u[2 + 2 * j][k]) / (2 * h);

      max = PetscMax(max, PetscAbsReal(slope[0][j][k] - difference));
    }
    CHECK(MPI_Allreduce(&u[0][k], &least, 1, MPIU_REAL, MPIU_MIN, PETSC_COMM_WORLD));
    CHECK(MPI_Allreduce(&u[0][k], &most, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
    assert_true(most - least <= 1e-13 && PetscAbsReal(most) > 1e-6);
  }
  CHECK(MPI_Allreduce(MPI_IN_PLACE, &max, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  assert_true(max < 1e-7);
  CHECK(EngdRunDestroy(&run));
  CHECK(PetscOptionsClear(NULL));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSame),
                                     cmocka_unit_test(TestOptionsWin),
                                     cmocka_unit_test(TestParametersRefused),
                                     cmocka_unit_test(TestSpectrumMonitor),
                                     cmocka_unit_test(TestEvaluate),
                                     cmocka_unit_test(TestPeriodic),
                                     cmocka_unit_test(TestRefused)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
