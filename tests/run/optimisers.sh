#!/usr/bin/env bash
# Every file of options/optimisers composes with a problem, whatever -tao_type that has: a few iterations on 1, 2 and 3 ranks
# lower the loss alike, and the first comment says what it is. Methods for residuals say so where there are energies.
. "$(dirname "$0")/case.sh"
small=(-network_layers 16 -pde_points 100 -wall_points 40) # more than the 60 parameters of the rank in nncg.opts
short=(-tao_max_it 4 -engd_history h.csv -engd_monitor false -tao_engd_damping 1e-4
  -ksp_max_it 5 -tao_brgn_subsolver_tao_bnk_ksp_max_it 5) # so that rounding is not amplified: see ranks.sh
ritz=(-terms ritz -domain_coordinates x -domain_lower 0 -domain_upper 1 -ritz_energy 'u_x^2/2 - u + u^2' -ritz_points 40 -network_layers 20)
last() { tail -n 1 h.csv | cut -d, -f2; }

methods=("$ENGD_ROOT"/options/optimisers/*.opts)
quasi_newton() { grep -qE '^-tao_type (lmvm|bqnls|brgn)' "$1" && echo 1; }
for file in "${methods[@]}"; do fresh=$(quasi_newton "$file") line -options_file poisson.opts -options_file "$file" "${small[@]}" "${short[@]}"; done
for ranks in 1 2 3; do
  run_table "$ranks"
  for k in "${!methods[@]}"; do
    name "optimisers/${methods[k]##*/}"
    result "$k"
    expect_exit 0
    expect_stderr_empty
    expect_less "$(last)" "$(sed -n 2p h.csv | cut -d, -f2)"
    ((ranks > 1)) || one[k]=$(last)
    expect_close "$(last)" "${one[k]}" 1e-6
    grep -q '^-tao_type ' "${methods[k]}" || complain "${methods[k]} leaves -tao_type to the problem"
    head -n 1 "${methods[k]}" | grep -qE '^# .{30}' || complain "${methods[k]} does not begin with what it is"
  done
done

new_table
for file in "${methods[@]}"; do fresh=$(quasi_newton "$file") line "${ritz[@]}" -options_file "$file" "${short[@]}"; done
run_table 2
for k in "${!methods[@]}"; do
  name "optimisers/${methods[k]##*/} on an energy"
  result "$k"
  if grep -q 'For residuals only' "${methods[k]}"; then
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

new_table
poisson=(-options_file poisson.opts "${small[@]}" "${short[@]}")
rejects 'tao_adam_beta1 1' "${poisson[@]}" -tao_type adam -tao_adam_beta1 1
rejects 'tao_sgd_learning_rate -1' "${poisson[@]}" -tao_type sgd -tao_sgd_learning_rate -1
rejects 'tao_engd_structure layer.*krylov' "${poisson[@]}" -tao_engd_structure layer -tao_engd_direction tsvd
rejects 'tao_engd_structure layer.*cg' "${poisson[@]}" -tao_engd_structure layer -ksp_type lsqr
rejects 'krylov_backtrack.*diagonal' "${poisson[@]}" -tao_engd_structure diagonal -tao_engd_krylov_backtrack
rejects 'momentum 0.5.*quadratic' "${poisson[@]}" -tao_engd_step quadratic -tao_engd_momentum 0.5
rejects 'quadratic_first -1' "${poisson[@]}" -tao_engd_step quadratic -tao_engd_quadratic_first -1
run_rejects 2

# lambda where there is none is told in one line; where a step has it in its model, or the direction, it is not
unused=()
unused() { # LINE arguments...: of stdout, or none
  line -options_file poisson.opts "${small[@]}" -tao_max_it 1 "${@:2}"
  unused[added]=$1
}
unused '^-tao_engd_damping has no effect: direction tsvd' -tao_engd_direction tsvd -tao_engd_damping 1
unused '^-tao_engd_damping, -tao_engd_damping_adapt, -tao_engd_damping_min, .*have no effect: direction randomized' \
  -options_file optimisers/spring.opts -options_file optimisers/randomized-engd.opts
unused '' -tao_engd_direction tsvd
unused '' -tao_engd_direction tsvd -tao_engd_step quadratic -tao_engd_damping 1
unused '' -tao_engd_direction dual -tao_engd_damping 1
run_table 2
for k in "${!unused[@]}"; do
  result "$k"
  expect_exit 0
  expect_equal "$(grep -c 'no effect: direction' stdout)" "$([ -z "${unused[k]}" ] && echo 0 || echo 1)"
  expect_stdout "${unused[k]}"
done
