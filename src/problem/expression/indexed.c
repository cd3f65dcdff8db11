/*
  Whole numbers that count: entries of vectors, and sums whose terms are read once for each number.

    v[k]              entry k of a vector, row k of a tensor, from 1 on; k is a constant expression
    sum(i, m, n, e)   e at i = m, and at i = m + 1, ..., and at i = n; i is a name that e may use, as in x[i + 1]

  So a sum over a thousand coordinates is a text of one line. Each term is read by the same parser from the place where e begins,
  into the same graph, where i is a number: nothing of it is left at run time.
*/
#include "expressionimpl.h"

#define TERMS_MAX 1000000 /* of all sums of an expression, those in sums as often as they are read */

/* the whole number that a value is */
static PetscErrorCode WholeNumber(EngdParser *p, PetscInt column, const char what[], const EngdValue *value,
                                  PetscInt *number)
{
  const EngdKey   key = p->graph->node[p->graph->pool[value->offset]].key;
  const PetscBool constant =
      (PetscBool)(!value->vector && !value->paired && key.op == ENGD_OP_NUMBER && PetscAbsReal(key.value) < 1e9);

  PetscFunctionBeginUser;
  *number = constant ? (PetscInt)PetscFloorReal(key.value + 0.5) : 0;
  if (!constant || (PetscReal)*number != key.value)
    PetscCall(EngdParserFail(p, column, "%s must be a whole number that is known here", what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "[" behind a value is the next token: value <- its entry */
PetscErrorCode EngdParseEntry(EngdParser *p, EngdValue *value)
{
  const PetscInt  opened = p->start;
  const EngdValue v      = *value;
  const PetscInt  n = v.rows ? v.rows : v.n, width = v.rows ? v.n / v.rows : 1;
  PetscInt        k;
  EngdValue       index;

  if (!v.vector) PetscCall(EngdParserFail(p, opened, "a number has no entries to pick"));
  PetscCall(EngdParserNext(p));
  PetscCall(EngdParseExpression(p, &index));
  PetscCall(EngdParserExpect(p, "]", opened));
  PetscCall(WholeNumber(p, opened, "the number of an entry", &index, &k));
  if (k < 1 || k > n)
    PetscCall(EngdParserFail(p, opened, "there are %s 1 to %" PetscInt_FMT ", and no %" PetscInt_FMT,
                             v.rows ? "rows" : "entries", n, k));
  PetscCall(EngdValueTake(p, &v, width, (k - 1) * width, 1, value));
  if (!v.rows) value->vector = PETSC_FALSE;
  return PETSC_SUCCESS;
}

/* name <- i, where "(", which is the next token, begins i, m, n, e; else false, and the parser is where it was */
static PetscErrorCode BeginsIndexed(EngdParser *p, size_t size, char name[], PetscBool *indexed)
{
  const EngdParser before = *p;

  PetscFunctionBeginUser;
  *indexed = PETSC_FALSE;
  PetscCall(EngdParserNext(p));
  if (p->kind == ENGD_TOKEN_NAME && p->length < (PetscInt)size) {
    PetscCall(PetscMemzero(name, size));
    PetscCall(PetscMemcpy(name, p->text + p->start, (size_t)p->length));
    PetscCall(EngdParserNext(p));
    *indexed = EngdParserAt(p, ",");
  }
  if (!*indexed) *p = before;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a whole number and the "," behind it */
static PetscErrorCode ParseBound(EngdParser *p, PetscInt opened, const char what[], PetscInt *number)
{
  EngdValue value;

  PetscCall(EngdParserNext(p));
  PetscCall(EngdParseExpression(p, &value));
  PetscCall(WholeNumber(p, opened, what, &value, number));
  if (!EngdParserAt(p, ",")) PetscCall(EngdParserFail(p, opened, "sum() of numbers is sum(i, first, last, term)"));
  return PETSC_SUCCESS;
}

/* value <- the sum of e over i = m, ..., n; the last "," is the next token. local, local_value: the names that e may use, i first */
static PetscErrorCode SumTerms(EngdParser *p, PetscInt m, PetscInt n, char *const local[], EngdValue local_value[],
                               EngdValue *value)
{
  const EngdParser before = *p;
  EngdValue        pair[2];

  for (PetscInt i = m; i <= n; i++) {
    p->kind        = before.kind;
    p->start       = before.start;
    p->length      = before.length;
    p->nlocals     = before.nlocals + 1;
    p->local       = local;
    p->local_value = local_value;
    PetscCall(EngdValueCreate(p, PETSC_FALSE, 1, &local_value[0]));
    p->graph->pool[local_value[0].offset] = EngdGraphNumber(p->graph, (PetscReal)i);
    PetscCall(EngdParserNext(p));
    PetscCall(EngdParseExpression(p, &pair[1]));
    if (i > m) PetscCall(EngdValueApply(p, before.start, ENGD_OP_ADD, 2, pair, &pair[1]));
    pair[0] = pair[1];
  }
  *value         = pair[0];
  p->nlocals     = before.nlocals;
  p->local       = before.local;
  p->local_value = before.local_value;
  return PETSC_SUCCESS;
}

/* sum(i, m, n, e), whose "(" is the next token; found: is it of this form, and not the sum of a vector */
PetscErrorCode EngdParseIndexedSum(EngdParser *p, PetscInt start, PetscBool *found, EngdValue *value)
{
  const PetscInt opened = p->start;
  char           name[ENGD_NAME_LENGTH], **local;
  EngdValue     *local_value;
  PetscInt       m, n;
  PetscErrorCode ierr;

  PetscCall(BeginsIndexed(p, sizeof(name), name, found));
  if (!*found) return PETSC_SUCCESS;
  PetscCall(ParseBound(p, opened, "the first number of sum()", &m));
  PetscCall(ParseBound(p, opened, "the last number of sum()", &n));
  if (n < m || n - m >= TERMS_MAX - p->graph->terms)
    PetscCall(EngdParserFail(
        p, start, "sum() from %" PetscInt_FMT " to %" PetscInt_FMT ": there must be a term, and at most %d in all", m,
        n, TERMS_MAX));
  p->graph->terms += n - m + 1;
  PetscCall(PetscMalloc2(p->nlocals + 1, &local, p->nlocals + 1, &local_value));
  local[0] = name;
  for (PetscInt k = 0; k < p->nlocals; k++) {
    local[k + 1]       = p->local[k];
    local_value[k + 1] = p->local_value[k];
  }
  ierr = SumTerms(p, m, n, local, local_value, value);
  PetscCall(PetscFree2(local, local_value)); /* behind a mistake in a term too */
  PetscCall(ierr);
  PetscCall(EngdParserExpect(p, ")", opened));
  return PETSC_SUCCESS;
}
