/*
  The monitor: one line for each outer iteration, on the standard output of rank 0, and a row of the history.

  What an iteration was is told by the run; the error on the test points and the numbers of the Hessian are measured here, where
  somebody sees them. TAO's own monitors work beside this one.
*/
#include <engd/private.h>
#include <engd/screen.h>

#define DRAW_AFTER 0.1 /* seconds between two updates of the line */
#define BAR        10  /* letters */
#define LONGEST    100 /* letters of a line that no terminal should have to break */

const EngdColumn engd_column[ENGD_NCOLUMNS] = {
    [ENGD_COLUMN_ITERATION]  = {{"", "iteration"}, 9, 9},
    [ENGD_COLUMN_LOSS]       = {{"", "loss"}, 10, 9},
    [ENGD_COLUMN_GRADIENT]   = {{"gradient", "norm"}, 9, 8},
    [ENGD_COLUMN_STEP]       = {{"", "step"}, 9, 8},
    [ENGD_COLUMN_DAMPING]    = {{"", "damping"}, 9, 8},
    [ENGD_COLUMN_KRYLOV]     = {{"Krylov", "iterations"}, 10, 10},
    [ENGD_COLUMN_ERROR]      = {{"relative", "L2 error"}, 9, 8},
    [ENGD_COLUMN_SECONDS]    = {{"", "seconds"}, 9, 8},
    [ENGD_COLUMN_SHARPNESS]  = {{"", "sharpness"}, 9, 9},
    [ENGD_COLUMN_INDEX]      = {{"", "index"}, 6, 5},
    [ENGD_COLUMN_LEFT]       = {{"time", "left"}, 9, 8},
    [ENGD_COLUMN_TIME]       = {{"", "time"}, 0, 0},
    [ENGD_COLUMN_PROJECTION] = {{"projection", "error"}, 0, 0},
};

/* is the column present: the error needs an exact solution, the numbers of the Hessian an option */
PetscBool EngdReportHasColumn(EngdReport report, PetscInt c)
{
  switch (c) {
  case ENGD_COLUMN_ERROR: return (PetscBool)(report->errors != NULL);
  case ENGD_COLUMN_SHARPNESS: return report->want_sharpness;
  case ENGD_COLUMN_INDEX: return report->want_index;
  case ENGD_COLUMN_TIME:
  case ENGD_COLUMN_PROJECTION: return (PetscBool)(report->times.n > 0);
  default: return PETSC_TRUE;
  }
}

/* the columns of the Hessian at theta, those that are wanted */
static PetscErrorCode FillHessianColumns(EngdReport report, Vec theta)
{
  PetscReal *sharpness = report->want_sharpness ? &report->row[ENGD_COLUMN_SHARPNESS] : NULL;
  PetscReal *index     = report->want_index ? &report->row[ENGD_COLUMN_INDEX] : NULL;

  PetscFunctionBeginUser;
  if (report->sharpness) PetscCall(EngdSharpnessCompute(report->sharpness, theta, sharpness, index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is it shown on the screen too */
static PetscBool IsShown(EngdReport report, PetscInt c)
{
  return (PetscBool)(engd_column[c].width && EngdReportHasColumn(report, c));
}

/* report->row <- this iteration; what takes time only if it is seen */
static PetscErrorCode FillRow(EngdReport report, const EngdIteration *it, Vec theta, PetscBool seen)
{
  PetscReal *row = report->row;

  PetscFunctionBeginUser;
  row[ENGD_COLUMN_ITERATION] = it->iteration;
  row[ENGD_COLUMN_LOSS]      = it->loss;
  row[ENGD_COLUMN_GRADIENT]  = it->gradient_norm;
  row[ENGD_COLUMN_STEP]      = it->step;
  row[ENGD_COLUMN_DAMPING]   = it->damping;
  row[ENGD_COLUMN_KRYLOV]    = it->krylov_iterations;
  row[ENGD_COLUMN_SECONDS]   = it->seconds;
  row[ENGD_COLUMN_LEFT]      = it->left;
  row[ENGD_COLUMN_TIME] = row[ENGD_COLUMN_PROJECTION] = 0;
  if (!seen) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FillHessianColumns(report, theta));
  if (!report->errors) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdErrorsCompute(report->errors, theta, PETSC_FALSE));
  row[ENGD_COLUMN_ERROR] = report->errors->all.relative_l2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* would a line of all columns be too long, so that they get narrow */
static PetscBool IsNarrow(EngdReport report)
{
  int length = -2;

  for (PetscInt c = 0; c < ENGD_NCOLUMNS; c++) length += IsShown(report, c) ? engd_column[c].width + 2 : 0;
  return (PetscBool)(length > LONGEST);
}

/* text <- the entry of column c, for people, with so many digits */
static PetscErrorCode FormatEntry(PetscInt c, PetscReal value, int digits, size_t size, char text[])
{
  PetscFunctionBeginUser;
  if (c == ENGD_COLUMN_ITERATION || c == ENGD_COLUMN_KRYLOV || c == ENGD_COLUMN_INDEX)
    PetscCall(PetscSNPrintf(text, size, "%.0f", (double)value));
  else if (c == ENGD_COLUMN_SECONDS)
    PetscCall(PetscSNPrintf(text, size, "%.2f", (double)value));
  else if (c == ENGD_COLUMN_LEFT && PetscIsInfOrNanReal(value))
    PetscCall(PetscSNPrintf(text, size, "-"));
  else if (c == ENGD_COLUMN_LEFT) {
    const long s = (long)PetscMin(value + 0.5, 3.5e9);

    PetscCall(PetscSNPrintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60));
  } else
    PetscCall(PetscSNPrintf(text, size, value == 0 ? "%.*f" : "%.*e", value == 0 ? 0 : digits - 1, (double)value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* prints report->row, under the header when it is the first line */
static PetscErrorCode ShowRow(EngdReport report)
{
  const PetscBool narrow = IsNarrow(report);
  const char     *apart  = narrow ? " " : "  ";

  PetscFunctionBeginUser;
  for (PetscInt line = report->header ? 2 : 0; line < 3; line++) {
    for (PetscInt c = 0; c < ENGD_NCOLUMNS; c++) {
      const EngdColumn *column = &engd_column[c];
      char              text[64];

      if (!IsShown(report, c)) continue;
      if (line < 2)
        PetscCall(PetscStrncpy(text, line && c == ENGD_COLUMN_DAMPING ? report->damping_name : column->name[line],
                               sizeof(text)));
      else
        PetscCall(FormatEntry(c, report->row[c], narrow ? 3 : 4, sizeof(text), text));
      PetscCall(PetscPrintf(report->comm, "%s%*s", c ? apart : "", narrow ? column->narrow : column->width, text));
    }
    PetscCall(PetscPrintf(report->comm, "\n"));
  }
  report->shown = report->header = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* where the number of the damping is another than in the rows above, there will be a new header */
static PetscErrorCode NameDamping(EngdReport report, const char name[])
{
  PetscBool same;

  PetscFunctionBeginUser;
  if (!name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscStrcmp(name, report->damping_name, &same));
  if (!same) report->header = PETSC_FALSE;
  report->damping_name = name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* does the line change at this iteration; the clock is that of rank 0. Collective */
static PetscErrorCode IsDrawn(EngdReport report, PetscBool *draw)
{
  const double now = MPI_Wtime();

  PetscFunctionBeginUser;
  *draw = (PetscBool)(now - report->drawn >= DRAW_AFTER);
  PetscCallMPI(MPI_Bcast(draw, 1, MPI_INT, 0, report->comm));
  if (*draw) report->drawn = now;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [####......]  40%  iteration 17  loss 1.2e-03  relative L2 error 3.4e-02  0:00:02, 0:00:03 left */
static PetscErrorCode DrawRow(EngdReport report)
{
  const PetscReal *row = report->row, done = row[ENGD_COLUMN_SECONDS], left = row[ENGD_COLUMN_LEFT];
  char             text[256] = "", bar[BAR + 1], entry[64], error[64] = "";
  PetscMPIInt      rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(report->comm, &rank));
  if (rank) PetscFunctionReturn(PETSC_SUCCESS);
  if (!PetscIsInfOrNanReal(left) && done + left > 0) {
    const PetscReal part = PetscMin(1, done / (done + left));

    for (int k = 0; k < BAR; k++) bar[k] = k < (int)(part * BAR + 0.5) ? '#' : '.';
    bar[BAR] = 0;
    PetscCall(PetscSNPrintf(text, sizeof(text), "[%s] %3.0f%%  ", bar, (double)(100 * part)));
  }
  if (report->errors) PetscCall(PetscSNPrintf(error, sizeof(error), "  error %.1e", (double)row[ENGD_COLUMN_ERROR]));
  PetscCall(FormatEntry(ENGD_COLUMN_LEFT, done, 0, sizeof(entry), entry));
  PetscCall(PetscSNPrintf(text + strlen(text), sizeof(text) - strlen(text), "iteration %.0f  loss %.1e%s  %s",
                          (double)row[ENGD_COLUMN_ITERATION], (double)row[ENGD_COLUMN_LOSS], error, entry));
  PetscCall(FormatEntry(ENGD_COLUMN_LEFT, left, 0, sizeof(entry), entry));
  if (!PetscIsInfOrNanReal(left))
    PetscCall(PetscSNPrintf(text + strlen(text), sizeof(text) - strlen(text), ", %s left", entry));
  EngdScreenLine(text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportAddRow - Shows an iteration and writes it to the history. error, unless that is NULL, is measured in any case.
  Collective
*/
PetscErrorCode EngdReportAddRow(EngdReport report, const EngdIteration *it, Vec theta, PetscReal *error)
{
  const PetscInt number = report->nrows++;
  PetscBool      show   = (PetscBool)(report->monitor && number % report->every == 0);

  PetscFunctionBeginUser;
  if (report->monitor && report->updates) PetscCall(IsDrawn(report, &show));
  PetscCall(FillRow(report, it, theta, (PetscBool)(show || report->file[ENGD_FILE_HISTORY] || error)));
  if (error) *error = report->row[ENGD_COLUMN_ERROR];
  report->shown = PETSC_FALSE;
  PetscCall(NameDamping(report, it->damping_name));
  if (show && report->updates)
    PetscCall(DrawRow(report));
  else if (show)
    PetscCall(ShowRow(report));
  PetscCall(EngdHistoryWriteRow(report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportAddStep - Writes a step in time to the history; what only iterations have is not a number there. Not collective */
PetscErrorCode EngdReportAddStep(EngdReport report, const EngdStepRow *it)
{
  PetscReal *row = report->row;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < ENGD_NCOLUMNS; c++) row[c] = NAN;
  row[ENGD_COLUMN_ITERATION]  = it->iteration;
  row[ENGD_COLUMN_STEP]       = it->step;
  row[ENGD_COLUMN_DAMPING]    = it->cutoff;
  row[ENGD_COLUMN_KRYLOV]     = 0;
  row[ENGD_COLUMN_ERROR]      = it->error;
  row[ENGD_COLUMN_TIME]       = it->time;
  row[ENGD_COLUMN_PROJECTION] = it->projection_error;
  row[ENGD_COLUMN_SECONDS]    = it->seconds;
  row[ENGD_COLUMN_LEFT]       = it->left;
  report->shown               = PETSC_TRUE; /* by a line of its own, if at all */
  PetscCall(EngdHistoryWriteRow(report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportMeasure - The relative L2 error at theta; there is an exact solution. Collective */
PetscErrorCode EngdReportMeasure(EngdReport report, Vec theta, PetscReal *error)
{
  PetscFunctionBeginUser;
  PetscCall(EngdErrorsCompute(report->errors, theta, PETSC_FALSE));
  *error = report->errors->all.relative_l2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportTell - A line between those of the monitor, where that is shown: the name of a stage, why it ended. Collective */
PetscErrorCode EngdReportTell(EngdReport report, const char line[])
{
  PetscFunctionBeginUser;
  if (report->monitor && !report->silent) PetscCall(PetscPrintf(report->comm, "%s\n", line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdReportChoose - The same for what defaults have chosen, which the summary lists. Collective */
PetscErrorCode EngdReportChoose(EngdReport report, const char line[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdReportTell(report, line));
  PetscCall(PetscRealloc((size_t)(report->nchosen + 1) * sizeof(char *), &report->chosen));
  PetscCall(PetscStrallocpy(line, &report->chosen[report->nchosen]));
  report->nchosen++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdReportShowLast - Shows the last iteration if -engd_monitor_every passed over it; the final errors are known by now.
*/
PetscErrorCode EngdReportShowLast(EngdReport report, Vec theta)
{
  PetscFunctionBeginUser;
  if (!report->monitor || !report->nrows || report->shown) PetscFunctionReturn(PETSC_SUCCESS);
  if (report->errors) report->row[ENGD_COLUMN_ERROR] = report->errors->all.relative_l2;
  if (!report->file[ENGD_FILE_HISTORY]) PetscCall(FillHessianColumns(report, theta));
  PetscCall(ShowRow(report));
  PetscFunctionReturn(PETSC_SUCCESS);
}
