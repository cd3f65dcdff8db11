#!/usr/bin/env python3
"""A file of an optimiser is the same method under every problem: check_optimisers.py OPTIONS.

A run gives the problem's file first and that of the optimiser after it, so each setting of the method that some problem's file
makes must be made again by the optimiser's, unless the optimiser does not read it: options of another TAO type, direction or
step, of a KSP and a PC where there is none. How long to run (-tao_max_it, tolerances) is the problem's business.
"""
import pathlib
import re
import shlex
import sys

DIRECTIONS = ("krylov", "dense", "dual", "tsvd", "randomized")
STEPS = ("grid", "quadratic", "saddle", "trust_region", "armijo", "fixed")
TYPES = ("adam", "sgd", "competitive", "extragradient", "flow", "lmvm", "bqnls", "brgn", "engd")
FREE = {"tao_max_it", "tao_max_funcs", "tao_gatol", "tao_grtol", "tao_gttol", "tao_fmin"}


def settings(path):
    """Option -> value of a file, of the families of methods."""
    words = shlex.split(path.read_text(), comments=True)
    pairs = {}
    for word, after in zip(words, words[1:] + ["-"]):
        if re.match(r"-(tao|ksp|pc)_", word):
            pairs[word[1:]] = after
    return pairs


def reads(method, option):
    """May the method of this file read the option."""
    kind = method.get("tao_type", "engd")
    direction = method.get("tao_engd_direction", "auto")
    if option in FREE or option == "tao_type":
        return False
    if kind != "engd":
        return option.startswith(f"tao_{kind}_") or option.startswith("tao_ls_")
    if option.startswith(("ksp_", "pc_")):
        if method.get("ksp_type") == "preonly" and option.startswith("ksp_"):
            return False
        return direction == "krylov" and (not option.startswith("pc_kfac") or method.get("pc_type") == "kfac")
    for other in DIRECTIONS:
        if option.startswith(f"tao_engd_{other}_"):
            return direction == other
    for other in STEPS:
        if option.startswith(f"tao_engd_{other}_"):
            return method.get("tao_engd_step") == other
    if re.match("tao_(%s)_" % "|".join(t for t in TYPES if t != "engd"), option):
        return False
    if option == "tao_engd_rcond":
        return direction in ("tsvd", "randomized", "quotient")
    if option.startswith("tao_engd_damping") and direction in ("tsvd", "randomized"):
        return False  # these have a cut-off
    if option.startswith("tao_engd_damping_"):
        return method.get("tao_engd_damping_adapt") != "false"
    return True


folder = pathlib.Path(sys.argv[1])
bad = 0
# walkers, games, and points that are new in each iteration have methods of their own: those of a loss that stays do not go there
OWN = re.compile("_log_psi|_accept_increase|_maximise")
problems = [p for p in sorted(folder.rglob("*.opts")) if "optimisers" not in p.parts and not OWN.search(p.read_text())]
for path in sorted((folder / "optimisers").glob("*.opts")):
    method = settings(path)
    for problem in problems:
        for option, value in settings(problem).items():
            if option not in method and reads(method, option):
                print(f"{path}: leaves -{option} {value} of {problem} in place; say what the method has")
                bad += 1
sys.exit(bool(bad))
