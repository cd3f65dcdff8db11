/*
  Step grid: argmin of the loss over 1, ratio, ratio^2, ..., the line search of ENGD (Mueller and Zeinhofer, arXiv 2302.13163).

  From the longest step on, a batch of points at a time (one gather of the direction, one reduction), until a shorter step than
  the best one is worse: further on the loss only climbs back to that of no step at all, and of the published 31 points
  8 are enough most of the time. A point where the loss is not finite loses; if none is below the present loss the step
  is rejected.
*/
#include <engd/private.h>

#define MAX_POINTS 256
#define BATCH      8

typedef struct {
  PetscInt  npoints;
  PetscReal ratio;
} Grid;

static PetscErrorCode SetFromOptions_Grid(EngdStep step, EngdSolver solver, EngdOptionItems PetscOptionsObject)
{
  Grid    *grid = (Grid *)step->data;
  MPI_Comm comm = solver->functional->comm;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Step grid");
  PetscCall(PetscOptionsInt("-tao_engd_grid_points", "Points of the grid of step lengths, 1 to 256", "EngdStep",
                            grid->npoints, &grid->npoints, NULL));
  PetscCheck(grid->npoints >= 1 && grid->npoints <= MAX_POINTS, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_grid_points %" PetscInt_FMT ": give a number from 1 to %d", grid->npoints, MAX_POINTS);
  PetscCall(PetscOptionsReal("-tao_engd_grid_ratio", "Ratio of one step length to the one before, between 0 and 1",
                             "EngdStep", grid->ratio, &grid->ratio, NULL));
  PetscCheck(grid->ratio > 0 && grid->ratio < 1, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_grid_ratio %g: give a number between 0 and 1", (double)grid->ratio);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Choose_Grid(EngdStep step, EngdSolver solver, EngdLine *line)
{
  const Grid *grid   = (const Grid *)step->data;
  PetscBool   passed = PETSC_FALSE; /* the best point has worse ones on its shorter side */
  PetscReal   length = 1;

  PetscFunctionBeginUser;
  line->step    = 0;
  line->newloss = line->loss;
  for (PetscInt start = 0; start < grid->npoints && !passed; start += BATCH) {
    const PetscInt n = PetscMin(BATCH, grid->npoints - start);
    PetscReal      steps[BATCH], losses[BATCH];

    for (PetscInt k = 0; k < n; k++, length *= grid->ratio) steps[k] = length;
    PetscCall(EngdFunctionalLossAlong(solver->functional, line->theta, line->d, n, steps, losses));
    for (PetscInt k = 0; k < n; k++) {
      const PetscBool better = (PetscBool)(!PetscIsInfOrNanReal(losses[k]) && losses[k] < line->newloss);

      passed = (PetscBool)(!better && line->step > 0);
      if (!better) continue;
      line->step    = steps[k];
      line->newloss = losses[k];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Grid(EngdStep step, PetscViewer viewer)
{
  const Grid *grid = (const Grid *)step->data;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(viewer, "step: best of %" PetscInt_FMT " lengths, each %g times the one before\n",
                                   grid->npoints, (double)grid->ratio));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Grid(EngdStep step)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(step->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_STEP("grid", EngdStepCreate_Grid);
PetscErrorCode EngdStepCreate_Grid(EngdStep step)
{
  Grid *grid;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&grid));
  grid->npoints             = 31;
  grid->ratio               = 0.5;
  step->data                = grid;
  step->ops->setfromoptions = SetFromOptions_Grid;
  step->ops->choose         = Choose_Grid;
  step->ops->view           = View_Grid;
  step->ops->destroy        = Destroy_Grid;
  PetscFunctionReturn(PETSC_SUCCESS);
}
