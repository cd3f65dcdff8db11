/*
  Causal weights: what is late in time counts once what is early is solved.

    W_k = exp(-eps sum_(j < k) L_j),   L_j = sum_(n in slab j) w_n |r_n|^2 / 2 / sum_(n in slab j) w_n

  The slabs are equal parts of the time of the present window; the weights are those of the theta that an iteration begins at, and
  stay during it. They are no state: a run that goes on computes them again.
  Reference: Wang, Sankaran, Perdikaris (arXiv 2203.07404).
*/
#include <engd/private.h>

/* the slab of a point */
static PetscInt Slab(EngdFunctional F, PetscInt t, const PetscReal x[])
{
  const EngdDomain domain = F->problem->domain;
  const PetscInt   n      = F->problem->term[t]->slabs;
  const PetscReal  part   = (x[domain->nspace] - domain->window[0]) / (domain->window[1] - domain->window[0]);

  return PetscMax(0, PetscMin(n - 1, (PetscInt)(part * (PetscReal)n)));
}

PetscReal EngdFunctionalCausalWeight(EngdFunctional F, PetscInt t, const PetscReal x[])
{
  return F->term[t].causal ? F->term[t].causal[Slab(F, t, x)] : 1;
}

/* Sums over the points of slabs: w |r|^2 / 2, and w, with w the weights of the points */
typedef struct {
  PetscInt   n;
  PetscReal *loss, *weight; /* [nterms][n], n the largest number of slabs */
} Sums;

static PetscErrorCode AddBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  const EngdTerm   term   = F->problem->term[block->term];
  const EngdPoints points = term->points;
  Sums            *sums   = (Sums *)data;

  PetscFunctionBeginUser;
  (void)work;
  if (term->causal <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < block->n; i++) {
    const PetscInt  at = block->term * sums->n + Slab(F, block->term, block->x + ENGD_COUNT(i, points->dim));
    const PetscReal w  = points->weight[block->start + i];

    sums->weight[at] += w;
    for (PetscInt c = 0; c < term->pointwise->ncomponents; c++)
      sums->loss[at] += w * PetscSqr(block->value[c * block->n + i]) / 2;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W of the slabs of a term */
static PetscErrorCode Weigh(EngdFunctional F, PetscInt t, const PetscReal loss[], const PetscReal weight[])
{
  const EngdTerm term    = F->problem->term[t];
  PetscReal      earlier = 0;

  PetscFunctionBeginUser;
  if (!F->term[t].causal) PetscCall(PetscMalloc1(term->slabs, &F->term[t].causal));
  for (PetscInt k = 0; k < term->slabs; k++) {
    F->term[t].causal[k] = PetscExpReal(-term->causal * earlier);
    earlier += weight[k] > 0 ? loss[k] / weight[k] : 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalUpdateCausal - The weights of slabs of time by the losses at the present parameters.

  Collective

  Input Parameter:
. F - with its parameters set

  Output Parameter:
. any - has any term such weights

  Source: src/operators/causal.c
*/
PetscErrorCode EngdFunctionalUpdateCausal(EngdFunctional F, PetscBool *any)
{
  const PetscInt nterms = F->problem->nterms;
  Sums           sums   = {0, NULL, NULL};
  PetscMPIInt    count;

  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < nterms; t++)
    if (F->problem->term[t]->causal > 0) sums.n = PetscMax(sums.n, F->problem->term[t]->slabs);
  *any = (PetscBool)(sums.n > 0);
  if (!*any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMPIIntCast(2 * nterms * sums.n, &count));
  PetscCall(PetscCalloc1(count, &sums.loss));
  sums.weight = sums.loss + ENGD_COUNT(nterms, sums.n);
  PetscCall(EngdFunctionalVisit(F, "an update of causal weights", NULL, AddBlock, &sums, NULL));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums.loss, count, MPIU_REAL, MPIU_SUM, F->comm));
  for (PetscInt t = 0; t < nterms; t++)
    if (F->problem->term[t]->causal > 0)
      PetscCall(Weigh(F, t, sums.loss + ENGD_COUNT(t, sums.n), sums.weight + ENGD_COUNT(t, sums.n)));
  PetscCall(PetscFree(sums.loss));
  PetscCall(EngdFunctionalWeighBlocks(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}
