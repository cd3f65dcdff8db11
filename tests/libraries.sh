#!/usr/bin/env bash
# Builds and tests against other builds of PETSc and SLEPc, each in a folder of build/libraries:
#
#   tests/libraries.sh                                                    Debian's of 64-bit indices and with debugging, where they are
#   PETSC_DIR=... [PETSC_ARCH=...] SLEPC_DIR=... tests/libraries.sh [NAME]  that one alone
#
# Warnings are errors; then the unit tests on one and two ranks, every options file, the installed library, and PETSc's own traps.
# What is not there is skipped with a line that says so. The exit code is 1 when something failed.
set -u
cd "$(dirname "$0")/.." || exit 1
status=0

try() { # name; PETSC_DIR, PETSC_ARCH and SLEPC_DIR are those to try
  local B=build/libraries/$1 begin=$SECONDS folder
  local PKG_CONFIG_PATH=${PKG_CONFIG_PATH:-} LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-} # for programs that the tests build
  for folder in "$PETSC_DIR" "$PETSC_DIR/$PETSC_ARCH" "$SLEPC_DIR" "$SLEPC_DIR/$PETSC_ARCH"; do
    PKG_CONFIG_PATH=$folder/lib/pkgconfig:$PKG_CONFIG_PATH LD_LIBRARY_PATH=$folder/lib:$LD_LIBRARY_PATH
  done
  export PKG_CONFIG_PATH LD_LIBRARY_PATH
  echo "$1: PETSC_DIR=$PETSC_DIR${PETSC_ARCH:+ PETSC_ARCH=$PETSC_ARCH} SLEPC_DIR=$SLEPC_DIR"
  make -s build-tests B="$B" WERROR=-Werror PETSC_DIR="$PETSC_DIR" PETSC_ARCH="$PETSC_ARCH" SLEPC_DIR="$SLEPC_DIR" &&
    B=$B PROGRAM=$B/engd MOST_RANKS=2 SELECT="tests/unit/* tests/run/options tests/run/library" tests/run.sh &&
    B=$B PROGRAM=$B/engd tests/traps.sh || status=1
  echo "$1: $((SECONDS - begin)) seconds"
}

try_packages() { # name, patterns of PETSC_DIR and SLEPC_DIR, packages
  PETSC_DIR=$(compgen -G "$2" | tail -n 1) SLEPC_DIR=$(compgen -G "$3" | tail -n 1)
  if [ -n "$PETSC_DIR" ] && [ -n "$SLEPC_DIR" ]; then
    PETSC_ARCH='' try "$1"
  else
    echo "skipped: $1, as there is no $2 or no $3; $4 have them"
  fi
}

if [ -n "${PETSC_DIR:-}" ]; then
  PETSC_ARCH=${PETSC_ARCH:-} SLEPC_DIR=${SLEPC_DIR:-$PETSC_DIR} try "${1:-${PETSC_ARCH:-own}}"
else
  petsc=/usr/lib/petscdir slepc=/usr/lib/slepcdir # SLEPc has no build with debugging, and that of PETSc has the same interface
  try_packages 64-bit-indices "$petsc/petsc64-*/*-real" "$slepc/slepc64-*/*-real" "libpetsc64-real-dev and libslepc64-real-dev"
  try_packages debugging "$petsc/petsc[0-9].*/*-real-debug" "$slepc/slepc[0-9].*/*-real" "libpetsc-real3.18-dbg and libslepc-real-dev"
fi
exit $status
