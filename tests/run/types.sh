#!/usr/bin/env bash
# A new type is one file: files to copy from, as README.md names them, are put under new names into a copy of the tree, which is
# built and run with the new types; no other file changes. Two files that give one name are refused.
. "$(dirname "$0")/case.sh"

if [ -n "${SANITIZED:-}" ]; then exit 0; fi # the compiler's flags are no matter here
work=$(mktemp -d)
trap 'finish_test; rm -rf "$work"; echo done' EXIT
mkdir "$work/build"
cp -a "$ENGD_ROOT"/{makefile,include,src,options} "$work"
cp -a "$ENGD_BUILD"/{src,flags,registered.*} "$work/build" # so that the new files alone are compiled
flags=$(<"$ENGD_BUILD/flags")

build() {
  finish_test
  current=$1 exit_code=0
  cd "$SCRATCH" || exit 1
  make -C "$work" -j2 B=build CC="${flags%% -std=*}" CFLAGS="-std=${flags#* -std=}" engd >stdout 2>stderr || exit_code=$?
}
copy() { # from to sed-script
  sed "$3" "$ENGD_ROOT/$1" >"$work/$2"
}

copy examples/plugin/conjugate.c src/solver/direction/conjugate.c ''
copy examples/plugin/ellipse.c src/problem/domain/ellipse.c ''
copy src/solver/step/fixed.c src/solver/step/unit.c 's/"fixed"/"unit"/; s/Create_Fixed/Create_Unit/; s/step_length/unit_length/'
copy src/operators/curvature/sobolev.c src/operators/curvature/w.c 's/"\([lh]\)\([12]\)"/"w\1\2"/; s/Create_\([LH]\)/Create_W\1/'
copy src/problem/samplers/uniform.c src/problem/samplers/random.c 's/"uniform"/"random"/; s/SamplerUniform/SamplerRandom/'
copy src/network/residual.c src/network/shortcut.c 's/"residual"/"shortcut"/; s/"gated"/"valved"/; s/Build_\(Residual\|Gated\)/Build_New\1/'
cat >"$work/src/network/square.c" <<'C'
#include <engd/extend.h>

ENGD_REGISTER_FUNCTION("squared", EngdActivation_Square, 6);
ENGD_REGISTER_ACTIVATION("square", EngdActivation_Square);
void EngdActivation_Square(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[])
{
  for (PetscInt k = 0; k <= order; k++)
    for (PetscInt i = 0; i < n; i++) s[k][i] = k == 0 ? a[i] * a[i] : k == 1 ? 2 * a[i] : k == 2 ? 2 : 0;
}
C
build "new types in the tree, one file each"
((exit_code == 0)) || complain "make failed" "$(cat stderr)"
compiled=$(grep '^compile' stdout | grep -vc system/version.c) # which holds the commit, and here is none
((compiled == 8)) || complain "$compiled files were compiled, not seven types and the table"

ENGD_PROGRAM=$work/engd
run 2 -options_file poisson.opts -tao_engd_direction conjugate -tao_engd_step unit -tao_engd_unit_length 1e-4 \
  -tao_engd_curvature wl2 -pde_sampler random -network_activation square -network_type shortcut -network_layers 6,6 \
  -wall_residual "u + squared(u)" -tao_max_it 3 -engd_summary s.json
expect_exit 0
expect_stderr_empty
expect_equal "$(json s.json iterations)" 3
run 1 -options_file "$ENGD_ROOT/examples/plugin/torsion.opts" -tao_max_it 1
expect_exit 0
run 1 -options_file poisson.opts -help
expect_stdout 'direction: auto, conjugate, dense, dual'
run 1 -options_file poisson.opts -tao_engd_step unti
expect_exit 2
expect_stderr_one_line_matching 'no such step; the known ones are armijo, fixed, grid, quadratic, saddle, trust_region, unit'

copy src/solver/step/fixed.c src/solver/step/twice.c 's/"fixed"/"unit"/; s/Create_Fixed/Create_Twice/'
build "two files with one name"
((exit_code)) || complain "make went on"
grep -q '"unit".*another file registers this name' stderr || complain "the name is not told" "$(cat stderr)"
