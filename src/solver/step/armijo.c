/*
  Step armijo: PETSc's line search, backtracking to sufficient decrease unless -tao_ls_type names another of its types.

    loss(theta + step d) <= loss + sigma step gradient . d          (-tao_ls_armijo_sigma, ... are PETSc's)
*/
#include <engd/private.h>

typedef struct {
  TaoLineSearch search;
  Vec           theta, gradient; /* the line search moves these */
} Armijo;

/* PETSc takes these factors as they come, and with some never finds a step */
static PetscErrorCode CheckFactors(MPI_Comm comm)
{
  PetscReal sigma = 0.5, beta = 0.5;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-tao_ls_armijo_sigma", &sigma, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-tao_ls_armijo_beta", &beta, NULL));
  PetscCheck(sigma > 0 && sigma < 1, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_ls_armijo_sigma %g: give a number between 0 and 1", (double)sigma);
  PetscCheck(beta > 0 && beta < 1, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_ls_armijo_beta %g: give a number between 0 and 1", (double)beta);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Armijo(EngdStep step, EngdSolver solver, EngdOptionItems PetscOptionsObject)
{
  Armijo *armijo = (Armijo *)step->data;

  PetscFunctionBeginUser;
  (void)PetscOptionsObject;
  if (armijo->search) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TaoLineSearchCreate(solver->functional->comm, &armijo->search));
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)armijo->search, (PetscObject)solver->tao, 1));
  PetscCall(TaoLineSearchSetType(armijo->search, TAOLINESEARCHARMIJO));
  PetscCall(TaoLineSearchUseTaoRoutines(armijo->search, solver->tao));
  PetscCall(TaoLineSearchSetFromOptions(armijo->search));
  PetscCall(CheckFactors(solver->functional->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Choose_Armijo(EngdStep step, EngdSolver solver, EngdLine *line)
{
  Armijo                      *armijo = (Armijo *)step->data;
  TaoLineSearchConvergedReason reason;

  PetscFunctionBeginUser;
  if (!armijo->theta) {
    PetscCall(VecDuplicate(line->theta, &armijo->theta));
    PetscCall(VecDuplicate(line->theta, &armijo->gradient));
  }
  PetscCall(VecCopy(line->theta, armijo->theta));
  PetscCall(VecCopy(line->gradient, armijo->gradient));
  line->newloss = line->loss;
  PetscCall(TaoLineSearchReset(armijo->search)); /* its memory of losses may be of other points */
  PetscCall(TaoLineSearchSetInitialStepLength(armijo->search, 1));
  PetscCall(TaoLineSearchApply(armijo->search, armijo->theta, &line->newloss, armijo->gradient, line->d, &line->step,
                               &reason));
  if (reason > TAOLINESEARCH_SUCCESS_USER) { /* halted: the step need not be the last one whose loss was computed */
    PetscCall(EngdFunctionalLossAlong(solver->functional, line->theta, line->d, 1, &line->step, &line->newloss));
  }
  if (reason <= 0 || PetscIsInfOrNanReal(line->newloss) || line->newloss > line->loss) line->step = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Armijo(EngdStep step, PetscViewer viewer)
{
  PetscFunctionBeginUser;
  PetscCall(TaoLineSearchView(((Armijo *)step->data)->search, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Armijo(EngdStep step)
{
  Armijo *armijo = (Armijo *)step->data;

  PetscFunctionBeginUser;
  PetscCall(TaoLineSearchDestroy(&armijo->search));
  PetscCall(VecDestroy(&armijo->theta));
  PetscCall(VecDestroy(&armijo->gradient));
  PetscCall(PetscFree(armijo));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_STEP("armijo", EngdStepCreate_Armijo);
PetscErrorCode EngdStepCreate_Armijo(EngdStep step)
{
  Armijo *armijo;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&armijo));
  step->data                = armijo;
  step->ops->setfromoptions = SetFromOptions_Armijo;
  step->ops->choose         = Choose_Armijo;
  step->ops->view           = View_Armijo;
  step->ops->destroy        = Destroy_Armijo;
  PetscFunctionReturn(PETSC_SUCCESS);
}
