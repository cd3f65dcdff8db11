/*
  Runs the program of an expression on strips of points: every instruction is one loop over a strip. Nothing is allocated;
  the strips belong to the expression, so one evaluation at a time.
  Without first and second derivatives only the part of the program that the values need is run.
*/
#include "expressionimpl.h"

typedef struct {
  PetscInt             start, m, n; /* points of the strip, of the batch */
  const EngdBatch     *x, *normal, *jet;
  PetscReal           *out[3];
  const EngdTabulated *table;
} Strip;

/* y_i = number start + i of the batch */
static void Load(const EngdBatch *batch, const Strip *s, PetscReal *restrict y)
{
  const PetscReal *base = batch->base + (size_t)s->start * (size_t)batch->stride;

  if (batch->stride == 1) {
    for (PetscInt i = 0; i < s->m; i++) y[i] = base[i];
  } else {
    for (PetscInt i = 0; i < s->m; i++) y[i] = base[(size_t)i * (size_t)batch->stride];
  }
}

static void Run(const struct _n_EngdProgram *p, PetscInt end, const Strip *s)
{
  for (PetscInt k = 0; k < end; k++) {
    const EngdInstruction *q    = &p->instruction[k];
    PetscReal             *y    = p->strip + ENGD_COUNT(q->out, ENGD_STRIP), *row;
    const PetscReal       *v[3] = {NULL, NULL, NULL};

    switch (q->op) {
    case ENGD_OP_NUMBER:
      for (PetscInt i = 0; i < s->m; i++) y[i] = q->value;
      break;
    case ENGD_OP_X: Load(&s->x[q->arg[0]], s, y); break;
    case ENGD_OP_NORMAL: Load(&s->normal[q->arg[0]], s, y); break;
    case ENGD_OP_JET: Load(&s->jet[q->arg[0]], s, y); break;
    case ENGD_OP_STORE:
      row = s->out[q->arg[0]];
      if (row) memcpy(row + ENGD_COUNT(q->arg[1], s->n) + s->start, y, (size_t)s->m * sizeof(*y));
      break;
    default:
      for (PetscInt j = 0; j < engd_operation[q->op].nargs; j++) v[j] = p->strip + ENGD_COUNT(q->arg[j], ENGD_STRIP);
      if (q->op == ENGD_OP_TABLE)
        EngdTabulatedEvaluate(s->table, q->value, s->m, v, y);
      else
        engd_operation[q->op].kernel(s->m, v, y);
    }
  }
}

PetscErrorCode EngdExpressionEvaluate(EngdExpression e, PetscInt n, const EngdBatch x[], const EngdBatch normal[],
                                      const EngdBatch jet[], PetscReal value[], PetscReal first[], PetscReal second[])
{
  const EngdProgram p = e->program;
  Strip s = {.n = n, .x = x, .normal = normal, .jet = jet, .out = {value, first, second}, .table = e->symbols.table};
  const PetscInt upto = second ? 2 : first ? 1 : 0;

  PetscFunctionBeginUser;
  PetscCheck(p, PETSC_COMM_SELF, PETSC_ERR_ORDER, "Compile the expression before it is evaluated");
  PetscCheck(normal || !e->uses_normal, PETSC_COMM_SELF, PETSC_ERR_ARG_NULL, "The expression needs the normal");
  for (s.start = 0; s.start < n; s.start += ENGD_STRIP) {
    s.m = PetscMin(ENGD_STRIP, n - s.start);
    Run(p, p->end[upto], &s);
  }
  PetscCall(PetscLogFlops(p->flops[upto] * (PetscLogDouble)n));
  PetscFunctionReturn(PETSC_SUCCESS);
}
