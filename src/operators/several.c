/*
  Products of G, J and J^T with k vectors at once, by GEMM.

    G X = sum over blocks of A^T (A X)    A (m, p) the rows of some points of a block, of all roots of W or of all channels

  Rows are written a few points at a time and used at once for all vectors: with R rows a point this takes 4 R p operations a
  point and vector, where a tangent and an adjoint pass take 8 S p (S channels), all of it in large GEMMs, and a jet is
  read, or recomputed, once. What the rows themselves cost, about 4 R S p a point, is shared by the vectors. Vectors travel
  transposed, X (k, p), so that one Allgatherv and one Reduce_scatter serve all of them.
*/
#include <engd/private.h>

#define ROW_BYTES    (16 << 20)  /* rows that are written at a time: several GEMMs' worth, near the cache */
#define VECTOR_BYTES (256 << 20) /* whole copies of vectors on a rank: as many vectors at a time as fit */

typedef struct {
  EngdFunctional   F;
  const PetscReal *theta;
  PetscInt         p, nlocal;     /* parameters, those of this rank */
  PetscInt         k, now;        /* vectors at a time, those that are there, the others zero */
  PetscInt         npoints;       /* of which rows are written at a time */
  PetscReal       *X, *Y, *local; /* (k, p) whole, whole before its reduction; (k, nlocal) */
  PetscReal       *g, *rows, *T;  /* cotangents of a block; (p, npoints); (k, n) for each row of a point of a block */
  PetscMPIInt      size, *count, *start; /* [size] of the numbers that travel */
} Several;

/* with the rows of F->gu at all points of the block: T (k, n) = X rows, if forward, and Y += T rows^T, if backward */
static PetscErrorCode Pass(Several *s, EngdBlock *block, PetscBool forward, PetscBool backward, PetscReal T[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdJetCotangents(block->jet, s->theta, s->F->gu, s->F->work, s->g));
  for (PetscInt begin = 0, end; begin < block->n; begin = end) {
    PetscReal *Tm = T + ENGD_COUNT(begin, s->k);

    end = PetscMin(block->n, begin + s->npoints);
    PetscCall(EngdJetWriteRows(block->jet, s->g, begin, end, s->rows));
    if (forward) PetscCall(EngdGemm("N", "N", s->k, end - begin, s->p, s->X, s->k, s->rows, s->p, 0, Tm, s->k));
    if (backward) PetscCall(EngdGemm("N", "T", s->k, s->p, end - begin, Tm, s->k, s->rows, s->p, 1, s->Y, s->k));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W whose roots are not exact: Y += J^T W J X with the rows J of the jet itself, twice */
static PetscErrorCode AddJetBlock(Several *s, EngdBlock *block)
{
  EngdFunctional F = s->F;
  const PetscInt n = block->n;
  EngdPlace      at;

  PetscFunctionBeginUser;
  for (PetscInt back = 0; back < 2; back++) {
    for (PetscInt r = 0; EngdBlockJetRow(F, block, r, &at); r++) {
      PetscCall(EngdBlockZero(F, block, F->gu));
      for (PetscInt i = 0; i < n; i++) F->gu[at.offset + ENGD_COUNT(i, at.stride)] = 1;
      PetscCall(Pass(s, block, (PetscBool)!back, (PetscBool)back, s->T + ENGD_COUNT(r * n, s->k)));
    }
    for (PetscInt j = 0; !back && j < s->k; j++) {
      for (PetscInt r = 0; EngdBlockJetRow(F, block, r, &at); r++) {
        for (PetscInt i = 0; i < n; i++)
          F->du[at.offset + ENGD_COUNT(i, at.stride)] = s->T[ENGD_COUNT(r * n + i, s->k) + j];
      }
      PetscCall(EngdBlockZero(F, block, F->gu));
      PetscCall((*F->curvature->ops->apply)(F->curvature, F, block, F->du, F->gu));
      for (PetscInt r = 0; EngdBlockJetRow(F, block, r, &at); r++) {
        for (PetscInt i = 0; i < n; i++)
          s->T[ENGD_COUNT(r * n + i, s->k) + j] = F->gu[at.offset + ENGD_COUNT(i, at.stride)];
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Y += J^T W J X on this rank */
static PetscErrorCode AddGramian(Several *s)
{
  EngdFunctional F = s->F;

  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block;
    PetscInt   nroots;
    PetscBool  exact;

    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    PetscCall(EngdCurvatureCountExactRoots(F, block->term, &nroots, &exact));
    if (!exact) {
      PetscCall(AddJetBlock(s, block));
      continue;
    }
    for (PetscInt r = 0; r < nroots; r++) {
      PetscCall((*F->curvature->ops->root)(F->curvature, F, block, r, F->gu));
      PetscCall(Pass(s, block, PETSC_TRUE, PETSC_TRUE, s->T));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F->gu of the rows of component c of the weighted residual: sqrt(w) D_c */
static PetscErrorCode ResidualRow(EngdFunctional F, EngdBlock *block, PetscInt c)
{
  const PetscInt n = block->n;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(F->du, F->problem->term[block->term]->pointwise->ncomponents * n));
  for (PetscInt i = 0; i < n; i++) F->du[c * n + i] = PetscSqrtReal(block->weight[i]);
  PetscCall(EngdBlockZero(F, block, F->gu));
  PetscCall(EngdBlockFirstTranspose(F, block, F->du, F->gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out (nrows, now) = J X, or Y += J^T in */
static PetscErrorCode AddJacobian(Several *s, PetscBool transpose, PetscInt ld, const PetscReal in[], PetscReal out[])
{
  EngdFunctional F = s->F;

  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block;

    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    for (PetscInt c = 0; c < F->problem->term[block->term]->pointwise->ncomponents; c++) {
      const PetscInt n = block->n, row = block->row + c * n;

      PetscCall(ResidualRow(F, block, c));
      for (PetscInt i = 0; transpose && i < n; i++) {
        for (PetscInt j = 0; j < s->k; j++)
          s->T[ENGD_COUNT(i, s->k) + j] = j < s->now ? in[ENGD_COUNT(j, ld) + row + i] : 0;
      }
      PetscCall(Pass(s, block, (PetscBool)!transpose, transpose, s->T));
      for (PetscInt j = 0; !transpose && j < s->now; j++) {
        for (PetscInt i = 0; i < n; i++) out[ENGD_COUNT(j, ld) + row + i] = s->T[ENGD_COUNT(i, s->k) + j];
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* buffers for at most k vectors of the rows or columns of a shell whose columns are spread as theta is */
static PetscErrorCode Begin(EngdFunctional F, Mat A, PetscInt k, Several *s)
{
  const PetscInt  p         = F->model->nparameters;
  const PetscReal room      = PetscMin((PetscReal)VECTOR_BYTES, F->memory_limit / 4);
  const PetscInt  fitting   = (PetscInt)PetscMin((PetscReal)k, room / (2.0 * sizeof(PetscReal) * p));
  size_t          cotangent = 1, product = 1;
  PetscInt        largest = 1;
  PetscMPIInt     rank;
  const PetscInt *ranges;

  PetscFunctionBeginUser;
  *s = (Several){.F = F, .p = p, .k = PetscMax(PetscMin(k, 8), fitting)};
  for (PetscInt b = 0; b < F->nblocks; b++) {
    const EngdJetLayout layout = F->layout[F->block[b].term];
    const PetscInt      n      = F->block[b].n;

    largest   = PetscMax(largest, n);
    cotangent = PetscMax(cotangent, EngdJetCotangentCount(F->network, layout, n));
    product   = PetscMax(product, ENGD_COUNT(F->network->noutputs * layout->nchannels + layout->nunknowns, n * s->k));
  }
  s->npoints = PetscMin(largest, PetscMax(64, ROW_BYTES / (PetscInt)sizeof(PetscReal) / p));
  PetscCallMPI(MPI_Comm_size(F->comm, &s->size));
  PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
  PetscCall(MatGetOwnershipRangesColumn(A, &ranges));
  s->nlocal = ranges[rank + 1] - ranges[rank];
  PetscCall(PetscMalloc2(s->size, &s->count, s->size, &s->start));
  for (PetscMPIInt r = 0; r < s->size; r++) {
    PetscCall(PetscMPIIntCast(s->k * (ranges[r + 1] - ranges[r]), &s->count[r]));
    PetscCall(PetscMPIIntCast(s->k * ranges[r], &s->start[r]));
  }
  PetscCall(PetscMalloc6(ENGD_COUNT(s->k, p), &s->X, ENGD_COUNT(s->k, p), &s->Y, ENGD_COUNT(s->k, s->nlocal),
                         &s->local, cotangent, &s->g, ENGD_COUNT(p, s->npoints), &s->rows, product, &s->T));
  PetscCall(VecGetArrayRead(F->theta, &s->theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(Several *s)
{
  PetscFunctionBeginUser;
  PetscCall(VecRestoreArrayRead(s->F->theta, &s->theta));
  PetscCall(PetscFree6(s->X, s->Y, s->local, s->g, s->rows, s->T));
  PetscCall(PetscFree2(s->count, s->start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X (k, p) <- the columns of B (p_local, now) of all ranks, zeros after them */
static PetscErrorCode Gather(Several *s, const PetscReal B[], PetscInt ldb)
{
  PetscMPIInt sent;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < s->nlocal; i++) {
    for (PetscInt j = 0; j < s->k; j++)
      s->local[ENGD_COUNT(i, s->k) + j] = j < s->now ? B[ENGD_COUNT(j, ldb) + i] : 0;
  }
  PetscCall(PetscMPIIntCast(s->k * s->nlocal, &sent));
  PetscCallMPI(MPI_Allgatherv(s->local, sent, MPIU_REAL, s->X, s->count, s->start, MPIU_REAL, s->F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C (p_local, now) = the sum of Y (k, p) over the ranks + lambda B, B not read when lambda is zero */
static PetscErrorCode Reduce(Several *s, PetscReal lambda, const PetscReal B[], PetscInt ldb, PetscReal C[],
                             PetscInt ldc)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Reduce_scatter(s->Y, s->local, s->count, MPIU_REAL, MPIU_SUM, s->F->comm));
  for (PetscInt j = 0; j < s->now; j++) {
    for (PetscInt i = 0; i < s->nlocal; i++) {
      C[ENGD_COUNT(j, ldc) + i] =
          s->local[ENGD_COUNT(i, s->k) + j] + (lambda != 0 ? lambda * B[ENGD_COUNT(j, ldb) + i] : 0);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the arrays of the operands of C = A B, and what the columns of both need */
typedef struct {
  const PetscReal *B;
  PetscReal       *C;
  PetscInt         ldb, ldc, n;
} Operands;

static PetscErrorCode GetOperands(Mat B, Mat C, Operands *o)
{
  PetscFunctionBeginUser;
  PetscCall(MatGetSize(B, NULL, &o->n));
  PetscCall(MatDenseGetLDA(B, &o->ldb));
  PetscCall(MatDenseGetLDA(C, &o->ldc));
  PetscCall(MatDenseGetArrayRead(B, &o->B));
  PetscCall(MatDenseGetArrayWrite(C, &o->C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RestoreOperands(Mat B, Mat C, Operands *o)
{
  PetscFunctionBeginUser;
  PetscCall(MatDenseRestoreArrayRead(B, &o->B));
  PetscCall(MatDenseRestoreArrayWrite(C, &o->C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = (J^T W J + lambda I) B: MatMatMult() of a Gramian with a dense matrix */
PetscErrorCode EngdSeveralGramian(EngdFunctional F, PetscReal lambda, Mat G, Mat B, Mat C)
{
  Several  s;
  Operands o;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.several, 0, 0, 0, 0));
  PetscCall(GetOperands(B, C, &o));
  PetscCall(Begin(F, G, o.n, &s));
  for (PetscInt j = 0; j < o.n; j += s.k) {
    s.now = PetscMin(s.k, o.n - j);
    PetscCall(Gather(&s, o.B + ENGD_COUNT(j, o.ldb), o.ldb));
    PetscCall(PetscArrayzero(s.Y, ENGD_COUNT(s.k, s.p)));
    PetscCall(AddGramian(&s));
    PetscCall(Reduce(&s, lambda, o.B + ENGD_COUNT(j, o.ldb), o.ldb, o.C + ENGD_COUNT(j, o.ldc), o.ldc));
  }
  PetscCall(End(&s));
  PetscCall(RestoreOperands(B, C, &o));
  F->products += o.n;
  PetscCall(PetscLogEventEnd(engd_log.several, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = J B, or J^T B: MatMatMult() and MatTransposeMatMult() of a Jacobian with a dense matrix */
PetscErrorCode EngdSeveralJacobian(EngdFunctional F, PetscBool transpose, Mat J, Mat B, Mat C)
{
  Several  s;
  Operands o;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.several, 0, 0, 0, 0));
  PetscCall(GetOperands(B, C, &o));
  PetscCall(Begin(F, J, o.n, &s));
  for (PetscInt j = 0; j < o.n; j += s.k) {
    const PetscReal *Bj = o.B + ENGD_COUNT(j, o.ldb);
    PetscReal       *Cj = o.C + ENGD_COUNT(j, o.ldc);

    s.now = PetscMin(s.k, o.n - j);
    if (transpose) {
      PetscCall(PetscArrayzero(s.Y, ENGD_COUNT(s.k, s.p)));
      PetscCall(AddJacobian(&s, PETSC_TRUE, o.ldb, Bj, NULL));
      PetscCall(Reduce(&s, 0, NULL, 0, Cj, o.ldc));
    } else {
      PetscCall(Gather(&s, Bj, o.ldb));
      PetscCall(AddJacobian(&s, PETSC_FALSE, o.ldc, NULL, Cj));
    }
  }
  PetscCall(End(&s));
  PetscCall(RestoreOperands(B, C, &o));
  F->products += o.n;
  PetscCall(PetscLogEventEnd(engd_log.several, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
