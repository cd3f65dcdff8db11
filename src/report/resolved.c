/*
  What the summary says of a run besides its numbers: on what it stood, and what its options came to.

    version, petsc_version, slepc_version, mpi, compiler, commit, host, started, ended       provenance
    resolved: {"pde_points": "900", "tao_type": "engd", ..}      options with their values, also those that defaults have chosen
    view: ["Problem poisson, seed 0", ..]                        all objects in their own words, optimisers with KSP and PC
*/
#define _GNU_SOURCE /* open_memstream, gethostname */
#include <engd/private.h>
#include <engd/json.h>
#include <slepcsys.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* "2026-01-31T12:00:00Z" */
static void WriteTime(const char key[], time_t when, FILE *file)
{
  char      text[64] = "";
  struct tm utc;

  if (gmtime_r(&when, &utc)) (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
  EngdJSONText(key, text, file);
}

/* "3.18.5" */
static PetscErrorCode WriteVersion(const char key[],
                                   PetscErrorCode (*get)(PetscInt *, PetscInt *, PetscInt *, PetscInt *), FILE *file)
{
  PetscInt major, minor, subminor;
  char     text[64];

  PetscFunctionBeginUser;
  PetscCall((*get)(&major, &minor, &subminor, NULL));
  PetscCall(PetscSNPrintf(text, sizeof(text), "%" PetscInt_FMT ".%" PetscInt_FMT ".%" PetscInt_FMT, major, minor,
                          subminor));
  EngdJSONText(key, text, file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProvenanceWrite(time_t started, FILE *file)
{
  char host[256] = "", mpi[MPI_MAX_LIBRARY_VERSION_STRING];
  int  length;

  PetscFunctionBeginUser;
  EngdJSONText("version", ENGD_VERSION, file);
  PetscCall(WriteVersion("petsc_version", PetscGetVersionNumber, file));
  PetscCall(WriteVersion("slepc_version", SlepcGetVersionNumber, file));
  PetscCallMPI(MPI_Get_library_version(mpi, &length));
  mpi[strcspn(mpi, ",\n")] = 0;
  EngdJSONText("mpi", mpi, file);
  EngdJSONText("compiler", EngdCompiler(), file);
  EngdJSONText("commit", EngdCommit(), file);
  (void)gethostname(host, sizeof(host) - 1);
  EngdJSONText("host", host, file);
  WriteTime("started", started, file);
  WriteTime("ended", time(NULL), file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The entries of an object, and the comma before the next one */
typedef struct {
  const char *comma;
  FILE       *file;
} Object;

static void Entry(Object *object, const char prefix[], const char name[], const char format[], ...)
{
  char    key[512], text[4096];
  va_list arguments;

  snprintf(key, sizeof(key), "%s%s%s", prefix ? prefix : "", prefix ? "_" : "", name);
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  fprintf(object->file, "%s\n    ", object->comma);
  EngdJSONString(key, object->file);
  fprintf(object->file, ": ");
  EngdJSONString(text, object->file);
  object->comma = ",";
}

/* "x,y", the names in a list */
static void EntryOfNames(Object *object, const char prefix[], const char name[], PetscInt n, char *const names[])
{
  char   text[4096] = "";
  size_t length     = 0;

  for (PetscInt i = 0; i < n && length < sizeof(text); i++)
    length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i ? "," : "", names[i]);
  Entry(object, prefix, name, "%s", text);
}

static void WriteNetwork(EngdReport report, PetscInt k, char *const output[], Object *object)
{
  const EngdProblemNetwork *of         = &report->problem->network[k];
  const EngdNetwork         network    = report->functional->network[k];
  const char               *prefix     = of->name ? of->name : "network";
  char                      text[1024] = "";
  size_t                    length     = 0;

  for (PetscInt l = 0; l < network->nhidden && length < sizeof(text); l++)
    length +=
        (size_t)snprintf(text + length, sizeof(text) - length, "%s%" PetscInt_FMT, l ? "," : "", network->width[l]);
  EntryOfNames(object, prefix, "outputs", of->noutputs, output);
  Entry(object, prefix, "layers", "%s", text);
  Entry(object, prefix, "type", "%s", network->type);
  Entry(object, prefix, "activation", "%s", network->activation);
  if (network->activation_scale > 0)
    Entry(object, prefix, "activation_scale", "%.17g", (double)network->activation_scale);
  if (of->inputs) Entry(object, prefix, "inputs", "%s", of->inputs);
}

static void WriteTerm(EngdTerm term, Object *object)
{
  Entry(object, term->name, "region", "%s", term->points->region);
  Entry(object, term->name, "points", "%" PetscInt_FMT, term->points->nfirst);
  Entry(object, term->name, "sampler", "%s", term->points->sampler);
  Entry(object, term->name, "weight", "%.17g", (double)term->weight);
  Entry(object, term->name, "resample", "%" PetscInt_FMT, term->resample);
  if (term->causal > 0) Entry(object, term->name, "causal", "%.17g", (double)term->causal);
  Entry(object, term->name, "multipliers", "%" PetscInt_FMT, term->multipliers);
  if (term->adapt.method != ENGD_ADAPT_NONE)
    Entry(object, term->name, "adapt", "%s", EngdAdaptName(term->adapt.method));
}

PetscErrorCode EngdResolvedWrite(EngdReport report, const EngdOutcome *outcome, FILE *file)
{
  const EngdProblem problem = report->problem;
  Object            object  = {"", file};

  PetscFunctionBeginUser;
  EngdJSONKey(",", "resolved", file);
  fprintf(file, "{");
  Entry(&object, NULL, "engd_seed", "%" PetscInt64_FMT, problem->seed);
  Entry(&object, NULL, "engd_test_points", "%" PetscInt_FMT, problem->test->nglobal);
  Entry(&object, NULL, "domain_type", "%s", problem->domain->type);
  if (problem->domain->nwindows > 1)
    Entry(&object, NULL, "engd_windows", "%" PetscInt_FMT, problem->domain->nwindows);
  EntryOfNames(&object, NULL, "domain_coordinates", problem->domain->nspace, problem->domain->coordinate);
  for (PetscInt k = 0, output = 0; k < problem->nnetworks; output += problem->network[k++].noutputs)
    WriteNetwork(report, k, problem->output + output, &object);
  for (PetscInt t = 0; t < problem->nterms; t++) WriteTerm(problem->term[t], &object);
  for (PetscInt k = 0; k < outcome->nstages; k++) {
    const EngdOutcomeStage *stage = &outcome->stage[k];
    TaoType                 type;
    PetscInt                maximum;
    KSP                     ksp = NULL;
    PC                      pc;

    PetscCall(TaoGetType(stage->tao, &type));
    PetscCall(TaoGetMaximumIterations(stage->tao, &maximum));
    PetscCall(TaoGetKSP(stage->tao, &ksp));
    Entry(&object, stage->name, "tao_type", "%s", type);
    Entry(&object, stage->name, "tao_max_it", "%" PetscInt_FMT, maximum);
    if (ksp) {
      PetscCall(KSPGetPC(ksp, &pc));
      if (((PetscObject)ksp)->type_name) Entry(&object, stage->name, "ksp_type", "%s", ((PetscObject)ksp)->type_name);
      if (((PetscObject)pc)->type_name) Entry(&object, stage->name, "pc_type", "%s", ((PetscObject)pc)->type_name);
    }
  }
  fprintf(file, "\n  }");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* text <- all objects in their own words; free() it. Collective, and each rank has a text, if only an empty one */
PetscErrorCode EngdResolvedView(EngdReport report, const EngdOutcome *outcome, char **text)
{
  size_t      size;
  FILE       *memory = open_memstream(text, &size);
  int         good   = memory != NULL;
  PetscViewer viewer;

  PetscFunctionBeginUser;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, report->comm));
  PetscCheck(good, report->comm, PETSC_ERR_MEM, "no memory for a view of the run");
  PetscCall(PetscViewerASCIIOpenWithFILE(report->comm, memory, &viewer));
  PetscCall(EngdProblemView(report->problem, viewer));
  for (PetscInt k = 0; k < report->problem->nnetworks; k++)
    PetscCall(EngdNetworkView(report->functional->network[k], viewer));
  for (PetscInt k = 0; k < outcome->nstages; k++) {
    if (outcome->stage[k].name) PetscCall(PetscViewerASCIIPrintf(viewer, "Stage %s\n", outcome->stage[k].name));
    PetscCall(TaoView(outcome->stage[k].tao, viewer));
  }
  PetscCall(PetscViewerDestroy(&viewer));
  (void)fclose(memory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void EngdResolvedWriteView(char text[], FILE *file)
{
  const char *comma = "";

  EngdJSONKey(",", "view", file);
  fprintf(file, "[");
  for (char *line = text, *end; line && *line; line = end, comma = ",") {
    end = strchr(line, '\n');
    if (end) *end++ = 0;
    fprintf(file, "%s\n    ", comma);
    EngdJSONString(line, file);
  }
  fprintf(file, "\n  ]");
}
