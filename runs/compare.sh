#!/usr/bin/env bash
# All optimisers on one problem: the same network, points, seed and wall-clock budget.
#
#   runs/compare.sh PROBLEM SECONDS [SEEDS] [-option value ...]
#   runs/compare.sh poisson.opts 20                                   about 7 minutes: 20 optimisers, seed 0
#   runs/compare.sh poisson.opts 60 3 -network_layers 64,64,48,48     another network, seeds 0 1 2
#   RANKS=4 OPTIMISERS='default adam lbfgs kfac' runs/compare.sh heat.opts 30
#
# The optimisers are the files of options/optimisers, and `default`, what the problem's file says itself. They are bounded by
# the seconds alone, not by the iterations of their files; a cosine schedule is stretched over what a first short run shows to
# fit into them. A method that stops early, having found no more steps, is not begun again.
#
# The table, best first: final loss, relative L2 error, iterations, seconds, and the seconds to errors of 1e-3 ... 1e-9 (-
# never; without an exact solution the loss stands for the error); of several seeds medians, and the range of the error. Then
# what failed. It is kept in runs/out/compare-PROBLEM.txt, the histories in runs/out/compare-PROBLEM/OPTIMISER-SEED.csv; with
# matplotlib the runs of median error are drawn, against iterations and seconds, in runs/out/compare-PROBLEM.png. NAME=wide
# makes the PROBLEM of these names PROBLEM-wide. What came out: runs/compare.md.
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
[[ ${RANKS:-1} =~ ^[1-9][0-9]*$ ]] || refuse "RANKS '$RANKS': give a positive number"
program=${ENGD_PROGRAM:-$root/engd}
[ -x "$program" ] || refuse "there is no $program; run make first"
files=$(cd "$root/options/optimisers" && echo *.opts)
optimisers=${OPTIMISERS:-default ${files//.opts/}}
for optimiser in $optimisers; do
  [ "$optimiser" = default ] || [ -e "$root/options/optimisers/$optimiser.opts" ] ||
    refuse "optimiser '$optimiser' is not in options/optimisers"
done
name=$(basename "$problem" .opts)${NAME:+-$NAME}
out=${OUT:-$root/runs/out}/compare-$name
mkdir -p "$out"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

engd() { # budget history option...: the program on this problem
  local budget=$1 history=$2
  shift 2
  mpirun --oversubscribe --bind-to none -n "${RANKS:-1}" "$program" -options_file "$problem" "$@" -engd_max_seconds "$budget" \
    -engd_monitor false -engd_test_points 1000 -engd_history "$history" >"$work/stdout" 2>"$work/stderr"
}

# the iterations that fit into the budget, by a twentieth of it
horizon() {
  engd "$(awk "BEGIN {print $seconds / 20}")" "$work/pilot.csv" "$@" -tao_max_it 1000000000 || return 0
  awk -F, -v budget="$seconds" 'NR == 1 {for (i = 1; i <= NF; i++) column[$i] = i; next}
    {k = $column["iteration"]; s = $column["seconds"]} END {printf "%d", (k > 1 && s > 0) ? k * budget / s : 1000}' "$work/pilot.csv"
}

# a row of the table from the histories of all seeds; the first field is the error, to sort by, the last the run drawn
row() { # optimiser history...
  local optimiser=$1
  shift
  awk -F, -v name="$optimiser" '
    function median(a, n,  i, j, t, b) {
      for (i = 1; i <= n; i++) b[i] = a[i]
      for (i = 2; i <= n; i++) for (j = i; j > 1 && b[j] < b[j - 1]; j--) {t = b[j]; b[j] = b[j - 1]; b[j - 1] = t}
      low = b[1]; high = b[n]
      return b[int((n + 1) / 2)]
    }
    FNR == 1 {n++; file[n] = FILENAME; for (i = 1; i <= NF; i++) column[$i] = i; for (k = 3; k <= 9; k++) first[k, n] = 1e99; next}
    NF == length(column) {
      loss[n] = $column["loss"]; its[n] = $column["iteration"]; s[n] = $column["seconds"]
      error[n] = "relative_l2_error" in column ? $column["relative_l2_error"] : loss[n]
      for (k = 3; k <= 9; k++) if (error[n] <= 10 ^ -k && first[k, n] == 1e99) first[k, n] = s[n]
    }
    END {
      m = median(error, n)
      for (i = 1; i <= n; i++) if (error[i] == m) drawn = file[i]
      range = n > 1 ? sprintf("  %.1e-%.1e", low, high) : ""
      line = sprintf("%-20s %8.1e %8.1e%s %7d %7.1f", name, median(loss, n), m, range, median(its, n), median(s, n))
      for (k = 3; k <= 9; k++) {
        for (i = 1; i <= n; i++) t[i] = first[k, i]
        line = line sprintf(" %6s", median(t, n) == 1e99 ? "-" : sprintf("%.2g", median(t, n)))
      }
      printf "%.17g\t%s\t%s\n", m, line, drawn
    }' "$@"
}

for optimiser in $optimisers; do
  options=("$@")
  [ "$optimiser" = default ] || options=(-options_file "$root/options/optimisers/$optimiser.opts" "$@")
  limit=1000000000
  if grep -qs 'schedule cosine' "$root/options/optimisers/$optimiser.opts"; then limit=$(horizon "${options[@]}"); fi
  histories=()
  for ((seed = 0; seed < seeds; seed++)); do
    history=$out/$optimiser-$seed.csv
    if engd "$seconds" "$history" "${options[@]}" -tao_max_it "${limit:-1000}" -tao_max_funcs 1000000000 -engd_seed "$seed"; then
      histories+=("$history")
    else
      ((seeds == 1)) || printf 'seed %d of ' "$seed"
      printf '%s failed: %s\n' "$optimiser" "$(grep -m 1 '^engd:' "$work/stderr")"
    fi >>"$work/failed"
  done
  ((${#histories[@]} == 0)) || row "$optimiser" "${histories[@]}" >>"$work/rows"
done

touch "$work/rows"
{
  echo "$name${*:+ $*}: $seconds s each, ${RANKS:-1} rank(s), $seeds seed(s), $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
  range=""
  ((seeds == 1)) || range="             range"
  printf '%-20s %8s %8s%s %7s %7s %6s %6s %6s %6s %6s %6s %6s\n' optimiser loss error "$range" its s 1e-3 1e-4 1e-5 1e-6 1e-7 1e-8 1e-9
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
