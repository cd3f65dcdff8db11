/*
  Stages: optimisers one after the other, each from the parameters that the one before came to (-engd_stages adam,lbfgs,engd).

  A stage S is a Tao of EngdSolverCreate() that reads -S_tao_..., -S_ksp_..., -S_pc_... and -S_engd_max_seconds over the options
  without a prefix (src/system/options_overlay.c); S may be a TAO type, which is then its own, or any other word. All are
  created before the first one runs, so that mistakes cost nothing. Without -engd_stages there is one, without a prefix.
*/
#include <engd/private.h>

typedef struct {
  char       *name; /* NULL of the only one */
  EngdOverlay overlay;
  Tao         tao;
} Stage;

struct _n_EngdStages {
  EngdFunctional functional; /* borrowed */
  PetscInt       n;
  Stage         *stage;
};

/* -tao_type of a stage that does not say it: its name, if that is a type or the usual name of one, else that of all */
static PetscErrorCode SetDefaultType(MPI_Comm comm, Stage *stage)
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

/* the options of a stage are on, and errors say which it is */
static PetscErrorCode Enter(Stage *stage)
{
  PetscFunctionBeginUser;
  if (!stage->name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdOverlayPush(stage->overlay));
  PetscCall(EngdErrorsSetPlace("stage", stage->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Leave(Stage *stage, EngdFunctional F)
{
  PetscFunctionBeginUser;
  if (!stage->name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdOptionsExcuse(F));
  PetscCall(EngdOverlayPop(stage->overlay));
  PetscCall(EngdErrorsSetPlace(NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* names and overlays of -engd_stages; one stage without a name if there is none */
static PetscErrorCode SetFromOptions(EngdStages stages)
{
  char *text, **names;

  PetscFunctionBeginUser;
  stages->n = 1;
  PetscOptionsBegin(stages->functional->comm, NULL, "Stages", "EngdStages");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_stages",
                            "Optimisers one after the other, as in adam,lbfgs,engd; -<stage>_tao_max_it n and other "
                            "options of TAO, KSP and PC, so prefixed, are those of one stage",
                            "EngdStagesCreate", NULL, NULL, &text));
  PetscOptionsEnd();
  if (text) PetscCall(EngdParseList("-engd_stages", text, &stages->n, &names));
  PetscCall(PetscCalloc1(stages->n, &stages->stage));
  if (!text) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < stages->n; k++) {
    PetscCall(PetscStrallocpy(names[k], &stages->stage[k].name));
    PetscCall(EngdOverlayCreate(names[k], &stages->stage[k].overlay));
  }
  PetscCall(EngdListDestroy(stages->n, &names));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points are taken anew in the loop of our own types; TAO's line searches and updates compare losses and gradients of the same
   points. One stage at least must be able to */
static PetscErrorCode CheckResampling(EngdStages stages, EngdProblem problem)
{
  PetscBool able = PETSC_FALSE;
  TaoType   type = NULL;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < stages->n && !able; k++) {
    PetscCall(TaoGetType(stages->stage[k].tao, &type));
    PetscCall(PetscStrInList(type, "engd,adam,sgd", ',', &able));
  }
  for (PetscInt t = 0; t < problem->nterms && !able; t++) {
    PetscCheck(!problem->term[t]->resample, stages->functional->comm, PETSC_ERR_USER_INPUT,
               "-%s_resample %" PetscInt_FMT
               ": -tao_type %s is for points that stay; take engd, adam or sgd, or leave the option out",
               problem->term[t]->name, problem->term[t]->resample, type);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdStagesCreate - The optimisers of a run, with their options read.

  Collective

  Input Parameters:
+ functional - set up
- theta      - where the first one starts, and where each leaves what it has come to

  Output Parameter:
. stages - one or several

  Options Database Keys:
+ -engd_stages a,b,c - their names; without it there is one optimiser
- -a_tao_type type   - and any other option of TAO, KSP and PC, or -a_engd_max_seconds, for stage a alone

  Source: src/solver/stages.c
*/
PetscErrorCode EngdStagesCreate(EngdFunctional F, Vec theta, EngdStages *out)
{
  EngdStages stages;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&stages));
  stages->functional = F;
  PetscCall(EngdSolverRegister());
  PetscCall(SetFromOptions(stages));
  for (PetscInt k = 0; k < stages->n; k++) {
    Stage *stage = &stages->stage[k];

    if (stage->name) PetscCall(SetDefaultType(F->comm, stage));
    PetscCall(Enter(stage));
    PetscCall(EngdSolverCreate(F, &stage->tao));
    PetscCall(TaoSetSolution(stage->tao, theta));
    PetscCall(Leave(stage, F));
  }
  PetscCall(CheckResampling(stages, F->problem));
  *out = stages;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdStagesGetTao - the optimiser of a stage, from 0 on; borrowed. Not collective */
PetscErrorCode EngdStagesGetTao(EngdStages stages, PetscInt k, Tao *tao)
{
  PetscFunctionBeginUser;
  PetscCheck(k >= 0 && k < stages->n, stages->functional->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "there is no stage %" PetscInt_FMT " of %" PetscInt_FMT, k, stages->n);
  *tao = stages->stage[k].tao;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdStagesSolve - Runs the optimisers in turn, until all have ended or the time of the run is used up.

  Collective

  Input Parameters:
+ stages - the optimisers
- report - of the first one, started; it goes on with the others

  Source: src/solver/stages.c
*/
PetscErrorCode EngdStagesSolve(EngdStages stages, EngdReport report)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < stages->n; k++) {
    Stage    *stage = &stages->stage[k];
    PetscInt  before;
    PetscReal left;

    PetscCall(EngdReportGetProgress(report, &before, &left));
    if (k && left <= 0) break;
    if (k) PetscCall(EngdReportContinue(report, stage->tao));
    if (stages->n > 1) PetscCall(EngdReportShowStage(report, stage->name));
    PetscCall(EngdSolverContinue(stage->tao, before, left));
    PetscCall(Enter(stage));
    PetscCall(TaoSolve(stage->tao));
    PetscCall(Leave(stage, stages->functional));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdStagesDestroy - Frees the stages with their optimisers. Collective */
PetscErrorCode EngdStagesDestroy(EngdStages *stages)
{
  PetscFunctionBeginUser;
  if (!*stages) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < (*stages)->n; k++) {
    PetscCall(PetscFree((*stages)->stage[k].name));
    PetscCall(EngdOverlayDestroy(&(*stages)->stage[k].overlay));
    PetscCall(TaoDestroy(&(*stages)->stage[k].tao));
  }
  PetscCall(PetscFree((*stages)->stage));
  PetscCall(PetscFree(*stages));
  PetscFunctionReturn(PETSC_SUCCESS);
}
