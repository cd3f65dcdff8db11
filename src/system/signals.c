/*
  Signals that ask a run to end (TERM, INT) or to write a checkpoint (USR1); what to do about them is the business of the run.

  A handler only notes the number, the one variable of the process that it may touch. A second request to end, unless it comes
  with the first (mpirun and the terminal may both send one), is not asked again: the signal does what it did before.
*/
#define _GNU_SOURCE /* sigaction */
#include <engd/private.h>
#include <signal.h>
#include <time.h>

#define TOGETHER 1 /* seconds within which two signals are one request */

static const int signals[] = {SIGTERM, SIGINT, SIGUSR1};
#define NSIGNALS ((int)(sizeof(signals) / sizeof(signals[0])))

static volatile sig_atomic_t end_asked, write_asked; /* number of the signal, 0: none */
static time_t                first;                  /* when the end was asked for */
static struct sigaction      before[NSIGNALS];
static int                   users; /* runs that listen */

static void Note(int number)
{
  if (number == SIGUSR1) {
    write_asked = number;
  } else if (!end_asked) {
    first     = time(NULL);
    end_asked = number;
  } else if (time(NULL) - first > TOGETHER) {
    (void)signal(number, SIG_DFL);
    (void)raise(number);
  }
}

/* EngdSignalsBegin - Listens from now on; what was noted before is forgotten. Not collective, as all below */
PetscErrorCode EngdSignalsBegin(void)
{
  struct sigaction action = {.sa_handler = Note, .sa_flags = SA_RESTART};

  PetscFunctionBeginUser;
  if (users++) PetscFunctionReturn(PETSC_SUCCESS);
  end_asked = write_asked = 0;
  (void)sigemptyset(&action.sa_mask);
  for (int k = 0; k < NSIGNALS; k++) (void)sigaction(signals[k], &action, &before[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdSignalsGet - The signal that has asked for the end, and the one that has asked for a checkpoint since the last call; or 0 */
PetscErrorCode EngdSignalsGet(int *end, int *write)
{
  PetscFunctionBeginUser;
  *end        = end_asked;
  *write      = write_asked;
  write_asked = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdSignalsEnd - Signals do again what they did before */
PetscErrorCode EngdSignalsEnd(void)
{
  PetscFunctionBeginUser;
  if (--users) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < NSIGNALS; k++) (void)sigaction(signals[k], &before[k], NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}
