/*
  A run: the objects of the data flow, its optimisers in turn, and what ends it. (src/run)
*/
#ifndef ENGD_RUN_H
#define ENGD_RUN_H

#include <engd/report.h>
#include <engd/start.h>
#include <engd/system.h>
#include <engd/solver.h>
#include <engd/spectrum.h>
#include <engd/projection.h>
#include <engd/archive.h>

/* An optimiser of a run, with the options that are its own */
typedef struct {
  char       *name; /* NULL of the only one */
  EngdOverlay overlay;
  Tao         tao;
  PetscReal   max_seconds; /* of this stage alone, infinity if it has no budget of its own */
  PetscInt    maximum;     /* its iterations, where a restart has left it fewer; else -1 */
} EngdStage;

/* What ended a run, or the present stage of it, besides the tests of TAO */
typedef enum { ENGD_END_BY_TAO, ENGD_END_BY_TARGET, ENGD_END_BY_TIME, ENGD_END_BY_SIGNAL } EngdRunEnd;

#define ENGD_PLAN_KINDS 8 /* of stages of a plan, */
#define ENGD_PLAN_FIRST 5 /* of which the first have a beginning of their own */

/* The stages of a run that is told none */
typedef struct {
  PetscBool    made;
  PetscBool    dense;                         /* is there room for the Gramian written out */
  EngdSettings settings;                      /* their options, but for those that the user gives */
  PetscInt     nkinds, kind[ENGD_PLAN_KINDS]; /* of the stages */
  Vec          start;                         /* the parameters that the run began with */
  Vec          best;                  /* parameters with the least loss on fresh points at the end of a stage */
  PetscReal    loss, fresh;           /* of the best */
  Vec          end[ENGD_PLAN_FIRST];  /* of the first stages, from which another may go on: parameters, */
  PetscReal    left[ENGD_PLAN_FIRST]; /* decimal logarithm of the loss on fresh points, */
  PetscReal    rate[ENGD_PLAN_FIRST]; /* and how many decades of the loss a second took off at last */
  PetscInt     chosen;                /* which of them the last stage goes on from */
  PetscReal    apart;                 /* part of an energy by which fresh points differ */
  PetscInt     points;                /* times as many as the user gave, 0: these */
  PetscBool    gaps;                  /* does the energy fall through gaps between the points */
  PetscBool    slow;                  /* is that why the present stage has ended */
  PetscBool    done;                  /* has it come to rounding, so that no stage need follow */
  PetscBool    sound;                 /* has a stage that has not broken down come to less than it all began with */
  PetscBool    ahead;                 /* when the time has cut it: has the best less loss than where the stage was */
  PetscInt     level;                 /* how often networks have grown, */
  PetscInt     rows;                  /* residuals when the stages of this level were chosen; 0: they have not been */
  PetscBool    digits;                /* is the best one of truncated least squares, */
  PetscReal    before, before_loss;   /* the loss on fresh points when they did, and that of the training, */
  PetscBool    grows;                 /* will they again, */
  PetscBool    stands;                /* and has the present stage stood so still that they should */
} EngdPlan;
#define ENGD_GROWTH_LEVELS 5 /* 1024 units: of more the last layer has no beginning (ENGD_START_COLUMNS) */

/* Part of the loss of u = 0 that is rounding: there is no less to gain. */
#define ENGD_LOSS_ROUNDING 1e-20
/* A loss on fresh points beyond so many times that of the training says that points are missing. */
#define ENGD_FRESH_FACTOR 3
/* Part of an energy by which fresh points differ when the others have gaps that it falls through. */
#define ENGD_GAPS 0.03

/* The last iterations of a stage */
#define ENGD_PACE 40
typedef struct {
  PetscInt  n; /* iterations so far, of which the last ENGD_PACE + 1 are kept, iteration k at k modulo that */
  PetscReal loss[ENGD_PACE + 1], seconds[ENGD_PACE + 1];
} EngdPace;

/* -engd_start: what is left open is chosen, only if all is, or nothing */
typedef enum { ENGD_START_AUTO, ENGD_START_LEAST_SQUARES, ENGD_START_NONE } EngdStartMode;

/* u_t = f(u) behind the training (evolve.c) */
typedef struct _n_EngdEvolution *EngdEvolution;

/* How far a run has come; FAILED: an error has left parts of it */
typedef enum { ENGD_RUN_CREATED, ENGD_RUN_ASKED, ENGD_RUN_READY, ENGD_RUN_FAILED } EngdRunPhase;

struct _n_EngdRun {
  MPI_Comm       comm;
  EngdRunPhase   phase;
  PetscBool      begun;       /* Whether it has been solved before. */
  PetscInt64     evaluations; /* Of the loss before its first solve. */
  EngdProblem    problem;
  EngdNetwork    network; /* The one without a name; with names, what all are that say nothing of their own. */
  PetscInt       nnamed;
  EngdNetwork   *named;      /* [nnamed] In the order in which somebody asked for them. */
  EngdFunctional functional; /* NULL until the options are read; so are all that follow, up to the set-up. */
  Vec            theta;
  Vec       good; /* theta at the last iteration of the present stage whose loss and gradient are numbers, or NULL */
  EngdStart origin;          /* What was done to theta and the weights of terms before the training. */
  EngdStartMode  start_mode; /* -engd_start. */
  EngdPlan       plan;
  EngdPace       pace;
  EngdPoints    *fresh_points;     /* [nterms] never trained on, NULL where a term has none; or NULL */
  PetscReal      zero, fresh_zero; /* the loss of u = 0, on fresh points too; infinite where there is none */
  PetscBool      trivial;          /* the loss of u = 0 is zero, */
  PetscBool      vanishes;         /* and that because the squares of small residuals are */
  EngdReport     report;
  EngdSpectrum   spectrum;
  EngdProjection projection;
  EngdEvolution  evolution; /* NULL where none is asked for. */
  PetscInt       nstages;
  PetscInt       present; /* The present stage; that of the last row once the training has ended. */
  EngdStage     *stage;
  char          *stages; /* The text of -engd_stages, or NULL. */
  PetscInt       window; /* The present window of time, 0 where there are none. */
  PetscReal      budget; /* -engd_max_seconds of the whole run, infinity for no limit. */
  PetscReal
      max_seconds;   /* What the training may come to, in windows to the end of the present one, or an evolution. */
  PetscReal  target; /* The relative L2 error that ends it, 0 for none. */
  EngdRunEnd end;
  PetscBool  listens;           /* Whether signals are heard. */
  int        signal;            /* The one that asks for the end, or 0. */
  PetscInt   iterations;        /* Of the stages before the present one. */
  PetscInt   krylov_iterations; /* Of the stages before the present one. */
  PetscInt   last_row;          /* The iteration of the whole run that was reported last, -1 before. */
  double     start;             /* When the training began, by the clock of this rank. */
  double     stage_start;       /* When the present stage made its first test; 0 before. */
  double     pace_seconds;      /* When the row came that the pace is measured from, in seconds of the training. */
  PetscInt   pace_iteration;    /* The iteration of the stage that the row was of, -1 before there is one. */

  /* Checkpoints. */
  char     *checkpoint;    /* The file to write, or NULL. */
  char     *restart;       /* The file to go on from, or NULL. */
  char     *evaluate;      /* Where the solution in it is evaluated without training, or NULL. */
  PetscInt  every;         /* Iterations between two checkpoints, 0: not by iterations. */
  PetscReal every_seconds; /* Seconds between two checkpoints, 0: not by seconds. */
  PetscBool due;           /* Whether one is asked for. */
  PetscInt  written;       /* The iteration of the newest one, -1 for none. */
  PetscReal written_at;    /* Its time, in seconds of the training. */
  char      failure[1024]; /* Why the last one could not be written, or empty. */

  /* The process before, where a run goes on. */
  PetscInt folded;        /* Iterations of the present stage counted with those before it: its state is not kept. */
  PetscInt folded_krylov; /* Krylov iterations likewise. */
  TaoConvergedReason reason;  /* Why the present stage has ended already, 0: it has not. */
  PetscBool          resumes; /* Whether the first test of the present stage is that of the iteration before. */
  PetscReal          seconds; /* Of the training before. */
  PetscReal          seconds_in_stage; /* Of the present stage before. */
  EngdOutcome        loaded;           /* What the run had come to whose solution is evaluated. */
};

/* setters.c */
PETSC_INTERN PetscErrorCode EngdRunReadOptions(EngdRun);

/* run.c: a part of a run, in a stage of the log. Collective */
PETSC_INTERN PetscErrorCode EngdRunDo(EngdRun, PetscErrorCode (*part)(EngdRun), PetscLogStage, PetscBool solving);

/* stages.c: the optimisers, with their options read. Do: with the options of a stage on, and errors that name it. Collective */
PETSC_INTERN PetscErrorCode EngdStagesCreate(EngdRun);
PETSC_INTERN PetscErrorCode EngdStagesDestroy(EngdRun);
PETSC_INTERN PetscErrorCode EngdStageDo(EngdRun, EngdStage *, PetscErrorCode (*part)(EngdRun, EngdStage *, void *),
                                        void *data);

/* checkpoint.c, description.c: all that a run is, saved, loaded into one that is set up, or forgotten. IfDue: between two iterations
   of the stage. Describe: what must be the same in the file and here, named where it is not. Collective */
PETSC_INTERN PetscErrorCode EngdRunCheckpoint(EngdRun);
PETSC_INTERN PetscErrorCode EngdRunForget(EngdRun);
PETSC_INTERN PetscErrorCode EngdRunCheckpointIfDue(EngdRun, PetscInt iteration);
PETSC_INTERN PetscErrorCode EngdRunRestart(EngdRun);
PETSC_INTERN PetscErrorCode EngdRunDescribe(EngdRun, EngdArchive);
/* LoadSolution: theta and the points of the terms alone, of a run with any optimisers, for one that does not train */
PETSC_INTERN PetscErrorCode EngdRunDescribeProblem(EngdRun, EngdArchive);
PETSC_INTERN PetscErrorCode EngdRunLoadSolution(EngdRun, EngdOutcome *);

/* evaluate.c: the solution of a checkpoint, and nothing else. Collective */
PETSC_INTERN PetscErrorCode EngdRunEvaluateBegin(EngdRun);
PETSC_INTERN PetscErrorCode EngdRunEvaluateFinish(EngdRun);

/* plan.c, plan_course.c: stages where none are named. Reset: theta is the best. Begin and End: around each stage. Collective */
PETSC_INTERN PetscErrorCode EngdPlanLeaves(EngdRun, PetscBool *all);
PETSC_INTERN PetscErrorCode EngdPlanCreate(EngdRun);
PETSC_INTERN PetscErrorCode EngdPlanReset(EngdRun);
PETSC_INTERN PetscErrorCode EngdPlanBegin(EngdRun);
PETSC_INTERN PetscBool      EngdPlanIsSlow(EngdRun);
PETSC_INTERN PetscErrorCode EngdPlanEnd(EngdRun, PetscBool failed, PetscBool *done);
/* LoadSolution: theta <- the best, where it is ahead of what the checkpoint goes on from */
PETSC_INTERN PetscErrorCode EngdPlanCut(EngdRun, Vec theta);
PETSC_INTERN PetscErrorCode EngdPlanLoadSolution(EngdRun, EngdArchive);
PETSC_INTERN PetscErrorCode EngdPlanWatch(EngdRun, Vec theta, PetscInt iteration);
PETSC_INTERN PetscBool      EngdPlanSkips(EngdRun, PetscInt stage);
PETSC_INTERN PetscErrorCode EngdPlanState(EngdRun, EngdArchive);
PETSC_INTERN PetscErrorCode EngdPlanDestroy(EngdRun);

/* Forget: all but how often points were doubled and networks grew. Stands: by the clock of this rank */
PETSC_INTERN PetscErrorCode EngdPlanForget(EngdRun);
PETSC_INTERN PetscBool      EngdPlanStands(EngdRun);
PETSC_INTERN PetscBool      EngdPlanPays(EngdRun);

/* growth.c: networks that grow between the stages of a plan. Collective */
PETSC_INTERN PetscErrorCode EngdGrowthCheck(EngdRun);
PETSC_INTERN PetscErrorCode EngdGrowthHasRoom(EngdRun, PetscBool *);
PETSC_INTERN PetscErrorCode EngdGrowthGoOn(EngdRun, PetscBool *more);
PETSC_INTERN PetscErrorCode EngdGrowthState(EngdRun, EngdArchive, PetscBool planned);

/* evolve.c. Begun: of a checkpoint, whose training lies behind. Solve: what the training came to, in time. Collective, but for Begun
   and Describe */
PETSC_INTERN PetscErrorCode EngdEvolutionCreate(EngdRun, EngdEvolution *);
PETSC_INTERN PetscBool      EngdEvolutionBegun(EngdRun);
PETSC_INTERN PetscErrorCode EngdEvolutionSolve(EngdRun);
PETSC_INTERN PetscInt       EngdEvolutionGetSteps(EngdRun);
PETSC_INTERN PetscErrorCode EngdEvolutionState(EngdRun, EngdArchive);
PETSC_INTERN PetscErrorCode EngdEvolutionDescribe(EngdRun, size_t, char text[], size_t, char warning[]);
PETSC_INTERN PetscErrorCode EngdEvolutionDestroy(EngdEvolution *);

/* judge.c: fresh points, what limits, what more time would bring. Collective, but for Record */
PETSC_INTERN PetscErrorCode EngdRunMeasure(EngdRun, Vec theta, PetscReal *loss, PetscReal *fresh);
PETSC_INTERN PetscErrorCode EngdRunMeasureZero(EngdRun);
PETSC_INTERN PetscBool      EngdRunIsRounded(EngdRun, PetscReal loss);
PETSC_INTERN PetscErrorCode EngdRunDestroyFreshPoints(EngdRun);
PETSC_INTERN PetscErrorCode EngdRunJudge(EngdRun, TaoConvergedReason, EngdOutcome *);
PETSC_INTERN PetscReal      EngdPaceRate(const EngdPace *, PetscReal *left);
PETSC_INTERN PetscReal      EngdPaceLoss(const EngdPace *, PetscInt before);
PETSC_INTERN void           EngdPaceRecord(EngdPace *, PetscReal loss, PetscReal seconds);

/* begin.c: nothing has happened yet, whatever an earlier solve has left but theta. Collective */
PETSC_INTERN PetscErrorCode EngdRunBegin(EngdRun);

/* train.c: the stages in turn, and what they came to. Collective */
PETSC_INTERN PetscErrorCode EngdRunWatch(EngdRun, EngdStage *);
PETSC_INTERN PetscErrorCode EngdRunCountStage(EngdRun);
PETSC_INTERN PetscErrorCode EngdRunTrain(EngdRun);
PETSC_INTERN PetscErrorCode EngdRunTestTarget(EngdRun, PetscBool *);
PETSC_INTERN PetscErrorCode EngdRunGetOutcome(EngdRun, EngdOutcome *);
PETSC_INTERN PetscErrorCode EngdRunForgetOutcome(EngdOutcome *);
PETSC_INTERN PetscErrorCode EngdRunMeasureLoss(EngdRun, EngdOutcome *);

/* windows.c: parts of time one after the other, in all of which the optimisers run in turn. Collective */
PETSC_INTERN PetscErrorCode EngdWindowsBegin(EngdRun);
PETSC_INTERN PetscErrorCode EngdWindowsGoOn(EngdRun, PetscBool *more);
PETSC_INTERN PetscErrorCode EngdWindowsState(EngdRun, EngdArchive);
PETSC_INTERN PetscErrorCode EngdRunPlacePoints(EngdRun);

/* limits.c: the clock, and the tests that end a stage. ReadBudget: -engd_max_seconds, infinity for no limit */
PETSC_INTERN PetscErrorCode EngdRunReadBudget(MPI_Comm, PetscReal *seconds);
PETSC_INTERN PetscErrorCode EngdRunSetLimits(EngdRun, EngdStage *);
PETSC_INTERN PetscErrorCode EngdRunTestStep(EngdRun, PetscBool *stop);
PETSC_INTERN PetscReal      EngdRunShareTraining(EngdRun);
/* Seconds of the training, the same on all ranks. Collective */
PETSC_INTERN PetscErrorCode EngdRunGetSeconds(EngdRun, PetscReal *seconds);
PETSC_INTERN PetscErrorCode EngdRunEstimateTimeLeft(EngdRun, PetscInt iteration, double seconds, PetscReal *left);
PETSC_INTERN const char    *EngdRunDescribeEnd(EngdRun, TaoConvergedReason);

/* options.c. Excuse: marks as used the options of methods not chosen and those that are read during the solve, in the present
   state of the database: what several objects choose differently is excused by each. Check: fails, naming them, when the
   database holds options that nobody asked for; before the solve (final = PETSC_FALSE) those that PETSc reads late, the
   viewers, are let through. TellIdle: one line on the options of a stage that are of methods which it has not. Collective */
PETSC_INTERN PetscErrorCode EngdOptionsTellIdle(EngdFunctional, const EngdStage *);
PETSC_INTERN PetscErrorCode EngdOptionsExcuse(EngdFunctional);
PETSC_INTERN PetscErrorCode EngdCheckOptions(EngdFunctional, PetscBool final);

/* files.c: no output is lost, by another one or for want of a folder, and none overwrites what is read. Collective */
PETSC_INTERN PetscErrorCode EngdRunCheckFiles(EngdRun);
PETSC_INTERN PetscErrorCode EngdRunCheckViewers(EngdRun);

/* rehearsal.c: would a method that is not chosen read the option; with room for it, only the nearest name. Collective */
PETSC_INTERN PetscErrorCode EngdOptionsRehearse(EngdFunctional, const char name[], PetscBool *reads, size_t,
                                                char nearest[]);

#endif
