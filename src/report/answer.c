/*
  What the user reads at the end: errors on points never trained on, unknown parameters, work done, and as the last line the
  error, or without an exact solution the loss.
*/
#include <engd/private.h>

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

/* work done, and files written */
static PetscErrorCode PrintWork(EngdReport report, const EngdOutcome *outcome)
{
  const MPI_Comm comm = report->comm;

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm,
                        "%" PetscInt_FMT " iterations, %" PetscInt_FMT " Krylov iterations, %" PetscInt64_FMT
                        " evaluations of the loss, %.2f s\n",
                        outcome->iterations, outcome->krylov_iterations, outcome->evaluations,
                        (double)outcome->seconds));
  for (PetscInt k = 0; k < ENGD_NFILES; k++) {
    if (!report->file[k] || report->failure[k]) continue;
    PetscCall(PetscPrintf(comm, "Wrote the %s to %s\n", engd_file_kind[k], report->file[k]));
  }
  if (outcome->note[0]) PetscCall(PetscPrintf(comm, "%s\n", outcome->note));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the unknown parameter that k is most correlated with, itself if with none */
static PetscInt MostCorrelated(EngdReport report, PetscInt k)
{
  const PetscInt   n    = report->problem->nunknowns;
  const PetscReal *row  = report->correlation + k * n;
  PetscInt         most = k;

  for (PetscInt l = 0; l < n; l++)
    if (l != k && row[l] != 0 && (most == k || PetscAbsReal(row[l]) > PetscAbsReal(row[most]))) most = l;
  return most;
}

/* a line for each that has run to a bound: there it cannot be told what the data say */
static PetscErrorCode WarnOfBounds(EngdReport report)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < report->problem->nunknowns; k++) {
    PetscReal bound;
    char      number[32]; /* PETSc would print 1 as 1. */

    if (!EngdProblemAtBound(report->problem, k, report->unknown[k], &bound)) continue;
    snprintf(number, sizeof(number), "%g", (double)bound);
    PetscCall(PetscPrintf(report->comm,
                          "Warning: the unknown parameter %s has run to its bound %s; widen it, or take terms that "
                          "determine it\n",
                          report->problem->unknown[k], number));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a line for each whose standard error is larger than itself: the residuals do not even say its sign */
static PetscErrorCode WarnOfUndetermined(EngdReport report)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < report->problem->nunknowns; k++) {
    const PetscReal error = report->standard_error[k];

    if (PetscIsInfOrNanReal(error) || error <= PetscAbsReal(report->unknown[k])) continue;
    PetscCall(
        PetscPrintf(report->comm,
                    "Warning: the unknown parameter %s is not determined: its standard error %.1e is larger than "
                    "its value %.1e;\n  take more data, or a bound that excludes what it cannot be\n",
                    report->problem->unknown[k], (double)error, (double)report->unknown[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a line for each */
static PetscErrorCode PrintUnknowns(EngdReport report)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(report->comm, "Unknown parameters:\n"));
  for (PetscInt k = 0; k < report->problem->nunknowns; k++) {
    const PetscInt most = MostCorrelated(report, k);

    PetscCall(PetscPrintf(report->comm, "  %-16s  %.12g", report->problem->unknown[k], (double)report->unknown[k]));
    if (PetscIsInfOrNanReal(report->standard_error[k]))
      PetscCall(PetscPrintf(report->comm, "  (no standard error)"));
    else
      PetscCall(PetscPrintf(report->comm, "  standard error %.1e", (double)report->standard_error[k]));
    if (most != k)
      PetscCall(PetscPrintf(report->comm, "  correlation with %s %.3f", report->problem->unknown[most],
                            (double)report->correlation[k * report->problem->nunknowns + most]));
    PetscCall(PetscPrintf(report->comm, "\n"));
  }
  PetscCall(WarnOfBounds(report));
  PetscCall(WarnOfUndetermined(report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportPrint - Errors, unknown parameters, integrals, energies, work and files, where the report is not silent. Collective */
PetscErrorCode EngdReportPrint(EngdReport report, const EngdOutcome *outcome)
{
  PetscFunctionBeginUser;
  PetscCall(PrintErrors(report));
  if (report->unknown) PetscCall(PrintUnknowns(report));
  if (report->integrals) PetscCall(EngdIntegralsPrint(report->integrals));
  if (report->energies) PetscCall(EngdEnergiesPrint(report->energies, report->comm));
  PetscCall(PrintWork(report, outcome));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* how sure the errors are, what limits them, and the answer */
static PetscErrorCode PrintAnswer(EngdReport report, const EngdOutcome *outcome)
{
  const MPI_Comm comm = report->comm;

  PetscFunctionBeginUser;
  if (outcome->judgement[0]) PetscCall(PetscPrintf(comm, "%s\n", outcome->judgement));
  if (outcome->warning[0]) PetscCall(PetscPrintf(comm, "%s\n", outcome->warning));
  if (report->errors)
    PetscCall(PetscPrintf(comm, "relative L2 error %.2e", (double)report->errors->all.relative_l2));
  else
    PetscCall(PetscPrintf(comm, "loss %.6e", (double)outcome->loss));
  PetscCall(PetscPrintf(comm, " after %" PetscInt_FMT " iterations and %.1f s (%s)\n", outcome->iterations,
                        (double)outcome->seconds, outcome->words));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportAnswer - Prints what the errors are worth and, as the last line, the answer.

  Collective; after all else that is written, the spectra too

  Input Parameters:
+ report  - finished
- outcome - what the run knows

  Errors: PETSC_ERR_FILE_WRITE if a file could not be written to its end, raised after everything has been printed

  Source: src/report/answer.c
*/
PetscErrorCode EngdReportAnswer(EngdReport report, const EngdOutcome *outcome)
{
  PetscFunctionBeginUser;
  if (!report->silent) PetscCall(PrintAnswer(report, outcome));
  PetscCall(EngdReportFileRaise(report));
  PetscFunctionReturn(PETSC_SUCCESS);
}
