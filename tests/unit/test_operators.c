/*
  Loss, gradient, R and J of all problems: against Taylor remainders and dot products; dense J; the loss along a line; the same
  results on any number of ranks as on one, with any memory limit and block size; points that are not finite; resampling.
  ranks: 1 2 3 4
*/
#include "functionals.h"

static PetscReal Loss(Setting *s, Vec theta, Vec gradient)
{
  PetscReal loss;

  CHECK(EngdFunctionalSetParameters(s->F, theta));
  CHECK(EngdFunctionalEvaluate(s->F, &loss, gradient));
  return loss;
}

/* theta + t v */
static Vec Moved(const Setting *s, PetscReal t)
{
  Vec moved;

  CHECK(VecDuplicate(s->theta, &moved));
  CHECK(VecWAXPY(moved, t, s->v, s->theta));
  return moved;
}

/* halving the step quarters L(theta + t v) - L - t <gradient, v> */
static void Gradient(const Case *which)
{
  PetscReal loss, slope, remainder[2];
  Setting   s;
  Vec       gradient;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(VecDuplicate(s.theta, &gradient));
  loss = Loss(&s, s.theta, gradient);
  CHECK(VecDot(gradient, s.v, &slope));
  for (PetscInt k = 0; k < 2; k++) {
    const PetscReal t     = k ? 2e-5 : 4e-5;
    Vec             moved = Moved(&s, t);

    remainder[k] = Loss(&s, moved, NULL) - loss - t * slope;
    CHECK(VecDestroy(&moved));
  }
  assert_true(PetscAbsReal(remainder[1]) > 1e-12);
  Close("order of the remainder", remainder[0] / remainder[1], 4, 0.3);
  CHECK(VecDestroy(&gradient));
  End(&s);
}

/* L = |R|^2/2, gradient = J^T R, <J v, y> = <v, J^T y>, and the remainder of R is quartered */
static void Jacobian(const Case *which)
{
  PetscReal loss, norm, left, right, remainder[2];
  Setting   s;
  Mat       J;
  Vec       R, Jv, y, gradient, other;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(EngdFunctionalCreateJacobian(s.F, &J));
  CHECK(MatCreateVecs(J, &other, &R));
  CHECK(VecDuplicate(R, &Jv));
  CHECK(VecDuplicate(R, &y));
  CHECK(VecDuplicate(s.theta, &gradient));
  loss = Loss(&s, s.theta, gradient);
  CHECK(EngdFunctionalResidual(s.F, R));
  CHECK(VecNorm(R, NORM_2, &norm));
  Close("|R|^2/2", 0.5 * norm * norm, loss, 1e-13 * loss);
  CHECK(MatMultTranspose(J, R, other));
  CHECK(VecNorm(gradient, NORM_2, &norm));
  CHECK(VecAXPY(gradient, -1, other));
  CHECK(VecNorm(gradient, NORM_2, &left));
  Close("gradient = J^T R", left, 0, 1e-13 * norm);
  CHECK(MatMult(J, s.v, Jv));
  FillRandom(y, 5);
  CHECK(MatMultTranspose(J, y, other));
  CHECK(VecDot(Jv, y, &left));
  CHECK(VecDot(s.v, other, &right));
  CHECK(VecNorm(Jv, NORM_2, &norm));
  Close("<J v, y> = <v, J^T y>", left, right, 1e-13 * norm * PetscSqrtReal((PetscReal)s.p));
  for (PetscInt k = 0; k < 2; k++) {
    const PetscReal t     = k ? 2e-5 : 4e-5;
    Vec             moved = Moved(&s, t);

    CHECK(EngdFunctionalSetParameters(s.F, moved));
    CHECK(EngdFunctionalResidual(s.F, y));
    CHECK(VecAXPY(y, -1, R));
    CHECK(VecAXPY(y, -t, Jv));
    CHECK(VecNorm(y, NORM_2, &remainder[k]));
    CHECK(VecDestroy(&moved));
  }
  assert_true(remainder[1] > 1e-12);
  Close("order of the remainder", remainder[0] / remainder[1], 4, 0.3);
  CHECK(VecDestroy(&R));
  CHECK(VecDestroy(&Jv));
  CHECK(VecDestroy(&y));
  CHECK(VecDestroy(&gradient));
  CHECK(VecDestroy(&other));
  CHECK(MatDestroy(&J));
  End(&s);
}

/* rows of J by EngdJetRows of sqrt(w) D_c against J e_j; the largest difference on this rank */
static PetscReal JacobianRowsDifference(const Setting *s, PetscInt M, PetscInt start, const PetscReal J[])
{
  const EngdFunctional F = s->F;
  PetscReal           *rows, *y, difference = 0;

  for (PetscInt b = 0; b < F->nblocks; b++) {
    EngdBlock     *block;
    const PetscInt nc = s->problem->term[F->block[b].term]->expression->ncomponents, n = F->block[b].n;

    if (s->problem->term[F->block[b].term]->integral) continue;
    CHECK(EngdFunctionalGetBlock(F, b, &block));
    CHECK(PetscMalloc2(s->p * n, &rows, nc * n, &y));
    for (PetscInt k = 0; k < nc * n; k++) {
      const PetscInt c = k / n, i = k % n;

      for (PetscInt l = 0; l < nc * n; l++) y[l] = l / n == c ? PetscSqrtReal(block->weight[l % n]) : 0;
      CHECK(EngdBlockZero(F, block, F->work.gu));
      CHECK(EngdBlockFirstTranspose(F, block, y, F->work.gu));
      CHECK(EngdModelRows(block->jet, F->present.theta, F->work.gu, F->work.jet, rows));
      for (PetscInt j = 0; j < s->p; j++) {
        const PetscReal d = rows[i * s->p + j] - J[ENGD_COUNT(j, M) + start + block->row + k];

        Raise(&difference, PetscAbsReal(d));
      }
    }
    CHECK(PetscFree2(rows, y));
  }
  return difference;
}

/* explicit rows, whose order is that of J, against J e_j; the largest difference on this rank */
static PetscReal ExplicitRowsDifference(const Setting *s, PetscInt M, PetscInt start, const PetscReal J[])
{
  PetscReal *A, difference = 0;
  PetscInt   rows;

  CHECK(EngdExplicitCountRows(s->F, &rows));
  CHECK(PetscMalloc1(ENGD_COUNT(rows + 1, s->p), &A));
  CHECK(EngdExplicitFillRows(s->F, rows + 1, A));
  for (PetscInt j = 0; j < s->p; j++) {
    for (PetscInt i = 0; i < rows; i++) {
      const PetscReal d = A[ENGD_COUNT(j, rows + 1) + i] - J[ENGD_COUNT(j, M) + start + i];

      Raise(&difference, PetscAbsReal(d));
    }
  }
  CHECK(PetscFree(A));
  return difference;
}

/* dense J: from MatComputeOperator, from rows of the jets, from explicit rows; G = J^T J; with damping G + lambda I */
static void DenseJacobian(const Case *which)
{
  const PetscReal lambda = 0.37;
  Setting         s;
  PetscReal      *dense, *G, *product, size = 0, one = 1, zero = 0;
  PetscInt        M, start, end;
  PetscBLASInt    bm, bp;
  Mat             J, explicit_J, gramian;
  Vec             x, y;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  CHECK(EngdFunctionalCreateJacobian(s.F, &J));
  CHECK(MatGetSize(J, &M, NULL));
  dense = Dense(J);
  for (PetscInt k = 0; k < M * s.p; k++) size = PetscMax(size, PetscAbsReal(dense[k]));
  CHECK(MatGetOwnershipRange(J, &start, &end));
  Close("rows of J", Largest(JacobianRowsDifference(&s, M, start, dense)), 0, 1e-13 * size);
  Close("explicit J", Largest(ExplicitRowsDifference(&s, M, start, dense)), 0, 1e-13 * size);

  CHECK(MatComputeOperator(J, MATDENSE, &explicit_J));
  CHECK(MatCreateVecs(J, &x, &y));
  CHECK(MatMult(explicit_J, s.v, y));
  CHECK(VecScale(y, -1));
  CHECK(MatMultAdd(J, s.v, y, y));
  CHECK(VecNorm(y, NORM_2, &size));
  Close("MatComputeOperator(J)", size, 0, 1e-12);

  CHECK(PetscMalloc1(s.p * s.p, &product));
  CHECK(PetscBLASIntCast(M, &bm));
  CHECK(PetscBLASIntCast(s.p, &bp));
  BLASgemm_("T", "N", &bp, &bp, &bm, &one, dense, &bm, dense, &bm, &zero, product, &bp);
  CHECK(EngdFunctionalCreateGramian(s.F, &gramian));
  G = Dense(gramian);
  CloseAll("G = J^T J", s.p * s.p, G, product, 1e-13);
  CHECK(PetscFree(G));
  CHECK(EngdGramianSetDamping(gramian, lambda));
  G = Dense(gramian);
  for (PetscInt j = 0; j < s.p; j++) product[j * s.p + j] += lambda;
  CloseAll("G + lambda I", s.p * s.p, G, product, 1e-13);
  CHECK(PetscFree(G));
  CHECK(PetscFree(product));
  CHECK(PetscFree(dense));
  CHECK(VecDestroy(&x));
  CHECK(VecDestroy(&y));
  CHECK(MatDestroy(&gramian));
  CHECK(MatDestroy(&explicit_J));
  CHECK(MatDestroy(&J));
  End(&s);
}

#define NSTEPS 4

/* all results that do not depend on how points are numbered: gradient, G v, diagonal, J^T J v, losses */
static PetscReal *Results(MPI_Comm comm, const Case *which, const char options[], PetscInt *n)
{
  const PetscReal steps[NSTEPS] = {1, 0.5, 0, -0.125};
  PetscReal      *results, norm;
  Setting         s;
  Mat             G, J;
  Vec             R;

  Begin(comm, which, options, &s);
  *n = 4 * s.p + NSTEPS + 2;
  CHECK(PetscCalloc1(*n, &results));
  CHECK(EngdFunctionalCreateGramian(s.F, &G));
  results[0] = Loss(&s, s.theta, s.w);
  Whole(s.w, results + NSTEPS + 2);
  CHECK(EngdFunctionalLossAlong(s.F, s.theta, s.v, NSTEPS, steps, results + 1));
  CHECK(MatMult(G, s.v, s.w)); /* right after trial parameters have been in the scratch jets */
  Whole(s.w, results + NSTEPS + 2 + s.p);
  CHECK(MatGetDiagonal(G, s.w));
  Whole(s.w, results + NSTEPS + 2 + 2 * s.p);
  if (!which->energy) {
    CHECK(EngdFunctionalCreateJacobian(s.F, &J));
    CHECK(MatCreateVecs(J, NULL, &R));
    CHECK(MatMult(J, s.v, R));
    CHECK(VecNorm(R, NORM_2, &norm));
    results[NSTEPS + 1] = norm;
    CHECK(MatMultTranspose(J, R, s.w));
    Whole(s.w, results + NSTEPS + 2 + 3 * s.p);
    CHECK(VecDestroy(&R));
    CHECK(MatDestroy(&J));
  }
  CHECK(MatDestroy(&G));
  End(&s);
  return results;
}

/* one rank and any number of ranks, kept jets and none, blocks of 1, 7 and all points: the same */
static void SameResults(const Case *which)
{
  const char *const options[] = {"",
                                 "-engd_memory_limit 1",
                                 "-engd_block_points 1",
                                 "-engd_block_points 7 -engd_memory_limit 1",
                                 "-engd_block_points 7",
                                 "-engd_block_points 1000"};
  PetscInt          n, m;
  PetscReal        *alone = Results(PETSC_COMM_SELF, which, "", &n);

  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    PetscReal *results = Results(PETSC_COMM_WORLD, which, options[k], &m);

    assert_int_equal(m, n);
    CloseAll(options[k], NSTEPS + 1, results, alone, 1e-12);
    for (PetscInt j = NSTEPS + 1, width = 1; j < n; j += width, width = (n - NSTEPS - 2) / 4) {
      CloseAll(options[k], width, results + j, alone + j, 1e-12);
    }
    CHECK(PetscFree(results));
  }
  CHECK(PetscFree(alone));
}

/* the loss along a line is the loss at its points, and leaves the functional at theta */
static void Along(const Case *which)
{
  const PetscReal steps[NSTEPS] = {1, 0.5, 0, -0.125};
  PetscReal       losses[NSTEPS], loss;
  PetscInt64      evaluations;
  Setting         s;

  Begin(PETSC_COMM_WORLD, which, "", &s);
  evaluations = s.F->count.evaluations;
  CHECK(EngdFunctionalLossAlong(s.F, s.theta, s.v, NSTEPS, steps, losses));
  assert_int_equal(s.F->count.evaluations, evaluations + NSTEPS);
  CHECK(EngdFunctionalEvaluate(s.F, &loss, NULL));
  Close("loss afterwards", loss, losses[2], 1e-14 * PetscAbsReal(loss));
  for (PetscInt k = 0; k < NSTEPS; k++) {
    Vec moved = Moved(&s, steps[k]);

    loss = Loss(&s, moved, NULL);
    Close("loss along", losses[k], loss, 1e-13 * PetscAbsReal(loss));
    CHECK(VecDestroy(&moved));
  }
  loss = Loss(&s, s.theta, NULL);
  CHECK(VecScale(s.theta, 1.25));
  assert_true(PetscAbsReal(Loss(&s, s.theta, NULL) - loss) > 1e-9); /* a change in place is noticed */
  End(&s);
}

static char message[1024]; /* of the last error that Expect() met */

static PetscErrorCode Keep(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                           PetscErrorType type, const char *text, void *unused)
{
  (void)comm, (void)line, (void)function, (void)file, (void)unused;
  if (type == PETSC_ERROR_INITIAL) (void)PetscStrncpy(message, text, sizeof(message));
  return code;
}

/* a residual that is not finite is found: its term and the first of its points in the global numbering */
static void test_check(void **state)
{
  const Case which = {"check",
                      "-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 3 -terms good,bad "
                      "-good_points 5 -good_residual lap(u) -bad_points 23 -bad_sampler uniform "
                      "-bad_residual u_x+sqrt(0.9-x)",
                      PETSC_FALSE, PETSC_TRUE, PETSC_TRUE};
  Setting    s;
  EngdPoints points;
  PetscInt   first;
  char       expected[64];

  (void)state;
  Begin(PETSC_COMM_WORLD, &which, "-bad_residual u_x+sqrt(2-x)", &s);
  CHECK(EngdFunctionalCheck(s.F));
  End(&s);
  Begin(PETSC_COMM_WORLD, &which, "", &s);
  points = s.problem->term[1]->points;
  first  = points->nglobal;
  for (PetscInt i = points->nlocal - 1; i >= 0; i--) first = points->x[i] > 0.9 ? points->start + i : first;
  first = -(PetscInt)Largest(-first);
  assert_true(first < points->nglobal);
  CHECK(PetscPushErrorHandler(Keep, NULL));
  assert_int_equal(EngdFunctionalCheck(s.F), ENGD_ERR_NUMERICS);
  CHECK(PetscPopErrorHandler());
  CHECK(PetscSNPrintf(expected, sizeof(expected), "point %" PetscInt_FMT ", x = 0.9", first));
  assert_non_null(strstr(message, "residual of term 'bad'"));
  assert_non_null(strstr(message, expected));
  End(&s);
}

/* new points when the period divides the iteration, a function of the iteration alone */
static void test_resample(void **state)
{
  const char *const options = "-pde_sampler uniform -pde_resample 2";
  PetscReal         before, after, again;
  PetscBool         changed;
  Setting           s;

  (void)state;
  Begin(PETSC_COMM_WORLD, &cases[0], options, &s);
  before = Loss(&s, s.theta, NULL);
  CHECK(EngdFunctionalResample(s.F, 3, &changed));
  assert_false(changed);
  CHECK(EngdFunctionalResample(s.F, 4, &changed));
  assert_true(changed);
  after = Loss(&s, s.theta, NULL);
  assert_true(PetscAbsReal(after - before) > 1e-6 * before);
  CHECK(EngdFunctionalResample(s.F, 2, &changed));
  CHECK(EngdFunctionalResample(s.F, 4, &changed));
  again = Loss(&s, s.theta, NULL);
  Close("the same points", again, after, 1e-15 * after);
  CHECK(EngdFunctionalResample(s.F, 0, &changed));
  Close("the first points", Loss(&s, s.theta, NULL), before, 1e-15 * before);
  End(&s);
}

/* s <- r + s once, twice: |r + s|^2 - |s|^2 is |r|^2, 3 |r|^2, 5 |r|^2 at the same theta, and the gradient grows as evenly */
static void test_multipliers(void **state)
{
  const PetscReal h = 1e-5;
  PetscReal       loss[3], slope[3], ahead, behind;
  PetscBool       changed;
  Setting         s;
  Vec             gradient, moved;

  (void)state;
  Begin(PETSC_COMM_WORLD, &cases[4], "-wall_multipliers 3 -wall_residual u;x-u*u", &s);
  CHECK(VecDuplicate(s.theta, &gradient));
  CHECK(VecDuplicate(s.theta, &moved));
  for (PetscInt k = 0; k < 3; k++) {
    if (k) CHECK(EngdFunctionalUpdateMultipliers(s.F, 3 * k, s.theta, &changed));
    assert_true(!k || changed);
    loss[k] = Loss(&s, s.theta, gradient);
    CHECK(VecDot(gradient, s.v, &slope[k]));
  }
  CHECK(EngdFunctionalUpdateMultipliers(s.F, 7, s.theta, &changed));
  assert_false(changed);
  Close("even losses", loss[2] - loss[1], loss[1] - loss[0], 1e-12 * PetscAbsReal(loss[2]));
  assert_true(loss[1] - loss[0] > 1e-3 * PetscAbsReal(loss[0]));
  Close("even gradients", slope[2] - slope[1], slope[1] - slope[0], 1e-12 * PetscAbsReal(slope[2]));
  CHECK(VecWAXPY(moved, h, s.v, s.theta));
  ahead = Loss(&s, moved, NULL);
  CHECK(VecWAXPY(moved, -h, s.v, s.theta));
  behind = Loss(&s, moved, NULL);
  Close("slope", slope[2], (ahead - behind) / (2 * h), 1e-7 * PetscAbsReal(slope[2]));
  CHECK(VecDestroy(&moved));
  CHECK(VecDestroy(&gradient));
  End(&s);
}

/* what has no meaning is refused */
static void test_refusals(void **state)
{
  Setting        s;
  Mat            G, J;
  EngdFunctional found;
  EngdCurvature  curvature;

  (void)state;
  Begin(PETSC_COMM_WORLD, &cases[4], "", &s);
  CHECK(EngdFunctionalCreateGramian(s.F, &G));
  CHECK(EngdGramianGetFunctional(G, &found));
  assert_ptr_equal(found, s.F);
  CHECK(PetscPushErrorHandler(Keep, NULL));
  assert_int_equal(EngdFunctionalResidual(s.F, s.v), PETSC_ERR_ARG_WRONGSTATE);
  assert_int_equal(EngdFunctionalCreateJacobian(s.F, &J), PETSC_ERR_ARG_WRONGSTATE);
  assert_int_equal(EngdGramianSetDamping(G, -1e-3), PETSC_ERR_ARG_OUTOFRANGE);
  assert_non_null(strstr(message, "-0.001"));
  assert_int_equal(EngdCurvatureCreate("fisher", &curvature), PETSC_ERR_ARG_UNKNOWN_TYPE);
  assert_non_null(strstr(message, "fisher"));
  CHECK(PetscPopErrorHandler());
  CHECK(MatDestroy(&G));
  End(&s);
  Begin(PETSC_COMM_WORLD, &cases[0], "", &s);
  CHECK(EngdFunctionalCreateJacobian(s.F, &J));
  CHECK(EngdGramianGetFunctional(J, &found));
  assert_null(found);
  CHECK(MatDestroy(&J));
  End(&s);
}

int main(int argc, char **argv)
{
  const Check             checks[] = {{"gradient", Gradient, PETSC_FALSE},
                                      {"Jacobian", Jacobian, PETSC_TRUE},
                                      {"dense J", DenseJacobian, PETSC_TRUE},
                                      {"line", Along, PETSC_FALSE},
                                      {"results", SameResults, PETSC_FALSE}};
  const struct CMUnitTest extra[]  = {cmocka_unit_test(test_check), cmocka_unit_test(test_resample),
                                      cmocka_unit_test(test_multipliers), cmocka_unit_test(test_refusals)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = RunChecks("operators", PETSC_STATIC_ARRAY_LENGTH(checks), checks, PETSC_STATIC_ARRAY_LENGTH(extra), extra);
  return EngdFinalize() ? 1 : failed;
}
