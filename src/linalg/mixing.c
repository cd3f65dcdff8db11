/*
  A random orthogonal matrix V (n, n) that is quick to multiply with: x -> x V makes columns alike, so that a QR without pivots
  finds the leading directions of a matrix, whatever the order of its columns.

    V = P_1 D_1 H P_2 D_2 H,   P permutations, D signs, H Walsh-Hadamard transforms of orders 2^k that add up to n

  Both rounds leave no column by itself, the second one those that the first had in a transform of order one.
  References: Demmel, Dumitriu, Holtz, Numer. Math. 108 (2007), URV by random orthogonal matrices; Tropp, Adv. Adapt. Data Anal.
  3 (2011), for Hadamard's. V is a function of n alone.
*/
#include <engd/private.h>

#define ROUNDS 2
#define ROWS   16 /* at once: n of them stay in the cache */

struct _n_EngdMixing {
  PetscInt  n;
  PetscInt *from[ROUNDS]; /* [n] which column comes to this one */
  PetscReal
      *sign[ROUNDS]; /* [n] and what it is multiplied with: a sign over the root of the order of the transform */
  PetscReal *x, *y;  /* (ROWS, n) */
};

/* the largest power of two that is not above n */
static PetscInt Power(PetscInt n)
{
  PetscInt power = 1;

  while (2 * power <= n) power *= 2;
  return power;
}

PetscErrorCode EngdMixingCreate(PetscInt n, const PetscInt order[], EngdMixing *out)
{
  EngdMixing v;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&v));
  v->n = n;
  PetscCall(
      PetscMalloc6(n, &v->from[0], n, &v->from[1], n, &v->sign[0], n, &v->sign[1], ROWS * n, &v->x, ROWS * n, &v->y));
  for (PetscInt round = 0; round < ROUNDS; round++) {
    for (PetscInt i = 0; i < n; i++) v->from[round][i] = i;
    for (PetscInt i = n - 1; i > 0; i--) {
      const PetscInt other = (PetscInt)(EngdRandomBits(0, ENGD_STREAM_SKETCH, i, round, 0) % (unsigned)(i + 1));
      const PetscInt kept  = v->from[round][i];

      v->from[round][i]     = v->from[round][other];
      v->from[round][other] = kept;
    }
    for (PetscInt begin = 0, length; begin < n; begin += length) {
      length = Power(n - begin);
      for (PetscInt i = begin; i < begin + length; i++) {
        v->sign[round][i] =
            (EngdRandomBits(0, ENGD_STREAM_SKETCH, i, round, 1) & 1 ? 1 : -1) / PetscSqrtReal((PetscReal)length);
      }
    }
  }
  for (PetscInt i = 0; i < n && order; i++) v->from[0][i] = order[v->from[0][i]];
  *out = v;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (ROWS, n) <- Hadamard transforms of its columns, without their scale */
static void Transform(PetscInt n, PetscReal x[])
{
  for (PetscInt begin = 0, length; begin < n; begin += length) {
    length = Power(n - begin);
    for (PetscInt half = 1; half < length; half *= 2) {
      for (PetscInt i = begin; i < begin + length; i += 2 * half) {
        PetscReal *restrict a = x + ROWS * (size_t)i, *restrict b = a + ROWS * (size_t)half;

        for (PetscInt k = 0; k < ROWS * half; k++) {
          const PetscReal sum = a[k] + b[k], difference = a[k] - b[k];

          a[k] = sum;
          b[k] = difference;
        }
      }
    }
  }
}

/* y (ROWS, n): column i is sign_i times column from_i of x */
static void Deal(EngdMixing v, PetscInt round, const PetscReal x[], PetscReal y[])
{
  for (PetscInt i = 0; i < v->n; i++) {
    const PetscReal *restrict in = x + ROWS * (size_t)v->from[round][i];
    PetscReal *restrict out      = y + ROWS * (size_t)i;
    const PetscReal sign         = v->sign[round][i];

    for (PetscInt k = 0; k < ROWS; k++) out[k] = sign * in[k];
  }
}

PetscErrorCode EngdMixingRows(EngdMixing v, PetscInt m, PetscInt lda, PetscReal A[])
{
  const PetscInt n = v->n;

  PetscFunctionBeginUser;
  for (PetscInt row = 0; row < m; row += ROWS) {
    const PetscInt rows = PetscMin(ROWS, m - row);

    for (PetscInt j = 0; j < n; j++) {
      const PetscReal *a = A + ENGD_COUNT(j, lda) + row;

      for (PetscInt k = 0; k < ROWS; k++) v->x[ROWS * (size_t)j + k] = k < rows ? a[k] : 0;
    }
    Deal(v, 0, v->x, v->y);
    Transform(n, v->y);
    Deal(v, 1, v->y, v->x);
    Transform(n, v->x);
    for (PetscInt j = 0; j < n; j++) {
      PetscReal *a = A + ENGD_COUNT(j, lda) + row;

      for (PetscInt k = 0; k < rows; k++) a[k] = v->x[ROWS * (size_t)j + k];
    }
  }
  PetscCall(PetscLogFlops(ROUNDS * (PetscReal)m * n * (1 + PetscLog2Real((PetscReal)PetscMax(n, 1)))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (n) <- V^T x: what x V is of a row x */
PetscErrorCode EngdMixingMultTranspose(EngdMixing v, PetscReal x[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdMixingRows(v, 1, 1, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (n) <- V x: the transforms are their own transposes */
PetscErrorCode EngdMixingMult(EngdMixing v, PetscReal x[])
{
  const PetscInt n = v->n;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(v->x, ROWS * n));
  for (PetscInt j = 0; j < n; j++) v->x[ROWS * (size_t)j] = x[j];
  for (PetscInt round = ROUNDS - 1; round >= 0; round--) {
    Transform(n, v->x);
    for (PetscInt j = 0; j < n; j++)
      v->y[ROWS * (size_t)v->from[round][j]] = v->sign[round][j] * v->x[ROWS * (size_t)j];
    for (PetscInt j = 0; j < n; j++) v->x[ROWS * (size_t)j] = v->y[ROWS * (size_t)j];
  }
  for (PetscInt j = 0; j < n; j++) x[j] = v->x[ROWS * (size_t)j];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdMixingDestroy(EngdMixing *mixing)
{
  EngdMixing v = *mixing;

  PetscFunctionBeginUser;
  if (!v) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree6(v->from[0], v->from[1], v->sign[0], v->sign[1], v->x, v->y));
  PetscCall(PetscFree(*mixing));
  PetscFunctionReturn(PETSC_SUCCESS);
}
