/*
  Preconditioner nystrom: the inverse of a randomised low-rank approximation, -pc_type nystrom.

    A = U diag(L) U^T nearly, of rank l (sketch.c),   P^{-1} = U (L + lambda)^{-1} U^T + (I - U U^T) / (L_l + lambda)

  A PCSHELL under a name of its own, for any symmetric positive semidefinite operator: the Gramian, a Hessian, a dual kernel. An
  operator that says its damping is approximated without it, so that a new lambda costs nothing. This is (2110.02820) but for the
  factor L_l + lambda, which Krylov methods do not see: so P approximates A + lambda I in size too, as preonly and
  multiplicative compositions need. Adaptive: the rank is doubled until L_l is below 10 lambda. Blind to what is below L_l; kfac on
  that complement, I - U U^T on both sides, did not help CG, and as a PCCOMPOSITE it helps where a low rank is all one can pay.
  References: Frangella, Tropp, Udell, arXiv 2110.02820; for neural networks Rathore et al. (NNCG), arXiv 2402.01868.
*/
#include "nystrom.h"

#define FIRST_COLUMNS 32  /* of an adaptive one */
#define LARGEST       512 /* columns by default */
#define ENOUGH        10  /* columns are enough when the last eigenvalue is below this times lambda */
#define TALL          3   /* matrices (n, ncolumns) of a sketch */

/* free all that belongs to one operator */
static PetscErrorCode Reset(EngdNystrom *nystrom)
{
  PetscFunctionBeginUser;
  PetscCall(EngdSketchDestroy(&nystrom->sketch));
  PetscCall(PetscFree(nystrom->c));
  nystrom->point  = (EngdPCPoint){0, -1};
  nystrom->setups = nystrom->updates = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the numbers of columns that options and memory leave for an operator of order n, `local` rows on the rank that has most:
   first <= most; refuses those that there is no room for. F: NULL for no limit of the memory */
static PetscErrorCode CountColumns(EngdNystrom *nystrom, MPI_Comm comm, PetscInt n, PetscInt local, EngdFunctional F,
                                   PetscInt *first, PetscInt *most)
{
  PetscInt fits = PETSC_MAX_INT;

  PetscFunctionBeginUser;
  if (F)
    fits = (PetscInt)PetscMin(F->options.memory_limit / (TALL * sizeof(PetscReal) * (PetscReal)local),
                              PETSC_MAX_INT / 2);
  PetscCheck(nystrom->columns <= n, comm, PETSC_ERR_USER_INPUT,
             "-pc_nystrom_rank %" PetscInt_FMT ": the operator is of order %" PetscInt_FMT "; give at most that",
             nystrom->columns, n);
  PetscCheck(nystrom->most_columns <= n, comm, PETSC_ERR_USER_INPUT,
             "-pc_nystrom_rank_max %" PetscInt_FMT ": the operator is of order %" PetscInt_FMT "; give at most that",
             nystrom->most_columns, n);
  *first = nystrom->columns ? nystrom->columns : PetscMin(n, FIRST_COLUMNS);
  if (!nystrom->columns && nystrom->most_columns) *first = PetscMin(*first, nystrom->most_columns);
  *most = nystrom->most_columns ? nystrom->most_columns : PetscMax(*first, PetscMin(PetscMin(n, LARGEST), fits));
  if (!nystrom->adaptive) *most = *first;
  PetscCheck(*most <= fits, comm, PETSC_ERR_USER_INPUT,
             "-pc_type nystrom of rank %" PetscInt_FMT
             " needs %.3g bytes a rank for an operator of order %" PetscInt_FMT
             ", more than -engd_memory_limit %.3g; lower -pc_nystrom_rank%s, or use more ranks",
             *most, (double)TALL * sizeof(PetscReal) * (double)local * (double)*most, n,
             (double)F->options.memory_limit, nystrom->most_columns ? " and -pc_nystrom_rank_max" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdNystromCheck - does a PC, if it is of type nystrom, fit an operator, before there is one.

  Collective

  Input Parameters:
+ pc - its options read
. n  - order of the operator, spread evenly over the ranks
- F  - whose limit of the memory holds
*/
PetscErrorCode EngdNystromCheck(PC pc, PetscInt n, EngdFunctional F)
{
  EngdNystrom *nystrom;
  PetscInt     first, most;
  PetscMPIInt  size;

  PetscFunctionBeginUser;
  PetscCall(EngdPCGetData(pc, "nystrom", (void **)&nystrom));
  if (!nystrom) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_size(F->comm, &size));
  PetscCall(CountColumns(nystrom, F->comm, n, (n + size - 1) / size, F, &first, &most));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* lambda: what the operator says, else, or when it has none, mu */
static PetscErrorCode GetDamping(EngdNystrom *nystrom, Mat A, PetscReal *own)
{
  PetscBool known;

  PetscFunctionBeginUser;
  PetscCall(EngdMatGetDamping(A, own, &known));
  nystrom->damping = *own > 0 ? *own : nystrom->mu;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* are there columns enough: nothing is left above 10 lambda, or above the rounding errors */
static PetscBool IsEnough(const EngdNystrom *nystrom)
{
  const EngdSketch *sketch = &nystrom->sketch;

  return (PetscBool)(sketch->kept < sketch->ncolumns || sketch->last <= ENOUGH * nystrom->damping);
}

/* the number of columns to start from at a new theta: with room for as many eigenvalues above lambda as there were */
static PetscInt NextCount(const EngdNystrom *nystrom, PetscInt first, PetscInt most)
{
  PetscInt needed = 0;

  if (!nystrom->adaptive) return first;
  while (needed < nystrom->sketch.kept && nystrom->sketch.value[needed] > ENOUGH * nystrom->damping) needed++;
  return PetscMax(first, PetscMin(most, needed + needed / 8 + 1));
}

/* the sketch of the present operator, with columns as long as they are needed */
static PetscErrorCode Build(EngdNystrom *nystrom, PetscReal own, PetscInt columns, PetscInt most)
{
  EngdSketch *sketch = &nystrom->sketch;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.nystrom_setup, 0, 0, 0, 0));
  while (sketch->ncolumns < columns) {
    PetscCall(EngdSketchExtend(sketch, columns, own));
    PetscCall(EngdSketchApproximate(sketch));
    if (nystrom->adaptive && !IsEnough(nystrom)) columns = PetscMin(2 * columns, most);
  }
  PetscCall(PetscFree(nystrom->c));
  PetscCall(PetscMalloc1(sketch->ncolumns, &nystrom->c));
  PetscCall(PetscLogEventEnd(engd_log.nystrom_setup, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc calls this when the state of A has changed; a set-up counts when theta or the points have */
static PetscErrorCode PCSetUp_Nystrom(PC pc)
{
  EngdNystrom   *nystrom;
  EngdPCPoint    point;
  PetscBool      other, moved, reused;
  PetscInt       n, local, first = 0, most = 0;
  PetscReal      own;
  EngdFunctional F;
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(EngdPCGetData(pc, "nystrom", (void **)&nystrom));
  PetscCall(PCGetOperators(pc, NULL, &A));
  point = nystrom->point;
  PetscCall(EngdPCIsReused(pc, A, &point, &reused));
  if (reused) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdPCPointUpdate(A, &point, &other, &moved));
  if (other) {
    PetscCall(Reset(nystrom));
    PetscCall(EngdSketchCreate(A, &nystrom->sketch));
  }
  nystrom->point = point;
  PetscCall(EngdMatGetFunctional(A, &F));
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(MatGetLocalSize(A, &local, NULL));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &local, 1, MPIU_INT, MPI_MAX, PetscObjectComm((PetscObject)A)));
  PetscCall(CountColumns(nystrom, PetscObjectComm((PetscObject)A), n, local, F, &first, &most));
  PetscCall(GetDamping(nystrom, A, &own));
  if (moved) nystrom->current = PETSC_FALSE;
  if (moved && nystrom->setups++ % nystrom->update_every == 0) {
    const PetscInt columns = NextCount(nystrom, first, most);

    nystrom->sketch.ncolumns = 0;
    nystrom->current         = PETSC_TRUE;
    PetscCall(Build(nystrom, own, columns, most));
    nystrom->updates++;
  } else if (nystrom->current && nystrom->adaptive && !IsEnough(nystrom)) { /* lambda has become smaller */
    PetscCall(Build(nystrom, own, PetscMin(2 * nystrom->sketch.ncolumns, most), most));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Will an application, or a sketch that goes on, read the tall matrices before a set-up makes them anew. Rows of a kernel are those of
   points, whose order depends on the ranks: on others it begins anew */
static PetscErrorCode NeedsTall(const EngdNystrom *nystrom, PC pc, Mat A, PetscBool *needs)
{
  EngdPCPoint point = nystrom->point;
  PetscBool   other, moved, reused;

  PetscFunctionBeginUser;
  PetscCall(EngdPCIsReused(pc, A, &point, &reused));
  PetscCall(EngdPCPointUpdate(A, &point, &other, &moved));
  *needs = (PetscBool)(reused || !moved || nystrom->setups % nystrom->update_every);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* after loading: room for coefficients, and a new beginning where the tall matrices are not there or not in this order */
static PetscErrorCode BecomeLoaded(EngdNystrom *nystrom, PC pc, Mat A, PetscBool tall, EngdArchive a)
{
  EngdFunctional F;
  PetscBool      same, reuse;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveSameRanks(a, &same));
  PetscCall(EngdGramianGetFunctional(A, &F));
  PetscCall(PetscFree(nystrom->c));
  PetscCall(PetscMalloc1(nystrom->sketch.ncolumns, &nystrom->c));
  PetscCall(PCGetReusePreconditioner(pc, &reuse));
  if (!tall && !reuse && nystrom->setups % nystrom->update_every == 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (tall && (same || F)) PetscFunctionReturn(PETSC_SUCCESS);
  nystrom->setups = 0;
  nystrom->point  = (EngdPCPoint){0, -1};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* forgetting leaves what an application may read without another set-up (-ksp_reuse_preconditioner); a set-up builds anew */
static PetscErrorCode State_Nystrom(PC pc, Mat A, EngdArchive a, void *data)
{
  const PetscBool changes = EngdArchiveChanges(a);
  EngdNystrom    *nystrom = (EngdNystrom *)data;
  PetscBool       built = (PetscBool)(nystrom->sketch.A != NULL), tall = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveBool(a, "built", &built, PETSC_FALSE));
  if (changes) nystrom->point = (EngdPCPoint){0, -1};
  if (!built) PetscFunctionReturn(PETSC_SUCCESS);
  if (changes) {
    PetscCall(Reset(nystrom));
    PetscCall(EngdSketchCreate(A, &nystrom->sketch));
  } else
    PetscCall(NeedsTall(nystrom, pc, A, &tall));
  PetscCall(EngdPCPointState(A, &nystrom->point, a));
  PetscCall(EngdArchiveCount(a, "setups", &nystrom->setups, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveCount(a, "updates", &nystrom->updates, ENGD_ARCHIVE_MANY));
  PetscCall(EngdArchiveBool(a, "current", &nystrom->current, PETSC_FALSE));
  PetscCall(EngdArchiveReal(a, "lambda", &nystrom->damping, 0));
  PetscCall(EngdArchiveBool(a, "has_basis", &tall, PETSC_FALSE));
  PetscCall(EngdSketchState(&nystrom->sketch, tall, a));
  if (changes) PetscCall(BecomeLoaded(nystrom, pc, A, tall, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = P^{-1} x */
static PetscErrorCode PCApply_Nystrom(PC pc, Vec x, Vec y)
{
  EngdNystrom      *nystrom;
  const EngdSketch *sketch;
  PetscReal         lambda, rest;

  PetscFunctionBeginUser;
  PetscCall(EngdPCGetData(pc, "nystrom", (void **)&nystrom));
  PetscCall(PetscLogEventBegin(engd_log.nystrom_apply, 0, 0, 0, 0));
  sketch = &nystrom->sketch;
  lambda = nystrom->damping;
  rest   = sketch->last + lambda;
  PetscCall(BVDotVec(sketch->U, x, nystrom->c));
  PetscCall(VecCopy(x, y));
  PetscCall(VecScale(y, 1 / rest));
  for (PetscInt k = 0; k < sketch->kept; k++) nystrom->c[k] *= 1 / (sketch->value[k] + lambda) - 1 / rest;
  PetscCall(BVMultVec(sketch->U, 1, 1, y, nystrom->c));
  PetscCall(PetscLogEventEnd(engd_log.nystrom_apply, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCView_Nystrom(PC pc, PetscViewer viewer)
{
  EngdNystrom      *nystrom;
  const EngdSketch *sketch;
  PetscBool         ascii;

  PetscFunctionBeginUser;
  PetscCall(EngdPCGetData(pc, "nystrom", (void **)&nystrom));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  sketch = &nystrom->sketch;
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "rank %" PetscInt_FMT " (%s), damping %g, update every %" PetscInt_FMT " set-ups\n", sketch->ncolumns,
      nystrom->adaptive ? "adaptive" : "fixed", (double)nystrom->damping, nystrom->update_every));
  PetscCall(PetscViewerASCIIPrintf(viewer, "%" PetscInt_FMT " set-ups, %" PetscInt_FMT " updates\n", nystrom->setups,
                                   nystrom->updates));
  if (sketch->kept) {
    PetscCall(PetscViewerASCIIPrintf(viewer, "%" PetscInt_FMT " eigenvalues from %.3e to %.3e, shift %.1e\n",
                                     sketch->kept, (double)sketch->value[0], (double)sketch->value[sketch->kept - 1],
                                     (double)sketch->shift));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the values of the options, each against its range */
static PetscErrorCode CheckOptions(PC pc, const EngdNystrom *nystrom)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)pc);

  PetscFunctionBeginUser;
  PetscCheck(nystrom->columns >= 0, comm, PETSC_ERR_USER_INPUT,
             "-pc_nystrom_rank %" PetscInt_FMT ": give a positive number, or 0 to begin with %d", nystrom->columns,
             FIRST_COLUMNS);
  PetscCheck(nystrom->most_columns >= 0, comm, PETSC_ERR_USER_INPUT,
             "-pc_nystrom_rank_max %" PetscInt_FMT ": give a positive number, or 0 for %d", nystrom->most_columns,
             LARGEST);
  PetscCheck(!nystrom->most_columns || nystrom->columns <= nystrom->most_columns, comm, PETSC_ERR_USER_INPUT,
             "-pc_nystrom_rank %" PetscInt_FMT " is above -pc_nystrom_rank_max %" PetscInt_FMT, nystrom->columns,
             nystrom->most_columns);
  PetscCheck(nystrom->mu >= 0 && !PetscIsInfReal(nystrom->mu), comm, PETSC_ERR_USER_INPUT,
             "-pc_nystrom_damping %g: give zero or a positive number", (double)nystrom->mu);
  PetscCheck(nystrom->update_every > 0, comm, PETSC_ERR_USER_INPUT,
             "-pc_nystrom_update_every %" PetscInt_FMT ": give a positive number", nystrom->update_every);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Nystrom(PC pc, EngdOptionItems PetscOptionsObject, void *data)
{
  EngdNystrom *nystrom = (EngdNystrom *)data;
  PetscBool    set;

  PetscFunctionBeginUser;
  PetscOptionsHeadBegin(PetscOptionsObject, "Nystrom");
  PetscCall(PetscOptionsInt("-pc_nystrom_rank", "Rank of the approximation, or the first one, 0 for adaptive",
                            "PCCreate_Nystrom", nystrom->columns, &nystrom->columns, &set));
  if (set) nystrom->adaptive = (PetscBool)(nystrom->columns == 0);
  PetscCall(PetscOptionsBool("-pc_nystrom_adaptive", "Double the rank until the last eigenvalue is below 10 lambda",
                             "PCCreate_Nystrom", nystrom->adaptive, &nystrom->adaptive, NULL));
  PetscCall(PetscOptionsInt("-pc_nystrom_rank_max",
                            "The largest adaptive rank, 0 for 512 or what there is memory for", "PCCreate_Nystrom",
                            nystrom->most_columns, &nystrom->most_columns, NULL));
  PetscCall(PetscOptionsReal("-pc_nystrom_damping",
                             "Lambda for an operator that has none of its own, zero or positive", "PCCreate_Nystrom",
                             nystrom->mu, &nystrom->mu, NULL));
  PetscCall(PetscOptionsInt("-pc_nystrom_update_every", "Set-ups from one approximation to the next, positive",
                            "PCCreate_Nystrom", nystrom->update_every, &nystrom->update_every, NULL));
  PetscCall(CheckOptions(pc, nystrom));
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the tall matrices of the sketch */
static PetscReal Bytes_Nystrom(void *data)
{
  const EngdNystrom *nystrom = (const EngdNystrom *)data;
  PetscInt           local   = 0;

  if (nystrom->sketch.U) (void)BVGetSizes(nystrom->sketch.U, &local, NULL, NULL);
  return (PetscReal)sizeof(PetscReal) * TALL * local * nystrom->sketch.ncolumns;
}

static PetscErrorCode Free_Nystrom(void *data)
{
  EngdNystrom *nystrom = (EngdNystrom *)data;

  PetscFunctionBeginUser;
  PetscCall(Reset(nystrom));
  PetscCall(PetscFree(nystrom));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
  nystrom - randomised Nystrom approximation of a symmetric positive semidefinite operator

  Options Database Keys:
+ -pc_nystrom_rank l         - columns of the approximation; fixed when given, unless -pc_nystrom_adaptive
. -pc_nystrom_adaptive       - double the rank until the last eigenvalue is below 10 lambda
. -pc_nystrom_rank_max l     - the largest adaptive rank
. -pc_nystrom_damping mu     - lambda of an operator that has none of its own
- -pc_nystrom_update_every k - a new approximation every k set-ups

  Notes: the preconditioning matrix may be any with MatMult(); MatMatMult() with dense matrices makes it quick. It may say its
  damping and its functional (EngdMatGetDamping(), EngdMatGetFunctional()). A set-up is one at a new theta or with new points, or,
  without a functional, at a new state of the matrix.

  Source: src/preconditioners/nystrom.c
M*/
ENGD_REGISTER_PC("nystrom", PCCreate_Nystrom);
PetscErrorCode PCCreate_Nystrom(PC pc)
{
  static const EngdPCShell shell = {
      "nystrom",      ENGD_PC_PRODUCTS, SetFromOptions_Nystrom, PCSetUp_Nystrom, PCApply_Nystrom,
      PCView_Nystrom, State_Nystrom,    Bytes_Nystrom,          Free_Nystrom,
  };
  EngdNystrom *nystrom;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&nystrom));
  nystrom->adaptive     = PETSC_TRUE;
  nystrom->update_every = 1;
  nystrom->point        = (EngdPCPoint){0, -1};
  PetscCall(EngdPCBecomeShell(pc, &shell, nystrom));
  PetscFunctionReturn(PETSC_SUCCESS);
}
