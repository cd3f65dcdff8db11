#!/usr/bin/env bash
# -options_file run.json, the summary of a run, repeats it bit for bit; what a summary says of where and how a run was.
. "$(dirname "$0")/case.sh"
rows() { cut -d, -f1-7 "$1"; } # all but the times
odd=(-options_file poisson.opts -network_layers 9 -pde_points 100 -wall_points 40 -pde_sampler sobol -pde_resample 3 -engd_seed 7
  -pde_residual "-lap(u) - 2*pi^2*sin(pi*x)*sin(pi*y)" -engd_problem_name 'a "b" \c' -engd_stages adam,engd -adam_tao_max_it 4 -engd_tao_max_it 5
  -engd_monitor_every 3 -log_view :log.txt -tao_view)
for ranks in 1 2; do
  name "a run with its summary"
  run "$ranks" "${odd[@]}" -engd_summary run.json -engd_history h.csv -engd_checkpoint c.h5 -engd_checkpoint_every 2 -engd_solution u.vtu \
    -engd_output "u, error" -theta_view binary:theta.bin
  expect_exit 0
  expect_stderr_empty
  first=$PWD
  expect_equal "$(json run.json resolved.pde_points) $(json run.json resolved.pde_sampler) $(json run.json resolved.adam_tao_type)" "100 sobol adam"
  expect_equal "$(json run.json resolved.network_activation) $(json run.json resolved.wall_points)" "tanh 40"
  expect_equal "$(json run.json host)" "$(uname -n)"
  expect_equal "$(json run.json view.0)" 'Problem a "b" \c, seed 7'
  expect_number 'a <= b && a > 0' "$(date -d "$(json run.json started)" +%s)" "$(date -d "$(json run.json ended)" +%s)" ||
    complain "$(json run.json started) is not before $(json run.json ended)"
  name "repeated"
  run "$ranks" -options_file "$first/run.json" -engd_history h.csv -engd_summary run.json -theta_view binary:theta.bin
  expect_exit 0
  expect_stderr_empty
  expect_no_file c.h5 u.vtu log.txt
  expect_equal "$(rows h.csv)" "$(rows "$first/h.csv")"
  expect_equal "$(json run.json loss) $(json run.json problem)" "$(json "$first/run.json" loss)"' a "b" \c'
  cmp -s theta.bin "$first/theta.bin" || complain "theta differs"
done

# a summary of another name, of a run that nothing named, with options after it; a damaged one; JSON that is no summary is YAML
sed 's/"engd_problem_name": [^,]*,//' "$first/run.json" >"$SCRATCH/run"
run 1 -options_file "$SCRATCH/run" -adam_tao_max_it 1 -engd_tao_max_it 1 -engd_summary s.json
expect_exit 0
expect_equal "$(json s.json problem)" engd
expect_stdout 'after 2 iterations'
head -c 700 "$first/run.json" >"$SCRATCH/cut.json"
run 1 -options_file "$SCRATCH/cut.json"
expect_exit 2
expect_stderr_one_line_matching 'cut.json: the options in this summary cannot be read: it is damaged|YAML'
printf '{"options": {"pde_points": 7}}\n' >"$SCRATCH/number.json"
run 1 -options_file "$SCRATCH/number.json"
expect_exit 2
expect_stderr_one_line_matching 'number.json: the options in this summary cannot be read'
printf '{"tao": {"max_it": 1}}\n' >"$SCRATCH/plain.json"
run 1 -options_file poisson.opts -network_layers 5 -options_file "$SCRATCH/plain.json"
expect_exit 0
expect_stdout 'after 1 iterations'
