/*
  Step fixed: always the same length (a learning rate), rejected where the loss would not be finite or would grow; with
  -tao_engd_accept_increase it may grow, as pure Newton towards a saddle wants.
*/
#include <engd/private.h>

typedef struct {
  PetscReal length;
} Fixed;

static PetscErrorCode SetFromOptions_Fixed(EngdStep step, EngdSolver solver, EngdOptionItems PetscOptionsObject)
{
  Fixed *fixed = (Fixed *)step->data;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Step fixed");
  PetscCall(PetscOptionsReal("-tao_engd_step_length", "Length of every step, positive", "EngdStep", fixed->length,
                             &fixed->length, NULL));
  PetscCheck(fixed->length > 0 && !PetscIsInfReal(fixed->length), solver->functional->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_step_length %g: give a positive number", (double)fixed->length);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Choose_Fixed(EngdStep step, EngdSolver solver, EngdLine *line)
{
  const Fixed *fixed = (const Fixed *)step->data;

  PetscFunctionBeginUser;
  line->step = fixed->length;
  PetscCall(EngdFunctionalLossAlong(solver->functional, line->theta, line->d, 1, &line->step, &line->newloss));
  if (PetscIsInfOrNanReal(line->newloss) || (line->newloss > line->loss && !solver->accept_increase)) line->step = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Fixed(EngdStep step, PetscViewer viewer)
{
  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(viewer, "step: length %g\n", (double)((const Fixed *)step->data)->length));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Fixed(EngdStep step)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(step->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_STEP("fixed", EngdStepCreate_Fixed);
PetscErrorCode EngdStepCreate_Fixed(EngdStep step)
{
  Fixed *fixed;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&fixed));
  fixed->length             = 1;
  step->data                = fixed;
  step->may_increase        = PETSC_TRUE;
  step->ops->setfromoptions = SetFromOptions_Fixed;
  step->ops->choose         = Choose_Fixed;
  step->ops->view           = View_Fixed;
  step->ops->destroy        = Destroy_Fixed;
  PetscFunctionReturn(PETSC_SUCCESS);
}
