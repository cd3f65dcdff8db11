/*
  How each layer enters the kernel of the points of two terms, and what a rank keeps of a layer for that.

  Per pair of points, C and C' channels with r and r' roots of the two terms, in multiplications:

    Gram matrices   C C' (n_in + r r' (n_out + 1))          rows   r r' (n_in + 1) n_out, and the rows themselves

  so that conditions on a boundary, which have one channel, are cheaper by Gram matrices with all other points where equations of
  second order are cheaper by rows among each other. Rows in float32 (single.c) count half. Terms that enter alike in
  all layers are a class, and consecutive patches of a class are multiplied at once (products.c).

  A rank keeps of a layer, one after the other, the rows (p_l, those of terms that need them), and z (n_in, channels x points) and
  g (n_out, roots x channels x points) of all patches that need those.
*/
#include "ntk.h"

#define WORTH_SINGLE                                                                                                 \
  4 /* a layer has this many times as many parameters as directions that stay in float64, or all of it does */

#define WORTH_ROWS                                                                                                   \
  2 /* rows that a term has for its pairs with others alone take this many times fewer multiplications, or it has none */

/* seconds of a product of rows of a layer, those of as many flops in float64 being 1 */
static PetscReal RowsCost(EngdNTK kernel, PetscInt l)
{
  return kernel->narrow[l] ? 0.5 : 1;
}

static size_t Pair(EngdNTK kernel, PetscInt l, PetscInt t, PetscInt u)
{
  return ENGD_COUNT(l * kernel->nterms + t, kernel->nterms) + u;
}

PetscBool EngdNTKByGram(EngdNTK kernel, PetscInt l, PetscInt t, PetscInt u)
{
  return kernel->gram[Pair(kernel, l, t, u)];
}

PetscBool EngdNTKKeepsRows(EngdNTK kernel, PetscInt l, PetscInt t)
{
  for (PetscInt u = 0; u < kernel->nterms; u++) {
    if (kernel->points[u] && !EngdNTKByGram(kernel, l, t, u)) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

PetscBool EngdNTKKeepsFactors(EngdNTK kernel, PetscInt l, PetscInt t)
{
  for (PetscInt u = 0; u < kernel->nterms; u++) {
    if (kernel->points[u] && EngdNTKByGram(kernel, l, t, u)) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

PetscBool EngdNTKIsAlike(EngdNTK kernel, PetscInt t, PetscInt u)
{
  for (PetscInt l = 0; l < kernel->F->model->nlayers; l++) {
    for (PetscInt v = 0; v < kernel->nterms; v++) {
      if (EngdNTKByGram(kernel, l, t, v) != EngdNTKByGram(kernel, l, u, v)) return PETSC_FALSE;
    }
  }
  return PETSC_TRUE;
}

/* multiplications of a pair of points by Gram matrices, and by rows */
static PetscReal GramCost(EngdNTK kernel, PetscInt l, PetscInt t, PetscInt u)
{
  const EngdLayer *layer = &kernel->F->model->layer[l];
  const PetscReal  roots = (PetscReal)kernel->roots[t] * kernel->roots[u];

  return (PetscReal)EngdNTKChannels(kernel, t, l) * EngdNTKChannels(kernel, u, l) *
         (layer->n_in + roots * (layer->n_out + 1));
}

static PetscReal RowsPairCost(EngdNTK kernel, PetscInt l, PetscInt t, PetscInt u)
{
  const EngdLayer *layer = &kernel->F->model->layer[l];
  const PetscReal  roots = (PetscReal)kernel->roots[t] * kernel->roots[u], N = kernel->row_start[kernel->size];

  return RowsCost(kernel, l) * roots * (layer->n_in + 1) * layer->n_out +
         2 * (EngdNTKChannels(kernel, t, l) + EngdNTKChannels(kernel, u, l)) / PetscMax(N, 1) * layer->n_in *
             layer->n_out;
}

/* Rows of a term that meets itself by Gram matrices are written, kept and sent for its other pairs alone: 7 GB for 9000 points of
   a boundary in 100 dimensions and 1024 units */
static PetscBool IsGramCheaper(EngdNTK kernel, PetscInt l, PetscInt t, PetscInt u)
{
  const PetscBool alone = (PetscBool)(t != u && (GramCost(kernel, l, t, t) < RowsPairCost(kernel, l, t, t) ||
                                                 GramCost(kernel, l, u, u) < RowsPairCost(kernel, l, u, u)));

  return (PetscBool)(GramCost(kernel, l, t, u) < (alone ? WORTH_ROWS : 1) * RowsPairCost(kernel, l, t, u));
}

void EngdNTKChooseForms(EngdNTK kernel, EngdNTKForm form)
{
  for (PetscInt u = 0; u < kernel->nterms; u++) kernel->points[u] = 0;
  for (PetscInt b = 0; b < kernel->patch_start[kernel->size]; b++)
    kernel->points[kernel->patch[b].term] += kernel->patch[b].n;
  for (PetscInt l = 0; l < kernel->F->model->nlayers; l++) {
    PetscBool any = PETSC_FALSE;

    kernel->narrow[l] =
        (PetscBool)(kernel->directions >= 0 && EngdNTKLayerParameters(kernel, l) > WORTH_SINGLE * kernel->directions);
    for (PetscInt t = 0; t < kernel->nterms; t++) {
      for (PetscInt u = 0; u < kernel->nterms; u++) {
        kernel->gram[Pair(kernel, l, t, u)] =
            (PetscBool)(form == ENGD_NTK_GRAM || (form == ENGD_NTK_AUTO && IsGramCheaper(kernel, l, t, u)));
      }
    }
    for (PetscInt t = 0; t < kernel->nterms; t++) any = (PetscBool)(any || EngdNTKKeepsRows(kernel, l, t));
    kernel->narrow[l] = (PetscBool)(kernel->narrow[l] && any);
  }
}

/* flops of a patch with all patches */
static PetscReal PatchCost(EngdNTK kernel, const EngdPatch *patch)
{
  PetscReal sum = 0;

  for (PetscInt l = 0; l < kernel->F->model->nlayers; l++) {
    for (PetscInt u = 0; u < kernel->nterms; u++) {
      sum += kernel->points[u] * (EngdNTKByGram(kernel, l, patch->term, u) ? GramCost(kernel, l, patch->term, u)
                                                                           : RowsPairCost(kernel, l, patch->term, u));
    }
  }
  return sum * patch->n;
}

void EngdNTKChooseHalves(EngdNTK kernel)
{
  for (PetscMPIInt r = 0; r < kernel->size; r++) {
    const PetscInt begin = kernel->patch_start[r], end = kernel->patch_start[r + 1];
    PetscReal      all = 0, sum = 0, cost = 0;
    PetscInt       b;

    for (b = begin; b < end; b++) all += PatchCost(kernel, &kernel->patch[b]);
    for (b = begin; b < end; b++, sum += cost) {
      cost = PatchCost(kernel, &kernel->patch[b]);
      if (2 * sum + cost > all) break;
    }
    kernel->half[r] = b - begin;
  }
}

PetscInt EngdNTKKeptRows(EngdNTK kernel, PetscMPIInt r, PetscInt l, PetscInt patch)
{
  PetscInt rows = 0;

  for (PetscInt b = kernel->patch_start[r]; b < kernel->patch_start[r] + patch; b++) {
    const PetscInt t = kernel->patch[b].term;

    if (EngdNTKKeepsRows(kernel, l, t)) rows += kernel->roots[t] * kernel->patch[b].n;
  }
  return rows;
}

size_t EngdNTKInputCount(EngdNTK kernel, const EngdPatch *patch, PetscInt l)
{
  if (!EngdNTKKeepsFactors(kernel, l, patch->term)) return 0;
  return ENGD_COUNT(EngdNTKChannels(kernel, patch->term, l) * patch->n, kernel->F->model->layer[l].n_in);
}

size_t EngdNTKOutputCount(EngdNTK kernel, const EngdPatch *patch, PetscInt l)
{
  if (!EngdNTKKeepsFactors(kernel, l, patch->term)) return 0;
  return ENGD_COUNT(kernel->roots[patch->term] * EngdNTKChannels(kernel, patch->term, l) * patch->n,
                    kernel->F->model->layer[l].n_out);
}

size_t EngdNTKFactorsSize(EngdNTK kernel, PetscMPIInt r, PetscInt l)
{
  size_t size = 0;

  for (PetscInt b = kernel->patch_start[r]; b < kernel->patch_start[r + 1]; b++)
    size += EngdNTKInputCount(kernel, &kernel->patch[b], l) + EngdNTKOutputCount(kernel, &kernel->patch[b], l);
  return size;
}

size_t EngdNTKRowsSize(EngdNTK kernel, PetscMPIInt r, PetscInt l)
{
  return ENGD_COUNT(EngdNTKLayerParameters(kernel, l), EngdNTKKeptRows(kernel, r, l, EngdNTKPatches(kernel, r)));
}

size_t EngdNTKLayerSize(EngdNTK kernel, PetscMPIInt r, PetscInt l)
{
  return EngdNTKRowsSize(kernel, r, l) + EngdNTKFactorsSize(kernel, r, l);
}

size_t EngdNTKSentSize(EngdNTK kernel, PetscMPIInt r, PetscInt l)
{
  if (!EngdNTKIsSingle(kernel, l)) return EngdNTKLayerSize(kernel, r, l);
  return EngdNTKNarrowSize(kernel, r, l) + EngdNTKFactorsSize(kernel, r, l);
}
