/*
  The networks of a problem: their names, which unknowns each has, and what each sees in the place of the coordinates.

    -networks flow,pressure -flow_outputs u,v -pressure_outputs p -pressure_inputs "sin(pi*x), y"

  The unknowns of the problem are those of the networks one after the other. Without -networks there is one without a name,
  whose options begin with -network_; with names these are what a network has that says nothing of its own.
*/
#include <engd/private.h>

/* Of all networks so far the unknown of this name, or none */
static PetscErrorCode CheckNew(EngdProblem problem, const char option[], const char name[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0, output = 0; k < problem->nnetworks; k++) {
    for (PetscInt i = 0; i < problem->network[k].noutputs; i++, output++)
      PetscCheck(strcmp(name, problem->output[output]), problem->comm, PETSC_ERR_USER_INPUT,
                 "%s: %s is already an output of the network %s", option, name, problem->network[k].name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one more network with the unknowns of the list u,v; no underscores in them, which mean derivatives */
static PetscErrorCode AddNetwork(EngdProblem problem, const char name[], const char option[], const char list[])
{
  EngdProblemNetwork *network = &problem->network[problem->nnetworks];
  char              **outputs;
  PetscInt            n;

  PetscFunctionBeginUser;
  PetscCall(EngdParseNames(option, list, &n, &outputs));
  PetscCall(EngdProblemExpandComplex(problem, &n, &outputs, problem->noutputs));
  PetscCall(PetscRealloc((size_t)(problem->noutputs + n) * sizeof(*problem->output), &problem->output));
  for (PetscInt i = 0; i < n; i++) {
    PetscCheck(!strchr(outputs[i], '_'), problem->comm, PETSC_ERR_USER_INPUT,
               "%s %s: an underscore means a derivative; choose a name without it", option, outputs[i]);
    PetscCall(CheckNew(problem, option, outputs[i]));
    for (PetscInt j = 0; j < i; j++)
      PetscCheck(strcmp(outputs[i], outputs[j]), problem->comm, PETSC_ERR_USER_INPUT,
                 "%s: there would be two outputs %s (a complex unknown u is reu and imu)", option, outputs[i]);
    PetscCall(PetscStrallocpy(outputs[i], &problem->output[problem->noutputs++]));
  }
  PetscCall(EngdListDestroy(n, &outputs));
  PetscCall(PetscStrallocpy(name, &network->name));
  network->noutputs = n;
  problem->nnetworks++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -<name>_outputs, without it the name itself */
static PetscErrorCode ReadNamed(EngdProblem problem, const char name[])
{
  char prefix[256], option[256], *outputs;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(prefix, sizeof(prefix), "%s_", name));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_outputs", name));
  PetscOptionsBegin(problem->comm, prefix, "Unknowns of a network", "EngdProblem");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-outputs",
                            "Names of its unknowns, such as u,v; default: its own name", "EngdProblemSetOutputsOf",
                            name, NULL, &outputs));
  PetscOptionsEnd();
  PetscCall(AddNetwork(problem, name, option, outputs));
  PetscCall(PetscFree(outputs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemReadNetworks - Names of networks, and the unknowns.
*/
PetscErrorCode EngdProblemReadNetworks(EngdProblem problem)
{
  char     *list, *outputs, **names;
  PetscInt  n;
  PetscBool given;

  PetscFunctionBeginUser;
  PetscCall(EngdProblemReadComplex(problem));
  PetscOptionsBegin(problem->comm, NULL, "Networks", "EngdProblem");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-networks",
                            "Names of several networks, such as flow,pressure; each has its options -<name>_outputs, "
                            "-<name>_inputs, -<name>_layers, ..",
                            "EngdProblemSetNetworks", NULL, NULL, &list));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-network_outputs",
                            "Names of the unknowns, such as u,v, where there is one network", "EngdProblemSetOutputs",
                            "u", NULL, &outputs));
  PetscOptionsEnd();
  if (!list) {
    PetscCall(PetscCalloc1(1, &problem->network));
    PetscCall(AddNetwork(problem, NULL, "-network_outputs", outputs));
  } else {
    PetscCall(PetscOptionsHasName(NULL, NULL, "-network_outputs", &given));
    PetscCall(EngdParseNames("-networks", list, &n, &names));
    PetscCheck(!given, problem->comm, PETSC_ERR_USER_INPUT,
               "-network_outputs %s: with -networks each network has its own; give -%s_outputs", outputs, names[0]);
    PetscCall(EngdProblemCheckTermNames(problem, "-networks", n, names));
    PetscCall(PetscCalloc1(n, &problem->network));
    for (PetscInt k = 0; k < n; k++) PetscCall(ReadNamed(problem, names[k]));
    PetscCall(EngdListDestroy(n, &names));
  }
  PetscCall(EngdProblemCheckComplex(problem));
  PetscCall(PetscFree(list));
  PetscCall(PetscFree(outputs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemCheckNetworkNames - A network and a term of one name would share their options.
*/
PetscErrorCode EngdProblemCheckNetworkNames(EngdProblem problem, PetscInt nterms, char *const terms[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < problem->nnetworks; k++) {
    for (PetscInt t = 0; problem->network[k].name && t < nterms; t++)
      PetscCheck(strcmp(terms[t], problem->network[k].name), problem->comm, PETSC_ERR_USER_INPUT,
                 "-networks %s: there is a term of this name (-terms), and both would begin their options with it; "
                 "choose another name",
                 terms[t]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* inputs <- the coordinates, but for periodic ones the point of the unit circle that they are */
static PetscErrorCode MakePeriodicInputs(EngdProblem problem, char **inputs)
{
  const EngdDomain domain = problem->domain;
  char            *more, *all = NULL;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < domain->dim; c++) {
    const char *name = domain->coordinate[c];
    PetscReal   lower, upper;

    if (!domain->periodic[c]) {
      PetscCall(EngdTextPrint(&more, "%s%s%s", all ? all : "", all ? ", " : "", name));
    } else {
      PetscCall(EngdDomainGetBounds(domain, c, &lower, &upper));
      PetscCall(EngdTextPrint(&more, "%s%ssin(2*pi*(%s - (%.17g))/%.17g), cos(2*pi*(%s - (%.17g))/%.17g)",
                              all ? all : "", all ? ", " : "", name, (double)lower, (double)(upper - lower), name,
                              (double)lower, (double)(upper - lower)));
    }
    PetscCall(PetscFree(all));
    all = more;
  }
  *inputs = all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -<prefix>inputs in place of what the text is so far */
static PetscErrorCode ReadInputsText(EngdProblem problem, const char prefix[], char **text)
{
  char *own;

  PetscFunctionBeginUser;
  PetscOptionsBegin(problem->comm, prefix, "Inputs of a network", "EngdProblem");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-inputs",
                            "Expressions of coordinates and parameters, such as sin(pi*x),cos(pi*x),t; default: the "
                            "coordinates",
                            "EngdProblemSetNetworkInputs", NULL, NULL, &own));
  PetscOptionsEnd();
  if (!own) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(*text));
  *text = own;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* how many numbers the inputs are; of coordinates, or the network would be the same everywhere */
static PetscErrorCode CountInputs(EngdProblem problem, PetscInt k)
{
  EngdProblemNetwork *network = &problem->network[k];
  EngdExpression      inputs;
  PetscBool           reads = PETSC_FALSE;

  PetscFunctionBeginUser;
  network->ninputs = problem->domain->dim;
  if (!network->inputs) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdProblemCreateInputs(problem, k, &inputs));
  network->ninputs = inputs->ncomponents;
  for (PetscInt i = 0; i < problem->domain->dim && !reads; i++) PetscCall(EngdExpressionReads(inputs, i, &reads));
  PetscCheck(reads, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_inputs \"%s\" reads no coordinate, so the network would be the same everywhere; name one",
             network->name ? network->name : "network", network->inputs);
  PetscCall(EngdExpressionDestroy(&inputs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemReadInputs - -network_inputs of all networks, and -<name>_inputs of one.
*/
PetscErrorCode EngdProblemReadInputs(EngdProblem problem)
{
  PetscInt nperiodic = 0;
  char    *common    = NULL;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < problem->domain->dim; c++) nperiodic += problem->domain->periodic[c] ? 1 : 0;
  PetscCall(ReadInputsText(problem, "network_", &common));
  for (PetscInt k = 0; k < problem->nnetworks; k++) {
    EngdProblemNetwork *network = &problem->network[k];
    char                prefix[256];

    PetscCall(PetscStrallocpy(common, &network->inputs));
    PetscCall(PetscSNPrintf(prefix, sizeof(prefix), "%s_", network->name ? network->name : "network"));
    if (network->name) PetscCall(ReadInputsText(problem, prefix, &network->inputs));
    PetscCheck(!network->inputs || !nperiodic, problem->comm, PETSC_ERR_USER_INPUT,
               "-%sinputs \"%s\": -domain_periodic says what the network sees; leave out the one or the other",
               prefix, network->inputs);
    if (nperiodic) PetscCall(MakePeriodicInputs(problem, &network->inputs));
    PetscCall(CountInputs(problem, k));
  }
  PetscCall(PetscFree(common));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProblemCreateInputs(EngdProblem problem, PetscInt k, EngdExpression *inputs)
{
  const EngdProblemNetwork *network = &problem->network[k];
  EngdSymbols               symbols;
  char                      option[256], **items;
  PetscInt                  n;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_inputs", network->name ? network->name : "network"));
  PetscCall(EngdProblemGetPointSymbols(problem, &symbols));
  PetscCall(EngdExpressionCreate(&symbols, inputs));
  PetscCall(EngdParseList(option, network->inputs, &n, &items));
  for (PetscInt i = 0; i < n; i++) PetscCall(EngdExpressionAppend(*inputs, option, items[i]));
  PetscCall(EngdListDestroy(n, &items));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemDestroyNetworks - Frees their names and inputs.
*/
PetscErrorCode EngdProblemDestroyNetworks(EngdProblem problem)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < problem->nnetworks; k++) {
    PetscCall(PetscFree(problem->network[k].name));
    PetscCall(PetscFree(problem->network[k].inputs));
  }
  PetscCall(PetscFree(problem->network));
  PetscFunctionReturn(PETSC_SUCCESS);
}
