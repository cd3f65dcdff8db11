/*
  Small problems for the tests of directions, steps and the optimiser, and the exact direction of each by LAPACK.
  Everything is that of functionals.h: a problem from text, random parameters that are the same on any number of ranks.
*/
#ifndef SOLVER_CASE_H
#define SOLVER_CASE_H

#include "functionals.h"

#define SQUARE "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 8 -engd_test_points 5 "

static const Case poisson = {"Poisson",
                             SQUARE "-terms pde,wall -pde_points 25 -pde_residual lap(u)+2*pi^2*sin(pi*x)*sin(pi*y) "
                                    "-wall_region boundary -wall_points 12 -wall_residual u -wall_weight 10",
                             PETSC_FALSE, PETSC_TRUE, PETSC_TRUE},
                  ritz    = {"Ritz",
                             SQUARE "-terms body,wall -body_points 25 -body_energy dot(grad(u),grad(u))/2-u "
                                       "-wall_region boundary -wall_points 12 -wall_residual u -wall_weight 10",
                             PETSC_TRUE, PETSC_TRUE, PETSC_TRUE},
                  /* the Gauss-Newton step of length 1 aims at log(u + 9) = -5 and comes to u + 9 < 0 */
    logarithm = {"logarithm", SQUARE "-terms fit -fit_points 25 -fit_residual log(u+9)+5", PETSC_FALSE, PETSC_FALSE,
                 PETSC_FALSE};

/* u = W x + b and a residual of values: the loss is quadratic, and its Hessian the Gramian anywhere */
static const Case affine = {"affine", SQUARE "-terms fit -fit_points 25 -fit_residual u-sin(2*x+y)", PETSC_FALSE,
                            PETSC_TRUE, PETSC_TRUE};

/* Begin() with a network of one linear layer, which no option makes */
static inline void BeginAffine(Setting *s)
{
  s->which = &affine;
  CHECK(PetscOptionsInsertString(NULL, affine.options));
  BeginProblem(PETSC_COMM_WORLD, s);
  CHECK(EngdNetworkSetLayers(s->net, 0, NULL));
  BeginFunctional(s);
}

/* the optimiser of a setting, starting at its theta */
static inline void CreateTao(Setting *s, const char options[], Tao *tao)
{
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdSolverCreate(s->F, tao));
  CHECK(PetscOptionsClear(NULL));
  CHECK(TaoSetSolution(*tao, s->theta));
}

/* d (p, on every rank) = -(G + lambda I)^{-1} gradient at the present parameters of F, from the dense G without lambda */
static inline void ExactDirection(EngdFunctional F, PetscReal lambda, Vec gradient, PetscReal d[])
{
  PetscReal   *dense;
  PetscBLASInt p, one = 1, info, *pivot;
  PetscInt     n;
  Mat          G;

  CHECK(EngdFunctionalCreateGramian(F, &G));
  dense = Dense(G);
  CHECK(MatDestroy(&G));
  CHECK(VecGetSize(gradient, &n));
  CHECK(PetscBLASIntCast(n, &p));
  CHECK(PetscMalloc1(n, &pivot));
  Whole(gradient, d);
  for (PetscInt j = 0; j < n; j++) {
    dense[j * n + j] += lambda;
    d[j] = -d[j];
  }
  LAPACKgesv_(&p, &one, dense, &p, pivot, d, &p, &info);
  assert_int_equal(info, 0);
  CHECK(PetscFree(pivot));
  CHECK(PetscFree(dense));
}

/* the loss at theta + step d, by parameters that are set */
static inline PetscReal LossAt(EngdFunctional F, Vec theta, PetscReal step, Vec d)
{
  PetscReal loss;
  Vec       moved;

  CHECK(VecDuplicate(theta, &moved));
  CHECK(VecWAXPY(moved, step, d, theta));
  CHECK(EngdFunctionalSetParameters(F, moved));
  CHECK(EngdFunctionalEvaluate(F, &loss, NULL));
  CHECK(VecDestroy(&moved));
  return loss;
}

#endif
