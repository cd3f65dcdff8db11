/*
  The optimisers of a run that is told none: a plan of stages, each from a beginning of its own, and the best parameters of all.

    digits   truncated least squares (tsvd) from flat units: slow at first, then within ten iterations at rounding, or nowhere
    valley   the Gramian written out and averaged (dense, LDL^T, beta 0.6) from steep units: falls at once from any start and
             follows narrow valleys, but its last digits come slowly
    slopes   the same from units that bend less, ahead of valley where the solution has no layers
    wide     digits from units that bend three times as much
    again    valley or slopes goes on, to the end of the time, or
    more     digits or wide does
    last     one of the others that are averaged, where it has ended before the time

  None of them wins everywhere (runs/untuned.md), and each of the first ones takes a few seconds. Digits are first since they may
  be the last: a stage of digits ends when it is slow, by what its last iterations brought, or at rounding, where the plan ends.
  Who goes on has the least loss on fresh points at the end of the time, if its last pace, in decades of the loss a second, stays
  as it is; at rounding it is none. The best is what has the least loss on fresh points. A breakdown
  of the numerics ends its stage alone.

  Where fresh points have several times the loss of the others at the end of a stage, as at layers and fronts that fall between
  points, the next stage has twice the points, the new ones where the residual is large: Burgers' front with viscosity 0.01/pi
  from 0.3 to 9e-6, Allen and Cahn's from 5e-3 to 3e-8, a layer of width 1e-2 from 0.8 to 3e-6, in a minute each. With more
  parameters than residuals it is what makes a plan work: Helmholtz with 1761 and 1020 from 2e-4 to 2e-6.

  A plan is made for least squares on points that stay, and for energies with conditions: valley alone, from standard units, as
  long as fresh points agree on the energy, which quadrature does not bound from below. By default it is made only where no option
  or setter says a word about weights of terms, initial weights, optimisers or stages. Beyond MOST_PARAMETERS the kernel of the
  residuals, damped, with the momentum 0.8 of SPRING, stands for the averaged Gramian: Klein-Gordon with 4417 parameters and 1020
  residuals comes to 3e-7 in 30 s, to 3e-1 by truncated least squares; Poisson to 2e-9 and 2e-12.
*/
#include <engd/private.h>
#include <math.h>

#define MOST_PARAMETERS 3000 /* of a Gramian written out */
#define MOST_RESIDUALS  6000 /* of their kernel, */
#define MOST_ENTRIES    5e8  /* and of rows of J */
#define MOST_DIGITS     640  /* of a network that is small enough for all first stages */
#define FALL            100  /* iterations of valley and of slopes, */
#define SHARE_FALL      0.15 /* or this part of the time */
#define DIGITS          400  /* iterations of digits at most, */
#define SHARE_DIGITS    0.5  /* while they are not slow, or this part of the time, */
#define SHARE_WIDE      0.3  /* and of wide */
#define SLOW            0.1  /* digits are slow if ENGD_PACE iterations leave more than this part of the loss */
#define ROUNDED         5    /* iterations of digits at rounding that leave */
#define SAME            0.99 /* of the loss are enough */
#define SECONDS         60
#define LOOK            25    /* iterations from one look at the energy on fresh points to the next */
#define SETTLED         200   /* iterations until fresh points differ from the others by the same part of it */
#define DRIFT           2e-3  /* within this */
#define MORE_POINTS     2     /* times as many, where fresh ones have ENGD_FRESH_FACTOR times the loss */
#define MOST_POINTS     8     /* times those that the user gave */
#define SOLVED          1e-13 /* of the loss of u = 0, where a stage that has ended by itself is enough */

enum { DIGITS_FLAT, VALLEY, SLOPES, DIGITS_WIDE, AGAIN, MORE, LAST };

/* share: of the time, at most, 0: all that is left. flat: number of the beginning of EngdStart, -1: that of the run */
static const struct {
  const char *name, *units;
  PetscBool   dense;
  PetscReal   share;
  PetscInt    iterations, flat;
} kinds[] = {
    {"digits", "flat units", PETSC_FALSE, SHARE_DIGITS, DIGITS, 0},
    {"valley", "steep units and their last layer by least squares", PETSC_TRUE, SHARE_FALL, FALL, -1},
    {"slopes", "less flat units", PETSC_TRUE, SHARE_FALL, FALL, 1},
    {"wide", "less flat units", PETSC_FALSE, SHARE_WIDE, DIGITS, 1},
    {"again", NULL, PETSC_TRUE, 0, PETSC_MAX_INT / 2, -1},
    {"more", NULL, PETSC_FALSE, 0, PETSC_MAX_INT / 2, -1},
    {"last", NULL, PETSC_TRUE, 0, PETSC_MAX_INT / 2, -1},
};

/* *said: is this an option of an optimiser, but for those that only show something; stages have theirs behind a prefix, and are
   named by an option */
static PetscErrorCode Says(const char name[], const char value[], void *said)
{
  const PetscBool shows = (PetscBool)(strstr(name, "_view") || strstr(name, "_monitor") || strstr(name, "_reason"));

  PetscFunctionBeginUser;
  (void)value;
  if ((!strncmp(name, "tao_", 4) && !shows) || (!strncmp(name, "ksp_", 4) && !shows) ||
      (!strncmp(name, "pc_", 3) && !shows) || !strncmp(name, "engd_stages", 11) || !strncmp(name, "spectrum", 8))
    *(PetscBool *)said = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode IsSaid(PetscBool *said)
{
  PetscFunctionBeginUser;
  *said = PETSC_FALSE;
  PetscCall(EngdOptionsVisit(Says, said));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is there room for the Gramian written out, its factors and an SVD, and time for them. Not collective */
static PetscBool HasRoomForDense(EngdFunctional F)
{
  const PetscInt  p     = F->model->nparameters;
  const PetscReal bytes = 3. * sizeof(PetscReal) * PetscSqr((PetscReal)p);

  return (PetscBool)(p <= MOST_PARAMETERS && bytes <= F->options.memory_limit);
}

/* the same of the kernel of N residuals. Not collective */
static PetscBool HasRoomForKernel(EngdFunctional F, PetscInt N)
{
  const PetscReal bytes = 3. * sizeof(PetscReal) * PetscSqr((PetscReal)N);

  return (PetscBool)(N <= MOST_RESIDUALS && (PetscReal)N * F->model->nparameters <= MOST_ENTRIES &&
                     bytes <= F->options.memory_limit);
}

/* does a plan suit the problem: least squares, or energies beside conditions; energies: is it that of energies. Collective */
static PetscErrorCode Suits(EngdFunctional F, PetscBool *suits, PetscBool *energies)
{
  const PetscBool dense = HasRoomForDense(F);
  PetscInt        N;

  PetscFunctionBeginUser;
  *energies = (PetscBool)(!F->least_squares && !F->outer.nstates);
  *suits    = *energies;
  if (F->least_squares) PetscCall(EngdExplicitHasResidual(F, suits));
  if (F->problem->domain->nwindows > 1 || F->curvature->for_hessian) *suits = PETSC_FALSE;
  for (PetscInt t = 0; t < F->problem->nterms; t++)
    *suits = (PetscBool)(*suits && !F->problem->term[t]->resample && F->problem->term[t]->causal <= 0);
  if (!*suits || dense) PetscFunctionReturn(PETSC_SUCCESS);
  *suits = PETSC_FALSE;
  if (*energies) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdExplicitCountAllRows(F, &N));
  *suits = HasRoomForKernel(F, N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanLeaves - is all that a plan chooses left to it, and would it suit the problem. Collective */
PetscErrorCode EngdPlanLeaves(EngdRun run, PetscBool *all)
{
  PetscBool units, weights, said, energies;

  PetscFunctionBeginUser;
  PetscCall(EngdStartLeaves(run->functional, &units, &weights));
  PetscCall(IsSaid(&said));
  PetscCall(Suits(run->functional, all, &energies));
  *all = (PetscBool)(*all && units && weights && !said && !run->stages);
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const char *name; /* with its dash */
  PetscBool   given;
} Sought;

static PetscErrorCode Compare(const char name[], const char value[], void *data)
{
  Sought *sought = (Sought *)data;

  PetscFunctionBeginUser;
  (void)value;
  if (!strcmp(name, sought->name + 1)) sought->given = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* an option of a stage, unless the user has given it: asking the database for it would mark it as read */
static PetscErrorCode SetOption(EngdRun run, const char stage[], const char name[], const char value[])
{
  char   option[64];
  Sought sought = {option, PETSC_FALSE};

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName(stage, name, sizeof(option), option));
  PetscCall(EngdOptionsVisit(Compare, &sought));
  if (!sought.given) PetscCall(EngdSettingsSet(&run->plan.settings, option, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* truncated least squares; or the averaged Gramian, for which the kernel with momentum stands where there are too many parameters */
static PetscErrorCode SetDirection(EngdRun run, PetscInt kind)
{
  static const struct {
    const char *name, *value;
  } dense[]         = {{"tao_engd_direction", "dense"},
                       {"tao_engd_dense_type", "ldlt"},
                       {"tao_engd_dense_ema", "0.6"},
                       {"tao_engd_stall", "300"},
                       {"tao_engd_damping_min", "1e-10"}}, /* of no less use than 1e-16, and further from a singular pivot */
      kernel[]      = {{"tao_engd_direction", "dual"},     {"tao_engd_dual_momentum", "0.8"},
                       {"tao_engd_stall", "300"},          {"tao_engd_damping", "1e-2"},
                       {"tao_engd_damping_adapt", "true"}, {"tao_engd_damping_min", "1e-14"}};
  const char *stage = kinds[kind].name;

  PetscFunctionBeginUser;
  if (!kinds[kind].dense) PetscCall(SetOption(run, stage, "tao_engd_direction", "tsvd"));
  for (size_t i = 0; kinds[kind].dense && run->plan.dense && i < PETSC_STATIC_ARRAY_LENGTH(dense); i++)
    PetscCall(SetOption(run, stage, dense[i].name, dense[i].value));
  for (size_t i = 0; kinds[kind].dense && !run->plan.dense && i < PETSC_STATIC_ARRAY_LENGTH(kernel); i++)
    PetscCall(SetOption(run, stage, kernel[i].name, kernel[i].value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one more stage, with its options; share 0 and as many iterations as there is time for, if it is the last one */
static PetscErrorCode AddStage(EngdRun run, PetscInt kind, PetscBool last)
{
  const char     *name  = kinds[kind].name;
  const PetscReal share = last ? 0 : kinds[kind].share;
  char            number[32], names[128];

  PetscFunctionBeginUser;
  PetscCall(
      PetscSNPrintf(names, sizeof(names), "%s%s%s", run->stages ? run->stages : "", run->stages ? "," : "", name));
  PetscCall(EngdRunSetStages(run, names));
  run->plan.kind[run->plan.nkinds++] = kind;
  PetscCall(
      PetscSNPrintf(number, sizeof(number), "%" PetscInt_FMT, last ? PETSC_MAX_INT / 2 : kinds[kind].iterations));
  PetscCall(SetOption(run, name, "tao_max_it", number));
  if (share > 0) {
    PetscCall(PetscSNPrintf(number, sizeof(number), "%g", (double)(share * run->max_seconds)));
    PetscCall(SetOption(run, name, "engd_max_seconds", number));
  }
  PetscCall(SetDirection(run, kind));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* energies have valley alone. A large network has no time for all first stages: with more parameters than residuals its digits
   are quick, and otherwise it has none. Collective */
static PetscErrorCode AddStages(EngdRun run, PetscBool energies)
{
  const EngdModel model = run->functional->model;
  const PetscBool small = (PetscBool)(model->nweights <= MOST_DIGITS);
  PetscInt        N;
  PetscBool       digits;

  PetscFunctionBeginUser;
  if (energies) {
    PetscCall(AddStage(run, VALLEY, PETSC_TRUE));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(EngdExplicitCountAllRows(run->functional, &N));
  digits = (PetscBool)(small || model->nparameters > N);
  if (digits) PetscCall(AddStage(run, DIGITS_FLAT, PETSC_FALSE));
  PetscCall(AddStage(run, VALLEY, PETSC_FALSE));
  if (small || !digits) PetscCall(AddStage(run, SLOPES, PETSC_FALSE));
  if (small) PetscCall(AddStage(run, DIGITS_WIDE, PETSC_FALSE));
  PetscCall(AddStage(run, AGAIN, PETSC_TRUE));
  if (digits) PetscCall(AddStage(run, MORE, PETSC_TRUE));
  PetscCall(AddStage(run, LAST, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanCreate - stages and their options, if the run has been told none. Collective; Push and Pop around their creation */
PetscErrorCode EngdPlanCreate(EngdRun run)
{
  EngdPlan *plan = &run->plan;
  PetscBool said, suits, energies;

  PetscFunctionBeginUser;
  PetscCall(IsSaid(&said));
  if (said || run->stages || !(run->origin.placed || run->origin.multipliers)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Suits(run->functional, &suits, &energies));
  if (!suits) PetscFunctionReturn(PETSC_SUCCESS);
  plan->made  = PETSC_TRUE;
  plan->dense = HasRoomForDense(run->functional);
  if (PetscIsInfReal(run->max_seconds)) run->max_seconds = SECONDS;
  PetscCall(AddStages(run, energies));
  PetscCall(VecDuplicate(run->theta, &plan->start));
  PetscCall(VecCopy(run->theta, plan->start));
  PetscCall(VecDuplicate(run->theta, &plan->best));
  PetscCall(VecCopy(run->theta, plan->best));
  for (PetscInt k = 0; k < ENGD_PLAN_FIRST; k++) {
    PetscCall(VecDuplicate(run->theta, &plan->end[k]));
    PetscCall(VecCopy(run->theta, plan->end[k]));
    plan->left[k] = PETSC_MAX_REAL;
  }
  plan->loss = plan->fresh = PETSC_MAX_REAL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the kind of a stage of a plan */
static PetscInt Kind(EngdRun run)
{
  return run->plan.kind[run->present];
}

/* EngdPlanSkips - has the choice left this stage out. Not collective */
PetscBool EngdPlanSkips(EngdRun run, PetscInt stage)
{
  const EngdPlan *plan = &run->plan;

  if (!plan->made || plan->kind[stage] < AGAIN) return PETSC_FALSE;
  return (PetscBool)(plan->chosen < 0 || kinds[plan->kind[stage]].dense != kinds[plan->chosen].dense);
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

    if (expected < best && (kinds[k].dense || !dense)) best = expected, plan->chosen = k;
  }
  PetscCallMPI(MPI_Bcast(&plan->chosen, 1, MPIU_INT, 0, run->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanBegin - theta of the present stage: that of the run, a flat beginning, what another stage came to. Collective */
PetscErrorCode EngdPlanBegin(EngdRun run)
{
  EngdPlan *plan = &run->plan;
  PetscInt  kind;
  char      units[64], line[256];

  PetscFunctionBeginUser;
  plan->slow  = PETSC_FALSE;
  run->pace.n = 0;
  if (!plan->made) PetscFunctionReturn(PETSC_SUCCESS);
  kind = Kind(run);
  if (kind >= AGAIN) {
    PetscCall(VecCopy(plan->end[plan->chosen], run->theta));
    PetscCall(PetscSNPrintf(units, sizeof(units), "the end of %s", kinds[plan->chosen].name));
  } else {
    PetscCall(VecCopy(kinds[kind].flat < 0 ? plan->start : run->origin.flat[kinds[kind].flat], run->theta));
    PetscCall(PetscStrncpy(units, run->origin.multipliers ? "standard units" : kinds[kind].units, sizeof(units)));
  }
  PetscCall(PetscSNPrintf(line, sizeof(line), "Stage %s: %s; %s%s", kinds[kind].name, units,
                          !kinds[kind].dense ? "truncated least squares"
                          : run->plan.dense  ? "averaged Gramian, LDL^T"
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
  if (kinds[Kind(run)].dense) return PETSC_FALSE;
  loss = EngdPaceLoss(pace, 0);
  if (pace->n > ROUNDED && EngdRunIsRounded(run, loss) && loss > SAME * EngdPaceLoss(pace, ROUNDED))
    return PETSC_TRUE;
  return (PetscBool)(Kind(run) < ENGD_PLAN_FIRST && pace->n > ENGD_PACE &&
                     loss > SLOW * EngdPaceLoss(pace, ENGD_PACE));
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
  *done = (PetscBool)(fresh <= ENGD_FRESH_FACTOR * loss &&
                      (EngdRunIsRounded(run, loss) || (itself && run->trivial) ||
                       (itself && Kind(run) == DIGITS_WIDE && run->plan.loss < SOLVED * run->zero)));
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
  if (plan->points >= MOST_POINTS || (!plan->dense && !HasRoomForKernel(run->functional, MORE_POINTS * N)))
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
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanEnd - the best theta is kept, and is that of the run when the last stage has ended; done: no stage need follow.
   failed: theta is of no use. Collective */
PetscErrorCode EngdPlanEnd(EngdRun run, PetscBool failed, PetscBool *done)
{
  EngdPlan *plan = &run->plan;
  PetscReal loss = PETSC_MAX_REAL, fresh = PETSC_MAX_REAL;
  PetscReal left;
  char      line[256];

  PetscFunctionBeginUser;
  *done = PETSC_FALSE;
  if (!plan->made) PetscFunctionReturn(PETSC_SUCCESS);
  if (!failed) {
    PetscCall(EngdRunMeasure(run, run->theta, &loss, &fresh));
    PetscCall(Finish(run, loss, fresh, done));
    plan->done = *done;
    if (Kind(run) < ENGD_PLAN_FIRST) {
      PetscCall(VecCopy(run->theta, plan->end[Kind(run)]));
      plan->left[Kind(run)] = PetscLog10Real(PetscMax(fresh, 1e-30));
      plan->rate[Kind(run)] = EngdRunIsRounded(run, loss) ? 0 : EngdPaceRate(&run->pace, &left);
    }
    PetscCall(PetscSNPrintf(line, sizeof(line), "%s: loss %.2e, on fresh points %.2e%s",
                            run->stage[run->present].name, (double)loss, (double)fresh,
                            fresh < plan->fresh ? ", the best" : ""));
    PetscCall(EngdReportTell(run->report, line));
  }
  if (Kind(run) >= AGAIN && plan->chosen >= 0)
    plan->left[plan->chosen] = PETSC_MAX_REAL; /* it has gone on, to its end */
  PetscCall(Choose(run, (PetscBool)(Kind(run) == MORE)));
  if (!failed && !run->origin.multipliers && fresh > ENGD_FRESH_FACTOR * loss) PetscCall(AddPoints(run));
  if (run->origin.multipliers ? !plan->gaps && !failed : fresh < plan->fresh) {
    PetscCall(VecCopy(run->theta, plan->best));
    plan->loss  = loss;
    plan->fresh = fresh;
  } else {
    PetscCall(VecCopy(plan->best, run->theta));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanState - the best parameters so far, and where the valley ended. Collective */
PetscErrorCode EngdPlanState(EngdRun run, EngdArchive a)
{
  EngdPlan *plan = &run->plan;

  PetscFunctionBeginUser;
  if (!plan->made) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, "plan"));
  PetscCall(EngdArchiveReal(a, "loss", &plan->loss, PETSC_MAX_REAL));
  PetscCall(EngdArchiveReal(a, "fresh", &plan->fresh, PETSC_MAX_REAL));
  PetscCall(EngdArchiveVec(a, "best", plan->best));
  for (PetscInt k = 0; k < ENGD_PLAN_FIRST; k++) {
    PetscCall(EngdArchivePush(a, kinds[k].name));
    PetscCall(EngdArchiveVec(a, "end", plan->end[k]));
    PetscCall(EngdArchivePop(a));
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

PetscErrorCode EngdPlanDestroy(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsDestroy(&run->plan.settings));
  PetscCall(VecDestroy(&run->plan.start));
  PetscCall(VecDestroy(&run->plan.best));
  for (PetscInt k = 0; k < ENGD_PLAN_FIRST; k++) PetscCall(VecDestroy(&run->plan.end[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
