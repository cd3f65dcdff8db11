/*
  -engd_projection: its options, its rows, and the file of them, written anew after each iterate.

    iteration,method,eta,update,distance,slope,distance_exact,kept      at full precision, nan for what there is not

  Rank 0 writes it beside its place and renames it, so that it is always whole; the rows are part of checkpoints, so that the file of
  a run that goes on holds those of its beginning too.
*/
#include <engd/private.h>
#include <engd/output.h>
#include <errno.h>

PetscErrorCode EngdProjectionCreate(EngdFunctional functional, EngdProjection *out)
{
  EngdProjection projection;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&projection));
  PetscCall(PetscCommDuplicate(functional->comm, &projection->comm, NULL));
  projection->functional = functional;
  projection->every      = 10;
  projection->nsteps     = 10;
  projection->rcond      = 1e-8;
  projection->last       = -1;
  for (PetscInt k = 0; k < ENGD_NUPDATES; k++) projection->wanted[k] = PETSC_TRUE;
  *out = projection;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetMethods(EngdProjection projection, const char text[])
{
  char   **names;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(EngdParseNames("-engd_projection_methods", text, &n, &names));
  PetscCall(PetscArrayzero(projection->wanted, ENGD_NUPDATES));
  for (PetscInt i = 0; i < n; i++) {
    PetscBool same = PETSC_FALSE;

    for (PetscInt k = 0; k < ENGD_NUPDATES && !same; k++) {
      PetscCall(PetscStrcmp(names[i], engd_update_name[k], &same));
      if (same) projection->wanted[k] = PETSC_TRUE;
    }
    PetscCheck(same, projection->comm, PETSC_ERR_USER_INPUT,
               "-engd_projection_methods %s: %s is not known; give some of gauss_newton, energy, l2, h1, hessian",
               text, names[i]);
  }
  PetscCall(EngdListDestroy(n, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* refuses problems whose loss is more than a sum of residuals or energies of u at the points */
static PetscErrorCode CheckProblem(EngdProjection projection)
{
  const EngdProblem problem = projection->functional->problem;

  PetscFunctionBeginUser;
  PetscCheck(problem->domain->nwindows <= 1, projection->comm, PETSC_ERR_USER_INPUT,
             "-engd_projection: not with windows of time, %" PetscInt_FMT " of them", problem->domain->nwindows);
  for (PetscInt t = 0; t < problem->nterms; t++) {
    const EngdTerm term = problem->term[t];

    PetscCheck(!term->nstates && !term->walk && !term->integral && !term->multipliers && term->causal == 0,
               projection->comm, PETSC_ERR_USER_INPUT, "-engd_projection: not of term '%s', which has %s", term->name,
               term->nstates       ? "a quotient"
               : term->walk        ? "walkers"
               : term->integral    ? "an integral"
               : term->multipliers ? "multipliers"
                                   : "causal weights");
    PetscCheck(term->pointwise->twice || !(projection->wanted[ENGD_UPDATE_ENERGY] ||
                                           projection->wanted[ENGD_UPDATE_HESSIAN] || term->energy),
               projection->comm, PETSC_ERR_USER_INPUT,
               "-engd_projection: the function of term '%s' has no second derivatives; give them, or "
               "-engd_projection_methods without energy and hessian",
               term->name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProjectionSetFromOptions - Reads whether, when and of what.

  Collective

  Options Database Keys:
+ -engd_projection file.csv     - what updates do to the function beside projections of ideal updates
. -engd_projection_every k      - at each k-th iteration
. -engd_projection_methods list - of gauss_newton, energy, l2, h1, hessian
. -engd_projection_steps n      - so many lengths eta, each half of the one before
- -engd_projection_rcond r      - singular values of tangents that count, relative to the largest

  Errors: PETSC_ERR_USER_INPUT for methods that there are not, for quotients, windows, multipliers and causal weights

  Source: src/spectrum/projection_file.c
*/
PetscErrorCode EngdProjectionSetFromOptions(EngdProjection projection)
{
  const char *manual = "EngdProjectionSetFromOptions";
  char       *text   = NULL;
  PetscBool   help;

  PetscFunctionBeginUser;
  PetscOptionsBegin(projection->comm, NULL, "Projections on the tangent space", "EngdProjection");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_projection",
                            "CSV file of what updates do to the function beside projections of ideal updates", manual,
                            NULL, NULL, &projection->file));
  PetscCall(PetscOptionsHasHelp(NULL, &help));
  if (projection->file || help) {
    PetscCall(EngdOptionsWhole(PetscOptionsObject, "-engd_projection_every",
                               "Iterations between two of them, positive", manual, 1, &projection->every));
    PetscCall(EngdOptionsText(PetscOptionsObject, "-engd_projection_methods",
                              "Whose updates, a list of gauss_newton, energy, l2, h1, hessian", manual, NULL, NULL,
                              &text));
    PetscCall(EngdOptionsWhole(PetscOptionsObject, "-engd_projection_steps",
                               "Lengths eta, each half of the one before, positive", manual, 1, &projection->nsteps));
    PetscCall(PetscOptionsReal("-engd_projection_rcond",
                               "Singular values of tangents that count, relative to the largest, from 0 to below 1",
                               manual, projection->rcond, &projection->rcond, NULL));
  }
  PetscOptionsEnd();
  PetscCheck(projection->rcond >= 0 && projection->rcond < 1, projection->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-engd_projection_rcond %g: give a number from 0 to below 1", (double)projection->rcond);
  PetscCheck(projection->nsteps <= 1000, projection->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "-engd_projection_steps %" PetscInt_FMT ": give at most 1000", projection->nsteps);
  if (text) PetscCall(SetMethods(projection, text));
  PetscCall(PetscFree(text));
  if (!projection->file) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CheckProblem(projection));
  PetscCall(EngdFileCheck(projection->comm, "-engd_projection", projection->file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProjectionAddRow(EngdProjection projection, const EngdProjectionRow *row)
{
  PetscFunctionBeginUser;
  if (projection->nrows == projection->capacity) {
    projection->capacity = PetscMax(64, 2 * projection->capacity);
    PetscCall(PetscRealloc((size_t)projection->capacity * sizeof(*projection->row), &projection->row));
  }
  projection->row[projection->nrows++] = *row;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all rows; 0 or errno */
static int WriteFile(EngdProjection projection)
{
  FILE      *file;
  EngdOutput output;
  const int  failure = EngdOutputOpenFile(&output, projection->file, &file);

  if (failure) return failure;
  fprintf(file, "iteration,method,eta,update,distance,slope,distance_exact,kept\n");
  for (PetscInt k = 0; k < projection->nrows; k++) {
    const EngdProjectionRow *row = &projection->row[k];

    fprintf(file, "%" PetscInt_FMT ",%s,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g\n", row->iteration,
            engd_update_name[row->method], (double)row->eta, (double)row->update, (double)row->distance,
            (double)row->slope, (double)row->distance_exact, (double)row->kept);
  }
  return EngdOutputCloseFile(&output, &file);
}

/* EngdProjectionWrite - the file with all rows so far. Collective, as an error is */
PetscErrorCode EngdProjectionWrite(EngdProjection projection)
{
  int         failure = 0;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(projection->comm, &rank));
  if (rank == 0) failure = WriteFile(projection);
  PetscCall(EngdOutputCheck(projection->comm, "-engd_projection", projection->file, failure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { NREALS = 6 };

static void Pack(EngdProjectionRow *row, PetscInt whole[2], PetscReal real[NREALS], PetscBool back)
{
  PetscReal *const field[NREALS] = {&row->eta,   &row->update,         &row->distance,
                                    &row->slope, &row->distance_exact, &row->kept};

  if (back) {
    row->iteration = whole[0];
    row->method    = (EngdUpdate)whole[1];
  } else {
    whole[0] = row->iteration;
    whole[1] = row->method;
  }
  for (PetscInt k = 0; k < NREALS; k++) {
    if (back)
      *field[k] = real[k];
    else
      real[k] = *field[k];
  }
}

/* the rows as numbers, to the file or from it */
static PetscErrorCode WalkRows(EngdProjection projection, EngdArchive a, PetscInt whole[], PetscReal real[])
{
  const PetscInt n = projection->nrows;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveInts(a, "whole", 2 * n, whole));
  PetscCall(EngdArchiveReals(a, "real", NREALS * n, real));
  if (!EngdArchiveChanges(a)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(projection->row));
  projection->capacity = n;
  PetscCall(PetscMalloc1(n, &projection->row));
  for (PetscInt i = 0; i < n; i++) {
    PetscCheck(whole[2 * i + 1] >= 0 && whole[2 * i + 1] < ENGD_NUPDATES, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
               "the checkpoint is damaged: row %" PetscInt_FMT " of its projections is of no method that there is",
               i);
    Pack(&projection->row[i], whole + 2 * i, real + NREALS * i, PETSC_TRUE);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdProjectionState - saves, loads or forgets the rows; a checkpoint of a run without them has none. Collective */
PetscErrorCode EngdProjectionState(EngdProjection projection, EngdArchive a)
{
  PetscInt      *whole, n;
  PetscReal     *real;
  PetscBool      has;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  if (!projection->file) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchiveHas(a, "projection", &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, "projection"));
  PetscCall(EngdArchiveInt(a, "last", &projection->last, -1));
  PetscCall(EngdArchiveCountReals(a, "nrows", &projection->nrows, ENGD_ARCHIVE_MANY / NREALS, "real", NREALS));
  n = projection->nrows;
  PetscCall(PetscMalloc2(2 * n, &whole, NREALS * n, &real));
  if (EngdArchiveGetMode(a) == ENGD_ARCHIVE_SAVE)
    for (PetscInt i = 0; i < n; i++) Pack(&projection->row[i], whole + 2 * i, real + NREALS * i, PETSC_FALSE);
  ierr = WalkRows(projection, a, whole, real);
  PetscCall(PetscFree2(whole, real));
  PetscCall(ierr);
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProjectionDestroy(EngdProjection *projection)
{
  PetscFunctionBeginUser;
  if (!*projection) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*projection)->file));
  PetscCall(PetscFree((*projection)->row));
  PetscCall(PetscCommDestroy(&(*projection)->comm));
  PetscCall(PetscFree(*projection));
  PetscFunctionReturn(PETSC_SUCCESS);
}
