/*
  The trivial saddle of u = sum_k c_k phi_k (Rowan, arXiv 2510.11987, and the test of the inertia): c = 0, <phi_k, f> = 0 for all k.

    H = [[Phi, B], [B^T, 0]],  Phi_kl = <phi_k, phi_l>,  B block diagonal, -<d phi_k/d(w_k, b_k), f>

  The dense exact Hessian has rank(B) negative eigenvalues: no more, as Phi >= 0; no fewer, as x = -eps B y, y in the row space
  of B, has x.Phi x + 2 x.B y < 0. Here phi_k = sin(w_k x + pi/2) is even, f = x^3 is odd, the points are symmetric, so B has one
  entry for each unit, that of b_k, and the output's bias belongs to one more even phi. ranks: 1 2 3
*/
#include "functionals.h"

#define POINTS 64

/* theta: w_k > 0, b_k = pi/2, c = 0 */
static void SetSaddle(Setting *s, PetscInt m)
{
  PetscReal *theta;
  PetscInt   begin, end;

  CHECK(VecGetOwnershipRange(s->theta, &begin, &end));
  CHECK(VecGetArrayWrite(s->theta, &theta));
  for (PetscInt j = begin; j < end; j++) theta[j - begin] = j < m ? 1 + 0.37 * j : j < 2 * m ? PETSC_PI / 2 : 0;
  CHECK(VecRestoreArrayWrite(s->theta, &theta));
  CHECK(EngdFunctionalSetParameters(s->F, s->theta));
}

/* H by the formula above with midpoints, mean over the interval: order w (m), b (m), c (m), output bias */
static PetscReal *Formula(PetscInt m)
{
  const PetscInt p = 3 * m + 1;
  PetscReal     *H;

  CHECK(PetscCalloc1(p * p, &H));
  for (PetscInt i = 0; i < POINTS; i++) {
    const PetscReal x = -1 + (2 * i + 1.0) / POINTS, f = x * x * x;

    for (PetscInt k = 0; k <= m; k++) {
      const PetscReal w = 1 + 0.37 * k, phi = k < m ? cos(w * x) : 1, slope = k < m ? -sin(w * x) : 0;

      for (PetscInt l = 0; l <= m; l++) {
        H[(2 * m + k) * p + 2 * m + l] += phi * (l < m ? cos((1 + 0.37 * l) * x) : 1) / POINTS;
      }
      if (k == m) continue;
      H[(2 * m + k) * p + k] -= slope * x * f / POINTS;
      H[(2 * m + k) * p + m + k] -= slope * f / POINTS;
    }
  }
  for (PetscInt j = 0; j < p; j++) {
    for (PetscInt i = 2 * m; i < p; i++) {
      if (j < 2 * m) H[j * p + i] = H[i * p + j];
    }
  }
  return H;
}

static void Inertia(PetscInt m)
{
  char       layers[64];
  const Case which = {"fit",
                      "-domain_lower -1 -domain_upper 1 -domain_coordinates x -network_activation sin -terms fit "
                      "-fit_sampler grid -fit_points 64 -fit_residual u-x^3",
                      PETSC_FALSE, PETSC_TRUE, PETSC_TRUE};
  PetscReal *H, *formula, *l, loss, norm;
  PetscInt   info, negative = 0, rank = 0;
  Setting    s;
  Mat        A;

  CHECK(PetscSNPrintf(layers, sizeof(layers), "-network_layers %" PetscInt_FMT, m));
  Begin(PETSC_COMM_WORLD, &which, layers, &s);
  SetSaddle(&s, m);
  CHECK(EngdFunctionalEvaluate(s.F, &loss, s.w));
  CHECK(VecNorm(s.w, NORM_INFINITY, &norm));
  assert_true(norm < 1e-15 && loss > 0.07); /* stationary, and u = 0 is far from f: <f, f>/2 = 1/14 */
  CHECK(EngdFunctionalCreateHessian(s.F, &A));
  H       = Dense(A);
  formula = Formula(m);
  CloseAll("H", s.p * s.p, H, formula, 1e-14);
  for (PetscInt k = 0; k < m; k++) rank += PetscAbsReal(formula[(m + k) * s.p + 2 * m + k]) > 1e-3;
  CHECK(PetscMalloc1(s.p, &l));
  CHECK(EngdSymmetricEigen("N", s.p, H, l, &info));
  for (PetscInt j = 0; j < s.p; j++) negative += l[j] < -1e-12 * l[s.p - 1];
  CHECK(PetscPrintf(PETSC_COMM_WORLD, "# saddle u = 0, %2d units: rank(B) %2d, negative eigenvalues %2d\n", (int)m,
                    (int)rank, (int)negative));
  assert_int_equal(rank, m);
  assert_int_equal(negative, rank);
  CHECK(PetscFree(l));
  CHECK(PetscFree(H));
  CHECK(PetscFree(formula));
  CHECK(MatDestroy(&A));
  End(&s);
}

static void TestInertia(void **state)
{
  (void)state;
  for (PetscInt m = 2; m <= 32; m *= 2) Inertia(m);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestInertia)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("saddle", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
