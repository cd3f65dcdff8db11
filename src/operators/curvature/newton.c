/*
  Curvatures gauss_newton, energy, hessian, rayleigh and inverse_iteration: W from the terms' own derivatives, e the pointwise energy (|r|^2/2 for residuals).

    gauss_newton   W = w D^T D  for a residual,           W = w d^2e/dDu^2  for an energy term
    energy         W = w (D^T D + sum_c r_c S_c),         the same: the Newton metric in function space (ENGD, arXiv 2302.13163)
    inverse_iteration   W = w sum_c slope_c S_c of a quotient: H - E in place of its Hessian, shift-invert in the tangent space
    rayleigh            W = w sum_c slope_c S_c / 2 with the slopes by N alone and the S_c of D: the L2 metric of u/|u|
  hessian        as gauss_newton, for the preconditioner of the exact Hessian (hessian.c)

  For PDEs linear in u the two agree. The root of a residual's D^T D is D itself; other W are split by an eigenvalue
  decomposition at each point and their negative part dropped, so roots belong to preconditioners and
  diagonals, while products use W as it is.
*/
#include <engd/private.h>

typedef struct {
  PetscReal *y;      /* (ncomponents, n) */
  PetscBool  metric; /* of a quotient: of D alone, in place of N - E D */
  PetscInt   ysize;
  PetscReal *W; /* (m, m, n): at each point the eigenvectors of W scaled by the root of the eigenvalue */
  PetscInt   Wsize;
} Newton;

/* is W of this term D^T D and nothing else; of an integral, whose rows of J are those of no point, there is no D^T D */
static PetscBool IsGaussNewton(EngdCurvature curvature, const EngdTerm term)
{
  return (PetscBool)((!term->energy || term->integral) && (!curvature->second || !term->pointwise->nsecond));
}

/* y_c = w slope_c (for energies) or w r_c: the factors of S_c */
static void SecondFactors(EngdFunctional F, const EngdBlock *block, PetscBool metric, PetscReal y[])
{
  const EngdTerm term = F->problem->term[block->term];
  const PetscInt m    = term->pointwise->ncomponents / 2;

  for (PetscInt c = 0; c < term->pointwise->ncomponents; c++) {
    for (PetscInt i = 0; i < block->n; i++) {
      const PetscReal factor = !term->energy ? block->value[c * block->n + i]
                               : !metric     ? EngdBlockShiftedSlope(F, block, c)
                               : c < m       ? 0
                                             : EngdBlockSlope(F, block, c - m) / 2;

      y[c * block->n + i] = block->weight[i] * factor;
    }
  }
}

/* gu += W du */
static PetscErrorCode Apply_Newton(EngdCurvature curvature, EngdFunctional F, const EngdBlock *block,
                                   const PetscReal du[], PetscReal gu[])
{
  Newton        *newton = (Newton *)curvature->data;
  const EngdTerm term   = F->problem->term[block->term];
  const PetscInt n      = block->n;

  PetscFunctionBeginUser;
  PetscCall(EngdCurvatureReserve(term->pointwise->ncomponents * n, &newton->y, &newton->ysize));
  if (!term->energy) {
    PetscCall(EngdBlockFirst(F, block, du, newton->y));
    for (PetscInt c = 0; c < term->pointwise->ncomponents; c++) {
      for (PetscInt i = 0; i < n; i++) newton->y[c * n + i] *= block->weight[i];
    }
    PetscCall(EngdBlockFirstTranspose(F, block, newton->y, gu));
  }
  if (IsGaussNewton(curvature, term)) PetscFunctionReturn(PETSC_SUCCESS);
  SecondFactors(F, block, newton->metric, newton->y);
  PetscCall(EngdBlockSecond(F, block, newton->y, du, gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootCount_Newton(EngdCurvature curvature, EngdFunctional F, PetscInt t, PetscInt *count)
{
  const EngdTerm term = F->problem->term[t];

  PetscFunctionBeginUser;
  *count = !IsGaussNewton(curvature, term) ? term->pointwise->nentries
           : term->integral                ? 0
                                           : term->pointwise->ncomponents;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootsComplete_Newton(EngdCurvature curvature, EngdFunctional F, PetscInt t, PetscBool *complete)
{
  PetscFunctionBeginUser;
  *complete = IsGaussNewton(curvature, F->problem->term[t]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W (m, m) at point i, upper triangle */
static void FormMetric(const EngdTerm term, const EngdBlock *block, const PetscReal y[], PetscInt i, PetscReal W[])
{
  const EngdPointwise ex = term->pointwise;
  const PetscInt      m = ex->nentries, n = block->n;

  for (PetscInt k = 0; k < m * m; k++) W[k] = 0;
  for (PetscInt k = 0; k < ex->nsecond; k++) {
    W[ex->second_other[k] + m * ex->second_entry[k]] += y[ex->second_component[k] * n + i] * block->second[k * n + i];
  }
  for (PetscInt k = 0; !term->energy && k < ex->nfirst; k++) {
    for (PetscInt l = 0; l < ex->nfirst; l++) {
      if (ex->first_component[k] != ex->first_component[l] || ex->first_entry[k] < ex->first_entry[l]) continue;
      W[ex->first_entry[l] + m * ex->first_entry[k]] +=
          block->weight[i] * block->first[k * n + i] * block->first[l * n + i];
    }
  }
}

/* at each point W = V diag(mu) V^T, kept as V diag(sqrt(max(mu, 0))), or of -mu where the curvature's roots are of that part */
static PetscErrorCode FactorMetric(EngdCurvature curvature, EngdFunctional F, const EngdBlock *block)
{
  Newton         *newton = (Newton *)curvature->data;
  const EngdTerm  term   = F->problem->term[block->term];
  const PetscReal sign   = curvature->negative ? -1 : 1;
  const PetscInt  m = term->pointwise->nentries, n = block->n;
  PetscReal      *mu;

  PetscFunctionBeginUser;
  PetscCall(EngdCurvatureReserve(term->pointwise->ncomponents * n, &newton->y, &newton->ysize));
  PetscCall(EngdCurvatureReserve(m * m * n, &newton->W, &newton->Wsize));
  SecondFactors(F, block, newton->metric, newton->y);
  PetscCall(PetscMalloc1(m, &mu));
  for (PetscInt i = 0; i < n; i++) {
    PetscReal *W = newton->W + ENGD_COUNT(i, m * m);
    PetscInt   info;

    FormMetric(term, block, newton->y, i, W);
    PetscCall(EngdSymmetricEigen("V", m, W, mu, &info));
    PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB,
               "the eigendecomposition of the metric of term '%s' failed with info %" PetscInt_FMT, term->name, info);
    for (PetscInt k = 0; k < m; k++) {
      for (PetscInt e = 0; e < m; e++) W[k * m + e] *= PetscSqrtReal(PetscMax(sign * mu[k], 0));
    }
  }
  PetscCall(PetscFree(mu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gu = sqrt(w) D_k, or column k of the scaled eigenvectors */
static PetscErrorCode Root_Newton(EngdCurvature curvature, EngdFunctional F, const EngdBlock *block, PetscInt k,
                                  PetscReal gu[])
{
  Newton             *newton    = (Newton *)curvature->data;
  const EngdTerm      term      = F->problem->term[block->term];
  const EngdPointwise pointwise = term->pointwise;
  const PetscInt      m = pointwise->nentries, n = block->n;

  PetscFunctionBeginUser;
  PetscCall(EngdBlockZero(F, block, gu));
  if (IsGaussNewton(curvature, term)) {
    PetscCall(EngdCurvatureReserve(pointwise->ncomponents * n, &newton->y, &newton->ysize));
    for (PetscInt c = 0; c < pointwise->ncomponents; c++) {
      for (PetscInt i = 0; i < n; i++) newton->y[c * n + i] = c == k ? PetscSqrtReal(block->weight[i]) : 0;
    }
    PetscCall(EngdBlockFirstTranspose(F, block, newton->y, gu));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (k == 0) PetscCall(FactorMetric(curvature, F, block));
  for (PetscInt e = 0; e < m; e++) {
    const EngdPlace at = EngdBlockPlace(F, block, e);

    for (PetscInt i = 0; i < n; i++) gu[at.offset + ENGD_COUNT(i, at.stride)] = newton->W[(i * m + k) * m + e];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Newton(EngdCurvature curvature)
{
  Newton *newton = (Newton *)curvature->data;

  PetscFunctionBeginUser;
  PetscCall(PetscFree(newton->y));
  PetscCall(PetscFree(newton->W));
  PetscCall(PetscFree(newton));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateNewton(EngdCurvature curvature, PetscBool second)
{
  Newton *newton;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&newton));
  curvature->second             = second;
  curvature->data               = newton;
  curvature->ops->apply         = Apply_Newton;
  curvature->ops->rootcount     = RootCount_Newton;
  curvature->ops->root          = Root_Newton;
  curvature->ops->rootscomplete = RootsComplete_Newton;
  curvature->ops->destroy       = Destroy_Newton;
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_CURVATURE("gauss_newton", EngdCurvatureCreate_GaussNewton);
PetscErrorCode EngdCurvatureCreate_GaussNewton(EngdCurvature curvature)
{
  PetscFunctionBeginUser;
  PetscCall(CreateNewton(curvature, PETSC_FALSE));
  curvature->of_residual = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_CURVATURE("energy", EngdCurvatureCreate_Energy);
PetscErrorCode EngdCurvatureCreate_Energy(EngdCurvature curvature)
{
  PetscFunctionBeginUser;
  PetscCall(CreateNewton(curvature, PETSC_TRUE));
  curvature->of_residual = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the operator is that of hessian.c; this W is its Gauss-Newton part */
ENGD_REGISTER_CURVATURE("hessian", EngdCurvatureCreate_Hessian);
PetscErrorCode EngdCurvatureCreate_Hessian(EngdCurvature curvature)
{
  PetscFunctionBeginUser;
  PetscCall(CreateNewton(curvature, PETSC_FALSE));
  curvature->for_hessian = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_CURVATURE("inverse_iteration", EngdCurvatureCreate_InverseIteration);
PetscErrorCode EngdCurvatureCreate_InverseIteration(EngdCurvature curvature)
{
  PetscFunctionBeginUser;
  PetscCall(CreateNewton(curvature, PETSC_TRUE));
  curvature->horizontal = curvature->negative_part = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_CURVATURE("rayleigh", EngdCurvatureCreate_Rayleigh);
PetscErrorCode EngdCurvatureCreate_Rayleigh(EngdCurvature curvature)
{
  PetscFunctionBeginUser;
  PetscCall(EngdCurvatureCreate_InverseIteration(curvature));
  ((Newton *)curvature->data)->metric = PETSC_TRUE;
  curvature->negative_part            = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
