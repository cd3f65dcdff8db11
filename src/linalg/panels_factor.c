/*
  A factorisation by panels with its messages under its work (right-looking, with a look-ahead of one panel: Strazdins, A
  comparison of lookahead and algorithmic blocking techniques, TR-CS-98-07, Australian National University, 1998).

    all            wait for panel j
    owner of j+1   bring panel j + 1 up to date, factor it
    all            panel j + 1 begins its way; the columns behind it <- brought up to date by panel j

  The work is even to a panel, and the panels are no time that others wait. A message is (rows, width) and the block factor.
*/
#include "panels.h"

#define CHUNK 256 /* columns that are brought up to date between two looks at a message */

/* the message (rows, width), (ENGD_PANEL, width) of panel j begins its way from the owner */
static PetscErrorCode SendPanel(EngdPanels q, PetscInt j, MPI_Request *request)
{
  const PetscInt    rows = EngdPanelsHeight(q, j) - j * ENGD_PANEL, width = EngdPanelsWidth(q, j);
  const PetscMPIInt owner   = EngdPanelsRank(j, q->size);
  PetscReal        *message = q->message[j % 2];
  PetscMPIInt       count;

  PetscFunctionBeginUser;
  if (owner == q->rank) {
    const EngdReflectors own = EngdPanelsGetReflectors(q, j);

    for (PetscInt k = 0; k < width; k++)
      PetscCall(PetscArraycpy(message + ENGD_COUNT(rows, k), own.V + ENGD_COUNT(k, own.ldv), rows));
    PetscCall(PetscArraycpy(message + ENGD_COUNT(rows, width), own.factor, ENGD_PANEL * width));
  }
  PetscCall(PetscMPIIntCast((rows + ENGD_PANEL) * width, &count));
  PetscCallMPI(MPI_Ibcast(message, count, MPIU_REAL, owner, q->comm, request));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* panel j as all have it */
static EngdReflectors ReceivedReflectors(EngdPanels q, PetscInt j)
{
  EngdReflectors r = {
      .first = j * ENGD_PANEL, .rows = EngdPanelsHeight(q, j) - j * ENGD_PANEL, .width = EngdPanelsWidth(q, j)};

  r.ldv    = r.rows;
  r.V      = q->message[j % 2];
  r.factor = r.V + ENGD_COUNT(r.rows, r.width);
  return r;
}

/* columns of this rank from `begin` to `end` brought up to date by a panel; the message of the next one comes along meanwhile */
static PetscErrorCode Update(EngdPanels q, const EngdPanelsMethod *method, const EngdReflectors *r, PetscInt begin,
                             PetscInt end, MPI_Request *request)
{
  PetscFunctionBeginUser;
  for (PetscInt at = begin; at < end; at += CHUNK) {
    PetscMPIInt done;

    PetscCall(method->update(q, r, at, PetscMin(at + CHUNK, end)));
    if (q->size > 1) PetscCallMPI(MPI_Test(request, &done, MPI_STATUS_IGNORE));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdPanelsRun - All panels in turn; done: could all of them be factored? Collective */
PetscErrorCode EngdPanelsRun(EngdPanels q, const EngdPanelsMethod *method, PetscBool *done)
{
  const PetscInt n       = EngdPanelsCount(q);
  MPI_Request    request = MPI_REQUEST_NULL;

  PetscFunctionBeginUser;
  *done     = PETSC_TRUE;
  q->failed = 0;
  if (n && q->rank == 0) PetscCall(method->factor(q, 0));
  if (n && q->size > 1) PetscCall(SendPanel(q, 0, &request));
  for (PetscInt j = 0; j < n; j++) {
    PetscInt       next = EngdPanelsLocal(q, j + 1);
    EngdReflectors r;

    if (q->size > 1) PetscCallMPI(MPI_Wait(&request, MPI_STATUS_IGNORE));
    r = q->size > 1 ? ReceivedReflectors(q, j) : EngdPanelsGetReflectors(q, j);
    if (method->may_fail && r.factor[0] != 0) {
      *done     = PETSC_FALSE;
      q->failed = r.first + (PetscInt)r.factor[0];
      break;
    }
    if (j + 1 < n && EngdPanelsRank(j + 1, q->size) == q->rank) {
      const PetscInt end = next + EngdPanelsWidth(q, j + 1);

      PetscCall(Update(q, method, &r, next, end, &request));
      PetscCall(method->factor(q, j + 1));
      next = end;
    }
    if (j + 1 < n && q->size > 1) PetscCall(SendPanel(q, j + 1, &request));
    PetscCall(Update(q, method, &r, next, q->nlocal, &request));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
