/*
  A direction of any type with a KSP and without a Tao: its options read, set up, and computed as an iteration does it.
*/
#ifndef DIRECTION_CASE_H
#define DIRECTION_CASE_H

#include "solver_case.h"

typedef struct {
  Setting              s[1];
  struct _n_EngdSolver solver[1];
  EngdDirection        direction;
  Vec                  gradient, d;
} Frame;

static inline PetscErrorCode ReadOptions(Frame *f)
{
  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Direction", "EngdDirection");
  PetscCall(KSPSetFromOptions(f->solver->ksp));
  PetscCall((*f->direction->ops->setfromoptions)(f->direction, f->solver, PetscOptionsObject));
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline void BeginFrame(const Case *which, const char type[], const char problem[], const char options[],
                              Frame *f)
{
  Begin(PETSC_COMM_WORLD, which, problem, f->s);
  *f->solver = (struct _n_EngdSolver){.functional = f->s->F};
  CHECK(EngdFunctionalCreateGramian(f->s->F, &f->solver->G));
  CHECK(KSPCreate(PETSC_COMM_WORLD, &f->solver->ksp));
  CHECK(KSPSetType(f->solver->ksp, KSPCG));
  CHECK(EngdDirectionCreate(type, &f->direction));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(ReadOptions(f));
  CHECK(PetscOptionsClear(NULL));
  CHECK((*f->direction->ops->setup)(f->direction, f->solver));
  CHECK(VecDuplicate(f->s->theta, &f->gradient));
  CHECK(VecDuplicate(f->s->theta, &f->d));
}

static inline void EndFrame(Frame *f)
{
  CHECK(EngdDirectionDestroy(&f->direction));
  CHECK(KSPDestroy(&f->solver->ksp));
  CHECK(MatDestroy(&f->solver->G));
  CHECK(VecDestroy(&f->gradient));
  CHECK(VecDestroy(&f->d));
  End(f->s);
}

/* what an iteration of the optimiser does at theta */
static inline PetscErrorCode ComputeDirection(Frame *f, Vec theta, PetscReal lambda, PetscInt *its)
{
  PetscReal loss;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(f->s->F, theta));
  PetscCall(EngdFunctionalEvaluate(f->s->F, &loss, f->gradient));
  f->solver->damping.lambda = lambda;
  PetscCall(EngdGramianSetDamping(f->solver->G, lambda));
  PetscCall((*f->direction->ops->compute)(f->direction, f->solver, f->gradient, f->d, its));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* whole runs of a direction with these options lower the loss by at least this factor */
static inline void Trains(const char type[], size_t n, const char *const options[], PetscReal factor)
{
  for (size_t c = 0; c < n; c++) {
    char      all[256];
    PetscReal first, last;
    Setting   s;
    Tao       tao;

    Begin(PETSC_COMM_WORLD, &poisson, "-network_layers 12", &s);
    first = LossAt(s.F, s.theta, 0, s.v);
    snprintf(all, sizeof(all), "-tao_engd_direction %s -tao_max_it 40 %s", type, options[c]);
    CreateTao(&s, all, &tao);
    CHECK(TaoSolve(tao));
    last = LossAt(s.F, s.theta, 0, s.v);
    if (!(last < factor * first)) fail_msg("%s: loss %g after %g", options[c], (double)last, (double)first);
    CHECK(TaoDestroy(&tao));
    End(&s);
  }
}

/* these options are refused: one error on all ranks, of exit code 2 */
static inline void Refused(const Case *which, const char options[])
{
  Setting s;
  Tao     tao;

  Begin(PETSC_COMM_WORLD, which, options, &s);
  CHECK(PetscOptionsInsertString(NULL, options));
  if (EngdExitCode(EngdSolverCreate(s.F, &tao)) != ENGD_EXIT_INPUT) fail_msg("not refused: %s", options);
  CHECK(PetscOptionsClear(NULL));
  End(&s);
}

#endif
