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
#include "plan.h"

#define MOST_PARAMETERS 3000 /* of a Gramian written out */
#define MOST_RESIDUALS  6000 /* of their kernel, */
#define MOST_ENTRIES    5e8  /* and of rows of J */
#define MOST_DIGITS     640  /* of a network that is small enough for all first stages */
#define FALL            100  /* iterations of valley and of slopes, */
#define SHARE_FALL      0.15 /* or this part of the time */
#define DIGITS          400  /* iterations of digits at most, */
#define SHARE_DIGITS    0.5  /* while they are not slow, or this part of the time, */
#define SHARE_WIDE      0.3  /* and of wide */
#define SHARE_LEVEL     0.1  /* of each of the first stages of a network that grows */
#define SECONDS         60

const EngdPlanKind engd_plan_kinds[ENGD_PLAN_KINDS] = {
    {"digits", "flat units", PETSC_FALSE, SHARE_DIGITS, DIGITS, 0},
    {"valley", "steep units and their last layer by least squares", PETSC_TRUE, SHARE_FALL, FALL, -1},
    {"slopes", "less flat units", PETSC_TRUE, SHARE_FALL, FALL, 1},
    {"wide", "less flat units", PETSC_FALSE, SHARE_WIDE, DIGITS, 1},
    {"grown", "the network before it grew", PETSC_TRUE, SHARE_FALL, FALL, -2},
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
static PetscBool HasRoomForDense(EngdFunctional F, PetscReal p)
{
  const PetscReal bytes = 3. * sizeof(PetscReal) * PetscSqr(p);

  return (PetscBool)(p <= MOST_PARAMETERS && bytes <= F->options.memory_limit);
}

/* EngdPlanHasRoomFor - the same of J of N residuals and p parameters, and of the Gramian or else of their kernel. Not
   collective */
PetscBool EngdPlanHasRoomFor(EngdFunctional F, PetscInt N, PetscReal p)
{
  const PetscReal rows = 4. * sizeof(PetscReal) * N * p, kernel = 3. * sizeof(PetscReal) * PetscSqr((PetscReal)N);

  if (rows > F->options.memory_limit) return PETSC_FALSE;
  return (PetscBool)(HasRoomForDense(F, p) ||
                     (N <= MOST_RESIDUALS && N * p <= MOST_ENTRIES && kernel <= F->options.memory_limit));
}

PetscBool EngdPlanHasRoom(EngdFunctional F, PetscInt N)
{
  return EngdPlanHasRoomFor(F, N, F->model->nparameters);
}

/* does a plan suit the problem: least squares, or energies beside conditions; energies: is it that of energies. Collective */
static PetscErrorCode Suits(EngdFunctional F, PetscBool *suits, PetscBool *energies)
{
  PetscInt N;

  PetscFunctionBeginUser;
  *energies = (PetscBool)(!F->least_squares && !F->outer.nstates);
  *suits    = *energies;
  if (F->least_squares) PetscCall(EngdExplicitHasResidual(F, suits));
  if (F->problem->domain->nwindows > 1 || F->curvature->for_hessian) *suits = PETSC_FALSE;
  for (PetscInt t = 0; t < F->problem->nterms; t++)
    *suits = (PetscBool)(*suits && !F->problem->term[t]->resample && F->problem->term[t]->causal <= 0);
  if (!*suits) PetscFunctionReturn(PETSC_SUCCESS);
  *suits = HasRoomForDense(F, F->model->nparameters);
  if (*energies) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdExplicitCountAllRows(F, &N));
  *suits = EngdPlanHasRoom(F, N);
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
  } dense[]                = {{"tao_engd_direction", "dense"},
                              {"tao_engd_dense_type", "ldlt"},
                              {"tao_engd_dense_ema", "0.6"},
                              {"tao_engd_stall", "300"},
                              {"tao_engd_damping_min", "1e-10"}}, /* of no less use than 1e-16, and further from a singular pivot */
      kernel[]             = {{"tao_engd_direction", "dual"},     {"tao_engd_dual_momentum", "0.8"},
                              {"tao_engd_stall", "300"},          {"tao_engd_damping", "1e-2"},
                              {"tao_engd_damping_adapt", "true"}, {"tao_engd_damping_min", "1e-14"}};
  const char     *stage    = engd_plan_kinds[kind].name;
  const PetscBool averaged = engd_plan_kinds[kind].dense;

  PetscFunctionBeginUser;
  if (!averaged) PetscCall(SetOption(run, stage, "tao_engd_direction", "tsvd"));
  for (size_t i = 0; averaged && run->plan.dense && i < PETSC_STATIC_ARRAY_LENGTH(dense); i++)
    PetscCall(SetOption(run, stage, dense[i].name, dense[i].value));
  for (size_t i = 0; averaged && !run->plan.dense && i < PETSC_STATIC_ARRAY_LENGTH(kernel); i++)
    PetscCall(SetOption(run, stage, kernel[i].name, kernel[i].value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one more stage, with its options; share 0 and as many iterations as there is time for, if it is the last one */
static PetscErrorCode AddStage(EngdRun run, PetscInt kind, PetscBool last)
{
  const EngdPlanKind *k     = &engd_plan_kinds[kind];
  const PetscReal     most  = run->plan.grows || run->plan.level ? SHARE_LEVEL : 1;
  const PetscReal     share = last ? 0 : PetscMin(k->share, most);
  char                number[32], names[128];

  PetscFunctionBeginUser;
  PetscCall(
      PetscSNPrintf(names, sizeof(names), "%s%s%s", run->stages ? run->stages : "", run->stages ? "," : "", k->name));
  PetscCall(EngdTextReplace(&run->stages, names));
  run->plan.kind[run->plan.nkinds++] = kind;
  PetscCall(PetscSNPrintf(number, sizeof(number), "%" PetscInt_FMT, last ? PETSC_MAX_INT / 2 : k->iterations));
  PetscCall(SetOption(run, k->name, "tao_max_it", number));
  if (share > 0) {
    PetscCall(PetscSNPrintf(number, sizeof(number), "%g", (double)(share * EngdRunShareTraining(run))));
    PetscCall(SetOption(run, k->name, "engd_max_seconds", number));
  }
  PetscCall(SetDirection(run, kind));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* energies have valley alone; a network that has grown goes on from what it was, too. A large network has no time for all first
   stages: with more parameters than residuals its digits are quick, and otherwise it has none. A restart has not all points yet, but
   must have the same stages. Collective */
static PetscErrorCode AddStages(EngdRun run, PetscBool energies)
{
  const EngdModel model = run->functional->model;
  const PetscBool small = (PetscBool)(model->nweights <= MOST_DIGITS);
  PetscBool       digits;

  PetscFunctionBeginUser;
  if (energies) {
    PetscCall(AddStage(run, VALLEY, PETSC_TRUE));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!run->plan.rows) PetscCall(EngdExplicitCountAllRows(run->functional, &run->plan.rows));
  digits = (PetscBool)(small || model->nparameters > run->plan.rows);
  if (run->plan.level) PetscCall(AddStage(run, GROWN, PETSC_FALSE));
  if (digits && (!run->plan.level || run->plan.digits || small)) PetscCall(AddStage(run, DIGITS_FLAT, PETSC_FALSE));
  PetscCall(AddStage(run, VALLEY, PETSC_FALSE));
  if (small || !digits) PetscCall(AddStage(run, SLOPES, PETSC_FALSE));
  if (small && !run->plan.grows && !run->plan.level) PetscCall(AddStage(run, DIGITS_WIDE, PETSC_FALSE));
  PetscCall(AddStage(run, AGAIN, PETSC_TRUE));
  if (digits) PetscCall(AddStage(run, MORE, PETSC_TRUE));
  PetscCall(AddStage(run, LAST, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* nothing has been done yet, and nothing is known of theta */
static PetscErrorCode Begin(EngdRun run)
{
  EngdPlan *plan = &run->plan;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(run->theta, plan->start));
  PetscCall(VecCopy(run->theta, plan->best));
  for (PetscInt k = 0; k < ENGD_PLAN_FIRST; k++) {
    PetscCall(VecCopy(run->theta, plan->end[k]));
    plan->left[k] = PETSC_MAX_REAL;
    plan->rate[k] = 0;
  }
  plan->loss = plan->fresh = plan->before = plan->before_loss = PETSC_MAX_REAL;
  plan->apart                                                 = 0;
  plan->chosen                                                = VALLEY;
  plan->gaps = plan->slow = plan->done = plan->ahead = plan->stands = plan->sound = PETSC_FALSE;
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
  plan->dense = HasRoomForDense(run->functional, run->functional->model->nparameters);
  if (PetscIsInfReal(run->budget)) run->budget = SECONDS;
  PetscCall(EngdGrowthHasRoom(run, &plan->grows));
  PetscCall(AddStages(run, energies));
  PetscCall(VecDuplicate(run->theta, &plan->start));
  PetscCall(VecDuplicate(run->theta, &plan->best));
  for (PetscInt k = 0; k < ENGD_PLAN_FIRST; k++) PetscCall(VecDuplicate(run->theta, &plan->end[k]));
  PetscCall(Begin(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanReset - theta, as it is now, is what the plan starts from and falls back on: of least squares no stage leaves it for what has
   more loss. Collective */
PetscErrorCode EngdPlanReset(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(Begin(run));
  PetscCall(EngdPlanMeasure(run, run->theta, &run->plan.loss, &run->plan.fresh));
  PetscFunctionReturn(PETSC_SUCCESS);
}
