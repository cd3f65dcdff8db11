/*
  Functions of one to three numbers that are given by their values on a rectangular grid: tensor products of cubic splines.

    s(x) = sum_k c_ik (x - x_i)^k on the cell [x_i, x_{i+1}], two continuous derivatives, the third one alike in the first two and in
    the last two cells (not-a-knot); a parabola through three nodes, a line through two

  The coefficients of a cell, 4^dim of them, come from one spline along each axis in turn, each linear in the values. Derivatives
  up to third order in each argument are those of the polynomials. In the graph a derivative is one operation, of three arguments,
  whose constant says the table and the orders. Outside of the grid there is no value: NaN, and the table keeps where that was.
  Reference: de Boor, A practical guide to splines, chapters IV and XVII.
*/
#include "expressionimpl.h"

#define MOST_NUMBERS 100000000 /* coefficients, 800 MB */

struct _n_EngdTabulated {
  char      *name, *argument[3];
  PetscInt   dim, n[3];    /* nodes along each axis */
  PetscReal *x[3];         /* [n] */
  PetscReal *coefficient;  /* (4, n_1 - 1), ... the last axis fastest, in an axis the powers */
  PetscBool  outside;      /* was there a point outside, */
  PetscInt   outside_axis; /* and which of its arguments was where */
  PetscReal  outside_at;
};

/* slope (n) of the spline at its nodes from its values y: a tridiagonal system, but for the corners of its first and last row that
   not-a-knot leaves out; elimination without pivots, as rows are diagonally dominant behind the first */
static void FindSlopes(PetscInt n, const PetscReal x[], const PetscReal y[], PetscReal work[], PetscReal slope[])
{
  PetscReal *upper = work, *h = work + n, *q = work + 2 * n;

  for (PetscInt i = 0; i < n - 1; i++) {
    h[i] = x[i + 1] - x[i];
    q[i] = (y[i + 1] - y[i]) / h[i];
  }
  if (n == 2) slope[0] = slope[1] = q[0];
  if (n == 3) {
    slope[1] = (h[1] * q[0] + h[0] * q[1]) / (h[0] + h[1]);
    slope[0] = 2 * q[0] - slope[1];
    slope[2] = 2 * q[1] - slope[1];
  }
  if (n < 4) return;
  upper[0] = (h[0] + h[1]) / h[1];
  slope[0] = ((h[0] + 2 * (h[0] + h[1])) * h[1] * q[0] + h[0] * h[0] * q[1]) / (h[0] + h[1]) / h[1];
  for (PetscInt i = 1; i < n - 1; i++) {
    const PetscReal pivot = 2 * (h[i - 1] + h[i]) - h[i] * upper[i - 1];

    upper[i] = h[i - 1] / pivot;
    slope[i] = (3 * (h[i] * q[i - 1] + h[i - 1] * q[i]) - h[i] * slope[i - 1]) / pivot;
  }
  {
    const PetscReal a = h[n - 3], b = h[n - 2],
                    last = (b * b * q[n - 3] + (2 * (a + b) + b) * a * q[n - 2]) / (a + b);

    slope[n - 1] = (last - (a + b) * slope[n - 2]) / (a - (a + b) * upper[n - 2]);
  }
  for (PetscInt i = n - 2; i >= 0; i--) slope[i] -= upper[i] * slope[i + 1];
}

/* value (before, n, behind) -> coefficients (before, n - 1, 4, behind) along an axis with the nodes x, rows by rows */
static PetscErrorCode SplineAlong(PetscInt before, PetscInt n, PetscInt behind, const PetscReal x[],
                                  const PetscReal value[], PetscReal c[])
{
  PetscReal *y, *slope, *work;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n, &y, n, &slope, 3 * n, &work));
  for (PetscInt line = 0; line < before * behind; line++) {
    const PetscInt a = line / behind, b = line % behind;

    for (PetscInt i = 0; i < n; i++) y[i] = value[ENGD_COUNT(a * n + i, behind) + b];
    FindSlopes(n, x, y, work, slope);
    for (PetscInt i = 0; i < n - 1; i++) {
      const PetscReal h = x[i + 1] - x[i], q = (y[i + 1] - y[i]) / h;
      const PetscReal power[4] = {y[i], slope[i], (3 * q - 2 * slope[i] - slope[i + 1]) / h,
                                  (slope[i] + slope[i + 1] - 2 * q) / (h * h)};

      for (PetscInt k = 0; k < 4; k++) c[ENGD_COUNT((a * (n - 1) + i) * 4 + k, behind) + b] = power[k];
    }
  }
  PetscCall(PetscFree3(y, slope, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the coefficients from the values on the grid, the last axis fastest; value is freed */
static PetscErrorCode FindCoefficients(EngdTabulated table, PetscReal *value)
{
  PetscInt before = 1, behind = 1;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < table->dim; k++) behind *= table->n[k];
  for (PetscInt k = 0; k < table->dim; k++) {
    const PetscInt n = table->n[k];
    PetscReal     *c;

    behind /= n;
    PetscCall(PetscMalloc1(ENGD_COUNT(before * 4 * (n - 1), behind), &c));
    PetscCall(SplineAlong(before, n, behind, table->x[k], value, c));
    PetscCall(PetscFree(value));
    value = c;
    before *= 4 * (n - 1);
  }
  table->coefficient = value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the cell of x along an axis: x_i <= x <= x_{i+1}, by bisection; -1 outside */
static PetscInt FindCell(const struct _n_EngdTabulated *table, PetscInt axis, PetscReal x)
{
  const PetscReal *node = table->x[axis];
  PetscInt         low = 0, high = table->n[axis] - 1;

  if (!(x >= node[low] && x <= node[high])) return -1;
  while (high - low > 1) {
    const PetscInt middle = (low + high) / 2;

    if (x >= node[middle])
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* the numbers of an axis, ascending, each once */
static PetscErrorCode FindNodes(EngdTabulated table, PetscInt axis, PetscInt nrows, const PetscReal rows[])
{
  const PetscInt ncolumns = table->dim + 1;
  PetscReal     *x;
  PetscInt       n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(nrows, &x));
  for (PetscInt i = 0; i < nrows; i++) x[i] = rows[ENGD_COUNT(i, ncolumns) + axis];
  PetscCall(PetscSortReal(nrows, x));
  for (PetscInt i = 0; i < nrows; i++)
    if (!i || x[i] > x[n - 1]) x[n++] = x[i];
  table->x[axis] = x;
  table->n[axis] = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* value <- those of all nodes, the last axis fastest, or what is wrong with the rows */
static PetscErrorCode FillGrid(EngdTabulated table, PetscInt nrows, const PetscReal rows[], PetscReal value[],
                               size_t size, char fault[])
{
  const PetscInt dim = table->dim;
  PetscBool     *there;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(nrows, &there));
  for (PetscInt r = 0; r < nrows && !fault[0]; r++) {
    const PetscReal *row = rows + ENGD_COUNT(r, dim + 1);
    PetscInt         at  = 0;

    for (PetscInt k = 0; k < dim; k++) {
      PetscInt i = FindCell(table, k, row[k]);

      if (i + 1 < table->n[k] && row[k] == table->x[k][i + 1]) i++;
      at = at * table->n[k] + i;
    }
    if (there[at])
      snprintf(fault, size, "row %" PetscInt_FMT " has the same %s%s as one before it", r + 1, table->argument[0],
               dim > 1 ? ", ..." : "");
    there[at] = PETSC_TRUE;
    value[at] = row[dim];
    if (dim == 1 && r && row[0] < rows[ENGD_COUNT(r - 1, 2)])
      snprintf(fault, size, "row %" PetscInt_FMT " has %s = %g behind %g; sort the rows", r + 1, table->argument[0],
               (double)row[0], (double)rows[ENGD_COUNT(r - 1, 2)]);
  }
  PetscCall(PetscFree(there));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* are the rows as many as a grid of these axes has nodes, and no more than there is room for */
static void CheckGrid(const struct _n_EngdTabulated *table, PetscInt nrows, size_t size, char fault[])
{
  PetscReal nodes = 1, numbers = 1;

  for (PetscInt k = 0; k < table->dim; k++) {
    nodes *= table->n[k];
    numbers *= 4.0 * table->n[k];
    if (table->n[k] < 2) {
      snprintf(fault, size, "%s has one value only; a table needs two or more of each argument", table->argument[k]);
      return;
    }
  }
  if (numbers > MOST_NUMBERS)
    snprintf(fault, size, "a grid of %g nodes is too large; thin it out", (double)nodes);
  else if (nodes != (PetscReal)nrows)
    snprintf(fault, size,
             "%" PetscInt_FMT
             " rows are no whole grid, which has %g: each value of one argument with each of the others",
             nrows, (double)nodes);
}

/* numbers of coefficients */
static size_t CountCoefficients(const struct _n_EngdTabulated *table)
{
  size_t count = 1;

  for (PetscInt k = 0; k < table->dim; k++) count *= 4 * (size_t)(table->n[k] - 1);
  return count;
}

/* nodes too near to each other, or values too large, for a spline through them */
static void CheckCoefficients(const struct _n_EngdTabulated *table, size_t size, char fault[])
{
  for (size_t k = 0; k < CountCoefficients(table) && !fault[0]; k++)
    if (PetscIsInfOrNanReal(table->coefficient[k]))
      snprintf(fault, size,
               "the spline through its values is not finite; give nodes further apart or smaller values");
}

PetscErrorCode EngdTabulatedCreate(const char name[], PetscInt dim, char *const argument[], PetscInt nrows,
                                   const PetscReal rows[], size_t size, char fault[], EngdTabulated *out)
{
  EngdTabulated table;
  PetscReal    *value;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&table));
  *out       = table;
  table->dim = dim;
  fault[0]   = '\0';
  PetscCall(PetscStrallocpy(name, &table->name));
  for (PetscInt k = 0; k < dim; k++) {
    PetscCall(PetscStrallocpy(argument[k], &table->argument[k]));
    PetscCall(FindNodes(table, k, nrows, rows));
  }
  CheckGrid(table, nrows, size, fault);
  if (fault[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(nrows, &value));
  PetscCall(FillGrid(table, nrows, rows, value, size, fault));
  PetscCall(FindCoefficients(table, value));
  CheckCoefficients(table, size, fault);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTabulatedDestroy(EngdTabulated *table)
{
  PetscFunctionBeginUser;
  if (!*table) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*table)->name));
  for (PetscInt k = 0; k < 3; k++) {
    PetscCall(PetscFree((*table)->argument[k]));
    PetscCall(PetscFree((*table)->x[k]));
  }
  PetscCall(PetscFree((*table)->coefficient));
  PetscCall(PetscFree(*table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *EngdTabulatedName(EngdTabulated table)
{
  return table->name;
}

/* of its nodes and coefficients */
PetscInt64 EngdTabulatedDigest(EngdTabulated table)
{
  PetscInt64 digest = ENGD_DIGEST_NONE;

  for (PetscInt k = 0; k < table->dim; k++)
    digest = EngdDigest(digest, (size_t)table->n[k] * sizeof(PetscReal), table->x[k]);
  return EngdDigest(digest, CountCoefficients(table) * sizeof(PetscReal), table->coefficient);
}

void EngdTabulatedForgetOutside(EngdTabulated table)
{
  table->outside = PETSC_FALSE;
}

PetscErrorCode EngdTabulatedOutside(EngdTabulated table, size_t size, char text[])
{
  const PetscInt k = table->outside_axis;

  PetscFunctionBeginUser;
  text[0] = '\0';
  if (table->outside)
    snprintf(text, size, "%s at %s = %g, outside of %g <= %s <= %g", table->name, table->argument[k],
             (double)table->outside_at, (double)table->x[k][0], table->argument[k],
             (double)table->x[k][table->n[k] - 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt EngdTabulatedFind(const EngdSymbols *s, const char name[])
{
  for (PetscInt i = 0; i < s->ntables; i++)
    if (!strcmp(s->table[i]->name, name)) return i;
  return -1;
}

PetscInt EngdTabulatedArguments(EngdTabulated table)
{
  return table->dim;
}

PetscErrorCode EngdTabulatedApply(EngdParser *p, PetscInt column, PetscInt number, const EngdValue arg[],
                                  EngdValue *value)
{
  EngdGraph      g   = p->graph;
  const PetscInt dim = g->symbols->table[number]->dim;
  EngdValue      v[3];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < dim; k++) {
    v[k] = arg[k]; /* on a stack that may move */
    if (v[k].vector || v[k].paired)
      PetscCall(EngdParserFail(p, column,
                               "%s() is a table, whose arguments are real numbers, not complex ones or vectors",
                               g->symbols->table[number]->name));
  }
  PetscCall(EngdValueCreate(p, PETSC_FALSE, 1, value));
  g->pool[value->offset] =
      EngdGraphIntern(g, ENGD_OP_TABLE, g->pool[v[0].offset], dim > 1 ? g->pool[v[1].offset] : ENGD_ZERO,
                      dim > 2 ? g->pool[v[2].offset] : ENGD_ZERO, 1000.0 * (PetscReal)number);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the order of the derivative in argument k */
static PetscInt OrderOf(PetscReal code, PetscInt k)
{
  const PetscInt orders = (PetscInt)code % 1000;

  return k == 0 ? orders / 100 : k == 1 ? orders / 10 % 10 : orders % 10;
}

/* the derivatives of the powers of x - x_i along an axis, and the cell; false outside */
static PetscBool FindPowers(EngdTabulated table, PetscInt axis, PetscReal x, PetscInt order, PetscInt *cell,
                            PetscReal power[4])
{
  PetscReal t;

  *cell = FindCell(table, axis, x);
  if (*cell < 0) {
    if (!table->outside && !PetscIsNanReal(x)) { /* what is no number comes from elsewhere */
      table->outside_axis = axis;
      table->outside_at   = x;
      table->outside      = PETSC_TRUE;
    }
    return PETSC_FALSE;
  }
  t        = x - table->x[axis][*cell];
  power[0] = order == 0;
  power[1] = order == 0 ? t : order == 1;
  power[2] = order == 0 ? t * t : order == 1 ? 2 * t : order == 2 ? 2 : 0;
  power[3] = order == 0 ? t * t * t : order == 1 ? 3 * t * t : order == 2 ? 6 * t : 6;
  return PETSC_TRUE;
}

/* one value: the sum over the powers of all axes; those beyond the dimension have one cell, and one power, 1 */
static PetscReal Sum(const struct _n_EngdTabulated *table, const PetscInt cell[3], PetscReal power[3][4])
{
  size_t    cells[3] = {1, 1, 1}, count[3] = {1, 1, 1};
  PetscReal sum = 0;

  for (PetscInt k = 0; k < 3; k++) {
    if (k < table->dim) cells[k] = (size_t)(table->n[k] - 1), count[k] = 4;
  }
  for (size_t a = 0; a < count[0]; a++) {
    const size_t first = (size_t)cell[0] * count[0] + a;

    for (size_t b = 0; b < count[1] && power[0][a] != 0; b++) {
      const size_t    second = (first * cells[1] + (size_t)cell[1]) * count[1] + b;
      const PetscReal weight = power[0][a] * power[1][b];

      for (size_t c = 0; c < count[2]; c++)
        sum += weight * power[2][c] * table->coefficient[(second * cells[2] + (size_t)cell[2]) * count[2] + c];
    }
  }
  return sum;
}

void EngdTabulatedEvaluate(const EngdTabulated tables[], PetscReal code, PetscInt n, const PetscReal *const v[],
                           PetscReal y[])
{
  const EngdTabulated table = tables[(PetscInt)code / 1000];

  for (PetscInt i = 0; i < n; i++) {
    PetscReal power[3][4] = {{1}, {1}, {1}};
    PetscInt  cell[3]     = {0, 0, 0};
    PetscBool inside      = PETSC_TRUE;

    for (PetscInt k = 0; k < table->dim && inside; k++)
      inside = FindPowers(table, k, v[k][i], OrderOf(code, k), &cell[k], power[k]);
    y[i] = inside ? Sum(table, cell, power) : NAN;
  }
}

EngdNode EngdTabulatedPartial(EngdGraph g, EngdNode node, PetscInt k)
{
  static const PetscReal unit[3] = {100, 10, 1};
  const EngdKey          key     = g->node[node].key;
  const EngdTabulated    table   = g->symbols->table[(PetscInt)key.value / 1000];

  if (k >= table->dim) return ENGD_ZERO;
  if (OrderOf(key.value, k) == 3) {
    if (!g->error)
      g->error =
          PetscError(PETSC_COMM_SELF, __LINE__, PETSC_FUNCTION_NAME, __FILE__, PETSC_ERR_USER_INPUT,
                     PETSC_ERROR_INITIAL, "%s: table %s() has three derivatives in %s, and a fourth one is needed",
                     g->option, table->name, table->argument[k]);
    return ENGD_ZERO;
  }
  return EngdGraphIntern(g, ENGD_OP_TABLE, key.arg[0], key.arg[1], key.arg[2], key.value + unit[k]);
}
