/*
  u_t = f(u) behind the training: what the parts of src/run/evolve*.c have in common.

  Rows are those of J, numbers of a point times the root of its weight. v = u - u0 is the residual of the problem's one term.
*/
#ifndef ENGD_EVOLVE_H
#define ENGD_EVOLVE_H

#include <engd/run.h>
#include <petscts.h>

enum { ENGD_EVOLVE_NONE, ENGD_EVOLVE_GALERKIN, ENGD_EVOLVE_TENG };
PETSC_INTERN const char *const engd_evolve_methods[];

/* The derivative of v - c f by theta, by the parameters that move, factored at some theta */
typedef struct {
  PetscReal        c;
  PetscBool        ready, lost; /* are they at hand; are they to be taken again, at this theta, after a restart */
  Vec              theta;
  EngdLeastSquares ls;
} EngdEvolveFactors;

struct _n_EngdEvolution {
  EngdRun           run; /* borrowed */
  TS                ts;
  PetscInt          method;
  PetscReal         final, rcond;
  PetscInt          n;             /* how many parameters move, */
  PetscInt         *column;        /* [n] which, or NULL for all */
  PetscBool         linear, fixed; /* are v and f linear in these; is J of v the same at all times */
  EngdProblem       problem;       /* The run's, but for its one term, which is f; what it points to is borrowed. */
  EngdFunctional    rate;          /* Its residual is f. */
  EngdExpression    u;             /* the outputs */
  Mat               J;             /* of v */
  EngdEvolveFactors factors[2];    /* of v; of v - c f where a scheme is implicit */
  PetscReal        *rows;          /* (nrows, n) of f, for the latter */
  Vec               base;          /* u - v = u0 */
  Vec               R, row;        /* scratch of rows */
  Vec               last;          /* theta of the last good step */
  PetscReal        *eta;           /* [n] */
  PetscReal         t, dt;         /* where it is, and the step to go on with; t < 0 before it begins */
  PetscReal         given, taken;  /* -ts_dt; the last step */
  PetscReal         from, seconds; /* where this process has begun, and when, */
  PetscInt          begun;         /* behind which step */
  PetscInt          steps, most;   /* done; -ts_max_steps */
  PetscInt          factored, solved; /* how often J was, and systems with it */
  PetscInt          measured;         /* behind which step `left` was, for galerkin */
  PetscReal         left, worst;   /* beside the tangent space, or missed by fits: in the last step, and the most */
  PetscReal         missed;        /* part of u0 that the network misses at first */
  PetscReal         cutoff, floor; /* of the last fit: what it was cut at, and what it has missed */
  PetscInt          ntimes, next;  /* -engd_output_times, and the first that is still to come */
  PetscReal        *times;         /* [ntimes] */
};

/* evolve_rows.c. Create: of f as text; CheckTerm: that u - v is the same at all theta; Rate, State: f and v at theta; Factor: at theta, of v - c f; Solve: d = J^+ R with singular
   values beyond the cut-off. Collective */
PETSC_INTERN PetscErrorCode EngdEvolveCreateRows(EngdEvolution, const char text[], PetscBool implicit,
                                                 PetscBool last);
PETSC_INTERN PetscErrorCode EngdEvolveMeasureBase(EngdEvolution, Vec theta);
PETSC_INTERN PetscErrorCode EngdEvolveCheckTerm(EngdEvolution, Vec theta);
PETSC_INTERN PetscErrorCode EngdEvolveState(EngdEvolution, Vec theta, Vec v);
PETSC_INTERN PetscErrorCode EngdEvolveRate(EngdEvolution, Vec theta, Vec f);
PETSC_INTERN PetscErrorCode EngdEvolveFactor(EngdEvolution, EngdEvolveFactors *, PetscReal c, Vec theta);
PETSC_INTERN PetscErrorCode EngdEvolveSetRightHandSide(EngdEvolveFactors *, Vec R);
PETSC_INTERN PetscErrorCode EngdEvolveSolve(EngdEvolution, EngdEvolveFactors *, PetscReal cutoff, Vec d);
PETSC_INTERN PetscErrorCode EngdEvolveDestroyRows(EngdEvolution);

/* evolve_ts.c: the integrator that options say, and to the time `until` by it, failed: a step cannot be taken. Collective */
PETSC_INTERN PetscErrorCode EngdEvolveCreateTS(EngdEvolution);
PETSC_INTERN PetscErrorCode EngdEvolveIntegrate(EngdEvolution, PetscReal until, Vec theta, PetscBool *failed);

/* evolve_fit.c: to the time `until`, failed: a step has no finite values; theta of u = u0. Collective */
PETSC_INTERN PetscErrorCode EngdEvolveFitSteps(EngdEvolution, PetscReal until, Vec theta, PetscBool *failed);
PETSC_INTERN PetscErrorCode EngdEvolveFitStart(EngdEvolution, Vec theta);

/* evolve_steps.c: a step is done, and theta good; stop: the run is to end. Collective */
PETSC_INTERN PetscErrorCode EngdEvolveStepped(EngdEvolution, Vec theta, PetscReal before, PetscBool *stop);

#endif
