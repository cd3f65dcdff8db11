#!/usr/bin/env bash
# Variational Monte Carlo: the energy within its error, the same walk on other numbers of ranks and after a restart, and walks that fail.
. "$(dirname "$0")/case.sh"
hydrogen=(-options_file hydrogen-walkers.opts -energy_points 120 -energy_walk_burn 200 -energy_walk_sweeps 64 -network_layers 6
  -engd_summary s.json -engd_monitor false)
end=-theta_view
difference() { awk -v a="$1" -v b="$2" 'BEGIN {d = a - b; print d < 0 ? -d : d}'; }

name "the energy of hydrogen within three errors"
run 3 "${hydrogen[@]}" -tao_max_it 30 $end binary:theta.bin
expect_exit 0
expect_stderr_empty
whole=$PWD energy=$(json s.json energy) error=$(json s.json energy_error)
expect_less "$error" 3e-3
expect_less "$(difference "$energy" -0.5)" "$(awk -v e="$error" 'BEGIN {print 3 * e}')"
expect_stdout '^Energy -0\.[45].* by 64 sweeps of the walkers, in blocks of'

run 3 "${hydrogen[@]}" -tao_max_it 14 -engd_checkpoint "$whole/c.h5"
name "a restart walks on to the same end, bit for bit"
run 3 "${hydrogen[@]}" -tao_max_it 30 -engd_restart "$whole/c.h5" $end binary:theta.bin
expect_exit 0
cmp -s theta.bin "$whole/theta.bin" || complain "theta is another"
[ "$(json s.json energy)" = "$energy" ] || complain "the energy is $(json s.json energy), not $energy"

name "one rank has the walk of three"
run 1 "${hydrogen[@]}" -tao_max_it 30
expect_exit 0
expect_less "$(difference "$(json s.json energy)" "$energy")" 1e-8

name "an energy below its bound, with the state before it kept"
run 2 "${hydrogen[@]}" -tao_max_it 30 -energy_bound -0.4 -engd_checkpoint c.h5
expect_exit 3
expect_stderr_one_line_matching 'iteration [0-9]+: the energy -0\.[0-9]+ is below -energy_bound -0\.4; .*the state after iteration [0-9]+ is kept: -engd_restart c\.h5'

name "walkers that leave"
run 2 "${hydrogen[@]}" -ansatz_u "0.1*r + u"
expect_exit 3
expect_stderr_one_line_matching '[0-9]+ of the 120 walkers of term .energy. have left the domain'

name "walkers that freeze"
run 2 "${hydrogen[@]}" -energy_log_psi "u - 1e9*r"
expect_exit 3
expect_stderr_one_line_matching 'the walkers of term .energy. freeze: .* of length'

name "an energy of few walkers that psi has been fitted to"
run 1 -domain_lower -8,-8,-8 -domain_upper 8 -domain_coordinates x,y,z -functions "r = sqrt(x^2+y^2+z^2)" -network_layers 6 \
  -ansatz_u "u - r" -terms energy -energy_points 20 -energy_log_psi u -energy_local_energy "-(lap(u) + normsq(grad(u)))/2 - 1/r" -engd_monitor false
expect_exit 0
expect_stdout '^Warning: the local energy deviates far less at the walkers of the training'

name "one walker"
run 2 "${hydrogen[@]}" -energy_points 1
expect_exit 2
expect_stderr_one_line_matching '-energy_points 1: of one walker'

name "walkers have no projection"
run 1 "${hydrogen[@]}" -engd_projection p.csv
expect_exit 2
expect_stderr_one_line_matching '-engd_projection: not of term .energy., which has walkers'
