/*
  An archive: one walk over the state of an object that saves it, loads it or forgets it. (src/state)

  Whatever lives longer than an iteration has one function that walks over it, and names each part once:

    EngdArchivePush(a, "step"); EngdArchiveReal(a, "nu", &region->nu, 2); EngdArchivePop(a);

  writes nu to /step/nu of the file, reads it from there, or gives it the value 2 that it has where nothing has happened yet.
  All functions are collective. src/state/archive.c says what the file looks like, and how a new type gets a state.
*/
#ifndef ENGD_ARCHIVE_H
#define ENGD_ARCHIVE_H

#include <petscvec.h>

/* what a count in a checkpoint can be where nothing else bounds it: sums of some of them fit into the integers of any PETSc */
#define ENGD_ARCHIVE_MANY (PETSC_MAX_INT / 8)

typedef struct _n_EngdArchive *EngdArchive;
typedef enum { ENGD_ARCHIVE_SAVE, ENGD_ARCHIVE_LOAD, ENGD_ARCHIVE_FORGET } EngdArchiveMode;

/*
  Create:  file is NULL to forget. To save, nothing is written before EngdArchiveCommit(); to load, a file that is not there, is
           truncated or is no archive is an error of all ranks.
  Commit:  writes FILE.tmp to the disk and renames it to FILE, which is therefore always whole, the old one or the new one; an
           error of all ranks if that fails. Nothing to do when loading or forgetting.
  Write:   the same, but instead of raising the error tells why, or NULL; for runs that go on without a checkpoint. The text is
           the archive's.
  Destroy: without a Commit nothing is left behind.
*/
PETSC_EXTERN PetscErrorCode EngdArchiveCreate(MPI_Comm, EngdArchiveMode, const char file[], EngdArchive *);
PETSC_EXTERN PetscErrorCode EngdArchiveCommit(EngdArchive);
PETSC_EXTERN PetscErrorCode EngdArchiveWrite(EngdArchive, const char **failure);
PETSC_EXTERN PetscErrorCode EngdArchiveDestroy(EngdArchive *);

/* not collective: which way the walk goes; is something else in the object afterwards than was before (not when saving) */
PETSC_EXTERN EngdArchiveMode EngdArchiveGetMode(EngdArchive);
PETSC_EXTERN PetscBool       EngdArchiveChanges(EngdArchive);

/* the group that the entries from now on are in, and back to the one around it */
PETSC_EXTERN PetscErrorCode EngdArchivePush(EngdArchive, const char group[]);
PETSC_EXTERN PetscErrorCode EngdArchivePop(EngdArchive);

/* Numbers that all ranks have alike, with the value of a forgotten one. Rank 0's is saved, all ranks get it.
   Count: 0 when forgotten; one below 0 or above the largest is no checkpoint of ours
   CountReals: the same of things with so many numbers each in an array, which the file is to have
   Expect: of an entry that comes later, that it has n numbers or letters in the file, before memory is taken for it */
PETSC_EXTERN PetscErrorCode EngdArchiveBool(EngdArchive, const char name[], PetscBool *, PetscBool forgotten);
PETSC_EXTERN PetscErrorCode EngdArchiveInt(EngdArchive, const char name[], PetscInt *, PetscInt forgotten);
PETSC_EXTERN PetscErrorCode EngdArchiveCount(EngdArchive, const char name[], PetscInt *, PetscInt largest);
PETSC_EXTERN PetscErrorCode EngdArchiveCountReals(EngdArchive, const char name[], PetscInt *, PetscInt largest,
                                                  const char array[], PetscInt width);
PETSC_EXTERN PetscErrorCode EngdArchiveExpect(EngdArchive, const char name[], size_t n);
PETSC_EXTERN PetscErrorCode EngdArchiveInt64(EngdArchive, const char name[], PetscInt64 *, PetscInt64 forgotten);
PETSC_EXTERN PetscErrorCode EngdArchiveReal(EngdArchive, const char name[], PetscReal *, PetscReal forgotten);
PETSC_EXTERN PetscErrorCode EngdArchiveString(EngdArchive, const char name[], size_t size, char value[],
                                              const char forgotten[]);

/* Arrays, zero where they are forgotten. A file whose array has another size is refused: what is allocated by need saves its
   size, or whether it is there, before itself.
   Reals, Ints:  n entries that all ranks have alike
   Vec:          in global order
   OwnerReals:   n entries that one rank has; the others give NULL, and the same n
   Columns:      a matrix by columns, whose rows are spread over the ranks in order: local rows (nlocal, ncolumns), ld apart */
PETSC_EXTERN PetscErrorCode EngdArchiveReals(EngdArchive, const char name[], PetscInt n, PetscReal[]);
PETSC_EXTERN PetscErrorCode EngdArchiveInts(EngdArchive, const char name[], PetscInt n, PetscInt[]);
PETSC_EXTERN PetscErrorCode EngdArchiveVec(EngdArchive, const char name[], Vec);
PETSC_EXTERN PetscErrorCode EngdArchiveOwnerReals(EngdArchive, const char name[], PetscMPIInt owner, size_t n,
                                                  PetscReal[]);
PETSC_EXTERN PetscErrorCode EngdArchiveColumns(EngdArchive, const char name[], PetscInt nlocal, PetscInt ncolumns,
                                               PetscInt ld, PetscReal[]);

/* What must be the same in the file as it is here: saved, and compared when loading; an error of all ranks says "what is A in
   the file and B here". Nothing when forgetting */
PETSC_EXTERN PetscErrorCode EngdArchiveMatchString(EngdArchive, const char name[], const char what[],
                                                   const char value[]);
PETSC_EXTERN PetscErrorCode EngdArchiveMatchInt(EngdArchive, const char name[], const char what[], PetscInt64 value);
PETSC_EXTERN PetscErrorCode EngdArchiveMatchInts(EngdArchive, const char name[], const char what[], PetscInt n,
                                                 const PetscInt value[]);

/* loading: is the entry or the group there, and was the file written on as many ranks; true otherwise */
PETSC_EXTERN PetscErrorCode EngdArchiveHas(EngdArchive, const char name[], PetscBool *);
PETSC_EXTERN PetscErrorCode EngdArchiveSameRanks(EngdArchive, PetscBool *);

#endif
