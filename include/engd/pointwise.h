/*
  The pointwise part of a term: residual or energy r at a point, from numbers that the model has there. (src/problem/pointwise)

  Text of an options file, or a function in C of arguments that are text: "u, lap(u), nu" of outputs, their derivatives,
  unknown parameters, coordinates and data. Either way the rest of the program sees r, dr/dDu and d^2 r/dDu^2 in the
  jet Du of the raw model: the network's outputs before the ansatz, and the unknown parameters.
*/
#ifndef ENGD_POINTWISE_H
#define ENGD_POINTWISE_H

/*
  For users: a residual or an energy in C, on n points at a time.

    x         [n][dim] coordinates, time last
    normal    [n][nspace], NULL where there is none
    argument  [narguments][n], a_e at point i is argument[e * n + i]
    value     [ncomponents][n] r_c
    first     [ncomponents][narguments][n] dr_c/da_e; NULL when not wanted
    second    [ncomponents][narguments][narguments][n] d^2 r_c/da_e da_f, read for f <= e only; NULL when not wanted

  value, first and second come filled with zeros. It is local to a rank: called for the points of the rank, in pieces.
*/
typedef PetscErrorCode (*EngdPointwiseFn)(void *ctx, PetscInt n, const PetscReal x[], const PetscReal normal[],
                                          const PetscReal argument[], PetscReal value[], PetscReal first[],
                                          PetscReal second[]);

/*
  In place of -<term>_residual text and of -<term>_energy text; before EngdProblemSetFromOptions(), which reads region, points
  and weight of the term as of any other. arguments: "u, lap(u)". second: does the function have second derivatives;
  without them the exact Hessian and the curvature energy are refused. destroy(ctx) is called at the end, or NULL.
*/
PETSC_EXTERN PetscErrorCode EngdProblemSetTermResidual(EngdProblem, const char term[], const char arguments[],
                                                       PetscInt ncomponents, EngdPointwiseFn, PetscBool second,
                                                       void *ctx, PetscErrorCode (*destroy)(void *));
PETSC_EXTERN PetscErrorCode EngdProblemSetTermEnergy(EngdProblem, const char term[], const char arguments[],
                                                     EngdPointwiseFn, PetscBool second, void *ctx,
                                                     PetscErrorCode (*destroy)(void *));

/* As the program sees it: r, and the structural non-zeros of its derivatives, as those of an expression */
typedef struct _n_EngdPointwise *EngdPointwise;
struct _n_EngdPointwise {
  PetscInt            ncomponents, nentries;
  const EngdJetEntry *entry; /* [nentries] of the raw model's jet */
  PetscInt            nfirst, nsecond;
  const PetscInt     *first_component, *first_entry;                  /* [nfirst], ordered by component */
  const PetscInt     *second_component, *second_entry, *second_other; /* [nsecond], ordered by component */
  PetscBool           twice;                                          /* are all second derivatives there */

  /* arrays as those of EngdExpressionEvaluate(); first and second may be NULL */
  PetscErrorCode (*evaluate)(EngdPointwise, PetscInt n, const EngdBatch x[], const EngdBatch normal[],
                             const EngdBatch jet[], PetscReal value[], PetscReal first[], PetscReal second[]);
  PetscErrorCode (*destroy)(EngdPointwise);
  void *data;
};

/* A residual or energy in C, on the list of a problem until its term takes it */
typedef struct _n_EngdCallback *EngdCallback;
struct _n_EngdCallback {
  char           *term, *arguments; /* its term's name; "u, lap(u)" */
  PetscBool       energy, second;
  PetscInt        ncomponents;
  EngdPointwiseFn function;
  void           *ctx;
  PetscErrorCode (*destroy)(void *);
  EngdCallback next;
};

/* compiled to order 2, which it then has, and so has its destruction */
PETSC_INTERN PetscErrorCode EngdPointwiseCreateText(EngdExpression, EngdPointwise *);
/* the function of the components of `arguments`, which it has as above; the callback is borrowed */
PETSC_INTERN PetscErrorCode EngdPointwiseCreateCallback(EngdCallback, EngdExpression arguments, EngdPointwise *);
PETSC_INTERN PetscErrorCode EngdCallbacksDestroy(EngdCallback *list);
PETSC_INTERN PetscErrorCode EngdPointwiseDestroy(EngdPointwise *);

#endif
