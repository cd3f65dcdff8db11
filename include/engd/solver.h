/*
  TAO type "engd": directions and steps, and the preconditioners they use. (src/solver, src/preconditioners)
*/
#ifndef ENGD_SOLVER_H
#define ENGD_SOLVER_H

#include <engd/archive.h>
#include <engd/capabilities.h>
#include <engd/operators.h>

/* What the last outer iteration did, for monitors; zeros where a TAO type does not have it */
typedef struct {
  PetscReal   step;              /* factor of the direction, 0 when every tried point was rejected */
  PetscReal   damping;           /* lambda of G + lambda I, or the number that the direction has in its place */
  const char *damping_name;      /* what number that is, "damping", "cut-off", ...; NULL where there is none */
  PetscInt    krylov_iterations; /* of this iteration's direction */
  PetscInt    total_krylov;      /* since the start */
} EngdStatus;
PETSC_INTERN PetscErrorCode TaoEngdGetStatus(Tao, EngdStatus *);

/* An iteration of a TAO type of this program, in the loop of src/solver/tao_loop.c, which alone knows the fields of a Tao */
typedef struct {
  PetscInt           iteration; /* 0, 1, ... of this solve */
  Vec                theta, gradient;
  PetscReal          loss;   /* at theta, as the gradient is: an iteration moves all three, or none */
  TaoConvergedReason reason; /* out: why another iteration is of no use, if it is not */
  EngdStatus         status;
} EngdIterate;

typedef struct {
  PetscErrorCode (*setup)(Tao, void *data, Vec theta);
  /* In each TaoSolve(): what options have changed is set up; or NULL. */
  PetscErrorCode (*begin)(Tao, void *data, EngdStatus *);
  /* What lives from one iteration to the next, called after `begin`; or NULL. */
  PetscErrorCode (*state)(Tao, void *data, EngdArchive);
  PetscErrorCode (*iterate)(Tao, void *data, EngdIterate *);
  PetscErrorCode (*setfromoptions)(Tao, void *data, EngdOptionItems);
  PetscErrorCode (*view)(Tao, void *data, PetscViewer);
  PetscErrorCode (*destroy)(void *data);
} EngdTaoOps;
PETSC_INTERN PetscErrorCode EngdTaoBecome(Tao, const EngdTaoOps *, void *data, PetscInt iterations);
PETSC_INTERN PetscErrorCode EngdTaoGetData(Tao, const char type[], void *data);
PETSC_INTERN PetscErrorCode EngdTaoCreateKSP(Tao, KSP *);

/* theta, points and all that an optimiser keeps between its iterations. Saved from a monitor, or between two TaoSolve(); after
   loading, TaoSolve() goes on behind the iteration that was saved: its monitors see the next one first. Forgetting leaves theta
   and the points. Of PETSc's own types there are theta and the points alone. Collective (src/solver/tao_loop.c) */
PETSC_EXTERN PetscErrorCode EngdTaoState(Tao, EngdArchive);

/* The TAO and PC types of the table enter PETSc's lists; plug-ins add theirs by TaoRegister() and PCRegister(). Not collective */
PETSC_INTERN PetscErrorCode EngdSolverRegister(void);
/* what a KSP is preconditioned with where -pc_type names nothing */
PETSC_INTERN const char *EngdDefaultPC(EngdFunctional);
#define ENGD_REGISTER_TAO(name, create, features) PETSC_INTERN PetscErrorCode create(Tao)
#define ENGD_REGISTER_PC(name, create)            PETSC_INTERN PetscErrorCode create(PC)

PETSC_INTERN PetscErrorCode EngdSolverCreatePrefixed(EngdFunctional, const char prefix[], Tao *);

/* The Tao that iterates inside of another, or itself. Before: iterations of other optimisers of the run, so that points are taken
   anew as if there were one */
PETSC_INTERN PetscErrorCode EngdSolverGetIterating(Tao, Tao *iterating);
PETSC_INTERN PetscErrorCode EngdSolverSetIterationsBefore(Tao, PetscInt before);

/*
  The owner of lambda, the damping of G + lambda I: where it begins, how it follows the steps, what it is. Directions and steps
  read `lambda` and leave its changes to the functions of src/solver/damping.c.
*/
typedef struct {
  PetscReal lambda;   /* of the present iteration */
  PetscReal first;    /* the one to begin with, and the one to stay at if it does not adapt */
  PetscBool adapt;    /* does it follow the steps */
  PetscReal min;      /* the least one, if it adapts */
  PetscReal increase; /* its factor after a short step */
  PetscReal decrease; /* its divisor after a long step */
} EngdDamping;

/* What directions and steps see of the solver */
typedef struct _n_EngdSolver *EngdSolver;
struct _n_EngdSolver {
  EngdFunctional functional;
  Tao            tao;
  Mat            G; /* J^T W J + lambda I, or the exact Hessian + lambda I */
  Mat            P; /* what preconditioners of G are made from, G or a Gramian; NULL: G itself */
  KSP            ksp;
  EngdDamping    damping;
  EngdStructure  structure;       /* of G in the direction */
  PetscReal      change;          /* of the loss by the last step, on the points of that step */
  PetscBool      accept_increase; /* may a step of fixed length raise the loss */
};

/* A direction d, approximately -G^{-1} gradient at the present parameters of the functional */
typedef struct _n_EngdDirection *EngdDirection;
struct _n_EngdDirection {
  char     *type;
  unsigned  features; /* what it can do, ENGD_DIRECTION_...; its options may change that */
  PetscBool ready;    /* is it set up */
  PetscReal momentum; /* of the type's own, 0 for none */
  PetscReal bytes;    /* Of the rank that needs most, from the set-up on; 0: no more than some vectors. */
  PetscReal damping;  /* What the last direction was regularised with; a type without lambda sets it in `compute`. */
  PetscReal taken;    /* The damping of the last direction that a step was made along, 0 before there is one. */
  /* What number the damping of a type without lambda is, for people; NULL: it has none */
  const char *damping_name;
  struct {
    PetscErrorCode (*setfromoptions)(EngdDirection, EngdSolver, EngdOptionItems); /* may be NULL */
    PetscErrorCode (*setup)(EngdDirection, EngdSolver);
    PetscErrorCode (*state)(EngdDirection, EngdSolver, EngdArchive); /* may be NULL; after setup */
    /* may be NULL, then -tao_engd_direction auto does not choose it: what an iteration takes, before options and setup */
    PetscErrorCode (*estimate)(EngdDirection, EngdSolver, EngdEstimate *);
    PetscErrorCode (*compute)(EngdDirection, EngdSolver, Vec gradient, Vec d, PetscInt *krylov_iterations);
    /* may be NULL: a more cautious d at the same point for attempt 1, 2, ..., or false when there is none left */
    PetscErrorCode (*retry)(EngdDirection, EngdSolver, PetscInt attempt, Vec d, PetscBool *);
    /* may be NULL: d = -(J^T J + mu s_1^2 I)^{-1} J^T r by the factors of J that compute left, s_1 the largest singular value */
    PetscErrorCode (*solve)(EngdDirection, EngdSolver, PetscReal mu, Vec r, Vec d);
    /* may be NULL: the norm of a gradient in the metric of the factors that compute left */
    PetscErrorCode (*norm)(EngdDirection, EngdSolver, Vec gradient, PetscReal *norm);
    PetscErrorCode (*view)(EngdDirection, PetscViewer); /* may be NULL */
    PetscErrorCode (*destroy)(EngdDirection);
  } ops[1];
  void *data;
};

/* The point along d that an iteration starts a step from, and what the step type chose */
typedef struct {
  EngdDirection direction; /* whose d it is */
  Vec           theta, gradient;
  Vec           previous;       /* the direction of the last step, zero if there is none */
  Vec           d;              /* the step type may put another in its place */
  PetscReal     loss, slope;    /* at theta; slope = gradient . d < 0, unless the solver accepts increases */
  PetscReal     step, newloss;  /* chosen; step = 0: no tried point has a lower loss (an acceptable one) */
  PetscReal     damping_factor; /* of the next lambda; 0, unless the type chooses it: by the length of the step */
} EngdLine;

/* Levenberg-Marquardt steps with geodesic acceleration, on a direction that has a `solve`; all terms are residuals */
typedef struct _n_EngdGeodesic *EngdGeodesic;
PETSC_INTERN PetscErrorCode     EngdGeodesicCreate(EngdFunctional, EngdGeodesic *);
PETSC_INTERN PetscErrorCode     EngdGeodesicStep(EngdGeodesic, EngdSolver, EngdDirection, EngdLine *);
PETSC_INTERN PetscErrorCode     EngdGeodesicState(EngdGeodesic, EngdArchive);
PETSC_INTERN PetscErrorCode     EngdGeodesicDestroy(EngdGeodesic *);

/* The losses of the last iterations, and which kind of iteration is next: straight, or accelerated (src/solver/progress.c) */
typedef struct {
  PetscInt   size, n;     /* of the ring; losses recorded so far */
  PetscReal *past;        /* [size] loss k at k % size */
  PetscInt   since;       /* the loss from which the present kind is judged */
  PetscInt   patience;    /* slow straight iterations until accelerated ones are tried */
  PetscInt   accelerated; /* accelerated iterations left to do */
  PetscBool  exhausted;   /* the last accelerated one found no step */
} EngdProgress;
PETSC_INTERN PetscErrorCode EngdProgressState(EngdProgress *, PetscInt longest, EngdArchive);
PETSC_INTERN void           EngdProgressRecord(EngdProgress *, PetscReal loss);
PETSC_INTERN PetscBool      EngdProgressIsSlow(const EngdProgress *, PetscInt since, PetscInt n, PetscReal decrease);
PETSC_INTERN void           EngdProgressChooseKind(EngdProgress *, PetscReal step, PetscBool *stuck);

/* A step length along the direction */
typedef struct _n_EngdStep *EngdStep;
struct _n_EngdStep {
  char     *type;
  PetscBool has_momentum; /* it finds its own momentum, so that there must be no other */
  PetscBool may_increase; /* does it know of steps that raise the loss */
  PetscBool damped;       /* is lambda in its model, whatever the direction */
  struct {
    PetscErrorCode (*setfromoptions)(EngdStep, EngdSolver, EngdOptionItems);
    PetscErrorCode (*state)(EngdStep, EngdArchive); /* may be NULL */
    PetscErrorCode (*choose)(EngdStep, EngdSolver, EngdLine *);
    PetscErrorCode (*view)(EngdStep, PetscViewer);
    PetscErrorCode (*destroy)(EngdStep);
  } ops[1];
  void *data;
};

PETSC_INTERN void           EngdDampingInitialize(EngdDamping *);
PETSC_INTERN PetscErrorCode EngdDampingSetFromOptions(EngdDamping *, MPI_Comm, EngdOptionItems PetscOptionsObject);
PETSC_INTERN PetscErrorCode EngdDampingCheck(const EngdDamping *, MPI_Comm);
PETSC_INTERN void           EngdDampingFollow(EngdDamping *, const EngdLine *);
PETSC_EXTERN PetscErrorCode EngdDampingRaise(EngdSolver, PetscReal least);
PETSC_INTERN PetscErrorCode EngdDampingSetOperators(EngdSolver);
PETSC_INTERN PetscErrorCode EngdDampingState(EngdDamping *, EngdArchive);
PETSC_INTERN PetscErrorCode EngdDampingTellUnused(MPI_Comm, EngdDirection, EngdStep);

PETSC_EXTERN PetscErrorCode EngdDirectionRegister(const char[], PetscErrorCode (*)(EngdDirection));
#define ENGD_REGISTER_DIRECTION(name, create) PETSC_INTERN PetscErrorCode create(EngdDirection)
PETSC_INTERN PetscErrorCode EngdDirectionCreate(const char[], EngdDirection *);
PETSC_INTERN PetscErrorCode EngdDirectionDestroy(EngdDirection *);
PETSC_INTERN const char    *EngdDirectionGetDampingName(EngdDirection);

#define ENGD_FLOPS_PER_SECOND 2e10 /* of a core, in estimates: ratios alone matter to a choice */

/* What -tao_engd_direction auto went by */
typedef struct {
  char         type[64];
  EngdEstimate estimate;
} EngdDirectionCandidate;
typedef struct {
  PetscBool made;  /* is there a choice */
  PetscBool asked; /* options ask for features that one type alone has, so that nothing was estimated */
  PetscInt  n;     /* types that can estimate and have the features that options ask for */
  PetscInt  chosen;
  PetscReal limit; /* bytes of a rank */

  EngdDirectionCandidate candidate[16];
} EngdDirectionChoice;
PETSC_INTERN PetscErrorCode EngdDirectionChoose(EngdSolver, EngdDirectionChoice *, const char **type);
PETSC_INTERN PetscErrorCode EngdDirectionSelect(EngdDirection *, EngdSolver, EngdDirectionChoice *,
                                                EngdOptionItems PetscOptionsObject);
PETSC_INTERN PetscErrorCode EngdDirectionBegin(EngdDirection, EngdSolver); /* of each solve; the first one sets up */
PETSC_INTERN PetscErrorCode EngdDirectionState(EngdDirection, EngdSolver, EngdArchive);
PETSC_INTERN PetscErrorCode EngdDirectionReadCutoff(MPI_Comm, PetscReal *rcond, EngdOptionItems PetscOptionsObject);
/* the cut-off of an iteration, and of its retries, direction->damping; Raise: false where there is none below 1 */
PETSC_INTERN void           EngdDirectionBeginCutoff(EngdDirection, PetscReal rcond, PetscReal *first);
PETSC_INTERN PetscBool      EngdDirectionRaiseCutoff(EngdDirection, PetscReal first, PetscInt attempt);
PETSC_INTERN PetscErrorCode EngdDirectionChoiceView(const EngdDirectionChoice *, PetscViewer);

/* The iterates of a Krylov method, of which the one with the lowest loss may be taken; collective */
typedef struct _n_EngdBacktrack *EngdBacktrack;
PETSC_INTERN PetscErrorCode      EngdBacktrackCreate(KSP, Vec, EngdBacktrack *);
PETSC_INTERN PetscErrorCode      EngdBacktrackBegin(EngdBacktrack);
PETSC_INTERN PetscErrorCode      EngdBacktrackChoose(EngdBacktrack, EngdFunctional, Vec theta, Vec d);
PETSC_INTERN PetscErrorCode      EngdBacktrackDestroy(EngdBacktrack *);

PETSC_EXTERN PetscErrorCode EngdStepRegister(const char[], PetscErrorCode (*)(EngdStep));
#define ENGD_REGISTER_STEP(name, create) PETSC_INTERN PetscErrorCode create(EngdStep)
PETSC_INTERN PetscErrorCode EngdStepCreate(const char[], EngdStep *);
PETSC_INTERN PetscErrorCode EngdStepState(EngdStep, EngdArchive);
PETSC_INTERN PetscErrorCode EngdStepDestroy(EngdStep *);

PETSC_INTERN PetscErrorCode EngdNystromCheck(PC, PetscInt n, EngdFunctional);
PETSC_INTERN PetscErrorCode EngdKfacCheck(PC, EngdFunctional);

/* what a PC keeps from one solve to the next, A the matrix that it is made from. A PC answers by a composed function EngdPCState_C;
   one that PETSc has made of others by theirs. The others keep nothing, unless -ksp_reuse_preconditioner asks for it */
PETSC_EXTERN PetscErrorCode EngdPCState(PC, Mat A, EngdArchive);
/* what a PC of ours takes of this rank, 0 of another or before its set-up */
PETSC_INTERN PetscErrorCode EngdPCGetBytes(PC, PetscReal *);

/* A line of -tao_view: what an iteration takes of the rank that needs most, by the sizes of its parts (src/solver/memory.c). Collective */
PETSC_INTERN PetscErrorCode EngdMemoryView(EngdSolver, EngdDirection, PetscViewer);

/* which unknowns maximise the loss (-TERM_maximise), [noutputs] unless NULL, and whether any does: it is then a game. Collective */
PETSC_INTERN PetscErrorCode EngdMaximiseOutputs(EngdFunctional, PetscBool of[], PetscBool *any);

#endif
