/*
  Truncated least squares on ranks (least_squares.c) against the SVD of the whole matrix: both sides, both kinds of right-hand
  side, cut-offs in any order, damping; with a QR of each rank's own rows and without, below and beyond the order from which on
  the truncation is a block's; columns in another order. And what it is made of: panels, stacks of triangles, the mixing.
  ranks: 1 2 3 4; errors leak
*/
#include "functionals.h"
#include <petscblaslapack.h>

/* entry (i, j): random, or of a matrix like a Jacobian, derivatives of tanh units at random points: the singular values fall
   smoothly */
static PetscReal Entry(PetscBool flat, PetscInt i, PetscInt j)
{
  const PetscReal x = EngdRandomUniform(1, 0, i, 0, 0), y = EngdRandomUniform(1, 0, i, 0, 1);
  const PetscReal v = 3 * EngdRandomNormal(1, 1, j / 3, 0, 0), w = 3 * EngdRandomNormal(1, 1, j / 3, 0, 1);
  const PetscReal t = PetscTanhReal(v * x + w * y + EngdRandomNormal(1, 1, j / 3, 0, 2));

  if (flat) return EngdRandomNormal(1, 4, i, 0, j);
  return j % 3 == 0 ? t : (1 - t * t) * (j % 3 == 1 ? x : y);
}

/* a matrix (M, n) of which this rank has m rows, the SVD of all of it, and a vector for each side */
typedef struct {
  PetscBool  flat;
  PetscInt   M, m, n, start;
  PetscReal *U, *s, *Vt; /* (M, n), (n), (n, n) */
  PetscReal *b, *w;      /* (M), (n) */
  PetscReal *c, *exact, *y;
} Case_;

static void BeginCase(PetscBool flat, PetscInt m, PetscInt n, const PetscInt order[], Case_ *a)
{
  PetscReal   *A, *work;
  PetscBLASInt M, bn, lwork, info;

  *a = (Case_){.flat = flat, .m = m, .n = n};
  (void)MPI_Allreduce(&m, &a->M, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD);
  (void)MPI_Exscan(&m, &a->start, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD);
  lwork = 40 * (PetscBLASInt)(a->M + n);
  CHECK(PetscMalloc2(a->M * n, &A, lwork, &work));
  CHECK(PetscMalloc1(a->M * n, &a->U));
  CHECK(PetscMalloc7(n, &a->s, n * n, &a->Vt, a->M, &a->b, n, &a->w, a->M, &a->c, a->M, &a->exact, a->M, &a->y));
  for (PetscInt j = 0; j < n; j++)
    for (PetscInt i = 0; i < a->M; i++) A[j * a->M + i] = Entry(flat, i, order ? order[j] : j);
  for (PetscInt i = 0; i < a->M; i++) a->b[i] = EngdRandomNormal(1, 2, i, 0, 0);
  for (PetscInt j = 0; j < n; j++) a->w[j] = EngdRandomNormal(1, 3, order ? order[j] : j, 0, 0);
  M  = (PetscBLASInt)a->M;
  bn = (PetscBLASInt)n;
  LAPACKgesvd_("S", "S", &M, &bn, A, &M, a->s, a->U, &M, a->Vt, &bn, work, &lwork, &info);
  assert_int_equal(info, 0);
  CHECK(PetscFree2(A, work));
}

static void EndCase(Case_ *a)
{
  CHECK(PetscFree(a->U));
  CHECK(PetscFree7(a->s, a->Vt, a->b, a->w, a->c, a->exact, a->y));
}

/* exact = what leads from one side to the other with f(s) in place of s: 1/s or 1/s^2 above the cut-off, or s/(s^2 + mu s_1^2) */
static void Exact(Case_ *a, EngdSide from, EngdSide to, PetscReal cutoff, PetscReal mu)
{
  const PetscInt length = to == ENGD_LEFT ? a->m : a->n;

  for (PetscInt k = 0; k < a->n; k++) {
    const PetscReal s = a->s[k];

    a->c[k] = 0;
    for (PetscInt i = 0; from == ENGD_LEFT && i < a->M; i++) a->c[k] += a->U[k * a->M + i] * a->b[i];
    for (PetscInt j = 0; from == ENGD_RIGHT && j < a->n; j++) a->c[k] += a->Vt[j * a->n + k] * a->w[j];
    if (mu > 0)
      a->c[k] *= s / (s * s + mu * a->s[0] * a->s[0]);
    else
      a->c[k] *= s > cutoff * a->s[0] ? (from == to ? 1 / (s * s) : 1 / s) : 0;
  }
  for (PetscInt i = 0; i < length; i++) {
    a->exact[i] = 0;
    for (PetscInt k = 0; k < a->n; k++)
      a->exact[i] += a->c[k] * (to == ENGD_LEFT ? a->U[k * a->M + a->start + i] : a->Vt[i * a->n + k]);
  }
}

/* the largest difference on all ranks, in units of the largest entry */
static PetscReal Difference(Case_ *a, EngdSide side)
{
  PetscReal most[2] = {0, 0};

  for (PetscInt i = 0; i < (side == ENGD_LEFT ? a->m : a->n); i++) {
    most[0] = PetscMax(most[0], PetscAbsReal(a->y[i] - a->exact[i]));
    most[1] = PetscMax(most[1], PetscAbsReal(a->exact[i]));
  }
  (void)MPI_Allreduce(MPI_IN_PLACE, most, 2, MPIU_REAL, MPI_MAX, PETSC_COMM_WORLD);
  return most[0] / most[1];
}

/* rows of this rank: many, few and uneven, all on the first and none on others */
static PetscInt Rows(size_t how, PetscInt n)
{
  PetscMPIInt rank, size;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  return how == 0 ? n + 3 * rank : how == 1 ? n / size + 5 + rank : rank ? (rank % 2 ? 0 : 2) : n + 1;
}

static void Fill(EngdLeastSquares ls, const Case_ *a, const PetscInt order[])
{
  PetscInt   lda;
  PetscReal *A;

  CHECK(EngdLeastSquaresGetArray(ls, &lda, &A));
  for (PetscInt j = 0; j < a->n; j++)
    for (PetscInt i = 0; i < a->m; i++) A[j * lda + i] = Entry(a->flat, a->start + i, order ? order[j] : j);
  CHECK(EngdLeastSquaresFactor(ls));
}

static void Agrees(Case_ *a, EngdSide side, PetscReal tolerance, const char what[], PetscReal value)
{
  const PetscReal difference = Difference(a, side);

  if (!(difference <= tolerance))
    fail_msg("%d columns, %d rows, %s %g: differs by %g", (int)a->n, (int)a->M, what, (double)value,
             (double)difference);
}

/* with all right-hand sides and on both sides; up to order 96 the truncation is that of the SVD, beyond it is as good only where
   singular values fall; with the flat ones none is below the cut-offs, and all but the first QR is left out */
static void TestCutoffs(void **state)
{
  const PetscInt  columns[] = {1, 2, 40, 96, 150, 230, 520};
  const PetscReal cutoff[]  = {1e-9, 1e-3, 1e-6, 0.5, 1e-9, 1e-1};

  (void)state;
  for (size_t c = 0; c < 6 * PETSC_STATIC_ARRAY_LENGTH(columns); c++) {
    const PetscInt   n = columns[c / 6];
    EngdLeastSquares ls;
    Case_            a;

    if (n > 500 && c % 6 != 2) continue; /* the first that ranks share; the oracle is slow */
    BeginCase((PetscBool)(c % 2), Rows(c / 2 % 3, n), n, NULL, &a);
    CHECK(EngdLeastSquaresCreate(PETSC_COMM_WORLD, a.m, n, NULL, 1e-9, &ls));
    Fill(ls, &a, NULL);
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(cutoff); k++) {
      for (int sides = 0; sides < 4; sides++) {
        const EngdSide  from = sides / 2 ? ENGD_RIGHT : ENGD_LEFT, to = sides % 2 ? ENGD_RIGHT : ENGD_LEFT;
        const PetscReal rounding = from == to ? 2e-13 / PetscSqr(cutoff[k]) : 2e-13 / cutoff[k];

        if ((from == to && cutoff[k] < 1e-5) || (a.flat && cutoff[k] > 1e-6)) continue;
        CHECK(EngdLeastSquaresSetRightHandSide(ls, from, from == ENGD_LEFT ? a.b + a.start : a.w));
        CHECK(EngdLeastSquaresSolve(ls, cutoff[k], to, a.y));
        Exact(&a, from, to, cutoff[k], 0);
        Agrees(&a, to, rounding + (n <= 96 || a.flat ? 0 : n > 500 ? 2e-2 : 5e-3), "cut-off", cutoff[k]);
      }
    }
    CHECK(EngdLeastSquaresDestroy(&ls));
    EndCase(&a);
  }
}

/* before cut-offs and after them; both sides */
static void TestDamping(void **state)
{
  const PetscReal mu[] = {1e-4, 1e-8, 1};

  (void)state;
  for (size_t c = 0; c < 6; c++) {
    const PetscInt   n = c / 3 ? 150 : 40;
    EngdLeastSquares ls;
    Case_            a;

    BeginCase(PETSC_FALSE, Rows(c % 3, n), n, NULL, &a);
    CHECK(EngdLeastSquaresCreate(PETSC_COMM_WORLD, a.m, n, NULL, 1e-9, &ls));
    Fill(ls, &a, NULL);
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(mu); k++) {
      for (EngdSide to = ENGD_LEFT; to <= ENGD_RIGHT; to++) {
        const EngdSide from = to == ENGD_LEFT ? ENGD_RIGHT : ENGD_LEFT;

        CHECK(EngdLeastSquaresSolveDamped(ls, mu[k], from, from == ENGD_LEFT ? a.b + a.start : a.w, a.y));
        Exact(&a, from, to, 0, mu[k]);
        Agrees(&a, to, 1e-4, "mu", mu[k]); /* as the largest singular value is known */
      }
      if (k) continue;
      CHECK(EngdLeastSquaresSetRightHandSide(ls, ENGD_LEFT, a.b));
      CHECK(EngdLeastSquaresSolve(ls, 1e-6, ENGD_RIGHT, a.y));
    }
    CHECK(EngdLeastSquaresDestroy(&ls));
    EndCase(&a);
  }
}

/* columns that stand elsewhere, but are said to be the same, give the same solution to rounding, on few ranks and on many */
static void TestOrder(void **state)
{
  const PetscInt n = 150, M = 200;
  PetscMPIInt    rank, size;
  PetscInt       order[150], inverse[150];
  PetscReal      first[150];

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (PetscInt j = 0; j < n; j++) order[j] = (37 * j + 5) % n;
  for (PetscInt j = 0; j < n; j++) inverse[order[j]] = j;
  for (int k = 0; k < 2; k++) {
    EngdLeastSquares ls;
    Case_            a;

    BeginCase(PETSC_FALSE, k ? M / size + (rank < M % size) : rank ? 0 : M, n, k ? order : NULL, &a);
    CHECK(EngdLeastSquaresCreate(PETSC_COMM_WORLD, a.m, n, k ? inverse : NULL, 1e-9, &ls));
    Fill(ls, &a, k ? order : NULL);
    for (PetscInt i = 0; i < a.M; i++) a.b[i] = PetscSinReal((PetscReal)i);
    CHECK(EngdLeastSquaresSetRightHandSide(ls, ENGD_LEFT, a.b + a.start));
    CHECK(EngdLeastSquaresSolve(ls, 1e-3, ENGD_RIGHT, a.y));
    for (PetscInt j = 0; j < n; j++) {
      if (k)
        a.exact[j] = first[order[j]];
      else
        first[j] = a.y[j];
    }
    if (k) Agrees(&a, ENGD_RIGHT, 1e-9, "order", 0);
    CHECK(EngdLeastSquaresDestroy(&ls));
    EndCase(&a);
  }
}

/* zero, and no columns */
static void TestNothing(void **state)
{
  (void)state;
  for (PetscInt n = 0; n <= 140; n += 70) {
    EngdLeastSquares ls;
    PetscInt         lda, m = 70;
    PetscReal       *A, y[140], b[140] = {1};

    m = n;
    CHECK(EngdLeastSquaresCreate(PETSC_COMM_WORLD, m, n, NULL, 1e-9, &ls));
    CHECK(EngdLeastSquaresGetArray(ls, &lda, &A));
    CHECK(PetscArrayzero(A, m * n));
    CHECK(EngdLeastSquaresFactor(ls));
    CHECK(EngdLeastSquaresSetRightHandSide(ls, ENGD_LEFT, b));
    CHECK(EngdLeastSquaresSolve(ls, 1e-9, ENGD_RIGHT, y));
    for (PetscInt j = 0; j < n; j++) assert_true(y[j] == 0);
    CHECK(EngdLeastSquaresDestroy(&ls));
  }
}

/* Q T e_j = A e_j and T^T, T^{-1}, A^T = Q' T' on all ranks; of a stack of triangles, too */
static void TestPanels(void **state)
{
  PetscMPIInt rank, size;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (int c = 0; c < 4; c++) {
    const PetscInt  n     = c % 2 ? 200 : 70;
    const PetscBool stack = (PetscBool)(c / 2 && size > 1);
    const PetscInt  mine = stack ? n : n / size + 3 + rank, m = stack ? size * n : 0;
    PetscInt        M = 0, start = 0;
    PetscReal      *rows, *x, *y, *z, *a;
    PetscMPIInt     count[8], local = (PetscMPIInt)mine;
    EngdPanels      q, t;

    CHECK(MPI_Allgather(&local, 1, MPI_INT, count, 1, MPI_INT, PETSC_COMM_WORLD));
    for (PetscMPIInt r = 0; r < size; r++) M += count[r];
    for (PetscMPIInt r = 0; r < rank; r++) start += count[r];
    assert_true(!stack || M == m);
    CHECK(PetscMalloc4(mine * n, &rows, M, &x, M, &y, M, &z));
    for (PetscInt j = 0; j < n; j++)
      for (PetscInt i = 0; i < mine; i++)
        rows[j * mine + i] = stack && i > j ? 0 : EngdRandomNormal(1, 6, start + i, 0, j) + 3 * (i == j);
    CHECK(EngdPanelsCreate(PETSC_COMM_WORLD, &q));
    CHECK(EngdPanelsCreate(PETSC_COMM_WORLD, &t));
    CHECK(EngdPanelsSetSizes(q, M, n, stack ? size : 1));
    CHECK(EngdPanelsDeal(q, PETSC_COMM_WORLD, size, n, count, stack, mine, rows));
    CHECK(EngdPanelsFactor(q));
    CHECK(EngdPanelsTranspose(q, n - 5, t));
    for (PetscInt j = 0; j < n; j += 23) {
      for (PetscInt i = 0; i < M; i++) x[i] = i == j;
      CHECK(EngdPanelsMult(q, "N", n, 0, n, x, y));
      for (PetscInt i = n; i < M; i++) y[i] = 0;
      CHECK(PetscArraycpy(z, y, M));
      CHECK(EngdPanelsSolve(q, "N", n, z));
      CloseAll("T^{-1} T", (size_t)n, z, x, 1e-9);
      CHECK(EngdPanelsMult(q, "T", n, 0, n, x, z));
      CHECK(EngdPanelsSolve(q, "T", n, z));
      CloseAll("T^{-T} T^T", (size_t)n, z, x, 1e-9);
      CHECK(EngdPanelsApply(q, "N", y));
      for (PetscInt i = 0; i < mine; i++) {
        const PetscInt at = stack ? EngdPanelsStackRow(n, size, rank, i) : start + i;

        Close("Q T", y[at], rows[j * mine + i], 1e-11);
      }
      CHECK(EngdPanelsApply(q, "T", y));
      CHECK(EngdPanelsMult(q, "N", n, 0, n, x, z));
      CloseAll("Q^T Q T", (size_t)n, y, z, 1e-12);
    }
    CHECK(EngdPanelsRowSquares(q, z));
    for (PetscInt i = 0; i < n - 5; i += 31) { /* row i of T is column i of its transpose, before that is factored */
      PetscReal most = 0;

      CHECK(EngdPanelsGetColumn(t, i, &a));
      for (PetscInt j = 0; a && j < n; j++) most += PetscSqr(a[j]);
      (void)MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPIU_REAL, MPI_SUM, PETSC_COMM_WORLD);
      Close("transpose", most, z[i], 1e-10 * z[i]);
      for (PetscInt j = 0; a && j < i; j++) assert_true(a[j] == 0);
    }
    CHECK(EngdPanelsDestroy(&q));
    CHECK(EngdPanelsDestroy(&t));
    CHECK(PetscFree4(rows, x, y, z));
  }
}

/* symmetric, with small numbers on the diagonal: no factorisation without pivots */
static PetscReal Indefinite(PetscInt i, PetscInt j)
{
  return i == j ? 1e-12 : EngdRandomNormal(1, 6, PetscMax(i, j), 0, PetscMin(i, j));
}

/* LU of that solves with it; with a column of zeros it says which one, on all ranks */
static void CompareLU(EngdPanels q, PetscInt n, const PetscMPIInt count[], PetscReal rows[], PetscReal x[],
                      const PetscReal exact[])
{
  PetscMPIInt rank, size, first = 0;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (PetscMPIInt r = 0; r < rank; r++) first += count[r];
  for (PetscInt singular = 0; singular < 2; singular++) {
    PetscInt pivot;

    for (PetscInt j = 0; j < n; j++) {
      for (PetscInt i = 0; i < count[rank]; i++)
        rows[j * count[rank] + i] = singular && j == n / 2 ? 0 : Indefinite(first + i, j);
      x[j] = 0;
      for (PetscInt i = 0; i < n; i++) x[j] += Indefinite(j, i) * exact[i];
    }
    CHECK(EngdPanelsDeal(q, PETSC_COMM_WORLD, size, n, count, PETSC_FALSE, count[rank], rows));
    CHECK(EngdPanelsLU(q, &pivot));
    assert_int_equal(pivot, singular ? n / 2 + 1 : 0);
    if (singular) continue;
    CHECK(EngdPanelsLUSolve(q, x));
    CloseAll("LU", (size_t)n, x, exact, 1e-10);
  }
}

/* A = L L^T, dealt from rows, is solved with; a matrix with a negative eigenvalue is found out by all ranks, and solved with by LU;
   one with a column of zeros is found out by that */
static void TestCholesky(void **state)
{
  const PetscInt orders[] = {3, 64, 150, 300};
  PetscMPIInt    rank, size;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (size_t c = 0; c < 2 * PETSC_STATIC_ARRAY_LENGTH(orders); c++) {
    const PetscInt  n    = orders[c / 2];
    const PetscBool good = (PetscBool)(c % 2);
    PetscReal      *rows, *x, *exact;
    PetscMPIInt     count[8], first = 0;
    PetscBool       done;
    EngdPanels      q;

    for (PetscMPIInt r = 0; r < size; r++) count[r] = (PetscMPIInt)(n / size + (r < n % size));
    for (PetscMPIInt r = 0; r < rank; r++) first += count[r];
    CHECK(PetscMalloc3(count[rank] * n, &rows, n, &x, n, &exact));
    for (PetscInt j = 0; j < n; j++) {
      exact[j] = EngdRandomNormal(1, 5, j, 0, 0);
      for (PetscInt i = 0; i < count[rank]; i++)
        rows[j * count[rank] + i] =
            PetscExpReal(-0.05 * (PetscReal)PetscAbsInt(first + i - j)) + 0.5 * (first + i == j);
      if (!good && j == n - 1 && rank == size - 1 && count[rank]) rows[j * count[rank] + count[rank] - 1] = -1;
    }
    for (PetscInt i = 0; i < n; i++) {
      x[i] = 0;
      for (PetscInt j = 0; j < n; j++)
        x[i] += (PetscExpReal(-0.05 * (PetscReal)PetscAbsInt(i - j)) + 0.5 * (i == j)) * exact[j];
    }
    CHECK(EngdPanelsCreate(PETSC_COMM_WORLD, &q));
    CHECK(EngdPanelsSetSizes(q, n, n, 1));
    CHECK(EngdPanelsDeal(q, PETSC_COMM_WORLD, size, n, count, PETSC_FALSE, count[rank], rows));
    CHECK(EngdPanelsCholesky(q, &done));
    assert_true(done == (good || n < size)); /* with more ranks than rows the last rank has none to spoil */
    if (good) {
      CHECK(EngdPanelsCholeskySolve(q, x));
      CloseAll("Cholesky", (size_t)n, x, exact, 1e-12);
    }
    if (!good) CompareLU(q, n, count, rows, x, exact);
    CHECK(EngdPanelsDestroy(&q));
    CHECK(PetscFree3(rows, x, exact));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestCutoffs), cmocka_unit_test(TestDamping),  cmocka_unit_test(TestOrder),
      cmocka_unit_test(TestNothing), cmocka_unit_test(TestCholesky), cmocka_unit_test(TestPanels),
  };
  int failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("least squares", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
