/*
  What is in panels: the columns of a matrix dealt to the ranks, and what each factorisation of them brings along. (src/linalg)
*/
#ifndef ENGD_PANELS_H
#define ENGD_PANELS_H

#include <engd/private.h>
#include <petscblaslapack.h>

#define ENGD_PANEL 64 /* columns; an order of 3500 takes 1.1 times the seconds by 32 and by 128 */

struct _n_EngdPanels {
  MPI_Comm    comm;
  PetscMPIInt rank, size;
  PetscInt    m, n, stack; /* rows, columns, triangles or 1 */
  PetscInt    nlocal;      /* Columns here. */
  size_t      room;        /* Numbers that A has room for. */
  size_t      message_room;
  PetscInt    columns_room;
  PetscReal  *A;          /* (m, nlocal) T above the reflectors. */
  PetscReal  *factor;     /* (ENGD_PANEL, nlocal) Their block factors. */
  PetscReal  *work;       /* (ENGD_PANEL, max(nlocal, ENGD_PANEL)) */
  PetscReal  *message[2]; /* Reflectors and block factor of a panel that another rank has, and of the next one. */
  size_t      exchange_room;
  PetscReal  *exchange; /* What a transpose sends and receives. */
  PetscInt    failed;   /* Which pivot, from 1 on, ended the last factorisation, or 0. */
};

/* A panel that has been factored, V (rows, width) from row `first` on with leading dimension ldv, and its block factor (ENGD_PANEL, width):
   reflectors and their triangle, or L and, first, LAPACK's info */
typedef struct {
  PetscInt         first, rows, width;
  const PetscReal *V, *factor;
  PetscInt         ldv;
} EngdReflectors;

/* A factorisation, as a loop over panels sees it (panels_factor.c). Factor: panel j, up to date, on its owner. Update: columns of this rank from
   `begin` to below `end` by a factored panel. */
typedef struct {
  PetscErrorCode (*factor)(EngdPanels, PetscInt j);
  PetscErrorCode (*update)(EngdPanels, const EngdReflectors *, PetscInt begin, PetscInt end);
  PetscBool
      may_fail; /* Does the block factor begin with a number that is not zero where panel j could not be factored? */
} EngdPanelsMethod;

/* Panels; columns of panel j; rows of panel j that are not zero before the factorisation */
static inline PetscInt EngdPanelsCount(EngdPanels q)
{
  return (q->n + ENGD_PANEL - 1) / ENGD_PANEL;
}

static inline PetscInt EngdPanelsWidth(EngdPanels q, PetscInt j)
{
  return PetscMin(ENGD_PANEL, q->n - j * ENGD_PANEL);
}

static inline PetscInt EngdPanelsHeight(EngdPanels q, PetscInt j)
{
  return q->stack > 1 ? q->stack * PetscMin(q->n, (j + 1) * ENGD_PANEL) : q->m;
}

/* Which rank has panel j: 0 1 2 2 1 0 0 1 ..; which panel the local one of a number is */
static inline PetscMPIInt EngdPanelsRank(PetscInt j, PetscMPIInt size)
{
  const PetscMPIInt at = (PetscMPIInt)(j % size);

  return j / size % 2 ? size - 1 - at : at;
}

static inline PetscInt EngdPanelsGlobal(EngdPanels q, PetscInt local)
{
  return local * q->size + (local % 2 ? q->size - 1 - q->rank : q->rank);
}

/* The local column at which panel j begins, or the next one that this rank has */
static inline PetscInt EngdPanelsLocal(EngdPanels q, PetscInt j)
{
  const PetscInt turn = j / q->size, own = turn % 2 ? q->size - 1 - q->rank : q->rank;

  return PetscMin((turn + (own < j % q->size)) * ENGD_PANEL, q->nlocal);
}

PETSC_INTERN EngdReflectors EngdPanelsGetReflectors(EngdPanels, PetscInt j);
PETSC_INTERN PetscErrorCode EngdPanelsRun(EngdPanels, const EngdPanelsMethod *, PetscBool *done);
PETSC_INTERN PetscErrorCode EngdPanelsShare(EngdPanels, PetscInt j, PetscInt n, PetscReal x[]);

#endif
