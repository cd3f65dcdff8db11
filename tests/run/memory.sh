#!/usr/bin/env bash
# Memory: what -tao_view says against the measured peak, where a direction takes most of it; and the ladder of -engd_memory_limit, with
# bytes as people write them: activations computed again, fewer points a block, the same iterations.
. "$(dirname "$0")/case.sh"

name "the estimate is within a fifth"
run 1 -version
ENGD=$ENGD_PROGRAM python3 "$ENGD_ROOT/runs/memory.py" --ranks 1 --case dual --case krylov >table || complain "$(cat table)"

name "points of a boundary have no rows where they meet each other by Gram matrices"
run 1 -options_file poisson100d.opts -wall_points 100 -pde_points 5 -engd_test_points 10 -tao_max_it 1 -tao_view -engd_monitor false
expect_exit 0
expect_less "$(sed -n 's/.*direction \([0-9.]*\),.*/\1/p' stdout)" 40 # MB; with them 77 more

short=(-options_file poisson.opts -network_layers 10 -pde_points 200 -wall_points 40 -engd_test_points 10 -engd_start none
  -tao_max_it 2 -tao_engd_direction krylov -ksp_max_it 5 -engd_summary s.json)
name "all is kept"
run 2 "${short[@]}"
expect_exit 0
grep -q '(kept)' s.json || complain "activations are not kept"
loss=$(json s.json loss)
# 100 points a rank, four channels, a layer of 10: some 100 kB; a block of one point takes 2 kB
for limit in 60kiB 0.006M 1; do
  name "-engd_memory_limit $limit"
  run 2 "${short[@]}" -engd_memory_limit "$limit" -pc_type none
  expect_exit 0
  grep -q '(computed again)' s.json || complain "activations are kept"
  blocks[runs]=$(grep -oE 'blocks [0-9.]+' s.json | cut -d' ' -f2)
done
expect_less "${blocks[$((runs - 1))]}" "${blocks[$((runs - 2))]}"
expect_less "${blocks[$runs]}" "${blocks[$((runs - 1))]}"
name "the same iterations on a block of one point"
run 2 "${short[@]}" -engd_memory_limit 1
expect_close "$(json s.json loss)" "$loss" 1e-8

for limit in 5x 3MM abc; do
  name "-engd_memory_limit $limit"
  run 2 "${short[@]}" -engd_memory_limit "$limit"
  expect_exit 2
  expect_stderr_one_line_matching "engd_memory_limit $limit: give bytes"
done
