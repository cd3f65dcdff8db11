/*
  The optimisers of a run that is told none: a plan of stages, and the best parameters of them.

    valley   the Gramian written out and averaged (dense, LDL^T, beta 0.6): falls at once from any start and follows narrow
             valleys, but its last digits come slowly
    digits   truncated least squares (tsvd) from small weights: slow at first, then within ten iterations at rounding, or
             nowhere; not where an iteration is dear
    valley   again, from the better of the two, to the end of the time

  Neither of the first two wins everywhere (runs/untuned.md). A plan is made for least
  squares on points that stay, with no more parameters than residuals, if no option of TAO, KSP or PC is given and no stages.
*/
#include <engd/private.h>
#include <math.h>

#define MOST_PARAMETERS 3000 /* of a Gramian written out */
#define MOST_DIGITS     640  /* of the SVDs */
#define VALLEY_FIRST    400  /* iterations before digits */
#define DIGITS          200
#define SECONDS         60

/* is an option of an optimiser in the database; stages have theirs behind a prefix, and are named by an option */
static PetscErrorCode IsSaid(PetscBool *said)
{
  char *all, *word;

  PetscFunctionBeginUser;
  *said = PETSC_FALSE;
  PetscCall(PetscOptionsGetAll(NULL, &all));
  for (word = strtok(all, " "); word && !*said; word = strtok(NULL, " ")) {
    *said = (PetscBool)(!strncmp(word, "-tao_", 5) || !strncmp(word, "-ksp_", 5) || !strncmp(word, "-pc_", 4) ||
                        !strncmp(word, "-engd_stages", 12) || !strncmp(word, "-spectrum", 9));
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* does the plan suit the problem */
static PetscErrorCode Suits(EngdFunctional F, PetscBool *suits)
{
  const PetscInt  p     = F->model->nparameters;
  const PetscReal bytes = 3. * sizeof(PetscReal) * PetscSqr((PetscReal)p); /* the Gramian, its factors, an SVD */
  PetscInt        N;

  PetscFunctionBeginUser;
  PetscCall(EngdExplicitHasResidual(F, suits));
  for (PetscInt t = 0; t < F->problem->nterms; t++) *suits = (PetscBool)(*suits && !F->problem->term[t]->resample);
  if (!*suits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdExplicitCountRows(F, &N));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &N, 1, MPIU_INT, MPI_SUM, F->comm));
  *suits = (PetscBool)(p <= N && p <= MOST_PARAMETERS && bytes <= F->options.memory_limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* an option of a stage, unless the user has given it: asking the database for it would mark it as read */
static PetscErrorCode SetOption(EngdRun run, const char stage[], const char name[], const char value[])
{
  char      option[64], *all, *word;
  PetscBool given = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName(stage, name, sizeof(option), option));
  PetscCall(PetscOptionsGetAll(NULL, &all));
  for (word = strtok(all, " "); word && !given; word = strtok(NULL, " ")) given = (PetscBool)!strcmp(word, option);
  PetscCall(PetscFree(all));
  if (!given) PetscCall(EngdSettingsSet(&run->plan.settings, option, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the options of a stage */
static PetscErrorCode SetStage(EngdRun run, const char name[], PetscBool dense, PetscInt iterations)
{
  char number[32];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(number, sizeof(number), "%" PetscInt_FMT, iterations));
  PetscCall(SetOption(run, name, "tao_max_it", number));
  PetscCall(SetOption(run, name, "tao_engd_direction", dense ? "dense" : "tsvd"));
  if (!dense) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SetOption(run, name, "tao_engd_dense_type", "ldlt"));
  PetscCall(SetOption(run, name, "tao_engd_dense_ema", "0.6"));
  PetscCall(SetOption(run, name, "tao_engd_stall", "300"));
  PetscCall(SetOption(run, name, "tao_engd_damping_min",
                      "1e-10")); /* of no less use than 1e-16, and further from a singular pivot */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanCreate - stages and their options, if the run has been told none. Collective; Push and Pop around their creation */
PetscErrorCode EngdPlanCreate(EngdRun run)
{
  PetscBool said, suits, digits;

  PetscFunctionBeginUser;
  PetscCall(IsSaid(&said));
  if (said || run->stages || !run->origin.placed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Suits(run->functional, &suits));
  if (!suits) PetscFunctionReturn(PETSC_SUCCESS);
  digits         = (PetscBool)(run->network->nparameters <= MOST_DIGITS);
  run->plan.made = PETSC_TRUE;
  PetscCall(EngdRunSetStages(run, digits ? "valley,digits,again" : "valley"));
  PetscCall(SetStage(run, "valley", PETSC_TRUE, digits ? VALLEY_FIRST : PETSC_MAX_INT / 2));
  if (digits) PetscCall(SetStage(run, "digits", PETSC_FALSE, DIGITS));
  if (digits) PetscCall(SetStage(run, "again", PETSC_TRUE, PETSC_MAX_INT / 2));
  if (PetscIsInfReal(run->max_seconds)) run->max_seconds = SECONDS;
  PetscCall(VecDuplicate(run->theta, &run->plan.best));
  run->plan.loss = PETSC_MAX_REAL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanBegin - theta of the present stage: as it is, the second beginning, the best. Collective */
PetscErrorCode EngdPlanBegin(EngdRun run)
{
  PetscFunctionBeginUser;
  if (!run->plan.made) PetscFunctionReturn(PETSC_SUCCESS);
  if (run->present == 1) PetscCall(VecCopy(run->origin.second, run->theta));
  if (run->present == 2) PetscCall(VecCopy(run->plan.best, run->theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanEnd - the best theta is kept, and is that of the run when the last stage has ended. Collective */
PetscErrorCode EngdPlanEnd(EngdRun run)
{
  PetscReal loss;

  PetscFunctionBeginUser;
  if (!run->plan.made) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalSetParameters(run->functional, run->theta));
  PetscCall(EngdFunctionalEvaluate(run->functional, &loss, NULL));
  if (loss < run->plan.loss) {
    PetscCall(VecCopy(run->theta, run->plan.best));
    run->plan.loss = loss;
  } else {
    PetscCall(VecCopy(run->plan.best, run->theta));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPlanState - the best parameters so far. Collective */
PetscErrorCode EngdPlanState(EngdRun run, EngdArchive a)
{
  PetscFunctionBeginUser;
  if (!run->plan.made) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, "plan"));
  PetscCall(EngdArchiveReal(a, "loss", &run->plan.loss, PETSC_MAX_REAL));
  PetscCall(EngdArchiveVec(a, "best", run->plan.best));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPlanDestroy(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsDestroy(&run->plan.settings));
  PetscCall(VecDestroy(&run->plan.best));
  PetscFunctionReturn(PETSC_SUCCESS);
}
