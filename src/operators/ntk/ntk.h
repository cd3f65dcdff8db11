/*
  What the files of the kernel share: which points every rank has, and how each layer enters.
*/
#ifndef NTK_H
#define NTK_H

#include <engd/private.h>

/* A block of points of some rank */
typedef struct {
  PetscInt term, n;
  PetscInt row; /* of A on its rank: root k of point i is row + k n + i */
} EngdPatch;

struct _n_EngdNTK {
  EngdFunctional F;
  PetscMPIInt    rank, size;
  PetscInt      *patch_start; /* [size + 1] the patches of rank r are patch_start[r] to patch_start[r + 1] - 1 */
  EngdPatch     *patch;
  PetscInt      *row_start; /* [size + 1] the rows of rank r likewise */
  PetscInt      *roots;     /* [nterms] rows of A a point */
  PetscInt      *half;      /* [size] patches of each rank that are half of its work */
  PetscInt       nterms;
  PetscReal     *points; /* [nterms] of all ranks */
  PetscBool
      *gram; /* [nlayers nterms nterms] does a layer enter by Gram matrices, not by rows, of points of two terms */
  PetscBool        *narrow;      /* [nlayers] is it one with rows, whose products may be in float32 (single.c) */
  PetscBool         single;      /* are they, in this fill */
  PetscInt          directions;  /* of each such layer that stay in float64, or ENGD_NTK_DOUBLE */
  PetscReal         scale;       /* of the numbers of this group in float32 */
  PetscReal         rounding;    /* about the norm of the errors of products in float32 */
  PetscReal        *V, *C, *tau; /* (p_l, directions), (directions, rows) of each layer of a group, QR's workspace */
  float            *block;       /* (rows, ENGD_NTK_COLUMNS) products in float32 */
  const PetscReal **x, **y;      /* [nlayers] what this rank and the other one have of such a layer */
  PetscInt          ngroups, *group; /* [ngroups + 1] the layers of group g are group[g] to group[g + 1] - 1 */
  PetscReal         bytes;           /* of all that follows, on the rank that needs most */
  size_t            largest;         /* doubles of `own` and of `other` */
  PetscReal        *own, *other; /* what a group needs of the points of this and of another rank, layer by layer */
  PetscReal        *zz, *gg;     /* Gram matrices of two patches */
  PetscReal        *input;       /* (dim, S n) the input jet of a block */
  PetscInt          nintegrals;  /* rows of A that are those of integrals, behind the others of the last rank */
  PetscReal        *coupling;    /* (rows of the points of this rank, nintegrals) K of points and integrals */
  PetscReal        *couplings;   /* the same of all ranks, on the last */
  PetscReal       **at;          /* [nlayers] where a layer of the group begins in `own` */
};

/* Products that `rank` forms: of its patches from begin to end with those of rank `other` below other_end */
typedef struct {
  PetscMPIInt rank, other;
  PetscInt    begin, end, other_end;
} EngdNTKPart;

/* Consecutive patches of a rank whose terms are alike; of a rank with itself two of them may be the same one */
typedef struct {
  PetscMPIInt rank;
  PetscInt    begin, end; /* patches of the rank */
} EngdNTKSpan;

static inline PetscInt EngdNTKPatches(EngdNTK kernel, PetscMPIInt r)
{
  return kernel->patch_start[r + 1] - kernel->patch_start[r];
}

PETSC_INTERN PetscInt EngdNTKRowOf(EngdNTK, PetscMPIInt r,
                                   PetscInt patch);        /* the first row of a patch of rank r, or the end */
PETSC_INTERN PetscInt EngdNTKRows(EngdNTK, PetscMPIInt r); /* of A on rank r, but for those of integrals */
/* integrals.c: their rows and columns of K; doubles of the couplings of this rank, or of all on the last */
PETSC_INTERN PetscErrorCode EngdNTKPutIntegrals(EngdNTK, PetscInt ld, PetscReal K[]);
PETSC_INTERN size_t         EngdNTKIntegralSize(EngdNTK, PetscBool all);
/* forms.c: the form of each layer for each two terms, and which patches are half of the work of a rank */
PETSC_INTERN void EngdNTKChooseForms(EngdNTK, EngdNTKForm);
PETSC_INTERN void EngdNTKChooseHalves(EngdNTK);
/* does layer l enter by Gram matrices of points of terms t and u; does it keep rows of the points of t, and z and g; do two terms
   enter alike everywhere */
PETSC_INTERN PetscBool EngdNTKByGram(EngdNTK, PetscInt l, PetscInt t, PetscInt u);
PETSC_INTERN PetscBool EngdNTKKeepsRows(EngdNTK, PetscInt l, PetscInt t);
PETSC_INTERN PetscBool EngdNTKKeepsFactors(EngdNTK, PetscInt l, PetscInt t);
PETSC_INTERN PetscBool EngdNTKIsAlike(EngdNTK, PetscInt t, PetscInt u);
/* rows that layer l keeps of the patches of rank r before one of them */
PETSC_INTERN PetscInt EngdNTKKeptRows(EngdNTK, PetscMPIInt r, PetscInt l, PetscInt patch);
/* doubles of z and of g that are kept of a patch; that layer l needs of rank r: rows, then all z, then all g; what is
   sent of them, less of rows in float32 */
PETSC_INTERN size_t EngdNTKInputCount(EngdNTK, const EngdPatch *, PetscInt l);
PETSC_INTERN size_t EngdNTKOutputCount(EngdNTK, const EngdPatch *, PetscInt l);
PETSC_INTERN size_t EngdNTKRowsSize(EngdNTK, PetscMPIInt r, PetscInt l);
PETSC_INTERN size_t EngdNTKFactorsSize(EngdNTK, PetscMPIInt r, PetscInt l);
PETSC_INTERN size_t EngdNTKLayerSize(EngdNTK, PetscMPIInt r, PetscInt l);
PETSC_INTERN size_t EngdNTKSentSize(EngdNTK, PetscMPIInt r, PetscInt l);
/* channels of a term that enter at layer l: those with a cotangent */
PETSC_INTERN PetscInt EngdNTKChannels(EngdNTK, PetscInt term, PetscInt l);
/* single.c: room for it and its doubles; may the products of a layer be in float32; doubles of the rows of a layer, the numbers of J'
   and behind them C; what Save left becomes that; and C += J' J'^T of two spans, of all such layers of the group */
#define ENGD_NTK_COLUMNS 512 /* of K that are formed in float32 at a time */
PETSC_INTERN size_t         EngdNTKSingleSize(EngdNTK);
PETSC_INTERN PetscErrorCode EngdNTKSingleCreate(EngdNTK);
PETSC_INTERN PetscErrorCode EngdNTKSingleDestroy(EngdNTK);
PETSC_INTERN size_t         EngdNTKNarrowSize(EngdNTK, PetscMPIInt r, PetscInt l);
PETSC_INTERN PetscErrorCode EngdNTKCompress(EngdNTK, PetscInt g);
PETSC_INTERN PetscErrorCode EngdNTKAddSingle(EngdNTK, PetscInt g, const EngdNTKSpan *, const EngdNTKSpan *,
                                             PetscInt ld, PetscReal C[]);
static inline PetscBool     EngdNTKIsSingle(EngdNTK kernel, PetscInt l)
{
  return (PetscBool)(kernel->single && kernel->narrow[l]);
}
static inline PetscInt EngdNTKLayerParameters(EngdNTK kernel, PetscInt l)
{
  return (kernel->F->model->layer[l].n_in + 1) * kernel->F->model->layer[l].n_out;
}
/* doubles that n numbers in float32 take */
static inline size_t EngdNTKHalf(size_t n)
{
  return (n * sizeof(float) + sizeof(PetscReal) - 1) / sizeof(PetscReal);
}
/* own <- what the layers of group g need of the points of this rank */
PETSC_INTERN PetscErrorCode EngdNTKSave(EngdNTK, PetscInt g);
/* C (rows here, rows of the other rank), ld apart, += the products of a part by the layers of group g, what the other rank has
   being in `other`; of this rank with itself the upper triangle */
PETSC_INTERN PetscErrorCode EngdNTKAddProducts(EngdNTK, PetscInt g, const EngdNTKPart *, PetscInt ld, PetscReal C[]);

#endif
