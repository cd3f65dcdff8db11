/*
  The kernel K = A A^T (N, N) of the Jacobian A, rows as in explicit_jacobian.c, by row blocks of the ranks; A itself is
  never whole.

  Layer by layer (products.c), for each two terms by the cheaper of two forms (forms.c), rows in float32 where that was asked for
  (single.c).

  Round k: a rank takes in what the k-th next rank has of its points and adds their products; half of the rounds do, as the
  other half is the transpose, and of two ranks opposite each other each adds half of their products. Layers are taken in groups that need no more than the kernel itself, or an eighth of
  -engd_memory_limit, for one adjoint pass each.
*/
#include "ntk.h"

/* the patches of all ranks */
static PetscErrorCode GatherPatches(EngdNTK kernel)
{
  EngdFunctional F = kernel->F;
  PetscMPIInt    count, *counts, *starts;
  EngdPatch     *own;
  PetscInt       row = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(kernel->size, &counts, kernel->size, &starts, F->nblocks, &own));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    own[b] = (EngdPatch){F->block[b].term, F->block[b].n, row};
    row += kernel->roots[own[b].term] * own[b].n;
  }
  PetscCall(PetscMPIIntCast(F->nblocks, &count));
  PetscCallMPI(MPI_Allgather(&count, 1, MPI_INT, counts, 1, MPI_INT, F->comm));
  PetscCallMPI(MPI_Allgather(&row, 1, MPIU_INT, kernel->row_start + 1, 1, MPIU_INT, F->comm));
  kernel->row_start[0] = kernel->patch_start[0] = 0;
  for (PetscMPIInt r = 0; r < kernel->size; r++) {
    kernel->row_start[r + 1] += kernel->row_start[r];
    kernel->patch_start[r + 1] = kernel->patch_start[r] + counts[r];
    counts[r] *= (PetscMPIInt)sizeof(EngdPatch);
    starts[r] = (PetscMPIInt)(kernel->patch_start[r] * (PetscInt)sizeof(EngdPatch));
  }
  PetscCall(PetscMalloc1(kernel->patch_start[kernel->size], &kernel->patch));
  PetscCallMPI(MPI_Allgatherv(own, counts[kernel->rank], MPI_BYTE, kernel->patch, counts, starts, MPI_BYTE, F->comm));
  PetscCall(PetscFree3(counts, starts, own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* doubles that a layer needs on the rank that needs most */
static size_t LargestLayer(EngdNTK kernel, PetscInt l)
{
  size_t size = 0;

  for (PetscMPIInt r = 0; r < kernel->size; r++) size = PetscMax(size, EngdNTKLayerSize(kernel, r, l));
  return size;
}

/* rows of A on rank r, and with those of integrals on the rank that has most */
PetscInt EngdNTKRows(EngdNTK kernel, PetscMPIInt r)
{
  return kernel->row_start[r + 1] - kernel->row_start[r];
}

PetscInt EngdNTKLargestRows(EngdNTK kernel)
{
  PetscInt n = 0;

  for (PetscMPIInt r = 0; r < kernel->size; r++) n = PetscMax(n, EngdNTKRows(kernel, r));
  return PetscMax(n, EngdNTKRows(kernel, kernel->size - 1) + kernel->nintegrals);
}

/* doubles of a Gram matrix of the two largest patches, and of the largest input jet */
static void LargestPatch(EngdNTK kernel, size_t *gram, size_t *input)
{
  PetscInt columns = 0;

  *input = 0;
  for (PetscInt b = 0; b < kernel->patch_start[kernel->size]; b++) {
    const EngdPatch      *patch  = &kernel->patch[b];
    const EngdModelLayout layout = kernel->F->term[patch->term].layout;

    columns = PetscMax(columns, layout->nchannels * patch->n);
    *input  = PetscMax(*input, EngdModelInputCount(kernel->F->model, layout, patch->n));
  }
  *gram = ENGD_COUNT(columns, columns);
}

/* groups of layers that fit the bound, and the bytes of all buffers */
static PetscErrorCode ChooseGroups(EngdNTK kernel)
{
  const PetscInt  nlayers = kernel->F->model->nlayers;
  const size_t    rows    = ENGD_COUNT(EngdNTKLargestRows(kernel), kernel->row_start[kernel->size]);
  const PetscReal bound   = PetscMax((PetscReal)rows, kernel->F->options.memory_limit / (8 * 2 * sizeof(PetscReal)));
  size_t          sum = 0, largest = 0, gram, input;

  PetscFunctionBeginUser;
  for (PetscInt l = 0; l < nlayers; l++) {
    const size_t size = LargestLayer(kernel, l);

    if (l == 0 || (PetscReal)(sum + size) > bound) {
      kernel->group[kernel->ngroups++] = l;
      sum                              = 0;
    }
    sum += size;
    largest = PetscMax(largest, sum);
  }
  kernel->group[kernel->ngroups] = nlayers;
  LargestPatch(kernel, &gram, &input);
  if (kernel->size > 1)
    largest = PetscMax(largest, ENGD_COUNT(EngdNTKLargestRows(kernel), EngdNTKLargestRows(kernel)));
  kernel->largest = largest;
  kernel->bytes   = (PetscReal)sizeof(PetscReal) *
                  (PetscReal)((kernel->size > 1 ? 2 : 1) * largest + 2 * gram + input + EngdNTKSingleSize(kernel));
  if (kernel->nintegrals)
    kernel->bytes += (PetscReal)sizeof(PetscReal) * (PetscReal)kernel->nintegrals *
                         (PetscReal)(kernel->row_start[kernel->size] + EngdNTKLargestRows(kernel)) +
                     (PetscReal)EngdExplicitBlockBytes(kernel->F);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNTKCreate - what is needed for K = A A^T of a functional; memory is taken by the first fill.

  Collective

  Input Parameters:
+ functional - set up
. form       - of all layers, or ENGD_NTK_AUTO
- directions - of each layer that stay in float64 while products of its rows are in float32, or ENGD_NTK_DOUBLE

  Output Parameter:
. kernel - the kernel
*/
PetscErrorCode EngdNTKCreate(EngdFunctional F, EngdNTKForm form, PetscInt directions, EngdNTK *out)
{
  EngdNTK kernel;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&kernel));
  kernel->F          = F;
  kernel->nterms     = F->problem->nterms;
  kernel->directions = directions;
  PetscCallMPI(MPI_Comm_rank(F->comm, &kernel->rank));
  PetscCallMPI(MPI_Comm_size(F->comm, &kernel->size));
  PetscCall(PetscMalloc7(kernel->size + 1, &kernel->patch_start, kernel->size + 1, &kernel->row_start,
                         F->problem->nterms, &kernel->roots, F->model->nlayers * kernel->nterms * kernel->nterms,
                         &kernel->gram, F->model->nlayers + 1, &kernel->group, F->model->nlayers, &kernel->at,
                         kernel->size, &kernel->half));
  PetscCall(PetscMalloc4(kernel->nterms, &kernel->points, F->model->nlayers, &kernel->narrow, F->model->nlayers,
                         &kernel->x, F->model->nlayers, &kernel->y));
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, t, &kernel->roots[t]));
  }
  kernel->nintegrals = EngdIntegralRowsOfMetric(F);
  PetscCall(GatherPatches(kernel));
  EngdNTKChooseForms(kernel, form);
  EngdNTKChooseHalves(kernel);
  PetscCall(ChooseGroups(kernel));
  EngdNTKSetSingle(kernel, (PetscBool)(directions >= 0));
  *out = kernel;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void EngdNTKSetSingle(EngdNTK kernel, PetscBool single)
{
  kernel->single = (PetscBool)(single && kernel->directions >= 0);
}

PetscBool EngdNTKIsFilledSingle(EngdNTK kernel)
{
  PetscBool any = PETSC_FALSE;

  for (PetscInt l = 0; l < kernel->F->model->nlayers; l++) any = (PetscBool)(any || EngdNTKIsSingle(kernel, l));
  return any;
}

PetscReal EngdNTKGetRounding(EngdNTK kernel)
{
  return kernel->rounding;
}

/* EngdNTKGetBytes - what the fill needs beside K, on the rank that needs most. Not collective */
PetscErrorCode EngdNTKGetBytes(EngdNTK kernel, PetscReal *bytes)
{
  PetscFunctionBeginUser;
  *bytes = kernel->bytes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the buffers, once */
static PetscErrorCode Allocate(EngdNTK kernel)
{
  size_t gram, input;

  PetscFunctionBeginUser;
  if (kernel->own) PetscFunctionReturn(PETSC_SUCCESS);
  LargestPatch(kernel, &gram, &input);
  PetscCall(PetscMalloc5(kernel->largest, &kernel->own, kernel->size > 1 ? kernel->largest : 0, &kernel->other, gram,
                         &kernel->zz, gram, &kernel->gg, input, &kernel->input));
  PetscCall(EngdNTKSingleCreate(kernel));
  PetscCall(PetscMalloc2(EngdNTKIntegralSize(kernel, PETSC_FALSE), &kernel->coupling,
                         EngdNTKIntegralSize(kernel, PETSC_TRUE), &kernel->couplings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the patches of rank r and of the k-th next rank whose products rank r forms. Of two ranks opposite each other the lower one
   takes the first half of the other's, the upper one the second half of its own */
static EngdNTKPart Part(EngdNTK kernel, PetscMPIInt r, PetscMPIInt k)
{
  const PetscMPIInt up   = (r + k) % kernel->size;
  EngdNTKPart       part = {.rank = r, .other = up};

  part.end       = EngdNTKPatches(kernel, r);
  part.other_end = EngdNTKPatches(kernel, up);
  if (k && 2 * k == kernel->size && r < k) part.other_end = kernel->half[up];
  if (k && 2 * k == kernel->size && r >= k) part.begin = kernel->half[r];
  return part;
}

PetscInt EngdNTKRowOf(EngdNTK kernel, PetscMPIInt r, PetscInt patch)
{
  const PetscInt b = kernel->patch_start[r] + patch;

  return b < kernel->patch_start[r + 1] ? kernel->patch[b].row : EngdNTKRows(kernel, r);
}

/* in round k: to rank - k and from rank + k, or forward, the other way */
static PetscErrorCode Exchange(EngdNTK kernel, PetscMPIInt k, size_t sent, const PetscReal out[], size_t received,
                               PetscReal in[], PetscBool forward)
{
  const PetscMPIInt up = (kernel->rank + k) % kernel->size, down = (kernel->rank - k + kernel->size) % kernel->size;
  PetscMPIInt       nsent, nreceived;

  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast((PetscInt64)sent, &nsent));
  PetscCall(PetscMPIIntCast((PetscInt64)received, &nreceived));
  PetscCallMPI(MPI_Sendrecv(out, nsent, MPIU_REAL, forward ? up : down, 0, in, nreceived, MPIU_REAL,
                            forward ? down : up, 0, kernel->F->comm, MPI_STATUS_IGNORE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t GroupSize(EngdNTK kernel, PetscMPIInt r, PetscInt g)
{
  size_t size = 0;

  for (PetscInt l = kernel->group[g]; l < kernel->group[g + 1]; l++) size += EngdNTKSentSize(kernel, r, l);
  return size;
}

/* the rounds of one group of layers */
static PetscErrorCode AddGroup(EngdNTK kernel, PetscInt g, PetscInt ld, PetscReal K[])
{
  const PetscMPIInt rank = kernel->rank, size = kernel->size;

  PetscFunctionBeginUser;
  PetscCall(EngdNTKSave(kernel, g));
  PetscCall(EngdNTKCompress(kernel, g));
  for (PetscMPIInt k = 0; 2 * k <= size && k < size; k++) {
    const PetscMPIInt up   = (rank + k) % size;
    const EngdNTKPart part = Part(kernel, rank, k);

    if (k)
      PetscCall(Exchange(kernel, k, GroupSize(kernel, rank, g), kernel->own, GroupSize(kernel, up, g), kernel->other,
                         PETSC_FALSE));
    PetscCall(EngdNTKAddProducts(kernel, g, &part, ld, K + ENGD_COUNT(ld, ld) * up));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the lower triangle of the own block, then the blocks that other ranks formed */
static PetscErrorCode Mirror(EngdNTK kernel, PetscInt ld, PetscReal K[])
{
  const PetscMPIInt rank = kernel->rank, size = kernel->size;
  PetscReal        *own = K + ENGD_COUNT(ld, ld) * rank;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < EngdNTKRows(kernel, rank); j++) {
    for (PetscInt i = 0; i < j; i++) own[ENGD_COUNT(i, ld) + j] = own[ENGD_COUNT(j, ld) + i];
  }
  for (PetscMPIInt k = 1; 2 * k <= size; k++) {
    const PetscMPIInt up = (rank + k) % size, down = (rank - k + size) % size;
    const EngdNTKPart mine = Part(kernel, rank, k), theirs = Part(kernel, down, k);
    const PetscInt    i0 = EngdNTKRowOf(kernel, rank, mine.begin), m = EngdNTKRowOf(kernel, rank, mine.end) - i0;
    const PetscInt    n  = EngdNTKRowOf(kernel, up, mine.other_end);
    const PetscInt    j0 = EngdNTKRowOf(kernel, down, theirs.begin), p = EngdNTKRowOf(kernel, down, theirs.end) - j0;
    const PetscInt    q = EngdNTKRowOf(kernel, rank, theirs.other_end);

    for (PetscInt j = 0; j < n; j++)
      PetscCall(
          PetscArraycpy(kernel->own + ENGD_COUNT(j, m), K + ENGD_COUNT(ld, ld) * up + ENGD_COUNT(j, ld) + i0, m));
    PetscCall(Exchange(kernel, k, ENGD_COUNT(m, n), kernel->own, ENGD_COUNT(p, q), kernel->other, PETSC_TRUE));
    EngdTranspose(p, q, kernel->other, p, K + ENGD_COUNT(ld, ld) * down + ENGD_COUNT(j0, ld), ld);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNTKFill - the rows of this rank of K = A A^T, in blocks of the same size for all ranks.

  Collective

  Input Parameters:
+ kernel - of a functional with its parameters set
- ld     - rows of a block, at least those of any rank (EngdExplicitCountRows)

  Output Parameter:
. K - (ld, ld x ranks) by columns: the columns of rank r begin at ld r; rows and columns that no rank has are zero
*/
PetscErrorCode EngdNTKFill(EngdNTK kernel, PetscInt ld, PetscReal K[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.kernel, 0, 0, 0, 0));
  PetscCall(Allocate(kernel));
  PetscCall(PetscArrayzero(K, ENGD_COUNT(ld, ld) * kernel->size));
  kernel->rounding = 0;
  for (PetscInt g = 0; g < kernel->ngroups; g++) PetscCall(AddGroup(kernel, g, ld, K));
  PetscCall(Mirror(kernel, ld, K));
  PetscCall(EngdNTKPutIntegrals(kernel, ld, K));
  PetscCall(EngdWalkersCentreKernel(kernel->F, ld, K));
  PetscCall(PetscLogEventEnd(engd_log.kernel, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows, Gram matrices, or both */
static const char *FormOf(EngdNTK kernel, PetscInt l)
{
  PetscBool rows = PETSC_FALSE, factors = PETSC_FALSE;

  for (PetscInt t = 0; t < kernel->nterms; t++) {
    if (!kernel->points[t]) continue;
    rows    = (PetscBool)(rows || EngdNTKKeepsRows(kernel, l, t));
    factors = (PetscBool)(factors || EngdNTKKeepsFactors(kernel, l, t));
  }
  if (!rows) return "Gram matrices";
  if (!factors) return kernel->narrow[l] ? "rows in float32" : "rows";
  return kernel->narrow[l] ? "rows in float32 and Gram matrices" : "rows and Gram matrices";
}

/* EngdNTKView - the form of each layer, in a line. Collective */
PetscErrorCode EngdNTKView(EngdNTK kernel, PetscViewer viewer)
{
  const PetscInt nlayers = kernel->F->model->nlayers;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(viewer, "kernel of %" PetscInt_FMT " x %" PetscInt_FMT ", layers by",
                                   kernel->row_start[kernel->size] + kernel->nintegrals,
                                   kernel->row_start[kernel->size] + kernel->nintegrals));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  for (PetscInt l = 0; l < nlayers; l++) {
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s%s", l ? ", " : " ", FormOf(kernel, l)));
  }
  PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdNTKDestroy - frees a kernel. Collective */
PetscErrorCode EngdNTKDestroy(EngdNTK *kernel)
{
  PetscFunctionBeginUser;
  if (!*kernel) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*kernel)->coupling, (*kernel)->couplings));
  PetscCall(PetscFree5((*kernel)->own, (*kernel)->other, (*kernel)->zz, (*kernel)->gg, (*kernel)->input));
  PetscCall(PetscFree7((*kernel)->patch_start, (*kernel)->row_start, (*kernel)->roots, (*kernel)->gram,
                       (*kernel)->group, (*kernel)->at, (*kernel)->half));
  PetscCall(PetscFree4((*kernel)->points, (*kernel)->narrow, (*kernel)->x, (*kernel)->y));
  PetscCall(EngdNTKSingleDestroy(*kernel));
  PetscCall(PetscFree((*kernel)->patch));
  PetscCall(PetscFree(*kernel));
  PetscFunctionReturn(PETSC_SUCCESS);
}
