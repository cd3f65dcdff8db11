/*
  The exact Hessian of the loss, dense, for all problems and all activations: against differences of the gradient and
  Taylor remainders; symmetry; the Gramian where residuals vanish; damping; blocks and jets that are not kept.
  ranks: 1 2 3
*/
#include "functionals.h"

static PetscReal *DenseHessian(EngdFunctional F)
{
  PetscReal *dense;
  Mat        H;

  CHECK(EngdFunctionalCreateHessian(F, &H));
  dense = Dense(H);
  CHECK(MatDestroy(&H));
  return dense;
}

/* g (p, on every rank) = gradient at theta + t v */
static void GradientAt(Setting *s, PetscReal t, Vec v, PetscReal g[])
{
  PetscReal loss;
  Vec       moved, gradient;

  CHECK(VecDuplicate(s->theta, &moved));
  CHECK(VecDuplicate(s->theta, &gradient));
  CHECK(VecWAXPY(moved, t, v, s->theta));
  CHECK(EngdFunctionalSetParameters(s->F, moved));
  CHECK(EngdFunctionalEvaluate(s->F, &loss, gradient));
  Whole(gradient, g);
  CHECK(EngdFunctionalSetParameters(s->F, s->theta));
  CHECK(VecDestroy(&moved));
  CHECK(VecDestroy(&gradient));
}

/* (p, p) by differences of order 4 of the gradient */
static PetscReal *DifferenceHessian(Setting *s)
{
  const PetscReal h = 1e-3, shift[] = {-2, -1, 1, 2}, weight[] = {1. / 12, -2. / 3, 2. / 3, -1. / 12};
  PetscReal      *H, *g;
  Vec             e;

  CHECK(PetscCalloc1(s->p * s->p, &H));
  CHECK(PetscMalloc1(s->p, &g));
  CHECK(VecDuplicate(s->theta, &e));
  for (PetscInt j = 0; j < s->p; j++) {
    FillUnit(e, j);
    for (PetscInt k = 0; k < 4; k++) {
      GradientAt(s, shift[k] * h, e, g);
      for (PetscInt i = 0; i < s->p; i++) H[j * s->p + i] += weight[k] / h * g[i];
    }
  }
  CHECK(VecDestroy(&e));
  CHECK(PetscFree(g));
  return H;
}

/* by differences, and symmetric */
static void HessianOf(const Case *which, const char options[])
{
  PetscReal *H, *other;
  Setting    s;

  Begin(PETSC_COMM_WORLD, which, options, &s);
  H     = DenseHessian(s.F);
  other = DifferenceHessian(&s);
  CloseAll("H by differences of the gradient", s.p * s.p, H, other, 2e-8);
  for (PetscInt k = 0; k < s.p * s.p; k++) other[k] = H[k % s.p * s.p + k / s.p];
  CloseAll("H is symmetric", s.p * s.p, H, other, 1e-13);
  CHECK(PetscFree(H));
  CHECK(PetscFree(other));
  End(&s);
}

static void Differences(const Case *which)
{
  HessianOf(which, "");
}

static void Activations(const Case *which)
{
  const char *const names[] = {"tanh", "sin", "sigmoid", "softplus", "silu", "gelu"};
  char              option[64];

  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(names); k++) {
    CHECK(PetscSNPrintf(option, sizeof(option), "-network_activation %s", names[k]));
    HessianOf(which, option);
  }
}

/* |g(theta + t v) - g(theta) - t H v| falls fourfold when t is halved */
static void Taylor(const Case *which)
{
  PetscReal *g[2], *Hv, remainder[2];
  Setting    s;
  Mat        H;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(PetscMalloc3(s.p, &g[0], s.p, &g[1], s.p, &Hv));
  CHECK(EngdFunctionalCreateHessian(s.F, &H));
  CHECK(MatMult(H, s.v, s.w));
  Whole(s.w, Hv);
  GradientAt(&s, 0, s.v, g[0]);
  for (PetscInt k = 0; k < 2; k++) {
    const PetscReal t = k ? 1e-4 : 2e-4;

    GradientAt(&s, t, s.v, g[1]);
    remainder[k] = 0;
    for (PetscInt j = 0; j < s.p; j++) {
      remainder[k] = PetscMax(remainder[k], PetscAbsReal(g[1][j] - g[0][j] - t * Hv[j]));
    }
  }
  Close("Taylor order", log2(remainder[0] / remainder[1]), 2, 0.05);
  CHECK(PetscFree3(g[0], g[1], Hv));
  CHECK(MatDestroy(&H));
  End(&s);
}

/* the same with blocks of three points and jets that are not kept; a Gramian made before is still right; lambda adds */
static void Memory(const Case *which)
{
  PetscReal *H[2], *G[2];
  Setting    s;
  Mat        gramian, hessian;

  for (PetscInt k = 0; k < 2; k++) {
    Begin(PETSC_COMM_WORLD, which, k ? "-engd_memory_limit 1 -engd_block_points 3" : "", &s);
    CHECK(EngdFunctionalCreateGramian(s.F, &gramian));
    CHECK(MatMult(gramian, s.v, s.w)); /* jets are current */
    CHECK(EngdFunctionalCreateHessian(s.F, &hessian));
    CHECK(EngdGramianSetDamping(hessian, k ? 0.5 : 0));
    H[k] = Dense(hessian);
    G[k] = Dense(gramian);
    for (PetscInt j = 0; k && j < s.p; j++) H[1][j * s.p + j] -= 0.5;
    CHECK(MatDestroy(&gramian));
    CHECK(MatDestroy(&hessian));
    if (k) {
      CloseAll("H", s.p * s.p, H[1], H[0], 1e-13);
      CloseAll("G", s.p * s.p, G[1], G[0], 1e-13);
    }
    End(&s);
  }
  for (PetscInt k = 0; k < 2; k++) {
    CHECK(PetscFree(H[k]));
    CHECK(PetscFree(G[k]));
  }
}

/* theta of the network that the residual spells out */
static void SetNetwork(Setting *s, PetscReal change)
{
  const PetscReal theta[] = {0.3, -0.9, 0.1, 0.4, 0.5, -0.7, 0.2};
  PetscInt        begin, end;

  CHECK(VecGetOwnershipRange(s->theta, &begin, &end));
  for (PetscInt j = begin; j < end; j++) CHECK(VecSetValue(s->theta, j, theta[j] + change, INSERT_VALUES));
  CHECK(VecAssemblyBegin(s->theta));
  CHECK(VecAssemblyEnd(s->theta));
  CHECK(EngdFunctionalSetParameters(s->F, s->theta));
}

/* H is the Gauss-Newton Gramian where the residual vanishes, and only there */
static void TestVanishingResidual(void **state)
{
  const Case which = {
      "network",
      "-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 2 -terms fit -fit_points 9 "
      "-fit_residual (1+u_xx)*(u-(0.5*tanh(0.3*x+0.1)-0.7*tanh(-0.9*x+0.4)+0.2))",
      PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
  PetscReal *H, *dense, difference = 0;
  Setting    s;
  Mat        G;

  (void)state;
  Begin(PETSC_COMM_WORLD, &which, "", &s);
  assert_int_equal(s.p, 7);
  CHECK(EngdFunctionalCreateGramian(s.F, &G));
  for (PetscInt k = 0; k < 2; k++) {
    SetNetwork(&s, k ? 0.1 : 0);
    H     = DenseHessian(s.F);
    dense = Dense(G);
    if (k == 0)
      CloseAll("H and G where r = 0", s.p * s.p, H, dense, 1e-13);
    else
      for (PetscInt j = 0; j < s.p * s.p; j++) difference = PetscMax(difference, PetscAbsReal(H[j] - dense[j]));
    CHECK(PetscFree(H));
    CHECK(PetscFree(dense));
  }
  assert_true(difference > 1e-3);
  CHECK(MatDestroy(&G));
  End(&s);
}

int main(int argc, char **argv)
{
  const Check             checks[] = {{"differences", Differences, PETSC_FALSE},
                                      {"Taylor", Taylor, PETSC_FALSE},
                                      {"memory and damping", Memory, PETSC_FALSE}};
  const struct CMUnitTest extra[]  = {
       cmocka_unit_test(TestVanishingResidual),
       {"activations", test_pair, NULL, NULL, &(Pair){&cases[1], Activations}}, /* mixed derivatives and a Laplacian */
       {"activations, order four", test_pair, NULL, NULL, &(Pair){&cases[6], Activations}},
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = RunChecks("hessian", PETSC_STATIC_ARRAY_LENGTH(checks), checks, PETSC_STATIC_ARRAY_LENGTH(extra), extra);
  return EngdFinalize() ? 1 : failed;
}
