# Sourced by the scripts of this folder: runs of the program and what is expected of them.
#
#   run 3 -options_file poisson.opts -tao_max_it 2    ./engd on 3 ranks in a fresh directory; begins a test
#   expect_exit 2                                     what follows belongs to the run before it
#
# Each run is one test: it passes when all its expectations hold. In the directory of the run (now the working directory)
# are stdout, stderr (without mpirun's own words) and what the program wrote. `name TEXT` names the next run.
#
# Command lines in one process, one after the other, take a tenth of the time of as many starts of MPI:
#
#   line -options_file poisson.opts -tao_max_it 2     one more of the table, which is number $added
#   run_table 3                                       all of the table on 3 ranks, the directories in $table
#   result 0                                          begins a test of what line 0 did there: as behind `run`
#
#   rejects REGEX arguments...                        a line that is to end with one line on stderr, exit code 2 or $code
#   run_rejects 1 3                                   a test of each of them on 1 and on 3 ranks
set -u
: "${SCRATCH:=$(mktemp -d)}" "${ENGD_ROOT:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${ENGD_PROGRAM:=$ENGD_ROOT/engd}" "${ENGD_BUILD:=$ENGD_ROOT/build}" "${MPIEXEC:=mpirun}" "${CASE_TIMEOUT:=60}"
. "$ENGD_ROOT/tests/environment.sh"
if [ -n "${SANITIZED:-}" ]; then
  ASAN_OPTIONS+=:detect_leaks=0 # after an error nothing is freed
  export LINE_SECONDS=$((5 * ${LINE_SECONDS:-60})) CASE_TIMEOUT=$((5 * CASE_TIMEOUT))
fi
runs=0 title="" current="" broken=0

name() { title=$*; }

# mpirun's words about a non-zero exit stand between lines of dashes, those about MPI_Abort too
own_words() { awk '/^-------------------------------+$/ {banner = !banner; next} !banner && NF && !/^\[.*\] [0-9]+ more process/' "$1"; }

complain() {
  broken=1
  printf '# %s\n' "$@"
}

finish_test() {
  [ -n "$current" ] || return 0
  if ((broken)); then
    echo "not ok $current"
    sed 's/^/#   stderr: /' stderr | head -n 12
  else echo "ok $current"; fi
  current="" broken=0
}

run() { # ranks arguments...
  finish_test
  local ranks=$1
  shift
  runs=$((runs + 1)) current="${title:-$*} (ranks $ranks)" title=""
  mkdir -p "$SCRATCH/run.$runs" && cd "$SCRATCH/run.$runs" || exit 1
  timeout -k 5 "$CASE_TIMEOUT" "$MPIEXEC" -n "$ranks" "$ENGD_PROGRAM" "$@" >stdout 2>stderr.all </dev/null
  exit_code=$?
  own_words stderr.all >stderr
  ((exit_code != 124)) || complain "no end after $CASE_TIMEOUT seconds"
}

until_row() { # ROW of the history, 20 s at most
  for ((t = 0; t < 1000; t++)); do
    [ -e h.csv ] && grep -q "^$1," h.csv && break
    sleep 0.02
  done
}

# start_until ROW ranks arguments...: the program in the background until its history has this row; pids of the ranks in ranks_of
start_until() {
  local row=$1 n=$2
  shift 2
  finish_test
  runs=$((runs + 1)) current="${title:-$*} (ranks $n)" title=""
  mkdir -p "$SCRATCH/run.$runs" && cd "$SCRATCH/run.$runs" || exit 1
  timeout -k 5 "$CASE_TIMEOUT" "$MPIEXEC" -n "$n" "$ENGD_PROGRAM" "$@" >stdout 2>stderr.all </dev/null &
  job=$!
  until_row "$row"
  ranks_of=$(pgrep -P "$(pgrep -P $job)")
}
ends_with() { # exit code
  wait $job
  exit_code=$?
  own_words stderr.all >stderr
  expect_exit "$1"
}

tables=0
new_table() { # and the tests of the one before are over
  finish_test
  lines=() regexes=() codes=()
}
new_table

# fresh=1: it begins a process, as matrices of type lmvm... exist in the first life of PETSc 3.18 alone
line() { # arguments...
  added=${#lines[@]}
  lines+=("${fresh:+$'\036'}$(printf '%s\037' "$@")")
  lines[added]=${lines[added]%$'\037'}
}

# A line that ends the process for good has mpirun's exit code; another process goes on behind it
run_table() { # ranks
  finish_test
  local ranks=$1 next=0 ended
  table_ranks=$ranks table=$SCRATCH/table.$((tables += 1))
  mkdir -p "$table" && cd "$table" || exit 1
  printf '%s\n' "${lines[@]}" >table
  while ((next < ${#lines[@]})); do
    ENGD_OPTIONS_PATH=${ENGD_OPTIONS_PATH:-$ENGD_ROOT/options} timeout -k 5 $((8 * CASE_TIMEOUT)) "$MPIEXEC" -n "$ranks" \
      "$ENGD_BUILD/tests/run/lines" table "$next" >/dev/null 2>stderr </dev/null
    ended=$?
    while [ -e "$next/code" ]; do next=$((next + 1)); done
    ((next < ${#lines[@]})) || break
    [[ $ended != 0 || -e $next ]] || continue # it has ended in front of a line that is to be the first of a process
    mkdir -p "$next" && echo "$ended" >"$next/code"
    next=$((next + 1))
  done
}

result() { # number
  finish_test
  local words=${lines[$1]//[$'\036\037']/ }
  current="${title:-$words} (ranks $table_ranks)" title=""
  cd "$table/$1" && touch stdout stderr || exit 1
  exit_code=$(<code)
}

rejects() { # REGEX arguments...
  line "${@:2}" -engd_summary summary.json -engd_history history.csv
  regexes[added]=$1 codes[added]=${code:-2}
}

run_rejects() { # ranks...
  local ranks k
  for ranks in "$@"; do
    run_table "$ranks"
    for k in "${!regexes[@]}"; do
      result "$k"
      expect_exit "${codes[k]}"
      expect_stderr_one_line_matching "${regexes[k]}"
      expect_no_file summary.json history.csv
      # a regular expression that an option of this very command line would fulfil proves nothing
      [[ ${regexes[k]} == *option* ]] || expect_stderr_without 'nothing here reads'
    done
  done
  new_table
}

expect_exit() { ((exit_code == $1)) || complain "exit code $exit_code, not $1"; }

expect_stdout() { grep -qE -- "$1" stdout || complain "stdout has no line matching $1"; }

expect_stderr_empty() { [ ! -s stderr ] || complain "stderr is not empty"; }

expect_stderr_one_line_matching() {
  [ "$(wc -l <stderr)" = 1 ] || complain "stderr has $(wc -l <stderr) lines, not one"
  grep -qE -- "$1" stderr || complain "stderr has no line matching $1"
}

expect_stderr_without() { ! grep -qE -- "$1" stderr || complain "stderr has a line matching $1"; }

expect_no_file() {
  local file
  for file in "$@"; do [ ! -e "$file" ] || complain "file $file was left behind"; done
}

expect_file() { [ -s "$1" ] || complain "no file $1"; }

# json FILE KEY[.KEY...]: a value of a JSON file
json() {
  python3 - "$@" <<'PYTHON'
import functools, json, sys
print(functools.reduce(lambda v, k: v[int(k)] if isinstance(v, list) else v[k], sys.argv[2].split("."), json.load(open(sys.argv[1]))))
PYTHON
}

# find_python MODULES: a python3 that has them, in $python; fails where none has
find_python() {
  for python in python3 /usr/bin/python3; do "$python" -c "import $1" 2>/dev/null && return; done
  return 1
}

# draw SCRIPT ARGUMENTS...: a Python script in this directory, by the process of all of them; its words are in the file words
draw() {
  local answer
  if [ -z "${SCRIPTS_PID:-}" ]; then
    coproc SCRIPTS { PYTHONDONTWRITEBYTECODE=1 "$python" "$ENGD_ROOT/tests/scripts.py"; }
  fi
  { printf '%s' "$PWD" && printf '\037%s' "$@" && echo; } >&"${SCRIPTS[1]}"
  read -r answer <&"${SCRIPTS[0]}" && return "$answer"
}

# Numbers by awk; what is no number never fulfils anything
expect_number() { # condition on a, b, c
  [[ ${*:2} =~ ^[-+.0-9eE\ ]+$ ]] && awk -v a="$2" -v b="$3" -v c="${4:-0}" "BEGIN {exit !($1)}"
}
expect_less() { expect_number 'a < b' "$1" "$2" || complain "$1 is not less than $2"; }
expect_close() {
  expect_number '(a > b ? a - b : b - a) <= c * (b > 0 ? b : -b)' "$@" || complain "$1 is not within $3 of $2"
}
expect_equal() { [ "$1" = "$2" ] || complain "$1 is not $2"; }

trap 'finish_test; echo done' EXIT
