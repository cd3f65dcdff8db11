/*
  Expressions of the unknowns u_theta(x), through the ansatz, at any points: for errors, fields, integrals and tables.

  Method: raw jets over blocks of points that fit the cache, then the expression in them.
*/
#include <engd/private.h>

/* numbers of one layer's jet in a block, to stay in the second-level cache */
#define BLOCK_NUMBERS 16384

struct _n_EngdEvaluator {
  EngdModel       model;
  EngdExpression  expression;
  EngdModelLayout layout;
  EngdModelJet    jet;
  PetscInt        size;               /* points of a block */
  EngdBatch      *x, *normal, *entry; /* [dim + ndata], [nspace], [nentries] */
  PetscReal      *value;              /* [ncomponents][size] */
};

/* EngdEvaluatorCreate - an expression of the unknowns, to be evaluated again and again at up to n points. Not collective */
PetscErrorCode EngdEvaluatorCreate(EngdModel model, EngdExpression expression, PetscInt n, EngdEvaluator *out)
{
  const EngdSymbols *s = &expression->symbols;
  EngdEvaluator      e;
  PetscInt           widest = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&e));
  e->model      = model;
  e->expression = expression;
  PetscCall(EngdModelLayoutCreate(model, expression->nentries, expression->entry, &e->layout));
  for (PetscInt k = 0; k < model->nparts; k++) widest = PetscMax(widest, model->part[k].network->widest);
  e->size = PetscMax(1, PetscMin(n, BLOCK_NUMBERS / (widest * e->layout->nchannels)));
  PetscCall(EngdModelJetCreate(model, e->layout, e->size, &e->jet));
  PetscCall(PetscMalloc4(s->dim + s->ndata, &e->x, s->nspace, &e->normal, expression->nentries, &e->entry,
                         ENGD_COUNT(expression->ncomponents, e->size), &e->value));
  *out = e;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvaluatorDestroy(EngdEvaluator *e)
{
  PetscFunctionBeginUser;
  if (!*e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4((*e)->x, (*e)->normal, (*e)->entry, (*e)->value));
  PetscCall(EngdModelJetDestroy(&(*e)->jet));
  PetscCall(EngdModelLayoutDestroy(&(*e)->layout));
  PetscCall(PetscFree(*e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* value <- the expression at n points */
static PetscErrorCode EvaluateBlock(EngdEvaluator e, const PetscReal theta[], PetscInt n, const PetscReal x[],
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

/* EngdEvaluatorApply - rows [n][ncomponents] at one theta, whole. Not collective */
PetscErrorCode EngdEvaluatorApply(EngdEvaluator e, const PetscReal theta[], PetscInt n, const PetscReal x[],
                                  const PetscReal normal[], const PetscReal data[], PetscReal rows[])
{
  const EngdSymbols *s  = &e->expression->symbols;
  const PetscInt     nc = e->expression->ncomponents;

  PetscFunctionBeginUser;
  for (PetscInt start = 0; start < n; start += e->size) {
    const PetscInt now = PetscMin(e->size, n - start);

    PetscCall(EvaluateBlock(e, theta, now, x + ENGD_COUNT(start, s->dim),
                            normal ? normal + ENGD_COUNT(start, s->nspace) : NULL,
                            data ? data + ENGD_COUNT(start, s->ndata) : NULL));
    for (PetscInt i = 0; i < now; i++) {
      for (PetscInt c = 0; c < nc; c++) rows[ENGD_COUNT(start + i, nc) + c] = e->value[ENGD_COUNT(c, now) + i];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same once */
static PetscErrorCode EvaluateAt(EngdModel model, EngdExpression expression, const PetscReal theta[], PetscInt n,
                                 const PetscReal x[], const PetscReal normal[], const PetscReal data[],
                                 PetscReal rows[])
{
  EngdEvaluator e;

  PetscFunctionBeginUser;
  PetscCall(EngdEvaluatorCreate(model, expression, n, &e));
  PetscCall(EngdEvaluatorApply(e, theta, n, x, normal, data, rows));
  PetscCall(EngdEvaluatorDestroy(&e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* to[k] = from[which[k]], or the other way round, `width` numbers each */
static void Pick(PetscInt n, const PetscInt which[], PetscInt width, const PetscReal from[], PetscReal to[],
                 PetscBool back)
{
  for (PetscInt k = 0; k < n; k++) {
    const size_t there = ENGD_COUNT(which[k], width), here = ENGD_COUNT(k, width);

    for (PetscInt c = 0; c < width; c++) {
      if (back)
        to[there + (size_t)c] = from[here + (size_t)c];
      else
        to[here + (size_t)c] = from[there + (size_t)c];
    }
  }
}

/* the points of each window in turn, at the theta of that window; those beyond the present one at the present theta */
static PetscErrorCode EvaluateWindows(EngdModel model, EngdExpression expression, const PetscReal theta[], PetscInt n,
                                      const PetscReal x[], const PetscReal normal[], const PetscReal data[],
                                      PetscReal rows[])
{
  const EngdSymbols *s      = &expression->symbols;
  const EngdDomain   domain = model->problem->domain;
  const PetscInt     nc     = expression->ncomponents;
  PetscInt          *which;
  PetscReal         *y, *m, *d, *r;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc5(n, &which, ENGD_COUNT(n, s->dim), &y, ENGD_COUNT(n, s->nspace), &m, ENGD_COUNT(n, s->ndata),
                         &d, ENGD_COUNT(n, nc), &r));
  for (PetscInt w = 0; w <= model->npast; w++) {
    PetscInt here = 0;

    for (PetscInt i = 0; i < n; i++) {
      const PetscInt window = EngdDomainFindWindow(domain, x[ENGD_COUNT(i, s->dim) + (size_t)domain->nspace]);

      if (PetscMin(window, model->npast) == w) which[here++] = i;
    }
    if (!here) continue;
    Pick(here, which, s->dim, x, y, PETSC_FALSE);
    if (normal) Pick(here, which, s->nspace, normal, m, PETSC_FALSE);
    if (data) Pick(here, which, s->ndata, data, d, PETSC_FALSE);
    PetscCall(EvaluateAt(model, expression, w < model->npast ? model->past[w] : theta, here, y, normal ? m : NULL,
                         data ? d : NULL, r));
    Pick(here, which, nc, r, rows, PETSC_TRUE);
  }
  PetscCall(PetscFree5(which, y, m, d, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelEvaluateExpression(EngdModel model, EngdExpression expression, const PetscReal theta[],
                                           PetscInt n, const PetscReal x[], const PetscReal normal[],
                                           const PetscReal data[], PetscReal rows[])
{
  PetscFunctionBeginUser;
  if (model->npast)
    PetscCall(EvaluateWindows(model, expression, theta, n, x, normal, data, rows));
  else
    PetscCall(EvaluateAt(model, expression, theta, n, x, normal, data, rows));
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
