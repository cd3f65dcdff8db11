/*
  The files of a run before its training: each output can be written, no two are one file, and none is a file that is read.

  Files are one when they are after their links have been followed, F and ./F and a hard link alike. Devices and pipes take any
  number of outputs. A checkpoint may replace the one that the run goes on from. Besides our own files those of PETSc's viewers
  are looked at (-theta_view binary:t.bin, -log_view :log.txt), which it would open after the training.
*/
#define _GNU_SOURCE /* strtok_r */
#include <engd/private.h>
#include <engd/output.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct {
  char      option[128];
  char      name[PETSC_MAX_PATH_LEN];
  PetscBool written;
  PetscInt  number; /* in the order of the options */

  /* what tells files apart, on rank 0: a file that is there by its inode, one to come by that of its folder and its name */
  PetscBool one; /* a regular file, or to become one */
  dev_t     device;
  ino_t     inode;
  char      base[256]; /* empty where the file is there */
} Place;

typedef struct {
  PetscInt n, size;
  Place   *place;
} Places;

static PetscErrorCode AddPlace(Places *places, const char option[], const char name[], PetscBool written)
{
  Place *place;

  PetscFunctionBeginUser;
  if (places->n == places->size) {
    places->size = 2 * places->size + 16;
    PetscCall(PetscRealloc(ENGD_COUNT(places->size, sizeof(*place)), &places->place));
  }
  place = &places->place[places->n++];
  PetscCall(PetscStrncpy(place->option, option, sizeof(place->option)));
  PetscCall(PetscStrncpy(place->name, name, sizeof(place->name)));
  place->written = written;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the value of an option, if it is given, is the name of a file */
static PetscErrorCode AddOption(Places *places, const char option[], PetscBool written)
{
  const char *value = NULL;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsFindPair(NULL, NULL, option, &value, NULL));
  if (value && *value) PetscCall(AddPlace(places, option, value, written));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* type:file:format of a viewer, as in binary:theta.bin; file <- that, or empty. All that PETSc refuses after the training */
static PetscErrorCode CheckViewer(MPI_Comm comm, const char option[], const char value[], size_t size, char file[])
{
  char        type[64], format[64] = "";
  const char *colon = strchr(value, ':'), *second = colon ? strchr(colon + 1, ':') : NULL;
  PetscBool   flag, known;
  PetscEnum   number;
  PetscErrorCode (*create)(PetscViewer) = NULL;

  PetscFunctionBeginUser;
  file[0] = 0;
  PetscCall(PetscViewerInitializePackage());
  PetscCall(PetscSNPrintf(type, sizeof(type), "%.*s", (int)(colon ? colon - value : 60), value));
  PetscCall(PetscStrInList(type, "true,false,yes,no,on,off,1,0", ',', &flag));
  if (type[0] && !flag) PetscCall(PetscFunctionListFind(PetscViewerList, type, &create));
  known = (PetscBool)(!type[0] || flag || create);
  if (!known) PetscCall(PetscOptionsClearValue(NULL, option)); /* PETSc would meet -log_view again when it ends */
  PetscCheck(known, comm, PETSC_ERR_USER_INPUT,
             "%s %s: there is no viewer %s; write for example :file, ascii:file or binary:file", option, value, type);
  PetscCall(PetscStrInList(type, "draw,socket,saws,glvis", ',', &flag));
  if (!colon || flag) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(file, size, "%.*s", (int)(second ? second - colon - 1 : 4000), colon + 1));
  if (second) PetscCall(PetscSNPrintf(format, sizeof(format), "%.*s", (int)strcspn(second + 1, ":"), second + 1));
  if (!format[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscEnumFind(PetscViewerFormats, format, &number, &known));
  PetscCheck(known, comm, PETSC_ERR_USER_INPUT, "%s %s: there is no format %s of viewers", option, value, format);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* does the option take a viewer: all that end in _view do, others of PETSc where the value can be nothing else */
static PetscBool IsOfViewer(const char option[], const char value[])
{
  static const char *const words[] = {"_monitor", "_view", "_reason"}, *const types[] = {
                                                                           ":", "ascii:", "binary:", "hdf5:"};
  const size_t n             = strlen(option);
  PetscBool    option_of_one = PETSC_FALSE, value_of_one = PETSC_FALSE;

  if (!strcmp(option, "-malloc_view")) return PETSC_FALSE;
  if (n > 5 && !strcmp(option + n - 5, "_view")) return PETSC_TRUE;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(words); k++)
    if (strstr(option, words[k])) option_of_one = PETSC_TRUE;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(types); k++)
    if (!strncmp(value, types[k], strlen(types[k]))) value_of_one = PETSC_TRUE;
  return (PetscBool)(option_of_one && value_of_one);
}

/* the files of viewers, and others that PETSc opens at the end */
static PetscErrorCode AddViewers(MPI_Comm comm, Places *places)
{
  char *all, *rest, *key, *value, file[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetAll(NULL, &all));
  for (key = strtok_r(all, " ", &rest); key; key = value) {
    value = strtok_r(NULL, " ", &rest);
    if (key[0] != '-' || !value || value[0] == '-' || !IsOfViewer(key, value)) continue;
    PetscCall(CheckViewer(comm, key, value, sizeof(file), file));
    if (file[0]) PetscCall(AddPlace(places, key, file, PETSC_TRUE));
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the files of viewers can be written */
static PetscErrorCode CheckViewers(MPI_Comm comm, Places *places)
{
  PetscFunctionBeginUser;
  PetscCall(AddViewers(comm, places));
  for (PetscInt k = 0; k < places->n; k++) {
    const PetscErrorCode ierr = EngdFileCheck(comm, places->place[k].option, places->place[k].name);

    if (ierr)
      PetscCall(PetscOptionsClearValue(NULL, places->place[k].option)); /* PETSc would try -log_view all the same */
    PetscCall(ierr);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunCheckViewers - Fails, naming the option, when the disk behind a file of PETSc's viewers is full, or its folder has gone:
  they do not look whether what they print arrives, and -log_view is written when PETSc ends.

  Collective

  Source: src/run/files.c
*/
PetscErrorCode EngdRunCheckViewers(EngdRun run)
{
  Places places = {0};

  PetscFunctionBeginUser;
  PetscCall(CheckViewers(run->comm, &places));
  PetscCall(PetscFree(places.place));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -options_left is read when PETSc ends */
static PetscErrorCode CheckOptionsLeft(MPI_Comm comm)
{
  const char    *value = NULL;
  PetscBool      flag;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsFindPair(NULL, NULL, "-options_left", &value, NULL));
  if (!value || !*value) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = PetscOptionsStringToBool(value, &flag);
  PetscCall(PetscPopErrorHandler());
  PetscCheck(!ierr, comm, PETSC_ERR_USER_INPUT, "-options_left %s: give yes or no", value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* which file it is, or will be */
static void Identify(Place *place)
{
  char       *name = EngdFollowLinks(place->name), *slash = name ? strrchr(name, '/') : NULL;
  struct stat status;

  place->base[0] = 0;
  place->one     = PETSC_FALSE;
  if (name && !stat(name, &status)) {
    place->one = (PetscBool)S_ISREG(status.st_mode);
  } else if (name) {
    snprintf(place->base, sizeof(place->base), "%s", slash ? slash + 1 : name);
    if (slash && slash > name) *slash = 0;
    place->one = (PetscBool)!stat(slash ? (slash == name ? "/" : name) : ".", &status);
  }
  if (place->one) {
    place->device = status.st_dev;
    place->inode  = status.st_ino;
  }
  free(name);
}

/* for qsort(): places that are one file side by side, in the order of the options; those that are no file behind all */
static int Order(const void *first, const void *second)
{
  const Place *a = *(const Place *const *)first, *b = *(const Place *const *)second;
  const int    names = strcmp(a->base, b->base);

  if (a->one != b->one) return a->one ? -1 : 1;
  if (a->one && a->device != b->device) return a->device < b->device ? -1 : 1;
  if (a->one && a->inode != b->inode) return a->inode < b->inode ? -1 : 1;
  if (a->one && names) return names;
  return a->number < b->number ? -1 : a->number > b->number;
}

static PetscBool IsSame(const Place *a, const Place *b)
{
  return (PetscBool)(a->one && b->one && a->device == b->device && a->inode == b->inode && !strcmp(a->base, b->base));
}

/* may the first replace the second */
static PetscBool MayShare(const Place *a, const Place *b)
{
  return (PetscBool)(!strcmp(a->option, "-engd_checkpoint") && !strcmp(b->option, "-engd_restart"));
}

/* message <- what the first two places that are one file have in common, or nothing; for rank 0, which has the files. A series
   in time has thousands, so they are sorted */
static PetscErrorCode Compare(const Places *places, size_t size, char message[])
{
  const Place **sorted;
  PetscInt      first = PETSC_MAX_INT;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(places->n, &sorted));
  for (PetscInt i = 0; i < places->n; i++) {
    places->place[i].number = i;
    Identify(&places->place[i]);
    sorted[i] = &places->place[i];
  }
  if (places->n) qsort(sorted, (size_t)places->n, sizeof(*sorted), Order);
  for (PetscInt i = 0; i < places->n; i++)
    for (PetscInt j = i + 1; j < places->n && IsSame(sorted[i], sorted[j]); j++) {
      const PetscBool forward = sorted[i]->written;
      const Place    *a = forward ? sorted[i] : sorted[j], *b = forward ? sorted[j] : sorted[i];

      if (!a->written || a->number >= first || MayShare(a, b)) continue;
      first = a->number;
      snprintf(message, size, "%s %.500s would %s %s%s%.500s", a->option, a->name,
               b->written ? "be lost: it is also the file of" : "overwrite a file that is read, that of", b->option,
               b->option[0] ? " " : "", b->name);
    }
  PetscCall(PetscFree(sorted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* on rank 0 what the options were read from, too */
static PetscErrorCode AddOptionsFiles(MPI_Comm comm, Places *places)
{
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (PetscInt k = 0; rank == 0 && EngdOptionsFile(k); k++)
    PetscCall(AddPlace(places, "-options_file", EngdOptionsFile(k), PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the points that the solution is evaluated at, and the files of a series but for the first, which an option names */
static PetscErrorCode AddSolution(EngdRun run, Places *places)
{
  const EngdReport  report                        = run->report;
  const char *const option                        = report->evaluates ? "-engd_evaluate" : "-engd_solution_points";
  char              name[PETSC_MAX_PATH_LEN + 16] = "";

  PetscFunctionBeginUser;
  if (report->points && EngdPlacesIsFile(report->points))
    PetscCall(AddPlace(places, option, report->points, PETSC_FALSE));
  if (report->solution) PetscCall(EngdSolutionGetFile(report->solution, 1, sizeof(name), name));
  for (PetscInt k = 2; name[0]; k++) {
    PetscCall(AddPlace(places, "-engd_solution", name, PETSC_TRUE));
    PetscCall(EngdSolutionGetFile(report->solution, k, sizeof(name), name));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdRunCheckFiles - Fails, naming the options, when an output cannot be written, or would overwrite another or what is read.

  Collective

  Source: src/run/files.c
*/
PetscErrorCode EngdRunCheckFiles(EngdRun run)
{
  static const char *const outputs[] = {"-engd_history",    "-engd_summary",    "-engd_solution",
                                        "-spectrum_output", "-engd_projection", "-engd_checkpoint"};
  char                     option[128], message[1536] = "";
  Places                   places = {0};

  PetscFunctionBeginUser;
  PetscCall(CheckOptionsLeft(run->comm));
  PetscCall(CheckViewers(run->comm, &places));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(outputs); k++)
    PetscCall(AddOption(&places, outputs[k], PETSC_TRUE));
  PetscCall(AddOption(&places, "-engd_restart", PETSC_FALSE));
  PetscCall(AddSolution(run, &places));
  for (PetscInt t = 0; t < run->problem->nterms; t++) {
    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_points_file", run->problem->term[t]->name));
    PetscCall(AddOption(&places, option, PETSC_FALSE));
  }
  PetscCall(AddOptionsFiles(run->comm, &places));
  PetscCall(Compare(&places, sizeof(message), message));
  PetscCallMPI(MPI_Bcast(message, sizeof(message), MPI_CHAR, 0, run->comm));
  PetscCheck(!message[0], run->comm, PETSC_ERR_USER_INPUT, "%s", message);
  PetscCall(PetscFree(places.place));
  PetscFunctionReturn(PETSC_SUCCESS);
}
