/*
  Where results are evaluated, as text:

    test                         the test points, that nothing was trained on
    grid, grid(n), grid(n1,n2)   the box around the domain (and the interval of time), ends included: n points a coordinate
    slice(t=0.5, z=0; n1,n2)     the same with some coordinates held; x3..x10=0.5 holds eight
    line(a1,a2; b1,b2; n)        n points from a to b, ends included
    points(pde)                  the points that the term pde was trained on last
    points.csv                   the points of a file, with data that expressions may read

  Points of grids and lines outside of the domain have no values; those of a file have, and are warned of by their number.
*/
#include <engd/private.h>
#include <engd/options_text.h>
#include <ctype.h>

#define NUMBERS_MAX 500000000 /* coordinates in all, which are gathered on one rank */

/* The inside of NAME(...), to be freed, NULL if the text is not of this form */
static PetscErrorCode TakeCall(const char text[], const char name[], char **inside)
{
  const size_t n = strlen(name), length = strlen(text);

  PetscFunctionBeginUser;
  *inside = NULL;
  if (strncmp(text, name, n)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!text[n]) PetscCall(PetscStrallocpy("", inside));
  if (text[n] != '(' || text[length - 1] != ')') PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscStrallocpy(text + n + 1, inside));
  (*inside)[length - n - 2] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool EngdPlacesIsFile(const char text[])
{
  static const char *const forms[] = {"grid", "slice", "line", "points"};

  if (!strcmp(text, "test") || !strcmp(text, "grid")) return PETSC_FALSE;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(forms); k++) {
    const size_t n = strlen(forms[k]);

    if (!strncmp(text, forms[k], n) && text[n] == '(' && text[strlen(text) - 1] == ')') return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* cuts text at its next ';'; the part after it, NULL behind the last */
static char *CutPart(char *text)
{
  char *end = text ? strchr(text, ';') : NULL;

  if (end) *end++ = 0;
  return end;
}

static PetscBool IsBlank(const char text[])
{
  return (PetscBool)!text[strspn(text, " ")];
}

/* the local piece of nglobal points */
static PetscErrorCode Distribute(EngdPlaces places, const char option[], PetscInt64 nglobal)
{
  PetscInt nlocal = PETSC_DECIDE, end = 0;

  PetscFunctionBeginUser;
  PetscCheck(nglobal * places->dim <= NUMBERS_MAX, places->domain->comm, PETSC_ERR_USER_INPUT,
             "%s %s: %" PetscInt64_FMT " points are too many for one file; fewer in each coordinate, or slice(..)",
             option, places->text, nglobal);
  places->nglobal = (PetscInt)nglobal;
  PetscCall(PetscSplitOwnership(places->domain->comm, &nlocal, &places->nglobal));
  PetscCallMPI(MPI_Scan(&nlocal, &end, 1, MPIU_INT, MPI_SUM, places->domain->comm));
  places->nlocal = nlocal;
  places->start  = end - nlocal;
  PetscCall(PetscMalloc1(ENGD_COUNT(nlocal, places->dim), &places->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* inside, and how many are not */
static PetscErrorCode Locate(EngdPlaces places)
{
  const EngdDomain domain  = places->domain;
  PetscInt         outside = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(places->nlocal, &places->inside));
  for (PetscInt i = 0; i < places->nlocal; i++) {
    places->inside[i] = PETSC_TRUE;
    if (domain->ops->contains)
      PetscCall((*domain->ops->contains)(domain, places->x + ENGD_COUNT(i, places->dim), &places->inside[i]));
    outside += !places->inside[i];
  }
  PetscCall(MPIU_Allreduce(&outside, &places->outside, 1, MPIU_INT, MPI_SUM, domain->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The box around the domain, and the interval of time; of a domain that does not say, that of the test points */
static PetscErrorCode GetBox(EngdProblem problem, PetscReal lower[], PetscReal upper[])
{
  const EngdDomain domain = problem->domain;
  const EngdPoints test   = problem->test;

  PetscFunctionBeginUser;
  if (domain->ops->enclose) {
    PetscCall((*domain->ops->enclose)(domain, lower, upper));
  } else {
    for (PetscInt c = 0; c < domain->nspace; c++) {
      lower[c] = PETSC_MAX_REAL;
      upper[c] = -PETSC_MAX_REAL;
      for (PetscInt i = 0; i < test->nlocal; i++) {
        lower[c] = PetscMin(lower[c], test->x[ENGD_COUNT(i, test->dim) + c]);
        upper[c] = PetscMax(upper[c], test->x[ENGD_COUNT(i, test->dim) + c]);
      }
    }
    PetscCall(MPIU_Allreduce(MPI_IN_PLACE, lower, (PetscMPIInt)domain->nspace, MPIU_REAL, MPIU_MIN, domain->comm));
    PetscCall(MPIU_Allreduce(MPI_IN_PLACE, upper, (PetscMPIInt)domain->nspace, MPIU_REAL, MPIU_MAX, domain->comm));
  }
  if (domain->time) {
    lower[domain->nspace] = domain->interval[0];
    upper[domain->nspace] = domain->interval[1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* held[c] and value[c] <- the coordinates of "t=0.5, x3..x10=1" */
static PetscErrorCode ReadHeld(EngdPlaces places, const char option[], const char text[], PetscBool held[],
                               PetscReal value[])
{
  const EngdDomain domain = places->domain;
  char           **items, **names;
  PetscInt         n, m;

  PetscFunctionBeginUser;
  PetscCall(EngdParseList(option, text, &n, &items));
  for (PetscInt i = 0; i < n; i++) {
    char     *equals = strchr(items[i], '=');
    PetscReal number;

    PetscCheck(equals, domain->comm, PETSC_ERR_USER_INPUT,
               "%s %s: '%s' holds no coordinate; write for example slice(%s=0.5; 101,101)", option, places->text,
               items[i], domain->coordinate[domain->dim - 1]);
    *equals = 0;
    PetscCall(EngdParseNames(option, items[i], &m, &names));
    PetscCall(EngdParseReal(option, equals + 1, &domain->words, &number));
    for (PetscInt k = 0; k < m; k++) {
      PetscInt c = 0;

      while (c < domain->dim && strcmp(names[k], domain->coordinate[c])) c++;
      PetscCheck(c < domain->dim, domain->comm, PETSC_ERR_USER_INPUT, "%s %s: there is no coordinate %s", option,
                 places->text, names[k]);
      PetscCheck(!held[c], domain->comm, PETSC_ERR_USER_INPUT, "%s %s: %s is held twice", option, places->text,
                 names[k]);
      held[c]  = PETSC_TRUE;
      value[c] = number;
    }
    PetscCall(EngdListDestroy(m, &names));
  }
  PetscCall(EngdListDestroy(n, &items));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* count[naxes] <- one number for each axis, one for all, or by default what makes about 10000 points */
static PetscErrorCode ReadCounts(EngdPlaces places, const char option[], const char text[])
{
  const PetscInt standard[] = {401, 101, 33};
  char         **items;
  PetscInt       n = 0, one;

  PetscFunctionBeginUser;
  if (IsBlank(text)) {
    PetscCheck(places->naxes <= 3, places->domain->comm, PETSC_ERR_USER_INPUT,
               "%s %s: a grid in %" PetscInt_FMT
               " coordinates; hold all but three, as in slice(%s=0.5, ..; 101,101), or say how many points, as in "
               "grid(5)",
               option, places->text, places->naxes, places->domain->coordinate[places->dim - 1]);
    for (PetscInt k = 0; k < places->naxes; k++) places->count[k] = standard[places->naxes - 1];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(EngdParseList(option, text, &n, &items));
  PetscCheck(n == 1 || n == places->naxes, places->domain->comm, PETSC_ERR_USER_INPUT,
             "%s %s: %" PetscInt_FMT " numbers for %" PetscInt_FMT
             " coordinates; give how many points, one number for all or one for each",
             option, places->text, n, places->naxes);
  for (PetscInt k = 0; k < places->naxes; k++) {
    PetscCall(EngdParseWhole(option, items[n == 1 ? 0 : k], 1, &one));
    places->count[k] = one;
  }
  PetscCall(EngdListDestroy(n, &items));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x of the local points of a grid; value: of the coordinates that are held */
static void FillGrid(EngdPlaces places, const PetscReal lower[], const PetscReal upper[], const PetscReal value[])
{
  for (PetscInt i = 0; i < places->nlocal; i++) {
    PetscReal *x    = places->x + ENGD_COUNT(i, places->dim);
    PetscInt   rest = places->start + i;

    for (PetscInt c = 0; c < places->dim; c++) x[c] = value[c];
    for (PetscInt k = 0; k < places->naxes; k++) {
      const PetscInt  n = places->count[k], c = places->axis[k], j = rest % n;
      const PetscReal s = n > 1 ? (PetscReal)j / (PetscReal)(n - 1) : 0.5;

      rest /= n;
      x[c] = (1 - s) * lower[c] + s * upper[c];
    }
  }
}

/* grid: held is NULL; slice: what is held, then how many */
static PetscErrorCode CreateGrid(EngdPlaces places, EngdProblem problem, const char option[], const char holds[],
                                 const char counts[])
{
  const PetscInt dim     = places->dim;
  PetscInt64     product = 1;
  PetscReal     *lower, *upper, *value;
  PetscBool     *held;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc4(dim, &lower, dim, &upper, dim, &value, dim, &held));
  PetscCall(PetscMalloc2(dim, &places->count, dim, &places->axis));
  PetscCall(GetBox(problem, lower, upper));
  if (holds) PetscCall(ReadHeld(places, option, holds, held, value));
  for (PetscInt c = 0; c < dim; c++)
    if (!held[c]) places->axis[places->naxes++] = c;
  PetscCheck(places->naxes, places->domain->comm, PETSC_ERR_USER_INPUT,
             "%s %s: all coordinates are held; leave one out", option, places->text);
  PetscCall(ReadCounts(places, option, counts));
  for (PetscInt k = 0; k < places->naxes && product <= NUMBERS_MAX; k++) product *= places->count[k];
  PetscCall(Distribute(places, option, product));
  FillGrid(places, lower, upper, value);
  PetscCall(PetscFree4(lower, upper, value, held));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* line(a; b; n) */
static PetscErrorCode CreateLine(EngdPlaces places, const char option[], char *text)
{
  const PetscInt dim = places->dim;
  char          *end = CutPart(text), *count = CutPart(end);
  PetscReal     *a, *b;
  PetscInt       na, nb, n = 401;

  PetscFunctionBeginUser;
  PetscCheck(end, places->domain->comm, PETSC_ERR_USER_INPUT,
             "%s %s: write line(a; b; n) with the coordinates of both ends, as in line(0,0; 1,1; 200)", option,
             places->text);
  PetscCall(EngdParseReals(option, text, &places->domain->words, &na, &a));
  PetscCall(EngdParseReals(option, end, &places->domain->words, &nb, &b));
  PetscCheck(na == dim && nb == dim, places->domain->comm, PETSC_ERR_USER_INPUT,
             "%s %s: ends of %" PetscInt_FMT " and %" PetscInt_FMT " numbers for %" PetscInt_FMT " coordinates",
             option, places->text, na, nb, dim);
  if (count) {
    while (isspace((unsigned char)*count)) count++;
    PetscCall(EngdParseWhole(option, count, 2, &n));
  }
  PetscCall(PetscMalloc2(1, &places->count, 1, &places->axis));
  places->naxes    = 1;
  places->count[0] = n;
  places->axis[0]  = -1;
  PetscCall(Distribute(places, option, n));
  for (PetscInt i = 0; i < places->nlocal; i++) {
    const PetscReal s = (PetscReal)(places->start + i) / (PetscReal)(n - 1);

    for (PetscInt c = 0; c < dim; c++) places->x[ENGD_COUNT(i, dim) + c] = s < 1 ? a[c] + s * (b[c] - a[c]) : b[c];
  }
  PetscCall(PetscFree(a));
  PetscCall(PetscFree(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x of points that have been sampled or read */
static PetscErrorCode TakePoints(EngdPlaces places, EngdPoints points)
{
  PetscFunctionBeginUser;
  places->nglobal = points->nglobal;
  places->nlocal  = points->nlocal;
  places->start   = points->start;
  PetscCall(PetscMalloc1(ENGD_COUNT(points->nlocal, places->dim), &places->x));
  PetscCall(PetscArraycpy(places->x, points->x, ENGD_COUNT(points->nlocal, places->dim)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* points(pde) */
static PetscErrorCode TakeTerm(EngdPlaces places, EngdProblem problem, const char option[], const char name[])
{
  char known[512] = "";

  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < problem->nterms; t++) {
    if (!strcmp(name, problem->term[t]->name)) places->of = problem->term[t]->points;
    PetscCall(PetscSNPrintf(known + strlen(known), sizeof(known) - strlen(known), "%spoints(%s)", t ? ", " : "",
                            problem->term[t]->name));
  }
  PetscCheck(places->of, problem->comm, PETSC_ERR_USER_INPUT, "%s %s: there is no term %s; there is %s", option,
             places->text, name, known);
  PetscCall(TakePoints(places, places->of));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPlacesUpdate(EngdPlaces places)
{
  PetscFunctionBeginUser;
  if (!places->of) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(places->x));
  PetscCall(PetscFree(places->inside));
  PetscCall(TakePoints(places, places->of));
  PetscCall(Locate(places));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* is there a file of this name, also where options files are; the answer of rank 0 */
static PetscErrorCode FindFile(MPI_Comm comm, const char name[], PetscBool *found)
{
  char        path[PETSC_MAX_PATH_LEN], searched[PETSC_MAX_PATH_LEN];
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) *found = EngdFindOptionsFile(name, sizeof(path), path, searched);
  PetscCallMPI(MPI_Bcast(found, 1, ENGD_MPI_BOOL, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPlacesCreate(EngdProblem problem, const char option[], const char text[], EngdPlaces *out)
{
  EngdPlaces places;
  char      *grid, *slice, *line, *term;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&places));
  places->domain = problem->domain;
  places->dim    = problem->domain->dim;
  PetscCall(PetscStrallocpy(text, &places->text));
  PetscCall(TakeCall(text, "grid", &grid));
  PetscCall(TakeCall(text, "slice", &slice));
  PetscCall(TakeCall(text, "line", &line));
  PetscCall(TakeCall(text, "points", &term));
  if (grid) {
    PetscCall(CreateGrid(places, problem, option, NULL, grid));
  } else if (slice && text[5]) {
    char *counts = CutPart(slice);

    PetscCall(CreateGrid(places, problem, option, slice, counts ? counts : ""));
  } else if (line && text[4]) {
    PetscCall(CreateLine(places, option, line));
  } else if (term && text[6]) {
    PetscCall(TakeTerm(places, problem, option, term));
  } else if (!strcmp(text, "test")) {
    PetscCall(TakePoints(places, problem->test));
  } else {
    PetscBool found;

    PetscCall(FindFile(problem->domain->comm, text, &found));
    PetscCheck(found, problem->domain->comm, PETSC_ERR_USER_INPUT,
               "%s %s: no such file can be read; give one, or test, grid(..), slice(..), line(..) or points(TERM)",
               option, text);
    PetscCall(EngdPointsCreateFromFile(problem->domain, option, text, PETSC_TRUE, &places->points));
    PetscCall(TakePoints(places, places->points));
  }
  PetscCall(Locate(places));
  PetscCheck(!places->naxes || places->outside < places->nglobal, places->domain->comm, PETSC_ERR_USER_INPUT,
             "%s %s: none of the %" PetscInt_FMT " points is in the domain", option, text, places->nglobal);
  PetscCall(PetscFree(grid));
  PetscCall(PetscFree(slice));
  PetscCall(PetscFree(line));
  PetscCall(PetscFree(term));
  *out = places;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPlacesDestroy(EngdPlaces *places)
{
  PetscFunctionBeginUser;
  if (!*places) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdPointsDestroy(&(*places)->points));
  PetscCall(PetscFree2((*places)->count, (*places)->axis));
  PetscCall(PetscFree((*places)->x));
  PetscCall(PetscFree((*places)->inside));
  PetscCall(PetscFree((*places)->text));
  PetscCall(PetscFree(*places));
  PetscFunctionReturn(PETSC_SUCCESS);
}
