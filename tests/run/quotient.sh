#!/usr/bin/env bash
# Rayleigh quotients: the energy and its estimate in result and summary, a restart, products in place of rows, the other metric.
. "$(dirname "$0")/case.sh"
oscillator=(-options_file oscillator.opts -engd_summary s.json)

name "the ground state of the oscillator, on two ranks"
run 2 "${oscillator[@]}"
expect_exit 0
expect_stderr_empty
expect_number 'a > 0.5 - 1e-11 && a < 0.5 + 1e-11' "$(json s.json energy)" 0 || complain "energy $(json s.json energy)"
expect_less "$(json s.json energy_error)" 1e-4
expect_less "$(json s.json relative_l2_error)" 1e-5
expect_stdout '^  state 1 +(0\.5|0\.50*[0-9]*|0\.49999999999[0-9]*)  +0\.(50000|49999)'

name "a restart goes on to the same end"
few=(-network_layers 8 -energy_points 60 -engd_history h.csv)
run 2 "${oscillator[@]}" "${few[@]}" -tao_max_it 9 -theta_view binary:whole.bin
whole=$PWD
run 2 "${oscillator[@]}" "${few[@]}" -tao_max_it 5 -engd_checkpoint "$whole/c.h5"
run 2 "${oscillator[@]}" "${few[@]}" -tao_max_it 9 -engd_restart "$whole/c.h5" -theta_view binary:theta.bin
expect_exit 0
cmp -s theta.bin "$whole/whole.bin" || complain "theta is another"

name "inverse iteration by MINRES on products, which may stay at the first excited state"
run 2 "${oscillator[@]}" -tao_engd_direction krylov -ksp_type minres -pc_type none -ksp_max_it 60 -ksp_rtol 1e-6 -tao_engd_damping 1e-3
expect_exit 0
expect_number 'a > 0.5 && a < 1.51' "$(json s.json energy)" 0 || complain "energy $(json s.json energy)"

name "stochastic reconfiguration goes downhill"
run 2 "${oscillator[@]}" -tao_engd_curvature rayleigh -tao_engd_rcond 1e-3 -tao_max_it 10 -engd_history h.csv
expect_exit 0
expect_less "$(tail -n 1 h.csv | cut -d, -f2)" "$(sed -n 3p h.csv | cut -d, -f2)"
