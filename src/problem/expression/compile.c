/*
  Compile: which entries of the jet the components read, the structural non-zeros of dr_c/dDu_e (one reverse sweep a
  component) and of d^2 r_c / dDu_e dDu_f, e >= f (one reverse sweep for each of the former).
  A derivative is kept unless it simplifies to the number 0.
*/
#include "expressionimpl.h"

/* The structural non-zeros being collected, one row each */
typedef struct {
  PetscInt  n, size[4];
  PetscInt *component, *entry, *other;
  EngdNode *node;
} Derivatives;

typedef struct {
  EngdJetEntry entry;
  EngdNode     node;
} Leaf;

/* Order of entries: output, order, Laplacians (many before few), coordinate */
static int CompareLeaves(const void *p, const void *q)
{
  const EngdJetEntry *a = &((const Leaf *)p)->entry, *b = &((const Leaf *)q)->entry;

  if (a->output != b->output) return a->output < b->output ? -1 : 1;
  if (a->order != b->order) return a->order < b->order ? -1 : 1;
  if (a->laplacian != b->laplacian) return a->laplacian > b->laplacian ? -1 : 1;
  for (PetscInt k = 0; k < ENGD_JET_ORDER; k++) {
    if (a->coordinate[k] != b->coordinate[k]) return a->coordinate[k] < b->coordinate[k] ? -1 : 1;
  }
  return 0;
}

/* The jet entries that the components read, numbered */
static PetscErrorCode FindEntries(EngdExpression e)
{
  EngdGraph g = e->graph;
  Leaf     *leaf;

  PetscFunctionBeginUser;
  PetscCall(EngdGraphWalk(g, PETSC_FALSE, ENGD_ZERO));
  for (PetscInt c = 0; c < e->ncomponents; c++) PetscCall(EngdGraphWalk(g, PETSC_TRUE, g->component[c]));
  PetscCall(PetscMalloc1(g->norder, &leaf));
  for (PetscInt i = 0; i < g->norder; i++) {
    const EngdNode node = g->order[i];

    if (g->node[node].key.op == ENGD_OP_NORMAL) e->uses_normal = PETSC_TRUE;
    if (g->node[node].key.op != ENGD_OP_JET) continue;
    leaf[e->nentries].node = node;
    EngdGraphGetEntry(g, node, &leaf[e->nentries++].entry);
  }
  qsort(leaf, (size_t)e->nentries, sizeof(*leaf), CompareLeaves);
  PetscCall(PetscMalloc1(e->nentries, &e->entry));
  for (PetscInt i = 0; i < e->nentries; i++) {
    e->entry[i]                 = leaf[i].entry;
    g->node[leaf[i].node].entry = i;
  }
  PetscCall(PetscFree(leaf));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Appends the non-zero d root / dDu_f, f <= last, in the order of f. found, node: [nentries] scratch */
static PetscErrorCode AppendDerivatives(EngdExpression e, PetscInt component, PetscInt entry, EngdNode root,
                                        PetscInt last, PetscInt found[], EngdNode node[], Derivatives *d)
{
  EngdGraph g = e->graph;
  PetscInt  n = 0;

  PetscFunctionBeginUser;
  PetscCall(EngdGraphAdjoint(g, root));
  for (PetscInt i = 0; i < g->norder; i++) {
    const EngdGraphNode *leaf = &g->node[g->order[i]];

    if (leaf->key.op != ENGD_OP_JET || leaf->memo <= ENGD_ZERO || leaf->entry > last) continue;
    found[n]  = leaf->entry;
    node[n++] = leaf->memo;
  }
  PetscCall(PetscSortIntWithArray(n, found, node));
  PetscCall(EngdReserve(d->n + n, sizeof(PetscInt), &d->size[0], &d->component));
  PetscCall(EngdReserve(d->n + n, sizeof(PetscInt), &d->size[1], &d->entry));
  PetscCall(EngdReserve(d->n + n, sizeof(PetscInt), &d->size[2], &d->other));
  PetscCall(EngdReserve(d->n + n, sizeof(EngdNode), &d->size[3], &d->node));
  for (PetscInt i = 0; i < n; i++, d->n++) {
    d->component[d->n] = component;
    d->entry[d->n]     = entry < 0 ? found[i] : entry;
    d->other[d->n]     = found[i];
    d->node[d->n]      = node[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the first derivatives of the components, or of these the second ones */
static PetscErrorCode FindDerivatives(EngdExpression e, PetscBool twice, Derivatives *d)
{
  PetscInt *found;
  EngdNode *node;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(e->nentries, &found, e->nentries, &node));
  for (PetscInt c = 0; c < e->ncomponents && !twice; c++)
    PetscCall(AppendDerivatives(e, c, -1, e->graph->component[c], e->nentries, found, node, d));
  for (PetscInt k = 0; k < e->nfirst && twice; k++) {
    const PetscInt entry = e->first_entry[k];

    PetscCall(AppendDerivatives(e, e->first_component[k], entry, e->graph->first[k], entry, found, node, d));
  }
  PetscCall(PetscFree2(found, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdExpressionCompile(EngdExpression e, PetscInt order)
{
  Derivatives first = {0};

  PetscFunctionBeginUser;
  PetscCheck(!e->program, PETSC_COMM_SELF, PETSC_ERR_ORDER, "This expression is compiled already");
  PetscCheck(order >= 0 && order <= 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "Order of the derivatives in the jet is 0, 1 or 2, not %" PetscInt_FMT, order);
  PetscCall(FindEntries(e));
  if (order > 0) PetscCall(FindDerivatives(e, PETSC_FALSE, &first));
  e->nfirst          = first.n;
  e->first_component = first.component;
  e->first_entry     = first.entry;
  e->graph->first    = first.node;
  PetscCall(PetscFree(first.other));
  if (order < 2)
    PetscCall(EngdProgramCreate(e, e->graph->first, NULL, &e->program));
  else
    PetscCall(EngdExpressionDifferentiate(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what has been compiled is compiled anew */
PetscErrorCode EngdExpressionDifferentiate(EngdExpression e)
{
  Derivatives second = {0};

  PetscFunctionBeginUser;
  if (e->second_component) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FindDerivatives(e, PETSC_TRUE, &second));
  e->nsecond          = second.n;
  e->second_component = second.component;
  e->second_entry     = second.entry;
  e->second_other     = second.other;
  PetscCall(EngdProgramDestroy(&e->program));
  PetscCall(EngdProgramCreate(e, e->graph->first, second.node, &e->program));
  PetscCall(PetscFree(second.node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal EngdExpressionBytes(EngdExpression e)
{
  const EngdGraph   g    = e->graph;
  const EngdProgram p    = e->program;
  const PetscReal   node = sizeof(*g->node), key = sizeof(EngdKey) + sizeof(EngdNode) + 1;
  const PetscReal   indices = sizeof(PetscInt) * (2. * e->nfirst + 3. * e->nsecond + g->order_size + g->stack_size);

  return node * g->nodes_size + 2 * key * g->nnodes + indices + /* the map is half empty */
         sizeof(*p->instruction) * (PetscReal)p->instructions_size +
         sizeof(PetscReal) * ENGD_STRIP * (PetscReal)p->nstrips;
}
