/*
  Fuzzer of files of points with data: any bytes are refused in one message, or are finite points of the domain.
*/
#include "fuzz.h"

static EngdDomain domain;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  (void)FuzzBegin("-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y");
  Must(EngdDomainCreateFromOptions(PETSC_COMM_WORLD, NULL, &domain));
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  EngdPoints points;

  if (EngdPointsCreateFromFile(domain, "-fuzz", FuzzFile(data, size), PETSC_FALSE, &points)) return 0;
  for (PetscInt i = 0; i < points->nlocal * points->dim; i++)
    if (!(points->x[i] >= 0 && points->x[i] <= 1)) abort();
  Must(EngdPointsDestroy(&points));
  return 0;
}
