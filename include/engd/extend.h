/*
  For authors of types: what a plug-in includes. Everything a type needs is in its own file.

    type          registered by             chosen by              a file to copy from
    direction     EngdDirectionRegister     -tao_engd_direction    examples/plugin/conjugate.c, src/solver/direction/krylov.c
    step          EngdStepRegister          -tao_engd_step         src/solver/step/fixed.c
    curvature     EngdCurvatureRegister     -tao_engd_curvature    src/operators/curvature/sobolev.c
    domain        EngdDomainRegister        -domain_type           examples/plugin/ellipse.c
    sampler       EngdSamplerRegister       -<term>_sampler        src/problem/samplers/uniform.c
    network       EngdNetworkTypeRegister   -network_type          src/network/residual.c
    activation    EngdActivationRegister    -network_activation    src/network/activation.c
    function      EngdFunctionRegister      its name in a text     src/network/activation.c, of the same form

  In the tree of engd such a file in the folder of its kind is all; the line ENGD_REGISTER_DIRECTION("conjugate", function); in it
  makes the makefile take the type into the table of those that are built in.

  A library libmine.so given by -dll_append libmine.so is loaded when the program starts, and its function

    PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_mine(void)
    {
      PetscFunctionBeginUser;
      PetscCall(EngdExtendCheckVersion("mine", ENGD_VERSION, ENGD_ABI));
      PetscCall(EngdDirectionRegister("conjugate", EngdDirectionCreate_Conjugate));
      PetscFunctionReturn(PETSC_SUCCESS);
    }

  adds its types. They may read options, which -help then shows. The structs here change from version to version, hence the
  check. Functions declared PETSC_INTERN are the library's own, and a plug-in that calls one is not loaded.
*/
#ifndef ENGD_EXTEND_H
#define ENGD_EXTEND_H

#include <engd/base.h>

/* The error class of a breakdown of the numerics (exit code 3), all others are input errors (exit code 2) */
#define ENGD_ERR_NUMERICS PETSC_ERR_FP

#include <engd/settings.h>
#include <engd/random.h>
#include <engd/linalg.h>
#include <engd/archive.h>
#include <engd/expression.h>
#include <engd/pointwise.h>
#include <engd/problem.h>
#include <engd/network.h>
#include <engd/model.h>
#include <engd/functional.h>
#include <engd/operators.h>
#include <engd/capabilities.h>
#include <engd/solver.h>

/* Counted up when a function or a field comes to mean something else and no struct changes its size. */
#define ENGD_ABI_VERSION 1
/* What a plug-in was compiled with: a number made of the sizes of the structs that it sees. */
#define ENGD_ABI                                                                                                     \
  (ENGD_ABI_VERSION + 1009 * sizeof(struct _n_EngdDirection) + 1013 * sizeof(struct _n_EngdStep) +                   \
   1019 * sizeof(struct _n_EngdCurvature) + 1021 * sizeof(struct _n_EngdDomain) +                                    \
   1031 * sizeof(struct _n_EngdPoints) + 1033 * sizeof(struct _n_EngdSolver) + 1039 * sizeof(EngdLine) +             \
   1049 * sizeof(struct _n_EngdFunctional) + 1051 * sizeof(struct _n_EngdNetwork))

/* Fails unless the plug-in of this name was built for this version of engd. Not collective (src/system/plugin.c) */
PETSC_EXTERN PetscErrorCode EngdExtendCheckVersion(const char plugin[], const char version[], size_t abi);

#endif
