#!/usr/bin/env bash
# Runs killed at random moments and restarted, until they end: tests/restarts.sh [KILLS [SEED]], 50 kills by default.
#
# Shows that a run goes on from its last checkpoint as if nothing had happened. tsvd, dense with a moving average, SPRING, KFAC* and
# Adam, each on one and on three ranks, points taken anew where the method can: one unbroken run, and one that is killed again and
# again (SIGKILL to all ranks or one, SIGTERM to all ranks or one, by turns) 0.05 to 0.8 seconds after it has begun to train. At
# the end theta (binary) and the history without its times are compared bit for bit, and SIGTERM must give exit code 4. Takes
# about ten minutes on two cores; the last line is the count.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/environment.sh"
kills=${1:-50} RANDOM=${2:-1}
program=${ENGD_PROGRAM:-$root/engd} mpiexec=${MPIEXEC:-mpirun}
work=$(mktemp -d)
job=""
trap '[ -z "$job" ] || kill $job 2>/dev/null; rm -rf "$work"' EXIT
small=(-options_file poisson.opts -network_layers 16 -pde_points 400 -wall_points 80 -engd_monitor_every 1000 -tao_fmin -1)
fresh=(-pde_sampler sobol -pde_resample 5)
methods=(tsvd dense spring kfac-star adam)
options_of() { # the name of a method: its options
  case $1 in
    tsvd) echo -tao_engd_direction tsvd -tao_engd_stall 100000 -tao_max_it 200 -engd_checkpoint_every 3 ;;
    dense) echo -tao_engd_direction dense -tao_engd_dense_ema 0.6 -tao_engd_damping 1e-10 -tao_engd_stall 100000 -tao_max_it 200 -engd_checkpoint_every 4 "${fresh[@]}" ;;
    spring) echo -options_file optimisers/spring.opts -tao_engd_stall 100000 -tao_max_it 80 -engd_checkpoint_every 1 "${fresh[@]}" ;;
    kfac-star) echo -options_file optimisers/kfac-star.opts -tao_engd_stall 100000 -tao_max_it 400 -engd_checkpoint_every 11 "${fresh[@]}" ;;
    adam) echo -options_file optimisers/adam.opts -tao_max_it 1500 -engd_checkpoint_every 40 "${fresh[@]}" ;;
  esac
}
rows() { cut -d, -f1-7 "$1"; } # all but the times
now() { date +%s%N; }

# launch METHOD RANKS [RESTART]: in the background in the present directory
launch() {
  local restart=()
  [ ! -s c.h5 ] || restart=(-engd_restart c.h5)
  rm -f stdout
  # shellcheck disable=SC2046
  "$mpiexec" -n "$2" "$program" "${small[@]}" $(options_of "$1") -engd_history h.csv -theta_view binary:theta.bin \
    -engd_checkpoint c.h5 "${restart[@]}" >stdout 2>stderr </dev/null &
  job=$!
}

# wait until the run trains, or has ended: a line of the monitor is on the screen
wait_for_training() {
  while kill -0 $job 2>/dev/null; do
    grep -qsE '^ *[0-9]+  |^Restart' stdout && return 0
    sleep 0.02
  done
  return 1
}

done_kills=0 wrong=0 runs=0 tried=()
kill_once() { # the kind of this kill; false if the run has ended before
  local kind=$1 pids one
  wait_for_training || { wait $job; return 1; }
  sleep "0.$(printf %02d $((5 + RANDOM % 75)))"
  pids=$(pgrep -P $job) || { wait $job; return 1; }
  # shellcheck disable=SC2086
  set -- $pids
  one=${!#}
  # shellcheck disable=SC2086
  case $kind in
    0) kill -KILL $pids 2>/dev/null ;;
    1) kill -TERM $pids 2>/dev/null ;;
    2) kill -KILL "$one" 2>/dev/null ;;
    3) kill -TERM "$one" 2>/dev/null ;;
  esac
  wait $job
  local code=$?
  job=""
  if grep -q '(stopped' stdout; then return 1; fi # it had ended by then
  if ((kind % 2 == 1 && code != 4)); then
    echo "not ok: SIGTERM gave exit code $code"
    tail -n 3 stdout stderr
    wrong=$((wrong + 1))
  fi
  done_kills=$((done_kills + 1))
}

broken_run() { # method ranks: killed up to five times, then to its end, and compared
  local here=$work/$1.$2 count=0 begin
  mkdir -p "$here" && cd "$here" || exit 1
  rm -f c.h5 h.csv theta.bin
  begin=$(now)
  while ((count < 5 && done_kills < kills)); do
    launch "$1" "$2"
    kill_once $(((done_kills + runs) % 4)) || break
    count=$((count + 1))
  done
  rm -f theta.bin # an interrupted run writes it, too
  launch "$1" "$2"
  wait "$job" || { echo "not ok: $1 on $2 ranks ended with code $?"; tail -n 3 stderr; wrong=$((wrong + 1)); }
  job=""
  runs=$((runs + 1))
  if cmp -s theta.bin ../whole."$1.$2"/theta.bin && cmp -s <(rows h.csv) <(rows ../whole."$1.$2"/h.csv); then
    echo "ok $1, $2 ranks: $count kills, the same end after $((($(now) - begin) / 1000000000)) s"
  else
    echo "not ok $1, $2 ranks: $count kills, another end"
    wrong=$((wrong + 1))
  fi
  ((count)) && tried+=("$1 on $2")
}

for method in "${methods[@]}"; do
  for ranks in 1 3; do
    mkdir -p "$work/whole.$method.$ranks" && cd "$work/whole.$method.$ranks" || exit 1
    launch "$method" "$ranks"
    wait "$job" || { echo "not ok: $method on $ranks ranks, unbroken, ended with code $?"; tail -n 3 stderr; exit 1; }
    job=""
    tail -n 1 stdout
  done
done
while ((done_kills < kills)); do
  for ranks in 1 3; do
    for method in "${methods[@]}"; do
      ((done_kills >= kills)) || broken_run "$method" "$ranks"
    done
  done
done
echo "$done_kills kills in $runs runs of $(printf '%s\n' "${tried[@]}" | sort -u | wc -l) kinds, $wrong wrong"
((wrong == 0))
