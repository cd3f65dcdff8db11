/*
  The report of a run: what to show and to write, and the answer at the end.

  Create, options, Start (files checked and opened), rows, Finish: errors on points never trained on, files, why the run ended,
  and as the last line the error, or without an exact solution the loss. Optimisers and clocks are the business of the run.
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

  Source: src/report/report.c
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

  Source: src/report/report.c
*/
PetscErrorCode EngdReportSetMonitorLine(EngdReport report, PetscBool line)
{
  PetscFunctionBeginUser;
  report->line = line;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFile(EngdReport report, EngdFileKind kind, const char name[])
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

  Source: src/report/report.c
*/
PetscErrorCode EngdReportSetHistory(EngdReport report, const char file[])
{
  PetscFunctionBeginUser;
  PetscCall(SetFile(report, ENGD_FILE_HISTORY, file));
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

  Source: src/report/report.c
*/
PetscErrorCode EngdReportSetSummary(EngdReport report, const char file[])
{
  PetscFunctionBeginUser;
  PetscCall(SetFile(report, ENGD_FILE_SUMMARY, file));
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

  Source: src/report/report.c
*/
PetscErrorCode EngdReportSetSolution(EngdReport report, const char file[])
{
  PetscFunctionBeginUser;
  PetscCall(SetFile(report, ENGD_FILE_SOLUTION, file));
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

  Source: src/report/report.c
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

  Source: src/report/report.c
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

  Source: src/report/report.c
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

/* the name of a file of this kind, that stays where the option is not given */
static PetscErrorCode ReadFile(EngdReport report, EngdFileKind kind, const char sentence[], const char setter[],
                               EngdOptionItems PetscOptionsObject)
{
  char option[64], *name;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-engd_%s", engd_file_kind[kind]));
  PetscCall(EngdOptionsText(PetscOptionsObject, option, sentence, setter, report->file[kind], NULL, &name));
  PetscCall(SetFile(report, kind, name));
  PetscCall(PetscFree(name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -engd_integrals */
static PetscErrorCode SetIntegrals(EngdReport report, const char list[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdIntegralsDestroy(&report->integrals));
  if (list) PetscCall(EngdIntegralsCreate(report->problem, list, &report->integrals));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -engd_monitor: yes, no, or line */
static PetscErrorCode ReadMonitor(EngdReport report, EngdOptionItems PetscOptionsObject)
{
  const char sentence[] =
      "Show one line for each outer iteration; line: on a terminal a single one, which is updated";
  const char *word = NULL;
  PetscBool   line = report->line, given;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsFindPair(NULL, NULL, "-engd_monitor", &word, &given));
  given = (PetscBool)(given && word && word[0]);
  if (given) PetscCall(PetscStrcasecmp(word, "line", &line));
  if (line && given)
    PetscCall(PetscOptionsName("-engd_monitor", sentence, "EngdReportSetMonitor", &report->monitor));
  else
    PetscCall(
        PetscOptionsBool("-engd_monitor", sentence, "EngdReportSetMonitor", report->monitor, &report->monitor, NULL));
  PetscCall(EngdReportSetMonitorLine(report, line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportSetFromOptions - Reads what to show and to write.

  Collective

  Input Parameter:
. report - the report

  Options Database Keys:
+ -engd_monitor yes        - one line an iteration, the default; no; line: on a terminal a single one, which is updated
. -engd_monitor_every k    - only each k-th line, and the last
. -engd_history file.csv   - one row an iteration
. -spectrum_monitor list   - columns sharpness, index: of the exact Hessian
. -engd_summary file.json  - the run in one JSON object; peak_memory_bytes is the sum over the ranks
. -engd_solution file      - coordinates and values of the solution: .csv, .npz, .h5, .vts, .vtu, .pvd
. -engd_solution_points p  - where: test, grid(n,..), slice(t=1; n,..), line(a; b; n), points(term), or a file of points
. -engd_output list        - which expressions, default the unknowns and their exact solution
- -engd_integrals a,b      - integrals of the solution, each with -a_integrand, -a_region, -a_points, -a_sampler

  Source: src/report/report.c
*/
PetscErrorCode EngdReportSetFromOptions(EngdReport report)
{
  PetscInt  every = report->every;
  char     *columns, *points, *expressions, *integrals;
  PetscBool help;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasHelp(NULL, &help));
  PetscOptionsBegin(report->comm, NULL, "Report", "EngdReport");
  PetscCall(ReadMonitor(report, PetscOptionsObject));
  PetscCall(PetscOptionsInt("-engd_monitor_every", "Show only each k-th of these lines, and the last; positive",
                            "EngdReportSetMonitor", every, &every, NULL));
  PetscCall(EngdReportSetMonitor(report, report->monitor, every));
  PetscCall(ReadFile(report, ENGD_FILE_HISTORY, "CSV file for one row an iteration, with the columns of the monitor",
                     "EngdReportSetHistory", PetscOptionsObject));
  PetscCall(ReadFile(report, ENGD_FILE_SUMMARY, "JSON file for the result, written at the end",
                     "EngdReportSetSummary", PetscOptionsObject));
  PetscCall(
      ReadFile(report, ENGD_FILE_SOLUTION,
               "File for the solution; its ending says the format: .csv, .npz (NumPy), .h5 (HDF5), .vts or .vtu "
               "(ParaView), .pvd (a series in time)",
               "EngdReportSetSolution", PetscOptionsObject));
  PetscCall(EngdOptionsText(
      PetscOptionsObject, "-engd_solution_points",
      "Where: test (points), grid, grid(n,..), slice(t=0.5, z=0; n,..), line(0,0; 1,1; n), points(term), "
      "or a file of points; default grid for ParaView, else test",
      "EngdReportSetSolutionPoints", report->points, NULL, &points));
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-engd_output",
                      "What: expressions, as in \"u, u_x, speed = norm2([u,v]), residual(pde), error\"; default "
                      "the unknowns and their exact solution",
                      "EngdReportSetOutput", report->expressions, NULL, &expressions));
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-engd_integrals",
                      "Names of integrals of the solution, such as flux,mass; each has its -<integral>_integrand, "
                      "_region, _points, _sampler",
                      "EngdReportSetFromOptions", help ? "<integral>" : NULL, NULL, &integrals));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-spectrum_monitor",
                            "Columns of the exact Hessian: sharpness (largest eigenvalue), index (negative ones)",
                            "EngdReportSetSpectrumMonitor", NULL, NULL, &columns));
  PetscOptionsEnd();
  PetscCall(EngdReportSetSolutionPoints(report, points));
  PetscCall(EngdReportSetOutput(report, expressions));
  PetscCall(PetscFree(points));
  PetscCall(PetscFree(expressions));
  PetscCall(SetIntegrals(report, integrals));
  PetscCall(PetscFree(integrals));
  if (columns) PetscCall(EngdReportSetSpectrumMonitor(report, columns));
  PetscCall(PetscFree(columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what is written where */
static PetscErrorCode CreateSolution(EngdReport report)
{
  const char *file = report->file[ENGD_FILE_SOLUTION];

  PetscFunctionBeginUser;
  PetscCall(EngdSolutionDestroy(&report->solution));
  if (file || report->evaluates) {
    PetscCall(EngdSolutionCreate(report->functional->model, file,
                                 report->evaluates ? "-engd_evaluate" : "-engd_solution_points", report->points,
                                 report->expressions, &report->solution));
  } else {
    PetscCheck(!report->points && !report->expressions, report->comm, PETSC_ERR_USER_INPUT,
               "%s %s without a file: give -engd_solution FILE",
               report->points ? "-engd_solution_points" : "-engd_output",
               report->points ? report->points : report->expressions);
  }
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

/*
  EngdReportStart - Checks that the files can be written, and opens the history.

  Collective; to be called right before the training

  Errors: PETSC_ERR_FILE_OPEN with the name of the file; PETSC_ERR_USER_INPUT for an exact solution that is not finite

  Source: src/report/report.c
*/
PetscErrorCode EngdReportStart(EngdReport report)
{
  PetscFunctionBeginUser;
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

/* -engd_solution, or -engd_evaluate, and -engd_integrals */
static PetscErrorCode EvaluateSolution(EngdReport report, Vec theta)
{
  const EngdModel  model = report->functional->model;
  const PetscReal *values;
  Vec              whole;

  PetscFunctionBeginUser;
  if (!report->solution && !report->integrals) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(report->functional->present.theta, &whole));
  PetscCall(EngdFunctionalGather(report->functional, theta, whole));
  PetscCall(VecGetArrayRead(whole, &values));
  if (report->solution) PetscCall(EngdSolutionWrite(report->solution, values, &report->failure[ENGD_FILE_SOLUTION]));
  if (report->integrals) PetscCall(EngdIntegralsCompute(report->integrals, model, values));
  PetscCall(VecRestoreArrayRead(whole, &values));
  PetscCall(VecDestroy(&whole));
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

    if (EngdProblemAtBound(report->problem, k, report->unknown[k], &bound))
      PetscCall(PetscPrintf(report->comm,
                            "Warning: the unknown parameter %s has run to its bound %g; widen it, or take terms that "
                            "determine it\n",
                            report->problem->unknown[k], (double)bound));
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
  if (!report->silent) {
    PetscCall(PrintErrors(report));
    if (report->unknown) PetscCall(PrintUnknowns(report));
    if (report->integrals) PetscCall(EngdIntegralsPrint(report->integrals));
    if (report->energies) PetscCall(EngdEnergiesPrint(report->energies, report->comm));
    PetscCall(PrintWork(report, outcome));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportAnswer - Prints what the errors are worth and, as the last line, the answer.

  Collective; after all else that is written, the spectra too

  Input Parameters:
+ report  - finished
- outcome - what the run knows

  Errors: PETSC_ERR_FILE_WRITE if a file could not be written to its end, raised after everything has been printed

  Source: src/report/report.c
*/
PetscErrorCode EngdReportAnswer(EngdReport report, const EngdOutcome *outcome)
{
  PetscFunctionBeginUser;
  if (!report->silent) PetscCall(PrintAnswer(report, outcome));
  PetscCall(EngdReportFileRaise(report));
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
  PetscCall(PetscFree3((*report)->unknown, (*report)->standard_error, (*report)->correlation));
  PetscCall(EngdSharpnessDestroy(&(*report)->sharpness));
  PetscCall(EngdSolutionDestroy(&(*report)->solution));
  PetscCall(EngdIntegralsDestroy(&(*report)->integrals));
  PetscCall(EngdEnergiesDestroy(&(*report)->energies));
  for (PetscInt k = 0; k < ENGD_NFILES; k++) PetscCall(PetscFree((*report)->file[k]));
  PetscCall(PetscFree((*report)->points));
  PetscCall(PetscFree((*report)->expressions));
  for (PetscInt k = 0; k < (*report)->nchosen; k++) PetscCall(PetscFree((*report)->chosen[k]));
  PetscCall(PetscFree((*report)->chosen));
  PetscCall(PetscCommDestroy(&(*report)->comm));
  PetscCall(PetscFree(*report));
  PetscFunctionReturn(PETSC_SUCCESS);
}
