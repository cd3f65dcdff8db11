/*
  Private to src/preconditioners: a PCSHELL under a name of its own, and when it is refreshed.

  A registered creator calls EngdPCBecomeShell(), so that the PC is chosen by -pc_type, reads its options, and shows itself under
  its name; its state is found by that name, since PCShellGetContext() would answer for type shell alone.
*/
#ifndef ENGD_SHELL_H
#define ENGD_SHELL_H

#include <engd/private.h>

typedef struct {
  const char *type;
  unsigned    features; /* ENGD_PC_... */
  PetscErrorCode (*setfromoptions)(PC, EngdOptionItems, void *data);
  PetscErrorCode (*setup)(PC);
  PetscErrorCode (*apply)(PC, Vec, Vec); /* symmetric */
  PetscErrorCode (*view)(PC, PetscViewer);
  PetscErrorCode (*state)(PC, Mat, EngdArchive,
                          void *data); /* of what it has learnt of the matrix that it is made from */
  PetscReal (*bytes)(void *data);      /* of this rank, the most that it takes in an iteration */
  PetscErrorCode (*free)(void *data);  /* of the state, when the PC takes another type or is destroyed */
} EngdPCShell;

/* `shell` and its type are borrowed for as long as the program runs; `data` becomes the PC's */
PETSC_INTERN PetscErrorCode EngdPCBecomeShell(PC, const EngdPCShell *shell, void *data);
/* the state of a PC of this type, NULL of another */
PETSC_INTERN PetscErrorCode EngdPCGetData(PC, const char type[], void **data);

/* Where a preconditioner was set up last; zero and -1 for nowhere */
typedef struct {
  PetscObjectId operator_id;
  PetscInt64    generation; /* of the functional; of a matrix that follows none its state */
} EngdPCPoint;

/* is A another matrix than at `point`; has it moved, to a new theta or new points. A new damping alone moves no matrix that
   follows a functional. The point becomes that of A */
PETSC_INTERN PetscErrorCode EngdPCPointUpdate(Mat A, EngdPCPoint *point, PetscBool *other, PetscBool *moved);

/* The generation, and after loading A in place of the operator of that other process; nowhere when forgetting, so that the next
   set-up finds another operator */
PETSC_INTERN PetscErrorCode EngdPCPointState(Mat A, EngdPCPoint *point, EngdArchive);
/* does the PC keep what it has, whatever happens to A (-ksp_reuse_preconditioner), and has it something of A. A set-up comes to it
   none the less after loading, since PETSC knows of none before */
PETSC_INTERN PetscErrorCode EngdPCIsReused(PC, Mat A, const EngdPCPoint *point, PetscBool *);

#endif
