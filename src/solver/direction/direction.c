/*
  The registry of directions: ways to get d ~ -G^{-1} gradient, one file a type; -tao_engd_direction names one.
*/
#include <engd/private.h>

#define RETRY_DECADES  0.5 /* a retry raises the cut-off by so many powers of ten */
#define RETURN_DECADES 2   /* an iteration begins with so many below what the last one took */

static const char *const structures[] = {"full", "layer", "diagonal"}; /* of EngdStructure */

EngdRegistry engd_directions = {.kind = "direction", .others = "auto"};

/*
  EngdDirectionRegister - Adds a type of direction, or replaces one.

  Not collective

  Input Parameters:
+ name   - what -tao_engd_direction calls it
- create - sets ops, data and features of the direction

  Options Database Key:
. -tao_engd_direction name - chooses it

  Note: in the tree ENGD_REGISTER_DIRECTION(name, create); in the file of the type does it; a file to copy from is
  examples/plugin/conjugate.c

  Source: src/solver/direction/direction.c
*/
PetscErrorCode EngdDirectionRegister(const char name[], PetscErrorCode (*create)(EngdDirection))
{
  PetscFunctionBeginUser;
  PetscCall(EngdRegistryAdd(&engd_directions, name, (EngdRegistryFn)create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDirectionListWith(unsigned features, size_t size, char names[])
{
  const char **types;
  PetscInt     n;

  PetscFunctionBeginUser;
  names[0] = 0;
  PetscCall(EngdRegistryGetNames(&engd_directions, &n, &types));
  for (PetscInt k = 0; k < n; k++) {
    EngdDirection direction;

    PetscCall(EngdDirectionCreate(types[k], &direction));
    if ((direction->features & features) == features) {
      if (names[0]) PetscCall(PetscStrlcat(names, " or ", size));
      PetscCall(PetscStrlcat(names, types[k], size));
    }
    PetscCall(EngdDirectionDestroy(&direction));
  }
  PetscCall(PetscFree(types));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDirectionCreate(const char type[], EngdDirection *direction)
{
  EngdRegistryFn create;

  PetscFunctionBeginUser;
  PetscCall(EngdRegistryFind(&engd_directions, "-tao_engd_direction", type, &create));
  PetscCall(PetscNew(direction));
  PetscCall(PetscStrallocpy(type, &(*direction)->type));
  PetscCall(((PetscErrorCode(*)(EngdDirection))create)(*direction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the number is that the direction is regularised with, NULL where there is none */
const char *EngdDirectionGetDampingName(EngdDirection direction)
{
  return direction->features & ENGD_DIRECTION_DAMPED ? ENGD_DAMPING : direction->damping_name;
}

PetscErrorCode EngdDirectionDestroy(EngdDirection *direction)
{
  PetscFunctionBeginUser;
  if (!*direction) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*direction)->ops->destroy) PetscCall((*(*direction)->ops->destroy)(*direction));
  PetscCall(PetscFree((*direction)->type));
  PetscCall(PetscFree(*direction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* of each solve: memory and operators, if this is the first one. Collective */
PetscErrorCode EngdDirectionBegin(EngdDirection direction, EngdSolver solver)
{
  PetscFunctionBeginUser;
  if (!direction->ready) PetscCall((*direction->ops->setup)(direction, solver));
  direction->ready = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* after EngdDirectionBegin(), in a group of its own. Collective */
PetscErrorCode EngdDirectionState(EngdDirection direction, EngdSolver solver, EngdArchive a)
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchivePush(a, "direction"));
  PetscCall(EngdArchiveMatchString(a, "type", "-tao_engd_direction", direction->type));
  PetscCall(EngdArchiveMatchString(a, "structure", "-tao_engd_structure", structures[solver->structure]));
  PetscCall(EngdArchiveReal(a, "taken", &direction->taken, 0));
  if (direction->ops->state) PetscCall((*direction->ops->state)(direction, solver, a));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the cut-off of the directions that have one. Collective */
PetscErrorCode EngdDirectionReadCutoff(MPI_Comm comm, PetscReal *rcond, EngdOptionItems PetscOptionsObject)
{
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsReal("-tao_engd_rcond",
                             "Singular values of J below this part of the largest are cut off, between 0 and 1",
                             "EngdDirection", *rcond, rcond, NULL));
  PetscCheck(*rcond > 0 && *rcond < 1, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_rcond %g: give a number between 0 and 1", (double)*rcond);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* first <- the cut-off that an iteration begins with: RETURN_DECADES below what the last one took, down to rcond */
void EngdDirectionBeginCutoff(EngdDirection direction, PetscReal rcond, PetscReal *first)
{
  *first             = PetscMax(rcond, direction->taken * PetscPowReal(10, -RETURN_DECADES));
  direction->damping = *first;
}

/* the cut-off of attempt k, 10^(k/2) times the first one; false, and nothing is changed, where it is not below 1 */
PetscBool EngdDirectionRaiseCutoff(EngdDirection direction, PetscReal first, PetscInt attempt)
{
  const PetscReal cutoff = first * PetscPowReal(10, RETRY_DECADES * (PetscReal)attempt);

  if (cutoff >= 1) return PETSC_FALSE;
  direction->damping = cutoff;
  return PETSC_TRUE;
}

/* how much of the Gramian the direction solves with */
static PetscErrorCode SelectStructure(EngdSolver solver, EngdOptionItems PetscOptionsObject)
{
  PetscInt structure = (PetscInt)solver->structure;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsEList("-tao_engd_structure", "Part of the Gramian of the direction: full, layer, diagonal",
                              "EngdDirection", structures, 3, structures[structure], &structure, NULL));
  PetscCheck(
      structure == ENGD_STRUCTURE_FULL || !solver->functional->curvature->for_hessian, solver->functional->comm,
      PETSC_ERR_USER_INPUT,
      "-tao_engd_structure %s: of the exact Hessian there are only products; take full, or -tao_engd_curvature "
      "gauss_newton",
      structures[structure]);
  solver->structure = (EngdStructure)structure;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* can the direction solve with this part of the Gramian, with the exact Hessian, or with that of a game */
static PetscErrorCode CheckFeatures(EngdDirection direction, EngdSolver solver)
{
  const MPI_Comm comm = solver->functional->comm;
  char           names[256];
  PetscBool      game;

  PetscFunctionBeginUser;
  PetscCall(EngdMaximiseOutputs(solver->functional, NULL, &game));
  PetscCall(EngdDirectionListWith(ENGD_DIRECTION_GAMES, sizeof(names), names));
  PetscCheck(
      !game || (direction->features & ENGD_DIRECTION_GAMES), comm, PETSC_ERR_USER_INPUT,
      "-tao_engd_direction %s: some unknowns maximise (-TERM_maximise), and it has no use for that half of the "
      "curvature; take -tao_engd_direction %s",
      direction->type, names);
  PetscCall(EngdDirectionListWith(ENGD_DIRECTION_STRUCTURES, sizeof(names), names));
  PetscCheck(solver->structure == ENGD_STRUCTURE_FULL || (direction->features & ENGD_DIRECTION_STRUCTURES), comm,
             PETSC_ERR_USER_INPUT,
             "-tao_engd_structure %s: direction %s solves with all of the Gramian; take -tao_engd_direction %s",
             structures[solver->structure], direction->type, names);
  PetscCall(EngdDirectionListWith(ENGD_DIRECTION_HESSIAN, sizeof(names), names));
  PetscCheck(!solver->functional->curvature->for_hessian || (direction->features & ENGD_DIRECTION_HESSIAN), comm,
             PETSC_ERR_USER_INPUT,
             "-tao_engd_curvature hessian: the exact Hessian is no J^T W J, so there are no rows of J for direction "
             "%s to solve with; take -tao_engd_direction %s, or -tao_engd_curvature gauss_newton",
             direction->type, names);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDirectionSelect - the direction that an option names, or the one that suits the problem; one that is there already stays
  unless one is named, or another structure, and is then made anew.

  Collective

  Input Parameter:
. solver - with its functional set up and its KSP set from options

  Output Parameters:
+ direction - NULL, or one to be replaced
- choice    - what the choice went by, if it was left to us
*/
PetscErrorCode EngdDirectionSelect(EngdDirection *direction, EngdSolver solver, EngdDirectionChoice *choice,
                                   EngdOptionItems PetscOptionsObject)
{
  const EngdStructure before = solver->structure;
  const char         *chosen;
  char                type[256], sentence[640];
  PetscBool           set, automatic;

  PetscFunctionBeginUser;
  PetscCall(SelectStructure(solver, PetscOptionsObject));
  PetscCall(EngdRegistryDescribe(&engd_directions, "Way to the direction", sizeof(sentence), sentence));
  PetscCall(PetscOptionsString("-tao_engd_direction", sentence, "TaoEngdSetDirectionType",
                               *direction ? (*direction)->type : ENGD_DEFAULT_DIRECTION, type, sizeof(type), &set));
  if (set || !*direction || solver->structure != before) {
    if (!set) PetscCall(PetscStrncpy(type, *direction ? (*direction)->type : ENGD_DEFAULT_DIRECTION, sizeof(type)));
    PetscCall(PetscStrcmp(type, engd_directions.others, &automatic));
    choice->made = PETSC_FALSE;
    if (automatic) PetscCall(EngdDirectionChoose(solver, choice, &chosen));
    PetscCall(EngdDirectionDestroy(direction));
    PetscCall(EngdDirectionCreate(automatic ? chosen : type, direction));
  }
  PetscCall(CheckFeatures(*direction, solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}
