#!/usr/bin/env bash
# How accurate, and how soon: the problems of the published comparisons, each with the network it is published with.
#
#   runs/accuracy.sh [ranks] [part of a name ...]     about an hour on four cores in all; a row when a run has ended
#
# Columns: relative L2 error and seconds, first our goal on four cores, then the best published (one GPU, tuned for each
# problem: KFAC for PINNs, arXiv 2405.15603; Woodbury, SPRING and randomised ENGD, 2505.12149; Gauss-Newton, 2402.10680), then
# what was reached here, after how many seconds the goal was (- never) and the run was at its end, on how many ranks.
# Histories go to runs/out/accuracy-*.csv, the error against time to runs/out/accuracy.png if matplotlib is there.
# What was reached when this was last run, and why some rows stay behind their goal: runs/accuracy.md.
set -eu
cd "$(dirname "$0")/.."
ranks=${1:-4}
shift || true
mkdir -p runs/out
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# name | parameters | goal | in seconds | published | method (seconds) | budget in seconds | options
glorot="-network_init_scale 1 -network_init_bias 0"
nystrom="-tao_engd_direction krylov -pc_type nystrom -pc_nystrom_rank_max 2000 -ksp_max_it 20 -wall_weight 100"
rows="
poisson2d-257     |    257 | 1e-11 |   10 | 1.2e-7 | ENGD (1000)        |   30 | -options_file poisson.opts
poisson2d-9873    |   9873 | 1e-9  |   60 | 1.6e-6 | KFAC* (1000)       |  120 | -options_file poisson.opts -network_layers 64,64,48,48 $glorot
poisson2d-116097  | 116097 | 1e-8  |  300 | 3.0e-5 | KFAC (1000)        |  400 | -options_file poisson.opts -network_layers 256,256,128,128 $glorot
heat-257          |    257 | 1e-10 |   20 | 9.6e-8 | ENGD (1000)        |   40 | -options_file heat.opts
heat-116097       | 116097 | 1e-9  |  300 | 6.2e-8 | KFAC (1000)        |  400 | -options_file heat.opts -network_layers 256,256,128,128 $glorot
poisson5d-449     |    449 | 1e-8  |  300 | 3.5e-8 | ENGD (3000)        |  300 | -options_file poisson5d.opts
poisson5d-10065   |  10065 | 1e-8  |  900 | 1.6e-7 | SPRING (7000)      |  900 | -options_file poisson5d.opts -network_layers 64,64,48,48 $nystrom
poisson10d-118145 | 118145 | 1e-6  | 3000 | 1.5e-5 | SPRING (7000)      | 1800 | -options_file poisson10d.opts -network_layers 256,256,128,128
kovasznay         |      - | 1e-8  |  720 | 1.4e-6 | Gauss-Newton (720) |  200 | -options_file kovasznay.opts
"

wanted() { # is a name among the arguments, or are there none
  (($# == 1)) && return 0
  local name=$1 part
  shift
  for part; do [[ $name == *"$part"* ]] && return 0; done
  return 1
}

printf '%-17s %10s  %7s %5s  %7s %-20s %8s %8s %8s %6s\n' problem parameters goal s published '(s)' reached 'goal s' 'end s' ranks
files=()
while IFS='|' read -r name parameters goal seconds published method budget options; do
  read -r name <<<"$name"
  [ -n "$name" ] && wanted "$name" "$@" || continue
  history=runs/out/accuracy-$name.csv
  # shellcheck disable=SC2086
  mpirun --oversubscribe -n "$ranks" ./engd $options -tao_max_it 100000 -engd_max_seconds $budget -engd_monitor false \
    -engd_history "$history" </dev/null >"runs/out/accuracy-$name.txt" || { tail -1 "runs/out/accuracy-$name.txt"; continue; }
  files+=("$history")
  read -r first last <<<"$(awk -F, -v goal="$goal" '
    NR == 1 {for (i = 1; i <= NF; i++) column[$i] = i; next}
    {e = $column["relative_l2_error"]; s = $column["seconds"]}
    e <= goal && first == "" {first = sprintf("%.1f", s)}
    END {print first == "" ? "-" : first, sprintf("%.1f", s)}' "$history")"
  reached=$(sed -n 's/^relative L2 error \([^ ]*\) .*/\1/p' "runs/out/accuracy-$name.txt")
  printf '%-17s %10s  %7s %5s  %7s %-20s %8s %8s %8s %6s\n' "$name" $parameters $goal $seconds $published "$(echo $method)" \
    "$reached" "$first" "$last" "$ranks"
done <<<"$rows"
if ((${#files[@]})) && /usr/bin/env python3 -c 'import matplotlib' 2>/dev/null; then
  python3 runs/plot.py history "${files[@]}" --log -o runs/out/accuracy.png
fi
