/*
  Expressions of the unknowns u_theta(x), through the ansatz, at any points: for errors, fields, integrals and tables.

  Method: raw jets over blocks of points that fit the cache, then the expression in them.
*/
#include <engd/private.h>

/* numbers of one layer's jet in a block, to stay in the second-level cache */
#define BLOCK_NUMBERS 16384

typedef struct {
  EngdModel       model;
  EngdExpression  expression;
  EngdModelLayout layout;
  EngdModelJet    jet;
  EngdBatch      *x, *normal, *entry; /* [dim + ndata], [nspace], [nentries] */
  PetscReal      *value;              /* [ncomponents][n] */
} Evaluation;

/* value <- the expression at n points */
static PetscErrorCode EvaluateBlock(Evaluation *e, const PetscReal theta[], PetscInt n, const PetscReal x[],
                                    const PetscReal normal[], const PetscReal data[])
{
  const EngdSymbols *s = &e->expression->symbols;

  PetscFunctionBeginUser;
  PetscCall(EngdModelForward(e->jet, theta, n, x));
  for (PetscInt i = 0; i < s->dim; i++) e->x[i] = (EngdBatch){x + i, s->dim};
  for (PetscInt i = 0; i < s->ndata; i++) e->x[s->dim + i] = (EngdBatch){data + i, s->ndata};
  for (PetscInt i = 0; normal && i < s->nspace; i++) e->normal[i] = (EngdBatch){normal + i, s->nspace};
  for (PetscInt k = 0; k < e->expression->nentries; k++) {
    const EngdJetEntry *entry = &e->expression->entry[k];
    PetscInt            channel;
    EngdPlace           place;

    PetscCall(EngdModelLayoutFind(e->model, e->layout, entry, &channel));
    place       = EngdModelPlace(e->model, e->layout, n, entry, channel);
    e->entry[k] = (EngdBatch){e->jet->u + place.offset, place.stride};
  }
  PetscCall(
      EngdExpressionEvaluate(e->expression, n, e->x, normal ? e->normal : NULL, e->entry, e->value, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelEvaluateExpression(EngdModel model, EngdExpression expression, const PetscReal theta[],
                                           PetscInt n, const PetscReal x[], const PetscReal normal[],
                                           const PetscReal data[], PetscReal rows[])
{
  const EngdSymbols *s  = &expression->symbols;
  const PetscInt     nc = expression->ncomponents;
  Evaluation         e  = {.model = model, .expression = expression};
  PetscInt           size, widest = 1;

  PetscFunctionBeginUser;
  PetscCall(EngdModelLayoutCreate(model, expression->nentries, expression->entry, &e.layout));
  for (PetscInt k = 0; k < model->nparts; k++) widest = PetscMax(widest, model->part[k].network->widest);
  size = PetscMax(1, PetscMin(n, BLOCK_NUMBERS / (widest * e.layout->nchannels)));
  PetscCall(EngdModelJetCreate(model, e.layout, size, &e.jet));
  PetscCall(PetscMalloc4(s->dim + s->ndata, &e.x, s->nspace, &e.normal, expression->nentries, &e.entry,
                         ENGD_COUNT(nc, size), &e.value));
  for (PetscInt start = 0; start < n; start += size) {
    const PetscInt now = PetscMin(size, n - start);

    PetscCall(EvaluateBlock(&e, theta, now, x + ENGD_COUNT(start, s->dim),
                            normal ? normal + ENGD_COUNT(start, s->nspace) : NULL,
                            data ? data + ENGD_COUNT(start, s->ndata) : NULL));
    for (PetscInt i = 0; i < now; i++) {
      for (PetscInt c = 0; c < nc; c++) rows[ENGD_COUNT(start + i, nc) + c] = e.value[ENGD_COUNT(c, now) + i];
    }
  }
  PetscCall(PetscFree4(e.x, e.normal, e.entry, e.value));
  PetscCall(EngdModelJetDestroy(&e.jet));
  PetscCall(EngdModelLayoutDestroy(&e.layout));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelEvaluate(EngdModel model, const PetscReal theta[], PetscInt n, const PetscReal x[],
                                 PetscReal u[], PetscReal gradient[])
{
  const PetscInt m = model->problem->noutputs, slopes = gradient ? m * model->problem->domain->nspace : 0;
  PetscReal     *rows = u;
  EngdExpression outputs;

  PetscFunctionBeginUser;
  PetscCall(EngdProblemCreateOutputs(model->problem, (PetscBool)(gradient != NULL), &outputs));
  if (gradient) PetscCall(PetscMalloc1(ENGD_COUNT(m + slopes, n), &rows));
  PetscCall(EngdModelEvaluateExpression(model, outputs, theta, n, x, NULL, NULL, rows));
  for (PetscInt i = 0; gradient && i < n; i++) {
    PetscCall(PetscArraycpy(u + ENGD_COUNT(i, m), rows + ENGD_COUNT(i, m + slopes), m));
    PetscCall(PetscArraycpy(gradient + ENGD_COUNT(i, slopes), rows + ENGD_COUNT(i, m + slopes) + m, slopes));
  }
  if (gradient) PetscCall(PetscFree(rows));
  PetscCall(EngdExpressionDestroy(&outputs));
  PetscFunctionReturn(PETSC_SUCCESS);
}
