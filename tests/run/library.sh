#!/usr/bin/env bash
# The installed copy that `make build-tests` leaves in $ENGD_BUILD/prefix: a program and a plug-in built against it with
# pkg-config alone, and what is said of an installation or a plug-in that does not fit.
. "$(dirname "$0")/case.sh"

if [ -n "${SANITIZED:-}" ]; then exit 0; fi # a sanitizer's library wants a program of the same compiler flags
prefix=$ENGD_BUILD/prefix
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig:${PKG_CONFIG_PATH:-}
work=$(mktemp -d)
trap 'finish_test; rm -rf "$work"; echo done' EXIT
cp -R "$ENGD_ROOT/examples/." "$work"

build() { # what words of the compiler...
  finish_test
  current="build $1 against the installed library" && shift
  cd "$work" || exit 1
  mpicc -O1 -Wall -Wextra -Werror "$@" >stdout 2>stderr || complain "it does not compile"
}
last() { grep -E "$1" stdout | tail -n 1; }

# A host program: PETSc is its own
read -ra flags <<<"$(pkg-config --cflags --libs engd)"
build "examples/poisson.c" poisson.c "${flags[@]}" -lm -o poisson
for ranks in 1 2; do
  ENGD_PROGRAM=$work/poisson run "$ranks" -tao_max_it 40
  expect_exit 0
  expect_stderr_empty
  read -r _ _ _ u _ gx gy <<<"$(last '^u\(0.25' | tr -d '(),')"
  expect_close "$u" 0.5 2e-2
  expect_close "$gx" 1.570796 5e-2
  expect_close "$gy" 1.570796 5e-2
done
name "a host program's own handler tells of a mistake"
ENGD_PROGRAM=$work/poisson run 1 -pde_points -3
((exit_code != 0)) || complain "exit code 0"
grep -q 'pde_points -3' stderr || complain "stderr does not name the option"
grep -q 'PETSC ERROR' stderr || complain "PETSc's own handler did not speak"

finish_test
current="what the installed README names is installed"
cd "$work" && : >stderr || exit 1
for link in $(grep -oE '\]\((docs|runs)/[^)#]*' "$prefix/share/doc/engd/README.md" | cut -c3-); do
  [ -e "$prefix/share/doc/engd/$link" ] || complain "$link is not"
done
expect_file "$prefix/share/doc/engd/docs/language.md"

# A program of engd's own, with a residual that fails or is no number at some points: EXIT is the code it ends with
cat >"$work/bad.c" <<'C'
#define main Example
int Example(int, char **);
#include "poisson.c"
#undef main
static PetscErrorCode Bad(void *ctx, PetscInt n, const PetscReal x[], const PetscReal normal[], const PetscReal argument[],
                          PetscReal value[], PetscReal first[], PetscReal second[])
{
  PetscFunctionBeginUser;
  PetscCheck(!*(PetscBool *)ctx, PETSC_COMM_SELF, PETSC_ERR_USER, "the table of the material ends at 300 K");
  PetscCall(Residual(NULL, n, x, normal, argument, value, first, second));
  for (PetscInt i = 0; i < n; i++) value[i] = x[2 * i] > 0.8 ? NAN : value[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}
static PetscErrorCode Run(void)
{
  EngdRun     run;
  EngdProblem problem;
  PetscBool   fail = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-fail", &fail));
  PetscCall(EngdRunCreate(PETSC_COMM_WORLD, &run));
  PetscCall(EngdRunGetProblem(run, &problem));
  PetscCall(SetProblem(problem, Bad, &fail));
  PetscCall(EngdRunSetFromOptions(run));
  PetscCall(EngdRunSetUp(run));
  PetscCall(EngdRunSolve(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
int main(int argc, char **argv)
{
  int code = EngdExitCode(EngdInitialize(&argc, &argv, help));

  if (!code) code = EngdExitCode(Run());
  return PetscMax(code, EngdExitCode(EngdFinalize()));
}
C
build "a program with a bad residual" bad.c "${flags[@]}" -lm -o bad
for ranks in 1 2; do
  name "a residual in C that is not finite"
  ENGD_PROGRAM=$work/bad run "$ranks"
  expect_exit 3
  expect_stderr_one_line_matching "pde.*not finite"
  name "a residual in C that returns an error"
  ENGD_PROGRAM=$work/bad run "$ranks" -fail
  ((exit_code == 2 || exit_code == 3)) || complain "exit code $exit_code"
  expect_stderr_one_line_matching "300 K|pde"
done

# The installed program, and types from outside
ENGD_PROGRAM=$prefix/bin/engd
read -ra flags <<<"$(pkg-config --cflags engd)"
build "examples/plugin" -shared -fPIC "${flags[@]}" -o libplugin.so "$work"/plugin/*.c
plugin=(-dll_append "$work/libplugin.so" -options_file "$work/plugin/torsion.opts" -engd_summary s.json)
for ranks in 1 3; do
  run "$ranks" "${plugin[@]}" -tao_max_it 30
  expect_exit 0
  expect_stderr_empty
  expect_less "$(json s.json relative_l2_error)" 1e-2
done
losses=()
for ranks in 1 3; do
  run "$ranks" "${plugin[@]}" -tao_max_it 15 -tao_engd_direction conjugate -tao_engd_step armijo -engd_history h.csv
  expect_exit 0
  losses+=("$(json s.json loss)")
  expect_less "$(json s.json loss)" "$(awk -F, 'NR == 2 {print 0.7 * $2}' h.csv)"
done
expect_close "${losses[1]}" "${losses[0]}" 1e-6
run 1 -options_file poisson.opts -tao_max_it 1
expect_exit 0

# rejects REGEX arguments...
rejects() {
  local regex=$1
  shift
  run 2 "$@"
  expect_exit 2
  expect_stderr_one_line_matching "$regex"
}
rejects '-domain_type ellipse: no such domain' -options_file "$work/plugin/torsion.opts"
rejects '-tao_engd_direction conjugate' -options_file poisson.opts -tao_engd_direction conjugate
cp "$work/libplugin.so" "$work/libother.so"
rejects 'libother.so.*no function PetscDLLibraryRegister_other' -options_file poisson.opts -dll_append "$work/libother.so"
rejects 'nowhere.so' -options_file poisson.opts -dll_append "$work/libnowhere.so"
cp "$ENGD_ROOT/README.md" "$work/libtext.so"
rejects 'libtext.so' -options_file poisson.opts -dll_append "$work/libtext.so"
mkdir "$work/old" && cp "$work"/plugin/*.c "$work/old" && sed -i 's/ENGD_VERSION/"0.0.9"/' "$work/old/plugin.c"
build "a plug-in for another version" -shared -fPIC "${flags[@]}" -o old/libplugin.so "$work"/old/*.c
rejects 'plugin was built for engd 0.0.9 and this is engd' -options_file poisson.opts -dll_append "$work/old/libplugin.so"
mkdir "$work/changed" && cp "$work"/plugin/*.c "$work/changed" && sed -i 's/ENGD_ABI)/ENGD_ABI + 1)/' "$work/changed/plugin.c"
build "a plug-in for other structs" -shared -fPIC "${flags[@]}" -o changed/libplugin.so "$work"/changed/*.c
rejects 'plugin was built with other headers of engd' -options_file poisson.opts -dll_append "$work/changed/libplugin.so"
cp -a "$prefix" "$work/bare" && rm -r "$work/bare/share/engd/options"
name "an installation without its options folder"
ENGD_PROGRAM=$work/bare/bin/engd rejects "options file 'poisson.opts' not found.*share/engd/options" -options_file poisson.opts
