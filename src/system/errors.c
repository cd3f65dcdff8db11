/*
  Errors of the program: one clear line on stderr, the exit code, and no rank that waits for ever.

  An error of a communicator is told by its rank 0 and goes up as a code. One on PETSC_COMM_SELF may be this rank's alone, and
  what it means the work says that the rank is at (EngdErrorsEnter). While the input is read all ranks meet the same mistake.
  In a solve the others wait for this one: where the solve is on all ranks nobody can go on, so that it speaks and ends them
  (MPI_Abort); where it is on some, the host program has the code, and ranks outside of the communicator notice nothing. A rank
  that meets alone what should have been met by all is caught in EngdErrorsEnd, which gives the others limited time to arrive.

  The line is the message of the place where the error began; PETSc's traceback comes with -engd_traceback, and with
  -on_error_abort and the like, whose handlers PETSc pushes on top of this one.
*/
#define _GNU_SOURCE /* nanosleep */
#include <engd/private.h>
#include <engd/values.h>
#include <engd/raised.h>
#include <engd/screen.h>
#include <ctype.h>
#include <time.h>

#define PATIENCE 10.0 /* seconds a failed rank waits at the end for the others */
#define LENGTH   4096 /* of a message; PETSc cuts its own at 2048 */
#define CUT      2047
#define STAGGER  0.2 /* seconds between two ranks that speak of the same error on PETSC_COMM_SELF */

/* The process, as PETSc's stack of handlers is the process's; the work at hand comes and goes with its objects. */
static struct {
  MPI_Comm       comm;      /* A duplicate of all ranks, so that nothing else is ever matched. */
  int            rank;      /* In it. */
  int            size;      /* Of it. */
  EngdErrorsWork work;      /* What this rank is at. */
  PetscBool      traceback; /* PETSc's is shown, too. */
  PetscErrorCode code;      /* Of the last error that has not been got over. */
  PetscErrorCode forgiven;  /* Errors that are not told, as the caller goes on after them. */
  PetscBool      confined;  /* It is of some of the ranks only. */
  PetscBool      said;      /* This rank has printed its message. */
  PetscInt64     raised;    /* Errors so far. */
  char         **arguments; /* Of the program. */
  char           message[LENGTH];
} run = {.comm = MPI_COMM_NULL, .size = 1, .work.comm = MPI_COMM_NULL};

static void Sleep(double seconds)
{
  struct timespec t;

  t.tv_sec  = (time_t)seconds;
  t.tv_nsec = (long)(1e9 * (seconds - (double)t.tv_sec));
  (void)nanosleep(&t, NULL);
}

/* Prints the message; nobody else does after it on this rank */
static void Say(void)
{
  EngdScreenClear();
  fflush(stdout);
  fprintf(stderr, "engd: %s\n", run.message);
  fflush(stderr);
  run.said = PETSC_TRUE;
}

/* message <- message (in file.yaml ...), when PETSc's YAML reader complains */
static void AddFileNames(size_t size, char message[])
{
  const char *joint = " (in ";

  if (!strstr(message, "YAML")) return;
  for (char **word = run.arguments; word[0] && word[1]; word++) {
    if (strcmp(word[0], "-options_file_yaml")) continue;
    snprintf(message + strlen(message), size - strlen(message), "%s%s", joint, word[1]);
    joint = " or ";
  }
  if (joint[1] == 'o') snprintf(message + strlen(message), size - strlen(message), ")");
}

/* is the number that ends before text[i], a point, one that PETSc prints so, 1 as "1." and nan as "nan."; the user's own words stay as they are */
static PetscBool IsBarePoint(const char text[], size_t i)
{
  const char next = text[i + 1], after = next ? text[i + 2] : 0;
  char       word[64], *all            = NULL;
  size_t     begin  = i;
  PetscBool  theirs = PETSC_FALSE;

  if (i >= 3 && (!strncmp(text + i - 3, "nan", 3) || !strncmp(text + i - 3, "inf", 3)))
    /* nan. and -inf., and not nan.csv or a/nan.csv */
    return (PetscBool)((i == 3 || !(isalnum((unsigned char)text[i - 4]) || strchr("/_.", text[i - 4]))) &&
                       (!next || strchr(" ,;:)]", next)));
  if (!i || !isdigit((unsigned char)text[i - 1]) || (next && !strchr(" ,;:)]x", next))) return PETSC_FALSE;
  if (next == ' ' && isupper((unsigned char)after)) return PETSC_FALSE; /* the end of a sentence */
  while (begin && (isdigit((unsigned char)text[begin - 1]) || text[begin - 1] == '-')) begin--;
  if (begin && (isalnum((unsigned char)text[begin - 1]) || text[begin - 1] == '.')) return PETSC_FALSE;
  snprintf(word, sizeof(word), "%.*s", (int)(i + 1 - begin), text + begin);
  if (!PetscOptionsGetAll(NULL, &all) && all) theirs = strstr(all, word) ? PETSC_TRUE : PETSC_FALSE;
  (void)PetscFree(all);
  return theirs ? PETSC_FALSE : PETSC_TRUE;
}

/* run.message <- the place and text on one line: PETSc breaks some of its messages, and cuts long ones without a sign */
static void KeepMessage(PetscErrorCode code, const char given[])
{
  const char *text   = given;
  PetscBool   quoted = PETSC_FALSE;
  size_t      n      = strlen(run.work.place);

  strcpy(run.message, run.work.place);
  if (!text || !text[0] || !text[strspn(text, " \n")]) (void)PetscErrorMessage((int)code, &text, NULL);
  for (size_t i = 0; text && text[i] && n + 1 < sizeof(run.message); i++) {
    const char c = text[i] == '\n' || text[i] == '\t' ? ' ' : text[i];

    if (c == '"') quoted = (PetscBool)!quoted;
    if (c == '.' && !quoted && IsBarePoint(text, i)) continue;
    if (c != ' ' || (n && run.message[n - 1] != ' ')) run.message[n++] = c;
  }
  while (n && run.message[n - 1] == ' ') n--;
  run.message[n] = 0;
  if (given && strlen(given) >= CUT) snprintf(run.message + n, sizeof(run.message) - n, " ...");
  run.code = code;
  run.said = PETSC_FALSE;
  run.raised++;
}

/* is the work of this rank on all of them */
static PetscBool IsOfAll(void)
{
  int size;

  return (PetscBool)(run.work.comm != MPI_COMM_NULL && !MPI_Comm_size(run.work.comm, &size) && size == run.size);
}

/* an error of comm, of that many ranks: of some ranks only, and is this the rank that tells of it at once */
static PetscBool Judge(MPI_Comm comm, int size)
{
  MPI_Comm whose = size > 1 ? comm : run.work.comm;
  int      rank;

  run.confined = (PetscBool)(size > 1 ? size < run.size : run.work.comm != MPI_COMM_NULL && !IsOfAll());
  if (whose == MPI_COMM_NULL || MPI_Comm_rank(whose, &rank)) rank = run.rank;
  return (PetscBool)(rank == 0);
}

/* is comm all ranks of the work */
static PetscBool IsMetByAll(MPI_Comm comm)
{
  int size, all;

  if (run.work.comm == MPI_COMM_NULL || MPI_Comm_size(comm, &size) || MPI_Comm_size(run.work.comm, &all))
    return PETSC_FALSE;
  return (PetscBool)(size == all);
}

/* do these words tell of what no number is; PETSc's TAO types say it in several ways, which have changed with its versions */
static PetscBool TellsOfNoNumber(const char message[])
{
  return (PetscBool)(strstr(message, "NaN") || strstr(message, "Not-a-Number"));
}

/* What PetscError() calls where an error begins, and again in every function on its way up */
static PetscErrorCode HandleError(MPI_Comm comm, int line, const char *function, const char *file,
                                  PetscErrorCode code, PetscErrorType type, const char *message, void *unused)
{
  size_t    n;
  int       size;
  PetscBool teller, numerics;

  if (run.traceback) (void)PetscTraceBackErrorHandler(comm, line, function, file, code, type, message, unused);
  if (type != PETSC_ERROR_INITIAL) return code;
  if (!strcmp(function, "PetscMallocAlign") || !strcmp(function, "PetscReallocAlign")) {
    code     = PETSC_ERR_MEM; /* PETSc 3.18 raises the caller's line as the code and its name as the message */
    function = message;
  }
  /* so LAPACK and PETSc's TAO types call a breakdown of what they are given */
  numerics = (PetscBool)(run.work.solving && (code == PETSC_ERR_USER || code == PETSC_ERR_LIB));
  KeepMessage(code, message);
  if (numerics && TellsOfNoNumber(run.message)) {
    n = strlen(run.message);
    snprintf(run.message + n, sizeof(run.message) - n,
             ": the loss or its gradient; take another -tao_type, or a problem that is bounded from below");
  }
  if (run.forgiven && (numerics ? ENGD_ERR_NUMERICS : code) == run.forgiven && IsMetByAll(comm)) return run.forgiven;
  if (strstr(run.message, "max number of options")) { /* of PETSC_ERR_MEM, but it is no memory that is short */
    code = PETSC_ERR_USER_INPUT;
    snprintf(
        run.message, sizeof(run.message),
        "there are more options than PETSc can hold, 512; put several residuals into one term, with ; between them");
  }
  if (code == PETSC_ERR_MEM) {
    snprintf(run.message, sizeof(run.message),
             "not enough memory (in %s); take fewer points, smaller -network_layers, or more nodes", function);
  }
  if (numerics) code = ENGD_ERR_NUMERICS;
  if (code == ENGD_ERR_NUMERICS && run.work.kept[0]) {
    n = strlen(run.message);
    snprintf(run.message + n, sizeof(run.message) - n, " (%s)", run.work.kept);
  }
  run.code = code;
  EngdOptionsTellMissing(sizeof(run.message), run.message);
  EngdOptionsTellGuilty(run.work.solving, code == PETSC_ERR_MEM ? NULL : file, sizeof(run.message), run.message);
  AddFileNames(sizeof(run.message), run.message);
  if (MPI_Comm_size(comm, &size)) size = 1;
  teller = Judge(comm, size);
  if (IsOfAll() && (code == PETSC_ERR_MEM || (run.work.solving && size == 1 && run.size > 1))) {
    Sleep(STAGGER * PetscMin(run.rank, 10)); /* when others meet it too, the lowest rank speaks for all */
    Say();
    MPI_Abort(MPI_COMM_WORLD, EngdExitCode(code));
  }
  if (teller) Say();
  return code;
}

/* EngdErrorsBegin - Makes errors come out as one line; comm is all ranks, arguments are argv. PETSc need not be up. */
PetscErrorCode EngdErrorsBegin(MPI_Comm comm, char **arguments)
{
  run.arguments = arguments;
  MPI_Comm_dup(comm, &run.comm);
  MPI_Comm_rank(comm, &run.rank);
  MPI_Comm_size(comm, &run.size);
  run.code = PETSC_SUCCESS;
  run.work = (EngdErrorsWork){.comm = MPI_COMM_NULL};
  return PetscPushErrorHandler(HandleError, NULL);
}

/* EngdErrorsForgive - Errors of this code that all ranks of the work meet are not told until it is set back to success. Not
   collective */
void EngdErrorsForgive(PetscErrorCode code)
{
  run.forgiven = code;
}

/* EngdErrorsForgiven - The words of the last error. Not collective */
const char *EngdErrorsForgiven(void)
{
  return run.message;
}

PetscInt64 EngdErrorsRaised(void)
{
  return run.raised;
}

/*
  EngdErrorsEnter - What this rank is at from now on; an inner work may follow and end before this one does.

  Not collective

  Input Parameters:
+ comm    - of the work
- solving - PETSC_FALSE while all ranks of comm would meet the same mistake

  Output Parameter:
. outer - for EngdErrorsLeave(), which follows also after an error
*/
PetscErrorCode EngdErrorsEnter(MPI_Comm comm, PetscBool solving, EngdErrorsWork *outer)
{
  *outer           = run.work;
  run.work.comm    = comm;
  run.work.solving = solving;
  return PETSC_SUCCESS;
}

/* EngdErrorsLeave - Back to the outer work; after one that went well no earlier error matters. Not collective */
PetscErrorCode EngdErrorsLeave(const EngdErrorsWork *outer, PetscErrorCode ierr)
{
  run.work = *outer;
  if (!ierr) run.code = PETSC_SUCCESS;
  return PETSC_SUCCESS;
}

/* EngdErrorSay - An error of all ranks from before PETSc is up, where PetscError() does not speak yet; returns code. */
PetscErrorCode EngdErrorSay(PetscErrorCode code, const char message[])
{
  KeepMessage(code, message);
  if (run.rank == 0) Say();
  return code;
}

PetscErrorCode EngdErrorsSetPlace(const char kind[], const char name[])
{
  run.work.place[0] = 0;
  if (kind) snprintf(run.work.place, sizeof(run.work.place), "%s %s: ", kind, name);
  return PETSC_SUCCESS;
}

PetscErrorCode EngdErrorsSetKept(const char text[])
{
  run.work.kept[0] = 0;
  if (text) snprintf(run.work.kept, sizeof(run.work.kept), "%s", text);
  return PETSC_SUCCESS;
}

PetscErrorCode EngdErrorsSetTraceback(PetscBool traceback)
{
  run.traceback = traceback;
  return PETSC_SUCCESS;
}

/*
  EngdErrorsEnd - Waits for all ranks; one that failed in what is of all waits only so long, then speaks and ends the others.

  Collective
*/
void EngdErrorsEnd(void)
{
  const double start = MPI_Wtime();
  int          mine = run.code ? run.rank : run.size, lowest = run.size, done = 0;
  MPI_Request  request;

  if (run.comm == MPI_COMM_NULL) return;
  MPI_Iallreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, run.comm, &request);
  while (!done) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done) break;
    if (run.code && !run.confined && MPI_Wtime() - start > PATIENCE + STAGGER * PetscMin(run.rank, 10)) {
      if (!run.said) Say();
      MPI_Abort(MPI_COMM_WORLD, EngdExitCode(run.code));
    }
    Sleep(1e-3);
  }
  if (lowest == run.rank && !run.said) Say();
  MPI_Comm_free(&run.comm);
}

/*
  EngdExitCode - Gives the exit code of the program for an error.

  Not collective

  Input Parameter:
. code - of any function

  Note: 0 for none, ENGD_EXIT_NUMERICS (3) for a breakdown of the numerics, ENGD_EXIT_INPUT (2) for all
  others

  Source: src/system/errors.c
*/
int EngdExitCode(PetscErrorCode code)
{
  switch (code) {
  case PETSC_SUCCESS: return 0;
  case ENGD_ERR_NUMERICS:
  case PETSC_ERR_NOT_CONVERGED:
  case PETSC_ERR_CONV_FAILED:
  case PETSC_ERR_MAT_LU_ZRPVT:
  case PETSC_ERR_MAT_CH_ZRPVT: return ENGD_EXIT_NUMERICS;
  default: return ENGD_EXIT_INPUT;
  }
}
