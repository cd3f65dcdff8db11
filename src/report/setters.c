/*
  What is shown and written, by calls: the monitor, the files, and what the solution has of places and expressions.
*/
#include <engd/private.h>

/*
  EngdReportSetMonitor - Sets whether iterations are shown, a line each.

  Logically collective

  Input Parameters:
+ report  - of EngdRunGetReport()
. monitor - are they
- every   - the line of each every-th iteration, positive

  Options Database Keys:
+ -engd_monitor         - the same, yes or no
- -engd_monitor_every k - the same

  Errors: PETSC_ERR_ARG_OUTOFRANGE for a number that is not positive

  Source: src/report/setters.c
*/
PetscErrorCode EngdReportSetMonitor(EngdReport report, PetscBool monitor, PetscInt every)
{
  PetscFunctionBeginUser;
  PetscCheck(every > 0, report->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-engd_monitor_every %" PetscInt_FMT ": give a positive number", every);
  report->monitor = monitor;
  report->every   = every;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportSetMonitorLine - Sets whether a terminal shows one line, which is updated, in place of a line an iteration.

  Logically collective

  Input Parameters:
+ report - of EngdRunGetReport()
- line   - is it; where standard output is no terminal there is a line an iteration all the same

  Options Database Key:
. -engd_monitor line - the same

  Source: src/report/setters.c
*/
PetscErrorCode EngdReportSetMonitorLine(EngdReport report, PetscBool line)
{
  PetscFunctionBeginUser;
  report->line = line;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportSetFile - The name of a file of this kind, NULL for none. Not collective */
PetscErrorCode EngdReportSetFile(EngdReport report, EngdFileKind kind, const char name[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdTextReplace(&report->file[kind], name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportSetHistory - Sets the file for one row an iteration, CSV with the columns of the monitor.

  Logically collective

  Input Parameters:
+ report - before the training
- file   - its name, or NULL for none

  Options Database Key:
. -engd_history file - the same

  Note: a file that cannot be written is an error before the training, PETSC_ERR_FILE_OPEN

  Source: src/report/setters.c
*/
PetscErrorCode EngdReportSetHistory(EngdReport report, const char file[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdReportSetFile(report, ENGD_FILE_HISTORY, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportSetSummary - Sets the file for the result, JSON.

  Logically collective

  Input Parameters:
+ report - before the training
- file   - its name, or NULL for none; replaced as a whole

  Options Database Key:
. -engd_summary file - the same

  Note: a file that cannot be written is an error before the training, PETSC_ERR_FILE_OPEN

  Source: src/report/setters.c
*/
PetscErrorCode EngdReportSetSummary(EngdReport report, const char file[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdReportSetFile(report, ENGD_FILE_SUMMARY, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportSetSolution - Sets the file for the solution.

  Logically collective

  Input Parameters:
+ report - before the set-up of the run
- file   - its name, or NULL for none; replaced as a whole. Its ending says the format: .csv, .npz, .h5, .vts, .vtu, .pvd

  Options Database Key:
. -engd_solution file - the same

  Note: a file that cannot be written is an error before the training, PETSC_ERR_FILE_OPEN

  Source: src/report/setters.c
*/
PetscErrorCode EngdReportSetSolution(EngdReport report, const char file[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdReportSetFile(report, ENGD_FILE_SOLUTION, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportSetSolutionPoints - Sets where the solution is written.

  Logically collective

  Input Parameters:
+ report - before the set-up of the run
- points - "test", "grid(101,51)", "slice(t=0.5; 101,101)", "line(0,0; 1,1; 200)", "points(pde)" of a term, or the name of a
           file of points; NULL for what suits the format

  Options Database Key:
. -engd_solution_points points - the same

  Source: src/report/setters.c
*/
PetscErrorCode EngdReportSetSolutionPoints(EngdReport report, const char points[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdTextReplace(&report->points, points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportSetOutput - Sets which expressions are written there.

  Logically collective

  Input Parameters:
+ report      - before the set-up of the run
- expressions - a list, as "u, u_x, speed = norm2([u,v]), residual(pde), error"; NULL for the unknowns and the exact solution

  Options Database Key:
. -engd_output expressions - the same

  Source: src/report/setters.c
*/
PetscErrorCode EngdReportSetOutput(EngdReport report, const char expressions[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdTextReplace(&report->expressions, expressions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportSetEvaluate - The run does not train: no history; the solution at these points, on standard output and nothing else
   there if it has no file. Not collective */
PetscErrorCode EngdReportSetEvaluate(EngdReport report, const char points[])
{
  PetscFunctionBeginUser;
  PetscCheck(!report->points, report->comm, PETSC_ERR_USER_INPUT,
             "-engd_evaluate %s and -engd_solution_points %s exclude each other: give one", points, report->points);
  PetscCall(EngdReportSetSolutionPoints(report, points));
  report->evaluates = PETSC_TRUE;
  report->silent    = report->file[ENGD_FILE_SOLUTION] ? PETSC_FALSE : PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportSetSpectrumMonitor - Columns of the exact Hessian's spectrum in the monitor and in the history.

  Collective; before EngdReportSetUp()

  Input Parameters:
+ report  - the report
- columns - sharpness (the largest eigenvalue), index (how many are negative), or both with a comma between them; NULL: none

  Options Database Key:
. -spectrum_monitor columns

  Source: src/report/setters.c
*/
PetscErrorCode EngdReportSetSpectrumMonitor(EngdReport report, const char text[])
{
  PetscInt  n;
  char    **names;
  PetscBool sharpness, index;

  PetscFunctionBeginUser;
  report->want_sharpness = report->want_index = PETSC_FALSE;
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
  PetscFunctionReturn(PETSC_SUCCESS);
}
