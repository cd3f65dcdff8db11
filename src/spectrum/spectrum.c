/*
  Spectra of a functional's operators in a run: at the end of the training, and every so many iterations of it.

  For each operator wanted, and each of its layers' blocks: all eigenvalues if they are few (dense.c), else both ends
  (iterative.c), the density if asked for (density.c); shown on the screen, kept in the file. Nothing that the training
  reads is changed.
*/
#include <engd/private.h>

/*
  EngdSpectrumCreate - Spectra at the parameters of an optimiser.

  Collective

  Input Parameters:
+ functional - set up; borrowed
- tao        - made by EngdSolverCreate(); borrowed

  Output Parameter:
. spectrum - to be destroyed before them

  Source: src/spectrum/spectrum.c
*/
PetscErrorCode EngdSpectrumCreate(EngdFunctional functional, Tao tao, EngdSpectrum *out)
{
  EngdSpectrum spectrum;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&spectrum));
  PetscCall(PetscCommDuplicate(functional->comm, &spectrum->comm, NULL));
  spectrum->functional = functional;
  spectrum->tao        = tao;
  spectrum->nev        = 10;
  spectrum->dense      = PETSC_TRUE;
  spectrum->nsteps     = 100;
  spectrum->ngrid      = 1000;
  spectrum->width      = 0.005;
  spectrum->last       = -1;
  *out                 = spectrum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSpectrumSetFromOptions - Reads what to compute, and refuses what cannot be computed.

  Collective

  Options Database Keys:
+ -spectrum list                - of hessian, gramian, jacobian, preconditioned, kernel
. -spectrum_every k             - also every k iterations
. -spectrum_nev n               - eigenvalues at each end
. -spectrum_dense bool          - all eigenvalues, by LAPACK
. -spectrum_layers bool         - also of each layer's block
. -spectrum_tolerance tol       - what counts as zero, relative to the largest
. -spectrum_cutoffs list        - of the rank of J, relative to sigma_1
. -spectrum_density probes      - the density, with -spectrum_lanczos_steps, _density_points, _density_width
- -spectrum_output file         - .csv or .h5

  Note: the options of SLEPc's EPS (hessian, gramian, preconditioned) and SVD (jacobian, kernel) are in charge.

  Errors: PETSC_ERR_USER_INPUT for more values than there are, a dense matrix beyond -engd_memory_limit, an operator that the
  problem does not have

  Source: src/spectrum/spectrum.c
*/
PetscErrorCode EngdSpectrumSetFromOptions(EngdSpectrum spectrum)
{
  PetscFunctionBeginUser;
  PetscOptionsBegin(spectrum->comm, NULL, "Spectra of the operators", "EngdSpectrum");
  PetscCall(EngdSpectrumReadOptions(spectrum, PetscOptionsObject));
  PetscOptionsEnd();
  if (spectrum->any) PetscCall(EngdSpectrumCheckOptions(spectrum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same with J, the residual R where its overlap is wanted, and room for the values and the overlaps */
static PetscErrorCode AddSingularOf(EngdSpectrum spectrum, const EngdSpectrumOperator *op, Mat J, Vec R,
                                    PetscReal value[], PetscReal c[])
{
  PetscReal norm = 0;

  PetscFunctionBeginUser;
  if (R) {
    PetscCall(EngdFunctionalResidual(spectrum->functional, R));
    PetscCall(VecNorm(R, NORM_2, &norm));
  }
  PetscCall(EngdDenseSingularValues(J, R, value, R ? c : NULL));
  PetscCall(EngdSpectrumAddAll(spectrum, op, value));
  if (R) PetscCall(EngdSpectrumAddOverlap(spectrum, op, value, norm, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all values of an operator that are made of the singular values of J; of J also the overlap of its range with the residual */
static PetscErrorCode AddSingular(EngdSpectrum spectrum, const EngdSpectrumOperator *op)
{
  EngdSpectrumOperator jacobian;
  PetscReal           *value, *c;
  Vec                  R = NULL;
  PetscErrorCode       ierr;

  PetscFunctionBeginUser;
  PetscCall(EngdSpectrumOperatorCreate(spectrum, ENGD_SPECTRUM_JACOBIAN, op->layer, &jacobian));
  if (op->kind == ENGD_SPECTRUM_JACOBIAN) PetscCall(MatCreateVecs(jacobian.A, NULL, &R));
  PetscCall(PetscMalloc2(op->n, &value, op->n, &c));
  ierr = AddSingularOf(spectrum, op, jacobian.A, R, value, c);
  PetscCall(PetscFree2(value, c));
  PetscCall(VecDestroy(&R));
  PetscCall(EngdSpectrumOperatorDestroy(&jacobian));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all values of an operator; false if it has none by LAPACK, P not being positive definite */
static PetscErrorCode AddDense(EngdSpectrum spectrum, const EngdSpectrumOperator *op, PetscBool *definite)
{
  PetscReal     *value;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  *definite = PETSC_TRUE;
  if (op->nsigma) {
    PetscCall(AddSingular(spectrum, op));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(op->n, &value));
  ierr = EngdDenseEigenvalues(op->A, op->M, value, definite);
  if (!ierr && *definite) ierr = EngdSpectrumAddAll(spectrum, op, value);
  PetscCall(PetscFree(value));
  PetscCall(ierr);
  if (!*definite)
    PetscCall(PetscPrintf(spectrum->comm, "preconditioned: not positive definite, so only the ends are computed\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the rows of an operator that is there */
static PetscErrorCode AddRows(EngdSpectrum spectrum, EngdSpectrumOperator *op)
{
  const PetscBool density = (PetscBool)(op->kind == ENGD_SPECTRUM_HESSIAN || op->kind == ENGD_SPECTRUM_GRAMIAN);
  PetscBool       dense;

  PetscFunctionBeginUser;
  PetscCall(EngdSpectrumIsDense(spectrum, op, &dense));
  if (dense) PetscCall(AddDense(spectrum, op, &dense));
  if (!dense) PetscCall(EngdSpectrumIterate(spectrum, op));
  if (density && spectrum->nprobes) PetscCall(EngdSpectrumAddDensity(spectrum, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the rows of an operator: computed and shown */
static PetscErrorCode ComputeOne(EngdSpectrum spectrum, EngdSpectrumKind kind, PetscInt layer)
{
  const PetscInt       first = spectrum->nrows;
  EngdSpectrumOperator op;
  KSP                  ksp;
  PetscErrorCode       ierr;

  PetscFunctionBeginUser;
  PetscCall(TaoGetKSP(spectrum->tao, &ksp));
  if (kind == ENGD_SPECTRUM_PRECONDITIONED && !ksp) {
    if (!layer) PetscCall(PetscPrintf(spectrum->comm, "preconditioned: this optimiser has no preconditioner\n"));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(EngdSpectrumOperatorCreate(spectrum, kind, layer, &op));
  ierr = AddRows(spectrum, &op);
  PetscCall(EngdSpectrumOperatorDestroy(&op));
  PetscCall(ierr);
  PetscCall(EngdSpectrumPrint(spectrum, first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSpectrumCompute - All spectra wanted, at the parameters theta; shown and written.

  Collective

  Input Parameters:
+ spectrum  - its options read
. theta     - the parameters, which the functional has afterwards
- iteration - to name them by

  Source: src/spectrum/spectrum.c
*/
PetscErrorCode EngdSpectrumCompute(EngdSpectrum spectrum, Vec theta, PetscInt iteration)
{
  const PetscInt nlayers = spectrum->layers ? spectrum->functional->model->nlayers : 0;

  PetscFunctionBeginUser;
  if (!spectrum->any || iteration == spectrum->last) PetscFunctionReturn(PETSC_SUCCESS);
  spectrum->last = iteration;
  PetscCall(EngdFunctionalSetParameters(spectrum->functional, theta));
  for (PetscInt k = 0; k < ENGD_NSPECTRA; k++) {
    for (PetscInt layer = 0; spectrum->wanted[k] && layer <= nlayers; layer++)
      PetscCall(ComputeOne(spectrum, (EngdSpectrumKind)k, layer));
  }
  PetscCall(EngdSpectrumFileWrite(spectrum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdSpectrumMonitor - What is due at this iteration of the run; tao: the optimiser of now, of the preconditioner. Collective */
PetscErrorCode EngdSpectrumMonitor(EngdSpectrum spectrum, Tao tao, Vec theta, PetscInt iteration)
{
  PetscFunctionBeginUser;
  if (!spectrum->any || !spectrum->every || iteration % spectrum->every) PetscFunctionReturn(PETSC_SUCCESS);
  spectrum->tao = tao;
  PetscCall(EngdSpectrumCompute(spectrum, theta, iteration));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdSpectrumFinish - The spectra at the end of the training. Collective */
PetscErrorCode EngdSpectrumFinish(EngdSpectrum spectrum, Tao tao, PetscInt iteration)
{
  Vec theta;

  PetscFunctionBeginUser;
  spectrum->tao = tao;
  PetscCall(TaoGetSolution(tao, &theta));
  PetscCall(EngdSpectrumCompute(spectrum, theta, iteration));
  if (spectrum->any && spectrum->file)
    PetscCall(PetscPrintf(spectrum->comm, "Wrote the spectra to %s\n", spectrum->file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSpectrumDestroy - Frees it, not the functional and the Tao that it is of.

  Collective

  Input Parameter:
. spectrum - NULL afterwards

  Source: src/spectrum/spectrum.c
*/
PetscErrorCode EngdSpectrumDestroy(EngdSpectrum *spectrum)
{
  PetscFunctionBeginUser;
  if (!*spectrum) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*spectrum)->cutoff));
  PetscCall(PetscFree((*spectrum)->file));
  PetscCall(PetscFree((*spectrum)->row));
  PetscCall(PetscCommDestroy(&(*spectrum)->comm));
  PetscCall(PetscFree(*spectrum));
  PetscFunctionReturn(PETSC_SUCCESS);
}
