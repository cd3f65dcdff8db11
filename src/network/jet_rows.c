/*
  Rows of the Jacobian: for each point i of a block, d(gu_i . u_i)/dtheta as a row of p entries.

    row_i on layer l:  sum over channels s of g_{i,s} z_{i,s}^T, and g_{i,0} for the bias

  The cotangents g of all layers come from one adjoint pass; rows are then written for some of the points at a time, one small
  product a point and layer: for explicit J, diagonals, and products with many vectors at once.
*/
#include <engd/private.h>

/* where the cotangents of layer l stand: g (n_out, S n), the layers one after the other */
static size_t CotangentOffset(EngdJet jet, PetscInt l)
{
  size_t offset = 0;

  for (PetscInt below = 0; below < l; below++) {
    offset += ENGD_COUNT(jet->network->layer[below].n_out, jet->layout->nchannels * jet->n);
  }
  return offset;
}

size_t EngdJetCotangentCount(EngdNetwork net, EngdJetLayout layout, PetscInt n)
{
  size_t count = 0;

  for (PetscInt l = 0; l < net->nlayers; l++) count += ENGD_COUNT(net->layer[l].n_out, layout->nchannels * n);
  return count;
}

/* keep g; of the last layer the channels marked used alone are defined */
static PetscErrorCode KeepCotangents(EngdJet jet, PetscInt l, const PetscReal z[], const PetscReal g[], void *all)
{
  const PetscInt   width = jet->network->layer[l].n_out, n = jet->n;
  const PetscBool *used = EngdJetLayerChannels(jet, l);
  PetscReal       *kept = (PetscReal *)all + CotangentOffset(jet, l);

  PetscFunctionBeginUser;
  (void)z;
  for (PetscInt begin = 0, end = 0; EngdJetLayoutNextRun(jet->layout, used, &begin, &end);) {
    PetscCall(PetscArraycpy(kept + ENGD_COUNT(begin * n, width), g + ENGD_COUNT(begin * n, width),
                            ENGD_COUNT((end - begin) * n, width)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetCotangents(EngdJet jet, const PetscReal theta[], const PetscReal gu[], EngdJetWork work,
                                 PetscReal g[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdJetAdjoint(jet, theta, gu, work, KeepCotangents, g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W (n_out, dim) of a layer that reads the input jet at point i: its input is x on the value channel and e_j on the channel d/dx_j */
static void WriteInputRow(EngdJet jet, PetscInt l, const PetscBool used[], PetscInt i, const PetscReal g[],
                          PetscReal W[])
{
  const EngdJetLayout layout = jet->layout;
  const PetscInt      m = jet->network->layer[l].n_out, n = jet->n;
  const PetscReal    *x = jet->x + ENGD_COUNT(i, layout->dim), *value = g + ENGD_COUNT(i, m);
  const PetscBool     has = (PetscBool)(!used || used[0]);

  for (PetscInt j = 0; j < layout->dim; j++) {
    const PetscInt   c  = layout->first[j];
    const PetscReal *gj = c >= 0 && (!used || used[c]) ? g + ENGD_COUNT(c * n + i, m) : NULL;

    for (PetscInt k = 0; k < m; k++) W[j * m + k] = (has ? value[k] * x[j] : 0) + (gj ? gj[k] : 0);
  }
  for (PetscInt j = layout->dim; j < layout->dim + layout->nrandom + layout->ndirections; j++) {
    const PetscInt c = layout->first[j];

    if (c >= 0 && (!used || used[c])) EngdJetDirectionAddRow(jet, c, i, m, g + ENGD_COUNT(c * n + i, m), W);
  }
}

/* W (m, n) (+)= sum over at most four channels of g_s z_s^T; g_s and z_s are apart_g and apart_z numbers apart */
static void AddProducts(PetscInt m, PetscInt n, PetscInt nchannels, const PetscReal g[], size_t apart_g,
                        const PetscReal z[], size_t apart_z, PetscBool add, PetscReal W[])
{
  const PetscReal *restrict g0 = g, *restrict g1 = g + (nchannels > 1 ? apart_g : 0),
                            *restrict g2 = g + (nchannels > 2 ? 2 * apart_g : 0),
                            *restrict g3 = g + (nchannels > 3 ? 3 * apart_g : 0);

  for (PetscInt j = 0; j < n; j++) {
    const PetscReal z0 = z[j], z1 = nchannels > 1 ? z[apart_z + j] : 0, z2 = nchannels > 2 ? z[2 * apart_z + j] : 0,
                    z3         = nchannels > 3 ? z[3 * apart_z + j] : 0;
    PetscReal *restrict column = W + ENGD_COUNT(j, m);

    if (add) {
      for (PetscInt k = 0; k < m; k++) column[k] += (g0[k] * z0 + g1[k] * z1) + (g2[k] * z2 + g3[k] * z3);
    } else {
      for (PetscInt k = 0; k < m; k++) column[k] = (g0[k] * z0 + g1[k] * z1) + (g2[k] * z2 + g3[k] * z3);
    }
  }
}

/* W (n_out, n_in) of a layer whose input is stored at point i, whose columns of g and z are n columns apart */
static void WriteLayerRow(EngdJet jet, PetscInt l, const PetscBool used[], PetscInt i, const PetscReal g[],
                          PetscReal W[])
{
  const EngdLayer *layer = &jet->network->layer[l];
  const PetscInt   n_in = layer->n_in, n_out = layer->n_out;
  const PetscReal *z       = EngdJetLayerInput(jet, l);
  const size_t     apart_g = ENGD_COUNT(jet->n, n_out), apart_z = ENGD_COUNT(jet->n, n_in);
  PetscBool        add = PETSC_FALSE;

  for (PetscInt begin = 0, end = 0; EngdJetLayoutNextRun(jet->layout, used, &begin, &end);) {
    for (PetscInt c = begin; c < end; c += 4, add = PETSC_TRUE) {
      const PetscReal *gi = g + c * apart_g + ENGD_COUNT(i, n_out), *zi = z + c * apart_z + ENGD_COUNT(i, n_in);

      if (n_out == 1) /* a row, not columns of one entry */
        AddProducts(n_in, 1, PetscMin(4, end - c), zi, apart_z, gi, apart_g, add, W);
      else
        AddProducts(n_out, n_in, PetscMin(4, end - c), gi, apart_g, zi, apart_z, add, W);
    }
  }
  for (size_t k = 0; !add && k < ENGD_COUNT(n_in, n_out); k++) W[k] = 0;
}

PetscErrorCode EngdJetWriteRows(EngdJet jet, const PetscReal g[], PetscInt begin, PetscInt end, PetscInt ld,
                                PetscReal rows[])
{
  PetscFunctionBeginUser;
  for (PetscInt l = 0; l < jet->network->nlayers; l++) {
    const EngdLayer *layer = &jet->network->layer[l];
    const PetscBool *used  = EngdJetLayerChannels(jet, l);
    const PetscReal *gl    = g + CotangentOffset(jet, l);

    for (PetscInt i = begin; i < end; i++) {
      PetscReal *W = rows + ENGD_COUNT(i - begin, ld) + layer->offset;
      PetscReal *b = W + ENGD_COUNT(layer->n_in, layer->n_out);

      if (layer->from == ENGD_SLOT_INPUT && !jet->input)
        WriteInputRow(jet, l, used, i, gl, W);
      else if (layer->n_in)
        WriteLayerRow(jet, l, used, i, gl, W);
      if (!used || used[0])
        PetscCall(PetscArraycpy(b, gl + ENGD_COUNT(i, layer->n_out), layer->n_out));
      else
        PetscCall(PetscArrayzero(b, layer->n_out));
    }
  }
  PetscCall(PetscLogFlops(2.0 * jet->network->nparameters * jet->layout->nchannels * (end - begin)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetRows(EngdJet jet, const PetscReal theta[], const PetscReal gu[], EngdJetWork work, PetscInt ld,
                           PetscReal rows[])
{
  PetscReal *g;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(EngdJetCotangentCount(jet->network, jet->layout, jet->n), &g));
  PetscCall(EngdJetCotangents(jet, theta, gu, work, g));
  PetscCall(EngdJetWriteRows(jet, g, 0, jet->n, ld, rows));
  PetscCall(PetscFree(g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetSquaredRows(EngdJet jet, const PetscReal theta[], const PetscReal gu[], EngdJetWork work,
                                  PetscReal sum[])
{
  const PetscInt p = jet->network->nparameters;
  PetscReal     *g, *row;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(EngdJetCotangentCount(jet->network, jet->layout, jet->n), &g, p, &row));
  PetscCall(EngdJetCotangents(jet, theta, gu, work, g));
  for (PetscInt i = 0; i < jet->n; i++) {
    PetscCall(EngdJetWriteRows(jet, g, i, i + 1, p, row));
    for (PetscInt j = 0; j < p; j++) sum[j] += row[j] * row[j];
  }
  PetscCall(PetscFree2(g, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}
