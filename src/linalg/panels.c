/*
  A dense matrix whose columns are dealt to the ranks panel by panel, to and fro: what a panel costs grows or falls with its
  number, and so each rank has as much to do from two panels on (block-cyclic in one dimension; ScaLAPACK deals in two).

    panels_factor.c    the loop over panels of a factorisation, its messages under its work
    panels_qr.c        A = Q T by blocked Householder reflections, and vectors times Q and T^{-1}
    panels_cholesky.c  A = L L^T, and A^{-1} times a vector
    panels_lu.c        A = P L U, and the same
    panels_deal.c      rows of ranks to columns of panels, and the transpose of a triangle
    panels_sum.c       a symmetric matrix that is a sum over the ranks

  A may be a stack of triangles (n, n), rows of the same number next to each other by panels: panel j has no more rows than
  stack (j + 1) nb, and a stack of two costs n^3/3 a rank on two ranks, as much as half of a merge in a tree. Vectors are whole
  on all ranks. Each rank receives the whole matrix once, panel by panel: not for more rows than one rank can hold.
*/
#include "panels.h"

/* columns that a rank has of the first n */
PetscInt EngdPanelsCountColumns(PetscInt n, PetscMPIInt rank, PetscMPIInt size)
{
  PetscInt count = 0;

  for (PetscInt j = 0; j * ENGD_PANEL < n; j++)
    count += EngdPanelsRank(j, size) == rank ? PetscMin(ENGD_PANEL, n - j * ENGD_PANEL) : 0;
  return count;
}

PetscMPIInt EngdPanelsOwner(PetscInt column, PetscMPIInt size)
{
  return EngdPanelsRank(column / ENGD_PANEL, size);
}

/* bytes on the rank that has most, for up to so many rows and columns */
size_t EngdPanelsBytes(PetscMPIInt size, PetscInt m, PetscInt n)
{
  const PetscInt nlocal = PetscMax(EngdPanelsCountColumns(n, 0, size), EngdPanelsCountColumns(n, size - 1, size));

  return sizeof(PetscReal) *
         (ENGD_COUNT(m + 2 * ENGD_PANEL, nlocal) + ENGD_COUNT(size > 1 ? 2 * ENGD_PANEL : 0, m + ENGD_PANEL));
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
  message_room = q->size > 1 ? ENGD_COUNT(q->m + ENGD_PANEL, ENGD_PANEL) : 0;
  if (room > q->room || !q->A) {
    PetscCall(PetscFree(q->A));
    PetscCall(PetscMalloc1(PetscMax(room, 1), &q->A));
    q->room = room;
  }
  if (message_room > q->message_room || q->nlocal > q->columns_room || !q->factor) {
    q->message_room = PetscMax(message_room, q->message_room);
    q->columns_room = PetscMax(PetscMax(q->nlocal, ENGD_PANEL), q->columns_room);
    PetscCall(PetscFree4(q->factor, q->work, q->message[0], q->message[1]));
    PetscCall(PetscMalloc4(ENGD_COUNT(ENGD_PANEL, q->columns_room), &q->factor,
                           ENGD_COUNT(ENGD_PANEL, q->columns_room), &q->work, q->message_room, &q->message[0],
                           q->message_room, &q->message[1]));
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
  const PetscInt panel = j / ENGD_PANEL;

  PetscFunctionBeginUser;
  *a = EngdPanelsRank(panel, q->size) == q->rank
           ? q->A + ENGD_COUNT(q->m, panel / q->size * ENGD_PANEL + j % ENGD_PANEL)
           : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt EngdPanelsStackRow(PetscInt n, PetscInt stack, PetscInt triangle, PetscInt row)
{
  const PetscInt first = row / ENGD_PANEL * ENGD_PANEL;

  return first * stack + triangle * PetscMin(ENGD_PANEL, n - first) + row - first;
}

/* EngdPanelsGetReflectors - A factored panel of this rank */
EngdReflectors EngdPanelsGetReflectors(EngdPanels q, PetscInt j)
{
  const PetscInt column = EngdPanelsLocal(q, j);

  return (EngdReflectors){.first  = j * ENGD_PANEL,
                          .rows   = EngdPanelsHeight(q, j) - j * ENGD_PANEL,
                          .width  = EngdPanelsWidth(q, j),
                          .V      = q->A + ENGD_COUNT(q->m, column) + j * ENGD_PANEL,
                          .factor = q->factor + ENGD_COUNT(ENGD_PANEL, column),
                          .ldv    = q->m};
}

/* EngdPanelsShare - x, what the owner of panel j has of it, to all */
PetscErrorCode EngdPanelsShare(EngdPanels q, PetscInt j, PetscInt n, PetscReal x[])
{
  PetscMPIInt count;

  PetscFunctionBeginUser;
  if (q->size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMPIIntCast(n, &count));
  PetscCallMPI(MPI_Bcast(x, count, MPIU_REAL, EngdPanelsRank(j, q->size), q->comm));
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
