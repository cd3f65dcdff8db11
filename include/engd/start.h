/*
  Where a run begins if nothing else is asked for: weights of terms, hidden units, last layer. (src/start)
*/
#ifndef ENGD_START_H
#define ENGD_START_H

#include <engd/functional.h>

/* The last layer alone, its parameters being the columns [first, first + m) of J; all collective.
   Trace: of J^T J on these columns, term by term, with the weights of the terms taken out.
   Solve: at most so many Gauss-Newton steps from theta, which is moved as long as the loss falls; loss <- the last one. */
typedef struct _n_EngdLastLayer *EngdLastLayer;
PETSC_INTERN PetscErrorCode      EngdLastLayerCreate(EngdFunctional, Vec theta, EngdLastLayer *);
PETSC_INTERN PetscErrorCode      EngdLastLayerTrace(EngdLastLayer, Vec theta, PetscReal trace[]);
PETSC_INTERN PetscErrorCode      EngdLastLayerSolve(EngdLastLayer, Vec theta, PetscInt steps, PetscReal *loss);
PETSC_INTERN PetscErrorCode      EngdLastLayerDestroy(EngdLastLayer *);

/* Hidden units over the box that holds all points. Place: by so many times scale[i] in coordinate i, last layer zero.
   Normalise: theta as if each coordinate ran from -1 to 1 */
typedef struct _n_EngdUnits *EngdUnits;
PETSC_INTERN PetscErrorCode  EngdUnitsCreate(EngdFunctional, EngdUnits *);
PETSC_INTERN PetscErrorCode  EngdUnitsPlace(EngdUnits, const PetscReal scale[], Vec theta);
PETSC_INTERN PetscErrorCode  EngdUnitsNormalise(EngdUnits, Vec theta);
PETSC_INTERN PetscErrorCode  EngdUnitsDestroy(EngdUnits *);

/* What was done: the weights of terms that were balanced, the scales of the units; second: another beginning, with small
   weights of the standard distribution, or NULL. text says it in a line */
typedef struct {
  PetscBool balanced, placed;
  Vec       second;
  char      text[1024];
} EngdStart;
PETSC_INTERN PetscErrorCode EngdStartRun(EngdFunctional, Vec theta, EngdStart *);
PETSC_INTERN PetscErrorCode EngdStartDestroy(EngdStart *);

#endif
