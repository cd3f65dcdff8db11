#!/usr/bin/env bash
# Folders of outputs that vanish while the run trains: the errors are told all the same, and one line names what could not be written.
. "$(dirname "$0")/case.sh"
for output in "-engd_summary d/s.json" "-engd_solution d/u.csv" "-engd_solution d/u.h5" "-engd_checkpoint d/c.h5" \
  "-spectrum gramian -spectrum_output d/s.csv"; do
  mkdir -p "$SCRATCH/run.$((runs + 1))/d"
  name "its folder vanishes: $output"
  # shellcheck disable=SC2086
  start_until 1 2 -options_file poisson.opts -network_layers 6 -pde_points 60 -wall_points 24 -tao_engd_direction dense -tao_engd_dense_ema 0.6 \
    -tao_max_it 1000000 -tao_engd_stall 1000000 -engd_history h.csv $output
  rm -r d
  kill -TERM ${ranks_of##*[!0-9]}
  ends_with 2
  expect_stderr_one_line_matching "${output##* }"
  expect_stdout '^Errors on '
done
