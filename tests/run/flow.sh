#!/usr/bin/env bash
# The gradient flow (-tao_type flow) is where gradient descent with short steps goes, on any number of ranks.
. "$(dirname "$0")/case.sh"
fit=(-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 4 -terms fit -fit_points 20 -fit_residual 'u - sin(3*x)' -engd_seed 1
  -engd_monitor false -engd_summary s.json)
for ranks in 1 3; do
  name "the flow"
  run $ranks "${fit[@]}" -tao_type flow -tao_flow_time 0.5 -tao_max_it 2 -tao_flow_ts_rtol 1e-8
  expect_exit 0
  loss[ranks]=$(json s.json loss)
done
expect_close "${loss[3]}" "${loss[1]}" 1e-8
name "without an adaptor each interval begins with the step that was given"
run 1 "${fit[@]}" -tao_type flow -tao_flow_time 1 -tao_max_it 2 -tao_flow_ts_adapt_type none -tao_flow_ts_dt 0.3 -tao_flow_ts_monitor
expect_exit 0
expect_equal "$(grep -c 'TS dt 0\.3 time 0\.$' stdout)" 2
name "gradient descent"
run 1 "${fit[@]}" -tao_type sgd -tao_sgd_learning_rate 1e-3 -tao_max_it 1000
expect_exit 0
expect_close "$(json s.json loss)" "${loss[1]}" 3e-3
