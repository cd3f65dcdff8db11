#!/usr/bin/env bash
# Every file of options/ runs, lowers its loss, and has the same first iterations on 1, 2 and 3 ranks. One process a number of
# ranks runs them all, one after the other.
. "$(dirname "$0")/case.sh"

files=()
for file in "$ENGD_ROOT"/options/*.opts; do
  files+=("$(basename "$file" .opts)")
  iterations=(-tao_max_it 3)
  for stage in $(sed -n 's/^-engd_stages \([a-z,]*\).*/\1/p' "$file" | tr , ' '); do
    iterations+=("-${stage}_tao_max_it" 2)
  done
  if grep -q -- '-engd_time_final' "$file"; then iterations+=(-engd_time_final 0.003); fi
  points=(-engd_test_points 500)
  if grep -q '^-engd_test_file' "$file"; then points=(); fi
  if grep -q -- '-flow_points' "$file"; then points+=(-flow_points 200); fi # several equations in each
  if grep -qE -- '-pde_points ([5-9]|1[0-9])[0-9]{2} ' "$file"; then points+=(-pde_points 300); fi
  if grep -q -- '-energy_points 6,6,6,6,6 ' "$file"; then points+=(-energy_points 4,4,4,4,4); fi
  if grep -q -- '-wall_points [0-9]\{4\}' "$file"; then points+=(-wall_points 100 -pde_points 40); fi
  if grep -q '^-energy_.*_log_psi' "$file"; then # few walkers, on their way for a short time
    points+=(-energy_points 300 -energy_walk_burn 200 -energy_walk_steps 5 -energy_walk_sweeps 2)
  fi
  line -options_file "${files[-1]}.opts" -options_file "$SCRATCH/few.opts" "${iterations[@]}" "${points[@]}" -engd_monitor false -engd_history h.csv
done
# Steps that ranks can agree on: no J of a condition beyond rounding, no Krylov method that is stopped on its way
printf -- '-tao_engd_rcond 1e-3 -tao_engd_damping 0.1 -tao_engd_damping_adapt false -ksp_max_it 5 -tao_engd_geodesic false -network_init_scale 2\n' >"$SCRATCH/few.opts"

# compare HISTORY REFERENCE TOLERANCE FALLS: iterations, and losses to the tolerance, which fall unless some unknowns maximise them;
# what differs, or nothing. Rows of a time behind the training have no loss
compare() {
  paste -d, "$1" "$2" | awk -F, -v tolerance="$3" -v falls="$4" '
    NR == 1 {half = NF / 2; for (i = 1; i <= half; i++) column[$i] = i; next}
    $column["loss"] == "nan" && $(half + column["loss"]) == "nan" {next}
    {a = $column["loss"]; b = $(half + column["loss"]); first = NR == 2 ? a : first; last = a; difference = a > b ? a - b : b - a}
    !(difference <= tolerance * (b < 0 ? -b : b)) {printf "iteration %d: loss %s, not %s; ", $1, a, b}
    END {if (falls && !(last < first)) printf "the loss goes from %s to %s", first, last}'
}

for ranks in 1 2 3; do
  run_table "$ranks"
  for k in "${!files[@]}"; do
    name "${files[k]}.opts"
    result "$k"
    expect_exit 0
    expect_stderr_empty
    if [ "$ranks" = 1 ]; then reference=$table; fi
    if [ -s h.csv ] && [ -s "$reference/$k/h.csv" ]; then
      falls=1
      if grep -q '_maximise' "$ENGD_ROOT/options/${files[k]}.opts"; then falls=0; fi
      difference=$(compare h.csv "$reference/$k/h.csv" 1e-6 $falls)
      [ -z "$difference" ] || complain "$difference"
    else complain "no history"; fi
  done
done
