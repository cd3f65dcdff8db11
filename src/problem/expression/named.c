/*
  Named functions of one argument from outside the language: those of files with ENGD_REGISTER_FUNCTION, and of plug-ins.

  In the graph f^(k)(a) is one operation of three arguments, a and the constants f and k; its derivative is that of k + 1.
  A function has as many derivatives as it says, and an expression that needs more of them is refused.
*/
#include "expressionimpl.h"

typedef struct {
  char          *name;
  PetscInt       order;
  EngdFunctionFn function;
} Named;

static PetscInt  nnamed = 0, named_size = 0;
static Named    *named  = NULL;
static PetscBool filled = PETSC_FALSE;

static PetscErrorCode Destroy(void)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < nnamed; i++) PetscCall(PetscFree(named[i].name));
  PetscCall(PetscFree(named));
  nnamed = named_size = 0;
  filled              = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one more, or another one of the name */
static PetscErrorCode Add(const char name[], PetscInt order, EngdFunctionFn function)
{
  PetscInt i = 0;

  PetscFunctionBeginUser;
  while (i < nnamed && strcmp(named[i].name, name) != 0) i++;
  if (i == nnamed) {
    PetscCall(EngdReserve(nnamed + 1, sizeof(Named), &named_size, &named));
    named[i] = (Named){NULL, 0, NULL};
    PetscCall(PetscStrallocpy(name, &named[i].name));
    nnamed++;
  }
  named[i].order    = order;
  named[i].function = function;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* those of the table, before anything of the user's */
static PetscErrorCode Fill(void)
{
  PetscFunctionBeginUser;
  if (filled) PetscFunctionReturn(PETSC_SUCCESS);
  filled = PETSC_TRUE;
  PetscCall(PetscRegisterFinalize(Destroy));
  for (const EngdRegistered *entry = engd_registered; entry->kind; entry++) {
    if (strcmp(entry->kind, "function") == 0)
      PetscCall(Add(entry->name, (PetscInt)entry->features, (EngdFunctionFn)entry->function));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionRegister - Adds a function of one argument to the language of problems, or replaces one.

  Not collective

  Input Parameters:
+ name     - what texts call it, with one argument; entry by entry on vectors
. order    - derivatives that it has, from 0 to ENGD_FUNCTION_ORDER
- function - fills s[k][i] = f^(k)(a[i]) for k from 0 to the order asked for; a and s do not overlap

  Errors: PETSC_ERR_ARG_OUTOFRANGE for another order, PETSC_ERR_ARG_WRONG for a name that the language has already

  Note: a residual that is nonlinear in f(u) needs two derivatives of f, with lap(f(u)) four of them. In the tree the line
  ENGD_REGISTER_FUNCTION("name", function, order); in a file does it.

  Source: src/problem/expression/named.c
*/
PetscErrorCode EngdFunctionRegister(const char name[], PetscInt order, EngdFunctionFn function)
{
  PetscFunctionBeginUser;
  PetscCheck(order >= 0 && order <= ENGD_FUNCTION_ORDER, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "function %s with derivatives up to order %" PetscInt_FMT ": give a number from 0 to %d", name, order,
             ENGD_FUNCTION_ORDER);
  PetscCall(Fill());
  PetscCheck(EngdNamedFind(name) >= 0 || !EngdFunctionIsKnown(name), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "function %s: the language of problems has one of this name; choose another", name);
  PetscCall(Add(name, order, function));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *EngdNamedName(PetscInt i)
{
  return !Fill() && i < nnamed ? named[i].name : NULL;
}

PetscInt EngdNamedFind(const char name[])
{
  const char *candidate;

  for (PetscInt i = 0; (candidate = EngdNamedName(i)); i++)
    if (strcmp(candidate, name) == 0) return i;
  return -1;
}

/* y = f^(k)(a) with f and k the same at all points */
void EngdNamedKernel(PetscInt n, const PetscReal *const v[], PetscReal *restrict y)
{
  const Named   *f     = &named[(PetscInt)v[1][0]];
  const PetscInt order = (PetscInt)v[2][0];
  PetscReal      lower[ENGD_FUNCTION_ORDER][ENGD_STRIP], *s[ENGD_FUNCTION_ORDER + 1];

  for (PetscInt k = 0; k < order; k++) s[k] = lower[k];
  s[order] = y;
  (*f->function)(n, v[0], order, s);
}

/* d f^(k)(a) / da = f^(k+1)(a) */
EngdNode EngdNamedPartial(EngdGraph g, EngdNode node, PetscInt argument)
{
  const EngdKey  key   = g->node[node].key;
  const Named   *f     = &named[(PetscInt)g->node[key.arg[1]].key.value];
  const PetscInt order = (PetscInt)g->node[key.arg[2]].key.value + 1;

  (void)argument;
  if (order > f->order) {
    if (!g->error)
      g->error = PetscError(PETSC_COMM_SELF, __LINE__, PETSC_FUNCTION_NAME, __FILE__, PETSC_ERR_USER_INPUT,
                            PETSC_ERROR_INITIAL,
                            "%s: function %s() has derivatives up to order %" PetscInt_FMT
                            ", and one of order %" PetscInt_FMT " is needed",
                            g->option, f->name, f->order, order);
    return ENGD_ZERO;
  }
  return EngdGraphApply(g, ENGD_OP_NAMED, key.arg[0], key.arg[1], EngdGraphNumber(g, (PetscReal)order));
}
