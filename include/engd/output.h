/*
  A file that is written beside its place and then renamed, so that it is never half of itself. (src/system/output.c)
  Plain C, for one rank; failures are errno's.
*/
#ifndef ENGD_OUTPUT_H
#define ENGD_OUTPUT_H

#include <petscsys.h>

typedef struct {
  char *target;  /* where the file will be: the name with its symbolic links followed */
  char *writing; /* where it is written: beside that, or the same where it is a device or a pipe */
} EngdOutput;

/* Begin: creates the file that is written. End: gives it its place, or removes it unless good. Both return 0 or the errno of the
   failure, after which nothing is left behind. OpenFile and CloseFile: the same with a stream */
PETSC_INTERN int EngdOutputBegin(EngdOutput *, const char name[]);
PETSC_INTERN int EngdOutputEnd(EngdOutput *, int good);
PETSC_INTERN int EngdOutputOpenFile(EngdOutput *, const char name[], FILE **);
PETSC_INTERN int EngdOutputCloseFile(EngdOutput *, FILE **);

/* is it written where it will be, as devices and pipes are */
PETSC_INTERN int EngdOutputIsStream(const EngdOutput *);
/* What rank 0 has met, as an error of all ranks that names the option and the file. Collective */
PETSC_INTERN PetscErrorCode EngdOutputCheck(MPI_Comm, const char option[], const char name[], int failure);

/* an error of all ranks, naming the option, if the file could not be written. Collective */
PETSC_INTERN PetscErrorCode EngdFileCheck(MPI_Comm, const char option[], const char name[]);

/* the k-th options file that was read, on rank 0 alone; NULL beyond the last one (src/system/options_file.c) */
PETSC_INTERN const char *EngdOptionsFile(PetscInt k);
PETSC_INTERN void        EngdOptionsForgetFiles(void);

/* the name with its symbolic links followed, also one whose target does not exist; free() it */
PETSC_INTERN char *EngdFollowLinks(const char name[]);

#endif
