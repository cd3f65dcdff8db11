/*
  The linear algebra of an evolution u_t = f(u): values of v = u - u0 and of f at the points, J and its truncated least squares.

  The problem's one term is v, and a second functional on the same points has f for its residual, so that f and df/dtheta come by
  the same blocks and products. J of v - c f, which implicit schemes ask for, is that of v less c times that of f, both written out.
*/
#include <engd/evolve.h>
#include <engd/private.h>

/* the problem with f in the place of its term */
static PetscErrorCode CreateRateProblem(EngdEvolution e, const char text[])
{
  const EngdProblem problem = e->run->problem;
  EngdTerm          term;
  EngdSymbols       symbols;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&e->problem));
  *e->problem = *problem;
  PetscCall(PetscNew(&term));
  *term = *problem->term[0];
  PetscCall(PetscMalloc1(1, &e->problem->term));
  e->problem->term[0] = term;
  term->pointwise     = NULL;
  PetscCall(EngdProblemGetSymbols(problem, &symbols));
  symbols.ndata = term->points->ndata;
  symbols.data  = (const char *const *)term->points->data_name;
  PetscCall(EngdExpressionCreate(&symbols, &term->expression));
  PetscCall(EngdExpressionAppend(term->expression, "-engd_time_rhs", text));
  PetscCheck(term->expression->ncomponents == problem->noutputs, problem->comm, PETSC_ERR_USER_INPUT,
             "-engd_time_rhs \"%s\": %" PetscInt_FMT " components for %" PetscInt_FMT " unknowns", text,
             term->expression->ncomponents, problem->noutputs);
  PetscCall(EngdExpressionCompile(term->expression, 1));
  PetscCall(EngdPointwiseCreateText(term->expression, &term->pointwise));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is the term linear in the outputs of the networks, which are linear in their last layers */
static PetscErrorCode IsLinear(EngdProblem problem, PetscBool *linear)
{
  const EngdPointwise pointwise = problem->term[0]->pointwise;

  PetscFunctionBeginUser;
  PetscCall(EngdPointwiseDifferentiate(pointwise));
  *linear = (PetscBool)(pointwise->twice && !pointwise->nsecond);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* which parameters move, and what that makes of J */
static PetscErrorCode ChooseParameters(EngdEvolution e, PetscBool last)
{
  const EngdFunctional F = e->run->functional;

  PetscFunctionBeginUser;
  e->n = last ? EngdLastLayerCount(F) : F->model->nparameters;
  if (!last) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(e->n, &e->column));
  EngdLastLayerColumns(F, e->column);
  PetscCall(IsLinear(F->problem, &e->fixed));
  PetscCall(IsLinear(e->problem, &e->linear));
  e->linear = (PetscBool)(e->linear && e->fixed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolveCreateRows(EngdEvolution e, const char text[], PetscBool implicit, PetscBool last)
{
  const EngdFunctional F = e->run->functional;

  PetscFunctionBeginUser;
  PetscCall(CreateRateProblem(e, text));
  PetscCall(ChooseParameters(e, last));
  PetscCall(EngdFunctionalCreate(e->problem, F->network[0], &e->rate));
  for (PetscInt k = 1; k < F->nnetworks; k++) PetscCall(EngdFunctionalAddNetwork(e->rate, F->network[k]));
  e->rate->options              = F->options;
  e->rate->options.block_points = EngdFunctionalBlockSize(F, 0); /* so that its rows are in the order of those of J */
  PetscCall(EngdFunctionalSetUp(e->rate));
  PetscCall(EngdProblemCreateOutputs(e->run->problem, PETSC_FALSE, &e->u));
  PetscCall(EngdFunctionalCreateJacobian(F, &e->J));
  PetscCall(MatCreateVecs(e->J, &e->last, &e->R));
  PetscCall(VecDuplicate(e->R, &e->row));
  PetscCall(VecDuplicate(e->R, &e->base));
  for (PetscInt k = 0; k < (implicit ? 2 : 1); k++) {
    PetscCall(VecDuplicate(e->last, &e->factors[k].theta));
    PetscCall(EngdLeastSquaresCreate(e->run->comm, F->nrows, e->n, NULL, e->rcond, &e->factors[k].ls));
  }
  if (implicit) PetscCall(PetscMalloc1(ENGD_COUNT(F->nrows, e->n), &e->rows));
  PetscCall(PetscMalloc1(e->n, &e->eta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* base <- u - v */
PetscErrorCode EngdEvolveMeasureBase(EngdEvolution e, Vec theta)
{
  const EngdFunctional F      = e->run->functional;
  const EngdPoints     points = F->problem->term[0]->points;
  const PetscInt       nc     = F->problem->noutputs;
  PetscReal           *u, *rows;

  PetscFunctionBeginUser;
  e->problem->term[0]->weight = F->problem->term[0]->weight; /* which may have been chosen since */
  PetscCall(EngdFunctionalWeighBlocks(e->rate));
  PetscCall(EngdEvolveState(e, theta, e->base));
  PetscCall(PetscMalloc1(ENGD_COUNT(points->nlocal, nc), &u));
  PetscCall(EngdModelEvaluateExpression(F->model, e->u, F->present.theta, points->nlocal, points->x, NULL,
                                        points->ndata ? points->data_value : NULL, u));
  PetscCall(VecGetArray(e->base, &rows));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    const EngdBlock *block = &F->block[b];

    for (PetscInt c = 0; c < nc; c++) {
      for (PetscInt i = 0; i < block->n; i++) {
        PetscReal *r = rows + block->row + c * block->n + i;

        *r = PetscSqrtReal(block->weight[i]) * u[ENGD_COUNT(block->start + i, nc) + c] - *r;
      }
    }
  }
  PetscCall(VecRestoreArray(e->base, &rows));
  PetscCall(PetscFree(u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v is u less what is given: u - v is the same at half of theta; rows of J are then those of u, which f goes with */
PetscErrorCode EngdEvolveCheckTerm(EngdEvolution e, Vec theta)
{
  PetscReal moved, changed;
  Vec       half;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(theta, &half));
  PetscCall(VecCopy(theta, half));
  PetscCall(VecScale(half, 0.5));
  PetscCall(EngdEvolveMeasureBase(e, half));
  PetscCall(EngdEvolveState(e, half, e->row));
  PetscCall(VecAXPY(e->row, 1, e->base));
  PetscCall(VecCopy(e->base, e->R));
  PetscCall(EngdEvolveMeasureBase(e, theta));
  PetscCall(VecAXPY(e->R, -1, e->base));
  PetscCall(VecNorm(e->R, NORM_2, &changed));
  PetscCall(EngdEvolveState(e, theta, e->R));
  PetscCall(VecAXPY(e->R, 1, e->base));
  PetscCall(VecAXPY(e->row, -1, e->R));
  PetscCall(VecNorm(e->row, NORM_2, &moved));
  PetscCall(VecDestroy(&half));
  PetscCheck(
      !(changed > 1e-6 * moved), e->run->comm, PETSC_ERR_USER_INPUT,
      "-engd_time_stepping: the residual of %s must be the unknowns, in their order, less their initial values, as "
      "in u - sin(x)",
      e->run->problem->term[0]->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolveState(EngdEvolution e, Vec theta, Vec v)
{
  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(e->run->functional, theta));
  PetscCall(EngdFunctionalResidual(e->run->functional, v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolveRate(EngdEvolution e, Vec theta, Vec f)
{
  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(e->rate, theta));
  PetscCall(EngdFunctionalResidual(e->rate, f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A -= c df/dtheta */
static PetscErrorCode SubtractRate(EngdEvolution e, PetscReal c, Vec theta, PetscInt lda, PetscReal A[])
{
  const PetscInt m = e->rate->nrows;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(e->rate, theta));
  PetscCall(EngdExplicitFillSome(e->rate, e->n, e->column, PetscMax(m, 1), e->rows));
  for (PetscInt j = 0; j < e->n; j++) {
    PetscReal *restrict a       = A + ENGD_COUNT(j, lda);
    const PetscReal *restrict b = e->rows + ENGD_COUNT(j, m);

    for (PetscInt i = 0; i < m; i++) a[i] -= c * b[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolveFactor(EngdEvolution e, EngdEvolveFactors *factors, PetscReal c, Vec theta)
{
  const EngdFunctional F = e->run->functional;
  PetscReal           *A;
  PetscInt             lda;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(EngdFunctionalCheck(F));
  PetscCall(EngdLeastSquaresGetArray(factors->ls, &lda, &A));
  PetscCall(EngdExplicitFillSome(F, e->n, e->column, lda, A));
  if (c != 0) PetscCall(SubtractRate(e, c, theta, lda, A));
  PetscCall(EngdLeastSquaresFactor(factors->ls));
  if (theta != factors->theta) PetscCall(VecCopy(theta, factors->theta));
  factors->lost  = PETSC_FALSE;
  factors->c     = c;
  factors->ready = PETSC_TRUE;
  e->factored++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolveSetRightHandSide(EngdEvolveFactors *factors, Vec R)
{
  const PetscReal *r;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(R, &r));
  PetscCall(EngdLeastSquaresSetRightHandSide(factors->ls, ENGD_LEFT, r));
  PetscCall(VecRestoreArrayRead(R, &r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolveSolve(EngdEvolution e, EngdEvolveFactors *factors, PetscReal cutoff, Vec d)
{
  PetscReal *x;
  PetscInt   begin, end, at;

  PetscFunctionBeginUser;
  PetscCall(EngdLeastSquaresSolve(factors->ls, cutoff, ENGD_RIGHT, e->eta));
  PetscCall(VecGetOwnershipRange(d, &begin, &end));
  PetscCall(VecGetArrayWrite(d, &x));
  if (e->column) PetscCall(PetscArrayzero(x, end - begin));
  for (PetscInt j = 0; j < e->n; j++) {
    at = e->column ? e->column[j] : j;
    if (at >= begin && at < end) x[at - begin] = e->eta[j];
  }
  PetscCall(VecRestoreArrayWrite(d, &x));
  e->solved++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolveDestroyRows(EngdEvolution e)
{
  EngdTerm *term = e->problem ? e->problem->term : NULL;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalDestroy(&e->rate));
  if (term) {
    PetscCall(EngdPointwiseDestroy(&term[0]->pointwise));
    PetscCall(PetscFree(term[0]));
    PetscCall(PetscFree(e->problem->term));
    PetscCall(PetscFree(e->problem));
  }
  PetscCall(EngdExpressionDestroy(&e->u));
  PetscCall(MatDestroy(&e->J));
  PetscCall(VecDestroy(&e->R));
  PetscCall(VecDestroy(&e->row));
  PetscCall(VecDestroy(&e->base));
  PetscCall(VecDestroy(&e->last));
  for (PetscInt k = 0; k < 2; k++) {
    PetscCall(VecDestroy(&e->factors[k].theta));
    if (e->factors[k].ls) PetscCall(EngdLeastSquaresDestroy(&e->factors[k].ls));
  }
  PetscCall(PetscFree(e->rows));
  PetscCall(PetscFree(e->eta));
  PetscCall(PetscFree(e->column));
  PetscFunctionReturn(PETSC_SUCCESS);
}
