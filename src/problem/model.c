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
  }
  PetscOptionsEnd();
  PetscCall(EngdProblemReadComplexTexts(problem, "ansatz",
                                        "Expression of coordinates, parameters and the network's outputs",
                                        "EngdProblemSetAnsatz", problem->ansatz));
  for (PetscInt k = 0; k < problem->noutputs; k++) n += problem->ansatz[k] != NULL;
  if (!n) PetscCall(PetscFree(problem->ansatz));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProblemReadModel(EngdProblem problem)
{
  PetscFunctionBeginUser;
  PetscCall(EngdProblemReadInputs(problem));
  PetscCall(ReadAnsatz(problem));
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
