#!/usr/bin/env bash
# All optimisers on one problem: the same network, points, seeds and wall-clock budget.
#
#   runs/compare.sh PROBLEM SECONDS [SEEDS] [-option value ...]
#   runs/compare.sh poisson.opts 20                                   about 7 minutes: 20 optimisers and the default, seed 0
#   runs/compare.sh poisson.opts 60 3 -network_layers 64,64,48,48     another network, seeds 0 1 2
#   PUBLISHED=1 runs/compare.sh poisson.opts 1000                     against the published runs, runs/published.txt
#   RANKS=4 OPTIMISERS='default adam lbfgs kfac' runs/compare.sh heat.opts 30
#
# The optimisers are the files of options/optimisers, and `default`, what the problem's file says itself. They are bounded by
# the seconds alone, not by the iterations of their files; a cosine schedule is stretched over what a first short run shows to
# fit into them. A method that stops early, having found no more steps, is not begun again.
# PUBLISHED=1: only the optimisers with a published run for this problem and number of parameters, each for at most as many
# iterations as that run had, and until its error is reached.
#
# The table, best first: with PUBLISHED the published error and iterations, the iterations to three times that error, and by what
# factor the error at the end is larger; then final loss, relative L2 error, iterations, seconds, and the seconds to errors of
# 1e-3 ... 1e-9 (- never; without an exact solution the loss stands for the error); of several seeds medians, and the range of
# the error. Then what failed. It is kept in runs/out/compare-PROBLEM.txt, the histories in runs/out/compare-PROBLEM/
# OPTIMISER-SEED.csv; with matplotlib the runs of median error are drawn, against iterations and seconds, in
# runs/out/compare-PROBLEM.png. What came out: runs/compare.md.
#
# RANKS: of each run (1)   PARALLEL: runs at once (1)   FIRST_SEED: (0)   NAME=wide: the PROBLEM of these names is PROBLEM-wide
set -eu
refuse() {
  echo "compare.sh: $*" >&2
  exit 2
}
usage="give PROBLEM SECONDS [SEEDS] [-option value ...]"
root=$(cd "$(dirname "$0")/.." && pwd)
(($# >= 2)) || refuse "$usage"
problem=$1 seconds=$2 seeds=1
shift 2
if (($#)) && [[ $1 != -* ]]; then seeds=$1 && shift; fi
[ -e "$problem" ] || problem=$root/options/$problem
[ -f "$problem" ] || refuse "problem '${problem##*/}' is neither here nor in options/"
number='^([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?$'
[[ $seconds =~ $number ]] && awk "BEGIN {exit !($seconds > 0)}" || refuse "budget '$seconds': $usage, SECONDS a positive number"
[[ $seeds =~ ^[1-9][0-9]*$ ]] || refuse "seeds '$seeds': $usage, SEEDS how many, a positive number"
[[ ${RANKS:=1} =~ ^[1-9][0-9]*$ ]] || refuse "RANKS '$RANKS': give a positive number"
[[ ${PARALLEL:=1} =~ ^[1-9][0-9]*$ ]] || refuse "PARALLEL '$PARALLEL': give a positive number"
[[ ${FIRST_SEED:=0} =~ ^(0|[1-9][0-9]*)$ ]] || refuse "FIRST_SEED '$FIRST_SEED': give a number"
[[ ${PUBLISHED:=0} =~ ^[01]$ ]] || refuse "PUBLISHED '$PUBLISHED': give 0 or 1"
program=${ENGD_PROGRAM:-$root/engd}
[ -x "$program" ] || refuse "there is no $program; run make first"
name=$(basename "$problem" .opts)${NAME:+-$NAME}
out=${OUT:-$root/runs/out}/compare-$name
mkdir -p "$out"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
work=$(mktemp -d)
finish() { # also what is running, each a process group of its own
  local group
  for group in $(jobs -rp); do kill -- -"$group"; done
  wait
  rm -rf "$work"
} 2>/dev/null
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

engd() { # log history option...: the program on this problem
  local log=$1 history=$2
  shift 2
  mpirun --oversubscribe --bind-to none -n "$RANKS" "$program" -options_file "$problem" "$@" -engd_monitor false \
    -engd_test_points 1000 -engd_history "$history" >"$log" 2>&1 </dev/null
}

if ((PUBLISHED)); then
  engd "$work/log" "$work/none.csv" "$@" -tao_max_it 1 -engd_summary "$work/summary" || refuse "$(grep -m 1 '^engd:' "$work/log")"
  parameters=$(sed -n 's/.*"parameters": *\([0-9]*\).*/\1/p' "$work/summary")
fi
published() { # optimiser column: 4 iterations, 6 error
  ((!PUBLISHED)) || awk -v problem="$(basename "$problem" .opts)" -v p="$parameters" -v o="$1" -v column="$2" \
    '$1 == problem && $2 == p && $3 == o {print $column}' "$root/runs/published.txt"
}

files=$(cd "$root/options/optimisers" && echo *.opts)
for optimiser in ${OPTIMISERS:-default ${files//.opts/}}; do
  [ "$optimiser" = default ] || [ -e "$root/options/optimisers/$optimiser.opts" ] ||
    refuse "optimiser '$optimiser' is not in options/optimisers"
  if ((!PUBLISHED)) || [ "$(published "$optimiser" 6)" ]; then optimisers+=("$optimiser"); fi
done
[ "${optimisers+some}" ] || refuse "runs/published.txt has no run of these optimisers on $name with $parameters parameters"

# the iterations that fit into the budget, by a twentieth of it
horizon() { # optimiser option...
  local log=$work/$1-pilot
  shift
  engd "$log" "$log.csv" "$@" -tao_max_it 1000000000 -engd_max_seconds "$(awk "BEGIN {print $seconds / 20}")" || return 0
  awk -F, -v budget="$seconds" 'NR == 1 {for (i = 1; i <= NF; i++) column[$i] = i; next}
    {k = $column["iteration"]; s = $column["seconds"]} END {printf "%d", (k > 1 && s > 0) ? k * budget / s : 1000}' "$log.csv"
}

run() { # optimiser seed option...: a history, or what went wrong in $work/OPTIMISER-SEED.failed
  local optimiser=$1 seed=$2 limit=1000000000 file=$root/options/optimisers/$1.opts
  shift 2
  local log=$work/$optimiser-$seed options=("$@")
  if [ -e "$file" ]; then options=(-options_file "$file" "$@"); else file=$problem; fi
  if ((PUBLISHED)); then
    limit=$(published "$optimiser" 4)
    options+=(-engd_target_error "$(published "$optimiser" 6)")
  elif grep -qs 'schedule cosine' "$file"; then
    limit=$(horizon "$optimiser-$seed" "${options[@]}")
  fi
  engd "$log" "$out/$optimiser-$seed.csv" "${options[@]}" -engd_max_seconds "$seconds" -tao_max_it "${limit:-1000}" \
    -tao_max_funcs 1000000000 -engd_seed "$seed" || grep -m 1 '^engd:' "$log" >"$log.failed" || echo "no message" >"$log.failed"
}

# a row of the table from the histories of all seeds; the first field is the error, to sort by, the last the run drawn
row() { # optimiser history...
  local optimiser=$1
  shift
  awk -F, -v name="$optimiser" -v published="$(published "$optimiser" 6)" -v limit="$(published "$optimiser" 4)" '
    function median(a, n,  i, j, t, b) {
      for (i = 1; i <= n; i++) b[i] = a[i]
      for (i = 2; i <= n; i++) for (j = i; j > 1 && b[j] < b[j - 1]; j--) {t = b[j]; b[j] = b[j - 1]; b[j - 1] = t}
      low = b[1]; high = b[n]
      return b[int((n + 1) / 2)]
    }
    FNR == 1 {n++; file[n] = FILENAME; for (i = 1; i <= NF; i++) column[$i] = i; for (k = 3; k <= 9; k++) first[k, n] = 1e99; near[n] = 1e99; next}
    NF == length(column) {
      loss[n] = $column["loss"]; its[n] = $column["iteration"]; s[n] = $column["seconds"]
      error[n] = "relative_l2_error" in column ? $column["relative_l2_error"] : loss[n]
      for (k = 3; k <= 9; k++) if (error[n] <= 10 ^ -k && first[k, n] == 1e99) first[k, n] = s[n]
      if (error[n] <= 3 * published && near[n] == 1e99) near[n] = its[n]
    }
    END {
      m = median(error, n)
      for (i = 1; i <= n; i++) if (error[i] == m) drawn = file[i]
      range = n > 1 ? sprintf("  %.1e-%.1e", low, high) : ""
      line = sprintf("%-20s", name)
      if (published) line = line sprintf(" %9.1e %6d %6s %6.2g", published, limit, median(near, n) == 1e99 ? "-" : median(near, n), m / published)
      line = line sprintf(" %8.1e %8.1e%s %7d %7.1f", median(loss, n), m, range, median(its, n), median(s, n))
      for (k = 3; k <= 9; k++) {
        for (i = 1; i <= n; i++) t[i] = first[k, i]
        line = line sprintf(" %6s", median(t, n) == 1e99 ? "-" : sprintf("%.2g", median(t, n)))
      }
      printf "%.17g\t%s\t%s\n", m, line, drawn
    }' "$@"
}

for optimiser in "${optimisers[@]}"; do
  for ((seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++)); do
    while (($(jobs -rp | wc -l) >= PARALLEL)); do wait -n || :; done
    set -m
    run "$optimiser" "$seed" "$@" &
    set +m
  done
done
wait
touch "$work/rows" "$work/failed"
for optimiser in "${optimisers[@]}"; do
  histories=()
  for ((seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++)); do
    if [ -e "$work/$optimiser-$seed.failed" ]; then
      ((seeds == 1)) || printf 'seed %d of ' "$seed"
      printf '%s failed: %s\n' "$optimiser" "$(cat "$work/$optimiser-$seed.failed")"
    else
      histories+=("$out/$optimiser-$seed.csv")
    fi >>"$work/failed"
  done
  ((${#histories[@]} == 0)) || row "$optimiser" "${histories[@]}" >>"$work/rows"
done

{
  echo "$name${*:+ $*}: $seconds s each, $RANKS rank(s), $PARALLEL at once, $seeds seed(s) from $FIRST_SEED," \
    "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
  range="" against=""
  ((seeds == 1)) || range="             range"
  ((!PUBLISHED)) || against=" published    its   to 3x factor"
  printf '%-20s%s %8s %8s%s %7s %7s %6s %6s %6s %6s %6s %6s %6s\n' optimiser "$against" loss error "$range" its s \
    1e-3 1e-4 1e-5 1e-6 1e-7 1e-8 1e-9
  sort -g "$work/rows" | cut -f 2
  cat "$work/failed"
} | tee "$out.txt"
mapfile -t drawn < <(sort -g "$work/rows" | cut -f 3)
for python in python3 /usr/bin/python3; do # the first that has matplotlib
  ((${#drawn[@]})) && "$python" -c 'import matplotlib' 2>/dev/null || continue
  "$python" "$root/runs/plot.py" history "${drawn[@]}" --log -o "$out.png"
  break
done
((${#drawn[@]})) # none at all: exit code 1
