/*
  What the program says to bad input, in one process: the objects of a run are created as the options say, without the solve,
  and the words of the first error are kept.
*/
#ifndef REFUSALS_H
#define REFUSALS_H

#include "functionals.h"
#include <engd/values.h>

#define POISSON                                                                                                      \
  "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 8 -engd_test_points 5 -terms "        \
  "pde,wall "                                                                                                        \
  "-pde_points 25 -wall_region boundary -wall_points 12 -engd_monitor 0 "
#define RESIDUALS "-pde_residual lap(u) -wall_residual u "

static char refusal[8192];

static PetscErrorCode KeepRefusal(MPI_Comm comm, int line, const char *function, const char *file,
                                  PetscErrorCode code, PetscErrorType type, const char *text, void *data)
{
  (void)comm, (void)line, (void)function, (void)file, (void)data;
  if (type == PETSC_ERROR_INITIAL) (void)PetscStrncpy(refusal, text, sizeof(refusal));
  return code;
}

/* all that is created before the training, and the checks before it */
static inline PetscErrorCode CreateAll(void)
{
  EngdRun   run;
  PetscBool given;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsMarkMissing());
  PetscCall(PetscOptionsHasName(NULL, NULL, "-log_view", &given)); /* as PetscInitialize() has read it */
  PetscCall(EngdRunCreate(PETSC_COMM_WORLD, &run));
  PetscCall(EngdRunSetFromOptions(run));
  PetscCall(EngdRunSetUp(run));
  PetscCall(EngdRunCheckOptions(run, PETSC_FALSE));
  PetscCall(EngdRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what is said to these options, on one line; empty if nothing is wrong with them */
static inline const char *Refusal(const char options[])
{
  PetscErrorCode ierr;

  refusal[0] = 0;
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(PetscPushErrorHandler(KeepRefusal, NULL));
  ierr = CreateAll();
  CHECK(PetscPopErrorHandler());
  if (ierr) EngdOptionsTellMissing(sizeof(refusal), refusal);
  CHECK(PetscOptionsClear(NULL));
  assert_int_equal(ierr != 0, refusal[0] != 0);
  return refusal;
}

#endif
