/*
  The optimiser of a functional: a Tao with loss, gradient, Gramian or exact Hessian and, for least squares, residual and Jacobian, so
  that -tao_type engd, adam, sgd and PETSc's own lmvm, nls, ntr, brgn, ... run on the same objective.
*/
#include <engd/private.h>

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

/* what iterates, calls monitors and tests: the Tao itself, or the one inside of brgn; borrowed */
PetscErrorCode EngdSolverGetIterating(Tao tao, Tao *iterating)
{
  PetscBool brgn;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)tao, TAOBRGN, &brgn));
  *iterating = tao;
  if (brgn) PetscCall(TaoBRGNGetSubsolver(tao, iterating)); /* from 3.25 on it does not inherit the monitors */
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

/* The type, engd unless -tao_type says otherwise, and kfac as what its KSP, if any, is preconditioned with: PETSc's own
   default needs the entries of a matrix. ntl, whose line search may fail, then solves with the matrix of its PC lmvm and, up
   to 3.26 at least, does not ask whether there is one */
static PetscErrorCode SetType(EngdFunctional F, Tao tao)
{
  char      type[256] = "engd";
  PetscBool residual, refused, ntl;
  KSP       ksp;
  PC        pc;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-tao_type", type, sizeof(type), NULL));
  PetscCall(PetscStrInList(type, "ipm,pdipm,almm,admm,ssils,ssfls,asils,asfls,lcl,gpcg,bqpip,pounders,shell", ',',
                           &refused));
  PetscCheck(!refused, F->comm, PETSC_ERR_ARG_WRONG,
             "-tao_type %s is for another kind of problem; take engd, lmvm, nls, ntr, brgn, cg, ...", type);
  PetscCall(TaoSetType(tao, type));
  PetscCall(PetscObjectTypeCompare((PetscObject)tao, TAOBRGN, &residual));
  PetscCheck(
      F->least_squares || !residual, F->comm, PETSC_ERR_USER_INPUT,
      "-tao_type %s is for least squares, but a term of this problem is an energy; engd, lmvm, nls are for both",
      type);
  PetscCall(TaoGetKSP(tao, &ksp));
  if (!ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PetscObjectTypeCompare((PetscObject)tao, TAONTL, &ntl));
  PetscCall(PCSetType(pc, ntl ? PCLMVM : "kfac"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Limits that some versions of PETSc take as they come and others refuse without naming the option */
static PetscErrorCode CheckLimits(EngdFunctional F)
{
  PetscInt  outer = 1, inner = 1;
  PetscReal rtol = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-tao_max_it", &outer, NULL));
  PetscCheck(outer > 0, F->comm, PETSC_ERR_ARG_OUTOFRANGE, "-tao_max_it %" PetscInt_FMT ": give a positive number",
             outer);
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-ksp_max_it", &inner, NULL));
  PetscCheck(inner > 0, F->comm, PETSC_ERR_ARG_OUTOFRANGE, "-ksp_max_it %" PetscInt_FMT ": give a positive number",
             inner);
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-ksp_rtol", &rtol, NULL));
  PetscCheck(rtol >= 0, F->comm, PETSC_ERR_ARG_OUTOFRANGE, "-ksp_rtol %g: give zero or a positive number",
             (double)rtol);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A PC that cannot work without the entries of a matrix, or from the exact Hessian, is told before the training */
static PetscErrorCode CheckPreconditioner(EngdFunctional F, Tao tao)
{
  KSP       ksp;
  PC        pc;
  Mat       H, P;
  PCType    type;
  PetscBool fits, ntl;

  PetscFunctionBeginUser;
  PetscCall(TaoGetKSP(tao, &ksp));
  if (!ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGetType(pc, &type));
  PetscCall(PetscStrInList(type, "kfac,nystrom,none,jacobi,pbjacobi,shell,composite,ksp,mat,lmvm", ',', &fits));
  PetscCheck(fits, F->comm, PETSC_ERR_ARG_WRONG,
             "-pc_type %s needs the entries of a matrix, and the Gramian is never formed; take kfac, nystrom, jacobi "
             "or none",
             type);
  PetscCall(TaoGetHessian(tao, &H, &P, NULL, NULL));
  PetscCall(PetscStrInList(type, "kfac,jacobi,pbjacobi", ',', &fits));
  PetscCheck(!fits || !F->curvature->exact || H != P, F->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_preconditioner_from hessian: of the exact Hessian there are only products, and -pc_type %s "
             "needs more; take nystrom, or -tao_engd_preconditioner_from gauss_newton",
             type);
  PetscCall(PetscObjectTypeCompare((PetscObject)tao, TAONTL, &ntl));
  PetscCall(PetscStrcmp(type, PCLMVM, &fits));
  PetscCheck(fits || !ntl, F->comm, PETSC_ERR_ARG_WRONG,
             "-tao_ntl_pc_type %s: after a failed line search PETSc's ntl breaks down without lmvm; leave the option "
             "out, or "
             "take -tao_type ntr or nls",
             type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The Tao's Hessian: the Gramian, or with curvature hessian the exact one, preconditioned by its Gauss-Newton part or itself */
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
  PetscCheck(!source || F->curvature->exact, F->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_preconditioner_from hessian: the operator is the Gramian of -tao_engd_curvature %s; take "
             "-tao_engd_curvature hessian, or leave the option out",
             F->curvature->type);
  if (F->curvature->exact)
    PetscCall(EngdFunctionalCreateHessian(F, &H));
  else
    PetscCall(EngdFunctionalCreateGramian(F, &H));
  if (F->curvature->exact && !source)
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

/* the types of this program, under the names of the options */
PetscErrorCode EngdSolverRegister(void)
{
  PetscFunctionBeginUser;
  PetscCall(TaoInitializePackage());
  PetscCall(PCRegister("kfac", PCCreate_KFAC));
  PetscCall(PCRegister("nystrom", PCCreate_Nystrom));
  PetscCall(TaoRegister("engd", TaoCreate_Engd));
  PetscCall(TaoRegister("adam", TaoCreate_Adam));
  PetscCall(TaoRegister("sgd", TaoCreate_SGD));
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
  PetscCall(TaoSetOptionsPrefix(tao, prefix));
  PetscCall(SetHessian(F, tao));
  PetscCall(TaoSetObjective(tao, FormObjective, F));
  PetscCall(TaoSetGradient(tao, NULL, FormGradient, F));
  PetscCall(TaoSetObjectiveAndGradient(tao, NULL, FormObjectiveAndGradient, F));
  if (F->least_squares) PetscCall(SetLeastSquares(F, tao));
  PetscCall(CheckLimits(F));
  PetscCall(SetType(F, tao));
  PetscCall(TaoSetTolerances(tao, 0, 0, 0)); /* after the type, which resets them from 3.22 to 3.25 */
  PetscCall(TaoSetFromOptions(tao));
  PetscCall(CheckPreconditioner(F, tao));
  *out = tao;
  PetscFunctionReturn(PETSC_SUCCESS);
}
