/*
  The walk of walkers: Markov chains with the stationary density psi^2, one from each point of a term.

    metropolis   y = x + h xi,                     accepted with probability min(1, psi(y)^2 / psi(x)^2)
    langevin     y = x + h^2 f(x) + h xi,          the same times q(y -> x) / q(x -> y),  q(x -> y) = exp(-|y - x - h^2 f(x)|^2 / (2 h^2)),
                 f = v 2 / (1 + sqrt(1 + 2 h^2 |v|^2)),  v = grad log|psi|, bounded where psi vanishes and at cusps

  xi are normal numbers, functions of (seed, term, walker, step): the walk is the same on any number of ranks, to rounding. After each walk
  h goes up or down by exp(2 (accepted part - 1/2)). Periodic coordinates are brought back into their interval; with walls a place outside
  of the domain is refused, else walkers are free to leave it, and it is an error if many do: psi does not decay then.
  References: Metropolis et al., J. Chem. Phys. 21 (1953); Roberts and Tweedie, Bernoulli 2 (1996); Umrigar, Nightingale, Runge, J. Chem.
  Phys. 99 (1993).
*/
#include <engd/private.h>

#define ADAPT_STEPS 20   /* of the first ones, from one length to the next */
#define FROZEN      0.01 /* part of the steps that are accepted below which walkers stand */
#define STANDING    1e-5 /* length of a step by which they stand, in units of the size of the region */
#define LEFT        0.1  /* part of the walkers outside of the domain */

struct _n_EngdWalkWork {
  EngdEvaluator density;  /* log|psi|, and its gradient */
  PetscReal    *proposal; /* [nlocal][dim] */
  PetscReal    *here;     /* [nlocal][1, or 1 + dim] */
  PetscReal    *there;    /* the same at the proposals */
};

/* walkers on their way: those of a term, or a copy of them */
typedef struct {
  EngdFunctional   F;
  EngdTerm         term;
  EngdWalkWork     work;
  const PetscReal *theta;
  PetscReal       *x; /* [nlocal][dim] */
  PetscInt         stream, done;
  PetscInt64       accepted;
} Walkers;

PetscErrorCode EngdWalkWorkDestroy(EngdWalkWork *work)
{
  PetscFunctionBeginUser;
  if (!*work) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdEvaluatorDestroy(&(*work)->density));
  PetscCall(PetscFree3((*work)->proposal, (*work)->here, (*work)->there));
  PetscCall(PetscFree(*work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetWork(EngdFunctional F, PetscInt t, EngdWalkWork *out)
{
  const EngdTerm term = F->problem->term[t];
  const PetscInt n = term->points->nlocal, nc = term->walk->density->ncomponents;
  EngdWalkWork   work;

  PetscFunctionBeginUser;
  if (!F->term[t].walk) {
    PetscCall(PetscNew(&work));
    PetscCall(EngdEvaluatorCreate(F->model, term->walk->density, n, &work->density));
    PetscCall(PetscMalloc3(ENGD_COUNT(n, term->points->dim), &work->proposal, ENGD_COUNT(n, nc), &work->here,
                           ENGD_COUNT(n, nc), &work->there));
    F->term[t].walk = work;
  }
  *out = F->term[t].walk;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* h^2 times the factor of v in f; row: log|psi| and v, or log|psi| alone */
static PetscReal Drift(const EngdWalk walk, PetscInt dim, const PetscReal row[])
{
  const PetscReal tau    = walk->length * walk->length;
  PetscReal       square = 0;

  if (!walk->langevin) return 0;
  for (PetscInt k = 0; k < dim; k++) square += row[1 + k] * row[1 + k];
  return tau * 2 / (1 + PetscSqrtReal(1 + 2 * tau * square));
}

/* the proposals of all walkers for this step */
static void Propose(Walkers *w)
{
  const EngdPoints points = w->term->points;
  const EngdWalk   walk   = w->term->walk;
  const PetscInt   dim = points->dim, nc = walk->density->ncomponents;

  for (PetscInt i = 0; i < points->nlocal; i++) {
    const PetscReal *row = w->work->here + ENGD_COUNT(i, nc), drift = Drift(walk, dim, row);
    const PetscReal *x = w->x + ENGD_COUNT(i, dim);
    PetscReal       *y = w->work->proposal + ENGD_COUNT(i, dim);

    for (PetscInt k = 0; k < dim; k++)
      y[k] = x[k] + (walk->langevin ? drift * row[1 + k] : 0) +
             walk->length * EngdRandomNormal(points->seed, w->stream, points->start + i, w->done, k);
  }
}

/* log of q(y -> x) / q(x -> y) */
static PetscReal LogProposals(const EngdWalk walk, PetscInt dim, const PetscReal x[], const PetscReal y[],
                              const PetscReal here[], const PetscReal there[])
{
  const PetscReal drift = Drift(walk, dim, here), back = Drift(walk, dim, there);
  PetscReal       sum = 0;

  for (PetscInt k = 0; walk->langevin && k < dim; k++)
    sum += PetscSqr(y[k] - x[k] - drift * here[1 + k]) - PetscSqr(x[k] - y[k] - back * there[1 + k]);
  return walk->langevin ? sum / (2 * walk->length * walk->length) : 0;
}

/* periodic coordinates of x into their intervals */
static PetscErrorCode Wrap(EngdDomain domain, PetscReal x[])
{
  PetscReal lower, upper;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < domain->nspace; k++) {
    if (!domain->periodic[k]) continue;
    PetscCall(EngdDomainGetBounds(domain, k, &lower, &upper));
    x[k] -= (upper - lower) * PetscFloorReal((x[k] - lower) / (upper - lower));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* walker i goes to its proposal, or stays */
static PetscErrorCode Decide(Walkers *w, PetscInt i)
{
  const EngdPoints points = w->term->points;
  const EngdWalk   walk   = w->term->walk;
  const EngdDomain domain = points->domain;
  const PetscInt   dim = points->dim, nc = walk->density->ncomponents, coin = 2 * ((dim + 1) / 2);
  PetscReal       *x = w->x + ENGD_COUNT(i, dim), *y = w->work->proposal + ENGD_COUNT(i, dim);
  PetscReal       *here = w->work->here + ENGD_COUNT(i, nc), *there = w->work->there + ENGD_COUNT(i, nc);
  PetscReal        ratio;
  PetscBool        inside = PETSC_TRUE;

  PetscFunctionBeginUser;
  if (PetscIsInfOrNanReal(there[0])) PetscFunctionReturn(PETSC_SUCCESS);
  if (walk->walls) PetscCall((*domain->ops->contains)(domain, y, &inside));
  if (!inside) PetscFunctionReturn(PETSC_SUCCESS);
  ratio = 2 * (there[0] - here[0]) + LogProposals(walk, dim, x, y, here, there);
  if (!PetscIsInfOrNanReal(here[0]) &&
      !(PetscLogReal(EngdRandomUniform(points->seed, w->stream, points->start + i, w->done, coin)) < ratio))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Wrap(domain, y));
  PetscCall(PetscArraycpy(x, y, dim));
  PetscCall(PetscArraycpy(here, there, nc));
  w->accepted++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* n steps of all walkers; accepted: the part of them that was */
static PetscErrorCode Go(Walkers *w, PetscInt n, PetscReal *accepted)
{
  const EngdPoints points = w->term->points;
  EngdWalkWork     work   = w->work;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.walk, 0, 0, 0, 0));
  w->accepted = 0;
  PetscCall(EngdEvaluatorApply(work->density, w->theta, points->nlocal, w->x, NULL, NULL, work->here));
  for (PetscInt s = 0; s < n; s++, w->done++) {
    Propose(w);
    PetscCall(EngdEvaluatorApply(work->density, w->theta, points->nlocal, work->proposal, NULL, NULL, work->there));
    for (PetscInt i = 0; i < points->nlocal; i++) PetscCall(Decide(w, i));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &w->accepted, 1, MPIU_INT64, MPI_SUM, w->F->comm));
  *accepted = (PetscReal)w->accepted / ((PetscReal)n * (PetscReal)points->nglobal);
  PetscCall(PetscLogEventEnd(engd_log.walk, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* walkers that have left the domain, and such that do not move */
static PetscErrorCode Check(Walkers *w)
{
  const EngdTerm   term   = w->term;
  const EngdPoints points = term->points;
  const EngdDomain domain = points->domain;
  const PetscReal  size   = PetscPowReal(points->measure, 1 / (PetscReal)points->dim);
  PetscInt         left   = 0;

  PetscFunctionBeginUser;
  PetscCheck(term->walk->accepted >= FROZEN && term->walk->length >= STANDING * size, points->comm, ENGD_ERR_NUMERICS,
             "the walkers of term '%s' freeze: %.2g%% of their steps of length %.2g are accepted; -%s_log_psi is not "
             "finite there, or has a spike, or give a shorter -%s_walk_length",
             term->name, 100 * (double)term->walk->accepted, (double)term->walk->length, term->name, term->name);
  if (!domain->ops->contains) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < points->nlocal; i++) {
    PetscBool inside;

    PetscCall((*domain->ops->contains)(domain, w->x + ENGD_COUNT(i, points->dim), &inside));
    left += !inside;
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &left, 1, MPIU_INT, MPI_SUM, points->comm));
  PetscCheck(left <= LEFT * (PetscReal)points->nglobal, points->comm, ENGD_ERR_NUMERICS,
             "%" PetscInt_FMT " of the %" PetscInt_FMT
             " walkers of term '%s' have left the domain, where psi should have decayed; give an envelope, as "
             "-ansatz_u \"u - r\", a larger domain, or -%s_walk_walls",
             left, points->nglobal, term->name, term->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the walkers of term t, where and when they are */
static PetscErrorCode Begin(EngdFunctional F, PetscInt t, Walkers *w)
{
  const EngdTerm term = F->problem->term[t];

  PetscFunctionBeginUser;
  *w = (Walkers){.F      = F,
                 .term   = term,
                 .x      = term->points->x,
                 .theta  = F->present.theta,
                 .stream = ENGD_STREAM_WALK + term->points->stream,
                 .done   = term->walk->done};
  PetscCall(GetWork(F, t, &w->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the walkers go on for n steps, adapt the next ones, and are weighed by the parameters of now */
static PetscErrorCode GoOn(EngdFunctional F, PetscInt t, PetscInt n)
{
  EngdTerm term = F->problem->term[t];
  EngdWalk walk = term->walk;
  Walkers  w;

  PetscFunctionBeginUser;
  PetscCall(Begin(F, t, &w));
  PetscCall(Go(&w, n, &walk->accepted));
  walk->done = w.done;
  if (walk->begun) PetscCall(Check(&w));
  walk->length *= PetscExpReal(2 * (walk->accepted - 0.5));
  term->points->moved = PETSC_TRUE;
  for (PetscInt i = 0; i < term->points->nlocal; i++)
    walk->reference[i] = w.work->here[ENGD_COUNT(i, walk->density->ncomponents)];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalWalk(EngdFunctional F, PetscInt t)
{
  PetscFunctionBeginUser;
  PetscCall(GoOn(F, t, F->problem->term[t]->walk->steps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalBeginWalk(EngdFunctional F, PetscInt t)
{
  EngdWalk walk = F->problem->term[t]->walk;

  PetscFunctionBeginUser;
  for (PetscInt s = 0; s < walk->burn; s += ADAPT_STEPS) PetscCall(GoOn(F, t, PetscMin(ADAPT_STEPS, walk->burn - s)));
  walk->begun = PETSC_TRUE;
  PetscCall(GoOn(F, t, walk->steps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the sums of the local energy and of its square, of all walkers of this rank */
static PetscErrorCode AddLocal(Walkers *w, EngdEvaluator local, PetscReal energy[], PetscReal *sum, PetscReal *square)
{
  const PetscInt n = w->term->points->nlocal;

  PetscFunctionBeginUser;
  PetscCall(EngdEvaluatorApply(local, w->theta, n, w->x, NULL, NULL, energy));
  for (PetscInt i = 0; i < n; i++) {
    *sum += energy[i];
    *square += energy[i] * energy[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the walkers go on from where they are, by numbers of their own, so that the training is not another for it */
static PetscErrorCode Measure(Walkers *w, PetscInt sweeps, EngdEvaluator local, PetscReal energy[], PetscReal mean[],
                              PetscReal *square)
{
  EngdWalk  walk = w->term->walk;
  PetscReal accepted;

  PetscFunctionBeginUser;
  PetscCall(Go(w, walk->burn, &accepted));
  for (PetscInt s = 0; s < sweeps; s++) {
    PetscCall(Go(w, walk->steps, &accepted));
    PetscCall(AddLocal(w, local, energy, &mean[s], square));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalMeasureWalk(EngdFunctional F, PetscInt t, PetscReal mean[], PetscReal *variance)
{
  const EngdTerm   term   = F->problem->term[t];
  const EngdPoints points = term->points;
  const PetscInt   sweeps = term->walk->sweeps;
  const PetscReal  N      = points->nglobal;
  PetscReal        all    = 0, *energy;
  PetscMPIInt      count;
  EngdEvaluator    local;
  Walkers          w;

  PetscFunctionBeginUser;
  PetscCall(Begin(F, t, &w));
  w.stream = ENGD_STREAM_MEASURE + points->stream;
  PetscCall(PetscMalloc2(ENGD_COUNT(points->nlocal, points->dim), &w.x, points->nlocal, &energy));
  PetscCall(PetscArraycpy(w.x, points->x, ENGD_COUNT(points->nlocal, points->dim)));
  PetscCall(EngdEvaluatorCreate(F->model, term->walk->local, points->nlocal, &local));
  PetscCall(PetscArrayzero(mean, sweeps));
  *variance = 0;
  PetscCall(Measure(&w, sweeps, local, energy, mean, variance));
  PetscCall(EngdEvaluatorDestroy(&local));
  PetscCall(PetscFree2(w.x, energy));
  PetscCall(PetscMPIIntCast(sweeps, &count));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, mean, count, MPIU_REAL, MPIU_SUM, F->comm));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, variance, 1, MPIU_REAL, MPIU_SUM, F->comm));
  for (PetscInt s = 0; s < sweeps; s++) all += (mean[s] /= N);
  *variance = PetscMax(0, *variance / (N * sweeps) - PetscSqr(all / sweeps));
  PetscFunctionReturn(PETSC_SUCCESS);
}
