/*
  Text and CSV files of numbers in columns: points of terms, and tables of functions. (src/problem/tablefile.c)
*/
#ifndef ENGD_TABLEFILE_H
#define ENGD_TABLEFILE_H

#include <engd/private.h>

/* What a file holds: rows (ncolumns, nrows), and the names of the columns, if the file has any */
typedef struct {
  PetscInt   nrows, ncolumns, capacity;
  PetscReal *value;
  char       names[2048]; /* separated by commas */
  char       fault[512];  /* what is wrong, or empty */
} EngdTableFile;

/* on all ranks, or an error that names the option, the file and the line; freed with EngdTableFileDestroy(). Collective */
PETSC_INTERN PetscErrorCode EngdTableFileRead(MPI_Comm, const char option[], const char file[], EngdTableFile **);
PETSC_INTERN PetscErrorCode EngdTableFileDestroy(EngdTableFile **);

#endif
