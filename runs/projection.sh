#!/usr/bin/env bash
# The projection theorem made visible: updates beside projections of ideal updates, and what of the ideal one each method keeps.
#
#   runs/projection.sh [iterations]     of each run, 100. About a minute on one core
#
# Poisson (linear), u'' = u^3 - f (not linear) and a Ritz energy. For each a Gauss-Newton run with the ladders of all methods at its
# first, middle and last iterates: slopes at the shortest step that is not rounding. Then Poisson by each of four curvatures, with what of
# Newton's ideal update u* - u their own directions keep along their own runs, and where they end.
# Files: runs/out/projection*; picture: runs/out/projection.png. What came out: runs/projection.md.
# Needs python3 with numpy and matplotlib for the picture.
set -eu
cd "$(dirname "$0")/.."
iterations=${1:-100}
out=runs/out/projection
rm -rf "$out"
mkdir -p "$out"
. runs/one_rank.sh
line="-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 16 -terms pde,end -pde_points 100 -end_region boundary -end_points 2 -end_residual u"
poisson="-options_file poisson.opts -network_layers 32"
declare -A problem=(
  [poisson]="$poisson"
  [cubic]="$line -pde_residual u_xx-u^3+pi^2*sin(pi*x)+sin(pi*x)^3 -exact_u sin(pi*x)"
  [ritz]="$line -pde_energy u_x^2/2-pi^2*sin(pi*x)*u -end_weight 500 -exact_u sin(pi*x)"
)

for p in poisson cubic ritz; do
  ./engd ${problem[$p]} -tao_max_it 40 -engd_monitor false -engd_projection "$out/$p.csv" -engd_projection_every 20 >"$out/$p.txt"
  echo "$p: slope (and what is kept) at iterations 0, 20, 40"
  for m in gauss_newton energy l2 h1 hessian; do
    awk -F, -v m=$m '$2 == m {if (!($1 in kept)) {order[++n] = $1; kept[$1] = $8}; if ($6 != "nan") slope[$1] = $6}
      END {printf "  %-14s", m; for (k = 1; k <= n; k++) printf "%8.3f (%.6g)", slope[order[k]], kept[order[k]]; print ""}' "$out/$p.csv"
  done
done

for m in gauss_newton l2 h1 hessian; do
  more=
  [ $m != hessian ] || more="-tao_engd_direction dense"
  ./engd $poisson -tao_max_it "$iterations" -tao_engd_curvature $m $more -engd_monitor false -engd_projection "$out/run-$m.csv" \
    -engd_projection_every 5 -engd_projection_methods $m >"$out/run-$m.txt"
  printf '%-14s kept at 0, 20, ..: ' $m
  awk -F, '$1 % 20 == 0 && !seen[$1]++ && $1 != "iteration" {printf "%.3g ", $8}' "$out/run-$m.csv"
  tail -n 1 "$out/run-$m.txt"
done
/usr/bin/python3 runs/plot.py projection "$out/poisson.csv" "$out"/run-*.csv -o runs/out/projection.png
