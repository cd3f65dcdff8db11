#!/usr/bin/env bash
# Runs that are ended from outside and go on: real signals, exit codes, history and checkpoint files, other numbers of ranks.
. "$(dirname "$0")/case.sh"
small=(-options_file poisson.opts -network_layers 12 -pde_points 300 -wall_points 60 -tao_engd_direction dense -tao_engd_dense_ema 0.6
  -pde_sampler sobol -pde_resample 4 -pde_random_dimensions 1)
rows() { cut -d, -f1-7 "$1"; } # all but the times

# restart RANKS: in a directory of its own from what the run that was killed has left
restart() {
  finish_test
  current="${title:-restart} (ranks $1)" title=""
  mkdir -p "$SCRATCH/restart.$1" && cd "$SCRATCH/restart.$1" || exit 1
  cp "$killed"/{c.h5,h.csv} . && printf '1,31' >>h.csv # a row that was cut off
  timeout -k 5 "$CASE_TIMEOUT" "$MPIEXEC" -n "$1" "$ENGD_PROGRAM" "${small[@]}" -tao_max_it 300 -engd_history h.csv -engd_restart c.h5 \
    -theta_view binary:theta.bin >stdout 2>stderr.all </dev/null
  exit_code=$?
  own_words stderr.all >stderr
  expect_exit 0
  first=$(sed -n 's/^Restart behind iteration \([0-9]*\) .*/\1/p' stdout)
  expect_number 'a >= 28 && a % 7 == 0' "$first" 0 || complain "begins behind iteration $first"
}

name "unbroken"
run 3 "${small[@]}" -tao_max_it 300 -engd_history h.csv -theta_view binary:theta.bin
expect_exit 0
whole=$PWD

name "SIGTERM to one rank ends the run with its results"
start_until 20 3 "${small[@]}" -tao_max_it 1000000 -tao_engd_stall 1000000 -engd_history h.csv -engd_checkpoint c.h5 -engd_summary s.json -engd_solution u.csv
kill -TERM ${ranks_of##*[!0-9]}
ends_with 4
expect_stderr_empty
expect_stdout '^Interrupted by SIGTERM after iteration [0-9]*; to go on: -engd_restart c.h5$'
expect_equal "$(json s.json converged_reason)" DIVERGED_USER
expect_equal "$(json s.json iterations)" "$(tail -n 1 h.csv | cut -d, -f1)"
expect_file u.csv
expect_no_file c.h5.tmp

name "SIGKILL leaves the last checkpoint; the history is cut back to it"
start_until 30 3 "${small[@]}" -tao_max_it 300 -engd_history h.csv -engd_checkpoint c.h5 -engd_checkpoint_every 7
# shellcheck disable=SC2086
kill -KILL $ranks_of
wait $job 2>/dev/null
[ -s c.h5 ] || complain "no checkpoint"
killed=$PWD

name "goes on to the same end, bit for bit"
restart 3
cmp -s <(rows h.csv) <(rows "$whole/h.csv") || complain "the history is another"
cmp -s theta.bin "$whole/theta.bin" || complain "theta is another"

name "on another number of ranks to rounding"
restart 2
expect_equal "$(cut -d, -f1 h.csv | tr '\n' ' ')" "$(cut -d, -f1 "$whole/h.csv" | tr '\n' ' ')"
loss() { sed -n "/^$((first + 1)),/p" "$1" | cut -d, -f2; }
expect_close "$(loss h.csv)" "$(loss "$whole/h.csv")" 1e-6
