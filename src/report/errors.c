/*
  Errors on points never trained on, with their quadrature weights w_n, for each output with an exact solution u*:

    relative L2 = (sum w |u - u*|^2 / sum w |u*|^2)^(1/2)
    relative H1 = the same with |.|^2 + |grad .|^2, the gradient in space
    max         = max_n |u - u*|

  The states of a Rayleigh quotient have no factor and no order, nor has a basis of a multiple eigenvalue: for each u* the combination of
  all outputs that is nearest takes the place of its output.
  For all these outputs together (sums over outputs first, then the quotient). Local sums, then one reduction; the
  exact values are computed once. Of an exact solution from a file the gradient is not known, and H1 is no number. Where u* vanishes the relative errors are infinite or undefined, and say so.
*/
#include <engd/private.h>
#include <petscblaslapack.h>
#include <math.h>

/* fails where an exact solution has values that are not finite, and where it is one at none of the points */
static PetscErrorCode CheckExact(EngdErrors errors)
{
  const EngdProblem problem = errors->functional->problem;
  const PetscInt    n       = problem->test->nlocal;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < problem->nexact; k++) {
    const char *name  = problem->output[problem->exact_output[k]];
    PetscInt count[2] = {0, 0}; /* points where it, or its square, is not finite, and those where it is a solution */

    for (PetscInt i = 0; i < n; i++) {
      const size_t    at = ENGD_COUNT(k, n) + i;
      const PetscReal in = errors->where ? errors->where[at] : 1;

      if (in == 0) continue;
      count[0] += PetscIsInfOrNanReal(errors->exact[at] * errors->exact[at]) || PetscIsNanReal(in);
      count[1]++;
    }
    PetscCall(MPIU_Allreduce(MPI_IN_PLACE, count, 2, MPIU_INT, MPI_SUM, errors->functional->comm));
    PetscCheck(!count[0], errors->functional->comm, PETSC_ERR_USER_INPUT,
               "-exact_%s, or its square, is not a finite number at %" PetscInt_FMT " of the %" PetscInt_FMT
               " test points: correct it, or the domain",
               name, count[0], problem->test->nglobal);
    PetscCheck(count[1], errors->functional->comm, PETSC_ERR_USER_INPUT,
               "-exact_%s_where holds at none of the %" PetscInt_FMT
               " test points: correct it, or take more -engd_test_points",
               name, problem->test->nglobal);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdErrorsCreate(EngdFunctional functional, EngdErrors *out)
{
  const EngdProblem problem = functional->problem;
  const EngdPoints  points  = problem->test;
  EngdErrors        errors;
  EngdBatch        *x;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&errors));
  errors->functional = functional;
  PetscCall(PetscCalloc1(problem->nexact, &errors->output));
  PetscCall(PetscMalloc1(ENGD_COUNT(problem->exact->ncomponents, points->nlocal), &errors->exact));
  PetscCall(PetscMalloc1(points->dim + points->ndata, &x));
  for (PetscInt i = 0; i < points->dim; i++) x[i] = (EngdBatch){points->x + i, points->dim};
  for (PetscInt i = 0; i < points->ndata; i++)
    x[points->dim + i] = (EngdBatch){points->data_value + i, points->ndata};
  PetscCall(EngdExpressionEvaluate(problem->exact, points->nlocal, x, NULL, NULL, errors->exact, NULL, NULL));
  if (problem->where) {
    PetscCall(PetscMalloc1(ENGD_COUNT(problem->nexact, points->nlocal), &errors->where));
    PetscCall(EngdExpressionEvaluate(problem->where, points->nlocal, x, NULL, NULL, errors->where, NULL, NULL));
  }
  PetscCall(PetscFree(x));
  *out = errors;
  PetscCall(CheckExact(errors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is summed over the points: w |u - u*|^2, w |u*|^2, and the same of the gradients */
enum { SUM_ERROR, SUM_EXACT, SUM_GRADIENT_ERROR, SUM_GRADIENT_EXACT, NSUMS };

/* sum += the local points' part for exact output k; max is of this rank alone */
static void AddPoints(EngdErrors errors, PetscInt k, const PetscReal u[], const PetscReal gradient[],
                      PetscReal sum[NSUMS], PetscReal *max)
{
  const EngdProblem problem = errors->functional->problem;
  const EngdPoints  points  = problem->test;
  const PetscInt    n = points->nlocal, m = problem->noutputs, nspace = points->nspace;
  const PetscReal  *exact = errors->exact + ENGD_COUNT(k, n);
  const PetscReal  *slope = errors->exact + ENGD_COUNT(problem->nexact + k * nspace, n);

  for (PetscInt i = 0; i < n; i++) {
    const PetscReal w = points->weight[i];
    const PetscReal e = u[ENGD_COUNT(i, m) + problem->exact_output[k]] - exact[i];

    if (errors->where && errors->where[ENGD_COUNT(k, n) + i] == 0) continue;
    if (problem->domain->nwindows > 1 &&
        EngdDomainFindWindow(problem->domain, points->x[ENGD_COUNT(i, points->dim) + (size_t)points->nspace]) >
            errors->functional->model->npast)
      continue; /* of a window that is still to come */
    sum[SUM_ERROR] += w * e * e;
    sum[SUM_EXACT] += w * exact[i] * exact[i];
    *max = PetscMax(*max, PetscAbsReal(e));
    for (PetscInt j = 0; gradient && j < nspace; j++) {
      const PetscReal g  = slope[ENGD_COUNT(j, n) + i];
      const PetscReal eg = gradient[(ENGD_COUNT(i, nspace) + j) * m + problem->exact_output[k]] - g;

      sum[SUM_GRADIENT_ERROR] += w * eg * eg;
      sum[SUM_GRADIENT_EXACT] += w * g * g;
    }
  }
}

/* the norms from sums and max; an error that is not finite is not lost in the max, where comparisons drop it */
static void SetNorms(const PetscReal sum[NSUMS], PetscReal max, PetscBool gradients, EngdErrorNorms *norms)
{
  norms->relative_l2 = PetscSqrtReal(sum[SUM_ERROR] / sum[SUM_EXACT]);
  norms->max         = PetscIsInfOrNanReal(sum[SUM_ERROR]) ? sum[SUM_ERROR] : max;
  norms->relative_h1 = (PetscReal)NAN;
  if (!gradients) return;
  norms->relative_h1 =
      PetscSqrtReal((sum[SUM_ERROR] + sum[SUM_GRADIENT_ERROR]) / (sum[SUM_EXACT] + sum[SUM_GRADIENT_EXACT]));
}

/* all sums of all ranks, those of outputs together as the last; max [nexact + 1] likewise */
static PetscErrorCode Reduce(EngdErrors errors, PetscReal sum[][NSUMS], PetscReal max[])
{
  const PetscInt nexact = errors->functional->problem->nexact;
  PetscMPIInt    count;

  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(nexact, &count));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sum, count * NSUMS, MPIU_REAL, MPIU_SUM, errors->functional->comm));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, max, count, MPIU_REAL, MPIU_MAX, errors->functional->comm));
  for (PetscInt k = 0; k < nexact; k++) {
    for (PetscInt s = 0; s < NSUMS; s++) sum[nexact][s] += sum[k][s];
    max[nexact] = PetscMax(max[nexact], max[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u (m, n) <- for each exact output the combination of the m outputs that is nearest to it, by the normal equations of so few */
static PetscErrorCode FitStates(EngdErrors errors, PetscReal u[], PetscReal gradient[])
{
  const EngdProblem problem = errors->functional->problem;
  const EngdPoints  points  = problem->test;
  const PetscInt    n = points->nlocal, m = problem->noutputs, nexact = problem->nexact, ncolumns = m + nexact;
  PetscReal        *G, *row;
  PetscBLASInt     *pivot, order, nrhs, info;
  PetscMPIInt       count;

  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(m * ncolumns, &count));
  PetscCall(PetscBLASIntCast(m, &order));
  PetscCall(PetscBLASIntCast(nexact, &nrhs));
  PetscCall(PetscMalloc2(m, &row, m, &pivot));
  PetscCall(PetscCalloc1(m * ncolumns, &G)); /* sum w u u^T, then sum w u u*^T, by columns */
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal *v = u + ENGD_COUNT(i, m);

    for (PetscInt c = 0; c < ncolumns; c++) {
      const PetscReal other = c < m ? v[c] : errors->exact[ENGD_COUNT(c - m, n) + i];

      for (PetscInt o = 0; o < m; o++) G[c * m + o] += points->weight[i] * v[o] * other;
    }
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, G, count, MPIU_REAL, MPIU_SUM, errors->functional->comm));
  PetscCallBLAS("LAPACKgesv", LAPACKgesv_(&order, &nrhs, G, &order, pivot, G + m * m, &order, &info));
  for (PetscInt i = 0; !info && i < (gradient ? n * (1 + points->nspace) : n); i++) {
    PetscReal *v = i < n ? u + ENGD_COUNT(i, m) : gradient + ENGD_COUNT(i - n, m);

    PetscCall(PetscArraycpy(row, v, m));
    for (PetscInt k = 0; k < nexact; k++) {
      PetscReal *to = v + problem->exact_output[k];

      *to = 0;
      for (PetscInt o = 0; o < m; o++) *to += G[(m + k) * m + o] * row[o];
    }
  }
  PetscCall(PetscFree(G));
  PetscCall(PetscFree2(row, pivot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdErrorsCompute(EngdErrors errors, Vec theta, PetscBool gradients)
{
  const EngdFunctional F      = errors->functional;
  const EngdPoints     points = F->problem->test;
  const PetscInt       nexact = F->problem->nexact;
  const size_t         n      = ENGD_COUNT(points->nlocal, F->problem->noutputs);
  const PetscReal     *values;
  PetscReal(*sum)[NSUMS], *max, *u, *gradient = NULL;

  PetscFunctionBeginUser;
  gradients = (PetscBool)(gradients && F->problem->smooth);
  PetscCall(PetscMalloc1(n, &u));
  if (gradients) PetscCall(PetscMalloc1(n * points->nspace + 1, &gradient));
  PetscCall(PetscCalloc2(nexact + 1, &sum, nexact + 1, &max));
  PetscCall(EngdFunctionalGather(F, theta, &values));
  PetscCall(EngdModelEvaluate(F->model, values, points->nlocal, points->x, u, gradient));
  if (F->outer.nstates) PetscCall(FitStates(errors, u, gradient));
  for (PetscInt k = 0; k < nexact; k++) AddPoints(errors, k, u, gradient, sum[k], &max[k]);
  PetscCall(Reduce(errors, sum, max));
  for (PetscInt k = 0; k < nexact; k++) SetNorms(sum[k], max[k], gradients, &errors->output[k]);
  SetNorms(sum[nexact], max[nexact], gradients, &errors->all);
  PetscCall(PetscFree2(sum, max));
  PetscCall(PetscFree(gradient));
  PetscCall(PetscFree(u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdErrorsDestroy(EngdErrors *errors)
{
  PetscFunctionBeginUser;
  if (!*errors) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*errors)->exact));
  PetscCall(PetscFree((*errors)->where));
  PetscCall(PetscFree((*errors)->output));
  PetscCall(PetscFree(*errors));
  PetscFunctionReturn(PETSC_SUCCESS);
}
