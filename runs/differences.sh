#!/usr/bin/env bash
# Finite differences on a DMDA beside networks, for Poisson's and Burgers' equation: errors and seconds of both, on RANKS (1) ranks; two minutes and more.
#
#   runs/differences.sh            the table of runs/differences.md
#   ENGD=no runs/differences.sh    the differences alone, half a minute
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
build=${B:-$root/build}
mkdir -p "$build/runs"
export OMP_NUM_THREADS=1
# shellcheck disable=SC2046
${MPICC:-mpicc} -O2 -std=gnu11 "$root/runs/differences.c" -o "$build/runs/differences" $(pkg-config --cflags petsc hdf5-openmpi) $(pkg-config --libs petsc) -lm
run() { mpirun -n "${RANKS:-1}" "$@"; }
for n in 64 256 1024; do
  run "$build/runs/differences" -problem poisson -n $n -pc_type hypre
done
for n in 100 400 1600 6400; do
  run "$build/runs/differences" -problem burgers -n $n -ksp_type preonly -pc_type lu
done
[ "${ENGD:-yes}" = no ] && exit
for file in poisson burgers; do
  echo "$file.opts: $(run "$root/engd" -options_file $file.opts | grep '^relative L2 error')"
done
