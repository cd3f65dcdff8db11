#!/usr/bin/env bash
# Do the files of options/ reach their goals by more than the seed that they were written with?
#
#   runs/goals.sh [seeds] [beginning of a name ...]     seeds 1,2 of all files on one rank; RANKS=2 takes two; a quarter of an hour of an idle core
#
# A line a run: goal, seed, relative L2 error, seconds, those of the processor (of all ranks), iterations, why it stopped. What came out
# is in runs/accuracy.md; outputs are in runs/out/goals/.
set -u
cd "$(dirname "$0")/.." || exit
seeds=${1:-1,2} out=runs/out/goals
shift || true
mkdir -p "$out"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1

goals="annulus 1e-9
interface 1e-7
stokes-mean-pressure 1e-7
helmholtz 1e-8
inverse-diffusion 1e-6
wave 1e-8
lshape 1e-6
elasticity 1e-9
kuramoto-sivashinsky 1e-4
holes 1e-6
biharmonic 1e-8
level-set 1e-7
schroedinger 1e-6
kdv 1e-6
inverse-field 5e-2
klein-gordon 1e-8
burgers 1e-7
poisson2d-c 1e-6
ball5d 1e-7
allen-cahn 1e-6"

wanted() { # is a beginning of the name among the arguments, or are there none
  (($# == 1)) && return 0
  local name=$1 part
  shift
  for part; do [[ $name == $part* ]] && return 0; done
  return 1
}

printf '%-21s %6s %5s %9s %8s %8s %7s  %s\n' problem goal seed error seconds cpu iters stopped
while read -r name goal; do
  wanted "$name" "$@" || continue
  for seed in ${seeds//,/ }; do
    TIMEFORMAT=%U
    log=$out/$name-$seed
    { time mpirun --oversubscribe -n "${RANKS:-1}" "${ENGD_PROGRAM:-./engd}" -options_file "$name.opts" -engd_seed "$seed" \
      -engd_monitor false </dev/null >"$log.txt" 2>"$log.errors"; } 2>"$log.time"
    sed -n 's/^relative L2 error \([^ ]*\) after \([0-9]*\) iterations and \([0-9.]*\) s (\(.*\))$/\1 \3 \2 \4/p' "$log.txt" |
      while read -r error elapsed iterations stopped; do
        printf '%-21s %6s %5s %9s %8s %8s %7s  %s\n' "$name" "$goal" "$seed" "$error" "$elapsed" "$(tail -n 1 "$log.time")" "$iterations" "$stopped"
      done
  done
done <<<"$goals"
