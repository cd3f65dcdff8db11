/*
  The expression object: created over a set of names, filled with components from text or from gradients of what is
  there, compiled once, evaluated often. The language is described in parse.c.
*/
#include "expressionimpl.h"

/* The meaning of each output, whose names are the raw outputs while the texts are read */
static PetscErrorCode AppendAnsatz(EngdExpression e)
{
  const EngdSymbols *s = &e->symbols;
  EngdGraph          g = e->graph;
  EngdNode          *ansatz;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(s->noutputs, &ansatz));
  for (PetscInt k = 0; k < s->noutputs; k++) {
    char option[ENGD_NAME_LENGTH + 16];

    ansatz[k] = EngdGraphOutput(g, k);
    if (!s->ansatz[k]) continue;
    PetscCall(PetscSNPrintf(option, sizeof(option), "-ansatz_%s", s->output[k]));
    PetscCall(EngdExpressionAppend(e, option, s->ansatz[k]));
    PetscCheck(e->ncomponents == 1, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
               "%s \"%s\": an ansatz is one number, but this has %" PetscInt_FMT " components", option, s->ansatz[k],
               e->ncomponents);
    ansatz[k]      = g->component[0];
    e->ncomponents = g->ncomponents = 0;
  }
  g->ansatz = ansatz;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdExpressionCreate(const EngdSymbols *symbols, EngdExpression *expression)
{
  EngdExpression e;

  PetscFunctionBeginUser;
  PetscCall(EngdSymbolsCheck(symbols));
  PetscCall(PetscNew(&e));
  e->symbols = *symbols;
  PetscCall(EngdGraphCreate(&e->symbols, &e->graph));
  if (symbols->ansatz) PetscCall(AppendAnsatz(e));
  *expression = e;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdExpressionAppend(EngdExpression e, const char option[], const char text[])
{
  EngdParser     parser = {.expression = e, .graph = e->graph, .option = option, .text = text};
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCheck(!e->program, PETSC_COMM_SELF, PETSC_ERR_ORDER, "No more components after the expression is compiled");
  PetscCall(PetscStrncpy(e->graph->option, option, sizeof(e->graph->option)));
  ierr = EngdParseText(&parser);
  if (ierr) e->graph->ncomponents = e->ncomponents; /* of a text with a mistake nothing stays */
  PetscCall(PetscFree(parser.stack));
  PetscCall(ierr);
  PetscCall(e->graph->error);
  e->ncomponents = e->graph->ncomponents;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdExpressionAppendGradient(EngdExpression e)
{
  EngdGraph      g     = e->graph;
  const PetscInt total = e->ncomponents * (1 + e->symbols.nspace);

  PetscFunctionBeginUser;
  PetscCheck(!e->program, PETSC_COMM_SELF, PETSC_ERR_ORDER, "No more components after the expression is compiled");
  PetscCall(EngdReserve(total, sizeof(*g->component), &g->components_size, &g->component));
  for (PetscInt c = 0; c < e->ncomponents; c++) {
    for (PetscInt i = 0; i < e->symbols.nspace; i++) {
      g->fault[0] = '\0';
      PetscCall(EngdGraphTotalDerivative(g, g->component[c], i, &g->component[g->ncomponents]));
      PetscCheck(!g->fault[0], PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
                 "The gradient of component %" PetscInt_FMT " of an expression does not exist: %s", c + 1, g->fault);
      g->ncomponents++;
    }
  }
  e->ncomponents = g->ncomponents;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdExpressionAppendDerivative(EngdExpression e, PetscInt n, const EngdJetEntry *which)
{
  EngdGraph g = e->graph;

  PetscFunctionBeginUser;
  PetscCheck(!e->program, PETSC_COMM_SELF, PETSC_ERR_ORDER, "No more components after the expression is compiled");
  PetscCall(EngdReserve(e->ncomponents + n, sizeof(*g->component), &g->components_size, &g->component));
  for (PetscInt c = 0; c < n; c++) {
    EngdNode node = g->component[c];

    g->fault[0] = '\0';
    for (PetscInt m = 0; m < which->laplacian; m++) PetscCall(EngdGraphLaplacian(g, node, &node));
    for (PetscInt k = 0; k < which->order - 2 * which->laplacian; k++) {
      PetscCall(EngdGraphTotalDerivative(g, node, which->coordinate[k], &node));
    }
    PetscCheck(!g->fault[0], PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
               "A derivative of component %" PetscInt_FMT " of an expression does not exist: %s", c + 1, g->fault);
    g->component[g->ncomponents++] = node;
  }
  e->ncomponents = g->ncomponents;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdExpressionReads(EngdExpression e, PetscInt coordinate, PetscBool *reads)
{
  const EngdGraph g = e->graph;

  PetscFunctionBeginUser;
  *reads = PETSC_FALSE;
  for (EngdNode k = 0; k < g->nnodes; ++k) {
    if (g->node[k].key.op == ENGD_OP_X && g->node[k].key.arg[0] == coordinate) *reads = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdExpressionDestroy(EngdExpression *expression)
{
  EngdExpression e = *expression;

  PetscFunctionBeginUser;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdProgramDestroy(&e->program));
  PetscCall(EngdGraphDestroy(&e->graph));
  PetscCall(PetscFree(e->entry));
  PetscCall(PetscFree(e->first_component));
  PetscCall(PetscFree(e->first_entry));
  PetscCall(PetscFree(e->second_component));
  PetscCall(PetscFree(e->second_entry));
  PetscCall(PetscFree(e->second_other));
  PetscCall(PetscFree(*expression));
  PetscFunctionReturn(PETSC_SUCCESS);
}
