/*
  The file of an archive: HDF5 through its C library, on one rank.

  A file to be saved is put together in memory (HDF5's core driver) and written at the end by our own write(), fsync() and
  rename(): HDF5 1.10 ends with a segmentation fault some calls after a write that failed, on a full disk for one.
  It takes as much memory as it is large. Numbers are little-endian IEEE doubles and 64-bit integers on any machine.
*/
#define _GNU_SOURCE /* fsync, strdup */
#include "statefile.h"
#include <engd/output.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(PETSC_HAVE_HDF5)
#include <hdf5.h>
#else
typedef int hid_t;
#endif

#define MARK   "engd_archive" /* the attribute that all of our files have */
#define GROWTH 1048576        /* bytes by which the file in memory grows at least */

struct _n_EngdStateFile {
  char         *name;
  PetscBool     save;
  hid_t         file, dataset; /* -1 where there is none */
  char          path[1024];    /* of the dataset */
  EngdStateKind kind;
  int           ndims;
  char          failure[2048];
#if defined(PETSC_HAVE_HDF5)
  H5E_auto2_t print; /* what HDF5 did with its errors before */
  void       *data;
#endif
};

const char *EngdStateFileFailure(EngdStateFile f)
{
  return f->failure[0] ? f->failure : NULL;
}

/* failure <- the name of the file and this; the first one stays */
void EngdStateFileFail(EngdStateFile f, const char format[], ...)
{
  va_list arguments;
  size_t  n;

  if (f->failure[0]) return;
  n = (size_t)snprintf(f->failure, sizeof(f->failure), "%s", f->name);
  va_start(arguments, format);
  if (n < sizeof(f->failure)) vsnprintf(f->failure + n, sizeof(f->failure) - n, format, arguments);
  va_end(arguments);
}

/* writes all of a block of memory; errno, or 0 */
static int WriteAll(int descriptor, const char *from, size_t n)
{
  while (n > 0) {
    const ssize_t done = write(descriptor, from, n < ((size_t)1 << 30) ? n : (size_t)1 << 30);

    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return done < 0 ? errno : EIO;
    from += done;
    n -= (size_t)done;
  }
  return 0;
}

/* a rename is on the disk when the directory is; some file systems do not let directories be opened for that */
static void SyncDirectory(const char name[])
{
  char *directory = strdup(name), *slash = directory ? strrchr(directory, '/') : NULL;
  int   descriptor;

  if (slash) slash[slash == directory] = 0;
  descriptor = directory ? open(slash ? directory : ".", O_RDONLY) : -1;
  if (descriptor >= 0) {
    (void)fsync(descriptor);
    (void)close(descriptor);
  }
  free(directory);
}

/* the file beside NAME, on the disk, becomes NAME; else it is removed and NAME stays as it was */
static void Replace(EngdStateFile f, const void *image, size_t n)
{
  unsigned char seal[ENGD_STATE_SEAL];
  struct stat   status;
  EngdOutput    output;
  int           failure, last, descriptor;

  if (!stat(f->name, &status) && !S_ISREG(status.st_mode)) {
    EngdStateFileFail(f, " cannot be written: it is no regular file");
    return;
  }
  failure    = EngdOutputBegin(&output, f->name);
  descriptor = failure ? -1 : open(output.writing, O_WRONLY | O_TRUNC);
  if (descriptor < 0) {
    EngdStateFileFail(f, " cannot be written: %s", strerror(failure ? failure : errno));
    if (!failure) (void)EngdOutputEnd(&output, 0);
    return;
  }
  EngdStateSealMake(n, image, seal);
  failure = WriteAll(descriptor, image, n);
  if (!failure) failure = WriteAll(descriptor, (const char *)seal, sizeof(seal));
  if (fsync(descriptor) && !failure && errno != EINVAL) failure = errno;
  if (close(descriptor) && !failure) failure = errno;
  last = EngdOutputEnd(&output, !failure);
  if (!failure) failure = last;
  if (failure)
    EngdStateFileFail(f, " could not be written to its end: %s", strerror(failure));
  else
    SyncDirectory(f->name);
}

#if defined(PETSC_HAVE_HDF5)

/* properties of access: no locks, which a file that is renamed does not need and network file systems may refuse */
static hid_t Access(PetscBool memory)
{
  const hid_t properties = H5Pcreate(H5P_FILE_ACCESS);

#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 11, 0))
  (void)H5Pset_file_locking(properties, 0, 1);
#endif
  if (memory) (void)H5Pset_fapl_core(properties, GROWTH, 0);
  return properties;
}

/* is there a file to load, and is it of HDF5 and whole */
static void OpenToLoad(EngdStateFile f)
{
  const hid_t properties = Access(PETSC_FALSE);
  struct stat status;

  if (stat(f->name, &status) || access(f->name, R_OK))
    EngdStateFileFail(f, " cannot be read: %s", strerror(errno));
  else if (!S_ISREG(status.st_mode))
    EngdStateFileFail(f, " cannot be read: it is no regular file");
  else if (H5Fis_hdf5(f->name) <= 0)
    EngdStateFileFail(f, " is no checkpoint of engd: it is no HDF5 file");
  else {
    const EngdStateSealKind seal = EngdStateSealCheck(f->name, (size_t)status.st_size);

    if (seal != ENGD_STATE_BROKEN_SEAL) f->file = H5Fopen(f->name, H5F_ACC_RDONLY, properties);
    if (f->file < 0 || (seal == ENGD_STATE_NO_SEAL && H5Aexists(f->file, MARK) > 0))
      EngdStateFileFail(f, " cannot be read: it is truncated or damaged");
  }
  (void)H5Pclose(properties);
}

EngdStateFile EngdStateFileBegin(const char name[], PetscBool save)
{
  EngdStateFile f = calloc(1, sizeof(*f));

  if (!f) return NULL;
  f->save = save;
  f->file = f->dataset = -1;
  f->name              = strdup(name);
  if (!f->name) {
    EngdStateFileEnd(f);
    return NULL;
  }
  (void)H5Eget_auto2(H5E_DEFAULT, &f->print, &f->data);
  (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (save) {
    const hid_t properties = Access(PETSC_TRUE);

    f->file = H5Fcreate(f->name, H5F_ACC_TRUNC, H5P_DEFAULT, properties);
    if (f->file < 0) EngdStateFileFail(f, " cannot be written: HDF5 has no memory for it");
    (void)H5Pclose(properties);
  } else {
    OpenToLoad(f);
  }
  return f;
}

/* the image in memory goes to the disk */
void EngdStateFileFinish(EngdStateFile f)
{
  void   *handle = NULL;
  ssize_t size;

  if (f->failure[0]) return;
  if (H5Fflush(f->file, H5F_SCOPE_GLOBAL) < 0 || (size = H5Fget_file_image(f->file, NULL, 0)) <= 0 ||
      H5Fget_vfd_handle(f->file, H5P_DEFAULT, &handle) < 0 || !handle)
    EngdStateFileFail(f, " cannot be written: HDF5 has no image of it");
  else
    Replace(f, *(void **)handle, (size_t)size);
}

void EngdStateFileEnd(EngdStateFile f)
{
  if (!f) return;
  if (f->dataset >= 0) (void)H5Dclose(f->dataset);
  if (f->file >= 0) (void)H5Fclose(f->file);
  (void)H5Eset_auto2(H5E_DEFAULT, f->print, f->data);
  free(f->name);
  free(f);
}

void EngdStateFileMark(EngdStateFile f, const char name[], PetscInt64 *value)
{
  hid_t space, attribute;
  int   bad;

  if (f->failure[0]) return;
  if (f->save) {
    space     = H5Screate(H5S_SCALAR);
    attribute = H5Acreate2(f->file, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    bad       = H5Awrite(attribute, H5T_NATIVE_INT64, value) < 0;
    if (bad) EngdStateFileFail(f, " cannot be written: HDF5 has no memory for %s", name);
    (void)H5Sclose(space);
  } else {
    attribute = H5Aopen(f->file, name, H5P_DEFAULT);
    bad       = attribute < 0 || H5Aread(attribute, H5T_NATIVE_INT64, value) < 0;
    if (bad) EngdStateFileFail(f, " is an HDF5 file, but no checkpoint of engd: it has no attribute %s", name);
  }
  if (attribute >= 0) (void)H5Aclose(attribute);
}

/* H5Lexists() wants all groups on the way to be there */
PetscBool EngdStateFileHas(EngdStateFile f, const char path[])
{
  char part[sizeof(f->path)];

  if (f->failure[0]) return PETSC_FALSE;
  for (const char *end = path; end;) {
    end = strchr(end + 1, '/');
    snprintf(part, sizeof(part), "%.*s", (int)(end ? end - path : (ptrdiff_t)strlen(path)), path);
    if (H5Lexists(f->file, part, H5P_DEFAULT) <= 0) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* the type in memory, and in the file, of n characters or of one number */
static hid_t Type(EngdStateKind kind, PetscBool file, size_t n)
{
  hid_t type;

  switch (kind) {
  case ENGD_STATE_REAL: return H5Tcopy(file ? H5T_IEEE_F64LE : H5T_NATIVE_DOUBLE);
  case ENGD_STATE_INT: return H5Tcopy(file ? H5T_STD_I64LE : H5T_NATIVE_INT64);
  default:
    type = H5Tcopy(H5T_C_S1);
    (void)H5Tset_size(type, n);
    return type;
  }
}

/* a new dataset, without times, so that equal states are equal files */
static void Create(EngdStateFile f, size_t dims[])
{
  const PetscBool text  = (PetscBool)(f->kind == ENGD_STATE_TEXT);
  const hsize_t   all[] = {dims[0], f->ndims > 1 ? dims[1] : 1};
  const hid_t     links = H5Pcreate(H5P_LINK_CREATE), properties = H5Pcreate(H5P_DATASET_CREATE);
  const hid_t     type  = Type(f->kind, PETSC_TRUE, dims[0]);
  const hid_t     space = text || !f->ndims ? H5Screate(H5S_SCALAR) : H5Screate_simple(f->ndims, all, NULL);

  (void)H5Pset_create_intermediate_group(links, 1);
  (void)H5Pset_obj_track_times(properties, 0);
  f->dataset = H5Dcreate2(f->file, f->path, type, space, links, properties, H5P_DEFAULT);
  if (f->dataset < 0) EngdStateFileFail(f, " cannot be written: HDF5 has no memory for %s", f->path);
  (void)H5Sclose(space);
  (void)H5Tclose(type);
  (void)H5Pclose(properties);
  (void)H5Pclose(links);
}

/* the dataset that is there: is it of the kind and the size */
static void Find(EngdStateFile f, size_t dims[])
{
  static const char *const kinds[]  = {"no real numbers", "no integers", "no text"};
  static const H5T_class_t is[]     = {H5T_FLOAT, H5T_INTEGER, H5T_STRING};
  hsize_t                  there[2] = {0, 0};
  hid_t                    type, space;
  int                      n;

  f->dataset = H5Dopen2(f->file, f->path, H5P_DEFAULT);
  if (f->dataset < 0) {
    EngdStateFileFail(f, ": %s cannot be opened; the file is damaged", f->path);
    return;
  }
  type  = H5Dget_type(f->dataset);
  space = H5Dget_space(f->dataset);
  n     = H5Sget_simple_extent_ndims(space);
  if (n > 0 && n <= 2) (void)H5Sget_simple_extent_dims(space, there, NULL);
  if (f->kind == ENGD_STATE_TEXT) there[0] = H5Tget_size(type);
  if (H5Tget_class(type) != is[f->kind] || (f->kind == ENGD_STATE_TEXT && H5Tis_variable_str(type) > 0))
    EngdStateFileFail(f, ": %s holds %s", f->path, kinds[f->kind]);
  else if (n != (f->kind == ENGD_STATE_TEXT ? 0 : f->ndims))
    EngdStateFileFail(f, ": %s has %d dimensions in the file and %d here", f->path, n, f->ndims);
  else if (f->ndims && dims[0] != ENGD_STATE_ANY && there[0] != dims[0])
    EngdStateFileFail(f, ": %s has %zu %s in the file and %zu here", f->path, (size_t)there[0],
                      f->ndims == 1 ? "entries" : "columns", dims[0]);
  else if (f->ndims == 2 && there[1] != dims[1])
    EngdStateFileFail(f, ": %s has %zu rows in the file and %zu here", f->path, (size_t)there[1], dims[1]);
  else if (f->ndims)
    dims[0] = (size_t)there[0];
  (void)H5Sclose(space);
  (void)H5Tclose(type);
}

void EngdStateFileOpen(EngdStateFile f, const char path[], EngdStateKind kind, int ndims, size_t dims[])
{
  if (f->failure[0]) return;
  snprintf(f->path, sizeof(f->path), "%s", path);
  f->kind  = kind;
  f->ndims = ndims;
  if (f->save)
    Create(f, dims);
  else if (!EngdStateFileHas(f, path))
    EngdStateFileFail(f, " has no %s: it is of another problem, network, optimiser or version", path);
  else
    Find(f, dims);
}

void EngdStateFileExpect(EngdStateFile f, const char path[], size_t n)
{
  hid_t  type, space;
  size_t there;

  if (f->failure[0]) return;
  f->dataset = EngdStateFileHas(f, path) ? H5Dopen2(f->file, path, H5P_DEFAULT) : -1;
  if (f->dataset < 0) {
    EngdStateFileFail(f, " is damaged: it has no %s", path);
    return;
  }
  type  = H5Dget_type(f->dataset);
  space = H5Dget_space(f->dataset);
  there = H5Tget_class(type) == H5T_STRING ? H5Tget_size(type) : (size_t)H5Sget_simple_extent_npoints(space);
  if (there != n) EngdStateFileFail(f, " is damaged: %s has %zu entries, not the %zu that it says", path, there, n);
  (void)H5Sclose(space);
  (void)H5Tclose(type);
  EngdStateFileClose(f);
}

void EngdStateFileMove(EngdStateFile f, size_t column, size_t row, size_t n, void *data)
{
  const hsize_t   start[] = {f->ndims > 1 ? column : row, row}, count[] = {f->ndims > 1 ? 1 : n, n}, size = n;
  const PetscBool whole = (PetscBool)(f->kind == ENGD_STATE_TEXT || !f->ndims);
  hid_t           type, space, memory;
  int             bad;

  if (f->failure[0] || !n) return;
  type   = Type(f->kind, PETSC_FALSE, n);
  space  = H5Dget_space(f->dataset);
  memory = whole ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, NULL);
  bad    = !whole && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0;
  if (!bad)
    bad = (f->save ? H5Dwrite(f->dataset, type, memory, space, H5P_DEFAULT, data)
                   : H5Dread(f->dataset, type, memory, space, H5P_DEFAULT, data)) < 0;
  if (bad && f->save) EngdStateFileFail(f, " cannot be written: HDF5 has no memory for %s", f->path);
  if (bad) EngdStateFileFail(f, ": %s cannot be read; the file is damaged", f->path);
  (void)H5Sclose(memory);
  (void)H5Sclose(space);
  (void)H5Tclose(type);
}

void EngdStateFileClose(EngdStateFile f)
{
  if (f->dataset >= 0 && H5Dclose(f->dataset) < 0) EngdStateFileFail(f, ": %s cannot be written", f->path);
  f->dataset = -1;
}

#else /* without HDF5: every file fails with the same sentence */

EngdStateFile EngdStateFileBegin(const char name[], PetscBool save)
{
  EngdStateFile f = calloc(1, sizeof(*f));

  (void)save;
  (void)Replace;
  if (!f) return NULL;
  f->name = strdup(name);
  EngdStateFileFail(f, ": checkpoints need a PETSc with HDF5, which this one is not");
  return f;
}

void EngdStateFileFinish(EngdStateFile f)
{
  (void)f;
}

void EngdStateFileEnd(EngdStateFile f)
{
  if (f) free(f->name);
  free(f);
}

void EngdStateFileMark(EngdStateFile f, const char name[], PetscInt64 *value)
{
  (void)f;
  (void)name;
  (void)value;
}

PetscBool EngdStateFileHas(EngdStateFile f, const char path[])
{
  (void)f;
  (void)path;
  return PETSC_FALSE;
}

void EngdStateFileOpen(EngdStateFile f, const char path[], EngdStateKind kind, int ndims, size_t dims[])
{
  (void)f;
  (void)path;
  (void)kind;
  (void)ndims;
  (void)dims;
}

void EngdStateFileExpect(EngdStateFile f, const char path[], size_t n)
{
  (void)f;
  (void)path;
  (void)n;
}

void EngdStateFileMove(EngdStateFile f, size_t column, size_t row, size_t n, void *data)
{
  (void)f;
  (void)column;
  (void)row;
  (void)n;
  (void)data;
}

void EngdStateFileClose(EngdStateFile f)
{
  (void)f;
}

#endif
