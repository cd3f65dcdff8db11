/*
  Where a run begins: at its parameters, as if nothing had happened yet, whatever an earlier solve has left behind, or where a
  checkpoint says. So a solve from the same parameters is the first one again, also behind one that an error has ended.
*/
#include <engd/private.h>

PetscErrorCode EngdRunBegin(EngdRun run)
{
  PetscFunctionBeginUser;
  run->pace.n    = 0;
  run->end       = ENGD_END_BY_TAO;
  run->plan.done = PETSC_FALSE;
  if (run->begun) PetscCall(EngdRunForget(run));
  EngdDomainSetWindow(run->problem->domain, 0);
  run->max_seconds = EngdRunShareTraining(run);
  if (!run->begun) run->evaluations = run->functional->count.evaluations;
  run->begun      = PETSC_TRUE;
  run->iterations = run->krylov_iterations = run->present = run->folded = run->folded_krylov = 0;
  run->last_row = run->written = -1;
  run->seconds = run->seconds_in_stage = 0;
  run->reason                          = TAO_CONTINUE_ITERATING;
  run->resumes                         = PETSC_FALSE;
  run->failure[0]                      = 0;
  if (run->plan.made && !run->restart) PetscCall(EngdPlanReset(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
