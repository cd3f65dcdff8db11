#!/usr/bin/env bash
# Does every header compile alone: tests/check_headers.sh COMPILER FLAGS...
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0
for header in include/*.h include/engd/*.h src/*/*.h src/*/*/*.h; do
  echo "#include \"$header\"" | "$@" -I. -fsyntax-only -x c - || { echo "$header does not compile alone" && failed=1; }
done
exit $failed
