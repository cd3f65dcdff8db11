/*
  Some eigenvalues by SLEPc's EPS, some singular values by its SVD, matrix-free: by default -spectrum_nev at each end.

    symmetric A    EPS, problem type HEP, Krylov-Schur (thick-restart Lanczos)
    P^{-1} G       EPS, problem type NHEP: real but for rounding, which shows as imaginary parts
    J              SVD, thick-restart Lanczos bidiagonalisation: never EPS on J^T J

  The residual is measured against the largest eigenvalue, |A v - mu v| <= tol |A|, since eigenvalues that are zero to
  rounding never converge relative to themselves. All options -eps_, -st_, -svd_ are in charge. What has not converged is
  left out, and told.
  Reference: Hernandez, Roman, Vidal, ACM TOMS 31 (2005).
*/
#include "filter.h"

#define TOLERANCE 1e-9 /* default of -eps_tol and -svd_tol */
#define MAX_RESTARTS                                                                                                 \
  100 /* default of -eps_max_it and -svd_max_it: minutes where SLEPc's own, which grows with n, is hours */

/* the error of a value relative to the largest one met so far, which stands for |A| */
static PetscReal RelativeError(EngdSpectrumProgress *progress, PetscReal value, PetscReal residual)
{
  progress->norm = PetscMax(progress->norm, value);
  return progress->norm > 0 ? residual / progress->norm : residual;
}

static PetscErrorCode ConvergedEPS(EPS eps, PetscScalar re, PetscScalar im, PetscReal residual, PetscReal *error,
                                   void *context)
{
  EngdSpectrumProgress *progress = (EngdSpectrumProgress *)context;

  (void)eps;
  *error             = RelativeError(progress, PetscSqrtReal(re * re + im * im), residual);
  progress->next     = re;
  progress->residual = residual;
  return PETSC_SUCCESS;
}

static PetscErrorCode ConvergedSVD(SVD svd, PetscReal sigma, PetscReal residual, PetscReal *error, void *progress)
{
  (void)svd;
  *error = RelativeError((EngdSpectrumProgress *)progress, sigma, residual);
  return PETSC_SUCCESS;
}

/* what TellConvergence() says of the first value that has not converged */
static PetscErrorCode MonitorEPS(EPS eps, PetscInt restart, PetscInt converged, PetscScalar re[], PetscScalar im[],
                                 PetscReal error[], PetscInt n, void *context)
{
  EngdSpectrumProgress *progress = (EngdSpectrumProgress *)context;

  (void)eps, (void)restart, (void)im;
  progress->next     = converged < n ? re[converged] : 0;
  progress->residual = converged < n ? error[converged] * progress->norm : 0;
  return PETSC_SUCCESS;
}

static PetscErrorCode MonitorSVD(SVD svd, PetscInt restart, PetscInt converged, PetscReal sigma[], PetscReal error[],
                                 PetscInt n, void *context)
{
  (void)svd;
  return MonitorEPS(NULL, restart, converged, sigma, NULL, error, n, context);
}

/* the same random vector on any number of ranks */
static PetscErrorCode SetStart(PetscInt64 seed, Vec v)
{
  PetscInt   begin, end;
  PetscReal *values;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(v, &begin, &end));
  PetscCall(VecGetArrayWrite(v, &values));
  for (PetscInt j = begin; j < end; j++) values[j - begin] = EngdRandomNormal(seed, ENGD_STREAM_SPECTRUM, j, 1, 0);
  PetscCall(VecRestoreArrayWrite(v, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* nev of at most n values, and a basis a few dozen vectors larger */
static void ChooseDimensions(PetscInt n, PetscInt *nev, PetscInt *ncv)
{
  *nev = PetscMax(1, PetscMin(*nev, n));
  *ncv = PetscMin(n, 2 * *nev + 40);
}

/* methods that precondition: SLEPc's choice asks for the entries of a matrix that is a shell, but only when it solves */
static PetscErrorCode SetDefaultPreconditioner(EPS eps)
{
  PetscBool preconditions, given;
  STType    type;
  ST        st;
  KSP       ksp;
  PC        pc;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)eps, &preconditions, EPSGD, EPSJD, EPSRQCG, EPSLOBPCG, ""));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-st_pc_type", &given));
  if (!preconditions || given) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EPSGetST(eps, &st));
  PetscCall(STGetType(st, &type));
  if (!type) PetscCall(STSetType(st, STPRECOND));
  PetscCall(STGetKSP(st, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SLEPc would tell of these numbers without the name of their option */
static PetscErrorCode CheckTolerance(MPI_Comm comm, PetscBool singular)
{
  const char *prefix = singular ? "svd" : "eps";
  PetscReal   real   = TOLERANCE;
  PetscInt    whole  = MAX_RESTARTS;

  PetscFunctionBeginUser;
  if (singular) {
    PetscCall(PetscOptionsGetReal(NULL, NULL, "-svd_tol", &real, NULL));
    PetscCall(PetscOptionsGetInt(NULL, NULL, "-svd_max_it", &whole, NULL));
  } else {
    PetscCall(PetscOptionsGetReal(NULL, NULL, "-eps_tol", &real, NULL));
    PetscCall(PetscOptionsGetInt(NULL, NULL, "-eps_max_it", &whole, NULL));
  }
  PetscCheck(real > 0, comm, PETSC_ERR_USER_INPUT, "-%s_tol %g: give a positive number", prefix, (double)real);
  PetscCheck(whole > 0, comm, PETSC_ERR_USER_INPUT, "-%s_max_it %" PetscInt_FMT ": give a positive number", prefix,
             whole);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a solver for eigenvalues of A at the end `which`, unless the options of EPS choose others; progress: zero at first, and to be kept for
   the other end */
PetscErrorCode EngdSpectrumCreateEPS(EngdSpectrum spectrum, Mat A, PetscBool symmetric, EPSWhich which,
                                     EngdSpectrumProgress *progress, EPS *eps)
{
  PetscInt n, nev = spectrum->nev, ncv;
  Vec      start;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-eps_nev", &nev, NULL)); /* the basis is to be larger than that */
  ChooseDimensions(n, &nev, &ncv);
  PetscCall(EPSCreate(spectrum->comm, eps));
  PetscCall(EPSSetOperators(*eps, A, NULL));
  PetscCall(EPSSetProblemType(*eps, symmetric ? EPS_HEP : EPS_NHEP));
  PetscCall(EPSSetDimensions(*eps, nev, ncv, PETSC_DEFAULT));
  PetscCall(EPSSetTolerances(*eps, TOLERANCE, MAX_RESTARTS));
  PetscCall(EPSSetWhichEigenpairs(*eps, which));
  PetscCall(MatCreateVecs(A, &start, NULL));
  PetscCall(SetStart(spectrum->functional->problem->seed, start));
  PetscCall(EPSSetConvergenceTestFunction(*eps, ConvergedEPS, progress, NULL));
  PetscCall(EPSMonitorSet(*eps, MonitorEPS, progress, NULL));
  PetscCall(EPSSetInitialSpace(*eps, 1, &start));
  PetscCall(VecDestroy(&start));
  PetscCall(CheckTolerance(spectrum->comm, PETSC_FALSE));
  PetscCall(EPSSetFromOptions(*eps));
  PetscCall(SetDefaultPreconditioner(*eps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a solver for singular values of J at the end `which`, unless the options of SVD choose others */
PetscErrorCode EngdSpectrumCreateSVD(EngdSpectrum spectrum, Mat J, SVDWhich which, EngdSpectrumProgress *progress,
                                     SVD *svd)
{
  PetscInt m, n, nev = spectrum->nev, ncv;
  Vec      start;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(J, &m, &n));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-svd_nsv", &nev, NULL));
  ChooseDimensions(PetscMin(m, n), &nev, &ncv);
  PetscCall(SVDCreate(spectrum->comm, svd));
  PetscCall(SVDSetOperators(*svd, J, NULL));
  PetscCall(SVDSetType(*svd, SVDTRLANCZOS));
  PetscCall(SVDSetDimensions(*svd, nev, ncv, PETSC_DEFAULT));
  PetscCall(SVDSetTolerances(*svd, TOLERANCE, MAX_RESTARTS));
  PetscCall(SVDSetWhichSingularTriplets(*svd, which));
  PetscCall(MatCreateVecs(J, &start, NULL));
  PetscCall(SetStart(spectrum->functional->problem->seed, start));
  PetscCall(SVDSetConvergenceTestFunction(*svd, ConvergedSVD, progress, NULL));
  PetscCall(SVDMonitorSet(*svd, MonitorSVD, progress, NULL));
  PetscCall(SVDSetInitialSpaces(*svd, 1, &start, 0, NULL));
  PetscCall(VecDestroy(&start));
  PetscCall(CheckTolerance(spectrum->comm, PETSC_TRUE));
  PetscCall(SVDSetFromOptions(*svd));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* how far a solver came, where it did not come to its end */
static PetscErrorCode TellConvergence(EngdSpectrum spectrum, const EngdSpectrumOperator *op, EngdQuantity quantity,
                                      PetscInt converged, PetscInt wanted, PetscInt restarts,
                                      const EngdSpectrumProgress *progress)
{
  const char *solver = EngdSpectrumIsOfJacobian(op->kind) ? "svd" : "eps";

  PetscFunctionBeginUser;
  if (converged >= wanted) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscPrintf(
      spectrum->comm,
      "%s%s: only %" PetscInt_FMT " of %" PetscInt_FMT " values (%s) converged in %" PetscInt_FMT
      " restarts; raise -%s_max_it, -%s_ncv or -%s_tol (the next is %.3g, with a residual of %.1e)\n",
      engd_spectrum_name[op->kind], op->layer ? ", a layer" : "", converged, wanted, engd_quantity_name[quantity],
      restarts, solver, solver, solver, (double)progress->next, (double)progress->residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows of the eigenvalues that a solver finds; their error is the norm of the residual. largest imaginary part */
static PetscErrorCode SolveEPS(EngdSpectrum spectrum, const EngdSpectrumOperator *op, EngdQuantity quantity, EPS eps,
                               EngdSpectrumProgress *progress, PetscReal *imaginary)
{
  PetscInt  converged, wanted, restarts;
  PetscReal re, im, error;
  PetscBool filter, none = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(EngdSpectrumIsFilter(eps, &filter));
  if (filter) PetscCall(EngdSpectrumSetUpFilter(spectrum, op, eps, progress, &none));
  if (none) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EPSSolve(eps));
  PetscCall(EPSGetConverged(eps, &converged));
  PetscCall(EPSGetDimensions(eps, &wanted, NULL, NULL));
  PetscCall(EPSGetIterationNumber(eps, &restarts));
  if (quantity != ENGD_QUANTITY_CHOSEN) converged = PetscMin(converged, wanted);
  for (PetscInt i = 0; i < converged; i++) {
    PetscCall(EPSGetEigenvalue(eps, i, &re, &im));
    PetscCall(EPSComputeError(eps, i, EPS_ERROR_ABSOLUTE, &error));
    PetscCall(EngdSpectrumAddRow(spectrum, op, quantity, i + 1, 0, re, error));
    *imaginary = PetscMax(*imaginary, PetscAbsReal(im));
  }
  if (filter)
    PetscCall(EngdSpectrumTellFilter(spectrum, op, eps));
  else
    PetscCall(TellConvergence(spectrum, op, quantity, converged, wanted, restarts, progress));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* LAPACK computes all n singular values whatever is wanted, but SLEPc counts the zeros of a tall matrix's left vectors as the
   smallest ones; so all are asked for in descending order, which the reader then reads from the end */
static PetscErrorCode AskLAPACKForAll(SVD svd, PetscInt n, PetscBool *from_end)
{
  PetscBool lapack;
  SVDWhich  which;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)svd, SVDLAPACK, &lapack));
  PetscCall(SVDGetWhichSingularTriplets(svd, &which));
  *from_end = (PetscBool)(lapack && which == SVD_SMALLEST);
  if (!*from_end) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SVDSetWhichSingularTriplets(svd, SVD_LARGEST));
  PetscCall(SVDSetDimensions(svd, n, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows of the singular values that a solver finds, or their squares: sigma^2 +- 2 sigma error */
static PetscErrorCode SolveSVD(EngdSpectrum spectrum, const EngdSpectrumOperator *op, EngdQuantity quantity, SVD svd,
                               const EngdSpectrumProgress *progress)
{
  const PetscBool square = (PetscBool)(op->kind == ENGD_SPECTRUM_KERNEL);
  PetscInt        converged, wanted, restarts;
  PetscReal       sigma, error;
  PetscBool       from_end;

  PetscFunctionBeginUser;
  PetscCall(SVDGetDimensions(svd, &wanted, NULL, NULL));
  PetscCall(AskLAPACKForAll(svd, op->n, &from_end));
  PetscCall(SVDSolve(svd));
  PetscCall(SVDGetConverged(svd, &converged));
  PetscCall(SVDGetIterationNumber(svd, &restarts));
  converged = PetscMin(converged, from_end ? op->n : wanted);
  for (PetscInt i = 0; i < PetscMin(converged, wanted); i++) {
    const PetscInt k = from_end ? converged - 1 - i : i;

    PetscCall(SVDGetSingularTriplet(svd, k, &sigma, NULL, NULL));
    PetscCall(SVDComputeError(svd, k, SVD_ERROR_ABSOLUTE, &error));
    if (square) error *= 2 * sigma + error;
    PetscCall(EngdSpectrumAddRow(spectrum, op, quantity, i + 1, 0, square ? sigma * sigma : sigma, error));
  }
  PetscCall(TellConvergence(spectrum, op, quantity, converged, wanted, restarts, progress));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* both ends of the spectrum of A; the options may ask for one of them alone, or for something else */
static PetscErrorCode IterateEPS(EngdSpectrum spectrum, const EngdSpectrumOperator *op)
{
  const EPSWhich       ends[]     = {EPS_LARGEST_REAL, EPS_SMALLEST_REAL};
  const EngdQuantity   quantity[] = {ENGD_QUANTITY_LARGEST, ENGD_QUANTITY_SMALLEST};
  PetscReal            imaginary  = 0;
  EngdSpectrumProgress progress   = {0};
  PetscBool            chosen     = PETSC_FALSE;
  Mat                  A;

  PetscFunctionBeginUser;
  PetscCall(EngdSpectrumOperatorProduct(op, &A));
  for (PetscInt k = 0; k < 2 && !chosen; k++) {
    EPS      eps;
    EPSWhich which;

    PetscCall(EngdSpectrumCreateEPS(spectrum, A, (PetscBool)!op->M, ends[k], &progress, &eps));
    PetscCall(EPSGetWhichEigenpairs(eps, &which));
    if (which != ends[1 - k]) {
      chosen = (PetscBool)(which != ends[k]);
      PetscCall(SolveEPS(spectrum, op, chosen ? ENGD_QUANTITY_CHOSEN : quantity[k], eps, &progress, &imaginary));
    }
    PetscCall(EPSDestroy(&eps));
  }
  PetscCall(MatDestroy(&A));
  if (imaginary > 0)
    PetscCall(PetscPrintf(spectrum->comm, "%s: imaginary parts up to %.1e, which are rounding, are left out\n",
                          engd_spectrum_name[op->kind], (double)imaginary));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is J v = 0 for a random v: SVD fails in its own words where all singular values are zero. One line tells of it */
static PetscErrorCode IsZero(EngdSpectrum spectrum, const EngdSpectrumOperator *op, PetscBool *zero)
{
  Vec       v, Jv;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(op->A, &v, &Jv));
  PetscCall(SetStart(spectrum->functional->problem->seed, v));
  PetscCall(MatMult(op->A, v, Jv));
  PetscCall(VecNorm(Jv, NORM_2, &norm));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Jv));
  *zero = (PetscBool)(norm == 0);
  if (*zero)
    PetscCall(PetscPrintf(spectrum->comm, "%s%s: the Jacobian is exactly zero, and so are all values\n",
                          engd_spectrum_name[op->kind], op->layer ? ", a layer" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* both ends of the singular values of J, or the one that the options ask for */
static PetscErrorCode IterateSVD(EngdSpectrum spectrum, const EngdSpectrumOperator *op)
{
  const SVDWhich       ends[]     = {SVD_LARGEST, SVD_SMALLEST};
  const EngdQuantity   quantity[] = {ENGD_QUANTITY_LARGEST, ENGD_QUANTITY_SMALLEST};
  EngdSpectrumProgress progress   = {0};
  PetscBool            zero       = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(IsZero(spectrum, op, &zero));
  for (PetscInt k = 0; k < 2 && !zero; k++) {
    SVD      svd;
    SVDWhich which;

    PetscCall(EngdSpectrumCreateSVD(spectrum, op->A, ends[k], &progress, &svd));
    PetscCall(SVDGetWhichSingularTriplets(svd, &which));
    if (which == ends[k]) PetscCall(SolveSVD(spectrum, op, quantity[k], svd, &progress));
    PetscCall(SVDDestroy(&svd));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSpectrumIterate - rows of some eigenvalues or singular values of the operator. Collective
*/
PetscErrorCode EngdSpectrumIterate(EngdSpectrum spectrum, const EngdSpectrumOperator *op)
{
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.spectrum, 0, 0, 0, 0));
  if (EngdSpectrumIsOfJacobian(op->kind))
    PetscCall(IterateSVD(spectrum, op));
  else
    PetscCall(IterateEPS(spectrum, op));
  PetscCall(PetscLogEventEnd(engd_log.spectrum, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
