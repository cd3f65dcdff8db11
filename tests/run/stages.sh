#!/usr/bin/env bash
# Stages: optimisers in turn with options of their own, iterations that go on, each from the parameters of the one before.
. "$(dirname "$0")/case.sh"
small=(-options_file poisson.opts -network_layers 8 -pde_points 100 -wall_points 40 -ksp_max_it 5 -engd_history h.csv)
column() { cut -d, -f"$1" h.csv | tail -n +2; }

for ranks in 1 2 3; do
  run "$ranks" "${small[@]}" -engd_stages adam,lbfgs,engd -adam_tao_max_it 20 -adam_tao_adam_learning_rate 1e-2 -lbfgs_tao_max_it 10 \
    -engd_tao_max_it 5 -engd_summary s.json
  expect_exit 0
  expect_stderr_empty
  expect_equal "$(column 1 | tr '\n' ' ')" "$(seq -s ' ' 0 35) "
  expect_equal "$(grep -c '^Stage' stdout) $(json s.json iterations)" "3 35"
  expect_equal "$(json s.json krylov_iterations)" 25
  expect_less "$(column 2 | sed -n 31p)" "$(column 2 | sed -n 21p)" # lbfgs lowers what adam has left
  expect_less "$(column 2 | tail -n 1)" "$(column 2 | sed -n 31p)"
  expect_equal "$(column 4 | sed -n 5p)" 0.01
done

# Two stages of the same method with a fixed damping and points that change are one run
fixed=(-tao_engd_damping_adapt false -tao_engd_damping 1 -pde_resample 2)
name "one stage"
run 2 "${small[@]}" "${fixed[@]}" -tao_max_it 6
expect_exit 0
whole=$(cut -d, -f1-7 h.csv)
name "the same in two stages, with the prefix over what all stages have"
run 2 "${small[@]}" "${fixed[@]}" -engd_stages early,engd -early_tao_max_it 3 -tao_max_it 9 -engd_tao_max_it 3 -early_tao_type engd \
  -pc_kfac_ema 0
expect_exit 0
two=$(cut -d, -f1-7 h.csv)
name "one stage without a moving average"
run 2 "${small[@]}" "${fixed[@]}" -tao_max_it 6 -pc_kfac_ema 0
expect_equal "$two" "$(cut -d, -f1-7 h.csv)"
[ "$two" != "$whole" ] || complain "-pc_kfac_ema makes no difference"

name "the time of the run ends all stages"
run 2 "${small[@]}" -engd_stages adam,sgd,engd -tao_max_it 1000000 -engd_max_seconds 0.3 -adam_engd_max_seconds 0.1 -sgd_tao_max_it 5 \
  -sgd_tao_sgd_learning_rate 1e-6
expect_exit 0
expect_stdout 'time budget used'
expect_equal "$(grep -c '^Stage' stdout)" 3
name "a stage that would begin too late does not"
run 2 "${small[@]}" -engd_stages adam,engd -tao_max_it 1000000 -engd_max_seconds 0.2
expect_exit 0
expect_equal "$(grep -c '^Stage' stdout)" 1

rejects() { # REGEX arguments...
  local regex=$1 ranks
  shift
  for ranks in 1 3; do
    run "$ranks" "${small[@]}" "$@"
    expect_exit 2
    expect_stderr_one_line_matching "$regex"
    expect_no_file h.csv
  done
}
rejects "engd_stages.*'foo' is no TAO type" -engd_stages adam,foo
rejects 'stage adam: -tao_max_it 0' -engd_stages adam -adam_tao_max_it 0
rejects 'option.*-adam_tao_max_itt 2 ' -engd_stages adam -adam_tao_max_itt 2
rejects 'option.*-sgd_tao_max_it 2 ' -engd_stages adam -sgd_tao_max_it 2
rejects 'stage b: -tao_engd_momentum 0.4 with -tao_engd_step quadratic' -engd_stages adam,b -b_tao_engd_step quadratic -tao_engd_momentum .4
rejects 'item 2 of the list is empty' -engd_stages adam,,
rejects 'engd_stages has no value' -engd_stages
