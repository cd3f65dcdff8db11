/*
  Vectors of the size of theta: spread over the ranks outside, whole where blocks read them.

  There is one whole copy of theta and of the argument of a product on each rank, of large networks one on each node
  (EngdWhole), and one array on each rank for its part of a result. A gradient or a product ends with one sum over the
  ranks. The theta that was set is known by its vector and that vector's state, so that nothing is gathered twice.
*/
#include <engd/private.h>

/* the whole vectors */
PetscErrorCode EngdFunctionalSetUpVectors(EngdFunctional F)
{
  const PetscInt p    = F->model->nparameters;
  MPI_Comm       node = p < F->options.share_from ? MPI_COMM_NULL : F->node;
  PetscInt       n = PETSC_DECIDE, size = p;

  PetscFunctionBeginUser;
  PetscCall(PetscSplitOwnership(F->comm, &n, &size)); /* as EngdModelCreateParameters() */
  PetscCall(EngdWholeCreate(F->comm, node, n, &F->present.whole));
  PetscCall(EngdWholeCreate(F->comm, node, n, &F->work.from));
  PetscCall(PetscMalloc1(p, &F->work.sum));
  F->present.theta = EngdWholeArray(F->present.whole);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalDestroyVectors(EngdFunctional F)
{
  PetscFunctionBeginUser;
  PetscCall(EngdWholeDestroy(&F->work.from));
  PetscCall(PetscFree(F->work.sum));
  PetscCall(EngdWholeDestroy(&F->present.whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gather(EngdWhole whole, Vec distributed)
{
  const PetscReal *mine;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(distributed, &mine));
  PetscCall(EngdWholeGather(whole, mine));
  PetscCall(VecRestoreArrayRead(distributed, &mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is it the vector, with the entries, that the present parameters are */
static PetscErrorCode IsPresent(EngdFunctional F, Vec theta, PetscBool *present)
{
  PetscObjectId    id;
  PetscObjectState state;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectGetId((PetscObject)theta, &id));
  PetscCall(PetscObjectStateGet((PetscObject)theta, &state));
  *present = (PetscBool)(id == F->present.id && state == F->present.state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalGather(EngdFunctional F, Vec distributed, const PetscReal **whole)
{
  PetscBool present = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(IsPresent(F, distributed, &present));
  if (!present) PetscCall(Gather(F->work.from, distributed));
  *whole = present ? F->present.theta : EngdWholeArray(F->work.from);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalReduce(EngdFunctional F, const PetscReal whole[], Vec distributed)
{
  PetscReal *mine;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayWrite(distributed, &mine));
  PetscCall(EngdWholeReduce(F->work.from, whole, mine));
  PetscCall(VecRestoreArrayWrite(distributed, &mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalSetParameters - the point at which loss, gradient, J and G are taken from now on.

  Collective

  Input Parameters:
+ functional - the functional
- theta      - p parameters, spread over the ranks; nothing is done if it has not changed since the last call
*/
PetscErrorCode EngdFunctionalSetParameters(EngdFunctional F, Vec theta)
{
  PetscBool present = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(IsPresent(F, theta, &present));
  if (present) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Gather(F->present.whole, theta));
  PetscCall(PetscObjectGetId((PetscObject)theta, &F->present.id));
  PetscCall(PetscObjectStateGet((PetscObject)theta, &F->present.state));
  for (PetscInt b = 0; b < F->nblocks; b++) F->block[b].current = PETSC_FALSE;
  F->present.generation++;
  if (!F->outer.walks || F->problem->term[0]->walk->begun) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalBeginWalk(F, 0));
  PetscCall(EngdFunctionalAttachPoints(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}
