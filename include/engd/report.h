/*
  What the user sees: the monitor line, errors against the exact solution, history, summary. (src/report)
*/
#ifndef ENGD_REPORT_H
#define ENGD_REPORT_H

#include <engd/spectrum.h>
#include <engd/archive.h>
#include <engd/output.h>
#include <time.h>
#include <engd/solution.h>

/*
  Errors of u_theta against the exact solution on the problem's test points, in the norms of their quadrature weights.
  Outputs without an exact solution do not count; `all` puts those that have one together.
*/
typedef struct {
  PetscReal relative_l2; /* |u - u*| / |u*| */
  PetscReal relative_h1; /* value and space gradient together; as old as the last computation with gradients */
  PetscReal max;         /* max over the points of |u - u*| */
} EngdErrorNorms;

typedef struct _n_EngdErrors *EngdErrors;
struct _n_EngdErrors {
  EngdFunctional functional; /* borrowed, with its problem and network */
  PetscReal     *exact;      /* (nlocal, nexact (1 + nspace)) components of problem->exact at the local test points */
  PetscReal     *where;      /* (nlocal, nexact) where an exact solution is one, or NULL: everywhere */
  EngdErrorNorms all, *output; /* [nexact] */
};

/* Create: problem->nexact > 0; fails, naming the output, where an exact solution is not finite. Collective, as Compute */
PETSC_INTERN PetscErrorCode EngdErrorsCreate(EngdFunctional, EngdErrors *);
PETSC_INTERN PetscErrorCode EngdErrorsCompute(EngdErrors, Vec theta, PetscBool gradients);
PETSC_INTERN PetscErrorCode EngdErrorsDestroy(EngdErrors *);

/* What a series whose values are correlated says of its mean (src/report/blocking.c) */
typedef struct {
  PetscInt  n;           /* Values. */
  PetscInt  block;       /* Values of a block. */
  PetscBool enough;      /* Is the series long enough for blocks that are independent. */
  PetscReal mean, error; /* Of the mean. */
} EngdBlocking;
PETSC_INTERN void EngdBlockingMeasure(PetscInt n, const PetscReal series[], PetscReal scratch[], EngdBlocking *);

/* The energies of a quotient, or of walkers; NULL where the loss is none (src/report/energies.c) */
typedef struct _n_EngdEnergies *EngdEnergies;
struct _n_EngdEnergies {
  PetscInt       n;            /* States. */
  EngdExpression local;        /* [n] H u, borrowed; or NULL. */
  PetscReal     *value;        /* [n] Of the sums of the terms, ascending. */
  PetscReal     *mean, *sigma; /* [n] Of the local energies on fresh points, where there are any. */
  PetscReal     *mix;          /* (n, n) The states in the outputs, by columns. */
  EngdWalk       walk;         /* Of walkers, borrowed; or NULL. */
  EngdBlocking   blocking;     /* Of their mean in each sweep, whose mean and error are mean and sigma. */
  PetscReal      deviation;    /* Of the local energy of one of them. */
  PetscBool      unseen;       /* It is far larger than at the walkers of the training. */
};
/* Create, Compute: collective. Write: to the summary */
PETSC_INTERN PetscErrorCode EngdEnergiesCreate(EngdFunctional, EngdEnergies *);
PETSC_INTERN PetscErrorCode EngdEnergiesCompute(EngdEnergies, EngdFunctional, Vec theta);
PETSC_INTERN PetscErrorCode EngdEnergiesPrint(EngdEnergies, MPI_Comm);
PETSC_INTERN void           EngdEnergiesWrite(EngdEnergies, FILE *);
PETSC_INTERN PetscErrorCode EngdEnergiesDestroy(EngdEnergies *);

/* One row an iteration, shown by the monitor and written to the history under the same names */
enum {
  ENGD_COLUMN_ITERATION,
  ENGD_COLUMN_LOSS,
  ENGD_COLUMN_GRADIENT,
  ENGD_COLUMN_STEP,
  ENGD_COLUMN_DAMPING,
  ENGD_COLUMN_KRYLOV,
  ENGD_COLUMN_ERROR,     /* only where there is an exact solution */
  ENGD_COLUMN_SHARPNESS, /* these two where -spectrum_monitor asks for them */
  ENGD_COLUMN_INDEX,
  ENGD_COLUMN_TIME, /* these two in the history of an evolution in time, not on the screen */
  ENGD_COLUMN_PROJECTION,
  ENGD_COLUMN_SECONDS,
  ENGD_COLUMN_LEFT, /* seconds, or infinity when that cannot be told */
  ENGD_NCOLUMNS
};
typedef struct {
  const char *name[2];       /* the words of the two lines of the header */
  int         width, narrow; /* letters; the second where a line would be longer than 100 */
} EngdColumn;
PETSC_INTERN const EngdColumn engd_column[ENGD_NCOLUMNS];

/* What may be written: -engd_history, -engd_summary, -engd_solution */
typedef enum { ENGD_FILE_HISTORY, ENGD_FILE_SUMMARY, ENGD_FILE_SOLUTION, ENGD_NFILES } EngdFileKind;
PETSC_INTERN const char *const engd_file_kind[ENGD_NFILES];

struct _n_EngdReport {
  MPI_Comm       comm;
  EngdFunctional functional; /* all borrowed */
  EngdProblem    problem;
  PetscBool      monitor;
  PetscInt       every;                /* the monitor shows each every-th iteration */
  char          *file[ENGD_NFILES];    /* names, NULL where not asked for */
  char          *points, *expressions; /* of the solution: where, and which; or NULL */
  PetscBool      evaluates, silent;    /* does the run not train; is nothing but the solution on standard output */
  time_t         started;              /* When the report did. */
  EngdTimes      times;                /* of an evolution */
  EngdSolution   solution;             /* NULL where not asked for, as are: */
  EngdIntegrals  integrals;
  EngdEnergies   energies;             /* of a quotient, at the end */
  FILE          *history;              /* on rank 0 */
  EngdOutput     output;               /* the file that is being written, on rank 0 */
  int            failure[ENGD_NFILES]; /* errno of the first write that failed, on rank 0 */
  EngdErrors     errors;               /* NULL without an exact solution */
  PetscInt       nchosen;              /* What defaults have chosen, */
  char         **chosen;               /* a line each. */
  PetscReal     *unknown;        /* The unknown parameters at the end; NULL until then, or where there are none. */
  PetscReal     *standard_error; /* Of each of them. */
  PetscReal     *correlation;    /* (n, n) Of all. */
  EngdSharpness  sharpness;      /* of the Hessian; NULL unless one of these is asked for: */
  PetscBool      want_sharpness, want_index;
  PetscInt       nrows;              /* Rows so far. */
  PetscInt       continues;          /* The iteration that the file of the run before ends with, -1: none. */
  PetscBool      header;             /* has it been shown */
  PetscReal      row[ENGD_NCOLUMNS]; /* the last one */
  PetscBool      shown;              /* was it printed */
  PetscBool      line;               /* is a terminal to show the last one alone */
  PetscBool      updates;            /* and is there a terminal */
  double         drawn;              /* when it did, by the clock of rank 0 */
  const char    *damping_name;       /* what the column of the damping is called on the screen */
};

/* An iteration of a run, all that a row says but what the report itself measures at theta */
typedef struct {
  PetscInt    iteration; /* of the whole run */
  PetscReal   loss, gradient_norm, step, damping;
  const char *damping_name; /* what number that is, "damping" where it is NULL */
  PetscInt    krylov_iterations;
  PetscReal   seconds, left; /* since the training began, and to its end, infinity if that cannot be told */
} EngdIteration;

/* A step in time */
typedef struct {
  PetscInt  iteration;        /* those of the training before it counted too */
  PetscReal time, step;       /* its end; the one that follows */
  PetscReal cutoff;           /* of singular values */
  PetscReal projection_error; /* relative: of f beside the tangent space, of u missed by fits */
  PetscReal error;            /* relative L2, infinite where it is not known */
  PetscReal seconds, left;    /* as of an iteration */
} EngdStepRow;

/* An optimiser of a run; its name is NULL where it is the only one. */
typedef struct {
  const char *name;
  Tao         tao;
} EngdOutcomeStage;

/* What a run came to, for the summary and the last lines */
typedef struct {
  PetscInt    iterations, krylov_iterations;
  PetscInt64  evaluations; /* of the loss */
  PetscReal   loss, gradient_norm, seconds;
  const char *reason;                         /* why it ended, a word for programs */
  const char *words;                          /* the same for people */
  char        note[PETSC_MAX_PATH_LEN + 128]; /* what else there is to tell, a line, or empty */
  /* The optimisers that have run, borrowed. */
  PetscInt          nstages;
  EngdOutcomeStage *stage;                       /* [nstages] */
  PetscReal         fresh_loss, estimated_error; /* on points never trained on; infinite where they are not known */
  const char       *limited_by;                  /* capacity, points, optimisation, rounding; NULL: not known */
  char judgement[256], warning[768]; /* the same in a line, and what to beware of, a few lines; or empty */
} EngdOutcome;

/*
  A report from its creation on: options, SetUp, Start before the training (files checked and opened), a row an iteration, lines
  between them, Finish, Answer. AddRow: error, unless that is NULL, is the relative L2 error at theta. Collective
*/
PETSC_INTERN PetscErrorCode EngdReportCreate(EngdFunctional, EngdReport *);
PETSC_INTERN PetscErrorCode EngdReportSetFromOptions(EngdReport);
PETSC_INTERN PetscErrorCode EngdReportSetUp(EngdReport);
PETSC_INTERN PetscErrorCode EngdReportStart(EngdReport);
PETSC_INTERN PetscErrorCode EngdReportAddRow(EngdReport, const EngdIteration *, Vec theta, PetscReal *error);
PETSC_INTERN PetscErrorCode EngdReportMeasure(EngdReport, Vec theta, PetscReal *error);
/* Of an evolution in time. SetTimes: before SetUp; AddStep: a row of the history; SkipTimes: so many have their files
   already; WriteTime: that of the k-th */
PETSC_INTERN PetscErrorCode EngdReportSetTimes(EngdReport, PetscInt n, const PetscReal times[]);
PETSC_INTERN PetscErrorCode EngdReportAddStep(EngdReport, const EngdStepRow *);
PETSC_INTERN PetscErrorCode EngdReportSkipTimes(EngdReport, PetscInt n);
PETSC_INTERN PetscErrorCode EngdReportWriteTime(EngdReport, Vec theta, PetscInt k);
/* Before Start: rows up to this iteration are in the history already. */
PETSC_INTERN PetscErrorCode EngdReportContinue(EngdReport, PetscInt iteration);
PETSC_INTERN PetscErrorCode EngdReportState(EngdReport, EngdArchive);
PETSC_INTERN PetscErrorCode EngdReportTell(EngdReport, const char line[]);
PETSC_INTERN PetscErrorCode EngdReportSetEvaluate(EngdReport, const char points[]); /* before SetUp */
PETSC_INTERN PetscErrorCode EngdReportChoose(EngdReport,
                                             const char line[]); /* the same, and `chosen` of the summary */
PETSC_INTERN PetscErrorCode EngdReportFinish(EngdReport, Vec theta, const EngdOutcome *);
PETSC_INTERN PetscErrorCode EngdReportAnswer(EngdReport, const EngdOutcome *);
PETSC_INTERN PetscErrorCode EngdReportDestroy(EngdReport *);
PETSC_INTERN PetscErrorCode EngdReportSetFile(EngdReport, EngdFileKind, const char name[]);
PETSC_INTERN PetscErrorCode EngdReportPrint(EngdReport, const EngdOutcome *);

PETSC_INTERN PetscBool      EngdReportHasColumn(EngdReport, PetscInt);
PETSC_INTERN PetscErrorCode EngdReportShowLast(EngdReport, Vec theta); /* the last line, if it was skipped */
/* resolved.c: provenance; options with the values that they came to; all objects in their own words. Rank 0 writes; View: collective */
PETSC_INTERN PetscErrorCode EngdProvenanceWrite(time_t started, FILE *);
PETSC_INTERN PetscErrorCode EngdResolvedWrite(EngdReport, const EngdOutcome *, FILE *);
PETSC_INTERN PetscErrorCode EngdResolvedView(EngdReport, const EngdOutcome *, char **text);
PETSC_INTERN void           EngdResolvedWriteView(char text[], FILE *);
PETSC_INTERN PetscErrorCode EngdSummaryWrite(EngdReport, const EngdOutcome *);

PETSC_INTERN PetscErrorCode EngdHistoryOpen(EngdReport);
PETSC_INTERN PetscErrorCode EngdHistoryWriteRow(EngdReport);
PETSC_INTERN PetscErrorCode EngdHistoryClose(EngdReport);

/*
  Files of the report. Check: before the training, a collective error if the file could not be written later.
  Begin: opens a file beside NAME on rank 0 (NULL elsewhere and on failure); End: closes it and gives it its name, so that NAME
  is a whole file or is not touched. A failure is kept in report->failure: results are told first, then it is raised.
*/
PETSC_INTERN PetscErrorCode EngdReportFileCheck(EngdReport, EngdFileKind);
PETSC_INTERN PetscErrorCode EngdReportFileBegin(EngdReport, EngdFileKind, FILE **);
PETSC_INTERN PetscErrorCode EngdReportFileEnd(EngdReport, EngdFileKind, FILE **);
PETSC_INTERN PetscErrorCode EngdReportFileRaise(EngdReport);

#endif
