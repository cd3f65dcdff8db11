/*
  Time evolution in the tangent space: u_t = f(u) with u = u_theta(x), after the training has fitted the initial value.

    galerkin   theta' = argmin |J eta - f(u_theta)|, J = du/dtheta at the points, by truncated least squares on J itself, integrated
               by PETSc's TS: rk with error control, or any type that needs no Jacobian but products (-snes_mf)
    teng       u_{n+1} and the stages of a scheme of TS fitted one after the other (evolve_fit.c)

  The problem has one term, the initial condition "u - u0": its points carry the projection, J is that of its residual, and f is text
  over the same unknowns. f may not depend on time. The distance |f - J theta'| / |f| is told: what the network cannot follow. A
  step that the adaptor cannot take ends the run with an error, after the last good state is saved. In parts, from one of -engd_output_times
  to the next; what each begins with is in the checkpoint.
  Reference: Dirac-Frenkel principle and neural Galerkin schemes (Bruna, Peherstorfer, Vanden-Eijnden, J. Comput. Phys. 496, 2024);
  TENG (Chen et al., arXiv 2404.10771).
*/
#include <engd/evolve.h>
#include <engd/private.h>

#define MISSED 1e-2 /* part of the initial value that is worth a warning */

const char *const engd_evolve_methods[] = {"none", "galerkin", "teng"};

/* the step that a part begins with: that of the one before has been cut to end in time */
static PetscErrorCode BeginPart(EngdEvolution e)
{
  TSAdapt   adapt;
  PetscBool none;

  PetscFunctionBeginUser;
  PetscCall(TSGetAdapt(e->ts, &adapt));
  PetscCall(PetscObjectTypeCompare((PetscObject)adapt, TSADAPTNONE, &none));
  if (none || e->method == ENGD_EVOLVE_TENG)
    e->dt = e->given;
  else
    e->dt = PetscMax(e->dt, e->taken);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* are the two times one, up to rounding of the steps between them */
static PetscBool IsTime(PetscReal a, PetscReal b)
{
  return (PetscBool)(PetscAbsReal(a - b) <= 1e-12 * PetscMax(PetscAbsReal(a), PetscAbsReal(b)));
}

/* the times that lie ahead; what a run before has written is not written again */
static PetscErrorCode FindPart(EngdEvolution e, Vec theta)
{
  const EngdReport report = e->run->report;

  PetscFunctionBeginUser;
  e->next = 0;
  if (e->t < 0 && e->times[0] == 0) PetscCall(EngdReportWriteTime(report, theta, e->next++));
  while (e->next < e->ntimes - 1 && (e->times[e->next] <= e->t || IsTime(e->times[e->next], e->t))) e->next++;
  PetscCall(EngdReportSkipTimes(report, e->next));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |v| / |u0| where it begins */
static PetscErrorCode MeasureStart(EngdEvolution e, Vec theta)
{
  PetscReal size;

  PetscFunctionBeginUser;
  PetscCall(EngdEvolveState(e, theta, e->row));
  PetscCall(VecNorm(e->row, NORM_2, &e->missed));
  PetscCall(VecNorm(e->base, NORM_2, &size));
  if (size > 0) e->missed /= size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all parts to the end, or to where the run is to stop */
static PetscErrorCode SolveParts(EngdEvolution e, Vec theta, PetscBool *failed)
{
  PetscFunctionBeginUser;
  PetscCall(EngdEvolveMeasureBase(e, theta));
  if (e->column && e->t < 0) PetscCall(EngdEvolveFitStart(e, theta));
  if (e->t < 0) PetscCall(MeasureStart(e, theta));
  PetscCall(EngdRunGetSeconds(e->run, &e->seconds));
  e->begun = e->steps;
  e->from  = PetscMax(e->t, 0);
  PetscCall(FindPart(e, theta));
  for (; !*failed && e->next < e->ntimes; e->next++) {
    const PetscReal until = e->times[e->next];

    if (e->t >= until) break;
    if (e->t < 0 || (e->next && IsTime(e->t, e->times[e->next - 1]))) PetscCall(BeginPart(e));
    if (e->method == ENGD_EVOLVE_TENG)
      PetscCall(EngdEvolveFitSteps(e, until, theta, failed));
    else
      PetscCall(EngdEvolveIntegrate(e, until, theta, failed));
    if (*failed || !IsTime(e->t, until)) break;
    PetscCall(EngdReportWriteTime(e->run->report, theta, e->next));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdEvolutionBegun - does a run that was restarted go on behind its training. Not collective */
PetscBool EngdEvolutionBegun(EngdRun run)
{
  return (PetscBool)(run->evolution && run->evolution->t >= 0);
}

/* EngdEvolutionGetSteps - how many lie behind. Not collective */
PetscInt EngdEvolutionGetSteps(EngdRun run)
{
  return run->evolution ? run->evolution->steps : 0;
}

/* EngdEvolutionSolve - from theta of the training, or of a checkpoint, to the final time. Collective */
PetscErrorCode EngdEvolutionSolve(EngdRun run)
{
  EngdEvolution  e      = run->evolution;
  PetscBool      failed = PETSC_FALSE;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  if (!e || (run->end != ENGD_END_BY_TAO && run->end != ENGD_END_BY_TIME)) PetscFunctionReturn(PETSC_SUCCESS);
  run->end         = ENGD_END_BY_TAO; /* the training had its share of the time */
  run->max_seconds = run->budget;
  run->plan.ahead  = PETSC_FALSE; /* of what the training came to, which is behind */
  PetscCall(VecCopy(run->theta, e->last));
  EngdErrorsForgive(ENGD_ERR_NUMERICS); /* a theta that is not finite, which all ranks meet */
  code = SolveParts(e, run->theta, &failed);
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
          engd_evolve_methods[e->method], (double)PetscMax(e->t, 0), (double)e->dt);
}

/* the factors that fits go on with: at which theta they are to be taken again */
static PetscErrorCode FactorsState(EngdEvolution e, PetscInt k, EngdArchive a)
{
  EngdEvolveFactors *factors = &e->factors[k];
  PetscBool          has     = PETSC_TRUE;

  PetscFunctionBeginUser;
  if (EngdArchiveGetMode(a) == ENGD_ARCHIVE_FORGET) factors->ready = PETSC_FALSE;
  if (e->method != ENGD_EVOLVE_TENG) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, k ? "implicit" : "explicit"));
  PetscCall(EngdArchiveBool(a, "ready", &factors->ready, PETSC_FALSE));
  PetscCall(EngdArchiveReal(a, "c", &factors->c, 0));
  if (EngdArchiveChanges(a)) PetscCall(EngdArchiveHas(a, "theta", &has));
  if (factors->ready && has) PetscCall(EngdArchiveVec(a, "theta", factors->theta));
  PetscCall(EngdArchivePop(a));
  factors->lost = EngdArchiveChanges(a);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdEvolutionState - where it is, in a checkpoint. Collective */
PetscErrorCode EngdEvolutionState(EngdRun run, EngdArchive a)
{
  EngdEvolution e = run->evolution;

  PetscFunctionBeginUser;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, "time"));
  PetscCall(EngdArchiveReal(a, "t", &e->t, -1));
  PetscCall(EngdArchiveReal(a, "step", &e->dt, e->given));
  PetscCall(EngdArchiveCount(a, "steps", &e->steps, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveReal(a, "taken", &e->taken, 0));
  PetscCall(EngdArchiveReal(a, "beside_projection", &e->worst, 0));
  PetscCall(EngdArchiveReal(a, "missed", &e->missed, 0));
  PetscCall(EngdArchiveReal(a, "cutoff", &e->cutoff, e->rcond));
  PetscCall(EngdArchiveReal(a, "floor", &e->floor, 0));
  for (PetscInt k = 0; k < 2 && e->factors[k].ls; k++) PetscCall(FactorsState(e, k, a));
  PetscCall(EngdArchivePop(a));
  if (EngdArchiveGetMode(a) == ENGD_ARCHIVE_FORGET) {
    e->measured = -1;
    e->factored = e->solved = 0;
    e->left                 = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdEvolutionDescribe - what came out, in a line of the result, and what is wrong with it from the beginning on. Not collective */
PetscErrorCode EngdEvolutionDescribe(EngdRun run, size_t size, char text[], size_t length, char warning[])
{
  const EngdEvolution e = run->evolution;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, size,
                          "t = %g after %" PetscInt_FMT " steps and %" PetscInt_FMT
                          " least squares (%s); at most %.1e of %s lay beside the network; J factored %" PetscInt_FMT
                          " times",
                          (double)PetscMax(e->t, 0), e->steps, e->solved, engd_evolve_methods[e->method],
                          (double)e->worst, e->method == ENGD_EVOLVE_TENG ? "u" : "f", e->factored));
  if (e->missed > MISSED)
    PetscCall(
        PetscSNPrintf(warning, length,
                      "Warning: at t = 0 the network misses %.1e of the initial value, which no time step mends: "
                      "train it longer, or\n  give it more units%s",
                      (double)e->missed, e->column ? ", or leave out -engd_time_last_layer" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the term is u - u0 on points that suffice for the parameters that move */
static PetscErrorCode CheckProblem(EngdEvolution e, PetscBool last)
{
  const EngdFunctional F       = e->run->functional;
  const EngdProblem    problem = F->problem;
  const PetscInt       n       = last ? EngdLastLayerCount(F) : F->model->nparameters;
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
  PetscCheck(N >= n, problem->comm, PETSC_ERR_USER_INPUT,
             "-engd_time_stepping needs no more parameters (%" PetscInt_FMT ") than values at points (%" PetscInt_FMT
             "); take more points",
             n, N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the final time, which may have parameters */
static PetscErrorCode ParseFinal(EngdEvolution e, const char text[])
{
  EngdSymbols symbols;

  PetscFunctionBeginUser;
  PetscCall(EngdProblemGetPointSymbols(e->run->problem, &symbols));
  symbols.dim = symbols.nspace = 0;
  PetscCall(EngdParseReal("-engd_time_final", text, &symbols, &e->final));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the times of the text, if there is one, in ascending order from 0 on, and the last one */
static PetscErrorCode ReadTimes(EngdEvolution e, const char text[])
{
  const EngdProblem problem = e->run->problem;
  EngdSymbols       symbols;
  PetscReal        *times = NULL;
  PetscInt          n     = 0;

  PetscFunctionBeginUser;
  PetscCall(EngdProblemGetPointSymbols(problem, &symbols));
  symbols.dim = symbols.nspace = 0;
  if (text) PetscCall(EngdParseReals("-engd_output_times", text, &symbols, &n, &times));
  for (PetscInt k = 0; k < n; k++) {
    PetscCheck(times[k] >= 0 && times[k] <= e->final, problem->comm, PETSC_ERR_USER_INPUT,
               "-engd_output_times %s: %g is not between 0 and -engd_time_final %g", text, (double)times[k],
               (double)e->final);
    PetscCheck(!k || times[k] > times[k - 1], problem->comm, PETSC_ERR_USER_INPUT,
               "-engd_output_times %s: %g does not come after %g", text, (double)times[k], (double)times[k - 1]);
  }
  PetscCheck(!n || e->run->report->file[ENGD_FILE_SOLUTION], problem->comm, PETSC_ERR_USER_INPUT,
             "-engd_output_times %s without a file: give -engd_solution FILE", text);
  PetscCall(PetscMalloc1(n + 1, &e->times));
  PetscCall(PetscArraycpy(e->times, times, n));
  if (!n || times[n - 1] < e->final) e->times[n++] = e->final;
  e->ntimes = n;
  PetscCall(PetscFree(times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the texts of an evolution, to be freed */
typedef struct {
  char     *rate, *final, *times;
  PetscBool last; /* the last layer alone moves */
  PetscBool said; /* is the method given, be it none */
} Texts;

static PetscErrorCode DestroyTexts(Texts *texts)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(texts->rate));
  PetscCall(PetscFree(texts->final));
  PetscCall(PetscFree(texts->times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadOptions(EngdEvolution e, Texts *texts)
{
  PetscFunctionBeginUser;
  texts->last = PETSC_FALSE;
  PetscOptionsBegin(e->run->comm, NULL, "Time evolution", "EngdEvolution");
  PetscCall(
      PetscOptionsEList("-engd_time_stepping",
                        "u_t = f(u) after the initial value is fitted: galerkin (theta' by least squares, PETSc's "
                        "-ts_type), teng (fits of the stages of -ts_rk_type)",
                        "EngdEvolutionCreate", engd_evolve_methods, 3, engd_evolve_methods[ENGD_EVOLVE_NONE],
                        &e->method, &texts->said));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_time_rhs",
                            "f, a text of the unknowns, components separated by ;", "EngdEvolutionCreate", "",
                            e->method == ENGD_EVOLVE_NONE ? NULL : "lap(u)", &texts->rate));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_time_final", "The time that it ends at, positive",
                            "EngdEvolutionCreate", "1", NULL, &texts->final));
  PetscCall(PetscOptionsReal("-engd_time_rcond",
                             "Singular values of J below this part of the largest are cut off, 0 to 1",
                             "EngdEvolutionCreate", e->rcond, &e->rcond, NULL));
  PetscCall(PetscOptionsBool("-engd_time_last_layer",
                             "The last layer alone moves, the units stay where the training has left them",
                             "EngdEvolutionCreate", texts->last, &texts->last, NULL));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_output_times",
                            "Times that the solution is written at, to NAME_0000 and so on, and to a series .pvd",
                            "EngdEvolutionCreate", NULL, NULL, &texts->times));
  PetscOptionsEnd();
  PetscCall(ParseFinal(e, texts->final));
  PetscCheck(e->final > 0, e->run->comm, PETSC_ERR_USER_INPUT, "-engd_time_final %g: must be positive",
             (double)e->final);
  PetscCheck(e->rcond >= 0 && e->rcond < 1, e->run->comm, PETSC_ERR_USER_INPUT,
             "-engd_time_rcond %g: give a number from 0 to below 1", (double)e->rcond);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* options of an evolution where there is none */
static PetscErrorCode CheckIdle(MPI_Comm comm)
{
  static const char *const options[] = {"-engd_time_rhs", "-engd_time_final", "-engd_time_rcond",
                                        "-engd_time_last_layer", "-engd_output_times"};
  PetscBool                given;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    PetscCall(PetscOptionsHasName(NULL, NULL, options[k], &given));
    PetscCheck(!given, comm, PETSC_ERR_USER_INPUT,
               "%s: nothing evolves in time; give -engd_time_stepping galerkin or teng, or leave the option out",
               options[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdEvolutionCreate - The time evolution that options ask for; NULL where they do not.

  Collective; after the functional is set up, with theta

  Options Database Keys:
+ -engd_time_stepping method - none, galerkin, teng
. -engd_time_rhs text        - f of u_t = f(u), a component for each unknown
. -engd_time_final T         - the evolution is from 0 to there
. -engd_time_last_layer      - the units stay as they are, and u moves in their span
. -engd_output_times t,..    - when the solution is written, besides the last time
- -engd_time_rcond r         - cut-off of the singular values of J
*/
PetscErrorCode EngdEvolutionCreate(EngdRun run, EngdEvolution *out)
{
  EngdEvolution e;
  PetscBool     implicit;
  Texts         texts;

  PetscFunctionBeginUser;
  *out = NULL;
  PetscCall(PetscNew(&e));
  *e = (struct _n_EngdEvolution){.run = run, .rcond = 1e-9, .t = -1, .measured = -1};
  PetscCall(ReadOptions(e, &texts));
  if (e->method == ENGD_EVOLVE_NONE) {
    if (!texts.said) PetscCall(CheckIdle(run->comm));
    PetscCall(DestroyTexts(&texts));
    PetscCall(PetscFree(e));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  *out = e;
  PetscCall(ReadTimes(e, texts.times));
  e->dt = e->final / 100;
  PetscCall(CheckProblem(e, texts.last));
  PetscCall(EngdEvolveCreateTS(e));
  PetscCall(PetscObjectTypeCompare((PetscObject)e->ts, TSTHETA, &implicit));
  PetscCall(EngdEvolveCreateRows(e, texts.rate, (PetscBool)(implicit && e->method == ENGD_EVOLVE_TENG), texts.last));
  PetscCall(DestroyTexts(&texts));
  PetscCall(EngdEvolveCheckTerm(e, run->theta));
  e->given  = e->dt;
  e->cutoff = e->rcond;
  PetscCall(EngdReportSetTimes(run->report, e->ntimes, e->times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEvolutionDestroy(EngdEvolution *evolution)
{
  EngdEvolution e = *evolution;

  PetscFunctionBeginUser;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TSDestroy(&e->ts));
  PetscCall(EngdEvolveDestroyRows(e));
  PetscCall(PetscFree(e->times));
  PetscCall(PetscFree(*evolution));
  PetscFunctionReturn(PETSC_SUCCESS);
}
