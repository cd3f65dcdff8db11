/*
  To panels from elsewhere, by one all-to-all each: the rows that ranks have, and the transpose of a triangle of other panels. The sum of
  matrices of all ranks is in panels_sum.c.
*/
#include "panels.h"

/* What goes to each rank and what comes from it: numbers, and where they begin */
typedef struct {
  PetscMPIInt  size;
  PetscMPIInt *sent, *sent_at;         /* [size], [size + 1] */
  PetscMPIInt *received, *received_at; /* the same */
} Exchange;

static PetscErrorCode ExchangeCreate(PetscMPIInt size, Exchange *e)
{
  PetscFunctionBeginUser;
  e->size = size;
  PetscCall(PetscCalloc4(size, &e->sent, size + 1, &e->sent_at, size, &e->received, size + 1, &e->received_at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* where the parts begin, from their numbers */
static PetscErrorCode ExchangeSetUp(Exchange *e)
{
  PetscFunctionBeginUser;
  for (PetscMPIInt r = 0; r < e->size; r++) {
    PetscCall(PetscMPIIntCast((PetscInt64)e->sent_at[r] + e->sent[r], &e->sent_at[r + 1]));
    PetscCall(PetscMPIIntCast((PetscInt64)e->received_at[r] + e->received[r], &e->received_at[r + 1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExchangeRun(const Exchange *e, MPI_Comm comm, const PetscReal out[], PetscReal in[])
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Alltoallv(out, e->sent, e->sent_at, MPIU_REAL, in, e->received, e->received_at, MPIU_REAL, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExchangeDestroy(Exchange *e)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(e->sent, e->sent_at, e->received, e->received_at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* columns of panel c of the transpose of the first k rows */
static PetscInt TransposedWidth(PetscInt k, PetscInt c)
{
  return PetscMin(ENGD_PANEL, k - c * ENGD_PANEL);
}

/* numbers of the transpose for the panels of one rank from those of another: block (p, c) of the triangle, p >= c */
static PetscErrorCode CountBlocks(EngdPanels from, PetscInt k, PetscMPIInt source, PetscMPIInt target,
                                  PetscMPIInt *count)
{
  PetscInt64 sum = 0;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c * ENGD_PANEL < k; c++) {
    if (EngdPanelsRank(c, from->size) != target) continue;
    for (PetscInt p = c; p < EngdPanelsCount(from); p++) {
      if (EngdPanelsRank(p, from->size) == source)
        sum += (PetscInt64)TransposedWidth(k, c) * EngdPanelsWidth(from, p);
    }
  }
  PetscCall(PetscMPIIntCast(sum, count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the blocks of this rank, transposed, one after the other as rank `target` will read them; how many numbers they are */
static size_t PackTransposed(EngdPanels from, PetscInt k, PetscMPIInt target, PetscReal out[])
{
  PetscReal *next = out;

  for (PetscInt c = 0; c * ENGD_PANEL < k; c++) {
    const PetscInt rows = TransposedWidth(k, c);

    if (EngdPanelsRank(c, from->size) != target) continue;
    for (PetscInt p = c; p < EngdPanelsCount(from); p++) {
      const PetscInt   width = EngdPanelsWidth(from, p);
      const PetscReal *T     = from->A + ENGD_COUNT(from->m, EngdPanelsLocal(from, p)) + c * ENGD_PANEL;

      if (EngdPanelsRank(p, from->size) != from->rank) continue;
      EngdTranspose(rows, width, T, from->m, next, width);
      next += rows * width;
    }
  }
  return (size_t)(next - out);
}

/* the blocks of rank `source` in their columns; below the diagonal of the triangle were reflectors */
static size_t UnpackTransposed(EngdPanels from, PetscInt k, PetscMPIInt source, const PetscReal in[], EngdPanels to)
{
  const PetscReal *next = in;

  for (PetscInt c = 0; c * ENGD_PANEL < k; c++) {
    if (EngdPanelsRank(c, to->size) != to->rank) continue;
    for (PetscInt p = c; p < EngdPanelsCount(from); p++) {
      const PetscInt width = EngdPanelsWidth(from, p);

      if (EngdPanelsRank(p, from->size) != source) continue;
      for (PetscInt j = 0; j < TransposedWidth(k, c); j++, next += width) {
        PetscReal *a = to->A + ENGD_COUNT(to->m, EngdPanelsLocal(to, c) + j) + p * ENGD_PANEL;

        for (PetscInt i = p == c ? PetscMin(j, width) : 0; i < width; i++) a[i] = next[i];
      }
    }
  }
  return (size_t)(next - in);
}

/* the same on one rank, which exchanges nothing */
static PetscErrorCode TransposeHere(EngdPanels from, PetscInt k, EngdPanels to)
{
  PetscFunctionBeginUser;
  EngdTranspose(k, from->n, from->A, from->m, to->A, to->m);
  for (PetscInt j = 0; j < k; j++) PetscCall(PetscArrayzero(to->A + ENGD_COUNT(to->m, j), j));
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

/*
  EngdPanelsTranspose - The transpose of the first rows of a triangle, lower triangular.

  Collective

  Input Parameters:
+ from - factored, of order n
- k    - rows

  Output Parameter:
. to - (n, k), on the ranks of `from`, to be factored

  Source: src/linalg/panels_deal.c
*/
PetscErrorCode EngdPanelsTranspose(EngdPanels from, PetscInt k, EngdPanels to)
{
  Exchange   e;
  PetscReal *out, *in;
  size_t     at = 0;

  PetscFunctionBeginUser;
  PetscCall(EngdPanelsSetSizes(to, from->n, k, 1));
  if (from->size == 1) {
    PetscCall(TransposeHere(from, k, to));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscArrayzero(to->A, ENGD_COUNT(to->m, to->nlocal)));
  PetscCall(ExchangeCreate(from->size, &e));
  for (PetscMPIInt r = 0; r < e.size; r++) {
    PetscCall(CountBlocks(from, k, from->rank, r, &e.sent[r]));
    PetscCall(CountBlocks(from, k, r, from->rank, &e.received[r]));
  }
  PetscCall(ExchangeSetUp(&e));
  PetscCall(ReserveExchange(to, (size_t)e.sent_at[e.size] + (size_t)e.received_at[e.size]));
  out = to->exchange;
  in  = out + e.sent_at[e.size];
  for (PetscMPIInt r = 0; r < e.size; r++) at += PackTransposed(from, k, r, out + at);
  PetscCall(ExchangeRun(&e, from->comm, out, in));
  for (PetscMPIInt r = 0; r < e.size; r++) in += UnpackTransposed(from, k, r, in, to);
  PetscCall(ExchangeDestroy(&e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out (rows) <- column j; of a triangle what is above and on the diagonal, and zeros */
static PetscErrorCode CopyColumn(PetscBool triangles, PetscInt j, PetscInt rows, const PetscReal a[], PetscReal out[])
{
  const PetscInt filled = triangles ? j + 1 : rows;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(out, a, filled));
  PetscCall(PetscArrayzero(out + filled, rows - filled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the columns of this rank, (count, nlocal) from each rank in turn */
static void UnpackRows(EngdPanels q, PetscMPIInt size, const PetscMPIInt count[], PetscBool triangles,
                       const PetscReal in[])
{
  for (PetscInt r = 0, start = 0; r < size; start += count[r++]) {
    for (PetscInt j = 0; j < q->nlocal; j++, in += count[r]) {
      PetscReal *a = q->A + ENGD_COUNT(q->m, j);

      for (PetscInt i = 0; i < count[r]; i++) a[triangles ? EngdPanelsStackRow(q->n, size, r, i) : start + i] = in[i];
    }
  }
}

/*
  EngdPanelsDeal - The rows of all ranks, or the triangles of a stack, become the columns of the panels.

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

  Source: src/linalg/panels_deal.c
*/
PetscErrorCode EngdPanelsDeal(EngdPanels q, MPI_Comm comm, PetscMPIInt active, PetscInt n, const PetscMPIInt count[],
                              PetscBool triangles, PetscInt lda, const PetscReal A[])
{
  PetscMPIInt rank, size;
  PetscReal  *out, *in;
  Exchange    e;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size == 1) {
    for (PetscInt j = 0; j < n; j++)
      PetscCall(CopyColumn(triangles, j, q->m, A + ENGD_COUNT(j, lda), q->A + ENGD_COUNT(j, q->m)));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ExchangeCreate(size, &e));
  for (PetscMPIInt r = 0; r < size; r++) {
    const PetscInt theirs = r < active ? EngdPanelsCountColumns(n, r, active) : 0;

    PetscCall(PetscMPIIntCast((PetscInt64)theirs * count[rank], &e.sent[r]));
    PetscCall(PetscMPIIntCast((PetscInt64)(q ? q->nlocal : 0) * count[r], &e.received[r]));
  }
  PetscCall(ExchangeSetUp(&e));
  PetscCall(PetscMalloc2(e.sent_at[size], &out, e.received_at[size], &in));
  for (PetscInt j = 0; j < n; j++) {
    const PetscMPIInt owner = EngdPanelsOwner(j, active);
    const size_t      at    = ENGD_COUNT(EngdPanelsCountColumns(j, owner, active), count[rank]);

    PetscCall(CopyColumn(triangles, j, count[rank], A + ENGD_COUNT(j, lda), out + e.sent_at[owner] + at));
  }
  PetscCall(ExchangeRun(&e, comm, out, in));
  if (q) UnpackRows(q, size, count, triangles, in);
  PetscCall(PetscFree2(out, in));
  PetscCall(ExchangeDestroy(&e));
  PetscFunctionReturn(PETSC_SUCCESS);
}
