/*
  What every source file of engd includes: the PETSc version shim and the private headers, one a folder of src.

  The shim is the only place that knows PETSc's version; the rest of the code is written for the newest names.
*/
#ifndef ENGD_PRIVATE_H
#define ENGD_PRIVATE_H

#include <engd/extend.h>
#include <petsc/private/petscimpl.h> /* states of objects; nothing else of PETSc's inside, but for tao_loop.c */

#if defined(PETSC_USE_COMPLEX) || !defined(PETSC_USE_REAL_DOUBLE)
#error "engd needs a PETSc of real double precision scalars"
#endif

#if PETSC_VERSION_LT(3, 21, 0)
#define TaoMonitorSet TaoSetMonitor
#endif
#if PETSC_VERSION_LT(3, 22, 0)
#define TaoParametersInitialize(tao)                     PETSC_SUCCESS
#define PetscObjectParameterSetDefault(tao, name, value) ((void)((tao)->name##_changed || ((tao)->name = (value))))
#define PetscOptionsCreateViewer                         PetscOptionsGetViewer
#endif
/* a function that frees a context is given the context, later its address, which is now without a type */
#if PETSC_VERSION_LT(3, 23, 0)
#define PetscContainerSetCtxDestroy PetscContainerSetUserDestroy
#define PetscCtxDestroyDefault      PetscContainerUserDestroyDefault
typedef void *EngdContextArgument;
#define ENGD_CONTEXT(argument) (argument)
#else
#if PETSC_VERSION_LT(3, 25, 0)
typedef void **EngdContextArgument;
#else
typedef void *EngdContextArgument;
#endif
#define ENGD_CONTEXT(argument) (*(void **)(argument))
#endif
#if PETSC_VERSION_LT(3, 24, 0)
#define ENGD_MPI_BOOL MPIU_BOOL
#else
#define ENGD_MPI_BOOL MPI_C_BOOL
#endif
/* how often a Tao has called for the objective, the gradient, both and the Hessian; for files with petsc/private/taoimpl.h */
#if PETSC_VERSION_LT(3, 25, 0)
#define ENGD_TAO_COUNTS(tao)                                                                                         \
  {                                                                                                                  \
    &(tao)->nfuncs, &(tao)->ngrads, &(tao)->nfuncgrads, &(tao)->nhess                                                \
  }
#else
#define ENGD_TAO_COUNTS(tao)                                                                                         \
  {                                                                                                                  \
    &(tao)->callbacks->nobj, &(tao)->callbacks->ngrad, &(tao)->callbacks->nobjgrad, &(tao)->callbacks->nhess         \
  }
#endif

#include <engd/system.h>
#include <engd/registry.h>
#include <engd/domain.h>
#include <engd/linalg.h>
#include <engd/spectrum.h>
#include <engd/projection.h>
#include <engd/report.h>
#include <engd/start.h>
#include <engd/run.h>

#endif
