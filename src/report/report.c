/*
  The report of a run: what to show and to write, the clock, and the answer at the end.

  Create, options, Start (files checked and opened, monitor attached, clock started), TaoSolve(), Finish: errors on points
  never trained on, files, why TAO stopped, and as the last line the error, or without an exact solution the loss.
*/
#include <engd/private.h>
#include <math.h>

/*
  EngdReportCreate - The report of a functional being minimised by a TAO.

  Collective

  Input Parameters:
+ functional - set up before EngdReportStart(); borrowed, with its problem and network, as the TAO is
- tao        - the optimiser, whose solution is theta

  Output Parameter:
. report - to be destroyed after the last TaoSolve()

  Source: src/report/report.c
*/
PetscErrorCode EngdReportCreate(EngdFunctional functional, Tao tao, EngdReport *out)
{
  EngdReport report;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&report));
  PetscCall(PetscCommDuplicate(functional->comm, &report->comm, NULL));
  report->functional  = functional;
  report->problem     = functional->problem;
  report->network     = functional->network;
  report->tao         = tao;
  report->monitor     = PETSC_TRUE;
  report->every       = 1;
  report->max_seconds = INFINITY;
  *out                = report;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the seconds of -engd_max_seconds, which EngdSolverCreate() declares and has checked; infinity if there is no limit */
static PetscErrorCode FindTimeBudget(PetscReal *seconds)
{
  const char *value = NULL;

  PetscFunctionBeginUser;
  *seconds = 0;
  PetscCall(PetscOptionsFindPair(NULL, NULL, "-engd_max_seconds", &value, NULL));
  if (value) PetscCall(PetscOptionsStringToReal(value, seconds));
  if (*seconds <= 0) *seconds = INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -spectrum_monitor sharpness,index */
static PetscErrorCode SetHessianColumns(EngdReport report, const char text[])
{
  PetscInt  n;
  char    **names;
  PetscBool sharpness, index;

  PetscFunctionBeginUser;
  if (!text) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdParseNames("-spectrum_monitor", text, &n, &names));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(PetscStrcmp(names[i], "sharpness", &sharpness));
    PetscCall(PetscStrcmp(names[i], "index", &index));
    PetscCheck(sharpness || index, report->comm, PETSC_ERR_USER_INPUT,
               "-spectrum_monitor %s: %s is not known; give sharpness, index, or both", text, names[i]);
    if (sharpness) report->want_sharpness = PETSC_TRUE;
    if (index) report->want_index = PETSC_TRUE;
  }
  PetscCall(EngdListDestroy(n, &names));
  if (!report->sharpness) PetscCall(EngdSharpnessCreate(report->functional, &report->sharpness));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportSetFromOptions - Reads what to show and to write.

  Collective

  Input Parameter:
. report - the report

  Options Database Keys:
+ -engd_monitor bool       - one line an iteration, default true
. -engd_monitor_every k    - only each k-th line, and the last
. -engd_history file.csv   - one row an iteration
. -spectrum_monitor list   - columns sharpness, index: of the exact Hessian
. -engd_summary file.json  - the run in one JSON object; peak_memory_bytes is the sum over the ranks
. -engd_solution file.csv  - coordinates, outputs and exact values at the test points
- -engd_target_error e     - stop at the first iteration whose relative L2 error is at most e

  Source: src/report/report.c
*/
PetscErrorCode EngdReportSetFromOptions(EngdReport report)
{
  char *columns;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < ENGD_NFILES; k++) PetscCall(PetscFree(report->file[k]));
  PetscOptionsBegin(report->comm, NULL, "Report", "EngdReport");
  PetscCall(PetscOptionsBool("-engd_monitor", "Show one line for each outer iteration", "EngdReportSetFromOptions",
                             report->monitor, &report->monitor, NULL));
  PetscCall(PetscOptionsInt("-engd_monitor_every", "Show only each k-th of these lines, and the last; positive",
                            "EngdReportSetFromOptions", report->every, &report->every, NULL));
  PetscCheck(report->every > 0, report->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-engd_monitor_every %" PetscInt_FMT ": give a positive number", report->every);
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_history",
                            "CSV file for one row an iteration, with the columns of the monitor",
                            "EngdReportSetFromOptions", NULL, NULL, &report->file[ENGD_FILE_HISTORY]));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_summary", "JSON file for the result, written at the end",
                            "EngdReportSetFromOptions", NULL, NULL, &report->file[ENGD_FILE_SUMMARY]));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_solution",
                            "CSV file for coordinates, outputs and exact values at the test points",
                            "EngdReportSetFromOptions", NULL, NULL, &report->file[ENGD_FILE_SOLUTION]));
  PetscCall(PetscOptionsReal("-engd_target_error",
                             "Stop training at this relative L2 error on the test points, 0 for never",
                             "EngdReportSetFromOptions", report->target, &report->target, NULL));
  PetscCheck(report->target >= 0 && !PetscIsInfReal(report->target), report->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-engd_target_error %g: give a positive number, or 0 for never", (double)report->target);
  PetscCheck(report->target == 0 || report->problem->nexact, report->comm, PETSC_ERR_USER_INPUT,
             "-engd_target_error %g: there is no exact solution to measure errors against; give -exact_%s",
             (double)report->target, report->problem->output[0]);
  PetscCall(EngdOptionsText(PetscOptionsObject, "-spectrum_monitor",
                            "Columns of the exact Hessian: sharpness (largest eigenvalue), index (negative ones)",
                            "EngdReportSetFromOptions", NULL, NULL, &columns));
  PetscOptionsEnd();
  PetscCall(SetHessianColumns(report, columns));
  PetscCall(PetscFree(columns));
  PetscCall(FindTimeBudget(&report->max_seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the monitor of the present optimiser */
static PetscErrorCode AttachMonitor(EngdReport report)
{
  Tao       iterating = report->tao;
  PetscBool brgn;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)iterating, TAOBRGN, &brgn));
  if (brgn)
    PetscCall(TaoBRGNGetSubsolver(report->tao, &iterating)); /* from 3.25 on it does not inherit the monitors */
  PetscCall(TaoMonitorSet(iterating, EngdReportMonitor, report, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportStart - Checks that the files can be written, opens the history, attaches the monitor, starts the clock.

  Collective; to be called right before TaoSolve()

  Errors: PETSC_ERR_FILE_OPEN with the name of the file; PETSC_ERR_USER_INPUT for an exact solution that is not finite

  Source: src/report/report.c
*/
PetscErrorCode EngdReportStart(EngdReport report)
{
  PetscFunctionBeginUser;
  if (report->problem->nexact && !report->errors) PetscCall(EngdErrorsCreate(report->functional, &report->errors));
  PetscCall(EngdReportFileCheck(report, ENGD_FILE_SUMMARY));
  PetscCall(EngdReportFileCheck(report, ENGD_FILE_SOLUTION));
  PetscCall(EngdHistoryOpen(report));
  PetscCall(AttachMonitor(report));
  PetscCallMPI(MPI_Barrier(report->comm));
  report->start = MPI_Wtime();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one line of the table of errors */
static PetscErrorCode PrintNorms(MPI_Comm comm, const char name[], const EngdErrorNorms *norms)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "  %-16s  %11.3e  %11.3e  %11.3e\n", name, (double)norms->relative_l2,
                        (double)norms->relative_h1, (double)norms->max));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* errors of each output with an exact solution, and of all together if there are several */
static PetscErrorCode PrintErrors(EngdReport report)
{
  const EngdProblem problem = report->problem;
  const EngdErrors  errors  = report->errors;

  PetscFunctionBeginUser;
  if (!errors) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(
      PetscPrintf(report->comm, "Errors on %" PetscInt_FMT " points never trained on:\n", problem->test->nglobal));
  PetscCall(PetscPrintf(report->comm, "  %-16s  %11s  %11s  %11s\n", "", "relative L2", "relative H1", "maximum"));
  for (PetscInt k = 0; k < problem->nexact; k++) {
    PetscCall(PrintNorms(report->comm, problem->output[problem->exact_output[k]], &errors->output[k]));
  }
  if (problem->nexact > 1) PetscCall(PrintNorms(report->comm, "together", &errors->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* why TAO stopped, in words */
static const char *DescribeReason(EngdReport report, TaoConvergedReason reason)
{
  if (report->reached) return "converged: relative L2 error at -engd_target_error";
  switch (reason) {
  case TAO_CONVERGED_GATOL: return "converged: gradient norm below -tao_gatol";
  case TAO_CONVERGED_GRTOL: return "converged: gradient norm below -tao_grtol times the loss";
  case TAO_CONVERGED_GTTOL: return "converged: gradient norm reduced by -tao_gttol";
  case TAO_CONVERGED_STEPTOL: return "converged: steps no longer lower the loss";
  case TAO_CONVERGED_MINF: return "converged: loss below -tao_fmin";
  case TAO_CONVERGED_USER: return "stopped: time budget used";
  case TAO_DIVERGED_MAXITS: return "stopped: maximum iterations reached";
  case TAO_DIVERGED_NAN: return "failed: a number that is not finite";
  case TAO_DIVERGED_MAXFCN: return "stopped: maximum loss evaluations reached";
  case TAO_DIVERGED_LS_FAILURE: return "stopped: no step decreased the loss";
  case TAO_DIVERGED_TR_REDUCTION: return "stopped: trust region too small";
  case TAO_DIVERGED_USER: return "stopped by the user";
  default: return "not finished";
  }
}

PetscErrorCode EngdReportGetProgress(EngdReport report, PetscInt *iterations, PetscReal *left)
{
  PetscInt now;

  PetscFunctionBeginUser;
  PetscCall(TaoGetIterationNumber(report->tao, &now));
  *iterations = report->iterations + now;
  *left       = report->reached ? 0 : report->max_seconds - (MPI_Wtime() - report->start);
  PetscCallMPI(MPI_Bcast(left, 1, MPIU_REAL, 0, report->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdReportContinue(EngdReport report, Tao tao)
{
  EngdStatus         status;
  PetscReal          left;
  TaoConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(TaoGetConvergedReason(report->tao, &reason));
  if (report->monitor) PetscCall(PetscPrintf(report->comm, "%s\n", DescribeReason(report, reason)));
  PetscCall(TaoEngdGetStatus(report->tao, &status));
  report->krylov_iterations += status.total_krylov;
  PetscCall(EngdReportGetProgress(report, &report->iterations, &left));
  report->tao             = tao;
  report->first_iteration = 0;
  report->first_seconds   = MPI_Wtime() - report->start;
  PetscCall(AttachMonitor(report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the name of the optimiser whose lines follow; their time left is that of this stage */
PetscErrorCode EngdReportShowStage(EngdReport report, const char name[])
{
  PetscFunctionBeginUser;
  if (report->monitor) PetscCall(PetscPrintf(report->comm, "Stage %s\n", name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* work done, files written, and the last line: the answer */
static PetscErrorCode PrintOutcome(EngdReport report, const EngdOutcome *outcome)
{
  const MPI_Comm comm = report->comm;

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm,
                        "%" PetscInt_FMT " iterations, %" PetscInt_FMT " Krylov iterations, %" PetscInt64_FMT
                        " evaluations of the loss, %.2f s\n",
                        outcome->iterations, outcome->krylov_iterations, report->functional->evaluations,
                        report->seconds));
  for (PetscInt k = 0; k < ENGD_NFILES; k++) {
    if (!report->file[k] || report->failure[k]) continue;
    PetscCall(PetscPrintf(comm, "Wrote the %s to %s\n", engd_file_kind[k], report->file[k]));
  }
  if (report->errors)
    PetscCall(PetscPrintf(comm, "relative L2 error %.2e", (double)report->errors->all.relative_l2));
  else
    PetscCall(PetscPrintf(comm, "loss %.6e", (double)outcome->loss));
  PetscCall(PetscPrintf(comm, " after %" PetscInt_FMT " iterations and %.1f s (%s)\n", outcome->iterations,
                        report->seconds, DescribeReason(report, outcome->reason)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -engd_solution */
static PetscErrorCode WriteSolution(EngdReport report, Vec theta)
{
  const PetscReal *exact = report->errors ? report->errors->exact : NULL;
  FILE            *file;

  PetscFunctionBeginUser;
  if (!report->file[ENGD_FILE_SOLUTION]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdReportFileBegin(report, ENGD_FILE_SOLUTION, &file));
  PetscCall(EngdFieldsWrite(report->functional, theta, exact, file));
  PetscCall(EngdReportFileEnd(report, ENGD_FILE_SOLUTION, &file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* loss and gradient at theta, which some TAO types keep to themselves: brgn tells its regularised loss one iteration late */
static PetscErrorCode MeasureLoss(EngdFunctional F, Vec theta, EngdOutcome *outcome)
{
  const PetscInt64 evaluations = F->evaluations;
  Vec              gradient;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(theta, &gradient));
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(EngdFunctionalEvaluate(F, &outcome->loss, gradient));
  PetscCall(VecNorm(gradient, NORM_2, &outcome->gradient_norm));
  PetscCall(VecDestroy(&gradient));
  F->evaluations = evaluations; /* those of the optimiser count */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportFinish - Measures the errors, writes the files, and prints the answer.

  Collective; to be called right after TaoSolve()

  Errors: PETSC_ERR_FILE_WRITE if a file could not be written to its end, raised after everything has been printed

  Source: src/report/report.c
*/
PetscErrorCode EngdReportFinish(EngdReport report)
{
  EngdOutcome outcome;
  EngdStatus  status;
  Vec         theta;

  PetscFunctionBeginUser;
  report->seconds = MPI_Wtime() - report->start;
  PetscCall(TaoGetSolution(report->tao, &theta));
  PetscCall(TaoGetSolutionStatus(report->tao, &outcome.iterations, NULL, NULL, NULL, NULL, &outcome.reason));
  outcome.iterations += report->iterations;
  PetscCall(MeasureLoss(report->functional, theta, &outcome));
  PetscCall(TaoEngdGetStatus(report->tao, &status));
  outcome.krylov_iterations = report->krylov_iterations + status.total_krylov;
  if (report->errors) PetscCall(EngdErrorsCompute(report->errors, theta, PETSC_TRUE));
  PetscCall(EngdReportShowLast(report));
  PetscCall(EngdHistoryClose(report));
  PetscCall(WriteSolution(report, theta));
  PetscCall(EngdSummaryWrite(report, &outcome));
  PetscCall(PrintErrors(report));
  PetscCall(PrintOutcome(report, &outcome));
  PetscCall(EngdReportFileRaise(report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportSetSpectrum - Spectra to be computed in the iterations that they ask for; borrowed. Collective */
PetscErrorCode EngdReportSetSpectrum(EngdReport report, EngdSpectrum spectrum)
{
  PetscFunctionBeginUser;
  report->spectrum = spectrum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportFinishSpectrum - The spectra at the end, after EngdReportFinish(): the results are safe by now. Collective */
PetscErrorCode EngdReportFinishSpectrum(EngdReport report)
{
  PetscInt iteration;

  PetscFunctionBeginUser;
  PetscCall(TaoGetIterationNumber(report->tao, &iteration));
  PetscCall(EngdSpectrumFinish(report->spectrum, report->tao, report->iterations + iteration));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportDestroy - Frees a report, not what it reports on. Collective

  Source: src/report/report.c
*/
PetscErrorCode EngdReportDestroy(EngdReport *report)
{
  PetscFunctionBeginUser;
  if (!*report) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdHistoryClose(*report));
  PetscCall(EngdErrorsDestroy(&(*report)->errors));
  PetscCall(EngdSharpnessDestroy(&(*report)->sharpness));
  for (PetscInt k = 0; k < ENGD_NFILES; k++) PetscCall(PetscFree((*report)->file[k]));
  PetscCall(PetscCommDestroy(&(*report)->comm));
  PetscCall(PetscFree(*report));
  PetscFunctionReturn(PETSC_SUCCESS);
}
