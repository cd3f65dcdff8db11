/*
  Functions of the user's that fail: with words of their own, or with a bare number. (src/system/errors.c)
*/
#ifndef ENGD_RAISED_H
#define ENGD_RAISED_H

#include <petscsys.h>

/* How many errors the handler of EngdInitialize() has met on this rank so far. Not collective. */
PETSC_INTERN PetscInt64 EngdErrorsRaised(void);

#endif
