/*
  Loss, gradient, R, J, G, its diagonal and roots, for seven problems given as text: against Taylor remainders, dot products
  and dense matrices built from rows of the jets and differences of the pointwise energies; on any number of ranks against
  one rank, and with any memory limit and block size.

  Whatever is asserted is a number that all ranks have, so that they fail alike. ranks: 1 2 3 4
*/
#include <engd/private.h>
#include <petscblaslapack.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define CHECK(call) assert_int_equal((call), PETSC_SUCCESS)

typedef struct {
  const char *name;
  const char *options;
  PetscBool   energy; /* has an energy term: no R, no J */
  PetscBool   linear; /* in u: then gauss_newton and energy agree */
  PetscBool   convex; /* W of `energy` is positive semidefinite, so that roots are exact */
} Case;

static const Case cases[] = {
    {"Poisson",
     "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 5,4 -terms pde,wall "
     "-pde_points 16 -pde_residual lap(u)+2*pi^2*sin(pi*x)*sin(pi*y) "
     "-wall_region boundary -wall_points 12 -wall_residual u -wall_weight 3",
     PETSC_FALSE, PETSC_TRUE, PETSC_TRUE},
    {"wave",
     "-domain_lower 0,0 -domain_upper 1,2 -domain_coordinates x,y -domain_time 0,0.5 -network_layers 6 -terms "
     "pde,start "
     "-pde_points 19 -pde_sampler uniform -pde_residual u_t*u_xy+u^2*u_x-u*lap(u)+sin(x*t)+u_xt*exp(u) "
     "-start_region initial -start_points 9 -start_residual u-sin(pi*x)",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"system",
     "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_outputs u,v -network_layers 5,3,4 "
     "-network_activation sin -terms flow,wall -flow_points 13 -flow_sampler sobol "
     "-flow_residual u*u_x+v*u_y-lap(u);u*v_x+v*v_y-lap(v);u_x+v_y "
     "-wall_region boundary -wall_points 11 -wall_residual u-y;v -wall_measure integral",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"normal",
     "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 7 -terms body,robin "
     "-body_points 12 -body_residual u-lap(u)-1 -body_sampler halton "
     "-robin_region boundary -robin_points 14 -robin_residual dot(normal,grad(u))+u^3",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"Ritz",
     "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 4,4 -terms body,wall "
     "-body_points 15 -body_sampler sobol -body_energy dot(grad(u),grad(u))/2+u^4/4-x*u "
     "-wall_region boundary -wall_points 10 -wall_residual u -wall_weight 50",
     PETSC_TRUE, PETSC_FALSE, PETSC_TRUE},
    {"five",
     "-domain_lower 0 -domain_upper 1 -domain_coordinates x1..x5 -network_layers 6,5 -terms pde,wall "
     "-pde_points 17 -pde_residual lap(u)+sum(cos(pi*x)) -wall_region boundary -wall_points 20 -wall_residual u",
     PETSC_FALSE, PETSC_TRUE, PETSC_TRUE},
    {"narrow", /* more components than the network is wide, fewer points than ranks */
     "-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 1 -terms fit,one -fit_points 7 "
     "-fit_residual u;u^2;sin(u);u*x;exp(u);u-1 -one_region x=0 -one_points 1 -one_residual u",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
};

/* A problem, a network, a functional at random parameters theta, and two random vectors */
typedef struct {
  const Case    *problem_case;
  EngdProblem    problem;
  EngdNetwork    net;
  EngdFunctional F;
  PetscInt       p;
  Vec            theta, v, w;
} Setting;

/* the same random entries on any number of ranks */
static void FillRandom(Vec v, PetscInt index)
{
  PetscReal *values;
  PetscInt   begin, end;

  CHECK(VecGetOwnershipRange(v, &begin, &end));
  CHECK(VecGetArrayWrite(v, &values));
  for (PetscInt j = begin; j < end; j++) values[j - begin] = 2 * EngdRandomUniform(3, 50, j, 0, index) - 1;
  CHECK(VecRestoreArrayWrite(v, &values));
}

static void Begin(MPI_Comm comm, const Case *which, const char options[], Setting *s)
{
  s->problem_case = which;
  CHECK(PetscOptionsInsertString(NULL, which->options));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdProblemCreate(comm, &s->problem));
  CHECK(EngdProblemSetFromOptions(s->problem));
  CHECK(EngdNetworkCreate(comm, &s->net));
  CHECK(EngdNetworkSetSizes(s->net, s->problem->domain->dim, s->problem->noutputs));
  CHECK(EngdNetworkSetFromOptions(s->net));
  CHECK(EngdFunctionalCreate(s->problem, s->net, &s->F));
  CHECK(EngdFunctionalSetFromOptions(s->F));
  CHECK(EngdFunctionalSetUp(s->F));
  CHECK(PetscOptionsClear(NULL));
  CHECK(EngdNetworkGetParameterCount(s->net, &s->p));
  CHECK(EngdNetworkCreateParameters(s->net, &s->theta));
  CHECK(VecDuplicate(s->theta, &s->v));
  CHECK(VecDuplicate(s->theta, &s->w));
  FillRandom(s->theta, 0);
  FillRandom(s->v, 1);
  FillRandom(s->w, 2);
  CHECK(EngdFunctionalSetParameters(s->F, s->theta));
}

static void End(Setting *s)
{
  CHECK(VecDestroy(&s->theta));
  CHECK(VecDestroy(&s->v));
  CHECK(VecDestroy(&s->w));
  CHECK(EngdFunctionalDestroy(&s->F));
  CHECK(EngdNetworkDestroy(&s->net));
  CHECK(EngdProblemDestroy(&s->problem));
}

static void Close(const char what[], PetscReal a, PetscReal b, PetscReal tolerance)
{
  if (!(PetscAbsReal(a - b) <= tolerance)) fail_msg("%s: %.17g is not %.17g", what, (double)a, (double)b);
}

static void CloseAll(const char what[], size_t n, const PetscReal a[], const PetscReal b[], PetscReal relative)
{
  PetscReal difference = 0, size = 0;

  for (size_t k = 0; k < n; k++) {
    if (!(PetscAbsReal(a[k] - b[k]) <= difference)) difference = PetscAbsReal(a[k] - b[k]);
    size = PetscMax(size, PetscAbsReal(b[k]));
  }
  if (!(difference <= relative * size)) fail_msg("%s: differ by %g of %g", what, (double)difference, (double)size);
}

/* a (n), the entries of v on every rank */
static void Whole(Vec v, PetscReal a[])
{
  const PetscReal *values;
  VecScatter       scatter;
  PetscInt         n;
  Vec              all;

  CHECK(VecScatterCreateToAll(v, &scatter, &all));
  CHECK(VecScatterBegin(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  CHECK(VecScatterEnd(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  CHECK(VecGetSize(all, &n));
  CHECK(VecGetArrayRead(all, &values));
  CHECK(PetscArraycpy(a, values, n));
  CHECK(VecRestoreArrayRead(all, &values));
  CHECK(VecScatterDestroy(&scatter));
  CHECK(VecDestroy(&all));
}

/* the matrix (M, N) of an operator, by columns, on every rank: products with unit vectors */
static PetscReal *Dense(Mat A)
{
  PetscInt   M, N;
  PetscReal *dense;
  Vec        x, y;

  CHECK(MatGetSize(A, &M, &N));
  CHECK(PetscMalloc1(M * N, &dense));
  CHECK(MatCreateVecs(A, &x, &y));
  for (PetscInt j = 0; j < N; j++) {
    CHECK(VecSet(x, 0));
    CHECK(VecSetValue(x, j, 1, INSERT_VALUES)); /* by all ranks alike */
    CHECK(VecAssemblyBegin(x));
    CHECK(VecAssemblyEnd(x));
    CHECK(MatMult(A, x, y));
    Whole(y, dense + ENGD_COUNT(j, M));
  }
  CHECK(VecDestroy(&x));
  CHECK(VecDestroy(&y));
  return dense;
}

static PetscReal *DenseGramian(EngdFunctional F)
{
  PetscReal *dense;
  Mat        G;

  CHECK(EngdFunctionalCreateGramian(F, &G));
  dense = Dense(G);
  CHECK(MatDestroy(&G));
  return dense;
}

static PetscReal Loss(Setting *s, Vec theta, Vec gradient)
{
  PetscReal loss;

  CHECK(EngdFunctionalSetParameters(s->F, theta));
  CHECK(EngdFunctionalEvaluate(s->F, &loss, gradient));
  return loss;
}

/* theta + t v */
static Vec Moved(const Setting *s, PetscReal t)
{
  Vec moved;

  CHECK(VecDuplicate(s->theta, &moved));
  CHECK(VecWAXPY(moved, t, s->v, s->theta));
  return moved;
}

/* halving the step quarters L(theta + t v) - L - t <gradient, v> */
static void Gradient(const Case *which)
{
  PetscReal loss, slope, remainder[2];
  Setting   s;
  Vec       gradient;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(VecDuplicate(s.theta, &gradient));
  loss = Loss(&s, s.theta, gradient);
  CHECK(VecDot(gradient, s.v, &slope));
  for (PetscInt k = 0; k < 2; k++) {
    const PetscReal t     = k ? 2e-5 : 4e-5;
    Vec             moved = Moved(&s, t);

    remainder[k] = Loss(&s, moved, NULL) - loss - t * slope;
    CHECK(VecDestroy(&moved));
  }
  assert_true(PetscAbsReal(remainder[1]) > 1e-12);
  Close("order of the remainder", remainder[0] / remainder[1], 4, 0.3);
  CHECK(VecDestroy(&gradient));
  End(&s);
}

/* L = |R|^2/2, gradient = J^T R, <J v, y> = <v, J^T y>, and the remainder of R is quartered */
static void Jacobian(const Case *which)
{
  PetscReal loss, norm, left, right, remainder[2];
  Setting   s;
  Mat       J;
  Vec       R, Jv, y, gradient, other;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(EngdFunctionalCreateJacobian(s.F, &J));
  CHECK(MatCreateVecs(J, &other, &R));
  CHECK(VecDuplicate(R, &Jv));
  CHECK(VecDuplicate(R, &y));
  CHECK(VecDuplicate(s.theta, &gradient));
  loss = Loss(&s, s.theta, gradient);
  CHECK(EngdFunctionalResidual(s.F, R));
  CHECK(VecNorm(R, NORM_2, &norm));
  Close("|R|^2/2", 0.5 * norm * norm, loss, 1e-13 * loss);
  CHECK(MatMultTranspose(J, R, other));
  CHECK(VecNorm(gradient, NORM_2, &norm));
  CHECK(VecAXPY(gradient, -1, other));
  CHECK(VecNorm(gradient, NORM_2, &left));
  Close("gradient = J^T R", left, 0, 1e-13 * norm);
  CHECK(MatMult(J, s.v, Jv));
  FillRandom(y, 5);
  CHECK(MatMultTranspose(J, y, other));
  CHECK(VecDot(Jv, y, &left));
  CHECK(VecDot(s.v, other, &right));
  CHECK(VecNorm(Jv, NORM_2, &norm));
  Close("<J v, y> = <v, J^T y>", left, right, 1e-13 * norm * PetscSqrtReal((PetscReal)s.p));
  for (PetscInt k = 0; k < 2; k++) {
    const PetscReal t     = k ? 2e-5 : 4e-5;
    Vec             moved = Moved(&s, t);

    CHECK(EngdFunctionalSetParameters(s.F, moved));
    CHECK(EngdFunctionalResidual(s.F, y));
    CHECK(VecAXPY(y, -1, R));
    CHECK(VecAXPY(y, -t, Jv));
    CHECK(VecNorm(y, NORM_2, &remainder[k]));
    CHECK(VecDestroy(&moved));
  }
  assert_true(remainder[1] > 1e-12);
  Close("order of the remainder", remainder[0] / remainder[1], 4, 0.3);
  CHECK(VecDestroy(&R));
  CHECK(VecDestroy(&Jv));
  CHECK(VecDestroy(&y));
  CHECK(VecDestroy(&gradient));
  CHECK(VecDestroy(&other));
  CHECK(MatDestroy(&J));
  End(&s);
}

/* rows (p, n): the gradients of entry e of the jet, output o of channel c, at each point */
static void EntryRows(const Setting *s, EngdJet jet, EngdJetWork work, PetscInt c, PetscInt o, PetscReal rows[])
{
  const PetscInt   noutputs = s->net->noutputs;
  const PetscReal *theta;
  PetscReal       *gu;

  CHECK(PetscCalloc1(noutputs * jet->layout->nchannels * jet->n, &gu));
  for (PetscInt i = 0; i < jet->n; i++) gu[(c * jet->n + i) * noutputs + o] = 1;
  CHECK(VecGetArrayRead(s->F->theta, &theta));
  CHECK(EngdJetRows(jet, theta, gu, work, rows));
  CHECK(VecRestoreArrayRead(s->F->theta, &theta));
  CHECK(PetscFree(gu));
}

/* r (or e) of a term at one point from the entries d of the jet */
static void PointValue(EngdTerm term, PetscInt i, const PetscReal d[], PetscReal r[])
{
  const EngdPoints points = term->points;
  EngdBatch        x[8], normal[8], jet[32];

  for (PetscInt k = 0; k < points->dim; k++) x[k] = (EngdBatch){points->x + i * points->dim + k, 1};
  for (PetscInt k = 0; points->normal && k < points->nspace; k++) {
    normal[k] = (EngdBatch){points->normal + i * points->nspace + k, 1};
  }
  for (PetscInt e = 0; e < term->expression->nentries; e++) jet[e] = (EngdBatch){d + e, 1};
  CHECK(EngdExpressionEvaluate(term->expression, 1, x, points->normal ? normal : NULL, jet, r, NULL, NULL));
}

/* dr_c/dd_e by differences of order 4: D (ncomponents, m) */
static void DifferenceFirst(EngdTerm term, PetscInt i, PetscReal d[], PetscReal D[])
{
  const PetscInt  nc = term->expression->ncomponents;
  const PetscReal h = 1e-3, shift[] = {-2, -1, 1, 2}, weight[] = {1. / 12, -2. / 3, 2. / 3, -1. / 12};
  PetscReal       r[8];

  for (PetscInt e = 0; e < term->expression->nentries; e++) {
    const PetscReal here = d[e];

    for (PetscInt c = 0; c < nc; c++) D[e * nc + c] = 0;
    for (PetscInt k = 0; k < 4; k++) {
      d[e] = here + shift[k] * h;
      PointValue(term, i, d, r);
      for (PetscInt c = 0; c < nc; c++) D[e * nc + c] += weight[k] / h * r[c];
    }
    d[e] = here;
  }
}

/* e, or |r|^2/2 */
static PetscReal PointEnergy(EngdTerm term, PetscInt i, const PetscReal d[])
{
  PetscReal r[8], sum = 0;

  PointValue(term, i, d, r);
  for (PetscInt c = 0; c < term->expression->ncomponents; c++) sum += term->energy ? r[c] : 0.5 * r[c] * r[c];
  return sum;
}

/* d^2 e/dd_e dd_f by differences of order 4 */
static PetscReal DifferenceSecond(EngdTerm term, PetscInt i, PetscReal d[], PetscInt e, PetscInt f)
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
      difference[k] += a * b * PointEnergy(term, i, d) / (4 * h * h);
    }
  }
  d[e] = de;
  d[f] = df;
  return (4 * difference[0] - difference[1]) / 3;
}

/* the metric at point i: W (m, m) without the weight of the point, from the definition of the curvature */
static void PointMetric(EngdTerm term, const char curvature[], PetscInt i, PetscInt m, PetscReal d[], PetscReal W[])
{
  PetscReal D[8 * 32];

  for (PetscInt k = 0; k < m * m; k++) W[k] = 0;
  if (curvature[0] == 'l' || curvature[0] == 'h') {
    for (PetscInt e = 0; e < m; e++) W[e * m + e] = 1;
  } else if (curvature[0] == 'e' || term->energy) {
    for (PetscInt k = 0; k < m * m; k++) W[k] = DifferenceSecond(term, i, d, k % m, k / m);
  } else {
    DifferenceFirst(term, i, d, D);
    for (PetscInt c = 0; c < term->expression->ncomponents; c++) {
      for (PetscInt k = 0; k < m * m; k++) {
        W[k] += D[k % m * term->expression->ncomponents + c] * D[k / m * term->expression->ncomponents + c];
      }
    }
  }
}

/* the entries that W acts on: those of the expression, or the value and perhaps the space gradient of each output */
static PetscInt MetricEntries(const Setting *s, EngdTerm term, const char curvature[], EngdJetEntry entry[])
{
  PetscInt m = 0;

  if (curvature[0] == 'g' || curvature[0] == 'e') {
    CHECK(PetscArraycpy(entry, term->expression->entry, term->expression->nentries));
    return term->expression->nentries;
  }
  for (PetscInt o = 0; o < s->net->noutputs; o++) {
    entry[m++] = (EngdJetEntry){.output = o, .coordinate = {-1, -1}};
    for (PetscInt i = 0; curvature[0] == 'h' && term->points->interior && i < term->points->nspace; i++) {
      entry[m++] = (EngdJetEntry){.output = o, .order = 1, .coordinate = {i, -1}};
    }
  }
  return m;
}

/* sum_i w_i J_i^T W_i J_i of the local points of a term, added to G (p, p) */
static void AddTermGramian(const Setting *s, EngdTerm term, const char curvature[], PetscReal G[])
{
  const PetscInt   n = term->points->nlocal, p = s->p, noutputs = s->net->noutputs;
  EngdJetEntry     entry[32];
  const PetscInt   m = MetricEntries(s, term, curvature, entry);
  PetscReal       *rows, d[32], W[32 * 32];
  const PetscReal *theta;
  PetscInt         channel[32];
  EngdJetLayout    layout;
  EngdJetWork      work;
  EngdJet          jet;

  CHECK(EngdJetLayoutCreate(term->points->nspace, term->points->dim, m, entry, &layout));
  CHECK(EngdJetCreate(s->net, layout, n, &jet));
  CHECK(EngdJetWorkCreate(s->net, layout->nchannels * n, &work));
  CHECK(PetscMalloc1(p * n * m, &rows));
  CHECK(VecGetArrayRead(s->F->theta, &theta));
  CHECK(EngdJetForward(jet, theta, n, term->points->x));
  CHECK(VecRestoreArrayRead(s->F->theta, &theta));
  for (PetscInt e = 0; e < m; e++) {
    CHECK(EngdJetLayoutFind(layout, &entry[e], &channel[e]));
    EntryRows(s, jet, work, channel[e], entry[e].output, rows + e * p * n);
  }
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal weight = term->weight * term->measure * term->points->weight[i];

    for (PetscInt e = 0; e < m; e++) d[e] = jet->u[(channel[e] * n + i) * noutputs + entry[e].output];
    PointMetric(term, curvature, i, m, d, W);
    for (PetscInt k = 0; k < m * m; k++) {
      const PetscReal *row = rows + (k % m * n + i) * p, *column = rows + (k / m * n + i) * p;

      for (PetscInt j = 0; j < p * p; j++) G[j] += weight * W[k] * row[j % p] * column[j / p];
    }
  }
  CHECK(PetscFree(rows));
  CHECK(EngdJetWorkDestroy(&work));
  CHECK(EngdJetDestroy(&jet));
  CHECK(EngdJetLayoutDestroy(&layout));
}

static PetscReal *BruteGramian(const Setting *s, const char curvature[])
{
  PetscReal *G;

  CHECK(PetscCalloc1(s->p * s->p, &G));
  for (PetscInt t = 0; t < s->problem->nterms; t++) {
    if (s->problem->term[t]->points->nlocal) AddTermGramian(s, s->problem->term[t], curvature, G);
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

/* symmetric; positive semidefinite where W is; equal to the sum over the points by its definition */
static void GramianOf(const Case *which, const char curvature[])
{
  Setting      s;
  PetscReal   *G, *brute, *mu, *work;
  PetscBLASInt p, lwork, info;

  BeginCurvature(which, curvature, &s);
  G     = DenseGramian(s.F);
  brute = BruteGramian(&s, curvature);
  CloseAll("G by its definition", s.p * s.p, G, brute, curvature[0] == 'l' || curvature[0] == 'h' ? 1e-13 : 1e-7);
  for (PetscInt k = 0; k < s.p * s.p; k++) brute[k] = G[k % s.p * s.p + k / s.p];
  CloseAll("G is symmetric", s.p * s.p, G, brute, 1e-13);
  if (which->convex || curvature[0] != 'e') {
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

/* the largest over the ranks */
static PetscReal Largest(PetscReal local)
{
  PetscReal all;

  assert_int_equal(MPI_Allreduce(&local, &all, 1, MPIU_REAL, MPI_MAX, PETSC_COMM_WORLD), MPI_SUCCESS);
  return all;
}

/* rows of J by EngdJetRows of sqrt(w) D_c against J e_j; the largest difference on this rank */
static PetscReal JacobianRowsDifference(const Setting *s, PetscInt M, PetscInt start, const PetscReal J[])
{
  const EngdFunctional F = s->F;
  PetscReal           *rows, *y, difference = 0;
  const PetscReal     *theta;

  CHECK(VecGetArrayRead(F->theta, &theta));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock     *block;
    const PetscInt nc = s->problem->term[F->block[b].term]->expression->ncomponents, n = F->block[b].n;

    CHECK(EngdFunctionalGetBlock(F, b, &block));
    CHECK(PetscMalloc2(s->p * n, &rows, nc * n, &y));
    for (PetscInt k = 0; k < nc * n; k++) {
      const PetscInt c = k / n, i = k % n;

      for (PetscInt l = 0; l < nc * n; l++) y[l] = l / n == c ? PetscSqrtReal(block->weight[l % n]) : 0;
      CHECK(EngdBlockZero(F, block, F->gu));
      CHECK(EngdBlockFirstTranspose(F, block, y, F->gu));
      CHECK(EngdJetRows(block->jet, theta, F->gu, F->work, rows));
      for (PetscInt j = 0; j < s->p; j++) {
        const PetscReal d = rows[i * s->p + j] - J[ENGD_COUNT(j, M) + start + block->row + k];

        if (!(PetscAbsReal(d) <= difference)) difference = PetscAbsReal(d);
      }
    }
    CHECK(PetscFree2(rows, y));
  }
  CHECK(VecRestoreArrayRead(F->theta, &theta));
  return difference;
}

/* dense J: from MatComputeOperator, from rows of the jets; G = J^T J; with damping G + lambda I */
static void DenseJacobian(const Case *which)
{
  const PetscReal lambda = 0.37;
  Setting         s;
  PetscReal      *dense, *G, *product, size = 0, one = 1, zero = 0;
  PetscInt        M, start, end;
  PetscBLASInt    bm, bp;
  Mat             J, explicit_J, gramian;
  Vec             x, y;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(EngdFunctionalCreateJacobian(s.F, &J));
  CHECK(MatGetSize(J, &M, NULL));
  dense = Dense(J);
  for (PetscInt k = 0; k < M * s.p; k++) size = PetscMax(size, PetscAbsReal(dense[k]));
  CHECK(MatGetOwnershipRange(J, &start, &end));
  Close("rows of J", Largest(JacobianRowsDifference(&s, M, start, dense)), 0, 1e-13 * size);

  CHECK(MatComputeOperator(J, MATDENSE, &explicit_J));
  CHECK(MatCreateVecs(J, &x, &y));
  CHECK(MatMult(explicit_J, s.v, y));
  CHECK(VecScale(y, -1));
  CHECK(MatMultAdd(J, s.v, y, y));
  CHECK(VecNorm(y, NORM_2, &size));
  Close("MatComputeOperator(J)", size, 0, 1e-12);

  CHECK(PetscMalloc1(s.p * s.p, &product));
  CHECK(PetscBLASIntCast(M, &bm));
  CHECK(PetscBLASIntCast(s.p, &bp));
  BLASgemm_("T", "N", &bp, &bp, &bm, &one, dense, &bm, dense, &bm, &zero, product, &bp);
  CHECK(EngdFunctionalCreateGramian(s.F, &gramian));
  G = Dense(gramian);
  CloseAll("G = J^T J", s.p * s.p, G, product, 1e-13);
  CHECK(PetscFree(G));
  CHECK(EngdGramianSetDamping(gramian, lambda));
  G = Dense(gramian);
  for (PetscInt j = 0; j < s.p; j++) product[j * s.p + j] += lambda;
  CloseAll("G + lambda I", s.p * s.p, G, product, 1e-13);
  CHECK(PetscFree(G));
  CHECK(PetscFree(product));
  CHECK(PetscFree(dense));
  CHECK(VecDestroy(&x));
  CHECK(VecDestroy(&y));
  CHECK(MatDestroy(&gramian));
  CHECK(MatDestroy(&explicit_J));
  CHECK(MatDestroy(&J));
  End(&s);
}

/* sum_k (C_k J)^T (C_k J) over all blocks and ranks */
static PetscReal *RootGramian(const Setting *s)
{
  const EngdFunctional F = s->F;
  const PetscReal     *theta;
  PetscReal           *G, *rows;

  CHECK(PetscCalloc1(s->p * s->p, &G));
  CHECK(VecGetArrayRead(F->theta, &theta));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    PetscInt   nroots;
    EngdBlock *block;

    CHECK(EngdFunctionalGetBlock(F, b, &block));
    CHECK((*F->curvature->ops->rootcount)(F->curvature, F, block->term, &nroots));
    CHECK(PetscMalloc1(s->p * block->n, &rows));
    for (PetscInt k = 0; k < nroots; k++) {
      CHECK((*F->curvature->ops->root)(F->curvature, F, block, k, F->gu));
      CHECK(EngdJetRows(block->jet, theta, F->gu, F->work, rows));
      for (PetscInt i = 0; i < block->n; i++) {
        const PetscReal *row = rows + i * s->p;

        for (PetscInt j = 0; j < s->p * s->p; j++) G[j] += row[j % s->p] * row[j / s->p];
      }
    }
    CHECK(PetscFree(rows));
  }
  CHECK(VecRestoreArrayRead(F->theta, &theta));
  assert_int_equal(MPI_Allreduce(MPI_IN_PLACE, G, s->p * s->p, MPIU_REAL, MPI_SUM, PETSC_COMM_WORLD), MPI_SUCCESS);
  return G;
}

/* the roots give G, and the diagonal is its diagonal, where W is positive semidefinite */
static void Roots(const Case *which)
{
  const char *const curvature[] = {"gauss_newton", "l2", "h1", "energy"};

  for (PetscInt k = 0; k < (which->convex ? 4 : 3); k++) {
    PetscReal *G, *roots, *diagonal;
    Setting    s;
    Mat        gramian;

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

#define NSTEPS 4

/* all results that do not depend on how points are numbered: gradient, G v, diagonal, J^T J v, losses */
static PetscReal *Results(MPI_Comm comm, const Case *which, const char options[], PetscInt *n)
{
  const PetscReal steps[NSTEPS] = {1, 0.5, 0, -0.125};
  PetscReal      *results, norm;
  Setting         s;
  Mat             G, J;
  Vec             R;

  Begin(comm, which, options, &s);
  *n = 4 * s.p + NSTEPS + 2;
  CHECK(PetscCalloc1(*n, &results));
  CHECK(EngdFunctionalCreateGramian(s.F, &G));
  results[0] = Loss(&s, s.theta, s.w);
  Whole(s.w, results + NSTEPS + 2);
  CHECK(EngdFunctionalLossAlong(s.F, s.theta, s.v, NSTEPS, steps, results + 1));
  CHECK(MatMult(G, s.v, s.w)); /* right after trial parameters have been in the scratch jets */
  Whole(s.w, results + NSTEPS + 2 + s.p);
  CHECK(MatGetDiagonal(G, s.w));
  Whole(s.w, results + NSTEPS + 2 + 2 * s.p);
  if (!which->energy) {
    CHECK(EngdFunctionalCreateJacobian(s.F, &J));
    CHECK(MatCreateVecs(J, NULL, &R));
    CHECK(MatMult(J, s.v, R));
    CHECK(VecNorm(R, NORM_2, &norm));
    results[NSTEPS + 1] = norm;
    CHECK(MatMultTranspose(J, R, s.w));
    Whole(s.w, results + NSTEPS + 2 + 3 * s.p);
    CHECK(VecDestroy(&R));
    CHECK(MatDestroy(&J));
  }
  CHECK(MatDestroy(&G));
  End(&s);
  return results;
}

/* one rank and any number of ranks, kept jets and none, blocks of 1, 7 and all points: the same */
static void SameResults(const Case *which)
{
  const char *const options[] = {"",
                                 "-engd_memory_limit 1",
                                 "-engd_block_points 1",
                                 "-engd_block_points 7 -engd_memory_limit 1",
                                 "-engd_block_points 7",
                                 "-engd_block_points 1000"};
  PetscInt          n, m;
  PetscReal        *alone = Results(PETSC_COMM_SELF, which, "", &n);

  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    PetscReal *results = Results(PETSC_COMM_WORLD, which, options[k], &m);

    assert_int_equal(m, n);
    CloseAll(options[k], NSTEPS + 1, results, alone, 1e-12);
    for (PetscInt j = NSTEPS + 1, width = 1; j < n; j += width, width = (n - NSTEPS - 2) / 4) {
      CloseAll(options[k], width, results + j, alone + j, 1e-12);
    }
    CHECK(PetscFree(results));
  }
  CHECK(PetscFree(alone));
}

/* the loss along a line is the loss at its points, and leaves the functional at theta */
static void Along(const Case *which)
{
  const PetscReal steps[NSTEPS] = {1, 0.5, 0, -0.125};
  PetscReal       losses[NSTEPS], loss;
  PetscInt64      evaluations;
  Setting         s;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  evaluations = s.F->evaluations;
  CHECK(EngdFunctionalLossAlong(s.F, s.theta, s.v, NSTEPS, steps, losses));
  assert_int_equal(s.F->evaluations, evaluations + NSTEPS);
  CHECK(EngdFunctionalEvaluate(s.F, &loss, NULL));
  Close("loss afterwards", loss, losses[2], 1e-14 * PetscAbsReal(loss));
  for (PetscInt k = 0; k < NSTEPS; k++) {
    Vec moved = Moved(&s, steps[k]);

    loss = Loss(&s, moved, NULL);
    Close("loss along", losses[k], loss, 1e-13 * PetscAbsReal(loss));
    CHECK(VecDestroy(&moved));
  }
  End(&s);
}

static char message[1024]; /* of the last error that Expect() met */

static PetscErrorCode Keep(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                           PetscErrorType type, const char *text, void *unused)
{
  (void)comm, (void)line, (void)function, (void)file, (void)unused;
  if (type == PETSC_ERROR_INITIAL) (void)PetscStrncpy(message, text, sizeof(message));
  return code;
}

/* a residual that is not finite is found: its term and the first of its points in the global numbering */
static void test_check(void **state)
{
  const Case which = {"check",
                      "-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 3 -terms good,bad "
                      "-good_points 5 -good_residual lap(u) -bad_points 23 -bad_sampler uniform "
                      "-bad_residual u_x+sqrt(0.9-x)",
                      PETSC_FALSE, PETSC_TRUE, PETSC_TRUE};
  Setting    s;
  EngdPoints points;
  PetscInt   first;
  char       expected[64];

  (void)state;
  Begin(PETSC_COMM_WORLD, &which, "-bad_residual u_x+sqrt(2-x)", &s);
  CHECK(EngdFunctionalCheck(s.F));
  End(&s);
  Begin(PETSC_COMM_WORLD, &which, "", &s);
  points = s.problem->term[1]->points;
  first  = points->nglobal;
  for (PetscInt i = points->nlocal - 1; i >= 0; i--) first = points->x[i] > 0.9 ? points->start + i : first;
  first = -(PetscInt)Largest(-first);
  assert_true(first < points->nglobal);
  CHECK(PetscPushErrorHandler(Keep, NULL));
  assert_int_equal(EngdFunctionalCheck(s.F), ENGD_ERR_NUMERICS);
  CHECK(PetscPopErrorHandler());
  CHECK(PetscSNPrintf(expected, sizeof(expected), "point %" PetscInt_FMT ", x = 0.9", first));
  assert_non_null(strstr(message, "residual of term 'bad'"));
  assert_non_null(strstr(message, expected));
  End(&s);
}

/* new points when the period divides the iteration, a function of the iteration alone */
static void test_resample(void **state)
{
  const char *const options = "-pde_sampler uniform -pde_resample 2";
  PetscReal         before, after, again;
  PetscBool         changed;
  Setting           s;

  (void)state;
  Begin(PETSC_COMM_WORLD, &cases[0], options, &s);
  before = Loss(&s, s.theta, NULL);
  CHECK(EngdFunctionalResample(s.F, 3, &changed));
  assert_false(changed);
  CHECK(EngdFunctionalResample(s.F, 4, &changed));
  assert_true(changed);
  after = Loss(&s, s.theta, NULL);
  assert_true(PetscAbsReal(after - before) > 1e-6 * before);
  CHECK(EngdFunctionalResample(s.F, 2, &changed));
  CHECK(EngdFunctionalResample(s.F, 4, &changed));
  again = Loss(&s, s.theta, NULL);
  Close("the same points", again, after, 1e-15 * after);
  CHECK(EngdFunctionalResample(s.F, 0, &changed));
  Close("the first points", Loss(&s, s.theta, NULL), before, 1e-15 * before);
  End(&s);
}

/* what has no meaning is refused */
static void test_refusals(void **state)
{
  Setting        s;
  Mat            G, J;
  EngdFunctional found;
  EngdCurvature  curvature;

  (void)state;
  Begin(PETSC_COMM_WORLD, &cases[4], "", &s);
  CHECK(EngdFunctionalCreateGramian(s.F, &G));
  CHECK(EngdGramianGetFunctional(G, &found));
  assert_ptr_equal(found, s.F);
  CHECK(PetscPushErrorHandler(Keep, NULL));
  assert_int_equal(EngdFunctionalResidual(s.F, s.v), PETSC_ERR_ARG_WRONGSTATE);
  assert_int_equal(EngdFunctionalCreateJacobian(s.F, &J), PETSC_ERR_ARG_WRONGSTATE);
  assert_int_equal(EngdGramianSetDamping(G, -1e-3), PETSC_ERR_ARG_OUTOFRANGE);
  assert_non_null(strstr(message, "-0.001"));
  assert_int_equal(EngdCurvatureCreate("fisher", &curvature), PETSC_ERR_ARG_UNKNOWN_TYPE);
  assert_non_null(strstr(message, "fisher"));
  CHECK(PetscPopErrorHandler());
  CHECK(MatDestroy(&G));
  End(&s);
  Begin(PETSC_COMM_WORLD, &cases[0], "", &s);
  CHECK(EngdFunctionalCreateJacobian(s.F, &J));
  CHECK(EngdGramianGetFunctional(J, &found));
  assert_null(found);
  CHECK(MatDestroy(&J));
  End(&s);
}

typedef struct {
  const char *name;
  void (*check)(const Case *);
  PetscBool needs_residual;
} Check;

static const Check checks[] = {{"gradient", Gradient, PETSC_FALSE},    {"Jacobian", Jacobian, PETSC_TRUE},
                               {"dense J", DenseJacobian, PETSC_TRUE}, {"gauss_newton", GaussNewton, PETSC_FALSE},
                               {"energy", Energy, PETSC_FALSE},        {"l2", SobolevL2, PETSC_FALSE},
                               {"h1", SobolevH1, PETSC_FALSE},         {"roots", Roots, PETSC_FALSE},
                               {"results", SameResults, PETSC_FALSE},  {"line", Along, PETSC_FALSE}};

#define NCASES  PETSC_STATIC_ARRAY_LENGTH(cases)
#define NCHECKS PETSC_STATIC_ARRAY_LENGTH(checks)

typedef struct {
  const Case *problem_case;
  void (*check)(const Case *);
} Pair;

static void test_pair(void **state)
{
  const Pair *pair = (const Pair *)*state;

  pair->check(pair->problem_case);
}

int main(int argc, char **argv)
{
  static struct CMUnitTest tests[NCASES * NCHECKS + 3];
  static char              name[NCASES * NCHECKS][64];
  static Pair              pair[NCASES * NCHECKS];
  size_t                   n = 0;
  int                      failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  for (size_t k = 0; k < NCASES * NCHECKS; k++) {
    const Check *check = &checks[k / NCASES];

    if (check->needs_residual && cases[k % NCASES].energy) continue;
    pair[n] = (Pair){&cases[k % NCASES], check->check};
    (void)PetscSNPrintf(name[n], sizeof(name[n]), "%s: %s", cases[k % NCASES].name, check->name);
    tests[n] = (struct CMUnitTest){name[n], test_pair, NULL, NULL, &pair[n]};
    n++;
  }
  tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_check);
  tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_resample);
  tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_refusals);
  failed     = _cmocka_run_group_tests("operators", tests, n, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
