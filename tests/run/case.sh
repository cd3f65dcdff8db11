# Sourced by the scripts of this folder: runs of the program and what is expected of them.
#
#   run 3 -options_file poisson.opts -tao_max_it 2    ./engd on 3 ranks in a fresh directory; begins a test
#   expect_exit 2                                     what follows belongs to the run before it
#
# Each run is one test: it passes when all its expectations hold. In the directory of the run (now the working directory)
# are stdout, stderr (without mpirun's own words) and what the program wrote. `name TEXT` names the next run.
set -u
: "${SCRATCH:=$(mktemp -d)}" "${ENGD_ROOT:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${ENGD_PROGRAM:=$ENGD_ROOT/engd}" "${ENGD_BUILD:=$ENGD_ROOT/build}" "${MPIEXEC:=mpirun}" "${CASE_TIMEOUT:=60}"
. "$ENGD_ROOT/tests/environment.sh"
[ -z "${SANITIZED:-}" ] || ASAN_OPTIONS+=:detect_leaks=0 # after an error nothing is freed
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
