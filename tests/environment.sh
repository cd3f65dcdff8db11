# Sourced: what mpirun needs for tests, on any machine and as any user.
# More ranks than cores, one BLAS thread each, no quarrel about it; no second of grace to the others when a rank has failed
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_odls_base_sigkill_timeout=0 OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OPENBLAS_NUM_THREADS=1
unset ENGD_OPTIONS_PATH PETSC_OPTIONS
if [ -n "${SANITIZED:-}" ]; then
  export UBSAN_OPTIONS=print_stacktrace=1 LSAN_OPTIONS=suppressions=${BASH_SOURCE[0]%/*}/lsan.supp:print_suppressions=0
  export ASAN_OPTIONS=fast_unwind_on_malloc=0
fi
