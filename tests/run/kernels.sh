#!/usr/bin/env bash
# A library that does not know the processor, played by a preloaded one: the program begins anew with AVX-512, unless told not to.
. "$(dirname "$0")/case.sh"

[ -z "${SANITIZED:-}" ] || exit 0 # its runtime wants to be the first library
cat >"$SCRATCH/fake.c" <<'END'
#include <stdlib.h>
char *openblas_get_corename(void) { return getenv("OPENBLAS_CORETYPE") ? "SkylakeX" : "Haswell"; }
END
gcc -shared -fPIC -o "$SCRATCH/fake.so" "$SCRATCH/fake.c" || complain "it does not compile"
printf '#!/bin/sh\nexport LD_PRELOAD=%s\nexec %s "$@"\n' "$SCRATCH/fake.so" "$ENGD_PROGRAM" >"$SCRATCH/preloaded"
chmod +x "$SCRATCH/preloaded"
ENGD_PROGRAM=$SCRATCH/preloaded
unset OPENBLAS_CORETYPE
small=(-terms fit -fit_points 20 -fit_residual "u - x" -domain_lower 0 -domain_upper 1 -network_layers 4 -tao_max_it 1 -tao_view)
best=Haswell
grep -q ' avx512dq .*avx512bw .*avx512vl' /proc/cpuinfo && best=SkylakeX

name "AVX-512 without asking"
run 2 "${small[@]}"
expect_exit 0
expect_stdout "kernels for $best"
name "the kernels that the library has chosen"
run 1 "${small[@]}" -engd_blas_kernels library
expect_exit 0
expect_stdout "kernels for Haswell$"
