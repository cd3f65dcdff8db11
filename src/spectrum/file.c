/*
  The file of the spectra, -spectrum_output, written anew after each: .csv, or .h5 through PETSc's HDF5 viewer.

    CSV   iteration,operator,layer,quantity,number,at,value,error      one row each, at full precision
    HDF5  /iteration_20/gramian/all/value, at, error                   Vecs, in groups; _layer_1 after the operator's name

  Rank 0 writes NAME.tmp and renames it, so that NAME is always whole.
*/
#include <engd/private.h>
#include <errno.h>
#include <petscviewerhdf5.h>

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

/* all rows as CSV; errno of a failure, 0 if there is none */
static int WriteCSV(EngdSpectrum spectrum, const char name[])
{
  FILE *file = fopen(name, "w");
  int   bad;

  if (!file) return errno;
  fprintf(file, "iteration,operator,layer,quantity,number,at,value,error\n");
  for (PetscInt k = 0; k < spectrum->nrows; k++) {
    const EngdSpectrumRow *row = &spectrum->row[k];

    fprintf(file, "%" PetscInt_FMT ",%s,%" PetscInt_FMT ",%s,%" PetscInt_FMT ",%.17g,%.17g,%.17g\n", row->iteration,
            engd_spectrum_name[row->kind], row->layer, engd_quantity_name[row->quantity], row->number,
            (double)row->at, (double)row->value, (double)row->error);
  }
  errno = 0;
  bad   = fflush(file) || ferror(file);
  bad   = fclose(file) || bad;
  return bad ? (errno ? errno : EIO) : 0;
}

#if defined(PETSC_HAVE_HDF5)
/* a dataset of n numbers, one of the last three fields of the rows */
static PetscErrorCode WriteField(PetscViewer viewer, const char name[], PetscInt n, const EngdSpectrumRow row[])
{
  PetscReal *values;
  Vec        v;

  PetscFunctionBeginUser;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, n, &v));
  PetscCall(PetscObjectSetName((PetscObject)v, name));
  PetscCall(VecGetArrayWrite(v, &values));
  for (PetscInt k = 0; k < n; k++)
    values[k] = name[0] == 'v' ? row[k].value : name[0] == 'e' ? row[k].error : row[k].at;
  PetscCall(VecRestoreArrayWrite(v, &values));
  PetscCall(VecView(v, viewer));
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all rows as HDF5, a group for each run of rows that differ in their number alone */
static PetscErrorCode WriteHDF5(EngdSpectrum spectrum, const char name[])
{
  PetscViewer viewer;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerHDF5Open(PETSC_COMM_SELF, name, FILE_MODE_WRITE, &viewer));
  for (PetscInt k = 0, n; k < spectrum->nrows; k += n) {
    const EngdSpectrumRow *row = &spectrum->row[k];
    char                   group[256], layer[32] = "";

    for (n = 1; k + n < spectrum->nrows && row[n].number == n + 1; n++)
      ;
    if (row->layer) PetscCall(PetscSNPrintf(layer, sizeof(layer), "_layer_%" PetscInt_FMT, row->layer));
    PetscCall(PetscSNPrintf(group, sizeof(group), "/iteration_%" PetscInt_FMT "/%s%s/%s", row->iteration,
                            engd_spectrum_name[row->kind], layer, engd_quantity_name[row->quantity]));
    PetscCall(PetscViewerHDF5PushGroup(viewer, group));
    PetscCall(WriteField(viewer, "value", n, row));
    PetscCall(WriteField(viewer, "error", n, row));
    PetscCall(WriteField(viewer, "at", n, row));
    PetscCall(PetscViewerHDF5PopGroup(viewer));
  }
  PetscCall(PetscViewerDestroy(&viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

/* EngdSpectrumFileWrite - Writes all rows so far. Collective, as an error is */
PetscErrorCode EngdSpectrumFileWrite(EngdSpectrum spectrum)
{
  const char *name    = spectrum->file;
  int         failure = 0;
  PetscMPIInt rank;
  char        writing[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  if (!name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_rank(spectrum->comm, &rank));
  if (rank == 0) {
    PetscCall(PetscSNPrintf(writing, sizeof(writing), "%s.tmp", name));
    if (EndsWith(name, ".csv")) failure = WriteCSV(spectrum, writing);
#if defined(PETSC_HAVE_HDF5)
    else
      PetscCall(WriteHDF5(spectrum, writing));
#endif
    errno = 0;
    if (!failure && rename(writing, name)) failure = errno ? errno : EIO;
  }
  PetscCallMPI(MPI_Bcast(&failure, 1, MPI_INT, 0, spectrum->comm));
  PetscCheck(!failure, spectrum->comm, PETSC_ERR_FILE_WRITE, "-spectrum_output %s could not be written: %s", name,
             strerror(failure));
  PetscFunctionReturn(PETSC_SUCCESS);
}
