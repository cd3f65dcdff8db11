/*
  Rayleigh quotients of one and of several states: the gradient against differences, no change along the states themselves, the
  Gramian against second differences where the states are linear in theta, directions against the operator, and what is refused.
  ranks: 1 2 3
*/
#include "direction_case.h"

#define ONE                                                                                                          \
  "-domain_lower -1,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 4 -terms body,wall "                 \
  "-ansatz_u (1-x^2)*u -body_points 60 -body_sampler sobol -body_numerator "                                         \
  "normsq(grad(u))/2+(x^2-2*y)*u^2 -body_denominator (2+x)*u^2 "                                                     \
  "-wall_region y=lower -wall_points 5 -wall_numerator 3*u^2"
#define TWO                                                                                                          \
  "-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_outputs v,w -network_layers 4 -terms body "        \
  "-functions a(p,q)=dot(grad(p),grad(q))-3*x*p*q -ansatz_v x*(1-x)*v -ansatz_w x*w -body_points 40 "                \
  "-body_numerator "                                                                                                 \
  "a(v,v);a(v,w);a(w,w) -body_denominator v*v;v*w;w*w"

static const Case quotients[] = {{"one state", ONE, PETSC_TRUE, PETSC_FALSE, PETSC_FALSE},
                                 {"two states", TWO, PETSC_TRUE, PETSC_FALSE, PETSC_FALSE}};

static void Gradient(const Case *which)
{
  const PetscReal h = 1e-3;
  PetscReal       loss, slope;
  Setting         s;
  Vec             gradient;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(VecDuplicate(s.theta, &gradient));
  CHECK(EngdFunctionalEvaluate(s.F, &loss, gradient));
  CHECK(VecDot(gradient, s.v, &slope));
  Close("loss along and loss", LossAt(s.F, s.theta, 0, s.v), loss, 1e-13 * PetscAbsReal(loss));
  Close("gradient by differences",
        (8 * (LossAt(s.F, s.theta, h, s.v) - LossAt(s.F, s.theta, -h, s.v)) -
         (LossAt(s.F, s.theta, 2 * h, s.v) - LossAt(s.F, s.theta, -2 * h, s.v))) /
            (12 * h),
        slope, 1e-8 * (1 + PetscAbsReal(slope)));
  CHECK(VecDestroy(&gradient));
  End(&s);
}

/* v <- its entries of the last layer, where the states are linear, and of those what changes the states */
static void MakeHorizontal(Setting *s, Vec v)
{
  const EngdLayer *last = &s->F->model->layer[s->net->nlayers - 1];
  const Vec       *basis;
  Vec             *q;
  PetscInt         n, m = 0;
  PetscReal       *a;

  CHECK(EngdOuterGetVertical(s->F, &n, &basis));
  CHECK(VecDuplicateVecs(v, n + 1, &q));
  CHECK(PetscMalloc1(s->p, &a));
  for (PetscInt j = 0; j <= n; j++) {
    Whole(j < n ? basis[j] : v, a);
    CHECK(PetscArrayzero(a, last->offset));
    FromWhole(a, q[m]);
    for (PetscInt k = 0; k < 2 * m; k++) {
      PetscScalar dot;

      CHECK(VecDot(q[m], q[k % m], &dot));
      CHECK(VecAXPY(q[m], -dot, q[k % m]));
    }
    if (j == n) CHECK(VecCopy(q[m], v));
    CHECK(VecNormalize(q[m], NULL));
    m++;
  }
  CHECK(PetscFree(a));
  CHECK(VecDestroyVecs(n + 1, &q));
}

/* along them the second derivative of the quotient is d^T (N'' - E D'') d / D */
static void Curvature(const Case *which)
{
  const PetscReal h = 1e-2;
  PetscReal       square, L[5];
  Setting         s;
  Mat             G;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(EngdFunctionalCreateGramian(s.F, &G));
  MakeHorizontal(&s, s.v);
  CHECK(MatMult(G, s.v, s.w));
  CHECK(VecDot(s.v, s.w, &square));
  for (PetscInt k = 0; k < 5; k++) L[k] = LossAt(s.F, s.theta, (k - 2) * h, s.v);
  Close("second derivative by differences", (16 * (L[1] + L[3]) - L[0] - L[4] - 30 * L[2]) / (12 * h * h), square,
        1e-5 * PetscAbsReal(square));
  assert_true(PetscAbsReal(square) > 1e-3);
  CHECK(MatDestroy(&G));
  End(&s);
}

/* the states times numbers have the same quotient, and its gradient does not see them */
static void Scales(const Case *which)
{
  PetscReal loss, *a;
  Setting   s;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(EngdFunctionalEvaluate(s.F, &loss, s.w));
  CHECK(PetscMalloc1(s.p, &a));
  Whole(s.theta, a);
  CHECK(PetscArrayzero(a, s.F->model->layer[s.net->nlayers - 1].offset));
  FromWhole(a, s.v); /* theta of the last layer: along it u is scaled */
  Close("a state three times as large", LossAt(s.F, s.theta, 2, s.v), loss, 1e-12 * PetscAbsReal(loss));
  CHECK(PetscFree(a));
  End(&s);
}

/* P (G d + gradient) = 0 and d = P d, where the shift is below all states */
static void Direction(const Case *which)
{
  static const char *const curvature[] = {"", "-tao_engd_curvature rayleigh"};

  for (size_t k = 0; k < 2; k++) {
    PetscInt  its;
    PetscReal before, after, length;
    Frame     f;

    BeginFrame(which, "quotient", curvature[k], "-tao_engd_rcond 1e-12", &f);
    f.s->F->outer.below = 40;
    CHECK(ComputeDirection(&f, f.s->theta, 0, &its));
    CHECK(VecNorm(f.gradient, NORM_2, &before));
    CHECK(VecNorm(f.d, NORM_2, &length));
    CHECK(MatMult(f.solver->G, f.d, f.s->w));
    CHECK(VecAXPY(f.s->w, 1, f.gradient));
    CHECK(EngdOuterProject(f.s->F, f.s->w));
    CHECK(VecNorm(f.s->w, NORM_2, &after));
    /* the vertical vectors are divided by singular values of J, of u alone down to 1e-9, and with them their rounding */
    if (!(after <= (k ? 1e-5 : 1e-7) * before))
      fail_msg("%s: %g of %g is left", curvature[k], (double)after, (double)before);
    CHECK(VecCopy(f.d, f.s->w));
    CHECK(EngdOuterProject(f.s->F, f.s->w));
    CHECK(VecAXPY(f.s->w, -1, f.d));
    CHECK(VecNorm(f.s->w, NORM_2, &after));
    if (!(after <= 1e-9 * length)) fail_msg("%s: %g of %g is vertical", curvature[k], (double)after, (double)length);
    EndFrame(&f);
  }
}

/* products with several vectors at once */
static void Several(const Case *which)
{
  Setting    s;
  Mat        G, B, C;
  PetscReal *one, *several;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(EngdFunctionalCreateGramian(s.F, &G));
  one = Dense(G);
  {
    PetscInt local;
    Vec      column;

    CHECK(VecGetLocalSize(s.theta, &local));
    CHECK(MatCreateDense(PETSC_COMM_WORLD, local, PETSC_DECIDE, PETSC_DETERMINE, s.p, NULL, &B));
    CHECK(MatAssemblyBegin(B, MAT_FINAL_ASSEMBLY));
    CHECK(MatAssemblyEnd(B, MAT_FINAL_ASSEMBLY));
    CHECK(MatShift(B, 1));
    CHECK(MatMatMult(G, B, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &C));
    CHECK(PetscMalloc1(s.p * s.p, &several));
    for (PetscInt j = 0; j < s.p; j++) {
      CHECK(MatDenseGetColumnVecRead(C, j, &column));
      Whole(column, several + ENGD_COUNT(j, s.p));
      CHECK(MatDenseRestoreColumnVecRead(C, j, &column));
    }
  }
  CloseAll("G B and G", s.p * s.p, several, one, 1e-12);
  CHECK(PetscFree(one));
  CHECK(PetscFree(several));
  CHECK(MatDestroy(&B));
  CHECK(MatDestroy(&C));
  CHECK(MatDestroy(&G));
  End(&s);
}

int main(int argc, char **argv)
{
  static const Check checks[] = {{"gradient", Gradient, PETSC_FALSE},
                                 {"curvature", Curvature, PETSC_FALSE},
                                 {"scales", Scales, PETSC_FALSE},
                                 {"direction", Direction, PETSC_FALSE},
                                 {"several vectors", Several, PETSC_FALSE}};
  struct CMUnitTest  tests[2 * PETSC_STATIC_ARRAY_LENGTH(checks)];
  Pair               pair[2 * PETSC_STATIC_ARRAY_LENGTH(checks)];
  char               name[2 * PETSC_STATIC_ARRAY_LENGTH(checks)][64];
  const size_t       n = PETSC_STATIC_ARRAY_LENGTH(tests);
  int                failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  for (size_t k = 0; k < n; k++) {
    pair[k] = (Pair){&quotients[k % 2], checks[k / 2].check};
    snprintf(name[k], sizeof(name[k]), "%s: %s", quotients[k % 2].name, checks[k / 2].name);
    tests[k] = (struct CMUnitTest){name[k], test_pair, NULL, NULL, &pair[k]};
  }
  failed = _cmocka_run_group_tests("quotient", tests, n, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
