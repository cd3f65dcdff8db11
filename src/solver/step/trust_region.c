/*
  Step trust_region: the whole direction or none, judged by the gain ratio, which also steers the damping.

    rho = (loss(theta) - loss(theta + d)) / -(g . d + d . G d / 2),   taken if rho > 1e-4
    taken: lambda <- lambda max(1/3, 1 - (2 rho - 1)^3), nu <- 2;  not taken: lambda <- nu lambda, nu <- 2 nu

  One product with the Gramian, without lambda in the model. With directions that solve to rounding that is the method of Levenberg
  and Marquardt. Reference: Nielsen, Damping parameter in Marquardt's method, IMM-REP-1999-05.
*/
#include <engd/private.h>

#define LEAST_GAIN 1e-4
#define FIRST_NU   2

typedef struct {
  PetscReal nu; /* factor of lambda at the next rejection */
  Vec       Gd;
} TrustRegion;

static PetscErrorCode SetFromOptions_TrustRegion(EngdStep step, EngdSolver solver, EngdOptionItems PetscOptionsObject)
{
  PetscFunctionBeginUser;
  (void)step;
  (void)solver;
  (void)PetscOptionsObject;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode State_TrustRegion(EngdStep step, EngdArchive a)
{
  TrustRegion *region = (TrustRegion *)step->data;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveReal(a, "nu", &region->nu, FIRST_NU));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Choose_TrustRegion(EngdStep step, EngdSolver solver, EngdLine *line)
{
  TrustRegion    *region = (TrustRegion *)step->data;
  const PetscReal one    = 1;
  PetscReal       dGd, dd, model, gain = -1;

  PetscFunctionBeginUser;
  if (!region->Gd) PetscCall(VecDuplicate(line->d, &region->Gd));
  PetscCall(MatMult(solver->G, line->d, region->Gd));
  PetscCall(VecDot(line->d, region->Gd, &dGd));
  PetscCall(VecDot(line->d, line->d, &dd));
  PetscCall(EngdFunctionalLossAlong(solver->functional, line->theta, line->d, 1, &one, &line->newloss));
  model = -(line->slope + 0.5 * (dGd - solver->damping.lambda * dd));
  if (model > 0 && !PetscIsInfOrNanReal(line->newloss)) gain = (line->loss - line->newloss) / model;
  if (gain > LEAST_GAIN) {
    line->step           = 1;
    line->damping_factor = PetscMax(1. / 3, 1 - PetscPowRealInt(2 * gain - 1, 3));
    region->nu           = FIRST_NU;
  } else {
    line->step           = 0;
    line->damping_factor = region->nu;
    region->nu *= 2;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_TrustRegion(EngdStep step, PetscViewer viewer)
{
  PetscFunctionBeginUser;
  (void)step;
  PetscCall(
      PetscViewerASCIIPrintf(viewer, "step: all of the direction where the gain ratio is above %g\n", LEAST_GAIN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_TrustRegion(EngdStep step)
{
  TrustRegion *region = (TrustRegion *)step->data;

  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&region->Gd));
  PetscCall(PetscFree(region));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_STEP("trust_region", EngdStepCreate_TrustRegion);
PetscErrorCode EngdStepCreate_TrustRegion(EngdStep step)
{
  TrustRegion *region;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&region));
  region->nu                = FIRST_NU;
  step->data                = region;
  step->ops->setfromoptions = SetFromOptions_TrustRegion;
  step->ops->state          = State_TrustRegion;
  step->ops->choose         = Choose_TrustRegion;
  step->ops->view           = View_TrustRegion;
  step->ops->destroy        = Destroy_TrustRegion;
  PetscFunctionReturn(PETSC_SUCCESS);
}
