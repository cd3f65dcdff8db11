/*
  The projection theorem made visible: what a step does to the function beside what theory says of it.

    u(theta + eta d) = u(theta) + eta Pi v + O(eta^2),      v = T^{-1}(-DE(u)) the ideal update of an optimiser in function space,
                                                            Pi the projection on span{d u/d theta_i}, orthogonal for T

  For the directions of the curvatures gauss_newton, energy, l2, h1 and hessian, at a ladder of eta, the distance of both
  sides in the metric of the method: from the first of 1, 1/2, 1/4, ... on where J d is more than half of the update. Of least squares the metric of the Newton methods is that of the residual, J d has
  the rows of D r(u)[.], and v is the function with D r(u)[v] = -r(u), for linear r the error u* - u: whence the second distance,
  from the projection of r(u*) - r(u) with the text of the exact solution in place of u. Of energies they are measured in H1.
  The exact Newton method in the parameters (hessian) solves no such problem: it is compared with that of Newton in function space, and its
  distance has slope 1. Kept is the part of v along the update, |Pi v|/|v| of Gauss-Newton: no direction of the tangent space keeps more.
  All directions are computed densely here, whatever the run takes; nothing that the training reads is changed.
  Reference: Mueller, Zeinhofer, Position: Optimization in SciML Should Employ the Function Space Geometry (arXiv 2402.07318).
*/
#include <engd/private.h>
#include <math.h>

#define FLOOR    1e4 /* epsilons of the functions themselves: distances below it are rounding */
#define HALVINGS 100 /* of eta, at most, to where the ladder begins */

const char *const engd_update_name[ENGD_NUPDATES] = {"gauss_newton", "energy", "l2", "h1", "hessian"};

/* A metric at theta: its tangent space, and what functions are measured by */
typedef struct {
  EngdFunctional F; /* with this curvature, on the points of the run; NULL before */
  EngdTangent    tangent;
  PetscInt       m;          /* rows here */
  PetscReal     *at, *now;   /* (m) of u at theta, and at another place */
  PetscReal     *pi, *exact; /* (m) Pi v, and Pi (u* - u) */
  PetscReal      size;       /* of the functions, for rounding */
} Space;

/* One iterate */
typedef struct {
  EngdProjection projection;
  Vec            theta, trial;
  PetscReal     *g, *d, *newton; /* [p] gradient, direction, Newton's direction in function space */
  PetscBool      linear;         /* in u: then Newton's is Gauss-Newton's */
  PetscBool      has_exact, has_newton;
  Space          space[ENGD_NUPDATES]; /* that of gauss_newton is that of all Newton methods */
} Probe;

/* a functional of the same problem with another metric, at theta */
static PetscErrorCode CreateFunctional(const Probe *probe, const char curvature[], EngdFunctional *out)
{
  const EngdFunctional F = probe->projection->functional;
  EngdFunctional       G;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalCreate(F->problem, F->network[0], &G));
  for (PetscInt k = 1; k < F->nnetworks; k++) PetscCall(EngdFunctionalAddNetwork(G, F->network[k]));
  PetscCall(EngdFunctionalSetCurvature(G, curvature));
  PetscCall(EngdFunctionalSetMemoryLimit(G, F->options.memory_limit));
  PetscCall(EngdFunctionalSetUp(G));
  PetscCall(EngdFunctionalSetParameters(G, probe->theta));
  *out = G;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows <- sqrt(w) times what the curvature measures of u, in the order of its roots */
static PetscErrorCode MeasuredRows(EngdFunctional F, PetscReal rows[])
{
  PetscInt row = 0;

  PetscFunctionBeginUser;
  for (PetscInt t = 0, b = 0; t < F->problem->nterms; t++) {
    const EngdPoints     points = F->problem->term[t]->points;
    const EngdExpression text   = (EngdExpression)F->term[t].measured->data;
    const PetscInt       nc     = text->ncomponents;
    PetscReal           *value;

    PetscCall(PetscMalloc1(ENGD_COUNT(points->nlocal, nc), &value));
    PetscCall(EngdModelEvaluateExpression(F->model, text, F->present.theta, points->nlocal, points->x, NULL,
                                          points->ndata ? points->data_value : NULL, value));
    for (; b < F->nblocks && F->block[b].term == t; b++) {
      const EngdBlock *block = &F->block[b];

      for (PetscInt c = 0; c < nc; c++) {
        for (PetscInt i = 0; i < block->n; i++)
          rows[row++] = PetscSqrtReal(block->weight[i]) * value[ENGD_COUNT(block->start + i, nc) + c];
      }
    }
    PetscCall(PetscFree(value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows <- u at theta as the space measures it: the residual, or the outputs */
static PetscErrorCode Rows(const Space *space, Vec theta, PetscReal rows[])
{
  Vec R;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(space->F, theta));
  if (space->F->curvature->values >= 0) {
    PetscCall(MeasuredRows(space->F, rows));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecCreateMPIWithArray(space->F->comm, 1, space->m, PETSC_DETERMINE, rows, &R));
  PetscCall(EngdFunctionalResidual(space->F, R));
  PetscCall(VecDestroy(&R));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sums over the ranks of a.a, a.b, b.b */
static PetscErrorCode Products(const Space *space, const PetscReal a[], const PetscReal b[], PetscReal sum[3])
{
  PetscFunctionBeginUser;
  sum[0] = sum[1] = sum[2] = 0;
  for (PetscInt i = 0; i < space->m; i++) {
    sum[0] += a[i] * a[i];
    sum[1] += a[i] * b[i];
    sum[2] += b[i] * b[i];
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sum, 3, MPIU_REAL, MPI_SUM, space->F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the space of a metric with a cut-off, with the size of u in it, and of the residual of u = 0 where that is measured */
static PetscErrorCode CreateSpace(const Probe *probe, const char curvature[], PetscReal cutoff, Space *space)
{
  PetscReal sum[3], zero[3];

  PetscFunctionBeginUser;
  PetscCall(CreateFunctional(probe, curvature, &space->F));
  PetscCall(EngdTangentCreate(space->F, cutoff, &space->tangent));
  space->m = EngdTangentCountRows(space->tangent);
  PetscCall(PetscMalloc4(space->m, &space->at, space->m, &space->now, space->m, &space->pi, space->m, &space->exact));
  PetscCall(VecZeroEntries(probe->trial));
  PetscCall(Rows(space, probe->trial, space->now));
  PetscCall(Rows(space, probe->theta, space->at));
  PetscCall(Products(space, space->at, space->at, sum));
  PetscCall(Products(space, space->now, space->now, zero));
  space->size = PetscSqrtReal(PetscMax(sum[0], zero[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroySpace(Space *space)
{
  PetscFunctionBeginUser;
  if (!space->F) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdTangentDestroy(&space->tangent));
  PetscCall(PetscFree4(space->at, space->now, space->pi, space->exact));
  PetscCall(EngdFunctionalDestroy(&space->F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows of a term <- its residual of the exact solution, which takes the place of the unknowns as an ansatz would */
static PetscErrorCode ExactRowsOfTerm(EngdFunctional F, PetscInt t, PetscReal rows[])
{
  const EngdTerm   term    = F->problem->term[t];
  const EngdPoints points  = term->points;
  EngdSymbols      symbols = term->expression->symbols;
  const PetscInt   nc      = term->pointwise->ncomponents;
  EngdExpression   text;
  PetscReal       *value;

  PetscFunctionBeginUser;
  symbols.ansatz = (const char *const *)F->problem->exact_text;
  PetscCall(EngdExpressionCreate(&symbols, &text));
  PetscCall(EngdExpressionAppend(text, term->name, term->text));
  PetscCall(EngdExpressionCompile(text, 0));
  PetscCall(PetscMalloc1(ENGD_COUNT(points->nlocal, nc), &value));
  PetscCall(EngdModelEvaluateExpression(F->model, text, F->present.theta, points->nlocal, points->x, points->normal,
                                        points->ndata ? points->data_value : NULL, value));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    const EngdBlock *block = &F->block[b];

    for (PetscInt c = 0; block->term == t && c < nc; c++) {
      for (PetscInt i = 0; i < block->n; i++)
        rows[block->row + c * block->n + i] =
            PetscSqrtReal(block->weight[i]) * value[ENGD_COUNT(block->start + i, nc) + c];
    }
  }
  PetscCall(PetscFree(value));
  PetscCall(EngdExpressionDestroy(&text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* exact <- Pi (r(u*) - r(u)), where there is text of all of it */
static PetscErrorCode ProjectExact(Probe *probe, Space *space)
{
  const EngdProblem problem = space->F->problem;

  PetscFunctionBeginUser;
  probe->has_exact = (PetscBool)(problem->nexact == problem->noutputs && !problem->nunknowns && problem->smooth);
  for (PetscInt t = 0; t < problem->nterms; t++) {
    if (!problem->term[t]->text || !problem->term[t]->expression) probe->has_exact = PETSC_FALSE;
  }
  if (!probe->has_exact) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt t = 0; t < problem->nterms; t++) PetscCall(ExactRowsOfTerm(space->F, t, space->now));
  for (PetscInt i = 0; i < space->m; i++) space->now[i] -= space->at[i];
  PetscCall(EngdTangentProject(space->tangent, space->now, NULL, space->exact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d <- -A^+ g of a symmetric matrix, which is destroyed; eigenvalues that are rounding are left out. Or A has none to be found */
static PetscErrorCode PseudoSolve(PetscInt p, PetscReal A[], const PetscReal g[], PetscReal d[], PetscBool *found)
{
  PetscInt   info = 0;
  PetscReal *l, *y, largest;

  PetscFunctionBeginUser;
  *found = EngdIsFinite(ENGD_COUNT(p, p), A);
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(p, &l, p, &y));
  PetscCall(EngdSymmetricEigen("V", p, A, l, &info));
  *found = (PetscBool)!info;
  if (*found) {
    largest = PetscMax(PetscAbsReal(l[0]), PetscAbsReal(l[p - 1]));
    PetscCall(EngdDenseMultiply("T", p, p, A, g, y));
    for (PetscInt k = 0; k < p; k++)
      y[k] = PetscAbsReal(l[k]) > p * PETSC_MACHINE_EPSILON * largest ? -y[k] / l[k] : 0;
    PetscCall(EngdDenseMultiply("N", p, p, A, y, d));
  }
  PetscCall(PetscFree2(l, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d <- -A^+ g with the matrix of a curvature whose W has no roots, on rank 0, for all */
static PetscErrorCode SolveDense(const Probe *probe, EngdUpdate method, PetscReal d[])
{
  EngdDiagonalBlocks blocks;
  EngdFunctional     F;
  PetscMPIInt        rank;
  PetscBool          found = PETSC_TRUE;
  PetscInt           p;
  PetscReal         *A;
  Mat                G;

  PetscFunctionBeginUser;
  PetscCall(CreateFunctional(probe, engd_update_name[method], &F));
  p = F->model->nparameters;
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(F->curvature->for_hessian ? EngdFunctionalCreateHessian(F, &G) : EngdFunctionalCreateGramian(F, &G));
  PetscCall(EngdFunctionalSetParameters(F, probe->theta));
  PetscCall(EngdDiagonalBlocksCreate(F->model, ENGD_STRUCTURE_FULL, &blocks));
  PetscCall(PetscMalloc1(blocks.at[blocks.n], &A));
  PetscCall(EngdExplicitGramian(G, &blocks, 0, A, NULL));
  if (!rank) PetscCall(PseudoSolve(p, A, probe->g, d, &found));
  PetscCallMPI(MPI_Bcast(&found, 1, ENGD_MPI_BOOL, 0, F->comm));
  PetscCheck(found, F->comm, ENGD_ERR_NUMERICS, "-engd_projection: the matrix of %s has no eigenvalues to be found",
             engd_update_name[method]);
  PetscCallMPI(MPI_Bcast(d, (PetscMPIInt)p, MPIU_REAL, 0, F->comm));
  PetscCall(PetscFree(A));
  PetscCall(EngdDiagonalBlocksDestroy(&blocks));
  PetscCall(MatDestroy(&G));
  PetscCall(EngdFunctionalDestroy(&F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the directions of Newton methods, and pi of the space */
static PetscErrorCode NewtonDirection(Probe *probe, EngdUpdate method, Space *space)
{
  const PetscInt  p             = space->F->model->nparameters;
  const PetscBool least_squares = probe->projection->functional->least_squares;

  PetscFunctionBeginUser;
  if (least_squares && (method == ENGD_UPDATE_GAUSS_NEWTON || probe->linear)) {
    for (PetscInt i = 0; i < space->m; i++) space->now[i] = -space->at[i];
    PetscCall(EngdTangentProject(space->tangent, space->now, probe->d, space->pi));
  } else {
    if (!probe->has_newton) PetscCall(SolveDense(probe, ENGD_UPDATE_ENERGY, probe->newton));
    probe->has_newton = PETSC_TRUE;
    PetscCall(PetscArraycpy(probe->d, probe->newton, p));
    PetscCall(EngdTangentMult(space->tangent, probe->d, space->pi));
  }
  if (method == ENGD_UPDATE_HESSIAN) PetscCall(SolveDense(probe, ENGD_UPDATE_HESSIAN, probe->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* trial <- theta + eta d */
static PetscErrorCode Move(Probe *probe, PetscReal eta)
{
  PetscReal *x;
  PetscInt   begin, end;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(probe->theta, probe->trial));
  PetscCall(VecGetOwnershipRange(probe->trial, &begin, &end));
  PetscCall(VecGetArray(probe->trial, &x));
  for (PetscInt i = begin; i < end; i++) x[i - begin] += eta * probe->d[i];
  PetscCall(VecRestoreArray(probe->trial, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the part of Newton's ideal update along that of d; NaN of energies, where the former is no function at the points */
static PetscErrorCode Keep(Probe *probe, PetscReal *kept)
{
  Space    *space = &probe->space[ENGD_UPDATE_GAUSS_NEWTON];
  PetscReal sum[3];

  PetscFunctionBeginUser;
  *kept = NAN;
  if (!probe->projection->functional->least_squares) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdTangentMult(space->tangent, probe->d, space->now));
  PetscCall(Products(space, space->at, space->now, sum));
  if (sum[0] > 0 && sum[2] > 0) *kept = -sum[1] / PetscSqrtReal(sum[0] * sum[2]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |now - at - eta y| */
static PetscErrorCode Distance(const Space *space, PetscReal eta, const PetscReal y[], PetscReal *distance)
{
  PetscFunctionBeginUser;
  *distance = 0;
  for (PetscInt i = 0; i < space->m; i++) *distance += PetscSqr(space->now[i] - space->at[i] - (y ? eta * y[i] : 0));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, distance, 1, MPIU_REAL, MPI_SUM, space->F->comm));
  *distance = PetscSqrtReal(*distance);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* eta <- the longest of 1, 1/2, ... where what J says of the update is more than half of it, so that theory has a beginning */
static PetscErrorCode FindFirst(Probe *probe, Space *space, PetscReal *eta)
{
  PetscReal *y, sum[3], distance = PETSC_MAX_REAL;

  PetscFunctionBeginUser;
  *eta = 1;
  PetscCall(PetscMalloc1(space->m, &y));
  PetscCall(EngdTangentMult(space->tangent, probe->d, y));
  PetscCall(Products(space, y, y, sum));
  for (PetscInt k = 0; k <= HALVINGS; k++) {
    *eta = PetscPowRealInt(0.5, k);
    PetscCall(Move(probe, *eta));
    PetscCall(Rows(space, probe->trial, space->now));
    PetscCall(Distance(space, *eta, y, &distance));
    if (distance <= 0.5 * *eta * PetscSqrtReal(sum[0])) break;
  }
  PetscCall(PetscFree(y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the rows of a method: a ladder of eta along d */
static PetscErrorCode Climb(Probe *probe, EngdUpdate method, Space *space, PetscInt iteration)
{
  const PetscBool   exact  = (PetscBool)(probe->has_exact && space == &probe->space[ENGD_UPDATE_GAUSS_NEWTON]);
  EngdProjectionRow row    = {.iteration = iteration, .method = method, .distance_exact = NAN};
  PetscReal         before = 0, first;

  PetscFunctionBeginUser;
  PetscCall(Keep(probe, &row.kept));
  PetscCall(FindFirst(probe, space, &first));
  for (PetscInt k = 0; k < probe->projection->nsteps; k++) {
    row.eta = first * PetscPowRealInt(0.5, k);
    PetscCall(Move(probe, row.eta));
    PetscCall(Rows(space, probe->trial, space->now));
    PetscCall(Distance(space, row.eta, NULL, &row.update));
    PetscCall(Distance(space, row.eta, space->pi, &row.distance));
    if (exact) PetscCall(Distance(space, row.eta, space->exact, &row.distance_exact));
    row.slope =
        k && row.distance > FLOOR * PETSC_MACHINE_EPSILON * space->size ? PetscLog2Real(before / row.distance) : NAN;
    before = row.distance;
    PetscCall(EngdProjectionAddRow(probe->projection, &row));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gradient at theta, whole; it is no evaluation of the optimiser */
static PetscErrorCode Gradient(Probe *probe)
{
  const EngdFunctional F           = probe->projection->functional;
  const PetscInt64     evaluations = F->count.evaluations;
  const PetscReal     *g;
  PetscReal            loss;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(F, probe->theta));
  PetscCall(EngdFunctionalEvaluate(F, &loss, probe->trial));
  PetscCall(EngdFunctionalGather(F, probe->trial, &g));
  PetscCall(PetscArraycpy(probe->g, g, F->model->nparameters));
  F->count.evaluations = evaluations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is the residual of all terms linear in u */
static PetscErrorCode IsLinear(EngdFunctional F, PetscBool *linear)
{
  PetscFunctionBeginUser;
  *linear = F->least_squares;
  for (PetscInt t = 0; t < F->problem->nterms && *linear; t++) {
    const EngdPointwise pointwise = F->problem->term[t]->pointwise;

    PetscCall(EngdPointwiseDifferentiate(pointwise));
    *linear = (PetscBool)(pointwise->twice && !pointwise->nsecond);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the rows of one method */
static PetscErrorCode ComputeMethod(Probe *probe, EngdUpdate method, PetscInt iteration)
{
  const PetscBool own   = (PetscBool)(method == ENGD_UPDATE_L2 || method == ENGD_UPDATE_H1);
  Space          *space = &probe->space[own ? method : ENGD_UPDATE_GAUSS_NEWTON];

  PetscFunctionBeginUser;
  if (own) { /* the singular values enter squared */
    PetscCall(CreateSpace(probe, engd_update_name[method], PetscSqrtReal(probe->projection->rcond), space));
    PetscCall(EngdTangentDescend(space->tangent, probe->g, probe->d, space->pi));
  } else
    PetscCall(NewtonDirection(probe, method, space));
  PetscCall(Climb(probe, method, space, iteration));
  if (own) PetscCall(DestroySpace(space));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdProjectionCompute - the rows of all methods wanted at theta, behind those so far; the file is written. Collective */
PetscErrorCode EngdProjectionCompute(EngdProjection projection, Vec theta, PetscInt iteration)
{
  const EngdFunctional F      = projection->functional;
  const PetscInt       p      = F->model->nparameters;
  Probe                probe  = {.projection = projection, .theta = theta};
  Space               *newton = &probe.space[ENGD_UPDATE_GAUSS_NEWTON];

  PetscFunctionBeginUser;
  if (iteration == projection->last) PetscFunctionReturn(PETSC_SUCCESS);
  projection->last = iteration;
  PetscCall(PetscLogEventBegin(engd_log.spectrum, 0, 0, 0, 0));
  PetscCall(IsLinear(F, &probe.linear));
  PetscCall(VecDuplicate(theta, &probe.trial));
  PetscCall(PetscMalloc3(p, &probe.g, p, &probe.d, p, &probe.newton));
  PetscCall(Gradient(&probe));
  PetscCall(CreateSpace(&probe, F->least_squares ? "gauss_newton" : "h1", projection->rcond, newton));
  if (F->least_squares) PetscCall(ProjectExact(&probe, newton));
  for (PetscInt k = 0; k < ENGD_NUPDATES; k++)
    if (projection->wanted[k]) PetscCall(ComputeMethod(&probe, (EngdUpdate)k, iteration));
  PetscCall(DestroySpace(newton));
  PetscCall(PetscFree3(probe.g, probe.d, probe.newton));
  PetscCall(VecDestroy(&probe.trial));
  PetscCall(PetscLogEventEnd(engd_log.spectrum, 0, 0, 0, 0));
  PetscCall(EngdProjectionWrite(projection));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdProjectionMonitor - what is due at this iteration of the run. Collective */
PetscErrorCode EngdProjectionMonitor(EngdProjection projection, Vec theta, PetscInt iteration)
{
  PetscFunctionBeginUser;
  if (projection->file && iteration % projection->every == 0)
    PetscCall(EngdProjectionCompute(projection, theta, iteration));
  PetscFunctionReturn(PETSC_SUCCESS);
}
