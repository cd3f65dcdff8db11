#!/usr/bin/env bash
# Memory errors that sanitizers do not see, uninitialised values above all: B=build/valgrind PROGRAM=... tests/valgrind.sh
#
# The program and some of the unit tests under valgrind's memcheck, on one rank and, where more do anything else, on two; the build must
# be without AVX-512, which valgrind 3.19 does not know, and OpenBLAS is told so. The last line is "N passed, N failed", the exit code 1
# when one failed.
set -u
cd "$(dirname "$0")/.." || exit 1
B=$(realpath -s "${B:-build/valgrind}") PROGRAM=$(realpath -s "${PROGRAM:-$B/engd}") MPIEXEC=${MPIEXEC:-mpirun}
. tests/environment.sh
export OPENBLAS_CORETYPE=Nehalem GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
supp=()
for file in /usr/share/openmpi/openmpi-valgrind.supp tests/valgrind.supp; do
  [ ! -e "$file" ] || supp+=("--suppressions=$PWD/$file")
done
supp=("${supp[@]//$PWD\/\///}")
passed=0 failed=0

check() { # ranks program arguments...
  local ranks=$1 name
  shift
  name="$(basename "$1") ${*:2} (ranks $ranks)"
  if (cd "$work" && timeout 900 "$MPIEXEC" -n "$ranks" valgrind -q --error-exitcode=99 --num-callers=25 "${supp[@]}" "$@" >out 2>err) &&
    ! grep -q '^==[0-9]*== [A-Z]' "$work/err"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "not ok $name"
    { grep -m 40 '^==' "$work/err" || tail -n 5 "$work/err"; } | sed 's/^/# /'
  fi
}

small=(-options_file "$PWD/options/poisson.opts" -network_layers 5 -pde_points 20 -wall_points 8 -engd_test_points 20 -tao_max_it 2)
directions=("tsvd" "dense" "dense -tao_engd_curvature hessian -tao_engd_dense_type cubic" "dual" "randomized" "krylov -pc_type nystrom"
  "krylov -ksp_type lsqr -pc_type none")
for ranks in ${RANKS:-1 2}; do
  for direction in "${directions[@]}"; do
    # shellcheck disable=SC2086
    check "$ranks" "$PROGRAM" "${small[@]}" -tao_engd_direction $direction -engd_checkpoint c.h5
  done
  check "$ranks" "$PROGRAM" "${small[@]}" -engd_stages adam,engd
  check "$ranks" "$PROGRAM" "${small[@]}" -engd_summary s.json -engd_history h.csv -engd_solution u.csv
  check "$ranks" "$PROGRAM" "${small[@]}" -tao_engd_direction krylov -spectrum hessian,jacobian -spectrum_output s.h5
  for test in ${TESTS:-expression expression_errors jet layout system values files}; do
    # more ranks do nothing else where the source names one, or none
    ((ranks == 1)) || grep -q 'ranks: 1 [0-9]' "tests/unit/test_$test.c" || continue
    check "$ranks" "$B/tests/unit/test_$test"
  done
done
echo "$passed passed, $failed failed"
((failed == 0))
