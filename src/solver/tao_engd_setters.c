/*
  The setters of TAO type "engd". Each is one of its options: who wants options to count more calls TaoSetFromOptions() afterwards.
  What a type of direction or step has of its own is set by options.
*/
#include "tao_engd.h"

/*@C
  TaoEngdSetDirectionType - The way to the direction

  Collective

  Input Parameters:
+ tao  - of type engd, from EngdSolverCreate()
- type - auto, krylov, tsvd, dual, randomized, dense, or a registered one

  Options Database Key:
. -tao_engd_direction type

  Errors: PETSC_ERR_USER_INPUT and the like for an unknown type, or one that the problem or the memory rules out

  Note: reads the options, those of the new type among them; -tao_engd_direction counts more than `type`.

  Source: src/solver/tao_engd_setters.c

.seealso: TaoEngdSetStepType()
@*/
PetscErrorCode TaoEngdSetDirectionType(Tao tao, const char type[])
{
  TAO_ENGD *engd;
  PetscBool automatic;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetData(tao, "engd", &engd));
  PetscCall(PetscStrcmp(type, ENGD_DEFAULT_DIRECTION, &automatic));
  PetscCall(EngdDirectionDestroy(&engd->direction));
  if (!automatic) PetscCall(EngdDirectionCreate(type, &engd->direction));
  PetscCall(TaoSetFromOptions(tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  TaoEngdSetStepType - The way to the step length

  Collective

  Input Parameters:
+ tao  - of type engd
- type - grid, armijo, fixed, quadratic, trust_region, or a registered one

  Options Database Key:
. -tao_engd_step type

  Note: reads the options, those of the new type among them; -tao_engd_step counts more than `type`.

  Source: src/solver/tao_engd_setters.c

.seealso: TaoEngdSetDirectionType()
@*/
PetscErrorCode TaoEngdSetStepType(Tao tao, const char type[])
{
  TAO_ENGD *engd;
  EngdStep  step;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetData(tao, "engd", &engd));
  PetscCall(EngdStepCreate(type, &step));
  PetscCall(EngdStepDestroy(&engd->step));
  engd->step = step;
  PetscCall(TaoSetFromOptions(tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  TaoEngdSetDamping - lambda of G + lambda I

  Logically collective

  Input Parameters:
+ tao    - of type engd
. lambda - the first one, or the fixed one, not negative
- adapt  - does it follow the steps

  Options Database Keys:
+ -tao_engd_damping lambda
- -tao_engd_damping_adapt

  Source: src/solver/tao_engd_setters.c

.seealso: TaoEngdSetDampingRule(), EngdGramianSetDamping()
@*/
PetscErrorCode TaoEngdSetDamping(Tao tao, PetscReal lambda, PetscBool adapt)
{
  EngdDamping damping;
  TAO_ENGD   *engd;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetData(tao, "engd", &engd));
  damping       = engd->solver->damping;
  damping.first = lambda;
  damping.adapt = adapt;
  PetscCall(EngdDampingCheck(&damping, PetscObjectComm((PetscObject)tao)));
  engd->solver->damping = damping;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  TaoEngdSetDampingRule - How lambda of G + lambda I follows the steps

  Logically collective

  Input Parameters:
+ tao      - of type engd
. min      - the least lambda, not negative
. increase - its factor after a step shorter than 1/4, at least 1
- decrease - its divisor after a longer one, at least 1

  Options Database Keys:
+ -tao_engd_damping_min min
. -tao_engd_damping_increase factor
- -tao_engd_damping_decrease divisor

  Source: src/solver/tao_engd_setters.c

.seealso: TaoEngdSetDamping()
@*/
PetscErrorCode TaoEngdSetDampingRule(Tao tao, PetscReal min, PetscReal increase, PetscReal decrease)
{
  EngdDamping damping;
  TAO_ENGD   *engd;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetData(tao, "engd", &engd));
  damping          = engd->solver->damping;
  damping.min      = min;
  damping.increase = increase;
  damping.decrease = decrease;
  PetscCall(EngdDampingCheck(&damping, PetscObjectComm((PetscObject)tao)));
  engd->solver->damping = damping;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  TaoEngdSetMomentum - mu of m <- mu m + d, the sum of directions that steps are taken along

  Logically collective

  Input Parameters:
+ tao - of type engd
- mu  - from 0, for none, to below 1

  Options Database Key:
. -tao_engd_momentum mu

  Source: src/solver/tao_engd_setters.c
@*/
PetscErrorCode TaoEngdSetMomentum(Tao tao, PetscReal mu)
{
  TAO_ENGD *engd;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetData(tao, "engd", &engd));
  PetscCheck(mu >= 0 && mu < 1, PetscObjectComm((PetscObject)tao), PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_momentum %g: give a number from 0 to below 1", (double)mu);
  engd->momentum = mu;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  TaoEngdSetMaxRejections - After how many iterations in a row without a step the optimiser stops

  Logically collective

  Input Parameters:
+ tao - of type engd
- n   - positive

  Options Database Key:
. -tao_engd_max_rejections n

  Source: src/solver/tao_engd_setters.c
@*/
PetscErrorCode TaoEngdSetMaxRejections(Tao tao, PetscInt n)
{
  TAO_ENGD *engd;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetData(tao, "engd", &engd));
  PetscCheck(n > 0, PetscObjectComm((PetscObject)tao), PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_max_rejections %" PetscInt_FMT ": give a positive number", n);
  engd->max_rejections = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  TaoEngdSetAcceptIncrease - Whether steps that raise the loss are kept, as pure Newton needs near saddles

  Logically collective

  Input Parameters:
+ tao    - of type engd, whose step knows of such steps: fixed, quadratic
- accept - are they

  Options Database Key:
. -tao_engd_accept_increase

  Source: src/solver/tao_engd_setters.c
@*/
PetscErrorCode TaoEngdSetAcceptIncrease(Tao tao, PetscBool accept)
{
  TAO_ENGD *engd;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetData(tao, "engd", &engd));
  engd->solver->accept_increase = accept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  TaoEngdSetRetryStep - After how short a step the more cautious directions of the type are tried

  Logically collective

  Input Parameters:
+ tao    - of type engd
- length - from 0, only after none, to below 1

  Options Database Key:
. -tao_engd_retry_step length

  Source: src/solver/tao_engd_setters.c
@*/
PetscErrorCode TaoEngdSetRetryStep(Tao tao, PetscReal length)
{
  TAO_ENGD *engd;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetData(tao, "engd", &engd));
  PetscCheck(length >= 0 && length < 1, PetscObjectComm((PetscObject)tao), PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_retry_step %g: give a number from 0 to below 1", (double)length);
  engd->retry_step = length;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  TaoEngdSetGeodesic - Whether slow iterations are followed by accelerated ones, where the direction has factors of J

  Logically collective

  Input Parameters:
+ tao      - of type engd
- geodesic - are they

  Options Database Key:
. -tao_engd_geodesic

  Source: src/solver/tao_engd_setters.c
@*/
PetscErrorCode TaoEngdSetGeodesic(Tao tao, PetscBool geodesic)
{
  TAO_ENGD *engd;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetData(tao, "engd", &engd));
  engd->geodesic = geodesic;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  TaoEngdSetStall - After how many iterations that lower the loss by less than 0.1% in all the optimiser stops

  Logically collective

  Input Parameters:
+ tao - of type engd
- n   - up to 1000000, or 0 for never

  Options Database Key:
. -tao_engd_stall n

  Source: src/solver/tao_engd_setters.c
@*/
PetscErrorCode TaoEngdSetStall(Tao tao, PetscInt n)
{
  TAO_ENGD *engd;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetData(tao, "engd", &engd));
  PetscCheck(n >= 0 && n <= STALL_MOST, PetscObjectComm((PetscObject)tao), PETSC_ERR_ARG_OUTOFRANGE,
             "-tao_engd_stall %" PetscInt_FMT ": give 1 to %d, or 0 for never", n, STALL_MOST);
  engd->stall = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}
