#!/usr/bin/env bash
# The command at the top of README.md solves the problem; stopped where that is clear.
. "$(dirname "$0")/case.sh"

run 2 -options_file poisson.opts -engd_target_error 1e-9 -engd_summary s.json
expect_exit 0
expect_stderr_empty
expect_less "$(json s.json relative_l2_error)" 1.0001e-9
