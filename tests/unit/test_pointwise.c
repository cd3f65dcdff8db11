/*
  Terms as functions in C: the same values and derivatives as the same term as text, through an ansatz and unknown parameters;
  derivatives against differences; functions that fail, that are no number, that have no second derivatives.
  ranks: 1 3; errors leak
*/
#include "refusals.h"

#define MODEL                                                                                                        \
  "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_outputs u,v -network_layers 4 "              \
  "-network_inputs 2*x-1,exp(y)*x -ansatz_u x*u+a*v^2 -unknown_parameters a=0.5,b=1.5 -terms pde,rim "               \
  "-pde_points 81 -rim_region boundary -rim_points 8 -rim_residual u-b -engd_block_points 70 -engd_test_points 5 "
#define ARGUMENTS "u*u_x, lap(v), b, x*u"

/* r = (a0 a1^2 - b sin(a3) + x, exp(a0) a3 - n), with the normal n where there is one */
static PetscErrorCode Two(void *ctx, PetscInt n, const PetscReal x[], const PetscReal normal[],
                          const PetscReal argument[], PetscReal value[], PetscReal first[], PetscReal second[])
{
  const PetscReal *a0 = argument, *a1 = argument + n, *a2 = argument + 2 * n, *a3 = argument + 3 * n;

  PetscFunctionBeginUser;
  (void)ctx;
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal s = PetscSinReal(a3[i]), c = PetscCosReal(a3[i]), e = PetscExpReal(a0[i]);

    value[i]     = a0[i] * a1[i] * a1[i] - a2[i] * s + x[2 * i];
    value[n + i] = e * a3[i] - (normal ? normal[2 * i] : 0);
    if (first) { /* first[(component * 4 + argument) * n + i] */
      first[i]         = a1[i] * a1[i];
      first[n + i]     = 2 * a0[i] * a1[i];
      first[2 * n + i] = -s;
      first[3 * n + i] = -a2[i] * c;
      first[4 * n + i] = e * a3[i];
      first[7 * n + i] = e;
    }
    if (second) { /* second[((component * 4 + e) * 4 + f) * n + i] for f <= e */
      second[4 * n + i]         = 2 * a1[i];
      second[5 * n + i]         = 2 * a0[i];
      second[14 * n + i]        = -c;
      second[15 * n + i]        = a2[i] * s;
      second[16 * n + i]        = e * a3[i];
      second[(16 + 12) * n + i] = e;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
#define TWO_TEXT "u*u_x*lap(v)^2-b*sin(x*u)+x;exp(u*u_x)*x*u"

/* problem, network and functional, the term pde as a function or as text */
static void Make(const char options[], EngdPointwiseFn function, const char arguments[], PetscInt ncomponents,
                 PetscBool second, void *ctx, Setting *s)
{
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscOptionsInsertString(NULL, MODEL));
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdProblemCreate(PETSC_COMM_WORLD, &s->problem));
  if (function)
    CHECK(EngdProblemSetTermResidual(s->problem, "pde", arguments, ncomponents, function, second, ctx, NULL));
  CHECK(EngdProblemSetFromOptions(s->problem));
  CHECK(EngdNetworkCreate(PETSC_COMM_WORLD, &s->net));
  CHECK(EngdNetworkSetSizes(s->net, 2, 2));
  CHECK(EngdNetworkSetFromOptions(s->net));
  BeginFunctional(s);
}

/* loss, gradient, G v and H v of the function are those of the text */
static void TestSameAsText(void **state)
{
  const char *const curvature[] = {"gauss_newton", "energy", "h1"};

  (void)state;
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(curvature); c++) {
    PetscReal loss[2], *all[2][3];
    char      options[512];

    for (PetscInt k = 0; k < 2; k++) {
      Setting s;
      Mat     G, H;

      CHECK(PetscSNPrintf(options, sizeof(options), "-tao_engd_curvature %s %s", curvature[c],
                          k ? "-pde_residual " TWO_TEXT : ""));
      Make(options, k ? NULL : Two, ARGUMENTS, 2, PETSC_TRUE, NULL, &s);
      for (PetscInt i = 0; i < 3; i++) CHECK(PetscMalloc1(s.p, &all[k][i]));
      CHECK(EngdFunctionalEvaluate(s.F, &loss[k], s.w));
      Whole(s.w, all[k][0]);
      CHECK(EngdFunctionalCreateGramian(s.F, &G));
      CHECK(MatMult(G, s.v, s.w));
      Whole(s.w, all[k][1]);
      CHECK(EngdFunctionalCreateHessian(s.F, &H));
      CHECK(MatMult(H, s.v, s.w));
      Whole(s.w, all[k][2]);
      CHECK(MatDestroy(&G));
      CHECK(MatDestroy(&H));
      if (k) {
        Close("loss", loss[0], loss[1], 1e-13 * loss[1]);
        CloseAll("gradient", s.p, all[0][0], all[1][0], 1e-12);
        CloseAll("G v", s.p, all[0][1], all[1][1], 1e-12);
        CloseAll("H v", s.p, all[0][2], all[1][2], 1e-12);
        for (PetscInt i = 0; i < 6; i++) CHECK(PetscFree(all[i / 3][i % 3]));
      }
      End(&s);
    }
  }
}

/* r (ncomponents, 1) and derivatives of the term at one of its points, of the jet entries d */
static void AtPoint(EngdTerm term, PetscInt i, const PetscReal d[], PetscReal r[], PetscReal r1[], PetscReal r2[])
{
  const EngdPoints points = term->points;
  EngdBatch        x[2], normal[2], jet[32];

  for (PetscInt k = 0; k < 2; k++) {
    x[k] = (EngdBatch){points->x + 2 * i + k, 2};
    if (points->normal) normal[k] = (EngdBatch){points->normal + 2 * i + k, 2};
  }
  for (PetscInt e = 0; e < term->pointwise->nentries; e++) jet[e] = (EngdBatch){d + e, 1};
  CHECK((*term->pointwise->evaluate)(term->pointwise, 1, x, points->normal ? normal : NULL, jet, r, r1, r2));
}

/* dr/dDu and d^2r/dDu^2 in the raw jet by differences of order 4, at a point in the interior and one on the boundary */
static void TestDifferences(void **state)
{
  const PetscReal h = 1e-3, shift[] = {-2, -1, 1, 2}, weight[] = {1. / 12, -2. / 3, 2. / 3, -1. / 12};

  (void)state;
  for (PetscInt k = 0; k < 2; k++) {
    PetscReal d[32], r[2], r1[64], r2[64 * 32], moved[64], error[2] = {0, 0}, size[2] = {0, 0};
    EngdTerm  term;
    Setting   s;

    Make(k ? "-pde_region boundary " : "", Two, ARGUMENTS, 2, PETSC_TRUE, NULL, &s);
    term = s.problem->term[0];
    assert_int_equal(term->pointwise->nsecond, 0); /* until somebody wants them */
    CHECK(EngdPointwiseDifferentiate(term->pointwise));
    assert_true(term->points->nlocal > 0 && term->pointwise->nentries <= 32);
    for (PetscInt e = 0; e < term->pointwise->nentries; e++) d[e] = 0.9 + 0.4 * PetscSinReal(2.0 * (PetscReal)e + 1);
    AtPoint(term, 0, d, r, r1, r2);
    for (PetscInt e = 0; e < term->pointwise->nentries; e++) {
      PetscReal slope[2] = {0, 0}, curve[64] = {0}, here = d[e];

      for (PetscInt j = 0; j < 4; j++) {
        d[e] = here + shift[j] * h;
        AtPoint(term, 0, d, r, moved, NULL);
        for (PetscInt c = 0; c < 2; c++) slope[c] += weight[j] / h * r[c];
        for (PetscInt l = 0; l < term->pointwise->nfirst; l++) curve[l] += weight[j] / h * moved[l];
      }
      d[e] = here;
      for (PetscInt l = 0; l < term->pointwise->nfirst; l++) {
        if (term->pointwise->first_entry[l] != e) continue;
        error[0] = PetscMax(error[0], PetscAbsReal(r1[l] - slope[term->pointwise->first_component[l]]));
        size[0]  = PetscMax(size[0], PetscAbsReal(r1[l]));
      }
      for (PetscInt q = 0; q < term->pointwise->nsecond; q++) {
        const PetscInt c = term->pointwise->second_component[q], f = term->pointwise->second_other[q];

        if (term->pointwise->second_entry[q] != e) continue;
        for (PetscInt l = 0; l < term->pointwise->nfirst; l++) {
          if (term->pointwise->first_component[l] != c || term->pointwise->first_entry[l] != f) continue;
          error[1] = PetscMax(error[1], PetscAbsReal(r2[q] - curve[l]));
          size[1]  = PetscMax(size[1], PetscAbsReal(r2[q]));
        }
      }
    }
    for (PetscInt j = 0; j < 2; j++) {
      size[j] = Largest(size[j]);
      assert_true(size[j] > 0.1);
      Close(j ? "second derivatives" : "first derivatives", Largest(error[j]), 0, 1e-9 * (1 + size[j]));
    }
    End(&s);
  }
}

/* what the context says, where x > 0.8: 1 an error, 2 no number, 3 no number in a derivative. (An error that the function raises
   in words of its own needs the program's handler: tests/run/library.sh.) */
static PetscErrorCode Bad(void *ctx, PetscInt n, const PetscReal x[], const PetscReal normal[],
                          const PetscReal argument[], PetscReal value[], PetscReal first[], PetscReal second[])
{
  const PetscInt how = *(const PetscInt *)ctx;

  PetscFunctionBeginUser;
  (void)normal, (void)second;
  for (PetscInt i = 0; i < n; i++) {
    const PetscBool here = (PetscBool)(x[2 * i] > 0.8);

    if (how == 1 && here) return (PetscErrorCode)77;
    value[i] = how == 2 && here ? NAN : argument[i];
    if (first) first[i] = how == 3 && here ? NAN : 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all ranks get the error, in words */
static void TestBad(void **state)
{
  const char *const words[] = {"the function of term 'pde' failed with error 77", "residual of term 'pde'",
                               "residual of term 'pde'"};

  (void)state;
  for (PetscInt how = 0; how <= 3; how++) {
    PetscErrorCode code;
    Setting        s;

    Make("-pde_sampler uniform", Bad, "u", 1, PETSC_FALSE, &how, &s);
    CHECK(PetscPushErrorHandler(KeepRefusal, NULL));
    refusal[0] = 0;
    code       = EngdFunctionalCheck(s.F);
    CHECK(PetscPopErrorHandler());
    assert_int_equal(EngdExitCode(code), how ? how > 1 ? 3 : 2 : 0);
    if (how && !strstr(refusal, words[how - 1])) fail_msg("%d: %s", (int)how, refusal);
    if (strchr(refusal, '\n')) fail_msg("more than a line: %s", refusal);
    if (how != 1) End(&s);
  }
}

/* without second derivatives what needs them is refused; functions of no term, of no components, too late */
static void TestRefused(void **state)
{
  EngdProblem problem;
  PetscInt    how = 0;
  Setting     s;
  Mat         H;

  (void)state;
  Make("", Bad, "u", 1, PETSC_FALSE, &how, &s);
  CHECK(PetscPushErrorHandler(KeepRefusal, NULL));
  assert_int_equal(EngdExitCode(EngdFunctionalCreateHessian(s.F, &H)), 2);
  assert_non_null(strstr(refusal, "the function of term 'pde' has no second derivatives"));
  assert_int_equal(EngdProblemSetTermResidual(s.problem, "rim", "u", 1, Bad, PETSC_FALSE, &how, NULL),
                   PETSC_ERR_ORDER);
  assert_non_null(strstr(refusal, "comes too late"));
  CHECK(PetscPopErrorHandler());
  End(&s);
  CHECK(EngdProblemCreate(PETSC_COMM_WORLD, &problem));
  CHECK(PetscPushErrorHandler(KeepRefusal, NULL));
  assert_int_equal(EngdProblemSetTermResidual(problem, "pde", "u", 0, Bad, PETSC_FALSE, &how, NULL),
                   PETSC_ERR_ARG_OUTOFRANGE);
  assert_int_equal(EngdProblemSetTermResidual(problem, "pde", "u", 1, NULL, PETSC_FALSE, &how, NULL),
                   PETSC_ERR_ARG_OUTOFRANGE);
  CHECK(EngdProblemSetTermResidual(problem, "pdf", "u", 1, Bad, PETSC_FALSE, &how, NULL));
  CHECK(PetscOptionsInsertString(NULL, MODEL "-pde_residual lap(u)+a+b"));
  assert_int_equal(EngdExitCode(EngdProblemSetFromOptions(problem)), 2);
  assert_non_null(strstr(refusal, "a term 'pdf', which is none of -terms"));
  CHECK(PetscPopErrorHandler());
  CHECK(PetscOptionsClear(NULL));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSameAsText), cmocka_unit_test(TestDifferences),
                                     cmocka_unit_test(TestBad), cmocka_unit_test(TestRefused)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("pointwise", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
