/*
  Options that were given without a value: all but yes-or-no ones need one. (src/system/options_value.c) And which options an error of
  PETSc is of. (src/system/options_guilty.c) And those that have no effect. (src/system/options_idle.c)
*/
#ifndef ENGD_VALUES_H
#define ENGD_VALUES_H

#include <petscsys.h>

/* Marks those that nobody has read yet. Not collective, as all here: the options are the same on all ranks */
PETSC_INTERN PetscErrorCode EngdOptionsMarkMissing(void);

/* Is the value of an option only such a mark */
PETSC_INTERN PetscBool EngdOptionsIsMissing(const char value[]);

/* message <- "-x has no value", where it complains of a mark */
PETSC_INTERN void EngdOptionsTellMissing(size_t size, char message[]);

/* message <- message (from -key value), where PETSc names no option; solving: the error may be of numbers that no option has; file:
   where it began, NULL where no number of an option can have caused it */
PETSC_INTERN void EngdOptionsTellGuilty(PetscBool solving, const char file[], size_t size, char message[]);

/* Options that were given and have no effect, to be told in one line; zero before the first. */
typedef struct {
  PetscInt n;
  char     list[1024]; /* What there is no room for is left out. */
} EngdIdle;

/* One more, its name without the dash; those of a list, with the dash, that are given. */
PETSC_INTERN PetscErrorCode EngdIdleAdd(EngdIdle *, const char name[]);
PETSC_INTERN PetscErrorCode EngdIdleAddGiven(EngdIdle *, const char prefix[], size_t n, const char *const options[]);
/* "-a, -b have no effect: reason", if there are any. Collective */
PETSC_INTERN PetscErrorCode EngdIdleTell(const EngdIdle *, MPI_Comm, const char reason[]);

#endif
