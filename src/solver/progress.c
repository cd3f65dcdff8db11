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

/* no losses yet; the longest time that will be asked about, in iterations */
PetscErrorCode EngdProgressReset(EngdProgress *progress, PetscInt longest)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(progress->past));
  *progress = (EngdProgress){.size = PetscMax(longest, SLOW_ITERATIONS) + 1, .patience = SLOW_ITERATIONS};
  PetscCall(PetscMalloc1(progress->size, &progress->past));
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
