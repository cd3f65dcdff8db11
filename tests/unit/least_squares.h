/*
  What the truncated directions are compared with: LAPACK's gelsd on the dense Jacobian.
*/
#ifndef LEAST_SQUARES_H
#define LEAST_SQUARES_H

#include "direction_case.h"

#define LAPACKgelsd_ PETSCBLAS(gelsd, GELSD)
PETSC_EXTERN void LAPACKgelsd_(PetscBLASInt *, PetscBLASInt *, PetscBLASInt *, PetscReal *, PetscBLASInt *,
                               PetscReal *, PetscBLASInt *, PetscReal *, PetscReal *, PetscBLASInt *, PetscReal *,
                               PetscBLASInt *, PetscBLASInt *, PetscBLASInt *);

/* d (p) = the least-squares solution of J d = -R of least norm with this cut-off, and the rank */
static inline PetscInt LeastSquares(EngdFunctional F, PetscReal rcond, PetscReal d[])
{
  Mat          J;
  Vec          R;
  PetscReal   *dense, *x, *sigma, *work;
  PetscInt     N, p;
  PetscBLASInt m, n, one = 1, ldx, rank, info, lwork = 400000, *iwork;

  CHECK(EngdFunctionalCreateJacobian(F, &J));
  CHECK(MatGetSize(J, &N, &p));
  CHECK(MatCreateVecs(J, NULL, &R));
  CHECK(EngdFunctionalResidual(F, R));
  dense = Dense(J);
  m     = (PetscBLASInt)N;
  n     = (PetscBLASInt)p;
  ldx   = PetscMax(m, n);
  CHECK(PetscCalloc4(ldx, &x, ldx, &sigma, lwork, &work, lwork, &iwork));
  Whole(R, x);
  LAPACKgelsd_(&m, &n, &one, dense, &m, x, &ldx, sigma, &rcond, &rank, work, &lwork, iwork, &info);
  assert_int_equal(info, 0);
  for (PetscInt j = 0; j < p; j++) d[j] = -x[j];
  CHECK(PetscFree4(x, sigma, work, iwork));
  CHECK(PetscFree(dense));
  CHECK(VecDestroy(&R));
  CHECK(MatDestroy(&J));
  return rank;
}

#endif
