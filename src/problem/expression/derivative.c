/*
  Symbolic derivatives, graph to graph.

  Total derivative d f / d x_i = sum_k (df / da_k) (d a_k / d x_i), forward through the nodes below f; an entry of the
  jet of the outputs goes to the next one, u_alpha -> u_{alpha + e_i}.
  Adjoint (reverse mode): the derivatives of f with respect to all its jet entries in one sweep, as O(nodes of f) nodes.
  Laplacian: of an output, and of an ansatz f(x, u) that reads values alone, the second derivatives of an output enter as
  (df/du) lap(u), so that the network may carry their sum as one entry.
  Both use the one table of partial derivatives df / da_k in functions.c.
  Not done: a derivative of the normal, of a Laplacian entry, or above ENGD_JET_ORDER; graph->fault says which.
*/
#include "expressionimpl.h"

/* A jet leaf: its coordinates c_0 <= c_1 <= ... are the digits c_k + 1 of one number to the base dim + 1 */
EngdNode EngdGraphJet(EngdGraph g, const EngdJetEntry *entry)
{
  PetscReal packed = 0.0;

  for (PetscInt k = entry->order - 1; k >= 0; --k) {
    if (!entry->laplacian) packed = packed * (g->symbols->dim + 1) + entry->coordinate[k] + 1;
  }
  return EngdGraphIntern(g, ENGD_OP_JET, entry->output, entry->order, entry->laplacian, packed);
}

/* What the name of an output means: its ansatz, or itself */
EngdNode EngdGraphOutput(EngdGraph g, PetscInt output)
{
  return g->ansatz ? g->ansatz[output] : EngdGraphJet(g, &(EngdJetEntry){.output = output});
}

void EngdGraphGetEntry(EngdGraph g, EngdNode node, EngdJetEntry *entry)
{
  const EngdKey key    = g->node[node].key;
  PetscInt64    packed = (PetscInt64)key.value;

  entry->output    = key.arg[0];
  entry->order     = key.arg[1];
  entry->laplacian = (PetscBool)key.arg[2];
  for (PetscInt k = 0; k < ENGD_JET_ORDER; ++k) {
    entry->coordinate[k] = (PetscInt)(packed % (g->symbols->dim + 1)) - 1;
    packed /= g->symbols->dim + 1;
  }
}

/* Says in graph->fault that this entry has no derivative with respect to the coordinate */
static PetscErrorCode FaultOrder(EngdGraph g, const EngdJetEntry *entry, PetscInt coordinate)
{
  const EngdSymbols *s = g->symbols;
  char               name[ENGD_FAULT_LENGTH / 2];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(name, sizeof(name),
                          entry->laplacian ? "lap(%.24s)"
                          : entry->order   ? "%.24s_"
                                           : "%.24s",
                          s->output[entry->output]));
  for (PetscInt k = 0; k < entry->order && !entry->laplacian; ++k) {
    PetscCall(PetscStrlcat(name, s->coordinate[entry->coordinate[k]], sizeof(name)));
  }
  PetscCall(PetscSNPrintf(g->fault, sizeof(g->fault),
                          "derivative of too high an order (%s once more by %.24s; derivatives up to order "
                          "%" PetscInt_FMT " are available, of lap() none)",
                          name, s->coordinate[coordinate], (PetscInt)ENGD_JET_ORDER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d leaf / d x_i: 1 or 0 for coordinates, u_alpha -> u_{alpha + e_i} */
static PetscErrorCode LeafDerivative(EngdGraph g, EngdNode leaf, PetscInt coordinate, EngdNode *derivative)
{
  const EngdKey key = g->node[leaf].key;
  EngdJetEntry  entry;
  PetscInt      k;

  PetscFunctionBeginUser;
  *derivative = ENGD_ZERO;
  if (key.op == ENGD_OP_X && key.arg[0] == coordinate) *derivative = ENGD_ONE;
  if (key.op == ENGD_OP_X && key.arg[0] >= g->symbols->dim) {
    PetscCall(PetscSNPrintf(g->fault, sizeof(g->fault), "the data '%.40s' cannot be differentiated",
                            g->symbols->data[key.arg[0] - g->symbols->dim]));
  }
  if (key.op == ENGD_OP_NORMAL) {
    PetscCall(PetscSNPrintf(g->fault, sizeof(g->fault), "the normal cannot be differentiated"));
  }
  if (key.op != ENGD_OP_JET) PetscFunctionReturn(PETSC_SUCCESS);
  EngdGraphGetEntry(g, leaf, &entry);
  if (entry.output >= g->symbols->noutputs) PetscFunctionReturn(PETSC_SUCCESS); /* an unknown parameter */
  if (g->collapse && entry.order == 1 && entry.coordinate[0] == coordinate) PetscFunctionReturn(PETSC_SUCCESS);
  if (entry.laplacian || entry.order == ENGD_JET_ORDER) {
    PetscCall(FaultOrder(g, &entry, coordinate));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (k = entry.order++; k > 0 && entry.coordinate[k - 1] > coordinate; --k) {
    entry.coordinate[k] = entry.coordinate[k - 1];
  }
  entry.coordinate[k] = coordinate;
  *derivative         = EngdGraphJet(g, &entry);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdGraphTotalDerivative(EngdGraph g, EngdNode root, PetscInt coordinate, EngdNode *derivative)
{
  PetscFunctionBeginUser;
  PetscCall(EngdGraphWalk(g, PETSC_FALSE, root));
  for (PetscInt i = 0; i < g->norder; ++i) {
    const EngdNode       node = g->order[i];
    const EngdKey        key  = g->node[node].key;
    const EngdOperation *op   = &engd_operation[key.op];
    EngdNode             sum  = ENGD_ZERO;

    if (!op->nargs) PetscCall(LeafDerivative(g, node, coordinate, &sum));
    for (PetscInt k = 0; k < op->nargs; ++k) { /* sum += (df / da_k) da_k */
      const EngdNode inner = g->node[key.arg[k]].memo;

      if (!(op->smooth & 1u << k) || inner == ENGD_ZERO) continue;
      sum = EngdGraphApply(g, ENGD_OP_ADD, sum, EngdGraphApply(g, ENGD_OP_MUL, op->partial(g, node, k), inner, 0), 0);
    }
    g->node[node].memo = sum;
  }
  *derivative = g->node[root].memo;
  PetscFunctionReturn(g->error);
}

/* Is root an output, or are there ansatzes and is all that root reads of the jet values */
static PetscErrorCode IsCollapsible(EngdGraph g, EngdNode root, PetscBool *values)
{
  PetscFunctionBeginUser;
  *values = (PetscBool)(g->ansatz || g->node[root].key.op == ENGD_OP_JET);
  PetscCall(EngdGraphWalk(g, PETSC_FALSE, root));
  for (PetscInt i = 0; i < g->norder; ++i) {
    const EngdKey *key = &g->node[g->order[i]].key;

    if (key->op == ENGD_OP_JET && key->arg[1] > 0) *values = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum += sum_k (df/du_k) lap(u_k) over the outputs that f reads */
static PetscErrorCode AddCollapsed(EngdGraph g, EngdNode root, EngdNode *sum)
{
  PetscFunctionBeginUser;
  PetscCall(EngdGraphAdjoint(g, root));
  for (PetscInt i = 0; i < g->norder; ++i) {
    const EngdNode     adjoint = g->node[g->order[i]].memo;
    const EngdKey      key     = g->node[g->order[i]].key;
    const EngdJetEntry entry   = {.output = key.arg[0], .laplacian = PETSC_TRUE, .order = 2};

    if (key.op != ENGD_OP_JET || key.arg[0] >= g->symbols->noutputs || adjoint <= ENGD_ZERO) continue;
    *sum =
        EngdGraphApply(g, ENGD_OP_ADD, *sum, EngdGraphApply(g, ENGD_OP_MUL, adjoint, EngdGraphJet(g, &entry), 0), 0);
  }
  PetscFunctionReturn(g->error);
}

/* sum_i d^2 f / dx_i^2 over the space coordinates */
PetscErrorCode EngdGraphLaplacian(EngdGraph g, EngdNode root, EngdNode *laplacian)
{
  PetscBool values;

  PetscFunctionBeginUser;
  *laplacian = ENGD_ZERO;
  PetscCall(IsCollapsible(g, root, &values));
  if (values) PetscCall(AddCollapsed(g, root, laplacian));
  for (PetscInt i = 0; i < g->symbols->nspace; ++i) {
    EngdNode first, second;

    PetscCall(EngdGraphTotalDerivative(g, root, i, &first));
    g->collapse = values;
    PetscCall(EngdGraphTotalDerivative(g, first, i, &second));
    g->collapse = PETSC_FALSE;
    *laplacian  = EngdGraphApply(g, ENGD_OP_ADD, *laplacian, second, 0);
  }
  PetscFunctionReturn(g->error);
}

/* Leaves d root / d node in the memo of every node of g->order, -1 where root does not depend on it */
PetscErrorCode EngdGraphAdjoint(EngdGraph g, EngdNode root)
{
  PetscFunctionBeginUser;
  PetscCall(EngdGraphWalk(g, PETSC_FALSE, root));
  for (PetscInt i = 0; i < g->norder; ++i) g->node[g->order[i]].memo = -1;
  g->node[root].memo = ENGD_ONE;
  for (PetscInt i = g->norder - 1; i >= 0; --i) {
    const EngdNode       node = g->order[i], adjoint = g->node[node].memo;
    const EngdKey        key = g->node[node].key;
    const EngdOperation *op  = &engd_operation[key.op];

    if (adjoint < 0) continue;
    for (PetscInt k = 0; k < op->nargs; ++k) { /* adjoint of a_k += (df / da_k) (adjoint of f) */
      const EngdNode argument = key.arg[k], before = g->node[argument].memo;
      EngdNode       term;

      if (!(op->smooth & 1u << k) || !g->node[argument].jet) continue;
      term                   = EngdGraphApply(g, ENGD_OP_MUL, adjoint, op->partial(g, node, k), 0);
      g->node[argument].memo = before < 0 ? term : EngdGraphApply(g, ENGD_OP_ADD, before, term, 0);
    }
  }
  PetscFunctionReturn(g->error);
}
