/*
  TAO type "engd": directions and steps, and the preconditioners they use. (src/solver, src/preconditioners)
*/
#ifndef ENGD_SOLVER_H
#define ENGD_SOLVER_H

/* What the last outer iteration did, for monitors; zeros where a TAO type does not have it */
typedef struct {
  PetscReal step;              /* factor of the direction, 0 when every tried point was rejected */
  PetscReal damping;           /* lambda of G + lambda I */
  PetscInt  krylov_iterations; /* of this iteration's direction */
  PetscInt  total_krylov;      /* since the start */
} EngdStatus;
PETSC_INTERN PetscErrorCode TaoEngdGetStatus(Tao, EngdStatus *);

/* What directions and steps see of the solver */
typedef struct _n_EngdSolver *EngdSolver;
struct _n_EngdSolver {
  EngdFunctional functional;
  Tao            tao;
  Mat            G; /* J^T W J + damping I */
  KSP            ksp;
  PetscReal      damping; /* lambda of the present iteration */
};

/* A direction d, approximately -G^{-1} gradient at the present parameters of the functional */
typedef struct _n_EngdDirection *EngdDirection;
struct _n_EngdDirection {
  char     *type;
  PetscReal damping;  /* what the last direction was damped with: lambda, unless the type sets its own, a cut-off */
  PetscReal momentum; /* of the type's own, 0 for none */
  struct {
    PetscErrorCode (*setfromoptions)(EngdDirection, EngdSolver, EngdOptionItems); /* may be NULL */
    PetscErrorCode (*setup)(EngdDirection, EngdSolver);
    PetscErrorCode (*compute)(EngdDirection, EngdSolver, Vec gradient, Vec d, PetscInt *krylov_iterations);
    /* may be NULL: a more cautious d at the same point for attempt 1, 2, ..., or false when there is none left */
    PetscErrorCode (*retry)(EngdDirection, EngdSolver, PetscInt attempt, Vec d, PetscBool *);
    PetscErrorCode (*view)(EngdDirection, PetscViewer); /* may be NULL */
    PetscErrorCode (*destroy)(EngdDirection);
  } ops[1];
  void *data;
};

/* The point along d that an iteration starts a step from, and what the step type chose */
typedef struct {
  Vec       theta, gradient, d;
  PetscReal loss, slope;   /* at theta; slope = gradient . d < 0 */
  PetscReal step, newloss; /* chosen; step = 0: no tried point has a lower loss */
} EngdLine;

/* A step length along the direction */
typedef struct _n_EngdStep *EngdStep;
struct _n_EngdStep {
  char *type;
  struct {
    PetscErrorCode (*setfromoptions)(EngdStep, EngdSolver, EngdOptionItems);
    PetscErrorCode (*choose)(EngdStep, EngdSolver, EngdLine *);
    PetscErrorCode (*view)(EngdStep, PetscViewer);
    PetscErrorCode (*destroy)(EngdStep);
  } ops[1];
  void *data;
};

PETSC_EXTERN PetscErrorCode EngdDirectionRegister(const char[], PetscErrorCode (*)(EngdDirection));
PETSC_INTERN PetscErrorCode EngdDirectionCreate(const char[], EngdDirection *);
PETSC_INTERN PetscErrorCode EngdDirectionDestroy(EngdDirection *);
PETSC_INTERN PetscErrorCode EngdDirectionCreate_Krylov(EngdDirection);
PETSC_INTERN PetscErrorCode EngdDirectionCreate_TSVD(EngdDirection);
PETSC_INTERN PetscErrorCode EngdDirectionCreate_Dual(EngdDirection);

PETSC_EXTERN PetscErrorCode EngdStepRegister(const char[], PetscErrorCode (*)(EngdStep));
PETSC_INTERN PetscErrorCode EngdStepCreate(const char[], EngdStep *);
PETSC_INTERN PetscErrorCode EngdStepDestroy(EngdStep *);
PETSC_INTERN PetscErrorCode EngdStepCreate_Grid(EngdStep);
PETSC_INTERN PetscErrorCode EngdStepCreate_Armijo(EngdStep);
PETSC_INTERN PetscErrorCode EngdStepCreate_Fixed(EngdStep);

PETSC_EXTERN PetscErrorCode TaoCreate_Engd(Tao);
PETSC_EXTERN PetscErrorCode PCCreate_KFAC(PC);

#endif
