/*
  What a run has come to, without an exact solution: the loss on fresh points, and what limits it.

    estimate = sqrt(L(theta) / L(0)) on fresh points,   L(0) the loss of u = 0, which is that of the data alone

  A column of J of a constant that is zero says that the constant is free, as that of a pressure, or of a solution without values
  at its boundary.
  Fresh points are random ones of an epoch that no training reaches; points from files and those of integrals have none. The
  estimate is one of the residual: how much of it is the error is a matter of the stability of the problem, and it is said as an estimate.
  What limits:  rounding where the loss has lost all digits that a sum of squares has;  points where fresh ones have many times
  the loss of the others;  optimisation where the loss was still falling at the end;  capacity of the network otherwise.
*/
#include <engd/private.h>
#include <engd/unread.h>
#include <math.h>

#define FRESH    1000003 /* epoch of fresh points */
#define FALLING  0.9     /* of the loss is left after ENGD_PACE iterations at the most, while it falls */
#define UNSOLVED 0.03    /* of the residual of u = 0: what is left is no solution */
#define FORECAST 1e-30   /* losses below it are not forecast */

/* EngdRunDestroyFreshPoints - Collective */
PetscErrorCode EngdRunDestroyFreshPoints(EngdRun run)
{
  PetscFunctionBeginUser;
  for (PetscInt t = 0; run->fresh_points && t < run->problem->nterms; t++)
    PetscCall(EngdPointsDestroy(&run->fresh_points[t]));
  PetscCall(PetscFree(run->fresh_points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* as many points of each region as the term has, of a sequence that fills it; points from a file have none, nor have those
   of an integral, which are its quadrature; again, where a term
   has got more. Collective */
static PetscErrorCode CreateFreshPoints(EngdRun run)
{
  const EngdProblem problem = run->problem;
  PetscBool         fit     = PETSC_TRUE;

  PetscFunctionBeginUser;
  for (PetscInt t = 0; run->fresh_points && t < problem->nterms; t++)
    if (run->fresh_points[t] && run->fresh_points[t]->nglobal != problem->term[t]->points->nglobal) fit = PETSC_FALSE;
  if (run->fresh_points && fit) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdRunDestroyFreshPoints(run));
  PetscCall(PetscCalloc1(problem->nterms, &run->fresh_points));
  for (PetscInt t = 0; t < problem->nterms; t++) {
    const EngdPoints points = problem->term[t]->points;
    EngdPoints      *fresh  = &run->fresh_points[t];

    if (problem->term[t]->integral || points->ndata || !points->region || !points->domain->ops->pointssetup) continue;
    PetscCall(EngdPointsCreateOthers(points, points->nglobal, points->stream, fresh));
    if ((*fresh)->nglobal != points->nglobal) PetscCall(EngdPointsDestroy(fresh));
    if (*fresh) PetscCall(EngdPointsSample(*fresh, FRESH));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the fresh points take the places of the terms' own, or give them back */
static PetscErrorCode SwapPoints(EngdRun run)
{
  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < run->problem->nterms; t++) {
    const EngdPoints own = run->problem->term[t]->points;

    if (!run->fresh_points[t]) continue;
    run->problem->term[t]->points = run->fresh_points[t];
    run->fresh_points[t]          = own;
  }
  PetscCall(EngdFunctionalAttachPoints(run->functional));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunMeasure - the loss at theta, on the points and, unless NULL, on fresh ones; not counted. Collective */
PetscErrorCode EngdRunMeasure(EngdRun run, Vec theta, PetscReal *loss, PetscReal *fresh)
{
  EngdFunctional   F           = run->functional;
  const PetscInt64 evaluations = F->count.evaluations;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(EngdFunctionalEvaluate(F, loss, NULL));
  if (fresh) {
    PetscCall(CreateFreshPoints(run));
    PetscCall(SwapPoints(run));
    PetscCall(EngdFunctionalEvaluate(F, fresh, NULL));
    PetscCall(SwapPoints(run));
  }
  F->count.evaluations = evaluations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* run->vanishes <- is the residual at the present theta not 0, and its square is in double precision */
static PetscErrorCode FindVanishing(EngdRun run)
{
  const EngdFunctional F           = run->functional;
  const PetscInt64     evaluations = F->count.evaluations;
  PetscReal            largest;
  PetscInt             nrows;
  PetscBool            rows;
  Vec                  residual;

  PetscFunctionBeginUser;
  PetscCall(EngdExplicitHasResidual(F, &rows));
  if (!rows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdExplicitCountRows(F, &nrows));
  PetscCall(VecCreateMPI(F->comm, nrows, PETSC_DETERMINE, &residual));
  PetscCall(EngdFunctionalResidual(F, residual));
  PetscCall(VecNorm(residual, NORM_INFINITY, &largest));
  PetscCall(VecDestroy(&residual));
  F->count.evaluations = evaluations;
  run->vanishes        = (PetscBool)(largest > 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunMeasureZero - run->zero, run->fresh_zero <- the loss of u = 0, infinite where there is none to compare with. Collective */
PetscErrorCode EngdRunMeasureZero(EngdRun run)
{
  Vec zero;

  PetscFunctionBeginUser;
  run->zero = run->fresh_zero = INFINITY;
  run->trivial = run->vanishes = PETSC_FALSE;
  if (!run->functional->least_squares || run->functional->outer.walks) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(run->theta, &zero));
  PetscCall(VecZeroEntries(zero));
  PetscCall(EngdRunMeasure(run, zero, &run->zero, &run->fresh_zero));
  run->trivial = (PetscBool)(run->zero == 0);
  if (run->trivial) PetscCall(FindVanishing(run));
  PetscCall(VecDestroy(&zero));
  if (!(run->zero > 0)) run->zero = INFINITY;
  if (!(run->fresh_zero > 0)) run->fresh_zero = INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdRunIsRounded - is there no less of this loss to gain. Not collective */
PetscBool EngdRunIsRounded(EngdRun run, PetscReal loss)
{
  return (PetscBool)(!PetscIsInfReal(run->zero) && loss <= ENGD_LOSS_ROUNDING * run->zero);
}

/* EngdPaceRecord - the loss of an iteration, and when it came. Not collective */
void EngdPaceRecord(EngdPace *pace, PetscReal loss, PetscReal seconds)
{
  pace->loss[pace->n % (ENGD_PACE + 1)]    = loss;
  pace->seconds[pace->n % (ENGD_PACE + 1)] = seconds;
  pace->n++;
}

/* EngdPaceLoss - the loss so many iterations before the last one, at most ENGD_PACE and fewer than there are. Not collective */
PetscReal EngdPaceLoss(const EngdPace *pace, PetscInt before)
{
  return pace->loss[(pace->n - 1 - before) % (ENGD_PACE + 1)];
}

/* EngdPaceRate - decades of the loss a second, and the part of it that is left, over the last iterations, by the clock of this
   rank. Not collective */
PetscReal EngdPaceRate(const EngdPace *pace, PetscReal *left)
{
  const PetscInt n = PetscMin(pace->n, ENGD_PACE + 1), last = pace->n - 1, first = pace->n - n;
  PetscReal      t = 0, y = 0, tt = 0, ty = 0;

  *left = 1;
  if (n < 3) return 0;
  *left = pace->loss[last % (ENGD_PACE + 1)] / pace->loss[first % (ENGD_PACE + 1)];
  for (PetscInt k = first; k <= last; k++) {
    const PetscReal s = pace->seconds[k % (ENGD_PACE + 1)] - pace->seconds[first % (ENGD_PACE + 1)];
    const PetscReal l = PetscLog10Real(PetscMax(pace->loss[k % (ENGD_PACE + 1)], PETSC_MACHINE_EPSILON * FORECAST));

    t += s, y += l, tt += s * s, ty += s * l;
  }
  return n * tt > t * t ? -(n * ty - t * y) / (n * tt - t * t) : 0;
}

/* energies, which have no least value that is known: are they on fresh points what they are on those of the training */
static PetscErrorCode JudgeEnergies(EngdRun run, EngdOutcome *outcome)
{
  PetscReal loss, fresh;
  PetscBool game;

  PetscFunctionBeginUser;
  PetscCall(
      EngdMaximiseOutputs(run->functional, NULL, &game)); /* whose loss is small however far a saddle point is */
  if (game) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdRunMeasure(run, run->theta, &loss, &fresh));
  outcome->fresh_loss = fresh;
  if (PetscAbsReal(fresh - loss) <= ENGD_GAPS * PetscAbsReal(loss)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(outcome->warning, sizeof(outcome->warning),
                          "Warning: the energy is %.4g on the points of the training and %.4g on fresh ones: the "
                          "solution is wrong between\n  the points; take more of them, or -TERM_sampler gauss",
                          (double)loss, (double)fresh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the column of J that belongs to the constant of output o of network k is zero, not just small: derivatives of a constant are */
static PetscErrorCode IsFree(EngdRun run, Mat J, PetscInt k, PetscInt o, Vec constant, Vec change, PetscBool *is_free)
{
  const EngdModel  model = run->functional->model;
  const EngdLayer *layer = &model->layer[EngdModelLastLayer(model, k)];
  const PetscInt   j     = layer->offset + layer->n_in * layer->n_out + o;
  PetscInt         begin, end;
  PetscReal        norm;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(constant, &begin, &end));
  PetscCall(VecZeroEntries(constant));
  if (j >= begin && j < end) PetscCall(VecSetValue(constant, j, 1, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(constant));
  PetscCall(VecAssemblyEnd(constant));
  PetscCall(MatMult(J, constant, change));
  PetscCall(VecNorm(change, NORM_INFINITY, &norm));
  *is_free = (PetscBool)(norm == 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* names <- the outputs to which a constant can be added and no residual changes, empty if there is none */
static PetscErrorCode FindFreeConstants(EngdRun run, size_t size, char names[])
{
  const EngdProblem problem = run->problem;
  const EngdModel   model   = run->functional->model;
  PetscBool        *read;
  Vec               constant, change;
  Mat               J;

  PetscFunctionBeginUser;
  names[0] = 0;
  PetscCall(PetscMalloc1(problem->noutputs, &read));
  PetscCall(EngdProblemFindRead(problem, read));
  PetscCall(EngdFunctionalSetParameters(run->functional, run->theta));
  PetscCall(EngdFunctionalCreateJacobian(run->functional, &J));
  PetscCall(MatCreateVecs(J, &constant, &change));
  for (PetscInt k = 0; k < model->nparts; k++) {
    for (PetscInt o = 0; o < model->part[k].network->noutputs; o++) {
      const PetscInt output  = model->part[k].output + o;
      PetscBool      is_free = PETSC_FALSE;

      if (problem->ansatz && problem->ansatz[output]) continue; /* the constant is one of the raw output */
      if (read[output]) PetscCall(IsFree(run, J, k, o, constant, change, &is_free));
      if (!is_free) continue;
      if (names[0]) PetscCall(PetscStrlcat(names, ", ", size));
      PetscCall(PetscStrlcat(names, problem->output[output], size));
    }
  }
  PetscCall(VecDestroy(&constant));
  PetscCall(VecDestroy(&change));
  PetscCall(MatDestroy(&J));
  PetscCall(PetscFree(read));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one more warning, on a line of its own */
static PetscErrorCode Warn(EngdOutcome *outcome, const char text[])
{
  PetscFunctionBeginUser;
  if (outcome->warning[0]) PetscCall(PetscStrlcat(outcome->warning, "\n", sizeof(outcome->warning)));
  PetscCall(PetscStrlcat(outcome->warning, text, sizeof(outcome->warning)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarnOfFreeConstants(EngdRun run, EngdOutcome *outcome)
{
  char names[128], text[384];

  PetscFunctionBeginUser;
  PetscCall(FindFreeConstants(run, sizeof(names), names));
  if (!names[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(text, sizeof(text),
                          "Warning: no term changes when a constant is added to %s: this is one of many solutions;\n"
                          "  say its value somewhere (a term with -TERM_region \"point(...)\"), or its mean",
                          names));
  PetscCall(Warn(outcome, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarnUnlessSolved(EngdRun run, PetscReal loss, EngdOutcome *outcome)
{
  char text[384];

  PetscFunctionBeginUser;
  if (outcome->fresh_loss <= PetscSqr(UNSOLVED) * run->fresh_zero || PetscIsInfReal(run->fresh_zero))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(text, sizeof(text),
                          "Warning: the problem is not solved: residual %.2g of that of u = 0 on fresh points;\n  %s",
                          (double)outcome->estimated_error,
                          outcome->fresh_loss > ENGD_FRESH_FACTOR * loss
                              ? "it is many times that on the points of the training: take more points"
                              : "take more units, points or time, or terms that do not contradict each other"));
  PetscCall(Warn(outcome, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunJudge - What limits the loss, how large the error may be, and what more time would bring.

  Collective

  Input Parameters:
+ run     - after its training
- outcome - with the loss

  Output Parameter:
. outcome - fresh_loss, estimated_error (infinite where it is not known), limited_by (NULL for energies), judgement, warning

  Source: src/run/judge.c
*/
PetscErrorCode EngdRunJudge(EngdRun run, TaoConvergedReason reason, EngdOutcome *outcome)
{
  const size_t    size = sizeof(outcome->judgement);
  const PetscBool cut =
      (PetscBool)(run->end != ENGD_END_BY_TAO || reason == TAO_CONVERGED_USER || reason == TAO_DIVERGED_MAXITS ||
                  reason == TAO_DIVERGED_MAXFCN || reason == TAO_DIVERGED_USER);
  PetscReal loss, left, rate = EngdPaceRate(&run->pace, &left);

  PetscFunctionBeginUser;
  outcome->limited_by      = NULL;
  outcome->fresh_loss      = INFINITY;
  outcome->estimated_error = INFINITY;
  outcome->judgement[0] = outcome->warning[0] = 0;
  if (run->evolution) {
    PetscCall(EngdEvolutionDescribe(run, size, outcome->judgement, sizeof(outcome->warning), outcome->warning));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (run->functional->outer.walks) PetscFunctionReturn(PETSC_SUCCESS); /* the error of the energy says it */
  if (!run->functional->least_squares) {
    PetscCall(JudgeEnergies(run, outcome));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(EngdRunMeasure(run, run->theta, &loss, &outcome->fresh_loss));
  if (!PetscIsInfReal(run->fresh_zero))
    outcome->estimated_error = PetscSqrtReal(PetscMax(outcome->fresh_loss, 0) / run->fresh_zero);
  if (EngdRunIsRounded(run, loss) && outcome->fresh_loss <= ENGD_FRESH_FACTOR * loss)
    outcome->limited_by = "rounding";
  else if (outcome->fresh_loss > ENGD_FRESH_FACTOR * loss)
    outcome->limited_by = "points";
  else
    outcome->limited_by = cut && left < FALLING ? "optimisation" : "capacity";
  PetscCallMPI(MPI_Bcast(&rate, 1, MPIU_REAL, 0, run->comm));
  if (!PetscIsInfOrNanReal(outcome->estimated_error))
    PetscCall(PetscSNPrintf(outcome->judgement, size,
                            "estimated error %.1e (residual on fresh points over that of u = 0), limited by %s",
                            (double)outcome->estimated_error, outcome->limited_by));
  else
    PetscCall(PetscSNPrintf(outcome->judgement, size, "loss on fresh points %.1e, limited by %s",
                            (double)outcome->fresh_loss, outcome->limited_by));
  if (cut && left < FALLING && rate > 0 && outcome->limited_by[0] != 'r') {
    char text[128];

    PetscCall(
        PetscSNPrintf(text, sizeof(text), "\nat its last pace the loss falls ten times in %.2g s", 1 / (double)rate));
    PetscCall(PetscStrlcat(outcome->judgement, text, size));
  }
  if (run->trivial)
    PetscCall(
        Warn(outcome, run->vanishes
                          ? "Warning: terms are so small that their squares are 0 in double precision: scale them"
                          : "Warning: zero solves the problem: no term has data, a source or a value"));
  PetscCall(WarnOfFreeConstants(run, outcome));
  PetscCall(WarnUnlessSolved(run, loss, outcome));
  PetscFunctionReturn(PETSC_SUCCESS);
}
