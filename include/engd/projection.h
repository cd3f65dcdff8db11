/*
  The projection theorem made visible: updates of functions beside projections on the tangent space. (src/spectrum)
*/
#ifndef ENGD_PROJECTION_H
#define ENGD_PROJECTION_H

#include <engd/archive.h>
#include <engd/functional.h>

/*
  The tangent space at the present theta of a functional, in the rows A = C J of its curvature: A = Q U S V^T, without singular
  values at or below cutoff times the largest. Vectors of rows are those of this rank, vectors of parameters whole on all ranks.
  Create: factors.  Project: Pb = U U^T b and d = -A^+ (-b), so that Pb = A d.  Descend: d = -(A^T A)^+ g, y = A d.  Mult: y = A d.
  All but CountRows are collective. (tangent.c)
*/
typedef struct _n_EngdTangent *EngdTangent;
PETSC_INTERN PetscErrorCode    EngdTangentCreate(EngdFunctional, PetscReal cutoff, EngdTangent *);
PETSC_INTERN PetscInt          EngdTangentCountRows(EngdTangent);
PETSC_INTERN PetscErrorCode    EngdTangentProject(EngdTangent, const PetscReal b[], PetscReal d[], PetscReal Pb[]);
PETSC_INTERN PetscErrorCode    EngdTangentDescend(EngdTangent, const PetscReal g[], PetscReal d[], PetscReal y[]);
PETSC_INTERN PetscErrorCode    EngdTangentMult(EngdTangent, const PetscReal d[], PetscReal y[]);
PETSC_INTERN PetscErrorCode    EngdTangentDestroy(EngdTangent *);

/* Whose update is compared, by the names of the curvatures that they are the directions of */
typedef enum {
  ENGD_UPDATE_GAUSS_NEWTON,
  ENGD_UPDATE_ENERGY,
  ENGD_UPDATE_L2,
  ENGD_UPDATE_H1,
  ENGD_UPDATE_HESSIAN,
  ENGD_NUPDATES
} EngdUpdate;
PETSC_INTERN const char *const engd_update_name[ENGD_NUPDATES];

/* A row of the file; NaN for what a problem does not have */
typedef struct {
  PetscInt   iteration;
  EngdUpdate method;
  PetscReal  eta;
  PetscReal  update;         /* |u(theta + eta d) - u(theta)| in the metric of the method */
  PetscReal  distance;       /* |u(theta + eta d) - u(theta) - eta Pi v|, */
  PetscReal  slope;          /* and its exponent in eta, by the row before; NaN where it is rounding */
  PetscReal  distance_exact; /* the same with Pi (u* - u) in place of Pi v */
  PetscReal  kept;           /* (v, d) / (|v| |d|) in Newton's metric, v Newton's ideal update */
} EngdProjectionRow;

/* -engd_projection; Monitor: what is due at this iteration of the run (projection.c, projection_file.c). Collective */
typedef struct _n_EngdProjection *EngdProjection;
struct _n_EngdProjection {
  MPI_Comm           comm;
  EngdFunctional     functional; /* borrowed */
  char              *file;       /* NULL: none of this is done */
  PetscInt           every, nsteps;
  PetscReal          rcond;
  PetscBool          wanted[ENGD_NUPDATES];
  PetscInt           last; /* the iteration of the newest rows, -1 before */
  PetscInt           nrows, capacity;
  EngdProjectionRow *row; /* the same on all ranks */
};
PETSC_INTERN PetscErrorCode EngdProjectionCreate(EngdFunctional, EngdProjection *);
PETSC_INTERN PetscErrorCode EngdProjectionSetFromOptions(EngdProjection);
PETSC_INTERN PetscErrorCode EngdProjectionCompute(EngdProjection, Vec theta, PetscInt iteration);
PETSC_INTERN PetscErrorCode EngdProjectionMonitor(EngdProjection, Vec theta, PetscInt iteration);
PETSC_INTERN PetscErrorCode EngdProjectionAddRow(EngdProjection, const EngdProjectionRow *);
PETSC_INTERN PetscErrorCode EngdProjectionWrite(EngdProjection);
PETSC_INTERN PetscErrorCode EngdProjectionState(EngdProjection, EngdArchive); /* the rows so far */
PETSC_INTERN PetscErrorCode EngdProjectionDestroy(EngdProjection *);

#endif
