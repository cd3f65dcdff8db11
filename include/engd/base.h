/*
  What the headers for authors and for the library itself begin with, beside engd.h. Each header includes those below it.
*/
#ifndef ENGD_BASE_H
#define ENGD_BASE_H

#include <engd.h>

#if PETSC_VERSION_LT(3, 23, 0)
typedef PetscOptionItems *EngdOptionItems; /* of PetscOptionsObject */
#else
typedef PetscOptionItems EngdOptionItems;
#endif

/* y = a b in PetscInt, as MPI counts and array sizes need it said once */
#define ENGD_COUNT(a, b) ((size_t)(a) * (size_t)(b))

#endif
