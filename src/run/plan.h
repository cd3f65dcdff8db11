/*
  The plan of a run that is told no optimisers: what its two files share, the stages and their options (plan.c) and what is done
  between them (plan_course.c).
*/
#ifndef ENGD_PLAN_H
#define ENGD_PLAN_H

#include <engd/private.h>

enum { DIGITS_FLAT, VALLEY, SLOPES, DIGITS_WIDE, GROWN, AGAIN, MORE, LAST };

/* A kind of stage. share: of the time, at most, 0: all that is left. flat: number of the beginning of EngdStart, -1: that of the run,
   -2: the best so far */
typedef struct {
  const char *name, *units;
  PetscBool   dense;
  PetscReal   share;
  PetscInt    iterations, flat;
} EngdPlanKind;
PETSC_INTERN const EngdPlanKind engd_plan_kinds[ENGD_PLAN_KINDS];

/* is there room and time for what the stages need of N residuals, and of p parameters in place of those that there are. Not
   collective */
PETSC_INTERN PetscBool EngdPlanHasRoom(EngdFunctional, PetscInt N);
PETSC_INTERN PetscBool EngdPlanHasRoomFor(EngdFunctional, PetscInt N, PetscReal p);

/* the loss on the points and on fresh ones, without end where it is no number. Collective */
PETSC_INTERN PetscErrorCode EngdPlanMeasure(EngdRun, Vec theta, PetscReal *loss, PetscReal *fresh);

#endif
