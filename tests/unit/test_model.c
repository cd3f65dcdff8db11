/*
  Models that are more than a network: what is theirs alone. Their operators are tested with those of other problems (functionals.h).
  ranks: 1 2 3
*/
#include "functionals.h"

/* values and standard errors of unknown parameters, against the normal equations solved in full */
static const Case more_rows = {
    "standard errors",
    "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 2 -unknown_parameters nu=0.3,k=2 "
    "-terms pde,fit -pde_points 25 -pde_residual nu*lap(u)+k^2*u-nu*k -fit_points 13 -fit_sampler halton "
    "-fit_residual u-x",
    PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};

static void StandardErrors(const Case *which)
{
  PetscReal    loss, variance, *G, *x;
  PetscBLASInt pivot[64];
  PetscInt     N, info;
  EngdUnknowns unknowns;
  Setting      s;
  Mat          Gram, J;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(EngdFunctionalEvaluate(s.F, &loss, s.w));
  CHECK(EngdUnknownsCreate(s.F, &unknowns));
  CHECK(EngdUnknownsCompute(unknowns, s.theta, loss));
  CHECK(EngdFunctionalCreateGramian(s.F, &Gram));
  CHECK(EngdFunctionalCreateJacobian(s.F, &J));
  CHECK(MatGetSize(J, &N, NULL));
  variance = 2 * loss / (PetscReal)(N - s.p);
  G        = Dense(Gram);
  CHECK(PetscMalloc1(s.p, &x));
  CHECK(EngdSymmetricFactor(s.p, G, pivot, &info));
  assert_int_equal(info, 0);
  for (PetscInt k = 0; k < 2; k++) {
    const PetscInt j = s.p - 2 + k;

    CHECK(PetscArrayzero(x, s.p));
    x[j] = 1;
    CHECK(EngdSymmetricSolve(s.p, G, pivot, x));
    Close("standard error", unknowns->standard_error[k], PetscSqrtReal(variance * x[j]),
          1e-4 * PetscSqrtReal(variance * x[j])); /* the normal equations square the condition number */
    Close("value", unknowns->value[k], 2 * EngdRandomUniform(3, 50, j, 0, 0) - 1, 0);
  }
  CHECK(PetscFree(x));
  CHECK(PetscFree(G));
  CHECK(MatDestroy(&Gram));
  CHECK(MatDestroy(&J));
  CHECK(EngdUnknownsDestroy(&unknowns));
  End(&s);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      {"standard errors", test_pair, NULL, NULL, &(Pair){&more_rows, StandardErrors}},
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("model", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
