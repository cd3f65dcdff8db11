#!/usr/bin/env bash
# Exact Newton and its saddles: where Newton's method on the full Hessian ends, and what its cures make of it.
#
#   runs/saddles.sh [seeds [jobs]]      seeds: random starts for each case, 10; jobs: runs at a time, 2. About 7 minutes
#   runs/saddles.sh 2                   a look, a fifth of the time
#
# After Rowan, arXiv 2510.11987. Networks of one layer, 4 to 32 units, on three regressions and two PINNs, from random starts:
#
#   newton      theta <- theta - H^+ grad L, length 1, up or down; H^+ leaves out eigenvalues below 1e-10 of the largest
#   ldlt        the same with H^{-1} by LDL^T, nothing left out
#   line        the direction of newton with a search for the length, down only
#   gauss       Gauss-Newton: truncated least squares on J, as by default
#   absolute    |H|^{-1}     cubic     cubic regularisation     trust     TAO's trust region ntr, CG of Steihaug on H
#
# Why H^+ and not H^{-1}, on two of the problems: eps6 and eps14 cut at 1e-6 and 1e-14 of the largest, shift is LDL^T of
# H + 1e-8 I. Then the saddle that is known: u = 0 with c = 0 of u = sum c_k phi_k; by Sylvester its Hessian has exactly
# rank(B) negative eigenvalues, B the mixed derivatives in c and in (w, b). Counted for 2 to 32 units at the saddle itself
# (tests/unit/test_saddle), and where Newton went there.
#
# Table: shares of the runs by method, width and problem. Files and pictures: runs/out/saddles*. What came out: runs/saddles.md.
# Needs python3 with numpy, and matplotlib for the pictures.
set -eu
cd "$(dirname "$0")/.."
seeds=${1:-10}
jobs=${2:-2}
out=runs/out/saddles
rm -rf "$out"
mkdir -p "$out"
. runs/one_rank.sh # half a second less for each of a thousand runs

line="-domain_lower -1 -domain_upper 1 -domain_coordinates x -network_init_bias 1"
square="-domain_lower -1,-1 -domain_upper 1,1 -domain_coordinates x,y -network_init_bias 1"
fit() { echo "-terms fit -fit_sampler gauss -fit_points $1 -fit_residual u-($2) -exact_u $2"; }
poisson() { echo "-terms pde,wall -pde_region interior -pde_sampler gauss -pde_points $1 -wall_region boundary -wall_weight 10 -wall_residual u -pde_residual lap(u)+$2 -exact_u $3"; }
problems=(wave cubic plane poisson1d poisson2d)
declare -A problem=(
  [wave]="$line -network_activation sin $(fit 100 'sin(pi*x)+cos(2*pi*x)/2')"
  [cubic]="$line -network_activation tanh $(fit 100 'x^3')"
  [plane]="$square -network_activation sin $(fit 16,16 'sin(pi*x)*cos(pi*y)+x*y')"
  [poisson1d]="$line -network_activation tanh $(poisson 64 'pi^2*sin(pi*x)' 'sin(pi*x)') -wall_points 2"
  [poisson2d]="$square -network_activation tanh $(poisson 14,14 '2*pi^2*sin(pi*x)*sin(pi*y)' 'sin(pi*x)*sin(pi*y)') -wall_points 56"
)
hessian="-tao_engd_direction dense -tao_engd_curvature hessian"
full="-tao_engd_damping 0 -tao_engd_damping_adapt false"
up="-tao_engd_step fixed -tao_engd_accept_increase"
methods=(newton ldlt line gauss absolute cubic trust)
declare -A method=(
  [newton]="$hessian $full $up -tao_engd_dense_type eigen"
  [ldlt]="$hessian $full $up -tao_engd_dense_type ldlt"
  [line]="$hessian $full -tao_engd_dense_type eigen"
  [gauss]="-tao_engd_direction tsvd"
  [absolute]="$hessian -tao_engd_dense_type absolute"
  [cubic]="$hessian -tao_engd_dense_type cubic"
  [trust]="-tao_type ntr -tao_engd_curvature hessian -ksp_type stcg -pc_type none"
)
for cut in 6 14; do
  method[eps$cut]="${method[newton]} -tao_engd_dense_epsilon 1e-$cut"
done
method[shift]="${method[ldlt]} -tao_engd_damping 1e-8"
common="-tao_max_it 300 -tao_gatol 1e-11 -engd_test_points 1000 -engd_monitor false -spectrum hessian,jacobian -spectrum_cutoffs 1e-12,1e-8,1e-4"

# solve NAME options...: a run, its files under this name; one that breaks down leaves only its message
solve() {
  local name=$1
  shift
  timeout 120 ./engd "$@" -engd_summary "$name.json" -spectrum_output "$name.csv" -theta_view "binary:$name.theta" >"$name.txt" 2>&1 || true
}
export -f solve

for p in "${problems[@]}"; do
  [[ $p == @(wave|cubic) ]] && more="eps6 eps14 shift" || more=
  for m in "${methods[@]}" $more; do
    for width in 4 8 16 32; do
      for ((seed = 0; seed < seeds; seed++)); do
        echo "$out/$p-$m-$width-$seed ${problem[$p]} ${method[$m]} -network_layers $width -engd_seed $seed $common"
      done
    done
  done
done >"$out/list"
# a line is a run; no word in it has blanks
# shellcheck disable=SC2016
xargs -P "$jobs" -a "$out/list" -d '\n' -I{} bash -c 'set -f; solve $1' _ {}
/usr/bin/python3 runs/saddles.py "$out" | tee "$out-table.txt"
echo
make -s build/tests/unit/test_saddle
build/tests/unit/test_saddle 2>/dev/null | sed -n 's/^# *//p' | tee -a "$out-table.txt"
