#!/usr/bin/env bash
# Many dimensions: problems with published errors and seconds, by small networks and by few units.
#
#   runs/highdim.sh [names...]     all of them take half an hour of one core; SECONDS_EACH=60 gives each 60 seconds
#
# Prints for each the parameters, the relative L2 error, iterations, seconds, those of the processor, and what is published (error, seconds
# of a GPU). What came out is in runs/highdim.md. Each run's output is in runs/out/highdim/.
set -eu
cd "$(dirname "$0")/.."
out=runs/out/highdim budget=${SECONDS_EACH:-300}
mkdir -p "$out"
. runs/one_rank.sh

# an averaged Gramian of a small network on points that stay (runs/compare.md)
averaged="-tao_type engd -tao_max_it 3000 -tao_engd_direction dense -tao_engd_dense_type ldlt -tao_engd_dense_ema 0.6
  -tao_engd_damping 1e-9 -tao_engd_damping_adapt false -tao_engd_stall 300"
declare -A problem=(
  [laplace10d]="-options_file suite/laplace10d.opts -pde_points 3000 -wall_weight 1000 $averaged"
  [heat4d]="-options_file suite/heat4d.opts -network_layers 96 -pde_points 3000 -wall_points 400 -start_points 100 -wall_weight 1000
    -start_weight 1000 $averaged"
  [log-fokker-planck]="-options_file log-fokker-planck.opts"
  [poisson100d]="-options_file poisson100d.opts"
  [twobody100d]="-options_file twobody100d.opts"
  # affine in x but for the radial term of the ansatz
  [twobody1000d]="-options_file twobody100d.opts -parameters n=1000 -domain_coordinates x1..x1000 -network_layers none
    -pde_points 6000 -pde_resample 0 -pde_weight 1e-6 -pde_random_dimensions 16 -engd_test_points 1000 -tao_max_it 3
    -tao_engd_direction dense -tao_engd_dense_type ldlt -tao_engd_damping 1e-9 -tao_engd_step_length 1"
)
declare -A published=([laplace10d]="1.5e-5 7000" [heat4d]="6.6e-7 3000" [log-fokker-planck]="3.8e-5 6000" [poisson100d]="2.8e-3 7000" [twobody100d]="3.5e-3 -" [twobody1000d]="4.9e-4 -")

number() { sed -n "s/^ *\"$2\": \([-0-9.e+]*\),*$/\1/p" "$1"; }

(($#)) || set -- laplace10d heat4d log-fokker-planck poisson100d twobody100d twobody1000d
printf '%-18s %10s %9s %6s %8s %8s  %s\n' problem parameters error iters seconds cpu published
TIMEFORMAT=%U
for name; do
  # shellcheck disable=SC2206
  options=(${problem[$name]})
  summary=$out/$name.json
  { time ./engd "${options[@]}" -engd_max_seconds "$budget" -engd_history "$out/$name.csv" -engd_summary "$summary" >"$out/$name.log" 2>&1; } 2>"$out/$name.time"
  printf '%-18s %10s %9.1e %6s %8.0f %8.0f  %s\n' "$name" "$(number "$summary" parameters)" "$(number "$summary" relative_l2_error)" \
    "$(number "$summary" iterations)" "$(number "$summary" seconds_total)" "$(cat "$out/$name.time")" "${published[$name]}"
done
