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

/* Is there somebody in front of standard output, who can see a line change. Not collective: rank 0 has it */
PETSC_INTERN PetscBool EngdScreenIsTerminal(void);

/* A line that takes the place of the one before, and goes when something else is printed. Rank 0 */
PETSC_INTERN void EngdScreenLine(const char text[]);
PETSC_INTERN void EngdScreenClear(void);

#endif
