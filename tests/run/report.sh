#!/usr/bin/env bash
# The report of a run: valid JSON with the fixed keys, the last line, files that cannot be written, any number of ranks.
. "$(dirname "$0")/case.sh"
short=(-options_file poisson.opts -network_layers 10 -pde_points 100 -wall_points 40 -tao_max_it 8)
keys="problem options version petsc_version slepc_version mpi compiler commit host started ended ranks seed parameters points resolved iterations converged_reason end loss gradient_norm \
relative_l2_error relative_l2_error_u relative_h1_error max_error fresh_loss estimated_error limited_by seconds_total \
seconds_per_iteration krylov_iterations function_evaluations peak_memory_bytes view"

for ranks in 1 3; do
  run "$ranks" "${short[@]}" -engd_seed 4 -engd_summary s.json -engd_history h.csv -engd_solution u.csv
  expect_exit 0
  expect_stderr_empty
  expect_no_file s.json.tmp u.csv.tmp
  expect_equal "$(python3 -c 'import json; print(*json.load(open("s.json")))')" "$keys"
  expect_equal "$(json s.json ranks) $(json s.json seed) $(json s.json points)" "$ranks 4 140"
  expect_equal "$(json s.json converged_reason)" DIVERGED_MAXITS
  expect_equal "$(json s.json options.pde_residual)" "lap(u) + 2*pi^2*sin(pi*x)*sin(pi*y)"
  expect_equal "$(wc -l <h.csv) $(wc -l <u.csv)" "10 4001"
  expect_close "$(tail -n 1 h.csv | cut -d, -f7)" "$(json s.json relative_l2_error)" 1e-12
  expect_close "$(tail -n 1 stdout | awk '{print $4}')" "$(json s.json relative_l2_error)" 1e-2
  # the numbers do not depend on the number of ranks: at the start, before rounding has grown
  initial[ranks]=$(sed -n 2p h.csv | cut -d, -f7)
done
expect_close "${initial[3]}" "${initial[1]}" 1e-12

name "options of any kind in the summary"
printf -- '-parameters "k = 1"\n-pde_residual "-lap(u) + k"\n-engd_problem_name "a \\"\n-engd_history "h\303\251\377\303.csv"\n' \
  >"$SCRATCH/odd.opts"
run 1 "${short[@]}" -options_file "$SCRATCH/odd.opts" -log_view :log.txt -engd_monitor false -engd_summary s.json
expect_exit 0
expect_equal "$(json s.json options.pde_residual)" "-lap(u) + k"
expect_equal "$(json s.json problem)" 'a \'
expect_equal "$(PYTHONIOENCODING=utf-8 json s.json options.engd_history)" $'h\303\251\357\277\275\357\277\275.csv' # what is no UTF-8 is replaced
expect_stdout '^relative L2 error [0-9.e+-]+ after 8 iterations'

for option in history summary solution; do
  for ranks in 1 3; do
    run "$ranks" "${short[@]}" -engd_history h.csv "-engd_$option" none/file
    expect_exit 2
    expect_stderr_one_line_matching "-engd_$option none/file cannot be written: No such file or directory"
    expect_no_file h.csv
  done
done

# training ends where the error is small enough, whatever iterates
for method in "-tao_type engd" "-tao_type lmvm" "-tao_type brgn" "-tao_type adam -tao_adam_learning_rate 0.01" \
  "-engd_stages lmvm,engd -lmvm_tao_max_it 100"; do
  # shellcheck disable=SC2086
  run 2 "${short[@]}" $method -tao_max_it 2000 -engd_target_error 0.3 -engd_history h.csv
  expect_exit 0
  expect_stdout 'converged: relative L2 error at -engd_target_error\)$'
  expect_less "$(tail -n 1 h.csv | cut -d, -f7)" 0.3
  expect_less 0.3 "$(tail -n 2 h.csv | head -n 1 | cut -d, -f7)"
done
run 1 "${short[@]}" -engd_target_error -1
expect_exit 2
expect_stderr_one_line_matching '-engd_target_error -1: give a positive number'
sed '/^-exact_u/d' "$ENGD_ROOT/options/poisson.opts" >"$SCRATCH/unknown.opts"
run 2 -options_file "$SCRATCH/unknown.opts" -engd_target_error 1e-3
expect_exit 2
expect_stderr_one_line_matching 'no exact solution .* give -exact_u'

# Errors against the columns of a file, and of an unknown that is one in a part of the domain only
printf 'x,u,v\n.1,2,1\n.4,-1,3\n.8,0.5,2\n' >"$SCRATCH/points.csv"
name "exact solutions from a file, where they are"
run 2 -terms fit -network_outputs u,v -network_layers 3 -domain_coordinates x -domain_lower 0 -domain_upper 1 -fit_points 5 \
  -fit_residual 'u - x; v' -tao_max_it 2 -engd_test_file "$SCRATCH/points.csv" -exact_v_where 'x > .2' -engd_summary s.json -engd_solution u.csv
expect_exit 0
expect_stderr_empty
for unknown in 2,0,u 3,0.2,v; do
  IFS=, read -r column from name <<<"$unknown"
  expect_close "$(json s.json "relative_l2_error_$name")" "$(paste -d, u.csv "$SCRATCH/points.csv" | awk -F, -v c="$column" -v from="$from" '
    NR > 1 && $1 > from {e = $(NF / 2 + c); a += ($c - e)^2; b += e^2} END {printf "%.15g", sqrt(a / b)}')" 1e-12
done
expect_equal "$(json s.json relative_h1_error)" None
