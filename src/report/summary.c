/*
  The summary: one JSON object (RFC 8259) with fixed keys for programs that compare runs.

  Numbers are written with 17 digits, those that are not finite as null; the keys of errors are present only where an
  exact solution is given. `options` holds every option of the database as the user wrote it, null where it has no value.
  peak_memory_bytes is the sum over the ranks of their largest resident sets, in which what the ranks of a node share counts once.
*/
#include <engd/private.h>
#include <engd/json.h>
#include <stdlib.h>
#include <sys/resource.h>

typedef struct {
  const char *comma;
  FILE       *file;
} OptionList;

static PetscErrorCode PrintOption(const char name[], const char value[], void *data)
{
  OptionList *list = (OptionList *)data;

  PetscFunctionBeginUser;
  fprintf(list->file, "%s\n    ", list->comma);
  EngdJSONString(name, list->file);
  fprintf(list->file, ": ");
  EngdJSONString(value, list->file);
  list->comma = ",";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* {"name": "value", ...} */
static PetscErrorCode PrintOptions(FILE *file)
{
  OptionList list = {"", file};

  PetscFunctionBeginUser;
  fprintf(file, "{");
  PetscCall(EngdOptionsVisit(PrintOption, &list));
  fprintf(file, "\n  }");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what was run: problem, options, versions, sizes */
static PetscErrorCode PrintRun(EngdReport report, const EngdOutcome *outcome, FILE *file)
{
  PetscInt    points = 0;
  PetscMPIInt ranks;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(report->comm, &ranks));
  for (PetscInt t = 0; t < report->problem->nterms; t++) points += report->problem->term[t]->points->nactive;
  EngdJSONKey("", "problem", file);
  EngdJSONString(report->problem->name, file);
  EngdJSONKey(",", "options", file);
  PetscCall(PrintOptions(file));
  PetscCall(EngdProvenanceWrite(report->started, file));
  EngdJSONInteger("ranks", ranks, file);
  EngdJSONInteger("seed", report->problem->seed, file);
  EngdJSONInteger("parameters", report->functional->model->nparameters, file);
  EngdJSONInteger("points", points, file);
  PetscCall(EngdResolvedWrite(report, outcome, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the errors are, if there is an exact solution */
static PetscErrorCode PrintErrors(EngdReport report, FILE *file)
{
  const EngdProblem problem = report->problem;
  const EngdErrors  errors  = report->errors;

  PetscFunctionBeginUser;
  if (!errors) PetscFunctionReturn(PETSC_SUCCESS);
  EngdJSONReal("relative_l2_error", errors->all.relative_l2, file);
  for (PetscInt k = 0; k < problem->nexact; k++) {
    char key[256];

    PetscCall(PetscSNPrintf(key, sizeof(key), "relative_l2_error_%s", problem->output[problem->exact_output[k]]));
    EngdJSONReal(key, errors->output[k].relative_l2, file);
  }
  EngdJSONReal("relative_h1_error", errors->all.relative_h1, file);
  EngdJSONReal("max_error", errors->all.max, file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what defaults have chosen, a list of lines, and what limits the error, as far as it is known */
static void PrintJudgement(EngdReport report, const EngdOutcome *outcome, FILE *file)
{
  if (report->nchosen) EngdJSONKey(",", "chosen", file);
  for (PetscInt k = 0; k < report->nchosen; k++) {
    fprintf(file, "%s\n    ", k ? "," : "[");
    EngdJSONString(report->chosen[k], file);
  }
  if (report->nchosen) fprintf(file, "\n  ]");
  if (!outcome->limited_by) return;
  EngdJSONReal("fresh_loss", outcome->fresh_loss, file);
  EngdJSONReal("estimated_error", outcome->estimated_error, file);
  EngdJSONText("limited_by", outcome->limited_by, file);
}

/* {"term": {"method": "rad", "times": n, "points": n, "mean_residual": r, "largest_residual": r}, ..}, where points follow it */
static void PrintAdaptive(EngdReport report, FILE *file)
{
  const char *comma = NULL;

  for (PetscInt t = 0; t < report->problem->nterms; t++) {
    const EngdTerm term = report->problem->term[t];

    if (term->adapt.method == ENGD_ADAPT_NONE && !term->adapt.done) continue;
    if (!comma) EngdJSONKey(",", "adaptive_points", file);
    fprintf(file, "%s", comma ? comma : "{");
    comma = ", ";
    EngdJSONString(term->name, file);
    fprintf(file, ": {\"method\": ");
    EngdJSONString(EngdAdaptName(term->adapt.method), file);
    fprintf(file,
            ", \"times\": %" PetscInt_FMT ", \"points\": %" PetscInt_FMT ", \"mean_residual\": ", term->adapt.done,
            term->points->nactive);
    EngdJSONNumber(term->adapt.density.mean, file);
    fprintf(file, ", \"largest_residual\": ");
    EngdJSONNumber(term->adapt.density.largest, file);
    fprintf(file, "}");
  }
  if (comma) fprintf(file, "}");
}

/* , "correlation": {"other name": c, ...}, where there are several, and standard errors */
static void PrintCorrelations(EngdReport report, PetscInt k, FILE *file)
{
  const PetscInt n     = report->problem->nunknowns;
  const char    *comma = "";

  if (n < 2 || PetscIsInfOrNanReal(report->standard_error[k])) return;
  fprintf(file, ", \"correlation\": {");
  for (PetscInt l = 0; l < n; l++) {
    if (l == k) continue;
    fprintf(file, "%s", comma);
    EngdJSONString(report->problem->unknown[l], file);
    fprintf(file, ": ");
    EngdJSONNumber(report->correlation[k * n + l], file);
    comma = ", ";
  }
  fprintf(file, "}");
}

/* {"name": {"value": v, "standard_error": e, "correlation": {..}}, ...}, where the equations have unknown parameters */
static void PrintUnknowns(EngdReport report, FILE *file)
{
  if (!report->unknown) return;
  EngdJSONKey(",", "unknown_parameters", file);
  for (PetscInt k = 0; k < report->problem->nunknowns; k++) {
    fprintf(file, "%s", k ? ", " : "{");
    EngdJSONString(report->problem->unknown[k], file);
    fprintf(file, ": {\"value\": ");
    EngdJSONNumber(report->unknown[k], file);
    fprintf(file, ", \"standard_error\": ");
    EngdJSONNumber(report->standard_error[k], file);
    PrintCorrelations(report, k, file);
    fprintf(file, "}");
  }
  fprintf(file, "}");
}

/* {"name": {"value": v or [v, ..], "integrand": "..", "region": "..", "points": n, "sampler": ".."}, ..}; the points are fresh ones */
static PetscErrorCode PrintIntegrals(EngdReport report, FILE *file)
{
  const char      *name, *text;
  const PetscReal *value;
  EngdPoints       points;
  PetscInt         n;

  PetscFunctionBeginUser;
  if (!report->integrals) PetscFunctionReturn(PETSC_SUCCESS);
  EngdJSONKey(",", "integrals", file);
  for (PetscInt k = 0; k < report->integrals->n; k++) {
    PetscCall(EngdIntegralsGet(report->integrals, k, &name, &text, &points, &n, &value));
    fprintf(file, "%s", k ? ", " : "{");
    EngdJSONString(name, file);
    fprintf(file, ": {\"value\": %s", n > 1 ? "[" : "");
    for (PetscInt c = 0; c < n; c++) {
      if (c) fprintf(file, ", ");
      EngdJSONNumber(value[c], file);
    }
    fprintf(file, "%s, \"integrand\": ", n > 1 ? "]" : "");
    EngdJSONString(text, file);
    fprintf(file, ", \"region\": ");
    EngdJSONString(points->region, file);
    fprintf(file, ", \"points\": %" PetscInt_FMT ", \"sampler\": ", points->nglobal);
    EngdJSONString(points->sampler, file);
    fprintf(file, "}");
  }
  fprintf(file, "}");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum over the ranks of the largest resident set of each, in bytes, once what the ranks of a node share */
static PetscErrorCode GetPeakMemory(EngdFunctional F, PetscInt64 *bytes)
{
  struct rusage usage;
  EngdMemory    memory;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalGetMemory(F, &memory));
  *bytes = getrusage(RUSAGE_SELF, &usage) ? 0 : usage.ru_maxrss;
#if !defined(__APPLE__)
  *bytes *= 1024; /* elsewhere it is counted in kilobytes */
#endif
  *bytes -= (PetscInt64)memory.elsewhere;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, bytes, 1, MPIU_INT64, MPI_SUM, F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSummaryWrite - Writes -engd_summary. Collective; a write that fails is kept in report->failure.
*/
PetscErrorCode EngdSummaryWrite(EngdReport report, const EngdOutcome *outcome)
{
  PetscInt64 memory;
  FILE      *file;
  char      *view;

  PetscFunctionBeginUser;
  if (!report->file[ENGD_FILE_SUMMARY]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GetPeakMemory(report->functional, &memory));
  PetscCall(EngdResolvedView(report, outcome, &view));
  PetscCall(EngdReportFileBegin(report, ENGD_FILE_SUMMARY, &file));
  if (!file) {
    free(view);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  fprintf(file, "{");
  PetscCall(PrintRun(report, outcome, file));
  EngdJSONInteger("iterations", outcome->iterations, file);
  EngdJSONText("converged_reason", outcome->reason, file);
  EngdJSONText("end", outcome->words, file);
  EngdJSONReal("loss", outcome->loss, file);
  EngdJSONReal("gradient_norm", outcome->gradient_norm, file);
  PetscCall(PrintErrors(report, file));
  PrintJudgement(report, outcome, file);
  PrintAdaptive(report, file);
  PrintUnknowns(report, file);
  PetscCall(PrintIntegrals(report, file));
  if (report->energies) EngdEnergiesWrite(report->energies, file);
  EngdJSONReal("seconds_total", outcome->seconds, file);
  EngdJSONReal("seconds_per_iteration", outcome->seconds / outcome->iterations, file);
  EngdJSONInteger("krylov_iterations", outcome->krylov_iterations, file);
  EngdJSONInteger("function_evaluations", outcome->evaluations, file);
  EngdJSONInteger("peak_memory_bytes", memory, file);
  EngdResolvedWriteView(view, file);
  free(view);
  fprintf(file, "\n}\n");
  PetscCall(EngdReportFileEnd(report, ENGD_FILE_SUMMARY, &file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
