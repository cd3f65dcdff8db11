/*
  The state of a functional: which points it has, and how often it has moved.

  Points are a function of seed, term, index and epoch, so that the epoch is all there is to save, but for those that follow a
  residual, which are saved themselves. The generation is saved since
  directions and preconditioners compare it with the one that they have last worked at: after loading, what would have been of the
  present theta is so again.
*/
#include <engd/private.h>

/* the points of each term at the epoch that was loaded */
static PetscErrorCode TakePoints(EngdFunctional F, const PetscInt epoch[])
{
  PetscBool moved = PETSC_FALSE;

  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    EngdPoints points = F->problem->term[t]->points;

    PetscCheck(epoch[t] >= 0 && epoch[t] <= ENGD_ARCHIVE_MANY, F->comm, PETSC_ERR_FILE_UNEXPECTED,
               "the checkpoint is damaged: the points of term '%s' are of epoch %" PetscInt_FMT,
               F->problem->term[t]->name, epoch[t]);
    if (points->epoch == epoch[t] || points->moved) continue;
    PetscCall(EngdPointsSample(points, epoch[t]));
    moved = PETSC_TRUE;
  }
  if (moved) PetscCall(EngdFunctionalAttachPoints(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* where the points of each term are that follow its residual, and what was found of it */
static PetscErrorCode WalkPoints(EngdFunctional F, EngdArchive a)
{
  PetscBool any = PETSC_FALSE;

  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    const EngdTerm term = F->problem->term[t];
    PetscBool      resized;
    char           name[64];

    PetscCall(PetscSNPrintf(name, sizeof(name), "points_%" PetscInt_FMT, t));
    PetscCall(EngdArchivePush(a, name));
    PetscCall(EngdPointsState(term->points, a, &resized));
    PetscCall(EngdArchiveInt(a, "done", &term->adapt.done, 0));
    PetscCall(EngdArchiveReal(a, "mean", &term->adapt.density.mean, 0));
    PetscCall(EngdArchiveReal(a, "largest", &term->adapt.density.largest, 0));
    PetscCall(EngdWalkState(term, a));
    PetscCall(EngdArchivePop(a));
    any = (PetscBool)(any || resized);
  }
  if (any) PetscCall(EngdFunctionalResize(F));
  if (!any && EngdArchiveChanges(a)) PetscCall(EngdFunctionalAttachPoints(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all of it but theta: (epoch) of the points of each term, and the generation of theta */
static PetscErrorCode WalkFunctional(EngdFunctional F, EngdArchive a, PetscInt epoch[], PetscInt64 *generation,
                                     PetscBool *present)
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchivePush(a, "functional"));
  PetscCall(EngdArchiveInts(a, "epochs", F->problem->nterms, epoch));
  PetscCall(EngdArchiveInt64(a, "generation", generation, 0));
  PetscCall(EngdArchiveInt64(a, "evaluations", &F->count.evaluations, 0));
  PetscCall(EngdArchiveInt64(a, "products", &F->count.products, 0));
  PetscCall(EngdArchiveBool(a, "present", present, PETSC_TRUE));
  if (EngdArchiveChanges(a)) PetscCall(TakePoints(F, epoch));
  PetscCall(WalkPoints(F, a));
  PetscCall(EngdFunctionalMultipliersState(F, a));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalState - saves, or loads, epochs and counters; theta becomes the present parameters.

  Collective

  Input Parameters:
+ functional - set up
. theta      - the parameters of the run, loaded before
- archive    - forgetting changes nothing: points and counters are those of the whole run
*/
PetscErrorCode EngdFunctionalState(EngdFunctional F, Vec theta, EngdArchive a)
{
  PetscInt        *epoch;
  PetscInt64       generation = F->present.generation;
  PetscObjectId    id;
  PetscObjectState state;
  PetscBool        present;
  PetscErrorCode   ierr;

  PetscFunctionBeginUser;
  if (EngdArchiveGetMode(a) == ENGD_ARCHIVE_FORGET) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectGetId((PetscObject)theta, &id));
  PetscCall(PetscObjectStateGet((PetscObject)theta, &state));
  present = (PetscBool)(id == F->present.id && state == F->present.state);
  PetscCall(PetscMalloc1(F->problem->nterms, &epoch));
  for (PetscInt t = 0; t < F->problem->nterms; t++) epoch[t] = F->problem->term[t]->points->epoch;
  ierr = WalkFunctional(F, a, epoch, &generation, &present);
  PetscCall(PetscFree(epoch));
  PetscCall(ierr);
  if (EngdArchiveChanges(a)) {
    PetscCall(EngdFunctionalSetParameters(F, theta));
    F->present.generation = generation;
    F->outer.generation = F->outer.vertical_generation = F->integral.generation = -1; /* of before */
    if (!present) F->present.id = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
