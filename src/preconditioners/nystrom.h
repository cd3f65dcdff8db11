/*
  Private to src/preconditioners: the randomised Nystrom approximation of a symmetric matrix, and preconditioner nystrom.
*/
#ifndef ENGD_NYSTROM_H
#define ENGD_NYSTROM_H

#include "shell.h"
#include <slepcbv.h>

/* A = U diag(value) U^T approximately, from Y = A Omega; all matrices tall, spread as the vectors of A are */
typedef struct {
  Mat        A;      /* borrowed */
  PetscInt64 seed;   /* of Omega */
  PetscInt   n;      /* order of A */
  PetscInt   filled; /* Columns of Omega that are there. */
  PetscInt   nbatches;
  PetscInt  *batch;    /* [nbatches] Columns after each time that some were added, which their signs depend on. */
  PetscInt   ncolumns; /* Columns of Y that are of the present A, zero when A has changed. */
  PetscInt   kept;     /* columns of U: those whose eigenvalue is above the rounding errors, `shift` */
  BV         Omega;    /* (n, filled) orthonormal */
  BV         Y;        /* (n, ncolumns) */
  BV         U;        /* (n, kept) Orthonormal. */
  PetscReal *value;    /* [kept] descending, positive */
  PetscReal  last;     /* how large what is left may be: the last of the eigenvalues, or nu when it is not kept */
  PetscReal  shift;    /* nu */
} EngdSketch;

/*
  Create: an empty sketch. Extend: Y to so many columns, of A without the damping I that its products contain; the columns
  before stay. Approximate: U and the values from Y. All are collective.
*/
PETSC_INTERN PetscErrorCode EngdSketchCreate(Mat A, EngdSketch *);
PETSC_INTERN PetscErrorCode EngdSketchExtend(EngdSketch *, PetscInt ncolumns, PetscReal damping);
PETSC_INTERN PetscErrorCode EngdSketchApproximate(EngdSketch *);
PETSC_INTERN PetscErrorCode EngdSketchDestroy(EngdSketch *);
/* a sketch of a matrix, after Create when loading; tall: with U, and with Y too, which more columns go on from */
PETSC_INTERN PetscErrorCode EngdSketchState(EngdSketch *, PetscBool tall, EngdArchive);

typedef struct {
  PetscInt    columns;      /* -pc_nystrom_rank, 0 when not given. */
  PetscInt    most_columns; /* -pc_nystrom_rank_max, 0 when not given. */
  PetscBool   adaptive;
  PetscReal   mu;
  PetscInt    update_every;
  EngdPCPoint point; /* of the last set-up */
  PetscInt    setups, updates;
  PetscBool   current; /* is the sketch of the present theta */
  PetscReal   damping; /* lambda of the operator, or mu */
  EngdSketch  sketch;
  PetscReal  *c; /* [ncolumns] Coefficients in U. */
} EngdNystrom;

#endif
