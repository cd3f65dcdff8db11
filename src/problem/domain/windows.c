/*
  Windows of time: [a, b] in n equal parts, of which the points of terms are in one at a time (-engd_windows).

  All windows are as long, so that measures and rules of points are those of the first. Test points, integrals and tables are of the
  whole time. What makes no sense in a window of its own is refused.
*/
#include "shape.h"

/*
  EngdDomainSetWindow - From now on points are placed in this window, or in all of time

  Not collective

  Input Parameters:
+ domain - with its names
- window - 0, 1, ..., or -1 for all of time

  Source: src/problem/domain/windows.c
*/
void EngdDomainSetWindow(EngdDomain domain, PetscInt window)
{
  const PetscReal a = domain->interval[0], length = (domain->interval[1] - a) / (PetscReal)domain->nwindows;

  domain->window[0] = window < 0 ? a : a + (PetscReal)window * length;
  domain->window[1] =
      window < 0 || window + 1 == domain->nwindows ? domain->interval[1] : a + (PetscReal)(window + 1) * length;
}

/*
  EngdDomainFindWindow - The window that a time is in; at the end of one, that one

  Not collective

  Input Parameters:
+ domain - with its windows
- t      - a time

  Source: src/problem/domain/windows.c
*/
PetscInt EngdDomainFindWindow(EngdDomain domain, PetscReal t)
{
  const PetscReal a    = domain->interval[0];
  const PetscReal part = (t - a) / (domain->interval[1] - a) * (PetscReal)domain->nwindows;

  return PetscMax(0, PetscMin(domain->nwindows - 1, (PetscInt)PetscCeilReal(part - 1e-9) - 1));
}

/*
  EngdPointsCheckWindows - Can these points be in one window after the other

  Collective

  Input Parameter:
. points - of a term

  Output Parameter:
. initial - are they at the beginning of time, where a window goes on from the one before

  Errors: PETSC_ERR_USER_INPUT for points at a time of their own, of a file, where a condition holds

  Source: src/problem/domain/windows.c
*/
PetscErrorCode EngdPointsCheckWindows(EngdPoints points, PetscBool *initial)
{
  const EngdDomain  domain = points->domain;
  const EngdRegion *region = (const EngdRegion *)points->data;
  PetscInt          first  = 0;

  PetscFunctionBeginUser;
  *initial = PETSC_FALSE;
  if (domain->nwindows < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(strcmp(points->sampler, "file"), domain->comm, PETSC_ERR_USER_INPUT,
             "-engd_windows %" PetscInt_FMT ": %s_points_file is of all of time, and a window has only its part",
             domain->nwindows, points->prefix);
  PetscCheck(domain->ops->pointssetup == EngdPointsSetUp_Solid, domain->comm, PETSC_ERR_USER_INPUT,
             "-engd_windows %" PetscInt_FMT ": a domain of -domain_type %s has none", domain->nwindows, domain->type);
  for (PetscInt k = 0; k < region->npieces; k++) {
    const EngdPiece *piece = &region->piece[k];

    PetscCheck(!piece->where, domain->comm, PETSC_ERR_USER_INPUT,
               "-engd_windows %" PetscInt_FMT
               ": %s_region %s is where a condition holds, which may be nowhere in a window",
               domain->nwindows, points->prefix, points->region);
    PetscCheck(!piece->time_fixed || piece->time_side <= 0, domain->comm, PETSC_ERR_USER_INPUT,
               "-engd_windows %" PetscInt_FMT
               ": %s_region %s is at a time; only the initial one is of each window: of it, that of the one before",
               domain->nwindows, points->prefix, points->region);
    if (piece->time_fixed) first++;
  }
  PetscCheck(first == 0 || first == region->npieces, domain->comm, PETSC_ERR_USER_INPUT,
             "-engd_windows %" PetscInt_FMT ": %s_region %s: give the initial values a term of their own",
             domain->nwindows, points->prefix, points->region);
  *initial = (PetscBool)(first > 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}
