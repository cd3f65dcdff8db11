/*
  The course of a plan (plan.c): where its stages begin, when they are to end, who goes on, and what is kept.
*/
#include "plan.h"
#include <math.h>

#define SLOW        0.1   /* digits are slow if ENGD_PACE iterations leave more than this part of the loss */
#define ROUNDED     5     /* iterations of digits at rounding that leave */
#define SAME        0.99  /* of the loss are enough */
#define LOOK        25    /* iterations from one look at the energy on fresh points to the next */
#define SETTLED     200   /* iterations until fresh points differ from the others by the same part of it */
#define DRIFT       2e-3  /* within this */
#define MORE_POINTS 2     /* times as many, where fresh ones have ENGD_FRESH_FACTOR times the loss */
#define MOST_POINTS 8     /* times those that the user gave */
#define STANDS      3     /* decades of the loss that the rest of the time need bring, or a network grows; */
#define STILL       0.3   /* where that has not paid before */
#define PAYS        0.5   /* part of the loss that growth must leave, to pay */
#define SOLVED      1e-13 /* of the loss of u = 0, where a stage that has ended by itself is enough */

/* the kind of a stage of a plan */
static PetscInt Kind(EngdRun run)
{
  return run->plan.kind[run->present];
}

/* EngdPlanPays - has the last growth of the networks lowered the loss on fresh points by much, as stages have ended with, or was
   there none. Not collective */
PetscBool EngdPlanPays(EngdRun run)
{
  const EngdPlan *plan = &run->plan;

  return (PetscBool)(!plan->level || plan->fresh < PAYS * plan->before);
}

/* does it seem to within a stage, where the loss of the training is what there is to compare */
static PetscBool SeemsToPay(EngdRun run)
{
  const EngdPlan *plan = &run->plan;

  return (PetscBool)(EngdPlanPays(run) || (run->pace.n && EngdPaceLoss(&run->pace, 0) < PAYS * plan->before_loss));
}

PetscErrorCode EngdPlanMeasure(EngdRun run, Vec theta, PetscReal *loss, PetscReal *fresh)
{
  PetscFunctionBeginUser;
  PetscCall(EngdRunMeasure(run, theta, loss, fresh));
  if (PetscIsInfOrNanReal(*loss)) *loss = PETSC_MAX_REAL;
  if (PetscIsInfOrNanReal(*fresh)) *fresh = PETSC_MAX_REAL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is what has these losses better than the best; by those of the training where fresh points have none. Energies are, as long as
   their points have no gaps */
static PetscBool IsBetter(EngdRun run, PetscReal loss, PetscReal fresh)
{
  const EngdPlan *plan = &run->plan;

  if (run->origin.multipliers) return (PetscBool)!plan->gaps;
  return (PetscBool)(fresh < plan->fresh || (fresh == plan->fresh && loss < plan->loss));
}

/* EngdPlanSkips - has the choice left this stage out. Not collective */
PetscBool EngdPlanSkips(EngdRun run, PetscInt stage)
{
  const EngdPlan *plan = &run->plan;

  if (!plan->made || plan->kind[stage] < AGAIN) return PETSC_FALSE;
  if (plan->stands && plan->grows && EngdPlanPays(run)) return PETSC_TRUE;
  return (PetscBool)(plan->chosen < 0 ||
                     engd_plan_kinds[plan->kind[stage]].dense != engd_plan_kinds[plan->chosen].dense);
}

/* the first stage that would have the least loss at the end of the time, by the clock of rank 0; -1 if none is left. Collective */
static PetscErrorCode Choose(EngdRun run, PetscBool dense)
{
  EngdPlan       *plan = &run->plan;
  const PetscReal time = PetscMax(0, run->max_seconds - (MPI_Wtime() - run->start));
  PetscReal       best = PETSC_MAX_REAL;

  PetscFunctionBeginUser;
  plan->chosen = -1;
  for (PetscInt k = 0; k < ENGD_PLAN_FIRST; k++) {
    const PetscReal expected = plan->left[k] - PetscMax(plan->rate[k], 0) * time;

    if (expected < best && (engd_plan_kinds[k].dense || !dense)) best = expected, plan->chosen = k;
  }
  PetscCallMPI(MPI_Bcast(&plan->chosen, 1, MPIU_INT, 0, run->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanBegin - theta of the present stage: that of the run, a flat beginning, what another stage came to. Collective */
PetscErrorCode EngdPlanBegin(EngdRun run)
{
  EngdPlan           *plan = &run->plan;
  const EngdPlanKind *kind;
  char                units[64], line[256];

  PetscFunctionBeginUser;
  plan->slow = plan->stands = PETSC_FALSE;
  run->pace.n               = 0;
  if (!plan->made) PetscFunctionReturn(PETSC_SUCCESS);
  kind = &engd_plan_kinds[Kind(run)];
  if (Kind(run) >= AGAIN) {
    PetscCall(VecCopy(plan->end[plan->chosen], run->theta));
    PetscCall(PetscSNPrintf(units, sizeof(units), "the end of %s", engd_plan_kinds[plan->chosen].name));
  } else {
    PetscCall(VecCopy(kind->flat == -2   ? plan->best
                      : kind->flat == -1 ? plan->start
                                         : run->origin.flat[kind->flat],
                      run->theta));
    PetscCall(PetscStrncpy(units, run->origin.multipliers ? "standard units" : kind->units, sizeof(units)));
  }
  PetscCall(PetscSNPrintf(line, sizeof(line), "Stage %s: %s; %s%s", kind->name, units,
                          !kind->dense  ? "truncated least squares"
                          : plan->dense ? "averaged Gramian, LDL^T"
                                        : "kernel of the residuals, momentum",
                          run->origin.multipliers ? ", multipliers of the conditions" : ""));
  PetscCall(EngdReportChoose(run->report, line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanWatch - of energies, whether fresh points agree as they did at the last look, or the stage is to end; the best is
   theta at the look before, since the fall begins before it is seen. Collective */
PetscErrorCode EngdPlanWatch(EngdRun run, Vec theta, PetscInt iteration)
{
  EngdPlan *plan = &run->plan;
  PetscReal loss, fresh, apart;

  PetscFunctionBeginUser;
  if (!plan->made || !run->origin.multipliers || iteration % LOOK || iteration < 2 * LOOK)
    PetscFunctionReturn(PETSC_SUCCESS); /* at first it is far from a minimum */
  PetscCall(EngdRunMeasure(run, theta, &loss, &fresh));
  apart      = (fresh - loss) / PetscAbsReal(loss);
  plan->gaps = (PetscBool)(!(PetscAbsReal(apart) <= ENGD_GAPS) ||
                           (iteration >= SETTLED && PetscAbsReal(apart - plan->apart) > DRIFT));
  if (plan->gaps) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(plan->end[VALLEY], plan->best));
  PetscCall(VecCopy(theta, plan->end[VALLEY]));
  plan->apart = apart;
  plan->loss  = loss;
  plan->fresh = fresh;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanIsSlow - should the present stage make room for the next one. The same on all ranks. Not collective */
PetscBool EngdPlanIsSlow(EngdRun run)
{
  const EngdPace *pace = &run->pace;
  PetscReal       loss;

  if (!run->plan.made) return PETSC_FALSE;
  if (run->plan.gaps) return PETSC_TRUE;
  if (engd_plan_kinds[Kind(run)].dense || !pace->n)
    return PETSC_FALSE; /* none of the stage has been seen at its beginning */
  loss = EngdPaceLoss(pace, 0);
  if (pace->n > ROUNDED && EngdRunIsRounded(run, loss) && loss > SAME * EngdPaceLoss(pace, ROUNDED))
    return PETSC_TRUE;
  return (PetscBool)(Kind(run) < ENGD_PLAN_FIRST && pace->n > ENGD_PACE &&
                     loss > SLOW * EngdPaceLoss(pace, ENGD_PACE));
}

/* EngdPlanStands - would all the time that is left not take some decades off the loss, while a wider network may. By the clock
   of this rank */
PetscBool EngdPlanStands(EngdRun run)
{
  const PetscReal time = run->max_seconds - (MPI_Wtime() - run->start);
  PetscReal       left;

  if (!run->plan.grows || Kind(run) < ENGD_PLAN_FIRST || run->pace.n <= ENGD_PACE) return PETSC_FALSE;
  return (PetscBool)(EngdPaceRate(&run->pace, &left) * time < (SeemsToPay(run) ? STANDS : STILL));
}

/* has the plan nothing left to try */
static PetscErrorCode Finish(EngdRun run, PetscReal loss, PetscReal fresh, PetscBool *done)
{
  const Tao          tao = run->stage[run->present].tao;
  TaoConvergedReason reason;
  PetscBool          itself;

  PetscFunctionBeginUser;
  PetscCall(TaoGetConvergedReason(tao, &reason));
  itself =
      (PetscBool)(reason == TAO_CONVERGED_STEPTOL || reason == TAO_DIVERGED_LS_FAILURE ||
                  reason == TAO_CONVERGED_GATOL || reason == TAO_CONVERGED_GRTOL || reason == TAO_CONVERGED_GTTOL);
  *done          = (PetscBool)(fresh <= ENGD_FRESH_FACTOR * loss &&
                      (EngdRunIsRounded(run, loss) || (itself && run->trivial) ||
                       (itself && Kind(run) == DIGITS_WIDE && run->plan.loss < SOLVED * run->zero)));
  run->plan.done = *done;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* says what the present stage has come to; of one with a beginning of its own it is kept, so that it may go on */
static PetscErrorCode Record(EngdRun run, PetscReal loss, PetscReal fresh)
{
  EngdPlan *plan = &run->plan;
  PetscReal left;
  char      line[256], number[32] = "no number";

  PetscFunctionBeginUser;
  if (Kind(run) < ENGD_PLAN_FIRST) {
    PetscCall(VecCopy(run->theta, plan->end[Kind(run)]));
    plan->left[Kind(run)] = PetscLog10Real(PetscMax(fresh, 1e-30));
    plan->rate[Kind(run)] = EngdRunIsRounded(run, loss) ? 0 : EngdPaceRate(&run->pace, &left);
  }
  if (fresh < PETSC_MAX_REAL) PetscCall(PetscSNPrintf(number, sizeof(number), "%.2e", (double)fresh));
  PetscCall(PetscSNPrintf(line, sizeof(line), "%s: loss %.2e, on fresh points %s%s", run->stage[run->present].name,
                          (double)loss, number, IsBetter(run, loss, fresh) ? ", the best" : ""));
  PetscCall(EngdReportTell(run->report, line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* more points of all residuals, where they are large at the end of the present stage. Collective */
static PetscErrorCode AddPoints(EngdRun run)
{
  const EngdProblem problem = run->problem;
  EngdPlan         *plan    = &run->plan;
  char              line[256];
  PetscInt          all = 0, N;

  PetscFunctionBeginUser;
  PetscCall(EngdExplicitCountAllRows(run->functional, &N));
  if (plan->points >= MOST_POINTS || !EngdPlanHasRoom(run->functional, MORE_POINTS * N))
    PetscFunctionReturn(PETSC_SUCCESS);
  plan->points = MORE_POINTS * PetscMax(plan->points, 1);
  PetscCall(EngdFunctionalSetParameters(run->functional, run->theta));
  for (PetscInt t = 0; t < problem->nterms; t++) {
    PetscInt added;

    PetscCall(
        EngdFunctionalAddPoints(run->functional, t, (MORE_POINTS - 1) * problem->term[t]->points->nglobal, &added));
    all += added;
  }
  if (!all) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(line, sizeof(line), "%" PetscInt_FMT " points more, where the residual is large", all));
  PetscCall(EngdReportChoose(run->report, line));
  PetscCall(EngdGrowthHasRoom(run, &plan->grows)); /* wider networks need more memory for them, too */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanEnd - the best theta is kept, and is that of the run when the last stage has ended; done: no stage need follow.
   failed: theta is of no use. Collective */
PetscErrorCode EngdPlanEnd(EngdRun run, PetscBool failed, PetscBool *done)
{
  EngdPlan          *plan = &run->plan;
  PetscReal          loss = PETSC_MAX_REAL, fresh = PETSC_MAX_REAL;
  TaoConvergedReason reason;

  PetscFunctionBeginUser;
  *done = PETSC_FALSE;
  if (!plan->made) PetscFunctionReturn(PETSC_SUCCESS);
  if (!failed) {
    PetscCall(EngdPlanMeasure(run, run->theta, &loss, &fresh));
    PetscCall(Finish(run, loss, fresh, done));
    PetscCall(Record(run, loss, fresh));
  }
  if (Kind(run) >= AGAIN && plan->chosen >= 0)
    plan->left[plan->chosen] = PETSC_MAX_REAL; /* it has gone on, to its end */
  PetscCall(Choose(run, (PetscBool)(Kind(run) == MORE)));
  if (!run->origin.multipliers && !run->evolution && fresh > ENGD_FRESH_FACTOR * loss && fresh < PETSC_MAX_REAL)
    PetscCall(AddPoints(run)); /* an evolution has rows for those that there are */
  if (!failed && IsBetter(run, loss, fresh)) {
    PetscCall(VecCopy(run->theta, plan->best));
    plan->loss  = loss;
    plan->fresh = fresh;
    PetscCall(TaoGetConvergedReason(run->stage[run->present].tao, &reason));
    if (reason != TAO_DIVERGED_NAN) plan->sound = PETSC_TRUE;
    if (Kind(run) != GROWN) plan->digits = (PetscBool)!engd_plan_kinds[Kind(run)].dense;
  } else {
    PetscCall(VecCopy(plan->best, run->theta));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanCut - a checkpoint is to go on from theta within the present stage: is that the solution, or the best. Collective */
PetscErrorCode EngdPlanCut(EngdRun run, Vec theta)
{
  PetscReal loss, fresh;

  PetscFunctionBeginUser;
  if (!run->plan.made) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdPlanMeasure(run, theta, &loss, &fresh));
  run->plan.ahead = (PetscBool)!IsBetter(run, loss, fresh);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPlanLoadSolution(EngdRun run, EngdArchive a)
{
  PetscBool ahead = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveHas(a, "plan/best_is_ahead", &ahead));
  if (!ahead) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, "plan"));
  PetscCall(EngdArchiveBool(a, "best_is_ahead", &ahead, PETSC_FALSE));
  if (ahead) PetscCall(EngdArchiveVec(a, "best", run->theta));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a plan that begins again has the first points, and stages that have not begun: their rows may be others */
static PetscErrorCode BeginAgain(EngdRun run)
{
  EngdPlan *plan = &run->plan;

  PetscFunctionBeginUser;
  if (plan->points) {
    PetscCall(EngdStagesDestroy(run));
    PetscCall(EngdStagesCreate(run));
  }
  plan->points = 0;
  PetscCall(EngdGrowthHasRoom(run, &plan->grows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanState - the best parameters so far, and what each of the first stages has come to. Collective */
PetscErrorCode EngdPlanState(EngdRun run, EngdArchive a)
{
  EngdPlan *plan = &run->plan;

  PetscFunctionBeginUser;
  if (!plan->made) PetscFunctionReturn(PETSC_SUCCESS);
  if (EngdArchiveGetMode(a) == ENGD_ARCHIVE_FORGET) {
    PetscCall(BeginAgain(run));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(EngdArchivePush(a, "plan"));
  PetscCall(EngdArchiveReal(a, "loss", &plan->loss, PETSC_MAX_REAL));
  PetscCall(EngdArchiveReal(a, "fresh", &plan->fresh, PETSC_MAX_REAL));
  PetscCall(EngdArchiveVec(a, "best", plan->best));
  PetscCall(EngdArchiveReal(a, "before", &plan->before, 0));
  PetscCall(EngdArchiveReal(a, "before_loss", &plan->before_loss, 0));
  PetscCall(EngdArchiveBool(a, "sound", &plan->sound, PETSC_FALSE));
  PetscCall(EngdArchiveBool(a, "best_is_ahead", &plan->ahead, PETSC_FALSE));
  for (PetscInt k = 0; k < ENGD_PLAN_FIRST; k++) {
    PetscCall(EngdArchivePush(a, engd_plan_kinds[k].name));
    PetscCall(EngdArchiveVec(a, "end", plan->end[k]));
    PetscCall(EngdArchivePop(a));
  }
  if (plan->level) { /* of points that have come later */
    PetscCall(EngdArchiveVec(a, "start", plan->start));
    PetscCall(EngdArchiveVec(a, "flat", run->origin.flat[0]));
    PetscCall(EngdArchiveVec(a, "flatter", run->origin.flat[1]));
  }
  PetscCall(EngdArchiveReals(a, "left", ENGD_PLAN_FIRST, plan->left));
  PetscCall(EngdArchiveReals(a, "rates", ENGD_PLAN_FIRST, plan->rate));
  PetscCall(EngdArchiveReal(a, "apart", &plan->apart, 0));
  PetscCall(EngdArchiveBool(a, "gaps", &plan->gaps, PETSC_FALSE));
  PetscCall(EngdArchiveInt(a, "points", &plan->points, 0));
  PetscCall(EngdArchiveInt(a, "chosen", &plan->chosen, VALLEY));
  PetscCheck(plan->chosen >= -1 && plan->chosen < ENGD_PLAN_FIRST, run->comm, PETSC_ERR_FILE_UNEXPECTED,
             "a checkpoint goes on from the stage %" PetscInt_FMT " of a plan", plan->chosen);
  PetscCall(EngdArchiveCount(a, "recorded", &run->pace.n, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveReals(a, "losses", ENGD_PACE + 1, run->pace.loss));
  PetscCall(EngdArchiveReals(a, "seconds", ENGD_PACE + 1, run->pace.seconds));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPlanForget(EngdRun run)
{
  EngdPlan kept = {.points = run->plan.points, .level = run->plan.level, .digits = run->plan.digits};

  PetscFunctionBeginUser;
  PetscCall(EngdPlanDestroy(run));
  PetscCall(EngdTextReplace(&run->stages, NULL));
  run->plan = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPlanDestroy(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsDestroy(&run->plan.settings));
  PetscCall(VecDestroy(&run->plan.start));
  PetscCall(VecDestroy(&run->plan.best));
  for (PetscInt k = 0; k < ENGD_PLAN_FIRST; k++) PetscCall(VecDestroy(&run->plan.end[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
