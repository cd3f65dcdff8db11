/*
  Time evolution in the tangent space: u_t = f(u) with u = u_theta(x), after the training has fitted the initial value.

    galerkin   theta' = argmin |J eta - f(u_theta)|, J = du/dtheta at the points, by truncated least squares on J itself, integrated
               by PETSc's TS: rk with error control, or any type that needs no Jacobian but products (-snes_mf)
    teng       u_{n+1} and the stages of an explicit Runge-Kutta tableau (-ts_rk_type) fitted one after the other,
               u_i = u_n + dt sum_j a_ij f(u_j) at the points, each by Gauss-Newton steps to where they gain no more

  The problem has one term, the initial condition "u - u0": its points carry the projection, J is that of its residual, and f is text
  over the same unknowns. f may not depend on time. The distance |f - J theta'| / |f| is told: what the network cannot follow. A
  step that the adaptor cannot take ends the run with an error, after the last good state is saved.
  Reference: Dirac-Frenkel principle and neural Galerkin schemes (Bruna, Peherstorfer, Vanden-Eijnden, J. Comput. Phys. 496, 2024);
  TENG (Chen et al., arXiv 2404.10771).
*/
#include <engd/private.h>
#include <petscts.h>

#define FIT_STEPS 12  /* of Gauss-Newton at most, for one stage */
#define FIT_GAIN  0.5 /* a step that leaves more than this of the residual is the last one */
#define ROWS      20  /* lines shown in all */

static const char *const methods[] = {"none", "galerkin", "teng"};
enum { NONE, GALERKIN, TENG };

struct _n_EngdEvolution {
  EngdRun          run; /* borrowed */
  TS               ts;
  PetscInt         method;
  PetscReal        final, rcond;
  EngdExpression   f;
  Mat              J;
  EngdLeastSquares ls;
  Vec              R, row, last; /* right-hand side; scratch of rows; theta of the last good step */
  PetscReal       *value;        /* (ncomponents, nlocal) of an expression at the points */
  PetscReal       *eta;          /* [p] */
  PetscReal        t, dt;        /* where it is, and the step to go on with; t < 0 before it begins */
  PetscInt         steps, rhs;   /* done; right-hand sides */
  PetscReal        left, worst;  /* of f beside the projection: of the last right-hand side, and the most */
  EngdExpression   u;            /* the outputs */
};

/* value <- an expression of the solution at the points of the term at the present theta */
static PetscErrorCode EvaluateText(EngdEvolution e, EngdExpression text)
{
  const EngdFunctional F      = e->run->functional;
  const EngdPoints     points = F->problem->term[0]->points;
  const PetscReal     *theta;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(F->present.theta, &theta));
  PetscCall(EngdModelEvaluateExpression(F->model, text, theta, points->nlocal, points->x, NULL,
                                        points->ndata ? points->data_value : NULL, e->value));
  PetscCall(VecRestoreArrayRead(F->present.theta, &theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R <- sqrt(w) times the expression, in the rows of J */
static PetscErrorCode EvaluateRows(EngdEvolution e, EngdExpression text, Vec R)
{
  const EngdFunctional F = e->run->functional;
  PetscReal           *r;

  PetscFunctionBeginUser;
  PetscCall(EvaluateText(e, text));
  PetscCall(VecGetArrayWrite(R, &r));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    const EngdBlock *block = &F->block[b];

    for (PetscInt c = 0; c < text->ncomponents; c++) {
      for (PetscInt i = 0; i < block->n; i++)
        r[block->row + c * block->n + i] =
            PetscSqrtReal(block->weight[i]) * e->value[ENGD_COUNT(block->start + i, text->ncomponents) + c];
    }
  }
  PetscCall(VecRestoreArrayWrite(R, &r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J at theta, factored */
static PetscErrorCode Factor(EngdEvolution e, Vec theta)
{
  const EngdFunctional F = e->run->functional;
  PetscReal           *A;
  PetscInt             lda;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(EngdFunctionalCheck(F));
  PetscCall(EngdLeastSquaresGetArray(e->ls, &lda, &A));
  PetscCall(EngdExplicitFillRows(F, lda, A));
  PetscCall(EngdLeastSquaresFactor(e->ls));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d = J^+ R with the factors; left = |R - J d| / |R| */
static PetscErrorCode Project(EngdEvolution e, Vec R, Vec d, PetscReal *left)
{
  const PetscReal *r;
  PetscReal       *x, norm;
  PetscInt         begin, end;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(R, &r));
  PetscCall(EngdLeastSquaresSetRightHandSide(e->ls, ENGD_LEFT, r));
  PetscCall(VecRestoreArrayRead(R, &r));
  PetscCall(EngdLeastSquaresSolve(e->ls, e->rcond, ENGD_RIGHT, e->eta));
  PetscCall(VecGetOwnershipRange(d, &begin, &end));
  PetscCall(VecGetArrayWrite(d, &x));
  PetscCall(PetscArraycpy(x, e->eta + begin, end - begin));
  PetscCall(VecRestoreArrayWrite(d, &x));
  PetscCall(VecNorm(R, NORM_2, &norm));
  PetscCall(MatMult(e->J, d, e->row));
  PetscCall(VecAXPY(e->row, -1, R));
  PetscCall(VecNorm(e->row, NORM_2, left));
  *left = norm > 0 ? *left / norm : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta' */
static PetscErrorCode RightHandSide(TS ts, PetscReal t, Vec theta, Vec derivative, void *data)
{
  EngdEvolution e = (EngdEvolution)data;

  PetscFunctionBeginUser;
  (void)ts, (void)t;
  PetscCall(Factor(e, theta));
  PetscCall(EvaluateRows(e, e->f, e->R));
  PetscCall(Project(e, e->R, derivative, &e->left));
  e->worst = PetscMax(e->worst, e->left);
  e->rhs++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a step is done, and theta good: a line, now and then; the clock; a checkpoint if it is due */
static PetscErrorCode Stepped(EngdEvolution e, Vec theta, PetscReal before, PetscBool *stop)
{
  const EngdRun   run   = e->run;
  const PetscReal every = e->final / ROWS;
  PetscReal       seconds, error;
  char            text[160], last[48] = "";

  PetscFunctionBeginUser;
  PetscCall(VecCopy(theta, e->last));
  PetscCall(EngdRunGetSeconds(run, &seconds));
  if (PetscFloorReal(e->t / every * (1 + 1e-12)) > PetscFloorReal(before / every * (1 + 1e-12)) || before < 0) {
    if (run->problem->nexact && e->t >= e->final * (1 - 1e-12)) {
      PetscCall(EngdReportMeasure(run->report, theta, &error));
      PetscCall(PetscSNPrintf(last, sizeof(last), ", relative L2 error %.2e", (double)error));
    }
    PetscCall(PetscSNPrintf(text, sizeof(text),
                            "t = %-8.5g step %" PetscInt_FMT ", dt %.2e, beside the projection %.1e of f%s",
                            (double)e->t, e->steps, (double)e->dt, (double)e->left, last));
    PetscCall(EngdReportTell(run->report, text));
  }
  *stop = (PetscBool)(seconds >= run->max_seconds);
  if (*stop) run->end = ENGD_END_BY_TIME;
  if (run->every > 0 && e->steps > 0 && e->steps % run->every == 0 && e->t < e->final) {
    PetscCall(VecCopy(theta, run->theta));
    PetscCall(EngdRunCheckpoint(run));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Monitor(TS ts, PetscInt step, PetscReal t, Vec theta, void *data)
{
  EngdEvolution   e      = (EngdEvolution)data;
  const PetscReal before = e->t;
  PetscBool       stop;

  PetscFunctionBeginUser;
  if (step < 0 || (step == 0 && before >= 0))
    PetscFunctionReturn(PETSC_SUCCESS); /* interpolated, or the beginning again */
  PetscCall(TSGetTimeStep(ts, &e->dt));
  e->t = t;
  if (step > 0) e->steps++;
  PetscCall(Stepped(e, theta, before, &stop));
  if (stop) PetscCall(TSSetConvergedReason(ts, TS_CONVERGED_USER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the rest of the run by TS; failed: the step cannot be taken */
static PetscErrorCode SolveGalerkin(EngdEvolution e, Vec theta, PetscBool *failed)
{
  TSConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(TSSetTime(e->ts, PetscMax(e->t, 0)));
  PetscCall(TSSetTimeStep(e->ts, e->dt));
  PetscCall(TSSolve(e->ts, theta));
  PetscCall(TSGetConvergedReason(e->ts, &reason));
  *failed = (PetscBool)(reason < 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta <- that of u = g at the points, sqrt(w) g in rows, by Gauss-Newton; left: |u - g| / |g| */
static PetscErrorCode Fit(EngdEvolution e, Vec g, Vec theta, Vec d, PetscReal *left)
{
  PetscReal norm, now, before, unused;

  PetscFunctionBeginUser;
  PetscCall(VecNorm(g, NORM_2, &norm));
  before = PETSC_MAX_REAL;
  for (PetscInt k = 0; k < FIT_STEPS; k++) {
    PetscCall(EngdFunctionalSetParameters(e->run->functional, theta));
    PetscCall(EvaluateRows(e, e->u, e->R));
    PetscCall(VecAYPX(e->R, -1, g));
    PetscCall(VecNorm(e->R, NORM_2, &now));
    if (k && !(now <= before)) PetscCall(VecAXPY(theta, -1, d)); /* the last step was one too many */
    if (k && !(now <= FIT_GAIN * before)) break;
    before = now;
    PetscCall(Factor(e, theta));
    PetscCall(Project(e, e->R, d, &unused));
    PetscCall(VecAXPY(theta, 1, d));
    e->rhs++;
  }
  *left = PetscMin(now, before) / norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same by fits of the stages of the tableau of TS */
static PetscErrorCode SolveTeng(EngdEvolution e, Vec theta, PetscBool *failed)
{
  const PetscReal *A, *b;
  PetscReal        left = 0, size;
  PetscInt         s;
  PetscBool        stop = PETSC_FALSE;
  Vec             *k, un, g, stage, d;

  PetscFunctionBeginUser;
  PetscCall(TSRKGetTableau(e->ts, &s, &A, &b, NULL, NULL, NULL, NULL, NULL));
  PetscCall(VecDuplicateVecs(e->R, s, &k));
  PetscCall(VecDuplicate(e->R, &un));
  PetscCall(VecDuplicate(e->R, &g));
  PetscCall(VecDuplicate(theta, &stage));
  PetscCall(VecDuplicate(theta, &d));
  if (e->t < 0) e->t = 0;
  while (!stop && !*failed && e->t < e->final * (1 - 1e-12)) {
    const PetscReal before = e->t, dt = PetscMin(e->dt, e->final - e->t);

    PetscCall(EngdFunctionalSetParameters(e->run->functional, theta));
    PetscCall(EvaluateRows(e, e->u, un));
    PetscCall(VecCopy(theta, stage));
    e->left = 0;
    for (PetscInt i = 0; i <= s && !*failed; i++) { /* the last one is the step itself */
      PetscCall(VecCopy(un, g));
      for (PetscInt j = 0; j < i; j++) PetscCall(VecAXPY(g, dt * (i < s ? A[i * s + j] : b[j]), k[j]));
      if (i) {
        PetscCall(Fit(e, g, stage, d, &left));
        e->left = PetscMax(e->left, left);
      }
      if (i == s) break;
      PetscCall(EngdFunctionalSetParameters(e->run->functional, stage));
      PetscCall(EvaluateRows(e, e->f, k[i]));
      PetscCall(VecNorm(k[i], NORM_2, &size));
      *failed = PetscIsInfOrNanReal(size);
    }
    if (*failed) break;
    PetscCall(VecCopy(stage, theta));
    e->worst = PetscMax(e->worst, e->left);
    e->t += dt;
    e->steps++;
    PetscCall(Stepped(e, theta, before, &stop));
  }
  PetscCall(VecDestroyVecs(s, &k));
  PetscCall(VecDestroy(&un));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&stage));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdEvolutionBegun - does a run that was restarted go on behind its training. Not collective */
PetscBool EngdEvolutionBegun(EngdRun run)
{
  return (PetscBool)(run->evolution && run->evolution->t >= 0);
}

/* EngdEvolutionSolve - from theta of the training, or of a checkpoint, to the final time. Collective */
PetscErrorCode EngdEvolutionSolve(EngdRun run)
{
  EngdEvolution  e      = run->evolution;
  PetscBool      failed = PETSC_FALSE;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  if (!e || run->end != ENGD_END_BY_TAO) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(run->theta, e->last));
  EngdErrorsForgive(ENGD_ERR_NUMERICS); /* a theta that is not finite, which all ranks meet */
  code = e->method == TENG ? SolveTeng(e, run->theta, &failed) : SolveGalerkin(e, run->theta, &failed);
  EngdErrorsForgive(PETSC_SUCCESS);
  if (code == ENGD_ERR_NUMERICS)
    failed = PETSC_TRUE;
  else
    PetscCall(code);
  if (!failed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(e->last, run->theta));
  PetscCall(EngdRunCheckpoint(run));
  SETERRQ(run->comm, ENGD_ERR_NUMERICS,
          "-engd_time_stepping %s: no step from t = %g can be taken, down to %g; take smaller tolerances of "
          "-ts_adapt_ or "
          "-ts_dt, more points, or a larger -engd_time_rcond",
          methods[e->method], (double)PetscMax(e->t, 0), (double)e->dt);
}

/* EngdEvolutionState - where it is, in a checkpoint. Collective */
PetscErrorCode EngdEvolutionState(EngdRun run, EngdArchive a)
{
  EngdEvolution e = run->evolution;

  PetscFunctionBeginUser;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, "time"));
  PetscCall(EngdArchiveReal(a, "t", &e->t, -1));
  PetscCall(EngdArchiveReal(a, "step", &e->dt, e->dt));
  PetscCall(EngdArchiveCount(a, "steps", &e->steps, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveReal(a, "beside_projection", &e->worst, 0));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdEvolutionDescribe - what came out, in a line of the result. Not collective */
PetscErrorCode EngdEvolutionDescribe(EngdRun run, size_t size, char text[])
{
  const EngdEvolution e = run->evolution;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, size,
                          "t = %g after %" PetscInt_FMT " steps and %" PetscInt_FMT
                          " least squares (%s); at most %.1e of %s lay beside the network",
                          (double)PetscMax(e->t, 0), e->steps, e->rhs, methods[e->method], (double)e->worst,
                          e->method == TENG ? "a stage" : "f"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* f, as many components as there are unknowns */
static PetscErrorCode CreateText(EngdEvolution e, const char text[])
{
  const EngdProblem problem = e->run->problem;
  EngdSymbols       symbols;

  PetscFunctionBeginUser;
  PetscCall(EngdProblemGetSymbols(problem, &symbols));
  PetscCall(EngdExpressionCreate(&symbols, &e->f));
  PetscCall(EngdExpressionAppend(e->f, "-engd_time_rhs", text));
  PetscCheck(e->f->ncomponents == problem->noutputs, problem->comm, PETSC_ERR_USER_INPUT,
             "-engd_time_rhs \"%s\": %" PetscInt_FMT " components for %" PetscInt_FMT " unknowns", text,
             e->f->ncomponents, problem->noutputs);
  PetscCall(EngdExpressionCompile(e->f, 0));
  PetscCall(EngdProblemCreateOutputs(problem, PETSC_FALSE, &e->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the term is u - u0 on points that suffice */
static PetscErrorCode CheckProblem(EngdEvolution e)
{
  const EngdFunctional F       = e->run->functional;
  const EngdProblem    problem = F->problem;
  PetscInt             N;

  PetscFunctionBeginUser;
  PetscCheck(
      problem->nterms == 1 && !problem->term[0]->energy && F->curvature->of_residual &&
          problem->term[0]->pointwise->ncomponents == problem->noutputs && !problem->term[0]->resample,
      problem->comm, PETSC_ERR_USER_INPUT,
      "-engd_time_stepping: the problem must have one term, the initial condition u - u0 with a component for each "
      "unknown, on points that stay");
  PetscCheck(!problem->domain->time, problem->comm, PETSC_ERR_USER_INPUT,
             "-engd_time_stepping: the domain is that of space alone; leave out -domain_time");
  PetscCall(EngdExplicitCountAllRows(F, &N));
  PetscCheck(N >= F->model->nparameters, problem->comm, PETSC_ERR_USER_INPUT,
             "-engd_time_stepping needs no more parameters (%" PetscInt_FMT ") than values at points (%" PetscInt_FMT
             "); take more points",
             F->model->nparameters, N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateTS(EngdEvolution e)
{
  TSAdapt adapt;

  PetscFunctionBeginUser;
  PetscCall(TSCreate(e->run->comm, &e->ts));
  PetscCall(TSSetProblemType(e->ts, TS_NONLINEAR));
  PetscCall(TSSetType(e->ts, TSRK));
  PetscCall(TSRKSetType(e->ts, e->method == TENG ? TSRK2A : TSRK5DP));
  PetscCall(TSSetRHSFunction(e->ts, NULL, RightHandSide, e));
  PetscCall(TSSetMaxTime(e->ts, e->final));
  PetscCall(TSSetTimeStep(e->ts, e->dt));
  PetscCall(TSSetExactFinalTime(e->ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetMaxSteps(e->ts, PETSC_MAX_INT));
  PetscCall(TSSetErrorIfStepFails(e->ts, PETSC_FALSE));
  PetscCall(TSSetMaxSNESFailures(e->ts, 1));
  PetscCall(TSMonitorSet(e->ts, Monitor, e, NULL));
  PetscCall(TSGetAdapt(e->ts, &adapt));
  PetscCall(TSAdaptSetStepLimits(adapt, 1e-9 * e->final, e->final));
  PetscCall(TSSetFromOptions(e->ts));
  PetscCall(TSGetTimeStep(e->ts, &e->dt));
  if (e->method == TENG) {
    PetscBool rk;

    PetscCall(PetscObjectTypeCompare((PetscObject)e->ts, TSRK, &rk));
    PetscCheck(
        rk, e->run->comm, PETSC_ERR_USER_INPUT,
        "-engd_time_stepping teng fits the stages of a tableau: take -ts_type rk, or -engd_time_stepping galerkin");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdEvolutionCreate - The time evolution that options ask for; NULL where they do not.

  Collective; after the functional is set up

  Options Database Keys:
+ -engd_time_stepping method - none, galerkin, teng
. -engd_time_rhs text        - f of u_t = f(u), a component for each unknown
. -engd_time_final T         - the evolution is from 0 to there
- -engd_time_rcond r         - cut-off of the singular values of J
*/
PetscErrorCode EngdEvolutionCreate(EngdRun run, EngdEvolution *out)
{
  const EngdFunctional F = run->functional;
  EngdEvolution        e;
  char                *text;

  PetscFunctionBeginUser;
  *out = NULL;
  PetscCall(PetscNew(&e));
  *e = (struct _n_EngdEvolution){.run = run, .final = 1, .rcond = 1e-9, .t = -1};
  PetscOptionsBegin(run->comm, NULL, "Time evolution", "EngdEvolution");
  PetscCall(
      PetscOptionsEList("-engd_time_stepping",
                        "u_t = f(u) after the initial value is fitted: galerkin (theta' by least squares, PETSc's "
                        "-ts_type), teng (fits of the stages of -ts_rk_type)",
                        "EngdEvolutionCreate", methods, 3, methods[NONE], &e->method, NULL));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_time_rhs",
                            "f, a text of the unknowns, components separated by ;", "EngdEvolutionCreate", "",
                            e->method == NONE ? NULL : "lap(u)", &text));
  PetscCall(PetscOptionsReal("-engd_time_final", "The time that it ends at, positive", "EngdEvolutionCreate",
                             e->final, &e->final, NULL));
  PetscCall(PetscOptionsReal("-engd_time_rcond",
                             "Singular values of J below this part of the largest are cut off, 0 to 1",
                             "EngdEvolutionCreate", e->rcond, &e->rcond, NULL));
  PetscOptionsEnd();
  PetscCheck(e->final > 0, run->comm, PETSC_ERR_USER_INPUT, "-engd_time_final %g: must be positive",
             (double)e->final);
  PetscCheck(e->rcond >= 0 && e->rcond < 1, run->comm, PETSC_ERR_USER_INPUT,
             "-engd_time_rcond %g: give a number from 0 to below 1", (double)e->rcond);
  if (e->method == NONE) {
    PetscCall(PetscFree(text));
    PetscCall(PetscFree(e));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  *out  = e;
  e->dt = e->final / 100;
  PetscCall(CheckProblem(e));
  PetscCall(CreateText(e, text));
  PetscCall(PetscFree(text));
  PetscCall(CreateTS(e));
  PetscCall(EngdFunctionalCreateJacobian(F, &e->J));
  PetscCall(MatCreateVecs(e->J, &e->last, &e->R));
  PetscCall(VecDuplicate(e->R, &e->row));
  PetscCall(EngdLeastSquaresCreate(run->comm, F->nrows, F->model->nparameters, NULL, e->rcond, &e->ls));
  PetscCall(PetscMalloc2(ENGD_COUNT(F->problem->term[0]->points->nlocal, F->problem->noutputs), &e->value,
                         F->model->nparameters, &e->eta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolutionDestroy(EngdEvolution *evolution)
{
  EngdEvolution e = *evolution;

  PetscFunctionBeginUser;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TSDestroy(&e->ts));
  PetscCall(EngdExpressionDestroy(&e->f));
  PetscCall(EngdExpressionDestroy(&e->u));
  PetscCall(MatDestroy(&e->J));
  PetscCall(VecDestroy(&e->R));
  PetscCall(VecDestroy(&e->row));
  PetscCall(VecDestroy(&e->last));
  if (e->ls) PetscCall(EngdLeastSquaresDestroy(&e->ls));
  PetscCall(PetscFree2(e->value, e->eta));
  PetscCall(PetscFree(*evolution));
  PetscFunctionReturn(PETSC_SUCCESS);
}
