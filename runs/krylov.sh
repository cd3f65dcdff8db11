#!/usr/bin/env bash
# What this showed, and on which machine: runs/krylov.md
# How many CG iterations a direction takes with each preconditioner, and what that is worth: Poisson 2D, 2-64-1.
#
#   runs/krylov.sh [ranks]          about 10 minutes on two cores; two tables on the screen, files in runs/out/
#
# Table 1: the same systems for all. The damping is fixed at 1e-5 and every system is solved to 1e-8, so that all runs take
#          the same path; mean over 20 outer iterations of the CG iterations after which the true residual is below each
#          tolerance, ">" where some systems did not get there in 3000.
# Table 2: what counts. options/poisson-kfac.opts with CG stopped at a tolerance or after 300 iterations: the error after 40000
#          CG iterations in all (about as many Gramian products), for three seeds. The runs share the start, not the path.
#
# What it showed: by the residual, KFAC with a damping of 1e-2 saves a third of the iterations to 1e-1 and 1e-2 and none to
# 1e-4, and with little damping it needs more than no preconditioner. By the error after as many products it wins by a
# factor of ten, if CG is not stopped by its residual: it brings in the weak directions first, which the norm of the
# residual does not see. Hence -ksp_rtol 1e-10 in the problem files. Nystrom with its adaptive rank needs 1, 1 and 2
# iterations (at most 10 to 1e-8), and as many products at once as its rank.
set -eu
cd "$(dirname "$0")/.."
ranks=${1:-2}
mkdir -p runs/out
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

solve() { mpirun --oversubscribe -n "$ranks" ./engd -options_file poisson-kfac.opts -ksp_norm_type unpreconditioned "$@"; }

printf '%-8s  %12s  %8s  %8s  %8s\n' pc 'kfac damping' 'to 1e-1' 'to 1e-2' 'to 1e-4'
for pc in none jacobi 'kfac 1e-2' 'kfac 1e-6' nystrom; do
  read -r type damping <<<"$pc"
  output="runs/out/krylov-$type${damping:+-$damping}.txt"
  solve -tao_max_it 20 -tao_engd_damping_adapt false -tao_engd_damping 1e-5 -pc_type "$type" \
    ${damping:+-pc_kfac_damping $damping} -ksp_rtol 1e-8 -ksp_max_it 3000 -ksp_monitor >"$output"
  awk -v pc="$type" -v damping="${damping:--}" '
    function end_system(  t) {
      for (t = 1; t <= 3; t++) {
        sum[t] += first[t] ? first[t] : 3000
        if (!first[t]) missed[t] = ">"
        first[t] = 0
      }
    }
    BEGIN {split("1e-1 1e-2 1e-4", tolerance)}
    /KSP Residual norm/ {
      if ($1 == 0) {if (systems++) end_system(); norm = $5}
      for (t = 1; t <= 3; t++) if (!first[t] && $5 <= tolerance[t] * norm) first[t] = $1
    }
    END {
      end_system()
      printf "%-8s  %12s", pc, damping
      for (t = 1; t <= 3; t++) printf "  %8s", missed[t] sprintf("%.0f", sum[t] / systems)
      print ""
    }' "$output"
done

printf '\n%-8s  %9s  %s\n' pc tolerance 'relative L2 errors, seeds 0 1 2'
for pc in none jacobi kfac nystrom; do
  for tolerance in 1e-2 1e-4 1e-10; do
    printf '%-8s  %9s' $pc $tolerance
    for seed in 0 1 2; do
      history=runs/out/krylov-$pc-$tolerance-$seed.csv
      mpirun --oversubscribe -n "$ranks" ./engd -options_file poisson-kfac.opts -engd_max_seconds 20 -tao_max_it 2000 -pc_type $pc \
        -ksp_rtol $tolerance -engd_seed $seed -engd_monitor false -engd_history "$history" >/dev/null
      awk -F, '
        NR == 1 {for (i = 1; i <= NF; i++) column[$i] = i; next}
        sum + $column["krylov_iterations"] <= 40000 {sum += $column["krylov_iterations"]; e = $column["relative_l2_error"]}
        END {printf "  %.1e%s", e, sum < 39000 ? "<" : " "}' "$history"
    done
    echo
  done
done
