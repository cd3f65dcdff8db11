/*
  The part of a Gramian that couples the parameters of a layer with each other only, as a MATSHELL.

    S = sum_l P_l G P_l,   P_l the projection on the parameters of layer l

  A product with S is one product with G for each layer, so it costs as many times what one with G does. The damping of G is
  that of S, and so is the diagonal.
*/
#include <engd/private.h>

typedef struct {
  Mat       G;
  EngdModel model;
  Vec       part, product; /* P_l v and G P_l v */
} Layers;

/* y = S v */
static PetscErrorCode MatMult_Layers(Mat S, Vec v, Vec y)
{
  Layers          *layers;
  const PetscReal *in;
  PetscReal       *out;
  PetscInt         begin, end;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(S, &layers));
  PetscCall(VecGetOwnershipRange(v, &begin, &end));
  for (PetscInt l = 0; l < layers->model->nlayers; l++) {
    const EngdLayer *layer = &layers->model->layer[l];
    const PetscInt   last  = layer->offset + (layer->n_in + 1) * layer->n_out;
    const PetscInt   start = PetscMax(layer->offset, begin) - begin, n = PetscMin(last, end) - begin - start;

    PetscCall(VecZeroEntries(layers->part));
    PetscCall(VecGetArrayRead(v, &in));
    PetscCall(VecGetArray(layers->part, &out));
    if (n > 0) PetscCall(PetscArraycpy(out + start, in + start, n));
    PetscCall(VecRestoreArray(layers->part, &out));
    PetscCall(VecRestoreArrayRead(v, &in));
    PetscCall(MatMult(layers->G, layers->part, layers->product));
    PetscCall(VecGetArrayRead(layers->product, &in));
    PetscCall(VecGetArray(y, &out));
    if (n > 0) PetscCall(PetscArraycpy(out + start, in + start, n));
    PetscCall(VecRestoreArray(y, &out));
    PetscCall(VecRestoreArrayRead(layers->product, &in));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MatGetDiagonal_Layers(Mat S, Vec diagonal)
{
  Layers *layers;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(S, &layers));
  PetscCall(MatGetDiagonal(layers->G, diagonal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* with the last of the shell and its duplicates, which share the context */
static PetscErrorCode LayersDestroy(EngdContextArgument argument)
{
  Layers *layers = (Layers *)ENGD_CONTEXT(argument);

  PetscFunctionBeginUser;
  PetscCall(MatDestroy(&layers->G));
  PetscCall(VecDestroy(&layers->part));
  PetscCall(VecDestroy(&layers->product));
  PetscCall(PetscFree(layers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* S of a matrix made by EngdFunctionalCreateGramian(), whose parameters and damping it follows. Collective */
PetscErrorCode EngdGramianCreateLayers(Mat G, Mat *S)
{
  EngdFunctional F;
  Layers        *layers;
  PetscInt       n;

  PetscFunctionBeginUser;
  PetscCall(EngdGramianGetFunctional(G, &F));
  PetscCall(PetscNew(&layers));
  PetscCall(PetscObjectReference((PetscObject)G));
  layers->G     = G;
  layers->model = F->model;
  PetscCall(MatCreateVecs(G, &layers->part, &layers->product));
  PetscCall(MatGetLocalSize(G, &n, NULL));
  PetscCall(MatCreateShell(F->comm, n, n, PETSC_DETERMINE, PETSC_DETERMINE, layers, S));
  PetscCall(PetscObjectSetName((PetscObject)*S, "Gramian of each layer"));
  PetscCall(MatShellSetOperation(*S, MATOP_MULT, (void (*)(void))MatMult_Layers));
  PetscCall(MatShellSetOperation(*S, MATOP_MULT_TRANSPOSE, (void (*)(void))MatMult_Layers));
  PetscCall(MatShellSetOperation(*S, MATOP_GET_DIAGONAL, (void (*)(void))MatGetDiagonal_Layers));
  PetscCall(MatShellSetContextDestroy(*S, LayersDestroy));
  PetscCall(MatSetOption(*S, MAT_SYMMETRIC, PETSC_TRUE));
  PetscCall(MatSetUp(*S));
  PetscFunctionReturn(PETSC_SUCCESS);
}
