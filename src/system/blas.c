/*
  The BLAS of a rank: one thread, and the kernels that the processor is made for.

  OpenBLAS chooses its kernels by the model of the processor when it is loaded, before main(). A model younger than the library
  is taken for an old one: OpenBLAS 0.3.21 takes some processors of AMD with AVX-512 for a Haswell, and its DGEMM has 0.6 times the
  speed there. Its variable OPENBLAS_CORETYPE says otherwise, but only at loading, so the program begins anew with it, before MPI.
*/
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include <engd/private.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTION "-engd_blas_kernels"

/* what OpenBLAS calls the kernels that it has chosen, NULL where the BLAS is another */
static const char *Kernels(void)
{
  char *(*get)(void);

  *(void **)&get = dlsym(RTLD_DEFAULT, "openblas_get_corename");
  return get ? get() : NULL;
}

/* does the processor have all that OpenBLAS's kernels for Skylake servers use, and none of those for AVX-512 been chosen */
static PetscBool MissesAVX512(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
  static const char *const has[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
  const char *const        name  = Kernels();

  if (!name) return PETSC_FALSE;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(has); k++)
    if (!strcasecmp(name, has[k])) return PETSC_FALSE;
  __builtin_cpu_init();
  return (PetscBool)(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                     __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                     __builtin_cpu_supports("avx512cd"));
#else
  return PETSC_FALSE;
#endif
}

/*@C
  EngdChooseKernels - Begins the program anew if OpenBLAS does not use the AVX-512 that the processor has

  Not collective. To be called first of all in main(), since what main() did before is done twice; then it returns in
  the program that has the right kernels. It does nothing where OPENBLAS_CORETYPE is set or MPI is up.

  Input Parameter:
. argv - the arguments of main()

  Options Database Key:
. -engd_blas_kernels auto|library - library: what OpenBLAS has chosen stays. On the command line alone

  Source: src/system/blas.c
@*/
void EngdChooseKernels(char *argv[])
{
  int up = 0;

  MPI_Initialized(&up);
  if (up || getenv("OPENBLAS_CORETYPE") || !MissesAVX512()) return;
  for (int i = 1; argv[i]; i++)
    if (!strcmp(argv[i], OPTION) && argv[i + 1] && !strcmp(argv[i + 1], "library")) return;
  setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 1);
  execv("/proc/self/exe", argv);
  unsetenv("OPENBLAS_CORETYPE"); /* there is no /proc: as it was */
}

/* the option is read before MPI; here its value is checked */
PetscErrorCode EngdBlasSetFromOptions(EngdOptionItems PetscOptionsObject)
{
  static const char *const values[] = {"auto", "library"};
  PetscInt                 choice   = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsEList(OPTION,
                              "auto: AVX-512 in OpenBLAS where the processor has it; library: what OpenBLAS chose",
                              "EngdChooseKernels", values, 2, values[0], &choice, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One rank, one core: threads of OpenBLAS on top of it cost an order of magnitude. The user's own number stands. */
void EngdBlasLimitThreads(void)
{
  void (*set)(int);

  if (getenv("OPENBLAS_NUM_THREADS") || getenv("OMP_NUM_THREADS")) return;
  *(void **)&set = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
  if (set) set(1);
}

/* one line of -tao_view */
PetscErrorCode EngdBlasView(PetscViewer viewer)
{
  const char *const name = Kernels();

  PetscFunctionBeginUser;
  if (!name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer, "BLAS: OpenBLAS with its kernels for %s%s\n", name,
                                   getenv("OPENBLAS_CORETYPE") ? " (OPENBLAS_CORETYPE)" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}
