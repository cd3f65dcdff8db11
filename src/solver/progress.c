/*
  The progress of the training: losses of the last iterations, and from them the kind of the next one.

  Straight iterations (a direction, a step along it) until 10 of them lower the loss by less than 5%, then 20 accelerated ones
  (src/solver/geodesic.c), then straight ones again, for 3 to see whether they are as slow as before. Measured on Poisson and
  heat, 257 parameters: accelerating earlier (after three slow steps, or from the start) lowers the loss faster at first
  and ends at 1e-5 relative error, since small steps leave J of low rank; so straight ones have the first word.
*/
#include <engd/private.h>

#define SLOW_ITERATIONS 10
#define SLOW_AGAIN      3
#define SLOW_DECREASE   0.05
#define ACCELERATED     20

/* the losses that the ring has, oldest first, in a file; what it has no room for is left out, what was not saved is far away */
static PetscErrorCode LossesState(EngdProgress *progress, EngdArchive a)
{
  PetscInt       n = PetscMin(progress->n, progress->size), first;
  PetscReal     *loss;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveCount(a, "recorded", &progress->n, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveCountReals(a, "kept", &n, progress->n, "losses", 1));
  first = progress->n - n;
  PetscCall(PetscMalloc1(n, &loss));
  for (PetscInt k = 0; !EngdArchiveChanges(a) && k < n; k++) loss[k] = progress->past[(first + k) % progress->size];
  ierr = EngdArchiveReals(a, "losses", n, loss);
  for (PetscInt k = 0; EngdArchiveChanges(a) && !ierr && k < n; k++)
    progress->past[(first + k) % progress->size] = loss[k];
  PetscCall(PetscFree(loss));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In a group of its own; longest is the longest time, in iterations, that will be asked about. Collective */
PetscErrorCode EngdProgressState(EngdProgress *progress, PetscInt longest, EngdArchive a)
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchivePush(a, "progress"));
  if (EngdArchiveChanges(a)) {
    PetscCall(PetscFree(progress->past));
    progress->size = PetscMax(longest, SLOW_ITERATIONS) + 1;
    progress->n    = 0;
    PetscCall(PetscMalloc1(progress->size, &progress->past));
    for (PetscInt k = 0; k < progress->size; k++) progress->past[k] = PETSC_INFINITY;
  }
  PetscCall(LossesState(progress, a));
  PetscCall(EngdArchiveCount(a, "since", &progress->since, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveInt(a, "patience", &progress->patience, SLOW_ITERATIONS));
  PetscCall(EngdArchiveCount(a, "accelerated", &progress->accelerated, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveBool(a, "exhausted", &progress->exhausted, PETSC_FALSE));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void EngdProgressRecord(EngdProgress *progress, PetscReal loss)
{
  progress->past[progress->n++ % progress->size] = loss;
}

/* have the last n iterations lowered the loss by less than this part of it; none of them before the loss number `since` */
PetscBool EngdProgressIsSlow(const EngdProgress *progress, PetscInt since, PetscInt n, PetscReal decrease)
{
  const PetscInt last = progress->n - 1;

  if (last - n < since) return PETSC_FALSE;
  return (PetscBool)(progress->past[last % progress->size] >
                     (1 - decrease) * progress->past[(last - n) % progress->size]);
}

/* after an iteration with this step: straight or accelerated next? Stuck: found no step; then, whether both kinds are */
void EngdProgressChooseKind(EngdProgress *progress, PetscReal step, PetscBool *stuck)
{
  if (progress->accelerated) {
    progress->accelerated = step > 0 ? progress->accelerated - 1 : 0;
    progress->exhausted   = (PetscBool)(step == 0);
    progress->patience    = SLOW_AGAIN;
    progress->since       = progress->n - 1;
    *stuck                = PETSC_FALSE;
  } else if (*stuck || EngdProgressIsSlow(progress, progress->since, progress->patience, SLOW_DECREASE)) {
    *stuck                = (PetscBool)(*stuck && progress->exhausted);
    progress->accelerated = ACCELERATED;
  }
}
