/*
  What all shapes share, the shape that is one point, and the R-functions that join distances.

  R-functions: both(a, b) = a + b - sqrt(a^2 + b^2) is positive where a and b are, either(a, b) with a plus sign where one
  is. On a smooth part of the boundary they are a or b to first order, so a distance stays normalised: its derivative along
  the inner normal is 1. They are smooth but where a = b = 0: at corners. Reference: Rvachev and Sheiko (1995).
*/
#include "shape.h"

PetscErrorCode EngdShapeCreate(MPI_Comm comm, PetscInt nspace, EngdShape *shape)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(shape));
  (*shape)->comm   = comm;
  (*shape)->nspace = nspace;
  (*shape)->tight  = PETSC_TRUE;
  PetscCall(PetscCalloc2(nspace, &(*shape)->lower, nspace, &(*shape)->upper));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdShapeAddPatch - One more patch. Pointers to patches are valid until the next one is added.
*/
PetscErrorCode EngdShapeAddPatch(EngdShape shape, PetscInt nfree, PetscBool boundary, PetscReal measure,
                                 EngdPatch **patch)
{
  PetscFunctionBeginUser;
  if (shape->npatches == shape->patches_size) {
    EngdPatch *longer;

    shape->patches_size = 2 * shape->patches_size + 2;
    PetscCall(PetscCalloc1(shape->patches_size, &longer));
    PetscCall(PetscArraycpy(longer, shape->patch, shape->npatches));
    PetscCall(PetscFree(shape->patch));
    shape->patch = longer;
  }
  *patch             = &shape->patch[shape->npatches];
  (*patch)->number   = shape->npatches++;
  (*patch)->nfree    = nfree;
  (*patch)->boundary = boundary;
  (*patch)->measure  = measure;
  (*patch)->fixed    = -1;
  (*patch)->left     = -1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdShapeDestroy(EngdShape *shape)
{
  PetscFunctionBeginUser;
  if (!*shape) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*shape)->destroy) PetscCall((*(*shape)->destroy)(*shape));
  PetscCall(PetscFree2((*shape)->lower, (*shape)->upper));
  PetscCall(PetscFree((*shape)->patch));
  PetscCall(PetscFree(*shape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeMap_Point(EngdShape shape, const EngdPatch *patch, const PetscReal z[], EngdHits *hits)
{
  PetscFunctionBeginUser;
  (void)patch, (void)z;
  hits->n          = 1;
  hits->density[0] = 1.0;
  PetscCall(PetscArraycpy(hits->x, shape->lower, shape->nspace));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdShapeCreatePoint - A point, of measure 1.
*/
PetscErrorCode EngdShapeCreatePoint(MPI_Comm comm, PetscInt nspace, const PetscReal x[], EngdShape *shape)
{
  EngdPatch *patch;

  PetscFunctionBeginUser;
  PetscCall(EngdShapeCreate(comm, nspace, shape));
  PetscCall(PetscArraycpy((*shape)->lower, x, nspace));
  PetscCall(PetscArraycpy((*shape)->upper, x, nspace));
  PetscCall(EngdShapeAddPatch(*shape, 0, PETSC_FALSE, 1.0, &patch));
  (*shape)->map = EngdShapeMap_Point;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdTextJoin - both(a, b) or either(a, b) as text.
*/
PetscErrorCode EngdTextJoin(PetscBool both, char *a, char *b, char **text)
{
  PetscFunctionBeginUser;
  PetscCall(EngdTextPrint(text, "(%s+%s%csqrt((%s)^2+(%s)^2))", a, b, both ? '-' : '+', a, b));
  PetscCall(PetscFree(a));
  PetscCall(PetscFree(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdTextJoinAll - The same of n texts, in pairs: the length grows as n^2, where one after the other it would as 2^n.
*/
PetscErrorCode EngdTextJoinAll(PetscBool both, PetscInt n, char *list[], char **text)
{
  char *a, *b;

  PetscFunctionBeginUser;
  if (n == 1) {
    *text = list[0];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(EngdTextJoinAll(both, n / 2, list, &a));
  PetscCall(EngdTextJoinAll(both, n - n / 2, list + n / 2, &b));
  PetscCall(EngdTextJoin(both, a, b, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}
