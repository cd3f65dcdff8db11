#!/usr/bin/env bash
# Old against new in one run: each way to a direction by what was there before, and by what there is, one after the other.
#
#   runs/old_new.sh [ranks ...]                     1 2 ranks: some four minutes on two idle cores; CASES='dual tsvd': only these
#   OLD=/elsewhere/engd runs/old_new.sh 1 2         against another build, with the options of the new one
#   LARGE=1 runs/old_new.sh 1 2                     only kernels of order 3500 and 10 000: some ten minutes, 4 GB
#
# Without OLD the old way is the one that an option still takes: kernels that the BLAS chooses by itself, factors on rank 0, float64, kernels
# by rows, plain CG; and of tsvd the tree of QRs with an SVD on one rank, by build/bench/least_squares. Old and new take turns TRIES times (2),
# of which the least counts: on a busy machine only the ratio says something. Columns: seconds of an iteration (all ranks' Train stage), and
# losses at the end, which are to be the same but for rounding and for what the old way is (float32, an other CG). What came out: runs/scaling.md.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 1 2
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
mpiexec=${MPIEXEC:-mpirun} new_program=${ENGD_PROGRAM:-./engd}
tries=${TRIES:-2} iterations=${ITERATIONS:-4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
poisson5d="-options_file poisson5d.opts -network_layers 64,64,48,48"

# name | least ranks | options of both | old | new
cases="
krylov     | 1 | $poisson5d -pde_points 3000 -wall_points 500 -tao_engd_direction krylov -pc_type kfac -ksp_type cg -ksp_max_it 20 | -engd_blas_kernels library |
pipelined  | 2 | $poisson5d -pde_points 3000 -wall_points 500 -tao_engd_direction krylov -pc_type kfac -ksp_max_it 20 | -ksp_type cg | -ksp_type pipecg
dual       | 1 | $poisson5d -pde_points 1500 -wall_points 250 -tao_engd_direction dual | -engd_blas_kernels library |
rows       | 1 | $poisson5d -pde_points 1500 -wall_points 250 -tao_engd_direction dual | -tao_engd_dual_kernel rows | -tao_engd_dual_kernel auto
float32    | 1 | $poisson5d -pde_points 1500 -wall_points 250 -tao_engd_direction dual | -tao_engd_dual_precision double | -tao_engd_dual_precision single
tsvd       | 1 | -options_file poisson.opts -network_layers 64,64,48,48 -pde_points 900 -wall_points 120 -tao_engd_direction tsvd | -engd_blas_kernels library |
ldlt       | 1 | -options_file poisson5d.opts -network_layers 200 -pde_points 3000 -wall_points 500 -tao_engd_direction dense | -tao_engd_dense_spread 1000000 |
eigen      | 2 | -options_file poisson5d.opts -network_layers 200 -pde_points 3000 -wall_points 500 -tao_engd_direction dense -tao_engd_dense_type eigen | -tao_engd_dense_spread 1000000 | -tao_engd_dense_spread 500
indefinite | 2 | -options_file poisson.opts -network_layers 250 -pde_points 100 -wall_points 50 -tao_engd_direction dense -tao_engd_curvature hessian | -tao_engd_dense_spread 1000000 | -tao_engd_dense_spread 500
randomized | 1 | -options_file poisson.opts -network_layers 64,64,48,48 -pde_points 900 -wall_points 120 -tao_engd_direction randomized | -engd_blas_kernels library |
quotient   | 1 | -options_file well5d.opts | -engd_blas_kernels library |
"

if [ -n "${LARGE:-}" ]; then
  medium="$poisson5d -pde_points 3000 -wall_points 500 -tao_engd_direction dual" large="$poisson5d -pde_points 8500 -wall_points 1500 -tao_engd_direction dual"
  strong="-tao_engd_damping 1e-7 -tao_engd_damping_adapt false -network_init uniform -network_init_scale 1 -network_init_bias 1 -wall_weight 0.1"
  cases="
rows3500     | 1 | $medium | -tao_engd_dual_kernel rows | -tao_engd_dual_kernel auto
float3500    | 1 | $medium | -tao_engd_dual_precision double | -tao_engd_dual_precision single
products3500 | 1 | $medium $strong | -tao_engd_dual_solver cholesky | -tao_engd_dual_kernel none -pc_nystrom_rank 1000 -ksp_rtol 1e-8
rows10000    | 1 | $large | -tao_engd_dual_kernel rows | -tao_engd_dual_kernel auto
float10000   | 1 | $large | -tao_engd_dual_precision double | -tao_engd_dual_precision single
"
  iterations=${ITERATIONS:-2}
fi

run() { # program ranks options...: seconds an iteration and the loss
  local program=$1 ranks=$2
  shift 2
  $mpiexec -n "$ranks" "$program" "$@" -tao_max_it "$iterations" -engd_monitor false -engd_summary "$work/s.json" \
    -log_view ":$work/log" </dev/null >"$work/out" 2>&1 || { tail -n 3 "$work/out" >&2; return 1; }
  python3 runs/scaling.py --row "$work/log" "$work/s.json" case strong "$ranks" |
    awk -F, -v loss="$(sed -n 's/^ *"loss": *\([^,]*\).*/\1/p' "$work/s.json" | head -n 1)" '{printf "%.4g %.6e\n", $5 / ($4 ? $4 : 1), loss}'
}

least() { sort -g | head -n 1; }

echo "| case | ranks | old | s an iteration | new | s an iteration | old/new | losses |"
echo "|---|---|---|---|---|---|---|---|"
while IFS='|' read -r name from both old new; do
  name=${name// /}
  [ -n "$name" ] || continue
  [[ -z ${CASES:-} || " $CASES " == *" $name "* ]] || continue
  [ -z "${OLD:-}" ] || { old=$new; }
  for ranks; do
    ((ranks >= from)) || continue
    : >"$work/old" && : >"$work/new"
    for ((k = 0; k < tries; k++)); do
      # shellcheck disable=SC2086
      run "${OLD:-$new_program}" "$ranks" $both $old >>"$work/old" || continue 2
      # shellcheck disable=SC2086
      run "$new_program" "$ranks" $both $new >>"$work/new" || continue 2
    done
    read -r before loss < <(least <"$work/old")
    read -r now loss_now < <(least <"$work/new")
    awk -v n="$name" -v r="$ranks" -v o="${OLD:-$(xargs <<<"$old")}" -v w="$(xargs <<<"$new")" -v a="$before" -v b="$now" \
      -v l="$loss" -v m="$loss_now" 'BEGIN {printf "| %s | %d | %s | %.3g | %s | %.3g | %.2f | %s, %s |\n", n, r, o, a, w, b, a / b, l, m}'
  done
done <<<"$cases"
if [ -z "${OLD:-}" ] && [ -x build/bench/least_squares ] && [[ -z ${CASES:-} || " $CASES " == *" tsvd "* ]]; then
  echo
  echo "Least squares: milliseconds of the processor by the tree of QRs with an SVD (svd), and by QR of panels and truncation (truncated)"
  $mpiexec -n 1 build/bench/least_squares
fi
