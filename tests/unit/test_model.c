/*
  Models that are more than a network: an ansatz, inputs as text, unknown parameters, all of them in a system and in an energy.
  Every operator against differences of the loss and the residual, and against each other.
  ranks: 1 2 3
*/
#include "functionals.h"

#define MODEL_NETWORK "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 4,3 "

static const Case models[] = {
    {"ansatz",
     MODEL_NETWORK "-ansatz_u x*(1-x)*y*(1-y)*u+x*y -terms pde,wall -pde_points 9 -pde_residual lap(u)-u^2+u_xy*u_x "
                   "-wall_region boundary -wall_points 8 -wall_residual u-x",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"inputs",
     MODEL_NETWORK "-network_inputs sin(2*pi*x),cos(2*pi*x),y^3 -terms pde,wall -pde_points 9 "
                   "-pde_residual lap(u)+u*u_x+u_xy -wall_region boundary -wall_points 8 -wall_residual u",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"unknown",
     MODEL_NETWORK "-unknown_parameters nu=0.3,k=2 -terms pde,fit -pde_points 9 -pde_residual nu*lap(u)+k^2*u-nu*k "
                   "-fit_points 7 -fit_sampler halton -fit_residual u-x",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"all in a system",
     MODEL_NETWORK "-network_outputs u,v -network_inputs 2*x-1,exp(y)*x -unknown_parameters nu=0.3,a=0.5 "
                   "-ansatz_u x*u+a*v -ansatz_v v*(1+y^2) -terms flow,wall -flow_points 9 "
                   "-flow_residual u*u_x+v*u_y-nu*lap(u);nu*v_x-lap(v)+u_xy -wall_region boundary -wall_points 7 "
                   "-wall_residual u-y;dot(normal,grad(v))*a",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"energy",
     MODEL_NETWORK "-network_inputs x,x*y -ansatz_u x*u -unknown_parameters s=0.7 -terms body -body_points 9 "
                   "-body_energy s^2*dot(grad(u),grad(u))/2+(s-u)^4/4",
     PETSC_TRUE, PETSC_FALSE, PETSC_FALSE},
};

/* theta + step direction becomes the present parameters */
static void Move(Setting *s, PetscReal step, Vec direction, Vec to)
{
  CHECK(VecWAXPY(to, step, direction, s->theta));
  CHECK(EngdFunctionalSetParameters(s->F, to));
}

/* gradient and exact Hessian along v by differences of order 4 */
static void Derivatives(const Case *which)
{
  const PetscReal h = 2e-3, shift[] = {-2, -1, 1, 2}, weight[] = {1. / 12, -2. / 3, 2. / 3, -1. / 12};
  PetscReal       loss, slope = 0, exact, size;
  Vec             to, gradient, product, sum;
  Setting         s;
  Mat             H;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(VecDuplicate(s.theta, &to));
  CHECK(VecDuplicate(s.theta, &gradient));
  CHECK(VecDuplicate(s.theta, &product));
  CHECK(VecDuplicate(s.theta, &sum));
  CHECK(EngdFunctionalCreateHessian(s.F, &H));
  CHECK(MatMult(H, s.v, product));
  CHECK(VecSet(sum, 0));
  for (PetscInt k = 0; k < 4; k++) {
    Move(&s, shift[k] * h, s.v, to);
    CHECK(EngdFunctionalEvaluate(s.F, &loss, gradient));
    slope += weight[k] / h * loss;
    CHECK(VecAXPY(sum, weight[k] / h, gradient));
  }
  CHECK(EngdFunctionalSetParameters(s.F, s.theta));
  CHECK(EngdFunctionalEvaluate(s.F, &loss, gradient));
  CHECK(VecDot(gradient, s.v, &exact));
  Close("slope", slope, exact, 1e-6 * (1 + PetscAbsReal(exact)));
  CHECK(VecNorm(product, NORM_2, &size));
  CHECK(VecAXPY(sum, -1, product));
  CHECK(VecNorm(sum, NORM_2, &loss));
  Close("H v", loss, 0, 1e-6 * (1 + size));
  CHECK(MatDestroy(&H));
  CHECK(VecDestroy(&to));
  CHECK(VecDestroy(&gradient));
  CHECK(VecDestroy(&product));
  CHECK(VecDestroy(&sum));
  End(&s);
}

/* J v by differences, J^T by dot products, the explicit rows, G = J^T J */
static void Jacobian(const Case *which)
{
  const PetscReal h = 1e-3, shift[] = {-2, -1, 1, 2}, weight[] = {1. / 12, -2. / 3, 2. / 3, -1. / 12};
  PetscReal      *dense, *G, *product, a, b, *A;
  PetscInt        M, rows, start;
  Vec             R, y, Jv, JTy;
  Setting         s;
  Mat             J, Gram;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(EngdFunctionalCreateJacobian(s.F, &J));
  CHECK(MatCreateVecs(J, &JTy, &R));
  CHECK(VecDuplicate(R, &y));
  CHECK(VecDuplicate(R, &Jv));
  CHECK(VecSet(y, 0));
  for (PetscInt k = 0; k < 4; k++) {
    CHECK(EngdFunctionalResidualAlong(s.F, s.v, shift[k] * h, R));
    CHECK(VecAXPY(y, weight[k] / h, R));
  }
  CHECK(MatMult(J, s.v, Jv));
  CHECK(VecNorm(Jv, NORM_2, &a));
  CHECK(VecAXPY(y, -1, Jv));
  CHECK(VecNorm(y, NORM_2, &b));
  Close("J v", b, 0, 1e-7 * (1 + a));
  FillRandom(y, 5);
  CHECK(MatMultTranspose(J, y, JTy));
  CHECK(VecDot(JTy, s.v, &a));
  CHECK(VecDot(Jv, y, &b));
  Close("J^T y", a, b, 1e-11 * (1 + PetscAbsReal(b)));
  dense = Dense(J);
  CHECK(MatGetSize(J, &M, NULL));
  CHECK(EngdExplicitCountRows(s.F, &rows));
  CHECK(VecGetOwnershipRange(R, &start, NULL));
  CHECK(PetscMalloc1(ENGD_COUNT(PetscMax(rows, 1), s.p), &A));
  CHECK(EngdExplicitFillRows(s.F, PetscMax(rows, 1), A));
  a = 0;
  for (PetscInt j = 0; j < s.p; j++) {
    for (PetscInt i = 0; i < rows; i++)
      a = PetscMax(a, PetscAbsReal(A[ENGD_COUNT(j, rows) + i] - dense[ENGD_COUNT(j, M) + start + i]));
  }
  Close("explicit J", Largest(a), 0, 1e-11);
  CHECK(EngdFunctionalCreateGramian(s.F, &Gram));
  G = Dense(Gram);
  CHECK(PetscCalloc1(s.p * s.p, &product));
  for (PetscInt k = 0; k < s.p * s.p; k++) {
    for (PetscInt i = 0; i < M; i++)
      product[k] += dense[ENGD_COUNT(k % s.p, M) + i] * dense[ENGD_COUNT(k / s.p, M) + i];
  }
  CloseAll("G = J^T J", s.p * s.p, G, product, 1e-12);
  CHECK(PetscFree(A));
  CHECK(PetscFree(dense));
  CHECK(PetscFree(G));
  CHECK(PetscFree(product));
  CHECK(MatDestroy(&J));
  CHECK(MatDestroy(&Gram));
  CHECK(VecDestroy(&R));
  CHECK(VecDestroy(&y));
  CHECK(VecDestroy(&Jv));
  CHECK(VecDestroy(&JTy));
  End(&s);
}

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
  static struct CMUnitTest tests[17];
  static Pair              pair[17];
  size_t                   n = 0;
  int                      failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(models); k++) {
    pair[n]  = (Pair){&models[k], Derivatives};
    tests[n] = (struct CMUnitTest){models[k].name, test_pair, NULL, NULL, &pair[n]};
    n++;
    if (models[k].energy) continue;
    pair[n]  = (Pair){&models[k], Jacobian};
    tests[n] = (struct CMUnitTest){models[k].name, test_pair, NULL, NULL, &pair[n]};
    n++;
  }
  pair[n]  = (Pair){&more_rows, StandardErrors};
  tests[n] = (struct CMUnitTest){more_rows.name, test_pair, NULL, NULL, &pair[n]};
  n++;
  failed = _cmocka_run_group_tests("model", tests, n, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
