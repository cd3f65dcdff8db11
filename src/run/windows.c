/*
  Windows of time (-engd_windows n): the stages of a run, for one part of time after the other.

    window k:  the terms on [t_k, t_(k+1)], from theta of the window before;  initial terms: r(u_k) = r(u_(k-1)) at t_k

  The network of each window is kept, and the solution at a time is that of its window: in errors, integrals, tables and what a
  program asks for (src/model/evaluate.c). Errors during the training are of the windows up to the present one. A budget of
  seconds is shared equally by the windows that are left.
*/
#include <engd/private.h>
#include <math.h>

/* EngdRunPlacePoints - all points are the first ones of the present window, or of all time where there is one; where a window goes
   on from is known to the model. Collective */
PetscErrorCode EngdRunPlacePoints(EngdRun run)
{
  const EngdProblem problem = run->problem;
  PetscBool         resized = PETSC_FALSE;

  PetscFunctionBeginUser;
  EngdDomainSetWindow(problem->domain, run->window);
  for (PetscInt t = 0; t < problem->nterms; t++) {
    const EngdTerm term   = problem->term[t];
    const PetscInt before = term->points->nglobal;

    PetscCall(EngdPointsDestroy(&term->adapt.candidate));
    PetscCall(EngdPointsReset(term->points));
    if (term->adapt.method == ENGD_ADAPT_RAR)
      PetscCall(EngdPointsResize(term->points, term->points->nfirst + term->adapt.add * term->adapt.times));
    term->adapt.done  = 0;
    term->adapt.fresh = PETSC_FALSE;
    resized           = (PetscBool)(resized || term->points->nglobal != before);
  }
  PetscCall(EngdFunctionalForgetMultipliers(run->functional));
  if (resized)
    PetscCall(EngdFunctionalResize(run->functional));
  else
    PetscCall(EngdFunctionalAttachPoints(run->functional));
  PetscCall(EngdRunDestroyFreshPoints(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the seconds that the present window may come to: an equal share of what is left */
static PetscErrorCode ShareTime(EngdRun run)
{
  PetscReal seconds;

  PetscFunctionBeginUser;
  PetscCall(EngdRunGetSeconds(run, &seconds));
  run->max_seconds = run->budget;
  if (!PetscIsInfReal(run->budget))
    run->max_seconds =
        seconds + PetscMax(run->budget - seconds, 0) / (PetscReal)(run->problem->domain->nwindows - run->window);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tell(EngdRun run)
{
  const EngdDomain domain = run->problem->domain;
  char             text[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, sizeof(text), "Window %" PetscInt_FMT " of %" PetscInt_FMT ": t from %g to %g",
                          run->window + 1, domain->nwindows, (double)domain->window[0], (double)domain->window[1]));
  PetscCall(EngdReportTell(run->report, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdWindowsBegin - the present window, at the beginning of the training or behind a restart. Collective */
PetscErrorCode EngdWindowsBegin(EngdRun run)
{
  PetscFunctionBeginUser;
  if (run->problem->domain->nwindows == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ShareTime(run));
  PetscCall(Tell(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdWindowsGoOn - theta is that of the window that has ended; the next one is present, if there is one and no signal ends the run.
   Collective */
PetscErrorCode EngdWindowsGoOn(EngdRun run, PetscBool *more)
{
  const PetscReal *theta;

  PetscFunctionBeginUser;
  *more = (PetscBool)(run->window + 1 < run->problem->domain->nwindows && run->end != ENGD_END_BY_SIGNAL);
  if (!*more) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalGather(run->functional, run->theta, &theta));
  PetscCall(EngdModelAddPast(run->functional->model, theta));
  run->window++;
  run->end = ENGD_END_BY_TAO;
  PetscCall(EngdRunPlacePoints(run));
  PetscCall(ShareTime(run));
  PetscCall(EngdRunMeasureZero(run));
  PetscCall(Tell(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta of the windows before the present one; theta (nparameters): room for one that is loaded */
static PetscErrorCode WalkPast(EngdRun run, EngdArchive a, PetscReal theta[])
{
  const EngdModel model = run->functional->model;

  PetscFunctionBeginUser;
  for (PetscInt w = 0; w < run->window; w++) {
    char name[32];

    PetscCall(PetscSNPrintf(name, sizeof(name), "theta_%" PetscInt_FMT, w));
    PetscCall(EngdArchiveReals(a, name, model->nparameters, EngdArchiveChanges(a) ? theta : model->past[w]));
    if (EngdArchiveChanges(a)) PetscCall(EngdModelAddPast(model, theta));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdWindowsState - which window is present, and what those before have come to; before the state of functional and optimiser.
   Forgotten, the points of all terms are the first ones. Collective */
PetscErrorCode EngdWindowsState(EngdRun run, EngdArchive a)
{
  const EngdModel model = run->functional->model;
  const PetscInt  n     = run->problem->domain->nwindows;
  PetscReal      *theta;
  PetscErrorCode  ierr;

  PetscFunctionBeginUser;
  if (n == 1 && EngdArchiveGetMode(a) != ENGD_ARCHIVE_FORGET) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, "windows"));
  PetscCall(EngdArchiveInt(a, "present", &run->window, 0));
  PetscCheck(run->window >= 0 && run->window < n, run->comm, PETSC_ERR_FILE_UNEXPECTED,
             "%s: it is in window %" PetscInt_FMT " of %" PetscInt_FMT, run->restart, run->window, n);
  if (EngdArchiveChanges(a)) PetscCall(EngdModelForgetPast(model));
  PetscCall(PetscMalloc1(model->nparameters, &theta));
  ierr = WalkPast(run, a, theta);
  PetscCall(PetscFree(theta));
  PetscCall(ierr);
  PetscCall(EngdArchivePop(a));
  if (EngdArchiveChanges(a)) PetscCall(EngdRunPlacePoints(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
