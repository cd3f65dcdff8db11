/*
  The solution as a file: where it is evaluated, which expressions, and the formats. (src/report/places.c, solution.c, write_*.c)
*/
#ifndef ENGD_SOLUTION_H
#define ENGD_SOLUTION_H

#include <engd/model.h>

/*
  Points that results are evaluated at: the test points, the points of a file, a line, or a grid over the box around the domain
  in which some coordinates may be held. Each rank has a contiguous piece of the global numbering; in grids the first axis runs
  fastest.
*/
typedef struct _n_EngdPlaces *EngdPlaces;
struct _n_EngdPlaces {
  EngdDomain domain; /* borrowed */
  char      *text;   /* as the user wrote it */
  PetscInt   nglobal, nlocal, start, dim;
  PetscReal *x;       /* [nlocal][dim] */
  PetscBool *inside;  /* [nlocal] is it in the domain */
  PetscInt   outside; /* how many of all are not */
  PetscInt   naxes;   /* of the grid; 1 of a line; 0 of a list of points */
  PetscInt  *count;   /* [naxes] */
  PetscInt  *axis;    /* [naxes] which coordinate; -1 of a line */
  EngdPoints points;  /* of a file, with their data; NULL else */
  EngdPoints of;      /* of a term, which may have others until they are written; borrowed; NULL else */
};

/* option: to name in messages. The text: test, grid(..), slice(..), line(..), points(..), or the name of a file. Update: the points
   that a term has by now. Collective */
PETSC_INTERN PetscErrorCode EngdPlacesCreate(EngdProblem, const char option[], const char text[], EngdPlaces *);
PETSC_INTERN PetscErrorCode EngdPlacesUpdate(EngdPlaces);
PETSC_INTERN PetscErrorCode EngdPlacesDestroy(EngdPlaces *);
PETSC_INTERN PetscBool      EngdPlacesIsFile(const char text[]);

/* The table on rank 0: coordinates, then values, at points that have numbers in the grid */
typedef struct {
  PetscInt         n, stride; /* rows, numbers in each, the last one of which is 1 in the domain and 0 outside */
  PetscInt         dim, nvalues;
  const char     **name;  /* [dim + nvalues] */
  const char     **text;  /* [dim + nvalues] expressions; of coordinates their names */
  const PetscReal *row;   /* [n][stride] */
  PetscInt         naxes; /* as of the places */
  const PetscInt  *count, *axis;
  const char      *problem;
} EngdTable;

/* Writers of one format each, to a stream whose failures the caller sees: 0, or an errno of their own */
PETSC_INTERN int  EngdWriteCSV(const EngdTable *, FILE *);
PETSC_INTERN int  EngdWriteNPZ(const EngdTable *, FILE *);
PETSC_INTERN int  EngdWriteHDF5(const EngdTable *, FILE *);
PETSC_INTERN int  EngdWriteVTS(const EngdTable *, FILE *);
PETSC_INTERN int  EngdWriteVTU(const EngdTable *, FILE *);
PETSC_INTERN void EngdWriteXML(const char text[], FILE *); /* as the value of an attribute */

/* When an evolution in time writes the solution, the last time included; n = 0: there is none */
typedef struct {
  PetscInt         n;
  const PetscReal *at; /* [n] borrowed */
} EngdTimes;

/* What to write where. Create: reads and checks all, before the training; file NULL: CSV on standard output; times: of an evolution,
   each of which has a file of its own where there are several or a series, borrowed. Collective.
   GetFile: the k-th file, an empty name behind the last one. Not collective */
typedef struct _n_EngdSolution *EngdSolution;
PETSC_INTERN PetscErrorCode EngdSolutionCreate(EngdModel, const char file[], const char option[], const char points[],
                                               const char output[], EngdTimes, EngdSolution *);
PETSC_INTERN PetscErrorCode EngdSolutionGetFile(EngdSolution, PetscInt k, size_t size, char name[]);
/* theta: whole, on each rank. failure: errno of the first write that failed, on rank 0. Collective */
PETSC_INTERN PetscErrorCode EngdSolutionWrite(EngdSolution, const PetscReal theta[], int *failure);
/* of an evolution: SkipTimes: so many times have their files already; WriteTime: that of the k-th. Collective */
PETSC_INTERN PetscErrorCode EngdSolutionSkipTimes(EngdSolution, PetscInt n);
PETSC_INTERN PetscErrorCode EngdSolutionWriteTime(EngdSolution, const PetscReal theta[], PetscInt k, int *failure);
PETSC_INTERN PetscErrorCode EngdSolutionDestroy(EngdSolution *);

/* Integrals of expressions of the solution, -engd_integrals. Create: of a list of names, each with its options; Compute: at the
   whole theta. Get: what the k-th is and came to, borrowed. Collective but for Get */
typedef struct _n_EngdIntegral  *EngdIntegral;
typedef struct _n_EngdIntegrals *EngdIntegrals;
struct _n_EngdIntegrals {
  EngdProblem   problem; /* borrowed */
  PetscInt      n;
  EngdIntegral *integral; /* [n] */
  PetscInt      naliases;
  EngdAlias    *alias;
};
PETSC_INTERN PetscErrorCode EngdIntegralsCreate(EngdProblem, const char list[], EngdIntegrals *);
PETSC_INTERN PetscErrorCode EngdIntegralsCompute(EngdIntegrals, EngdModel, const PetscReal theta[]);
PETSC_INTERN PetscErrorCode EngdIntegralsGet(EngdIntegrals, PetscInt k, const char **name, const char **text,
                                             EngdPoints *, PetscInt *n, const PetscReal **values);
PETSC_INTERN PetscErrorCode EngdIntegralsPrint(EngdIntegrals);
PETSC_INTERN PetscErrorCode EngdIntegralsDestroy(EngdIntegrals *);

#endif
