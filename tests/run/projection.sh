#!/usr/bin/env bash
# Updates beside projections of ideal updates (-engd_projection): their distances fall with the square of the length of the step,
# those of Newton's method in the parameters with the length itself, on any number of ranks, and also in a run that goes on.
. "$(dirname "$0")/case.sh"
base=(-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 8 -terms pde,end -pde_points 40
  -end_region boundary -end_points 2 -end_residual u -tao_max_it 10 -engd_seed 2 -engd_monitor false)
energies=("${base[@]}" -pde_energy 'u_x^2/2 - u' -end_weight 50 -engd_projection "$SCRATCH/e.csv" -engd_projection_every 5)

# slopes FILE METHOD LEAST MOST: at the shortest step that is not rounding, of all iterates
slopes() {
  expect_equal "$(awk -F, -v m="$2" -v a="$3" -v b="$4" '
    $2 == m && $6 != "nan" {s[$1] = $6} END {for (i in s) {n++; bad += !(s[i] >= a && s[i] <= b)}; print (n > 0) - bad}' "$1")" 1
}
# of FILE METHOD COLUMN: at the shortest step from the first iterate that is not rounding
of() { awk -F, -v m="$2" -v c="$3" '$2 == m && $1 == 0 && $6 != "nan" {v = $c} END {print v}' "$1"; }
iterations() { cut -d, -f1 "$1" | uniq | xargs; }

for ranks in 1 3; do
  file=$SCRATCH/$ranks.csv
  name "a linear problem"
  run $ranks "${base[@]}" -pde_residual 'u_xx + pi^2*sin(pi*x)' -exact_u 'sin(pi*x)' -engd_projection "$file"
  expect_exit 0
  expect_stderr_empty
  expect_equal "$(iterations "$file")" "iteration 0 10"
  for method in gauss_newton energy l2 h1; do slopes "$file" $method 1.9 2.1; done
  slopes "$file" hessian 0.9 1.1
  expect_close "$(of "$file" gauss_newton 7)" "$(of "$file" gauss_newton 5)" 1e-6 # the ideal update is u* - u
  for method in l2 h1 hessian; do expect_less "$(of "$file" $method 8)" "$(of "$file" gauss_newton 8)"; done
done
for method in gauss_newton l2 h1 hessian; do
  expect_close "$(of "$SCRATCH/3.csv" $method 8)" "$(of "$SCRATCH/1.csv" $method 8)" 1e-6
done

name "an equation that is not linear"
run 2 "${base[@]}" -pde_residual 'u_xx - u^3 + 1' -engd_projection n.csv -engd_projection_methods energy,gauss_newton
expect_exit 0
expect_equal "$(cut -d, -f2 n.csv | sort -u | xargs)" "energy gauss_newton method"
for method in energy gauss_newton; do slopes n.csv $method 1.9 2.1; done

name "energies"
run 2 "${energies[@]}" -engd_checkpoint "$SCRATCH/c.h5"
expect_exit 0
expect_equal "$(iterations "$SCRATCH/e.csv")" "iteration 0 5 10"
for method in energy l2 h1; do slopes "$SCRATCH/e.csv" $method 1.9 2.1; done
slopes "$SCRATCH/e.csv" hessian 0.9 1.1
name "a run that goes on keeps its rows"
run 2 "${energies[@]}" -engd_restart "$SCRATCH/c.h5" -tao_max_it 15
expect_exit 0
expect_equal "$(iterations "$SCRATCH/e.csv")" "iteration 0 5 10 15"
