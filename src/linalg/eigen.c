/*
  A symmetric matrix in blocks on all ranks, A = V diag(l) V^T by ScaLAPACK (pdsyevd: to tridiagonal form, then divide and conquer;
  Blackford et al., ScaLAPACK Users' Guide, SIAM 1997), and products with V.

    entry (i, j) is on the rank of row i / nb mod P_r and column j / nb mod P_c of a grid of P_r P_c ranks, P_r <= P_c
    V^T x: each rank's rows of x by its block of V, then one sum over all ranks; V y likewise by columns

  A rank has n^2 / P of A, as much of V, and twice as much of workspace. Vectors are whole on all ranks. Only the upper triangle of A
  is read. An argument that is not finite may keep ScaLAPACK for ever, so that EngdEigenFactor() looks first.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

#define BLOCK   64 /* rows and columns; fewer where there are not as many blocks as ranks in a row of the grid */
#define MESSAGE (1 << 24) /* numbers that are moved between ranks at a time */

struct _n_EngdEigen {
  MPI_Comm      comm;
  PetscMPIInt   rank, size;
  PetscBLASInt  handle, context; /* BLACS's, of the ranks and of the grid */
  PetscBLASInt  descriptor[9];   /* of A and V */
  PetscBLASInt  lwork, liwork;
  PetscInt      n, block;          /* order; rows and columns of a block */
  PetscInt      grid[2], at[2];    /* ranks in a column and in a row; where this one is */
  PetscInt      rows, columns, ld; /* here */
  PetscReal    *A, *kept;          /* (ld, columns) the matrix; NULL, or a copy to be overwritten in its place */
  PetscReal    *V;                 /* (ld, columns) the eigenvectors */
  PetscReal    *work;
  PetscBLASInt *iwork;
  PetscReal    *part, *whole; /* [max(rows, columns)] of a vector here; [n] */
  PetscReal    *message;      /* a round of blocks on its way to the ranks, and what this one gets of it */
};

/* PETSc tells where ScaLAPACK is, and has no public names for it; a header of its own only for its matrices */
#if defined(PETSC_HAVE_SCALAPACK) && defined(PETSC_USE_REAL_DOUBLE) && defined(PETSC_BLASLAPACK_UNDERSCORE)
BLAS_EXTERN PetscBLASInt Csys2blacs_handle(MPI_Comm);
BLAS_EXTERN void         Cfree_blacs_system_handle(PetscBLASInt);
BLAS_EXTERN void         Cblacs_gridinit(PetscBLASInt *, const char *, PetscBLASInt, PetscBLASInt);
BLAS_EXTERN void         Cblacs_gridexit(PetscBLASInt);
BLAS_EXTERN void         pdsyevd_(const char *, const char *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *,
                                  const PetscBLASInt *, const PetscBLASInt *, PetscReal *, PetscReal *, const PetscBLASInt *,
                                  const PetscBLASInt *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *,
                                  PetscBLASInt *, const PetscBLASInt *, PetscBLASInt *);

PetscBool EngdEigenAvailable(void)
{
  return PETSC_TRUE;
}

static PetscErrorCode GridBegin(EngdEigen e)
{
  PetscFunctionBeginUser;
  e->handle = e->context = Csys2blacs_handle(e->comm);
  Cblacs_gridinit(&e->context, "R", (PetscBLASInt)e->grid[0], (PetscBLASInt)e->grid[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GridEnd(EngdEigen e)
{
  PetscFunctionBeginUser;
  Cblacs_gridexit(e->context);
  Cfree_blacs_system_handle(e->handle);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* V, l and info of A, which is overwritten; with lwork < 0 the sizes of the workspace alone */
static PetscErrorCode Decompose(EngdEigen e, PetscReal A[], PetscReal l[], PetscReal work[], PetscBLASInt lwork,
                                PetscBLASInt iwork[], PetscBLASInt liwork, PetscBLASInt *info)
{
  const PetscBLASInt one = 1, n = e->descriptor[2];

  PetscFunctionBeginUser;
  PetscCallBLAS("pdsyevd", pdsyevd_("V", "U", &n, A, &one, &one, e->descriptor, l, e->V, &one, &one, e->descriptor,
                                    work, &lwork, iwork, &liwork, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#else
PetscBool EngdEigenAvailable(void)
{
  return PETSC_FALSE;
}

static PetscErrorCode GridBegin(EngdEigen e)
{
  PetscFunctionBeginUser;
  SETERRQ(e->comm, PETSC_ERR_SUP, "this PETSc has no ScaLAPACK");
}

static PetscErrorCode GridEnd(EngdEigen e)
{
  PetscFunctionBeginUser;
  (void)e;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Decompose(EngdEigen e, PetscReal A[], PetscReal l[], PetscReal work[], PetscBLASInt lwork,
                                PetscBLASInt iwork[], PetscBLASInt liwork, PetscBLASInt *info)
{
  PetscFunctionBeginUser;
  (void)A, (void)l, (void)work, (void)lwork, (void)iwork, (void)liwork, (void)info;
  SETERRQ(e->comm, PETSC_ERR_SUP, "this PETSc has no ScaLAPACK");
}
#endif

/* the grid of so many ranks that is nearest to a square, and the size of its blocks */
static PetscInt Shape(PetscMPIInt size, PetscInt n, PetscInt grid[2])
{
  grid[0] = (PetscInt)PetscSqrtReal((PetscReal)size);
  while (size % grid[0]) grid[0]--;
  grid[1] = size / grid[0];
  return PetscMax(1, PetscMin(BLOCK, n / grid[1]));
}

/* of the first n rows, or columns, what number `at` of `of` ranks has */
static PetscInt Count(PetscInt n, PetscInt block, PetscInt at, PetscInt of)
{
  const PetscInt full = n / block, last = full % of;

  return full / of * block + (at < last ? block : at == last ? n % block : 0);
}

/* which row, or column, a local one is */
static PetscInt Global(EngdEigen e, PetscInt direction, PetscInt local)
{
  return (local / e->block * e->grid[direction] + e->at[direction]) * e->block + local % e->block;
}

/* bytes on the rank that has most */
PetscReal EngdEigenBytes(PetscMPIInt size, PetscInt n, PetscBool keep)
{
  PetscInt        grid[2];
  const PetscInt  block = Shape(size, n, grid);
  const PetscReal most  = (PetscReal)Count(n, block, 0, grid[0]) * Count(n, block, 0, grid[1]);

  return sizeof(PetscReal) * ((keep ? 5 : 4) * most + (1. + grid[1]) * block * n + 10. * n);
}

PetscErrorCode EngdEigenCreate(MPI_Comm comm, PetscInt n, PetscBool keep, EngdEigen *out)
{
  EngdEigen    e;
  PetscBLASInt isize, order, info;
  PetscReal    size;
  size_t       entries;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&e));
  e->comm = comm;
  e->n    = n;
  PetscCallMPI(MPI_Comm_rank(comm, &e->rank));
  PetscCallMPI(MPI_Comm_size(comm, &e->size));
  e->block   = Shape(e->size, n, e->grid);
  e->at[0]   = e->rank / e->grid[1];
  e->at[1]   = e->rank % e->grid[1];
  e->rows    = Count(n, e->block, e->at[0], e->grid[0]);
  e->columns = Count(n, e->block, e->at[1], e->grid[1]);
  e->ld      = PetscMax(1, e->rows);
  entries    = PetscMax(ENGD_COUNT(e->ld, e->columns), 1);
  PetscCall(PetscBLASIntCast(n, &order));
  PetscCheck(2. * entries + 16. * n + 8. * e->block * e->ld <= (PetscReal)PETSC_BLAS_INT_MAX / 2, comm,
             PETSC_ERR_ARG_OUTOFRANGE,
             "a dense matrix of order %" PetscInt_FMT " on %d ranks is beyond this ScaLAPACK's integers", n,
             (int)e->size);
  PetscCall(GridBegin(e));
  e->descriptor[0] = 1; /* dense */
  e->descriptor[1] = e->context;
  e->descriptor[2] = e->descriptor[3] = order;
  e->descriptor[4] = e->descriptor[5] = (PetscBLASInt)e->block;
  e->descriptor[8]                    = (PetscBLASInt)e->ld;
  PetscCall(PetscCalloc1(entries, &e->A));
  if (keep) PetscCall(PetscCalloc1(entries, &e->kept));
  PetscCall(PetscCalloc1(entries, &e->V));
  PetscCall(PetscMalloc2(PetscMax(e->rows, e->columns), &e->part, n, &e->whole));
  PetscCall(PetscMalloc1(ENGD_COUNT(e->block, e->grid[1] * n + e->ld), &e->message));
  PetscCall(Decompose(e, e->A, e->whole, &size, -1, &isize, -1, &info));
  /* the answer to the question knows nothing of what pdormtr needs in it, which is more where blocks are few */
  e->lwork  = (PetscBLASInt)size + (PetscBLASInt)(8 * n + (e->rows + e->columns + 4 * e->block) * e->block);
  e->liwork = isize;
  PetscCall(PetscMalloc2(e->lwork, &e->work, e->liwork, &e->iwork));
  *out = e;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEigenDestroy(EngdEigen *e)
{
  PetscFunctionBeginUser;
  if (!*e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GridEnd(*e));
  PetscCall(PetscFree2((*e)->work, (*e)->iwork));
  PetscCall(PetscFree2((*e)->part, (*e)->whole));
  PetscCall(PetscFree((*e)->message));
  PetscCall(PetscFree((*e)->kept));
  PetscCall(PetscFree((*e)->A));
  PetscCall(PetscFree((*e)->V));
  PetscCall(PetscFree(*e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEigenScale(EngdEigen e, PetscReal beta)
{
  const size_t entries = ENGD_COUNT(e->ld, e->columns);

  PetscFunctionBeginUser;
  for (size_t i = 0; i < entries; i++) e->A[i] = beta == 0 ? 0 : beta * e->A[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEigenAddColumn(EngdEigen e, PetscInt j, PetscReal alpha, const PetscReal column[])
{
  const PetscInt local = j / (e->block * e->grid[1]) * e->block + j % e->block;
  PetscReal     *a     = e->A + ENGD_COUNT(e->ld, local);

  PetscFunctionBeginUser;
  if (j / e->block % e->grid[1] != e->at[1]) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < Count(j + 1, e->block, e->at[0], e->grid[0]); i++) a[i] += alpha * column[Global(e, 0, i)];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the part of block column J of A (n, n) that rank (r, J mod P_c) has, down to the diagonal block, one column after the other; its size */
static PetscInt Pack(EngdEigen e, PetscInt J, PetscInt r, const PetscReal A[], PetscReal out[])
{
  const PetscInt end  = PetscMin(e->n, (J + 1) * e->block);
  const PetscInt rows = Count(end, e->block, r, e->grid[0]);

  for (PetscInt j = J * e->block; j < end; j++) {
    for (PetscInt i = 0; i < rows; i += e->block) {
      const PetscInt first = (i / e->block * e->grid[0] + r) * e->block;

      (void)PetscArraycpy(out, A + ENGD_COUNT(e->n, j) + first, PetscMin(e->block, rows - i));
      out += PetscMin(e->block, rows - i);
    }
  }
  return rows * (end - J * e->block);
}

/* A += that part of this rank, but for what is below the diagonal of its block */
static void Unpack(EngdEigen e, PetscInt J, const PetscReal in[])
{
  const PetscInt first = J * e->block, end = PetscMin(e->n, first + e->block), local = J / e->grid[1] * e->block;
  const PetscInt rows = Count(end, e->block, e->at[0], e->grid[0]);

  for (PetscInt j = first; j < end; j++, in += rows) {
    PetscReal *a = e->A + ENGD_COUNT(e->ld, local + j - first);

    for (PetscInt i = 0; i < Count(j + 1, e->block, e->at[0], e->grid[0]); i++) a[i] += in[i];
  }
}

PetscErrorCode EngdEigenAdd(EngdEigen e, const PetscReal A[])
{
  const PetscInt blocks = (e->n + e->block - 1) / e->block;
  PetscReal     *mine   = e->message + ENGD_COUNT(e->block * e->grid[1], e->n);
  PetscMPIInt   *count;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(e->size, &count));
  for (PetscInt first = 0; first < blocks; first += e->grid[1]) {
    PetscReal *next = e->message;

    for (PetscMPIInt rank = 0; rank < e->size; rank++) {
      const PetscInt J = first + rank % e->grid[1];

      PetscCall(PetscMPIIntCast(J < blocks ? Pack(e, J, rank / e->grid[1], A, next) : 0, &count[rank]));
      next += count[rank];
    }
    PetscCallMPI(MPI_Reduce_scatter(e->message, mine, count, MPIU_REAL, MPIU_SUM, e->comm));
    if (first + e->at[1] < blocks) Unpack(e, first + e->at[1], mine);
  }
  PetscCall(PetscFree(count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* from or to the whole matrix on rank 0, some columns at a time */
static PetscErrorCode Move(EngdEigen e, PetscBool out, PetscReal here[], PetscReal root[])
{
  const PetscInt width = PetscMax(1, PetscMin(e->n, MESSAGE / e->n));
  PetscReal     *some;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(ENGD_COUNT(width, e->n), &some));
  for (PetscInt first = 0; first < e->n; first += width) {
    const PetscInt    end   = PetscMin(e->n, first + width);
    const PetscMPIInt count = (PetscMPIInt)((end - first) * e->n);
    PetscReal        *whole = e->rank ? NULL : root + ENGD_COUNT(first, e->n);

    if (out)
      PetscCall(PetscArrayzero(some, count));
    else if (whole)
      PetscCall(PetscArraycpy(some, whole, count));
    if (!out) PetscCallMPI(MPI_Bcast(some, count, MPIU_REAL, 0, e->comm));
    for (PetscInt j = 0; j < e->columns; j++) {
      const PetscInt column = Global(e, 1, j);

      if (column < first || column >= end) continue;
      for (PetscInt i = 0; i < e->rows; i++) {
        PetscReal *a = &here[ENGD_COUNT(e->ld, j) + i],
                  *b = &some[ENGD_COUNT(column - first, e->n) + Global(e, 0, i)];

        if (out)
          *b = *a;
        else
          *a = *b;
      }
    }
    if (out) PetscCallMPI(MPI_Reduce(some, whole, count, MPIU_REAL, MPIU_SUM, 0, e->comm));
  }
  PetscCall(PetscFree(some));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEigenGather(EngdEigen e, PetscBool vectors, PetscReal root[])
{
  PetscFunctionBeginUser;
  PetscCall(Move(e, PETSC_TRUE, vectors ? e->V : e->A, root));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEigenScatter(EngdEigen e, PetscBool vectors, PetscReal root[])
{
  PetscFunctionBeginUser;
  PetscCall(Move(e, PETSC_FALSE, vectors ? e->V : e->A, root));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEigenFactor(EngdEigen e, PetscReal l[], PetscInt *info)
{
  PetscReal   *A = e->kept ? e->kept : e->A;
  PetscBLASInt result;
  PetscBool    finite;

  PetscFunctionBeginUser;
  PetscCall(EngdAllFinite(e->comm, ENGD_COUNT(e->ld, e->columns), e->A, &finite));
  *info = -1;
  if (!finite) PetscFunctionReturn(PETSC_SUCCESS);
  if (e->kept) PetscCall(PetscArraycpy(e->kept, e->A, ENGD_COUNT(e->ld, e->columns)));
  PetscCall(Decompose(e, A, e->whole, e->work, e->lwork, e->iwork, e->liwork, &result));
  *info = PetscAbsInt((PetscInt)result);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, info, 1, MPIU_INT, MPI_MAX, e->comm));
  if (l) PetscCall(PetscArraycpy(l, e->whole, e->n));
  /* the customary estimate, Golub and Van Loan, section 8.3 */
  PetscCall(PetscLogFlops(9.0 * e->n * e->n * e->n / e->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEigenMult(EngdEigen e, const char trans[], const PetscReal x[], PetscReal y[])
{
  const PetscBool   transposed = (PetscBool)(trans[0] == 'T');
  const PetscInt    from = transposed ? 0 : 1, to = 1 - from; /* which index of V is summed over */
  const PetscInt    inner = transposed ? e->rows : e->columns, outer = transposed ? e->columns : e->rows;
  const PetscReal   one = 1, zero = 0;
  PetscReal        *result = e->work; /* of more than 6 n numbers */
  PetscBLASInt      rows, columns, ld, unit = 1;
  const PetscMPIInt n = (PetscMPIInt)e->n;

  PetscFunctionBeginUser;
  if (!e->rank) PetscCall(PetscArraycpy(e->whole, x, n));
  PetscCallMPI(MPI_Bcast(e->whole, n, MPIU_REAL, 0, e->comm));
  for (PetscInt i = 0; i < inner; i++) e->part[i] = e->whole[Global(e, from, i)];
  PetscCall(PetscBLASIntCast(e->rows, &rows));
  PetscCall(PetscBLASIntCast(e->columns, &columns));
  PetscCall(PetscBLASIntCast(e->ld, &ld));
  PetscCall(PetscArrayzero(result, outer));
  if (rows && columns)
    PetscCallBLAS("BLASgemv",
                  BLASgemv_(trans, &rows, &columns, &one, e->V, &ld, e->part, &unit, &zero, result, &unit));
  PetscCall(PetscLogFlops(2.0 * rows * columns));
  PetscCall(PetscArrayzero(e->whole, n));
  for (PetscInt i = 0; i < outer; i++) e->whole[Global(e, to, i)] = result[i];
  PetscCallMPI(MPI_Reduce(e->whole, y, n, MPIU_REAL, MPI_SUM, 0, e->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
