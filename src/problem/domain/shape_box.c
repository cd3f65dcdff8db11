/*
  The box (l_1,u_1) x .. x (l_d,u_d): x = (1 - z) l + z u, on a face with z_c = 0 or 1.

  Distance: both of all (x - l)(u - x)/(u - l), each smooth and with slope 1 at its ends.
*/
#include "shape.h"

static PetscErrorCode EngdShapeMap_Box(EngdShape box, const EngdPatch *patch, const PetscReal z[], EngdHits *hits)
{
  PetscFunctionBeginUser;
  hits->n          = 1;
  hits->density[0] = 1.0;
  for (PetscInt c = 0, k = 0; c < box->nspace; c++) {
    const PetscReal s = c == patch->fixed ? patch->side : z[k++];

    hits->x[c]      = (1.0 - s) * box->lower[c] + s * box->upper[c];
    hits->normal[c] = c == patch->fixed ? 2.0 * patch->side - 1.0 : 0.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeLevel_Box(EngdShape box, const PetscReal x[], PetscReal *level)
{
  PetscFunctionBeginUser;
  *level = PETSC_MIN_REAL;
  for (PetscInt c = 0; c < box->nspace; c++)
    *level = PetscMax(*level, PetscMax(box->lower[c] - x[c], x[c] - box->upper[c]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeDistance_Box(EngdShape box, char *const coordinate[], char **text)
{
  char   **list;
  PetscInt n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(box->nspace, &list));
  for (PetscInt c = 0; c < box->nspace; c++) {
    const double l = (double)box->lower[c], u = (double)box->upper[c];

    if (box->patch[1 + 2 * c].seam) continue;
    PetscCall(
        EngdTextPrint(&list[n++], "((%s-(%.17g))*(%.17g-%s)/%.17g)", coordinate[c], l, u, coordinate[c], u - l));
  }
  if (n)
    PetscCall(EngdTextJoinAll(PETSC_TRUE, n, list, text));
  else
    PetscCall(PetscStrallocpy("1", text)); /* no boundary: a factor that demands nothing */
  PetscCall(PetscFree(list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeView_Box(EngdShape box, char *const coordinate[], PetscViewer viewer)
{
  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < box->nspace; c++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s in (%g, %g)\n", coordinate[c], (double)box->lower[c],
                                     (double)box->upper[c]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdShapeCreateBox - The box between two corners; its faces in the order x_1=lower, x_1=upper, x_2=lower, ...
*/
PetscErrorCode EngdShapeCreateBox(MPI_Comm comm, PetscInt nspace, const PetscReal lower[], const PetscReal upper[],
                                  EngdShape *shape)
{
  EngdShape  box;
  EngdPatch *patch;

  PetscFunctionBeginUser;
  PetscCall(EngdShapeCreate(comm, nspace, &box));
  PetscCall(PetscArraycpy(box->lower, lower, nspace));
  PetscCall(PetscArraycpy(box->upper, upper, nspace));
  for (PetscInt f = -1; f < 2 * nspace; f++) {
    const PetscInt fixed = f < 0 ? -1 : f / 2;
    PetscReal      area  = 1.0;

    for (PetscInt c = 0; c < nspace; c++) area *= c == fixed ? 1.0 : upper[c] - lower[c];
    PetscCall(EngdShapeAddPatch(box, nspace - (f < 0 ? 0 : 1), f < 0 ? PETSC_FALSE : PETSC_TRUE, area, &patch));
    patch->fixed    = fixed;
    patch->side     = f < 0 ? 0.0 : (PetscReal)(f % 2);
    patch->straight = PETSC_TRUE;
  }
  box->map      = EngdShapeMap_Box;
  box->level    = EngdShapeLevel_Box;
  box->distance = EngdShapeDistance_Box;
  box->view     = EngdShapeView_Box;
  *shape        = box;
  PetscFunctionReturn(PETSC_SUCCESS);
}
