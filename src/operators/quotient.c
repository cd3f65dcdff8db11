/*
  What the loss is of the sums over the points: their sum, or a Rayleigh quotient.

    sum        L = sum of w_n e_n over all terms and points; and |I_k|^2/2 of terms that are integrals I_k = sum of w_n f_k(x_n)
    quotient   L = trace(D^{-1} N),   N_ij = sum w_n n_ij,   D_ij = sum w_n d_ij,   i <= j over k states (N/D for one)
    walkers    L = their mean of the local energy (walkers.c)

  The terms of a quotient have the components n_ij, then d_ij, and all of it enters the operators as the slopes dL/dN_ij = P_ij and
  dL/dD_ij = -(P N P)_ij (twice off the diagonal), P = D^{-1}: of each point the cotangent is w sum_c slope_c dI_c/dDu and the metric
  w sum_c slope_c d^2I_c/dDu^2, which is Newton's for functions orthogonal to all states. That is what horizontal means: the loss does
  not change along the others, the combinations of the states, and the vectors g_ij = d/dtheta <u_i, u_j> with u_j held keep
  directions from them. Sums are made again, by one reduction, when theta or the points change.
  Reference: method of the Grassmann manifold, Edelman, Arias, Smith, SIAM J. Matrix Anal. Appl. 20 (1998).
*/
#include <engd/private.h>
#include <petscblaslapack.h>
#include <math.h>

#define VANISHED 1e-280 /* below it D is none */
#define NOISE    4      /* standard errors below a bound that are still chance */

PetscReal EngdBlockSlope(EngdFunctional F, const EngdBlock *block, PetscInt c)
{
  const EngdTerm term = F->problem->term[block->term];

  return term->nstates || term->integral ? F->outer.slope[F->term[block->term].sum + c] : 1;
}

PetscReal EngdBlockShiftedSlope(EngdFunctional F, const EngdBlock *block, PetscInt c)
{
  const EngdOuter *outer = &F->outer;
  const PetscInt   m     = outer->nsums / 2;

  if (!outer->nstates) return EngdBlockSlope(F, block, c);
  return outer->slope[c] + (c < m ? 0 : outer->below * outer->slope[c - m]);
}

/*
  The shift tau = E - min(|E|, 10 times the last decrease of E): at first zero or below, where H - tau is positive and each step
  brings the lowest states forward whatever the beginning; then E itself, and the steps are Newton's.
*/
void EngdOuterSetShift(EngdFunctional F, PetscReal loss, PetscReal change)
{
  const PetscReal most = PetscAbsReal(loss) / PetscMax(1, F->outer.nstates);

  F->outer.below = change == 0 ? most : PetscMin(most, 10 * PetscMax(0, -change));
}

/* sums += those of the values of a block; |s|^2/2 of a shifted residual is no part of it */
void EngdBlockIntegrals(EngdFunctional F, const EngdBlock *block, const PetscReal value[], PetscReal sums[])
{
  const EngdTerm   term = F->problem->term[block->term];
  const PetscInt   n = block->n, nc = term->pointwise->ncomponents;
  const PetscReal *s = EngdBlockShift(F, block);

  if (term->walk) {
    EngdWalkersSums(F, block, value, sums);
    return;
  }
  for (PetscInt c = 0; c < nc; c++) {
    const PetscReal *v   = value + ENGD_COUNT(c, n);
    PetscReal       *sum = sums + F->term[block->term].sum + (term->nstates || term->integral ? c : 0);

    for (PetscInt i = 0; i < n; i++) *sum += block->weight[i] * (term->energy ? v[i] : 0.5 * v[i] * v[i]);
    for (PetscInt i = 0; s && i < n; i++) *sum -= block->weight[i] * 0.5 * PetscSqr(s[i * nc + c]);
  }
}

/* the symmetric matrix A (k, k) of its entries i <= j by rows */
static void Unpack(PetscInt k, const PetscReal entry[], PetscReal A[])
{
  for (PetscInt i = 0; i < k; i++)
    for (PetscInt j = i; j < k; j++) A[i * k + j] = A[j * k + i] = *entry++;
}

/* D <- D^{-1}, whole; false where it is not positive definite */
static PetscErrorCode Invert(PetscInt k, PetscReal D[], PetscBool *positive)
{
  PetscBLASInt n, info;
  PetscReal    scale = 0;

  PetscFunctionBeginUser;
  *positive = PETSC_FALSE;
  for (PetscInt i = 0; i < k; i++) scale = PetscMax(scale, D[i * k + i]);
  if (!(scale > VANISHED)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast(k, &n));
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("U", &n, D, &n, &info));
  if (info) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallBLAS("LAPACKpotri", LAPACKpotri_("U", &n, D, &n, &info));
  for (PetscInt j = 0; j < k; j++)
    for (PetscInt i = 0; i < j; i++) D[i * k + j] = D[j * k + i];
  *positive = (PetscBool)!info;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = A B, all (k, k) and symmetric or not, by rows */
static void Multiply(PetscInt k, const PetscReal A[], const PetscReal B[], PetscReal C[])
{
  for (PetscInt i = 0; i < k; i++) {
    for (PetscInt j = 0; j < k; j++) {
      C[i * k + j] = 0;
      for (PetscInt l = 0; l < k; l++) C[i * k + j] += A[i * k + l] * B[l * k + j];
    }
  }
}

/* EngdOuterLoss - L of sums over all ranks, infinite where D is not positive, and its slopes unless NULL. Not collective */
PetscErrorCode EngdOuterLoss(EngdFunctional F, const PetscReal sums[], PetscReal *loss, PetscReal slope[])
{
  const PetscInt k = F->outer.nstates, m = F->outer.nsums / 2;
  PetscReal     *N = F->outer.work, *P = N + k * k, *PN = P + k * k, *PNP = PN + k * k;
  PetscBool      finite = PETSC_TRUE, positive;

  PetscFunctionBeginUser;
  *loss = F->outer.walks ? EngdWalkersLoss(sums) : sums[0];
  for (PetscInt i = 1; i <= F->integral.n; i++) *loss += sums[i] * sums[i] / 2;
  for (PetscInt i = 1; slope && i <= F->integral.n; i++) slope[i] = sums[i];
  if (!k) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt c = 0; c < 2 * m; c++) finite = (PetscBool)(finite && !PetscIsInfOrNanReal(sums[c]));
  for (PetscInt c = 0; !finite && slope && c < 2 * m; c++) slope[c] = (PetscReal)NAN;
  *loss = finite ? (PetscReal)INFINITY : (PetscReal)NAN;
  if (!finite) PetscFunctionReturn(PETSC_SUCCESS);
  Unpack(k, sums, N);
  Unpack(k, sums + m, P);
  PetscCall(Invert(k, P, &positive));
  if (!positive) PetscFunctionReturn(PETSC_SUCCESS);
  Multiply(k, P, N, PN);
  *loss = 0;
  for (PetscInt i = 0; i < k; i++) *loss += PN[i * k + i];
  if (!slope) PetscFunctionReturn(PETSC_SUCCESS);
  Multiply(k, PN, P, PNP);
  for (PetscInt i = 0, c = 0; i < k; i++) {
    for (PetscInt j = i; j < k; j++, c++) {
      slope[c]     = (i == j ? 1 : 2) * P[i * k + j];
      slope[c + m] = -(i == j ? 1 : 2) * PNP[i * k + j];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* outer.sum <- those of terms that have slopes, on this rank */
static PetscErrorCode AddSums(EngdFunctional F)
{
  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(F->outer.sum, F->outer.nsums));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    const EngdTerm term = F->problem->term[F->block[b].term];
    EngdBlock     *block;

    if (!term->nstates && !term->integral) continue;
    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    EngdBlockIntegrals(F, block, block->value, F->outer.sum);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdOuterUpdate - the slopes are those of the present theta and points. Collective for a quotient and for integrals */
PetscErrorCode EngdOuterUpdate(EngdFunctional F)
{
  EngdOuter  *outer = &F->outer;
  PetscReal   loss;
  PetscMPIInt count;

  PetscFunctionBeginUser;
  if (!outer->nstates && !outer->walks && !F->integral.n) PetscFunctionReturn(PETSC_SUCCESS);
  if (outer->generation == F->present.generation) PetscFunctionReturn(PETSC_SUCCESS);
  outer->generation = F->present.generation; /* so that visits do not ask for it */
  if (outer->walks) {
    PetscCall(EngdWalkersWeigh(F));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMPIIntCast(outer->nsums, &count));
  PetscCall(AddSums(F));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, outer->sum, count, MPIU_REAL, MPIU_SUM, F->comm));
  PetscCall(EngdOuterLoss(F, outer->sum, &loss, outer->slope));
  PetscCheck(!outer->nstates || !PetscIsInfReal(loss), F->comm, ENGD_ERR_NUMERICS,
             "the denominator of the quotient, -%s_denominator, %s: %g; take an -ansatz_ or a start that does not "
             "vanish%s",
             F->problem->term[0]->name, outer->nstates > 1 ? "is not positive definite, its first entry" : "vanishes",
             (double)outer->sum[outer->nsums / 2],
             outer->nstates > 1 ? ", and states that are linearly independent" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the pair of states of a vector g_ij */
typedef struct {
  PetscInt i, j, component;
} Pair;

/* out += d/dtheta of sum w d_ij with u_j held: the entries of output i alone, unless there is one state */
static PetscErrorCode AddVertical(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *data)
{
  const Pair         *pair      = (const Pair *)data;
  const EngdPointwise pointwise = F->problem->term[block->term]->pointwise;
  const PetscInt      n         = block->n;

  PetscFunctionBeginUser;
  PetscCall(EngdBlockZero(F, block, work->gu));
  for (PetscInt k = 0; k < pointwise->nfirst; k++) {
    const PetscInt  e  = pointwise->first_entry[k];
    const EngdPlace at = EngdBlockPlace(F, block, e);

    if (pointwise->first_component[k] != pair->component) continue;
    if (F->outer.nstates > 1 && pointwise->entry[e].output != pair->i) continue;
    for (PetscInt i = 0; i < n; i++)
      work->gu[at.offset + ENGD_COUNT(i, at.stride)] += block->weight[i] * block->first[ENGD_COUNT(k, n) + i];
  }
  PetscCall(EngdModelGradient(block->jet, work->theta, work->gu, work->jet, work->out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v -= its projection on n vectors, twice for rounding */
static PetscErrorCode Orthogonalise(Vec v, PetscInt n, const Vec q[])
{
  PetscFunctionBeginUser;
  for (PetscInt twice = 0; twice < 2; twice++) {
    for (PetscInt k = 0; k < n; k++) {
      PetscScalar dot;

      PetscCall(VecDot(v, q[k], &dot));
      PetscCall(VecAXPY(v, -dot, q[k]));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdOuterGetVertical - An orthonormal basis of the vectors g_ij, n <= k^2, at the present theta; borrowed.

  Collective
*/
PetscErrorCode EngdOuterGetVertical(EngdFunctional F, PetscInt *n, const Vec **q)
{
  EngdOuter     *outer = &F->outer;
  const PetscInt k = outer->nstates, m = outer->nsums / 2;

  PetscFunctionBeginUser;
  if (!outer->vertical) {
    Vec theta;

    PetscCall(EngdModelCreateParameters(F->model, &theta));
    PetscCall(VecDuplicateVecs(theta, k * k, &outer->vertical));
    PetscCall(VecDestroy(&theta));
  }
  if (outer->vertical_generation != F->present.generation) {
    outer->nvertical = 0;
    for (PetscInt i = 0, c = m; i < k; i++) {
      for (PetscInt j = i; j < k; j++, c++) {
        for (PetscInt swap = 0; swap < (i == j ? 1 : 2); swap++) {
          const Pair pair = {swap ? j : i, swap ? i : j, c};
          Vec        g    = outer->vertical[outer->nvertical];
          PetscReal  before, norm;

          PetscCall(
              EngdFunctionalVisit(F, "the vertical vectors of a quotient", NULL, AddVertical, (void *)&pair, g));
          PetscCall(VecNorm(g, NORM_2, &before));
          PetscCall(Orthogonalise(g, outer->nvertical, outer->vertical));
          PetscCall(VecNormalize(g, &norm));
          if (norm > 1e-10 * before) outer->nvertical++;
        }
      }
    }
    outer->vertical_generation = F->present.generation;
  }
  *n = outer->nvertical;
  *q = outer->vertical;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdOuterProject - v <- its part orthogonal to the vertical vectors. Collective */
PetscErrorCode EngdOuterProject(EngdFunctional F, Vec v)
{
  const Vec *q;
  PetscInt   n;

  PetscFunctionBeginUser;
  PetscCall(EngdOuterGetVertical(F, &n, &q));
  PetscCall(Orthogonalise(v, n, q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdOuterSetUp - all terms are parts of one quotient, or none is. Not collective */
PetscErrorCode EngdOuterSetUp(EngdFunctional F)
{
  const EngdProblem problem = F->problem;
  EngdOuter        *outer   = &F->outer;
  const PetscInt    k       = problem->nterms ? problem->term[0]->nstates : 0;

  PetscFunctionBeginUser;
  for (PetscInt t = 1; t < problem->nterms; t++)
    PetscCheck(problem->term[t]->nstates == k, F->comm, PETSC_ERR_USER_INPUT,
               "-%s_numerator has %" PetscInt_FMT " states and -%s_... %" PetscInt_FMT
               "; a quotient is all of the loss: give each term its numerator, with the same number of components",
               k ? problem->term[0]->name : problem->term[t]->name, k ? k : problem->term[t]->nstates,
               k ? problem->term[t]->name : problem->term[0]->name, k ? problem->term[t]->nstates : k);
  PetscCheck(
      k || !F->curvature->horizontal, F->comm, PETSC_ERR_USER_INPUT,
      "-tao_engd_curvature %s is that of a quotient: give terms a numerator and a denominator, or take gauss_newton",
      F->curvature->type);
  PetscCheck(k <= 1 || k == problem->noutputs, F->comm, PETSC_ERR_USER_INPUT,
             "-%s_numerator has the components of %" PetscInt_FMT " states, but -network_outputs %" PetscInt_FMT
             " unknowns; each state is one",
             problem->term[0]->name, k, problem->noutputs);
  outer->nstates    = k;
  outer->nsums      = k ? k * (k + 1) : 1 + F->integral.n;
  outer->generation = outer->vertical_generation = -1;
  PetscCall(EngdWalkersSetUp(F));
  PetscCall(PetscCalloc3(outer->nsums, &outer->sum, outer->nsums, &outer->slope, 4 * k * k, &outer->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool EngdOuterIsBounded(EngdFunctional F)
{
  PetscBool any = PETSC_FALSE;

  for (PetscInt t = 0; t < F->problem->nterms; t++)
    any = (PetscBool)(any || !PetscIsInfReal(F->problem->term[t]->bound));
  return any;
}

PetscBool EngdOuterHasFallen(EngdFunctional F, PetscReal loss)
{
  PetscBool fallen = PETSC_FALSE;

  for (PetscInt t = 0; t < F->problem->nterms; t++)
    fallen = (PetscBool)(fallen || loss + NOISE * F->outer.noise < F->problem->term[t]->bound);
  return fallen;
}

PetscErrorCode EngdOuterDestroy(EngdFunctional F)
{
  EngdOuter *outer = &F->outer;

  PetscFunctionBeginUser;
  PetscCall(VecDestroyVecs(outer->nstates * outer->nstates, &outer->vertical));
  PetscCall(VecDestroy(&outer->horizontal));
  PetscCall(VecDestroy(&outer->centre));
  PetscCall(VecDestroy(&outer->residual));
  PetscCall(PetscFree(outer->whole_centre));
  PetscCall(PetscFree3(outer->sum, outer->slope, outer->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}
