/*
  Eigenvalues of a symmetric A in an interval: -st_type filter -eps_interval a,b -eps_all.

  Krylov-Schur for p(A), where the polynomial p is above a threshold in the interval and small elsewhere in the range of the
  spectrum. SLEPc wants the interval to be within that range, which nobody knows before A is there: a Lanczos run bounds it, and
  the interval is cut to it. It finds one vector of each eigenvalue.
  Reference: Fang, Saad, SIAM J. Sci. Comput. 34 (2012), and SLEPc's manual of STFILTER.
*/
#include "filter.h"

#define STEPS  60   /* of Lanczos for the range; p(A) takes 100 products with A */
#define MARGIN 1e-2 /* beyond what Lanczos has found, of the width of the range */
#define BESIDE 0.1  /* of that width, the filter's slope beside an interval that goes to the end */

PetscErrorCode EngdSpectrumIsFilter(EPS eps, PetscBool *filter)
{
  ST st;

  PetscFunctionBeginUser;
  PetscCall(EPSGetST(eps, &st));
  PetscCall(PetscObjectTypeCompare((PetscObject)st, STFILTER, filter));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* for a filter, which begins with products and so needs an operator that is there already: a diagonal matrix like A, whose
   eigenvalues lie around the interval */
PetscErrorCode EngdSpectrumPrepareFilter(EPS eps)
{
  PetscInt  n, local, begin, end;
  PetscReal a, b, width;
  PetscBool own;
  Mat       A, D;

  PetscFunctionBeginUser;
  PetscCall(EPSGetInterval(eps, &a, &b));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-st_filter_interval", &own));
  PetscCheck(a < b || own, PetscObjectComm((PetscObject)eps), PETSC_ERR_USER_INPUT,
             "-st_type filter finds all eigenvalues of an interval: give -eps_interval a,b with a < b");
  width = PetscMax(b - a, PETSC_SQRT_MACHINE_EPSILON);
  PetscCall(EPSGetOperators(eps, &A, NULL));
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(MatGetLocalSize(A, &local, NULL));
  PetscCall(MatCreateAIJ(PetscObjectComm((PetscObject)A), local, local, n, n, 1, NULL, 0, NULL, &D));
  PetscCall(MatGetOwnershipRange(D, &begin, &end));
  for (PetscInt i = begin; i < end; i++)
    PetscCall(MatSetValue(D, i, i, a - width + 3 * width * i / n, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(D, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(D, MAT_FINAL_ASSEMBLY));
  PetscCall(EPSSetOperators(eps, D, NULL));
  PetscCall(MatDestroy(&D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  When p(A) has what is in the interval: SLEPc tests the values of p in descending order up to the first that has not converged, so
  either that one is below the threshold, or all that there are have converged.

  SLEPc's own rule has changed with its versions: that of 3.25 goes on after all have converged, and fails where the basis is the
  whole space.
*/
static PetscErrorCode Stop(EPS eps, PetscInt restart, PetscInt max_it, PetscInt converged, PetscInt wanted,
                           EPSConvergedReason *reason, void *context)
{
  const EngdSpectrumProgress tested = *(const EngdSpectrumProgress *)context;
  PetscReal                  tolerance, threshold;
  PetscBool                  below;
  ST                         st;

  PetscFunctionBeginUser;
  (void)wanted;
  PetscCall(EPSGetTolerances(eps, &tolerance, NULL));
  PetscCall(EPSGetST(eps, &st));
  PetscCall(STFilterGetThreshold(st, &threshold));
  below = (PetscBool)(tested.next + tested.residual < threshold);
  if (tested.residual < tolerance * tested.norm || (below && (converged || restart > 1)))
    *reason = EPS_CONVERGED_TOL;
  else
    *reason = restart >= max_it ? EPS_DIVERGED_ITS : EPS_CONVERGED_ITERATING;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* range (2) of the spectrum: as given, else by Lanczos */
static PetscErrorCode FindRange(EngdSpectrum spectrum, EPS eps, ST st, PetscReal range[])
{
  EngdQuadrature q;
  PetscReal      margin;
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(STFilterGetRange(st, &range[0], &range[1]));
  if (range[0] != 0 || range[1] != 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EPSGetOperators(eps, &A, NULL));
  PetscCall(EngdQuadratureCreate(A, spectrum->functional->problem->seed, 1, STEPS, &q));
  range[0] = PETSC_MAX_REAL;
  range[1] = PETSC_MIN_REAL;
  for (PetscInt i = 0; i < q.m[0]; i++) {
    range[0] = PetscMin(range[0], q.node[i] - q.residual[i]);
    range[1] = PetscMax(range[1], q.node[i] + q.residual[i]);
  }
  PetscCall(EngdQuadratureDestroy(&q));
  margin = PetscMax(MARGIN * (range[1] - range[0]), PETSC_SQRT_MACHINE_EPSILON);
  range[0] -= margin;
  range[1] += margin;
  PetscCall(STFilterSetRange(st, range[0] - BESIDE / MARGIN * margin, range[1] + BESIDE / MARGIN * margin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the interval [a, b] <- the part of it in the range; none: it is not for a filter, which is told */
static PetscErrorCode CutInterval(EngdSpectrum spectrum, const EngdSpectrumOperator *op, const PetscReal range[],
                                  PetscReal *a, PetscReal *b, PetscBool *none)
{
  const PetscBool empty = (PetscBool)(*a >= range[1] || *b <= range[0]),
                  all   = (PetscBool)(*a <= range[0] && *b >= range[1]);

  PetscFunctionBeginUser;
  *none = (PetscBool)(empty || all);
  if (*none)
    PetscCall(PetscPrintf(spectrum->comm, "%s: -eps_interval %.6g,%.6g has %s; all are between %.3g and %.3g%s\n",
                          engd_spectrum_name[op->kind], (double)*a, (double)*b, empty ? "no values" : "all values",
                          (double)range[0], (double)range[1], empty ? "" : ", and -spectrum_dense finds them"));
  *a = PetscMax(*a, range[0]);
  *b = PetscMin(*b, range[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSpectrumSetUpFilter(EngdSpectrum spectrum, const EngdSpectrumOperator *op, EPS eps,
                                       EngdSpectrumProgress *progress, PetscBool *none)
{
  PetscReal a, b, range[2];
  ST        st;

  PetscFunctionBeginUser;
  PetscCall(EPSGetST(eps, &st));
  PetscCall(EPSGetInterval(eps, &a, &b));
  PetscCall(FindRange(spectrum, eps, st, range));
  PetscCall(CutInterval(spectrum, op, range, &a, &b, none));
  if (*none) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EPSSetInterval(eps, a, b));
  PetscCall(EPSSetUp(eps)); /* chooses SLEPc's own end */
  PetscCall(EPSSetStoppingTestFunction(eps, Stop, progress, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSpectrumTellFilter(EngdSpectrum spectrum, const EngdSpectrumOperator *op, EPS eps)
{
  const char        *more = NULL;
  EPSConvergedReason reason;
  PetscInt           converged, ncv;

  PetscFunctionBeginUser;
  PetscCall(EPSGetConvergedReason(eps, &reason));
  PetscCall(EPSGetConverged(eps, &converged));
  PetscCall(EPSGetDimensions(eps, NULL, &ncv, NULL));
  if (reason < 0)
    more = "-eps_max_it, -eps_ncv, -eps_tol or -st_filter_degree";
  else if (converged >= ncv && ncv < op->n)
    more = "-eps_ncv";
  if (!more) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscPrintf(
      spectrum->comm, "%s: -eps_interval may have more than the %" PetscInt_FMT " values that were found; raise %s\n",
      engd_spectrum_name[op->kind], converged, more));
  PetscFunctionReturn(PETSC_SUCCESS);
}
