/*
  E(u_theta) = sum_t lambda_t sum_n w_n e_t(x_n, Du_theta(x_n)): set-up, parameters, points.

  Each rank reads all of theta and has its own points, cut into blocks. Forward, one rank needs no other; gradients and
  products end with one sum over the ranks. Of theta and of the argument of a product there is one copy on each rank, of
  large networks one on each node (EngdWhole), and one array on each rank for its part of a result. What the blocks hold
  is kept from one product to the next if it fits -engd_memory_limit (memory.c), and is marked stale when theta or the
  points change.
*/
#include <engd/private.h>
#include <unistd.h>

#define SHARE_FROM 100000 /* parameters: below, copies take no memory to speak of, and neither way is quicker */

/*
  EngdFunctionalCreate - the functional of a problem for a network.

  Collective

  Input Parameters:
+ problem - what is solved; borrowed, as the network is
- network - its inputs and outputs must be those of the problem

  Output Parameter:
. functional - to be set up

  Options Database Keys:
+ -engd_memory_limit bytes   - what a rank may keep of the jets between products: 8e9, 8G (k, M, G, T are powers of 1024)
. -engd_block_points n       - points of a block
- -tao_engd_curvature type   - gauss_newton, energy, l2, h1: the metric of the direction; hessian: that of the loss
*/
PetscErrorCode EngdFunctionalCreate(EngdProblem problem, EngdNetwork network, EngdFunctional *functional)
{
  EngdFunctional F;
  PetscMPIInt    size;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&F));
  PetscCall(PetscCommDuplicate(problem->comm, &F->comm, NULL));
  F->problem = problem;
  PetscCall(EngdFunctionalAddNetwork(F, network));
  PetscCallMPI(MPI_Comm_split_type(F->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &F->node));
  PetscCallMPI(MPI_Comm_size(F->node, &size));
  F->options.share_from   = SHARE_FROM;
  F->options.memory_limit = 0.5 * (PetscReal)sysconf(_SC_PHYS_PAGES) * (PetscReal)sysconf(_SC_PAGESIZE) / size;
  /* methods are chosen by it, and all ranks must choose the same */
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &F->options.memory_limit, 1, MPIU_REAL, MPI_MIN, F->comm));
  PetscCall(EngdCurvatureCreate(problem->nterms && problem->term[0]->nstates ? "inverse_iteration" : "gauss_newton",
                                &F->curvature));
  *functional = F;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalAddNetwork - One more network, of a problem that has several.

  Collective

  Input Parameters:
+ functional - before EngdFunctionalSetUp()
- network    - borrowed; the networks are those of -networks in their order, the first the one of EngdFunctionalCreate()

  Source: src/operators/functional.c
*/
PetscErrorCode EngdFunctionalAddNetwork(EngdFunctional F, EngdNetwork network)
{
  PetscFunctionBeginUser;
  PetscCheck(!F->model, F->comm, PETSC_ERR_ORDER, "a functional takes no networks after EngdFunctionalSetUp()");
  PetscCall(PetscRealloc((size_t)(F->nnetworks + 1) * sizeof(*F->network), &F->network));
  F->network[F->nnetworks++] = network;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalSetFromOptions - Reads the options of a functional, those of EngdFunctionalCreate().

  Collective

  Input Parameter:
. functional - before EngdFunctionalSetUp()

  Options Database Keys:
+ -engd_memory_limit bytes - see EngdFunctionalSetMemoryLimit()
. -engd_block_points n     - see EngdFunctionalSetBlockPoints()
- -tao_engd_curvature type - see EngdFunctionalSetCurvature()

  Errors: those of the setters

  Source: src/operators/functional.c
*/
PetscErrorCode EngdFunctionalSetFromOptions(EngdFunctional F)
{
  char      type[256], sentence[640];
  PetscBool set;

  PetscFunctionBeginUser;
  PetscOptionsBegin(F->comm, NULL, "Functional and its operators", "EngdFunctional");
  PetscCall(EngdFunctionalReadMemoryLimit(F, PetscOptionsObject));
  PetscCall(PetscOptionsInt("-engd_block_points",
                            "Points that are worked on at a time, 0 for a size that fits the cache",
                            "EngdFunctionalSetBlockPoints", F->options.block_points, &F->options.block_points, NULL));
  PetscCall(EngdFunctionalSetBlockPoints(F, F->options.block_points));
  PetscCall(EngdRegistryDescribe(&engd_curvatures, "Metric of the direction (hessian: that of the loss)",
                                 sizeof(sentence), sentence));
  PetscCall(PetscOptionsString("-tao_engd_curvature", sentence, "EngdFunctionalSetCurvature", F->curvature->type,
                               type, sizeof(type), &set));
  PetscOptionsEnd();
  if (set) PetscCall(EngdFunctionalSetCurvature(F, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* channels of the entries of a pointwise part; zero for unknown parameters, which have none */
static PetscErrorCode FindChannels(EngdFunctional F, EngdModelLayout layout, EngdPointwise pointwise,
                                   PetscInt **channel)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(pointwise->nentries, channel));
  for (PetscInt e = 0; e < pointwise->nentries; e++) {
    PetscCall(EngdModelLayoutFind(F->model, layout, &pointwise->entry[e], &(*channel)[e]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the layout of a term: what its pointwise part reads, and the outputs that the curvature measures */
static PetscErrorCode SetUpLayout(EngdFunctional F, PetscInt t)
{
  const EngdTerm term  = F->problem->term[t];
  const PetscInt order = PetscMin(F->curvature->values, term->points->interior ? 1 : 0);
  PetscInt       n     = term->pointwise->nentries;
  EngdJetEntry  *entry;
  EngdExpression outputs;

  PetscFunctionBeginUser;
  if (order >= 0) {
    PetscCall(EngdProblemCreateOutputs(F->problem, (PetscBool)(order > 0), &outputs));
    PetscCall(EngdPointwiseCreateText(outputs, &F->term[t].measured));
  }
  PetscCall(PetscMalloc1(n + (order >= 0 ? outputs->nentries : 0), &entry));
  PetscCall(PetscArraycpy(entry, term->pointwise->entry, n));
  for (PetscInt e = 0; order >= 0 && e < outputs->nentries; e++) entry[n++] = outputs->entry[e];
  PetscCall(
      EngdModelLayoutCreateRandom(F->model, term->points->nrandom, term->expression, n, entry, &F->term[t].layout));
  PetscCall(PetscFree(entry));
  PetscCall(FindChannels(F, F->term[t].layout, term->pointwise, &F->term[t].channel));
  if (order >= 0) PetscCall(FindChannels(F, F->term[t].layout, F->term[t].measured, &F->term[t].measured_channel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

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

/* the whole vectors */
static PetscErrorCode SetUpVectors(EngdFunctional F)
{
  const PetscInt p    = F->model->nparameters;
  MPI_Comm       node = p < F->options.share_from ? MPI_COMM_NULL : F->node;
  PetscInt       n = PETSC_DECIDE, size = p;

  PetscFunctionBeginUser;
  PetscCall(PetscSplitOwnership(F->comm, &n, &size)); /* as EngdModelCreateParameters() */
  PetscCall(EngdWholeCreate(F->comm, node, n, &F->present.whole));
  PetscCall(EngdWholeCreate(F->comm, node, n, &F->work.from));
  PetscCall(PetscMalloc1(p, &F->work.sum));
  F->present.theta = EngdWholeArray(F->present.whole);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* blocks of the points of all terms, and all that is as large as they are */
static PetscErrorCode SetUpPoints(EngdFunctional F)
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

/*
  EngdFunctionalSetUp - Lays out blocks of points and their memory, after the options.

  Collective

  Input Parameter:
. functional - its problem and its network have read their options

  Errors: PETSC_ERR_ARG_INCOMP where problem and network do not fit

  Source: src/operators/functional.c
*/
PetscErrorCode EngdFunctionalSetUp(EngdFunctional F)
{
  const PetscInt nterms = F->problem->nterms;
  PetscBool      twice  = (PetscBool)(F->curvature->second || F->curvature->for_hessian);

  PetscFunctionBeginUser;
  PetscCheck(!F->model, F->comm, PETSC_ERR_ORDER, "EngdFunctionalSetUp() a second time");
  PetscCall(PetscMemoryGetCurrentUsage(&F->resident));
  PetscCall(EngdFunctionalCheckTexts(F));
  PetscCall(EngdModelCreate(F->problem, F->nnetworks, F->network, &F->model));
  PetscCall(PetscCalloc1(nterms, &F->term));
  PetscCall(EngdIntegralRowsSetUp(F));
  PetscCall(EngdOuterSetUp(F));
  F->least_squares = PETSC_TRUE;
  for (PetscInt t = 0; t < nterms; t++) {
    const EngdTerm term = F->problem->term[t];

    PetscCheck(term->pointwise->twice || F->curvature->values >= 0 ||
                   !(term->energy || F->curvature->second || F->curvature->for_hessian),
               F->comm, PETSC_ERR_USER_INPUT,
               "-tao_engd_curvature %s: the function of term '%s' has no second derivatives; take %s, or give them",
               F->curvature->type, term->name, term->energy ? "l2 or h1" : "gauss_newton, l2 or h1");
    PetscCall(SetUpLayout(F, t));
    if (term->energy && !term->integral) F->least_squares = PETSC_FALSE;
    if (term->energy && F->curvature->values < 0) twice = PETSC_TRUE;
  }
  if (twice) PetscCall(EngdFunctionalDifferentiate(F));
  PetscCall(SetUpVectors(F));
  PetscCall(SetUpPoints(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gather(EngdWhole whole, Vec distributed)
{
  const PetscReal *mine;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(distributed, &mine));
  PetscCall(EngdWholeGather(whole, mine));
  PetscCall(VecRestoreArrayRead(distributed, &mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is it the vector, with the entries, that the present parameters are */
static PetscErrorCode IsPresent(EngdFunctional F, Vec theta, PetscBool *present)
{
  PetscObjectId    id;
  PetscObjectState state;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectGetId((PetscObject)theta, &id));
  PetscCall(PetscObjectStateGet((PetscObject)theta, &state));
  *present = (PetscBool)(id == F->present.id && state == F->present.state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalGather(EngdFunctional F, Vec distributed, const PetscReal **whole)
{
  PetscBool present = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(IsPresent(F, distributed, &present));
  if (!present) PetscCall(Gather(F->work.from, distributed));
  *whole = present ? F->present.theta : EngdWholeArray(F->work.from);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalReduce(EngdFunctional F, const PetscReal whole[], Vec distributed)
{
  PetscReal *mine;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayWrite(distributed, &mine));
  PetscCall(EngdWholeReduce(F->work.from, whole, mine));
  PetscCall(VecRestoreArrayWrite(distributed, &mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalSetParameters - the point at which loss, gradient, J and G are taken from now on.

  Collective

  Input Parameters:
+ functional - the functional
- theta      - p parameters, spread over the ranks; nothing is done if it has not changed since the last call
*/
PetscErrorCode EngdFunctionalSetParameters(EngdFunctional F, Vec theta)
{
  PetscBool present = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(IsPresent(F, theta, &present));
  if (present) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Gather(F->present.whole, theta));
  PetscCall(PetscObjectGetId((PetscObject)theta, &F->present.id));
  PetscCall(PetscObjectStateGet((PetscObject)theta, &F->present.state));
  for (PetscInt b = 0; b < F->nblocks; b++) F->block[b].current = PETSC_FALSE;
  F->present.generation++;
  if (!F->outer.walks || F->problem->term[0]->walk->begun) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalBeginWalk(F, 0));
  PetscCall(EngdFunctionalAttachPoints(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* does the term take new points at this iteration */
static PetscBool IsDue(EngdTerm term, PetscInt iteration)
{
  const PetscBool over = (PetscBool)(term->adapt.times && term->adapt.done >= term->adapt.times);

  return (PetscBool)(term->resample && iteration % term->resample == 0 && !over);
}

PetscBool EngdFunctionalResamples(EngdFunctional F, PetscInt iteration)
{
  PetscBool due = PETSC_FALSE;

  for (PetscInt t = 0; t < F->problem->nterms; t++) due = (PetscBool)(due || IsDue(F->problem->term[t], iteration));
  return due;
}

/*
  EngdFunctionalResample - new points for the terms that ask for them (-TERM_resample, -TERM_adapt, -TERM_log_psi).

  Collective

  Input Parameters:
+ functional - with its parameters set, where points follow the residual or psi^2
- iteration  - of the outer iteration; a term with period k takes new points when k divides it

  Output Parameter:
. changed - whether any did
*/
PetscErrorCode EngdFunctionalResample(EngdFunctional F, PetscInt iteration, PetscBool *changed)
{
  PetscFunctionBeginUser;
  *changed = PETSC_FALSE;
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    EngdTerm term = F->problem->term[t];

    if (!IsDue(term, iteration)) continue;
    if (term->walk)
      PetscCall(EngdFunctionalWalk(F, t));
    else if (term->adapt.method != ENGD_ADAPT_NONE)
      PetscCall(EngdFunctionalAdapt(F, t));
    else
      PetscCall(EngdPointsSample(term->points, iteration / term->resample));
    *changed = PETSC_TRUE;
  }
  if (*changed) PetscCall(EngdFunctionalAttachPoints(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the blocks and all that is as large as they are; layouts and whole vectors stay */
static PetscErrorCode DestroyPoints(EngdFunctional F)
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
  PetscCall(DestroyPoints(F));
  PetscCall(SetUpPoints(F));
  if (hessian) PetscCall(EngdFunctionalSetUpHessian(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all that is as large as theta, and the layouts */
static PetscErrorCode DestroyModelWork(EngdFunctional F)
{
  PetscFunctionBeginUser;
  for (PetscInt t = 0; F->term && t < F->problem->nterms; t++) {
    PetscCall(EngdModelLayoutDestroy(&F->term[t].layout));
    PetscCall(PetscFree(F->term[t].channel));
    PetscCall(PetscFree(F->term[t].measured_channel));
    PetscCall(EngdPointwiseDestroy(&F->term[t].measured));
  }
  PetscCall(EngdWholeDestroy(&F->work.from));
  PetscCall(PetscFree(F->work.sum));
  PetscCall(EngdIntegralRowsDestroy(F));
  PetscCall(EngdWholeDestroy(&F->present.whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalLayOut(EngdFunctional F)
{
  PetscFunctionBeginUser;
  PetscCheck(!F->outer.nstates && !F->outer.walks && !F->hessian.jet, F->comm, PETSC_ERR_SUP,
             "the networks of a quotient, of walkers or of an exact Hessian keep their widths");
  PetscCall(DestroyPoints(F));
  PetscCall(DestroyModelWork(F));
  PetscCall(EngdModelLayOut(F->model));
  PetscCall(EngdIntegralRowsSetUp(F));
  for (PetscInt t = 0; t < F->problem->nterms; t++) PetscCall(SetUpLayout(F, t));
  F->present.id = 0;
  PetscCall(SetUpVectors(F));
  PetscCall(SetUpPoints(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalDestroy - Frees a functional, not its problem and network.

  Collective

  Input Parameter:
. functional - NULL afterwards

  Source: src/operators/functional.c
*/
PetscErrorCode EngdFunctionalDestroy(EngdFunctional *functional)
{
  EngdFunctional F = *functional;

  PetscFunctionBeginUser;
  if (!F) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DestroyPoints(F));
  for (PetscInt t = 0; F->term && t < F->problem->nterms; t++) {
    PetscCall(PetscFree(F->term[t].shift));
    PetscCall(PetscFree(F->term[t].causal));
    PetscCall(EngdWalkWorkDestroy(&F->term[t].walk));
  }
  PetscCall(DestroyModelWork(F));
  PetscCall(PetscFree(F->term));
  PetscCall(PetscFree(F->trial.sums));
  PetscCall(EngdOuterDestroy(F));
  PetscCall(EngdModelDestroy(&F->model));
  PetscCall(PetscFree(F->network));
  PetscCall(EngdCurvatureDestroy(&F->curvature));
  PetscCallMPI(MPI_Comm_free(&F->node));
  PetscCall(PetscCommDestroy(&F->comm));
  PetscCall(PetscFree(*functional));
  PetscFunctionReturn(PETSC_SUCCESS);
}
