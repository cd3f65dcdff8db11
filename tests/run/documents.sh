#!/usr/bin/env bash
# The documents: every command in README.md and docs/*.md runs, with few iterations; what they name, options, files and links, is
# there. The commands of a document run in its order in one directory, so that one may use the files of another. Scripts that draw
# are run where there is matplotlib.
. "$(dirname "$0")/case.sh"
files=$(mktemp -d)
trap 'finish_test; rm -rf "$files"; echo done' EXIT

name "what the documents name is there"
run 1 -version
python3 "$ENGD_ROOT/tests/check_documents.py" "$ENGD_ROOT" "$ENGD_PROGRAM" >names || complain "$(cat names)"
! command -v groff >/dev/null || expect_equal "$(groff -man -Tutf8 -ww "$ENGD_ROOT/docs/engd.1" 2>&1 >/dev/null)" ""

find_python matplotlib || python=

ncommands=0
# the files of the documents are whole before the first command reads one
python3 "$ENGD_ROOT/tests/check_documents.py" "$ENGD_ROOT" --commands "$files" >"$SCRATCH/commands"
while IFS=$'\t' read -r -u 3 document ranks code error arguments; do
  eval "set -- $arguments"
  ncommands=$((ncommands + 1))
  if [ "$ranks" = 0 ]; then
    [ -n "$python" ] || continue
    cd "$files/$document" || exit 1
    draw "$ENGD_ROOT/$1" "${@:2}" || complain "$*" "$(tail -n 3 words)"
    continue
  fi
  directory=$SCRATCH/run.$((runs + 1))
  mkdir -p "$directory" && cp -r "$files/$document/." "$directory"
  name "$document: $*"
  run "$ranks" "$@"
  expect_exit "$code"
  if [ "$code" = 0 ]; then expect_stderr_empty; else expect_equal "$(cat stderr)" "$error"; fi
  [ "$error" != - ] || expect_file stdout
  rm -f stderr.all && cp -r . "$files/$document"
done 3<"$SCRATCH/commands"
name "the documents have commands"
run 1 -version
expect_less 10 "$ncommands"
