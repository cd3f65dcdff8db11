/*
  New points in the course of a run, for the terms that ask for them: drawn again, following the residual (adapt.c), or
  walking with psi^2 (walk.c).
*/
#include <engd/private.h>

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
