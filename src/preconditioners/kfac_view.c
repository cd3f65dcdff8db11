/*
  What -tao_view shows of preconditioner kfac: its settings, and each layer with its owner and the spectra of its factors.
*/
#include "kfac.h"

/* table[l][f]: the largest eigenvalue of damped factor f = A_1, B_1, A_2, B_2 of layer l, and its condition number */
static PetscErrorCode Spectra(EngdKfac *kfac, PetscReal table[])
{
  PetscMPIInt rank, count;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(kfac->functional->comm, &rank));
  PetscCall(PetscMPIIntCast(8 * kfac->nlayers, &count));
  PetscCall(PetscArrayzero(table, count));
  for (PetscInt l = 0; l < kfac->nlayers; l++) {
    const EngdKronecker *block = &kfac->layer[l].block;

    for (PetscInt f = 0; kfac->layer[l].owner == rank && f < 4; f++) {
      const PetscReal *factor = f % 2 ? block->B[f / 2] : block->A[f / 2];
      PetscReal        extremes[2];

      if (!factor) continue;
      PetscCall(EngdKroneckerExtremes(f % 2 ? block->m : block->n, factor, extremes));
      table[8 * l + 2 * f]     = extremes[1] + kfac->damping;
      table[8 * l + 2 * f + 1] = (extremes[1] + kfac->damping) / (PetscMax(extremes[0], 0) + kfac->damping);
    }
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, table, count, MPIU_REAL, MPIU_SUM, kfac->functional->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the layers in a table, a line each */
static PetscErrorCode ViewLayers(EngdKfac *kfac, PetscViewer viewer)
{
  const char *const name[] = {"A1", "B1", "A2", "B2"};
  PetscReal        *table;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(8 * kfac->nlayers, &table));
  PetscCall(Spectra(kfac, table));
  PetscCall(PetscViewerASCIIPrintf(viewer, "factors A (inputs), B (outputs); 1: terms with derivatives, 2: terms of "
                                           "values; largest eigenvalue (condition), damped\n"));
  for (PetscInt l = 0; l < kfac->nlayers; l++) {
    const EngdKfacLayer *layer = &kfac->layer[l];
    char                 line[256];
    size_t               length;

    PetscCall(PetscSNPrintf(line, sizeof(line),
                            "layer %" PetscInt_FMT ": %" PetscInt_FMT " x %" PetscInt_FMT ", rank %d", l + 1,
                            layer->block.m, layer->block.n, layer->owner));
    for (PetscInt f = 0; f < 4; f++) {
      if (!layer->present[f / 2]) continue;
      PetscCall(PetscStrlen(line, &length));
      PetscCall(PetscSNPrintf(line + length, sizeof(line) - length, ", %s %.1e (%.0e)", name[f],
                              (double)table[8 * l + 2 * f], (double)table[8 * l + 2 * f + 1]));
    }
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s\n", line));
  }
  PetscCall(PetscFree(table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdKfacView(PC pc, PetscViewer viewer)
{
  EngdKfac *kfac;
  PetscBool ascii;

  PetscFunctionBeginUser;
  PetscCall(EngdKfacGet(pc, &kfac));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "damping %g, moving average %g, update every %" PetscInt_FMT
                                   " set-ups, inversion every %" PetscInt_FMT " updates\n",
                                   (double)kfac->damping, (double)kfac->ema, kfac->update_every, kfac->invert_every));
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "%" PetscInt_FMT " set-ups, %" PetscInt_FMT " updates, %" PetscInt_FMT " inversions\n", kfac->setups,
      kfac->updates, kfac->inversions));
  if (kfac->nlayers) PetscCall(ViewLayers(kfac, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
