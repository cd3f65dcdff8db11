/*
  The Laplacian of f(x, u(x), ..) from random dimensions of the space coordinates (stochastic Taylor derivatives).

    lap f = sum_a f_a lap(u_a) + sum_ab f_ab grad u_a . grad u_b + 2 sum_a (grad_x f_a) . grad u_a + lap_x f

  where grad_x and lap_x are at constant u. What random dimensions j_1, ..., j_s of the d of each point estimate are the sums of
  the first two kinds, by d/s times s of their d terms: lap(u_a) is one entry of the jet as before, whose first derivatives are
  s. The third kind is one derivative of u_a, along the vector 2 grad_x f_a, and exact, as is the last: an ansatz such as
  (1 - |x|^2) u adds no noise. Vectors that depend on u themselves are taken coordinate by coordinate, at the cost of d entries.
  Reference: Shi, Hu, Lin, Kawaguchi, Stochastic Taylor derivative estimator (arXiv 2412.00088), sparse random jets; Hu, Shukla,
  Karniadakis, Kawaguchi (arXiv 2307.12306).
*/
#include "expressionimpl.h"

/* sum += a b */
static void AddProduct(EngdGraph g, EngdNode a, EngdNode b, EngdNode *sum)
{
  *sum = EngdGraphApply(g, ENGD_OP_ADD, *sum, EngdGraphApply(g, ENGD_OP_MUL, a, b, 0), 0);
}

/* sum += f_a lap(u_a) + sum_k D_k(f_a) D_k(u_a) with D_k along random dimension k at constant x */
static PetscErrorCode AddEstimate(EngdGraph g, EngdNode leaf, EngdNode adjoint, EngdNode *sum)
{
  EngdNode inner, outer;

  PetscFunctionBeginUser;
  PetscCall(EngdGraphJetDerivative(g, leaf, -1, &inner));
  AddProduct(g, adjoint, inner, sum);
  for (PetscInt k = 0; k < g->symbols->nrandom && !g->fault[0]; k++) {
    PetscCall(EngdGraphTotalDerivative(g, adjoint, g->symbols->dim + k, &outer));
    if (outer == ENGD_ZERO) continue;
    PetscCall(EngdGraphJetDerivative(g, leaf, g->symbols->dim + k, &inner));
    AddProduct(g, outer, inner, sum);
  }
  PetscFunctionReturn(g->error);
}

/* does any of these nodes read the jet */
static PetscErrorCode ReadsJet(EngdGraph g, PetscInt n, const EngdNode node[], PetscBool *reads)
{
  PetscFunctionBeginUser;
  *reads = PETSC_FALSE;
  PetscCall(EngdGraphWalk(g, PETSC_FALSE, ENGD_ZERO));
  for (PetscInt i = 0; i < n; i++) PetscCall(EngdGraphWalk(g, PETSC_TRUE, node[i]));
  for (PetscInt i = 0; i < g->norder; i++)
    if (g->node[g->order[i]].key.op == ENGD_OP_JET) *reads = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the number of this vector among the directions, a new one where it is none of them; -1 where there is no room */
static PetscErrorCode FindDirection(EngdGraph g, const EngdNode vector[], PetscInt *number)
{
  const PetscInt n = g->symbols->nspace;

  PetscFunctionBeginUser;
  if (!g->direction) PetscCall(PetscMalloc1(ENGD_DIRECTIONS_MAX * n, &g->direction));
  for (*number = 0; *number < g->ndirections; ++*number) {
    PetscBool same;

    PetscCall(PetscArraycmp(g->direction + *number * n, vector, n, &same));
    if (same) PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (*number == ENGD_DIRECTIONS_MAX) {
    *number = -1;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscArraycpy(g->direction + *number * n, vector, n));
  g->ndirections++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum += v . grad u_a, v = 2 grad_x f_a; v: [nspace] scratch */
static PetscErrorCode AddGradient(EngdGraph g, EngdNode leaf, EngdNode adjoint, EngdNode v[], EngdNode *sum)
{
  const EngdNode two    = EngdGraphNumber(g, 2.0);
  const PetscInt nspace = g->symbols->nspace;
  PetscBool      zero   = PETSC_TRUE, reads;
  PetscInt       number = -1;
  EngdNode       inner;

  PetscFunctionBeginUser;
  g->hold = PETSC_TRUE;
  for (PetscInt i = 0; i < nspace; i++) {
    PetscCall(EngdGraphTotalDerivative(g, adjoint, i, &inner));
    v[i] = EngdGraphApply(g, ENGD_OP_MUL, two, inner, 0);
    zero = (PetscBool)(zero && v[i] == ENGD_ZERO);
  }
  g->hold = PETSC_FALSE;
  if (zero) PetscFunctionReturn(g->error);
  PetscCall(ReadsJet(g, nspace, v, &reads));
  if (!reads) PetscCall(FindDirection(g, v, &number));
  if (number >= 0) {
    PetscCall(EngdGraphJetDerivative(g, leaf, g->symbols->dim + g->symbols->nrandom + number, &inner));
    *sum = EngdGraphApply(g, ENGD_OP_ADD, *sum, inner, 0);
    PetscFunctionReturn(g->error);
  }
  for (PetscInt i = 0; i < nspace; i++) {
    if (v[i] == ENGD_ZERO) continue;
    PetscCall(EngdGraphJetDerivative(g, leaf, i, &inner));
    AddProduct(g, v[i], inner, sum);
  }
  PetscFunctionReturn(g->error);
}

/* the Laplacian of root, whose derivative in the jet entry leaf[2 k] is leaf[2 k + 1] */
PetscErrorCode EngdGraphRandomLaplacian(EngdGraph g, EngdNode root, PetscInt n, const EngdNode leaf[], EngdNode *sum)
{
  EngdNode *v, first, second;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(g->symbols->nspace, &v));
  for (PetscInt k = 0; k < n && !g->fault[0]; k++) {
    EngdJetEntry entry;

    EngdGraphGetEntry(g, leaf[2 * k], &entry);
    if (entry.output >= g->symbols->noutputs) continue; /* an unknown parameter: a constant */
    PetscCall(AddEstimate(g, leaf[2 * k], leaf[2 * k + 1], sum));
    PetscCall(AddGradient(g, leaf[2 * k], leaf[2 * k + 1], v, sum));
  }
  g->hold = PETSC_TRUE;
  for (PetscInt i = 0; i < g->symbols->nspace; i++) {
    PetscCall(EngdGraphTotalDerivative(g, root, i, &first));
    PetscCall(EngdGraphTotalDerivative(g, first, i, &second));
    *sum = EngdGraphApply(g, ENGD_OP_ADD, *sum, second, 0);
  }
  g->hold = PETSC_FALSE;
  PetscCall(PetscFree(v));
  PetscFunctionReturn(g->error);
}

/* another expression with the nodes of e, for another program */
static PetscErrorCode CopyGraph(EngdExpression e, EngdExpression *copy)
{
  const EngdGraph from = e->graph;
  EngdGraph       to;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(copy));
  (*copy)->symbols = e->symbols;
  PetscCall(EngdGraphCreate(&(*copy)->symbols, &to));
  (*copy)->graph = to;
  PetscCall(EngdReserve(from->nnodes, sizeof(*to->node), &to->nodes_size, &to->node));
  PetscCall(PetscArraycpy(to->node, from->node, from->nnodes));
  to->nnodes = from->nnodes;
  for (PetscInt k = 0; k < to->nnodes; k++) to->node[k].walk = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdExpressionCreateDirections(EngdExpression e, EngdExpression *directions)
{
  const PetscInt n = e->graph->ndirections * e->symbols.nspace;
  EngdGraph      g;

  PetscFunctionBeginUser;
  *directions = NULL;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CopyGraph(e, directions));
  g = (*directions)->graph;
  PetscCall(EngdReserve(n, sizeof(*g->component), &g->components_size, &g->component));
  PetscCall(PetscArraycpy(g->component, e->graph->direction, n));
  (*directions)->ncomponents = g->ncomponents = n;
  PetscCall(EngdExpressionCompile(*directions, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
