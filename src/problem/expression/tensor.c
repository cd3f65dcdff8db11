/*
  Tensors of second order: values of the language that are rows of entries.

    [[a, b], [c, d]]    grad([u, v])_ij = d v_i/d x_j    hess(u)_ij = d^2 u/d x_i d x_j    div(T)_i = sum_j d T_ij/d x_j

    transpose(T)   sym(T) = (T + T')/2   trace(T) = sum_i T_ii   identity(), identity(n)   outer(a, b)_ij = a_i b_j
    dot(a, b) = sum_i a_i b_i    dot(T, v)_i = sum_j T_ij v_j    dot(v, T)_j = sum_i v_i T_ij    dot(S, T)_ij = sum_k S_ik T_kj
    ddot(S, T) = sum_ij S_ij T_ij

  Arithmetic and functions of numbers work entry by entry, on tensors of one shape; a residual that is a tensor has as many
  components as entries. Those of higher order are not known; their contractions are sums that can be written out.
*/
#include "expressionimpl.h"

const char *EngdValueShape(const EngdValue *value, size_t size, char text[])
{
  if (value->rows)
    snprintf(text, size, "tensor of %" PetscInt_FMT " x %" PetscInt_FMT " entries", value->rows,
             value->n / value->rows);
  else if (value->vector)
    snprintf(text, size, "vector of %" PetscInt_FMT " entr%s", value->n, value->n == 1 ? "y" : "ies");
  else
    snprintf(text, size, "number");
  return text;
}

PetscErrorCode EngdValueTake(EngdParser *p, const EngdValue *from, PetscInt n, PetscInt first, PetscInt stride,
                             EngdValue *value)
{
  EngdGraph g = p->graph;

  PetscFunctionBeginUser;
  if (from->paired)
    PetscCall(EngdComplexCreate(p, PETSC_TRUE, n, value));
  else
    PetscCall(EngdValueCreate(p, PETSC_TRUE, n, value));
  for (PetscInt k = 0; k < (from->paired ? 2 : 1); k++) {
    for (PetscInt i = 0; i < n; i++)
      g->pool[value->offset + k * n + i] = g->pool[from->offset + k * from->n + first + i * stride];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* numbers make a vector, vectors of one length the rows of a tensor */
PetscErrorCode EngdValueStack(EngdParser *p, PetscInt column, PetscInt n, const EngdValue part[], EngdValue *value)
{
  EngdGraph      g     = p->graph;
  const PetscInt width = part[0].n;
  EngdValue      re, im;
  char           shape[64], other[64];

  PetscFunctionBeginUser;
  PetscCall(EngdValueCreate(p, PETSC_TRUE, n * width, &re));
  PetscCall(EngdValueCreate(p, PETSC_TRUE, n * width, &im));
  for (PetscInt i = 0; i < n; i++) {
    const EngdValue *entry = &part[i];

    if (entry->rows || entry->n != width || entry->vector != part[0].vector)
      PetscCall(EngdParserFail(
          p, column,
          "entry %" PetscInt_FMT " of the vector is a %s, and the first one a %s; entries are numbers, "
          "or rows of a tensor that are vectors of one length",
          i + 1, EngdValueShape(entry, sizeof(shape), shape), EngdValueShape(&part[0], sizeof(other), other)));
    for (PetscInt j = 0; j < width; j++) {
      g->pool[re.offset + i * width + j] = g->pool[entry->offset + j];
      g->pool[im.offset + i * width + j] = entry->paired ? g->pool[entry->offset + width + j] : ENGD_ZERO;
    }
  }
  PetscCall(EngdComplexJoin(p, &re, &im, value));
  value->rows = part[0].vector ? n : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* fails unless it is a tensor, square if it must be */
static PetscErrorCode Check(EngdParser *p, PetscInt column, const char name[], PetscBool square, const EngdValue *T)
{
  char shape[64];

  PetscFunctionBeginUser;
  if (T->rows && (!square || T->rows * T->rows == T->n)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdParserFail(p, column, "%s() needs a %stensor, as grad([u, v]) or [[a, b], [c, d]], not a %s", name,
                           square ? "square " : "", EngdValueShape(T, sizeof(shape), shape)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Row(EngdParser *p, const EngdValue *T, PetscInt i, EngdValue *row)
{
  const PetscInt width = T->n / T->rows;

  PetscFunctionBeginUser;
  PetscCall(EngdValueTake(p, T, width, i * width, 1, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTensorTranspose(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                                   EngdValue *value)
{
  const EngdValue T = arg[0];
  EngdGraph       g = p->graph;
  PetscInt        width;

  PetscFunctionBeginUser;
  (void)op;
  (void)n;
  PetscCall(Check(p, column, "transpose", PETSC_FALSE, &T));
  width = T.n / T.rows;
  PetscCall(EngdValueTake(p, &T, T.n, 0, 1, value));
  for (PetscInt k = 0; k < (T.paired ? 2 : 1); k++) {
    for (PetscInt i = 0; i < T.rows; i++) {
      for (PetscInt j = 0; j < width; j++)
        g->pool[value->offset + k * T.n + j * T.rows + i] = g->pool[T.offset + k * T.n + i * width + j];
    }
  }
  value->rows = width;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTensorSym(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                             EngdValue *value)
{
  EngdValue pair[2];

  PetscFunctionBeginUser;
  PetscCall(Check(p, column, "sym", PETSC_TRUE, &arg[0]));
  pair[0] = arg[0];
  PetscCall(EngdTensorTranspose(p, column, op, n, arg, &pair[1]));
  PetscCall(EngdValueApply(p, column, ENGD_OP_ADD, 2, pair, &pair[0]));
  PetscCall(EngdValueCreate(p, PETSC_FALSE, 1, &pair[1]));
  p->graph->pool[pair[1].offset] = EngdGraphNumber(p->graph, 0.5);
  PetscCall(EngdValueApply(p, column, ENGD_OP_MUL, 2, pair, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_i a_i b_i of two vectors, or of numbers */
static PetscErrorCode Inner(EngdParser *p, PetscInt column, const EngdValue arg[], EngdValue *value)
{
  EngdValue product, pair[2];

  PetscFunctionBeginUser;
  PetscCall(EngdValueApply(p, column, ENGD_OP_MUL, 2, arg, &product));
  for (PetscInt i = 0; i < product.n; i++) {
    PetscCall(EngdValueTake(p, &product, 1, i, 1, &pair[1]));
    pair[1].vector = PETSC_FALSE;
    if (i) PetscCall(EngdValueApply(p, column, ENGD_OP_ADD, 2, pair, &pair[1]));
    pair[0] = pair[1];
  }
  *value = pair[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTensorTrace(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                               EngdValue *value)
{
  EngdValue pair[2];

  PetscFunctionBeginUser;
  (void)op;
  (void)n;
  PetscCall(Check(p, column, "trace", PETSC_TRUE, &arg[0]));
  PetscCall(EngdValueTake(p, arg, arg->rows, 0, arg->rows + 1, &pair[0]));
  PetscCall(EngdValueCreate(p, PETSC_FALSE, 1, &pair[1]));
  p->graph->pool[pair[1].offset] = ENGD_ONE;
  PetscCall(Inner(p, column, pair, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* identity(), of as many rows as there are space coordinates, or identity(n) */
PetscErrorCode EngdTensorIdentity(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                                  EngdValue *value)
{
  EngdGraph      g    = p->graph;
  const EngdKey *key  = n ? &g->node[g->pool[arg->offset]].key : NULL;
  const PetscInt most = 64;
  PetscInt       rows = g->symbols->nspace;

  PetscFunctionBeginUser;
  (void)op;
  if (n && (arg->vector || arg->paired || key->op != ENGD_OP_NUMBER || !(key->value >= 1 && key->value <= most) ||
            key->value != PetscFloorReal(key->value)))
    PetscCall(EngdParserFail(p, column, "identity() takes a whole number from 1 to %" PetscInt_FMT, most));
  if (n) rows = (PetscInt)key->value;
  PetscCall(EngdValueCreate(p, PETSC_TRUE, rows * rows, value));
  for (PetscInt i = 0; i < rows * rows; i++) g->pool[value->offset + i] = i % (rows + 1) ? ENGD_ZERO : ENGD_ONE;
  value->rows = rows;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTensorOuter(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                               EngdValue *value)
{
  const EngdValue a = arg[0], b = arg[1];
  EngdValue      *row, pair[2]  = {b, b};

  PetscFunctionBeginUser;
  (void)op;
  (void)n;
  if (!a.vector || !b.vector || a.rows || b.rows)
    PetscCall(EngdParserFail(p, column, "outer() needs two vectors, as in outer([u, v], [u, v])"));
  PetscCall(PetscMalloc1(a.n, &row));
  for (PetscInt i = 0; i < a.n; i++) {
    PetscCall(EngdValueTake(p, &a, 1, i, 1, &pair[0]));
    pair[0].vector = PETSC_FALSE;
    PetscCall(EngdValueApply(p, column, ENGD_OP_MUL, 2, pair, &row[i]));
  }
  PetscCall(EngdValueStack(p, column, a.n, row, value));
  PetscCall(PetscFree(row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTensorDdot(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                              EngdValue *value)
{
  const EngdValue pair[2] = {arg[0], arg[1]};

  PetscFunctionBeginUser;
  (void)op;
  (void)n;
  PetscCall(Check(p, column, "ddot", PETSC_FALSE, &pair[0]));
  PetscCall(Check(p, column, "ddot", PETSC_FALSE, &pair[1]));
  PetscCall(Inner(p, column, pair, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* row i of a tensor on the left, column i of one on the right; of a vector itself */
static PetscErrorCode Slice(EngdParser *p, const EngdValue *T, PetscInt i, PetscBool left, EngdValue *slice)
{
  PetscFunctionBeginUser;
  *slice = *T;
  if (T->rows && left) PetscCall(Row(p, T, i, slice));
  if (T->rows && !left) PetscCall(EngdValueTake(p, T, T->rows, i, T->n / T->rows, slice));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dot(a, b), of which one is a tensor */
static PetscErrorCode TensorDot(EngdParser *p, PetscInt column, const EngdValue *a, const EngdValue *b,
                                EngdValue *value)
{
  const PetscInt nrows = a->rows ? a->rows : 1, ncolumns = b->rows ? b->n / b->rows : 1;
  EngdValue     *row, *entry, pair[2];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(nrows, &row, ncolumns, &entry));
  for (PetscInt i = 0; i < nrows; i++) {
    PetscCall(Slice(p, a, i, PETSC_TRUE, &pair[0]));
    for (PetscInt j = 0; j < ncolumns; j++) {
      PetscCall(Slice(p, b, j, PETSC_FALSE, &pair[1]));
      PetscCall(Inner(p, column, pair, &entry[j]));
    }
    if (b->rows)
      PetscCall(EngdValueStack(p, column, ncolumns, entry, &row[i]));
    else
      row[i] = entry[0];
  }
  if (a->rows)
    PetscCall(EngdValueStack(p, column, nrows, row, value));
  else
    *value = row[0];
  PetscCall(PetscFree2(row, entry));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTensorDot(EngdParser *p, PetscInt column, EngdOp op, PetscInt n, const EngdValue arg[],
                             EngdValue *value)
{
  const EngdValue a = arg[0], b = arg[1];
  const PetscInt  inner = a.rows ? a.n / a.rows : a.n, other = b.rows ? b.rows : b.n;
  char            shape[64], second[64];

  PetscFunctionBeginUser;
  (void)op;
  (void)n;
  if (inner != other || a.vector != b.vector) {
    if (a.rows || b.rows)
      PetscCall(EngdParserFail(p, column, "dot() of a %s and a %s; the last length of one is the first of the other",
                               EngdValueShape(&a, sizeof(shape), shape), EngdValueShape(&b, sizeof(second), second)));
    if (inner != other)
      PetscCall(EngdParserFail(p, column, "dot() of %" PetscInt_FMT " and %" PetscInt_FMT " entries", a.n, b.n));
  }
  if (a.rows || b.rows) {
    PetscCall(TensorDot(p, column, &a, &b, value));
  } else {
    const EngdValue pair[2] = {a, b};

    PetscCall(Inner(p, column, pair, value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
