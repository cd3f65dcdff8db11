/*
  Truncated least squares: the parts of a solution, and what the files about them know of each other. (src/linalg)
*/
#ifndef ENGD_LEAST_SQUARES_H
#define ENGD_LEAST_SQUARES_H

#include <engd/private.h>

#define ENGD_PAIRS 1  /* of steps after R_0 */
#define ENGD_WHOLE 96 /* up to this order the block is R */

struct _n_EngdLeastSquares {
  MPI_Comm     comm, core; /* core: the ranks that have columns of triangles, MPI_COMM_NULL on others */
  PetscMPIInt  rank, size, active;
  PetscInt     m, n, M;
  PetscReal    least;         /* No cut-off will be less. */
  PetscBool    leaf;          /* Each rank has a QR of its own rows first. */
  PetscMPIInt *count, *start; /* [size] Rows of the ranks, or of their triangles. */
  PetscReal   *rows;          /* (m, n) The rows where there is no leaf. */
  EngdMixing   mixing;
  EngdPanels   own; /* The QR of the leaf. */
  EngdPanels   stage[1 + 2 * ENGD_PAIRS];
  PetscInt     order[1 + 2 * ENGD_PAIRS]; /* Of the triangle of each. */
  PetscInt     last;                      /* The stage that is done. */
  PetscReal    norm;                      /* Of Frobenius, of R_0. */
  PetscReal    sigma;                     /* The largest singular value. */
  PetscReal    smallest;                  /* An estimate of the least one, 0 where it is of no interest. */
  PetscReal   *b, *c, *x, *y, *z; /* The right-hand side, behind Q_0 or V_0; scratch. Of the longest vector, whole. */
  PetscBool    left;              /* Which of these it is. */
  PetscInt     begin, end, below; /* The block, and how many of its singular values are above the cut-off. */
  PetscReal   *W, *Uw, *Vw, *sw, *work; /* (ENGD_WHOLE, ENGD_WHOLE) each, (ENGD_WHOLE) */
  PetscBLASInt *iwork;
  EngdPanels    damped;
  PetscReal     mu; /* That damped is for. */
};

/* The triangle (least_squares_triangle.c), of ranks in core. Begin: how many of its rows count, and its least singular value.
   LargestSingular: sigma.  SolveCut: x (order) <- the middle factor of what leads from one side to the other, or with both triangles to the same side, of a
   cut-off.  Damped (least_squares_damped.c): x (order) <- (R^T R + mu s_1^2 I)^{-1} R^T x, or R (R^T R + mu s_1^2 I)^{-1} x if transposed. */
PETSC_INTERN PetscErrorCode EngdTriangleBegin(EngdLeastSquares);
PETSC_INTERN PetscErrorCode EngdTriangleLargestSingular(EngdLeastSquares);
PETSC_INTERN PetscErrorCode EngdTriangleCut(EngdLeastSquares, PetscReal cutoff);
PETSC_INTERN PetscErrorCode EngdTriangleSolve(EngdLeastSquares, PetscBool from_left, PetscBool to_left,
                                              PetscReal x[]);
PETSC_INTERN PetscErrorCode EngdTriangleSolveDamped(EngdLeastSquares, PetscReal mu, PetscBool transposed,
                                                    PetscReal x[]);

#endif
