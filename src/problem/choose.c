/*
  n of the candidates, so that more are where a residual is large:

    density_i = |r_i|^k / mean(|r|^k) + c,    chance_i = min(1, n w_i density_i / sum w density)    (w of the quadrature)

  Generalised random tessellation stratified sampling: the candidates in the order of a Z-shaped curve through their box, a
  cumulated sum of chances from a random beginning, and one is taken wherever the sum passes a whole number. So each is taken with
  just its chance, none twice, and those that are taken are spread as evenly as the density allows, where independent draws clump.
  Every rank has all the numbers and does the same with them in the same order: the choice does not depend on their number.
  References: Wu, Zhu, Tan, Kartha, Lu (arXiv 2207.10289) for the density, k = 1, c = 1 (RAD), k = 2, c = 0 (RAR-D); Stevens and
  Olsen, J. Am. Stat. Assoc. 99 (2004), for the draw.
*/
#include <engd/private.h>
#include <math.h>
#include <stdlib.h>

#define CODE_BITS 52 /* of a place on the curve, so that it is exact as a real */

typedef struct {
  PetscInt64 code;
  PetscInt   number;
  PetscReal  share; /* w times the density, then the chance */
  PetscBool  taken;
} Candidate;

/* by the place on the curve; of two at the same one by their numbers */
static int Compare(const void *a, const void *b)
{
  const Candidate *p = (const Candidate *)a, *q = (const Candidate *)b;

  if (p->code != q->code) return p->code < q->code ? -1 : 1;
  return p->number < q->number ? -1 : p->number > q->number;
}

/* The place of x, in units of the box from 0 to 1, on the curve: the digits of its coordinates in turn */
static PetscInt64 Code(PetscInt dim, const PetscReal x[], const PetscReal lower[], const PetscReal upper[])
{
  const PetscInt d = PetscMin(dim, CODE_BITS), bits = PetscMin(31, CODE_BITS / d);
  PetscInt64     code = 0;

  for (PetscInt b = 1; b <= bits; b++) {
    for (PetscInt c = 0; c < d; c++) {
      const PetscReal width = upper[c] - lower[c], u = width > 0 ? (x[c] - lower[c]) / width : 0;

      code = 2 * code + ((PetscInt64)PetscMin(u * 0x1p31, 0x1p31 - 1) >> (31 - b) & 1);
    }
  }
  return code;
}

/* The box around the candidates of all ranks */
static PetscErrorCode Enclose(EngdPoints points, PetscReal lower[], PetscReal upper[])
{
  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < points->dim; c++) {
    lower[c] = PETSC_MAX_REAL;
    upper[c] = PETSC_MIN_REAL;
    for (PetscInt i = 0; i < points->nlocal; i++) {
      lower[c] = PetscMin(lower[c], points->x[ENGD_COUNT(i, points->dim) + c]);
      upper[c] = PetscMax(upper[c], points->x[ENGD_COUNT(i, points->dim) + c]);
    }
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, lower, (PetscMPIInt)points->dim, MPIU_REAL, MPI_MIN, points->comm));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, upper, (PetscMPIInt)points->dim, MPIU_REAL, MPI_MAX, points->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all <- the local numbers of all ranks in the order of the points */
static PetscErrorCode GatherReals(EngdPoints points, const PetscReal local[], PetscReal all[])
{
  PetscMPIInt rank, size, *count, *start;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(points->comm, &rank));
  PetscCallMPI(MPI_Comm_size(points->comm, &size));
  PetscCall(PetscMalloc2(size, &count, size, &start));
  PetscCall(EngdGatherCounts(points->comm, points->nlocal, count, start));
  PetscCallMPI(MPI_Allgatherv(local, count[rank], MPIU_REAL, all, count, start, MPIU_REAL, points->comm));
  PetscCall(PetscFree2(count, start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the codes of all candidates */
static PetscErrorCode GatherCodes(EngdPoints points, PetscReal all[])
{
  PetscReal *lower, *upper, *code;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(points->dim, &lower, points->dim, &upper, points->nlocal + 1, &code));
  PetscCall(Enclose(points, lower, upper));
  for (PetscInt i = 0; i < points->nlocal; i++)
    code[i] = (PetscReal)Code(points->dim, points->x + ENGD_COUNT(i, points->dim), lower, upper);
  PetscCall(GatherReals(points, code, all));
  PetscCall(PetscFree3(lower, upper, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* share <- w times the density; mean and largest of |r|. Where r is not finite nothing is taken */
static void Weigh(PetscInt N, const PetscReal norm[], const PetscReal weight[], EngdDensity *density, Candidate all[])
{
  PetscReal power = 0, sum = 0, mean = 0;

  density->largest = 0;
  for (PetscInt i = 0; i < N; i++)
    if (!PetscIsInfOrNanReal(norm[i])) density->largest = PetscMax(density->largest, norm[i]);
  for (PetscInt i = 0; i < N; i++) {
    const PetscReal r = PetscIsInfOrNanReal(norm[i]) ? 0 : norm[i];

    all[i].share = density->largest > 0 ? PetscPowReal(r / density->largest, density->exponent) : 0;
    power += weight[i] * all[i].share;
    mean += weight[i] * r;
    sum += weight[i];
  }
  density->mean = sum > 0 ? mean / sum : 0;
  for (PetscInt i = 0; i < N; i++) {
    const PetscReal relative = power > 0 ? all[i].share * sum / power : 1;

    all[i].share = PetscIsInfOrNanReal(norm[i]) ? 0 : weight[i] * (relative + density->floor);
  }
}

/* share <- chance: n in all, none above 1. Where nothing is left that has a share, all the others are alike */
static void FindChances(PetscInt N, PetscInt n, Candidate all[])
{
  PetscInt full = 0;

  for (PetscBool more = PETSC_TRUE; more && full < n;) {
    PetscReal sum = 0;

    more = PETSC_FALSE;
    for (PetscInt i = 0; i < N; i++) sum += all[i].taken ? 0 : all[i].share;
    for (PetscInt i = 0; i < N; i++) {
      if (all[i].taken) continue;
      all[i].share =
          sum > 0 ? all[i].share * (PetscReal)(n - full) / sum : (PetscReal)(n - full) / (PetscReal)(N - full);
    }
    for (PetscInt i = 0; i < N && full < n; i++) {
      if (all[i].taken || all[i].share < 1) continue;
      all[i].taken = PETSC_TRUE;
      all[i].share = 1;
      full++;
      more = PETSC_TRUE;
    }
  }
}

/* taken: where the sum passes a whole number; rounding may make it one more or less, which is put right */
static void Draw(PetscInt N, PetscInt n, PetscReal beginning, Candidate all[])
{
  PetscReal sum   = beginning;
  PetscInt  count = 0;

  for (PetscInt i = 0; i < N; i++) {
    const PetscReal before = sum;

    if (!all[i].taken) {
      sum += all[i].share;
      all[i].taken = (PetscBool)(floor(sum) > floor(before));
    }
    count += all[i].taken ? 1 : 0;
  }
  for (; count != n; count += count < n ? 1 : -1) {
    PetscInt best = -1;

    for (PetscInt i = 0; i < N; i++) {
      if (all[i].taken != (PetscBool)(count > n)) continue;
      if (best < 0 || (count < n ? all[i].share > all[best].share : all[i].share < all[best].share)) best = i;
    }
    all[best].taken = (PetscBool)(count < n);
  }
}

/*
  EngdPointsChoose - Draws some of the points, more where a residual is large.

  Collective

  Input Parameters:
+ points - the candidates, at their present epoch
. norm   - [nlocal] |r| at each
. n      - how many, at most as many as the points
- density - its exponent k >= 0 and floor c >= 0

  Output Parameters:
+ density - mean and largest |r|
. number  - [n] of those that are taken, along the curve; the same on all ranks
- chance  - [n] with which they were

  Source: src/problem/choose.c
*/
PetscErrorCode EngdPointsChoose(EngdPoints points, const PetscReal norm[], PetscInt n, EngdDensity *density,
                                PetscInt number[], PetscReal chance[])
{
  const PetscInt N = points->nglobal;
  PetscReal     *code, *norms, *weights;
  Candidate     *all;

  PetscFunctionBeginUser;
  PetscCheck(n <= N, points->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "%" PetscInt_FMT " points cannot be chosen of %" PetscInt_FMT " candidates", n, N);
  PetscCall(PetscMalloc4(N, &code, N, &norms, N, &weights, N, &all));
  PetscCall(GatherCodes(points, code));
  PetscCall(GatherReals(points, norm, norms));
  PetscCall(GatherReals(points, points->weight, weights));
  for (PetscInt i = 0; i < N; i++) all[i] = (Candidate){(PetscInt64)code[i], i, 0, PETSC_FALSE};
  Weigh(N, norms, weights, density, all);
  qsort(all, (size_t)N, sizeof(Candidate), Compare);
  FindChances(N, n, all);
  Draw(N, n, EngdRandomUniform(points->seed, points->stream, 0, points->epoch, 0), all);
  for (PetscInt i = 0, k = 0; i < N; i++) {
    if (!all[i].taken) continue;
    number[k]   = all[i].number;
    chance[k++] = all[i].share;
  }
  PetscCall(PetscFree4(code, norms, weights, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
