#!/usr/bin/env bash
# Every file of options/optimisers composes with a problem, whatever -tao_type that has: a few iterations on 1, 2 and 3 ranks
# lower the loss alike, and the first comment says what it is. Methods for residuals say so where there are energies.
. "$(dirname "$0")/case.sh"
small=(-network_layers 16 -pde_points 100 -wall_points 40) # more than the 60 parameters of the rank in nncg.opts
short=(-tao_max_it 4 -engd_history h.csv -engd_monitor false -tao_engd_damping 1e-4
  -ksp_max_it 5 -tao_brgn_subsolver_tao_bnk_ksp_max_it 5) # so that rounding is not amplified: see ranks.sh
ritz=(-terms ritz -domain_coordinates x -domain_lower 0 -domain_upper 1 -ritz_energy 'u_x^2/2 - u + u^2' -ritz_points 40 -network_layers 20)
last() { tail -n 1 h.csv | cut -d, -f2; }

for file in "$ENGD_ROOT"/options/optimisers/*.opts; do
  method=optimisers/${file##*/}
  for ranks in 1 2 3; do
    name "$method"
    run "$ranks" -options_file poisson.opts -options_file "$method" "${small[@]}" "${short[@]}"
    expect_exit 0
    expect_stderr_empty
    expect_less "$(last)" "$(sed -n 2p h.csv | cut -d, -f2)"
    [ "$ranks" = 1 ] && one=$(last)
    expect_close "$(last)" "$one" 1e-6
    grep -q '^-tao_type ' "$file" || complain "$method leaves -tao_type to the problem"
    head -n 1 "$file" | grep -qE '^# .{30}' || complain "$method does not begin with what it is"
  done
  name "$method on an energy"
  run 2 "${ritz[@]}" -options_file "$method" "${short[@]}"
  if grep -q 'For residuals only' "$file"; then
    expect_exit 2
    expect_stderr_one_line_matching 'energy'
  else
    expect_exit 0
    expect_less "$(last)" "$(sed -n 2p h.csv | cut -d, -f2)"
  fi
done

name "-tao_sgd_relative_rate where momentum carries the parameters to where the energy is concave"
run 2 "${ritz[@]}" -ritz_energy 'log(1 + u^2)' -network_layers none -tao_type sgd -tao_sgd_relative_rate 3 -tao_sgd_momentum 0.99 -tao_max_it 100
expect_exit 0

# an energy without a lower bound is a breakdown of the numerics for all types
for type in ntr tron adam; do
  name "-tao_type $type on an energy without a lower bound"
  run 2 "${ritz[@]}" -ritz_energy '-exp(u^2)' -tao_type "$type" -tao_adam_learning_rate 1 -tao_max_it 3000
  expect_exit 3
  expect_stderr_one_line_matching 'loss'
done

rejects() { # REGEX arguments...
  local regex=$1
  shift
  run 2 -options_file poisson.opts "${small[@]}" "${short[@]}" "$@"
  expect_exit 2
  expect_stderr_one_line_matching "$regex"
  expect_no_file h.csv
}
rejects 'tao_adam_beta1 1' -tao_type adam -tao_adam_beta1 1
rejects 'tao_sgd_learning_rate -1' -tao_type sgd -tao_sgd_learning_rate -1
rejects 'tao_engd_structure layer.*krylov' -tao_engd_structure layer -tao_engd_direction tsvd
rejects 'tao_engd_structure layer.*cg' -tao_engd_structure layer -ksp_type lsqr
rejects 'krylov_backtrack.*diagonal' -tao_engd_structure diagonal -tao_engd_krylov_backtrack
rejects 'momentum 0.5.*quadratic' -tao_engd_step quadratic -tao_engd_momentum 0.5
rejects 'quadratic_first -1' -tao_engd_step quadratic -tao_engd_quadratic_first -1

# lambda where there is none is told in one line; where a step has it in its model, or the direction, it is not
unused() { # EXPECTED arguments...
  local expected=$1
  shift
  run 2 -options_file poisson.opts "${small[@]}" -tao_max_it 1 "$@"
  expect_exit 0
  expect_equal "$(grep -c 'no effect' stdout)" "$expected"
}
unused 1 -tao_engd_direction tsvd -tao_engd_damping 1
expect_stdout '^-tao_engd_damping has no effect: direction tsvd'
unused 1 -options_file optimisers/spring.opts -options_file optimisers/randomized-engd.opts
expect_stdout '^-tao_engd_damping, -tao_engd_damping_adapt, -tao_engd_damping_min, .*have no effect: direction randomized'
unused 0 -tao_engd_direction tsvd
unused 0 -tao_engd_direction tsvd -tao_engd_step quadratic -tao_engd_damping 1
unused 0 -tao_engd_direction dual -tao_engd_damping 1
