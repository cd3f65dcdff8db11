/*
  Where a run begins whose file says nothing about it: the weights of the terms, then the hidden units, then the last layer.

    weights   lambda_t = max trace / trace_t,  trace_t the squares of the rows of term t in the columns of the last layer: a
              boundary of values then weighs as much as an interior of second derivatives, in any units
    units     over the box of the points, of scale 3 in each coordinate, or larger where least squares say that it pays
    last one  by least squares (last_layer.c)

  Energies have no residual to begin from. Beside them a condition weighs STIFFNESS times as much as balance has it, with new
  multipliers every MULTIPLIERS iterations, so that it holds to more digits than a penalty of any weight (multipliers.c); units
  and last layer stay the standard ones.

  Weights that a user gives to any term are all that count; so are initial weights, by any option -network_init. What helped
  and what did not is in runs/untuned.md.
*/
#include <engd/private.h>

#define SCALE  3   /* of the units: slopes of tanh over half of the domain */
#define FACTOR 3   /* from one scale that is tried to the next */
#define SWEEPS 4   /* of trials over the coordinates */
#define GAIN   0.1 /* a steeper scale is taken if it leaves less than this part of the loss */
#define STEPS  3   /* of Gauss and Newton at most, of a trial */
#define DEAR   5e7 /* entries of J, of which no trials are made */

#define STIFFNESS   100
#define MULTIPLIERS 5 /* ten, with a tenth of the weight, end the minimal surface at 5e-4 instead of 6e-5 */

typedef struct {
  EngdFunctional F;
  EngdLastLayer  last;
  EngdUnits      units;
  PetscReal     *scale, *trial; /* [dim] */
} Beginning;

/* a value of the loss that compares: what is not a number is large */
static PetscErrorCode Try(Beginning *b, const PetscReal scale[], Vec theta, PetscReal *loss)
{
  PetscFunctionBeginUser;
  PetscCall(EngdUnitsPlace(b->units, scale, theta));
  PetscCall(EngdLastLayerSolve(b->last, theta, STEPS, loss));
  if (PetscIsInfOrNanReal(*loss)) *loss = PETSC_MAX_REAL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* lambda_t from the traces at theta; the term with the largest has weight 1 */
static PetscErrorCode BalanceTerms(Beginning *b, Vec theta)
{
  const EngdProblem problem = b->F->problem;
  PetscReal        *trace, most = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(problem->nterms, &trace));
  PetscCall(EngdLastLayerTrace(b->last, theta, trace));
  for (PetscInt t = 0; t < problem->nterms; t++) most = PetscMax(most, trace[t]);
  for (PetscInt t = 0; t < problem->nterms; t++) {
    if (trace[t] > 0 && !PetscIsInfOrNanReal(most / trace[t])) problem->term[t]->weight = most / trace[t];
  }
  PetscCall(PetscFree(trace));
  PetscCall(EngdFunctionalAttachPoints(b->F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* scale <- steeper, coordinate by coordinate and all at once, as long as the loss left by least squares falls by much */
static PetscErrorCode ChooseScale(Beginning *b, Vec theta)
{
  const PetscInt dim    = b->F->problem->domain->dim;
  const PetscInt single = dim > 1 && dim <= 4 ? dim : 0;
  PetscReal      least, loss;
  PetscInt       rows;

  PetscFunctionBeginUser;
  PetscCall(EngdExplicitCountAllRows(b->F, &rows));
  if ((PetscReal)rows * b->F->model->nparameters > DEAR) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Try(b, b->scale, theta, &least));
  for (PetscInt sweep = 0; sweep < SWEEPS; sweep++) {
    PetscInt  best  = -2;
    PetscReal bound = GAIN * least;

    for (PetscInt i = -1; i < single; i++) {
      for (PetscInt k = 0; k < dim; k++) b->trial[k] = b->scale[k] * (i < 0 || i == k ? FACTOR : 1);
      PetscCall(Try(b, b->trial, theta, &loss));
      if (loss < bound) bound = least = loss, best = i;
    }
    if (best == -2) break;
    for (PetscInt k = 0; k < dim; k++) b->scale[k] *= best < 0 || best == k ? FACTOR : 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* does a beginning of this kind suit: a residual, finite at theta, and a last layer that is not too wide */
static PetscErrorCode Suits(EngdFunctional F, Vec theta, PetscBool *suits)
{
  PetscReal loss;

  PetscFunctionBeginUser;
  *suits = PETSC_FALSE;
  for (PetscInt k = 0; k < F->nnetworks; k++)
    if (!F->network[k]->nhidden) PetscFunctionReturn(PETSC_SUCCESS);
  if (F->curvature->for_hessian || EngdLastLayerCount(F) > ENGD_START_COLUMNS) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdExplicitHasResidual(F, suits));
  if (!*suits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(EngdFunctionalEvaluate(F, &loss, NULL));
  *suits = (PetscBool)!PetscIsInfOrNanReal(loss);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdStartLeaves(EngdFunctional F, PetscBool *units, PetscBool *weights)
{
  static const char *const options[] = {"-init", "-init_scale", "-init_bias"};

  PetscFunctionBeginUser;
  *units = *weights = PETSC_TRUE;
  for (PetscInt k = 0; k < F->nnetworks; k++) {
    const EngdNetwork net = F->network[k];

    *units = (PetscBool)(*units && net->initial[0] == 'g' && net->initial_scale == 1 && net->initial_bias == 0);
    for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(options) && *units; i++) {
      PetscBool common, own;

      PetscCall(PetscOptionsHasName(NULL, "network_", options[i], &common));
      PetscCall(PetscOptionsHasName(NULL, net->prefix, options[i], &own));
      *units = (PetscBool)(!common && !own);
    }
  }
  for (PetscInt t = 0; t < F->problem->nterms; t++)
    *weights = (PetscBool)(*weights && !F->problem->term[t]->weighted);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the line that says what was done */
static PetscErrorCode Describe(Beginning *b, PetscReal loss, EngdStart *start)
{
  const EngdProblem problem = b->F->problem;
  const size_t      size    = sizeof(start->text);
  char              word[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(start->text, size, "start: last layer by least squares (loss %.3g), units of scale",
                          (double)loss));
  for (PetscInt i = 0; i < problem->domain->dim; i++) {
    snprintf(word, sizeof(word), " %g", (double)b->scale[i]); /* PETSc would print 3 as 3. */
    PetscCall(PetscStrlcat(start->text, word, size));
  }
  for (PetscInt t = 0; t < problem->nterms && start->balanced; t++) {
    PetscCall(PetscSNPrintf(word, sizeof(word), "%s -%s_weight %.3g", t ? "" : ";", problem->term[t]->name,
                            (double)problem->term[t]->weight));
    PetscCall(PetscStrlcat(start->text, word, size));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* weights, units and last layer */
static PetscErrorCode Begin(Beginning *b, Vec theta, EngdStart *start)
{
  PetscReal loss;
  Vec       standard;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(theta, &standard));
  PetscCall(VecCopy(theta, standard));
  PetscCall(EngdUnitsPlace(b->units, b->scale, theta));
  if (start->balanced) PetscCall(BalanceTerms(b, theta));
  PetscCall(ChooseScale(b, theta));
  PetscCall(EngdUnitsPlace(b->units, b->scale, theta));
  if (start->balanced) PetscCall(BalanceTerms(b, theta));
  PetscCall(EngdLastLayerSolve(b->last, theta, 2 * STEPS, &loss));
  if (PetscIsInfOrNanReal(loss)) /* at u = 0, say, which the standard beginning avoids */
    PetscCall(VecCopy(standard, theta));
  else
    PetscCall(Describe(b, loss, start));
  for (PetscInt k = 0; k < ENGD_START_NFLAT; k++) {
    PetscCall(VecDuplicate(theta, &start->flat[k]));
    PetscCall(EngdUnitsFlatten(b->units, theta, k, start->flat[k]));
  }
  PetscCall(VecDestroy(&standard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same with the memory that it needs */
static PetscErrorCode Place(Beginning *b, Vec theta, EngdStart *start)
{
  const PetscInt dim = b->F->problem->domain->dim;

  PetscFunctionBeginUser;
  start->placed = PETSC_TRUE;
  PetscCall(PetscMalloc2(dim, &b->scale, dim, &b->trial));
  for (PetscInt i = 0; i < dim; i++) b->scale[i] = SCALE;
  PetscCall(EngdUnitsCreate(b->F, &b->units));
  PetscCall(EngdLastLayerCreate(b->F, theta, &b->last));
  PetscCall(Begin(b, theta, start));
  PetscCall(EngdLastLayerDestroy(&b->last));
  PetscCall(EngdUnitsDestroy(&b->units));
  PetscCall(PetscFree2(b->scale, b->trial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is it a condition with a weight and no more, on points that stay, and not to remain one */
static PetscBool IsPenalty(EngdTerm term)
{
  return (PetscBool)(!term->energy && !term->multipliers && !term->penalty && !term->resample);
}

/* are there such among energies */
static PetscBool HasPenalties(EngdFunctional F)
{
  PetscBool energy = PETSC_FALSE, penalty = PETSC_FALSE;

  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    const EngdTerm term = F->problem->term[t];

    energy  = (PetscBool)(energy || (term->energy && !term->integral));
    penalty = (PetscBool)(penalty || IsPenalty(term));
  }
  return (PetscBool)(energy && penalty);
}

/* the stiffness of the conditions beside energies, and their multipliers */
static PetscErrorCode BeginEnergies(Beginning *b, Vec theta, EngdStart *start)
{
  const EngdProblem problem = b->F->problem;
  const size_t      size    = sizeof(start->text);
  PetscReal        *trace, energy = 0;
  char              word[128];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(problem->nterms, &trace));
  PetscCall(EngdLastLayerTrace(b->last, theta, trace));
  PetscCall(PetscStrncpy(start->text, "start: conditions beside energies:", size));
  for (PetscInt t = 0; t < problem->nterms; t++)
    energy += problem->term[t]->energy && !problem->term[t]->integral ? trace[t] : 0;
  for (PetscInt t = 0; t < problem->nterms; t++) {
    const EngdTerm  term   = problem->term[t];
    const PetscReal weight = STIFFNESS * energy / trace[t];

    if (!IsPenalty(term)) continue;
    term->multipliers = MULTIPLIERS;
    if (weight > 0 && !PetscIsInfOrNanReal(weight)) term->weight = weight;
    PetscCall(PetscSNPrintf(word, sizeof(word), " -%s_weight %.3g -%s_multipliers %" PetscInt_FMT, term->name,
                            (double)term->weight, term->name, term->multipliers));
    PetscCall(PetscStrlcat(start->text, word, size));
  }
  start->multipliers = PETSC_TRUE;
  PetscCall(PetscFree(trace));
  PetscCall(EngdFunctionalAttachPoints(b->F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdStartRun - The parameters, and the weights of terms, that a run begins with.

  Collective

  Input Parameters:
+ functional - set up; nothing is done if the user has said how to begin
. theta      - the standard initial parameters
- energies   - may conditions beside energies get multipliers

  Output Parameters:
+ theta - those to begin with
- start - what was done, and other parameters to begin with; to be destroyed

  Source: src/start/start.c
*/
PetscErrorCode EngdStartRun(EngdFunctional F, Vec theta, PetscBool energies, EngdStart *start)
{
  PetscBool suits, units, weights; /* are they left to us */
  Beginning b = {.F = F};

  PetscFunctionBeginUser;
  *start = (EngdStart){.balanced = PETSC_FALSE};
  PetscCall(EngdStartLeaves(F, &units, &weights));
  PetscCall(Suits(F, theta, &suits));
  if (!units || !suits) {
    if (!energies || !weights || !HasPenalties(F)) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(EngdLastLayerCreate(F, theta, &b.last));
    PetscCall(BeginEnergies(&b, theta, start));
    PetscCall(EngdLastLayerDestroy(&b.last));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  start->balanced = weights;
  PetscCall(Place(&b, theta, start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdStartAgain(EngdFunctional F, Vec theta, EngdStart *start)
{
  Beginning b = {.F = F};

  PetscFunctionBeginUser;
  *start = (EngdStart){.balanced = PETSC_FALSE};
  PetscCall(Place(&b, theta, start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdStartDestroy(EngdStart *start)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < ENGD_START_NFLAT; k++) PetscCall(VecDestroy(&start->flat[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
