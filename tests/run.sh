#!/usr/bin/env bash
# Runs what `make build-tests` built: B=build PROGRAM=engd tests/run.sh ["name: command"]...
#
# Three kinds of test, each a line of the output, in this order whatever ends first:
#   tests/run/*.sh, scripts of runs of the program; each `run` of case.sh in them is one test
#   the commands given as arguments (format, ...), one test each
#   $B/tests/unit/test_*, cmocka programs, on the numbers of ranks that a comment "ranks: 1 2 3" of the source names;
#     "errors leak" says of a source that it meets errors, after which nothing is freed
# SELECT="tests/unit/test_jet tests/run/first" names those that run, or patterns of their names. MOST_RANKS: the ranks that unit tests
# run on at most; one of those that SELECT names, unless given.
# SANITIZED=2: what was built has sanitizers, and unit tests run on so many ranks at most (more that wait for each other on two cores
# take ten times as long).
# The last line is "N passed, N failed" and the exit code is 1 when one failed. TEST_TIMEOUT: seconds a program may take.
set -u
cd "$(dirname "$0")/.." || exit 1
B=${B:-build}
ENGD_PROGRAM=$(realpath -s "${PROGRAM:-engd}")
ENGD_BUILD=$(realpath -s "$B")
export ENGD_ROOT=$PWD ENGD_PROGRAM ENGD_BUILD MPIEXEC=${MPIEXEC:-mpirun} TEST_TIMEOUT=${TEST_TIMEOUT:-240}
export CMOCKA_MESSAGE_OUTPUT=TAP
. "$ENGD_ROOT/tests/environment.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM
at_once=$(($(nproc) * 3 / 4)) # programs have up to four ranks
((at_once > 2)) || at_once=3 # starting and waiting are a third of a test

# Every kind writes "passed failed" to $1/count and what there is to say of failures to $1/log
run_command() { # directory command
  if bash -c "$2" >"$1/log" 2>&1; then echo "1 0"; else echo "0 1"; fi >"$1/count"
}

# One file of output a rank; rank 0 has the tests, and a test failed when it failed on any rank
run_unit() { # directory program ranks [leaks]
  # Open MPI unloads its plug-ins before leaks are counted, and on several ranks those leak too
  local ASAN_OPTIONS=${ASAN_OPTIONS:-}
  (($3 == 1)) && [ -z "${4:-}" ] || ASAN_OPTIONS+=:detect_leaks=0
  # shellcheck disable=SC2016
  timeout -k 5 "$TEST_TIMEOUT" "$MPIEXEC" -n "$3" bash -c \
    'exec "$1" >"$0/rank.${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}"' "$1" "$2" 2>"$1/stderr"
  local code=$? planned failed
  planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$1/rank.0" 2>/dev/null | awk '{n += $1} END {print n + 0}')
  failed=$( (
    sed -n 's/^not ok [0-9]* - //p' "$1"/rank.*
    # on a crash, what rank 0 did not come to
    [ "$code" = 0 ] || for ((k = $(grep -cE '^(not )?ok ' "$1/rank.0"); k < planned; k++)); do echo "not reached: $k"; done
  ) 2>/dev/null | sort -u | wc -l)
  if [ "$code" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
  ((planned >= failed)) || planned=$failed
  if ((planned == 0)); then failed=1 planned=1; fi
  echo "$((planned - failed)) $failed" >"$1/count"
  if ((failed)); then
    [ "$code" = 124 ] && echo "stopped after $TEST_TIMEOUT seconds"
    echo "exit code $code"
    for rank in "$1"/rank.*; do
      grep -vE '^ok |^1\.\.' "$rank" | sed "s/^/[${rank##*.}] /"
    done
    cat "$1/stderr"
  fi >"$1/log"
}

run_case() { # directory script
  SCRATCH=$1 timeout -k 5 $((4 * TEST_TIMEOUT)) bash "$2" >"$1/tap" 2>&1
  local code=$? passed failed
  passed=$(grep -c '^ok ' "$1/tap") failed=$(grep -c '^not ok ' "$1/tap")
  grep -v '^ok ' "$1/tap" >"$1/log"
  if ! grep -q '^done$' "$1/tap"; then
    failed=$((failed + 1))
    echo "the script stopped early (exit code $code)" >>"$1/log"
  fi
  sed -i '/^done$/d' "$1/log"
  echo "$passed $failed" >"$1/count"
}

MOST_RANKS=${MOST_RANKS:-${SANITIZED:-${SELECT:+1}}}
read -ra patterns <<<"${SELECT:-*}"
selected() {
  local pattern
  # shellcheck disable=SC2053
  for pattern in "${patterns[@]}"; do [[ $1 == $pattern ]] && return; done
  return 1
}

names=() ranks=() jobs=()
# The long ones first, so that no core waits for the last
for script in tests/run/*.sh; do
  [ "$script" = tests/run/case.sh ] && continue
  selected "${script%.sh}" || continue
  names+=("${script%.sh}") ranks+=(-) jobs+=("run_case DIR $script")
done
for command in "$@"; do
  names+=("${command%%: *}") ranks+=(1) jobs+=("run_command DIR $(printf %q "${command#*: }")")
done
for source in tests/unit/test_*.c; do
  [ -e "$source" ] || continue
  selected "${source%.c}" || continue
  program=${source%.c} leaks=$(grep -q 'errors leak' "$source" && echo leaks)
  for n in $([ "$MOST_RANKS" != 1 ] && sed -n 's/.*ranks: *\([0-9 ]*\).*/\1/p' "$source" | head -n 1 | grep . || echo 1); do
    ((n <= ${MOST_RANKS:-$n})) || continue
    names+=("$program") ranks+=("$n") jobs+=("run_unit DIR $B/$program $n $leaks")
  done
done

start_job() { # number
  local dir=$work/$1 begin=$EPOCHREALTIME
  mkdir "$dir"
  eval "${jobs[$1]/DIR/$dir}"
  echo "$begin $EPOCHREALTIME" | awk '{printf "%.1f s", $2 - $1}' >"$dir/seconds"
  touch "$dir/done"
}

passed=0 failed=0 next=0
report() { # the lines of all jobs that have ended, up to the first that has not
  while [ -e "$work/$next/done" ]; do
    local good bad word=ok with=""
    read -r good bad <"$work/$next/count"
    passed=$((passed + good)) failed=$((failed + bad))
    ((bad)) && word="not ok"
    [ "${ranks[next]}" = - ] || with="ranks ${ranks[next]}, "
    echo "$word ${names[next]} ($with$((good + bad)) tests, $(cat "$work/$next/seconds"))"
    ((bad)) && sed 's/^/    /' "$work/$next/log" | head -n "${TEST_LINES:-60}"
    next=$((next + 1))
  done
}

for i in "${!jobs[@]}"; do
  while (($(jobs -rp | wc -l) >= at_once)); do wait -n; done
  report
  start_job "$i" &
done
while (($(jobs -rp | wc -l))); do
  wait -n
  report
done
wait
report
echo "$passed passed, $failed failed"
((failed == 0))
