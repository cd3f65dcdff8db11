/*
  Private to src/state: an archive, and what its files share.
*/
#ifndef ENGD_ARCHIVEIMPL_H
#define ENGD_ARCHIVEIMPL_H

#include "statefile.h"

struct _n_EngdArchive {
  MPI_Comm        comm;
  PetscMPIInt     rank, size, tag;
  EngdArchiveMode mode;
  EngdStateFile   file; /* rank 0: to save or to load */
  char            path[1024];
  PetscInt        ranks;   /* that the file was written on */
  char           *failure; /* of Write */
};

/* CheckLoad: a failure that rank 0 knows of is an error of all ranks, when loading.  Open: the entry of this name in the present
   group, for rank 0 (EngdStateFileOpen).  Close: ends what Open began. All are collective. */
PETSC_INTERN PetscErrorCode EngdArchiveCheckLoad(EngdArchive);
PETSC_INTERN PetscErrorCode EngdArchiveOpen(EngdArchive, const char name[], EngdStateKind, int ndims, size_t dims[]);
PETSC_INTERN PetscErrorCode EngdArchiveClose(EngdArchive);

#endif
