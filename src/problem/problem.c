/*
  The problem as its options describe it: domain, unknowns, parameters, terms sum_t lambda_t sum_n w_n e_t(x_n, Du(x_n)), the
  exact solution u* and its gradient if known, and points to test on that no term is trained on.

  Everything is read in EngdProblemSetFromOptions(); what is missing or contradictory is an error naming the option.
  Under -help missing options are made up, so that all options show without a problem.
*/
#include <engd/private.h>
#include <engd/values.h>

/*@
  EngdProblemCreate - Creates an empty problem

  Collective

  Input Parameter:
. comm - the communicator that shares the points

  Output Parameter:
. problem - to be filled by `EngdProblemSetFromOptions()`

.seealso: `EngdProblemSetFromOptions()`, `EngdProblemDestroy()`
@*/
PetscErrorCode EngdProblemCreate(MPI_Comm comm, EngdProblem *problem)
{
  PetscFunctionBeginUser;
  PetscCall(EngdInitializePackage());
  PetscCall(PetscNew(problem));
  (*problem)->comm = comm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Names, parameters, seed; returns the list of terms and the number of test points */
static PetscErrorCode ProblemReadOptions(EngdProblem problem, char **terms, PetscInt *ntest, char **file)
{
  char      name[PETSC_MAX_PATH_LEN] = "engd", *parameters, *functions, *tables, *unknowns;
  PetscInt  seed                     = 0;
  PetscBool help;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasHelp(NULL, &help));
  PetscOptionsBegin(problem->comm, NULL, "Problem", "EngdProblem");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-terms",
                            "Names of the terms of the problem, such as pde,wall; each has its options -TERM_...",
                            "EngdProblemSetTerms", NULL, help ? "TERM" : "pde,wall", terms));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-parameters",
                            "Named numbers for the expressions, such as nu=0.01/pi,k=4", "EngdProblemSetParameters",
                            NULL, NULL, &parameters));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-functions",
                            "Functions for the expressions, each may use those before it, such as f(a,b)=a*exp(b), "
                            "r=sqrt(x^2+y^2)",
                            "EngdProblemSetFunctions", NULL, NULL, &functions));
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-tables",
                      "Functions of one to three numbers from files of their values on a grid, such as k=file.csv",
                      "EngdProblemSetTables", NULL, NULL, &tables));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-unknown_parameters",
                            "Named numbers to be found with the solution, and their first values, such as nu=0.1",
                            "EngdProblemSetUnknownParameters", NULL, NULL, &unknowns));
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-engd_seed", "Fixes points and initial parameters, 0 to 2147483647",
                             "EngdProblemSetSeed", 0, &seed));
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-engd_test_points",
                             "How many points to measure errors on, never trained on, positive",
                             "EngdProblemSetTestPoints", 1, ntest));
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-engd_test_file",
                      "Text or CSV file of these points instead; its columns named as unknowns are exact solutions",
                      "EngdProblemSetFromOptions", NULL, NULL, file));
  PetscCall(PetscOptionsString("-engd_problem_name",
                               "Name of the problem in reports; default: that of the first options file",
                               "EngdProblemSetName", name, name, sizeof(name), NULL));
  PetscOptionsEnd();
  PetscCheck(!EngdOptionsIsMissing(name), problem->comm, PETSC_ERR_USER_INPUT,
             "-engd_problem_name %s: a name is wanted", name);
  problem->seed = seed;
  PetscCall(PetscStrallocpy(name, &problem->name));
  PetscCall(EngdProblemReadNetworks(problem));
  if (parameters) PetscCall(EngdProblemReadParameters(problem, parameters));
  if (tables) PetscCall(EngdProblemReadTables(problem, tables));
  if (functions) PetscCall(EngdProblemReadFunctions(problem, functions));
  if (unknowns) PetscCall(EngdProblemReadUnknowns(problem, unknowns));
  PetscCall(EngdProblemReadBounds(problem));
  PetscCall(PetscFree(parameters));
  PetscCall(PetscFree(functions));
  PetscCall(PetscFree(tables));
  PetscCall(PetscFree(unknowns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* multipliers are of residuals on points that stay, beside energies: among least squares a weight does as well */
static PetscErrorCode CheckMultipliers(EngdProblem problem)
{
  PetscBool energy = PETSC_FALSE;

  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < problem->nterms; t++)
    energy = (PetscBool)(energy || (problem->term[t]->energy && !problem->term[t]->integral));
  for (PetscInt t = 0; t < problem->nterms; t++) {
    const EngdTerm term = problem->term[t];

    if (!term->multipliers) continue;
    PetscCheck(!term->energy && energy, problem->comm, PETSC_ERR_USER_INPUT,
               "-%s_multipliers %" PetscInt_FMT ": they are for a residual beside terms that are energies, and %s",
               term->name, term->multipliers,
               term->integral ? "this is an integral"
               : term->energy ? "this is an energy"
                              : "there are none");
    PetscCheck(!term->resample, problem->comm, PETSC_ERR_USER_INPUT,
               "-%s_multipliers %" PetscInt_FMT " and -%s_resample %" PetscInt_FMT
               " exclude each other: multipliers belong to points that stay",
               term->name, term->multipliers, term->name, term->resample);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The terms of the list */
static PetscErrorCode ProblemCreateTerms(EngdProblem problem, const char text[])
{
  char         **names;
  PetscInt       n;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(EngdParseNames("-terms", text, &n, &names));
  ierr = EngdProblemCheckTermNames(problem, "-terms", n, names);
  if (!ierr) ierr = EngdProblemCheckNetworkNames(problem, n, names);
  if (!ierr) ierr = PetscCalloc1(n, &problem->term);
  for (PetscInt i = 0; i < n && !ierr; i++) {
    problem->nterms++; /* so that what there is of it is freed behind an error */
    ierr = EngdTermCreateFromOptions(problem, names[i], ENGD_STREAM_TERMS + i, &problem->term[i]);
  }
  PetscCall(EngdListDestroy(n, &names));
  PetscCall(ierr);
  PetscCall(CheckMultipliers(problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* windows need a term that they go on by, and have no unknown of all of time */
static PetscErrorCode ProblemCheckWindows(EngdProblem problem)
{
  const PetscInt n       = problem->domain->nwindows;
  PetscBool      initial = PETSC_FALSE;

  PetscFunctionBeginUser;
  if (n == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!problem->nunknowns, problem->comm, PETSC_ERR_USER_INPUT,
             "-engd_windows %" PetscInt_FMT ": each window would find -unknown_parameters of its own", n);
  for (PetscInt t = 0; t < problem->nterms; t++) initial = (PetscBool)(initial || problem->term[t]->initial);
  PetscCheck(initial, problem->comm, PETSC_ERR_USER_INPUT,
             "-engd_windows %" PetscInt_FMT
             ": no term is at the initial time, so that none tells a window where the one before has ended; give "
             "-start_region initial and -start_residual",
             n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -exact_<output>, one component each, appended to problem->exact */
static PetscErrorCode ProblemAppendExact(EngdProblem problem, PetscInt output, const char text[])
{
  EngdSymbols symbols;
  char        option[256];

  PetscFunctionBeginUser;
  if (!problem->exact) {
    PetscCall(EngdProblemGetPointSymbols(problem, &symbols));
    symbols.ndata = problem->test->ndata;
    symbols.data  = (const char *const *)problem->test->data_name;
    PetscCall(EngdExpressionCreate(&symbols, &problem->exact));
  }
  PetscCall(PetscSNPrintf(option, sizeof(option), "-exact_%s", problem->output[output]));
  PetscCall(EngdExpressionAppend(problem->exact, option, text));
  problem->exact_output[problem->nexact++] = output;
  PetscCheck(problem->exact->ncomponents == problem->nexact, problem->comm, PETSC_ERR_USER_INPUT,
             "%s \"%s\" must have one component, not %" PetscInt_FMT, option, text,
             problem->exact->ncomponents - problem->nexact + 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The exact solution of an unknown from its text, or from the column of the test points that has its name */
static PetscErrorCode ProblemFindExact(EngdProblem problem, PetscInt output, const char text[], PetscBool *found)
{
  PetscFunctionBeginUser;
  *found = (PetscBool)(text != NULL);
  for (PetscInt k = 0; k < problem->test->ndata; k++) {
    if (strcmp(problem->test->data_name[k], problem->output[output])) continue;
    PetscCheck(!text, problem->comm, PETSC_ERR_USER_INPUT,
               "-exact_%s \"%s\": the file of -engd_test_file has a column %s; leave out the one or the other",
               problem->output[output], text, problem->output[output]);
    text   = problem->output[output];
    *found = PETSC_TRUE;
  }
  if (*found) PetscCall(ProblemAppendExact(problem, output, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -exact_<output>_where; those of the outputs before it that have none are 1 */
static PetscErrorCode ProblemAppendWhere(EngdProblem problem, PetscInt output, const char text[], PetscBool exact)
{
  EngdSymbols symbols;
  char        option[256];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-exact_%s_where", problem->output[output]));
  PetscCheck(exact, problem->comm, PETSC_ERR_USER_INPUT, "%s \"%s\": there is no exact solution; give -exact_%s",
             option, text, problem->output[output]);
  if (!problem->where) {
    PetscCall(EngdProblemGetPointSymbols(problem, &symbols));
    PetscCall(EngdExpressionCreate(&symbols, &problem->where));
  }
  while (problem->where->ncomponents < problem->nexact - 1)
    PetscCall(EngdExpressionAppend(problem->where, option, "1"));
  PetscCall(EngdExpressionAppend(problem->where, option, text));
  PetscCheck(problem->where->ncomponents == problem->nexact, problem->comm, PETSC_ERR_USER_INPUT,
             "%s \"%s\" must be one condition, not %" PetscInt_FMT, option, text,
             problem->where->ncomponents - problem->nexact + 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The exact solution of the unknowns that have one, and its space derivatives */
static PetscErrorCode ProblemCreateExact(EngdProblem problem)
{
  char **wheres;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(problem->noutputs, &problem->exact_output));
  PetscCall(PetscCalloc1(problem->noutputs, &problem->exact_text));
  PetscCall(PetscCalloc1(problem->noutputs, &wheres));
  PetscOptionsBegin(problem->comm, "exact_", "Exact solution of the problem", "EngdProblem");
  for (PetscInt i = 0; i < problem->noutputs; i++) {
    char option[256];

    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s", problem->output[i]));
    PetscCall(EngdOptionsText(PetscOptionsObject, option,
                              "Exact solution, an expression of coordinates, time and parameters, to report errors",
                              "EngdProblemSetExact", NULL, NULL, &problem->exact_text[i]));
    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_where", problem->output[i]));
    PetscCall(
        EngdOptionsText(PetscOptionsObject, option,
                        "Condition on the coordinates: the part of the domain where the unknown is one, and its "
                        "errors are measured",
                        "EngdProblemSetFromOptions", NULL, NULL, &wheres[i]));
  }
  PetscOptionsEnd();
  PetscCall(EngdProblemReadComplexTexts(problem, "exact",
                                        "Exact solution, a complex expression of coordinates and parameters",
                                        "EngdProblemSetExact", problem->exact_text));
  for (PetscInt i = 0; i < problem->noutputs; i++) {
    PetscBool found;

    PetscCall(ProblemFindExact(problem, i, problem->exact_text[i], &found));
    if (wheres[i]) PetscCall(ProblemAppendWhere(problem, i, wheres[i], found));
  }
  PetscCall(EngdListDestroy(problem->noutputs, &wheres));
  if (problem->exact) {
    problem->smooth = problem->test->ndata ? PETSC_FALSE : PETSC_TRUE;
    if (problem->smooth) PetscCall(EngdExpressionAppendGradient(problem->exact));
    PetscCall(EngdExpressionCompile(problem->exact, 0));
    while (problem->where && problem->where->ncomponents < problem->nexact)
      PetscCall(EngdExpressionAppend(problem->where, "-exact_where", "1"));
    if (problem->where) PetscCall(EngdExpressionCompile(problem->where, 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* domain, model, terms and test points, in the order in which one needs the other */
static PetscErrorCode CreateParts(EngdProblem problem, const char terms[], PetscInt ntest, const char file[])
{
  EngdSymbols words;

  PetscFunctionBeginUser;
  words = (EngdSymbols){.nparameters  = problem->nparameters,
                        .parameter    = (const char *const *)problem->parameter,
                        .value        = problem->value,
                        .ndefinitions = problem->ndefinitions,
                        .definition   = problem->definition,
                        .ntables      = problem->ntables,
                        .table        = problem->table};
  PetscCall(EngdDomainCreateFromOptions(problem->comm, &words, &problem->domain));
  PetscCall(EngdProblemCheckNames(problem));
  PetscCall(EngdProblemReadModel(problem));
  EngdDomainSetWindow(problem->domain, 0);
  PetscCall(ProblemCreateTerms(problem, terms));
  EngdDomainSetWindow(problem->domain, -1);
  PetscCall(ProblemCheckWindows(problem));
  PetscCall(EngdProblemCheckModel(problem));
  if (file)
    PetscCall(EngdPointsCreateFromFile(problem->domain, "-engd_test_file", file, PETSC_FALSE, &problem->test));
  else
    PetscCall(EngdPointsCreate(problem->domain, "-engd_test_points", "interior", "quasi", ntest, problem->seed,
                               ENGD_STREAM_TEST_POINTS, &problem->test));
  PetscCall(ProblemCreateExact(problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all that the options say */
static PetscErrorCode ReadProblem(EngdProblem problem)
{
  char          *terms = NULL, *file = NULL;
  PetscInt       ntest = 4000;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  ierr = ProblemReadOptions(problem, &terms, &ntest, &file);
  if (!ierr) ierr = CreateParts(problem, terms, ntest, file);
  PetscCall(PetscFree(terms));
  PetscCall(PetscFree(file));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetFromOptions - Makes the problem of what setters have said and the options database, which counts more

  Collective

  Input Parameter:
. problem - the problem

  Options Database Keys:
+ -terms pde,wall            - names of the terms, required; their options begin with -pde_, -wall_
. -network_outputs u,v       - names of the unknowns, default u
. -networks flow,pressure    - names of several networks; see EngdProblemSetNetworks()
. -complex_unknowns psi      - which of the unknowns are pairs of outputs, repsi and impsi
. -parameters nu=0.01,k=4    - named numbers
. -functions "f(a)=a^2"       - functions as text
. -tables "k=file.csv"        - functions from files
. -unknown_parameters nu=0.1 - numbers to be found, and their first values
. -unknown_lower nu=0        - what they stay above
. -unknown_upper nu=1        - what they stay below
. -network_inputs text       - what the network reads in place of the coordinates, default these
. -ansatz_<output> text      - what an unknown is in the outputs of the network, default the output of its name
. -exact_<output> text       - the exact solution
. -exact_<output>_where text - where it is one
. -engd_seed n               - of points and initial parameters, default 0
. -engd_test_points n        - points to measure errors on, default 4000
. -engd_test_file file       - of these points, perhaps with the exact solution
- -engd_problem_name name    - for reports

.seealso: `EngdProblemCreate()`, `EngdProblemView()`
@*/
PetscErrorCode EngdProblemSetFromOptions(EngdProblem problem)
{
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCheck(!problem->asked, problem->comm, PETSC_ERR_ORDER,
             "EngdProblemSetFromOptions() a second time: the options of a problem are read once; create another");
  problem->asked = PETSC_TRUE;
  PetscCall(EngdSettingsClose(&problem->settings, "EngdProblemSetFromOptions"));
  PetscCall(EngdSettingsPush(problem->settings));
  ierr = ReadProblem(problem);
  PetscCall(EngdSettingsPop(problem->settings)); /* also behind an error: the next problem has none of them */
  PetscCall(ierr);
  problem->ready = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemView - Prints domain, unknowns, parameters and terms

  Collective

  Input Parameters:
+ problem - the problem
- viewer  - an ASCII viewer

.seealso: `EngdProblemSetFromOptions()`
@*/
PetscErrorCode EngdProblemView(EngdProblem problem, PetscViewer viewer)
{
  PetscBool ascii;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer, "Problem %s, seed %" PetscInt64_FMT "\n", problem->name, problem->seed));
  PetscCall(PetscViewerASCIIPushTab(viewer));
  PetscCall(EngdDomainView(problem->domain, viewer));
  for (PetscInt i = 0, k = 0; i < problem->noutputs; i++) {
    const PetscBool exact = k < problem->nexact && problem->exact_output[k] == i ? PETSC_TRUE : PETSC_FALSE;

    PetscCall(
        PetscViewerASCIIPrintf(viewer, "unknown: %s%s\n", problem->output[i], exact ? ", exact solution given" : ""));
    k += exact ? 1 : 0;
  }
  for (PetscInt i = 0; i < problem->nparameters; i++)
    PetscCall(
        PetscViewerASCIIPrintf(viewer, "parameter: %s = %g\n", problem->parameter[i], (double)problem->value[i]));
  for (PetscInt i = 0; i < problem->nunknowns; i++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "unknown parameter: %s, first %g\n", problem->unknown[i],
                                     (double)problem->start[i]));
  for (PetscInt k = 0; k < problem->nnetworks; k++) {
    const EngdProblemNetwork *network = &problem->network[k];

    if (network->inputs)
      PetscCall(PetscViewerASCIIPrintf(viewer, "inputs of the network%s%s: %s\n", network->name ? " " : "",
                                       network->name ? network->name : "", network->inputs));
  }
  for (PetscInt i = 0; problem->ansatz && i < problem->noutputs; i++)
    if (problem->ansatz[i])
      PetscCall(PetscViewerASCIIPrintf(viewer, "ansatz: %s = %s\n", problem->output[i], problem->ansatz[i]));
  for (PetscInt i = 0; i < problem->nterms; i++) PetscCall(EngdTermView(problem->term[i], viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemDestroy - Frees a problem

  Collective

  Input Parameter:
. problem - the problem, NULL afterwards

.seealso: `EngdProblemCreate()`
@*/
PetscErrorCode EngdProblemDestroy(EngdProblem *problem)
{
  EngdProblem p = *problem;

  PetscFunctionBeginUser;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < p->nterms; i++) PetscCall(EngdTermDestroy(&p->term[i]));
  PetscCall(EngdExpressionDestroy(&p->exact));
  PetscCall(EngdExpressionDestroy(&p->where));
  PetscCall(EngdPointsDestroy(&p->test));
  PetscCall(EngdListDestroy(p->noutputs, &p->output));
  PetscCall(EngdListDestroy(p->nparameters, &p->parameter));
  PetscCall(PetscFree(p->value));
  for (PetscInt i = 0; i < p->ndefinitions; i++) {
    PetscCall(PetscFree(p->definition[i].name));
    PetscCall(PetscFree(p->definition[i].body));
    PetscCall(EngdListDestroy(p->definition[i].nargs, &p->definition[i].arg));
  }
  PetscCall(PetscFree(p->definition));
  for (PetscInt i = 0; i < p->ntables; i++) PetscCall(EngdTabulatedDestroy(&p->table[i]));
  PetscCall(PetscFree(p->table));
  if (p->ansatz) PetscCall(EngdListDestroy(p->noutputs, &p->ansatz));
  PetscCall(EngdListDestroy(p->nunknowns, &p->unknown));
  PetscCall(EngdListDestroy(p->ncomplex, &p->complex_name));
  PetscCall(PetscFree(p->complex_output));
  PetscCall(PetscFree(p->start));
  PetscCall(PetscFree2(p->lower, p->upper));
  PetscCall(EngdProblemDestroyNetworks(p));
  PetscCall(EngdCallbacksDestroy(&p->callback));
  PetscCall(PetscFree(p->exact_output));
  if (p->exact_text) PetscCall(EngdListDestroy(p->noutputs, &p->exact_text));
  PetscCall(PetscFree(p->term));
  PetscCall(PetscFree(p->name));
  PetscCall(EngdDomainDestroy(&p->domain));
  PetscCall(EngdSettingsDestroy(&p->settings));
  PetscCall(PetscFree(*problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}
