#!/usr/bin/env bash
# Strong and weak scaling of whole iterations, of each way to a direction, and a model of it for more ranks than there are.
#
#   runs/scaling.sh [ranks ...]      1 2 4 ranks: some five minutes on four idle cores; MPIEXEC="srun" in a Slurm job
#
# strong: the problem stays; weak: points grow with the ranks. Columns: iterations, seconds of all ranks' Train stage, flops of
# all ranks, largest over mean, collective operations, rows N of the Jacobian and parameters p, products with the Gramian.
# The rows go to runs/out/scaling.csv; runs/scaling.py fits and extrapolates, with the latency and the bandwidth that build/bench/messages
# (`make build/bench/messages`) measures between the most ranks that are asked for, where it is built. What came out: runs/scaling.md.
# A cluster: sbatch runs/slurm/scaling.sbatch. On a busy machine flops and counts are right, seconds are not.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 1 2 4
mkdir -p runs/out
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
mpiexec=${MPIEXEC:-mpirun}
iterations=${ITERATIONS:-4}
out=runs/out/scaling.csv
log=$(mktemp)
summary=$(mktemp)
trap 'rm -f "$log" "$summary"' EXIT

# name | interior and boundary points | options
cases="
krylov | 3000 500 | -options_file poisson5d.opts -network_layers 64,64,48,48 -tao_engd_direction krylov -pc_type kfac -ksp_type cg -ksp_max_it 20
dual   | 1500 250 | -options_file poisson5d.opts -network_layers 64,64,48,48 -tao_engd_direction dual
dual32 | 1500 250 | -options_file poisson5d.opts -network_layers 64,64,48,48 -tao_engd_direction dual -tao_engd_dual_precision single
tsvd   | 900 120  | -options_file poisson.opts -network_layers 64,64,48,48 -tao_engd_direction tsvd
dense  | 3000 500 | -options_file poisson5d.opts -network_layers 128 -tao_engd_direction dense
eigen  | 3000 500 | -options_file poisson5d.opts -network_layers 128 -tao_engd_direction dense -tao_engd_dense_type eigen -tao_engd_dense_spread 500
"
most=$(printf '%s\n' "$@" | sort -n | tail -n 1)
rm -f runs/out/messages.csv
if [ "$most" -gt 1 ] && [ -x build/bench/messages ]; then $mpiexec -n "$most" build/bench/messages >runs/out/messages.csv; fi
echo "direction,mode,ranks,iterations,seconds,flops,balance,collectives,N,p,products" >$out
while IFS='|' read -r name points options; do
  [ -n "${name// /}" ] || continue
  read -r interior boundary <<<"$points"
  for mode in strong weak; do
    for n in "$@"; do
      [ $mode = strong ] || { [ "$n" -gt 1 ] || continue; }
      factor=1
      [ $mode = strong ] || factor=$n
      # shellcheck disable=SC2086
      $mpiexec -n "$n" ./engd $options -pde_points $((interior * factor)) -wall_points $((boundary * factor)) \
        -tao_max_it $iterations -engd_monitor false -engd_summary "$summary" -log_view ":$log" </dev/null >/dev/null
      python3 runs/scaling.py --row "$log" "$summary" "${name// /}" $mode "$n" | tee -a $out
    done
  done
done <<<"$cases"
python3 runs/scaling.py $out
