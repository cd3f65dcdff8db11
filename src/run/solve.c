/*
  The solve of a run: where it begins, the training (train.c) and an evolution behind it (evolve.c), and what came out, in files,
  on the screen and as an error where it is no good.
*/
#include <engd/private.h>
#include <engd/unread.h>
#include <signal.h>

/* note <- where the state is, and that a run was interrupted */
static PetscErrorCode NoteCheckpoint(EngdRun run, PetscBool finite, EngdOutcome *outcome)
{
  const PetscBool written     = (PetscBool)(run->checkpoint && finite && !run->failure[0]);
  const PetscBool interrupted = (PetscBool)(run->end == ENGD_END_BY_SIGNAL);

  PetscFunctionBeginUser;
  outcome->note[0] = 0;
  if (interrupted)
    PetscCall(PetscSNPrintf(outcome->note, sizeof(outcome->note),
                            "Interrupted by %s after iteration %" PetscInt_FMT "%s%s",
                            run->signal == SIGTERM ? "SIGTERM" : "SIGINT", outcome->iterations,
                            written ? "; to go on: -engd_restart " : ", and there is no -engd_checkpoint",
                            written ? run->checkpoint : ""));
  else if (written)
    PetscCall(PetscSNPrintf(outcome->note, sizeof(outcome->note), "Wrote the checkpoint to %s", run->checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* where it starts, and whether files can be written */
static PetscErrorCode Begin(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdRunBegin(run));
  if (run->restart) {
    PetscCall(EngdRunRestart(run));
  } else {
    PetscCall(EngdFunctionalSetParameters(run->functional, run->theta));
    PetscCall(EngdFunctionalCheck(run->functional));
  }
  if (run->checkpoint) PetscCall(EngdFileCheck(run->comm, "-engd_checkpoint", run->checkpoint));
  PetscCall(EngdProblemTellUnread(run->problem));
  PetscCall(EngdReportStart(run->report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Train(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCall(EngdRunMeasureZero(run));
  if (run->origin.text[0]) PetscCall(EngdReportChoose(run->report, run->origin.text));
  PetscCall(EngdRunTrain(run));
  PetscCall(EngdEvolutionSolve(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -theta_view; PETSc does not look whether what it prints arrives */
static PetscErrorCode ViewParameters(EngdRun run)
{
  PetscViewer       viewer;
  PetscViewerFormat format;
  PetscBool         given, ascii;
  FILE             *file;
  int               bad = 0;

  PetscFunctionBeginUser;
  PetscCall(EngdErrorsSetPlace("option", "-theta_view"));
  PetscCall(PetscOptionsCreateViewer(run->comm, NULL, NULL, "-theta_view", &viewer, &format, &given));
  if (given) {
    PetscCall(PetscViewerPushFormat(viewer, format));
    PetscCall(VecView(run->theta, viewer));
    PetscCall(PetscViewerPopFormat(viewer));
    PetscCall(PetscViewerFlush(viewer));
    PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
    if (ascii) PetscCall(PetscViewerASCIIGetPointer(viewer, &file));
    if (ascii && file && file != PETSC_STDOUT) bad = ferror(file) != 0;
    PetscCallMPI(MPI_Bcast(&bad, 1, MPI_INT, 0, run->comm));
    PetscCheck(!bad, run->comm, PETSC_ERR_FILE_WRITE, "not all parameters could be written: is the disk full?");
    PetscCall(PetscViewerDestroy(&viewer));
  }
  PetscCall(EngdErrorsSetPlace(NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what came out, into files and on the screen, and whether it is good: errors of both */
static PetscErrorCode Tell(EngdRun run, EngdOutcome *outcome)
{
  TaoConvergedReason reason;
  const PetscBool    finite = PetscIsInfOrNanReal(outcome->loss) ? PETSC_FALSE : PETSC_TRUE;

  PetscFunctionBeginUser;
  if (finite && (!run->plan.made || run->end == ENGD_END_BY_TAO || EngdEvolutionBegun(run)))
    PetscCall(EngdRunCheckpoint(run)); /* a plan that is cut has written its own */
  PetscCall(NoteCheckpoint(run, finite, outcome));
  PetscCall(EngdReportFinish(run->report, run->theta, outcome));
  PetscCall(ViewParameters(run));
  PetscCall(EngdSpectrumFinish(run->spectrum, run->stage[run->present].tao, outcome->iterations));
  PetscCall(EngdReportAnswer(run->report, outcome));
  PetscCheck(finite, run->comm, ENGD_ERR_NUMERICS,
             "the training has come to a loss of %g after %" PetscInt_FMT " iterations; take another -tao_type, or a "
             "problem that is bounded from below",
             (double)outcome->loss, outcome->iterations);
  PetscCall(TaoGetConvergedReason(run->stage[run->present].tao, &reason));
  PetscCheck(reason != TAO_DIVERGED_NAN || (run->nstages > 1 && run->plan.made && run->plan.sound), run->comm,
             ENGD_ERR_NUMERICS,
             "after %" PetscInt_FMT " iterations no step leads to a loss that is a finite number%s",
             outcome->iterations, run->checkpoint ? "" : "; give -engd_checkpoint FILE to keep the last good state");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what came out; no checkpoint of a state without a loss takes the place of a good one */
static PetscErrorCode Finish(EngdRun run)
{
  EngdOutcome    outcome;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(EngdRunGetOutcome(run, &outcome));
  ierr = Tell(run, &outcome);
  PetscCall(EngdRunForgetOutcome(&outcome));
  PetscCall(ierr);
  PetscCheck(!run->failure[0], run->comm, PETSC_ERR_FILE_WRITE, "-engd_checkpoint %s", run->failure);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(EngdRun run)
{
  PetscFunctionBeginUser;
  if (run->evaluate) {
    PetscCall(EngdRunDo(run, EngdRunEvaluateBegin, engd_log.setup, PETSC_FALSE));
    PetscCall(EngdRunDo(run, EngdRunEvaluateFinish, engd_log.report, PETSC_TRUE));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(EngdRunDo(run, Begin, engd_log.setup, PETSC_FALSE));
  PetscCall(EngdRunDo(run, Train, engd_log.train, PETSC_TRUE));
  PetscCall(EngdRunDo(run, Finish, engd_log.report, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunSolve - Trains, then measures, writes and says what came out.

  Collective

  Input Parameter:
. run - set up

  Errors: PETSC_ERR_FILE_OPEN for a file that cannot be written, before the training; ENGD_ERR_NUMERICS for a breakdown

  Note: a second call, also behind an error, begins at the parameters as they are (EngdRunGetSolution()), and with the first points, in
  the first window of time and so on: from the same parameters it is the first one again. Networks that have grown keep their width.

  Source: src/run/solve.c
*/
PetscErrorCode EngdRunSolve(EngdRun run)
{
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCheck(run->phase == ENGD_RUN_READY, run->comm, PETSC_ERR_ORDER, "EngdRunSolve() before EngdRunSetUp()");
  if (run->listens) PetscCall(EngdSignalsBegin());
  ierr = Solve(run);
  if (run->listens) PetscCall(EngdSignalsEnd());
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}
