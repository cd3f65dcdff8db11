#!/usr/bin/env bash
# The same points and the same iterations on 1, 2, 3 and 4 ranks: the columns loss, gradient_norm and relative_l2_error of the
# history to a relative 1e-10 over 20 iterations.
#
# Ranks differ in the order of their sums, by rounding. What amplifies it is a Krylov method that is stopped on its way: with
# little damping (condition 1e7 and more) the orthogonality of CG or LSQR is gone after some ten iterations, and what they
# then have depends on every bit. With the damping 1e-3 and -ksp_max_it 20 the first step differs by 1e-3, with 10 by 1e-13;
# another -engd_block_points on one rank does the same. So here Krylov either ends at its tolerance or after very few
# iterations, and the damping is fixed, as an adaptive one goes to zero.
. "$(dirname "$0")/case.sh"
fixed=(-tao_max_it 20 -tao_engd_damping_adapt false -engd_monitor false)
poisson=(-options_file poisson.opts -network_layers 16 -network_init_scale 6 -network_init_bias 2 -pde_points 400
  -wall_points 60 -wall_weight 100 -pc_kfac_ema 0.5 "${fixed[@]}")
kovasznay=(-options_file kovasznay.opts -network_layers 10 -flow_points 100 -wall_points 40 -outflow_points 10
  -network_init_scale 1 -network_init_bias 0 "${fixed[@]}")

# expect_same_history FILE REFERENCE TOLERANCE
expect_same_history() {
  local difference
  difference=$(
    python3 - "$@" <<'PYTHON'
import csv, sys
rows, reference = ([{k: float(v) for k, v in row.items()} for row in csv.DictReader(open(name))] for name in sys.argv[1:3])
if len(rows) != len(reference):
    print(f"{len(rows)} rows, not {len(reference)}")
for row, other in zip(rows, reference):
    for column in ("loss", "gradient_norm", "relative_l2_error"):
        difference = abs(row[column] - other[column]) / abs(other[column])
        if not difference <= float(sys.argv[3]):
            sys.exit(print(f"iteration {row['iteration']:.0f}: {column} differs by {difference:.1e}"))
PYTHON
  )
  [ -z "$difference" ] || complain "$difference"
}

# same WHAT arguments...: one of the runs, on each number of ranks as on one rank
whats=()
same() {
  whats+=("$1")
  line "${@:2}" -engd_history h.csv -engd_solution u.csv
}

same "kfac, CG to its end" "${poisson[@]}" -ksp_type cg -ksp_rtol 1e-14 -ksp_max_it 500 -pc_type kfac \
  -pc_kfac_damping 1e-2 -tao_engd_damping 1
same "jacobi, a few iterations of CG, momentum" "${poisson[@]}" -ksp_type cg -ksp_max_it 5 -pc_type jacobi \
  -pde_sampler grid -wall_sampler grid -tao_engd_damping 1 -tao_engd_momentum 0.5
same "a few iterations of LSQR" "${poisson[@]}" -ksp_type lsqr -ksp_max_it 4 -pc_type none -tao_engd_damping 1
same "nystrom, CG to its end" "${poisson[@]}" -ksp_type cg -ksp_rtol 1e-14 -ksp_max_it 500 -pc_type nystrom \
  -pc_nystrom_update_every 2 -tao_engd_damping 1
same "a system, kfac" "${kovasznay[@]}" -tao_engd_direction krylov -ksp_type cg -ksp_max_it 5 -pc_type kfac \
  -pc_kfac_damping 1e-2 -tao_engd_damping 0.1
same "a system, dense, moving average" "${kovasznay[@]}" -tao_engd_damping 0.1
# rounding times the condition |K| / lambda of K + lambda I: gradients are 5e-12 off at most with the damping 1, 6e-11 with 0.1, and
# there 1.2e-10 with the flags of the sanitizers
same "dual" "${poisson[@]}" -tao_engd_direction dual -tao_engd_damping 1
same "dual, momentum" "${poisson[@]}" -options_file optimisers/spring.opts -tao_engd_damping 1
same "a system, dual, layers by rows" "${kovasznay[@]}" -tao_engd_direction dual -tao_engd_damping 0.1 -tao_engd_dual_kernel rows
for problem in biharmonic kdv; do
  same "$problem: derivatives of third and fourth order" -options_file $problem.opts -network_layers 12 "${fixed[@]}" -tao_engd_damping 10
done
same "randomized" "${poisson[@]}" -tao_engd_direction randomized -tao_engd_rcond 1e-2 -tao_engd_randomized_rank 30

for ranks in 1 2 3 4; do
  run_table "$ranks"
  ((ranks > 1)) || reference=$table
  for k in "${!whats[@]}"; do
    name "${whats[k]}"
    result "$k"
    expect_exit 0
    expect_equal "$(wc -l <h.csv)" 22
    expect_same_history h.csv "$reference/$k/h.csv" 1e-10
    expect_equal "$(cut -d, -f1,2 u.csv | cksum)" "$(cut -d, -f1,2 "$reference/$k/u.csv" | cksum)"
  done
done
