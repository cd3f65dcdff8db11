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
#define LEAST_POINTS 64          /* whose rows are written at a time, whatever they take */
#define LEAST        8           /* vectors at a time, likewise */
#define LEAST_ROOM   1e6         /* bytes that these may take whatever the memory limit */

struct _n_EngdMatMatWork {
  EngdFunctional   F;
  const PetscReal *theta;
  PetscInt         p;        /* Parameters. */
  PetscInt         nlocal;   /* Those of this rank. */
  PetscInt         capacity; /* Vectors that there is room for. */
  PetscInt         k;        /* Vectors at a time. */
  PetscInt         now;      /* Those that are there; the others are zero. */
  PetscInt         npoints;  /* Of which rows are written at a time. */
  PetscReal       *X;        /* (k, p) Whole. */
  PetscReal       *Y;        /* (k, p) Whole, before its reduction. */
  PetscReal       *local;    /* (k, nlocal) */
  PetscReal       *g;        /* Cotangents of a block. */
  PetscReal       *rows;     /* (p, npoints) */
  PetscReal       *T;        /* (k, n) For each row of a point of a block. */
  PetscMPIInt      size;
  PetscMPIInt     *count; /* [size] Of the numbers that travel. */
  PetscMPIInt     *start; /* [size] Where those of each rank begin. */
};
typedef struct _n_EngdMatMatWork Several;

/* with the rows of F->work.gu at all points of the block: T (k, n) = X rows, if forward, and Y += T rows^T, if backward */
static PetscErrorCode Pass(Several *s, EngdBlock *block, PetscBool forward, PetscBool backward, PetscReal T[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdModelCotangents(block->jet, s->theta, s->F->work.gu, s->F->work.jet, s->g));
  for (PetscInt begin = 0, end; begin < block->n; begin = end) {
    PetscReal *Tm = T + ENGD_COUNT(begin, s->k);

    end = PetscMin(block->n, begin + s->npoints);
    PetscCall(EngdModelWriteRows(block->jet, s->g, begin, end, s->rows));
    if (forward) PetscCall(EngdGemm("N", "N", s->k, end - begin, s->p, s->X, s->k, s->rows, s->p, 0, Tm, s->k));
    if (backward) PetscCall(EngdGemm("N", "T", s->k, s->p, end - begin, Tm, s->k, s->rows, s->p, 1, s->Y, s->k));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W whose roots are not all of it: Y += J^T W J X with the rows J of the jet itself, twice */
static PetscErrorCode AddJetBlock(Several *s, EngdBlock *block)
{
  EngdFunctional F = s->F;
  const PetscInt n = block->n;
  EngdPlace      at;

  PetscFunctionBeginUser;
  for (PetscInt back = 0; back < 2; back++) {
    for (PetscInt r = 0; EngdBlockJetRow(F, block, r, &at); r++) {
      PetscCall(EngdBlockZero(F, block, F->work.gu));
      for (PetscInt i = 0; i < n; i++) F->work.gu[at.offset + ENGD_COUNT(i, at.stride)] = 1;
      PetscCall(Pass(s, block, (PetscBool)!back, (PetscBool)back, s->T + ENGD_COUNT(r * n, s->k)));
    }
    for (PetscInt j = 0; !back && j < s->k; j++) {
      for (PetscInt r = 0; EngdBlockJetRow(F, block, r, &at); r++) {
        for (PetscInt i = 0; i < n; i++)
          F->work.du[at.offset + ENGD_COUNT(i, at.stride)] = s->T[ENGD_COUNT(r * n + i, s->k) + j];
      }
      PetscCall(EngdBlockZero(F, block, F->work.gu));
      PetscCall((*F->curvature->ops->apply)(F->curvature, F, block, F->work.du, F->work.gu));
      for (PetscInt r = 0; EngdBlockJetRow(F, block, r, &at); r++) {
        for (PetscInt i = 0; i < n; i++)
          s->T[ENGD_COUNT(r * n + i, s->k) + j] = F->work.gu[at.offset + ENGD_COUNT(i, at.stride)];
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* with the rows of integrals: T (k, here) = X rows, if forward, and Y += T rows^T, if backward */
static PetscErrorCode PassIntegrals(Several *s, PetscInt n, PetscBool forward, PetscBool backward)
{
  const PetscReal *rows = s->F->integral.rows;

  PetscFunctionBeginUser;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  if (forward) PetscCall(EngdGemm("N", "N", s->k, n, s->p, s->X, s->k, rows, s->p, 0, s->T, s->k));
  if (backward) PetscCall(EngdGemm("N", "T", s->k, s->p, n, s->T, s->k, rows, s->p, 1, s->Y, s->k));
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
    PetscBool  complete;

    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    PetscCall(EngdCurvatureCountAllRoots(F, block->term, &nroots, &complete));
    if (!complete) {
      PetscCall(AddJetBlock(s, block));
      continue;
    }
    for (PetscInt r = 0; r < nroots; r++) {
      PetscCall((*F->curvature->ops->root)(F->curvature, F, block, r, F->work.gu));
      PetscCall(Pass(s, block, PETSC_TRUE, PETSC_TRUE, s->T));
    }
  }
  PetscCall(PassIntegrals(s, EngdIntegralRowsCount(F), PETSC_TRUE, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F->work.gu of the rows of component c of the weighted residual: sqrt(w) D_c */
static PetscErrorCode ResidualRow(EngdFunctional F, EngdBlock *block, PetscInt c)
{
  const PetscInt n = block->n;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(F->work.y, F->problem->term[block->term]->pointwise->ncomponents * n));
  for (PetscInt i = 0; i < n; i++) F->work.y[c * n + i] = PetscSqrtReal(block->weight[i]);
  PetscCall(EngdBlockZero(F, block, F->work.gu));
  PetscCall(EngdBlockFirstTranspose(F, block, F->work.y, F->work.gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T (k, n) <- the rows of J^T's operand from `row` on, zeros where there is no vector */
static void TakeRows(Several *s, PetscInt ld, PetscInt row, PetscInt n, const PetscReal in[])
{
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = 0; j < s->k; j++)
      s->T[ENGD_COUNT(i, s->k) + j] = j < s->now ? in[ENGD_COUNT(j, ld) + row + i] : 0;
  }
}

/* these rows of the product with J <- T */
static void PutRows(const Several *s, PetscInt ld, PetscInt row, PetscInt n, PetscReal out[])
{
  for (PetscInt j = 0; j < s->now; j++) {
    for (PetscInt i = 0; i < n; i++) out[ENGD_COUNT(j, ld) + row + i] = s->T[ENGD_COUNT(i, s->k) + j];
  }
}

/* out (nrows, now) = J X, or Y += J^T in */
static PetscErrorCode AddJacobian(Several *s, PetscBool transpose, PetscInt ld, const PetscReal in[], PetscReal out[])
{
  EngdFunctional F    = s->F;
  const PetscInt here = F->integral.here, last = F->nrows - here;

  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    const EngdTerm term = F->problem->term[F->block[b].term];
    EngdBlock     *block;

    if (term->integral) continue;
    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    for (PetscInt c = 0; c < term->pointwise->ncomponents; c++) {
      const PetscInt n = block->n, row = block->row + c * n;

      PetscCall(ResidualRow(F, block, c));
      if (transpose) TakeRows(s, ld, row, n, in);
      PetscCall(Pass(s, block, (PetscBool)!transpose, transpose, s->T));
      if (!transpose) PutRows(s, ld, row, n, out);
    }
  }
  if (transpose) TakeRows(s, ld, last, here, in);
  PetscCall(PassIntegrals(s, here, (PetscBool)!transpose, transpose));
  if (!transpose) PutRows(s, ld, last, here, out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* buffers for this many vectors at a time of a shell whose columns are spread as theta is */
static PetscErrorCode WorkCreate(EngdFunctional F, Mat A, PetscInt capacity, Several **out)
{
  const PetscInt p         = F->model->nparameters;
  size_t         cotangent = 1, product = ENGD_COUNT(F->integral.here + 1, capacity);
  PetscInt       largest = 1;
  Several       *s;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  s->F        = F;
  s->p        = p;
  s->capacity = capacity;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    const EngdModelLayout layout = F->term[F->block[b].term].layout;
    const PetscInt        n      = F->block[b].n;
    const size_t          rows   = ENGD_COUNT(layout->nrows, n);

    largest   = PetscMax(largest, n);
    cotangent = PetscMax(cotangent, EngdModelCotangentCount(F->model, layout, n));
    product   = PetscMax(product, rows * (size_t)capacity);
  }
  s->npoints = PetscMin(largest, PetscMax(LEAST_POINTS, ROW_BYTES / (PetscInt)sizeof(PetscReal) / p));
  PetscCallMPI(MPI_Comm_size(F->comm, &s->size));
  PetscCall(MatGetLocalSize(A, NULL, &s->nlocal));
  PetscCall(PetscMalloc2(s->size, &s->count, s->size, &s->start));
  PetscCall(PetscMalloc6(ENGD_COUNT(capacity, p), &s->X, ENGD_COUNT(capacity, p), &s->Y,
                         ENGD_COUNT(capacity, s->nlocal), &s->local, cotangent, &s->g, ENGD_COUNT(p, s->npoints),
                         &s->rows, product, &s->T));
  *out = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdMatMatWorkDestroy(EngdMatMatWork *work)
{
  Several *s = *work;

  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree6(s->X, s->Y, s->local, s->g, s->rows, s->T));
  PetscCall(PetscFree2(s->count, s->start));
  PetscCall(PetscFree(*work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the buffers of the functional, larger ones if k vectors of A need them, and how so many columns travel */
static PetscErrorCode GetWork(EngdFunctional F, Mat A, PetscInt k, Several **out)
{
  const PetscReal room    = PetscMin((PetscReal)VECTOR_BYTES, F->options.memory_limit / 4);
  const PetscReal most    = room / (2.0 * sizeof(PetscReal) * F->model->nparameters);
  const PetscInt  fitting = PetscMax(PetscMin(k, LEAST), (PetscInt)PetscMin((PetscReal)k, most));
  const PetscInt *ranges;
  Several        *s;

  PetscFunctionBeginUser;
  if (F->matmat && F->matmat->capacity < fitting) PetscCall(EngdMatMatWorkDestroy(&F->matmat));
  if (!F->matmat) PetscCall(WorkCreate(F, A, fitting, &F->matmat));
  s        = F->matmat;
  s->k     = fitting;
  s->theta = F->work.theta;
  PetscCall(MatGetOwnershipRangesColumn(A, &ranges));
  for (PetscMPIInt r = 0; r < s->size; r++) {
    PetscCall(PetscMPIIntCast(s->k * (ranges[r + 1] - ranges[r]), &s->count[r]));
    PetscCall(PetscMPIIntCast(s->k * ranges[r], &s->start[r]));
  }
  *out = s;
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

/* the columns of C = (J^T W J + lambda I) B, some at a time */
static PetscErrorCode MultiplyGramian(Several *s, PetscReal lambda, const Operands *o)
{
  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < o->n; j += s->k) {
    const PetscReal *Bj = o->B + ENGD_COUNT(j, o->ldb);

    s->now = PetscMin(s->k, o->n - j);
    PetscCall(Gather(s, Bj, o->ldb));
    PetscCall(PetscArrayzero(s->Y, ENGD_COUNT(s->k, s->p)));
    PetscCall(AddGramian(s));
    PetscCall(Reduce(s, lambda, Bj, o->ldb, o->C + ENGD_COUNT(j, o->ldc), o->ldc));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the columns of C = J B, or J^T B, some at a time */
static PetscErrorCode MultiplyJacobian(Several *s, PetscBool transpose, const Operands *o)
{
  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < o->n; j += s->k) {
    const PetscReal *Bj = o->B + ENGD_COUNT(j, o->ldb);
    PetscReal       *Cj = o->C + ENGD_COUNT(j, o->ldc);

    s->now = PetscMin(s->k, o->n - j);
    if (transpose) {
      PetscCall(PetscArrayzero(s->Y, ENGD_COUNT(s->k, s->p)));
      PetscCall(AddJacobian(s, PETSC_TRUE, o->ldb, Bj, NULL));
      PetscCall(Reduce(s, 0, NULL, 0, Cj, o->ldc));
    } else {
      PetscCall(Gather(s, Bj, o->ldb));
      PetscCall(AddJacobian(s, PETSC_FALSE, o->ldc, NULL, Cj));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there room for the rows of some points and for some whole vectors? Networks so large that there is none have wide layers, which
   make a product with one vector one of large matrices already */
static PetscBool HasRoom(EngdFunctional F)
{
  const PetscReal bytes = (LEAST_POINTS + 2. * LEAST) * sizeof(PetscReal) * F->model->nparameters;

  return (PetscBool)(bytes <= PetscMax(LEAST_ROOM, F->options.memory_limit / 4));
}

/* C = op(A) B, column by column */
static PetscErrorCode MultiplyColumns(PetscBool transpose, Mat A, Mat B, Mat C)
{
  PetscInt n;
  Vec      v, y;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(B, NULL, &n));
  for (PetscInt j = 0; j < n; j++) {
    PetscCall(MatDenseGetColumnVecRead(B, j, &v));
    PetscCall(MatDenseGetColumnVecWrite(C, j, &y));
    PetscCall(transpose ? MatMultTranspose(A, v, y) : MatMult(A, v, y));
    PetscCall(MatDenseRestoreColumnVecWrite(C, j, &y));
    PetscCall(MatDenseRestoreColumnVecRead(B, j, &v));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = the product of A, with F between Begin and End; lambda is NULL for a Jacobian. Of walkers, and a metric of a quotient, column by
   column, as their products have more in them than rows of points */
static PetscErrorCode Multiply(EngdFunctional F, const char user[], const PetscReal *lambda, PetscBool transpose,
                               Mat A, Mat B, Mat C)
{
  Several       *s = NULL;
  Operands       o;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  if (F->outer.walks || (lambda && F->curvature->horizontal) || !HasRoom(F)) {
    PetscCall(MultiplyColumns(transpose, A, B, C));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscLogEventBegin(engd_log.several, 0, 0, 0, 0));
  PetscCall(GetOperands(B, C, &o));
  PetscCall(EngdIntegralRowsUpdate(F));
  PetscCall(EngdFunctionalBegin(F, user));
  ierr = GetWork(F, A, o.n, &s);
  if (!ierr) ierr = lambda ? MultiplyGramian(s, *lambda, &o) : MultiplyJacobian(s, transpose, &o);
  PetscCall(EngdFunctionalEnd(F));
  PetscCall(RestoreOperands(B, C, &o));
  PetscCall(ierr);
  F->count.products += o.n;
  PetscCall(PetscLogEventEnd(engd_log.several, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = (J^T W J + lambda I) B: MatMatMult() of a Gramian with a dense matrix */
PetscErrorCode EngdGramianMatMatMult(EngdFunctional F, PetscReal lambda, Mat G, Mat B, Mat C)
{
  PetscFunctionBeginUser;
  PetscCall(Multiply(F, "a product of a Gramian with several vectors", &lambda, PETSC_FALSE, G, B, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = J B, or J^T B: MatMatMult() and MatTransposeMatMult() of a Jacobian with a dense matrix */
PetscErrorCode EngdJacobianMatMatMult(EngdFunctional F, PetscBool transpose, Mat J, Mat B, Mat C)
{
  PetscFunctionBeginUser;
  PetscCall(Multiply(F, "a product of the Jacobian with several vectors", NULL, transpose, J, B, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}
