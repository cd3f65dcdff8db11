/*
  Start and end of a program: MPI, options files, error handler, SLEPc and PETSc, the BLAS, log events.

  MPI comes first, so that mistakes in the arguments are said once and not by every rank. A main is

    ierr = EngdInitialize(&argc, &argv, help);
    if (!ierr) ierr = Run();
    last = EngdFinalize();
    return EngdExitCode(ierr ? ierr : last);

  without PetscCall(), which in a function called main aborts.
*/
#define _GNU_SOURCE /* setenv */
#include <engd/private.h>
#include <engd/values.h>
#include <engd/output.h>
#include <engd/screen.h>
#include <slepcsys.h>
#include <stdlib.h>

/* Of the process, as what they tell of is: MPI, PETSc and its options database start and end once for all communicators. */
static char **arguments; /* Made by EngdOptionsExpand(); PETSc keeps pointers into it. */
static PetscBool
    began_mpi; /* EngdInitialize() has started it, so that EngdFinalize() ends it; else it is a host's. */
static PetscBool began_petsc;   /* The same. */
static PetscBool package_is_up; /* Events and classes are registered. */

/* Options of the process itself */
static PetscErrorCode SetFromOptions(void)
{
  PetscBool traceback = PETSC_FALSE, given;

  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Process", NULL);
  PetscCall(PetscOptionsBool("-engd_traceback", "Show PETSc's traceback with an error", "EngdInitialize", traceback,
                             &traceback, NULL));
  PetscCall(EngdBlasSetFromOptions(PetscOptionsObject));
  PetscOptionsEnd();
  PetscCall(EngdErrorsSetTraceback(traceback));
  PetscCall(EngdCheckOptionForm(PETSC_COMM_WORLD));
  /* unused options are EngdCheckOptions' business; a debug build of PETSc would list them again */
  PetscCall(PetscOptionsHasName(NULL, NULL, "-options_left", &given));
  if (!given) PetscCall(PetscOptionsSetValue(NULL, "-options_left", "no"));
  PetscCall(PetscOptionsHasHelp(NULL, &given));
  if (!given) PetscCall(EngdOptionsMarkMissing());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a later PetscInitialize() begins with events and classes of its own */
static PetscErrorCode FinalizePackage(void)
{
  PetscFunctionBeginUser;
  package_is_up = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdInitializePackage - Registers what engd adds to PETSc, in a program that has started PETSc itself.

  Collective on PETSC_COMM_WORLD

  Notes: the creators of this library call it, so a program seldom does. Arguments, MPI, error handler, signals and threads
  of the host stay as they are. A second call does nothing.

  Source: src/system/initialize.c
*/
PetscErrorCode EngdInitializePackage(void)
{
  PetscFunctionBeginUser;
  if (package_is_up) PetscFunctionReturn(PETSC_SUCCESS);
  package_is_up = PETSC_TRUE;
  PetscCall(PetscRegisterFinalize(FinalizePackage));
  PetscCall(SlepcInitialize(NULL, NULL, NULL, NULL)); /* nothing where the host has started it */
  PetscCall(EngdLogRegister());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdInitialize - Starts MPI, PETSc and SLEPc, with the options files of the arguments found and read.

  Collective

  Input/Output Parameters:
. argc, argv - the arguments; afterwards with the words of the options files in place of -options_file NAME

  Input Parameter:
. help - what -help prints first

  Options Database Keys:
+ -options_file name - file of options: from the working directory, options/ beside the program, or $ENGD_OPTIONS_PATH
- -engd_traceback    - show PETSc's traceback with an error

  Errors: the code, after one line on stderr. EngdFinalize() is to be called all the same.

  Note: where PETSc is up already this is EngdInitializePackage(), and EngdFinalize() does nothing.

  Source: src/system/initialize.c
*/
PetscErrorCode EngdInitialize(int *argc, char ***argv, const char help[])
{
  int       started, provided;
  char      message[1024];
  PetscBool up;

  PetscCall(PetscInitialized(&up));
  if (up) return EngdInitializePackage();
  began_petsc = PETSC_TRUE;
  MPI_Initialized(&started);
  began_mpi = started ? PETSC_FALSE : PETSC_TRUE;
  if (!started) {
    /* Open MPI spins while it waits. Where other work wants the core that made runs 100 times slower (4 ranks on 2 cores),
       and where none does, giving way costs nothing measurable. */
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
  }
  EngdOptionsExpand(MPI_COMM_WORLD, argc, argv, sizeof(message), message);
  arguments = *argv;
  PetscCall(EngdErrorsBegin(MPI_COMM_WORLD, arguments));
  if (message[0]) return EngdErrorSay(PETSC_ERR_USER_INPUT, message);
  EngdHelpBegin(argc, *argv);
  EngdScreenBefore();
  PetscCall(SlepcInitialize(argc, argv, NULL, help));
  if (began_mpi) EngdScreenAfter(); /* else the signals are those of a host program */
  EngdBlasLimitThreads();
  PetscCall(EngdPluginsCheck());
  PetscCall(SetFromOptions());
  PetscCall(EngdInitializePackage());
  return PETSC_SUCCESS;
}

/*
  EngdFinalize - Ends what EngdInitialize() started, also after an error, and then whatever state the objects are in.

  Collective. After an error that some ranks have not met it does not wait for them for ever, but ends the run.

  Source: src/system/initialize.c
*/
PetscErrorCode EngdFinalize(void)
{
  PetscBool      petsc;
  PetscErrorCode ierr, screen;
  int            rank;

  if (!began_petsc) return PETSC_SUCCESS;
  began_petsc = PETSC_FALSE;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  EngdErrorsEnd();
  EngdHelpEnd(rank);
  ierr = PetscInitialized(&petsc);
  if (!ierr && petsc) ierr = SlepcFinalize();
  if (began_mpi) EngdScreenAfter(); /* PETSc has set the signals to what they are without any program */
  screen = began_mpi ? EngdScreenEnd(rank) : PETSC_SUCCESS;
  free(arguments);
  EngdOptionsForgetFiles();
  arguments = NULL;
  if (began_mpi) MPI_Finalize();
  began_mpi = PETSC_FALSE;
  return ierr ? ierr : screen;
}
