/*
  Points that are moved: another number of them, some of them put where others are, and what a checkpoint has of them.

  The ranks keep contiguous pieces of the numbering, and fetch what they need from the piece that has it (PetscSF). Points that
  have moved are no function of seed, stream and epoch any more, so that a checkpoint has their coordinates.
*/
#include <engd/private.h>
#include <petscsf.h>

/* leaf <- the numbers of root, `width` a point, of the n points with these numbers in the layout of nroots local ones */
static PetscErrorCode Fetch(MPI_Comm comm, PetscInt nroots, PetscInt n, const PetscInt number[], PetscInt width,
                            const PetscReal root[], PetscReal leaf[])
{
  PetscLayout  layout;
  PetscSF      sf;
  MPI_Datatype unit;
  PetscMPIInt  count;

  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(width, &count));
  PetscCallMPI(MPI_Type_contiguous(count, MPIU_REAL, &unit));
  PetscCallMPI(MPI_Type_commit(&unit));
  PetscCall(PetscLayoutCreateFromSizes(comm, nroots, PETSC_DECIDE, 1, &layout));
  PetscCall(PetscSFCreate(comm, &sf));
  PetscCall(PetscSFSetGraphLayout(sf, layout, n, NULL, PETSC_COPY_VALUES, number));
  PetscCall(PetscSFBcastBegin(sf, unit, root, leaf, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(sf, unit, root, leaf, MPI_REPLACE));
  PetscCall(PetscSFDestroy(&sf));
  PetscCall(PetscLayoutDestroy(&layout));
  PetscCallMPI(MPI_Type_free(&unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPointsPlace - Puts some of the points where others are; their weights stay.

  Collective

  Input Parameters:
+ points - some of whose points move
. first  - the number of the first of them
. n      - how many
. from   - points of the same region
- number - [n] of the points there, the same on all ranks

  Source: src/problem/movepoints.c
*/
PetscErrorCode EngdPointsPlace(EngdPoints points, PetscInt first, PetscInt n, EngdPoints from,
                               const PetscInt number[])
{
  const PetscInt  begin = PetscMax(first, points->start), end = PetscMin(first + n, points->start + points->nlocal);
  const PetscInt  here = PetscMax(0, end - begin), at = here ? begin - points->start : 0;
  const PetscInt *wanted = number + (here ? begin - first : 0);

  PetscFunctionBeginUser;
  PetscCall(
      Fetch(points->comm, from->nlocal, here, wanted, points->dim, from->x, points->x + ENGD_COUNT(at, points->dim)));
  if (points->normal)
    PetscCall(Fetch(points->comm, from->nlocal, here, wanted, points->nspace, from->normal,
                    points->normal + ENGD_COUNT(at, points->nspace)));
  points->moved = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *array <- (nlocal, width), the old one at the numbers `wanted` */
static PetscErrorCode Move(EngdPoints points, PetscInt nlocal, const PetscInt wanted[], PetscInt width,
                           PetscReal **array)
{
  PetscReal *old = *array;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(ENGD_COUNT(nlocal, width) + 1, array));
  PetscCall(Fetch(points->comm, points->nlocal, nlocal, wanted, width, old, *array));
  PetscCall(PetscFree(old));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPointsResize - Another number of points: the first ones stay, new ones are where the old ones are, with no weight.

  Collective

  Input Parameters:
+ points  - not those of a file with data
- nglobal - positive

  Source: src/problem/movepoints.c
*/
PetscErrorCode EngdPointsResize(EngdPoints points, PetscInt nglobal)
{
  const PetscInt before = points->nglobal;
  PetscInt       nlocal = PETSC_DECIDE, end = 0, *wanted;

  PetscFunctionBeginUser;
  if (nglobal == before) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!points->ndata, points->comm, PETSC_ERR_SUP, "%s_points_file: points with data stay as many as they are",
             points->prefix);
  PetscCall(PetscSplitOwnership(points->comm, &nlocal, &nglobal));
  PetscCallMPI(MPI_Scan(&nlocal, &end, 1, MPIU_INT, MPI_SUM, points->comm));
  PetscCall(PetscMalloc1(nlocal + 1, &wanted));
  for (PetscInt i = 0; i < nlocal; i++) wanted[i] = (end - nlocal + i) % before;
  PetscCall(Move(points, nlocal, wanted, points->dim, &points->x));
  PetscCall(Move(points, nlocal, wanted, 1, &points->weight));
  if (points->normal) PetscCall(Move(points, nlocal, wanted, points->nspace, &points->normal));
  PetscCall(PetscFree(wanted));
  points->nglobal = nglobal;
  points->nlocal  = nlocal;
  points->start   = end - nlocal;
  points->nactive = PetscMin(points->nactive, nglobal);
  points->moved   = PETSC_TRUE;
  PetscCall(EngdPointsSetRandomDimensions(points, points->nrandom));
  for (PetscInt i = 0; i < nlocal; i++)
    if (points->start + i >= before) points->weight[i] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPointsReset - The points are those that they were at first, in the present window of time.

  Collective

  Input Parameter:
. points - perhaps moved

  Source: src/problem/movepoints.c
*/
PetscErrorCode EngdPointsReset(EngdPoints points)
{
  PetscFunctionBeginUser;
  PetscCall(EngdPointsResize(points, points->nfirst));
  points->nactive = points->nfirst;
  points->moved   = PETSC_FALSE;
  PetscCall(EngdPointsSample(points, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPointsState - Saves, or loads, the points themselves where they have moved; where they have not, their epoch says it all.

  Collective

  Input Parameters:
+ points  - at the epoch that was loaded, unless they have moved
- archive - in whose present group their numbers are

  Output Parameter:
. resized - is the number of points another than it was

  Source: src/problem/movepoints.c
*/
PetscErrorCode EngdPointsState(EngdPoints points, EngdArchive a, PetscBool *resized)
{
  const PetscInt before  = points->nglobal;
  PetscInt       nglobal = before;

  PetscFunctionBeginUser;
  *resized = PETSC_FALSE;
  PetscCall(EngdArchiveInt(a, "number", &nglobal, points->nfirst));
  PetscCall(EngdArchiveInt(a, "active", &points->nactive, points->nfirst));
  PetscCall(EngdArchiveBool(a, "moved", &points->moved, PETSC_FALSE));
  if (!points->moved) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(nglobal > 0, points->comm, PETSC_ERR_FILE_UNEXPECTED, "%s_points: %" PetscInt_FMT " in the file",
             points->prefix, nglobal);
  PetscCall(EngdArchiveExpect(a, "weight", (size_t)nglobal));
  PetscCall(EngdPointsResize(points, nglobal));
  PetscCall(EngdArchiveColumns(a, "x", points->nlocal * points->dim, 1, points->nlocal * points->dim, points->x));
  PetscCall(EngdArchiveColumns(a, "weight", points->nlocal, 1, points->nlocal, points->weight));
  if (points->normal)
    PetscCall(EngdArchiveColumns(a, "normal", points->nlocal * points->nspace, 1, points->nlocal * points->nspace,
                                 points->normal));
  *resized = (PetscBool)(nglobal != before);
  PetscFunctionReturn(PETSC_SUCCESS);
}
