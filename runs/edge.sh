#!/usr/bin/env bash
# The edge of stability: sharpness along gradient descent, and at the end of the gradient flow from each of its iterates.
#
#   runs/edge.sh [time]      of the flow, 20; some minutes on one core
#
# The largest eigenvalue of the exact Hessian (SLEPc) of a regression and a PINN, after k = 0, 50, ... steps of gradient descent of length
# 0.2 (2/length = 10 is the edge) and after the flow theta' = -grad L from there (-tao_type flow, PETSc's TS with error control).
# Files: runs/out/edge*; picture: runs/preconditioning.py runs/out/preconditioning.csv runs/out/edge.csv p.png. What came out: runs/preconditioning.md.
set -eu
cd "$(dirname "$0")/.."
time=${1:-20}
out=runs/out/edge
rm -rf "$out"
mkdir -p "$out"
. runs/one_rank.sh
line="-domain_lower -1 -domain_upper 1 -domain_coordinates x -engd_seed 1"
declare -A problem=(
  [fit]="$line -network_layers 20,20 -terms fit -fit_points 50 -fit_residual u-sin(2*pi*x) -sgd_tao_sgd_learning_rate 0.2"
  [pinn]="$line -network_layers 16 -terms pde -ansatz_u (1-x^2)*u -pde_points 50 -pde_residual u_xx/10+pi^2/10*sin(pi*x) -sgd_tao_sgd_learning_rate 0.2"
)
# row ITERATION FILE: sharpness
row() { awk -F, -v k="$1" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i ~ /sharpness/) c = i} $1 == k {print $c}' "$2"; }
echo "problem,k,sharpness,after_flow,loss,loss_after_flow" | tee "$out.csv"
for p in fit pinn; do
  for k in 1 50 100 200 400 800 1600 3200 6400; do
    file=$out/$p-$k.csv
    # shellcheck disable=SC2086
    ./engd ${problem[$p]} -engd_stages sgd,flow -sgd_tao_max_it $k -flow_tao_max_it 1 -flow_tao_flow_time "$time" \
      -flow_tao_flow_ts_max_steps 1000000000 -engd_monitor false -flow_engd_max_seconds 60 -spectrum_monitor sharpness -engd_history "$file" >"$out/$p-$k.txt" 2>&1 || true
    loss() { awk -F, -v k="$1" '$1 == k {print $2}' "$file"; }
    echo "$p,$k,$(row $k "$file"),$(row $((k + 1)) "$file"),$(loss $k),$(loss $((k + 1)))"
  done
done | tee -a "$out.csv"
