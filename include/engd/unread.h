/*
  Warnings of a problem whose parts have no effect. (src/problem/unread.c)
*/
#ifndef ENGD_UNREAD_H
#define ENGD_UNREAD_H

#include <engd.h>

/* one line for each term that reads no unknown and each unknown that no term reads. Collective */
PETSC_INTERN PetscErrorCode EngdProblemTellUnread(EngdProblem);
/* read [noutputs] <- the outputs that some term reads, in themselves or their derivatives. Not collective */
PETSC_INTERN PetscErrorCode EngdProblemFindRead(EngdProblem, PetscBool read[]);

#endif
