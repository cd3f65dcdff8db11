/*
  Symbolic derivatives, graph to graph.

  Total derivative d f / d x_i = sum_k (df / da_k) (d a_k / d x_i), forward through the nodes below f; an entry of the
  jet of the outputs goes to the next one, u_alpha -> u_{alpha + e_i}.
  Adjoint (reverse mode): the derivatives of f with respect to all its jet entries in one sweep, as O(nodes of f) nodes.
  Laplacian: the second derivatives of an entry of the jet enter as (df/du_alpha) lap(u_alpha), so that the network may carry
  their sum as one entry.
  All use the one table of partial derivatives df / da_k in functions.c.
  Not done: a derivative of the normal, or above ENGD_JET_ORDER; graph->fault says which.
*/
#include "expressionimpl.h"

/* The derivatives of an entry beside its Laplacians */
static PetscInt CoordinateCount(const EngdJetEntry *entry)
{
  return entry->order - 2 * entry->laplacian;
}

/* One more than all coordinates and directions that an entry may name */
static PetscInt Base(EngdGraph g)
{
  return g->symbols->dim + 1 + (g->symbols->nrandom ? g->symbols->nrandom + ENGD_DIRECTIONS_MAX : 0);
}

/* A jet leaf: its coordinates c_0 <= c_1 <= ... are the digits c_k + 1 of one number to that base */
EngdNode EngdGraphJet(EngdGraph g, const EngdJetEntry *entry)
{
  PetscReal packed = 0.0;

  for (PetscInt k = CoordinateCount(entry) - 1; k >= 0; k--) {
    packed = packed * Base(g) + entry->coordinate[k] + 1;
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
  entry->laplacian = key.arg[2];
  for (PetscInt k = 0; k < ENGD_JET_ORDER; k++) {
    entry->coordinate[k] = (PetscInt)(packed % Base(g)) - 1;
    packed /= Base(g);
  }
}

/* Says in graph->fault that this entry, such as lap(u_x), has no derivative `more`: the name of a coordinate, or lap() */
static PetscErrorCode FaultOrder(EngdGraph g, const EngdJetEntry *entry, const char more[])
{
  const EngdSymbols *s = g->symbols;
  char               name[ENGD_FAULT_LENGTH / 2];

  PetscFunctionBeginUser;
  name[0] = '\0';
  for (PetscInt m = 0; m < entry->laplacian; m++) PetscCall(PetscStrlcat(name, "lap(", sizeof(name)));
  PetscCall(PetscStrlcat(name, s->output[entry->output], PetscMin(strlen(name) + 25, sizeof(name))));
  for (PetscInt k = 0; k < CoordinateCount(entry); k++) {
    if (k == 0) PetscCall(PetscStrlcat(name, "_", sizeof(name)));
    PetscCall(PetscStrlcat(name, s->coordinate[entry->coordinate[k]], sizeof(name)));
  }
  for (PetscInt m = 0; m < entry->laplacian; m++) PetscCall(PetscStrlcat(name, ")", sizeof(name)));
  PetscCall(PetscSNPrintf(
      g->fault, sizeof(g->fault),
      "derivative of too high an order (%s once more by %.24s%s; the highest order is %" PetscInt_FMT " in all)",
      name, more, g->ansatz ? ", of the network's output that an ansatz reads" : "", (PetscInt)ENGD_JET_ORDER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Random dimensions estimate lap(u) alone: is it a Laplacian of a derivative, or a derivative of what they estimate */
static PetscBool EstimateEnds(EngdGraph g, const EngdJetEntry *entry, PetscInt coordinate)
{
  PetscBool more = (PetscBool)(entry->laplacian > 0 || (coordinate < 0 && entry->order > 0));

  for (PetscInt k = 0; k < CoordinateCount(entry); k++)
    more = (PetscBool)(more || entry->coordinate[k] >= g->symbols->dim);
  if (!g->symbols->nrandom || !more) return PETSC_FALSE;
  (void)PetscSNPrintf(g->fault, sizeof(g->fault),
                      "random dimensions estimate lap() of unknowns, not of their derivatives, nor derivatives of "
                      "lap(); leave out -TERM_random_dimensions");
  return PETSC_TRUE;
}

/* u_alpha -> u_{alpha + e_i}, and lap(u_alpha) where the coordinate is -1 */
PetscErrorCode EngdGraphJetDerivative(EngdGraph g, EngdNode leaf, PetscInt coordinate, EngdNode *derivative)
{
  const PetscInt more = coordinate < 0 ? 2 : 1;
  EngdJetEntry   entry;
  PetscInt       k;

  PetscFunctionBeginUser;
  *derivative = ENGD_ZERO;
  EngdGraphGetEntry(g, leaf, &entry);
  if (g->hold || entry.output >= g->symbols->noutputs)
    PetscFunctionReturn(PETSC_SUCCESS); /* or an unknown parameter */
  if (EstimateEnds(g, &entry, coordinate)) PetscFunctionReturn(PETSC_SUCCESS);
  if (entry.order + more > ENGD_JET_ORDER) {
    PetscCall(FaultOrder(g, &entry, coordinate < 0 ? "lap()" : g->symbols->coordinate[coordinate]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (coordinate < 0) entry.laplacian++;
  for (k = CoordinateCount(&entry); coordinate >= 0 && k > 0 && entry.coordinate[k - 1] > coordinate; k--) {
    entry.coordinate[k] = entry.coordinate[k - 1];
  }
  if (coordinate >= 0) entry.coordinate[k] = coordinate;
  entry.order += more;
  *derivative = EngdGraphJet(g, &entry);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d leaf / d x_i: 1 or 0 for coordinates */
static PetscErrorCode LeafDerivative(EngdGraph g, EngdNode leaf, PetscInt coordinate, EngdNode *derivative)
{
  const EngdKey key = g->node[leaf].key;

  PetscFunctionBeginUser;
  *derivative = ENGD_ZERO;
  if (coordinate >= g->symbols->dim && key.op != ENGD_OP_JET) PetscFunctionReturn(PETSC_SUCCESS); /* a direction */
  if (key.op == ENGD_OP_X && key.arg[0] == coordinate) *derivative = ENGD_ONE;
  if (key.op == ENGD_OP_X && key.arg[0] >= g->symbols->dim) {
    PetscCall(PetscSNPrintf(g->fault, sizeof(g->fault), "the data '%.40s' cannot be differentiated",
                            g->symbols->data[key.arg[0] - g->symbols->dim]));
  }
  if (key.op == ENGD_OP_NORMAL) {
    PetscCall(PetscSNPrintf(g->fault, sizeof(g->fault), "the normal cannot be differentiated"));
  }
  if (key.op == ENGD_OP_JET) PetscCall(EngdGraphJetDerivative(g, leaf, coordinate, derivative));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdGraphTotalDerivative(EngdGraph g, EngdNode root, PetscInt coordinate, EngdNode *derivative)
{
  PetscFunctionBeginUser;
  PetscCall(EngdGraphWalk(g, PETSC_FALSE, root));
  for (PetscInt i = 0; i < g->norder; i++) {
    const EngdNode       node = g->order[i];
    const EngdKey        key  = g->node[node].key;
    const EngdOperation *op   = &engd_operation[key.op];
    EngdNode             sum  = ENGD_ZERO;

    if (!op->nargs) PetscCall(LeafDerivative(g, node, coordinate, &sum));
    for (PetscInt k = 0; k < op->nargs; k++) { /* sum += (df / da_k) da_k */
      const EngdNode inner = g->node[key.arg[k]].memo;

      if (!(op->smooth & 1u << k) || inner == ENGD_ZERO) continue;
      sum = EngdGraphApply(g, ENGD_OP_ADD, sum, EngdGraphApply(g, ENGD_OP_MUL, op->partial(g, node, k), inner, 0), 0);
    }
    g->node[node].memo = sum;
  }
  *derivative = g->node[root].memo;
  PetscFunctionReturn(g->error);
}

/* sum += D_i f at constant entries of the jet, once more by i */
static PetscErrorCode AddExplicit(EngdGraph g, EngdNode root, PetscInt i, EngdNode *sum)
{
  EngdNode first, second;

  PetscFunctionBeginUser;
  g->hold = PETSC_TRUE;
  PetscCall(EngdGraphTotalDerivative(g, root, i, &first));
  g->hold = PETSC_FALSE;
  PetscCall(EngdGraphTotalDerivative(g, first, i, &second));
  *sum = EngdGraphApply(g, ENGD_OP_ADD, *sum, second, 0);
  PetscFunctionReturn(g->error);
}

/* sum += f_alpha lap(u_alpha) + sum_i D_i(f_alpha) D_i(u_alpha) for one entry u_alpha, where f_alpha = df/du_alpha */
static PetscErrorCode AddEntry(EngdGraph g, EngdNode leaf, EngdNode adjoint, EngdNode *sum)
{
  EngdNode inner, outer;

  PetscFunctionBeginUser;
  PetscCall(EngdGraphJetDerivative(g, leaf, -1, &inner));
  *sum = EngdGraphApply(g, ENGD_OP_ADD, *sum, EngdGraphApply(g, ENGD_OP_MUL, adjoint, inner, 0), 0);
  for (PetscInt i = 0; i < g->symbols->nspace && !g->fault[0]; i++) {
    PetscCall(EngdGraphTotalDerivative(g, adjoint, i, &outer));
    if (outer == ENGD_ZERO) continue;
    PetscCall(EngdGraphJetDerivative(g, leaf, i, &inner));
    *sum = EngdGraphApply(g, ENGD_OP_ADD, *sum, EngdGraphApply(g, ENGD_OP_MUL, outer, inner, 0), 0);
  }
  PetscFunctionReturn(g->error);
}

/*
  sum_i D_i D_i f over the space coordinates, where D_i f = sum_alpha f_alpha D_i(u_alpha) + (D_i f at constant u_alpha), so that

    lap f = sum_alpha ( f_alpha lap(u_alpha) + sum_i D_i(f_alpha) D_i(u_alpha) ) + sum_i D_i(D_i f at constant u_alpha)
*/
PetscErrorCode EngdGraphLaplacian(EngdGraph g, EngdNode root, EngdNode *laplacian)
{
  PetscInt  n = 0;
  EngdNode *leaf;

  PetscFunctionBeginUser;
  *laplacian = ENGD_ZERO;
  PetscCall(EngdGraphAdjoint(g, root));
  PetscCall(PetscMalloc1(2 * g->norder, &leaf));
  for (PetscInt i = 0; i < g->norder; i++) {
    const EngdNode node = g->order[i];

    if (g->node[node].key.op != ENGD_OP_JET || g->node[node].memo <= ENGD_ZERO) continue;
    leaf[n++] = node;
    leaf[n++] = g->node[node].memo;
  }
  if (g->symbols->nrandom && n) {
    PetscCall(EngdGraphRandomLaplacian(g, root, n / 2, leaf, laplacian));
    PetscCall(PetscFree(leaf));
    PetscFunctionReturn(g->error);
  }
  for (PetscInt k = 0; k < n; k += 2) PetscCall(AddEntry(g, leaf[k], leaf[k + 1], laplacian));
  for (PetscInt i = 0; i < g->symbols->nspace; i++) PetscCall(AddExplicit(g, root, i, laplacian));
  PetscCall(PetscFree(leaf));
  PetscFunctionReturn(g->error);
}

/* Leaves d root / d node in the memo of every node of g->order, -1 where root does not depend on it */
PetscErrorCode EngdGraphAdjoint(EngdGraph g, EngdNode root)
{
  PetscFunctionBeginUser;
  PetscCall(EngdGraphWalk(g, PETSC_FALSE, root));
  for (PetscInt i = 0; i < g->norder; i++) g->node[g->order[i]].memo = -1;
  g->node[root].memo = ENGD_ONE;
  for (PetscInt i = g->norder - 1; i >= 0; i--) {
    const EngdNode       node = g->order[i], adjoint = g->node[node].memo;
    const EngdKey        key = g->node[node].key;
    const EngdOperation *op  = &engd_operation[key.op];

    if (adjoint < 0) continue;
    for (PetscInt k = 0; k < op->nargs; k++) { /* adjoint of a_k += (df / da_k) (adjoint of f) */
      const EngdNode argument = key.arg[k], before = g->node[argument].memo;
      EngdNode       term;

      if (!(op->smooth & 1u << k) || !g->node[argument].jet) continue;
      term                   = EngdGraphApply(g, ENGD_OP_MUL, adjoint, op->partial(g, node, k), 0);
      g->node[argument].memo = before < 0 ? term : EngdGraphApply(g, ENGD_OP_ADD, before, term, 0);
    }
  }
  PetscFunctionReturn(g->error);
}
