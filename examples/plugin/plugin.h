#ifndef PLUGIN_H
#define PLUGIN_H

#include <engd/extend.h>

PETSC_INTERN PetscErrorCode CreateConjugate(EngdDirection);
PETSC_INTERN PetscErrorCode CreateEllipse(EngdDomain);

#endif
