/*
  The solution as HDF5: a dataset of doubles for each coordinate and value, with its text as the attribute `expression`.

  Datasets of a grid have its shape with the last axis first, as rows are contiguous in HDF5: h5py's u[i_t, i_y, i_x]; the attribute
  `axes` of the file names them in this order. It is put together in memory and then written by the stream of the caller: HDF5
  1.10 does not survive a write that fails.
*/
#include <engd/private.h>
#include <errno.h>
#if defined(PETSC_HAVE_HDF5)
#include <hdf5.h>

#define AXES_MAX 32      /* dimensions that HDF5 has */
#define GROWTH   1048576 /* bytes by which the file in memory grows at least */

/* a text of the file or a dataset; negative on failure */
static int PutText(hid_t where, const char name[], const char text[])
{
  const hid_t space = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1);
  hid_t       attribute;
  int         bad;

  (void)H5Tset_size(type, strlen(text) + 1);
  (void)H5Tset_cset(type, H5T_CSET_UTF8);
  attribute = H5Acreate2(where, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  bad       = attribute < 0 || H5Awrite(attribute, type, text) < 0;
  if (attribute >= 0) (void)H5Aclose(attribute);
  (void)H5Tclose(type);
  (void)H5Sclose(space);
  return bad ? -1 : 0;
}

/* column k of the table: every stride-th number of the rows */
static int PutColumn(hid_t file, const EngdTable *table, PetscInt k)
{
  const hsize_t all = (hsize_t)table->n * (hsize_t)table->stride, n = (hsize_t)table->n, start = (hsize_t)k,
                stride      = (hsize_t)table->stride;
  const PetscInt ndims      = PetscMax(1, table->naxes);
  const hid_t    properties = H5Pcreate(H5P_DATASET_CREATE), memory = H5Screate_simple(1, &all, NULL);
  hsize_t        dims[AXES_MAX];
  hid_t          space, dataset;
  int            bad;

  for (PetscInt a = 0; a < ndims; a++) dims[a] = table->naxes ? (hsize_t)table->count[ndims - 1 - a] : n;
  space = H5Screate_simple((int)ndims, dims, NULL);
  (void)H5Pset_obj_track_times(properties, 0);
  dataset = H5Dcreate2(file, table->name[k], H5T_IEEE_F64LE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  bad     = dataset < 0 || H5Sselect_hyperslab(memory, H5S_SELECT_SET, &start, &stride, &n, NULL) < 0 ||
        H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, H5S_ALL, H5P_DEFAULT, table->row) < 0 ||
        PutText(dataset, "expression", table->text[k]) < 0;
  if (dataset >= 0) (void)H5Dclose(dataset);
  (void)H5Sclose(space);
  (void)H5Sclose(memory);
  (void)H5Pclose(properties);
  return bad ? -1 : 0;
}

/* "y,x" */
static int PutAxes(hid_t file, const EngdTable *table)
{
  char   text[1024] = "";
  size_t n          = 0;

  for (PetscInt a = table->naxes - 1; a >= 0 && n < sizeof(text) - 64; a--)
    n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "," : "",
                          table->axis[a] < 0 ? "line" : table->name[table->axis[a]]);
  return table->naxes ? PutText(file, "axes", text) : 0;
}

/* the file in memory to the stream */
static int PutImage(hid_t h5, FILE *file)
{
  void   *handle = NULL;
  ssize_t size;

  if (H5Fflush(h5, H5F_SCOPE_GLOBAL) < 0 || (size = H5Fget_file_image(h5, NULL, 0)) <= 0 ||
      H5Fget_vfd_handle(h5, H5P_DEFAULT, &handle) < 0 || !handle)
    return -1;
  fwrite(*(void **)handle, 1, (size_t)size, file);
  return 0;
}

int EngdWriteHDF5(const EngdTable *table, FILE *file)
{
  const hid_t properties = H5Pcreate(H5P_FILE_ACCESS);
  hid_t       h5;
  H5E_auto2_t print;
  void       *data;
  int         bad;

  if (table->naxes > AXES_MAX) return E2BIG;
  (void)H5Eget_auto2(H5E_DEFAULT, &print, &data);
  (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  (void)H5Pset_fapl_core(properties, GROWTH, 0);
  h5  = H5Fcreate("solution", H5F_ACC_TRUNC, H5P_DEFAULT, properties);
  bad = h5 < 0 || PutText(h5, "problem", table->problem) < 0 || PutText(h5, "version", "engd " ENGD_VERSION) < 0 ||
        PutAxes(h5, table) < 0;
  for (PetscInt k = 0; k < table->dim + table->nvalues && !bad; k++) bad = PutColumn(h5, table, k) < 0;
  bad = bad || PutImage(h5, file) < 0;
  if (h5 >= 0) (void)H5Fclose(h5);
  (void)H5Pclose(properties);
  (void)H5Eset_auto2(H5E_DEFAULT, print, data);
  return bad ? ENOMEM : 0;
}

#else

int EngdWriteHDF5(const EngdTable *table, FILE *file)
{
  (void)table;
  (void)file;
  return ENOSYS;
}

#endif
