/*
  The options of spectra, and all that can be wrong with them, before the training.

  The options of EPS and SVD are read by solvers made for that alone, so that misspelt ones are refused in time, and these are
  set up, so that methods that cannot do what is asked are refused too; where all
  eigenvalues are computed there is no such solver, and its options are let through.
*/
#include "filter.h"

#define WORDS       512     /* of SLEPc */
#define PROBES_MAX  1000000 /* of a density */
#define GRID_MAX    1000000 /* points that it is given at */
#define DENSE_LIMIT 2000    /* eigenvalues; more are computed densely only when asked for */

/* -spectrum hessian,gramian */
static PetscErrorCode SetWanted(EngdSpectrum spectrum, const char text[])
{
  PetscInt  n;
  char    **names;
  PetscBool same, known;

  PetscFunctionBeginUser;
  PetscCall(EngdParseNames("-spectrum", text, &n, &names));
  for (PetscInt i = 0; i < n; i++) {
    known = PETSC_FALSE;
    for (PetscInt k = 0; k < ENGD_NSPECTRA; k++) {
      PetscCall(PetscStrcmp(names[i], engd_spectrum_name[k], &same));
      if (same) known = spectrum->wanted[k] = spectrum->any = PETSC_TRUE;
    }
    PetscCheck(known, spectrum->comm, PETSC_ERR_USER_INPUT,
               "-spectrum %s: %s is not known; give a list of hessian, gramian, jacobian, preconditioned, kernel",
               text, names[i]);
  }
  PetscCall(EngdListDestroy(n, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what eigenvalues are computed */
static PetscErrorCode ReadValueOptions(EngdSpectrum spectrum, EngdOptionItems PetscOptionsObject)
{
  const char *manual = "EngdSpectrumSetFromOptions";
  char       *text;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-spectrum_nev",
                             "Eigenvalues at each end, positive; default 10, or all if they are fewer", manual, 1,
                             &spectrum->nev));
  PetscCall(PetscOptionsBool("-spectrum_dense",
                             "All eigenvalues by LAPACK; default up to 2000 unless EPS or SVD options are given",
                             manual, spectrum->dense, &spectrum->dense, &spectrum->choose_dense));
  PetscCall(PetscOptionsReal("-spectrum_tolerance",
                             "An eigenvalue within this times the largest counts as zero; 0: rounding, n epsilon",
                             manual, spectrum->tolerance, &spectrum->tolerance, NULL));
  PetscCheck(spectrum->tolerance >= 0 && spectrum->tolerance < 1, spectrum->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-spectrum_tolerance %g: give a number from 0 to below 1", (double)spectrum->tolerance);
  PetscCall(EngdOptionsText(PetscOptionsObject, "-spectrum_cutoffs",
                            "Cut-offs relative to sigma_1 for the rank of the Jacobian, as in 1e-4,1e-8", manual,
                            NULL, NULL, &text));
  if (text) PetscCall(EngdParseReals("-spectrum_cutoffs", text, NULL, &spectrum->ncutoffs, &spectrum->cutoff));
  for (PetscInt k = 0; k < spectrum->ncutoffs; k++)
    PetscCheck(spectrum->cutoff[k] > 0 && spectrum->cutoff[k] < 1, spectrum->comm, PETSC_ERR_ARG_OUTOFRANGE,
               "-spectrum_cutoffs %s: give numbers between 0 and 1", text);
  PetscCall(PetscFree(text));
  PetscCall(PetscOptionsBool("-spectrum_layers", "Also the diagonal block of each layer (of J its columns)", manual,
                             spectrum->layers, &spectrum->layers, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the density */
static PetscErrorCode ReadDensityOptions(EngdSpectrum spectrum, EngdOptionItems PetscOptionsObject)
{
  const char *manual = "EngdSpectrumSetFromOptions";

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-spectrum_density",
                             "Random probes of the density by stochastic Lanczos quadrature, 0 for none", manual, 0,
                             &spectrum->nprobes));
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-spectrum_lanczos_steps",
                             "Steps of Lanczos for each probe, positive", manual, 1, &spectrum->nsteps));
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-spectrum_density_points",
                             "Points of the density's grid, at least 2", manual, 2, &spectrum->ngrid));
  PetscCall(
      PetscOptionsReal("-spectrum_density_width",
                       "Width of the Gaussians that smooth the density, relative to the range of the eigenvalues",
                       manual, spectrum->width, &spectrum->width, NULL));
  PetscCheck(spectrum->nprobes <= PROBES_MAX && spectrum->ngrid <= GRID_MAX, spectrum->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-spectrum_density %" PetscInt_FMT ", -spectrum_density_points %" PetscInt_FMT
             ": at most %d and %d can be had",
             spectrum->nprobes, spectrum->ngrid, PROBES_MAX, GRID_MAX);
  PetscCheck(spectrum->width > 0 && spectrum->width < 1, spectrum->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-spectrum_density_width %g: give a number between 0 and 1", (double)spectrum->width);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSpectrumReadOptions - declares and reads the options; those of details only where there is a spectrum.
*/
PetscErrorCode EngdSpectrumReadOptions(EngdSpectrum spectrum, EngdOptionItems PetscOptionsObject)
{
  const char *manual = "EngdSpectrumSetFromOptions";
  char       *text;
  PetscBool   help;

  PetscFunctionBeginUser;
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-spectrum",
                      "Spectra to compute at the end, a list of hessian, gramian, jacobian, preconditioned, kernel",
                      manual, NULL, NULL, &text));
  if (text) PetscCall(SetWanted(spectrum, text));
  PetscCall(PetscFree(text));
  PetscCall(PetscOptionsHasHelp(NULL, &help));
  if (!spectrum->any && !help) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-spectrum_every",
                             "Also every so many iterations, 0 only at the end of the training", manual, 0,
                             &spectrum->every));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-spectrum_output",
                            "File for all spectra, its name ends in .csv or .h5", manual, NULL, NULL,
                            &spectrum->file));
  PetscCall(ReadValueOptions(spectrum, PetscOptionsObject));
  PetscCall(ReadDensityOptions(spectrum, PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* does the problem, or the optimiser, have what the kind is a spectrum of */
static PetscErrorCode CheckKind(EngdSpectrum spectrum, EngdSpectrumKind kind)
{
  KSP       ksp;
  PetscBool stages;

  PetscFunctionBeginUser;
  PetscCheck(
      !EngdSpectrumIsOfJacobian(kind) || spectrum->functional->least_squares, spectrum->comm, PETSC_ERR_USER_INPUT,
      "-spectrum %s: a term of this problem is an energy, so there is no residual and no Jacobian; take hessian or "
      "gramian",
      engd_spectrum_name[kind]);
  if (kind != ENGD_SPECTRUM_PRECONDITIONED) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TaoGetKSP(spectrum->tao, &ksp));
  PetscCall(
      PetscOptionsHasName(NULL, NULL, "-engd_stages", &stages)); /* then another one may have a preconditioner */
  PetscCheck(ksp || stages, spectrum->comm, PETSC_ERR_USER_INPUT,
             "-spectrum preconditioned: this -tao_type solves no linear systems, so it has no preconditioner");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* bytes of the dense matrices of the operator on the busiest rank */
static PetscErrorCode CountBytes(EngdSpectrum spectrum, const EngdSpectrumOperator *op, PetscReal *bytes)
{
  const EngdFunctional F = spectrum->functional;
  PetscInt             mlocal, N;
  PetscMPIInt          size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(spectrum->comm, &size));
  PetscCallMPI(MPI_Allreduce(&F->nrows, &N, 1, MPIU_INT, MPI_SUM, spectrum->comm));
  mlocal = N >= F->model->nparameters ? F->nrows : F->model->nparameters / size + 1;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &mlocal, 1, MPIU_INT, MPI_MAX, spectrum->comm));
  *bytes = EngdDenseBytes(op, mlocal, spectrum->comm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdSpectrumIsDense - are all eigenvalues of this operator computed: as asked, or because they are few. Collective */
PetscErrorCode EngdSpectrumIsDense(EngdSpectrum spectrum, const EngdSpectrumOperator *op, PetscBool *dense)
{
  PetscReal   bytes;
  PetscMPIInt fits;

  PetscFunctionBeginUser;
  *dense = spectrum->dense;
  if (spectrum->choose_dense || !*dense) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CountBytes(spectrum, op, &bytes));
  fits = (op->nsigma ? op->nsigma : op->n) <= DENSE_LIMIT && bytes <= spectrum->functional->options.memory_limit;
  PetscCallMPI(MPI_Bcast(&fits, 1, MPI_INT, 0, spectrum->comm));
  *dense = fits ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* refuses what does not fit the operator: its number of eigenvalues, the memory */
static PetscErrorCode CheckOperator(EngdSpectrum spectrum, const EngdSpectrumOperator *op, PetscBool dense)
{
  const PetscReal limit = spectrum->functional->options.memory_limit;
  PetscReal       bytes;
  PetscBool       given;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-spectrum_nev", &given));
  PetscCheck(!given || op->layer || spectrum->nev <= op->n, spectrum->comm, PETSC_ERR_USER_INPUT,
             "-spectrum_nev %" PetscInt_FMT ": the %s has only %" PetscInt_FMT " values", spectrum->nev,
             engd_spectrum_name[op->kind], op->n);
  if (!dense) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CountBytes(spectrum, op, &bytes));
  PetscCheck(bytes <= limit, spectrum->comm, PETSC_ERR_USER_INPUT,
             "-spectrum_dense: all %" PetscInt_FMT
             " values of the %s need %.3g bytes on a rank, more than -engd_memory_limit %.3g; raise it, or take "
             "-spectrum_dense false",
             op->n, engd_spectrum_name[op->kind], (double)bytes, (double)limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the first words of an error, for one of ours */
static PetscErrorCode KeepWords(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                                PetscErrorType type, const char *text, void *words)
{
  (void)comm, (void)line, (void)function, (void)file;
  if (type == PETSC_ERROR_INITIAL) (void)PetscStrncpy((char *)words, text, WORDS);
  return code;
}

/* the solvers' own checks of what they can do */
static PetscErrorCode CheckSetUp(EngdSpectrum spectrum, const EngdSpectrumOperator *op, EPS eps, SVD svd)
{
  const char    *type, *transformation = NULL, *kind = engd_spectrum_name[op->kind];
  char           words[WORDS] = "";
  PetscBool      filter       = PETSC_FALSE;
  ST             st;
  PetscErrorCode ierr = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  if (eps) {
    PetscCall(EPSGetST(eps, &st));
    PetscCall(EPSGetType(eps, &type));
    PetscCall(STGetType(st, &transformation));
    PetscCall(EngdSpectrumIsFilter(eps, &filter));
    if (filter) PetscCall(EngdSpectrumPrepareFilter(eps));
  } else {
    PetscCall(SVDGetType(svd, &type));
  }
  PetscCall(PetscPushErrorHandler(KeepWords, words));
  if (eps) ierr = EPSSetUp(eps);
  if (svd) ierr = SVDSetUp(svd);
  PetscCall(PetscPopErrorHandler());
  PetscCheck(!ierr, spectrum->comm, PETSC_ERR_USER_INPUT,
             "-%s_type %s%s%s cannot compute what is asked of the %s, of which there are only products: %s",
             eps ? "eps" : "svd", type, transformation ? " with -st_type " : "", transformation ? transformation : "",
             kind, words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the options of EPS for one end of the operator, and whether that can be computed; what is made for it is of the same size */
static PetscErrorCode ReadEPS(EngdSpectrum spectrum, const EngdSpectrumOperator *op, PetscInt end, PetscInt *nev)
{
  const EPSWhich       ends[]   = {EPS_LARGEST_REAL, EPS_SMALLEST_REAL};
  EngdSpectrumProgress progress = {0};
  EPSWhich             which;
  EPS                  eps;
  Mat                  A;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalCreateGramian(spectrum->functional, &A));
  PetscCall(EngdSpectrumCreateEPS(spectrum, A, (PetscBool)(op->kind != ENGD_SPECTRUM_PRECONDITIONED), ends[end],
                                  &progress, &eps));
  PetscCall(EPSGetDimensions(eps, nev, NULL, NULL));
  PetscCall(EPSGetWhichEigenpairs(eps, &which));
  if (*nev <= op->n && which != ends[1 - end]) PetscCall(CheckSetUp(spectrum, op, eps, NULL));
  PetscCall(EPSDestroy(&eps));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same for SVD and J */
static PetscErrorCode ReadSVD(EngdSpectrum spectrum, const EngdSpectrumOperator *op, PetscInt end, PetscInt *nev)
{
  const SVDWhich       ends[]   = {SVD_LARGEST, SVD_SMALLEST};
  EngdSpectrumProgress progress = {0};
  SVDWhich             which;
  SVD                  svd;
  Mat                  J;
  PetscMPIInt          ranks;
  PetscBool            lapack;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(spectrum->comm, &ranks));
  PetscCall(EngdFunctionalCreateJacobian(spectrum->functional, &J));
  PetscCall(EngdSpectrumCreateSVD(spectrum, J, ends[end], &progress, &svd));
  PetscCall(SVDGetDimensions(svd, nev, NULL, NULL));
  PetscCall(SVDGetWhichSingularTriplets(svd, &which));
  PetscCall(PetscObjectTypeCompare((PetscObject)svd, SVDLAPACK, &lapack));
  PetscCheck(!lapack || ranks == 1, spectrum->comm, PETSC_ERR_USER_INPUT,
             "-svd_type lapack works on one rank alone, not on %d; take -spectrum_dense instead", ranks);
  if (*nev <= op->n && which == ends[end]) PetscCall(CheckSetUp(spectrum, op, NULL, svd));
  PetscCall(SVDDestroy(&svd));
  PetscCall(MatDestroy(&J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the options of EPS or SVD for the operator */
static PetscErrorCode ReadSolverOptions(EngdSpectrum spectrum, const EngdSpectrumOperator *op)
{
  const PetscBool jacobian = EngdSpectrumIsOfJacobian(op->kind);
  PetscInt        nev;

  PetscFunctionBeginUser;
  for (PetscInt end = 0; end < 2; end++) {
    if (jacobian)
      PetscCall(ReadSVD(spectrum, op, end, &nev));
    else
      PetscCall(ReadEPS(spectrum, op, end, &nev));
    PetscCheck(nev <= op->n, spectrum->comm, PETSC_ERR_USER_INPUT,
               "-%s %" PetscInt_FMT ": the %s has only %" PetscInt_FMT " values", jacobian ? "svd_nsv" : "eps_nev",
               nev, engd_spectrum_name[op->kind], op->n);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* have any options with one of these beginnings been given; `let` counts them as read */
static PetscErrorCode HaveOptions(const char *const starts[], size_t n, PetscBool let, PetscBool *any)
{
  PetscInt  count;
  char    **names, **values;
  PetscBool same, found;

  PetscFunctionBeginUser;
  *any = PETSC_FALSE;
  PetscCall(PetscOptionsLeftGet(NULL, &count, &names, &values));
  for (PetscInt i = 0; i < count; i++) {
    for (size_t k = 0; k < n; k++) {
      char option[512];

      PetscCall(PetscStrncmp(names[i], starts[k], strlen(starts[k]), &same));
      if (!same) continue;
      *any = PETSC_TRUE;
      PetscCall(PetscSNPrintf(option, sizeof(option), "-%s", names[i]));
      if (let) PetscCall(PetscOptionsHasName(NULL, NULL, option, &found));
    }
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &count, &names, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdSpectrumCheckOptions - refuses what cannot be computed, and reads the options of the solvers. Collective */
PetscErrorCode EngdSpectrumCheckOptions(EngdSpectrum spectrum)
{
  static const char *const solvers[] = {"eps_", "svd_", "st_", "bv_", "ds_"};
  PetscBool                density = PETSC_FALSE, ranks = PETSC_FALSE, given, dense;
  EngdSpectrumOperator     op;

  PetscFunctionBeginUser;
  PetscCall(HaveOptions(solvers, PETSC_STATIC_ARRAY_LENGTH(solvers), PETSC_FALSE, &given));
  if (!spectrum->choose_dense) spectrum->dense = (PetscBool)!given;
  for (PetscInt k = 0; k < ENGD_NSPECTRA; k++) {
    if (!spectrum->wanted[k]) continue;
    PetscCall(CheckKind(spectrum, (EngdSpectrumKind)k));
    PetscCall(EngdSpectrumOperatorCount(spectrum, (EngdSpectrumKind)k, 0, &op));
    PetscCall(EngdSpectrumIsDense(spectrum, &op, &dense));
    PetscCall(CheckOperator(spectrum, &op, dense));
    if (!dense) PetscCall(ReadSolverOptions(spectrum, &op));
    ranks   = (PetscBool)(ranks || (dense && k == ENGD_SPECTRUM_JACOBIAN));
    density = (PetscBool)(density || k == ENGD_SPECTRUM_HESSIAN || k == ENGD_SPECTRUM_GRAMIAN);
  }
  if (spectrum->any && spectrum->dense)
    PetscCall(HaveOptions(solvers, PETSC_STATIC_ARRAY_LENGTH(solvers), PETSC_TRUE, &given));
  PetscCheck(!spectrum->any || !spectrum->nprobes || density, spectrum->comm, PETSC_ERR_USER_INPUT,
             "-spectrum_density %" PetscInt_FMT
             ": there is a density of the hessian and the gramian only; add one of "
             "them to -spectrum",
             spectrum->nprobes);
  PetscCheck(
      !spectrum->any || !spectrum->ncutoffs || ranks, spectrum->comm, PETSC_ERR_USER_INPUT,
      "-spectrum_cutoffs: ranks need all singular values of the Jacobian; add jacobian to -spectrum and, where "
      "it is large or options of EPS or SVD are given, -spectrum_dense");
  PetscCall(EngdSpectrumFileCheck(spectrum));
  PetscFunctionReturn(PETSC_SUCCESS);
}
