/*
  What the optimiser of a functional cannot use, refused before the training and by the name of its option.

  Method: features of types (capabilities.h) against what there is here: operators of which there are products, a diagonal and
  layers, and no entries; a problem without constraints. Numbers are looked at in the options database, since PETSc takes some
  of them as they come, and refuses others without naming the option.
*/
#include <engd/private.h>
#include <engd/values.h>
#include <math.h>

/* the text that an option of PETSc has, or NULL; option <- its whole name */
static PetscErrorCode GetText(const char prefix[], const char name[], size_t size, char option[], const char **text)
{
  PetscBool set;

  PetscFunctionBeginUser;
  *text = NULL;
  PetscCall(PetscSNPrintf(option, size, "-%s%s", prefix ? prefix : "", name));
  PetscCall(PetscOptionsFindPair(NULL, NULL, option, text, &set));
  if (*text && !(*text)[0]) *text = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a number from least to most, and never NaN */
static PetscErrorCode CheckReal(MPI_Comm comm, const char prefix[], const char name[], PetscReal least,
                                PetscReal most)
{
  PetscReal   value = most;
  const char *text;
  char        option[256];

  PetscFunctionBeginUser;
  PetscCall(GetText(prefix, name, sizeof(option), option, &text));
  if (text) PetscCall(PetscOptionsStringToReal(text, &value));
  PetscCheck(value >= least && value <= most, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s %s: give %s", option, text,
             least < 0  ? "a number"
             : most < 1 ? "a number from 0 to below 1"
                        : "zero or a positive number");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a positive number */
static PetscErrorCode CheckCount(MPI_Comm comm, const char prefix[], const char name[])
{
  PetscInt    value = 1;
  const char *text;
  char        option[256];

  PetscFunctionBeginUser;
  PetscCall(GetText(prefix, name, sizeof(option), option, &text));
  if (text) PetscCall(PetscOptionsStringToInt(text, &value));
  PetscCheck(value > 0, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s %s: give a positive number", option, text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc would put a matrix of entries in the place of the operator that all here is made of */
static PetscErrorCode CheckDifferences(MPI_Comm comm, const char prefix[])
{
  static const char *const names[] = {"tao_fd_hessian", "tao_mf_hessian"};

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(names); k++) {
    PetscBool   differences = PETSC_FALSE, set;
    const char *text;
    char        option[256];

    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s%s", prefix ? prefix : "", names[k]));
    PetscCall(PetscOptionsFindPair(NULL, NULL, option, &text, &set));
    if (set && text && text[0])
      PetscCall(PetscOptionsStringToBool(text, &differences));
    else
      differences = set;
    PetscCheck(!differences, comm, PETSC_ERR_SUP,
               "%s: differences of gradients take the place of no operator here; leave the option out, and take "
               "-tao_engd_curvature hessian for the exact Hessian",
               option);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdSolverCheckLimits - numbers that TAO and its KSP would take and never come to an end with. Collective */
PetscErrorCode EngdSolverCheckLimits(Tao tao)
{
  static const char *const outer[] = {"tao_gatol", "tao_grtol", "tao_gttol", "tao_steptol"};
  MPI_Comm                 comm    = PetscObjectComm((PetscObject)tao);
  const char              *prefix;
  unsigned                 features;
  KSP                      ksp;

  PetscFunctionBeginUser;
  PetscCall(TaoGetOptionsPrefix(tao, &prefix));
  PetscCall(EngdTaoGetFeatures(tao, &features));
  if (features & ENGD_TAO_FUNCTIONAL) PetscCall(CheckDifferences(comm, prefix));
  PetscCall(CheckCount(comm, prefix, "tao_max_it"));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(outer); k++)
    PetscCall(CheckReal(comm, prefix, outer[k], 0, PETSC_MAX_REAL));
  PetscCall(CheckReal(comm, prefix, "tao_fmin", -INFINITY, PETSC_MAX_REAL));
  PetscCall(TaoGetKSP(tao, &ksp));
  if (!ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetOptionsPrefix(ksp, &prefix));
  PetscCall(CheckCount(comm, prefix, "ksp_max_it"));
  PetscCall(CheckCount(comm, prefix, "ksp_gcr_restart")); /* PETSc refuses it on each rank alone, when it solves */
  PetscCall(CheckReal(comm, prefix, "ksp_rtol", 0, 1 - PETSC_MACHINE_EPSILON)); /* with 1 no iteration is needed */
  PetscCall(CheckReal(comm, prefix, "ksp_atol", 0, PETSC_MAX_REAL));
  PetscCall(CheckReal(comm, prefix, "ksp_divtol", 0, INFINITY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a KSP or PC that cannot work with what there is of the operator */
static PetscErrorCode CheckLinear(EngdFunctional F, Tao tao, KSP ksp)
{
  const char *prefix;
  unsigned    of_ksp, of_pc;
  Mat         H, P;
  PC          pc;
  KSPType     method;
  PCType      type;

  PetscFunctionBeginUser;
  PetscCall(KSPGetOptionsPrefix(ksp, &prefix));
  if (!prefix) prefix = "";
  PetscCall(KSPGetType(ksp, &method));
  PetscCall(EngdKSPGetFeatures(ksp, &of_ksp));
  PetscCheck(!(of_ksp & ENGD_KSP_UNFIT), F->comm, PETSC_ERR_SUP,
             "-%sksp_type %s needs more of the operator and its preconditioner than there is; take cg, minres, gmres "
             "or lsqr",
             prefix, method);
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGetType(pc, &type));
  PetscCall(EngdPCGetFeatures(pc, &of_pc));
  PetscCheck(
      of_pc, F->comm, PETSC_ERR_ARG_WRONG,
      "-%spc_type %s needs the entries of a matrix, and the Gramian is never formed; take kfac, nystrom, jacobi "
      "or none",
      prefix, type);
  PetscCall(TaoGetHessian(tao, &H, &P, NULL, NULL));
  PetscCheck(!(of_pc & ENGD_PC_GRAMIAN) || !F->curvature->for_hessian || H != P, F->comm, PETSC_ERR_USER_INPUT,
             "-tao_engd_preconditioner_from hessian: of the exact Hessian there are only products, and -%spc_type %s "
             "needs more; take nystrom, or -tao_engd_preconditioner_from gauss_newton",
             prefix, type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdSolverCheckMethods - the KSP and the PC that options have chosen for a Tao, against the functional. Collective */
PetscErrorCode EngdSolverCheckMethods(EngdFunctional F, Tao tao)
{
  unsigned of_tao, of_pc;
  TaoType  type;
  PCType   pctype;
  KSP      ksp;
  PC       pc;

  PetscFunctionBeginUser;
  PetscCall(TaoGetKSP(tao, &ksp));
  if (!ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CheckLinear(F, tao, ksp));
  PetscCall(TaoGetType(tao, &type));
  PetscCall(EngdTaoGetFeatures(tao, &of_tao));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGetType(pc, &pctype));
  PetscCall(EngdPCGetFeatures(pc, &of_pc));
  PetscCheck(
      !(of_tao & ENGD_TAO_KSP) || !(of_pc & ENGD_PC_SECANTS), F->comm, PETSC_ERR_ARG_WRONG,
      "-pc_type %s is made of the steps of a quasi-Newton method, which -tao_type %s is not; take kfac, nystrom, "
      "jacobi or none",
      pctype, type);
  PetscCheck(!(of_tao & ENGD_TAO_PC_LMVM) || (of_pc & ENGD_PC_SECANTS), F->comm, PETSC_ERR_ARG_WRONG,
             "-tao_%s_pc_type %s: after a failed line search PETSc's %s breaks down without lmvm; leave the option "
             "out, or take -tao_type ntr or nls",
             type, pctype, type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdSolverTellUnused - one line on the options -ksp_ and -pc_ that are given where no KSP solves for the direction. They are
   not refused, since another file may have given them for the direction that is exchanged. Collective */
PetscErrorCode EngdSolverTellUnused(KSP ksp, const char direction[])
{
  static const char *const options[] = {"-ksp_type", "-ksp_rtol", "-ksp_atol", "-ksp_max_it", "-pc_type"};
  const char              *prefix;
  EngdIdle                 idle = {0};
  char                     reason[256];

  PetscFunctionBeginUser;
  PetscCall(KSPGetOptionsPrefix(ksp, &prefix));
  PetscCall(EngdIdleAddGiven(&idle, prefix, PETSC_STATIC_ARRAY_LENGTH(options), options));
  PetscCall(PetscSNPrintf(reason, sizeof(reason), "direction %s solves without a KSP", direction));
  PetscCall(EngdIdleTell(&idle, PetscObjectComm((PetscObject)ksp), reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}
