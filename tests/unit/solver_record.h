/*
  Runs of the optimiser with a record of every iteration: loss, gradient, status, theta, points.
*/
#ifndef SOLVER_RECORD_H
#define SOLVER_RECORD_H

#include "solver_case.h"

#define MAX_RECORDS 64
#define EXACT_CG    " -ksp_type cg -pc_type none -ksp_rtol 1e-13 -ksp_max_it 500 "

/* what the monitor saw at iteration k; theta (p), points: the sum of the coordinates of the first term's points */
typedef struct {
  PetscInt   n, p;
  PetscReal  loss[MAX_RECORDS], gradient_norm[MAX_RECORDS], points[MAX_RECORDS];
  EngdStatus status[MAX_RECORDS];
  PetscReal *theta; /* (p, n) */
} Record;

static inline PetscErrorCode Watch(Tao tao, void *data)
{
  Record        *record = (Record *)data;
  const PetscInt k      = record->n++;
  EngdFunctional F;
  Mat            G;
  Vec            theta;

  PetscFunctionBeginUser;
  assert_true(k < MAX_RECORDS);
  PetscCall(TaoGetSolutionStatus(tao, NULL, &record->loss[k], &record->gradient_norm[k], NULL, NULL, NULL));
  PetscCall(TaoEngdGetStatus(tao, &record->status[k]));
  PetscCall(TaoGetSolution(tao, &theta));
  Whole(theta, record->theta + k * record->p);
  PetscCall(TaoGetHessian(tao, &G, NULL, NULL, NULL));
  PetscCall(EngdGramianGetFunctional(G, &F));
  record->points[k] = 0;
  for (PetscInt i = 0; i < F->problem->term[0]->points->nlocal * F->problem->term[0]->points->dim; i++) {
    record->points[k] += F->problem->term[0]->points->x[i];
  }
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &record->points[k], 1, MPIU_REAL, MPIU_SUM, F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a whole run from the theta of s; free record->theta */
static inline TaoConvergedReason Solve(Setting *s, const char options[], Record *record)
{
  TaoConvergedReason reason;
  Tao                tao;

  *record = (Record){.p = s->p};
  CHECK(PetscMalloc1(MAX_RECORDS * s->p, &record->theta));
  CHECK(PetscOptionsInsertString(NULL, "-ksp_max_it 15")); /* to be quick, unless the options want more */
  CreateTao(s, options, &tao);
  CHECK(TaoMonitorSet(tao, Watch, record, NULL));
  CHECK(TaoSolve(tao));
  CHECK(TaoGetConvergedReason(tao, &reason));
  CHECK(TaoDestroy(&tao));
  return reason;
}

/* the same on a problem of its own */
static inline TaoConvergedReason SolveCase(const Case *which, const char more[], const char options[], Record *record)
{
  TaoConvergedReason reason;
  Setting            s;

  Begin(PETSC_COMM_WORLD, which, more, &s);
  reason = Solve(&s, options, record);
  End(&s);
  return reason;
}

/* s->theta <- that of iteration k, s->v <- the gradient there */
static inline void GoTo(Setting *s, const Record *record, PetscInt k)
{
  PetscReal *theta, loss;
  PetscInt   begin, end;

  CHECK(VecGetOwnershipRange(s->theta, &begin, &end));
  CHECK(VecGetArrayWrite(s->theta, &theta));
  CHECK(PetscArraycpy(theta, record->theta + k * s->p + begin, end - begin));
  CHECK(VecRestoreArrayWrite(s->theta, &theta));
  CHECK(EngdFunctionalSetParameters(s->F, s->theta));
  CHECK(EngdFunctionalEvaluate(s->F, &loss, s->v));
}

#endif
