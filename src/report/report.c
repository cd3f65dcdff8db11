/*
  The report of a run: what to show and to write, and the answer at the end.

  Create, options (options.c, setters.c), Start (files checked and opened), rows (monitor.c, history.c), Finish: errors on points
  never trained on, files, what is printed of them (answer.c). Optimisers and clocks are the business of the run.
*/
#include <engd/private.h>
#include <engd/screen.h>

/*
  EngdReportCreate - The report of a functional that is minimised.

  Collective

  Input Parameter:
. functional - set up before EngdReportSetUp(); borrowed, with its problem and network

  Output Parameter:
. report - to be destroyed after the training

  Source: src/report/report.c
*/
PetscErrorCode EngdReportCreate(EngdFunctional functional, EngdReport *out)
{
  EngdReport report;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&report));
  PetscCall(PetscCommDuplicate(functional->comm, &report->comm, NULL));
  report->functional = functional;
  report->problem    = functional->problem;
  report->monitor    = PETSC_TRUE;
  report->every      = 1;
  report->continues  = -1;
  *out               = report;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what is written where */
static PetscErrorCode CreateSolution(EngdReport report)
{
  const char     *file = report->file[ENGD_FILE_SOLUTION];
  const EngdTimes none = {0, NULL};

  PetscFunctionBeginUser;
  PetscCall(EngdSolutionDestroy(&report->solution));
  if (file || report->evaluates) {
    PetscCall(EngdSolutionCreate(report->functional->model, file,
                                 report->evaluates ? "-engd_evaluate" : "-engd_solution_points", report->points,
                                 report->expressions, report->evaluates ? none : report->times, &report->solution));
  } else {
    PetscCheck(!report->points && !report->expressions, report->comm, PETSC_ERR_USER_INPUT,
               "%s %s without a file: give -engd_solution FILE",
               report->points ? "-engd_solution_points" : "-engd_output",
               report->points ? report->points : report->expressions);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportSetTimes - An evolution ends at the last of these times, and the solution is written at each; borrowed. Not collective */
PetscErrorCode EngdReportSetTimes(EngdReport report, PetscInt n, const PetscReal times[])
{
  PetscFunctionBeginUser;
  report->times = (EngdTimes){n, times};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportSkipTimes - So many times of an evolution have their files already. Not collective */
PetscErrorCode EngdReportSkipTimes(EngdReport report, PetscInt n)
{
  PetscFunctionBeginUser;
  if (report->solution) PetscCall(EngdSolutionSkipTimes(report->solution, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportWriteTime - Writes the solution of the k-th time, if it has a file; a failure is kept. Collective */
PetscErrorCode EngdReportWriteTime(EngdReport report, Vec theta, PetscInt k)
{
  const PetscReal *values;

  PetscFunctionBeginUser;
  if (!report->solution) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalGather(report->functional, theta, &values));
  PetscCall(EngdSolutionWriteTime(report->solution, values, k, &report->failure[ENGD_FILE_SOLUTION]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportSetUp - What columns and solution need of the functional, which is set up. Collective */
PetscErrorCode EngdReportSetUp(EngdReport report)
{
  const PetscBool hessian = (PetscBool)(report->want_sharpness || report->want_index);

  PetscFunctionBeginUser;
  if (hessian && !report->sharpness) PetscCall(EngdSharpnessCreate(report->functional, &report->sharpness));
  PetscCall(CreateSolution(report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportContinue - The run goes on after this iteration, and so does its history. Not collective */
PetscErrorCode EngdReportContinue(EngdReport report, PetscInt iteration)
{
  PetscFunctionBeginUser;
  report->continues = iteration;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportState - The starting vector of the columns of the Hessian, where a checkpoint has one. Collective */
PetscErrorCode EngdReportState(EngdReport report, EngdArchive a)
{
  PetscBool has;

  PetscFunctionBeginUser;
  if (!report->sharpness) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchiveHas(a, "monitor", &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, "monitor"));
  PetscCall(EngdSharpnessState(report->sharpness, a));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* can all of them be written */
static PetscErrorCode CheckSolutionFiles(EngdReport report)
{
  char name[PETSC_MAX_PATH_LEN + 16] = "";

  PetscFunctionBeginUser;
  if (report->solution) PetscCall(EngdSolutionGetFile(report->solution, 0, sizeof(name), name));
  for (PetscInt k = 1; name[0]; k++) {
    PetscCall(EngdFileCheck(report->comm, "-engd_solution", name));
    PetscCall(EngdSolutionGetFile(report->solution, k, sizeof(name), name));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what defaults have chosen in an earlier training, and the files that it could not write */
static PetscErrorCode Forget(EngdReport report)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < report->nchosen; k++) PetscCall(PetscFree(report->chosen[k]));
  PetscCall(PetscFree(report->chosen));
  report->nchosen = 0;
  PetscCall(EngdHistoryClose(report)); /* an error has left it open */
  PetscCall(PetscArrayzero(report->failure, ENGD_NFILES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportStart - Checks that the files can be written, and opens the history.

  Collective; to be called right before the training

  Errors: PETSC_ERR_FILE_OPEN with the name of the file; PETSC_ERR_USER_INPUT for an exact solution that is not finite

  Source: src/report/report.c
*/
PetscErrorCode EngdReportStart(EngdReport report)
{
  PetscFunctionBeginUser;
  PetscCall(Forget(report));
  if (report->problem->nexact && !report->errors) PetscCall(EngdErrorsCreate(report->functional, &report->errors));
  report->started = time(NULL);
  PetscCall(EngdReportFileCheck(report, ENGD_FILE_SUMMARY));
  PetscCall(CheckSolutionFiles(report));
  if (!report->evaluates) PetscCall(EngdHistoryOpen(report));
  report->nrows        = report->continues + 1;
  report->continues    = -1;
  report->shown        = PETSC_TRUE; /* there is none yet */
  report->header       = PETSC_FALSE;
  report->damping_name = engd_column[ENGD_COLUMN_DAMPING].name[1];
  report->updates      = PETSC_FALSE;
  report->drawn        = -1;
  if (report->line) report->updates = EngdScreenIsTerminal();
  PetscCallMPI(MPI_Bcast(&report->updates, 1, MPI_INT, 0, report->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -engd_solution, or -engd_evaluate, and -engd_integrals */
static PetscErrorCode EvaluateSolution(EngdReport report, Vec theta)
{
  const EngdModel  model = report->functional->model;
  const PetscReal *values;

  PetscFunctionBeginUser;
  if (!report->solution && !report->integrals) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalGather(report->functional, theta, &values));
  if (report->solution) PetscCall(EngdSolutionWrite(report->solution, values, &report->failure[ENGD_FILE_SOLUTION]));
  if (report->integrals) PetscCall(EngdIntegralsCompute(report->integrals, model, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportFinish - Measures the errors, writes the files, and tells of both.

  Collective; to be called right after the training

  Input Parameters:
+ report  - started
. theta   - the parameters that came out
- outcome - what the run knows of them

  Note: a file that could not be written to its end is an error of EngdReportAnswer(), which follows

  Source: src/report/report.c
*/
PetscErrorCode EngdReportFinish(EngdReport report, Vec theta, const EngdOutcome *outcome)
{
  PetscFunctionBeginUser;
  if (report->errors) PetscCall(EngdErrorsCompute(report->errors, theta, PETSC_TRUE));
  if (report->problem->nunknowns) {
    const PetscInt n = report->problem->nunknowns;

    if (!report->unknown)
      PetscCall(PetscMalloc3(n, &report->unknown, n, &report->standard_error, n * n, &report->correlation));
    PetscCall(EngdFunctionalGetUnknowns(report->functional, theta, report->unknown, report->standard_error,
                                        report->correlation));
  }
  if (!report->energies) PetscCall(EngdEnergiesCreate(report->functional, &report->energies));
  if (report->energies) PetscCall(EngdEnergiesCompute(report->energies, report->functional, theta));
  PetscCall(EngdReportShowLast(report, theta));
  PetscCall(EngdHistoryClose(report));
  PetscCall(EvaluateSolution(report, theta));
  PetscCall(EngdSummaryWrite(report, outcome));
  if (!report->silent) PetscCall(EngdReportPrint(report, outcome));
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
  PetscCall(Forget(*report));
  PetscCall(EngdErrorsDestroy(&(*report)->errors));
  PetscCall(PetscFree3((*report)->unknown, (*report)->standard_error, (*report)->correlation));
  PetscCall(EngdSharpnessDestroy(&(*report)->sharpness));
  PetscCall(EngdSolutionDestroy(&(*report)->solution));
  PetscCall(EngdIntegralsDestroy(&(*report)->integrals));
  PetscCall(EngdEnergiesDestroy(&(*report)->energies));
  for (PetscInt k = 0; k < ENGD_NFILES; k++) PetscCall(PetscFree((*report)->file[k]));
  PetscCall(PetscFree((*report)->points));
  PetscCall(PetscFree((*report)->expressions));
  PetscCall(PetscCommDestroy(&(*report)->comm));
  PetscCall(PetscFree(*report));
  PetscFunctionReturn(PETSC_SUCCESS);
}
