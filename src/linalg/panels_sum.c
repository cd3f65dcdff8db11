/*
  Panels of a symmetric matrix that is a sum over the ranks, A <- beta A + sum_r A_r: each rank gets its columns of the sum and no rank
  has all of it. To rank 0 and back it goes panel by panel, for files.
*/
#include "panels.h"

PetscErrorCode EngdPanelsScale(EngdPanels q, PetscReal beta)
{
  const size_t entries = ENGD_COUNT(q->m, q->nlocal);

  PetscFunctionBeginUser;
  for (size_t i = 0; i < entries; i++) q->A[i] = beta == 0 ? 0 : beta * q->A[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out (n, width) <- panel j of the symmetric matrix with the upper triangle A (n, n) */
static PetscErrorCode PackPanel(EngdPanels q, PetscInt j, const PetscReal A[], PetscReal out[])
{
  const PetscInt n = q->n, first = j * ENGD_PANEL, width = EngdPanelsWidth(q, j);

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < width; k++)
    PetscCall(PetscArraycpy(out + ENGD_COUNT(n, k), A + ENGD_COUNT(n, first + k), first + k + 1));
  for (PetscInt i = first; i < n; i++) {
    for (PetscInt k = 0; k < PetscMin(width, i - first); k++)
      out[ENGD_COUNT(n, k) + i] = A[ENGD_COUNT(n, i) + first + k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPanelsAddSum - A += the sum over the ranks of symmetric matrices.

  Collective

  Input Parameters:
+ q - square, with its sizes set
- A - (n, n) the upper triangle of this rank's

  Source: src/linalg/panels_sum.c
*/
PetscErrorCode EngdPanelsAddSum(EngdPanels q, const PetscReal A[])
{
  const PetscInt panels = EngdPanelsCount(q), most = PetscMin(panels, q->size);
  PetscReal     *all, *mine;
  PetscMPIInt   *count;

  PetscFunctionBeginUser;
  PetscCall(
      PetscMalloc3(ENGD_COUNT(most * ENGD_PANEL, q->n), &all, ENGD_COUNT(ENGD_PANEL, q->n), &mine, q->size, &count));
  for (PetscInt first = 0; first < panels; first += q->size) {
    const PetscInt end  = PetscMin(panels, first + q->size);
    PetscReal     *next = all, *a = NULL;

    PetscCall(PetscArrayzero(count, q->size));
    for (PetscMPIInt r = 0; r < q->size; r++) {
      for (PetscInt j = first; j < end; j++) {
        if (EngdPanelsRank(j, q->size) != r) continue;
        PetscCall(PetscMPIIntCast(EngdPanelsWidth(q, j) * q->n, &count[r]));
        PetscCall(PackPanel(q, j, A, next));
        if (r == q->rank) a = q->A + ENGD_COUNT(q->m, EngdPanelsLocal(q, j));
        next += count[r];
      }
    }
    PetscCallMPI(MPI_Reduce_scatter(all, mine, count, MPIU_REAL, MPI_SUM, q->comm));
    for (PetscInt i = 0; i < count[q->rank]; i++) a[i] += mine[i];
  }
  PetscCall(PetscFree3(all, mine, count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* to <- from + lambda I */
PetscErrorCode EngdPanelsShift(EngdPanels from, PetscReal lambda, EngdPanels to)
{
  PetscFunctionBeginUser;
  PetscCall(EngdPanelsSetSizes(to, from->m, from->n, 1));
  PetscCall(PetscArraycpy(to->A, from->A, ENGD_COUNT(from->m, from->nlocal)));
  for (PetscInt j = 0; j < from->n; j++) {
    PetscReal *a;

    PetscCall(EngdPanelsGetColumn(to, j, &a));
    if (a) a[j] += lambda;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is every entry on every rank a finite number */
PetscErrorCode EngdPanelsFinite(EngdPanels q, PetscBool *finite)
{
  PetscFunctionBeginUser;
  PetscCall(EngdAllFinite(q->comm, ENGD_COUNT(q->m, q->nlocal), q->A, finite));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* root (m, n) on rank 0 <- A, or A <- root */
PetscErrorCode EngdPanelsMove(EngdPanels q, PetscBool to_root, PetscReal root[])
{
  PetscReal *some;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(ENGD_COUNT(ENGD_PANEL, q->m), &some));
  for (PetscInt j = 0; j < EngdPanelsCount(q); j++) {
    const PetscInt    count = EngdPanelsWidth(q, j) * q->m;
    const PetscMPIInt owner = EngdPanelsRank(j, q->size);
    PetscReal        *own   = owner == q->rank ? q->A + ENGD_COUNT(q->m, EngdPanelsLocal(q, j)) : NULL;
    PetscReal        *whole = q->rank ? NULL : root + ENGD_COUNT(q->m, j * ENGD_PANEL);

    if (to_root ? own != NULL : whole != NULL) PetscCall(PetscArraycpy(some, to_root ? own : whole, count));
    PetscCallMPI(MPI_Bcast(some, (PetscMPIInt)count, MPIU_REAL, to_root ? owner : 0, q->comm));
    if (to_root ? whole != NULL : own != NULL) PetscCall(PetscArraycpy(to_root ? whole : own, some, count));
  }
  PetscCall(PetscFree(some));
  PetscFunctionReturn(PETSC_SUCCESS);
}
