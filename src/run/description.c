/*
  What a checkpoint says of the run it is of, and what must be the same where it is read: version, numbers, network, terms with
  their points, optimisers, and what options, setters or functions state of problem and network, word by word. Limits, outputs and how the optimisers
  are tuned may differ.
*/
#include <engd/private.h>

#define LONGEST 16777216 /* letters of options */

/* does the name begin with this word and go on with _, or end */
static PetscBool BeginsWith(const char name[], const char word[])
{
  const size_t n = strlen(word);

  return (PetscBool)(!strncmp(name, word, n) && (!name[n] || name[n] == '_'));
}

/* is this an option of the problem or the network. Those of a stage may have the name of a term in front */
static PetscBool IsOfProblem(EngdRun run, const char name[])
{
  static const char *const words[] = {"domain",
                                      "network",
                                      "terms",
                                      "parameters",
                                      "unknown_parameters",
                                      "networks",
                                      "ansatz",
                                      "sampler",
                                      "engd_seed",
                                      "functions",
                                      "tables",
                                      "engd_windows",
                                      "complex_unknowns",
                                      "unknown_lower",
                                      "unknown_upper"};
  static const char *const tuned[] = {"tao", "ksp", "pc", "mat", "engd_max_seconds"};

  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(words); k++)
    if (BeginsWith(name, words[k])) return PETSC_TRUE;
  for (PetscInt k = 0; k < run->problem->nnetworks; k++) {
    const char *network = run->problem->network[k].name;

    if (network && BeginsWith(name, network)) return PETSC_TRUE;
  }
  for (PetscInt t = 0; t < run->problem->nterms; t++) {
    const char *term = run->problem->term[t]->name, *rest = name + strlen(term) + 1;
    PetscBool   stage = PETSC_FALSE;

    if (!BeginsWith(name, term) || strlen(name) <= strlen(term)) continue;
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(tuned); k++)
      stage = (PetscBool)(stage || BeginsWith(rest, tuned[k]));
    if (!stage) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

typedef struct {
  EngdRun        run;
  PetscSegBuffer text;
} Collector;

/* text <- text, a line "-name value"; a value of several lines becomes one */
static PetscErrorCode Collect(const char name[], const char value[], void *data)
{
  Collector   *collector = (Collector *)data;
  const size_t n         = strlen(name) + (value ? strlen(value) : 0) + 3;
  char        *line;

  PetscFunctionBeginUser;
  if (!IsOfProblem(collector->run, name)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSegBufferGet(collector->text, n, &line));
  snprintf(line, n, "-%s %s", name, value ? value : "");
  for (size_t k = 0; k < n; k++)
    if (line[k] == '\n' || !line[k]) line[k] = ' ';
  line[n - 1] = '\n';
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the program has given in place of text: -pde_residual function of u, lap(u) */
static PetscErrorCode CollectFunctions(Collector *collector)
{
  PetscFunctionBeginUser;
  for (EngdCallback callback = collector->run->problem->callback; callback; callback = callback->next) {
    char option[256], value[1024];

    PetscCall(
        PetscSNPrintf(option, sizeof(option), "%s_%s", callback->term, callback->energy ? "energy" : "residual"));
    PetscCall(PetscSNPrintf(value, sizeof(value), "a function of %s to %" PetscInt_FMT " numbers",
                            callback->arguments, callback->ncomponents));
    PetscCall(Collect(option, value, collector));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the options of problem and network, and what setters have said instead, a line each; free with PetscFree() */
static PetscErrorCode CollectOptions(EngdRun run, char **text)
{
  Collector collector = {.run = run};
  char     *end;

  PetscFunctionBeginUser;
  PetscCall(PetscSegBufferCreate(1, 1024, &collector.text));
  PetscCall(EngdSettingsPush(run->problem->settings));
  PetscCall(EngdOptionsVisit(Collect, &collector));
  PetscCall(EngdSettingsPop(run->problem->settings));
  PetscCall(CollectFunctions(&collector));
  PetscCall(PetscSegBufferGet(collector.text, 1, &end));
  *end = 0;
  PetscCall(PetscSegBufferExtractAlloc(collector.text, text));
  PetscCall(PetscSegBufferDestroy(&collector.text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the line behind this one, which a damaged file need not end */
static const char *NextLine(const char line[])
{
  const char *end = strchr(line, '\n');

  return end ? end + 1 : line + strlen(line);
}

/* the value on the line of this option, up to its end; NULL if there is no such line */
static const char *FindValue(const char text[], const char name[], size_t n)
{
  for (const char *line = text; *line; line = NextLine(line))
    if (!strncmp(line, name, n) && line[n] == ' ') return line + n + 1;
  return NULL;
}

/* fails at the first option of a that is not the same in b; in_file: is a of the file, or b */
static PetscErrorCode CompareLines(EngdRun run, const char a[], const char b[], PetscBool in_file)
{
  PetscFunctionBeginUser;
  for (const char *line = a; *line; line = NextLine(line)) {
    const size_t n     = strcspn(line, " \n");
    const char  *value = line + n + (line[n] != 0), *other = FindValue(b, line, n);
    const int    length = (int)strcspn(value, "\n"), others = other ? (int)strcspn(other, "\n") : 7;
    const char  *there = in_file ? value : other, *here = in_file ? other : value;

    if (other && length == others && !strncmp(value, other, (size_t)length)) continue;
    SETERRQ(run->comm, PETSC_ERR_FILE_UNEXPECTED,
            "-engd_restart %s does not fit: %.*s is %.*s in the file and %.*s here", run->restart, (int)n, line,
            in_file ? length : others, there ? there : "not set", in_file ? others : length, here ? here : "not set");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* there <- the options of the file, or those here that go into it; to be freed also after an error */
static PetscErrorCode MoveOptions(EngdRun run, EngdArchive a, const char here[], char **there)
{
  PetscInt length = (PetscInt)strlen(here) + 1;

  PetscFunctionBeginUser;
  *there = NULL;
  PetscCall(EngdArchiveInt(a, "options_length", &length, 0));
  PetscCheck(length > 0 && length <= LONGEST, run->comm, PETSC_ERR_FILE_UNEXPECTED,
             "%s is damaged: it has %" PetscInt_FMT " letters of options",
             run->restart ? run->restart : run->checkpoint, length);
  PetscCall(EngdArchiveExpect(a, "options", (size_t)length));
  PetscCall(PetscCalloc1(length + 1, there));
  if (EngdArchiveGetMode(a) == ENGD_ARCHIVE_SAVE) PetscCall(PetscStrncpy(*there, here, (size_t)length));
  PetscCall(EngdArchiveString(a, "options", (size_t)length + 1, *there, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the options in the file against those here */
static PetscErrorCode MatchOptions(EngdRun run, EngdArchive a)
{
  char          *here, *there;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(CollectOptions(run, &here));
  ierr = MoveOptions(run, a, here, &there);
  if (!ierr && EngdArchiveGetMode(a) == ENGD_ARCHIVE_LOAD) {
    ierr = CompareLines(run, there, here, PETSC_TRUE);
    if (!ierr) ierr = CompareLines(run, here, there, PETSC_FALSE);
  }
  PetscCall(PetscFree(there));
  PetscCall(PetscFree(here));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* names and types of the optimisers: engd, or adam (adam), lbfgs (lmvm) */
static PetscErrorCode MatchOptimisers(EngdRun run, EngdArchive a)
{
  char   text[1024] = "";
  size_t n          = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < run->nstages; k++) {
    TaoType type;

    PetscCall(TaoGetType(run->stage[k].tao, &type));
    PetscCall(PetscSNPrintf(text + n, sizeof(text) - n, "%s%s", k ? ", " : "", type));
    n = strlen(text);
  }
  PetscCall(EngdArchiveMatchString(a, "optimisers", "the TAO type", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sizes, type and activation of a network */
static PetscErrorCode MatchNetwork(EngdRun run, PetscInt k, EngdArchive a)
{
  const EngdProblemNetwork *of      = &run->problem->network[k];
  const EngdNetwork         network = run->functional->network[k];
  PetscInt                 *size;
  char                      scale[32];
  PetscErrorCode            ierr;

  PetscFunctionBeginUser;
  if (of->name) PetscCall(EngdArchivePush(a, of->name));
  PetscCall(PetscMalloc1(network->nhidden + 2, &size));
  size[0] = network->ninputs;
  for (PetscInt l = 0; l < network->nhidden; l++) size[l + 1] = network->width[l];
  size[network->nhidden + 1] = network->noutputs;
  ierr = EngdArchiveMatchInts(a, "layers", "the list of layers of the network", network->nhidden + 2, size);
  PetscCall(PetscFree(size));
  PetscCall(ierr);
  PetscCall(EngdArchiveMatchString(a, "type", "the type of the network", network->type));
  PetscCall(
      EngdArchiveMatchString(a, "inputs", "the text of the inputs of the network", of->inputs ? of->inputs : ""));
  PetscCall(EngdArchiveMatchString(a, "activation", "the activation of the network", network->activation));
  PetscCall(PetscSNPrintf(scale, sizeof(scale), "%.17g", (double)network->activation_scale));
  PetscCall(EngdArchiveMatchString(a, "activation_scale", "the scale of the activation of the network", scale));
  if (of->name) PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the networks, and the points of each term, also where no option says them */
static PetscErrorCode MatchSizes(EngdRun run, EngdArchive a)
{
  PetscInt      *size;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < run->problem->nnetworks; k++) PetscCall(MatchNetwork(run, k, a));
  PetscCall(PetscMalloc1(run->problem->nterms, &size));
  for (PetscInt t = 0; t < run->problem->nterms; t++) size[t] = run->problem->term[t]->points->nfirst;
  ierr = EngdArchiveMatchInts(a, "points", "the numbers of points of the terms", run->problem->nterms, size);
  PetscCall(PetscFree(size));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the numbers of the tables, which are another problem where a file has changed under its name */
static PetscErrorCode MatchTables(EngdRun run, EngdArchive a)
{
  const EngdProblem problem = run->problem;

  PetscFunctionBeginUser;
  if (!problem->ntables) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, "tables"));
  for (PetscInt k = 0; k < problem->ntables; k++) {
    char what[128];

    PetscCall(PetscSNPrintf(what, sizeof(what), "the digest of the file of the table %s",
                            EngdTabulatedName(problem->table[k])));
    PetscCall(
        EngdArchiveMatchInt(a, EngdTabulatedName(problem->table[k]), what, EngdTabulatedDigest(problem->table[k])));
  }
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the numbers of the files of points, likewise */
static PetscErrorCode MatchPointsFiles(EngdRun run, EngdArchive a)
{
  const EngdProblem problem = run->problem;

  PetscFunctionBeginUser;
  PetscCall(EngdArchivePush(a, "points_files"));
  for (PetscInt t = 0; t < problem->nterms; t++) {
    char what[128];

    if (!problem->term[t]->points->digest) continue;
    PetscCall(PetscSNPrintf(what, sizeof(what), "the digest of -%s_points_file", problem->term[t]->name));
    PetscCall(EngdArchiveMatchInt(a, problem->term[t]->name, what, problem->term[t]->points->digest));
  }
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the distance to the boundary as text, where a text has asked for it: readers of the solution know no domains */
static PetscErrorCode MatchDistance(EngdRun run, EngdArchive a)
{
  const char *text = run->problem->domain->distance;
  PetscBool   has;

  PetscFunctionBeginUser;
  if (!text || !text[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchiveHas(a, "distance", &has));
  if (has) PetscCall(EngdArchiveMatchString(a, "distance", "the distance to the boundary", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunDescribeProblem - the same without the optimisers. Collective */
PetscErrorCode EngdRunDescribeProblem(EngdRun run, EngdArchive a)
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchivePush(a, "description"));
  PetscCall(EngdArchiveMatchString(a, "version", "the version of engd", ENGD_VERSION));
  PetscCall(EngdArchiveMatchString(a, "numbers", "the type of numbers", "real double"));
  PetscCall(MatchOptions(run, a));
  PetscCall(MatchSizes(run, a));
  PetscCall(MatchTables(run, a));
  PetscCall(MatchPointsFiles(run, a));
  PetscCall(MatchDistance(run, a));
  PetscCall(EngdArchiveMatchInt(a, "seed", "the seed", run->problem->seed));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunDescribe - saves the description, or compares it with the one in the file: an error that names what differs. Collective */
PetscErrorCode EngdRunDescribe(EngdRun run, EngdArchive a)
{
  PetscFunctionBeginUser;
  PetscCall(EngdRunDescribeProblem(run, a));
  PetscCall(EngdArchivePush(a, "description"));
  PetscCall(MatchOptimisers(run, a));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}
