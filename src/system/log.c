/*
  The log events and stages of a run, as -log_view shows them: one line here is one line there.

  Events are logged, with their flops, where the work is done; this file only names them.
*/
#include <engd/private.h>

EngdLog engd_log;

/*
  EngdLogRegister - Registers all events and stages; called by EngdInitialize().

  Not Collective
*/
PetscErrorCode EngdLogRegister(void)
{
  const struct {
    const char    *name;
    PetscLogEvent *event;
  } events[] = {
      {"JetForward", &engd_log.forward},
      {"JetTangent", &engd_log.tangent},
      {"JetActivation", &engd_log.activation},
      {"JetAdjoint", &engd_log.adjoint},
      {"JetHessian", &engd_log.adjoint_tangent},
      {"Expression", &engd_log.expression},
      {"Loss", &engd_log.loss},
      {"Gradient", &engd_log.gradient},
      {"Jacobian", &engd_log.jacobian},
      {"GramianMult", &engd_log.gramian},
      {"HessianMult", &engd_log.hessian},
      {"GramianDiag", &engd_log.diagonal},
      {"SeveralMult", &engd_log.several},
      {"JacobianFill", &engd_log.explicit},
      {"QR", &engd_log.qr},
      {"SVD", &engd_log.svd},
      {"KernelFill", &engd_log.kernel},
      {"KernelFactor", &engd_log.cholesky},
      {"DenseForm", &engd_log.form},
      {"DenseFactor", &engd_log.eigen},
      {"KFACFactors", &engd_log.kfac_factors},
      {"KFACInvert", &engd_log.kfac_invert},
      {"KFACApply", &engd_log.kfac_apply},
      {"NystromSetUp", &engd_log.nystrom_setup},
      {"NystromApply", &engd_log.nystrom_apply},
      {"EngdDirection", &engd_log.direction},
      {"EngdStep", &engd_log.step},
      {"Points", &engd_log.points},
      {"Walk", &engd_log.walk},
      {"Spectrum", &engd_log.spectrum},
      {"Checkpoint", &engd_log.checkpoint},
  };
  PetscClassId id;

  PetscFunctionBeginUser;
  PetscCall(PetscClassIdRegister("engd", &id));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(events); k++)
    PetscCall(PetscLogEventRegister(events[k].name, id, events[k].event));
  PetscCall(PetscLogStageRegister("Setup", &engd_log.setup));
  PetscCall(PetscLogStageRegister("Train", &engd_log.train));
  PetscCall(PetscLogStageRegister("Report", &engd_log.report));
  PetscFunctionReturn(PETSC_SUCCESS);
}
