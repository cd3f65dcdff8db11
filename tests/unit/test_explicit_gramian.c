/*
  Diagonal blocks of the Gramian and of the exact Hessian written out, for all problems and all curvatures: against the
  products column by column, and averaged. The diagonal against MatGetDiagonal().
  ranks: 1 2 3 4
*/
#include "functionals.h"

/* expected (n, n): block b of G without damping, or a diagonal entry */
static void Expected(const Setting *s, const PetscReal G[], const PetscReal diagonal[],
                     const EngdDiagonalBlocks *blocks, PetscInt b, PetscReal expected[])
{
  const PetscInt first = blocks->start[b], n = blocks->start[b + 1] - first;

  for (PetscInt j = 0; j < n; j++) {
    for (PetscInt i = 0; i < n; i++) expected[ENGD_COUNT(j, n) + i] = G[ENGD_COUNT(first + j, s->p) + first + i];
  }
  if (blocks->n == s->p && diagonal) expected[0] = diagonal[b];
}

/* A on rank 0 is `scale` times the blocks, in the upper triangles */
static void CompareBlocks(const Setting *s, const PetscReal G[], const PetscReal diagonal[],
                          const EngdDiagonalBlocks *blocks, PetscReal scale, const PetscReal A[])
{
  PetscReal   most[2] = {0, 0}, *expected;
  PetscMPIInt rank;

  CHECK(PetscMalloc1(ENGD_COUNT(blocks->largest, blocks->largest), &expected));
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  for (PetscInt b = 0; b < blocks->n && !rank; b++) {
    const PetscInt n = blocks->start[b + 1] - blocks->start[b];

    Expected(s, G, diagonal, blocks, b, expected);
    for (PetscInt j = 0; j < n; j++) {
      for (PetscInt i = 0; i <= j; i++) {
        const PetscReal e = scale * expected[ENGD_COUNT(j, n) + i];
        const PetscReal d = PetscAbsReal(A[blocks->at[b] + ENGD_COUNT(j, n) + i] - e);

        Raise(&most[0], d);
        most[1] = PetscMax(most[1], PetscAbsReal(e));
      }
    }
  }
  CHECK(MPI_Bcast(most, 2, MPIU_REAL, 0, PETSC_COMM_WORLD));
  if (!(most[0] <= 1e-12 * most[1]) || most[1] == 0)
    fail_msg("%" PetscInt_FMT " blocks: differ by %g of %g", blocks->n, (double)most[0], (double)most[1]);
  CHECK(PetscFree(expected));
}

/* new ones over numbers that are not, then an average with three times the same */
static void Compare(Setting *s, Mat G, const PetscReal dense[], const PetscReal diagonal[], EngdStructure structure)
{
  EngdDiagonalBlocks blocks;
  PetscReal         *A, damping;

  CHECK(EngdDiagonalBlocksCreate(s->F->model, structure, &blocks));
  CHECK(PetscMalloc1(blocks.at[blocks.n], &A));
  for (size_t i = 0; i < blocks.at[blocks.n]; i++) A[i] = NAN;
  CHECK(EngdExplicitGramian(G, &blocks, 0, A, NULL));
  CompareBlocks(s, dense, diagonal, &blocks, 1, A);
  for (size_t i = 0; i < blocks.at[blocks.n]; i++) A[i] *= 3;
  CHECK(EngdExplicitGramian(G, &blocks, 0.25, A, NULL));
  CompareBlocks(s, dense, diagonal, &blocks, 1.5, A);
  CHECK(EngdGramianGetDamping(G, &damping));
  Close("damping", damping, 0.5, 0);
  CHECK(PetscFree(A));
  CHECK(EngdDiagonalBlocksDestroy(&blocks));
}

/* with the default blocks of points, and with blocks of 3 points, jets recomputed */
static const char *const sizes[] = {"", "-engd_block_points 3 -engd_memory_limit 100"};

static void Gramian(const Case *which)
{
  const char *const curvature[] = {"gauss_newton", "energy", "l2", "h1", "hessian"};

  for (size_t k = 0; k < 10; k++) {
    const PetscBool hessian = (PetscBool)(k % 5 == 4);
    PetscReal      *dense, *diagonal = NULL;
    char            options[256];
    Setting         s;
    Mat             G;

    CHECK(PetscSNPrintf(options, sizeof(options), "%s -tao_engd_curvature %s", sizes[k / 5], curvature[k % 5]));
    Begin(PETSC_COMM_WORLD, which, options, &s);
    CHECK(hessian ? EngdFunctionalCreateHessian(s.F, &G) : EngdFunctionalCreateGramian(s.F, &G));
    dense = Dense(G);
    CHECK(PetscMalloc1(s.p, &diagonal));
    if (!hessian) {
      CHECK(MatGetDiagonal(G, s.v));
      Whole(s.v, diagonal);
    }
    CHECK(EngdGramianSetDamping(G, 0.5));
    for (PetscInt structure = 0; structure < 3; structure++)
      Compare(&s, G, dense, hessian ? NULL : diagonal, (EngdStructure)structure);
    CHECK(PetscFree(dense));
    CHECK(PetscFree(diagonal));
    CHECK(MatDestroy(&G));
    End(&s);
  }
}

int main(int argc, char **argv)
{
  const Check checks[] = {{"Gramian", Gramian, PETSC_FALSE}};
  int         failures;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failures = RunChecks("explicit_gramian", PETSC_STATIC_ARRAY_LENGTH(checks), checks, 0, NULL);
  return EngdFinalize() || failures;
}
