/*
  The tangent space of a functional in the rows of its curvature, and orthogonal projections on it.

    A = C J = Q T,   T = U S V^T,      of which singular values at or below cutoff s_1 are left out

    Project   P b = Q U U^T Q^T b, which knows nothing of parameters, and d = V S^{-1} U^T Q^T b, of the same function
    Descend   d = -V S^{-2} V^T g and its rows -Q U S^{-1} V^T g, of a gradient g that is no A^T of rows

  The triangle is on rank 0, as large as the number of parameters squared: for measurements, not for directions, which have
  least_squares.c.
*/
#include <engd/private.h>

struct _n_EngdTangent {
  MPI_Comm    comm;
  EngdTSQR    qr;
  PetscMPIInt rank;
  PetscInt    m, n, k; /* rows here, parameters, singular values that count */
  PetscReal  *U, *Vt;  /* (n, n) on rank 0 */
  PetscReal  *sigma;   /* [n] */
  PetscReal  *y, *z;   /* [n] */
};

/* the SVD of the triangle, on rank 0 */
static PetscErrorCode Decompose(EngdTangent t, PetscReal T[], PetscReal cutoff)
{
  const PetscInt n = t->n;
  PetscReal     *work;
  PetscBLASInt  *iwork;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(EngdDenseSVDWorkSize(n), &work, 8 * n, &iwork));
  PetscCall(EngdDenseSVD(n, T, t->sigma, t->U, n, t->Vt, work, iwork));
  PetscCall(PetscFree2(work, iwork));
  for (t->k = 0; t->k < n && t->sigma[t->k] > cutoff * t->sigma[0];) t->k++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* bytes of the rank that needs most: the reflectors, three matrices of the order of the triangle and the work of their SVD */
static PetscErrorCode CheckMemory(EngdFunctional F, PetscInt m)
{
  const PetscInt n     = F->model->nparameters;
  PetscReal      bytes = (PetscReal)EngdTSQRBytes(F->comm, m, n) +
                    sizeof(PetscReal) * (3 * (PetscReal)n * n + (PetscReal)EngdDenseSVDWorkSize(n));

  PetscFunctionBeginUser;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &bytes, 1, MPIU_REAL, MPI_MAX, F->comm));
  PetscCheck(bytes <= F->options.memory_limit, F->comm, PETSC_ERR_USER_INPUT,
             "-engd_projection needs %.3g bytes on a rank for the tangent space of %" PetscInt_FMT
             " parameters, more than -engd_memory_limit %.3g; raise it, or take a smaller network",
             (double)bytes, n, (double)F->options.memory_limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdTangentCreate - of the functional at its present parameters. Collective */
PetscErrorCode EngdTangentCreate(EngdFunctional F, PetscReal cutoff, EngdTangent *out)
{
  EngdTangent    t;
  PetscReal     *A, *T = NULL;
  PetscInt       lda;
  PetscMPIInt    bad;
  PetscBool      finite;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&t));
  t->comm = F->comm;
  t->n    = F->model->nparameters;
  PetscCallMPI(MPI_Comm_rank(t->comm, &t->rank));
  PetscCall(EngdExplicitCountRows(F, &t->m));
  PetscCall(CheckMemory(F, t->m));
  PetscCall(PetscMalloc2(t->n, &t->y, t->n, &t->z));
  if (!t->rank) {
    PetscCall(PetscMalloc3(ENGD_COUNT(t->n, t->n), &t->U, ENGD_COUNT(t->n, t->n), &t->Vt, t->n, &t->sigma));
    PetscCall(PetscMalloc1(ENGD_COUNT(t->n, t->n), &T));
  }
  PetscCall(EngdTSQRCreate(t->comm, t->m, t->n, &t->qr));
  PetscCall(EngdTSQRGetArray(t->qr, &lda, &A));
  PetscCall(EngdExplicitFillRows(F, lda, A));
  PetscCall(EngdTSQRFactor(t->qr, T));
  PetscCall(EngdAllFinite(t->comm, T ? ENGD_COUNT(t->n, t->n) : 0, T, &finite));
  PetscCheck(finite, t->comm, ENGD_ERR_NUMERICS, "-engd_projection: the Jacobian has entries that are not finite");
  if (T) code = Decompose(t, T, cutoff);
  bad = code != PETSC_SUCCESS;
  PetscCallMPI(MPI_Bcast(&bad, 1, MPI_INT, 0, t->comm));
  PetscCheck(!bad, t->comm, ENGD_ERR_NUMERICS, "-engd_projection: LAPACK found no singular values of the Jacobian");
  PetscCall(PetscFree(T));
  *out = t;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt EngdTangentCountRows(EngdTangent t)
{
  return t->m;
}

/* d <- sum_k y_k s_k^power v_k, from rank 0 to all; local on rank 0 but for the last line */
static PetscErrorCode FromCoefficients(EngdTangent t, const PetscReal y[], PetscInt power, PetscReal d[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; !t->rank && k < t->k; k++) t->z[k] = y[k] * PetscPowRealInt(t->sigma[k], power);
  for (PetscInt k = t->k; !t->rank && k < t->n; k++) t->z[k] = 0;
  if (!t->rank) PetscCall(EngdDenseMultiply("T", t->n, t->n, t->Vt, t->z, d));
  PetscCallMPI(MPI_Bcast(d, (PetscMPIInt)t->n, MPIU_REAL, 0, t->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y <- the rows Q U y of coefficients that rank 0 has in t->y, beyond k zero */
static PetscErrorCode ToRows(EngdTangent t, PetscReal rows[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = t->k; !t->rank && k < t->n; k++) t->y[k] = 0;
  if (!t->rank) PetscCall(EngdDenseMultiply("N", t->n, t->n, t->U, t->y, t->z));
  PetscCall(EngdTSQRMult(t->qr, t->z, rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdTangentProject - the projection of rows b, and its parameters unless NULL. Collective */
PetscErrorCode EngdTangentProject(EngdTangent t, const PetscReal b[], PetscReal d[], PetscReal Pb[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdTSQRMultTranspose(t->qr, b, t->z));
  if (!t->rank) PetscCall(EngdDenseMultiply("T", t->n, t->n, t->U, t->z, t->y));
  if (d) PetscCall(FromCoefficients(t, t->y, -1, d));
  PetscCall(ToRows(t, Pb));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdTangentDescend - the direction of this metric against a gradient, and its rows. Collective */
PetscErrorCode EngdTangentDescend(EngdTangent t, const PetscReal g[], PetscReal d[], PetscReal y[])
{
  PetscFunctionBeginUser;
  if (!t->rank) PetscCall(EngdDenseMultiply("N", t->n, t->n, t->Vt, g, t->y));
  for (PetscInt k = 0; !t->rank && k < t->k; k++) t->y[k] /= -t->sigma[k];
  PetscCall(FromCoefficients(t, t->y, -1, d));
  PetscCall(ToRows(t, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdTangentMult - y = A d, of all singular values. Collective */
PetscErrorCode EngdTangentMult(EngdTangent t, const PetscReal d[], PetscReal y[])
{
  PetscFunctionBeginUser;
  if (!t->rank) {
    PetscCall(EngdDenseMultiply("N", t->n, t->n, t->Vt, d, t->y));
    for (PetscInt k = 0; k < t->n; k++) t->y[k] *= t->sigma[k];
    PetscCall(EngdDenseMultiply("N", t->n, t->n, t->U, t->y, t->z));
  }
  PetscCall(EngdTSQRMult(t->qr, t->z, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTangentDestroy(EngdTangent *tangent)
{
  EngdTangent t = *tangent;

  PetscFunctionBeginUser;
  if (!t) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdTSQRDestroy(&t->qr));
  PetscCall(PetscFree2(t->y, t->z));
  PetscCall(PetscFree3(t->U, t->Vt, t->sigma));
  PetscCall(PetscFree(*tangent));
  PetscFunctionReturn(PETSC_SUCCESS);
}
