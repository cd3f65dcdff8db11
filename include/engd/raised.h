/*
  Functions of the user's that fail: with words of their own, or with a bare number. (src/system/errors.c)
*/
#ifndef ENGD_RAISED_H
#define ENGD_RAISED_H

#include <petscsys.h>

/* has an error begun in this process that the handler of EngdInitialize() has told of. Not collective */
PETSC_INTERN PetscBool EngdErrorIsRaised(void);

#endif
