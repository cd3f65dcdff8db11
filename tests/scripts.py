#!/usr/bin/env python3
"""Runs Python scripts one after the other in one process, as matplotlib takes a second to start: see `script` in tests/run/case.sh.

Each line of the input is a directory, a script and its arguments, separated by the character 31. What the script says goes into
the file `words` of the directory, and its exit code into a line of the output.
"""
import contextlib
import os
import runpy
import sys
import traceback


def exit_code(script, arguments):
    sys.argv, sys.path[0] = [script, *arguments], os.path.dirname(script)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if not isinstance(end.code, str):
            return end.code or 0
        print(end.code)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")  # it warns of many
    return 0


for line in sys.stdin:
    directory, script, *arguments = line.rstrip("\n").split("\037")
    os.chdir(directory)
    with open("words", "w") as words, contextlib.redirect_stdout(words), contextlib.redirect_stderr(words):
        code = exit_code(script, arguments)
    print(code, flush=True)
