/*
  Standard output and the signals of a terminal, for a program that is one of engd's own.

  A reader that has gone (engd | head -1) must not cost a training: SIGPIPE is ignored, the run goes on and writes its files. A
  full disk behind standard output is an error at the end. SIGHUP, when a terminal closes, does what it did before PETSc put its
  handler over it: nothing under nohup, else it ends the process without PETSc's page of advice; SIGQUIT and SIGURG likewise.

  A line that is updated is drawn over the one before and taken away before anything else is printed. mpirun of Open MPI gives each
  process a terminal of its own, whatever stands behind mpirun: under it the terminal is that of the parent process.
*/
#define _GNU_SOURCE /* sigaction */
#include <engd/private.h>
#include <engd/screen.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* signals that PETSc answers with a page and the end, though by default they have a plain end, or are nothing at all */
static const int plain[] = {SIGHUP, SIGQUIT, SIGURG};
#define NPLAIN ((int)(sizeof(plain) / sizeof(plain[0])))
static struct sigaction before[NPLAIN];
static PetscBool        drawn; /* is there a line that is updated */
static PetscErrorCode (*print)(FILE *, const char[], va_list);

void EngdScreenBefore(void)
{
  for (int k = 0; k < NPLAIN; k++) (void)sigaction(plain[k], NULL, &before[k]);
}

void EngdScreenAfter(void)
{
  for (int k = 0; k < NPLAIN; k++) (void)sigaction(plain[k], &before[k], NULL);
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

/* columns of the terminal behind standard output, or of that of the parent process; 0: there is none */
static int CountColumns(void)
{
  const char    *type     = getenv("TERM");
  struct winsize size     = {0};
  char           name[64] = "/dev/stdout";
  int            terminal, columns = 0;

  if (!type || !strcmp(type, "dumb") || !isatty(STDOUT_FILENO)) return 0;
  if (getenv("OMPI_COMM_WORLD_RANK")) snprintf(name, sizeof(name), "/proc/%ld/fd/1", (long)getppid());
  terminal = open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK);
  if (terminal < 0) return 0;
  if (isatty(terminal)) columns = !ioctl(terminal, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
  (void)close(terminal);
  return columns;
}

PetscBool EngdScreenIsTerminal(void)
{
  return (PetscBool)(CountColumns() > 0);
}

void EngdScreenClear(void)
{
  if (!drawn) return;
  drawn = PETSC_FALSE;
  printf("\r\033[K");
  (void)fflush(stdout);
}

/* what PetscPrintf() and the like go through */
static PetscErrorCode PrintElse(FILE *file, const char format[], va_list arguments)
{
  EngdScreenClear();
  return (*print)(file, format, arguments);
}

void EngdScreenLine(const char text[])
{
  const int columns = CountColumns();

  if (!print) {
    print         = PetscVFPrintf;
    PetscVFPrintf = PrintElse;
  }
  drawn = PETSC_TRUE;
  printf("\r%.*s\033[K", columns > 1 ? columns - 1 : 79, text); /* the last column would begin a new line */
  (void)fflush(stdout);
}
