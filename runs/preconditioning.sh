#!/usr/bin/env bash
# Operator preconditioning: the condition of G for linear models of Fourier features, and what a change of scale by the operator does.
#
#   runs/preconditioning.sh       half a minute on one core
#
# u = sum_k c_k sin(k pi x), k = 1, ..., K on (0, 1): training is least squares in c (PINN, the Hermitian square D*D of the operator D) or
# the minimisation of its energy (Ritz, D itself); D u = -u'' and D u = -(a u')' with a = 1 + 0.9 sin(2 pi x). The condition of G
#
#   plain      as it is
#   scaled     with features sin(k pi x)/k^2, that is u -> c_k/k^2, the inverse of the principal part of D
#   root       with sin(k pi x)/k, the inverse of its root
#   jacobi     P = diag(G), kfac P = KFAC, on the plain features: P^{-1} G
#
# After De Ryck, Bonnet, Mishra, de Bezenac, An operator preconditioning perspective on training in physics-informed machine learning
# (arXiv 2310.05801). Files: runs/out/preconditioning*. What came out: runs/preconditioning.md. Needs python3 with matplotlib for the picture.
set -eu
cd "$(dirname "$0")/.."
out=runs/out/preconditioning
rm -rf "$out"
mkdir -p "$out"
. runs/one_rank.sh
features() { # K, and by which power of k each is divided
  local k
  for ((k = 1; k <= $1; k++)); do printf 'sin(%d*pi*x)/%d^%d%s' "$k" "$k" "$2" "$( ((k == $1)) || echo ,)"; done
}
declare -A loss=(
  [laplace-pinn]="-pde_residual lap(u)+1"
  [laplace-ritz]="-pde_energy u_x^2/2-u"
  [variable-pinn]="-pde_residual div(a*grad(u))+1"
  [variable-ritz]="-pde_energy a*u_x^2/2-u"
)
# condition FILE: of the eigenvalues in it; that of the bias is zero and does not count
condition() { awk -F, '$4 == "all" {v[++n] = $7} END {m = n; while (m > 1 && v[m] < 1e-13 * v[1]) m--; print v[1] / v[m]}' "$1"; }

echo "problem,way,K,condition" >"$out.csv"
for p in laplace-pinn laplace-ritz variable-pinn variable-ritz; do
  for K in 4 8 16 32 64; do
    for way in plain root scaled jacobi kfac; do
      case $way in scaled) by=2 ;; root) by=1 ;; *) by=0 ;; esac
      [[ $way == @(jacobi|kfac) ]] || kind=gramian
      [[ $way != @(jacobi|kfac) ]] || kind="preconditioned -pc_type $way -tao_engd_direction krylov -tao_engd_damping 0 -tao_engd_damping_adapt false"
      ./engd -domain_lower 0 -domain_upper 1 -domain_coordinates x -functions "a=1+9/10*sin(2*pi*x)" -network_layers none \
        -network_inputs "$(features $K $by)" -terms pde -pde_points 400 -pde_sampler gauss ${loss[$p]} -tao_type engd -tao_max_it 1 \
        -engd_monitor false -spectrum $kind -spectrum_output "$out/$p-$K-$way.csv" >"$out/$p-$K-$way.txt" 2>&1 || true
      echo "$p,$way,$K,$(condition "$out/$p-$K-$way.csv")" >>"$out.csv"
    done
  done
done
cat "$out.csv"
