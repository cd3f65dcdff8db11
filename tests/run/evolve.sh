#!/usr/bin/env bash
# Time evolution in the tangent space: the order of the schemes, ranks, a restart in time, a step that cannot be taken.
. "$(dirname "$0")/case.sh"
transport=(-options_file transport.opts -start_points 60 -engd_summary s.json)
small=(-network_layers 8 -engd_time_rcond 1e-6)

for ranks in 1 2; do
  name "Runge and Kutta's method of order four"
  # with 12 units the fit of the initial value ends at 1e-8 or 1e-5, by rounding
  run $ranks -options_file transport.opts -network_layers 16 -engd_summary s.json
  expect_exit 0
  expect_stderr_empty
  expect_less "$(json s.json relative_l2_error)" 1e-8
  expect_stdout '^t = 1\.? after 100 steps and 400 least squares \(galerkin\)'
done

name "error control"
run 1 "${transport[@]}" -ts_rk_type 5dp -ts_adapt_type basic -ts_rtol 1e-5 -ts_atol 1e-5
expect_less "$(json s.json relative_l2_error)" 1e-4

for ranks in 1 2; do
  name "the last layer alone, whose J is factored once"
  run $ranks "${transport[@]}" -network_layers 30 -network_init_scale 2 -network_init_bias 1 -tao_type lmvm -tao_max_it 1 -engd_time_last_layer -engd_time_rcond 1e-12
  expect_exit 0
  expect_stderr_empty
  expect_less "$(json s.json relative_l2_error)" 1e-8
  expect_stdout 'J factored 1 times'
done

name "an initial value that the training has not fitted"
run 1 "${transport[@]}" -network_layers 6 -tao_type lmvm -tao_max_it 1 -ts_max_steps 1
expect_exit 0
expect_stdout '^Warning: at t = 0 the network misses 2\.0e-01 of the initial value'

# halving the step of TENG with Heun's tableau divides the error by four
for dt in 0.1 0.05; do
  name "TENG, Heun, dt $dt"
  run 1 "${transport[@]}" "${small[@]}" -engd_time_stepping teng -ts_rk_type 2a -ts_dt $dt
  expect_exit 0
  error[${dt#0.}]=$(json s.json relative_l2_error)
done
expect_number 'a / b > 3.5 && a / b < 4.6' "${error[1]}" "${error[05]}" || complain "errors ${error[1]} and ${error[05]}"

fits=("${transport[@]}" "${small[@]}" -engd_time_stepping teng -ts_rk_type 2a -ts_dt 0.05)
name "solutions at times, and the miss of each step in the history"
run 1 "${fits[@]}" -engd_output_times 0.5 -engd_solution u.pvd -engd_history h.csv -theta_view binary:theta.bin
expect_exit 0
expect_file u_0000.vtu
expect_file u_0001.vtu
grep -q 'timestep="0.5" file="u_0000.vtu"' u.pvd || complain "the series has no time 0.5"
head -n 1 h.csv | grep -q ',time,projection_error,' || complain "the history has no column of the projection"
[ "$(tail -n 1 h.csv | cut -d, -f8)" = 1 ] || complain "the last row is not that of t = 1"
whole=$PWD
name "part of the way"
run 1 "${fits[@]}" -engd_time_final 0.5 -engd_checkpoint c.h5
half=$PWD iterations=$(json s.json iterations)
for ranks in 1 2; do
  name "and the rest"
  run $ranks "${fits[@]}" -engd_restart "$half/c.h5" -theta_view binary:theta.bin
  expect_exit 0
  expect_stdout '^t = 1\.? after 20 steps'
  expect_stdout 'stopped: a restart behind the training'
  expect_equal "$(json s.json iterations)" "$iterations"
  expect_close "$(json s.json relative_l2_error)" "$(json "$whole/s.json" relative_l2_error)" 0.2
  ((ranks > 1)) || cmp -s theta.bin "$whole/theta.bin" || complain "theta is not that of the run in one"
done

# such few points are doubled after the first stage of a plan elsewhere, and the last one takes all the time that it is given
grep -vE '^-(ts|tao)_' "$ENGD_ROOT/options/transport.opts" >"$whole/plain.opts"
plain=(-options_file "$whole/plain.opts" -network_layers 12 -start_points 50 -start_residual "u - exp(sin(2*x))" -engd_time_stepping teng -ts_max_steps 3)
name "behind a plan, to -ts_max_steps" # within the half of the time that is left to it, which sanitizers take longer for
run 1 "${plain[@]}" -engd_max_seconds ${SANITIZED:+1}2 -engd_checkpoint c.h5 -engd_solution u.csv -engd_solution_points 'grid(5)' -engd_output u
expect_exit 0
expect_stdout '^Stage valley'
expect_stdout '^t = 0.03 after 3 steps'
planned=$PWD
name "whose checkpoint has the last state"
run 1 "${plain[@]}" -engd_restart "$planned/c.h5" -engd_evaluate 'grid(5)' -engd_solution u.csv -engd_output u
expect_exit 0
cmp -s u.csv "$planned/u.csv" || complain "u is not what it was"

name "a step that cannot be taken"
run 2 "${transport[@]}" "${small[@]}" -engd_time_rhs "exp(40*u*u)" -ts_adapt_type basic -ts_rk_type 3bs -ts_max_reject 3 -engd_checkpoint c.h5
expect_exit 3
expect_stderr_one_line_matching 'no step from t = .* can be taken'
expect_file c.h5
