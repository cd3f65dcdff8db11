/*
  Products of G, J and J^T with several vectors at once: each column as the product with that column alone, for all problems
  and all curvatures, with blocks of few points, and with more vectors than fit at a time.
  ranks: 1 2 3 4
*/
#include "functionals.h"

#define COLUMNS 11

/* largest[0] is raised to the entries of this rank of y, largest[1] to those of y - c */
static void Measure(Vec y, Vec c, PetscReal largest[2])
{
  const PetscReal *is, *other;
  PetscInt         n;

  CHECK(VecGetLocalSize(y, &n));
  CHECK(VecGetArrayRead(y, &is));
  CHECK(VecGetArrayRead(c, &other));
  for (PetscInt i = 0; i < n; i++) {
    Raise(&largest[0], PetscAbsReal(is[i]));
    Raise(&largest[1], PetscAbsReal(is[i] - other[i]));
  }
  CHECK(VecRestoreArrayRead(c, &other));
  CHECK(VecRestoreArrayRead(y, &is));
}

/* C = op(A) B for random B, against op(A) b for each column b; the same again into C */
static void Compare(const char what[], Mat A, PetscBool transpose, PetscReal tolerance)
{
  PetscReal here[2] = {0, 0}, largest, difference;
  PetscInt  in, out;
  Mat       B, C;
  Vec       b, c, x, y;

  CHECK(MatGetLocalSize(A, transpose ? &in : &out, transpose ? &out : &in));
  CHECK(MatCreateDense(PETSC_COMM_WORLD, in, PETSC_DECIDE, PETSC_DETERMINE, COLUMNS, NULL, &B));
  CHECK(MatCreateVecs(A, transpose ? &y : &x, transpose ? &x : &y));
  for (PetscInt j = 0; j < COLUMNS; j++) {
    CHECK(MatDenseGetColumnVecWrite(B, j, &b));
    FillRandom(b, j);
    CHECK(MatDenseRestoreColumnVecWrite(B, j, &b));
  }
  for (PetscInt again = 0; again < 2; again++) {
    const MatReuse reuse = again ? MAT_REUSE_MATRIX : MAT_INITIAL_MATRIX;

    if (transpose)
      CHECK(MatTransposeMatMult(A, B, reuse, PETSC_DEFAULT, &C));
    else
      CHECK(MatMatMult(A, B, reuse, PETSC_DEFAULT, &C));
    for (PetscInt j = 0; j < COLUMNS; j++) {
      CHECK(MatDenseGetColumnVecRead(B, j, &b));
      CHECK(VecCopy(b, x));
      CHECK(MatDenseRestoreColumnVecRead(B, j, &b));
      CHECK(transpose ? MatMultTranspose(A, x, y) : MatMult(A, x, y));
      CHECK(MatDenseGetColumnVecRead(C, j, &c));
      Measure(y, c, here);
      CHECK(MatDenseRestoreColumnVecRead(C, j, &c));
    }
    CHECK(MatScale(B, -2)); /* and so that stale results would show */
  }
  largest    = Largest(here[0]);
  difference = Largest(here[1]);
  if (!(difference <= tolerance * largest) || largest == 0)
    fail_msg("%s: differ by %g of %g", what, (double)difference, (double)largest);
  CHECK(VecDestroy(&x));
  CHECK(VecDestroy(&y));
  CHECK(MatDestroy(&B));
  CHECK(MatDestroy(&C));
}

/* where there is no room for rows: column by column */
static void OneByOne(void **state)
{
  Setting s;
  Mat     A;

  (void)state;
  for (PetscInt k = 0; k < 3; k++) {
    Begin(PETSC_COMM_WORLD, &cases[0], "-network_layers 40,40 -engd_memory_limit 1", &s);
    CHECK(k ? EngdFunctionalCreateJacobian(s.F, &A) : EngdFunctionalCreateGramian(s.F, &A));
    Compare("one by one", A, (PetscBool)(k == 2), 0);
    assert_null(s.F->matmat);
    CHECK(MatDestroy(&A));
    End(&s);
  }
}

/* with the default blocks; with blocks of 3 points and memory for 8 vectors at a time, jets recomputed */
static const char *const sizes[] = {"", "-engd_block_points 3 -engd_memory_limit 100"};

static void Gramian(const Case *which)
{
  const char *const curvature[] = {"gauss_newton", "energy", "l2", "h1"};

  for (size_t k = 0; k < 8; k++) {
    char    options[256];
    Setting s;
    Mat     G;

    CHECK(PetscSNPrintf(options, sizeof(options), "%s -tao_engd_curvature %s", sizes[k / 4], curvature[k % 4]));
    Begin(PETSC_COMM_WORLD, which, options, &s);
    CHECK(EngdFunctionalCreateGramian(s.F, &G));
    CHECK(EngdGramianSetDamping(G, 0.5));
    Compare(options, G, PETSC_FALSE, 1e-12);
    CHECK(MatDestroy(&G));
    End(&s);
  }
}

static void Jacobian(const Case *which)
{
  for (size_t k = 0; k < 4; k++) {
    Setting s;
    Mat     J;

    Begin(PETSC_COMM_WORLD, which, sizes[k / 2], &s);
    CHECK(EngdFunctionalCreateJacobian(s.F, &J));
    Compare(k % 2 ? "J^T" : "J", J, (PetscBool)(k % 2), 1e-12);
    CHECK(MatDestroy(&J));
    End(&s);
  }
}

int main(int argc, char **argv)
{
  const Check             checks[] = {{"Gramian", Gramian, PETSC_FALSE}, {"Jacobian", Jacobian, PETSC_TRUE}};
  const struct CMUnitTest extra[]  = {cmocka_unit_test(OneByOne)};
  int                     failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failures = RunChecks("matmatmult", PETSC_STATIC_ARRAY_LENGTH(checks), checks, 1, extra);
  return EngdFinalize() || failures;
}
