/*
  Whole copies of spread vectors: on each rank, in memory that ranks share, and on "nodes" of which the ranks of each do not stand side
  by side; sums; a functional that shares its copies against one that does not, for all problems; what the copies take.
  ranks: 1 2 3 4
*/
#include "functionals.h"

/* entry j of the k-th vector */
static PetscReal Entry(PetscInt j, PetscInt k)
{
  return (PetscReal)((7919 * (PetscInt64)j + 104729 * (PetscInt64)k) % 65537) / 65537;
}

/* copies of vectors with n entries on this rank, one after the other in the same memory, and a sum, are those of loops */
static void CopiesOf(MPI_Comm node, PetscInt nvectors, PetscInt n)
{
  PetscMPIInt rank, size;
  PetscInt    start, p;
  PetscReal  *mine, *sum, difference = 0;
  EngdWhole   whole;

  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  CHECK(MPI_Scan(&n, &start, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD));
  start -= n;
  CHECK(MPI_Allreduce(&n, &p, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD));
  CHECK(PetscMalloc2(n, &mine, p, &sum));
  CHECK(EngdWholeCreate(PETSC_COMM_WORLD, node, n, &whole));
  for (PetscInt k = 0; k < nvectors; k++) {
    for (PetscInt j = 0; j < n; j++) mine[j] = Entry(start + j, k);
    CHECK(EngdWholeGather(whole, mine));
    for (PetscInt j = 0; j < p; j++) difference += EngdWholeArray(whole)[j] != Entry(j, k);
  }
  for (PetscInt j = 0; j < p; j++) sum[j] = Entry(j, rank);
  CHECK(EngdWholeReduce(whole, sum, mine));
  for (PetscInt j = 0; j < n; j++) {
    PetscReal all = 0;

    for (PetscInt r = 0; r < size; r++) all += Entry(start + j, r);
    difference += PetscAbsReal(mine[j] - all) > 1e-14;
  }
  CHECK(EngdWholeDestroy(&whole));
  CHECK(PetscFree2(mine, sum));
  Close("entries that are wrong", Largest(difference), 0, 0);
}

static void TestCopies(void **state)
{
  PetscMPIInt rank, size;
  MPI_Comm    node, mixed;

  (void)state;
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  CHECK(MPI_Comm_split_type(PETSC_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  CHECK(MPI_Comm_split(PETSC_COMM_WORLD, rank % 2, -rank, &mixed));
  for (PetscInt k = 0; k < 3; k++) {
    const MPI_Comm kind[] = {MPI_COMM_NULL, node, mixed};

    CopiesOf(kind[k], 20, 5 + 3 * rank);
    CopiesOf(kind[k], 20, rank == size - 1 ? 7 : 0); /* ranks without entries */
    if (!k) CopiesOf(kind[k], 1, 100003);            /* a sum that goes part by part */
  }
  CHECK(MPI_Comm_free(&mixed));
  CHECK(MPI_Comm_free(&node));
}

/* the loss, losses along v, the gradient and G v at theta and at another theta */
static void Results(Setting *s, PetscReal losses[8], PetscReal *vectors)
{
  const PetscReal steps[] = {0, 0.5, 0.25};
  Mat             G;

  CHECK(EngdFunctionalCreateGramian(s->F, &G));
  for (PetscInt k = 0; k < 2; k++) {
    Vec gradient, product;

    CHECK(VecDuplicate(s->theta, &gradient));
    CHECK(VecDuplicate(s->theta, &product));
    CHECK(EngdFunctionalSetParameters(s->F, s->theta));
    CHECK(EngdFunctionalEvaluate(s->F, &losses[4 * k], gradient));
    CHECK(EngdFunctionalLossAlong(s->F, s->theta, s->v, 3, steps, losses + 4 * k + 1));
    CHECK(MatMult(G, s->v, product));
    Whole(gradient, vectors + 2 * k * s->p);
    Whole(product, vectors + (2 * k + 1) * s->p);
    CHECK(VecDestroy(&gradient));
    CHECK(VecDestroy(&product));
    CHECK(VecAXPY(s->theta, 0.1, s->w));
  }
  CHECK(MatDestroy(&G));
}

/* the functional laid out anew, with copies that the ranks share */
static void Share(Setting *s)
{
  EngdMemory  before, after;
  PetscMPIInt size;

  CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  CHECK(EngdFunctionalGetMemory(s->F, &before));
  s->F->options.share_from = 0;
  CHECK(EngdFunctionalLayOut(s->F));
  CHECK(EngdFunctionalSetParameters(s->F, s->theta));
  CHECK(EngdFunctionalGetMemory(s->F, &after));
  Close("bytes of copies on each rank", before.vectors, 24. * s->p, 0);
  Close("bytes of copies that are shared", after.vectors, (8 + 16. / size) * s->p, 1e-9 * before.vectors);
}

/* nothing but where the copies are is another, so that the results are the same to the last bit */
static void Functional(const Case *which)
{
  PetscReal losses[2][8], *vectors[2];

  for (PetscInt shared = 0; shared < 2; shared++) {
    Setting s;

    Begin(PETSC_COMM_WORLD, which, "", &s);
    if (shared) Share(&s);
    CHECK(PetscMalloc1(4 * s.p, &vectors[shared]));
    Results(&s, losses[shared], vectors[shared]);
    if (shared) CloseAll("losses", 8, losses[1], losses[0], 0);
    if (shared) CloseAll("gradients and products", 4 * s.p, vectors[1], vectors[0], 0);
    End(&s);
  }
  CHECK(PetscFree(vectors[0]));
  CHECK(PetscFree(vectors[1]));
}

int main(int argc, char **argv)
{
  const Check             checks[] = {{"shared copies", Functional, PETSC_FALSE}};
  const struct CMUnitTest extra[]  = {cmocka_unit_test(TestCopies)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = RunChecks("whole", 1, checks, 1, extra);
  return EngdFinalize() ? 1 : failed;
}
