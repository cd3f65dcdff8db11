/*
  The loss of walkers, variational Monte Carlo: the mean of the local energy under psi^2, and what makes a residual of it.

    E = sum v_n E_loc(x_n) / sum v_n,    v_n = psi(x_n)^2 / psi_0(x_n)^2,  psi_0 of the parameters at which x_n was walked to
    w_n = 2 v_n / sum v,   R_n = sqrt(w_n) (E_loc(x_n) - E),   J = sqrt(w_n) (O_n - g),   O = d log|psi| / dtheta,  g = sum v O / sum v

  J^T R = 2 <(E_loc - E) O> is the gradient of E, from which H, being symmetric, has removed dE_loc/dtheta, so that -J^T (J J^T +
  lambda I)^{-1} R is the step of MinSR, J^T J twice the matrix of stochastic reconfiguration, and |R|^2/2 the variance of the local
  energy, zero at an eigenfunction. Rows are centred where J is used: with s = sqrt(w / 2), a unit vector, J = (I - s s^T) sqrt(w) O. At other
  parameters than those of the walk v weighs anew (correlated sampling), which lines of search are told by, until less than half of the
  walkers count, (sum v)^2 / sum v^2 < N / 2. Such steps, and those that raise the energy by more than noise, are refused.
  References: Sorella, Phys. Rev. B 64 (2001); Chen and Heyl, MinSR, arXiv 2302.01941; Umrigar, Wilson, Wilkins, Phys. Rev. Lett. 60 (1988).
*/
#include <engd/private.h>
#include <math.h>

#define WORN 0.5 /* part of the walkers that must count */
#define RISE 4   /* standard errors by which a step may raise the energy, even where increases are accepted */

/* EngdWalkersSetUp - there is one term of walkers, or none. Not collective */
PetscErrorCode EngdWalkersSetUp(EngdFunctional F)
{
  const EngdProblem problem = F->problem;

  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < problem->nterms; t++) {
    if (!problem->term[t]->walk) continue;
    PetscCheck(problem->nterms == 1, F->comm, PETSC_ERR_USER_INPUT,
               "-%s_log_psi: walkers are the only term, and -terms has %" PetscInt_FMT "; leave out the others",
               problem->term[t]->name, problem->nterms);
    PetscCheck(
        F->curvature->of_residual, F->comm, PETSC_ERR_USER_INPUT,
        "-tao_engd_curvature %s: the metric of walkers is that of psi/|psi|, which gauss_newton is here; leave "
        "it out",
        F->curvature->type);
    F->outer.walks             = PETSC_TRUE;
    F->outer.nsums             = 4;
    F->outer.centre_generation = -1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v of walker i of a block from the values there */
static PetscReal Reweigh(EngdFunctional F, const EngdBlock *block, const PetscReal value[], PetscInt i)
{
  const EngdWalk walk = F->problem->term[block->term]->walk;

  return PetscExpReal(2 * (value[block->n + i] - walk->reference[block->start + i]));
}

void EngdWalkersSums(EngdFunctional F, const EngdBlock *block, const PetscReal value[], PetscReal sums[])
{
  for (PetscInt i = 0; i < block->n; i++) {
    const PetscReal v = Reweigh(F, block, value, i);

    sums[0] += v * value[i];
    sums[1] += v;
    sums[2] += v * v;
    sums[3] += v * value[i] * value[i];
  }
}

PetscReal EngdWalkersLoss(const PetscReal sums[])
{
  return sums[1] > 0 ? sums[0] / sums[1] : (PetscReal)INFINITY;
}

PetscBool EngdWalkersRefuse(EngdFunctional F, const PetscReal sums[])
{
  const PetscReal N = F->problem->term[0]->points->nglobal;

  return (PetscBool)(!(sums[1] * sums[1] >= WORN * N * sums[2]) ||
                     !(EngdWalkersLoss(sums) <= F->outer.mean + RISE * F->outer.noise));
}

static PetscErrorCode AddSums(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *sums)
{
  PetscFunctionBeginUser;
  (void)work;
  EngdWalkersSums(F, block, block->value, (PetscReal *)sums);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WeighBlock(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *sum)
{
  PetscFunctionBeginUser;
  (void)work;
  for (PetscInt i = 0; i < block->n; i++)
    block->weight[i] = 2 * Reweigh(F, block, block->value, i) / *(const PetscReal *)sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdWalkersWeigh(EngdFunctional F)
{
  PetscReal *sum = F->outer.sum;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(sum, 4));
  PetscCall(EngdFunctionalVisit(F, "the sums of walkers", NULL, AddSums, sum, NULL));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sum, 4, MPIU_REAL, MPIU_SUM, F->comm));
  PetscCheck(sum[1] > 0 || PetscIsInfOrNanReal(sum[1]), F->comm, ENGD_ERR_NUMERICS,
             "psi vanishes at all walkers of term '%s', whose mean has then no denominator; take shorter steps, or "
             "-%s_resample 1",
             F->problem->term[0]->name, F->problem->term[0]->name);
  F->outer.mean  = EngdWalkersLoss(sum);
  F->outer.noise = PetscSqrtReal(PetscMax(0, sum[3] / sum[1] - PetscSqr(F->outer.mean)) /
                                 (PetscReal)F->problem->term[0]->points->nglobal);
  PetscCall(EngdFunctionalVisit(F, "the weights of walkers", NULL, WeighBlock, &sum[1], NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out += w O / 2 */
static PetscErrorCode AddMean(EngdFunctional F, EngdBlock *block, EngdBlockWork *work, void *unused)
{
  PetscFunctionBeginUser;
  (void)unused;
  for (PetscInt i = 0; i < block->n; i++) work->y[i] = block->weight[i] / 2;
  PetscCall(EngdBlockZero(F, block, work->gu));
  PetscCall(EngdBlockFirstTranspose(F, block, work->y, work->gu));
  PetscCall(EngdModelGradient(block->jet, work->theta, work->gu, work->jet, work->out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdWalkersCentre(EngdFunctional F)
{
  EngdOuter       *outer = &F->outer;
  const PetscReal *whole;

  PetscFunctionBeginUser;
  if (!outer->walks || outer->centre_generation == F->present.generation) PetscFunctionReturn(PETSC_SUCCESS);
  if (!outer->centre) {
    PetscCall(EngdModelCreateParameters(F->model, &outer->centre));
    PetscCall(PetscMalloc1(F->model->nparameters, &outer->whole_centre));
  }
  PetscCall(EngdFunctionalVisit(F, "the centre of the rows of walkers", NULL, AddMean, NULL, outer->centre));
  PetscCall(EngdFunctionalGather(F, outer->centre, &whole));
  PetscCall(PetscArraycpy(outer->whole_centre, whole, F->model->nparameters));
  outer->centre_generation = F->present.generation;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void EngdWalkersCentreRows(EngdFunctional F, const EngdBlock *block, PetscInt ld, PetscReal rows[])
{
  if (!F->outer.walks) return;
  for (PetscInt i = 0; i < block->n; i++) {
    const PetscReal root = PetscSqrtReal(block->weight[i]);
    PetscReal      *row  = rows + ENGD_COUNT(i, ld);

    for (PetscInt j = 0; j < F->model->nparameters; j++) row[j] -= root * F->outer.whole_centre[j];
  }
}

/* the local part of s . y, or y -= s times a number */
static PetscReal DotRoots(EngdFunctional F, const PetscReal y[])
{
  PetscReal sum = 0;

  for (PetscInt b = 0; b < F->nblocks; b++)
    for (PetscInt i = 0; i < F->block[b].n; i++)
      sum += PetscSqrtReal(F->block[b].weight[i] / 2) * y[F->block[b].row + i];
  return sum;
}

PetscErrorCode EngdWalkersCentreResiduals(EngdFunctional F, PetscReal y[])
{
  PetscReal dot;

  PetscFunctionBeginUser;
  if (!F->outer.walks) PetscFunctionReturn(PETSC_SUCCESS);
  dot = DotRoots(F, y);
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &dot, 1, MPIU_REAL, MPIU_SUM, F->comm));
  for (PetscInt b = 0; b < F->nblocks; b++)
    for (PetscInt i = 0; i < F->block[b].n; i++)
      y[F->block[b].row + i] -= dot * PetscSqrtReal(F->block[b].weight[i] / 2);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y -= 2 g (g . x) */
PetscErrorCode EngdWalkersCentreProduct(EngdFunctional F, Vec x, Vec y)
{
  PetscScalar dot;

  PetscFunctionBeginUser;
  if (!F->outer.walks) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdWalkersCentre(F));
  PetscCall(VecDot(F->outer.centre, x, &dot));
  PetscCall(VecAXPY(y, -2 * dot, F->outer.centre));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* diagonal -= 2 g^2 */
PetscErrorCode EngdWalkersCentreDiagonal(EngdFunctional F, Vec diagonal)
{
  const PetscReal *g;
  PetscReal       *d;
  PetscInt         n;

  PetscFunctionBeginUser;
  if (!F->outer.walks) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdWalkersCentre(F));
  PetscCall(VecGetLocalSize(diagonal, &n));
  PetscCall(VecGetArrayRead(F->outer.centre, &g));
  PetscCall(VecGetArray(diagonal, &d));
  for (PetscInt i = 0; i < n; i++) d[i] -= 2 * g[i] * g[i];
  PetscCall(VecRestoreArray(diagonal, &d));
  PetscCall(VecRestoreArrayRead(F->outer.centre, &g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K (ld, ld x ranks), the rows of this rank of a symmetric matrix, <- (I - s s^T) K (I - s s^T) */
PetscErrorCode EngdWalkersCentreKernel(EngdFunctional F, PetscInt ld, PetscReal K[])
{
  PetscMPIInt size, rank, count;
  PetscReal  *s, *k, *own, *Ks, sKs = 0;
  PetscInt    n;

  PetscFunctionBeginUser;
  if (!F->outer.walks) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(PetscMPIIntCast(ld, &count));
  n = ld * size;
  PetscCall(PetscCalloc4(n, &s, n, &k, ld, &own, ld, &Ks));
  for (PetscInt b = 0; b < F->nblocks; b++)
    for (PetscInt i = 0; i < F->block[b].n; i++) own[F->block[b].row + i] = PetscSqrtReal(F->block[b].weight[i] / 2);
  PetscCallMPI(MPI_Allgather(own, count, MPIU_REAL, s, count, MPIU_REAL, F->comm));
  PetscCall(EngdDenseMultiply("N", ld, n, K, s, Ks));
  PetscCallMPI(MPI_Allgather(Ks, count, MPIU_REAL, k, count, MPIU_REAL, F->comm));
  for (PetscInt j = 0; j < n; j++) sKs += s[j] * k[j];
  for (PetscInt j = 0; j < n; j++)
    for (PetscInt i = 0; i < ld; i++) K[ENGD_COUNT(j, ld) + i] += sKs * own[i] * s[j] - own[i] * k[j] - Ks[i] * s[j];
  PetscCall(PetscFree4(s, k, own, Ks));
  PetscFunctionReturn(PETSC_SUCCESS);
}
