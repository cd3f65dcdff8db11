/*
  E(u_theta) = sum_t lambda_t sum_n w_n e_t(x_n, Du_theta(x_n)): set-up, parameters, points.

  Each rank has whole copies of theta (VecScatterCreateToAll) and its own points, cut into blocks. Forward, one rank
  needs no other; gradients and products end with one reverse scatter. What the blocks hold is kept from one product to
  the next if it fits -engd_memory_limit, and is marked stale when theta or the points change.
*/
#include <engd/private.h>
#include <unistd.h>

/* columns of a layer's matrices in a block: enough for GEMM's full rate, few enough for the second-level cache */
#define BLOCK_COLUMNS 512

/*
  EngdFunctionalCreate - the functional of a problem for a network.

  Collective

  Input Parameters:
+ problem - what is solved; borrowed, as the network is
- network - its inputs and outputs must be those of the problem

  Output Parameter:
. functional - to be set up

  Options Database Keys:
+ -engd_memory_limit bytes   - what a rank may keep of the jets between products
. -engd_block_points n       - points of a block
- -tao_engd_curvature type   - gauss_newton, energy, l2, h1: the metric of the direction; hessian: that of the loss
*/
PetscErrorCode EngdFunctionalCreate(EngdProblem problem, EngdNetwork network, EngdFunctional *functional)
{
  EngdFunctional F;
  MPI_Comm       node;
  PetscMPIInt    size;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&F));
  PetscCall(PetscCommDuplicate(problem->comm, &F->comm, NULL));
  F->problem = problem;
  F->network = network;
  PetscCallMPI(MPI_Comm_split_type(F->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_size(node, &size));
  PetscCallMPI(MPI_Comm_free(&node));
  F->memory_limit = 0.5 * (PetscReal)sysconf(_SC_PHYS_PAGES) * (PetscReal)sysconf(_SC_PAGESIZE) / size;
  /* methods are chosen by it, and all ranks must choose the same */
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &F->memory_limit, 1, MPIU_REAL, MPI_MIN, F->comm));
  PetscCall(EngdCurvatureCreate("gauss_newton", &F->curvature));
  *functional = F;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdFunctionalSetFromOptions - reads the options named above. Collective */
PetscErrorCode EngdFunctionalSetFromOptions(EngdFunctional F)
{
  char      type[256];
  PetscBool set;

  PetscFunctionBeginUser;
  PetscOptionsBegin(F->comm, NULL, "Functional and its operators", "EngdFunctional");
  PetscCall(PetscOptionsReal("-engd_memory_limit", "Bytes that one rank may keep between products, positive",
                             "EngdFunctionalSetMemoryLimit", F->memory_limit, &F->memory_limit, NULL));
  PetscCall(EngdFunctionalSetMemoryLimit(F, F->memory_limit));
  PetscCall(PetscOptionsInt("-engd_block_points",
                            "Points that are worked on at a time, 0 for a size that fits the cache",
                            "EngdFunctionalSetBlockPoints", F->block_points, &F->block_points, NULL));
  PetscCall(EngdFunctionalSetBlockPoints(F, F->block_points));
  PetscCall(
      PetscOptionsString("-tao_engd_curvature",
                         "Metric of the direction: gauss_newton, energy, l2, h1, or the exact hessian of the loss",
                         "EngdFunctionalSetCurvature", F->curvature->type, type, sizeof(type), &set));
  PetscOptionsEnd();
  if (set) PetscCall(EngdFunctionalSetCurvature(F, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* channels of the entries of a pointwise part; zero for unknown parameters, which have none */
static PetscErrorCode FindChannels(EngdFunctional F, EngdJetLayout layout, EngdPointwise pointwise,
                                   PetscInt **channel)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(pointwise->nentries, channel));
  for (PetscInt e = 0; e < pointwise->nentries; e++) {
    if (pointwise->entry[e].output >= F->network->noutputs) continue;
    PetscCall(EngdJetLayoutFind(layout, &pointwise->entry[e], &(*channel)[e]));
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
    PetscCall(EngdPointwiseCreateText(outputs, &F->measured[t]));
  }
  PetscCall(PetscMalloc1(n + (order >= 0 ? outputs->nentries : 0), &entry));
  PetscCall(PetscArraycpy(entry, term->pointwise->entry, n));
  for (PetscInt e = 0; order >= 0 && e < outputs->nentries; e++) entry[n++] = outputs->entry[e];
  PetscCall(EngdModelCreateLayout(F->model, n, entry, &F->layout[t]));
  PetscCall(PetscFree(entry));
  PetscCall(FindChannels(F, F->layout[t], term->pointwise, &F->channel[t]));
  if (order >= 0) PetscCall(FindChannels(F, F->layout[t], F->measured[t], &F->measured_channel[t]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* points of a block of term t */
static PetscInt BlockSize(EngdFunctional F, PetscInt t)
{
  const PetscInt n = F->block_points ? F->block_points : BLOCK_COLUMNS / F->layout[t]->nchannels;

  return PetscMax(1, PetscMin(n, F->problem->term[t]->points->nlocal));
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
    if (F->measured[t]) PetscCall(PetscMalloc1(F->measured[t]->nfirst * block->n, &block->measured));
    PetscCall(PetscMalloc4(pointwise->ncomponents * block->n, &block->value, pointwise->nfirst * block->n,
                           &block->first, pointwise->nsecond * block->n, &block->second, block->n, &block->weight));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyJets(EngdFunctional F)
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; F->keep && b < F->nblocks; b++) PetscCall(EngdJetDestroy(&F->block[b].jet));
  for (PetscInt t = 0; F->scratch && t < F->problem->nterms; t++) PetscCall(EngdJetDestroy(&F->scratch[t]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a jet for each term, and one for each block if these fit the memory limit */
static PetscErrorCode SetUpJets(EngdFunctional F)
{
  PetscFunctionBeginUser;
  PetscCall(DestroyJets(F));
  F->kept_bytes = 0;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    F->kept_bytes += EngdJetBytes(F->network, F->layout[F->block[b].term], F->block[b].n);
    F->block[b].current = PETSC_FALSE;
  }
  F->keep = (PetscBool)(F->kept_bytes <= F->memory_limit);
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    PetscCall(EngdJetCreate(F->network, F->layout[t], BlockSize(F, t), &F->scratch[t]));
  }
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block = &F->block[b];

    if (F->keep)
      PetscCall(EngdJetCreate(F->network, F->layout[block->term], block->n, &block->jet));
    else
      block->jet = F->scratch[block->term];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* jets anew, with the derivatives of sigma that exact Hessians read, and the work of their products */
PetscErrorCode EngdFunctionalSetUpHessian(EngdFunctional F)
{
  PetscFunctionBeginUser;
  if (F->hessian_work) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    PetscCheck(F->problem->term[t]->pointwise->twice, F->comm, PETSC_ERR_USER_INPUT,
               "the exact Hessian: the function of term '%s' has no second derivatives; give them",
               F->problem->term[t]->name);
  }
  for (PetscInt t = 0; t < F->problem->nterms; t++) F->layout[t]->hessian = PETSC_TRUE;
  PetscCall(SetUpJets(F));
  PetscCall(EngdCurvatureCreate("energy", &F->newton));
  PetscCall(EngdJetWorkCreateHessian(F->network, F->columns, &F->hessian_work));
  PetscCall(PetscMalloc1(F->jet_size, &F->dgu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what blocks borrow from the points: coordinates, normals, weights times lambda_t */
PetscErrorCode EngdFunctionalAttachPoints(EngdFunctional F)
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block  = &F->block[b];
    EngdTerm   term   = F->problem->term[block->term];
    EngdPoints points = term->points;

    block->x      = points->x + ENGD_COUNT(block->start, points->dim);
    block->normal = points->normal ? points->normal + ENGD_COUNT(block->start, points->nspace) : NULL;
    for (PetscInt i = 0; i < block->n; i++) {
      block->weight[i] = term->weight * term->measure * points->weight[block->start + i];
    }
    block->current = PETSC_FALSE;
  }
  F->generation++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the whole vectors, and matrices for the largest block */
static PetscErrorCode SetUpWork(EngdFunctional F)
{
  PetscInt columns = 1, entries = 1, nbatches = 1, unknowns = 0;
  Vec      distributed;

  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    EngdPointwise pointwise = F->problem->term[t]->pointwise;

    columns  = PetscMax(columns, BlockSize(F, t) * F->layout[t]->nchannels);
    entries  = PetscMax(entries, BlockSize(F, t) * pointwise->ncomponents);
    unknowns = PetscMax(unknowns, BlockSize(F, t) * F->problem->nunknowns);
    nbatches = PetscMax(nbatches, 2 * F->problem->domain->dim + F->problem->term[t]->points->ndata +
                                      PetscMax(pointwise->nentries, F->measured[t] ? F->measured[t]->nentries : 0));
  }
  F->jet_size = ENGD_COUNT(F->network->noutputs, columns) + (size_t)unknowns;
  entries     = PetscMax(entries, (PetscInt)F->jet_size);
  F->columns  = columns;
  PetscCall(EngdJetWorkCreate(F->network, columns, &F->work));
  PetscCall(PetscMalloc4(entries, &F->du, entries, &F->gu, nbatches, &F->batch, F->model->nparameters, &F->trial));
  PetscCall(EngdModelCreateParameters(F->model, &distributed));
  PetscCall(VecScatterCreateToAll(distributed, &F->scatter, &F->theta));
  PetscCall(VecDuplicate(F->theta, &F->whole));
  PetscCall(VecDuplicate(F->theta, &F->sum));
  PetscCall(VecDestroy(&distributed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdFunctionalSetUp - layouts, blocks and vectors, after the options. Collective */
PetscErrorCode EngdFunctionalSetUp(EngdFunctional F)
{
  const PetscInt nterms = F->problem->nterms;
  PetscInt       total  = 0;

  PetscFunctionBeginUser;
  PetscCall(EngdModelCreate(F->problem, F->network, &F->model));
  PetscCall(PetscCalloc5(nterms, &F->layout, nterms, &F->channel, nterms, &F->scratch, nterms, &F->measured, nterms,
                         &F->measured_channel));
  F->least_squares = PETSC_TRUE;
  for (PetscInt t = 0; t < nterms; t++) {
    const EngdTerm term = F->problem->term[t];

    PetscCheck(term->pointwise->twice || F->curvature->values >= 0 ||
                   !(term->energy || F->curvature->second || F->curvature->exact),
               F->comm, PETSC_ERR_USER_INPUT,
               "-tao_engd_curvature %s: the function of term '%s' has no second derivatives; take %s, or give them",
               F->curvature->type, term->name, term->energy ? "l2 or h1" : "gauss_newton, l2 or h1");
    PetscCall(SetUpLayout(F, t));
    total += (term->points->nlocal + BlockSize(F, t) - 1) / BlockSize(F, t);
    if (term->energy) F->least_squares = PETSC_FALSE;
  }
  PetscCall(PetscCalloc1(total, &F->block));
  for (PetscInt t = 0; t < nterms; t++) {
    const PetscInt n = BlockSize(F, t);

    PetscCall(SetUpBlocks(F, t, (F->problem->term[t]->points->nlocal + n - 1) / n));
  }
  PetscCall(SetUpJets(F));
  PetscCall(SetUpWork(F));
  PetscCall(EngdFunctionalAttachPoints(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalGather(EngdFunctional F, Vec distributed, Vec whole)
{
  PetscFunctionBeginUser;
  PetscCall(VecScatterBegin(F->scatter, distributed, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(F->scatter, distributed, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalReduce(EngdFunctional F, Vec whole, Vec distributed)
{
  PetscFunctionBeginUser;
  PetscCall(VecZeroEntries(distributed));
  PetscCall(VecScatterBegin(F->scatter, whole, distributed, ADD_VALUES, SCATTER_REVERSE));
  PetscCall(VecScatterEnd(F->scatter, whole, distributed, ADD_VALUES, SCATTER_REVERSE));
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
  PetscObjectId    id;
  PetscObjectState state;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectGetId((PetscObject)theta, &id));
  PetscCall(PetscObjectStateGet((PetscObject)theta, &state));
  if (id == F->theta_id && state == F->theta_state) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalGather(F, theta, F->theta));
  F->theta_id    = id;
  F->theta_state = state;
  for (PetscInt b = 0; b < F->nblocks; b++) F->block[b].current = PETSC_FALSE;
  F->generation++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalResample - new points for the terms that ask for them (-TERM_resample).

  Collective

  Input Parameters:
+ functional - the functional
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

    if (!term->resample || iteration % term->resample) continue;
    PetscCall(EngdPointsSample(term->points, iteration / term->resample));
    *changed = PETSC_TRUE;
  }
  if (*changed) PetscCall(EngdFunctionalAttachPoints(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdFunctionalDestroy - frees a functional, not the problem and the network. Collective */
PetscErrorCode EngdFunctionalDestroy(EngdFunctional *functional)
{
  EngdFunctional F = *functional;

  PetscFunctionBeginUser;
  if (!F) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DestroyJets(F));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    PetscCall(PetscFree(F->block[b].measured));
    PetscCall(PetscFree4(F->block[b].value, F->block[b].first, F->block[b].second, F->block[b].weight));
  }
  for (PetscInt t = 0; F->layout && t < F->problem->nterms; t++) {
    PetscCall(EngdJetLayoutDestroy(&F->layout[t]));
    PetscCall(PetscFree(F->channel[t]));
    PetscCall(PetscFree(F->measured_channel[t]));
    PetscCall(EngdPointwiseDestroy(&F->measured[t]));
  }
  PetscCall(PetscFree5(F->layout, F->channel, F->scratch, F->measured, F->measured_channel));
  PetscCall(EngdModelDestroy(&F->model));
  PetscCall(PetscFree(F->block));
  PetscCall(PetscFree4(F->du, F->gu, F->batch, F->trial));
  PetscCall(EngdJetWorkDestroy(&F->work));
  PetscCall(EngdJetWorkDestroy(&F->hessian_work));
  PetscCall(PetscFree(F->dgu));
  PetscCall(VecDestroy(&F->theta));
  PetscCall(VecDestroy(&F->whole));
  PetscCall(VecDestroy(&F->sum));
  PetscCall(VecScatterDestroy(&F->scatter));
  PetscCall(EngdCurvatureDestroy(&F->curvature));
  PetscCall(EngdCurvatureDestroy(&F->newton));
  PetscCall(PetscCommDestroy(&F->comm));
  PetscCall(PetscFree(*functional));
  PetscFunctionReturn(PETSC_SUCCESS);
}
