/*
  Bounds of the unknown parameters, by transformation: theta has a number s without bounds in the place of the parameter k,

    -unknown_lower k=a -unknown_upper k=b     k = (a + b)/2 + (b - a)/2 tanh(s)
    -unknown_lower k=a                        k = a + exp(s)
    -unknown_upper k=b                        k = b - exp(s)

  Texts that name k have this in its place (src/problem/expression/name.c), so that all derivatives are by s.
*/
#include <engd/private.h>
#include <math.h>

/* the bounds in the text of an option, infinite (sign) where it says none */
static PetscErrorCode ReadBounds(EngdProblem problem, const char option[], const char text[], PetscReal sign,
                                 PetscReal bound[])
{
  char     **name  = NULL;
  PetscReal *value = NULL;
  PetscInt   n     = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < problem->nunknowns; k++) bound[k] = sign * INFINITY;
  if (!text) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdProblemReadNumbers(problem, option, text, &n, &name, &value));
  for (PetscInt i = 0; i < n; i++) {
    PetscInt k = 0;

    while (k < problem->nunknowns && strcmp(problem->unknown[k], name[i])) k++;
    PetscCheck(k < problem->nunknowns, problem->comm, PETSC_ERR_USER_INPUT,
               "%s \"%s\": %s is none of -unknown_parameters", option, text, name[i]);
    bound[k] = value[i];
  }
  PetscCall(EngdListDestroy(n, &name));
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemReadBounds - The bounds of the unknown parameters; their first values are inside.
*/
PetscErrorCode EngdProblemReadBounds(EngdProblem problem)
{
  static const char manual[] = "EngdProblemSetUnknownBounds";
  const PetscInt    n        = problem->nunknowns;
  char             *lower, *upper;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &problem->lower, n, &problem->upper));
  PetscOptionsBegin(problem->comm, NULL, "Bounds of unknown parameters", "EngdProblem");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-unknown_lower", "What unknown parameters stay above, such as nu=0",
                            manual, NULL, NULL, &lower));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-unknown_upper", "What unknown parameters stay below, such as nu=1",
                            manual, NULL, NULL, &upper));
  PetscOptionsEnd();
  PetscCall(ReadBounds(problem, "-unknown_lower", lower, -1, problem->lower));
  PetscCall(ReadBounds(problem, "-unknown_upper", upper, 1, problem->upper));
  PetscCall(PetscFree(lower));
  PetscCall(PetscFree(upper));
  for (PetscInt k = 0; k < n; k++) {
    char text[3][32]; /* PETSc would print 1 as 1. */

    snprintf(text[0], sizeof(text[0]), "%g", (double)problem->start[k]);
    snprintf(text[1], sizeof(text[1]), "%g", (double)problem->lower[k]);
    snprintf(text[2], sizeof(text[2]), "%g", (double)problem->upper[k]);
    PetscCheck(problem->lower[k] < problem->start[k] && problem->start[k] < problem->upper[k], problem->comm,
               PETSC_ERR_USER_INPUT,
               "-unknown_parameters %s=%s: the first value must be between the bounds %s and %s (-unknown_lower, "
               "-unknown_upper)",
               problem->unknown[k], text[0], text[1], text[2]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal EngdProblemFreeUnknown(EngdProblem problem, PetscInt k, PetscReal value)
{
  const PetscReal a = problem->lower[k], b = problem->upper[k];

  if (!isinf(a) && !isinf(b)) return atanh((2 * value - a - b) / (b - a));
  if (!isinf(a)) return PetscLogReal(value - a);
  return isinf(b) ? value : PetscLogReal(b - value);
}

PetscReal EngdProblemBoundUnknown(EngdProblem problem, PetscInt k, PetscReal s, PetscReal *slope)
{
  const PetscReal a = problem->lower[k], b = problem->upper[k];

  *slope = 1;
  if (!isinf(a) && !isinf(b)) {
    *slope = (b - a) / 2 / PetscSqr(PetscCoshReal(s));
    return (a + b) / 2 + (b - a) / 2 * PetscTanhReal(s);
  }
  if (isinf(a) && isinf(b)) return s;
  *slope = isinf(b) ? PetscExpReal(s) : -PetscExpReal(s);
  return (isinf(b) ? a : b) + *slope;
}

/* the part of the way from the first value to a bound that is left where the bound counts as reached */
#define REACHED 1e-5

PetscBool EngdProblemAtBound(EngdProblem problem, PetscInt k, PetscReal value, PetscReal *bound)
{
  const PetscReal a = problem->lower[k], b = problem->upper[k], first = problem->start[k];

  *bound = value - a < REACHED * (first - a) ? a : b;
  if (isinf(*bound)) return PETSC_FALSE;
  return (PetscBool)(PetscAbsReal(value - *bound) < REACHED * PetscAbsReal(first - *bound));
}
