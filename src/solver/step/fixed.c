/*
  Step fixed: a length (a learning rate) that is said before, rejected where the loss would not be finite or would grow; with
  -tao_engd_accept_increase it may grow, as pure Newton towards a saddle and losses with noise want.

    eta_k = min(eta / (1 + k / K), sqrt(C) / |d|)    K = -tao_engd_step_decay, C = -tao_engd_step_constraint, where they are given

  Reference: Goldshlager, Abrahamsen, Lin (arXiv 2401.10190) for the constraint C on the square of the step.
*/
#include <engd/private.h>

typedef struct {
  PetscReal length;
  PetscReal decay;      /* iterations until it is a half, infinite for a length that stays */
  PetscReal constraint; /* on the square of the step, infinite for none */
} Fixed;

static PetscErrorCode SetFromOptions_Fixed(EngdStep step, EngdSolver solver, EngdOptionItems PetscOptionsObject)
{
  Fixed *fixed = (Fixed *)step->data;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Step fixed");
  PetscCall(PetscOptionsReal("-tao_engd_step_length", "Length of every step, positive", "EngdStep", fixed->length,
                             &fixed->length, NULL));
  PetscCall(PetscOptionsReal("-tao_engd_step_decay", "Iterations K of the length eta/(1 + k/K), positive", "EngdStep",
                             fixed->decay, &fixed->decay, NULL));
  PetscCall(PetscOptionsReal("-tao_engd_step_constraint", "Most that |step|^2 may be, positive", "EngdStep",
                             fixed->constraint, &fixed->constraint, NULL));
  PetscCheck(fixed->decay > 0, solver->functional->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_step_decay %g: give a positive number", (double)fixed->decay);
  PetscCheck(fixed->constraint > 0, solver->functional->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_step_constraint %g: give a positive number", (double)fixed->constraint);
  PetscCheck(fixed->length > 0 && !PetscIsInfReal(fixed->length), solver->functional->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_step_length %g: give a positive number", (double)fixed->length);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Choose_Fixed(EngdStep step, EngdSolver solver, EngdLine *line)
{
  const Fixed *fixed = (const Fixed *)step->data;
  PetscReal    norm;
  PetscInt     k;

  PetscFunctionBeginUser;
  PetscCall(TaoGetIterationNumber(solver->tao, &k));
  PetscCall(VecNorm(line->d, NORM_2, &norm));
  line->step = fixed->length / (1 + (PetscReal)k / fixed->decay);
  if (line->step * norm > PetscSqrtReal(fixed->constraint)) line->step = PetscSqrtReal(fixed->constraint) / norm;
  PetscCall(EngdFunctionalLossAlong(solver->functional, line->theta, line->d, 1, &line->step, &line->newloss));
  if (PetscIsInfOrNanReal(line->newloss) || (line->newloss > line->loss && !solver->accept_increase)) line->step = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Fixed(EngdStep step, PetscViewer viewer)
{
  const Fixed *fixed = (const Fixed *)step->data;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(viewer, "step: length %g, a half after %g iterations, square at most %g\n",
                                   (double)fixed->length, (double)fixed->decay, (double)fixed->constraint));
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
  fixed->decay              = PETSC_INFINITY;
  fixed->constraint         = PETSC_INFINITY;
  step->data                = fixed;
  step->may_increase        = PETSC_TRUE;
  step->ops->setfromoptions = SetFromOptions_Fixed;
  step->ops->choose         = Choose_Fixed;
  step->ops->view           = View_Fixed;
  step->ops->destroy        = Destroy_Fixed;
  PetscFunctionReturn(PETSC_SUCCESS);
}
