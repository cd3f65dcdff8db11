/*
  E(u_theta) = sum_t lambda_t sum_n w_n e_t(x_n, Du_theta(x_n)): from the options to the set-up, and the end.

  Each rank reads all of theta (theta.c) and has its own points, cut into blocks (points.c). Forward, one rank needs no
  other; gradients and products end with one sum over the ranks. What the blocks hold is kept from one product to the
  next if it fits -engd_memory_limit (memory.c), and is marked stale when theta or the points change.
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
  for (PetscInt k = 0; k < F->nnetworks; k++) F->network[k]->used = PETSC_TRUE;
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
  PetscCall(EngdFunctionalSetUpVectors(F));
  PetscCall(EngdFunctionalSetUpPoints(F));
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
  PetscCall(EngdIntegralRowsDestroy(F));
  PetscCall(EngdFunctionalDestroyVectors(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalLayOut(EngdFunctional F)
{
  PetscFunctionBeginUser;
  PetscCheck(!F->outer.nstates && !F->outer.walks && !F->hessian.jet, F->comm, PETSC_ERR_SUP,
             "the networks of a quotient, of walkers or of an exact Hessian keep their widths");
  PetscCall(EngdFunctionalDestroyPoints(F));
  PetscCall(DestroyModelWork(F));
  PetscCall(EngdModelLayOut(F->model));
  PetscCall(EngdIntegralRowsSetUp(F));
  for (PetscInt t = 0; t < F->problem->nterms; t++) PetscCall(SetUpLayout(F, t));
  F->present.id = 0;
  PetscCall(EngdFunctionalSetUpVectors(F));
  PetscCall(EngdFunctionalSetUpPoints(F));
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
  PetscCall(EngdFunctionalDestroyPoints(F));
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
