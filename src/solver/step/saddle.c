/*
  Step saddle: of Lagrange-Newton directions, to points that are minima in some parameters and maxima in others (-TERM_maximise).

    eta = 1, 1/2, ..., the first with |grad L(theta + eta d)| <= (1 - eta / 10^4) |grad L(theta)|, else the one with the least

  The loss is no measure of such steps, the gradient of all parameters is zero where they end. The least is taken also where it is
  larger: what d^2 L has besides J^T W J, the curvature of the maximiser's network, can make all of them so at first.
*/
#include "../maximise.h"
#include <math.h>

#define HALVINGS 8
#define DECREASE 1e-4

typedef struct {
  Vec trial, gradient;
} Saddle;

static PetscErrorCode SetFromOptions_Saddle(EngdStep step, EngdSolver solver, EngdOptionItems PetscOptionsObject)
{
  Vec sign;

  PetscFunctionBeginUser;
  (void)step, (void)PetscOptionsObject;
  PetscCall(EngdMaximiseSigns(solver->functional, "-tao_engd_step saddle", &sign));
  PetscCall(VecDestroy(&sign));
  PetscCall(EngdMaximiseCheckMixed(solver->functional));
  PetscCall(EngdMaximiseAllow(solver->tao));
  solver->accept_increase = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |g|, in the metric of the direction if it has one */
static PetscErrorCode Norm(const EngdLine *line, EngdSolver solver, Vec gradient, PetscReal *norm)
{
  EngdDirection direction = line->direction;

  PetscFunctionBeginUser;
  if (direction->ops->norm)
    PetscCall((*direction->ops->norm)(direction, solver, gradient, norm));
  else
    PetscCall(VecNorm(gradient, NORM_2, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |grad L| at theta + eta d, infinite where the loss is not finite */
static PetscErrorCode Measure(Saddle *saddle, EngdSolver solver, const EngdLine *line, PetscReal eta, PetscReal *norm)
{
  EngdFunctional F = solver->functional;
  PetscReal      loss;

  PetscFunctionBeginUser;
  PetscCall(VecWAXPY(saddle->trial, eta, line->d, line->theta));
  PetscCall(EngdFunctionalSetParameters(F, saddle->trial));
  PetscCall(EngdFunctionalEvaluate(F, &loss, saddle->gradient));
  PetscCall(Norm(line, solver, saddle->gradient, norm));
  if (PetscIsInfOrNanReal(loss) || PetscIsInfOrNanReal(*norm)) *norm = INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Choose_Saddle(EngdStep step, EngdSolver solver, EngdLine *line)
{
  Saddle   *saddle = (Saddle *)step->data;
  PetscReal before, norm, least = INFINITY;

  PetscFunctionBeginUser;
  if (!saddle->trial) {
    PetscCall(VecDuplicate(line->theta, &saddle->trial));
    PetscCall(VecDuplicate(line->theta, &saddle->gradient));
  }
  PetscCall(Norm(line, solver, line->gradient, &before));
  line->step = 0;
  for (PetscInt k = 0; k <= HALVINGS; k++) {
    const PetscReal eta = PetscPowRealInt(0.5, k);

    PetscCall(Measure(saddle, solver, line, eta, &norm));
    if (norm < least) {
      least         = norm;
      line->step    = eta;
      line->newloss = norm; /* of retries the one with the least is taken */
    }
    if (norm <= (1 - DECREASE * eta) * before) break;
  }
  PetscCall(EngdFunctionalSetParameters(solver->functional, line->theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Saddle(EngdStep step, PetscViewer viewer)
{
  PetscFunctionBeginUser;
  (void)step;
  PetscCall(PetscViewerASCIIPrintf(viewer, "step: the gradient smaller, halved at most %d times\n", HALVINGS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Saddle(EngdStep step)
{
  Saddle *saddle = (Saddle *)step->data;

  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&saddle->trial));
  PetscCall(VecDestroy(&saddle->gradient));
  PetscCall(PetscFree(saddle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_STEP("saddle", EngdStepCreate_Saddle);
PetscErrorCode EngdStepCreate_Saddle(EngdStep step)
{
  Saddle *saddle;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&saddle));
  step->data                = saddle;
  step->may_increase        = PETSC_TRUE;
  step->ops->setfromoptions = SetFromOptions_Saddle;
  step->ops->choose         = Choose_Saddle;
  step->ops->view           = View_Saddle;
  step->ops->destroy        = Destroy_Saddle;
  PetscFunctionReturn(PETSC_SUCCESS);
}
