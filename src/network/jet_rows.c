/*
  Rows of the Jacobian: for each point i of a block, d(gu_i . u_i)/dtheta as a row of p entries.

    row_i on layer l:  sum over channels s of g_{i,s} z_{i,s}^T, and g_{i,0} for the bias

  One small GEMM a point and layer: for explicit J and diagonals, never in a Krylov iteration. For the sum of squares
  each row is written over the last, so that it needs the memory of one row.
*/
#include <engd/private.h>
#include <petscblaslapack.h>

typedef struct {
  PetscReal *rows;    /* (p, n), or (p, 1) when only the squares are wanted */
  PetscReal *squares; /* (p) to which the squares of the rows are added, or NULL */
  PetscReal *input;   /* (dim, S n) the input jet */
} Rows;

/* rows on layer l: for each point the product of its columns of g and z, n columns apart */
static PetscErrorCode WriteLayerRows(EngdJet jet, PetscInt l, const PetscReal z[], const PetscReal g[], void *out)
{
  const Rows      *rows  = (const Rows *)out;
  EngdNetwork      net   = jet->network;
  const EngdLayer *layer = &net->layer[l];
  const PetscInt   n = jet->n, p = net->nparameters, n_in = layer->n_in, n_out = layer->n_out;
  const PetscBool *used = l == net->nhidden ? jet->layout->used : NULL;
  const PetscReal  one = 1, *in = z ? z : rows->input;
  PetscBLASInt     bm, bn, apart_g, apart_z;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n_out, &bm));
  PetscCall(PetscBLASIntCast(n_in, &bn));
  PetscCall(PetscBLASIntCast(n * n_out, &apart_g));
  PetscCall(PetscBLASIntCast(n * n_in, &apart_z));
  for (PetscInt i = 0; i < n; i++) {
    PetscReal *W = rows->rows + ENGD_COUNT(rows->squares ? 0 : i, p) + layer->offset,
              *b = W + ENGD_COUNT(n_in, n_out);

    PetscCall(PetscArrayzero(W, ENGD_COUNT(n_in + 1, n_out)));
    for (PetscInt begin = 0, end = 0; EngdJetLayoutNextRun(jet->layout, used, &begin, &end);) {
      const PetscInt   column = begin * n + i;
      const PetscReal *gi = g + ENGD_COUNT(column, n_out), *zi = in + ENGD_COUNT(column, n_in);
      PetscBLASInt     bk;

      PetscCall(PetscBLASIntCast(end - begin, &bk));
      PetscCallBLAS("BLASgemm", BLASgemm_("N", "T", &bm, &bn, &bk, &one, gi, &apart_g, zi, &apart_z, &one, W, &bm));
    }
    if (!used || used[0]) PetscCall(PetscArraycpy(b, g + ENGD_COUNT(i, n_out), n_out));
    for (PetscInt j = 0; rows->squares && j < (n_in + 1) * n_out; j++)
      rows->squares[layer->offset + j] += W[j] * W[j];
  }
  PetscCall(PetscLogFlops(2.0 * n_out * n_in * jet->layout->nchannels * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the adjoint pass that visits the rows */
static PetscErrorCode VisitRows(EngdJet jet, const PetscReal theta[], const PetscReal gu[], EngdJetWork work,
                                Rows *rows)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(ENGD_COUNT(jet->layout->dim, jet->layout->nchannels * jet->n), &rows->input));
  PetscCall(EngdJetFillInput(jet, rows->input));
  PetscCall(EngdJetAdjoint(jet, theta, gu, work, WriteLayerRows, rows));
  PetscCall(PetscFree(rows->input));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetRows(EngdJet jet, const PetscReal theta[], const PetscReal gu[], EngdJetWork work,
                           PetscReal rows[])
{
  Rows visited = {.rows = rows};

  PetscFunctionBeginUser;
  PetscCall(VisitRows(jet, theta, gu, work, &visited));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdJetSquaredRows(EngdJet jet, const PetscReal theta[], const PetscReal gu[], EngdJetWork work,
                                  PetscReal sum[])
{
  Rows visited = {.squares = sum};

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(jet->network->nparameters, &visited.rows));
  PetscCall(VisitRows(jet, theta, gu, work, &visited));
  PetscCall(PetscFree(visited.rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}
