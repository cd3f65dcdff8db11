/*
  What stands between the network and the unknowns, as text of the options file.

    u_k(x) = ansatz_k(x, raw outputs, unknown parameters),   raw = network(E(x))

  The ansatz is substituted for the unknowns where the terms are compiled (expression.c), so that everything after it sees
  raw jets and nothing is paid at run time. What reads u itself, errors, fields and metrics, has it as an expression too.
*/
#include <engd/private.h>

/* -ansatz_<output>; problem->ansatz stays NULL when there is none */
static PetscErrorCode ReadAnsatz(EngdProblem problem)
{
  PetscInt n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(problem->noutputs, &problem->ansatz));
  PetscOptionsBegin(problem->comm, "ansatz_", "What the unknowns are in the outputs of the network", "EngdProblem");
  for (PetscInt k = 0; k < problem->noutputs; k++) {
    char option[256];

    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s", problem->output[k]));
    PetscCall(EngdOptionsText(PetscOptionsObject, option,
                              "Expression of coordinates, parameters and the network's outputs, such as x*(1-x)*u; "
                              "default: the output itself",
                              "EngdProblemSetAnsatz", NULL, NULL, &problem->ansatz[k]));
    if (problem->ansatz[k]) n++;
  }
  PetscOptionsEnd();
  if (!n) PetscCall(PetscFree(problem->ansatz));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* inputs <- the coordinates, but for periodic ones the point of the unit circle that they are */
static PetscErrorCode MakePeriodicInputs(EngdProblem problem)
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
  problem->inputs = all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -network_inputs, and how many numbers they are; of coordinates, or the network would be the same everywhere */
static PetscErrorCode ReadInputs(EngdProblem problem)
{
  EngdExpression inputs;
  PetscInt       nperiodic = 0;
  PetscBool      reads     = PETSC_FALSE;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < problem->domain->dim; c++) nperiodic += problem->domain->periodic[c] ? 1 : 0;
  PetscOptionsBegin(problem->comm, NULL, "Inputs of the network", "EngdProblem");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-network_inputs",
                            "Expressions of coordinates and parameters, such as sin(pi*x),cos(pi*x),t; default: the "
                            "coordinates",
                            "EngdProblemSetNetworkInputs", NULL, NULL, &problem->inputs));
  PetscOptionsEnd();
  PetscCheck(!problem->inputs || !nperiodic, problem->comm, PETSC_ERR_USER_INPUT,
             "-network_inputs \"%s\": -domain_periodic says what the network sees; leave out the one or the other",
             problem->inputs);
  if (nperiodic) PetscCall(MakePeriodicInputs(problem));
  problem->ninputs = problem->domain->dim;
  if (!problem->inputs) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdProblemCreateInputs(problem, &inputs));
  problem->ninputs = inputs->ncomponents;
  for (PetscInt i = 0; i < problem->domain->dim && !reads; i++) PetscCall(EngdExpressionReads(inputs, i, &reads));
  PetscCheck(reads, problem->comm, PETSC_ERR_USER_INPUT,
             "-network_inputs \"%s\" reads no coordinate, so the network would be the same everywhere; name one",
             problem->inputs);
  PetscCall(EngdExpressionDestroy(&inputs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProblemReadModel(EngdProblem problem)
{
  PetscFunctionBeginUser;
  PetscCall(ReadInputs(problem));
  PetscCall(ReadAnsatz(problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProblemCreateInputs(EngdProblem problem, EngdExpression *inputs)
{
  EngdSymbols symbols;
  char      **items;
  PetscInt    n;

  PetscFunctionBeginUser;
  PetscCall(EngdProblemGetPointSymbols(problem, &symbols));
  PetscCall(EngdExpressionCreate(&symbols, inputs));
  PetscCall(EngdParseList("-network_inputs", problem->inputs, &n, &items));
  for (PetscInt i = 0; i < n; i++) PetscCall(EngdExpressionAppend(*inputs, "-network_inputs", items[i]));
  PetscCall(EngdListDestroy(n, &items));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProblemCreateOutputs(EngdProblem problem, PetscBool gradient, EngdExpression *outputs)
{
  EngdSymbols symbols;

  PetscFunctionBeginUser;
  PetscCall(EngdProblemGetSymbols(problem, &symbols));
  PetscCall(EngdExpressionCreate(&symbols, outputs));
  for (PetscInt k = 0; k < problem->noutputs; k++) {
    PetscCall(EngdExpressionAppend(*outputs, "-network_outputs", problem->output[k]));
  }
  for (PetscInt i = 0; gradient && i < problem->domain->nspace; i++) {
    const EngdJetEntry which = {.order = 1, .coordinate = {i, -1}};

    PetscCall(EngdExpressionAppendDerivative(*outputs, problem->noutputs, &which));
  }
  PetscCall(EngdExpressionCompile(*outputs, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* each ansatz reads an output of the network, and each output of the network is read */
static PetscErrorCode CheckAnsatz(EngdProblem problem)
{
  EngdExpression outputs;
  PetscBool     *has, *read;

  PetscFunctionBeginUser;
  if (!problem->ansatz) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdProblemCreateOutputs(problem, PETSC_FALSE, &outputs));
  PetscCall(PetscCalloc2(problem->noutputs, &has, problem->noutputs, &read));
  for (PetscInt k = 0; k < outputs->nfirst; k++) {
    const PetscInt output = outputs->entry[outputs->first_entry[k]].output;

    if (output >= problem->noutputs) continue;
    has[outputs->first_component[k]] = read[output] = PETSC_TRUE;
  }
  for (PetscInt k = 0; k < problem->noutputs; k++) {
    const char *name = problem->output[k];

    PetscCheck(has[k], problem->comm, PETSC_ERR_USER_INPUT,
               "-ansatz_%s \"%s\" leaves no unknown: it must read an output of the network, as in x*(1-x)*%s", name,
               problem->ansatz[k], name);
    PetscCheck(read[k], problem->comm, PETSC_ERR_USER_INPUT,
               "-ansatz_%s \"%s\": no ansatz reads the network's output %s; use it, or leave it out of "
               "-network_outputs",
               name, problem->ansatz[k] ? problem->ansatz[k] : name, name);
  }
  PetscCall(PetscFree2(has, read));
  PetscCall(EngdExpressionDestroy(&outputs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProblemCheckModel(EngdProblem problem)
{
  PetscBool help;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasHelp(NULL, &help));
  if (help) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CheckAnsatz(problem));
  for (EngdCallback callback = problem->callback; callback; callback = callback->next) {
    PetscInt t = 0;

    while (t < problem->nterms && strcmp(callback->term, problem->term[t]->name)) t++;
    PetscCheck(t < problem->nterms, problem->comm, PETSC_ERR_USER_INPUT,
               "the program has a function for a term '%s', which is none of -terms", callback->term);
  }
  for (PetscInt k = 0; k < problem->nunknowns; k++) {
    PetscBool read = PETSC_FALSE;

    for (PetscInt t = 0; t < problem->nterms; t++) {
      const EngdPointwise pointwise = problem->term[t]->pointwise;

      for (PetscInt e = 0; e < pointwise->nentries; e++) {
        if (pointwise->entry[e].output == problem->noutputs + k) read = PETSC_TRUE;
      }
    }
    PetscCheck(read, problem->comm, PETSC_ERR_USER_INPUT,
               "-unknown_parameters %s: no term reads %s, so it cannot be found; use it in a term or leave it out",
               problem->unknown[k], problem->unknown[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
