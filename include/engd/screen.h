/*
  What the terminal does to a program: output that nobody can take, and its own end. (src/system/screen.c)
*/
#ifndef ENGD_SCREEN_H
#define ENGD_SCREEN_H

#include <petscsys.h>

/* Before PETSc begins, and after it has put its handlers of signals in place */
PETSC_INTERN void EngdScreenBefore(void);
PETSC_INTERN void EngdScreenAfter(void);

/* Was all of the output written, said on this rank if not. Not collective */
PETSC_INTERN PetscErrorCode EngdScreenEnd(int rank);

#endif
