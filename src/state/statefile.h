/*
  Private to src/state: an HDF5 file as the archive sees it, on the one rank that touches files.

  Nothing here raises an error or speaks to other ranks: the first failure is kept as a sentence that names the file, and all
  calls after it do nothing. archive.c tells the other ranks.
*/
#ifndef ENGD_STATEFILE_H
#define ENGD_STATEFILE_H

#include <engd/private.h>

typedef struct _n_EngdStateFile *EngdStateFile;
#define ENGD_STATE_ANY ((size_t)-1)
typedef enum {
  ENGD_STATE_REAL,
  ENGD_STATE_INT,
  ENGD_STATE_TEXT
} EngdStateKind; /* double, 64-bit integer, characters */

/* Begin: a file in memory to be saved, or the file of this name to be loaded.  Finish: saves it.  End: frees it. */
PETSC_INTERN EngdStateFile EngdStateFileBegin(const char name[], PetscBool save);
PETSC_INTERN void          EngdStateFileFinish(EngdStateFile);
PETSC_INTERN void          EngdStateFileEnd(EngdStateFile);

/* seal.c: the bytes behind the end of a file that say whether it is whole */
#define ENGD_STATE_SEAL 16
typedef enum { ENGD_STATE_NO_SEAL, ENGD_STATE_BROKEN_SEAL, ENGD_STATE_GOOD_SEAL } EngdStateSealKind;
PETSC_INTERN void              EngdStateSealMake(size_t n, const void *bytes, unsigned char seal[ENGD_STATE_SEAL]);
PETSC_INTERN EngdStateSealKind EngdStateSealCheck(const char name[], size_t size);

/* the failure, NULL while there is none; a failure from outside */
PETSC_INTERN const char *EngdStateFileFailure(EngdStateFile);
PETSC_INTERN void        EngdStateFileFail(EngdStateFile, const char format[], ...);

/* One number of the file as a whole: its name, when saving its value, when loading what comes out */
PETSC_INTERN void EngdStateFileMark(EngdStateFile, const char name[], PetscInt64 *value);

/*
  Open: the entry at a path, of dims[0] (columns) x dims[1] (rows) numbers, ndims of them counting, 0 for a single number; made
  when saving. When loading it must be of this kind and size; a dims[0] of ENGD_STATE_ANY takes any and becomes what there is.
  Text has ndims = 1.
  Expect: when loading, an entry of n numbers or letters, of which nothing is read yet.
  Move: n entries from [column][row] on, to the file or from it.  Close: ends what Open began.
*/
PETSC_INTERN PetscBool EngdStateFileHas(EngdStateFile, const char path[]);
PETSC_INTERN void      EngdStateFileOpen(EngdStateFile, const char path[], EngdStateKind, int ndims, size_t dims[]);
PETSC_INTERN void      EngdStateFileExpect(EngdStateFile, const char path[], size_t n);
PETSC_INTERN void      EngdStateFileMove(EngdStateFile, size_t column, size_t row, size_t n, void *data);
PETSC_INTERN void      EngdStateFileClose(EngdStateFile);

#endif
