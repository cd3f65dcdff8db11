/*
  The unknowns u_theta(x), through the ansatz, and their space gradients at any points: for errors, fields and tables.

  Method: raw jets over blocks of points that fit the cache, then the expression of the outputs in them.
*/
#include <engd/private.h>

/* numbers of one layer's jet in a block, to stay in the second-level cache */
#define BLOCK_NUMBERS 16384

typedef struct {
  EngdModel      model;
  EngdExpression outputs;
  EngdJetLayout  layout;
  EngdJet        jet;
  EngdBatch     *x, *entry; /* [dim], [nentries] */
  PetscReal     *value;     /* [ncomponents][n] */
} Evaluation;

/* value <- the outputs and their gradients at n points */
static PetscErrorCode EvaluateBlock(Evaluation *e, const PetscReal theta[], PetscInt n, const PetscReal x[])
{
  const PetscInt dim = e->layout->dim;

  PetscFunctionBeginUser;
  PetscCall(EngdJetForward(e->jet, theta, n, x));
  for (PetscInt i = 0; i < dim; i++) e->x[i] = (EngdBatch){x + i, dim};
  for (PetscInt k = 0; k < e->outputs->nentries; k++) {
    const EngdJetEntry *entry   = &e->outputs->entry[k];
    PetscInt            channel = 0;
    EngdPlace           place;

    if (entry->output < e->model->network->noutputs) PetscCall(EngdJetLayoutFind(e->layout, entry, &channel));
    place       = EngdModelPlace(e->model, e->layout, n, entry, channel);
    e->entry[k] = (EngdBatch){e->jet->u + place.offset, place.stride};
  }
  PetscCall(EngdExpressionEvaluate(e->outputs, n, e->x, NULL, e->entry, e->value, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelEvaluate(EngdModel model, const PetscReal theta[], PetscInt n, const PetscReal x[],
                                 PetscReal u[], PetscReal gradient[])
{
  const PetscInt m = model->problem->noutputs, nspace = model->problem->domain->nspace,
                 dim = model->problem->domain->dim;
  Evaluation e       = {.model = model};
  PetscInt   size;

  PetscFunctionBeginUser;
  PetscCall(EngdProblemCreateOutputs(model->problem, (PetscBool)(gradient != NULL), &e.outputs));
  PetscCall(EngdModelCreateLayout(model, e.outputs->nentries, e.outputs->entry, &e.layout));
  size = PetscMax(1, PetscMin(n, BLOCK_NUMBERS / (model->network->widest * e.layout->nchannels)));
  PetscCall(EngdJetCreate(model->network, e.layout, size, &e.jet));
  PetscCall(
      PetscMalloc3(dim, &e.x, e.outputs->nentries, &e.entry, ENGD_COUNT(e.outputs->ncomponents, size), &e.value));
  for (PetscInt start = 0; start < n; start += size) {
    const PetscInt now = PetscMin(size, n - start);

    PetscCall(EvaluateBlock(&e, theta, now, x + ENGD_COUNT(start, dim)));
    for (PetscInt i = 0; i < now; i++) {
      for (PetscInt k = 0; k < m; k++) u[ENGD_COUNT(start + i, m) + k] = e.value[ENGD_COUNT(k, now) + i];
      for (PetscInt k = 0; gradient && k < m * nspace; k++)
        gradient[ENGD_COUNT(start + i, m * nspace) + k] = e.value[ENGD_COUNT(m + k, now) + i];
    }
  }
  PetscCall(PetscFree3(e.x, e.entry, e.value));
  PetscCall(EngdJetDestroy(&e.jet));
  PetscCall(EngdJetLayoutDestroy(&e.layout));
  PetscCall(EngdExpressionDestroy(&e.outputs));
  PetscFunctionReturn(PETSC_SUCCESS);
}
