/*
  Dense symmetric matrices by LAPACK, and the minimum of a cubic model in the basis of eigenvectors. All are local.

    A = V diag(l) V^T   (syevd, divide and conquer)        A = U D U^T   (sytrf, Bunch-Kaufman: D has blocks of 1 and 2)
    min over y of c.y + y.diag(l) y / 2 + M/3 |y|^3:  y = -(diag(l) + M r I)^{-1} c,  r = |y|,  l_1 + M r >= 0

  The equation for r has one root: |y(r)| falls and r grows. In the hard case, c_1 = 0 and r too short, y gets a part along the
  eigenvector of the least l, l_1. Reference: Nesterov and Polyak, Math. Program. 108 (2006). Only upper triangles of A are read.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

#define LOGARITHM 690 /* below that of the largest number */
#define SMALL     32 /* order of matrices with workspace on the stack: the metric of a point is one, for each point */

/* petscblaslapack.h has no name for it */
#if !defined(LAPACKsyevd_)
#define LAPACKsyevd_ PETSCBLAS(syevd, SYEVD)
BLAS_EXTERN void LAPACKsyevd_(const char *, const char *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *,
                              PetscReal *, PetscReal *, const PetscBLASInt *, PetscBLASInt *, const PetscBLASInt *,
                              PetscBLASInt *);
#endif

PetscErrorCode EngdSymmetricEigen(const char job[], PetscInt n, PetscReal A[], PetscReal l[], PetscInt *info)
{
  PetscReal    swork[1 + 6 * SMALL + 2 * SMALL * SMALL], *work = swork, size;
  PetscBLASInt siwork[3 + 5 * SMALL], *iwork                   = siwork, isize;
  PetscBLASInt bn, lwork = PETSC_STATIC_ARRAY_LENGTH(swork), liwork = PETSC_STATIC_ARRAY_LENGTH(siwork), result;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n, &bn));
  /* its workspace for vectors is 1 + 6n + 2n^2, and where that wraps around it asks for too little and writes beyond it */
  PetscCheck(job[0] == 'N' || 1 + 6. * n + 2. * n * n <= (PetscReal)PETSC_BLAS_INT_MAX, PETSC_COMM_SELF,
             PETSC_ERR_ARG_OUTOFRANGE, "a dense matrix of order %" PetscInt_FMT " is beyond this LAPACK's integers",
             n);
  if (n > SMALL) {
    lwork = liwork = -1;
    PetscCallBLAS("LAPACKsyevd", LAPACKsyevd_(job, "U", &bn, A, &bn, l, &size, &lwork, &isize, &liwork, &result));
    lwork  = (PetscBLASInt)size;
    liwork = isize;
    PetscCall(PetscMalloc2(lwork, &work, liwork, &iwork));
  }
  PetscCallBLAS("LAPACKsyevd", LAPACKsyevd_(job, "U", &bn, A, &bn, l, work, &lwork, iwork, &liwork, &result));
  if (n > SMALL) PetscCall(PetscFree2(work, iwork));
  *info = result;
  PetscCall(PetscLogFlops(9.0 * n * n * n)); /* the customary estimate, Golub and Van Loan, section 8.3 */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSymmetricFactor(PetscInt n, PetscReal A[], PetscBLASInt pivot[], PetscInt *info)
{
  PetscBLASInt bn, lwork = -1, result;
  PetscReal   *work, size;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCallBLAS("LAPACKsytrf", LAPACKsytrf_("U", &bn, A, &bn, pivot, &size, &lwork, &result));
  lwork = (PetscBLASInt)size;
  PetscCall(PetscMalloc1(lwork, &work));
  PetscCallBLAS("LAPACKsytrf", LAPACKsytrf_("U", &bn, A, &bn, pivot, work, &lwork, &result));
  PetscCall(PetscFree(work));
  *info = result;
  PetscCall(PetscLogFlops(1.0 / 3 * n * n * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSymmetricSolve(PetscInt n, const PetscReal A[], const PetscBLASInt pivot[], PetscReal x[])
{
  PetscBLASInt bn, one = 1, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCallBLAS("LAPACKsytrs", LAPACKsytrs_("U", &bn, &one, A, &bn, pivot, x, &bn, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "sytrs failed with info %d", (int)info);
  PetscCall(PetscLogFlops(2.0 * n * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = -(diag(l) + (base + s) I)^{-1} c with 0 for 0/0; its norm */
static PetscReal Shifted(PetscInt n, const PetscReal l[], const PetscReal c[], PetscReal base, PetscReal s,
                         PetscReal y[])
{
  PetscReal sum = 0;

  for (PetscInt i = 0; i < n; i++) {
    const PetscReal pivot = (l[i] + base) + s;

    y[i] = c[i] == 0 ? 0 : -c[i] / pivot;
    sum += y[i] * y[i];
  }
  return PetscSqrtReal(sum);
}

/* M r = base + s with base = max(0, -l_1): s by bisection of its logarithm, so that it is found however small */
void EngdCubicMinimize(PetscInt n, const PetscReal l[], const PetscReal c[], PetscReal M, PetscReal y[])
{
  PetscInt  least = 0;
  PetscReal low = -LOGARITHM, high = LOGARITHM, base, missing;

  for (PetscInt i = 1; i < n; i++) least = l[i] < l[least] ? i : least;
  base = PetscMax(0, -l[least]);
  while (high - low > 1e-13) {
    const PetscReal middle = 0.5 * (low + high), s = PetscExpReal(middle);

    if (Shifted(n, l, c, base, s, y) > (base + s) / M)
      low = middle;
    else
      high = middle;
  }
  missing = PetscSqr(base / M) - PetscSqr(Shifted(n, l, c, base, PetscExpReal(high), y));
  if (base > 0 && missing > PETSC_SQRT_MACHINE_EPSILON * PetscSqr(base / M)) {
    y[least] += c[least] > 0 ? -PetscSqrtReal(missing) : PetscSqrtReal(missing);
  }
  (void)PetscLogFlops(5.0 * n * 64);
}
