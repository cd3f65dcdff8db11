/*
  Names and calls that stand for a text of the language (src/problem/aliases.c says which): error, exact_u, residual(pde). The
  text is read by a parser of its own into the graph of what is around it, and so has exact derivatives like everything else.
*/
#include "expressionimpl.h"

/* The alias of a name, or NULL */
static const EngdAlias *FindAlias(const EngdSymbols *s, const char name[])
{
  for (PetscInt i = 0; i < s->naliases; ++i) {
    if (strcmp(s->alias[i].name, name) == 0) return &s->alias[i];
  }
  return NULL;
}

/* node (n) <- all components of the text */
static PetscErrorCode ReadComponents(EngdParser *parser, PetscInt *n, EngdNode **node)
{
  PetscInt size = 0;

  do {
    EngdValue component;
    PetscInt  count;

    PetscCall(EngdParserNext(parser));
    PetscCall(EngdParseExpression(parser, &component));
    count = component.paired ? 2 * component.n : component.n;
    PetscCall(EngdReserve(*n + count, sizeof(**node), &size, node));
    PetscCall(PetscArraycpy(*node + *n, parser->graph->pool + component.offset, count));
    *n += count;
  } while (EngdParserAt(parser, ";"));
  return PETSC_SUCCESS;
}

/* The text of an alias, read by a parser of its own into the same graph */
static PetscErrorCode ParseText(EngdParser *p, PetscInt start, const EngdAlias *d, EngdValue *value)
{
  EngdParser parser = {
      .expression = p->expression, .graph = p->graph, .option = p->option, .text = d->text, .npool = p->npool};
  EngdNode      *node = NULL;
  PetscInt       n    = 0;
  PetscErrorCode ierr;

  if (!d->text) PetscCall(EngdParserFail(p, start, "%s", d->lacking));
  ierr = ReadComponents(&parser, &n, &node);
  if (!ierr) ierr = EngdValueCreate(p, n > 1 ? PETSC_TRUE : PETSC_FALSE, n, value);
  if (!ierr) ierr = PetscArraycpy(p->graph->pool + value->offset, node, n);
  PetscCall(PetscFree(node));
  PetscCall(PetscFree(parser.stack));
  PetscCall(ierr);
  return PETSC_SUCCESS;
}

/* EngdParseAlias - A name that stands for a text, and its value; found: is it one */
PetscErrorCode EngdParseAlias(EngdParser *p, PetscInt start, const char name[], PetscBool *found, EngdValue *value)
{
  const EngdAlias *d = FindAlias(p->graph->symbols, name);

  *found = (PetscBool)(d != NULL);
  if (d) PetscCall(ParseText(p, start, d, value));
  return PETSC_SUCCESS;
}

/* residual(pde): a call whose argument is a name; the "(" is the next token. found: are there aliases of this form */
PetscErrorCode EngdParseAliasCall(EngdParser *p, PetscInt start, const char name[], PetscBool *found,
                                  EngdValue *value)
{
  const EngdSymbols *s      = p->graph->symbols;
  const PetscInt     opened = p->start;
  const size_t       n      = strlen(name);
  char               whole[3 * ENGD_NAME_LENGTH], known[512] = "";
  const EngdAlias   *d;

  *found = PETSC_FALSE;
  for (PetscInt i = 0; i < s->naliases; ++i) {
    const char *other = s->alias[i].name;

    if (strncmp(other, name, n) != 0 || other[n] != '(') continue;
    *found = PETSC_TRUE;
    if (strlen(known) + strlen(other) + 3 < sizeof(known))
      snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", known[0] ? ", " : "", other);
  }
  if (!*found) return PETSC_SUCCESS;
  PetscCall(EngdParserNext(p));
  snprintf(whole, sizeof(whole), "%s(%.*s)", name, (int)PetscMin(p->length, 2 * ENGD_NAME_LENGTH - 8),
           p->text + p->start);
  d = FindAlias(s, whole);
  if (!d) PetscCall(EngdParserFail(p, p->start, "%s is not known; there is %s", whole, known));
  PetscCall(EngdParserNext(p));
  PetscCall(EngdParserExpect(p, ")", opened));
  PetscCall(ParseText(p, start, d, value));
  return PETSC_SUCCESS;
}
