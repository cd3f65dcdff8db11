/*
  Names: coordinates, outputs, parameters, unknown ones, pi, normal, distance, the vector x of coordinates x1, x2, ..., and
  derivatives of outputs like u_x, u_xy, u_tt, u_x1x2, whose suffix is split into coordinates, long ones first, with
  backtracking; those that stand for a text are in alias.c. The exact name of an output wins over a derivative; others may not be
  called as one: EngdSymbolsCheck.
*/
#include "expressionimpl.h"
#include <ctype.h>
#include <math.h>

#define DISTANCE_MAX 2 /* of a name that is suggested instead of an unknown one */

/* Name i of the caller's symbols: coordinates, outputs, parameters, unknown ones, data; NULL behind the last. kind may be NULL */
static const char *SymbolName(const EngdSymbols *s, PetscInt i, const char **kind)
{
  const char *const        kinds[] = {"coordinate",     "output",         "parameter", "parameter to be found",
                                      "column of data", "complex unknown"};
  const char *const *const list[]  = {s->coordinate, s->output, s->parameter, s->unknown, s->data, s->complex_name};
  const PetscInt           count[] = {s->dim, s->noutputs, s->nparameters, s->nunknowns, s->ndata, s->ncomplex};

  for (PetscInt k = 0; k < 6; i -= count[k++]) {
    if (kind) *kind = kinds[k];
    if (i < count[k]) return list[k][i];
  }
  return NULL;
}

static PetscInt FindName(PetscInt n, const char *const list[], const char name[])
{
  for (PetscInt i = 0; i < n; i++) {
    if (strcmp(list[i], name) == 0) return i;
  }
  return -1;
}

/* Is it pi, normal, distance or a function */
static PetscBool IsReserved(const char name[])
{
  return (PetscBool)(EngdFunctionIsKnown(name) || strcmp(name, "pi") == 0 || strcmp(name, "normal") == 0 ||
                     strcmp(name, "distance") == 0);
}

/* The length of the stem when the space coordinates are stem1, stem2, ..., else 0 */
static PetscInt StemLength(const EngdSymbols *s)
{
  const PetscInt length = s->nspace ? (PetscInt)strlen(s->coordinate[0]) - 1 : 0;

  for (PetscInt i = 0; i < s->nspace; i++) {
    const char *number = s->coordinate[i] + length;
    char       *end;

    if (strncmp(s->coordinate[i], s->coordinate[0], (size_t)length) != 0) return 0;
    if (!isdigit((unsigned char)number[0]) || number[0] == '0') return 0;
    if (strtol(number, &end, 10) != (long)i + 1 || *end) return 0;
  }
  return length;
}

/* Is the name the common stem of the space coordinates */
static PetscBool IsStem(const EngdSymbols *s, const char name[])
{
  const size_t stem = strlen(name);

  if (!s->nspace || strncmp(name, s->coordinate[0], stem) != 0) return PETSC_FALSE; /* as a rule, and soon known */
  return (PetscBool)(stem > 0 && StemLength(s) == (PetscInt)stem);
}

/* suffix = names of coordinates; next[i]: the one at character i of the longest-first reading, -1 where there is none */
static PetscBool SplitSuffix(const EngdSymbols *s, const char suffix[], PetscInt next[])
{
  const PetscInt length = (PetscInt)strlen(suffix);

  for (PetscInt i = length - 1; i >= 0; i--) {
    PetscInt longest = 0;

    next[i] = -1;
    for (PetscInt c = 0; c < s->dim; c++) {
      const PetscInt n = (PetscInt)strlen(s->coordinate[c]);

      if (n <= longest || strncmp(suffix + i, s->coordinate[c], (size_t)n) != 0) continue;
      if (i + n < length && next[i + n] < 0) continue; /* what follows could not be read */
      longest = n;
      next[i] = c;
    }
  }
  return (PetscBool)(length > 0 && next[0] >= 0);
}

/* the coordinates of name = stem_suffix, or NULL where it is none; wrong <- a suffix that is not made of coordinates */
static const char *SuffixOf(const EngdSymbols *s, const char name[], const char stem[], PetscInt next[],
                            const char **wrong)
{
  const size_t length = strlen(stem);

  if (strncmp(name, stem, length) != 0 || name[length] != '_') return NULL;
  if (SplitSuffix(s, name + length + 1, next)) return name + length + 1;
  *wrong = name + length + 1;
  return NULL;
}

/* the output of which the name is a derivative, as in u_xy, NULL if of none */
static const char *DerivedOutput(const EngdSymbols *s, const char name[])
{
  PetscInt    next[ENGD_NAME_LENGTH];
  const char *wrong;

  for (PetscInt k = 0; k < s->noutputs; k++)
    if (SuffixOf(s, name, s->output[k], next, &wrong)) return s->output[k];
  for (PetscInt k = 0; k < s->ncomplex; k++)
    if (SuffixOf(s, name, s->complex_name[k], next, &wrong)) return s->complex_name[k];
  return NULL;
}

/* names of tables are those of nothing else */
static PetscErrorCode CheckTables(const EngdSymbols *s)
{
  const char *other, *kind;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < s->ntables; i++) {
    const char *name = EngdTabulatedName(s->table[i]);

    PetscCheck(!IsReserved(name) && !IsStem(s, name) && !DerivedOutput(s, name), PETSC_COMM_SELF,
               PETSC_ERR_USER_INPUT, "-tables: '%s' has a meaning of its own; choose another name", name);
    for (PetscInt j = 0; j < s->ndefinitions; j++)
      PetscCheck(strcmp(name, s->definition[j].name) != 0, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
                 "'%s' is a name of -tables and of -functions; choose another name for one", name);
    for (PetscInt j = 0; (other = SymbolName(s, j, &kind)); j++)
      PetscCheck(strcmp(name, other) != 0, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
                 "'%s' is the name of a %s and of one of -tables; choose another name for one", name, kind);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSymbolsCheck(const EngdSymbols *s)
{
  const char *name, *kind, *other;

  PetscFunctionBeginUser;
  PetscCheck(s->nspace >= 0 && s->dim >= s->nspace, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "%" PetscInt_FMT " space coordinates of %" PetscInt_FMT, s->nspace, s->dim);
  for (PetscInt i = 0; i < s->ndefinitions; i++) {
    name = s->definition[i].name;
    PetscCheck(!IsReserved(name) && !IsStem(s, name) && !DerivedOutput(s, name), PETSC_COMM_SELF,
               PETSC_ERR_USER_INPUT, "-functions: '%s' has a meaning of its own; choose another name", name);
  }
  PetscCall(CheckTables(s));
  for (PetscInt i = 0; (name = SymbolName(s, i, &kind)); i++) {
    size_t length = 0;

    while (isalnum((unsigned char)name[length]) || name[length] == '_') length++;
    PetscCheck(
        isalpha((unsigned char)name[0]) && !name[length] && length < ENGD_NAME_LENGTH, PETSC_COMM_SELF,
        PETSC_ERR_USER_INPUT,
        "'%.80s' cannot be the name of a %s: a name is a letter, then letters, digits and _, less than %d in all",
        name, kind, ENGD_NAME_LENGTH);
    PetscCheck(!IsReserved(name), PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
               "'%s' cannot be the name of a %s: it has a meaning in expressions; choose another name", name, kind);
    other = i >= s->dim && i < s->dim + s->noutputs ? NULL : DerivedOutput(s, name);
    PetscCheck(!other, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
               "'%s' cannot be the name of a %s: it is a derivative of the output %s; choose another name", name,
               kind, other);
    for (PetscInt j = 0; j < s->ndefinitions; j++) {
      PetscCheck(strcmp(name, s->definition[j].name) != 0, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
                 "'%s' is the name of a %s and of one of -functions; choose another name for one", name, kind);
    }
    for (PetscInt j = 0; j < i; j++) {
      PetscCheck(strcmp(name, SymbolName(s, j, &other)) != 0, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
                 "'%s' is the name of a %s and of a %s; choose another name for one", name, other, kind);
    }
    PetscCheck(!IsStem(s, name), PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
               "'%s' cannot be the name of a %s: it is the vector of the coordinates %s1, ...; choose another name",
               name, kind, name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Keeps the candidate when it is nearer to the name than what was found before (distance) */
static void Suggest(const char name[], const char candidate[], PetscInt *distance, const char **best)
{
  const PetscInt found = EngdEditDistance(name, candidate);

  if (found >= *distance || found >= (PetscInt)PetscMin(strlen(name), strlen(candidate))) return;
  *distance = found;
  *best     = candidate;
}

/* Fails: no such name; suggests a similar one. function: a call, otherwise a value */
PetscErrorCode EngdNameUnknown(EngdParser *p, PetscInt start, const char name[], PetscBool function)
{
  const EngdSymbols *s        = p->graph->symbols;
  const char        *best     = NULL, *candidate;
  PetscInt           distance = DISTANCE_MAX + 1;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < s->ndefinitions - p->hidden; i++) {
    if (!function == !s->definition[i].nargs) Suggest(name, s->definition[i].name, &distance, &best);
  }
  for (PetscInt i = 0; function && i < s->ntables; i++)
    Suggest(name, EngdTabulatedName(s->table[i]), &distance, &best);
  for (PetscInt i = 0; i < p->nlocals && !function; i++) Suggest(name, p->local[i], &distance, &best);
  for (PetscInt i = 0; (candidate = SymbolName(s, i, NULL)); i++) {
    if (function && strcmp(candidate, name) == 0) PetscCall(EngdParserFail(p, start, "'%s' is not a function", name));
    if (!function) Suggest(name, candidate, &distance, &best);
  }
  if (!function) Suggest(name, "normal", &distance, &best);
  if (!function && s->distance) Suggest(name, "distance", &distance, &best);
  for (PetscInt i = 0; (candidate = EngdFunctionName(i)); i++) Suggest(name, candidate, &distance, &best);
  if (best) {
    PetscCall(
        EngdParserFail(p, start, "unknown %s '%s' (did you mean '%s'?)", function ? "function" : "name", name, best));
  }
  PetscCall(EngdParserFail(p, start, "unknown %s '%s'", function ? "function" : "name", name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* node <- its derivative by the coordinates of a suffix */
static PetscErrorCode DeriveBySuffix(EngdParser *p, PetscInt start, const char suffix[], const PetscInt next[],
                                     EngdNode *node)
{
  const EngdSymbols *s = p->graph->symbols;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; suffix[i]; i += (PetscInt)strlen(s->coordinate[next[i]])) {
    p->graph->fault[0] = '\0';
    PetscCall(EngdGraphTotalDerivative(p->graph, *node, next[i], node));
    if (p->graph->fault[0]) PetscCall(EngdParserFail(p, start, "%s", p->graph->fault));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* re + i im of complex unknown k */
static PetscErrorCode ComplexUnknown(EngdParser *p, PetscInt k, EngdValue *value)
{
  EngdGraph      g      = p->graph;
  const PetscInt output = g->symbols->complex_output[k];

  PetscFunctionBeginUser;
  PetscCall(EngdComplexCreate(p, PETSC_FALSE, 1, value));
  g->pool[value->offset]     = EngdGraphOutput(g, output);
  g->pool[value->offset + 1] = EngdGraphOutput(g, output + 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* output_suffix; found = false where the name does not begin with an output and _ */
static PetscErrorCode ParseDerivative(EngdParser *p, PetscInt start, const char name[], PetscBool *found,
                                      EngdValue *value)
{
  EngdGraph          g      = p->graph;
  const EngdSymbols *s      = g->symbols;
  const char        *suffix = NULL, *wrong = NULL;
  PetscInt           next[ENGD_NAME_LENGTH];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < s->noutputs && !suffix; k++) {
    suffix = SuffixOf(s, name, s->output[k], next, &wrong);
    if (!suffix) continue;
    PetscCall(EngdValueCreate(p, PETSC_FALSE, 1, value));
    g->pool[value->offset] = EngdGraphOutput(g, k);
  }
  for (PetscInt k = 0; k < s->ncomplex && !suffix; k++) {
    suffix = SuffixOf(s, name, s->complex_name[k], next, &wrong);
    if (suffix) PetscCall(ComplexUnknown(p, k, value));
  }
  *found = (PetscBool)(suffix != NULL);
  if (wrong && !suffix) {
    PetscCall(EngdParserFail(p, start, "the suffix '%s' of '%s' is not made of coordinates", wrong, name));
  }
  for (PetscInt k = 0; suffix && k < (value->paired ? 2 : 1); k++)
    PetscCall(DeriveBySuffix(p, start, suffix, next, &g->pool[value->offset + k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* normal or the vector of the coordinates: leaves op(0), ..., op(nspace - 1) */
static PetscErrorCode CreateVector(EngdParser *p, EngdOp op, EngdValue *value)
{
  const PetscInt n = p->graph->symbols->nspace;

  PetscFunctionBeginUser;
  PetscCall(EngdValueCreate(p, PETSC_TRUE, n, value));
  for (PetscInt i = 0; i < n; i++) p->graph->pool[value->offset + i] = EngdGraphIntern(p->graph, op, i, 0, 0, 0.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* distance: the text that the symbols give for it, read by a parser of its own into the same graph */
static PetscErrorCode ParseDistance(EngdParser *p, PetscInt start, EngdNode *node)
{
  const EngdSymbols *s = p->graph->symbols;
  EngdParser parser    = {.expression = p->expression, .graph = p->graph, .option = p->option, .npool = p->npool};
  EngdValue  value;

  if (s->distance) PetscCall((*s->distance)(s->distance_context, &parser.text));
  if (!parser.text || !parser.text[0]) PetscCall(EngdParserFail(p, start, "'distance' is not known of this domain"));
  PetscCall(EngdParseAlone(&parser, &value));
  *node = p->graph->pool[value.offset];
  return PETSC_SUCCESS;
}

/* a parameter to be found, as a function of its entry of the jet where it has bounds (src/problem/bounds.c) */
static EngdNode BoundUnknown(EngdGraph g, PetscInt k)
{
  const EngdSymbols *s    = g->symbols;
  const EngdNode     free = EngdGraphJet(g, &(EngdJetEntry){.output = s->noutputs + k});
  const PetscReal    a = s->lower ? s->lower[k] : -INFINITY, b = s->upper ? s->upper[k] : INFINITY;
  EngdNode           part;

  if (isinf(a) && isinf(b)) return free;
  if (isinf(a) || isinf(b)) {
    part = EngdGraphApply(g, ENGD_OP_EXP, free, 0, 0);
    return EngdGraphApply(g, isinf(b) ? ENGD_OP_ADD : ENGD_OP_SUB, EngdGraphNumber(g, isinf(b) ? a : b), part, 0);
  }
  part = EngdGraphApply(g, ENGD_OP_TANH, free, 0, 0);
  part = EngdGraphApply(g, ENGD_OP_MUL, EngdGraphNumber(g, (b - a) / 2), part, 0);
  return EngdGraphApply(g, ENGD_OP_ADD, EngdGraphNumber(g, (a + b) / 2), part, 0);
}

/* a name that stands for a value of its own: local, definition, complex unknown, the coordinates or the normal as a vector */
static PetscErrorCode ParseWhole(EngdParser *p, PetscInt start, const char name[], PetscBool *found, EngdValue *value)
{
  const EngdSymbols *s       = p->graph->symbols;
  const PetscInt     local   = FindName(p->nlocals, (const char *const *)p->local, name);
  const PetscInt     defined = EngdFindDefinition(p, name);
  const PetscInt     pair    = FindName(s->ncomplex, s->complex_name, name);

  *found = PETSC_TRUE;
  if (local >= 0) {
    *value = p->local_value[local];
  } else if (defined >= 0 && !s->definition[defined].nargs) {
    PetscCall(EngdParseDefinition(p, defined, NULL, value));
  } else if (pair >= 0) {
    PetscCall(ComplexUnknown(p, pair, value));
  } else if (IsStem(s, name)) {
    PetscCall(CreateVector(p, ENGD_OP_X, value));
  } else if (strcmp(name, "normal") == 0) {
    if (!s->normal) PetscCall(EngdParserFail(p, start, "'normal' exists on boundaries only: unknown here"));
    PetscCall(CreateVector(p, ENGD_OP_NORMAL, value));
  } else {
    *found = PETSC_FALSE;
  }
  return PETSC_SUCCESS;
}

/* the node of a name that the problem declares: coordinate, output, parameter, unknown parameter, column of data */
static PetscBool FindDeclared(EngdGraph g, const char name[], EngdNode *node)
{
  const EngdSymbols *s = g->symbols;
  PetscInt           k;

  if ((k = FindName(s->dim, s->coordinate, name)) >= 0)
    *node = EngdGraphIntern(g, ENGD_OP_X, k, 0, 0, 0.0);
  else if ((k = FindName(s->noutputs, s->output, name)) >= 0)
    *node = EngdGraphOutput(g, k);
  else if ((k = FindName(s->nparameters, s->parameter, name)) >= 0)
    *node = EngdGraphNumber(g, s->value[k]);
  else if ((k = FindName(s->nunknowns, s->unknown, name)) >= 0)
    *node = BoundUnknown(g, k);
  else if ((k = FindName(s->ndata, s->data, name)) >= 0)
    *node = EngdGraphIntern(g, ENGD_OP_X, s->dim + k, 0, 0, 0.0);
  else
    return PETSC_FALSE;
  return PETSC_TRUE;
}

/* the imaginary unit */
static PetscErrorCode ImaginaryUnit(EngdParser *p, EngdValue *value)
{
  EngdGraph g = p->graph;

  PetscFunctionBeginUser;
  PetscCall(EngdComplexCreate(p, PETSC_FALSE, 1, value));
  g->pool[value->offset]     = ENGD_ZERO;
  g->pool[value->offset + 1] = ENGD_ONE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdParseName(EngdParser *p, PetscInt start, const char name[], EngdValue *value)
{
  EngdGraph g = p->graph;
  PetscBool found;
  EngdNode  node = ENGD_ZERO;

  PetscCall(ParseWhole(p, start, name, &found, value));
  if (found) return PETSC_SUCCESS;
  if (!FindDeclared(g, name, &node)) {
    PetscCall(EngdParseAlias(p, start, name, &found, value));
    if (found) return PETSC_SUCCESS;
    if (strcmp(name, "pi") == 0) {
      node = EngdGraphNumber(g, PETSC_PI);
    } else if (strcmp(name, "distance") == 0) {
      PetscCall(ParseDistance(p, start, &node));
    } else {
      PetscCall(ParseDerivative(p, start, name, &found, value));
      if (!found && strcmp(name, "i") == 0) {
        PetscCall(ImaginaryUnit(p, value));
        found = PETSC_TRUE;
      }
      if (found) return PETSC_SUCCESS;
      if (EngdFindDefinition(p, name) >= 0 || EngdTabulatedFind(g->symbols, name) >= 0 || IsReserved(name))
        PetscCall(EngdParserFail(p, start, "the function '%s' needs its arguments in parentheses", name));
      PetscCall(EngdNameUnknown(p, start, name, PETSC_FALSE));
    }
  }
  PetscCall(EngdValueCreate(p, PETSC_FALSE, 1, value));
  g->pool[value->offset] = node;
  return PETSC_SUCCESS;
}
