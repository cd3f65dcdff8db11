/*
  The kernel K = A A^T (N, N) of the Jacobian A, rows as in explicit_jacobian.c, by row blocks of the ranks; A itself is
  never whole.

  Layer by layer (products.c), each by the cheaper of two forms. Flops over all points, S channels a point:

    Gram matrices   (sum S)^2 n_in + (sum S)^2 n_out              rows   N^2 (n_in + 1) n_out + 2 (sum S) n_in n_out

  Round k: a rank takes in what the k-th next rank has of its points and adds their products; half of the rounds do, as the
  other half is the transpose. Layers are taken in groups that need no more than the kernel itself, or an eighth of
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

/* which form of each layer needs fewer flops, or the one that was asked for */
static void ChooseForms(EngdNTK kernel, EngdNTKForm form)
{
  const PetscReal N = kernel->row_start[kernel->size];

  for (PetscInt l = 0; l < kernel->F->model->nlayers; l++) {
    const PetscReal n_in = kernel->F->model->layer[l].n_in, n_out = kernel->F->model->layer[l].n_out;
    PetscReal       z = 0, g = 0;

    for (PetscInt b = 0; b < kernel->patch_start[kernel->size]; b++) {
      const EngdPatch *patch   = &kernel->patch[b];
      const PetscReal  columns = (PetscReal)EngdNTKChannels(kernel, patch->term, l) * patch->n;

      z += columns;
      g += kernel->roots[patch->term] * columns;
    }
    kernel->gram[l] = (PetscBool)(form == ENGD_NTK_GRAM ||
                                  (form == ENGD_NTK_AUTO && z * z * n_in + g * g * (n_out + 1) <
                                                                N * N * (n_in + 1) * n_out + 2 * g * n_in * n_out));
  }
}

/* doubles that a layer needs on the rank that needs most */
static size_t LargestLayer(EngdNTK kernel, PetscInt l)
{
  size_t size = 0;

  for (PetscMPIInt r = 0; r < kernel->size; r++) size = PetscMax(size, EngdNTKLayerSize(kernel, r, l));
  return size;
}

/* rows of A on rank r, and on the rank that has most */
PetscInt EngdNTKRows(EngdNTK kernel, PetscMPIInt r)
{
  return kernel->row_start[r + 1] - kernel->row_start[r];
}

PetscInt EngdNTKLargestRows(EngdNTK kernel)
{
  PetscInt n = 0;

  for (PetscMPIInt r = 0; r < kernel->size; r++) n = PetscMax(n, EngdNTKRows(kernel, r));
  return n;
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
  kernel->bytes = (PetscReal)sizeof(PetscReal) * (PetscReal)((kernel->size > 1 ? 2 : 1) * largest + 2 * gram + input);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNTKCreate - what is needed for K = A A^T of a functional; memory is taken by the first fill.

  Collective

  Input Parameters:
+ functional - set up
- form       - of all layers, or ENGD_NTK_AUTO

  Output Parameter:
. kernel - the kernel
*/
PetscErrorCode EngdNTKCreate(EngdFunctional F, EngdNTKForm form, EngdNTK *out)
{
  EngdNTK kernel;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&kernel));
  kernel->F = F;
  PetscCallMPI(MPI_Comm_rank(F->comm, &kernel->rank));
  PetscCallMPI(MPI_Comm_size(F->comm, &kernel->size));
  PetscCall(PetscMalloc6(kernel->size + 1, &kernel->patch_start, kernel->size + 1, &kernel->row_start,
                         F->problem->nterms, &kernel->roots, F->model->nlayers, &kernel->gram, F->model->nlayers + 1,
                         &kernel->group, F->model->nlayers, &kernel->at));
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    PetscCall((*F->curvature->ops->rootcount)(F->curvature, F, t, &kernel->roots[t]));
  }
  PetscCall(GatherPatches(kernel));
  ChooseForms(kernel, form);
  PetscCall(ChooseGroups(kernel));
  *out = kernel;
  PetscFunctionReturn(PETSC_SUCCESS);
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
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does rank r form the products with the k-th next rank; of two ranks opposite each other the lower one does */
static PetscBool Forms(EngdNTK kernel, PetscMPIInt r, PetscMPIInt k)
{
  return (PetscBool)(2 * k < kernel->size || (2 * k == kernel->size && r < k));
}

/* in round k: what rank - k, if it wants any, gets from this rank, and what this one gets from rank + k, if it forms */
static PetscErrorCode Exchange(EngdNTK kernel, PetscMPIInt k, size_t sent, const PetscReal out[], PetscBool send,
                               size_t received, PetscReal in[], PetscBool receive, PetscBool forward)
{
  const PetscMPIInt up = (kernel->rank + k) % kernel->size, down = (kernel->rank - k + kernel->size) % kernel->size;
  MPI_Request       request[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  PetscMPIInt       nsent, nreceived;

  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast((PetscInt64)sent, &nsent));
  PetscCall(PetscMPIIntCast((PetscInt64)received, &nreceived));
  if (receive) {
    PetscCallMPI(MPI_Irecv(in, nreceived, MPIU_REAL, forward ? down : up, 0, kernel->F->comm, &request[0]));
  }
  if (send) PetscCallMPI(MPI_Isend(out, nsent, MPIU_REAL, forward ? up : down, 0, kernel->F->comm, &request[1]));
  PetscCallMPI(MPI_Waitall(2, request, MPI_STATUSES_IGNORE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t GroupSize(EngdNTK kernel, PetscMPIInt r, PetscInt g)
{
  size_t size = 0;

  for (PetscInt l = kernel->group[g]; l < kernel->group[g + 1]; l++) size += EngdNTKLayerSize(kernel, r, l);
  return size;
}

/* the rounds of one group of layers */
static PetscErrorCode AddGroup(EngdNTK kernel, PetscInt g, PetscInt ld, PetscReal K[])
{
  const PetscMPIInt rank = kernel->rank, size = kernel->size;

  PetscFunctionBeginUser;
  PetscCall(EngdNTKSave(kernel, g));
  for (PetscMPIInt k = 0; 2 * k <= size && k < size; k++) {
    const PetscMPIInt up = (rank + k) % size, down = (rank - k + size) % size;

    if (k) {
      PetscCall(Exchange(kernel, k, GroupSize(kernel, rank, g), kernel->own, Forms(kernel, down, k),
                         GroupSize(kernel, up, g), kernel->other, Forms(kernel, rank, k), PETSC_FALSE));
    }
    if (Forms(kernel, rank, k)) {
      PetscCall(EngdNTKAddProducts(kernel, g, up, ld, K + ENGD_COUNT(ld, ld) * up));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the lower triangle of the own block, then the blocks that other ranks formed */
static PetscErrorCode Mirror(EngdNTK kernel, PetscInt ld, PetscReal K[])
{
  const PetscMPIInt rank = kernel->rank, size = kernel->size;
  const PetscInt    m   = EngdNTKRows(kernel, rank);
  PetscReal        *own = K + ENGD_COUNT(ld, ld) * rank;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < m; j++) {
    for (PetscInt i = 0; i < j; i++) own[ENGD_COUNT(i, ld) + j] = own[ENGD_COUNT(j, ld) + i];
  }
  for (PetscMPIInt k = 1; 2 * k <= size; k++) {
    const PetscMPIInt up = (rank + k) % size, down = (rank - k + size) % size;
    const size_t sent = ENGD_COUNT(m, EngdNTKRows(kernel, up)), received = ENGD_COUNT(m, EngdNTKRows(kernel, down));

    for (PetscInt j = 0; Forms(kernel, rank, k) && j < EngdNTKRows(kernel, up); j++) {
      PetscCall(PetscArraycpy(kernel->own + ENGD_COUNT(j, m), K + ENGD_COUNT(ld, ld) * up + ENGD_COUNT(j, ld), m));
    }
    PetscCall(Exchange(kernel, k, sent, kernel->own, Forms(kernel, rank, k), received, kernel->other,
                       Forms(kernel, down, k), PETSC_TRUE));
    if (Forms(kernel, down, k))
      EngdTranspose(EngdNTKRows(kernel, down), m, kernel->other, EngdNTKRows(kernel, down),
                    K + ENGD_COUNT(ld, ld) * down, ld);
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
  for (PetscInt g = 0; g < kernel->ngroups; g++) PetscCall(AddGroup(kernel, g, ld, K));
  PetscCall(Mirror(kernel, ld, K));
  PetscCall(PetscLogEventEnd(engd_log.kernel, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdNTKView - the form of each layer, in a line. Collective */
PetscErrorCode EngdNTKView(EngdNTK kernel, PetscViewer viewer)
{
  const PetscInt nlayers = kernel->F->model->nlayers;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(viewer, "kernel of %" PetscInt_FMT " x %" PetscInt_FMT ", layers by",
                                   kernel->row_start[kernel->size], kernel->row_start[kernel->size]));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  for (PetscInt l = 0; l < nlayers; l++) {
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s%s", l ? ", " : " ", kernel->gram[l] ? "Gram matrices" : "rows"));
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
  PetscCall(PetscFree5((*kernel)->own, (*kernel)->other, (*kernel)->zz, (*kernel)->gg, (*kernel)->input));
  PetscCall(PetscFree6((*kernel)->patch_start, (*kernel)->row_start, (*kernel)->roots, (*kernel)->gram,
                       (*kernel)->group, (*kernel)->at));
  PetscCall(PetscFree((*kernel)->patch));
  PetscCall(PetscFree(*kernel));
  PetscFunctionReturn(PETSC_SUCCESS);
}
