#!/usr/bin/env bash
# runs/compare.sh: a row for each optimiser, best first; what fails is named; mistakes are one line and exit code 2.
. "$(dirname "$0")/case.sh"
[ -z "${SANITIZED:-}" ] || exit 0 # budgets of seconds

compare() { # arguments of compare.sh; begins a test
  finish_test
  runs=$((runs + 1)) current="compare.sh $*"
  mkdir -p "$SCRATCH/run.$runs" && cd "$SCRATCH/run.$runs" || exit 1
  OUT=. timeout -k 5 "$CASE_TIMEOUT" "$ENGD_ROOT/runs/compare.sh" "$@" >stdout 2>stderr.all </dev/null
  exit_code=$?
  own_words stderr.all >stderr
}
small=(-network_layers 16 -pde_points 100 -wall_points 40)
export ENGD_PROGRAM FIRST_SEED=0 OPTIMISERS='default adam kfac nncg' RANKS=2

compare poisson.opts 0.5 3 "${small[@]}"
expect_exit 0
expect_stderr_empty
for optimiser in $OPTIMISERS; do
  expect_stdout "^$optimiser  .*[0-9]e[-+][0-9]+-[0-9.]+e" # with a range
  for seed in 0 1 2; do expect_file "compare-poisson/$optimiser-$seed.csv"; done
done
errors=$(sed -n '3,$s/^[a-z]* *[^ ]* *\([^ ]*\).*/\1/p' stdout)
expect_equal "$errors" "$(sort -g <<<"$errors")"
expect_equal "$(wc -l <stdout)" 6
expect_equal "$(cat stdout)" "$(cat compare-poisson.txt)"
# the median error is that of one of the seeds, at its end
one=$(sed -n 's/^kfac *[^ ]* *\([^ ]*\).*/\1/p' stdout)
expect_less 0 "$(for seed in 0 1 2; do tail -n 1 "compare-poisson/kfac-$seed.csv"; done | awk -F, -v e="$one" 'sprintf("%.1e", $7) == e {n++} END {print n + 0}')"

# against the published runs: to their error, or as many iterations
export PUBLISHED=1 PARALLEL=2
OPTIMISERS='adam lbfgs spring'
compare poisson.opts 1 -network_init uniform -network_init_bias 1
expect_exit 0
expect_stdout '^lbfgs  *3.6e-04  49379 '
expect_stdout '^adam  *1.9e-04 320415 '
expect_equal "$(wc -l <stdout)" 4 # of spring there is none
PUBLISHED=0 PARALLEL=1

ritz=(-terms ritz -domain_coordinates x -domain_lower 0 -domain_upper 1 -ritz_energy 'u_x^2/2 - u + u^2' -ritz_points 40 -exact_u 'x')
printf '%s\n' '-network_outputs u' >ritz.opts
OPTIMISERS='adam engd-w'
problem=$PWD/ritz.opts
compare "$problem" 0.2 "${ritz[@]}"
expect_exit 0
expect_stdout '^adam '
expect_stdout '^engd-w failed: engd: .*energy'
OPTIMISERS=engd-w
compare "$problem" 0.2 "${ritz[@]}"
expect_exit 1

# `default` is the problem's own method: its cosine schedule is stretched over the seconds, too
OPTIMISERS=default RANKS=1
printf '%s\n' '-options_file poisson.opts' '-tao_type adam -tao_adam_schedule cosine -tao_adam_schedule_factor 0' >cosine.opts
compare "$PWD/cosine.opts" 1 "${small[@]}"
expect_exit 0
expect_less "$(cut -d, -f4 compare-cosine/default-0.csv | tail -n 1)" 9.9e-4 # from 1e-3

# ended in the middle, nothing runs on and no table is left
finish_test
runs=$((runs + 1)) current="compare.sh, ended early" OPTIMISERS='adam sgd'
mkdir -p "$SCRATCH/run.$runs" && cd "$SCRATCH/run.$runs" || exit 1
OUT=$PWD PARALLEL=2 timeout 2 "$ENGD_ROOT/runs/compare.sh" poisson.opts 50 "${small[@]}" >stdout 2>stderr </dev/null
expect_equal $? 124
expect_stderr_empty
expect_no_file compare-poisson.txt
for ((k = 0; k < 150; k++)); do pgrep -f "$PWD/compare-poisson" >/dev/null && sleep 0.2; done
! pgrep -f "$PWD/compare-poisson" >/dev/null || complain "a run goes on"

OPTIMISERS=adam RANKS=2
rejects() { # REGEX arguments...
  local regex=$1
  shift
  compare "$@"
  expect_exit 2
  expect_stderr_one_line_matching "$regex"
}
rejects 'give PROBLEM SECONDS'
rejects "budget '0'" poisson.opts 0
rejects "budget 'soon'" poisson.opts soon
rejects "problem 'nowhere.opts' is neither" nowhere.opts 1
rejects "seeds '0'" poisson.opts 1 0
FIRST_SEED=08
rejects "FIRST_SEED '08'" poisson.opts 1
FIRST_SEED=0 OPTIMISERS=none
rejects "optimiser 'none'" poisson.opts 1
OPTIMISERS=adam PARALLEL=0
rejects "PARALLEL '0'" poisson.opts 1
PARALLEL=1 PUBLISHED=1
rejects 'no run of these optimisers on poisson with 13 parameters' poisson.opts 1 -network_layers 3
