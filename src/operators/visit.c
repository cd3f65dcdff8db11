/*
  Going through the blocks: what all operators have in common, and who works with their scratch.

    y = sum over ranks and blocks of A_b x    one gather of x before, one sum over the ranks after

  A product of a block is the business of its operator. The scratch is taken by name and given back also after an error: where
  one operator begins within another, as of a callback that evaluates what it is part of, both names are told in place of
  numbers that are silently wrong.
*/
#include <engd/private.h>

PetscErrorCode EngdFunctionalBegin(EngdFunctional F, const char user[])
{
  PetscFunctionBeginUser;
  PetscCheck(!F->work.user, F->comm, PETSC_ERR_PLIB,
             "%s begins while %s works with the blocks of the same functional", user, F->work.user);
  PetscCall(EngdOuterUpdate(F));
  F->work.theta = F->present.theta;
  F->work.user  = user;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalEnd(EngdFunctional F)
{
  PetscFunctionBeginUser;
  F->work.user  = NULL;
  F->work.theta = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the visits in turn */
static PetscErrorCode VisitBlocks(EngdFunctional F, EngdBlockVisit visit, void *data)
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block;

    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    PetscCall((*visit)(F, block, &F->work, data));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalVisit(EngdFunctional F, const char user[], Vec from, EngdBlockVisit visit, void *data,
                                   Vec to)
{
  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalVisitRows(F, user, from, visit, NULL, data, to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalVisitRows(EngdFunctional F, const char user[], Vec from, EngdBlockVisit visit,
                                       EngdRowsVisit rows, void *data, Vec to)
{
  EngdBlockWork *work = &F->work;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  if (rows) PetscCall(EngdIntegralRowsUpdate(F));
  PetscCall(EngdFunctionalBegin(F, user));
  if (from) PetscCall(EngdFunctionalGather(F, from, &work->in));
  if (to) {
    work->out = work->sum;
    PetscCall(PetscArrayzero(work->out, F->model->nparameters));
  }
  ierr = VisitBlocks(F, visit, data);
  if (!ierr && rows && F->integral.here) ierr = (*rows)(F, work, data);
  work->in  = NULL;
  work->out = NULL;
  if (!ierr && to) ierr = EngdFunctionalReduce(F, work->sum, to);
  PetscCall(EngdFunctionalEnd(F));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}
