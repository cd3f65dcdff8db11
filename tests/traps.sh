#!/usr/bin/env bash
# PETSc's own traps: B=build PROGRAM=engd tests/traps.sh
#
# Each direction and each kind of output on one and two ranks: -fp_trap stops where a number that is none comes about, -malloc_debug
# finds what is written beside its place, and -malloc_dump lists what is never freed. The last line is "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
B=${B:-build} PROGRAM=$(realpath -s "${PROGRAM:-engd}") MPIEXEC=${MPIEXEC:-mpirun}
. tests/environment.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
small=(-options_file "$PWD/options/poisson.opts" -network_layers 8 -pde_points 60 -wall_points 24 -engd_test_points 50 -tao_max_it 4
  -engd_monitor false)

check() { # ranks arguments...
  local ranks=$1 words
  shift
  (cd "$work" && timeout -k 5 120 "$MPIEXEC" -n "$ranks" "$PROGRAM" "${small[@]}" "$@" >out 2>err)
  local code=$?
  words=$(grep -hE '^\[ *[0-9]+\] ?[0-9]+ bytes|Floating point|PETSC ERROR|corrupt' "$work/out" "$work/err" | head -n 5)
  if [ "$code" = 0 ] && [ -z "$words" ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "not ok ${*} (ranks $ranks): exit code $code"
    printf '%s\n' "$words" "$(tail -n 3 "$work/err")" | sed 's/^/# /'
  fi
}

directions=("-tao_engd_direction tsvd" "-tao_engd_direction dense" "-tao_engd_direction dense -tao_engd_dense_type cubic -tao_engd_curvature hessian"
  "-tao_engd_direction dual" "-tao_engd_direction randomized" "-tao_engd_direction krylov -pc_type kfac" "-tao_engd_direction krylov -pc_type nystrom"
  "-tao_engd_direction krylov -ksp_type lsqr -pc_type none" "-tao_type adam" "-tao_type sgd" "-tao_type lmvm" "-engd_stages adam,engd")
outputs=(-engd_history h.csv -engd_summary s.json -engd_solution u.csv -engd_checkpoint c.h5 -engd_integrals mass -mass_integrand "u^2"
  -spectrum "hessian,jacobian" -spectrum_output s.h5)
for ranks in 1 2; do
  for traps in "-fp_trap" "-malloc_debug -malloc_dump"; do
    for direction in "${directions[@]}"; do
      # shellcheck disable=SC2086
      check "$ranks" $direction $traps
    done
    # shellcheck disable=SC2086
    check "$ranks" "${outputs[@]}" $traps
    # shellcheck disable=SC2086
    check "$ranks" -engd_restart c.h5 -engd_evaluate test $traps
  done
done
echo "$passed passed, $failed failed"
((failed == 0))
