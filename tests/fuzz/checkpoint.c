/*
  Fuzzer of checkpoints: any bytes are refused, and a checkpoint with any of its numbers and letters changed, and sealed again, is
  refused or goes on as a run that ends.

  The first byte of an input says which run, and its lowest bit whether the rest is the whole file, or changes of a good one:
  entry, place in it, and 8 bytes for what stands there. HDF5's own structure stays, as the seal keeps others from it.
*/
#include "fuzz.h"
#include <hdf5.h>
#include "../../src/state/statefile.h"

enum { CHANGE = 10, MAX_ENTRIES = 256 };

#define SMALL                                                                                                        \
  "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 3 -terms pde,fit -pde_points 9 "      \
  "-pde_residual lap(u)-k -pde_sampler sobol -pde_resample 2 -fit_points 9 -fit_residual u-x -unknown_parameters "   \
  "k=1 -engd_test_points 5 -engd_monitor 0 -ksp_max_it 5 -tao_max_it 4 "

static const char *const kinds[] = {
    "-tao_type adam",
    "-tao_engd_direction dense -tao_engd_dense_ema 0.6",
    "-tao_engd_direction krylov -tao_engd_step quadratic -pc_type kfac -pc_kfac_ema 0.5 -spectrum gramian",
    "-engd_stages adam,engd -tao_engd_direction dual -tao_engd_dual_momentum 0.5 -adam_tao_max_it 2",
    "-tao_engd_direction krylov -pc_type nystrom -tao_engd_step trust_region",
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* The good checkpoint of a kind of run: its bytes without the seal, and the paths of its entries */
static struct {
  char  *bytes, entry[MAX_ENTRIES][256];
  size_t size;
  int    n;
} good[KINDS];

/* a run of this kind, set up */
static EngdRun Make(int kind)
{
  EngdRun run;

  Must(PetscOptionsClear(NULL));
  Must(PetscOptionsInsertString(NULL, SMALL));
  Must(PetscOptionsInsertString(NULL, kinds[kind]));
  Must(EngdRunCreate(PETSC_COMM_WORLD, &run));
  Must(EngdRunSetFromOptions(run));
  Must(EngdRunSetUp(run));
  return run;
}

static herr_t AddEntry(hid_t file, const char path[], const H5O_info_t *info, void *data)
{
  const int kind = *(int *)data;

  (void)file;
  if (info->type != H5O_TYPE_DATASET || good[kind].n == MAX_ENTRIES) return 0;
  snprintf(good[kind].entry[good[kind].n++], sizeof(good[kind].entry[0]), "%s", path);
  return 0;
}

/* the checkpoint of two iterations of a run */
static void MakeGood(int kind)
{
  const char *name = FuzzFile((const uint8_t *)"", 0);
  EngdRun     run  = Make(kind);
  FILE       *file;
  hid_t       h5;

  Must(EngdRunSetCheckpoint(run, name, 0, 0));
  Must(EngdRunSolve(run));
  Must(EngdRunDestroy(&run));
  file             = fopen(name, "r");
  good[kind].bytes = malloc(1 << 20);
  if (!file || !good[kind].bytes) abort();
  good[kind].size = fread(good[kind].bytes, 1, 1 << 20, file);
  fclose(file);
  h5 = H5Fopen(name, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (h5 < 0 || H5Ovisit(h5, H5_INDEX_NAME, H5_ITER_INC, AddEntry, &kind) < 0 || H5Fclose(h5) < 0) abort();
  if (good[kind].size <= ENGD_STATE_SEAL || good[kind].size == 1 << 20 || !good[kind].n) abort();
  good[kind].size -= ENGD_STATE_SEAL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  (void)FuzzBegin("");
  PETSC_STDOUT = fopen("/dev/null", "w");
  for (int kind = 0; kind < KINDS; kind++) MakeGood(kind);
  return 0;
}

/* number, or letters from, `place` of the entry <- what the 8 bytes say */
static void Change(hid_t file, const char path[], unsigned place, const uint8_t value[])
{
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  const size_t   width = H5Tget_size(type);
  const hssize_t n     = H5Sget_simple_extent_npoints(space);
  uint8_t       *all   = n > 0 ? malloc((size_t)n * width) : NULL;

  if (all && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0) {
    const PetscBool text  = (PetscBool)(H5Tget_class(type) == H5T_STRING);
    const size_t    first = text ? place * 7 % width : width * (place % (size_t)n);

    memcpy(all + first, value, text && width - first < 8 ? width - first : 8);
    (void)H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all);
  }
  free(all);
  (void)H5Tclose(type);
  (void)H5Sclose(space);
  (void)H5Dclose(dataset);
}

/* the name of a sealed file: the good one with these changes */
static const char *MakeChanged(int kind, const uint8_t *data, size_t size)
{
  const char   *name = FuzzFile((const uint8_t *)good[kind].bytes, good[kind].size);
  const hid_t   h5   = H5Fopen(name, H5F_ACC_RDWR, H5P_DEFAULT);
  unsigned char seal[ENGD_STATE_SEAL];
  char         *bytes = malloc(1 << 20);
  size_t        n;
  FILE         *file;

  if (h5 < 0 || !bytes) abort();
  for (size_t k = 0; k + CHANGE <= size; k += CHANGE)
    Change(h5, good[kind].entry[data[k] % good[kind].n], data[k + 1], data + k + 2);
  if (H5Fclose(h5) < 0) abort();
  file = fopen(name, "r+");
  n    = file ? fread(bytes, 1, 1 << 20, file) : 0;
  EngdStateSealMake(n, bytes, seal);
  if (!n || fseek(file, 0, SEEK_END) || fwrite(seal, 1, sizeof(seal), file) != sizeof(seal) || fclose(file)) abort();
  free(bytes);
  return name;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const PetscBool whole = (PetscBool)(size && data[0] % 2);
  const int       kind  = size ? data[0] / 2 % KINDS : 0;
  PetscErrorCode  code;
  EngdRun         run;

  if (!size) return 0;
  run = Make(kind);
  Must(EngdRunSetRestart(run, whole ? FuzzFile(data + 1, size - 1) : MakeChanged(kind, data + 1, size - 1)));
  code = EngdRunSolve(run);
  if (whole && !code) abort();
  if (size < 1 + CHANGE && !whole && code) abort(); /* nothing was changed */
  (void)EngdRunDestroy(&run);
  return 0;
}
