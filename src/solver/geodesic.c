/*
  Levenberg-Marquardt steps with geodesic acceleration, for the narrow curved valleys in which straight steps stall.

    v = -(J^T J + mu s_1^2 I)^{-1} J^T R,   a = -(J^T J + mu s_1^2 I)^{-1} J^T R_vv,   theta <- theta + v + a/2

  R_vv, the second derivative of R along v, is 2/h ((R(theta + h v) - R)/h - J v). A step is taken if 2 |a/2| <= 3/4 |v| and the
  loss falls; else mu is doubled. Steps lower mu by 5. All tries share the factors of J that the direction holds.
  Measured on Poisson in 5 dimensions (449 parameters), from where truncated least squares stalls: 150 steps lower the
  loss 300 times; the exact Hessian (trust region, |H|) 1.1 to 25 times. From a random start it is the slower of the two.
  Reference: Transtrum and Sethna (arXiv 1201.5885); for PINNs Jnini et al. (2505.21404).
*/
#include <engd/private.h>

#define DIFFERENCE   0.1 /* h: the reference's, far from rounding */
#define RATIO        0.75
#define FIRST        1e-10 /* where there is no straight step to begin with */
#define LEAST        1e-32
#define INCREASE     2
#define DECREASE     5
#define MAX_ATTEMPTS 60

struct _n_EngdGeodesic {
  PetscReal mu; /* 0: to begin with the cut-off of the last straight step */
  Mat       J;
  Vec       v, a;               /* p entries */
  Vec       R, shifted, second; /* N entries: R, R(theta + h v), R_vv */
};

PetscErrorCode EngdGeodesicCreate(EngdFunctional F, EngdGeodesic *out)
{
  EngdGeodesic g;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&g));
  PetscCall(EngdFunctionalCreateJacobian(F, &g->J));
  PetscCall(MatCreateVecs(g->J, &g->v, &g->R));
  PetscCall(VecDuplicate(g->v, &g->a));
  PetscCall(VecDuplicate(g->R, &g->shifted));
  PetscCall(VecDuplicate(g->R, &g->second));
  *out = g;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v and a for the present mu */
static PetscErrorCode SolveTwice(EngdGeodesic g, EngdSolver solver, EngdDirection direction)
{
  PetscFunctionBeginUser;
  PetscCall((*direction->ops->solve)(direction, solver, g->mu, g->R, g->v));
  PetscCall(EngdFunctionalResidualAlong(solver->functional, g->v, DIFFERENCE, g->shifted));
  PetscCall(MatMult(g->J, g->v, g->second));
  /* second <- 2/h ((shifted - R)/h - J v) */
  PetscCall(VecAXPBYPCZ(g->second, 2 / (DIFFERENCE * DIFFERENCE), -2 / (DIFFERENCE * DIFFERENCE), -2 / DIFFERENCE,
                        g->shifted, g->R));
  PetscCall((*direction->ops->solve)(direction, solver, g->mu, g->second, g->a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdGeodesicStep - an accelerated step from line->theta.

  Collective

  Input Parameters:
+ geodesic  - holds mu from one step to the next
. solver    - its functional has line->theta set
- direction - with a `solve`, computed at line->theta

  Output Parameter:
. line - d, step (1, or 0 when no mu lowers the loss) and newloss; d is the geodesic's until the next step
*/
PetscErrorCode EngdGeodesicStep(EngdGeodesic g, EngdSolver solver, EngdDirection direction, EngdLine *line)
{
  const PetscReal one = 1;

  PetscFunctionBeginUser;
  line->step = 0;
  line->d    = g->v;
  if (g->mu == 0) g->mu = direction->taken > 0 ? PetscMax(LEAST, PetscSqr(direction->taken)) : FIRST;
  PetscCall(EngdFunctionalResidual(solver->functional, g->R));
  for (PetscInt attempt = 0; attempt < MAX_ATTEMPTS && line->step == 0; attempt++) {
    PetscReal velocity, acceleration, loss;

    PetscCall(SolveTwice(g, solver, direction));
    PetscCall(VecNorm(g->v, NORM_2, &velocity));
    PetscCall(VecNorm(g->a, NORM_2, &acceleration));
    direction->damping = PetscSqrtReal(g->mu);
    if (acceleration <= RATIO * velocity) { /* not if it is not a number */
      PetscCall(VecAXPY(g->v, 0.5, g->a));
      PetscCall(EngdFunctionalLossAlong(solver->functional, line->theta, g->v, 1, &one, &loss));
      if (loss < line->loss) {
        line->step    = 1;
        line->newloss = loss;
      }
    }
    g->mu = line->step > 0 ? PetscMax(LEAST, g->mu / DECREASE) : INCREASE * g->mu;
  }
  if (line->step == 0) g->mu = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mu; v and a are of one step */
PetscErrorCode EngdGeodesicState(EngdGeodesic g, EngdArchive a)
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchivePush(a, "geodesic"));
  PetscCall(EngdArchiveReal(a, "mu", &g->mu, 0));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdGeodesicDestroy(EngdGeodesic *geodesic)
{
  EngdGeodesic g = *geodesic;

  PetscFunctionBeginUser;
  if (!g) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatDestroy(&g->J));
  PetscCall(VecDestroy(&g->v));
  PetscCall(VecDestroy(&g->a));
  PetscCall(VecDestroy(&g->R));
  PetscCall(VecDestroy(&g->shifted));
  PetscCall(VecDestroy(&g->second));
  PetscCall(PetscFree(*geodesic));
  PetscFunctionReturn(PETSC_SUCCESS);
}
