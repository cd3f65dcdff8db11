/*
  The pointwise part of a term: residual or energy r at a point, from numbers that the model has there. (src/problem/pointwise)

  Text of an options file, or a function in C of arguments that are text: "u, lap(u), nu" of outputs, their derivatives,
  unknown parameters, coordinates and data. Either way the rest of the program sees r, dr/dDu and d^2 r/dDu^2 in the
  jet Du of the raw model: the network's outputs before the ansatz, and the unknown parameters.
*/
#ifndef ENGD_POINTWISE_H
#define ENGD_POINTWISE_H

#include <engd/expression.h>

/* As the program sees it: r, and the structural non-zeros of its derivatives, as those of an expression */
typedef struct _n_EngdPointwise *EngdPointwise;
struct _n_EngdPointwise {
  PetscInt ncomponents, nentries;
  PetscInt nvalues; /* numbers that `evaluate` gives at a point: the components, and what has no derivatives */
  const EngdJetEntry *entry; /* [nentries] of the raw model's jet */
  PetscInt            nfirst, nsecond;
  const PetscInt     *first_component, *first_entry;                  /* [nfirst], ordered by component */
  const PetscInt     *second_component, *second_entry, *second_other; /* [nsecond], ordered by component */
  PetscBool twice; /* are there second derivatives of all, which differentiate() then makes: nsecond is 0 before */

  /* arrays as those of EngdExpressionEvaluate(); first and second may be NULL */
  PetscErrorCode (*evaluate)(EngdPointwise, PetscInt n, const EngdBatch x[], const EngdBatch normal[],
                             const EngdBatch jet[], PetscReal value[], PetscReal first[], PetscReal second[]);
  PetscErrorCode (*differentiate)(EngdPointwise); /* NULL: they are there, or never */
  PetscErrorCode (*destroy)(EngdPointwise);
  void     *data;
  PetscReal bytes; /* of its texts */
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

/* compiled to order 1, which it then has, and so has its destruction */
PETSC_INTERN PetscErrorCode EngdPointwiseCreateText(EngdExpression, EngdPointwise *);
/* the function of the components of `arguments`, which it has as above; the callback is borrowed */
PETSC_INTERN PetscErrorCode EngdPointwiseCreateCallback(EngdCallback, EngdExpression arguments, EngdPointwise *);
/* of walkers: r is the first component, the local energy, and the derivatives are those of the second one, log|psi|; compiled to order 1 */
PETSC_INTERN PetscErrorCode EngdPointwiseCreateWalkers(EngdExpression, EngdPointwise *);
PETSC_INTERN PetscErrorCode EngdCallbacksDestroy(EngdCallback *list);
/* it has its second derivatives from now on, if there are any */
PETSC_INTERN PetscErrorCode EngdPointwiseDifferentiate(EngdPointwise);
PETSC_INTERN PetscErrorCode EngdPointwiseDestroy(EngdPointwise *);

#endif
