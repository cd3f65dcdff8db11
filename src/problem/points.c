/*
  Points of a region: creation, distribution, sampling at an epoch. x_i, weight_i, normal_i, sum_i weight_i = measure.

  The ranks hold contiguous pieces of the global numbering (PetscSplitOwnership); which point has which number is the
  domain's affair and depends on (seed, stream, number, epoch) only, never on the number of ranks.
*/
#include <engd/private.h>
#include <unistd.h>

/* "-pde_region" -> "-pde" */
static PetscErrorCode PointsSetPrefix(EngdPoints points, const char option[])
{
  char *end;

  PetscFunctionBeginUser;
  PetscCall(PetscStrallocpy(option, &points->prefix));
  PetscCall(PetscStrrchr(points->prefix, '_', &end));
  if (end != points->prefix) end[-1] = 0; /* PetscStrrchr returns what follows the character, or all of the string */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Local piece of the nglobal points, and its arrays */
static PetscErrorCode PointsDistribute(EngdPoints points, PetscBool normal)
{
  PetscInt nlocal = PETSC_DECIDE, end = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscSplitOwnership(points->comm, &nlocal, &points->nglobal));
  PetscCallMPI(MPI_Scan(&nlocal, &end, 1, MPIU_INT, MPI_SUM, points->comm));
  points->nlocal = nlocal;
  points->start  = end - nlocal;
  /* one more than needed: a rank without points still shows by its normal that the region has one */
  PetscCall(PetscCalloc1(ENGD_COUNT(nlocal, points->dim) + 1, &points->x));
  PetscCall(PetscCalloc1((size_t)nlocal + 1, &points->weight));
  if (normal) PetscCall(PetscCalloc1(ENGD_COUNT(nlocal, points->nspace) + 1, &points->normal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* more points than the memory has room for are refused, before anything is computed of them */
static PetscErrorCode PointsCheckMemory(EngdPoints points, PetscInt ncounts, const PetscInt counts[])
{
  const PetscReal memory = (PetscReal)sysconf(_SC_PHYS_PAGES) * (PetscReal)sysconf(_SC_PAGESIZE);
  PetscReal       bytes = (PetscReal)sizeof(PetscReal) * (points->dim + 1), n = 1;
  PetscMPIInt     size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(points->comm, &size));
  for (PetscInt i = 0; i < ncounts; i++) n *= counts[i];
  bytes *= n / size;
  PetscCheck(memory <= 0 || bytes <= memory, points->comm, PETSC_ERR_USER_INPUT,
             "%s_points: the coordinates of %.0f points alone take %.3g bytes of a rank, and this machine has %.3g",
             points->prefix, (double)n, (double)bytes, (double)memory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPointsCreateCounts - Places points on a region of a domain

  Collective

  Input Parameters:
+ domain  - the domain, which must outlive the points
. option  - the option that gave the region, "-pde_region", to name in error messages
. region  - the region as the user wrote it
. sampler - NULL or auto, quasi, grid, gauss or a registered sampler
. ncounts - 1, or the number of coordinates
. counts  - how many points, or with a tensor rule how many in each coordinate
. seed    - of the random numbers
- stream  - see EngdStream

  Output Parameter:
. points - sampled at epoch 0; with a tensor rule or fixed points nglobal may be less than asked for
*/
PetscErrorCode EngdPointsCreateCounts(EngdDomain domain, const char option[], const char region[],
                                      const char sampler[], PetscInt ncounts, const PetscInt counts[],
                                      PetscInt64 seed, PetscInt stream, EngdPoints *points)
{
  EngdPoints p;
  PetscBool  normal = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  p->comm   = domain->comm;
  p->domain = domain;
  p->nspace = domain->nspace;
  p->dim    = domain->dim;
  p->seed   = seed;
  p->stream = stream;
  PetscCall(PointsSetPrefix(p, option));
  PetscCall(PetscStrallocpy(region, &p->region));
  PetscCall(PetscStrallocpy(sampler ? sampler : "auto", &p->sampler));
  for (PetscInt i = 0; i < ncounts; i++)
    PetscCheck(counts[i] > 0, p->comm, PETSC_ERR_USER_INPUT,
               "%s_points %" PetscInt_FMT ": the number of points must be positive", p->prefix, counts[i]);
  PetscCall(PointsCheckMemory(p, ncounts, counts));
  PetscCall((*domain->ops->pointssetup)(domain, p, ncounts, counts, &normal));
  p->nfirst = p->nactive = p->nglobal;
  PetscCall(PointsDistribute(p, normal));
  PetscCall(EngdPointsSample(p, 0));
  *points = p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPointsCreate - EngdPointsCreateCounts() for n points in all.
*/
PetscErrorCode EngdPointsCreate(EngdDomain domain, const char option[], const char region[], const char sampler[],
                                PetscInt n, PetscInt64 seed, PetscInt stream, EngdPoints *points)
{
  PetscFunctionBeginUser;
  PetscCall(EngdPointsCreateCounts(domain, option, region, sampler, 1, &n, seed, stream, points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPointsCreateOthers - n points of the same region, by a sequence that fills it; as EngdPointsCreate() otherwise. Collective */
PetscErrorCode EngdPointsCreateOthers(EngdPoints points, PetscInt n, PetscInt stream, EngdPoints *others)
{
  char option[256];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(option, sizeof(option), "%s_region", points->prefix));
  PetscCall(EngdPointsCreate(points->domain, option, points->region, "quasi", n, points->seed, stream, others));
  PetscCall(EngdPointsSetRandomDimensions(*others, points->nrandom));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPointsSample - Moves the points to where they are in this epoch. Not collective: every rank computes its own.

  Tensor rules (grid, gauss) stay the same in all epochs.
*/
PetscErrorCode EngdPointsSample(EngdPoints points, PetscInt epoch)
{
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.points, 0, 0, 0, 0));
  points->epoch = epoch;
  PetscCall((*points->domain->ops->pointssample)(points->domain, points));
  PetscCall(EngdPointsDrawDimensions(points));
  PetscCall(PetscLogEventEnd(engd_log.points, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPointsDestroy(EngdPoints *points)
{
  EngdPoints p = *points;

  PetscFunctionBeginUser;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  if (p->domain->ops->pointsdestroy) PetscCall((*p->domain->ops->pointsdestroy)(p));
  PetscCall(PetscFree(p->prefix));
  PetscCall(PetscFree(p->region));
  PetscCall(PetscFree(p->sampler));
  PetscCall(PetscFree(p->x));
  PetscCall(PetscFree(p->weight));
  PetscCall(PetscFree(p->normal));
  PetscCall(PetscFree(p->dimension));
  PetscCall(EngdListDestroy(p->ndata, &p->data_name));
  PetscCall(PetscFree(p->data_value));
  PetscCall(PetscFree(*points));
  PetscFunctionReturn(PETSC_SUCCESS);
}
