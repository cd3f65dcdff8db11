/*
  Problems on which preconditioners are tested, and their objects: POISSON with a boundary, SYSTEM of two unknowns, MODEL the
  same with inputs, ansatz and unknown parameters, FIT of values alone. The preconditioner is kfac, unless the options name another.
*/
#ifndef KFAC_CASE_H
#define KFAC_CASE_H

#include "functionals.h"
#include "../../src/preconditioners/kfac.h"
#include "../../src/preconditioners/nystrom.h"

#define BOX " -domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -engd_test_points 5 -engd_block_points 4 "
#define POISSON                                                                                                      \
  BOX "-terms pde,wall -pde_points 16 -pde_residual \"lap(u) + u^2 - sin(x*y)\" -wall_region boundary "              \
      "-wall_points 12 -wall_weight 3 -wall_residual \"u - x\" -network_layers 6,5 "
#define SYSTEM                                                                                                       \
  BOX "-network_outputs u,v -terms pde,wall,in -pde_points 16 -pde_residual \"u_x + v_y*u; lap(u) - u_xy*v\" "       \
      "-wall_region boundary -wall_points 12 -wall_residual \"u - x; 2*v\" -in_points 9 -in_residual u_y "           \
      "-network_layers 6,5 "
#define MODEL                                                                                                        \
  SYSTEM "-network_inputs 2*x-1,exp(y)*x -ansatz_u x*u+a*v -ansatz_v v*(1+y^2)*b -unknown_parameters a=0.5,b=1.5 "
#define FIT BOX "-terms fit -fit_points 25 -fit_weight 2 -fit_residual \"u - x*y\" -pc_kfac_ema 0 -pc_kfac_damping 0 "

typedef struct {
  Setting        s[1];
  EngdFunctional F;     /* of the setting, */
  Vec            theta; /* as these */
  Mat            G;
  PC             pc;
  EngdKfac      *kfac;
} Preconditioned;

/* all objects of a problem, whose options stay; linear: without hidden layers */
static inline void Make(MPI_Comm comm, const char options[], PetscBool linear, Preconditioned *c)
{
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, options));
  BeginProblem(comm, c->s);
  if (linear) CHECK(EngdNetworkSetLayers(c->s->net, 0, NULL));
  BeginFunctional(c->s);
  CHECK(PetscOptionsInsertString(NULL, options));
  c->F     = c->s->F;
  c->theta = c->s->theta;
  CHECK(EngdModelInitialize(c->F->model, 7, c->theta));
  CHECK(EngdFunctionalSetParameters(c->F, c->theta));
  CHECK(EngdFunctionalCreateGramian(c->F, &c->G));
  CHECK(PCCreate(comm, &c->pc));
  CHECK(PCSetOperators(c->pc, c->G, c->G));
  CHECK(PCSetType(c->pc, "kfac"));
  CHECK(PCSetFromOptions(c->pc));
  CHECK(EngdKfacGet(c->pc, &c->kfac));
}

static inline void Destroy(Preconditioned *c)
{
  CHECK(PCDestroy(&c->pc));
  CHECK(MatDestroy(&c->G));
  End(c->s);
}

/* text <- what PCView() writes to a file, on rank 0 alone; is it here */
static inline PetscBool ViewText(PC pc, const char file[], size_t size, char text[])
{
  PetscViewer viewer;
  PetscMPIInt rank;

  memset(text, 0, size);
  CHECK(PetscViewerASCIIOpen(PETSC_COMM_WORLD, file, &viewer));
  CHECK(PCView(pc, viewer));
  CHECK(PetscViewerDestroy(&viewer));
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank == 0) {
    FILE *written = fopen(file, "r");

    assert_non_null(written);
    assert_true(fread(text, 1, size - 1, written) > 0);
    fclose(written);
    remove(file);
  }
  return (PetscBool)(rank == 0);
}

static inline EngdNystrom *Nystrom(PC pc)
{
  EngdNystrom *nystrom;

  CHECK(EngdPCGetData(pc, "nystrom", (void **)&nystrom));
  assert_non_null(nystrom);
  return nystrom;
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
static inline void Move(Preconditioned *c, PetscReal scale)
{
  CHECK(VecScale(c->theta, scale));
  CHECK(EngdFunctionalSetParameters(c->F, c->theta));
  CHECK(PetscObjectStateIncrease((PetscObject)c->G));
}

/* x_j, some function of the global index alone */
static inline void Fill(Vec x, PetscReal shift)
{
  PetscInt begin, end;

  CHECK(VecGetOwnershipRange(x, &begin, &end));
  for (PetscInt j = begin; j < end; j++) CHECK(VecSetValue(x, j, PetscSinReal(shift + 3 * j), INSERT_VALUES));
  CHECK(VecAssemblyBegin(x));
  CHECK(VecAssemblyEnd(x));
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
