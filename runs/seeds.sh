#!/usr/bin/env bash
# Is the default direction reliable? Poisson 2D, 2-64-1, from many random starts (points stay, weights change).
#
#   runs/seeds.sh [seeds] [option ...]      20 seeds (from $FIRST, 0) on one rank each: two minutes on one core; further options are
#                                           the program's, after -options_file poisson.opts
#
# A line a seed: relative L2 error, iterations, seconds to 1e-9 and in all, why it stopped; then how many are below 1e-9 and
# 1e-11. What it showed last: runs/accuracy.md. Histories go to runs/out/seed-*.csv.
set -eu
cd "$(dirname "$0")/.."
seeds=${1:-20}
shift || true
mkdir -p runs/out
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

printf '%4s  %9s  %10s  %9s  %8s  %s\n' seed error iterations 's to 1e-9' 's in all' stopped
for ((seed = ${FIRST:-0}; seed < ${FIRST:-0} + seeds; seed++)); do
  history=runs/out/seed-$seed.csv
  reason=$(mpirun -n 1 ./engd -options_file poisson.opts -engd_seed $seed -engd_monitor false -engd_history "$history" "$@" |
    sed -n 's/^relative L2 error .*(\(.*\))$/\1/p')
  awk -F, -v seed=$seed -v reason="$reason" '
    NR == 1 {for (i = 1; i <= NF; i++) column[$i] = i; next}
    {e = $column["relative_l2_error"]; s = $column["seconds"]; k = $column["iteration"]}
    e <= 1e-9 && first == "" {first = sprintf("%.1f", s)}
    END {printf "%4d  %9.1e  %10d  %9s  %8.1f  %s\n", seed, e, k, first == "" ? "-" : first, s, reason}' "$history"
done | tee runs/out/seeds.txt
awk '$2 < 1e-9 {a++} $2 < 1e-11 {b++} END {printf "%d of %d below 1e-9, %d below 1e-11\n", a, NR, b}' runs/out/seeds.txt
