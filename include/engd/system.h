/*
  The process: start and end of a run, options files, errors, random numbers, log events. (src/system)
*/
#ifndef ENGD_SYSTEM_H
#define ENGD_SYSTEM_H

#include <engd/random.h>

/* Exit codes of the program: 2 for a mistake in what the user gave, 3 for a breakdown of the numerics */
enum { ENGD_EXIT_INPUT = 2, ENGD_EXIT_NUMERICS = 3 };

/* Do the plug-ins have the functions that PETSc calls (src/system/plugin.c) */
PETSC_INTERN PetscErrorCode EngdPluginsCheck(void);

/* How the process starts and ends, below EngdInitialize and EngdFinalize: src/system/errors.c, options_file.c, options.c */
PETSC_INTERN PetscErrorCode EngdErrorsBegin(MPI_Comm, char **);
PETSC_INTERN PetscErrorCode EngdErrorsSetTraceback(PetscBool);
PETSC_INTERN PetscErrorCode EngdErrorSay(PetscErrorCode, const char[]);
PETSC_INTERN void           EngdErrorsEnd(void);

/* What a rank is at, and on which communicator: whom its errors concern (src/system/errors.c). */
typedef struct {
  MPI_Comm  comm;       /* Or MPI_COMM_NULL. */
  PetscBool solving;    /* An error on PETSC_COMM_SELF may be this rank's alone. */
  char      place[128]; /* What stands before the messages. */
  char      kept[512];  /* What stands behind those of a breakdown: where a good state is. */
} EngdErrorsWork;
PETSC_INTERN PetscErrorCode EngdErrorsEnter(MPI_Comm, PetscBool solving, EngdErrorsWork *outer);
PETSC_INTERN PetscErrorCode EngdErrorsLeave(const EngdErrorsWork *outer, PetscErrorCode);

/* Errors of this code, which all ranks of the work meet together, are not told until it is success again; the words of the last. */
PETSC_INTERN void        EngdErrorsForgive(PetscErrorCode);
PETSC_INTERN const char *EngdErrorsForgiven(void);

PETSC_INTERN void           EngdOptionsExpand(MPI_Comm, int *, char ***, size_t, char[]);
PETSC_INTERN PetscErrorCode EngdCheckOptionForm(MPI_Comm);

/* -help in groups and sentences that fit the screen (src/system/help.c) */
PETSC_INTERN void EngdHelpBegin(int *argc, char *argv[]);
PETSC_INTERN void EngdHelpEnd(int rank);

/* What stands before the messages of errors from now on, "stage adam: "; NULL for nothing */
PETSC_INTERN PetscErrorCode EngdErrorsSetPlace(const char kind[], const char name[]);

/* What stands behind the messages of a breakdown from now on, "iteration 5 is in c.h5"; NULL for nothing */
PETSC_INTERN PetscErrorCode EngdErrorsSetKept(const char text[]);

/* The BLAS of a rank: threads, kernels (src/system/blas.c) */
PETSC_INTERN PetscErrorCode EngdBlasSetFromOptions(EngdOptionItems PetscOptionsObject);
PETSC_INTERN void           EngdBlasLimitThreads(void);
PETSC_INTERN PetscErrorCode EngdBlasView(PetscViewer);

/* Options with a prefix laid over those without it (src/system/options_overlay.c) */
typedef struct _n_EngdOverlay *EngdOverlay;
PETSC_INTERN PetscErrorCode    EngdOverlayCreate(const char prefix[], EngdOverlay *);
PETSC_INTERN PetscErrorCode    EngdOverlayAdd(EngdOverlay, const char name[], const char value[]);
PETSC_INTERN PetscBool         EngdOverlayHas(EngdOverlay, const char name[]);
PETSC_INTERN PetscErrorCode    EngdOverlayPush(EngdOverlay);
PETSC_INTERN PetscErrorCode    EngdOverlayPop(EngdOverlay);
PETSC_INTERN PetscErrorCode    EngdOverlayDestroy(EngdOverlay *);

/* all options of the database, one by one (src/system/options_list.c) */
typedef PetscErrorCode (*EngdOptionVisitor)(const char name[], const char value[], void *);
PETSC_INTERN PetscErrorCode EngdOptionsVisit(EngdOptionVisitor, void *);

/* signals that ask for the end of a run, or for a checkpoint (src/system/signals.c) */
PETSC_INTERN PetscErrorCode EngdSignalsBegin(void);
PETSC_INTERN PetscErrorCode EngdSignalsGet(int *end, int *write);
PETSC_INTERN PetscErrorCode EngdSignalsEnd(void);

/* letters to change until a is b (src/system/distance.c) */
PETSC_INTERN PetscInt EngdEditDistance(const char a[], const char b[]);

/* Log events, each with its flops, and the stages of a run */
typedef struct {
  PetscLogEvent forward, tangent, adjoint, adjoint_tangent, activation; /* The jets of the network. */
  PetscLogEvent expression;                                             /* The text of the problem. */
  PetscLogEvent loss, gradient, jacobian, gramian, hessian, diagonal, explicit, several; /* The operators. */
  PetscLogEvent kfac_factors, kfac_invert, kfac_apply, nystrom_setup, nystrom_apply;
  PetscLogEvent qr, svd, form, eigen;
  PetscLogEvent kernel, cholesky;
  PetscLogEvent direction, step, points, walk, spectrum, checkpoint;
  PetscLogStage setup, train, report;
} EngdLog;
PETSC_INTERN EngdLog        engd_log;
PETSC_INTERN PetscErrorCode EngdLogRegister(void);

/* What was built, and by what; NULL where it is not known (src/system/version.c) */
PETSC_INTERN const char *EngdCommit(void);
PETSC_INTERN const char *EngdCompiler(void);

/* digest.c: are numbers the same as before */
#define ENGD_DIGEST_NONE ((PetscInt64)0xcbf29ce484222325)
PETSC_INTERN PetscInt64 EngdDigest(PetscInt64 before, size_t n, const void *bytes);

#endif
