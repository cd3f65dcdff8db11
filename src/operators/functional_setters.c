/*
  What the options of a functional say, said by a program.
*/
#include <engd/private.h>

/*
  EngdFunctionalSetMemoryLimit - What one rank may keep of the jets between products, and what directions may allocate.

  Logically collective; before EngdFunctionalSetUp(), as the two setters below

  Input Parameters:
+ F     - the functional
- bytes - positive, the same on all ranks; half of the rank's share of the node's memory until it is set

  Options Database Key:
. -engd_memory_limit bytes

  Source: src/operators/functional_setters.c
*/
PetscErrorCode EngdFunctionalSetMemoryLimit(EngdFunctional F, PetscReal bytes)
{
  PetscFunctionBeginUser;
  PetscCheck(bytes > 0, F->comm, PETSC_ERR_ARG_OUTOFRANGE, "-engd_memory_limit %g: give a positive number",
             (double)bytes);
  F->options.memory_limit = bytes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalSetBlockPoints - How many points are worked on at a time.

  Logically collective

  Input Parameters:
+ F - the functional
- n - positive, or 0 for a size that fits the cache

  Options Database Key:
. -engd_block_points n

  Source: src/operators/functional_setters.c
*/
PetscErrorCode EngdFunctionalSetBlockPoints(EngdFunctional F, PetscInt n)
{
  PetscFunctionBeginUser;
  PetscCheck(n >= 0, F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-engd_block_points %" PetscInt_FMT ": give a positive number, or 0", n);
  F->options.block_points = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalSetCurvature - The metric of the direction.

  Logically collective

  Input Parameters:
+ F    - the functional
- type - gauss_newton (until it is set), energy, l2, h1, hessian, or a registered one

  Options Database Key:
. -tao_engd_curvature type

  Source: src/operators/functional_setters.c
*/
PetscErrorCode EngdFunctionalSetCurvature(EngdFunctional F, const char type[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdCurvatureDestroy(&F->curvature));
  PetscCall(EngdCurvatureCreate(type, &F->curvature));
  if (F->model)
    PetscCall(EngdFunctionalDifferentiate(F)); /* it is set up, and this one may read what that one did not */
  PetscFunctionReturn(PETSC_SUCCESS);
}
