#!/usr/bin/env bash
# What the README shows: options files run and lower their losses (options.sh: all of them), files are found and combined, -help is
# the manual without a solve, methods are exchanged on the command line, a plug-in adds an activation.
. "$(dirname "$0")/case.sh"
files=$(mktemp -d)
trap 'finish_test; rm -rf "$files"; echo done' EXIT

# keys UNKNOWN...: those of a summary of these unknowns with an exact solution
keys() {
  local unknown=
  [ "$1" != parameters ] || { unknown=" unknown_parameters" && shift; }
  echo "problem options version petsc_version slepc_version mpi compiler commit host started ended ranks seed parameters points" \
    "resolved iterations converged_reason end loss gradient_norm relative_l2_error ${*/#/relative_l2_error_} relative_h1_error" \
    "max_error fresh_loss estimated_error limited_by$unknown seconds_total seconds_per_iteration krylov_iterations" \
    "function_evaluations peak_memory_bytes view"
}

# expect_solved PROBLEM ITERATIONS UNKNOWN...: from -engd_summary s.json -engd_history h.csv
expect_solved() {
  expect_exit 0
  expect_stderr_empty
  local problem iterations loss error names
  # one process for all
  read -r problem iterations loss error names < <(python3 -c '
import json
summary = json.load(open("s.json"))
print(*(summary[key] for key in ("problem", "iterations", "loss", "relative_l2_error")), *summary)')
  expect_equal "$problem $iterations" "$1 $2"
  expect_equal "$names" "$(keys "${@:3}")"
  expect_less "$loss" "$(sed -n 2p h.csv | cut -d, -f2)"
  expect_close "$loss" "$(tail -n 1 h.csv | cut -d, -f2)" "${tolerance:-1e-12}"
  expect_close "$(tail -n 1 stdout | sed -n 's/^relative L2 error \([^ ]*\) after .*/\1/p')" "$error" 1e-2
}
report=(-engd_summary s.json -engd_history h.csv)
small=(-network_layers 10 -pde_points 100 -wall_points 40 -tao_max_it 3 -ksp_max_it 20 "${report[@]}")

run 2 -options_file heat.opts -tao_max_it 8 -ksp_max_it 30 "${report[@]}"
expect_solved heat 8 u
run 2 -options_file poisson5d.opts -tao_max_it 5 "${report[@]}"
expect_solved poisson5d 5 u
for model in ansatz periodic; do
  run 2 -options_file $model.opts -tao_max_it 6 "${report[@]}"
  expect_solved $model 6 u
done
run 2 -options_file inverse.opts "${report[@]}"
expect_solved inverse 80 parameters u
expect_close "$(json s.json unknown_parameters.nu.value)" 0.5 1e-3
expect_less "$(json s.json unknown_parameters.nu.standard_error)" 1e-3
expect_stdout '^  nu +0\.(500|499).* standard error'
run 2 -options_file kovasznay.opts -flow_points 400 -tao_max_it 3 "${report[@]}"
expect_solved kovasznay 3 u v p

name "the first example comes close to rounding"
run 2 -options_file poisson.opts "${report[@]}"
expect_less "$(json s.json relative_l2_error)" 1e-9

# Files: one on top of another, in the working directory before options/ beside the program, from ENGD_OPTIONS_PATH
printf -- '# faster\n-network_layers 5 -tao_max_it 2\n' >"$files/fast.opts"
name "a second options file on top of the first"
run 2 -options_file poisson.opts "${small[@]}" -options_file "$files/fast.opts"
expect_solved poisson 2 u
expect_equal "$(json s.json parameters)" 21
mkdir "$files/path" && cp "$ENGD_ROOT/options/poisson.opts" "$files/path/mine.opts"
export ENGD_OPTIONS_PATH=/no/such/directory:$files/path
name "an options file of ENGD_OPTIONS_PATH"
run 2 -options_file mine.opts "${small[@]}"
expect_solved mine 3 u
unset ENGD_OPTIONS_PATH
name "an options file of the working directory comes before that of the program"
mkdir -p "$SCRATCH/run.$((runs + 1))" && echo "-options_file poisson.opts -domain_type nonsense" >"$SCRATCH/run.$((runs + 1))/heat.opts"
run 1 -options_file heat.opts
expect_exit 2
expect_stderr_one_line_matching 'nonsense'
printf 'network_layers: 6\nterms: fit\nfit:\n  points: 50\n  residual: u - sin(x)\n' >"$files/fit.yaml"
printf 'domain_upper: 2\nexact_u: sin(x)\n' >>"$files/fit.yaml"
name "a YAML options file"
run 2 -options_file "$files/fit.yaml" -domain_coordinates x -domain_lower 0 -tao_max_it 4 "${report[@]}"
expect_solved fit 4 u
expect_equal "$(json s.json parameters) $(json s.json points)" "19 50"

# -help alone shows all, with a problem what belongs to it; neither solves. It fits the screen, and PETSc's own is -help all
families='-domain_lower -network_layers -tao_engd_step -tao_engd_damping -pc_kfac_damping -ksp_rtol -tao_max_it -engd_summary
-engd_seed -engd_max_seconds -options_file'
for arguments in "-help" "-options_file poisson.opts -help"; do
  begin=$EPOCHREALTIME
  # shellcheck disable=SC2086
  run 2 $arguments "${report[@]}"
  expect_exit 0
  expect_less "$(echo "$begin $EPOCHREALTIME" | awk '{print $2 - $1}')" 10
  expect_stderr_empty
  expect_no_file s.json h.csv
  expect_equal "$(grep -cE '^ +[0-9]+ +[0-9.e+-]+|^relative L2 error' stdout)" 0
  for option in $families; do expect_stdout " $option[: ]"; done
  if [ "$arguments" = -help ]; then expect_stdout ' -TERM_residual[: ]'; else expect_stdout ' -wall_residual[: ]'; fi
  expect_equal "$(sed 1,5d stdout | awk 'length > 115' | wc -l) $(grep -c 'Viewer\|formerly\|_monitor_draw' stdout)" "0 0"
  expect_less "$(wc -l <stdout)" 260
done
run 1 -options_file poisson.opts -tao_type flow -unknown_parameters c=1 -help
expect_stdout '^ +-tao_flow_time '
expect_stdout '^ +-unknown_upper '
expect_equal "$(grep -c -e '-tao_flow_ts_' stdout)" 0 # PETSc's own within a type of engd
run 1 --help all
expect_exit 0
expect_stdout 'ksp_monitor_true_residual'
expect_stdout 'EngdProblemSetTerms'

# Methods exchanged on the command line: what the file says of the others is let through, misspelt options are not
for method in "-pc_type none" "-ksp_type lsqr" "-tao_type lmvm"; do
  # shellcheck disable=SC2086
  run 2 -options_file poisson.opts "${small[@]}" $method
  expect_solved poisson 3 u
done
run 2 -options_file poisson.opts "${small[@]}" -tao_type brgn
tolerance=1e-3 expect_solved poisson 3 u # its own loss has a regularisation added
run 2 -options_file poisson.opts "${small[@]}" -pc_kfac_dampin 1e-3
expect_exit 2
expect_stderr_one_line_matching 'option.*-pc_kfac_dampin 1e-3 \(did you mean -pc_kfac_damping\?\)'
for misspelt in "-tao_engd_direction tsvd -tao_engd_dual_momentumm 0.5" "-pc_type none -pc_kfac_dampin 1" "-tao_type lmvm -ksp_rtoll 1"; do
  # shellcheck disable=SC2086
  run 2 -options_file poisson.opts "${small[@]}" $misspelt
  expect_exit 2
  expect_stderr_one_line_matching "option.*${misspelt##* -}.*did you mean"
done

# Exact Newton: PETSc's types, Krylov and dense directions
for method in "-tao_type ntr" "-tao_type ntl" "-tao_type nls -tao_nls_pc_type none" "-ksp_type minres -pc_type none" \
  "-tao_engd_direction dense -tao_engd_dense_type absolute" "-tao_engd_direction dense -tao_engd_dense_type cubic"; do
  # shellcheck disable=SC2086
  run 2 -options_file poisson.opts "${small[@]}" -tao_engd_curvature hessian $method
  expect_solved poisson 3 u
done

# An energy has no residual vector: methods that need one say so
for method in "-ksp_type lsqr" "-tao_type brgn"; do
  # shellcheck disable=SC2086
  run 2 -terms ritz -domain_coordinates x -domain_lower 0 -domain_upper 1 -ritz_energy 'u_x^2/2 - u' -ritz_points 20 $method
  expect_exit 2
  expect_stderr_one_line_matching 'energy'
done

# A plug-in: sin under another name, so that both runs are the same
cat >"$files/plugin.c" <<'C'
#include <engd.h>
#include <math.h>
static void Wave(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[])
{
  for (PetscInt k = 0; k <= order; k++) {
    for (PetscInt i = 0; i < n; i++) s[k][i] = k % 2 ? (k % 4 == 1 ? 1 : -1) * cos(a[i]) : (k % 4 == 0 ? 1 : -1) * sin(a[i]);
  }
}
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_plugin(void)
{
  return EngdActivationRegister("wave", Wave);
}
C
petsc=$(pkg-config --exists petsc && echo petsc || echo PETSc)
# shellcheck disable=SC2046
if ! mpicc -shared -fPIC -I"$ENGD_ROOT/include" $(pkg-config --cflags "$petsc") -o "$files/libplugin.so" "$files/plugin.c"; then
  echo "not ok compile the plug-in"
fi
name "without its plug-in an activation is unknown"
run 2 -options_file poisson.opts "${small[@]}" -network_activation wave
expect_exit 2
expect_stderr_one_line_matching '-network_activation wave'
name "the activation sin"
run 2 -options_file poisson.opts "${small[@]}" -network_activation sin -ksp_max_it 3
expect_solved poisson 3 u
sine=$(json s.json loss)
name "the same by a plug-in"
run 2 -options_file poisson.opts "${small[@]}" -network_activation wave -ksp_max_it 3 -dll_append "$files/libplugin.so"
expect_solved poisson 3 u
expect_close "$(json s.json loss)" "$sine" 1e-9
