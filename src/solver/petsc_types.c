/*
  Facts of PETSc's TAO, KSP and PC types that PETSc does not tell: what they need, and what they leave out.

  The list is of PETSc 3.18; what is not in it needs no more than products with the operator and a PC (TAO, KSP), or needs the
  entries of a matrix (PC).
*/
#include <engd/private.h>

typedef struct {
  const char *type;
  unsigned    features;
} Fact;

static const Fact taos[] = {
    {TAOBRGN, ENGD_TAO_LEAST_SQUARES | ENGD_TAO_INNER},
    {TAONTL, ENGD_TAO_PC_LMVM}, /* after a failed line search it solves with the matrix of its PC, whatever that is */
    {TAOIPM, ENGD_TAO_ELSEWHERE},
    {TAOPDIPM, ENGD_TAO_ELSEWHERE},
    {TAOALMM, ENGD_TAO_ELSEWHERE},
    {TAOADMM, ENGD_TAO_ELSEWHERE},
    {TAOSSILS, ENGD_TAO_ELSEWHERE},
    {TAOSSFLS, ENGD_TAO_ELSEWHERE},
    {TAOASILS, ENGD_TAO_ELSEWHERE},
    {TAOASFLS, ENGD_TAO_ELSEWHERE},
    {TAOLCL, ENGD_TAO_ELSEWHERE},
    {TAOGPCG, ENGD_TAO_ELSEWHERE},
    {TAOBQPIP, ENGD_TAO_ELSEWHERE},
    {TAOPOUNDERS, ENGD_TAO_ELSEWHERE},
    {TAOSHELL, ENGD_TAO_ELSEWHERE},
};

static const Fact ksps[] = {
    {KSPLSQR, ENGD_KSP_JACOBIAN},  {KSPCGLS, ENGD_KSP_JACOBIAN | ENGD_KSP_NO_PC},
    {KSPPREONLY, ENGD_KSP_ONCE},   {KSPNONE, ENGD_KSP_ONCE},
    {KSPQCG, ENGD_KSP_UNFIT},      /* roots of the preconditioner, and a radius */
    {KSPTSIRM, ENGD_KSP_UNFIT},    /* a KSP inside, set up by the program */
    {KSPFETIDP, ENGD_KSP_UNFIT},   /* the entries of subdomains */
    {KSPPIPECGRR, ENGD_KSP_UNFIT}, /* the norm of the matrix */
};

static const Fact pcs[] = {
    {PCNONE, ENGD_PC_PRODUCTS},
    {PCMAT, ENGD_PC_PRODUCTS},
    {PCJACOBI, ENGD_PC_GRAMIAN},
    {PCLMVM, ENGD_PC_SECANTS},
};

static PetscErrorCode Find(size_t n, const Fact facts[], const char type[], unsigned *features)
{
  PetscFunctionBeginUser;
  *features = 0;
  for (size_t k = 0; k < n && type; k++) {
    PetscBool same;

    PetscCall(PetscStrcmp(facts[k].type, type, &same));
    if (same) *features = facts[k].features;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPetscTaoFeatures(const char type[], unsigned *features)
{
  PetscFunctionBeginUser;
  PetscCall(Find(PETSC_STATIC_ARRAY_LENGTH(taos), taos, type, features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdKSPTypeFeatures(const char type[], unsigned *features)
{
  PetscFunctionBeginUser;
  PetscCall(Find(PETSC_STATIC_ARRAY_LENGTH(ksps), ksps, type, features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdKSPGetFeatures(KSP ksp, unsigned *features)
{
  KSPType type;

  PetscFunctionBeginUser;
  PetscCall(KSPGetType(ksp, &type));
  PetscCall(EngdKSPTypeFeatures(type, features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a composite needs what its parts need; without parts it is good for nothing */
static PetscErrorCode JoinParts(PC composite, unsigned *features)
{
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(PCCompositeGetNumberPC(composite, &n));
  *features = 0;
  for (PetscInt k = 0; k < n; k++) {
    unsigned of_part;
    PC       part;

    PetscCall(PCCompositeGetPC(composite, k, &part));
    PetscCall(EngdPCGetFeatures(part, &of_part));
    *features = !of_part || (k && !*features) ? 0 : *features | of_part;
  }
  if (*features & ENGD_PC_GRAMIAN) *features &= ~(unsigned)ENGD_PC_PRODUCTS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPCGetFeatures(PC pc, unsigned *features)
{
  PetscErrorCode (*declared)(PC, unsigned *);
  PCType    type;
  PetscBool composite;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectQueryFunction((PetscObject)pc, "EngdPCGetFeatures_C", &declared));
  PetscCall(PCGetType(pc, &type));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCCOMPOSITE, &composite));
  if (declared)
    PetscCall((*declared)(pc, features));
  else if (composite)
    PetscCall(JoinParts(pc, features));
  else
    PetscCall(Find(PETSC_STATIC_ARRAY_LENGTH(pcs), pcs, type, features));
  PetscFunctionReturn(PETSC_SUCCESS);
}
