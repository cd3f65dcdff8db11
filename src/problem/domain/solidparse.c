/*
  Solids from text.

    solid = product {("|" | "-") product}     union, difference, from left to right
    product = item {"&" item}                 intersection
    item = part | name | "(" solid ")"
    part = box(l1,l2; u1,u2) | ball(c1,c2; r) | annulus(c1,c2; inner,outer) | polygon(x,y; x,y; ..)
         | level_set(text) | level_set(text; l1,l2; u1,u2)

  The numbers may be expressions such as 2*pi. A level set without corners has those of -domain_lower and -domain_upper.
*/
#include "shape.h"
#include <ctype.h>

#define DEPTH_MAX 256 /* of parentheses: the descent must not exhaust the stack */

typedef struct {
  EngdDomain      domain;
  const char     *option, *text, *at;
  PetscInt        depth, nparts;
  char          **names;
  const PetscInt *nodes;
  EngdSolid      *solid;
} Parser;

/* The groups of text[0 .. length), separated by semicolons outside parentheses */
static PetscErrorCode SplitGroups(const char text[], size_t length, PetscInt *n, char ***groups)
{
  PetscInt depth = 0, count = 1;
  size_t   start = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < length; i++) count += text[i] == ';';
  PetscCall(PetscCalloc1(count, groups));
  *n = 0;
  for (size_t i = 0; i <= length; i++) {
    if (i < length) depth += (text[i] == '(') - (text[i] == ')');
    if (i < length && (text[i] != ';' || depth > 0)) continue;
    PetscCall(PetscCalloc1(i - start + 1, &(*groups)[*n]));
    PetscCall(PetscMemcpy((*groups)[(*n)++], text + start, i - start));
    start = i + 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The numbers of a group, `wanted` of them */
static PetscErrorCode GroupReals(EngdDomain domain, const char option[], const char text[], const char group[],
                                 PetscInt wanted, PetscReal **values)
{
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(EngdParseReals(option, group, &domain->words, &n, values));
  PetscCheck(n == wanted, domain->comm, PETSC_ERR_USER_INPUT,
             "%s: %s has %" PetscInt_FMT " numbers in \"%s\", where %" PetscInt_FMT " are wanted", option, text, n,
             group, wanted);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* polygon(..): a vertex a group */
static PetscErrorCode ParsePolygon(EngdDomain domain, const char option[], const char text[], PetscInt n,
                                   char **group, EngdShape *shape)
{
  PetscReal *x, *pair;

  PetscFunctionBeginUser;
  PetscCheck(domain->nspace == 2, domain->comm, PETSC_ERR_USER_INPUT,
             "%s: %s: a polygon lies in the plane, but there are %" PetscInt_FMT " space coordinates", option, text,
             domain->nspace);
  PetscCall(PetscMalloc1(2 * n, &x));
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(GroupReals(domain, option, text, group[k], 2, &pair));
    PetscCall(PetscArraycpy(x + 2 * k, pair, 2));
    PetscCall(PetscFree(pair));
  }
  PetscCall(EngdShapeCreatePolygon(domain->comm, option, n, x, shape));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* box(lower; upper), ball(center; r), annulus(center; inner, outer) */
static PetscErrorCode ParseNumbers(EngdDomain domain, const char option[], const char text[], PetscInt n,
                                   char **group, EngdShape *shape)
{
  const PetscInt  d      = domain->nspace;
  const PetscBool box    = strncmp(text, "box", 3) ? PETSC_FALSE : PETSC_TRUE;
  const PetscBool ball   = strncmp(text, "ball", 4) ? PETSC_FALSE : PETSC_TRUE;
  const PetscInt  second = box ? d : (ball ? 1 : 2);
  PetscReal      *a, *b;

  PetscFunctionBeginUser;
  PetscCheck(n == 2, domain->comm, PETSC_ERR_USER_INPUT,
             "%s: %s has %" PetscInt_FMT
             " groups of numbers; write box(lower; upper), ball(center; radius) or annulus(center; inner,outer)",
             option, text, n);
  PetscCall(GroupReals(domain, option, text, group[0], d, &a));
  PetscCall(GroupReals(domain, option, text, group[1], second, &b));
  for (PetscInt c = 0; c < d && box; c++)
    PetscCheck(a[c] < b[c], domain->comm, PETSC_ERR_USER_INPUT,
               "%s: %s: %g is not below %g in coordinate %" PetscInt_FMT, option, text, (double)a[c], (double)b[c],
               c + 1);
  if (box)
    PetscCall(EngdShapeCreateBox(domain->comm, d, a, b, shape));
  else
    PetscCall(EngdShapeCreateBall(domain->comm, d, option, a, ball ? 0.0 : b[0], ball ? b[0] : b[1], shape));
  PetscCall(PetscFree(a));
  PetscCall(PetscFree(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* level_set(text) or level_set(text; lower; upper) */
static PetscErrorCode ParseLevelSet(EngdDomain domain, const char option[], const char text[], PetscInt n,
                                    char **group, const PetscReal lower[], const PetscReal upper[], EngdShape *shape)
{
  PetscReal  *a = NULL, *b = NULL;
  EngdSymbols symbols;

  PetscFunctionBeginUser;
  PetscCheck(n == 3 || (n == 1 && lower), domain->comm, PETSC_ERR_USER_INPUT,
             "%s: %s: a level set is level_set(text; lower; upper) with the corners of a box around it%s", option,
             text, n == 1 ? "; or give -domain_lower and -domain_upper" : "");
  if (n == 3) {
    PetscCall(GroupReals(domain, option, text, group[1], domain->nspace, &a));
    PetscCall(GroupReals(domain, option, text, group[2], domain->nspace, &b));
  }
  PetscCall(EngdDomainGetSymbols(domain, &symbols));
  PetscCall(EngdShapeCreateLevelSet(domain->comm, option, group[0], &symbols, a ? a : lower, b ? b : upper, shape));
  PetscCall(PetscFree(a));
  PetscCall(PetscFree(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSolidParsePart - Adds the shape that a text such as ball(0,0; 1) describes.

  lower and upper are the corners for level sets that give none, or NULL.
*/
PetscErrorCode EngdSolidParsePart(EngdDomain domain, const char option[], const char text[], const char name[],
                                  const PetscReal lower[], const PetscReal upper[], EngdSolid *solid, PetscInt *node)
{
  const char *open   = strchr(text, '(');
  size_t      length = strlen(text), stem = open ? (size_t)(open - text) : 0;
  EngdShape   shape = NULL;
  char      **group = NULL;
  PetscInt    n     = 0;

  PetscFunctionBeginUser;
  while (length && isspace((unsigned char)text[length - 1])) length--;
  PetscCheck(open && length && text[length - 1] == ')', domain->comm, PETSC_ERR_USER_INPUT,
             "%s: \"%s\" is not a shape; write for example ball(0,0; 1)", option, text);
  PetscCall(SplitGroups(open + 1, length - stem - 2, &n, &group));
  if (stem == 7 && !strncmp(text, "polygon", stem))
    PetscCall(ParsePolygon(domain, option, text, n, group, &shape));
  else if (stem == 9 && !strncmp(text, "level_set", stem))
    PetscCall(ParseLevelSet(domain, option, text, n, group, lower, upper, &shape));
  else if ((stem == 3 && !strncmp(text, "box", stem)) || (stem == 4 && !strncmp(text, "ball", stem)) ||
           (stem == 7 && !strncmp(text, "annulus", stem)))
    PetscCall(ParseNumbers(domain, option, text, n, group, &shape));
  PetscCheck(shape, domain->comm, PETSC_ERR_USER_INPUT,
             "%s: %.*s is no shape; the known ones are box, ball, annulus, polygon and level_set", option, (int)stem,
             text);
  PetscCall(PetscStrncpy(shape->name, name, sizeof(shape->name)));
  PetscCall(EngdListDestroy(n, &group));
  PetscCall(EngdSolidAddShape(solid, shape, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void SkipBlanks(Parser *p)
{
  while (isspace((unsigned char)*p->at)) p->at++;
}

/* This and the next two descend into each other: without PetscFunctionBegin, as src/problem/expression/parse.c says why */
static PetscErrorCode ParseSolid(Parser *p, PetscInt *node);

/* part, name or ( solid ) */
static PetscErrorCode ParseItem(Parser *p, PetscInt *node)
{
  const MPI_Comm comm = p->domain->comm;
  const char    *start;
  char          *item;
  PetscInt       depth = 0;

  SkipBlanks(p);
  start = p->at;
  if (*p->at == '(') {
    p->at++;
    PetscCheck(++p->depth <= DEPTH_MAX, comm, PETSC_ERR_USER_INPUT, "%s: more than %d parentheses inside each other",
               p->option, DEPTH_MAX);
    PetscCall(ParseSolid(p, node));
    p->depth--;
    PetscCheck(*p->at == ')', comm, PETSC_ERR_USER_INPUT, "%s \"%s\": a parenthesis is not closed", p->option,
               p->text);
    p->at++;
    SkipBlanks(p);
    return PETSC_SUCCESS;
  }
  while (isalnum((unsigned char)*p->at) || *p->at == '_') p->at++;
  PetscCheck(p->at > start, comm, PETSC_ERR_USER_INPUT,
             "%s \"%s\": the name of a part or a shape such as ball(0,0; 1) is wanted at \"%s\"", p->option, p->text,
             start);
  PetscCall(PetscCalloc1((size_t)(p->at - start) + 1, &item));
  PetscCall(PetscMemcpy(item, start, (size_t)(p->at - start)));
  *node = -1;
  for (PetscInt i = 0; i < p->nparts && *p->at != '('; i++) {
    if (!strcmp(item, p->names[i])) *node = p->nodes[i];
  }
  if (*p->at == '(') {
    do {
      depth += (*p->at == '(') - (*p->at == ')');
    } while (*p->at && (p->at++, depth > 0));
    PetscCheck(!depth, comm, PETSC_ERR_USER_INPUT, "%s \"%s\": a parenthesis is not closed", p->option, p->text);
    PetscCall(PetscFree(item));
    PetscCall(PetscCalloc1((size_t)(p->at - start) + 1, &item));
    PetscCall(PetscMemcpy(item, start, (size_t)(p->at - start)));
    PetscCall(EngdSolidParsePart(p->domain, p->option, item, "", NULL, NULL, p->solid, node));
  }
  PetscCheck(*node >= 0, comm, PETSC_ERR_USER_INPUT, "%s \"%s\": %s is not a part of -domain_parts", p->option,
             p->text, item);
  PetscCall(PetscFree(item));
  SkipBlanks(p);
  return PETSC_SUCCESS;
}

/* item {& item} */
static PetscErrorCode ParseProduct(Parser *p, PetscInt *node)
{
  PetscInt b;

  PetscCall(ParseItem(p, node));
  while (*p->at == '&') {
    p->at++;
    PetscCall(ParseItem(p, &b));
    PetscCall(EngdSolidAddNode(p->solid, '&', *node, b, node));
  }
  return PETSC_SUCCESS;
}

/* product {(| or -) product} */
static PetscErrorCode ParseSolid(Parser *p, PetscInt *node)
{
  PetscInt b;

  PetscCall(ParseProduct(p, node));
  while (*p->at == '|' || *p->at == '-') {
    const char op = *p->at++;

    PetscCall(ParseProduct(p, &b));
    PetscCall(EngdSolidAddNode(p->solid, op, *node, b, node));
  }
  return PETSC_SUCCESS;
}

/*
  EngdSolidParse - The solid of a text over named parts; its root is the text's.
*/
PetscErrorCode EngdSolidParse(EngdDomain domain, const char option[], const char text[], PetscInt nparts,
                              char **names, const PetscInt nodes[], EngdSolid *solid)
{
  Parser   p = {domain, option, text, text, 0, nparts, names, nodes, solid};
  PetscInt root;

  PetscFunctionBeginUser;
  PetscCall(ParseSolid(&p, &root));
  PetscCheck(!*p.at, domain->comm, PETSC_ERR_USER_INPUT, "%s \"%s\": | & - or the end is wanted at \"%s\"", option,
             text, p.at);
  solid->root = root;
  PetscFunctionReturn(PETSC_SUCCESS);
}
