/*
  The registry of curvatures: metrics W on the jets, one file a type. What they apply and their square roots are
  described in functional.h; -tao_engd_curvature names one.
*/
#include <engd/private.h>

static PetscFunctionList curvature_list = NULL;
static PetscBool         registered     = PETSC_FALSE;

static PetscErrorCode DestroyList(void)
{
  PetscFunctionBeginUser;
  registered = PETSC_FALSE;
  PetscCall(PetscFunctionListDestroy(&curvature_list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the built-in types, once until PETSc ends */
static PetscErrorCode RegisterAll(void)
{
  PetscFunctionBeginUser;
  if (registered) PetscFunctionReturn(PETSC_SUCCESS);
  registered = PETSC_TRUE;
  PetscCall(PetscRegisterFinalize(DestroyList));
  PetscCall(EngdCurvatureRegister("gauss_newton", EngdCurvatureCreate_GaussNewton));
  PetscCall(EngdCurvatureRegister("energy", EngdCurvatureCreate_Energy));
  PetscCall(EngdCurvatureRegister("l2", EngdCurvatureCreate_L2));
  PetscCall(EngdCurvatureRegister("h1", EngdCurvatureCreate_H1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdCurvatureRegister - adds a metric; create fills the ops and `values`. Not collective */
PetscErrorCode EngdCurvatureRegister(const char name[], PetscErrorCode (*create)(EngdCurvature))
{
  PetscFunctionBeginUser;
  PetscCall(RegisterAll());
  PetscCall(PetscFunctionListAdd(&curvature_list, name, create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdCurvatureCreate(const char type[], EngdCurvature *curvature)
{
  PetscErrorCode (*create)(EngdCurvature);

  PetscFunctionBeginUser;
  PetscCall(RegisterAll());
  PetscCall(PetscFunctionListFind(curvature_list, type, &create));
  PetscCheck(create, PETSC_COMM_SELF, PETSC_ERR_ARG_UNKNOWN_TYPE,
             "-tao_engd_curvature: unknown curvature '%s'; known are gauss_newton, energy, l2, h1", type);
  PetscCall(PetscNew(curvature));
  PetscCall(PetscStrallocpy(type, &(*curvature)->type));
  (*curvature)->values = -1;
  PetscCall((*create)(*curvature));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdCurvatureDestroy(EngdCurvature *curvature)
{
  PetscFunctionBeginUser;
  if (!*curvature) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*curvature)->ops->destroy) PetscCall((*(*curvature)->ops->destroy)(*curvature));
  PetscCall(PetscFree((*curvature)->type));
  PetscCall(PetscFree(*curvature));
  PetscFunctionReturn(PETSC_SUCCESS);
}
