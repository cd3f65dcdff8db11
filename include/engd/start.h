/*
  Where a run begins if nothing else is asked for: weights of terms, hidden units, last layer. (src/start)
*/
#ifndef ENGD_START_H
#define ENGD_START_H

#include <engd/functional.h>

/* The last layers of the networks alone, whose parameters are m columns of J; all but Count and Columns, which
   parameters they are, collective.
   Trace: of J^T J on these columns, term by term, with the weights of the terms taken out.
   Solve: at most so many Gauss-Newton steps from theta, which is moved as long as the loss falls; loss <- the last one. */
typedef struct _n_EngdLastLayer *EngdLastLayer;
PETSC_INTERN PetscInt            EngdLastLayerCount(EngdFunctional);
PETSC_INTERN void                EngdLastLayerColumns(EngdFunctional, PetscInt column[]);
PETSC_INTERN PetscErrorCode      EngdLastLayerCreate(EngdFunctional, Vec theta, EngdLastLayer *);
PETSC_INTERN PetscErrorCode      EngdLastLayerTrace(EngdLastLayer, Vec theta, PetscReal trace[]);
PETSC_INTERN PetscErrorCode      EngdLastLayerSolve(EngdLastLayer, Vec theta, PetscInt steps, PetscReal *loss);
PETSC_INTERN PetscErrorCode      EngdLastLayerDestroy(EngdLastLayer *);

/* Hidden units over the box that holds all points. Place: by so many times scale[i] in coordinate i, last layer zero.
   Flatten: theta drawn as from the standard weights for coordinates from -1 to 1, of the first kind of flat units or of the
   second, which bends more; outputs of the mean and the size of those at theta */
#define ENGD_START_NFLAT   2
#define ENGD_START_COLUMNS 1500 /* of the last layer at most */
typedef struct _n_EngdUnits *EngdUnits;
PETSC_INTERN PetscErrorCode  EngdUnitsCreate(EngdFunctional, EngdUnits *);
PETSC_INTERN PetscErrorCode  EngdUnitsPlace(EngdUnits, const PetscReal scale[], Vec theta);
PETSC_INTERN PetscErrorCode  EngdUnitsFlatten(EngdUnits, Vec theta, PetscInt kind, Vec flat);
PETSC_INTERN PetscErrorCode  EngdUnitsDestroy(EngdUnits *);

/* What was done: the weights of terms that were balanced, the scales of the units; flat: other beginnings, with units that bend
   little over the domain, or NULL; multipliers: have conditions beside energies got them. text says it in a line */
typedef struct {
  PetscBool balanced, placed, multipliers;
  Vec       flat[ENGD_START_NFLAT];
  char      text[1024];
} EngdStart;
/* Leaves: do options or setters say nothing of initial weights, nothing of the weights of terms */
PETSC_INTERN PetscErrorCode EngdStartLeaves(EngdFunctional, PetscBool *units, PetscBool *weights);
PETSC_INTERN PetscErrorCode EngdStartRun(EngdFunctional, Vec theta, PetscBool energies, EngdStart *);
/* Again: units and last layer of networks that have grown; the weights of the terms stay */
PETSC_INTERN PetscErrorCode EngdStartAgain(EngdFunctional, Vec theta, EngdStart *);
PETSC_INTERN PetscErrorCode EngdStartDestroy(EngdStart *);

#endif
