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
#endif
#if PETSC_VERSION_LT(3, 23, 0)
#define PetscContainerSetCtxDestroy PetscContainerSetUserDestroy
#define PetscCtxDestroyDefault      PetscContainerUserDestroyDefault
typedef void *EngdContextArgument; /* of a function that frees a context: the context, later its address */
#define ENGD_CONTEXT(argument) (argument)
#else
typedef void **EngdContextArgument;
#define ENGD_CONTEXT(argument) (*(argument))
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
