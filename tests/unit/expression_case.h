/*
  What the tests of the problem language share: names, a point, and outputs whose every derivative is known:

    u_k(x) = exp(sum_i a_ki x_i),   d^alpha u_k = prod_i a_ki^alpha_i u_k
*/
#ifndef EXPRESSION_CASE_H
#define EXPRESSION_CASE_H

#include <engd/private.h>
#include <petsctime.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define OK(call)    assert_int_equal((call), PETSC_SUCCESS)
#define MAX_ENTRIES 256

static const char *const coordinates[] = {"x", "y", "t"};
static const char *const outputs[]     = {"u", "v"};
static const char *const parameters[]  = {"nu", "k"};
static const PetscReal   values[]      = {0.25, 4.0};
static const PetscReal   point[]       = {0.3, 0.7, 0.2};
static const PetscReal   normals[]     = {0.6, -0.8};

/* Two space coordinates and time, two outputs, two parameters, a normal */
static const EngdSymbols plane = {.nspace      = 2,
                                  .dim         = 3,
                                  .coordinate  = coordinates,
                                  .noutputs    = 2,
                                  .output      = outputs,
                                  .nparameters = 2,
                                  .parameter   = parameters,
                                  .value       = values,
                                  .normal      = PETSC_TRUE};

static char last_message[4096];

/* Keeps the message in place of printing it */
static inline PetscErrorCode KeepMessage(MPI_Comm comm, int line, const char *function, const char *file,
                                         PetscErrorCode code, PetscErrorType type, const char *message, void *context)
{
  (void)comm, (void)line, (void)function, (void)file, (void)context;
  if (type == PETSC_ERROR_INITIAL) snprintf(last_message, sizeof(last_message), "%s", message);
  return code;
}

/* The exponent a_ki */
static inline PetscReal Rate(PetscInt output, PetscInt coordinate)
{
  return 0.7 * (PetscReal)(output + 1) - 0.4 * (PetscReal)(coordinate % 5) + 0.13;
}

/* The entry of the jet of the known outputs at x */
static inline PetscReal KnownEntry(const EngdSymbols *s, const EngdJetEntry *entry, const PetscReal x[])
{
  PetscReal exponent = 0.0, factor = 1.0, sum = 0.0;

  for (PetscInt i = 0; i < s->dim; i++) exponent += Rate(entry->output, i) * x[i];
  for (PetscInt k = 0; k < entry->order - 2 * entry->laplacian; k++) {
    factor *= Rate(entry->output, entry->coordinate[k]);
  }
  for (PetscInt i = 0; i < s->nspace; i++) sum += Rate(entry->output, i) * Rate(entry->output, i);
  for (PetscInt m = 0; m < entry->laplacian; m++) factor *= sum;
  return factor * exp(exponent);
}

static inline EngdExpression Compiled(const EngdSymbols *s, const char text[], PetscInt order)
{
  EngdExpression e;

  OK(EngdExpressionCreate(s, &e));
  OK(EngdExpressionAppend(e, "-test", text));
  OK(EngdExpressionCompile(e, order));
  return e;
}

/* At one point, from a given jet */
static inline void EvaluateJet(EngdExpression e, const PetscReal x[], const PetscReal jet[], PetscReal value[],
                               PetscReal first[], PetscReal second[])
{
  EngdBatch xs[MAX_ENTRIES], ns[MAX_ENTRIES], js[MAX_ENTRIES];

  assert_true(e->nentries <= MAX_ENTRIES);
  for (PetscInt i = 0; i < e->symbols.dim; i++) xs[i] = (EngdBatch){x + i, 1};
  for (PetscInt i = 0; i < e->symbols.nspace; i++) ns[i] = (EngdBatch){normals + i % 2, 1};
  for (PetscInt i = 0; i < e->nentries; i++) js[i] = (EngdBatch){jet + i, 1};
  OK(EngdExpressionEvaluate(e, 1, xs, ns, js, value, first, second));
}

static inline void KnownJet(EngdExpression e, const PetscReal x[], PetscReal jet[])
{
  for (PetscInt i = 0; i < e->nentries; i++) jet[i] = KnownEntry(&e->symbols, &e->entry[i], x);
}

/* The values of the components at x, from the jet of the known outputs there */
static inline void ValuesAt(EngdExpression e, const PetscReal x[], PetscReal value[])
{
  PetscReal jet[MAX_ENTRIES];

  KnownJet(e, x, jet);
  EvaluateJet(e, x, jet, value, NULL, NULL);
}

/* |a - b| <= tolerance max(1, |b|); equal infinities are equal, and so are two NaN */
static inline PetscBool Close(PetscReal a, PetscReal b, PetscReal tolerance)
{
  if (isnan(a) || isnan(b)) return (PetscBool)(isnan(a) && isnan(b));
  return (PetscBool)(a == b || PetscAbsReal(a - b) <= tolerance * PetscMax(1.0, PetscAbsReal(b)));
}

#define X point[0]
#define Y point[1]
#define T point[2]

/* Entries of the known jet: d^(ij) of output k by coordinates, -1 for none */
static inline PetscReal U(PetscInt output, PetscInt i, PetscInt j)
{
  const EngdJetEntry entry = {.output = output, .order = (i >= 0) + (j >= 0), .coordinate = {i, j}};

  return KnownEntry(&plane, &entry, point);
}

/* The value of a text of one component */
typedef struct {
  const char *text;
  PetscReal   expected;
} Case;

static inline void CheckCases(const EngdSymbols *s, const PetscReal x[], size_t n, const Case table[])
{
  for (size_t i = 0; i < n; i++) {
    EngdExpression e = Compiled(s, table[i].text, 2);
    PetscReal      value;

    assert_int_equal(e->ncomponents, 1);
    ValuesAt(e, x, &value);
    if (!Close(value, table[i].expected, 1e-13)) {
      fail_msg("%s = %.17g, expected %.17g", table[i].text, value, table[i].expected);
    }
    OK(EngdExpressionDestroy(&e));
  }
}

/* A number 0 <= r < n, always the same sequence */
static inline PetscInt Draw(PetscInt n)
{
  static uint32_t state = 20240607u;

  state = state * 1664525u + 1013904223u;
  return (PetscInt)((state >> 8) % (uint32_t)n);
}

#endif
