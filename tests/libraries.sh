#!/usr/bin/env bash
# Builds and checks against other builds of PETSc and SLEPc, where the packages are: tests/libraries.sh
#
#   64-bit indices: libpetsc64-real3.18-dev and libslepc64-real3.18-dev
#   debugging:      libpetsc-real3.18-dbg and libslepc-real3.18-dbg, whose assertions look at arguments
# What is not there is skipped with a line that says so. The exit code is 1 when a check failed.
set -u
cd "$(dirname "$0")/.." || exit 1
status=0

leg() { # what, PETSC_DIR, SLEPC_DIR, packages
  if [ ! -e "$2/lib/pkgconfig" ] || [ ! -e "$3" ]; then
    echo "skipped: $1, as $2 or $3 is not there; to have it, install $4"
    return
  fi
  echo "$1: PETSC_DIR=$2 SLEPC_DIR=$3"
  make -s check B="build/${1%% *}" PETSC_DIR="$2" SLEPC_DIR="$3" PETSC_ARCH= || status=1
}

shopt -s nullglob
find_one() { echo "${1:-$2}"; } # the first that a pattern has, else the pattern itself
leg "64-bit indices" "$(find_one /usr/lib/petscdir/petsc64-3.*/*-real* '/usr/lib/petscdir/petsc64-3.*')" \
  "$(find_one /usr/lib/slepcdir/slepc64-3.*/*-real* '/usr/lib/slepcdir/slepc64-3.*')" "libpetsc64-real-dev and libslepc64-real-dev"
leg "debugging" "$(find_one /usr/lib/petscdir/petsc3.*/*-real-debug '/usr/lib/petscdir/petsc3.*/*-real-debug')" \
  "$(find_one /usr/lib/slepcdir/slepc3.*/*-real-debug '/usr/lib/slepcdir/slepc3.*/*-real-debug')" "libpetsc-real3.18-dbg and libslepc-real3.18-dbg"
exit $status
