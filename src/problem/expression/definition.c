/*
  Functions of the user: name(a, b) = body, or name = body.

  A use of one reads its body with a parser of its own into the same graph, where the arguments are the values they have been
  given. So a function may be of expressions of unknowns, and d(f(x), x) is the derivative of what it says; equal uses are one
  node. A body may use the functions before it, so that none is its own part.
*/
#include "expressionimpl.h"

#define USES_MAX 100000 /* a second or so; f1 = f0*f0, f2 = f1*f1, ... has 2^n */

/* The definition of this name that may be used here, or -1 */
PetscInt EngdFindDefinition(const EngdParser *p, const char name[])
{
  const EngdSymbols *s = p->graph->symbols;

  for (PetscInt i = 0; i < s->ndefinitions - p->hidden; i++) {
    if (!strcmp(s->definition[i].name, name)) return i;
  }
  return -1;
}

/* value = definition `which` of the arguments [nargs] */
PetscErrorCode EngdParseDefinition(EngdParser *p, PetscInt which, const EngdValue arg[], EngdValue *value)
{
  const EngdSymbols    *s = p->graph->symbols;
  const EngdDefinition *d = &s->definition[which];
  char                  option[ENGD_NAME_LENGTH + 16];
  EngdValue            *local;
  PetscErrorCode        ierr;
  EngdParser            parser = {.expression = p->expression,
                                  .graph      = p->graph,
                                  .option     = option,
                                  .text       = d->body,
                                  .npool      = p->npool,
                                  .depth      = p->depth + 1,
                                  .hidden     = s->ndefinitions - which,
                                  .nlocals    = d->nargs,
                                  .local      = d->arg};

  PetscCheck(
      p->graph->uses++ < USES_MAX, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
      "-functions: %s is reached after more than %d uses of functions in others; use each of them fewer times, or "
      "name parts of the problem as unknowns of their own",
      d->name, USES_MAX);
  PetscCall(PetscSNPrintf(option, sizeof(option), "-functions %s", d->name));
  PetscCall(PetscMalloc1(d->nargs, &local)); /* arg is on a stack that may move */
  PetscCall(PetscArraycpy(local, arg, d->nargs));
  parser.local_value = local;
  ierr               = EngdParseAlone(&parser, value);
  PetscCall(PetscFree(local));
  PetscCall(ierr);
  p->npool = parser.npool;
  return PETSC_SUCCESS;
}
