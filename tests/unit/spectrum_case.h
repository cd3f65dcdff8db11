/*
  Spectra of the functionals of solver_case.h: computed as options say, and their rows found.
*/
#ifndef SPECTRUM_CASE_H
#define SPECTRUM_CASE_H

#include "solver_case.h"

/* what the options ask for, at the theta of the setting */
static inline void Compute(Setting *s, Tao tao, const char options[], EngdSpectrum *spectrum)
{
  CHECK(PetscOptionsInsertString(NULL, options));
  CHECK(EngdSpectrumCreate(s->F, tao, spectrum));
  CHECK(EngdSpectrumSetFromOptions(*spectrum));
  CHECK(PetscOptionsClear(NULL));
  CHECK(EngdSpectrumCompute(*spectrum, s->theta, 7));
}

static inline const EngdSpectrumRow *Find(EngdSpectrum spectrum, EngdSpectrumKind kind, PetscInt layer,
                                          EngdQuantity quantity, PetscInt number)
{
  for (PetscInt k = 0; k < spectrum->nrows; k++) {
    const EngdSpectrumRow *row = &spectrum->row[k];

    if (row->kind == kind && row->layer == layer && row->quantity == quantity && row->number == number) return row;
  }
  return NULL;
}

static inline PetscInt Count(EngdSpectrum spectrum, EngdSpectrumKind kind, PetscInt layer, EngdQuantity quantity)
{
  PetscInt n = 0;

  while (Find(spectrum, kind, layer, quantity, n + 1)) n++;
  return n;
}

#endif
