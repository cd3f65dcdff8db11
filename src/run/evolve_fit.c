/*
  Time steps by fits (TENG): u_{n+1} and the stages of a scheme are fitted one after the other, each to where it gains no more.

    -ts_type rk     u_i = u_n + dt sum_j a_ij f(u_j), then u_{n+1} with b_j; the tableau is that of -ts_rk_type
    -ts_type theta  w - theta dt f(w) = u_n, then u_{n+1} = u_n + (w - u_n)/theta: for theta = 1/2 the implicit midpoint rule;
                    -ts_theta_endpoint: u_{n+1} - theta dt f(u_{n+1}) = u_n + (1 - theta) dt f(u_n)

  A fit solves u - c f(u) = g in the points for theta by Gauss-Newton's method with factors of J that are kept: they are taken anew where steps with
  them have ceased to gain, once a time step as a rule, at its end. The cut-off of singular values follows what it gains: small
  ones give large steps in theta, too large for the J at hand, so that each step looks for a larger one where it does not take
  most of the miss off, and the next begins from there. What is missed in the end lies beside the network.
  Reference: TENG, Chen et al., arXiv 2404.10771.
*/
#include <engd/evolve.h>
#include <engd/private.h>

#define FIT_STEPS   40                           /* of Gauss-Newton at most, for one fit */
#define FIT_GOOD    0.2                          /* a step that leaves less of the miss needs no other cut-off */
#define FIT_GAIN    0.5                          /* one that leaves more is the last with its factors, */
#define FIT_WORTH   0.7                          /* which are taken anew where they have left less than this */
#define FIT_CUTS    4                            /* cut-offs that a step tries, more where none has gained, */
#define FIT_RAISE   10                           /* each so many times the one before */
#define FIT_LARGEST 0.1                          /* at most */
#define FIT_ENOUGH  (50 * PETSC_MACHINE_EPSILON) /* of u: there is no less to miss */

/* Scratch of the steps */
typedef struct {
  EngdEvolution e;
  PetscInt      nrates;
  Vec          *k;              /* [nrates] f of the stages */
  Vec           v, g;           /* v_n; the right-hand side of a fit */
  Vec           miss, better;   /* g - (v - c f), of the trials of a step */
  Vec           theta;          /* of the stage */
  Vec           d, trial, best; /* of a step of a fit */
  PetscReal     size;           /* |u_n| */
} Steps;

static PetscErrorCode Create(EngdEvolution e, PetscInt nrates, Vec theta, Steps *s)
{
  PetscFunctionBeginUser;
  *s = (Steps){.e = e, .nrates = nrates};
  PetscCall(VecDuplicateVecs(e->R, nrates, &s->k));
  PetscCall(VecDuplicate(e->R, &s->v));
  PetscCall(VecDuplicate(e->R, &s->g));
  PetscCall(VecDuplicate(e->R, &s->miss));
  PetscCall(VecDuplicate(e->R, &s->better));
  PetscCall(VecDuplicate(theta, &s->theta));
  PetscCall(VecDuplicate(theta, &s->d));
  PetscCall(VecDuplicate(theta, &s->trial));
  PetscCall(VecDuplicate(theta, &s->best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Steps *s)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroyVecs(s->nrates, &s->k));
  PetscCall(VecDestroy(&s->v));
  PetscCall(VecDestroy(&s->g));
  PetscCall(VecDestroy(&s->miss));
  PetscCall(VecDestroy(&s->better));
  PetscCall(VecDestroy(&s->theta));
  PetscCall(VecDestroy(&s->d));
  PetscCall(VecDestroy(&s->trial));
  PetscCall(VecDestroy(&s->best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* miss <- g - (v - c f) at theta; NaN, without an error, where that is not finite */
static PetscErrorCode Miss(Steps *s, PetscReal c, Vec theta, Vec miss, PetscReal *norm)
{
  PetscFunctionBeginUser;
  PetscCall(EngdEvolveState(s->e, theta, miss));
  if (c != 0) {
    PetscCall(EngdEvolveRate(s->e, theta, s->e->row));
    PetscCall(VecAXPY(miss, -c, s->e->row));
  }
  PetscCall(VecAYPX(miss, -1, s->g));
  PetscCall(VecNorm(miss, NORM_2, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is J of v - c f the same at all theta */
static PetscBool Stays(EngdEvolution e, PetscReal c)
{
  return c == 0 ? e->fixed : e->linear;
}

/* one step from theta, whose miss has the norm `now`, with the best of some cut-offs; nothing changes where all of them raise it */
static PetscErrorCode Improve(Steps *s, EngdEvolveFactors *factors, PetscReal *now)
{
  const EngdEvolution e    = s->e;
  PetscReal           best = *now, cutoff = PetscMax(e->rcond, e->cutoff / FIT_RAISE), norm;

  PetscFunctionBeginUser;
  PetscCall(EngdEvolveSetRightHandSide(factors, s->miss));
  for (PetscInt cut = 0; cutoff <= FIT_LARGEST && (cut < FIT_CUTS || best == *now); cut++, cutoff *= FIT_RAISE) {
    PetscCall(EngdEvolveSolve(e, factors, cutoff, s->d));
    PetscCall(VecWAXPY(s->trial, 1, s->d, s->theta));
    PetscCall(Miss(s, factors->c, s->trial, e->R, &norm));
    if (norm < best) {
      best      = norm;
      e->cutoff = cutoff;
      PetscCall(VecCopy(s->trial, s->best));
      PetscCall(VecCopy(e->R, s->better));
    } else if (best < *now) {
      break;
    }
    if (best <= FIT_GOOD * *now || Stays(e, factors->c)) break;
  }
  if (best < *now) {
    PetscCall(VecCopy(s->best, s->theta));
    PetscCall(VecCopy(s->better, s->miss));
  }
  *now = best;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* s->theta <- that of v - c f = g; last: of the step itself, whose factors the next step has. left: |miss|, NaN: not finite */
static PetscErrorCode Fit(Steps *s, EngdEvolveFactors *factors, PetscReal c, PetscBool last, PetscReal *left)
{
  const EngdEvolution e = s->e;
  PetscReal           now, before, factored = PETSC_MAX_REAL;

  PetscFunctionBeginUser;
  e->cutoff = e->rcond;
  if (factors->lost && factors->ready) PetscCall(EngdEvolveFactor(e, factors, factors->c, factors->theta));
  PetscCall(Miss(s, c, s->theta, s->miss, &now));
  if (!factors->ready || factors->c != c) {
    PetscCall(EngdEvolveFactor(e, factors, c, s->theta));
    factored = now;
  }
  for (PetscInt k = 0; k < FIT_STEPS && now > FIT_ENOUGH * s->size; k++) {
    before = now;
    PetscCall(Improve(s, factors, &now));
    if (now <= FIT_GAIN * before) continue;
    if (Stays(e, c) || now > FIT_WORTH * factored || (!last && now <= 2 * e->floor)) break;
    PetscCall(EngdEvolveFactor(e, factors, c, s->theta));
    factored  = now;
    e->cutoff = e->rcond; /* what has not been taken off so far is where singular values are small */
  }
  *left = now;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same, counted in what the step has missed; failed: no finite value */
static PetscErrorCode FitStage(Steps *s, EngdEvolveFactors *factors, PetscReal c, PetscBool last, PetscBool *failed)
{
  PetscReal left = 0;

  PetscFunctionBeginUser;
  PetscCall(Fit(s, factors, c, last, &left));
  *failed = PetscIsInfOrNanReal(left);
  if (last) s->e->floor = left;
  s->e->left = PetscMax(s->e->left, s->size > 0 ? left / s->size : 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* k_i <- f of the stage */
static PetscErrorCode Rate(Steps *s, PetscInt i, PetscBool *failed)
{
  PetscReal size;

  PetscFunctionBeginUser;
  PetscCall(EngdEvolveRate(s->e, s->theta, s->k[i]));
  PetscCall(VecNorm(s->k[i], NORM_2, &size));
  *failed = PetscIsInfOrNanReal(size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a step with the tableau of TSRK */
static PetscErrorCode StepExplicit(Steps *s, PetscReal dt, PetscBool *failed)
{
  const PetscReal *A, *b;
  PetscInt         n;

  PetscFunctionBeginUser;
  PetscCall(TSRKGetTableau(s->e->ts, &n, &A, &b, NULL, NULL, NULL, NULL, NULL));
  for (PetscInt i = 0; i <= n && !*failed; i++) { /* the last one is the step itself */
    PetscCall(VecCopy(s->v, s->g));
    for (PetscInt j = 0; j < i; j++) PetscCall(VecAXPY(s->g, dt * (i < n ? A[i * n + j] : b[j]), s->k[j]));
    if (i) PetscCall(FitStage(s, &s->e->factors[0], 0, (PetscBool)(i == n), failed));
    if (i < n && !*failed) PetscCall(Rate(s, i, failed));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a step of the theta method */
static PetscErrorCode StepImplicit(Steps *s, PetscReal dt, PetscBool *failed)
{
  const EngdEvolution e = s->e;
  PetscReal           weight;
  PetscBool           endpoint;

  PetscFunctionBeginUser;
  PetscCall(TSThetaGetTheta(e->ts, &weight));
  PetscCall(TSThetaGetEndpoint(e->ts, &endpoint));
  PetscCall(VecCopy(s->v, s->g));
  if (endpoint && weight < 1) {
    PetscCall(Rate(s, 0, failed));
    PetscCall(VecAXPY(s->g, dt * (1 - weight), s->k[0]));
  }
  if (!*failed) PetscCall(FitStage(s, &e->factors[1], weight * dt, PETSC_TRUE, failed));
  if (endpoint || weight == 1 || *failed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdEvolveState(e, s->theta, s->g));
  PetscCall(VecAXPBY(s->g, 1 - 1 / weight, 1 / weight, s->v));
  PetscCall(FitStage(s, &e->factors[0], 0, PETSC_TRUE, failed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one step of the size dt from theta, which is left as it is where that fails */
static PetscErrorCode Step(Steps *s, PetscBool implicit, PetscReal dt, Vec theta, PetscBool *failed)
{
  PetscFunctionBeginUser;
  PetscCall(EngdEvolveState(s->e, theta, s->v));
  PetscCall(VecWAXPY(s->g, 1, s->v, s->e->base));
  PetscCall(VecNorm(s->g, NORM_2, &s->size));
  PetscCall(VecCopy(theta, s->theta));
  s->e->left = 0;
  if (implicit)
    PetscCall(StepImplicit(s, dt, failed));
  else
    PetscCall(StepExplicit(s, dt, failed));
  if (!*failed) PetscCall(VecCopy(s->theta, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolveFitSteps(EngdEvolution e, PetscReal until, Vec theta, PetscBool *failed)
{
  PetscBool stop = PETSC_FALSE, rk;
  PetscInt  n    = 1;
  Steps     s;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)e->ts, TSRK, &rk));
  if (rk) PetscCall(TSRKGetTableau(e->ts, &n, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCall(Create(e, n, theta, &s));
  if (e->t < 0) {
    e->t = 0;
    PetscCall(EngdEvolveStepped(e, theta, -1, &stop));
  }
  while (!stop && !*failed && e->steps < e->most && e->t < until * (1 - 1e-12)) {
    const PetscReal before = e->t, dt = PetscMin(e->dt, until - e->t);

    PetscCall(Step(&s, (PetscBool)!rk, dt, theta, failed));
    for (PetscInt k = 0; k < 2; k++)
      if (!Stays(e, e->factors[k].c)) PetscCall(EngdLeastSquaresForget(e->factors[k].ls));
    if (*failed) break;
    e->t = e->t + dt >= until * (1 - 1e-12) ? until : e->t + dt;
    e->steps++;
    PetscCall(EngdEvolveStepped(e, theta, before, &stop));
  }
  PetscCall(Destroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* units that stay are not those that the training had the last layer for, which it need not have fitted to rounding */
PetscErrorCode EngdEvolveFitStart(EngdEvolution e, Vec theta)
{
  PetscReal left;
  char      text[100];
  Steps     s;

  PetscFunctionBeginUser;
  PetscCall(Create(e, 1, theta, &s));
  PetscCall(VecZeroEntries(s.g));
  PetscCall(VecNorm(e->base, NORM_2, &s.size));
  PetscCall(VecCopy(theta, s.theta));
  PetscCall(Fit(&s, &e->factors[0], 0, PETSC_TRUE, &left));
  if (!PetscIsInfOrNanReal(left)) PetscCall(VecCopy(s.theta, theta));
  PetscCall(Destroy(&s));
  PetscCall(PetscSNPrintf(text, sizeof(text), "the last layer misses %.1e of the initial value",
                          (double)(s.size > 0 ? left / s.size : left)));
  PetscCall(EngdReportTell(e->run->report, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}
