/*
  Standard output and the signals of a terminal, for a program that is one of engd's own.

  A reader that has gone (engd | head -1) must not cost a training: SIGPIPE is ignored, the run goes on and writes its files. A
  full disk behind standard output is an error at the end. SIGHUP, when a terminal closes, does what it did before PETSc put its
  handler over it: nothing under nohup, else it ends the process without PETSc's page of advice.
*/
#define _GNU_SOURCE /* sigaction */
#include <engd/private.h>
#include <engd/screen.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static struct sigaction hangup;

void EngdScreenBefore(void)
{
  (void)sigaction(SIGHUP, NULL, &hangup);
}

void EngdScreenAfter(void)
{
  (void)sigaction(SIGHUP, &hangup, NULL);
  (void)signal(SIGPIPE, SIG_IGN);
}

/* is standard output a pipe whose reader has gone */
static PetscBool ReaderHasGone(void)
{
  struct pollfd screen = {.fd = STDOUT_FILENO, .events = POLLOUT};

  return (PetscBool)(poll(&screen, 1, 0) > 0 && screen.revents & POLLERR);
}

PetscErrorCode EngdScreenEnd(int rank)
{
  const int bad = fflush(stdout) || ferror(stdout);

  if (!bad || ReaderHasGone()) return PETSC_SUCCESS;
  fprintf(stderr, "engd: not all of the output of rank %d could be written: is the disk full?\n", rank);
  return PETSC_ERR_FILE_WRITE;
}
