/*
  Problems on which preconditioners are tested, and their objects: POISSON with a boundary, SYSTEM of two unknowns, FIT of
  values alone. The preconditioner is kfac, unless the options name another.
*/
#ifndef KFAC_CASE_H
#define KFAC_CASE_H

#include "../../src/preconditioners/kfac.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((int)(call), 0)

#define BOX " -domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -engd_test_points 5 -engd_block_points 4 "
#define POISSON                                                                                                      \
  BOX "-terms pde,wall -pde_points 16 -pde_residual \"lap(u) + u^2 - sin(x*y)\" -wall_region boundary "              \
      "-wall_points 12 -wall_weight 3 -wall_residual \"u - x\" -network_layers 6,5 "
#define SYSTEM                                                                                                       \
  BOX "-network_outputs u,v -terms pde,wall,in -pde_points 16 -pde_residual \"u_x + v_y*u; lap(u) - u_xy*v\" "       \
      "-wall_region boundary -wall_points 12 -wall_residual \"u - x; 2*v\" -in_points 9 -in_residual u_y "           \
      "-network_layers 6,5 "
#define FIT BOX "-terms fit -fit_points 25 -fit_weight 2 -fit_residual \"u - x*y\" -pc_kfac_ema 0 -pc_kfac_damping 0 "

typedef struct {
  EngdProblem    problem;
  EngdNetwork    network;
  EngdFunctional F;
  Vec            theta;
  Mat            G;
  PC             pc;
  EngdKfac      *kfac;
} Case;

/* all objects of a problem; linear: without hidden layers */
static inline void Make(MPI_Comm comm, const char options[], PetscBool linear, Case *c)
{
  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, options));
  OK(EngdProblemCreate(comm, &c->problem));
  OK(EngdProblemSetFromOptions(c->problem));
  OK(EngdNetworkCreate(comm, &c->network));
  OK(EngdNetworkSetSizes(c->network, c->problem->domain->dim, c->problem->noutputs));
  OK(EngdNetworkSetFromOptions(c->network));
  if (linear) OK(EngdNetworkSetLayers(c->network, 0, NULL));
  OK(EngdFunctionalCreate(c->problem, c->network, &c->F));
  OK(EngdFunctionalSetFromOptions(c->F));
  OK(EngdFunctionalSetUp(c->F));
  OK(EngdNetworkCreateParameters(c->network, &c->theta));
  OK(EngdNetworkInitialize(c->network, 7, c->theta));
  OK(EngdFunctionalSetParameters(c->F, c->theta));
  OK(EngdFunctionalCreateGramian(c->F, &c->G));
  OK(PCCreate(comm, &c->pc));
  OK(PCSetOperators(c->pc, c->G, c->G));
  OK(PCSetType(c->pc, "kfac"));
  OK(PCSetFromOptions(c->pc));
  OK(EngdKfacGet(c->pc, &c->kfac));
}

static inline void Destroy(Case *c)
{
  OK(PCDestroy(&c->pc));
  OK(MatDestroy(&c->G));
  OK(VecDestroy(&c->theta));
  OK(EngdFunctionalDestroy(&c->F));
  OK(EngdNetworkDestroy(&c->network));
  OK(EngdProblemDestroy(&c->problem));
}

static char message[2048]; /* of the first error that Catch() met */

/* Keeps the message of the first error instead of printing it */
static inline PetscErrorCode Catch(MPI_Comm comm, int line, const char *function, const char *file,
                                   PetscErrorCode code, PetscErrorType type, const char *text, void *data)
{
  (void)comm, (void)line, (void)function, (void)file, (void)data;
  if (type == PETSC_ERROR_INITIAL) (void)PetscStrncpy(message, text, sizeof(message));
  return code;
}

/* theta <- scale theta, and G has changed */
static inline void Move(Case *c, PetscReal scale)
{
  OK(VecScale(c->theta, scale));
  OK(EngdFunctionalSetParameters(c->F, c->theta));
  OK(PetscObjectStateIncrease((PetscObject)c->G));
}

/* x_j, some function of the global index alone */
static inline void Fill(Vec x, PetscReal shift)
{
  PetscInt begin, end;

  OK(VecGetOwnershipRange(x, &begin, &end));
  for (PetscInt j = begin; j < end; j++) OK(VecSetValue(x, j, PetscSinReal(shift + 3 * j), INSERT_VALUES));
  OK(VecAssemblyBegin(x));
  OK(VecAssemblyEnd(x));
}

/* what PCSetFromOptions() does last, in a scope of its own: after an error PETSc does not free that of the PC */
static inline PetscErrorCode ReadOptions(PC pc, PetscErrorCode *code)
{
  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Preconditioner", "PC");
  *code = PetscObjectProcessOptionsHandlers((PetscObject)pc, PetscOptionsObject);
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

#endif
