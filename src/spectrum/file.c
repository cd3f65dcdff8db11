/*
  The file of the spectra, -spectrum_output, written anew after each: .csv, or .h5 as PETSc's HDF5 viewer would.

    CSV   iteration,operator,layer,quantity,number,at,value,error      one row each, at full precision
    HDF5  /iteration_20/gramian/all/value, at, error                   Vecs, in groups; _layer_1 after the operator's name

  Rank 0 writes it beside its place and renames it (src/system/output.c), so that it is always whole.
*/
#include <engd/private.h>
#include <engd/output.h>
#include <errno.h>
#include <stdlib.h>
#if defined(PETSC_HAVE_HDF5)
#include <hdf5.h>
#endif

static PetscBool EndsWith(const char name[], const char suffix[])
{
  const size_t n = strlen(name), m = strlen(suffix);

  return (PetscBool)(n > m && !strcmp(name + n - m, suffix));
}

/* EngdSpectrumFileCheck - Can the file be written: an error of all ranks before the training if not. Collective */
PetscErrorCode EngdSpectrumFileCheck(EngdSpectrum spectrum)
{
  const char     *name = spectrum->file;
  const PetscBool hdf5 = (PetscBool)(name && (EndsWith(name, ".h5") || EndsWith(name, ".hdf5")));

  PetscFunctionBeginUser;
  if (!name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(hdf5 || EndsWith(name, ".csv"), spectrum->comm, PETSC_ERR_USER_INPUT,
             "-spectrum_output %s: its name must end in .csv or .h5", name);
  PetscCheck(!hdf5 || PetscDefined(HAVE_HDF5), spectrum->comm, PETSC_ERR_USER_INPUT,
             "-spectrum_output %s: this PETSc has no HDF5; take a name that ends in .csv", name);
  PetscCall(EngdFileCheck(spectrum->comm, "-spectrum_output", name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all rows as CSV */
static void WriteCSV(EngdSpectrum spectrum, FILE *file)
{
  fprintf(file, "iteration,operator,layer,quantity,number,at,value,error\n");
  for (PetscInt k = 0; k < spectrum->nrows; k++) {
    const EngdSpectrumRow *row = &spectrum->row[k];

    fprintf(file, "%" PetscInt_FMT ",%s,%" PetscInt_FMT ",%s,%" PetscInt_FMT ",%.17g,%.17g,%.17g\n", row->iteration,
            engd_spectrum_name[row->kind], row->layer, engd_quantity_name[row->quantity], row->number,
            (double)row->at, (double)row->value, (double)row->error);
  }
}

#if defined(PETSC_HAVE_HDF5)
/* a dataset of n numbers, one of the last three fields of the rows; like PETSc's of a Vec. Nothing is left open */
static int WriteField(hid_t file, const char group[], const char name[], PetscInt n, const EngdSpectrumRow row[])
{
  const hsize_t size       = (hsize_t)n;
  const hid_t   space      = H5Screate_simple(1, &size, NULL);
  const hid_t   properties = H5Pcreate(H5P_LINK_CREATE);
  double       *values     = malloc(ENGD_COUNT(n, sizeof(*values)));
  char          path[320];
  hid_t         dataset = -1;
  int           bad;

  snprintf(path, sizeof(path), "%s/%s", group, name);
  for (PetscInt k = 0; values && k < n; k++)
    values[k] = name[0] == 'v' ? row[k].value : name[0] == 'e' ? row[k].error : row[k].at;
  bad = !values || H5Pset_create_intermediate_group(properties, 1) < 0;
  if (!bad) dataset = H5Dcreate2(file, path, H5T_NATIVE_DOUBLE, space, properties, H5P_DEFAULT, H5P_DEFAULT);
  bad = bad || dataset < 0 || H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0;
  if (dataset >= 0) (void)H5Dclose(dataset);
  (void)H5Pclose(properties);
  (void)H5Sclose(space);
  free(values);
  return bad;
}

/* all rows as HDF5, a group for each run of rows that differ in their number alone */
static int WriteGroups(EngdSpectrum spectrum, hid_t file)
{
  int bad = 0;

  for (PetscInt k = 0, n; k < spectrum->nrows && !bad; k += n) {
    const EngdSpectrumRow *row = &spectrum->row[k];
    char                   group[256], layer[32] = "";

    for (n = 1; k + n < spectrum->nrows && row[n].number == n + 1; n++)
      ;
    if (row->layer) snprintf(layer, sizeof(layer), "_layer_%" PetscInt_FMT, row->layer);
    snprintf(group, sizeof(group), "/iteration_%" PetscInt_FMT "/%s%s/%s", row->iteration,
             engd_spectrum_name[row->kind], layer, engd_quantity_name[row->quantity]);
    bad = WriteField(file, group, "value", n, row) || WriteField(file, group, "error", n, row) ||
          WriteField(file, group, "at", n, row);
  }
  return bad;
}

/* the image of an HDF5 file, made in memory: on a full disk HDF5 itself speaks a hundred lines and then crashes. 0 or errno */
static int WriteHDF5(EngdSpectrum spectrum, const char name[], FILE *out)
{
  const hid_t properties = H5Pcreate(H5P_FILE_ACCESS);
  hid_t       file;
  ssize_t     size  = 0;
  void       *image = NULL;
  int         bad;

  (void)H5Pset_fapl_core(properties, 1 << 20, 0);
  file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, properties);
  bad  = file < 0 || WriteGroups(spectrum, file) || H5Fflush(file, H5F_SCOPE_GLOBAL) < 0;
  if (!bad) size = H5Fget_file_image(file, NULL, 0);
  if (size > 0) image = malloc((size_t)size);
  bad = bad || !image || H5Fget_file_image(file, image, (size_t)size) != size;
  if (file >= 0) (void)H5Fclose(file);
  (void)H5Pclose(properties);
  errno = 0;
  if (bad)
    bad = ENOMEM;
  else if (fwrite(image, 1, (size_t)size, out) != (size_t)size)
    bad = errno ? errno : EIO;
  free(image);
  return bad;
}
#endif

/* the file as its name ends; 0 or errno */
static int WriteFile(EngdSpectrum spectrum)
{
  int        failure, made = 0;
  FILE      *file;
  EngdOutput output;

  failure = EngdOutputOpenFile(&output, spectrum->file, &file);
  if (failure) return failure;
  if (EndsWith(spectrum->file, ".csv")) WriteCSV(spectrum, file);
#if defined(PETSC_HAVE_HDF5)
  else
    made = WriteHDF5(spectrum, spectrum->file, file);
#endif
  if (made) {
    (void)fclose(file);
    (void)EngdOutputEnd(&output, 0);
    return made;
  }
  return EngdOutputCloseFile(&output, &file);
}

/* EngdSpectrumFileWrite - Writes all rows so far. Collective, as an error is */
PetscErrorCode EngdSpectrumFileWrite(EngdSpectrum spectrum)
{
  int         failure = 0;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  if (!spectrum->file) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_rank(spectrum->comm, &rank));
  if (rank == 0) failure = WriteFile(spectrum);
  PetscCall(EngdOutputCheck(spectrum->comm, "-spectrum_output", spectrum->file, failure));
  PetscFunctionReturn(PETSC_SUCCESS);
}
