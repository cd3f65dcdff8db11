/*
  Multipliers of conditions: what a penalty leaves of them, in problems with energies.

    E(u) + lambda/2 |r(u)|^2         its minimiser has r of the size of 1/lambda, and a large lambda is slow to descend
    L_s  = E + lambda/2 (|r + s|^2 - |s|^2),   s <- r + s every so many iterations: r -> 0 at any lambda that is not small

  lambda s is the multiplier m of the augmented Lagrangian E + (m, r) + lambda/2 |r|^2. Each exchange of s takes a factor of about
  1/lambda off r. The shift s belongs to the points of a term, which stay (-TERM_multipliers k without -TERM_resample).
  Reference: Hestenes, Multiplier and gradient methods, 1969.
*/
#include <engd/private.h>

static PetscInt NumberOfShifts(EngdFunctional F, PetscInt t)
{
  return F->problem->term[t]->points->nlocal * F->problem->term[t]->pointwise->ncomponents;
}

/* s, zeros at first */
static PetscErrorCode Prepare(EngdFunctional F, PetscInt t)
{
  PetscFunctionBeginUser;
  if (!F->term[t].shift) PetscCall(PetscCalloc1(NumberOfShifts(F, t), &F->term[t].shift));
  F->term[t].shifted = F->problem->term[t]->points;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* fresh points, which take the places of the term's own for a measurement, have none */
PetscReal *EngdBlockShift(EngdFunctional F, const EngdBlock *block)
{
  const EngdFunctionalTerm *term = &F->term[block->term];
  PetscReal                *s    = term->shift;

  return s && term->shifted == F->problem->term[block->term]->points
             ? s + ENGD_COUNT(block->start, F->problem->term[block->term]->pointwise->ncomponents)
             : NULL;
}

/* s <- r + s, which is the value of the block; data: the iteration */
static PetscErrorCode TakeValue(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  const EngdTerm term      = F->problem->term[block->term];
  const PetscInt nc        = term->pointwise->ncomponents;
  const PetscInt iteration = *(const PetscInt *)data;
  PetscReal     *s         = EngdBlockShift(F, block);

  PetscFunctionBeginUser;
  (void)work;
  if (!term->multipliers || iteration % term->multipliers) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < block->n; i++) {
    for (PetscInt c = 0; c < nc; c++) s[i * nc + c] = block->value[c * block->n + i];
  }
  block->current = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalUpdateMultipliers - New multipliers for the terms that ask for them (-TERM_multipliers).

  Collective

  Input Parameters:
+ functional - set up
. iteration  - of the outer iteration, positive; a term with period k takes new ones when k divides it
- theta      - becomes the present parameters, if any does

  Output Parameter:
. changed - whether any did, so that the loss is another

  Source: src/operators/multipliers.c
*/
PetscErrorCode EngdFunctionalUpdateMultipliers(EngdFunctional F, PetscInt iteration, Vec theta, PetscBool *changed)
{
  PetscFunctionBeginUser;
  *changed = PETSC_FALSE;
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    const PetscInt every = F->problem->term[t]->multipliers;

    if (!every || iteration % every) continue;
    PetscCall(Prepare(F, t));
    *changed = PETSC_TRUE;
  }
  if (!*changed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(EngdFunctionalVisit(F, "an update of multipliers", NULL, TakeValue, &iteration, NULL));
  F->present.generation++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalMultipliersState - saves or loads the multipliers, in the order of the points.

  Collective

  Input Parameters:
+ functional - its points as they are to be
- archive    - in whose present group they are, by the name of their term
*/
PetscErrorCode EngdFunctionalMultipliersState(EngdFunctional F, EngdArchive a)
{
  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    const EngdTerm term = F->problem->term[t];
    Vec            s;

    if (!term->multipliers) continue;
    PetscCall(Prepare(F, t));
    PetscCall(VecCreateMPIWithArray(F->comm, term->pointwise->ncomponents, NumberOfShifts(F, t), PETSC_DETERMINE,
                                    F->term[t].shift, &s));
    PetscCall(EngdArchivePush(a, term->name));
    PetscCall(EngdArchiveVec(a, "multipliers", s));
    PetscCall(EngdArchivePop(a));
    PetscCall(VecDestroy(&s));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdFunctionalForgetMultipliers - as before the first exchange; of other points they are of no use. Not collective */
PetscErrorCode EngdFunctionalForgetMultipliers(EngdFunctional F)
{
  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    PetscCall(PetscFree(F->term[t].shift));
    F->term[t].shifted = NULL;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
