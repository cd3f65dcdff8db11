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

#endif
