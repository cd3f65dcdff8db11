/*
  Checkpoints: all that a run needs to go on as if nothing had happened, in one file (src/state).

  When: every so many iterations or seconds, when a signal asks for one, and at the end of the training, for whatever reason.
  Optimisers of our own are saved between two iterations with all their state; PETSc's own have theirs inside, so they begin anew
  from theta. What the user may not change between two parts of a run is compared (description.c); limits and outputs he may.
*/
#include <engd/private.h>

/* Where a run is, besides theta, points and the state of the optimiser */
typedef struct {
  PetscInt  stage, iteration;  /* the present stage, iterations of it */
  PetscInt  before, krylov;    /* iterations of all before it, Krylov iterations of all */
  PetscInt  krylov_before;     /* those of the stages before */
  PetscInt  reason;            /* why the stage has ended, TAO_CONTINUE_ITERATING if it has not */
  PetscReal seconds, in_stage; /* of the training, of this stage */
} Place;

static PetscErrorCode GetPlace(EngdRun run, Place *place)
{
  const Tao          tao = run->stage[run->present].tao;
  const double       now = MPI_Wtime();
  TaoConvergedReason reason;
  EngdStatus         status;

  PetscFunctionBeginUser;
  PetscCall(TaoGetIterationNumber(tao, &place->iteration));
  PetscCall(TaoGetConvergedReason(tao, &reason));
  PetscCall(TaoEngdGetStatus(tao, &status));
  place->stage         = run->present;
  place->before        = run->iterations - run->folded;
  place->krylov_before = run->krylov_iterations - run->folded_krylov;
  place->krylov        = run->krylov_iterations + status.total_krylov;
  place->iteration += run->folded;
  place->reason   = reason;
  place->seconds  = now - run->start;
  place->in_stage = run->stage_start > 0 ? now - run->stage_start : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WalkPlace(EngdArchive a, Place *place)
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchivePush(a, "run"));
  PetscCall(EngdArchiveInt(a, "stage", &place->stage, 0));
  PetscCall(EngdArchiveCount(a, "iteration", &place->iteration, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveCount(a, "iterations_before", &place->before, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveCount(a, "krylov_before", &place->krylov_before, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveCount(a, "krylov", &place->krylov, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveInt(a, "reason", &place->reason, TAO_CONTINUE_ITERATING));
  PetscCall(EngdArchiveReal(a, "seconds", &place->seconds, 0));
  PetscCall(EngdArchiveReal(a, "seconds_in_stage", &place->in_stage, 0));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what there is besides the place; theta and points are with the optimiser */
static PetscErrorCode WalkRest(EngdRun run, EngdArchive a)
{
  PetscFunctionBeginUser;
  PetscCall(EngdWindowsState(run, a));
  PetscCall(EngdTaoState(run->stage[run->present].tao, a));
  PetscCall(EngdPlanState(run, a));
  PetscCall(EngdEvolutionState(run, a));
  PetscCall(EngdReportState(run->report, a));
  PetscCall(EngdSpectrumState(run->spectrum, a));
  PetscCall(EngdProjectionState(run->projection, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* has an optimiser of PETSc's come to its own end, so that more iterations or seconds do not let it go on; tolerances are tested
   again in any case, and ours know by themselves */
static PetscBool HasEnded(PetscInt reason)
{
  return (PetscBool)(reason == TAO_CONVERGED_STEPTOL || reason == TAO_DIVERGED_NAN ||
                     reason == TAO_DIVERGED_LS_FAILURE || reason == TAO_DIVERGED_TR_REDUCTION);
}

/* a breakdown from now on names the file */
static PetscErrorCode NameFile(EngdRun run, PetscInt iteration)
{
  char text[512];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, sizeof(text), "the state after iteration %" PetscInt_FMT " is kept: -engd_restart %s",
                          iteration, run->checkpoint));
  PetscCall(EngdErrorsSetKept(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all that the run is, as a file */
static PetscErrorCode Save(EngdRun run, EngdArchive a, Place *place)
{
  const char *failure;

  PetscFunctionBeginUser;
  PetscCall(EngdGrowthState(run, a, PETSC_TRUE));
  PetscCall(EngdRunDescribe(run, a));
  PetscCall(WalkPlace(a, place));
  PetscCall(WalkRest(run, a));
  PetscCall(EngdArchiveWrite(a, &failure));
  PetscCall(PetscStrncpy(run->failure, failure ? failure : "", sizeof(run->failure)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunCheckpoint - Writes the file; a failure is told, kept for the end of the run, and costs nothing else. Collective */
PetscErrorCode EngdRunCheckpoint(EngdRun run)
{
  EngdArchive    a;
  Place          place;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  if (!run->checkpoint) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscLogEventBegin(engd_log.checkpoint, 0, 0, 0, 0));
  PetscCall(GetPlace(run, &place));
  PetscCall(EngdArchiveCreate(run->comm, ENGD_ARCHIVE_SAVE, run->checkpoint, &a));
  ierr = Save(run, a, &place);
  PetscCall(EngdArchiveDestroy(&a));
  PetscCall(ierr);
  if (run->failure[0]) PetscCall(EngdReportTell(run->report, run->failure));
  PetscCall(PetscLogEventEnd(engd_log.checkpoint, 0, 0, 0, 0));
  run->written = place.before + place.iteration;
  run->due     = PETSC_FALSE;
  if (!run->failure[0]) PetscCall(NameFile(run, run->written));
  PetscCall(EngdRunGetSeconds(run, &run->written_at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunCheckpointIfDue - between two iterations, of which so many are done. Collective */
PetscErrorCode EngdRunCheckpointIfDue(EngdRun run, PetscInt iteration)
{
  const PetscInt done = run->iterations + iteration;
  Vec            theta;

  PetscFunctionBeginUser;
  if (run->every > 0 && done > 0 && done % run->every == 0) run->due = PETSC_TRUE;
  if (run->checkpoint && run->due && done != run->written) {
    PetscCall(TaoGetSolution(run->stage[run->present].tao, &theta));
    PetscCall(EngdPlanCut(run, theta));
    PetscCall(EngdRunCheckpoint(run));
  }
  run->due = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the part of the stage that lies behind counts with the stages before: the optimiser begins anew, or has ended */
static PetscErrorCode Fold(EngdRun run, const Place *place)
{
  EngdStage *stage = &run->stage[run->present];

  PetscFunctionBeginUser;
  run->folded        = place->iteration;
  run->folded_krylov = place->krylov - place->krylov_before;
  run->iterations += run->folded;
  run->krylov_iterations += run->folded_krylov;
  PetscCall(TaoGetMaximumIterations(stage->tao, &stage->maximum));
  PetscCall(TaoSetMaximumIterations(stage->tao, PetscMax(0, stage->maximum - place->iteration)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the run is at this place; kept: is the state of its optimiser in the file */
static PetscErrorCode GoTo(EngdRun run, const Place *place, PetscBool kept)
{
  PetscFunctionBeginUser;
  run->iterations        = place->before;
  run->krylov_iterations = place->krylov_before;
  run->seconds           = place->seconds;
  run->seconds_in_stage  = place->in_stage;
  run->last_row = run->written = place->before + place->iteration;
  run->resumes                 = PETSC_TRUE;
  if (kept) PetscFunctionReturn(PETSC_SUCCESS);
  if (HasEnded(place->reason)) run->reason = (TaoConvergedReason)place->reason;
  PetscCall(Fold(run, place));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what goes on from where */
static PetscErrorCode TellRestart(EngdRun run, PetscBool kept)
{
  TaoType type;
  char    text[512];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, sizeof(text), "Restart behind iteration %" PetscInt_FMT " and %.2f s, from %s",
                          run->last_row, (double)run->seconds, run->restart));
  PetscCall(EngdReportTell(run->report, text));
  if (kept || run->reason) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TaoGetType(run->stage[run->present].tao, &type));
  PetscCall(PetscSNPrintf(text, sizeof(text),
                          "A checkpoint has no state of PETSc's %s: it begins anew, from these parameters", type));
  PetscCall(EngdReportTell(run->report, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what there is besides the place; data: the archive */
static PetscErrorCode LoadRest(EngdRun run, EngdStage *stage, void *data)
{
  PetscFunctionBeginUser;
  (void)stage;
  PetscCall(WalkRest(run, (EngdArchive)data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the run is where the archive says; kept: with the state of the optimiser */
static PetscErrorCode Load(EngdRun run, EngdArchive a, PetscBool *kept)
{
  Place place;

  PetscFunctionBeginUser;
  PetscCall(EngdGrowthState(run, a, PETSC_TRUE));
  PetscCall(EngdRunDescribe(run, a));
  PetscCall(WalkPlace(a, &place));
  PetscCheck(place.stage >= 0 && place.stage < run->nstages, run->comm, PETSC_ERR_FILE_UNEXPECTED,
             "%s: it is in stage %" PetscInt_FMT " of %" PetscInt_FMT, run->restart, place.stage, run->nstages);
  run->present = place.stage;
  PetscCall(EngdArchiveHas(a, "solver/begun", kept));
  PetscCall(GoTo(run, &place, *kept));
  PetscCall(EngdStageDo(run, &run->stage[run->present], LoadRest, a));
  if (*kept && EngdEvolutionBegun(run)) PetscCall(Fold(run, &place)); /* no optimiser begins, and counts them */
  PetscCall(EngdGrowthHasRoom(run, &run->plan.grows));                /* beside all the points */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunRestart - the run is where the checkpoint was written; a file that does not fit is closed again. Collective */
PetscErrorCode EngdRunRestart(EngdRun run)
{
  EngdArchive    a;
  PetscErrorCode ierr;
  PetscBool      kept;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveCreate(run->comm, ENGD_ARCHIVE_LOAD, run->restart, &a));
  ierr = Load(run, a, &kept);
  PetscCall(EngdArchiveDestroy(&a));
  PetscCall(ierr);
  PetscCall(EngdReportContinue(run->report, run->last_row + EngdEvolutionGetSteps(run)));
  PetscCall(TellRestart(run, kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunForget - what an earlier solve has left is forgotten, but for theta and the width of networks that have grown, and stages
   have as many iterations as they had. Collective */
PetscErrorCode EngdRunForget(EngdRun run)
{
  EngdArchive    nothing;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < run->nstages; k++) {
    if (run->stage[k].maximum >= 0) PetscCall(TaoSetMaximumIterations(run->stage[k].tao, run->stage[k].maximum));
    run->stage[k].maximum = -1;
  }
  run->present = 0;
  PetscCall(EngdArchiveCreate(run->comm, ENGD_ARCHIVE_FORGET, NULL, &nothing));
  ierr = WalkRest(run, nothing);
  for (PetscInt t = 0; t < run->problem->nterms && !ierr; t++) ierr = EngdWalkState(run->problem->term[t], nothing);
  PetscCall(EngdArchiveDestroy(&nothing));
  PetscCall(ierr);
  run->functional->count.evaluations = run->evaluations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunLoadSolution - theta, the points of the terms, and how far the run had come. Collective */
PetscErrorCode EngdRunLoadSolution(EngdRun run, EngdOutcome *outcome)
{
  EngdArchive a;
  Place       place;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveCreate(run->comm, ENGD_ARCHIVE_LOAD, run->restart, &a));
  PetscCall(EngdGrowthState(run, a, PETSC_FALSE));
  PetscCall(EngdRunDescribeProblem(run, a));
  PetscCall(WalkPlace(a, &place));
  PetscCall(EngdArchiveVec(a, "theta", run->theta));
  PetscCall(EngdPlanLoadSolution(run, a));
  PetscCall(EngdWindowsState(run, a));
  PetscCall(EngdFunctionalState(run->functional, run->theta, a));
  PetscCall(EngdArchiveDestroy(&a));
  outcome->iterations        = place.before + place.iteration;
  outcome->krylov_iterations = place.krylov;
  outcome->seconds           = place.seconds;
  PetscFunctionReturn(PETSC_SUCCESS);
}
