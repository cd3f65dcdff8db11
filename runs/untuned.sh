#!/usr/bin/env bash
# Problems that are stated and not tuned, options/suite/*.opts: by defaults, on one core, within 60 seconds each.
#
#   runs/untuned.sh [names...]     all of them take 40 minutes; BUDGET=20 gives each 20 seconds; SEED=3 takes another seed
#
# Prints for each the relative L2 error, the estimate of it that needs no exact solution, seconds, those of the processor, iterations, what
# limits the error, the optimisers in turn, what the best options found by hand reach
# (runs/suite.txt), and the ratio of the two; then the geometric mean of the ratios, of all and of the problems kept aside. What came out is
# in runs/untuned.md. Each run's output is in runs/out/untuned/.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/runs/out/untuned budget=${BUDGET:-60}
mkdir -p "$out"
export OPENBLAS_NUM_THREADS=1

number() { sed -n "s/^ *\"$2\": \([-0-9.e+]*\),*$/\1/p" "$1"; }

if (($# == 0)); then
  set -- "$root"/options/suite/*.opts
  set -- "${@##*/}"
  set -- "${@%.opts}"
fi
printf '%-24s %9s %9s %8s %8s %6s %-12s %-26s %9s %9s %s\n' problem error estimate seconds cpu iters limit optimisers by-hand ratio ''
for name; do
  summary=$out/$name.json
  rm -f "$summary"
  TIMEFORMAT=%U
  { time "$root/engd" -options_file "suite/$name.opts" -engd_max_seconds "$budget" -engd_seed "${SEED:-0}" -engd_summary "$summary" >"$out/$name.log" 2>&1; } 2>"$out/$name.time"
  code=$?
  read -r _ hand kept _ < <(grep "^$name " "$root/runs/suite.txt") || hand=- kept=-
  if [ ! -s "$summary" ]; then
    echo "$name: exit code $code: $(tail -n 1 "$out/$name.log")"
    continue
  fi
  stages=$(sed -n 's/^Stage \([^:]*\).*/\1/p' "$out/$name.log" | paste -sd,)
  limit=$(sed -n 's/^ *"limited_by": "\(.*\)",*$/\1/p' "$summary")
  estimate=$(number "$summary" estimated_error)
  echo "$name $(number "$summary" relative_l2_error) ${estimate:--} $(number "$summary" seconds_total) $(cat "$out/$name.time") $(number "$summary" iterations) ${limit:--} ${stages:--} $hand $kept"
done | awk '
  NF != 10 {print; next}
  {ratio = ($9 + 0 > 0) ? $2 / $9 : 0; shown = ratio ? sprintf("%9.2g", ratio) : sprintf("%9s", "-")
   printf "%-24s %9.2e %9.1e %8.1f %8.1f %6d %-12s %-26s %9s %s %s\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, shown, $10 == "design" ? "" : $10
   fflush()
   if (ratio) {sum += log(ratio); n++; if (ratio > worst) worst = ratio; if ($10 != "design") {apart += log(ratio); m++}}}
  END {if (n) printf "geometric mean of the ratio %.3g over %d problems, the worst %.3g", exp(sum / n), n, worst
       if (m) printf "; %.3g over the %d kept aside", exp(apart / m), m
       if (n) print ""}'
