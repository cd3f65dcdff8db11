/*
  The hash-consed expression graph: every node (operation, arguments, constant) exists once, and the arguments of a node
  have smaller numbers than it, so that any set of nodes sorted by number is in an order of evaluation.

  The constructors return the node, so that formulas read as formulas; a failed allocation is kept in graph->error.
  Nothing here recurses: a text of a million terms is a graph a million deep.
*/
#include "expressionimpl.h"

#define NODES_MAX 2000000 /* some 300 MB and a second or two */

/* Room for n entries of this many bytes in a growing array (a pointer to it), doubled so that growth costs O(1) each */
PetscErrorCode EngdReserve(PetscInt n, size_t bytes, PetscInt *size, void *array)
{
  void   **a = (void **)array;
  PetscInt larger;

  PetscFunctionBeginUser;
  if (n <= *size) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(*size <= PETSC_MAX_INT / 2, PETSC_COMM_SELF, PETSC_ERR_MEM, "an expression has too many operations");
  larger = PetscMax(n, PetscMax(64, 2 * *size));
  PetscCall(PetscRealloc(ENGD_COUNT(larger, bytes), a));
  *size = larger; /* only now, so that after a failure nobody writes where nothing is */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdGraphCreate(const EngdSymbols *symbols, EngdGraph *graph)
{
  EngdGraph g;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&g));
  g->symbols = symbols;
  PetscCall(PetscHMapEngdKeyCreate(&g->map));
  PetscCall(EngdReserve(64, sizeof(*g->node), &g->nodes_size, &g->node));
  *graph = g;
  EngdGraphNumber(g, 0.0); /* ENGD_ZERO */
  EngdGraphNumber(g, 1.0); /* ENGD_ONE */
  PetscFunctionReturn(g->error);
}

PetscErrorCode EngdGraphDestroy(EngdGraph *graph)
{
  EngdGraph g = *graph;

  PetscFunctionBeginUser;
  if (!g) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscHMapEngdKeyDestroy(&g->map));
  PetscCall(PetscFree(g->node));
  PetscCall(PetscFree(g->order));
  PetscCall(PetscFree(g->stack));
  PetscCall(PetscFree(g->component));
  PetscCall(PetscFree(g->first));
  PetscCall(PetscFree(g->ansatz));
  PetscCall(PetscFree(g->direction));
  PetscCall(PetscFree(g->pool));
  PetscCall(PetscFree(*graph));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the node a derivative in the jet: is it a leaf of it, or has an argument one on which it depends smoothly */
static PetscBool DependsOnJet(EngdGraph g, const EngdKey *key)
{
  if (key->op == ENGD_OP_JET) return PETSC_TRUE;
  for (PetscInt k = 0; k < engd_operation[key->op].nargs; k++) {
    if (engd_operation[key->op].smooth >> k & 1 && g->node[key->arg[k]].jet) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* The number of the node with this key; a + b and b + a, a b and b a are one node */
static PetscErrorCode FindOrAdd(EngdGraph g, EngdKey key, EngdNode *node)
{
  EngdKey swapped = key;

  PetscFunctionBeginUser;
  PetscCall(PetscHMapEngdKeyGet(g->map, key, node));
  if (*node >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (key.op == ENGD_OP_ADD || key.op == ENGD_OP_MUL) {
    swapped.arg[0] = key.arg[1];
    swapped.arg[1] = key.arg[0];
    PetscCall(PetscHMapEngdKeyGet(g->map, swapped, node));
    if (*node >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(
      g->nnodes < NODES_MAX, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
      "%s: the expression and its derivatives need more than %d operations; derivatives of nested quotients and "
      "powers grow so, name parts of them as unknowns of their own",
      g->option[0] ? g->option : "an expression", NODES_MAX);
  PetscCall(EngdReserve(g->nnodes + 1, sizeof(*g->node), &g->nodes_size, &g->node));
  *node          = g->nnodes++;
  g->node[*node] = (EngdGraphNode){.key = key, .jet = DependsOnJet(g, &key), .memo = -1, .entry = -1};
  PetscCall(PetscHMapEngdKeySet(g->map, key, *node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

EngdNode EngdGraphIntern(EngdGraph g, EngdOp op, PetscInt a, PetscInt b, PetscInt c, PetscReal value)
{
  EngdNode             node = ENGD_ZERO;
  EngdKey              key  = {.op = op, .arg = {a, b, c}, .value = value};
  const PetscErrorCode ierr = g->error ? g->error : FindOrAdd(g, key, &node);

  if (ierr) g->error = ierr;
  return ierr ? ENGD_ZERO : node;
}

EngdNode EngdGraphNumber(EngdGraph g, PetscReal value)
{
  return EngdGraphIntern(g, ENGD_OP_NUMBER, 0, 0, 0, value == 0.0 ? 0.0 : value); /* no second, negative zero */
}

/* op(a, b, c): a number when all arguments are (by the kernel that would run), else the simplest equal node */
EngdNode EngdGraphApply(EngdGraph g, EngdOp op, EngdNode a, EngdNode b, EngdNode c)
{
  const PetscInt   nargs   = engd_operation[op].nargs;
  const EngdNode   arg[3]  = {a, nargs > 1 ? b : 0, nargs > 2 ? c : 0};
  const PetscReal *v[3]    = {NULL, NULL, NULL};
  PetscBool        numbers = PETSC_TRUE;
  PetscReal        value   = 0.0;

  for (PetscInt k = 0; k < nargs; k++) {
    v[k] = &g->node[arg[k]].key.value;
    if (g->node[arg[k]].key.op != ENGD_OP_NUMBER) numbers = PETSC_FALSE;
  }
  /* a constant power is simplified first, to the operation that would run */
  if (!numbers || op == ENGD_OP_POW) return EngdGraphSimplify(g, op, arg[0], arg[1], arg[2]);
  engd_operation[op].kernel(1, v, &value);
  return EngdGraphNumber(g, value);
}

/*
  Appends to g->order the nodes below root that this walk has not met, arguments first (depth first, so that in the
  order of evaluation few results are alive at a time). more: go on with the last walk, else begin a new one.
*/
PetscErrorCode EngdGraphWalk(EngdGraph g, PetscBool more, EngdNode root)
{
  PetscInt nstack = 0;

  PetscFunctionBeginUser;
  PetscCall(g->error);
  if (!more) {
    g->walk++;
    g->norder = 0;
  }
  if (g->node[root].walk == g->walk) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdReserve(g->nnodes, sizeof(*g->order), &g->order_size, &g->order));
  PetscCall(EngdReserve(g->nnodes, sizeof(*g->stack), &g->stack_size, &g->stack));
  g->stack[nstack++] = root;
  g->node[root].walk = g->walk;
  while (nstack) {
    const EngdKey *key   = &g->node[g->stack[nstack - 1]].key;
    const PetscInt nargs = engd_operation[key->op].nargs;
    PetscInt       k     = 0;

    while (k < nargs && g->node[key->arg[k]].walk == g->walk) k++;
    if (k < nargs) {
      g->stack[nstack++]        = key->arg[k];
      g->node[key->arg[k]].walk = g->walk;
    } else
      g->order[g->norder++] = g->stack[--nstack];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
