/*
  G of each curvature, dense, for all problems: against the sum over points of J^T W J with J from rows of the jets and W by
  differences of the pointwise energies; symmetry, eigenvalues, diagonal, roots.
  ranks: 1 2 3 4
*/
#include "functionals.h"

#define MOST 16 /* components of what a curvature measures */

static PetscReal *DenseGramian(EngdFunctional F)
{
  PetscReal *dense;
  Mat        G;

  CHECK(EngdFunctionalCreateGramian(F, &G));
  dense = Dense(G);
  CHECK(MatDestroy(&G));
  return dense;
}

/* rows (p, n): the gradients of the entry of the jet that stands there, at each point */
static void EntryRows(const Setting *s, EngdModelJet jet, EngdModelWork work, EngdPlace place, PetscReal rows[])
{
  const PetscReal *theta;
  PetscReal       *gu;

  CHECK(PetscCalloc1(jet->layout->nrows * jet->n, &gu));
  for (PetscInt i = 0; i < jet->n; i++) gu[place.offset + ENGD_COUNT(i, place.stride)] = 1;
  theta = s->F->present.theta;
  CHECK(EngdModelRows(jet, theta, gu, work, rows));
  CHECK(PetscFree(gu));
}

/* an expression at one of the points from the entries d of the jet */
static void PointValue(EngdExpression expression, EngdPoints points, PetscInt i, const PetscReal d[], PetscReal r[])
{
  EngdBatch x[8], normal[8], jet[32];

  for (PetscInt k = 0; k < points->dim; k++) x[k] = (EngdBatch){points->x + i * points->dim + k, 1};
  for (PetscInt k = 0; points->normal && k < points->nspace; k++) {
    normal[k] = (EngdBatch){points->normal + i * points->nspace + k, 1};
  }
  for (PetscInt e = 0; e < expression->nentries; e++) jet[e] = (EngdBatch){d + e, 1};
  CHECK(EngdExpressionEvaluate(expression, 1, x, points->normal ? normal : NULL, jet, r, NULL, NULL));
}

/* dr_c/dd_e by differences of order 4: D (ncomponents, m) */
static void DifferenceFirst(EngdExpression expression, EngdPoints points, PetscInt i, PetscReal d[], PetscReal D[])
{
  const PetscInt  nc = expression->ncomponents;
  const PetscReal h = 1e-3, shift[] = {-2, -1, 1, 2}, weight[] = {1. / 12, -2. / 3, 2. / 3, -1. / 12};
  PetscReal       r[MOST];

  for (PetscInt e = 0; e < expression->nentries; e++) {
    const PetscReal here = d[e];

    for (PetscInt c = 0; c < nc; c++) D[e * nc + c] = 0;
    for (PetscInt k = 0; k < 4; k++) {
      d[e] = here + shift[k] * h;
      PointValue(expression, points, i, d, r);
      for (PetscInt c = 0; c < nc; c++) D[e * nc + c] += weight[k] / h * r[c];
    }
    d[e] = here;
  }
}

/* e, or |r|^2/2, or of an integral sum_c R_c f_c */
static PetscReal PointEnergy(EngdTerm term, const PetscReal R[], PetscInt i, const PetscReal d[])
{
  PetscReal r[8], sum = 0;

  PointValue(term->expression, term->points, i, d, r);
  for (PetscInt c = 0; c < term->expression->ncomponents; c++)
    sum += term->integral ? R[c] * r[c] : term->energy ? r[c] : 0.5 * r[c] * r[c];
  return sum;
}

/* d^2 e/dd_e dd_f by differences of order 4 */
static PetscReal DifferenceSecond(EngdTerm term, const PetscReal R[], PetscInt i, PetscReal d[], PetscInt e,
                                  PetscInt f)
{
  const PetscReal de = d[e], df = d[f];
  PetscReal       difference[2];

  for (PetscInt k = 0; k < 2; k++) {
    const PetscReal h = k ? 4e-3 : 2e-3;

    difference[k] = 0;
    for (PetscInt sign = 0; sign < 4; sign++) {
      const PetscInt a = sign % 2 ? 1 : -1, b = sign / 2 ? 1 : -1;

      d[e] = de;
      d[f] = df;
      d[e] += a * h;
      d[f] += b * h;
      difference[k] += a * b * PointEnergy(term, R, i, d) / (4 * h * h);
    }
  }
  d[e] = de;
  d[f] = df;
  return (4 * difference[0] - difference[1]) / 3;
}

/* the metric at point i: W (m, m) without the weight of the point, from the definition of the curvature */
static void PointMetric(EngdTerm term, EngdExpression measured, const char curvature[], const PetscReal R[],
                        PetscInt i, PetscReal d[], PetscReal W[])
{
  const PetscInt m = measured->nentries, nc = measured->ncomponents;
  PetscReal      D[MOST * 32];

  if (curvature[0] == 'e' || (curvature[0] == 'g' && term->energy)) {
    for (PetscInt k = 0; k < m * m; k++) W[k] = DifferenceSecond(term, R, i, d, k % m, k / m);
    return;
  }
  DifferenceFirst(measured, term->points, i, d, D);
  for (PetscInt k = 0; k < m * m; k++) {
    W[k] = 0;
    for (PetscInt c = 0; c < nc; c++) W[k] += D[k % m * nc + c] * D[k / m * nc + c];
  }
}

/* what W measures: the expression of the term, or the unknowns and perhaps their space gradients, which are to be destroyed */
static EngdExpression Measured(const Setting *s, EngdTerm term, const char curvature[])
{
  EngdExpression outputs;

  if (curvature[0] == 'g' || curvature[0] == 'e') return term->expression;
  CHECK(EngdProblemCreateOutputs(s->problem, (PetscBool)(curvature[0] == 'h' && term->points->interior), &outputs));
  return outputs;
}

static PetscReal PointWeight(EngdTerm term, PetscInt i)
{
  return (term->integral ? PetscSqrtReal(term->weight) : term->weight) * term->measure * term->points->weight[i];
}

/* R (ncomponents) <- the sums of f over the points of all ranks at other parameters */
static void Integrals(const Setting *s, EngdTerm term, const PetscReal theta[], PetscReal R[])
{
  const EngdPoints points = term->points;
  const PetscInt   nc     = term->expression->ncomponents;
  PetscReal       *f;

  CHECK(PetscMalloc1(nc * points->nlocal, &f));
  CHECK(PetscArrayzero(R, nc));
  CHECK(EngdModelEvaluateExpression(s->F->model, term->expression, theta, points->nlocal, points->x, points->normal,
                                    NULL, f));
  for (PetscInt k = 0; k < nc * points->nlocal; k++) R[k % nc] += PointWeight(term, k / nc) * f[k];
  assert_int_equal(MPI_Allreduce(MPI_IN_PLACE, R, (int)nc, MPIU_REAL, MPI_SUM, PETSC_COMM_WORLD), MPI_SUCCESS);
  CHECK(PetscFree(f));
}

/* R, and G += (dR/dtheta)^T dR/dtheta on one rank, by differences of order 4 in each parameter */
static void AddIntegrals(const Setting *s, EngdTerm term, PetscReal R[], PetscReal G[])
{
  const PetscInt  nc = term->expression->ncomponents, p = s->p;
  const PetscReal h = 1e-3, shift[] = {-2, -1, 1, 2}, weight[] = {1. / 12, -2. / 3, 2. / 3, -1. / 12};
  PetscReal      *theta, *D;
  PetscMPIInt     rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  CHECK(PetscMalloc1(p, &theta));
  CHECK(PetscCalloc1(p * nc, &D));
  Whole(s->theta, theta);
  for (PetscInt j = 0; j < p; j++) {
    const PetscReal here = theta[j];

    for (PetscInt k = 0; k < 4; k++) {
      theta[j] = here + shift[k] * h;
      Integrals(s, term, theta, R);
      for (PetscInt c = 0; c < nc; c++) D[c * p + j] += weight[k] / h * R[c];
    }
    theta[j] = here;
  }
  Integrals(s, term, theta, R);
  for (PetscInt c = 0; !rank && c < nc; c++) {
    for (PetscInt j = 0; j < p * p; j++) G[j] += D[c * p + j % p] * D[c * p + j / p];
  }
  CHECK(PetscFree(theta));
  CHECK(PetscFree(D));
}

/* sum_i w_i J_i^T W_i J_i of the local points of a term, added to G (p, p) */
static void AddTermGramian(const Setting *s, EngdTerm term, const char curvature[], const PetscReal R[],
                           PetscReal G[])
{
  const PetscInt   n = term->points->nlocal, p = s->p;
  EngdExpression   measured = Measured(s, term, curvature);
  const PetscInt   m        = measured->nentries;
  PetscReal       *rows, d[32], W[32 * 32];
  const PetscReal *theta;
  EngdPlace        place[32];
  EngdModelLayout  layout;
  EngdModelWork    work;
  EngdModelJet     jet;

  CHECK(EngdModelLayoutCreateRandom(s->F->model, term->points->nrandom, measured, m, measured->entry, &layout));
  CHECK(EngdModelJetCreate(s->F->model, layout, n, &jet));
  CHECK(EngdModelWorkCreate(s->F->model, layout->nchannels * n, PETSC_FALSE, &work));
  CHECK(PetscMalloc1(p * n * m, &rows));
  theta = s->F->present.theta;
  EngdModelJetSetDimensions(jet, term->points->dimension);
  CHECK(EngdModelForward(jet, theta, n, term->points->x));
  for (PetscInt e = 0; e < m; e++) {
    const EngdJetEntry *entry = &measured->entry[e];
    PetscInt            channel;

    CHECK(EngdModelLayoutFind(s->F->model, layout, entry, &channel));
    place[e] = EngdModelPlace(s->F->model, layout, n, entry, channel);
    EntryRows(s, jet, work, place[e], rows + e * p * n);
  }
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal weight = PointWeight(term, i);

    for (PetscInt e = 0; e < m; e++) d[e] = jet->u[place[e].offset + ENGD_COUNT(i, place[e].stride)];
    PointMetric(term, measured, curvature, R, i, d, W);
    for (PetscInt k = 0; k < m * m; k++) {
      const PetscReal *row = rows + (k % m * n + i) * p, *column = rows + (k / m * n + i) * p;

      for (PetscInt j = 0; j < p * p; j++) G[j] += weight * W[k] * row[j % p] * column[j / p];
    }
  }
  CHECK(PetscFree(rows));
  CHECK(EngdModelWorkDestroy(&work));
  CHECK(EngdModelJetDestroy(&jet));
  CHECK(EngdModelLayoutDestroy(&layout));
  if (measured != term->expression) CHECK(EngdExpressionDestroy(&measured));
}

static PetscReal *BruteGramian(const Setting *s, const char curvature[])
{
  PetscReal *G;

  CHECK(PetscCalloc1(s->p * s->p, &G));
  for (PetscInt t = 0; t < s->problem->nterms; t++) {
    const EngdTerm term = s->problem->term[t];
    PetscReal      R[MOST];

    if (term->integral) {
      if (curvature[0] == 'g' || curvature[0] == 'e') AddIntegrals(s, term, R, G);
      if (curvature[0] != 'e') continue;
    }
    if (term->points->nlocal) AddTermGramian(s, term, curvature, R, G);
  }
  assert_int_equal(MPI_Allreduce(MPI_IN_PLACE, G, s->p * s->p, MPIU_REAL, MPI_SUM, PETSC_COMM_WORLD), MPI_SUCCESS);
  return G;
}

static void BeginCurvature(const Case *which, const char curvature[], Setting *s)
{
  char option[64];

  CHECK(PetscSNPrintf(option, sizeof(option), "-tao_engd_curvature %s", curvature));
  Begin(PETSC_COMM_WORLD, which, option, s);
}

/* is W positive semidefinite, so that its roots are exact: of a least-squares metric, else where the terms are convex */
static PetscBool IsConvex(const Case *which, const char curvature[])
{
  return (PetscBool)(which->convex || curvature[0] == 'l' || curvature[0] == 'h' ||
                     (curvature[0] == 'g' && !which->energy));
}

/* symmetric; positive semidefinite where W is; equal to the sum over the points by its definition */
static void GramianOf(const Case *which, const char curvature[])
{
  Setting      s;
  PetscReal   *G, *brute, *mu, *work;
  PetscBLASInt p, lwork, info;

  BeginCurvature(which, curvature, &s);
  G     = DenseGramian(s.F);
  brute = BruteGramian(&s, curvature);
  CloseAll("G by its definition", s.p * s.p, G, brute, curvature[0] == 'l' || curvature[0] == 'h' ? 1e-11 : 1e-7);
  for (PetscInt k = 0; k < s.p * s.p; k++) brute[k] = G[k % s.p * s.p + k / s.p];
  CloseAll("G is symmetric", s.p * s.p, G, brute, 1e-13);
  if (IsConvex(which, curvature)) {
    CHECK(PetscBLASIntCast(s.p, &p));
    lwork = 40 * p;
    CHECK(PetscMalloc2(p, &mu, lwork, &work));
    LAPACKsyev_("N", "L", &p, G, &p, mu, work, &lwork, &info);
    assert_int_equal(info, 0);
    assert_true(mu[p - 1] > 0);
    Close("smallest eigenvalue of G", PetscMin(mu[0], 0), 0, 1e-12 * mu[p - 1]);
    CHECK(PetscFree2(mu, work));
  }
  CHECK(PetscFree(G));
  CHECK(PetscFree(brute));
  End(&s);
}

static void GaussNewton(const Case *which)
{
  GramianOf(which, "gauss_newton");
}

static void Energy(const Case *which)
{
  PetscReal *G, *other;
  Setting    s;

  GramianOf(which, "energy");
  if (!which->linear) return;
  BeginCurvature(which, "energy", &s);
  G = DenseGramian(s.F);
  End(&s);
  BeginCurvature(which, "gauss_newton", &s);
  other = DenseGramian(s.F);
  CloseAll("energy and gauss_newton of a linear PDE", s.p * s.p, G, other, 1e-13);
  CHECK(PetscFree(G));
  CHECK(PetscFree(other));
  End(&s);
}

static void SobolevL2(const Case *which)
{
  GramianOf(which, "l2");
}

static void SobolevH1(const Case *which)
{
  GramianOf(which, "h1");
}

/* sum_k (C_k J)^T (C_k J) over all blocks and ranks */
static PetscReal *RootGramian(const Setting *s)
{
  const EngdFunctional F = s->F;
  const PetscReal     *theta;
  PetscReal           *G, *rows;

  CHECK(PetscCalloc1(s->p * s->p, &G));
  theta = F->present.theta;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    PetscInt   nroots;
    EngdBlock *block;

    CHECK(EngdFunctionalGetBlock(F, b, &block));
    CHECK((*F->curvature->ops->rootcount)(F->curvature, F, block->term, &nroots));
    CHECK(PetscMalloc1(s->p * block->n, &rows));
    for (PetscInt k = 0; k < nroots; k++) {
      CHECK((*F->curvature->ops->root)(F->curvature, F, block, k, F->work.gu));
      CHECK(EngdModelRows(block->jet, theta, F->work.gu, F->work.jet, rows));
      for (PetscInt i = 0; i < block->n; i++) {
        const PetscReal *row = rows + i * s->p;

        for (PetscInt j = 0; j < s->p * s->p; j++) G[j] += row[j % s->p] * row[j / s->p];
      }
    }
    CHECK(PetscFree(rows));
  }
  CHECK(EngdIntegralRowsUpdate(F));
  for (PetscInt k = 0; k < EngdIntegralRowsCount(F); k++) {
    const PetscReal *row = F->integral.rows + k * s->p;

    for (PetscInt j = 0; j < s->p * s->p; j++) G[j] += row[j % s->p] * row[j / s->p];
  }
  assert_int_equal(MPI_Allreduce(MPI_IN_PLACE, G, s->p * s->p, MPIU_REAL, MPI_SUM, PETSC_COMM_WORLD), MPI_SUCCESS);
  return G;
}

/* the roots give G, and the diagonal is its diagonal, where W is positive semidefinite */
static void Roots(const Case *which)
{
  const char *const curvature[] = {"gauss_newton", "l2", "h1", "energy"};

  for (PetscInt k = 0; k < 4; k++) {
    PetscReal *G, *roots, *diagonal;
    Setting    s;
    Mat        gramian;

    if (!IsConvex(which, curvature[k])) continue;
    BeginCurvature(which, curvature[k], &s);
    CHECK(EngdFunctionalCreateGramian(s.F, &gramian));
    CHECK(EngdGramianSetDamping(gramian, 0.25));
    CHECK(MatGetDiagonal(gramian, s.w));
    CHECK(EngdGramianSetDamping(gramian, 0));
    G     = Dense(gramian);
    roots = RootGramian(&s);
    CloseAll("roots", s.p * s.p, roots, G, 1e-13);
    CHECK(PetscMalloc1(s.p, &diagonal));
    Whole(s.w, diagonal);
    for (PetscInt j = 0; j < s.p; j++) roots[j] = G[j * s.p + j] + 0.25;
    CloseAll("diagonal", s.p, diagonal, roots, 1e-13);
    CHECK(PetscFree(diagonal));
    CHECK(PetscFree(G));
    CHECK(PetscFree(roots));
    CHECK(MatDestroy(&gramian));
    End(&s);
  }
}

int main(int argc, char **argv)
{
  const Check checks[] = {{"gauss_newton", GaussNewton, PETSC_FALSE},
                          {"energy", Energy, PETSC_FALSE},
                          {"l2", SobolevL2, PETSC_FALSE},
                          {"h1", SobolevH1, PETSC_FALSE},
                          {"roots", Roots, PETSC_FALSE}};
  int         failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = RunChecks("gramian", PETSC_STATIC_ARRAY_LENGTH(checks), checks, 0, NULL);
  return EngdFinalize() ? 1 : failed;
}
