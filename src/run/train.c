/*
  The training of a run: its stages in turn, and what happens at each iteration of them.

  TAO's monitor of every stage hands the report its row, ends the run at -engd_target_error, and asks for the spectra that are
  due. Iterations, Krylov iterations and seconds are those of the whole run, counted here alone.
*/
#include <engd/private.h>

/* it <- this iteration of tao, which may be the subsolver of the present stage */
static PetscErrorCode Describe(EngdRun run, Tao tao, PetscInt iteration, EngdIteration *it)
{
  EngdStatus status;

  PetscFunctionBeginUser;
  it->seconds = MPI_Wtime() - run->start;
  if (run->pace_iteration < 0) {
    run->pace_iteration = iteration;
    run->pace_seconds   = it->seconds;
  }
  PetscCall(TaoGetSolutionStatus(tao, NULL, &it->loss, &it->gradient_norm, NULL, NULL, NULL));
  PetscCall(TaoEngdGetStatus(tao, &status));
  it->iteration         = run->iterations + iteration;
  it->step              = status.step;
  it->damping           = status.damping;
  it->damping_name      = status.damping_name;
  it->krylov_iterations = status.krylov_iterations;
  PetscCall(EngdRunEstimateTimeLeft(run, iteration, it->seconds, &it->left));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunTestTarget - is the relative L2 error at -engd_target_error, or below it. Collective */
PetscErrorCode EngdRunTestTarget(EngdRun run, PetscBool *reached)
{
  PetscReal error;

  PetscFunctionBeginUser;
  *reached = PETSC_FALSE;
  if (run->target == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdReportMeasure(run->report, run->theta, &error));
  *reached = (PetscBool)(error <= run->target);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* says of points that have followed the residual since the last time what was found of it */
static PetscErrorCode TellPoints(EngdRun run)
{
  char text[512];

  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < run->problem->nterms; t++) {
    const EngdTerm   term  = run->problem->term[t];
    const EngdAdapt *adapt = &term->adapt;

    if (!adapt->fresh) continue;
    PetscCall(PetscSNPrintf(text, sizeof(text),
                            "Points of %s follow its residual, mean %.2e and largest %.2e on %" PetscInt_FMT
                            " candidates: %" PetscInt_FMT " points",
                            term->name, (double)adapt->density.mean, (double)adapt->density.largest,
                            adapt->candidate->nglobal, term->points->nactive));
    PetscCall(EngdReportTell(run->report, text));
    term->adapt.fresh = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta of an iteration whose loss and gradient are numbers is what the stage goes back to. Collective */
static PetscErrorCode KeepGood(EngdRun run, Tao tao, Vec theta)
{
  PetscReal loss, norm;

  PetscFunctionBeginUser;
  PetscCall(TaoGetSolutionStatus(tao, NULL, &loss, &norm, NULL, NULL, NULL));
  if (PetscIsInfOrNanReal(loss) || PetscIsInfOrNanReal(norm)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!run->good) PetscCall(VecDuplicate(run->theta, &run->good));
  PetscCall(VecCopy(theta, run->good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what TAO calls at each iteration */
static PetscErrorCode Watch(Tao tao, void *data)
{
  EngdRun       run = (EngdRun)data;
  EngdIteration it;
  PetscInt      iteration;
  PetscReal     error;
  Vec           theta;

  PetscFunctionBeginUser;
  PetscCall(TaoGetIterationNumber(tao, &iteration));
  PetscCall(TaoGetSolution(tao, &theta));
  PetscCall(KeepGood(run, tao, theta));
  if (run->iterations + iteration <= run->last_row)
    PetscFunctionReturn(PETSC_SUCCESS); /* the last row of the stage, or of the process, before */
  PetscCall(Describe(run, tao, iteration, &it));
  run->last_row = it.iteration;
  PetscCall(TellPoints(run));
  EngdPaceRecord(&run->pace, it.loss, it.seconds);
  PetscCall(EngdPlanWatch(run, theta, iteration));
  PetscCall(EngdReportAddRow(run->report, &it, theta, run->target > 0 ? &error : NULL));
  if (run->target > 0 && error <= run->target) {
    run->end = ENGD_END_BY_TARGET;
    PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  }
  PetscCall(EngdSpectrumMonitor(run->spectrum, run->stage[run->present].tao, theta, it.iteration));
  PetscCall(EngdProjectionMonitor(run->projection, theta, it.iteration));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunWatch - the run sees the iterations of a stage. Collective */
PetscErrorCode EngdRunWatch(EngdRun run, EngdStage *stage)
{
  Tao iterating;

  PetscFunctionBeginUser;
  PetscCall(EngdSolverGetIterating(stage->tao, &iterating));
  PetscCall(TaoMonitorSet(iterating, Watch, run, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* totals <- totals with those of the present stage */
static PetscErrorCode Count(EngdRun run, PetscInt *iterations, PetscInt *krylov_iterations)
{
  const Tao  tao = run->stage[run->present].tao;
  PetscInt   now;
  EngdStatus status;

  PetscFunctionBeginUser;
  PetscCall(TaoGetIterationNumber(tao, &now));
  PetscCall(TaoEngdGetStatus(tao, &status));
  *iterations        = run->iterations + now;
  *krylov_iterations = run->krylov_iterations + status.total_krylov;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the stage behind the present one; the number of stages if there is none */
static PetscInt Next(EngdRun run)
{
  PetscInt next = run->present + 1;

  while (next < run->nstages && EngdPlanSkips(run, next)) next++;
  return next;
}

/* EngdRunCountStage - says why the present stage ended, and counts it; the first one is present from now on. Collective */
PetscErrorCode EngdRunCountStage(EngdRun run)
{
  TaoConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(TaoGetConvergedReason(run->stage[run->present].tao, &reason));
  PetscCall(EngdReportTell(run->report, EngdRunDescribeEnd(run, reason)));
  PetscCall(Count(run, &run->iterations, &run->krylov_iterations));
  run->pace_iteration = 0;
  run->pace_seconds   = MPI_Wtime() - run->start;
  run->folded = run->folded_krylov = 0;
  run->stage_start                 = 0;
  run->present                     = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GoOn(EngdRun run, PetscInt next)
{
  PetscFunctionBeginUser;
  PetscCall(EngdRunCountStage(run));
  run->present = next;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TaoSolve(); broke: the numerics have broken down, which all ranks meet, and EngdErrorsForgiven() says how */
static PetscErrorCode SolveForgiving(EngdStage *stage, PetscBool *broke)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  EngdErrorsForgive(ENGD_ERR_NUMERICS);
  code = TaoSolve(stage->tao);
  EngdErrorsForgive(PETSC_SUCCESS);
  *broke = (PetscBool)(code == ENGD_ERR_NUMERICS);
  if (!*broke) PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta <- the last good one of the stage, if it had any, after a breakdown or where a type of PETSc's ended elsewhere */
static PetscErrorCode GoBack(EngdRun run, EngdStage *stage, PetscBool broke)
{
  unsigned  features;
  PetscReal loss = 0;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetFeatures(stage->tao, &features));
  if (!broke && (!run->good || features & ENGD_TAO_LOOP)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!broke) PetscCall(EngdRunMeasure(run, run->theta, &loss, NULL));
  if (!broke && !PetscIsInfOrNanReal(loss)) PetscFunctionReturn(PETSC_SUCCESS);
  if (run->good) PetscCall(VecCopy(run->good, run->theta));
  PetscCall(TaoSetConvergedReason(stage->tao, TAO_DIVERGED_NAN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a breakdown ends the run, with the last good state kept; of a plan with other stages to go by it ends the stage alone. failed:
   theta is of no use */
static PetscErrorCode Solve(EngdRun run, EngdStage *stage, void *failed)
{
  char      text[1024];
  PetscBool broke;

  PetscFunctionBeginUser;
  if (run->reason) { /* it had ended when the checkpoint was written */
    PetscCall(TaoSetConvergedReason(stage->tao, run->reason));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(SolveForgiving(stage, &broke));
  PetscCall(GoBack(run, stage, broke));
  if (!broke) PetscFunctionReturn(PETSC_SUCCESS);
  if (!run->plan.made || run->nstages == 1) {
    if (run->good) PetscCall(EngdRunCheckpoint(run));
    PetscCall(EngdErrorsSetPlace(NULL, NULL)); /* which the words have */
    SETERRQ(run->comm, ENGD_ERR_NUMERICS, "%s", EngdErrorsForgiven());
  }
  *(PetscBool *)failed = (PetscBool)!run->good;
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s has broken down: %s", stage->name, EngdErrorsForgiven()));
  PetscCall(EngdReportTell(run->report, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the present stage, from the parameters that the one before came to */
static PetscErrorCode SolveStage(EngdRun run, PetscBool *done)
{
  EngdStage *stage  = &run->stage[run->present];
  PetscBool  failed = PETSC_FALSE;
  char       text[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, sizeof(text), "Stage %s", stage->name));
  if (stage->name && (!run->plan.made || run->resumes)) PetscCall(EngdReportTell(run->report, text));
  PetscCall(EngdSolverSetIterationsBefore(stage->tao, run->iterations));
  if (!run->resumes) PetscCall(EngdPlanBegin(run));
  PetscCall(VecDestroy(&run->good));
  PetscCall(EngdStageDo(run, stage, Solve, &failed));
  if (run->plan.made && run->end != ENGD_END_BY_TAO) {
    if (!failed) PetscCall(EngdPlanCut(run, run->theta));
    PetscCall(EngdRunCheckpoint(run)); /* from theta of the stage it goes on */
  }
  PetscCall(EngdPlanEnd(run, failed, done));
  run->reason  = TAO_CONTINUE_ITERATING;
  run->resumes = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the clocks, and what is counted anew in each process */
static PetscErrorCode Start(EngdRun run)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Barrier(run->comm));
  run->start          = MPI_Wtime() - run->seconds;
  run->stage_start    = run->seconds_in_stage > 0 ? MPI_Wtime() - run->seconds_in_stage : 0;
  run->written_at     = run->seconds;
  run->pace_iteration = -1;
  run->signal         = 0;
  run->due            = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the stages from the present one on, until all have ended, or something has that ends the run, or its window of time */
static PetscErrorCode SolveStages(EngdRun run)
{
  PetscReal seconds;
  PetscBool last = PETSC_FALSE, done;

  PetscFunctionBeginUser;
  while (!last && !EngdEvolutionBegun(run)) {
    PetscCall(SolveStage(run, &done));
    PetscCall(EngdRunGetSeconds(run, &seconds));
    last =
        (PetscBool)(done || Next(run) == run->nstages || run->end != ENGD_END_BY_TAO || seconds >= run->max_seconds);
    if (!last) PetscCall(GoOn(run, Next(run)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunTrain - runs the stages at each width of networks that grow, or in each window of time. Collective */
PetscErrorCode EngdRunTrain(EngdRun run)
{
  PetscBool more = PETSC_TRUE;

  PetscFunctionBeginUser;
  PetscCall(Start(run));
  PetscCall(EngdWindowsBegin(run));
  while (more) {
    PetscCall(SolveStages(run));
    PetscCall(EngdGrowthGoOn(run, &more));
    if (more) continue;
    if (run->window + 1 < run->problem->domain->nwindows && run->end != ENGD_END_BY_SIGNAL) PetscCall(GoOn(run, 0));
    PetscCall(EngdWindowsGoOn(run, &more));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunMeasureLoss - loss and gradient at theta, which some TAO types keep to themselves: brgn tells its regularised loss one iteration late */
PetscErrorCode EngdRunMeasureLoss(EngdRun run, EngdOutcome *outcome)
{
  const EngdFunctional F     = run->functional;
  const Vec            theta = run->theta;
  Vec                  gradient;

  PetscFunctionBeginUser;
  outcome->evaluations = F->count.evaluations; /* those of the optimisers count, and this one does not */
  PetscCall(VecDuplicate(theta, &gradient));
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(EngdFunctionalEvaluate(F, &outcome->loss, gradient));
  PetscCall(VecNorm(gradient, NORM_2, &outcome->gradient_norm));
  PetscCall(VecDestroy(&gradient));
  F->count.evaluations = outcome->evaluations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunGetOutcome - what the training came to; to be forgotten by EngdRunForgetOutcome(). Collective */
PetscErrorCode EngdRunGetOutcome(EngdRun run, EngdOutcome *outcome)
{
  TaoConvergedReason reason;

  PetscFunctionBeginUser;
  outcome->seconds = MPI_Wtime() - run->start;
  PetscCall(Count(run, &outcome->iterations, &outcome->krylov_iterations));
  PetscCall(TaoGetConvergedReason(run->stage[run->present].tao, &reason));
  outcome->reason = TaoConvergedReasons[reason];
  outcome->words  = EngdRunDescribeEnd(run, reason);
  PetscCall(EngdRunMeasureLoss(run, outcome));
  PetscCall(EngdRunJudge(run, reason, outcome));
  outcome->nstages = run->present + 1;
  PetscCall(PetscMalloc1(outcome->nstages, &outcome->stage));
  for (PetscInt k = 0; k < outcome->nstages; k++)
    outcome->stage[k] = (EngdOutcomeStage){run->stage[k].name, run->stage[k].tao};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdRunForgetOutcome(EngdOutcome *outcome)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(outcome->stage));
  PetscFunctionReturn(PETSC_SUCCESS);
}
