/*
  Models that are more than a network: what is theirs alone. Their operators are tested with those of other problems (functionals.h).
  ranks: 1 2 3; errors leak
*/
#include "refusals.h"

/* values and standard errors of unknown parameters, against the normal equations solved in full */
static const Case more_rows = {
    "standard errors",
    "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 2 -unknown_parameters nu=0.3,k=2 "
    "-terms pde,fit -pde_points 25 -pde_residual nu*lap(u)+k^2*u-nu*k -fit_points 13 -fit_sampler halton "
    "-fit_residual u-x",
    PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};

static void StandardErrors(const Case *which)
{
  PetscReal    value[2], error[2], again[2], expected, *G, *x;
  PetscBLASInt pivot[64];
  PetscInt     N, info;
  Setting      s;
  Mat          Gram, J;
  Vec          direction, change, residual;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(EngdFunctionalSetParameters(s.F, s.v));
  CHECK(EngdFunctionalGetUnknownParameters(s.F, s.theta, value, error));
  CHECK(EngdFunctionalGetUnknownParameters(s.F, s.theta, again, NULL));
  CHECK(EngdFunctionalCreateGramian(s.F, &Gram));
  CHECK(EngdFunctionalCreateJacobian(s.F, &J));
  CHECK(MatGetSize(J, &N, NULL));
  CHECK(MatCreateVecs(J, &direction, &change));
  CHECK(VecDuplicate(change, &residual));
  CHECK(EngdFunctionalResidual(s.F, residual));
  G = Dense(Gram);
  CHECK(PetscMalloc1(s.p, &x));
  CHECK(EngdSymmetricFactor(s.p, G, pivot, &info));
  assert_int_equal(info, 0);
  for (PetscInt k = 0; k < 2; k++) {
    const PetscInt j = s.p - 2 + k;

    CHECK(PetscArrayzero(x, s.p));
    x[j] = 1;
    CHECK(EngdSymmetricSolve(s.p, G, pivot, x));
    for (PetscInt i = 0; i < s.p; i++) CHECK(VecSetValue(direction, i, x[i], INSERT_VALUES));
    CHECK(VecAssemblyBegin(direction));
    CHECK(VecAssemblyEnd(direction));
    CHECK(MatMult(J, direction, change)); /* what estimate k is in the residuals */
    CHECK(VecPointwiseMult(change, change, residual));
    CHECK(VecNorm(change, NORM_2, &expected));
    expected *= PetscSqrtReal((PetscReal)N / (PetscReal)(N - s.p));
    /* the normal equations square the condition number */
    Close("standard error", error[k], expected, 1e-4 * expected);
    Close("value", value[k], 2 * EngdRandomUniform(3, 50, j, 0, 0) - 1, 0);
    Close("value alone", again[k], value[k], 0);
  }
  CHECK(PetscFree(x));
  CHECK(PetscFree(G));
  CHECK(MatDestroy(&Gram));
  CHECK(MatDestroy(&J));
  CHECK(VecDestroy(&direction));
  CHECK(VecDestroy(&change));
  CHECK(VecDestroy(&residual));
  End(&s);
}

/* with bounds the same values, standard errors and correlation as without, at parameters that mean the same */
static void Bounds(const Case *which)
{
  PetscReal value[2], error[2], correlation[4], free_value[2], free_error[2], free_correlation[4];
  Setting   bounded, free_one;

  Begin(PETSC_COMM_WORLD, which, "-unknown_lower nu=-1 -unknown_upper nu=1,k=3", &bounded);
  CHECK(EngdFunctionalGetUnknowns(bounded.F, bounded.theta, value, error, correlation));
  assert_true(value[0] > -1 && value[0] < 1 && value[1] < 3);
  Begin(PETSC_COMM_WORLD, which, "", &free_one);
  for (PetscInt k = 0; k < 2; k++) CHECK(VecSetValue(free_one.theta, free_one.p - 2 + k, value[k], INSERT_VALUES));
  CHECK(VecAssemblyBegin(free_one.theta));
  CHECK(VecAssemblyEnd(free_one.theta));
  CHECK(EngdFunctionalGetUnknowns(free_one.F, free_one.theta, free_value, free_error, free_correlation));
  for (PetscInt k = 0; k < 2; k++) {
    Close("value", value[k], free_value[k], 0);
    Close("standard error", error[k], free_error[k], 1e-8 * free_error[k]);
    Close("of itself", correlation[3 * k], 1, 1e-14);
  }
  assert_true(PetscAbsReal(correlation[1]) > 1e-3 && PetscAbsReal(correlation[1]) < 1);
  Close("symmetry", correlation[1], correlation[2], 1e-14);
  Close("correlation", correlation[1], free_correlation[1], 1e-8);
  End(&free_one);
  End(&bounded);
}

#define ONE                                                                                                          \
  "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 4 -engd_test_points 5 -terms pde "    \
  "-engd_monitor 0 -pde_points 9 "
#define LAPLACE ONE "-pde_residual lap(u) "
#define OF_K    ONE "-pde_residual lap(u)*k "

static const struct {
  const char *options, *words;
} bad[] = {
    {LAPLACE "-ansatz_u x*y", "-ansatz_u \"x*y\" leaves no unknown"},
    {LAPLACE "-ansatz_u 0*u+x", "leaves no unknown"},
    {LAPLACE "-ansatz_u", "-ansatz_u has no value"},
    {LAPLACE "-ansatz_u x*(1-x", "-ansatz_u: missing ')'"},
    {LAPLACE "-ansatz_u x*w", "-ansatz_u: unknown name 'w'"},
    {LAPLACE "-ansatz_u x*u;y", "an ansatz is one number, but this has 2 components"},
    {LAPLACE "-ansatz_u x*u,y", "-ansatz_u: unexpected ','"},
    {ONE "-pde_residual lap(lap(u)) -ansatz_u x*u_x", "of the network's output that an ansatz reads"},
    {LAPLACE "-ansatz_u dot(normal,normal)*u", "-ansatz_u: 'normal' exists on boundaries only"},
    {LAPLACE "-ansatz_w x*u", "option that nothing here reads: -ansatz_w"},
    {LAPLACE "-network_outputs u,v -ansatz_u x*u -ansatz_v x*u", "no ansatz reads the network's output v"},
    {LAPLACE "-unknown_parameters k=1", "no term reads k, so it cannot be found"},
    {LAPLACE "-unknown_parameters k=1 -ansatz_u k*u", ""},
    {OF_K "-unknown_parameters k", "k has no value"},
    {OF_K "-unknown_parameters k=", "empty component"},
    {OF_K "-unknown_parameters k=1/0", "must be a finite number"},
    {OF_K "-unknown_parameters k=x", "unknown name 'x'"},
    {OF_K "-unknown_parameters k=1,k=2", "k is given twice"},
    {OF_K "-unknown_parameters k=1 -parameters k=2", "the name k is already that of a known parameter"},
    {OF_K "-unknown_parameters k=1,x=2", "the name x is already that of a coordinate"},
    {OF_K "-unknown_parameters k=1,u=2", "the name u is already that of an unknown"},
    {OF_K "-unknown_parameters k=1,u_x=2", "cannot be the name of a parameter to be found: it is a derivative"},
    {OF_K "-unknown_parameters k=1,sin=2", "it has a meaning in expressions"},
    {OF_K "-unknown_parameters k=1,pi=2", "pi has a meaning of its own"},
    {OF_K "-unknown_parameters k=1 -unknown_upper k=1", "the first value must be between the bounds -inf and 1"},
    {OF_K "-unknown_parameters k=1 -unknown_lower k=2 -unknown_upper k=0", "between the bounds 2 and 0"},
    {OF_K "-unknown_parameters k=1 -unknown_lower nu=0", "nu is none of -unknown_parameters"},
    {LAPLACE "-unknown_lower nu=0", "nu is none of -unknown_parameters"},
    {OF_K "-unknown_parameters k=1 -unknown_lower k", "k has no value"},
    {LAPLACE "-complex_unknowns v", "-complex_unknowns v: there is no unknown of this name"},
    {LAPLACE "-complex_unknowns u -network_outputs u,reu", "there would be two outputs reu"},
    {LAPLACE "-complex_unknowns u -exact_u i*x -exact_reu 1", "exclude each other"},
    {LAPLACE "-pde_energy i*u", "exclude each other"},
    {ONE "-pde_residual i*lap(u)", "a complex number, where a real one is needed"},
    {ONE "-pde_energy i*lap(u) -complex_unknowns u", "an energy is one number, but this has 2 components"},
    {OF_K "-unknown_parameters k=1 -network_inputs k*x", "-network_inputs: unknown name 'k'"},
    {LAPLACE "-networks u,v -network_outputs u", "with -networks each network has its own; give -u_outputs"},
    {LAPLACE "-networks u,v -v_outputs w,u", "-v_outputs: u is already an output of the network u"},
    {LAPLACE "-networks u,pde", "there is a term of this name"},
    {LAPLACE "-networks u,tao", "are options of something else"},
    {LAPLACE "-networks u,u", "u and u differ at most in upper and lower case"},
    {LAPLACE "-networks u,v_1", "an underscore means a derivative"},
    {LAPLACE "-networks u,v -v_inputs 1,2", "-v_inputs \"1,2\" reads no coordinate"},
    {LAPLACE "-networks u,v -v_inputs z", "-v_inputs: unknown name 'z'"},
    {LAPLACE "-networks u,v -v_layers 3,0", "-v_layers"},
    {LAPLACE "-networks u,v -w_layers 3", "option that nothing here reads: -w_layers"},
    {LAPLACE "-networks u -u_outputs u,x", "the name x is already that of a coordinate"},
    {LAPLACE "-network_outputs u,x", "-network_outputs: the name x is already that of a coordinate"},
    {LAPLACE "-parameters u=2", "-parameters: the name u is already that of an unknown"},
    {LAPLACE "-network_inputs u", "-network_inputs: unknown name 'u'"},
    {LAPLACE "-network_inputs x,,y", "item 2 of the list is empty"},
    {LAPLACE "-network_inputs x,sin(y", "missing ')'"},
    {LAPLACE "-network_inputs", "-network_inputs has no value"},
    {LAPLACE "-network_inputs 1,2", "reads no coordinate"},
    {LAPLACE "-network_inputs normal", "'normal' exists on boundaries only"},
};

static void TestBad(void **state)
{
  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(bad); k++) {
    (void)Refusal(bad[k].options);
    if (*bad[k].words ? !strstr(refusal, bad[k].words) : refusal[0] != 0)
      fail_msg("%s: %s", bad[k].options + strlen(ONE), refusal);
    if (strchr(refusal, '\n')) fail_msg("more than a line: %s", refusal);
  }
}

/* a network of other inputs than those of the problem, or of other outputs */
static void TestCounts(void **state)
{
  const PetscInt sizes[][2] = {{2, 1}, {3, 2}, {3, 1}};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(sizes); k++) {
    EngdFunctional F;
    EngdProblem    problem;
    EngdNetwork    network;
    PetscErrorCode code;

    CHECK(PetscOptionsInsertString(NULL, LAPLACE "-network_inputs x,y^2,x*y"));
    CHECK(EngdProblemCreate(PETSC_COMM_WORLD, &problem));
    CHECK(EngdProblemSetFromOptions(problem));
    CHECK(EngdNetworkCreate(PETSC_COMM_WORLD, &network));
    CHECK(EngdNetworkSetSizes(network, sizes[k][0], sizes[k][1]));
    CHECK(EngdFunctionalCreate(problem, network, &F));
    CHECK(PetscOptionsClear(NULL));
    CHECK(PetscPushErrorHandler(KeepRefusal, NULL));
    code = EngdFunctionalSetUp(F);
    CHECK(PetscPopErrorHandler());
    assert_int_equal(code, k == 2 ? 0 : PETSC_ERR_ARG_SIZ);
    if (code) assert_non_null(strstr(refusal, "for a problem of 3 inputs (-network_inputs) and 1 unknowns"));
    CHECK(EngdFunctionalDestroy(&F));
    CHECK(EngdNetworkDestroy(&network));
    CHECK(EngdProblemDestroy(&problem));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      {"standard errors", test_pair, NULL, NULL, &(Pair){&more_rows, StandardErrors}},
      {"bounds", test_pair, NULL, NULL, &(Pair){&more_rows, Bounds}},
      cmocka_unit_test(TestBad),
      cmocka_unit_test(TestCounts),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("model", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
