/*
  Step quadratic: no line search; the minimum of the quadratic model on the span of the direction D and the last step P.

    (alpha, mu) = -M^{-1} (D . g, P . g),   M = [D P]^T (G + lambda I) [D P],   update alpha D + mu P

  Two products with the Gramian. Where D and P are nearly parallel, or there is no P, the model on D alone. An update
  that raises the loss is halved until it does not, so the step is 1, 1/2, 1/4, ...
  Reference: KFAC* of Dangel, Mueller, Zeinhofer (arXiv 2405.15603), after Martens and Grosse (1503.05671).
*/
#include <engd/private.h>

#define PARALLEL 1e-12 /* of 1 - cos^2 of the angle in the metric of M, below which P adds nothing */
#define HALVINGS 12

typedef struct {
  PetscReal first; /* alpha of the first step, 0: that of the model */
  Vec       update, GD, GP;
} Quadratic;

static PetscErrorCode SetFromOptions_Quadratic(EngdStep step, EngdSolver solver, EngdOptionItems PetscOptionsObject)
{
  Quadratic *quadratic = (Quadratic *)step->data;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Step quadratic");
  PetscCall(PetscOptionsReal("-tao_engd_quadratic_first",
                             "Learning rate where there is no last step, 0 for that of the model", "EngdStep",
                             quadratic->first, &quadratic->first, NULL));
  PetscCheck(quadratic->first >= 0 && !PetscIsInfReal(quadratic->first), solver->functional->comm,
             PETSC_ERR_ARG_OUTOFRANGE, "-tao_engd_quadratic_first %g: give zero or a positive number",
             (double)quadratic->first);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* update <- alpha D + mu P */
static PetscErrorCode MinimiseModel(Quadratic *quadratic, EngdSolver solver, const EngdLine *line)
{
  PetscReal DD, DP, PP = 0, Pg = 0, norm, determinant, alpha, mu = 0;

  PetscFunctionBeginUser;
  PetscCall(MatMult(solver->G, line->d, quadratic->GD));
  PetscCall(VecDot(line->d, quadratic->GD, &DD));
  PetscCall(VecDot(line->previous, quadratic->GD, &DP));
  PetscCall(VecNorm(line->previous, NORM_2, &norm));
  if (norm > 0) {
    PetscCall(MatMult(solver->G, line->previous, quadratic->GP));
    PetscCall(VecDot(line->previous, quadratic->GP, &PP));
    PetscCall(VecDot(line->previous, line->gradient, &Pg));
  }
  determinant = DD * PP - DP * DP;
  if (norm == 0 && quadratic->first > 0)
    alpha = quadratic->first;
  else if (DD > 0 && determinant > PARALLEL * DD * PP) {
    alpha = -(PP * line->slope - DP * Pg) / determinant;
    mu    = -(DD * Pg - DP * line->slope) / determinant;
  } else
    alpha = DD > 0 ? -line->slope / DD : 1;
  PetscCall(VecAXPBYPCZ(quadratic->update, alpha, mu, 0, line->d, line->previous));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Choose_Quadratic(EngdStep step, EngdSolver solver, EngdLine *line)
{
  Quadratic *quadratic = (Quadratic *)step->data;
  PetscReal  length    = 1;

  PetscFunctionBeginUser;
  if (!quadratic->update) {
    PetscCall(VecDuplicate(line->d, &quadratic->update));
    PetscCall(VecDuplicate(line->d, &quadratic->GD));
    PetscCall(VecDuplicate(line->d, &quadratic->GP));
  }
  PetscCall(MinimiseModel(quadratic, solver, line));
  line->d    = quadratic->update;
  line->step = 0;
  for (PetscInt k = 0; k <= HALVINGS; k++, length /= 2) {
    PetscCall(EngdFunctionalLossAlong(solver->functional, line->theta, line->d, 1, &length, &line->newloss));
    if (PetscIsInfOrNanReal(line->newloss) || line->newloss > line->loss) continue;
    line->step = length;
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Quadratic(EngdStep step, PetscViewer viewer)
{
  const Quadratic *quadratic = (const Quadratic *)step->data;

  PetscFunctionBeginUser;
  PetscCall(
      PetscViewerASCIIPrintf(viewer, "step: minimum of the quadratic model along the direction and the last step"));
  if (quadratic->first > 0) PetscCall(PetscViewerASCIIPrintf(viewer, ", at first %g", (double)quadratic->first));
  PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Quadratic(EngdStep step)
{
  Quadratic *quadratic = (Quadratic *)step->data;

  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&quadratic->update));
  PetscCall(VecDestroy(&quadratic->GD));
  PetscCall(VecDestroy(&quadratic->GP));
  PetscCall(PetscFree(quadratic));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_STEP("quadratic", EngdStepCreate_Quadratic);
PetscErrorCode EngdStepCreate_Quadratic(EngdStep step)
{
  Quadratic *quadratic;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&quadratic));
  step->has_momentum        = PETSC_TRUE;
  step->damped              = PETSC_TRUE;
  step->data                = quadratic;
  step->ops->setfromoptions = SetFromOptions_Quadratic;
  step->ops->choose         = Choose_Quadratic;
  step->ops->view           = View_Quadratic;
  step->ops->destroy        = Destroy_Quadratic;
  PetscFunctionReturn(PETSC_SUCCESS);
}
