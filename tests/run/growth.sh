#!/usr/bin/env bash
# -network_layers auto: a network that grows in a run, behind a restart and where it is evaluated; where it cannot.
. "$(dirname "$0")/case.sh"
three=(-options_file suite/poisson.opts -pde_residual "lap(u) + 18*pi^2*sin(3*pi*x)*sin(3*pi*y)" -exact_u "sin(3*pi*x)*sin(3*pi*y)"
  -pde_points 144 -wall_points 48 -network_layers auto)

name "it grows, and the end is better than what the first width came to"
run 1 "${three[@]}" -engd_max_seconds 4 -engd_checkpoint c.h5 -engd_summary s.json -engd_history h.csv
expect_exit 0
expect_stderr_empty
expect_stdout '^The network grows: -network_layers 64, 257 parameters$'
expect_stdout '^Stage grown: the network before it grew; averaged Gramian'
widest=$(sed -n 's/^The network grows: .* \([0-9]*\) parameters$/\1/p' stdout | tail -n 1)
expect_equal "$(json s.json parameters)" "$widest"
expect_less "$(json s.json relative_l2_error)" 1e-2
first=$(sed -n '1,/^The network grows/s/.*on fresh points \([-0-9.e+]*\),.*best$/\1/p' stdout | tail -n 1)
last=$(sed -n 's/.*on fresh points \([-0-9.e+]*\), the best$/\1/p' stdout | tail -n 1)
expect_less "$last" "$first"
kept=$PWD error=$(json s.json relative_l2_error)

name "evaluated, it is the best that the run came to, at its width"
run 2 "${three[@]}" -engd_restart "$kept/c.h5" -engd_evaluate "grid(3,3)" -engd_solution u.csv -engd_summary s.json
expect_exit 0
expect_stderr_empty
expect_close "$(json s.json relative_l2_error)" "$error" 1e-6

name "it goes on at its width"
run 2 "${three[@]}" -engd_restart "$kept/c.h5" -engd_max_seconds 5 -engd_summary s.json
expect_exit 0
expect_stderr_empty
expect_stdout '^Restart behind iteration'
expect_number 'a >= b' "$(json s.json parameters)" "$widest" || complain "the network has shrunk"
expect_less "$(json s.json relative_l2_error)" 1e-2

rejects 'network_layers auto: .*give its size, as in 64' "${three[@]}" -tao_type adam
rejects 'network_layers auto: .*give its size, as in 64' "${three[@]}" -engd_start none
rejects 'network_layers auto: .*give its size, as in 64' -options_file suite/ritz.opts -network_layers auto
rejects 'option.* -grown_tao_max_itt 3' "${three[@]}" -grown_tao_max_itt 3
rejects "network_layers: '?8,auto|item 2|auto" "${three[@]}" -network_layers 8,auto
run_rejects 1 3
