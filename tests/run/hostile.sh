#!/usr/bin/env bash
# Hostile command lines, a table for each group in tests/hostile: each ends by itself within 20 s with the exit code that its line
# says, and an error is one line that names what was wrong. `make hostile` takes all of them, the suite each 25th (HOSTILE_EVERY).
#
# A line is: CODE WORD arguments..., quoted as in a shell. WORD is to stand in the one line on stderr; @ is poisson.opts made small, % a
# problem without a domain, F a term of points from the file that follows. In signals.txt it is CODE WORD SIGNAL,SIGNAL... ROW RANKS RANK arguments...: the signals
# go to this rank, or all, once the history has the row.
. "$(dirname "$0")/case.sh"
every=${HOSTILE_EVERY:-25}
export LINE_SECONDS=${LINE_SECONDS:-20}
files=$(mktemp -d)
trap 'finish_test; rm -rf "$files"; echo done' EXIT
small=(-options_file poisson.opts -network_layers 6 -pde_points 60 -wall_points 24 -engd_test_points 50 -tao_max_it 1 -engd_monitor false)
plain=(-domain_coordinates x,y -network_layers 6 -terms pde -pde_points 60 -pde_residual 'u - 1' -engd_test_points 50 -tao_max_it 1 -engd_monitor false)

# What the tables call: names of files made for a line
file() { # CONTENT, as of printf
  [ "$1" != -- ] || shift
  local name
  name=$(mktemp "$files/file.XXXXXX")
  printf -- "$1" >"$name"
  echo "$name"
}
folder() { # NAME of a directory
  local name
  name=$(mktemp -d "$files/XXXXXX")/$1
  mkdir "$name" && echo "$name"
}
loop() { # a link to itself
  ln -sf loop.csv "$files/loop.csv" && echo "$files/loop.csv"
}
circle() { # an options file that names itself
  echo "-options_file $files/circle.opts" >"$files/circle.opts" && echo "$files/circle.opts"
}
repeat() { # NUMBER TEXT
  printf "%$1s" "" | sed "s|.|$2|g"
}

hostile_line() { # CODE WORD arguments...
  local arguments=() argument
  for argument in "${@:3}"; do
    case $argument in
      @) arguments+=("${small[@]}") ;;
      %) arguments+=("${plain[@]}") ;;
      F) arguments+=(-terms "pde,wall,fit" -fit_residual "u - 1" -fit_points_file) ;;
      *) arguments+=("$argument") ;;
    esac
  done
  line "${arguments[@]}"
  codes[added]=$1 regexes[added]=$2
}

# each LINE of a table, by $every
each() { awk -v every="$every" '!/^#/ && ++n % every == 1 % every' "$1"; }

group() { # NAME: those that end the process are of the numerics and begin another one
  local k ranks text
  new_table
  while IFS= read -r -u 3 text; do
    eval "hostile_line $text"
  done 3< <(each "$ENGD_ROOT/tests/hostile/$1.txt")
  for ranks in ${HOSTILE_RANKS:-1 2}; do
    run_table "$ranks"
    for k in "${!codes[@]}"; do
      result "$k"
      expect_exit "${codes[k]}"
      if [ "${codes[k]}" = 0 ]; then expect_stderr_empty; continue; fi
      [ "$(wc -l <stderr)" = 1 ] || complain "stderr has $(wc -l <stderr) lines, not one"
      grep -qF -- "${regexes[k]}" stderr || complain "stderr does not say: ${regexes[k]}"
    done
  done
}

# Without a budget of time or of iterations, which a busy machine uses up before the signal comes: what is to be ended by a signal ends
# by nothing else. Signals that end nothing are followed by one that does, once the history has gone on for two rows
signal() { # CODE WORD SIGNAL,SIGNAL... ROW RANKS RANK arguments...
  local pids number rank=$6 sent=0
  name "signal: $*"
  start_until "$4" "$5" -options_file poisson.opts -network_layers 12 -pde_points 300 -wall_points 60 -tao_engd_direction dense \
    -tao_engd_dense_ema 0.6 -tao_max_it 1000000 -tao_engd_stall 1000000 -engd_history h.csv "${@:7}"
  read -ra pids <<<"${ranks_of//$'\n'/ }"
  [ "$rank" = all ] || pids=(${pids[rank]:-})
  for number in ${3//,/ }; do
    ((!sent++)) || until_row "$(wc -l <h.csv)"
    [[ $3 != USR1,* || $number = USR1 ]] || expect_file c.h5
    kill "-$number" "${pids[@]:-none}" 2>/dev/null || complain "had ended before signal $number"
  done
  ends_with "$1"
  [ "$1" = 0 ] || grep -qF -- "$2" stdout stderr || complain "no word of $2"
  [[ "$*" != *c.h5* || $1 != [04] ]] || expect_file c.h5
  [ "$(wc -l <stderr)" -le 1 ] || complain "stderr has $(wc -l <stderr) lines"
}

for group in ${HOSTILE_GROUPS:-options expressions domains points numerics outputs signals}; do
  if [ "$group" = signals ]; then
    while IFS= read -r -u 3 text; do eval "signal $text"; done 3< <(each "$ENGD_ROOT/tests/hostile/signals.txt")
  else group "$group"; fi
done
