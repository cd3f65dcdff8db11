#!/usr/bin/env bash
# Competitive PINNs: the published experiment (options/cpinn.opts) as a game of a solution with a critic, and by Gauss-Newton without one.
#
#   runs/minimax.sh [seconds]     of each run, 60; on one core, seven runs
#
#   competitive, extragradient    first-order, lengths of steps by hand
#   lagrange                      Lagrange-Newton: eigenvalues of G above 1e-10 of the largest, the length by the norm of the gradient
#   minres                        the same by MINRES on products, preconditioned by KFAC
#   rho                           lagrange with - rho (v^2 + w^2)/2, rho = 1: the maximum over critics is the least-squares loss
#   squared, rows                 Gauss-Newton on u alone: G = J^T J written out, cut at 1e-10; rows of J (tsvd)
#
# Files: runs/out/minimax*. What came out: runs/minimax.md.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
out=runs/out/minimax
rm -rf "$out"
mkdir -p "$out"
. runs/one_rank.sh
game="-options_file cpinn.opts -sol_layers 32 -sol_init_scale 1 -sol_init_bias 0 -critic_layers 32 -critic_inputs x,y -pde_sampler grid -wall_sampler grid
  -tao_type competitive -tao_competitive_length 0.1"
alone="-domain_lower -2,-2 -domain_upper 2,2 -domain_coordinates x,y -network_layers 32 -terms pde,wall -pde_points 900 -wall_points 120
  -pde_residual lap(u)+2*sin(x)*cos(y) -wall_region boundary -wall_residual u-sin(x)*cos(y) -exact_u sin(x)*cos(y) -tao_type engd"
pure="-tao_engd_damping 0 -tao_engd_damping_adapt false"
dense="-tao_engd_direction dense -tao_engd_dense_type eigen $pure"
declare -A way=(
  [competitive]="$game"
  [extragradient]="$game -tao_type extragradient -tao_extragradient_length 0.1"
  [lagrange]="$game -tao_type engd -tao_engd_step saddle $dense"
  [minres]="$game -tao_type engd -tao_engd_step saddle -tao_engd_direction krylov -ksp_type minres -ksp_max_it 500 $pure -tao_engd_damping 1e-10"
  [rho]="$game -tao_type engd -tao_engd_step saddle $dense -pde_energy v*(lap(u)+2*sin(x)*cos(y))-v^2/2 -wall_energy w*(u-sin(x)*cos(y))-w^2/2"
  [squared]="$alone $dense"
  [rows]="$alone -tao_engd_direction tsvd"
)
for w in competitive extragradient lagrange minres rho squared rows; do
  # shellcheck disable=SC2086
  ./engd ${way[$w]} -tao_max_it 100000 -engd_max_seconds "$seconds" -engd_monitor false -engd_history "$out/$w.csv" \
    -engd_summary "$out/$w.json" >"$out/$w.txt" 2>&1 || true
  printf '%-14s gradient %s; ' $w "$(tail -n 1 "$out/$w.csv" | cut -d, -f3)"
  tail -n 1 "$out/$w.txt"
done
