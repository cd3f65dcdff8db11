/*
  Networks that grow (-network_layers auto): the plan of a run at one width after the other.

    level k:  FIRST_WIDTH 2^k units of one hidden layer (src/network/network.c),
              theta = that of level k - 1, and new units whose outgoing weights are zero:  u is what it was,
              and their outgoing weights are new columns of J at once

  The one stage `grown` goes on from there, the others begin anew at the new width, and the best of them goes on: a network that
  has come to the bottom of a narrow valley stays there, whatever is added (runs/untuned.md), where a wider one falls beside it.
  What was is never lost.

  A level ends when its stages have, or when the last one, at its pace, would not take three decades off the loss in all the time that
  is left, or a third of one where the last growth has not paid. The next one is there if its residuals and parameters have room
  (EngdGrowthHasRoom), if there is time, if the loss is not at rounding, and if the last growth has at least halved it. New units are
  drawn as those of the stage `slopes`.

  All that is as large as theta is made anew: model and functional in place, which others hold; stages and plan from their options.
*/
#include <engd/private.h>
#include "plan.h"

/* does any network of the run grow */
static PetscBool Grows(EngdRun run)
{
  PetscBool grows = PETSC_FALSE;

  for (PetscInt k = 0; k < run->functional->nnetworks; k++)
    grows = (PetscBool)(grows || run->functional->network[k]->grows);
  return grows;
}

/* EngdGrowthCheck - fails where networks are to grow and cannot: they do between the stages of a plan. Collective */
PetscErrorCode EngdGrowthCheck(EngdRun run)
{
  PetscFunctionBeginUser;
  if (!Grows(run)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(
      run->plan.made && !run->origin.multipliers, run->comm, PETSC_ERR_USER_INPUT,
      "-network_layers auto: a network grows between the stages that are taken by default, for residuals on points "
      "that stay, where no option says how to begin or which optimiser to take; give its size, as in 64");
  PetscCheck(!run->evolution && !run->report->sharpness, run->comm, PETSC_ERR_USER_INPUT,
             "-network_layers auto: %s needs a network that keeps its size; give it, as in 64",
             run->evolution ? "-engd_time_stepping" : "-spectrum_monitor");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* how many parameters the next level has */
static PetscReal NextParameters(EngdRun run)
{
  PetscReal p = run->functional->model->nunknowns;

  for (PetscInt k = 0; k < run->functional->nnetworks; k++) {
    const EngdNetwork net = run->functional->network[k];

    p += net->grows ? 2. * net->nparameters : net->nparameters;
  }
  return p;
}

/* EngdGrowthHasRoom - is there a wider network to come. Collective */
PetscErrorCode EngdGrowthHasRoom(EngdRun run, PetscBool *room)
{
  PetscInt N;

  PetscFunctionBeginUser;
  *room = (PetscBool)(run->plan.made && Grows(run));
  if (!*room) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdExplicitCountAllRows(run->functional, &N));
  *room = (PetscBool)(2 * EngdLastLayerCount(run->functional) <= ENGD_START_COLUMNS &&
                      EngdPlanHasRoomFor(run->functional, N, NextParameters(run)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the layers of a model before it grows */
typedef struct {
  EngdLayer *layer; /* [nlayers] with their offsets in theta */
  PetscReal *theta; /* whole */
} Before;

static PetscErrorCode Keep(EngdFunctional F, Vec theta, Before *before)
{
  const EngdModel  model = F->model;
  const PetscReal *values;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(model->nlayers, &before->layer, model->nparameters, &before->theta));
  PetscCall(PetscArraycpy(before->layer, model->layer, model->nlayers));
  PetscCall(EngdFunctionalGather(F, theta, &values));
  PetscCall(PetscArraycpy(before->theta, values, model->nparameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* parameter `at` of a layer, as it was where there was one; zero from a new unit to an old one; drawn into a new unit */
static PetscReal Embedded(const EngdLayer *layer, const EngdLayer *old, const PetscReal theta[], PetscInt at,
                          PetscReal drawn)
{
  const PetscInt weights = layer->n_in * layer->n_out, o = at % layer->n_out, i = at / layer->n_out;

  if (o >= old->n_out) return drawn;
  if (at >= weights) return theta[old->offset + old->n_in * old->n_out + o];
  return i < old->n_in ? theta[old->offset + i * old->n_out + o] : 0;
}

/* theta, drawn, <- the same function as before */
static PetscErrorCode Embed(EngdModel model, const Before *before, Vec theta)
{
  PetscReal *values;
  PetscInt   begin, end, l = 0;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(theta, &begin, &end));
  PetscCall(VecGetArray(theta, &values));
  for (PetscInt j = begin; j < end; j++) {
    while (l < model->nlayers - 1 && j >= model->layer[l + 1].offset) l++;
    values[j - begin] =
        Embedded(&model->layer[l], &before->layer[l], before->theta, j - model->layer[l].offset, values[j - begin]);
  }
  PetscCall(VecRestoreArray(theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the networks of this level and where they may begin, without stages. Collective */
static PetscErrorCode SetLevel(EngdRun run, PetscInt level)
{
  EngdFunctional F = run->functional;

  PetscFunctionBeginUser;
  PetscCall(EngdStagesDestroy(run));
  PetscCall(EngdPlanForget(run));
  PetscCall(EngdStartDestroy(&run->origin));
  PetscCall(VecDestroy(&run->theta));
  for (PetscInt k = 0; k < F->nnetworks; k++)
    if (F->network[k]->grows) PetscCall(EngdNetworkWiden(F->network[k], level));
  PetscCall(EngdFunctionalLayOut(F));
  PetscCall(EngdModelCreateParameters(F->model, &run->theta));
  PetscCall(EngdModelInitialize(F->model, run->problem->seed, run->theta));
  PetscCall(EngdStartAgain(F, run->theta, &run->origin));
  run->plan.level = level;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the plan of this level, and its stages */
static PetscErrorCode Plan(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdPlanCreate(run));
  PetscCall(EngdStagesCreate(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tell(EngdRun run)
{
  char line[256], word[64];

  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(line, "The network grows:", sizeof(line)));
  for (PetscInt k = 0; k < run->functional->nnetworks; k++) {
    const EngdNetwork net = run->functional->network[k];

    if (!net->grows) continue;
    PetscCall(PetscSNPrintf(word, sizeof(word), " -%slayers %" PetscInt_FMT ",", net->prefix, net->width[0]));
    PetscCall(PetscStrlcat(line, word, sizeof(line)));
  }
  PetscCall(PetscSNPrintf(word, sizeof(word), " %" PetscInt_FMT " parameters", run->functional->model->nparameters));
  PetscCall(PetscStrlcat(line, word, sizeof(line)));
  PetscCall(EngdReportChoose(run->report, line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdGrowthGoOn - the stages of the present level have ended, and have been counted: is there a next one. Collective */
PetscErrorCode EngdGrowthGoOn(EngdRun run, PetscBool *more)
{
  EngdPlan       *plan  = &run->plan;
  const PetscBool sound = plan->sound;
  Before          before;
  PetscReal       seconds;

  PetscFunctionBeginUser;
  PetscCall(EngdRunGetSeconds(run, &seconds));
  PetscCall(EngdGrowthHasRoom(run, more));
  *more = (PetscBool)(*more && EngdPlanPays(run) && !run->plan.done && run->end == ENGD_END_BY_TAO &&
                      seconds < run->max_seconds);
  if (!*more) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdRunCountStage(run));
  PetscCall(Keep(run->functional, run->theta, &before));
  PetscCall(SetLevel(run, plan->level + 1));
  PetscCall(Plan(run));
  PetscCall(VecCopy(run->origin.flat[ENGD_START_NFLAT - 1], plan->best));
  PetscCall(Embed(run->functional->model, &before, plan->best));
  PetscCall(PetscFree2(before.layer, before.theta));
  PetscCall(EngdPlanMeasure(run, plan->best, &plan->loss, &plan->fresh));
  plan->before      = plan->fresh;
  plan->before_loss = plan->loss;
  plan->sound       = sound; /* the best is what it was */
  PetscCall(Tell(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdGrowthState - the level of the networks, before what a checkpoint says of them. planned: with stages, to train further.
   Collective */
PetscErrorCode EngdGrowthState(EngdRun run, EngdArchive a, PetscBool planned)
{
  PetscInt  level  = run->plan.level;
  PetscInt  rows   = run->plan.rows;
  PetscBool digits = run->plan.digits;

  PetscFunctionBeginUser;
  if (!Grows(run)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, "growth"));
  PetscCall(EngdArchiveCount(a, "level", &level, ENGD_GROWTH_LEVELS));
  PetscCall(EngdArchiveCount(a, "rows", &rows, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveBool(a, "digits", &digits, PETSC_FALSE));
  PetscCall(EngdArchivePop(a));
  if (EngdArchiveChanges(a)) run->plan.digits = digits;
  if (level == run->plan.level) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SetLevel(run, level));
  run->plan.rows = rows;
  if (planned) PetscCall(Plan(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
