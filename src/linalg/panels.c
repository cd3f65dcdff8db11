/*
  QR of a dense matrix whose columns are dealt to the ranks panel by panel, to and fro: A = Q T. What a panel costs grows with its
  number, and so each rank has as much to do from two panels on.

    panel      A_j = Q_j [T_jj; 0]             geqrt, recursive and so by GEMM (Elmroth and Gustavson, IBM J. Res. Dev. 44, 2000)
    the rest   A_k <- Q_j^T A_k for k > j      larfb on each rank's own panels, with the reflectors that the owner of j sends

  Cholesky likewise, A = L L^T with the lower triangle: A_j = [L_jj; L_kj] by potrf and trsm, then A_k -= L_kj L_kj^T by GEMM.

  The owner of panel j + 1 brings that up to date first, factors and sends it, while all work on the rest for panel j: the work
  is even to a panel, and the panels are no time that others wait. Q stays as reflectors: backward stable whatever the condition.

  A may be a stack of triangles (n, n), rows of the same number next to each other by panels: panel j has no more rows than
  stack (j + 1) nb, and a stack of two costs n^3/3 a rank on two ranks, as much as half of a merge in a tree. Vectors are whole
  on all ranks. Each rank receives the whole matrix once, panel by panel: not for more rows than one rank can hold.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

#define PANEL 64  /* columns; an order of 3500 takes 1.1 times the seconds by 32 and by 128 */
#define CHUNK 256 /* columns that are brought up to date between two looks at a message */

PETSC_EXTERN void LAPACKgeqrt_(const PetscBLASInt *, const PetscBLASInt *, const PetscBLASInt *, PetscReal *,
                               const PetscBLASInt *, PetscReal *, const PetscBLASInt *, PetscReal *, PetscBLASInt *);
PETSC_EXTERN void LAPACKlarfb_(const char *, const char *, const char *, const char *, const PetscBLASInt *,
                               const PetscBLASInt *, const PetscBLASInt *, const PetscReal *, const PetscBLASInt *,
                               const PetscReal *, const PetscBLASInt *, PetscReal *, const PetscBLASInt *,
                               PetscReal *, const PetscBLASInt *);

struct _n_EngdPanels {
  MPI_Comm    comm;
  PetscMPIInt rank, size;
  PetscBool   cholesky;
  PetscInt    m, n, stack; /* rows, columns, triangles or 1 */
  PetscInt    nlocal;      /* Columns here. */
  size_t      room;        /* Numbers that A has room for. */
  size_t      message_room;
  PetscInt    columns_room;
  PetscReal  *A;          /* (m, nlocal) T above the reflectors. */
  PetscReal  *factor;     /* (PANEL, nlocal) Their block factors. */
  PetscReal  *work;       /* (PANEL, max(nlocal, PANEL)) */
  PetscReal  *message[2]; /* Reflectors and block factor of a panel that another rank has, and of the next one. */
  size_t      exchange_room;
  PetscReal  *exchange; /* What a transpose sends and receives. */
};

/* The reflectors V (rows, width) of a panel, from row `first` on, and their factor (PANEL, width). */
typedef struct {
  PetscInt         first, rows, width;
  const PetscReal *V, *factor;
  PetscInt         ldv;
} Reflectors;

static PetscInt Count(EngdPanels q)
{
  return (q->n + PANEL - 1) / PANEL;
}

/* columns of panel j */
static PetscInt Width(EngdPanels q, PetscInt j)
{
  return PetscMin(PANEL, q->n - j * PANEL);
}

/* rows of panel j that are not zero before the factorisation */
static PetscInt Height(EngdPanels q, PetscInt j)
{
  return q->stack > 1 ? q->stack * PetscMin(q->n, (j + 1) * PANEL) : q->m;
}

/* which rank has panel j: 0 1 2 2 1 0 0 1 .. */
static PetscMPIInt Owner(PetscInt j, PetscMPIInt size)
{
  const PetscMPIInt at = (PetscMPIInt)(j % size);

  return j / size % 2 ? size - 1 - at : at;
}

/* the local column at which panel j begins, or the next one that this rank has */
static PetscInt LocalColumn(EngdPanels q, PetscInt j)
{
  const PetscInt turn = j / q->size, own = turn % 2 ? q->size - 1 - q->rank : q->rank;

  return PetscMin((turn + (own < j % q->size)) * PANEL, q->nlocal);
}

/* columns that a rank has of the first n */
PetscInt EngdPanelsCountColumns(PetscInt n, PetscMPIInt rank, PetscMPIInt size)
{
  PetscInt count = 0;

  for (PetscInt j = 0; j * PANEL < n; j++) count += Owner(j, size) == rank ? PetscMin(PANEL, n - j * PANEL) : 0;
  return count;
}

PetscMPIInt EngdPanelsOwner(PetscInt column, PetscMPIInt size)
{
  return Owner(column / PANEL, size);
}

/* bytes on the rank that has most, for up to so many rows and columns */
size_t EngdPanelsBytes(PetscMPIInt size, PetscInt m, PetscInt n)
{
  const PetscInt nlocal = PetscMax(EngdPanelsCountColumns(n, 0, size), EngdPanelsCountColumns(n, size - 1, size));

  return sizeof(PetscReal) * (ENGD_COUNT(m + 2 * PANEL, nlocal) + ENGD_COUNT(size > 1 ? 2 * PANEL : 0, m + PANEL));
}

PetscErrorCode EngdPanelsCreate(MPI_Comm comm, EngdPanels *out)
{
  EngdPanels q;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&q));
  q->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &q->rank));
  PetscCallMPI(MPI_Comm_size(comm, &q->size));
  *out = q;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsSetSizes(EngdPanels q, PetscInt m, PetscInt n, PetscInt stack)
{
  size_t room, message_room;

  PetscFunctionBeginUser;
  q->n      = n;
  q->m      = stack > 1 ? stack * n : m;
  q->stack  = stack;
  q->nlocal = EngdPanelsCountColumns(n, q->rank, q->size);
  PetscCheck(q->m >= n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "fewer rows than columns");
  room         = ENGD_COUNT(q->m, q->nlocal);
  message_room = q->size > 1 ? ENGD_COUNT(q->m + PANEL, PANEL) : 0;
  if (room > q->room || !q->A) {
    PetscCall(PetscFree(q->A));
    PetscCall(PetscMalloc1(PetscMax(room, 1), &q->A));
    q->room = room;
  }
  if (message_room > q->message_room || q->nlocal > q->columns_room || !q->factor) {
    q->message_room = PetscMax(message_room, q->message_room);
    q->columns_room = PetscMax(PetscMax(q->nlocal, PANEL), q->columns_room);
    PetscCall(PetscFree4(q->factor, q->work, q->message[0], q->message[1]));
    PetscCall(PetscMalloc4(ENGD_COUNT(PANEL, q->columns_room), &q->factor, ENGD_COUNT(PANEL, q->columns_room),
                           &q->work, q->message_room, &q->message[0], q->message_room, &q->message[1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsGetArray(EngdPanels q, PetscInt *lda, PetscReal **A)
{
  PetscFunctionBeginUser;
  *lda = q->m;
  *A   = q->A;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsGetColumn(EngdPanels q, PetscInt j, PetscReal **a)
{
  const PetscInt panel = j / PANEL;

  PetscFunctionBeginUser;
  *a = Owner(panel, q->size) == q->rank ? q->A + ENGD_COUNT(q->m, panel / q->size * PANEL + j % PANEL) : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt EngdPanelsStackRow(PetscInt n, PetscInt stack, PetscInt triangle, PetscInt row)
{
  const PetscInt first = row / PANEL * PANEL;

  return first * stack + triangle * PetscMin(PANEL, n - first) + row - first;
}

/* the reflectors of a panel of this rank */
static Reflectors OwnReflectors(EngdPanels q, PetscInt j)
{
  const PetscInt column = LocalColumn(q, j);

  return (Reflectors){.first  = j * PANEL,
                      .rows   = Height(q, j) - j * PANEL,
                      .width  = Width(q, j),
                      .V      = q->A + ENGD_COUNT(q->m, column) + j * PANEL,
                      .factor = q->factor + ENGD_COUNT(PANEL, column),
                      .ldv    = q->m};
}

/* C (rows, n) <- Q_j C or Q_j^T C */
static PetscErrorCode Reflect(const Reflectors *r, const char trans[], PetscInt n, PetscReal C[], PetscInt ldc,
                              PetscReal work[])
{
  const PetscBLASInt panel = PANEL;
  PetscBLASInt       bm, bn, bk, ldv, lc;

  PetscFunctionBeginUser;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast(r->rows, &bm));
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(r->width, &bk));
  PetscCall(PetscBLASIntCast(r->ldv, &ldv));
  PetscCall(PetscBLASIntCast(ldc, &lc));
  PetscCallBLAS("LAPACKlarfb",
                LAPACKlarfb_("L", trans, "F", "C", &bm, &bn, &bk, r->V, &ldv, r->factor, &panel, C, &lc, work, &bn));
  PetscCall(PetscLogFlops(4.0 * r->rows * r->width * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A_k -= L_kj L_kj^T for the columns of this rank from `begin` to `end`, by panels, from the diagonal down */
static PetscErrorCode SubtractSquares(EngdPanels q, const Reflectors *r, PetscInt begin, PetscInt end)
{
  const PetscReal minus = -1, one = 1;

  PetscFunctionBeginUser;
  for (PetscInt at = begin; at < end; at += PANEL) {
    const PetscInt turn = at / PANEL, own = turn % 2 ? q->size - 1 - q->rank : q->rank,
                   first = (turn * q->size + own) * PANEL;
    const PetscReal *L   = r->V + first - r->first;
    PetscBLASInt     m, n, k, ldv, lda;

    PetscCall(PetscBLASIntCast(q->m - first, &m));
    PetscCall(PetscBLASIntCast(PetscMin(PANEL, end - at), &n));
    PetscCall(PetscBLASIntCast(r->width, &k));
    PetscCall(PetscBLASIntCast(r->ldv, &ldv));
    PetscCall(PetscBLASIntCast(q->m, &lda));
    PetscCallBLAS("BLASgemm", BLASgemm_("N", "T", &m, &n, &k, &minus, L, &ldv, L, &ldv, &one,
                                        q->A + ENGD_COUNT(q->m, at) + first, &lda));
    PetscCall(PetscLogFlops(2.0 * m * n * k));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* columns of this rank from `begin` to `end` <- Q_j^T times them; the message of the next panel comes along meanwhile */
static PetscErrorCode Update(EngdPanels q, const Reflectors *r, PetscInt begin, PetscInt end, MPI_Request *request)
{
  PetscFunctionBeginUser;
  for (PetscInt at = begin; at < end; at += CHUNK) {
    PetscMPIInt done;

    if (q->cholesky)
      PetscCall(SubtractSquares(q, r, at, PetscMin(at + CHUNK, end)));
    else
      PetscCall(Reflect(r, "T", PetscMin(CHUNK, end - at), q->A + ENGD_COUNT(q->m, at) + r->first, q->m, q->work));
    if (q->size > 1) PetscCallMPI(MPI_Test(request, &done, MPI_STATUS_IGNORE));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* panel j of this rank by Cholesky; its factor begins with LAPACK's info */
static PetscErrorCode FactorPositive(EngdPanels q, PetscInt j)
{
  const PetscInt  column = LocalColumn(q, j), rows = q->m - j * PANEL, width = Width(q, j);
  const PetscReal one = 1;
  PetscReal      *A   = q->A + ENGD_COUNT(q->m, column) + j * PANEL;
  PetscBLASInt    below, n, lda, info;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(rows - width, &below));
  PetscCall(PetscBLASIntCast(width, &n));
  PetscCall(PetscBLASIntCast(q->m, &lda));
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("L", &n, A, &lda, &info));
  if (!info && below)
    PetscCallBLAS("BLAStrsm", BLAStrsm_("R", "L", "T", "N", &below, &n, &one, A, &lda, A + width, &lda));
  q->factor[ENGD_COUNT(PANEL, column)] = (PetscReal)info;
  PetscCall(PetscLogFlops(1.0 * width * width * (rows - 2 * width / 3.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* panel j of this rank */
static PetscErrorCode FactorPanel(EngdPanels q, PetscInt j)
{
  const PetscInt column = LocalColumn(q, j), rows = Height(q, j) - j * PANEL, width = Width(q, j);
  PetscBLASInt   bm, bn, lda, panel = PANEL, info;

  PetscFunctionBeginUser;
  if (q->cholesky) {
    PetscCall(FactorPositive(q, j));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscBLASIntCast(rows, &bm));
  PetscCall(PetscBLASIntCast(width, &bn));
  PetscCall(PetscBLASIntCast(q->m, &lda));
  PetscCallBLAS("LAPACKgeqrt", LAPACKgeqrt_(&bm, &bn, &bn, q->A + ENGD_COUNT(q->m, column) + j * PANEL, &lda,
                                            q->factor + ENGD_COUNT(PANEL, column), &panel, q->work, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "geqrt failed with info %d", (int)info);
  PetscCall(PetscLogFlops(2.0 * width * width * (rows - width / 3.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the message (rows, width), (PANEL, width) of panel j begins its way from the owner */
static PetscErrorCode SendPanel(EngdPanels q, PetscInt j, MPI_Request *request)
{
  const PetscInt    rows = Height(q, j) - j * PANEL, width = Width(q, j);
  const PetscMPIInt owner   = Owner(j, q->size);
  PetscReal        *message = q->message[j % 2];
  PetscMPIInt       count;

  PetscFunctionBeginUser;
  if (owner == q->rank) {
    const Reflectors own = OwnReflectors(q, j);

    for (PetscInt k = 0; k < width; k++)
      PetscCall(PetscArraycpy(message + ENGD_COUNT(rows, k), own.V + ENGD_COUNT(k, own.ldv), rows));
    PetscCall(PetscArraycpy(message + ENGD_COUNT(rows, width), own.factor, PANEL * width));
  }
  PetscCall(PetscMPIIntCast((rows + PANEL) * width, &count));
  PetscCallMPI(MPI_Ibcast(message, count, MPIU_REAL, owner, q->comm, request));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* panel j as all have it */
static Reflectors ReceivedReflectors(EngdPanels q, PetscInt j)
{
  Reflectors r = {.first = j * PANEL, .rows = Height(q, j) - j * PANEL, .width = Width(q, j)};

  r.ldv    = r.rows;
  r.V      = q->message[j % 2];
  r.factor = r.V + ENGD_COUNT(r.rows, r.width);
  return r;
}

/* all panels in turn; false when Cholesky meets a pivot that is not positive */
static PetscErrorCode FactorAll(EngdPanels q, PetscBool *done)
{
  const PetscInt n       = Count(q);
  MPI_Request    request = MPI_REQUEST_NULL;

  PetscFunctionBeginUser;
  *done = PETSC_TRUE;
  for (PetscInt j = 0; j < n; j++) {
    PetscInt   next = LocalColumn(q, j + 1);
    Reflectors r;

    if (j == 0 && q->rank == 0) PetscCall(FactorPanel(q, 0));
    if (q->size > 1) {
      if (j == 0) PetscCall(SendPanel(q, 0, &request));
      PetscCallMPI(MPI_Wait(&request, MPI_STATUS_IGNORE));
    }
    r = q->size > 1 ? ReceivedReflectors(q, j) : OwnReflectors(q, j);
    if (q->cholesky && r.factor[0] != 0) {
      *done = PETSC_FALSE;
      break;
    }
    if (j + 1 < n && Owner(j + 1, q->size) == q->rank) {
      PetscCall(Update(q, &r, next, next + Width(q, j + 1), &request));
      PetscCall(FactorPanel(q, j + 1));
      next += Width(q, j + 1);
    }
    if (j + 1 < n && q->size > 1) PetscCall(SendPanel(q, j + 1, &request));
    PetscCall(Update(q, &r, next, q->nlocal, &request));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsFactor(EngdPanels q)
{
  PetscBool done;

  PetscFunctionBeginUser;
  q->cholesky = PETSC_FALSE;
  PetscCall(FactorAll(q, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsCholesky(EngdPanels q, PetscBool *done)
{
  PetscBLASInt n, info;

  PetscFunctionBeginUser;
  PetscCheck(q->m == q->n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "Cholesky of a matrix that is not square");
  q->cholesky = PETSC_TRUE;
  if (q->size > 1) {
    PetscCall(FactorAll(q, done));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscBLASIntCast(q->n, &n));
  *done = PETSC_TRUE;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("L", &n, q->A, &n, &info));
  *done = (PetscBool)!info;
  PetscCall(PetscLogFlops(1.0 / 3 * q->n * q->n * q->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x, what its owner has of it, to all */
static PetscErrorCode Share(EngdPanels q, PetscInt j, PetscInt n, PetscReal x[])
{
  PetscMPIInt count;

  PetscFunctionBeginUser;
  if (q->size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMPIIntCast(n, &count));
  PetscCallMPI(MPI_Bcast(x, count, MPIU_REAL, Owner(j, q->size), q->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsApply(EngdPanels q, const char trans[], PetscReal x[])
{
  const PetscInt n = Count(q);

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    const PetscInt j = trans[0] == 'T' ? i : n - 1 - i, rows = Height(q, j) - j * PANEL;

    if (Owner(j, q->size) == q->rank) {
      const Reflectors r = OwnReflectors(q, j);

      PetscCall(Reflect(&r, trans, 1, x + r.first, q->m, q->work));
    }
    PetscCall(Share(q, j, rows, x + j * PANEL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x (width) <- op(T_jj)^{-1} x for the first of the columns of panel j */
static PetscErrorCode SolveDiagonal(EngdPanels q, const char trans[], PetscInt j, PetscInt width, PetscReal x[])
{
  const PetscReal *T    = q->A + ENGD_COUNT(q->m, LocalColumn(q, j)) + j * PANEL;
  const PetscReal  unit = 1;
  PetscBLASInt     n, lda, one = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(width, &n));
  PetscCall(PetscBLASIntCast(q->m, &lda));
  PetscCallBLAS("BLAStrsm", BLAStrsm_("L", "U", trans, "N", &n, &one, &unit, T, &lda, x, &n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y (rows) -= A x or y (width) -= A^T x, A being the rows above the diagonal of the first columns of panel j */
static PetscErrorCode SubtractAbove(EngdPanels q, const char trans[], PetscInt j, PetscInt width, const PetscReal x[],
                                    PetscReal y[])
{
  const PetscReal minus = -1, unit = 1;
  PetscBLASInt    m, n, lda, one = 1;

  PetscFunctionBeginUser;
  if (!j) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast(j * PANEL, &m));
  PetscCall(PetscBLASIntCast(width, &n));
  PetscCall(PetscBLASIntCast(q->m, &lda));
  PetscCallBLAS("BLASgemv", BLASgemv_(trans, &m, &n, &minus, q->A + ENGD_COUNT(q->m, LocalColumn(q, j)), &lda, x,
                                      &one, &unit, y, &one));
  PetscCall(PetscLogFlops(2.0 * m * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsSolve(EngdPanels q, const char trans[], PetscInt order, PetscReal x[])
{
  const PetscInt n = (order + PANEL - 1) / PANEL;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    const PetscInt j = trans[0] == 'T' ? i : n - 1 - i, width = PetscMin(PANEL, order - j * PANEL);
    PetscReal     *xj = x + j * PANEL;

    if (Owner(j, q->size) == q->rank) {
      if (trans[0] == 'T') PetscCall(SubtractAbove(q, "T", j, width, x, xj));
      PetscCall(SolveDiagonal(q, trans, j, width, xj));
      if (trans[0] == 'N') PetscCall(SubtractAbove(q, "N", j, width, xj, x));
    }
    if (trans[0] == 'T')
      PetscCall(Share(q, j, width, xj));
    else
      PetscCall(Share(q, j, j * PANEL + width, x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x <- L^{-1} x or L^{-T} x */
static PetscErrorCode SolveLower(EngdPanels q, const char trans[], PetscReal x[])
{
  const PetscReal minus = -1, one = 1;
  PetscBLASInt    n, below, lda, unit = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(q->m, &lda));
  for (PetscInt i = 0; i < Count(q); i++) {
    const PetscInt   j = trans[0] == 'N' ? i : Count(q) - 1 - i, first = j * PANEL, width = Width(q, j);
    const PetscReal *L  = q->A + ENGD_COUNT(q->m, LocalColumn(q, j)) + first;
    PetscReal       *xj = x + first;

    PetscCall(PetscBLASIntCast(width, &n));
    PetscCall(PetscBLASIntCast(q->m - first - width, &below));
    if (Owner(j, q->size) == q->rank) {
      if (trans[0] == 'T' && below)
        PetscCallBLAS("BLASgemv",
                      BLASgemv_("T", &below, &n, &minus, L + width, &lda, xj + width, &unit, &one, xj, &unit));
      PetscCallBLAS("BLAStrsm", BLAStrsm_("L", "L", trans, "N", &n, &unit, &one, L, &lda, xj, &n));
      if (trans[0] == 'N' && below)
        PetscCallBLAS("BLASgemv",
                      BLASgemv_("N", &below, &n, &minus, L + width, &lda, xj, &unit, &one, xj + width, &unit));
      PetscCall(PetscLogFlops(2.0 * width * (below + width / 2.0)));
    }
    PetscCall(Share(q, j, trans[0] == 'N' ? q->m - first : width, xj));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsCholeskySolve(EngdPanels q, PetscReal x[])
{
  PetscFunctionBeginUser;
  PetscCall(SolveLower(q, "N", x));
  PetscCall(SolveLower(q, "T", x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* numbers of panel c of the transpose that come from the rows of panel p on, p >= c: the columns of panel p, so many rows */
static PetscErrorCode CountBlocks(EngdPanels from, PetscInt k, PetscMPIInt source, PetscMPIInt target,
                                  PetscMPIInt *count)
{
  PetscInt sum = 0;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c * PANEL < k; c++) {
    if (Owner(c, from->size) != target) continue;
    for (PetscInt p = c; p < Count(from); p++) {
      if (Owner(p, from->size) == source) sum += PetscMin(PANEL, k - c * PANEL) * Width(from, p);
    }
  }
  PetscCall(PetscMPIIntCast(sum, count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReserveExchange(EngdPanels q, size_t size)
{
  PetscFunctionBeginUser;
  if (size <= q->exchange_room) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(q->exchange));
  PetscCall(PetscMalloc1(size, &q->exchange));
  q->exchange_room = size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* to (n, k) <- the transpose of the first k rows of the triangle of from (n, n): lower triangular */
PetscErrorCode EngdPanelsTranspose(EngdPanels from, PetscInt k, EngdPanels to)
{
  const PetscMPIInt size = from->size, rank = from->rank;
  PetscMPIInt      *counts, *starts, *rcounts, *rstarts;
  PetscReal        *out, *in, *next;

  PetscFunctionBeginUser;
  PetscCall(EngdPanelsSetSizes(to, from->n, k, 1));
  PetscCall(PetscArrayzero(to->A, ENGD_COUNT(to->m, to->nlocal)));
  PetscCall(PetscMalloc4(size, &counts, size + 1, &starts, size, &rcounts, size + 1, &rstarts));
  starts[0] = rstarts[0] = 0;
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(CountBlocks(from, k, rank, r, &counts[r]));
    PetscCall(CountBlocks(from, k, r, rank, &rcounts[r]));
    starts[r + 1]  = starts[r] + counts[r];
    rstarts[r + 1] = rstarts[r] + rcounts[r];
  }
  PetscCall(ReserveExchange(to, (size_t)starts[size] + (size_t)rstarts[size]));
  next = out = to->exchange;
  in         = out + starts[size];
  for (PetscMPIInt r = 0; r < size; r++) {
    for (PetscInt c = 0; c * PANEL < k; c++) {
      const PetscInt rows = PetscMin(PANEL, k - c * PANEL);

      if (Owner(c, size) != r) continue;
      for (PetscInt p = c; p < Count(from); p++) {
        const PetscInt width = Width(from, p);

        if (Owner(p, size) != rank) continue;
        EngdTranspose(rows, width, from->A + ENGD_COUNT(from->m, LocalColumn(from, p)) + c * PANEL, from->m, next,
                      width);
        next += rows * width;
      }
    }
  }
  PetscCallMPI(MPI_Alltoallv(out, counts, starts, MPIU_REAL, in, rcounts, rstarts, MPIU_REAL, from->comm));
  next = in;
  for (PetscMPIInt r = 0; r < size; r++) {
    for (PetscInt c = 0; c * PANEL < k; c++) {
      const PetscInt rows = PetscMin(PANEL, k - c * PANEL);

      if (Owner(c, size) != rank) continue;
      for (PetscInt p = c; p < Count(from); p++) {
        const PetscInt width = Width(from, p);

        for (PetscInt j = 0; Owner(p, size) == r && j < rows; j++, next += width) {
          const PetscInt zeros =
              p == c ? PetscMin(j, width) : 0; /* below the diagonal of the triangle are reflectors */
          PetscReal *a = to->A + ENGD_COUNT(to->m, LocalColumn(to, c) + j) + p * PANEL;

          PetscCall(PetscArraycpy(a + zeros, next + zeros, width - zeros));
        }
      }
    }
  }
  PetscCall(PetscFree4(counts, starts, rcounts, rstarts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y (rows) = B x or y (end - begin) = B^T x with B the first rows of columns begin to end, of the triangle alone */
PetscErrorCode EngdPanelsMult(EngdPanels q, const char trans[], PetscInt rows, PetscInt begin, PetscInt end,
                              const PetscReal x[], PetscReal y[])
{
  const PetscInt length = trans[0] == 'N' ? rows : end - begin;
  PetscMPIInt    count;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(y, length));
  for (PetscInt j = begin; j < end; j++) {
    const PetscInt m = PetscMin(rows, j + 1);
    PetscReal     *a;

    PetscCall(EngdPanelsGetColumn(q, j, &a));
    if (!a) continue;
    if (trans[0] == 'N') {
      for (PetscInt i = 0; i < m; i++) y[i] += x[j - begin] * a[i];
    } else {
      PetscReal sum = 0;

      for (PetscInt i = 0; i < m; i++) sum += a[i] * x[i];
      y[j - begin] = sum;
    }
  }
  PetscCall(PetscLogFlops(2.0 * rows * (end - begin) / q->size));
  PetscCall(PetscMPIIntCast(length, &count));
  if (q->size > 1) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, y, count, MPIU_REAL, MPI_SUM, q->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* squares (n) = those of the rows of the triangle, on all ranks */
PetscErrorCode EngdPanelsRowSquares(EngdPanels q, PetscReal squares[])
{
  PetscMPIInt n;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(squares, q->n));
  for (PetscInt j = 0; j < q->n; j++) {
    PetscReal *a;

    PetscCall(EngdPanelsGetColumn(q, j, &a));
    for (PetscInt i = 0; a && i <= j; i++) squares[i] += PetscSqr(a[i]);
  }
  PetscCall(PetscMPIIntCast(q->n, &n));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, squares, n, MPIU_REAL, MPI_SUM, q->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPanelsDeal - the rows of all ranks, or the triangles of a stack, become the columns of the panels.

  Collective on comm

  Input Parameters:
+ comm      - of the ranks that have rows
. active    - how many of them, the first ones, have panels
. n         - columns
. count     - [ranks] rows of each, n for triangles
. triangles - rows are those of triangles, in the order of EngdPanelsStackRow()
. lda       - leading dimension of A
- A         - (count, n) the rows of this rank

  Output Parameter:
. q - with its sizes set; NULL on ranks without panels
*/
PetscErrorCode EngdPanelsDeal(EngdPanels q, MPI_Comm comm, PetscMPIInt active, PetscInt n, const PetscMPIInt count[],
                              PetscBool triangles, PetscInt lda, const PetscReal A[])
{
  PetscMPIInt *sent, *at, *received, *rat, rank, size;
  PetscReal   *out, *in, *next;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size == 1) {
    for (PetscInt j = 0; j < n; j++) {
      const PetscInt rows = triangles ? j + 1 : count[0];

      PetscCall(PetscArraycpy(q->A + ENGD_COUNT(j, q->m), A + ENGD_COUNT(j, lda), rows));
      PetscCall(PetscArrayzero(q->A + ENGD_COUNT(j, q->m) + rows, q->m - rows));
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscCalloc4(size, &sent, size + 1, &at, size, &received, size + 1, &rat));
  for (PetscMPIInt r = 0; r < size; r++) {
    const PetscInt theirs = r < active ? EngdPanelsCountColumns(n, r, active) : 0;

    PetscCall(PetscMPIIntCast((PetscInt64)theirs * count[rank], &sent[r]));
    PetscCall(PetscMPIIntCast((PetscInt64)(q ? q->nlocal : 0) * count[r], &received[r]));
    PetscCall(PetscMPIIntCast((PetscInt64)at[r] + sent[r], &at[r + 1]));
    PetscCall(PetscMPIIntCast((PetscInt64)rat[r] + received[r], &rat[r + 1]));
  }
  PetscCall(PetscMalloc2(at[size], &out, rat[size], &in));
  for (PetscInt j = 0; j < n; j++) {
    const PetscMPIInt owner = EngdPanelsOwner(j, active);
    const PetscInt    rows  = triangles ? j + 1 : count[rank];

    next = out + at[owner] + ENGD_COUNT(EngdPanelsCountColumns(j, owner, active), count[rank]);
    PetscCall(PetscArraycpy(next, A + ENGD_COUNT(j, lda), rows));
    PetscCall(PetscArrayzero(next + rows, count[rank] - rows));
  }
  PetscCallMPI(MPI_Alltoallv(out, sent, at, MPIU_REAL, in, received, rat, MPIU_REAL, comm));
  next = in;
  for (PetscInt r = 0, start = 0; q && r < size; start += count[r++]) {
    for (PetscInt j = 0; j < q->nlocal; j++, next += count[r]) {
      PetscReal *a = q->A + ENGD_COUNT(q->m, j);

      for (PetscInt i = 0; i < count[r]; i++) a[triangles ? EngdPanelsStackRow(n, size, r, i) : start + i] = next[i];
    }
  }
  PetscCall(PetscFree2(out, in));
  PetscCall(PetscFree4(sent, at, received, rat));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPanelsDestroy(EngdPanels *panels)
{
  EngdPanels q = *panels;

  PetscFunctionBeginUser;
  if (!q) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(q->A));
  PetscCall(PetscFree(q->exchange));
  PetscCall(PetscFree4(q->factor, q->work, q->message[0], q->message[1]));
  PetscCall(PetscFree(*panels));
  PetscFunctionReturn(PETSC_SUCCESS);
}
