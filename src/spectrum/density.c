/*
  The spectral density of a symmetric A (n, n) by stochastic Lanczos quadrature.

    v random signs, |v| = 1;  m steps of Lanczos: T = V^T A V = Y diag(theta) Y^T,  tau_i = Y_1i^2
    density(t) = mean over v of sum_i tau_i g(t - theta_i), g Gaussian;   share below t = mean of sum of tau_i, theta_i < t

  Full reorthogonalisation (BVMatLanczos). The error of a share is the standard error of the mean over the probes, plus
  what m steps cannot tell: by Chebyshev, Markov and Stieltjes the mass of v below t differs from the sum by no more than the
  larger weight of the two nodes around t, of which those count whose residual |A y - theta y| reaches as far as t.
  References: Lin, Saad, Yang, SIAM Review 58 (2016); Ghorbani, Krishnan, Xiao, ICML 2019.
*/
#include <engd/private.h>
#include <petscblaslapack.h>
#include <slepcbv.h>

/* v <- the signs of a probe, of norm 1 */
static PetscErrorCode SetProbe(PetscInt64 seed, PetscInt probe, Vec v)
{
  PetscInt   begin, end, n;
  PetscReal *values;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(v, &n));
  PetscCall(VecGetOwnershipRange(v, &begin, &end));
  PetscCall(VecGetArrayWrite(v, &values));
  for (PetscInt j = begin; j < end; j++) {
    const unsigned bits = EngdRandomBits(seed, ENGD_STREAM_SPECTRUM, j, 0, probe);

    values[j - begin] = (bits & 1 ? 1 : -1) / PetscSqrtReal((PetscReal)n);
  }
  PetscCall(VecRestoreArrayWrite(v, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* node, weight, residual (m) from the tridiagonal matrix: diagonal a (m), and b (m) beside it, of which the last is that of
   the next step; they are overwritten */
static PetscErrorCode Nodes(PetscInt m, PetscReal a[], PetscReal b[], PetscReal node[], PetscReal weight[],
                            PetscReal residual[])
{
  const PetscReal last = PetscAbsReal(b[m - 1]);
  PetscBLASInt    n, info;
  PetscReal      *Y, *work;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(m, &n));
  PetscCall(PetscMalloc2(ENGD_COUNT(m, m), &Y, 2 * m, &work));
  LAPACKsteqr_("I", &n, a, b, Y, &n, work, &info);
  PetscCheck(!info, PETSC_COMM_SELF, ENGD_ERR_NUMERICS,
             "the density: no eigenvalues of the Lanczos matrix (info = %d)", (int)info);
  for (PetscInt i = 0; i < m; i++) {
    node[i]     = a[i];
    weight[i]   = PetscSqr(Y[ENGD_COUNT(i, m)]);
    residual[i] = last * PetscAbsReal(Y[ENGD_COUNT(i, m) + m - 1]);
  }
  PetscCall(PetscFree2(Y, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* nodes and weights of a probe */
static PetscErrorCode RunProbe(BV V, Mat A, Mat T, PetscInt64 seed, PetscInt probe, EngdQuadrature *q)
{
  const size_t start = ENGD_COUNT(probe, q->nsteps);
  PetscInt    *m     = &q->m[probe], ld;
  PetscReal   *t, beta;
  PetscBool    breakdown;
  Vec          v;

  PetscFunctionBeginUser;
  PetscCall(BVGetColumn(V, 0, &v));
  PetscCall(SetProbe(seed, probe, v));
  PetscCall(BVRestoreColumn(V, 0, &v));
  *m = q->nsteps;
  PetscCall(BVMatLanczos(V, A, T, 0, m, &beta, &breakdown));
  PetscCheck(!PetscIsInfOrNanReal(beta), PetscObjectComm((PetscObject)A), ENGD_ERR_NUMERICS,
             "the density: products with the operator are not finite");
  PetscCall(MatDenseGetLDA(T, &ld));
  PetscCall(MatDenseGetArray(T, &t));
  PetscCall(Nodes(*m, t, t + ld, q->node + start, q->weight + start, q->residual + start));
  PetscCall(MatDenseRestoreArray(T, &t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdQuadratureCreate - Gauss quadratures of the spectral measures of A at random vectors. Collective

  Input Parameters:
+ A       - symmetric
. seed    - of the vectors, the same on any number of ranks
. nprobes - how many
- nsteps  - of Lanczos for each, at most n
*/
PetscErrorCode EngdQuadratureCreate(Mat A, PetscInt64 seed, PetscInt nprobes, PetscInt nsteps, EngdQuadrature *q)
{
  BV       V;
  Mat      T;
  Vec      v;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.spectrum, 0, 0, 0, 0));
  PetscCall(MatGetSize(A, &n, NULL));
  q->nprobes = nprobes;
  q->nsteps  = PetscMin(nsteps, n);
  PetscCall(PetscCalloc4(nprobes, &q->m, ENGD_COUNT(q->nsteps, nprobes), &q->node, ENGD_COUNT(q->nsteps, nprobes),
                         &q->weight, ENGD_COUNT(q->nsteps, nprobes), &q->residual));
  PetscCall(MatCreateVecs(A, &v, NULL));
  PetscCall(BVCreate(PetscObjectComm((PetscObject)A), &V));
  PetscCall(BVSetSizesFromVec(V, v, q->nsteps + 1));
  PetscCall(BVSetType(V, BVMAT));
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, q->nsteps, 2, NULL, &T));
  for (PetscInt probe = 0; probe < nprobes; probe++) PetscCall(RunProbe(V, A, T, seed, probe, q));
  PetscCall(MatDestroy(&T));
  PetscCall(BVDestroy(&V));
  PetscCall(VecDestroy(&v));
  PetscCall(PetscLogEventEnd(engd_log.spectrum, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdQuadratureDestroy(EngdQuadrature *q)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(q->m, q->node, q->weight, q->residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mean and its standard error of k numbers whose sum and sum of squares are given */
static void MeanAndError(PetscInt k, PetscReal sum, PetscReal squares, PetscReal *mean, PetscReal *error)
{
  const PetscReal variance = k > 1 ? (squares - sum * sum / k) / (k - 1) : 0;

  *mean  = sum / k;
  *error = PetscSqrtReal(PetscMax(variance, 0) / k);
}

/* the weight of a node whose eigenvalue may be on the other side of the bound */
static PetscReal Unresolved(const EngdQuadrature *q, PetscInt probe, PetscInt i, PetscReal bound)
{
  const size_t k = ENGD_COUNT(probe, q->nsteps) + i;

  return PetscAbsReal(q->node[k] - bound) > q->residual[k] ? 0 : q->weight[k];
}

/*
  EngdQuadratureCount - The share of the eigenvalues below a bound, between 0 and 1, and its error: of the probes, plus of the
  quadratures. Local
*/
PetscErrorCode EngdQuadratureCount(const EngdQuadrature *q, PetscReal bound, PetscReal *share, PetscReal *error)
{
  PetscReal sum = 0, squares = 0, unresolved = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < q->nprobes; k++) {
    const PetscReal *node = q->node + ENGD_COUNT(k, q->nsteps), *weight = q->weight + ENGD_COUNT(k, q->nsteps);
    PetscReal        below = 0;
    PetscInt         i;

    for (i = 0; i < q->m[k] && node[i] < bound; i++) below += weight[i];
    sum += below;
    squares += below * below;
    unresolved += PetscMax(i > 0 ? Unresolved(q, k, i - 1, bound) : 0, i < q->m[k] ? Unresolved(q, k, i, bound) : 0) /
                  q->nprobes;
  }
  MeanAndError(q->nprobes, sum, squares, share, error);
  *error += unresolved;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* density of the quadratures at t, and the standard error over the probes */
static void DensityAt(const EngdQuadrature *q, PetscReal t, PetscReal width, PetscReal *mean, PetscReal *error)
{
  PetscReal sum = 0, squares = 0;

  for (PetscInt k = 0; k < q->nprobes; k++) {
    PetscReal density = 0;

    for (PetscInt i = 0; i < q->m[k]; i++) {
      const PetscReal z = (t - q->node[k * q->nsteps + i]) / width;

      density += q->weight[k * q->nsteps + i] * PetscExpReal(-z * z / 2) / (width * PetscSqrtReal(2 * PETSC_PI));
    }
    sum += density;
    squares += density * density;
  }
  MeanAndError(q->nprobes, sum, squares, mean, error);
}

/* rows of the estimated numbers of negative, zero and positive eigenvalues */
static PetscErrorCode AddCounts(EngdSpectrum spectrum, const EngdSpectrumOperator *op, const EngdQuadrature *q,
                                PetscReal largest)
{
  const PetscReal zero =
      largest * (spectrum->tolerance > 0 ? spectrum->tolerance : op->larger * PETSC_MACHINE_EPSILON);
  PetscReal below, above, error[2];

  PetscFunctionBeginUser;
  PetscCall(EngdQuadratureCount(q, -zero, &below, &error[0]));
  PetscCall(EngdQuadratureCount(q, zero, &above, &error[1]));
  PetscCall(EngdSpectrumAddRow(spectrum, op, ENGD_QUANTITY_ABOUT_NEGATIVE, 1, zero, op->n * below, op->n * error[0]));
  PetscCall(EngdSpectrumAddRow(spectrum, op, ENGD_QUANTITY_ABOUT_ZERO, 1, zero, op->n * (above - below),
                               op->n * (error[0] + error[1])));
  PetscCall(
      EngdSpectrumAddRow(spectrum, op, ENGD_QUANTITY_ABOUT_POSITIVE, 1, zero, op->n * (1 - above), op->n * error[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSpectrumAddDensity - rows of the density of a symmetric operator on a grid, and of the counts that it estimates.
  Collective
*/
PetscErrorCode EngdSpectrumAddDensity(EngdSpectrum spectrum, const EngdSpectrumOperator *op)
{
  EngdQuadrature q;
  PetscReal      low = PETSC_MAX_REAL, high = PETSC_MIN_REAL, width, density, error;

  PetscFunctionBeginUser;
  PetscCall(
      EngdQuadratureCreate(op->A, spectrum->functional->problem->seed, spectrum->nprobes, spectrum->nsteps, &q));
  for (PetscInt k = 0; k < q.nprobes; k++) {
    low  = PetscMin(low, q.node[k * q.nsteps]);
    high = PetscMax(high, q.node[k * q.nsteps + q.m[k] - 1]);
  }
  PetscCall(AddCounts(spectrum, op, &q, PetscMax(PetscAbsReal(low), PetscAbsReal(high))));
  width = spectrum->width * (high > low ? high - low : PetscMax(PetscAbsReal(high), 1));
  low -= 4 * width;
  high += 4 * width;
  for (PetscInt i = 0; i < spectrum->ngrid; i++) {
    const PetscReal t = low + (high - low) * i / (spectrum->ngrid - 1);

    DensityAt(&q, t, width, &density, &error);
    PetscCall(EngdSpectrumAddRow(spectrum, op, ENGD_QUANTITY_DENSITY, i + 1, t, density, error));
  }
  PetscCall(EngdQuadratureDestroy(&q));
  PetscFunctionReturn(PETSC_SUCCESS);
}
