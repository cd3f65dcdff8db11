/*
  The blocks of a functional: the points of each term, cut so that the work on one fits the cache, and all that is as
  large as they are.

  A block borrows coordinates, normals and weights from the points of its term. It has its own values and derivatives of
  the pointwise part, and its own jet if all jets fit -engd_memory_limit (memory.c); else it shares that of its term.
  Points that are taken anew are attached, points that are another number are laid out again.
*/
#include <engd/private.h>

/* cut the local points of term t into blocks of nearly equal size */
static PetscErrorCode SetUpBlocks(EngdFunctional F, PetscInt t, PetscInt nblocks)
{
  EngdTerm       term      = F->problem->term[t];
  EngdPointwise  pointwise = term->pointwise;
  const PetscInt total     = term->points->nlocal;

  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < nblocks; b++) {
    EngdBlock *block = &F->block[F->nblocks++];

    block->term  = t;
    block->start = b * (total / nblocks) + PetscMin(b, total % nblocks);
    block->n     = total / nblocks + (b < total % nblocks);
    block->row   = F->nrows;
    PetscCheck((PetscInt64)F->nrows + (PetscInt64)block->n * pointwise->ncomponents <= PETSC_MAX_INT, PETSC_COMM_SELF,
               PETSC_ERR_ARG_OUTOFRANGE, "term %s: more residuals than this PETSc can number; take fewer points",
               term->name);
    F->nrows += term->energy ? 0 : block->n * pointwise->ncomponents;
    if (term->initial) PetscCall(PetscCalloc1(pointwise->ncomponents * block->n, &block->offset));
    if (F->term[t].measured) PetscCall(PetscMalloc1(F->term[t].measured->nfirst * block->n, &block->measured));
    PetscCall(PetscMalloc3(pointwise->nvalues * block->n, &block->value, pointwise->nfirst * block->n, &block->first,
                           block->n, &block->weight));
    if (F->twice) PetscCall(PetscMalloc1(pointwise->nsecond * block->n, &block->second));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyJets(EngdFunctional F)
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; F->keep && b < F->nblocks; b++) PetscCall(EngdModelJetDestroy(&F->block[b].jet));
  for (PetscInt t = 0; F->term && t < F->problem->nterms; t++) PetscCall(EngdModelJetDestroy(&F->term[t].shared));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a jet for each term, and one for each block if these fit the memory limit */
static PetscErrorCode SetUpJets(EngdFunctional F)
{
  PetscFunctionBeginUser;
  PetscCall(DestroyJets(F));
  F->keep = EngdFunctionalKeepsJets(F);
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    PetscCall(EngdModelJetCreate(F->model, F->term[t].layout, EngdFunctionalBlockSize(F, t), &F->term[t].shared));
  }
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block = &F->block[b];

    block->current = PETSC_FALSE;
    if (F->keep)
      PetscCall(EngdModelJetCreate(F->model, F->term[block->term].layout, block->n, &block->jet));
    else
      block->jet = F->term[block->term].shared;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalDifferentiate(EngdFunctional F)
{
  PetscLogDouble before, after;

  PetscFunctionBeginUser;
  if (F->twice) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMemoryGetCurrentUsage(&before));
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    PetscCall(EngdPointwiseDifferentiate(F->problem->term[t]->pointwise));
    PetscCall(EngdFunctionalCheckTexts(F));
  }
  PetscCall(PetscMemoryGetCurrentUsage(&after));
  F->resident += PetscMax(after - before, 0);
  F->twice = PETSC_TRUE;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block = &F->block[b];

    PetscCall(PetscMalloc1(F->problem->term[block->term]->pointwise->nsecond * block->n, &block->second));
    block->current = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* jets anew, with the derivatives of sigma that exact Hessians read, and the work of their products */
PetscErrorCode EngdFunctionalSetUpHessian(EngdFunctional F)
{
  const EngdBlockSizes size = EngdFunctionalLargestSizes(F);

  PetscFunctionBeginUser;
  if (F->hessian.jet) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!F->outer.nstates && !F->outer.walks, F->comm, PETSC_ERR_USER_INPUT,
             "the exact Hessian of a quotient or of walkers is not here; take -tao_engd_curvature %s",
             F->outer.walks ? "gauss_newton" : "inverse_iteration or rayleigh");
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    PetscCheck(F->problem->term[t]->pointwise->twice, F->comm, PETSC_ERR_USER_INPUT,
               "the exact Hessian: the function of term '%s' has no second derivatives; give them",
               F->problem->term[t]->name);
  }
  PetscCall(EngdFunctionalDifferentiate(F));
  for (PetscInt t = 0; t < F->problem->nterms; t++) PetscCall(EngdModelLayoutKeepHessian(F->term[t].layout));
  PetscCall(SetUpJets(F));
  PetscCall(EngdCurvatureCreate("energy", &F->hessian.newton));
  PetscCall(EngdModelWorkCreate(F->model, size.columns, PETSC_TRUE, &F->hessian.jet));
  PetscCall(PetscMalloc1(size.jet, &F->hessian.dgu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalWeighBlocks(EngdFunctional F)
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock       *block  = &F->block[b];
    const EngdTerm   term   = F->problem->term[block->term];
    const EngdPoints points = term->points;
    const PetscReal  lambda = term->integral ? PetscSqrtReal(term->weight) : term->weight;

    for (PetscInt i = 0; i < block->n; i++)
      block->weight[i] = lambda * term->measure * points->weight[block->start + i] *
                         EngdFunctionalCausalWeight(F, block->term, block->x + ENGD_COUNT(i, points->dim));
  }
  F->present.generation++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what blocks borrow from the points: coordinates, normals, weights times lambda_t; and where a window of time goes on from */
PetscErrorCode EngdFunctionalAttachPoints(EngdFunctional F)
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block  = &F->block[b];
    EngdTerm   term   = F->problem->term[block->term];
    EngdPoints points = term->points;

    block->x         = points->x + ENGD_COUNT(block->start, points->dim);
    block->normal    = points->normal ? points->normal + ENGD_COUNT(block->start, points->nspace) : NULL;
    block->dimension = points->nrandom ? points->dimension + ENGD_COUNT(block->start, points->nrandom) : NULL;
    if (block->offset && F->model->npast)
      PetscCall(EngdBlockSetOffset(F, block, F->model->past[F->model->npast - 1]));
    else if (block->offset)
      PetscCall(PetscArrayzero(block->offset, block->n * term->pointwise->ncomponents));
    block->current = PETSC_FALSE;
  }
  PetscCall(EngdFunctionalWeighBlocks(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the scratch that every functional needs, as large as the largest block */
static PetscErrorCode SetUpWork(EngdFunctional F)
{
  const EngdBlockSizes size = EngdFunctionalLargestSizes(F);
  EngdBlockWork       *work = &F->work;

  PetscFunctionBeginUser;
  PetscCall(EngdModelWorkCreate(F->model, size.columns, PETSC_FALSE, &work->jet));
  PetscCall(PetscMalloc3(size.jet, &work->du, size.jet, &work->gu, size.values, &work->y));
  PetscCall(PetscMalloc1(size.values, &F->trial.value));
  PetscCall(PetscMalloc2(size.inputs, &F->pointwise.batch, size.values, &F->pointwise.value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* blocks of the points of all terms, and all that is as large as they are */
PetscErrorCode EngdFunctionalSetUpPoints(EngdFunctional F)
{
  PetscInt total = 0;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalFitBlocks(F));
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    const PetscInt n = EngdFunctionalBlockSize(F, t);

    total += (F->problem->term[t]->points->nlocal + n - 1) / n;
  }
  F->nblocks = F->nrows = 0;
  PetscCall(PetscCalloc1(total, &F->block));
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    const PetscInt n = EngdFunctionalBlockSize(F, t);

    PetscCall(SetUpBlocks(F, t, (F->problem->term[t]->points->nlocal + n - 1) / n));
  }
  F->nrows += F->integral.here;
  PetscCall(SetUpJets(F));
  PetscCall(SetUpWork(F));
  PetscCall(EngdFunctionalAttachPoints(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the blocks and all that is as large as they are; layouts and whole vectors stay */
PetscErrorCode EngdFunctionalDestroyPoints(EngdFunctional F)
{
  PetscFunctionBeginUser;
  PetscCall(DestroyJets(F));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    PetscCall(PetscFree(F->block[b].offset));
    PetscCall(PetscFree(F->block[b].measured));
    PetscCall(PetscFree3(F->block[b].value, F->block[b].first, F->block[b].weight));
    PetscCall(PetscFree(F->block[b].second));
  }
  PetscCall(PetscFree(F->block));
  PetscCall(EngdModelWorkDestroy(&F->work.jet));
  PetscCall(PetscFree3(F->work.du, F->work.gu, F->work.y));
  PetscCall(EngdCurvatureDestroy(&F->hessian.newton));
  PetscCall(EngdModelWorkDestroy(&F->hessian.jet));
  PetscCall(PetscFree(F->hessian.dgu));
  PetscCall(PetscFree(F->trial.value));
  PetscCall(PetscFree2(F->pointwise.batch, F->pointwise.value));
  PetscCall(PetscFree(F->rows.x));
  PetscCall(PetscFree(F->rows.y));
  PetscCall(EngdMatMatWorkDestroy(&F->matmat));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalResize(EngdFunctional F)
{
  const PetscBool hessian = (PetscBool)(F->hessian.jet != NULL);

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalForgetMultipliers(F));
  PetscCall(EngdFunctionalDestroyPoints(F));
  PetscCall(EngdFunctionalSetUpPoints(F));
  if (hessian) PetscCall(EngdFunctionalSetUpHessian(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}
