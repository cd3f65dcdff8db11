/*
  What else a domain tells: the distance to its boundary. (src/problem/domain)
*/
#ifndef ENGD_DOMAIN_H
#define ENGD_DOMAIN_H

#include <engd/problem.h>

/*
  A text of the space coordinates: zero on the boundary, positive inside, of slope 1 along the inner normal where the
  boundary is smooth, and smooth but at corners. Empty if the type has none. The text is the domain's.
*/
PETSC_INTERN PetscErrorCode EngdDomainGetDistance(EngdDomain, const char **text);

#endif
