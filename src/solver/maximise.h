/*
  Which parameters a problem is maximised over: those of the networks whose unknowns options -TERM_maximise name.
*/
#ifndef ENGD_MAXIMISE_H
#define ENGD_MAXIMISE_H

#include <engd/private.h>

/* What finds saddle points composes a function of this name with its Tao, so that nothing else is given a problem that has maximisers */
#define ENGD_FINDS_SADDLES "EngdTaoFindsSaddles_C"

/* Signs: a vector like theta, 1 for parameters that minimise, -1 for those that maximise; fails, naming what asks, where nothing
   maximises, nothing minimises, or a network does both. CheckMixed: is G that of the game. Allow: the Tao is for such problems. Check: the Tao is for this problem.
   Collective (src/solver/maximise.c) */
PETSC_INTERN PetscErrorCode EngdMaximiseSigns(EngdFunctional, const char asking[], Vec *sign);
PETSC_INTERN PetscErrorCode EngdMaximiseCheckMixed(EngdFunctional);
PETSC_INTERN PetscErrorCode EngdMaximiseAllow(Tao);
PETSC_INTERN PetscErrorCode EngdMaximiseCheck(EngdFunctional, Tao);

#endif
