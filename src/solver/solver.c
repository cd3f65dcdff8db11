/*
  The optimiser of a functional: a Tao with loss, gradient, Gramian or exact Hessian and, for least squares, residual and Jacobian, so
  that -tao_type engd, adam, sgd and PETSc's own lmvm, nls, ntr, brgn, ... run on the same objective.
*/
#include "maximise.h"

static PetscErrorCode FormObjectiveAndGradient(Tao tao, Vec theta, PetscReal *loss, Vec gradient, void *functional)
{
  EngdFunctional F = (EngdFunctional)functional;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(EngdFunctionalEvaluate(F, loss, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FormObjective(Tao tao, Vec theta, PetscReal *loss, void *functional)
{
  PetscFunctionBeginUser;
  PetscCall(FormObjectiveAndGradient(tao, theta, loss, NULL, functional));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FormGradient(Tao tao, Vec theta, Vec gradient, void *functional)
{
  PetscReal loss;

  PetscFunctionBeginUser;
  PetscCall(FormObjectiveAndGradient(tao, theta, &loss, gradient, functional));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FormResidual(Tao tao, Vec theta, Vec residual, void *functional)
{
  EngdFunctional F = (EngdFunctional)functional;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(EngdFunctionalResidual(F, residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix-free operator follows the parameters of its functional; its new state tells preconditioners of the change. The
   assembly forgets the shifts that nls adds to an indefinite Hessian. */
static PetscErrorCode FormOperator(Tao tao, Vec theta, Mat A, Mat P, void *functional)
{
  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(EngdFunctionalSetParameters((EngdFunctional)functional, theta));
  for (PetscInt k = 0; k < (P == A ? 1 : 2); k++) {
    PetscCall(MatAssemblyBegin(k ? P : A, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(k ? P : A, MAT_FINAL_ASSEMBLY));
    PetscCall(PetscObjectStateIncrease((PetscObject)(k ? P : A)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is it a TAO type of the table */
static PetscErrorCode IsOwn(const EngdRegistered *type, PetscBool *own)
{
  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(type->kind, "tao", own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTaoTypeFeatures(const char type[], unsigned *features)
{
  PetscFunctionBeginUser;
  PetscCall(EngdPetscTaoFeatures(type, features));
  for (const EngdRegistered *entry = engd_registered; entry->kind; entry++) {
    PetscBool own, same;

    PetscCall(IsOwn(entry, &own));
    PetscCall(PetscStrcmp(type, entry->name, &same));
    if (own && same) *features = entry->features | ENGD_TAO_LOOP;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdTaoListWith(unsigned features, size_t size, char names[])
{
  PetscFunctionBeginUser;
  names[0] = 0;
  for (const EngdRegistered *entry = engd_registered; entry->kind; entry++) {
    PetscBool own;

    PetscCall(IsOwn(entry, &own));
    if (!own || ((entry->features | ENGD_TAO_LOOP) & features) != features) continue;
    if (names[0]) PetscCall(PetscStrlcat(names, ", ", size));
    PetscCall(PetscStrlcat(names, entry->name, size));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what iterates, calls monitors and tests: the Tao itself, or the one inside of brgn; borrowed */
PetscErrorCode EngdSolverGetIterating(Tao tao, Tao *iterating)
{
  unsigned features;

  PetscFunctionBeginUser;
  PetscCall(EngdTaoGetFeatures(tao, &features));
  *iterating = tao;
  if (features & ENGD_TAO_INNER)
    PetscCall(TaoBRGNGetSubsolver(tao, iterating)); /* from 3.25 on it does not inherit the monitors */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the residual and its Jacobian, for TAO types on least squares */
static PetscErrorCode SetLeastSquares(EngdFunctional F, Tao tao)
{
  Mat J;
  Vec R;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalCreateJacobian(F, &J));
  PetscCall(MatCreateVecs(J, NULL, &R));
  PetscCall(TaoSetResidualRoutine(tao, R, FormResidual, F));
  PetscCall(TaoSetJacobianResidualRoutine(tao, J, J, FormOperator, F));
  PetscCall(VecDestroy(&R));
  PetscCall(MatDestroy(&J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* KFAC; PETSc's own default needs the entries of a matrix, and KFAC takes no integrals */
const char *EngdDefaultPC(EngdFunctional F)
{
  return EngdIntegralRowsOfMetric(F) ? "nystrom" : ENGD_DEFAULT_PC;
}

/* The type, engd unless -tao_type says otherwise, and what its KSP, if any, is preconditioned with */
static PetscErrorCode SetType(EngdFunctional F, Tao tao)
{
  char     type[256] = ENGD_DEFAULT_TAO;
  unsigned features;
  KSP      ksp;
  PC       pc;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-tao_type", type, sizeof(type), NULL));
  PetscCall(EngdTaoTypeFeatures(type, &features));
  PetscCheck(!(features & ENGD_TAO_ELSEWHERE), F->comm, PETSC_ERR_ARG_WRONG,
             "-tao_type %s is for another kind of problem; take engd, lmvm, nls, ntr, brgn, cg, ...", type);
  PetscCall(TaoSetType(tao, type));
  PetscCheck(
      F->least_squares || !(features & ENGD_TAO_LEAST_SQUARES), F->comm, PETSC_ERR_USER_INPUT,
      "-tao_type %s is for least squares, but a term of this problem is an energy; engd, lmvm, nls are for both",
      type);
  PetscCall(TaoGetKSP(tao, &ksp));
  if (!ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, features & ENGD_TAO_PC_LMVM ? PCLMVM : EngdDefaultPC(F)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The Hessian of the Tao is the Gramian; with curvature hessian it is that of the loss, preconditioned by its Gauss-Newton part or
   by itself. */
static PetscErrorCode SetHessian(EngdFunctional F, Tao tao)
{
  static const char *const sources[] = {"gauss_newton", "hessian"};
  PetscInt                 source    = 0;
  Mat                      G, H;

  PetscFunctionBeginUser;
  PetscOptionsBegin(F->comm, NULL, "Preconditioner of the exact Hessian", "EngdSolverCreate");
  PetscCall(PetscOptionsEList("-tao_engd_preconditioner_from",
                              "What preconditions the exact Hessian: its gauss_newton part, or hessian itself",
                              "EngdSolverCreate", sources, 2, sources[source], &source, NULL));
  PetscOptionsEnd();
  PetscCheck(!source || F->curvature->for_hessian, F->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_preconditioner_from hessian: the operator is the Gramian of -tao_engd_curvature %s; take "
             "-tao_engd_curvature hessian, or leave the option out",
             F->curvature->type);
  if (F->curvature->for_hessian)
    PetscCall(EngdFunctionalCreateHessian(F, &H));
  else
    PetscCall(EngdFunctionalCreateGramian(F, &H));
  if (F->curvature->for_hessian && !source)
    PetscCall(EngdFunctionalCreateGramian(F, &G));
  else {
    G = H;
    PetscCall(PetscObjectReference((PetscObject)G));
  }
  PetscCall(TaoSetHessian(tao, H, G, FormOperator, F));
  PetscCall(MatDestroy(&H));
  PetscCall(MatDestroy(&G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdSolverRegister(void)
{
  PetscFunctionBeginUser;
  PetscCall(TaoInitializePackage());
  for (const EngdRegistered *entry = engd_registered; entry->kind; entry++) {
    PetscBool is_tao, is_pc;

    PetscCall(IsOwn(entry, &is_tao));
    PetscCall(PetscStrcmp(entry->kind, "pc", &is_pc));
    if (is_tao) PetscCall(TaoRegister(entry->name, (PetscErrorCode(*)(Tao))entry->function));
    if (is_pc) PetscCall(PCRegister(entry->name, (PetscErrorCode(*)(PC))entry->function));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSolverCreate - the optimiser of a functional, of type engd unless -tao_type names another.

  Collective

  Input Parameter:
. functional - set up

  Output Parameter:
. tao - its options read; TaoSetSolution() and TaoSolve() follow

  Options Database Keys:
+ -tao_type type                           - engd, adam, sgd, or lmvm, nls, ntr, brgn, ... of PETSc
- -tao_engd_preconditioner_from operator   - gauss_newton, hessian: what preconditions the exact Hessian

  Note: the tolerances of PETSc on the gradient are set to zero, since a loss of 1e-20 is within reach; -tao_gatol and its
  like bring them back.
*/
PetscErrorCode EngdSolverCreate(EngdFunctional F, Tao *out)
{
  PetscFunctionBeginUser;
  PetscCall(EngdSolverCreatePrefixed(F, NULL, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the same, with a prefix for the options that PETSc's objects read */
PetscErrorCode EngdSolverCreatePrefixed(EngdFunctional F, const char prefix[], Tao *out)
{
  Tao tao;

  PetscFunctionBeginUser;
  PetscCall(EngdSolverRegister());
  PetscCall(TaoCreate(F->comm, &tao));
  *out = tao; /* behind an error too, for who owns it to destroy */
  PetscCall(TaoSetOptionsPrefix(tao, prefix));
  PetscCall(SetHessian(F, tao));
  PetscCall(TaoSetObjective(tao, FormObjective, F));
  PetscCall(TaoSetGradient(tao, NULL, FormGradient, F));
  PetscCall(TaoSetObjectiveAndGradient(tao, NULL, FormObjectiveAndGradient, F));
  if (F->least_squares) PetscCall(SetLeastSquares(F, tao));
  PetscCall(SetType(F, tao));
  PetscCall(EngdSolverCheckLimits(tao));
  PetscCall(TaoSetTolerances(tao, 0, 0, 0)); /* after the type, which resets them from 3.22 to 3.25 */
  PetscCall(TaoSetFromOptions(tao));
  PetscCall(EngdSolverCheckMethods(F, tao));
  PetscCall(EngdMaximiseCheck(F, tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}
