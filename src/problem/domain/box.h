/*
  The box (lower, upper) in space and time, and a region of it. (box.c, boxregion.c, boxpoints.c)
*/
#ifndef ENGD_BOX_H
#define ENGD_BOX_H

#include <engd/private.h>

typedef struct {
  PetscReal *lower, *upper; /* [dim] bounds, the last of time if there is any */
} EngdBox;

/*
  A piece of a region: all of the box, or one of its faces, on which one coordinate is fixed.
  With a tensor rule it has a one-dimensional rule for each coordinate of the unit cube; a fixed coordinate is a rule
  of one point, 0 or 1, so that no formula needs a case for faces.
*/
typedef struct {
  PetscInt    fixed; /* which coordinate, -1 for all of the box */
  PetscReal   side;  /* 0 or 1: its lower or upper bound */
  PetscReal   area;  /* measure; a point has 1 */
  PetscInt    n;     /* its points, 0 when every point draws its piece */
  PetscInt   *count; /* [dim] points of the rule in each coordinate, or NULL */
  PetscReal **node;  /* [dim][count] in [0,1] */
  PetscReal **share; /* [dim][count] weights with sum 1 */
} EngdBoxPiece;

typedef struct {
  PetscInt      npieces;
  EngdBoxPiece *piece;    /* all of the same dimension */
  PetscInt      nfree;    /* their dimension */
  EngdSamplerFn sampler;  /* NULL for a tensor rule */
  PetscBool     selector; /* does the first number of a sample choose the piece */
} EngdBoxRegion;

PETSC_INTERN PetscErrorCode EngdBoxRegionCreate(EngdDomain, EngdPoints, EngdBoxRegion **);
PETSC_INTERN PetscErrorCode EngdBoxRegionDestroy(EngdDomain, EngdBoxRegion **);
PETSC_INTERN PetscErrorCode EngdBoxSetTensorRule(EngdDomain, EngdPoints, PetscInt ncounts, const PetscInt counts[]);
PETSC_INTERN PetscErrorCode EngdPointsSetUp_Box(EngdDomain, EngdPoints, PetscInt ncounts, const PetscInt counts[],
                                                PetscBool *normal);
PETSC_INTERN PetscErrorCode EngdPointsSample_Box(EngdDomain, EngdPoints);
PETSC_INTERN PetscErrorCode EngdPointsDestroy_Box(EngdPoints);

#endif
