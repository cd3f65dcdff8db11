#!/usr/bin/env bash
# A loss that is no number beyond some place of the training: log(0.3 - u) at the middle, where u goes to 1. Whatever the optimiser,
# such a step is not taken, the run ends after a bounded number of tries, and the last good state is kept and evaluates to numbers.
. "$(dirname "$0")/case.sh"
methods=("-tao_engd_direction tsvd" "-tao_engd_direction dense" "-tao_engd_direction dense -tao_engd_curvature hessian -tao_engd_dense_type cubic"
  "-tao_engd_direction dual" "-tao_engd_direction randomized" "-tao_engd_direction krylov" "-tao_engd_direction krylov -tao_engd_step quadratic"
  "-tao_engd_direction krylov -tao_engd_step trust_region" "-tao_engd_direction tsvd -tao_engd_step armijo"
  "-tao_engd_direction dense -tao_engd_step fixed" "-tao_type adam -tao_adam_learning_rate 0.05" "-tao_type sgd -tao_sgd_learning_rate 1e-5"
  "-engd_stages adam,engd -adam_tao_max_it 30 -adam_tao_adam_learning_rate 0.05" "-engd_start least_squares -engd_max_seconds 2")
quasi_newton=("-tao_type lmvm" "-tao_type ntr" "-tao_type nls")
guarded=(-options_file poisson.opts -network_layers 10 -pde_points 100 -wall_points 40 -engd_test_points 50 -terms pde,wall,guard
  -guard_region 'point(0.5,0.5)' -guard_points 1 -guard_residual '1e-6*log(0.3 - u)' -ksp_max_it 20 -tao_max_it 40 -engd_monitor false)
for method in "${methods[@]}" "${quasi_newton[@]}"; do
  # shellcheck disable=SC2086
  fresh=$([[ $method == *lmvm* ]] && echo 1) line "${guarded[@]}" $method -engd_checkpoint c.h5 -engd_history h.csv
done
run_table "${NAN_RANKS:-2}"
trained=$table
for k in "${!lines[@]}"; do
  result "$k"
  [ "$exit_code" = 0 ] || [ "$exit_code" = 3 ] || complain "exit code $exit_code, neither 0 nor 3"
  [ "$exit_code" != 3 ] || expect_stderr_one_line_matching 'c\.h5'
  expect_file c.h5
  expect_less 1 "$(wc -l <h.csv)"
  expect_equal "$(cut -d, -f2,3 h.csv | grep -ciE 'nan|inf')" 0
done
new_table
for ((k = 0; k < ${#methods[@]} + ${#quasi_newton[@]}; k++)); do
  line "${guarded[@]}" -engd_restart "$trained/$k/c.h5" -engd_evaluate 'grid(5,5)' -engd_solution u.csv
done
run_table 1
for k in "${!lines[@]}"; do
  result "$k"
  expect_exit 0
  expect_equal "$(grep -ciE 'nan|inf' u.csv)" 0
done
