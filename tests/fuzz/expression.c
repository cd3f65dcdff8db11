/*
  Fuzzer of the problem language: any text is refused, or parsed, differentiated twice and evaluated.
*/
#include "fuzz.h"

enum { POINTS = 3, LONGEST = 512, ENTRIES = 64 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  return FuzzBegin("");
}

/* all of it at some points, whatever the numbers are */
static void Evaluate(EngdExpression e)
{
  static const PetscReal number[POINTS] = {0.3, -1.7, 0.0};
  EngdBatch              x[4], normal[2], *jet;
  PetscReal             *value, *first, *second;

  Must(PetscMalloc4(e->nentries, &jet, e->ncomponents * POINTS, &value, e->nfirst * POINTS, &first,
                    e->nsecond * POINTS, &second));
  for (int k = 0; k < 4; k++) x[k] = (EngdBatch){number, 1};
  for (int k = 0; k < 2; k++) normal[k] = (EngdBatch){number, 1};
  for (PetscInt k = 0; k < e->nentries; k++) jet[k] = (EngdBatch){number, 1};
  Must(EngdExpressionEvaluate(e, POINTS, x, normal, jet, value, first, second));
  Must(PetscFree4(jet, value, first, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const coordinate[] = {"x", "y", "t"}, *const output[] = {"u", "v"}, *const parameter[] = {"nu"};
  static const char *const column[] = {"f"};
  const PetscReal          value[]  = {0.01};
  const EngdSymbols        symbols  = {.nspace      = 2,
                                       .dim         = 3,
                                       .coordinate  = coordinate,
                                       .noutputs    = 2,
                                       .output      = output,
                                       .nparameters = 1,
                                       .parameter   = parameter,
                                       .value       = value,
                                       .ndata       = 1,
                                       .data        = column,
                                       .normal      = PETSC_TRUE};
  char                     text[LONGEST + 1];
  EngdExpression           e;

  if (size > LONGEST) return -1;
  memcpy(text, data, size);
  text[size] = 0;
  Must(EngdExpressionCreate(&symbols, &e));
  if (!EngdExpressionAppend(e, "-fuzz", text) && !EngdExpressionCompile(e, 2)) Evaluate(e);
  Must(EngdExpressionDestroy(&e));
  return 0;
}
