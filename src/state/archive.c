/*
  Archives: the state of an object is saved, loaded and forgotten by one walk over it.

  An author of a new type writes one function, and no other file changes: it names each number and vector that lives longer
  than an iteration once, with the value it has where nothing has happened yet,

    static PetscErrorCode State_Mine(EngdDirection direction, EngdArchive a)
    {
      Mine *mine = (Mine *)direction->data;

      PetscFunctionBeginUser;
      PetscCall(EngdArchiveInt(a, "age", &mine->age, 0));
      PetscCall(EngdArchiveVec(a, "average", mine->average));
      if (EngdArchiveChanges(a)) mine->generation = -1;             what can be computed again is, and is not saved
      PetscFunctionReturn(PETSC_SUCCESS);
    }

  and sets ops->state. It runs after the type's set-up, when its vectors are there. The simplest one to copy from is
  src/solver/step/trust_region.c; src/solver/direction/dense.c has arrays of one rank that are there by need.

  A file is HDF5: /theta, /points, /solver/..., and whatever else the run puts beside them, as datasets of doubles, 64-bit integers
  or text, in a global order that no number of ranks changes; matrices as (columns, rows). Attributes of the root: engd_archive,
  the version of this layout, and ranks; behind the end of HDF5 a checksum (seal.c). One rank reads and writes it (statefile.c), so that a failure is known to
  one and told to all: of saving with the Commit, of loading with the entry.
*/
#include "archiveimpl.h"

#define LAYOUT 1 /* version of the layout of files */

/*
  EngdArchiveGetMode - Tells which way the walk goes.

  Not collective

  Input Parameter:
. archive - of EngdArchiveCreate()

  Source: src/state/archive.c
*/
EngdArchiveMode EngdArchiveGetMode(EngdArchive a)
{
  return a->mode;
}

/*
  EngdArchiveChanges - Tells whether the walk leaves something else in the object than was there: not when saving.

  Not collective

  Input Parameter:
. archive - of EngdArchiveCreate()

  Source: src/state/archive.c
*/
PetscBool EngdArchiveChanges(EngdArchive a)
{
  return (PetscBool)(a->mode != ENGD_ARCHIVE_SAVE);
}

/* text <- the failure that rank 0 knows of, on all ranks; NULL if there is none. The caller frees it */
static PetscErrorCode ShareFailure(EngdArchive a, char **text)
{
  const char *failure = a->rank ? NULL : EngdStateFileFailure(a->file);
  PetscMPIInt n       = failure ? (PetscMPIInt)strlen(failure) + 1 : 0;

  PetscFunctionBeginUser;
  *text = NULL;
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_INT, 0, a->comm));
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(n, text));
  if (!a->rank) PetscCall(PetscArraycpy(*text, failure, n));
  PetscCallMPI(MPI_Bcast(*text, n, MPI_CHAR, 0, a->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* loading: the failure of rank 0 is an error of all ranks */
PetscErrorCode EngdArchiveCheckLoad(EngdArchive a)
{
  char text[2048], *failure;

  PetscFunctionBeginUser;
  if (a->mode != ENGD_ARCHIVE_LOAD) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ShareFailure(a, &failure));
  if (!failure) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscStrncpy(text, failure, sizeof(text)));
  PetscCall(PetscFree(failure));
  EngdStateFileEnd(a->file); /* who meets an error destroys nothing */
  a->file = NULL;
  SETERRQ(a->comm, PETSC_ERR_FILE_UNEXPECTED, "%s", text);
}

/* the attributes of the file */
static PetscErrorCode Mark(EngdArchive a)
{
  PetscInt64 layout = LAYOUT, ranks = a->size;

  PetscFunctionBeginUser;
  if (!a->rank) {
    EngdStateFileMark(a->file, "engd_archive", &layout);
    if (layout != LAYOUT)
      EngdStateFileFail(a->file, " has layout %d of checkpoints, and this version of engd reads layout %d",
                        (int)layout, LAYOUT);
    EngdStateFileMark(a->file, "ranks", &ranks);
  }
  PetscCall(EngdArchiveCheckLoad(a));
  PetscCallMPI(MPI_Bcast(&ranks, 1, MPIU_INT64, 0, a->comm));
  a->ranks = (PetscInt)ranks;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveCreate - Begins a walk over a state: to save it, to load it, or to forget it.

  Collective

  Input Parameters:
+ comm - of the objects
. mode - ENGD_ARCHIVE_SAVE, _LOAD or _FORGET
- file - HDF5; NULL to forget

  Output Parameter:
. archive - for EngdArchiveDestroy(); nothing is written before EngdArchiveCommit()

  Errors: of all ranks, for a file to load that is not there, is truncated or is no archive

  Source: src/state/archive.c
*/
PetscErrorCode EngdArchiveCreate(MPI_Comm comm, EngdArchiveMode mode, const char file[], EngdArchive *out)
{
  EngdArchive    a;
  PetscErrorCode ierr;
  PetscMPIInt    good = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&a));
  PetscCall(PetscCommDuplicate(comm, &a->comm, &a->tag));
  PetscCallMPI(MPI_Comm_rank(a->comm, &a->rank));
  PetscCallMPI(MPI_Comm_size(a->comm, &a->size));
  a->mode = mode;
  *out    = a;
  if (mode == ENGD_ARCHIVE_FORGET) PetscFunctionReturn(PETSC_SUCCESS);
  if (!a->rank) {
    a->file = EngdStateFileBegin(file, (PetscBool)(mode == ENGD_ARCHIVE_SAVE));
    good    = a->file != NULL;
  }
  PetscCallMPI(MPI_Bcast(&good, 1, MPI_INT, 0, a->comm));
  PetscCheck(good, a->comm, PETSC_ERR_MEM, "%s: no memory for its name", file);
  ierr = Mark(a);
  if (ierr) PetscCall(EngdArchiveDestroy(out));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveWrite - Writes as EngdArchiveCommit() does and raises no error, for runs that go on without a checkpoint.

  Collective

  Input Parameter:
. archive - of EngdArchiveCreate()

  Output Parameter:
. failure - why it could not be written, owned by the archive; or NULL

  Source: src/state/archive.c
*/
PetscErrorCode EngdArchiveWrite(EngdArchive a, const char **failure)
{
  PetscFunctionBeginUser;
  *failure = NULL;
  if (a->mode != ENGD_ARCHIVE_SAVE) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(a->failure));
  if (!a->rank) EngdStateFileFinish(a->file);
  PetscCall(ShareFailure(a, &a->failure));
  *failure = a->failure;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveCommit - Writes what was saved: FILE.tmp on the disk, renamed to FILE, which is always whole.

  Collective

  Input Parameter:
. archive - of EngdArchiveCreate()

  Errors: of all ranks, where the file cannot be written; nothing to do when loading or forgetting

  Source: src/state/archive.c
*/
PetscErrorCode EngdArchiveCommit(EngdArchive a)
{
  const char *failure;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveWrite(a, &failure));
  EngdStateFileEnd(a->file);
  a->file = NULL;
  PetscCheck(!failure, a->comm, PETSC_ERR_FILE_WRITE, "%s", failure);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveDestroy - Ends a walk. Without a commit nothing is left behind.

  Collective

  Input Parameter:
. archive - NULL afterwards

  Source: src/state/archive.c
*/
PetscErrorCode EngdArchiveDestroy(EngdArchive *archive)
{
  EngdArchive a = *archive;

  PetscFunctionBeginUser;
  if (!a) PetscFunctionReturn(PETSC_SUCCESS);
  EngdStateFileEnd(a->file);
  PetscCall(PetscFree(a->failure));
  PetscCall(PetscCommDestroy(&a->comm));
  PetscCall(PetscFree(*archive));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchivePush - Opens a group, which the entries are in from now on.

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
- group   - its name, one for each in the group around it

  Source: src/state/archive.c
*/
PetscErrorCode EngdArchivePush(EngdArchive a, const char group[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscStrlcat(a->path, "/", sizeof(a->path)));
  PetscCall(PetscStrlcat(a->path, group, sizeof(a->path)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchivePop - Goes back to the group around the present one.

  Collective

  Input Parameter:
. archive - of EngdArchiveCreate()

  Source: src/state/archive.c
*/
PetscErrorCode EngdArchivePop(EngdArchive a)
{
  char *slash = strrchr(a->path, '/');

  PetscFunctionBeginUser;
  PetscCheck(slash, a->comm, PETSC_ERR_ORDER, "an archive has more EngdArchivePop() than EngdArchivePush()");
  *slash = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveHas - Tells whether the file that is loaded has an entry or a group.

  Collective

  Input Parameters:
+ archive - of EngdArchiveCreate()
- name    - in the present group

  Output Parameter:
. has - is it there; true unless loading

  Source: src/state/archive.c
*/
PetscErrorCode EngdArchiveHas(EngdArchive a, const char name[], PetscBool *has)
{
  char path[sizeof(a->path)];

  PetscFunctionBeginUser;
  *has = PETSC_TRUE;
  if (a->mode != ENGD_ARCHIVE_LOAD) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", a->path, name));
  if (!a->rank) *has = EngdStateFileHas(a->file, path);
  PetscCallMPI(MPI_Bcast(has, 1, ENGD_MPI_BOOL, 0, a->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdArchiveSameRanks - Tells whether the file that is loaded was written on as many ranks.

  Collective

  Input Parameter:
. archive - of EngdArchiveCreate()

  Output Parameter:
. same - was it; true unless loading

  Source: src/state/archive.c
*/
PetscErrorCode EngdArchiveSameRanks(EngdArchive a, PetscBool *same)
{
  PetscFunctionBeginUser;
  *same = (PetscBool)(a->mode != ENGD_ARCHIVE_LOAD || a->ranks == a->size);
  PetscFunctionReturn(PETSC_SUCCESS);
}
