/*
  Preconditioner kfac: Kronecker-factored approximate curvature for PDE losses, -pc_type kfac.

    P^{-1} = blockdiag over layers of (A_1 (x) B_1 + A_2 (x) B_2)^{-1}, every factor damped by lambda I

  A PCSHELL under a name of its own. For CG on G = J^T W J, for LSQR on J (P approximates J^T J), and with -ksp_type
  preonly for the direction of the KFAC optimiser. A set-up at a new theta refreshes the factors (kfac_factors.c) and
  inverts them (kronecker.c), each layer on the rank that owns it. Blind to what couples two layers.
  Reference: Dangel, Mueller, Zeinhofer, Kronecker-factored approximate curvature for PINNs, arXiv 2405.15603.
*/
#include "kfac.h"

PetscErrorCode EngdKfacGet(PC pc, EngdKfac **kfac)
{
  PetscFunctionBeginUser;
  PetscCall(EngdPCGetData(pc, "kfac", (void **)kfac));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* free all that belongs to one Gramian */
static PetscErrorCode Reset(EngdKfac *kfac)
{
  PetscFunctionBeginUser;
  for (PetscInt l = 0; l < kfac->nlayers; l++) PetscCall(EngdKroneckerDestroy(&kfac->layer[l].block));
  PetscCall(PetscFree(kfac->layer));
  PetscCall(PetscFree(kfac->work));
  PetscCall(VecDestroy(&kfac->owned));
  PetscCall(VecScatterDestroy(&kfac->scatter));
  kfac->nlayers = kfac->setups = kfac->updates = kfac->inversions = 0;
  kfac->point                                                     = (EngdPCPoint){0, -1};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* operations of the eigendecompositions of a layer, up to a factor */
static PetscReal InversionCost(const EngdKfacLayer *layer)
{
  return PetscPowRealInt(layer->block.m, 3) + PetscPowRealInt(layer->block.n, 3);
}

/* the costliest layer without an owner goes to the rank with the least to do, until none is left */
static PetscErrorCode AssignOwners(EngdKfac *kfac)
{
  PetscMPIInt size;
  PetscReal  *load;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(kfac->functional->comm, &size));
  PetscCall(PetscCalloc1(size, &load));
  for (PetscInt left = kfac->nlayers; left > 0; left--) {
    EngdKfacLayer *next = NULL;
    PetscMPIInt    idle = 0;

    for (PetscInt l = 0; l < kfac->nlayers; l++) {
      EngdKfacLayer *layer = &kfac->layer[l];

      if (layer->owner < 0 && (!next || InversionCost(layer) > InversionCost(next))) next = layer;
    }
    for (PetscMPIInt r = 1; r < size; r++) {
      if (load[r] < load[idle]) idle = r;
    }
    next->owner = idle;
    load[idle] += InversionCost(next);
  }
  PetscCall(PetscFree(load));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta, spread over the ranks as G is -> the layers that a rank owns, one after the other */
static PetscErrorCode CreateScatter(EngdKfac *kfac, Mat G)
{
  const MPI_Comm comm   = kfac->functional->comm;
  PetscInt       nowned = 0, *from;
  PetscMPIInt    rank;
  Vec            theta;
  IS             layers;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (PetscInt l = 0; l < kfac->nlayers; l++)
    nowned += kfac->layer[l].owner == rank ? kfac->layer[l].block.m * kfac->layer[l].block.n : 0;
  PetscCall(PetscMalloc1(nowned, &from));
  nowned = 0;
  for (PetscInt l = 0; l < kfac->nlayers; l++) {
    EngdKfacLayer *layer = &kfac->layer[l];

    if (layer->owner != rank) continue;
    layer->start = nowned;
    for (PetscInt j = 0; j < layer->block.m * layer->block.n; j++) from[nowned++] = layer->offset + j;
  }
  PetscCall(ISCreateGeneral(comm, nowned, from, PETSC_OWN_POINTER, &layers));
  PetscCall(VecCreateMPI(comm, nowned, PETSC_DETERMINE, &kfac->owned));
  PetscCall(MatCreateVecs(G, &theta, NULL));
  PetscCall(VecScatterCreate(theta, layers, kfac->owned, NULL, &kfac->scatter));
  PetscCall(VecDestroy(&theta));
  PetscCall(ISDestroy(&layers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is each row of J one of a point */
static PetscErrorCode CheckTerms(EngdFunctional F)
{
  PetscFunctionBeginUser;
  PetscCheck(
      !F->integral.n || F->curvature->values >= 0, F->comm, PETSC_ERR_USER_INPUT,
      "-pc_type kfac: the integral of term '%s' couples all points, which no factor of a layer is made of; take "
      "-pc_type nystrom, or a direction on J such as -tao_engd_direction tsvd",
      F->problem->term[F->integral.term[0]]->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdKfacCheck - does a PC, if it is of type kfac, suit the terms, before there is an operator. Collective */
PetscErrorCode EngdKfacCheck(PC pc, EngdFunctional F)
{
  EngdKfac *kfac;

  PetscFunctionBeginUser;
  PetscCall(EngdPCGetData(pc, "kfac", (void **)&kfac));
  if (kfac) PetscCall(CheckTerms(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* which groups of terms each layer has factors of; without any, the network is not read and keeps F_0 = I */
static PetscErrorCode FindGroups(EngdKfac *kfac, EngdFunctional F)
{
  PetscBool any = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(CheckTerms(F));
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    PetscInt nroots;

    PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, t, &nroots));
    any = (PetscBool)(any || nroots);
    for (PetscInt l = 0; nroots && l < kfac->nlayers; l++) {
      if (EngdModelLayerLayout(F->model, F->term[t].layout, l))
        kfac->layer[l].present[EngdKfacGroup(F, t)] = PETSC_TRUE;
    }
  }
  PetscCheck(any, F->comm, PETSC_ERR_USER_INPUT,
             "-pc_type kfac: none of the %" PetscInt_FMT " terms reads an unknown, so there is no curvature",
             F->problem->nterms);
  for (PetscInt l = 0; l < kfac->nlayers; l++) {
    if (!kfac->layer[l].present[0] && !kfac->layer[l].present[1]) kfac->layer[l].present[0] = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* groups, layers, owners and vectors for the network behind this Gramian */
static PetscErrorCode Build(EngdKfac *kfac, Mat G, EngdFunctional F)
{
  size_t      largest = 0;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCall(Reset(kfac));
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  kfac->functional = F;
  kfac->nlayers    = F->model->nlayers;
  PetscCall(PetscCalloc1(kfac->nlayers, &kfac->layer));
  for (PetscInt l = 0; l < kfac->nlayers; l++) {
    kfac->layer[l].owner   = -1;
    kfac->layer[l].offset  = F->model->layer[l].offset;
    kfac->layer[l].block.m = F->model->layer[l].n_out;
    kfac->layer[l].block.n = F->model->layer[l].n_in + 1;
  }
  PetscCall(FindGroups(kfac, F));
  PetscCall(AssignOwners(kfac));
  PetscCall(CreateScatter(kfac, G));
  for (PetscInt l = 0; l < kfac->nlayers; l++) {
    EngdKronecker *block = &kfac->layer[l].block;

    if (kfac->layer[l].owner != rank) continue;
    PetscCall(EngdKroneckerCreate(block->m, block->n, kfac->layer[l].present, block));
    largest = PetscMax(largest, ENGD_COUNT(block->m, block->n));
  }
  PetscCall(PetscMalloc1(largest, &kfac->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the inverse of each layer at its owner; all ranks learn of a failure and fail alike */
static PetscErrorCode Invert(EngdKfac *kfac)
{
  const MPI_Comm    comm  = kfac->functional->comm;
  const char *const why[] = {"", "are not finite", "have no eigendecomposition (LAPACK syevd failed)",
                             "are zero and cannot be inverted; give a positive -pc_kfac_damping"};
  const PetscInt    kinds = PETSC_STATIC_ARRAY_LENGTH(why);
  PetscInt          worst = 0; /* layer * kinds + failure */
  PetscMPIInt       rank;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.kfac_invert, 0, 0, 0, 0));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (PetscInt l = 0; l < kfac->nlayers; l++) {
    EngdKroneckerFailure failure;

    if (kfac->layer[l].owner != rank) continue;
    PetscCall(EngdKroneckerInvert(&kfac->layer[l].block, kfac->damping, &failure));
    if (failure) worst = l * kinds + (PetscInt)failure;
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &worst, 1, MPIU_INT, MPI_MAX, comm));
  PetscCall(PetscLogEventEnd(engd_log.kfac_invert, 0, 0, 0, 0));
  PetscCheck(!worst, comm, ENGD_ERR_NUMERICS, "kfac: the factors of layer %" PetscInt_FMT " %s (damping %g)",
             worst / kinds + 1, why[worst % kinds], (double)kfac->damping);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc calls this when the state of G has changed; a set-up counts when theta or the points have */
static PetscErrorCode PCSetUp_KFAC(PC pc)
{
  EngdKfac      *kfac;
  EngdFunctional F;
  EngdPCPoint    point;
  PetscBool      other, moved, reused;
  Mat            G;

  PetscFunctionBeginUser;
  PetscCall(EngdKfacGet(pc, &kfac));
  PetscCall(PCGetOperators(pc, NULL, &G));
  PetscCall(EngdGramianGetFunctional(G, &F));
  PetscCheck(F, PetscObjectComm((PetscObject)pc), PETSC_ERR_USER_INPUT,
             "-pc_type kfac: kfac needs the Gramian of an engd functional, not a matrix of type %s",
             ((PetscObject)G)->type_name);
  point = kfac->point;
  PetscCall(EngdPCIsReused(pc, G, &point, &reused));
  PetscCall(EngdPCPointUpdate(G, &point, &other, &moved));
  if (!moved || reused) PetscFunctionReturn(PETSC_SUCCESS);
  if (other) PetscCall(Build(kfac, G, F));
  kfac->point = point;
  if (kfac->setups++ % kfac->update_every) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdKfacUpdateFactors(kfac));
  if (kfac->updates++ % kfac->invert_every) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Invert(kfac));
  kfac->inversions++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = P^{-1} x */
static PetscErrorCode PCApply_KFAC(PC pc, Vec x, Vec y)
{
  EngdKfac   *kfac;
  PetscReal  *owned;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCall(EngdKfacGet(pc, &kfac));
  PetscCall(PetscLogEventBegin(engd_log.kfac_apply, 0, 0, 0, 0));
  PetscCallMPI(MPI_Comm_rank(kfac->functional->comm, &rank));
  PetscCall(VecScatterBegin(kfac->scatter, x, kfac->owned, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(kfac->scatter, x, kfac->owned, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArray(kfac->owned, &owned));
  for (PetscInt l = 0; l < kfac->nlayers; l++) {
    EngdKfacLayer *layer = &kfac->layer[l];

    if (layer->owner == rank) PetscCall(EngdKroneckerApply(&layer->block, owned + layer->start, kfac->work));
  }
  PetscCall(VecRestoreArray(kfac->owned, &owned));
  PetscCall(VecScatterBegin(kfac->scatter, kfac->owned, y, INSERT_VALUES, SCATTER_REVERSE));
  PetscCall(VecScatterEnd(kfac->scatter, kfac->owned, y, INSERT_VALUES, SCATTER_REVERSE));
  PetscCall(PetscLogEventEnd(engd_log.kfac_apply, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* factors and inverse of a layer, which its owner has */
static PetscErrorCode LayerState(EngdKfac *kfac, PetscInt l, EngdArchive a)
{
  EngdKfacLayer *layer = &kfac->layer[l];
  EngdKronecker *block = &layer->block;
  const size_t   m = (size_t)block->m, n = (size_t)block->n;
  char           name[32];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(name, sizeof(name), "layer_%" PetscInt_FMT, l));
  PetscCall(EngdArchivePush(a, name));
  for (PetscInt g = 0; g < ENGD_KFAC_GROUPS; g++) {
    if (!layer->present[g]) continue;
    PetscCall(EngdArchiveOwnerReals(a, g ? "A2" : "A1", layer->owner, n * n, block->A[g]));
    PetscCall(EngdArchiveOwnerReals(a, g ? "B2" : "B1", layer->owner, m * m, block->B[g]));
  }
  PetscCall(EngdArchiveOwnerReals(a, "KA", layer->owner, n * n, block->KA));
  PetscCall(EngdArchiveOwnerReals(a, "sA", layer->owner, n, block->sA));
  PetscCall(EngdArchiveOwnerReals(a, "KB", layer->owner, m * m, block->KB));
  PetscCall(EngdArchiveOwnerReals(a, "sB", layer->owner, m, block->sB));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* forgetting leaves what an application may read without another set-up (-ksp_reuse_preconditioner); a set-up builds anew */
static PetscErrorCode State_KFAC(PC pc, Mat G, EngdArchive a, void *data)
{
  EngdKfac      *kfac  = (EngdKfac *)data;
  PetscBool      built = (PetscBool)(kfac->nlayers > 0);
  EngdFunctional F;

  PetscFunctionBeginUser;
  (void)pc;
  PetscCall(EngdArchiveBool(a, "built", &built, PETSC_FALSE));
  if (!built) {
    if (EngdArchiveChanges(a)) kfac->point = (EngdPCPoint){0, -1};
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (EngdArchiveChanges(a)) {
    PetscCall(EngdGramianGetFunctional(G, &F));
    PetscCall(Build(kfac, G, F));
  }
  PetscCall(EngdPCPointState(G, &kfac->point, a));
  PetscCall(EngdArchiveCount(a, "setups", &kfac->setups, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveCount(a, "updates", &kfac->updates, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveCount(a, "inversions", &kfac->inversions, ENGD_ARCHIVE_MANY));
  for (PetscInt l = 0; l < kfac->nlayers; l++) PetscCall(LayerState(kfac, l, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_KFAC(PC pc, EngdOptionItems PetscOptionsObject, void *data)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)pc);
  EngdKfac      *kfac = (EngdKfac *)data;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "KFAC");
  PetscCall(PetscOptionsReal("-pc_kfac_damping", "Added to the diagonal of every factor, zero or positive",
                             "PCCreate_KFAC", kfac->damping, &kfac->damping, NULL));
  PetscCall(PetscOptionsReal("-pc_kfac_ema",
                             "Weight of the past in the moving average of the factors, from 0 to below 1",
                             "PCCreate_KFAC", kfac->ema, &kfac->ema, NULL));
  PetscCall(PetscOptionsInt("-pc_kfac_update_every", "Set-ups from one refresh of the factors to the next, positive",
                            "PCCreate_KFAC", kfac->update_every, &kfac->update_every, NULL));
  PetscCall(PetscOptionsInt("-pc_kfac_invert_every", "Refreshes from one inversion to the next, positive",
                            "PCCreate_KFAC", kfac->invert_every, &kfac->invert_every, NULL));
  PetscOptionsHeadEnd();
  PetscCheck(kfac->damping >= 0 && !PetscIsInfReal(kfac->damping), comm, PETSC_ERR_USER_INPUT,
             "-pc_kfac_damping %g: give zero or a positive number", (double)kfac->damping);
  PetscCheck(kfac->ema >= 0 && kfac->ema < 1, comm, PETSC_ERR_USER_INPUT,
             "-pc_kfac_ema %g: give a number from 0 to below 1", (double)kfac->ema);
  PetscCheck(kfac->update_every > 0, comm, PETSC_ERR_USER_INPUT,
             "-pc_kfac_update_every %" PetscInt_FMT ": give a positive number", kfac->update_every);
  PetscCheck(kfac->invert_every > 0, comm, PETSC_ERR_USER_INPUT,
             "-pc_kfac_invert_every %" PetscInt_FMT ": give a positive number", kfac->invert_every);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Factors and inverses of the layers of this rank, their block of theta and the places of its entries; on all ranks the new factors
   before they are summed, or, where it is more, what the inversion of the largest layer takes: four matrices */
static PetscReal Bytes_KFAC(void *data)
{
  const EngdKfac *kfac = (const EngdKfac *)data;
  PetscReal       held = 0, inversion = 0, owned = 0;

  for (PetscInt l = 0; l < kfac->nlayers; l++) {
    const EngdKronecker *block = &kfac->layer[l].block;
    const PetscReal      a = PetscSqr((PetscReal)block->n), b = PetscSqr((PetscReal)block->m);

    if (!block->KA) continue;
    owned += (PetscReal)block->m * block->n;
    held += (1 + (block->A[0] ? 1 : 0) + (block->A[1] ? 1 : 0)) * (a + b);
    inversion = PetscMax(inversion, 4 * PetscMax(a, b));
  }
  if (!kfac->nlayers) return 0;
  return sizeof(PetscReal) * (held + PetscMax((PetscReal)EngdKfacCountSums(kfac), inversion) + owned) +
         3 * sizeof(PetscInt) * owned;
}

static PetscErrorCode Free_KFAC(void *data)
{
  PetscFunctionBeginUser;
  PetscCall(Reset((EngdKfac *)data));
  PetscCall(PetscFree(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
  kfac - Kronecker-factored approximate curvature of an engd functional

  Options Database Keys:
+ -pc_kfac_damping lambda - added to the diagonal of every factor
. -pc_kfac_ema beta       - F <- beta F + (1 - beta) F_new, from F_0 = I
. -pc_kfac_update_every k - factors are refreshed every k set-ups
- -pc_kfac_invert_every k - and inverted every k refreshes

  Notes: the preconditioning matrix must be a Gramian (EngdFunctionalCreateGramian()). A set-up is one at a new theta or
  with new points: a change of the Gramian's own damping alone refreshes nothing.

  Source: src/preconditioners/kfac.c
M*/
ENGD_REGISTER_PC("kfac", PCCreate_KFAC);
PetscErrorCode PCCreate_KFAC(PC pc)
{
  static const EngdPCShell shell = {
      "kfac",       ENGD_PC_GRAMIAN, SetFromOptions_KFAC, PCSetUp_KFAC, PCApply_KFAC,
      EngdKfacView, State_KFAC,      Bytes_KFAC,          Free_KFAC,
  };
  EngdKfac *kfac;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&kfac));
  kfac->damping      = 1e-6; /* of 1e-14..1e-2 the best after 100 CG iterations, Poisson 2D */
  kfac->ema          = 0.5;  /* F_0 = I regularises the first steps, and is forgotten after twenty */
  kfac->update_every = 1;
  kfac->invert_every = 1;
  kfac->room         = 8000000; /* no network of less than two million parameters needs a second pass */
  kfac->point        = (EngdPCPoint){0, -1};
  PetscCall(EngdPCBecomeShell(pc, &shell, kfac));
  PetscFunctionReturn(PETSC_SUCCESS);
}
