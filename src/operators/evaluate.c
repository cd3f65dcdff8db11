/*
  Loss, gradient and weighted residual of the functional, and loss and residual along a line.

    residual terms  e = |r|^2/2:  L += w |r|^2 / 2,  R = sqrt(w) r,  gu = w D^T r
    energy terms:                 L += w e,                          gu = w D^T
    gradient = sum over blocks of (dDu/dtheta)^T gu,  w = lambda_t w_n

  One reduction for the loss, one reverse scatter for the gradient.
*/
#include <engd/private.h>

/* sum_n w_n e_n of a block from the values r or e of its term */
static PetscReal BlockLoss(EngdFunctional F, const EngdBlock *block, const PetscReal value[])
{
  const EngdTerm term = F->problem->term[block->term];
  const PetscInt n    = block->n;
  PetscReal      loss = 0;

  for (PetscInt c = 0; c < term->pointwise->ncomponents; c++) {
    const PetscReal *v = value + ENGD_COUNT(c, n);

    for (PetscInt i = 0; i < n; i++) loss += block->weight[i] * (term->energy ? v[i] : 0.5 * v[i] * v[i]);
  }
  return loss;
}

/* sum += gradient of the loss of a block */
static PetscErrorCode AddBlockGradient(EngdFunctional F, const EngdBlock *block, PetscReal sum[])
{
  const PetscReal *theta;

  PetscFunctionBeginUser;
  PetscCall(EngdBlockCotangent(F, block, F->du, F->gu));
  PetscCall(VecGetArrayRead(F->theta, &theta));
  PetscCall(EngdJetGradient(block->jet, theta, F->gu, F->work, sum));
  PetscCall(VecRestoreArrayRead(F->theta, &theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalEvaluate - loss and gradient at the present parameters.

  Collective

  Input Parameter:
. functional - with its parameters set

  Output Parameters:
+ loss     - sum_t lambda_t sum_n w_n e_t
- gradient - p entries, spread over the ranks; NULL if not wanted
*/
PetscErrorCode EngdFunctionalEvaluate(EngdFunctional F, PetscReal *loss, Vec gradient)
{
  PetscReal *sum = NULL, local = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(gradient ? engd_log.gradient : engd_log.loss, 0, 0, 0, 0));
  if (gradient) {
    PetscCall(VecZeroEntries(F->sum));
    PetscCall(VecGetArray(F->sum, &sum));
  }
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block;

    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    local += BlockLoss(F, block, block->value);
    if (gradient) PetscCall(AddBlockGradient(F, block, sum));
  }
  if (gradient) {
    PetscCall(VecRestoreArray(F->sum, &sum));
    PetscCall(EngdFunctionalReduce(F, F->sum, gradient));
  }
  PetscCall(MPIU_Allreduce(&local, loss, 1, MPIU_REAL, MPIU_SUM, F->comm));
  F->evaluations++;
  PetscCall(PetscLogEventEnd(gradient ? engd_log.gradient : engd_log.loss, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R of a block <- sqrt(w) r from the values r of its term */
static void WeightResidual(EngdFunctional F, const EngdBlock *block, const PetscReal value[], PetscReal R[])
{
  const PetscInt n = block->n;

  for (PetscInt c = 0; c < F->problem->term[block->term]->pointwise->ncomponents; c++) {
    for (PetscInt i = 0; i < n; i++) {
      R[block->row + c * n + i] = PetscSqrtReal(block->weight[i]) * value[c * n + i];
    }
  }
}

static PetscErrorCode CheckLeastSquares(EngdFunctional F)
{
  PetscFunctionBeginUser;
  PetscCheck(F->least_squares, F->comm, PETSC_ERR_ARG_WRONGSTATE,
             "a problem with an energy term has no residual vector; use a direction or a method that needs none");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalResidual - the weighted residual R = sqrt(lambda_t w_n) r, so that the loss is |R|^2/2.

  Collective

  Input Parameter:
. functional - with its parameters set; all its terms are residuals

  Output Parameter:
. residual - in the row layout of J: component c of point i of a block of n points is row + c n + i
*/
PetscErrorCode EngdFunctionalResidual(EngdFunctional F, Vec residual)
{
  PetscReal *R;

  PetscFunctionBeginUser;
  PetscCall(CheckLeastSquares(F));
  PetscCall(VecGetArrayWrite(residual, &R));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock *block;

    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    WeightResidual(F, block, block->value, R);
  }
  F->evaluations++;
  PetscCall(VecRestoreArrayWrite(residual, &R));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F->du <- residuals or energies at the points of a block at F->trial */
static PetscErrorCode EvaluateTrial(EngdFunctional F, EngdBlock *block)
{
  EngdJet jet = F->scratch[block->term];

  PetscFunctionBeginUser;
  PetscCall(EngdJetForward(jet, F->trial, block->n, block->x));
  PetscCall(EngdBlockEvaluate(F, block, jet, F->du, NULL, NULL));
  jet->x = NULL; /* so that no block takes it for a jet of the present theta */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the part of this rank of the loss at F->trial */
static PetscErrorCode TrialLoss(EngdFunctional F, PetscReal *loss)
{
  PetscFunctionBeginUser;
  *loss = 0;
  for (PetscInt b = 0; b < F->nblocks; b++) {
    PetscCall(EvaluateTrial(F, &F->block[b]));
    *loss += BlockLoss(F, &F->block[b], F->du);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F->trial = theta + step d, d in F->whole */
static PetscErrorCode SetTrial(EngdFunctional F, PetscReal step)
{
  const PetscReal *base, *d;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(F->theta, &base));
  PetscCall(VecGetArrayRead(F->whole, &d));
  for (PetscInt j = 0; j < F->model->nparameters; j++) F->trial[j] = base[j] + step * d[j];
  PetscCall(VecRestoreArrayRead(F->whole, &d));
  PetscCall(VecRestoreArrayRead(F->theta, &base));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalLossAlong - the loss at theta + step * direction for several steps.

  Collective; one gather of the direction and one reduction for all steps

  Input Parameters:
+ functional - the functional
. theta      - becomes the present parameters (EngdFunctionalSetParameters)
. direction  - p entries
. nsteps     - how many
- steps      - their lengths

  Output Parameter:
. losses - [nsteps]; not a number, or infinite, where the problem cannot be evaluated
*/
PetscErrorCode EngdFunctionalLossAlong(EngdFunctional F, Vec theta, Vec direction, PetscInt nsteps,
                                       const PetscReal steps[], PetscReal losses[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(F, theta));
  PetscCall(EngdFunctionalGather(F, direction, F->whole));
  PetscCall(PetscLogEventBegin(engd_log.loss, 0, 0, 0, 0));
  for (PetscInt k = 0; k < nsteps; k++) {
    PetscCall(SetTrial(F, steps[k]));
    PetscCall(TrialLoss(F, &losses[k]));
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, losses, nsteps, MPIU_REAL, MPIU_SUM, F->comm));
  F->evaluations += nsteps;
  PetscCall(PetscLogEventEnd(engd_log.loss, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalResidualAlong - the weighted residual at theta + step * direction; the present parameters stay.

  Collective

  Input Parameters:
+ functional - with its parameters set; all its terms are residuals
. direction  - p entries
- step       - its length

  Output Parameter:
. residual - in the row layout of J; not a number, or infinite, where the problem cannot be evaluated
*/
PetscErrorCode EngdFunctionalResidualAlong(EngdFunctional F, Vec direction, PetscReal step, Vec residual)
{
  PetscReal *R;

  PetscFunctionBeginUser;
  PetscCall(CheckLeastSquares(F));
  PetscCall(EngdFunctionalGather(F, direction, F->whole));
  PetscCall(PetscLogEventBegin(engd_log.loss, 0, 0, 0, 0));
  PetscCall(VecGetArrayWrite(residual, &R));
  PetscCall(SetTrial(F, step));
  for (PetscInt b = 0; b < F->nblocks; b++) {
    PetscCall(EvaluateTrial(F, &F->block[b]));
    WeightResidual(F, &F->block[b], F->du, R);
  }
  PetscCall(VecRestoreArrayWrite(residual, &R));
  F->evaluations++;
  PetscCall(PetscLogEventEnd(engd_log.loss, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the first local point at which a term is not finite: its global index in the term, or the number of its points */
static PetscErrorCode FindNonFinite(EngdFunctional F, PetscInt t, PetscInt *index, PetscReal x[])
{
  EngdTerm      term      = F->problem->term[t];
  EngdPointwise pointwise = term->pointwise;

  PetscFunctionBeginUser;
  *index = term->points->nglobal;
  for (PetscInt b = F->nblocks - 1; b >= 0; b--) {
    EngdBlock *block;

    if (F->block[b].term != t) continue;
    PetscCall(EngdFunctionalGetBlock(F, b, &block));
    for (PetscInt i = block->n - 1; i >= 0; i--) {
      PetscBool finite = PETSC_TRUE;

      for (PetscInt c = 0; c < pointwise->ncomponents; c++) {
        finite = (PetscBool)(finite && !PetscIsInfOrNanReal(block->value[c * block->n + i]));
      }
      for (PetscInt k = 0; k < pointwise->nfirst; k++) {
        finite = (PetscBool)(finite && !PetscIsInfOrNanReal(block->first[k * block->n + i]));
      }
      for (PetscInt k = 0; (term->energy || F->curvature->second || F->curvature->exact) && k < pointwise->nsecond;
           k++) {
        finite = (PetscBool)(finite && !PetscIsInfOrNanReal(block->second[k * block->n + i]));
      }
      if (finite) continue;
      *index = term->points->start + block->start + i;
      PetscCall(PetscArraycpy(x, block->x + ENGD_COUNT(i, term->points->dim), term->points->dim));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFunctionalCheck(EngdFunctional F)
{
  const EngdDomain domain = F->problem->domain;
  PetscReal       *x;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(domain->dim, &x));
  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    EngdTerm    term = F->problem->term[t];
    PetscInt    local, first;
    PetscMPIInt rank, owner = 0;
    char        where[1024] = "";
    size_t      length      = 0;

    PetscCall(FindNonFinite(F, t, &local, x));
    PetscCall(MPIU_Allreduce(&local, &first, 1, MPIU_INT, MPI_MIN, F->comm));
    if (first == term->points->nglobal) continue;
    PetscCallMPI(MPI_Comm_rank(F->comm, &rank));
    if (local == first) owner = rank;
    PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &owner, 1, MPI_INT, MPI_MAX, F->comm));
    PetscCallMPI(MPI_Bcast(x, (PetscMPIInt)domain->dim, MPIU_REAL, owner, F->comm));
    for (PetscInt i = 0; i < domain->dim && length < sizeof(where) - 64; i++) {
      PetscCall(PetscSNPrintf(where + length, sizeof(where) - length, "%s%s = %g", i ? ", " : "",
                              domain->coordinate[i], (double)x[i]));
      PetscCall(PetscStrlen(where, &length));
    }
    PetscCall(PetscFree(x));
    SETERRQ(F->comm, ENGD_ERR_NUMERICS,
            "the %s of term '%s' (or its derivative) is not finite at point %" PetscInt_FMT
            ", %s; check the expression there",
            term->energy ? "energy" : "residual", term->name, first, where);
  }
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
