/*
  What else a domain tells: the types that are solids (src/problem/domain), the distance to the boundary, a box around it.
*/
#ifndef ENGD_DOMAIN_H
#define ENGD_DOMAIN_H

#include <engd/problem.h>

PETSC_INTERN PetscErrorCode EngdDomainCreate_Ball(EngdDomain);
PETSC_INTERN PetscErrorCode EngdDomainCreate_Polygon(EngdDomain);
PETSC_INTERN PetscErrorCode EngdDomainCreate_LevelSet(EngdDomain);
PETSC_INTERN PetscErrorCode EngdDomainCreate_Compound(EngdDomain);

/*
  A text of the space coordinates: zero on the boundary, positive inside, of slope 1 along the inner normal where the
  boundary is smooth, and smooth but at corners. Empty if the type has none. The text is the domain's.
*/
PETSC_INTERN PetscErrorCode EngdDomainGetDistance(EngdDomain, const char **text);

#endif
