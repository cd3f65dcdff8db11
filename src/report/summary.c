/*
  The summary: one JSON object (RFC 8259) with fixed keys for programs that compare runs.

  Numbers are written with 17 digits, those that are not finite as null; the keys of errors are present only where an
  exact solution is given. `options` holds every option of the database as the user wrote it, null where it has no value.
  peak_memory_bytes is the sum over the ranks of their largest resident sets: what one node would have to hold.
*/
#include <engd/private.h>
#include <sys/resource.h>

/* bytes of the UTF-8 character at c, 0 if it is none: too long, a half of a surrogate pair, beyond the last one */
static int CharacterLength(const unsigned char *c)
{
  const int      n    = *c < 0x80                 ? 1
                        : *c >= 0xc2 && *c < 0xe0 ? 2
                        : (*c & 0xf0) == 0xe0     ? 3
                        : *c >= 0xf0 && *c < 0xf5 ? 4
                                                  : 0;
  const unsigned next = n > 1 ? c[1] : 0;

  for (int k = 1; k < n; k++)
    if ((c[k] & 0xc0) != 0x80) return 0;
  if ((*c == 0xe0 && next < 0xa0) || (*c == 0xed && next > 0x9f)) return 0;
  if ((*c == 0xf0 && next < 0x90) || (*c == 0xf4 && next > 0x8f)) return 0;
  return n;
}

/* "text" with what JSON does not allow in a string escaped, what is not UTF-8 replaced; NULL: null */
static void PrintString(const char text[], FILE *file)
{
  if (!text) {
    fprintf(file, "null");
    return;
  }
  fputc('"', file);
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    const int n = CharacterLength(c);

    if (n == 0)
      fprintf(file, "\\ufffd");
    else if (n > 1) {
      fwrite(c, 1, (size_t)n, file);
      c += n - 1;
    } else if (*c == '"' || *c == '\\')
      fprintf(file, "\\%c", *c);
    else if (*c < 0x20)
      fprintf(file, "\\u%04x", (unsigned)*c);
    else
      fputc(*c, file);
  }
  fputc('"', file);
}

/* the next key; first or not is the caller's business by the comma it passes */
static void PrintKey(const char comma[], const char key[], FILE *file)
{
  fprintf(file, "%s\n  ", comma);
  PrintString(key, file);
  fprintf(file, ": ");
}

static void PrintText(const char key[], const char text[], FILE *file)
{
  PrintKey(",", key, file);
  PrintString(text, file);
}

static void PrintInteger(const char key[], PetscInt64 value, FILE *file)
{
  PrintKey(",", key, file);
  fprintf(file, "%" PetscInt64_FMT, value);
}

/* a number, null where it is not finite */
static void PrintNumber(PetscReal value, FILE *file)
{
  if (PetscIsInfOrNanReal(value))
    fprintf(file, "null");
  else
    fprintf(file, "%.17g", (double)value);
}

static void PrintReal(const char key[], PetscReal value, FILE *file)
{
  PrintKey(",", key, file);
  PrintNumber(value, file);
}

typedef struct {
  const char *comma;
  FILE       *file;
} OptionList;

static PetscErrorCode PrintOption(const char name[], const char value[], void *data)
{
  OptionList *list = (OptionList *)data;

  PetscFunctionBeginUser;
  fprintf(list->file, "%s\n    ", list->comma);
  PrintString(name, list->file);
  fprintf(list->file, ": ");
  PrintString(value, list->file);
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
static PetscErrorCode PrintRun(EngdReport report, FILE *file)
{
  PetscInt    major, minor, subminor, parameters, points = 0;
  char        version[64];
  PetscMPIInt ranks;

  PetscFunctionBeginUser;
  PetscCall(PetscGetVersionNumber(&major, &minor, &subminor, NULL));
  PetscCall(PetscSNPrintf(version, sizeof(version), "%" PetscInt_FMT ".%" PetscInt_FMT ".%" PetscInt_FMT, major,
                          minor, subminor));
  PetscCallMPI(MPI_Comm_size(report->comm, &ranks));
  parameters = report->functional->model->nparameters;
  for (PetscInt t = 0; t < report->problem->nterms; t++) points += report->problem->term[t]->points->nglobal;
  PrintKey("", "problem", file);
  PrintString(report->problem->name, file);
  PrintKey(",", "options", file);
  PetscCall(PrintOptions(file));
  PrintText("version", ENGD_VERSION, file);
  PrintText("petsc_version", version, file);
  PrintInteger("ranks", ranks, file);
  PrintInteger("seed", report->problem->seed, file);
  PrintInteger("parameters", parameters, file);
  PrintInteger("points", points, file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the errors are, if there is an exact solution */
static PetscErrorCode PrintErrors(EngdReport report, FILE *file)
{
  const EngdProblem problem = report->problem;
  const EngdErrors  errors  = report->errors;

  PetscFunctionBeginUser;
  if (!errors) PetscFunctionReturn(PETSC_SUCCESS);
  PrintReal("relative_l2_error", errors->all.relative_l2, file);
  for (PetscInt k = 0; k < problem->nexact; k++) {
    char key[256];

    PetscCall(PetscSNPrintf(key, sizeof(key), "relative_l2_error_%s", problem->output[problem->exact_output[k]]));
    PrintReal(key, errors->output[k].relative_l2, file);
  }
  PrintReal("relative_h1_error", errors->all.relative_h1, file);
  PrintReal("max_error", errors->all.max, file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* {"name": {"value": v, "standard_error": e}, ...}, where the equations have unknown parameters */
static void PrintUnknowns(EngdReport report, FILE *file)
{
  if (!report->unknown) return;
  PrintKey(",", "unknown_parameters", file);
  for (PetscInt k = 0; k < report->problem->nunknowns; k++) {
    fprintf(file, "%s", k ? ", " : "{");
    PrintString(report->problem->unknown[k], file);
    fprintf(file, ": {\"value\": ");
    PrintNumber(report->unknown[k], file);
    fprintf(file, ", \"standard_error\": ");
    PrintNumber(report->standard_error[k], file);
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
  PrintKey(",", "integrals", file);
  for (PetscInt k = 0; k < report->integrals->n; k++) {
    PetscCall(EngdIntegralsGet(report->integrals, k, &name, &text, &points, &n, &value));
    fprintf(file, "%s", k ? ", " : "{");
    PrintString(name, file);
    fprintf(file, ": {\"value\": %s", n > 1 ? "[" : "");
    for (PetscInt c = 0; c < n; c++) {
      if (c) fprintf(file, ", ");
      PrintNumber(value[c], file);
    }
    fprintf(file, "%s, \"integrand\": ", n > 1 ? "]" : "");
    PrintString(text, file);
    fprintf(file, ", \"region\": ");
    PrintString(points->region, file);
    fprintf(file, ", \"points\": %" PetscInt_FMT ", \"sampler\": ", points->nglobal);
    PrintString(points->sampler, file);
    fprintf(file, "}");
  }
  fprintf(file, "}");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum over the ranks of the largest resident set of each, in bytes */
static PetscErrorCode GetPeakMemory(MPI_Comm comm, PetscInt64 *bytes)
{
  struct rusage usage;

  PetscFunctionBeginUser;
  *bytes = getrusage(RUSAGE_SELF, &usage) ? 0 : usage.ru_maxrss;
#if !defined(__APPLE__)
  *bytes *= 1024; /* elsewhere it is counted in kilobytes */
#endif
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, bytes, 1, MPIU_INT64, MPI_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSummaryWrite - Writes -engd_summary. Collective; a write that fails is kept in report->failure.
*/
PetscErrorCode EngdSummaryWrite(EngdReport report, const EngdOutcome *outcome)
{
  PetscInt64 memory;
  FILE      *file;

  PetscFunctionBeginUser;
  if (!report->file[ENGD_FILE_SUMMARY]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GetPeakMemory(report->comm, &memory));
  PetscCall(EngdReportFileBegin(report, ENGD_FILE_SUMMARY, &file));
  if (!file) PetscFunctionReturn(PETSC_SUCCESS);
  fprintf(file, "{");
  PetscCall(PrintRun(report, file));
  PrintInteger("iterations", outcome->iterations, file);
  PrintText("converged_reason", outcome->reason, file);
  PrintReal("loss", outcome->loss, file);
  PrintReal("gradient_norm", outcome->gradient_norm, file);
  PetscCall(PrintErrors(report, file));
  PrintUnknowns(report, file);
  PetscCall(PrintIntegrals(report, file));
  PrintReal("seconds_total", outcome->seconds, file);
  PrintReal("seconds_per_iteration", outcome->seconds / outcome->iterations, file);
  PrintInteger("krylov_iterations", outcome->krylov_iterations, file);
  PrintInteger("function_evaluations", outcome->evaluations, file);
  PrintInteger("peak_memory_bytes", memory, file);
  fprintf(file, "\n}\n");
  PetscCall(EngdReportFileEnd(report, ENGD_FILE_SUMMARY, &file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
