/*
  The inverse of A_1 (x) B_1 + A_2 (x) B_2 + damping, for symmetric positive semidefinite factors.

    A_k, B_k get lambda I;  A_1 = V diag(mu) V^T,  H = V diag(mu^-1/2),  H^T A_2 H = E diag(s_A) E^T,  K_A = H E; K_B alike
    X -> K_B [ (K_B^T X K_A) / (1 + s_B s_A^T) ] K_A^T        (X (m, n), (A (x) B) vec X = vec(B X A^T))

  Two eigendecompositions a pair, four GEMMs an application; with one group s = 0. Positive definite by construction:
  mu is kept above max(lambda, eps mu_max) and s above zero, whatever rounding says. Nothing is refined: the
  accuracy is that of a preconditioner, eps |A_2| / lambda. Reference: Dangel, Mueller, Zeinhofer, arXiv 2405.15603.
*/
#include "kfac.h"

/* C (m, n) = op(A) op(B), all matrices without gaps */
static PetscErrorCode Product(const char transa[], const char transb[], PetscInt m, PetscInt n, PetscInt k,
                              const PetscReal A[], const PetscReal B[], PetscReal C[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdGemm(transa, transb, m, n, k, A, transa[0] == 'N' ? m : k, B, transb[0] == 'N' ? k : n, 0, C, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F = V diag(mu) V^T from its upper triangle, mu ascending; V over F (job "V"), or mu alone (job "N") */
static PetscErrorCode Eigen(const char job[], PetscInt n, PetscReal F[], PetscReal mu[],
                            EngdKroneckerFailure *failure)
{
  PetscInt info;

  PetscFunctionBeginUser;
  PetscCall(EngdSymmetricEigen(job, n, F, mu, &info));
  if (info) *failure = ENGD_KRONECKER_EIGEN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = F + lambda I, both triangles, from the upper triangle of F; are all entries finite */
static PetscBool CopyDamped(PetscInt n, const PetscReal F[], PetscReal lambda, PetscReal C[])
{
  PetscBool finite = PETSC_TRUE;

  for (PetscInt j = 0; j < n; j++) {
    for (PetscInt i = 0; i <= j; i++) {
      const PetscReal entry = F[ENGD_COUNT(j, n) + i] + (i == j ? lambda : 0);

      if (PetscIsInfOrNanReal(entry)) finite = PETSC_FALSE;
      C[ENGD_COUNT(j, n) + i] = C[ENGD_COUNT(i, n) + j] = entry;
    }
  }
  return finite;
}

/* H = V diag(mu^-1/2), over F1 + lambda I, so that H^T (F1 + lambda I) H = I; mu is scratch */
static PetscErrorCode InverseRoot(PetscInt n, const PetscReal F1[], PetscReal lambda, PetscReal H[], PetscReal mu[],
                                  EngdKroneckerFailure *failure)
{
  PetscReal floor;

  PetscFunctionBeginUser;
  if (!CopyDamped(n, F1, lambda, H)) *failure = ENGD_KRONECKER_NONFINITE;
  if (*failure) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Eigen("V", n, H, mu, failure));
  if (*failure) PetscFunctionReturn(PETSC_SUCCESS);
  floor = PetscMax(lambda, PETSC_MACHINE_EPSILON * mu[n - 1]);
  if (!(floor > 0)) {
    *failure = ENGD_KRONECKER_ZERO;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt j = 0; j < n; j++) {
    const PetscReal scale = 1 / PetscSqrtReal(PetscMax(mu[j], floor));

    for (PetscInt i = 0; i < n; i++) H[ENGD_COUNT(j, n) + i] *= scale;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K, s with K^T (F1 + lambda I) K = I and K^T (F2 + lambda I) K = diag(s); s = 0 without F2 */
static PetscErrorCode Diagonalize(PetscInt n, const PetscReal F1[], const PetscReal F2[], PetscReal lambda,
                                  PetscReal K[], PetscReal s[], EngdKroneckerFailure *failure)
{
  PetscReal *M, *T;

  PetscFunctionBeginUser;
  PetscCall(InverseRoot(n, F1, lambda, K, s, failure));
  if (!F2) PetscCall(PetscArrayzero(s, n));
  if (!F2 || *failure) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(ENGD_COUNT(n, n), &M, ENGD_COUNT(n, n), &T));
  if (CopyDamped(n, F2, lambda, M)) {
    PetscCall(Product("N", "N", n, n, n, M, K, T));
    PetscCall(Product("T", "N", n, n, n, K, T, M));
    PetscCall(Eigen("V", n, M, s, failure));
    PetscCall(Product("N", "N", n, n, n, K, M, T));
    PetscCall(PetscArraycpy(K, T, ENGD_COUNT(n, n)));
    for (PetscInt i = 0; i < n; i++) s[i] = PetscMax(s[i], 0);
  } else {
    *failure = ENGD_KRONECKER_NONFINITE;
  }
  PetscCall(PetscFree2(M, T));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F = I of order n */
static PetscErrorCode CreateIdentity(PetscInt n, PetscReal **F)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(ENGD_COUNT(n, n), F));
  for (PetscInt i = 0; i < n; i++) (*F)[ENGD_COUNT(i, n + 1)] = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdKroneckerCreate(PetscInt m, PetscInt n, const PetscBool present[], EngdKronecker *block)
{
  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(block, 1));
  block->m = m;
  block->n = n;
  for (PetscInt g = 0; g < ENGD_KFAC_GROUPS; g++) {
    if (!present[g]) continue;
    PetscCall(CreateIdentity(n, &block->A[g]));
    PetscCall(CreateIdentity(m, &block->B[g]));
  }
  PetscCall(PetscMalloc2(ENGD_COUNT(n, n), &block->KA, n, &block->sA));
  PetscCall(PetscMalloc2(ENGD_COUNT(m, m), &block->KB, m, &block->sB));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdKroneckerInvert(EngdKronecker *block, PetscReal lambda, EngdKroneckerFailure *failure)
{
  const PetscInt first = block->A[0] ? 0 : 1, second = block->A[0] && block->A[1] ? 1 : -1;

  PetscFunctionBeginUser;
  *failure = ENGD_KRONECKER_FINE;
  PetscCall(Diagonalize(block->n, block->A[first], second < 0 ? NULL : block->A[second], lambda, block->KA, block->sA,
                        failure));
  if (*failure) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Diagonalize(block->m, block->B[first], second < 0 ? NULL : block->B[second], lambda, block->KB, block->sB,
                        failure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdKroneckerApply(const EngdKronecker *block, PetscReal X[], PetscReal work[])
{
  const PetscInt m = block->m, n = block->n;

  PetscFunctionBeginUser;
  PetscCall(Product("T", "N", m, n, m, block->KB, X, work));
  PetscCall(Product("N", "N", m, n, n, work, block->KA, X));
  for (PetscInt j = 0; j < n; j++) {
    for (PetscInt i = 0; i < m; i++) X[ENGD_COUNT(j, m) + i] /= 1 + block->sB[i] * block->sA[j];
  }
  PetscCall(Product("N", "N", m, n, m, block->KB, X, work));
  PetscCall(Product("N", "T", m, n, n, work, block->KA, X));
  PetscCall(PetscLogFlops(3.0 * m * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdKroneckerExtremes(PetscInt n, const PetscReal F[], PetscReal extremes[2])
{
  EngdKroneckerFailure failure = ENGD_KRONECKER_FINE;
  PetscReal           *C, *mu;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(ENGD_COUNT(n, n), &C, n, &mu));
  extremes[0] = extremes[1] = 0;
  if (CopyDamped(n, F, 0, C)) {
    PetscCall(Eigen("N", n, C, mu, &failure));
    extremes[0] = mu[0];
    extremes[1] = mu[n - 1];
  }
  PetscCall(PetscFree2(C, mu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdKroneckerDestroy(EngdKronecker *block)
{
  PetscFunctionBeginUser;
  for (PetscInt g = 0; g < ENGD_KFAC_GROUPS; g++) {
    PetscCall(PetscFree(block->A[g]));
    PetscCall(PetscFree(block->B[g]));
  }
  PetscCall(PetscFree2(block->KA, block->sA));
  PetscCall(PetscFree2(block->KB, block->sB));
  PetscFunctionReturn(PETSC_SUCCESS);
}
