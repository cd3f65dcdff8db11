/*
  Private to the solution's file: the format, and the columns of the table. (src/report/solution.c, solution_columns.c)
*/
#ifndef ENGD_SOLUTIONIMPL_H
#define ENGD_SOLUTIONIMPL_H

#include <engd/private.h>

/* What the ending of a file says. */
typedef struct {
  const char *ending;
  int (*write)(const EngdTable *, FILE *);
  PetscBool grid;   /* only of grids */
  PetscBool space;  /* three coordinates at most, and by default on a grid */
  PetscBool series; /* in time */
} EngdSolutionFormat;

struct _n_EngdSolution {
  EngdModel                 model; /* borrowed, with its problem */
  char                     *file;  /* NULL: standard output */
  const EngdSolutionFormat *format;
  EngdPlaces                places;
  PetscInt                  naliases;
  EngdAlias                *alias;
  PetscInt                  ndata; /* of the points of a file, but for names that mean something else */
  const char              **data_name;
  PetscInt                 *data_column;
  EngdExpression            expression;
  PetscInt                  nvalues, capacity;
  char                    **name, **text; /* [nvalues] */
  EngdTimes                 times;        /* of an evolution */
  PetscInt                  reached;      /* of these so far */
  EngdOutput                output;       /* the file that is being written, on rank 0 */
};

/* Of -engd_output, or the outputs and what is known of the exact solution where that is NULL; places and format are there. Collective */
PETSC_INTERN PetscErrorCode EngdSolutionAddColumns(EngdSolution, const char output[]);

#endif
