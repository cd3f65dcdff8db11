/*
  What is shown and written, by options: -engd_monitor*, the files, the places and expressions of the solution.
*/
#include <engd/private.h>

/* the name of a file of this kind, that stays where the option is not given */
static PetscErrorCode ReadFile(EngdReport report, EngdFileKind kind, const char sentence[], const char setter[],
                               EngdOptionItems PetscOptionsObject)
{
  char option[64], *name;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-engd_%s", engd_file_kind[kind]));
  PetscCall(EngdOptionsText(PetscOptionsObject, option, sentence, setter, report->file[kind], NULL, &name));
  PetscCall(EngdReportSetFile(report, kind, name));
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
. -engd_summary file.json  - the run in one JSON object; peak_memory_bytes is the sum over the ranks, once what those of a node share
. -engd_solution file      - coordinates and values of the solution: .csv, .npz, .h5, .vts, .vtu, .pvd
. -engd_solution_points p  - where: test, grid(n,..), slice(t=1; n,..), line(a; b; n), points(term), or a file of points
. -engd_output list        - which expressions, default the unknowns and their exact solution
- -engd_integrals a,b      - integrals of the solution, each with -a_integrand, -a_region, -a_points, -a_sampler

  Source: src/report/options.c
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
                      "Names of integrals of the solution, such as flux,mass; each has its -INTEGRAL_integrand, "
                      "_region, _points, _sampler",
                      "EngdReportSetFromOptions", help ? "INTEGRAL" : NULL, NULL, &integrals));
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
