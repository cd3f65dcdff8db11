/*
  Backtracking over the iterates of a Krylov method: not the last one but the one with the lowest loss.

    d = argmin of the loss(theta + x_i) over iterations i = 1, 2, 3, 4, 6, 8, ..., each about 1.3 times the one before, and
    the last

  A monitor of the KSP keeps copies of the iterates, so any method will do that has them. The loss is measured at length 1.
  Reference: Martens, Deep learning via Hessian-free optimization (ICML 2010), section 4.6.
*/
#include <engd/private.h>

#define GROWTH 1.3

struct _n_EngdBacktrack {
  PetscInt n, most; /* iterates kept of this solve, and how many can be */
  PetscInt next;    /* iteration to keep */
  Vec     *iterate;
};

/* the iteration kept after this one */
static PetscInt After(PetscInt iteration)
{
  return PetscMax(iteration + 1, (PetscInt)PetscCeilReal(GROWTH * iteration));
}

/* what the KSP calls at each iteration */
static PetscErrorCode Keep(KSP ksp, PetscInt iteration, PetscReal norm, void *data)
{
  EngdBacktrack kept = (EngdBacktrack)data;
  Vec           x;

  PetscFunctionBeginUser;
  (void)norm;
  if (iteration < kept->next || kept->n == kept->most) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPBuildSolution(ksp, NULL, &x));
  PetscCall(VecCopy(x, kept->iterate[kept->n++]));
  kept->next = After(iteration);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* watch a KSP that solves for vectors such as x. Collective */
PetscErrorCode EngdBacktrackCreate(KSP ksp, Vec x, EngdBacktrack *out)
{
  EngdBacktrack kept;
  PetscInt      maximum;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&kept));
  PetscCall(KSPGetTolerances(ksp, NULL, NULL, NULL, &maximum));
  for (PetscInt i = 1; i <= maximum; i = After(i)) kept->most++;
  PetscCall(VecDuplicateVecs(x, kept->most, &kept->iterate));
  PetscCall(KSPMonitorSet(ksp, Keep, kept, NULL));
  *out = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* before a solve */
PetscErrorCode EngdBacktrackBegin(EngdBacktrack kept)
{
  PetscFunctionBeginUser;
  kept->n    = 0;
  kept->next = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* after it: d, the solution, <- the iterate with the lowest loss from theta on, d itself if none has a lower one */
PetscErrorCode EngdBacktrackChoose(EngdBacktrack kept, EngdFunctional F, Vec theta, Vec d)
{
  const PetscReal one = 1;
  PetscReal       least, loss;
  PetscInt        best = -1;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalLossAlong(F, theta, d, 1, &one, &least));
  for (PetscInt k = kept->n - 1; k >= 0; k--) {
    PetscCall(EngdFunctionalLossAlong(F, theta, kept->iterate[k], 1, &one, &loss));
    if (PetscIsInfOrNanReal(loss) || loss >= least) continue; /* never true of a least that is not a number */
    least = loss;
    best  = k;
  }
  if (best >= 0) PetscCall(VecCopy(kept->iterate[best], d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdBacktrackDestroy(EngdBacktrack *kept)
{
  PetscFunctionBeginUser;
  if (!*kept) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDestroyVecs((*kept)->most, &(*kept)->iterate));
  PetscCall(PetscFree(*kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}
