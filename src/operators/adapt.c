/*
  Points of a term that follow its residual, at the present parameters.

    RAD  all points are drawn anew;  RAR  some are added;  both with the density |r|^k / mean(|r|^k) + c, |r|^2 summed over the
    components, among candidates of their own sequence, at another epoch each time

  In between the points stay: methods that converge fast do so on points that stay. Where they are is a matter of theta, and so
  part of the state of a run (movepoints.c).
  Reference: Wu, Zhu, Tan, Kartha, Lu (arXiv 2207.10289), RAD and RAR-D.
*/
#include <engd/private.h>

#define CANDIDATES 10 /* for each point that is taken, where nobody says */

/* norm[i] <- |r| of term t at n points of a block's size or less */
static PetscErrorCode BlockNorms(EngdFunctional F, PetscInt t, PetscInt n, EngdPoints points, PetscInt start,
                                 PetscReal norm[])
{
  EngdBlock block = {.term      = t,
                     .n         = n,
                     .x         = points->x + ENGD_COUNT(start, points->dim),
                     .normal    = points->normal ? points->normal + ENGD_COUNT(start, points->nspace) : NULL,
                     .dimension = points->nrandom ? points->dimension + ENGD_COUNT(start, points->nrandom) : NULL};

  PetscFunctionBeginUser;
  PetscCall(EngdBlockEvaluateAt(F, &block, F->work.theta));
  for (PetscInt i = 0; i < n; i++) {
    PetscReal square = 0;

    for (PetscInt c = 0; c < F->problem->term[t]->pointwise->ncomponents; c++)
      square += PetscSqr(F->trial.value[ENGD_COUNT(c, n) + i]);
    norm[i] = PetscSqrtReal(square);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same at all local points */
static PetscErrorCode Norms(EngdFunctional F, PetscInt t, EngdPoints points, PetscReal norm[])
{
  const PetscInt size = EngdFunctionalBlockSize(F, t);
  PetscErrorCode ierr = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalBegin(F, "an evaluation of the residual at other points"));
  for (PetscInt i = 0; i < points->nlocal && !ierr; i += size)
    ierr = BlockNorms(F, t, PetscMin(size, points->nlocal - i), points, i, norm + i);
  PetscCall(EngdFunctionalEnd(F));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the candidates of a term, at least n, at an epoch of their own; false where its region is a point, which has no others */
static PetscErrorCode TakeCandidates(EngdFunctional F, PetscInt t, PetscInt n, PetscBool *some)
{
  const EngdTerm   term      = F->problem->term[t];
  const EngdPoints points    = term->points;
  EngdPoints      *candidate = &term->adapt.candidate;
  const PetscInt   wanted    = term->adapt.candidates ? term->adapt.candidates : CANDIDATES * n;

  PetscFunctionBeginUser;
  if (*candidate && (*candidate)->nfirst < n) PetscCall(EngdPointsDestroy(candidate));
  if (!*candidate)
    PetscCall(
        EngdPointsCreateOthers(points, PetscMax(wanted, n), ENGD_STREAM_CANDIDATES + points->stream, candidate));
  PetscCall(PetscStrcmp((*candidate)->sampler, "grid", some));
  *some = (PetscBool) !*some;
  if (*some) PetscCall(EngdPointsSample(*candidate, term->adapt.done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* number[n], chance[n] of the candidates where term t has a large residual; false where there are none to choose among */
static PetscErrorCode Choose(EngdFunctional F, PetscInt t, PetscInt n, PetscBool *some, PetscInt number[],
                             PetscReal chance[])
{
  EngdAdapt *adapt = &F->problem->term[t]->adapt;
  PetscReal *norm;

  PetscFunctionBeginUser;
  PetscCall(TakeCandidates(F, t, n, some));
  if (!*some) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(adapt->candidate->nlocal + 1, &norm));
  PetscCall(Norms(F, t, adapt->candidate, norm));
  PetscCall(EngdPointsChoose(adapt->candidate, norm, n, &adapt->density, number, chance));
  PetscCall(PetscFree(norm));
  adapt->done++;
  adapt->fresh = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all points that count weigh the same, and their sum is the measure */
static void WeighAlike(EngdPoints points)
{
  for (PetscInt i = 0; i < points->nlocal; i++)
    points->weight[i] = points->start + i < points->nactive ? points->measure / (PetscReal)points->nactive : 0;
}

/* points beyond `before` weigh as the mean, and all together as much as those before them did alone */
static void WeighAdded(EngdPoints points, PetscInt before)
{
  const PetscReal factor = (PetscReal)before / (PetscReal)points->nactive;

  for (PetscInt i = 0; i < points->nlocal; i++) {
    const PetscInt number = points->start + i;

    if (number < before)
      points->weight[i] *= factor;
    else if (number < points->nactive)
      points->weight[i] = points->measure / (PetscReal)points->nactive;
  }
}

/* weights 1/chance, with the measure as their sum; chance[n] of all points */
static void WeighByChance(EngdPoints points, const PetscReal chance[])
{
  PetscReal sum = 0;

  for (PetscInt i = 0; i < points->nglobal; i++) sum += 1 / chance[i];
  for (PetscInt i = 0; i < points->nlocal; i++)
    points->weight[i] = points->measure / (sum * chance[points->start + i]);
}

/* n of the points, from number `first` on, go where the residual is large; false where there is no such place */
static PetscErrorCode Follow(EngdFunctional F, PetscInt t, PetscInt first, PetscInt n, PetscBool *some)
{
  const EngdTerm term   = F->problem->term[t];
  EngdPoints     points = term->points;
  PetscInt      *number;
  PetscReal     *chance;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &number, n, &chance));
  PetscCall(Choose(F, t, n, some, number, chance));
  if (*some) {
    if (first + n > points->nglobal) PetscCall(EngdPointsResize(points, first + n));
    PetscCall(EngdPointsPlace(points, first, n, term->adapt.candidate, number));
    points->nactive = first + n;
    if (first)
      WeighAdded(points, first);
    else if (term->adapt.quadrature)
      WeighByChance(points, chance);
    else
      WeighAlike(points);
  }
  PetscCall(PetscFree2(number, chance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalAdapt(EngdFunctional F, PetscInt t)
{
  const EngdTerm term = F->problem->term[t];
  const PetscInt n    = term->points->nactive;
  PetscBool      some;

  PetscFunctionBeginUser;
  if (term->adapt.method == ENGD_ADAPT_RAR)
    PetscCall(Follow(F, t, n, term->adapt.add, &some));
  else
    PetscCall(Follow(F, t, 0, n, &some));
  PetscCheck(some, F->comm, PETSC_ERR_USER_INPUT, "-%s_adapt %s: %s is a point; leave the option out", term->name,
             EngdAdaptName(term->adapt.method), term->points->region);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalAddPoints - Gives a term more points, where its residual is large at the present parameters.

  Collective

  Input Parameters:
+ F    - set up, with its parameters set
. term - its number; a residual, whose points are not those of a file
- n    - how many, at least 0

  Output Parameter:
. added - n, or 0 where the term can have no others: at a point, of a file, of an energy, of walkers

  Notes: The density is |r|^k / mean(|r|^k) + c with the numbers of the options -<term>_adapt_..., k = 1 and c = 1 without them.
  Quadrature weights still sum to the measure of the region. The rows of J are others afterwards: matrices, and optimisers that have
  begun, are of no use any more; those that begin later are right. A checkpoint has the new points.

  Source: src/operators/adapt.c
*/
PetscErrorCode EngdFunctionalAddPoints(EngdFunctional F, PetscInt t, PetscInt n, PetscInt *added)
{
  PetscBool some;
  EngdTerm  term;

  PetscFunctionBeginUser;
  *added = 0;
  PetscCheck(t >= 0 && t < F->problem->nterms, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "there is no term %" PetscInt_FMT " of %" PetscInt_FMT, t, F->problem->nterms);
  PetscCheck(n >= 0, F->comm, PETSC_ERR_ARG_OUTOFRANGE, "%" PetscInt_FMT " points to add: at least 0", n);
  term = F->problem->term[t];
  if (!n || term->energy || term->walk || !strcmp(term->points->sampler, "file")) PetscFunctionReturn(PETSC_SUCCESS);
  if (term->adapt.method == ENGD_ADAPT_NONE) {
    term->adapt.density.exponent = 1;
    term->adapt.density.floor    = 1;
  }
  PetscCall(Follow(F, t, term->points->nactive, n, &some));
  if (!some) PetscFunctionReturn(PETSC_SUCCESS);
  *added = n;
  PetscCall(EngdFunctionalResize(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}
