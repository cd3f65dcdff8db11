/*
  Stages: optimisers one after the other, each from the parameters that the one before came to (-engd_stages adam,lbfgs,engd).

  A stage S is a Tao of EngdSolverCreate() that reads -S_tao_..., -S_ksp_..., -S_pc_... and -S_engd_max_seconds over the options
  without a prefix (src/system/options_overlay.c); S may be a TAO type, which is then its own, or any other word. All are
  created before the first one runs, so that mistakes cost nothing. Without -engd_stages there is one, without a prefix.
*/
#include <engd/private.h>
#include <math.h>

/* -tao_type of a stage that does not say it: its name, if that is a type or the usual name of one, else that of all */
static PetscErrorCode SetDefaultType(MPI_Comm comm, EngdStage *stage)
{
  const char *type = stage->name;
  PetscBool   lbfgs;
  PetscErrorCode (*create)(Tao);

  PetscFunctionBeginUser;
  if (EngdOverlayHas(stage->overlay, "tao_type")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscStrcmp(type, "lbfgs", &lbfgs));
  if (lbfgs) type = TAOLMVM;
  PetscCall(PetscFunctionListFind(TaoList, type, &create));
  PetscCheck(
      create || EngdOverlayHas(stage->overlay, NULL), comm, PETSC_ERR_ARG_UNKNOWN_TYPE,
      "-engd_stages: '%s' is no TAO type (adam, sgd, lbfgs, engd, ...), and no option -%s_tao_type or the like "
      "says what it is",
      stage->name, stage->name);
  if (create) PetscCall(EngdOverlayAdd(stage->overlay, "tao_type", type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdStageDo - does something while the options of a stage are on and errors say which it is; also behind an error the options
   are what they were. Collective */
PetscErrorCode EngdStageDo(EngdRun run, EngdStage *stage, PetscErrorCode (*part)(EngdRun, EngdStage *, void *),
                           void *data)
{
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  if (stage->name) PetscCall(EngdOverlayPush(stage->overlay));
  if (stage->name) PetscCall(EngdErrorsSetPlace("stage", stage->name));
  ierr = (*part)(run, stage, data);
  if (stage->name && !ierr) PetscCall(EngdOptionsExcuse(run->functional));
  if (stage->name) PetscCall(EngdOverlayPop(stage->overlay));
  PetscCall(ierr);
  if (stage->name) PetscCall(EngdErrorsSetPlace(NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* names and overlays of -engd_stages; one stage without a name if there is none */
static PetscErrorCode NameStages(EngdRun run)
{
  char **names;

  PetscFunctionBeginUser;
  run->nstages = 1;
  if (run->stages) PetscCall(EngdParseList("-engd_stages", run->stages, &run->nstages, &names));
  PetscCall(PetscCalloc1(run->nstages, &run->stage));
  if (!run->stages) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < run->nstages; k++) {
    PetscCall(PetscStrallocpy(names[k], &run->stage[k].name));
    PetscCall(EngdOverlayCreate(names[k], &run->stage[k].overlay));
  }
  PetscCall(EngdListDestroy(run->nstages, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points are taken anew in the loop of our own types; TAO's line searches and updates compare losses and gradients of the same
   points. One stage at least must be able to */
static PetscErrorCode CheckResampling(EngdRun run)
{
  const EngdProblem problem = run->problem;
  PetscBool         able    = PETSC_FALSE;
  TaoType           type    = NULL;
  char              names[256];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < run->nstages && !able; k++) {
    unsigned features;

    PetscCall(TaoGetType(run->stage[k].tao, &type));
    PetscCall(EngdTaoGetFeatures(run->stage[k].tao, &features));
    able = (PetscBool)((features & ENGD_TAO_RESAMPLES) != 0);
  }
  PetscCall(EngdTaoListWith(ENGD_TAO_RESAMPLES, sizeof(names), names));
  for (PetscInt t = 0; t < problem->nterms && !able; t++) {
    PetscCheck(!problem->term[t]->multipliers, run->comm, PETSC_ERR_USER_INPUT,
               "-%s_multipliers %" PetscInt_FMT
               ": -tao_type %s is for a loss that stays; take one of %s, or leave the "
               "option out",
               problem->term[t]->name, problem->term[t]->multipliers, type, names);
    PetscCheck(!problem->term[t]->resample, run->comm, PETSC_ERR_USER_INPUT,
               "-%s_resample %" PetscInt_FMT
               ": -tao_type %s is for points that stay; take one of %s, or leave the option out",
               problem->term[t]->name, problem->term[t]->resample, type, names);
    PetscCheck(problem->term[t]->causal <= 0, run->comm, PETSC_ERR_USER_INPUT,
               "-%s_causal %g: -tao_type %s is for weights that stay; take one of %s, or leave the option out",
               problem->term[t]->name, (double)problem->term[t]->causal, type, names);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the optimiser of a stage, its options read */
static PetscErrorCode CreateOptimiser(EngdRun run, EngdStage *stage, void *none)
{
  PetscFunctionBeginUser;
  (void)none;
  PetscCall(EngdSolverCreate(run->functional, &stage->tao));
  PetscCall(TaoSetSolution(stage->tao, run->theta));
  stage->max_seconds = INFINITY;
  stage->maximum     = -1;
  if (stage->name && EngdOverlayHas(stage->overlay, "engd_max_seconds"))
    PetscCall(EngdRunReadBudget(run->comm, &stage->max_seconds));
  PetscCall(EngdRunSetLimits(run, stage));
  PetscCall(EngdRunWatch(run, stage));
  PetscCall(EngdOptionsTellIdle(run->functional, stage));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(NameStages(run));
  for (PetscInt k = 0; k < run->nstages; k++) {
    EngdStage *stage = &run->stage[k];

    if (stage->name) PetscCall(SetDefaultType(run->comm, stage));
    PetscCall(EngdStageDo(run, stage, CreateOptimiser, NULL));
  }
  PetscCall(CheckResampling(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdStagesCreate - The optimisers of a run, with their options read, and those that a plan has for them. Collective */
PetscErrorCode EngdStagesCreate(EngdRun run)
{
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(EngdSolverRegister());
  PetscCall(EngdSettingsPush(run->plan.settings));
  ierr = Create(run);
  PetscCall(EngdSettingsPop(run->plan.settings));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdStagesDestroy - Frees the stages with their optimisers. Collective */
PetscErrorCode EngdStagesDestroy(EngdRun run)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < run->nstages; k++) {
    PetscCall(PetscFree(run->stage[k].name));
    PetscCall(EngdOverlayDestroy(&run->stage[k].overlay));
    PetscCall(TaoDestroy(&run->stage[k].tao));
  }
  PetscCall(PetscFree(run->stage));
  run->nstages = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
