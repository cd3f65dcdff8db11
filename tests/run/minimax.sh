#!/usr/bin/env bash
# Saddle points of two networks (-TERM_maximise): competitive gradient descent, extragradient and Lagrange-Newton find the same one, on any
# number of ranks, where gradient descent would not.
. "$(dirname "$0")/case.sh"
# min over u, max over v of u^2/2 + v (u - x) - v^2/2 with u = x/2, v = -x/2: both linear models, so that there is one saddle
game=(-domain_lower 0 -domain_upper 1 -domain_coordinates x -networks a,b -a_outputs u -b_outputs v -a_layers none -b_layers none
  -terms game -game_points 8 -game_energy 'u^2/2 + v*(u - x) - v^2/2' -game_maximise v -exact_u x/2 -exact_v '(-x/2)'
  -engd_monitor false -engd_test_points 20 -engd_summary s.json)
error() { json s.json relative_l2_error; }

for ranks in 1 3; do
  name "competitive gradient descent"
  run $ranks "${game[@]}" -tao_type competitive -tao_competitive_length 2 -tao_competitive_ksp_rtol 1e-12 -tao_max_it 120
  expect_exit 0
  expect_less "$(error)" 1e-6
  error[ranks]=$(error)
done
expect_close "${error[3]}" "${error[1]}" 1e-3
name "extragradient"
run 2 "${game[@]}" -tao_type extragradient -tao_extragradient_length 0.5 -tao_max_it 300
expect_exit 0
expect_less "$(error)" 1e-3
name "Lagrange-Newton, dense"
run 2 "${game[@]}" -tao_engd_step saddle -tao_engd_direction dense -tao_engd_dense_type eigen -tao_engd_damping 0 \
  -tao_engd_damping_adapt false -tao_max_it 2
expect_exit 0
expect_less "$(error)" 1e-12
name "Lagrange-Newton by MINRES"
run 3 "${game[@]}" -tao_engd_step saddle -tao_engd_direction krylov -ksp_type minres -pc_type none -ksp_rtol 1e-12 -tao_engd_damping 0 \
  -tao_engd_damping_adapt false -tao_max_it 3
expect_exit 0
expect_less "$(error)" 1e-6
name "Lagrange-Newton with conditions on integrals, which hold at the saddle"
run 3 "${game[@]}" -terms game,mean -mean_points 8 -mean_sampler gauss -mean_integral "u - 0.25;v + 0.25" -tao_engd_step saddle \
  -tao_engd_direction dense -tao_engd_dense_type eigen -tao_engd_damping 0 -tao_engd_damping_adapt false -tao_max_it 2
expect_exit 0
expect_less "$(error)" 1e-12
bilinear=("${game[@]}" -game_energy 'v*(u - x)' -exact_u x -exact_v 0)
for ranks in 1 3; do
  name "Lagrange-Newton on rows of Jacobians: u = x and v = 0 of a bilinear game"
  run $ranks "${bilinear[@]}" -tao_engd_step saddle -tao_max_it 1 # the direction is chosen
  expect_exit 0
  expect_less "$(error)" 1e-12
  expect_equal "$(grep -c Warning stdout)" 0 # the loss of a saddle point is zero, on fresh points relatively far from it
done
name "a game of residuals alone, by LSQR on J"
run 1 "${game[@]/-game_energy/-game_residual}" -game_residual "u - x/2; v + x/2" -tao_engd_step saddle -tao_engd_direction krylov -ksp_type lsqr \
  -ksp_rtol 1e-12 -tao_engd_damping 0 -tao_engd_damping_adapt false -tao_max_it 2
expect_exit 0
expect_less "$(error)" 1e-9
name "a game that is not bilinear is refused"
run 1 "${game[@]}" -tao_engd_step saddle -tao_engd_direction saddle
expect_exit 2
expect_stderr_one_line_matching "term 'game' is no sum of products"
