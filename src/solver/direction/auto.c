/*
  The choice of a direction (-tao_engd_direction auto) by estimates of an iteration, printed with -tao_view.

  Method: each registered type that can estimate is asked what an iteration takes and what it is worth. Of those that suit the
  problem, fit the memory and have the features that options ask for, the type with the least seconds for its worth is taken.
  A part of the Gramian, the exact Hessian, a KSP or a PC are features that are asked for. What a type's estimate is made of
  stands in its file. Types of plug-ins take part.
*/
#include <engd/private.h>

/* what options and a game ask for. Collective */
static PetscErrorCode GetFeaturesAskedFor(EngdSolver solver, unsigned *features)
{
  static const char *const options[] = {"-ksp_type", "-pc_type", "-ksp_rtol", "-ksp_max_it"};
  PetscBool                game;

  PetscFunctionBeginUser;
  *features = 0;
  PetscCall(EngdMaximiseOutputs(solver->functional, NULL, &game));
  if (game) *features |= ENGD_DIRECTION_GAMES;
  if (solver->structure != ENGD_STRUCTURE_FULL) *features |= ENGD_DIRECTION_STRUCTURES;
  if (solver->functional->curvature->for_hessian) *features |= ENGD_DIRECTION_HESSIAN;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    PetscBool given;

    PetscCall(PetscOptionsHasName(NULL, NULL, options[k], &given));
    if (given) *features |= ENGD_DIRECTION_KSP;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a candidate, if the type has the features and can estimate; without the estimate. Not collective */
static PetscErrorCode AddCandidate(EngdDirectionChoice *choice, const char type[], unsigned features)
{
  EngdDirection direction;

  PetscFunctionBeginUser;
  PetscCall(EngdDirectionCreate(type, &direction));
  if (direction->ops->estimate && (direction->features & features) == features &&
      choice->n < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(choice->candidate)) {
    PetscCall(PetscStrncpy(choice->candidate[choice->n].type, type, sizeof(choice->candidate[0].type)));
    choice->n++;
  }
  PetscCall(EngdDirectionDestroy(&direction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the estimates, those of the most worth first. Collective */
static PetscErrorCode Estimate(EngdDirectionChoice *choice, EngdSolver solver)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < choice->n; k++) {
    EngdDirection direction;

    PetscCall(EngdDirectionCreate(choice->candidate[k].type, &direction));
    PetscCall((*direction->ops->estimate)(direction, solver, &choice->candidate[k].estimate));
    PetscCall(EngdDirectionDestroy(&direction));
    for (PetscInt j = k; j > 0 && choice->candidate[j].estimate.worth > choice->candidate[j - 1].estimate.worth;
         j--) {
      const EngdDirectionCandidate other = choice->candidate[j];

      choice->candidate[j]     = choice->candidate[j - 1];
      choice->candidate[j - 1] = other;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the least seconds for the worth of one iteration, or -1 where nothing suits and fits */
static PetscInt FindBest(const EngdDirectionChoice *choice)
{
  PetscInt best = -1;

  for (PetscInt k = 0; k < choice->n; k++) {
    const EngdEstimate *e     = &choice->candidate[k].estimate,
                       *least = best < 0 ? NULL : &choice->candidate[best].estimate;

    if (!e->suits || e->bytes > choice->limit) continue;
    if (!least || e->seconds * least->worth < least->seconds * e->worth) best = k;
  }
  return best;
}

/* an error that says whether memory is the reason. Collective, as an error is */
static PetscErrorCode FailToChoose(const EngdDirectionChoice *choice, MPI_Comm comm, unsigned features)
{
  PetscReal least = PETSC_MAX_REAL;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < choice->n; k++)
    if (choice->candidate[k].estimate.suits) least = PetscMin(least, choice->candidate[k].estimate.bytes);
  PetscCheck(least == PETSC_MAX_REAL, comm, PETSC_ERR_SUP,
             "-tao_engd_direction auto: the directions that suit the problem need %.3g bytes a rank or more, and "
             "-engd_memory_limit is %.3g; raise it, or name a direction",
             (double)least, (double)choice->limit);
  SETERRQ(comm, PETSC_ERR_SUP,
          "-tao_engd_direction auto: none is chosen for %s; name one, such as dense or krylov with a -ksp_type",
          features & ENGD_DIRECTION_GAMES ? "this game" : "what the options ask for");
}

/*
  EngdDirectionChoose - the direction for a problem of this size on so many ranks with so much memory.

  Collective

  Input Parameter:
. solver - with its functional set up, its KSP and structure set from options

  Output Parameters:
+ choice - the estimates, and
- type   - the name of the direction, in choice
*/
PetscErrorCode EngdDirectionChoose(EngdSolver solver, EngdDirectionChoice *choice, const char **type)
{
  const char **types;
  unsigned     features;
  PetscInt     n;

  PetscFunctionBeginUser;
  *choice = (EngdDirectionChoice){.made = PETSC_TRUE, .limit = solver->functional->options.memory_limit};
  PetscCall(GetFeaturesAskedFor(solver, &features));
  PetscCall(EngdRegistryGetNames(&engd_directions, &n, &types));
  for (PetscInt k = 0; k < n; k++) PetscCall(AddCandidate(choice, types[k], features));
  PetscCall(PetscFree(types));
  choice->asked = (PetscBool)(features && choice->n == 1);
  if (!choice->asked) {
    PetscCall(Estimate(choice, solver));
    choice->chosen = FindBest(choice);
  }
  if (!choice->n || choice->chosen < 0) PetscCall(FailToChoose(choice, solver->functional->comm, features));
  *type = choice->candidate[choice->chosen].type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDirectionChoiceView(const EngdDirectionChoice *choice, PetscViewer viewer)
{
  PetscFunctionBeginUser;
  if (!choice->made) PetscFunctionReturn(PETSC_SUCCESS);
  if (choice->asked) {
    PetscCall(
        PetscViewerASCIIPrintf(viewer, "direction chosen since options ask for %s\n", choice->candidate[0].type));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscViewerASCIIPrintf(viewer, "direction chosen by estimates: "));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  for (PetscInt k = 0; k < choice->n; k++) {
    const EngdEstimate *e = &choice->candidate[k].estimate;

    PetscCall(
        PetscViewerASCIIPrintf(viewer, "%s%s %.2g s", k ? "; " : "", choice->candidate[k].type, (double)e->seconds));
    if (!k)
      PetscCall(PetscViewerASCIIPrintf(viewer, " an iteration, %.3g of %.3g bytes a rank", (double)e->bytes,
                                       (double)choice->limit));
  }
  PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}
