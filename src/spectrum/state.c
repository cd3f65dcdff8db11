/*
  The rows of spectra so far as part of a checkpoint, so that the file of a run that goes on holds those of its beginning too.
*/
#include <engd/private.h>

enum { ITERATION, KIND, LAYER, QUANTITY, NUMBER, NINTS };
enum { AT, VALUE, ERROR, NREALS };

static void Pack(const EngdSpectrumRow *row, PetscInt whole[], PetscReal real[])
{
  whole[ITERATION] = row->iteration;
  whole[KIND]      = row->kind;
  whole[LAYER]     = row->layer;
  whole[QUANTITY]  = row->quantity;
  whole[NUMBER]    = row->number;
  real[AT]         = row->at;
  real[VALUE]      = row->value;
  real[ERROR]      = row->error;
}

static void Unpack(EngdSpectrumRow *row, const PetscInt whole[], const PetscReal real[])
{
  row->iteration = whole[ITERATION];
  row->kind      = (EngdSpectrumKind)whole[KIND];
  row->layer     = whole[LAYER];
  row->quantity  = (EngdQuantity)whole[QUANTITY];
  row->number    = whole[NUMBER];
  row->at        = real[AT];
  row->value     = real[VALUE];
  row->error     = real[ERROR];
}

/* are these numbers of a file those of a row */
static PetscBool IsRow(const PetscInt whole[])
{
  return (PetscBool)(whole[KIND] >= 0 && whole[KIND] < ENGD_NSPECTRA && whole[QUANTITY] >= 0 &&
                     whole[QUANTITY] < ENGD_NQUANTITIES);
}

/* the rows as numbers, to the file or from it */
static PetscErrorCode WalkRows(EngdSpectrum spectrum, EngdArchive a, PetscInt whole[], PetscReal real[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdArchiveInts(a, "whole", NINTS * spectrum->nrows, whole));
  PetscCall(EngdArchiveReals(a, "real", NREALS * spectrum->nrows, real));
  if (!EngdArchiveChanges(a)) PetscFunctionReturn(PETSC_SUCCESS);
  spectrum->capacity = spectrum->nrows;
  PetscCall(PetscFree(spectrum->row));
  PetscCall(PetscMalloc1(spectrum->capacity, &spectrum->row));
  for (PetscInt i = 0; i < spectrum->nrows; i++) {
    PetscCheck(IsRow(whole + NINTS * i), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
               "the checkpoint is damaged: row %" PetscInt_FMT " of its spectra is of no kind that there is", i);
    Unpack(&spectrum->row[i], whole + NINTS * i, real + NREALS * i);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdSpectrumState - Saves, loads or forgets the rows; a checkpoint of a run without spectra has none. Collective */
PetscErrorCode EngdSpectrumState(EngdSpectrum spectrum, EngdArchive a)
{
  PetscInt      *whole;
  PetscReal     *real;
  PetscBool      has;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  if (!spectrum->any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchiveHas(a, "spectrum", &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchivePush(a, "spectrum"));
  PetscCall(EngdArchiveInt(a, "last", &spectrum->last, -1));
  PetscCall(EngdArchiveCountReals(a, "nrows", &spectrum->nrows, ENGD_ARCHIVE_MANY / NINTS, "real", NREALS));
  PetscCall(PetscMalloc2(NINTS * spectrum->nrows, &whole, NREALS * spectrum->nrows, &real));
  if (EngdArchiveGetMode(a) == ENGD_ARCHIVE_SAVE)
    for (PetscInt i = 0; i < spectrum->nrows; i++) Pack(&spectrum->row[i], whole + NINTS * i, real + NREALS * i);
  ierr = WalkRows(spectrum, a, whole, real);
  PetscCall(PetscFree2(whole, real));
  PetscCall(ierr);
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}
