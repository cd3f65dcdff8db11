/*
  What types can do and what they cost, so that no file asks for a type by its name.

  Our own types declare their features where they are created. The features of PETSc's types are facts that PETSc does not
  tell: they stand in one table (src/solver/petsc_types.c).
*/
#ifndef ENGD_CAPABILITIES_H
#define ENGD_CAPABILITIES_H

#include <engd/base.h>

/* Features of a direction, the bits of EngdDirection->features */
enum {
  ENGD_DIRECTION_STRUCTURES = 1 << 0, /* it solves with the part of the Gramian that -tao_engd_structure names */
  ENGD_DIRECTION_HESSIAN    = 1 << 1, /* it solves with the exact Hessian, of which there is no J^T W J */
  ENGD_DIRECTION_KSP    = 1 << 2, /* it solves by the KSP of the Tao, so that options of KSP and PC have an effect */
  ENGD_DIRECTION_DAMPED = 1 << 3, /* it solves with G + lambda I, lambda of the solver */
  ENGD_DIRECTION_MODELS = 1 << 4, /* it compares the loss with its model along d, so that there must be no momentum */
  ENGD_DIRECTION_GAMES =
      1 << 5 /* it solves with all of W, not with its roots, where W is that of a minimum and maximum */
};

#define ENGD_DAMPING "damping" /* the name of lambda on the screen */
#define ENGD_CUTOFF  "cut-off" /* of the part of the largest singular value that separates what is solved for */

/* What an iteration of a direction takes on the rank that needs most, and what it is worth */
typedef struct {
  PetscBool suits;   /* is this the kind of problem that the direction is for */
  PetscReal seconds; /* infinity where it cannot be used at all */
  PetscReal bytes;   /* zero for no more than some vectors */
  PetscReal worth;   /* so many iterations of direction krylov lower the loss as much */
} EngdEstimate;

/* Features of a TAO type */
enum {
  ENGD_TAO_RESAMPLES     = 1 << 0, /* it goes on when points are taken anew between its iterations */
  ENGD_TAO_KSP           = 1 << 1, /* its KSP and PC read -ksp_ and -pc_, those of others have a prefix more */
  ENGD_TAO_ELSEWHERE     = 1 << 2, /* it is for another kind of problem: constraints, no derivatives, ... */
  ENGD_TAO_LEAST_SQUARES = 1 << 3, /* it needs the residual and its Jacobian */
  ENGD_TAO_INNER         = 1 << 4, /* a Tao inside of it iterates */
  ENGD_TAO_PC_LMVM       = 1 << 5, /* it breaks down with another PC than lmvm */
  ENGD_TAO_FUNCTIONAL    = 1 << 6  /* its Hessian must be an operator of a functional */
};

#define ENGD_TAO_LOOP (ENGD_TAO_RESAMPLES | ENGD_TAO_FUNCTIONAL) /* of all types that are made by EngdTaoBecome() */

/* Features of a KSP type */
enum {
  ENGD_KSP_JACOBIAN = 1 << 0, /* it solves least squares with J */
  ENGD_KSP_NO_PC    = 1 << 1, /* it applies no preconditioner */
  ENGD_KSP_ONCE     = 1 << 2, /* it applies the preconditioner once, and reads no tolerances */
  ENGD_KSP_UNFIT    = 1 << 3  /* it needs more than products with the operator and a PC */
};

/* Features of a PC type; one without any needs the entries of a matrix */
enum {
  ENGD_PC_PRODUCTS = 1 << 0, /* products with any operator are enough */
  ENGD_PC_GRAMIAN  = 1 << 1, /* it needs a Gramian: its diagonal, or the layers of its network */
  ENGD_PC_SECANTS  = 1 << 2  /* it is made of the steps and gradients that a TAO type hands to it */
};

/* What is taken where no option names a type */
#define ENGD_DEFAULT_TAO       "engd"
#define ENGD_DEFAULT_KSP       KSPCG
#define ENGD_DEFAULT_PC        "kfac"
#define ENGD_DEFAULT_DIRECTION "auto"
#define ENGD_DEFAULT_STEP      "grid"

/* 0 for types that nobody has declared anything of. Not collective */
PETSC_INTERN PetscErrorCode EngdTaoTypeFeatures(const char type[], unsigned *);
PETSC_INTERN PetscErrorCode EngdKSPTypeFeatures(const char type[], unsigned *);
PETSC_INTERN PetscErrorCode EngdTaoGetFeatures(Tao, unsigned *);
PETSC_INTERN PetscErrorCode EngdKSPGetFeatures(KSP, unsigned *);
PETSC_INTERN PetscErrorCode EngdPCGetFeatures(PC,
                                              unsigned *); /* asks a composed function of this name with _C first */

/* of PETSc's own TAO types, and of no others (src/solver/petsc_types.c) */
PETSC_INTERN PetscErrorCode EngdPetscTaoFeatures(const char type[], unsigned *);

/* names <- "a, b or c": the directions that have these features before their options are read; our TAO types and PCs */
PETSC_INTERN PetscErrorCode EngdDirectionListWith(unsigned features, size_t size, char names[]);
PETSC_INTERN PetscErrorCode EngdTaoListWith(unsigned features, size_t size, char names[]);

/* What cannot work is refused with the option named, before the options of a Tao are read and after. TellUnused: one line on
   options of KSP and PC, where the direction solves without a KSP. Collective (src/solver/unsupported.c) */
PETSC_INTERN PetscErrorCode EngdSolverCheckLimits(Tao);
PETSC_INTERN PetscErrorCode EngdSolverCheckMethods(EngdFunctional, Tao);
PETSC_INTERN PetscErrorCode EngdSolverTellUnused(KSP, const char direction[]);

#endif
