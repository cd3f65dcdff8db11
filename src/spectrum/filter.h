/*
  Eigenvalues in an interval, by a filter of SLEPc; for iterative.c. Collective.

  IsFilter: have the options chosen one. SetUpFilter: before EPSSolve(), which is not to follow where none is, as was told.
  TellFilter: after it.
*/
#ifndef ENGD_SPECTRUM_FILTER_H
#define ENGD_SPECTRUM_FILTER_H

#include <engd/private.h>

PETSC_INTERN PetscErrorCode EngdSpectrumIsFilter(EPS, PetscBool *filter);
/* Before there is an operator: a matrix for the checks of what is asked. Collective */
PETSC_INTERN PetscErrorCode EngdSpectrumPrepareFilter(EPS);
PETSC_INTERN PetscErrorCode EngdSpectrumSetUpFilter(EngdSpectrum, const EngdSpectrumOperator *, EPS,
                                                    EngdSpectrumProgress *, PetscBool *none);
PETSC_INTERN PetscErrorCode EngdSpectrumTellFilter(EngdSpectrum, const EngdSpectrumOperator *, EPS);

#endif
