/*
  The damping lambda of G + lambda I from one iteration to the next, and its options. All changes of lambda are made here.

  Unless the step says by what factor, a length of at least 1/4 lowers lambda, a shorter one raises it: along d the quadratic
  model was trusted too far (Levenberg-Marquardt, with the step length for a gain ratio). A fixed lambda is raised by rejections
  alone, and steps bring it back. A factorisation that breaks down raises it too. Directions that cut off instead have no lambda: that its options are then of no use is said
  and not refused, since a problem's file may give them for the direction that another file exchanges.
*/
#include <engd/private.h>
#include <engd/values.h>

#define REJECTION_FACTOR 10    /* a rejection raises lambda by this, */
#define REJECTION_LEAST  1e-12 /* from at least this */

void EngdDampingInitialize(EngdDamping *damping)
{
  *damping        = (EngdDamping){.first = 1e-2, .adapt = PETSC_TRUE, .min = 1e-16, .increase = 4, .decrease = 10};
  damping->lambda = damping->first;
}

static PetscErrorCode CheckNumber(MPI_Comm comm, const char option[], PetscReal value, PetscReal least)
{
  PetscFunctionBeginUser;
  PetscCheck(value >= least && !PetscIsInfReal(value), comm, PETSC_ERR_ARG_OUTOFRANGE, "%s %g: give %s", option,
             (double)value, least > 0 ? "a number of at least 1" : "zero or a positive number");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDampingCheck(const EngdDamping *damping, MPI_Comm comm)
{
  PetscFunctionBeginUser;
  PetscCall(CheckNumber(comm, "-tao_engd_damping", damping->first, 0));
  PetscCall(CheckNumber(comm, "-tao_engd_damping_min", damping->min, 0));
  PetscCall(CheckNumber(comm, "-tao_engd_damping_decrease", damping->decrease, 1));
  PetscCall(CheckNumber(comm, "-tao_engd_damping_increase", damping->increase, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDampingSetFromOptions(EngdDamping *damping, MPI_Comm comm, EngdOptionItems PetscOptionsObject)
{
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsReal("-tao_engd_damping", "lambda of G + lambda I, the first or the fixed one, not negative",
                             "TaoEngdSetDamping", damping->first, &damping->first, NULL));
  PetscCall(PetscOptionsBool("-tao_engd_damping_adapt", "Lower lambda after long steps and raise it after short ones",
                             "TaoEngdSetDamping", damping->adapt, &damping->adapt, NULL));
  PetscCall(PetscOptionsReal("-tao_engd_damping_min", "Least lambda when it adapts, not negative",
                             "TaoEngdSetDampingRule", damping->min, &damping->min, NULL));
  PetscCall(PetscOptionsReal("-tao_engd_damping_decrease",
                             "Divisor of lambda after a step of at least 1/4, at least 1", "TaoEngdSetDampingRule",
                             damping->decrease, &damping->decrease, NULL));
  PetscCall(PetscOptionsReal("-tao_engd_damping_increase", "Factor of lambda after a shorter step, at least 1",
                             "TaoEngdSetDampingRule", damping->increase, &damping->increase, NULL));
  PetscCall(EngdDampingCheck(damping, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* lambda <- that of the next iteration, after this step or, where its length is 0, none */
void EngdDampingFollow(EngdDamping *damping, const EngdLine *line)
{
  const PetscReal factor = line->damping_factor;
  PetscReal      *lambda = &damping->lambda;

  if (line->step == 0)
    *lambda = PetscMax(REJECTION_LEAST, (factor > 0 ? factor : REJECTION_FACTOR) * *lambda);
  else if (!damping->adapt)
    *lambda = PetscMax(damping->first, *lambda / REJECTION_FACTOR);
  else if (factor > 0)
    *lambda = PetscMax(damping->min, factor * *lambda);
  else if (line->step >= 0.25)
    *lambda = PetscMax(damping->min, *lambda / damping->decrease);
  else
    *lambda *= damping->increase;
}

/*@C
  EngdDampingRaise - raises lambda where the factorisation of a matrix + lambda I has broken down

  Collective, with the same number on all ranks. Called by a direction, which tries again with solver->damping.lambda.

  Input Parameters:
+ solver - what the direction was given
- least  - the least lambda that could make a difference, such as rounding of the largest entry of the matrix
@*/
PetscErrorCode EngdDampingRaise(EngdSolver solver, PetscReal least)
{
  PetscFunctionBeginUser;
  solver->damping.lambda = PetscMax(REJECTION_FACTOR * solver->damping.lambda, least);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G, and what preconditioners are made from, get the present lambda */
PetscErrorCode EngdDampingSetOperators(EngdSolver solver)
{
  PetscFunctionBeginUser;
  PetscCall(EngdGramianSetDamping(solver->G, solver->damping.lambda));
  if (solver->P != solver->G) PetscCall(EngdGramianSetDamping(solver->P, solver->damping.lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDampingState(EngdDamping *damping, EngdArchive a)
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchiveReal(a, "lambda", &damping->lambda, damping->first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one line on the options of lambda that were given, where neither direction nor step has a lambda. Collective */
PetscErrorCode EngdDampingTellUnused(MPI_Comm comm, EngdDirection direction, EngdStep step)
{
  static const char *const options[] = {"-tao_engd_damping", "-tao_engd_damping_adapt", "-tao_engd_damping_min",
                                        "-tao_engd_damping_decrease", "-tao_engd_damping_increase"};
  EngdIdle                 idle      = {0};
  char                     reason[256];

  PetscFunctionBeginUser;
  if ((direction->features & ENGD_DIRECTION_DAMPED) || step->damped) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdIdleAddGiven(&idle, NULL, PETSC_STATIC_ARRAY_LENGTH(options), options));
  if (direction->damping_name)
    PetscCall(PetscSNPrintf(reason, sizeof(reason), "direction %s has a %s and no damping", direction->type,
                            direction->damping_name));
  else
    PetscCall(PetscSNPrintf(reason, sizeof(reason), "direction %s has no damping", direction->type));
  PetscCall(EngdIdleTell(&idle, comm, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}
